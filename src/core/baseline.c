/*-------------------------------------------------------------------------
 *
 * baseline.c
 *		What one can say without looking at the features: the weighted mean of
 *		the target, or the weighted shares of the classes.  Every other model
 *		is measured by its gain over this one.
 *
 * Regression also keeps 201 weighted quantiles of the target (of a sample of at
 * most 16,384 rows drawn by the seed), from which intervals are read.
 *
 * Sums are compensated (Neumaier 1974), so the mean is right to the last digits
 * for any number of rows.  One task.  Memory: the sample, 0.3 MB; polls every
 * 65,536 rows.
 *
 * Body: regression: f64 mean (as base), 201 f64 quantiles, ascending;
 *		 classification: nothing, the shares are in the common part.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "algorithm.h"
#include "sort.h"

#define SAMPLE_ROWS 16384
#define N_QUANTILES 201
#define POLL_ROWS	65536

typedef struct Sum
{
	double sum;
	double lost; /* what rounding took away */
} Sum;

static inline void
sum_add(Sum *s, double v)
{
	double t = s->sum + v;

	s->lost += fabs(s->sum) >= fabs(v) ? (s->sum - t) + v : (v - t) + s->sum;
	s->sum = t;
}

static AugStatus
baseline_plan(const AugShape *shape, const AugParams *params, AugPlan *plan, AugError *err)
{
	(void) params;
	(void) err;
	plan->n_tasks = 1;
	plan->shared_bytes = 0;
	plan->scratch_bytes = 2 * SAMPLE_ROWS * sizeof(double) + shape->n_classes * sizeof(Sum);
	plan->result_bytes = shape->task == AUG_CLASSIFICATION
							 ? (size_t) shape->n_classes * sizeof(double)
							 : (1 + N_QUANTILES) * sizeof(double);
	return AUG_OK;
}

/*
 * Weighted quantiles at 0, 0.5 %, ... 100 % of a random sample, by the inverse
 * of the distribution function (the smallest value that reaches the share).
 */
static AugStatus
write_quantiles(AugJob *job, AugWriter *out, AugError *err)
{
	const AugMatrix *m = job->matrix;
	AugRng rng = aug_rng(job->seed, 0, 0);
	uint32_t n = m->n_rows < SAMPLE_ROWS ? m->n_rows : SAMPLE_ROWS, k = 0;
	double *value = aug_arena_alloc(&job->arena, n, sizeof(double)),
		   *weight = aug_arena_alloc(&job->arena, n, sizeof(double));
	double total = 0, reached;

	if (value == NULL || weight == NULL)
		return aug_fail_nomem(err, n * sizeof(double));
	for (uint32_t i = 0; i < n; i++)
	{
		/* one row of each of n equal stretches: every row once when all fit */
		uint32_t begin = (uint32_t) ((uint64_t) m->n_rows * i / n),
				 end = (uint32_t) ((uint64_t) m->n_rows * (i + 1) / n),
				 row = begin + aug_rng_below(&rng, end - begin);

		value[i] = m->y[row];
		weight[i] = m->weight == NULL ? 1 : m->weight[row];
		total += weight[i];
	}
	aug_sort_scored(NULL, value, NULL, weight, n);
	reached = weight[0];
	for (uint32_t q = 0; q < N_QUANTILES; q++)
	{
		double wanted = total * q / (N_QUANTILES - 1);

		while (reached < wanted && k + 1 < n)
			reached += weight[++k];
		aug_write_f64(out, value[k]);
	}
	return AUG_OK;
}

static AugStatus
run_regression(AugJob *job, AugWriter *out, AugError *err)
{
	const AugMatrix *m = job->matrix;
	Sum y = {0, 0}, w = {0, 0};
	double mean;

	/* about the first value, so that a large common part cancels exactly */
	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		double weight = m->weight == NULL ? 1 : m->weight[i];

		if (i % POLL_ROWS == POLL_ROWS - 1 &&
			job->host->poll(job->host->arg, (double) i / m->n_rows))
			return aug_fail_cancelled(err);
		sum_add(&w, weight);
		sum_add(&y, weight * (m->y[i] - m->y[0]));
	}
	mean = m->y[0] + (y.sum + y.lost) / (w.sum + w.lost);
	if (!isfinite(mean))
		return aug_fail(err, AUG_NUMERIC, "mean of the target is out of range");
	aug_write_f64(out, mean);
	return write_quantiles(job, out, err);
}

static AugStatus
run_classification(AugJob *job, AugWriter *out, AugError *err)
{
	const AugMatrix *m = job->matrix;
	Sum *shares = aug_arena_zero(&job->arena, m->n_classes, sizeof(Sum));
	double total = 0;

	if (shares == NULL)
		return aug_fail_nomem(err, m->n_classes * sizeof(Sum));
	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		if (i % POLL_ROWS == POLL_ROWS - 1 &&
			job->host->poll(job->host->arg, (double) i / m->n_rows))
			return aug_fail_cancelled(err);
		sum_add(&shares[m->label[i]], m->weight == NULL ? 1 : m->weight[i]);
	}
	for (uint32_t k = 0; k < m->n_classes; k++)
		total += shares[k].sum + shares[k].lost;
	if (!isfinite(total))
		return aug_fail(err, AUG_NUMERIC, "sum of the weights is out of range");
	for (uint32_t k = 0; k < m->n_classes; k++)
		aug_write_f64(out, (shares[k].sum + shares[k].lost) / total);
	return AUG_OK;
}

static AugStatus
baseline_run(AugJob *job, uint32_t i, AugWriter *out, AugError *err)
{
	(void) i;
	return job->matrix->task == AUG_CLASSIFICATION ? run_classification(job, out, err)
												   : run_regression(job, out, err);
}

static AugStatus
baseline_merge(AugJob *job, AugSlice *results, bool release, AugWriter *body, AugSummary *summary,
			   AugError *err)
{
	const AugMatrix *m = job->matrix;
	AugReader r = {results[0].bytes, results[0].bytes + results[0].length, false};

	if (m->task == AUG_CLASSIFICATION)
	{
		summary->class_share = aug_arena_alloc(&job->arena, m->n_classes, sizeof(double));
		if (summary->class_share == NULL)
			return aug_fail_nomem(err, m->n_classes * sizeof(double));
		for (uint32_t k = 0; k < m->n_classes; k++)
			summary->class_share[k] = aug_read_f64(&r);
	}
	else
	{
		summary->base = aug_read_f64(&r);
		aug_write_bytes(body, r.at, aug_reader_left(&r));
	}
	if (r.bad)
		return aug_fail(err, AUG_INTERNAL, "result of a task is too short");
	if (release)
	{
		job->host->release(job->host->arg, (void *) (uintptr_t) results[0].bytes);
		results[0].bytes = NULL;
		results[0].length = 0;
	}
	return AUG_OK;
}

static AugStatus
baseline_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err)
{
	double *quantiles = NULL;

	info->has_interval = info->task == AUG_REGRESSION;
	if (info->has_interval)
	{
		quantiles = aug_arena_alloc(arena, N_QUANTILES, sizeof(double));
		if (quantiles == NULL)
			return aug_fail_nomem(err, N_QUANTILES * sizeof(double));
		for (int q = 0; q < N_QUANTILES; q++)
		{
			quantiles[q] = aug_read_f64(r);
			if (!isfinite(quantiles[q]) || (q > 0 && quantiles[q] < quantiles[q - 1]))
				r->bad = true;
		}
		if (r->bad)
			return aug_fail(err, AUG_CORRUPT, "model is damaged");
	}
	*state = quantiles;
	return AUG_OK;
}

static size_t
baseline_scratch(const void *state, const AugModelInfo *info)
{
	(void) state;
	(void) info;
	return 0;
}

static void
baseline_score(const void *state, const AugModelInfo *info, const double *x, void *scratch,
			   double *out)
{
	(void) state;
	(void) x;
	(void) scratch;
	if (info->task == AUG_REGRESSION)
		out[0] = info->base;
	else
		memcpy(out, info->class_share, info->n_classes * sizeof(double));
}

static double
baseline_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch)
{
	(void) state;
	(void) x;
	(void) scratch;
	/* a classifier that saw one class gives that class's probability */
	return info->task == AUG_REGRESSION ? info->base : info->class_share[info->n_classes - 1];
}

/* Quantile at share p, linear between the kept ones. */
static double
quantile_at(const double *quantiles, double p)
{
	double at = p * (N_QUANTILES - 1);
	int k = (int) at;
	double half;

	if (k >= N_QUANTILES - 1)
		return quantiles[N_QUANTILES - 1];
	/* in two halves: the distance of two numbers may be out of range */
	half = (at - k) * (quantiles[k + 1] / 2 - quantiles[k] / 2);
	return quantiles[k] + half + half;
}

static void
baseline_interval(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				  double level, double *lower, double *upper)
{
	(void) info;
	(void) x;
	(void) scratch;
	*lower = quantile_at(state, (1 - level) / 2);
	*upper = quantile_at(state, (1 + level) / 2);
}

static void
baseline_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
					 uint32_t first, uint32_t n, void *scratch, double *out)
{
	(void) matrix;
	(void) first;
	for (uint32_t i = 0; i < n; i++)
		baseline_score(state, info, NULL, scratch, out + (size_t) i * info->n_outputs);
}

const AugOps aug_baseline_ops = {
	.about = {.name = "baseline",
			  .title = "Baseline",
			  .help = "Predicts the mean of the target, or the shares of the classes, whatever "
					  "the features are. What other algorithms are measured against.",
			  .classification = true,
			  .regression = true,
			  .n_params = 0,
			  .params = NULL},
	.plan = baseline_plan,
	.open = NULL,
	.run = baseline_run,
	.merge = baseline_merge,
	.read = baseline_read,
	.scratch = baseline_scratch,
	.score = baseline_score,
	.score1 = baseline_score1,
	.interval = baseline_interval,
	.score_cells = baseline_score_cells};
