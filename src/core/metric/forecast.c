/*-------------------------------------------------------------------------
 *
 * forecast.c
 *		Errors of forecasts, as the M competitions score them.
 *
 * Hyndman, Koehler 2006, International Journal of Forecasting 22:679 (MASE);
 * Makridakis, Spiliotis, Assimakopoulos 2020, IJF 36:54 (sMAPE, MSIS); 2022, IJF
 * 38:1346 (RMSSE).
 *
 * Memory: none.  Interrupts: linear time, no poll.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "metric.h"

static double
scale(const double *y, size_t n, uint32_t period, bool squared)
{
	double sum = 0, pairs = 0;

	for (size_t t = period; t < n; t++)
	{
		double d = fabs(y[t] - y[t - period]);

		if (isnan(d))
			continue;
		sum += squared ? d * d : d;
		pairs++;
	}
	return pairs > 0 && sum > 0 ? sum / pairs : NAN;
}

double
aug_scale_absolute(const double *y, size_t n, uint32_t period)
{
	return scale(y, n, period, false);
}

double
aug_scale_squared(const double *y, size_t n, uint32_t period)
{
	return scale(y, n, period, true);
}

/*
 * Means over the steps whose actual value is known.  MAPE leaves out actuals of 0,
 * and is NaN when that leaves none; sMAPE is 0 where both sides are.
 */
void
aug_forecast_accuracy(const double *actual, const double *mean, const double *lower,
					  const double *upper, double level, uint32_t horizon, double scale_absolute,
					  double scale_squared, AugAccuracy *out)
{
	double n = 0, smape = 0, mape = 0, n_mape = 0, absolute = 0, squared = 0, bias = 0;
	double covered = 0, width = 0;

	for (uint32_t h = 0; h < horizon; h++)
	{
		double e = mean[h] - actual[h], both = fabs(mean[h]) + fabs(actual[h]);

		if (isnan(e))
			continue;
		n++;
		absolute += fabs(e);
		squared += e * e;
		bias += e;
		smape += both > 0 ? 200 * fabs(e) / both : 0;
		if (actual[h] != 0)
		{
			mape += 100 * fabs(e / actual[h]);
			n_mape++;
		}
		if (lower == NULL || upper == NULL)
			continue;
		covered += lower[h] <= actual[h] && actual[h] <= upper[h];
		width += upper[h] - lower[h] +
				 2 / (1 - level) * (fmax(lower[h] - actual[h], 0) + fmax(actual[h] - upper[h], 0));
	}
	memset(out, 0, sizeof(*out));
	out->n = (uint32_t) n;
	out->smape = smape / n; /* 0 / 0 is NaN: undefined without a pair */
	out->mape = mape / n_mape;
	out->mae = absolute / n;
	out->rmse = sqrt(squared / n);
	out->bias = bias / n;
	out->mase = absolute / n / scale_absolute;
	out->rmsse = sqrt(squared / n / scale_squared);
	out->coverage = lower == NULL || upper == NULL ? NAN : covered / n;
	out->msis = lower == NULL || upper == NULL ? NAN : width / n / scale_absolute;
}
