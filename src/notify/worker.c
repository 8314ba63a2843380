/*-------------------------------------------------------------------------
 *
 * worker.c
 *		The background worker: a launcher for the cluster, and one short-lived worker
 *		for each database of augur.notify_databases.
 *
 * The launcher is connected to no database.  It starts the worker of a database when
 * something was committed there, when something falls due, and every
 * augur.notify_poll; the worker sends what is due and ends.  So nothing stays
 * connected: DROP DATABASE and DROP EXTENSION find nobody in their way, a database that
 * is made later is served, and one without the extension costs a look now and then.
 *
 * Shared memory (AugurNotifyShared) is under one spinlock, held for a few
 * instructions.  Slots are matched by name when the configuration is read again.
 * Launcher and worker start at the end of recovery: a standby sends nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"

/* Messages a worker sends before it makes room for another look. */
#define WORKER_LIMIT 1000
/* A worker that fails is started again after this, doubled up to the maximum. */
#define BACKOFF_MS		5000
#define BACKOFF_MOST_MS 300000

static AugurNotifyShared *shared = NULL;
static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

static void
request_shmem(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(AugurNotifyShared)));
}

static void
startup_shmem(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("augur notify", sizeof(AugurNotifyShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(AugurNotifyShared));
		SpinLockInit(&shared->mutex);
	}
	LWLockRelease(AddinShmemInitLock);
	*find_rendezvous_variable(AUGUR_NOTIFY_RENDEZVOUS) = shared;
}

/*
 * From _PG_init in the postmaster.
 */
void
notify_worker_register(void)
{
	BackgroundWorker worker = {0};

	previous_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;

	strlcpy(worker.bgw_name, "augur notify launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "augur notify launcher", BGW_MAXLEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "augur_notify", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "augur_notify_launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/* ---- launcher ------------------------------------------------------------- */

/* What the launcher alone knows of a slot. */
typedef struct Watch
{
	BackgroundWorkerHandle *handle; /* of the worker that runs, or NULL */
	bool gone;						/* not listed any more */
	long backoff_ms;
	TimestampTz not_before;
	AugurNotifyState told; /* logged last */
} Watch;

static Watch watches[AUGUR_NOTIFY_DATABASES];

static void
launcher_exit(int code, Datum arg)
{
	SpinLockAcquire(&shared->mutex);
	shared->launcher = 0;
	shared->latch = NULL;
	SpinLockRelease(&shared->mutex);
}

static int
poll_ms(void)
{
	int ms = 5000;
	const char *value = notify_setting("augur.notify_poll");

	if (*value)
		(void) parse_int(value, &ms, GUC_UNIT_MS, NULL);
	return Max(ms, 100);
}

/*
 * Sets the state of a slot; a reason that keeps it from working is logged once.
 */
static void
set_state(int i, AugurNotifyState state, Oid database)
{
	char name[NAMEDATALEN];

	SpinLockAcquire(&shared->mutex);
	shared->slots[i].state = state;
	shared->slots[i].database = database;
	strlcpy(name, shared->slots[i].name, NAMEDATALEN);
	SpinLockRelease(&shared->mutex);
	if (watches[i].told == state)
		return;
	watches[i].told = state;
	switch (state)
	{
		case AUGUR_NOTIFY_NO_DATABASE:
			ereport(LOG, (errmsg("augur sends no notifications of database \"%s\": there is none",
								 name)));
			break;
		case AUGUR_NOTIFY_NO_ROLE:
			ereport(LOG, (errmsg("augur sends no notifications of database \"%s\": "
								 "setting augur.notify_role names no role that can log in",
								 name)));
			break;
		case AUGUR_NOTIFY_BAD_ROLE:
			ereport(LOG, (errmsg("augur sends no notifications of database \"%s\": "
								 "the role of setting augur.notify_role is a superuser",
								 name),
						  errhint("Make a role with LOGIN, and give it preset notifier.")));
			break;
		default:
			break;
	}
}

/*
 * Brings the slots in line with augur.notify_databases.
 */
static void
read_databases(void)
{
	char *list = pstrdup(notify_setting("augur.notify_databases"));
	List *names = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(list, ',', &names))
	{
		ereport(LOG, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					  errmsg("invalid list of names in setting augur.notify_databases")));
		names = NIL;
	}
	for (int i = 0; i < AUGUR_NOTIFY_DATABASES; i++)
		watches[i].gone = true;
	foreach (cell, names)
	{
		const char *name = lfirst(cell);
		int at = -1;

		for (int i = AUGUR_NOTIFY_DATABASES - 1; i >= 0; i--)
			if (strcmp(shared->slots[i].name, name) == 0)
			{
				at = i;
				break;
			}
			else if (shared->slots[i].name[0] == '\0')
				at = i;
		if (at < 0)
		{
			ereport(LOG, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("setting augur.notify_databases has more than %d databases",
								 AUGUR_NOTIFY_DATABASES)));
			break;
		}
		SpinLockAcquire(&shared->mutex);
		strlcpy(shared->slots[at].name, name, NAMEDATALEN);
		SpinLockRelease(&shared->mutex);
		watches[at].gone = false;
		watches[at].not_before = 0;
		watches[at].backoff_ms = 0;
	}
	list_free(names);
	pfree(list);
}

/*
 * The number of a database, InvalidOid when there is none, and what there is to say
 * about a role.  By scans: without a database, indexes and caches of the catalog cannot
 * be used.
 */
static Oid
find_database(const char *database_name, const char *role_name, AugurNotifyState *role_state)
{
	Oid database = InvalidOid;
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;

	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datallowconn && strcmp(NameStr(form->datname), database_name) == 0)
			database = form->oid;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);

	*role_state = AUGUR_NOTIFY_NO_ROLE;
	rel = table_open(AuthIdRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);

		if (form->rolcanlogin && strcmp(NameStr(form->rolname), role_name) == 0)
			*role_state = form->rolsuper ? AUGUR_NOTIFY_BAD_ROLE : AUGUR_NOTIFY_STARTING;
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return database;
}

/*
 * Starts the worker of a slot, if its database and role are as they must be.
 */
static void
start_worker(int i, TimestampTz now)
{
	BackgroundWorker worker = {0};
	AugurNotifyState state;
	Oid database;
	MemoryContext context = CurrentMemoryContext;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	database = find_database(shared->slots[i].name, notify_setting("augur.notify_role"), &state);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	if (!OidIsValid(database))
		state = AUGUR_NOTIFY_NO_DATABASE;

	watches[i].not_before = TimestampTzPlusMilliseconds(now, poll_ms());
	if (state != AUGUR_NOTIFY_STARTING)
	{
		set_state(i, state, database);
		return;
	}
	if (database != shared->slots[i].database)
		set_state(i, AUGUR_NOTIFY_STARTING, database);
	SpinLockAcquire(&shared->mutex);
	shared->slots[i].wake = false;
	SpinLockRelease(&shared->mutex);

	snprintf(worker.bgw_name, BGW_MAXLEN, "augur notify %s", shared->slots[i].name);
	strlcpy(worker.bgw_type, "augur notify", BGW_MAXLEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "augur_notify", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "augur_notify_worker", BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(i);
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &watches[i].handle))
		watches[i].handle = NULL; /* no slot free: at the next poll */
}

/*
 * Takes note of a worker that has ended.  One that did not come to its end failed.
 */
static void
reap_worker(int i, TimestampTz now)
{
	pid_t pid;
	bool failed;

	if (watches[i].handle == NULL ||
		GetBackgroundWorkerPid(watches[i].handle, &pid) != BGWH_STOPPED)
		return;
	pfree(watches[i].handle);
	watches[i].handle = NULL;
	SpinLockAcquire(&shared->mutex);
	failed = shared->slots[i].pid != 0 || shared->slots[i].looked_at == 0 ||
			 shared->slots[i].state == AUGUR_NOTIFY_STARTING;
	shared->slots[i].pid = 0;
	SpinLockRelease(&shared->mutex);
	if (!failed)
	{
		watches[i].backoff_ms = 0;
		watches[i].told = AUGUR_NOTIFY_RUNNING;
		return;
	}
	watches[i].backoff_ms =
		Min(BACKOFF_MOST_MS, watches[i].backoff_ms ? watches[i].backoff_ms * 2 : BACKOFF_MS);
	watches[i].not_before = TimestampTzPlusMilliseconds(now, watches[i].backoff_ms);
	set_state(i, AUGUR_NOTIFY_FAILING, shared->slots[i].database);
}

/*
 * Frees the slot of a database that is not listed any more, once no worker is at it.
 */
static void
free_slot(int i)
{
	if (watches[i].handle != NULL || shared->slots[i].pid != 0 || shared->slots[i].name[0] == '\0')
		return;
	SpinLockAcquire(&shared->mutex);
	memset(&shared->slots[i], 0, sizeof(AugurNotifySlot));
	SpinLockRelease(&shared->mutex);
	watches[i].told = AUGUR_NOTIFY_STARTING;
}

/*
 * Looks at each database; returns milliseconds until the next look.
 */
static long
look_around(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long timeout = poll_ms();

	for (int i = 0; i < AUGUR_NOTIFY_DATABASES; i++)
	{
		AugurNotifySlot slot;
		TimestampTz due;
		long ms;

		reap_worker(i, now);
		if (watches[i].gone)
			free_slot(i);
		if (watches[i].gone || watches[i].handle != NULL)
			continue;
		SpinLockAcquire(&shared->mutex);
		slot = shared->slots[i];
		SpinLockRelease(&shared->mutex);
		/* one of a launcher before this one; by the server's list, as numbers are used again */
		if (slot.pid != 0 && BackendPidGetProc(slot.pid) != NULL)
			continue;
		if (slot.state == AUGUR_NOTIFY_FAILING || slot.state == AUGUR_NOTIFY_NO_DATABASE ||
			slot.state == AUGUR_NOTIFY_NO_ROLE || slot.state == AUGUR_NOTIFY_BAD_ROLE)
			due = watches[i].not_before;
		else if (slot.wake)
			due = now;
		else if (slot.next_at != 0 && slot.next_at < watches[i].not_before)
			due = slot.next_at;
		else
			due = watches[i].not_before;
		ms = TimestampDifferenceMilliseconds(now, due);
		/* also when the clock was set back */
		if (ms <= 0 || ms > BACKOFF_MOST_MS + poll_ms())
			start_worker(i, now);
		else
			timeout = Min(timeout, ms);
	}
	return timeout;
}

void
augur_notify_launcher(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();

	/* its settings become real ones */
	load_file("$libdir/augur", false);
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	memset(watches, 0, sizeof(watches));
	before_shmem_exit(launcher_exit, (Datum) 0);
	SpinLockAcquire(&shared->mutex);
	shared->launcher = MyProcPid;
	shared->latch = MyLatch;
	SpinLockRelease(&shared->mutex);
	read_databases();

	while (!ShutdownRequestPending)
	{
		long timeout;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			read_databases();
		}
		timeout = look_around();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(0);
}

/* ---- worker of a database ---------------------------------------------------- */

static void
worker_begin(void)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* whatever default_transaction_isolation says: deliverers wait for each other's rows */
	XactIsoLevel = XACT_READ_COMMITTED;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "augur notifications");
}

static void
worker_end(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Is the extension there, in a version that has notifications, and may this role use it?
 */
static bool
extension_ready(void)
{
	bool ready;

	worker_begin();
	if (SPI_execute("SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n "
					"ON n.oid OPERATOR(pg_catalog.=) p.pronamespace "
					"WHERE n.nspname OPERATOR(pg_catalog.=) 'augur' "
					"AND p.proname OPERATOR(pg_catalog.=) '_notification_claim' "
					"AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') "
					"AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the extension");
	ready = SPI_processed > 0;
	worker_end();
	return ready;
}

void
augur_notify_worker(Datum arg)
{
	static const AugurNotifyHost host = {worker_begin, worker_end};
	AugurNotifySlot *slot = &shared->slots[DatumGetInt32(arg)];
	char database[NAMEDATALEN];
	char *role;
	double wait = -1;
	volatile bool ready;
	TimestampTz now;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	SpinLockAcquire(&shared->mutex);
	slot->pid = MyProcPid;
	strlcpy(database, slot->name, NAMEDATALEN);
	SpinLockRelease(&shared->mutex);
	load_file("$libdir/augur", false);
	role = pstrdup(notify_setting("augur.notify_role"));
	BackgroundWorkerInitializeConnection(database, role, 0);

	ready = extension_ready();
	if (ready)
	{
		/* told now: a receiver may be slow */
		SpinLockAcquire(&shared->mutex);
		slot->state = AUGUR_NOTIFY_RUNNING;
		SpinLockRelease(&shared->mutex);
		PG_TRY();
		{
			(void) augur_notify_run(WORKER_LIMIT, &host, &wait);
		}
		PG_CATCH();
		{
			ErrorData *error;

			MemoryContextSwitchTo(TopMemoryContext);
			error = CopyErrorData();
			FlushErrorState();
			AbortCurrentTransaction();
			/* DROP EXTENSION pulls tables and functions away from under us, which is its right */
			ready = extension_ready();
			if (ready)
				ReThrowError(error);
		}
		PG_END_TRY();
	}

	now = GetCurrentTimestamp();
	SpinLockAcquire(&shared->mutex);
	slot->state = ready ? AUGUR_NOTIFY_RUNNING : AUGUR_NOTIFY_NO_EXTENSION;
	slot->looked_at = now;
	slot->next_at = wait < 0 ? 0 : TimestampTzPlusMilliseconds(now, (int64) (wait * 1000));
	slot->pid = 0;
	SpinLockRelease(&shared->mutex);
	proc_exit(0);
}
