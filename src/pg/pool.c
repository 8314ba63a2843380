/*-------------------------------------------------------------------------
 *
 * pool.c
 *		Parallel workers for independent tasks: those of a training and those of series.
 *
 * Workers are launched once per run.  They map the block and take tasks by a counter in
 * shared memory until none is left; so does the leader.  A worker copies each finished
 * result into a DSA area and sets the task's slot; the leader collects the slots after
 * all workers have finished.  Having got no worker at all is an ordinary case.
 *
 * Data: the segment of the parallel context holds an AugurPoolShared, the head and the
 * result slots.  The block has a segment of its own, so that a full /dev/shm can be
 * survived before anything has started.
 *
 * Locking: only the task counter (and what the block keeps for itself) is written by more
 * than one process, and it is atomic.  A slot has one writer, and the leader reads it
 * after WaitForParallelWorkersToFinish.
 *
 * Errors and interrupts: an error of a worker reaches the leader as usual.  An
 * error or cancel in the leader ends the workers when the transaction aborts,
 * which waits for them; they notice within the core's poll interval.
 *
 *-------------------------------------------------------------------------
 */
#include "pool.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "postmaster/bgworker_internals.h"
#include "storage/lwlock.h"
#include "utils/dsa.h"

#define KEY_SHARED UINT64CONST(0xA060000000000001)
#define KEY_HEAD   UINT64CONST(0xA060000000000002)
#define KEY_SLOTS  UINT64CONST(0xA060000000000003)

struct AugurPoolShared
{
	dsm_handle block;
	dsa_handle results;
	uint32 n_tasks;
	int progress_slot;
	pg_atomic_uint32 next; /* the next task nobody has taken */
};

struct AugurPoolSlot
{
	dsa_pointer bytes; /* invalid: no worker ran this task */
	Size length;
};

/* ---- shared memory ------------------------------------------------------- */

char *
augur_size_text(Size bytes)
{
	if (bytes < (Size) 10 * 1024 * 1024)
		return psprintf("%zu kB", (bytes + 1023) / 1024);
	return psprintf("%zu MB", (bytes + 1024 * 1024 - 1) / (1024 * 1024));
}

ResourceOwner
augur_pool_owner(void)
{
	return ResourceOwnerCreate(CurrentResourceOwner, "augur pool");
}

void
augur_pool_release(ResourceOwner owner)
{
	if (owner == NULL)
		return;
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
}

/*
 * NULL when the system cannot give a segment: a full /dev/shm, an address limit, too
 * many segments; any other error is raised.
 */
dsm_segment *
augur_pool_segment(Size bytes, ResourceOwner owner, const char *what)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner previous = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;

	PG_TRY();
	{
		CurrentResourceOwner = owner;
		segment = dsm_create(bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		CurrentResourceOwner = previous;
	}
	PG_CATCH();
	{
		int code = geterrcode();

		CurrentResourceOwner = previous;
		if (code != ERRCODE_DISK_FULL && code != ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	if (segment == NULL)
		ereport(WARNING,
				(errmsg("%s without parallel workers, because %s of shared memory could "
						"not be allocated",
						what, augur_size_text(bytes)),
				 errhint("Enlarge /dev/shm (Docker: shm_size), or set "
						 "\"max_parallel_maintenance_workers\" to 0.")));
	return segment;
}

int
augur_pool_workers(void)
{
	if (IsInParallelMode() || IsParallelWorker())
		return 0;
	return Max(Min(max_parallel_maintenance_workers, max_parallel_workers), 0);
}

/* ---- a worker --------------------------------------------------------------- */

void
augur_pool_attach(shm_toc *toc, MemoryContext context, AugurPoolWorker *worker)
{
	AugurPoolShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);

	worker->segment = dsm_attach(shared->block);
	if (worker->segment == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("could not map dynamic shared memory segment")));
	worker->block = dsm_segment_address(worker->segment);
	worker->head = shm_toc_lookup(toc, KEY_HEAD, false);
	worker->slots = shm_toc_lookup(toc, KEY_SLOTS, false);
	worker->n_tasks = shared->n_tasks;
	worker->next = &shared->next;
	worker->progress = augur_progress_attach(shared->progress_slot, context);
	worker->area = dsa_attach(shared->results);
}

void
augur_pool_store(AugurPoolWorker *worker, uint32 task, const void *bytes, Size length)
{
	dsa_pointer at;

	PG_TRY();
	{
		at = dsa_allocate_extended(worker->area, Max(length, 1), DSA_ALLOC_HUGE);
	}
	PG_CATCH();
	{
		int code = geterrcode();

		if (code == ERRCODE_DISK_FULL || code == ERRCODE_OUT_OF_MEMORY)
			errhint("Enlarge /dev/shm (Docker: shm_size), or set "
					"\"max_parallel_maintenance_workers\" to 0.");
		PG_RE_THROW();
	}
	PG_END_TRY();

	memcpy(dsa_get_address(worker->area, at), bytes, length);
	worker->slots[task].length = length;
	worker->slots[task].bytes = at;
}

void
augur_pool_detach(AugurPoolWorker *worker)
{
	dsa_detach(worker->area);
	dsm_detach(worker->segment);
}

/* ---- the leader ---------------------------------------------------------------- */

/* Puts what the workers need into the parallel context's segment. */
static AugurPoolShared *
fill_context(ParallelContext *pcxt, const AugurPool *pool, dsa_area *area)
{
	Size slots_size = mul_size(pool->n_tasks, sizeof(AugurPoolSlot));
	AugurPoolShared *shared = shm_toc_allocate(pcxt->toc, sizeof(AugurPoolShared));
	char *head = shm_toc_allocate(pcxt->toc, pool->head_size);
	AugurPoolSlot *slots = shm_toc_allocate(pcxt->toc, slots_size);

	memset(shared, 0, sizeof(AugurPoolShared));
	/* without a segment of the parallel context no worker will come: no handle then */
	if (pcxt->seg != NULL)
		shared->block = dsm_segment_handle(pool->block);
	shared->results = dsa_get_handle(area);
	shared->n_tasks = pool->n_tasks;
	shared->progress_slot = augur_progress_slot(pool->progress);
	pg_atomic_init_u32(&shared->next, pool->first);
	shm_toc_insert(pcxt->toc, KEY_SHARED, shared);

	memcpy(head, pool->head, pool->head_size);
	shm_toc_insert(pcxt->toc, KEY_HEAD, head);

	memset(slots, 0, slots_size);
	shm_toc_insert(pcxt->toc, KEY_SLOTS, slots);
	return shared;
}

/* Hands on the workers' results, one at a time, so that none is held twice for long. */
static void
collect_results(AugurPool *pool, AugurPoolSlot *slots, dsa_area *area)
{
	for (uint32 i = 0; i < pool->n_tasks; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!DsaPointerIsValid(slots[i].bytes))
		{
			pool->collect(pool->arg, i, NULL, 0);
			continue;
		}
		pool->collect(pool->arg, i, dsa_get_address(area, slots[i].bytes), slots[i].length);
		dsa_free(area, slots[i].bytes);
	}
}

void
augur_pool_run(AugurPool *pool)
{
	ResourceOwner previous = CurrentResourceOwner;
	ParallelContext *pcxt;
	AugurPoolShared *shared;
	dsa_area *area;

	/* the area's segments are released with the block's */
	CurrentResourceOwner = pool->owner;
	area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
	CurrentResourceOwner = previous;

	EnterParallelMode();
	pcxt = CreateParallelContext("augur", pool->entry, pool->workers);
	shm_toc_estimate_chunk(&pcxt->estimator, sizeof(AugurPoolShared));
	shm_toc_estimate_chunk(&pcxt->estimator, pool->head_size);
	shm_toc_estimate_chunk(&pcxt->estimator, mul_size(pool->n_tasks, sizeof(AugurPoolSlot)));
	shm_toc_estimate_keys(&pcxt->estimator, 3);
	InitializeParallelDSM(pcxt);
	shared = fill_context(pcxt, pool, area);
	if (pcxt->seg != NULL)
		LaunchParallelWorkers(pcxt);
	pool->launched = pcxt->nworkers_launched;

	pool->lead(pool->arg, &shared->next);
	WaitForParallelWorkersToFinish(pcxt);

	CurrentResourceOwner = pool->owner;
	collect_results(pool, shm_toc_lookup(pcxt->toc, KEY_SLOTS, false), area);
	dsa_detach(area);
	CurrentResourceOwner = previous;
	DestroyParallelContext(pcxt);
	ExitParallelMode();
}
