/*-------------------------------------------------------------------------
 *
 * open.c
 *		What every model of trees takes from a matrix: its classes or its target, its
 *		features, and what is told about them in a stored model.
 *
 * Memory: the job's arena.  Interrupts: polled every CHUNK rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

#define CHUNK 65536

/*
 * Rows of each class, and the weights of the classes, which parameter class_weight
 * gives.  AUG_DATA when all rows
 * are of one class.
 */
AugStatus
aug_forest_open_classes(ForestJob *f, const AugParams *params, uint32_t class_weight, AugError *err)
{
	const AugMatrix *m = f->matrix;
	uint64_t *counts = aug_arena_zero(f->arena, m->n_classes, sizeof(uint64_t));
	uint32_t row, k, present = 0, only = 0;

	f->class_weight = aug_arena_alloc(f->arena, m->n_classes, sizeof(double));
	if (counts == NULL || f->class_weight == NULL)
		return aug_fail_nomem(err, m->n_classes * sizeof(double));
	for (row = 0; row < m->n_rows; row++)
	{
		counts[m->label[row]]++;
		if (row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK))
			return aug_fail_cancelled(err);
	}
	for (k = 0; k < m->n_classes; k++)
	{
		if (counts[k] == 0)
			continue;
		present++;
		only = k;
	}
	if (present < 2)
	{
		aug_fail(err, AUG_DATA, "column \"%.100s\" has only one class, \"%.60s\"", m->target,
				 m->class_names[only]);
		aug_hint(err, "A classifier needs rows of at least two classes.");
		return AUG_DATA;
	}
	return aug_forest_class_weights(m, params, class_weight, counts, f->class_weight, err);
}

/*
 * Base and scale of a regression target.
 */
AugStatus
aug_forest_open_target(ForestJob *f, AugError *err)
{
	const AugMatrix *m = f->matrix;
	double lo = m->y[0], hi = m->y[0], mean = 0, half;
	uint32_t row;
	int e;

	for (row = 0; row < m->n_rows; row++)
	{
		double y = m->y[row];

		lo = y < lo ? y : lo;
		hi = y > hi ? y : hi;
		mean += y / m->n_rows;
		if (row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	half = hi / 2 - lo / 2;
	f->base = mean;
	f->scale = 1;
	if (half > 0)
	{
		double grid = ldexp(1, (frexp(half, &e), e) - 4), rounded = floor(mean / grid + 0.5) * grid;

		if (isfinite(rounded))
			f->base = rounded;
		frexp(half, &e);
		if (e > 60 || e < -60)
			f->scale = ldexp(1, e > 1000 ? -1000 : e < -1000 ? 1000 : -e);
	}
	else
		f->base = lo;
	f->largest = (hi - f->base) * f->scale;
	if ((f->base - lo) * f->scale > f->largest)
		f->largest = (f->base - lo) * f->scale;
	if (!isfinite(f->largest))
		return aug_fail(err, AUG_NUMERIC, "the range of column \"%.100s\" is too large", m->target);
	return AUG_OK;
}

/*
 * Is the feature the same in all rows?  Only columns without cuts, or with one
 * level, can be: in them missing values may still stand against the others.
 */
static AugStatus
is_constant(ForestJob *f, uint32_t feature, bool *constant, AugError *err)
{
	const AugMatrix *m = f->matrix;
	const AugFeature *from = &m->features[feature];
	const uint8_t *cell = m->cells + from->slot;
	uint32_t row;

	*constant = false;
	if (from->wide || (from->kind == AUG_NUMERIC_FEATURE ? from->n_cuts : from->n_levels / 2) > 0)
		return AUG_OK;
	for (row = 1; row < m->n_rows; row++)
	{
		if (cell[row * m->stride] != cell[0])
			return AUG_OK;
		if (row % CHUNK == 0 && forest_tick(f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	*constant = true;
	return AUG_OK;
}

/* The features, and which of them are not constant. */
AugStatus
aug_forest_open_features(ForestJob *f, AugError *err)
{
	const AugMatrix *m = f->matrix;
	uint32_t i;
	bool constant;
	AugStatus status;

	f->features = aug_arena_zero(f->arena, m->n_features, sizeof(ForestFeature));
	f->usable = aug_arena_alloc(f->arena, m->n_features, sizeof(uint32_t));
	if (f->features == NULL || f->usable == NULL)
		return aug_fail_nomem(err, m->n_features * sizeof(ForestFeature));
	for (i = 0; i < m->n_features; i++)
	{
		const AugFeature *from = &m->features[i];
		ForestFeature *to = &f->features[i];

		to->slot = from->slot;
		if (from->kind == AUG_NUMERIC_FEATURE)
		{
			to->kind = FEATURE_NUMERIC;
			to->n_bins = from->n_cuts + 1;
			to->cuts = from->cuts;
		}
		else
		{
			to->kind = from->wide ? FEATURE_WIDE : FEATURE_NARROW;
			to->n_bins = from->n_levels;
			if (from->wide)
				to->wide = m->wide + (size_t) from->slot * m->n_rows;
			to->prior =
				aug_arena_zero(f->arena, from->wide ? from->n_levels + 1 : BINS, sizeof(float));
			if (to->prior == NULL)
				return aug_fail_nomem(err, (from->n_levels + 1) * sizeof(float));
			f->has_categories = true;
		}
		status = is_constant(f, i, &constant, err);
		if (status != AUG_OK)
			return status;
		if (!constant)
			f->usable[f->n_usable++] = i;
	}
	return AUG_OK;
}

/* Weighted mean of the target, or shares of the classes. */
AugStatus
aug_forest_merge_target(ForestJob *f, AugSummary *summary, AugError *err)
{
	const AugMatrix *m = f->matrix;
	double total = 0, sum = 0;
	uint32_t row, k;

	if (m->task == AUG_CLASSIFICATION)
	{
		summary->class_share = aug_arena_zero(f->arena, m->n_classes, sizeof(double));
		if (summary->class_share == NULL)
			return aug_fail_nomem(err, m->n_classes * sizeof(double));
	}
	for (row = 0; row < m->n_rows; row++)
	{
		double w = m->weight != NULL ? m->weight[row] : 1;

		total += w;
		if (m->task == AUG_CLASSIFICATION)
			summary->class_share[m->label[row]] += w;
		else
			sum += w * ((m->y[row] - f->base) * f->scale);
		if (row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	if (m->task == AUG_REGRESSION)
		summary->base = f->base + sum / total / f->scale;
	for (k = 0; m->task == AUG_CLASSIFICATION && k < m->n_classes; k++)
		summary->class_share[k] /= total;
	return AUG_OK;
}
