/*-------------------------------------------------------------------------
 *
 * distance.c
 *		How far two distributions are apart: over cells, and over sorted samples.
 *
 * The references of the measures are in augur_stats.h.
 *
 * Memory: none.  Interrupts: none; linear passes over what the caller holds.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "../algorithm.h"

/* ---- cells ------------------------------------------------------------ */

static double
sum_of(const double *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

/* p ln(p / m), which is 0 for p = 0. */
static double
relative(double p, double m)
{
	return p > 0 ? p * log(p / m) : 0;
}

void
aug_distances(const double *p, const double *q, size_t n, AugDistances *out)
{
	double of_p = sum_of(p, n), of_q = sum_of(q, n), psi = 0, kl = 0, js = 0, root = 0, apart = 0;

	*out = (AugDistances){NAN, NAN, NAN, NAN, NAN};
	if (!(of_p > 0 && of_q > 0))
		return;
	for (size_t i = 0; i < n; i++)
	{
		double a = p[i] / of_p, b = q[i] / of_q, middle = (a + b) / 2;
		double a_full = a > 0 ? a : AUG_PSI_EMPTY, b_full = b > 0 ? b : AUG_PSI_EMPTY;

		/* a cell that nobody is in says nothing */
		if (middle == 0)
			continue;
		psi += (a_full - b_full) * log(a_full / b_full);
		kl += relative(b, a);
		js += relative(a, middle) + relative(b, middle);
		root += (sqrt(a) - sqrt(b)) * (sqrt(a) - sqrt(b));
		apart += fabs(a - b);
	}
	out->psi = psi;
	out->kl = fmax(kl, 0);
	out->js_distance = sqrt(fmax(js, 0) / 2);
	out->hellinger = sqrt(root / 2);
	out->total_variation = apart / 2;
}

size_t
aug_quantile_edges(const double *x, size_t n, size_t n_bins, double *edge)
{
	size_t n_edges = 0;

	for (size_t k = 1; k < n_bins && n > 0; k++)
	{
		/* value number n * k / n_bins, rounded up, as percentile_disc(); n * k may not fit */
		size_t at = n / n_bins * k + (n % n_bins * k + n_bins - 1) / n_bins;
		double v = x[at - 1];

		if ((n_edges == 0 || v > edge[n_edges - 1]) && v < x[n - 1])
			edge[n_edges++] = v;
	}
	return n_edges;
}

void
aug_cell_counts(const double *x, size_t n, const double *edge, size_t n_edges, double *count)
{
	size_t cell = 0;

	for (size_t k = 0; k <= n_edges; k++)
		count[k] = 0;
	for (size_t i = 0; i < n; i++)
	{
		while (cell < n_edges && x[i] > edge[cell])
			cell++;
		count[cell]++;
	}
}

/* ---- samples ---------------------------------------------------------- */

double
aug_wasserstein(const double *x, size_t n, const double *y, size_t m)
{
	size_t i = 0, j = 0;
	double area = 0, at = x[0] < y[0] ? x[0] : y[0];

	while (i < n || j < m)
	{
		double next = j >= m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
		double gap = fabs((double) i / (double) n - (double) j / (double) m);

		area += gap * (next - at);
		at = next;
		while (i < n && x[i] == at)
			i++;
		while (j < m && y[j] == at)
			j++;
	}
	return area;
}
