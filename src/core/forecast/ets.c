/*-------------------------------------------------------------------------
 *
 * ets.c
 *		The method "ets": exponential smoothing in state space form, chosen by AICc.
 *
 * The book (ets.h); all forms of error, trend and season.  A season is modelled where
 * there are two full ones; longer ones than 24 steps only on request, since a state for
 * each step is too much for AICc to be of use: mstl is for them.
 *
 * Values are scaled by a power of two before, so that their squares stay in range.
 * Missing values are passed over.
 *
 * Memory: in the cast's arena, some 10 numbers a value.  Interrupts: those of ets_fit.c.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ets.h"

#define LEAST_VALUES 4
#define FLOOR		 1e-24 /* of the mean square, see EtsSeries.floor */
#define LOG_2		 0.69314718055994530942
#define N_OWN		 6 /* values of a form before the seasons */

enum
{
	CODE_ERROR,
	CODE_TREND,
	CODE_DAMPED,
	CODE_SEASON,
	CODE_PERIOD
};

enum
{
	VALUE_ALPHA,
	VALUE_BETA,
	VALUE_GAMMA,
	VALUE_PHI,
	VALUE_LEVEL,
	VALUE_TREND
};

typedef struct Ets
{
	EtsSeries s;
	EtsFit fit;
	int exponent;
	double sigma2; /* of the scaled, or relative, error */
} Ets;

static double
count_observed(const AugSeries *s)
{
	double n = 0;

	for (size_t t = 0; t < s->n; t++)
		n += isnan(s->y[t]) ? 0 : 1;
	return n;
}

static const char *
ets_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return count_observed(s) >= LEAST_VALUES ? NULL : "needs four values";
}

/* A copy of the values that is about 1 in size. */
static AugStatus
scale_series(AugCast *cast, const AugSeries *s, Ets *ets)
{
	double *y = aug_cast_doubles(cast, s->n);
	double largest = 0;

	if (y == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
		largest = isnan(s->y[t]) ? largest : fmax(largest, fabs(s->y[t]));
	(void) frexp(largest, &ets->exponent);
	if (largest == 0)
		ets->exponent = 0;
	for (size_t t = 0; t < s->n; t++)
		y[t] = ldexp(s->y[t], -ets->exponent);
	ets->s.n = s->n;
	ets->s.y = y;
	ets->s.n_observed = count_observed(s);
	ets->s.floor = FLOOR * ets->s.n_observed;
	return AUG_OK;
}

/* ---- forms --------------------------------------------------------------------- */

static AugStatus
corrupt(AugCast *cast)
{
	return aug_fail(cast->err, AUG_CORRUPT, "stored form of exponential smoothing is damaged");
}

static AugStatus
read_codes(AugCast *cast, const AugSeries *s, const AugForm *given, EtsForm *form)
{
	const int32_t *c = given->code;
	bool known = false;

	if (c[CODE_ERROR] < ETS_ADDITIVE || c[CODE_ERROR] > ETS_MULTIPLICATIVE ||
		c[CODE_TREND] < ETS_NONE || c[CODE_TREND] > ETS_MULTIPLICATIVE || c[CODE_DAMPED] < 0 ||
		c[CODE_DAMPED] > 1 || c[CODE_SEASON] < ETS_NONE || c[CODE_SEASON] > ETS_MULTIPLICATIVE ||
		(c[CODE_DAMPED] == 1 && c[CODE_TREND] == ETS_NONE))
		return corrupt(cast);
	for (uint32_t i = 0; i < s->n_periods; i++)
		known = known || (int64_t) s->period[i] == c[CODE_PERIOD];
	if (c[CODE_SEASON] == ETS_NONE ? c[CODE_PERIOD] != 1 : !known)
		return corrupt(cast);
	*form = (EtsForm){(EtsKind) c[CODE_ERROR], (EtsKind) c[CODE_TREND], c[CODE_DAMPED] == 1,
					  (EtsKind) c[CODE_SEASON], (uint32_t) c[CODE_PERIOD]};
	return AUG_OK;
}

/* Parameters of a form into x: shares of the smoothing parameters, scaled states. */
static AugStatus
read_values(AugCast *cast, const AugForm *given, int exponent, EtsFit *fit)
{
	const double *v = given->values;
	bool additive = fit->form.season == ETS_ADDITIVE;
	double alpha, *x = fit->x;

	if (given->n_values != N_OWN + (fit->form.season == ETS_NONE ? 0 : fit->form.m))
		return corrupt(cast);
	for (uint32_t i = 0; i < given->n_values; i++)
	{
		if (!isfinite(v[i]))
			return corrupt(cast);
	}
	alpha = v[VALUE_ALPHA];
	if (!(alpha > 0 && alpha < 1 && v[VALUE_BETA] >= 0 && v[VALUE_BETA] <= alpha * (1 + 1e-9) &&
		  v[VALUE_GAMMA] >= 0 && v[VALUE_GAMMA] <= 1 - alpha + 1e-9 && v[VALUE_PHI] > 0 &&
		  v[VALUE_PHI] <= 1))
		return corrupt(cast);
	x[fit->at.alpha] = alpha;
	if (fit->at.beta >= 0)
		x[fit->at.beta] = v[VALUE_BETA] / alpha;
	if (fit->at.gamma >= 0)
		x[fit->at.gamma] = v[VALUE_GAMMA] / (1 - alpha);
	if (fit->at.phi >= 0)
		x[fit->at.phi] = v[VALUE_PHI];
	x[fit->at.level] = ldexp(v[VALUE_LEVEL], -exponent);
	if (fit->at.trend >= 0)
		x[fit->at.trend] = fit->form.trend == ETS_ADDITIVE ? ldexp(v[VALUE_TREND], -exponent)
														   : v[VALUE_TREND];
	for (uint32_t k = 0; fit->at.season >= 0 && k + 1 < fit->form.m; k++)
		x[fit->at.season + (int) k] = additive ? ldexp(v[N_OWN + k], -exponent) : v[N_OWN + k];
	return AUG_OK;
}

static AugStatus
write_form(AugCast *cast, const Ets *ets, AugForm *form)
{
	const EtsFit *fit = &ets->fit;
	uint32_t m = fit->form.season == ETS_NONE ? 0 : fit->form.m;
	double *v = aug_cast_doubles(cast, N_OWN + m);

	if (v == NULL)
		return AUG_NOMEM;
	form->code[CODE_ERROR] = (int32_t) fit->form.error;
	form->code[CODE_TREND] = (int32_t) fit->form.trend;
	form->code[CODE_DAMPED] = fit->form.damped;
	form->code[CODE_SEASON] = (int32_t) fit->form.season;
	form->code[CODE_PERIOD] = (int32_t) fit->form.m;
	form->n_values = N_OWN + m;
	form->values = v;
	v[VALUE_ALPHA] = aug_ets_alpha(&fit->at, fit->x);
	v[VALUE_BETA] = aug_ets_beta(&fit->at, fit->x);
	v[VALUE_GAMMA] = aug_ets_gamma(&fit->at, fit->x);
	v[VALUE_PHI] = aug_ets_phi(&fit->at, fit->x);
	v[VALUE_LEVEL] = ldexp(fit->x[fit->at.level], ets->exponent);
	if (fit->at.trend >= 0)
		v[VALUE_TREND] = fit->form.trend == ETS_ADDITIVE
							 ? ldexp(fit->x[fit->at.trend], ets->exponent)
							 : fit->x[fit->at.trend];
	for (uint32_t k = 0; k < m; k++)
	{
		double sea = aug_ets_season_at(&fit->form, &fit->at, fit->x, k);

		v[N_OWN + k] = fit->form.season == ETS_ADDITIVE ? ldexp(sea, ets->exponent) : sea;
	}
	return AUG_OK;
}

/* ---- fit ---------------------------------------------------------------------------- */

static AugStatus
fit_given(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, Ets *ets)
{
	AugStatus status = read_codes(cast, s, given, &ets->fit.form);

	if (status == AUG_OK)
		status = aug_ets_series_init(cast, s->n, ets->fit.form.m, &ets->s);
	if (status != AUG_OK)
		return status;
	if (keep == AUG_KEEP_FORM)
	{
		if (ets->fit.form.season != ETS_NONE && s->n < 2 * (size_t) ets->fit.form.m)
			return aug_fail(cast->err, AUG_DATA, "needs two full seasons");
		return aug_ets_estimate(cast, &ets->s, &ets->fit.form, &ets->fit);
	}
	aug_ets_layout(&ets->fit.form, &ets->fit.at);
	ets->fit.x = aug_cast_doubles(cast, ets->fit.at.n);
	if (ets->fit.x == NULL)
		return AUG_NOMEM;
	return read_values(cast, given, ets->exponent, &ets->fit);
}

static void
write_label(const EtsFit *fit, char *label)
{
	static const char letters[] = {'N', 'A', 'M'};

	snprintf(label, AUG_LABEL_SIZE, "ETS(%c,%c%s,%c)", letters[fit->form.error],
			 letters[fit->form.trend], fit->form.damped ? "d" : "", letters[fit->form.season]);
}

/* The last pass: fitted values, variance, criteria on the scale of the values. */
static AugStatus
finish(AugCast *cast, const AugSeries *s, Ets *ets, AugFitted *out)
{
	EtsSeries *es = &ets->s;
	double n = es->n_observed, k = ets->fit.at.n, sum = 0;

	ets->fit.minus2 = aug_ets_forward(es, &ets->fit.form, &ets->fit.at, ets->fit.x);
	if (!isfinite(ets->fit.minus2))
		return aug_fail(cast->err, AUG_DATA, "has no likelihood on these values");
	for (size_t t = 0; t < s->n; t++)
	{
		double e = es->y[t] - es->forecast[t];

		out->fitted[t] = ldexp(es->forecast[t], ets->exponent);
		sum += isnan(e) ? 0 : e * e;
	}
	ets->sigma2 = n > k ? (es->squares - es->floor) / (n - k) : NAN;
	out->sigma2 = n > k ? ldexp(sum / (n - k), 2 * ets->exponent) : NAN;
	out->n_parameters = ets->fit.at.n + 1;
	out->log_likelihood = -0.5 * (ets->fit.minus2 + 2 * n * ets->exponent * LOG_2);
	out->aicc = aug_ets_aicc(-2 * out->log_likelihood, n, ets->fit.at.n);
	if (!isfinite(out->aicc))
		out->aicc = NAN;
	write_label(&ets->fit, out->label);
	return AUG_OK;
}

static AugStatus
ets_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Ets *ets = aug_arena_zero(cast->arena, 1, sizeof(Ets));
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	if (ets == NULL)
		return aug_fail_nomem(cast->err, sizeof(Ets));
	if (out->fitted == NULL)
		return AUG_NOMEM;
	out->state = ets;
	status = scale_series(cast, s, ets);
	if (status == AUG_OK && given != NULL)
		status = fit_given(cast, s, given, keep, ets);
	else if (status == AUG_OK)
	{
		status = aug_ets_series_init(cast, s->n, s->n_periods > 0 ? s->period[0] : 1, &ets->s);
		if (status == AUG_OK)
			status = aug_ets_choose(cast, &ets->s, s->period, s->n_periods, &ets->fit);
	}
	if (status == AUG_OK)
		status = finish(cast, s, ets, out);
	if (status == AUG_OK)
		status = write_form(cast, ets, &out->form);
	return status;
}

AugStatus
aug_ets_near_forms(AugCast *cast, const AugSeries *s, double behind, AugForm *forms, double *aicc,
				   uint32_t room, uint32_t *n)
{
	EtsFit *near = aug_arena_zero(cast->arena, room, sizeof(EtsFit));
	Ets ets;
	AugStatus status;

	*n = 0;
	if (near == NULL)
		return aug_fail_nomem(cast->err, room * sizeof(EtsFit));
	memset(&ets, 0, sizeof(ets));
	status = scale_series(cast, s, &ets);
	if (status == AUG_OK)
		status = aug_ets_series_init(cast, s->n, s->n_periods > 0 ? s->period[0] : 1, &ets.s);
	if (status == AUG_OK)
		status = aug_ets_near(cast, &ets.s, s->period, s->n_periods, behind, near, room, n);
	for (uint32_t i = 0; i < *n && status == AUG_OK; i++)
	{
		ets.fit = near[i];
		aicc[i] = near[i].aicc;
		memset(&forms[i], 0, sizeof(forms[i]));
		status = write_form(cast, &ets, &forms[i]);
	}
	return status;
}

static AugStatus
ets_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			 double *mean, double *variance)
{
	const Ets *ets = fitted->state;
	AugStatus status;

	(void) s;
	aug_ets_point(&ets->s, &ets->fit, horizon, mean);
	status = aug_ets_variance(cast, &ets->s, &ets->fit, ets->sigma2, mean, horizon, variance);
	for (uint32_t h = 0; h < horizon; h++)
	{
		mean[h] = ldexp(mean[h], ets->exponent);
		variance[h] = ldexp(variance[h], 2 * ets->exponent);
	}
	return status;
}

const AugForecaster aug_forecaster_ets = {
	.about = {"ets", "Exponential smoothing",
			  "Exponential smoothing in state space form: error, trend and season additive or "
			  "multiplicative, the trend perhaps damped, chosen by AICc.",
			  "Hyndman, Koehler, Ord, Snyder 2008: Forecasting with Exponential Smoothing, "
			  "Springer",
			  true, false},
	.missing = true,
	.options = AUG_ETS_OPTIONS,
	.refuses = ets_refuses,
	.fit = ets_fit,
	.forecast = ets_forecast};
