/*-------------------------------------------------------------------------
 *
 * ets_average.c
 *		The method "ets_average": forms of exponential smoothing weighted by AICc.
 *
 * Kolassa 2011, International Journal of Forecasting 27:238: the mean of several forms by
 * Akaike weights forecasts better than the best form.  Here the weights are the square
 * roots of those, exp(-difference / 4), and trends are damped ones unless it is asked
 * otherwise (Gardner, McKenzie 1985, Management Science 31:1237): both were better inside
 * the training parts of competition series (docs/forecasting.md).
 *
 * It is a combination whose members are "ets" with a form each, at the parameters that the
 * rough search for forms found: they are not climbed further, which costs much and changes
 * the mean of several forms little.  A form that cannot be filtered through the series is
 * left out.
 *
 * Memory and interrupts: those of ets_fit.c and combine.c.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "combine.h"
#include "ets.h"

#define MOST_BEHIND 10.0 /* of AICc: a weight of 0.08 */
#define FLATTER		4.0	 /* Akaike's weights have 2 */

static const char *
average_refuses(const AugCast *cast, const AugSeries *s)
{
	return aug_forecaster_ets.refuses(cast, s);
}

static void
write_label(const AugCombination *c, AugFitted *out)
{
	if (c->n == 1)
		return; /* that form's */
	snprintf(out->label, sizeof(out->label), "ETS(%u forms)", c->n);
}

static AugStatus
average_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	AugCombination *c = aug_arena_zero(cast->arena, 1, sizeof(AugCombination));
	AugForm forms[AUG_MAX_MEMBERS];
	double aicc[AUG_MAX_MEMBERS];
	uint32_t n;
	AugStatus status;

	if (given != NULL)
	{
		status = aug_combine_again(cast, s, &aug_forecaster_ets_average, given, keep, out);
		if (status == AUG_OK)
			write_label(out->state, out);
		return status;
	}
	if (c == NULL)
		return aug_fail_nomem(cast->err, sizeof(AugCombination));
	status = aug_ets_near_forms(cast, s, MOST_BEHIND, forms, aicc, AUG_MAX_MEMBERS, &n);
	for (uint32_t i = 0; i < n && status == AUG_OK; i++)
	{
		AugMember *m = &c->member[c->n];

		m->by = &aug_forecaster_ets;
		m->weight = exp(-(aicc[i] - aicc[0]) / FLATTER);
		m->series = *s;
		m->fitted.by = m->by;
		status = m->by->fit(cast, s, &forms[i], AUG_KEEP_ALL, &m->fitted);
		c->n += status == AUG_OK ? 1 : 0;
		if (status == AUG_DATA || status == AUG_NUMERIC)
		{
			memset(m, 0, sizeof(*m));
			status = AUG_OK;
		}
	}
	if (status == AUG_OK)
		status = aug_combine_finish(cast, s, c, out);
	if (status == AUG_OK)
		write_label(c, out);
	return status;
}

const AugForecaster aug_forecaster_ets_average = {
	.about = {"ets_average", "Exponential smoothing, averaged",
			  "Mean of the forms of exponential smoothing without a trend or with a damped one, "
			  "weighted by AICc: more accurate than the best form.",
			  "Kolassa 2011, International Journal of Forecasting 27:238", true, false},
	.missing = true,
	.options = AUG_ETS_OPTIONS,
	.refuses = average_refuses,
	.fit = average_fit,
	.forecast = aug_combine_forecast};
