/*-------------------------------------------------------------------------
 *
 * module.c
 *		The library's entry: magic block and start-up.
 *
 * Works with and without shared_preload_libraries; nothing here may fail for
 * lack of preloading.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "progress.h"

AUGUR_MODULE_MAGIC;

extern __attribute__((visibility("default"))) void _PG_init(void);

void
_PG_init(void)
{
	augur_settings_init();
	augur_progress_init();
}
