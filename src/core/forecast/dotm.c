/*-------------------------------------------------------------------------
 *
 * dotm.c
 *		The dynamic optimised Theta model.
 *
 * Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler 2016, International Journal of
 * Forecasting 32:1151, section 3.  On the seasonally adjusted series:
 *		f[t+1] = l[t] + w ((1-alpha)^t A[t] + (1 - (1-alpha)^(t+1)) / alpha B[t])
 *		l[t]   = alpha y[t] + (1-alpha) l[t-1]
 * where w = 1 - 1/theta, theta >= 1, and A[t] + B[t] i is the regression line through the
 * first t values, updated from one value to the next.  Several steps ahead run the
 * recursion on its own forecasts.  Squared one-step errors from the third value on
 * are least.
 *
 * Errors are linear in the starting level and in w, so that for each alpha both follow
 * from six sums, and the search is over alpha alone: the same minimum as by a search
 * in three dimensions, at a fifth of the cost.
 *
 * Variances: level, mean and slope are a linear state with time-varying coefficients,
 * whose covariance is carried from step to step; exact given the parameters.
 *
 * Memory: three arrays of n doubles.  Interrupts: those of the line search.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "smooth.h"

#define ALPHA_LO	 0.1 /* bounds of the paper's authors */
#define ALPHA_HI	 0.99
#define GRID		 9	  /* values of alpha before Brent's search */
#define TOLERANCE	 1e-5 /* of alpha */
#define FIRST		 2	  /* index of the first error that counts */
#define LEAST		 4	  /* values */
#define N_VALUES	 3	  /* of a form: alpha, w, starting level */
#define N_PARAMETERS 4	  /* the three and the variance */

/* The regression line through the first t values, by its mean and slope. */
typedef struct Line
{
	double t, mean, slope;
} Line;

typedef struct Dotm
{
	AugAdjusted adjusted;
	const double *a, *b; /* [n] the line's A and B before value t */
	double alpha, w, start;
	double level; /* after the last value */
	Line line;	  /* likewise */
} Dotm;

static const char *
dotm_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n >= LEAST ? NULL : "needs four values";
}

static void
line_add(Line *line, double y)
{
	double t = line->t + 1;

	if (t > 1)
		line->slope = ((t - 2) * line->slope + 6 / t * (y - line->mean)) / (t + 1);
	line->mean += (y - line->mean) / t;
	line->t = t;
}

/* The line's value at 0. */
static double
line_origin(const Line *line)
{
	return line->mean - (line->t + 1) / 2 * line->slope;
}

static AugStatus
running_lines(AugCast *cast, Dotm *d)
{
	size_t n = d->adjusted.n;
	double *a = aug_cast_doubles(cast, n), *b = aug_cast_doubles(cast, n);
	Line line = {0, 0, 0};

	if (a == NULL || b == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < n; t++)
	{
		a[t] = line_origin(&line);
		b[t] = line.slope;
		line_add(&line, d->adjusted.y[t]);
	}
	d->line = line;
	d->a = a;
	d->b = b;
	return AUG_OK;
}

/* Sums of products: r residual of the level started at y[0], c response to the
 * starting level, g the line's part. */
typedef struct Sums
{
	double rr, rc, rg, cc, cg, gg;
} Sums;

static void
sum_products(const Dotm *d, double alpha, Sums *out)
{
	const double *y = d->adjusted.y;
	double decay = 1 - alpha, inverse = 1 / alpha, base = y[0], p = 1;
	Sums s = {0, 0, 0, 0, 0, 0};

	for (size_t t = 0; t < d->adjusted.n; t++)
	{
		double r = y[t] - base, next = p * decay;
		double g = p * d->a[t] + (1 - next) * inverse * d->b[t];

		if (t >= FIRST)
		{
			s.rr += r * r;
			s.rc += r * p;
			s.rg += r * g;
			s.cc += p * p;
			s.cg += p * g;
			s.gg += g * g;
		}
		base += alpha * r;
		p = next;
	}
	*out = s;
}

/*
 * Best starting level and w in [0, 1] at d->alpha.  The problem is convex, so that a w
 * beyond a bound is moved onto it and the level found anew.
 */
static double
squares(void *arg, const double *x)
{
	Dotm *d = arg;
	Sums s;
	double determinant, shift;

	sum_products(d, x[0], &s);
	determinant = s.cc * s.gg - s.cg * s.cg;
	/* collinear: the level alone */
	d->w = determinant > 1e-12 * s.cc * s.gg ? (s.cc * s.rg - s.cg * s.rc) / determinant : 0;
	d->w = fmin(fmax(d->w, 0), 1);
	shift = (s.rc - d->w * s.cg) / s.cc;
	d->alpha = x[0];
	d->start = d->adjusted.y[0] + shift;
	return fmax(s.rr - 2 * (shift * s.rc + d->w * s.rg) + shift * shift * s.cc +
					2 * shift * d->w * s.cg + d->w * d->w * s.gg,
				0);
}

static AugStatus
estimate(AugCast *cast, const AugForm *given, AugKeep keep, Dotm *d)
{
	double alpha, value;
	AugStatus status;

	if (keep == AUG_KEEP_ALL)
	{
		d->alpha = given->values[0];
		d->w = given->values[1];
		d->start = aug_adjust_in(&d->adjusted, given->values[2]);
		return d->alpha > 0 && d->alpha <= 1 && d->w >= 0 && d->w <= 1 && isfinite(d->start)
				   ? AUG_OK
				   : aug_smooth_corrupt(cast);
	}
	status =
		aug_minimize_line(cast, squares, d, ALPHA_LO, ALPHA_HI, GRID, TOLERANCE, &alpha, &value);
	squares(d, &alpha); /* leaves the other parameters in d */
	return status;
}

/* One-step forecasts on the adjusted scale; none for the values that do not count. */
static void
filter(Dotm *d, double *fitted)
{
	double decay = 1 - d->alpha, level = d->start, p = 1;

	for (size_t t = 0; t < d->adjusted.n; t++)
	{
		double next = p * decay;
		double g = p * d->a[t] + (1 - next) / d->alpha * d->b[t];

		fitted[t] = t >= FIRST ? level + d->w * g : NAN;
		level += d->alpha * (d->adjusted.y[t] - level);
		p = next;
	}
	d->level = level;
}

static AugStatus
dotm_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Dotm *d = aug_arena_zero(cast->arena, 1, sizeof(Dotm));
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (d == NULL)
		return aug_fail_nomem(cast->err, sizeof(Dotm));
	if (out->fitted == NULL)
		return AUG_NOMEM;
	status = aug_adjust(cast, s, AUG_ADJUST_SHRUNKEN, given, keep, N_VALUES, &d->adjusted);
	if (status == AUG_OK)
		status = running_lines(cast, d);
	if (status == AUG_OK)
		status = estimate(cast, given, keep, d);
	if (status == AUG_OK)
		status = aug_adjust_form(cast, &d->adjusted, N_VALUES, out);
	if (status != AUG_OK)
		return status;
	filter(d, out->fitted);
	out->form.values[0] = d->alpha;
	out->form.values[1] = d->w;
	out->form.values[2] = aug_adjust_out(&d->adjusted, d->start);
	out->n_parameters = N_PARAMETERS;
	out->state = d;
	snprintf(out->label, sizeof(out->label), "DOTM");
	aug_adjust_finish(&d->adjusted, s, true, out);
	return AUG_OK;
}

/*
 * One step of the state x = (level, mean, slope) in units of sigma: the covariance
 * becomes T P T' + k k', where T = F + k H, F x is the state without a value, k what
 * the value adds, and H x the forecast.  Returns H P H' + 1, the forecast's variance.
 */
static double
step_covariance(double p[3][3], const double h[3], const double k[3], double alpha, double t)
{
	double f[3][3] = {
		{1 - alpha, 0, 0}, {0, (t - 1) / t, 0}, {0, -6 / (t * (t + 1)), (t - 2) / (t + 1)}};
	double tp[3][3] = {{0}}, variance = 1;

	for (int i = 0; i < 3; i++)
	{
		for (int j = 0; j < 3; j++)
		{
			variance += h[i] * p[i][j] * h[j];
			f[i][j] += k[i] * h[j];
		}
	}
	for (int i = 0; i < 3; i++)
	{
		for (int j = 0; j < 3; j++)
			tp[i][j] = f[i][0] * p[0][j] + f[i][1] * p[1][j] + f[i][2] * p[2][j];
	}
	for (int i = 0; i < 3; i++)
	{
		for (int j = 0; j < 3; j++)
			p[i][j] = tp[i][0] * f[j][0] + tp[i][1] * f[j][1] + tp[i][2] * f[j][2] + k[i] * k[j];
	}
	return variance;
}

static AugStatus
dotm_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			  double *mean, double *variance)
{
	const Dotm *d = fitted->state;
	double level = d->level, decay = 1 - d->alpha, power = pow(decay, d->line.t);
	double covariance[3][3] = {{0}};
	Line line = d->line;

	(void) cast;
	(void) s;
	for (uint32_t i = 0; i < horizon; i++)
	{
		double t = line.t + 1, next = power * decay, part = (1 - next) / d->alpha;
		double h[3] = {1, d->w * power, d->w * (part - power * t / 2)};
		double k[3] = {d->alpha, 1 / t, 6 / (t * (t + 1))};

		mean[i] = level + d->w * (power * line_origin(&line) + part * line.slope);
		variance[i] = d->adjusted.sigma2 * step_covariance(covariance, h, k, d->alpha, t);
		level += d->alpha * (mean[i] - level);
		line_add(&line, mean[i]);
		power = next;
	}
	aug_adjust_forecast(&d->adjusted, horizon, mean, variance);
	return AUG_OK;
}

const AugForecaster aug_forecaster_dotm = {
	.about = {"dotm", "Dynamic optimised Theta model",
			  "Exponential smoothing towards a regression line that is updated with each value, on "
			  "the seasonally adjusted series. The best accuracy for its cost.",
			  "Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler 2016, International Journal of "
			  "Forecasting 32:1151",
			  true, false},
	.missing = false,
	.refuses = dotm_refuses,
	.fit = dotm_fit,
	.forecast = dotm_forecast};
