/*-------------------------------------------------------------------------
 *
 * deliver.c
 *		Claim, send, record: the loop of every deliverer.
 *
 * Claiming and recording are transactions of their own; between them nothing is held
 * but leases in the table, which run out by themselves if this process dies.  Each
 * result is recorded as soon as it is there, and what else is due is claimed meanwhile:
 * a receiver that does not answer holds up nobody but its own channel.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* A wait up to here is for the next second of a channel, so it is waited for. */
#define SHORT_WAIT 1.1
/* How often other channels are looked at while messages are under way. */
#define LOOK_MS 1000
/* Waits for a receiver are cut into these, between which interrupts are taken. */
#define POLL_MS 200

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
 * A text of the database as UTF-8, in context.  Claiming has seen to it that it can be
 * converted; in a database that does not know its encoding, what is no UTF-8 becomes
 * "?".
 */
static char *
utf8_text(const char *text, MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	int length = (int) strlen(text);
	char *result = pstrdup(text);

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		for (char *p = result; *p;)
		{
			int n = pg_encoding_verifymbchar(PG_UTF8, p, length - (int) (p - result));

			if (n < 1)
				*p = '?';
			p += Max(n, 1);
		}
	else
		result = pg_server_to_any(result, length, PG_UTF8);
	MemoryContextSwitchTo(before);
	return result;
}

/*
 * A claimed message as a job, in a memory context of its own below parent.
 */
static NotifyJob *
make_job(HeapTuple tuple, TupleDesc desc, MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "augur notification", ALLOCSET_SMALL_SIZES);
	NotifyJob *job = MemoryContextAllocZero(context, sizeof(NotifyJob));
	bool null;

	job->context = context;
	job->notification = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &null));
	job->attempt = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &null));
	job->secret = MemoryContextStrdup(context, SPI_getvalue(tuple, desc, 3));
	job->body = utf8_text(SPI_getvalue(tuple, desc, 4), context);
	return job;
}

/*
 * Claims up to most messages into jobs, in contexts below parent.  When there is none,
 * *wait tells seconds until there may be, -1 for never.
 */
static int
claim(NotifyJob **jobs, int most, MemoryContext parent, double *wait)
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
		jobs[i] = make_job(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, parent);
	SPI_freetuptable(SPI_tuptable);
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
		SPI_freetuptable(SPI_tuptable);
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
	SPI_freetuptable(SPI_tuptable);
}

/* What is going on in augur_notify_run. */
typedef struct Delivery
{
	const AugurNotifyHost *host;
	MemoryContext context; /* of all of this */
	MemoryContext scratch; /* what one transaction needs */
	NotifySender *sender;
	int limit;			 /* messages to send at most */
	int busy;			 /* under way */
	int total;			 /* have come to their end */
	TimestampTz look_at; /* not to claim before, while some are under way */
} Delivery;

/*
 * Records a job in a transaction of its own, so that another's trouble does not undo
 * it, and forgets it.
 */
static void
conclude(Delivery *delivery, NotifyJob *job)
{
	MemoryContext before;

	delivery->total++;
	delivery->host->begin();
	before = MemoryContextSwitchTo(delivery->scratch);
	record(job);
	MemoryContextSwitchTo(before);
	delivery->host->end();
	MemoryContextReset(delivery->scratch);
	MemoryContextDelete(job->context);
}

/*
 * Claims what is due and starts it.  False when nothing is due and nothing under way;
 * *wait as of claim.
 */
static bool
start_due(Delivery *delivery, double *wait)
{
	NotifyJob *jobs[NOTIFY_MOST];
	int most = Min(NOTIFY_MOST, delivery->limit - delivery->total) - delivery->busy;
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext before;
	int n;

	/* also when the clock was set back */
	if (most <= 0 || (delivery->busy > 0 && now < delivery->look_at &&
					  delivery->look_at - now <= (TimestampTz) LOOK_MS * 1000))
		return true;
	delivery->host->begin();
	before = MemoryContextSwitchTo(delivery->scratch);
	n = claim(jobs, most, delivery->context, wait);
	MemoryContextSwitchTo(before);
	delivery->host->end();
	MemoryContextReset(delivery->scratch);
	/* all that were wanted: there may be more */
	delivery->look_at = n == most ? now : TimestampTzPlusMilliseconds(now, LOOK_MS);
	for (int i = 0; i < n; i++)
	{
		if (notify_sender_add(delivery->sender, jobs[i]))
			delivery->busy++;
		else
			conclude(delivery, jobs[i]);
	}
	return n > 0 || delivery->busy > 0;
}

/*
 * See AugurNotifyRun.
 */
int
augur_notify_run(int limit, const AugurNotifyHost *host, double *wait)
{
	MemoryContext before = CurrentMemoryContext;
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "augur notifications", ALLOCSET_DEFAULT_SIZES);
	Delivery *delivery = MemoryContextAllocZero(context, sizeof(Delivery));
	volatile int total = 0;

	*wait = 0;
	delivery->host = host;
	delivery->limit = limit;
	delivery->context = context;
	delivery->scratch =
		AllocSetContextCreate(context, "augur notifications scratch", ALLOCSET_DEFAULT_SIZES);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		delivery->sender = notify_sender_begin();
		MemoryContextSwitchTo(before);
		while (delivery->total < limit)
		{
			NotifyJob *job;

			CHECK_FOR_INTERRUPTS();
			if (!start_due(delivery, wait))
			{
				if (*wait < 0 || *wait > SHORT_WAIT)
					break;
				(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 Max(10L, (long) (*wait * 1000) + 1), PG_WAIT_EXTENSION);
				ResetLatch(MyLatch);
				continue;
			}
			/* at once, before any interrupt is taken: what is known must not be lost */
			while ((job = notify_sender_next(delivery->sender, POLL_MS)) != NULL)
			{
				delivery->busy--;
				conclude(delivery, job);
			}
		}
		total = delivery->total;
	}
	PG_FINALLY();
	{
		if (delivery->sender)
			notify_sender_end(delivery->sender);
		MemoryContextDelete(context);
	}
	PG_END_TRY();
	return total;
}
