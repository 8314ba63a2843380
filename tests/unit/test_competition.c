/*
 * Published scores of the M competitions, reproduced: Makridakis, Spiliotis, Assimakopoulos 2020
 * (M4, the organisers' workbook).  The series are not part of the project: they are read from
 * AUGUR_SHARED_DATA (see tests/bench/forecast), and the test is passed over without them.
 */
#define main bench_forecast_main
#include "../bench/core/bench_forecast.c"
#undef main

#include "unit.h"

#define SAME 0.005 /* half a digit of the published figures, and a little for optimisers */

typedef struct Published
{
	const char *set, *method;
	double smape, mase;
} Published;

/* naive2 comes first in each set: the benchmark runs it anyway */
static const Published m4_weekly[] = {
	{"m4_weekly", "naive2", 9.161, 2.777},
	{"m4_weekly", "ses", 9.012, 2.685},
	{"m4_weekly", "theta", 9.093, 2.637},
};
static const Published m4_hourly[] = {
	{"m4_hourly", "naive2", 18.383, 2.395},
	{"m4_hourly", "ses", 18.094, 2.385},
	{"m4_hourly", "theta", 18.138, 2.455},
};

/* Means over all series; false when the set is not there. */
static bool
scores(const char *set, uint32_t n, const char *const *methods, double *smape, double *mase)
{
	const char *shared = getenv("AUGUR_SHARED_DATA");
	char path[1024], file[1100];
	Bench b = {.jobs = 1, .every = 1};

	snprintf(path, sizeof(path), "%s/forecast/%s", shared == NULL ? "" : shared, set);
	snprintf(file, sizeof(file), "%s_meta.csv.gz", path);
	if (shared == NULL || access(file, R_OK) != 0 || getenv("UNIT_SHORT") != NULL)
	{
		fprintf(stderr, "competition: %s passed over: AUGUR_SHARED_DATA has no such series\n", set);
		return false;
	}
	b.set = path;
	b.n_methods = n;
	memcpy(b.methods, methods, n * sizeof(methods[0]));
	read_meta(&b);
	qsort(b.series, b.n_series, sizeof(Series), by_id);
	read_values(&b, "train");
	read_values(&b, "test");
	choose(&b);
	run_all(&b);
	for (uint32_t k = 0; k < n; k++)
	{
		Mean s = {0, 0}, m = {0, 0};

		for (size_t i = 0; i < b.n_series; i++)
		{
			add(&s, b.scores[k * b.n_series + i].smape);
			add(&m, b.scores[k * b.n_series + i].mase);
		}
		smape[k] = mean(&s);
		mase[k] = mean(&m);
	}
	for (size_t i = 0; i < b.n_series; i++)
	{
		free(b.series[i].y);
		free(b.series[i].test);
	}
	munmap(b.scores, (size_t) n * b.n_series * sizeof(Score));
	free(b.series);
	return true;
}

static void
check_published(const Published *rows, uint32_t n)
{
	const char *methods[3] = {NULL};
	double smape[3] = {0}, mase[3] = {0};

	for (uint32_t k = 0; k < n; k++)
		methods[k] = rows[k].method;
	if (!scores(rows[0].set, n, methods, smape, mase))
		return;
	for (uint32_t k = 0; k < n; k++)
	{
		CHECK(fabs(smape[k] - rows[k].smape) <= SAME);
		CHECK(fabs(mase[k] - rows[k].mase) <= SAME);
	}
}

static void
weekly(void)
{
	check_published(m4_weekly, 3);
}

static void
hourly(void)
{
	check_published(m4_hourly, 3);
}

/* Below the winner of M3, Theta, whose archived forecasts score 12.76 and 1.395, OWA 0.852. */
static void
m3(void)
{
	static const char *const methods[] = {"naive2", "dotm"};
	double smape[2], mase[2];

	if (!scores("m3", 2, methods, smape, mase))
		return;
	CHECK(fabs(smape[0] - 14.70) <= SAME);
	CHECK(fabs(mase[0] - 1.669) <= SAME);
	CHECK((smape[1] / smape[0] + mase[1] / mase[0]) / 2 <= 0.835);
}

static const UnitTest tests[] = {
	{"weekly", weekly},
	{"hourly", hourly},
	{"m3", m3},
};

UNIT_MAIN("competition", tests);
