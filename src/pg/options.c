/*-------------------------------------------------------------------------
 *
 * options.c
 *		One flat JSON object of options: how to load, and hyperparameters.
 *
 * The aggregates that return a model and the report of a load take their options so:
 * {"n_trees": 200, "task": "classification", "exclude": ["id"]}.  Keys that are not
 * about loading go to the algorithm's own table of hyperparameters.
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* The keys of loading, in the order of option_keys. */
typedef enum OptionKey
{
	OPTION_TASK,
	OPTION_WEIGHT,
	OPTION_FEATURES,
	OPTION_EXCLUDE,
	OPTION_DATE_PARTS,
	OPTION_MAX_BINS,
	OPTION_SEED,
	OPTION_KEY,
	OPTION_TIME_COLUMN,
	OPTION_HOLDOUT
} OptionKey;

static const struct
{
	const char *name;
	int groups; /* who has it */
} option_keys[] = {
	{"task", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"weight", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"features", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"exclude", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"date_parts", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"max_bins", AUGUR_OPTIONS_TRAIN | AUGUR_OPTIONS_SPLIT},
	{"seed", AUGUR_OPTIONS_TRAIN},
	{"key", AUGUR_OPTIONS_SPLIT},
	{"time_column", AUGUR_OPTIONS_SPLIT},
	{"holdout", AUGUR_OPTIONS_SPLIT},
};

/* ---- values ---------------------------------------------------------------- */

pg_noreturn void
augur_option_bad(const char *key, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"%s\" must be %s", key, wanted)));
}

char *
augur_option_string(const char *key, const JsonbValue *v)
{
	if (v->type != jbvString)
		augur_option_bad(key, "a string");
	return pnstrdup(v->val.string.val, v->val.string.len);
}

/* An array of strings as palloc'ed names. */
static const char **
names_value(const char *key, const JsonbValue *v, int *n)
{
	JsonbIterator *it;
	JsonbValue element;
	JsonbIteratorToken token;
	const char **names;

	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		augur_option_bad(key, "an array of strings");
	names = palloc_array(const char *, Max(JsonContainerSize(v->val.binary.data), 1));
	*n = 0;
	it = JsonbIteratorInit(v->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvString)
			augur_option_bad(key, "an array of strings");
		names[(*n)++] = augur_option_string(key, &element);
	}
	return names;
}

double
augur_option_number(const char *key, const JsonbValue *v, double low, double high)
{
	double number = 0;

	if (v->type == jbvNumeric)
		number = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
	if (v->type != jbvNumeric || !(number >= low && number <= high))
		augur_option_bad(key, psprintf("a number from %g to %g", low, high));
	return number;
}

uint64
augur_option_seed(const char *key, const JsonbValue *v)
{
	Datum number;

	if (v->type != jbvNumeric)
		augur_option_bad(key, "an integer");
	number = NumericGetDatum(v->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(
			numeric_eq, number, DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0)))))
		augur_option_bad(key, "an integer");
	return (uint64) DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

static void
read_task(AugurLoadOptions *load, const char *key, const JsonbValue *v)
{
	const char *task = augur_option_string(key, v);

	load->infer_task = false;
	if (strcmp(task, "regression") == 0)
		load->task = AUG_REGRESSION;
	else if (strcmp(task, "classification") == 0)
		load->task = AUG_CLASSIFICATION;
	else
		augur_option_bad(key, "\"regression\" or \"classification\"");
}

static void
read_date_parts(AugurLoadOptions *load, const char *key, const JsonbValue *v)
{
	int n;
	const char **names = names_value(key, v, &n);

	if (n == 0)
		augur_option_bad(key, "a list of at least one part");
	for (int i = 0; i < n; i++)
		load->date_parts =
			list_append_unique_int(load->date_parts, (int) augur_part_find(names[i]));
}

/* ---- keys --------------------------------------------------------------------- */

/* Reads the value of a key of loading. */
static void
read_load_option(AugurLoadOptions *load, OptionKey option, const JsonbValue *v)
{
	const char *key = option_keys[option].name;

	switch (option)
	{
		case OPTION_TASK:
			read_task(load, key, v);
			break;
		case OPTION_SEED:
			load->seed = augur_option_seed(key, v);
			break;
		case OPTION_WEIGHT:
			load->weight = augur_option_string(key, v);
			break;
		case OPTION_FEATURES:
			load->features = names_value(key, v, &load->n_features);
			break;
		case OPTION_EXCLUDE:
			load->exclude = names_value(key, v, &load->n_exclude);
			break;
		case OPTION_DATE_PARTS:
			read_date_parts(load, key, v);
			break;
		case OPTION_MAX_BINS:
			load->max_bins = (int) augur_option_number(key, v, 2, AUG_MAX_BINS);
			break;
		case OPTION_KEY:
			load->key = augur_option_string(key, v);
			break;
		case OPTION_TIME_COLUMN:
			load->time_column = augur_option_string(key, v);
			break;
		case OPTION_HOLDOUT:
			load->holdout = augur_option_number(key, v, 0, 0.9);
			break;
	}
}

/* A class_weight and the like: an object of numbers. */
static void
read_map(AugParams *params, const char *key, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue v;
	AugError err;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *label;

		if (token != WJB_KEY)
			continue;
		label = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		if (v.type != jbvNumeric)
			augur_option_bad(key, "an object of numbers");
		augur_check(aug_params_set_pair(params, key, label,
										augur_option_number(key, &v, -1e300, 1e300), &err),
					&err);
	}
}

void
augur_option_param(AugParams *params, const char *key, const JsonbValue *v)
{
	AugError err;
	const char *text = NULL;

	if (v->type == jbvBinary && JsonContainerIsObject(v->val.binary.data))
	{
		read_map(params, key, v->val.binary.data);
		return;
	}
	if (v->type == jbvString)
		text = augur_option_string(key, v);
	else if (v->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	else if (v->type == jbvBool)
		text = v->val.boolean ? "true" : "false";
	else
		augur_option_bad(key, "a number, a string or a boolean");
	augur_check(aug_params_set(params, key, text, &err), &err);
}

pg_noreturn void
augur_option_unknown(const char *key, const char *const *names, uint32 n)
{
	const char *nearest = aug_nearest(key, names, n);
	StringInfoData list;

	initStringInfo(&list);
	for (uint32 i = 0; i < n; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", key),
					errdetail("Known are: %s.", list.data),
					nearest ? errhint("Perhaps you meant \"%s\".", nearest) : 0));
}

/* Raises for a key that nobody knows, naming the nearest that somebody does. */
pg_noreturn static void
unknown_key(const AugurOptions *options, const char *key, int groups)
{
	const AugAlgorithm *algorithm = options->algorithm;
	uint32 n_params = algorithm != NULL ? algorithm->n_params : 0;
	const char **names = palloc_array(const char *, lengthof(option_keys) + n_params);
	uint32 n = 0;

	for (uint32 i = 0; i < lengthof(option_keys); i++)
	{
		if (option_keys[i].groups & groups)
			names[n++] = option_keys[i].name;
	}
	for (uint32 i = 0; i < n_params; i++)
		names[n++] = algorithm->params[i].name;
	augur_option_unknown(key, names, n);
}

/* Reads one key and its value. */
static void
read_key(AugurOptions *options, const char *key, const JsonbValue *v, int groups)
{
	const AugAlgorithm *algorithm = options->algorithm;

	for (uint32 i = 0; i < lengthof(option_keys); i++)
	{
		if ((option_keys[i].groups & groups) && strcmp(option_keys[i].name, key) == 0)
		{
			read_load_option(&options->load, (OptionKey) i, v);
			return;
		}
	}
	for (uint32 i = 0; algorithm != NULL && i < algorithm->n_params; i++)
	{
		if (strcmp(algorithm->params[i].name, key) == 0)
		{
			augur_option_param(options->params, key, v);
			return;
		}
	}
	unknown_key(options, key, groups);
}

void
augur_options_read(AugurOptions *options, Jsonb *object, const AugAlgorithm *algorithm, int groups)
{
	AugError err;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;

	memset(options, 0, sizeof(*options));
	options->load.infer_task = true;
	options->load.seed = 42;
	options->load.max_bins = AUG_MAX_BINS;
	options->load.holdout = groups & AUGUR_OPTIONS_SPLIT ? 0.2 : 0;
	options->load.memory = augur_training_memory_bytes();
	options->algorithm = algorithm;
	options->load.raw = algorithm != NULL && algorithm->raw;
	if (algorithm != NULL)
	{
		augur_host_init(&options->host, CurrentMemoryContext);
		augur_check(aug_params_new(&options->host.host, algorithm, &options->params, &err), &err);
	}
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
		read_key(options, key, &v, groups);
	}
}
