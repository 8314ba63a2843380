/*-------------------------------------------------------------------------
 *
 * workers.c
 *		The parallel workers of one training.
 *
 * Workers are launched once per training.  They map the block of fit.c, open the
 * same job as the leader and take tasks by a counter in shared memory until none
 * is left; so does the leader.  A worker copies each finished result into a DSA
 * area and sets the task's slot; the leader collects the slots after all workers
 * have finished.  Having got no worker at all is an ordinary case.
 *
 * Data: the segment of the parallel context holds a WorkerShared, the canonical
 * text of the hyperparameters and the result slots.  The block has a segment of
 * its own, so that a full /dev/shm can be survived before anything has started.
 *
 * Locking: only the task counter and the core's accumulators are written by more
 * than one process, and both are atomics.  A slot has one writer, and the
 * leader reads it after WaitForParallelWorkersToFinish.
 *
 * Errors and interrupts: an error of a worker reaches the leader as usual.  An
 * error or cancel in the leader ends the workers when the transaction aborts,
 * which waits for them; they notice within the core's poll interval.
 *
 *-------------------------------------------------------------------------
 */
#include "fit_private.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shm_toc.h"
#include "utils/dsa.h"

#define KEY_SHARED UINT64CONST(0xA060000000000001)
#define KEY_PARAMS UINT64CONST(0xA060000000000002)
#define KEY_SLOTS  UINT64CONST(0xA060000000000003)

typedef struct WorkerShared
{
	dsm_handle block; /* segment of the block and the accumulators */
	Size shared_offset;
	dsa_handle results;
	uint64 seed;
	uint32 n_tasks;
	int progress_slot;
	pg_atomic_uint32 next; /* the next task nobody has taken */
	char algorithm[NAMEDATALEN];
} WorkerShared;

typedef struct WorkerSlot
{
	dsa_pointer bytes; /* invalid: no worker ran this task */
	Size length;
} WorkerSlot;

/* Where a worker's store puts results. */
typedef struct WorkerOutput
{
	dsa_area *area;
	WorkerSlot *slots;
} WorkerOutput;

extern __attribute__((visibility("default"))) void
augur_worker_main(dsm_segment *seg, shm_toc *toc);

/*
 * A segment of bytes tracked by owner.  NULL when the system cannot give one: a
 * full /dev/shm, an address limit, too many segments; any other error is raised.
 */
dsm_segment *
augur_workers_segment(Size bytes, ResourceOwner owner)
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
	return segment;
}

/*
 * Copies a result into a shared area.  When shared memory is full the error names what
 * to enlarge.
 */
dsa_pointer
augur_workers_share(dsa_area *area, const void *bytes, Size length)
{
	dsa_pointer at;

	PG_TRY();
	{
		at = dsa_allocate_extended(area, Max(length, 1), DSA_ALLOC_HUGE);
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
	memcpy(dsa_get_address(area, at), bytes, length);
	return at;
}

/* A worker's store. */
static void
share_result(void *arg, uint32 task, uint8_t *bytes, size_t length)
{
	WorkerOutput *output = (WorkerOutput *) arg;
	dsa_pointer at = augur_workers_share(output->area, bytes, length);

	output->slots[task].length = length;
	output->slots[task].bytes = at;
	pfree(bytes);
}

/*
 * Entry of a worker; named in CreateParallelContext.
 */
void
augur_worker_main(dsm_segment *seg, shm_toc *toc)
{
	WorkerShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	const char *params_text = shm_toc_lookup(toc, KEY_PARAMS, false);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur worker", ALLOCSET_DEFAULT_SIZES);
	const AugAlgorithm *algorithm = aug_algorithm_find(shared->algorithm);
	dsm_segment *segment = dsm_attach(shared->block);
	AugParams *params;
	AugMatrix training;
	AugMatrix holdout;
	AugurHost host;
	AugError err;
	WorkerOutput output;
	AugurTaskLoop loop = {0};
	char *base;

	if (segment == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("could not map dynamic shared memory segment")));
	if (algorithm == NULL)
		elog(ERROR, "algorithm \"%s\" is unknown in a parallel worker", shared->algorithm);

	MemoryContextSwitchTo(context);
	base = dsm_segment_address(segment);
	augur_host_init(&host, context);
	augur_block_matrices(base, &training, &holdout, context);
	augur_check(aug_params_parse(&host.host, algorithm, params_text, &params, &err), &err);
	augur_check(aug_job_open(&host.host, algorithm, &training, params, shared->seed,
							 base + shared->shared_offset, &loop.job, &err),
				&err);

	output.area = dsa_attach(shared->results);
	output.slots = shm_toc_lookup(toc, KEY_SLOTS, false);
	loop.n_tasks = shared->n_tasks;
	loop.next = &shared->next;
	loop.progress = augur_progress_attach(shared->progress_slot, context);
	loop.store = share_result;
	loop.store_arg = &output;
	augur_fit_tasks(&loop, 0);

	aug_job_close(loop.job);
	dsa_detach(output.area);
	dsm_detach(segment);
}

/* Puts what the workers need into the parallel context's segment. */
static WorkerShared *
fill_context(ParallelContext *pcxt, AugurFitRun *run, const char *params_text, dsa_area *area)
{
	Size slots_size = mul_size(run->loop.n_tasks, sizeof(WorkerSlot));
	WorkerShared *shared = shm_toc_allocate(pcxt->toc, sizeof(WorkerShared));
	char *params = shm_toc_allocate(pcxt->toc, strlen(params_text) + 1);
	WorkerSlot *slots = shm_toc_allocate(pcxt->toc, slots_size);

	memset(shared, 0, sizeof(WorkerShared));
	/* without a segment of the parallel context no worker will come: no handle then */
	if (pcxt->seg != NULL)
		shared->block = dsm_segment_handle(run->fit->segment);
	shared->shared_offset = run->fit->shared_offset;
	shared->results = dsa_get_handle(area);
	shared->seed = run->seed;
	shared->n_tasks = run->loop.n_tasks;
	shared->progress_slot = augur_progress_slot(run->fit->progress);
	pg_atomic_init_u32(&shared->next, pg_atomic_read_u32(run->loop.next));
	strlcpy(shared->algorithm, run->algorithm->name, sizeof(shared->algorithm));
	shm_toc_insert(pcxt->toc, KEY_SHARED, shared);

	strcpy(params, params_text);
	shm_toc_insert(pcxt->toc, KEY_PARAMS, params);

	memset(slots, 0, slots_size);
	shm_toc_insert(pcxt->toc, KEY_SLOTS, slots);
	return shared;
}

/*
 * Moves the workers' results into the leader's memory, one at a time, so that no
 * result is held twice for long.
 */
static void
collect_results(AugurFitRun *run, WorkerSlot *slots, dsa_area *area)
{
	for (uint32 i = 0; i < run->loop.n_tasks; i++)
	{
		uint8_t *bytes;

		CHECK_FOR_INTERRUPTS();
		if (!DsaPointerIsValid(slots[i].bytes))
		{
			if (run->results[i].bytes == NULL)
				elog(ERROR, "task %u of the training was run by nobody", i);
			continue;
		}
		bytes = MemoryContextAllocHuge(run->host.context, Max(slots[i].length, 1));
		memcpy(bytes, dsa_get_address(area, slots[i].bytes), slots[i].length);
		dsa_free(area, slots[i].bytes);
		run->results[i].bytes = bytes;
		run->results[i].length = slots[i].length;
	}
}

/*
 * Runs what is left of the tasks together with workers, and leaves all results in
 * run->results.  The fit's block must lie in shared memory.
 */
void
augur_workers_run(AugurFitRun *run)
{
	ResourceOwner previous = CurrentResourceOwner;
	ParallelContext *pcxt;
	WorkerShared *shared;
	dsa_area *area;
	char *params_text;
	AugError err;

	augur_check(aug_params_text(run->params, &params_text, &err), &err);

	/* the area's segments are released with the block's */
	CurrentResourceOwner = run->fit->owner;
	area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
	CurrentResourceOwner = previous;

	EnterParallelMode();
	pcxt = CreateParallelContext("augur", "augur_worker_main", run->fit->workers);
	shm_toc_estimate_chunk(&pcxt->estimator, sizeof(WorkerShared));
	shm_toc_estimate_chunk(&pcxt->estimator, strlen(params_text) + 1);
	shm_toc_estimate_chunk(&pcxt->estimator, mul_size(run->loop.n_tasks, sizeof(WorkerSlot)));
	shm_toc_estimate_keys(&pcxt->estimator, 3);
	InitializeParallelDSM(pcxt);
	shared = fill_context(pcxt, run, params_text, area);
	if (pcxt->seg != NULL)
		LaunchParallelWorkers(pcxt);
	run->launched = pcxt->nworkers_launched;
	augur_progress_memory(run->fit->progress, run->fit->memory, run->launched);

	run->loop.next = &shared->next;
	augur_fit_tasks(&run->loop, 0);
	WaitForParallelWorkersToFinish(pcxt);

	CurrentResourceOwner = run->fit->owner;
	collect_results(run, shm_toc_lookup(pcxt->toc, KEY_SLOTS, false), area);
	dsa_detach(area);
	CurrentResourceOwner = previous;
	DestroyParallelContext(pcxt);
	ExitParallelMode();
}
