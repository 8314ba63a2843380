/*-------------------------------------------------------------------------
 *
 * deliver.c
 *		Claim, send, record: the loop of every deliverer.
 *
 * Claiming and recording are transactions of their own; between them nothing is held
 * but leases in the table, which run out by themselves if this process dies.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* A wait up to here is for the next second of a channel, so it is waited for. */
#define SHORT_WAIT 1.1

/*
 * Who holds a lease: the process, and when it began, as ids are used again.
 */
static const char *
deliverer(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "%d.%lx", MyProcPid, (unsigned long) MyStartTime);
	return name;
}

/*
 * Claims up to most messages into jobs, whose texts go into context.  When there is
 * none, *wait tells seconds until there may be, -1 for never.
 */
static int
claim(NotifyJob *jobs, int most, MemoryContext context, double *wait)
{
	Oid types[] = {TEXTOID, INT4OID};
	Datum values[] = {CStringGetTextDatum(deliverer()), Int32GetDatum(most)};
	int n;

	/* search_path is the caller's: names are qualified, and there are no operators */
	if (SPI_execute_with_args("SELECT notification, attempt, secret, body FROM "
							  "augur._notification_claim($1, pg_catalog.clock_timestamp(), $2)",
							  2, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not claim notifications");
	n = Min((int) SPI_processed, most);
	for (int i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool null;

		memset(&jobs[i], 0, sizeof(NotifyJob));
		jobs[i].notification = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &null));
		jobs[i].attempt = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &null));
		jobs[i].secret = MemoryContextStrdup(context, SPI_getvalue(tuple, desc, 3));
		jobs[i].body = MemoryContextStrdup(context, SPI_getvalue(tuple, desc, 4));
	}
	*wait = 0;
	if (n == 0)
	{
		bool null;
		Datum value;

		if (SPI_execute("SELECT augur._notification_wait(pg_catalog.clock_timestamp())", false,
						1) != SPI_OK_SELECT ||
			SPI_processed != 1)
			elog(ERROR, "could not look for notifications");
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
		*wait = null ? -1 : DatumGetFloat8(value);
	}
	return n;
}

/*
 * Writes what became of a job.
 */
static void
record(const NotifyJob *job)
{
	Oid types[] = {INT8OID, INT4OID, TEXTOID, INT4OID, INT4OID, TEXTOID, TEXTOID, FLOAT8OID};
	Datum values[] = {Int64GetDatum(job->notification),	  Int32GetDatum(job->attempt),
					  CStringGetTextDatum(deliverer()),	  Int32GetDatum(job->http),
					  Int32GetDatum(job->retry_after),	  CStringGetTextDatum(job->error),
					  CStringGetTextDatum(job->response), Float8GetDatum(job->seconds)};
	char nulls[] = "        ";

	if (job->retry_after == 0)
		nulls[4] = 'n';
	if (job->error[0] == '\0')
		nulls[5] = 'n';
	if (job->response[0] == '\0')
		nulls[6] = 'n';
	if (SPI_execute_with_args("SELECT augur._notification_record($1, $2, $3, $4, $5, $6, $7, $8)",
							  8, types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not record a notification");
}

/*
 * See AugurNotifyRun.
 */
int
augur_notify_run(int limit, const AugurNotifyHost *host, double *wait)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "augur notifications", ALLOCSET_DEFAULT_SIZES);
	int total = 0;

	*wait = 0;
	PG_TRY();
	{
		NotifyJob *jobs =
			MemoryContextAlloc(context, sizeof(NotifyJob) * NOTIFY_MOST); /* bounded */

		while (total < limit)
		{
			MemoryContext round =
				AllocSetContextCreate(context, "augur notification round", ALLOCSET_DEFAULT_SIZES);
			MemoryContext before;
			int n;

			CHECK_FOR_INTERRUPTS();
			host->begin();
			n = claim(jobs, Min(NOTIFY_MOST, limit - total), round, wait);
			host->end();
			if (n == 0)
			{
				MemoryContextDelete(round);
				if (*wait < 0 || *wait > SHORT_WAIT)
					break;
				(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 Max(10L, (long) (*wait * 1000) + 1), PG_WAIT_EXTENSION);
				ResetLatch(MyLatch);
				continue;
			}
			before = MemoryContextSwitchTo(round);
			notify_send(jobs, n);
			MemoryContextSwitchTo(before);
			/* one by one: what was sent must not be undone by another's trouble */
			for (int i = 0; i < n; i++)
			{
				host->begin();
				record(&jobs[i]);
				host->end();
			}
			MemoryContextDelete(round);
			total += n;
		}
	}
	PG_FINALLY();
	{
		MemoryContextDelete(context);
	}
	PG_END_TRY();
	return total;
}
