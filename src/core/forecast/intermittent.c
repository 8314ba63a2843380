/*-------------------------------------------------------------------------
 *
 * intermittent.c
 *		Demand with many zeros: Croston's method, its unbiased form by Syntetos and
 *		Boylan, TSB, which forgets articles that are no longer asked for, and ADIDA,
 *		which sums over blocks of steps; and the classes of such demand.
 *
 * Croston 1972, Operational Research Quarterly 23:289; Syntetos, Boylan 2005,
 * International Journal of Forecasting 21:303 (SBA: times 1 - alpha/2); Teunter,
 * Syntetos, Babai 2011, European Journal of Operational Research 214:606 (TSB);
 * Nikolopoulos, Syntetos, Boylan, Petropoulos, Assimakopoulos 2011, Journal of the
 * Operational Research Society 62:544 (ADIDA).
 *
 * Smoothing parameters are 0.1, the classic choice, in the first three: sizes and
 * intervals are too few a series to estimate them.  ADIDA's is the one of least
 * squared error between 0.1 and 0.3.  Levels start from the first value.
 *
 * Variances: no proper model gives these forecasts (Shenstone, Hyndman 2005, Journal
 * of Forecasting 24:389), so the variance of step h is by rule that of a smoothed
 * level, s2 (1 + (h - 1) a^2): s2 from the one-step errors in sample, a the part of a
 * step's error that goes into the level.  The rule says nothing of skewness: a lower
 * bound of 0 is the user's.
 *
 * Missing values are neither demand nor time: they are passed over.
 *
 * Memory: a few arrays of n.  Interrupts: those of the line search, else linear time.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "optimize.h"

#define CLASSIC_ALPHA 0.1
#define ADIDA_LO	  0.1 /* bounds of ADIDA's alpha */
#define ADIDA_HI	  0.3
#define ADIDA_GRID	  5
#define TOLERANCE	  1e-9

/* Syntetos, Boylan, Croston 2005, Journal of the Operational Research Society 56:495 */
#define ADI_LIMIT 1.32
#define CV2_LIMIT 0.49

#define N_VALUES	 2 /* of a form: alpha of the sizes, of the intervals (chances, blocks) */
#define N_PARAMETERS 3 /* two levels (ADIDA: alpha and a level) and the variance */

typedef enum Kind
{
	CROSTON,
	SBA,
	TSB,
	ADIDA
} Kind;

typedef struct Demand
{
	Kind kind;
	size_t n;		 /* observed values */
	const double *y; /* [n] without the missing ones */
	double *fitted;	 /* [n] */
	double alpha;	 /* of sizes; of ADIDA's block sums */
	double beta;	 /* of intervals or chances */
	uint32_t block;	 /* ADIDA: steps a block; else 1 */
	double level;	 /* forecast of every step */
	double sigma2;
} Demand;

AugDemandClass
aug_demand_class(const double *y, size_t n, double *adi, double *cv2)
{
	double seen = 0, count = 0, mean = 0, squares = 0;

	*adi = *cv2 = NAN;
	for (size_t t = 0; t < n; t++)
	{
		double delta;

		if (isnan(y[t]))
			continue;
		if (y[t] < 0)
			return AUG_DEMAND_NONE;
		seen++;
		if (y[t] == 0)
			continue;
		delta = y[t] - mean;
		mean += delta / ++count;
		squares += delta * (y[t] - mean);
	}
	if (count == 0)
		return AUG_DEMAND_NONE;
	*adi = seen / count;
	*cv2 = count > 1 ? squares / (count - 1) / mean / mean : 0;
	if (*adi < ADI_LIMIT)
		return *cv2 < CV2_LIMIT ? AUG_DEMAND_SMOOTH : AUG_DEMAND_ERRATIC;
	return *cv2 < CV2_LIMIT ? AUG_DEMAND_INTERMITTENT : AUG_DEMAND_LUMPY;
}

/* ---- the four forecasts ------------------------------------------------------- */

/*
 * Sizes and intervals smoothed whenever there is demand; in between the forecast
 * stays.  Nothing is forecast before the first demand.  A series without demand
 * forecasts 0.
 */
static void
croston(Demand *d)
{
	double size = 0, interval = 0, steps = 0;
	double part = d->kind == SBA ? 1 - d->beta / 2 : 1;
	bool any = false;

	d->level = 0;
	for (size_t t = 0; t < d->n; t++)
	{
		d->fitted[t] = any ? d->level : NAN;
		steps++;
		if (d->y[t] == 0)
			continue;
		size = any ? size + d->alpha * (d->y[t] - size) : d->y[t];
		interval = any ? interval + d->beta * (steps - interval) : steps;
		any = true;
		steps = 0;
		d->level = part * (size / interval);
	}
}

/*
 * The chance of demand is smoothed at every step, the size at demands: without demand
 * the forecast falls towards 0.
 */
static void
tsb(Demand *d)
{
	double size = 0, chance = 0;
	bool any = false;

	for (size_t t = 0; t < d->n; t++)
	{
		double demand = d->y[t] > 0 ? 1 : 0;

		d->fitted[t] = any ? chance * size : NAN;
		chance = t == 0 ? demand : chance + d->beta * (demand - chance);
		if (demand > 0)
		{
			size = any ? size + d->alpha * (d->y[t] - size) : d->y[t];
			any = true;
		}
	}
	d->level = chance * size;
}

/*
 * Smooths the sums of whole blocks, the last of which ends with the series: the level
 * a step.  fitted: NULL, or [n].  Returns the sum of squared errors of block sums.
 */
static double
smooth_blocks(const Demand *d, double alpha, double *level, double *fitted)
{
	size_t first = d->n % d->block;
	double smooth = 0, squares = 0;

	for (size_t t = 0; fitted != NULL && t < first; t++)
		fitted[t] = NAN;
	for (size_t at = first; at < d->n; at += d->block)
	{
		double sum = 0, e;

		for (size_t t = at; t < at + d->block; t++)
		{
			sum += d->y[t];
			if (fitted != NULL)
				fitted[t] = at == first ? NAN : smooth / d->block;
		}
		e = at == first ? 0 : sum - smooth;
		smooth = at == first ? sum : smooth + alpha * e;
		squares += e * e;
	}
	*level = smooth / d->block;
	return squares;
}

static double
block_squares(void *arg, const double *alpha)
{
	double level;

	return smooth_blocks(arg, *alpha, &level, NULL);
}

/* Steps a block: the mean interval up to the last demand, at least 1. */
static uint32_t
block_length(const Demand *d)
{
	double count = 0, last = 0;

	for (size_t t = 0; t < d->n; t++)
	{
		if (d->y[t] == 0)
			continue;
		count++;
		last = (double) t + 1;
	}
	return count > 0 ? (uint32_t) fmin(floor(last / count + 0.5), UINT32_MAX) : 1;
}

static AugStatus
adida(AugCast *cast, Demand *d, bool search)
{
	double least;
	AugStatus status = AUG_OK;

	if (search)
		status = aug_minimize_line(cast, block_squares, d, ADIDA_LO, ADIDA_HI, ADIDA_GRID,
								   TOLERANCE, &d->alpha, &least);
	if (status == AUG_OK)
		smooth_blocks(d, d->alpha, &d->level, d->fitted);
	return status;
}

/* ---- the methods --------------------------------------------------------------- */

static const char *
refuses(const AugCast *cast, const AugSeries *s)
{
	bool any = false;

	(void) cast;
	for (size_t t = 0; t < s->n; t++)
	{
		if (s->y[t] < 0)
			return "needs demand, which is never negative";
		any = any || !isnan(s->y[t]);
	}
	return any ? NULL : "needs a value";
}

/* Parameters and block of a form, or the usual ones. */
static AugStatus
settle(AugCast *cast, const AugForm *given, AugKeep keep, Demand *d)
{
	d->alpha = d->beta = CLASSIC_ALPHA;
	d->block = d->kind == ADIDA ? block_length(d) : 1;
	if (given == NULL)
		return AUG_OK;
	if (given->code[0] < 1 || (d->kind != ADIDA && given->code[0] != 1))
		return aug_fail(cast->err, AUG_CORRUPT, "stored form of a forecast is damaged");
	d->block = (uint32_t) given->code[0];
	if (d->block > d->n)
		return aug_fail(cast->err, AUG_DATA, "has fewer values than a block of %u", d->block);
	if (keep != AUG_KEEP_ALL)
		return AUG_OK;
	if (given->n_values != N_VALUES || !(given->values[0] > 0 && given->values[0] <= 1) ||
		!(given->values[1] > 0 && given->values[1] <= 1))
		return aug_fail(cast->err, AUG_CORRUPT, "stored parameters of a forecast are damaged");
	d->alpha = given->values[0];
	d->beta = given->values[1];
	return AUG_OK;
}

/* The observed values, and room for their forecasts. */
static AugStatus
take(AugCast *cast, const AugSeries *s, Demand *d)
{
	double *y = aug_cast_doubles(cast, s->n);

	d->fitted = aug_cast_doubles(cast, s->n);
	if (y == NULL || d->fitted == NULL)
		return AUG_NOMEM;
	d->n = 0;
	for (size_t t = 0; t < s->n; t++)
	{
		if (!isnan(s->y[t]))
			y[d->n++] = s->y[t];
	}
	d->y = y;
	return AUG_OK;
}

/* Variance of one-step errors; NaN when there are no more of them than parameters. */
static double
variance_of_errors(const Demand *d)
{
	double sum = 0, count = 0;

	for (size_t t = 0; t < d->n; t++)
	{
		double e = d->y[t] - d->fitted[t];

		if (isnan(e))
			continue;
		sum += e * e;
		count++;
	}
	if (d->level == 0 && sum == 0)
		return 0; /* never any demand */
	return count > N_PARAMETERS - 1 ? sum / (count - (N_PARAMETERS - 1)) : NAN;
}

/* Puts the forecasts of observed values at their steps, others get the next one's. */
static AugStatus
spread(AugCast *cast, const AugSeries *s, const Demand *d, AugFitted *out)
{
	size_t i = 0;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (out->fitted == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
	{
		out->fitted[t] = i < d->n ? d->fitted[i] : d->level;
		i += isnan(s->y[t]) ? 0 : 1;
	}
	return AUG_OK;
}

static AugStatus
estimate(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, Demand *d)
{
	AugStatus status = take(cast, s, d);

	if (status == AUG_OK)
		status = settle(cast, given, keep, d);
	if (status != AUG_OK)
		return status;
	if (d->kind == ADIDA)
		status = adida(cast, d, keep != AUG_KEEP_ALL || given == NULL);
	else if (d->kind == TSB)
		tsb(d);
	else
		croston(d);
	d->sigma2 = variance_of_errors(d);
	return status;
}

static AugStatus
fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, Kind kind,
	AugFitted *out)
{
	static const char *const labels[] = {"Croston", "SBA", "TSB"};
	Demand *d = aug_arena_zero(cast->arena, 1, sizeof(Demand));
	AugStatus status;

	if (d == NULL)
		return aug_fail_nomem(cast->err, sizeof(Demand));
	d->kind = kind;
	status = estimate(cast, s, given, keep, d);
	if (status == AUG_OK)
		status = spread(cast, s, d, out);
	if (status != AUG_OK)
		return status;
	out->form.n_values = N_VALUES;
	out->form.values = aug_cast_doubles(cast, N_VALUES);
	if (out->form.values == NULL)
		return AUG_NOMEM;
	out->form.code[0] = (int32_t) d->block;
	out->form.values[0] = d->alpha;
	out->form.values[1] = d->beta;
	out->n_parameters = N_PARAMETERS;
	out->sigma2 = d->sigma2;
	out->state = d;
	if (kind == ADIDA)
		snprintf(out->label, sizeof(out->label), "ADIDA(%u)", d->block);
	else
		snprintf(out->label, sizeof(out->label), "%s", labels[kind]);
	return AUG_OK;
}

static AugStatus
fit_croston(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	return fit(cast, s, given, keep, CROSTON, out);
}

static AugStatus
fit_sba(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	return fit(cast, s, given, keep, SBA, out);
}

static AugStatus
fit_tsb(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	return fit(cast, s, given, keep, TSB, out);
}

static AugStatus
fit_adida(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	return fit(cast, s, given, keep, ADIDA, out);
}

static AugStatus
forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon, double *mean,
		 double *variance)
{
	const Demand *d = fitted->state;
	double a = d->alpha / d->block;

	(void) cast;
	(void) s;
	for (uint32_t h = 0; h < horizon; h++)
	{
		mean[h] = d->level;
		variance[h] = d->sigma2 * (1 + h * a * a);
	}
	return AUG_OK;
}

const AugForecaster aug_forecaster_croston = {
	.about = {"croston", "Croston's method",
			  "Smooths sizes of demand and intervals between demands, and forecasts their ratio: "
			  "for demand with many zeros. Somewhat too high on average: see sba.",
			  "Croston 1972, Operational Research Quarterly 23:289", false, false},
	.missing = true,
	.refuses = refuses,
	.fit = fit_croston,
	.forecast = forecast};

const AugForecaster aug_forecaster_sba = {
	.about = {"sba", "Syntetos-Boylan approximation",
			  "Croston's method without its bias: for demand with many zeros that goes on.",
			  "Syntetos, Boylan 2005, International Journal of Forecasting 21:303", false, false},
	.missing = true,
	.refuses = refuses,
	.fit = fit_sba,
	.forecast = forecast};

const AugForecaster aug_forecaster_tsb = {
	.about =
		{"tsb", "Teunter-Syntetos-Babai method",
		 "Smooths the chance of demand at every step: for demand with many zeros that may end.",
		 "Teunter, Syntetos, Babai 2011, European Journal of Operational Research 214:606", false,
		 false},
	.missing = true,
	.refuses = refuses,
	.fit = fit_tsb,
	.forecast = forecast};

const AugForecaster aug_forecaster_adida = {
	.about = {"adida", "Aggregate-disaggregate intermittent demand approach",
			  "Sums demand over blocks of the mean interval, smooths the sums and spreads them "
			  "evenly: for demand with many zeros and varying sizes.",
			  "Nikolopoulos, Syntetos, Boylan, Petropoulos, Assimakopoulos 2011, Journal of the "
			  "Operational Research Society 62:544",
			  false, false},
	.missing = true,
	.refuses = refuses,
	.fit = fit_adida,
	.forecast = forecast};
