/*
 * The classical methods: R's figures (tests/data/make_forecast_golden.R), identities, forms that
 * are kept or damaged, extreme series.
 */
#include <complex.h>

#include "unit.h"

#include "../../src/core/forecast/forecast.h"

#define ROOM  200
#define STEPS 12

static const char golden[] = "forecast_golden.txt";
static const char *const classical[] = {"naive2", "ses", "holt",  "damped",
										"comb",	  "ces", "theta", "dotm"};
#define N_CLASSICAL (sizeof(classical) / sizeof(classical[0]))

typedef struct Case
{
	double y[ROOM];
	AugSeries series;
} Case;

static void
load(const char *name, Case *c)
{
	double period;

	memset(c, 0, sizeof(*c));
	c->series.n = unit_golden(golden, name, "y", c->y, ROOM);
	c->series.y = c->y;
	unit_golden(golden, name, "period", &period, 1);
	c->series.n_periods = period > 1 ? 1 : 0;
	c->series.period[0] = (uint32_t) period;
}

/* name: of an option, or NULL */
static AugStatus
run_option(UnitHost *h, const AugSeries *s, const char *method, const char *name, const char *value,
		   AugKeep keep, AugSlice form, AugForecast **out)
{
	static const double levels[] = {0.95};
	AugForecastOptions o = {
		.horizon = STEPS, .n_levels = 1, .levels = levels, .keep = keep, .form = form};
	AugParams *params;
	AugError err;
	AugStatus status = aug_params_new(&h->host, aug_forecast_about(), &params, &err);

	CHECK(status == AUG_OK);
	CHECK(aug_params_set(params, "method", method, &err) == AUG_OK);
	CHECK(aug_params_set(params, "intervals", "model", &err) == AUG_OK);
	if (name != NULL)
		CHECK(aug_params_set(params, name, value, &err) == AUG_OK);
	o.params = params;
	status = aug_forecast_run(&h->host, s, &o, out, &err);
	aug_params_free(params);
	return status;
}

static AugStatus
run(UnitHost *h, const AugSeries *s, const char *method, AugKeep keep, AugSlice form,
	AugForecast **out)
{
	return run_option(h, s, method, NULL, NULL, keep, form, out);
}

/* With the form's codes and values given: what the method makes of them. */
static AugForecast *
with_form(UnitHost *h, const AugSeries *s, const char *method, const int32_t codes[5],
		  const double *values, uint32_t n)
{
	AugFitted fitted = {.by = aug_forecaster_find(method)};
	AugForecast *f = NULL;
	AugWriter w;

	for (int i = 0; i < 5; i++)
		fitted.form.code[i] = codes[i];
	fitted.form.n_values = n;
	fitted.form.values = (double *) (uintptr_t) values;
	aug_writer_init(&w, &h->host);
	aug_form_write(&w, &fitted);
	CHECK(run(h, s, method, AUG_KEEP_ALL, (AugSlice){w.bytes, w.length}, &f) == AUG_OK);
	aug_writer_free(&w);
	return f;
}

/* The same without codes. */
static AugForecast *
with_values(UnitHost *h, const AugSeries *s, const char *method, const double *values, uint32_t n)
{
	static const int32_t none[5] = {0, 0, 0, 0, 0};

	return with_form(h, s, method, none, values, n);
}

static double
sum_squares(const AugSeries *s, const AugForecast *f)
{
	double sum = 0;

	for (size_t t = 0; t < s->n; t++)
	{
		if (!isnan(f->fitted[t]))
			sum += (s->y[t] - f->fitted[t]) * (s->y[t] - f->fitted[t]);
	}
	return sum;
}

/* what: prefix of the golden lines; the series has no season. */
static void
check_golden(const char *name, const char *method, uint32_t n_par)
{
	Case c;
	UnitHost h;
	AugForecast *f;
	char what[64];
	double par[5], mean[STEPS], fitted[ROOM];
	double ours, theirs;

	unit_host(&h);
	load(name, &c);
	snprintf(what, sizeof(what), "%s_par", method);
	unit_golden(golden, name, what, par, 5);
	snprintf(what, sizeof(what), "%s_mean", method);
	unit_golden(golden, name, what, mean, STEPS);
	snprintf(what, sizeof(what), "%s_fitted", method);
	unit_golden(golden, name, what, fitted, ROOM);
	/* with R's parameters: the same to rounding */
	f = with_values(&h, &c.series, method, par, n_par);
	for (size_t t = 0; t < c.series.n; t++)
		CHECK_NEAR(f->fitted[t], fitted[t], 1e-11);
	for (size_t i = 0; i < STEPS; i++)
		CHECK_NEAR(f->mean[i], mean[i], 1e-11);
	theirs = sum_squares(&c.series, f);
	aug_forecast_free(&h.host, f);
	/* estimated: not worse than R's optimum, and near it */
	CHECK(run(&h, &c.series, method, AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
	ours = sum_squares(&c.series, f);
	CHECK(ours <= theirs * (1 + 1e-6)); /* alpha is at its bound within 1e-7 */
	CHECK_NEAR(ours, theirs, 1e-2);
	for (size_t i = 0; i < STEPS; i++)
		CHECK_NEAR(f->mean[i], mean[i], 1e-2);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

static void
golden_smoothing(void)
{
	Case c;
	UnitHost h;
	AugForecast *f;
	double upper[STEPS], mean[STEPS];

	check_golden("plain", "ses", 2);
	check_golden("negative", "ses", 2);
	check_golden("plain", "holt", 5);
	check_golden("negative", "holt", 5);
	check_golden("plain", "damped", 5);
	check_golden("negative", "damped", 5);
	check_golden("plain", "theta", 4);
	check_golden("negative", "theta", 4);
	unit_host(&h);
	load("plain", &c);
	unit_golden(golden, "plain", "ses_upper95", upper, STEPS);
	CHECK(run(&h, &c.series, "ses", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
	for (size_t i = 0; i < STEPS; i++)
		CHECK_NEAR(f->upper[i], upper[i], 1e-3);
	aug_forecast_free(&h.host, f);
	for (int k = 0; k < 2; k++)
	{
		const char *name = k == 0 ? "monthly" : "quarterly";

		load(name, &c);
		unit_golden(golden, name, "ses_adjusted_mean", mean, STEPS);
		CHECK(run(&h, &c.series, "ses", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
		for (size_t i = 0; i < STEPS; i++)
			CHECK_NEAR(f->mean[i], mean[i], 2e-3);
		aug_forecast_free(&h.host, f);
	}
	CHECK(h.live == 0);
}

/* Widths of intervals relative to the first step's, with R's parameters. */
static void
golden_widths(void)
{
	static const char *const methods[] = {"holt", "damped"};

	for (int k = 0; k < 2; k++)
	{
		Case c;
		UnitHost h;
		AugForecast *f;
		char what[64];
		double par[5], width[STEPS];

		unit_host(&h);
		load("plain", &c);
		snprintf(what, sizeof(what), "%s_par", methods[k]);
		unit_golden(golden, "plain", what, par, 5);
		snprintf(what, sizeof(what), "%s_width95", methods[k]);
		unit_golden(golden, "plain", what, width, STEPS);
		f = with_values(&h, &c.series, methods[k], par, 5);
		for (int i = 0; i < STEPS; i++)
			CHECK_NEAR((f->upper[i] - f->mean[i]) / (f->upper[0] - f->mean[0]), width[i], 1e-9);
		aug_forecast_free(&h.host, f);
		CHECK(h.live == 0);
	}
}

/* Comb is the mean of the three. */
static void
comb_is_mean(void)
{
	static const char *const parts[] = {"ses", "holt", "damped"};
	double sum[STEPS] = {0};
	Case c;
	UnitHost h;
	AugForecast *f;

	unit_host(&h);
	load("quarterly", &c);
	for (int k = 0; k < 3; k++)
	{
		CHECK(run(&h, &c.series, parts[k], AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
		for (int i = 0; i < STEPS; i++)
			sum[i] += f->mean[i];
		aug_forecast_free(&h.host, f);
	}
	CHECK(run(&h, &c.series, "comb", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
	for (int i = 0; i < STEPS; i++)
		CHECK_NEAR(f->mean[i], sum[i] / 3, 1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Hyndman, Billah 2003: exponential smoothing of y itself with half the slope as drift. */
static void
theta_is_drift(void)
{
	static const double alpha = 0.3, start = 180;
	double values[4] = {0.3, 0, 150, 1.25}, level = start;
	Case c;
	UnitHost h;
	AugForecast *f;

	unit_host(&h);
	load("plain", &c);
	/* the line smoothed from its own first value stays behind it by (1 - (1-a)^n)/a slopes */
	values[1] = 2 * start - values[2];
	f = with_values(&h, &c.series, "theta", values, 4);
	for (size_t t = 0; t < c.series.n; t++)
		level += alpha * (c.y[t] - level);
	for (int i = 0; i < STEPS; i++)
		CHECK_NEAR(f->mean[i],
				   level + 1.25 / 2 * (i + (1 - pow(1 - alpha, (double) c.series.n)) / alpha),
				   1e-12);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* Least squares line through y[0..n): its value at 0 and slope, positions from 1. */
static void
plain_line(const double *y, size_t n, double *a, double *b)
{
	double mt = ((double) n + 1) / 2, my = 0, ty = 0, tt = 0;

	*a = *b = 0;
	if (n == 0)
		return;
	for (size_t t = 0; t < n; t++)
		my += y[t] / (double) n;
	for (size_t t = 0; t < n; t++)
	{
		ty += ((double) t + 1 - mt) * (y[t] - my);
		tt += ((double) t + 1 - mt) * ((double) t + 1 - mt);
	}
	*b = n > 1 ? ty / tt : 0;
	*a = my - *b * mt;
}

/* The model by its definition, each line fitted anew: forecasts of y[0 .. n + STEPS); values
 * beyond n become their forecasts, with shock added at step n. */
static void
plain_dotm(double *y, size_t n, double alpha, double w, double start, double shock, double *f)
{
	double level = start;

	for (size_t t = 0; t < n + STEPS; t++)
	{
		double a, b, p = pow(1 - alpha, (double) t);

		plain_line(y, t, &a, &b);
		f[t] = level + w * (p * a + (1 - p * (1 - alpha)) / alpha * b);
		if (t >= n)
			y[t] = f[t] + (t == n ? shock : 0);
		level = alpha * y[t] + (1 - alpha) * level;
	}
}

static void
dotm_by_definition(void)
{
	static const double values[3] = {0.35, 0.6, 205};
	double expected[ROOM + STEPS], shocked[ROOM + STEPS], sigma2;
	Case c;
	UnitHost h;
	AugForecast *f;

	unit_host(&h);
	load("plain", &c);
	f = with_values(&h, &c.series, "dotm", values, 3);
	plain_dotm(c.y, c.series.n, values[0], values[1], values[2], 0, expected);
	CHECK(isnan(f->fitted[1]));
	for (size_t t = 2; t < c.series.n; t++)
		CHECK_NEAR(f->fitted[t], expected[t], 1e-11);
	for (size_t i = 0; i < STEPS; i++)
		CHECK_NEAR(f->mean[i], expected[c.series.n + i], 1e-11);
	/* two steps ahead: the second's variance is 1 + (response to a shock at the first)^2 */
	plain_dotm(c.y, c.series.n, values[0], values[1], values[2], 1, shocked);
	sigma2 = (f->upper[0] - f->mean[0]) * (f->upper[0] - f->mean[0]);
	CHECK_NEAR((f->upper[1] - f->mean[1]) * (f->upper[1] - f->mean[1]) / sigma2,
			   1 + pow(shocked[c.series.n + 1] - expected[c.series.n + 1], 2), 1e-9);
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* No point of a grid over the three parameters is better than the estimate. */
static void
dotm_is_least(void)
{
	static const char *const names[] = {"plain", "negative"};

	for (int k = 0; k < 2; k++)
	{
		Case c;
		UnitHost h;
		AugForecast *best, *f;
		double least, worst = 0, spread;

		unit_host(&h);
		load(names[k], &c);
		CHECK(run(&h, &c.series, "dotm", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &best) == AUG_OK);
		least = sum_squares(&c.series, best);
		spread = fabs(c.y[0] - c.y[1]) + 5;
		for (int i = 0; i < 10 * 6 * 9; i++)
		{
			double values[3] = {0.1 + 0.0989 * (i % 10), 0.2 * (i / 10 % 6),
								c.y[0] + spread * (i / 60 - 4)};
			double sum;

			f = with_values(&h, &c.series, "dotm", values, 3);
			sum = sum_squares(&c.series, f);
			CHECK(least <= sum * (1 + 1e-9));
			worst = fmax(worst, sum);
			aug_forecast_free(&h.host, f);
		}
		CHECK(worst > least);
		aug_forecast_free(&h.host, best);
		CHECK(h.live == 0);
	}
}

static void
golden_holt_winters(void)
{
	static const char *const names[] = {"monthly", "quarterly"};
	static const char *const kinds[] = {"additive", "multiplicative"};

	for (int k = 0; k < 4; k++)
	{
		const char *name = names[k / 2];
		int32_t codes[5] = {0, 0, k % 2 + 1, 0, k < 2 ? 12 : 4};
		double par[6 + 12], mean[STEPS], fitted[ROOM], width[STEPS];
		char what[64];
		Case c;
		UnitHost h;
		AugForecast *f, *own;

		unit_host(&h);
		load(name, &c);
		snprintf(what, sizeof(what), "hw_%s_par", kinds[k % 2]);
		unit_golden(golden, name, what, par, 18);
		snprintf(what, sizeof(what), "hw_%s_mean", kinds[k % 2]);
		unit_golden(golden, name, what, mean, STEPS);
		snprintf(what, sizeof(what), "hw_%s_fitted", kinds[k % 2]);
		unit_golden(golden, name, what, fitted, ROOM);
		snprintf(what, sizeof(what), "hw_%s_width95", kinds[k % 2]);
		unit_golden(golden, name, what, width, STEPS);
		f = with_form(&h, &c.series, "holt_winters", codes, par, 6 + (uint32_t) codes[4]);
		CHECK_TEXT(f->fallback, "");
		for (size_t t = 0; t < c.series.n; t++)
			CHECK_NEAR(f->fitted[t], fitted[t], 1e-11);
		/* R gives the mean of a product of states where this is the product of the means */
		for (int i = 0; i < STEPS; i++)
		{
			CHECK_NEAR(f->mean[i], mean[i], k % 2 == 0 ? 1e-11 : 2e-5);
			CHECK_NEAR((f->upper[i] - f->mean[i]) / (f->upper[0] - f->mean[0]), width[i],
					   k % 2 == 0 ? 1e-8 : 2e-3);
		}
		/* estimated with the first season fixed: the likelihood is near R's optimum */
		CHECK(run(&h, &c.series, "holt_winters", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &own) ==
			  AUG_OK);
		CHECK(own->aicc < f->aicc + 8);
		aug_forecast_free(&h.host, own);
		aug_forecast_free(&h.host, f);
		CHECK(h.live == 0);
	}
}

/* One step of complex smoothing, in complex numbers: value and error in, forecast and
 * potential out. */
static double complex
complex_step(double complex alpha, double complex state, double y, double e)
{
	return alpha * (y + I * e) + (1 + I - alpha) * state;
}

/*
 * CES by its definition: a complex number for the level (not in form simple, 1), one for
 * each position of the season (simple and full, 3); forward, backward, forward.
 */
static void
plain_ces(const double *y, size_t n, size_t m, int form, double complex a, double complex b,
		  double *fitted, double *mean)
{
	double complex level, season[ROOM];
	double first = 0;
	size_t count = m > 10 ? m : 10;

	for (size_t t = 0; t < count; t++)
		first += y[t] / (double) count;
	level = first + I * first / 1.1;
	for (size_t i = 0; i < m; i++)
		season[i] = (1 + I / 1.1) * (form == 1 ? y[i] : y[i] - first);
	for (int k = 0; k < 3; k++)
	{
		for (size_t i = 0; i < n; i++)
		{
			size_t t = k == 1 ? n - 1 - i : i;
			double complex *s = &season[t % m];
			double f = (form != 1 ? creal(level) : 0) + (form != 0 ? creal(*s) : 0);
			double e = y[t] - f;

			fitted[t] = f;
			/* a part is told its own forecast plus the common error */
			if (form != 1)
				level = complex_step(a, level, creal(level) + e, e);
			if (form != 0)
				*s = complex_step(form == 1 ? a : b, *s, creal(*s) + e, e);
		}
	}
	for (size_t i = 0; i < STEPS; i++)
	{
		double complex *s = &season[(n + i) % m];

		mean[i] = (form != 1 ? creal(level) : 0) + (form != 0 ? creal(*s) : 0);
		level = complex_step(a, level, creal(level), 0);
		*s = complex_step(form == 1 ? a : b, *s, creal(*s), 0);
	}
}

static void
ces_by_definition(void)
{
	static const double values[4] = {1.2, 1.02, 1.1, 0.98};
	static const int forms[] = {0, 1, 3};

	for (int k = 0; k < 3; k++)
	{
		int32_t codes[5] = {0, 0, forms[k], 12, 0};
		double fitted[ROOM], mean[STEPS];
		Case c;
		UnitHost h;
		AugForecast *f;

		unit_host(&h);
		load("monthly", &c);
		f = with_form(&h, &c.series, "ces", codes, values, 4);
		CHECK_TEXT(f->fallback, "");
		plain_ces(c.y, c.series.n, forms[k] == 0 ? 1 : 12, forms[k], values[0] + I * values[1],
				  values[2] + I * values[3], fitted, mean);
		for (size_t t = 0; t < c.series.n; t++)
			CHECK_NEAR(f->fitted[t], fitted[t], 1e-11);
		for (int i = 0; i < STEPS; i++)
			CHECK_NEAR(f->mean[i], mean[i], 1e-11);
		aug_forecast_free(&h.host, f);
		CHECK(h.live == 0);
	}
}

/* The season is taken out, or modelled by the form that is asked for, or by the best. */
static void
ces_chooses(void)
{
	static const struct
	{
		const char *season, *label;
	} seasons[] = {{"none", "CES(none)"},
				   {"simple", "CES(simple)"},
				   {"partial", "CES(partial)"},
				   {"full", "CES(full)"},
				   {"best", NULL}};
	double best = 0, least = INFINITY;
	Case c;
	UnitHost h;
	AugForecast *f;

	unit_host(&h);
	load("monthly", &c);
	CHECK(run(&h, &c.series, "ces", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
	CHECK_TEXT(f->method, "CES(none, adjusted)");
	CHECK(isfinite(f->aicc));
	aug_forecast_free(&h.host, f);
	for (unsigned i = 0; i < sizeof(seasons) / sizeof(seasons[0]); i++)
	{
		if (!CHECK(run_option(&h, &c.series, "ces", "ces_season", seasons[i].season,
							  AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK))
			continue;
		if (seasons[i].label != NULL)
			CHECK_TEXT(f->method, seasons[i].label);
		else
			best = f->aicc;
		least = fmin(least, f->aicc);
		aug_forecast_free(&h.host, f);
	}
	CHECK(best == least);
	load("plain", &c);
	CHECK(run(&h, &c.series, "ces", AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) == AUG_OK);
	CHECK_TEXT(f->method, "CES(none)");
	aug_forecast_free(&h.host, f);
	CHECK(h.live == 0);
}

/* A form kept whole gives the same forecast again; each damaged number is refused or harmless. */
static void
kept_forms(void)
{
	for (size_t i = 0; i < N_CLASSICAL; i++)
	{
		Case c;
		UnitHost h;
		AugForecast *first, *again;
		uint8_t *bytes;
		size_t n;

		unit_host(&h);
		load("monthly", &c);
		CHECK(run(&h, &c.series, classical[i], AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &first) ==
			  AUG_OK);
		CHECK_TEXT(first->fallback, "");
		CHECK(run(&h, &c.series, classical[i], AUG_KEEP_ALL, first->form, &again) == AUG_OK);
		for (int k = 0; k < STEPS; k++)
		{
			CHECK_NEAR(again->mean[k], first->mean[k], 1e-13);
			CHECK_NEAR(again->upper[k], first->upper[k], 1e-12);
		}
		aug_forecast_free(&h.host, again);
		CHECK(run(&h, &c.series, classical[i], AUG_KEEP_FORM, first->form, &again) == AUG_OK);
		CHECK_NEAR(again->mean[0], first->mean[0], 1e-13);
		aug_forecast_free(&h.host, again);
		n = first->form.length;
		bytes = malloc(n);
		for (size_t at = 0; at < n; at++)
		{
			AugForecast *f = NULL;
			AugStatus status;

			memcpy(bytes, first->form.bytes, n);
			bytes[at] ^= 0xff;
			status = run(&h, &c.series, classical[i], AUG_KEEP_ALL, (AugSlice){bytes, n}, &f);
			CHECK(status == AUG_OK || status == AUG_CORRUPT);
			aug_forecast_free(&h.host, f);
			status = run(&h, &c.series, classical[i], AUG_KEEP_ALL,
						 (AugSlice){first->form.bytes, at}, &f);
			CHECK(status == AUG_CORRUPT);
		}
		free(bytes);
		aug_forecast_free(&h.host, first);
		CHECK(h.live == 0);
	}
}

typedef double (*Maker)(size_t t);

static double
constant(size_t t)
{
	(void) t;
	return 7;
}

static double
zero(size_t t)
{
	(void) t;
	return 0;
}

static double
huge(size_t t)
{
	return (t % 4 == 1 ? 9e299 : 1e300) + (double) (t % 3) * 1e298;
}

static double
tiny(size_t t)
{
	return (t % 4 == 1 ? 9e-300 : 1e-300) + (double) (t % 3) * 1e-302;
}

static double
below(size_t t)
{
	return -50 - (double) (t % 4) - 0.5 * (double) t;
}

static double
gaps(size_t t)
{
	return t % 5 == 2 ? NAN : 10 + (double) (t % 4);
}

static double
step(size_t t)
{
	return t < 20 ? 1 : 1e6;
}

static double
line(size_t t)
{
	return 3 + 2 * (double) t;
}

static const Maker makers[] = {constant, zero, huge, tiny, below, gaps, step, line};

/* Every classical method, of every length: finite forecasts, intervals around them. */
static void
extremes(void)
{
	static const size_t lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 24, 40};

	for (size_t i = 0; i < N_CLASSICAL; i++)
	{
		for (size_t m = 0; m < sizeof(makers) / sizeof(makers[0]); m++)
		{
			for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++)
			{
				double y[40], size = 0;
				AugSeries s = {.n = lengths[k], .y = y, .n_periods = 1, .period = {4}};
				UnitHost h;
				AugForecast *f;

				for (size_t t = 0; t < s.n; t++)
				{
					y[t] = makers[m](t);
					size = fmax(size, fabs(y[t]));
				}
				unit_host(&h);
				CHECK(run(&h, &s, classical[i], AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &f) ==
					  AUG_OK);
				for (int t = 0; t < STEPS; t++)
				{
					CHECK(isfinite(f->mean[t]));
					CHECK(fabs(f->mean[t]) <= 40 * size);
					CHECK(!(f->lower[t] > f->mean[t]) && !(f->upper[t] < f->mean[t]));
				}
				if (makers[m] == constant || makers[m] == zero)
					CHECK_NEAR(f->mean[STEPS - 1], y[0], 1e-9);
				aug_forecast_free(&h.host, f);
				CHECK(h.live == 0);
			}
		}
	}
}

/* Twice the values, twice the forecasts: also far beyond where squares overflow. */
static void
scale_free(void)
{
	for (size_t i = 0; i < N_CLASSICAL; i++)
	{
		for (int e = -1000; e <= 1000; e += 200)
		{
			Case c;
			UnitHost h;
			AugForecast *one, *scaled;
			double y[ROOM];

			unit_host(&h);
			load("quarterly", &c);
			CHECK(run(&h, &c.series, classical[i], AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, &one) ==
				  AUG_OK);
			for (size_t t = 0; t < c.series.n; t++)
				y[t] = ldexp(c.y[t], e);
			c.series.y = y;
			CHECK(run(&h, &c.series, classical[i], AUG_KEEP_NOTHING, (AugSlice){NULL, 0},
					  &scaled) == AUG_OK);
			for (int k = 0; k < STEPS; k++)
				CHECK_NEAR(ldexp(scaled->mean[k], -e), one->mean[k], 1e-9);
			aug_forecast_free(&h.host, one);
			aug_forecast_free(&h.host, scaled);
			CHECK(h.live == 0);
		}
	}
}

static const UnitTest tests[] = {
	{"golden smoothing", golden_smoothing},
	{"golden widths", golden_widths},
	{"comb is mean", comb_is_mean},
	{"theta is drift", theta_is_drift},
	{"dotm by definition", dotm_by_definition},
	{"dotm is least", dotm_is_least},
	{"golden holt-winters", golden_holt_winters},
	{"ces by definition", ces_by_definition},
	{"ces chooses", ces_chooses},
	{"kept forms", kept_forms},
	{"extremes", extremes},
	{"scale free", scale_free},
};

UNIT_MAIN("theta", tests);
