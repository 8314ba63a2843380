/*-------------------------------------------------------------------------
 *
 * special.c
 *		The incomplete beta and gamma functions; Student's t and chi-square by them.
 *
 * NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov: 8.17.22 is the
 * continued fraction, evaluated by Lentz's method as modified by Thompson and Barnett
 * 1986; 8.17.4 the symmetry that keeps it in its fast half.  8.7.1 is the series of the gamma
 * function, 8.9.2 its continued fraction.
 *
 * Memory: none.  Interrupts: a few hundred steps at most.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "special.h"

#define MAX_STEPS 10000
#define TINY	  1e-300 /* stands for a zero denominator */
#define HALVINGS  200
#define MANY_DF	  1e4
#define PI		  3.14159265358979323846
#define SQRT_HALF 0.70710678118654752440

/* The continued fraction of 8.17.22, for x below (a + 1) / (a + b + 2). */
static double
beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = 1 / (fabs(d) < TINY ? TINY : d);
	f = d;
	for (int m = 1; m <= MAX_STEPS; m++)
	{
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		f *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = fabs(c) < TINY ? TINY : c;
		step = d * c;
		f *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return f;
}

/*
 * By halving on the distribution function: 80 steps reach the last bit, and the
 * few calls of a run cost microseconds.
 */
double
aug_normal_quantile(double p)
{
	double lo = -39, hi = 39;

	for (int i = 0; i < 80; i++)
	{
		double z = (lo + hi) / 2;

		if (erfc(-z * SQRT_HALF) / 2 < p)
			lo = z;
		else
			hi = z;
	}
	return (lo + hi) / 2;
}

/* What Stirling's formula adds to (x - 1/2) log x - x + log(2 pi) / 2, for x of 10 and more. */
static double
stirling_rest(double x)
{
	double s = 1 / (x * x);

	return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / x;
}

/*
 * log(gamma(a + b) / gamma(b)).  For large b by Stirling's series (5.11.1), whose large terms
 * cancel on paper; the difference of two logarithms would keep few of its digits.
 */
static double
log_gamma_ratio(double a, double b)
{
	double c = a + b;

	if (b < 10)
		return lgamma(c) - lgamma(b);
	return a * log(c) + (b - 0.5) * log1p(a / b) - a + stirling_rest(c) - stirling_rest(b);
}

/* I_x(a, b) for 0 < x < 1 with y = 1 - x given, too: the smaller of the two has all its digits. */
static double
beta_share(double a, double b, double x, double y)
{
	double log_x = x < 0.5 ? log(x) : log1p(-y), log_y = y < 0.5 ? log(y) : log1p(-x);
	double small = fmin(a, b), front;

	front = exp(log_gamma_ratio(small, fmax(a, b)) - lgamma(small) + a * log_x + b * log_y);
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, y) / b;
}

double
aug_beta_share(double a, double b, double x)
{
	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	return beta_share(a, b, x, 1 - x);
}

/*
 * With many degrees of freedom by the normal whose tail is the same: Hill 1970, algorithm 395,
 * Communications of the ACM 13:617, of which the terms left out are beyond the last digit here.
 */
double
aug_t_two_sided(double t, double df)
{
	double square = t * t, x, y;

	if (isnan(t) || !(df > 0))
		return NAN;
	if (isinf(square))
		return 0;
	if (df > MANY_DF)
	{
		double n = df - 0.5, b = 48 * n * n, z = n * log1p(square / df);
		double third = ((-0.4 * z - 3.3) * z - 24) * z - 85.5;

		return erfc(SQRT_HALF * sqrt(z) * (1 + (z + 3 + third / (0.8 * z * z + 100 + b)) / b));
	}
	x = square / (df + square);
	y = df / (df + square);
	/* what is told is the small one of the two shares, from its own side */
	if (x <= 0 || y <= 0)
		return x <= 0 ? 1 : 0;
	return square < 1 ? 1 - beta_share(0.5, df / 2, x, y) : beta_share(df / 2, 0.5, y, x);
}

/* Density of Student's t. */
static double
t_density(double t, double df)
{
	double log_scale = log_gamma_ratio(0.5, df / 2) - 0.5 * log(df * PI);

	return exp(log_scale - (df + 1) / 2 * log1p(t / df * t));
}

/*
 * Newton's method on the logarithm of the tail, below 1 in t and above it in log t (where
 * heavy tails are straight lines), inside a bracket that halves when a step leaves it.
 * About six evaluations: linear models ask for one a row.
 */
double
aug_t_quantile(double p, double df)
{
	double tail = p < 0.5 ? p : 1 - p, lo = 0, hi = DBL_MAX, t = 1;
	bool done = false;

	if (!(p > 0 && p < 1 && df > 0))
		return NAN;
	if (p == 0.5)
		return 0;
	for (int i = 0; i < HALVINGS && !done; i++)
	{
		double now = aug_t_two_sided(t, df) / 2;
		double step = log(now / tail) * now / t_density(t, df), next;

		if (now > tail)
			lo = t;
		else
			hi = t;
		next = t < 1 ? t + step : t * exp(step / t);
		/* a step doubles the digits: after one of 1e-9 there are no more to win */
		done = fabs(next - t) <= 1e-9 * t;
		if (!(next > lo && next < hi) && !done)
			next = hi / 4 > lo && lo > 0 ? sqrt(lo) * sqrt(hi) : lo / 2 + hi / 2;
		done = done || hi - lo <= DBL_EPSILON * hi;
		t = next;
	}
	return p < 0.5 ? -t : t;
}

/* P(a, x) by the series of 8.7.1, for x below a + 1. */
static double
gamma_series(double a, double x)
{
	double term = 1 / a, sum = term;

	for (int n = 1; n <= MAX_STEPS; n++)
	{
		term *= x / (a + n);
		sum += term;
		if (term < sum * DBL_EPSILON)
			break;
	}
	return sum;
}

/* The continued fraction of Q(a, x), for other x. */
static double
gamma_fraction(double a, double x)
{
	double b = x + 1 - a, c = 1 / TINY, d = 1 / b, f = d;

	for (int n = 1; n <= MAX_STEPS; n++)
	{
		double an = -n * (n - a), step;

		b += 2;
		d = an * d + b;
		d = 1 / (fabs(d) < TINY ? TINY : d);
		c = b + an / c;
		c = fabs(c) < TINY ? TINY : c;
		step = c * d;
		f *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return f;
}

double
aug_gamma_upper(double a, double x)
{
	double front;

	if (!(x > 0))
		return 1;
	if (isinf(x))
		return 0;
	front = exp(a * log(x) - x - lgamma(a));
	return x < a + 1 ? 1 - front * gamma_series(a, x) : front * gamma_fraction(a, x);
}

double
aug_chi_square_upper(double x, double df)
{
	return aug_gamma_upper(df / 2, x / 2);
}

double
aug_chi_square_quantile(double p, double df)
{
	double low = 0, high = df + 10;

	while (aug_chi_square_upper(high, df) > p && high < 1e300)
		high *= 2;
	for (int i = 0; i < HALVINGS && high - low > high * DBL_EPSILON; i++)
	{
		double middle = low + (high - low) / 2;

		if (aug_chi_square_upper(middle, df) > p)
			low = middle;
		else
			high = middle;
	}
	return high;
}
