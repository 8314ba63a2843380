/*-------------------------------------------------------------------------
 *
 * metric.h
 *		What the metric files share: collecting results, means with intervals.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_METRIC_H
#define AUG_METRIC_H

#include "../algorithm.h"

#define AUG_METRIC_Z	1.959963984540054 /* 97.5 % of the normal */
#define AUG_METRIC_POLL 65536			  /* rows between two polls */

/* Running weighted mean and variance (West 1979), and what intervals need. */
typedef struct AugMean
{
	double w;  /* sum of weights */
	double w2; /* sum of squared weights */
	double mean;
	double m2; /* weighted sum of squares about the mean */
} AugMean;

static inline void
aug_mean_add(AugMean *m, double value, double weight)
{
	double d = value - m->mean;

	m->w += weight;
	m->w2 += weight * weight;
	m->mean += d * (weight / m->w);
	m->m2 += weight * d * (value - m->mean);
}

/* Rows that equal weights would have to be to tell as much (Kish 1965). */
static inline double
aug_mean_effective(const AugMean *m)
{
	return m->w2 > 0 ? m->w * m->w / m->w2 : 0;
}

/* Standard error of the mean; NaN with less than two effective rows. */
extern double aug_mean_error(const AugMean *m);

/* Appends a metric without an interval; the caller may fill one in. */
extern AugMetric *aug_metric_put(AugMetric *out, uint32_t *n_out, const char *name,
								 int32_t class_index, double value, bool higher);
/* Normal interval of value with that standard error, within lo .. hi. */
extern void aug_metric_normal(AugMetric *metric, double error, double lo, double hi);
/* Wilson's interval (1927) of a share seen in n effective rows. */
extern void aug_metric_wilson(AugMetric *metric, double n);

#endif /* AUG_METRIC_H */
