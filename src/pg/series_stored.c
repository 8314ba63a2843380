/*-------------------------------------------------------------------------
 *
 * series_stored.c
 *		The state of a fitted series: where its steps lie in time, forecasts from it, and its
 *		history.
 *
 * The state is the core's (store.c); its slice of the host holds the grid, written here.
 * Every byte is untrusted: a state may come from a table that somebody has changed.
 *
 * A forecast with no more steps than when the series was fitted, at levels of then, is
 * only read.  Any other one filters the series again with all parameters kept, and for at
 * least as many steps as then, which gives the same numbers.  With regressors a forecast
 * is always made anew, from their values in the future.
 *
 * Points in time are timestamptz for all three types: those of dates and timestamps are
 * at UTC, so that "ts AT TIME ZONE 'UTC'" gives the timestamp back, and a cast of that the
 * date.
 *
 * Memory: a context for each call.  Interrupts: the core's.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_series_forecast_rows);
AUGUR_FUNCTION(augur_series_history);

#define FORECAST_COLUMNS 7
#define HISTORY_COLUMNS	 2
#define NAMED_STEPS		 3 /* of those without regressors */

/* ---- the grid as bytes ------------------------------------------------------------- */

/* eight bytes of kinds, three numbers, little-endian, then the name of the zone */
#define GRID_FIXED 32

static void
put_i64(uint8 *at, int64 v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8) ((uint64) v >> (8 * i));
}

static int64
get_i64(const uint8 *at)
{
	uint64 v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64) at[i] << (8 * i);
	return (int64) v;
}

Size
augur_grid_pack(const AugurStoredGrid *stored, uint8 *bytes)
{
	const AugurGrid *g = &stored->grid;
	const char *zone = g->zone == NULL ? "" : pg_get_timezone_name(g->zone);
	Size length = strnlen(zone, AUGUR_STORED_GRID_MAX - GRID_FIXED);

	bytes[0] = (uint8) g->stamp;
	bytes[1] = (uint8) g->step.unit;
	bytes[2] = g->snap_floor ? 1 : 0;
	bytes[3] = g->step_assumed ? 1 : 0;
	bytes[4] = (uint8) g->month_day;
	bytes[5] = (uint8) stored->gaps;
	bytes[6] = (uint8) stored->duplicates;
	bytes[7] = 0;
	put_i64(bytes + 8, g->step.count);
	put_i64(bytes + 16, g->origin);
	put_i64(bytes + 24, g->first_step);
	memcpy(bytes + GRID_FIXED, zone, length);
	return GRID_FIXED + length;
}

pg_noreturn static void
damaged(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("state of a series is damaged"),
					errdetail("Its %s cannot be right.", what)));
}

/* The time zone of that name; empty: none. */
static pg_tz *
stored_zone(const uint8 *bytes, Size length)
{
	char name[TZ_STRLEN_MAX + 1];
	pg_tz *zone;

	if (length == 0)
		return NULL;
	if (length > TZ_STRLEN_MAX || memchr(bytes, 0, length) != NULL ||
		!pg_verifymbstr((const char *) bytes, (int) length, true))
		damaged("time zone");
	memcpy(name, bytes, length);
	name[length] = '\0';
	zone = pg_tzset(name);
	if (zone == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" of a stored series is not known here", name)));
	return zone;
}

void
augur_grid_unpack(AugSlice slice, AugurStoredGrid *stored)
{
	const uint8 *bytes = slice.bytes;
	AugurGrid *g = &stored->grid;

	memset(stored, 0, sizeof(*stored));
	if (slice.length < GRID_FIXED || bytes[0] > AUGUR_STAMP_TIMESTAMPTZ ||
		bytes[1] < AUGUR_UNIT_MICROSECOND || bytes[1] > AUGUR_UNIT_MONTH || bytes[2] > 1 ||
		bytes[3] > 1 || bytes[4] < 1 || bytes[4] > 31 || bytes[5] > AUGUR_GAPS_CARRY ||
		bytes[6] > AUGUR_DUPLICATES_ERROR || bytes[7] != 0)
		damaged("grid");
	g->stamp = (AugurStamp) bytes[0];
	g->step.unit = (AugurUnit) bytes[1];
	g->snap_floor = bytes[2] != 0;
	g->step_assumed = bytes[3] != 0;
	g->month_day = bytes[4];
	stored->gaps = (AugurGaps) bytes[5];
	stored->duplicates = (AugurDuplicates) bytes[6];
	g->step.count = get_i64(bytes + 8);
	g->origin = get_i64(bytes + 16);
	g->first_step = get_i64(bytes + 24);
	/* so far apart that no sum of them overflows */
	if (g->step.count < 1 || g->step.count > 2 * AUGUR_STAMP_LIMIT ||
		g->origin < -AUGUR_STAMP_LIMIT || g->origin > AUGUR_STAMP_LIMIT ||
		g->first_step < -AUGUR_STAMP_LIMIT || g->first_step > AUGUR_STAMP_LIMIT)
		damaged("grid");
	g->zone = stored_zone(bytes + GRID_FIXED, slice.length - GRID_FIXED);
}

TimestampTz
augur_grid_utc(const AugurGrid *grid, int64 step)
{
	int64 at = augur_grid_at(grid, step);

	if (grid->stamp != AUGUR_STAMP_DATE)
		return at;
	if (DATE_NOT_FINITE((DateADT) at) || at >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return DT_NOEND;
	return at * USECS_PER_DAY;
}

/* ---- states --------------------------------------------------------------------------- */

static bool
is_text(const char *string)
{
	return pg_verifymbstr(string, (int) strlen(string), true);
}

AugStored *
augur_stored_load(AugurHost *host, const uint8 *bytes, Size length)
{
	AugStored *stored;
	AugError err;

	augur_check(aug_series_load(&host->host, bytes, length, &stored, &err), &err);
	if (!is_text(stored->method))
		damaged("method");
	if (!is_text(stored->options))
		damaged("options");
	for (uint32 j = 0; j < stored->series.n_regressors; j++)
	{
		if (!is_text(stored->regressor[j]))
			damaged("regressors");
	}
	return stored;
}

bytea *
augur_stored_reduce(AugurHost *host, const uint8 *bytes, Size length, int64 *n)
{
	AugStored *stored = augur_stored_load(host, bytes, length);
	uint8_t *reduced;
	size_t size;
	AugError err;
	bytea *out;

	*n = (int64) stored->series.n;
	stored->series.n = stored->series.n_x = 0;
	stored->mean = NULL;
	augur_check(aug_series_store(&host->host, stored, &reduced, &size, &err), &err);
	out = palloc(VARHDRSZ + size);
	SET_VARSIZE(out, VARHDRSZ + size);
	memcpy(VARDATA(out), reduced, size);
	pfree(reduced);
	aug_series_free(stored);
	return out;
}

/* ---- arguments --------------------------------------------------------------------------- */

/* Points in time of an array; NULL is infinity, which lies on no step. */
static TimestampTz *
time_array(ArrayType *array, int *n)
{
	Datum *values;
	bool *nulls;
	TimestampTz *out;

	deconstruct_array(array, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, &nulls, n);
	out = palloc(mul_size(Max(*n, 1), sizeof(TimestampTz)));
	for (int i = 0; i < *n; i++)
		out[i] = nulls[i] ? DT_NOEND : DatumGetTimestampTz(values[i]);
	return out;
}

void
augur_stored_future(FunctionCallInfo fcinfo, int first, AugurFuture *future)
{
	memset(future, 0, sizeof(*future));
	if (PG_ARGISNULL(first))
		return;
	future->at = time_array(PG_GETARG_ARRAYTYPE_P(first), &future->n);
	if (!PG_ARGISNULL(first + 1))
		future->x = augur_float_array(PG_GETARG_ARRAYTYPE_P(first + 1), &future->n_x);
}

void
augur_stored_request(FunctionCallInfo fcinfo, int first, const AugStored *s, AugurRequest *request)
{
	int32 horizon = PG_ARGISNULL(first) ? (int32) s->horizon : PG_GETARG_INT32(first);
	const double *levels = s->levels;
	int n = (int) s->n_levels;

	memset(request, 0, sizeof(*request));
	if (horizon < 1 || horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	if (!PG_ARGISNULL(first + 1))
		levels = augur_float_array(PG_GETARG_ARRAYTYPE_P(first + 1), &n);
	augur_forecast_levels(&request->options, levels, n);
	request->horizon = (uint32) horizon;
	request->options.seed = s->seed;
}

/* ---- regressors ahead ----------------------------------------------------------------------- */

pg_noreturn static void
missing_error(const AugStored *s, const AugurGrid *grid, const double *ahead, uint32 horizon)
{
	uint32 r = s->series.n_regressors, missing = 0;
	StringInfoData first;

	initStringInfo(&first);
	for (uint32 h = 0; h < horizon; h++)
	{
		uint32 j = 0;

		while (j < r && !isnan(ahead[(Size) h * r + j]))
			j++;
		if (j == r)
			continue;
		if (missing++ < NAMED_STEPS)
			appendStringInfo(&first, "%s%s", first.len > 0 ? ", " : "",
							 augur_grid_text(grid, grid->first_step + (int64) s->series.n + h));
	}
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("regressors are unknown at %u of the %u steps to forecast", missing, horizon),
			 errdetail("%s %s%s.", missing == 1 ? "It is" : "They are", first.data,
					   missing > NAMED_STEPS ? " and others" : ""),
			 errhint("Add rows for these steps, with values in all regressors, to the relation "
					 "that is given as \"future\", or ask for fewer steps.")));
}

const double *
augur_stored_regressors(const AugStored *s, const AugurStoredGrid *grid, const AugurFuture *future,
						uint32 horizon)
{
	uint32 r = s->series.n_regressors;
	Size row_size = AUGUR_ROW_SIZE(r), n = 0, past = s->series.n * r;
	double *x = MemoryContextAllocHuge(
		CurrentMemoryContext, mul_size(add_size(past, mul_size(horizon, r)), sizeof(double)));
	char *rows = palloc_extended(mul_size(Max(future->n, 1), row_size), MCXT_ALLOC_HUGE);

	if (future->n > 0 && (int64) future->n * r != future->n_x)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%d rows of the future have %d values of regressors, not %lld",
							   future->n, future->n_x, (long long) future->n * r)));
	for (int i = 0; i < future->n; i++)
	{
		AugurPoint *point = (AugurPoint *) (rows + n * row_size);

		if (!augur_stamp_time(AUGUR_STAMP_TIMESTAMPTZ, TimestampTzGetDatum(future->at[i]),
							  &point->at))
			continue;
		point->y = NAN;
		for (uint32 j = 0; j < r; j++)
		{
			double value = future->x[(Size) i * r + j];

			((double *) (point + 1))[j] = isfinite(value) ? value : NAN;
		}
		n++;
	}
	augur_rows_sort(rows, n, r);
	memcpy(x, s->series.x, past * sizeof(double));
	augur_regressors_lay(grid, rows, n, r, grid->grid.first_step + (int64) s->series.n, horizon,
						 x + past);
	for (Size i = 0; i < (Size) horizon * r; i++)
	{
		if (isnan(x[past + i]))
			missing_error(s, &grid->grid, x + past, horizon);
	}
	return x;
}

/* ---- the forecast ---------------------------------------------------------------- */

/* Takes the stored forecast when it has all that is asked for. */
static bool
read_stored(const AugStored *s, const AugurRequest *request, AugurAhead *ahead)
{
	if (s->mean == NULL || request->horizon > s->horizon)
		return false;
	for (int k = 0; k < request->options.n_levels; k++)
	{
		uint32 i = 0;

		while (i < s->n_levels && s->levels[i] != request->options.levels[k])
			i++;
		if (i == s->n_levels)
			return false;
		ahead->lower[k] = s->lower + (Size) i * s->horizon;
		ahead->upper[k] = s->upper + (Size) i * s->horizon;
	}
	ahead->mean = s->mean;
	ahead->method = s->method;
	return true;
}

/* Filters the series again. */
static void
make_anew(AugurHost *host, const AugStored *s, const AugurStoredGrid *grid,
		  const AugurFuture *future, AugurRequest *request, AugurAhead *ahead)
{
	AugurTimeline t = {.grid = grid->grid, .n = s->series.n, .y = (double *) s->series.y};
	AugurAsk ask = {.n_levels = request->options.n_levels,
					.n_regressors = s->series.n_regressors,
					.keep = AUG_KEEP_ALL,
					.form = s->form};
	AugForecast *f;
	AugParams *params;
	AugError err;

	t.n_season = (int) s->series.n_periods;
	memcpy(t.season, s->series.period, sizeof(t.season));
	augur_check(aug_params_parse(&host->host, aug_forecast_about(), s->options, &params, &err),
				&err);
	ask.params = params;
	ask.horizon = request->horizon;
	if (ask.n_regressors > 0)
	{
		ask.x = augur_stored_regressors(s, grid, future, ask.horizon);
		ask.n_x = s->series.n + ask.horizon;
	}
	else
		ask.horizon = Max(ask.horizon, s->horizon);
	augur_check(augur_timeline_run(host, &request->options, &ask, &t, &f, &err), &err);
	ahead->mean = f->mean;
	ahead->method = s->method;
	for (uint32 k = 0; k < f->n_levels; k++)
	{
		ahead->lower[k] = f->lower + (Size) k * f->horizon;
		ahead->upper[k] = f->upper + (Size) k * f->horizon;
	}
}

void
augur_stored_rows(ReturnSetInfo *rsinfo, const AugStored *s, const AugurGrid *grid,
				  const AugurRequest *request, const AugurAhead *ahead)
{
	int n_levels = request->options.n_levels;
	Datum values[FORECAST_COLUMNS];
	bool nulls[FORECAST_COLUMNS] = {0};

	values[6] = CStringGetTextDatum(ahead->method);
	for (uint32 h = 0; h < request->horizon; h++)
	{
		CHECK_FOR_INTERRUPTS();
		values[0] =
			TimestampTzGetDatum(augur_grid_utc(grid, grid->first_step + (int64) s->series.n + h));
		values[1] = Int32GetDatum((int32) h + 1);
		values[2] = augur_number_or_null(ahead->mean[h], &nulls[2]);
		for (int k = 0; k < Max(n_levels, 1); k++)
		{
			bool none = n_levels == 0;

			values[3] = augur_number_or_null(none ? NAN : ahead->lower[k][h], &nulls[3]);
			values[4] = augur_number_or_null(none ? NAN : ahead->upper[k][h], &nulls[4]);
			values[5] = augur_number_or_null(none ? NAN : request->options.levels[k], &nulls[5]);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
}

/* The state of an argument; host is made in context. */
static AugStored *
argument_state(FunctionCallInfo fcinfo, AugurHost *host, AugurStoredGrid *grid)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	AugStored *s;

	augur_host_init(host, CurrentMemoryContext);
	s = augur_stored_load(host, (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	augur_grid_unpack(s->host, grid);
	return s;
}

/*
 * augur._series_forecast(state, horizon, levels, future_ts, future_x): no rows for a NULL
 * state.
 */
Datum
augur_series_forecast_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext work, old;
	AugurStoredGrid grid;
	AugurHost host;
	AugStored *s;
	AugurRequest request;
	AugurFuture future;
	AugurAhead ahead = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	work =
		AllocSetContextCreate(CurrentMemoryContext, "augur stored series", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	s = argument_state(fcinfo, &host, &grid);
	augur_stored_request(fcinfo, 1, s, &request);
	augur_stored_future(fcinfo, 3, &future);
	if (!read_stored(s, &request, &ahead))
		make_anew(&host, s, &grid, &future, &request, &ahead);
	augur_stored_rows(rsinfo, s, &grid.grid, &request, &ahead);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}

/* augur._series_history(state): the values as the method saw them. */
Datum
augur_series_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[HISTORY_COLUMNS];
	bool nulls[HISTORY_COLUMNS] = {0};
	MemoryContext work, old;
	AugurStoredGrid grid;
	AugurHost host;
	AugStored *s;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	work =
		AllocSetContextCreate(CurrentMemoryContext, "augur stored series", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	s = argument_state(fcinfo, &host, &grid);
	for (Size t = 0; t < s->series.n; t++)
	{
		CHECK_FOR_INTERRUPTS();
		values[0] =
			TimestampTzGetDatum(augur_grid_utc(&grid.grid, grid.grid.first_step + (int64) t));
		values[1] = augur_number_or_null(s->series.y[t], &nulls[1]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}
