/*-------------------------------------------------------------------------
 *
 * pack_walk.c
 *		Walks packed forests: from a row to its cells, from cells to the leaves.
 *		pack.c tells how a packed forest lies in memory.
 *
 * Ten trees are walked at once: one visit is a chain of two loads, which ten
 * chains hide from each other.  Shallow trees go in groups of ten, as many steps as
 * the deepest of the group needs, so they are taken in order of their depth; deep
 * ones make room for the next tree as soon as a look finds them at a leaf.
 *
 * Memory: the caller's scratch.  Interrupts: none, microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

#define STRIDE_STEPS 4 /* steps without a look at where they lead */
#define NO_PLACE	 UINT32_MAX
#define SEARCHES	 4 /* at once */

static inline size_t
leaves_offset(const Pack *pack)
{
	return ((size_t) pack->n_cells + 3) & ~(size_t) 3;
}

size_t
aug_pack_scratch(const Pack *pack)
{
	return leaves_offset(pack) + (size_t) pack->n_trees * sizeof(uint32_t);
}

/*
 * Where a split on a set sends a code: the bit of the code, behind the slot.  Of
 * another split it is computed all the same, and masked out.
 */
#define SET_TURN(SLOT, CELL, BIN, STEP)                                             \
	uint64_t is_set = 0 - (uint64_t) (CELL(slot) > dummy);                          \
	uint64_t bit = ((uint32_t) at[l][1 + (cell >> 5)] >> (cell & 31)) & is_set & 1; \
                                                                                    \
	right = (right & ~is_set) | (0 - bit);                                          \
	down += BIN(slot) & is_set;

#define NO_SET_TURN(SLOT, CELL, BIN, STEP)

/*
 * One stride of all lanes.  The compiler unrolls them; there is nothing to
 * mispredict.
 */
#define STRIDE(SLOT, CELL, BIN, STEP, TURN)                                       \
	for (int s = 0; s < STRIDE_STEPS; s++)                                        \
	{                                                                             \
		_Pragma("GCC unroll 10") for (int l = 0; l < PACK_LANES; l++)             \
		{                                                                         \
			SLOT slot = *at[l];                                                   \
			uint32_t cell = cells[CELL(slot)];                                    \
			uint64_t right = 0 - (uint64_t) (cell > BIN(slot)), down = 1;         \
                                                                                  \
			TURN(SLOT, CELL, BIN, STEP)                                           \
			/* down, or the step: as arithmetic, or compilers make it a branch */ \
			at[l] += down + (((uint64_t) STEP(slot) - down) & right);             \
		}                                                                         \
	}

/*
 * Walks all trees, group by group: for trees of little depth, of which most leaves
 * lie near the bottom.
 */
#define DEFINE_WALK_LEVEL(name, SLOT, CELL, BIN, STEP, TURN)                             \
	static void name(const Pack *pack, const SLOT *slots, const uint8_t *restrict cells, \
					 uint32_t *restrict leaves)                                          \
	{                                                                                    \
		const uint32_t dummy = pack->dummy;                                              \
		(void) dummy;                                                                    \
		for (uint32_t g = 0; g < pack->n_groups; g++)                                    \
		{                                                                                \
			const uint32_t *roots = pack->roots + (size_t) g * PACK_LANES,               \
						   *trees = pack->trees + (size_t) g * PACK_LANES;               \
			const SLOT *at[PACK_LANES];                                                  \
                                                                                         \
			for (int l = 0; l < PACK_LANES; l++)                                         \
				at[l] = slots + roots[l];                                                \
			for (uint32_t left = pack->depths[g]; left > 0;                              \
				 left -= left < STRIDE_STEPS ? left : STRIDE_STEPS)                      \
			{                                                                            \
				STRIDE(SLOT, CELL, BIN, STEP, TURN)                                      \
			}                                                                            \
			_Pragma("GCC unroll 10") for (int l = 0; l < PACK_LANES; l++)                \
				leaves[trees[l]] = (uint32_t) at[l][1];                                  \
		}                                                                                \
	}

/*
 * Walks all trees, and gives a lane that has reached a leaf the next tree: for deep
 * trees, whose leaves lie at all depths.  A lane without a tree stays at its
 * last leaf.
 */
#define DEFINE_WALK_DEEP(name, SLOT, CELL, BIN, STEP, TURN)                              \
	static void name(const Pack *pack, const SLOT *slots, const uint8_t *restrict cells, \
					 uint32_t *restrict leaves)                                          \
	{                                                                                    \
		const uint32_t dummy = pack->dummy;                                              \
		uint32_t next = PACK_LANES, done = 0, place[PACK_LANES];                         \
		const SLOT *at[PACK_LANES];                                                      \
                                                                                         \
		(void) dummy;                                                                    \
		for (uint32_t l = 0; l < PACK_LANES; l++)                                        \
		{                                                                                \
			place[l] = l;                                                                \
			at[l] = slots + pack->roots[l];                                              \
		}                                                                                \
		while (done < pack->n_groups * PACK_LANES)                                       \
		{                                                                                \
			STRIDE(SLOT, CELL, BIN, STEP, TURN)                                          \
			_Pragma("GCC unroll 10") for (int l = 0; l < PACK_LANES; l++)                \
			{                                                                            \
				if (STEP(*at[l]) != 0 || place[l] == NO_PLACE)                           \
					continue;                                                            \
				leaves[pack->trees[place[l]]] = (uint32_t) at[l][1];                     \
				done++;                                                                  \
				place[l] = next < pack->n_groups * PACK_LANES ? next++ : NO_PLACE;       \
				if (place[l] != NO_PLACE)                                                \
					at[l] = slots + pack->roots[place[l]];                               \
			}                                                                            \
		}                                                                                \
	}

#define CELL4(slot) ((slot) &0xFF)
#define BIN4(slot)	((uint8_t) ((slot) >> 8))
#define STEP4(slot) ((slot) >> 16)
#define CELL8(slot) ((slot) &0xFFFF)
#define BIN8(slot)	((uint8_t) ((slot) >> 16))
#define STEP8(slot) ((slot) >> 32)

DEFINE_WALK_LEVEL(walk_level4, uint32_t, CELL4, BIN4, STEP4, NO_SET_TURN)
DEFINE_WALK_LEVEL(walk_level8, uint64_t, CELL8, BIN8, STEP8, NO_SET_TURN)
DEFINE_WALK_DEEP(walk_deep4, uint32_t, CELL4, BIN4, STEP4, NO_SET_TURN)
DEFINE_WALK_DEEP(walk_deep8, uint64_t, CELL8, BIN8, STEP8, NO_SET_TURN)
DEFINE_WALK_LEVEL(walk_level_sets4, uint32_t, CELL4, BIN4, STEP4, SET_TURN)
DEFINE_WALK_LEVEL(walk_level_sets8, uint64_t, CELL8, BIN8, STEP8, SET_TURN)
DEFINE_WALK_DEEP(walk_deep_sets4, uint32_t, CELL4, BIN4, STEP4, SET_TURN)
DEFINE_WALK_DEEP(walk_deep_sets8, uint64_t, CELL8, BIN8, STEP8, SET_TURN)

static const uint32_t *
walk_all(const Pack *pack, void *scratch)
{
	uint8_t *cells = scratch;
	uint32_t *leaves = (uint32_t *) (void *) (cells + leaves_offset(pack));
	unsigned how = (pack->n_numbers < pack->n_features ? 2u : 0u) + pack->is_deep;

	cells[pack->dummy] = 255;
	if (pack->is_short)
	{
		static void (*const walk[4])(const Pack *, const uint32_t *, const uint8_t *restrict,
									 uint32_t *restrict) = {walk_level4, walk_deep4,
															walk_level_sets4, walk_deep_sets4};

		walk[how](pack, pack->slots4, cells, leaves);
	}
	else
	{
		static void (*const walk[4])(const Pack *, const uint64_t *, const uint8_t *restrict,
									 uint32_t *restrict) = {walk_level8, walk_deep8,
															walk_level_sets8, walk_deep_sets8};

		walk[how](pack, pack->slots8, cells, leaves);
	}
	return leaves;
}

/* Both cells of a feature; high first, as the two may share a place. */
static inline void
put_cells(const PackFeature *f, uint8_t cell, uint8_t *cells)
{
	cells[f->high] = cell;
	if (f->low != PACK_NO_CELL)
		cells[f->low] = cell == AUG_MISSING_CELL ? 0 : cell;
}

/*
 * The bins of n features, n at most SEARCHES, whose searches have as many steps: the
 * number of cuts below the value.  Comparisons become arithmetic, and searches
 * of several features hide each other's loads.
 */
static inline void
search_bins(const PackFeature *f, uint32_t n, const double *x, uint8_t *cells)
{
	const double *cuts[SEARCHES];
	double v[SEARCHES];
	uint32_t bin[SEARCHES] = {0};

	for (uint32_t i = 0; i < n; i++)
	{
		cuts[i] = f[i].cuts;
		v[i] = x[f[i].source];
	}
	for (uint32_t half = (1u << f->n_steps) >> 1; half > 0; half >>= 1)
	{
		for (uint32_t i = 0; i < n; i++)
			bin[i] += half & (0u - (uint32_t) (cuts[i][bin[i] + half - 1] < v[i]));
	}
	for (uint32_t i = 0; i < n; i++)
		put_cells(&f[i], isnan(v[i]) ? AUG_MISSING_CELL : (uint8_t) bin[i], cells);
}

/* Raw values. */
const uint32_t *
aug_pack_values(const Pack *pack, const double *x, void *scratch)
{
	uint8_t *cells = scratch;
	uint32_t i = 0;

	while (i < pack->n_numbers)
	{
		const PackFeature *f = &pack->features[i];

		/* features are in order of their steps, so the last of the four tells for all */
		if (i + SEARCHES <= pack->n_numbers && f[SEARCHES - 1].n_steps == f->n_steps)
		{
			search_bins(f, SEARCHES, x, scratch);
			i += SEARCHES;
		}
		else
		{
			search_bins(f, 1, x, scratch);
			i++;
		}
	}
	for (; i < pack->n_features; i++)
	{
		const PackFeature *f = &pack->features[i];
		double v = x[f->source];

		cells[f->high] = v >= 0 && v < f->n_levels ? (uint8_t) v
												   : (uint8_t) (f->n_levels + (isnan(v) ? 1 : 0));
	}
	return walk_all(pack, scratch);
}

/* Cells of a row of a matrix. */
const uint32_t *
aug_pack_cells(const Pack *pack, const uint8_t *row, void *scratch)
{
	for (uint32_t i = 0; i < pack->n_features; i++)
	{
		const PackFeature *f = &pack->features[i];

		if (i >= pack->n_numbers && row[f->slot] == AUG_MISSING_CELL)
			((uint8_t *) scratch)[f->high] = (uint8_t) (f->n_levels + 1);
		else
			put_cells(f, row[f->slot], scratch);
	}
	return walk_all(pack, scratch);
}
