/*-------------------------------------------------------------------------
 *
 * query.c
 *		From the arguments of a training to rows in a loader.
 *
 * A relation becomes a SELECT of the columns that are needed, and of others that tell
 * rows apart if the caller may read them, so that column privileges suffice; a query
 * is executed as it is.  Both run through SPI as the caller: privileges and row
 * security apply, parallel plans are allowed.  "filter" is SQL and is executed as
 * such, with the caller's rights; the statement must still be a single SELECT that
 * changes nothing.
 *
 * Rows go to the loader through a DestReceiver of our own: no tuple table is
 * filled.  Interrupts are the executor's own business.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"

/* Rows between two updates of the progress. */
#define PROGRESS_ROWS 4096

typedef struct LoadReceiver
{
	DestReceiver pub; /* must be first */
	const AugurLoadOptions *options;
	AugurLoader *loader;
	AugurProgress *progress;
	MemoryContext context;
	uint64 rows;
} LoadReceiver;

static void
load_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	LoadReceiver *receiver = (LoadReceiver *) self;

	receiver->loader = augur_loader_begin(desc, receiver->options, receiver->context);
}

static bool
load_row(TupleTableSlot *slot, DestReceiver *self)
{
	LoadReceiver *receiver = (LoadReceiver *) self;

	augur_loader_slot(receiver->loader, slot);
	if (++receiver->rows % PROGRESS_ROWS == 0)
		augur_progress_done(receiver->progress, receiver->rows);
	return true;
}

static void
load_nothing(DestReceiver *self)
{
}

/* ---- columns ---------------------------------------------------------- */

/* Names of the columns that are there. */
static List *
column_names(TupleDesc desc)
{
	List *names = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			names = lappend(names, NameStr(att->attname));
	}
	return names;
}

static bool
has_name(List *names, const char *name)
{
	ListCell *lc;

	foreach (lc, names)
	{
		if (strcmp((char *) lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/* One named column must exist; names is what there is, source says where. */
static void
check_column(List *names, const char *name, const char *argument, const char *source)
{
	const char **known;
	uint32 n = 0;
	char *hint;
	ListCell *lc;

	if (name == NULL || has_name(names, name))
		return;
	known = palloc(mul_size(Max(list_length(names), 1), sizeof(char *)));
	foreach (lc, names)
		known[n++] = (const char *) lfirst(lc);
	hint = augur_nearest_hint(name, known, n);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\", named in \"%s\", does not exist in %s", name, argument, source),
			 hint ? errhint("%s", hint) : 0));
}

/* The lists of columns do not contradict themselves or each other. */
static void
check_lists(const AugurTrainArgs *args)
{
	ListCell *lc;
	List *seen = NIL;

	foreach (lc, args->features)
	{
		const char *name = (const char *) lfirst(lc);

		if (has_name(seen, name))
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column \"%s\" is named twice in \"features\"", name)));
		if (has_name(args->exclude, name))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" is in \"features\" and in \"exclude\"", name)));
		seen = lappend(seen, (void *) name);
	}
	list_free(seen);
}

/*
 * A column has one role.  Only the time column may be a feature too, since the
 * parts of a date can tell something.
 */
static void
check_roles(const AugurTrainArgs *args)
{
	const char *const roles[] = {args->target, args->key, args->weight, args->time_column};
	static const char *const arguments[] = {"target", "key", "weight", "time_column"};

	for (int i = 0; i < lengthof(roles); i++)
	{
		if (roles[i] == NULL)
			continue;
		if (roles[i] != args->time_column && has_name(args->features, roles[i]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" is named in \"features\" and as \"%s\"", roles[i],
								   arguments[i])));
		for (int j = 0; j < i; j++)
		{
			if (roles[j] != NULL && strcmp(roles[i], roles[j]) == 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("column \"%s\" is named as \"%s\" and as \"%s\"", roles[i],
									   arguments[j], arguments[i])));
		}
	}
}

/* Every column that the arguments name is among names. */
static void
check_columns(const AugurTrainArgs *args, List *names, const char *source)
{
	ListCell *lc;

	check_column(names, args->target, "target", source);
	check_column(names, args->key, "key", source);
	check_column(names, args->time_column, "time_column", source);
	check_column(names, args->weight, "weight", source);
	foreach (lc, args->features)
		check_column(names, (const char *) lfirst(lc), "features", source);
	foreach (lc, args->exclude)
		check_column(names, (const char *) lfirst(lc), "exclude", source);
	check_lists(args);
	check_roles(args);
}

/* ---- the statement ---------------------------------------------------- */

static bool
is_role(const AugurTrainArgs *args, const char *name)
{
	return strcmp(name, args->target) == 0 || (args->key && strcmp(name, args->key) == 0) ||
		   (args->weight && strcmp(name, args->weight) == 0) ||
		   (args->time_column && strcmp(name, args->time_column) == 0);
}

/* May the caller read that column, and can its type be hashed? */
static bool
tells_rows_apart(Oid relation, Form_pg_attribute att)
{
	AugurSource source;

	return (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
			pg_attribute_aclcheck(relation, att->attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK) &&
		   augur_source_init(&source, att->atttypid, CurrentMemoryContext);
}

/*
 * SELECT of the needed columns of a relation, in the relation's order.  A holdout by
 * content needs all columns, but asks for no privilege of its own.
 */
static char *
relation_query(const AugurTrainArgs *args, Relation rel, const char *qualified)
{
	TupleDesc desc = RelationGetDescr(rel);
	bool by_content = args->holdout > 0 && args->key == NULL && args->time_column == NULL;
	StringInfoData sql;
	const char *separator = "SELECT ";

	initStringInfo(&sql);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name = NameStr(att->attname);
		bool wanted = args->features != NIL ? has_name(args->features, name)
											: !has_name(args->exclude, name);

		if (att->attisdropped)
			continue;
		if (wanted || is_role(args, name) ||
			(by_content && tells_rows_apart(RelationGetRelid(rel), att)))
		{
			appendStringInfo(&sql, "%s%s", separator, quote_identifier(name));
			separator = ", ";
		}
	}
	appendStringInfo(&sql, " FROM %s", qualified);
	if (args->filter != NULL)
		appendStringInfo(&sql, " WHERE (%s\n)", args->filter);
	return sql.data;
}

/* Checks a relation and its columns and writes its SELECT. */
static void
relation_source(const AugurTrainArgs *args, AugurSourceText *source)
{
	Relation rel = try_relation_open(args->relation, AccessShareLock);
	List *names;
	char kind;

	if (rel == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", args->relation)));
	kind = rel->rd_rel->relkind;
	if (kind != RELKIND_RELATION && kind != RELKIND_VIEW && kind != RELKIND_MATVIEW &&
		kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot train on relation \"%s\"", RelationGetRelationName(rel)),
				 errdetail("It is not a table, view, materialized view, partitioned table or "
						   "foreign table.")));

	source->relation = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												  RelationGetRelationName(rel));
	names = column_names(RelationGetDescr(rel));
	check_columns(args, names, psprintf("relation %s", source->relation));
	source->query = relation_query(args, rel, source->relation);
	/* the lock stays until the transaction ends, so that the columns do too */
	relation_close(rel, NoLock);
}

/* The caller's query, or a filter around it. */
static void
query_source(const AugurTrainArgs *args, AugurSourceText *source)
{
	char *query = pstrdup(args->query);
	size_t length = strlen(query);

	source->relation = NULL;
	source->query = query;
	if (args->filter == NULL)
		return;
	while (length > 0 && strchr("; \t\r\n", query[length - 1]) != NULL)
		query[--length] = '\0';
	source->query = psprintf("SELECT * FROM (%s\n) AS source WHERE (%s\n)", query, args->filter);
}

/*
 * Prepares the statement and makes sure that it is a single SELECT without side
 * effects of its own; returns its plan, which belongs to the open SPI connection.
 */
static SPIPlanPtr
prepare_select(const AugurTrainArgs *args, const char *sql, TupleDesc *desc)
{
	SPIPrepareOptions options = {.parseMode = RAW_PARSE_DEFAULT,
								 .cursorOptions = CURSOR_OPT_PARALLEL_OK};
	SPIPlanPtr plan = SPI_prepare_extended(sql, &options);
	List *sources;
	CachedPlanSource *only;
	Query *query;

	if (plan == NULL)
		elog(ERROR, "could not prepare the training query: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	only = list_length(sources) == 1 ? (CachedPlanSource *) linitial(sources) : NULL;
	query = only && list_length(only->query_list) == 1 ? linitial_node(Query, only->query_list)
													   : NULL;
	if (query == NULL || query->commandType != CMD_SELECT || query->hasModifyingCTE ||
		only->resultDesc == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("%s must be a single SELECT that changes no data",
							   args->query ? "argument \"query\" of augur.train_query"
										   : "the statement made of relation and \"filter\""),
						errdetail("The statement is: %s", sql)));
	*desc = only->resultDesc;
	return plan;
}

/* ---- loading ---------------------------------------------------------- */

/* The names of a list as an array, or NULL for an empty one. */
static const char **
name_array(List *names, MemoryContext context)
{
	const char **array;
	int n = 0;
	ListCell *lc;

	if (names == NIL)
		return NULL;
	array = MemoryContextAlloc(context, mul_size(list_length(names), sizeof(char *)));
	foreach (lc, names)
		array[n++] = (const char *) lfirst(lc);
	return array;
}

/* Of the names those that are columns of desc. */
static List *
names_in(TupleDesc desc, List *names)
{
	List *columns = column_names(desc);
	List *found = NIL;
	ListCell *lc;

	foreach (lc, names)
	{
		if (has_name(columns, (const char *) lfirst(lc)))
			found = lappend(found, lfirst(lc));
	}
	list_free(columns);
	return found;
}

/* The loader's options, in context, since it keeps them. */
static AugurLoadOptions *
load_options(const AugurTrainArgs *args, TupleDesc desc, MemoryContext context)
{
	AugurLoadOptions *options = MemoryContextAllocZero(context, sizeof(AugurLoadOptions));
	/* excluded columns of a relation are not all selected */
	List *exclude = names_in(desc, args->exclude);

	options->target = args->target;
	options->infer_task = !args->task_given;
	options->task = args->task;
	options->weight = args->weight;
	options->key = args->key;
	options->time_column = args->time_column;
	options->features = name_array(args->features, context);
	options->n_features = list_length(args->features);
	options->exclude = name_array(exclude, context);
	options->n_exclude = list_length(exclude);
	options->date_parts = args->date_parts;
	options->holdout = args->holdout;
	options->seed = (uint64) args->seed;
	options->max_bins = args->max_bins;
	options->memory = augur_training_memory_bytes();
	options->keep_holdout = args->keep_holdout;
	options->profiles = args->algorithm != NULL;
	options->raw = args->algorithm != NULL && args->algorithm->raw;
	return options;
}

AugurLoader *
augur_query_load(const AugurTrainArgs *args, AugurProgress *progress, AugurSourceText *source,
				 MemoryContext context)
{
	LoadReceiver receiver = {.pub = {.receiveSlot = load_row,
									 .rStartup = load_startup,
									 .rShutdown = load_nothing,
									 .rDestroy = load_nothing,
									 .mydest = DestTuplestore}};
	SPIExecuteOptions execute = {.read_only = false};
	SPIPlanPtr plan;
	TupleDesc desc;
	int code;

	if (args->query != NULL)
		query_source(args, source);
	else
		relation_source(args, source);
	receiver.progress = progress;
	receiver.context = context;

	SPI_connect();
	plan = prepare_select(args, source->query, &desc);
	if (args->query != NULL)
		check_columns(args, column_names(desc), "the result of the query");
	receiver.options = load_options(args, desc, context);
	execute.dest = &receiver.pub;
	code = SPI_execute_plan_extended(plan, &execute);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not execute the training query: %s", SPI_result_code_string(code));
	SPI_finish();
	augur_progress_done(progress, receiver.rows);
	return receiver.loader;
}
