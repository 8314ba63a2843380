/*-------------------------------------------------------------------------
 *
 * spool.h
 *		Rows of cells between the source and the matrix: chunks of columns, in memory
 *		and then in a temporary file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_SPOOL_H
#define AUGUR_SPOOL_H

#include "pg.h"

#include "storage/buffile.h"

/* How the cells of a column are stored; the sentinel of each means missing. */
typedef enum AugurWidth
{
	AUGUR_WIDTH_ABSENT = 0, /* all missing: an array whose length is not known yet */
	AUGUR_WIDTH_INT32,		/* missing: AUGUR_MISSING_INT32 */
	AUGUR_WIDTH_FLOAT,		/* missing: NaN */
	AUGUR_WIDTH_CODE,		/* uint32 level code; missing: AUG_MISSING_WIDE */
	AUGUR_WIDTH_DOUBLE,		/* missing: NaN */
	AUGUR_WIDTH_INT64,		/* missing: AUGUR_MISSING_INT64 */
	AUGUR_WIDTH_HASH		/* uint64, never missing */
} AugurWidth;

/* Neither is a date or timestamp, whose minus infinity is one less. */
#define AUGUR_MISSING_INT32 (PG_INT32_MIN + 1)
#define AUGUR_MISSING_INT64 (PG_INT64_MIN + 1)

static inline Size
augur_width_bytes(uint8 width)
{
	return width == AUGUR_WIDTH_ABSENT ? 0 : width <= AUGUR_WIDTH_CODE ? 4 : 8;
}

/* Widths of the columns of all chunks up to the next change. */
typedef struct AugurSpoolLayout
{
	uint32 n_columns;
	uint8 *width; /* [n_columns] AugurWidth */
	Size row_bytes;
} AugurSpoolLayout;

typedef struct AugurChunk
{
	AugurSpoolLayout *layout;
	int64 first_row;
	uint32 n_rows;
	uint32 room; /* rows that each column has space for, a multiple of 8 */
	char *data;	 /* columns one after another, or NULL: in the file */
	int fileno;
	off_t offset;
} AugurChunk;

typedef struct AugurSpool
{
	MemoryContext context;
	AugurSpoolLayout *layout; /* of the open chunk */
	AugurChunk *chunks;		  /* [n_chunks], the last one is open while writing */
	uint32 n_chunks;
	uint32 chunks_room;
	int64 n_rows; /* of closed chunks */
	Size memory;  /* bytes of chunks held in memory */
	BufFile *file;
	Size file_bytes;
	/* where the open chunk's columns are */
	void **base; /* [base_room] */
	uint32 base_room;
	/* buffer for reading */
	char *buffer;
	Size buffer_room;
	const void **column; /* [column_room] set by augur_spool_read */
	uint32 column_room;
} AugurSpool;

extern AugurSpool *augur_spool_begin(MemoryContext context, uint32 n_columns, const uint8 *width);
/* The open chunk, with room for at least one more row. */
extern AugurChunk *augur_spool_open(AugurSpool *spool);
/* Changes one width, or appends columns, from the row being written on: see spool.c */
extern void augur_spool_widen(AugurSpool *spool, uint32 column, AugurWidth width);
extern void augur_spool_append(AugurSpool *spool, uint32 n, AugurWidth width);
/* Ends the chunk before the last one (or the last): to the file unless keep. */
extern void augur_spool_close(AugurSpool *spool, uint32 chunk, bool keep);
/* spool->column[first .. first + n - 1] point at the cells of a chunk, until the next read. */
extern void augur_spool_read(AugurSpool *spool, uint32 chunk, uint32 first, uint32 n);
/* One 8-byte column of all rows; out [n_rows].  The caller's column is 8 bytes throughout. */
extern void augur_spool_gather(AugurSpool *spool, uint32 column, uint64 *out);
/* Frees chunks and file; the struct stays. */
extern void augur_spool_end(AugurSpool *spool);
/* n cells as doubles (a code as its number), NaN for missing; out [n] */
extern void augur_cells_decode(AugurWidth width, const void *cells, uint32 n, double *out);

static inline AugurWidth
augur_chunk_width(const AugurChunk *chunk, uint32 column)
{
	return column < chunk->layout->n_columns ? (AugurWidth) chunk->layout->width[column]
											 : AUGUR_WIDTH_ABSENT;
}

#endif /* AUGUR_SPOOL_H */
