/*-------------------------------------------------------------------------
 *
 * oob.c
 *		Out-of-bag votes: each tree scores the rows that its sample left out.
 *
 * Votes of all participants are added to the shared block as integers, so that
 * their sum does not depend on the order: probabilities in units of 2^-24, values
 * in units of the largest target / 2^22.  A row has
 *
 *	two classes		one word: sum of probabilities << 20 | votes
 *	regression		two words: sum of values << 20 + votes, sum of squares
 *	more classes	n_classes + 1 words of 32 bits: probabilities in units of
 *					2^-15, then votes
 *
 * Prediction intervals: residuals of out-of-bag predictions, each divided by the
 * spread of the trees that made it, have quantiles which scale the spread of the
 * trees at a new row (split conformal prediction with out-of-bag residuals:
 * Johansson, Bostrom, Lofstrom, Linusson, Machine Learning 97, 2014).
 *
 * Memory: the shared block; finishing takes 9 bytes a row for the AUC of two
 * classes.  Interrupts: polled every 1024 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "forest.h"

#define VOTE_BITS	  20
#define VOTE_MASK	  ((UINT64_C(1) << VOTE_BITS) - 1)
#define SHARE_UNIT	  0x1.0p24
#define CLASS_UNIT	  0x1.0p15
#define VALUE_UNIT	  0x1.0p22
#define RESIDUALS_MAX 50000 /* enough for quantiles */
#define CHUNK		  1024

/*
 * Bytes of the shared block; 0 when there are no votes.
 */
size_t
aug_forest_oob_bytes(const ForestConfig *config, uint32_t n_rows)
{
	if (!config->oob)
		return 0;
	if (config->task == AUG_REGRESSION)
		return (size_t) n_rows * 2 * sizeof(uint64_t);
	if (config->n_classes <= 2)
		return (size_t) n_rows * sizeof(uint64_t);
	return (size_t) n_rows * ((size_t) config->n_classes + 1) * sizeof(uint32_t);
}

static inline void
add64(uint64_t *at, uint64_t v)
{
	__atomic_fetch_add(at, v, __ATOMIC_RELAXED);
}

static inline void
add32(uint32_t *at, uint32_t v)
{
	__atomic_fetch_add(at, v, __ATOMIC_RELAXED);
}

/* Adds the vote of a leaf for a row. */
static void
vote(const ForestJob *f, void *shared, uint32_t row, uint32_t link)
{
	uint32_t k = f->config.n_classes;
	float value;

	if (f->mode == MODE_CLASS)
	{
		uint32_t *votes = (uint32_t *) shared + (size_t) row * (k + 1);

		if (link < k)
			add32(&votes[link], (uint32_t) CLASS_UNIT);
		else
		{
			const uint32_t *share = f->walk->shares + (link - k);
			uint32_t i;

			for (i = 0; i < share[0]; i++)
			{
				memcpy(&value, &share[2 + 2 * i], sizeof(value));
				add32(&votes[share[1 + 2 * i]], (uint32_t) ((double) value * CLASS_UNIT + 0.5));
			}
		}
		add32(&votes[k], 1);
		return;
	}
	memcpy(&value, &link, sizeof(value));
	if (f->config.task == AUG_CLASSIFICATION)
		add64((uint64_t *) shared + row,
			  ((uint64_t) ((double) value * SHARE_UNIT + 0.5) << VOTE_BITS) + 1);
	else
	{
		uint64_t *votes = (uint64_t *) shared + 2 * (size_t) row;
		int64_t v = 0;

		if (f->largest > 0)
			v = (int64_t) floor((double) value / f->largest * VALUE_UNIT + 0.5);
		add64(&votes[0], ((uint64_t) v << VOTE_BITS) + 1);
		add64(&votes[1], (uint64_t) (v * v));
	}
}

/*
 * Votes of the decoded tree (f->walk) for all rows that are not in its bag.
 */
AugStatus
aug_forest_oob_vote(ForestJob *f, void *shared, AugError *err)
{
	uint32_t rows[WALK_ROWS], links[WALK_ROWS], n_rows = f->matrix->n_rows, n = 0, row, i;

	/* lanes without a row walk what they find, which must be set */
	memset(f->codes_row, 0, (size_t) WALK_ROWS * f->n_features * sizeof(uint32_t));
	for (row = 0; row < n_rows; row++)
	{
		if (f->in_bag[row] == 0)
		{
			aug_forest_row_codes(f->matrix, row, f->codes_row + (size_t) n * f->n_features);
			rows[n++] = row;
		}
		if (n == WALK_ROWS || (row + 1 == n_rows && n > 0))
		{
			aug_forest_walk_rows(f->walk, 0, f->codes_row, f->n_features, links);
			for (i = 0; i < n; i++)
				vote(f, shared, rows[i], links[i]);
			n = 0;
			if (forest_tick(f, WALK_ROWS * 60))
				return aug_fail_cancelled(err);
		}
	}
	return AUG_OK;
}

/* ---- finishing --------------------------------------------------------- */

static inline double
row_weight(const ForestJob *f, uint32_t row)
{
	return f->matrix->weight != NULL ? f->matrix->weight[row] : 1;
}

static bool
poll_rows(ForestJob *f, uint32_t row)
{
	return row % CHUNK == CHUNK - 1 && forest_tick(f, CHUNK * 10);
}

/* Two classes: error at one half, AUC. */
static AugStatus
finish_binary(ForestJob *f, const uint64_t *votes, AugFit *fit, AugError *err)
{
	uint32_t n = f->matrix->n_rows, row, used = 0;
	double *score = aug_arena_alloc(f->arena, n, sizeof(double));
	double *weight = f->matrix->weight == NULL ? NULL
											   : aug_arena_alloc(f->arena, n, sizeof(double));
	uint8_t *label = aug_arena_alloc(f->arena, n, 1);
	double wrong = 0, total = 0;

	if (score == NULL || label == NULL || (f->matrix->weight != NULL && weight == NULL))
		return aug_fail_nomem(err, n * (sizeof(double) + 1));
	for (row = 0; row < n; row++)
	{
		uint64_t v = votes[row], count = v & VOTE_MASK;
		double w = row_weight(f, row);

		if (poll_rows(f, row))
			return aug_fail_cancelled(err);
		if (count == 0)
			continue;
		score[used] = (double) (v >> VOTE_BITS) / SHARE_UNIT / (double) count;
		label[used] = f->matrix->label[row] == 1;
		if (weight != NULL)
			weight[used] = w;
		total += w;
		wrong += (score[used] > 0.5) != (label[used] == 1) ? w : 0;
		used++;
	}
	fit->oob_rows = used;
	if (used == 0)
		return AUG_OK;
	fit->oob_error = wrong / total;
	return aug_auc(f->host, score, label, weight, used, &fit->oob_score, NULL, err);
}

static AugStatus
finish_classes(ForestJob *f, const uint32_t *votes, AugFit *fit, AugError *err)
{
	uint32_t k = f->config.n_classes, row, c;
	double wrong = 0, total = 0;

	for (row = 0; row < f->matrix->n_rows; row++)
	{
		const uint32_t *v = votes + (size_t) row * (k + 1);
		uint32_t best = 0;
		double w = row_weight(f, row);

		if (forest_tick(f, k))
			return aug_fail_cancelled(err);
		if (v[k] == 0)
			continue;
		for (c = 1; c < k; c++)
			if (v[c] > v[best])
				best = c;
		total += w;
		wrong += best != f->matrix->label[row] ? w : 0;
		fit->oob_rows++;
	}
	if (fit->oob_rows > 0)
	{
		fit->oob_error = wrong / total;
		fit->oob_score = 1 - fit->oob_error;
	}
	return AUG_OK;
}

/* Out-of-bag mean and spread of a row, in the trees' units; false without votes. */
static bool
row_prediction(const ForestJob *f, const uint64_t *votes, uint32_t row, double *mean,
			   double *spread)
{
	uint64_t count = votes[2 * (size_t) row] & VOTE_MASK;
	double unit = f->largest / VALUE_UNIT, sum, squares, n = (double) count;

	if (count == 0)
		return false;
	sum = (double) ((int64_t) (votes[2 * (size_t) row] - count) / (1 << VOTE_BITS));
	squares = (double) votes[2 * (size_t) row + 1];
	*mean = sum / n * unit;
	*spread = 0;
	if (count > 1)
	{
		double variance = (squares - sum * sum / n) / (n - 1);

		*spread = variance > 0 ? sqrt(variance) * unit : 0;
	}
	return true;
}

/* RMSE and R2; the mean spread of the rows for the floor of intervals. */
static AugStatus
regression_fit(ForestJob *f, const uint64_t *votes, AugFit *fit, double *mean_spread, AugError *err)
{
	const AugMatrix *m = f->matrix;
	double error = 0, total = 0, squares = 0, sum = 0, spreads = 0;
	uint32_t row;

	for (row = 0; row < m->n_rows; row++)
	{
		double mean, spread, y = (m->y[row] - f->base) * f->scale, w = row_weight(f, row);

		if (poll_rows(f, row))
			return aug_fail_cancelled(err);
		if (!row_prediction(f, votes, row, &mean, &spread))
			continue;
		error += w * (y - mean) * (y - mean);
		squares += w * y * y;
		sum += w * y;
		total += w;
		spreads += spread;
		fit->oob_rows++;
	}
	if (fit->oob_rows == 0)
		return AUG_OK;
	*mean_spread = spreads / fit->oob_rows;
	fit->oob_error = sqrt(error / total) / f->scale;
	squares -= sum * sum / total;
	if (squares > 0)
		fit->oob_score = 1 - error / squares;
	return AUG_OK;
}

/* Quantiles of |residual| / (spread + floor) over evenly spaced rows. */
static AugStatus
calibrate(ForestJob *f, const uint64_t *votes, uint32_t n_rows, BodyHead *head, AugError *err)
{
	const AugMatrix *m = f->matrix;
	uint32_t step = n_rows / RESIDUALS_MAX + 1, row, seen = 0, n = 0, i;
	double *ratio = aug_arena_alloc(f->arena, n_rows / step + 1, sizeof(double));

	head->quantiles = aug_arena_alloc(f->arena, N_QUANTILES, sizeof(float));
	if (ratio == NULL || head->quantiles == NULL)
		return aug_fail_nomem(err, n_rows / step * sizeof(double));
	for (row = 0; row < m->n_rows; row++)
	{
		double mean, spread;

		if (poll_rows(f, row))
			return aug_fail_cancelled(err);
		if (!row_prediction(f, votes, row, &mean, &spread) || seen++ % step != 0)
			continue;
		ratio[n++] = fabs((m->y[row] - f->base) * f->scale - mean) / (spread + head->spread_floor);
	}
	aug_sort_doubles(ratio, n);
	for (i = 0; i < N_QUANTILES; i++)
	{
		/* the finite-sample quantile of split conformal prediction */
		double at = ceil(((double) n + 1) * i / (N_QUANTILES - 1)) - 1,
			   value = ratio[at < 0	   ? 0
							 : at >= n ? n - 1
									   : (uint32_t) at];

		head->quantiles[i] = value < 3e38 ? (float) value : 3e38f;
	}
	head->has_interval = true;
	return AUG_OK;
}

static AugStatus
finish_regression(ForestJob *f, const uint64_t *votes, AugFit *fit, BodyHead *head, AugError *err)
{
	double mean_spread = 0;
	AugStatus status = regression_fit(f, votes, fit, &mean_spread, err);

	if (status != AUG_OK || fit->oob_rows < 2)
		return status;
	/* rows on which the trees happen to agree still have an error */
	head->spread_floor = mean_spread > 0 ? 0.1 * mean_spread : fit->oob_error * f->scale;
	if (!(head->spread_floor > 0))
		head->spread_floor = 1e-30;
	return calibrate(f, votes, fit->oob_rows, head, err);
}

/*
 * Out-of-bag error and score into *fit, calibration of intervals into *head.
 */
AugStatus
aug_forest_oob_finish(ForestJob *f, const void *shared, AugFit *fit, BodyHead *head, AugError *err)
{
	if (!f->config.oob)
		return AUG_OK;
	if (f->config.task == AUG_REGRESSION)
		return finish_regression(f, shared, fit, head, err);
	return f->config.n_classes > 2 ? finish_classes(f, shared, fit, err)
								   : finish_binary(f, shared, fit, err);
}
