/*-------------------------------------------------------------------------
 *
 * test.c
 *		Whether two sets of values differ by more than chance.
 *
 *	Kolmogorov-Smirnov	the exact p value counts lattice paths (Hodges 1957, Arkiv for
 *						Matematik 3:469), as the chance that a path has left the band on
 *						its way to (i, j), so that small p values keep their digits; ties
 *						make it conservative.  Asymptotic: Pelz and Good 1976, JRSS B 38:152,
 *						with the formulas of Simard and L'Ecuyer 2011, J. Stat. Software
 *						39(11), for n m / (n + m) values.
 *	chi-square			Pearson 1900
 *	adjusted p values	Benjamini and Hochberg 1995, JRSS B 57:289
 *
 * Memory: the exact p value takes the smaller sample's size in doubles.  Interrupts: polled
 * in its rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "../algorithm.h"
#include "../special.h"

#define MAX_EXACT 5e7 /* steps within the band */
#define PI		  3.14159265358979323846
#define MAX_TERMS 20
#define POLL_ROWS 64

/* ---- Kolmogorov-Smirnov ----------------------------------------------- */

static double
largest_gap(const double *x, size_t n, const double *y, size_t m)
{
	size_t i = 0, j = 0;
	double largest = 0;

	while (i < n && j < m)
	{
		double at = x[i] < y[j] ? x[i] : y[j];

		while (i < n && x[i] == at)
			i++;
		while (j < m && y[j] == at)
			j++;
		largest = fmax(largest, fabs((double) i / (double) n - (double) j / (double) m));
	}
	return largest;
}

/*
 * Chance that a path from (0, 0) to (n, m), all equally likely, is somewhere d or more apart
 * from the diagonal; m <= n.
 */
static AugStatus
exact_p(const AugHost *host, double d, size_t n, size_t m, double *p, AugError *err)
{
	double rows = (double) n, columns = (double) m;
	/* gaps are multiples of 1 / (n m): what is reached is told by half a multiple less */
	double limit = (floor(d * rows * columns + 0.5) - 0.5) / (rows * columns);
	double *left = host->alloc(host->arg, (m + 1) * sizeof(double));
	size_t first = 0; /* of the row's places that may lie in the band */

	if (left == NULL)
		return aug_fail_nomem(err, (m + 1) * sizeof(double));
	for (size_t j = 0; j <= m; j++)
		left[j] = (double) j / columns > limit ? 1 : 0;
	for (size_t i = 1; i <= n; i++)
	{
		double row = (double) i, middle = row / rows * columns, half = limit * columns + 1;
		size_t last = middle + half < columns ? (size_t) (middle + half) : m;

		/* what the band leaves behind has left it, as what is ahead has: 1 from the start */
		for (; (double) first < middle - half; first++)
			left[first] = 1;
		if (first == 0 && row / rows > limit)
			left[0] = 1;
		for (size_t j = first > 0 ? first : 1; j <= last; j++)
		{
			double column = (double) j, share = row / (row + column);

			left[j] = fabs(row / rows - column / columns) > limit
						  ? 1
						  : share * left[j] + (1 - share) * left[j - 1];
		}
		if (i % POLL_ROWS == 0 && host->poll(host->arg, -1))
		{
			host->release(host->arg, left);
			return aug_fail_cancelled(err);
		}
	}
	*p = left[m];
	host->release(host->arg, left);
	return AUG_OK;
}

/* Chance of less than z / sqrt(n), for n values; z > 0. */
static double
pelz_good(double n, double z)
{
	double z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, root = sqrt(PI / 2);
	double k0 = 0, k1 = 0, k2 = 0, k2_whole = 0, k3 = 0, k3_whole = 0;

	for (int k = MAX_TERMS; k >= 0; k--)
	{
		double h = PI * (k + 0.5), h2 = h * h, e = exp(-h2 / (2 * z2));
		double w = PI * k, w2 = w * w, e_whole = exp(-w2 / (2 * z2));

		/* the terms of k and -k - 1 are the same, and those of k and -k */
		k0 += e;
		k1 += 2 * (h2 - z2) * e;
		k2 += 2 * (6 * z6 + 2 * z4 + h2 * (2 * z4 - 5 * z2) + h2 * h2 * (1 - 2 * z2)) * e;
		k2_whole += 2 * w2 * e_whole;
		k3 += 2 *
			  (h2 * h2 * h2 * (5 - 30 * z2) + h2 * h2 * (-60 * z2 + 212 * z4) +
			   h2 * (135 * z4 - 96 * z6) - 30 * z6 - 90 * z4 * z4) *
			  e;
		k3_whole += 2 * (3 * w2 * z2 - w2 * w2) * e_whole;
	}
	return sqrt(2 * PI) / z * k0 + root / (6 * z4) * k1 / sqrt(n) +
		   (root / (72 * z6 * z) * k2 - root / (36 * z2 * z) * k2_whole) / n +
		   (root / (6480 * z6 * z4) * k3 + root / (216 * z6) * k3_whole) / (n * sqrt(n));
}

double
aug_ks_p(double d, double effective)
{
	/* far out the expansion is lost in rounding, and the first term of the tail is enough */
	if (effective * d * d > 12)
		return 2 * exp(-2 * effective * d * d);
	return fmin(fmax(1 - pelz_good(effective, sqrt(effective) * d), 0), 1);
}

AugStatus
aug_ks_test(const AugHost *host, const double *x, size_t n, const double *y, size_t m, AugTest *out,
			AugError *err)
{
	double sizes = (double) n * (double) m, d = largest_gap(x, n, y, m);
	double effective = sizes / ((double) n + (double) m);

	*out = (AugTest){d, 1, NAN};
	if (d == 0)
		return AUG_OK;
	if (sizes * fmin(1, 2 * d) <= MAX_EXACT)
		return n < m ? exact_p(host, d, m, n, &out->p, err) : exact_p(host, d, n, m, &out->p, err);
	out->p = aug_ks_p(d, effective);
	return AUG_OK;
}

/* ---- counts ----------------------------------------------------------- */

void
aug_chi_square_test(const double *p, const double *q, size_t n, AugTest *out)
{
	double of_p = 0, of_q = 0, sum = 0;
	size_t cells = 0;

	*out = (AugTest){NAN, NAN, NAN};
	for (size_t i = 0; i < n; i++)
	{
		of_p += p[i];
		of_q += q[i];
		cells += p[i] + q[i] > 0 ? 1 : 0;
	}
	if (!(of_p > 0 && of_q > 0) || cells < 2)
		return;
	for (size_t i = 0; i < n; i++)
	{
		double both = p[i] + q[i], a = both * of_p / (of_p + of_q), b = both * of_q / (of_p + of_q);

		if (both > 0)
			sum += (p[i] - a) * (p[i] - a) / a + (q[i] - b) * (q[i] - b) / b;
	}
	out->statistic = sum;
	out->df = (double) (cells - 1);
	out->p = aug_chi_square_upper(sum, out->df);
}

void
aug_share_test(double a, double n, double b, double m, AugTest *out)
{
	double pooled = (a + b) / (n + m), error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));

	*out = (AugTest){NAN, NAN, NAN};
	if (!(n > 0 && m > 0))
		return;
	/* all the same on both sides */
	if (!(error > 0))
	{
		out->statistic = 0;
		out->p = 1;
		return;
	}
	out->statistic = (b / m - a / n) / error;
	out->p = erfc(fabs(out->statistic) / sqrt(2));
}

void
aug_adjust_p(double *p, size_t n, uint32_t *order)
{
	size_t tests = 0;
	double least = 1;

	/* insertion: there are as many as columns */
	for (size_t i = 0; i < n; i++)
	{
		size_t k = tests;

		if (isnan(p[i]))
			continue;
		for (; k > 0 && p[order[k - 1]] > p[i]; k--)
			order[k] = order[k - 1];
		order[k] = (uint32_t) i;
		tests++;
	}
	for (size_t k = tests; k-- > 0;)
	{
		least = fmin(least, p[order[k]] * (double) tests / (double) (k + 1));
		p[order[k]] = least;
	}
}

double
aug_null_quantile(AugDistanceKind kind, double n, double m, size_t n_cells, double alpha)
{
	double c = 1 / n + 1 / m, x;

	if (n_cells < 2 || !(n > 0 && m > 0))
		return NAN;
	x = aug_chi_square_quantile(alpha, (double) (n_cells - 1));
	switch (kind)
	{
		case AUG_DISTANCE_PSI:
			return c * x;
		case AUG_DISTANCE_KL:
			return c / 2 * x;
		default:
			return sqrt(c / 8 * x);
	}
}
