/*-------------------------------------------------------------------------
 *
 * module.c
 *		The entry of library augur_notify.
 *
 * In shared_preload_libraries it starts the worker; loaded by a session, for
 * CALL augur.deliver_notifications, it does nothing by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "private.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "../pg/compat.h"

extern NOTIFY_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void);
extern NOTIFY_EXPORT void _PG_init(void);

AUGUR_MODULE_MAGIC;

void
_PG_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		notify_worker_register();
}
