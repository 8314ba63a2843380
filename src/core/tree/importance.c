/*-------------------------------------------------------------------------
 *
 * importance.c
 *		Out-of-bag permutation importance of one tree: how much worse the tree
 *		scores its out-of-bag rows when one feature's values are exchanged at
 *		random among them (Breiman 2001, section 10).
 *
 * Loss is the misclassified share, or the mean squared error in the target's own
 * units.  Features that the tree does not use are not tried: they change nothing.
 *
 * Memory: four bytes for each out-of-bag row, in the job's arena.  Interrupts:
 * polled by work done.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forest.h"

/* The class that a leaf stands for; ties go to the lower one. */
static uint32_t
leaf_class(const ForestJob *f, uint32_t link)
{
	uint32_t k = f->config.n_classes, best = 0, i;
	const uint32_t *share;
	float value, most = -1;

	if (f->mode != MODE_CLASS)
	{
		memcpy(&value, &link, sizeof(value));
		return value > 0.5f;
	}
	if (link < k)
		return link;
	share = f->walk->shares + (link - k);
	for (i = 0; i < share[0]; i++)
	{
		memcpy(&value, &share[2 + 2 * i], sizeof(value));
		if (value > most)
		{
			most = value;
			best = share[1 + 2 * i];
		}
	}
	return best;
}

/* Loss of one row at the leaf it reached. */
static double
row_loss(const ForestJob *f, uint32_t row, uint32_t link)
{
	float value;
	double d;

	if (f->config.task == AUG_CLASSIFICATION)
		return leaf_class(f, link) != f->matrix->label[row];
	memcpy(&value, &link, sizeof(value));
	d = f->matrix->y[row] - (f->base + (double) value / f->scale);
	return d * d;
}

/* Code of a feature in a row of the matrix. */
static uint32_t
code_of(const ForestJob *f, uint32_t feature, uint32_t row)
{
	const ForestFeature *ff = &f->features[feature];

	if (ff->kind == FEATURE_WIDE)
		return ff->wide[row] == AUG_MISSING_WIDE ? CODE_MISSING : ff->wide[row];
	else
	{
		uint8_t cell = f->matrix->cells[(size_t) row * f->matrix->stride + ff->slot];

		return cell == AUG_MISSING_CELL ? CODE_MISSING : cell;
	}
}

/*
 * Weighted mean loss over the rows out of bag.  feature: whose code is taken
 * from row other[i] instead of rows[i]; FOREST_NONE for none.
 */
static bool
mean_loss(ForestJob *f, const uint32_t *rows, const uint32_t *other, uint32_t n, uint32_t feature,
		  double *loss)
{
	uint32_t links[WALK_ROWS], i, k;
	double sum = 0, total = 0;

	memset(f->codes_row, 0, (size_t) WALK_ROWS * f->n_features * sizeof(uint32_t));
	for (i = 0; i < n; i += WALK_ROWS)
	{
		uint32_t some = n - i < WALK_ROWS ? n - i : WALK_ROWS;

		for (k = 0; k < some; k++)
		{
			uint32_t *codes = f->codes_row + (size_t) k * f->n_features;

			aug_forest_row_codes(f->matrix, rows[i + k], codes);
			if (feature != FOREST_NONE)
				codes[feature] = code_of(f, feature, other[i + k]);
		}
		aug_forest_walk_rows(f->walk, 0, f->codes_row, f->n_features, links);
		for (k = 0; k < some; k++)
		{
			double w = f->matrix->weight != NULL ? f->matrix->weight[rows[i + k]] : 1;

			sum += w * row_loss(f, rows[i + k], links[k]);
			total += w;
		}
		if (forest_tick(f, WALK_ROWS * 60))
			return false;
	}
	*loss = total > 0 ? sum / total : 0;
	return true;
}

/* Which features the tree uses: loss[] is 1 there and 0 elsewhere. */
static void
mark_used(const ForestJob *f, double *loss)
{
	uint32_t i;

	for (i = 0; i < f->n_features; i++)
		loss[i] = 0;
	for (i = 0; i < f->walk->n_nodes; i++)
		if (f->walk->nodes[i].kind != NODE_LEAF)
			loss[f->walk->nodes[i].feature] = 1;
}

static void
shuffle(uint32_t *rows, uint32_t n, AugRng *rng)
{
	uint32_t i;

	for (i = n; i > 1; i--)
	{
		uint32_t j = aug_rng_below(rng, i), t = rows[i - 1];

		rows[i - 1] = rows[j];
		rows[j] = t;
	}
}

/*
 * loss: [n_features] increase of the loss of the decoded tree (f->walk) when the
 * feature is permuted; 0 for features it does not use.
 */
AugStatus
aug_forest_permutation(ForestJob *f, uint32_t tree, double *loss, AugError *err)
{
	uint32_t n_rows = f->matrix->n_rows, *rows, *other, n = 0, i;
	double base;

	if (f->bag_rows == NULL)
		f->bag_rows = aug_arena_alloc(f->arena, 2 * (size_t) n_rows, sizeof(uint32_t));
	if (f->bag_rows == NULL)
		return aug_fail_nomem(err, 2 * (size_t) n_rows * sizeof(uint32_t));
	rows = f->bag_rows;
	other = rows + n_rows;
	for (i = 0; i < n_rows; i++)
		if (f->in_bag[i] == 0)
			rows[n++] = i;
	mark_used(f, loss);
	if (!mean_loss(f, rows, NULL, n, FOREST_NONE, &base))
		return aug_fail_cancelled(err);
	for (i = 0; i < f->n_features; i++)
	{
		AugRng rng = aug_rng(f->seed, tree, UINT64_MAX - 1 - i);
		double permuted;

		if (loss[i] == 0)
			continue;
		memcpy(other, rows, n * sizeof(uint32_t));
		shuffle(other, n, &rng);
		if (forest_tick(f, (uint64_t) n * 8) || !mean_loss(f, rows, other, n, i, &permuted))
			return aug_fail_cancelled(err);
		loss[i] = permuted - base;
	}
	return AUG_OK;
}
