/*-------------------------------------------------------------------------
 *
 * interval.c
 *		Prediction intervals from means and variances, calibrated by what the method's
 *		errors were inside the series.
 *
 * Model-based intervals are too narrow: they leave out that parameters, form and method
 * were chosen on the same data (Chatfield 1993, Journal of Business & Economic Statistics
 * 11:121).  The squared errors of forecasts from rolling origins, each over the variance
 * that the method gave it, average to 1 where the variances are right; their mean widens
 * or narrows the intervals, separately for near and far steps, drawn towards a prior as
 * far as there are few origins, and the more the shorter the series is.  In long series
 * the variance follows that of the latest errors part of the way.  Quantiles are
 * Student's with the degrees of freedom behind the variance.
 *
 * Memory: none beyond the rolling origins'.  Interrupts: theirs.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "../special.h"
#include "rolling.h"

#define MOST_ORIGINS  12
#define LONG_SERIES	  200 /* values from which more origins are looked at, and recent errors */
#define LONG_ORIGINS  16
#define RECENT		  16	/* steps after which an error counts half */
#define RECENT_POWER  0.4	/* how far the recent variance counts against that of all errors */
#define PRIOR_ORIGINS 8.0	/* how many origins the prior counts for */
#define PRIOR		  1.0	/* variance over model variance, before anything is seen, */
#define PRIOR_SHORT	  100.0 /* and more of it the shorter the series: / (n + PRIOR_HALF) */
#define PRIOR_HALF	  50.0
#define MOST_RATIO	  16.0 /* of one squared error over its variance: outliers count so much */
#define LEAST_SCALE	  0.25
#define LEAST_DF	  3.0

/* Mean of the ratios of one side (near, far) over the origins. */
typedef struct Side
{
	double sum, n, origins;
} Side;

typedef struct Ratios
{
	Side side[2];
	uint32_t near; /* steps that count as near */
} Ratios;

static void
add_origin(void *arg, const double *actual, const double *mean, const double *variance,
		   uint32_t steps)
{
	Ratios *r = arg;
	bool seen[2] = {false, false};

	for (uint32_t h = 0; h < steps; h++)
	{
		double e = actual[h] - mean[h], ratio = e * e / variance[h];
		int side = h < r->near ? 0 : 1;

		if (isnan(ratio) || !(variance[h] > 0))
			continue;
		r->side[side].sum += fmin(ratio, MOST_RATIO);
		r->side[side].n++;
		seen[side] = true;
	}
	r->side[0].origins += seen[0] ? 1 : 0;
	r->side[1].origins += seen[1] ? 1 : 0;
}

/* Variance over model variance, after what was seen. */
static double
posterior(const Side *side, double prior)
{
	double seen = side->n > 0 ? side->sum / side->n : prior;
	double scale = (PRIOR_ORIGINS * prior + side->origins * seen) / (PRIOR_ORIGINS + side->origins);

	return fmax(scale, LEAST_SCALE);
}

/*
 * What the variance of one-step errors was lately, over that of all: volatility comes in
 * clusters (Engle 1982, Econometrica 50:987), and discounted squares follow it.
 */
static double
recent_ratio(const AugSeries *s, const AugFitted *fitted)
{
	double decay = exp2(-1.0 / RECENT), recent = 0, weight = 0, all = 0, n = 0, ratio;

	for (size_t t = 0; t < s->n; t++)
	{
		double e = s->y[t] - fitted->fitted[t];

		if (isnan(e))
			continue;
		recent = recent * decay + e * e;
		weight = weight * decay + 1;
		all += e * e;
		n++;
	}
	ratio = recent / weight / (all / n);
	return n >= LONG_SERIES && ratio > 0 && isfinite(ratio) ? pow(ratio, RECENT_POWER) : 1;
}

AugStatus
aug_interval_calibrate(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
					   double *variance)
{
	Ratios r = {.near = (horizon + 1) / 2};
	double prior = PRIOR + PRIOR_SHORT / ((double) s->n + PRIOR_HALF);
	double near, far, recent = recent_ratio(s, fitted);
	AugStatus status = aug_rolling(cast, s, fitted, horizon,
								   s->n >= LONG_SERIES ? LONG_ORIGINS : MOST_ORIGINS, add_origin,
								   &r);

	if (status != AUG_OK)
		return status;
	near = posterior(&r.side[0], prior);
	/* what far errors there are is told by near ones as long as few origins reach so far */
	far = posterior(&r.side[1], near);
	for (uint32_t h = 0; h < horizon; h++)
	{
		double share = horizon > 1 ? (double) h / (horizon - 1) : 0;

		variance[h] *= recent * (near + (far - near) * share);
	}
	return AUG_OK;
}

void
aug_interval(const double *mean, const double *variance, uint32_t horizon, double level, double df,
			 double *lower, double *upper)
{
	double z = isinf(df) ? -aug_normal_quantile((1 - level) / 2)
						 : aug_t_quantile((1 + level) / 2, fmax(df, LEAST_DF));

	for (uint32_t h = 0; h < horizon; h++)
	{
		double half = z * sqrt(variance[h]);

		lower[h] = mean[h] - half;
		upper[h] = mean[h] + half;
	}
}
