/*
 * Minimisers: known minima, bounds, regions that are not allowed, stops, failing allocations.
 */
#include "unit.h"

#include "../../src/core/forecast/optimize.h"

typedef struct Problem
{
	UnitHost host;
	AugArena arena;
	AugError err;
	AugCast cast;
	AugSimplex simplex;
} Problem;

static void
open_problem(Problem *p, uint32_t room)
{
	unit_host(&p->host);
	aug_arena_init(&p->arena, &p->host.host);
	p->cast = (AugCast){&p->host.host, &p->arena, NULL, 0, &p->err};
	CHECK(aug_simplex_init(&p->cast, room, &p->simplex) == AUG_OK);
}

static void
close_problem(Problem *p)
{
	aug_arena_free(&p->arena);
	CHECK(p->host.live == 0);
}

static double
rosenbrock(void *arg, const double *x)
{
	double a = x[1] - x[0] * x[0], b = 1 - x[0];

	++*(int *) arg;
	return 100 * a * a + b * b;
}

/* Minimum 2 at 1, 2, ... n, curvatures from 1 to n. */
static double
bowl(void *arg, const double *x)
{
	double v = 2;

	for (int i = 0; i < *(int *) arg; i++)
		v += (i + 1) * (x[i] - i - 1) * (x[i] - i - 1);
	return v;
}

/* Not allowed right of 0.5, falling towards it. */
static double
cliff(void *arg, const double *x)
{
	(void) arg;
	return x[0] + x[1] > 0.5 ? NAN : 1 - x[0] - x[1];
}

static void
known_minima(void)
{
	static const double lo[] = {-10, -10, -10, -10, -10, -10}, hi[] = {10, 10, 10, 10, 10, 10};
	static const double step[] = {1, 1, 1, 1, 1, 1};
	Problem p;
	AugSearch s = {rosenbrock, NULL, 2, lo, hi, step, 1e-12, 5000};
	double x[6] = {-1.2, 1}, value;
	int count = 0, n = 6;

	open_problem(&p, 6);
	s.arg = &count;
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK_NEAR(x[0], 1, 1e-4);
	CHECK_NEAR(x[1], 1, 1e-4);
	CHECK_NEAR(value, 0, 1e-8);
	CHECK(count < 1500);
	memset(x, 0, sizeof(x));
	s = (AugSearch){bowl, &n, 6, lo, hi, step, 1e-12, 10000};
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	for (int i = 0; i < 6; i++)
		CHECK_NEAR(x[i], i + 1, 1e-4);
	CHECK_NEAR(value, 2, 1e-9);
	n = 1;
	x[0] = -7;
	s.n = 1;
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK_NEAR(x[0], 1, 1e-5);
	close_problem(&p);
}

static void
bounds_and_regions(void)
{
	static const double lo[] = {2, -10, 0, -10}, hi[] = {10, 1.5, 10, 10}, step[] = {3, 3, 3, 3};
	Problem p;
	int n = 4;
	AugSearch s = {bowl, &n, 4, lo, hi, step, 1e-12, 10000};
	double x[4] = {5, 0, 9, 0}, value;

	open_problem(&p, 4);
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK_NEAR(x[0], 2, 1e-9); /* bound */
	CHECK_NEAR(x[1], 1.5, 1e-9);
	CHECK_NEAR(x[2], 3, 1e-4);
	CHECK_NEAR(x[3], 4, 1e-4);
	s = (AugSearch){cliff, NULL, 2, lo + 1, hi, step, 1e-10, 5000};
	x[0] = x[1] = 0;
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK_NEAR(value, 0.5, 1e-3);
	CHECK(x[0] + x[1] <= 0.5);
	x[0] = x[1] = 1; /* nothing near is allowed */
	s.lo = hi;
	s.hi = hi;
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK(value == INFINITY);
	s.n = 0;
	n = 0;
	s.f = bowl;
	s.arg = &n;
	CHECK(aug_minimize(&p.cast, &s, &p.simplex, x, &value) == AUG_OK);
	CHECK_NEAR(value, 2, 0);
	close_problem(&p);
}

/* Local minimum near 0.2, the lower one near 0.8. */
static double
two_dips(void *arg, const double *x)
{
	(void) arg;
	return -exp(-200 * (*x - 0.2) * (*x - 0.2)) - 1.2 * exp(-200 * (*x - 0.8) * (*x - 0.8));
}

static double
line(void *arg, const double *x)
{
	return *(double *) arg * *x;
}

static void
lines(void)
{
	Problem p;
	double x, value, slope = 1;
	int n = 1;

	open_problem(&p, 1);
	CHECK(aug_minimize_line(&p.cast, bowl, &n, -3, 30, 0, 1e-9, &x, &value) == AUG_OK);
	CHECK_NEAR(x, 1, 1e-7);
	CHECK_NEAR(value, 2, 1e-12);
	CHECK(aug_minimize_line(&p.cast, two_dips, NULL, 0, 1, 9, 1e-8, &x, &value) == AUG_OK);
	CHECK_NEAR(x, 0.8, 1e-5);
	CHECK(aug_minimize_line(&p.cast, line, &slope, 0, 1, 5, 1e-8, &x, &value) == AUG_OK);
	CHECK_NEAR(x, 0, 1e-6);
	slope = -1;
	CHECK(aug_minimize_line(&p.cast, line, &slope, 0, 1, 0, 1e-8, &x, &value) == AUG_OK);
	CHECK_NEAR(x, 1, 1e-6);
	slope = NAN; /* nowhere allowed: ends, and says so */
	CHECK(aug_minimize_line(&p.cast, line, &slope, 0, 1, 5, 1e-8, &x, &value) == AUG_OK);
	CHECK(value == INFINITY);
	close_problem(&p);
}

static AugStatus
search_once(UnitHost *h, void *arg, AugError *err)
{
	static const double lo[] = {-10, -10}, hi[] = {10, 10}, first[] = {1, 1};
	AugArena arena;
	AugCast cast = {&h->host, &arena, NULL, 0, err};
	AugSimplex simplex;
	int count = 0;
	AugSearch s = {rosenbrock, &count, 2, lo, hi, first, 1e-6, 500};
	double x[2] = {0, 0}, value;
	AugStatus status;

	(void) arg;
	aug_arena_init(&arena, &h->host);
	status = aug_simplex_init(&cast, 2, &simplex);
	if (status == AUG_OK)
		status = aug_minimize(&cast, &s, &simplex, x, &value);
	if (status == AUG_OK)
		status = aug_minimize_line(&cast, two_dips, NULL, 0, 1, 5, 1e-6, x, &value);
	aug_arena_free(&arena);
	return status;
}

static void
failures(void)
{
	CHECK(unit_fail_each(search_once, NULL) > 0);
	CHECK(unit_cancel_each(search_once, NULL) > 5);
}

static const UnitTest tests[] = {
	{"known minima", known_minima},
	{"bounds and regions", bounds_and_regions},
	{"lines", lines},
	{"failures", failures},
};

UNIT_MAIN("optimize", tests);
