/*-------------------------------------------------------------------------
 *
 * pipeline_step.c
 *		Running one step of a pipeline: its SQL, its time limit, and the locks by
 *		which others see that the session is alive.
 *
 * A step is SQL of the pipeline's owner.  It runs with a search_path and settings
 * of its own, and every setting that it changes, SET ROLE included, is put back when
 * it ends, so that what is written afterwards is written as the owner, and the next
 * step starts like the first one.  Deferred constraints are checked before it
 * counts as done: at the commit it would be too late to call it failed.
 *
 * The time limit is a timer of our own: statement_timeout covers a whole CALL.  It
 * fires again and again until the step has ended, as a step can catch the error.
 *
 * Liveness: a session that works on a run, or on an attempt at a step, holds a lock
 * of the session on it.  A lock that can be had means that nobody is at it: the
 * session is gone, however it went.  They are not advisory locks, because a step
 * could give up those by pg_advisory_unlock_all(), and anybody could take them.
 *
 *-------------------------------------------------------------------------
 */
#include "pipeline.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_pipeline_execute);
AUGUR_FUNCTION(augur_pipeline_timed_out);
AUGUR_FUNCTION(augur_pipeline_hold);
AUGUR_FUNCTION(augur_pipeline_release);
AUGUR_FUNCTION(augur_pipeline_held);
AUGUR_FUNCTION(augur_pipeline_tick_lock);
AUGUR_FUNCTION(augur_pipeline_upkeep_lock);
AUGUR_FUNCTION(augur_pipeline_written_here);
AUGUR_FUNCTION(augur_pipeline_check_sql);
AUGUR_FUNCTION(augur_pipeline_may_commit);
AUGUR_FUNCTION(augur_pipeline_own_session);
AUGUR_FUNCTION(augur_pipeline_nearest);

/* A timer that fired is heard again after so long, if the step goes on. */
#define TIMER_AGAIN_MS 1000

/* A larger first row is not kept. */
#define RESULT_MAX (1024 * 1024)

static bool timer_registered = false;
static TimeoutId timer;
/* set by the timer, read when the step has ended */
static volatile sig_atomic_t timer_fired = false;

/*
 * Keeps the first row as jsonb, drops the others.
 */
typedef struct FirstRow
{
	DestReceiver pub; /* must be first */
	MemoryContext context;
	TupleDesc desc;
	bool seen;
	Jsonb *row; /* NULL when there is none, or it is too large */
} FirstRow;

/*
 * From the signal handler of the timer: as a cancel by the user would do.
 */
static void
step_timeout(void)
{
	timer_fired = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/*
 * Of several statements the last one counts.
 */
static void
first_row_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	FirstRow *receiver = (FirstRow *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);

	/* an anonymous row type must be known before its values can be looked at */
	receiver->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	receiver->seen = false;
	receiver->row = NULL;
	MemoryContextSwitchTo(old);
}

static bool
first_row_receive(TupleTableSlot *slot, DestReceiver *self)
{
	FirstRow *receiver = (FirstRow *) self;
	MemoryContext old;
	char *json;

	if (receiver->seen)
		return true;
	receiver->seen = true;
	old = MemoryContextSwitchTo(receiver->context);
	json = TextDatumGetCString(DirectFunctionCall1(
		row_to_json, heap_copy_tuple_as_datum(ExecCopySlotHeapTuple(slot), receiver->desc)));
	if (strlen(json) <= RESULT_MAX)
		receiver->row = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	MemoryContextSwitchTo(old);
	return true;
}

static void
first_row_shutdown(DestReceiver *self)
{
}

static void
first_row_destroy(DestReceiver *self)
{
}

static DestReceiver *
first_row_create(MemoryContext context)
{
	FirstRow *receiver = palloc0(sizeof(FirstRow));

	receiver->pub.receiveSlot = first_row_receive;
	receiver->pub.rStartup = first_row_startup;
	receiver->pub.rShutdown = first_row_shutdown;
	receiver->pub.rDestroy = first_row_destroy;
	receiver->pub.mydest = DestNone;
	receiver->context = context;
	return (DestReceiver *) receiver;
}

static void
set_for_step(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/*
 * Runs the statements of a step, $1 being args.  Raises what they raise.
 */
static uint64
execute(const char *sql, const Datum *args, DestReceiver *dest)
{
	SPIExecuteOptions options = {0};
	uint64 rows;
	int code;

	options.dest = dest;
	if (args)
	{
		ParamListInfo params = makeParamList(1);

		params->params[0].value = *args;
		params->params[0].isnull = false;
		params->params[0].pflags = PARAM_FLAG_CONST;
		params->params[0].ptype = JSONBOID;
		options.params = params;
	}
	(void) SPI_connect();
	code = SPI_execute_extended(sql, &options);
	/* not all it refuses is an error to it: what cannot be done was not done */
	if (code < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a statement cannot be part of a step: %s", SPI_result_code_string(code))));
	rows = SPI_processed;
	/* a deferred constraint that does not hold is the step's error, not the commit's */
	(void) SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0);
	(void) SPI_finish();
	return rows;
}

/*
 * _execute(sql, search_path, run, args, deadline, OUT rows, OUT first): runs SQL of
 * the owner as the current user.
 */
Datum
augur_pipeline_execute(PG_FUNCTION_ARGS)
{
	char *sql;
	char *path;
	char *run;
	Datum args = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	bool limited = !PG_ARGISNULL(4);
	FirstRow *first = (FirstRow *) first_row_create(CurrentMemoryContext);
	TupleDesc desc;
	Datum values[2];
	bool nulls[2] = {false, false};
	int level;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("arguments must not be null")));
	sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	run = text_to_cstring(PG_GETARG_TEXT_PP(2));
	level = NewGUCNestLevel();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	set_for_step("search_path", path);
	set_for_step("augur.run", run);
	if (!timer_registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, step_timeout);
		timer_registered = true;
	}
	timer_fired = false;
	if (limited)
		enable_timeout_every(timer, PG_GETARG_TIMESTAMPTZ(4), TIMER_AGAIN_MS);
	PG_TRY();
	{
		values[0] =
			Int64GetDatum(execute(sql, PG_ARGISNULL(3) ? NULL : &args, (DestReceiver *) first));
		/* the last moment counts as too late, so that no cancel is left for others */
		if (limited)
			disable_timeout(timer, false);
		if (timer_fired)
			QueryCancelPending = InterruptPending = true;
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		if (limited)
			disable_timeout(timer, false);
		if (timer_fired)
			QueryCancelPending = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	/* what the step has set is rolled back, whether it said LOCAL or not */
	AtEOXact_GUC(false, level);
	nulls[1] = first->row == NULL;
	values[1] = JsonbPGetDatum(first->row);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * _timed_out(): whether the last step of this session was over its time limit.
 */
Datum
augur_pipeline_timed_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(timer_fired);
}

/*
 * The lock that stands for a row of a table of ours.  48 bits of the number fit.
 */
static void
set_row_tag(LOCKTAG *tag, const char *table, int64 id)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId,
					   get_relname_relid(table, get_namespace_oid("augur", false)),
					   (Oid) (uint32) (id & 0xFFFFFFFF), (uint16) ((id >> 32) & 0xFFFF));
}

static void
set_lock_tag(LOCKTAG *tag, bool of_step, int64 id)
{
	set_row_tag(tag, of_step ? "step_runs" : "pipeline_runs", id);
}

/*
 * Whether the run, or the run of the attempt, is one of the current user: nobody
 * else works on it, and nobody else is to look as if.
 */
static bool
is_own(bool of_step, int64 id)
{
	Oid types[2] = {INT8OID, OIDOID};
	Datum values[2] = {Int64GetDatum(id), ObjectIdGetDatum(GetUserId())};
	bool own;

	(void) SPI_connect();
	(void) SPI_execute_with_args(
		of_step ? "SELECT FROM augur.step_runs s JOIN augur.pipeline_runs r ON r.id = s.run_id"
				  " WHERE s.id = $1 AND r.owner = $2"
				: "SELECT FROM augur.pipeline_runs r WHERE r.id = $1 AND r.owner = $2",
		2, types, values, NULL, true, 1);
	own = SPI_processed > 0;
	(void) SPI_finish();
	return own;
}

/*
 * _hold(of_step, id): says that this session works on it, until it says that it does
 * not, or ends.
 */
Datum
augur_pipeline_hold(PG_FUNCTION_ARGS)
{
	bool of_step = PG_GETARG_BOOL(0);
	int64 id = PG_GETARG_INT64(1);
	LOCKTAG tag;

	if (!is_own(of_step, id))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be the owner of the pipeline to work on its runs")));
	set_lock_tag(&tag, of_step, id);
	/* several sessions work on a run; one on an attempt, as the rows tell */
	(void) LockAcquire(&tag, ShareLock, true, false);
	PG_RETURN_VOID();
}

/*
 * _release(of_step, id)
 */
Datum
augur_pipeline_release(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;

	set_lock_tag(&tag, PG_GETARG_BOOL(0), PG_GETARG_INT64(1));
	if (augur_compat_lock_held(&tag, ShareLock))
		(void) LockRelease(&tag, ShareLock, true);
	PG_RETURN_VOID();
}

/*
 * _held(of_step, id): whether a session, this one included, works on it.
 */
Datum
augur_pipeline_held(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;

	set_lock_tag(&tag, PG_GETARG_BOOL(0), PG_GETARG_INT64(1));
	if (augur_compat_lock_held(&tag, ShareLock))
		PG_RETURN_BOOL(true);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		PG_RETURN_BOOL(true);
	(void) LockRelease(&tag, ExclusiveLock, false);
	PG_RETURN_BOOL(false);
}

/*
 * Whether the role of the session may call augur.tick.
 */
static bool
may_tick(void)
{
	bool isnull;
	bool may;

	(void) SPI_connect();
	(void) SPI_execute("SELECT augur._may_tick()", true, 1);
	may = SPI_processed > 0 &&
		  DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	(void) SPI_finish();
	return may;
}

/*
 * _tick_lock(take): for the one session that is in augur.tick.  The lock outlives the
 * transactions of a tick, but not an error: then it would stay with a session that does
 * something else.
 */
Datum
augur_pipeline_tick_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;
	bool held;

	set_row_tag(&tag, "tick_state", 0);
	held = augur_compat_lock_held(&tag, ExclusiveLock);
	if (!PG_GETARG_BOOL(0))
		PG_RETURN_BOOL(held && LockRelease(&tag, ExclusiveLock, true));
	if (!may_tick())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to start what is due")));
	PG_RETURN_BOOL(held || LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL);
}

/*
 * _upkeep_lock(): for the one session that does the upkeep of the current user, until its
 * transaction ends.
 */
Datum
augur_pipeline_upkeep_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag;

	set_row_tag(&tag, "monitors", GetUserId());
	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL);
}

/*
 * _written_here(xmin): whether the row is of this transaction, or a part of it.
 */
Datum
augur_pipeline_written_here(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(TransactionIdIsCurrentTransactionId(PG_GETARG_TRANSACTIONID(0)));
}

/*
 * What a statement cannot do in a step, NULL when it can run there.
 */
static const char *
problem_of_statement(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_TransactionStmt:
			return "A step is one transaction, which ends with it.";
		case T_VacuumStmt:
			if (((const VacuumStmt *) stmt)->is_vacuumcmd)
				return "VACUUM does not run inside a transaction, and a step is one.";
			return NULL;
		case T_IndexStmt:
			if (((const IndexStmt *) stmt)->concurrent)
				return "CREATE INDEX CONCURRENTLY does not run inside a transaction, and a step "
					   "is one.";
			return NULL;
		case T_CopyStmt:
			if (((const CopyStmt *) stmt)->filename == NULL)
				return "There is no client that COPY could talk to.";
			return NULL;
		default:
			return NULL;
	}
}

/*
 * A position in the text that is checked is none in the statement that asks.
 */
static void
position_is_internal(void *arg)
{
	int position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(arg);
	}
}

/*
 * _check_sql(sql): raises the syntax error that running it would raise; returns how
 * many statements there are.
 */
Datum
augur_pipeline_check_sql(PG_FUNCTION_ARGS)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ErrorContextCallback callback = {0};
	List *statements;
	ListCell *cell;

	callback.previous = error_context_stack;
	callback.callback = position_is_internal;
	callback.arg = sql;
	error_context_stack = &callback;
	statements = raw_parser(sql, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	foreach (cell, statements)
	{
		const char *problem = problem_of_statement(lfirst_node(RawStmt, cell)->stmt);

		if (problem)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("this statement cannot be part of a step"),
							errdetail_internal("%s", problem)));
	}
	PG_RETURN_INT32(list_length(statements));
}

/*
 * _may_commit(): whether the procedure that asks can end the transaction.
 */
Datum
augur_pipeline_may_commit(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(SPI_inside_nonatomic_context());
}

/*
 * _own_session(): whether the current user is who logged in.  Elsewhere a step could
 * return by RESET ROLE or RESET SESSION AUTHORIZATION to rights that are not its owner's.
 */
Datum
augur_pipeline_own_session(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(GetUserId() == GetSessionUserId() && GetUserId() == GetAuthenticatedUserId());
}

/*
 * _nearest(word, words): the one that may have been meant, NULL when none is near.
 */
Datum
augur_pipeline_nearest(PG_FUNCTION_ARGS)
{
	char *word = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum *elements;
	bool *nulls;
	int n;
	uint32 n_names = 0;
	const char **names;
	const char *nearest;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &n);
	names = palloc_array(const char *, Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			names[n_names++] = TextDatumGetCString(elements[i]);
	}
	nearest = aug_nearest(word, names, n_names);
	if (nearest == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(nearest));
}
