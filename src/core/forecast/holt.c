/*-------------------------------------------------------------------------
 *
 * holt.c
 *		Exponential smoothing with a linear trend, plain (Holt) or damped, of the
 *		seasonally adjusted series; and their mean with simple smoothing (Comb).  The
 *		benchmarks of the M competitions.
 *
 * Holt 1957 (reprinted 2004, International Journal of Forecasting 20:5); Gardner,
 * McKenzie 1985, Management Science 31:1237 (damped).  In the error-correction form of
 * Hyndman, Koehler, Ord, Snyder 2008, Forecasting with Exponential Smoothing, ETS(A,A,N)
 * and ETS(A,Ad,N); variances: table 6.1.  Errors are linear in starting level and
 * slope, which are eliminated by least squares; two or three parameters are searched.
 *
 * Memory: the adjusted series and a simplex.  Interrupts: those of the search.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smooth.h"

#define PHI_LO	  0.8 /* bounds of damping, those of R's forecast package */
#define PHI_HI	  0.98
#define TOLERANCE 1e-8
#define MOST	  600	/* evaluations */
#define LEAST	  3		/* values */
#define COLLINEAR 1e-12 /* share of the determinant below which a slope is not told apart */

/* What the search sees: alpha, beta / alpha, phi. */
typedef struct Data
{
	const double *y;
	size_t n;
	double reference; /* sum of squares that values are relative to */
	double phi;		  /* when it is not searched */
	AugTrend trend;	  /* of the last evaluation */
} Data;

/* A level and a slope that answer a starting value, when all values are 0. */
typedef struct Response
{
	double level, slope;
} Response;

static inline double
respond(Response *r, double alpha, double beta, double phi)
{
	double f = r->level + phi * r->slope;

	r->level = f - alpha * f;
	r->slope = phi * r->slope - beta * f;
	return f;
}

static double
squares(void *arg, const double *x)
{
	Data *d = arg;
	double alpha = x[0], beta = x[0] * x[1], phi = d->trend.damped ? x[2] : d->phi;
	double level = d->y[0], slope = 0, by_level, by_slope = 0, determinant;
	double ee = 0, eu = 0, ev = 0, uu = 0, uv = 0, vv = 0;
	Response u = {1, 0}, v = {0, 1};

	for (size_t t = 0; t < d->n; t++)
	{
		double f = level + phi * slope, e = d->y[t] - f;
		double fu = respond(&u, alpha, beta, phi), fv = respond(&v, alpha, beta, phi);

		ee += e * e;
		eu += e * fu;
		ev += e * fv;
		uu += fu * fu;
		uv += fu * fv;
		vv += fv * fv;
		level = f + alpha * e;
		slope = phi * slope + beta * e;
	}
	determinant = uu * vv - uv * uv;
	if (determinant > COLLINEAR * uu * vv)
		by_slope = (uu * ev - uv * eu) / determinant;
	by_level = (eu - by_slope * uv) / uu;
	d->trend.alpha = alpha;
	d->trend.beta = beta;
	d->trend.phi = phi;
	d->trend.start_level = d->y[0] + by_level;
	d->trend.start_slope = by_slope;
	ee -= by_level * (2 * eu - by_level * uu - 2 * by_slope * uv);
	ee -= by_slope * (2 * ev - by_slope * vv);
	return fmax(ee, 0) / d->reference;
}

/* The best of a few places to begin from. */
static void
first_guess(Data *d, double x[3])
{
	static const double alphas[] = {0.1, 0.4, 0.8}, betas[] = {0.02, 0.2, 0.6};
	double best = INFINITY;

	for (int i = 0; i < 9; i++)
	{
		double trial[3] = {alphas[i % 3], betas[i / 3], 0.95}, v = squares(d, trial);

		if (v < best)
		{
			best = v;
			memcpy(x, trial, sizeof(trial));
		}
	}
}

AugStatus
aug_trend_fit(AugCast *cast, const double *y, size_t n, bool damped, AugTrend *out)
{
	static const double lo[] = {AUG_SMOOTH_LO, AUG_SMOOTH_LO, PHI_LO};
	static const double hi[] = {AUG_SMOOTH_HI, AUG_SMOOTH_HI, PHI_HI};
	static const double step[] = {0.2, 0.2, 0.05};
	Data d = {.y = y, .n = n, .phi = 1};
	AugSearch search = {squares, &d, damped ? 3 : 2, lo, hi, step, TOLERANCE, MOST};
	AugSimplex simplex;
	double x[3] = {0, 0, 0}, value;
	AugStatus status = aug_simplex_init(cast, 3, &simplex);

	if (status != AUG_OK)
		return status;
	for (size_t t = 1; t < n; t++)
		d.reference += (y[t] - y[t - 1]) * (y[t] - y[t - 1]);
	d.reference = d.reference > 0 ? d.reference : 1;
	d.trend.damped = damped;
	first_guess(&d, x);
	status = aug_minimize(cast, &search, &simplex, x, &value);
	squares(&d, x); /* the starting values at the best point */
	*out = d.trend;
	return status;
}

void
aug_trend_filter(const double *y, size_t n, double *fitted, AugTrend *trend)
{
	double level = trend->start_level, slope = trend->start_slope;

	for (size_t t = 0; t < n; t++)
	{
		double e;

		fitted[t] = level + trend->phi * slope;
		e = y[t] - fitted[t];
		level = fitted[t] + trend->alpha * e;
		slope = trend->phi * slope + trend->beta * e;
	}
	trend->level = level;
	trend->slope = slope;
}

/* ---- the methods ----------------------------------------------------------- */

enum
{
	V_ALPHA,
	V_BETA,
	V_PHI,
	V_LEVEL,
	V_SLOPE,
	V_COUNT
};

/* Of comb: simple smoothing's come first. */
enum
{
	V_SES_ALPHA,
	V_SES_LEVEL,
	V_SES_COUNT
};

typedef struct Smoothed
{
	AugAdjusted adjusted;
	bool ses_used, trend_used, damped_used;
	AugSes ses;
	AugTrend trend, damped;
} Smoothed;

static const char *
trend_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n >= LEAST ? NULL : "needs three values";
}

static bool
read_trend(const AugAdjusted *a, const double *values, AugTrend *trend)
{
	trend->alpha = values[V_ALPHA];
	trend->beta = values[V_BETA];
	trend->phi = values[V_PHI];
	trend->start_level = aug_adjust_in(a, values[V_LEVEL]);
	trend->start_slope = aug_adjust_in(a, values[V_SLOPE]);
	return trend->alpha > 0 && trend->alpha <= 1 && trend->beta >= 0 &&
		   trend->beta <= trend->alpha &&
		   (trend->damped ? trend->phi > 0 && trend->phi <= 1 : trend->phi == 1) &&
		   isfinite(trend->start_level) && isfinite(trend->start_slope);
}

static void
write_trend(const AugAdjusted *a, const AugTrend *trend, double *values)
{
	values[V_ALPHA] = trend->alpha;
	values[V_BETA] = trend->beta;
	values[V_PHI] = trend->phi;
	values[V_LEVEL] = aug_adjust_out(a, trend->start_level);
	values[V_SLOPE] = aug_adjust_out(a, trend->start_slope);
}

static AugStatus
take_given(AugCast *cast, const double *values, Smoothed *m)
{
	const AugAdjusted *a = &m->adjusted;
	bool good = true;

	if (m->ses_used)
	{
		m->ses.alpha = values[V_SES_ALPHA];
		m->ses.start = aug_adjust_in(a, values[V_SES_LEVEL]);
		good = m->ses.alpha > 0 && m->ses.alpha <= 1 && isfinite(m->ses.start);
		values += V_SES_COUNT;
	}
	if (m->trend_used)
	{
		good = good && read_trend(a, values, &m->trend);
		values += V_COUNT;
	}
	if (m->damped_used)
		good = good && read_trend(a, values, &m->damped);
	return good ? AUG_OK : aug_smooth_corrupt(cast);
}

static AugStatus
estimate(AugCast *cast, Smoothed *m)
{
	const AugAdjusted *a = &m->adjusted;
	AugStatus status = AUG_OK;

	if (m->ses_used)
		status = aug_ses_fit(cast, a->y, a->n, &m->ses);
	if (status == AUG_OK && m->trend_used)
		status = aug_trend_fit(cast, a->y, a->n, false, &m->trend);
	if (status == AUG_OK && m->damped_used)
		status = aug_trend_fit(cast, a->y, a->n, true, &m->damped);
	return status;
}

/* Runs the parts over the series; fitted is their mean.  Writes their values. */
static AugStatus
filter(AugCast *cast, Smoothed *m, double *values, double *fitted)
{
	const AugAdjusted *a = &m->adjusted;
	double *part = aug_cast_doubles(cast, a->n), used = 0;

	if (part == NULL)
		return AUG_NOMEM;
	for (int k = 0; k < 3; k++)
	{
		AugTrend *trend = k == 1 ? &m->trend : &m->damped;

		if (!(k == 0 ? m->ses_used : k == 1 ? m->trend_used : m->damped_used))
			continue;
		if (k == 0)
		{
			aug_ses_filter(a->y, a->n, part, &m->ses);
			values[V_SES_ALPHA] = m->ses.alpha;
			values[V_SES_LEVEL] = aug_adjust_out(a, m->ses.start);
			values += V_SES_COUNT;
		}
		else
		{
			aug_trend_filter(a->y, a->n, part, trend);
			write_trend(a, trend, values);
			values += V_COUNT;
		}
		used++;
		for (size_t t = 0; t < a->n; t++)
			fitted[t] += (part[t] - fitted[t]) / used;
	}
	return AUG_OK;
}

static AugStatus
fit_parts(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, bool ses,
		  bool trend, bool damped, AugFitted *out)
{
	Smoothed *m = aug_arena_zero(cast->arena, 1, sizeof(Smoothed));
	uint32_t n_values = (ses ? V_SES_COUNT : 0U) + (trend ? V_COUNT : 0U) + (damped ? V_COUNT : 0U);
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (m == NULL)
		return aug_fail_nomem(cast->err, sizeof(Smoothed));
	if (out->fitted == NULL)
		return AUG_NOMEM;
	m->ses_used = ses;
	m->trend_used = trend;
	m->damped_used = damped;
	m->damped.damped = true;
	status = aug_adjust(cast, s, AUG_ADJUST_TESTED, given, keep, n_values, &m->adjusted);
	if (status == AUG_OK)
		status = keep == AUG_KEEP_ALL ? take_given(cast, given->values, m) : estimate(cast, m);
	if (status == AUG_OK)
		status = aug_adjust_form(cast, &m->adjusted, n_values, out);
	if (status == AUG_OK)
		status = filter(cast, m, out->form.values, out->fitted);
	if (status != AUG_OK)
		return status;
	/* a damping of 1 is not estimated; the variance is */
	out->n_parameters = n_values - (trend ? 1 : 0) + 1;
	out->state = m;
	/* a mean of three has no likelihood of its own, nor thrice the parameters */
	if (ses && trend)
		out->n_parameters = V_COUNT + 1;
	aug_adjust_finish(&m->adjusted, s, !(ses && trend), out);
	return AUG_OK;
}

static AugStatus
holt_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	snprintf(out->label, sizeof(out->label), "Holt");
	return fit_parts(cast, s, given, keep, false, true, false, out);
}

static AugStatus
damped_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	snprintf(out->label, sizeof(out->label), "damped trend");
	return fit_parts(cast, s, given, keep, false, false, true, out);
}

static AugStatus
comb_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	snprintf(out->label, sizeof(out->label), "Comb");
	return fit_parts(cast, s, given, keep, true, true, true, out);
}

/*
 * Each part goes on along its line.  Variances: an error moves the forecast j steps
 * later by c[j] = alpha + beta (phi + ... + phi^j); for the mean of parts, whose errors are
 * nearly the same, by the mean of theirs.
 */
static AugStatus
parts_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			   double *mean, double *variance)
{
	const Smoothed *m = fitted->state;
	double used = (m->ses_used ? 1 : 0) + (m->trend_used ? 1 : 0) + (m->damped_used ? 1 : 0);
	double power = 1, damped_sum = 0, squared = 0;

	(void) cast;
	(void) s;
	for (uint32_t h = 0; h < horizon; h++)
	{
		double sum = 0, moved = 0;

		power *= m->damped.phi;
		damped_sum += power;
		if (m->ses_used)
		{
			sum += m->ses.level;
			moved += m->ses.alpha;
		}
		if (m->trend_used)
		{
			sum += m->trend.level + (h + 1) * m->trend.slope;
			moved += m->trend.alpha + m->trend.beta * (h + 1);
		}
		if (m->damped_used)
		{
			sum += m->damped.level + damped_sum * m->damped.slope;
			moved += m->damped.alpha + m->damped.beta * damped_sum;
		}
		mean[h] = sum / used;
		variance[h] = m->adjusted.sigma2 * (1 + squared);
		squared += moved * moved / (used * used);
	}
	aug_adjust_forecast(&m->adjusted, horizon, mean, variance);
	return AUG_OK;
}

#define REFERENCE \
	"Hyndman, Koehler, Ord, Snyder 2008, Forecasting with Exponential Smoothing, Springer"

const AugForecaster aug_forecaster_holt = {
	.about =
		{"holt", "Holt's linear trend",
		 "Exponential smoothing of level and slope, of the seasonally adjusted series. Goes on "
		 "along a line for ever: damped is safer.",
		 REFERENCE, true, false},
	.missing = false,
	.refuses = trend_refuses,
	.fit = holt_fit,
	.forecast = parts_forecast};

const AugForecaster aug_forecaster_damped = {
	.about =
		{"damped", "Damped trend",
		 "Exponential smoothing of level and a slope that fades out, of the seasonally adjusted "
		 "series.",
		 REFERENCE, true, false},
	.missing = false,
	.refuses = trend_refuses,
	.fit = damped_fit,
	.forecast = parts_forecast};

const AugForecaster aug_forecaster_comb = {
	.about =
		{"comb", "Comb",
		 "The mean of simple, Holt's and damped exponential smoothing of the seasonally adjusted "
		 "series; a benchmark of the M competitions.",
		 "Makridakis, Hibon 2000, International Journal of Forecasting 16:451", true, false},
	.missing = false,
	.refuses = trend_refuses,
	.fit = comb_fit,
	.forecast = parts_forecast};
