/*-------------------------------------------------------------------------
 *
 * pipeline.h
 *		What the files of the pipeline room share: locks that tell who is alive.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PIPELINE_H
#define AUGUR_PIPELINE_H

#include "pg.h"

/* settings.c: what augur.param and its kin read, as JSON; empty outside a step */
extern char *augur_run;

/* pipeline_worker.c */
extern void augur_pipeline_init(void); /* from _PG_init */

#endif /* AUGUR_PIPELINE_H */
