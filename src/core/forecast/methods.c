/*-------------------------------------------------------------------------
 *
 * methods.c
 *		The list of forecasting methods.  A new one adds its line here and its name
 *		to the choices of "method" in params.c.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "forecast.h"

/* one a line, kept so by the comments */
static const AugForecaster *const methods[] = {
	&aug_forecaster_naive,			/* naive.c */
	&aug_forecaster_seasonal_naive, /* naive.c */
	&aug_forecaster_drift,			/* naive.c */
	&aug_forecaster_mean,			/* naive.c */
	&aug_forecaster_naive2,			/* naive2.c */
	&aug_forecaster_ses,			/* ses.c */
	&aug_forecaster_holt,			/* holt.c */
	&aug_forecaster_damped,			/* holt.c */
	&aug_forecaster_comb,			/* holt.c */
	&aug_forecaster_holt_winters,	/* holt_winters.c */
	&aug_forecaster_ces,			/* ces.c */
	&aug_forecaster_croston,		/* intermittent.c */
	&aug_forecaster_sba,			/* intermittent.c */
	&aug_forecaster_tsb,			/* intermittent.c */
	&aug_forecaster_adida,			/* intermittent.c */
	&aug_forecaster_theta,			/* theta.c */
	&aug_forecaster_dotm,			/* dotm.c */
	&aug_forecaster_mstl,			/* mstl_forecast.c */
	&aug_forecaster_arima,			/* arima.c */
	&aug_forecaster_auto,			/* auto.c */
	&aug_forecaster_combination,	/* combine.c */
	&aug_forecaster_ets,			/* ets.c */
	&aug_forecaster_ets_average,	/* ets_average.c */
};

#define N_METHODS ((uint32_t) (sizeof(methods) / sizeof(methods[0])))

uint32_t
aug_forecast_method_count(void)
{
	return N_METHODS;
}

/* Method i of 0 .. aug_forecast_method_count() - 1; NULL beyond. */
const AugForecastMethod *
aug_forecast_method_at(uint32_t i)
{
	return i < N_METHODS ? &methods[i]->about : NULL;
}

const AugForecaster *
aug_forecaster_find(const char *name)
{
	for (uint32_t i = 0; i < N_METHODS; i++)
	{
		if (strcmp(methods[i]->about.name, name) == 0)
			return methods[i];
	}
	return NULL;
}
