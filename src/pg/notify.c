/*-------------------------------------------------------------------------
 *
 * notify.c
 *		The door to notifications: waking the worker, and sending from a session.
 *
 * Nothing here knows HTTP.  augur_notify is loaded when somebody sends; without it
 * everything else works, and messages wait in their table.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "notify.h"

AUGUR_FUNCTION(augur_notify_wake);
AUGUR_FUNCTION(augur_notify_worker_state);
AUGUR_FUNCTION(augur_notify_deliver);

static bool wake_pending = false;
static bool wake_registered = false;

/*
 * What the preloaded worker library keeps in shared memory; NULL when it is not
 * preloaded.
 */
static AugurNotifyShared *
notify_shared(void)
{
	return (AugurNotifyShared *) *find_rendezvous_variable(AUGUR_NOTIFY_RENDEZVOUS);
}

/*
 * At commit: tells the launcher that this database has something to send.  A wake
 * that is lost (a prepared transaction, a crash) only delays until the next poll.
 */
static void
wake_at_commit(XactEvent event, void *arg)
{
	AugurNotifyShared *shared;
	Latch *latch = NULL;

	if (!wake_pending)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			wake_pending = false;
			return;
		default:
			return;
	}
	wake_pending = false;
	shared = notify_shared();
	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->mutex);
	for (int i = 0; i < AUGUR_NOTIFY_DATABASES; i++)
		if (OidIsValid(shared->slots[i].database) && shared->slots[i].database == MyDatabaseId)
		{
			shared->slots[i].wake = true;
			latch = shared->latch;
		}
	SpinLockRelease(&shared->mutex);
	if (latch != NULL)
		SetLatch(latch);
}

/*
 * augur._notify_wake(): asks for a wake when the transaction commits.
 */
Datum
augur_notify_wake(PG_FUNCTION_ARGS)
{
	if (notify_shared() != NULL)
	{
		if (!wake_registered)
			RegisterXactCallback(wake_at_commit, NULL);
		wake_registered = true;
		wake_pending = true;
	}
	PG_RETURN_VOID();
}

/*
 * What people are told of a state.
 */
static const char *
state_text(AugurNotifyState state)
{
	switch (state)
	{
		case AUGUR_NOTIFY_STARTING:
			return "starting";
		case AUGUR_NOTIFY_RUNNING:
			return "running";
		case AUGUR_NOTIFY_NO_DATABASE:
			return "no such database";
		case AUGUR_NOTIFY_NO_ROLE:
			return "augur.notify_role names no role that can log in";
		case AUGUR_NOTIFY_BAD_ROLE:
			return "augur.notify_role is a superuser";
		case AUGUR_NOTIFY_NO_EXTENSION:
			return "extension or its rights missing";
		case AUGUR_NOTIFY_FAILING:
			return "failing, see the server log";
	}
	return "unknown";
}

/*
 * augur._notify_worker(): state, process and last look of this database's worker.
 */
Datum
augur_notify_worker_state(PG_FUNCTION_ARGS)
{
	AugurNotifyShared *shared = notify_shared();
	AugurNotifySlot slot = {0};
	pid_t launcher = 0;
	bool listed = false;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false, true, true};
	const char *text;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (shared != NULL)
	{
		SpinLockAcquire(&shared->mutex);
		launcher = shared->launcher;
		for (int i = 0; i < AUGUR_NOTIFY_DATABASES; i++)
			if (OidIsValid(shared->slots[i].database) && shared->slots[i].database == MyDatabaseId)
			{
				slot = shared->slots[i];
				listed = true;
			}
		SpinLockRelease(&shared->mutex);
	}
	if (shared == NULL)
		text = "not loaded";
	else if (launcher == 0)
		text = RecoveryInProgress() ? "waiting for the end of recovery" : "not running";
	else if (!listed)
		text = "not listed";
	else
		text = state_text(slot.state);
	values[0] = CStringGetTextDatum(text);
	if (launcher != 0)
	{
		values[1] = Int32GetDatum((int32) launcher);
		nulls[1] = false;
	}
	if (slot.looked_at != 0)
	{
		values[2] = TimestampTzGetDatum(slot.looked_at);
		nulls[2] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * The function of augur_notify that sends; an error that says what to do when this
 * installation has none.
 */
static AugurNotifyRun
notify_run(void)
{
	MemoryContext context = CurrentMemoryContext;
	void *volatile run = NULL;

	PG_TRY();
	{
		run = load_external_function(AUGUR_NOTIFY_LIBRARY, "augur_notify_run", true, NULL);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this installation of augur cannot send notifications"),
				 errdetail("%s", error->message),
				 errhint("Install library augur_notify: build augur where libcurl's headers are "
						 "(libcurl4-openssl-dev on Debian).")));
	}
	PG_END_TRY();
	return (AugurNotifyRun) run;
}

/*
 * No snapshot is taken yet: the session's default_transaction_isolation does not hold
 * here, where deliverers wait for each other's rows.
 */
static void
session_begin(void)
{
	XactIsoLevel = XACT_READ_COMMITTED;
}

static void
session_end(void)
{
	SPI_commit();
}

/*
 * CALL augur.deliver_notifications(limit)
 */
Datum
augur_notify_deliver(PG_FUNCTION_ARGS)
{
	static const AugurNotifyHost host = {session_begin, session_end};
	bool atomic = fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
				  ((CallContext *) fcinfo->context)->atomic;
	int limit;
	double wait;
	AugurNotifyRun run;

	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("limit must be a positive number of messages")));
	limit = PG_GETARG_INT32(0);
	if (atomic)
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("notifications cannot be delivered inside a transaction block"),
						errdetail("Results of sending are committed one by one, and nothing may be "
								  "held open while a receiver is waited for."),
						errhint("CALL augur.deliver_notifications() by itself.")));
	run = notify_run();
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	/* the transaction of the CALL itself may have a snapshot */
	SPI_commit();
	(void) run(limit, &host, &wait);
	SPI_finish();
	PG_RETURN_VOID();
}
