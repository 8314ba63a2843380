/*-------------------------------------------------------------------------
 *
 * series_fit.c
 *		augur._series_fit: fits all series of a query, with parallel workers, and returns a row
 *		for each with its state as bytes.
 *
 * Rows are read into batches of whole series (series_rows.c).  The leader fits the first
 * series of a batch; when what is left would take it long, the batch is copied into
 * shared memory and workers join in (pool.c).  Rows of the result come in the order of
 * the keys, and each depends on nothing but its series: so they are the same for any
 * number of workers and order of rows.
 *
 * With a version to follow, what is needed of its states is read beforehand and looked up
 * by the name of the series.
 *
 * Memory: a batch is at most a quarter of augur.training_memory, its copy and its results
 * likewise; rows of the result go to a tuplestore that spills at work_mem; of a version
 * to follow some 300 bytes a series.  Interrupts: the executor's, those of the tasks, and a
 * look for each series.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"

AUGUR_FUNCTION(augur_series_fit);

/* The leader works alone for so long (s) before it knows what a series takes ... */
#define PROBE_SECONDS 0.02
/* ... and has workers when the rest would take it longer. */
#define PARALLEL_SECONDS 0.2

#define FETCH_ROWS 500

extern __attribute__((visibility("default"))) void
augur_series_worker(dsm_segment *seg, shm_toc *toc);

/* ---- a version to follow ------------------------------------------------------------ */

/* What of its states is kept, by a hash of the series' name; equal hashes are a list. */
typedef struct KeptSeries
{
	struct KeptSeries *next;
	Jsonb *series;
	bytea *state;
	int64 n; /* steps */
} KeptSeries;

typedef struct KeptEntry
{
	uint64 hash; /* key of the table */
	KeptSeries *first;
} KeptEntry;

static uint64
series_hash(Jsonb *series)
{
	return DatumGetUInt64(
		DirectFunctionCall2(jsonb_hash_extended, JsonbPGetDatum(series), Int64GetDatum(0)));
}

static void
keep_series(HTAB *table, Jsonb *series, bytea *state, int64 n, MemoryContext context)
{
	uint64 hash = series_hash(series);
	KeptSeries *kept = MemoryContextAlloc(context, sizeof(KeptSeries));
	KeptEntry *entry;
	bool found;

	kept->n = n;
	kept->series = MemoryContextAlloc(context, VARSIZE(series));
	memcpy(kept->series, series, VARSIZE(series));
	kept->state = MemoryContextAlloc(context, VARSIZE(state));
	memcpy(kept->state, state, VARSIZE(state));
	entry = hash_search(table, &hash, HASH_ENTER, &found);
	kept->next = found ? entry->first : NULL;
	entry->first = kept;
}

/* One fetch of states of the version. */
static void
keep_fetched(HTAB *table, MemoryContext work, MemoryContext context)
{
	AugurHost host;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(work);
		bool no_series, no_state;
		Datum series = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &no_series);
		Datum state = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &no_state);

		CHECK_FOR_INTERRUPTS();
		if (!no_series && !no_state)
		{
			bytea *bytes = DatumGetByteaPP(state);
			int64 n;

			augur_host_init(&host, work);
			bytes = augur_stored_reduce(&host, (const uint8 *) VARDATA_ANY(bytes),
										VARSIZE_ANY_EXHDR(bytes), &n);
			keep_series(table, DatumGetJsonbP(series), bytes, n, context);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
}

/* Reads the series of a version, as the caller; SPI is connected. */
static HTAB *
read_version(int64 version, MemoryContext context)
{
	HASHCTL control = {.keysize = sizeof(uint64), .entrysize = sizeof(KeptEntry), .hcxt = context};
	HTAB *table =
		hash_create("augur kept series", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContext work = AllocSetContextCreate(context, "augur kept state", ALLOCSET_DEFAULT_SIZES);
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(version)};
	static const char *const query =
		"SELECT s.series, t.state FROM augur.version_series s JOIN augur.version_states t"
		" ON t.version_id OPERATOR(pg_catalog.=) s.version_id"
		" AND t.series_no OPERATOR(pg_catalog.=) s.series_no"
		" WHERE s.version_id OPERATOR(pg_catalog.=) $1";
	Portal cursor =
		SPI_cursor_open_with_args(NULL, query, 1, types, values, NULL, true, CURSOR_OPT_NO_SCROLL);

	for (;;)
	{
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		keep_fetched(table, work, context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(cursor);
	MemoryContextDelete(work);
	return table;
}

static const KeptSeries *
find_kept(HTAB *table, Jsonb *series)
{
	uint64 hash = series_hash(series);
	KeptEntry *entry = hash_search(table, &hash, HASH_FIND, NULL);

	for (KeptSeries *k = entry == NULL ? NULL : entry->first; k != NULL; k = k->next)
	{
		if (compareJsonbContainers(&k->series->root, &series->root) == 0)
			return k;
	}
	return NULL;
}

/* ---- the fit ------------------------------------------------------------------------ */

/* What a worker has to know; texts one after the other behind it. */
typedef struct FitHead
{
	int32 stamp;
	uint32 horizon;
	uint32 n_regressors;
	bool refresh;
	Size options;					   /* bytes of the jsonb, 0: none */
	char bytes[FLEXIBLE_ARRAY_MEMBER]; /* the options, then the regressors' names */
} FitHead;

/* How a batch lies in shared memory. */
typedef struct FitBlock
{
	uint32 n;
	Size data; /* offset; the items are before it */
	AugurSeriesItem items[FLEXIBLE_ARRAY_MEMBER];
} FitBlock;

typedef struct Fit
{
	ReturnSetInfo *rsinfo;
	MemoryContext context;
	MemoryContext results_context; /* of one batch */
	AugurSeriesRows *rows;
	AugurSeriesTask *task;
	AugurSeriesBatch *batch;
	HTAB *kept; /* NULL: no version to follow */
	FitHead *head;
	Size head_size;
	AugurProgress *progress;
	AugSlice *results; /* [batch->n] */
	pg_atomic_uint32 next;
	AugurPool pool; /* of the batch at hand, when there are workers */
	char *data;		/* of the batch: its own, or in shared memory */
} Fit;

/* Takes series until none is left, or for some seconds when more than 0. */
static void
lead(Fit *fit, pg_atomic_uint32 *next, double seconds)
{
	StringInfoData out;
	instr_time start, now;

	INSTR_TIME_SET_CURRENT(start);
	initStringInfo(&out);
	for (;;)
	{
		uint32 i = pg_atomic_fetch_add_u32(next, 1);
		uint8 *bytes;

		if (i >= fit->batch->n)
			break;
		resetStringInfo(&out);
		augur_task_run(fit->task, &fit->batch->items[i], fit->data, &out);
		bytes = MemoryContextAllocHuge(fit->results_context, out.len);
		memcpy(bytes, out.data, out.len);
		fit->results[i] = (AugSlice){bytes, out.len};
		augur_progress_add(fit->progress, 1);
		CHECK_FOR_INTERRUPTS();
		if (seconds <= 0)
			continue;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, start);
		if (INSTR_TIME_GET_DOUBLE(now) >= seconds)
			break;
	}
	pfree(out.data);
}

static void
lead_rest(void *arg, pg_atomic_uint32 *next)
{
	Fit *fit = arg;

	augur_progress_memory(fit->progress, fit->batch->used, fit->pool.launched);
	lead(fit, next, 0);
}

static void
take_result(void *arg, uint32 task, const void *result, Size length)
{
	Fit *fit = arg;
	uint8 *bytes;

	if (result == NULL)
	{
		if (fit->results[task].bytes == NULL)
			elog(ERROR, "series %u of a batch was fitted by nobody", task);
		return;
	}
	bytes = MemoryContextAllocHuge(fit->results_context, length);
	memcpy(bytes, result, length);
	fit->results[task] = (AugSlice){bytes, length};
}

/*
 * Entry of a worker; named in run_parallel.
 */
void
augur_series_worker(dsm_segment *seg, shm_toc *toc)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur series worker", ALLOCSET_DEFAULT_SIZES);
	AugurSeriesTask *task = MemoryContextAlloc(context, sizeof(AugurSeriesTask));
	AugurPoolWorker worker;
	const FitHead *head;
	const char **regressor, *at;
	const FitBlock *block;
	StringInfoData out;

	augur_pool_attach(toc, context, &worker);
	MemoryContextSwitchTo(context);
	head = worker.head;
	block = worker.block;
	at = head->bytes + head->options;
	regressor = palloc(mul_size(Max(head->n_regressors, 1), sizeof(char *)));
	for (uint32 j = 0; j < head->n_regressors; j++)
	{
		regressor[j] = at;
		at += strlen(at) + 1;
	}
	augur_task_init(task, AUGUR_FORECAST_SERIES, head->options > 0 ? (Jsonb *) head->bytes : NULL,
					(AugurStamp) head->stamp, head->horizon, regressor, head->n_regressors,
					head->refresh, context);
	initStringInfo(&out);
	for (;;)
	{
		uint32 i = pg_atomic_fetch_add_u32(worker.next, 1);

		if (i >= worker.n_tasks)
			break;
		resetStringInfo(&out);
		augur_task_run(task, &block->items[i], (char *) worker.block + block->data, &out);
		augur_pool_store(&worker, i, out.data, out.len);
		augur_progress_add(worker.progress, 1);
		CHECK_FOR_INTERRUPTS();
	}
	augur_pool_detach(&worker);
}

/* Copies the batch into shared memory; NULL when there is no room. */
static dsm_segment *
share_batch(Fit *fit, ResourceOwner owner)
{
	const AugurSeriesBatch *batch = fit->batch;
	Size items = mul_size(batch->n, sizeof(AugurSeriesItem));
	Size data = MAXALIGN(add_size(offsetof(FitBlock, items), items));
	dsm_segment *segment = augur_pool_segment(add_size(data, batch->used), owner, "fitting series");
	FitBlock *block;

	if (segment == NULL)
		return NULL;
	block = dsm_segment_address(segment);
	block->n = batch->n;
	block->data = data;
	memcpy(block->items, batch->items, items);
	memcpy((char *) block + data, batch->data, batch->used);
	fit->data = (char *) block + data;
	return segment;
}

/* Fits what is left of the batch with workers; false: there is no shared memory. */
static bool
run_parallel(Fit *fit, int workers)
{
	AugurPool *pool = &fit->pool;

	*pool = (AugurPool){.entry = "augur_series_worker",
						.workers = workers,
						.n_tasks = fit->batch->n,
						.first = pg_atomic_read_u32(&fit->next),
						.head = fit->head,
						.head_size = fit->head_size,
						.progress = fit->progress,
						.lead = lead_rest,
						.collect = take_result,
						.arg = fit};

	pool->owner = augur_pool_owner();
	pool->block = share_batch(fit, pool->owner);
	if (pool->block == NULL)
	{
		augur_pool_release(pool->owner);
		return false;
	}
	augur_pool_run(pool);
	dsm_detach(pool->block);
	augur_pool_release(pool->owner);
	fit->data = fit->batch->data;
	return true;
}

/* Fits all series of the batch. */
static void
run_batch(Fit *fit)
{
	uint32 n = fit->batch->n, done, left;
	int workers = augur_pool_workers();
	instr_time start, now;
	double spent;

	fit->results = MemoryContextAllocExtended(fit->results_context, mul_size(n, sizeof(AugSlice)),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	fit->data = fit->batch->data;
	pg_atomic_init_u32(&fit->next, 0);
	if (workers > 0 && n > 1 && !augur_compat_force_parallel())
	{
		INSTR_TIME_SET_CURRENT(start);
		lead(fit, &fit->next, PROBE_SECONDS);
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, start);
		spent = INSTR_TIME_GET_DOUBLE(now);
		done = Min(pg_atomic_read_u32(&fit->next), n);
		if (spent / Max(done, 1) * (n - done) < PARALLEL_SECONDS)
			workers = 0;
	}
	done = Min(pg_atomic_read_u32(&fit->next), n);
	left = n - done;
	if (left > 1 && workers > 0 && run_parallel(fit, (int) Min((uint32) workers, left - 1)))
		return;
	lead(fit, &fit->next, 0);
}

/* ---- rows of the result ------------------------------------------------------------------ */

/* A text of some length, which at is put behind; NULL when it is empty. */
static Datum
next_text(const char **at, int32 length, bool *null)
{
	const char *text = *at;

	*at += length;
	*null = length == 0;
	return *null ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(text, length));
}

static Datum
number(double value, bool *null)
{
	*null = !isfinite(value);
	return Float8GetDatum(value);
}

static Datum
season_array(const AugurSeriesOut *out)
{
	Datum lengths[AUG_MAX_PERIODS];

	for (int i = 0; i < out->n_season; i++)
		lengths[i] = Int32GetDatum((int32) out->season[i]);
	return PointerGetDatum(
		construct_array(lengths, out->n_season, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

void
augur_series_row(const char *result, Datum *values, bool *nulls)
{
	const char *at = result;
	AugurSeriesOut out;
	int c = 1;
	bytea *state;

	memcpy(&out, at, sizeof(out));
	at += sizeof(out);
	memset(nulls, 0, sizeof(bool) * AUGUR_FIT_COLUMNS);
	values[c++] = Int64GetDatum(out.n);
	values[c++] = Int64GetDatum(out.observed);
	values[c++] = Int64GetDatum(out.filled);
	values[c++] = Int64GetDatum(out.missing);
	values[c++] = Int64GetDatum(out.duplicates);
	values[c++] = Int64GetDatum(out.irregular);
	values[c++] = Int64GetDatum(out.left_out);
	values[c++] = Int64GetDatum(out.skipped);
	nulls[c] = nulls[c + 1] = nulls[c + 2] = nulls[c + 3] = !out.has_time;
	values[c++] = TimestampTzGetDatum(out.first_ts);
	values[c++] = TimestampTzGetDatum(out.last_ts);
	values[c++] = out.has_time ? IntervalPGetDatum(augur_step_interval(out.step)) : (Datum) 0;
	values[c++] = out.has_time ? season_array(&out) : (Datum) 0;
	values[c] = next_text(&at, out.method, &nulls[c]);
	c++;
	values[c] = next_text(&at, out.reason, &nulls[c]);
	c++;
	values[c] = next_text(&at, out.fallback, &nulls[c]);
	c++;
	values[c] = next_text(&at, out.warning, &nulls[c]);
	c++;
	values[c] = number(out.aicc, &nulls[c]);
	c++;
	values[c] = number(out.sigma, &nulls[c]);
	c++;
	values[c++] = Int32GetDatum(out.folds);
	values[c++] = Int64GetDatum(out.errors.n);
	for (int k = 0; k < AUGUR_ERRORS; k++, c++)
	{
		values[c] = number(out.errors.error[k], &nulls[c]);
		nulls[c] = nulls[c] || out.folds == 0;
	}
	state = palloc_extended(VARHDRSZ + out.state, MCXT_ALLOC_HUGE);
	SET_VARSIZE(state, VARHDRSZ + out.state);
	memcpy(VARDATA(state), at, out.state);
	nulls[c] = out.state == 0;
	values[c++] = PointerGetDatum(state);
	Assert(c == AUGUR_FIT_COLUMNS);
}

static void
emit_batch(Fit *fit)
{
	MemoryContext row =
		AllocSetContextCreate(fit->context, "augur series row", ALLOCSET_DEFAULT_SIZES);
	Datum values[AUGUR_FIT_COLUMNS];
	bool nulls[AUGUR_FIT_COLUMNS];

	for (uint32 i = 0; i < fit->batch->n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(row);

		CHECK_FOR_INTERRUPTS();
		augur_series_row((const char *) fit->results[i].bytes, values, nulls);
		values[0] = PointerGetDatum(fit->batch->data + fit->batch->items[i].key);
		tuplestore_putvalues(fit->rsinfo->setResult, fit->rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	MemoryContextDelete(row);
	MemoryContextReset(fit->results_context);
}

/* ---- arguments --------------------------------------------------------------------------- */

char **
augur_series_names(ArrayType *array, const char *argument, int *n)
{
	Datum *values;
	bool *nulls;
	char **names;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &values, &nulls, n);
	names = palloc(mul_size(Max(*n, 1), sizeof(char *)));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"%s\" must not contain null", argument)));
		names[i] = pstrdup(NameStr(*DatumGetName(values[i])));
	}
	return names;
}

/* What workers have to know, in one piece. */
static void
make_head(Fit *fit, Jsonb *options)
{
	const AugurSeriesTask *task = fit->task;
	Size bytes = options == NULL ? 0 : VARSIZE(options);
	char *at;

	fit->head_size = offsetof(FitHead, bytes) + bytes;
	for (uint32 j = 0; j < task->n_regressors; j++)
		fit->head_size += strlen(task->regressor[j]) + 1;
	fit->head_size = MAXALIGN(fit->head_size);
	fit->head = palloc0(fit->head_size);
	fit->head->stamp = (int32) task->options.time.stamp;
	fit->head->horizon = task->horizon;
	fit->head->n_regressors = task->n_regressors;
	fit->head->refresh = task->refresh;
	fit->head->options = bytes;
	if (bytes > 0)
		memcpy(fit->head->bytes, options, bytes);
	at = fit->head->bytes + bytes;
	for (uint32 j = 0; j < task->n_regressors; j++)
	{
		strcpy(at, task->regressor[j]);
		at += strlen(at) + 1;
	}
}

/* A method that would not look at regressors is not asked for with them. */
static void
check_method(const AugurSeriesTask *task)
{
	const char *name = aug_params_value(task->options.params, 0);
	const AugForecastMethod *asked = NULL;
	StringInfoData able;

	if (task->n_regressors == 0)
		return;
	initStringInfo(&able);
	for (uint32 i = 0; i < aug_forecast_method_count(); i++)
	{
		const AugForecastMethod *method = aug_forecast_method_at(i);

		if (strcmp(method->name, name) == 0)
			asked = method;
		if (method->regressors)
			appendStringInfo(&able, "\"%s\", ", method->name);
	}
	if (asked != NULL && !asked->regressors)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("method \"%s\" cannot use regressors", name),
						errhint("Methods that can: %s\"global_boosting\".", able.data)));
	pfree(able.data);
}

/* Looks up what is kept of each series of the batch. */
static void
attach_kept(Fit *fit)
{
	for (uint32 i = 0; fit->kept != NULL && i < fit->batch->n; i++)
	{
		AugurSeriesItem *item = &fit->batch->items[i];
		const KeptSeries *kept = find_kept(fit->kept, (Jsonb *) (fit->batch->data + item->key));

		CHECK_FOR_INTERRUPTS();
		if (kept == NULL)
			continue;
		item->kept_n = kept->n;
		item->kept_length = VARSIZE(kept->state) - VARHDRSZ;
		item->kept = augur_rows_append(fit->rows, VARDATA(kept->state), item->kept_length);
	}
}

static void
run_all(Fit *fit)
{
	Size memory = augur_training_memory_bytes();

	for (;;)
	{
		augur_progress_phase(fit->progress, AUGUR_PHASE_LOAD, 0);
		if (!augur_rows_batch(fit->rows, memory / 4, memory, &fit->batch, fit->progress))
			return;
		attach_kept(fit);
		augur_progress_phase(fit->progress, AUGUR_PHASE_TRAIN, fit->batch->n);
		run_batch(fit);
		emit_batch(fit);
	}
}

enum
{
	ARG_QUERY,
	ARG_KEYS,
	ARG_HORIZON,
	ARG_REGRESSORS,
	ARG_OPTIONS,
	ARG_PREVIOUS
};

uint32
augur_series_horizon(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"query", "keys", "horizon", "regressors"};
	int32 horizon;

	for (int i = 0; i < lengthof(names); i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"%s\" must not be null", names[i])));
	}
	horizon = PG_GETARG_INT32(ARG_HORIZON);
	if (horizon < 1 || horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	return (uint32) horizon;
}

/*
 * augur._series_fit(query, keys, horizon, regressors, options, previous)
 */
Datum
augur_series_fit(PG_FUNCTION_ARGS)
{
	uint32 horizon = augur_series_horizon(fcinfo);
	Jsonb *options = PG_ARGISNULL(ARG_OPTIONS) ? NULL : PG_GETARG_JSONB_P(ARG_OPTIONS);
	Fit fit = {.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo};
	MemoryContext old;
	char **keys, **regressors;
	int n_keys, n_regressors;

	InitMaterializedSRF(fcinfo, 0);
	if (fit.rsinfo->setDesc->natts != AUGUR_FIT_COLUMNS)
		elog(ERROR, "augur.series_fit has %d attributes", fit.rsinfo->setDesc->natts);
	fit.context =
		AllocSetContextCreate(CurrentMemoryContext, "augur series fit", ALLOCSET_DEFAULT_SIZES);
	fit.results_context =
		AllocSetContextCreate(fit.context, "augur series results", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(fit.context);
	keys = augur_series_names(PG_GETARG_ARRAYTYPE_P(ARG_KEYS), "keys", &n_keys);
	regressors =
		augur_series_names(PG_GETARG_ARRAYTYPE_P(ARG_REGRESSORS), "regressors", &n_regressors);
	if (n_regressors > AUG_MAX_REGRESSORS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("at most %d regressors can be used", AUG_MAX_REGRESSORS)));

	SPI_connect();
	MemoryContextSwitchTo(fit.context);
	if (!PG_ARGISNULL(ARG_PREVIOUS))
		fit.kept = read_version(PG_GETARG_INT64(ARG_PREVIOUS), fit.context);
	fit.rows = augur_rows_open(text_to_cstring(PG_GETARG_TEXT_PP(ARG_QUERY)), keys, n_keys,
							   (uint32) n_regressors, fit.context);
	fit.task = palloc(sizeof(AugurSeriesTask));
	augur_task_init(fit.task, AUGUR_FORECAST_SERIES, options, augur_rows_stamp(fit.rows), horizon,
					(const char *const *) regressors, (uint32) n_regressors, fit.kept != NULL,
					fit.context);
	check_method(fit.task);
	make_head(&fit, options);
	fit.progress =
		augur_progress_begin("", aug_params_value(fit.task->options.params, 0), fit.context);
	run_all(&fit);
	augur_rows_close(fit.rows);
	SPI_finish();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(fit.context);
	return (Datum) 0;
}
