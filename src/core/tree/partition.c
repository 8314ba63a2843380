/*-------------------------------------------------------------------------
 *
 * partition.c
 *		Moves the records of a node to the sides of its split, in place.
 *
 * Lomuto's scheme without branches: every record is exchanged with the first one
 * of the right side, which only grows or not by the outcome.  Records are of a
 * multiple of 8 bytes; usual sizes have loops of their own.
 *
 * Memory: none.  Interrupts: polled every 16384 records.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forest.h"

/*
 * Moves the records for which go_left holds to the front, exchanging records
 * without a branch on the outcome.  WORDS: 8-byte words of a record, or 0.
 */
#define PARTITION(WORDS, GO_LEFT)                                                      \
	do                                                                                 \
	{                                                                                  \
		for (; i < stop; i++)                                                          \
		{                                                                              \
			uint8_t *a = base + (size_t) i * size;                                     \
			uint8_t *b = base + (size_t) at * size;                                    \
			uint32_t go_left = (GO_LEFT);                                              \
			if ((WORDS) != 0)                                                          \
			{                                                                          \
				uint64_t x[(WORDS) == 0 ? 1 : (WORDS)], y[(WORDS) == 0 ? 1 : (WORDS)]; \
				memcpy(x, a, (size_t) (WORDS) *8);                                     \
				memcpy(y, b, (size_t) (WORDS) *8);                                     \
				memcpy(a, y, (size_t) (WORDS) *8);                                     \
				memcpy(b, x, (size_t) (WORDS) *8);                                     \
			}                                                                          \
			else                                                                       \
			{                                                                          \
				memcpy(swap, a, size);                                                 \
				memcpy(a, b, size);                                                    \
				memcpy(b, swap, size);                                                 \
			}                                                                          \
			at += go_left;                                                             \
		}                                                                              \
	} while (0)

#define PARTITION_SIZES(GO_LEFT)       \
	do                                 \
	{                                  \
		switch (size)                  \
		{                              \
			case 16:                   \
				PARTITION(2, GO_LEFT); \
				break;                 \
			case 24:                   \
				PARTITION(3, GO_LEFT); \
				break;                 \
			case 32:                   \
				PARTITION(4, GO_LEFT); \
				break;                 \
			case 40:                   \
				PARTITION(5, GO_LEFT); \
				break;                 \
			case 48:                   \
				PARTITION(6, GO_LEFT); \
				break;                 \
			case 64:                   \
				PARTITION(8, GO_LEFT); \
				break;                 \
			default:                   \
				PARTITION(0, GO_LEFT); \
				break;                 \
		}                              \
	} while (0)

/* By a numeric feature; missing_left shifts the missing cell 255 to 0. */
static uint32_t
partition_numeric(uint8_t *base, size_t size, uint32_t i, uint32_t stop, uint32_t at, uint8_t *swap,
				  uint32_t cell_at, uint32_t bin, uint32_t missing_left)
{
	PARTITION_SIZES((uint8_t) (a[cell_at] + missing_left) <= bin + missing_left);
	return at;
}

/* By a table of the sides of cells. */
static uint32_t
partition_table(uint8_t *base, size_t size, uint32_t i, uint32_t stop, uint32_t at, uint8_t *swap,
				uint32_t cell_at, const uint8_t *side)
{
	PARTITION_SIZES(side[a[cell_at]]);
	return at;
}

/* Through the matrix, for wide features and for records without cells. */
static uint32_t
partition_through(const ForestJob *f, uint32_t feature, const Split *split, uint8_t *base,
				  uint32_t i, uint32_t stop, uint32_t at)
{
	const ForestFeature *ff = &f->features[feature];
	size_t size = f->layout.size;
	uint8_t *swap = f->swap;
	uint32_t ml = split->missing_left;

	for (; i < stop; i++)
	{
		uint8_t *a = base + (size_t) i * size;
		uint8_t *b = base + (size_t) at * size;
		uint32_t left;

		if (ff->kind == FEATURE_WIDE)
		{
			uint32_t code = ff->wide[record_row(f, a)];

			left = f->side[code == AUG_MISSING_WIDE ? f->wide_levels : code];
		}
		else
		{
			uint8_t cell = record_cells(f, a)[ff->slot];

			if (split->is_set)
				left = f->side[cell];
			else
				left = (uint8_t) (cell + ml) <= split->bin + ml;
		}
		memcpy(swap, a, size);
		memcpy(a, b, size);
		memcpy(b, swap, size);
		at += left;
	}
	return at;
}

/*
 * Reorders the node's records so that the left child's come first; returns how
 * many those are, or FOREST_NONE when the host wants to stop.
 */
uint32_t
aug_forest_partition(ForestJob *f, const GrowTask *task, const Split *split)
{
	const ForestFeature *ff = &f->features[split->feature];
	uint8_t *base = record_at(f, task->first);
	uint32_t cell_at = f->layout.cells_at + ff->slot, at = 0, i, step = 16384;

	for (i = 0; i < task->n; i += step)
	{
		uint32_t stop = task->n - i < step ? task->n : i + step;

		if (ff->kind == FEATURE_WIDE || f->layout.cells_at == 0)
			at = partition_through(f, split->feature, split, base, i, stop, at);
		else if (split->is_set)
			at = partition_table(base, f->layout.size, i, stop, at, f->swap, cell_at, f->side);
		else
			at = partition_numeric(base, f->layout.size, i, stop, at, f->swap, cell_at, split->bin,
								   split->missing_left);
		if (forest_tick(f, (uint64_t) (stop - i) * 3 + 50))
			return FOREST_NONE;
	}
	return at;
}
