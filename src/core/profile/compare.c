/*-------------------------------------------------------------------------
 *
 * compare.c
 *		How far a column has moved: from two profiles what drift_between finds from two
 *		relations.
 *
 * Profiles that are exact hold the samples, and the statistics are those of room stats over
 * them.  Others have an error of rank like that of a sample: the test of Kolmogorov and Smirnov
 * takes it for fewer values, 1 / (1/n + 1/s), so that what the sketch adds is no drift.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "profile.h"

#define TENTHS	 10
#define EXPECTED 5 /* in a cell of the chi-square test, Cochran 1954 */

typedef struct Curve
{
	double *value; /* [n] ascending */
	double *weight;
	uint32_t n;
	double all; /* sum of weight */
} Curve;

static AugStatus
open_curve(const AugProfile *p, Curve *c, AugError *err)
{
	c->all = (double) p->n;
	return aug_quantiles_steps(p->host, &p->quantiles, &c->value, &c->weight, &c->n, err);
}

static void
close_curve(const AugProfile *p, Curve *c)
{
	p->host->release(p->host->arg, c->value);
	p->host->release(p->host->arg, c->weight);
}

/* Largest gap between two distribution functions, and the area between them. */
static void
measure_gap(const Curve *x, const Curve *y, double *gap, double *area)
{
	uint32_t i = 0, j = 0;
	double f = 0, g = 0, before = NAN;

	*gap = *area = 0;
	while (i < x->n || j < y->n)
	{
		double at = j == y->n || (i < x->n && x->value[i] < y->value[j]) ? x->value[i]
																		 : y->value[j];

		if (!isnan(before))
			*area += fabs(f / x->all - g / y->all) * (at - before);
		for (; i < x->n && x->value[i] == at; i++)
			f += x->weight[i];
		for (; j < y->n && y->value[j] == at; j++)
			g += y->weight[j];
		*gap = fmax(*gap, fabs(f / x->all - g / y->all));
		before = at;
	}
}

/* Weights of both curves in tenths of the reference; returns the number of cells. */
static uint32_t
count_tenths(const Curve *x, const Curve *y, double high, double *p, double *q)
{
	uint32_t i = 0, j = 0, n = 0;
	double sum = 0;

	memset(p, 0, TENTHS * sizeof(double));
	memset(q, 0, TENTHS * sizeof(double));
	for (uint32_t k = 1; k <= TENTHS; k++)
	{
		double edge;

		while (i < x->n && sum < x->all * k / TENTHS)
		{
			sum += x->weight[i];
			p[n] += x->weight[i++];
		}
		edge = i > 0 ? x->value[i - 1] : x->value[0];
		/* all that is equal to the edge lies left of it */
		for (; i < x->n && x->value[i] == edge; i++)
		{
			sum += x->weight[i];
			p[n] += x->weight[i];
		}
		if (k == TENTHS || edge >= high)
			edge = INFINITY;
		for (; i < x->n && x->value[i] <= edge; i++)
			p[n] += x->weight[i];
		for (; j < y->n && y->value[j] <= edge; j++)
			q[n] += y->weight[j];
		if (p[n] > 0)
			n++;
		if (isinf(edge))
			break;
	}
	return n;
}

static AugStatus
compare_numbers(AugProfile *a, AugProfile *b, AugProfileDrift *out, AugError *err)
{
	Curve x = {0}, y = {0};
	double sd = sqrt(a->m2 / (double) a->n), p[TENTHS], q[TENTHS], gap, area, beyond = 0;
	AugStatus status = open_curve(a, &x, err);

	if (status == AUG_OK)
		status = open_curve(b, &y, err);
	if (status == AUG_OK && a->quantiles.n_levels == 1 && b->quantiles.n_levels == 1)
	{
		area = aug_wasserstein(x.value, x.n, y.value, y.n);
		status = aug_ks_test(a->host, x.value, x.n, y.value, y.n, &out->ks, err);
	}
	else if (status == AUG_OK)
	{
		double share = 1 / x.all + 1 / aug_quantiles_sample(&a->quantiles) + 1 / y.all +
					   1 / aug_quantiles_sample(&b->quantiles);

		measure_gap(&x, &y, &gap, &area);
		out->ks = (AugTest){gap, gap > 0 ? aug_ks_p(gap, 1 / share) : 1, NAN};
	}
	if (status == AUG_OK)
	{
		out->wasserstein = area == 0 ? 0 : sd > 0 ? area / sd : INFINITY;
		out->n_cells = count_tenths(&x, &y, a->high, p, q);
		aug_distances(p, q, out->n_cells, &out->cells);
		for (uint32_t i = 0; i < y.n; i++)
			beyond += y.value[i] < a->low || y.value[i] > a->high ? y.weight[i] : 0;
		/* extremes are known, even where the sketch has lost them */
		beyond = fmax(beyond, (b->low < a->low ? 1 : 0) + (b->high > a->high ? 1 : 0));
		out->outside = fmin(beyond / y.all, 1);
	}
	close_curve(b, &y);
	close_curve(a, &x);
	return status;
}

/*
 * Cells of both tables, r and c with room for all labels of both and one more: a label is a
 * cell where both know it, or the one that does not is complete.  Rare ones share the last
 * cell.  Returns the number of cells; unseen counts what only current has.
 */
static uint32_t
count_labels(const AugProfile *a, const AugProfile *b, double *r, double *c, double *unseen)
{
	double n = (double) a->n, m = (double) b->n, least = EXPECTED * (n + m) / fmin(n, m);
	double other_r = (double) (a->n - aug_labels_sum(&a->labels));
	double other_c = (double) (b->n - aug_labels_sum(&b->labels));
	uint32_t cells = 0;

	*unseen = 0;
	for (uint32_t i = 0; i < a->labels.n + b->labels.n; i++)
	{
		bool first = i < a->labels.n;
		const Label *label = first ? &a->labels.label[i] : &b->labels.label[i - a->labels.n];
		const Labels *others = first ? &b->labels : &a->labels;
		const Label *same = aug_labels_find(others, label->hash);
		double there = same == NULL ? 0 : (double) same->count;
		double of_r = first ? (double) label->count : there;
		double of_c = first ? there : (double) label->count;

		if (!first && same != NULL)
			continue; /* seen already */
		if (!first)
			*unseen += of_c;
		if (of_r + of_c >= least && (same != NULL || others->error == 0))
		{
			r[cells] = of_r;
			c[cells++] = of_c;
		}
		else
		{
			other_r += of_r;
			other_c += of_c;
		}
	}
	if (other_r + other_c > 0)
	{
		r[cells] = other_r;
		c[cells++] = other_c;
	}
	return cells;
}

static AugStatus
compare_labels(AugProfile *a, AugProfile *b, AugProfileDrift *out, AugError *err)
{
	const AugHost *host = a->host;
	double *cells;
	size_t room, size;
	double unseen;

	aug_labels_settle(a->host, &a->labels);
	aug_labels_settle(b->host, &b->labels);
	room = (size_t) a->labels.n + b->labels.n + 1;
	size = 2 * room * sizeof(double);
	cells = host->alloc(host->arg, size);
	if (cells == NULL)
		return aug_fail_nomem(err, size);
	out->n_cells = count_labels(a, b, cells, cells + room, &unseen);
	if (a->labels.error == 0)
		out->unseen = unseen / (double) b->n;
	if (out->n_cells == 1)
	{
		out->cells = (AugDistances){0, 0, 0, 0, 0};
		out->chi_square = (AugTest){0, 1, NAN};
	}
	else
	{
		aug_distances(cells, cells + room, out->n_cells, &out->cells);
		aug_chi_square_test(cells, cells + room, out->n_cells, &out->chi_square);
	}
	host->release(host->arg, cells);
	return AUG_OK;
}

AugStatus
aug_profile_compare(AugProfile *reference, AugProfile *current, AugProfileDrift *out, AugError *err)
{
	double missing_r = (double) (reference->nulls + reference->nans + reference->infinite);
	double missing_c = (double) (current->nulls + current->nans + current->infinite);
	double rows_r = (double) reference->n + missing_r, rows_c = (double) current->n + missing_c;
	AugTest none = {NAN, NAN, NAN};

	*out = (AugProfileDrift){.cells = {NAN, NAN, NAN, NAN, NAN},
							 .wasserstein = NAN,
							 .ks = none,
							 .outside = NAN,
							 .chi_square = none,
							 .unseen = NAN,
							 .missing = none,
							 .missing_reference = missing_r / rows_r,
							 .missing_current = missing_c / rows_c};
	if (reference->kind != current->kind)
		return aug_fail(err, AUG_INVALID, "profiles of numbers and of labels cannot be compared");
	aug_share_test(missing_r, rows_r, missing_c, rows_c, &out->missing);
	if (reference->n == 0 || current->n == 0)
		return AUG_OK;
	return reference->kind == AUG_PROFILE_NUMBERS ? compare_numbers(reference, current, out, err)
												  : compare_labels(reference, current, out, err);
}
