/*-------------------------------------------------------------------------
 *
 * walk.c
 *		Scoring: a row becomes codes (bins and levels) once, and each tree is
 *		walked from its root to a leaf.
 *
 * Memory: none; scratch holds the codes.  Interrupts: none, microseconds a row.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "pack.h"

#define LANES 8 /* trees walked at once */

/* Is a level in the set?  Levels that training did not see are in none. */
static bool
in_set(const uint32_t *set, uint32_t code)
{
	const uint32_t *codes = set + SET_CODES;
	uint32_t lo = 0, hi = set[SET_N];

	if (code == CODE_MISSING)
		return (set[SET_FLAGS] & SET_MISSING) != 0;
	while (lo < hi)
	{
		uint32_t middle = lo + (hi - lo) / 2;

		if (codes[middle] < code)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo < set[SET_N] && codes[lo] == code;
}

/* Where a split on a set sends a code. */
static uint32_t
set_step(const Walk *walk, uint32_t at, uint32_t code)
{
	const uint32_t *set = walk->sets + walk->nodes[at].link;

	return in_set(set, code) == ((set[SET_FLAGS] & SET_GOES_LEFT) != 0) ? at + 1 : set[SET_CHILD];
}

/*
 * The link of the leaf that a row of codes reaches.
 */
uint32_t
aug_forest_walk(const Walk *walk, uint32_t root, const uint32_t *codes)
{
	uint32_t at = root;

	for (;;)
	{
		const WalkNode *node = &walk->nodes[at];
		uint32_t code = codes[node->feature];

		switch (node->kind)
		{
			case NODE_LEAF:
				return node->link;
			case NODE_MISSING_RIGHT:
				at = code > node->bin ? node->link : at + 1;
				break;
			case NODE_MISSING_LEFT:
				/* the missing code wraps round to 0 */
				at = code + 1 > (uint32_t) node->bin + 1 ? node->link : at + 1;
				break;
			default:
				at = set_step(walk, at, code);
				break;
		}
	}
}

/* Where a node sends a code; a leaf sends it to itself. */
static inline uint32_t
lane_step(const Walk *walk, uint32_t at, const uint32_t *codes)
{
	WalkNode node = walk->nodes[at];
	uint32_t code = codes[node.feature];
	uint32_t wrap = node.kind == NODE_MISSING_LEFT; /* missing becomes 0 */
	uint32_t next = code + wrap > node.bin + wrap ? node.link : at + 1;

	if (node.kind == NODE_SET)
		next = set_step(walk, at, code);
	return node.kind == NODE_LEAF ? at : next;
}

/*
 * The same for LANES trees at once.  A step of one tree waits for the memory of its
 * node, and its branch is a coin toss; the steps of several trees overlap when they
 * are selections, not branches.  A lane that has reached its leaf stays there.
 */
static void
walk_lanes(const Walk *walk, const uint32_t *roots, const uint32_t *codes, uint32_t *links)
{
	uint32_t at[LANES];
	uint32_t moved;
	uint32_t i;

	memcpy(at, roots, sizeof(at));
	do
	{
		moved = 0;
		for (i = 0; i < LANES; i++)
		{
			uint32_t next = lane_step(walk, at[i], codes);

			moved |= next ^ at[i];
			at[i] = next;
		}
	} while (moved != 0);
	for (i = 0; i < LANES; i++)
		links[i] = walk->nodes[at[i]].link;
}

/*
 * The same for WALK_ROWS rows through one tree.
 */
void
aug_forest_walk_rows(const Walk *walk, uint32_t root, const uint32_t *codes, uint32_t n_features,
					 uint32_t *links)
{
	uint32_t at[WALK_ROWS];
	uint32_t moved;
	uint32_t i;

	for (i = 0; i < WALK_ROWS; i++)
		at[i] = root;
	do
	{
		moved = 0;
		for (i = 0; i < WALK_ROWS; i++)
		{
			uint32_t next = lane_step(walk, at[i], codes + (size_t) i * n_features);

			moved |= next ^ at[i];
			at[i] = next;
		}
	} while (moved != 0);
	for (i = 0; i < WALK_ROWS; i++)
		links[i] = walk->nodes[at[i]].link;
}

/*
 * Codes of a raw row.
 */
static void
codes_of_values(const AugModelInfo *info, const double *x, uint32_t *codes)
{
	uint32_t i;

	for (i = 0; i < info->n_features; i++)
	{
		const AugFeature *f = &info->features[i];

		if (isnan(x[i]))
			codes[i] = CODE_MISSING;
		else if (f->kind == AUG_NUMERIC_FEATURE)
			codes[i] = aug_bin(f->cuts, f->n_cuts, x[i]);
		else
			codes[i] = x[i] >= 0 && x[i] < f->n_levels ? (uint32_t) x[i] : CODE_UNSEEN;
	}
}

/*
 * Codes of a row of a matrix.
 */
void
aug_forest_row_codes(const AugMatrix *matrix, uint32_t row, uint32_t *codes)
{
	const uint8_t *cells = matrix->cells + (size_t) row * matrix->stride;
	uint32_t i;

	for (i = 0; i < matrix->n_features; i++)
	{
		const AugFeature *f = &matrix->features[i];

		if (f->wide)
		{
			uint32_t code = matrix->wide[(size_t) f->slot * matrix->n_rows + row];

			codes[i] = code == AUG_MISSING_WIDE ? CODE_MISSING : code;
		}
		else
			codes[i] = cells[f->slot] == AUG_MISSING_CELL ? CODE_MISSING : cells[f->slot];
	}
}

/*
 * The leaf of each tree, for raw values or for row of a matrix; they lie in scratch.
 */
const uint32_t *
aug_forest_leaves(const ForestModel *m, const AugModelInfo *info, const double *x,
				  const AugMatrix *matrix, uint32_t row, void *scratch)
{
	uint32_t *codes = scratch, *leaves = codes + m->n_features;
	uint32_t t = 0;

	if (m->pack != NULL)
		return x != NULL ? aug_pack_values(m->pack, x, scratch)
						 : aug_pack_cells(m->pack, matrix->cells + (size_t) row * matrix->stride,
										  scratch);

	if (x != NULL)
		codes_of_values(info, x, codes);
	else
		aug_forest_row_codes(matrix, row, codes);
	for (; t + LANES <= m->n_trees; t += LANES)
		walk_lanes(&m->walk, m->roots + t, codes, leaves + t);
	for (; t < m->n_trees; t++)
		leaves[t] = aug_forest_walk(&m->walk, m->roots[t], codes);
	return leaves;
}

/* Probabilities of all classes, which sum to 1. */
static void
sum_classes(const ForestModel *m, const uint32_t *leaves, double *out)
{
	uint32_t k = m->n_classes, t, i;
	double total = 0;

	for (i = 0; i < k; i++)
		out[i] = 0;
	for (t = 0; t < m->n_trees; t++)
	{
		uint32_t link = leaves[t];

		if (link < k)
			out[link] += 1;
		else
		{
			const uint32_t *share = m->walk.shares + (link - k);

			for (i = 0; i < share[0]; i++)
				out[share[1 + 2 * i]] += leaf_value(share[2 + 2 * i]);
		}
	}
	for (i = 0; i < k; i++)
		total += out[i];
	for (i = 0; i < k; i++)
		out[i] /= total;
}

/*
 * Mean over the trees: of the target, or the probability of class 1.  Four sums,
 * as one would wait for each addition.
 */
static double
mean_of(const ForestModel *m, const uint32_t *leaves)
{
	double sum[4] = {0, 0, 0, 0}, mean;
	uint32_t t;

	for (t = 0; t + 4 <= m->n_trees; t += 4)
	{
		for (uint32_t i = 0; i < 4; i++)
			sum[i] += leaf_value(leaves[t + i]);
	}
	for (; t < m->n_trees; t++)
		sum[0] += leaf_value(leaves[t]);
	mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / m->n_trees;
	return m->task == AUG_REGRESSION ? m->base + mean / m->scale : mean;
}

static void
put_outputs(const ForestModel *m, const uint32_t *leaves, double *out)
{
	double v;

	if (m->task == AUG_CLASSIFICATION && m->n_classes > 2)
	{
		sum_classes(m, leaves, out);
		return;
	}
	v = mean_of(m, leaves);
	if (m->task == AUG_REGRESSION)
		out[0] = v;
	else
	{
		out[0] = 1 - v;
		out[1] = v;
	}
}

size_t
aug_forest_trees_scratch(const ForestModel *m)
{
	if (m->pack != NULL)
		return aug_pack_scratch(m->pack);
	return ((size_t) m->n_features + m->n_trees) * sizeof(uint32_t);
}

size_t
aug_forest_scratch(const void *state, const AugModelInfo *info)
{
	(void) info;
	return aug_forest_trees_scratch(state);
}

void
aug_forest_score(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				 double *out)
{
	put_outputs(state, aug_forest_leaves(state, info, x, NULL, 0, scratch), out);
}

double
aug_forest_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch)
{
	return mean_of(state, aug_forest_leaves(state, info, x, NULL, 0, scratch));
}

void
aug_forest_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
					   uint32_t first, uint32_t n, void *scratch, double *out)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		put_outputs(state, aug_forest_leaves(state, info, NULL, matrix, first + i, scratch),
					out + (size_t) i * info->n_outputs);
}

/* The quantile at share p, linear between those kept. */
static double
quantile(const float *q, double p)
{
	double at = p * (N_QUANTILES - 1);
	uint32_t i = at > 0 ? (uint32_t) at : 0;

	if (i >= N_QUANTILES - 1)
		return (double) q[N_QUANTILES - 1];
	return (double) q[i] + (at - i) * ((double) q[i + 1] - (double) q[i]);
}

/*
 * Mean of the trees, plus and minus a multiple of their spread; the multiple is
 * the quantile that out-of-bag residuals had.
 */
void
aug_forest_interval(const void *state, const AugModelInfo *info, const double *x, void *scratch,
					double level, double *lower, double *upper)
{
	const ForestModel *m = state;
	const uint32_t *leaves;
	double sum = 0, squares = 0, mean, variance, width;
	uint32_t t;

	leaves = aug_forest_leaves(m, info, x, NULL, 0, scratch);
	for (t = 0; t < m->n_trees; t++)
	{
		double v = leaf_value(leaves[t]);

		sum += v;
		squares += v * v;
	}
	mean = sum / m->n_trees;
	variance = m->n_trees > 1 ? (squares - sum * mean) / (m->n_trees - 1) : 0;
	width = quantile(m->quantiles, level) * (sqrt(variance > 0 ? variance : 0) + m->spread_floor);
	*lower = m->base + (mean - width) / m->scale;
	*upper = m->base + (mean + width) / m->scale;
}
