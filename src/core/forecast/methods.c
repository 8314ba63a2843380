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

static const AugForecaster *const methods[] = {
	&aug_forecaster_naive, &aug_forecaster_seasonal_naive, &aug_forecaster_drift,
	&aug_forecaster_mean,  &aug_forecaster_mstl,
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
