/*-------------------------------------------------------------------------
 *
 * error.c
 *		The one bridge from the core's status to PostgreSQL's errors.
 *
 * The core has formatted message, detail and hint in PostgreSQL's style; here they
 * get their SQLSTATE.  The table is that of docs/architecture.md: only standard
 * codes, so that a client can branch on them.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

/* SQLSTATE of a status that is not AUG_OK. */
static int
status_sqlstate(AugStatus status)
{
	switch (status)
	{
		case AUG_NOMEM:
			return ERRCODE_OUT_OF_MEMORY;
		case AUG_CANCELLED:
			return ERRCODE_QUERY_CANCELED;
		case AUG_INVALID:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case AUG_DATA:
		case AUG_NUMERIC:
			return ERRCODE_DATA_EXCEPTION;
		case AUG_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case AUG_CORRUPT:
			return ERRCODE_DATA_CORRUPTED;
		case AUG_OK:
		case AUG_INTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/*
 * Raises the error that a core call reported; returns at once for AUG_OK.  Call it
 * where no core frame is on the stack.  What the call had allocated stays in the
 * host's context and goes with it.
 */
void
augur_check(AugStatus status, const AugError *err)
{
	if (likely(status == AUG_OK))
		return;
	if (status == AUG_CANCELLED)
		augur_host_stop();

	ereport(ERROR, (errcode(status_sqlstate(status)),
					errmsg_internal("%s", err->message[0] ? err->message : "out of memory"),
					err->detail[0] ? errdetail_internal("%s", err->detail) : 0,
					err->hint[0] ? errhint("%s", err->hint) : 0));
}
