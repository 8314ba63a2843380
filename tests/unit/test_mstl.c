/*
 * The method "mstl": exact forecasts of exact patterns, logarithms, gaps, forms, refusals.
 */
#include "unit.h"

#include "../../src/core/bytes.h"

#define N 400

typedef struct Ask
{
	const char *trend;
	const char *transform;
	uint32_t horizon;
	AugKeep keep;
	AugSlice form;
} Ask;

static AugStatus
run(UnitHost *h, const AugSeries *s, const Ask *ask, AugForecast **out, AugError *err)
{
	static const double levels[] = {0.8, 0.95};
	AugParams *params;
	AugForecastOptions o = {0};
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	status = aug_params_set(params, "method", "mstl", err);
	if (status == AUG_OK)
		status = aug_params_set(params, "mstl_trend", ask->trend, err);
	if (status == AUG_OK)
		status = aug_params_set(params, "transform", ask->transform, err);
	o.params = params;
	o.horizon = ask->horizon;
	o.n_levels = 2;
	o.levels = levels;
	o.keep = ask->keep;
	o.form = ask->form;
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

/* Sum of two seasons and a line; as exponent when power is set. */
static double
pattern(size_t t, bool power)
{
	double v = 4 + 0.002 * (double) t + (double) (t % 4 == 1) + 0.5 * (double) (t % 20 < 7);

	return power ? exp(v) : v;
}

static void
exact_patterns(void)
{
	static double y[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 2, .period = {4, 20}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (int power = 0; power < 2; power++)
	{
		Ask ask = {"drift", power ? "log" : "none", 45, AUG_KEEP_NOTHING, {NULL, 0}};

		for (size_t t = 0; t < N; t++)
			y[t] = pattern(t, power != 0);
		if (!CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
			continue;
		CHECK_TEXT(f->method, power ? "MSTL[4,20,log] drift" : "MSTL[4,20] drift");
		CHECK_TEXT(f->fallback, "");
		for (size_t i = 0; i < 45; i++)
			CHECK_NEAR(f->mean[i], pattern(N + i, power != 0), 2e-2);
		for (size_t i = 0; i < 45; i++)
			CHECK(f->lower[i] <= f->mean[i] && f->mean[i] <= f->upper[i]);
		CHECK_NEAR(f->fitted[N - 1], y[N - 1], 2e-2);
		aug_forecast_free(&h.host, f);
	}
	CHECK(h.live == 0);
}

/* Growth in proportion is seen: logarithms; a level far from 0 with the same spread: not. */
static void
transformation(void)
{
	static double y[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 1, .period = {20}};
	Ask ask = {"naive", "auto", 3, AUG_KEEP_NOTHING, {NULL, 0}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (size_t t = 0; t < N; t++)
		y[t] = exp(0.01 * (double) t + (double) (t % 20 < 7) + 0.1 * (double) (t * t % 7));
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK_TEXT(f->method, "MSTL[20,log] naive");
	aug_forecast_free(&h.host, f);
	for (size_t t = 0; t < N; t++)
		y[t] = 10 + 0.1 * (double) t + 3 * (double) (t % 20 < 7) + 0.5 * (double) (t * t % 7);
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK_TEXT(f->method, "MSTL[20] naive");
	aug_forecast_free(&h.host, f);
	/* a power: the transformation is undone */
	ask.transform = "0.5";
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
	{
		CHECK_TEXT(f->method, "MSTL[20,0.5] naive");
		CHECK(fabs(f->fitted[200] - y[200]) < 8);
	}
	aug_forecast_free(&h.host, f);
	y[7] = 0;
	ask.transform = "log";
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
	{
		CHECK_TEXT(f->fallback, "mstl needs values above 0 for its transformation");
		CHECK_TEXT(f->method, "seasonal naive[20]");
	}
	aug_forecast_free(&h.host, f);
	ask.transform = "auto";
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK_TEXT(f->method, "MSTL[20] naive");
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
gaps_and_refusals(void)
{
	static double y[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 2, .period = {4, 20}};
	Ask ask = {"drift", "none", 20, AUG_KEEP_NOTHING, {NULL, 0}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (size_t t = 0; t < N; t++)
		y[t] = t % 9 == 2 || (t > 100 && t < 130) ? NAN : pattern(t, false);
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
	{
		for (size_t i = 0; i < 20; i++)
			CHECK_NEAR(f->mean[i], pattern(N + i, false), 0.1);
	}
	aug_forecast_free(&h.host, f);
	s.n = 40; /* not more than twice 20 */
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK_TEXT(f->method, "MSTL[4] drift");
	aug_forecast_free(&h.host, f);
	s.n = 8;
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK(strstr(f->fallback, "needs more than two full seasons") != NULL);
	aug_forecast_free(&h.host, f);
	s.n_periods = 0;
	if (CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		CHECK(strstr(f->fallback, "needs a season") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Options of the inner method choose it; those of another one are refused. */
static void
inner_options(void)
{
	static double y[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 1, .period = {4}};
	static const struct
	{
		size_t n;
		const char *trend, *name, *value, *method;
	} cases[] = {
		{N, "auto", "mstl_trend", "auto", "MSTL[4] ARIMA("},
		{60, "auto", "mstl_trend", "auto", "MSTL[4] ETS("},
		{N, "auto", "ets_trend", "none", "MSTL[4] ETS("},
		{60, "auto", "arima_p", "1", "MSTL[4] ARIMA("},
		{N, "arima", "arima_p", "1", "MSTL[4] ARIMA(1"},
		{N, "ets", "arima_p", "1", NULL},
		{N, "drift", "ets_trend", "none", NULL},
	};
	UnitHost h;
	AugForecast *f;
	AugError err;

	for (size_t t = 0; t < N; t++)
		y[t] = pattern(t, false) + 0.1 * (double) (t * t % 7) - 5;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		AugParams *params;
		AugForecastOptions o = {.horizon = 2};
		AugStatus status;

		unit_host(&h);
		s.n = cases[i].n;
		if (!CHECK(aug_params_new(&h.host, aug_forecast_about(), &params, &err) == AUG_OK))
			return;
		CHECK(aug_params_set(params, "method", "mstl", &err) == AUG_OK);
		CHECK(aug_params_set(params, "transform", "none", &err) == AUG_OK);
		CHECK(aug_params_set(params, cases[i].name, cases[i].value, &err) == AUG_OK);
		CHECK(aug_params_set(params, "mstl_trend", cases[i].trend, &err) == AUG_OK);
		o.params = params;
		status = aug_forecast_run(&h.host, &s, &o, &f, &err);
		CHECK(status == (cases[i].method == NULL ? AUG_INVALID : AUG_OK));
		if (status == AUG_OK &&
			!CHECK(strncmp(f->method, cases[i].method, strlen(cases[i].method)) == 0))
			fprintf(stderr, "case %zu: %s\n", i, f->method);
		if (status == AUG_INVALID)
			CHECK(strstr(err.message, cases[i].name) != NULL);
		aug_forecast_free(&h.host, f);
		aug_params_free(params);
		CHECK(h.live == 0);
	}
}

/* ---- forms ------------------------------------------------------------------- */

static void
forms(void)
{
	static double y[N];
	AugSeries s = {.n = N - 1, .y = y, .n_periods = 2, .period = {4, 20}};
	/* its seasons come from the form */
	AugSeries other = {.n = N, .y = y, .n_periods = 1, .period = {5}};
	Ask ask = {"drift", "log", 5, AUG_KEEP_NOTHING, {NULL, 0}};
	UnitHost h;
	AugForecast *f, *g, *again;
	AugError err;
	uint8_t *bytes;

	unit_host(&h);
	for (size_t t = 0; t < N; t++)
		y[t] = pattern(t, true) + 3 * (double) (t * t % 5);
	if (!CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
		return;
	for (int keep = AUG_KEEP_FORM; keep <= AUG_KEEP_ALL; keep++)
	{
		Ask kept = {"auto", "none", 5, (AugKeep) keep, f->form};

		if (CHECK(run(&h, &other, &kept, &g, &err) == AUG_OK))
			CHECK_TEXT(g->method, "MSTL[4,20,log] drift");
		CHECK(g->form.length == f->form.length);
		aug_forecast_free(&h.host, g);
	}
	s.n = N;
	ask.keep = AUG_KEEP_ALL;
	ask.form = f->form;
	CHECK(run(&h, &s, &ask, &g, &err) == AUG_OK);
	CHECK(run(&h, &s, &ask, &again, &err) == AUG_OK);
	CHECK(memcmp(g->mean, again->mean, 5 * sizeof(double)) == 0);
	aug_forecast_free(&h.host, again);
	aug_forecast_free(&h.host, g);
	/* every byte changed: a forecast or a refusal, no crash */
	bytes = malloc(f->form.length);
	ask.form.bytes = bytes;
	for (size_t i = 0; i < f->form.length; i++)
	{
		static const uint8_t flips[] = {1, 0x80, 0xFF};

		for (int k = 0; k < 3; k++)
		{
			AugStatus status;

			memcpy(bytes, f->form.bytes, f->form.length);
			bytes[i] ^= flips[k];
			status = run(&h, &other, &ask, &g, &err);
			CHECK(status == AUG_OK || status == AUG_CORRUPT);
			aug_forecast_free(&h.host, g);
		}
	}
	free(bytes);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static double y[60];
	AugSeries s = {.n = 60, .y = y, .n_periods = 2, .period = {3, 10}};
	Ask ask = {arg, "auto", 3, AUG_KEEP_NOTHING, {NULL, 0}};
	AugForecast *f;
	AugStatus status;

	for (size_t t = 0; t < 60; t++)
		y[t] = t == 30 ? NAN : pattern(t, true);
	status = run(h, &s, &ask, &f, err);
	aug_forecast_free(&h->host, f);
	return status;
}

static void
failures(void)
{
	char trend[] = "auto";

	CHECK(unit_fail_each(one_run, trend) > 0);
	CHECK(unit_cancel_each(one_run, trend) > 0);
}

/* Constant, huge and tiny series end in some forecast. */
static void
extremes(void)
{
	static const double level[] = {0, 7, -3, 1e-300, 1e160, 1e300, -1.7e308};
	static double y[60];
	AugSeries s = {.n = 60, .y = y, .n_periods = 1, .period = {7}};
	Ask ask = {"auto", "auto", 9, AUG_KEEP_NOTHING, {NULL, 0}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (size_t k = 0; k < sizeof(level) / sizeof(level[0]); k++)
	{
		for (int varied = 0; varied < 2; varied++)
		{
			for (size_t t = 0; t < 60; t++)
				y[t] = varied && t % 3 == 0 ? level[k] * 0.5 : level[k];
			if (!CHECK(run(&h, &s, &ask, &f, &err) == AUG_OK))
				continue;
			for (int i = 0; i < 9; i++)
				CHECK(isfinite(f->mean[i]));
			if (!varied)
				CHECK_NEAR(f->mean[8], level[k], 1e-9);
			aug_forecast_free(&h.host, f);
		}
	}
	CHECK(h.live == 0);
}

static const UnitTest tests[] = {
	{"exact patterns", exact_patterns},
	{"transformation", transformation},
	{"gaps and refusals", gaps_and_refusals},
	{"inner options", inner_options},
	{"forms", forms},
	{"failures", failures},
	{"extremes", extremes},
};

UNIT_MAIN("mstl", tests);
