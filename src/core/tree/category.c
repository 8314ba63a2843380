/*-------------------------------------------------------------------------
 *
 * category.c
 *		The order of the levels of a categorical feature in a node.
 *
 * For two classes and for squared error the best of all subsets of levels is a
 * prefix of the levels in the order of their mean target (Fisher 1958; Breiman
 * and others 1984).  But where a node has few rows for each level, that order is
 * mostly noise, and a feature of many levels wins every node by fitting it.  So the
 * mean of a level is shrunk towards the one it has in the tree's whole sample
 * (moved by what the node as a whole differs), as empirical Bayes does: by the
 * variance within levels over the variance between them that it does not explain
 * (DerSimonian, Laird 1986), the latter only as far as it is significant, and by at
 * least PRIOR_SHARE of the number of levels.  Few levels, or clear differences,
 * give the node's own order; many levels of few rows the order of the tree.
 * For more classes see classes.c.
 *
 * Memory: none.  Interrupts: none; sorting is n log n in the node's levels.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

#define PRIOR_SHARE 0.2 /* draws of the prior for each level */
#define SIGNIFICANT 4.0 /* standard deviations */
#define PRIOR_ONLY	1e30

static inline bool
below(const double *key, uint32_t a, uint32_t b)
{
	return key[a] < key[b] || (key[a] == key[b] && a < b);
}

/*
 * perm: 0 .. n-1 ordered by key, ties by index.  Bottom-up merge sort; perm has
 * room for 2 n, the result is in its first half.
 */
void
aug_forest_sort_keys(double *key, uint32_t *perm, uint32_t n)
{
	uint32_t *from = perm, *to = perm + n;
	uint32_t i, width, run = 8;

	for (i = 0; i < n; i++)
	{
		uint32_t start = i / run * run, j = i;

		for (; j > start && key[perm[j - 1]] > key[i]; j--)
			perm[j] = perm[j - 1];
		perm[j] = i;
	}
	for (width = run; width < n; width *= 2)
	{
		uint32_t *swap;

		for (i = 0; i < n; i += 2 * width)
		{
			uint32_t a = i, a_end = n - i < width ? n : i + width, b = a_end,
					 b_end = n - a_end < width ? n : a_end + width, out = i;

			while (a < a_end && b < b_end)
				to[out++] = below(key, from[b], from[a]) ? from[b++] : from[a++];
			while (a < a_end)
				to[out++] = from[a++];
			while (b < b_end)
				to[out++] = from[b++];
		}
		swap = from;
		from = to;
		to = swap;
		if (width > UINT32_MAX / 2)
			break;
	}
	if (from != perm)
		memcpy(perm, from, n * sizeof(uint32_t));
}

static void
permute_doubles(double *values, const uint32_t *perm, double *room, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		room[i] = values[perm[i]];
	memcpy(values, room, n * sizeof(double));
}

/*
 * Puts the groups into the order of f->perm.
 */
void
aug_forest_permute(ForestJob *f)
{
	Groups *g = &f->groups;
	uint32_t *room = f->perm + g->n;
	uint32_t i;

	permute_doubles(g->draws, f->perm, f->key, g->n);
	permute_doubles(g->weight, f->perm, f->key, g->n);
	permute_doubles(g->sum, f->perm, f->key, g->n);
	for (i = 0; i < g->n; i++)
		room[i] = g->code[f->perm[i]];
	memcpy(g->code, room, g->n * sizeof(uint32_t));
	if (f->mode != MODE_CLASS)
		return;
	for (i = 0; i < g->n; i++)
		room[i] = g->begin[f->perm[i]];
	memcpy(g->begin, room, g->n * sizeof(uint32_t));
	for (i = 0; i < g->n; i++)
		room[i] = g->end[f->perm[i]];
	memcpy(g->end, room, g->n * sizeof(uint32_t));
}

/* Place of a level (or of the missing one) in the tree. */
float *
aug_forest_prior(const ForestJob *f, uint32_t feature, uint32_t code)
{
	const ForestFeature *ff = &f->features[feature];

	if (ff->kind == FEATURE_WIDE && code == f->wide_levels)
		code = ff->n_bins;
	return &ff->prior[code];
}

/*
 * Takes the mean targets of the groups at hand, which are those of the root, as
 * the levels' places in the tree.
 */
void
aug_forest_learn_levels(ForestJob *f, uint32_t feature)
{
	const Groups *g = &f->groups;
	double weight = 0, sum = 0, mean;
	uint32_t i;

	for (i = 0; i < g->n; i++)
	{
		weight += g->weight[i];
		sum += g->sum[i];
	}
	mean = weight > 0 ? sum / weight : 0;
	for (i = 0; i < g->n; i++)
		*aug_forest_prior(f, feature, g->code[i]) =
			(float) ((g->sum[i] + mean) / (g->weight[i] + 1));
}

/* Weighted sum of squares of the targets of the node's rows. */
static double
node_squares(ForestJob *f, const GrowTask *task)
{
	uint32_t i;
	double squares = 0;

	if (!isnan(f->node_squares))
		return f->node_squares;
	for (i = 0; i < task->n; i++)
	{
		const uint8_t *record = record_at(f, task->first + i);
		double y = (double) record_float(record, f->layout.y_at);

		squares += record_weight(f, record) * y * y;
	}
	f->node_squares = squares;
	return squares;
}

/* What the groups add up to, and how they differ from the prior. */
typedef struct Spread
{
	double weight, sum, squares_of_weights, shift, /* mean difference from the prior */
		between,								   /* of the groups' differences */
		explained; /* sum of squares that the groups' means explain */
} Spread;

static void
measure_spread(const ForestJob *f, uint32_t feature, Spread *s)
{
	const Groups *g = &f->groups;
	double difference = 0;
	uint32_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < g->n; i++)
	{
		double w = g->weight[i], prior = (double) *aug_forest_prior(f, feature, g->code[i]);

		if (!(w > 0))
			continue;
		s->weight += w;
		s->squares_of_weights += w * w;
		s->sum += g->sum[i];
		s->explained += g->sum[i] * g->sum[i] / w;
		difference += g->sum[i] - w * prior;
	}
	s->shift = s->weight > 0 ? difference / s->weight : 0;
	for (i = 0; i < g->n; i++)
	{
		double w = g->weight[i], d;

		if (!(w > 0))
			continue;
		d = g->sum[i] / w - (double) *aug_forest_prior(f, feature, g->code[i]) - s->shift;
		s->between += w * d * d;
	}
}

/*
 * How many draws the prior of a level counts for in this node.
 */
static double
prior_strength(ForestJob *f, const GrowTask *task, uint32_t feature, const Spread *s)
{
	double n = task->n, groups = f->groups.n, least = PRIOR_SHARE * f->features[feature].n_bins,
		   squares = f->config.task == AUG_CLASSIFICATION ? s->sum : node_squares(f, task), within,
		   expected, between, strength;

	if (n <= groups || groups < 2)
		return PRIOR_ONLY;
	/* a row drawn twice is no second observation */
	within = (squares - s->explained) / s->weight * n / (n - groups);
	if (!(within > 1e-9 * squares / s->weight))
		return PRIOR_ONLY;
	expected = (groups - 1) * within *
			   (1 + SIGNIFICANT * sqrt(2 / (groups - 1) + 2 / (n - groups)));
	between = (s->between - expected) / (s->weight - s->squares_of_weights / s->weight);
	if (!(between > 0))
		return PRIOR_ONLY;
	strength = within / between;
	/* weights of rows may be of any size; the least is in draws */
	least *= s->weight / task->totals.draws;
	return strength > least ? strength : least;
}

/*
 * Orders the groups by their mean target, shrunk towards the tree's.
 */
void
aug_forest_order_levels(ForestJob *f, const GrowTask *task, uint32_t feature)
{
	Groups *g = &f->groups;
	Spread spread;
	double strength;
	uint32_t i;

	measure_spread(f, feature, &spread);
	strength = prior_strength(f, task, feature, &spread);
	for (i = 0; i < g->n; i++)
	{
		double w = g->weight[i], prior = (double) *aug_forest_prior(f, feature, g->code[i]),
			   own = w > 0 ? g->sum[i] / w - prior - spread.shift : 0;

		f->key[i] = prior + own * (w / (w + strength));
	}
	aug_forest_sort_keys(f->key, f->perm, g->n);
	aug_forest_permute(f);
}

/*
 * A uniformly drawn proper subset of the levels: its groups come first, and the
 * index of its last one is returned.  Needs at least two groups.
 */
uint32_t
aug_forest_random_subset(ForestJob *f, AugRng *rng)
{
	Groups *g = &f->groups;
	uint32_t n = g->n, n_left = 0, i, rest;
	uint64_t bits = 0;

	for (i = 0; i < n; i++)
	{
		if (i % 64 == 0)
			bits = aug_rng_next(rng);
		f->key[i] = (double) (bits >> (i % 64) & 1);
		n_left += f->key[i] > 0;
	}
	if (n_left == 0 || n_left == n)
	{
		uint32_t one = aug_rng_below(rng, n);

		for (i = 0; i < n; i++)
			f->key[i] = i == one;
		n_left = 1;
	}
	rest = n_left;
	n_left = 0;
	for (i = 0; i < n; i++)
		f->perm[f->key[i] > 0 ? n_left++ : rest++] = i;
	aug_forest_permute(f);
	return n_left - 1;
}
