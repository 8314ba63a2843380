/*-------------------------------------------------------------------------
 *
 * bounds.c
 *		Limits of forecasts: options "lower_bound", "upper_bound" and "integer", for
 *		every table of options that has them.
 *
 * Of whole numbers the bounds are made whole once, when they are read; a value is rounded
 * first and clamped after, so that rounding never steps over a bound.
 *
 * Memory and interrupts: none.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "../algorithm.h"
#include "../params.h"

/* The number that option name is set to, or none. */
static double
bound(const AugParams *params, const char *name, double none)
{
	int i = aug_param_find(params->algorithm, name);

	return i < 0 || aug_param_choice(params, (uint32_t) i) >= 0
			   ? none
			   : aug_param_number(params, (uint32_t) i);
}

AugStatus
aug_bounds_read(const AugParams *params, AugBounds *out, AugError *err)
{
	int whole = aug_param_find(params->algorithm, "integer");

	out->lower = bound(params, "lower_bound", -HUGE_VAL);
	out->upper = bound(params, "upper_bound", HUGE_VAL);
	out->whole = whole >= 0 && aug_param_number(params, (uint32_t) whole) != 0;
	if (out->lower > out->upper)
		return aug_fail(err, AUG_INVALID, "lower_bound is above upper_bound");
	if (!out->whole)
		return AUG_OK;
	out->lower = ceil(out->lower);
	out->upper = floor(out->upper);
	if (out->lower > out->upper)
		return aug_fail(err, AUG_INVALID, "no whole number lies within the bounds");
	return AUG_OK;
}

double
aug_bounded(const AugBounds *b, double n, double v, double (*round_it)(double))
{
	if (isnan(v))
		return v;
	if (b->whole)
		v = round_it(v);
	return fmin(fmax(v, n * b->lower), n * b->upper);
}
