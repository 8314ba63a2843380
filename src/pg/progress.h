/*-------------------------------------------------------------------------
 *
 * progress.h
 *		What a running training tells others: a slot in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PROGRESS_H
#define AUGUR_PROGRESS_H

#include "pg.h"

typedef enum AugurPhase
{
	AUGUR_PHASE_LOAD = 0, /* rows read; total unknown */
	AUGUR_PHASE_BIN,
	AUGUR_PHASE_TRAIN,	  /* tasks (trees) done */
	AUGUR_PHASE_EVALUATE, /* holdout rows scored */
	AUGUR_PHASE_STORE
} AugurPhase;

/* Private to the process that trains; slot is shared, NULL when not preloaded. */
typedef struct AugurProgress AugurProgress;

extern void augur_progress_init(void); /* from _PG_init */
/* Takes a slot; released when context is reset or deleted, or at exit. */
extern AugurProgress *
augur_progress_begin(const char *model, const char *algorithm, MemoryContext context);
/* All of these accept a NULL progress. */
extern void augur_progress_phase(AugurProgress *progress, AugurPhase phase, uint64 total);
extern void augur_progress_done(AugurProgress *progress, uint64 done);
extern void augur_progress_add(AugurProgress *progress, uint64 done);
extern void augur_progress_rows(AugurProgress *progress, uint64 rows);
extern void augur_progress_memory(AugurProgress *progress, Size bytes, int workers);

/*
 * For a parallel worker: the number of the leader's slot (-1 when it has none), and
 * a handle on it that only adds to what is done.  The worker's goes with context.
 */
extern int augur_progress_slot(const AugurProgress *progress);
extern AugurProgress *augur_progress_attach(int slot, MemoryContext context);

#endif /* AUGUR_PROGRESS_H */
