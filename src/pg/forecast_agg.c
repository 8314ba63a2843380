/*-------------------------------------------------------------------------
 *
 * forecast_agg.c
 *		augur.forecast_agg(ts, y, horizon [, options]): the forecast of a series as the value
 *		of an aggregate, and augur.forecast_full_agg, which tells how it came about.
 *
 * The state is one flat block of rows that doubles: 16 bytes a row, in any order,
 * since the rows are sorted before anything is made of them.  So partial states of
 * parallel workers are just appended, and the result has the same bits for any
 * number of workers and order of rows.
 *
 * Options are the same for all rows of a group, and mostly for all groups: the states
 * of a call site share one copy of them, which lives as long as the call site.
 *
 * Memory: the states in the aggregate's context; the work of one series in a context
 * of the call site that is reset after each.  Interrupts: those of timeline.c and of
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
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

AUGUR_FUNCTION(augur_forecast_add_date);
AUGUR_FUNCTION(augur_forecast_add_timestamp);
AUGUR_FUNCTION(augur_forecast_add_timestamptz);
AUGUR_FUNCTION(augur_forecast_combine);
AUGUR_FUNCTION(augur_forecast_serialize);
AUGUR_FUNCTION(augur_forecast_deserialize);
AUGUR_FUNCTION(augur_forecast_points);
AUGUR_FUNCTION(augur_forecast_full);

/* What the rows of a group have in common, with its bytes: as it travels, too. */
typedef struct SharedOptions
{
	int32 stamp; /* AugurStamp */
	int32 horizon;
	int64 length; /* of the jsonb, 0: none */
	char given[FLEXIBLE_ARRAY_MEMBER];
} SharedOptions;

#define SHARED_SIZE(length) (offsetof(SharedOptions, given) + (length))

typedef struct SeriesState
{
	const SharedOptions *options;
	int64 n;
	int64 room;
	int64 skipped; /* rows without a usable point in time */
	AugurPoint points[FLEXIBLE_ARRAY_MEMBER];
} SeriesState;

#define STATE_HEADER offsetof(SeriesState, points)
/* A power of two, as all later sizes, so that the allocator wastes nothing. */
#define FIRST_STATE_BYTES 128

/* ---- states ------------------------------------------------------------------ */

/* The call site's copy of options: the last one, when it is the same. */
static const SharedOptions *
share_options(FmgrInfo *flinfo, AugurStamp stamp, int32 horizon, const void *given, Size length)
{
	SharedOptions *shared = flinfo->fn_extra;

	if (shared != NULL && shared->stamp == (int32) stamp && shared->horizon == horizon &&
		shared->length == (int64) length &&
		(length == 0 || memcmp(shared->given, given, length) == 0))
		return shared;
	shared = MemoryContextAlloc(flinfo->fn_mcxt, SHARED_SIZE(length));
	shared->stamp = (int32) stamp;
	shared->horizon = horizon;
	shared->length = (int64) length;
	if (length > 0)
		memcpy(shared->given, given, length);
	flinfo->fn_extra = shared;
	return shared;
}

static bool
same_options(const SharedOptions *a, const SharedOptions *b)
{
	return a == b || (a->stamp == b->stamp && a->horizon == b->horizon && a->length == b->length &&
					  memcmp(a->given, b->given, a->length) == 0);
}

static void
check_same(const SharedOptions *a, const SharedOptions *b)
{
	if (!same_options(a, b))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon or options differ between the rows of one group"),
						errhint("Give them as constants.")));
}

static SeriesState *
state_new(const SharedOptions *options, Size bytes, MemoryContext context)
{
	SeriesState *state = MemoryContextAllocHuge(context, bytes);

	state->options = options;
	state->n = 0;
	state->room = (int64) ((bytes - STATE_HEADER) / sizeof(AugurPoint));
	state->skipped = 0;
	return state;
}

/* The state with room for more rows, maybe moved. */
static SeriesState *
state_reserve(SeriesState *state, Size more)
{
	Size wanted = add_size(STATE_HEADER, mul_size(add_size(state->n, more), sizeof(AugurPoint)));
	Size bytes = STATE_HEADER + (Size) state->room * sizeof(AugurPoint);

	if (wanted <= bytes)
		return state;
	while (bytes < wanted)
		bytes = mul_size(bytes, 2);
	if (!AllocHugeSizeIsValid(bytes))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows in one series to forecast")));
	state = repalloc_huge(state, bytes);
	state->room = (int64) ((bytes - STATE_HEADER) / sizeof(AugurPoint));
	return state;
}

/* ---- transition ------------------------------------------------------------- */

/* A point in time as microseconds; false for infinity and what is far outside history. */
static bool
stamp_time(AugurStamp stamp, Datum value, int64 *at)
{
	if (stamp == AUGUR_STAMP_DATE)
	{
		DateADT date = DatumGetDateADT(value);

		if (DATE_NOT_FINITE(date) || pg_mul_s64_overflow(date, USECS_PER_DAY, at))
			return false;
	}
	else
		*at = DatumGetTimestamp(value);
	/* infinity is far outside, too */
	return *at > -AUGUR_STAMP_LIMIT && *at < AUGUR_STAMP_LIMIT;
}

/* (state, ts, y, horizon [, options]); see 65_forecast.sql. */
static Datum
add_row(FunctionCallInfo fcinfo, AugurStamp stamp)
{
	MemoryContext context;
	const SharedOptions *options;
	SeriesState *state;
	Jsonb *given = NULL;
	AugurPoint point;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("horizon must not be null")));
	if (PG_NARGS() > 4)
	{
		if (PG_ARGISNULL(4))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be null")));
		given = PG_GETARG_JSONB_P(4);
	}
	options = share_options(fcinfo->flinfo, stamp, PG_GETARG_INT32(3), given,
							given == NULL ? 0 : VARSIZE(given));
	if (PG_ARGISNULL(0))
		state = state_new(options, FIRST_STATE_BYTES, context);
	else
	{
		state = (SeriesState *) PG_GETARG_POINTER(0);
		check_same(state->options, options);
	}
	if (PG_ARGISNULL(1) || !stamp_time(stamp, PG_GETARG_DATUM(1), &point.at))
	{
		state->skipped++;
		PG_RETURN_POINTER(state);
	}
	point.y = PG_ARGISNULL(2) ? NAN : PG_GETARG_FLOAT8(2);
	if (!isfinite(point.y))
		point.y = NAN; /* one NaN, whose bits are always the same */
	state = state_reserve(state, 1);
	state->points[state->n++] = point;
	PG_RETURN_POINTER(state);
}

Datum
augur_forecast_add_date(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_DATE);
}

Datum
augur_forecast_add_timestamp(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMP);
}

Datum
augur_forecast_add_timestamptz(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMPTZ);
}

/* ---- parallel ------------------------------------------------------------------ */

Datum
augur_forecast_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	SeriesState *state;
	const SeriesState *other;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = (const SeriesState *) PG_GETARG_POINTER(1);
	if (PG_ARGISNULL(0))
		state = state_new(other->options, FIRST_STATE_BYTES, context);
	else
		state = (SeriesState *) PG_GETARG_POINTER(0);
	check_same(state->options, other->options);
	state = state_reserve(state, other->n);
	memcpy(state->points + state->n, other->points, (Size) other->n * sizeof(AugurPoint));
	state->n += other->n;
	state->skipped += other->skipped;
	PG_RETURN_POINTER(state);
}

/* Rows and skipped, the options, the points. */
Datum
augur_forecast_serialize(PG_FUNCTION_ARGS)
{
	const SeriesState *state;
	int64 counts[2];
	Size options, points, size;
	bytea *out;
	char *p;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = (const SeriesState *) PG_GETARG_POINTER(0);
	counts[0] = state->n;
	counts[1] = state->skipped;
	options = SHARED_SIZE(state->options->length);
	points = mul_size(state->n, sizeof(AugurPoint));
	size = add_size(VARHDRSZ + sizeof(counts) + options, points);
	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many rows in one series for parallel query"),
						errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
	out = palloc(size);
	SET_VARSIZE(out, size);
	p = VARDATA(out);
	memcpy(p, counts, sizeof(counts));
	memcpy(p + sizeof(counts), state->options, options);
	memcpy(p + sizeof(counts) + options, state->points, points);
	PG_RETURN_BYTEA_P(out);
}

/* Reads what serialize wrote: a server's own worker is the only writer. */
Datum
augur_forecast_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	const char *p = VARDATA_ANY(bytes);
	Size length = VARSIZE_ANY_EXHDR(bytes);
	SharedOptions head;
	SeriesState *state;
	int64 counts[2];

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (length < sizeof(counts) + SHARED_SIZE(0))
		elog(ERROR, "serialized state is too short");
	memcpy(counts, p, sizeof(counts));
	p += sizeof(counts);
	memcpy(&head, p, SHARED_SIZE(0));
	p += SHARED_SIZE(0);
	length -= sizeof(counts) + SHARED_SIZE(0);
	if (head.length < 0 || counts[0] < 0 || head.length > (int64) length ||
		(length - (Size) head.length) % sizeof(AugurPoint) != 0 ||
		(length - (Size) head.length) / sizeof(AugurPoint) != (Size) counts[0])
		elog(ERROR, "serialized state has a wrong length");
	state = state_new(
		share_options(fcinfo->flinfo, (AugurStamp) head.stamp, head.horizon, p, (Size) head.length),
		STATE_HEADER + (Size) counts[0] * sizeof(AugurPoint), CurrentMemoryContext);
	state->n = counts[0];
	state->skipped = counts[1];
	/* the bytes may not be aligned for points */
	memcpy(state->points, p + head.length, (Size) counts[0] * sizeof(AugurPoint));
	PG_RETURN_POINTER(state);
}

/* ---- results ------------------------------------------------------------------- */

#define POINT_COLUMNS 7
#define FULL_COLUMNS  17

/* What a call site of a final function keeps. */
typedef struct FinalSite
{
	MemoryContext work;			 /* of one series */
	MemoryContext of_options;	 /* of the parsed options */
	const SharedOptions *shared; /* those that are parsed */
	AugurForecastOptions *options;
	TupleDesc point; /* augur.forecast_point or a sibling */
	Oid point_type;
	TupleDesc full; /* augur.forecast_full or a sibling, or NULL */
	bool told;		/* that rows were averaged */
	AugurHost host; /* in work */
} FinalSite;

/* The descriptors of what the function returns. */
static void
find_types(FinalSite *site, Oid function, MemoryContext context)
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
	if (site->point->natts != POINT_COLUMNS)
		elog(ERROR, "augur.forecast_point has %d attributes", site->point->natts);
	MemoryContextSwitchTo(old);
}

static FinalSite *
final_site(FunctionCallInfo fcinfo, const SharedOptions *shared)
{
	FinalSite *site = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (site == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		site = MemoryContextAllocZero(context, sizeof(FinalSite));
		find_types(site, fcinfo->flinfo->fn_oid, context);
		site->work = AllocSetContextCreate(context, "augur forecast", ALLOCSET_DEFAULT_SIZES);
		site->of_options =
			AllocSetContextCreate(context, "augur forecast options", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = site;
	}
	if (site->shared == NULL || !same_options(site->shared, shared))
	{
		site->shared = NULL;
		MemoryContextReset(site->of_options);
		old = MemoryContextSwitchTo(site->of_options);
		site->options = palloc(sizeof(AugurForecastOptions));
		augur_forecast_options_read(
			site->options, shared->length > 0 ? (Jsonb *) shared->given : NULL,
			(AugurStamp) shared->stamp);
		MemoryContextSwitchTo(old);
		site->shared = shared;
	}
	augur_host_init(&site->host, site->work);
	return site;
}

static Datum
number_or_null(double number, bool *null)
{
	*null = isnan(number);
	return Float8GetDatum(number);
}

static Datum
stamp_datum(AugurStamp stamp, int64 at)
{
	return stamp == AUGUR_STAMP_DATE ? DateADTGetDatum((DateADT) at) : TimestampGetDatum(at);
}

/* A row for each step and level, in that order, as an array in context. */
static ArrayType *
point_array(FinalSite *site, const AugurSeriesResult *r, MemoryContext context)
{
	const AugForecast *f = r->forecast;
	uint32 n_levels = Max(f->n_levels, 1);
	Size n = (Size) f->horizon * n_levels, at = 0;
	Datum *rows = MemoryContextAllocHuge(site->work, n * sizeof(Datum));
	MemoryContext old = MemoryContextSwitchTo(site->work);
	Datum values[POINT_COLUMNS];
	bool nulls[POINT_COLUMNS] = {0};
	ArrayType *array;

	values[6] = CStringGetTextDatum(f->method);
	for (uint32 h = 0; h < f->horizon; h++)
	{
		values[0] = stamp_datum(r->timeline.grid.stamp,
								augur_timeline_at(&r->timeline, (int64) (r->timeline.n + h)));
		values[1] = Int32GetDatum((int32) h + 1);
		values[2] = number_or_null(f->mean[h], &nulls[2]);
		for (uint32 k = 0; k < n_levels; k++)
		{
			bool none = f->n_levels == 0;
			Size i = (Size) k * f->horizon + h;

			values[3] = number_or_null(none ? NAN : f->lower[i], &nulls[3]);
			values[4] = number_or_null(none ? NAN : f->upper[i], &nulls[4]);
			values[5] = number_or_null(none ? NAN : site->options->levels[k], &nulls[5]);
			rows[at++] = HeapTupleGetDatum(heap_form_tuple(site->point, values, nulls));
		}
	}
	MemoryContextSwitchTo(context);
	array = construct_array(rows, (int) n, site->point_type, -1, false, TYPALIGN_DOUBLE);
	MemoryContextSwitchTo(old);
	return array;
}

/* Averaging is a guess, so it is told once a statement unless it was asked for. */
static void
tell_averaged(FinalSite *site, const AugurTimeline *t)
{
	if (t->duplicates == 0 || site->told || site->options->duplicates_given || augur_verbosity < 1)
		return;
	site->told = true;
	ereport(NOTICE,
			(errmsg("rows of a series that share a step are averaged"),
			 errdetail("The first such series has %lld of them.", (long long) t->duplicates),
			 errhint("Say {\"duplicates\": \"sum\"} when they are parts of a total.")));
}

/*
 * Forecasts the rows of a state; false when none of them has a point in time.
 * Sorting them in place changes nothing for who adds more.
 */
static bool
run_series(FinalSite *site, SeriesState *state, AugurSeriesResult *result)
{
	if (state->options->horizon < 1 || state->options->horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	if (!augur_series_forecast(&site->host, site->options, state->points, (Size) state->n,
							   state->skipped, (uint32) state->options->horizon, result))
		return false;
	tell_averaged(site, &result->timeline);
	return true;
}

/* augur.forecast_agg: NULL without any point in time. */
Datum
augur_forecast_points(PG_FUNCTION_ARGS)
{
	SeriesState *state = PG_ARGISNULL(0) ? NULL : (SeriesState *) PG_GETARG_POINTER(0);
	ArrayType *array = NULL;
	AugurSeriesResult result;
	FinalSite *site;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	site = final_site(fcinfo, state->options);
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
	values[13] = number_or_null(f->sigma, &nulls[13]);
	values[14] = number_or_null(f->aicc, &nulls[14]);
	values[15] = text_or_null(f->fallback, &nulls[15]);
	values[16] = text_or_null(r->warning, &nulls[16]);
}

/* augur.forecast_full_agg: NULL for no rows at all. */
Datum
augur_forecast_full(PG_FUNCTION_ARGS)
{
	SeriesState *state = PG_ARGISNULL(0) ? NULL : (SeriesState *) PG_GETARG_POINTER(0);
	MemoryContext caller = CurrentMemoryContext;
	Datum values[FULL_COLUMNS];
	bool nulls[FULL_COLUMNS] = {0};
	AugurSeriesResult result;
	FinalSite *site;
	HeapTuple tuple;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	site = final_site(fcinfo, state->options);
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
