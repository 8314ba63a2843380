/*-------------------------------------------------------------------------
 *
 * test_combine.c
 *		Combinations, the automatic choice, and intervals that are calibrated.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/forecast/combine.h"
#include "../../src/core/forecast/rolling.h"
#include "../../src/core/special.h"

#define MOST 600

typedef struct Option
{
	const char *name, *value;
} Option;

static AugStatus
run(UnitHost *h, const AugSeries *s, const Option *options, AugKeep keep, AugSlice form,
	uint32_t horizon, AugForecast **out, AugError *err)
{
	static const double levels[] = {0.8, 0.95};
	AugParams *params;
	AugForecastOptions o = {0};
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	for (; options->name != NULL && status == AUG_OK; options++)
		status = aug_params_set(params, options->name, options->value, err);
	o.params = params;
	o.horizon = horizon;
	o.n_levels = 2;
	o.levels = levels;
	o.keep = keep;
	o.form = form;
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

/* Trend, season and noise that look random, and are the same everywhere. */
static void
fill(double *y, uint32_t n, uint32_t m)
{
	for (uint32_t t = 0; t < n; t++)
		y[t] = 50 + 0.1 * t + (m > 1 ? 8 * sin(6.283185307179586 * t / m) : 0) +
			   2 * sin(12.9898 * t * t);
}

static const AugSlice none = {NULL, 0};

/* Means, weights and medians are those of the members' own forecasts. */
static void
arithmetic(void)
{
	double y[60];
	AugSeries s = {.n = 60, .y = y};
	static const char *const names[] = {"naive", "drift", "mean"};
	static const Option mean[] = {{"method", "combination"},
								  {"members", "{\"naive\": 1, \"drift\": 2, \"mean\": 1}"},
								  {"intervals", "model"},
								  {NULL, NULL}};
	static const Option median[] = {{"method", "combination"},
									{"members", "{\"naive\": 1, \"drift\": 1, \"mean\": 1}"},
									{"combine", "median"},
									{NULL, NULL}};
	UnitHost h;
	AugForecast *f, *member[3];
	AugError err;

	unit_host(&h);
	fill(y, 60, 1);
	for (int i = 0; i < 3; i++)
	{
		Option one[] = {{"method", names[i]}, {"intervals", "model"}, {NULL, NULL}};

		CHECK(run(&h, &s, one, AUG_KEEP_NOTHING, none, 5, &member[i], &err) == AUG_OK);
	}
	CHECK(run(&h, &s, mean, AUG_KEEP_NOTHING, none, 5, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "mean of drift, mean, naive");
	for (int k = 0; k < 5; k++)
		CHECK_NEAR(f->mean[k],
				   (member[0]->mean[k] + 2 * member[1]->mean[k] + member[2]->mean[k]) / 4, 1e-13);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, median, AUG_KEEP_NOTHING, none, 5, &f, &err) == AUG_OK);
	for (int k = 0; k < 5; k++)
	{
		double a = member[0]->mean[k], b = member[1]->mean[k], c = member[2]->mean[k];

		CHECK_NEAR(f->mean[k], fmax(fmin(a, b), fmin(fmax(a, b), c)), 1e-13);
	}
	aug_forecast_free(&h.host, f);
	for (int i = 0; i < 3; i++)
		aug_forecast_free(&h.host, member[i]);
	CHECK(h.live == 0);
}

/* By error, the member that is right takes nearly all the weight. */
static void
by_error(void)
{
	double y[80];
	AugSeries s = {.n = 80, .y = y};
	static const Option options[] = {{"method", "combination"},
									 {"members", "{\"drift\": 1, \"mean\": 1}"},
									 {"combine", "error"},
									 {NULL, NULL}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (int t = 0; t < 80; t++)
		y[t] = 3.0 * t + 0.01 * sin(12.9898 * t * t);
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, 4, &f, &err) == AUG_OK);
	CHECK(fabs(f->mean[3] - 3.0 * 83) < 0.1);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
refusals(void)
{
	double y[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	AugSeries s = {.n = 10, .y = y};
	static const Option bad[][3] = {
		{{"method", "combination"}, {"members", "{\"ests\": 1}"}},
		{{"method", "combination"}, {"members", "{\"auto\": 1}"}},
		{{"method", "combination"}, {"members", "{\"combination\": 1}"}},
		{{"method", "combination"}, {"members", "{\"naive\": 0}"}}};
	static const Option season[] = {{"method", "combination"},
									{"members", "{\"naive\": 1, \"seasonal_naive\": 1}"},
									{NULL, NULL}};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (int i = 0; i < 4; i++)
		CHECK(run(&h, &s, bad[i], AUG_KEEP_NOTHING, none, 2, &f, &err) == AUG_INVALID);
	/* one that does not fit is left out and told */
	CHECK(run(&h, &s, season, AUG_KEEP_NOTHING, none, 2, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "naive");
	CHECK(strstr(f->warning, "left out: seasonal_naive") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* The average of ETS lies among its forms, and a kept form gives the same. */
static void
averaged_forms(void)
{
	static double y[MOST];
	static const Option average[] = {{"method", "ets_average"}, {NULL, NULL}};
	static const Option one[] = {
		{"method", "ets_average"}, {"ets_error", "additive"}, {"ets_trend", "none"}, {NULL, NULL}};
	static const Option same[] = {
		{"method", "ets"}, {"ets_error", "additive"}, {"ets_trend", "none"}, {NULL, NULL}};
	AugSeries s = {.n = 40, .y = y};
	UnitHost h;
	AugForecast *f, *again;
	AugError err;
	const AugForecaster *by = aug_forecaster_find("ets_average");

	unit_host(&h);
	fill(y, 40, 1);
	CHECK(by != NULL);
	CHECK(run(&h, &s, average, AUG_KEEP_NOTHING, none, 6, &f, &err) == AUG_OK);
	CHECK(strncmp(f->method, "ETS(", 4) == 0 && strstr(f->method, "forms)") != NULL);
	CHECK(run(&h, &s, average, AUG_KEEP_ALL, f->form, 6, &again, &err) == AUG_OK);
	CHECK_TEXT(again->method, f->method);
	for (int k = 0; k < 6; k++)
	{
		CHECK_NEAR(again->mean[k], f->mean[k], 1e-9);
		/* trends fade out: never beyond the next step of a straight line */
		CHECK(k == 0 || fabs(f->mean[k] - f->mean[k - 1]) < 1);
	}
	aug_forecast_free(&h.host, again);
	aug_forecast_free(&h.host, f);
	/* one form that is asked for is that form, but for the rougher search */
	CHECK(run(&h, &s, one, AUG_KEEP_NOTHING, none, 6, &f, &err) == AUG_OK);
	CHECK(run(&h, &s, same, AUG_KEEP_NOTHING, none, 6, &again, &err) == AUG_OK);
	CHECK_TEXT(f->method, "ETS(A,N,N)");
	CHECK_TEXT(f->method, again->method);
	for (int k = 0; k < 6; k++)
		CHECK_NEAR(f->mean[k], again->mean[k], 0.05);
	aug_forecast_free(&h.host, again);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* What auto takes, and that it says so; a stored form gives the same again. */
static void
automatic(void)
{
	static double y[MOST];
	static const Option options[] = {{"method", "auto"}, {NULL, NULL}};
	static const struct
	{
		uint32_t n, n_periods, period[2];
		const char *reason, *method;
	} cases[] = {{5, 0, {0}, "there are fewer than 6 values", "naive"},
				 {60, 1, {12}, "there is one season", "mean of ETS"},
				 {40, 0, {0}, "the series is short and without a season", "mean of ETS"},
				 {200, 0, {0}, "the series is long and without a season", "median of ETS"},
				 {20, 1, {12}, "the series is short and without a season", "mean of ETS"},
				 {200, 1, {52}, "the season is longer than 24 steps", "mean of MSTL"},
				 {400, 2, {7, 70}, "there are several seasons", "mean of MSTL"}};
	UnitHost h;
	AugForecast *f, *again;
	AugError err;

	unit_host(&h);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		AugSeries s = {.n = cases[i].n,
					   .y = y,
					   .n_periods = cases[i].n_periods,
					   .period = {cases[i].period[0], cases[i].period[1]}};

		fill(y, cases[i].n, cases[i].n_periods > 0 ? cases[i].period[0] : 1);
		if (!CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, 6, &f, &err) == AUG_OK))
			continue;
		CHECK_TEXT(f->reason, cases[i].reason);
		if (!CHECK(strncmp(f->method, cases[i].method, strlen(cases[i].method)) == 0))
			printf("%s\n", f->method);
		CHECK(run(&h, &s, options, AUG_KEEP_ALL, f->form, 6, &again, &err) == AUG_OK);
		for (int k = 0; k < 6; k++)
		{
			CHECK_NEAR(again->mean[k], f->mean[k], 1e-9);
			CHECK_NEAR(again->upper[6 + k], f->upper[6 + k], 1e-9);
		}
		aug_forecast_free(&h.host, again);
		aug_forecast_free(&h.host, f);
	}
	for (int t = 0; t < 50; t++)
		y[t] = t % 4 == 1 ? 3 + t % 5 : 0;
	CHECK(run(&h, &(AugSeries){.n = 50, .y = y}, options, AUG_KEEP_NOTHING, none, 3, &f, &err) ==
		  AUG_OK);
	CHECK_TEXT(f->reason, "more than 40 % of the values are 0");
	CHECK(f->mean[2] > 0.5 && f->mean[2] < 2);
	aug_forecast_free(&h.host, f);
	for (int t = 0; t < 50; t++)
		y[t] = 4;
	CHECK(run(&h, &(AugSeries){.n = 50, .y = y}, options, AUG_KEEP_NOTHING, none, 3, &f, &err) ==
		  AUG_OK);
	CHECK_TEXT(f->reason, "all values are the same");
	CHECK(f->mean[2] == 4 && f->lower[2] == 4 && f->upper[2] == 4);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* No byte of a stored form can do harm. */
static void
damaged_forms(void)
{
	double y[48];
	AugSeries s = {.n = 48, .y = y, .n_periods = 1, .period = {12}};
	static const Option options[] = {
		{"method", "combination"}, {"members", "{\"naive\": 1, \"dotm\": 1}"}, {NULL, NULL}};
	UnitHost h;
	AugForecast *f, *other;
	AugError err;
	uint8_t *bytes;

	unit_host(&h);
	fill(y, 48, 12);
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, 6, &f, &err) == AUG_OK);
	bytes = malloc(f->form.length);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < f->form.length; i++)
	{
		static const uint8_t flips[] = {1, 0x80, 0xFF, 0x40};
		AugStatus status;

		for (int v = 0; v < 4; v++)
		{
			memcpy(bytes, f->form.bytes, f->form.length);
			bytes[i] ^= flips[v];
			status = run(&h, &s, options, AUG_KEEP_ALL, (AugSlice){bytes, f->form.length}, 6,
						 &other, &err);
			CHECK(status == AUG_OK || status == AUG_CORRUPT || status == AUG_INVALID);
			aug_forecast_free(&h.host, other);
		}
		CHECK(run(&h, &s, options, AUG_KEEP_ALL, (AugSlice){f->form.bytes, i}, 6, &other, &err) ==
			  AUG_CORRUPT);
	}
	free(bytes);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* ---- intervals ------------------------------------------------------------------- */

/*
 * A random walk: naive's own variance is right, and calibration leaves it nearly so;
 * a series with a break of level late is told by wider intervals.
 */
static void
intervals(void)
{
	static double y[200];
	AugSeries s = {.n = 200, .y = y};
	static const Option model[] = {{"method", "naive"}, {"intervals", "model"}, {NULL, NULL}};
	static const Option calibrated[] = {
		{"method", "naive"}, {"intervals", "calibrated"}, {NULL, NULL}};
	static const Option mean_model[] = {{"method", "mean"}, {"intervals", "model"}, {NULL, NULL}};
	static const Option mean_calibrated[] = {{"method", "mean"}, {NULL, NULL}};
	UnitHost h;
	AugForecast *a, *b;
	AugError err;
	double walk = 0;

	unit_host(&h);
	for (int t = 0; t < 200; t++)
	{
		/* twelve sines of unrelated speed: nearly normal */
		for (int k = 1; k <= 12; k++)
			walk += 0.4 * sin(k * 12.9898 * t * t + k);
		y[t] = walk;
	}
	CHECK(run(&h, &s, model, AUG_KEEP_NOTHING, none, 10, &a, &err) == AUG_OK);
	CHECK(run(&h, &s, calibrated, AUG_KEEP_NOTHING, none, 10, &b, &err) == AUG_OK);
	for (int k = 0; k < 10; k++)
	{
		double ratio = (b->upper[10 + k] - b->mean[k]) / (a->upper[10 + k] - a->mean[k]);

		CHECK(b->mean[k] == a->mean[k]);
		CHECK(ratio > 0.6 && ratio < 1.7);
		CHECK(b->lower[10 + k] < b->lower[k] && b->upper[k] < b->upper[10 + k]);
	}
	aug_forecast_free(&h.host, a);
	aug_forecast_free(&h.host, b);
	for (int t = 0; t < 200; t++)
		y[t] = t < 100 ? sin(12.9898 * t * t) : 0.2 * (t - 100) + sin(12.9898 * t * t);
	CHECK(run(&h, &s, mean_model, AUG_KEEP_NOTHING, none, 10, &a, &err) == AUG_OK);
	CHECK(run(&h, &s, mean_calibrated, AUG_KEEP_NOTHING, none, 10, &b, &err) == AUG_OK);
	CHECK(b->upper[19] - b->mean[9] > 1.3 * (a->upper[19] - a->mean[9]));
	aug_forecast_free(&h.host, a);
	aug_forecast_free(&h.host, b);
	CHECK(h.live == 0);
}

static void
quantiles(void)
{
	static const double mean[] = {5};
	static const double variance[] = {4};
	double lower, upper;

	CHECK_NEAR(aug_normal_quantile(0.975), 1.959963984540054, 1e-14);
	CHECK_NEAR(aug_normal_quantile(1e-10), -6.361340902404056, 1e-12);
	aug_interval(mean, variance, 1, 0.95, HUGE_VAL, &lower, &upper);
	CHECK_NEAR(upper, 5 + 2 * 1.959963984540054, 1e-13);
	aug_interval(mean, variance, 1, 0.95, 10, &lower, &upper);
	CHECK_NEAR(lower, 5 - 2 * 2.22813885198627393, 1e-11);
	aug_interval(mean, variance, 1, 0.95, -4, &lower, &upper);
	CHECK_NEAR(upper, 5 + 2 * 3.182446305284263, 1e-10);
}

static const UnitTest tests[] = {
	{"arithmetic", arithmetic},			{"by error", by_error},	  {"refusals", refusals},
	{"averaged forms", averaged_forms}, {"automatic", automatic}, {"damaged forms", damaged_forms},
	{"intervals", intervals},			{"quantiles", quantiles},
};

UNIT_MAIN("combine", tests);
