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

#include "pipeline.h"
#include "progress.h"

/* 15 leaves PGDLLEXPORT empty, and everything here is hidden unless marked. */
extern __attribute__((visibility("default"))) const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void);
extern __attribute__((visibility("default"))) void _PG_init(void);

AUGUR_MODULE_MAGIC;

void
_PG_init(void)
{
	augur_settings_init();
	augur_progress_init();
	augur_pipeline_init();
}
