/*-------------------------------------------------------------------------
 *
 * category.c
 *		The order of the levels of a categorical feature in a node.
 *
 * For two classes and for squared error the best of all subsets of levels is a
 * prefix of the levels in the order of their mean target (Fisher 1958; Breiman
 * and others 1984), so ordering and scanning is exact.  For more classes see
 * classes.c.
 *
 * Memory: none.  Interrupts: none; sorting is n log n in the node's levels.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forest.h"

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

/*
 * Orders the groups by their mean target.
 */
void
aug_forest_order_levels(ForestJob *f)
{
	Groups *g = &f->groups;
	uint32_t i;

	for (i = 0; i < g->n; i++)
	{
		double w = g->weight[i];

		/* class weights do not change the order */
		f->key[i] = w > 0 ? g->sum[i] / w : 0;
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
