/*-------------------------------------------------------------------------
 *
 * bench_core.c
 *		Times of the numeric core alone: training and scoring of a forest on
 *		synthetic data like that of the speed goals, in one process, CPU time.
 *
 *	cc -O3 -std=c11 -D_GNU_SOURCE -ffp-contract=off -DAUGUR_VERSION='"0"' -o bench_core \
 *		tests/bench/core/bench_core.c $(find src/core -name '*.c') -lm
 *	bench_core rows trees task [name=value]...
 *
 * task: higgs (28 columns, two classes), classes (six of them), reg (15 columns,
 * regression), mixed (numbers with missing values and categories, two classes).
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../src/core/augur.h"
#include "../../../src/core/rng.h"

#define MAX_COLUMNS 64
#define CHUNK		1000 /* rows scored between two looks at the clock */

typedef struct Bench
{
	const char *task;
	uint32_t n_train, n_test;
	uint32_t p;
	double *x; /* [n_train + n_test][p] */
	double *y;
	uint32_t *label;
	uint32_t n_classes;
	uint32_t levels[MAX_COLUMNS]; /* 0: numeric */
	AugFeature features[MAX_COLUMNS];
	AugMatrix train, test;
} Bench;

static void *
need(size_t size)
{
	void *p = calloc(1, size + 64);

	if (p == NULL)
		abort();
	return p;
}

/* Memory of the core: a header keeps the size, the peak is reported. */
static size_t live, peak;

static void *
bench_alloc(void *arg, size_t size)
{
	char *block = malloc(size + 16);

	(void) arg;
	if (block == NULL)
		return NULL;
	memcpy(block, &size, sizeof(size));
	live += size;
	peak = live > peak ? live : peak;
	return block + 16;
}

static void
bench_release(void *arg, void *p)
{
	size_t size;

	(void) arg;
	if (p == NULL)
		return;
	memcpy(&size, (char *) p - 16, sizeof(size));
	live -= size;
	free((char *) p - 16);
}

static double
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The fastest and the median of n times: what the code can do, and what it did. */
static void
best_and_median(double *times, uint32_t n, double *best, double *median)
{
	qsort(times, n, sizeof(double), by_value);
	*best = times[0];
	*median = times[n / 2];
}

static double last_poll, longest_poll;

static bool
bench_poll(void *arg, double done)
{
	double now = cpu_now();

	(void) arg;
	(void) done;
	if (last_poll > 0 && now - last_poll > longest_poll)
		longest_poll = now - last_poll;
	last_poll = now;
	return false;
}

static const AugHost host = {bench_alloc, bench_release, bench_poll, NULL};

static double
normal(AugRng *r)
{
	double u = aug_rng_real(r), v = aug_rng_real(r);

	return sqrt(-2 * log(u + 1e-300)) * cos(6.283185307179586 * v);
}

/* 21 columns as a detector gives them and 7 derived from them; noisy labels. */
static double
higgs_row(AugRng *r, double *c)
{
	double z[6], *d = c + 21, s;

	for (int i = 0; i < 6; i++)
		z[i] = normal(r);
	c[0] = exp(0.55 * z[0] + 0.2 * normal(r));
	c[1] = 1.2 * z[1] + 0.5 * normal(r);
	c[2] = aug_rng_real(r) * 3.48 - 1.74;
	c[3] = exp(0.5 * z[2] + 0.3 * normal(r));
	c[4] = aug_rng_real(r) * 3.48 - 1.74;
	for (int j = 0; j < 4; j++)
	{
		double *b = c + 5 + 4 * j, u = aug_rng_real(r) + 0.10 * tanh(z[5]);

		b[0] = exp(0.45 * z[3] + 0.4 * normal(r) - 0.1 * j);
		b[1] = 0.6 * z[4] + normal(r);
		b[2] = aug_rng_real(r) * 3.48 - 1.74;
		b[3] = u < 0.45 ? 0 : u < 0.75 ? 1.0865 : 2.1731;
	}
	s = c[6] - c[10];
	s = s > 4 ? 4 : s < -4 ? -4 : s;
	d[0] = sqrt(sqrt(fabs(2 * c[5] * c[9] * (cosh(s) - cos(c[7] - c[11])))));
	d[1] = hypot(c[0], c[3]);
	d[2] = fabs(c[1] - c[6]) + 0.1 * normal(r);
	d[3] = sqrt(c[0] * c[3] * (1 - 0.9 * cos(c[2] - c[4])));
	d[4] = c[5] + c[9] + c[13] + c[17];
	d[5] = d[0] * d[3] / (0.3 + d[1]);
	d[6] = log1p(d[4] * fabs(c[10]));
	s = 1.3 * exp(-pow((d[5] - 0.9) / 0.35, 2)) + 0.8 * sin(2.2 * d[2]) * tanh(c[0] - 1) +
		0.5 * (c[8] > 1) * (c[6] > 0 ? 1 : -1) * (c[5] < 2 ? c[5] : 2) -
		0.55 * pow(fabs(c[1] * c[10]), 0.7) + 0.5 * cos(1.8 * (c[7] - c[11])) + 0.35 * z[5];
	for (int i = 7; i < 28; i++)
		c[i] = (double) (float) c[i];
	return s;
}

static double
reg_row(AugRng *r, double *x)
{
	for (int i = 0; i < 8; i++)
		x[i] = aug_rng_real(r);
	for (int i = 8; i < 12; i++)
		x[i] = normal(r);
	x[12] = aug_rng_below(r, 24);
	x[13] = aug_rng_below(r, 7);
	x[14] = -log(1 - aug_rng_real(r));
	return 10 * sin(3.141592653589793 * x[0] * x[1]) + 20 * (x[2] - .5) * (x[2] - .5) + 10 * x[3] +
		   5 * x[4] + 3 * x[8] * (x[9] > 0) +
		   4 * sin(x[12] / 24 * 6.283185307179586) * (x[13] < 5) + 2 * log1p(x[14]) + 2 * normal(r);
}

/* 9 numbers, some missing; 7 categories of 5 to 200 levels; 2 booleans, 2 dates */
static double
mixed_row(AugRng *r, double *x)
{
	static const uint32_t levels[7] = {60, 200, 5, 8, 120, 12, 15};
	double s = 0;

	x[0] = exp(3 + normal(r));
	x[1] = floor((40 + 12 * normal(r)) * 10) / 10;
	x[2] = exp(6 + normal(r));
	x[3] = aug_rng_below(r, 8);
	x[4] = aug_rng_real(r);
	x[5] = normal(r);
	x[6] = floor(-30 * log(1 - aug_rng_real(r)));
	x[7] = 300 + aug_rng_below(r, 550);
	x[8] = aug_rng_below(r, 1400);
	for (int k = 0; k < 7; k++)
	{
		uint32_t level = (uint32_t) (levels[k] * pow(aug_rng_real(r), 2));

		x[9 + k] = level;
		s += k == 2 || k == 3
				 ? 0
				 : ((double) (aug_mix64(level * 31 + (uint64_t) k) >> 11) * 0x1.0p-53 - 0.5);
	}
	x[16] = aug_rng_below(r, 10) < 3;
	x[17] = aug_rng_below(r, 10) < 6;
	x[18] = x[8] + floor(-200 * log(1 - aug_rng_real(r)));
	x[19] = 100 + aug_rng_below(r, 899);
	s += 0.5 * log1p(x[0]) - 0.03 * (x[1] - 40) + 0.7 * (x[7] < 520) - 0.4 * log1p(x[3]) +
		 (x[4] > .7) * (x[5] > 0) + 0.001 * (1460 - x[18]) * x[16];
	for (int k = 1; k < 8; k += 2)
		if (aug_rng_real(r) < 0.08)
			x[k] = NAN;
	if (aug_rng_real(r) < 0.05)
		x[10] = NAN;
	return s * 1.4 - 3;
}

static void
make_rows(Bench *b)
{
	uint32_t n = b->n_train + b->n_test;
	bool higgs = strcmp(b->task, "higgs") == 0, classes = strcmp(b->task, "classes") == 0,
		 reg = strcmp(b->task, "reg") == 0;

	b->p = higgs || classes ? 28 : reg ? 15 : 20;
	b->n_classes = reg ? 0 : classes ? 6 : 2;
	b->x = need((size_t) n * b->p * sizeof(double));
	b->y = need(n * sizeof(double));
	b->label = need(n * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
	{
		AugRng rng = aug_rng(20261, i, 1);
		double *x = b->x + (size_t) i * b->p, s;

		if (reg)
			b->y[i] = reg_row(&rng, x);
		else if (classes)
		{
			s = higgs_row(&rng, x) + 0.3 * normal(&rng);
			s = floor(s * 1.6 + 3);
			b->label[i] = s < 0 ? 0 : s > 5 ? 5 : (uint32_t) s;
		}
		else
		{
			s = higgs ? 1.45 * (higgs_row(&rng, x) - 0.25) : mixed_row(&rng, x);
			b->label[i] = aug_rng_real(&rng) < 1 / (1 + exp(-s));
		}
	}
	if (!higgs && !classes && !reg)
	{
		static const uint32_t levels[7] = {60, 200, 5, 8, 120, 12, 15};

		memcpy(b->levels + 9, levels, sizeof(levels));
	}
}

static void
set_features(Bench *b)
{
	uint32_t sample = b->n_train < 200000 ? b->n_train : 200000;
	double *v = need(sample * sizeof(double));

	for (uint32_t k = 0; k < b->p; k++)
	{
		AugFeature *f = &b->features[k];

		f->name = f->column = f->type_name = "x";
		f->slot = k;
		if (b->levels[k] > 0)
		{
			uint32_t *end = need(b->levels[k] * sizeof(uint32_t));
			char *text = need(b->levels[k] * 8);

			for (uint32_t l = 0; l < b->levels[k]; l++)
			{
				snprintf(text + 4 * l, 8, "a%03u", l % 1000);
				end[l] = 4 * (l + 1);
			}
			f->kind = AUG_CATEGORICAL_FEATURE;
			f->n_levels = b->levels[k];
			f->level_end = end;
			f->level_text = text;
			continue;
		}
		f->cuts = need(AUG_MAX_BINS * sizeof(double));
		for (uint32_t i = 0; i < sample; i++)
			v[i] = b->x[(size_t) (b->n_train / sample * i) * b->p + k];
		f->n_cuts = aug_cuts(v, sample, AUG_MAX_BINS, (double *) (uintptr_t) f->cuts);
	}
	free(v);
}

static void
set_matrix(const Bench *b, AugMatrix *m, uint32_t first, uint32_t n)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	uint8_t *cells;

	memset(m, 0, sizeof(*m));
	m->task = b->n_classes > 0 ? AUG_CLASSIFICATION : AUG_REGRESSION;
	m->n_rows = n;
	m->n_features = m->n_narrow = b->p;
	m->n_classes = b->n_classes;
	m->stride = (b->p + 3) / 4 * 4;
	m->cells = cells = need(n * m->stride);
	m->features = b->features;
	m->class_names = b->n_classes > 0 ? names : NULL;
	m->target = m->target_type = "y";
	if (b->n_classes > 0)
		m->label = b->label + first;
	else
		m->y = b->y + first;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < b->p; k++)
		{
			double v = b->x[(size_t) (first + i) * b->p + k];
			const AugFeature *f = &b->features[k];

			cells[i * m->stride + k] = f->kind == AUG_NUMERIC_FEATURE
										   ? aug_bin(f->cuts, f->n_cuts, v)
									   : isnan(v) ? AUG_MISSING_CELL
												  : (uint8_t) v;
		}
}

static void
stop_if(AugStatus status, const AugError *err)
{
	if (status == AUG_OK)
		return;
	fprintf(stderr, "%s\n%s\n%s\n", err->message, err->detail, err->hint);
	exit(1);
}

static void
quality(const Bench *b, const double *out, char *text, size_t size)
{
	AugMetric metrics[AUG_MAX_METRICS + 3 * 6];
	uint32_t n;
	AugError err;

	if (b->n_classes > 0)
		stop_if(aug_metrics_classify(&host, out, b->test.label, NULL, b->n_test, b->n_classes,
									 metrics, &n, &err),
				&err);
	else
		stop_if(aug_metrics_regress(&host, out, b->test.y, NULL, b->n_test, metrics, &n, &err),
				&err);
	text[0] = '\0';
	for (uint32_t i = 0; i < n && i < 7; i++)
		snprintf(text + strlen(text), size - strlen(text), " %s %.5f", metrics[i].name,
				 metrics[i].value);
}

static void
score(const Bench *b, const AugModel *model)
{
	uint32_t k = b->n_classes > 0 ? b->n_classes : 1;
	double *out = need((size_t) b->n_test * k * sizeof(double)), *one = need(k * sizeof(double)),
		   *matrix = need((b->n_test / CHUNK + 1) * sizeof(double)),
		   *rows = need((b->n_test / CHUNK + 1) * sizeof(double)), start, matrix_best,
		   matrix_median, rows_best, rows_median, sum = 0, difference = 0;
	uint32_t chunks = 0;
	void *scratch = need(aug_model_scratch(model));
	char text[400];
	AugError err;

	for (uint32_t first = 0; first + CHUNK <= b->n_test; first += CHUNK, chunks++)
	{
		start = cpu_now();
		stop_if(aug_model_score_matrix(model, &host, &b->test, first, CHUNK,
									   out + (size_t) first * k, &err),
				&err);
		matrix[chunks] = cpu_now() - start;
		start = cpu_now();
		for (uint32_t i = first; i < first + CHUNK; i++)
		{
			const double *x = b->x + (size_t) (b->n_train + i) * b->p;

			if (k <= 2)
				sum += aug_model_score1(model, x, scratch);
			else
			{
				aug_model_score(model, x, scratch, one);
				sum += one[0];
			}
		}
		rows[chunks] = cpu_now() - start;
	}
	best_and_median(matrix, chunks, &matrix_best, &matrix_median);
	best_and_median(rows, chunks, &rows_best, &rows_median);
	for (uint32_t i = 0; i < chunks * CHUNK; i++)
		difference += k == 2 ? out[2 * i + 1] : out[(size_t) k * i];
	difference -= sum;
	quality(b, out, text, sizeof(text));
	printf("score, rows/s best (median): raw rows %.0f (%.0f), matrix %.0f (%.0f); "
		   "difference %.2g\n",
		   CHUNK / rows_best, CHUNK / rows_median, CHUNK / matrix_best, CHUNK / matrix_median,
		   difference / b->n_test);
	printf("test:%s\n", text);
	free(out);
	free(one);
	free(matrix);
	free(rows);
	free(scratch);
}

int
main(int argc, char **argv)
{
	Bench b = {0};
	AugError err;
	const AugAlgorithm *forest = aug_algorithm_find("random_forest");
	AugParams *params;
	AugShape shape;
	AugPlan plan;
	AugJob *job;
	AugSlice *results;
	AugFit fit;
	AugModel *model;
	uint8_t *artifact;
	size_t length, training_peak;
	double *times, best, median, start, run = 0, merge, read;
	uint64_t seed = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) : 1;
	void *shared;

	if (argc < 4)
	{
		fprintf(stderr, "usage: bench_core rows trees higgs|classes|reg|mixed [name=value]...\n");
		return 2;
	}
	b.n_train = (uint32_t) atoi(argv[1]);
	b.n_test = b.n_train < 80000 ? b.n_train / 4 : 20000;
	b.n_test = b.n_test < CHUNK ? CHUNK : b.n_test;
	b.task = argv[3];
	make_rows(&b);
	set_features(&b);
	set_matrix(&b, &b.train, 0, b.n_train);
	set_matrix(&b, &b.test, b.n_train, b.n_test);

	stop_if(aug_params_new(&host, forest, &params, &err), &err);
	stop_if(aug_params_set(params, "n_trees", argv[2], &err), &err);
	for (int i = 4; i < argc; i++)
	{
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			return 2;
		*value = '\0';
		stop_if(aug_params_set(params, argv[i], value + 1, &err), &err);
	}
	shape = (AugShape){b.train.task, b.n_train, b.train.n_narrow, 0, b.n_classes, b.train.stride};
	stop_if(aug_plan(forest, &shape, params, &plan, &err), &err);
	shared = need(plan.shared_bytes);
	results = need(plan.n_tasks * sizeof(AugSlice));
	stop_if(aug_job_open(&host, forest, &b.train, params, seed, shared, &job, &err), &err);

	times = need(plan.n_tasks * sizeof(double));
	for (uint32_t i = 0; i < plan.n_tasks; i++)
	{
		uint8_t *bytes;

		start = cpu_now();
		stop_if(aug_job_run(job, i, &bytes, &results[i].length, &err), &err);
		results[i].bytes = bytes;
		run += times[i] = cpu_now() - start;
	}
	best_and_median(times, plan.n_tasks, &best, &median);
	start = cpu_now();
	stop_if(aug_job_merge(job, results, true, &artifact, &length, &fit, &err), &err);
	merge = cpu_now() - start;
	training_peak = peak;
	start = cpu_now();
	stop_if(aug_model_read(&host, artifact, length, &model, &err), &err);
	read = cpu_now() - start;
	printf("%s %u rows, %u trees: grow %.3f s (a tree: best %.2f, median %.2f ms), merge %.3f s, "
		   "nodes %llu, artifact %.2f MB, decode %.1f ms (%.1f MB), longest poll %.1f ms\n",
		   b.task, b.n_train, plan.n_tasks, run, best * 1e3, median * 1e3, merge,
		   (unsigned long long) fit.n_nodes, (double) length / 1e6, read * 1e3,
		   (double) aug_model_info(model)->memory / 1e6, longest_poll * 1e3);
	printf("plan: scratch %.1f MB, shared %.1f MB, results %.1f MB; "
		   "peak of the core while training %.1f MB; oob error %.5f score %.5f\n",
		   (double) plan.scratch_bytes / 1e6, (double) plan.shared_bytes / 1e6,
		   (double) plan.result_bytes / 1e6, (double) training_peak / 1e6, fit.oob_error,
		   fit.oob_score);
	if (b.n_test > 0)
		score(&b, model);
	aug_model_free(model);
	bench_release(NULL, artifact);
	aug_job_close(job);
	aug_params_free(params);
	return 0;
}
