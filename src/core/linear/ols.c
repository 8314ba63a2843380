/*-------------------------------------------------------------------------
 *
 * ols.c
 *		Least squares by Householder reflections.
 *
 * Golub, Van Loan: Matrix Computations, 4th edition: 5.2 (QR by Householder), 5.3
 * (least squares); Demmel and others 2012, Communication-optimal parallel and
 * sequential QR, SIAM J. Sci. Comput. 34:A206 (triangles of blocks of rows are stacked
 * and triangularised again, so that blocks are independent tasks).  Nothing is squared,
 * so the digits that forming X'X would lose stay.
 *
 * A term that the terms before it explain but for a share of 1e-7 of its own variation
 * is left out, as R's lm does.
 *
 * Memory: the arena's.  Interrupts: solving polls every 64 columns; adding rows is the
 * caller's loop.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ols.h"

#define TOLERANCE  1e-7
#define POLL_TERMS 64
#define ROUNDING   (256 * DBL_EPSILON) /* what is left of a constant column */

size_t
aug_ols_bytes(uint32_t n_terms)
{
	size_t q = (size_t) n_terms + 1;

	return (q * q + q * AUG_OLS_PANEL) * sizeof(double);
}

AugStatus
aug_ols_init(AugOls *ols, uint32_t n_terms, AugArena *arena, AugError *err)
{
	ols->q = n_terms + 1;
	ols->n_panel = 0;
	ols->r = aug_arena_zero(arena, (size_t) ols->q * ols->q, sizeof(double));
	ols->panel = aug_arena_alloc(arena, (size_t) ols->q * AUG_OLS_PANEL, sizeof(double));
	if (ols->r == NULL || ols->panel == NULL)
		return aug_fail_nomem(err, aug_ols_bytes(n_terms));
	return AUG_OK;
}

/*
 * Reflects the panel's column j into the diagonal of row j, and the columns after it
 * along.  A panel column starts at panel + column * AUG_OLS_PANEL.
 */
static void
reflect(AugOls *ols, uint32_t j, uint32_t n)
{
	double *v = ols->panel + (size_t) j * AUG_OLS_PANEL;
	double *row = ols->r + (size_t) j * ols->q;
	double alpha = row[j], largest = fabs(alpha), sum = 0, norm, head, beta;

	for (uint32_t i = 0; i < n; i++)
		largest = fmax(largest, fabs(v[i]));
	if (largest == 0 || !isfinite(largest))
	{
		/* what is out of range stays so, and is told by aug_ols_solve */
		row[j] = largest == 0 ? alpha : NAN;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		sum += (v[i] / largest) * (v[i] / largest);
	if (sum == 0)
		return;
	norm = largest * sqrt(sum + (alpha / largest) * (alpha / largest));
	head = alpha > 0 ? alpha + norm : alpha - norm;
	beta = head / (alpha > 0 ? -norm : norm); /* -2 head^2 / |v|^2 */
	for (uint32_t i = 0; i < n; i++)
		v[i] /= head;
	row[j] = alpha > 0 ? -norm : norm;
	for (uint32_t k = j + 1; k < ols->q; k++)
	{
		double *other = ols->panel + (size_t) k * AUG_OLS_PANEL;
		double dot = row[k];

		for (uint32_t i = 0; i < n; i++)
			dot += v[i] * other[i];
		dot *= beta;
		row[k] += dot;
		for (uint32_t i = 0; i < n; i++)
			other[i] += dot * v[i];
	}
}

void
aug_ols_flush(AugOls *ols)
{
	for (uint32_t j = 0; j < ols->q && ols->n_panel > 0; j++)
		reflect(ols, j, ols->n_panel);
	ols->n_panel = 0;
}

void
aug_ols_add(AugOls *ols, const double *x, double y, double weight)
{
	double root = sqrt(weight);
	double *to = ols->panel + ols->n_panel;

	for (uint32_t k = 0; k + 1 < ols->q; k++)
		to[(size_t) k * AUG_OLS_PANEL] = x[k] * root;
	to[(size_t) (ols->q - 1) * AUG_OLS_PANEL] = y * root;
	if (++ols->n_panel == AUG_OLS_PANEL)
		aug_ols_flush(ols);
}

void
aug_ols_merge(AugOls *ols, const double *r)
{
	uint32_t q = ols->q;

	aug_ols_flush(ols);
	for (uint32_t i = 0; i < q; i++)
		aug_ols_add(ols, r + (size_t) i * q, r[(size_t) i * q + q - 1], 1);
	aug_ols_flush(ols);
}

/* Share of the variation of column j that is left by the columns before it. */
static bool
is_explained(const AugOls *ols, uint32_t j)
{
	double variation = 0, whole = fabs(ols->r[j]);
	double left = fabs(ols->r[(size_t) j * ols->q + j]);

	/* row 0 is the intercept's: what it takes is not variation */
	for (uint32_t i = j > 0 ? 1 : 0; i <= j; i++)
		variation = hypot(variation, ols->r[(size_t) i * ols->q + j]);
	whole = hypot(whole, variation);
	return !(left > TOLERANCE * variation && left > ROUNDING * whole);
}

/*
 * Takes column j out of the triangle and makes it one again: the rows from j on are
 * dealt out as a panel of their own.
 */
static void
drop_column(AugOls *ols, uint32_t j)
{
	uint32_t q = ols->q;
	double *r = ols->r;

	/* row i of the new triangle has entries from column i on; the old row i + 1 fits
	 * after its first column is gone, but for the one below the diagonal: rotate it
	 * away (Givens, 5.1.8) */
	for (uint32_t i = 0; i < q; i++)
		memmove(r + (size_t) i * q + j, r + (size_t) i * q + j + 1, (q - 1 - j) * sizeof(double));
	for (uint32_t i = 0; i < q; i++)
		r[(size_t) i * q + q - 1] = 0;
	for (uint32_t i = j; i + 1 < q; i++)
	{
		double *a = r + (size_t) i * q, *b = a + q;
		double length = hypot(a[i], b[i]), c, s;

		if (length == 0)
			continue;
		c = a[i] / length;
		s = b[i] / length;
		for (uint32_t k = i; k < q; k++)
		{
			double t = c * a[k] + s * b[k];

			b[k] = c * b[k] - s * a[k];
			a[k] = t;
		}
		b[i] = 0;
	}
}

/*
 * Drops the terms that the ones before explain.  kept [n_terms] names the terms that
 * stay, in order; the triangle's first *rank columns are theirs, the next one is y.
 */
static AugStatus
drop_explained(AugOls *ols, const AugHost *host, uint32_t *kept, uint32_t *rank, AugError *err)
{
	uint32_t j = 0;

	for (uint32_t term = 0; term + 1 < ols->q; term++)
	{
		if (term % POLL_TERMS == 0 && host->poll(host->arg, -1))
			return aug_fail_cancelled(err);
		if (is_explained(ols, j))
			drop_column(ols, j);
		else
			kept[j++] = term;
	}
	*rank = j;
	return AUG_OK;
}

/* Inverse of the upper triangle r (rows q apart), [rank][rank]. */
static AugStatus
invert(const AugOls *ols, uint32_t rank, const AugHost *host, double *inverse, AugError *err)
{
	for (uint32_t j = 0; j < rank; j++)
	{
		if (j % POLL_TERMS == 0 && host->poll(host->arg, -1))
			return aug_fail_cancelled(err);
		inverse[(size_t) j * rank + j] = 1 / ols->r[(size_t) j * ols->q + j];
		for (uint32_t i = j; i-- > 0;)
		{
			const double *row = ols->r + (size_t) i * ols->q;
			double sum = 0;

			for (uint32_t k = i + 1; k <= j; k++)
				sum += row[k] * inverse[(size_t) k * rank + j];
			inverse[(size_t) i * rank + j] = -sum / row[i];
		}
	}
	return AUG_OK;
}

/* Estimates and their errors from the triangle, its inverse, and y's column. */
static void
estimate(const AugOls *ols, const uint32_t *kept, double n_rows, AugOlsFit *fit)
{
	uint32_t rank = fit->rank, q = ols->q;
	double explained = 0, left = fabs(ols->r[(size_t) rank * q + rank]), total;

	for (uint32_t i = 1; i < rank; i++)
		explained = hypot(explained, ols->r[(size_t) i * q + rank]);
	total = hypot(explained, left);
	fit->r_squared = total > 0 ? (explained / total) * (explained / total) : NAN;
	fit->df = n_rows - rank;
	fit->sigma = fit->df > 0 ? left / sqrt(fit->df) : NAN;
	for (uint32_t i = 0; i < fit->n_terms; i++)
		fit->estimate[i] = fit->standard_error[i] = NAN;
	for (uint32_t i = 0; i < rank; i++)
	{
		double b = 0, norm = 0;

		for (uint32_t k = i; k < rank; k++)
		{
			double v = fit->inverse[(size_t) i * rank + k];

			b += v * ols->r[(size_t) k * q + rank];
			norm = hypot(norm, v);
		}
		fit->estimate[kept[i]] = b;
		fit->standard_error[kept[i]] = fit->sigma * norm;
	}
}

AugStatus
aug_ols_solve(AugOls *ols, double n_rows, const AugHost *host, AugArena *arena, AugOlsFit *fit,
			  AugError *err)
{
	uint32_t n = ols->q - 1;
	uint32_t *kept = aug_arena_alloc(arena, n, sizeof(uint32_t));
	AugStatus status;

	aug_ols_flush(ols);
	for (size_t i = 0; i < (size_t) ols->q * ols->q; i++)
	{
		if (!isfinite(ols->r[i]))
			return aug_fail(err, AUG_NUMERIC, "sums of squares are out of range");
	}
	fit->n_terms = n;
	fit->estimate = aug_arena_alloc(arena, n, sizeof(double));
	fit->standard_error = aug_arena_alloc(arena, n, sizeof(double));
	if (kept == NULL || fit->estimate == NULL || fit->standard_error == NULL)
		return aug_fail_nomem(err, n * sizeof(double));
	status = drop_explained(ols, host, kept, &fit->rank, err);
	if (status != AUG_OK)
		return status;
	if (n_rows < fit->rank || fit->rank == 0)
		return aug_fail(err, AUG_DATA, "least squares needs at least as many rows as terms");
	fit->inverse = aug_arena_zero(arena, (size_t) fit->rank * fit->rank, sizeof(double));
	if (fit->inverse == NULL)
		return aug_fail_nomem(err, (size_t) fit->rank * fit->rank * sizeof(double));
	status = invert(ols, fit->rank, host, fit->inverse, err);
	if (status == AUG_OK)
		estimate(ols, kept, n_rows, fit);
	return status;
}
