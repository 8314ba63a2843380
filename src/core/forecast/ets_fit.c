/*-------------------------------------------------------------------------
 *
 * ets_fit.c
 *		Start values, estimation of a form of exponential smoothing, and the choice
 *		among forms by AICc.
 *
 * Hyndman, Koehler, Snyder, Grose 2002, International Journal of Forecasting 18:439: start
 * states from a decomposition and a line through the first values, all of them then
 * estimated with the smoothing parameters; forms are compared by AICc.  Every form is
 * estimated roughly, and the best ones to the end.
 *
 * Parameters are kept in the usual region, and in the admissible one (Hyndman, Akram,
 * Archibald 2008, Annals of the Institute of Statistical Mathematics 60:407): where an
 * estimate is not admissible, gamma is bounded more narrowly.
 *
 * Forms of infinite variance (additive error with a multiplicative season) and
 * multiplicative trends are tried only when they are asked for.
 *
 * Memory: in the cast's arena, once for all forms.  Interrupts: those of the searches.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "ets.h"

#define MOST_FORMS	   30
#define MOST_AUTO_M	   24 /* longer seasons have too many states to be chosen by AICc */
#define SCREEN_STEPS   25
#define SCREEN_GAIN	   0.05 /* of -2 log L in a step: less ends the screening of a form */
#define FINISH_STEPS   500
#define FINISH_GAIN	   1e-7
#define FINALISTS	   3
#define FINALIST_AICC  8.0 /* behind the best one after screening */
#define SMOOTH_SCALE   0.1
#define LEAST_SCALE	   1e-6
#define FIRST_VALUES   10
#define MOST_NARROWING 12
#define NARROWING	   0.7

/* ---- admissible ------------------------------------------------------------------ */

/*
 * All roots of the monic polynomial c[0] + c[1] z + ... + z^n within the unit circle: its
 * degree is taken down step by step (Schur, Cohn; Henrici: Applied and Computational
 * Complex Analysis 1, 6.8).  c is used up; n + 1 coefficients.
 */
static bool
is_stable(double *c, double *reversed, uint32_t n)
{
	for (; n > 0; n--)
	{
		double k = c[0] / c[n], rest = 1 - k * k;

		if (!(fabs(k) <= 1 + 1e-10))
			return false;
		if (rest < 1e-12)
			return true; /* on the circle itself: allowed */
		for (uint32_t i = 0; i <= n; i++)
			reversed[i] = c[n - i];
		for (uint32_t i = 0; i < n; i++)
			c[i] = (c[i + 1] - k * reversed[i + 1]) / rest;
	}
	return true;
}

bool
aug_ets_admissible(const EtsForm *form, const EtsLayout *at, const double *x)
{
	double alpha = aug_ets_alpha(at, x), beta = aug_ets_beta(at, x), gamma = aug_ets_gamma(at, x);
	double phi = aug_ets_phi(at, x);
	double c[2 * (MOST_AUTO_M + 2)];
	uint32_t m = form->m;

	/* the usual region without a season lies within the admissible one; for long seasons
	 * the gap closes as 1 / m */
	if (form->season == ETS_NONE || m > MOST_AUTO_M)
		return true;
	/* the discount matrix' characteristic polynomial, Hyndman and others 2008, eq. (14) */
	c[0] = phi * (1 - alpha - gamma);
	c[1] = alpha + beta - alpha * phi + gamma - 1;
	for (uint32_t i = 2; i < m; i++)
		c[i] = alpha + beta - alpha * phi;
	c[m] = alpha + beta - phi;
	c[m + 1] = 1;
	return is_stable(c, c + MOST_AUTO_M + 2, m + 1);
}

/* ---- start values ------------------------------------------------------------------- */

/* What the start values of all forms are made of. */
typedef struct Start
{
	const double *complete; /* [n] missing values interpolated */
	double *adjusted;		/* [n] */
	double *index[3];		/* [m] of each kind of season, NULL where there is none */
	double *scale;			/* [room] */
	double *x;				/* [room] */
	uint32_t m;
} Start;

static AugStatus
start_init(AugCast *cast, const EtsSeries *s, uint32_t m, Start *start)
{
	double *complete = aug_cast_doubles(cast, s->n);
	bool usable;
	AugStatus status = AUG_OK;

	memset(start, 0, sizeof(*start));
	start->m = m;
	start->adjusted = aug_cast_doubles(cast, s->n);
	start->scale = aug_cast_doubles(cast, (size_t) m + 6);
	start->x = aug_cast_doubles(cast, (size_t) m + 6);
	if (complete == NULL || start->adjusted == NULL || start->scale == NULL || start->x == NULL)
		return AUG_NOMEM;
	aug_interpolate(s->y, s->n, complete);
	start->complete = complete;
	for (int kind = ETS_ADDITIVE; m > 1 && kind <= ETS_MULTIPLICATIVE && status == AUG_OK; kind++)
	{
		double *index = aug_cast_doubles(cast, m);

		if (index == NULL)
			return AUG_NOMEM;
		status = aug_season_indices(cast, complete, s->n, m,
									kind == ETS_ADDITIVE ? AUG_SEASON_ADDITIVE
														 : AUG_SEASON_MULTIPLICATIVE,
									index, NULL, &usable);
		start->index[kind] = usable ? index : NULL;
	}
	return status;
}

/* Line through the first values of the adjusted series, and its size of a step. */
static double
first_line(const Start *start, const EtsForm *form, size_t n, double *level, double *slope)
{
	size_t first = form->m > 1 ? 2 * (size_t) form->m : 0;
	double mean = 0, sxy = 0, sxx = 0, change = 0;

	first = first < FIRST_VALUES ? FIRST_VALUES : first;
	first = first < n ? first : n;
	for (size_t t = 0; t < first; t++)
		mean += start->adjusted[t] / (double) first;
	for (size_t t = 0; t < first; t++)
	{
		double d = (double) t - ((double) first - 1) / 2;

		sxy += d * (start->adjusted[t] - mean);
		sxx += d * d;
	}
	*slope = first > 1 ? sxy / sxx : 0;
	*level = form->trend == ETS_NONE ? mean : mean - *slope * ((double) first + 1) / 2;
	for (size_t t = 1; t < n; t++)
	{
		double d = start->adjusted[t] - start->adjusted[t - 1];

		change += d * d;
	}
	return fmax(n > 1 ? sqrt(change / (double) (n - 1)) : 0, LEAST_SCALE);
}

/* Start states of a form into x, and the scales of all parameters. */
static void
start_states(const Start *start, const EtsSeries *s, const EtsForm *form, const EtsLayout *at,
			 double *x)
{
	const double *index = start->index[form->season];
	double level, slope, change, size;

	for (size_t t = 0; t < s->n; t++)
	{
		double v = start->complete[t];

		start->adjusted[t] = form->season == ETS_NONE		? v
							 : form->season == ETS_ADDITIVE ? v - index[t % form->m]
															: v / index[t % form->m];
	}
	change = first_line(start, form, s->n, &level, &slope);
	size = fmax(fabs(level), change);
	for (uint32_t i = 0; i < at->n_smooth; i++)
		start->scale[i] = SMOOTH_SCALE;
	if (form->trend == ETS_MULTIPLICATIVE || form->error == ETS_MULTIPLICATIVE)
		level = level > LEAST_SCALE ? level : fmax(fabs(start->adjusted[0]), change);
	x[at->level] = level;
	start->scale[at->level] = change;
	if (at->trend >= 0)
	{
		bool ratio = form->trend == ETS_MULTIPLICATIVE;

		x[at->trend] = ratio ? fmin(fmax(1 + slope / level, 0.5), 2) : slope;
		start->scale[at->trend] = SMOOTH_SCALE * (ratio ? change / size : change);
	}
	for (uint32_t k = 0; at->season >= 0 && k + 1 < form->m; k++)
	{
		x[at->season + (int) k] = index[k];
		start->scale[at->season + (int) k] = form->season == ETS_ADDITIVE ? change : change / size;
	}
}

/* The best of a few smoothing parameters at the start states. */
static void
start_smoothing(EtsSeries *s, const EtsForm *form, const EtsLayout *at, double *x)
{
	static const double alphas[] = {0.02, 0.1, 0.3, 0.7}, stars[] = {0.01, 0.2, 0.8};
	double best = HUGE_VAL, best_alpha = 0.1, best_beta = 0.01, best_gamma = 0.01;
	uint32_t n_beta = at->beta < 0 ? 1 : 3, n_gamma = at->gamma < 0 ? 1 : 3;

	if (at->phi >= 0)
		x[at->phi] = 0.95;
	for (uint32_t i = 0; i < 4 * n_beta * n_gamma; i++)
	{
		double value;

		x[at->alpha] = alphas[i % 4];
		if (at->beta >= 0)
			x[at->beta] = stars[i / 4 % n_beta];
		if (at->gamma >= 0)
			x[at->gamma] = stars[i / 4 / n_beta];
		value = aug_ets_forward(s, form, at, x);
		if (value >= best)
			continue;
		best = value;
		best_alpha = x[at->alpha];
		best_beta = at->beta >= 0 ? x[at->beta] : 0;
		best_gamma = at->gamma >= 0 ? x[at->gamma] : 0;
	}
	x[at->alpha] = best_alpha;
	if (at->beta >= 0)
		x[at->beta] = best_beta;
	if (at->gamma >= 0)
		x[at->gamma] = best_gamma;
}

/* ---- estimation ------------------------------------------------------------------------ */

double
aug_ets_aicc(double minus2, double n, uint32_t n_free)
{
	double k = (double) n_free + 1; /* the variance, too */

	return n - k - 1 > 0 ? minus2 + 2 * k + 2 * k * (k + 1) / (n - k - 1) : HUGE_VAL;
}

AugStatus
aug_ets_series_init(AugCast *cast, size_t n, uint32_t m, EtsSeries *s)
{
	double **rows[] = {&s->level, &s->trend, &s->season, &s->point, &s->forecast};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		*rows[i] = aug_cast_doubles(cast, n);
		if (*rows[i] == NULL)
			return AUG_NOMEM;
	}
	s->ring = aug_cast_doubles(cast, m);
	s->adjoint = aug_cast_doubles(cast, m);
	return s->ring == NULL || s->adjoint == NULL ? AUG_NOMEM : AUG_OK;
}

/* To the end, within the admissible region. */
static AugStatus
finish(AugCast *cast, EtsSearch *search, EtsSeries *s, Start *start, EtsFit *fit)
{
	AugStatus status;

	/* the scales of this form: its start states are not wanted again */
	start_states(start, s, &fit->form, &fit->at, start->x);
	status = aug_ets_search_run(cast, search, s, start->scale, FINISH_GAIN, FINISH_STEPS, fit);
	for (int k = 0; status == AUG_OK && isfinite(fit->minus2) &&
					!aug_ets_admissible(&fit->form, &fit->at, fit->x);
		 k++)
	{
		if (k == MOST_NARROWING)
		{
			fit->minus2 = HUGE_VAL;
			break;
		}
		fit->at.most_gamma = fit->x[fit->at.gamma] = NARROWING * fit->x[fit->at.gamma];
		status = aug_ets_search_run(cast, search, s, start->scale, FINISH_GAIN, FINISH_STEPS, fit);
	}
	fit->aicc = aug_ets_aicc(fit->minus2, s->n_observed, fit->at.n);
	return status;
}

static AugStatus
screen(AugCast *cast, EtsSearch *search, EtsSeries *s, Start *start, const EtsForm *form,
	   EtsFit *fit)
{
	AugStatus status;

	fit->form = *form;
	aug_ets_layout(form, &fit->at);
	fit->x = aug_cast_doubles(cast, fit->at.n);
	if (fit->x == NULL)
		return AUG_NOMEM;
	start_states(start, s, form, &fit->at, fit->x);
	start_smoothing(s, form, &fit->at, fit->x);
	status = aug_ets_search_run(cast, search, s, start->scale, SCREEN_GAIN, SCREEN_STEPS, fit);
	fit->aicc = aug_ets_aicc(fit->minus2, s->n_observed, fit->at.n);
	return status;
}

AugStatus
aug_ets_estimate(AugCast *cast, EtsSeries *s, const EtsForm *form, EtsFit *fit)
{
	EtsSearch search;
	Start start;
	AugStatus status = start_init(cast, s, form->m, &start);

	if (status == AUG_OK && form->season != ETS_NONE && start.index[form->season] == NULL)
		return aug_fail(cast->err, AUG_DATA, "has no usable seasonal indices");
	if (status == AUG_OK)
		status = aug_ets_search_init(cast, form->m + 6, &search);
	if (status == AUG_OK)
		status = screen(cast, &search, s, &start, form, fit);
	if (status == AUG_OK)
		status = finish(cast, &search, s, &start, fit);
	if (status == AUG_OK && !isfinite(fit->minus2))
		status = aug_fail(cast->err, AUG_DATA, "has no likelihood on these values");
	return status;
}

/* ---- choice -------------------------------------------------------------------------------- */

/* Choices of the options: index in the choice list, 0 is auto. */
typedef struct Asked
{
	int error, trend, damped, season;
	bool tame; /* no trend for ever, unless it is asked for */
} Asked;

static bool
is_wanted(const Asked *asked, const EtsForm *form, bool positive)
{
	bool odd = form->error == ETS_ADDITIVE && form->season == ETS_MULTIPLICATIVE;

	if (form->damped && form->trend == ETS_NONE)
		return false;
	if (asked->error != F_AUTO && (int) form->error != asked->error)
		return false;
	if (asked->trend != F_AUTO ? (int) form->trend != asked->trend - 1
							   : form->trend == ETS_MULTIPLICATIVE)
		return false;
	if (asked->season != F_AUTO && (int) form->season != asked->season - 1)
		return false;
	if (asked->damped != F_AUTO && form->damped != (asked->damped == 1))
		return false;
	if (asked->tame && asked->damped == F_AUTO && form->trend != ETS_NONE && !form->damped)
		return false;
	if (odd && !(asked->error != F_AUTO && asked->season != F_AUTO))
		return false;
	return positive || (form->error != ETS_MULTIPLICATIVE && form->season != ETS_MULTIPLICATIVE &&
						form->trend != ETS_MULTIPLICATIVE);
}

/* The forms to try, in an order that ties are broken by; returns how many. */
static uint32_t
list_forms(AugCast *cast, const EtsSeries *s, const Start *start, bool tame, EtsForm *forms)
{
	Asked asked = {aug_param_choice(cast->params, F_ETS_ERROR),
				   aug_param_choice(cast->params, F_ETS_TREND),
				   aug_param_choice(cast->params, F_ETS_DAMPED),
				   aug_param_choice(cast->params, F_ETS_SEASON), tame};
	bool positive = true;
	uint32_t n = 0;

	for (size_t t = 0; t < s->n; t++)
		positive = positive && !(s->y[t] <= 0);

	for (int i = 0; i < 2 * 3 * 2 * 3; i++)
	{
		EtsForm form = {i % 2 == 0 ? ETS_ADDITIVE : ETS_MULTIPLICATIVE, (EtsKind) (i / 2 % 3),
						i / 6 % 2 == 1, (EtsKind) (i / 12), 1};
		EtsLayout at;

		form.m = form.season == ETS_NONE ? 1 : start->m;
		if (!is_wanted(&asked, &form, positive) ||
			(form.season != ETS_NONE && start->index[form.season] == NULL))
			continue;
		if (form.season != ETS_NONE && start->m > MOST_AUTO_M && asked.season == F_AUTO)
			continue;
		aug_ets_layout(&form, &at);
		if (s->n_observed - (double) at.n - 2 > 0)
			forms[n++] = form;
	}
	return n;
}

/* Finishes the best ones; the best of them, or NULL. */
static AugStatus
finish_best(AugCast *cast, EtsSearch *search, EtsSeries *s, Start *start, EtsFit *fits, uint32_t n,
			EtsFit **best)
{
	double screened = HUGE_VAL;
	bool done[MOST_FORMS] = {false};

	*best = NULL;
	for (uint32_t k = 0; k < FINALISTS; k++)
	{
		uint32_t next = n;
		AugStatus status;

		for (uint32_t i = 0; i < n; i++)
		{
			if (!done[i] && (next == n || fits[i].aicc < fits[next].aicc))
				next = i;
		}
		if (next == n || !isfinite(fits[next].aicc) ||
			(k > 0 && fits[next].aicc > screened + FINALIST_AICC))
			break;
		screened = fmin(screened, fits[next].aicc);
		done[next] = true;
		status = finish(cast, search, s, start, &fits[next]);
		if (status != AUG_OK)
			return status;
		if (*best == NULL || fits[next].aicc < (*best)->aicc)
			*best = &fits[next];
	}
	return AUG_OK;
}

/* Estimates all forms roughly; n of them. */
static AugStatus
screen_all(AugCast *cast, EtsSeries *s, const uint32_t *period, uint32_t n_periods, bool tame,
		   EtsSearch *search, Start *start, EtsFit *fits, uint32_t *n)
{
	EtsForm forms[MOST_FORMS * 2];
	uint32_t m = n_periods > 0 && s->n >= 2 * (size_t) period[0] ? period[0] : 1;
	AugStatus status = start_init(cast, s, m, start);

	*n = 0;
	if (status == AUG_OK)
		status = aug_ets_search_init(cast, m + 6, search);
	if (status != AUG_OK)
		return status;
	*n = list_forms(cast, s, start, tame, forms);
	for (uint32_t i = 0; i < *n && status == AUG_OK; i++)
		status = screen(cast, search, s, start, &forms[i], &fits[i]);
	return status;
}

AugStatus
aug_ets_choose(AugCast *cast, EtsSeries *s, const uint32_t *period, uint32_t n_periods,
			   EtsFit *best)
{
	EtsFit fits[MOST_FORMS], *chosen;
	EtsSearch search;
	Start start;
	uint32_t n;
	AugStatus status = screen_all(cast, s, period, n_periods, false, &search, &start, fits, &n);

	if (status == AUG_OK)
		status = finish_best(cast, &search, s, &start, fits, n, &chosen);
	if (status != AUG_OK)
		return status;
	if (chosen == NULL)
		return aug_fail(cast->err, AUG_DATA, "has no form that these values allow");
	*best = *chosen;
	return AUG_OK;
}

/* Narrows gamma until the form is admissible, as finish does, but roughly. */
static AugStatus
admit(AugCast *cast, EtsSearch *search, EtsSeries *s, Start *start, EtsFit *fit)
{
	AugStatus status = AUG_OK;

	for (int k = 0; status == AUG_OK && isfinite(fit->minus2) &&
					!aug_ets_admissible(&fit->form, &fit->at, fit->x);
		 k++)
	{
		if (k == 0)
			start_states(start, s, &fit->form, &fit->at, start->x);
		if (k == MOST_NARROWING)
			fit->minus2 = HUGE_VAL;
		else
		{
			fit->at.most_gamma = fit->x[fit->at.gamma] = NARROWING * fit->x[fit->at.gamma];
			status =
				aug_ets_search_run(cast, search, s, start->scale, SCREEN_GAIN, SCREEN_STEPS, fit);
		}
	}
	fit->aicc = aug_ets_aicc(fit->minus2, s->n_observed, fit->at.n);
	return status;
}

AugStatus
aug_ets_near(AugCast *cast, EtsSeries *s, const uint32_t *period, uint32_t n_periods, double behind,
			 EtsFit *near, uint32_t room, uint32_t *n_near)
{
	EtsFit fits[MOST_FORMS];
	EtsSearch search;
	Start start;
	uint32_t n;
	double least = HUGE_VAL;
	AugStatus status = screen_all(cast, s, period, n_periods, true, &search, &start, fits, &n);

	*n_near = 0;
	for (uint32_t i = 0; i < n && status == AUG_OK; i++)
	{
		status = admit(cast, &search, s, &start, &fits[i]);
		least = fmin(least, fits[i].aicc);
	}
	if (status != AUG_OK)
		return status;
	while (*n_near < room)
	{
		EtsFit *next = NULL;

		for (uint32_t i = 0; i < n; i++)
		{
			if (fits[i].aicc <= least + behind && (next == NULL || fits[i].aicc < next->aicc))
				next = &fits[i];
		}
		if (next == NULL || !isfinite(next->aicc))
			break;
		near[(*n_near)++] = *next;
		next->aicc = HUGE_VAL;
	}
	return *n_near > 0 ? AUG_OK
					   : aug_fail(cast->err, AUG_DATA, "has no form that these values allow");
}
