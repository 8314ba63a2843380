/*-------------------------------------------------------------------------
 *
 * rank.c
 *		Metrics of a ranking of two classes: AUC and average precision.
 *
 * AUC is the chance that a positive scores above a negative, ties counting one
 * half.  Its standard error is that of DeLong, DeLong and Clarke-Pearson (1988),
 * computed from one sorted pass (Sun and Xu 2014); with weights, sums of squares
 * take squared weights and the counts are Kish's effective ones, which for equal
 * weights is DeLong's formula.
 *
 * Average precision is the sum of precision times the growth of recall over the
 * distinct scores from the top, without interpolation.
 *
 * Memory: none; the arrays are sorted in place.  Interrupts: the sort polls, the
 * passes every 65,536 groups of equal scores.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "../sort.h"
#include "metric.h"

typedef struct Totals
{
	double w[2];  /* weight of negatives, positives */
	double w2[2]; /* of squared weights */
} Totals;

static Totals
totals_of(const uint8_t *label, const double *weight, size_t begin, size_t end)
{
	Totals t = {{0, 0}, {0, 0}};

	for (size_t i = begin; i < end; i++)
	{
		double w = weight == NULL ? 1 : weight[i];
		int k = label[i] != 0;

		t.w[k] += w;
		t.w2[k] += w * w;
	}
	return t;
}

static inline size_t
ties_end(const double *score, size_t n, size_t i)
{
	size_t j = i + 1;

	while (j < n && score[j] == score[i])
		j++;
	return j;
}

static bool
stop_now(const AugHost *host, size_t *groups)
{
	return ++*groups % AUG_METRIC_POLL == 0 && host->poll(host->arg, -1);
}

/*
 * Variance of the mean of one side's components, from the sum of squared weight
 * times squared deviation.
 */
static double
side_variance(double sum, double w, double w2)
{
	double n = w * w / w2;

	return n > 1 ? sum / (w * w) * (n / (n - 1)) : NAN;
}

/*
 * See augur.h.
 */
AugStatus
aug_auc(const AugHost *host, double *score, uint8_t *label, double *weight, size_t n, double *value,
		double *standard_error, AugError *err)
{
	Totals all;
	double below[2] = {0, 0}, area = 0, sum[2] = {0, 0};
	size_t groups = 0;

	*value = NAN;
	if (standard_error != NULL)
		*standard_error = NAN;
	if (!aug_sort_scored(host, score, label, weight, n))
		return aug_fail_cancelled(err);
	all = totals_of(label, weight, 0, n);
	if (!(all.w[0] > 0 && all.w[1] > 0))
		return AUG_OK;

	for (size_t i = 0, j; i < n; i = j)
	{
		Totals t;

		j = ties_end(score, n, i);
		t = totals_of(label, weight, i, j);
		area += t.w[1] * (below[0] + t.w[0] / 2);
		below[0] += t.w[0];
		if (stop_now(host, &groups))
			return aug_fail_cancelled(err);
	}
	*value = area / (all.w[0] * all.w[1]);
	if (standard_error == NULL)
		return AUG_OK;

	below[0] = 0;
	for (size_t i = 0, j; i < n; i = j)
	{
		Totals t;
		double positive, negative;

		j = ties_end(score, n, i);
		t = totals_of(label, weight, i, j);
		/* share of the other class that members of this group beat, or lose to */
		positive = (below[0] + t.w[0] / 2) / all.w[0] - *value;
		negative = (all.w[1] - below[1] - t.w[1] / 2) / all.w[1] - *value;
		sum[1] += t.w2[1] * positive * positive;
		sum[0] += t.w2[0] * negative * negative;
		below[0] += t.w[0];
		below[1] += t.w[1];
		if (stop_now(host, &groups))
			return aug_fail_cancelled(err);
	}
	*standard_error = sqrt(side_variance(sum[0], all.w[0], all.w2[0]) +
						   side_variance(sum[1], all.w[1], all.w2[1]));
	return AUG_OK;
}

/*
 * See augur.h.
 */
AugStatus
aug_pr_auc(const AugHost *host, double *score, uint8_t *label, double *weight, size_t n,
		   double *value, AugError *err)
{
	Totals all;
	double above[2] = {0, 0}, area = 0;
	size_t groups = 0;

	*value = NAN;
	if (!aug_sort_scored(host, score, label, weight, n))
		return aug_fail_cancelled(err);
	all = totals_of(label, weight, 0, n);
	if (!(all.w[1] > 0))
		return AUG_OK;

	for (size_t end = n, begin; end > 0; end = begin)
	{
		Totals t;

		begin = end - 1;
		while (begin > 0 && score[begin - 1] == score[end - 1])
			begin--;
		t = totals_of(label, weight, begin, end);
		above[0] += t.w[0];
		above[1] += t.w[1];
		area += t.w[1] / all.w[1] * (above[1] / (above[0] + above[1]));
		if (stop_now(host, &groups))
			return aug_fail_cancelled(err);
	}
	*value = area;
	return AUG_OK;
}
