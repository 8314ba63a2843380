/*-------------------------------------------------------------------------
 *
 * naive2.c
 *		The last value of the seasonally adjusted series: Naive2 of the M competitions,
 *		the method that their scores are relative to.
 *
 * Makridakis, Spiliotis, Assimakopoulos 2020, International Journal of Forecasting
 * 36:54.
 *
 * Memory: the adjusted series.  Interrupts: those of the seasonality test.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "season.h"

static const char *
naive2_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n > 0 ? NULL : "needs a value";
}

static AugStatus
naive2_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	AugAdjusted *a = aug_arena_alloc(cast->arena, 1, sizeof(AugAdjusted));
	AugStatus status;

	if (a == NULL)
		return aug_fail_nomem(cast->err, sizeof(AugAdjusted));
	status = aug_adjust(cast, s, AUG_ADJUST_TESTED, given, keep, 0, a);
	if (status == AUG_OK)
		status = aug_adjust_form(cast, a, 0, out);
	if (status != AUG_OK)
		return status;
	out->fitted = aug_cast_doubles(cast, s->n);
	if (out->fitted == NULL)
		return AUG_NOMEM;
	out->fitted[0] = NAN;
	for (size_t t = 1; t < s->n; t++)
		out->fitted[t] = a->y[t - 1];
	out->n_parameters = 1; /* the variance */
	aug_adjust_finish(a, s, true, out);
	out->state = a;
	snprintf(out->label, sizeof(out->label), "Naive2");
	return AUG_OK;
}

/* A random walk on the adjusted scale. */
static AugStatus
naive2_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
				double *mean, double *variance)
{
	const AugAdjusted *a = fitted->state;

	(void) cast;
	(void) s;
	for (uint32_t h = 0; h < horizon; h++)
	{
		mean[h] = a->y[a->n - 1];
		variance[h] = a->sigma2 * (h + 1);
	}
	aug_adjust_forecast(a, horizon, mean, variance);
	return AUG_OK;
}

const AugForecaster aug_forecaster_naive2 = {
	.about = {"naive2", "Naive2",
			  "Repeats the last value of the seasonally adjusted series, where a test finds a "
			  "season. The M competitions score relative to it.",
			  "Makridakis, Spiliotis, Assimakopoulos 2020, International Journal of Forecasting "
			  "36:54",
			  true, false},
	.missing = false,
	.refuses = naive2_refuses,
	.fit = naive2_fit,
	.forecast = naive2_forecast};
