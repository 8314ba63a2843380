/*-------------------------------------------------------------------------
 *
 * outlier.c
 *		Values that fit neither season nor trend, and what would stand there instead.
 *
 * The rule of Hyndman's tsoutliers() (forecast; "Detecting time series outliers", 2021):
 * the season is taken out by robust MSTL where its strength is at least 0.6; the trend by
 * the super smoother; what lies more than three interquartile ranges beyond the
 * quartiles of the residuals (J. Tukey: Exploratory Data Analysis, 1977, "far out") is an
 * outlier.  A second round finds what the first ones hid.  Then, beyond that rule, whatever
 * agrees with the trend of the others is taken back (acquit).  Replacements go along
 * trend and season, as for gaps.  Where half of the residuals are the same there is no
 * scale, and no outlier.
 *
 * Memory: the cast's arena.  Interrupts: those of STL.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "decompose.h"

#define ROUNDS		  2
#define STRENGTH	  0.6
#define FENCE		  3 /* interquartile ranges */
#define SMALLEST_SPAN 1e-14

/* Quantile of v[n], ascending, between neighbours (definition 7 of Hyndman, Fan 1996). */
double
aug_quantile_sorted(const double *v, size_t n, double p)
{
	double at = p * (double) (n - 1);
	size_t i = (size_t) at;

	return i + 1 < n ? v[i] + (at - (double) i) * (v[i + 1] - v[i]) : v[n - 1];
}

/* What is left of out->whole when seasons as a whole are strong enough: into rest. */
static void
adjust(const AugParts *parts, double *rest)
{
	double with = 0, without = 0, mean[2] = {0, 0}, count = 0;

	memcpy(rest, parts->whole, parts->n * sizeof(double));
	for (size_t t = 0; parts->n_periods > 0 && t < parts->n; t++)
	{
		double flat = parts->whole[t] - parts->trend[t], season = 0, d[2];

		for (uint32_t i = 0; i < parts->n_periods; i++)
			season += parts->seasonal[i][t];
		d[0] = flat - mean[0];
		d[1] = flat - season - mean[1];
		count++;
		mean[0] += d[0] / count;
		mean[1] += d[1] / count;
		with += d[0] * (flat - mean[0]);
		without += d[1] * (flat - season - mean[1]);
	}
	if (!(with > 0) || 1 - without / with < STRENGTH)
		return;
	for (size_t t = 0; t < parts->n; t++)
	{
		for (uint32_t i = 0; i < parts->n_periods; i++)
			rest[t] -= parts->seasonal[i][t];
	}
}

/* One round over v[n]: outliers become NaN in it.  *found: how many. */
static AugStatus
one_round(AugCast *cast, double *v, size_t n, uint32_t n_periods, const uint32_t *period,
		  size_t *found)
{
	AugParts parts;
	double *rest, *sorted, lo, hi, largest = 0;
	size_t m = 0;
	AugStatus status = aug_mstl(cast, v, n, n_periods, period, true, &parts);

	*found = 0;
	if (status != AUG_OK)
		return status;
	rest = aug_cast_doubles(cast, n);
	sorted = aug_cast_doubles(cast, n);
	if (rest == NULL || sorted == NULL)
		return AUG_NOMEM;
	adjust(&parts, rest);
	status = aug_supersmooth(cast, rest, n, parts.trend);
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < n; t++)
	{
		largest = fmax(largest, fabs(rest[t]));
		rest[t] -= parts.trend[t];
		if (!isnan(v[t]))
			sorted[m++] = rest[t];
	}
	if (!aug_sort_scored(cast->host, sorted, NULL, NULL, m))
		return aug_fail_cancelled(cast->err);
	lo = aug_quantile_sorted(sorted, m, 0.25);
	hi = aug_quantile_sorted(sorted, m, 0.75);
	if (!(hi - lo > SMALLEST_SPAN * largest))
		return AUG_OK;
	for (size_t t = 0; t < n; t++)
	{
		if (isnan(v[t]) || (rest[t] >= lo - FENCE * (hi - lo) && rest[t] <= hi + FENCE * (hi - lo)))
			continue;
		v[t] = NAN;
		(*found)++;
	}
	return AUG_OK;
}

AugStatus
aug_find_outliers(AugCast *cast, const AugSeries *s, double *v, size_t *n_outliers)
{
	size_t found = 1;
	AugStatus status = AUG_OK;

	*n_outliers = 0;
	memcpy(v, s->y, s->n * sizeof(double));
	for (int round = 0; status == AUG_OK && found > 0 && round < ROUNDS; round++)
	{
		status = one_round(cast, v, s->n, s->n_periods, s->period, &found);
		*n_outliers += found;
	}
	return status;
}

/*
 * A large outlier bends the trend, and its neighbours then look like outliers too.  With
 * the trend of the series without all of them, those that are within the fences get
 * their value back in v.
 */
static AugStatus
acquit(AugCast *cast, const AugSeries *s, double *v, size_t *n_outliers)
{
	AugParts parts;
	double *sorted, lo, hi, reach;
	size_t m = 0;
	AugStatus status = aug_mstl(cast, v, s->n, s->n_periods, s->period, true, &parts);

	if (status != AUG_OK)
		return status;
	sorted = aug_cast_doubles(cast, s->n);
	if (sorted == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
	{
		if (!isnan(v[t]))
			sorted[m++] = parts.remainder[t];
	}
	if (m == 0)
		return AUG_OK;
	if (!aug_sort_scored(cast->host, sorted, NULL, NULL, m))
		return aug_fail_cancelled(cast->err);
	lo = aug_quantile_sorted(sorted, m, 0.25);
	hi = aug_quantile_sorted(sorted, m, 0.75);
	reach = FENCE * (hi - lo);
	for (size_t t = 0; t < s->n; t++)
	{
		double e = s->y[t] - parts.trend[t];

		for (uint32_t i = 0; i < parts.n_periods; i++)
			e -= parts.seasonal[i][t];
		if (!isnan(v[t]) || isnan(e) || e < lo - reach || e > hi + reach)
			continue;
		v[t] = s->y[t];
		(*n_outliers)--;
	}
	return AUG_OK;
}

AugStatus
aug_clean(AugCast *cast, const AugSeries *s, double *cleaned, size_t *n_outliers)
{
	size_t n = s->n, observed = 0;
	double *v = aug_cast_doubles(cast, n);
	AugParts parts;
	AugStatus status;

	*n_outliers = 0;
	if (v == NULL)
		return AUG_NOMEM;
	memcpy(cleaned, s->y, n * sizeof(double));
	for (size_t t = 0; t < n; t++)
		observed += isnan(s->y[t]) ? 0 : 1;
	if (observed == 0)
		return AUG_OK;
	status = aug_find_outliers(cast, s, v, n_outliers);
	if (status == AUG_OK && *n_outliers > 0)
		status = acquit(cast, s, v, n_outliers);
	if (status == AUG_OK && *n_outliers > 0)
		status = aug_mstl(cast, v, n, s->n_periods, s->period, true, &parts);
	for (size_t t = 0; status == AUG_OK && *n_outliers > 0 && t < n; t++)
	{
		if (isnan(v[t]) && !isnan(s->y[t]))
			cleaned[t] = parts.whole[t];
	}
	return status;
}
