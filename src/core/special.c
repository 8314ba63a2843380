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

#include "special.h"

#define MAX_STEPS 10000
#define TINY	  1e-300 /* stands for a zero denominator */
#define HALVINGS  200

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

double
aug_beta_share(double a, double b, double x)
{
	double front;

	if (!(x > 0))
		return 0;
	if (x >= 1)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double
aug_t_two_sided(double t, double df)
{
	/* x near 1 loses digits in 1 - x, so the small side is asked for */
	double square = t * t;

	if (isnan(t) || !(df > 0))
		return NAN;
	if (isinf(square))
		return 0;
	return square < df ? 1 - aug_beta_share(0.5, df / 2, square / (df + square))
					   : aug_beta_share(df / 2, 0.5, df / (df + square));
}

/*
 * By doubling and halving on the tail: a model asks for a few, and each takes
 * microseconds.
 */
double
aug_t_quantile(double p, double df)
{
	double tail = p < 0.5 ? p : 1 - p, lo = 0, hi = 1;

	if (!(p > 0 && p < 1 && df > 0))
		return NAN;
	while (aug_t_two_sided(hi, df) / 2 > tail && hi < DBL_MAX / 4)
		hi *= 2;
	for (int i = 0; i < HALVINGS && hi - lo > DBL_EPSILON * hi; i++)
	{
		double middle = (lo + hi) / 2;

		if (aug_t_two_sided(middle, df) / 2 > tail)
			lo = middle;
		else
			hi = middle;
	}
	return p < 0.5 ? -(lo + hi) / 2 : (lo + hi) / 2;
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
