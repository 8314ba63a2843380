/*-------------------------------------------------------------------------
 *
 * transform.c
 *		Box-Cox transformation of values, and back for forecasts.
 *
 * G. E. P. Box, D. R. Cox: An Analysis of Transformations, Journal of the Royal
 * Statistical Society B 26 (1964): (v^lambda - 1) / lambda, log v for lambda 0.
 *
 * Memory: none.  Interrupts: none.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "decompose.h"

double
aug_box_cox(double v, double lambda)
{
	return lambda == 0 ? log(v) : (pow(v, lambda) - 1) / lambda;
}

double
aug_box_cox_inverse(double v, double lambda)
{
	double base = lambda * v + 1;

	if (lambda == 0)
		return exp(v);
	if (isnan(v))
		return v;
	/* beyond what any value can be transformed to */
	if (base <= 0)
		return lambda > 0 ? 0 : INFINITY;
	return pow(base, 1 / lambda);
}

/* The variance by the slope of the inverse at the mean: value^(1 - lambda). */
void
aug_box_cox_back(double lambda, uint32_t horizon, double *mean, double *variance)
{
	for (uint32_t h = 0; h < horizon; h++)
	{
		double slope;

		mean[h] = aug_box_cox_inverse(mean[h], lambda);
		slope = pow(mean[h], 1 - lambda);
		variance[h] *= slope * slope;
	}
}
