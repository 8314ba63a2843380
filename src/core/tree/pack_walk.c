/*-------------------------------------------------------------------------
 *
 * pack_walk.c
 *		Walks packed forests: from a row to its cells, from cells to the leaves.
 *		pack.c tells how a packed forest lies in memory.
 *
 * A visit adds the cell, shifted to where the slot has the complement of its bin: a
 * cell above the bin carries into the step, which then leads to the right child.  So
 * a visit is two loads, an addition and a shift; there is nothing to mispredict.
 *
 * Ten trees are walked at once, whose chains of loads hide each other's latency.
 * All trees go a stride of visits before any goes on, which takes them to the end of a
 * cache line, and the line that a tree needs next is fetched meanwhile.  Shallow trees,
 * taken in order of their depth, stay until the deepest of their group of ten has
 * arrived; deep ones leave the walk when they are at a leaf.
 *
 * Memory: the caller's scratch.  Interrupts: none, microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

/* Visits between two looks at where they lead; the first line has the root, too. */
#define FIRST_STRIDE (1 + PACK_STRIDE)
#define DEEP_STRIDE	 4
#define SEARCHES	 4 /* at once */

/* Functions that are compiled anew for each form of slots, which is a constant. */
#define FOR_EACH_FORM static inline __attribute__((always_inline))

/* ---- scratch ------------------------------------------------------------- */

/* A row on its way: its cells, where each place of a group is, and the leaves. */
typedef struct Row
{
	uint32_t *cells;  /* [n_cells] shifted to the bin of a slot */
	uint32_t *leaves; /* [n_trees] */
	uint32_t *active; /* [n_groups * PACK_LANES] places that are not at a leaf yet */
	uint32_t *at;	  /* [n_groups * PACK_LANES + 1] slots; the last one stays at its leaf */
} Row;

static inline Row
row_of(const Pack *pack, void *scratch)
{
	Row row;

	row.cells = scratch;
	row.leaves = row.cells + pack->n_cells;
	row.active = row.leaves + pack->n_trees;
	row.at = row.active + pack->n_groups * PACK_LANES;
	return row;
}

size_t
aug_pack_scratch(const Pack *pack)
{
	return ((size_t) pack->n_cells + pack->n_trees + 2 * (size_t) pack->n_groups * PACK_LANES + 1) *
		   sizeof(uint32_t);
}

/* ---- walks --------------------------------------------------------------- */

typedef struct Form
{
	bool is_short; /* slots of 4 bytes */
	bool has_sets; /* there are splits on sets of levels */
} Form;

FOR_EACH_FORM uint64_t
slot_at(Form form, const void *slots, uint32_t at)
{
	return form.is_short ? ((const uint32_t *) slots)[at] : ((const uint64_t *) slots)[at];
}

FOR_EACH_FORM uint32_t
slot_cell(Form form, uint64_t slot)
{
	return form.is_short ? (uint8_t) slot : (uint16_t) slot;
}

/* Slots to the child, of a slot to which the cell has been added. */
FOR_EACH_FORM uint32_t
slot_step(Form form, uint64_t slot)
{
	return form.is_short ? (uint32_t) slot >> (PACK_BIN4 + 8)
						 : (uint32_t) (slot >> (PACK_BIN8 + 8));
}

/*
 * Where a split on a set leads.  A slot whose cell is a code has as bin the number of
 * words with a bit for each code; they lie before the children, and the bit tells the
 * child.  For another split all this is computed, too, and masked.
 */
FOR_EACH_FORM uint32_t
set_step(Form form, const void *slots, uint32_t at, uint64_t slot, uint32_t cell, uint32_t dummy)
{
	unsigned shift = form.is_short ? PACK_BIN4 : PACK_BIN8;
	uint32_t is_set = 0 - (uint32_t) (slot_cell(form, slot) > dummy), code = cell >> shift,
			 step = slot_step(form, slot + (cell & ~is_set)),
			 first = step - (uint8_t) (slot >> shift),
			 word = (uint32_t) slot_at(form, slots, at + ((first + (code >> 5)) & is_set));

	return step + ((word >> (code & 31)) & is_set & 1);
}

/* One visit: the place of the child. */
FOR_EACH_FORM uint32_t
visit(Form form, const void *slots, uint32_t at, uint64_t slot, const uint32_t *cells,
	  uint32_t dummy)
{
	uint32_t cell = cells[slot_cell(form, slot)];

	return at + (form.has_sets ? set_step(form, slots, at, slot, cell, dummy)
							   : slot_step(form, slot + cell));
}

FOR_EACH_FORM void
prefetch(Form form, const void *slots, uint32_t at)
{
	__builtin_prefetch((const char *) slots +
					   (size_t) at * (form.is_short ? sizeof(uint32_t) : sizeof(uint64_t)));
}

/* What the leaf holds that a tree is at. */
FOR_EACH_FORM uint32_t
leaf_at(Form form, const void *slots, uint32_t at)
{
	return (uint32_t) slot_at(form, slots, at - LEAF_VALUE);
}

/*
 * Trees of little depth, of which most leaves lie near the bottom.
 */
FOR_EACH_FORM void
walk_level(Form form, const Pack *pack, const void *slots, const Row *row)
{
	const uint32_t *cells = row->cells;
	uint32_t dummy = pack->dummy, n = pack->n_groups, first = 0, depth = 0, next;

	memcpy(row->at, pack->roots, n * PACK_LANES * sizeof(uint32_t));
	for (; first < n; depth = next)
	{
		next = depth + (depth == 0 ? FIRST_STRIDE : PACK_STRIDE);
		for (uint32_t g = first; g < n; g++)
		{
			uint32_t *place = row->at + g * PACK_LANES, at[PACK_LANES], end = pack->depths[g];
			bool last = end <= next;

			end = last ? end : next;
#pragma GCC unroll 10
			for (uint32_t l = 0; l < PACK_LANES; l++)
				at[l] = place[l];
			for (uint32_t d = depth; d < end; d++)
			{
#pragma GCC unroll 10
				for (uint32_t l = 0; l < PACK_LANES; l++)
					at[l] = visit(form, slots, at[l], slot_at(form, slots, at[l]), cells, dummy);
			}
			if (last)
			{
				const uint32_t *trees = pack->trees + g * PACK_LANES;

#pragma GCC unroll 10
				for (uint32_t l = 0; l < PACK_LANES; l++)
					row->leaves[trees[l]] = leaf_at(form, slots, at[l]);
				first = g + 1;
				continue;
			}
#pragma GCC unroll 10
			for (uint32_t l = 0; l < PACK_LANES; l++)
			{
				prefetch(form, slots, at[l]);
				place[l] = at[l];
			}
		}
	}
}

/*
 * Deep trees, whose leaves lie at all depths.  The last visit of a stride tells
 * whether the tree was at a leaf before it; then it leaves the walk.
 */
FOR_EACH_FORM void
walk_deep(Form form, const Pack *pack, const void *slots, const Row *row)
{
	const uint32_t *cells = row->cells;
	uint32_t dummy = pack->dummy, n = pack->n_groups * PACK_LANES, n_active = n;
	uint32_t *active = row->active;

	memcpy(row->at, pack->roots, n * sizeof(uint32_t));
	row->at[n] = pack->n_slots;
	for (uint32_t i = 0; i < n; i++)
		active[i] = i;
	while (n_active > 0)
	{
		uint32_t left = 0;

		while (n_active % PACK_LANES != 0)
			active[n_active++] = n;
		for (uint32_t i = 0; i < n_active; i += PACK_LANES)
		{
			uint32_t at[PACK_LANES];

#pragma GCC unroll 10
			for (uint32_t l = 0; l < PACK_LANES; l++)
				at[l] = row->at[active[i + l]];
			for (int s = 1; s < DEEP_STRIDE; s++)
			{
#pragma GCC unroll 10
				for (uint32_t l = 0; l < PACK_LANES; l++)
					at[l] = visit(form, slots, at[l], slot_at(form, slots, at[l]), cells, dummy);
			}
#pragma GCC unroll 10
			for (uint32_t l = 0; l < PACK_LANES; l++)
			{
				uint64_t slot = slot_at(form, slots, at[l]);
				uint32_t place = active[i + l];

				at[l] = visit(form, slots, at[l], slot, cells, dummy);
				prefetch(form, slots, at[l]);
				row->at[place] = at[l];
				active[left] = place;
				left += slot_step(form, slot) != 0;
			}
		}
		n_active = left;
	}
	for (uint32_t i = 0; i < pack->n_trees; i++)
		row->leaves[pack->trees[i]] = leaf_at(form, slots, row->at[i]);
}

/* All trees, and what their leaves hold. */
FOR_EACH_FORM void
walk(Form form, const Pack *pack, const Row *row)
{
	const void *slots = pack->slots;

	if (pack->is_deep)
		walk_deep(form, pack, slots, row);
	else
		walk_level(form, pack, slots, row);
}

static const uint32_t *
walk_all(const Pack *pack, const Row *row)
{
	bool has_sets = pack->n_numbers < pack->n_features;

	row->cells[pack->dummy] = 0;
	if (pack->is_short && has_sets)
		walk((Form){true, true}, pack, row);
	else if (pack->is_short)
		walk((Form){true, false}, pack, row);
	else if (has_sets)
		walk((Form){false, true}, pack, row);
	else
		walk((Form){false, false}, pack, row);
	return row->leaves;
}

/* ---- cells --------------------------------------------------------------- */

static inline uint32_t
cell_shift(const Pack *pack)
{
	return pack->is_short ? PACK_BIN4 : PACK_BIN8;
}

/* Both cells of a feature; high first, as the two may share a place. */
static inline void
put_cells(const PackFeature *f, uint32_t cell, uint32_t shift, uint32_t *cells)
{
	cells[f->high] = cell << shift;
	if (f->low != PACK_NO_CELL)
		cells[f->low] = (cell == AUG_MISSING_CELL ? 0 : cell) << shift;
}

/*
 * The bins of n features, n at most SEARCHES, whose searches have as many steps: the
 * number of cuts below the value.  Comparisons become arithmetic, and searches
 * of several features hide each other's loads.
 */
static inline void
search_bins(const PackFeature *f, uint32_t n, const double *x, uint32_t shift, uint32_t *cells)
{
	double v[SEARCHES];
	uint32_t bin[SEARCHES];

	for (uint32_t i = 0; i < n; i++)
	{
		v[i] = x[f[i].source];
		bin[i] = f[i].first[pack_bucket(&f[i], v[i])];
	}
	for (uint32_t half = (1u << f->n_steps) >> 1; half > 0; half >>= 1)
	{
		for (uint32_t i = 0; i < n; i++)
			bin[i] += half & (0u - (uint32_t) (f[i].cuts[bin[i] + half - 1] < v[i]));
	}
	for (uint32_t i = 0; i < n; i++)
		put_cells(&f[i], isnan(v[i]) ? AUG_MISSING_CELL : bin[i], shift, cells);
}

/* Raw values. */
const uint32_t *
aug_pack_values(const Pack *pack, const double *x, void *scratch)
{
	Row r = row_of(pack, scratch);
	uint32_t i = 0, shift = cell_shift(pack);

	while (i < pack->n_numbers)
	{
		const PackFeature *f = &pack->features[i];

		/* features are in order of their steps, so the last of the four tells for all */
		if (i + SEARCHES <= pack->n_numbers && f[SEARCHES - 1].n_steps == f->n_steps)
		{
			search_bins(f, SEARCHES, x, shift, r.cells);
			i += SEARCHES;
		}
		else
		{
			search_bins(f, 1, x, shift, r.cells);
			i++;
		}
	}
	for (; i < pack->n_features; i++)
	{
		const PackFeature *f = &pack->features[i];
		double value = x[f->source];
		uint32_t code = value >= 0 && value < f->n_levels ? (uint32_t) value
														  : f->n_levels + (isnan(value) ? 1 : 0);

		r.cells[f->high] = code << shift;
	}
	return walk_all(pack, &r);
}

/* Cells of a row of a matrix. */
const uint32_t *
aug_pack_cells(const Pack *pack, const uint8_t *row, void *scratch)
{
	Row r = row_of(pack, scratch);
	uint32_t shift = cell_shift(pack);

	for (uint32_t i = 0; i < pack->n_features; i++)
	{
		const PackFeature *f = &pack->features[i];

		if (i >= pack->n_numbers && row[f->slot] == AUG_MISSING_CELL)
			r.cells[f->high] = (f->n_levels + 1) << shift;
		else
			put_cells(f, row[f->slot], shift, r.cells);
	}
	return walk_all(pack, &r);
}
