/*-------------------------------------------------------------------------
 *
 * supersmooth.c
 *		Friedman's super smoother: the trend of a series without season.
 *
 * J. H. Friedman: A Variable Span Smoother, SLAC PUB-3477, Stanford (1984): running
 * straight lines over three spans; at each point the span with the smallest smoothed
 * cross-validated residual; the chosen spans smoothed, the smooth taken between the
 * fixed ones accordingly and smoothed once more.  Equal to R's supsmu() on 1..n.
 *
 * Memory: about 8 n doubles of the arena.  Interrupts: linear time, polls each pass.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "decompose.h"

#define N_SPANS 3
enum
{
	TWEETER,
	MIDRANGE,
	WOOFER
};
static const double spans[N_SPANS] = {0.05, 0.2, 0.5}; /* shares of the series */

/*
 * Running lines over y[n]: out[n], and (unless NULL) residual[n], the absolute residual
 * that leaving the point out would give.
 */
static void
running_lines(const double *y, size_t n, double span, double *out, double *residual)
{
	size_t half = (size_t) (0.5 * span * (double) n + 0.5);
	size_t length, start = 0;
	double sum = 0, moment = 0; /* of y, and of y times place in the window */

	if (half < 2)
		half = 2;
	length = 2 * half + 1 < n ? 2 * half + 1 : n;
	for (size_t i = 0; i < length; i++)
	{
		sum += y[i];
		moment += (double) i * y[i];
	}
	for (size_t t = 0; t < n; t++)
	{
		double w = (double) length, middle = (w - 1) / 2;
		double squares = w * (w * w - 1) / 12; /* of places about the middle */
		double x, mean, slope, pull;

		if (t > start + half && start + length < n)
		{
			moment += (w - 1) * y[start + length] - (sum - y[start]);
			sum += y[start + length] - y[start];
			start++;
		}
		x = (double) (t - start) - middle;
		mean = sum / w;
		slope = length > 1 ? (moment - middle * sum) / squares : 0;
		out[t] = mean + slope * x;
		if (residual == NULL)
			continue;
		pull = 1 / w + (length > 1 ? x * x / squares : 0);
		if (pull < 1)
			residual[t] = fabs(y[t] - out[t]) / (1 - pull);
		else
			residual[t] = t > 0 ? residual[t - 1] : 0;
	}
}

/* The smooth between the fixed ones that a span asks for. */
static double
between(double *const *smooth, size_t t, double span)
{
	double f;

	span = fmin(fmax(span, spans[TWEETER]), spans[WOOFER]);
	f = span - spans[MIDRANGE];
	if (f >= 0)
	{
		f /= spans[WOOFER] - spans[MIDRANGE];
		return (1 - f) * smooth[MIDRANGE][t] + f * smooth[WOOFER][t];
	}
	f /= spans[TWEETER] - spans[MIDRANGE];
	return (1 - f) * smooth[MIDRANGE][t] + f * smooth[TWEETER][t];
}

AugStatus
aug_supersmooth(AugCast *cast, const double *y, size_t n, double *out)
{
	double *smooth[N_SPANS], *error[N_SPANS];
	double *work = aug_cast_doubles(cast, n);

	if (work == NULL)
		return AUG_NOMEM;
	for (int i = 0; i < N_SPANS; i++)
	{
		smooth[i] = aug_cast_doubles(cast, n);
		error[i] = aug_cast_doubles(cast, n);
		if (smooth[i] == NULL || error[i] == NULL)
			return AUG_NOMEM;
		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		running_lines(y, n, spans[i], smooth[i], work);
		running_lines(work, n, spans[MIDRANGE], error[i], NULL);
	}
	for (size_t t = 0; t < n; t++)
	{
		int best = TWEETER;

		for (int i = MIDRANGE; i < N_SPANS; i++)
			best = error[i][t] < error[best][t] ? i : best;
		work[t] = spans[best];
	}
	running_lines(work, n, spans[MIDRANGE], error[0], NULL);
	for (size_t t = 0; t < n; t++)
		work[t] = between(smooth, t, error[0][t]);
	running_lines(work, n, spans[TWEETER], out, NULL);
	for (size_t t = 0; t < n; t++)
	{
		if (!isfinite(out[t]))
			return aug_fail(cast->err, AUG_NUMERIC, "values are too large to decompose");
	}
	return AUG_OK;
}
