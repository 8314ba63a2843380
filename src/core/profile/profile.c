/*-------------------------------------------------------------------------
 *
 * profile.c
 *		Making, filling, merging and reading profiles.
 *
 * Moments are sums of powers of deviations from the mean, taken over blocks of values and put
 * together pairwise (Pebay 2008, SAND2008-6212), so that neither large means nor many values
 * cost digits.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "profile.h"

#define BLOCK 256

AugStatus
aug_profile_new(const AugHost *host, AugProfileKind kind, uint32_t tag, AugProfile **out,
				AugError *err)
{
	AugProfile *p = host->alloc(host->arg, sizeof(AugProfile));

	*out = p;
	if (p == NULL)
		return aug_fail_nomem(err, sizeof(AugProfile));
	memset(p, 0, sizeof(*p));
	p->host = host;
	p->kind = kind;
	p->tag = tag;
	p->low = INFINITY;
	p->high = -INFINITY;
	p->quantiles.n_levels = 1;
	aug_quantiles_count(&p->quantiles);
	return AUG_OK;
}

void
aug_profile_free(AugProfile *p)
{
	const AugHost *host;

	if (p == NULL)
		return;
	host = p->host;
	aug_quantiles_free(host, &p->quantiles);
	aug_labels_free(host, &p->labels);
	host->release(host->arg, p);
}

static AugStatus
check_rows(const AugProfile *p, uint64_t n, AugError *err)
{
	if (n > AUG_PROFILE_ROWS || p->n + p->nulls + p->nans + p->infinite > AUG_PROFILE_ROWS - n)
		return aug_fail(err, AUG_LIMIT, "profile would have more than 2^48 values");
	return AUG_OK;
}

/* ---- filling ---------------------------------------------------------- */

/* Adds the moments of n values to those of p; n > 0. */
static void
add_moments(AugProfile *p, double n, double mean, double m2, double m3, double m4)
{
	double a = (double) p->n, all = a + n, delta = mean - p->mean;
	double of_a = a / all, of_b = n / all, step = delta * delta * of_a * of_b;

	p->m4 += m4 + step * delta * delta * all * (of_a * of_a - of_a * of_b + of_b * of_b) +
			 6 * delta * delta * (of_a * of_a * m2 + of_b * of_b * p->m2) +
			 4 * delta * (of_a * m3 - of_b * p->m3);
	p->m3 += m3 + step * delta * all * (of_a - of_b) + 3 * delta * (of_a * m2 - of_b * p->m2);
	p->m2 += m2 + step * all;
	p->mean += delta * of_b;
}

/* n finite values, n > 0. */
static AugStatus
add_block(AugProfile *p, const double *v, size_t n, AugError *err)
{
	double low = v[0], high = v[0], sum[4] = {0}, mean, m2 = 0, m3 = 0, m4 = 0;
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t k = 0; k < 4; k++)
			sum[k] += v[i + k];
	for (; i < n; i++)
		sum[0] += v[i];
	mean = ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (double) n;
	for (i = 0; i < n; i++)
	{
		double d = v[i] - mean, square = d * d;

		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
		m2 += square;
		m3 += square * d;
		m4 += square * square;
	}
	p->low = fmin(p->low, low);
	p->high = fmax(p->high, high);
	add_moments(p, (double) n, mean, m2, m3, m4);
	p->n += n;
	aug_distinct_numbers(&p->distinct, v, n);
	return aug_quantiles_add(p->host, &p->quantiles, v, n, err);
}

AugStatus
aug_profile_add(AugProfile *p, const double *v, size_t n, AugError *err)
{
	double block[BLOCK];
	AugStatus status = check_rows(p, n, err);

	if (p->kind != AUG_PROFILE_NUMBERS)
		return aug_fail(err, AUG_INTERNAL, "profile is not of numbers");
	for (size_t i = 0; i < n && status == AUG_OK;)
	{
		size_t size = n - i < BLOCK ? n - i : BLOCK, kept = 0;
		unsigned usable = 1;

		for (size_t k = 0; k < size; k++)
			usable &= fabs(v[i + k]) <= AUG_PROFILE_LARGEST;
		if (usable)
			status = add_block(p, v + i, size, err);
		else
		{
			for (size_t k = 0; k < size; k++)
			{
				block[kept] = v[i + k];
				if (fabs(v[i + k]) <= AUG_PROFILE_LARGEST)
					kept++;
				else if (isnan(v[i + k]))
					p->nans++;
				else
					p->infinite++;
			}
			if (kept > 0)
				status = add_block(p, block, kept, err);
		}
		i += size;
	}
	return status;
}

AugStatus
aug_profile_add_label(AugProfile *p, const char *bytes, size_t length, uint64_t count,
					  AugError *err)
{
	uint64_t hash = aug_hash(bytes, length, HASH_SEED);
	AugStatus status = check_rows(p, count, err);
	size_t shown = length;

	if (status != AUG_OK)
		return status;
	if (p->kind != AUG_PROFILE_WORDS)
		return aug_fail(err, AUG_INTERNAL, "profile is not of labels");
	if (length > AUG_PROFILE_LABEL_BYTES)
	{
		shown = AUG_PROFILE_LABEL_BYTES;
		/* not within a character of UTF-8, which has four bytes at most */
		while (shown > AUG_PROFILE_LABEL_BYTES - 3 && ((uint8_t) bytes[shown] & 0xC0) == 0x80)
			shown--;
	}
	aug_distinct_add(&p->distinct, hash);
	status = aug_labels_add(p->host, &p->labels, hash, bytes, shown, shown < length, count, err);
	if (status == AUG_OK)
		p->n += count;
	return status;
}

AugStatus
aug_profile_add_nulls(AugProfile *p, uint64_t n, AugError *err)
{
	AugStatus status = check_rows(p, n, err);

	if (status == AUG_OK)
		p->nulls += n;
	return status;
}

AugStatus
aug_profile_merge(AugProfile *into, AugProfile *from, AugError *err)
{
	AugStatus status;

	if (into->kind != from->kind || into->tag != from->tag)
		return aug_fail(err, AUG_INVALID, "profiles of different types cannot be merged");
	status = check_rows(into, from->n + from->nulls + from->nans + from->infinite, err);
	if (status != AUG_OK)
		return status;
	into->nulls += from->nulls;
	into->nans += from->nans;
	into->infinite += from->infinite;
	if (from->n == 0)
		return AUG_OK;
	into->low = fmin(into->low, from->low);
	into->high = fmax(into->high, from->high);
	add_moments(into, (double) from->n, from->mean, from->m2, from->m3, from->m4);
	into->n += from->n;
	aug_distinct_merge(&into->distinct, &from->distinct);
	return into->kind == AUG_PROFILE_NUMBERS
			   ? aug_quantiles_merge(into->host, &into->quantiles, &from->quantiles, err)
			   : aug_labels_merge(into->host, &into->labels, &from->labels, err);
}

/* ---- reading ---------------------------------------------------------- */

/* Distinct numbers of a sketch that has them all. */
static AugStatus
count_distinct(const AugProfile *p, double *out, AugError *err)
{
	double *value, *weight;
	uint32_t n;
	AugStatus status = aug_quantiles_steps(p->host, &p->quantiles, &value, &weight, &n, err);

	*out = 0;
	if (status != AUG_OK)
		return status;
	for (uint32_t i = 0; i < n; i++)
		*out += i == 0 || value[i] != value[i - 1] ? 1 : 0;
	p->host->release(p->host->arg, value);
	p->host->release(p->host->arg, weight);
	return AUG_OK;
}

AugStatus
aug_profile_info(AugProfile *p, AugProfileInfo *info, AugError *err)
{
	bool numbers = p->kind == AUG_PROFILE_NUMBERS;
	double n = (double) p->n, variance = p->m2 / n;

	*info = (AugProfileInfo){.kind = p->kind,
							 .tag = p->tag,
							 .n = p->n,
							 .nulls = p->nulls,
							 .nans = p->nans,
							 .infinite = p->infinite,
							 .low = NAN,
							 .high = NAN,
							 .mean = NAN,
							 .sd = NAN,
							 .skewness = NAN,
							 .kurtosis = NAN};
	if (!numbers)
	{
		aug_labels_settle(p->host, &p->labels);
		info->n_labels = p->labels.n;
		info->label_error = p->labels.error;
		info->other = p->n - aug_labels_sum(&p->labels);
		info->exact = p->labels.error == 0;
		info->distinct = info->exact ? p->labels.n : round(aug_distinct_estimate(&p->distinct));
		return AUG_OK;
	}
	info->exact = p->quantiles.n_levels == 1;
	if (p->n > 0)
	{
		info->low = p->low + 0.0; /* -0 becomes 0 */
		info->high = p->high + 0.0;
		info->mean = p->mean;
	}
	if (p->n > 1)
		info->sd = sqrt(p->m2 / (n - 1));
	if (p->n > 0 && variance > 0)
	{
		info->skewness = p->m3 / n / (variance * sqrt(variance));
		info->kurtosis = p->m4 / n / (variance * variance) - 3;
	}
	if (info->exact)
		return count_distinct(p, &info->distinct, err);
	info->distinct = fmin(round(aug_distinct_estimate(&p->distinct)), n);
	return AUG_OK;
}

AugStatus
aug_profile_quantiles(AugProfile *p, const double *share, size_t n, double *out, AugError *err)
{
	double *value, *weight, all = (double) p->n;
	uint32_t items;
	AugStatus status = aug_quantiles_steps(p->host, &p->quantiles, &value, &weight, &items, err);

	if (status != AUG_OK)
		return status;
	for (size_t i = 0; i < n; i++)
	{
		double want = share[i] * all, sum = 0;
		uint32_t k = 0;

		out[i] = NAN;
		if (items == 0)
			continue;
		/* the extremes are known exactly; rounding must not go past a whole number of values */
		want = want > 0 ? ceil(want * (1 - 1e-15)) : 0;
		while (k < items - 1 && sum + weight[k] < want)
			sum += weight[k++];
		out[i] = (want <= 1 ? p->low : want >= all ? p->high : value[k]) + 0.0; /* -0 becomes 0 */
	}
	p->host->release(p->host->arg, value);
	p->host->release(p->host->arg, weight);
	return AUG_OK;
}

AugStatus
aug_profile_ranks(AugProfile *p, const double *v, size_t n, double *out, AugError *err)
{
	double *value, *weight, all = (double) p->n;
	uint32_t items;
	AugStatus status = aug_quantiles_steps(p->host, &p->quantiles, &value, &weight, &items, err);

	if (status != AUG_OK)
		return status;
	for (size_t i = 0; i < n; i++)
	{
		double sum = 0;

		for (uint32_t k = 0; k < items && value[k] <= v[i]; k++)
			sum += weight[k];
		out[i] = items == 0 || isnan(v[i]) ? NAN
				 : v[i] >= p->high		   ? 1
				 : v[i] < p->low		   ? 0
										   : sum / all;
	}
	p->host->release(p->host->arg, value);
	p->host->release(p->host->arg, weight);
	return AUG_OK;
}

AugStatus
aug_profile_labels(AugProfile *p, const AugProfileLabel **out, AugError *err)
{
	Labels *labels = &p->labels;

	*out = NULL;
	if (p->kind != AUG_PROFILE_WORDS || labels->n == 0)
		return AUG_OK;
	aug_labels_settle(p->host, labels);
	labels->shown = p->host->alloc(p->host->arg, (labels->n + 1) * sizeof(AugProfileLabel));
	if (labels->shown == NULL)
		return aug_fail_nomem(err, labels->n * sizeof(AugProfileLabel));
	for (uint32_t i = 0; i < labels->n; i++)
		labels->shown[i] = (AugProfileLabel){labels->label[i].bytes, labels->label[i].length,
											 labels->label[i].cut, labels->label[i].count};
	*out = labels->shown;
	return AUG_OK;
}
