/*-------------------------------------------------------------------------
 *
 * registry.c
 *		How a training writes to the registry: through the SQL functions that
 *		docs/architecture.md lists, as the caller.
 *
 * Every call names its function with its schema and passes typed parameters, so
 * that neither search_path nor the values can change what is executed.  JSON is
 * written as text and read by the server's own input function.
 *
 * Memory: each function opens and closes its own SPI connection; what it returns
 * is copied to the context of the call.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#define CHUNK_BYTES ((size_t) 1024 * 1024)

/* One call in the making: up to 12 typed arguments. */
typedef struct Call
{
	int n;
	Oid types[12];
	Datum values[12];
	char nulls[12];
} Call;

static void
add_value(Call *call, Oid type, Datum value)
{
	Assert(call->n < lengthof(call->values));
	call->types[call->n] = type;
	call->values[call->n] = value;
	call->nulls[call->n++] = ' ';
}

static void
add_null(Call *call, Oid type)
{
	add_value(call, type, (Datum) 0);
	call->nulls[call->n - 1] = 'n';
}

static void
add_text(Call *call, const char *text)
{
	if (text == NULL)
		add_null(call, TEXTOID);
	else
		add_value(call, TEXTOID, CStringGetTextDatum(text));
}

static void
add_json(Call *call, const char *json)
{
	add_value(call, JSONBOID, DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/* A number that may be missing: NaN is NULL. */
static void
add_float(Call *call, double value)
{
	if (isnan(value))
		add_null(call, FLOAT8OID);
	else
		add_value(call, FLOAT8OID, Float8GetDatum(value));
}

/*
 * Executes one statement; with a result, its single row is in SPI_tuptable until
 * SPI_finish, which is the caller's to call.
 */
static void
execute_call(const char *sql, Call *call)
{
	int code;

	SPI_connect();
	code = SPI_execute_with_args(sql, call->n, call->types, call->values, call->nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(code));
	if (code == SPI_OK_SELECT && SPI_processed != 1)
		elog(ERROR, "\"%s\" returned %llu rows", sql, (unsigned long long) SPI_processed);
}

static Datum
result_column(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* ---- JSON texts ------------------------------------------------------- */

static void
json_key(StringInfo json, const char *key)
{
	char last = json->data[json->len - 1];

	if (last != '{' && last != '[')
		appendStringInfoString(json, ", ");
	if (key != NULL)
	{
		escape_json(json, key);
		appendStringInfoString(json, ": ");
	}
}

/* "key": "value", or nothing for a NULL. */
static void
json_text(StringInfo json, const char *key, const char *value)
{
	if (value == NULL)
		return;
	json_key(json, key);
	escape_json(json, value);
}

static void
json_list(StringInfo json, const char *key, List *names)
{
	ListCell *lc;

	if (names == NIL)
		return;
	json_key(json, key);
	appendStringInfoChar(json, '[');
	foreach (lc, names)
		json_text(json, NULL, (const char *) lfirst(lc));
	appendStringInfoChar(json, ']');
}

static void
json_number(StringInfo json, const char *key, double value)
{
	if (isnan(value))
		return;
	json_key(json, key);
	appendStringInfoString(json,
						   DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value))));
}

/* The gate, as augur._promote_if takes it. */
static char *
gate_json(const AugurGate *gate)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	json_text(&json, "suite", gate->suite);
	if (gate->given)
		json_number(&json, "min_gain", gate->min_gain);
	json_number(&json, "floor", gate->floor);
	json_number(&json, "max_gap", gate->max_gap);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* What the caller asked for, apart from what runs has columns for. */
static char *
config_json(const AugurTrainArgs *args)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"holdout\": %s, \"max_bins\": %d",
					 DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(args->holdout))),
					 args->max_bins);
	json_text(&json, "promote", args->promote);
	if (args->gate.given || args->gate.suite != NULL)
	{
		json_key(&json, "gate");
		appendStringInfoString(&json, gate_json(&args->gate));
	}
	json_list(&json, "features", args->features);
	json_list(&json, "exclude", args->exclude);
	json_text(&json, "key", args->key);
	json_text(&json, "time_column", args->time_column);
	json_text(&json, "weight", args->weight);
	json_text(&json, "filter", args->filter);
	if (args->date_parts != NIL)
	{
		ListCell *lc;

		json_key(&json, "date_parts");
		appendStringInfoChar(&json, '[');
		foreach (lc, args->date_parts)
			json_text(&json, NULL, augur_part_name((AugurPart) lfirst_int(lc)));
		appendStringInfoChar(&json, ']');
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* All hyperparameters with their values, defaults too. */
static char *
params_json(const AugurTrainArgs *args)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (uint32 i = 0; i < args->algorithm->n_params; i++)
	{
		const AugParamSpec *spec = &args->algorithm->params[i];
		const char *value = aug_params_value(args->params, i);
		char *end;

		/* numbers, booleans and objects as such, words as strings */
		(void) strtod(value, &end);
		if ((end != value && *end == '\0' && isfinite(strtod(value, NULL))) ||
			spec->type == AUG_PARAM_BOOL || (spec->type == AUG_PARAM_MAP && *value == '{'))
		{
			json_key(&json, spec->name);
			appendStringInfoString(&json, value);
		}
		else
			json_text(&json, spec->name, value);
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* The part's word in a signature. */
static const char *
part_word(AugurPart part)
{
	const char *name = augur_part_name(part);

	if (name != NULL)
		return name;
	return part == AUGUR_PART_TEXT ? "text" : part == AUGUR_PART_ELEMENT ? "element" : "value";
}

/* What a row must have to be scored: versions.signature. */
static char *
signature_json(const AugModelInfo *info)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"features\": [");
	for (uint32 i = 0; i < info->n_features; i++)
	{
		const AugFeature *feature = &info->features[i];

		json_key(&json, NULL);
		appendStringInfoChar(&json, '{');
		json_text(&json, "name", feature->name);
		json_text(&json, "column", feature->column);
		json_text(&json, "type", feature->type_name);
		json_text(&json, "part", part_word((AugurPart) feature->part));
		if (feature->part == AUGUR_PART_ELEMENT)
			appendStringInfo(&json, ", \"element\": %u", feature->element + 1);
		json_text(&json, "kind", feature->kind == AUG_NUMERIC_FEATURE ? "numeric" : "categorical");
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	json_text(&json, "target", info->target);
	json_text(&json, "target_type", info->target_type);
	if (info->task == AUG_CLASSIFICATION)
	{
		json_key(&json, "classes");
		appendStringInfoChar(&json, '[');
		for (uint32 i = 0; i < info->n_classes; i++)
			json_text(&json, NULL, info->class_names[i]);
		appendStringInfoChar(&json, ']');
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* ---- steps ------------------------------------------------------------ */

int64
augur_registry_production(const char *model)
{
	Call call = {0};
	bool isnull;
	Datum id;

	add_text(&call, model);
	execute_call("SELECT augur._production_version($1)", &call);
	id = result_column(1, &isnull);
	SPI_finish();
	return isnull ? 0 : DatumGetInt64(id);
}

/*
 * What augur._run_start would refuse after the load, before it: a name, rights, another
 * target, another task where one is given.
 */
void
augur_registry_check(const AugurTrainArgs *args)
{
	Call call = {0};

	add_text(&call, args->model);
	add_text(&call, !args->task_given			   ? NULL
					: args->task == AUG_REGRESSION ? "regression"
												   : "classification");
	add_text(&call, args->target);
	execute_call("SELECT augur._may_train($1, $2, $3)", &call);
	SPI_finish();
}

/*
 * The run's row and its hyperparameters; the model's row when it is new.
 */
int64
augur_registry_start(const AugurTrainArgs *args, AugTask task, const AugurSourceText *source)
{
	Call call = {0};
	bool isnull;
	int64 run_id;

	add_text(&call, args->model);
	add_text(&call, args->algorithm->name);
	add_text(&call, task == AUG_REGRESSION ? "regression" : "classification");
	add_text(&call, source->relation);
	add_text(&call, source->query);
	add_text(&call, args->target);
	add_json(&call, config_json(args));
	add_json(&call, params_json(args));
	add_value(&call, INT8OID, Int64GetDatum(args->seed));
	add_text(&call, args->note);
	execute_call("SELECT augur._run_start($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", &call);
	run_id = DatumGetInt64(result_column(1, &isnull));
	SPI_finish();
	return run_id;
}

/* SHA-256 of the artifact, as a bytea. */
static Datum
artifact_hash(const uint8_t *artifact, size_t length)
{
	bytea *hash = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	SET_VARSIZE(hash, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (ctx == NULL || pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, artifact, length) < 0 ||
		pg_cryptohash_final(ctx, (uint8 *) VARDATA(hash), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256 of the model");
	pg_cryptohash_free(ctx);
	return PointerGetDatum(hash);
}

/* The artifact in rows of 1 MB; one buffer is used for all of them. */
static void
insert_chunks(int64 version_id, const uint8_t *artifact, size_t length)
{
	Oid types[] = {INT8OID, INT4OID, BYTEAOID};
	bytea *chunk = palloc(VARHDRSZ + Min(length, CHUNK_BYTES));
	SPIPlanPtr plan;
	int32 seq = 0;

	SPI_connect();
	plan = SPI_prepare("INSERT INTO augur.version_chunks (version_id, seq, bytes) "
					   "VALUES ($1, $2, $3)",
					   lengthof(types), types);
	if (plan == NULL)
		elog(ERROR, "could not prepare the insert of a model's bytes: %s",
			 SPI_result_code_string(SPI_result));
	for (size_t at = 0; at < length; at += CHUNK_BYTES)
	{
		size_t n = Min(CHUNK_BYTES, length - at);
		Datum values[] = {Int64GetDatum(version_id), Int32GetDatum(seq++), PointerGetDatum(chunk)};
		int code;

		CHECK_FOR_INTERRUPTS();
		SET_VARSIZE(chunk, VARHDRSZ + n);
		memcpy(VARDATA(chunk), artifact + at, n);
		code = SPI_execute_plan(plan, values, NULL, false, 0);
		if (code != SPI_OK_INSERT)
			elog(ERROR, "could not insert a model's bytes: %s", SPI_result_code_string(code));
	}
	SPI_finish();
	pfree(chunk);
}

void
augur_registry_profiles(int64 version_id, List *profiles)
{
	Oid type = DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum("augur.profile")));
	ListCell *lc;

	foreach (lc, profiles)
	{
		const AugurColumnProfile *p = (const AugurColumnProfile *) lfirst(lc);
		Call call = {0};

		add_value(&call, INT8OID, Int64GetDatum(version_id));
		add_text(&call, p->part);
		add_text(&call, p->column);
		add_float(&call, p->importance);
		add_value(&call, type, PointerGetDatum(p->value));
		execute_call("INSERT INTO augur.version_profiles "
					 "(version_id, part, column_name, importance, profile) "
					 "VALUES ($1, $2, $3, $4, $5)",
					 &call);
		SPI_finish();
	}
}

/*
 * The version, pending, with all of its bytes.
 */
AugurVersion
augur_registry_version(int64 run_id, const AugModel *model, const uint8_t *artifact, size_t length)
{
	Call call = {0};
	AugurVersion version;
	bool isnull;

	add_value(&call, INT8OID, Int64GetDatum(run_id));
	add_value(&call, INT4OID, Int32GetDatum(AUG_FORMAT));
	add_value(&call, INT8OID, Int64GetDatum((int64) length));
	add_value(&call, BYTEAOID, artifact_hash(artifact, length));
	add_json(&call, signature_json(aug_model_info(model)));
	execute_call("SELECT version_id, version "
				 "FROM augur._version_create($1, $2, $3, $4, $5)",
				 &call);
	version.id = DatumGetInt64(result_column(1, &isnull));
	version.number = DatumGetInt32(result_column(2, &isnull));
	SPI_finish();

	insert_chunks(version.id, artifact, length);
	return version;
}

/*
 * Stores an artifact that is no training's own: decodes it for its signature and
 * writes it as a version of run_id.  Returns the version's id.
 */
int64
augur_registry_store(int64 run_id, const uint8_t *artifact, size_t length)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur store", ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(context);
	AugurHost host;
	AugModel *model;
	AugError err;
	AugurVersion version;

	augur_host_init(&host, context);
	augur_check(augur_model_decode(&host, artifact, length, &model, &err), &err);
	version = augur_registry_version(run_id, model, artifact, length);
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(context);
	return version.id;
}

#define METRIC_SQL "SELECT augur._metric_set($1, $2, $3, $4, $5, $6, $7, $8)"

static void
metric_call(Call *call, int64 run_id, const char *split, const AugMetric *metric,
			const char *class_name, int64 n)
{
	add_value(call, INT8OID, Int64GetDatum(run_id));
	add_text(call, split);
	add_text(call, metric->name);
	add_text(call, class_name);
	add_float(call, metric->value);
	add_float(call, metric->lower);
	add_float(call, metric->upper);
	add_value(call, INT8OID, Int64GetDatum(n));
}

/*
 * All metrics of one split.  The statement is prepared once: with many classes
 * there are many metrics.
 */
void
augur_registry_scores(int64 run_id, const char *split, const AugurScores *scores,
					  const AugMatrix *holdout)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur metrics", ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = CurrentMemoryContext;
	Oid types[] = {INT8OID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT8OID};
	SPIPlanPtr plan;

	SPI_connect();
	plan = SPI_prepare(METRIC_SQL, lengthof(types), types);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", METRIC_SQL, SPI_result_code_string(SPI_result));
	for (uint32 i = 0; i < scores->n_metrics; i++)
	{
		const AugMetric *metric = &scores->metrics[i];
		Call call = {0};

		MemoryContextSwitchTo(context);
		metric_call(&call, run_id, split, metric,
					metric->class_index < 0 ? NULL : holdout->class_names[metric->class_index],
					scores->n_rows);
		SPI_execute_plan(plan, call.values, call.nulls, false, 0);
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_finish();
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(context);
}

/* One metric without an interval. */
void
augur_registry_metric(int64 run_id, const char *split, const char *name, double value, int64 n)
{
	AugMetric metric = {.name = name, .value = value, .lower = NAN, .upper = NAN};
	Call call = {0};

	metric_call(&call, run_id, split, &metric, NULL, n);
	execute_call(METRIC_SQL, &call);
	SPI_finish();
}

void
augur_registry_gain(int64 run_id, const AugGain *gain, int64 n)
{
	AugMetric metric = {
		.name = gain->metric, .value = gain->gain, .lower = gain->lower, .upper = gain->upper};
	Call call = {0};

	metric_call(&call, run_id, "gain", &metric, NULL, n);
	execute_call(METRIC_SQL, &call);
	SPI_finish();
}

void
augur_registry_validate(const AugurTrainArgs *args)
{
	Call call = {0};

	if (args->gate.suite == NULL)
		return;
	add_text(&call, args->gate.suite);
	add_value(&call, REGCLASSOID, ObjectIdGetDatum(args->relation));
	add_text(&call, args->filter);
	execute_call("SELECT augur._gate_suite($1, $2, $3)", &call);
	SPI_finish();
}

/*
 * Makes the version ready and moves production to it if promote and gate say so.
 */
void
augur_registry_promote(int64 version_id, const AugurTrainArgs *args, int64 compared_with,
					   AugurPromotion *promotion)
{
	MemoryContext context = CurrentMemoryContext;
	Call ready = {0};
	Call call = {0};
	bool isnull;
	Datum value;

	add_value(&ready, INT8OID, Int64GetDatum(version_id));
	execute_call("SELECT augur._version_ready($1)", &ready);
	SPI_finish();

	add_value(&call, INT8OID, Int64GetDatum(version_id));
	add_text(&call, args->promote);
	if (compared_with == 0)
		add_null(&call, INT8OID);
	else
		add_value(&call, INT8OID, Int64GetDatum(compared_with));
	add_text(&call, args->gate.given ? gate_json(&args->gate) : NULL);
	execute_call("SELECT promoted, production_value, reason "
				 "FROM augur._promote_if($1, $2, $3, $4::jsonb)",
				 &call);
	promotion->promoted = DatumGetBool(result_column(1, &isnull));
	value = result_column(2, &isnull);
	promotion->has_value = !isnull;
	promotion->production_value = isnull ? NAN : DatumGetFloat8(value);
	value = result_column(3, &isnull);
	promotion->reason = isnull ? NULL : MemoryContextStrdup(context, TextDatumGetCString(value));
	SPI_finish();
}

/*
 * Ends the run.  warnings: of char *.
 */
void
augur_registry_finish(int64 run_id, int64 rows_used, int64 rows_skipped, double seconds,
					  List *warnings, const char *info)
{
	Call call = {0};

	add_value(&call, INT8OID, Int64GetDatum(run_id));
	add_text(&call, "finished");
	add_value(&call, INT8OID, Int64GetDatum(rows_used));
	add_value(&call, INT8OID, Int64GetDatum(rows_skipped));
	add_value(&call, FLOAT8OID, Float8GetDatum(seconds));
	add_value(&call, TEXTARRAYOID, augur_text_array(warnings));
	add_json(&call, info);
	execute_call("SELECT augur._run_finish($1, $2, $3, $4, $5, $6, $7)", &call);
	SPI_finish();
}

/* A list of char * as a text[]. */
Datum
augur_text_array(List *texts)
{
	Datum *values = palloc(mul_size(Max(list_length(texts), 1), sizeof(Datum)));
	int n = 0;
	ListCell *lc;

	foreach (lc, texts)
		values[n++] = CStringGetTextDatum((const char *) lfirst(lc));
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}
