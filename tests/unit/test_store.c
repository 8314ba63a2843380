/*
 * Fitted series as bytes: there and back, damaged, short of memory; forecasts from what was kept.
 *
 * The golden state in tests/data (format1_series.state) was written by this program with
 * UNIT_WRITE_GOLDEN=1 in the environment; later versions must go on reading it.
 */
#include "../../src/core/artifact.h"
#include "unit.h"

#define N	   60
#define AHEAD  6
#define N_X	   2
#define GOLDEN UNIT_DATA "/format1_series.state"
#define LEVELS 2

static const double levels[LEVELS] = {0.8, 0.95};

/* A series with season, gaps and regressors, and what becomes of it. */
typedef struct Fixture
{
	UnitHost h;
	AugSeries series;
	double y[N];
	double x[(N + AHEAD) * N_X];
	AugParams *params;
	char *options;
	AugForecast *forecast;
	AugStored stored;
	uint8_t *bytes;
	size_t length;
} Fixture;

static void
fill(Fixture *f, bool regressors, bool gaps)
{
	static const char *const names[N_X] = {"price", "pr\xc3\xa4mie"};
	static const uint8_t host[] = {1, 0, 255, 7};

	memset(f, 0, sizeof(*f));
	unit_host(&f->h);
	for (int t = 0; t < N; t++)
		f->y[t] = 100 + t * 0.5 + 10 * sin(t * 0.5235987755982988) + 3 * cos(t * t * 0.37);
	for (int t = 0; t < N + AHEAD; t++)
	{
		f->x[t * N_X] = sin(t * 1.3);
		f->x[t * N_X + 1] = t % 4 == 0;
	}
	for (int t = 0; regressors && t < N; t++)
		f->y[t] += 8 * f->x[t * N_X + 1];
	if (gaps)
		f->y[7] = f->y[30] = NAN;
	f->series = (AugSeries){.n = N, .y = f->y, .n_periods = 1, .period = {12}};
	if (regressors)
	{
		f->series.n_regressors = N_X;
		f->series.n_x = N;
		f->series.x = f->x;
		f->stored.regressor = names;
	}
	f->stored.host = (AugSlice){host, sizeof(host)};
	f->stored.series = f->series;
	f->stored.seed = 42;
	f->stored.horizon = AHEAD;
	f->stored.n_levels = LEVELS;
	f->stored.levels = levels;
}

static AugStatus
forecast(Fixture *f, AugKeep keep, AugSlice form, uint32_t horizon, AugForecast **out,
		 AugError *err)
{
	AugForecastOptions o = {.params = f->params,
							.horizon = horizon,
							.n_levels = LEVELS,
							.levels = levels,
							.seed = 42,
							.keep = keep,
							.form = form};

	return aug_forecast_run(&f->h.host, &f->series, &o, out, err);
}

/* Fits with a method and stores what came of it. */
static AugStatus
fit(Fixture *f, const char *method, AugError *err)
{
	AugStatus status = aug_params_new(&f->h.host, aug_forecast_about(), &f->params, err);

	if (status == AUG_OK)
		status = aug_params_set(f->params, "method", method, err);
	if (status == AUG_OK)
		status = aug_params_text(f->params, &f->options, err);
	if (status == AUG_OK)
		status = forecast(f, AUG_KEEP_NOTHING, (AugSlice){NULL, 0},
						  f->series.n_regressors > 0 ? 0 : AHEAD, &f->forecast, err);
	if (status != AUG_OK)
		return status;
	f->stored.options = f->options;
	f->stored.form = f->forecast->form;
	f->stored.method = f->forecast->method;
	f->stored.reason = f->forecast->reason;
	f->stored.fallback = f->forecast->fallback;
	f->stored.warning = f->forecast->warning;
	f->stored.sigma = f->forecast->sigma;
	f->stored.aicc = f->forecast->aicc;
	if (f->forecast->horizon > 0)
	{
		f->stored.mean = f->forecast->mean;
		f->stored.lower = f->forecast->lower;
		f->stored.upper = f->forecast->upper;
	}
	return aug_series_store(&f->h.host, &f->stored, &f->bytes, &f->length, err);
}

static void
end(Fixture *f)
{
	f->h.host.release(&f->h, f->bytes);
	f->h.host.release(&f->h, f->options);
	if (f->forecast != NULL)
		aug_forecast_free(&f->h.host, f->forecast);
	aug_params_free(f->params);
}

static bool
same(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (!(a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))))
			return false;
	}
	return true;
}

static void
check_same(const AugStored *a, const AugStored *b)
{
	CHECK(a->host.length == b->host.length &&
		  memcmp(a->host.bytes, b->host.bytes, a->host.length) == 0);
	CHECK(a->series.n == b->series.n && same(a->series.y, b->series.y, a->series.n));
	CHECK(a->series.n_periods == b->series.n_periods && a->series.period[0] == b->series.period[0]);
	CHECK(a->series.n_regressors == b->series.n_regressors && a->series.n_x == a->series.n);
	for (uint32_t j = 0; j < a->series.n_regressors; j++)
		CHECK_TEXT(a->regressor[j], b->regressor[j]);
	CHECK(same(a->series.x, b->series.x, a->series.n * a->series.n_regressors));
	CHECK_TEXT(a->options, b->options);
	CHECK(a->seed == b->seed && a->horizon == b->horizon && a->n_levels == b->n_levels);
	CHECK(same(a->levels, b->levels, a->n_levels));
	CHECK(a->form.length == b->form.length &&
		  memcmp(a->form.bytes, b->form.bytes, a->form.length) == 0);
	CHECK_TEXT(a->method, b->method);
	CHECK_TEXT(a->reason, b->reason);
	CHECK_TEXT(a->fallback, b->fallback);
	CHECK_TEXT(a->warning, b->warning);
	CHECK(same(&a->sigma, &b->sigma, 1) && same(&a->aicc, &b->aicc, 1));
	if (!CHECK((a->mean == NULL) == (b->mean == NULL)) || a->mean == NULL)
		return;
	CHECK(same(a->mean, b->mean, a->horizon));
	CHECK(same(a->lower, b->lower, (size_t) a->horizon * a->n_levels));
	CHECK(same(a->upper, b->upper, (size_t) a->horizon * a->n_levels));
}

static void
there_and_back(void)
{
	for (int k = 0; k < 4; k++)
	{
		Fixture f;
		AugStored *loaded;
		uint8_t *again;
		size_t length;
		AugError err;

		fill(&f, k % 2 == 1, k >= 2);
		if (!CHECK(fit(&f, "auto", &err) == AUG_OK) ||
			!CHECK(aug_series_load(&f.h.host, f.bytes, f.length, &loaded, &err) == AUG_OK))
			return;
		check_same(loaded, &f.stored);
		CHECK(aug_series_store(&f.h.host, loaded, &again, &length, &err) == AUG_OK);
		CHECK(length == f.length && memcmp(again, f.bytes, length) == 0);
		f.h.host.release(&f.h, again);
		aug_series_free(loaded);
		end(&f);
		CHECK(f.h.live == 0);
	}
}

/* What every method forecasts with all kept is what it forecast at first. */
static void
all_kept(void)
{
	for (uint32_t i = 0; i < aug_forecast_method_count(); i++)
	{
		const char *method = aug_forecast_method_at(i)->name;
		Fixture f;
		AugForecast *again;
		AugError err;

		fill(&f, false, i % 2 == 1);
		if (!CHECK(fit(&f, method, &err) == AUG_OK) ||
			!CHECK(forecast(&f, AUG_KEEP_ALL, f.stored.form, AHEAD, &again, &err) == AUG_OK))
		{
			fprintf(stderr, "method %s: %s\n", method, err.message);
			continue;
		}
		if (!CHECK(same(again->mean, f.stored.mean, AHEAD) &&
				   same(again->lower, f.stored.lower, AHEAD * LEVELS) &&
				   same(again->upper, f.stored.upper, AHEAD * LEVELS)))
			fprintf(stderr, "method %s: %.17g, not %.17g\n", method, again->mean[0],
					f.stored.mean[0]);
		CHECK_TEXT(again->method, f.stored.method);
		aug_forecast_free(&f.h.host, again);
		end(&f);
		CHECK(f.h.live == 0);
	}
}

/* A fit without a horizon wants no regressors ahead; a forecast from it does. */
static void
fit_only(void)
{
	Fixture f;
	AugForecast *whole, *later;
	AugError err;

	fill(&f, true, false);
	CHECK(fit(&f, "auto", &err) == AUG_OK);
	CHECK(f.forecast->horizon == 0 && f.stored.mean == NULL && f.forecast->n == N);
	CHECK(isfinite(f.forecast->sigma) && f.forecast->fallback[0] == '\0');
	CHECK(forecast(&f, AUG_KEEP_ALL, f.stored.form, AHEAD, &later, &err) == AUG_INVALID);
	f.series.n_x = N + AHEAD;
	CHECK(forecast(&f, AUG_KEEP_ALL, f.stored.form, AHEAD, &later, &err) == AUG_OK);
	CHECK(forecast(&f, AUG_KEEP_NOTHING, f.stored.form, AHEAD, &whole, &err) == AUG_OK);
	CHECK(same(whole->mean, later->mean, AHEAD) && same(whole->upper, later->upper, AHEAD));
	CHECK_TEXT(whole->method, f.stored.method);
	aug_forecast_free(&f.h.host, whole);
	aug_forecast_free(&f.h.host, later);
	end(&f);
	CHECK(f.h.live == 0);
}

/* A form that was fallen back to is kept as well, with options of the method asked for. */
static void
kept_fallback(void)
{
	Fixture f;
	AugForecast *again = NULL;
	AugError err;

	fill(&f, false, false);
	f.series.n = f.stored.series.n = 3;
	CHECK(aug_params_new(&f.h.host, aug_forecast_about(), &f.params, &err) == AUG_OK);
	CHECK(aug_params_set(f.params, "method", "ets", &err) == AUG_OK);
	CHECK(aug_params_set(f.params, "ets_trend", "additive", &err) == AUG_OK);
	CHECK(forecast(&f, AUG_KEEP_NOTHING, (AugSlice){NULL, 0}, 2, &f.forecast, &err) == AUG_OK);
	CHECK(f.forecast->fallback[0] != '\0');
	CHECK(forecast(&f, AUG_KEEP_ALL, f.forecast->form, 2, &again, &err) == AUG_OK);
	if (again != NULL)
	{
		CHECK(same(again->mean, f.forecast->mean, 2));
		aug_forecast_free(&f.h.host, again);
	}
	end(&f);
	CHECK(f.h.live == 0);
}

static void
put_checksum(uint8_t *bytes, size_t length)
{
	uint32_t crc = aug_crc32c(0, bytes, length - AUG_TRAILER_SIZE);

	for (int i = 0; i < AUG_TRAILER_SIZE; i++)
		bytes[length - AUG_TRAILER_SIZE + (size_t) i] = (uint8_t) (crc >> (8 * i));
}

static AugStatus
read_state(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err)
{
	AugStored *loaded;
	AugStatus status = aug_series_load(&h->host, bytes, length, &loaded, err);

	CHECK((status == AUG_OK) == (loaded != NULL));
	aug_series_free(loaded);
	return status;
}

/* A series of every method, and one with regressors. */
static void
damaged(void)
{
	for (uint32_t i = 0; i <= aug_forecast_method_count(); i++)
	{
		bool regressors = i == aug_forecast_method_count();
		Fixture f;
		AugError err;

		fill(&f, regressors, true);
		if (CHECK(fit(&f, regressors ? "arima" : aug_forecast_method_at(i)->name, &err) == AUG_OK))
			unit_damage(read_state, f.bytes, f.length);
		end(&f);
		CHECK(f.h.live == 0);
	}
}

/* Whoever can write bytes can write a checksum: what is accepted keeps its promises. */
static void
hostile(void)
{
	static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff};
	Fixture f;
	AugError err;

	fill(&f, true, true);
	if (!CHECK(fit(&f, "arima", &err) == AUG_OK))
		return;
	for (size_t i = AUG_HEADER_SIZE; i < f.length - AUG_TRAILER_SIZE; i++)
	{
		for (size_t k = 0; k < sizeof(odd); k++)
		{
			uint8_t *copy = malloc(f.length);
			AugStored *s;
			AugStatus status;

			memcpy(copy, f.bytes, f.length);
			copy[i] = odd[k];
			put_checksum(copy, f.length);
			status = aug_series_load(&f.h.host, copy, f.length, &s, &err);
			free(copy);
			if (!CHECK(status == AUG_OK || status == AUG_CORRUPT) || status != AUG_OK)
				continue;
			for (size_t t = 0; t < s->series.n; t++)
				CHECK(!isinf(s->series.y[t]));
			for (size_t t = 0; t < s->series.n * s->series.n_regressors; t++)
				CHECK(isfinite(s->series.x[t]));
			CHECK(s->horizon <= AUG_MAX_HORIZON && s->n_levels <= AUG_MAX_LEVELS_ASKED);
			CHECK(strlen(s->method) < AUG_LABEL_SIZE);
			aug_series_free(s);
		}
	}
	end(&f);
	CHECK(f.h.live == 0);
}

static void
limits(void)
{
	Fixture f;
	AugError err;
	uint8_t *bytes;
	size_t length;
	char *options;

	fill(&f, false, false);
	if (!CHECK(fit(&f, "naive", &err) == AUG_OK))
		return;
	f.stored.n_levels = AUG_MAX_LEVELS_ASKED + 1;
	CHECK(aug_series_store(&f.h.host, &f.stored, &bytes, &length, &err) == AUG_INVALID);
	CHECK(bytes == NULL && length == 0);
	f.stored.n_levels = LEVELS;
	options = malloc(70000);
	memset(options, ' ', 69999);
	options[69999] = '\0';
	f.stored.options = options;
	CHECK(aug_series_store(&f.h.host, &f.stored, &bytes, &length, &err) == AUG_INVALID);
	free(options);
	end(&f);
	CHECK(f.h.live == 0);
}

/* A UnitStep: stores and loads. */
static AugStatus
store_and_load(UnitHost *h, void *arg, AugError *err)
{
	const AugStored *stored = arg;
	AugStored *loaded;
	uint8_t *bytes;
	size_t length;
	AugStatus status = aug_series_store(&h->host, stored, &bytes, &length, err);

	if (status != AUG_OK)
		return status;
	status = aug_series_load(&h->host, bytes, length, &loaded, err);
	h->host.release(h, bytes);
	if (status == AUG_OK)
		aug_series_free(loaded);
	return status;
}

static void
no_memory(void)
{
	Fixture f;
	AugError err;

	fill(&f, true, true);
	CHECK(fit(&f, "arima", &err) == AUG_OK);
	CHECK(unit_fail_each(store_and_load, &f.stored) > 5);
	end(&f);
	CHECK(f.h.live == 0);
}

static void
golden(void)
{
	Fixture f;
	AugStored *s;
	AugForecast *again;
	AugError err;
	uint8_t *bytes;
	size_t length;

	fill(&f, false, true);
	if (!CHECK(fit(&f, "auto", &err) == AUG_OK))
		return;
	if (getenv("UNIT_WRITE_GOLDEN") != NULL)
	{
		FILE *file = fopen(GOLDEN, "wb");

		CHECK(file != NULL && fwrite(f.bytes, 1, f.length, file) == f.length && fclose(file) == 0);
	}
	bytes = unit_read_file(GOLDEN, &length);
	if (!CHECK(bytes != NULL) ||
		!CHECK(aug_series_load(&f.h.host, bytes, length, &s, &err) == AUG_OK))
		return;
	free(bytes);
	CHECK(s->series.n == N && s->series.period[0] == 12 && s->horizon == AHEAD && s->seed == 42);
	CHECK_TEXT(s->reason, "there is one season");
	CHECK(isnan(s->series.y[7]) && fabs(s->series.y[1] - f.y[1]) < 1e-9);
	/* the form is read, and filters to what was forecast then */
	f.series.y = s->series.y;
	if (CHECK(forecast(&f, AUG_KEEP_ALL, s->form, AHEAD, &again, &err) == AUG_OK))
	{
		/* how wide an interval should be may be judged otherwise by a later version */
		for (int h = 0; h < AHEAD; h++)
			CHECK_NEAR(again->mean[h], s->mean[h], 1e-6);
		aug_forecast_free(&f.h.host, again);
	}
	aug_series_free(s);
	end(&f);
	CHECK(f.h.live == 0);
}

static const UnitTest tests[] = {{"there_and_back", there_and_back},
								 {"all_kept", all_kept},
								 {"fit_only", fit_only},
								 {"kept_fallback", kept_fallback},
								 {"damaged", damaged},
								 {"hostile", hostile},
								 {"limits", limits},
								 {"no_memory", no_memory},
								 {"golden", golden}};

UNIT_MAIN("store", tests);
