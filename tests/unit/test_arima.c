/*
 * ARIMA: likelihoods and forecasts at given parameters against R, estimation, search, extremes.
 * tests/data/arima_golden.txt is made by make_arima_golden.R.
 */
#include "unit.h"

#include "../../src/core/forecast/arima.h"

#define MOST_N		 160
#define MOST_X		 4
#define AHEAD		 6
#define LEVEL_MOST_N 2000

typedef struct Work
{
	UnitHost h;
	AugArena arena;
	AugParams *params;
	AugCast cast;
	AugError err;
} Work;

static void
begin(Work *w)
{
	memset(w, 0, sizeof(*w));
	unit_host(&w->h);
	aug_arena_init(&w->arena, &w->h.host);
	CHECK(aug_params_new(&w->h.host, aug_forecast_about(), &w->params, &w->err) == AUG_OK);
	w->cast = (AugCast){&w->h.host, &w->arena, w->params, 1, &w->err};
}

static void
end(Work *w)
{
	aug_arena_free(&w->arena);
	aug_params_free(w->params);
	CHECK(w->h.live == 0);
}

/* ---- golden ------------------------------------------------------------------ */

typedef struct Case
{
	char name[64];
	size_t n;
	ArimaSpec spec;
	uint32_t n_x;
	double coef[ARIMA_MAX_COEF], beta[MOST_X + 1];
	double y[MOST_N], x[MOST_N * MOST_X];
	double loglik, differenced, sigma2, mean[AHEAD], se[AHEAD];
} Case;

static bool
read_numbers(FILE *file, const char *name, double *v, size_t n)
{
	char got[32];

	if (!CHECK(fscanf(file, "%31s", got) == 1) || !CHECK_TEXT(got, name))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		if (!CHECK(fscanf(file, "%lf", &v[i]) == 1))
			return false;
	}
	return true;
}

static bool
read_case(FILE *file, Case *c)
{
	ArimaSpec *s = &c->spec;
	unsigned n, m, o[6], constant, n_x;

	memset(c, 0, sizeof(*c));
	if (fscanf(file, " case %63s %u %u %u %u %u %u %u %u %u %u", c->name, &n, &m, &o[0], &o[1],
			   &o[2], &o[3], &o[4], &o[5], &constant, &n_x) != 11)
		return false;
	if (!CHECK(n + AHEAD <= MOST_N && n_x <= MOST_X))
		return false;
	c->n = n;
	c->n_x = n_x;
	*s = (ArimaSpec){o[0], o[1], o[2], o[3], o[4], o[5], m, constant == 1};
	return read_numbers(file, "coef", c->coef, aug_arima_n_coef(s)) &&
		   read_numbers(file, "beta", c->beta, constant + n_x) &&
		   read_numbers(file, "y", c->y, n) &&
		   (n_x == 0 || read_numbers(file, "x", c->x, (size_t) (n + AHEAD) * n_x)) &&
		   read_numbers(file, "loglik", &c->loglik, 1) &&
		   read_numbers(file, "differenced", &c->differenced, 1) &&
		   read_numbers(file, "sigma2", &c->sigma2, 1) &&
		   read_numbers(file, "mean", c->mean, AHEAD) && read_numbers(file, "se", c->se, AHEAD) &&
		   read_numbers(file, "end", NULL, 0);
}

static AugSeries
series_of(const Case *c)
{
	AugSeries s = {.n = c->n, .y = c->y, .n_regressors = c->n_x, .n_x = c->n + AHEAD, .x = c->x};

	if (c->spec.m > 1)
	{
		s.n_periods = 1;
		s.period[0] = c->spec.m;
	}
	return s;
}

static double
gaussian(double sum_square, double sum_log, size_t n_used)
{
	double n = (double) n_used;

	return -0.5 * (n * (log(sum_square / n) + 1 + log(2 * acos(-1))) + sum_log);
}

/* y without constant and regressors. */
static void
without_regression(const Case *c, double *u)
{
	for (size_t t = 0; t < c->n; t++)
	{
		const double *beta = c->beta;

		u[t] = c->y[t];
		if (c->spec.constant)
			u[t] -= *beta++ * (c->spec.d + c->spec.sd > 0 ? (double) (t + 1) : 1);
		for (uint32_t j = 0; j < c->n_x; j++)
			u[t] -= beta[j] * c->x[t * c->n_x + j];
	}
}

static double
square_sum(const double *e, size_t n)
{
	double sum = 0;

	for (size_t t = 0; t < n; t++)
		sum += e[t] * e[t];
	return sum;
}

/* Both filters are R's: that in levels with its diffuse prior, the fast one on differences. */
static void
check_likelihoods(const Case *c)
{
	Work w;
	ArimaModel model;
	ArimaWork work;
	double u[MOST_N], e[MOST_N], sum_log;
	size_t n_used, n = c->n;
	uint32_t states = aug_arima_n_states(&c->spec);
	bool ok = true;

	begin(&w);
	CHECK(aug_arima_model_init(&w.cast, states, &model) == AUG_OK);
	CHECK(aug_arima_work_init(&w.cast, states, 1, true, &work) == AUG_OK);
	aug_arima_expand(&c->spec, c->coef, &model);
	CHECK(model.r + model.n_delta == states);
	without_regression(c, u);
	CHECK(aug_arima_filter(&w.cast, &model, &work, u, n, 1, e, NULL, &sum_log, &n_used) == AUG_OK);
	ok = CHECK_NEAR(gaussian(square_sum(e, n), sum_log, n_used), c->loglik, 1e-6);
	ok = CHECK_NEAR(square_sum(e, n) / (double) n_used, c->sigma2, 1e-6) && ok;
	if (!isnan(c->differenced))
	{
		for (uint32_t k = 0; k < c->spec.sd; k++)
			n = aug_arima_difference(u, n, c->spec.m);
		for (uint32_t k = 0; k < c->spec.d; k++)
			n = aug_arima_difference(u, n, 1);
		CHECK(aug_arima_whiten(&model, &work, u, n, 1, false, e, &sum_log, &n_used));
		ok = CHECK(n_used == n && n == c->n - model.n_delta) && ok;
		ok = CHECK_NEAR(gaussian(square_sum(e, n), sum_log, n_used), c->differenced, 1e-9) && ok;
	}
	if (!ok)
		printf("  in case %s\n", c->name);
	end(&w);
}

/* The method, keeping all of a form, forecasts what R does. */
static void
check_forecast(const Case *c)
{
	Work w;
	AugSeries s = series_of(c);
	AugFitted fitted;
	const ArimaSpec *o = &c->spec;
	uint32_t n_coef = aug_arima_n_coef(o), n_beta = o->constant + c->n_x;
	double values[ARIMA_MAX_COEF + MOST_X + 2], mean[AHEAD], variance[AHEAD];
	AugForm form = {.n_values = n_coef + n_beta + 1, .values = values};
	const uint32_t code[] = {o->p,	o->d, o->q,		   o->sp,  o->sd,
							 o->sq, o->m, o->constant, c->n_x, n_coef + n_beta + 1};

	begin(&w);
	for (int i = 0; i < 10; i++)
		form.code[i] = (int32_t) code[i];
	memset(&fitted, 0, sizeof(fitted));
	memcpy(values, c->coef, n_coef * sizeof(double));
	memcpy(values + n_coef, c->beta, n_beta * sizeof(double));
	values[n_coef + n_beta] = c->sigma2;
	if (!aug_arima_admissible(o, c->coef, 1))
		CHECK(aug_forecaster_arima.fit(&w.cast, &s, &form, AUG_KEEP_ALL, &fitted) == AUG_CORRUPT);
	else if (CHECK(aug_forecaster_arima.fit(&w.cast, &s, &form, AUG_KEEP_ALL, &fitted) == AUG_OK) &&
			 CHECK(aug_forecaster_arima.forecast(&w.cast, &s, &fitted, AHEAD, mean, variance) ==
				   AUG_OK))
	{
		bool ok = CHECK_NEAR(fitted.log_likelihood, c->loglik, 1e-4);

		for (int h = 0; h < AHEAD; h++)
		{
			ok = CHECK_NEAR(mean[h], c->mean[h], 1e-5) && ok;
			ok = CHECK_NEAR(sqrt(variance[h]), c->se[h], 1e-5) && ok;
		}
		if (!ok)
			printf("  in case %s\n", c->name);
	}
	end(&w);
}

static void
golden(void)
{
	FILE *file = fopen(UNIT_DATA "/arima_golden.txt", "r");
	Case c;
	int n = 0;

	if (!CHECK(file != NULL))
		return;
	for (; read_case(file, &c); n++)
	{
		check_likelihoods(&c);
		check_forecast(&c);
	}
	CHECK(n == 30);
	fclose(file);
}

/* KPSS against urca. */
static void
unit_roots(void)
{
	static double y[LEVEL_MOST_N];

	for (int i = 1; i <= 4; i++)
	{
		char name[16];
		double value;
		size_t n;

		snprintf(name, sizeof(name), "kpss%d", i);
		n = unit_golden("arima_golden.txt", name, "y", y, LEVEL_MOST_N);
		CHECK(n >= 30);
		CHECK(unit_golden("arima_golden.txt", name, "value", &value, 1) == 1);
		CHECK_NEAR(aug_kpss(y, n, -1), value, 1e-10);
	}
	y[0] = y[1] = y[2] = 5;
	CHECK(isnan(aug_kpss(y, 3, -1)));
}

/* ---- polynomials ---------------------------------------------------------------- */

static void
polynomials(void)
{
	static const ArimaSpec spec = {3, 0, 2, 2, 0, 1, 4, false};
	double x[8] = {0.3, -1.2, 0.8, 2.5, -0.4, 0.9, -0.2, 3}, coef[8], back[8];
	double phi[2] = {1.6, -0.64}; /* a double root at 1.25 */

	aug_arima_constrain(&spec, x, coef);
	CHECK(aug_arima_admissible(&spec, coef, 1));
	aug_arima_release(&spec, coef, back);
	for (int i = 0; i < 8; i++)
		CHECK_NEAR(back[i], x[i], 1e-6);
	CHECK(aug_arima_roots_outside(phi, 2, 1.24));
	CHECK(!aug_arima_roots_outside(phi, 2, 1.26));
	/* a seasonal root of 1.1 is one of 1.1^(1/4) in single lags */
	memset(coef, 0, sizeof(coef));
	coef[5] = 1 / 1.1;
	CHECK(aug_arima_admissible(&spec, coef, 1.02));
	CHECK(!aug_arima_admissible(&spec, coef, 1.03));
}

/* ---- simulated series -------------------------------------------------------------- */

/* Sums of uniform numbers: near enough to normal for estimates. */
static double
noise(uint64_t *state)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
	{
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		sum += (double) (*state >> 11) * 0x1p-53;
	}
	return sum;
}

/* y: [n] from the model of spec and coef, after some steps of warming up; no constant. */
static void
simulate(const ArimaSpec *spec, const double *coef, uint64_t seed, double *y, size_t n)
{
	static double w[2 * LEVEL_MOST_N], e[2 * LEVEL_MOST_N];
	double phi[64], theta[64], delta[64];
	ArimaModel model = {.phi = phi, .theta = theta, .delta = delta};
	size_t warm = 500;

	aug_arima_expand(spec, coef, &model);
	for (size_t t = 0; t < warm + n; t++)
	{
		w[t] = e[t] = noise(&seed);
		for (size_t i = 0; i < model.n_ar && i < t; i++)
			w[t] += phi[i] * w[t - 1 - i];
		for (size_t i = 0; i < model.n_ma && i < t; i++)
			w[t] += theta[i] * e[t - 1 - i];
	}
	for (size_t t = 0; t < n; t++)
	{
		y[t] = w[warm + t];
		for (size_t i = 0; i < model.n_delta && i < t; i++)
			y[t] += delta[i] * y[t - 1 - i];
	}
}

static AugStatus
run(UnitHost *h, const AugSeries *s, const char *options, AugKeep keep, AugSlice form,
	AugForecast **out, AugError *err)
{
	static const double levels[] = {0.95};
	AugParams *params;
	AugForecastOptions o = {0};
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);
	char name[64], value[64];
	int used;

	*out = NULL;
	if (status != AUG_OK)
		return status;
	status = aug_params_set(params, "method", "arima", err);
	while (status == AUG_OK && sscanf(options, " %63[^=]=%63s%n", name, value, &used) == 2)
	{
		status = aug_params_set(params, name, value, err);
		options += used;
	}
	o = (AugForecastOptions){.params = params,
							 .horizon = 12,
							 .n_levels = 1,
							 .levels = levels,
							 .seed = 1,
							 .keep = keep,
							 .form = form};
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

static const AugSlice no_form = {NULL, 0};

/* The value of a form's number i: after the name, the codes and the count of numbers. */
static double
form_value(const AugForecast *f, uint32_t i)
{
	AugReader r = {f->form.bytes, f->form.bytes + f->form.length, false};
	double v = NAN;

	aug_read_bytes(&r, aug_read_count(&r, 63, 1));
	for (int k = 0; k < AUG_FORM_CODES; k++)
		aug_read_u32(&r);
	if (i >= aug_read_count(&r, 1000, sizeof(double)))
		return NAN;
	for (uint32_t k = 0; k <= i; k++)
		v = aug_read_f64(&r);
	return v;
}

static void
recovery(void)
{
	static const ArimaSpec mixed = {2, 0, 1, 0, 0, 0, 1, false};
	static const ArimaSpec airline = {0, 1, 1, 0, 1, 1, 12, false};
	static const double coef[] = {0.9, -0.4, 0.5}, both[] = {-0.4, -0.6};
	static double y[LEVEL_MOST_N];
	AugSeries s = {.n = 1500, .y = y};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	simulate(&mixed, coef, 7, y, s.n);
	for (size_t t = 0; t < s.n; t++)
		y[t] = 10 * y[t] + 1000;
	CHECK(run(&h, &s, "arima_p=2 arima_d=0 arima_q=1", 0, no_form, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "ARIMA(2,0,1) with mean");
	for (uint32_t i = 0; i < 3; i++)
		CHECK(fabs(form_value(f, i) - coef[i]) < 0.1);
	CHECK(fabs(form_value(f, 3) - 1000) < 3);
	CHECK(fabs(f->sigma - 10) < 0.5);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strstr(f->method, ",0,") != NULL && strstr(f->method, "mean") != NULL);
	CHECK(fabs(f->sigma - 10) < 0.5);
	/* the interval far ahead is that of the process */
	CHECK(fabs(f->mean[11] - 1000) < 10);
	CHECK(f->upper[11] - f->lower[11] > 2 * 1.96 * f->sigma * 1.3);
	aug_forecast_free(&h.host, f);

	s.n = 480;
	s.n_periods = 1;
	s.period[0] = 12;
	simulate(&airline, both, 11, y, s.n);
	CHECK(run(&h, &s,
			  "arima_p=0 arima_d=1 arima_q=1 arima_seasonal_p=0 arima_seasonal_d=1 "
			  "arima_seasonal_q=1",
			  0, no_form, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "ARIMA(0,1,1)(0,1,1)[12]");
	CHECK(fabs(form_value(f, 0) + 0.4) < 0.1);
	CHECK(fabs(form_value(f, 1) + 0.6) < 0.1);
	CHECK(isnan(f->fitted[12]) && !isnan(f->fitted[13]));
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Without every fifth value the estimates are about the same, and fits are told for all steps. */
static void
missing(void)
{
	static const ArimaSpec walk = {1, 1, 0, 0, 0, 0, 1, false};
	static const double coef[] = {0.6};
	static double y[LEVEL_MOST_N];
	AugSeries s = {.n = 400, .y = y};
	UnitHost h;
	AugForecast *f;
	AugError err;
	double whole;

	unit_host(&h);
	simulate(&walk, coef, 3, y, s.n);
	CHECK(run(&h, &s, "arima_p=1 arima_d=1 arima_q=0", 0, no_form, &f, &err) == AUG_OK);
	whole = f->mean[5];
	aug_forecast_free(&h.host, f);
	for (size_t t = 2; t < s.n; t += 5)
		y[t] = NAN;
	CHECK(run(&h, &s, "arima_p=1 arima_d=1 arima_q=0", 0, no_form, &f, &err) == AUG_OK);
	CHECK(f->n_observed == 320);
	CHECK(fabs(form_value(f, 0) - 0.6) < 0.15);
	CHECK(fabs(f->mean[5] - whole) < 1.5);
	aug_forecast_free(&h.host, f);
	y[s.n - 1] = y[s.n - 2] = y[s.n - 4] = NAN;
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	CHECK_TEXT(f->fallback, "");
	/* nothing seen at the end: the first step ahead is wider than one error */
	CHECK(f->upper[0] - f->lower[0] > 2 * 1.96 * f->sigma * 1.2);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
regressors(void)
{
	static const ArimaSpec ar = {1, 0, 0, 0, 0, 0, 1, false};
	static const double coef[] = {0.7};
	static double y[LEVEL_MOST_N], x[3 * LEVEL_MOST_N];
	AugSeries s = {.n = 300, .y = y, .n_regressors = 3, .n_x = 312, .x = x};
	uint64_t seed = 5;
	UnitHost h;
	AugForecast *f;
	AugError err;
	double end;

	unit_host(&h);
	simulate(&ar, coef, 5, y, s.n);
	for (size_t t = 0; t < s.n_x; t++)
	{
		x[3 * t] = 1e6 + 1000 * noise(&seed);
		x[3 * t + 1] = 1e-3 * noise(&seed);
		x[3 * t + 2] = noise(&seed);
	}
	for (size_t t = 0; t < s.n; t++)
		y[t] += 0.02 * x[3 * t] - 5000 * x[3 * t + 1];
	end = 0.02 * x[3 * 311] - 5000 * x[3 * 311 + 1];
	CHECK(run(&h, &s, "arima_p=1 arima_d=0 arima_q=0 arima_constant=true", 0, no_form, &f, &err) ==
		  AUG_OK);
	CHECK_TEXT(f->method, "ARIMA(1,0,0) with mean, regressors");
	CHECK(fabs(form_value(f, 0) - 0.7) < 0.1);
	CHECK(fabs(form_value(f, 2) - 0.02) < 0.0005);
	CHECK(fabs(form_value(f, 3) + 5000) < 200);
	CHECK(fabs(form_value(f, 4)) < 0.2);
	CHECK(fabs(f->mean[11] - end) < 1.5);
	CHECK_TEXT(f->warning, "");
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	CHECK(fabs(f->mean[11] - end) < 1.5);
	aug_forecast_free(&h.host, f);

	/* the third is twice the second: it has no coefficient, which is said */
	for (size_t t = 0; t < s.n_x; t++)
		x[3 * t + 2] = 2 * x[3 * t + 1];
	CHECK(run(&h, &s, "arima_p=1 arima_d=0 arima_q=0", 0, no_form, &f, &err) == AUG_OK);
	CHECK_TEXT(f->warning, "regressor 3 depends on the others and has no coefficient");
	CHECK(fabs(f->mean[11] - end) < 1.5);
	aug_forecast_free(&h.host, f);
	/* the third is constant: so is the mean */
	for (size_t t = 0; t < s.n_x; t++)
		x[3 * t + 2] = 4;
	y[7] = y[8] = y[290] = NAN;
	CHECK(run(&h, &s, "arima_p=1 arima_d=0 arima_q=0 arima_constant=true", 0, no_form, &f, &err) ==
		  AUG_OK);
	CHECK_TEXT(f->warning, "regressor 3 depends on the others and has no coefficient");
	CHECK(fabs(form_value(f, 2) - 0.02) < 0.0005);
	CHECK(fabs(f->mean[11] - end) < 1.5);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* ---- extremes and options -------------------------------------------------------------- */

static void
check_finite(const char *what, const AugSeries *s)
{
	UnitHost h;
	AugForecast *f;
	AugError err;
	bool ok;

	unit_host(&h);
	ok = CHECK(run(&h, s, "", 0, no_form, &f, &err) == AUG_OK);
	for (uint32_t i = 0; ok && i < f->horizon; i++)
		ok = CHECK(isfinite(f->mean[i])) && CHECK(!(f->lower[i] > f->upper[i]));
	if (!ok)
		printf("  for %s of %zu values\n", what, s->n);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
extremes(void)
{
	static double y[200];
	static const double sizes[] = {0, 7, 1e300, 1e-300, -1e15};
	AugSeries s = {.y = y, .n_periods = 1, .period = {12}};
	UnitHost h;
	AugForecast *f;
	AugError err;
	uint64_t seed = 1;

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
	{
		for (s.n = 1; s.n <= 200; s.n = s.n < 40 ? s.n + 1 : 3 * s.n)
		{
			for (size_t t = 0; t < s.n; t++)
				y[t] = sizes[k];
			check_finite("a constant", &s);
			for (size_t t = 0; t < s.n; t++)
				y[t] = sizes[k] * (double) t / 200;
			check_finite("a line", &s);
			for (size_t t = 0; t < s.n; t++)
				y[t] = sizes[k] * noise(&seed) / 10;
			check_finite("noise", &s);
			for (size_t t = 1; t < s.n; t += 3)
				y[t] = NAN;
			check_finite("noise with gaps", &s);
			for (size_t t = 0; t < s.n; t++)
				y[t] = sizes[k] * sin((double) t * acos(-1) / 6);
			check_finite("a wave", &s);
		}
	}
	s.n = 150;
	for (size_t t = 0; t < s.n; t++)
		y[t] = t == 140 ? 1e12 : noise(&seed);
	check_finite("a spike", &s);
	for (size_t t = 0; t < s.n; t++)
		y[t] = (t < 70 ? 0 : 1e9) + noise(&seed);
	check_finite("a step", &s);
	for (size_t t = 0; t < s.n; t++)
		y[t] = exp((double) t);
	check_finite("explosive growth", &s);
	for (size_t t = 0; t < s.n; t++)
		y[t] = 3 + 2 * (double) t;
	unit_host(&h);
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "ARIMA(0,1,0) with drift");
	CHECK_NEAR(f->mean[11], 3 + 2 * 161.0, 1e-9);
	aug_forecast_free(&h.host, f);
}

static void
options(void)
{
	static double y[900];
	AugSeries s = {.n = 60, .y = y};
	uint64_t seed = 2;
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (size_t t = 0; t < 900; t++)
		y[t] = noise(&seed) + sin((double) t * 2 * acos(-1) / 400);
	CHECK(run(&h, &s, "arima_seasonal_q=1", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strstr(f->fallback, "arima needs a season for its seasonal orders") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "arima_d=2 arima_constant=true", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strstr(f->fallback, "cannot have a constant when differenced twice") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "arima_p=10 arima_d=2 arima_q=7 arima_constant=false", 0, no_form, &f,
			  &err) == AUG_OK);
	CHECK_TEXT(f->method, "ARIMA(10,2,7)");
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "arima_p=1 arima_d=0 arima_constant=false", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strncmp(f->method, "ARIMA(1,0,", 10) == 0 && strstr(f->method, "mean") == NULL);
	aug_forecast_free(&h.host, f);

	s.n_periods = 1;
	s.period[0] = 400;
	s.n = 900;
	CHECK(run(&h, &s, "arima_p=1", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strstr(f->warning, "left out the season of 400") != NULL);
	CHECK(strncmp(f->method, "ARIMA(1,", 8) == 0 && strchr(f->method, '[') == NULL);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "arima_seasonal_p=1", 0, no_form, &f, &err) == AUG_OK);
	CHECK(strstr(f->fallback, "cannot model a season of 400") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* ---- what is kept ------------------------------------------------------------------------ */

static void
keeping(void)
{
	static const ArimaSpec airline = {0, 1, 1, 0, 1, 1, 4, false};
	static const double coef[] = {-0.4, -0.5};
	static double y[120];
	AugSeries s = {.n = 100, .y = y, .n_periods = 1, .period = {4}};
	UnitHost h;
	AugForecast *f, *same, *other;
	AugError err;

	unit_host(&h);
	simulate(&airline, coef, 9, y, 120);
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	CHECK(run(&h, &s, "", AUG_KEEP_ALL, f->form, &same, &err) == AUG_OK);
	CHECK_TEXT(same->method, f->method);
	for (uint32_t i = 0; i < f->horizon; i++)
	{
		CHECK_NEAR(same->mean[i], f->mean[i], 1e-12);
		CHECK_NEAR(same->upper[i], f->upper[i], 1e-12);
	}
	CHECK_NEAR(same->aicc, f->aicc, 1e-9);
	CHECK(same->form.length == f->form.length &&
		  memcmp(same->form.bytes, f->form.bytes, f->form.length) == 0);
	aug_forecast_free(&h.host, same);
	/* more values: the same coefficients, or the same orders */
	s.n = 120;
	CHECK(run(&h, &s, "", AUG_KEEP_ALL, f->form, &same, &err) == AUG_OK);
	CHECK(run(&h, &s, "", AUG_KEEP_FORM, f->form, &other, &err) == AUG_OK);
	CHECK_TEXT(same->method, f->method);
	CHECK_TEXT(other->method, f->method);
	CHECK_NEAR(form_value(same, 0), form_value(f, 0), 0);
	CHECK(form_value(other, 0) != form_value(f, 0));
	CHECK(fabs(same->mean[0] - f->mean[0]) > 1e-6);
	aug_forecast_free(&h.host, same);
	aug_forecast_free(&h.host, other);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Any bytes as a form: a status, never a crash. */
static void
hostile_forms(void)
{
	static const ArimaSpec airline = {0, 1, 1, 0, 1, 1, 4, false};
	static const double coef[] = {-0.4, -0.5};
	static double y[60];
	AugSeries s = {.n = 60, .y = y, .n_periods = 1, .period = {4}};
	uint8_t bytes[512];
	uint64_t seed = 4;
	UnitHost h;
	AugForecast *f, *g;
	AugError err;
	size_t length;

	unit_host(&h);
	simulate(&airline, coef, 9, y, 60);
	CHECK(run(&h, &s, "", 0, no_form, &f, &err) == AUG_OK);
	length = f->form.length;
	if (!CHECK(length <= sizeof(bytes)))
		return;
	for (int k = 0; k < 2000; k++)
	{
		AugStatus status;
		size_t at;

		memcpy(bytes, f->form.bytes, length);
		noise(&seed);
		at = (size_t) (seed >> 33) % length;
		bytes[at] = (uint8_t) (seed >> 20);
		if (k % 3 == 0)
			bytes[(at + 4) % length] = (uint8_t) (seed >> 40);
		status = run(&h, &s, "", k % 2 == 0 ? AUG_KEEP_ALL : AUG_KEEP_FORM,
					 (AugSlice){bytes, length}, &g, &err);
		CHECK(status == AUG_OK || status == AUG_CORRUPT || status == AUG_INVALID);
		if (status == AUG_OK)
			aug_forecast_free(&h.host, g);
	}
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static double y[40], x[52];
	AugSeries s = {
		.n = 40, .y = y, .n_periods = 1, .period = {4}, .n_regressors = 1, .n_x = 52, .x = x};
	uint64_t seed = 8;
	AugForecast *f;
	AugStatus status;

	for (size_t t = 0; t < 52; t++)
		x[t] = noise(&seed);
	for (size_t t = 0; t < 40; t++)
		y[t] = noise(&seed) + x[t];
	if (arg != NULL)
		y[9] = NAN;
	status = run(h, &s, "", 0, no_form, &f, err);
	aug_forecast_free(&h->host, f);
	return status;
}

static void
failures(void)
{
	int gap = 1;

	CHECK(unit_fail_each(one_run, NULL) > 0);
	CHECK(unit_cancel_each(one_run, NULL) > 0);
	CHECK(unit_fail_each(one_run, &gap) > 0);
	CHECK(unit_cancel_each(one_run, &gap) > 0);
}

static const UnitTest tests[] = {
	{"golden", golden},			  {"unit roots", unit_roots},
	{"polynomials", polynomials}, {"recovery", recovery},
	{"missing", missing},		  {"regressors", regressors},
	{"extremes", extremes},		  {"options", options},
	{"keeping", keeping},		  {"hostile forms", hostile_forms},
	{"failures", failures},
};

UNIT_MAIN("arima", tests);
