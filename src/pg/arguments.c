/*-------------------------------------------------------------------------
 *
 * arguments.c
 *		The arguments of augur.train and augur.train_query: reading and checking.
 *
 * Everything that can be checked without the data is checked here, before any
 * row is read.  No argument is accepted and ignored: what a later release will
 * support is an error 0A000 now, an unknown key of a JSON argument is an error
 * that names the nearest known one.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* Positions of the SQL arguments, the same in both functions. */
typedef enum TrainArg
{
	ARG_MODEL,
	ARG_SOURCE,
	ARG_TARGET,
	ARG_FEATURES,
	ARG_EXCLUDE,
	ARG_ALGORITHM,
	ARG_TASK,
	ARG_KEY,
	ARG_TIME_COLUMN,
	ARG_WEIGHT,
	ARG_GROUP_BY,
	ARG_FILTER,
	ARG_PARAMS,
	ARG_PREPROCESS,
	ARG_RESAMPLE,
	ARG_VALIDATION,
	ARG_TUNE,
	ARG_GATE,
	ARG_PROMOTE,
	ARG_SEED,
	ARG_NOTE
} TrainArg;

static const char *const arg_names[] = {
	"model",	NULL,		   "target", "features", "exclude", "algorithm", "task",
	"key",		"time_column", "weight", "group_by", "filter",	"params",	 "preprocess",
	"resample", "validation",  "tune",	 "gate",	 "promote", "seed",		 "note"};

#define DEFAULT_HOLDOUT	 0.2
#define MAX_HOLDOUT		 0.9
#define DEFAULT_MAX_BINS 255

/* Called for each key of a JSON object; v is a scalar or a nested jbvBinary. */
typedef void (*OptionReader)(void *arg, const char *key, JsonbValue *v);

/* ---- names ------------------------------------------------------------ */

char *
augur_nearest_hint(const char *name, const char *const *names, uint32 n)
{
	const char *nearest = aug_nearest(name, names, n);

	return nearest ? psprintf("Perhaps you meant \"%s\".", nearest) : NULL;
}

/* Raises 22023 for a word that is none of names. */
pg_noreturn static void
unknown_word(const char *what, const char *word, const char *const *names, uint32 n)
{
	char *nearest = augur_nearest_hint(word, names, n);
	StringInfoData list;

	initStringInfo(&list);
	for (uint32 i = 0; i < n; i++)
		appendStringInfo(&list, "%s%s", i ? ", " : "", names[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown %s \"%s\"", what, word),
			 errdetail("Known are: %s.", list.data), nearest ? errhint("%s", nearest) : 0));
}

/* Index of word in names, or an error. */
static int
find_word(const char *what, const char *word, const char *const *names, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		if (strcmp(word, names[i]) == 0)
			return (int) i;
	}
	unknown_word(what, word, names, n);
}

const AugAlgorithm *
augur_arguments_algorithm(const char *name)
{
	const AugAlgorithm *algorithm = aug_algorithm_find(name);
	uint32 n = aug_algorithm_count();
	const char **names;

	if (algorithm != NULL)
		return algorithm;
	names = palloc(mul_size(n, sizeof(char *)));
	for (uint32 i = 0; i < n; i++)
		names[i] = aug_algorithm_at(i)->name;
	unknown_word("algorithm", name, names, n);
}

/* ---- JSON ------------------------------------------------------------- */

/* Walks the keys of an object container. */
static void
read_object(JsonbContainer *object, OptionReader reader, void *arg)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *key;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		reader(arg, key, &v);
	}
}

/* The same for a whole argument, which must be an object. */
static void
read_options(Jsonb *object, const char *what, OptionReader reader, void *arg)
{
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be a JSON object", what)));
	read_object(&object->root, reader, arg);
}

static char *
number_text(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
}

/* A number that must lie in lo..hi. */
static double
option_number(const char *what, const char *key, JsonbValue *v, double lo, double hi)
{
	double number = 0;

	if (v->type == jbvNumeric)
		number = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
	if (v->type != jbvNumeric || !(number >= lo && number <= hi))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" of \"%s\" must be a number from %g to %g", key, what,
							   lo, hi)));
	return number;
}

/* ---- params ----------------------------------------------------------- */

typedef struct ParamsReader
{
	AugParams *params;
	const char *option; /* of a nested object */
	const char *what;
} ParamsReader;

static void
read_pair(void *arg, const char *key, JsonbValue *v)
{
	ParamsReader *reader = (ParamsReader *) arg;
	AugError err;
	double number;

	if (v->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value of \"%s\" in option \"%s\" must be a number", key, reader->option)));
	number = DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));
	augur_check(aug_params_set_pair(reader->params, reader->option, key, number, &err), &err);
}

static void
read_param(void *arg, const char *key, JsonbValue *v)
{
	ParamsReader *reader = (ParamsReader *) arg;
	AugError err;
	const char *value = NULL;

	switch (v->type)
	{
		case jbvString:
			value = pnstrdup(v->val.string.val, v->val.string.len);
			break;
		case jbvNumeric:
			value = number_text(v->val.numeric);
			break;
		case jbvBool:
			value = v->val.boolean ? "true" : "false";
			break;
		case jbvBinary:
			if (JsonContainerIsObject(v->val.binary.data))
			{
				reader->option = key;
				read_object(v->val.binary.data, read_pair, reader);
				return;
			}
			break;
		default:
			break;
	}
	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("value of option \"%s\" in \"%s\" must not be null or an array", key,
							   reader->what)));
	augur_check(aug_params_set(reader->params, key, value, &err), &err);
}

AugParams *
augur_arguments_params(const AugHost *host, const AugAlgorithm *algorithm, Jsonb *object,
					   const char *what)
{
	ParamsReader reader = {.what = what};
	AugError err;

	augur_check(aug_params_new(host, algorithm, &reader.params, &err), &err);
	if (object != NULL)
		read_options(object, what, read_param, &reader);
	return reader.params;
}

/* ---- preprocess and validation ---------------------------------------- */

static void
read_date_parts(AugurTrainArgs *args, JsonbContainer *array)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbValue v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		AugurPart part;

		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvString)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"date_parts\" of \"preprocess\" must be an array of "
								   "strings")));
		part = augur_part_find(pnstrdup(v.val.string.val, v.val.string.len));
		args->date_parts = list_append_unique_int(args->date_parts, (int) part);
	}
	if (args->date_parts == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"date_parts\" of \"preprocess\" must not be empty"),
						errhint("Name the date columns in \"exclude\" to leave them out.")));
}

static void
read_preprocess(void *arg, const char *key, JsonbValue *v)
{
	static const char *const names[] = {"date_parts", "max_bins"};
	AugurTrainArgs *args = (AugurTrainArgs *) arg;

	if (find_word("option of \"preprocess\":", key, names, lengthof(names)) == 1)
	{
		double bins = option_number("preprocess", key, v, 2, AUG_MAX_BINS);

		if (bins != (int) bins)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"max_bins\" of \"preprocess\" must be an integer")));
		args->max_bins = (int) bins;
		return;
	}
	if (v->type != jbvBinary || !JsonContainerIsArray(v->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"date_parts\" of \"preprocess\" must be an array of strings")));
	read_date_parts(args, v->val.binary.data);
}

static void
read_validation(void *arg, const char *key, JsonbValue *v)
{
	static const char *const names[] = {"holdout"};
	AugurTrainArgs *args = (AugurTrainArgs *) arg;

	find_word("option of \"validation\":", key, names, lengthof(names));
	args->holdout = option_number("validation", key, v, 0, MAX_HOLDOUT);
}

/* ---- SQL arguments ---------------------------------------------------- */

pg_noreturn static void
null_argument(const char *function, const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("argument \"%s\" of %s must not be null", name, function)));
}

/* A text argument, or NULL. */
static char *
text_argument(FunctionCallInfo fcinfo, TrainArg arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* A name argument, or NULL. */
static char *
name_argument(FunctionCallInfo fcinfo, TrainArg arg)
{
	return PG_ARGISNULL(arg) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(arg)));
}

/* A name[] argument as a list of char *; NULL and empty are NIL. */
static List *
names_argument(FunctionCallInfo fcinfo, TrainArg arg)
{
	List *names = NIL;
	Datum *values;
	bool *nulls;
	int n;

	if (PG_ARGISNULL(arg))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("array \"%s\" must not contain nulls", arg_names[arg])));
		names = lappend(names, pstrdup(NameStr(*DatumGetName(values[i]))));
	}
	return names;
}

pg_noreturn static void
not_supported(TrainArg arg, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("argument \"%s\" is not supported yet", arg_names[arg]), errhint("%s", hint)));
}

/* Arguments that are part of the signature but of a later release's work. */
static void
refuse_unsupported(FunctionCallInfo fcinfo)
{
	if (names_argument(fcinfo, ARG_GROUP_BY) != NIL)
		not_supported(ARG_GROUP_BY, "Train one model for each group with "
									"augur.random_forest_agg and GROUP BY, or with \"filter\".");
	if (!PG_ARGISNULL(ARG_RESAMPLE))
		not_supported(ARG_RESAMPLE, "Use the hyperparameter \"class_weight\" against "
									"unbalanced classes.");
	if (!PG_ARGISNULL(ARG_TUNE))
		not_supported(ARG_TUNE, "Train with several settings and compare them in "
								"augur.leaderboard.");
}

static void
read_gate(void *arg, const char *key, JsonbValue *v)
{
	static const char *const names[] = {"suite", "min_gain", "floor", "max_gap"};
	AugurGate *gate = &((AugurTrainArgs *) arg)->gate;
	uint32 which = find_word("option of \"gate\":", key, names, lengthof(names));

	if (which == 0)
	{
		if (v->type != jbvString)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"suite\" of \"gate\" must be a string")));
		gate->suite = pnstrdup(v->val.string.val, v->val.string.len);
		return;
	}
	gate->given = true;
	if (which == 1)
		gate->min_gain = option_number("gate", key, v, 0, 1e300);
	else if (which == 2)
		gate->floor = option_number("gate", key, v, -1e300, 1e300);
	else
		gate->max_gap = option_number("gate", key, v, 0, 1e300);
}

/* A gate that could not be looked at, or would not decide, is refused. */
static void
check_gate(const AugurTrainArgs *args)
{
	const AugurGate *gate = &args->gate;

	if (gate->given && strcmp(args->promote, "if_better") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"gate\" decides nothing when promote is \"%s\"", args->promote),
						errhint("Leave promote at \"if_better\".")));
	if (gate->given && args->holdout == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"gate\" needs a holdout"),
				 errhint("Set \"holdout\" of \"validation\" above 0.")));
	if (gate->suite != NULL && args->query != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"suite\" of \"gate\" needs a relation to check"),
						errhint("Make the query a view, and train on that.")));
}

/* The name of the model itself, without alias or version. */
static void
check_model_name(const char *model)
{
	if (model[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("model name must not be empty")));
	if (strpbrk(model, "@/") != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("model name \"%s\" must not contain \"@\" or \"/\"", model),
						errhint("Training always makes a new version; name the model alone.")));
}

/* algorithm, task, promote: words out of a list. */
static void
read_words(FunctionCallInfo fcinfo, AugurTrainArgs *args)
{
	static const char *const tasks[] = {"regression", "classification"};
	static const char *const promotes[] = {"if_better", "always", "never"};
	const char *task = text_argument(fcinfo, ARG_TASK);
	const char *promote = text_argument(fcinfo, ARG_PROMOTE);

	args->algorithm = augur_arguments_algorithm(text_argument(fcinfo, ARG_ALGORITHM));
	args->promote =
		promotes[find_word("value of \"promote\":", promote, promotes, lengthof(promotes))];
	if (task == NULL)
		return;
	args->task_given = true;
	args->task = find_word("task", task, tasks, lengthof(tasks)) == 0 ? AUG_REGRESSION
																	  : AUG_CLASSIFICATION;
}

/* params, preprocess, validation, gate. */
static void
read_jsons(FunctionCallInfo fcinfo, AugurTrainArgs *args)
{
	args->max_bins = DEFAULT_MAX_BINS;
	args->holdout = DEFAULT_HOLDOUT;
	augur_host_init(&args->host, CurrentMemoryContext);
	args->params = augur_arguments_params(
		&args->host.host, args->algorithm,
		PG_ARGISNULL(ARG_PARAMS) ? NULL : PG_GETARG_JSONB_P(ARG_PARAMS), "params");
	if (!PG_ARGISNULL(ARG_PREPROCESS))
		read_options(PG_GETARG_JSONB_P(ARG_PREPROCESS), "preprocess", read_preprocess, args);
	if (!PG_ARGISNULL(ARG_VALIDATION))
		read_options(PG_GETARG_JSONB_P(ARG_VALIDATION), "validation", read_validation, args);
	args->gate.floor = args->gate.max_gap = NAN;
	if (!PG_ARGISNULL(ARG_GATE))
	{
		read_options(PG_GETARG_JSONB_P(ARG_GATE), "gate", read_gate, args);
		/* an empty one asks for a sure gain */
		args->gate.given |= args->gate.suite == NULL;
	}
	check_gate(args);
}

AugurTrainArgs *
augur_arguments_read(FunctionCallInfo fcinfo, bool from_query)
{
	static const TrainArg required[] = {ARG_MODEL,	   ARG_SOURCE,	ARG_TARGET,
										ARG_ALGORITHM, ARG_PROMOTE, ARG_SEED};
	AugurTrainArgs *args = palloc0(sizeof(AugurTrainArgs));

	args->function = from_query ? "augur.train_query" : "augur.train";
	for (int i = 0; i < lengthof(required); i++)
	{
		const char *name = arg_names[required[i]];

		if (PG_ARGISNULL(required[i]))
			null_argument(args->function, name ? name : from_query ? "query" : "relation");
	}
	refuse_unsupported(fcinfo);

	args->model = text_argument(fcinfo, ARG_MODEL);
	check_model_name(args->model);
	if (from_query)
		args->query = text_argument(fcinfo, ARG_SOURCE);
	else
		args->relation = PG_GETARG_OID(ARG_SOURCE);
	args->target = name_argument(fcinfo, ARG_TARGET);
	args->features = names_argument(fcinfo, ARG_FEATURES);
	if (!PG_ARGISNULL(ARG_FEATURES) && args->features == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("array \"features\" must not be empty"),
						errhint("Leave it out to use all usable columns.")));
	args->exclude = names_argument(fcinfo, ARG_EXCLUDE);
	args->key = name_argument(fcinfo, ARG_KEY);
	args->time_column = name_argument(fcinfo, ARG_TIME_COLUMN);
	args->weight = name_argument(fcinfo, ARG_WEIGHT);
	args->filter = text_argument(fcinfo, ARG_FILTER);
	args->seed = PG_GETARG_INT64(ARG_SEED);
	args->note = text_argument(fcinfo, ARG_NOTE);
	read_words(fcinfo, args);
	read_jsons(fcinfo, args);
	return args;
}
