/*-------------------------------------------------------------------------
 *
 * pool.h
 *		Independent tasks for parallel workers: over one block of shared memory, taken by a
 *		counter, each with bytes as its result.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_POOL_H
#define AUGUR_POOL_H

#include "pg.h"

#include "port/atomics.h"
#include "progress.h"
#include "storage/dsm.h"
#include "storage/shm_toc.h"
#include "utils/resowner.h"

typedef struct AugurPool
{
	const char *entry; /* the function of this library that a worker runs */
	int workers;	   /* to ask for */
	uint32 n_tasks;
	uint32 first;		  /* those before it are done */
	const void *head;	  /* what workers have to know beside the block: copied */
	Size head_size;		  /* likewise */
	dsm_segment *block;	  /* tracked by owner, as all shared memory of the pool is */
	ResourceOwner owner;  /* made by augur_pool_owner */
	AugurProgress *progress;
	int launched; /* set before lead is called */

	/* the leader's share: takes tasks by *next until none is left */
	void (*lead)(void *arg, pg_atomic_uint32 *next);
	/* in order of tasks: what a worker made of it, NULL when none has run it */
	void (*collect)(void *arg, uint32 task, const void *bytes, Size length);
	void *arg;
} AugurPool;

/* Runs what is left of the tasks together with workers, and collects. */
extern void augur_pool_run(AugurPool *pool);

/*
 * An owner below the current one for the pool's shared memory, and its end.  After an error
 * the transaction's abort releases it, and all that it tracks.
 */
extern ResourceOwner augur_pool_owner(void);
extern void augur_pool_release(ResourceOwner owner);
/* A segment of bytes under owner, or NULL when the system has no room; what goes on alone
 * then is told by a warning: "training". */
extern dsm_segment *augur_pool_segment(Size bytes, ResourceOwner owner, const char *what);
/* How many workers may be asked for; 0 in parallel mode. */
extern int augur_pool_workers(void);
/* "12 MB", or kB below 10 MB; rounded up; palloc'ed. */
extern char *augur_size_text(Size bytes);

/* A worker's side. */
typedef struct AugurPoolShared AugurPoolShared;
typedef struct AugurPoolSlot AugurPoolSlot;

typedef struct AugurPoolWorker
{
	void *block;
	const void *head;
	uint32 n_tasks;
	pg_atomic_uint32 *next;
	AugurProgress *progress;
	/* private */
	dsm_segment *segment;
	struct dsa_area *area;
	AugurPoolSlot *slots;
} AugurPoolWorker;

extern void augur_pool_attach(shm_toc *toc, MemoryContext context, AugurPoolWorker *worker);
/* Copies a result into shared memory; an error names what to enlarge. */
extern void
augur_pool_store(AugurPoolWorker *worker, uint32 task, const void *bytes, Size length);
extern void augur_pool_detach(AugurPoolWorker *worker);

#endif /* AUGUR_POOL_H */
