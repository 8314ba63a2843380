/*-------------------------------------------------------------------------
 *
 * hierarchy.c
 *		Reconciliation: forecasts of series that nest, changed so that every node is
 *		the sum of its children.
 *
 * A tree (or several) is one parent index a node; the leaves are the bottom series.
 *
 * Bottom-up sums the leaves' forecasts.  Top-down keeps the roots' and splits them
 * by the proportions of the children's forecasts (Athanasopoulos, Ahmed, Hyndman
 * 2009, International Journal of Forecasting 25:146).  MinT is the unbiased linear
 * combination of all forecasts of the least variance (Hyndman, Ahmed, Athanasopoulos,
 * Shang 2011, Computational Statistics & Data Analysis 55:2579; Wickramasuriya,
 * Athanasopoulos, Hyndman 2019, Journal of the American Statistical Association
 * 114:804) for W, the covariances of one-step errors: of the diagonal alone, or with
 * correlations shrunk towards 0 (about the mean errors: Schaefer, Strimmer 2005,
 * Statistical Applications in Genetics and Molecular Biology 4:32).
 *
 * With a diagonal W on a tree the least squares are solved exactly in two walks, in
 * time linear in the nodes: upwards each node's own forecast is weighed against its
 * children's sum by their variances, downwards what the parent got more than its
 * children sum to is dealt out in proportion to theirs.  Otherwise the forecasts are moved
 * by W C' (C W C')^-1 C y, C having a row for each inner node: node less children.
 * The variances that are left are the diagonal of W - W C' (C W C')^-1 C W.
 *
 * Memory: an arena; the shrunk W takes nodes^2 doubles and inner^2 more.
 * Interrupts: polled once a row of W or of the factor.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "forecast.h"

#define LEAST_VARIANCE 1e-12 /* of the largest: exact forecasts would leave W singular */
#define MAX_SHRUNK	   5000	 /* nodes: W of 200 MB */

typedef struct Tree
{
	AugCast cast;
	const AugHierarchy *h;
	uint32_t *order; /* [nodes] parents before children */
	uint32_t *first; /* [nodes] first child, AUG_NO_PARENT: leaf */
	uint32_t *next;	 /* [nodes] next sibling */
	uint32_t *row;	 /* [nodes] row of C of an inner node */
	uint32_t n_inner;
	double *w;		/* [nodes] variances */
	double *spread; /* [nodes] the caller's, or NULL */
} Tree;

/* ---- the tree ------------------------------------------------------------------ */

static AugStatus
check(const AugHierarchy *h, AugReconcile how, AugError *err)
{
	if (h->n_nodes == 0 || h->n_nodes == AUG_NO_PARENT || h->horizon == 0)
		return aug_fail(err, AUG_INVALID, "a hierarchy needs nodes and a horizon");
	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		if (h->parent[i] != AUG_NO_PARENT && h->parent[i] >= h->n_nodes)
			return aug_fail(err, AUG_INVALID, "parent of node %u does not exist", i);
	}
	for (size_t i = 0; i < (size_t) h->n_nodes * h->horizon; i++)
	{
		if (!isfinite(h->base[i]))
			return aug_fail(err, AUG_DATA, "forecast of node %zu is not finite", i / h->horizon);
	}
	if (how == AUG_RECONCILE_SHRUNK && h->n_nodes > MAX_SHRUNK)
		return aug_fail(err, AUG_INVALID, "shrunk covariances are for at most %d series, not %u",
						MAX_SHRUNK, h->n_nodes);
	return AUG_OK;
}

/* Children as lists in the nodes' order, and the nodes from the roots down. */
static AugStatus
grow(Tree *tree)
{
	const AugHierarchy *h = tree->h;
	AugArena *arena = tree->cast.arena;
	uint32_t n = h->n_nodes, filled = 0;

	tree->order = aug_arena_alloc(arena, n, sizeof(uint32_t));
	tree->first = aug_arena_alloc(arena, n, sizeof(uint32_t));
	tree->next = aug_arena_alloc(arena, n, sizeof(uint32_t));
	tree->row = aug_arena_alloc(arena, n, sizeof(uint32_t));
	if (tree->order == NULL || tree->first == NULL || tree->next == NULL || tree->row == NULL)
		return aug_fail_nomem(tree->cast.err, n * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
		tree->first[i] = tree->next[i] = AUG_NO_PARENT;
	for (uint32_t i = n; i-- > 0;)
	{
		uint32_t p = h->parent[i];

		if (p == AUG_NO_PARENT)
			continue;
		tree->next[i] = tree->first[p];
		tree->first[p] = i;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		if (h->parent[i] == AUG_NO_PARENT)
			tree->order[filled++] = i;
	}
	for (uint32_t at = 0; at < filled; at++)
	{
		uint32_t node = tree->order[at];

		if (tree->first[node] != AUG_NO_PARENT)
			tree->row[node] = tree->n_inner++;
		for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
			tree->order[filled++] = c;
	}
	if (filled < n)
		return aug_fail(tree->cast.err, AUG_INVALID, "a node is its own ancestor");
	return AUG_OK;
}

/* Sum of y over the children of node, y being [nodes][horizon], at step s. */
static double
children_sum(const Tree *tree, uint32_t node, const double *y, uint32_t s)
{
	double sum = 0;

	for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
		sum += y[(size_t) c * tree->h->horizon + s];
	return sum;
}

/* Makes inner nodes the exact sums of their leaves. */
static void
sum_up(const Tree *tree, double *y)
{
	for (uint32_t at = tree->h->n_nodes; at-- > 0;)
	{
		uint32_t node = tree->order[at];

		for (uint32_t s = 0; tree->first[node] != AUG_NO_PARENT && s < tree->h->horizon; s++)
			y[(size_t) node * tree->h->horizon + s] = children_sum(tree, node, y, s);
	}
}

/* Children whose forecasts sum to 0 get equal parts. */
static void
split_down(const Tree *tree, double *y)
{
	for (uint32_t at = 0; at < tree->h->n_nodes; at++)
	{
		uint32_t node = tree->order[at], n = 0, horizon = tree->h->horizon;

		for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
			n++;
		for (uint32_t s = 0; n > 0 && s < horizon; s++)
		{
			double sum = children_sum(tree, node, y, s), whole = y[(size_t) node * horizon + s];

			for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
			{
				double *child = &y[(size_t) c * horizon + s];

				*child = sum != 0 ? whole * (*child / sum) : whole / n;
			}
		}
	}
}

/* ---- W ---------------------------------------------------------------------------- */

/* Mean square of the n errors e, about their mean if centred; NaN when there are none. */
static double
mean_square(const double *e, size_t n, bool centred)
{
	double sum = 0, squares = 0, count = 0, mean;

	for (size_t t = 0; t < n; t++)
	{
		sum += isnan(e[t]) ? 0 : e[t];
		count += isnan(e[t]) ? 0 : 1;
	}
	if (count == 0)
		return NAN;
	mean = centred ? sum / count : 0;
	for (size_t t = 0; t < n; t++)
		squares += isnan(e[t]) ? 0 : (e[t] - mean) * (e[t] - mean);
	return squares / count;
}

/*
 * Variance of each node's errors; nodes without any error get the largest.  All of them
 * 0 is as good as all of them 1.
 */
static AugStatus
variances(Tree *tree, bool centred)
{
	const AugHierarchy *h = tree->h;
	double most = 0;

	tree->w = aug_cast_doubles(&tree->cast, h->n_nodes);
	if (tree->w == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		tree->w[i] = mean_square(h->residuals + (size_t) i * h->n, h->n, centred);
		if (isinf(tree->w[i]))
			return aug_fail(tree->cast.err, AUG_NUMERIC, "errors of node %u are too large", i);
		most = fmax(most, tree->w[i]);
	}
	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		double w = most > 0 ? tree->w[i] / most : 1; /* only the proportions count */

		tree->w[i] = isnan(w) ? 1 : fmax(w, LEAST_VARIANCE);
	}
	return AUG_OK;
}

/* What is left of a node's standard deviation, of the part of its variance that is left. */
static void
set_spread(Tree *tree, uint32_t node, double variance)
{
	if (tree->spread != NULL)
		tree->spread[node] = sqrt(fmin(fmax(variance / tree->w[node], 0), 1));
}

/*
 * Least squares with the diagonal W; see the head of the file.  left: variances after
 * the walk down, a child's being what it has given its parent, and its part of the parent's.
 */
static AugStatus
reconcile_diagonal(Tree *tree, double *y)
{
	uint32_t horizon = tree->h->horizon, n = tree->h->n_nodes;
	double *v = aug_cast_doubles(&tree->cast, n); /* variance of the node after its own walk up */
	double *sum_v = aug_cast_doubles(&tree->cast, n);
	double *left = aug_cast_doubles(&tree->cast, n);

	if (v == NULL || sum_v == NULL || left == NULL)
		return AUG_NOMEM;
	for (uint32_t at = n; at-- > 0;)
	{
		uint32_t node = tree->order[at];
		double below = 0, w = tree->w[node];

		for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
			below += v[c];
		sum_v[node] = below;
		v[node] = tree->first[node] == AUG_NO_PARENT ? w : w * (below / (w + below));
		for (uint32_t s = 0; tree->first[node] != AUG_NO_PARENT && s < horizon; s++)
		{
			double *own = &y[(size_t) node * horizon + s];

			*own += (children_sum(tree, node, y, s) - *own) * (w / (w + below));
		}
	}
	for (uint32_t at = 0; at < n; at++)
	{
		uint32_t node = tree->order[at];

		if (tree->h->parent[node] == AUG_NO_PARENT)
			left[node] = v[node];
		set_spread(tree, node, left[node]);
		for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
		{
			double part = v[c] / sum_v[node];

			left[c] = v[c] * (1 - part) + part * part * left[node];
		}
		for (uint32_t s = 0; tree->first[node] != AUG_NO_PARENT && s < horizon; s++)
		{
			double gap = y[(size_t) node * horizon + s] - children_sum(tree, node, y, s);

			for (uint32_t c = tree->first[node]; c != AUG_NO_PARENT; c = tree->next[c])
				y[(size_t) c * horizon + s] += gap * (v[c] / sum_v[node]);
		}
	}
	return AUG_OK;
}

/*
 * Errors of the steps at which all nodes that have any have one, each node's centred and
 * scaled to mean square 1, 0 of the others: [nodes][*n].
 */
static double *
scaled_errors(Tree *tree, size_t *n)
{
	const AugHierarchy *h = tree->h;
	double *z = aug_cast_doubles(&tree->cast, (size_t) h->n_nodes * h->n);
	bool *none = aug_arena_zero(tree->cast.arena, h->n_nodes, sizeof(bool));

	*n = 0;
	if (z == NULL || none == NULL)
	{
		aug_fail_nomem(tree->cast.err, h->n_nodes);
		return NULL;
	}
	for (uint32_t i = 0; i < h->n_nodes; i++)
		none[i] = isnan(mean_square(h->residuals + (size_t) i * h->n, h->n, false));
	for (size_t t = 0; t < h->n; t++)
	{
		bool whole = true;

		for (uint32_t i = 0; i < h->n_nodes && whole; i++)
			whole = none[i] || !isnan(h->residuals[(size_t) i * h->n + t]);
		for (uint32_t i = 0; i < h->n_nodes && whole; i++)
			z[(size_t) i * h->n + *n] = none[i] ? 0 : h->residuals[(size_t) i * h->n + t];
		*n += whole ? 1 : 0;
	}
	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		double mean = 0, scale, *row = z + (size_t) i * h->n;

		for (size_t t = 0; t < *n; t++)
			mean += row[t] / (double) *n;
		scale = sqrt(mean_square(row, *n, true));
		for (size_t t = 0; t < *n; t++)
			row[t] = scale > 0 ? (row[t] - mean) / scale : 0;
	}
	return z;
}

/*
 * Correlations into w (the lower half), and the part by which they are to be shrunk:
 * the sum of the variances of the correlations over the sum of their squares.
 */
static AugStatus
correlations(Tree *tree, const double *z, size_t n, double *w, double *shrink)
{
	const AugHierarchy *h = tree->h;
	double noise = 0, signal = 0, count = (double) n;

	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		const double *a = z + (size_t) i * h->n;

		if (aug_cast_stop(&tree->cast))
			return AUG_CANCELLED;
		for (uint32_t j = 0; j < i; j++)
		{
			const double *b = z + (size_t) j * h->n;
			double sum = 0, squares = 0;

			for (size_t t = 0; t < n; t++)
			{
				double product = a[t] * b[t];

				sum += product;
				squares += product * product;
			}
			w[(size_t) i * h->n_nodes + j] = sum / count;
			noise += fmax(squares - sum * sum / count, 0) / (count * (count - 1));
			signal += sum / count * (sum / count);
		}
	}
	*shrink = signal > 0 ? fmin(noise / signal, 1) : 1;
	return AUG_OK;
}

/* The shrunk W, [nodes][nodes]. */
static AugStatus
shrunk(Tree *tree, double **out)
{
	size_t n, m = tree->h->n_nodes;
	double shrink = 1, *w, *z = scaled_errors(tree, &n);
	AugStatus status = AUG_OK;

	*out = w = z == NULL ? NULL : aug_cast_doubles(&tree->cast, m * m);
	if (w == NULL)
		return AUG_NOMEM;
	if (n > 1)
		status = correlations(tree, z, n, w, &shrink);
	for (size_t i = 0; i < m; i++)
	{
		w[i * m + i] = tree->w[i];
		for (size_t j = 0; j < i; j++)
		{
			w[i * m + j] *= (1 - shrink) * sqrt(tree->w[i]) * sqrt(tree->w[j]);
			w[j * m + i] = w[i * m + j];
		}
	}
	return status;
}

/* ---- MinT with all of W -------------------------------------------------------------- */

/* c[row] = C x of a column x with stride; x over nodes. */
static void
constrain(const Tree *tree, const double *x, size_t stride, double *c, size_t c_stride)
{
	for (uint32_t i = 0; i < tree->h->n_nodes; i++)
	{
		double sum = 0;

		if (tree->first[i] == AUG_NO_PARENT)
			continue;
		for (uint32_t k = tree->first[i]; k != AUG_NO_PARENT; k = tree->next[k])
			sum += x[k * stride];
		c[tree->row[i] * c_stride] = x[i * stride] - sum;
	}
}

/* Cholesky in place, lower half of a [n][n]. */
static AugStatus
factor(Tree *tree, double *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (aug_cast_stop(&tree->cast))
			return AUG_CANCELLED;
		for (size_t j = 0; j <= i; j++)
		{
			double sum = a[i * n + j];

			for (size_t k = 0; k < j; k++)
				sum -= a[i * n + k] * a[j * n + k];
			if (j < i)
				a[i * n + j] = sum / a[j * n + j];
			else if (sum > 0)
				a[i * n + i] = sqrt(sum);
			else
				return aug_fail(tree->cast.err, AUG_NUMERIC,
								"covariances of the errors are singular");
		}
	}
	return AUG_OK;
}

static void
solve_lower(const double *a, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++)
	{
		for (size_t k = 0; k < i; k++)
			x[i] -= a[i * n + k] * x[k];
		x[i] /= a[i * n + i];
	}
}

static void
solve(const double *a, size_t n, double *x)
{
	solve_lower(a, n, x);
	for (size_t i = n; i-- > 0;)
	{
		for (size_t k = i + 1; k < n; k++)
			x[i] -= a[k * n + i] * x[k];
		x[i] /= a[i * n + i];
	}
}

/* Spreads from the factor a of C W C', and cw = C W; x: room for a column. */
static AugStatus
spread_shrunk(Tree *tree, const double *a, const double *cw, double *x)
{
	size_t m = tree->h->n_nodes, r = tree->n_inner;

	for (size_t j = 0; tree->spread != NULL && j < m; j++)
	{
		double gone = 0;

		if (aug_cast_stop(&tree->cast))
			return AUG_CANCELLED;
		for (size_t i = 0; i < r; i++)
			x[i] = cw[i * m + j];
		solve_lower(a, r, x);
		for (size_t i = 0; i < r; i++)
			gone += x[i] * x[i];
		set_spread(tree, (uint32_t) j, tree->w[j] - gone);
	}
	return AUG_OK;
}

static AugStatus
reconcile_shrunk(Tree *tree, double *y)
{
	size_t m = tree->h->n_nodes, r = tree->n_inner, horizon = tree->h->horizon;
	double *w, *cw, *cwc, *x;
	AugStatus status = shrunk(tree, &w);

	if (status != AUG_OK)
		return status;
	cw = aug_cast_doubles(&tree->cast, r * m);
	cwc = aug_cast_doubles(&tree->cast, r * r);
	x = aug_cast_doubles(&tree->cast, r);
	if (cw == NULL || cwc == NULL || x == NULL)
		return AUG_NOMEM;
	for (size_t j = 0; j < m; j++) /* W is symmetric: row j is column j */
		constrain(tree, w + j * m, 1, cw + j, m);
	for (size_t i = 0; i < r; i++)
		constrain(tree, cw + i * m, 1, cwc + i, r);
	status = factor(tree, cwc, r);
	for (size_t s = 0; status == AUG_OK && s < horizon; s++)
	{
		if (aug_cast_stop(&tree->cast))
			return AUG_CANCELLED;
		constrain(tree, y + s, horizon, x, 1);
		solve(cwc, r, x);
		for (size_t i = 0; i < r; i++)
		{
			for (size_t j = 0; j < m; j++)
				y[j * horizon + s] -= cw[i * m + j] * x[i];
		}
	}
	return status == AUG_OK ? spread_shrunk(tree, cwc, cw, x) : status;
}

/* ---- the door -------------------------------------------------------------------------- */

static AugStatus
reconcile(Tree *tree, AugReconcile how, double *y)
{
	AugStatus status = grow(tree);

	if (status == AUG_OK && (how == AUG_RECONCILE_DIAGONAL || how == AUG_RECONCILE_SHRUNK))
		status = variances(tree, how == AUG_RECONCILE_SHRUNK);
	if (status != AUG_OK)
		return status;
	if (how == AUG_RECONCILE_TOP_DOWN)
		split_down(tree, y);
	else if (how == AUG_RECONCILE_DIAGONAL)
		status = reconcile_diagonal(tree, y);
	else if (how == AUG_RECONCILE_SHRUNK)
		status = reconcile_shrunk(tree, y);
	sum_up(tree, y);
	return status;
}

AugStatus
aug_reconcile(const AugHost *host, const AugHierarchy *hierarchy, AugReconcile how, double *out,
			  double *spread, AugError *err)
{
	AugArena arena;
	Tree tree = {
		.cast = {.host = host, .arena = &arena, .err = err}, .h = hierarchy, .spread = spread};
	AugStatus status = check(hierarchy, how, err);

	if (status != AUG_OK)
		return status;
	for (uint32_t i = 0; spread != NULL && i < hierarchy->n_nodes; i++)
		spread[i] = 1;
	aug_arena_init(&arena, host);
	memcpy(out, hierarchy->base, (size_t) hierarchy->n_nodes * hierarchy->horizon * sizeof(double));
	status = reconcile(&tree, how, out);
	aug_arena_free(&arena);
	return status;
}
