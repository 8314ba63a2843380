/*
 * Forecasting: the way from values to a forecast, the naive methods, fallbacks, forms, errors.
 */
#include "unit.h"

static AugStatus
run(UnitHost *h, const AugSeries *s, const char *method, uint32_t horizon, AugForecast **out,
	AugError *err)
{
	static const double levels[] = {0.8, 0.95};
	AugParams *params;
	AugForecastOptions o = {0};
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	status = aug_params_set(params, "method", method, err);
	if (status == AUG_OK)
		status = aug_params_set(params, "intervals", "model", err);
	o.params = params;
	o.horizon = horizon;
	o.n_levels = 2;
	o.levels = levels;
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

static void
naive_methods(void)
{
	static const double y[] = {1, 3, 2, 4, 3, 5, 4, NAN};
	AugSeries s = {.n = 8, .y = y, .n_periods = 1, .period = {2}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	CHECK(run(&h, &s, "naive", 3, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[2], 4, 0);
	CHECK(f->n_observed == 7);
	CHECK_TEXT(f->fallback, "");
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "seasonal_naive", 3, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[0], 4, 0);
	CHECK_NEAR(f->mean[1], 5, 0);
	CHECK_NEAR(f->mean[2], 4, 0);
	/* all differences at lag 2 are 1: the variance of one cycle is 1, of two 2 */
	CHECK_NEAR(f->upper[3 + 0] - f->mean[0], 1.959963984540054, 1e-12);
	CHECK_NEAR(f->upper[3 + 2] - f->mean[2], 1.959963984540054 * sqrt(2), 1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "drift", 2, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[1], 4 + 3 * 0.5, 1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "mean", 2, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[1], 22.0 / 7, 1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
fallbacks(void)
{
	static const double y[] = {NAN, NAN, 7};
	AugSeries s = {.n = 3, .y = y, .n_periods = 1, .period = {12}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	CHECK(run(&h, &s, "seasonal_naive", 2, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "naive");
	CHECK(strstr(f->fallback, "needs a full season") != NULL);
	CHECK_NEAR(f->mean[1], 7, 0);
	aug_forecast_free(&h.host, f);
	s.n = 2;
	CHECK(run(&h, &s, "naive", 2, &f, &err) == AUG_OK);
	CHECK(isnan(f->mean[0]));
	CHECK_TEXT(f->fallback, "the series has no values");
	aug_forecast_free(&h.host, f);
	s.n = 0;
	CHECK(run(&h, &s, "naive", 2, &f, &err) == AUG_OK);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, "naive", AUG_MAX_HORIZON + 1, &f, &err) == AUG_INVALID);
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static const double y[] = {1, 3, 2, 4, NAN, 5};
	AugSeries s = {.n = 6, .y = y, .n_periods = 1, .period = {2}};
	AugForecast *f;
	AugStatus status = run(h, &s, arg, 3, &f, err);

	aug_forecast_free(&h->host, f);
	return status;
}

/* Every method survives every failing allocation and every stop. */
static void
failures(void)
{
	for (uint32_t i = 0; i < aug_forecast_method_count(); i++)
	{
		char name[64];

		snprintf(name, sizeof(name), "%s", aug_forecast_method_at(i)->name);
		CHECK(unit_fail_each(one_run, name) > 0);
		unit_cancel_each(one_run, name);
	}
}

/* An option that the method at work does not look at is an error, not ignored. */
static void
unused_options(void)
{
	static const double y[] = {1, 3, 2, 4};
	static const double level = 0.9;
	AugSeries s = {.n = 4, .y = y};
	AugForecastOptions o = {.horizon = 2, .n_levels = 1, .levels = &level};
	UnitHost h;
	AugParams *params;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	CHECK(aug_params_new(&h.host, aug_forecast_about(), &params, &err) == AUG_OK);
	o.params = params;
	CHECK(aug_params_set(params, "method", "naive2", &err) == AUG_OK);
	CHECK(aug_params_set(params, "arima_p", "2", &err) == AUG_OK);
	CHECK(aug_forecast_run(&h.host, &s, &o, &f, &err) == AUG_INVALID);
	CHECK(strstr(err.message, "arima_p") != NULL && strstr(err.message, "naive2") != NULL);
	CHECK(aug_params_set(params, "arima_p", "auto", &err) == AUG_OK); /* the default is no wish */
	CHECK(aug_params_set(params, "upper_bound", "3", &err) == AUG_OK);
	CHECK(aug_forecast_run(&h.host, &s, &o, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[0], 3, 0);
	aug_forecast_free(&h.host, f);
	aug_params_free(params);
	CHECK(h.live == 0);
}

static void
accuracy(void)
{
	static const double actual[] = {10, 0, NAN, 20};
	static const double mean[] = {12, 0, 5, 15};
	static const double lower[] = {11, -1, 0, 10};
	static const double upper[] = {13, 1, 9, 18};
	static const double y[] = {1, 2, 4, NAN, 5, 7};
	AugAccuracy a;

	CHECK_NEAR(aug_scale_absolute(y, 6, 1), 5.0 / 3, 1e-15);
	CHECK_NEAR(aug_scale_squared(y, 6, 1), 3, 1e-15);
	CHECK(isnan(aug_scale_absolute(y, 1, 1)));
	aug_forecast_accuracy(actual, mean, lower, upper, 0.8, 4, 2, 4, &a);
	CHECK(a.n == 3);
	CHECK_NEAR(a.smape, (400.0 / 22 + 0 + 1000.0 / 35) / 3, 1e-14);
	CHECK_NEAR(a.mape, (20.0 + 25.0) / 2, 1e-14);
	CHECK_NEAR(a.mase, 7.0 / 3 / 2, 1e-15);
	CHECK_NEAR(a.rmsse, sqrt(29.0 / 3 / 4), 1e-15);
	CHECK_NEAR(a.coverage, 1.0 / 3, 1e-15);
	CHECK_NEAR(a.msis, (2 + 10 * 1 + 2 + 8 + 10 * 2) / 3.0 / 2, 1e-14);
}

static const UnitTest tests[] = {
	{"naive methods", naive_methods},	{"fallbacks", fallbacks}, {"failures", failures},
	{"unused options", unused_options}, {"accuracy", accuracy},
};

UNIT_MAIN("forecast", tests);
