/*-------------------------------------------------------------------------
 *
 * test_transform.c
 *		Option "transform" over any method, and bounds, rounding and fallbacks of run.c.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/forecast/decompose.h"

#define N 60

typedef struct Option
{
	const char *name, *value;
} Option;

static const AugSlice none = {NULL, 0};

static AugStatus
run(UnitHost *h, const AugSeries *s, const Option *options, AugKeep keep, AugSlice form,
	AugForecast **out, AugError *err)
{
	static const double levels[] = {0.8, 0.95};
	AugParams *params;
	AugForecastOptions o = {
		.horizon = 4, .n_levels = 2, .levels = levels, .keep = keep, .form = form};
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	for (; options->name != NULL && status == AUG_OK; options++)
		status = aug_params_set(params, options->name, options->value, err);
	o.params = params;
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

/* Growth with a season and noise that grow with it. */
static void
fill(double *y)
{
	for (int t = 0; t < N; t++)
		y[t] = 50 + t +
			   sqrt(50 + t) * (0.4 * sin(12.9898 * t * t) + sin(6.283185307179586 * t / 12));
}

/* The forecast of logarithms, its intervals mapped, for every kind of method. */
static void
logarithms(void)
{
	static const char *const methods[] = {"ets", "dotm", "drift", "arima", "auto", "combination"};
	double y[N], v[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 1, .period = {12}}, logs = s;
	UnitHost h;
	AugForecast *f, *g, *again;
	AugError err;

	unit_host(&h);
	fill(y);
	y[20] = NAN;
	for (int t = 0; t < N; t++)
		v[t] = log(y[t]);
	logs.y = v;
	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
	{
		Option options[] = {{"method", methods[i]}, {"transform", "log"}, {NULL, NULL}};
		Option plain[] = {{"method", methods[i]}, {NULL, NULL}};

		if (!CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK))
			continue;
		CHECK(run(&h, &logs, plain, AUG_KEEP_NOTHING, none, &g, &err) == AUG_OK);
		CHECK(run(&h, &s, options, AUG_KEEP_ALL, f->form, &again, &err) == AUG_OK);
		CHECK_TEXT(f->method, g->method);
		CHECK_TEXT(f->warning, "");
		for (int k = 0; k < 8; k++)
		{
			CHECK_NEAR(f->lower[k], exp(g->lower[k]), 1e-9);
			CHECK_NEAR(f->upper[k], exp(g->upper[k]), 1e-9);
			CHECK_NEAR(again->upper[k], f->upper[k], 1e-8);
			CHECK(k > 3 || fabs(f->mean[k] - exp(g->mean[k])) < 1e-9 * f->mean[k]);
		}
		CHECK_NEAR(f->fitted[40], exp(g->fitted[40]), 1e-9);
		/* on the scale of the values */
		CHECK(f->sigma > 1 && f->sigma < 20);
		aug_forecast_free(&h.host, f);
		aug_forecast_free(&h.host, g);
		aug_forecast_free(&h.host, again);
	}
	CHECK(h.live == 0);
}

/* lambda 1 shifts values by 1 and changes nothing, AICc included. */
static void
identity(void)
{
	static const Option plain[] = {{"method", "ets"}, {"ets_error", "additive"}, {NULL, NULL}};
	static const Option one[] = {
		{"method", "ets"}, {"ets_error", "additive"}, {"transform", "1"}, {NULL, NULL}};
	double y[N];
	AugSeries s = {.n = N, .y = y};
	UnitHost h;
	AugForecast *f, *g;
	AugError err;

	unit_host(&h);
	fill(y);
	CHECK(run(&h, &s, plain, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	CHECK(run(&h, &s, one, AUG_KEEP_NOTHING, none, &g, &err) == AUG_OK);
	CHECK_NEAR(f->mean[3], g->mean[3], 1e-3);
	CHECK(fabs(f->aicc - g->aicc) < 1e-3);
	aug_forecast_free(&h.host, f);
	aug_forecast_free(&h.host, g);
	CHECK(h.live == 0);
}

/* Guerrero's lambda: R's BoxCox.lambda(ts(y, frequency = 12), "guerrero", 0, 1). */
static void
guerrero(void)
{
	static const Option options[] = {{"method", "dotm"}, {"transform", "box_cox"}, {NULL, NULL}};
	static const Option short_of[] = {{"method", "naive"}, {"transform", "box_cox"}, {NULL, NULL}};
	double y[N], lambda;
	AugSeries s = {.n = N, .y = y, .n_periods = 1, .period = {12}};
	UnitHost h;
	AugArena arena;
	AugForecast *f, *again;
	AugError err;
	AugCast cast = {&h.host, &arena, NULL, 0, &err};

	unit_host(&h);
	aug_arena_init(&arena, &h.host);
	fill(y);
	CHECK(aug_guerrero(&cast, &s, &lambda) == AUG_OK);
	CHECK_NEAR(lambda, 0.3153523507, 1e-3);
	for (int t = 0; t < N; t++)
		y[t] = 7;
	CHECK(aug_guerrero(&cast, &s, &lambda) == AUG_OK && lambda == 1);
	aug_arena_free(&arena);
	fill(y);
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	/* a kept form keeps lambda, whatever the values would choose now */
	s.n = 40;
	CHECK(run(&h, &s, options, AUG_KEEP_ALL, f->form, &again, &err) == AUG_OK);
	CHECK(again->form.length == f->form.length &&
		  memcmp(again->form.bytes, f->form.bytes, f->form.length) == 0);
	aug_forecast_free(&h.host, again);
	((uint8_t *) (uintptr_t) f->form.bytes)[15] = 0x7f; /* lambda is huge */
	CHECK(run(&h, &s, options, AUG_KEEP_ALL, f->form, &again, &err) == AUG_CORRUPT);
	aug_forecast_free(&h.host, f);
	s.n = 1;
	CHECK(run(&h, &s, short_of, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	CHECK_NEAR(f->mean[0], y[0], 1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Values that cannot be transformed are forecast as they are, and that is told. */
static void
not_transformed(void)
{
	static const Option options[] = {{"method", "drift"}, {"transform", "log"}, {NULL, NULL}};
	static const Option high[] = {{"method", "drift"}, {"transform", "2"}, {NULL, NULL}};
	double y[N];
	AugSeries s = {.n = N, .y = y};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	fill(y);
	y[3] = 0;
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	CHECK_TEXT(f->warning, "values were not transformed: some are not above 0");
	CHECK_NEAR(f->mean[0], y[N - 1] + (y[N - 1] - y[0]) / (N - 1), 1e-12);
	aug_forecast_free(&h.host, f);
	y[3] = 1e300;
	CHECK(run(&h, &s, high, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	CHECK_TEXT(f->warning, "values were not transformed: some are too large");
	aug_forecast_free(&h.host, f);
	for (int t = 0; t < N; t++)
		y[t] = exp(11 * t); /* the line through the logarithms leaves what a double holds */
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	for (int k = 0; k < 4; k++)
		CHECK(isfinite(f->mean[k]));
	CHECK(f->fallback[0] == '\0' || strstr(f->fallback, "out of range") != NULL);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Whole numbers stay within the bounds that were asked for. */
static void
bounds(void)
{
	static const Option whole[] = {{"method", "mean"},
								   {"lower_bound", "8.5"},
								   {"upper_bound", "10.5"},
								   {"integer", "true"},
								   {NULL, NULL}};
	static const Option wrong[] = {
		{"method", "mean"}, {"lower_bound", "3"}, {"upper_bound", "2"}, {NULL, NULL}};
	static const Option narrow[] = {{"method", "mean"},
									{"lower_bound", "2.2"},
									{"upper_bound", "2.8"},
									{"integer", "true"},
									{NULL, NULL}};
	double y[N];
	AugSeries s = {.n = N, .y = y};
	UnitHost h;
	AugForecast *f;
	AugError err;

	unit_host(&h);
	for (int t = 0; t < N; t++)
		y[t] = t % 2 == 0 ? 2 : 30;
	CHECK(run(&h, &s, whole, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	for (int k = 0; k < 8; k++)
		CHECK(f->lower[k] == 9 && f->upper[k] == 10);
	CHECK(f->mean[0] == 10);
	aug_forecast_free(&h.host, f);
	CHECK(run(&h, &s, wrong, AUG_KEEP_NOTHING, none, &f, &err) == AUG_INVALID);
	CHECK_TEXT(err.message, "lower_bound is above upper_bound");
	CHECK(run(&h, &s, narrow, AUG_KEEP_NOTHING, none, &f, &err) == AUG_INVALID);
	CHECK_TEXT(err.message, "no whole number lies within the bounds");
	CHECK(h.live == 0);
}

/* A method that does not fit is neither tried nor told twice. */
static void
told_once(void)
{
	static const Option options[] = {{"method", "seasonal_naive"}, {NULL, NULL}};
	double y[N];
	AugSeries s = {.n = 5, .y = y};
	UnitHost h;
	AugForecast *f;
	AugError err;
	const char *first;

	unit_host(&h);
	fill(y);
	CHECK(run(&h, &s, options, AUG_KEEP_NOTHING, none, &f, &err) == AUG_OK);
	CHECK_TEXT(f->method, "naive");
	first = strstr(f->fallback, "seasonal_naive");
	CHECK(first != NULL && strstr(first + 1, "seasonal_naive") == NULL);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static AugStatus
once(UnitHost *h, void *arg, AugError *err)
{
	static const Option options[] = {{"method", "dotm"}, {"transform", "box_cox"}, {NULL, NULL}};
	double y[N];
	AugSeries s = {.n = N, .y = y, .n_periods = 1, .period = {12}};
	AugForecast *f;
	AugStatus status;

	(void) arg;
	fill(y);
	status = run(h, &s, options, AUG_KEEP_NOTHING, none, &f, err);
	if (status == AUG_OK)
		aug_forecast_free(&h->host, f);
	return status;
}

static void
failures(void)
{
	CHECK(unit_fail_each(once, NULL) > 0);
}

static const UnitTest tests[] = {
	{"logarithms", logarithms}, {"identity", identity},
	{"guerrero", guerrero},		{"not transformed", not_transformed},
	{"bounds", bounds},			{"told once", told_once},
	{"failures", failures},
};

UNIT_MAIN("transform", tests);
