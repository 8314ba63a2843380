/*
 * Seasonality test, classical decomposition and adjustment, against R's figures
 * (tests/data/make_forecast_golden.R).
 */
#include "unit.h"

#include "../../src/core/forecast/season.h"

#define ROOM 200

typedef struct Room
{
	UnitHost host;
	AugArena arena;
	AugError err;
	AugCast cast;
} Room;

static void
open_room(Room *r)
{
	unit_host(&r->host);
	aug_arena_init(&r->arena, &r->host.host);
	r->cast = (AugCast){&r->host.host, &r->arena, NULL, 0, &r->err};
}

static void
close_room(Room *r)
{
	aug_arena_free(&r->arena);
	CHECK(r->host.live == 0);
}

static void
golden_decomposition(void)
{
	static const char *const cases[] = {"monthly", "quarterly", "weekly7"};
	static const char *const kinds[] = {"additive", "multiplicative"};

	for (int c = 0; c < 3; c++)
	{
		double y[ROOM], expected[ROOM], trend[ROOM], index[ROOM], period, limits[2];
		size_t n = unit_golden("forecast_golden.txt", cases[c], "y", y, ROOM);
		bool usable, seasonal;
		Room r;

		open_room(&r);
		unit_golden("forecast_golden.txt", cases[c], "period", &period, 1);
		unit_golden("forecast_golden.txt", cases[c], "test", limits, 2);
		CHECK(aug_season_test(&r.cast, y, n, (uint32_t) period, &seasonal) == AUG_OK);
		CHECK(seasonal == (fabs(limits[0]) > limits[1]));
		for (int k = 0; k < 2; k++)
		{
			char what[64];

			CHECK(aug_season_indices(&r.cast, y, n, (uint32_t) period,
									 k == 0 ? AUG_SEASON_ADDITIVE : AUG_SEASON_MULTIPLICATIVE,
									 index, trend, &usable) == AUG_OK);
			CHECK(usable);
			snprintf(what, sizeof(what), "index_%s", kinds[k]);
			CHECK(unit_golden("forecast_golden.txt", cases[c], what, expected, ROOM) ==
				  (size_t) period);
			for (size_t i = 0; i < (size_t) period; i++)
				CHECK_NEAR(index[i], expected[i], 1e-12);
			snprintf(what, sizeof(what), "trend_%s", kinds[k]);
			CHECK(unit_golden("forecast_golden.txt", cases[c], what, expected, ROOM) == n);
			for (size_t t = 0; t < n; t++)
				CHECK_NEAR(trend[t], expected[t], 1e-12);
		}
		close_room(&r);
	}
}

/* The limit itself, by the formula, on series with and without a season. */
static void
season_test(void)
{
	double y[ROOM];
	bool seasonal;
	Room r;

	open_room(&r);
	for (int t = 0; t < 60; t++)
		y[t] = t % 12 == 0 ? 5 : 1;
	CHECK(aug_season_test(&r.cast, y, 60, 12, &seasonal) == AUG_OK && seasonal);
	CHECK(aug_season_test(&r.cast, y, 35, 12, &seasonal) == AUG_OK && !seasonal); /* n < 3 m */
	CHECK(aug_season_test(&r.cast, y, 60, 1, &seasonal) == AUG_OK && !seasonal);
	for (int t = 0; t < 60; t++) /* period 5 has no lag-12 correlation to speak of */
		y[t] = t % 5;
	CHECK(aug_season_test(&r.cast, y, 60, 12, &seasonal) == AUG_OK && !seasonal);
	CHECK(aug_season_test(&r.cast, y, 60, 5, &seasonal) == AUG_OK && seasonal);
	for (int t = 0; t < 60; t++)
		y[t] = 0.1;
	CHECK(aug_season_test(&r.cast, y, 60, 12, &seasonal) == AUG_OK && !seasonal);
	close_room(&r);
}

static void
kinds_of_adjustment(void)
{
	double y[60], out[60];
	AugSeries s = {.n = 60, .y = y, .n_periods = 2, .period = {4, 11}};
	AugSeason season;
	Room r;

	open_room(&r);
	for (int t = 0; t < 60; t++)
		y[t] = (10 + t) * (t % 4 == 1 ? 2 : 1);
	CHECK(aug_season_find(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_MULTIPLICATIVE && season.period == 4);
	aug_season_remove(&season, y, 60, 0, out);
	aug_season_restore(&season, out + 7, 53, 7, out + 7);
	for (int t = 7; t < 60; t++)
		CHECK_NEAR(out[t], y[t], 1e-15);
	CHECK(aug_season_find(&r.cast, y, 60, &s, AUG_SEASON_ADDITIVE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_ADDITIVE);
	y[30] = 0; /* ratios have no meaning any more */
	CHECK(aug_season_find(&r.cast, y, 60, &s, AUG_SEASON_MULTIPLICATIVE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_ADDITIVE);
	for (int t = 0; t < 60; t++)
		y[t] = t % 11 == 3 ? -4 : t % 11;
	s.n_periods = 1;
	s.period[0] = 11;
	CHECK(aug_season_find(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_ADDITIVE && season.period == 11);
	for (int t = 0; t < 60; t++)
		y[t] = 2 + sin(0.7 * t * t);
	CHECK(aug_season_find(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_NONE);
	close_room(&r);
}

/* Indices shrink by the noise in them: not at all, in part, or to nothing. */
static void
shrunken(void)
{
	double y[60], plain[4], sum = 0;
	AugSeries s = {.n = 60, .y = y, .n_periods = 1, .period = {4}};
	AugSeason season;
	bool usable;
	Room r;

	open_room(&r);
	for (int t = 0; t < 60; t++)
		y[t] = t % 4 + 1 - 3; /* not positive: additive */
	CHECK(aug_season_shrunken(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_ADDITIVE && season.period == 4);
	for (int i = 0; season.kind != AUG_SEASON_NONE && i < 4; i++)
		CHECK_NEAR(season.index[i], i - 1.5, 1e-12);
	for (int t = 0; t < 60; t++)
		y[t] = 20 + t % 4 + 1.5 * sin(12.9898 * t * t);
	CHECK(aug_season_shrunken(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_MULTIPLICATIVE);
	CHECK(aug_season_indices(&r.cast, y, 60, 4, AUG_SEASON_MULTIPLICATIVE, plain, NULL, &usable) ==
		  AUG_OK);
	for (int i = 0; season.kind != AUG_SEASON_NONE && i < 4; i++)
	{
		CHECK(season.index[i] > 0.9 && season.index[i] < 1.1);
		CHECK(fabs(season.index[i] - 1) < fabs(plain[i] - 1) + 0.01);
		sum += season.index[i];
	}
	CHECK_NEAR(sum, 4, 1e-12);
	CHECK(aug_season_shrunken(&r.cast, y, 60, &s, AUG_SEASON_ADDITIVE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_ADDITIVE);
	/* two cycles tell nothing of the noise, nor does a season that is none */
	CHECK(aug_season_shrunken(&r.cast, y, 11, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_NONE);
	for (int t = 0; t < 60; t++)
		y[t] = 5 + t % 5; /* the same mean at each position, near enough */
	CHECK(aug_season_shrunken(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	CHECK(season.kind == AUG_SEASON_NONE);
	y[7] = 1e300;
	CHECK(aug_season_shrunken(&r.cast, y, 60, &s, AUG_SEASON_NONE, &season) == AUG_OK);
	close_room(&r);
}

/* A value larger than all others together harms only what it is part of. */
static void
huge_value(void)
{
	double y[48], trend[48], index[4];
	bool usable;
	Room r;

	open_room(&r);
	for (int t = 0; t < 48; t++)
		y[t] = t == 8 ? 1e200 : t % 4 + 1;
	CHECK(aug_season_indices(&r.cast, y, 48, 4, AUG_SEASON_ADDITIVE, index, trend, &usable) ==
		  AUG_OK);
	CHECK_NEAR(trend[5], 2.5, 1e-15);
	CHECK_NEAR(trend[11], 2.5, 1e-15);
	CHECK(trend[9] > 1e199);
	close_room(&r);
}

static AugStatus
adjust_once(UnitHost *h, void *arg, AugError *err)
{
	double y[60];
	AugSeries s = {.n = 60, .y = y, .n_periods = 1, .period = {4}};
	AugArena arena;
	AugCast cast = {&h->host, &arena, NULL, 0, err};
	AugAdjusted a;
	AugFitted out = {0};
	AugStatus status;

	(void) arg;
	for (int t = 0; t < 60; t++)
		y[t] = t % 4 + 1;
	aug_arena_init(&arena, &h->host);
	status = aug_adjust(&cast, &s, AUG_ADJUST_TESTED, NULL, AUG_KEEP_NOTHING, 2, &a);
	if (status == AUG_OK)
		status = aug_adjust_form(&cast, &a, 2, &out);
	if (status == AUG_OK)
		CHECK(out.form.n_values == 6 && out.form.code[AUG_ADJUST_PERIOD] == 4);
	aug_arena_free(&arena);
	return status;
}

/* The test on a long series with a long season can be stopped. */
static AugStatus
long_test(UnitHost *h, void *arg, AugError *err)
{
	AugArena arena;
	AugCast cast = {&h->host, &arena, NULL, 0, err};
	double *y = arg;
	bool seasonal;
	AugStatus status;

	aug_arena_init(&arena, &h->host);
	status = aug_season_test(&cast, y, 20000, 1000, &seasonal);
	aug_arena_free(&arena);
	return status;
}

static void
failures(void)
{
	double *y = malloc(20000 * sizeof(double));

	CHECK(unit_fail_each(adjust_once, NULL) > 0);
	for (int t = 0; t < 20000; t++)
		y[t] = t % 1000;
	CHECK(unit_cancel_each(long_test, y) > 5);
	free(y);
}

/* Kept seasons are used as they are; damaged ones are refused. */
static void
kept_season(void)
{
	double y[60], values[5] = {7, 1, 2, 0.5, 0.5};
	AugSeries s = {.n = 60, .y = y, .n_periods = 1, .period = {4}};
	AugForm form = {.code = {AUG_SEASON_MULTIPLICATIVE, 4}, .n_values = 5, .values = values};
	AugAdjusted a;
	Room r;

	open_room(&r);
	for (int t = 0; t < 60; t++)
		y[t] = t + 1;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_ALL, 1, &a) == AUG_OK);
	CHECK_NEAR(a.y[1], 1, 0);
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_FORM, 1, &a) == AUG_OK);
	CHECK(a.season.kind == AUG_SEASON_MULTIPLICATIVE);
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_ALL, 2, &a) == AUG_CORRUPT);
	values[2] = -1;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_ALL, 1, &a) == AUG_CORRUPT);
	values[2] = INFINITY;
	form.code[0] = AUG_SEASON_ADDITIVE;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_ALL, 1, &a) == AUG_CORRUPT);
	values[2] = 2;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_ALL, 1, &a) == AUG_OK);
	form.code[0] = 3;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_FORM, 1, &a) == AUG_CORRUPT);
	form.code[0] = 1;
	form.code[1] = 5;
	CHECK(aug_adjust(&r.cast, &s, AUG_ADJUST_TESTED, &form, AUG_KEEP_FORM, 1, &a) == AUG_CORRUPT);
	close_room(&r);
}

static const UnitTest tests[] = {
	{"golden decomposition", golden_decomposition},
	{"season test", season_test},
	{"kinds of adjustment", kinds_of_adjustment},
	{"shrunken indices", shrunken},
	{"huge value", huge_value},
	{"kept season", kept_season},
	{"failures", failures},
};

UNIT_MAIN("season", tests);
