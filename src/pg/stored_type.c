/*-------------------------------------------------------------------------
 *
 * stored_type.c
 *		Input and output of types whose values are bytes of the core.
 *
 * The text form is that of hex.c, the binary form the bytes themselves.  Whatever comes from
 * outside is read completely by the type's own check before it is accepted; there is no cast
 * from bytea and no other way around that.
 *
 * Memory: a check works in a context of its own, gone before the function returns.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

/*
 * Reads bytes for the sake of the check alone.  Errors that are not their fault (memory,
 * cancel) are raised; otherwise the status is returned.
 */
static AugStatus
check_bytes(AugurStoredCheck check, const uint8_t *bytes, Size length, AugError *err)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur check", ALLOCSET_DEFAULT_SIZES);
	AugurHost host;
	AugStatus status;

	augur_host_init(&host, context);
	status = check(&host, bytes, length, err);
	MemoryContextDelete(context);
	if (status == AUG_NOMEM || status == AUG_CANCELLED || status == AUG_INTERNAL)
		augur_check(status, err);
	if (status != AUG_OK)
		augur_error_mend(err);
	return status;
}

/*
 * The input function of type; fcinfo: (cstring).  Soft errors where the server has them.
 */
Datum
augur_stored_in(FunctionCallInfo fcinfo, const char *type, AugurStoredCheck check)
{
	const char *problem;
	struct varlena *value = augur_hex_read(PG_GETARG_CSTRING(0), &problem);
	AugError err = {0};
	AugStatus status;

	if (value == NULL)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s", type),
				 errdetail_internal("%s", problem)));
	status = check_bytes(check, (const uint8_t *) VARDATA(value), VARSIZE(value) - VARHDRSZ, &err);
	if (status != AUG_OK)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(status == AUG_LIMIT ? ERRCODE_PROGRAM_LIMIT_EXCEEDED
											 : ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input for type %s: %s", type, err.message),
				 err.detail[0] ? errdetail_internal("%s", err.detail) : 0));
	PG_RETURN_POINTER(value);
}

/*
 * The receive function of type; fcinfo: (internal).
 */
Datum
augur_stored_recv(FunctionCallInfo fcinfo, const char *type, AugurStoredCheck check)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int length = buf->len - buf->cursor;
	const uint8_t *bytes = (const uint8_t *) pq_getmsgbytes(buf, length);
	AugError err = {0};
	AugStatus status = check_bytes(check, bytes, length, &err);

	if (status != AUG_OK)
		ereport(ERROR, (errcode(status == AUG_LIMIT ? ERRCODE_PROGRAM_LIMIT_EXCEEDED
													: ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid input for type %s: %s", type, err.message),
						err.detail[0] ? errdetail_internal("%s", err.detail) : 0));
	PG_RETURN_POINTER(augur_stored_value(type, bytes, length));
}

/*
 * The send function of any such type; fcinfo: (value).
 */
Datum
augur_stored_send(FunctionCallInfo fcinfo)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The value that holds bytes of the core: a copy, in CurrentMemoryContext.
 */
struct varlena *
augur_stored_value(const char *type, const uint8_t *bytes, Size length)
{
	struct varlena *value;

	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s of %zu bytes is too large for one value", type, length),
				 errdetail("A value holds at most %zu bytes.", (Size) (MaxAllocSize - VARHDRSZ))));
	value = palloc(length + VARHDRSZ);
	SET_VARSIZE(value, length + VARHDRSZ);
	memcpy(VARDATA(value), bytes, length);
	return value;
}
