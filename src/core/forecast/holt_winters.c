/*-------------------------------------------------------------------------
 *
 * holt_winters.c
 *		Exponential smoothing of level, slope and season: Holt-Winters, additive or
 *		multiplicative.
 *
 * Winters 1960, Management Science 6:324, in the error-correction form of Hyndman,
 * Koehler, Ord, Snyder 2008, Forecasting with Exponential Smoothing: ETS(A,A,A) and
 * ETS(M,A,M), damped on request; variances: section 6.3 (additive, exact) and table
 * 6.2 (multiplicative, given the parameters).  Parameters, first level and first slope
 * have the greatest likelihood; the first season is that of classical decomposition.
 *
 * Memory: the series, one season, a simplex.  Interrupts: those of the search, and the
 * multiplicative variances, which take horizon^2 / 2 steps.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smooth.h"

enum
{
	C_KIND = AUG_ADJUST_CODES,
	C_DAMPED,
	C_PERIOD
};

/* values of a form, then the first season */
enum
{
	V_ALPHA,
	V_BETA,
	V_GAMMA,
	V_PHI,
	V_LEVEL,
	V_SLOPE,
	V_COUNT
};

/* what is searched: beta and gamma as shares of their bounds alpha and 1 - alpha */
enum
{
	X_ALPHA,
	X_BETA,
	X_GAMMA,
	X_LEVEL,
	X_SLOPE,
	X_PHI,
	X_COUNT
};

#define TOLERANCE  1e-8
#define MOST	   2000 /* evaluations */
#define EXTRA	   5	/* values beyond which two seasons are enough */
#define START_LINE 10	/* values that the first line goes through, or two seasons if longer */
#define PHI_LO	   0.8
#define PHI_HI	   0.98
#define LOG_EVERY  8	 /* forecasts multiplied before a logarithm is taken */
#define POLL_STEPS 65536 /* of the variances */

typedef struct Winters
{
	AugAdjusted data; /* scaled, not adjusted */
	bool multiplicative, damped;
	uint32_t period;
	double alpha, beta, gamma, phi;
	double start_level, start_slope;
	double *first;	/* [period] season before the first value */
	double *season; /* [period] after the last */
	double level, slope;
	double size;   /* mean absolute value, which the likelihood is relative to */
	double sigma2; /* of errors, relative ones when multiplicative */
} Winters;

/*
 * Runs over the series.  fitted: [n] or NULL.  *squares: sum of squared errors,
 * relative when multiplicative; *logs: sum of log |forecast / size| then.  False when a
 * forecast is not positive, which ratios need, or something is out of range.
 */
static bool
filter(Winters *w, double *fitted, double *squares, double *logs)
{
	double level = w->start_level, slope = w->start_slope, product = 1;
	uint32_t at = 0;

	memcpy(w->season, w->first, w->period * sizeof(double));
	*squares = *logs = 0;
	for (size_t t = 0; t < w->data.n; t++)
	{
		double base = level + w->phi * slope, s = w->season[at], f, e;

		f = w->multiplicative ? base * s : base + s;
		e = w->data.y[t] - f;
		if (w->multiplicative)
		{
			if (!(base > 0 && s > 0))
				return false;
			e /= f;
			product *= f / w->size;
			if (t % LOG_EVERY == 0)
			{
				*logs += log(product);
				product = 1;
			}
			level = base * (1 + w->alpha * e);
			slope = w->phi * slope + w->beta * base * e;
			w->season[at] = s * (1 + w->gamma * e);
		}
		else
		{
			level = base + w->alpha * e;
			slope = w->phi * slope + w->beta * e;
			w->season[at] = s + w->gamma * e;
		}
		if (fitted != NULL)
			fitted[t] = f;
		*squares += e * e;
		at = at + 1 == w->period ? 0 : at + 1;
	}
	*logs += log(product);
	w->level = level;
	w->slope = slope;
	return isfinite(*logs) && isfinite(*squares);
}

/* The likelihood as a variance: mean square times the squared geometric mean of forecasts. */
static double
deviance(void *arg, const double *x)
{
	Winters *w = arg;
	double squares, logs, n = (double) w->data.n;

	w->alpha = x[X_ALPHA];
	w->beta = x[X_BETA] * x[X_ALPHA];
	w->gamma = x[X_GAMMA] * (1 - x[X_ALPHA]);
	w->start_level = x[X_LEVEL] * w->size;
	w->start_slope = x[X_SLOPE] * w->size;
	w->phi = w->damped ? x[X_PHI] : 1;
	if (!filter(w, NULL, &squares, &logs))
		return INFINITY;
	return w->multiplicative ? squares / n * exp(2 * logs / n) : squares / n / (w->size * w->size);
}

/* The line through the first values without their season: level before them, and slope. */
static void
first_line(const Winters *w, double *level, double *slope)
{
	size_t n = w->period > START_LINE / 2 ? 2 * (size_t) w->period : START_LINE;
	double st = 0, sy = 0, stt = 0, sty = 0, d;

	n = n < w->data.n ? n : w->data.n;
	for (size_t i = 0; i < n; i++)
	{
		double s = w->first[i % w->period], t = (double) i + 1;
		double y = w->multiplicative ? w->data.y[i] / s : w->data.y[i] - s;

		st += t;
		sy += y;
		stt += t * t;
		sty += t * y;
	}
	d = (double) n * stt - st * st;
	*slope = ((double) n * sty - st * sy) / d;
	*level = (sy - *slope * st) / (double) n;
}

static AugStatus
estimate(AugCast *cast, Winters *w, double *value)
{
	double lo[X_COUNT] = {AUG_SMOOTH_LO, AUG_SMOOTH_LO, AUG_SMOOTH_LO,
						  -INFINITY,	 -INFINITY,		PHI_LO};
	double hi[X_COUNT] = {AUG_SMOOTH_HI, AUG_SMOOTH_HI, AUG_SMOOTH_HI, INFINITY, INFINITY, PHI_HI};
	double x[X_COUNT] = {0.3, 0.1, 0.1, 0, 0, 0.95};
	double step[X_COUNT] = {0.2, 0.1, 0.1, 0.1, 0.01, 0.03};
	AugSearch search = {deviance, w, w->damped ? X_COUNT : X_PHI, lo, hi, step, TOLERANCE, MOST};
	AugSimplex simplex;
	AugStatus status = aug_simplex_init(cast, X_COUNT, &simplex);

	if (status != AUG_OK)
		return status;
	first_line(w, &x[X_LEVEL], &x[X_SLOPE]);
	x[X_LEVEL] /= w->size;
	x[X_SLOPE] /= w->size;
	status = aug_minimize(cast, &search, &simplex, x, value);
	deviance(w, x); /* leaves the best parameters in w */
	return status;
}

static AugStatus
take_room(AugCast *cast, const AugAdjusted *data, uint32_t period, bool multiplicative, bool damped,
		  Winters *w)
{
	memset(w, 0, sizeof(*w));
	w->data = *data;
	w->period = period;
	w->multiplicative = multiplicative;
	w->damped = damped;
	w->first = aug_cast_doubles(cast, period);
	w->season = aug_cast_doubles(cast, period);
	for (size_t t = 0; t < data->n; t++)
		w->size += fabs(data->y[t]) / (double) data->n;
	w->size = w->size > 0 ? w->size : 1;
	return w->first == NULL || w->season == NULL ? AUG_NOMEM : AUG_OK;
}

/* One candidate, estimated; *value is +Inf when it is not possible. */
static AugStatus
candidate(AugCast *cast, const AugAdjusted *data, uint32_t period, bool multiplicative, bool damped,
		  Winters *w, double *value)
{
	bool usable = false;
	AugStatus status = take_room(cast, data, period, multiplicative, damped, w);

	*value = INFINITY;
	for (size_t t = 0; status == AUG_OK && multiplicative && t < data->n; t++)
	{
		if (!(data->y[t] > 0))
			return AUG_OK;
	}
	if (status == AUG_OK)
		status =
			aug_season_indices(cast, data->y, data->n, period,
							   multiplicative ? AUG_SEASON_MULTIPLICATIVE : AUG_SEASON_ADDITIVE,
							   w->first, NULL, &usable);
	return status == AUG_OK && usable ? estimate(cast, w, value) : status;
}

/* The kind asked for, or the likelier one: both have as many parameters. */
static AugStatus
search(AugCast *cast, const AugAdjusted *data, uint32_t period, AugSeasonKind asked, bool damped,
	   Winters *best)
{
	Winters other;
	double value = INFINITY, other_value = INFINITY;
	AugStatus status = AUG_OK;

	if (asked != AUG_SEASON_MULTIPLICATIVE)
		status = candidate(cast, data, period, false, damped, best, &value);
	if (status == AUG_OK && asked != AUG_SEASON_ADDITIVE)
		status = candidate(cast, data, period, true, damped, &other, &other_value);
	if (status != AUG_OK)
		return status;
	if (other_value < value)
		*best = other;
	else if (!isfinite(value))
		return aug_fail(cast->err, AUG_DATA, "needs values above 0 for a multiplicative season");
	return AUG_OK;
}

/* ---- the method --------------------------------------------------------------- */

/* choices of ets_season and ets_damped, in the order of the option table */
enum
{
	SEASON_AUTO,
	SEASON_NONE,
	SEASON_ADDITIVE,
	SEASON_MULTIPLICATIVE
};
#define DAMPED_TRUE 1

static const char *
winters_refuses(const AugCast *cast, const AugSeries *s)
{
	if (s->n_periods == 0)
		return "needs a season";
	if (s->n < 2 * (size_t) s->period[0] || s->n < s->period[0] + EXTRA)
		return "needs two full seasons";
	return aug_param_choice(cast->params, F_ETS_SEASON) == SEASON_NONE
			   ? "has a season, and ets_season says none"
			   : NULL;
}

static AugSeasonKind
asked_kind(const AugCast *cast)
{
	int choice = aug_param_choice(cast->params, F_ETS_SEASON);

	return choice == SEASON_ADDITIVE		 ? AUG_SEASON_ADDITIVE
		   : choice == SEASON_MULTIPLICATIVE ? AUG_SEASON_MULTIPLICATIVE
											 : AUG_SEASON_NONE;
}

/* The numbers of a form, untrusted. */
static bool
read_values(const double *v, Winters *w)
{
	w->alpha = v[V_ALPHA];
	w->beta = v[V_BETA];
	w->gamma = v[V_GAMMA];
	w->phi = v[V_PHI];
	w->start_level = aug_adjust_in(&w->data, v[V_LEVEL]);
	w->start_slope = aug_adjust_in(&w->data, v[V_SLOPE]);
	for (uint32_t i = 0; i < w->period; i++)
	{
		double s = v[V_COUNT + i];

		if (!isfinite(s) || (w->multiplicative && !(s > 0)))
			return false;
		w->first[i] = w->multiplicative ? s : aug_adjust_in(&w->data, s);
	}
	return w->alpha > 0 && w->alpha <= 1 && w->beta >= 0 && w->beta <= w->alpha && w->gamma >= 0 &&
		   w->gamma <= 1 && (w->damped ? w->phi > 0 && w->phi <= 1 : w->phi == 1) &&
		   isfinite(w->start_level) && isfinite(w->start_slope);
}

static AugStatus
take_given(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, Winters *w)
{
	int32_t kind = given->code[C_KIND], damped = given->code[C_DAMPED];
	int32_t period = given->code[C_PERIOD];
	AugAdjusted data;
	AugStatus status;

	if ((kind != AUG_SEASON_ADDITIVE && kind != AUG_SEASON_MULTIPLICATIVE) || (damped & ~1) != 0 ||
		period < 2 || period > AUG_MAX_PERIOD || given->code[AUG_ADJUST_KIND] != AUG_SEASON_NONE)
		return aug_smooth_corrupt(cast);
	if (s->n < 2 * (size_t) period)
		return aug_fail(cast->err, AUG_DATA, "needs two full seasons");
	status = aug_adjust(cast, s, AUG_ADJUST_NOT, given, keep, V_COUNT + (uint32_t) period, &data);
	if (status != AUG_OK)
		return status;
	if (keep == AUG_KEEP_FORM)
		return search(cast, &data, (uint32_t) period, (AugSeasonKind) kind, damped != 0, w);
	status = take_room(cast, &data, (uint32_t) period, kind == AUG_SEASON_MULTIPLICATIVE,
					   damped != 0, w);
	if (status != AUG_OK)
		return status;
	return read_values(given->values, w) ? AUG_OK : aug_smooth_corrupt(cast);
}

static AugStatus
write_form(AugCast *cast, const Winters *w, AugFitted *out)
{
	AugStatus status = aug_adjust_form(cast, &w->data, V_COUNT + w->period, out);
	double *v = out->form.values;

	if (status != AUG_OK)
		return status;
	out->form.code[C_KIND] = w->multiplicative ? AUG_SEASON_MULTIPLICATIVE : AUG_SEASON_ADDITIVE;
	out->form.code[C_DAMPED] = w->damped;
	out->form.code[C_PERIOD] = (int32_t) w->period;
	v[V_ALPHA] = w->alpha;
	v[V_BETA] = w->beta;
	v[V_GAMMA] = w->gamma;
	v[V_PHI] = w->phi;
	v[V_LEVEL] = aug_adjust_out(&w->data, w->start_level);
	v[V_SLOPE] = aug_adjust_out(&w->data, w->start_slope);
	for (uint32_t i = 0; i < w->period; i++)
		v[V_COUNT + i] = w->multiplicative ? w->first[i] : aug_adjust_out(&w->data, w->first[i]);
	return AUG_OK;
}

/* Fitted values, variances, likelihood. */
static AugStatus
finish(AugCast *cast, const AugSeries *s, Winters *w, AugFitted *out)
{
	double squares, logs, k, n = (double) s->n;

	if (!filter(w, out->fitted, &squares, &logs))
		return aug_fail(cast->err, AUG_DATA, "has forecasts out of range");
	/* three smoothing parameters, damping, level, slope, the season less one, the variance */
	out->n_parameters = 5 + (w->damped ? 1U : 0U) + w->period - 1 + 1;
	k = out->n_parameters;
	w->sigma2 = squares / fmax(n - (k - 1), 1);
	aug_adjust_finish(&w->data, s, !w->multiplicative, out);
	if (!w->multiplicative)
		return AUG_OK;
	out->log_likelihood = -n / 2 * (log(6.28318530717958647693 * squares / n) + 1) - logs -
						  n * log(aug_adjust_out(&w->data, w->size));
	if (n > k + 1 && squares > 0)
		out->aicc = -2 * out->log_likelihood + 2 * k + 2 * k * (k + 1) / (n - k - 1);
	return AUG_OK;
}

static AugStatus
winters_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Winters *w = aug_arena_zero(cast->arena, 1, sizeof(Winters));
	bool damped = aug_param_choice(cast->params, F_ETS_DAMPED) == DAMPED_TRUE;
	AugAdjusted data;
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (w == NULL)
		return aug_fail_nomem(cast->err, sizeof(Winters));
	if (out->fitted == NULL)
		return AUG_NOMEM;
	if (given != NULL)
		status = take_given(cast, s, given, keep, w);
	else
	{
		status = aug_adjust(cast, s, AUG_ADJUST_NOT, NULL, keep, 0, &data);
		if (status == AUG_OK)
			status = search(cast, &data, s->period[0], asked_kind(cast), damped, w);
	}
	if (status == AUG_OK)
		status = write_form(cast, w, out);
	if (status == AUG_OK)
		status = finish(cast, s, w, out);
	out->state = w;
	snprintf(out->label, sizeof(out->label), "Holt-Winters %s%s",
			 w->multiplicative ? "multiplicative" : "additive", w->damped ? ", damped" : "");
	return status;
}

/* Response of step j's forecast (without season, relative when multiplicative) to an error. */
static double
response(const Winters *w, double damped_sum)
{
	return w->alpha + w->beta * damped_sum;
}

static void
additive_variances(const Winters *w, uint32_t horizon, double *variance)
{
	double power = 1, sum = 0, squared = 1;

	for (uint32_t h = 0; h < horizon; h++)
	{
		double c;

		variance[h] = w->sigma2 * squared;
		power *= w->phi;
		sum += power;
		c = response(w, sum) + ((h + 1) % w->period == 0 ? w->gamma : 0);
		squared += c * c;
	}
}

/*
 * theta[h] is the mean square of the forecast without its season, given what is known;
 * base: [horizon] those forecasts, season: [horizon].
 */
static AugStatus
multiplicative_variances(AugCast *cast, const Winters *w, uint32_t horizon, const double *base,
						 const double *season, double *variance)
{
	double *c2 = aug_cast_doubles(cast, horizon), *theta = aug_cast_doubles(cast, horizon);
	double power = 1, sum = 0, turns = 1;
	size_t work = 0;

	if (c2 == NULL || theta == NULL)
		return AUG_NOMEM;
	for (uint32_t h = 0; h < horizon; h++)
	{
		double past = 0;

		work += h;
		if (work > POLL_STEPS)
		{
			work = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
		for (uint32_t j = 0; j < h; j++)
			past += c2[j] * theta[h - 1 - j];
		theta[h] = base[h] * base[h] + w->sigma2 * past;
		power *= w->phi;
		sum += power;
		c2[h] = response(w, sum) * response(w, sum);
		if (h > 0 && h % w->period == 0)
			turns *= 1 + w->gamma * w->gamma * w->sigma2;
		variance[h] = season[h] * season[h] *
					  (theta[h] * (1 + w->sigma2) * turns - base[h] * base[h]);
	}
	return AUG_OK;
}

static AugStatus
winters_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
				 double *mean, double *variance)
{
	const Winters *w = fitted->state;
	double *base = aug_cast_doubles(cast, horizon), *season = aug_cast_doubles(cast, horizon);
	double power = 1, sum = 0;
	AugStatus status = AUG_OK;

	if (base == NULL || season == NULL)
		return AUG_NOMEM;
	for (uint32_t h = 0; h < horizon; h++)
	{
		power *= w->phi;
		sum += power;
		base[h] = w->level + sum * w->slope;
		season[h] = w->season[(s->n + h) % w->period];
		mean[h] = w->multiplicative ? base[h] * season[h] : base[h] + season[h];
	}
	if (w->multiplicative)
		status = multiplicative_variances(cast, w, horizon, base, season, variance);
	else
		additive_variances(w, horizon, variance);
	aug_adjust_forecast(&w->data, horizon, mean, variance);
	return status;
}

const AugForecaster aug_forecaster_holt_winters = {
	.about =
		{"holt_winters", "Holt-Winters",
		 "Exponential smoothing of level, slope and season; ets_season says whether the season "
		 "is additive or multiplicative, ets_damped whether the slope fades out.",
		 "Winters 1960, Management Science 6:324", true, false},
	.missing = false,
	.options = AUG_OPTION(F_ETS_SEASON) | AUG_OPTION(F_ETS_DAMPED),
	.refuses = winters_refuses,
	.fit = winters_fit,
	.forecast = winters_forecast};
