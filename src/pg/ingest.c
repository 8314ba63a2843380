/*-------------------------------------------------------------------------
 *
 * ingest.c
 *		Rows of any query -> the spool: how each value becomes a cell.
 *
 * augur_loader_row takes one row: a switch on the class of each type, without calls
 * through the function manager for numbers, dates and booleans.  What the columns
 * are is settled before (columns.c); what the rows taught is decided when all are
 * read (target.c, decide.c, split.c).
 *
 * Memory: a child context of the caller's, one below it that is reset for each row,
 * and the spool's file (see spool.c).  Each dictionary may take a quarter of the
 * budget; a column with more levels than that is left out, or an error when it
 * was asked for.  Interrupts: polled once a chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#define KEY_SEED UINT64CONST(0x6B65790A)

/* ---- chunks ------------------------------------------------------------------ */

/*
 * Refuses to read on when what the rows so far need at the very least is more than
 * the budget: the cells of the matrix, or what ordering the rows takes.
 */
static void
check_memory(AugurLoader *loader)
{
	AugurSpool *spool = loader->spool;
	Size row = Max(Max(loader->n_cells, loader->n_columns) + sizeof(double), 32);
	Size need;

	if (loader->options.weight != NULL)
		row += sizeof(double);
	need = row * (Size) spool->n_rows;
	for (int i = 0; i < loader->n_columns; i++)
	{
		if (loader->columns[i].levels != NULL)
			need += augur_dictionary_bytes(loader->columns[i].levels);
	}
	if (need > loader->options.memory)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("training data do not fit in augur.training_memory"),
				 errdetail("After %lld rows at least %zu kB are needed; the limit is %zu kB.",
						   (long long) spool->n_rows, need / 1024, loader->options.memory / 1024),
				 errhint("Raise augur.training_memory, or train on fewer rows or columns.")));
	if (spool->n_rows > PG_INT32_MAX - 65536)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d training rows", PG_INT32_MAX - 65536)));
}

/*
 * Ends a chunk: surveys it while it is hot, and moves it to the file when the
 * spool in memory and the matrix to come would take more than half the budget.
 */
static void
close_chunk(AugurLoader *loader, uint32 number)
{
	AugurSpool *spool = loader->spool;
	Size matrix;

	CHECK_FOR_INTERRUPTS();
	augur_survey_chunk(loader, number);
	matrix = (Size) spool->n_rows * (loader->n_cells + sizeof(double));
	augur_spool_close(spool, number, spool->memory + matrix <= loader->options.memory / 2);
	check_memory(loader);
}

/* Makes loader->chunk a chunk with room for a row. */
static void
open_chunk(AugurLoader *loader)
{
	if (loader->chunk != NULL)
		close_chunk(loader, loader->spool->n_chunks - 1);
	loader->chunk = augur_spool_open(loader->spool);
}

/* After the spool's layout has changed: the chunk of the rows before is complete. */
static void
layout_changed(AugurLoader *loader, uint32 chunks_before)
{
	AugurSpool *spool = loader->spool;

	if (spool->n_chunks > chunks_before)
		close_chunk(loader, spool->n_chunks - 2);
	loader->chunk = &spool->chunks[spool->n_chunks - 1];
}

/* Gives a column of the spool another width from the row being written on. */
void
augur_loader_widen(AugurLoader *loader, uint32 spool, AugurWidth width)
{
	uint32 before = loader->spool->n_chunks;

	augur_spool_widen(loader->spool, spool, width);
	layout_changed(loader, before);
}

static void
widen(AugurLoader *loader, AugurStep *step)
{
	augur_loader_widen(loader, step->spool, AUGUR_WIDTH_DOUBLE);
	step->width = AUGUR_WIDTH_DOUBLE;
}

/* ---- one value ----------------------------------------------------------------- */

static inline void
put_missing(AugurLoader *loader, const AugurStep *step)
{
	uint32 n = loader->chunk->n_rows;
	void *cells = loader->spool->base[step->spool];

	switch (step->width)
	{
		case AUGUR_WIDTH_INT32:
			((int32 *) cells)[n] = AUGUR_MISSING_INT32;
			break;
		case AUGUR_WIDTH_FLOAT:
			((float *) cells)[n] = NAN;
			break;
		case AUGUR_WIDTH_CODE:
			((uint32 *) cells)[n] = AUG_MISSING_WIDE;
			break;
		case AUGUR_WIDTH_INT64:
			((int64 *) cells)[n] = AUGUR_MISSING_INT64;
			break;
		default:
			((double *) cells)[n] = NAN;
			break;
	}
}

/* A number whose column may be single or double precision. */
static inline void
put_number(AugurLoader *loader, AugurStep *step, double v)
{
	if (step->width == AUGUR_WIDTH_FLOAT)
	{
		float single = (float) v;

		if ((double) single == v || isnan(v))
		{
			((float *) loader->spool->base[step->spool])[loader->chunk->n_rows] = single;
			return;
		}
		widen(loader, step);
	}
	((double *) loader->spool->base[step->spool])[loader->chunk->n_rows] = v;
}

/* An integer whose column may be 32 bits wide or a double. */
static inline void
put_integer(AugurLoader *loader, AugurStep *step, int64 v)
{
	if (step->width == AUGUR_WIDTH_INT32)
	{
		if (v >= PG_INT32_MIN && v <= PG_INT32_MAX && v != AUGUR_MISSING_INT32)
		{
			((int32 *) loader->spool->base[step->spool])[loader->chunk->n_rows] = (int32) v;
			return;
		}
		widen(loader, step);
	}
	((double *) loader->spool->base[step->spool])[loader->chunk->n_rows] = (double) v;
}

/* The dictionary of a column has grown beyond its share of the budget. */
static void
give_up_levels(AugurLoader *loader, AugurColumn *column)
{
	if (column->listed)
		ereport(
			ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("column \"%s\" has too many levels for augur.training_memory", column->name),
			 errdetail("The first %u distinct values take %zu kB, a quarter of the limit.",
					   column->levels->n, augur_dictionary_bytes(column->levels) / 1024),
			 errhint("Raise augur.training_memory, or leave the column out.")));
	column->too_many = true;
	augur_dictionary_strip(column->levels);
}

/* Code of a categorical value. */
static uint32
level_code(AugurLoader *loader, AugurColumn *column, Datum value)
{
	const char *bytes;
	int length;
	uint32 code;
	uint32 before;

	if (column->too_many)
		return AUG_MISSING_WIDE;
	before = column->levels->n;
	if (column->raw != NULL)
	{
		Oid oid = DatumGetObjectId(value);

		code = augur_dictionary_code(column->raw, (const char *) &oid, sizeof(oid));
		if (code < before)
			return code;
	}
	bytes = augur_source_text(&column->source, value, &length);
	code = augur_dictionary_code(column->levels, bytes, length);
	if (column->levels->n > before &&
		augur_dictionary_bytes(column->levels) > loader->options.memory / 4)
		give_up_levels(loader, column);
	return code;
}

/* Width of elements: never widened, so every value of the type fits. */
static AugurWidth
element_width(AugurClass cls)
{
	return cls == AUGUR_CLASS_FLOAT4 || cls == AUGUR_CLASS_INT2 || cls == AUGUR_CLASS_BOOL
			   ? AUGUR_WIDTH_FLOAT
			   : AUGUR_WIDTH_DOUBLE;
}

/* Numbers of an array in loader->array_values; returns how many they are. */
int
augur_loader_array(AugurLoader *loader, const AugurSource *source, Datum value)
{
	int n = augur_source_array(source, value, loader->array_values, loader->array_room);

	if (n > loader->array_room)
	{
		loader->array_room = n;
		if (loader->array_values != NULL)
			pfree(loader->array_values);
		loader->array_values = MemoryContextAllocHuge(loader->context, mul_size(n, sizeof(double)));
		augur_source_array(source, value, loader->array_values, n);
	}
	return n;
}

/* Elements of an array: the first one tells how many cells the column has. */
static void
put_array(AugurLoader *loader, AugurStep *step, Datum value)
{
	AugurColumn *column = step->column;
	AugurStep cell = *step;
	int n = augur_loader_array(loader, &column->source, value);

	if (column->first_cell < 0)
	{
		uint32 before = loader->spool->n_chunks;

		column->array_row = loader->report.rows_read;
		step->spool = (uint32) (loader->spool_cells + loader->n_cells);
		step->width = (uint8) element_width(column->source.element);
		augur_add_cells(loader, column, n);
		augur_spool_append(loader->spool, (uint32) n, (AugurWidth) step->width);
		cell = *step;
		layout_changed(loader, before);
	}
	if (n != column->n_cells)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array column \"%s\" has %d elements in row %lld, but %d in row %lld",
						column->name, n, (long long) loader->report.rows_read, column->n_cells,
						(long long) column->array_row),
				 errhint("All arrays of a feature column must have the same length.")));
	for (int k = 0; k < n; k++)
	{
		put_number(loader, &cell, loader->array_values[k]);
		cell.spool++;
	}
}

/* One value, or a missing one, of the row being written. */
static inline void
put_value(AugurLoader *loader, AugurStep *step, Datum value, bool isnull)
{
	if (isnull)
	{
		if (step->cls != AUGUR_CLASS_ARRAY)
			put_missing(loader, step);
		else
		{
			AugurStep cell = *step;

			for (int k = 0; k < step->column->n_cells; k++, cell.spool++)
				put_missing(loader, &cell);
		}
		return;
	}
	switch (step->cls)
	{
		case AUGUR_CLASS_BOOL:
			put_integer(loader, step, DatumGetBool(value) ? 1 : 0);
			break;
		case AUGUR_CLASS_INT2:
			put_integer(loader, step, DatumGetInt16(value));
			break;
		case AUGUR_CLASS_INT4:
			put_integer(loader, step, DatumGetInt32(value));
			break;
		case AUGUR_CLASS_INT8:
			put_integer(loader, step, DatumGetInt64(value));
			break;
		case AUGUR_CLASS_FLOAT4:
			((float *) loader->spool->base[step->spool])[loader->chunk->n_rows] =
				DatumGetFloat4(value);
			break;
		case AUGUR_CLASS_FLOAT8:
			put_number(loader, step, DatumGetFloat8(value));
			break;
		case AUGUR_CLASS_DATE:
			((int32 *) loader->spool->base[step->spool])[loader->chunk->n_rows] =
				DatumGetDateADT(value);
			break;
		case AUGUR_CLASS_TIMESTAMP:
			((int64 *) loader->spool->base[step->spool])[loader->chunk->n_rows] =
				DatumGetTimestamp(value);
			break;
		case AUGUR_CLASS_TEXT:
		case AUGUR_CLASS_BPCHAR:
		case AUGUR_CLASS_NAME:
		case AUGUR_CLASS_ENUM:
		case AUGUR_CLASS_OUTPUT:
			((uint32 *) loader->spool->base[step->spool])[loader->chunk->n_rows] =
				level_code(loader, step->column, value);
			break;
		case AUGUR_CLASS_ARRAY:
			put_array(loader, step, value);
			break;
		default:
			put_number(loader, step,
					   augur_source_number(&step->column->source, value, AUGUR_PART_VALUE, 0));
			break;
	}
}

/* ---- one row --------------------------------------------------------------------- */

/* Weight of the row; 0 when the row is to be skipped. */
static double
row_weight(AugurLoader *loader, const Datum *values, const bool *nulls)
{
	int i = loader->weight.attribute;
	double w;

	if (nulls[i])
		return 0;
	w = augur_source_number(&loader->weight.source, values[i], AUGUR_PART_VALUE, 0);
	if (w < 0 || isinf(w))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("weight column \"%s\" is %g in row %lld", loader->weight.name, w,
							   (long long) loader->report.rows_read),
						errhint("Weights are finite and not negative.")));
	return isnan(w) ? 0 : w;
}

/* Hash of the key's value: equal values, equal hashes. */
static uint64
key_hash(AugurLoader *loader, Datum value)
{
	AugurSource *src = &loader->key.source;
	const char *bytes;
	int length;

	switch (src->cls)
	{
		case AUGUR_CLASS_BOOL:
			return augur_mix((uint64) DatumGetBool(value) ^ KEY_SEED);
		case AUGUR_CLASS_INT2:
			return augur_mix((uint64) (int64) DatumGetInt16(value) ^ KEY_SEED);
		case AUGUR_CLASS_INT4:
			return augur_mix((uint64) (int64) DatumGetInt32(value) ^ KEY_SEED);
		case AUGUR_CLASS_INT8:
		case AUGUR_CLASS_TIMESTAMP:
			return augur_mix((uint64) DatumGetInt64(value) ^ KEY_SEED);
		case AUGUR_CLASS_DATE:
			return augur_mix((uint64) (int64) DatumGetDateADT(value) ^ KEY_SEED);
		case AUGUR_CLASS_FLOAT4:
			return augur_mix(augur_bits(DatumGetFloat4(value)) ^ KEY_SEED);
		case AUGUR_CLASS_FLOAT8:
			return augur_mix(augur_bits(DatumGetFloat8(value)) ^ KEY_SEED);
		case AUGUR_CLASS_NUMERIC:
			value = DirectFunctionCall1(numeric_trim_scale, value);
			break;
		default:
			break;
	}
	bytes = augur_source_text(src, value, &length);
	return aug_hash(bytes, (size_t) length, KEY_SEED);
}

/* Writes key, time and weight of the row; false when the row is to be skipped. */
static bool
put_roles(AugurLoader *loader, const Datum *values, const bool *nulls)
{
	AugurSpool *spool = loader->spool;
	uint32 n = loader->chunk->n_rows;

	if (loader->spool_time >= 0)
	{
		AugurSource *src = &loader->time.source;
		Datum value = values[loader->time.attribute];
		double t = 0;

		if (nulls[loader->time.attribute])
			t = NAN;
		else if (src->cls == AUGUR_CLASS_TIMESTAMP)
			((int64 *) spool->base[loader->spool_time])[n] = DatumGetTimestamp(value);
		else
		{
			t = src->cls == AUGUR_CLASS_DATE
					? augur_date_part(DatumGetDateADT(value), AUGUR_PART_AGE_DAYS)
					: augur_source_number(src, value, AUGUR_PART_VALUE, 0);
			((double *) spool->base[loader->spool_time])[n] = t + 0.0; /* no -0 */
		}
		if (isnan(t))
		{
			loader->skipped_time++;
			return false;
		}
	}
	if (loader->spool_weight >= 0)
	{
		double w = row_weight(loader, values, nulls);

		if (w == 0)
		{
			loader->skipped_weight++;
			return false;
		}
		((double *) spool->base[loader->spool_weight])[n] = w;
	}
	if (loader->spool_key >= 0)
		/* a row without key stands for itself: see split.c */
		((uint64 *) spool->base[loader->spool_key])[n] =
			nulls[loader->key.attribute] ? 0
										 : Max(key_hash(loader, values[loader->key.attribute]), 1);
	return true;
}

/* Is the target there?  NaN is a missing target too. */
static inline bool
has_target(AugurLoader *loader, const Datum *values, const bool *nulls)
{
	int i = loader->target.attribute;

	if (nulls[i])
		return false;
	switch (loader->target.source.cls)
	{
		case AUGUR_CLASS_FLOAT4:
			return !isnan(DatumGetFloat4(values[i]));
		case AUGUR_CLASS_FLOAT8:
			return !isnan(DatumGetFloat8(values[i]));
		case AUGUR_CLASS_NUMERIC:
			return !isnan(
				augur_source_number(&loader->target.source, values[i], AUGUR_PART_VALUE, 0));
		default:
			return true;
	}
}

/*
 * Takes one row: values and nulls by attribute of the descriptor.  Rows without a
 * target, a time or a weight are counted and skipped.  Raises for negative weights
 * and arrays of differing lengths.
 */
void
augur_loader_row(AugurLoader *loader, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(loader->row_context);

	loader->report.rows_read++;
	if (!has_target(loader, values, nulls))
		loader->skipped_target++;
	else
	{
		if (unlikely(loader->chunk == NULL || loader->chunk->n_rows == loader->chunk->room))
			open_chunk(loader);
		if (put_roles(loader, values, nulls))
		{
			if (loader->n_extras > 0)
				augur_extras_row(loader, values, nulls);
			for (int i = 0; i < loader->n_steps; i++)
			{
				AugurStep *step = &loader->steps[i];

				put_value(loader, step, values[step->attribute], nulls[step->attribute]);
			}
			loader->chunk->n_rows++;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(loader->row_context);
}

void
augur_loader_slot(AugurLoader *loader, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	augur_loader_row(loader, slot->tts_values, slot->tts_isnull);
}

/* ---- the end of reading ------------------------------------------------------------- */

/* Raises when there is nothing to learn from. */
static void
check_rows(AugurLoader *loader)
{
	const char *rows_detail =
		psprintf("%lld rows were read; %lld had no target, %lld no "
				 "weight above zero, %lld no time.",
				 (long long) loader->report.rows_read, (long long) loader->skipped_target,
				 (long long) loader->skipped_weight, (long long) loader->skipped_time);

	if (loader->spool->n_rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 loader->report.rows_read == 0 ? errmsg("no rows to train on")
				 : loader->skipped_target == loader->report.rows_read
					 ? errmsg("no row has a value in target column \"%s\"", loader->target.name)
					 : errmsg("no row can be used to train on"),
				 errdetail_internal("%s", rows_detail)));
	if (loader->spool->n_rows < 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("one row is not enough to train on"),
				 errdetail_internal("%s", rows_detail)));
}

/*
 * See ingest.h.  Raises when the rows cannot be trained on: none or one, one class,
 * infinite targets, no usable feature.
 */
const AugurLoadReport *
augur_loader_finish(AugurLoader *loader)
{
	MemoryContext old = MemoryContextSwitchTo(loader->context);

	if (loader->finished)
		elog(ERROR, "loader is finished already");
	if (loader->chunk != NULL && loader->chunk->n_rows > 0)
		close_chunk(loader, loader->spool->n_chunks - 1);
	loader->chunk = NULL;
	check_rows(loader);
	loader->n_rows = (uint32) loader->spool->n_rows;
	loader->report.rows_used = loader->n_rows;
	loader->report.rows_skipped = loader->report.rows_read - loader->n_rows;

	augur_decide_target(loader);
	augur_decide_columns(loader);
	augur_split_rows(loader);
	augur_decide_features(loader);
	loader->finished = true;
	MemoryContextSwitchTo(old);
	return &loader->report;
}

/* Frees all that the loader has, and its file. */
void
augur_loader_end(AugurLoader *loader)
{
	augur_spool_end(loader->spool);
	if (loader->holdout_file != NULL)
		BufFileClose(loader->holdout_file);
	MemoryContextDelete(loader->context);
}
