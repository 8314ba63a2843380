/*-------------------------------------------------------------------------
 *
 * series_state.c
 *		The rows of one series as the state of an aggregate: those of augur.forecast_agg,
 *		augur.decompose_agg and their kin.
 *
 * The state is one flat block of rows that doubles: 16 bytes a row, in any order,
 * since the rows are sorted before anything is made of them.  So partial states of
 * parallel workers are just appended, and the result has the same bits for any
 * number of workers and order of rows.
 *
 * Options are the same for all rows of a group, and mostly for all groups: the states
 * of a call site share one copy of them, which lives as long as the call site.
 *
 * Memory: the states in the aggregate's context.  Interrupts: none, a row at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "common/int.h"
#include "utils/date.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_forecast_add_date);
AUGUR_FUNCTION(augur_forecast_add_timestamp);
AUGUR_FUNCTION(augur_forecast_add_timestamptz);
AUGUR_FUNCTION(augur_series_add_date);
AUGUR_FUNCTION(augur_series_add_timestamp);
AUGUR_FUNCTION(augur_series_add_timestamptz);
AUGUR_FUNCTION(augur_forecast_combine);
AUGUR_FUNCTION(augur_forecast_serialize);
AUGUR_FUNCTION(augur_forecast_deserialize);

#define SHARED_SIZE(length) (offsetof(AugurSharedOptions, given) + (length))
#define STATE_HEADER		offsetof(AugurSeriesState, points)
/* A power of two, as all later sizes, so that the allocator wastes nothing. */
#define FIRST_STATE_BYTES 128

/* ---- states ------------------------------------------------------------------ */

/* The call site's copy of options: the last one, when it is the same. */
static const AugurSharedOptions *
share_options(FmgrInfo *flinfo, AugurStamp stamp, int32 horizon, const void *given, Size length)
{
	AugurSharedOptions *shared = flinfo->fn_extra;

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

bool
augur_same_options(const AugurSharedOptions *a, const AugurSharedOptions *b)
{
	return a == b || (a->stamp == b->stamp && a->horizon == b->horizon && a->length == b->length &&
					  memcmp(a->given, b->given, a->length) == 0);
}

static void
check_same(const AugurSharedOptions *a, const AugurSharedOptions *b)
{
	if (!augur_same_options(a, b))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s differ between the rows of one group",
							   a->horizon == 0 ? "options" : "horizon or options"),
						errhint("Give them as constants.")));
}

static AugurSeriesState *
state_new(const AugurSharedOptions *options, Size bytes, MemoryContext context)
{
	AugurSeriesState *state = MemoryContextAllocHuge(context, bytes);

	state->options = options;
	state->n = 0;
	state->room = (int64) ((bytes - STATE_HEADER) / sizeof(AugurPoint));
	state->skipped = 0;
	return state;
}

/* The state with room for more rows, maybe moved. */
static AugurSeriesState *
state_reserve(AugurSeriesState *state, Size more)
{
	Size wanted = add_size(STATE_HEADER, mul_size(add_size(state->n, more), sizeof(AugurPoint)));
	Size bytes = STATE_HEADER + (Size) state->room * sizeof(AugurPoint);

	if (wanted <= bytes)
		return state;
	while (bytes < wanted)
		bytes = mul_size(bytes, 2);
	if (!AllocHugeSizeIsValid(bytes))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows in one series")));
	state = repalloc_huge(state, bytes);
	state->room = (int64) ((bytes - STATE_HEADER) / sizeof(AugurPoint));
	return state;
}

/* ---- transition ------------------------------------------------------------- */

bool
augur_stamp_time(AugurStamp stamp, Datum value, int64 *at)
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

/* (state, ts, y, horizon [, options]), or (state, ts, y [, options]) without a horizon. */
static Datum
add_row(FunctionCallInfo fcinfo, AugurStamp stamp, bool with_horizon)
{
	MemoryContext context;
	const AugurSharedOptions *options;
	AugurSeriesState *state;
	int at = with_horizon ? 4 : 3; /* of the options */
	Jsonb *given = NULL;
	AugurPoint point;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (with_horizon && PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("horizon must not be null")));
	if (PG_NARGS() > at)
	{
		if (PG_ARGISNULL(at))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be null")));
		given = PG_GETARG_JSONB_P(at);
	}
	options = share_options(fcinfo->flinfo, stamp, with_horizon ? PG_GETARG_INT32(3) : 0, given,
							given == NULL ? 0 : VARSIZE(given));
	if (PG_ARGISNULL(0))
		state = state_new(options, FIRST_STATE_BYTES, context);
	else
	{
		state = (AugurSeriesState *) PG_GETARG_POINTER(0);
		check_same(state->options, options);
	}
	if (PG_ARGISNULL(1) || !augur_stamp_time(stamp, PG_GETARG_DATUM(1), &point.at))
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
	return add_row(fcinfo, AUGUR_STAMP_DATE, true);
}

Datum
augur_forecast_add_timestamp(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMP, true);
}

Datum
augur_forecast_add_timestamptz(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMPTZ, true);
}

Datum
augur_series_add_date(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_DATE, false);
}

Datum
augur_series_add_timestamp(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMP, false);
}

Datum
augur_series_add_timestamptz(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, AUGUR_STAMP_TIMESTAMPTZ, false);
}

/* ---- parallel ------------------------------------------------------------------ */

Datum
augur_forecast_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	AugurSeriesState *state;
	const AugurSeriesState *other;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = (const AugurSeriesState *) PG_GETARG_POINTER(1);
	if (PG_ARGISNULL(0))
		state = state_new(other->options, FIRST_STATE_BYTES, context);
	else
		state = (AugurSeriesState *) PG_GETARG_POINTER(0);
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
	const AugurSeriesState *state;
	int64 counts[2];
	Size options, points, size;
	bytea *out;
	char *p;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = (const AugurSeriesState *) PG_GETARG_POINTER(0);
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
	AugurSharedOptions head;
	AugurSeriesState *state;
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

Datum
augur_number_or_null(double number, bool *null)
{
	*null = isnan(number);
	return Float8GetDatum(number);
}

Datum
augur_stamp_datum(AugurStamp stamp, int64 at)
{
	return stamp == AUGUR_STAMP_DATE ? DateADTGetDatum((DateADT) at) : TimestampGetDatum(at);
}

void
augur_tell_averaged(const AugurTimeline *t, bool asked, bool *told)
{
	if (t->duplicates == 0 || *told || asked || augur_verbosity < 1)
		return;
	*told = true;
	ereport(NOTICE,
			(errmsg("rows of a series that share a step are averaged"),
			 errdetail("The first such series has %lld of them.", (long long) t->duplicates),
			 errhint("Say {\"duplicates\": \"sum\"} when they are parts of a total.")));
}
