/*-------------------------------------------------------------------------
 *
 * classify.c
 *		Metrics of a classification.
 *
 * Two classes (class 1 is the positive one): auc, pr_auc, log_loss, brier,
 * accuracy, balanced_accuracy, f1, mcc, precision, recall.
 * Other numbers: log_loss, accuracy, balanced_accuracy, f1, mcc, precision,
 * recall, brier, auc, where f1, precision and recall are means over the classes,
 * and auc the mean of one class against the rest, for up to 64 classes.
 * Then precision, recall and f1 of each class.
 *
 *	The predicted class is the most probable one, the first of equals.
 *	log_loss	mean of -ln(p of the true class), p kept in [eps, 1 - eps], eps = 2^-52
 *	brier		two classes: mean of (p1 - y)^2; more: of the squares over all classes
 *	balanced_accuracy	mean recall of the classes that occur
 *	mcc			Matthews 1975; more than two classes: Gorodkin 2004; 0 when one
 *				side has one class only
 *	precision	0 for a class that is never predicted; recall: NaN for a class that
 *				does not occur, which is then left out of means
 *
 * 95 % intervals: accuracy, and precision and recall of a class: Wilson's; auc of
 * two classes: DeLong's on the logit scale; log_loss and brier: the normal one of a
 * mean.  The others have none.
 *
 * Memory: one copy of scores, labels and weights for sorting, three numbers a
 * class.  Interrupts: polls every 65,536 rows, and in the sort.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../arena.h"
#include "metric.h"

#define MAX_AUC_CLASSES 64

typedef struct Holdout
{
	const AugHost *host;
	const double *proba;
	const uint32_t *label;
	const double *weight;
	uint32_t n;
	uint32_t n_classes;
} Holdout;

/* Sums over the rows. */
typedef struct Counts
{
	AugMean log_loss;
	AugMean brier;
	AugMean correct;
	AugMean *true_in_actual;	/* [n_classes] over rows of the class: predicted so? */
	AugMean *true_in_predicted; /* [n_classes] over rows predicted so: right? */
} Counts;

double
aug_metric_log_loss(double p)
{
	return -log(p < DBL_EPSILON ? DBL_EPSILON : p > 1 - DBL_EPSILON ? 1 - DBL_EPSILON : p);
}

double
aug_metric_f1(double tp, double fp, double fn)
{
	return tp + fp + fn > 0 ? 2 * tp / (2 * tp + fp + fn) : NAN;
}

double
aug_metric_mcc(double tp, double fp, double fn, double tn)
{
	double a = tp + fp, b = tp + fn, c = tn + fp, d = tn + fn;

	if (!(a + d > 0))
		return NAN;
	if (!(a > 0 && b > 0 && c > 0 && d > 0))
		return 0;
	/* two roots: the product of four weighted counts could overflow */
	return (tp * tn - fp * fn) / (sqrt(a * b) * sqrt(c * d));
}

static uint32_t
most_probable(const double *p, uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t k = 1; k < n; k++)
	{
		if (p[k] > p[best])
			best = k;
	}
	return best;
}

static double
brier_of(const double *p, uint32_t label, uint32_t n)
{
	double sum = 0;

	if (n == 2)
		return (p[1] - label) * (p[1] - label);
	for (uint32_t k = 0; k < n; k++)
		sum += (p[k] - (k == label)) * (p[k] - (k == label));
	return sum;
}

static AugStatus
count_rows(const Holdout *h, Counts *c, AugError *err)
{
	/* rows with many classes take long: poll by cells, not by rows */
	uint32_t every = AUG_METRIC_POLL / h->n_classes + 1;

	for (uint32_t i = 0; i < h->n; i++)
	{
		const double *p = h->proba + (size_t) i * h->n_classes;
		uint32_t label = h->label[i], guess = most_probable(p, h->n_classes);
		double w = h->weight == NULL ? 1 : h->weight[i], right = guess == label;

		if (i % every == every - 1 && h->host->poll(h->host->arg, (double) i / h->n))
			return aug_fail_cancelled(err);
		aug_mean_add(&c->log_loss, aug_metric_log_loss(p[label]), w);
		aug_mean_add(&c->brier, brier_of(p, label, h->n_classes), w);
		aug_mean_add(&c->correct, right, w);
		aug_mean_add(&c->true_in_actual[label], right, w);
		aug_mean_add(&c->true_in_predicted[guess], right, w);
	}
	return AUG_OK;
}

/*
 * Copies the scores of class k, and its labels as one against the rest.
 */
static void
copy_class(const Holdout *h, uint32_t k, double *score, uint8_t *label, double *weight)
{
	for (uint32_t i = 0; i < h->n; i++)
	{
		score[i] = h->proba[(size_t) i * h->n_classes + k];
		label[i] = h->label[i] == k;
	}
	if (weight != NULL)
		memcpy(weight, h->weight, h->n * sizeof(double));
}

typedef struct Ranking
{
	double auc;
	double auc_error; /* two classes only */
	double pr_auc;	  /* two classes only */
} Ranking;

static AugStatus
rank_classes(const Holdout *h, AugArena *arena, Ranking *ranking, AugError *err)
{
	double *score = aug_arena_alloc(arena, h->n, sizeof(double));
	uint8_t *label = aug_arena_alloc(arena, h->n, 1);
	double *weight = NULL;
	double sum = 0;
	AugStatus status = AUG_OK;

	if (h->weight != NULL)
		weight = aug_arena_alloc(arena, h->n, sizeof(double));
	if (score == NULL || label == NULL || (weight == NULL && h->weight != NULL))
		return aug_fail_nomem(err, h->n * sizeof(double));

	if (h->n_classes == 2)
	{
		copy_class(h, 1, score, label, weight);
		status =
			aug_auc(h->host, score, label, weight, h->n, &ranking->auc, &ranking->auc_error, err);
		/* sorted by now, so the second sort is quick */
		if (status == AUG_OK)
			status = aug_pr_auc(h->host, score, label, weight, h->n, &ranking->pr_auc, err);
		return status;
	}
	for (uint32_t k = 0; k < h->n_classes && status == AUG_OK; k++)
	{
		double auc;

		copy_class(h, k, score, label, weight);
		status = aug_auc(h->host, score, label, weight, h->n, &auc, NULL, err);
		sum += auc; /* NaN when the class does not occur */
	}
	ranking->auc = sum / h->n_classes;
	return status;
}

/*
 * DeLong's interval on the logit scale, which stays within 0..1; none at the
 * ends, where the error is not known.
 */
static void
auc_interval(AugMetric *metric, double error)
{
	double a = metric->value, logit, reach;

	if (!(a > 0 && a < 1) || isnan(error))
		return;
	logit = log(a / (1 - a));
	reach = AUG_METRIC_Z * error / (a * (1 - a));
	metric->lower = 1 / (1 + exp(reach - logit));
	metric->upper = 1 / (1 + exp(-reach - logit));
}

/* ---- of one class ----------------------------------------------------- */

static double
class_tp(const Counts *c, uint32_t k)
{
	return c->true_in_actual[k].mean * c->true_in_actual[k].w;
}

static double
class_recall(const Counts *c, uint32_t k)
{
	return c->true_in_actual[k].w > 0 ? c->true_in_actual[k].mean : NAN;
}

static double
class_precision(const Counts *c, uint32_t k)
{
	if (c->true_in_actual[k].w > 0 || c->true_in_predicted[k].w > 0)
		return c->true_in_predicted[k].mean;
	return NAN;
}

/* The weights of what was predicted and what was there are summed apart, so a
 * class that is all right may miss by rounding: the differences stop at 0. */
static double
class_f1(const Counts *c, uint32_t k)
{
	double tp = class_tp(c, k);

	return aug_metric_f1(tp, fmax(0, c->true_in_predicted[k].w - tp),
						 fmax(0, c->true_in_actual[k].w - tp));
}

/* Mean of a class statistic over the classes that have one. */
static double
class_mean(const Counts *c, uint32_t n_classes, double (*of)(const Counts *, uint32_t))
{
	double sum = 0;
	uint32_t n = 0;

	for (uint32_t k = 0; k < n_classes; k++)
	{
		double value = of(c, k);

		if (!isnan(value))
		{
			sum += value;
			n++;
		}
	}
	return n > 0 ? sum / n : NAN;
}

/*
 * Gorodkin's coefficient; equal to Matthews's for two classes.
 */
static double
mcc_of(const Counts *c, uint32_t n_classes)
{
	double s = c->correct.w, right = c->correct.mean, cross = 0, predicted = 0, actual = 0;

	if (!(s > 0))
		return NAN;
	for (uint32_t k = 0; k < n_classes; k++)
	{
		double p = c->true_in_predicted[k].w / s, t = c->true_in_actual[k].w / s;

		cross += p * t;
		predicted += p * p;
		actual += t * t;
	}
	/* a side with one class sums to 1 but for rounding */
	if (1 - predicted < 1e-14 || 1 - actual < 1e-14)
		return 0;
	return (right - cross) / (sqrt(1 - predicted) * sqrt(1 - actual));
}

/* ---- all together ----------------------------------------------------- */

static void
put_probable(AugMetric *out, uint32_t *n_out, const char *name, const AugMean *mean, double hi)
{
	AugMetric *metric = aug_metric_put(out, n_out, name, -1, mean->w > 0 ? mean->mean : NAN, false);

	aug_metric_normal(metric, aug_mean_error(mean), 0, hi);
}

static void
put_overall(const Counts *c, uint32_t n_classes, AugMetric *out, uint32_t *n_out)
{
	bool binary = n_classes == 2;
	AugMetric *metric;

	metric =
		aug_metric_put(out, n_out, "accuracy", -1, c->correct.w > 0 ? c->correct.mean : NAN, true);
	aug_metric_wilson(metric, aug_mean_effective(&c->correct));
	aug_metric_put(out, n_out, "balanced_accuracy", -1, class_mean(c, n_classes, class_recall),
				   true);
	aug_metric_put(out, n_out, "f1", -1,
				   binary ? class_f1(c, 1) : class_mean(c, n_classes, class_f1), true);
	aug_metric_put(out, n_out, "mcc", -1, mcc_of(c, n_classes), true);
	metric = aug_metric_put(
		out, n_out, "precision", -1,
		binary ? class_precision(c, 1) : class_mean(c, n_classes, class_precision), true);
	if (binary)
		aug_metric_wilson(metric, aug_mean_effective(&c->true_in_predicted[1]));
	metric = aug_metric_put(out, n_out, "recall", -1,
							binary ? class_recall(c, 1) : class_mean(c, n_classes, class_recall),
							true);
	if (binary)
		aug_metric_wilson(metric, aug_mean_effective(&c->true_in_actual[1]));
}

static void
put_classes(const Counts *c, uint32_t n_classes, AugMetric *out, uint32_t *n_out)
{
	for (uint32_t k = 0; k < n_classes; k++)
	{
		AugMetric *metric;

		metric = aug_metric_put(out, n_out, "precision", (int32_t) k, class_precision(c, k), true);
		aug_metric_wilson(metric, aug_mean_effective(&c->true_in_predicted[k]));
		metric = aug_metric_put(out, n_out, "recall", (int32_t) k, class_recall(c, k), true);
		aug_metric_wilson(metric, aug_mean_effective(&c->true_in_actual[k]));
		aug_metric_put(out, n_out, "f1", (int32_t) k, class_f1(c, k), true);
	}
}

static AugStatus
classify(const Holdout *h, AugArena *arena, AugMetric *out, uint32_t *n_out, AugError *err)
{
	Counts c;
	Ranking ranking = {NAN, NAN, NAN};
	bool binary = h->n_classes == 2;
	AugStatus status;

	memset(&c, 0, sizeof(c));
	c.true_in_actual = aug_arena_zero(arena, h->n_classes, sizeof(AugMean));
	c.true_in_predicted = aug_arena_zero(arena, h->n_classes, sizeof(AugMean));
	if (c.true_in_actual == NULL || c.true_in_predicted == NULL)
		return aug_fail_nomem(err, h->n_classes * sizeof(AugMean));
	status = count_rows(h, &c, err);
	if (status == AUG_OK && h->n_classes > 1 && h->n_classes <= MAX_AUC_CLASSES)
		status = rank_classes(h, arena, &ranking, err);
	if (status != AUG_OK)
		return status;

	if (binary)
	{
		auc_interval(aug_metric_put(out, n_out, "auc", -1, ranking.auc, true), ranking.auc_error);
		aug_metric_put(out, n_out, "pr_auc", -1, ranking.pr_auc, true);
	}
	put_probable(out, n_out, "log_loss", &c.log_loss, INFINITY);
	put_probable(out, n_out, "brier", &c.brier, binary ? 1 : 2);
	put_overall(&c, h->n_classes, out, n_out);
	if (!binary && h->n_classes > 1 && h->n_classes <= MAX_AUC_CLASSES)
		aug_metric_put(out, n_out, "auc", -1, ranking.auc, true);
	put_classes(&c, h->n_classes, out, n_out);
	return AUG_OK;
}

/*
 * See augur.h.  The labels must be below n_classes.
 */
AugStatus
aug_metrics_classify(const AugHost *host, const double *proba, const uint32_t *label,
					 const double *weight, uint32_t n, uint32_t n_classes, AugMetric *out,
					 uint32_t *n_out, AugError *err)
{
	Holdout h = {host, proba, label, weight, n, n_classes};
	AugArena arena;
	AugStatus status;

	*n_out = 0;
	if (n_classes == 0)
		return aug_fail(err, AUG_INVALID, "a classification has at least one class");
	aug_arena_init(&arena, host);
	status = classify(&h, &arena, out, n_out, err);
	aug_arena_free(&arena);
	if (status != AUG_OK)
		*n_out = 0;
	return status;
}
