/*-------------------------------------------------------------------------
 *
 * schedule_drop.c
 *		Whether the command that begins drops extension augur: then its job of pg_cron goes
 *		with it, in the same transaction.
 *
 * An event trigger on the begin of the command, because at its end the functions that know
 * about the job are gone; and in C, because only the parse tree tells what is being dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "catalog/pg_authid.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"

AUGUR_FUNCTION(augur_schedule_drop);

#define EXTENSION "augur"

/* Owner of an extension, InvalidOid when there is none. */
static Oid
extension_owner(const char *name)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return owner;
}

static bool
drops_us(Node *command)
{
	ListCell *cell;

	if (IsA(command, DropStmt) && castNode(DropStmt, command)->removeType == OBJECT_EXTENSION)
	{
		foreach (cell, castNode(DropStmt, command)->objects)
			if (strcmp(strVal(lfirst(cell)), EXTENSION) == 0)
				return true;
	}
	else if (IsA(command, DropOwnedStmt))
	{
		Oid owner = extension_owner(EXTENSION);

		foreach (cell, castNode(DropOwnedStmt, command)->roles)
			if (get_rolespec_oid(lfirst_node(RoleSpec, cell), true) == owner)
				return OidIsValid(owner);
	}
	return false;
}

/*
 * augur._extension_drop()
 */
Datum
augur_schedule_drop(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this function is for an event trigger")));
	if (drops_us(((EventTriggerData *) fcinfo->context)->parsetree))
	{
		/* what goes wrong there is a warning: it must be possible to drop the extension */
		SPI_connect();
		if (SPI_execute("SELECT augur._drop_tick_jobs()", false, 0) != SPI_OK_SELECT)
			elog(ERROR, "the job could not be looked for");
		SPI_finish();
	}
	PG_RETURN_NULL();
}
