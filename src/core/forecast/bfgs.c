/*-------------------------------------------------------------------------
 *
 * bfgs.c
 *		Minimisation by BFGS with forward differences and a backtracking line search.
 *
 * Nocedal, Wright: Numerical Optimization, 2nd edition, 6.1 (update of the inverse
 * Hessian, eq. 6.17) and 3.1 (backtracking).  No step moves a parameter by more than
 * a bound, since likelihoods in transformed parameters are flat far out.
 *
 * Memory: the stack, n <= ARIMA_MAX_COEF.  Interrupts: a poll per iteration.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

#define DIFFERENCE	 1e-6 /* of the gradient: near the root of the rounding error */
#define MOST_MOVE	 1.5  /* of one parameter in a step */
#define SUFFICIENT	 1e-4 /* of the slope's promise, Armijo's constant */
#define MOST_HALVING 12

typedef struct Bfgs
{
	const ArimaBfgs *s;
	double inverse[ARIMA_MAX_COEF][ARIMA_MAX_COEF]; /* of the Hessian */
	double x[ARIMA_MAX_COEF], g[ARIMA_MAX_COEF];
	double to[ARIMA_MAX_COEF], g_to[ARIMA_MAX_COEF];
	double way[ARIMA_MAX_COEF];
	double value;
	bool fresh; /* inverse is a multiple of the identity */
} Bfgs;

static void
reset(Bfgs *b)
{
	memset(b->inverse, 0, sizeof(b->inverse));
	for (uint32_t i = 0; i < b->s->n; i++)
		b->inverse[i][i] = 1 / b->s->curvature;
	b->fresh = true;
}

static double
value_at(const Bfgs *b, const double *x)
{
	double v = b->s->f(b->s->arg, x);

	return isnan(v) ? HUGE_VAL : v;
}

static void
gradient(const Bfgs *b, double *x, double value, double *g)
{
	for (uint32_t i = 0; i < b->s->n; i++)
	{
		double old = x[i], v;

		x[i] = old + DIFFERENCE;
		v = value_at(b, x);
		if (isfinite(v))
			g[i] = (v - value) / DIFFERENCE;
		else
		{
			x[i] = old - DIFFERENCE;
			v = value_at(b, x);
			g[i] = isfinite(v) ? (value - v) / DIFFERENCE : 0;
		}
		x[i] = old;
	}
}

/* The way to go and its slope, negative unless the gradient is 0. */
static double
direction(Bfgs *b)
{
	double slope = 0, longest = 0;

	for (uint32_t i = 0; i < b->s->n; i++)
	{
		b->way[i] = 0;
		for (uint32_t j = 0; j < b->s->n; j++)
			b->way[i] -= b->inverse[i][j] * b->g[j];
		slope += b->way[i] * b->g[i];
		longest = fmax(longest, fabs(b->way[i]));
	}
	if (longest > MOST_MOVE)
	{
		for (uint32_t i = 0; i < b->s->n; i++)
			b->way[i] *= MOST_MOVE / longest;
		slope *= MOST_MOVE / longest;
	}
	return slope;
}

/* Goes along the way; false when no step is better enough. */
static bool
search_line(Bfgs *b, double slope, double *value)
{
	double step = 1;

	for (int k = 0; k < MOST_HALVING; k++)
	{
		double v, vertex;

		for (uint32_t i = 0; i < b->s->n; i++)
			b->to[i] = b->x[i] + step * b->way[i];
		v = value_at(b, b->to);
		if (v <= b->value + SUFFICIENT * step * slope)
		{
			*value = v;
			return true;
		}
		/* the vertex of the parabola through value, slope and v, kept within reason */
		vertex = -slope * step * step / (2 * (v - b->value - slope * step));
		step = isfinite(v) && isfinite(vertex) ? fmin(fmax(vertex, 0.1 * step), 0.5 * step)
											   : 0.25 * step;
	}
	return false;
}

static void
update(Bfgs *b)
{
	uint32_t n = b->s->n;
	double s[ARIMA_MAX_COEF], y[ARIMA_MAX_COEF], hy[ARIMA_MAX_COEF];
	double sy = 0, yhy = 0, yy = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		s[i] = b->to[i] - b->x[i];
		y[i] = b->g_to[i] - b->g[i];
		sy += s[i] * y[i];
		yy += y[i] * y[i];
	}
	if (!(sy > 1e-10 * sqrt(yy)) || !isfinite(yy))
		return;
	if (b->fresh) /* Nocedal, Wright eq. 6.20 */
	{
		for (uint32_t i = 0; i < n; i++)
			b->inverse[i][i] = sy / yy;
		b->fresh = false;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		hy[i] = 0;
		for (uint32_t j = 0; j < n; j++)
			hy[i] += b->inverse[i][j] * y[j];
		yhy += y[i] * hy[i];
	}
	for (uint32_t i = 0; i < n; i++)
	{
		for (uint32_t j = 0; j < n; j++)
			b->inverse[i][j] += (1 + yhy / sy) * s[i] * s[j] / sy -
								(hy[i] * s[j] + s[i] * hy[j]) / sy;
	}
}

AugStatus
arima_bfgs(AugCast *cast, const ArimaBfgs *search, double *x, double *value)
{
	Bfgs b;

	memset(&b, 0, sizeof(b));
	b.s = search;
	memcpy(b.x, x, search->n * sizeof(double));
	b.value = *value = value_at(&b, b.x);
	if (search->n == 0 || !isfinite(b.value))
		return AUG_OK;
	reset(&b);
	gradient(&b, b.x, b.value, b.g);
	for (uint32_t k = 0; k < search->most; k++)
	{
		double slope = direction(&b), to = 0, gain;

		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		if (!(slope < 0) || !search_line(&b, slope, &to))
		{
			if (b.fresh)
				break;
			reset(&b);
			continue;
		}
		gain = b.value - to;
		if (gain > 0 && (gain >= search->tolerance || b.fresh))
		{
			gradient(&b, b.to, to, b.g_to);
			update(&b);
			memcpy(b.g, b.g_to, sizeof(b.g));
		}
		memcpy(b.x, b.to, sizeof(b.x));
		b.value = to;
		if (gain < search->tolerance)
			break;
	}
	memcpy(x, b.x, search->n * sizeof(double));
	*value = b.value;
	return AUG_OK;
}
