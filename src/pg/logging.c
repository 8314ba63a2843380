/*-------------------------------------------------------------------------
 *
 * logging.c
 *		Whether predictions can be logged: not in a read-only transaction, not on a standby.
 *
 * Scoring goes on there all the same, so the caller is told, once in a transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/xact.h"

AUGUR_FUNCTION(augur_logging_may);

/* The transaction that was told last, in this backend. */
static TimestampTz told = 0;

/*
 * augur._may_log()
 */
Datum
augur_logging_may(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (!XactReadOnly)
		PG_RETURN_BOOL(true);
	if (told != now)
	{
		told = now;
		ereport(NOTICE, (errmsg("predictions are not logged in a read-only transaction"),
						 errdetail("prediction_id is NULL for them.")));
	}
	PG_RETURN_BOOL(false);
}
