/*-------------------------------------------------------------------------
 *
 * ces.c
 *		Complex exponential smoothing.
 *
 * Svetunkov, Kourentzes, Ord 2022, Naval Research Logistics 69:1108.  A value and the
 * potential information in its error are the parts of a complex number, smoothed with a
 * complex parameter a0 + i a1; with e = y - forecast (section 3 there):
 *		level'     = level - (1 - a1) potential + (a0 - a1) e
 *		potential' = level + (1 - a0) potential + (a0 + a1) e
 * Forms: none; simple, where the state answers the one a season before; partial, none
 * and an additive season smoothed by b0; full, none and a complex season with b0 + i b1.
 * Another candidate is none on the seasonally adjusted series, whose likelihood
 * is made comparable by the Jacobian.  The least AICc chooses.
 *
 * By default the season is taken out first and the form is none, which forecasts better
 * than the choice by AICc, at a tenth of its cost.  That form's least squares are found
 * with derivatives carried along (Levenberg 1944, Marquardt 1963), the others' by
 * Nelder and Mead.
 *
 * Initial states come from backcasting: a pass forward, one backward, and the one that
 * counts; they are counted as parameters all the same.  Parameters are kept where the
 * smoothing forgets its past: both roots of its discount matrix inside the unit circle.
 *
 * Variances: the response to one error, carried from step to step; exact given the
 * parameters.
 *
 * Memory: 2 period doubles for each form's state, the adjusted series, a simplex.
 * Interrupts: those of the searches.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smooth.h"

typedef enum CesForm
{
	CES_NONE,
	CES_SIMPLE,
	CES_PARTIAL,
	CES_FULL,
	CES_FORMS
} CesForm;

static const char *const form_names[] = {"none", "simple", "partial", "full"};
/* smoothing parameters searched; of the season in a simple form they are a0 and a1 */
static const uint32_t form_parameters[] = {2, 2, 3, 4};

enum
{
	C_FORM = AUG_ADJUST_CODES,
	C_PERIOD,
};

enum
{
	A0,
	A1,
	B0,
	B1,
	N_VALUES
};

#define LEAST		   4   /* values */
#define START_MEAN	   10  /* values whose mean the first level is, or a season if longer */
#define POTENTIAL	   1.1 /* first level to first potential, the authors' choice */
#define TOLERANCE	   1e-8
#define MOST		   800 /* evaluations of a form */
#define PARAMETER_LO   (-1.0)
#define PARAMETER_HI   3.0
#define DECAY_CYCLES   50 /* in which the answer to a state has to fade */
#define LONGEST_SEASON 1000
/* of the search by derivatives */
#define MOST_STEPS	  40
#define STEP_GAIN	  1e-7 /* of the squares, relative: less ends it */
#define FIRST_DAMPING 1e-3
#define LESS_DAMPING  0.2
#define MORE_DAMPING  8.0
#define MOST_DAMPING  1e7

typedef struct State
{
	double level, potential;
} State;

typedef struct Ces
{
	AugAdjusted adjusted;
	CesForm form;
	uint32_t period; /* 1 without a season */
	double p[N_VALUES];
	double reference; /* sum of squares that values are relative to */
	State now;		  /* after the last value */
	State *season;	  /* [period] */
	double sum;		  /* squared errors of the last pass */
} Ces;

static inline void
turn(State *s, double a0, double a1, double e)
{
	double level = s->level;

	s->level = level - (1 - a1) * s->potential + (a0 - a1) * e;
	s->potential = level + (1 - a0) * s->potential + (a0 + a1) * e;
}

static inline double
ahead(const Ces *m, const State *season)
{
	switch (m->form)
	{
		case CES_SIMPLE:
			return season->level;
		case CES_PARTIAL:
		case CES_FULL:
			return m->now.level + season->level;
		default:
			return m->now.level;
	}
}

static inline void
learn(Ces *m, State *season, double e)
{
	if (m->form == CES_SIMPLE)
	{
		turn(season, m->p[A0], m->p[A1], e);
		return;
	}
	turn(&m->now, m->p[A0], m->p[A1], e);
	if (m->form == CES_PARTIAL)
		season->level += m->p[B0] * e;
	else if (m->form == CES_FULL)
		turn(season, m->p[B0], m->p[B1], e);
}

/* Over the series forward (fitted may be NULL) or backward. */
static void
pass(Ces *m, bool forward, double *fitted)
{
	const double *y = m->adjusted.y;
	size_t n = m->adjusted.n, last = m->period - 1; /* a period is at least 1 */
	size_t at = forward ? 0 : (n - 1) % m->period;

	m->sum = 0;
	for (size_t i = 0; i < n; i++)
	{
		size_t t = forward ? i : n - 1 - i;
		double f = ahead(m, &m->season[at]), e = y[t] - f;

		if (fitted != NULL)
			fitted[t] = f;
		m->sum += e * e;
		learn(m, &m->season[at], e);
		if (forward)
			at = at == last ? 0 : at + 1;
		else
			at = at == 0 ? last : at - 1;
	}
}

/* Initial states by backcasting, then the pass that counts. */
static void
filter(Ces *m, double *fitted)
{
	const double *y = m->adjusted.y;
	size_t n = m->adjusted.n, first = m->period > START_MEAN ? m->period : START_MEAN;
	double mean = 0;

	first = first < n ? first : n;
	for (size_t t = 0; t < first; t++)
		mean += y[t] / (double) first;
	m->now = (State){mean, mean / POTENTIAL};
	for (size_t i = 0; i < m->period; i++)
	{
		double level = m->form == CES_SIMPLE ? y[i] : y[i] - mean;

		m->season[i] = (State){level, level / POTENTIAL};
	}
	pass(m, true, NULL);
	pass(m, false, NULL);
	pass(m, true, fitted);
}

/* Both roots of the discount matrix of (a0, a1) are inside the unit circle. */
static bool
forgets(double a0, double a1)
{
	double trace = 2 - 2 * a0 + a1;
	double determinant = (1 - a0 + a1) * (1 - a0) + (1 - a1) * (1 - a0 - a1);

	return fabs(determinant) < 1 && fabs(trace) < 1 + determinant;
}

static bool
allowed(const Ces *m)
{
	return forgets(m->p[A0], m->p[A1]) &&
		   (m->form != CES_PARTIAL || (m->p[B0] >= 0 && m->p[B0] <= 1)) &&
		   (m->form != CES_FULL || forgets(m->p[B0], m->p[B1]));
}

static double
squares(void *arg, const double *x)
{
	Ces *m = arg;

	memcpy(m->p, x, form_parameters[m->form] * sizeof(double));
	if (!allowed(m))
		return INFINITY;
	filter(m, NULL);
	return m->sum / m->reference;
}

/*
 * Whether the parts together forget, which the conditions on each do not promise for
 * partial and full forms: with all values 0, a unit state has to fade.  Leaves the
 * states of m spoilt.
 */
static bool
fades(Ces *m)
{
	size_t steps = (size_t) DECAY_CYCLES * m->period;
	double early = 0, late = 0;

	if (m->form != CES_PARTIAL && m->form != CES_FULL)
		return true;
	memset(m->season, 0, m->period * sizeof(State));
	m->now = (State){1, 1};
	for (size_t i = 0; i < steps; i++)
	{
		State *season = &m->season[i % m->period];
		double f = ahead(m, season);

		if (i < m->period)
			early += f * f;
		if (i >= steps - m->period)
			late += f * f;
		learn(m, season, -f);
	}
	return late < early;
}

/* ---- the form without a season, by derivatives -------------------------------- */

/* A state, and its derivatives to a0 and a1. */
typedef struct Slope
{
	double level, potential, d_level[2], d_potential[2];
} Slope;

/* What a pass sums: squares, and for Gauss and Newton the products of derivatives. */
typedef struct Normal
{
	double sum, rhs[2], matrix[3]; /* (0, 0), (0, 1), (1, 1) */
} Normal;

static void
slope_pass(const Ces *m, bool forward, Slope *state, Normal *normal)
{
	const double *y = m->adjusted.y;
	const double a0 = m->p[A0], a1 = m->p[A1];
	size_t n = m->adjusted.n;
	Slope s = *state;
	Normal sum = {0};

	for (size_t i = 0; i < n; i++)
	{
		double e = y[forward ? i : n - 1 - i] - s.level, level = s.level, old = s.potential;

		sum.sum += e * e;
		sum.rhs[0] += e * s.d_level[0];
		sum.rhs[1] += e * s.d_level[1];
		sum.matrix[0] += s.d_level[0] * s.d_level[0];
		sum.matrix[1] += s.d_level[0] * s.d_level[1];
		sum.matrix[2] += s.d_level[1] * s.d_level[1];
		s.level = level - (1 - a1) * old + (a0 - a1) * e;
		s.potential = level + (1 - a0) * old + (a0 + a1) * e;
		for (int k = 0; k < 2; k++)
		{
			double dl = s.d_level[k], dp = s.d_potential[k];

			s.d_level[k] = (1 - a0 + a1) * dl - (1 - a1) * dp + (k == 0 ? e : old - e);
			s.d_potential[k] = (1 - a0 - a1) * dl + (1 - a0) * dp + (k == 0 ? e - old : e);
		}
	}
	*state = s;
	*normal = sum;
}

/* filter() with derivatives. */
static void
slope_filter(const Ces *m, Normal *normal)
{
	const double *y = m->adjusted.y;
	size_t n = m->adjusted.n, first = START_MEAN < n ? START_MEAN : n;
	Slope state = {0};

	for (size_t t = 0; t < first; t++)
		state.level += y[t] / (double) first;
	state.potential = state.level / POTENTIAL;
	slope_pass(m, true, &state, normal);
	slope_pass(m, false, &state, normal);
	slope_pass(m, true, &state, normal);
}

/* The step of Levenberg and Marquardt; false when there is none. */
static bool
damped_step(const Normal *normal, double damping, double step[2])
{
	double a = normal->matrix[0] * (1 + damping), c = normal->matrix[2] * (1 + damping);
	double b = normal->matrix[1], determinant = a * c - b * b;

	step[0] = (c * normal->rhs[0] - b * normal->rhs[1]) / determinant;
	step[1] = (a * normal->rhs[1] - b * normal->rhs[0]) / determinant;
	return isfinite(step[0]) && isfinite(step[1]);
}

/* Down from m->p, which is allowed, by the least squares of Levenberg and Marquardt. */
static AugStatus
go_down(AugCast *cast, Ces *m)
{
	double damping = FIRST_DAMPING;
	Normal at;

	slope_filter(m, &at);
	for (int i = 0; i < MOST_STEPS; i++)
	{
		double old[2] = {m->p[A0], m->p[A1]}, step[2], gain = 0;
		bool better = false;
		Normal next = at;

		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		if (damped_step(&at, damping, step))
		{
			m->p[A0] = old[0] + step[0];
			m->p[A1] = old[1] + step[1];
			if (forgets(m->p[A0], m->p[A1]))
			{
				slope_filter(m, &next);
				gain = at.sum - next.sum;
				better = gain > 0;
			}
		}
		if (better)
		{
			at = next;
			damping *= LESS_DAMPING;
			if (gain <= STEP_GAIN * at.sum)
				break;
			continue;
		}
		m->p[A0] = old[0];
		m->p[A1] = old[1];
		damping *= MORE_DAMPING;
		if (damping > MOST_DAMPING)
			break;
	}
	m->sum = at.sum;
	return AUG_OK;
}

/* Searches the parameters of m's form; *usable is false when there are none. */
static AugStatus
estimate(AugCast *cast, AugSimplex *simplex, Ces *m, bool *usable)
{
	static const double lo[] = {PARAMETER_LO, PARAMETER_LO, PARAMETER_LO, PARAMETER_LO};
	static const double hi[] = {PARAMETER_HI, PARAMETER_HI, PARAMETER_HI, PARAMETER_HI};
	static const double step[] = {0.1, 0.1, 0.1, 0.1};
	AugSearch search = {squares, m, form_parameters[m->form], lo, hi, step, TOLERANCE, MOST};
	double x[N_VALUES] = {1.3, 1, m->form == CES_PARTIAL ? 0.1 : 1.3, 1}, value;
	AugStatus status;

	if (m->form == CES_NONE)
	{
		memcpy(m->p, x, 2 * sizeof(double));
		m->p[B0] = m->p[B1] = 0;
		*usable = true;
		return go_down(cast, m);
	}
	status = aug_minimize(cast, &search, simplex, x, &value);

	memset(m->p, 0, sizeof(m->p));
	memcpy(m->p, x, search.n * sizeof(double));
	*usable = isfinite(value) && fades(m);
	return status;
}

/* ---- choosing the form -------------------------------------------------------- */

static double
sum_of_steps(const double *y, size_t n)
{
	double sum = 0;

	for (size_t t = 1; t < n; t++)
		sum += (y[t] - y[t - 1]) * (y[t] - y[t - 1]);
	return sum > 0 ? sum : 1;
}

/* Estimated numbers: smoothing parameters, states, variance. */
static uint32_t
count_parameters(const Ces *m)
{
	static const uint32_t plain[] = {2, 0, 2, 2}, seasonal[] = {0, 2, 1, 2};

	return form_parameters[m->form] + plain[m->form] +
		   (m->form == CES_NONE ? 0 : seasonal[m->form] * m->period) + 1;
}

/* Makes m a candidate of a form on data that are prepared already. */
static AugStatus
prepare(AugCast *cast, const AugAdjusted *data, CesForm form, uint32_t period, Ces *m)
{
	memset(m, 0, sizeof(*m));
	m->adjusted = *data;
	m->form = form;
	m->period = form == CES_NONE ? 1 : period;
	m->reference = sum_of_steps(data->y, data->n);
	m->season = aug_arena_zero(cast->arena, m->period, sizeof(State));
	return m->season == NULL ? aug_fail_nomem(cast->err, m->period * sizeof(State)) : AUG_OK;
}

/* AICc of a candidate whose filter ran; fitted is work space. */
static double
criterion(const Ces *m, double *fitted)
{
	AugFitted trial = {.fitted = fitted, .n_parameters = count_parameters(m), .aicc = NAN};
	AugAdjusted a = m->adjusted;
	AugSeries s = {.n = a.n, .y = a.y};

	aug_adjust_finish(&a, &s, true, &trial);
	return trial.aicc;
}

/* Estimates one candidate and keeps it in best when its AICc is lower. */
static AugStatus
consider(AugCast *cast, AugSimplex *simplex, Ces *m, double *work, double *least, Ces *best)
{
	bool usable;
	double aicc;
	AugStatus status = estimate(cast, simplex, m, &usable);

	if (status != AUG_OK || !usable)
		return status;
	filter(m, work);
	aicc = criterion(m, work);
	if (best->season == NULL || aicc < *least)
	{
		*best = *m;
		*least = aicc;
	}
	return AUG_OK;
}

/* The forms that are asked for and that the series has enough values for. */
static AugStatus
search(AugCast *cast, const AugSeries *s, AugSimplex *simplex, Ces *best)
{
	int asked = aug_param_choice(cast->params, F_CES_SEASON);
	AugAdjusted raw, adjusted;
	double *work = aug_cast_doubles(cast, s->n), least = INFINITY;
	uint32_t period = s->n_periods > 0 ? s->period[0] : 1;
	Ces m;
	AugStatus status = aug_adjust(cast, s, AUG_ADJUST_NOT, NULL, AUG_KEEP_NOTHING, 0, &raw);

	if (work == NULL)
		return AUG_NOMEM;
	memset(best, 0, sizeof(*best));
	for (int form = CES_NONE; status == AUG_OK && form < CES_FORMS && asked != F_AUTO; form++)
	{
		if (asked != F_CES_BEST && form != asked - F_CES_NONE)
			continue;
		status = prepare(cast, &raw, (CesForm) form, period, &m);
		if (form != CES_NONE && (period == 1 || period > LONGEST_SEASON || s->n < 2 * period ||
								 s->n <= count_parameters(&m) + 1))
			continue;
		if (status == AUG_OK)
			status = consider(cast, simplex, &m, work, &least, best);
	}
	if (status != AUG_OK || (asked != F_AUTO && asked != F_CES_BEST))
		return status;
	status = aug_adjust(cast, s, AUG_ADJUST_SHRUNKEN, NULL, AUG_KEEP_NOTHING, 0, &adjusted);
	if (status != AUG_OK || (asked != F_AUTO && adjusted.season.kind == AUG_SEASON_NONE))
		return status;
	status = prepare(cast, &adjusted, CES_NONE, 1, &m);
	return status == AUG_OK ? consider(cast, simplex, &m, work, &least, best) : status;
}

/* ---- the method --------------------------------------------------------------- */

/* A form that is given: checked, and estimated anew unless all is kept. */
static AugStatus
take_given(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep,
		   AugSimplex *simplex, Ces *m)
{
	int32_t form = given->code[C_FORM], period = given->code[C_PERIOD];
	bool seasonal = form != CES_NONE, usable = true;
	AugAdjusted data;
	AugStatus status;

	if (form < CES_NONE || form >= CES_FORMS ||
		(seasonal && (period < 2 || period > LONGEST_SEASON)) ||
		(seasonal && given->code[AUG_ADJUST_KIND] != AUG_SEASON_NONE))
		return aug_smooth_corrupt(cast);
	if (seasonal && s->n < 2 * (size_t) period)
		return aug_fail(cast->err, AUG_DATA, "needs two full seasons");
	status = aug_adjust(cast, s, AUG_ADJUST_SHRUNKEN, given, keep, N_VALUES, &data);
	if (status == AUG_OK)
		status = prepare(cast, &data, (CesForm) form, (uint32_t) period, m);
	if (status != AUG_OK)
		return status;
	if (keep == AUG_KEEP_ALL)
	{
		memcpy(m->p, given->values, sizeof(m->p));
		return allowed(m) ? AUG_OK : aug_smooth_corrupt(cast);
	}
	status = estimate(cast, simplex, m, &usable);
	if (status == AUG_OK && !usable)
		return aug_fail(cast->err, AUG_NUMERIC, "has no stable parameters");
	return status;
}

static const char *
ces_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n >= LEAST ? NULL : "needs four values";
}

static AugStatus
ces_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Ces *m = aug_arena_zero(cast->arena, 1, sizeof(Ces));
	AugSimplex simplex;
	AugStatus status = aug_simplex_init(cast, N_VALUES, &simplex);

	out->fitted = aug_cast_doubles(cast, s->n);
	if (m == NULL)
		return aug_fail_nomem(cast->err, sizeof(Ces));
	if (out->fitted == NULL)
		return AUG_NOMEM;
	if (status == AUG_OK)
		status = given == NULL ? search(cast, s, &simplex, m)
							   : take_given(cast, s, given, keep, &simplex, m);
	if (status == AUG_OK)
		status = aug_adjust_form(cast, &m->adjusted, N_VALUES, out);
	if (status != AUG_OK)
		return status;
	if (m->season == NULL)
		return aug_fail(cast->err, AUG_NUMERIC,
						"has no stable parameters, or too few values for the season");
	filter(m, out->fitted);
	memcpy(out->form.values, m->p, sizeof(m->p));
	out->form.code[C_FORM] = (int32_t) m->form;
	out->form.code[C_PERIOD] = (int32_t) m->period;
	out->n_parameters = count_parameters(m);
	out->state = m;
	snprintf(out->label, sizeof(out->label), "CES(%s%s)", form_names[m->form],
			 m->adjusted.season.kind == AUG_SEASON_NONE ? "" : ", adjusted");
	aug_adjust_finish(&m->adjusted, s, true, out);
	return AUG_OK;
}

static AugStatus
ces_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			 double *mean, double *variance)
{
	Ces m = *(const Ces *) fitted->state, impulse = m;
	const State *season = m.season;
	size_t at = s->n % m.period;
	double squared = 1;

	m.season = aug_arena_alloc(cast->arena, m.period, sizeof(State));
	impulse.season = aug_arena_zero(cast->arena, m.period, sizeof(State));
	if (m.season == NULL || impulse.season == NULL)
		return aug_fail_nomem(cast->err, m.period * sizeof(State));
	memcpy(m.season, season, m.period * sizeof(State));
	impulse.now = (State){0, 0};
	for (uint32_t h = 0; h < horizon; h++)
	{
		double answer = ahead(&impulse, &impulse.season[at]);

		squared += answer * answer;
		mean[h] = ahead(&m, &m.season[at]);
		variance[h] = m.adjusted.sigma2 * squared;
		learn(&m, &m.season[at], 0);
		learn(&impulse, &impulse.season[at], h == 0 ? 1 : 0);
		at = at + 1 == m.period ? 0 : at + 1;
	}
	aug_adjust_forecast(&m.adjusted, horizon, mean, variance);
	return AUG_OK;
}

const AugForecaster aug_forecaster_ces = {
	.about =
		{"ces", "Complex exponential smoothing",
		 "Smoothing with a complex parameter, which turns from level to trend by itself, in four "
		 "seasonal forms chosen by AICc. Useful in means with other methods, for long series.",
		 "Svetunkov, Kourentzes, Ord 2022, Naval Research Logistics 69:1108", true, false},
	.missing = false,
	.options = AUG_OPTION(F_CES_SEASON),
	.refuses = ces_refuses,
	.fit = ces_fit,
	.forecast = ces_forecast};
