/*-------------------------------------------------------------------------
 *
 * ets_eval.c
 *		One series through the recursion of a form: its likelihood, and the likelihood's
 *		gradient by going back.
 *
 * The book, tables 2.2 and 2.3: the states are updated in the same way for both kinds of
 * error when written by smoothing, l' = q + alpha (p - q), with q the level and trend
 * taken one step ahead and p the value without its season.  The seasons stand in a ring,
 * so a step costs the same for any m.
 *
 * The gradient is that of reverse accumulation (Griewank, Walther 2008: Evaluating
 * Derivatives, ch. 3): each step's adjoints from those of the step after it, at about
 * three times the cost of the likelihood whatever the number of states.
 *
 * A missing value leaves the states as the forecast has them and adds nothing.
 *
 * The step is written once and compiled for each combination of components.
 *
 * Memory: five numbers a step in the series' work space.  Interrupts: none, a pass over
 * 1,000 values takes microseconds; the searches poll.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "ets.h"

#define LEAST_POINT 1e-10 /* forecasts nearer to 0 have no relative error */
#define WIDE		1e100 /* of a product whose logarithm waits */

static int
place(uint32_t *n, bool present)
{
	return present ? (int) (*n)++ : -1;
}

void
aug_ets_layout(const EtsForm *form, EtsLayout *at)
{
	at->n = 0;
	at->most_gamma = 0.9999;
	at->alpha = place(&at->n, true);
	at->beta = place(&at->n, form->trend != ETS_NONE);
	at->gamma = place(&at->n, form->season != ETS_NONE);
	at->phi = place(&at->n, form->damped);
	at->n_smooth = at->n;
	at->level = place(&at->n, true);
	at->trend = place(&at->n, form->trend != ETS_NONE);
	at->season = form->season != ETS_NONE ? (int) at->n : -1;
	at->n += form->season != ETS_NONE ? form->m - 1 : 0;
}

double
aug_ets_season_at(const EtsForm *form, const EtsLayout *at, const double *x, uint32_t k)
{
	double sum = form->season == ETS_MULTIPLICATIVE ? (double) form->m : 0;

	if (k + 1 < form->m)
		return x[at->season + (int) k];
	for (uint32_t i = 0; i + 1 < form->m; i++)
		sum -= x[at->season + (int) i];
	return sum;
}

double
aug_ets_alpha(const EtsLayout *at, const double *x)
{
	return x[at->alpha];
}

double
aug_ets_beta(const EtsLayout *at, const double *x)
{
	return at->beta < 0 ? 0 : x[at->beta] * x[at->alpha];
}

double
aug_ets_gamma(const EtsLayout *at, const double *x)
{
	return at->gamma < 0 ? 0 : x[at->gamma] * (1 - x[at->alpha]);
}

double
aug_ets_phi(const EtsLayout *at, const double *x)
{
	return at->phi < 0 ? 1 : x[at->phi];
}

/* ---- forward ------------------------------------------------------------------ */

static inline __attribute__((always_inline)) double
forward(EtsSeries *s, const EtsForm *form, const EtsLayout *at, const double *x,
		const EtsKind error, const EtsKind trend, const bool damped, const EtsKind season)
{
	const double alpha = aug_ets_alpha(at, x), star = at->beta < 0 ? 0 : x[at->beta];
	const double gamma = aug_ets_gamma(at, x), phi = aug_ets_phi(at, x);
	const uint32_t m = form->m;
	double level = x[at->level], slope = trend != ETS_NONE ? x[at->trend] : 0;
	double squares = s->floor, logs = 0, product = 1;
	uint32_t k = 0;

	for (uint32_t i = 0; season != ETS_NONE && i < m; i++)
		s->ring[i] = aug_ets_season_at(form, at, x, i);
	for (size_t t = 0; t < s->n; t++)
	{
		double step = trend == ETS_NONE		  ? 0
					  : !damped				  ? slope
					  : trend == ETS_ADDITIVE ? phi * slope
											  : pow(slope, phi);
		double q = trend == ETS_NONE ? level : trend == ETS_ADDITIVE ? level + step : level * step;
		double sea = season != ETS_NONE ? s->ring[k] : 0;
		double f = season == ETS_NONE ? q : season == ETS_ADDITIVE ? q + sea : q * sea;
		double y = s->y[t];

		s->level[t] = level;
		s->trend[t] = slope;
		s->season[t] = sea;
		s->point[t] = q;
		s->forecast[t] = f;
		if ((error == ETS_MULTIPLICATIVE && !(f > LEAST_POINT)) ||
			(season == ETS_MULTIPLICATIVE && !(sea > LEAST_POINT && q > LEAST_POINT)) ||
			(trend == ETS_MULTIPLICATIVE && !(step > LEAST_POINT && level > LEAST_POINT)))
			return HUGE_VAL;
		if (isnan(y))
		{
			level = q;
			slope = step;
		}
		else
		{
			double e = error == ETS_MULTIPLICATIVE ? (y - f) / f : y - f;
			double p = season == ETS_NONE ? y : season == ETS_ADDITIVE ? y - sea : y / sea;
			double next = q + alpha * (p - q);

			squares += e * e;
			if (error == ETS_MULTIPLICATIVE)
			{
				product *= f;
				if (!(product < WIDE && product > 1 / WIDE))
				{
					logs += log(product);
					product = 1;
				}
			}
			if (trend == ETS_ADDITIVE)
				slope = step + star * (next - level - step);
			else if (trend == ETS_MULTIPLICATIVE)
				slope = step + star * (next / level - step);
			if (season == ETS_ADDITIVE)
				s->ring[k] = sea + gamma * (y - q - sea);
			else if (season == ETS_MULTIPLICATIVE)
				s->ring[k] = sea + gamma * (y / q - sea);
			level = next;
		}
		if (season != ETS_NONE && ++k == m)
			k = 0;
	}
	s->end_level = level;
	s->end_trend = slope;
	s->squares = squares;
	if (error == ETS_MULTIPLICATIVE)
		logs += log(product);
	squares = s->n_observed * log(squares) + 2 * logs;
	return isnan(squares) ? HUGE_VAL : squares;
}

/* ---- backward ------------------------------------------------------------------- */

/* The gradient's sums while going back. */
typedef struct Sums
{
	double alpha, star, gamma, phi;
} Sums;

static inline __attribute__((always_inline)) void
backward(EtsSeries *s, const EtsForm *form, const EtsLayout *at, const double *x, double *g,
		 const EtsKind error, const EtsKind trend, const bool damped, const EtsKind season)
{
	const double alpha = aug_ets_alpha(at, x), star = at->beta < 0 ? 0 : x[at->beta];
	const double gamma = aug_ets_gamma(at, x), phi = aug_ets_phi(at, x);
	const double weight = 2 * s->n_observed / s->squares;
	const uint32_t m = form->m;
	Sums sum = {0, 0, 0, 0};
	double level_bar = 0, slope_bar = 0;
	uint32_t k = (uint32_t) (s->n % m);

	for (uint32_t i = 0; season != ETS_NONE && i < m; i++)
		s->adjoint[i] = 0;
	for (size_t t = s->n; t-- > 0;)
	{
		const double y = s->y[t], level = s->level[t], slope = s->trend[t], sea = s->season[t];
		const double q = s->point[t], f = s->forecast[t];
		double step = trend == ETS_NONE		  ? 0
					  : !damped				  ? slope
					  : trend == ETS_ADDITIVE ? phi * slope
											  : q / level;
		double q_bar = 0, step_bar = 0, sea_bar = 0, before = 0;

		k = k == 0 ? m - 1 : k - 1;
		if (isnan(y))
		{
			q_bar = level_bar;
			step_bar = slope_bar;
			sea_bar = season != ETS_NONE ? s->adjoint[k] : 0;
		}
		else
		{
			double p = season == ETS_NONE ? y : season == ETS_ADDITIVE ? y - sea : y / sea;
			double next = q + alpha * (p - q), p_bar, f_bar, ratio_bar;

			if (season != ETS_NONE)
			{
				double old = s->adjoint[k];

				sum.gamma += old * ((season == ETS_ADDITIVE ? y - q : y / q) - sea);
				sea_bar = old * (1 - gamma);
				q_bar -= season == ETS_ADDITIVE ? gamma * old : gamma * old * y / (q * q);
			}
			if (trend != ETS_NONE)
			{
				double ratio = trend == ETS_ADDITIVE ? next - level : next / level;

				sum.star += slope_bar * (ratio - step);
				ratio_bar = star * slope_bar;
				step_bar = slope_bar * (1 - star);
				level_bar += trend == ETS_ADDITIVE ? ratio_bar : ratio_bar / level;
				before -= trend == ETS_ADDITIVE ? ratio_bar : ratio_bar * next / (level * level);
			}
			sum.alpha += level_bar * (p - q);
			q_bar += (1 - alpha) * level_bar;
			p_bar = alpha * level_bar;
			if (season == ETS_ADDITIVE)
				sea_bar -= p_bar;
			else if (season == ETS_MULTIPLICATIVE)
				sea_bar -= p_bar * y / (sea * sea);
			f_bar = error == ETS_ADDITIVE ? -weight * (y - f)
										  : (2 - weight * ((y - f) / f) * (y / f)) / f;
			q_bar += season == ETS_MULTIPLICATIVE ? f_bar * sea : f_bar;
			if (season == ETS_ADDITIVE)
				sea_bar += f_bar;
			else if (season == ETS_MULTIPLICATIVE)
				sea_bar += f_bar * q;
		}
		if (trend == ETS_MULTIPLICATIVE)
		{
			level_bar = before + q_bar * step;
			step_bar += q_bar * level;
			if (damped)
			{
				sum.phi += step_bar * step * log(slope);
				slope_bar = step_bar * phi * step / slope;
			}
			else
				slope_bar = step_bar;
		}
		else if (trend == ETS_ADDITIVE)
		{
			level_bar = before + q_bar;
			step_bar += q_bar;
			sum.phi += step_bar * slope;
			slope_bar = step_bar * phi;
		}
		else
			level_bar = before + q_bar;
		if (season != ETS_NONE)
			s->adjoint[k] = sea_bar;
	}
	/* gamma = g* (1 - alpha) */
	g[at->alpha] = sum.alpha - (at->gamma < 0 ? 0 : sum.gamma * x[at->gamma]);
	if (at->beta >= 0)
		g[at->beta] = sum.star;
	if (at->gamma >= 0)
		g[at->gamma] = sum.gamma * (1 - alpha);
	if (at->phi >= 0)
		g[at->phi] = sum.phi;
	g[at->level] = level_bar;
	if (at->trend >= 0)
		g[at->trend] = slope_bar;
	for (uint32_t i = 0; season != ETS_NONE && i + 1 < m; i++)
		g[at->season + (int) i] = s->adjoint[i] - s->adjoint[m - 1];
}

/* ---- one compilation for each combination ------------------------------------------ */

#define EACH_SEASON(call, error, trend, damped)             \
	switch (form->season)                                   \
	{                                                       \
		case ETS_NONE:                                      \
			call(error, trend, damped, ETS_NONE);           \
		case ETS_ADDITIVE:                                  \
			call(error, trend, damped, ETS_ADDITIVE);       \
		case ETS_MULTIPLICATIVE:                            \
			call(error, trend, damped, ETS_MULTIPLICATIVE); \
	}

#define EACH_TREND(call, error)                             \
	if (form->trend == ETS_NONE)                            \
	{                                                       \
		EACH_SEASON(call, error, ETS_NONE, false)           \
	}                                                       \
	else if (form->trend == ETS_ADDITIVE)                   \
	{                                                       \
		if (form->damped)                                   \
		{                                                   \
			EACH_SEASON(call, error, ETS_ADDITIVE, true)    \
		}                                                   \
		else                                                \
		{                                                   \
			EACH_SEASON(call, error, ETS_ADDITIVE, false)   \
		}                                                   \
	}                                                       \
	else if (form->damped)                                  \
	{                                                       \
		EACH_SEASON(call, error, ETS_MULTIPLICATIVE, true)  \
	}                                                       \
	else                                                    \
	{                                                       \
		EACH_SEASON(call, error, ETS_MULTIPLICATIVE, false) \
	}

#define EACH_FORM(call)                      \
	if (form->error == ETS_ADDITIVE)         \
	{                                        \
		EACH_TREND(call, ETS_ADDITIVE)       \
	}                                        \
	else                                     \
	{                                        \
		EACH_TREND(call, ETS_MULTIPLICATIVE) \
	}

double
aug_ets_forward(EtsSeries *s, const EtsForm *form, const EtsLayout *at, const double *x)
{
#define FORWARD(error, trend, damped, season) \
	return forward(s, form, at, x, error, trend, damped, season)
	EACH_FORM(FORWARD)
#undef FORWARD
	return HUGE_VAL;
}

void
aug_ets_backward(EtsSeries *s, const EtsForm *form, const EtsLayout *at, const double *x, double *g)
{
#define BACKWARD(error, trend, damped, season)                     \
	{                                                              \
		backward(s, form, at, x, g, error, trend, damped, season); \
		return;                                                    \
	}
	EACH_FORM(BACKWARD)
#undef BACKWARD
}
