/*-------------------------------------------------------------------------
 *
 * progress.c
 *		What running trainings tell: slots in shared memory, and notices.
 *
 * With augur in shared_preload_libraries there are 64 slots; augur.progress shows
 * those in use.  Without, or when all are taken, a training runs all the same and
 * only its notices (augur.verbosity = 2) tell how far it is.
 *
 * Locking: a slot is taken by setting its pid with compare-and-swap.  Its owner
 * writes the fields, and readers read them, under the slot's spinlock; the
 * counter "done" is atomic, since parallel workers add to it.  A slot is released
 * by the reset callback of the training's memory context, that is, also when the
 * training fails or the session ends.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "progress.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define PROGRESS_SLOTS		64
#define PROGRESS_MODEL_SIZE 128
#define PROGRESS_NOTICE_MS	2000

typedef struct ProgressSlot
{
	pg_atomic_uint32 pid;  /* 0: free */
	pg_atomic_uint64 done; /* of total, in units of the phase */
	slock_t mutex;		   /* protects the rest */
	bool ready;			   /* the owner has filled in the rest */
	Oid database;
	Oid role;
	AugurPhase phase;
	uint64 total; /* 0: unknown */
	uint64 rows;
	Size memory;
	int workers;
	TimestampTz started;
	TimestampTz phase_started;
	char model[PROGRESS_MODEL_SIZE];
	char algorithm[NAMEDATALEN];
} ProgressSlot;

struct AugurProgress
{
	ProgressSlot *slot; /* NULL: nowhere to tell it */
	bool owner;
	AugurPhase phase;
	uint64 done; /* this process's own count, for the notices */
	uint64 total;
	TimestampTz noticed;
	MemoryContextCallback release;
};

static ProgressSlot *slots = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static const char *const phase_names[] = {"loading", "binning", "training", "evaluating",
										  "storing"};

static void
progress_request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(mul_size(PROGRESS_SLOTS, sizeof(ProgressSlot)));
}

static void
progress_startup(void)
{
	bool found;

	if (previous_startup_hook)
		previous_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slots = ShmemInitStruct("augur progress", PROGRESS_SLOTS * sizeof(ProgressSlot), &found);
	if (!found)
	{
		memset(slots, 0, PROGRESS_SLOTS * sizeof(ProgressSlot));
		for (int i = 0; i < PROGRESS_SLOTS; i++)
		{
			pg_atomic_init_u32(&slots[i].pid, 0);
			pg_atomic_init_u64(&slots[i].done, 0);
			SpinLockInit(&slots[i].mutex);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * Asks for the slots when the library is being preloaded; does nothing otherwise.
 */
void
augur_progress_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = progress_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = progress_startup;
}

/* Memory context callback: gives the slot back. */
static void
progress_release(void *arg)
{
	AugurProgress *progress = (AugurProgress *) arg;
	ProgressSlot *slot = progress->slot;

	if (slot == NULL)
		return;
	progress->slot = NULL;
	SpinLockAcquire(&slot->mutex);
	slot->ready = false;
	SpinLockRelease(&slot->mutex);
	pg_atomic_write_u32(&slot->pid, 0);
}

/* A free slot, now ours, or NULL. */
static ProgressSlot *
take_slot(void)
{
	if (slots == NULL)
		return NULL;
	for (int i = 0; i < PROGRESS_SLOTS; i++)
	{
		uint32 expected = 0;

		if (pg_atomic_compare_exchange_u32(&slots[i].pid, &expected, (uint32) MyProcPid))
			return &slots[i];
	}
	return NULL;
}

/*
 * Begins to tell about a training.  The result lies in context, whose reset or
 * deletion ends it.
 */
AugurProgress *
augur_progress_begin(const char *model, const char *algorithm, MemoryContext context)
{
	AugurProgress *progress = MemoryContextAllocZero(context, sizeof(AugurProgress));
	TimestampTz now = GetCurrentTimestamp();
	ProgressSlot *slot;

	progress->owner = true;
	progress->noticed = now;
	progress->release.func = progress_release;
	progress->release.arg = progress;
	MemoryContextRegisterResetCallback(context, &progress->release);

	slot = take_slot();
	progress->slot = slot;
	if (slot == NULL)
		return progress;

	pg_atomic_write_u64(&slot->done, 0);
	SpinLockAcquire(&slot->mutex);
	slot->database = MyDatabaseId;
	slot->role = GetUserId();
	slot->phase = AUGUR_PHASE_LOAD;
	slot->total = 0;
	slot->rows = 0;
	slot->memory = 0;
	slot->workers = 0;
	slot->started = now;
	slot->phase_started = now;
	strlcpy(slot->model, model, sizeof(slot->model));
	strlcpy(slot->algorithm, algorithm, sizeof(slot->algorithm));
	slot->ready = true;
	SpinLockRelease(&slot->mutex);
	return progress;
}

/* Tells by a notice how far the phase is, at most every two seconds. */
static void
progress_notice(AugurProgress *progress)
{
	TimestampTz now;

	if (augur_verbosity < 2 || !progress->owner)
		return;
	now = GetCurrentTimestamp();
	if (!TimestampDifferenceExceeds(progress->noticed, now, PROGRESS_NOTICE_MS))
		return;
	progress->noticed = now;
	if (progress->slot != NULL)
		progress->done = pg_atomic_read_u64(&progress->slot->done);
	if (progress->total > 0)
		ereport(NOTICE, (errmsg("%s: %llu of %llu done", phase_names[progress->phase],
								(unsigned long long) progress->done,
								(unsigned long long) progress->total)));
	else
		ereport(NOTICE, (errmsg("%s: %llu done", phase_names[progress->phase],
								(unsigned long long) progress->done)));
}

/*
 * A new phase begins, of total units (0: unknown).
 */
void
augur_progress_phase(AugurProgress *progress, AugurPhase phase, uint64 total)
{
	if (progress == NULL)
		return;
	progress->phase = phase;
	progress->done = 0;
	progress->total = total;
	if (progress->slot == NULL)
		return;
	pg_atomic_write_u64(&progress->slot->done, 0);
	SpinLockAcquire(&progress->slot->mutex);
	progress->slot->phase = phase;
	progress->slot->total = total;
	progress->slot->phase_started = GetCurrentTimestamp();
	SpinLockRelease(&progress->slot->mutex);
}

/*
 * Sets how many units of the phase are done.  May send a notice, so it is not to
 * be called from inside the core.
 */
void
augur_progress_done(AugurProgress *progress, uint64 done)
{
	if (progress == NULL)
		return;
	progress->done = done;
	if (progress->slot != NULL)
		pg_atomic_write_u64(&progress->slot->done, done);
	progress_notice(progress);
}

/*
 * Adds to the units done; this is what parallel workers call.
 */
void
augur_progress_add(AugurProgress *progress, uint64 done)
{
	if (progress == NULL)
		return;
	progress->done += done;
	if (progress->slot != NULL)
		pg_atomic_fetch_add_u64(&progress->slot->done, (int64) done);
	progress_notice(progress);
}

/* Rows that the training uses, once they are known. */
void
augur_progress_rows(AugurProgress *progress, uint64 rows)
{
	if (progress == NULL || progress->slot == NULL)
		return;
	SpinLockAcquire(&progress->slot->mutex);
	progress->slot->rows = rows;
	SpinLockRelease(&progress->slot->mutex);
}

/* Planned memory and launched workers, once they are known. */
void
augur_progress_memory(AugurProgress *progress, Size bytes, int workers)
{
	if (progress == NULL || progress->slot == NULL)
		return;
	SpinLockAcquire(&progress->slot->mutex);
	progress->slot->memory = bytes;
	progress->slot->workers = workers;
	SpinLockRelease(&progress->slot->mutex);
}

int
augur_progress_slot(const AugurProgress *progress)
{
	if (progress == NULL || progress->slot == NULL)
		return -1;
	return (int) (progress->slot - slots);
}

AugurProgress *
augur_progress_attach(int slot, MemoryContext context)
{
	AugurProgress *progress;

	if (slot < 0 || slot >= PROGRESS_SLOTS || slots == NULL)
		return NULL;
	progress = MemoryContextAllocZero(context, sizeof(AugurProgress));
	progress->slot = &slots[slot];
	return progress;
}

/* One row of augur.progress; details only for the training's role and its members. */
static void
progress_row(const ProgressSlot *slot, uint32 pid, uint64 done, Datum *values, bool *nulls)
{
	char *database = get_database_name(slot->database);
	char *role = GetUserNameFromId(slot->role, true);
	TimestampTz now = GetCurrentTimestamp();

	memset(nulls, true, sizeof(bool) * 13);
	values[0] = Int32GetDatum((int32) pid);
	nulls[0] = false;
	if (database != NULL)
	{
		values[1] = CStringGetTextDatum(database);
		nulls[1] = false;
	}
	if (role != NULL)
	{
		values[2] = CStringGetTextDatum(role);
		nulls[2] = false;
	}
	if (!has_privs_of_role(GetUserId(), slot->role) &&
		!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return;

	memset(nulls + 3, false, sizeof(bool) * 10);
	values[3] = CStringGetTextDatum(slot->model);
	values[4] = CStringGetTextDatum(slot->algorithm);
	values[5] = CStringGetTextDatum(phase_names[slot->phase]);
	values[6] = Int64GetDatum((int64) done);
	values[7] = Int64GetDatum((int64) slot->total);
	nulls[7] = (slot->total == 0);
	values[8] = Int64GetDatum((int64) slot->rows);
	nulls[8] = (slot->rows == 0);
	values[9] = TimestampTzGetDatum(slot->started);
	nulls[10] = (slot->total == 0 || done == 0);
	if (!nulls[10])
	{
		double spent = (double) (now - slot->phase_started) / USECS_PER_SEC;
		double left = (double) (slot->total - Min(done, slot->total));

		values[10] = Float8GetDatum(spent * left / (double) done);
	}
	values[11] = Int64GetDatum((int64) slot->memory);
	nulls[11] = (slot->memory == 0);
	values[12] = Int32GetDatum(slot->workers);
}

AUGUR_FUNCTION(augur_progress_list);

/*
 * augur._progress(): one row for each running training; none when the library was
 * not preloaded.
 */
Datum
augur_progress_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; slots != NULL && i < PROGRESS_SLOTS; i++)
	{
		ProgressSlot copy;
		uint32 pid = pg_atomic_read_u32(&slots[i].pid);
		uint64 done = pg_atomic_read_u64(&slots[i].done);
		Datum values[13];
		bool nulls[13];

		if (pid == 0)
			continue;
		SpinLockAcquire(&slots[i].mutex);
		memcpy(&copy, &slots[i], sizeof(copy));
		SpinLockRelease(&slots[i].mutex);
		if (!copy.ready)
			continue;
		progress_row(&copy, pid, done, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
