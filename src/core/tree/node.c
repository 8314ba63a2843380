/*-------------------------------------------------------------------------
 *
 * node.c
 *		The split of one node: features are drawn without replacement until
 *		max_features of them have been found to vary among the node's rows, or
 *		none is left; the best cut of all is kept.
 *
 * Features known to be constant in a node are constant below it: they stand in
 * front of f->order, and a node draws behind them only.  Depth first, the part in
 * front is never disturbed before the node's last descendant is done.
 *
 * Large nodes make the histograms of several features in one pass over the rows;
 * small ones go feature by feature over the few rows they have.
 *
 * Memory: none.  Interrupts: through forest_tick.
 *
 *-------------------------------------------------------------------------
 */
#include "forest.h"

static inline void
exchange(uint32_t *a, uint32_t *b)
{
	uint32_t	t = *a;

	*a = *b;
	*b = t;
}

/* Does the feature of the groups at hand not vary in the node? */
static inline bool
is_constant(const Groups *g)
{
	return g->n + (g->missing_draws > 0) < 2;
}

/* Orders the groups where they need it, and searches them. */
static AugStatus
search_groups(ForestJob *f, const GrowTask *task, uint32_t feature, AugRng *rng, Split *best,
			  AugError *err)
{
	bool		unordered = f->features[feature].kind != FEATURE_NUMERIC;

	if (f->mode == MODE_CLASS)
	{
		if (unordered && !f->config.random_cuts)
		{
			AugStatus	status = aug_forest_class_order(f, task, err);

			if (status != AUG_OK)
				return status;
		}
		aug_forest_class_scan(f, task, feature, rng, best);
	}
	else
	{
		if (unordered && !f->config.random_cuts)
			aug_forest_order_levels(f);
		aug_forest_scan(f, task, feature, rng, best);
	}
	return AUG_OK;
}

/* Groups of one feature, for the paths that go feature by feature. */
static AugStatus
groups_of_one(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err)
{
	if (f->mode == MODE_CLASS)
		return aug_forest_class_groups(f, task, feature, err);
	if (f->features[feature].kind == FEATURE_WIDE)
		return aug_forest_wide_groups(f, task, feature, err);
	if (task->n <= SMALL_NODE)
	{
		aug_forest_small_groups(f, task, feature);
		return AUG_OK;
	}
	{
		AugStatus	status = aug_forest_histograms(f, task, &feature, 1, err);

		if (status == AUG_OK)
			aug_forest_groups_of(f, feature, 0);
		return status;
	}
}

/*
 * Draws n features behind the constants into order[back - n .. back); evaluates
 * them; constants among them move to the front.  Returns how many vary in *found.
 */
static AugStatus
try_features(ForestJob *f, GrowTask *task, uint32_t n, uint32_t *back, uint32_t *found,
			 AugRng *rng, Split *best, AugError *err)
{
	uint32_t   *order = f->order;
	uint32_t	narrow[BATCH],
				histogram[BATCH],
				n_narrow = 0,
				i,
				q;
	bool		batched = n > 1;
	AugStatus	status;

	for (i = 0; i < n; i++)
	{
		uint32_t	j = task->n_constant + aug_rng_below(rng, *back - task->n_constant);

		(*back)--;
		exchange(&order[j], &order[*back]);
	}
	for (i = 0; batched && i < n; i++)
	{
		uint32_t	feature = order[*back + i];

		histogram[i] = n_narrow;
		if (f->features[feature].kind != FEATURE_WIDE)
			narrow[n_narrow++] = feature;
	}
	if (n_narrow > 0)
	{
		status = aug_forest_histograms(f, task, narrow, n_narrow, err);
		if (status != AUG_OK)
			return status;
	}

	for (i = 0, q = *back; i < n; i++, q++)
	{
		uint32_t	feature = order[q];

		if (batched && f->features[feature].kind != FEATURE_WIDE)
			aug_forest_groups_of(f, feature, histogram[i]);
		else
		{
			status = groups_of_one(f, task, feature, err);
			if (status != AUG_OK)
				return status;
		}
		if (is_constant(&f->groups))
		{
			/* to the front; what stood there is drawable again */
			exchange(&order[q], &order[task->n_constant]);
			task->n_constant++;
			exchange(&order[q], &order[*back]);
			(*back)++;
			continue;
		}
		(*found)++;
		status = search_groups(f, task, feature, rng, best, err);
		if (status != AUG_OK)
			return status;
	}
	return AUG_OK;
}

/*
 * The best split of the node, best->score < 0 when there is none.  For a set,
 * its levels are left in f->codes.
 */
AugStatus
aug_forest_find_split(ForestJob *f, GrowTask *task, AugRng *rng, Split *best, AugError *err)
{
	uint32_t	back = f->n_features,
				found = 0;
	bool		one_by_one = f->mode == MODE_CLASS || task->n <= SMALL_NODE;
	AugStatus	status = AUG_OK;

	best->score = -1;
	if (f->mode == MODE_CLASS)
		status = aug_forest_class_prepare(f, task, err);
	else if (task->n <= SMALL_NODE)
		aug_forest_prepare(f, record_at(f, task->first), task->n);

	while (status == AUG_OK && found < f->config.max_features && task->n_constant < back)
	{
		uint32_t	n = f->config.max_features - found;

		if (n > back - task->n_constant)
			n = back - task->n_constant;
		if (n > BATCH)
			n = BATCH;
		status = try_features(f, task, one_by_one ? 1 : n, &back, &found, rng, best, err);
		if (status == AUG_OK && one_by_one && forest_tick(f, (uint64_t) task->n * 8 + 100))
			status = aug_fail_cancelled(err);
	}
	if (f->mode == MODE_CLASS)
		aug_forest_class_finish(f);
	return status;
}
