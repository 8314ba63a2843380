/*-------------------------------------------------------------------------
 *
 * rolling.c
 *		Errors of a fitted method at several steps ahead, from origins inside the
 *		series: what weights and intervals are calibrated by.
 *
 * Tashman 2000, International Journal of Forecasting 16:437 (rolling origins).  The
 * parameters are those of the whole series; at each origin the method is only filtered
 * up to it (AUG_KEEP_ALL), so an origin costs one pass.  Origins lie evenly in the last
 * half of the series; from each, as many steps ahead are looked at as there are values.
 *
 * Memory: an arena for each origin, released after it.  Interrupts: a poll for each
 * origin, and the method's own.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "rolling.h"

#define LEAST_VALUES 8 /* before the first origin */

/* Filters the series up to origin and forecasts; *fits false when it cannot. */
static AugStatus
look(AugCast *cast, const AugSeries *s, const AugFitted *fitted, size_t origin, uint32_t steps,
	 double *mean, double *variance, bool *fits)
{
	AugSeries until = *s;
	AugFitted again;
	AugStatus status;

	until.n = origin;
	memset(&again, 0, sizeof(again));
	again.by = fitted->by;
	again.aicc = again.log_likelihood = again.sigma2 = NAN;
	*fits = false;
	if (fitted->by->refuses(cast, &until) != NULL)
		return AUG_OK;
	status = fitted->by->fit(cast, &until, &fitted->form, AUG_KEEP_ALL, &again);
	if (status == AUG_OK)
		status = fitted->by->forecast(cast, &until, &again, steps, mean, variance);
	/* a shorter series may lack what the form wants: then this origin tells nothing */
	if (status == AUG_DATA || status == AUG_NUMERIC || status == AUG_CORRUPT)
		return AUG_OK;
	*fits = status == AUG_OK;
	return status;
}

AugStatus
aug_rolling(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			uint32_t most, AugRolling each, void *arg)
{
	size_t half = s->n / 2 > LEAST_VALUES ? s->n / 2 : LEAST_VALUES;
	size_t room = s->n > half ? s->n - half : 0;
	uint32_t n = room < most ? (uint32_t) room : most;

	for (uint32_t i = 0; i < n; i++)
	{
		size_t origin = half + (room * i) / n;
		uint32_t steps = s->n - origin < horizon ? (uint32_t) (s->n - origin) : horizon;
		AugArena arena;
		AugCast local = *cast;
		double *numbers;
		bool fits = false;
		AugStatus status;

		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		aug_arena_init(&arena, cast->host);
		local.arena = &arena;
		numbers = aug_cast_doubles(&local, (size_t) 2 * steps);
		status = numbers == NULL
					 ? AUG_NOMEM
					 : look(&local, s, fitted, origin, steps, numbers, numbers + steps, &fits);
		if (status == AUG_OK && fits)
			each(arg, s->y + origin, numbers, numbers + steps, steps);
		aug_arena_free(&arena);
		if (status != AUG_OK)
			return status;
	}
	return AUG_OK;
}
