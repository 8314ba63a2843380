/*-------------------------------------------------------------------------
 *
 * backtest.c
 *		augur.backtest_agg(ts, y, horizon [, options]): what forecasts of a series would have
 *		been worth, by rolling origin.
 *
 * The rows are those of augur.forecast_agg (series_state.c), laid on one timeline.  For
 * each fold the series is cut at its origin, gaps are filled and seasons sought in
 * what lies before it alone, and it is forecast as if the rest were unknown, beside the
 * seasonal naive forecast.  The last fold ends with the last step of the series; a fold
 * that would leave fewer than two steps is left out.
 *
 * Memory: a context of the call site that is reset after each series.  Interrupts: those
 * of timeline.c and of the core's methods.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

AUGUR_FUNCTION(augur_backtest_points);

#define BACKTEST_COLUMNS 13
#define LEAST_HISTORY	 2

/* One series on its way through the folds. */
typedef struct Backtest
{
	AugurFinalSite *site;
	uint32 horizon;
	AugurTimeline whole; /* gaps left open */
	Datum *rows;
	Size n_rows;
	Size room;
} Backtest;

/* ---- folds --------------------------------------------------------------- */

Size
augur_fold_origin(const AugurForecastOptions *options, uint32 horizon, Size n, uint32 fold)
{
	uint64 step = options->fold_step > 0 ? options->fold_step : horizon;
	uint64 ahead = (uint64) (options->folds - 1 - fold) * step + horizon;

	return n >= ahead + LEAST_HISTORY ? n - (Size) ahead : 0;
}

/* The point in time of value i. */
static Datum
stamp_at(const Backtest *b, int64 i)
{
	return augur_stamp_datum(b->whole.grid.stamp, augur_timeline_at(&b->whole, i));
}

/* NULL for what overflowed, too */
static Datum
number_or_null(double number, bool *null)
{
	*null = !isfinite(number);
	return Float8GetDatum(number);
}

/* The rows of a fold: one for each step and level. */
static void
put_fold(Backtest *b, uint32 fold, Size origin, const AugurTimeline *part, const AugForecast *f,
		 const AugForecast *naive)
{
	const AugurForecastOptions *o = b->site->options;
	uint32 season = part->n_season > 0 ? part->season[0] : 1;
	uint32 n_levels = Max(f->n_levels, 1);
	Datum values[BACKTEST_COLUMNS];
	bool nulls[BACKTEST_COLUMNS] = {0};

	values[0] = Int32GetDatum((int32) fold + 1);
	values[1] = stamp_at(b, (int64) origin - 1);
	values[10] = CStringGetTextDatum(f->method);
	values[11] = number_or_null(aug_scale_absolute(part->y, part->n, season), &nulls[11]);
	values[12] = number_or_null(aug_scale_squared(part->y, part->n, season), &nulls[12]);
	for (uint32 h = 0; h < b->horizon; h++)
	{
		values[2] = Int32GetDatum((int32) h + 1);
		values[3] = stamp_at(b, (int64) (origin + h));
		values[4] = number_or_null(b->whole.y[origin + h], &nulls[4]);
		values[5] = number_or_null(f->mean[h], &nulls[5]);
		values[6] = number_or_null(naive->mean[h], &nulls[6]);
		for (uint32 k = 0; k < n_levels; k++)
		{
			bool none = f->n_levels == 0;
			Size i = (Size) k * f->horizon + h;

			values[7] = number_or_null(none ? NAN : f->lower[i], &nulls[7]);
			values[8] = number_or_null(none ? NAN : f->upper[i], &nulls[8]);
			values[9] = number_or_null(none ? NAN : o->levels[k], &nulls[9]);
			b->rows[b->n_rows++] =
				HeapTupleGetDatum(heap_form_tuple(b->site->point, values, nulls));
		}
	}
}

/* ---- the function ------------------------------------------------------------ */

/* Runs all folds; what is longer than one fold needs is kept until the series is done. */
static void
run_folds(Backtest *b)
{
	AugurFinalSite *site = b->site;
	const AugurForecastOptions *o = site->options;

	b->room = (Size) o->folds * b->horizon * Max(o->n_levels, 1);
	b->rows = MemoryContextAllocHuge(site->work, mul_size(b->room, sizeof(Datum)));
	for (uint32 fold = 0; fold < o->folds; fold++)
	{
		Size origin = augur_fold_origin(o, b->horizon, b->whole.n, fold);
		AugurTimeline part;
		AugForecast *f, *naive;

		CHECK_FOR_INTERRUPTS();
		if (origin == 0)
			continue;
		augur_timeline_part(&o->time, &b->whole, origin, site->work, &part);
		augur_timeline_seasons(&site->host, o, &part);
		f = augur_timeline_forecast(&site->host, o, o->params, &part, b->horizon, o->n_levels);
		naive = augur_timeline_forecast(&site->host, o, o->naive, &part, b->horizon, 0);
		put_fold(b, fold, origin, &part, f, naive);
		aug_forecast_free(&site->host.host, f);
		aug_forecast_free(&site->host.host, naive);
		pfree(part.y);
	}
}

/* augur.backtest_agg: NULL when the series is too short for any fold. */
Datum
augur_backtest_points(PG_FUNCTION_ARGS)
{
	AugurSeriesState *state = PG_ARGISNULL(0) ? NULL : (AugurSeriesState *) PG_GETARG_POINTER(0);
	MemoryContext caller = CurrentMemoryContext;
	AugurTimelineOptions open_gaps;
	ArrayType *array = NULL;
	Backtest b = {0};

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	b.site = augur_final_site(fcinfo, state, AUGUR_FORECAST_BACKTEST, BACKTEST_COLUMNS);
	b.horizon = augur_state_horizon(state);
	open_gaps = b.site->options->time;
	open_gaps.gaps = AUGUR_GAPS_MISSING;
	MemoryContextSwitchTo(b.site->work);
	if (augur_timeline_build(&open_gaps, state->points, (Size) state->n, b.site->work, &b.whole))
	{
		augur_tell_averaged(&b.whole, b.site->options->duplicates_given, &b.site->told);
		run_folds(&b);
	}
	MemoryContextSwitchTo(caller);
	if (b.n_rows > 0)
		array =
			construct_array(b.rows, (int) b.n_rows, b.site->point_type, -1, false, TYPALIGN_DOUBLE);
	MemoryContextReset(b.site->work);
	if (array == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(array);
}
