/*-------------------------------------------------------------------------
 *
 * fill.c
 *		From the spool to the matrices: binning, and the block that other processes
 *		map.
 *
 * The block is one piece of memory without pointers: a header, then the cells, wide
 * columns, labels, targets and weights of the training and of the holdout matrix,
 * then the features with their cuts and levels.  All places are offsets from the
 * block's start, aligned to 64 bytes.
 *
 * A chunk is binned column by column into a tile of its rows, and the tile's rows are
 * dealt to their places.  Rows whose 64-bit content hashes are equal although they
 * differ are put in order of their bytes in the end, so that even then the order of
 * the source does not matter.
 *
 * Algorithms that ask for it (AugAlgorithm.raw) get the numbers beside their bins.
 *
 * Memory: the block is the caller's; a tile.  Interrupts: polled once a chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"

#define BLOCK_MAGIC UINT64CONST(0x3130786F6C426741)
#define BLOCK_ALIGN 64
#define SIDES		2 /* training, holdout */

typedef struct BlockFeature
{
	Size name;
	Size column;
	Size type_name;
	Size cuts;
	Size level_end;
	Size level_text;
	uint32 part;
	uint32 element;
	uint32 kind;
	uint32 n_cuts;
	uint32 n_levels;
	uint32 wide;
	uint32 slot;
} BlockFeature;

typedef struct BlockHeader
{
	uint64 magic;
	Size bytes;
	uint32 task;
	uint32 n_features;
	uint32 n_narrow;
	uint32 n_wide;
	uint32 n_classes;
	Size stride;
	uint32 n_rows[SIDES];
	/* offsets; 0 for what is absent */
	Size cells[SIDES];
	Size wide[SIDES];
	Size label[SIDES];
	Size y[SIDES];
	Size weight[SIDES];
	Size raw[SIDES];
	Size features; /* BlockFeature[n_features] */
	Size classes;  /* Size[n_classes], offsets of names */
	Size target;
	Size target_type;
} BlockHeader;

/* Where the rows of a side go while filling. */
typedef struct Side
{
	uint8 *cells;
	uint32 *wide;
	uint32 *label;
	double *y;
	double *weight;
	double *raw;
	uint32 n_rows;
} Side;

/* ---- layout ----------------------------------------------------------------- */

/* Takes bytes from the block; the offset of its start.  at grows. */
static Size
take(Size *at, Size n, Size size)
{
	Size start = TYPEALIGN(BLOCK_ALIGN, *at);

	*at = add_size(start, mul_size(n, size));
	return start;
}

/* Features whose values are numbers. */
static uint32
count_numbers(const AugurLoader *loader)
{
	uint32 n = 0;

	for (uint32 i = 0; i < loader->n_features; i++)
		n += loader->features[i].f.kind == AUG_NUMERIC_FEATURE;
	return n;
}

/*
 * Lays out the block: header and, when block is given, the strings, cuts, levels and
 * feature records in it.  Returns its size.
 */
static Size
lay_out(AugurLoader *loader, BlockHeader *header, char *block)
{
	Size at = sizeof(BlockHeader);
	uint32 rows[SIDES] = {loader->n_training, loader->n_holdout};
	bool is_class = loader->report.task == AUG_CLASSIFICATION;

	memset(header, 0, sizeof(*header));
	header->magic = BLOCK_MAGIC;
	header->task = loader->report.task;
	header->n_features = loader->n_features;
	header->n_narrow = loader->n_narrow;
	header->n_wide = loader->n_wide;
	header->n_classes = loader->n_classes;
	header->stride = loader->stride;
	for (int s = 0; s < SIDES; s++)
	{
		header->n_rows[s] = rows[s];
		if (rows[s] == 0)
			continue;
		header->cells[s] = take(&at, rows[s], loader->stride);
		header->wide[s] = take(&at, mul_size(rows[s], loader->n_wide), sizeof(uint32));
		if (is_class)
			header->label[s] = take(&at, rows[s], sizeof(uint32));
		else
			header->y[s] = take(&at, rows[s], sizeof(double));
		if (loader->spool_weight >= 0)
			header->weight[s] = take(&at, rows[s], sizeof(double));
		if (loader->options.raw)
			header->raw[s] = take(&at, mul_size(rows[s], count_numbers(loader)), sizeof(double));
	}
	header->features = take(&at, loader->n_features, sizeof(BlockFeature));
	header->classes = take(&at, loader->n_classes, sizeof(Size));
#define TAKE_COPY(offset, from, n)                 \
	do                                             \
	{                                              \
		(offset) = take(&at, (n), 1);              \
		if (block != NULL && (n) > 0)              \
			memcpy(block + (offset), (from), (n)); \
	} while (0)
#define TAKE_STRING(offset, from) TAKE_COPY(offset, from, strlen(from) + 1)
	TAKE_STRING(header->target, loader->target.name);
	TAKE_STRING(header->target_type, loader->target.type_name);
	for (uint32 c = 0; c < loader->n_classes; c++)
	{
		Size offset;

		TAKE_STRING(offset, loader->class_names[c]);
		if (block != NULL)
			((Size *) (block + header->classes))[c] = offset;
	}
	for (uint32 i = 0; i < loader->n_features; i++)
	{
		const AugurLoadFeature *from = &loader->features[i];
		BlockFeature to = {0};

		TAKE_STRING(to.name, from->f.name);
		TAKE_STRING(to.column, from->f.column);
		TAKE_STRING(to.type_name, from->f.type_name);
		TAKE_COPY(to.cuts, from->f.cuts, from->f.n_cuts * sizeof(double));
		TAKE_COPY(to.level_end, from->f.level_end, from->f.n_levels * sizeof(uint32));
		TAKE_COPY(to.level_text, from->f.level_text, from->level_bytes);
		to.part = from->f.part;
		to.element = from->f.element;
		to.kind = from->f.kind;
		to.n_cuts = from->f.n_cuts;
		to.n_levels = from->f.n_levels;
		to.wide = from->f.wide;
		to.slot = from->f.slot;
		if (block != NULL)
			((BlockFeature *) (block + header->features))[i] = to;
	}
#undef TAKE_STRING
#undef TAKE_COPY
	header->bytes = at;
	return at;
}

/* See ingest.h. */
Size
augur_loader_bytes(AugurLoader *loader)
{
	BlockHeader header;

	return lay_out(loader, &header, NULL);
}

/* Shape of the training matrix. */
AugShape
augur_loader_shape(AugurLoader *loader)
{
	AugShape shape;

	memset(&shape, 0, sizeof(shape));
	shape.task = loader->report.task;
	shape.n_rows = loader->n_training;
	shape.n_narrow = loader->n_narrow;
	shape.n_wide = loader->n_wide;
	shape.n_classes = loader->n_classes;
	shape.stride = loader->stride;
	for (uint32 i = 0; i < loader->n_features; i++)
		shape.n_columns += aug_feature_columns(&loader->features[i].f);
	return shape;
}

/* One matrix of a mapped block; features and class_names are shared by both. */
static void
block_matrix(char *block, const BlockHeader *header, int side, const AugFeature *features,
			 const char *const *class_names, AugMatrix *matrix)
{
	memset(matrix, 0, sizeof(*matrix));
	matrix->task = (AugTask) header->task;
	matrix->n_rows = header->n_rows[side];
	matrix->n_features = header->n_features;
	matrix->n_narrow = header->n_narrow;
	matrix->n_wide = header->n_wide;
	matrix->n_classes = header->n_classes;
	matrix->stride = header->stride;
#define PLACE(type, offset) \
	((offset) != 0 ? (const type *) (const void *) (block + (offset)) : NULL)
	matrix->cells = PLACE(uint8, header->cells[side]);
	matrix->wide = header->n_wide > 0 ? PLACE(uint32, header->wide[side]) : NULL;
	matrix->label = PLACE(uint32, header->label[side]);
	matrix->y = PLACE(double, header->y[side]);
	matrix->weight = PLACE(double, header->weight[side]);
	matrix->raw = PLACE(double, header->raw[side]);
#undef PLACE
	matrix->features = features;
	matrix->class_names = class_names;
	matrix->target = block + header->target;
	matrix->target_type = block + header->target_type;
}

/*
 * See ingest.h.  The pointers made in context point into the block; either matrix
 * may be NULL when it is not wanted.
 */
void
augur_block_matrices(void *block, AugMatrix *training, AugMatrix *holdout, MemoryContext context)
{
	char *base = block;
	const BlockHeader *header = block;
	const BlockFeature *from;
	AugFeature *features;
	const char **class_names = NULL;

	if (header->magic != BLOCK_MAGIC)
		elog(ERROR, "block of matrices has a wrong magic number");
	features = MemoryContextAllocHuge(context, mul_size(header->n_features, sizeof(AugFeature)));
	from = (const BlockFeature *) (base + header->features);
	for (uint32 i = 0; i < header->n_features; i++)
	{
		features[i].name = base + from[i].name;
		features[i].column = base + from[i].column;
		features[i].type_name = base + from[i].type_name;
		features[i].part = from[i].part;
		features[i].element = from[i].element;
		features[i].kind = (AugKind) from[i].kind;
		features[i].n_cuts = from[i].n_cuts;
		features[i].cuts = (const double *) (base + from[i].cuts);
		features[i].n_levels = from[i].n_levels;
		features[i].level_end = (const uint32 *) (base + from[i].level_end);
		features[i].level_text = base + from[i].level_text;
		features[i].wide = from[i].wide != 0;
		features[i].slot = from[i].slot;
	}
	if (header->n_classes > 0)
	{
		class_names = MemoryContextAllocHuge(context, mul_size(header->n_classes, sizeof(char *)));
		for (uint32 c = 0; c < header->n_classes; c++)
			class_names[c] = base + ((const Size *) (base + header->classes))[c];
	}
	if (training != NULL)
		block_matrix(base, header, 0, features, class_names, training);
	if (holdout != NULL)
		block_matrix(base, header, 1, features, class_names, holdout);
}

/* ---- binning ------------------------------------------------------------------ */

void
augur_feature_decode(const AugurLoader *loader, const AugurLoadFeature *feature, AugurWidth width,
					 const void *cells, uint32 n, double *out)
{
	AugurPart part = (AugurPart) feature->f.part;

	if (part <= AUGUR_PART_ELEMENT || width == AUGUR_WIDTH_ABSENT)
	{
		augur_cells_decode(width, cells, n, out);
		return;
	}
	if (width == AUGUR_WIDTH_INT32)
	{
		const int32 *date = (const int32 *) cells;

		for (uint32 i = 0; i < n; i++)
			out[i] = date[i] == AUGUR_MISSING_INT32 ? NAN : augur_date_part(date[i], part);
	}
	else
	{
		const int64 *timestamp = (const int64 *) cells;

		for (uint32 i = 0; i < n; i++)
			out[i] = timestamp[i] == AUGUR_MISSING_INT64 ? NAN
														 : augur_timestamp_part(timestamp[i], part);
	}
}

/*
 * Bins of n values into every stride-th byte of to.  The search has 'steps' steps for
 * every value and no branch; four values are on their way at a time.  cut [255] is
 * padded with infinity.
 */
static void
bin_values(const double *v, uint32 n, const double *cut, int steps, uint8 *to, Size stride)
{
	uint32 i = 0;

	for (; i + 4 <= n; i += 4)
	{
		uint32 a = 0, b = 0, c = 0, d = 0;

		for (uint32 half = steps > 0 ? 1U << (steps - 1) : 0; half > 0; half >>= 1)
		{
			a += cut[a + half - 1] < v[i] ? half : 0;
			b += cut[b + half - 1] < v[i + 1] ? half : 0;
			c += cut[c + half - 1] < v[i + 2] ? half : 0;
			d += cut[d + half - 1] < v[i + 3] ? half : 0;
		}
		to[0] = (uint8) (isnan(v[i]) ? AUG_MISSING_CELL : a);
		to[stride] = (uint8) (isnan(v[i + 1]) ? AUG_MISSING_CELL : b);
		to[2 * stride] = (uint8) (isnan(v[i + 2]) ? AUG_MISSING_CELL : c);
		to[3 * stride] = (uint8) (isnan(v[i + 3]) ? AUG_MISSING_CELL : d);
		to += 4 * stride;
	}
	for (; i < n; i++)
	{
		uint32 a = 0;

		for (uint32 half = steps > 0 ? 1U << (steps - 1) : 0; half > 0; half >>= 1)
			a += cut[a + half - 1] < v[i] ? half : 0;
		*to = (uint8) (isnan(v[i]) ? AUG_MISSING_CELL : a);
		to += stride;
	}
}

/* The decoded numbers of a chunk to their places; number: which of the numeric features. */
static void
place_numbers(AugurLoader *loader, const AugurChunk *chunk, Size number, Side *sides)
{
	for (uint32 i = 0; i < chunk->n_rows; i++)
	{
		uint32 position = loader->position[chunk->first_row + i];
		Side *side = &sides[position & AUGUR_POSITION_HOLDOUT ? 1 : 0];

		side->raw[number * side->n_rows + (position & ~AUGUR_POSITION_HOLDOUT)] =
			loader->decoded[i];
	}
}

/* One feature of a chunk: into the tile, or a wide column in place. */
static void
fill_feature(AugurLoader *loader, const AugurLoadFeature *feature, const AugurChunk *chunk,
			 const void *cells, Size number, Side *sides, uint8 *tile)
{
	AugurWidth width = augur_chunk_width(chunk, (uint32) (loader->spool_cells + feature->cell));
	const uint32 *rank = loader->cells[feature->cell].code_rank;
	const uint32 *codes = (const uint32 *) cells;
	uint8 *to = tile + feature->f.slot;

	if (feature->f.kind == AUG_NUMERIC_FEATURE)
	{
		double cut[AUG_MAX_BINS];

		for (uint32 k = 0; k < lengthof(cut); k++)
			cut[k] = k < feature->f.n_cuts ? feature->f.cuts[k] : INFINITY;
		augur_feature_decode(loader, feature, width, cells, chunk->n_rows, loader->decoded);
		bin_values(loader->decoded, chunk->n_rows, cut, feature->steps, to, loader->stride);
		if (loader->options.raw)
			place_numbers(loader, chunk, number, sides);
	}
	else if (!feature->f.wide)
	{
		for (uint32 i = 0; i < chunk->n_rows; i++)
			to[i * loader->stride] =
				(uint8) (codes[i] == AUG_MISSING_WIDE ? AUG_MISSING_CELL : rank[codes[i]]);
	}
	else
	{
		for (uint32 i = 0; i < chunk->n_rows; i++)
		{
			uint32 position = loader->position[chunk->first_row + i];
			Side *side = &sides[position & AUGUR_POSITION_HOLDOUT ? 1 : 0];

			side->wide[(Size) feature->f.slot * side->n_rows +
					   (position & ~AUGUR_POSITION_HOLDOUT)] =
				codes[i] == AUG_MISSING_WIDE ? AUG_MISSING_WIDE : rank[codes[i]];
		}
	}
}

/* Target and weight of a chunk's rows, and the tile's rows, to their places. */
static void
place_chunk(AugurLoader *loader, const AugurChunk *chunk, const double *weight, Side *sides,
			const uint8 *tile)
{
	if (loader->report.task == AUG_REGRESSION)
		augur_cells_decode(augur_chunk_width(chunk, SPOOL_TARGET),
						   loader->spool->column[SPOOL_TARGET], chunk->n_rows,
						   loader->decoded_target);
	for (uint32 i = 0; i < chunk->n_rows; i++)
	{
		uint32 position = loader->position[chunk->first_row + i];
		Side *side = &sides[position & AUGUR_POSITION_HOLDOUT ? 1 : 0];
		Size at = position & ~AUGUR_POSITION_HOLDOUT;

		memcpy(side->cells + at * loader->stride, tile + i * loader->stride, loader->stride);
		if (side->label != NULL)
			side->label[at] = loader->label[chunk->first_row + i];
		else
			side->y[at] = loader->decoded_target[i];
		if (side->weight != NULL)
			side->weight[at] = weight[i];
	}
}

/* ---- ties of the hash ---------------------------------------------------------------- */

/* Order of rows a and b of a side by all that they hold. */
static int
compare_rows(const AugurLoader *loader, const Side *side, Size a, Size b)
{
	int order =
		memcmp(side->cells + a * loader->stride, side->cells + b * loader->stride, loader->stride);

	for (Size w = 0; order == 0 && w < loader->n_wide; w++)
	{
		const uint32 *column = side->wide + w * side->n_rows;

		order = column[a] < column[b] ? -1 : column[a] > column[b];
	}
	if (order == 0 && side->label != NULL)
		order = side->label[a] < side->label[b] ? -1 : side->label[a] > side->label[b];
	if (order == 0 && side->y != NULL)
		order = side->y[a] < side->y[b] ? -1 : side->y[a] > side->y[b];
	for (Size k = 0; order == 0 && side->raw != NULL && k < count_numbers(loader); k++)
	{
		double v = side->raw[k * side->n_rows + a], w = side->raw[k * side->n_rows + b];

		order = v < w ? -1 : v > w;
	}
	if (order == 0 && side->weight != NULL)
		order = side->weight[a] < side->weight[b] ? -1 : side->weight[a] > side->weight[b];
	return order;
}

#define SWAP(type, array, a, b)  \
	do                           \
	{                            \
		type swap_ = (array)[a]; \
		(array)[a] = (array)[b]; \
		(array)[b] = swap_;      \
	} while (0)

static void
swap_rows(const AugurLoader *loader, Side *side, Size a, Size b)
{
	for (Size k = 0; k < loader->stride; k++)
		SWAP(uint8, side->cells, a * loader->stride + k, b * loader->stride + k);
	for (Size w = 0; w < loader->n_wide; w++)
		SWAP(uint32, side->wide + w * side->n_rows, a, b);
	if (side->label != NULL)
		SWAP(uint32, side->label, a, b);
	if (side->y != NULL)
		SWAP(double, side->y, a, b);
	for (Size k = 0; side->raw != NULL && k < count_numbers(loader); k++)
		SWAP(double, side->raw + k * side->n_rows, a, b);
	if (side->weight != NULL)
		SWAP(double, side->weight, a, b);
}

/*
 * Orders rows of equal hash.  Nearly always they are equal rows and stay; the
 * insertion moves only true collisions, of which there is hardly ever one.
 */
static void
order_ties(AugurLoader *loader, Side *side, const uint8 *tied)
{
	for (Size i = 1; i < side->n_rows; i++)
	{
		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		for (Size k = i;
			 k > 0 && (tied[k / 8] & (1 << (k % 8))) && compare_rows(loader, side, k - 1, k) > 0;
			 k--)
			swap_rows(loader, side, k - 1, k);
	}
}

/* ---- fill ------------------------------------------------------------------------------ */

/* Where the rows of each side go in a block that is laid out. */
static void
set_sides(char *block, const BlockHeader *header, Side *sides)
{
#define PLACE(type, offset) ((offset) != 0 ? (type *) (void *) (block + (offset)) : NULL)
	for (int s = 0; s < SIDES; s++)
	{
		sides[s].cells = PLACE(uint8, header->cells[s]);
		sides[s].wide = PLACE(uint32, header->wide[s]);
		sides[s].label = PLACE(uint32, header->label[s]);
		sides[s].y = PLACE(double, header->y[s]);
		sides[s].weight = PLACE(double, header->weight[s]);
		sides[s].raw = PLACE(double, header->raw[s]);
		sides[s].n_rows = header->n_rows[s];
	}
#undef PLACE
}

/* Bytes between and behind columns are zero, so equal data are equal bytes. */
static uint8 *
new_tile(AugurLoader *loader)
{
	uint32 most = 0;
	uint8 *tile;

	for (uint32 k = 0; k < loader->spool->n_chunks; k++)
		most = Max(most, loader->spool->chunks[k].n_rows);
	tile = augur_huge_array(most, loader->stride);
	memset(tile, 0, most * loader->stride);
	return tile;
}

/*
 * See ingest.h.  Frees the spool when the rows are in place: once only.
 */
void
augur_loader_fill(AugurLoader *loader, void *block)
{
	MemoryContext old = MemoryContextSwitchTo(loader->context);
	AugurSpool *spool = loader->spool;
	BlockHeader *header = block;
	Side sides[SIDES];
	uint8 *tile = new_tile(loader);
	uint32 n_kept = 0;

	if (!loader->finished || spool->n_chunks == 0)
		elog(ERROR, "loader is not ready to fill a block");
	(void) lay_out(loader, header, block);
	set_sides(block, header, sides);
	augur_holdout_begin(loader);
	augur_watch_begin(loader);

	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		Size number = 0;

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, 0, (uint32) (loader->spool_cells + loader->n_cells));
		augur_watch_chunk(loader, chunk);
		for (uint32 f = 0; f < loader->n_features; f++)
		{
			fill_feature(loader, &loader->features[f], chunk,
						 spool->column[loader->spool_cells + loader->features[f].cell], number,
						 sides, tile);
			number += loader->features[f].f.kind == AUG_NUMERIC_FEATURE;
		}
		place_chunk(loader, chunk,
					loader->spool_weight < 0 ? NULL
											 : (const double *) spool->column[loader->spool_weight],
					sides, tile);
		if (loader->holdout_values != NULL || loader->holdout_file != NULL)
			augur_holdout_keep(loader, chunk, &n_kept);
	}
	for (int s = 0; s < SIDES; s++)
		order_ties(loader, &sides[s], loader->tied[s]);

	pfree(tile);
	augur_spool_end(spool);
	pfree(loader->position);
	loader->position = NULL;
	if (loader->label != NULL)
		pfree(loader->label);
	loader->label = NULL;
	MemoryContextSwitchTo(old);
}
