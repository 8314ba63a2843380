/*-------------------------------------------------------------------------
 *
 * naive.c
 *		The forecasts that every other has to beat: last value, last season, drift,
 *		mean.
 *
 * Hyndman, Athanasopoulos: Forecasting: Principles and Practice, 3rd edition, 5.2
 * (methods) and 5.5 (variances).  Missing values are passed over: the last
 * observed value stands for the ones after it.
 *
 * Memory: a few doubles of the arena.  Interrupts: linear time, no poll.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "forecast.h"

typedef struct Naive
{
	uint32_t period; /* 1: not seasonal */
	double *last;	 /* [period] last observed value of each position, by index mod period */
	double slope;	 /* a step */
	double n;		 /* differences behind the slope, or values behind the mean */
} Naive;

static const char *
needs_value(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	for (size_t t = 0; t < s->n; t++)
	{
		if (!isnan(s->y[t]))
			return NULL;
	}
	return "needs a value";
}

static const char *
needs_season(const AugCast *cast, const AugSeries *s)
{
	if (s->n_periods == 0)
		return "needs a season";
	if (s->n < s->period[0])
		return "needs a full season";
	for (size_t t = s->n - s->period[0]; t < s->n; t++)
	{
		if (isnan(s->y[t]))
			return needs_value(cast, s) == NULL ? NULL : "needs a value";
	}
	return NULL;
}

/*
 * Walks the series once: fitted[t] is the last value seen at t's position, plus the
 * slope.  The divisor of the variance is the number of errors minus used.
 */
static AugStatus
walk(AugCast *cast, const AugSeries *s, Naive *naive, double used, AugFitted *out)
{
	double sum = 0, n = 0;

	for (uint32_t i = 0; i < naive->period; i++)
		naive->last[i] = NAN;
	for (size_t t = 0; t < s->n; t++)
	{
		double *last = &naive->last[t % naive->period];

		out->fitted[t] = *last + naive->slope;
		if (isnan(s->y[t]))
		{
			*last += naive->slope;
			continue;
		}
		if (!isnan(out->fitted[t]))
		{
			double e = s->y[t] - out->fitted[t];

			sum += e * e;
			n++;
		}
		*last = s->y[t];
	}
	/* a position that was never observed takes what the one before it has */
	for (uint32_t pass = 0; pass < 2; pass++)
	{
		for (uint32_t i = 0; i < naive->period; i++)
		{
			double *last = &naive->last[(s->n + i) % naive->period];

			if (isnan(*last))
				*last = naive->last[(s->n + i + naive->period - 1) % naive->period];
		}
	}
	out->sigma2 = n > used ? sum / (n - used) : NAN;
	out->state = naive;
	(void) cast;
	return AUG_OK;
}

static AugStatus
fit_last(AugCast *cast, const AugSeries *s, uint32_t period, double slope, double n, double used,
		 AugFitted *out)
{
	Naive *naive = aug_arena_alloc(cast->arena, 1, sizeof(Naive));

	out->fitted = aug_cast_doubles(cast, s->n);
	if (naive == NULL)
		return aug_fail_nomem(cast->err, sizeof(Naive));
	naive->last = aug_cast_doubles(cast, period);
	if (naive->last == NULL || out->fitted == NULL)
		return AUG_NOMEM;
	naive->period = period;
	naive->slope = slope;
	naive->n = n;
	return walk(cast, s, naive, used, out);
}

static AugStatus
naive_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	(void) given;
	(void) keep;
	snprintf(out->label, sizeof(out->label), "naive");
	return fit_last(cast, s, 1, 0, 0, 0, out);
}

static AugStatus
seasonal_naive_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep,
				   AugFitted *out)
{
	(void) given;
	(void) keep;
	snprintf(out->label, sizeof(out->label), "seasonal naive[%u]", (unsigned) s->period[0]);
	return fit_last(cast, s, s->period[0], 0, 0, 0, out);
}

static AugStatus
drift_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	size_t first = s->n, last = 0;
	double steps;

	(void) given;
	(void) keep;
	for (size_t t = 0; t < s->n; t++)
	{
		if (isnan(s->y[t]))
			continue;
		if (first == s->n)
			first = t;
		last = t;
	}
	steps = (double) (last - first);
	snprintf(out->label, sizeof(out->label), "drift");
	return fit_last(cast, s, 1, steps > 0 ? (s->y[last] - s->y[first]) / steps : 0, steps, 1, out);
}

/* Mean of the errors' squares grows with the cycles ahead: sigma2 * (k + 1). */
static AugStatus
naive_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			   double *mean, double *variance)
{
	const Naive *naive = fitted->state;

	(void) cast;
	for (uint32_t h = 0; h < horizon; h++)
	{
		double cycles = (double) (h / naive->period + 1);

		mean[h] = naive->last[(s->n + h) % naive->period] + naive->slope * (double) (h + 1);
		variance[h] = fitted->sigma2 * cycles;
		if (naive->n > 0) /* the slope is an estimate too */
			variance[h] *= 1 + cycles / naive->n;
	}
	return AUG_OK;
}

static AugStatus
mean_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	double *mean = aug_cast_doubles(cast, 2);
	double m2 = 0;

	(void) given;
	(void) keep;
	out->fitted = aug_cast_doubles(cast, s->n);
	if (mean == NULL || out->fitted == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
	{
		double d = s->y[t] - mean[0];

		out->fitted[t] = mean[1] > 0 ? mean[0] : NAN;
		if (isnan(d))
			continue;
		mean[1]++;
		mean[0] += d / mean[1];
		m2 += d * (s->y[t] - mean[0]);
	}
	snprintf(out->label, sizeof(out->label), "mean");
	out->sigma2 = mean[1] > 1 ? m2 / (mean[1] - 1) : NAN;
	out->state = mean;
	return AUG_OK;
}

static AugStatus
mean_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			  double *mean, double *variance)
{
	const double *m = fitted->state;

	(void) cast;
	(void) s;
	for (uint32_t h = 0; h < horizon; h++)
	{
		mean[h] = m[0];
		variance[h] = fitted->sigma2 * (1 + 1 / m[1]);
	}
	return AUG_OK;
}

#define FPP3 "Hyndman, Athanasopoulos: Forecasting: Principles and Practice, 3rd edition, 5.2"

const AugForecaster aug_forecaster_naive = {
	.about = {"naive", "Naive", "Repeats the last value.", FPP3, false, false},
	.missing = true,
	.refuses = needs_value,
	.fit = naive_fit,
	.forecast = naive_forecast};

const AugForecaster aug_forecaster_seasonal_naive = {
	.about = {"seasonal_naive", "Seasonal naive",
			  "Repeats the last season. What other methods are measured against.", FPP3, true,
			  false},
	.missing = true,
	.refuses = needs_season,
	.fit = seasonal_naive_fit,
	.forecast = naive_forecast};

const AugForecaster aug_forecaster_drift = {
	.about = {"drift", "Drift", "Goes on along the line from the first to the last value.", FPP3,
			  false, false},
	.missing = true,
	.refuses = needs_value,
	.fit = drift_fit,
	.forecast = naive_forecast};

const AugForecaster aug_forecaster_mean = {
	.about = {"mean", "Mean", "Repeats the mean of all values.", FPP3, false, false},
	.missing = true,
	.refuses = needs_value,
	.fit = mean_fit,
	.forecast = mean_forecast};
