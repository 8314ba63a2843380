/*-------------------------------------------------------------------------
 *
 * train.c
 *		augur.train and augur.train_query: from a table to a version in the registry.
 *
 * The order of a training (docs/architecture.md has the contracts):
 *
 *	arguments	checked without the data (arguments.c, augur_registry_check)
 *	load		the SELECT, as the caller, into the loader (query.c, ingest.c)
 *	run			its row in the registry, before parallel mode forbids writes
 *	block		memory plan, binned rows (fit.c)
 *	production	the version in production is scored on the same holdout, from
 *				the loader's raw values; then the loader goes
 *	fit			the baseline, then the model with parallel workers (workers.c)
 *	evaluate	the new model, decoded from its own bytes, on the holdout
 *	store		version, bytes, metrics, promotion, end of the run (registry.c)
 *
 * All in the caller's transaction: an error or a cancel leaves nothing behind.
 *
 * Memory: everything lies in one context, "augur training", whose deletion also
 * gives the progress slot back.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/snapmgr.h"

#define MAX_GAP_ROWS 100000 /* training rows that are scored for the gap */

typedef struct Training
{
	MemoryContext context;
	AugurTrainArgs *args;
	AugurProgress *progress;
	AugurSourceText source;
	AugurLoader *loader;
	AugurLoadReport report; /* strings copied: outlives the loader */
	AugurFit *fit;
	Size memory;
	int64 run_id;
	int64 compared_with; /* version in production when it began, or 0 */
	AugurFitResult result;
	AugModel *model;		/* decoded from the result */
	AugurHost host;			/* of model */
	List *profiles;			/* of AugurColumnProfile */
	struct varlena *scores; /* profile of the holdout's, or NULL */
	AugurVersion version;
	AugurPromotion promotion;
	AugurScores production; /* of the version in production; its rows are kept for a gate */
	List *warnings;			/* of char * */
	instr_time start;

	/* the leading metric: of the model, of the baseline */
	const char *metric;
	double value;
	double baseline;
	const char *baseline_metric;
	const char *split; /* "holdout" or "out of bag" */
} Training;

static const char *
task_name(AugTask task)
{
	return task == AUG_REGRESSION ? "regression" : "classification";
}

static void add_warning(Training *t, const char *format, ...) pg_attribute_printf(2, 3);

/* Keeps a warning for the result and the run, and tells it. */
static void
add_warning(Training *t, const char *format, ...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	t->warnings = lappend(t->warnings, text.data);
	if (augur_verbosity >= 1)
		ereport(WARNING, (errmsg_internal("%s", text.data)));
}

/* ---- steps ------------------------------------------------------------ */

static List *
copy_texts(List *texts)
{
	List *copy = NIL;
	ListCell *lc;

	foreach (lc, texts)
		copy = lappend(copy, pstrdup((const char *) lfirst(lc)));
	return copy;
}

/* Loads the rows, ends reading and keeps the report. */
static void
load(Training *t)
{
	const AugurLoadReport *report;
	ListCell *lc;

	augur_progress_phase(t->progress, AUGUR_PHASE_LOAD, 0);
	t->loader = augur_query_load(t->args, t->progress, &t->source, t->context);
	augur_progress_phase(t->progress, AUGUR_PHASE_BIN, 0);
	report = augur_loader_finish(t->loader);
	t->report = *report;
	t->report.split = report->split ? pstrdup(report->split) : NULL;
	t->report.task_reason = report->task_reason ? pstrdup(report->task_reason) : NULL;
	t->report.left_out = copy_texts(report->left_out);
	t->report.warnings = NIL;
	augur_progress_rows(t->progress, (uint64) report->rows_used);

	foreach (lc, report->warnings)
		add_warning(t, "%s", (const char *) lfirst(lc));
	if (report->rows_skipped > 0)
		add_warning(t,
					"%lld of %lld rows were skipped, because their target, weight or time "
					"is missing or not finite",
					(long long) report->rows_skipped, (long long) report->rows_read);
}

static void
check_task(Training *t)
{
	const AugAlgorithm *algorithm = t->args->algorithm;
	bool able = t->report.task == AUG_REGRESSION ? algorithm->regression
												 : algorithm->classification;

	if (!able)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"%s\" cannot do %s", algorithm->name,
							   task_name(t->report.task)),
						errhint("View augur.algorithms tells what each algorithm can do.")));
}

/*
 * Scores what is in production on the holdout.  Without a score the new version is
 * not promoted by itself; a warning tells why.
 */
static void
score_production(Training *t)
{
	const AugMatrix *holdout = augur_fit_holdout(t->fit);
	AugurModelPin *pin;
	char *reason;

	if (t->compared_with == 0 || holdout->n_rows == 0)
		return;
	/* it may have been promoted since this statement's snapshot was taken */
	PushActiveSnapshot(GetTransactionSnapshot());
	pin = augur_cache_get_version(t->compared_with, t->context);
	PopActiveSnapshot();
	reason = augur_holdout_score_other(augur_pin_model(pin), t->loader, holdout, t->memory,
									   t->args->gate.given, &t->production, t->context);
	if (reason != NULL)
		add_warning(t,
					"version %d in production could not be scored on the new holdout, "
					"because %s",
					augur_pin_version(pin), reason);
	else
		augur_registry_scores(t->run_id, "production", &t->production, holdout);
}

/* Decodes an artifact into a context of the caller's. */
static AugModel *
decode(AugurHost *host, MemoryContext context, const AugurFitResult *result)
{
	AugModel *model;
	AugError err;

	augur_host_init(host, context);
	augur_check(aug_model_read(&host->host, result->artifact, result->length, &model, &err), &err);
	return model;
}

/*
 * What guessing would score on the same holdout.  Without a holdout the model is
 * judged out of bag, so the baseline is scored on the training rows.
 */
static void
fit_baseline(Training *t)
{
	const AugAlgorithm *baseline = aug_algorithm_find("baseline");
	const AugMatrix *rows = augur_fit_holdout(t->fit);
	AugurFitResult result = {0};
	AugurScores scores;
	AugurHost host;
	AugParams *params;
	AugModel *model;
	AugError err;

	t->baseline = NAN;
	if (rows->n_rows == 0)
		rows = augur_fit_training(t->fit);
	augur_host_init(&host, t->context);
	augur_check(aug_params_new(&host.host, baseline, &params, &err), &err);
	augur_fit_run(t->fit, baseline, params, (uint64) t->args->seed, &result);
	model = decode(&host, t->context, &result);
	augur_holdout_score(model, rows, UINT32_MAX, t->memory, 0, NULL, &scores, t->context);
	aug_model_free(model);
	aug_params_free(params);
	if (scores.n_metrics > 0)
	{
		t->baseline = scores.metrics[0].value;
		t->baseline_metric = scores.metrics[0].name;
	}
	augur_registry_scores(t->run_id, "baseline", &scores, rows);
}

/* The score out of bag, and its name. */
static void
record_oob(Training *t)
{
	const AugFit *fit = &t->result.fit;
	const AugMatrix *training = augur_fit_training(t->fit);
	bool regression = training->task == AUG_REGRESSION;
	const char *score = regression ? "r2" : training->n_classes == 2 ? "auc" : "accuracy";

	if (fit->oob_rows == 0)
		return;
	if (!isnan(fit->oob_score))
		augur_registry_metric(t->run_id, "oob", score, fit->oob_score, fit->oob_rows);
	if (!isnan(fit->oob_error))
		augur_registry_metric(t->run_id, "oob", regression ? "rmse" : "error_rate", fit->oob_error,
							  fit->oob_rows);
	if (t->metric != NULL)
		return;
	t->split = "out of bag";
	t->metric = regression ? "rmse" : score;
	t->value = regression ? fit->oob_error : fit->oob_score;
}

/*
 * What the gate looks at beside the metrics: the gain over production on the same rows, and the
 * leading metric on training rows, where the algorithm has no out-of-bag one.
 */
static void
measure_gate(Training *t, const AugurScores *scores)
{
	const AugMatrix *holdout = augur_fit_holdout(t->fit);

	if (t->production.row != NULL && scores->row != NULL)
	{
		AugGain gain;

		augur_holdout_gain(holdout, scores, &t->production, &gain, t->context);
		augur_registry_gain(t->run_id, &gain, Min(scores->n_rows, t->production.n_rows));
	}
	if (!isnan(t->args->gate.max_gap) && t->result.fit.oob_rows == 0)
	{
		AugurScores training;

		augur_holdout_score(t->model, augur_fit_training(t->fit), MAX_GAP_ROWS, t->memory, 0, NULL,
							&training, t->context);
		training.n_metrics = Min(training.n_metrics, 1);
		augur_registry_scores(t->run_id, "train", &training, holdout);
	}
}

/* Fits the model and scores what its bytes say. */
static void
fit_model(Training *t)
{
	const AugMatrix *holdout = augur_fit_holdout(t->fit);
	AugurScores scores;

	augur_fit_run(t->fit, t->args->algorithm, t->args->params, (uint64) t->args->seed, &t->result);
	t->model = decode(&t->host, t->context, &t->result);

	augur_progress_phase(t->progress, AUGUR_PHASE_EVALUATE, holdout->n_rows);
	augur_holdout_score(t->model, holdout, UINT32_MAX, t->memory,
						AUGUR_SCORES_PROFILE | (t->args->gate.given ? AUGUR_SCORES_ROWS : 0),
						t->progress, &scores, t->context);
	t->scores = scores.profile;
	if (scores.n_metrics > 0)
	{
		t->split = "holdout";
		t->metric = scores.metrics[0].name;
		t->value = scores.metrics[0].value;
		augur_registry_scores(t->run_id, "holdout", &scores, holdout);
	}
	if (scores.n_rows < holdout->n_rows)
		add_warning(t,
					"only %u of %u holdout rows were scored, to stay within "
					"augur.training_memory",
					scores.n_rows, holdout->n_rows);
	record_oob(t);
	if (t->args->gate.given)
		measure_gate(t, &scores);
}

/* What runs.info tells. */
static char *
info_json(Training *t)
{
	StringInfoData json;
	ListCell *lc;
	const char *separator = "";

	initStringInfo(&json);
	appendStringInfo(&json,
					 "{\"workers\": %d, \"workers_planned\": %d, \"memory\": %zu, "
					 "\"rows_holdout\": %lld, \"features\": %u, \"task_inferred\": %s",
					 t->result.workers_launched, t->result.workers_planned,
					 augur_fit_memory(t->fit), (long long) t->report.rows_holdout,
					 augur_fit_training(t->fit)->n_features,
					 t->report.task_inferred ? "true" : "false");
	if (t->result.fit.n_trees > 0)
		appendStringInfo(&json, ", \"trees\": %u, \"nodes\": %llu", t->result.fit.n_trees,
						 (unsigned long long) t->result.fit.n_nodes);
	if (!isnan(t->result.fit.validation_loss))
		appendStringInfo(&json, ", \"rounds_run\": %u, \"validation_loss\": %.9g",
						 t->result.fit.rounds_run, t->result.fit.validation_loss);
	appendStringInfo(&json, ", \"model_bytes\": %zu", t->result.length);
	if (t->report.split != NULL)
	{
		appendStringInfoString(&json, ", \"split\": ");
		escape_json(&json, t->report.split);
	}
	appendStringInfoString(&json, ", \"left_out\": [");
	foreach (lc, t->report.left_out)
	{
		appendStringInfoString(&json, separator);
		escape_json(&json, (const char *) lfirst(lc));
		separator = ", ";
	}
	appendStringInfoChar(&json, ']');
	if (t->promotion.reason != NULL)
	{
		appendStringInfoString(&json, ", \"promotion\": ");
		escape_json(&json, t->promotion.reason);
	}
	appendStringInfoString(&json, ", \"core\": ");
	escape_json(&json, aug_core_dispatch());
	appendStringInfoChar(&json, '}');
	return json.data;
}

static double
seconds_spent(const Training *t)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, t->start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* What the version was trained on, for augur.drift. */
static void
store_profiles(Training *t)
{
	ListCell *lc;

	if (t->profiles == NIL)
	{
		add_warning(t, "there are too many columns for profiles within augur.training_memory, so "
					   "augur.drift will not know what this version was trained on");
		return;
	}
	if (t->scores != NULL)
	{
		AugurColumnProfile *scores = palloc(sizeof(AugurColumnProfile));

		*scores = (AugurColumnProfile){"prediction", t->args->target, NAN, t->scores};
		t->profiles = lappend(t->profiles, scores);
	}
	foreach (lc, t->profiles)
	{
		AugurColumnProfile *p = (AugurColumnProfile *) lfirst(lc);

		if (strcmp(p->part, "feature") == 0)
			p->importance = augur_column_importance(aug_model_info(t->model), p->column);
	}
	augur_registry_profiles(t->version.id, t->profiles);
}

/* Version, bytes, promotion, end of the run. */
static void
store(Training *t)
{
	augur_progress_phase(t->progress, AUGUR_PHASE_STORE, 0);
	t->version = augur_registry_version(t->run_id, t->model, t->result.artifact, t->result.length);
	store_profiles(t);
	augur_registry_promote(t->version.id, t->args, t->compared_with, &t->promotion);
	augur_registry_finish(t->run_id, t->report.rows_used, t->report.rows_skipped, seconds_spent(t),
						  t->warnings, info_json(t));
}

/* ---- what is told ----------------------------------------------------- */

static char *
join(List *texts)
{
	StringInfoData joined;
	ListCell *lc;

	initStringInfo(&joined);
	foreach (lc, texts)
		appendStringInfo(&joined, "%s%s", joined.len ? ", " : "", (char *) lfirst(lc));
	return joined.data;
}

/* The features' names, the first ones when there are very many. */
static char *
feature_names(const AugMatrix *matrix)
{
	StringInfoData names;

	initStringInfo(&names);
	for (uint32 i = 0; i < matrix->n_features; i++)
	{
		if (names.len > 2000)
		{
			appendStringInfo(&names, " and %u more", matrix->n_features - i);
			break;
		}
		appendStringInfo(&names, "%s%s", i ? ", " : "", matrix->features[i].name);
	}
	return names.data;
}

/* Before fitting: the decisions. */
static void
tell_decisions(Training *t)
{
	const AugMatrix *training = augur_fit_training(t->fit);
	StringInfoData detail;
	char *inferred = "";

	if (augur_verbosity < 1)
		return;
	if (t->report.task_inferred)
		inferred = t->report.task_reason == NULL
					   ? " (inferred)"
					   : psprintf(" (inferred: %s)", t->report.task_reason);
	initStringInfo(&detail);
	appendStringInfo(&detail, "Features: %s.", feature_names(training));
	if (t->report.left_out != NIL)
		appendStringInfo(&detail, "\nLeft out: %s.", join(t->report.left_out));
	if (t->report.rows_holdout > 0 && t->report.split != NULL)
		appendStringInfo(&detail, "\nHoldout: %lld rows, %s.", (long long) t->report.rows_holdout,
						 t->report.split);
	else
		appendStringInfoString(&detail, "\nHoldout: none.");
	ereport(NOTICE, (errmsg("training \"%s\": %s of \"%s\"%s by %s, %u rows, %u features",
							t->args->model, task_name(t->report.task), t->args->target, inferred,
							t->args->algorithm->name, training->n_rows, training->n_features),
					 errdetail_internal("%s", detail.data)));
}

/* At the end: the score, beside the baseline's and production's. */
static void
tell_result(Training *t)
{
	StringInfoData text;

	if (augur_verbosity < 1)
		return;
	initStringInfo(&text);
	appendStringInfo(&text, "version %d of \"%s\": ", t->version.number, t->args->model);
	if (t->metric == NULL)
		appendStringInfoString(&text, "not evaluated");
	else
		appendStringInfo(&text, "%s %.4g (%s)", t->metric, t->value, t->split);
	if (t->metric != NULL && !isnan(t->baseline) && strcmp(t->metric, t->baseline_metric) == 0)
		appendStringInfo(&text, ", baseline %.4g", t->baseline);
	if (t->promotion.has_value)
		appendStringInfo(&text, ", production %.4g", t->promotion.production_value);
	appendStringInfoString(&text, t->promotion.promoted ? "; promoted" : "; not promoted");
	if (t->promotion.reason != NULL)
		appendStringInfo(&text, ": %s", t->promotion.reason);
	ereport(NOTICE, (errmsg_internal("%s", text.data)));
}

/* ---- the result ------------------------------------------------------- */

static Datum
result_row(Training *t, FunctionCallInfo fcinfo)
{
	TupleDesc desc;
	Datum values[12];
	bool nulls[12] = {0};
	bool no_value = t->metric == NULL || isnan(t->value);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "%s must return augur.train_result", t->args->function);
	if (desc->natts != lengthof(values))
		elog(ERROR, "augur.train_result has %d attributes", desc->natts);

	values[0] = CStringGetTextDatum(t->args->model);
	values[1] = Int32GetDatum(t->version.number);
	values[2] = CStringGetTextDatum(task_name(t->report.task));
	values[3] = CStringGetTextDatum(t->args->algorithm->name);
	values[4] = Int64GetDatum(t->report.rows_used);
	values[5] = Int64GetDatum(t->report.rows_skipped);
	nulls[6] = t->metric == NULL;
	values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(t->metric);
	nulls[7] = no_value;
	values[7] = Float8GetDatum(t->value);
	nulls[8] = !t->promotion.has_value;
	values[8] = Float8GetDatum(t->promotion.production_value);
	values[9] = BoolGetDatum(t->promotion.promoted);
	values[10] = Float8GetDatum(seconds_spent(t));
	values[11] = augur_text_array(t->warnings);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static Datum
train(FunctionCallInfo fcinfo, bool from_query)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	Training *t;
	Datum row;

	context = AllocSetContextCreate(caller, "augur training", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	t = palloc0(sizeof(Training));
	t->context = context;
	INSTR_TIME_SET_CURRENT(t->start);
	t->memory = augur_training_memory_bytes();
	t->args = augur_arguments_read(fcinfo, from_query);
	PreventCommandIfReadOnly(psprintf("%s()", t->args->function));
	PreventCommandIfParallelMode(psprintf("%s()", t->args->function));
	augur_version_check();

	augur_registry_check(t->args);
	augur_registry_validate(t->args);
	t->progress = augur_progress_begin(t->args->model, t->args->algorithm->name, context);
	t->compared_with = augur_registry_production(t->args->model);
	t->args->keep_holdout = t->compared_with != 0;
	load(t);
	check_task(t);
	t->run_id = augur_registry_start(t->args, t->report.task, &t->source);
	t->fit = augur_fit_begin(t->loader, t->args->algorithm, t->args->params, t->memory, true,
							 t->progress, context);
	tell_decisions(t);
	score_production(t);
	t->profiles = augur_watch_profiles(t->loader, augur_fit_training(t->fit));
	augur_loader_end(t->loader);
	fit_baseline(t);
	fit_model(t);
	store(t);
	tell_result(t);

	MemoryContextSwitchTo(caller);
	row = result_row(t, fcinfo);
	augur_fit_end(t->fit);
	MemoryContextDelete(context);
	return row;
}

AUGUR_FUNCTION(augur_train_run);
AUGUR_FUNCTION(augur_train_query);

/* augur.train: see 40_train.sql for the arguments. */
Datum
augur_train_run(PG_FUNCTION_ARGS)
{
	return train(fcinfo, false);
}

/* augur.train_query */
Datum
augur_train_query(PG_FUNCTION_ARGS)
{
	return train(fcinfo, true);
}
