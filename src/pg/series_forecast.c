/*-------------------------------------------------------------------------
 *
 * series_forecast.c
 *		augur._series_forecast: the next steps of a stored series, and
 *		augur._series_history, what it knows of the past.
 *
 * A forecast that was made when the series was fitted is only read when it goes far
 * enough; otherwise form and parameters are taken as they are and the history is
 * filtered again, which gives the same numbers.
 *
 * Points in time are timestamptz; those of dates and timestamps are taken to be of UTC.
 *
 * Memory: the call's.  Interrupts: the core's.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_stored_forecast);
AUGUR_FUNCTION(augur_stored_history);

#define FORECAST_COLUMNS 7
#define HISTORY_COLUMNS	 2
#define LEVEL_TOLERANCE	 1e-12

/* ---- grids --------------------------------------------------------------------- */

enum
{
	GRID_STAMP,
	GRID_UNIT,
	GRID_COUNT,
	GRID_ORIGIN,
	GRID_MONTH_DAY,
	GRID_FLAGS,
	GRID_FIRST
};

#define FLAG_FLOOR	 1
#define FLAG_ASSUMED 2

void
augur_grid_store(const AugurGrid *grid, AugStored *stored)
{
	stored->host_number[GRID_STAMP] = grid->stamp;
	stored->host_number[GRID_UNIT] = grid->step.unit;
	stored->host_number[GRID_COUNT] = grid->step.count;
	stored->host_number[GRID_ORIGIN] = grid->origin;
	stored->host_number[GRID_MONTH_DAY] = grid->month_day;
	stored->host_number[GRID_FLAGS] =
		(grid->snap_floor ? FLAG_FLOOR : 0) | (grid->step_assumed ? FLAG_ASSUMED : 0);
	stored->host_number[GRID_FIRST] = grid->first_step;
	stored->host_text = grid->zone == NULL ? "" : pg_get_timezone_name(grid->zone);
}

void
augur_grid_load(const AugStored *stored, AugurGrid *grid)
{
	const int64_t *n = stored->host_number;
	int64 far = AUGUR_STAMP_LIMIT;

	if (n[GRID_STAMP] < AUGUR_STAMP_DATE || n[GRID_STAMP] > AUGUR_STAMP_TIMESTAMPTZ ||
		n[GRID_UNIT] < AUGUR_UNIT_MICROSECOND || n[GRID_UNIT] > AUGUR_UNIT_MONTH ||
		n[GRID_COUNT] < 1 || n[GRID_COUNT] > far || n[GRID_ORIGIN] < -far ||
		n[GRID_ORIGIN] > far || n[GRID_MONTH_DAY] < 0 || n[GRID_MONTH_DAY] > 31 ||
		n[GRID_FIRST] < -far || n[GRID_FIRST] > far ||
		(n[GRID_UNIT] == AUGUR_UNIT_MONTH && n[GRID_MONTH_DAY] < 1))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("stored series is damaged: its steps are nowhere in time")));
	memset(grid, 0, sizeof(*grid));
	grid->stamp = (AugurStamp) n[GRID_STAMP];
	grid->step.unit = (AugurUnit) n[GRID_UNIT];
	grid->step.count = n[GRID_COUNT];
	grid->origin = n[GRID_ORIGIN];
	grid->month_day = (int) n[GRID_MONTH_DAY];
	grid->snap_floor = (n[GRID_FLAGS] & FLAG_FLOOR) != 0;
	grid->step_assumed = (n[GRID_FLAGS] & FLAG_ASSUMED) != 0;
	grid->first_step = n[GRID_FIRST];
	if (stored->host_text[0] != '\0')
	{
		grid->zone = pg_tzset(stored->host_text);
		if (grid->zone == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("time zone \"%s\" of a stored series not recognized",
								   stored->host_text)));
	}
}

TimestampTz
augur_grid_utc(const AugurGrid *grid, int64 step)
{
	int64 at = augur_grid_at(grid, step), microseconds;

	if (grid->stamp != AUGUR_STAMP_DATE)
		return at;
	if (DATE_IS_NOBEGIN(at))
		return DT_NOBEGIN;
	if (DATE_IS_NOEND(at) || pg_mul_s64_overflow(at, USECS_PER_DAY, &microseconds) ||
		!IS_VALID_TIMESTAMP(microseconds))
		return at < 0 ? DT_NOBEGIN : DT_NOEND;
	return microseconds;
}

/* ---- the future of regressors ------------------------------------------------------ */

static char *
step_text(const AugurGrid *grid, int64 step)
{
	TimestampTz at = augur_grid_utc(grid, step);

	if (grid->stamp == AUGUR_STAMP_TIMESTAMPTZ)
		return pstrdup(timestamptz_to_str(at));
	if (grid->stamp == AUGUR_STAMP_DATE && !TIMESTAMP_NOT_FINITE(at))
		return DatumGetCString(DirectFunctionCall1(
			date_out, DateADTGetDatum((DateADT) augur_grid_at(grid, step))));
	return DatumGetCString(DirectFunctionCall1(timestamp_out, TimestampGetDatum(at)));
}

static void
fail_unknown(const AugurGrid *grid, const AugStored *stored, const bool *known, uint32 horizon)
{
	StringInfoData list;
	uint32 missing = 0;

	initStringInfo(&list);
	for (uint32 h = 0; h < horizon; h++)
	{
		if (known[h])
			continue;
		if (missing < 3)
			appendStringInfo(&list, "%s%s", missing > 0 ? ", " : "",
							 step_text(grid, grid->first_step + (int64) (stored->series.n + h)));
		missing++;
	}
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("regressors are unknown at %u of the %u steps to forecast", missing, horizon),
			 errdetail("%s %s%s.", missing == 1 ? "It is" : "They are", list.data,
					   missing > 3 ? ", ..." : ""),
			 errhint("Add rows for these steps, with values in all regressors, to the relation "
					 "that is given as \"future\", or ask for fewer steps.")));
}

/* History and future of the regressors, [n + horizon][n_regressors]. */
static double *
lay_future(const AugurGrid *grid, const AugStored *stored, uint32 horizon, ArrayType *ts,
		   ArrayType *x)
{
	uint32 r = stored->series.n_regressors;
	Size n = stored->series.n;
	double *all = MemoryContextAllocHuge(
		CurrentMemoryContext, mul_size(mul_size(add_size(n, horizon), r), sizeof(double)));
	bool *known = palloc0(mul_size(horizon, sizeof(bool)));
	int n_ts = ts == NULL ? 0 : ArrayGetNItems(ARR_NDIM(ts), ARR_DIMS(ts));
	int n_x = x == NULL ? 0 : ArrayGetNItems(ARR_NDIM(x), ARR_DIMS(x));
	const TimestampTz *at = n_ts == 0 ? NULL : (const TimestampTz *) ARR_DATA_PTR(ts);
	const double *value = n_x == 0 ? NULL : (const double *) ARR_DATA_PTR(x);
	bool all_known = true;

	if ((ts != NULL && array_contains_nulls(ts)) || (x != NULL && array_contains_nulls(x)))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("future values of regressors must not be null")));
	if ((int64) n_ts * r != n_x)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d values of %u regressors at %d points in time", n_x, r, n_ts)));
	memcpy(all, stored->series.x, mul_size(mul_size(n, r), sizeof(double)));
	for (int i = 0; i < n_ts; i++)
	{
		bool exact, good = true;
		int64 step;

		CHECK_FOR_INTERRUPTS();
		if (at[i] <= -AUGUR_STAMP_LIMIT || at[i] >= AUGUR_STAMP_LIMIT)
			continue;
		step = augur_grid_find(grid, at[i], &exact) - grid->first_step - (int64) n;
		for (uint32 k = 0; k < r; k++)
			good = good && isfinite(value[(Size) i * r + k]);
		/* of several rows in one step, the first in the order of time */
		if (step < 0 || step >= (int64) horizon || known[step] || !good)
			continue;
		memcpy(all + (n + (Size) step) * r, value + (Size) i * r, r * sizeof(double));
		known[step] = true;
	}
	for (uint32 h = 0; h < horizon; h++)
		all_known = all_known && known[h];
	if (!all_known)
		fail_unknown(grid, stored, known, horizon);
	return all;
}

/* ---- forecasts ------------------------------------------------------------------------ */

static AugStored *
read_state(AugurHost *host, bytea *state)
{
	AugStored *stored;
	AugError err;

	augur_check(aug_stored_read(&host->host, (const uint8_t *) VARDATA_ANY(state),
								VARSIZE_ANY_EXHDR(state), &stored, &err),
				&err);
	return stored;
}

/* The levels that are asked for, ascending; those of the training when none are named. */
static int
take_levels(const AugStored *stored, ArrayType *asked, double *levels)
{
	AugurForecastOptions options = {0};
	Datum *values;
	bool *nulls;
	double *numbers;
	int n;

	if (asked == NULL)
	{
		memcpy(levels, stored->levels, stored->n_levels * sizeof(double));
		return (int) stored->n_levels;
	}
	deconstruct_array(asked, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, &n);
	numbers = palloc(mul_size(Max(n, 1), sizeof(double)));
	for (int i = 0; i < n; i++)
		numbers[i] = nulls[i] ? NAN : DatumGetFloat8(values[i]);
	augur_forecast_levels(&options, numbers, n);
	memcpy(levels, options.levels, options.n_levels * sizeof(double));
	return options.n_levels;
}

/* Where a level is among the stored ones, or -1. */
static int
stored_level(const AugStored *stored, double level)
{
	for (uint32 i = 0; i < stored->n_levels; i++)
	{
		if (fabs(stored->levels[i] - level) <= LEVEL_TOLERANCE)
			return (int) i;
	}
	return -1;
}

/* What is given back: means, and ends of each level, [horizon] each. */
typedef struct Answer
{
	uint32 horizon;
	int n_levels;
	double levels[AUG_MAX_LEVELS_ASKED];
	const double *mean;
	const double *lower[AUG_MAX_LEVELS_ASKED];
	const double *upper[AUG_MAX_LEVELS_ASKED];
} Answer;

/* Takes the stored forecast when it has all that is asked for. */
static bool
from_stored(const AugStored *stored, Answer *a)
{
	if (a->horizon > stored->horizon)
		return false;
	for (int k = 0; k < a->n_levels; k++)
	{
		int at = stored_level(stored, a->levels[k]);

		if (at < 0)
			return false;
		a->lower[k] = stored->lower + (Size) at * stored->horizon;
		a->upper[k] = stored->upper + (Size) at * stored->horizon;
	}
	a->mean = stored->mean;
	return true;
}

/* Filters the history again with the fit as it was. */
static void
from_fit(AugurHost *host, const AugStored *stored, const double *x, Answer *a)
{
	AugForecastOptions ask = {0};
	AugSeries series = stored->series;
	AugParams *params;
	AugForecast *f;
	AugError err;

	augur_check(
		aug_params_parse(&host->host, aug_forecast_about(), stored->options, &params, &err), &err);
	series.x = x;
	series.n_x = series.n + a->horizon;
	ask.params = params;
	ask.horizon = a->horizon;
	ask.n_levels = (uint32) a->n_levels;
	ask.levels = a->levels;
	ask.seed = stored->seed;
	ask.keep = stored->form.length > 0 ? AUG_KEEP_ALL : AUG_KEEP_NOTHING;
	ask.form = stored->form;
	augur_check(aug_forecast_run(&host->host, &series, &ask, &f, &err), &err);
	a->mean = f->mean;
	for (int k = 0; k < a->n_levels; k++)
	{
		a->lower[k] = f->lower + (Size) k * f->horizon;
		a->upper[k] = f->upper + (Size) k * f->horizon;
	}
}

/* A row for each step and level. */
static void
put_rows(ReturnSetInfo *result, const AugurGrid *grid, const AugStored *stored, const Answer *a)
{
	Datum v[FORECAST_COLUMNS];
	bool nulls[FORECAST_COLUMNS] = {0};

	v[6] = CStringGetTextDatum(stored->method);
	for (uint32 h = 0; h < a->horizon; h++)
	{
		v[0] = TimestampTzGetDatum(
			augur_grid_utc(grid, grid->first_step + (int64) (stored->series.n + h)));
		v[1] = Int32GetDatum((int32) h + 1);
		v[2] = augur_number_or_null(a->mean[h], &nulls[2]);
		for (int k = 0; k < Max(a->n_levels, 1); k++)
		{
			bool none = a->n_levels == 0;

			v[3] = augur_number_or_null(none ? NAN : a->lower[k][h], &nulls[3]);
			v[4] = augur_number_or_null(none ? NAN : a->upper[k][h], &nulls[4]);
			v[5] = augur_number_or_null(none ? NAN : a->levels[k], &nulls[5]);
			tuplestore_putvalues(result->setResult, result->setDesc, v, nulls);
		}
	}
}

/* (state, horizon, levels, future_ts, future_x) */
Datum
augur_stored_forecast(PG_FUNCTION_ARGS)
{
	Answer a = {0};
	AugurHost host;
	AugStored *stored;
	AugurGrid grid;
	const double *x = NULL;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	augur_host_init(&host, CurrentMemoryContext);
	stored = read_state(&host, PG_GETARG_BYTEA_PP(0));
	augur_grid_load(stored, &grid);
	a.n_levels = take_levels(stored, PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2), a.levels);
	if (PG_ARGISNULL(1) && stored->horizon == 0)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("horizon must not be null")));
	a.horizon = PG_ARGISNULL(1) ? stored->horizon : (uint32) PG_GETARG_INT32(1);
	if (a.horizon < 1 || a.horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	if (stored->series.n_regressors > 0)
		x = lay_future(&grid, stored, a.horizon, PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3),
					   PG_ARGISNULL(4) ? NULL : PG_GETARG_ARRAYTYPE_P(4));
	if (x != NULL || !from_stored(stored, &a))
		from_fit(&host, stored, x, &a);
	put_rows((ReturnSetInfo *) fcinfo->resultinfo, &grid, stored, &a);
	PG_RETURN_VOID();
}

/* (state): the values as they were fitted. */
Datum
augur_stored_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	AugurHost host;
	AugStored *stored;
	AugurGrid grid;
	Datum v[HISTORY_COLUMNS];
	bool nulls[HISTORY_COLUMNS] = {0};

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	augur_host_init(&host, CurrentMemoryContext);
	stored = read_state(&host, PG_GETARG_BYTEA_PP(0));
	augur_grid_load(stored, &grid);
	for (Size i = 0; i < stored->series.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		v[0] = TimestampTzGetDatum(augur_grid_utc(&grid, grid.first_step + (int64) i));
		v[1] = augur_number_or_null(stored->series.y[i], &nulls[1]);
		tuplestore_putvalues(result->setResult, result->setDesc, v, nulls);
	}
	PG_RETURN_VOID();
}
