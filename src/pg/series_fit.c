/*-------------------------------------------------------------------------
 *
 * series_fit.c
 *		augur._series_fit: every series that a query yields, fitted and tested, a row for
 *		each.
 *
 * The query's rows are ordered by the keys and read through a cursor, as the caller.
 * Rows of equal keys are one series.  Whole series are gathered into a batch, which
 * series_workers.c fits; so memory is bounded by a batch, its longest series and
 * what work_mem lets the result keep.
 *
 * Memory: a context for what lives as long as the call, one for a batch, one for each
 * fetch.  Interrupts: once a row, and those of the fits.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/typcache.h"

AUGUR_FUNCTION(augur_series_fit);

#define FETCH_ROWS	 5000
#define FIT_COLUMNS	 34
#define FIRST_ROWS	 8192 /* room at first */
#define LARGEST_BATCH ((Size) 64 * 1024 * 1024)
#define MOST_PLACES	 32767 /* keys are parameters of a query */

/* An earlier fit, found by its series. */
typedef struct Earlier
{
	uint64 hash; /* of the jsonb's bytes: the key */
	Jsonb *series;
	uint8 *form;
	Size length;
} Earlier;

typedef struct Fit
{
	ReturnSetInfo *result;
	int n_keys;
	char **keys;
	int32 n_regressors;
	const Jsonb *options;
	int32 horizon;

	AugurSeriesJob job;
	bool has_job; /* made when the type of time is known */
	HTAB *earlier; /* NULL: none */
	SPIPlanPtr series_plan; /* keys -> jsonb */
	Oid *key_types;
	FmgrInfo *equal; /* [n_keys] */
	Oid *collations;
	int16 *key_length;
	bool *key_by_value;
	AugurStamp stamp;

	Datum *key; /* of the series at hand */
	bool *key_null;
	bool any; /* there is one */

	MemoryContext context;		 /* of the call */
	MemoryContext batch_context; /* of the batch's series */
	AugurSeriesBatch batch;
	double *x;
	uint8 *forms;
	Jsonb **series; /* [n_series] */
	Size series_room, rows_room, forms_room;
	Size limit; /* bytes of rows in a batch */
} Fit;

/* ---- results ---------------------------------------------------------------- */

static Datum
text_or_null(const char *bytes, Size length, bool *null)
{
	*null = length == 0;
	return *null ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(bytes, (int) length));
}

static Datum
season_array(const AugurSeriesOutcome *o)
{
	Datum lengths[AUG_MAX_PERIODS];

	for (int i = 0; i < o->n_season; i++)
		lengths[i] = Int32GetDatum((int32) o->season[i]);
	return PointerGetDatum(
		construct_array(lengths, o->n_season, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

static Datum
finite_or_null(double number, bool *null)
{
	*null = !isfinite(number);
	return Float8GetDatum(number);
}

/* The state as a bytea. */
static Datum
state_datum(const AugurSeriesOutcome *o)
{
	bytea *state;

	if (o->state_length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a series of %lld steps is too long to be stored",
							   (long long) o->n)));
	state = palloc(VARHDRSZ + o->state_length);
	SET_VARSIZE(state, VARHDRSZ + o->state_length);
	memcpy(VARDATA(state), (const char *) (o + 1) + o->warning_length, o->state_length);
	return PointerGetDatum(state);
}

/* One row of the result. */
static void
emit_row(void *arg, int64 i, const AugurSeriesOutcome *o)
{
	Fit *fit = (Fit *) arg;
	MemoryContext old = MemoryContextSwitchTo(fit->job.work);
	Datum v[FIT_COLUMNS];
	bool nulls[FIT_COLUMNS] = {0};
	bool none = o->n == 0;

	v[0] = JsonbPGetDatum(fit->series[i]);
	v[1] = Int64GetDatum(o->n);
	v[2] = Int64GetDatum(o->observed);
	v[3] = Int64GetDatum(o->filled);
	v[4] = Int64GetDatum(o->missing);
	v[5] = Int64GetDatum(o->duplicates);
	v[6] = Int64GetDatum(o->irregular);
	v[7] = Int64GetDatum(o->left_out);
	v[8] = Int64GetDatum(o->skipped);
	v[9] = TimestampTzGetDatum(o->first_at);
	v[10] = TimestampTzGetDatum(o->last_at);
	nulls[9] = nulls[10] = nulls[11] = nulls[12] = none;
	v[11] = none ? (Datum) 0 : IntervalPGetDatum(augur_step_interval(o->step));
	v[12] = none ? (Datum) 0 : season_array(o);
	v[13] = CStringGetTextDatum(o->method);
	v[14] = text_or_null(o->reason, strlen(o->reason), &nulls[14]);
	v[15] = text_or_null(o->fallback, strlen(o->fallback), &nulls[15]);
	v[16] = text_or_null((const char *) (o + 1), o->warning_length, &nulls[16]);
	v[17] = finite_or_null(o->aicc, &nulls[17]);
	v[18] = finite_or_null(o->sigma, &nulls[18]);
	v[19] = Int32GetDatum(o->folds);
	v[20] = Int64GetDatum(o->tested);
	for (int k = 0; k < AUGUR_ERROR_COUNT; k++)
	{
		v[21 + k] = finite_or_null(o->errors[k], &nulls[21 + k]);
		nulls[21 + k] = nulls[21 + k] || o->folds == 0;
	}
	nulls[33] = !o->usable;
	v[33] = o->usable ? state_datum(o) : (Datum) 0;
	tuplestore_putvalues(fit->result->setResult, fit->result->setDesc, v, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(fit->job.work);
}

/* ---- earlier fits --------------------------------------------------------------- */

static uint64
series_hash(const Jsonb *series)
{
	return aug_hash(series, VARSIZE(series), 0);
}

/* Adds one row of an earlier version: the form of its state. */
static void
add_earlier(Fit *fit, AugurHost *host, const Jsonb *series, const bytea *state)
{
	AugStored *stored;
	AugError err;
	Earlier *entry;
	uint64 hash = series_hash(series);
	bool found;

	augur_check(aug_stored_read(&host->host, (const uint8_t *) VARDATA_ANY(state),
								VARSIZE_ANY_EXHDR(state), &stored, &err),
				&err);
	entry = hash_search(fit->earlier, &hash, HASH_ENTER, &found);
	if (!found && stored->form.length > 0)
	{
		entry->series = MemoryContextAlloc(fit->context, VARSIZE(series));
		memcpy(entry->series, series, VARSIZE(series));
		entry->form = MemoryContextAlloc(fit->context, stored->form.length);
		memcpy(entry->form, stored->form.bytes, stored->form.length);
		entry->length = stored->form.length;
	}
	else if (!found)
		entry->series = NULL;
	host->host.release(host->host.arg, stored);
}

/* Reads the forms of a version. */
static void
read_earlier(Fit *fit, int64 version_id)
{
	static const char *const query =
		"SELECT s.series, t.state FROM augur.version_series s JOIN augur.version_states t"
		" ON t.version_id OPERATOR(pg_catalog.=) s.version_id"
		" AND t.series_no OPERATOR(pg_catalog.=) s.series_no"
		" WHERE s.version_id OPERATOR(pg_catalog.=) $1";
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(version_id)};
	HASHCTL ctl = {.keysize = sizeof(uint64), .entrysize = sizeof(Earlier), .hcxt = fit->context};
	Portal portal = SPI_cursor_open_with_args(NULL, query, 1, types, values, NULL, true, 0);
	AugurHost host;

	fit->earlier =
		hash_create("augur earlier fits", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	augur_host_init(&host, fit->context);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple row = SPI_tuptable->vals[i];
			bool null;
			Datum series = SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &null);
			Datum state = SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &null);

			CHECK_FOR_INTERRUPTS();
			add_earlier(fit, &host, DatumGetJsonbP(series), DatumGetByteaPP(state));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
}

/* The form of an earlier fit of the series goes into the batch. */
static void
recall(Fit *fit, AugurSeriesTask *task, const Jsonb *series)
{
	AugurSeriesBatch *b = &fit->batch;
	uint64 hash = series_hash(series);
	Earlier *entry =
		fit->earlier == NULL ? NULL : hash_search(fit->earlier, &hash, HASH_FIND, NULL);

	if (entry == NULL || entry->series == NULL || VARSIZE(entry->series) != VARSIZE(series) ||
		memcmp(entry->series, series, VARSIZE(series)) != 0)
		return;
	while ((Size) b->n_form_bytes + entry->length > fit->forms_room)
	{
		fit->forms_room = Max(FIRST_ROWS, mul_size(fit->forms_room, 2));
		fit->forms = fit->forms == NULL ? MemoryContextAllocHuge(fit->context, fit->forms_room)
										: repalloc_huge(fit->forms, fit->forms_room);
	}
	memcpy(fit->forms + b->n_form_bytes, entry->form, entry->length);
	task->form = b->n_form_bytes;
	task->form_length = (int64) entry->length;
	b->n_form_bytes += (int64) entry->length;
}

/* ---- the batch --------------------------------------------------------------------- */

static void
run_batch(Fit *fit)
{
	AugurSeriesBatch batch = fit->batch;

	if (batch.n_series == 0)
		return;
	batch.x = fit->x;
	batch.forms = fit->forms;
	augur_series_run(&fit->job, &batch, fit->options, emit_row, fit);
	fit->batch.n_series = fit->batch.n_rows = fit->batch.n_form_bytes = 0;
	MemoryContextReset(fit->batch_context);
}

/* jsonb_build_object of the series' keys, in the batch's context. */
static Jsonb *
series_object(Fit *fit)
{
	char *nulls = palloc(fit->n_keys + 1);
	Jsonb *object;
	bool null;
	Datum value;

	for (int k = 0; k < fit->n_keys; k++)
		nulls[k] = fit->key_null[k] ? 'n' : ' ';
	nulls[fit->n_keys] = '\0';
	if (SPI_execute_plan(fit->series_plan, fit->key, nulls, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not build the key of a series");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
	object = MemoryContextAlloc(fit->batch_context, VARSIZE_ANY(DatumGetPointer(value)));
	memcpy(object, DatumGetJsonbP(value), VARSIZE(DatumGetJsonbP(value)));
	SPI_freetuptable(SPI_tuptable);
	pfree(nulls);
	return object;
}

/* A new series begins; the batch is run first when it is large enough. */
static void
begin_series(Fit *fit)
{
	AugurSeriesBatch *b = &fit->batch;
	Size row = sizeof(AugurPoint) + (Size) fit->n_regressors * sizeof(double);
	AugurSeriesTask *task;

	if ((Size) b->n_rows * row + (Size) b->n_series * 256 > fit->limit)
		run_batch(fit);
	if ((Size) b->n_series == fit->series_room)
	{
		fit->series_room = Max(1024, mul_size(fit->series_room, 2));
		b->tasks = b->tasks == NULL
					   ? MemoryContextAllocHuge(
							 fit->context, mul_size(fit->series_room, sizeof(AugurSeriesTask)))
					   : repalloc_huge(b->tasks, mul_size(fit->series_room, sizeof(AugurSeriesTask)));
		fit->series =
			fit->series == NULL
				? MemoryContextAllocHuge(fit->context, mul_size(fit->series_room, sizeof(Jsonb *)))
				: repalloc_huge(fit->series, mul_size(fit->series_room, sizeof(Jsonb *)));
	}
	task = &b->tasks[b->n_series];
	memset(task, 0, sizeof(*task));
	task->first = b->n_rows;
	fit->series[b->n_series] = series_object(fit);
	recall(fit, task, fit->series[b->n_series]);
	b->n_series++;
}

static void
reserve_row(Fit *fit)
{
	AugurSeriesBatch *b = &fit->batch;
	Size x_row = (Size) Max(fit->n_regressors, 1) * sizeof(double);

	if ((Size) b->n_rows < fit->rows_room)
		return;
	fit->rows_room = Max(FIRST_ROWS, mul_size(fit->rows_room, 2));
	b->points =
		b->points == NULL
			? MemoryContextAllocHuge(fit->context, mul_size(fit->rows_room, sizeof(AugurPoint)))
			: repalloc_huge(b->points, mul_size(fit->rows_room, sizeof(AugurPoint)));
	if (fit->n_regressors == 0)
		return;
	fit->x = fit->x == NULL
				 ? MemoryContextAllocHuge(fit->context, mul_size(fit->rows_room, x_row))
				 : repalloc_huge(fit->x, mul_size(fit->rows_room, x_row));
}

/* The regressors of a row. */
static void
take_x(Fit *fit, Datum value, bool null, double *x)
{
	ArrayType *array = null ? NULL : DatumGetArrayTypeP(value);
	Datum *elements;
	bool *nulls;
	int n;

	for (int32 k = 0; k < fit->n_regressors; k++)
		x[k] = NAN;
	if (array == NULL)
		return;
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements,
					  &nulls, &n);
	if (n != fit->n_regressors)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("a row has %d regressors instead of %d", n, fit->n_regressors)));
	for (int k = 0; k < n; k++)
		x[k] = nulls[k] || !isfinite(DatumGetFloat8(elements[k])) ? NAN
																   : DatumGetFloat8(elements[k]);
}

/* Do the keys of a row differ from those of the series at hand? */
static bool
other_series(Fit *fit, const Datum *values, const bool *nulls)
{
	for (int k = 0; k < fit->n_keys; k++)
	{
		if (nulls[k] != fit->key_null[k])
			return true;
		if (!nulls[k] && !DatumGetBool(FunctionCall2Coll(&fit->equal[k], fit->collations[k],
														 fit->key[k], values[k])))
			return true;
	}
	return false;
}

static void
remember_keys(Fit *fit, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(fit->context);

	for (int k = 0; k < fit->n_keys; k++)
	{
		if (fit->any && !fit->key_null[k] && !fit->key_by_value[k])
			pfree(DatumGetPointer(fit->key[k]));
		fit->key_null[k] = nulls[k];
		fit->key[k] =
			nulls[k] ? (Datum) 0 : datumCopy(values[k], fit->key_by_value[k], fit->key_length[k]);
	}
	fit->any = true;
	MemoryContextSwitchTo(old);
}

static void
take_row(Fit *fit, const Datum *values, const bool *nulls)
{
	int at = fit->n_keys;
	AugurSeriesBatch *b = &fit->batch;
	AugurPoint point;

	CHECK_FOR_INTERRUPTS();
	if (!fit->any || other_series(fit, values, nulls))
	{
		remember_keys(fit, values, nulls);
		begin_series(fit);
	}
	if (nulls[at] || !augur_stamp_time(fit->stamp, values[at], &point.at))
	{
		b->tasks[b->n_series - 1].skipped++;
		return;
	}
	point.y = nulls[at + 1] ? NAN : DatumGetFloat8(values[at + 1]);
	if (!isfinite(point.y))
		point.y = NAN; /* one NaN, whose bits are always the same */
	reserve_row(fit);
	b->points[b->n_rows] = point;
	if (fit->n_regressors > 0)
		take_x(fit, values[at + 2], nulls[at + 2], fit->x + b->n_rows * fit->n_regressors);
	b->n_rows++;
	b->tasks[b->n_series - 1].n++;
}

/* ---- the query ------------------------------------------------------------------------ */

static void
want_type(TupleDesc desc, int i, Oid type, const char *what)
{
	if (TupleDescAttr(desc, i)->atttypid != type)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("%s of the query has type %s instead of %s", what,
							   format_type_be(TupleDescAttr(desc, i)->atttypid),
							   format_type_be(type))));
}

static AugurStamp
stamp_of(Oid type)
{
	switch (getBaseType(type))
	{
		case DATEOID:
			return AUGUR_STAMP_DATE;
		case TIMESTAMPOID:
			return AUGUR_STAMP_TIMESTAMP;
		case TIMESTAMPTZOID:
			return AUGUR_STAMP_TIMESTAMPTZ;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("points in time have type %s", format_type_be(type)),
					 errdetail("A time column has type date, timestamp or timestamptz.")));
	}
}

/* How keys are compared and copied, and how they become a jsonb. */
static void
prepare_keys(Fit *fit, TupleDesc desc)
{
	StringInfoData sql;
	SPIPlanPtr plan;

	fit->key = palloc0(mul_size(fit->n_keys + 1, sizeof(Datum)));
	fit->key_null = palloc0(mul_size(fit->n_keys + 1, sizeof(bool)));
	fit->key_types = palloc0(mul_size(fit->n_keys + 1, sizeof(Oid)));
	fit->collations = palloc0(mul_size(fit->n_keys + 1, sizeof(Oid)));
	fit->key_length = palloc0(mul_size(fit->n_keys + 1, sizeof(int16)));
	fit->key_by_value = palloc0(mul_size(fit->n_keys + 1, sizeof(bool)));
	fit->equal = palloc0(mul_size(fit->n_keys + 1, sizeof(FmgrInfo)));
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.jsonb_build_object(");
	for (int k = 0; k < fit->n_keys; k++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, k);
		TypeCacheEntry *type = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);

		if (!OidIsValid(type->eq_opr_finfo.fn_oid))
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
							errmsg("values of column \"%s\", of type %s, cannot be compared",
								   fit->keys[k], format_type_be(att->atttypid))));
		fmgr_info_copy(&fit->equal[k], &type->eq_opr_finfo, CurrentMemoryContext);
		fit->key_types[k] = att->atttypid;
		fit->collations[k] = att->attcollation;
		fit->key_length[k] = att->attlen;
		fit->key_by_value[k] = att->attbyval;
		appendStringInfo(&sql, "%s%s::text, $%d", k > 0 ? ", " : "",
						 quote_literal_cstr(fit->keys[k]), k + 1);
	}
	appendStringInfoChar(&sql, ')');
	plan = SPI_prepare(sql.data, fit->n_keys, fit->key_types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	fit->series_plan = plan;
}

/* The columns of the query, checked; what depends on their types. */
static void
prepare(Fit *fit, TupleDesc desc)
{
	int wanted = fit->n_keys + 2 + (fit->n_regressors > 0 ? 1 : 0);
	MemoryContext old = MemoryContextSwitchTo(fit->context);

	if (desc->natts != wanted)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the query has %d columns instead of %d", desc->natts, wanted)));
	fit->stamp = stamp_of(TupleDescAttr(desc, fit->n_keys)->atttypid);
	want_type(desc, fit->n_keys + 1, FLOAT8OID, "the value");
	if (fit->n_regressors > 0)
		want_type(desc, fit->n_keys + 2, FLOAT8ARRAYOID, "regressors");
	augur_series_job_init(&fit->job, fit->options, fit->stamp, fit->horizon);
	prepare_keys(fit, desc);
	MemoryContextSwitchTo(old);
}

static void
read_rows(Fit *fit, Portal portal)
{
	TupleDesc desc = portal->tupDesc;
	Datum *values = palloc(mul_size(desc->natts, sizeof(Datum)));
	bool *nulls = palloc(mul_size(desc->natts, sizeof(bool)));

	for (;;)
	{
		SPITupleTable *table;
		uint64 n;
		MemoryContext old;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		table = SPI_tuptable;
		n = SPI_processed;
		if (n == 0)
			break;
		/* what detoasting leaves behind goes with the fetch */
		old = MemoryContextSwitchTo(table->tuptabcxt);
		for (uint64 i = 0; i < n; i++)
		{
			heap_deform_tuple(table->vals[i], table->tupdesc, values, nulls);
			take_row(fit, values, nulls);
		}
		MemoryContextSwitchTo(old);
		SPI_freetuptable(table);
	}
	run_batch(fit);
}

static void
read_names(FunctionCallInfo fcinfo, int arg, char ***names, int *n)
{
	Datum *values;
	bool *nulls;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &values, &nulls, n);
	*names = palloc(mul_size(*n + 1, sizeof(char *)));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("names of columns must not be null")));
		(*names)[i] = pstrdup(NameStr(*DatumGetName(values[i])));
	}
}

/* The query in the order of the keys. */
static char *
ordered(const char *query, int n_keys)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT * FROM (%s) AS augur_rows", query);
	for (int k = 0; k < n_keys; k++)
		appendStringInfo(&sql, "%s%d", k == 0 ? " ORDER BY " : ", ", k + 1);
	return sql.data;
}

/* (query, keys, horizon, regressors, options, previous) */
Datum
augur_series_fit(PG_FUNCTION_ARGS)
{
	Fit fit = {0};
	char **regressors;
	int n;
	char *sql;
	SPIPlanPtr plan;
	Portal portal;

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("arguments of augur._series_fit must not be null")));
	}
	InitMaterializedSRF(fcinfo, 0);
	fit.result = (ReturnSetInfo *) fcinfo->resultinfo;
	if (fit.result->setDesc->natts != FIT_COLUMNS)
		elog(ERROR, "augur.series_fit has %d attributes", fit.result->setDesc->natts);
	fit.context =
		AllocSetContextCreate(CurrentMemoryContext, "augur series fit", ALLOCSET_DEFAULT_SIZES);
	fit.batch_context =
		AllocSetContextCreate(fit.context, "augur batch of series", ALLOCSET_DEFAULT_SIZES);
	read_names(fcinfo, 1, &fit.keys, &fit.n_keys);
	read_names(fcinfo, 3, &regressors, &n);
	if (n > AUG_MAX_REGRESSORS || fit.n_keys > MOST_PLACES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d regressors", AUG_MAX_REGRESSORS)));
	fit.n_regressors = fit.batch.n_regressors = n;
	fit.horizon = PG_GETARG_INT32(2);
	fit.options = PG_GETARG_JSONB_P(4);
	fit.limit = Min(augur_training_memory_bytes() / 4, LARGEST_BATCH);
	sql = ordered(text_to_cstring(PG_GETARG_TEXT_PP(0)), fit.n_keys);

	SPI_connect();
	if (!PG_ARGISNULL(5))
		read_earlier(&fit, PG_GETARG_INT64(5));
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	prepare(&fit, portal->tupDesc);
	read_rows(&fit, portal);
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(fit.context);
	PG_RETURN_VOID();
}
