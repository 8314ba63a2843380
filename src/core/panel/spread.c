/*-------------------------------------------------------------------------
 *
 * spread.c
 *		Intervals from the errors that the model made from rolling origins.
 *
 * An error is taken over what it may be expected to be: the series' seasonal
 * differences, which tell how well it can be known, times a power of the forecast over the
 * level, as larger values vary more.  What is left is pooled over all series, folds and
 * near steps, and its quantiles are the intervals (split conformal prediction: Lei and
 * others, JASA 113, 2018; normalised by difficulty: Papadopoulos and others, Neural
 * Networks 24, 2011).
 *
 * Memory: a copy of the errors of one step and its neighbours.  Interrupts: by errors.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "panel.h"

#define NEAR		 1.3 /* steps up to so many times away are pooled */
#define LEAST_ERRORS 200 /* else all steps are */
#define LEAST		 0.1 /* levels, of a forecast, in its power */

double
aug_panel_spread(double v, double level, double moves, double power)
{
	double size = (fabs(v) > LEAST * level ? fabs(v) : LEAST * level) / level;

	/* the powers that occur, without pow(), which differs between machines */
	return moves * (power == 1 ? size : power > 0 ? sqrt(size) : 1);
}

/* Finite errors at steps from .. to. */
static size_t
gather(PanelWork *work, const double *error, size_t n, uint32_t horizon, uint32_t from, uint32_t to,
	   double *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
	{
		for (uint32_t h = from; h <= to; h++)
		{
			double e = error[i * horizon + h - 1];

			if (!isfinite(e))
				continue;
			if (out != NULL)
				out[kept] = e;
			kept++;
		}
		/* what is told to stop is noticed by the sort that follows */
		work->done += to - from;
	}
	return kept;
}

static AugStatus
fit_knot(PanelWork *work, const double *error, size_t n, uint32_t horizon, uint32_t step,
		 double *quantile)
{
	uint32_t from = (uint32_t) ceil(step / NEAR), to = (uint32_t) floor(step * NEAR);
	size_t count;
	double *sorted;
	AugArena arena;
	AugStatus status = AUG_OK;

	to = to > horizon ? horizon : to;
	count = gather(work, error, n, horizon, from, to, NULL);
	if (count < LEAST_ERRORS)
	{
		from = 1;
		to = horizon;
		count = gather(work, error, n, horizon, from, to, NULL);
	}
	if (count == 0)
		return AUG_DATA;
	aug_arena_init(&arena, work->host);
	sorted = aug_arena_alloc(&arena, count, sizeof(double));
	if (sorted == NULL)
		status = aug_fail_nomem(work->err, count * sizeof(double));
	else
	{
		gather(work, error, n, horizon, from, to, sorted);
		if (!aug_sort_scored(work->host, sorted, NULL, NULL, count) ||
			work->host->poll(work->host->arg, -1))
			status = aug_fail_cancelled(work->err);
	}
	for (uint32_t q = 0; status == AUG_OK && q < PANEL_QUANTILES; q++)
	{
		double at = ((double) count + 1) * q / (PANEL_QUANTILES - 1) - 1;

		/* outward ones of count + 1 */
		at = 2 * q >= PANEL_QUANTILES - 1 ? ceil(at - 1e-9) : floor(at + 1e-9);
		at = at < 0 ? 0 : at > (double) count - 1 ? (double) count - 1 : at;
		quantile[q] = sorted[(size_t) at];
	}
	aug_arena_free(&arena);
	return status;
}

AugStatus
aug_panel_spread_fit(PanelWork *work, const double *error, size_t n, uint32_t horizon,
					 PanelSpread *spread)
{
	uint32_t step = 1;

	spread->n_knots = 0;
	while (step <= horizon && spread->n_knots < PANEL_KNOTS)
	{
		AugStatus status =
			fit_knot(work, error, n, horizon, step, spread->quantile[spread->n_knots]);

		if (status == AUG_DATA)
			return AUG_OK; /* no errors at all: no intervals */
		if (status != AUG_OK)
			return status;
		spread->step[spread->n_knots++] = step;
		step = step < 4 ? step + 1 : step + step / 2;
	}
	return AUG_OK;
}

static double
quantile_at(const double *quantile, double p)
{
	double at = p * (PANEL_QUANTILES - 1);
	uint32_t i = at > 0 ? (uint32_t) at : 0;

	if (i >= PANEL_QUANTILES - 1)
		return quantile[PANEL_QUANTILES - 1];
	return quantile[i] + (at - i) * (quantile[i + 1] - quantile[i]);
}

/* Linear between the knots around; behind the last one its own. */
double
aug_panel_spread_at(const PanelSpread *spread, uint32_t step, double p)
{
	uint32_t k = 0;
	double low, share;

	while (k + 1 < spread->n_knots && spread->step[k + 1] <= step)
		k++;
	low = quantile_at(spread->quantile[k], p);
	if (k + 1 >= spread->n_knots || step <= spread->step[k])
		return low;
	share = (double) (step - spread->step[k]) / (spread->step[k + 1] - spread->step[k]);
	return low + share * (quantile_at(spread->quantile[k + 1], p) - low);
}
