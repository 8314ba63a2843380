/*-------------------------------------------------------------------------
 *
 * collect.c
 *		From the rows of a node to groups: for one feature, the draws, weight and
 *		target sum of the rows of each value, in the order of the values.
 *
 * Narrow features of large nodes: histograms of up to BATCH features, made block
 * by block so that a block's records stay in the first-level cache.  For two
 * classes without row weights a histogram cell is one 64-bit word, draws in the
 * upper half and draws of class 1 in the lower: one addition a touch.  Otherwise
 * it is a pair of doubles, added as a pair.
 *
 * Small nodes: the same cells, but a bitmap tells which were touched, so neither
 * clearing nor scanning looks at the others; it replaces sorting.
 *
 * Wide features: a table from level to group, cleared by the groups themselves,
 * so that a node costs by its rows and not by the number of levels.
 *
 * Memory: none.  Interrupts: polled every block batch.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forest.h"

typedef double Pair __attribute__((vector_size(16)));

/*
 * Statistics of n <= BLOCK records: row_packed, or row_sums (and row_draws when
 * rows have weights).
 */
void
aug_forest_prepare(ForestJob *f, const uint8_t *records, uint32_t n)
{
	size_t size = f->layout.size;
	uint32_t i;

	if (f->mode == MODE_COUNT)
	{
		for (i = 0; i < n; i++)
		{
			const uint8_t *r = records + i * size;
			uint64_t draws = record_draws(r);

			f->row_packed[i] = draws << 32 | (draws & (0 - (uint64_t) record_label(f, r)));
		}
		return;
	}
	for (i = 0; i < n; i++)
	{
		const uint8_t *r = records + i * size;
		double w = record_weight(f, r), y;

		if (f->config.task == AUG_REGRESSION)
			y = (double) record_float(r, f->layout.y_at);
		else
		{
			uint32_t label = record_label(f, r);

			y = label;
			w *= f->class_weight[label];
		}
		f->row_sums[2 * i] = w;
		f->row_sums[2 * i + 1] = w * y;
		f->row_draws[i] = record_draws(r);
	}
}

/* Do the groups need draws besides weights? */
static inline bool
draws_apart(const ForestJob *f)
{
	return f->layout.weight_at != 0;
}

/* Adds a block to the histogram of one feature whose cells are size apart. */
static void
add_packed(uint64_t *histogram, const uint8_t *cell, size_t size, const uint64_t *row, uint32_t n)
{
	uint32_t i = 0;

	for (; i + 4 <= n; i += 4, cell += 4 * size)
	{
		uint32_t c0 = cell[0], c1 = cell[size], c2 = cell[2 * size], c3 = cell[3 * size];

		histogram[c0] += row[i];
		histogram[c1] += row[i + 1];
		histogram[c2] += row[i + 2];
		histogram[c3] += row[i + 3];
	}
	for (; i < n; i++, cell += size)
		histogram[*cell] += row[i];
}

static void
add_sums(double *histogram, const uint8_t *cell, size_t size, const double *row, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++, cell += size)
	{
		double *h = histogram + 2 * (size_t) *cell;
		Pair a, b;

		memcpy(&a, h, sizeof(a));
		memcpy(&b, row + 2 * (size_t) i, sizeof(b));
		a += b;
		memcpy(h, &a, sizeof(a));
	}
}

static void
add_draws(uint32_t *histogram, const uint8_t *cell, size_t size, const uint32_t *row, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++, cell += size)
		histogram[*cell] += row[i];
}

/* Adds one block to histogram k. */
static void
add_block(ForestJob *f, uint32_t k, const uint8_t *cell, size_t size, uint32_t n)
{
	if (f->mode == MODE_COUNT)
		add_packed(f->packed + k * BINS, cell, size, f->row_packed, n);
	else
	{
		add_sums(f->sums + k * BINS * 2, cell, size, f->row_sums, n);
		if (draws_apart(f))
			add_draws(f->counts + k * BINS, cell, size, f->row_draws, n);
	}
}

/* Cells of one feature of a block, gathered from the matrix. */
static void
gather(const ForestJob *f, const uint8_t *records, uint32_t n, uint32_t slot, uint8_t *out)
{
	const uint8_t *cells = f->matrix->cells + slot;
	size_t stride = f->matrix->stride;
	uint32_t i;

	for (i = 0; i < n; i++)
		out[i] = cells[record_row(f, records + i * (size_t) f->layout.size) * stride];
}

/*
 * Histograms 0 .. n-1 of n <= BATCH narrow features over the node's rows; they
 * must be empty, as aug_forest_groups_of leaves them.
 */
AugStatus
aug_forest_histograms(ForestJob *f, const GrowTask *task, const uint32_t *features, uint32_t n,
					  AugError *err)
{
	uint8_t gathered[BLOCK];
	uint32_t done, k;

	for (done = 0; done < task->n; done += BLOCK)
	{
		const uint8_t *records = record_at(f, task->first + done);
		uint32_t rows = task->n - done < BLOCK ? task->n - done : BLOCK;

		aug_forest_prepare(f, records, rows);
		for (k = 0; k < n; k++)
		{
			uint32_t slot = f->features[features[k]].slot;

			if (f->layout.cells_at != 0)
				add_block(f, k, records + f->layout.cells_at + slot, f->layout.size, rows);
			else
			{
				gather(f, records, rows, slot, gathered);
				add_block(f, k, gathered, 1, rows);
			}
		}
		if (forest_tick(f, (uint64_t) rows * (n + 1)))
			return aug_fail_cancelled(err);
	}
	return forest_tick(f, (uint64_t) n * BINS) ? aug_fail_cancelled(err) : AUG_OK;
}

/* Takes one cell of the histograms as the next group, or as the missing one. */
static inline void
take_cell(ForestJob *f, uint32_t k, uint32_t cell, bool missing)
{
	Groups *g = &f->groups;
	double draws, weight, sum;

	if (f->mode == MODE_COUNT)
	{
		uint64_t v = f->packed[k * BINS + cell];

		f->packed[k * BINS + cell] = 0;
		draws = (double) (v >> 32);
		weight = draws;
		sum = (double) (v & UINT32_MAX);
	}
	else
	{
		double *h = f->sums + (k * BINS + cell) * 2;

		weight = h[0];
		sum = h[1];
		h[0] = h[1] = 0;
		draws = weight;
		if (draws_apart(f))
		{
			draws = f->counts[k * BINS + cell];
			f->counts[k * BINS + cell] = 0;
		}
	}
	if (missing)
	{
		g->missing_draws = draws;
		g->missing_weight = weight;
		g->missing_sum = sum;
		return;
	}
	g->code[g->n] = cell;
	g->draws[g->n] = draws;
	g->weight[g->n] = weight;
	g->sum[g->n] = sum;
	g->n += draws > 0;
}

static inline void
no_groups(Groups *g)
{
	g->n = 0;
	g->missing_draws = g->missing_weight = g->missing_sum = 0;
}

/*
 * Turns histogram k into groups and empties it.  The missing cell of a numeric
 * feature is apart; that of a categorical one is a level like others.
 */
void
aug_forest_groups_of(ForestJob *f, uint32_t feature, uint32_t k)
{
	const ForestFeature *ff = &f->features[feature];
	uint32_t cell;

	no_groups(&f->groups);
	for (cell = 0; cell < ff->n_bins; cell++)
		take_cell(f, k, cell, false);
	take_cell(f, k, AUG_MISSING_CELL, ff->kind == FEATURE_NUMERIC);
}

/*
 * Groups of a narrow feature in a node of at most SMALL_NODE rows, whose
 * statistics aug_forest_prepare has left.
 */
void
aug_forest_small_groups(ForestJob *f, const GrowTask *task, uint32_t feature)
{
	const ForestFeature *ff = &f->features[feature];
	const uint8_t *records = record_at(f, task->first);
	size_t size = f->layout.size;
	uint64_t seen[BINS / 64] = {0};
	uint32_t i, word;

	for (i = 0; i < task->n; i++)
	{
		uint32_t cell = record_cells(f, records + i * size)[ff->slot];

		seen[cell / 64] |= UINT64_C(1) << (cell % 64);
		if (f->mode == MODE_COUNT)
			f->packed[cell] += f->row_packed[i];
		else
		{
			f->sums[2 * cell] += f->row_sums[2 * i];
			f->sums[2 * cell + 1] += f->row_sums[2 * i + 1];
			if (draws_apart(f))
				f->counts[cell] += f->row_draws[i];
		}
	}
	no_groups(&f->groups);
	for (word = 0; word < BINS / 64; word++)
	{
		uint64_t bits = seen[word];

		for (; bits != 0; bits &= bits - 1)
		{
			uint32_t cell = word * 64 + (uint32_t) __builtin_ctzll(bits);

			take_cell(f, 0, cell, cell == AUG_MISSING_CELL && ff->kind == FEATURE_NUMERIC);
		}
	}
}

/*
 * Groups of a wide feature, in the order in which levels appear; missing is a
 * level of its own, with the code f->wide_levels.
 */
AugStatus
aug_forest_wide_groups(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err)
{
	const uint32_t *column = f->features[feature].wide;
	Groups *g = &f->groups;
	uint32_t done, i;
	bool stop = false;

	no_groups(g);
	for (done = 0; done < task->n && !stop; done += BLOCK)
	{
		const uint8_t *records = record_at(f, task->first + done);
		uint32_t rows = task->n - done < BLOCK ? task->n - done : BLOCK;

		aug_forest_prepare(f, records, rows);
		for (i = 0; i < rows; i++)
		{
			uint32_t code = column[record_row(f, records + i * (size_t) f->layout.size)], at;

			if (code == AUG_MISSING_WIDE)
				code = f->wide_levels;
			at = f->slot_of[code];
			if (at == FOREST_NONE)
			{
				at = f->slot_of[code] = g->n++;
				g->code[at] = code;
				g->draws[at] = g->weight[at] = g->sum[at] = 0;
			}
			if (f->mode == MODE_COUNT)
			{
				double draws = (double) (f->row_packed[i] >> 32);

				g->draws[at] += draws;
				g->weight[at] += draws;
				g->sum[at] += (double) (f->row_packed[i] & UINT32_MAX);
			}
			else
			{
				g->draws[at] += f->row_draws[i];
				g->weight[at] += f->row_sums[2 * i];
				g->sum[at] += f->row_sums[2 * i + 1];
			}
		}
		stop = forest_tick(f, (uint64_t) rows * 8);
	}
	for (i = 0; i < g->n; i++)
		f->slot_of[g->code[i]] = FOREST_NONE;
	/* the statistics of a small node are used again by its other features */
	if (task->n <= SMALL_NODE)
		aug_forest_prepare(f, record_at(f, task->first), task->n);
	return stop ? aug_fail_cancelled(err) : AUG_OK;
}
