/*-------------------------------------------------------------------------
 *
 * split.c
 *		The best cut of groups in order: the first so many go left.
 *
 * For two classes under the Gini impurity and for squared error the decrease of
 * impurity is, up to a constant of the node, d * d / (w_left * w_right) with
 * d = sum_left - w_left * mean: one division a cut.
 *
 * A numeric feature with missing values in the node is scanned twice, with these
 * on the right and on the left; "missing against all others" is a cut, too.
 * Between two groups the cut is put half-way in bins (quantiles of the data).
 *
 * Memory: none.  Interrupts: none; a scan is as long as the groups are many.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

/*
 * x * log2(x); 0 at 0.  By the series of artanh on a mantissa near 1, so that it
 * is the same on every machine; relative error below 1e-14.
 */
double
aug_forest_xlogx(double x)
{
	int e;
	double m, t, t2, s;

	if (x <= 0)
		return 0;
	m = frexp(x, &e);
	if (m < 0.70710678118654752)
	{
		m *= 2;
		e--;
	}
	t = (m - 1) / (m + 1);
	t2 = t * t;
	s = 1.0 / 19;
	s = s * t2 + 1.0 / 17;
	s = s * t2 + 1.0 / 15;
	s = s * t2 + 1.0 / 13;
	s = s * t2 + 1.0 / 11;
	s = s * t2 + 1.0 / 9;
	s = s * t2 + 1.0 / 7;
	s = s * t2 + 1.0 / 5;
	s = s * t2 + 1.0 / 3;
	s = s * t2 + 1;
	return x * (e + 2 * t * s * 1.4426950408889634);
}

/* weight x entropy of two classes, in bits */
static inline double
entropy_mass(double weight, double sum)
{
	return aug_forest_xlogx(weight) - aug_forest_xlogx(sum) - aug_forest_xlogx(weight - sum);
}

/* A value that stands for a bin: the middle of its cuts, or near the outer one. */
static double
bin_value(const ForestFeature *feature, uint32_t bin)
{
	uint32_t last = feature->n_bins - 1; /* n_bins - 1 cuts */
	const double *cuts = feature->cuts;

	if (last == 0)
		return 0;
	if (bin == 0)
		return last > 1 ? cuts[0] - (cuts[1] - cuts[0]) / 2 : cuts[0];
	if (bin >= last)
		return last > 1 ? cuts[last - 1] + (cuts[last - 1] - cuts[last - 2]) / 2 : cuts[0];
	return cuts[bin - 1] + (cuts[bin] - cuts[bin - 1]) / 2;
}

/*
 * The group after which a random cut falls: uniform over the range of values in
 * the node, moved to the nearest cut.  Needs at least two groups.
 */
uint32_t
aug_forest_random_cut(const ForestFeature *feature, const Groups *g, AugRng *rng)
{
	double lo = bin_value(feature, g->code[0]), hi = bin_value(feature, g->code[g->n - 1]),
		   at = lo + aug_rng_real(rng) * (hi - lo);
	uint32_t i = 0;

	/* a cut between group i and i + 1 is at or above cuts[code[i]] */
	while (i + 2 < g->n && bin_value(feature, g->code[i + 1]) <= at)
		i++;
	return i;
}

/* One pass: groups 0 .. last as the last one on the left, from start. */
typedef struct Pass
{
	double draws, /* already on the left: the missing ones, or nothing */
		weight, sum;
	uint32_t first, last; /* cuts looked at */
	bool missing_left;
} Pass;

typedef struct Best
{
	double score;
	uint32_t at;
	double draws, weight, sum;
	bool missing_left;
} Best;

static void
scan_pass(const ForestJob *f, const GrowTask *task, const Pass *pass, Best *best)
{
	const Groups *g = &f->groups;
	const NodeTotals *all = &task->totals;
	bool counts = f->mode == MODE_COUNT, entropy = f->config.criterion == CRITERION_ENTROPY;
	double w0 = counts ? f->class_weight[0] : 0, w1 = counts ? f->class_weight[1] : 1,
		   total = all->sum * w1, mean = all->weight > 0 ? total / all->weight : 0,
		   whole = entropy ? entropy_mass(all->weight, total) : 0, least = f->config.min_leaf,
		   most = all->draws - least, draws = pass->draws, weight = pass->weight, sum = pass->sum;
	uint32_t i;

	for (i = 0; i <= pass->last; i++)
	{
		double wl, wr, sl, score;

		draws += g->draws[i];
		weight += g->weight[i];
		sum += g->sum[i];
		if (draws < least || draws > most || i < pass->first)
			continue;
		wl = counts ? w0 * (draws - sum) + w1 * sum : weight;
		wr = all->weight - wl;
		sl = w1 * sum;
		if (entropy)
			score = whole - entropy_mass(wl, sl) - entropy_mass(wr, total - sl);
		else
		{
			double d = sl - wl * mean, product = wl * wr;

			score = product > 0 ? d * d / product : 0;
		}
		if (score > best->score)
		{
			best->score = score;
			best->at = i;
			best->draws = draws;
			best->weight = wl;
			best->sum = sum;
			best->missing_left = pass->missing_left;
		}
	}
}

/* Bin of the cut after group i. */
static uint8_t
cut_bin(const Groups *g, uint32_t i, const ForestFeature *feature)
{
	if (i + 1 == g->n)
		return (uint8_t) (feature->n_bins - 1);
	return (uint8_t) ((g->code[i] + g->code[i + 1] - 1) / 2);
}

/*
 * Describes the cut after group at in *best, whose score, gain and left side are
 * known.  The levels of a set are copied to f->codes.
 */
void
aug_forest_take_split(ForestJob *f, const GrowTask *task, uint32_t feature, uint32_t at,
					  bool missing_left, Split *best)
{
	const ForestFeature *ff = &f->features[feature];
	const Groups *g = &f->groups;

	best->feature = feature;
	best->is_set = ff->kind != FEATURE_NUMERIC;
	best->bin = 0;
	best->missing_left = missing_left;
	best->n_codes = best->n_left = 0;
	if (best->is_set)
	{
		best->n_codes = g->n;
		best->n_left = at + 1;
		memcpy(f->codes, g->code, g->n * sizeof(uint32_t));
		return;
	}
	best->bin = cut_bin(g, at, ff);
	/* where none is missing, missing values will follow the heavier side */
	if (g->missing_draws <= 0)
		best->missing_left = best->left.weight >= task->totals.weight - best->left.weight;
}

/*
 * Searches the groups at hand, which must not be constant, and takes the result
 * over into *best when it is better.
 */
void
aug_forest_scan(ForestJob *f, const GrowTask *task, uint32_t feature, AugRng *rng, Split *best)
{
	const ForestFeature *ff = &f->features[feature];
	Groups *g = &f->groups;
	Best found = {best->score, 0, 0, 0, 0, false};
	Pass pass = {0, 0, 0, 0, 0, false};
	bool is_set = ff->kind != FEATURE_NUMERIC;

	if (f->config.random_cuts && g->n > 1)
	{
		pass.first = is_set ? aug_forest_random_subset(f, rng) : aug_forest_random_cut(ff, g, rng);
		pass.last = pass.first;
	}
	else
		pass.last = g->n > 1 ? g->n - 2 : 0;
	if (g->missing_draws > 0 && !(f->config.random_cuts && g->n > 1))
		pass.last = g->n - 1; /* all values against missing */
	scan_pass(f, task, &pass, &found);
	if (g->missing_draws > 0 && g->n > 1)
	{
		if (!f->config.random_cuts)
			pass.last = g->n - 2;
		pass.draws = g->missing_draws;
		pass.weight = g->missing_weight;
		pass.sum = g->missing_sum;
		pass.missing_left = true;
		scan_pass(f, task, &pass, &found);
	}
	if (!(found.score > best->score))
		return;

	best->score = found.score;
	best->gain = f->config.criterion == CRITERION_ENTROPY
					 ? found.score
					 : found.score * task->totals.weight *
						   (f->config.task == AUG_CLASSIFICATION ? 2 : 1);
	best->left.draws = (uint32_t) found.draws;
	best->left.weight = found.weight;
	best->left.sum = found.sum;
	aug_forest_take_split(f, task, feature, found.at, found.missing_left, best);
}
