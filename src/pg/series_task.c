/*-------------------------------------------------------------------------
 *
 * series_task.c
 *		One of many series from its rows to a fit, its errors and its state; the leader and
 *		its workers run this.
 *
 * Rows are laid on a timeline as for augur.forecast_agg.  Regressors are laid on the same
 * steps by the same rule for rows that share one; where a step has none, the last known
 * value is carried on.  A series that the regressors cannot be used for is fitted
 * without them, which "fallback" tells.  The errors are those of augur.backtest: each fold
 * knows only what lies before its origin (but the regressors of its steps).
 *
 * With a form of another version the search is left out: parameters are estimated anew,
 * in the folds too.  A form is not kept when the method, its options, the step, the
 * seasons or the regressors are not the same, when it was one that was fallen back to,
 * when the series has doubled, or when it does not take the form.
 *
 * Data never raise: what cannot be done is told in the result.  The exception is the rule
 * for duplicates "error", which asks for it.
 *
 * Memory: the task's work context, reset before each series.  Interrupts: those of
 * timeline.c and of the core.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* What a stored message may be, see store.c. */
#define MESSAGE_MAX 1023

/* A form was chosen for a series of another kind when it has so many times the steps. */
#define GROWN 2

/* One series on its way. */
typedef struct Work
{
	AugurSeriesTask *task;
	const AugurSeriesItem *item;
	AugurTimeline whole; /* gaps open */
	AugurTimeline t;	 /* gaps filled by the rule */
	double *x;			 /* [n][n_regressors], NULL: without */
	int64 carried;
	StringInfoData fallback;
	const char *reason;
	const AugStored *kept; /* NULL: full search */
	AugForecast *forecast; /* NULL: none could be made */
	const char *failure;   /* why */
} Work;

/* ---- rows ------------------------------------------------------------------------ */

static int
compare_rows(const void *a, const void *b, void *arg)
{
	uint32 n = *(uint32 *) arg;
	const double *p = (const double *) ((const AugurPoint *) a + 1);
	const double *q = (const double *) ((const AugurPoint *) b + 1);
	int order = augur_compare_points(a, b);

	for (uint32 j = 0; order == 0 && j < n; j++)
	{
		AugurPoint left = {0, p[j]}, right = {0, q[j]};

		order = augur_compare_points(&left, &right);
	}
	return order;
}

void
augur_rows_sort(char *rows, Size n, uint32 n_regressors)
{
	qsort_arg(rows, n, AUGUR_ROW_SIZE(n_regressors), compare_rows, &n_regressors);
}

void
augur_regressors_lay(const AugurStoredGrid *stored, const char *rows, Size n, uint32 n_regressors,
					 int64 from, Size steps, double *out)
{
	Size row_size = AUGUR_ROW_SIZE(n_regressors);
	AugurPoint *points =
		MemoryContextAllocHuge(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(AugurPoint)));

	for (Size i = 0; i < steps * n_regressors; i++)
		out[i] = NAN;
	for (uint32 j = 0; j < n_regressors; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size i = 0; i < n; i++)
		{
			const AugurPoint *row = (const AugurPoint *) (rows + i * row_size);

			points[i].at = row->at;
			points[i].y = ((const double *) (row + 1))[j];
		}
		augur_timeline_lay(&stored->grid, stored->duplicates, points, n, from, steps, out + j,
						   n_regressors);
	}
	pfree(points);
}

/* Carries the last known value on, the first known back to the start; false: none is known. */
static bool
carry(double *x, Size n, uint32 stride, int64 *carried)
{
	Size first = 0;

	while (first < n && isnan(x[first * stride]))
		first++;
	if (first == n)
		return false;
	for (Size t = 0; t < n; t++)
	{
		if (!isnan(x[t * stride]))
			continue;
		x[t * stride] = t < first ? x[first * stride] : x[(t - 1) * stride];
		(*carried)++;
	}
	return true;
}

static AugurStoredGrid
stored_grid(const Work *w)
{
	AugurStoredGrid stored = {w->whole.grid, w->task->options.time.gaps,
							  w->task->options.time.duplicates};

	return stored;
}

static void
lay_regressors(Work *w, const char *rows)
{
	AugurSeriesTask *task = w->task;
	AugurStoredGrid grid = stored_grid(w);
	uint32 r = task->n_regressors;
	double *x =
		MemoryContextAllocHuge(task->work, mul_size(mul_size(w->whole.n, r), sizeof(double)));

	augur_regressors_lay(&grid, rows, w->item->n, r, grid.grid.first_step, w->whole.n, x);
	for (uint32 j = 0; j < r; j++)
	{
		if (carry(x + j, w->whole.n, r, &w->carried))
			continue;
		appendStringInfo(&w->fallback, "regressor \"%s\" has no value: fitted without regressors",
						 task->regressor[j]);
		w->carried = 0;
		return;
	}
	w->x = x;
}

/* Lays rows on timeline and regressors; false: no row has a usable point in time. */
static bool
lay_rows(Work *w, char *data)
{
	AugurSeriesTask *task = w->task;
	AugurTimelineOptions open_gaps = task->options.time;
	char *rows = data + w->item->rows;
	Size n = w->item->n, row_size = AUGUR_ROW_SIZE(task->n_regressors);
	AugurPoint *points = (AugurPoint *) rows;

	if (task->n_regressors > 0)
	{
		augur_rows_sort(rows, n, task->n_regressors);
		points = MemoryContextAllocHuge(task->work, mul_size(Max(n, 1), sizeof(AugurPoint)));
		for (Size i = 0; i < n; i++)
			points[i] = *(AugurPoint *) (rows + i * row_size);
	}
	open_gaps.gaps = AUGUR_GAPS_MISSING;
	if (!augur_timeline_build(&open_gaps, points, n, task->work, &w->whole))
		return false;
	augur_timeline_part(&task->options.time, &w->whole, w->whole.n, task->work, &w->t);
	if (task->n_regressors > 0 && w->whole.observed > 0)
		lay_regressors(w, rows);
	return true;
}

bool
augur_series_lay(AugurSeriesTask *task, const AugurSeriesItem *item, char *data, AugurLaid *laid)
{
	MemoryContext old = MemoryContextSwitchTo(task->work);
	Work w = {.task = task, .item = item};
	bool found;

	initStringInfo(&w.fallback);
	memset(laid, 0, sizeof(*laid));
	found = lay_rows(&w, data);
	if (found)
	{
		laid->whole = w.whole;
		laid->t = w.t;
		laid->x = w.x;
		laid->carried = w.carried;
		laid->unused = w.fallback.len > 0 ? w.fallback.data : NULL;
	}
	MemoryContextSwitchTo(old);
	return found;
}

/* ---- the form of another version ----------------------------------------------------- */

static bool
same_regressors(const AugurSeriesTask *task, const AugStored *kept)
{
	if (kept->series.n_regressors != task->n_regressors)
		return false;
	for (uint32 j = 0; j < task->n_regressors; j++)
	{
		if (strcmp(kept->regressor[j], task->regressor[j]) != 0)
			return false;
	}
	return true;
}

/* Why a form cannot be kept, or NULL. */
static const char *
refuse_kept(const Work *w, const AugStored *kept)
{
	const AugurSeriesTask *task = w->task;
	const AugurTimelineOptions *time = &task->options.time;
	AugurStoredGrid grid;

	augur_grid_unpack(kept->host, &grid);
	if (kept->form.length == 0 || kept->fallback[0] != '\0')
		return "nothing but a fallback was fitted before";
	if (strcmp(kept->options, task->options_text) != 0)
		return "the options are others than before";
	if (w->t.n >= GROWN * (Size) w->item->kept_n)
		return "the series is twice as long as before";
	if (grid.grid.step.unit != w->t.grid.step.unit || grid.grid.step.count != w->t.grid.step.count)
		return "the step is another than before";
	if (time->n_season >= 0 &&
		((uint32) time->n_season != kept->series.n_periods ||
		 memcmp(time->season, kept->series.period, time->n_season * sizeof(uint32)) != 0))
		return "the seasons are others than before";
	if (!same_regressors(task, kept) || (w->x == NULL && task->n_regressors > 0))
		return "the regressors are others than before";
	return NULL;
}

static void
read_kept(Work *w, const char *data)
{
	AugurSeriesTask *task = w->task;
	AugStored *kept;
	const char *refusal;

	if (!task->refresh)
		return;
	if (w->item->kept_length == 0)
	{
		w->reason = "full search: the series is new";
		return;
	}
	kept =
		augur_stored_load(&task->host, (const uint8 *) data + w->item->kept, w->item->kept_length);
	refusal = refuse_kept(w, kept);
	if (refusal == NULL)
		w->kept = kept;
	else
		w->reason = psprintf("full search: %s", refusal);
}

/* The seasons of a timeline: those of the form that is kept, or as for any forecast. */
static void
set_seasons(Work *w, AugurTimeline *t)
{
	if (w->kept == NULL)
	{
		augur_timeline_seasons(&w->task->host, &w->task->options, t);
		return;
	}
	t->n_season = (int) w->kept->series.n_periods;
	memcpy(t->season, w->kept->series.period, sizeof(t->season));
}

/* ---- the fit --------------------------------------------------------------------------- */

/* A forecast of t with what is kept and known; NULL with *err filled when there is none. */
static AugForecast *
forecast_of(Work *w, AugurTimeline *t, uint32 horizon, AugError *err)
{
	AugurSeriesTask *task = w->task;
	AugurAsk ask = {
		.params = task->options.params, .horizon = horizon, .n_levels = task->options.n_levels};
	AugForecast *f = NULL;
	AugStatus status;

	if (w->x != NULL)
	{
		ask.n_regressors = task->n_regressors;
		ask.n_x = w->whole.n;
		ask.x = w->x;
	}
	set_seasons(w, t);
	if (w->kept != NULL)
	{
		ask.keep = AUG_KEEP_FORM;
		ask.form = w->kept->form;
	}
	status = augur_timeline_run(&task->host, &task->options, &ask, t, &f, err);
	/* bytes that are no form of this series, whatever they are, do not end the statement */
	if (status == AUG_INVALID && w->kept == NULL)
		augur_check(status, err);
	return status == AUG_OK ? f : NULL;
}

/* Fits the whole series: kept form first, then a search, then without regressors. */
static void
fit(Work *w)
{
	AugurSeriesTask *task = w->task;
	AugError err;

	w->forecast = forecast_of(w, &w->t, w->x == NULL ? task->horizon : 0, &err);
	if (w->kept != NULL && (w->forecast == NULL || w->forecast->fallback[0] != '\0'))
	{
		w->kept = NULL;
		w->reason = "full search: the form of before does not fit any more";
		augur_timeline_part(&task->options.time, &w->whole, w->whole.n, task->work, &w->t);
		w->forecast = forecast_of(w, &w->t, w->x == NULL ? task->horizon : 0, &err);
	}
	if (w->x != NULL && (w->forecast == NULL || w->forecast->fallback[0] != '\0'))
	{
		appendStringInfo(&w->fallback, "%s: fitted without regressors",
						 w->forecast == NULL ? err.message : w->forecast->fallback);
		w->x = NULL;
		w->carried = 0;
		w->forecast = forecast_of(w, &w->t, task->horizon, &err);
	}
	if (w->forecast == NULL)
		w->failure = pstrdup(err.message);
	else if (w->forecast->fallback[0] != '\0')
		appendStringInfo(&w->fallback, "%s%s", w->fallback.len > 0 ? "; " : "",
						 w->forecast->fallback);
	if (w->kept != NULL)
		w->reason = "form kept, parameters estimated anew";
}

/* ---- errors by rolling origin -------------------------------------------------------------- */

void
augur_series_put_fold(const AugurTimeline *whole, const AugurTimeline *part, uint32 horizon,
					  const AugForecast *f, const AugForecast *naive, double *const *in, Size at)
{
	uint32 season = part->n_season > 0 ? part->season[0] : 1;
	double absolute = aug_scale_absolute(part->y, part->n, season);
	double squared = aug_scale_squared(part->y, part->n, season);
	/* the highest level is the last */
	Size level = f->n_levels == 0 ? 0 : (Size) (f->n_levels - 1) * horizon;

	for (uint32 h = 0; h < horizon; h++)
	{
		double v[AUGUR_IN_ARRAYS];

		v[AUGUR_IN_ACTUAL] = whole->y[part->n + h];
		v[AUGUR_IN_FORECAST] = f->mean[h];
		v[AUGUR_IN_NAIVE] = naive->mean[h];
		v[AUGUR_IN_LOWER] = f->n_levels == 0 ? NAN : f->lower[level + h];
		v[AUGUR_IN_UPPER] = f->n_levels == 0 ? NAN : f->upper[level + h];
		v[AUGUR_IN_SCALE_ABSOLUTE] = absolute;
		v[AUGUR_IN_SCALE_SQUARED] = squared;
		/* as in augur.backtest, whose columns are NULL for what overflowed */
		for (int k = 0; k < AUGUR_IN_ARRAYS; k++)
			in[k][at + h] = isfinite(v[k]) ? v[k] : NAN;
	}
}

/* The forecast of a fold, or NULL; a form that a shorter series does not take is searched for. */
static AugForecast *
forecast_fold(Work *w, AugurTimeline *part)
{
	const AugStored *kept = w->kept;
	AugForecast *f;
	AugError err;

	f = forecast_of(w, part, w->task->horizon, &err);
	if (kept == NULL || (f != NULL && f->fallback[0] == '\0'))
		return f;
	if (f != NULL)
		aug_forecast_free(&w->task->host.host, f);
	w->kept = NULL;
	augur_timeline_part(&w->task->options.time, &w->whole, part->n, w->task->work, part);
	f = forecast_of(w, part, w->task->horizon, &err);
	w->kept = kept;
	return f;
}

static void
run_folds(Work *w, AugurSeriesOut *out)
{
	AugurSeriesTask *task = w->task;
	const AugurForecastOptions *o = &task->options;
	double *in[AUGUR_IN_ARRAYS];
	Size room = 0;
	int n = 0;

	for (uint32 fold = 0; fold < o->folds; fold++)
		room += augur_fold_origin(o, task->horizon, w->whole.n, fold) > 0 ? task->horizon : 0;
	for (int k = 0; k < AUGUR_IN_ARRAYS; k++)
		in[k] = MemoryContextAllocHuge(task->work, mul_size(Max(room, 1), sizeof(double)));
	for (uint32 fold = 0; fold < o->folds; fold++)
	{
		Size origin = augur_fold_origin(o, task->horizon, w->whole.n, fold);
		AugurTimeline part;
		AugForecast *f, *naive;

		CHECK_FOR_INTERRUPTS();
		if (origin == 0)
			continue;
		augur_timeline_part(&o->time, &w->whole, origin, task->work, &part);
		f = forecast_fold(w, &part);
		if (f != NULL)
		{
			naive = augur_timeline_forecast(&task->host, o, o->naive, &part, task->horizon, 0);
			augur_series_put_fold(&w->whole, &part, task->horizon, f, naive, in,
								  (Size) n * task->horizon);
			n++;
			aug_forecast_free(&task->host.host, naive);
			aug_forecast_free(&task->host.host, f);
		}
		pfree(part.y);
	}
	out->folds = n;
	augur_errors(in, n * (int) task->horizon, o->n_levels > 0 ? o->levels[o->n_levels - 1] : NAN,
				 &out->errors);
	for (int k = 0; k < AUGUR_IN_ARRAYS; k++)
		pfree(in[k]);
}

/* ---- the result ------------------------------------------------------------------------------ */

/* A message of at most as many bytes as a state takes, cut between characters; "" for NULL. */
static const char *
message(const char *text)
{
	int length;

	if (text == NULL)
		return "";
	length = (int) strlen(text);
	return length <= MESSAGE_MAX ? text : pnstrdup(text, pg_mbcliplen(text, length, MESSAGE_MAX));
}

static const char *
reason_of(const Work *w)
{
	const char *of_fit = w->forecast != NULL ? w->forecast->reason : "";

	if (w->reason == NULL)
		return of_fit;
	return of_fit[0] == '\0' ? w->reason : psprintf("%s; %s", w->reason, of_fit);
}

static const char *
warning_of(const Work *w)
{
	const AugurSeriesTask *task = w->task;
	const char *of_fit = w->forecast != NULL ? w->forecast->warning : w->failure;
	StringInfoData text;
	char *rows;

	if (w->forecast != NULL && w->forecast->n_observed == 0)
		of_fit = "no row has a value";
	rows = augur_series_warnings(&task->options, &w->t, w->item->skipped, of_fit);
	if (w->carried == 0)
		return rows;
	initStringInfo(&text);
	appendStringInfo(&text, "%s%sregressor values carried forward: %lld", rows == NULL ? "" : rows,
					 rows == NULL ? "" : "; ", (long long) w->carried);
	return text.data;
}

/* The state of a series as bytes of the host. */
static void
make_state(const Work *w, AugStored *s, uint8 **bytes, size_t *length)
{
	AugurSeriesTask *task = w->task;
	AugurStoredGrid grid = stored_grid(w);
	const AugForecast *f = w->forecast;
	uint8 host[AUGUR_STORED_GRID_MAX];
	AugError err;

	grid.grid = w->t.grid;
	s->host = (AugSlice){host, augur_grid_pack(&grid, host)};
	s->series.n = s->series.n_x = w->t.n;
	s->series.y = w->t.y;
	s->series.n_periods = (uint32) w->t.n_season;
	memcpy(s->series.period, w->t.season, sizeof(s->series.period));
	if (w->x != NULL)
	{
		s->series.n_regressors = task->n_regressors;
		s->series.x = w->x;
		s->regressor = task->regressor;
	}
	s->options = task->options_text;
	s->seed = task->options.seed;
	s->horizon = task->horizon;
	s->n_levels = (uint32) task->options.n_levels;
	s->levels = task->options.levels;
	s->form = f->form;
	s->sigma = f->sigma;
	s->aicc = f->aicc;
	if (f->horizon > 0)
	{
		s->mean = f->mean;
		s->lower = f->lower;
		s->upper = f->upper;
	}
	augur_check(aug_series_store(&task->host.host, s, bytes, length, &err), &err);
}

void
augur_series_put_counts(const AugurTimeline *t, AugurSeriesOut *out)
{
	AugurGrid grid = t->grid;

	out->has_time = true;
	out->step = grid.step;
	out->first_ts = augur_grid_utc(&grid, grid.first_step);
	out->last_ts = augur_grid_utc(&grid, grid.first_step + (int64) t->n - 1);
	out->n = (int64) t->n;
	out->observed = t->observed;
	out->filled = t->filled;
	out->missing = t->missing;
	out->duplicates = t->duplicates;
	out->irregular = t->irregular;
	out->left_out = t->left_out;
	out->n_season = t->n_season;
	memcpy(out->season, t->season, sizeof(out->season));
}

void
augur_series_put_out(StringInfo to, AugurSeriesOut *out, const AugStored *s, const uint8 *state,
					 size_t length)
{
	/* a StringInfo holds no more, and texts are far shorter than the rest */
	if (length > MaxAllocSize / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("what a series leaves behind takes %s, of at most %s",
							   augur_size_text(length), augur_size_text(MaxAllocSize / 2)),
						errhint("Take a shorter part of its rows.")));
	out->method = (int32) strlen(s->method);
	out->reason = (int32) strlen(s->reason);
	out->fallback = (int32) strlen(s->fallback);
	out->warning = (int32) strlen(s->warning);
	out->state = length;
	appendBinaryStringInfo(to, (const char *) out, sizeof(*out));
	appendBinaryStringInfo(to, s->method, out->method);
	appendBinaryStringInfo(to, s->reason, out->reason);
	appendBinaryStringInfo(to, s->fallback, out->fallback);
	appendBinaryStringInfo(to, s->warning, out->warning);
	if (length > 0)
		appendBinaryStringInfo(to, (const char *) state, (int) length);
}

/* ---- the task -------------------------------------------------------------------- */

void
augur_task_init(AugurSeriesTask *task, AugurForecastKind kind, Jsonb *options, AugurStamp stamp,
				uint32 horizon, const char *const *regressor, uint32 n_regressors, bool refresh,
				MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	char *text;
	AugError err;

	memset(task, 0, sizeof(*task));
	augur_forecast_options_read(&task->options, options, stamp, kind);
	augur_check(aug_params_text(task->options.params, &text, &err), &err);
	task->options_text = text;
	task->horizon = horizon;
	task->regressor = regressor;
	task->n_regressors = n_regressors;
	task->refresh = refresh;
	task->work = AllocSetContextCreate(context, "augur series", ALLOCSET_DEFAULT_SIZES);
	augur_host_init(&task->host, task->work);
	MemoryContextSwitchTo(old);
}

/* Tells which series an error is about. */
static void
series_context(void *arg)
{
	const Jsonb *key = arg;
	char *text = JsonbToCString(NULL, (JsonbContainer *) &key->root, VARSIZE(key));

	errcontext("series %s", text);
}

void
augur_task_run(AugurSeriesTask *task, const AugurSeriesItem *item, char *data, StringInfo to)
{
	ErrorContextCallback context = {error_context_stack, series_context, data + item->key};
	AugStored stored = {.method = "none", .reason = "", .fallback = "", .warning = ""};
	AugurSeriesOut out;
	Work w = {.task = task, .item = item};
	uint8 *state = NULL;
	size_t length = 0;
	MemoryContext old;

	error_context_stack = &context;
	MemoryContextReset(task->work);
	old = MemoryContextSwitchTo(task->work);
	memset(&out, 0, sizeof(out));
	out.skipped = item->skipped;
	out.aicc = out.sigma = NAN;
	initStringInfo(&w.fallback);
	if (lay_rows(&w, data))
	{
		read_kept(&w, data);
		fit(&w);
		augur_series_put_counts(&w.t, &out);
		if (w.forecast != NULL)
		{
			stored.method = w.forecast->method;
			out.aicc = w.forecast->aicc;
			out.sigma = w.forecast->sigma;
		}
		stored.reason = message(reason_of(&w));
		stored.fallback = message(w.fallback.data);
		stored.warning = message(warning_of(&w));
		/* without a value or a fit there is nothing to forecast from */
		if (w.forecast != NULL && w.whole.observed > 0)
		{
			run_folds(&w, &out);
			make_state(&w, &stored, &state, &length);
		}
	}
	else
		stored.warning = "no row has a usable point in time";
	MemoryContextSwitchTo(old);
	augur_series_put_out(to, &out, &stored, state, length);
	error_context_stack = context.previous;
}
