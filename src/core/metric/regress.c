/*-------------------------------------------------------------------------
 *
 * regress.c
 *		Metrics of a regression, and what the metric files share.
 *
 *	rmse	root of the mean squared error
 *	mae		mean absolute error
 *	r2		1 - squared error / squared deviation from the actual mean; undefined
 *			(NaN) when all actual values are the same
 *	mape	mean of |error| / |actual| over rows whose actual value is not 0, as a
 *			share (0.1 is 10 %); undefined when there is none
 *	smape	mean of 2 |error| / (|actual| + |predicted|), 0 where both are 0; 0 to 2
 *	bias	mean of predicted - actual
 *
 * 95 % intervals: mae, mape, smape and bias are means, so theirs is the normal
 * interval of a mean; rmse has that of the mean squared error, its root taken.  r2
 * has none: its distribution depends on the features' design.
 *
 * Memory: none.  Interrupts: polls every 65,536 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "metric.h"

double
aug_mean_error(const AugMean *m)
{
	double n = aug_mean_effective(m);

	return n > 1 ? sqrt(m->m2 / m->w / (n - 1)) : NAN;
}

AugMetric *
aug_metric_put(AugMetric *out, uint32_t *n_out, const char *name, int32_t class_index, double value,
			   bool higher)
{
	AugMetric *metric = &out[(*n_out)++];

	metric->name = name;
	metric->class_index = class_index;
	metric->value = value;
	metric->lower = metric->upper = NAN;
	metric->higher_is_better = higher;
	return metric;
}

void
aug_metric_normal(AugMetric *metric, double error, double lo, double hi)
{
	if (isnan(error))
		return;
	metric->lower = fmax(lo, metric->value - AUG_METRIC_Z * error);
	metric->upper = fmin(hi, metric->value + AUG_METRIC_Z * error);
}

void
aug_metric_wilson(AugMetric *metric, double n)
{
	double z2 = AUG_METRIC_Z * AUG_METRIC_Z, p = metric->value, middle, half;

	if (isnan(p) || !(n > 0))
		return;
	middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	half = AUG_METRIC_Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
	/* at shares of 0 and 1 rounding may leave the value a hair outside */
	metric->lower = fmax(0, fmin(p, middle - half));
	metric->upper = fmin(1, fmax(p, middle + half));
}

/* 2 |e| / (|a| + |p|), and 0 for 0 of 0; halves, so that no sum overflows. */
static double
symmetric_error(double actual, double predicted)
{
	double scale = fabs(actual) / 2 + fabs(predicted) / 2;

	return scale > 0 ? fabs(predicted / 2 - actual / 2) / scale * 2 : 0;
}

static double
mean_or_nan(const AugMean *m)
{
	return m->w > 0 ? m->mean : NAN;
}

static void
put_mean(AugMetric *out, uint32_t *n_out, const char *name, const AugMean *m, double lo, double hi)
{
	AugMetric *metric = aug_metric_put(out, n_out, name, -1, mean_or_nan(m), false);

	aug_metric_normal(metric, aug_mean_error(m), lo, hi);
}

/*
 * See augur.h.  Gives rmse (the leading one), mae, r2, mape, smape, bias.
 */
AugStatus
aug_metrics_regress(const AugHost *host, const double *predicted, const double *actual,
					const double *weight, uint32_t n, AugMetric *out, uint32_t *n_out,
					AugError *err)
{
	AugMean squared = {0, 0, 0, 0}, absolute = squared, relative = squared, symmetric = squared,
			bias = squared, target = squared;
	AugMetric *metric;
	double error, reach;

	*n_out = 0;
	for (uint32_t i = 0; i < n; i++)
	{
		double e = predicted[i] - actual[i], w = weight == NULL ? 1 : weight[i];

		if (i % AUG_METRIC_POLL == AUG_METRIC_POLL - 1 && host->poll(host->arg, (double) i / n))
			return aug_fail_cancelled(err);
		aug_mean_add(&squared, e * e, w);
		aug_mean_add(&absolute, fabs(e), w);
		if (actual[i] != 0)
			aug_mean_add(&relative, fabs(e / actual[i]), w);
		aug_mean_add(&symmetric, symmetric_error(actual[i], predicted[i]), w);
		aug_mean_add(&bias, e, w);
		/* about the first value: a large common part cancels exactly */
		aug_mean_add(&target, actual[i] - actual[0], w);
	}

	metric = aug_metric_put(out, n_out, "rmse", -1, sqrt(mean_or_nan(&squared)), false);
	error = aug_mean_error(&squared);
	if (!isnan(error))
	{
		reach = AUG_METRIC_Z * error;
		metric->lower = sqrt(fmax(0, squared.mean - reach));
		metric->upper = sqrt(squared.mean + reach);
	}
	put_mean(out, n_out, "mae", &absolute, 0, INFINITY);
	aug_metric_put(out, n_out, "r2", -1,
				   target.m2 > 0 ? 1 - squared.mean * target.w / target.m2 : NAN, true);
	put_mean(out, n_out, "mape", &relative, 0, INFINITY);
	put_mean(out, n_out, "smape", &symmetric, 0, 2);
	put_mean(out, n_out, "bias", &bias, -INFINITY, INFINITY);
	return AUG_OK;
}
