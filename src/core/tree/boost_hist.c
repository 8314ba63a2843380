/*-------------------------------------------------------------------------
 *
 * boost_hist.c
 *		Histograms of a node: what the rows of each bin add up to.
 *
 * The narrow features of a tree lie side by side in one array, for each as many
 * bins as it has, or 256 when values are missing, whose cell is 255.  Rows are
 * taken in blocks, features by fours: a block's cells and the four histograms fit
 * into the first-level cache, and four independent sums hide each other's wait.
 * Features of many levels (wide) have no stored histogram: their levels are
 * collected when they are looked at, in time of the node's rows.
 *
 * Memory: the job's arena, once a job.  Interrupts: polled every block.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "boost.h"

#define ROWS  512 /* of a block */
#define GROUP 4	  /* features taken together */

/* ---- the features of a tree -------------------------------------------- */

/* Puts n of the usable features, drawn or all, into active, ascending. */
static void
draw_active(BoostJob *b, AugRng *rng)
{
	const ForestJob *f = &b->f;
	uint32_t wanted = b->config.tree_features, taken = 0;

	b->n_active = 0;
	for (uint32_t i = 0; i < f->n_usable; i++)
	{
		/* each of the rest with the probability that makes wanted in the end */
		if (wanted < f->n_usable &&
			aug_rng_below(rng, f->n_usable - i) >= (taken < wanted ? wanted - taken : 0))
			continue;
		taken++;
		b->active[b->n_active++] = f->usable[i];
	}
}

/*
 * Draws the features of a tree and lays out their histograms.  The first call
 * takes the pool's memory.
 */
AugStatus
aug_boost_features(BoostJob *b, AugRng *rng, AugError *err)
{
	uint32_t at = 0;

	draw_active(b, rng);
	b->n_narrow = 0;
	for (uint32_t k = 0; k < b->n_active; k++)
	{
		uint32_t i = b->active[k];
		const ForestFeature *ff = &b->f.features[i];

		if (ff->kind == FEATURE_WIDE)
			continue;
		b->hist_at[i] = at;
		at += b->has_missing[i] ? BINS : ff->n_bins;
		b->narrow[b->n_narrow++] = i;
	}
	b->n_bins = at;
	if (b->pool == NULL)
	{
		uint32_t most = 0;

		for (uint32_t i = 0; i < b->f.n_usable; i++)
		{
			uint32_t k = b->f.usable[i];

			if (b->f.features[k].kind != FEATURE_WIDE)
				most += b->has_missing[k] ? BINS : b->f.features[k].n_bins;
		}
		b->pool_bins = most;
		b->n_slots = (uint32_t) aug_boost_pool_slots(&b->config, b->n_train,
													 (size_t) most * sizeof(BoostBin));
		b->pool = aug_arena_alloc(b->f.arena, (size_t) b->n_slots * most + 1, sizeof(BoostBin));
		b->free_slots = aug_arena_alloc(b->f.arena, b->n_slots, sizeof(uint32_t));
		if (b->pool == NULL || b->free_slots == NULL)
			return aug_fail_nomem(err, (size_t) b->n_slots * most * sizeof(BoostBin));
	}
	b->n_free = b->n_slots;
	for (uint32_t i = 0; i < b->n_slots; i++)
		b->free_slots[i] = b->n_slots - 1 - i;
	return AUG_OK;
}

/* ---- narrow features --------------------------------------------------- */

/* Adds a block of rows to the histograms of GROUP features. */
static void
add_group(const uint8_t *const *cells, const BoostBin *values, uint32_t n, const uint32_t *slots,
		  BoostBin *const *hist)
{
	BoostBin *h0 = hist[0], *h1 = hist[1], *h2 = hist[2], *h3 = hist[3];
	uint32_t s0 = slots[0], s1 = slots[1], s2 = slots[2], s3 = slots[3];

	for (uint32_t i = 0; i < n; i++)
	{
		const uint8_t *c = cells[i];
		BoostBin v = values[i];

		h0[c[s0]] += v;
		h1[c[s1]] += v;
		h2[c[s2]] += v;
		h3[c[s3]] += v;
	}
}

static void
add_one(const uint8_t *const *cells, const BoostBin *values, uint32_t n, uint32_t slot,
		BoostBin *hist)
{
	for (uint32_t i = 0; i < n; i++)
		hist[cells[i][slot]] += values[i];
}

static void
add_block(const BoostJob *b, const uint8_t *const *cells, const BoostBin *values, uint32_t n,
		  BoostBin *out)
{
	uint32_t k = 0;

	for (; k + GROUP <= b->n_narrow; k += GROUP)
	{
		uint32_t slots[GROUP];
		BoostBin *hist[GROUP];

		for (uint32_t j = 0; j < GROUP; j++)
		{
			slots[j] = b->f.features[b->narrow[k + j]].slot;
			hist[j] = out + b->hist_at[b->narrow[k + j]];
		}
		add_group(cells, values, n, slots, hist);
	}
	for (; k < b->n_narrow; k++)
		add_one(cells, values, n, b->f.features[b->narrow[k]].slot, out + b->hist_at[b->narrow[k]]);
}

/*
 * The histograms of the tree's narrow features over a node's rows.
 */
AugStatus
aug_boost_histograms(BoostJob *b, const BoostNode *node, BoostBin *out, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	const uint32_t *rows = b->rows + node->first;
	const uint8_t *cells[ROWS];
	BoostBin values[ROWS];

	memset(out, 0, b->n_bins * sizeof(BoostBin));
	for (uint32_t first = 0; first < node->n; first += ROWS)
	{
		uint32_t n = node->n - first < ROWS ? node->n - first : ROWS;

		for (uint32_t i = 0; i < n; i++)
		{
			uint32_t row = rows[first + i];

			cells[i] = m->cells + (size_t) row * m->stride;
			values[i] = pair_bin(b, b->pairs[row]);
		}
		add_block(b, cells, values, n, out);
		if (forest_tick(&b->f, (uint64_t) n * (b->n_narrow + 4)))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

/* A parent's histograms less those of one child: the other child's. */
void
aug_boost_subtract(const BoostJob *b, BoostBin *from, const BoostBin *what)
{
	for (uint32_t i = 0; i < b->n_bins; i++)
		from[i] -= what[i];
}

/* ---- levels ------------------------------------------------------------ */

static void
put_group(BoostJob *b, uint32_t code, BoostBin bin)
{
	BoostGroups *g = &b->groups;

	g->code[g->n] = code;
	g->bin[g->n] = bin;
	g->n++;
}

/* The levels of a wide feature that the node's rows have, in the order of codes'
 * first rows. */
static AugStatus
collect_wide(BoostJob *b, const BoostNode *node, const ForestFeature *ff, AugError *err)
{
	BoostGroups *g = &b->groups;
	bool stop = false;

	for (uint32_t k = 0; k < node->n && !stop; k++)
	{
		uint32_t row = b->rows[node->first + k], code = ff->wide[row];

		if (code == AUG_MISSING_WIDE)
			code = ff->n_bins;
		if (bin_count(b, b->wide[code]) == 0)
			g->code[g->n++] = code;
		b->wide[code] += pair_bin(b, b->pairs[row]);
		if (k % ROWS == ROWS - 1)
			stop = forest_tick(&b->f, ROWS * 4);
	}
	/* at rest again, even when stopped */
	for (uint32_t k = 0; k < g->n; k++)
	{
		g->bin[k] = b->wide[g->code[k]];
		b->wide[g->code[k]] = (BoostBin){0, 0};
	}
	return stop ? aug_fail_cancelled(err) : AUG_OK;
}

/* The levels of a narrow feature, from its histogram or from the node's rows. */
static void
collect_narrow(BoostJob *b, const BoostNode *node, uint32_t feature, const ForestFeature *ff)
{
	BoostBin own[BINS];
	const BoostBin *hist = own;

	if (node->slot != FOREST_NONE)
		hist = b->pool + (size_t) node->slot * b->pool_bins + b->hist_at[feature];
	else
	{
		memset(own, 0, sizeof(own));
		for (uint32_t k = 0; k < node->n; k++)
		{
			uint32_t row = b->rows[node->first + k];

			own[b->f.matrix->cells[(size_t) row * b->f.matrix->stride + ff->slot]] +=
				pair_bin(b, b->pairs[row]);
		}
	}
	for (uint32_t i = 0; i < ff->n_bins; i++)
		if (hist[i][1] != 0)
			put_group(b, i, hist[i]);
	if (b->has_missing[feature] && hist[AUG_MISSING_CELL][1] != 0)
		put_group(b, ff->n_bins, hist[AUG_MISSING_CELL]);
}

static void
permute_groups(BoostGroups *g)
{
	uint32_t *room = g->perm + g->n;

	/* in place, cycle by cycle: perm[i] is the group that comes to place i */
	memcpy(room, g->perm, g->n * sizeof(uint32_t));
	for (uint32_t i = 0; i < g->n; i++)
	{
		uint32_t at = i, code = g->code[i];
		BoostBin bin = g->bin[i];

		if (room[i] == FOREST_NONE)
			continue;
		for (;;)
		{
			uint32_t next = room[at];

			room[at] = FOREST_NONE;
			if (next == i)
				break;
			g->code[at] = g->code[next];
			g->bin[at] = g->bin[next];
			at = next;
		}
		g->code[at] = code;
		g->bin[at] = bin;
	}
}

/*
 * Puts the levels that have fewer than cat_smooth rows in the node together into one
 * group, code FOREST_NONE, which comes last.  What is known of each is less than what
 * is assumed of it, and many of them in the order of their means would fit any noise.
 */
static void
pool_rare(const BoostJob *b, BoostGroups *g)
{
	BoostBin rare = {0, 0};
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n; i++)
	{
		if ((double) bin_count(b, g->bin[i]) < b->config.cat_smooth)
			rare += g->bin[i];
		else
		{
			g->code[n] = g->code[i];
			g->bin[n++] = g->bin[i];
		}
	}
	if (n < g->n)
	{
		g->code[n] = FOREST_NONE;
		g->bin[n++] = rare;
	}
	g->n = n;
}

/* The levels of a categorical feature in a node; sets the node's mean. */
static AugStatus
collect(BoostJob *b, const BoostNode *node, uint32_t feature, double *mean, AugError *err)
{
	const ForestFeature *ff = &b->f.features[feature];
	double weight = bin_hessian(b, node->total);

	*mean = weight > 0 ? bin_gradient(b, node->total) / weight : 0;
	b->groups.n = 0;
	if (ff->kind == FEATURE_WIDE)
		return collect_wide(b, node, ff, err);
	collect_narrow(b, node, feature, ff);
	return AUG_OK;
}

/*
 * Takes the places of the levels in the whole tree: how their mean gradients in the
 * root, drawn to that of all rows by cat_smooth, differ from it.
 */
AugStatus
aug_boost_learn_levels(BoostJob *b, const BoostNode *root, AugError *err)
{
	const BoostGroups *g = &b->groups;
	double smooth = b->config.cat_smooth, mean;

	for (uint32_t k = 0; k < b->n_active; k++)
	{
		const ForestFeature *ff = &b->f.features[b->active[k]];
		AugStatus status;

		if (ff->kind == FEATURE_NUMERIC)
			continue;
		status = collect(b, root, b->active[k], &mean, err);
		if (status != AUG_OK)
			return status;
		for (uint32_t i = 0; i < g->n; i++)
		{
			double h = bin_hessian(b, g->bin[i]);

			ff->prior[g->code[i]] =
				h > 0 ? (float) ((bin_gradient(b, g->bin[i]) - h * mean) / (h + smooth)) : 0;
		}
		if (forest_tick(&b->f, g->n))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

/*
 * The levels of a categorical feature in a node, rare ones together, ordered by the
 * mean gradient of their rows.  A level's mean is drawn by cat_smooth to the node's,
 * moved by the level's place in the tree: in a node of few rows for each level
 * their own order is mostly noise (category.c).  (LightGBM draws to 0.)  Equal ones stay
 * in the order they were found in.
 */
AugStatus
aug_boost_groups(BoostJob *b, const BoostNode *node, uint32_t feature, AugError *err)
{
	const float *prior = b->f.features[feature].prior;
	BoostGroups *g = &b->groups;
	double smooth = b->config.cat_smooth, mean;
	AugStatus status = collect(b, node, feature, &mean, err);

	if (status != AUG_OK)
		return status;
	pool_rare(b, g);
	for (uint32_t i = 0; i < g->n; i++)
	{
		double h = bin_hessian(b, g->bin[i]) + smooth,
			   place = mean + (g->code[i] == FOREST_NONE ? 0 : (double) prior[g->code[i]]);

		g->key[i] = h > 0 ? (bin_gradient(b, g->bin[i]) + smooth * place) / h : mean;
	}
	aug_forest_sort_keys(g->key, g->perm, g->n);
	permute_groups(g);
	return forest_tick(&b->f, (uint64_t) g->n * 20) ? aug_fail_cancelled(err) : AUG_OK;
}
