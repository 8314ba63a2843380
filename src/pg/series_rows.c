/*-------------------------------------------------------------------------
 *
 * series_rows.c
 *		From a query to batches of whole series.
 *
 * The query is wrapped so that its rows come in the order of the keys; rows whose keys are
 * equal (by the types' default equality, NULL is like NULL) are one series.  Rows come
 * through a cursor as the caller: privileges and row security apply.
 *
 * A batch is one flat array of rows and names, with offsets in place of pointers, so that
 * it can be copied into shared memory as it is.
 *
 * Memory: one batch at a time, in the context given; keys of the current series in one of
 * their own.  Interrupts: the executor's, and one look for each fetch.
 *
 *-------------------------------------------------------------------------
 */
#include "series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define FETCH_ROWS 1000
#define FIRST_ROOM ((Size) 64 * 1024)

typedef struct Key
{
	const char *name;
	Oid type;
	Oid collation;
	int16 typlen;
	bool typbyval;
	FmgrInfo equal;
	Datum value; /* of the current series */
	bool null;
} Key;

struct AugurSeriesRows
{
	MemoryContext context;
	MemoryContext key_context; /* of the current series' keys */
	Portal cursor;
	int n_keys;
	Key *keys;
	uint32 n_regressors;
	AugurStamp stamp;
	FmgrInfo build; /* jsonb_build_object for the keys */
	Datum *values;	/* of a row */
	bool *nulls;

	AugurSeriesBatch batch;
	Size items_room;
	Size data_room;
	uint64 read; /* rows in all */

	SPITupleTable *fetched; /* those that are not looked at yet begin at next */
	uint64 n_fetched, next;
	bool open;	  /* the last item of the batch is the series of keys */
	bool pending; /* values are a row that the batch before did not take */
};

/* ---- the statement ------------------------------------------------------------- */

static char *
wrap(const char *query, int n_keys)
{
	size_t length = strlen(query);
	StringInfoData sql;

	while (length > 0 && strchr("; \t\r\n", query[length - 1]) != NULL)
		length--;
	initStringInfo(&sql);
	/* the line break ends a comment that the query may end with */
	appendStringInfo(&sql, "SELECT source.* FROM (%.*s\n) AS source", (int) length, query);
	for (int i = 0; i < n_keys; i++)
		appendStringInfo(&sql, "%s%d", i == 0 ? " ORDER BY " : ", ", i + 1);
	return sql.data;
}

static Oid
base_type(TupleDesc desc, int column)
{
	return getBaseType(TupleDescAttr(desc, column)->atttypid);
}

static void
check_type(TupleDesc desc, int column, Oid wanted, const char *what)
{
	if (base_type(desc, column) != wanted)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column %d of the query of series, the %s, has type %s", column + 1,
							   what, format_type_be(TupleDescAttr(desc, column)->atttypid)),
						errdetail("It must have type %s.", format_type_be(wanted))));
}

static AugurStamp
time_column(TupleDesc desc, int column)
{
	switch (base_type(desc, column))
	{
		case DATEOID:
			return AUGUR_STAMP_DATE;
		case TIMESTAMPOID:
			return AUGUR_STAMP_TIMESTAMP;
		case TIMESTAMPTZOID:
			return AUGUR_STAMP_TIMESTAMPTZ;
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("time column \"%s\" has type %s",
								   NameStr(TupleDescAttr(desc, column)->attname),
								   format_type_be(TupleDescAttr(desc, column)->atttypid)),
							errdetail("A time column has type date, timestamp or timestamptz.")));
	}
}

/* Makes jsonb_build_object know the types of its arguments, as the parser would. */
static void
prepare_build(AugurSeriesRows *rows)
{
	List *args = NIL;
	FuncExpr *call;

	fmgr_info_cxt(F_JSONB_BUILD_OBJECT_ANY, &rows->build, rows->context);
	for (int i = 0; i < rows->n_keys; i++)
	{
		Param *value = makeNode(Param);

		value->paramkind = PARAM_EXTERN;
		value->paramtype = rows->keys[i].type;
		value->paramtypmod = -1;
		value->paramcollid = rows->keys[i].collation;
		value->location = -1;
		args = lappend(args, makeConst(TEXTOID, -1, InvalidOid, -1,
									   CStringGetTextDatum(rows->keys[i].name), false, false));
		args = lappend(args, value);
	}
	call = makeFuncExpr(F_JSONB_BUILD_OBJECT_ANY, JSONBOID, args, InvalidOid, InvalidOid,
						COERCE_EXPLICIT_CALL);
	fmgr_info_set_expr((Node *) call, &rows->build);
}

static void
prepare_key(AugurSeriesRows *rows, Key *key, TupleDesc desc, int column, const char *name)
{
	Form_pg_attribute att = TupleDescAttr(desc, column);
	TypeCacheEntry *type = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);

	if (!OidIsValid(type->eq_opr_finfo.fn_oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("values of type %s cannot tell series apart",
							   format_type_be(att->atttypid)),
						errdetail("The type has no equality operator.")));
	key->name = MemoryContextStrdup(rows->context, name);
	key->type = att->atttypid;
	key->collation = att->attcollation;
	key->typlen = att->attlen;
	key->typbyval = att->attbyval;
	fmgr_info_copy(&key->equal, &type->eq_opr_finfo, rows->context);
}

/* Key columns, time, value, and an array of regressors when there are any. */
static void
check_columns(AugurSeriesRows *rows, TupleDesc desc, char *const *keys)
{
	int wanted = rows->n_keys + 2 + (rows->n_regressors > 0 ? 1 : 0);

	if (desc->natts != wanted)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the query of series has %d columns, not %d", desc->natts, wanted),
						errdetail("They are the keys, the time, the value and, with regressors, "
								  "an array of these.")));
	for (int i = 0; i < rows->n_keys; i++)
		prepare_key(rows, &rows->keys[i], desc, i, keys[i]);
	rows->stamp = time_column(desc, rows->n_keys);
	check_type(desc, rows->n_keys + 1, FLOAT8OID, "value");
	if (rows->n_regressors > 0)
		check_type(desc, rows->n_keys + 2, FLOAT8ARRAYOID, "array of regressors");
}

AugurSeriesRows *
augur_rows_open(const char *query, char *const *keys, int n_keys, uint32 n_regressors,
				MemoryContext context)
{
	AugurSeriesRows *rows = MemoryContextAllocZero(context, sizeof(AugurSeriesRows));
	MemoryContext old;

	if (n_keys > FUNC_MAX_ARGS / 2)
		ereport(ERROR, (errcode(ERRCODE_TOO_MANY_ARGUMENTS),
						errmsg("series can have at most %d keys", FUNC_MAX_ARGS / 2)));
	rows->context = context;
	rows->key_context = AllocSetContextCreate(context, "augur series key", ALLOCSET_SMALL_SIZES);
	rows->n_keys = n_keys;
	rows->n_regressors = n_regressors;
	rows->keys = MemoryContextAllocZero(context, mul_size(Max(n_keys, 1), sizeof(Key)));
	rows->cursor = SPI_cursor_open_with_args(NULL, wrap(query, n_keys), 0, NULL, NULL, NULL, false,
											 CURSOR_OPT_NO_SCROLL);
	old = MemoryContextSwitchTo(context);
	check_columns(rows, rows->cursor->tupDesc, keys);
	prepare_build(rows);
	rows->values = palloc(mul_size(rows->cursor->tupDesc->natts, sizeof(Datum)));
	rows->nulls = palloc(mul_size(rows->cursor->tupDesc->natts, sizeof(bool)));
	MemoryContextSwitchTo(old);
	return rows;
}

AugurStamp
augur_rows_stamp(const AugurSeriesRows *rows)
{
	return rows->stamp;
}

void
augur_rows_close(AugurSeriesRows *rows)
{
	SPI_cursor_close(rows->cursor);
}

/* ---- the batch -------------------------------------------------------------------- */

/* Room for length more bytes at an aligned offset; the data may move. */
static Size
reserve(AugurSeriesRows *rows, Size length)
{
	AugurSeriesBatch *batch = &rows->batch;
	Size at = MAXALIGN(batch->used);
	Size wanted = add_size(at, length);

	if (batch->data == NULL || wanted > rows->data_room)
	{
		Size room = Max(rows->data_room, FIRST_ROOM);

		while (room < wanted)
			room = mul_size(room, 2);
		batch->data = batch->data == NULL ? MemoryContextAllocHuge(rows->context, room)
										  : repalloc_huge(batch->data, room);
		rows->data_room = room;
	}
	batch->used = wanted;
	return at;
}

Size
augur_rows_append(AugurSeriesRows *rows, const void *bytes, Size length)
{
	Size at = reserve(rows, length);

	memcpy(rows->batch.data + at, bytes, length);
	return at;
}

/* The name of the current series, where the batch ends. */
static Size
append_key(AugurSeriesRows *rows)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	MemoryContext old = MemoryContextSwitchTo(rows->key_context);
	Jsonb *object;
	Size at;

	InitFunctionCallInfoData(*call, &rows->build, rows->n_keys * 2, InvalidOid, NULL, NULL);
	for (int i = 0; i < rows->n_keys; i++)
	{
		call->args[2 * i].value = CStringGetTextDatum(rows->keys[i].name);
		call->args[2 * i].isnull = false;
		call->args[2 * i + 1].value = rows->keys[i].value;
		call->args[2 * i + 1].isnull = rows->keys[i].null;
	}
	if (rows->n_keys == 0)
		object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	else
		object = DatumGetJsonbP(FunctionCallInvoke(call));
	MemoryContextSwitchTo(old);
	at = augur_rows_append(rows, object, VARSIZE(object));
	return at;
}

static bool
same_series(const AugurSeriesRows *rows)
{
	for (int i = 0; i < rows->n_keys; i++)
	{
		Key *key = &rows->keys[i];

		if (key->null != rows->nulls[i])
			return false;
		if (!key->null && !DatumGetBool(FunctionCall2Coll(&key->equal, key->collation, key->value,
														  rows->values[i])))
			return false;
	}
	return true;
}

/* Whether the bytes of next come before those of have. */
static bool
fewer_bytes(const void *next, Size next_size, const void *have, Size have_size)
{
	int order = memcmp(next, have, Min(have_size, next_size));

	return order < 0 || (order == 0 && next_size < have_size);
}

/* The same of two values of a type of variable length. */
static bool
fewer_detoasted(Datum next_value, Datum have_value)
{
	struct varlena *next = PG_DETOAST_DATUM_PACKED(next_value);
	struct varlena *have = PG_DETOAST_DATUM_PACKED(have_value);
	bool fewer = fewer_bytes(VARDATA_ANY(next), VARSIZE_ANY_EXHDR(next), VARDATA_ANY(have),
							 VARSIZE_ANY_EXHDR(have));

	if ((Pointer) have != DatumGetPointer(have_value))
		pfree(have);
	if ((Pointer) next != DatumGetPointer(next_value))
		pfree(next);
	return fewer;
}

/*
 * Equal keys may be written differently (1.0 and 1.00, a day and 24 hours, or letters under
 * a collation that does not tell them apart): the least bytes name the series, whatever
 * order rows come in.
 */
static void
settle_keys(AugurSeriesRows *rows)
{
	for (int i = 0; i < rows->n_keys; i++)
	{
		Key *key = &rows->keys[i];
		Datum next = rows->values[i];
		bool fewer = false;
		MemoryContext old;

		/* of types passed by value, the bytes follow from the value as far as jsonb shows */
		if (key->null || key->typbyval)
			continue;
		if (key->typlen == -1)
			fewer = fewer_detoasted(next, key->value);
		else if (key->typlen > 0)
			fewer = fewer_bytes(DatumGetPointer(next), (Size) key->typlen,
								DatumGetPointer(key->value), (Size) key->typlen);
		if (!fewer)
			continue;
		old = MemoryContextSwitchTo(rows->key_context);
		key->value = datumCopy(next, false, key->typlen);
		MemoryContextSwitchTo(old);
	}
}

/* The name of a series comes after its rows. */
static void
finish_series(AugurSeriesRows *rows)
{
	Size key;

	if (!rows->open)
		return;
	key = append_key(rows);
	rows->batch.items[rows->batch.n - 1].key = key;
	rows->open = false;
}

static void
begin_series(AugurSeriesRows *rows)
{
	AugurSeriesBatch *batch = &rows->batch;
	MemoryContext old;
	AugurSeriesItem *item;

	if (batch->n == rows->items_room)
	{
		rows->items_room = Max(rows->items_room, 32) * 2;
		batch->items =
			batch->items == NULL
				? MemoryContextAllocHuge(rows->context,
										 mul_size(rows->items_room, sizeof(AugurSeriesItem)))
				: repalloc_huge(batch->items, mul_size(rows->items_room, sizeof(AugurSeriesItem)));
	}
	item = &batch->items[batch->n++];
	memset(item, 0, sizeof(*item));
	item->rows = reserve(rows, 0);
	MemoryContextReset(rows->key_context);
	old = MemoryContextSwitchTo(rows->key_context);
	for (int i = 0; i < rows->n_keys; i++)
	{
		Key *key = &rows->keys[i];

		key->null = rows->nulls[i];
		if (!key->null)
			key->value = datumCopy(rows->values[i], key->typbyval, key->typlen);
	}
	MemoryContextSwitchTo(old);
	rows->open = true;
}

/* The regressors of a row, NaN for NULL and what is not finite. */
static void
read_regressors(const AugurSeriesRows *rows, double *x)
{
	int column = rows->n_keys + 2;
	ArrayType *array;
	const double *values;

	if (rows->nulls[column])
	{
		for (uint32 j = 0; j < rows->n_regressors; j++)
			x[j] = NAN;
		return;
	}
	array = DatumGetArrayTypeP(rows->values[column]);
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != (int) rows->n_regressors)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("a row of the query of series has another number of regressors "
							   "than the %u that are named",
							   rows->n_regressors)));
	values = (const double *) ARR_DATA_PTR(array);
	for (uint32 j = 0, at = 0; j < rows->n_regressors; j++)
	{
		bool null = ARR_NULLBITMAP(array) != NULL &&
					(ARR_NULLBITMAP(array)[j / 8] & (1 << (j % 8))) == 0;
		double value = null ? NAN : values[at++];

		x[j] = isfinite(value) ? value : NAN;
	}
	if ((Pointer) array != DatumGetPointer(rows->values[column]))
		pfree(array);
}

/* Puts the current row to the last series of the batch. */
static void
add_row(AugurSeriesRows *rows)
{
	AugurSeriesBatch *batch = &rows->batch;
	AugurSeriesItem *item = &batch->items[batch->n - 1];
	int column = rows->n_keys;
	AugurPoint *point;
	int64 time;
	Size at;

	if (rows->nulls[column] || !augur_stamp_time(rows->stamp, rows->values[column], &time))
	{
		item->skipped++;
		return;
	}
	at = reserve(rows, AUGUR_ROW_SIZE(rows->n_regressors));
	point = (AugurPoint *) (batch->data + at);
	point->at = time;
	point->y = rows->nulls[column + 1] ? NAN : DatumGetFloat8(rows->values[column + 1]);
	if (!isfinite(point->y))
		point->y = NAN;
	if (rows->n_regressors > 0)
		read_regressors(rows, (double *) (point + 1));
	item->n++;
}

/* The next row in values and nulls; false: there is none. */
static bool
next_row(AugurSeriesRows *rows, AugurProgress *progress)
{
	if (rows->next == rows->n_fetched)
	{
		if (rows->fetched != NULL)
			SPI_freetuptable(rows->fetched);
		SPI_cursor_fetch(rows->cursor, true, FETCH_ROWS);
		rows->fetched = SPI_tuptable;
		rows->n_fetched = SPI_processed;
		rows->next = 0;
		rows->read += SPI_processed;
		augur_progress_done(progress, rows->read);
		CHECK_FOR_INTERRUPTS();
		if (rows->n_fetched == 0)
			return false;
	}
	heap_deform_tuple(rows->fetched->vals[rows->next++], rows->fetched->tupdesc, rows->values,
					  rows->nulls);
	return true;
}

bool
augur_rows_batch(AugurSeriesRows *rows, Size limit, Size memory, AugurSeriesBatch **batch,
				 AugurProgress *progress)
{
	*batch = &rows->batch;
	rows->batch.n = 0;
	rows->batch.used = 0;
	if (rows->pending)
	{
		begin_series(rows);
		add_row(rows);
		rows->pending = false;
	}
	while (next_row(rows, progress))
	{
		if (!rows->open || !same_series(rows))
		{
			finish_series(rows);
			rows->pending = rows->batch.used >= limit;
			if (rows->pending)
				return true;
			begin_series(rows);
		}
		else
			settle_keys(rows);
		add_row(rows);
		if (rows->batch.used - rows->batch.items[rows->batch.n - 1].rows > memory)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("the rows of one series need more than %s of memory",
							augur_size_text(memory)),
					 errhint("Increase \"augur.training_memory\", or take a part of the rows.")));
	}
	finish_series(rows);
	return rows->batch.n > 0;
}
