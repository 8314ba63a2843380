/*-------------------------------------------------------------------------
 *
 * fit.c
 *		From a finished loader to an artifact: memory plan, block, tasks.
 *
 * A training is a list of independent tasks over one read-only block (binned
 * training rows, then binned holdout rows).  The block is filled once; when it
 * is worth while to ask for parallel workers, it lies in dynamic shared memory.
 * Tasks are taken by an atomic counter and results are merged in task order, so
 * the artifact does not depend on who ran what.
 *
 * Memory: what all of it will take is added up before anything is allocated, and
 * compared with the budget: block + accumulators + scratch of every participant
 * + results.  Private parts lie in the fit's context; shared ones belong to a
 * resource owner of their own below the current one.
 *
 * Interrupts: the core polls within a task; between tasks we check here.
 *
 *-------------------------------------------------------------------------
 */
#include "fit_private.h"

#include "miscadmin.h"
#include "portability/instr_time.h"

/* Below this many rows times tasks a training takes some 10 ms: never workers. */
#define SERIAL_WORK 20000.0
/* Above this many, workers are launched without timing the first task. */
#define PARALLEL_WORK 10000000.0
/* Workers are launched when what is left would take the leader longer (s). */
#define PARALLEL_SECONDS 0.5

#define BLOCK_ALIGNMENT 64

/* Bytes of a plan with so many participants. */
static Size
plan_bytes(const AugPlan *plan, Size block, int participants)
{
	Size total = add_size(block, plan->shared_bytes);

	total = add_size(total, mul_size(plan->scratch_bytes, participants));
	return add_size(total, plan->result_bytes);
}

pg_noreturn static void
memory_error(const AugPlan *plan, Size block, Size needed, Size memory)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("training needs %s of memory, but only %s are allowed", augur_size_text(needed),
					augur_size_text(memory)),
			 errdetail("Binned data: %s; working memory: %s; model: up to %s.", augur_size_text(block),
					   augur_size_text(add_size(plan->shared_bytes, plan->scratch_bytes)),
					   augur_size_text(plan->result_bytes)),
			 errhint("Increase \"augur.training_memory\", or train on fewer rows or columns, "
					 "or on fewer or shallower trees.")));
}

/*
 * How many workers are worth asking for: none when the server allows none, when we
 * are in parallel mode already, or when there is little to do.
 */
static int
wanted_workers(const AugPlan *plan, uint32 n_rows)
{
	double work = (double) plan->n_tasks * n_rows;
	int workers = augur_pool_workers();

	if (plan->n_tasks < 2)
		return 0;
	if (work < SERIAL_WORK && !augur_compat_force_parallel())
		return 0;
	if ((uint32) workers > plan->n_tasks - 1)
		workers = (int) (plan->n_tasks - 1);
	return workers;
}

/*
 * Gives the shared memory back.  After an error this does not run: see augur_pool_owner.
 */
static void
release_shared(AugurFit *fit)
{
	ResourceOwner owner = fit->owner;

	fit->owner = NULL;
	if (owner != NULL && fit->segment != NULL)
		dsm_detach(fit->segment);
	fit->segment = NULL;
	augur_pool_release(owner);
}

/*
 * Allocates block and accumulators in shared memory.  Without room for them the
 * training goes on in this process alone.
 */
static void
allocate_shared(AugurFit *fit)
{
	Size bytes;

	fit->shared_offset = TYPEALIGN(BLOCK_ALIGNMENT, fit->block_bytes);
	bytes = add_size(fit->shared_offset, Max(fit->plan.shared_bytes, 1));
	fit->owner = augur_pool_owner();
	fit->segment = augur_pool_segment(bytes, fit->owner, "training");
	if (fit->segment != NULL)
	{
		fit->block = dsm_segment_address(fit->segment);
		return;
	}
	release_shared(fit);
	fit->workers = 0;
}

static void
allocate_private(AugurFit *fit)
{
	char *raw = MemoryContextAllocHuge(fit->context, add_size(fit->block_bytes, BLOCK_ALIGNMENT));

	fit->block = (void *) TYPEALIGN(BLOCK_ALIGNMENT, raw);
}

/* Plans workers and memory for the planned algorithm, or raises 53400. */
static void
plan_fit(AugurFit *fit, const AugShape *shape, const AugParams *params, Size memory, bool parallel)
{
	AugError err;

	augur_check(aug_plan(fit->planned, shape, params, &fit->plan, &err), &err);
	fit->workers = parallel ? wanted_workers(&fit->plan, shape->n_rows) : 0;
	for (;;)
	{
		fit->memory = plan_bytes(&fit->plan, fit->block_bytes, fit->workers + 1);
		if (fit->memory <= memory)
			return;
		if (fit->workers == 0)
			memory_error(&fit->plan, fit->block_bytes, fit->memory, memory);
		fit->workers--;
	}
}

/*
 * See fit.h.  Must not be called in a context where the loader's rows are still
 * coming in: augur_loader_finish comes first.
 */
AugurFit *
augur_fit_begin(AugurLoader *loader, const AugAlgorithm *algorithm, const AugParams *params,
				Size memory, bool parallel, AugurProgress *progress, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "augur fit", ALLOCSET_DEFAULT_SIZES);
	AugurFit *fit = MemoryContextAllocZero(own, sizeof(AugurFit));
	AugShape shape = augur_loader_shape(loader);

	fit->context = own;
	fit->planned = algorithm;
	fit->progress = progress;
	fit->block_bytes = augur_loader_bytes(loader);

	plan_fit(fit, &shape, params, memory, parallel);
	if (fit->workers > 0)
		allocate_shared(fit);
	if (fit->workers == 0)
		allocate_private(fit);

	augur_progress_memory(progress, fit->memory, 0);
	augur_loader_fill(loader, fit->block);
	augur_block_matrices(fit->block, &fit->training, &fit->holdout, own);
	return fit;
}

const AugMatrix *
augur_fit_training(const AugurFit *fit)
{
	return &fit->training;
}

const AugMatrix *
augur_fit_holdout(const AugurFit *fit)
{
	return &fit->holdout;
}

Size
augur_fit_memory(const AugurFit *fit)
{
	return fit->memory;
}

/*
 * Takes tasks by the shared counter and runs them; what the leader, the workers
 * and a training without workers all do.
 */
void
augur_fit_tasks(AugurTaskLoop *loop, uint32 limit)
{
	AugError err;

	for (uint32 ran = 0; limit == 0 || ran < limit; ran++)
	{
		uint32 task = pg_atomic_fetch_add_u32(loop->next, 1);
		uint8_t *bytes;
		size_t length;

		if (task >= loop->n_tasks)
			return;
		augur_check(aug_job_run(loop->job, task, &bytes, &length, &err), &err);
		loop->store(loop->store_arg, task, bytes, length);
		augur_progress_add(loop->progress, 1);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The leader's store: results stay where the core put them. */
static void
keep_result(void *arg, uint32 task, uint8_t *bytes, size_t length)
{
	AugurFitRun *run = (AugurFitRun *) arg;

	run->results[task].bytes = bytes;
	run->results[task].length = length;
}

/* Seconds since start. */
static double
seconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/*
 * Whether the rest is long enough for workers.  Large trainings launch them at
 * once; for others the leader runs and times the first task.
 */
static bool
worth_workers(AugurFitRun *run)
{
	uint32 n_tasks = run->loop.n_tasks;
	instr_time start;

	if (augur_compat_force_parallel() ||
		(double) n_tasks * run->fit->training.n_rows >= PARALLEL_WORK)
		return true;
	INSTR_TIME_SET_CURRENT(start);
	augur_fit_tasks(&run->loop, 1);
	return seconds_since(start) * (n_tasks - 1) > PARALLEL_SECONDS;
}

/* Zeroed accumulators for one run, in the segment or in memory of the job. */
static void *
accumulators(AugurFit *fit, const AugPlan *plan, bool shared, MemoryContext context)
{
	Size bytes = Max(plan->shared_bytes, 1);
	char *at;

	if (shared)
		at = (char *) dsm_segment_address(fit->segment) + fit->shared_offset;
	else
	{
		at = MemoryContextAllocHuge(context, add_size(bytes, BLOCK_ALIGNMENT));
		at = (char *) TYPEALIGN(BLOCK_ALIGNMENT, at);
	}
	memset(at, 0, bytes);
	return at;
}

/*
 * See fit.h.  Closing the job frees all of its memory but the artifact, which stays
 * in the job's context until augur_fit_end.
 */
void
augur_fit_run(AugurFit *fit, const AugAlgorithm *algorithm, const AugParams *params, uint64 seed,
			  AugurFitResult *result)
{
	MemoryContext job_context =
		AllocSetContextCreate(fit->context, "augur job", ALLOCSET_DEFAULT_SIZES);
	bool planned = (algorithm == fit->planned);
	bool parallel = planned && fit->workers > 0;
	AugurFitRun run = {0};
	AugShape shape;
	AugPlan plan;
	AugError err;
	pg_atomic_uint32 next;

	shape = aug_matrix_shape(&fit->training);
	augur_check(aug_plan(algorithm, &shape, params, &plan, &err), &err);

	run.fit = fit;
	run.algorithm = algorithm;
	run.params = params;
	run.seed = seed;
	augur_host_init(&run.host, job_context);
	run.results = MemoryContextAllocExtended(job_context,
											 mul_size(Max(plan.n_tasks, 1), sizeof(AugSlice)),
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	pg_atomic_init_u32(&next, 0);
	run.loop.n_tasks = plan.n_tasks;
	run.loop.next = &next;
	run.loop.store = keep_result;
	run.loop.store_arg = &run;
	run.loop.progress = planned ? fit->progress : NULL;
	augur_check(aug_job_open(&run.host.host, algorithm, &fit->training, params, seed,
							 accumulators(fit, &plan, parallel, job_context), &run.loop.job, &err),
				&err);

	if (planned)
		augur_progress_phase(fit->progress, AUGUR_PHASE_TRAIN, plan.n_tasks);
	if (parallel && worth_workers(&run))
		augur_workers_run(&run);
	else
		augur_fit_tasks(&run.loop, 0);

	augur_check(aug_job_merge(run.loop.job, run.results, true, &result->artifact, &result->length,
							  &result->fit, &err),
				&err);
	aug_job_close(run.loop.job);
	pfree(run.results);
	result->workers_planned = parallel ? fit->workers : 0;
	result->workers_launched = run.launched;
}

/*
 * Frees block, artifacts and shared memory.
 */
void
augur_fit_end(AugurFit *fit)
{
	release_shared(fit);
	MemoryContextDelete(fit->context);
}
