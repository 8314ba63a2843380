/*-------------------------------------------------------------------------
 *
 * workers.c
 *		The parallel workers of one training: its tasks in the pool of pool.c.
 *
 * Workers map the block of fit.c, open the same job as the leader and take tasks until
 * none is left.  Beside the task counter only the core's accumulators, which lie behind
 * the block, are written by more than one process; they are atomics.
 *
 *-------------------------------------------------------------------------
 */
#include "fit_private.h"

#include "miscadmin.h"

/* What a worker has to know. */
typedef struct WorkerHead
{
	Size shared_offset;
	uint64 seed;
	char algorithm[NAMEDATALEN];
	char params[FLEXIBLE_ARRAY_MEMBER]; /* canonical text */
} WorkerHead;

extern __attribute__((visibility("default"))) void
augur_worker_main(dsm_segment *seg, shm_toc *toc);

/* A worker's store: results go to the leader. */
static void
share_result(void *arg, uint32 task, uint8_t *bytes, size_t length)
{
	augur_pool_store((AugurPoolWorker *) arg, task, bytes, length);
	pfree(bytes);
}

/*
 * Entry of a worker; named in augur_workers_run.
 */
void
augur_worker_main(dsm_segment *seg, shm_toc *toc)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur worker", ALLOCSET_DEFAULT_SIZES);
	AugurPoolWorker worker;
	const WorkerHead *head;
	const AugAlgorithm *algorithm;
	AugParams *params;
	AugMatrix training;
	AugMatrix holdout;
	AugurHost host;
	AugError err;
	AugurTaskLoop loop = {0};

	augur_pool_attach(toc, context, &worker);
	head = worker.head;
	algorithm = aug_algorithm_find(head->algorithm);
	if (algorithm == NULL)
		elog(ERROR, "algorithm \"%s\" is unknown in a parallel worker", head->algorithm);

	MemoryContextSwitchTo(context);
	augur_host_init(&host, context);
	augur_block_matrices(worker.block, &training, &holdout, context);
	augur_check(aug_params_parse(&host.host, algorithm, head->params, &params, &err), &err);
	augur_check(aug_job_open(&host.host, algorithm, &training, params, head->seed,
							 (char *) worker.block + head->shared_offset, &loop.job, &err),
				&err);

	loop.n_tasks = worker.n_tasks;
	loop.next = worker.next;
	loop.progress = worker.progress;
	loop.store = share_result;
	loop.store_arg = &worker;
	augur_fit_tasks(&loop, 0);

	aug_job_close(loop.job);
	augur_pool_detach(&worker);
}

/* The pool's view of a run. */
typedef struct Lead
{
	AugurFitRun *run;
	AugurPool *pool;
} Lead;

static void
lead_tasks(void *arg, pg_atomic_uint32 *next)
{
	Lead *lead = arg;
	AugurFitRun *run = lead->run;

	run->launched = lead->pool->launched;
	augur_progress_memory(run->fit->progress, run->fit->memory, run->launched);
	run->loop.next = next;
	augur_fit_tasks(&run->loop, 0);
}

static void
keep_result(void *arg, uint32 task, const void *result, Size length)
{
	AugurFitRun *run = ((Lead *) arg)->run;
	uint8_t *bytes;

	if (result == NULL)
	{
		if (run->results[task].bytes == NULL)
			elog(ERROR, "task %u of the training was run by nobody", task);
		return;
	}
	bytes = MemoryContextAllocHuge(run->host.context, Max(length, 1));
	memcpy(bytes, result, length);
	run->results[task].bytes = bytes;
	run->results[task].length = length;
}

/*
 * Runs what is left of the tasks together with workers, and leaves all results in
 * run->results.  The fit's block must lie in shared memory.
 */
void
augur_workers_run(AugurFitRun *run)
{
	AugurPool pool = {.entry = "augur_worker_main", .lead = lead_tasks, .collect = keep_result};
	Lead lead = {run, &pool};
	WorkerHead *head;
	char *params_text;
	AugError err;

	augur_check(aug_params_text(run->params, &params_text, &err), &err);
	pool.head_size = offsetof(WorkerHead, params) + strlen(params_text) + 1;
	head = palloc0(pool.head_size);
	head->shared_offset = run->fit->shared_offset;
	head->seed = run->seed;
	strlcpy(head->algorithm, run->algorithm->name, sizeof(head->algorithm));
	strcpy(head->params, params_text);

	pool.workers = run->fit->workers;
	pool.n_tasks = run->loop.n_tasks;
	pool.first = pg_atomic_read_u32(run->loop.next);
	pool.head = head;
	pool.block = run->fit->segment;
	pool.owner = run->fit->owner;
	pool.progress = run->fit->progress;
	pool.arg = &lead;
	augur_pool_run(&pool);
	pfree(head);
}
