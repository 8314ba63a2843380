/*-------------------------------------------------------------------------
 *
 * spool.c
 *		Rows of cells between the source and the matrix: chunks of columns, in memory
 *		and then in a temporary file.
 *
 * A chunk holds some thousand rows, column after column, each column as narrow as
 * its values have allowed so far (see AugurWidth).  Whoever reads the rows works
 * through one column of a chunk at a time, and may read only some columns.
 *
 * When a value does not fit its column's width, or the length of an array becomes
 * known, the open chunk ends before the row that is being written, and the next
 * one, with the new layout, starts with the cells of that row written so far.
 * Chunks start small and double, so that a spool of few rows takes little.
 *
 * Memory: in the spool's context; closed chunks are cut to their rows.  The file is
 * a BufFile: it counts against temp_file_limit, and the resource owner removes it
 * after an error.  Interrupts: the caller polls between chunks, but
 * for augur_spool_gather.
 *
 *-------------------------------------------------------------------------
 */
#include "spool.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"

#define CHUNK_BYTES	   (256 * 1024)
#define CHUNK_MAX_ROWS 4096
#define CHUNK_MIN_ROWS 32

/* A layout of n columns, the first of them as in from (or ABSENT). */
static AugurSpoolLayout *
make_layout(AugurSpool *spool, uint32 n, const uint8 *width, uint32 n_width)
{
	AugurSpoolLayout *layout = MemoryContextAlloc(spool->context, sizeof(AugurSpoolLayout));

	layout->n_columns = n;
	layout->width = MemoryContextAllocZero(spool->context, Max(n, 1));
	memcpy(layout->width, width, Min(n, n_width));
	return layout;
}

static void
sum_layout(AugurSpoolLayout *layout)
{
	layout->row_bytes = 0;
	for (uint32 j = 0; j < layout->n_columns; j++)
		layout->row_bytes += augur_width_bytes(layout->width[j]);
}

/* Points spool->base at the columns of the open chunk. */
static void
set_base(AugurSpool *spool)
{
	AugurChunk *chunk = &spool->chunks[spool->n_chunks - 1];
	AugurSpoolLayout *layout = chunk->layout;
	char *at = chunk->data;

	if (spool->base_room < layout->n_columns)
	{
		if (spool->base != NULL)
			pfree(spool->base);
		spool->base_room = layout->n_columns;
		spool->base =
			MemoryContextAllocHuge(spool->context, mul_size(spool->base_room, sizeof(void *)));
	}
	for (uint32 j = 0; j < layout->n_columns; j++)
	{
		spool->base[j] = at;
		at += chunk->room * augur_width_bytes(layout->width[j]);
	}
}

/* Adds an empty open chunk with the spool's layout. */
static void
add_chunk(AugurSpool *spool)
{
	AugurChunk *chunk;
	Size row_bytes = Max(spool->layout->row_bytes, 1);
	uint64 room = Min(CHUNK_BYTES / row_bytes, CHUNK_MAX_ROWS);

	if (spool->n_chunks == spool->chunks_room)
	{
		spool->chunks_room *= 2;
		spool->chunks =
			repalloc_huge(spool->chunks, mul_size(spool->chunks_room, sizeof(AugurChunk)));
	}
	room = Min(room, (uint64) spool->n_rows * 2);
	room = Max(room, CHUNK_MIN_ROWS);
	chunk = &spool->chunks[spool->n_chunks++];
	chunk->layout = spool->layout;
	chunk->first_row = spool->n_rows;
	chunk->n_rows = 0;
	chunk->room = (uint32) TYPEALIGN(8, room);
	chunk->data = MemoryContextAllocHuge(spool->context, mul_size(chunk->room, row_bytes));
	chunk->fileno = 0;
	chunk->offset = 0;
	spool->memory += chunk->room * row_bytes;
	set_base(spool);
}

AugurSpool *
augur_spool_begin(MemoryContext context, uint32 n_columns, const uint8 *width)
{
	AugurSpool *spool = MemoryContextAllocZero(context, sizeof(AugurSpool));

	spool->context = context;
	spool->chunks_room = 16;
	spool->chunks = MemoryContextAlloc(context, mul_size(spool->chunks_room, sizeof(AugurChunk)));
	spool->layout = make_layout(spool, n_columns, width, n_columns);
	sum_layout(spool->layout);
	return spool;
}

AugurChunk *
augur_spool_open(AugurSpool *spool)
{
	if (spool->n_chunks == 0 || spool->chunks[spool->n_chunks - 1].data == NULL ||
		spool->chunks[spool->n_chunks - 1].n_rows == spool->chunks[spool->n_chunks - 1].room)
		add_chunk(spool);
	return &spool->chunks[spool->n_chunks - 1];
}

/*
 * Makes the new layout the spool's, and moves the row that is being written from
 * the open chunk to a new one.  An open chunk without rows is replaced.
 */
static void
change_layout(AugurSpool *spool, AugurSpoolLayout *layout)
{
	AugurChunk old = spool->chunks[spool->n_chunks - 1];
	AugurSpoolLayout *previous = old.layout;
	char *from = old.data;

	sum_layout(layout);
	spool->layout = layout;
	if (old.n_rows == 0)
	{
		spool->n_chunks--;
		spool->memory -= old.room * Max(previous->row_bytes, 1);
	}
	else
		spool->n_rows = old.first_row + old.n_rows;
	add_chunk(spool);
	for (uint32 j = 0; j < previous->n_columns; j++)
	{
		Size size = augur_width_bytes(previous->width[j]);

		if (previous->width[j] == layout->width[j])
			memcpy(spool->base[j], from + old.n_rows * size, size);
		from += old.room * size;
	}
	if (old.n_rows == 0)
	{
		pfree(old.data);
		if (spool->n_chunks < 2 || spool->chunks[spool->n_chunks - 2].layout != previous)
		{
			pfree(previous->width);
			pfree(previous);
		}
	}
}

/*
 * Gives a column another width from the row that is being written on.  The caller
 * writes that row's cell of this column after the call, and closes the chunk
 * before the last one if the number of chunks has grown.
 */
void
augur_spool_widen(AugurSpool *spool, uint32 column, AugurWidth width)
{
	AugurSpoolLayout *layout = make_layout(spool, spool->layout->n_columns, spool->layout->width,
										   spool->layout->n_columns);

	layout->width[column] = (uint8) width;
	change_layout(spool, layout);
}

/* Appends n columns of a width in the same way. */
void
augur_spool_append(AugurSpool *spool, uint32 n, AugurWidth width)
{
	uint32 before = spool->layout->n_columns;
	AugurSpoolLayout *layout = make_layout(spool, before + n, spool->layout->width, before);

	memset(layout->width + before, (uint8) width, n);
	change_layout(spool, layout);
}

/* Zeroes the cells behind the last row: what goes to a file is all defined. */
static void
clear_rest(AugurChunk *chunk)
{
	char *at = chunk->data;

	for (uint32 j = 0; j < chunk->layout->n_columns; j++)
	{
		Size size = augur_width_bytes(chunk->layout->width[j]);

		memset(at + chunk->n_rows * size, 0, (chunk->room - chunk->n_rows) * size);
		at += chunk->room * size;
	}
}

/* Moves the columns together so that the chunk has room for its rows only. */
static void
cut_chunk(AugurSpool *spool, AugurChunk *chunk)
{
	uint32 room = (uint32) TYPEALIGN(8, chunk->n_rows);
	Size row_bytes = Max(chunk->layout->row_bytes, 1);
	char *from = chunk->data;
	char *to = chunk->data;

	if (room == chunk->room)
		return;
	for (uint32 j = 0; j < chunk->layout->n_columns; j++)
	{
		Size size = augur_width_bytes(chunk->layout->width[j]);

		memmove(to, from, chunk->n_rows * size);
		from += chunk->room * size;
		to += room * size;
	}
	spool->memory -= (chunk->room - room) * row_bytes;
	chunk->room = room;
	chunk->data = repalloc_huge(chunk->data, Max(mul_size(room, row_bytes), 1));
}

void
augur_spool_close(AugurSpool *spool, uint32 number, bool keep)
{
	AugurChunk *chunk = &spool->chunks[number];
	Size bytes;

	cut_chunk(spool, chunk);
	spool->n_rows = Max(spool->n_rows, chunk->first_row + chunk->n_rows);
	if (keep)
		return;

	if (spool->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(spool->context);

		spool->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	clear_rest(chunk);
	bytes = chunk->room * Max(chunk->layout->row_bytes, 1);
	BufFileTell(spool->file, &chunk->fileno, &chunk->offset);
	BufFileWrite(spool->file, chunk->data, bytes);
	spool->file_bytes += bytes;
	spool->memory -= bytes;
	pfree(chunk->data);
	chunk->data = NULL;
}

/* Reads n bytes at an offset of a chunk in the file into the buffer. */
static void
read_file(AugurSpool *spool, const AugurChunk *chunk, Size skip, Size bytes)
{
	if (spool->buffer_room < bytes)
	{
		if (spool->buffer != NULL)
			pfree(spool->buffer);
		spool->buffer_room = bytes;
		spool->buffer = MemoryContextAllocHuge(spool->context, bytes);
	}
	if (BufFileSeek(spool->file, chunk->fileno, chunk->offset + (off_t) skip, SEEK_SET) != 0 ||
		BufFileRead(spool->file, spool->buffer, bytes) != bytes)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not read training rows from temporary file: %m")));
}

void
augur_spool_read(AugurSpool *spool, uint32 number, uint32 first, uint32 n)
{
	const AugurChunk *chunk = &spool->chunks[number];
	const AugurSpoolLayout *layout = chunk->layout;
	Size skip = 0;
	Size bytes = 0;
	const char *at;

	if (spool->column_room < first + n)
	{
		if (spool->column != NULL)
			pfree(spool->column);
		spool->column_room = Max(first + n, spool->layout->n_columns);
		spool->column =
			MemoryContextAllocHuge(spool->context, mul_size(spool->column_room, sizeof(void *)));
	}
	for (uint32 j = 0; j < Min(first + n, layout->n_columns); j++)
	{
		if (j < first)
			skip += chunk->room * augur_width_bytes(layout->width[j]);
		else
			bytes += chunk->room * augur_width_bytes(layout->width[j]);
	}
	if (chunk->data != NULL)
		at = chunk->data + skip;
	else
	{
		if (bytes > 0)
			read_file(spool, chunk, skip, bytes);
		at = spool->buffer;
	}
	for (uint32 j = first; j < first + n; j++)
	{
		AugurWidth width = augur_chunk_width(chunk, j);

		spool->column[j] = width == AUGUR_WIDTH_ABSENT ? NULL : at;
		at += chunk->room * augur_width_bytes((uint8) width);
	}
}

void
augur_spool_gather(AugurSpool *spool, uint32 column, uint64 *out)
{
	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, column, 1);
		memcpy(out + chunk->first_row, spool->column[column], chunk->n_rows * sizeof(uint64));
	}
}

void
augur_spool_end(AugurSpool *spool)
{
	for (uint32 i = 0; i < spool->n_chunks; i++)
	{
		if (spool->chunks[i].data != NULL)
			pfree(spool->chunks[i].data);
		spool->chunks[i].data = NULL;
	}
	spool->n_chunks = 0;
	spool->memory = 0;
	if (spool->buffer != NULL)
		pfree(spool->buffer);
	spool->buffer = NULL;
	spool->buffer_room = 0;
	if (spool->file != NULL)
		BufFileClose(spool->file);
	spool->file = NULL;
}

void
augur_cells_decode(AugurWidth width, const void *cells, uint32 n, double *out)
{
	switch (width)
	{
		case AUGUR_WIDTH_ABSENT:
			for (uint32 i = 0; i < n; i++)
				out[i] = NAN;
			break;
		case AUGUR_WIDTH_INT32: {
			const int32 *from = (const int32 *) cells;

			for (uint32 i = 0; i < n; i++)
				out[i] = from[i] == AUGUR_MISSING_INT32 ? NAN : from[i];
			break;
		}
		case AUGUR_WIDTH_FLOAT: {
			const float *from = (const float *) cells;

			for (uint32 i = 0; i < n; i++)
				out[i] = from[i];
			break;
		}
		case AUGUR_WIDTH_CODE: {
			const uint32 *from = (const uint32 *) cells;

			for (uint32 i = 0; i < n; i++)
				out[i] = from[i] == AUG_MISSING_WIDE ? NAN : from[i];
			break;
		}
		case AUGUR_WIDTH_DOUBLE:
			memcpy(out, cells, n * sizeof(double));
			break;
		case AUGUR_WIDTH_INT64: {
			const int64 *from = (const int64 *) cells;

			for (uint32 i = 0; i < n; i++)
				out[i] = from[i] == AUGUR_MISSING_INT64 ? NAN : (double) from[i];
			break;
		}
		case AUGUR_WIDTH_HASH:
			elog(ERROR, "hashes are not numbers");
	}
}
