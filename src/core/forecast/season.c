/*-------------------------------------------------------------------------
 *
 * season.c
 *		Is there a season, and what does it look like?
 *
 * The test and the adjustment are those of the M4 benchmarks (Makridakis,
 * Spiliotis, Assimakopoulos 2020, International Journal of Forecasting 36:54):
 * seasonal when the autocorrelation at the season's lag is outside the 90 % limits of
 * Bartlett's formula.  Classical decomposition: Hyndman, Athanasopoulos, Forecasting:
 * Principles and Practice, 3rd edition, 3.4.
 *
 * Shrunken indices: Miller, Williams 2003, International Journal of Forecasting 19:669, but
 * without the test before, whose errors on short series cost more than indices that
 * shrink to nothing where there is no season.
 *
 * Memory: work arrays of n doubles in the arena.  Interrupts: the autocorrelations
 * take n times period steps and poll; all else is linear.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "season.h"

#define LIMIT_90	   1.645   /* two-sided 90 % of the standard normal, as M4 writes it */
#define TEST_CYCLES	   3	   /* fewer are never called seasonal */
#define LAGS		   4	   /* summed at once: as many independent chains of additions */
#define PRODUCTS_ASKED 1000000 /* between two polls */
#define SHRINK_CYCLES  3	   /* fewer tell nothing of how sure an index is */
#define CYCLE_WEIGHT   0.9	   /* of a cycle's values relative to the next one's */

/*
 * Sums over the m values from each position: out [n - m + 1].  Blocks of m are summed
 * backward and forward and the parts put together, so that nothing is subtracted and
 * one huge value harms only the sums that it is in.  suffix: [m] of work.
 */
static void
moving_sums(const double *y, size_t n, size_t m, double *suffix, double *out)
{
	for (size_t s = 0; s + m <= n; s += m)
	{
		double sum = 0;

		for (size_t j = m; j-- > 0;)
			suffix[j] = sum += y[s + j];
		sum = 0;
		for (size_t j = 0; j < m && s + j + m <= n; j++)
		{
			out[s + j] = suffix[j] + sum;
			if (s + j + m < n)
				sum += y[s + j + m];
		}
	}
}

/* LAGS autocovariances from lag k on, times n. */
static void
covariances(const double *d, size_t n, size_t k, double sum[LAGS])
{
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t t = k + LAGS - 1;

	for (size_t i = k; i < t && i < n; i++) /* where the longer lags have no pair yet */
	{
		s0 += d[i] * d[i - k];
		if (i >= k + 1)
			s1 += d[i] * d[i - k - 1];
		if (i >= k + 2)
			s2 += d[i] * d[i - k - 2];
	}
	for (; t < n; t++)
	{
		s0 += d[t] * d[t - k];
		s1 += d[t] * d[t - k - 1];
		s2 += d[t] * d[t - k - 2];
		s3 += d[t] * d[t - k - 3];
	}
	sum[0] = s0;
	sum[1] = s1;
	sum[2] = s2;
	sum[3] = s3;
}

/* Deviations from the mean, divided by the largest one; false for a constant. */
static bool
deviations(const double *y, size_t n, double *d)
{
	double inverse = 1 / (double) n, mean = 0, largest = 0;
	bool constant = true;

	for (size_t t = 0; t < n; t++)
	{
		mean += y[t] * inverse;
		constant = constant && y[t] == y[0];
	}
	for (size_t t = 0; t < n; t++)
		largest = fmax(largest, fabs(y[t] - mean));
	if (constant || !isfinite(largest))
		return false;
	for (size_t t = 0; t < n; t++)
		d[t] = (y[t] - mean) / largest;
	return true;
}

AugStatus
aug_season_test(AugCast *cast, const double *y, size_t n, uint32_t period, bool *seasonal)
{
	double *d, variance[LAGS], r[LAGS], squares = 0;
	size_t work = 0;

	*seasonal = false;
	if (period < 2 || n / TEST_CYCLES < period)
		return AUG_OK;
	d = aug_cast_doubles(cast, n);
	if (d == NULL)
		return AUG_NOMEM;
	if (!deviations(y, n, d))
		return AUG_OK;
	covariances(d, n, 0, variance);
	for (size_t k = 1; k <= period; k += LAGS)
	{
		work += n * LAGS;
		if (work > PRODUCTS_ASKED)
		{
			work = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
		covariances(d, n, k, r);
		for (size_t i = 0; i < LAGS && k + i <= period; i++)
		{
			double rk = r[i] / variance[0];

			if (k + i == period)
				*seasonal = fabs(rk) > LIMIT_90 * sqrt((1 + 2 * squares) / (double) n);
			squares += rk * rk;
		}
	}
	return AUG_OK;
}

/* Means of the detrended values at each position, normalised. */
static bool
average_positions(const double *y, const double *trend, size_t n, uint32_t period,
				  AugSeasonKind kind, double *index, double *count)
{
	bool ratio = kind == AUG_SEASON_MULTIPLICATIVE;
	double mean = 0;
	bool usable = true;

	for (uint32_t i = 0; i < period; i++)
		index[i] = count[i] = 0;
	for (size_t t = 0, i = 0; t < n; t++, i = i + 1 == period ? 0 : i + 1)
	{
		if (isnan(trend[t]))
			continue;
		index[i] += ratio ? y[t] / trend[t] : y[t] - trend[t];
		count[i]++;
	}
	for (uint32_t i = 0; i < period; i++)
	{
		index[i] /= count[i];
		mean += index[i] / period;
	}
	for (uint32_t i = 0; i < period; i++)
	{
		index[i] = ratio ? index[i] / mean : index[i] - mean;
		usable = usable && isfinite(index[i]) && (!ratio || index[i] > 0);
	}
	return usable;
}

AugStatus
aug_season_indices(AugCast *cast, const double *y, size_t n, uint32_t period, AugSeasonKind kind,
				   double *index, double *trend, bool *usable)
{
	size_t m = period, half = m / 2;
	double *work = aug_cast_doubles(cast, m), *sums = aug_cast_doubles(cast, n);

	if (trend == NULL)
		trend = aug_cast_doubles(cast, n);
	if (work == NULL || sums == NULL || trend == NULL)
		return AUG_NOMEM;
	moving_sums(y, n, m, work, sums);
	for (size_t t = 0; t < n; t++)
	{
		if (t < half || t + half >= n)
			trend[t] = NAN;
		else if (m % 2 == 1)
			trend[t] = sums[t - half] / (double) m;
		else
			trend[t] = (sums[t - half] + sums[t - half + 1]) / (2 * (double) m);
	}
	*usable = average_positions(y, trend, n, period, kind, index, work);
	return AUG_OK;
}

static bool
all_positive(const double *y, size_t n)
{
	for (size_t t = 0; t < n; t++)
	{
		if (!(y[t] > 0))
			return false;
	}
	return true;
}

AugStatus
aug_season_find(AugCast *cast, const double *y, size_t n, const AugSeries *s, AugSeasonKind asked,
				AugSeason *out)
{
	AugStatus status = AUG_OK;
	bool found = false, usable = false;

	*out = (AugSeason){AUG_SEASON_NONE, 0, NULL};
	for (uint32_t i = 0; i < s->n_periods && !found && status == AUG_OK; i++)
	{
		out->period = s->period[i];
		if (asked != AUG_SEASON_NONE)
			found = n / 2 >= out->period;
		else
			status = aug_season_test(cast, y, n, out->period, &found);
	}
	if (status != AUG_OK || !found)
		return status;
	out->index = aug_cast_doubles(cast, out->period);
	if (out->index == NULL)
		return AUG_NOMEM;
	if (asked != AUG_SEASON_ADDITIVE && all_positive(y, n))
	{
		out->kind = AUG_SEASON_MULTIPLICATIVE;
		status = aug_season_indices(cast, y, n, out->period, out->kind, out->index, NULL, &usable);
	}
	if (status == AUG_OK && !usable)
	{
		out->kind = AUG_SEASON_ADDITIVE;
		status = aug_season_indices(cast, y, n, out->period, out->kind, out->index, NULL, &usable);
	}
	if (!usable)
		out->kind = AUG_SEASON_NONE;
	return status;
}

/* Weighted mean of the detrended values at a position, and the variance of that mean. */
static double
position_mean(const double *y, const double *trend, size_t n, uint32_t period, AugSeasonKind kind,
			  size_t position, double *variance)
{
	double weight = 1, sum = 0, weights = 0, squares = 0, mean, count = 0, spread = 0;

	for (size_t t = position + (n - 1 - position) / period * period;; t -= period)
	{
		if (!isnan(trend[t]))
		{
			sum += weight * (kind == AUG_SEASON_MULTIPLICATIVE ? y[t] / trend[t] : y[t] - trend[t]);
			weights += weight;
			squares += weight * weight;
			weight *= CYCLE_WEIGHT;
		}
		if (t < period)
			break;
	}
	mean = sum / weights;
	for (size_t t = position; t < n; t += period)
	{
		double d = (kind == AUG_SEASON_MULTIPLICATIVE ? y[t] / trend[t] : y[t] - trend[t]) - mean;

		if (isnan(trend[t]))
			continue;
		spread += d * d;
		count++;
	}
	*variance = count > 1 ? spread / (count - 1) * squares / (weights * weights) : INFINITY;
	return mean;
}

/*
 * Indices of one kind, drawn towards no season by the share of their variance that is
 * noise; *usable is false when nothing is left or they are not finite and positive.
 */
static AugStatus
shrunken_indices(AugCast *cast, const double *y, size_t n, uint32_t period, AugSeasonKind kind,
				 double *index, bool *usable)
{
	bool ratio = kind == AUG_SEASON_MULTIPLICATIVE;
	double *trend = aug_cast_doubles(cast, n);
	double noise = 0, spread = 0, mean = 0, none = ratio ? 1 : 0, kept;
	AugStatus status;

	if (trend == NULL)
		return AUG_NOMEM;
	status = aug_season_indices(cast, y, n, period, kind, index, trend, usable);
	if (status != AUG_OK || !*usable)
		return status;
	for (uint32_t i = 0; i < period; i++)
	{
		double variance;

		index[i] = position_mean(y, trend, n, period, kind, i, &variance);
		mean += index[i] / period;
		noise += variance / period;
	}
	for (uint32_t i = 0; i < period; i++)
	{
		index[i] = ratio ? index[i] / mean : index[i] - mean;
		spread += (index[i] - none) * (index[i] - none) / (period - 1);
	}
	kept = 1 - noise / spread;
	*usable = kept > 0;
	for (uint32_t i = 0; i < period; i++)
	{
		index[i] = none + kept * (index[i] - none);
		*usable = *usable && isfinite(index[i]) && (!ratio || index[i] > 0);
	}
	return AUG_OK;
}

AugStatus
aug_season_shrunken(AugCast *cast, const double *y, size_t n, const AugSeries *s,
					AugSeasonKind asked, AugSeason *out)
{
	bool positive = asked != AUG_SEASON_ADDITIVE && all_positive(y, n), usable = false;

	*out = (AugSeason){AUG_SEASON_NONE, 0, NULL};
	for (uint32_t i = 0; i < s->n_periods && !usable; i++)
	{
		AugStatus status = AUG_OK;

		if (n / SHRINK_CYCLES < s->period[i])
			break;
		out->period = s->period[i];
		out->index = aug_cast_doubles(cast, out->period);
		if (out->index == NULL)
			return AUG_NOMEM;
		for (int kind = positive ? AUG_SEASON_MULTIPLICATIVE : AUG_SEASON_ADDITIVE;
			 kind > AUG_SEASON_NONE && !usable && status == AUG_OK; kind--)
		{
			out->kind = (AugSeasonKind) kind;
			status = shrunken_indices(cast, y, n, out->period, out->kind, out->index, &usable);
		}
		if (status != AUG_OK)
			return status;
	}
	if (!usable)
		out->kind = AUG_SEASON_NONE;
	return AUG_OK;
}

void
aug_season_remove(const AugSeason *season, const double *in, size_t n, size_t first, double *out)
{
	size_t i = season->kind == AUG_SEASON_NONE ? 0 : first % season->period;

	for (size_t t = 0; t < n; t++)
	{
		if (season->kind == AUG_SEASON_NONE)
		{
			out[t] = in[t];
			continue;
		}
		out[t] = season->kind == AUG_SEASON_ADDITIVE ? in[t] - season->index[i]
													 : in[t] / season->index[i];
		i = i + 1 == season->period ? 0 : i + 1;
	}
}

void
aug_season_restore(const AugSeason *season, const double *in, size_t n, size_t first, double *out)
{
	size_t i = season->kind == AUG_SEASON_NONE ? 0 : first % season->period;

	for (size_t t = 0; t < n; t++)
	{
		if (season->kind == AUG_SEASON_NONE)
		{
			out[t] = in[t];
			continue;
		}
		out[t] = season->kind == AUG_SEASON_ADDITIVE ? in[t] + season->index[i]
													 : in[t] * season->index[i];
		i = i + 1 == season->period ? 0 : i + 1;
	}
}
