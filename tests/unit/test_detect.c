/*
 * Which seasons a series has: candidates confirmed and refused, lengths found, error rates.
 */
#include "unit.h"

#define MOST 2000

static double
uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return ((double) (*state >> 11) + 0.5) / 9007199254740992.0;
}

static double
noise(uint64_t *state)
{
	double r = sqrt(-2 * log(uniform(state)));

	return r * cos(6.283185307179586 * uniform(state));
}

/* Sine of the day, level of the week's days, noise of the given size on a slow walk. */
static void
hours(double *y, size_t n, bool weekly, double size, uint64_t *state)
{
	double walk = 0;

	for (size_t t = 0; t < n; t++)
	{
		walk += 0.05 * noise(state);
		y[t] = 10 + walk + sin(6.283185307179586 * (double) t / 24) + size * noise(state) +
			   (weekly && t / 24 % 7 >= 5 ? -1.5 : 0);
	}
}

static void
candidates(void)
{
	static const uint32_t both[] = {24, 168};
	static double y[MOST];
	AugSeasonFound found[AUG_MAX_CANDIDATES];
	uint64_t state = 4;
	uint32_t k;
	AugError err;
	UnitHost h;

	unit_host(&h);
	for (unsigned round = 0; round < 10; round++)
	{
		hours(y, 1000, true, 0.3, &state);
		CHECK(aug_seasonality(&h.host, y, 1000, 2, both, found, &k, &err) == AUG_OK);
		CHECK(k == 2 && found[0].accepted && found[1].accepted);
		CHECK(found[0].period == 24 && found[0].strength > 0.64);
		CHECK(found[0].autocorrelation > 0.5 && found[0].p_value < 1e-4);
		/* 168 is a multiple of 24, and that alone must not make it a season */
		hours(y, 1000, false, 0.3, &state);
		CHECK(aug_seasonality(&h.host, y, 1000, 2, both, found, &k, &err) == AUG_OK);
		CHECK(k == 2 && found[0].accepted && !found[1].accepted);
	}
	/* too short for the test, and for STL */
	CHECK(aug_seasonality(&h.host, y, 400, 2, both, found, &k, &err) == AUG_OK);
	CHECK(isnan(found[1].p_value) && !isnan(found[1].strength));
	CHECK(aug_seasonality(&h.host, y, 300, 2, both, found, &k, &err) == AUG_OK);
	CHECK(isnan(found[1].strength) && !found[1].accepted);
	CHECK(h.live == 0);
}

static void
search(void)
{
	static double y[MOST];
	AugSeasonFound found[AUG_MAX_CANDIDATES];
	uint64_t state = 14;
	uint32_t k, right = 0;
	AugError err;
	UnitHost h;

	unit_host(&h);
	for (unsigned round = 0; round < 20; round++)
	{
		hours(y, 960, true, 0.3, &state);
		y[17] = NAN;
		CHECK(aug_seasonality(&h.host, y, 960, 0, NULL, found, &k, &err) == AUG_OK);
		right += k >= 1 && found[0].period == 24 && found[0].accepted;
	}
	CHECK(right >= 19);
	right = 0;
	for (unsigned round = 0; round < 20; round++)
	{
		static const double shape[] = {3, 1, 0, 2, 5, 8, 9, 7, 4, 2, 1, 4};

		for (size_t t = 0; t < 120; t++)
			y[t] = 0.2 * (double) t + shape[t % 12] + noise(&state);
		CHECK(aug_seasonality(&h.host, y, 120, 0, NULL, found, &k, &err) == AUG_OK);
		right += k == 1 && found[0].period == 12;
	}
	CHECK(right >= 18);
	CHECK(h.live == 0);
}

/* Series without a season: noise, noise with memory, walks, trends. */
static void
false_alarms(void)
{
	static const uint32_t candidate[] = {7};
	static double y[MOST];
	AugSeasonFound found[AUG_MAX_CANDIDATES];
	uint64_t state = 8;
	uint32_t k, confirmed = 0, searched = 0, rounds = 0;
	AugError err;
	UnitHost h;

	unit_host(&h);
	for (size_t n = 50; n <= 400; n *= 2)
	{
		for (unsigned round = 0; round < 100; round++)
		{
			static const double memory[] = {0, 0.7, 1, 0};
			double v = 0;

			for (size_t t = 0; t < n; t++)
			{
				v = memory[round % 4] * v + noise(&state);
				y[t] = v + (round % 4 == 3 ? 0.1 * (double) t : 0);
			}
			rounds++;
			CHECK(aug_seasonality(&h.host, y, n, 1, candidate, found, &k, &err) == AUG_OK);
			confirmed += found[0].accepted;
			CHECK(aug_seasonality(&h.host, y, n, 0, NULL, found, &k, &err) == AUG_OK);
			searched += k > 0;
		}
	}
	/* 5 % and 1 % by the tests' levels */
	if (!CHECK(confirmed <= rounds / 12 && searched <= rounds / 50))
		fprintf(stderr, "of %u: %u confirmed, %u found\n", rounds, confirmed, searched);
	CHECK(h.live == 0);
}

static void
extremes(void)
{
	static const double level[] = {0, 5, 1e-300, 1e150, 1e300, 1.7e308, NAN};
	static const uint32_t candidate[] = {2, 7};
	static const uint32_t wrong[] = {7, 2};
	static double y[60];
	AugSeasonFound found[AUG_MAX_CANDIDATES];
	uint32_t k;
	AugError err;
	UnitHost h;

	unit_host(&h);
	for (size_t i = 0; i < sizeof(level) / sizeof(level[0]); i++)
	{
		for (size_t n = 0; n <= 60; n++)
		{
			AugStatus status;

			for (size_t t = 0; t < n; t++)
				y[t] = level[i];
			status = aug_seasonality(&h.host, y, n, 2, candidate, found, &k, &err);
			CHECK(status == AUG_OK || (level[i] >= 1e300 && status == AUG_NUMERIC));
			CHECK(status != AUG_OK || (k == 2 && !found[0].accepted && !found[1].accepted));
			status = aug_seasonality(&h.host, y, n, 0, NULL, found, &k, &err);
			CHECK(status == AUG_OK || (level[i] >= 1e300 && status == AUG_NUMERIC));
			CHECK(k == 0);
		}
	}
	CHECK(aug_seasonality(&h.host, y, 60, 2, wrong, found, &k, &err) == AUG_INVALID);
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	static const uint32_t candidate[] = {3, 5};
	static double y[45];
	AugSeasonFound found[AUG_MAX_CANDIDATES];
	uint32_t k;

	for (size_t t = 0; t < 45; t++)
		y[t] = (double) (t % 5 == 2) * 9 + (double) (t * t % 7);
	return aug_seasonality(&h->host, y, 45, arg == NULL ? 0 : 2, candidate, found, &k, err);
}

static void
failures(void)
{
	char with = 1;

	CHECK(unit_fail_each(one_run, NULL) > 0);
	CHECK(unit_cancel_each(one_run, NULL) > 0);
	CHECK(unit_fail_each(one_run, &with) > 0);
	CHECK(unit_cancel_each(one_run, &with) > 0);
}

static const UnitTest tests[] = {
	{"candidates", candidates}, {"search", search},		{"false alarms", false_alarms},
	{"extremes", extremes},		{"failures", failures},
};

UNIT_MAIN("detect", tests);
