/*
 * Decomposition: STL, MSTL and the super smoother against R; gaps, strength, extremes.
 * tests/data/stl_golden.txt is made by make_stl_golden.R, stl_even_golden.txt by
 * make_stl_golden.py.
 */
#include "unit.h"

#include "../../src/core/forecast/decompose.h"

#define TOLERANCE 1e-8
#define MOST	  500

typedef struct Work
{
	UnitHost h;
	AugArena arena;
	AugCast cast;
	AugError err;
} Work;

static void
begin(Work *w)
{
	memset(w, 0, sizeof(*w));
	unit_host(&w->h);
	aug_arena_init(&w->arena, &w->h.host);
	w->cast = (AugCast){&w->h.host, &w->arena, NULL, 1, &w->err};
}

static void
end(Work *w)
{
	aug_arena_free(&w->arena);
	CHECK(w->h.live == 0);
}

/* ---- golden ------------------------------------------------------------------ */

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

static double
worst(const double *a, const double *b, size_t n)
{
	double w = 0;

	for (size_t i = 0; i < n; i++)
		w = fmax(w, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
	return w;
}

static bool
close_to(const char *name, const char *what, const double *a, const double *b, size_t n)
{
	double w = worst(a, b, n);

	if (w > TOLERANCE)
		fprintf(stderr, "%s: %s differs by %g\n", name, what, w);
	return CHECK(w <= TOLERANCE);
}

static void
golden_stl(FILE *file, const char *name, size_t n)
{
	static double y[MOST], trend[MOST], seasonal[MOST], weight[MOST], got[3][MOST];
	size_t period, window, s_jump, t_window, t_jump, l_jump;
	int robust, degree;
	AugStlRoom *room;
	AugStl o;
	Work w;

	if (!CHECK(fscanf(file, "%zu %zu %d %d %zu %zu %zu %zu", &period, &window, &robust, &degree,
					  &s_jump, &t_window, &t_jump, &l_jump) == 8) ||
		!read_line(file, "y", y, n) || !read_line(file, "trend", trend, n) ||
		!read_line(file, "seasonal", seasonal, n) || !read_line(file, "weight", weight, n))
		return;
	begin(&w);
	aug_stl_options(n, period, window, robust != 0, &o);
	if (degree >= 0)
	{
		o.season.degree = (uint32_t) degree;
		o.season.jump = s_jump;
		o.trend.window = t_window;
		o.trend.jump = t_jump;
		o.low_pass.jump = l_jump;
	}
	room = aug_stl_room(&w.cast, n, period);
	if (CHECK(room != NULL) &&
		CHECK(aug_stl(&w.cast, room, y, n, &o, got[0], got[1], got[2]) == AUG_OK))
	{
		close_to(name, "seasonal", got[0], seasonal, n);
		close_to(name, "trend", got[1], trend, n);
		close_to(name, "weight", got[2], weight, n);
	}
	end(&w);
}

static void
golden_mstl(FILE *file, const char *name, size_t n)
{
	static double y[MOST], trend[MOST], seasonal[AUG_MAX_PERIODS][MOST];
	uint32_t period[AUG_MAX_PERIODS];
	unsigned n_periods;
	int robust;
	AugParts parts;
	Work w;

	if (!CHECK(fscanf(file, "%d %u", &robust, &n_periods) == 2) ||
		!CHECK(n_periods <= AUG_MAX_PERIODS))
		return;
	for (unsigned i = 0; i < n_periods; i++)
		CHECK(fscanf(file, "%u", &period[i]) == 1);
	if (!read_line(file, "y", y, n) || !read_line(file, "trend", trend, n))
		return;
	for (unsigned i = 0; i < n_periods; i++)
	{
		if (!read_line(file, "seasonal", seasonal[i], n))
			return;
	}
	begin(&w);
	if (CHECK(aug_mstl(&w.cast, y, n, n_periods, period, robust != 0, &parts) == AUG_OK) &&
		CHECK(parts.n_periods == n_periods))
	{
		close_to(name, "trend", parts.trend, trend, n);
		for (unsigned i = 0; i < n_periods; i++)
			close_to(name, "seasonal", parts.seasonal[i], seasonal[i], n);
		for (size_t t = 0; t < n; t++)
		{
			double sum = parts.trend[t] + parts.remainder[t];

			for (unsigned i = 0; i < n_periods; i++)
				sum += parts.seasonal[i][t];
			CHECK_NEAR(sum, y[t], 1e-12);
		}
	}
	end(&w);
}

static void
golden_smooth(FILE *file, const char *name, size_t n)
{
	static double y[MOST], trend[MOST], got[MOST];
	Work w;

	if (!read_line(file, "y", y, n) || !read_line(file, "trend", trend, n))
		return;
	begin(&w);
	if (CHECK(aug_supersmooth(&w.cast, y, n, got) == AUG_OK))
		close_to(name, "smooth", got, trend, n);
	end(&w);
}

static void
golden_file(const char *path, unsigned expected)
{
	FILE *file = fopen(path, "r");
	char kind[32], name[32];
	unsigned cases = 0;
	size_t n;

	if (!CHECK(file != NULL))
		return;
	while (fscanf(file, "%31s %31s %zu", kind, name, &n) == 3 && CHECK(n <= MOST))
	{
		cases++;
		if (strcmp(kind, "stl") == 0)
			golden_stl(file, name, n);
		else if (strcmp(kind, "mstl") == 0)
			golden_mstl(file, name, n);
		else if (CHECK_TEXT(kind, "smooth"))
			golden_smooth(file, name, n);
	}
	CHECK(cases == expected);
	fclose(file);
}

static void
golden(void)
{
	golden_file(UNIT_DATA "/stl_golden.txt", 22);
	golden_file(UNIT_DATA "/stl_even_golden.txt", 2);
}

/* ---- gaps, strength, extremes -------------------------------------------------- */

static double
noise(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double) (*state >> 11) / 9007199254740992.0 - 0.5;
}

static void
gaps(void)
{
	static const uint32_t period[] = {7, 28};
	static double y[200], whole[200];
	uint64_t state = 3;
	AugParts parts;
	Work w;

	for (size_t t = 0; t < 200; t++)
	{
		whole[t] = 50 + 0.1 * (double) t + 10 * sin(0.8975979010256552 * (double) t) +
				   6 * cos(0.2243994752564138 * (double) t) + 0.2 * noise(&state);
		y[t] = whole[t];
	}
	for (size_t t = 60; t < 75; t++)
		y[t] = NAN;
	y[0] = y[199] = NAN;
	begin(&w);
	if (CHECK(aug_mstl(&w.cast, y, 200, 2, period, false, &parts) == AUG_OK))
	{
		/* straight lines would miss by up to the amplitude */
		for (size_t t = 0; t < 200; t++)
			CHECK(fabs(parts.whole[t] - whole[t]) < 4);
		CHECK(isnan(parts.remainder[65]) && !isnan(parts.remainder[50]));
		CHECK(parts.trend[65] > 54 && parts.trend[65] < 59);
		CHECK(aug_strength_season(&parts, 0) > 0.95);
		CHECK(aug_strength_trend(&parts) > 0.95);
	}
	end(&w);
}

static void
strengths(void)
{
	static double y[120];
	uint64_t state = 9;
	double f;
	Work w;

	begin(&w);
	for (size_t t = 0; t < 120; t++)
		y[t] = noise(&state);
	CHECK(aug_seasonal_strength(&w.cast, y, 120, 12, &f) == AUG_OK);
	CHECK(f >= 0 && f < 0.6);
	for (size_t t = 0; t < 120; t++)
		y[t] += (double) (t % 12 < 3);
	CHECK(aug_seasonal_strength(&w.cast, y, 120, 12, &f) == AUG_OK);
	CHECK(f > 0.64 && f <= 1);
	CHECK(aug_seasonal_strength(&w.cast, y, 24, 12, &f) == AUG_OK);
	CHECK_NEAR(f, 0, 0);
	for (size_t t = 0; t < 120; t++)
		y[t] = 5;
	CHECK(aug_seasonal_strength(&w.cast, y, 120, 12, &f) == AUG_OK);
	CHECK_NEAR(f, 0, 0);
	for (size_t t = 0; t < 120; t++)
		y[t] = NAN;
	CHECK(aug_seasonal_strength(&w.cast, y, 120, 12, &f) == AUG_OK);
	CHECK_NEAR(f, 0, 0);
	end(&w);
}

static void
extremes(void)
{
	static const double level[] = {0, 5, -1e-300, 1e-300, 1e150, 1e300, 1.7e308};
	static const uint32_t period[] = {2, 5};
	static double y[40];
	AugParts parts;
	Work w;

	for (size_t k = 0; k < sizeof(level) / sizeof(level[0]); k++)
	{
		for (size_t n = 1; n <= 40; n++)
		{
			for (int robust = 0; robust < 2; robust++)
			{
				AugStatus status;

				for (size_t t = 0; t < n; t++)
					y[t] = k < 2 ? level[k] : level[k] * (t % 2 == 0 ? 1 : -0.7);
				begin(&w);
				status = aug_mstl(&w.cast, y, n, 2, period, robust != 0, &parts);
				CHECK(status == AUG_OK || (k >= 5 && status == AUG_NUMERIC));
				CHECK(parts.n_periods == (n <= 4 ? 0 : n <= 10 ? 1 : 2));
				for (size_t t = 0; status == AUG_OK && t < n; t++)
				{
					CHECK(isfinite(parts.trend[t]) && isfinite(parts.remainder[t]));
					if (k < 2)
						CHECK_NEAR(parts.trend[t], level[k], 1e-12);
				}
				end(&w);
			}
		}
	}
}

/* ---- failures ------------------------------------------------------------------- */

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static const uint32_t period[] = {3, 7};
	const uint32_t *n_periods = arg;
	AugArena arena;
	AugCast cast = {&h->host, &arena, NULL, 1, err};
	AugParts parts;
	AugStatus status;
	double y[40];

	for (size_t t = 0; t < 40; t++)
		y[t] = t % 11 == 3 ? NAN : (double) (t * t % 17);
	aug_arena_init(&arena, &h->host);
	status = aug_mstl(&cast, y, 40, *n_periods, period, true, &parts);
	aug_arena_free(&arena);
	return status;
}

static void
failures(void)
{
	for (uint32_t n_periods = 0; n_periods <= 2; n_periods++)
	{
		CHECK(unit_fail_each(one_run, &n_periods) > 0);
		CHECK(unit_cancel_each(one_run, &n_periods) > 0);
	}
}

static const UnitTest tests[] = {
	{"golden", golden},		{"gaps", gaps},			{"strengths", strengths},
	{"extremes", extremes}, {"failures", failures},
};

UNIT_MAIN("stl", tests);
