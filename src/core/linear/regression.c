/*-------------------------------------------------------------------------
 *
 * regression.c
 *		Linear regression by ordinary (or weighted) least squares, with the standard
 *		errors of its coefficients.
 *
 * Terms are the intercept, one for each numeric feature, and one for each level of a
 * categorical feature but its first (treatment contrasts; Faraway, Linear Models with
 * R, 2nd edition, 14.1).  Numbers are taken as they are (AugMatrix.raw), not binned, less
 * their mean: a year or a timestamp then has the digits of its variation.  The intercept
 * is told for uncentred numbers.
 *
 * Tasks are blocks of rows; each gives the triangle of its rows (ols.c), and merging
 * stacks them in order.  Rows with a missing value are left out, or filled with the
 * means that open() takes.  At scoring a missing or infinite value counts as the mean, an
 * unseen level likewise.
 *
 * The interval of a new value is that of theory: t quantile times sigma times root of
 * 1 + leverage (same book, 4.1), which holds where errors are normal and of equal
 * variance.
 *
 * Memory: scratch is one triangle and one row; a model holds the inverse triangle.
 * Interrupts: polls every 1,024 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../special.h"
#include "ols.h"

#define TASK_ROWS 32768
#define POLL_ROWS 1024
#define MAX_TERMS 2000
#define INTERCEPT UINT32_MAX
#define NUMBER	  UINT32_MAX

enum
{
	L_MISSING,
	L_COUNT
};

enum
{
	MISSING_MEAN,
	MISSING_OMIT
};

static const AugParamSpec linear_params[L_COUNT] = {
	[L_MISSING] = {"missing", AUG_PARAM_CHOICE, "mean", 0, 0, "mean|omit",
				   "Rows with a missing value: mean takes the column's mean (or that of the "
				   "levels' effects) for it, omit leaves the row out."},
};

/* What a row becomes: shared by training (from a matrix) and scoring (from x). */
typedef struct Design
{
	uint32_t n_features;
	uint32_t n_terms;
	uint32_t *first; /* [n_features] first term of each feature */
	double *mean;	 /* [n_terms] over the rows where the feature is present */
} Design;

typedef struct Training
{
	Design design;
	double n_used; /* rows */
} Training;

/* A decoded model. */
typedef struct Linear
{
	Design design;
	AugTerm *terms;	  /* [n_terms] */
	double *estimate; /* [n_terms] 0 for what was left out */
	uint32_t rank;
	uint32_t *kept;		   /* [rank] terms */
	const double *inverse; /* [rank][rank] */
	double sigma, df;
} Linear;

/* Lays out the terms; AUG_LIMIT when there are too many. */
static AugStatus
design_terms(Design *d, const AugFeature *features, uint32_t n, AugArena *arena, AugError *err)
{
	uint64_t at = 1;

	d->n_features = n;
	d->first = aug_arena_alloc(arena, n, sizeof(uint32_t));
	if (d->first == NULL)
		return aug_fail_nomem(err, n * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
	{
		d->first[i] = (uint32_t) at;
		at += aug_feature_columns(&features[i]);
		if (at > MAX_TERMS)
			return aug_fail(err, AUG_LIMIT,
							"linear regression has more than %d terms, one for each number and "
							"each level",
							MAX_TERMS);
	}
	d->n_terms = (uint32_t) at;
	d->mean = aug_arena_zero(arena, d->n_terms, sizeof(double));
	return d->mean == NULL ? aug_fail_nomem(err, d->n_terms * sizeof(double)) : AUG_OK;
}

/* Terms of a feature's value into row; a missing, infinite or unseen one is their mean. */
static void
put_value(const Design *d, uint32_t i, const AugFeature *f, double value, double *row)
{
	uint32_t n = aug_feature_columns(f);
	double *to = row + d->first[i];

	if (f->kind == AUG_NUMERIC_FEATURE && !isfinite(value))
		*to = 0;
	else if (f->kind == AUG_CATEGORICAL_FEATURE && !(isfinite(value) && value >= 0))
		memcpy(to, d->mean + d->first[i], n * sizeof(double));
	else if (f->kind == AUG_NUMERIC_FEATURE)
		*to = value - d->mean[d->first[i]];
	else
	{
		memset(to, 0, n * sizeof(double));
		if (value >= 1 && value <= n)
			to[(uint32_t) value - 1] = 1;
	}
}

/* Value of feature i in row of a matrix: number or level, NaN missing. */
static double
matrix_value(const AugMatrix *m, uint32_t i, uint32_t number, uint32_t row)
{
	const AugFeature *f = &m->features[i];

	if (f->kind == AUG_NUMERIC_FEATURE)
		return m->raw[(size_t) number * m->n_rows + row];
	if (f->wide)
	{
		uint32_t level = m->wide[(size_t) f->slot * m->n_rows + row];

		return level == AUG_MISSING_WIDE ? NAN : (double) level;
	}
	return m->cells[(size_t) row * m->stride + f->slot] == AUG_MISSING_CELL
			   ? NAN
			   : (double) m->cells[(size_t) row * m->stride + f->slot];
}

/* One row of the design; false when a value is missing (its mean stands there). */
static bool
matrix_row(const Design *d, const AugMatrix *m, uint32_t row, double *out)
{
	uint32_t number = 0;
	bool complete = true;

	out[0] = 1;
	for (uint32_t i = 0; i < m->n_features; i++)
	{
		double value = matrix_value(m, i, number, row);

		complete = complete && !isnan(value);
		put_value(d, i, &m->features[i], value, out);
		number += m->features[i].kind == AUG_NUMERIC_FEATURE ? 1 : 0;
	}
	return complete;
}

/* ---- training ------------------------------------------------------------- */

static AugStatus
linear_plan(const AugShape *shape, const AugParams *params, AugPlan *plan, AugError *err)
{
	(void) params;
	if (shape->n_columns + 1 > MAX_TERMS)
	{
		aug_fail(err, AUG_LIMIT, "linear regression would have %llu terms, the limit is %d",
				 (unsigned long long) shape->n_columns + 1, MAX_TERMS);
		aug_hint(err, "A term is a number or a level of a category: leave out columns of many "
					  "levels.");
		return AUG_LIMIT;
	}
	plan->n_tasks = (shape->n_rows - 1) / TASK_ROWS + 1;
	plan->scratch_bytes = 4 * aug_ols_bytes((uint32_t) shape->n_columns + 1);
	plan->result_bytes = plan->n_tasks * aug_ols_bytes((uint32_t) shape->n_columns + 1);
	return AUG_OK;
}

/* Means of the terms, weighted; one pass in the order of rows, so the same everywhere. */
static AugStatus
take_means(AugJob *job, Design *d, AugError *err)
{
	const AugMatrix *m = job->matrix;
	uint32_t number = 0;

	for (uint32_t i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &m->features[i];
		double *mean = d->mean + d->first[i];
		double total = 0;

		for (uint32_t row = 0; row < m->n_rows; row++)
		{
			double w = m->weight == NULL ? 1 : m->weight[row], v;

			if (row % POLL_ROWS == 0 && job->host->poll(job->host->arg, -1))
				return aug_fail_cancelled(err);
			v = matrix_value(m, i, number, row);
			if (isnan(v))
				continue;
			if (isinf(v))
				return aug_fail(err, AUG_DATA, "column \"%.80s\" has an infinite value", f->column);
			total += w;
			if (f->kind == AUG_NUMERIC_FEATURE)
				*mean += (v - *mean) * (w / total);
			else if (v >= 1)
				mean[(uint32_t) v - 1] += w;
		}
		for (uint32_t k = 0; f->kind == AUG_CATEGORICAL_FEATURE && k < aug_feature_columns(f); k++)
			mean[k] = total > 0 ? mean[k] / total : 0;
		number += f->kind == AUG_NUMERIC_FEATURE ? 1 : 0;
	}
	return AUG_OK;
}

static AugStatus
linear_open(AugJob *job, AugError *err)
{
	Training *t = aug_arena_zero(&job->arena, 1, sizeof(Training));
	AugStatus status;

	if (t == NULL)
		return aug_fail_nomem(err, sizeof(Training));
	job->state = t;
	status =
		design_terms(&t->design, job->matrix->features, job->matrix->n_features, &job->arena, err);
	return status == AUG_OK ? take_means(job, &t->design, err) : status;
}

static AugStatus
add_rows(AugJob *job, AugOls *ols, double *row, uint32_t begin, uint32_t end, uint64_t *used,
		 AugError *err)
{
	const AugMatrix *m = job->matrix;
	const Training *t = job->state;
	bool omit = aug_param_choice(job->params, L_MISSING) == MISSING_OMIT;

	for (uint32_t i = begin; i < end; i++)
	{
		if (i % POLL_ROWS == 0 &&
			job->host->poll(job->host->arg, (double) (i - begin) / (end - begin)))
			return aug_fail_cancelled(err);
		if (!matrix_row(&t->design, m, i, row) && omit)
			continue;
		aug_ols_add(ols, row, m->y[i], m->weight == NULL ? 1 : m->weight[i]);
		(*used)++;
	}
	aug_ols_flush(ols);
	return AUG_OK;
}

static AugStatus
linear_run(AugJob *job, uint32_t i, AugWriter *out, AugError *err)
{
	const Training *t = job->state;
	uint32_t n = job->matrix->n_rows, begin = i * TASK_ROWS;
	uint32_t end = n - begin < TASK_ROWS ? n : begin + TASK_ROWS;
	AugArena arena;
	AugOls ols = {0};
	double *row;
	uint64_t used = 0;
	AugStatus status;

	aug_arena_init(&arena, job->host);
	row = aug_arena_alloc(&arena, t->design.n_terms, sizeof(double));
	status = row == NULL ? aug_fail_nomem(err, t->design.n_terms * sizeof(double))
						 : aug_ols_init(&ols, t->design.n_terms, &arena, err);
	if (status == AUG_OK)
		status = add_rows(job, &ols, row, begin, end, &used, err);
	if (status == AUG_OK)
	{
		aug_write_u64(out, used);
		for (size_t k = 0; k < (size_t) ols.q * ols.q; k++)
			aug_write_f64(out, ols.r[k]);
	}
	aug_arena_free(&arena);
	return status;
}

/* Stacks the triangles of the tasks. */
static AugStatus
stack(AugJob *job, AugSlice *results, bool release, AugOls *ols, double *n_used, AugError *err)
{
	uint32_t n_tasks = (job->matrix->n_rows - 1) / TASK_ROWS + 1;
	size_t size = (size_t) ols->q * ols->q;
	double *r = aug_arena_alloc(&job->arena, size, sizeof(double));

	if (r == NULL)
		return aug_fail_nomem(err, size * sizeof(double));
	for (uint32_t i = 0; i < n_tasks; i++)
	{
		AugReader reader = {results[i].bytes, results[i].bytes + results[i].length, false};

		if (job->host->poll(job->host->arg, -1))
			return aug_fail_cancelled(err);
		*n_used += (double) aug_read_u64(&reader);
		for (size_t k = 0; k < size; k++)
			r[k] = aug_read_f64(&reader);
		if (reader.bad || aug_reader_left(&reader) != 0)
			return aug_fail(err, AUG_INTERNAL, "result of a task has a wrong size");
		aug_ols_merge(ols, r);
		if (release)
		{
			job->host->release(job->host->arg, (void *) (uintptr_t) results[i].bytes);
			results[i] = (AugSlice){NULL, 0};
		}
	}
	return AUG_OK;
}

/* Importance of a feature: standard deviation of what it contributes to the fit. */
static AugStatus
take_importance(AugJob *job, const AugOlsFit *fit, const double *r, AugSummary *summary,
				AugError *err)
{
	const Design *d = &((Training *) job->state)->design;
	uint32_t q = d->n_terms + 1;
	double total = 0;

	summary->importance = aug_arena_zero(&job->arena, d->n_features, sizeof(double));
	if (summary->importance == NULL)
		return aug_fail_nomem(err, d->n_features * sizeof(double));
	for (uint32_t i = 0; i < d->n_features; i++)
	{
		uint32_t n = aug_feature_columns(&job->matrix->features[i]);

		/* rows of the triangle but the intercept's: variation about the mean */
		for (uint32_t row = 1; row < q; row++)
		{
			double sum = 0;

			for (uint32_t k = d->first[i]; k < d->first[i] + n; k++)
			{
				if (k >= row && !isnan(fit->estimate[k]))
					sum += r[(size_t) row * q + k] * fit->estimate[k];
			}
			summary->importance[i] = hypot(summary->importance[i], sum);
		}
		total += summary->importance[i];
	}
	for (uint32_t i = 0; i < d->n_features && total > 0; i++)
		summary->importance[i] /= total;
	return AUG_OK;
}

/*
 * The intercept where numbers are 0, not at their means, and its standard error.
 */
static void
uncentred_intercept(const AugJob *job, const AugOlsFit *fit, double *estimate, double *error)
{
	const Design *d = &((const Training *) job->state)->design;
	double norm = 0;

	*estimate = fit->estimate[0];
	for (uint32_t k = 0; k < fit->rank; k++)
	{
		double sum = 0;
		uint32_t place = 0;

		/* the sum of the inverse's rows, each times minus the mean of its term */
		for (uint32_t i = 0; i < d->n_features; i++)
		{
			uint32_t n = aug_feature_columns(&job->matrix->features[i]);

			for (uint32_t t = d->first[i]; t < d->first[i] + n; t++)
			{
				if (isnan(fit->estimate[t]))
					continue;
				place++;
				if (job->matrix->features[i].kind != AUG_NUMERIC_FEATURE)
					continue;
				sum -= d->mean[t] * fit->inverse[(size_t) place * fit->rank + k];
				if (k == 0)
					*estimate -= d->mean[t] * fit->estimate[t];
			}
		}
		norm = hypot(norm, fit->inverse[k] + sum);
	}
	*error = fit->sigma * norm;
}

static void
write_body(const AugJob *job, const AugOlsFit *fit, AugWriter *body)
{
	const Design *d = &((const Training *) job->state)->design;
	double intercept, error;

	uncentred_intercept(job, fit, &intercept, &error);
	aug_write_f64(body, intercept);
	aug_write_f64(body, error);
	for (uint32_t k = 0; k < d->n_terms; k++)
	{
		aug_write_f64(body, d->mean[k]);
		aug_write_f64(body, fit->estimate[k]);
		aug_write_f64(body, fit->standard_error[k]);
	}
	aug_write_f64(body, fit->sigma);
	aug_write_f64(body, fit->df);
	aug_write_f64(body, fit->r_squared);
	for (uint32_t i = 0; i < fit->rank; i++)
	{
		for (uint32_t k = i; k < fit->rank; k++)
			aug_write_f64(body, fit->inverse[(size_t) i * fit->rank + k]);
	}
}

static AugStatus
linear_merge(AugJob *job, AugSlice *results, bool release, AugWriter *body, AugSummary *summary,
			 AugError *err)
{
	Training *t = job->state;
	size_t size = ((size_t) t->design.n_terms + 1) * (t->design.n_terms + 1);
	double *before = aug_arena_alloc(&job->arena, size, sizeof(double));
	AugOls ols;
	AugOlsFit fit;
	AugStatus status = aug_ols_init(&ols, t->design.n_terms, &job->arena, err);

	if (before == NULL)
		return aug_fail_nomem(err, size * sizeof(double));
	if (status == AUG_OK)
		status = stack(job, results, release, &ols, &t->n_used, err);
	if (status != AUG_OK)
		return status;
	memcpy(before, ols.r, size * sizeof(double));
	if (t->n_used == 0)
	{
		aug_fail(err, AUG_DATA, "no row is without a missing value");
		aug_hint(err, "Set \"missing\" to \"mean\", or leave out columns that are often NULL.");
		return AUG_DATA;
	}
	status = aug_ols_solve(&ols, t->n_used, job->host, &job->arena, &fit, err);
	if (status == AUG_OK)
		status = take_importance(job, &fit, before, summary, err);
	if (status != AUG_OK)
		return status;
	/* the first row of the triangle is the weighted sum of y over the root of weights */
	summary->base = before[t->design.n_terms] / before[0];
	write_body(job, &fit, body);
	return AUG_OK;
}

/* ---- reading ---------------------------------------------------------------- */

/* Which feature and level a term stands for. */
static void
name_terms(Linear *model, const AugFeature *features)
{
	model->terms[0].feature = INTERCEPT;
	model->terms[0].level = NUMBER;
	for (uint32_t i = 0; i < model->design.n_features; i++)
	{
		for (uint32_t k = 0; k < aug_feature_columns(&features[i]); k++)
		{
			AugTerm *term = &model->terms[model->design.first[i] + k];

			term->feature = i;
			term->level = features[i].kind == AUG_NUMERIC_FEATURE ? NUMBER : k + 1;
		}
	}
}

static void
read_terms(AugReader *r, Linear *model)
{
	double intercept = aug_read_f64(r), error = aug_read_f64(r);

	for (uint32_t k = 0; k < model->design.n_terms; k++)
	{
		AugTerm *term = &model->terms[k];

		model->design.mean[k] = aug_read_f64(r);
		term->estimate = aug_read_f64(r);
		term->standard_error = aug_read_f64(r);
		if (!isfinite(model->design.mean[k]) || isinf(term->estimate) ||
			isinf(term->standard_error) || term->standard_error < 0)
			r->bad = true;
		if (!isnan(term->estimate))
			model->kept[model->rank++] = k;
		model->estimate[k] = isnan(term->estimate) ? 0 : term->estimate;
	}
	model->terms[0].estimate = intercept;
	model->terms[0].standard_error = error;
	if (isinf(intercept) || isinf(error) || error < 0)
		r->bad = true;
}

static AugStatus
read_inverse(AugReader *r, Linear *model, AugArena *arena, AugError *err)
{
	size_t rank = model->rank;
	double *inverse;

	if (r->bad || aug_reader_left(r) != rank * (rank + 1) / 2 * sizeof(double))
		return aug_fail(err, AUG_CORRUPT, "model is damaged");
	inverse = aug_arena_zero(arena, rank * rank, sizeof(double));
	if (inverse == NULL)
		return aug_fail_nomem(err, rank * rank * sizeof(double));
	for (size_t i = 0; i < rank; i++)
	{
		for (size_t k = i; k < rank; k++)
		{
			inverse[i * rank + k] = aug_read_f64(r);
			if (!isfinite(inverse[i * rank + k]))
				return aug_fail(err, AUG_CORRUPT, "model is damaged");
		}
	}
	model->inverse = inverse;
	return AUG_OK;
}

static AugStatus
linear_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err)
{
	Linear *model = aug_arena_zero(arena, 1, sizeof(Linear));
	uint32_t n;
	AugStatus status;

	if (model == NULL)
		return aug_fail_nomem(err, sizeof(Linear));
	status = design_terms(&model->design, info->features, info->n_features, arena, err);
	if (status != AUG_OK)
		return status == AUG_LIMIT ? aug_fail(err, AUG_CORRUPT, "model is damaged") : status;
	n = model->design.n_terms;
	model->terms = aug_arena_zero(arena, n, sizeof(AugTerm));
	model->estimate = aug_arena_alloc(arena, n, sizeof(double));
	model->kept = aug_arena_alloc(arena, n, sizeof(uint32_t));
	if (model->terms == NULL || model->estimate == NULL || model->kept == NULL)
		return aug_fail_nomem(err, n * sizeof(AugTerm));
	name_terms(model, info->features);
	read_terms(r, model);
	model->sigma = aug_read_f64(r);
	model->df = aug_read_f64(r);
	info->r_squared = aug_read_f64(r);
	status = read_inverse(r, model, arena, err);
	if (status != AUG_OK)
		return status;
	for (uint32_t k = 0; k < n; k++)
		model->terms[k].p_value =
			aug_t_two_sided(model->terms[k].estimate / model->terms[k].standard_error, model->df);
	info->n_terms = n;
	info->terms = model->terms;
	info->sigma = model->sigma;
	info->df = model->df;
	info->has_interval = model->df > 0 && isfinite(model->sigma) && model->sigma >= 0;
	*state = model;
	return AUG_OK;
}

void
aug_term_interval(const AugModelInfo *info, uint32_t term, double level, double *lower,
				  double *upper)
{
	const AugTerm *t = &info->terms[term];
	double half = aug_t_quantile((1 + level) / 2, info->df) * t->standard_error;

	*lower = t->estimate - half;
	*upper = t->estimate + half;
}

/* ---- scoring ------------------------------------------------------------------ */

/* A row of the design and its image under the inverse. */
static size_t
linear_scratch(const void *state, const AugModelInfo *info)
{
	(void) info;
	return ((const Linear *) state)->design.n_terms * sizeof(double);
}

/* Within what a double can hold, whatever a damaged model or an extreme row adds up to. */
static double
bounded(double v)
{
	return isnan(v) ? 0 : v > DBL_MAX ? DBL_MAX : v < -DBL_MAX ? -DBL_MAX : v;
}

static double
score_row(const Linear *model, const double *row)
{
	double sum = model->estimate[0];

	for (uint32_t k = 1; k < model->design.n_terms; k++)
		sum += model->estimate[k] * row[k];
	return bounded(sum);
}

static void
put_row(const Linear *model, const AugModelInfo *info, const double *x, double *row)
{
	row[0] = 1;
	for (uint32_t i = 0; i < info->n_features; i++)
		put_value(&model->design, i, &info->features[i], x[i], row);
}

static double
linear_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch)
{
	put_row(state, info, x, scratch);
	return score_row(state, scratch);
}

static void
linear_score(const void *state, const AugModelInfo *info, const double *x, void *scratch,
			 double *out)
{
	out[0] = linear_score1(state, info, x, scratch);
}

static void
linear_interval(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				double level, double *lower, double *upper)
{
	const Linear *model = state;
	double *row = scratch;
	double value, half, leverage = 0;

	put_row(model, info, x, row);
	value = score_row(model, row);
	for (uint32_t k = 0; k < model->rank; k++)
	{
		double z = 0;

		for (uint32_t i = 0; i <= k; i++)
			z += row[model->kept[i]] * model->inverse[(size_t) i * model->rank + k];
		leverage += z * z;
	}
	half = aug_t_quantile((1 + level) / 2, model->df) * model->sigma * sqrt(1 + leverage);
	half = isnan(half) ? DBL_MAX : half;
	*lower = bounded(value - half);
	*upper = bounded(value + half);
}

static void
linear_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
				   uint32_t first, uint32_t n, void *scratch, double *out)
{
	const Linear *model = state;

	(void) info;
	for (uint32_t i = 0; i < n; i++)
	{
		matrix_row(&model->design, matrix, first + i, scratch);
		out[i] = score_row(model, scratch);
	}
}

const AugOps aug_linear_ops = {
	.about = {.name = "linear_regression",
			  .title = "Linear regression",
			  .help = "Ordinary least squares: a coefficient for each number and each level, with "
					  "standard errors. For effects that shall be read, and for few rows.",
			  .classification = false,
			  .regression = true,
			  .raw = true,
			  .n_params = L_COUNT,
			  .params = linear_params},
	.plan = linear_plan,
	.open = linear_open,
	.run = linear_run,
	.merge = linear_merge,
	.read = linear_read,
	.scratch = linear_scratch,
	.score = linear_score,
	.score1 = linear_score1,
	.interval = linear_interval,
	.score_cells = linear_score_cells};
