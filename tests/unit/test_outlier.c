/*
 * Outliers against R, changes of level against ruptures, anomalies, cleaning before a forecast.
 * tests/data/outlier_golden.txt and changepoint_golden.txt have their scripts beside them.
 */
#include "unit.h"

#include "../../src/core/forecast/decompose.h"

#define MOST 500

static double
noise(uint64_t *state)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
	{
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		sum += (double) (*state >> 11) / 9007199254740992.0;
	}
	return sum - 6; /* nearly normal, variance 1 */
}

static bool
read_line(FILE *file, const char *name, double *v, size_t n)
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

/* ---- outliers ------------------------------------------------------------------ */

static void
golden_outliers(void)
{
	static double y[MOST], index[MOST], replacement[MOST];
	FILE *file = fopen(UNIT_DATA "/outlier_golden.txt", "r");
	unsigned period, cases = 0;
	char name[32];
	size_t n, k;

	if (!CHECK(file != NULL))
		return;
	while (fscanf(file, " outliers %31s %zu %u %zu", name, &n, &period, &k) == 4)
	{
		AugSeries s = {.n = n, .y = y, .n_periods = period > 1 ? 1 : 0, .period = {period}};
		static double v[MOST], cleaned[MOST];
		AugArena arena;
		AugError err;
		UnitHost h;
		AugCast cast = {&h.host, &arena, NULL, 0, &err};
		size_t found, kept, at = 0;

		cases++;
		unit_host(&h);
		aug_arena_init(&arena, &h.host);
		if (!CHECK(n <= MOST) || !read_line(file, "y", y, n) ||
			!read_line(file, "index", index, k) ||
			!read_line(file, "replacements", replacement, k) ||
			!CHECK(aug_find_outliers(&cast, &s, v, &found) == AUG_OK) ||
			!CHECK(aug_clean(&cast, &s, cleaned, &kept) == AUG_OK))
			break;
		if (!CHECK(found == k))
			fprintf(stderr, "%s: %zu outliers for %zu\n", name, found, k);
		for (size_t t = 0; t < n; t++)
		{
			CHECK(isnan(v[t]) || cleaned[t] == y[t]);
			if (!isnan(v[t]))
				continue;
			CHECK(at < k && t == (size_t) index[at]);
			if (at < k && cleaned[t] != y[t])
			{
				CHECK(fabs(cleaned[t] - replacement[at]) < 3);
				kept--;
			}
			at++;
		}
		CHECK(at == k && kept == 0);
		aug_arena_free(&arena);
		CHECK(h.live == 0);
	}
	CHECK(cases == 8);
	fclose(file);
}

static void
cleaning(void)
{
	static double y[96];
	AugSeries s = {.n = 96, .y = y};
	AugForecastOptions o = {.horizon = 2};
	AugForecast *f;
	AugError err;
	UnitHost h;
	uint64_t state = 5;

	unit_host(&h);
	for (size_t t = 0; t < 96; t++)
		y[t] = 50 + noise(&state);
	y[20] = 500;
	y[95] = -300;
	if (!CHECK(aug_params_new(&h.host, aug_forecast_about(), (AugParams **) &o.params, &err) ==
			   AUG_OK))
		return;
	aug_params_set((AugParams *) o.params, "method", "naive", &err);
	if (!CHECK(aug_forecast_run(&h.host, &s, &o, &f, &err) == AUG_OK))
		fprintf(stderr, "%s\n", err.message);
	CHECK_NEAR(f->mean[0], -300, 0);
	CHECK_TEXT(f->warning, "");
	aug_forecast_free(&h.host, f);
	aug_params_set((AugParams *) o.params, "outliers", "clean", &err);
	CHECK(aug_forecast_run(&h.host, &s, &o, &f, &err) == AUG_OK);
	CHECK(fabs(f->mean[0] - 50) < 3);
	CHECK_TEXT(f->warning, "2 outliers were replaced");
	CHECK(f->n_observed == 96);
	aug_forecast_free(&h.host, f);
	aug_params_free((AugParams *) o.params);
	CHECK(h.live == 0);
}

/* ---- changes of level ------------------------------------------------------------- */

static double
segment_cost(const double *y, size_t from, size_t to)
{
	double mean = 0, sum = 0;

	for (size_t t = from; t < to; t++)
		mean += y[t] / (double) (to - from);
	for (size_t t = from; t < to; t++)
		sum += (y[t] - mean) * (y[t] - mean);
	return sum;
}

static void
golden_changes(void)
{
	static double y[MOST], at[MOST];
	static size_t change[MOST];
	FILE *file = fopen(UNIT_DATA "/changepoint_golden.txt", "r");
	double penalty, cost;
	unsigned cases = 0;
	char name[32];
	size_t n, least, k;

	if (!CHECK(file != NULL))
		return;
	while (fscanf(file, " change %31s %zu %zu %lf %zu %lf", name, &n, &least, &penalty, &k,
				  &cost) == 6)
	{
		AugArena arena;
		AugError err;
		UnitHost h;
		AugCast cast = {&h.host, &arena, NULL, 0, &err};
		double total = 0;
		size_t found;

		cases++;
		unit_host(&h);
		aug_arena_init(&arena, &h.host);
		if (!CHECK(n <= MOST) || !read_line(file, "y", y, n) || !read_line(file, "at", at, k) ||
			!CHECK(aug_pelt(&cast, y, n, least, penalty, change, &found) == AUG_OK))
			break;
		CHECK(found == k);
		for (size_t i = 0; i < k && i < found; i++)
			CHECK(change[i] == (size_t) at[i]);
		for (size_t i = 0; i <= found; i++)
			total += segment_cost(y, i > 0 ? change[i - 1] : 0, i < found ? change[i] : n);
		CHECK_NEAR(total + penalty * (double) found, cost, 1e-10);
		aug_arena_free(&arena);
		CHECK(h.live == 0);
	}
	CHECK(cases == 8);
	fclose(file);
}

/* The exact minimum, by all pairs of ends. */
static void
pelt_is_exact(void)
{
	static double y[80], best[81];
	static size_t change[80];
	uint64_t state = 11;

	for (unsigned round = 0; round < 200; round++)
	{
		size_t n = 1 + round % 80, least = 1 + round % 7, found;
		double penalty = 0.2 * (double) (round % 23), total = 0;
		AugArena arena;
		AugError err;
		UnitHost h;
		AugCast cast = {&h.host, &arena, NULL, 0, &err};

		for (size_t t = 0; t < n; t++)
			y[t] = noise(&state) + 2 * (double) (t / 9 % 3);
		best[0] = -penalty;
		for (size_t t = 1; t <= n; t++)
		{
			best[t] = INFINITY;
			for (size_t s = 0; s + least <= t; s++)
				best[t] = fmin(best[t], best[s] + penalty + segment_cost(y, s, t));
		}
		unit_host(&h);
		aug_arena_init(&arena, &h.host);
		CHECK(aug_pelt(&cast, y, n, least, penalty, change, &found) == AUG_OK);
		for (size_t i = 0; i <= found; i++)
		{
			size_t from = i > 0 ? change[i - 1] : 0, to = i < found ? change[i] : n;

			CHECK(found == 0 || to - from >= least);
			total += segment_cost(y, from, to);
		}
		if (n >= least)
			CHECK_NEAR(total + penalty * (double) found, best[n], 1e-9);
		else
			CHECK(found == 0);
		aug_arena_free(&arena);
	}
}

/* kind 0: two shifts under a season and a spike; 1: a random walk; 2: noise with memory. */
static void
make_levels(unsigned kind, double *y, size_t n, uint64_t *state)
{
	double memory = 0;

	for (size_t t = 0; t < n; t++)
	{
		double z = noise(state);

		memory = (kind == 1 ? 1 : 0.6) * memory + z;
		y[t] = memory;
		if (kind == 0)
			y[t] = z + 6 * sin((double) t * 0.8975979010256552) + (t < 100 ? 0 : t < 180 ? 5 : -2);
	}
	if (kind == 0)
		y[50] += 40;
}

static void
changes(void)
{
	static double y[300];
	AugSeries s = {.n = 300, .y = y, .n_periods = 1, .period = {7}};
	AugChanges *c;
	AugError err;
	UnitHost h;
	uint64_t state = 21;
	size_t right = 0, wrong[2] = {0, 0};

	unit_host(&h);
	for (unsigned round = 0; round < 40; round++)
	{
		make_levels(0, y, 300, &state);
		if (!CHECK(aug_changepoints(&h.host, &s, AUG_CHANGE_LEAST, AUG_CHANGE_PENALTY, &c, &err) ==
				   AUG_OK))
			continue;
		right += c->n == 2 && c->change[0].at >= 98 && c->change[0].at <= 102 &&
				 c->change[1].at >= 178 && c->change[1].at <= 182;
		if (c->n == 2)
		{
			CHECK(fabs(c->change[0].before) < 1 && fabs(c->change[0].after - 5) < 1);
			CHECK(c->change[0].statistic > 8 && c->change[1].statistic < -8);
		}
		h.host.release(h.host.arg, c);
	}
	CHECK(right >= 38);
	for (unsigned round = 0; round < 80; round++)
	{
		make_levels(1 + round % 2, y, 300, &state);
		CHECK(aug_changepoints(&h.host, &s, AUG_CHANGE_LEAST, AUG_CHANGE_PENALTY, &c, &err) ==
			  AUG_OK);
		wrong[round % 2] += c->n > 0;
		h.host.release(h.host.arg, c);
	}
	if (!CHECK(wrong[0] <= 10 && wrong[1] <= 5))
		fprintf(stderr, "changes in %zu walks, %zu others of 40 without any\n", wrong[0], wrong[1]);
	CHECK(h.live == 0);
}

/* ---- anomalies --------------------------------------------------------------------- */

static void
anomalies(void)
{
	static double y[400];
	AugSeries s = {.n = 400, .y = y, .n_periods = 1, .period = {24}};
	AugAnomalies *a;
	AugError err;
	UnitHost h;
	uint64_t state = 2;
	size_t outside = 0;

	unit_host(&h);
	for (unsigned round = 0; round < 10; round++)
	{
		for (size_t t = 0; t < 400; t++)
			y[t] = 100 + 20 * sin((double) t * 0.2617993877991494) + 2 * noise(&state);
		y[111] += 15;
		y[300] = NAN;
		if (!CHECK(aug_anomalies(&h.host, &s, 0.95, &a, &err) == AUG_OK))
			continue;
		CHECK(a->score[111] > 4 && y[111] > a->upper[111]);
		CHECK(isnan(a->score[300]) && fabs(a->expected[300] - 120) < 25);
		CHECK_NEAR(a->upper[7] - a->expected[7], 1.959963984540054 * a->scale, 1e-12);
		CHECK(a->scale > 1 && a->scale < 2.6);
		outside += a->n_outside;
		h.host.release(h.host.arg, a);
	}
	/* 5 % of 399 in each of ten rounds would be 200 */
	CHECK(outside > 100 && outside < 360);
	for (size_t t = 0; t < 400; t++)
		y[t] = 7;
	y[200] = 8;
	CHECK(aug_anomalies(&h.host, &s, 0.99, &a, &err) == AUG_OK);
	CHECK(a->n_outside >= 1 && a->score[200] > 3);
	h.host.release(h.host.arg, a);
	y[200] = 7;
	CHECK(aug_anomalies(&h.host, &s, 0.99, &a, &err) == AUG_OK);
	CHECK(a->n_outside == 0 && a->scale == 0 && a->score[3] == 0);
	h.host.release(h.host.arg, a);
	CHECK(aug_anomalies(&h.host, &s, 1, &a, &err) == AUG_INVALID);
	CHECK(h.live == 0);
}

/* ---- extremes and failures ------------------------------------------------------------ */

static AugStatus
all_of_them(UnitHost *h, const AugSeries *s, AugError *err)
{
	AugDecomposition *d = NULL;
	AugOutliers *o = NULL;
	AugAnomalies *a = NULL;
	AugChanges *c = NULL;
	AugStatus status = aug_decompose(&h->host, s, true, &d, err);

	if (status == AUG_OK)
		status = aug_outliers(&h->host, s, &o, err);
	if (status == AUG_OK)
		status = aug_anomalies(&h->host, s, 0.9, &a, err);
	if (status == AUG_OK)
		status = aug_changepoints(&h->host, s, 2, 3, &c, err);
	if (status == AUG_OK)
		CHECK(d->n == s->n && o->n == s->n && a->n == s->n);
	h->host.release(h->host.arg, d);
	h->host.release(h->host.arg, o);
	h->host.release(h->host.arg, a);
	h->host.release(h->host.arg, c);
	return status;
}

static void
extremes(void)
{
	static const double level[] = {0, 5, 1e-300, 1e150, 1e300, 1.7e308};
	static double y[40];
	AugError err;
	UnitHost h;

	unit_host(&h);
	for (size_t k = 0; k < sizeof(level) / sizeof(level[0]); k++)
	{
		for (size_t n = 0; n <= 40; n++)
		{
			AugSeries s = {.n = n, .y = y, .n_periods = 1, .period = {4}};
			AugStatus status;

			for (size_t t = 0; t < n; t++)
				y[t] = k < 2 ? level[k] : level[k] * (t % 3 == 0 ? 1 : -0.7);
			status = all_of_them(&h, &s, &err);
			CHECK(status == (n == 0 ? AUG_DATA : AUG_OK) || (k >= 4 && status == AUG_NUMERIC));
			for (size_t t = 0; t + 1 < n; t++)
				y[t] = NAN; /* one value */
			status = all_of_them(&h, &s, &err);
			CHECK(status == (n == 0 ? AUG_DATA : AUG_OK) || (k >= 4 && status == AUG_NUMERIC));
			CHECK(h.live == 0);
		}
	}
	{
		AugSeries s = {.n = 40, .y = y, .n_periods = 2, .period = {7, 4}};

		CHECK(all_of_them(&h, &s, &err) == AUG_INVALID);
	}
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static double y[30];
	AugSeries s = {.n = 30, .y = y, .n_periods = 1, .period = {5}};

	(void) arg;
	for (size_t t = 0; t < 30; t++)
		y[t] = t == 12 ? NAN : t == 20 ? 900 : (double) (t * t % 7);
	return all_of_them(h, &s, err);
}

static void
failures(void)
{
	CHECK(unit_fail_each(one_run, NULL) > 10);
	CHECK(unit_cancel_each(one_run, NULL) > 10);
}

static const UnitTest tests[] = {
	{"golden outliers", golden_outliers},
	{"cleaning", cleaning},
	{"golden changes", golden_changes},
	{"pelt is exact", pelt_is_exact},
	{"changes", changes},
	{"anomalies", anomalies},
	{"extremes", extremes},
	{"failures", failures},
};

UNIT_MAIN("outlier", tests);
