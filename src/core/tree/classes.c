/*-------------------------------------------------------------------------
 *
 * classes.c
 *		Splits for three classes and more.
 *
 * In small nodes, and where classes are very many, the rows are put in the order of
 * the feature's values by counting, and moved from the right to the left one by one:
 * the impurity of both sides changes by the classes of the moved rows only, so a scan
 * costs by the rows and not by the number of classes.
 *
 * Large nodes count the draws of each class in each bin of a numeric feature, and
 * move a class of a bin at a time.  Squares of whole numbers are exact, so both
 * ways find the same split where no weights are given; else they differ by rounding
 * alone.
 *
 * Levels of a categorical feature are ordered by the first principal component
 * of their class shares: Coppersmith, Hong, Hosking, Partitioning nominal
 * attributes in decision trees, 1999; Wright, Koenig, Splitting on categorical
 * predictors in random forests, PeerJ 2019.  The component comes from power
 * iterations over the rows, so no matrix of classes is needed.  Nodes of few rows
 * a level take the order of the tree's whole sample (category.c says why).
 *
 * Memory: buffers of the participant, by rows.  Interrupts: through forest_tick.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

#define POWER_ITERATIONS 16
#define OWN_ORDER		 10 /* rows a level from which a node orders levels itself */

/* Rows from which a histogram pays, for so many bins and classes (measured). */
#define HISTOGRAM_ROWS		  64
#define HISTOGRAM_ROWS_A_CELL 0.12

/*
 * Class totals of the node.
 */
AugStatus
aug_forest_class_prepare(ForestJob *f, const GrowTask *task, AugError *err)
{
	uint32_t i;

	f->n_seen = 0;
	f->has_rows = false;
	for (i = 0; i < task->n; i++)
	{
		const uint8_t *record = record_at(f, task->first + i);
		uint32_t label = record_label(f, record);

		if (f->class_total[label] == 0 && f->class_left[label] == 0)
		{
			f->class_left[label] = 1; /* seen; back to zero below */
			f->classes[f->n_seen++] = label;
		}
		f->class_total[label] += record_weight(f, record) * f->class_weight[label];
	}
	for (i = 0; i < f->n_seen; i++)
		f->class_left[f->classes[i]] = 0;
	return forest_tick(f, (uint64_t) task->n * 2) ? aug_fail_cancelled(err) : AUG_OK;
}

/* Labels, weights and draws of the node's rows into arrays, once for a node. */
static void
take_rows(ForestJob *f, const GrowTask *task)
{
	uint32_t i;

	if (f->has_rows)
		return;
	for (i = 0; i < task->n; i++)
	{
		const uint8_t *record = record_at(f, task->first + i);
		uint32_t label = record_label(f, record);

		f->row_label[i] = label;
		f->row_weight[i] = record_weight(f, record) * f->class_weight[label];
		f->row_count[i] = record_draws(record);
	}
	f->has_rows = true;
}

/* Leaves the class totals as they were: zero. */
void
aug_forest_class_finish(ForestJob *f)
{
	uint32_t i;

	for (i = 0; i < f->n_seen; i++)
		f->class_total[f->classes[i]] = 0;
	f->n_seen = 0;
}

/*
 * Group of each row into row_group, in the order in which codes first appear;
 * the codes and the number of rows of each group into the groups.
 */
static void
group_wide(ForestJob *f, const GrowTask *task, const uint32_t *column)
{
	Groups *g = &f->groups;
	uint32_t i;

	for (i = 0; i < task->n; i++)
	{
		uint32_t code = column[record_row(f, record_at(f, task->first + i))], at;

		if (code == AUG_MISSING_WIDE)
			code = f->wide_levels;
		at = f->slot_of[code];
		if (at == FOREST_NONE)
		{
			at = f->slot_of[code] = g->n++;
			g->code[at] = code;
			g->end[at] = 0;
		}
		g->end[at]++;
		f->row_group[i] = at;
	}
	for (i = 0; i < g->n; i++)
		f->slot_of[g->code[i]] = FOREST_NONE;
}

/* The same for a narrow feature, with groups in the order of the cells. */
static void
group_narrow(ForestJob *f, const GrowTask *task, uint32_t slot)
{
	Groups *g = &f->groups;
	uint64_t seen[BINS / 64] = {0};
	uint32_t rows[BINS], group[BINS], i, word;

	for (i = 0; i < task->n; i++)
	{
		uint32_t cell = record_cells(f, record_at(f, task->first + i))[slot];
		uint64_t bit = UINT64_C(1) << (cell % 64);

		if (!(seen[cell / 64] & bit))
			rows[cell] = 0;
		seen[cell / 64] |= bit;
		rows[cell]++;
		f->row_group[i] = cell;
	}
	for (word = 0; word < BINS / 64; word++)
	{
		uint64_t bits = seen[word];

		for (; bits != 0; bits &= bits - 1)
		{
			i = word * 64 + (uint32_t) __builtin_ctzll(bits);
			group[i] = g->n;
			g->code[g->n] = i;
			g->end[g->n++] = rows[i];
		}
	}
	for (i = 0; i < task->n; i++)
		f->row_group[i] = group[f->row_group[i]];
}

/* Does the node count classes in bins, rather than order its rows? */
static bool
has_histogram(const ForestJob *f, const GrowTask *task, const ForestFeature *ff)
{
	return f->class_counts != NULL && ff->kind == FEATURE_NUMERIC &&
		   task->n >= HISTOGRAM_ROWS + HISTOGRAM_ROWS_A_CELL * ff->n_bins * f->n_seen;
}

/* Draws, and with row weights weights, of each class in each bin. */
static AugStatus
fill_histogram(ForestJob *f, const GrowTask *task, const ForestFeature *ff, AugError *err)
{
	size_t k = f->config.n_classes;
	uint32_t *counts = f->class_counts, slot = ff->slot, done, i;
	double *sums = f->class_sums;

	memset(counts, 0, ff->n_bins * k * sizeof(uint32_t));
	memset(counts + AUG_MISSING_CELL * k, 0, k * sizeof(uint32_t));
	if (sums != NULL)
	{
		memset(sums, 0, ff->n_bins * k * sizeof(double));
		memset(sums + AUG_MISSING_CELL * k, 0, k * sizeof(double));
	}
	for (done = 0; done < task->n; done += BLOCK)
	{
		const uint8_t *record = record_at(f, task->first + done);
		uint32_t rows = task->n - done < BLOCK ? task->n - done : BLOCK;

		for (i = 0; i < rows; i++, record += f->layout.size)
		{
			uint32_t label = record_label(f, record);
			size_t at = record_cells(f, record)[slot] * k + label;

			counts[at] += record_draws(record);
			if (sums != NULL)
				sums[at] += record_weight(f, record) * f->class_weight[label];
		}
		if (forest_tick(f, (uint64_t) rows * 2))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

/* Draws of the classes in a bin. */
static double
bin_draws(const ForestJob *f, uint32_t bin)
{
	const uint32_t *counts = f->class_counts + (size_t) bin * f->config.n_classes;
	double draws = 0;
	uint32_t i;

	for (i = 0; i < f->n_seen; i++)
		draws += counts[f->classes[i]];
	return draws;
}

/* Groups of a numeric feature of a large node, whose classes stay in the histogram. */
static AugStatus
histogram_groups(ForestJob *f, const GrowTask *task, const ForestFeature *ff, AugError *err)
{
	Groups *g = &f->groups;
	AugStatus status = fill_histogram(f, task, ff, err);
	uint32_t bin;

	g->histogram = true;
	if (status != AUG_OK)
		return status;
	for (bin = 0; bin < ff->n_bins; bin++)
	{
		g->code[g->n] = bin;
		g->draws[g->n] = bin_draws(f, bin);
		g->n += g->draws[g->n] > 0;
	}
	g->missing_draws = bin_draws(f, AUG_MISSING_CELL);
	return forest_tick(f, (uint64_t) ff->n_bins * f->n_seen) ? aug_fail_cancelled(err) : AUG_OK;
}

/*
 * Groups of a feature: rows in their order, draws and weight of each group; or the
 * draws alone, with the classes in the histogram.
 * The missing group of a numeric feature is apart.
 */
AugStatus
aug_forest_class_groups(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err)
{
	const ForestFeature *ff = &f->features[feature];
	Groups *g = &f->groups;
	uint32_t i, at = 0;

	g->n = 0;
	g->missing_draws = g->missing_weight = g->missing_sum = 0;
	g->missing_begin = g->missing_end = 0;
	g->histogram = false;
	if (has_histogram(f, task, ff))
		return histogram_groups(f, task, ff, err);
	take_rows(f, task);
	if (ff->kind == FEATURE_WIDE)
		group_wide(f, task, ff->wide);
	else
		group_narrow(f, task, ff->slot);

	for (i = 0; i < g->n; i++)
	{
		uint32_t rows = g->end[i];

		g->begin[i] = g->end[i] = at;
		g->draws[i] = g->weight[i] = g->sum[i] = 0;
		at += rows;
	}
	for (i = 0; i < task->n; i++)
	{
		uint32_t k = f->row_group[i];

		g->rows[g->end[k]++] = i;
		g->draws[k] += f->row_count[i];
		g->weight[k] += f->row_weight[i];
	}
	if (ff->kind == FEATURE_NUMERIC && g->n > 0 && g->code[g->n - 1] == AUG_MISSING_CELL)
	{
		g->n--;
		g->missing_draws = g->draws[g->n];
		g->missing_weight = g->weight[g->n];
		g->missing_begin = g->begin[g->n];
		g->missing_end = g->end[g->n];
	}
	return forest_tick(f, (uint64_t) task->n * 5 + BINS) ? aug_fail_cancelled(err) : AUG_OK;
}

/*
 * f->key: each group's place on the axis, its mean of axis[class], about the
 * mean of all.
 */
static void
project(ForestJob *f)
{
	Groups *g = &f->groups;
	double mean = 0, weight = 0;
	uint32_t i, k;

	for (k = 0; k < g->n; k++)
	{
		double sum = 0;

		for (i = g->begin[k]; i < g->end[k]; i++)
			sum += f->row_weight[g->rows[i]] * f->axis[f->row_label[g->rows[i]]];
		mean += sum;
		weight += g->weight[k];
		f->key[k] = g->weight[k] > 0 ? sum / g->weight[k] : 0;
	}
	mean = weight > 0 ? mean / weight : 0;
	for (k = 0; k < g->n; k++)
		f->key[k] -= mean;
}

/* axis = (covariance of the groups' class shares) * axis, of length 1. */
static bool
step_axis(ForestJob *f)
{
	const Groups *g = &f->groups;
	double length = 0;
	uint32_t i, k;

	project(f);
	for (k = 0; k < g->n; k++)
	{
		for (i = g->begin[k]; i < g->end[k]; i++)
			f->axis_next[f->row_label[g->rows[i]]] += f->row_weight[g->rows[i]] * f->key[k];
	}
	for (i = 0; i < f->n_seen; i++)
		length += f->axis_next[f->classes[i]] * f->axis_next[f->classes[i]];
	length = sqrt(length);
	for (i = 0; i < f->n_seen; i++)
	{
		uint32_t c = f->classes[i];

		if (length > 0)
			f->axis[c] = f->axis_next[c] / length;
		f->axis_next[c] = 0;
	}
	return length > 0;
}

/*
 * f->key: place of each group of a categorical feature on the principal
 * component of the node.
 */
static AugStatus
find_places(ForestJob *f, const GrowTask *task, AugError *err)
{
	uint32_t i;
	AugStatus status = AUG_OK;

	for (i = 0; i < f->n_seen; i++)
	{
		uint32_t c = f->classes[i];

		f->axis[c] = (double) (aug_mix64(c + 1) >> 11) * 0x1.0p-53 - 0.5;
	}
	for (i = 0; i < POWER_ITERATIONS && status == AUG_OK; i++)
	{
		if (!step_axis(f))
			break;
		if (forest_tick(f, (uint64_t) task->n * 6))
			status = aug_fail_cancelled(err);
	}
	project(f);
	for (i = 0; i < f->n_seen; i++)
		f->axis[f->classes[i]] = 0;
	return status;
}

/*
 * Takes the places of the groups at hand, which are those of the root, as the
 * levels' places in the tree.
 */
AugStatus
aug_forest_class_learn(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err)
{
	AugStatus status = find_places(f, task, err);
	uint32_t i;

	for (i = 0; status == AUG_OK && i < f->groups.n; i++)
		*aug_forest_prior(f, feature, f->groups.code[i]) = (float) f->key[i];
	return status;
}

/*
 * Orders the groups of a categorical feature along the node's own principal
 * component where it has OWN_ORDER rows a level, else along the tree's.
 */
AugStatus
aug_forest_class_order(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err)
{
	Groups *g = &f->groups;
	uint32_t i;

	if (task->n / OWN_ORDER >= g->n)
	{
		AugStatus status = find_places(f, task, err);

		if (status != AUG_OK)
			return status;
	}
	else
	{
		for (i = 0; i < g->n; i++)
			f->key[i] = (double) *aug_forest_prior(f, feature, g->code[i]);
	}
	aug_forest_sort_keys(f->key, f->perm, g->n);
	aug_forest_permute(f);
	return AUG_OK;
}

/* Both sides of a cut while rows move from right to left. */
typedef struct Sides
{
	double draws, weight, left, /* sum of squares, or of x log x, of the classes */
		right;
} Sides;

/* Moves a weight of one class. */
static inline void
move_weight(ForestJob *f, uint32_t c, double w, bool entropy, Sides *s)
{
	double l = f->class_left[c], r = f->class_total[c] - l;

	s->weight += w;
	if (entropy)
	{
		s->left += aug_forest_xlogx(l + w) - aug_forest_xlogx(l);
		s->right += aug_forest_xlogx(r - w) - aug_forest_xlogx(r);
	}
	else
	{
		s->left += w * (2 * l + w);
		s->right -= w * (2 * r - w);
	}
	f->class_left[c] = l + w;
}

static void
move_rows(ForestJob *f, uint32_t begin, uint32_t end, bool entropy, Sides *s)
{
	uint32_t i;

	for (i = begin; i < end; i++)
	{
		uint32_t row = f->groups.rows[i];

		s->draws += f->row_count[row];
		move_weight(f, f->row_label[row], f->row_weight[row], entropy, s);
	}
}

/* Moves the classes of a bin. */
static void
move_bin(ForestJob *f, uint32_t bin, double draws, bool entropy, Sides *s)
{
	size_t at = (size_t) bin * f->config.n_classes;
	const uint32_t *counts = f->class_counts + at;
	const double *sums = f->class_sums != NULL ? f->class_sums + at : NULL;
	double left = 0, right = 0, weight = 0;
	uint32_t i;

	s->draws += draws;
	if (entropy || sums != NULL)
	{
		for (i = 0; i < f->n_seen; i++)
		{
			uint32_t c = f->classes[i];

			if (counts[c] > 0)
				move_weight(f, c, sums != NULL ? sums[c] : counts[c] * f->class_weight[c], entropy,
							s);
		}
		return;
	}
	/* as move_weight, without a branch on what the bin holds */
	for (i = 0; i < f->n_seen; i++)
	{
		uint32_t c = f->classes[i];
		double w = counts[c] * f->class_weight[c], l = f->class_left[c], r = f->class_total[c] - l;

		weight += w;
		left += w * (2 * l + w);
		right += w * (2 * r - w);
		f->class_left[c] = l + w;
	}
	s->weight += weight;
	s->left += left;
	s->right -= right;
}

/* Decrease of the impurity; whole: the same sum over the classes of the node. */
static double
decrease(const Sides *s, double whole, double weight, bool entropy)
{
	double other = weight - s->weight, gain;

	if (!(s->weight > 0) || !(other > 0))
		return 0;
	if (entropy)
		gain = aug_forest_xlogx(weight) - whole - aug_forest_xlogx(s->weight) + s->left -
			   aug_forest_xlogx(other) + s->right;
	else
		gain = s->left / s->weight + s->right / other - whole / weight;
	return gain > 0 ? gain : 0;
}

/* One scan over the cuts after groups first .. last. */
static void
class_pass(ForestJob *f, const GrowTask *task, uint32_t first, uint32_t last, bool missing_left,
		   double whole, uint32_t *at, bool *at_missing, Split *best)
{
	const Groups *g = &f->groups;
	bool entropy = f->config.criterion == CRITERION_ENTROPY;
	double least = f->config.min_leaf, most = task->totals.draws - least;
	Sides s = {0, 0, 0, whole};
	uint32_t i;

	if (missing_left)
	{
		if (g->histogram)
			move_bin(f, AUG_MISSING_CELL, g->missing_draws, entropy, &s);
		else
			move_rows(f, g->missing_begin, g->missing_end, entropy, &s);
	}
	for (i = 0; i <= last; i++)
	{
		double gain;

		if (g->histogram)
			move_bin(f, g->code[i], g->draws[i], entropy, &s);
		else
			move_rows(f, g->begin[i], g->end[i], entropy, &s);
		if (i < first || s.draws < least || s.draws > most)
			continue;
		gain = decrease(&s, whole, task->totals.weight, entropy);
		if (gain > best->score)
		{
			best->score = best->gain = gain;
			best->left.draws = (uint32_t) s.draws;
			best->left.weight = s.weight;
			best->left.sum = 0;
			*at = i;
			*at_missing = missing_left;
		}
	}
	for (i = 0; i < f->n_seen; i++)
		f->class_left[f->classes[i]] = 0;
}

/*
 * As aug_forest_scan, for classes.
 */
void
aug_forest_class_scan(ForestJob *f, const GrowTask *task, uint32_t feature, AugRng *rng,
					  Split *best)
{
	const ForestFeature *ff = &f->features[feature];
	const Groups *g = &f->groups;
	bool is_set = ff->kind != FEATURE_NUMERIC, random = f->config.random_cuts && g->n > 1,
		 at_missing = false;
	uint32_t first = 0, last = g->n > 1 ? g->n - 2 : 0, at = FOREST_NONE, i;
	double whole = 0;

	for (i = 0; i < f->n_seen; i++)
	{
		double total = f->class_total[f->classes[i]];

		whole += f->config.criterion == CRITERION_ENTROPY ? aug_forest_xlogx(total) : total * total;
	}
	if (random)
		first = last = is_set ? aug_forest_random_subset(f, rng)
							  : aug_forest_random_cut(ff, g, rng);
	class_pass(f, task, first, g->missing_draws > 0 && !random ? g->n - 1 : last, false, whole, &at,
			   &at_missing, best);
	if (g->missing_draws > 0 && g->n > 1)
		class_pass(f, task, first, last, true, whole, &at, &at_missing, best);
	if (at != FOREST_NONE)
		aug_forest_take_split(f, task, feature, at, at_missing, best);
}
