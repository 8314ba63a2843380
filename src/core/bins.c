/*-------------------------------------------------------------------------
 *
 * bins.c
 *		Cut points of a numeric column, and the bin of a value.
 *
 * A cut lies half-way between two neighbouring distinct values, and "v <= cut"
 * is the test of a split, so a cut is at least the smaller and below the larger
 * of the two.  With more distinct values than bins, bins get nearly equal counts:
 * walking up, a bin is closed when it holds its share of the rows still to be
 * placed among the bins still free, where values that fill a bin alone are taken
 * out of the account first (the greedy rule of LightGBM's and most histogram
 * builders).
 *
 * Memory: none of its own.  Interrupts: none; the caller bounds n.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>

#include "sort.h"

/*
 * Half-way between a < b, finite, in [a, b).  Infinite ends are pulled to the
 * largest finite number of their sign, which keeps a <= cut < b true.
 */
static double
half_way(double a, double b)
{
	double middle;

	if (isinf(a))
		a = -DBL_MAX;
	if (isinf(b))
		b = DBL_MAX;
	middle = a + (b - a) / 2;
	if (!isfinite(middle))
		middle = a / 2 + b / 2;
	/* neighbours, or rounding: the lower value itself is a valid cut */
	if (!(middle >= a && middle < b))
		middle = a;
	return middle;
}

/*
 * Moves NaN out of the way and sorts the rest; returns how many remain.  -0
 * becomes 0 so that equal values look alike.
 */
static size_t
sort_values(double *values, size_t n)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
	{
		double v = values[i];

		if (!isnan(v))
			values[m++] = v == 0.0 ? 0.0 : v;
	}
	aug_sort_doubles(values, m);
	return m;
}

/* Where the run of values equal to values[i] ends. */
static size_t
run_end(const double *values, size_t n, size_t i)
{
	size_t j = i + 1;

	while (j < n && values[j] == values[i])
		j++;
	return j;
}

/*
 * Cuts at quantiles: n sorted values with more distinct ones than max_bins.
 * A value held by at least n / max_bins rows is heavy: it closes the bin before
 * it and fills one of its own.
 */
static uint32_t
cuts_by_count(const double *values, size_t n, uint32_t max_bins, double *cuts)
{
	size_t heavy = (n + max_bins - 1) / max_bins;
	size_t rest_rows = n, /* rows in values that are not heavy */
		in_bin = 0;
	uint32_t rest_bins = max_bins, n_cuts = 0;

	for (size_t i = 0, j; i < n; i = j)
	{
		j = run_end(values, n, i);
		if (j - i >= heavy)
		{
			rest_rows -= j - i;
			if (rest_bins > 1)
				rest_bins--;
		}
	}

	for (size_t i = 0, j; i < n; i = j)
	{
		size_t next_run;
		bool is_heavy, next_heavy;

		j = run_end(values, n, i);
		if (j == n || n_cuts == max_bins - 1)
			break;
		is_heavy = j - i >= heavy;
		next_run = run_end(values, n, j) - j;
		next_heavy = next_run >= heavy;
		in_bin += j - i;

		/* the share is compared with half the next run added: nearest fit */
		if (is_heavy || next_heavy ||
			((double) in_bin + 0.5 * (double) next_run) * rest_bins >= (double) rest_rows)
		{
			double cut = half_way(values[j - 1], values[j]);

			if (n_cuts == 0 || cut > cuts[n_cuts - 1])
				cuts[n_cuts++] = cut;
			if (!is_heavy)
			{
				rest_rows -= in_bin;
				if (rest_bins > 1)
					rest_bins--;
			}
			in_bin = 0;
		}
	}
	return n_cuts;
}

/*
 * See augur.h.  At most max_bins - 1 cuts, strictly ascending and finite.
 */
uint32_t
aug_cuts(double *values, size_t n, uint32_t max_bins, double *cuts)
{
	size_t distinct = 0;
	uint32_t n_cuts = 0;

	n = sort_values(values, n);
	if (n == 0 || max_bins < 2)
		return 0;
	for (size_t i = 0; i < n; i = run_end(values, n, i))
		distinct++;

	if (distinct > max_bins)
		return cuts_by_count(values, n, max_bins, cuts);

	for (size_t i = run_end(values, n, 0); i < n; i = run_end(values, n, i))
	{
		double cut = half_way(values[i - 1], values[i]);

		/* only around the largest finite numbers can two cuts coincide */
		if (n_cuts == 0 || cut > cuts[n_cuts - 1])
			cuts[n_cuts++] = cut;
	}
	return n_cuts;
}

/*
 * Number of cuts below value.  The loop's length depends on n_cuts alone and its
 * body is a conditional move, so there is nothing to mispredict.
 */
uint8_t
aug_bin(const double *cuts, uint32_t n_cuts, double value)
{
	const double *base = cuts;
	uint32_t n = n_cuts;

	if (isnan(value))
		return AUG_MISSING_CELL;
	if (n == 0)
		return 0;
	while (n > 1)
	{
		uint32_t half = n / 2;

		base += base[half - 1] < value ? half : 0;
		n -= half;
	}
	return (uint8_t) ((size_t) (base - cuts) + (*base < value ? 1u : 0u));
}
