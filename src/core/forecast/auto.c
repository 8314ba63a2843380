/*-------------------------------------------------------------------------
 *
 * auto.c
 *		The method "auto": which methods are combined, by a rule that is fixed
 *		beforehand and looks at length, season and kind of the values only.
 *
 * How the rule was chosen: docs/forecasting.md, on the training parts of series alone.
 *
 * Memory and interrupts: those of the members.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "combine.h"

#define LONG_SERIES 150 /* values from which more members pay */
#define MANY_ZEROS	0.4 /* share of steps without demand */
#define FEW_VALUES	6	/* below, nothing is worth estimating */

typedef struct Look
{
	bool constant, seasonal, several, intermittent;
	size_t n_observed;
} Look;

static Look
look_at(const AugSeries *s)
{
	Look look = {.constant = true};
	double first = NAN, adi, cv2;
	AugDemandClass demand;

	for (size_t t = 0; t < s->n; t++)
	{
		if (isnan(s->y[t]))
			continue;
		look.n_observed++;
		if (isnan(first))
			first = s->y[t];
		look.constant = look.constant && s->y[t] == first;
	}
	demand = aug_demand_class(s->y, s->n, &adi, &cv2);
	look.intermittent = (demand == AUG_DEMAND_INTERMITTENT || demand == AUG_DEMAND_LUMPY) &&
						adi > 1 / (1 - MANY_ZEROS);
	for (uint32_t i = 0; i < s->n_periods; i++)
	{
		if (s->n < 2 * (size_t) s->period[i] + 2)
			break;
		look.several = look.seasonal;
		look.seasonal = true;
	}
	return look;
}

/* The members and how they are combined; reason says why. */
static const char *const *
choose(const AugSeries *s, const Look *look, AugCombineKind *kind, const double **weights,
	   const char **reason)
{
	static const char *const constant[] = {"naive", NULL};
	static const char *const regressors[] = {"arima", NULL};
	static const char *const several[] = {"mstl", "seasonal_naive", NULL};
	static const double several_weights[] = {2, 1};
	static const char *const long_season[] = {"mstl", "dotm", "ces", NULL};
	static const char *const long_plain[] = {"ets", "dotm", "ces", "arima", NULL};
	static const char *const usual[] = {"ets_average", "dotm", "ces", NULL};
	static const char *const few[] = {"naive", NULL};
	static const char *const intermittent[] = {"sba", "tsb", NULL};

	*kind = AUG_COMBINE_MEAN;
	*weights = NULL; /* equal */
	if (s->n_regressors > 0)
	{
		*reason = "regressors are given, which arima can use";
		return regressors;
	}
	if (look->constant)
	{
		*reason = "all values are the same";
		return constant;
	}
	if (look->n_observed < FEW_VALUES)
	{
		*reason = "there are fewer than 6 values";
		return few;
	}
	if (look->intermittent)
	{
		*reason = "more than 40 % of the values are 0";
		return intermittent;
	}
	if (look->several)
	{
		*weights = several_weights;
		*reason = "there are several seasons";
		return several;
	}
	if (look->seasonal && s->period[0] > 24)
	{
		*reason = "the season is longer than 24 steps";
		return long_season;
	}
	if (!look->seasonal && look->n_observed >= LONG_SERIES)
	{
		*kind = AUG_COMBINE_MEDIAN;
		*reason = "the series is long and without a season";
		return long_plain;
	}
	*reason = look->seasonal ? "there is one season" : "the series is short and without a season";
	return usual;
}

static const char *
auto_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	(void) s;
	return NULL;
}

static AugStatus
auto_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Look look = look_at(s);
	AugCombineKind kind;
	const char *reason;
	const double *weights;
	const char *const *names;

	if (given != NULL)
		return aug_combine_again(cast, s, &aug_forecaster_auto, given, keep, out);
	names = choose(s, &look, &kind, &weights, &reason);
	snprintf(out->reason, sizeof(out->reason), "%s", reason);
	return aug_combine_fit(cast, s, &aug_forecaster_auto, names, weights, kind, out);
}

const AugForecaster aug_forecaster_auto = {
	.about = {"auto", "Automatic",
			  "Combines the methods that do best on series of this length and season, by a fixed "
			  "rule, and says which they were.",
			  "Petropoulos, Svetunkov 2020, International Journal of Forecasting 36:110", true,
			  true},
	.missing = true,
	.options = AUG_ETS_OPTIONS | AUG_ARIMA_OPTIONS | AUG_OPTION(F_MSTL_TREND) |
			   AUG_OPTION(F_CES_SEASON),
	.refuses = auto_refuses,
	.fit = auto_fit,
	.forecast = aug_combine_forecast};
