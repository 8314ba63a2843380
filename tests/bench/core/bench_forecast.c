/*-------------------------------------------------------------------------
 *
 * bench_forecast.c
 *		Accuracy and cost of forecasting methods over a competition's series, by the
 *		core alone.  tests/bench/forecast builds and runs it.
 *
 * usage: bench_forecast SET [option]...		SET: path of SET_train.csv[.gz], without _train
 *	-m METHOD		a method; may be given several times (default naive2)
 *	-p NAME=VALUE	a parameter of the methods
 *	-j N			processes
 *	-s LIST			season lengths that methods are told, 24,168 (default: the set's)
 *	-e N			every Nth series only
 *	-g GROUP		one group only
 *	-o K			development: the test part is the Kth last block of h steps of the training
 *					part (1: the last), and the real test part is not looked at
 *	-f FILE			results of each series as CSV
 *	-v				what was fallen back from, and each series' label
 *
 * Files: train and test have series_id,step,y; meta has series_id,grp,...,m,h,n.  Scores
 * are those of the M4 competition: sMAPE and MASE averaged over the series, OWA the
 * mean of their ratios to Naive2's averages; MSIS and coverage at 95 %.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../src/core/augur.h"

#define MAX_METHODS 32
#define MAX_PAIRS	32
#define MAX_GROUPS	64
#define NAME_SIZE	64
#define LEVEL		0.95

typedef struct Series
{
	char id[NAME_SIZE];
	char group[NAME_SIZE];
	uint32_t m, h;
	size_t n, n_test, room, room_test;
	double *y, *test;
} Series;

typedef struct Score
{
	double smape, mase, coverage, msis, ms, aicc;
	bool done, fell_back;
	char label[AUG_LABEL_SIZE];
	char fallback[AUG_MESSAGE_SIZE];
} Score;

typedef struct Bench
{
	const char *set;
	const char *methods[MAX_METHODS];
	uint32_t n_methods; /* methods[0] is naive2, for the ratios */
	const char *pairs[MAX_PAIRS];
	uint32_t n_pairs;
	uint32_t jobs, every, origin;
	const char *group, *out;
	uint32_t n_periods;
	uint32_t periods[AUG_MAX_PERIODS];
	bool verbose;
	Series *series; /* ascending by id while reading, then in order of meta */
	size_t n_series;
	size_t left_out;
	Score *scores; /* [n_methods][n_series], shared by the processes */
} Bench;

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "bench_forecast: %s %s\n", what, which);
	exit(2);
}

static void *
need(void *p)
{
	if (p == NULL)
		die("out of memory", "");
	return p;
}

static void *
bench_alloc(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
bench_release(void *arg, void *p)
{
	(void) arg;
	free(p);
}

static bool
bench_poll(void *arg, double done)
{
	(void) arg;
	(void) done;
	return false;
}

static const AugHost host = {bench_alloc, bench_release, bench_poll, NULL};

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* ---- reading ------------------------------------------------------------- */

static FILE *
open_part(const Bench *b, const char *part, bool *piped)
{
	char name[4096], command[4200];
	FILE *f;

	snprintf(name, sizeof(name), "%s_%s.csv", b->set, part);
	*piped = false;
	f = fopen(name, "r");
	if (f != NULL)
		return f;
	snprintf(name, sizeof(name), "%s_%s.csv.gz", b->set, part);
	if (access(name, R_OK) != 0 || strchr(name, '\'') != NULL)
		die("cannot read", name);
	snprintf(command, sizeof(command), "zcat '%s'", name);
	*piped = true;
	return need(popen(command, "r"));
}

static void
close_part(FILE *f, bool piped)
{
	if (piped)
		pclose(f);
	else
		fclose(f);
}

/* Cuts a line at its commas; returns the number of fields. */
static uint32_t
cut(char *line, char *fields[], uint32_t room)
{
	uint32_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *at = line; at != NULL && n < room; n++)
	{
		fields[n] = at;
		at = strchr(at, ',');
		if (at != NULL)
			*at++ = '\0';
	}
	return n;
}

static uint32_t
column(char *fields[], uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
	{
		if (strcmp(fields[i], name) == 0)
			return i;
	}
	die("no column", name);
	return 0;
}

static void
read_meta(Bench *b)
{
	char line[4096], *f[16];
	bool piped;
	FILE *in = open_part(b, "meta", &piped);
	uint32_t n, id, group, m, h;
	size_t room = 0;

	if (fgets(line, sizeof(line), in) == NULL)
		die("empty file of", b->set);
	n = cut(line, f, 16);
	id = column(f, n, "series_id");
	group = column(f, n, "grp");
	m = column(f, n, "m");
	h = column(f, n, "h");
	while (fgets(line, sizeof(line), in) != NULL)
	{
		Series *s;

		if (cut(line, f, 16) < n)
			continue;
		if (b->n_series == room)
			b->series = need(realloc(b->series, (room = room * 2 + 64) * sizeof(Series)));
		s = &b->series[b->n_series++];
		memset(s, 0, sizeof(*s));
		snprintf(s->id, NAME_SIZE, "%s", f[id]);
		snprintf(s->group, NAME_SIZE, "%s", f[group]);
		s->m = (uint32_t) atoi(f[m]);
		s->h = (uint32_t) atoi(f[h]);
	}
	close_part(in, piped);
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const Series *) a)->id, ((const Series *) b)->id);
}

static void
append(double **values, size_t *n, size_t *room, double v)
{
	if (*n == *room)
		*values = need(realloc(*values, (*room = *room * 2 + 64) * sizeof(double)));
	(*values)[(*n)++] = v;
}

static void
read_values(Bench *b, const char *part)
{
	char line[4096], *f[16];
	bool piped, test = strcmp(part, "test") == 0;
	FILE *in = open_part(b, part, &piped);
	Series *s = NULL;
	uint32_t n, id, y;

	if (fgets(line, sizeof(line), in) == NULL)
		die("empty file of", b->set);
	n = cut(line, f, 16);
	id = column(f, n, "series_id");
	y = column(f, n, "y");
	while (fgets(line, sizeof(line), in) != NULL)
	{
		Series key;

		if (cut(line, f, 16) < n)
			continue;
		snprintf(key.id, NAME_SIZE, "%s", f[id]);
		if (s == NULL || strcmp(s->id, key.id) != 0)
			s = bsearch(&key, b->series, b->n_series, sizeof(Series), by_id);
		if (s == NULL)
			die("series that meta has not:", key.id);
		if (test)
			append(&s->test, &s->n_test, &s->room_test, *f[y] != '\0' ? atof(f[y]) : NAN);
		else
			append(&s->y, &s->n, &s->room, *f[y] != '\0' ? atof(f[y]) : NAN);
	}
	close_part(in, piped);
}

/* Leaves the series that are wanted, with the test part that is wanted. */
static void
choose(Bench *b)
{
	size_t kept = 0, seen = 0;

	for (size_t i = 0; i < b->n_series; i++)
	{
		Series s = b->series[i];

		if (b->group != NULL && strcmp(b->group, s.group) != 0)
			continue;
		if (seen++ % b->every != 0)
			continue;
		if (b->origin > 0)
		{
			size_t held = (size_t) b->origin * s.h;

			if (s.n < held + s.h || s.n < held + s.m + 2)
			{
				b->left_out++;
				continue;
			}
			s.n -= held;
			s.test = s.y + s.n;
			s.n_test = s.h;
		}
		if (s.n_test < s.h)
			die("short test part of series", s.id);
		b->series[kept++] = s;
	}
	b->n_series = kept;
	if (kept == 0)
		die("no series in", b->set);
}

/* ---- running ------------------------------------------------------------- */

static void
stop_if(AugStatus status, const char *series, const AugError *err)
{
	if (status == AUG_OK)
		return;
	fprintf(stderr, "bench_forecast: %s: %s %s %s\n", series, err->message, err->detail, err->hint);
	exit(1);
}

static AugParams *
make_params(const Bench *b, uint32_t method)
{
	AugParams *params;
	AugError err;

	stop_if(aug_params_new(&host, aug_forecast_about(), &params, &err), "", &err);
	stop_if(aug_params_set(params, "method", b->methods[method], &err), "", &err);
	for (uint32_t i = 0; method > 0 && i < b->n_pairs; i++)
	{
		char name[256], *value;

		snprintf(name, sizeof(name), "%s", b->pairs[i]);
		value = strchr(name, '=');
		if (value == NULL)
			die("no = in", name);
		*value++ = '\0';
		stop_if(aug_params_set(params, name, value, &err), b->methods[method], &err);
	}
	return params;
}

static void
run_series(const Bench *b, const Series *s, uint32_t method, const AugParams *params, Score *score)
{
	static const double level = LEVEL;
	AugSeries series = {.n = s->n, .y = s->y};
	AugForecastOptions o = {.params = params, .horizon = s->h, .n_levels = 1, .levels = &level};
	AugForecast *f;
	AugAccuracy a;
	AugError err;
	double start, scale = aug_scale_absolute(s->y, s->n, s->m);

	if (method > 0 && b->n_periods > 0)
	{
		series.n_periods = b->n_periods;
		memcpy(series.period, b->periods, sizeof(series.period));
	}
	else if (s->m > 1)
	{
		series.n_periods = 1;
		series.period[0] = s->m;
	}
	start = cpu_now();
	stop_if(aug_forecast_run(&host, &series, &o, &f, &err), s->id, &err);
	score->ms = (cpu_now() - start) * 1e3;
	aug_forecast_accuracy(s->test, f->mean, f->lower, f->upper, LEVEL, s->h, scale,
						  aug_scale_squared(s->y, s->n, s->m), &a);
	score->smape = a.smape;
	score->mase = a.mase;
	score->coverage = a.coverage;
	score->msis = a.msis;
	score->aicc = f->aicc;
	score->fell_back = f->fallback[0] != '\0';
	memcpy(score->label, f->method, sizeof(score->label));
	memcpy(score->fallback, f->fallback, sizeof(score->fallback));
	score->done = true;
	aug_forecast_free(&host, f);
}

static void
run_all(Bench *b)
{
	size_t size = (size_t) b->n_methods * b->n_series * sizeof(Score);

	b->scores = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->scores == MAP_FAILED)
		die("out of memory", "");
	for (uint32_t job = 0; job < b->jobs; job++)
	{
		if (b->jobs > 1 && fork() != 0)
			continue;
		for (uint32_t k = 0; k < b->n_methods; k++)
		{
			AugParams *params = make_params(b, k);

			for (size_t i = job; i < b->n_series; i += b->jobs)
				run_series(b, &b->series[i], k, params, &b->scores[k * b->n_series + i]);
			aug_params_free(params);
		}
		if (b->jobs > 1)
			_exit(0);
	}
	for (uint32_t job = 0, status; b->jobs > 1 && job < b->jobs; job++)
	{
		if (wait((int *) &status) < 0 || status != 0)
			exit(1);
	}
}

/* ---- reporting ----------------------------------------------------------- */

typedef struct Mean
{
	double sum;
	uint32_t n;
} Mean;

static void
add(Mean *m, double v)
{
	if (isfinite(v))
	{
		m->sum += v;
		m->n++;
	}
}

static double
mean(const Mean *m)
{
	return m->sum / m->n;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* One line: a method over a group (NULL: all). */
static void
print_line(const Bench *b, uint32_t method, const char *group)
{
	Mean smape = {0}, mase = {0}, coverage = {0}, msis = {0}, ms = {0}, s2 = {0}, m2 = {0};
	double *times = need(malloc(b->n_series * sizeof(double)));
	uint32_t n = 0, fell = 0;

	for (size_t i = 0; i < b->n_series; i++)
	{
		const Score *s = &b->scores[method * b->n_series + i];

		if (group != NULL && strcmp(b->series[i].group, group) != 0)
			continue;
		if (isnan(aug_scale_absolute(b->series[i].y, b->series[i].n, b->series[i].m)))
			continue; /* no scale: left out of every average */
		add(&smape, s->smape);
		add(&mase, s->mase);
		add(&coverage, s->coverage);
		add(&msis, s->msis);
		add(&ms, s->ms);
		add(&s2, b->scores[i].smape);
		add(&m2, b->scores[i].mase);
		times[n++] = s->ms;
		fell += s->fell_back ? 1 : 0;
	}
	qsort(times, n, sizeof(double), by_value);
	printf("%-22s %-10s %5u %8.3f %7.3f %7.4f %7.4f %8.3f %9.4f %9.4f %5u\n", b->methods[method],
		   group == NULL ? "all" : group, n, mean(&smape), mean(&mase),
		   (mean(&smape) / mean(&s2) + mean(&mase) / mean(&m2)) / 2, mean(&coverage), mean(&msis),
		   mean(&ms), n > 0 ? times[n / 2] : NAN, fell);
	free(times);
}

static void
report(const Bench *b)
{
	const char *groups[MAX_GROUPS];
	uint32_t n_groups = 0;

	for (size_t i = 0; i < b->n_series; i++)
	{
		uint32_t g = 0;

		while (g < n_groups && strcmp(groups[g], b->series[i].group) != 0)
			g++;
		if (g == n_groups && n_groups < MAX_GROUPS)
			groups[n_groups++] = b->series[i].group;
	}
	if (b->left_out > 0)
		printf("%zu series are too short for this origin and left out\n", b->left_out);
	printf("%-22s %-10s %5s %8s %7s %7s %7s %8s %9s %9s %5s\n", "method", "group", "n", "sMAPE",
		   "MASE", "OWA", "cover95", "MSIS95", "ms", "ms median", "fell");
	for (uint32_t k = 0; k < b->n_methods; k++)
	{
		for (uint32_t g = 0; n_groups > 1 && g < n_groups; g++)
			print_line(b, k, groups[g]);
		print_line(b, k, NULL);
	}
}

static void
write_scores(const Bench *b)
{
	FILE *f = fopen(b->out, "w");

	if (f == NULL)
		die("cannot write", b->out);
	fprintf(f, "series_id,grp,method,smape,mase,coverage,msis,ms,aicc,label\n");
	for (uint32_t k = 0; k < b->n_methods; k++)
	{
		for (size_t i = 0; i < b->n_series; i++)
		{
			const Score *s = &b->scores[k * b->n_series + i];

			fprintf(f, "%s,%s,%s,%.6f,%.6f,%.6f,%.6f,%.6f,%.8f,\"%s\"\n", b->series[i].id,
					b->series[i].group, b->methods[k], s->smape, s->mase, s->coverage, s->msis,
					s->ms, s->aicc, s->label);
		}
	}
	fclose(f);
}

static void
tell_fallbacks(const Bench *b)
{
	for (uint32_t k = 1; k < b->n_methods; k++)
	{
		for (size_t i = 0; i < b->n_series; i++)
		{
			const Score *s = &b->scores[k * b->n_series + i];

			printf("%s %s: %s%s%s\n", b->series[i].id, b->methods[k], s->label,
				   s->fell_back ? "; " : "", s->fallback);
		}
	}
}

static void
read_periods(Bench *b, char *list)
{
	for (char *at = strtok(list, ","); at != NULL; at = strtok(NULL, ","))
	{
		if (b->n_periods == AUG_MAX_PERIODS)
			die("too many season lengths", "");
		b->periods[b->n_periods++] = (uint32_t) atoi(at);
	}
}

int
main(int argc, char **argv)
{
	Bench b = {.jobs = 1, .every = 1, .n_methods = 1, .methods = {"naive2"}};
	int c;

	while ((c = getopt(argc, argv, "m:p:j:s:e:g:o:f:v")) != -1)
	{
		if (c == 'm' && b.n_methods < MAX_METHODS)
			b.methods[b.n_methods++] = optarg;
		else if (c == 'p' && b.n_pairs < MAX_PAIRS)
			b.pairs[b.n_pairs++] = optarg;
		else if (c == 'j' && atoi(optarg) > 0)
			b.jobs = (uint32_t) atoi(optarg);
		else if (c == 's')
			read_periods(&b, optarg);
		else if (c == 'e' && atoi(optarg) > 0)
			b.every = (uint32_t) atoi(optarg);
		else if (c == 'g')
			b.group = optarg;
		else if (c == 'o' && atoi(optarg) > 0)
			b.origin = (uint32_t) atoi(optarg);
		else if (c == 'f')
			b.out = optarg;
		else if (c == 'v')
			b.verbose = true;
		else
			die("bad option or value; the head of the source lists them", "");
	}
	if (optind != argc - 1)
		die("one SET is wanted", "");
	b.set = argv[optind];
	read_meta(&b);
	qsort(b.series, b.n_series, sizeof(Series), by_id);
	read_values(&b, "train");
	if (b.origin == 0)
		read_values(&b, "test");
	choose(&b);
	run_all(&b);
	if (b.verbose)
		tell_fallbacks(&b);
	report(&b);
	if (b.out != NULL)
		write_scores(&b);
	return 0;
}
