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

#include "mb/pg_wchar.h"

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

/* Takes out what is no character in the database's encoding. */
static void
keep_characters(char *text)
{
	int encoding = GetDatabaseEncoding();
	int left = (int) strlen(text);
	char *to = text;

	if (pg_verifymbstr(text, left, true))
		return;
	while (left > 0)
	{
		int n = pg_encoding_verifymbchar(encoding, text, left);

		if (n > 0)
		{
			memmove(to, text, (size_t) n);
			to += n;
		}
		n = Max(n, 1);
		text += n;
		left -= n;
	}
	*to = '\0';
}

/*
 * Makes the texts of an error fit for a client and a table.  The core knows nothing of encodings:
 * it cuts long names between bytes, and quotes from stored bytes what may be no text at all.
 */
void
augur_error_mend(AugError *err)
{
	keep_characters(err->message);
	keep_characters(err->detail);
	keep_characters(err->hint);
}

/*
 * Raises the error that a core call reported; returns at once for AUG_OK.  Call it
 * where no core frame is on the stack.  What the call had allocated stays in the
 * host's context and goes with it.
 */
void
augur_check(AugStatus status, const AugError *err)
{
	AugError e;

	if (likely(status == AUG_OK))
		return;
	if (status == AUG_CANCELLED)
		augur_host_stop();

	e = *err;
	augur_error_mend(&e);
	ereport(ERROR, (errcode(status_sqlstate(status)),
					errmsg_internal("%s", e.message[0] ? e.message : "out of memory"),
					e.detail[0] ? errdetail_internal("%s", e.detail) : 0,
					e.hint[0] ? errhint("%s", e.hint) : 0));
}
