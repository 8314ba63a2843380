/*-------------------------------------------------------------------------
 *
 * series_workers.c
 *		A batch of series shared out among parallel workers.
 *
 * The batch is copied into a segment of shared memory.  Workers and the leader take
 * series by a counter until none is left; outcomes go to a DSA area, and the leader
 * hands them on in order when all are done.  What a series becomes does not depend on
 * who fits it, so no number of workers changes a byte.  No worker at all, or no room
 * in shared memory, is an ordinary case: the leader does it all.
 *
 * Locking: the counter is atomic; each series and each slot belongs to who took it, and
 * the leader reads slots after WaitForParallelWorkersToFinish.
 *
 * Memory: the segment, and the outcomes of one batch.  Interrupts: an error of a worker
 * reaches the leader as usual; an error or cancel in the leader ends the workers when the
 * transaction aborts.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/lwlock.h"
#include "storage/shm_toc.h"
#include "storage/shmem.h"
#include "utils/dsa.h"

#include "fit_private.h"

#define KEY_SHARED	UINT64CONST(0xA061000000000001)
#define KEY_OPTIONS UINT64CONST(0xA061000000000002)
#define KEY_SLOTS	UINT64CONST(0xA061000000000003)

#define LEAST_SERIES 8	   /* a worker takes some milliseconds to come */
#define LEAST_ROWS	 2000  /* of all series of a batch */
#define CHECK_EVERY	 1024

typedef struct SeriesShared
{
	dsm_handle block;
	dsa_handle outcomes;
	AugurSeriesBatch batch; /* its pointers mean nothing in another process */
	AugurStamp stamp;
	int32 horizon;
	pg_atomic_uint64 next;
} SeriesShared;

/* Where the parts of a batch lie in its block. */
typedef struct BlockPlan
{
	Size tasks, points, x, forms, whole;
} BlockPlan;

extern __attribute__((visibility("default"))) void
augur_series_worker_main(dsm_segment *seg, shm_toc *toc);

static BlockPlan
plan_block(const AugurSeriesBatch *b)
{
	BlockPlan plan;

	plan.tasks = 0;
	plan.points = MAXALIGN(mul_size(b->n_series, sizeof(AugurSeriesTask)));
	plan.x = add_size(plan.points, MAXALIGN(mul_size(b->n_rows, sizeof(AugurPoint))));
	plan.forms = add_size(
		plan.x, MAXALIGN(mul_size(mul_size(b->n_rows, b->n_regressors), sizeof(double))));
	plan.whole = add_size(plan.forms, MAXALIGN(Max(b->n_form_bytes, 1)));
	return plan;
}

/* The batch in a block. */
static void
point_into(AugurSeriesBatch *b, char *base)
{
	BlockPlan plan = plan_block(b);

	b->tasks = (AugurSeriesTask *) (base + plan.tasks);
	b->points = (AugurPoint *) (base + plan.points);
	b->x = (const double *) (base + plan.x);
	b->forms = (const uint8 *) (base + plan.forms);
}

static void
copy_batch(const AugurSeriesBatch *from, char *base)
{
	AugurSeriesBatch to = *from;

	point_into(&to, base);
	memcpy(to.tasks, from->tasks, mul_size(from->n_series, sizeof(AugurSeriesTask)));
	memcpy(to.points, from->points, mul_size(from->n_rows, sizeof(AugurPoint)));
	if (from->n_regressors > 0)
		memcpy((double *) to.x, from->x,
			   mul_size(mul_size(from->n_rows, from->n_regressors), sizeof(double)));
	if (from->n_form_bytes > 0)
		memcpy((uint8 *) to.forms, from->forms, from->n_form_bytes);
}

/* Takes series until none is left. */
static void
take_series(AugurSeriesJob *job, const AugurSeriesBatch *batch, pg_atomic_uint64 *next,
			dsa_area *area, dsa_pointer *slots)
{
	for (;;)
	{
		uint64 i = pg_atomic_fetch_add_u64(next, 1);
		AugurSeriesOutcome *outcome;
		Size length;

		if (i >= (uint64) batch->n_series)
			return;
		CHECK_FOR_INTERRUPTS();
		outcome = augur_series_fit_one(job, batch, (int64) i, &length);
		slots[i] = augur_workers_share(area, outcome, length);
		MemoryContextReset(job->work);
	}
}

/* Entry of a worker; named in CreateParallelContext. */
void
augur_series_worker_main(dsm_segment *seg, shm_toc *toc)
{
	SeriesShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	Jsonb *options = shm_toc_lookup(toc, KEY_OPTIONS, true);
	dsm_segment *segment = dsm_attach(shared->block);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur worker", ALLOCSET_DEFAULT_SIZES);
	AugurSeriesBatch batch = shared->batch;
	AugurSeriesJob job;
	dsa_area *area;

	if (segment == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("could not map dynamic shared memory segment")));
	MemoryContextSwitchTo(context);
	area = dsa_attach(shared->outcomes);
	point_into(&batch, dsm_segment_address(segment));
	augur_series_job_init(&job, options, shared->stamp, shared->horizon);
	take_series(&job, &batch, &shared->next, area, shm_toc_lookup(toc, KEY_SLOTS, false));
	dsa_detach(area);
	dsm_detach(segment);
}

/* Hands on what workers and leader made, in order. */
static void
collect(const AugurSeriesBatch *batch, dsa_area *area, const dsa_pointer *slots,
		void (*emit)(void *arg, int64 i, const AugurSeriesOutcome *outcome), void *arg)
{
	for (int64 i = 0; i < batch->n_series; i++)
	{
		if (i % CHECK_EVERY == 0)
			CHECK_FOR_INTERRUPTS();
		if (!DsaPointerIsValid(slots[i]))
			elog(ERROR, "series %lld was fitted by nobody", (long long) i);
		emit(arg, i, dsa_get_address(area, slots[i]));
		dsa_free(area, slots[i]);
	}
}

static void
run_parallel(AugurSeriesJob *job, AugurSeriesBatch *batch, const Jsonb *options, int workers,
			 dsm_segment *segment,
			 void (*emit)(void *arg, int64 i, const AugurSeriesOutcome *outcome), void *arg)
{
	Size slots_size = mul_size(batch->n_series, sizeof(dsa_pointer));
	dsa_area *area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
	ParallelContext *pcxt;
	SeriesShared *shared;
	dsa_pointer *slots;

	copy_batch(batch, dsm_segment_address(segment));
	point_into(batch, dsm_segment_address(segment));
	EnterParallelMode();
	pcxt = CreateParallelContext("augur", "augur_series_worker_main", workers);
	shm_toc_estimate_chunk(&pcxt->estimator, sizeof(SeriesShared));
	shm_toc_estimate_chunk(&pcxt->estimator, slots_size);
	shm_toc_estimate_keys(&pcxt->estimator, 2);
	if (options != NULL)
	{
		shm_toc_estimate_chunk(&pcxt->estimator, VARSIZE(options));
		shm_toc_estimate_keys(&pcxt->estimator, 1);
	}
	InitializeParallelDSM(pcxt);

	shared = shm_toc_allocate(pcxt->toc, sizeof(SeriesShared));
	memset(shared, 0, sizeof(*shared));
	shared->block = dsm_segment_handle(segment);
	shared->outcomes = dsa_get_handle(area);
	shared->batch = *batch;
	shared->stamp = job->options.time.stamp;
	shared->horizon = (int32) job->horizon;
	pg_atomic_init_u64(&shared->next, 0);
	shm_toc_insert(pcxt->toc, KEY_SHARED, shared);
	slots = shm_toc_allocate(pcxt->toc, slots_size);
	memset(slots, 0, slots_size);
	shm_toc_insert(pcxt->toc, KEY_SLOTS, slots);
	if (options != NULL)
	{
		void *copy = shm_toc_allocate(pcxt->toc, VARSIZE(options));

		memcpy(copy, options, VARSIZE(options));
		shm_toc_insert(pcxt->toc, KEY_OPTIONS, copy);
	}
	/* without a segment of the parallel context no worker will come */
	if (pcxt->seg != NULL)
		LaunchParallelWorkers(pcxt);
	take_series(job, batch, &shared->next, area, slots);
	WaitForParallelWorkersToFinish(pcxt);
	collect(batch, area, slots, emit, arg);
	DestroyParallelContext(pcxt);
	ExitParallelMode();
	dsa_detach(area);
}

/* How many workers are worth asking for. */
static int
wanted_workers(const AugurSeriesBatch *batch)
{
	int workers = Min(max_parallel_maintenance_workers, max_parallel_workers);

	if (IsInParallelMode() || batch->n_series < LEAST_SERIES || batch->n_rows < LEAST_ROWS)
		return 0;
	return (int) Min((int64) workers, batch->n_series / (LEAST_SERIES / 2));
}

void
augur_series_run(AugurSeriesJob *job, AugurSeriesBatch *batch, const Jsonb *options,
				 void (*emit)(void *arg, int64 i, const AugurSeriesOutcome *outcome), void *arg)
{
	int workers = wanted_workers(batch);
	dsm_segment *segment = NULL;

	if (workers > 0)
		segment = augur_workers_segment(plan_block(batch).whole, CurrentResourceOwner);
	if (segment != NULL)
	{
		run_parallel(job, batch, options, workers, segment, emit, arg);
		dsm_detach(segment);
		return;
	}
	for (int64 i = 0; i < batch->n_series; i++)
	{
		AugurSeriesOutcome *outcome;
		Size length;

		CHECK_FOR_INTERRUPTS();
		outcome = augur_series_fit_one(job, batch, i, &length);
		emit(arg, i, outcome);
		MemoryContextReset(job->work);
	}
}
