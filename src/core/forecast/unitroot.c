/*-------------------------------------------------------------------------
 *
 * unitroot.c
 *		The KPSS test: is a series stationary around a level?
 *
 * Kwiatkowski, Phillips, Schmidt, Shin: Testing the null hypothesis of stationarity
 * against the alternative of a unit root, Journal of Econometrics 54 (1992) 159-178:
 * eq. 10 (long-run variance with Bartlett's weights) and 13 (statistic), table 1.
 *
 * Memory: none.  Interrupts: n times lags, no poll.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "arima.h"

double
aug_kpss(const double *y, size_t n, int lag)
{
	double mean = 0, sum = 0, partial = 0, s2 = 0;
	size_t lags = lag < 0 ? (size_t) (3 * sqrt((double) n) / 13) : (size_t) lag;

	for (size_t t = 0; t < n; t++)
		mean += (y[t] - mean) / (double) (t + 1);
	for (size_t t = 0; t < n; t++)
	{
		partial += y[t] - mean;
		sum += partial * partial;
		s2 += (y[t] - mean) * (y[t] - mean);
	}
	for (size_t k = 1; k <= lags && k < n; k++)
	{
		double products = 0;

		for (size_t t = k; t < n; t++)
			products += (y[t] - mean) * (y[t - k] - mean);
		s2 += 2 * products * (1 - (double) k / (double) (lags + 1));
	}
	return s2 > 0 ? sum / s2 / (double) n : NAN;
}
