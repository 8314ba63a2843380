/*-------------------------------------------------------------------------
 *
 * arima.c
 *		The forecasting method "arima": ARIMA with a season, a constant, regressors and
 *		missing values; orders chosen or given.
 *
 * A fit ends with one pass of the filter in levels over the series less its regression:
 * it gives the errors one step ahead, the likelihood and the states that forecasts
 * begin from.  What is kept: orders, coefficients, regression, variance.
 *
 * Memory: the arena.  Interrupts: those of the search and the filters.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arima.h"

#define LOG_2PI 1.8378770664093454836

/* Places of a form's codes. */
enum
{
	CODE_P,
	CODE_D,
	CODE_Q,
	CODE_SEASONAL_P,
	CODE_SEASONAL_D,
	CODE_SEASONAL_Q,
	CODE_M,
	CODE_CONSTANT,
	CODE_REGRESSORS,
	CODE_PARAMETERS,
	N_CODES
};

/* A fitted model: what the filter of the last pass left. */
typedef struct Arima
{
	ArimaSpec spec;
	double coef[ARIMA_MAX_COEF];
	double *beta; /* constant, then regressors: units of the series */
	uint32_t n_beta;
	uint32_t n_parameters; /* with the variance */
	double sigma2;		   /* units of the series, squared */
	double shift, scale;   /* the filter's series is (y - x beta - shift) / scale */
	ArimaModel model;
	ArimaWork work;
} Arima;

static const char *
arima_refuses(const AugCast *cast, const AugSeries *s)
{
	size_t observed = 0;

	for (size_t t = 0; t < s->n; t++)
		observed += isnan(s->y[t]) ? 0 : 1;
	if (observed < 3)
		return "needs at least 3 values";
	for (uint32_t i = F_ARIMA_SEASONAL_P; s->n_periods == 0 && i <= F_ARIMA_SEASONAL_Q; i++)
	{
		if (aug_param_choice(cast->params, i) < 0 && aug_param_number(cast->params, i) > 0)
			return "needs a season for its seasonal orders";
	}
	return NULL;
}

/* The option's number, -1 when it is auto. */
static int
wished(const AugParams *params, uint32_t i)
{
	return aug_param_choice(params, i) < 0 ? (int) aug_param_number(params, i) : -1;
}

static ArimaWish
read_wish(const AugCast *cast, const AugSeries *s)
{
	const AugParams *p = cast->params;
	int constant = aug_param_choice(p, F_ARIMA_CONSTANT);

	return (ArimaWish){.p = wished(p, F_ARIMA_P),
					   .d = wished(p, F_ARIMA_D),
					   .q = wished(p, F_ARIMA_Q),
					   .sp = wished(p, F_ARIMA_SEASONAL_P),
					   .sd = wished(p, F_ARIMA_SEASONAL_D),
					   .sq = wished(p, F_ARIMA_SEASONAL_Q),
					   .constant = constant == F_AUTO ? -1 : constant == 1,
					   .m = s->n_periods > 0 ? s->period[0] : 1};
}

/*
 * A season of which not even one lag fits in the filter, or of which the series has not
 * two cycles, is left out, unless seasonal orders were asked for.
 */
static AugStatus
settle_season(AugCast *cast, const AugSeries *s, ArimaWish *wish, AugFitted *out)
{
	bool asked = wish->sp > 0 || wish->sd > 0 || wish->sq > 0;
	bool fits = wish->m + 1 <= ARIMA_MAX_STATE;

	if (wish->m == 1)
		return AUG_OK;
	if (asked && !fits)
		return aug_fail(cast->err, AUG_DATA, "cannot model a season of %u: %d states at most",
						(unsigned) wish->m, ARIMA_MAX_STATE);
	if (asked || (fits && s->n > 2 * (size_t) wish->m))
		return AUG_OK;
	if (!fits)
		snprintf(out->warning, sizeof(out->warning),
				 "ARIMA left out the season of %u: its filter has %d states at most",
				 (unsigned) wish->m, ARIMA_MAX_STATE);
	wish->m = 1;
	wish->sp = wish->sd = wish->sq = 0;
	return AUG_OK;
}

static void
make_label(const ArimaSpec *spec, bool regressors, char *label)
{
	char season[64] = "", text[2 * AUG_LABEL_SIZE];
	const char *constant = spec->d + spec->sd > 0 ? " with drift" : " with mean";

	if (spec->sp + spec->sd + spec->sq > 0)
		snprintf(season, sizeof(season), "(%u,%u,%u)[%u]", (unsigned) spec->sp, (unsigned) spec->sd,
				 (unsigned) spec->sq, (unsigned) spec->m);
	snprintf(text, sizeof(text), "ARIMA(%u,%u,%u)%s%s%s", (unsigned) spec->p, (unsigned) spec->d,
			 (unsigned) spec->q, season, spec->constant ? constant : "",
			 regressors ? ", regressors" : "");
	/* orders are small numbers: it fits */
	memcpy(label, text, AUG_LABEL_SIZE - 1);
	label[AUG_LABEL_SIZE - 1] = '\0';
}

/* The series less its regression, shifted and scaled; shift and scale are set. */
static double *
residual_series(AugCast *cast, const AugSeries *s, const ArimaData *data, Arima *a)
{
	double *u = aug_cast_doubles(cast, s->n);
	bool first = a->spec.d + a->spec.sd > 0;

	a->shift = 0;
	for (size_t t = 0; u != NULL && t < s->n; t++)
	{
		u[t] = s->y[t];
		for (uint32_t j = 0; j < a->n_beta; j++)
			u[t] -= a->beta[j] * aug_arima_regressor(data, j, t);
		if (first && !isnan(u[t]))
		{
			a->shift = u[t];
			first = false;
		}
		u[t] = (u[t] - a->shift) / a->scale;
	}
	return u;
}

/* The last pass: fitted values, variance, likelihood, states. */
static AugStatus
last_pass(AugCast *cast, const AugSeries *s, const ArimaData *data, AugKeep keep, Arima *a,
		  AugFitted *out)
{
	double *u, *e = aug_cast_doubles(cast, s->n), *variance = aug_cast_doubles(cast, s->n);
	double sum_log, square = 0, k = a->n_parameters, n;
	size_t n_used;
	AugStatus status;

	out->fitted = aug_cast_doubles(cast, s->n);
	u = residual_series(cast, s, data, a);
	if (u == NULL || e == NULL || variance == NULL || out->fitted == NULL)
		return AUG_NOMEM;
	aug_arima_expand(&a->spec, a->coef, &a->model);
	status =
		aug_arima_filter(cast, &a->model, &a->work, u, s->n, 1, e, variance, &sum_log, &n_used);
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < s->n; t++)
	{
		square += e[t] * e[t];
		out->fitted[t] = isnan(s->y[t]) || variance[t] >= ARIMA_UNCOUNTED
							 ? NAN
							 : s->y[t] - e[t] * sqrt(variance[t]) * a->scale;
	}
	n = (double) n_used;
	if (keep != AUG_KEEP_ALL)
		a->sigma2 = n > k - 1 ? square / (n - k + 1) * a->scale * a->scale : NAN;
	if (square > 0 && n > 0)
	{
		out->log_likelihood = -0.5 * (n * (log(square / n) + 1 + LOG_2PI) + sum_log) -
							  n * log(a->scale);
		out->aicc = n > k + 1 ? 2 * (k - out->log_likelihood) + 2 * k * (k + 1) / (n - k - 1) : NAN;
	}
	out->sigma2 = a->sigma2;
	out->n_parameters = a->n_parameters;
	out->state = a;
	make_label(&a->spec, s->n_regressors > 0, out->label);
	return AUG_OK;
}

static AugStatus
write_form(AugCast *cast, const AugSeries *s, const Arima *a, AugFitted *out)
{
	const ArimaSpec *o = &a->spec;
	const uint32_t code[N_CODES] = {o->p,  o->d, o->q,		  o->sp,		   o->sd,
									o->sq, o->m, o->constant, s->n_regressors, a->n_parameters};
	uint32_t n_coef = aug_arima_n_coef(o);
	double *values = aug_cast_doubles(cast, n_coef + a->n_beta + 1);

	if (values == NULL)
		return AUG_NOMEM;
	for (int i = 0; i < N_CODES; i++)
		out->form.code[i] = (int32_t) code[i];
	memcpy(values, a->coef, n_coef * sizeof(double));
	if (a->n_beta > 0)
		memcpy(values + n_coef, a->beta, a->n_beta * sizeof(double));
	values[n_coef + a->n_beta] = a->sigma2;
	out->form.n_values = n_coef + a->n_beta + 1;
	out->form.values = values;
	return AUG_OK;
}

/* Orders of a stored form, each checked. */
static AugStatus
read_spec(AugCast *cast, const AugForm *form, ArimaSpec *spec)
{
	static const int32_t most[N_CODES] = {
		[CODE_P] = ARIMA_MAX_ORDER,
		[CODE_D] = ARIMA_MAX_D,
		[CODE_Q] = ARIMA_MAX_ORDER,
		[CODE_SEASONAL_P] = ARIMA_MAX_SEASONAL,
		[CODE_SEASONAL_D] = 1,
		[CODE_SEASONAL_Q] = ARIMA_MAX_SEASONAL,
		[CODE_M] = AUG_MAX_PERIOD,
		[CODE_CONSTANT] = 1,
		[CODE_REGRESSORS] = AUG_MAX_REGRESSORS,
		[CODE_PARAMETERS] = ARIMA_MAX_COEF + AUG_MAX_REGRESSORS + 2,
	};
	const int32_t *c = form->code;
	uint32_t n_beta;
	bool bad = false;

	for (int i = 0; i < N_CODES; i++)
		bad = bad || c[i] < 0 || c[i] > most[i];
	bad = bad || c[CODE_M] < 1 || c[CODE_PARAMETERS] < 1 ||
		  (c[CODE_CONSTANT] == 1 && c[CODE_D] + c[CODE_SEASONAL_D] > 1) ||
		  (c[CODE_M] == 1 && c[CODE_SEASONAL_P] + c[CODE_SEASONAL_D] + c[CODE_SEASONAL_Q] > 0);
	if (!bad)
	{
		*spec = (ArimaSpec){.p = (uint32_t) c[CODE_P],
							.d = (uint32_t) c[CODE_D],
							.q = (uint32_t) c[CODE_Q],
							.sp = (uint32_t) c[CODE_SEASONAL_P],
							.sd = (uint32_t) c[CODE_SEASONAL_D],
							.sq = (uint32_t) c[CODE_SEASONAL_Q],
							.m = (uint32_t) c[CODE_M],
							.constant = c[CODE_CONSTANT] == 1};
		n_beta = (uint32_t) (c[CODE_CONSTANT] + c[CODE_REGRESSORS]);
		bad = aug_arima_n_states(spec) > ARIMA_MAX_STATE ||
			  form->n_values != aug_arima_n_coef(spec) + n_beta + 1;
	}
	for (uint32_t i = 0; !bad && i < form->n_values; i++)
		bad = !isfinite(form->values[i]) && !(i + 1 == form->n_values && isnan(form->values[i]));
	/* inside the circle by a hair: what was written was */
	if (bad || !aug_arima_admissible(spec, form->values, 1))
		return aug_fail(cast->err, AUG_CORRUPT, "stored form of ARIMA is damaged");
	return AUG_OK;
}

/* Takes over what was estimated: coefficients, regression in units of the series. */
static AugStatus
take_fit(AugCast *cast, const ArimaFit *fit, ArimaFitter *fitter, Arima *a)
{
	const ArimaData *data = fitter->data;

	/* gamma may be another model's by now */
	fitter->conditional = false;
	fitter->status = AUG_OK;
	if (!isfinite(aug_arima_objective(fitter, &fit->spec, fit->coef, NULL)))
		return fitter->status == AUG_CANCELLED
				   ? AUG_CANCELLED
				   : aug_fail(cast->err, AUG_NUMERIC, "could not be estimated");

	a->spec = fit->spec;
	memcpy(a->coef, fit->coef, sizeof(a->coef));
	a->n_parameters = fit->n_parameters;
	a->n_beta = data->n_column;
	a->scale = data->scale;
	a->beta = aug_cast_doubles(cast, a->n_beta);
	if (a->beta == NULL)
		return AUG_NOMEM;
	for (uint32_t j = 0; j < a->n_beta; j++)
	{
		for (uint32_t b = 0; b < data->n_base; b++)
			a->beta[j] += data->scale * data->combine[j * data->n_column + b] * fitter->gamma[b];
	}
	if (data->constant && data->d + data->sd == 0)
		a->beta[0] += data->centre;
	return AUG_OK;
}

static void
warn_dropped(const ArimaData *data, AugFitted *out)
{
	if (data->dropped > 0 && out->warning[0] == '\0')
		snprintf(out->warning, sizeof(out->warning),
				 "regressor %u depends on the others and has no coefficient",
				 (unsigned) data->dropped);
}

/* Everything a search or an estimation works with, for both choices of the constant. */
typedef struct Bench
{
	ArimaData data[2];
	ArimaFitter fitter[2];
	bool has[2];
} Bench;

static AugStatus
open_bench(AugCast *cast, const AugSeries *s, const ArimaWish *wish, uint32_t states,
		   uint32_t n_coef, Arima *a, Bench *bench)
{
	uint32_t columns = s->n_regressors + 2;
	AugStatus status = aug_arima_model_init(cast, states, &a->model);

	if (status == AUG_OK)
		status = aug_arima_work_init(cast, states, columns, true, &a->work);
	bench->has[0] = wish->constant != 1;
	bench->has[1] = wish->constant != 0 && wish->d + wish->sd <= 1;
	for (int c = 0; status == AUG_OK && c < 2; c++)
	{
		if (!bench->has[c])
			continue;
		status = aug_arima_data_init(cast, s, (uint32_t) wish->d, (uint32_t) wish->sd, wish->m,
									 c == 1, &bench->data[c]);
		if (status == AUG_OK)
			status = aug_arima_fitter_init(cast, &bench->data[c], &a->work, &a->model, n_coef,
										   &bench->fitter[c]);
	}
	return status;
}

/* Chooses orders within the wish, estimates. */
static AugStatus
choose(AugCast *cast, const AugSeries *s, Arima *a, AugFitted *out, Bench *bench, int *which)
{
	ArimaWish wish = read_wish(cast, s);
	ArimaSearch search = {.cast = cast, .wish = &wish};
	ArimaFit best;
	uint32_t states, n_coef;
	bool flat = false, ok = false;
	AugStatus status = settle_season(cast, s, &wish, out);

	if (status == AUG_OK)
		status = aug_arima_differences(cast, s, &wish, &flat);
	if (status != AUG_OK)
		return status;
	if (wish.constant == 1 && wish.d + wish.sd > 1)
		return aug_fail(cast->err, AUG_DATA, "cannot have a constant when differenced twice");
	if (flat) /* one value after differencing: nothing to estimate but that */
	{
		wish.p = wish.p > 0 ? wish.p : 0;
		wish.q = wish.q > 0 ? wish.q : 0;
		wish.sp = wish.sp > 0 ? wish.sp : 0;
		wish.sq = wish.sq > 0 ? wish.sq : 0;
	}
	for (size_t t = 0; t < s->n; t++)
		search.n += isnan(s->y[t]) ? 0 : 1;
	states = aug_arima_search_states(&wish, search.n, &n_coef);
	if (states > ARIMA_MAX_STATE)
		return aug_fail(cast->err, AUG_DATA, "would need %u states, %d at most are possible",
						(unsigned) states, ARIMA_MAX_STATE);
	status = open_bench(cast, s, &wish, states, n_coef, a, bench);
	if (status != AUG_OK)
		return status;
	for (int c = 0; c < 2; c++)
		search.fitter[c] = bench->has[c] ? &bench->fitter[c] : NULL;
	status = aug_arima_search(&search, &best, &ok);
	if (status != AUG_OK)
		return status;
	if (!ok)
		return aug_fail(cast->err, AUG_DATA, "needs more values for its orders");
	*which = best.spec.constant;
	return take_fit(cast, &best, &bench->fitter[*which], a);
}

/* The orders are given, and with AUG_KEEP_ALL everything else too. */
static AugStatus
reuse(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, Arima *a, Bench *bench,
	  int *which)
{
	ArimaSpec spec;
	ArimaWish wish;
	ArimaFit fit;
	bool ok;
	uint32_t n_coef;
	AugStatus status = read_spec(cast, given, &spec);

	if (status != AUG_OK)
		return status;
	if ((uint32_t) given->code[CODE_REGRESSORS] != s->n_regressors)
		return aug_fail(cast->err, AUG_INVALID, "the stored form has %d regressors, the series %u",
						(int) given->code[CODE_REGRESSORS], (unsigned) s->n_regressors);
	*which = spec.constant;
	wish = (ArimaWish){.d = (int) spec.d, .sd = (int) spec.sd, .m = spec.m, .constant = *which};
	status =
		open_bench(cast, s, &wish, aug_arima_n_states(&spec), aug_arima_n_coef(&spec), a, bench);
	if (status != AUG_OK)
		return status;
	if (keep == AUG_KEEP_FORM)
	{
		status = aug_arima_estimate(&bench->fitter[*which], &spec, NULL, false, true, &fit, &ok);
		if (status != AUG_OK)
			return status;
		if (!ok)
			return aug_fail(cast->err, AUG_DATA, "needs more values for its orders");
		return take_fit(cast, &fit, &bench->fitter[*which], a);
	}
	n_coef = aug_arima_n_coef(&spec);
	a->spec = spec;
	memcpy(a->coef, given->values, n_coef * sizeof(double));
	a->n_beta = spec.constant + s->n_regressors;
	a->beta = given->values + n_coef;
	a->n_parameters = (uint32_t) given->code[CODE_PARAMETERS];
	a->scale = bench->data[*which].scale;
	a->sigma2 = given->values[n_coef + a->n_beta];
	return AUG_OK;
}

static AugStatus
arima_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	Arima *a = aug_arena_zero(cast->arena, 1, sizeof(Arima));
	Bench *bench = aug_arena_zero(cast->arena, 1, sizeof(Bench));
	int which = 0;
	AugStatus status;

	if (a == NULL || bench == NULL)
		return aug_fail_nomem(cast->err, sizeof(Arima));
	status = given == NULL ? choose(cast, s, a, out, bench, &which)
						   : reuse(cast, s, given, keep, a, bench, &which);
	if (status == AUG_OK)
		status = last_pass(cast, s, &bench->data[which], keep, a, out);
	if (status == AUG_OK)
		warn_dropped(&bench->data[which], out);
	return status == AUG_OK ? write_form(cast, s, a, out) : status;
}

static AugStatus
arima_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			   double *mean, double *variance)
{
	const Arima *a = fitted->state;
	ArimaData data = {.series = s, .d = a->spec.d, .sd = a->spec.sd, .constant = a->spec.constant};
	AugStatus status = aug_arima_ahead(cast, &a->model, &a->work, a->work.state, a->work.P, horizon,
									   mean, variance);

	for (uint32_t h = 0; status == AUG_OK && h < horizon; h++)
	{
		mean[h] = a->shift + a->scale * mean[h];
		for (uint32_t j = 0; j < a->n_beta; j++)
			mean[h] += a->beta[j] * aug_arima_regressor(&data, j, s->n + h);
		variance[h] *= a->sigma2;
	}
	return status;
}

const AugForecaster aug_forecaster_arima = {
	.about = {"arima", "ARIMA",
			  "Autoregression, differences and moving averages, with a season and known "
			  "regressors. Strong on long series without a simple pattern; the slowest of the "
			  "classical methods.",
			  "Box, Jenkins, Reinsel, Ljung: Time Series Analysis; Hyndman, Khandakar, Journal "
			  "of Statistical Software 27(3), 2008",
			  true, true},
	.options = AUG_OPTION(F_ARIMA_P) | AUG_OPTION(F_ARIMA_D) | AUG_OPTION(F_ARIMA_Q) |
			   AUG_OPTION(F_ARIMA_SEASONAL_P) | AUG_OPTION(F_ARIMA_SEASONAL_D) |
			   AUG_OPTION(F_ARIMA_SEASONAL_Q) | AUG_OPTION(F_ARIMA_CONSTANT),
	.missing = true,
	.refuses = arima_refuses,
	.fit = arima_fit,
	.forecast = arima_forecast};
