/*-------------------------------------------------------------------------
 *
 * ets_search.c
 *		Minimisation of the likelihood of exponential smoothing: BFGS with the exact
 *		gradient, smoothing parameters kept within bounds by projection.
 *
 * Nocedal, Wright: Numerical Optimization, 2nd edition, 6.1 (update of the inverse
 * Hessian), 3.1 (sufficient decrease); Bertsekas 1982, Projected Newton methods, SIAM J.
 * Control Optim. 20:221 (parameters at a bound whose gradient points outwards take no
 * part in a step).
 *
 * Memory: taken once for the largest form.  Interrupts: a poll per iteration.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "ets.h"

#define SUFFICIENT	1e-4 /* Armijo's constant */
#define MOST_BACK	20
#define MOST_MOVE	10 /* scales, of one parameter in a step */
#define LEAST_CURVE 1e-12

enum
{
	ROW_SCALE,
	ROW_X,
	ROW_G,
	ROW_WAY,
	ROW_TO,
	ROW_G_TO,
	ROW_HY,
	ROW_RAW
};

void
aug_ets_bounds(const EtsLayout *at, uint32_t i, double *lo, double *hi)
{
	*lo = 1e-4;
	*hi = 0.9999;
	if ((int) i == at->gamma)
		*hi = at->most_gamma;
	else if ((int) i == at->phi)
	{
		*lo = 0.8;
		*hi = 0.98;
	}
	else if (i >= at->n_smooth)
	{
		*lo = -HUGE_VAL;
		*hi = HUGE_VAL;
	}
}

AugStatus
aug_ets_search_init(AugCast *cast, uint32_t room, EtsSearch *search)
{
	search->room = room;
	search->inverse = aug_cast_doubles(cast, (size_t) room * room);
	search->vector = aug_cast_doubles(cast, (size_t) ETS_SEARCH_ROWS * room);
	return search->inverse == NULL || search->vector == NULL ? AUG_NOMEM : AUG_OK;
}

static inline double *
row(const EtsSearch *search, int i)
{
	return search->vector + (size_t) i * search->room;
}

/* Likelihood at a point in units of the scales. */
static double
value_at(EtsSearch *search, EtsSeries *s, const EtsFit *fit, const double *point)
{
	double *raw = row(search, ROW_RAW);
	const double *scale = row(search, ROW_SCALE);

	for (uint32_t i = 0; i < fit->at.n; i++)
		raw[i] = point[i] * scale[i];
	return aug_ets_forward(s, &fit->form, &fit->at, raw);
}

/* Gradient where value_at was last, in units of the scales. */
static void
gradient(EtsSearch *search, EtsSeries *s, const EtsFit *fit, double *g)
{
	const double *scale = row(search, ROW_SCALE);

	aug_ets_backward(s, &fit->form, &fit->at, row(search, ROW_RAW), g);
	for (uint32_t i = 0; i < fit->at.n; i++)
		g[i] *= scale[i];
}

static void
reset(EtsSearch *search, uint32_t n)
{
	memset(search->inverse, 0, (size_t) n * n * sizeof(double));
	for (uint32_t i = 0; i < n; i++)
		search->inverse[(size_t) i * n + i] = 1;
}

/* At a bound, and pushed against it. */
static bool
is_held(const EtsLayout *at, const double *scale, uint32_t i, double x, double g)
{
	double lo, hi;

	if (i >= at->n_smooth)
		return false;
	aug_ets_bounds(at, i, &lo, &hi);
	return (x <= lo / scale[i] && g > 0) || (x >= hi / scale[i] && g < 0);
}

/* The way to go among the free parameters; its slope. */
static double
direction(EtsSearch *search, const EtsLayout *at)
{
	const double *scale = row(search, ROW_SCALE), *x = row(search, ROW_X), *g = row(search, ROW_G);
	double *way = row(search, ROW_WAY);
	double slope = 0, longest = 0;
	uint32_t n = at->n;

	for (uint32_t i = 0; i < n; i++)
	{
		const double *h = search->inverse + (size_t) i * n;

		way[i] = 0;
		if (is_held(at, scale, i, x[i], g[i]))
			continue;
		for (uint32_t j = 0; j < n; j++)
		{
			if (!is_held(at, scale, j, x[j], g[j]))
				way[i] -= h[j] * g[j];
		}
		slope += way[i] * g[i];
		longest = fmax(longest, fabs(way[i]));
	}
	for (uint32_t i = 0; i < n && longest > MOST_MOVE; i++)
		way[i] *= MOST_MOVE / longest;
	return longest > MOST_MOVE ? slope * MOST_MOVE / longest : slope;
}

/* Back along the way until it is enough better; false when it never is. */
static bool
search_line(EtsSearch *search, EtsSeries *s, const EtsFit *fit, double value, double *better)
{
	const double *scale = row(search, ROW_SCALE), *x = row(search, ROW_X), *g = row(search, ROW_G);
	const double *way = row(search, ROW_WAY);
	double *to = row(search, ROW_TO);
	double step = 1;

	for (int k = 0; k < MOST_BACK; k++)
	{
		double slope = 0, v, vertex;

		for (uint32_t i = 0; i < fit->at.n; i++)
		{
			to[i] = x[i] + step * way[i];
			if (i < fit->at.n_smooth)
			{
				double lo, hi;

				aug_ets_bounds(&fit->at, i, &lo, &hi);
				to[i] = fmin(fmax(to[i], lo / scale[i]), hi / scale[i]);
			}
			slope += g[i] * (to[i] - x[i]);
		}
		v = value_at(search, s, fit, to);
		if (v <= value + SUFFICIENT * slope)
		{
			*better = v;
			return true;
		}
		/* the vertex of the parabola through what is known, within reason */
		vertex = -slope * step / (2 * (v - value - slope));
		step = isfinite(v) && isfinite(vertex) ? fmin(fmax(vertex, 0.1 * step), 0.5 * step)
											   : 0.2 * step;
	}
	return false;
}

/* BFGS update of the inverse Hessian by the step just made. */
static void
update(EtsSearch *search, uint32_t n, bool first)
{
	const double *x = row(search, ROW_X), *to = row(search, ROW_TO);
	const double *g = row(search, ROW_G), *g_to = row(search, ROW_G_TO);
	double *hy = row(search, ROW_HY), *step = row(search, ROW_WAY);
	double sy = 0, yy = 0, yhy = 0, a, b;

	for (uint32_t i = 0; i < n; i++)
	{
		double y = g_to[i] - g[i];

		step[i] = to[i] - x[i];
		sy += step[i] * y;
		yy += y * y;
	}
	if (!(sy > LEAST_CURVE * yy) || !isfinite(yy))
		return;
	for (uint32_t i = 0; i < n && first; i++)
		search->inverse[(size_t) i * n + i] = sy / yy;
	for (uint32_t i = 0; i < n; i++)
	{
		const double *h = search->inverse + (size_t) i * n;

		hy[i] = 0;
		for (uint32_t j = 0; j < n; j++)
			hy[i] += h[j] * (g_to[j] - g[j]);
		yhy += (g_to[i] - g[i]) * hy[i];
	}
	a = (1 + yhy / sy) / sy;
	b = 1 / sy;
	for (uint32_t i = 0; i < n; i++)
	{
		double *h = search->inverse + (size_t) i * n;
		double si = step[i], hi = hy[i];

		for (uint32_t j = 0; j < n; j++)
			h[j] += a * si * step[j] - b * (hi * step[j] + si * hy[j]);
	}
}

AugStatus
aug_ets_search_run(AugCast *cast, EtsSearch *search, EtsSeries *s, const double *scale,
				   double tolerance, uint32_t most, EtsFit *fit)
{
	uint32_t n = fit->at.n;
	double *x = row(search, ROW_X), *g = row(search, ROW_G), *g_to = row(search, ROW_G_TO);
	double *to = row(search, ROW_TO);
	bool fresh = true;
	double value;

	memcpy(row(search, ROW_SCALE), scale, n * sizeof(double));
	for (uint32_t i = 0; i < n; i++)
		x[i] = fit->x[i] / scale[i];
	reset(search, n);
	value = value_at(search, s, fit, x);
	fit->minus2 = value;
	if (!isfinite(value))
		return AUG_OK;
	gradient(search, s, fit, g);
	for (uint32_t k = 0; k < most; k++)
	{
		double slope = direction(search, &fit->at), next, gain;

		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		if (!(slope < 0) || !search_line(search, s, fit, value, &next))
		{
			if (fresh)
				break;
			reset(search, n);
			fresh = true;
			continue;
		}
		gradient(search, s, fit, g_to);
		update(search, n, fresh);
		gain = value - next;
		memcpy(x, to, n * sizeof(double));
		memcpy(g, g_to, n * sizeof(double));
		value = next;
		if (gain < tolerance)
		{
			if (fresh)
				break;
			/* flat in this metric: once more along the gradient before it counts */
			reset(search, n);
			fresh = true;
			continue;
		}
		fresh = false;
	}
	for (uint32_t i = 0; i < n; i++)
		fit->x[i] = x[i] * scale[i];
	fit->minus2 = value;
	return AUG_OK;
}
