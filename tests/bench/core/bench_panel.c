/*-------------------------------------------------------------------------
 *
 * bench_panel.c
 *		One model over many series against a model a series, by rolling origin, by the
 *		core alone.  tests/bench/panel builds and runs it.
 *
 * usage: bench_panel [option]... pasta|orange_juice FILE
 *	-p NAME=VALUE	an option of the global model
 *	-b NAME=VALUE	an option of the methods a series
 *	-m METHOD		a method a series, several times; METHOD+x: with regressors.  Default:
 *					seasonal_naive, auto, auto+x, arima+x
 *	-n N			origins (default 3)
 *	-s STEPS		from one origin to the next (default: the set's, so that they do not overlap)
 *	-d STEPS		development: all origins so many steps earlier; nothing later is looked at
 *	-g				the global model only
 *	-h STEPS		horizon (default: the set's, 28 days or 8 weeks)
 *
 * Errors of all series, origins and steps: MASE and RMSSE are means over series and
 * origins, with scales of the season's differences before the origin; WAPE is the sum
 * of absolute errors over that of values.  Coverage and MSIS are of the 95 % interval.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../src/core/augur.h"

#define MAX_SERIES	1000
#define MAX_STEPS	4000
#define MAX_X		8
#define MAX_METHODS 16
#define MAX_PAIRS	32
#define LEVEL		0.95
#define CALENDAR	6

typedef struct Set
{
	const char *name;
	const char *keys[2]; /* columns */
	uint32_t n_keys;
	const char *time, *value;
	const char *x[MAX_X];
	uint32_t n_x;
	bool daily;
	uint32_t horizon;
	uint32_t period[2]; /* of methods a series; the first is that of the scales */
	uint32_t n_periods;
	uint32_t step; /* between origins */
} Set;

static const Set sets[] = {
	{"pasta", {"item", "brand"}, 2, "sale_date", "qty", {"promo"}, 1, true, 28, {7, 365}, 2, 112},
	{"orange_juice",
	 {"store", "brand"},
	 2,
	 "week",
	 "ounces_sold",
	 {"price", "deal", "feat", "share_age60", "share_college", "ln_income", "competitor_miles"},
	 7,
	 false,
	 8,
	 {52, 0},
	 1,
	 8}};

typedef struct One
{
	char key[2][64];
	const char *statics[2];
	int64_t first, last;
	double y[MAX_STEPS]; /* by step of the set's time */
	double x[MAX_STEPS][MAX_X];
} One;

typedef struct Score
{
	double mase, rmsse, wape_up, wape_down, inside, points, msis, n, n_scaled;
} Score;

typedef struct Bench
{
	const Set *set;
	const char *file;
	One *ones[MAX_SERIES];
	uint32_t n;
	int64_t start, end; /* time of the first and last step */
	size_t steps;
	double calendar[MAX_STEPS + 400][CALENDAR];
	uint32_t n_calendar;
	const char *params[MAX_PAIRS], *base_params[MAX_PAIRS], *methods[MAX_METHODS];
	uint32_t n_params, n_base_params, n_methods, origins, step, shift, horizon;
	bool only;
} Bench;

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "bench_panel: %s %s\n", what, which);
	exit(2);
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

static void
check(AugStatus status, const AugError *err)
{
	if (status != AUG_OK)
		die(err->message, err->detail);
}

/* ---- reading ------------------------------------------------------------- */

/* Days since 1970 of a civil date (Hinnant). */
static int64_t
day_number(int y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

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
		if (strcmp(fields[i], name) == 0)
			return i;
	die("no column", name);
	return 0;
}

static int64_t
time_of(const Set *set, const char *text)
{
	int y, m, d;

	if (!set->daily)
		return strtoll(text, NULL, 10);
	if (sscanf(text, "%d-%d-%d", &y, &m, &d) != 3)
		die("no date:", text);
	return day_number(y, m, d);
}

static One *
series_of(Bench *b, const char *const key[2])
{
	One *one;

	for (uint32_t i = 0; i < b->n; i++)
		if (strcmp(b->ones[i]->key[0], key[0]) == 0 && strcmp(b->ones[i]->key[1], key[1]) == 0)
			return b->ones[i];
	if (b->n == MAX_SERIES || (one = calloc(1, sizeof(One))) == NULL)
		die("too many series in", b->file);
	for (uint32_t j = 0; j < 2; j++)
	{
		snprintf(one->key[j], sizeof(one->key[j]), "%s", key[j]);
		one->statics[j] = one->key[j];
	}
	for (size_t t = 0; t < MAX_STEPS; t++)
		one->y[t] = NAN;
	one->first = INT64_MAX;
	return b->ones[b->n++] = one;
}

static int
by_key(const void *a, const void *b)
{
	const One *x = *(One *const *) a, *y = *(One *const *) b;
	int first = strcmp(x->key[0], y->key[0]);

	return first != 0 ? first : strcmp(x->key[1], y->key[1]);
}

static void
read_row(Bench *b, char *f[], const uint32_t at[], uint32_t n)
{
	const Set *set = b->set;
	const char *key[2] = {f[at[0]], f[at[1]]};
	One *one = series_of(b, key);
	int64_t t = time_of(set, f[at[2]]);

	if (b->start == INT64_MAX)
		b->start = t; /* files are in order of time */
	if (t < b->start || t - b->start >= MAX_STEPS)
		die("time out of range:", f[at[2]]);
	b->end = t > b->end ? t : b->end;
	t -= b->start;
	one->first = t < one->first ? t : one->first;
	one->last = t;
	one->y[t] = strtod(f[at[3]], NULL);
	for (uint32_t j = 0; j < set->n_x; j++)
		one->x[t][j] = strtod(f[at[4 + j]], NULL);
	(void) n;
}

/* Regressors of steps without a row: of flags none, else what was before. */
static void
fill_x(Bench *b)
{
	for (uint32_t i = 0; i < b->n; i++)
	{
		One *one = b->ones[i];

		for (size_t t = (size_t) one->first + 1; t < b->steps; t++)
			if (isnan(one->y[t]) && !b->set->daily)
				memcpy(one->x[t], one->x[t - 1], sizeof(one->x[t]));
	}
}

static void
read_set(Bench *b)
{
	const Set *set = b->set;
	FILE *in = fopen(b->file, "r");
	char line[4096], *f[64];
	uint32_t at[4 + MAX_X], n;

	if (in == NULL || fgets(line, sizeof(line), in) == NULL)
		die("cannot read", b->file);
	n = cut(line, f, 64);
	at[0] = column(f, n, set->keys[0]);
	at[1] = column(f, n, set->keys[1]);
	at[2] = column(f, n, set->time);
	at[3] = column(f, n, set->value);
	for (uint32_t j = 0; j < set->n_x; j++)
		at[4 + j] = column(f, n, set->x[j]);
	b->start = INT64_MAX;
	while (fgets(line, sizeof(line), in) != NULL)
		if (cut(line, f, 64) == n)
			read_row(b, f, at, n);
	fclose(in);
	b->steps = (size_t) (b->end - b->start) + 1;
	qsort(b->ones, b->n, sizeof(One *), by_key);
	fill_x(b);
}

/* Weekday, day of the month, month, day of the year; week of the year. */
static void
make_calendar(Bench *b)
{
	b->n_calendar = b->set->daily ? 4 : getenv("NOCAL") ? 0 : 1;
	for (size_t t = 0; t < b->steps + 400; t++)
	{
		time_t at = (time_t) (b->start + (int64_t) t) * 86400;
		struct tm when;

		if (!b->set->daily)
		{
			b->calendar[t][0] = (double) ((b->start + (int64_t) t) % 52);
			continue;
		}
		gmtime_r(&at, &when);
		b->calendar[t][0] = when.tm_wday;
		b->calendar[t][1] = when.tm_mday;
		b->calendar[t][2] = when.tm_mon;
		b->calendar[t][3] = when.tm_yday;
	}
}

/* ---- a series at an origin ------------------------------------------------ */

/* One member of n steps before the origin (a step of the set); false: it has none. */
static bool
member_at(const Bench *b, const One *one, size_t origin, size_t known, AugPanelMember *m, double *x,
		  double *calendar)
{
	size_t first = (size_t) one->first;

	if (origin <= first)
		return false;
	memset(m, 0, sizeof(*m));
	m->series.n = origin - first;
	m->series.y = one->y + first;
	m->series.n_regressors = b->set->n_x;
	m->series.n_x = known - first;
	for (size_t t = first; t < known; t++)
	{
		memcpy(x + (t - first) * b->set->n_x, one->x[t], b->set->n_x * sizeof(double));
		memcpy(calendar + (t - first) * b->n_calendar, b->calendar[t],
			   b->n_calendar * sizeof(double));
	}
	m->series.x = x;
	m->calendar = calendar;
	m->statics = one->statics;
	return true;
}

static void
score(const Bench *b, const One *one, size_t origin, const AugForecast *f, Score *s)
{
	const double *actual = one->y + origin, *before = one->y + one->first;
	size_t n = origin - (size_t) one->first;
	uint32_t m = b->set->period[0];
	AugAccuracy a;

	aug_forecast_accuracy(actual, f->mean, f->lower, f->upper, LEVEL, b->horizon,
						  aug_scale_absolute(before, n, m), aug_scale_squared(before, n, m), &a);
	if (a.n == 0)
		return;
	s->wape_up += a.mae * a.n;
	for (uint32_t h = 0; h < b->horizon; h++)
		s->wape_down += isnan(actual[h]) ? 0 : fabs(actual[h]);
	if (isfinite(a.coverage))
	{
		s->inside += a.coverage * a.n;
		s->points += a.n;
	}
	s->n++;
	if (!isfinite(a.mase))
		return;
	s->mase += a.mase;
	s->rmsse += a.rmsse;
	s->msis += a.msis;
	s->n_scaled++;
}

static void
print_score(const char *what, const Score *s, double seconds)
{
	printf("%-28s %7.4f %7.4f %7.4f  %6.3f %7.2f  %7.1f  %5.0f\n", what, s->mase / s->n_scaled,
		   s->rmsse / s->n_scaled, s->wape_up / s->wape_down, s->inside / s->points,
		   s->msis / s->n_scaled, seconds, s->n);
	fflush(stdout);
}

/* ---- methods --------------------------------------------------------------- */

static AugParams *
make_params(const AugAlgorithm *about, const char *const *pairs, uint32_t n)
{
	AugError err;
	AugParams *params;

	check(aug_params_new(&host, about, &params, &err), &err);
	for (uint32_t i = 0; i < n; i++)
	{
		char name[64];
		size_t length = strcspn(pairs[i], "=");

		if (pairs[i][length] == '\0' || length >= sizeof(name))
			die("not NAME=VALUE:", pairs[i]);
		memcpy(name, pairs[i], length);
		name[length] = '\0';
		check(aug_params_set(params, name, pairs[i] + length + 1, &err), &err);
	}
	return params;
}

static void
run_method(const Bench *b, const char *method, size_t origin, Score *s)
{
	char name[64];
	const char *plus = strchr(method, '+');
	const double level = LEVEL;
	static double x[MAX_STEPS * MAX_X], calendar[MAX_STEPS * CALENDAR];
	AugParams *params = make_params(aug_forecast_about(), b->base_params, b->n_base_params);
	AugError err;

	snprintf(name, sizeof(name), "%.*s", (int) strcspn(method, "+"), method);
	check(aug_params_set(params, "method", name, &err), &err);
	for (uint32_t i = 0; i < b->n; i++)
	{
		AugForecastOptions o = {
			.params = params, .horizon = b->horizon, .n_levels = 1, .levels = &level, .seed = 1};
		AugPanelMember m;
		AugForecast *f;

		if (!member_at(b, b->ones[i], origin, origin + b->horizon, &m, x, calendar))
			continue;
		if (plus == NULL)
			m.series.n_regressors = 0;
		for (uint32_t k = 0; k < b->set->n_periods; k++)
			if (m.series.n >= 2 * (size_t) b->set->period[k])
				m.series.period[m.series.n_periods++] = b->set->period[k];
		check(aug_forecast_run(&host, &m.series, &o, &f, &err), &err);
		score(b, b->ones[i], origin, f, s);
		aug_forecast_free(&host, f);
	}
	aug_params_free(params);
}

static void
run_global(const Bench *b, size_t origin, Score *s)
{
	static const char *const calendar_names[] = {"a", "b", "c", "d", "e", "f"};
	const double level = LEVEL;
	AugParams *params = make_params(aug_panel_about(), b->params, b->n_params);
	AugPanelMember *members = calloc(b->n, sizeof(AugPanelMember));
	One **of = calloc(b->n, sizeof(One *));
	AugPanel panel = {.members = members,
					  .n_statics = 2,
					  .static_names = b->set->keys,
					  .n_calendar = b->n_calendar,
					  .calendar_names = calendar_names,
					  .n_regressors = b->set->n_x,
					  .regressor_names = b->set->x,
					  .n_periods = b->set->n_periods};
	AugPanelFit *fit;
	AugPanelModel *model;
	AugError err;

	memcpy(panel.period, b->set->period, sizeof(b->set->period));
	for (uint32_t i = 0; i < b->n; i++)
	{
		double *x = malloc(b->steps * b->set->n_x * sizeof(double));
		double *calendar = malloc((b->steps + 1) * b->n_calendar * sizeof(double));

		of[panel.n_members] = b->ones[i];
		if (member_at(b, b->ones[i], origin, origin + b->horizon, &members[panel.n_members], x,
					  calendar))
			panel.n_members++;
	}
	check(aug_panel_fit(&host, &panel, params, b->horizon, 1, &level, 1, &fit, &err), &err);
	fprintf(stderr, "%u series, %u rows of %.0f, %u trees, %u folds, %zu bytes; %s\n",
			fit->n_learnt, fit->n_rows, fit->n_possible, fit->n_rounds, fit->n_folds,
			fit->artifact.length, fit->warning);
	check(aug_panel_read(&host, fit->artifact.bytes, fit->artifact.length, &model, &err), &err);
	for (uint32_t i = 0; i < panel.n_members; i++)
	{
		AugForecast *f;

		check(aug_panel_forecast(&host, model, &members[i], b->horizon, 1, &level, &f, &err), &err);
		score(b, of[i], origin, f, s);
		aug_forecast_free(&host, f);
		free((void *) (uintptr_t) members[i].series.x);
		free((void *) (uintptr_t) members[i].calendar);
	}
	if (getenv("BENCH_IMPORTANCE") != NULL)
	{
		const AugModelInfo *info = aug_panel_info(model)->model;

		for (uint32_t i = 0; i < info->n_features; i++)
			fprintf(stderr, "%8.4f %s\n", info->importance[i], info->features[i].name);
	}
	aug_panel_free(model);
	aug_panel_fit_free(&host, fit);
	aug_params_free(params);
	free(members);
	free(of);
}

static void
run(const Bench *b)
{
	printf("%-28s %7s %7s %7s  %6s %7s  %7s  %5s\n", "method", "MASE", "RMSSE", "WAPE", "cover",
		   "MSIS", "CPU s", "n");
	for (uint32_t i = 0; i <= (b->only ? 0 : b->n_methods); i++)
	{
		Score all;
		double before = cpu_now();

		memset(&all, 0, sizeof(all));
		for (uint32_t k = 0; k < b->origins; k++)
		{
			size_t origin = b->steps - b->horizon - b->shift - (size_t) k * b->step;

			if (i == 0)
				run_global(b, origin, &all);
			else
				run_method(b, b->methods[i - 1], origin, &all);
		}
		print_score(i == 0 ? "global_boosting" : b->methods[i - 1], &all, cpu_now() - before);
	}
}

static void
usage(void)
{
	fprintf(stderr, "usage: bench_panel [option]... pasta|orange_juice FILE\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static Bench b = {.methods = {"seasonal_naive", "auto", "auto+x", "arima+x"}, .n_methods = 4};
	bool given = false;
	int i = 1;

	b.origins = 3;
	for (; i < argc && argv[i][0] == '-'; i++)
	{
		char option = argv[i][1];

		if (option == 'g')
		{
			b.only = true;
			continue;
		}
		if (++i >= argc)
			usage();
		if (option == 'm')
		{
			b.n_methods = given ? b.n_methods : 0;
			given = true;
		}
		if (option == 'p' && b.n_params < MAX_PAIRS)
			b.params[b.n_params++] = argv[i];
		else if (option == 'b' && b.n_base_params < MAX_PAIRS)
			b.base_params[b.n_base_params++] = argv[i];
		else if (option == 'm' && b.n_methods < MAX_METHODS)
			b.methods[b.n_methods++] = argv[i];
		else if (option == 'n')
			b.origins = (uint32_t) strtoul(argv[i], NULL, 10);
		else if (option == 's')
			b.step = (uint32_t) strtoul(argv[i], NULL, 10);
		else if (option == 'd')
			b.shift = (uint32_t) strtoul(argv[i], NULL, 10);
		else if (option == 'h')
			b.horizon = (uint32_t) strtoul(argv[i], NULL, 10);
		else
			usage();
	}
	if (argc - i != 2)
		usage();
	for (uint32_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++)
		if (strcmp(argv[i], sets[k].name) == 0)
			b.set = &sets[k];
	if (b.set == NULL)
		usage();
	b.file = argv[i + 1];
	b.horizon = b.horizon > 0 ? b.horizon : b.set->horizon;
	b.step = b.step > 0 ? b.step : b.set->step;
	read_set(&b);
	if (b.steps < b.horizon + b.shift + (size_t) (b.origins - 1) * b.step + 30)
		die("too few steps in", b.file);
	make_calendar(&b);
	run(&b);
	return 0;
}
