/*-------------------------------------------------------------------------
 *
 * theta.c
 *		The Theta method, in the standard form of the M4 benchmarks.
 *
 * Assimakopoulos, Nikolopoulos 2000, International Journal of Forecasting 16:521.  On
 * the seasonally adjusted series: the mean of the regression line on time (theta 0)
 * and of simple exponential smoothing of the line with doubled curvature (theta 2).
 * Hyndman, Billah 2003, the same journal 19:287, show that it is exponential
 * smoothing with half the line's slope as drift; the variances are that model's.
 * Forecasts of a series without negative values are cut at 0, as in M4.
 *
 * Memory: the adjusted series and its theta line.  Interrupts: those of the line search.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "smooth.h"

#define N_VALUES	 4 /* of a form: alpha, starting level, intercept, slope */
#define N_PARAMETERS 5 /* the four and the variance */

typedef struct Theta
{
	AugAdjusted adjusted;
	double intercept, slope; /* of the line, at t = 0 and a step */
	AugSes ses;				 /* of the theta line 2 */
	bool nonnegative;
} Theta;

static const char *
theta_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n >= 2 ? NULL : "needs two values";
}

/* Least squares line through y at 0, 1, ... */
static void
regress(const double *y, size_t n, double *intercept, double *slope)
{
	double middle = ((double) n - 1) / 2, mean = 0, sum = 0;
	double squares = (double) n * ((double) n * (double) n - 1) / 12;

	for (size_t t = 0; t < n; t++)
		mean += y[t];
	mean /= (double) n;
	for (size_t t = 0; t < n; t++)
		sum += ((double) t - middle) * (y[t] - mean);
	*slope = sum / squares;
	*intercept = mean - *slope * middle;
}

/* The line and the smoothing of z: estimated, or as a form has them. */
static AugStatus
estimate(AugCast *cast, const AugForm *given, AugKeep keep, double *z, Theta *theta)
{
	const AugAdjusted *a = &theta->adjusted;

	if (keep != AUG_KEEP_ALL)
		regress(a->y, a->n, &theta->intercept, &theta->slope);
	else
	{
		theta->ses.alpha = given->values[0];
		theta->ses.start = aug_adjust_in(a, given->values[1]);
		theta->intercept = aug_adjust_in(a, given->values[2]);
		theta->slope = aug_adjust_in(a, given->values[3]);
		if (!(theta->ses.alpha > 0 && theta->ses.alpha <= 1) || !isfinite(theta->ses.start) ||
			!isfinite(theta->intercept) || !isfinite(theta->slope))
			return aug_smooth_corrupt(cast);
	}
	for (size_t t = 0; t < a->n; t++)
		z[t] = 2 * a->y[t] - (theta->intercept + theta->slope * (double) t);
	return keep == AUG_KEEP_ALL ? AUG_OK : aug_ses_fit(cast, z, a->n, &theta->ses);
}

static AugStatus
write_form(AugCast *cast, const Theta *theta, AugFitted *out)
{
	const AugAdjusted *a = &theta->adjusted;
	AugStatus status = aug_adjust_form(cast, a, N_VALUES, out);

	if (status != AUG_OK)
		return status;
	out->form.values[0] = theta->ses.alpha;
	out->form.values[1] = aug_adjust_out(a, theta->ses.start);
	out->form.values[2] = aug_adjust_out(a, theta->intercept);
	out->form.values[3] = aug_adjust_out(a, theta->slope);
	return AUG_OK;
}

static AugStatus
theta_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Theta *theta = aug_arena_zero(cast->arena, 1, sizeof(Theta));
	double *z = aug_cast_doubles(cast, s->n);
	AugAdjusted *a;
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (theta == NULL)
		return aug_fail_nomem(cast->err, sizeof(Theta));
	if (z == NULL || out->fitted == NULL)
		return AUG_NOMEM;
	a = &theta->adjusted;
	status = aug_adjust(cast, s, AUG_ADJUST_TESTED, given, keep, N_VALUES, a);
	if (status == AUG_OK)
		status = estimate(cast, given, keep, z, theta);
	if (status == AUG_OK)
		status = write_form(cast, theta, out);
	if (status != AUG_OK)
		return status;
	aug_ses_filter(z, a->n, out->fitted, &theta->ses);
	theta->nonnegative = true;
	for (size_t t = 0; t < a->n; t++)
	{
		double line = theta->intercept + theta->slope * (double) t;

		out->fitted[t] = (out->fitted[t] + line) / 2;
		theta->nonnegative = theta->nonnegative && s->y[t] >= 0;
	}
	out->n_parameters = N_PARAMETERS;
	out->state = theta;
	snprintf(out->label, sizeof(out->label), "Theta");
	/* no likelihood: the line was fitted before and by another criterion */
	aug_adjust_finish(a, s, false, out);
	return AUG_OK;
}

static AugStatus
theta_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			   double *mean, double *variance)
{
	const Theta *theta = fitted->state;
	double alpha = theta->ses.alpha;

	(void) cast;
	for (uint32_t h = 0; h < horizon; h++)
	{
		double line = theta->intercept + theta->slope * (double) (s->n + h);

		mean[h] = (theta->ses.level + line) / 2;
		variance[h] = theta->adjusted.sigma2 * (1 + h * alpha * alpha);
	}
	aug_adjust_forecast(&theta->adjusted, horizon, mean, variance);
	for (uint32_t h = 0; theta->nonnegative && h < horizon; h++)
		mean[h] = fmax(mean[h], 0);
	return AUG_OK;
}

const AugForecaster aug_forecaster_theta = {
	.about =
		{"theta", "Theta",
		 "The mean of a straight line and of exponential smoothing, on the seasonally adjusted "
		 "series. Winner of the M3 competition; dotm is its optimised form.",
		 "Assimakopoulos, Nikolopoulos 2000, International Journal of Forecasting 16:521", true,
		 false},
	.missing = false,
	.refuses = theta_refuses,
	.fit = theta_fit,
	.forecast = theta_forecast};
