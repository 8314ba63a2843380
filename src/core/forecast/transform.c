/*-------------------------------------------------------------------------
 *
 * transform.c
 *		Box-Cox transformation of values, its choice, and back for forecasts.
 *
 * G. E. P. Box, D. R. Cox: An Analysis of Transformations, Journal of the Royal
 * Statistical Society B 26 (1964): (v^lambda - 1) / lambda, log v for lambda 0.
 * V. M. Guerrero: Time-series analysis supported by power transformations, Journal of
 * Forecasting 12 (1993) 37: lambda makes the variation of standard deviation over
 * mean^(1 - lambda) among the seasons' cycles least; here within 0 and 1, where the way
 * back from any forecast is finite.
 *
 * Memory: two numbers a cycle.  Interrupts: those of the line search.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "decompose.h"
#include "optimize.h"

#define GRID		9
#define TOLERANCE	1e-4 /* of lambda */
#define SHORT_CYCLE 2	 /* values in a block without a season */

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

/* Mean and standard deviation of each block, where there is a spread. */
typedef struct Blocks
{
	size_t n;
	double *mean, *deviation;
} Blocks;

/* Squared coefficient of variation of deviation / mean^(1 - lambda). */
static double
variation(void *arg, const double *lambda)
{
	const Blocks *b = arg;
	double sum = 0, mean, spread = 0;

	for (size_t i = 0; i < b->n; i++)
		sum += b->deviation[i] * pow(b->mean[i], *lambda - 1);
	mean = sum / (double) b->n;
	for (size_t i = 0; i < b->n; i++)
	{
		double d = b->deviation[i] * pow(b->mean[i], *lambda - 1) - mean;

		spread += d * d;
	}
	return spread / (mean * mean);
}

AugStatus
aug_guerrero(AugCast *cast, const AugSeries *s, double *lambda)
{
	size_t m = s->n_periods > 0 && s->n >= 2 * (size_t) s->period[0] ? s->period[0] : SHORT_CYCLE;
	Blocks b = {0, aug_cast_doubles(cast, s->n / m), aug_cast_doubles(cast, s->n / m)};
	double value;

	*lambda = 1;
	if (b.mean == NULL || b.deviation == NULL)
		return AUG_NOMEM;
	for (size_t first = s->n % m; first < s->n; first += m)
	{
		double n = 0, mean = 0, squares = 0;

		for (size_t t = first; t < first + m; t++)
		{
			double d = s->y[t] - mean;

			if (isnan(d))
				continue;
			n++;
			mean += d / n;
			squares += d * (s->y[t] - mean);
		}
		if (n < 2)
			continue;
		b.mean[b.n] = mean;
		b.deviation[b.n++] = sqrt(squares / (n - 1));
	}
	if (b.n < 2 || !isfinite(variation(&b, lambda)))
		return AUG_OK;
	return aug_minimize_line(cast, variation, &b, 0, 1, GRID, TOLERANCE, lambda, &value);
}
