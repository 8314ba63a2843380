/*-------------------------------------------------------------------------
 *
 * gain.c
 *		By how much one model is better than another on the same rows, and how sure that is.
 *
 * Both models see the same rows, so what they have in common cancels: the interval is that
 * of the paired difference, far narrower than those of the two metrics.
 *
 *	auc			DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837: variance of the
 *				difference of the placements of each row
 *	log_loss	mean of the differences of the rows' losses
 *	rmse		the delta method: squared errors over twice their root mean, differences of
 *				which average to the difference of the roots to first order
 *
 * Rows are taken as independent: of repeated measurements of few keys the interval is too
 * narrow.
 *
 * Memory: for auc 33 bytes a row; none for the others.  Interrupts: as rank.c and every
 * 65,536 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "metric.h"

static void
set_gain(AugGain *out, const char *metric, double gain, double error)
{
	out->metric = metric;
	out->gain = gain;
	out->lower = gain - AUG_METRIC_Z * error;
	out->upper = gain + AUG_METRIC_Z * error;
}

/* ---- means of paired losses ------------------------------------------- */

AugStatus
aug_gain_log_loss(const AugHost *host, const double *a, const double *b, const double *weight,
				  size_t n, AugGain *out, AugError *err)
{
	AugMean mean = {0, 0, 0, 0};

	for (size_t i = 0; i < n; i++)
	{
		aug_mean_add(&mean, aug_metric_log_loss(b[i]) - aug_metric_log_loss(a[i]),
					 weight == NULL ? 1 : weight[i]);
		if (i % AUG_METRIC_POLL == AUG_METRIC_POLL - 1 && host->poll(host->arg, -1))
			return aug_fail_cancelled(err);
	}
	set_gain(out, "log_loss", n > 0 ? mean.mean : NAN, aug_mean_error(&mean));
	return AUG_OK;
}

static double
root_mean_square(const double *predicted, const double *y, const double *weight, size_t n)
{
	AugMean mean = {0, 0, 0, 0};

	for (size_t i = 0; i < n; i++)
		aug_mean_add(&mean, (predicted[i] - y[i]) * (predicted[i] - y[i]),
					 weight == NULL ? 1 : weight[i]);
	return n > 0 ? sqrt(mean.mean) : NAN;
}

AugStatus
aug_gain_rmse(const AugHost *host, const double *a, const double *b, const double *y,
			  const double *weight, size_t n, AugGain *out, AugError *err)
{
	double of_a = root_mean_square(a, y, weight, n), of_b = root_mean_square(b, y, weight, n);
	AugMean mean = {0, 0, 0, 0};

	for (size_t i = 0; i < n; i++)
	{
		double e = a[i] - y[i], f = b[i] - y[i];

		/* a perfect model's errors are 0, and so is their share */
		aug_mean_add(&mean,
					 (of_b > 0 ? f * f / (2 * of_b) : 0) - (of_a > 0 ? e * e / (2 * of_a) : 0),
					 weight == NULL ? 1 : weight[i]);
		if (i % AUG_METRIC_POLL == AUG_METRIC_POLL - 1 && host->poll(host->arg, -1))
			return aug_fail_cancelled(err);
	}
	set_gain(out, "rmse", of_b - of_a, aug_mean_error(&mean));
	return AUG_OK;
}

/* ---- area under the curve --------------------------------------------- */

typedef struct Room
{
	double *score, *index, *placement[2];
	uint8_t *label;
} Room;

static void
free_room(const AugHost *host, Room *r)
{
	host->release(host->arg, r->score);
	host->release(host->arg, r->index);
	host->release(host->arg, r->placement[0]);
	host->release(host->arg, r->placement[1]);
	host->release(host->arg, r->label);
}

static bool
take_room(const AugHost *host, size_t n, Room *r)
{
	memset(r, 0, sizeof(*r));
	if (n > SIZE_MAX / sizeof(double))
		return false;
	r->score = host->alloc(host->arg, n * sizeof(double));
	r->index = host->alloc(host->arg, n * sizeof(double));
	r->placement[0] = host->alloc(host->arg, n * sizeof(double));
	r->placement[1] = host->alloc(host->arg, n * sizeof(double));
	r->label = host->alloc(host->arg, n);
	return r->score != NULL && r->index != NULL && r->placement[0] != NULL &&
		   r->placement[1] != NULL && r->label != NULL;
}

/*
 * placement [n]: of a positive the share of negatives that score below it, of a negative the
 * share of positives that score above it, ties counting one half.
 */
static AugStatus
place(const AugHost *host, const double *score, const uint8_t *label, const double *weight,
	  size_t n, const double total[2], Room *r, double *placement, AugError *err)
{
	double below[2] = {0, 0};

	for (size_t i = 0; i < n; i++)
	{
		r->score[i] = score[i];
		r->label[i] = label[i];
		r->index[i] = (double) i;
	}
	if (!aug_sort_scored(host, r->score, r->label, r->index, n))
		return aug_fail_cancelled(err);
	for (size_t i = 0, j; i < n; i = j)
	{
		double tied[2] = {0, 0};

		for (j = i; j < n && r->score[j] == r->score[i]; j++)
			tied[r->label[j] != 0] += weight == NULL ? 1 : weight[(size_t) r->index[j]];
		for (size_t k = i; k < j; k++)
			placement[(size_t) r->index[k]] = r->label[k] != 0
												  ? (below[0] + tied[0] / 2) / total[0]
												  : (total[1] - below[1] - tied[1] / 2) / total[1];
		below[0] += tied[0];
		below[1] += tied[1];
	}
	return AUG_OK;
}

/* Gain and its standard error from the placements of both models. */
static void
paired(const Room *r, const uint8_t *label, const double *weight, size_t n, AugGain *out)
{
	double gain[2], variance = 0;

	for (int k = 0; k < 2; k++)
	{
		AugMean mean = {0, 0, 0, 0};
		double error;

		for (size_t i = 0; i < n; i++)
			if ((label[i] != 0) == (k == 1))
				aug_mean_add(&mean, r->placement[0][i] - r->placement[1][i],
							 weight == NULL ? 1 : weight[i]);
		error = aug_mean_error(&mean);
		gain[k] = mean.mean;
		variance += error * error;
	}
	/* both sides average to the same */
	set_gain(out, "auc", gain[1], sqrt(variance));
}

AugStatus
aug_gain_auc(const AugHost *host, const double *a, const double *b, const uint8_t *label,
			 const double *weight, size_t n, AugGain *out, AugError *err)
{
	double total[2] = {0, 0};
	AugStatus status = AUG_OK;
	Room r;

	set_gain(out, "auc", NAN, NAN);
	for (size_t i = 0; i < n; i++)
		total[label[i] != 0] += weight == NULL ? 1 : weight[i];
	if (!(total[0] > 0 && total[1] > 0))
		return AUG_OK;
	if (!take_room(host, n, &r))
		status = aug_fail_nomem(err, n * sizeof(double));
	if (status == AUG_OK)
		status = place(host, a, label, weight, n, total, &r, r.placement[0], err);
	if (status == AUG_OK)
		status = place(host, b, label, weight, n, total, &r, r.placement[1], err);
	if (status == AUG_OK)
		paired(&r, label, weight, n, out);
	free_room(host, &r);
	return status;
}
