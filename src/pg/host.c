/*-------------------------------------------------------------------------
 *
 * host.c
 *		The core's host inside a backend: memory contexts and interrupts.
 *
 * Memory: every allocation of the core is a chunk of the AugurHost's context, so
 * that an error which unwinds past the core frees it all.  Running out of memory
 * is a NULL, which the core turns into AUG_NOMEM.
 *
 * Interrupts: the core must never be left by longjmp, so the poll does not raise.
 * A cancel or a termination that is pending makes it say stop; augur_check raises
 * after the core has unwound.  Any other interrupt (a barrier, a message of a
 * parallel worker) is served in the poll; the error that it may raise is kept,
 * and raised by augur_check too.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* The error that serving an interrupt raised inside a poll; see augur_check. */
static ErrorData *kept_error = NULL;

static void *
host_alloc(void *arg, size_t size)
{
	AugurHost *h = (AugurHost *) arg;

	if (!AllocHugeSizeIsValid(size))
		return NULL;
	return MemoryContextAllocExtended(h->context, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

static void
host_release(void *arg, void *ptr)
{
	if (ptr != NULL)
		pfree(ptr);
}

/*
 * Serves interrupts that are not a cancel.  Returns true when that raised an
 * error, which is then kept for augur_check.
 */
static bool
serve_interrupts(AugurHost *h)
{
	volatile bool raised = false;
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		/* the host's context may be gone when this is raised */
		MemoryContextSwitchTo(TopTransactionContext);
		kept_error = CopyErrorData();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		raised = true;
	}
	PG_END_TRY();
	return raised;
}

static bool
host_poll(void *arg, double done)
{
	AugurHost *h = (AugurHost *) arg;

	if (unlikely(InterruptPending))
	{
		if (QueryCancelPending || ProcDiePending || ClientConnectionLost)
			return true;
		if (serve_interrupts(h))
			return true;
	}
	if (h->progress != NULL && done >= 0)
		h->progress(h->progress_arg, done);
	return false;
}

/*
 * Makes a host whose memory lies in context.  The AugurHost must outlive every
 * core object made with it, and must not be moved.
 */
void
augur_host_init(AugurHost *h, MemoryContext context)
{
	h->host.alloc = host_alloc;
	h->host.release = host_release;
	h->host.poll = host_poll;
	h->host.arg = h;
	h->context = context;
	h->progress = NULL;
	h->progress_arg = NULL;
	kept_error = NULL; /* of a call that failed for another reason */
}

/*
 * Raises what made a poll say stop: the kept error, or the pending cancel or
 * termination.  Never returns.
 */
void
augur_host_stop(void)
{
	if (kept_error != NULL)
	{
		ErrorData *edata = kept_error;

		kept_error = NULL;
		ReThrowError(edata);
	}
	CHECK_FOR_INTERRUPTS();

	/* the cancel was taken back meanwhile; the work is gone all the same */
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED), errmsg("canceling statement due to user request")));
}
