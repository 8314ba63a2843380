/*-------------------------------------------------------------------------
 *
 * boost_split.c
 *		The best split of a node, from the histograms of its features.
 *
 * A split gains G_l^2 / (H_l + lambda) + G_r^2 / (H_r + lambda) - G^2 / (H + lambda),
 * twice the decrease of the loss (Chen, Guestrin 2016, equation 7, without the
 * half, as LightGBM has it).  Missing values are tried on both sides where a node has
 * any, else they go with the larger child.  Levels of a category are ordered by
 * their mean gradient, in which order the best subset is a prefix (Fisher 1958), and
 * missing is one more level; cat_l2 is added to lambda for them, unless there are
 * few.
 *
 * Memory: none.  Interrupts: polled for each feature.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "boost.h"

#define MOST_LEVELS 32
#define STEP_SHARE	0.01  /* of the node's rows, between two cuts of levels when they are not few */
#define FEW_LEVELS	4	  /* up to which categories are not regularised further */
#define ROUNDING	1e-12 /* of the node's own term: no gain at all */

/*
 * The value of a leaf before the learning rate.
 */
double
aug_boost_weight(const BoostConfig *c, double gradient, double hessian)
{
	double g = gradient, h = hessian + c->lambda, w;

	g = g > c->alpha ? g - c->alpha : g < -c->alpha ? g + c->alpha : 0;
	if (!(h > 0) || g == 0)
		return 0;
	w = -g / h;
	return w > c->max_step ? c->max_step : w < -c->max_step ? -c->max_step : w;
}

/* What a leaf takes from twice the loss, in general. */
static double
term(const BoostConfig *c, double gradient, double hessian, double lambda)
{
	double g = gradient, h = hessian + lambda, w;

	g = g > c->alpha ? g - c->alpha : g < -c->alpha ? g + c->alpha : 0;
	if (!(h > 0))
		return 0;
	w = -g / h;
	if (fabs(w) <= c->max_step)
		return g * g / h;
	w = w < 0 ? -c->max_step : c->max_step;
	return -(2 * g * w + h * w * w);
}

/* What a scan keeps of a node. */
typedef struct Scan
{
	const BoostJob *b;
	const BoostNode *node;
	uint32_t feature;
	uint32_t count;
	double gradient, hessian; /* of the node */
	double lambda;
	double own;	  /* the node's term */
	double least; /* a gain must be above it */
	bool plain;	  /* no alpha, no largest step */
} Scan;

static void
scan_begin(Scan *s, const BoostJob *b, const BoostNode *node)
{
	const BoostConfig *c = &b->config;

	s->b = b;
	s->node = node;
	s->count = bin_count(b, node->total);
	s->gradient = bin_gradient(b, node->total);
	s->hessian = bin_hessian(b, node->total);
	s->lambda = c->lambda;
	s->plain = c->alpha == 0 && isinf(c->max_step);
	s->own = term(c, s->gradient, s->hessian, c->lambda);
	s->least = c->min_gain + ROUNDING * s->own;
}

/*
 * Does the split that sends left to the left gain more than least?  The gain goes to
 * *gain.  Without alpha and a largest step both terms are compared over their common
 * denominator, so that only the splits that are taken cost a division.
 */
static inline bool
gains_more(const Scan *s, BoostBin left, double least, double *gain)
{
	const BoostConfig *c = &s->b->config;
	double g = bin_gradient(s->b, left), h = bin_hessian(s->b, left), g2 = s->gradient - g,
		   h2 = s->hessian - h, under;

	if (h < c->min_weight || h2 < c->min_weight)
		return false;
	if (!s->plain)
	{
		*gain = term(c, g, h, s->lambda) + term(c, g2, h2, s->lambda) - s->own;
		return *gain > least;
	}
	h += s->lambda;
	h2 += s->lambda;
	under = h * h2;
	g = g * g * h2 + g2 * g2 * h;
	/* under is 0 where a side has no weight at all */
	if (!(under > 0 && g > (least + s->own) * under))
		return false;
	*gain = g / under - s->own;
	return *gain > least;
}

static void
take(const Scan *s, double gain, uint32_t at, BoostBin left, bool missing_left, BoostSplit *best)
{
	best->gain = gain;
	best->feature = s->feature;
	best->is_set = false;
	best->bin = (uint8_t) at;
	best->missing_left = missing_left;
	best->left = left;
}

/*
 * Cuts behind bins 0 .. n-1, with left already holding what goes left anyway.
 */
static void
scan_bins(const Scan *s, const BoostBin *hist, uint32_t n, BoostBin left, bool missing_left,
		  BoostSplit *best)
{
	const uint32_t min_leaf = s->b->config.min_leaf;

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t count;
		double gain;

		if (hist[i][1] == 0)
			continue;
		left += hist[i];
		count = bin_count(s->b, left);
		if (count < min_leaf)
			continue;
		if (s->count - count < min_leaf)
			return;
		if (gains_more(s, left, best->gain > s->least ? best->gain : s->least, &gain))
			take(s, gain, i, left, missing_left, best);
	}
}

/* A numeric feature: missing values on either side, or where there are none with the
 * larger child. */
static void
scan_number(const Scan *s, BoostSplit *best)
{
	const BoostJob *b = s->b;
	const BoostBin *hist = b->pool + (size_t) s->node->slot * b->pool_bins + b->hist_at[s->feature];
	uint32_t n = b->f.features[s->feature].n_bins;
	BoostBin none = {0, 0}, missing = b->has_missing[s->feature] ? hist[AUG_MISSING_CELL] : none;
	double before = best->gain;

	if (missing[1] != 0)
	{
		scan_bins(s, hist, n, none, false, best);
		scan_bins(s, hist, n - 1, missing, true, best);
		return;
	}
	scan_bins(s, hist, n - 1, none, false, best);
	if (best->gain > before)
		best->missing_left = bin_count(b, best->left) > s->count / 2;
}

/*
 * The groups at hand: cuts behind each of them but the last, of which one side has few
 * levels (LightGBM has that limit, too): every cut more is a chance to fit noise.
 */
static void
scan_groups(const Scan *s, const BoostGroups *g, BoostSplit *best)
{
	BoostBin left = {0, 0};
	uint32_t min_leaf = s->b->config.min_leaf;

	for (uint32_t i = 0; i + 1 < g->n; i++)
	{
		uint32_t count;
		double gain;

		left += g->bin[i];
		count = bin_count(s->b, left);
		if (count < min_leaf || (i + 1 > MOST_LEVELS && g->n - (i + 1) > MOST_LEVELS))
			continue;
		if (s->count - count < min_leaf)
			return;
		if (gains_more(s, left, best->gain > s->least ? best->gain : s->least, &gain))
		{
			take(s, gain, 0, left, false, best);
			best->is_set = true;
			best->n_left = i + 1;
		}
	}
}

/* The features to try: the tree's, or some of them drawn. */
static uint32_t
draw_features(BoostJob *b, AugRng *rng, const uint32_t **features)
{
	uint32_t wanted = b->config.node_features;

	*features = b->active;
	if (wanted >= b->n_active)
		return b->n_active;
	memcpy(b->drawn, b->active, b->n_active * sizeof(uint32_t));
	for (uint32_t i = 0; i < wanted; i++)
	{
		uint32_t k = i + aug_rng_below(rng, b->n_active - i), t = b->drawn[i];

		b->drawn[i] = b->drawn[k];
		b->drawn[k] = t;
	}
	*features = b->drawn;
	return wanted;
}

/*
 * Finds the node's best split; gain stays 0 when there is none.  The node must have
 * its histograms.
 */
AugStatus
aug_boost_find_split(BoostJob *b, uint32_t node, AugRng *rng, AugError *err)
{
	BoostSplit *best = &b->nodes[node].split;
	const uint32_t *features;
	uint32_t n = draw_features(b, rng, &features);
	Scan s;

	memset(best, 0, sizeof(*best));
	scan_begin(&s, b, &b->nodes[node]);
	for (uint32_t k = 0; k < n; k++)
	{
		AugStatus status;

		s.feature = features[k];
		s.lambda = b->config.lambda;
		if (b->f.features[s.feature].kind == FEATURE_NUMERIC)
		{
			scan_number(&s, best);
			if (forest_tick(&b->f, 512))
				return aug_fail_cancelled(err);
			continue;
		}
		status = aug_boost_groups(b, s.node, s.feature, err);
		if (status != AUG_OK)
			return status;
		if (b->groups.n > FEW_LEVELS)
			s.lambda += b->config.cat_l2;
		scan_groups(&s, &b->groups, best);
	}
	return AUG_OK;
}
