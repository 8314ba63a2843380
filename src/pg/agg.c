/*-------------------------------------------------------------------------
 *
 * agg.c
 *		augur.random_forest_agg(target, features [, options]): a model as the value of an
 *		aggregate, so that GROUP BY, CTEs and joins compose with training.
 *
 * The transition function hands each row to a loader (ingest.h): the target, and the
 * columns of the record by their names (f1, f2... for ROW()).  The final function
 * plans, bins and trains in this process through fit.h and returns the artifact as
 * an augur.model.  Nothing is held out: the model's own figures are out of bag.
 *
 * Memory: a loader for each group, in a child of the aggregate's context, within
 * augur.training_memory each; its file, if any, is closed by the final function,
 * or by the callback when the aggregate ends without it (LIMIT, rescan).
 * Interrupts: the loader's and the core's.
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "fit.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/typcache.h"

AUGUR_FUNCTION(augur_agg_collect);
AUGUR_FUNCTION(augur_agg_collect_boosting);
AUGUR_FUNCTION(augur_agg_collect_linear);
AUGUR_FUNCTION(augur_agg_train);

typedef struct AugurAggState
{
	MemoryContext context; /* child of the aggregate's */
	AugurOptions options;
	Jsonb *given; /* the options as given, or NULL */
	AugurLoader *loader;
	Oid row_type;
	int32 row_typmod;
	TupleDesc row_desc; /* of the record */
	Datum *values;		/* [1 + attributes]: the target, then the record */
	bool *nulls;
	int64 null_rows; /* rows whose record is NULL */
} AugurAggState;

/* ---- begin ----------------------------------------------------------------- */

/* The aggregate ends without its final function: close what is open. */
static void
agg_ended(Datum arg)
{
	AugurAggState *state = (AugurAggState *) DatumGetPointer(arg);

	if (state->loader != NULL)
		augur_loader_end(state->loader);
	state->loader = NULL;
}

/* A state with the options of the call's first row. */
static AugurAggState *
begin_state(FunctionCallInfo fcinfo, const char *algorithm, MemoryContext aggregate)
{
	MemoryContext context =
		AllocSetContextCreate(aggregate, "augur training aggregate", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	/* outlives its context: the callback looks at it after the final function */
	AugurAggState *state = MemoryContextAllocZero(aggregate, sizeof(AugurAggState));
	const AugAlgorithm *known;

	state->context = context;
	if (PG_NARGS() > 3)
	{
		if (PG_ARGISNULL(3))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be null")));
		state->given = PG_GETARG_JSONB_P_COPY(3);
	}
	known = aug_algorithm_find(algorithm);
	if (known == NULL)
		elog(ERROR, "algorithm %s is not built in", algorithm);
	augur_options_read(&state->options, state->given, known, AUGUR_OPTIONS_TRAIN);
	MemoryContextSwitchTo(old);
	AggRegisterCallback(fcinfo, agg_ended, PointerGetDatum(state));
	return state;
}

/* "target", with underscores until no column of the record has that name. */
static char *
target_name(TupleDesc row_desc)
{
	char *name = pstrdup("target");

	for (int i = 0; i < row_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(row_desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
		{
			name = psprintf("%s_", name);
			i = -1;
		}
	}
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
						errmsg("record has no room for a target column")));
	return name;
}

/* The loader for rows of the target and the record's columns. */
static void
begin_loader(AugurAggState *state, Oid target_type, HeapTupleHeader row)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	TupleDesc row_desc;
	TupleDesc desc;

	state->row_type = HeapTupleHeaderGetTypeId(row);
	state->row_typmod = HeapTupleHeaderGetTypMod(row);
	row_desc = lookup_rowtype_tupdesc_copy(state->row_type, state->row_typmod);
	desc = CreateTemplateTupleDesc(row_desc->natts + 1);
	state->options.load.target = target_name(row_desc);
	TupleDescInitEntry(desc, 1, state->options.load.target, target_type, -1, 0);
	for (int i = 0; i < row_desc->natts; i++)
		TupleDescCopyEntry(desc, (AttrNumber) (i + 2), row_desc, (AttrNumber) (i + 1));
	augur_compat_finish_tupdesc(desc);

	state->row_desc = row_desc;
	state->values = palloc_array(Datum, desc->natts);
	state->nulls = palloc_array(bool, desc->natts);
	state->loader = augur_loader_begin(desc, &state->options.load, state->context);
	MemoryContextSwitchTo(old);
}

/* ---- transition ---------------------------------------------------------------- */

/* The options are those of the first row; others are a misuse. */
static void
check_options(const AugurAggState *state, FunctionCallInfo fcinfo)
{
	Jsonb *now;

	if (state->given == NULL)
		return;
	now = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	if (now == NULL || VARSIZE(now) != VARSIZE(state->given) ||
		memcmp(now, state->given, VARSIZE(now)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("options differ between the rows of one group"),
						errhint("Give the options as a constant.")));
}

/*
 * The parts of an aggregate are no functions to call.  The server refuses their internal
 * arguments; some minor releases let NULL through.
 */
pg_noreturn static void
not_alone(FunctionCallInfo fcinfo)
{
	ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("%s is a part of an aggregate and cannot be called by itself",
						   format_procedure(fcinfo->flinfo->fn_oid)),
					errhint("Use augur.random_forest_agg, augur.gradient_boosting_agg or "
							"augur.linear_agg.")));
}

/*
 * What all collecting functions do: (internal, anyelement, record [, jsonb]).  A row whose
 * record is NULL tells nothing and is counted as skipped.
 */
static Datum
collect(FunctionCallInfo fcinfo, const char *algorithm)
{
	MemoryContext aggregate;
	AugurAggState *state;
	HeapTupleHeader row;
	HeapTupleData tuple;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		not_alone(fcinfo);
	if (PG_ARGISNULL(0))
		state = begin_state(fcinfo, algorithm, aggregate);
	else
	{
		state = (AugurAggState *) PG_GETARG_POINTER(0);
		check_options(state, fcinfo);
	}
	if (PG_ARGISNULL(2))
	{
		state->null_rows++;
		PG_RETURN_POINTER(state);
	}
	row = PG_GETARG_HEAPTUPLEHEADER(2);
	if (state->loader == NULL)
		begin_loader(state, get_fn_expr_argtype(fcinfo->flinfo, 1), row);
	else if (HeapTupleHeaderGetTypeId(row) != state->row_type ||
			 HeapTupleHeaderGetTypMod(row) != state->row_typmod)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the records of one group have different types")));

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	state->nulls[0] = PG_ARGISNULL(1);
	state->values[0] = state->nulls[0] ? (Datum) 0 : PG_GETARG_DATUM(1);
	heap_deform_tuple(&tuple, state->row_desc, state->values + 1, state->nulls + 1);
	augur_loader_row(state->loader, state->values, state->nulls);
	PG_RETURN_POINTER(state);
}

/*
 * augur._random_forest_collect(internal, anyelement, record [, jsonb])
 */
Datum
augur_agg_collect(PG_FUNCTION_ARGS)
{
	return collect(fcinfo, "random_forest");
}

/*
 * augur._gradient_boosting_collect(internal, anyelement, record [, jsonb])
 */
Datum
augur_agg_collect_boosting(PG_FUNCTION_ARGS)
{
	return collect(fcinfo, "gradient_boosting");
}

/*
 * augur._linear_collect(internal, anyelement, record [, jsonb])
 */
Datum
augur_agg_collect_linear(PG_FUNCTION_ARGS)
{
	return collect(fcinfo, "linear_regression");
}

/* ---- final ------------------------------------------------------------------------ */

/*
 * Tells what was decided, once for groups that come to the same decisions: the last
 * text of this call site is kept in its fn_extra.  Counts are those of its first group.
 */
static void
tell(FunctionCallInfo fcinfo, const AugurLoadReport *report, const AugurAggState *state)
{
	int64 skipped = report->rows_skipped + state->null_rows;
	StringInfoData text;
	ListCell *cell;
	const char *last = fcinfo->flinfo->fn_extra;

	if (augur_verbosity < 1)
		return;
	initStringInfo(&text);
	foreach (cell, report->left_out)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "left out: ", (char *) lfirst(cell));
	foreach (cell, report->warnings)
		appendStringInfo(&text, "%s%s", text.len > 0 ? "; " : "", (char *) lfirst(cell));
	if (skipped > 0)
		appendStringInfo(&text, "%srows were skipped", text.len > 0 ? "; " : "");
	if (text.len == 0 || (last != NULL && strcmp(last, text.data) == 0))
		return;
	ereport(NOTICE, (errmsg("training %s as %s: %s", state->options.algorithm->name,
							report->task == AUG_CLASSIFICATION ? "classification" : "regression",
							text.data),
					 skipped > 0 ? errdetail("%lld of %lld rows had no record, target or weight.",
											 (long long) skipped,
											 (long long) (report->rows_read + state->null_rows))
								 : 0));
	fcinfo->flinfo->fn_extra = MemoryContextStrdup(fcinfo->flinfo->fn_mcxt, text.data);
}

/* The artifact as a value of augur.model, in CurrentMemoryContext. */
static struct varlena *
model_value(const AugurFitResult *result)
{
	struct varlena *value;

	if (result->length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("model of %zu bytes is too large for a value", result->length),
						errhint("Train fewer or smaller trees, or use augur.train, which stores "
								"models in parts.")));
	value = palloc(result->length + VARHDRSZ);
	SET_VARSIZE(value, result->length + VARHDRSZ);
	memcpy(VARDATA(value), result->artifact, result->length);
	return value;
}

/*
 * augur._random_forest_train(internal) and augur._gradient_boosting_train(internal), which
 * return augur.model; NULL for no rows at all.  The state is used up.
 */
Datum
augur_agg_train(PG_FUNCTION_ARGS)
{
	AugurAggState *state = PG_ARGISNULL(0) ? NULL : (AugurAggState *) PG_GETARG_POINTER(0);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	const AugurLoadReport *report;
	AugurFit *fit;
	AugurFitResult result;
	struct varlena *value;

	if (!AggCheckCallContext(fcinfo, NULL))
		not_alone(fcinfo);
	if (state == NULL || state->loader == NULL)
		PG_RETURN_NULL();

	context = AllocSetContextCreate(state->context, "augur training", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	report = augur_loader_finish(state->loader);
	tell(fcinfo, report, state);
	fit = augur_fit_begin(state->loader, state->options.algorithm, state->options.params,
						  state->options.load.memory, false, NULL, context);
	agg_ended(PointerGetDatum(state));
	augur_fit_run(fit, state->options.algorithm, state->options.params, state->options.load.seed,
				  &result);
	MemoryContextSwitchTo(caller);
	value = model_value(&result);
	augur_fit_end(fit);
	MemoryContextDelete(state->context);
	PG_RETURN_POINTER(value);
}
