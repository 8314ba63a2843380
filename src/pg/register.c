/*-------------------------------------------------------------------------
 *
 * register.c
 *		A model that is a value becomes a version of the registry.
 *
 * The rest of augur.register is SQL (34_register.sql); here the value's artifact is
 * decoded, for its signature, and written in chunks as a training would.
 *
 * Memory: the decoded model, until the end of the call.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

AUGUR_FUNCTION(augur_register_store);

/*
 * augur._version_store(run_id bigint, value augur.model) returns the version's id
 */
Datum
augur_register_store(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));

	PG_RETURN_INT64(augur_registry_store(PG_GETARG_INT64(0), (const uint8_t *) VARDATA_ANY(value),
										 VARSIZE_ANY_EXHDR(value)));
}
