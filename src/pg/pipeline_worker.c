/*-------------------------------------------------------------------------
 *
 * pipeline_worker.c
 *		Background workers that work on runs of pipelines as the pipelines' owners.
 *
 * A worker is asked for in a transaction and started when it commits, so that it
 * finds what the transaction wrote; a rollback starts none.  It connects as the owner
 * of the run, reads nothing of what anybody else wrote, and executes one fixed
 * statement: CALL augur._work(run), or CALL augur._upkeep().  Nothing needs to be
 * preloaded.  Where no slot is free (max_worker_processes) nothing is started;
 * augur._not_launched() tells which, and augur.tick asks again.
 *
 * What is asked for is kept in this process until the transaction ends, at most
 * LAUNCH_MAX; more than that are left to augur.tick.
 *
 *-------------------------------------------------------------------------
 */
#include "pipeline.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "catalog/pg_type.h"

AUGUR_FUNCTION(augur_pipeline_launch);
AUGUR_FUNCTION(augur_pipeline_launch_upkeep);
AUGUR_FUNCTION(augur_pipeline_not_launched);

extern __attribute__((visibility("default"))) void augur_pipeline_worker_main(Datum arg);

#define LAUNCH_MAX 64

/* What a worker is told; fits into bgw_extra. */
typedef struct WorkerTask
{
	Oid database;
	Oid role;
	int64 run; /* 0: upkeep */
} WorkerTask;

StaticAssertDecl(sizeof(WorkerTask) <= BGW_EXTRALEN, "task must fit into bgw_extra");

typedef struct Wanted
{
	WorkerTask task;
	int workers;
	SubTransactionId subid;
} Wanted;

static Wanted wanted[LAUNCH_MAX];
static int n_wanted = 0;

/* of the last transaction that asked for any */
static int64 failed[LAUNCH_MAX];
static int n_failed = 0;

/*
 * Starts one worker; false when no slot is free.
 */
static bool
start_worker(const WorkerTask *task)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "augur", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "augur_pipeline_worker_main",
			sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_type, "augur pipeline", sizeof(worker.bgw_type));
	if (task->run)
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "augur pipeline run " INT64_FORMAT,
				 task->run);
	else
		strlcpy(worker.bgw_name, "augur upkeep", sizeof(worker.bgw_name));
	memcpy(worker.bgw_extra, task, sizeof(WorkerTask));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/*
 * After the commit: nothing here may fail.
 */
static void
launch_at_end(XactEvent event, void *arg)
{
	int n = n_wanted;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	n_wanted = 0;
	if (event != XACT_EVENT_COMMIT || n == 0)
		return;
	n_failed = 0;
	for (int i = 0; i < n; i++)
	{
		for (int w = 0; w < wanted[i].workers; w++)
		{
			if (!start_worker(&wanted[i].task))
			{
				if (w == 0)
					failed[n_failed++] = wanted[i].task.run;
				break;
			}
		}
	}
}

/*
 * What a rolled back part of the transaction has asked for is not wanted.
 */
static void
forget_at_subend(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int kept = 0;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	for (int i = 0; i < n_wanted; i++)
	{
		if (wanted[i].subid == mine)
		{
			if (event == SUBXACT_EVENT_ABORT_SUB)
				continue;
			wanted[i].subid = parent;
		}
		wanted[kept++] = wanted[i];
	}
	n_wanted = kept;
}

void
augur_pipeline_init(void)
{
	RegisterXactCallback(launch_at_end, NULL);
	RegisterSubXactCallback(forget_at_subend, NULL);
}

static bool
want(Oid role, int64 run, int workers)
{
	Wanted *new;

	if (n_wanted == LAUNCH_MAX || workers < 1)
		return false;
	new = &wanted[n_wanted++];
	new->task.database = MyDatabaseId;
	new->task.role = role;
	new->task.run = run;
	new->workers = workers;
	new->subid = GetCurrentSubTransactionId();
	return true;
}

/*
 * _launch(run, workers): workers for a run that the current user sees, as its owner,
 * once this transaction commits; false when there are LAUNCH_MAX already.  Harmless: they
 * do what is to be done, or find nothing.
 */
Datum
augur_pipeline_launch(PG_FUNCTION_ARGS)
{
	int64 run = PG_GETARG_INT64(0);
	int workers = Min(PG_GETARG_INT32(1), LAUNCH_MAX);
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(run)};
	bool wants = false;

	(void) SPI_connect();
	(void) SPI_execute_with_args("SELECT r.owner::oid FROM augur.pipeline_runs r WHERE r.id = $1"
								 " AND r.ended_at IS NULL",
								 1, types, values, NULL, false, 1);
	if (SPI_processed > 0)
	{
		bool isnull;

		wants = want(DatumGetObjectId(
						 SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)),
					 run, workers);
	}
	(void) SPI_finish();
	PG_RETURN_BOOL(wants);
}

/*
 * _launch_upkeep(role): a worker as that role, for what the current user operates.
 */
Datum
augur_pipeline_launch_upkeep(PG_FUNCTION_ARGS)
{
	Oid role = PG_GETARG_OID(0);
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(role)};
	bool isnull;
	bool may;

	(void) SPI_connect();
	(void) SPI_execute_with_args("SELECT augur._operates($1)", 1, types, values, NULL, true, 1);
	may = SPI_processed > 0 &&
		  DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	(void) SPI_finish();
	if (!may)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for the upkeep of another role")));
	(void) want(role, 0, 1);
	PG_RETURN_VOID();
}

/*
 * _not_launched(): the runs for which the last transaction found no free slot.
 */
Datum
augur_pipeline_not_launched(PG_FUNCTION_ARGS)
{
	Datum *values = palloc_array(Datum, Max(n_failed, 1));

	for (int i = 0; i < n_failed; i++)
		values[i] = Int64GetDatum(failed[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n_failed, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}

/*
 * Executes one CALL as a client would send it: its procedure commits, which needs a
 * portal and no transaction block.
 */
static void
call(const char *sql)
{
	/* the statement outlives the transactions that its procedure ends */
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "augur pipeline", ALLOCSET_DEFAULT_SIZES);
	RawStmt *parsed;
	List *plans;
	Portal portal;
	QueryCompletion completion;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, sql);
	MemoryContextSwitchTo(context);
	PushActiveSnapshot(GetTransactionSnapshot());
	parsed = linitial_node(RawStmt, pg_parse_query(sql));
	plans = pg_plan_queries(pg_analyze_and_rewrite_fixedparams(parsed, sql, NULL, 0, NULL), sql,
							CURSOR_OPT_PARALLEL_OK, NULL);
	PopActiveSnapshot();
	portal = CreatePortal("", true, true);
	portal->visible = false;
	PortalDefineQuery(portal, NULL, sql, CMDTAG_CALL, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	(void) augur_compat_portal_run(portal, None_Receiver, &completion);
	PortalDrop(portal, false);
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * The worker.  An error that reaches it ends it, and is in the server's log; what it
 * was doing is found by augur.tick.
 */
void
augur_pipeline_worker_main(Datum arg)
{
	WorkerTask task;
	char sql[64];

	memcpy(&task, MyBgworkerEntry->bgw_extra, sizeof(WorkerTask));
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(task.database, task.role, AUGUR_WORKER_FLAGS);
	pgstat_report_appname(MyBgworkerEntry->bgw_name);
	if (task.run)
		snprintf(sql, sizeof(sql), "CALL augur._work(" INT64_FORMAT ")", task.run);
	else
		strlcpy(sql, "CALL augur._upkeep()", sizeof(sql));
	call(sql);
}
