/*-------------------------------------------------------------------------
 *
 * feature.c
 *		Definitions of feature sets: what a query may be, and where its refresh begins;
 *		recency, frequency and monetary value.
 *
 * A definition is kept as text in which every name is resolved, so that it means the
 * same whoever refreshes it under whatever search_path, and in which "*" is spelled
 * out.  It is looked at as the server would run it, with views opened: a volatile
 * function makes two refreshes differ, and could write.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_func.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "feature.h"

AUGUR_FUNCTION(augur_feature_define);
AUGUR_FUNCTION(augur_feature_equality);
AUGUR_FUNCTION(augur_feature_since);
AUGUR_FUNCTION(augur_feature_rfm_step);
AUGUR_FUNCTION(augur_feature_rfm_final);

char *augur_refresh_since = NULL;

/* What a walk over a rewritten query finds. */
typedef struct Findings
{
	char *volatile_name; /* of a function, or NULL */
	char *clock_name;
	Oid since; /* augur.refresh_since() */
	bool bounded;
} Findings;

/* ---- looking at a query ------------------------------------------------ */

/* Functions that tell the time of the statement. */
static bool
is_clock(Oid function)
{
	return function == F_NOW || function == F_TRANSACTION_TIMESTAMP ||
		   function == F_STATEMENT_TIMESTAMP || function == F_AGE_TIMESTAMP ||
		   function == F_AGE_TIMESTAMPTZ;
}

/* An aggregate is as volatile as the functions that it is made of; the catalog does not say so. */
static bool
is_volatile(Oid function)
{
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	bool found = func_volatile(function) == PROVOLATILE_VOLATILE;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_aggregate a = (Form_pg_aggregate) GETSTRUCT(tuple);
		Oid parts[] = {a->aggtransfn,	 a->aggfinalfn,	 a->aggcombinefn,	a->aggserialfn,
					   a->aggdeserialfn, a->aggmtransfn, a->aggminvtransfn, a->aggmfinalfn};

		for (int i = 0; i < (int) lengthof(parts); i++)
			found = found ||
					(OidIsValid(parts[i]) && func_volatile(parts[i]) == PROVOLATILE_VOLATILE);
		ReleaseSysCache(tuple);
	}
	return found;
}

static bool
note_function(Oid function, void *context)
{
	Findings *found = (Findings *) context;

	if (function == found->since)
		found->bounded = true;
	else if (is_clock(function) && found->clock_name == NULL)
		found->clock_name = psprintf("%s()", get_func_name(function));
	else if (found->volatile_name == NULL && is_volatile(function))
		found->volatile_name = psprintf("function %s", format_procedure(function));
	return false;
}

static bool note_node(Node *node, void *context);

/* Checks of a domain are run for every value that becomes one. */
static void
note_domain(Oid domain, void *context)
{
	/* it calls back when its context goes, so it must live there */
	DomainConstraintRef *ref = palloc0(sizeof(DomainConstraintRef));
	ListCell *lc;

	InitDomainConstraintRef(domain, ref, CurrentMemoryContext, false);
	foreach (lc, ref->constraints)
		(void) note_node((Node *) ((DomainConstraintState *) lfirst(lc))->check_expr, context);
}

static bool
note_node(Node *node, void *context)
{
	Findings *found = (Findings *) context;

	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, note_function, context);
	if (IsA(node, SQLValueFunction))
	{
		SQLValueFunctionOp op = castNode(SQLValueFunction, node)->op;

		if (op <= SVFOP_LOCALTIMESTAMP_N && found->clock_name == NULL)
			found->clock_name = pstrdup("the current date or time");
	}
	else if (IsA(node, CoerceToDomain))
		note_domain(castNode(CoerceToDomain, node)->resulttype, context);
	else if (IsA(node, NextValueExpr) && found->volatile_name == NULL)
		found->volatile_name = pstrdup("a sequence");
	else if (IsA(node, TableSampleClause) && found->volatile_name == NULL &&
			 castNode(TableSampleClause, node)->repeatable == NULL)
		found->volatile_name = pstrdup("TABLESAMPLE without REPEATABLE");
	else if (IsA(node, Query))
	{
		if (castNode(Query, node)->hasForUpdate)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
							errmsg("the definition of a feature set must not lock rows"),
							errhint("Leave FOR UPDATE and FOR SHARE out.")));
		return query_tree_walker((Query *) node, note_node, context, 0);
	}
	return expression_tree_walker(node, note_node, context);
}

/* The one SELECT that a text is, analysed. */
static Query *
analyse_select(const char *sql)
{
	List *statements = pg_parse_query(sql);
	RawStmt *statement = list_length(statements) == 1 ? linitial_node(RawStmt, statements) : NULL;
	Query *query = NULL;

	if (statement != NULL && IsA(statement->stmt, SelectStmt))
		query = parse_analyze_fixedparams(statement, sql, NULL, 0, NULL);
	if (query == NULL || query->commandType != CMD_SELECT || query->hasModifyingCTE)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the definition of a feature set must be a single SELECT that changes no "
						"data")));
	if (isQueryUsingTempRelation(query))
		ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION),
						errmsg("the definition of a feature set must not read temporary tables"),
						errhint("They are gone when it is refreshed the next time.")));
	return query;
}

/* Errors point into the definition, not into the statement that passed it. */
static void
point_into_definition(void *arg)
{
	int position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

static void
set_for_now(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/*
 * augur._define_query(query text, search_path text, OUT definition text,
 *		OUT is_volatile text, OUT reads_clock text, OUT bounded boolean)
 */
Datum
augur_feature_define(PG_FUNCTION_ARGS)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid no_args = InvalidOid;
	Findings found = {0};
	TupleDesc desc;
	Query *query;
	char *definition;
	Datum values[4];
	bool nulls[4] = {false};
	int level;
	ListCell *lc;
	ErrorContextCallback callback;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	level = NewGUCNestLevel();
	set_for_now("search_path", path);
	callback.callback = point_into_definition;
	callback.arg = sql;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	query = analyse_select(sql);
	error_context_stack = callback.previous;
	/* constants, too, must mean the same in whatever session */
	set_for_now("search_path", "pg_catalog");
	set_for_now("DateStyle", "ISO");
	set_for_now("IntervalStyle", "postgres");
	set_for_now("extra_float_digits", "1");
	definition = pg_get_querydef(copyObject(query), false);
	found.since = LookupFuncName(list_make2(makeString("augur"), makeString("refresh_since")), 0,
								 &no_args, true);
	AcquireRewriteLocks(query, true, false);
	foreach (lc, QueryRewrite(query))
		(void) note_node((Node *) lfirst(lc), &found);
	AtEOXact_GUC(true, level);

	values[0] = CStringGetTextDatum(definition);
	nulls[1] = found.volatile_name == NULL;
	values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(found.volatile_name);
	nulls[2] = found.clock_name == NULL;
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(found.clock_name);
	values[3] = BoolGetDatum(found.bounded);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * augur._equality(type regtype)
 *
 * What a unique index on the type takes for equal, whatever the search_path; "=" for
 * most, so that queries stay readable.  NULL when the type has no equality.
 */
Datum
augur_feature_equality(PG_FUNCTION_ARGS)
{
	TypeCacheEntry *type = lookup_type_cache(PG_GETARG_OID(0), TYPECACHE_EQ_OPR);
	HeapTuple tuple;
	Form_pg_operator op;
	char *text;

	if (!OidIsValid(type->eq_opr))
		PG_RETURN_NULL();
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(type->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", type->eq_opr);
	op = (Form_pg_operator) GETSTRUCT(tuple);
	if (op->oprnamespace == PG_CATALOG_NAMESPACE)
		text = pstrdup(NameStr(op->oprname));
	else
		text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(op->oprnamespace)),
						NameStr(op->oprname));
	ReleaseSysCache(tuple);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/*
 * augur.refresh_since()
 *
 * Stands in conditions on rows, so the text is read once for each setting of it.
 */
Datum
augur_feature_since(PG_FUNCTION_ARGS)
{
	static char last[MAXDATELEN + 1] = "";
	static pg_tz *last_zone = NULL;
	static TimestampTz since = DT_NOBEGIN;
	const char *now = augur_refresh_since ? augur_refresh_since : "";

	if (now[0] == '\0')
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (strcmp(now, last) != 0 || last_zone != session_timezone)
	{
		last[0] = '\0';
		since = DatumGetTimestampTz(DirectFunctionCall3(
			timestamptz_in, CStringGetDatum(now), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
		strlcpy(last, now, sizeof(last));
		if (strlen(now) >= sizeof(last))
			last[0] = '\0';
		last_zone = session_timezone;
	}
	PG_RETURN_TIMESTAMPTZ(since);
}

/* ---- recency, frequency, monetary value -------------------------------- */

typedef struct Rfm
{
	int64 as_of;
	int64 last; /* latest event at or before it */
	int64 frequency;
	Numeric monetary; /* NULL before the first amount */
} Rfm;

/*
 * augur._rfm_step(internal, event_time timestamptz|timestamp, amount numeric, as_of ...)
 */
Datum
augur_feature_rfm_step(PG_FUNCTION_ARGS)
{
	Rfm *state = PG_ARGISNULL(0) ? NULL : (Rfm *) PG_GETARG_POINTER(0);
	MemoryContext context;
	int64 at;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"as_of\" of augur.rfm must not be null")));
	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(Rfm));
		state->as_of = PG_GETARG_INT64(3);
	}
	else if (state->as_of != PG_GETARG_INT64(3))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"as_of\" of augur.rfm differs within a group"),
						errhint("Group by it.")));
	/* what has no time, or lies ahead, is not known */
	if (PG_ARGISNULL(1) || (at = PG_GETARG_INT64(1)) > state->as_of)
		PG_RETURN_POINTER(state);
	if (state->frequency++ == 0 || at > state->last)
		state->last = at;
	if (!PG_ARGISNULL(2))
	{
		Numeric before = state->monetary;
		Datum sum = PG_GETARG_DATUM(2);
		MemoryContext old;

		/* what adding leaves behind, as an amount without its short header, goes with the row */
		if (before != NULL)
			sum = DirectFunctionCall2(numeric_add, NumericGetDatum(before), sum);
		old = MemoryContextSwitchTo(context);
		state->monetary = DatumGetNumericCopy(sum);
		MemoryContextSwitchTo(old);
		if (before != NULL)
			pfree(before);
	}
	PG_RETURN_POINTER(state);
}

/*
 * augur._rfm_final(internal): (recency in days, frequency, monetary)
 */
Datum
augur_feature_rfm_final(PG_FUNCTION_ARGS)
{
	Rfm *state = PG_ARGISNULL(0) ? NULL : (Rfm *) PG_GETARG_POINTER(0);
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (state == NULL)
		PG_RETURN_NULL();
	nulls[0] = state->frequency == 0 || TIMESTAMP_NOT_FINITE(state->as_of) ||
			   TIMESTAMP_NOT_FINITE(state->last);
	values[0] = nulls[0] ? (Datum) 0
						 : Float8GetDatum(((double) state->as_of - (double) state->last) /
										  (double) USECS_PER_DAY);
	values[1] = Int64GetDatum(state->frequency);
	values[2] = state->monetary ? NumericGetDatum(state->monetary)
								: DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
