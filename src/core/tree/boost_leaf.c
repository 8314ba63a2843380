/*-------------------------------------------------------------------------
 *
 * boost_leaf.c
 *		Values of a tree's leaves, and what they do to the scores.
 *
 * A leaf's value is -G / (H + lambda) (Chen, Guestrin 2016, equation 5); for absolute
 * and quantile loss, whose second derivative tells nothing, the weighted quantile of
 * the residuals of its rows (Friedman 2001, section 4.3).  It is shrunk by the
 * learning rate and kept in single precision, as it is stored.
 *
 * Memory: none of its own.  Interrupts: polled by rows; sorting polls.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "boost.h"

/*
 * The quantile at share of weighted values, which are sorted: the smallest value
 * that reaches the share, or the middle between it and the next when it is reached
 * exactly.  n >= 1; weights may be 0, then the rows do not count.
 */
AugStatus
aug_boost_quantile(BoostJob *b, double *values, double *weights, uint32_t n, double share,
				   double *out, AugError *err)
{
	double total = 0, reached = 0;
	uint32_t i;

	if (!aug_sort_scored(b->f.host, values, NULL, weights, n))
		return aug_fail_cancelled(err);
	for (i = 0; i < n; i++)
		total += weights[i];
	for (i = 0; i + 1 < n; i++)
	{
		reached += weights[i];
		if (reached >= share * total && weights[i] > 0)
			break;
	}
	*out = values[i];
	if (i + 1 < n && reached == share * total)
		*out += (values[i + 1] - values[i]) / 2;
	return AUG_OK;
}

/* Quantile of the residuals of a leaf's rows. */
static AugStatus
residual_quantile(BoostJob *b, const BoostNode *node, double *out, AugError *err)
{
	const AugMatrix *m = b->f.matrix;

	for (uint32_t k = 0; k < node->n; k++)
	{
		uint32_t i = b->rows[node->first + k];

		b->residuals[k] = (m->y[i] - b->f.base) * b->f.scale - b->scores[i];
		b->residual_weights[k] = b->weight == NULL ? 1 : (double) b->weight[i];
	}
	if (forest_tick(&b->f, node->n * (uint64_t) 4))
		return aug_fail_cancelled(err);
	return aug_boost_quantile(b, b->residuals, b->residual_weights, node->n, b->config.quantile,
							  out, err);
}

static AugStatus
value_of_leaf(BoostJob *b, const BoostNode *node, float *out, AugError *err)
{
	const BoostConfig *c = &b->config;
	AugStatus status = AUG_OK;
	double v = 0;

	if (loss_is_quantile(c->loss))
	{
		status = residual_quantile(b, node, &v, err);
		if (status != AUG_OK)
			return status;
		v = v > c->max_step ? c->max_step : v < -c->max_step ? -c->max_step : v;
	}
	else
		v = aug_boost_weight(c, bin_gradient(b, node->total), bin_hessian(b, node->total));
	*out = (float) (v * c->rate);
	if (!isfinite(*out))
		return aug_fail(err, AUG_NUMERIC, "a leaf's value for column \"%.100s\" is out of range",
						b->f.matrix->target);
	return AUG_OK;
}

/* Adds a value to the scores of rows. */
static AugStatus
add_value(BoostJob *b, double *scores, const uint32_t *rows, uint32_t n, double value,
		  AugError *err)
{
	for (uint32_t k = 0; k < n; k++)
	{
		scores[rows[k]] += value;
		if (k % 65536 == 65535 && forest_tick(&b->f, 65536 * 2))
			return aug_fail_cancelled(err);
	}
	return forest_tick(&b->f, n % 65536 * 2) ? aug_fail_cancelled(err) : AUG_OK;
}

/*
 * Gives the grown tree's leaves their values, and adds them to the scores of all
 * rows, in the sample or not.
 */
AugStatus
aug_boost_leaves(BoostJob *b, uint32_t output, AugError *err)
{
	double *scores = b->scores + (size_t) output * b->f.matrix->n_rows;

	for (uint32_t k = 0; k < b->f.tree.n_nodes; k++)
	{
		GrowNode *g = &b->f.tree.nodes[k];
		const BoostNode *node = &b->nodes[k];
		float value;
		AugStatus status;

		if (g->kind != NODE_LEAF)
			continue;
		status = value_of_leaf(b, node, &value, err);
		if (status == AUG_OK)
			status = add_value(b, scores, b->rows + node->first, node->n, (double) value, err);
		if (status == AUG_OK)
			status =
				add_value(b, scores, b->idle + node->idle_first, node->idle_n, (double) value, err);
		if (status != AUG_OK)
			return status;
		memcpy(&g->link, &value, sizeof(value));
	}
	return AUG_OK;
}
