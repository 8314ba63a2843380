/*-------------------------------------------------------------------------
 *
 * forecast_options.c
 *		One flat JSON object of options of a forecast: about time, and the method's.
 *
 * {"frequency": "1 month", "season": 12, "gaps": "zero", "levels": [0.8, 0.95],
 * "method": "naive"}.  Keys that are not listed here go to the core's own table of
 * options of forecasting.
 *
 * Memory: CurrentMemoryContext.  Interrupts: none, all is small.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "options.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define DEFAULT_SEED  42
#define DEFAULT_LEVEL 0.95
#define MAX_FOLDS	  1000

typedef enum TimeKey
{
	KEY_FREQUENCY,
	KEY_SEASON,
	KEY_GAPS,
	KEY_DUPLICATES,
	KEY_TIME_ZONE, /* the last of AUGUR_TIME_KEYS */
	KEY_LEVELS,
	KEY_SEED,
	KEY_FOLDS, /* from here on of a backtest only */
	KEY_STEP
} TimeKey;

const char *const augur_time_keys[] = {"frequency", "season", "gaps",  "duplicates", "time_zone",
									   "levels",	"seed",	  "folds", "step"};

/* in the order of AugurGaps and AugurDuplicates */
static const char *const gaps_names[] = {"missing", "interpolate", "zero", "carry"};
static const char *const duplicates_names[] = {"mean", "sum", "last", "error"};

/* ---- values ---------------------------------------------------------------- */

/* Which of n names a value is. */
static int
choice_value(const char *key, const JsonbValue *v, const char *const *names, int n)
{
	const char *value = augur_option_string(key, v);
	StringInfoData list;

	for (int i = 0; i < n; i++)
	{
		if (strcmp(names[i], value) == 0)
			return i;
	}
	initStringInfo(&list);
	for (int i = 0; i < n; i++)
		appendStringInfo(&list, "%s\"%s\"", i == 0 ? "" : i == n - 1 ? " or " : ", ", names[i]);
	augur_option_bad(key, list.data);
}

/* A number, or an array of at most room of them; returns how many. */
int
augur_option_numbers(const char *key, const JsonbValue *v, double low, double high, double *out,
					 int room)
{
	JsonbIterator *it;
	JsonbValue element;
	JsonbIteratorToken token;
	int n = 0;

	if (v->type == jbvNumeric)
	{
		out[0] = augur_option_number(key, v, low, high);
		return 1;
	}
	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		augur_option_bad(key, "a number or an array of numbers");
	it = JsonbIteratorInit(v->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvNumeric)
			augur_option_bad(key, "a number or an array of numbers");
		if (n == room)
			augur_option_bad(key, psprintf("at most %d numbers", room));
		out[n++] = augur_option_number(key, &element, low, high);
	}
	return n;
}

double *
augur_float_array(ArrayType *array, int *n)
{
	Datum *values;
	bool *nulls;
	double *out;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, n);
	out = palloc(mul_size(Max(*n, 1), sizeof(double)));
	for (int i = 0; i < *n; i++)
		out[i] = nulls[i] ? NAN : DatumGetFloat8(values[i]);
	return out;
}

static int
compare_numbers(const void *a, const void *b)
{
	double p = *(const double *) a, q = *(const double *) b;

	return p < q ? -1 : p > q ? 1 : 0;
}

void
augur_forecast_levels(AugurForecastOptions *options, const double *levels, int n)
{
	double ascending[AUG_MAX_LEVELS_ASKED] = {0};

	if (n > AUG_MAX_LEVELS_ASKED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at most %d levels can be asked for", AUG_MAX_LEVELS_ASKED)));
	for (int i = 0; i < n; i++)
	{
		ascending[i] = levels[i];
		if (!(levels[i] > 0 && levels[i] < 1))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("level %g must be above 0 and below 1", levels[i]),
							levels[i] >= 1 && levels[i] < 100
								? errhint("%g %% is %g.", levels[i], levels[i] / 100)
								: 0));
	}
	qsort(ascending, n, sizeof(double), compare_numbers);
	options->n_levels = 0;
	for (int i = 0; i < n; i++)
	{
		if (i == 0 || ascending[i] != ascending[i - 1])
			options->levels[options->n_levels++] = ascending[i];
	}
}

void
augur_forecast_season(AugurTimelineOptions *options, const double *season, int n)
{
	double ascending[AUG_MAX_PERIODS] = {0};

	if (n > AUG_MAX_PERIODS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a series has at most %d seasons", AUG_MAX_PERIODS)));
	for (int i = 0; i < n; i++)
	{
		ascending[i] = season[i];
		if (!(season[i] >= 1 && season[i] <= AUG_MAX_PERIOD) || season[i] != floor(season[i]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("season must be a whole number of steps from 1 to %d",
								   AUG_MAX_PERIOD)));
	}
	qsort(ascending, n, sizeof(double), compare_numbers);
	options->n_season = 0;
	for (int i = 0; i < n; i++)
	{
		if (ascending[i] > 1 && (i == 0 || ascending[i] != ascending[i - 1]))
			options->season[options->n_season++] = (uint32) ascending[i];
	}
}

static AugurStep
frequency_value(const char *key, const JsonbValue *v, AugurStamp stamp)
{
	const char *text = augur_option_string(key, v);
	Datum span = DirectFunctionCall3(interval_in, CStringGetDatum(text),
									 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return augur_interval_step(DatumGetIntervalP(span), stamp);
}

static pg_tz *
zone_value(const char *key, const JsonbValue *v, AugurStamp stamp)
{
	const char *name = augur_option_string(key, v);
	pg_tz *zone = pg_tzset(name);

	if (stamp != AUGUR_STAMP_TIMESTAMPTZ)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" is for timestamps with time zone only", key)));
	if (zone == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", name)));
	return zone;
}

/* ---- keys ------------------------------------------------------------------- */

static void
read_time_option(AugurTimelineOptions *time, bool *duplicates_given, TimeKey which,
				 const JsonbValue *v)
{
	const char *key = augur_time_keys[which];
	double numbers[AUG_MAX_PERIODS] = {0};
	int n;

	switch (which)
	{
		case KEY_FREQUENCY:
			time->frequency = frequency_value(key, v, time->stamp);
			break;
		case KEY_SEASON:
			n = augur_option_numbers(key, v, 1, AUG_MAX_PERIOD, numbers, AUG_MAX_PERIODS);
			augur_forecast_season(time, numbers, n);
			break;
		case KEY_GAPS:
			time->gaps = choice_value(key, v, gaps_names, lengthof(gaps_names));
			break;
		case KEY_DUPLICATES:
			time->duplicates = choice_value(key, v, duplicates_names, lengthof(duplicates_names));
			*duplicates_given = true;
			break;
		case KEY_TIME_ZONE:
			time->zone = zone_value(key, v, time->stamp);
			break;
		default:
			Assert(false);
	}
}

bool
augur_time_option(AugurTimelineOptions *time, bool *duplicates_given, const char *key,
				  const JsonbValue *v)
{
	for (int i = 0; i < AUGUR_TIME_KEYS; i++)
	{
		if (strcmp(augur_time_keys[i], key) == 0)
		{
			read_time_option(time, duplicates_given, (TimeKey) i, v);
			return true;
		}
	}
	return false;
}

/* The table that the method's own options are in. */
static const AugAlgorithm *
table_of(AugurForecastKind kind)
{
	return kind == AUGUR_FORECAST_PANEL ? aug_panel_about() : aug_forecast_about();
}

/* The keys that only forecasts have, and those that only backtests have. */
static bool
read_own_option(AugurForecastOptions *options, const char *key, const JsonbValue *v,
				AugurForecastKind kind)
{
	bool backtest = kind != AUGUR_FORECAST_ONLY;
	double numbers[AUG_MAX_LEVELS_ASKED] = {0};

	if (strcmp(augur_time_keys[KEY_LEVELS], key) == 0)
		augur_forecast_levels(
			options, numbers,
			augur_option_numbers(key, v, -1e300, 1e300, numbers, AUG_MAX_LEVELS_ASKED));
	else if (strcmp(augur_time_keys[KEY_SEED], key) == 0)
		options->seed = augur_option_seed(key, v);
	else if (backtest && strcmp(augur_time_keys[KEY_FOLDS], key) == 0)
		options->folds =
			(uint32) augur_option_number(key, v, kind == AUGUR_FORECAST_BACKTEST ? 1 : 0,
										 kind == AUGUR_FORECAST_PANEL ? AUG_MAX_FOLDS : MAX_FOLDS);
	else if (backtest && kind != AUGUR_FORECAST_PANEL &&
			 strcmp(augur_time_keys[KEY_STEP], key) == 0)
		options->fold_step = (uint32) augur_option_number(key, v, 1, AUG_MAX_HORIZON);
	else
		return false;
	return true;
}

static void
read_key(AugurForecastOptions *options, const char *key, const JsonbValue *v,
		 AugurForecastKind kind)
{
	const AugAlgorithm *about = table_of(kind);
	int n_keys = kind == AUGUR_FORECAST_PANEL  ? KEY_STEP
				 : kind != AUGUR_FORECAST_ONLY ? lengthof(augur_time_keys)
											   : KEY_FOLDS;
	const char **names;
	uint32 n = 0;

	if (augur_time_option(&options->time, &options->duplicates_given, key, v) ||
		read_own_option(options, key, v, kind))
		return;
	for (uint32 i = 0; i < about->n_params; i++)
	{
		if (strcmp(about->params[i].name, key) == 0)
		{
			augur_option_param(options->params, key, v);
			return;
		}
	}
	names = palloc_array(const char *, n_keys + about->n_params);
	for (int i = 0; i < n_keys; i++)
		names[n++] = augur_time_keys[i];
	for (uint32 i = 0; i < about->n_params; i++)
		names[n++] = about->params[i].name;
	augur_option_unknown(key, names, n);
}

/* The seasonal naive method, that others are compared with. */
static AugParams *
naive_params(AugurForecastOptions *options)
{
	AugParams *params;
	AugError err;

	augur_check(aug_params_new(&options->host.host, aug_forecast_about(), &params, &err), &err);
	augur_check(aug_params_set(params, "method", "seasonal_naive", &err), &err);
	return params;
}

void
augur_forecast_options_read(AugurForecastOptions *options, Jsonb *object, AugurStamp stamp,
							AugurForecastKind kind)
{
	AugError err;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;

	memset(options, 0, sizeof(*options));
	options->time.stamp = stamp;
	options->time.zone = session_timezone;
	options->time.n_season = -1;
	options->n_levels = 1;
	options->levels[0] = DEFAULT_LEVEL;
	options->seed = DEFAULT_SEED;
	augur_host_init(&options->host, CurrentMemoryContext);
	augur_check(aug_params_new(&options->host.host, table_of(kind), &options->params, &err), &err);
	options->folds = 1;
	if (kind != AUGUR_FORECAST_ONLY)
		options->naive = naive_params(options);
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
		read_key(options, key, &v, kind);
	}
}
