/*-------------------------------------------------------------------------
 *
 * decompose.c
 *		The doors of decomposition: parts, outliers, anomalies and changes of one series,
 *		each as one block of the host.
 *
 * Anomalies: the series is decomposed robustly with its outliers replaced; a value is
 * expected at trend plus seasons, within the quantiles of a normal distribution whose
 * scale is the median absolute remainder.
 *
 * Memory: one arena for the work, one block for the result.  Interrupts: those of the steps.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "../special.h"
#include "decompose.h"

/* of the median, and of the mean, of |Z| */
#define NORMAL_MEDIAN 0.67448975019608174320
#define NORMAL_MEAN	  0.79788456080286535588
/* of the size of the numbers at work: what is smaller may be rounding alone */
#define ROUNDING_SHARE 1e-13

static AugStatus
check_series(const AugSeries *s, AugError *err)
{
	size_t observed = 0;

	if (s->n_periods > AUG_MAX_PERIODS)
		return aug_fail(err, AUG_INVALID, "at most %d seasons can be given", AUG_MAX_PERIODS);
	for (uint32_t i = 0; i < s->n_periods; i++)
	{
		if (s->period[i] < 2 || s->period[i] > AUG_MAX_PERIOD ||
			(i > 0 && s->period[i] <= s->period[i - 1]))
			return aug_fail(err, AUG_INVALID, "season lengths must ascend from 2 to %d",
							AUG_MAX_PERIOD);
	}
	for (size_t t = 0; t < s->n; t++)
		observed += isnan(s->y[t]) ? 0 : 1;
	if (observed == 0)
		return aug_fail(err, AUG_DATA, "the series has no values");
	return AUG_OK;
}

static const double *
put(double **at, const double *v, size_t n)
{
	double *to = *at;

	*at += n;
	return memcpy(to, v, n * sizeof(double));
}

static void *
take_block(const AugHost *host, size_t head, size_t n, size_t each, AugError *err)
{
	size_t size = head + n * each;
	void *block = n < (SIZE_MAX - head) / each ? host->alloc(host->arg, size) : NULL;

	if (block == NULL)
		aug_fail_nomem(err, size);
	else
		memset(block, 0, head);
	return block;
}

/* ---- parts -------------------------------------------------------------------------- */

static AugStatus
pack_parts(const AugHost *host, const AugParts *parts, AugDecomposition **out, AugError *err)
{
	size_t n = parts->n;
	AugDecomposition *d =
		take_block(host, sizeof(*d), n, (3 + parts->n_periods) * sizeof(double), err);
	double *at;

	if (d == NULL)
		return AUG_NOMEM;
	at = (double *) (d + 1);
	d->n = n;
	d->n_periods = parts->n_periods;
	d->trend = put(&at, parts->trend, n);
	d->remainder = put(&at, parts->remainder, n);
	d->whole = put(&at, parts->whole, n);
	d->trend_strength = aug_strength_trend(parts);
	for (uint32_t i = 0; i < parts->n_periods; i++)
	{
		d->period[i] = parts->period[i];
		d->seasonal[i] = put(&at, parts->seasonal[i], n);
		d->strength[i] = aug_strength_season(parts, i);
	}
	*out = d;
	return AUG_OK;
}

AugStatus
aug_decompose(const AugHost *host, const AugSeries *series, bool robust, AugDecomposition **out,
			  AugError *err)
{
	AugArena arena;
	AugCast cast = {host, &arena, NULL, 0, err};
	AugParts parts;
	AugStatus status = check_series(series, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	aug_arena_init(&arena, host);
	status =
		aug_mstl(&cast, series->y, series->n, series->n_periods, series->period, robust, &parts);
	if (status == AUG_OK)
		status = pack_parts(host, &parts, out, err);
	aug_arena_free(&arena);
	return status;
}

/* ---- outliers and anomalies ------------------------------------------------------------ */

/*
 * Standard deviation by the median absolute remainder; by the mean when more than half
 * are nothing.
 */
static AugStatus
remainder_scale(AugCast *cast, const double *remainder, size_t n, double *out)
{
	double *v = aug_cast_doubles(cast, n), sum = 0;
	size_t m = 0;

	if (v == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < n; t++)
	{
		if (isnan(remainder[t]))
			continue;
		v[m++] = fabs(remainder[t]);
		sum += fabs(remainder[t]);
	}
	if (!aug_sort_scored(cast->host, v, NULL, NULL, m))
		return aug_fail_cancelled(cast->err);
	*out = aug_quantile_sorted(v, m, 0.5) / NORMAL_MEDIAN;
	if (!(*out > ROUNDING_SHARE * sum))
		*out = sum / (double) m / NORMAL_MEAN;
	return AUG_OK;
}

static AugStatus
find_anomalies(AugCast *cast, const AugSeries *s, double level, AugAnomalies **out)
{
	double *cleaned = aug_cast_doubles(cast, s->n), *at, scale = 0, largest = 0;
	double z = aug_normal_quantile(0.5 + level / 2);
	size_t n = s->n, n_outliers;
	AugParts parts;
	AugAnomalies *a;
	AugStatus status;

	if (cleaned == NULL)
		return AUG_NOMEM;
	status = aug_clean(cast, s, cleaned, &n_outliers);
	if (status == AUG_OK)
		status = aug_mstl(cast, cleaned, n, s->n_periods, s->period, true, &parts);
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < n; t++)
	{
		double expected = parts.trend[t];

		for (uint32_t i = 0; i < parts.n_periods; i++)
			expected += parts.seasonal[i][t];
		largest = fmax(largest, fabs(expected));
		parts.whole[t] = expected;
		parts.remainder[t] = s->y[t] - expected;
	}
	status = remainder_scale(cast, parts.remainder, n, &scale);
	if (status != AUG_OK)
		return status;
	if (!(scale > ROUNDING_SHARE * largest))
		scale = 0; /* an exact series: nothing is off by more than rounding */
	a = take_block(cast->host, sizeof(*a), n, 4 * sizeof(double), cast->err);
	if (a == NULL)
		return AUG_NOMEM;
	at = (double *) (a + 1);
	a->n = n;
	a->scale = scale;
	a->expected = put(&at, parts.whole, n);
	for (size_t t = 0; t < n; t++)
		cleaned[t] = parts.whole[t] - z * scale;
	a->lower = put(&at, cleaned, n);
	for (size_t t = 0; t < n; t++)
		cleaned[t] = parts.whole[t] + z * scale;
	a->upper = put(&at, cleaned, n);
	for (size_t t = 0; t < n; t++)
	{
		double e = parts.remainder[t];

		parts.remainder[t] = scale > 0 || isnan(e) ? e / scale : 0;
		a->n_outside += fabs(parts.remainder[t]) > z ? 1 : 0;
	}
	a->score = put(&at, parts.remainder, n);
	*out = a;
	return AUG_OK;
}

AugStatus
aug_anomalies(const AugHost *host, const AugSeries *series, double level, AugAnomalies **out,
			  AugError *err)
{
	AugArena arena;
	AugCast cast = {host, &arena, NULL, 0, err};
	AugStatus status = check_series(series, err);

	*out = NULL;
	if (status == AUG_OK && !(level > 0 && level < 1))
		status = aug_fail(err, AUG_INVALID, "level must be above 0 and below 1");
	if (status != AUG_OK)
		return status;
	aug_arena_init(&arena, host);
	status = find_anomalies(&cast, series, level, out);
	aug_arena_free(&arena);
	return status;
}

AugStatus
aug_outliers(const AugHost *host, const AugSeries *series, AugOutliers **out, AugError *err)
{
	AugArena arena;
	AugCast cast = {host, &arena, NULL, 0, err};
	AugStatus status = check_series(series, err);
	double *cleaned, *at;
	size_t n_outliers;

	*out = NULL;
	if (status != AUG_OK)
		return status;
	aug_arena_init(&arena, host);
	cleaned = aug_cast_doubles(&cast, series->n);
	status = cleaned == NULL ? AUG_NOMEM : aug_clean(&cast, series, cleaned, &n_outliers);
	if (status == AUG_OK)
		*out = take_block(host, sizeof(**out), series->n, sizeof(double), err);
	if (status == AUG_OK && *out == NULL)
		status = AUG_NOMEM;
	if (status == AUG_OK)
	{
		at = (double *) (*out + 1);
		(*out)->n = series->n;
		(*out)->n_outliers = n_outliers;
		(*out)->cleaned = put(&at, cleaned, series->n);
	}
	aug_arena_free(&arena);
	return status;
}

/* ---- changes ------------------------------------------------------------------------------ */

AugStatus
aug_changepoints(const AugHost *host, const AugSeries *series, uint32_t least, double penalty,
				 AugChanges **out, AugError *err)
{
	AugArena arena;
	AugCast cast = {host, &arena, NULL, 0, err};
	AugStatus status = check_series(series, err);
	AugChange *change;
	size_t n_changes = 0;

	*out = NULL;
	if (status == AUG_OK && least < 1)
		status = aug_fail(err, AUG_INVALID, "segments must have at least one value");
	if (status == AUG_OK && !(penalty >= 0 && penalty <= 1e6))
		status = aug_fail(err, AUG_INVALID, "penalty must be between 0 and 1000000");
	if (status != AUG_OK)
		return status;
	aug_arena_init(&arena, host);
	change = aug_arena_alloc(&arena, series->n, sizeof(AugChange));
	if (change == NULL)
		status = aug_fail_nomem(err, series->n * sizeof(AugChange));
	else
		status = aug_find_changes(&cast, series, least, penalty, change, &n_changes);
	if (status == AUG_OK)
		*out = take_block(host, sizeof(**out), n_changes + 1, sizeof(AugChange), err);
	if (status == AUG_OK && *out == NULL)
		status = AUG_NOMEM;
	if (status == AUG_OK)
	{
		(*out)->n = n_changes;
		(*out)->change = memcpy(*out + 1, change, n_changes * sizeof(AugChange));
	}
	aug_arena_free(&arena);
	return status;
}
