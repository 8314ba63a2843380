/*-------------------------------------------------------------------------
 *
 * decompose.c
 *		Aggregates that look at the past of a series: augur.decompose_agg,
 *		detect_anomalies_agg, changepoints_agg and seasonality_agg.
 *
 * Rows are collected by series_state.c and laid on equal steps by timeline.c, as for a
 * forecast; the core does the rest.  A series that cannot be worked on (no values, or
 * ones whose sums overflow) gives NULL and does not stop the others.
 *
 * Memory: the work of one series lies in a context of the call site that is reset
 * after each.  Interrupts: those of timeline.c and of the core.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "options.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

AUGUR_FUNCTION(augur_decompose_points);
AUGUR_FUNCTION(augur_decompose_anomalies);
AUGUR_FUNCTION(augur_decompose_changes);
AUGUR_FUNCTION(augur_decompose_seasons);

typedef enum Kind
{
	KIND_POINTS,
	KIND_ANOMALIES,
	KIND_CHANGES,
	KIND_SEASONS
} Kind;

#define MAX_COLUMNS	  7
#define DEFAULT_LEVEL 0.997 /* three standard deviations */

typedef struct Options
{
	AugurTimelineOptions time;
	bool duplicates_given;
	bool robust;
	double level;
	uint32 least;
	double penalty;
	int n_candidates; /* -1: not given */
	uint32 candidates[AUG_MAX_CANDIDATES];
} Options;

typedef struct OwnKey
{
	Kind kind;
	const char *name;
} OwnKey;

static const OwnKey own_keys[] = {{KIND_POINTS, "robust"},
								  {KIND_ANOMALIES, "level"},
								  {KIND_CHANGES, "min_segment"},
								  {KIND_CHANGES, "penalty"},
								  {KIND_SEASONS, "candidates"}};

/* What a call site of a final function keeps. */
typedef struct Site
{
	MemoryContext work;		  /* of one series */
	MemoryContext of_options; /* of what options point to */
	const AugurSharedOptions *shared;
	Options options;
	TupleDesc row; /* of the array's elements */
	Oid row_type;
	bool told;		/* that rows were averaged */
	AugurHost host; /* in work */
} Site;

/* ---- options ------------------------------------------------------------------- */

static int
compare_candidates(const void *a, const void *b)
{
	double p = *(const double *) a, q = *(const double *) b;

	return p < q ? -1 : p > q ? 1 : 0;
}

static void
read_candidates(Options *options, const char *key, const JsonbValue *v)
{
	double numbers[AUG_MAX_CANDIDATES];
	int n = augur_option_numbers(key, v, 2, AUG_MAX_PERIOD, numbers, AUG_MAX_CANDIDATES);

	qsort(numbers, n, sizeof(double), compare_candidates);
	options->n_candidates = 0;
	for (int i = 0; i < n; i++)
	{
		if (numbers[i] != floor(numbers[i]))
			augur_option_bad(key, "whole numbers of steps");
		if (i == 0 || numbers[i] != numbers[i - 1])
			options->candidates[options->n_candidates++] = (uint32) numbers[i];
	}
}

static bool
read_own(Options *options, Kind kind, const char *key, const JsonbValue *v)
{
	double number;

	for (int i = 0; i < lengthof(own_keys); i++)
	{
		if (own_keys[i].kind != kind || strcmp(own_keys[i].name, key) != 0)
			continue;
		switch (kind)
		{
			case KIND_POINTS:
				if (v->type != jbvBool)
					augur_option_bad(key, "true or false");
				options->robust = v->val.boolean;
				break;
			case KIND_ANOMALIES:
				number = augur_option_number(key, v, 0, 1);
				if (!(number > 0 && number < 1))
					augur_option_bad(key, "a number above 0 and below 1");
				options->level = number;
				break;
			case KIND_CHANGES:
				if (strcmp(key, "penalty") == 0)
				{
					options->penalty = augur_option_number(key, v, 0, 1e6);
					break;
				}
				number = augur_option_number(key, v, 1, 1e9);
				if (number != floor(number))
					augur_option_bad(key, "a whole number of steps");
				options->least = (uint32) number;
				break;
			case KIND_SEASONS:
				read_candidates(options, key, v);
				break;
		}
		return true;
	}
	return false;
}

static void
unknown_key(Kind kind, const char *key)
{
	const char *names[AUGUR_TIME_KEYS + lengthof(own_keys)];
	uint32 n = 0;

	for (int i = 0; i < AUGUR_TIME_KEYS; i++)
		names[n++] = augur_time_keys[i];
	for (int i = 0; i < lengthof(own_keys); i++)
	{
		if (own_keys[i].kind == kind)
			names[n++] = own_keys[i].name;
	}
	augur_option_unknown(key, names, n);
}

/* What they point to lies in CurrentMemoryContext. */
static void
read_options(Options *options, Kind kind, Jsonb *object, AugurStamp stamp)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;

	memset(options, 0, sizeof(*options));
	options->time.stamp = stamp;
	options->time.zone = session_timezone;
	options->time.n_season = -1;
	options->robust = true;
	options->level = DEFAULT_LEVEL;
	options->least = AUG_CHANGE_LEAST;
	options->penalty = AUG_CHANGE_PENALTY;
	options->n_candidates = -1;
	if (object == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("options must be a JSON object")));
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *key;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		if (!augur_time_option(&options->time, &options->duplicates_given, key, &v) &&
			!read_own(options, kind, key, &v))
			unknown_key(kind, key);
	}
}

static Site *
find_site(FunctionCallInfo fcinfo, Kind kind, const AugurSharedOptions *shared)
{
	Site *site = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (site == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		site = MemoryContextAllocZero(context, sizeof(Site));
		site->row_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
		old = MemoryContextSwitchTo(context);
		site->row = lookup_rowtype_tupdesc_copy(site->row_type, -1);
		MemoryContextSwitchTo(old);
		site->work = AllocSetContextCreate(context, "augur decompose", ALLOCSET_DEFAULT_SIZES);
		site->of_options =
			AllocSetContextCreate(context, "augur decompose options", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = site;
	}
	if (site->shared == NULL || !augur_same_options(site->shared, shared))
	{
		site->shared = NULL;
		MemoryContextReset(site->of_options);
		old = MemoryContextSwitchTo(site->of_options);
		read_options(&site->options, kind, shared->length > 0 ? (Jsonb *) shared->given : NULL,
					 (AugurStamp) shared->stamp);
		MemoryContextSwitchTo(old);
		site->shared = shared;
	}
	augur_host_init(&site->host, site->work);
	return site;
}

/* ---- rows --------------------------------------------------------------------------- */

/* Rows of the result as they are made. */
typedef struct Rows
{
	Site *site;
	const AugurTimeline *t;
	Datum *row;
	Size n;
} Rows;

static void
rows_init(Rows *rows, Site *site, const AugurTimeline *t, Size most)
{
	rows->site = site;
	rows->t = t;
	rows->n = 0;
	rows->row = MemoryContextAllocHuge(site->work, mul_size(Max(most, 1), sizeof(Datum)));
}

static void
rows_add(Rows *rows, Datum *values, bool *nulls)
{
	rows->row[rows->n++] = HeapTupleGetDatum(heap_form_tuple(rows->site->row, values, nulls));
}

static Datum
row_time(const Rows *rows, Size i)
{
	return augur_stamp_datum(rows->t->grid.stamp, augur_timeline_at(rows->t, (int64) i));
}

/* A row for each step; seasonal is the sum of the seasonal parts. */
static void
add_points(Rows *rows, const AugDecomposition *d)
{
	for (Size i = 0; i < d->n; i++)
	{
		Datum values[MAX_COLUMNS], parts[AUG_MAX_PERIODS];
		bool nulls[MAX_COLUMNS] = {0};
		double sum = 0;

		for (uint32 k = 0; k < d->n_periods; k++)
		{
			parts[k] = Float8GetDatum(d->seasonal[k][i]);
			sum += d->seasonal[k][i];
		}
		values[0] = row_time(rows, i);
		values[1] = augur_number_or_null(rows->t->y[i], &nulls[1]);
		values[2] = Float8GetDatum(d->trend[i]);
		values[3] = Float8GetDatum(sum);
		values[4] = augur_number_or_null(d->remainder[i], &nulls[4]);
		values[5] =
			PointerGetDatum(construct_array(parts, (int) d->n_periods, FLOAT8OID, sizeof(float8),
											FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
		rows_add(rows, values, nulls);
	}
}

static void
add_anomalies(Rows *rows, const AugAnomalies *a)
{
	for (Size i = 0; i < a->n; i++)
	{
		Datum values[MAX_COLUMNS];
		bool nulls[MAX_COLUMNS] = {0};
		double y = rows->t->y[i];

		values[0] = row_time(rows, i);
		values[1] = augur_number_or_null(y, &nulls[1]);
		values[2] = Float8GetDatum(a->expected[i]);
		values[3] = Float8GetDatum(a->lower[i]);
		values[4] = Float8GetDatum(a->upper[i]);
		values[5] = augur_number_or_null(a->score[i], &nulls[5]);
		nulls[6] = isnan(y);
		values[6] = BoolGetDatum(y < a->lower[i] || y > a->upper[i]);
		/* an exact series: rounding is not an anomaly */
		if (a->scale == 0)
			values[6] = BoolGetDatum(false);
		rows_add(rows, values, nulls);
	}
}

static void
add_changes(Rows *rows, const AugChanges *c)
{
	for (Size i = 0; i < c->n; i++)
	{
		Datum values[MAX_COLUMNS];
		bool nulls[MAX_COLUMNS] = {0};

		values[0] = row_time(rows, c->change[i].at);
		values[1] = Float8GetDatum(c->change[i].before);
		values[2] = Float8GetDatum(c->change[i].after);
		values[3] = Float8GetDatum(c->change[i].statistic);
		rows_add(rows, values, nulls);
	}
}

static void
add_seasons(Rows *rows, const AugSeasonFound *found, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		Datum values[MAX_COLUMNS];
		bool nulls[MAX_COLUMNS] = {0};

		values[0] = Int32GetDatum((int32) found[i].period);
		values[1] = BoolGetDatum(found[i].accepted);
		values[2] = augur_number_or_null(found[i].strength, &nulls[2]);
		values[3] = augur_number_or_null(found[i].autocorrelation, &nulls[3]);
		values[4] = augur_number_or_null(found[i].statistic, &nulls[4]);
		values[5] = augur_number_or_null(found[i].p_value, &nulls[5]);
		rows_add(rows, values, nulls);
	}
}

/* ---- one series ------------------------------------------------------------------------ */

/* What the seasons of a series may be: as asked, or by its step. */
static AugStatus
find_seasons(Site *site, const AugurTimeline *t, AugSeasonFound *found, uint32 *n, AugError *err)
{
	const Options *o = &site->options;
	const uint32 *candidates = t->season;
	int n_candidates = t->n_season;

	if (o->n_candidates >= 0)
	{
		candidates = o->candidates;
		n_candidates = o->n_candidates;
	}
	return aug_seasonality(&site->host.host, t->y, t->n, (uint32) n_candidates, candidates, found,
						   n, err);
}

/* Seasons that were asked for, or those of the step that the data confirm. */
static AugStatus
choose_seasons(Site *site, const AugurTimeline *t, AugSeries *series, AugError *err)
{
	AugSeasonFound found[Max(AUG_MAX_CANDIDATES, AUG_MAX_PERIODS)];
	AugStatus status = AUG_OK;
	uint32 n = 0;

	series->n = t->n;
	series->y = t->y;
	if (site->options.time.n_season >= 0)
	{
		series->n_periods = (uint32) t->n_season;
		memcpy(series->period, t->season, sizeof(series->period));
		return AUG_OK;
	}
	if (t->n_season > 0)
		status = find_seasons(site, t, found, &n, err);
	for (uint32 i = 0; i < n; i++)
	{
		if (found[i].accepted)
			series->period[series->n_periods++] = found[i].period;
	}
	return status;
}

/* The rows of one series; a status that is told by warn. */
static AugStatus
work_on(Site *site, Kind kind, const AugurTimeline *t, Rows *rows, AugError *err)
{
	const AugHost *host = &site->host.host;
	const Options *o = &site->options;
	AugSeries series = {0};
	AugStatus status = AUG_OK;

	if (kind == KIND_SEASONS)
	{
		AugSeasonFound found[Max(AUG_MAX_CANDIDATES, AUG_MAX_PERIODS)];
		uint32 n;

		status = find_seasons(site, t, found, &n, err);
		rows_init(rows, site, t, n);
		if (status == AUG_OK)
			add_seasons(rows, found, n);
		return status;
	}
	status = choose_seasons(site, t, &series, err);
	if (status != AUG_OK)
		return status;
	rows_init(rows, site, t, t->n);
	if (kind == KIND_POINTS)
	{
		AugDecomposition *d;

		status = aug_decompose(host, &series, o->robust, &d, err);
		if (status == AUG_OK)
			add_points(rows, d);
	}
	else if (kind == KIND_ANOMALIES)
	{
		AugAnomalies *a;

		status = aug_anomalies(host, &series, o->level, &a, err);
		if (status == AUG_OK)
			add_anomalies(rows, a);
	}
	else
	{
		AugChanges *c;

		status = aug_changepoints(host, &series, o->least, o->penalty, &c, err);
		if (status == AUG_OK)
			add_changes(rows, c);
	}
	return status;
}

/* The array of rows in context, or NULL for a series that gives none. */
static ArrayType *
make_array(Site *site, Kind kind, AugurSeriesState *state, MemoryContext context)
{
	AugurTimeline t;
	AugError err;
	Rows rows;
	AugStatus status;
	ArrayType *array;

	if (!augur_timeline_build(&site->options.time, state->points, (Size) state->n, site->work, &t))
		return NULL;
	augur_tell_averaged(&t, site->options.duplicates_given, &site->told);
	status = work_on(site, kind, &t, &rows, &err);
	if (status == AUG_DATA)
		return NULL;
	if (status == AUG_NUMERIC)
	{
		augur_error_mend(&err);
		ereport(WARNING, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						  errmsg("a series is left out: %s", err.message)));
		return NULL;
	}
	augur_check(status, &err);
	MemoryContextSwitchTo(context);
	array = rows.n == 0 ? construct_empty_array(site->row_type)
						: construct_array(rows.row, (int) rows.n, site->row_type, -1, false,
										  TYPALIGN_DOUBLE);
	MemoryContextSwitchTo(site->work);
	return array;
}

static Datum
finish(FunctionCallInfo fcinfo, Kind kind)
{
	AugurSeriesState *state = PG_ARGISNULL(0) ? NULL : (AugurSeriesState *) PG_GETARG_POINTER(0);
	MemoryContext caller;
	ArrayType *array;
	Site *site;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	site = find_site(fcinfo, kind, state->options);
	caller = MemoryContextSwitchTo(site->work);
	array = make_array(site, kind, state, caller);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(site->work);
	if (array == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
augur_decompose_points(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, KIND_POINTS);
}

Datum
augur_decompose_anomalies(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, KIND_ANOMALIES);
}

Datum
augur_decompose_changes(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, KIND_CHANGES);
}

Datum
augur_decompose_seasons(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, KIND_SEASONS);
}
