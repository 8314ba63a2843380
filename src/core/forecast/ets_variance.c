/*-------------------------------------------------------------------------
 *
 * aug_ets_variance.c
 *		Forecasts of exponential smoothing and the variances of their errors.
 *
 * The book, chapter 6: linear forms of additive error have a closed form (table 6.1, class
 * 1); of multiplicative error a recursion (class 2), and with a multiplicative season
 * one that is exact up to a season ahead and nearly so beyond (class 3).  The others are
 * simulated: normal errors from a fixed seed.
 *
 * Memory: a few arrays of the horizon.  Interrupts: a poll for every 65,536 simulated
 * steps, and for every 512 steps of the recursions.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../rng.h"
#include "ets.h"

#define PATHS		5000
#define POLL_STEPS	65536 /* simulated, between two polls */
#define STEPS_POLL	512
#define TWO_PI		6.28318530717958647693
#define MOST_STEPS	20000000 /* simulated in all: fewer paths for long horizons */
#define LEAST_PATHS 1000
#define LEAST_STATE 1e-10 /* multiplicative trends end here */

void
aug_ets_point(const EtsSeries *s, const EtsFit *fit, uint32_t horizon, double *mean)
{
	double phi = aug_ets_phi(&fit->at, fit->x), power = 1, sum = 0;
	size_t m = fit->form.m;

	for (uint32_t h = 0; h < horizon; h++)
	{
		double q = s->end_level;

		power *= phi;
		sum += power;
		if (fit->form.trend == ETS_ADDITIVE)
			q += sum * s->end_trend;
		else if (fit->form.trend == ETS_MULTIPLICATIVE)
			q *= pow(s->end_trend, sum);
		if (fit->form.season == ETS_ADDITIVE)
			q += s->ring[(s->n + h) % m];
		else if (fit->form.season == ETS_MULTIPLICATIVE)
			q *= s->ring[(s->n + h) % m];
		mean[h] = q;
	}
}

/* What an error of size 1 adds to the value j = 1 .. horizon - 1 steps after it. */
static void
echoes(const EtsFit *fit, uint32_t horizon, bool season, double *c)
{
	double alpha = aug_ets_alpha(&fit->at, fit->x), beta = aug_ets_beta(&fit->at, fit->x);
	double gamma = aug_ets_gamma(&fit->at, fit->x), phi = aug_ets_phi(&fit->at, fit->x);
	double power = 1, sum = 0;

	for (uint32_t j = 1; j < horizon; j++)
	{
		power *= phi;
		sum += power;
		c[j] = alpha + beta * sum + (season && j % fit->form.m == 0 ? gamma : 0);
	}
}

static void
class1(const double *c, double sigma2, uint32_t horizon, double *variance)
{
	double sum = 1;

	for (uint32_t h = 0; h < horizon; h++)
	{
		if (h > 0)
			sum += c[h] * c[h];
		variance[h] = sigma2 * sum;
	}
}

/* theta [horizon] of the book's eq. 6.2 from the means without a multiplicative season. */
static AugStatus
second_moments(AugCast *cast, const double *c, const double *mean, double sigma2, uint32_t horizon,
			   double *theta)
{
	for (uint32_t h = 0; h < horizon; h++)
	{
		double sum = 0;

		if (h % STEPS_POLL == STEPS_POLL - 1 && aug_cast_stop(cast))
			return AUG_CANCELLED;
		for (uint32_t j = 1; j <= h; j++)
			sum += c[j] * c[j] * theta[h - j];
		theta[h] = mean[h] * mean[h] + sigma2 * sum;
	}
	return AUG_OK;
}

/* Two standard normal numbers (Box, Muller 1958). */
static void
normal_pair(AugRng *rng, double pair[2])
{
	double r = sqrt(-2 * log(1 - aug_rng_real(rng))), angle = TWO_PI * aug_rng_real(rng);

	pair[0] = r * cos(angle);
	pair[1] = r * sin(angle);
}

/* One path: adds its squared distance from the means. */
static void
simulate(const EtsSeries *s, const EtsFit *fit, double sigma, AugRng *rng, const double *mean,
		 uint32_t horizon, double *ring, double *sum)
{
	const EtsForm *form = &fit->form;
	double alpha = aug_ets_alpha(&fit->at, fit->x), phi = aug_ets_phi(&fit->at, fit->x);
	double star = fit->at.beta < 0 ? 0 : fit->x[fit->at.beta],
		   gamma = aug_ets_gamma(&fit->at, fit->x);
	double level = s->end_level, slope = s->end_trend, pair[2];
	size_t m = form->m;

	if (form->season != ETS_NONE)
		memcpy(ring, s->ring, m * sizeof(double));
	for (uint32_t h = 0; h < horizon; h++)
	{
		double *sea = &ring[(s->n + h) % m];
		double step = form->trend == ETS_MULTIPLICATIVE ? pow(slope, phi) : phi * slope;
		double q = form->trend == ETS_NONE		 ? level
				   : form->trend == ETS_ADDITIVE ? level + step
												 : level * step;
		double f = form->season == ETS_NONE		  ? q
				   : form->season == ETS_ADDITIVE ? q + *sea
												  : q * *sea;
		double y, p, next;

		if (h % 2 == 0)
			normal_pair(rng, pair);
		y = form->error == ETS_ADDITIVE ? f + sigma * pair[h % 2] : f * (1 + sigma * pair[h % 2]);
		sum[h] += (y - mean[h]) * (y - mean[h]);
		p = form->season == ETS_NONE ? y : form->season == ETS_ADDITIVE ? y - *sea : y / *sea;
		next = q + alpha * (p - q);
		if (form->trend == ETS_ADDITIVE)
			slope = step + star * (next - level - step);
		else if (form->trend == ETS_MULTIPLICATIVE)
			slope = step + star * (next / level - step);
		if (form->season == ETS_ADDITIVE)
			*sea += gamma * (y - q - *sea);
		else if (form->season == ETS_MULTIPLICATIVE)
			*sea += gamma * (y / q - *sea);
		level = next;
		if (form->trend == ETS_MULTIPLICATIVE)
		{
			level = fmax(level, LEAST_STATE);
			slope = fmax(slope, LEAST_STATE);
		}
	}
}

static AugStatus
simulated(AugCast *cast, const EtsSeries *s, const EtsFit *fit, double sigma2, const double *mean,
		  uint32_t horizon, double *variance)
{
	double *ring = aug_cast_doubles(cast, fit->form.m);
	uint32_t paths = MOST_STEPS / horizon, since = 0;

	if (ring == NULL)
		return AUG_NOMEM;
	paths = paths > PATHS ? PATHS : paths < LEAST_PATHS ? LEAST_PATHS : paths;
	memset(variance, 0, horizon * sizeof(double));
	for (uint32_t path = 0; path < paths; path++)
	{
		AugRng rng = aug_rng(cast->seed, path, 0x657473);

		since += horizon;
		if (since >= POLL_STEPS)
		{
			since = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
		simulate(s, fit, sqrt(sigma2), &rng, mean, horizon, ring, variance);
	}
	for (uint32_t h = 0; h < horizon; h++)
		variance[h] /= paths;
	return AUG_OK;
}

AugStatus
aug_ets_variance(AugCast *cast, const EtsSeries *s, const EtsFit *fit, double sigma2,
				 const double *mean, uint32_t horizon, double *variance)
{
	const EtsForm *form = &fit->form;
	bool seasonal = form->season == ETS_MULTIPLICATIVE;
	double *c = aug_cast_doubles(cast, horizon), *level = aug_cast_doubles(cast, horizon);
	double gamma = aug_ets_gamma(&fit->at, fit->x), growth = 1;
	AugStatus status;

	if (c == NULL || level == NULL)
		return AUG_NOMEM;
	if (form->trend == ETS_MULTIPLICATIVE || (seasonal && form->error == ETS_ADDITIVE))
		return simulated(cast, s, fit, sigma2, mean, horizon, variance);
	echoes(fit, horizon, !seasonal && form->season != ETS_NONE, c);
	if (form->error == ETS_ADDITIVE)
	{
		class1(c, sigma2, horizon, variance);
		return AUG_OK;
	}
	for (uint32_t h = 0; h < horizon; h++)
		level[h] = seasonal ? mean[h] / s->ring[(s->n + h) % form->m] : mean[h];
	status = second_moments(cast, c, level, sigma2, horizon, variance);
	for (uint32_t h = 0; h < horizon; h++)
	{
		double season = seasonal ? s->ring[(s->n + h) % form->m] : 1;

		if (seasonal && h > 0 && h % form->m == 0)
			growth *= 1 + gamma * gamma * sigma2;
		variance[h] = season * season * (variance[h] * (1 + sigma2) * growth - level[h] * level[h]);
	}
	return status;
}
