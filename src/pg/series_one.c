/*-------------------------------------------------------------------------
 *
 * series_one.c
 *		One series of many, from its rows to what the registry keeps of it: a fit, its
 *		errors over rolling origins, and its state.
 *
 * Regressors lie on the same steps as the values.  Rows that share a step have theirs
 * averaged; a step without any takes those of the step before, the first ones those of
 * the first that has some, which is counted.  A series that never has a regressor is
 * fitted without any.
 *
 * A form of an earlier fit is kept and its parameters are estimated anew; where that
 * does not work any more, the form is searched for.
 *
 * Nothing depends on the order of the rows, nor on who else is at work.
 *
 * Memory: job->work.  Interrupts: those of timeline.c and of the core.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

void
augur_series_job_init(AugurSeriesJob *job, const Jsonb *options, AugurStamp stamp, int32 horizon)
{
	if (horizon < 1 || horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	augur_forecast_options_read(&job->options, (Jsonb *) options, stamp, AUGUR_ASKED_TRAINING);
	job->work = AllocSetContextCreate(CurrentMemoryContext, "augur series", ALLOCSET_DEFAULT_SIZES);
	augur_host_init(&job->host, job->work);
	job->horizon = (uint32) horizon;
}

/* ---- regressors ------------------------------------------------------------- */

typedef struct RowOfX
{
	int64 at;
	const double *x;
} RowOfX;

/* By time, then by values, so that sums are always made in one order. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	const RowOfX *p = a, *q = b;
	int32 n = *(const int32 *) arg;

	CHECK_FOR_INTERRUPTS();
	if (p->at != q->at)
		return p->at < q->at ? -1 : 1;
	for (int32 k = 0; k < n; k++)
	{
		if (isnan(p->x[k]) != isnan(q->x[k]))
			return isnan(p->x[k]) ? 1 : -1;
		if (p->x[k] != q->x[k] && !isnan(p->x[k]))
			return p->x[k] < q->x[k] ? -1 : 1;
	}
	return 0;
}

/* The rows of a series with their regressors by time; before its points are sorted. */
static RowOfX *
sort_rows(const AugurSeriesBatch *batch, const AugurSeriesTask *task)
{
	int32 n_regressors = batch->n_regressors;
	RowOfX *rows;

	if (n_regressors == 0)
		return NULL;
	rows = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(task->n + 1, sizeof(RowOfX)));
	for (int64 i = 0; i < task->n; i++)
	{
		rows[i].at = batch->points[task->first + i].at;
		rows[i].x = batch->x + (task->first + i) * n_regressors;
	}
	qsort_arg(rows, (size_t) task->n, sizeof(RowOfX), compare_rows, &n_regressors);
	return rows;
}

/* One regressor: steps without it take the last one known.  false: there is none at all. */
static bool
carry(double *x, Size n, int32 stride, int64 *carried)
{
	double last = NAN;

	for (Size t = 0; t < n && isnan(last); t++)
		last = x[t * stride];
	if (isnan(last))
		return false;
	for (Size t = 0; t < n; t++)
	{
		if (isnan(x[t * stride]))
		{
			x[t * stride] = last;
			(*carried)++;
		}
		last = x[t * stride];
	}
	return true;
}

/*
 * Regressors on the steps of t, and one step more, [n + 1][n_regressors]; NULL when one of
 * them has no value.
 */
static double *
lay_regressors(const AugurTimeline *t, const RowOfX *rows, int64 n_rows, int32 n_regressors,
			   int64 *carried)
{
	double *x = MemoryContextAllocHuge(CurrentMemoryContext,
									   mul_size(mul_size(t->n + 1, n_regressors), sizeof(double)));
	int32 *seen = palloc0(mul_size(n_regressors, sizeof(int32)));
	int64 at = -1;

	for (Size i = 0; i < (t->n + 1) * (Size) n_regressors; i++)
		x[i] = NAN;
	for (int64 i = 0; i < n_rows; i++)
	{
		bool exact;
		int64 step = augur_grid_find(&t->grid, rows[i].at, &exact) - t->grid.first_step;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		if (step < 0 || step >= (int64) t->n)
			continue;
		if (step != at)
			memset(seen, 0, (Size) n_regressors * sizeof(int32));
		at = step;
		for (int32 k = 0; k < n_regressors; k++)
		{
			double *to = x + step * n_regressors + k;

			if (!isfinite(rows[i].x[k]))
				continue;
			/* the mean so far moves by its share of the difference */
			seen[k]++;
			*to = seen[k] == 1 ? rows[i].x[k] : *to + (rows[i].x[k] - *to) / seen[k];
		}
	}
	for (int32 k = 0; k < n_regressors; k++)
	{
		if (!carry(x + k, t->n, n_regressors, carried))
			return NULL;
	}
	memcpy(x + t->n * (Size) n_regressors, x + (t->n - 1) * (Size) n_regressors,
		   (Size) n_regressors * sizeof(double));
	return x;
}

/* ---- fits ------------------------------------------------------------------------ */

/* A series at work. */
typedef struct Work
{
	AugurSeriesJob *job;
	AugSlice form; /* to be kept; empty: none */
	const double *x;
	uint32 n_regressors;
} Work;

/*
 * Fits the values of a timeline; n_x steps have regressors.  A form that cannot be kept
 * is searched for.
 */
static AugForecast *
fit(Work *work, const AugurTimeline *t, const AugParams *params, Size n_x, uint32 horizon,
	int n_levels, const double *levels)
{
	AugurSeriesJob *job = work->job;
	bool keep = work->form.length > 0 && params == job->options.params;
	AugForecastOptions ask = {0};
	AugSeries series = {0};
	AugForecast *forecast;
	AugError err;

	series.n = t->n;
	series.y = t->y;
	series.n_periods = (uint32) t->n_season;
	memcpy(series.period, t->season, sizeof(series.period));
	if (params == job->options.params)
	{
		series.n_regressors = work->n_regressors;
		series.x = work->x;
		series.n_x = n_x;
	}
	ask.params = params;
	ask.horizon = horizon;
	ask.n_levels = (uint32) n_levels;
	ask.levels = levels;
	ask.seed = job->options.seed;
	ask.keep = keep ? AUG_KEEP_FORM : AUG_KEEP_NOTHING;
	ask.form = work->form;
	augur_check(aug_forecast_run(&job->host.host, &series, &ask, &forecast, &err), &err);
	if (keep && forecast->fallback[0] != '\0')
	{
		aug_forecast_free(&job->host.host, forecast);
		work->form.length = 0;
		return fit(work, t, params, n_x, horizon, n_levels, levels);
	}
	return forecast;
}

/* Adds a fold's rows to the errors' input. */
static void
put_fold(double **in, Size at, const AugurTimeline *whole, const AugurTimeline *part,
		 const AugForecast *f, const AugForecast *naive)
{
	uint32 season = part->n_season > 0 ? part->season[0] : 1;
	double absolute = aug_scale_absolute(part->y, part->n, season);
	double squared = aug_scale_squared(part->y, part->n, season);

	for (uint32 h = 0; h < f->horizon; h++)
	{
		in[AUGUR_IN_ACTUAL][at + h] = whole->y[part->n + h];
		in[AUGUR_IN_FORECAST][at + h] = f->mean[h];
		in[AUGUR_IN_NAIVE][at + h] = naive->mean[h];
		in[AUGUR_IN_LOWER][at + h] = f->n_levels > 0 ? f->lower[h] : NAN;
		in[AUGUR_IN_UPPER][at + h] = f->n_levels > 0 ? f->upper[h] : NAN;
		in[AUGUR_IN_SCALE_ABSOLUTE][at + h] = absolute;
		in[AUGUR_IN_SCALE_SQUARED][at + h] = squared;
	}
}

/* Errors over rolling origins; whole has its gaps open. */
static void
test(Work *work, const AugurTimeline *whole, AugurSeriesOutcome *out)
{
	AugurSeriesJob *job = work->job;
	const AugurForecastOptions *o = &job->options;
	Size room = mul_size(o->folds, job->horizon), used = 0;
	int n_levels = Min(o->n_levels, 1);
	const double *level = o->levels + Max(o->n_levels - 1, 0);
	double *in[AUGUR_IN_COUNT];

	if (augur_fold_origin(o, whole->n, job->horizon, o->folds - 1) == 0)
		return;
	for (int k = 0; k < AUGUR_IN_COUNT; k++)
		in[k] = MemoryContextAllocHuge(job->work, mul_size(room, sizeof(double)));
	for (uint32 fold = 0; fold < o->folds; fold++)
	{
		Size origin = augur_fold_origin(o, whole->n, job->horizon, fold);
		AugurTimeline part;
		AugForecast *f, *naive;

		CHECK_FOR_INTERRUPTS();
		if (origin == 0)
			continue;
		augur_timeline_part(&o->time, whole, origin, job->work, &part);
		augur_timeline_seasons(&job->host, o, &part);
		f = fit(work, &part, o->params, origin + job->horizon, job->horizon, n_levels, level);
		naive = fit(work, &part, o->naive, 0, job->horizon, 0, NULL);
		put_fold(in, used, whole, &part, f, naive);
		used += job->horizon;
		out->folds++;
		aug_forecast_free(&job->host.host, f);
		aug_forecast_free(&job->host.host, naive);
		pfree(part.y);
	}
	out->tested = augur_errors(in, (int) used, n_levels > 0 ? *level : NAN, out->errors);
}

/* ---- outcome -------------------------------------------------------------------- */

static void
fill_outcome(AugurSeriesOutcome *out, const AugurTimeline *t, const AugForecast *f)
{
	out->n = (int64) t->n;
	out->observed = t->observed;
	out->filled = t->filled;
	out->missing = t->missing;
	out->duplicates = t->duplicates;
	out->irregular = t->irregular;
	out->left_out = t->left_out;
	out->first_at = augur_grid_utc(&t->grid, t->grid.first_step);
	out->last_at = augur_grid_utc(&t->grid, t->grid.first_step + (int64) t->n - 1);
	out->step = t->grid.step;
	out->n_season = t->n_season;
	memcpy(out->season, t->season, sizeof(out->season));
	out->aicc = f->aicc;
	out->sigma = f->sigma;
	memcpy(out->method, f->method, sizeof(out->method));
	memcpy(out->reason, f->reason, sizeof(out->reason));
	memcpy(out->fallback, f->fallback, sizeof(out->fallback));
}

/* The state of a fitted series, of *length bytes. */
static uint8_t *
make_state(Work *work, const AugurTimeline *t, const AugForecast *f, size_t *length)
{
	AugurSeriesJob *job = work->job;
	AugStored stored = {0};
	char *params;
	uint8_t *bytes;
	AugError err;

	augur_check(aug_params_text(job->options.params, &params, &err), &err);
	augur_grid_store(&t->grid, &stored);
	stored.series.n = t->n;
	stored.series.y = t->y;
	stored.series.n_periods = (uint32) t->n_season;
	memcpy(stored.series.period, t->season, sizeof(stored.series.period));
	stored.series.n_regressors = work->n_regressors;
	stored.series.x = work->x;
	stored.options = params;
	stored.seed = job->options.seed;
	stored.form = f->form;
	stored.method = f->method;
	stored.n_levels = (uint32) job->options.n_levels;
	stored.levels = job->options.levels;
	/* the future of regressors is not known yet: without a forecast, the levels alone */
	stored.horizon = work->n_regressors > 0 ? 0 : f->horizon;
	stored.mean = f->mean;
	stored.lower = f->lower;
	stored.upper = f->upper;
	augur_check(aug_stored_write(&job->host.host, &stored, &bytes, length, &err), &err);
	return bytes;
}

/* The outcome with what lies behind it. */
static AugurSeriesOutcome *
pack(AugurSeriesOutcome *out, const char *warning, const uint8_t *state, Size *length)
{
	AugurSeriesOutcome *packed;
	char *behind;

	out->warning_length = warning == NULL ? 0 : strlen(warning);
	*length = add_size(sizeof(*out), add_size(out->warning_length, out->state_length));
	packed = MemoryContextAllocHuge(CurrentMemoryContext, *length);
	memcpy(packed, out, sizeof(*out));
	behind = (char *) (packed + 1);
	if (out->warning_length > 0)
		memcpy(behind, warning, out->warning_length);
	if (out->state_length > 0)
		memcpy(behind + out->warning_length, state, out->state_length);
	return packed;
}

static AugurSeriesOutcome *
no_rows(const AugurSeriesTask *task, Size *length)
{
	AugurSeriesOutcome out = {0};

	out.skipped = task->skipped;
	out.aicc = out.sigma = NAN;
	strcpy(out.method, "none");
	return pack(&out, "no row has a usable point in time", NULL, length);
}

/* Where the regressors lie, if the series has any. */
static char *
take_regressors(Work *work, const AugurTimeline *t, const RowOfX *rows, int64 n_rows,
				int32 n_regressors)
{
	int64 carried = 0;

	if (n_regressors == 0)
		return NULL;
	work->x = lay_regressors(t, rows, n_rows, n_regressors, &carried);
	if (work->x == NULL)
		return pstrdup("a regressor has no value in any row, so none is used");
	work->n_regressors = (uint32) n_regressors;
	return carried > 0 ? psprintf("regressor values carried forward: %lld", (long long) carried)
					   : NULL;
}

AugurSeriesOutcome *
augur_series_fit_one(AugurSeriesJob *job, const AugurSeriesBatch *batch, int64 i, Size *length)
{
	const AugurSeriesTask *task = &batch->tasks[i];
	AugurPoint *points = batch->points + task->first;
	MemoryContext old = MemoryContextSwitchTo(job->work);
	AugurForecastOptions *o = &job->options;
	AugurTimelineOptions open_gaps = o->time;
	AugurSeriesOutcome out = {0}, *packed;
	Work work = {.job = job};
	AugurTimeline t, whole;
	RowOfX *rows = sort_rows(batch, task);
	AugForecast *f;
	char *warning, *of_x;
	uint8_t *state = NULL;
	bool regressors;

	if (!augur_timeline_build(&o->time, points, (Size) task->n, job->work, &t))
	{
		packed = no_rows(task, length);
		MemoryContextSwitchTo(old);
		return packed;
	}
	if (task->form_length > 0)
		work.form = (AugSlice){batch->forms + task->form, (size_t) task->form_length};
	of_x = take_regressors(&work, &t, rows, task->n, batch->n_regressors);
	regressors = work.n_regressors > 0;
	for (int k = 0; k < AUGUR_ERROR_COUNT; k++)
		out.errors[k] = NAN;
	if (o->folds > 0)
	{
		open_gaps.gaps = AUGUR_GAPS_MISSING;
		(void) augur_timeline_build(&open_gaps, points, (Size) task->n, job->work, &whole);
		test(&work, &whole, &out);
	}
	augur_timeline_seasons(&job->host, o, &t);
	f = fit(&work, &t, o->params, t.n + 1, regressors ? 1 : job->horizon,
			regressors ? 0 : o->n_levels, o->levels);
	fill_outcome(&out, &t, f);
	out.skipped = task->skipped;
	warning = augur_series_warnings(o, &t, task->skipped, f);
	if (of_x != NULL)
		warning = warning == NULL ? of_x : psprintf("%s; %s", warning, of_x);
	out.usable = f->n_observed > 0;
	if (out.usable)
		state = make_state(&work, &t, f, &out.state_length);
	else
	{
		strcpy(out.method, "none");
		warning = psprintf("%s%sno row has a value", warning == NULL ? "" : warning,
						   warning == NULL ? "" : "; ");
	}
	packed = pack(&out, warning, state, length);
	MemoryContextSwitchTo(old);
	return packed;
}
