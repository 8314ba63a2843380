/*-------------------------------------------------------------------------
 *
 * rolling.h
 *		Forecasts from origins inside a series, beside what came.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ROLLING_H
#define AUG_ROLLING_H

#include "forecast.h"

/* actual [steps] may have NaN; mean and variance [steps] */
typedef void (*AugRolling)(void *arg, const double *actual, const double *mean,
						   const double *variance, uint32_t steps);

/* Calls each for at most most origins, in order of time. */
extern AugStatus aug_rolling(AugCast *cast, const AugSeries *s, const AugFitted *fitted,
							 uint32_t horizon, uint32_t most, AugRolling each, void *arg);

#endif /* AUG_ROLLING_H */
