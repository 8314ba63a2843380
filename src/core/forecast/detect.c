/*-------------------------------------------------------------------------
 *
 * detect.c
 *		Which seasons a series has: candidates confirmed, or lengths found in the data.
 *
 * Evidence for a length m, from the decomposition of what the accepted seasons leave:
 * - the autocorrelation at lag m of the series without its trend, tested one-sided
 *   against the error of Bartlett (1946), sqrt((1 + 2 sum r_k^2) / n) over the k < m: the
 *   test of the M4 benchmarks (Makridakis, Spiliotis, Assimakopoulos 2020), which asks for
 *   three full seasons and 90 % two-sided, so 95 % here; and above 0.1;
 * - the strength of STL's seasonal part above 0.64, the limit at which Hyndman's
 *   nsdiffs() takes a seasonal difference (Wang, Smith, Hyndman 2006).
 * A candidate needs one of them.  Lengths that nobody proposed are looked for at the
 * peaks of the autocorrelation, as in M. Vlachos, P. Yu, V. Castelli: On Periodicity
 * Detection and Structural Periodic Similarity, SDM 2005, and need a test that counts
 * all lags (Bonferroni), and a strength.
 *
 * Memory: about 30 n doubles of the arena.  Interrupts: STL's, and one poll a stage of the
 * Fourier transform.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "decompose.h"

#define TWO_PI		 6.28318530717958647693
#define SQRT_HALF	 0.70710678118654752440
#define TEST_LEVEL	 0.05 /* one-sided */
#define TEST_SEASONS 3
/* smaller ones are not worth a season, and a narrow trend leaves some behind (m = 4) */
#define AUTOCORRELATION_LIMIT 0.1
#define STRENGTH_LIMIT		  0.64
/* of a length that nobody proposed */
#define FOUND_LEVEL	   0.01 /* over all lags together */
#define FOUND_STRENGTH 0.3
/* the shortest lag whose peak is nearly the highest; the others are its multiples */
#define NEARLY 0.9
#define HILL   6 /* peaks less than a sixth of the lag away are on the same hill */
/* a season is looked for within another one this many times its length (24 in 168) */
#define NESTED 7

/* ---- autocorrelation ------------------------------------------------------------ */

static void
swap(double *a, double *b)
{
	double v = *a;

	*a = *b;
	*b = v;
}

/* Fourier transform of n complex numbers in place, n a power of two (Cooley, Tukey 1965). */
static AugStatus
transform(AugCast *cast, double *re, double *im, size_t n)
{
	for (size_t i = 1, j = 0; i < n; i++)
	{
		size_t bit = n >> 1;

		for (; (j & bit) != 0; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j)
		{
			swap(&re[i], &re[j]);
			swap(&im[i], &im[j]);
		}
	}
	for (size_t half = 1; half < n; half *= 2)
	{
		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		for (size_t k = 0; k < half; k++)
		{
			double angle = -TWO_PI * (double) k / (double) (2 * half);
			double c = cos(angle), s = sin(angle);

			for (size_t i = k; i < n; i += 2 * half)
			{
				size_t j = i + half;
				double x = c * re[j] - s * im[j], y = c * im[j] + s * re[j];

				re[j] = re[i] - x;
				im[j] = im[i] - y;
				re[i] += x;
				im[i] += y;
			}
		}
	}
	return AUG_OK;
}

/*
 * r[0 .. max_lag]: autocorrelations of x[n] about its mean; all 0 for a constant.
 * The squared transform of the padded series transforms back into its sums.
 */
static AugStatus
autocorrelation(AugCast *cast, const double *x, size_t n, size_t max_lag, double *r)
{
	size_t size = 1;
	double *re, *im, mean = 0, largest = 0;
	AugStatus status;

	while (size < n + max_lag + 1)
		size *= 2;
	re = aug_cast_doubles(cast, size);
	im = aug_cast_doubles(cast, size);
	if (re == NULL || im == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < n; t++)
		mean += x[t] / (double) n;
	for (size_t t = 0; t < n; t++)
		largest = fmax(largest, fabs(x[t] - mean));
	memset(r, 0, (max_lag + 1) * sizeof(double));
	if (!(largest > 0))
		return AUG_OK;
	for (size_t t = 0; t < n; t++)
		re[t] = (x[t] - mean) / largest;
	status = transform(cast, re, im, size);
	if (status != AUG_OK)
		return status;
	for (size_t k = 0; k < size; k++)
	{
		re[k] = re[k] * re[k] + im[k] * im[k];
		im[k] = 0;
	}
	status = transform(cast, re, im, size);
	for (size_t k = 0; status == AUG_OK && k <= max_lag; k++)
		r[k] = re[k] / re[0];
	return status;
}

/* ---- evidence ---------------------------------------------------------------------- */

/* P(Z > z) */
static double
upper_tail(double z)
{
	return erfc(z * SQRT_HALF) / 2;
}

/* r[m] by its standard error under Bartlett's formula. */
static double
bartlett(const double *r, size_t m, size_t n)
{
	double sum = 0;

	for (size_t k = 1; k < m; k++)
		sum += r[k] * r[k];
	return r[m] / sqrt((1 + 2 * sum) / (double) n);
}

/*
 * Decomposes rest[n] by period and fills what is known of it; seasonal: [n], or NULL when
 * there are not more than two seasons.
 */
static AugStatus
examine(AugCast *cast, const double *rest, size_t n, uint32_t period, AugSeasonFound *out,
		double **seasonal)
{
	AugParts parts;
	AugStatus status;
	double *r;

	*out = (AugSeasonFound){.period = period, .strength = NAN, .autocorrelation = NAN};
	out->statistic = out->p_value = NAN;
	*seasonal = NULL;
	if (n <= 2 * (size_t) period)
		return AUG_OK;
	status = aug_mstl(cast, rest, n, 1, &period, false, &parts);
	if (status != AUG_OK)
		return status;
	out->strength = aug_strength_season(&parts, 0);
	*seasonal = parts.seasonal[0];
	if (n < TEST_SEASONS * (size_t) period)
		return AUG_OK;
	r = aug_cast_doubles(cast, period + 1);
	if (r == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < n; t++)
		parts.whole[t] -= parts.trend[t];
	/* what rounding left of a constant has no autocorrelation */
	if (out->strength > 0)
	{
		status = autocorrelation(cast, parts.whole, n, period, r);
		if (status != AUG_OK)
			return status;
	}
	out->autocorrelation = r[period];
	out->statistic = bartlett(r, period, n);
	out->p_value = upper_tail(out->statistic);
	return AUG_OK;
}

static void
remove_season(double *rest, size_t n, const double *seasonal)
{
	for (size_t t = 0; t < n; t++)
		rest[t] -= seasonal[t];
}

static AugStatus
confirm(AugCast *cast, double *rest, size_t n, uint32_t n_candidates, const uint32_t *candidate,
		AugSeasonFound *out, uint32_t *n_out)
{
	uint32_t accepted = 0;

	for (uint32_t i = 0; i < n_candidates; i++)
	{
		double *seasonal;
		AugStatus status = examine(cast, rest, n, candidate[i], &out[i], &seasonal);

		if (status != AUG_OK)
			return status;
		out[i].accepted =
			accepted < AUG_MAX_PERIODS &&
			(out[i].strength > STRENGTH_LIMIT ||
			 (out[i].p_value < TEST_LEVEL && out[i].autocorrelation > AUTOCORRELATION_LIMIT));
		*n_out = i + 1;
		if (!out[i].accepted)
			continue;
		accepted++;
		remove_season(rest, n, seasonal);
	}
	return AUG_OK;
}

/* ---- search ------------------------------------------------------------------------- */

static bool
is_peak(const double *r, size_t m)
{
	return r[m] > 0 && r[m] > r[m - 1] && r[m] >= r[m + 1];
}

/* A peak that stands out among all lags up to max_lag. */
static bool
significant(const double *r, size_t m, size_t n, size_t max_lag)
{
	return is_peak(r, m) && upper_tail(bartlett(r, m, n)) * (double) max_lag < FOUND_LEVEL;
}

/*
 * The length whose multiples lie on the tops of their hills, started from lag m: noise
 * makes several peaks on a broad hill, but being off by one at the k-th multiple is
 * off by 1/k.  The sums behind r lose a term a lag, which is made good.
 */
static size_t
refine(const double *r, size_t m, size_t n, size_t max_lag)
{
	size_t slack = m / HILL > 1 ? m / HILL : 1;
	double period = (double) m;

	for (size_t k = 1; k * m <= max_lag; k++)
	{
		size_t from = (size_t) (period * (double) k + 0.5) - slack, to = from + 2 * slack;
		size_t best = from > 1 ? from : 2;

		if (to > max_lag)
			break;
		for (size_t lag = best; lag <= to; lag++)
		{
			if (r[lag] * (double) (n - best) > r[best] * (double) (n - lag))
				best = lag;
		}
		if (r[best] < r[m] / 4)
			break;
		period = (double) best / (double) k;
	}
	return period < 2 ? 2 : (size_t) (period + 0.5);
}

/* The shortest lag among the nearly highest peaks, 0: none. */
static size_t
best_peak(const double *r, size_t n, size_t max_lag)
{
	double highest = 0, sum = 0, limit = FOUND_LEVEL / (double) max_lag;
	size_t best = 0;

	for (size_t pass = 0; pass < 2; pass++)
	{
		sum = 0;
		for (size_t m = 2; m <= max_lag && best == 0; m++)
		{
			sum += r[m - 1] * r[m - 1];
			if (!is_peak(r, m) || upper_tail(r[m] / sqrt((1 + 2 * sum) / (double) n)) >= limit)
				continue;
			if (pass == 0)
				highest = fmax(highest, r[m]);
			else if (r[m] >= NEARLY * highest)
				best = m;
		}
	}
	return best > 0 ? refine(r, best, n, max_lag) : 0;
}

/* A shorter season within the one of length m, 0: none. */
static size_t
nested_peak(const double *r, size_t m, size_t n, size_t max_lag)
{
	size_t best = 0;

	for (size_t k = NESTED; m / k >= 2; k++)
	{
		size_t lag = (m + k / 2) / k;

		if (significant(r, lag, n, max_lag) && (best == 0 || r[lag] > r[best]))
			best = lag;
	}
	return best > 0 ? refine(r, best, n, max_lag) : 0;
}

/* Takes the trend out: a straight line by weights that fall to the ends of the series. */
static AugStatus
detrend(AugCast *cast, const double *x, size_t n, double *out)
{
	AugLoess line = {n, 1, (n + 9) / 10};
	AugStlRoom *room = aug_stl_room(cast, n, 2);
	AugStatus status;

	if (room == NULL)
		return AUG_NOMEM;
	status = aug_loess(cast, room, x, n, &line, NULL, out);
	for (size_t t = 0; status == AUG_OK && t < n; t++)
		out[t] = x[t] - out[t];
	return status;
}

static bool
known(const AugSeasonFound *found, uint32_t n, size_t period)
{
	for (uint32_t i = 0; i < n; i++)
	{
		if (found[i].period == period)
			return true;
	}
	return false;
}

/* Puts a length that was found in its place, by length. */
static void
insert(AugSeasonFound *out, uint32_t *n_out, const AugSeasonFound *one)
{
	uint32_t i = (*n_out)++;

	for (; i > 0 && out[i - 1].period > one->period; i--)
		out[i] = out[i - 1];
	out[i] = *one;
}

/*
 * Looks for lengths, strongest first, each in what the ones before left; one that
 * does not hold is where the search ends.
 */
static AugStatus
search(AugCast *cast, double *rest, size_t n, AugSeasonFound *out, uint32_t *n_out)
{
	size_t max_lag = n / TEST_SEASONS < AUG_MAX_PERIOD ? n / TEST_SEASONS : AUG_MAX_PERIOD;
	double *flat = aug_cast_doubles(cast, n), *r = aug_cast_doubles(cast, max_lag + 2);

	if (flat == NULL || r == NULL)
		return AUG_NOMEM;
	while (max_lag >= 2 && *n_out < AUG_MAX_PERIODS)
	{
		AugStatus status = detrend(cast, rest, n, flat);
		AugSeasonFound one;
		double *seasonal;
		size_t best, inside;

		if (status == AUG_OK)
			status = autocorrelation(cast, flat, n, max_lag + 1, r);
		if (status != AUG_OK)
			return status;
		best = best_peak(r, n, max_lag);
		inside = best > 0 ? nested_peak(r, best, n, max_lag) : 0;
		/* the shorter one first: what the longer one adds is then seen in the rest */
		if (inside > 0 && !known(out, *n_out, inside))
			best = inside;
		if (best == 0 || known(out, *n_out, best))
			break;
		status = examine(cast, rest, n, (uint32_t) best, &one, &seasonal);
		if (status != AUG_OK)
			return status;
		one.p_value = fmin(1, one.p_value * (double) max_lag);
		one.accepted = one.p_value < FOUND_LEVEL && one.strength > FOUND_STRENGTH;
		if (!one.accepted)
			break;
		insert(out, n_out, &one);
		remove_season(rest, n, seasonal);
	}
	return AUG_OK;
}

/* ---- door ------------------------------------------------------------------------------ */

AugStatus
aug_find_seasons(AugCast *cast, const double *y, size_t n, uint32_t n_candidates,
				 const uint32_t *candidate, AugSeasonFound *out, uint32_t *n_out)
{
	double *rest = aug_cast_doubles(cast, n);
	AugStatus status;
	bool any = false;

	*n_out = 0;
	if (rest == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < n && !any; t++)
		any = !isnan(y[t]);
	if (!any)
	{
		memset(rest, 0, n * sizeof(double));
		n = 0;
	}
	else
		aug_interpolate(y, n, rest);
	if (n_candidates > 0)
		status = confirm(cast, rest, n, n_candidates, candidate, out, n_out);
	else
		status = search(cast, rest, n, out, n_out);
	return status;
}

AugStatus
aug_seasonality(const AugHost *host, const double *y, size_t n, uint32_t n_candidates,
				const uint32_t *candidate, AugSeasonFound *out, uint32_t *n_out, AugError *err)
{
	AugArena arena;
	AugCast cast = {host, &arena, NULL, 0, err};
	AugStatus status;

	*n_out = 0;
	if (n_candidates > AUG_MAX_CANDIDATES)
		return aug_fail(err, AUG_INVALID, "at most %d season lengths can be proposed",
						AUG_MAX_CANDIDATES);
	for (uint32_t i = 0; i < n_candidates; i++)
	{
		if (candidate[i] < 2 || candidate[i] > AUG_MAX_PERIOD ||
			(i > 0 && candidate[i] <= candidate[i - 1]))
			return aug_fail(err, AUG_INVALID, "season lengths must ascend from 2 to %d",
							AUG_MAX_PERIOD);
	}
	aug_arena_init(&arena, host);
	status = aug_find_seasons(&cast, y, n, n_candidates, candidate, out, n_out);
	aug_arena_free(&arena);
	return status;
}
