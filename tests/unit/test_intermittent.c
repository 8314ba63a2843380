/*
 * Intermittent demand: statsforecast's and R's figures (tests/data/make_intermittent_golden.py),
 * classes by hand, forms that are kept or damaged, extreme series, failures.
 */
#include "unit.h"

#include "../../src/core/forecast/forecast.h"

#define ROOM  200
#define STEPS 5

static const char golden[] = "intermittent_golden.txt";
static const char *const methods[] = {"croston", "sba", "tsb", "adida"};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static AugStatus
run(UnitHost *h, const AugSeries *s, const char *method, AugKeep keep, AugSlice form,
	AugForecast **out, AugError *err)
{
	static const double levels[] = {0.95};
	AugForecastOptions o = {
		.horizon = STEPS, .n_levels = 1, .levels = levels, .keep = keep, .form = form};
	AugParams *params;
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	status = aug_params_set(params, "method", method, err);
	o.params = params;
	if (status == AUG_OK)
		status = aug_forecast_run(&h->host, s, &o, out, err);
	aug_params_free(params);
	return status;
}

static AugForecast *
made(UnitHost *h, const double *y, size_t n, const char *method)
{
	AugSeries s = {.n = n, .y = y};
	AugForecast *f;
	AugError err;

	CHECK(run(h, &s, method, AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f, &err) == AUG_OK);
	return f;
}

static void
equal_peers(void)
{
	static const char *const names[] = {"sparse", "often", "lumpy", "ending",
										"full",	  "late",  "two"};
	double y[ROOM], peer, r;
	UnitHost h;

	unit_host(&h);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		size_t n = unit_golden(golden, names[i], "y", y, ROOM);

		for (size_t m = 0; m < N_METHODS; m++)
		{
			AugForecast *f = made(&h, y, n, methods[m]);

			unit_golden(golden, names[i], methods[m], &peer, 1);
			/* with two blocks ADIDA's alpha is free: by hand below */
			if (m != 3)
				CHECK_NEAR(f->mean[0], peer, 1e-12);
			else if (strcmp(names[i], "two") != 0)
				CHECK_NEAR(f->mean[0], peer, 1e-6);
			CHECK(f->mean[STEPS - 1] == f->mean[0]);
			CHECK_TEXT(f->fallback, "");
			if (m == 0)
			{
				unit_golden(golden, names[i], "r_croston", &r, 1);
				CHECK_NEAR(f->mean[0], r, 1e-12);
			}
			aug_forecast_free(&h.host, f);
		}
	}
	CHECK(h.live == 0);
}

/* What the method says of the variance of step STEPS. */
static double
model_variance(UnitHost *h, const double *y, size_t n, const char *method)
{
	const AugForecaster *by = aug_forecaster_find(method);
	double mean[STEPS], variance[STEPS];
	AugFitted fitted = {.by = by};
	AugSeries s = {.n = n, .y = y};
	AugArena arena;
	AugError err;
	AugCast cast = {.host = &h->host, .arena = &arena, .err = &err};

	aug_arena_init(&arena, &h->host);
	CHECK(by->fit(&cast, &s, NULL, AUG_KEEP_NOTHING, &fitted) == AUG_OK);
	CHECK(by->forecast(&cast, &s, &fitted, STEPS, mean, variance) == AUG_OK);
	aug_arena_free(&arena);
	return variance[STEPS - 1];
}

/* 2 at steps 2 and 4, then 6 at step 8: sizes 2, 2, 2.4; intervals 2, 2, 2.2. */
static void
by_hand(void)
{
	static const double y[] = {0, 2, 0, 2, 0, 0, 0, 6};
	double sum = 0, variance;
	UnitHost h;
	AugForecast *f;

	unit_host(&h);
	f = made(&h, y, 8, "croston");
	CHECK_NEAR(f->mean[0], 2.4 / 2.2, 1e-15);
	CHECK(isnan(f->fitted[0]) && isnan(f->fitted[1]));
	CHECK_NEAR(f->fitted[2], 1, 1e-15);
	CHECK_NEAR(f->fitted[7], 1, 1e-15);
	for (size_t t = 2; t < 8; t++)
		sum += (y[t] - f->fitted[t]) * (y[t] - f->fitted[t]);
	CHECK_NEAR(f->sigma * f->sigma, sum / 4, 1e-14);
	aug_forecast_free(&h.host, f);
	variance = model_variance(&h, y, 8, "croston");
	CHECK_NEAR(variance, sum / 4 * 1.04, 1e-14);
	f = made(&h, y, 8, "sba");
	CHECK_NEAR(f->mean[0], 0.95 * 2.4 / 2.2, 1e-15);
	aug_forecast_free(&h.host, f);
	/* mean interval 8 / 3: blocks of 3 from the end, (0 2) 0 2 0 | 0 0 6: sums 2 and 6, alpha is
	 * anything from 0.1 to 0.3 */
	f = made(&h, y, 8, "adida");
	CHECK_TEXT(f->method, "ADIDA(3)");
	CHECK(f->mean[0] >= (2 + 0.1 * 4) / 3 - 1e-12 && f->mean[0] <= (2 + 0.3 * 4) / 3 + 1e-12);
	CHECK(isnan(f->fitted[4]) && fabs(f->fitted[5] - 2.0 / 3) < 1e-15);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
classes(void)
{
	static const double smooth[] = {5, 6, 5, 4, 5, 6};
	static const double erratic[] = {1, 20, 1, 1, 30, 2};
	static const double sparse[] = {0, 0, 4, 0, NAN, 5, 0};
	static const double lumpy[] = {0, 1, 0, 0, 40, 0, 1};
	static const double negative[] = {0, 1, -1};
	double adi, cv2;

	CHECK(aug_demand_class(smooth, 6, &adi, &cv2) == AUG_DEMAND_SMOOTH);
	CHECK_NEAR(adi, 1, 0);
	CHECK(aug_demand_class(erratic, 6, &adi, &cv2) == AUG_DEMAND_ERRATIC);
	CHECK(aug_demand_class(sparse, 7, &adi, &cv2) == AUG_DEMAND_INTERMITTENT);
	CHECK_NEAR(adi, 3, 0);
	CHECK_NEAR(cv2, 0.5 / (4.5 * 4.5), 1e-15);
	CHECK(aug_demand_class(lumpy, 7, &adi, &cv2) == AUG_DEMAND_LUMPY);
	CHECK(aug_demand_class(negative, 3, &adi, &cv2) == AUG_DEMAND_NONE);
	CHECK(aug_demand_class(sparse, 2, &adi, &cv2) == AUG_DEMAND_NONE);
	CHECK(isnan(adi) && isnan(cv2));
	CHECK(aug_demand_class(smooth, 0, &adi, &cv2) == AUG_DEMAND_NONE);
}

static void
forms(void)
{
	double y[ROOM];
	size_t n = unit_golden(golden, "lumpy", "y", y, ROOM);
	AugSeries s = {.n = n, .y = y};
	UnitHost h;
	AugForecast *f, *again;
	AugError err;

	unit_host(&h);
	for (size_t m = 0; m < N_METHODS; m++)
	{
		s.n = n;
		f = made(&h, y, n, methods[m]);
		CHECK(run(&h, &s, methods[m], AUG_KEEP_ALL, f->form, &again, &err) == AUG_OK);
		CHECK(again->mean[0] == f->mean[0] && again->upper[2] == f->upper[2]);
		aug_forecast_free(&h.host, again);
		CHECK(run(&h, &s, methods[m], AUG_KEEP_FORM, f->form, &again, &err) == AUG_OK);
		CHECK(again->mean[0] == f->mean[0]);
		aug_forecast_free(&h.host, again);
		/* a form of a long series on a very short one, and every damaged byte */
		s.n = 2;
		CHECK(run(&h, &s, methods[m], AUG_KEEP_FORM, f->form, &again, &err) == AUG_OK);
		aug_forecast_free(&h.host, again);
		s.n = n;
		for (size_t i = 0; i < f->form.length; i++)
		{
			uint8_t *bytes = malloc(f->form.length);
			AugStatus status;

			memcpy(bytes, f->form.bytes, f->form.length);
			bytes[i] ^= 0xff;
			status = run(&h, &s, methods[m], AUG_KEEP_ALL, (AugSlice){bytes, f->form.length},
						 &again, &err);
			CHECK(status == AUG_OK || status == AUG_CORRUPT);
			aug_forecast_free(&h.host, again);
			free(bytes);
		}
		aug_forecast_free(&h.host, f);
	}
	CHECK(h.live == 0);
}

static void
extremes(void)
{
	static const double zero[12] = {0};
	static const double one[] = {0, 0, 7};
	static const double gaps[] = {NAN, 0, 3, NAN, 0, 3, 0, NAN, 3, NAN};
	static const double packed[] = {0, 3, 0, 3, 0, 3};
	static const double negative[] = {1, -1, 2};
	static const double huge[] = {0, 1e307, 0, 0, 1e307, 0};
	static const double tiny[] = {0, 5e-324, 0, 0, 5e-324};
	UnitHost h;

	unit_host(&h);
	for (size_t m = 0; m < N_METHODS; m++)
	{
		AugForecast *f = made(&h, zero, 12, methods[m]), *other;

		CHECK(f->mean[0] == 0 && f->lower[0] == 0 && f->upper[STEPS - 1] == 0);
		aug_forecast_free(&h.host, f);
		f = made(&h, one, 3, methods[m]);
		CHECK(f->mean[0] > 0 && f->mean[0] <= 7);
		aug_forecast_free(&h.host, f);
		f = made(&h, one, 1, methods[m]);
		CHECK(f->mean[0] == 0);
		aug_forecast_free(&h.host, f);
		f = made(&h, gaps, 10, methods[m]);
		other = made(&h, packed, 6, methods[m]);
		CHECK(f->mean[0] == other->mean[0]);
		CHECK(f->fitted[8] == other->fitted[5]);
		aug_forecast_free(&h.host, other);
		aug_forecast_free(&h.host, f);
		f = made(&h, negative, 3, methods[m]);
		CHECK_TEXT(f->method, "naive");
		CHECK(strstr(f->fallback, "never negative") != NULL);
		aug_forecast_free(&h.host, f);
		f = made(&h, huge, 6, methods[m]);
		CHECK(isfinite(f->mean[0]));
		aug_forecast_free(&h.host, f);
		f = made(&h, tiny, 5, methods[m]);
		CHECK(f->mean[0] >= 0);
		aug_forecast_free(&h.host, f);
	}
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static const double y[] = {0, 3, 0, NAN, 5, 0, 0, 2, 0, 1};
	AugSeries s = {.n = 10, .y = y};
	AugForecast *f;
	AugStatus status = run(h, &s, arg, AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f, err);

	aug_forecast_free(&h->host, f);
	return status;
}

static void
failures(void)
{
	for (size_t m = 0; m < N_METHODS; m++)
	{
		char name[16];

		snprintf(name, sizeof(name), "%s", methods[m]);
		CHECK(unit_fail_each(one_run, name) > 0);
		unit_cancel_each(one_run, name);
	}
}

static const UnitTest tests[] = {
	{"equal peers", equal_peers}, {"by hand", by_hand},	  {"classes", classes}, {"forms", forms},
	{"extremes", extremes},		  {"failures", failures},
};

UNIT_MAIN("intermittent", tests);
