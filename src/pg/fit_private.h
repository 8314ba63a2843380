/*-------------------------------------------------------------------------
 *
 * fit_private.h
 *		What fit.c (plan, block, serial tasks) and workers.c (parallel tasks) share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_FIT_PRIVATE_H
#define AUGUR_FIT_PRIVATE_H

#include "fit.h"
#include "pool.h"

struct AugurFit
{
	MemoryContext context;
	const AugAlgorithm *planned;
	AugPlan plan; /* of the planned algorithm */
	Size block_bytes;
	Size memory; /* what the plan adds up to */
	int workers; /* how many to ask for; 0: block is private */
	void *block;
	AugMatrix training;
	AugMatrix holdout;
	AugurProgress *progress;

	/* shared memory, all tracked by owner; unused when workers is 0 */
	ResourceOwner owner;
	dsm_segment *segment; /* block, then the accumulators */
	Size shared_offset;	  /* of the accumulators in the segment */
};

/* One participant of one run: who takes which task, and where results go. */
typedef struct AugurTaskLoop
{
	AugJob *job;
	uint32 n_tasks;
	pg_atomic_uint32 *next;
	AugurProgress *progress;
	/* takes over bytes, which the host owns */
	void (*store)(void *arg, uint32 task, uint8_t *bytes, size_t length);
	void *store_arg;
} AugurTaskLoop;

/* Runs tasks until none is left, or until limit of them ran (0: no limit). */
extern void augur_fit_tasks(AugurTaskLoop *loop, uint32 limit);

/* The leader's run, from the first task to all results in its own memory. */
typedef struct AugurFitRun
{
	AugurFit *fit;
	const AugAlgorithm *algorithm;
	const AugParams *params;
	uint64 seed;
	AugurHost host;
	AugSlice *results; /* [n_tasks] */
	AugurTaskLoop loop;
	int launched;
} AugurFitRun;

/* workers.c: runs what is left of run's tasks together with parallel workers. */
extern void augur_workers_run(AugurFitRun *run);

#endif /* AUGUR_FIT_PRIVATE_H */
