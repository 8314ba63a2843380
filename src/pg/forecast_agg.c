/*-------------------------------------------------------------------------
 *
 * forecast_agg.c
 *		augur.forecast_agg(ts, y, horizon [, options]): the forecast of a series as the value
 *		of an aggregate, and augur.forecast_full_agg, which tells how it came about.
 *
 * The rows are collected by series_state.c.
 *
 * Memory: the work of one series lies in a context of the call site that is reset
 * after each.  Interrupts: those of timeline.c and of
 * the core's methods.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

AUGUR_FUNCTION(augur_forecast_points);
AUGUR_FUNCTION(augur_forecast_full);

/* ---- results ------------------------------------------------------------------- */

#define POINT_COLUMNS 7
#define FULL_COLUMNS  17

/* The descriptors of what the function returns. */
static void
find_types(AugurFinalSite *site, Oid function, int columns, MemoryContext context)
{
	Oid type = get_func_rettype(function);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (type_is_rowtype(type))
	{
		site->full = lookup_rowtype_tupdesc_copy(type, -1);
		if (site->full->natts != FULL_COLUMNS)
			elog(ERROR, "augur.forecast_full has %d attributes", site->full->natts);
		type = TupleDescAttr(site->full, 0)->atttypid;
	}
	site->point_type = get_element_type(type);
	if (!OidIsValid(site->point_type))
		elog(ERROR, "forecasts must be returned as an array");
	site->point = lookup_rowtype_tupdesc_copy(site->point_type, -1);
	if (site->point->natts != columns)
		elog(ERROR, "type of a point has %d attributes", site->point->natts);
	MemoryContextSwitchTo(old);
}

AugurFinalSite *
augur_final_site(FunctionCallInfo fcinfo, const AugurSeriesState *state, AugurForecastKind kind,
				 int columns)
{
	const AugurSharedOptions *shared = state->options;
	AugurFinalSite *site = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (site == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		site = MemoryContextAllocZero(context, sizeof(AugurFinalSite));
		find_types(site, fcinfo->flinfo->fn_oid, columns, context);
		site->work = AllocSetContextCreate(context, "augur forecast", ALLOCSET_DEFAULT_SIZES);
		site->of_options =
			AllocSetContextCreate(context, "augur forecast options", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = site;
	}
	if (site->shared == NULL || !augur_same_options(site->shared, shared))
	{
		site->shared = NULL;
		MemoryContextReset(site->of_options);
		old = MemoryContextSwitchTo(site->of_options);
		site->options = palloc(sizeof(AugurForecastOptions));
		augur_forecast_options_read(site->options,
									shared->length > 0 ? (Jsonb *) shared->given : NULL,
									(AugurStamp) shared->stamp, kind);
		MemoryContextSwitchTo(old);
		site->shared = shared;
	}
	augur_host_init(&site->host, site->work);
	return site;
}

/* A row for each step and level, in that order, as an array in context. */
static ArrayType *
point_array(AugurFinalSite *site, const AugurSeriesResult *r, MemoryContext context)
{
	const AugForecast *f = r->forecast;
	uint32 n_levels = Max(f->n_levels, 1);
	Size n = (Size) f->horizon * n_levels, at = 0;
	Datum *rows = MemoryContextAllocHuge(site->work, mul_size(n, sizeof(Datum)));
	MemoryContext old = MemoryContextSwitchTo(site->work);
	Datum values[POINT_COLUMNS];
	bool nulls[POINT_COLUMNS] = {0};
	ArrayType *array;

	values[6] = CStringGetTextDatum(f->method);
	for (uint32 h = 0; h < f->horizon; h++)
	{
		values[0] = augur_stamp_datum(r->timeline.grid.stamp,
									  augur_timeline_at(&r->timeline, (int64) (r->timeline.n + h)));
		values[1] = Int32GetDatum((int32) h + 1);
		values[2] = augur_number_or_null(f->mean[h], &nulls[2]);
		for (uint32 k = 0; k < n_levels; k++)
		{
			bool none = f->n_levels == 0;
			Size i = (Size) k * f->horizon + h;

			values[3] = augur_number_or_null(none ? NAN : f->lower[i], &nulls[3]);
			values[4] = augur_number_or_null(none ? NAN : f->upper[i], &nulls[4]);
			values[5] = augur_number_or_null(none ? NAN : site->options->levels[k], &nulls[5]);
			rows[at++] = HeapTupleGetDatum(heap_form_tuple(site->point, values, nulls));
		}
	}
	MemoryContextSwitchTo(context);
	array = construct_array(rows, (int) n, site->point_type, -1, false, TYPALIGN_DOUBLE);
	MemoryContextSwitchTo(old);
	return array;
}

uint32
augur_state_horizon(const AugurSeriesState *state)
{
	if (state->options->horizon < 1 || state->options->horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	return (uint32) state->options->horizon;
}

/*
 * Forecasts the rows of a state; false when none of them has a point in time.
 * Sorting them in place changes nothing for who adds more.
 */
static bool
run_series(AugurFinalSite *site, AugurSeriesState *state, AugurSeriesResult *result)
{
	uint32 horizon = augur_state_horizon(state);

	if (!augur_series_forecast(&site->host, site->options, state->points, (Size) state->n,
							   state->skipped, horizon, result))
		return false;
	augur_tell_averaged(&result->timeline, site->options->duplicates_given, &site->told);
	return true;
}

/* augur.forecast_agg: NULL without any point in time. */
Datum
augur_forecast_points(PG_FUNCTION_ARGS)
{
	AugurSeriesState *state = PG_ARGISNULL(0) ? NULL : (AugurSeriesState *) PG_GETARG_POINTER(0);
	ArrayType *array = NULL;
	AugurSeriesResult result;
	AugurFinalSite *site;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	site = augur_final_site(fcinfo, state, AUGUR_FORECAST_ONLY, POINT_COLUMNS);
	if (run_series(site, state, &result))
		array = point_array(site, &result, CurrentMemoryContext);
	MemoryContextReset(site->work);
	if (array == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(array);
}

static Datum
text_or_null(const char *text, bool *null)
{
	*null = text == NULL || text[0] == '\0';
	return *null ? (Datum) 0 : CStringGetTextDatum(text);
}

static Datum
season_array(const AugurTimeline *t)
{
	Datum lengths[AUG_MAX_PERIODS];

	for (int i = 0; i < t->n_season; i++)
		lengths[i] = Int32GetDatum((int32) t->season[i]);
	return PointerGetDatum(
		construct_array(lengths, t->n_season, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/* The columns of augur.forecast_full after the points. */
static void
full_columns(const AugurSeriesResult *r, int64 skipped, Datum *values, bool *nulls)
{
	const AugurTimeline *t = &r->timeline;
	const AugForecast *f = r->forecast;

	values[1] = CStringGetTextDatum(f->method);
	values[2] = text_or_null(f->reason, &nulls[2]);
	values[3] = IntervalPGetDatum(augur_step_interval(t->grid.step));
	values[4] = season_array(t);
	values[5] = Int64GetDatum((int64) t->n);
	values[6] = Int64GetDatum(t->observed);
	values[7] = Int64GetDatum(t->missing);
	values[8] = Int64GetDatum(t->filled);
	values[9] = Int64GetDatum(t->duplicates);
	values[10] = Int64GetDatum(t->irregular);
	values[11] = Int64GetDatum(t->left_out);
	values[12] = Int64GetDatum(skipped);
	values[13] = augur_number_or_null(f->sigma, &nulls[13]);
	values[14] = augur_number_or_null(f->aicc, &nulls[14]);
	values[15] = text_or_null(f->fallback, &nulls[15]);
	values[16] = text_or_null(r->warning, &nulls[16]);
}

/* augur.forecast_full_agg: NULL for no rows at all. */
Datum
augur_forecast_full(PG_FUNCTION_ARGS)
{
	AugurSeriesState *state = PG_ARGISNULL(0) ? NULL : (AugurSeriesState *) PG_GETARG_POINTER(0);
	MemoryContext caller = CurrentMemoryContext;
	Datum values[FULL_COLUMNS];
	bool nulls[FULL_COLUMNS] = {0};
	AugurSeriesResult result;
	AugurFinalSite *site;
	HeapTuple tuple;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	site = augur_final_site(fcinfo, state, AUGUR_FORECAST_ONLY, POINT_COLUMNS);
	MemoryContextSwitchTo(site->work);
	if (run_series(site, state, &result))
	{
		values[0] = PointerGetDatum(point_array(site, &result, site->work));
		full_columns(&result, state->skipped, values, nulls);
	}
	else
	{
		memset(nulls, true, sizeof(nulls));
		for (int i = 5; i <= 12; i++)
		{
			nulls[i] = false;
			values[i] = Int64GetDatum(i == 12 ? state->skipped : 0);
		}
		values[1] = CStringGetTextDatum("none");
		values[15] = CStringGetTextDatum("no row has a usable point in time");
		nulls[1] = nulls[15] = false;
	}
	MemoryContextSwitchTo(caller);
	tuple = heap_form_tuple(site->full, values, nulls);
	MemoryContextReset(site->work);
	PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}
