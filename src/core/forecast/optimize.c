/*-------------------------------------------------------------------------
 *
 * optimize.c
 *		Minimisers without derivatives.
 *
 * Nelder, Mead 1965 (Computer Journal 7:308) with the coefficients of Gao, Han 2012
 * (Computational Optimization and Applications 51:259), which depend on the
 * dimension and are the usual 1, 2, 1/2, 1/2 in two.  Bounds are kept by moving
 * each trial point onto them.  Since that can flatten the simplex against a bound,
 * the search starts anew from its best point, until a start gains nothing.
 * Brent 1973, Algorithms for Minimization without Derivatives, chapter 5.
 *
 * Memory: the simplex' arrays, from the arena.  Interrupts: a poll every POLL_EVERY
 * evaluations.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "optimize.h"

#define POLL_EVERY	  8
#define MAX_STARTS	  5
#define RESTART_SCALE 0.5	/* size of a later first simplex to the one before */
#define TINY_SIMPLEX  1e-12 /* extent, relative to the first one, at which it is a point */
#define LINE_MOST	  100	/* evaluations of the line search */
#define GOLDEN		  0.381966011250105151795 /* (3 - sqrt 5) / 2 */

/* A search at work. */
typedef struct Walk
{
	AugCast *cast;
	const AugSearch *s;
	AugSimplex *simplex;
	uint32_t evaluations;
	bool stopped;
} Walk;

AugStatus
aug_simplex_init(AugCast *cast, uint32_t room, AugSimplex *simplex)
{
	size_t n = room;

	simplex->room = room;
	simplex->points = aug_cast_doubles(cast, (n + 1) * n);
	simplex->values = aug_cast_doubles(cast, n + 1);
	simplex->trial = aug_cast_doubles(cast, 4 * n);
	return simplex->points == NULL || simplex->values == NULL || simplex->trial == NULL ? AUG_NOMEM
																						: AUG_OK;
}

/* The value at x, +Inf where it is not allowed. */
static double
evaluate(Walk *w, const double *x)
{
	double v;

	if (w->evaluations++ % POLL_EVERY == 0 && aug_cast_stop(w->cast))
		w->stopped = true;
	if (w->stopped)
		return INFINITY;
	v = w->s->f(w->s->arg, x);
	return isnan(v) ? INFINITY : v;
}

static double *
point(const Walk *w, uint32_t i)
{
	return w->simplex->points + (size_t) i * w->s->n;
}

/* out = centre + k (from - centre), moved onto the bounds. */
static void
along(const Walk *w, const double *centre, const double *from, double k, double *out)
{
	const AugSearch *s = w->s;

	for (uint32_t j = 0; j < s->n; j++)
	{
		double x = centre[j] + k * (from[j] - centre[j]);

		out[j] = fmin(fmax(x, s->lo[j]), s->hi[j]);
	}
}

/* First simplex: x and one point for each coordinate, inside the bounds. */
static void
spread(Walk *w, const double *x, double scale)
{
	const AugSearch *s = w->s;

	for (uint32_t i = 0; i <= s->n; i++)
	{
		double *p = point(w, i);

		memcpy(p, x, s->n * sizeof(double));
		if (i > 0)
		{
			uint32_t j = i - 1;
			double step = s->step[j] * scale;

			p[j] = x[j] + step <= s->hi[j] ? x[j] + step : fmax(x[j] - step, s->lo[j]);
			if (p[j] == x[j]) /* bounds nearer than the step on both sides */
				p[j] = s->hi[j] - x[j] > x[j] - s->lo[j] ? s->hi[j] : s->lo[j];
		}
		w->simplex->values[i] = evaluate(w, p);
	}
}

/* Indices of the best, the worst and the second worst point; the first of equals. */
static void
rank(const Walk *w, uint32_t *best, uint32_t *worst, uint32_t *second)
{
	const double *v = w->simplex->values;

	*best = 0;
	*worst = v[0] >= v[1] ? 0 : 1;
	*second = 1 - *worst;
	for (uint32_t i = 1; i <= w->s->n; i++)
	{
		if (v[i] < v[*best])
			*best = i;
		if (i < 2)
			continue;
		if (v[i] > v[*worst])
		{
			*second = *worst;
			*worst = i;
		}
		else if (v[i] > v[*second])
			*second = i;
	}
}

static bool
is_point(const Walk *w, uint32_t best)
{
	const double *b = point(w, best);

	for (uint32_t i = 0; i <= w->s->n; i++)
	{
		for (uint32_t j = 0; j < w->s->n; j++)
		{
			if (fabs(point(w, i)[j] - b[j]) > TINY_SIMPLEX * w->s->step[j])
				return false;
		}
	}
	return true;
}

static void
replace(Walk *w, uint32_t i, const double *x, double value)
{
	memcpy(point(w, i), x, w->s->n * sizeof(double));
	w->simplex->values[i] = value;
}

/* Pulls all points towards the best one. */
static void
shrink(Walk *w, uint32_t best, double k)
{
	for (uint32_t i = 0; i <= w->s->n; i++)
	{
		if (i == best)
			continue;
		along(w, point(w, best), point(w, i), k, point(w, i));
		w->simplex->values[i] = evaluate(w, point(w, i));
	}
}

/* One step of Nelder and Mead. */
static void
step(Walk *w, uint32_t best, uint32_t worst, uint32_t second)
{
	uint32_t n = w->s->n;
	double *v = w->simplex->values;
	double *centre = w->simplex->trial, *reflected = centre + n, *tried = reflected + n;
	double dim = n < 2 ? 2 : (double) n;
	double expand = 1 + 2 / dim, contract = 0.75 - 0.5 / dim, shrunk = 1 - 1 / dim;
	double vr, vt;

	memset(centre, 0, n * sizeof(double));
	for (uint32_t i = 0; i <= n; i++)
	{
		for (uint32_t j = 0; i != worst && j < n; j++)
			centre[j] += point(w, i)[j] / n;
	}
	along(w, centre, point(w, worst), -1, reflected);
	vr = evaluate(w, reflected);
	if (vr < v[best])
	{
		along(w, centre, point(w, worst), -expand, tried);
		vt = evaluate(w, tried);
		if (vt < vr)
			replace(w, worst, tried, vt);
		else
			replace(w, worst, reflected, vr);
		return;
	}
	if (vr < v[second])
	{
		replace(w, worst, reflected, vr);
		return;
	}
	along(w, centre, vr < v[worst] ? reflected : point(w, worst), contract, tried);
	vt = evaluate(w, tried);
	if (vt < fmin(vr, v[worst]))
		replace(w, worst, tried, vt);
	else
		shrink(w, best, shrunk);
}

/* One start; returns the index of the best point. */
static uint32_t
descend(Walk *w)
{
	const double *v = w->simplex->values;
	uint32_t best, worst, second;

	for (;;)
	{
		rank(w, &best, &worst, &second);
		if (w->stopped || w->evaluations >= w->s->most)
			return best;
		if (v[worst] - v[best] <= w->s->tolerance * (fabs(v[best]) + w->s->tolerance) ||
			is_point(w, best))
			return best;
		step(w, best, worst, second);
	}
}

AugStatus
aug_minimize(AugCast *cast, const AugSearch *search, AugSimplex *simplex, double *x, double *value)
{
	Walk w = {cast, search, simplex, 0, false};
	double scale = 1, *best_x = simplex->trial + 3 * (size_t) search->n;

	*value = INFINITY;
	if (search->n == 0)
	{
		*value = evaluate(&w, x);
		return w.stopped ? AUG_CANCELLED : AUG_OK;
	}
	memcpy(best_x, x, search->n * sizeof(double));
	for (int start = 0; start < MAX_STARTS; start++)
	{
		double before = *value;
		uint32_t best;

		spread(&w, best_x, scale);
		best = descend(&w);
		if (w.stopped)
			return AUG_CANCELLED;
		if (simplex->values[best] < *value)
		{
			*value = simplex->values[best];
			memcpy(best_x, point(&w, best), search->n * sizeof(double));
		}
		/* a gain below ten tolerances is not worth another start */
		if (w.evaluations >= search->most || !isfinite(*value) ||
			before - *value <= 10 * search->tolerance * (fabs(*value) + search->tolerance))
			break;
		scale *= RESTART_SCALE;
	}
	memcpy(x, best_x, search->n * sizeof(double));
	return AUG_OK;
}

/* The step to the minimum of the parabola through three points, NaN if there is none inside. */
static double
parabola(double x, double v, double w, double fx, double fv, double fw, double a, double b)
{
	double r = (x - w) * (fx - fv), q = (x - v) * (fx - fw);
	double p = (x - v) * q - (x - w) * r, u;

	q = 2 * (q - r);
	u = x - p / q;
	return u > a && u < b ? u - x : NAN;
}

/*
 * Brent's method: x is the best point, w the second, v the third; d the last step and
 * e the one before it.
 */
static void
brent(Walk *w_, double a, double b, double tolerance, double *best, double *value)
{
	double x = *best, fx = *value, w = x, v = x, fw = fx, fv = fx, d = 0, e = 0;

	while (!w_->stopped && w_->evaluations < LINE_MOST && b - a > 2 * tolerance &&
		   fmax(x - a, b - x) > 2 * tolerance)
	{
		double middle = (a + b) / 2, move = NAN, u, fu;

		if (fabs(e) > tolerance)
			move = parabola(x, v, w, fx, fv, fw, a, b);
		if (!(fabs(move) < fabs(e) / 2)) /* also NaN: golden section */
		{
			e = x < middle ? b - x : a - x;
			move = GOLDEN * e;
		}
		else
			e = d;
		d = fabs(move) >= tolerance ? move : move < 0 ? -tolerance : tolerance;
		u = fmin(fmax(x + d, a), b);
		fu = evaluate(w_, &u);
		if (fu <= fx)
		{
			*(u < x ? &b : &a) = x;
			v = w, fv = fw;
			w = x, fw = fx;
			x = u, fx = fu;
			continue;
		}
		*(u < x ? &a : &b) = u;
		if (fu <= fw || w == x)
		{
			v = w, fv = fw;
			w = u, fw = fu;
		}
		else if (fu <= fv || v == x || v == w)
			v = u, fv = fu;
	}
	*best = x;
	*value = fx;
}

AugStatus
aug_minimize_line(AugCast *cast, AugObjective f, void *arg, double lo, double hi, uint32_t n_grid,
				  double tolerance, double *x, double *value)
{
	AugSearch s = {.f = f, .arg = arg, .n = 1};
	Walk w = {cast, &s, NULL, 0, false};
	double a = lo, b = hi, width = (hi - lo) / ((double) n_grid + 1);

	*x = lo + GOLDEN * (hi - lo);
	*value = INFINITY;
	for (uint32_t i = 1; i <= n_grid; i++)
	{
		double at = lo + width * i, v = evaluate(&w, &at);

		if (v < *value || i == 1)
		{
			*value = v;
			*x = at;
			a = at - width;
			b = at + width;
		}
	}
	if (n_grid == 0)
		*value = evaluate(&w, x);
	w.evaluations = 0;
	brent(&w, fmax(a, lo), fmin(b, hi), tolerance, x, value);
	return w.stopped ? AUG_CANCELLED : AUG_OK;
}
