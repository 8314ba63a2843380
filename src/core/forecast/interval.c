/*-------------------------------------------------------------------------
 *
 * interval.c
 *		Prediction intervals from means and variances.
 *
 * Memory: none.  Interrupts: linear in horizon times levels.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "forecast.h"

#define SQRT_HALF 0.70710678118654752440

/*
 * By halving on the distribution function: 80 steps reach the last bit, and the
 * few calls of a run cost microseconds.
 */
double
aug_normal_quantile(double p)
{
	double lo = -39, hi = 39;

	for (int i = 0; i < 80; i++)
	{
		double z = (lo + hi) / 2;

		if (erfc(-z * SQRT_HALF) / 2 < p)
			lo = z;
		else
			hi = z;
	}
	return (lo + hi) / 2;
}

void
aug_interval_normal(const double *mean, const double *variance, uint32_t horizon, double level,
					double *lower, double *upper)
{
	double z = -aug_normal_quantile((1 - level) / 2);

	for (uint32_t h = 0; h < horizon; h++)
	{
		double half = z * sqrt(variance[h]);

		lower[h] = mean[h] - half;
		upper[h] = mean[h] + half;
	}
}
