/*-------------------------------------------------------------------------
 *
 * mstl.c
 *		MSTL: decomposition with several seasons, gaps filled along it, and the
 *		strength of its parts.
 *
 * K. Bandara, R. J. Hyndman, C. Bergmeir: MSTL: A Seasonal-Trend Decomposition Algorithm
 * for Time Series with Multiple Seasonal Patterns, arXiv 2107.13462 (2021): STL for
 * each season in turn, shortest first, on the series without the other seasons, twice
 * over; the seasonal window is 7 + 4 i for the i-th season.
 * Strength: X. Wang, K. Smith, R. Hyndman: Characteristic-based clustering for time series
 * data, Data Mining and Knowledge Discovery 13 (2006).
 *
 * Memory: all in the cast's arena; AugStlRoom is shared by all steps.  Interrupts: STL's.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "decompose.h"

#define ROUNDS		 2
#define FIRST_WINDOW 7
#define MORE_WINDOW	 4
/* share of the sum of squares that computing alone may leave: (100 units of the last place)^2 */
#define ROUNDING 5e-28

static AugStatus
take_parts(AugCast *cast, size_t n, uint32_t n_periods, const uint32_t *period, AugParts *out)
{
	memset(out, 0, sizeof(*out));
	out->n = n;
	for (uint32_t i = 0; i < n_periods; i++)
	{
		if (period[i] < 2 || n <= 2 * (size_t) period[i])
			continue;
		out->seasonal[out->n_periods] = aug_cast_doubles(cast, n);
		if (out->seasonal[out->n_periods] == NULL)
			return AUG_NOMEM;
		out->period[out->n_periods++] = period[i];
	}
	out->trend = aug_cast_doubles(cast, n);
	out->remainder = aug_cast_doubles(cast, n);
	out->whole = aug_cast_doubles(cast, n);
	return out->trend == NULL || out->remainder == NULL || out->whole == NULL ? AUG_NOMEM : AUG_OK;
}

/* Decomposes out->whole; rest: [n] work space, y without its seasons at the end. */
static AugStatus
decompose(AugCast *cast, AugStlRoom *room, bool robust, AugParts *out, double *rest)
{
	AugStl o;
	AugStatus status;

	memcpy(rest, out->whole, out->n * sizeof(double));
	if (out->n_periods == 0)
		return aug_supersmooth(cast, rest, out->n, out->trend);
	for (uint32_t i = 0; i < out->n_periods; i++)
		memset(out->seasonal[i], 0, out->n * sizeof(double));
	for (uint32_t round = 0; round < (out->n_periods > 1 ? ROUNDS : 1); round++)
	{
		for (uint32_t i = 0; i < out->n_periods; i++)
		{
			double *s = out->seasonal[i];

			for (size_t t = 0; t < out->n; t++)
				rest[t] += s[t];
			aug_stl_options(out->n, out->period[i], FIRST_WINDOW + MORE_WINDOW * (i + 1), robust,
							&o);
			status = aug_stl(cast, room, rest, out->n, &o, s, out->trend, NULL);
			if (status != AUG_OK)
				return status;
			for (size_t t = 0; t < out->n; t++)
				rest[t] -= s[t];
		}
	}
	return AUG_OK;
}

/*
 * Gaps by straight lines in the series without its seasons, which are added again.
 * The seasons come from a series with straight lines in the gaps.
 */
static AugStatus
fill_gaps(AugCast *cast, AugStlRoom *room, const double *y, AugParts *out, double *rest)
{
	double *open = out->remainder; /* the adjusted series with its gaps */
	AugStatus status;

	aug_interpolate(y, out->n, out->whole);
	if (out->n_periods == 0)
		return AUG_OK;
	status = decompose(cast, room, true, out, rest);
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < out->n; t++)
		open[t] = isnan(y[t]) ? NAN : rest[t];
	aug_interpolate(open, out->n, rest);
	for (size_t t = 0; t < out->n; t++)
	{
		double season = 0;

		for (uint32_t i = 0; i < out->n_periods; i++)
			season += out->seasonal[i][t];
		out->whole[t] = isnan(y[t]) ? rest[t] + season : y[t];
	}
	return AUG_OK;
}

AugStatus
aug_mstl(AugCast *cast, const double *y, size_t n, uint32_t n_periods, const uint32_t *period,
		 bool robust, AugParts *out)
{
	AugStatus status = take_parts(cast, n, n_periods, period, out);
	AugStlRoom *room = NULL;
	double *rest;
	bool gaps = false;

	if (status != AUG_OK)
		return status;
	rest = aug_cast_doubles(cast, n);
	if (out->n_periods > 0)
		room = aug_stl_room(cast, n, out->period[out->n_periods - 1]);
	if (rest == NULL || (out->n_periods > 0 && room == NULL))
		return AUG_NOMEM;
	for (size_t t = 0; t < n; t++)
		gaps |= isnan(y[t]);
	if (gaps)
		status = fill_gaps(cast, room, y, out, rest);
	else
		memcpy(out->whole, y, n * sizeof(double));
	if (status == AUG_OK)
		status = decompose(cast, room, robust, out, rest);
	for (size_t t = 0; status == AUG_OK && t < n; t++)
		out->remainder[t] = isnan(y[t]) ? NAN : rest[t] - out->trend[t];
	return status;
}

/* ---- strength ------------------------------------------------------------------ */

/* Sum of squares about the mean of a + b (b may be NULL), over the t where neither is NaN. */
static double
spread(const double *a, const double *b, size_t n)
{
	double mean = 0, m2 = 0, count = 0;

	for (size_t t = 0; t < n; t++)
	{
		double v = b == NULL ? a[t] : a[t] + b[t], d = v - mean;

		if (isnan(v))
			continue;
		count++;
		mean += d / count;
		m2 += d * (v - mean);
	}
	return m2;
}

/*
 * 1 - Var(remainder) / Var(remainder + part), at least 0; and 0 where there is nothing
 * but what rounding left.
 */
static double
strength(const AugParts *parts, const double *part)
{
	double with = spread(parts->remainder, part, parts->n);
	double square = 0;

	for (size_t t = 0; t < parts->n; t++)
		square += parts->whole[t] * parts->whole[t];
	if (!(with > ROUNDING * square))
		return 0;
	return fmax(0, 1 - spread(parts->remainder, NULL, parts->n) / with);
}

double
aug_strength_season(const AugParts *parts, uint32_t i)
{
	return strength(parts, parts->seasonal[i]);
}

double
aug_strength_trend(const AugParts *parts)
{
	return strength(parts, parts->trend);
}

AugStatus
aug_seasonal_strength(AugCast *cast, const double *y, size_t n, uint32_t period, double *out)
{
	AugParts parts;
	AugStatus status;
	bool any = false;

	*out = 0;
	for (size_t t = 0; t < n && !any; t++)
		any = !isnan(y[t]);
	if (!any || period < 2 || n <= 2 * (size_t) period)
		return AUG_OK;
	status = aug_mstl(cast, y, n, 1, &period, false, &parts);
	if (status == AUG_OK)
		*out = aug_strength_season(&parts, 0);
	return status;
}
