/*
 * Reconciliation: hierarchicalforecast's figures (tests/data/make_hierarchy_golden.py), small trees
 * by hand, both ways of MinT against each other, refusals, failures.
 */
#include "unit.h"

#define NODES 12
#define ROOM  1000

static const char golden[] = "hierarchy_golden.txt";
static const AugReconcile hows[] = {AUG_RECONCILE_BOTTOM_UP, AUG_RECONCILE_TOP_DOWN,
									AUG_RECONCILE_DIAGONAL, AUG_RECONCILE_SHRUNK};
static const char *const names[] = {"bottom_up", "top_down", "diagonal", "shrunk"};
#define N_HOWS 4

typedef struct Case
{
	uint32_t parent[NODES];
	double base[ROOM], residuals[ROOM];
	AugHierarchy h;
} Case;

static void
load(const char *name, Case *c)
{
	double parent[NODES];
	uint32_t nodes = (uint32_t) unit_golden(golden, name, "parent", parent, NODES);

	for (uint32_t i = 0; i < nodes; i++)
		c->parent[i] = parent[i] < 0 ? AUG_NO_PARENT : (uint32_t) parent[i];
	c->h = (AugHierarchy){
		.n_nodes = nodes, .parent = c->parent, .base = c->base, .residuals = c->residuals};
	c->h.horizon = (uint32_t) unit_golden(golden, name, "base", c->base, ROOM) / nodes;
	c->h.n = unit_golden(golden, name, "residuals", c->residuals, ROOM) / nodes;
}

/* Every node is the sum of its children. */
static void
adds_up(const AugHierarchy *h, const double *y)
{
	for (uint32_t i = 0; i < h->n_nodes; i++)
	{
		for (uint32_t s = 0; s < h->horizon; s++)
		{
			double sum = 0;
			bool inner = false;

			for (uint32_t c = 0; c < h->n_nodes; c++)
			{
				if (h->parent[c] != i)
					continue;
				inner = true;
				sum += y[c * h->horizon + s];
			}
			if (inner)
				CHECK_NEAR(y[i * h->horizon + s], sum, 1e-13);
		}
	}
}

/* The golden file has the roots of diag(W - W C' (C W C')^-1 C W) / diag W for MinT. */
static void
check_spread(const char *name, const char *how, const AugHierarchy *h, const double *spread)
{
	double peer[NODES];
	char line[64];

	snprintf(line, sizeof(line), "%s_spread", how);
	if (strcmp(how, "diagonal") != 0 && strcmp(how, "shrunk") != 0)
	{
		for (uint32_t i = 0; i < h->n_nodes; i++)
			CHECK(spread[i] == 1);
		return;
	}
	CHECK(unit_golden(golden, name, line, peer, NODES) == h->n_nodes);
	for (uint32_t i = 0; i < h->n_nodes; i++)
		CHECK_NEAR(spread[i], peer[i], 1e-7);
}

static void
equal_peer(void)
{
	static const char *const cases[] = {"two", "balanced", "short"};
	UnitHost h;
	AugError err;

	unit_host(&h);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
	{
		Case c;

		load(cases[k], &c);
		for (size_t m = 0; m < N_HOWS; m++)
		{
			double out[ROOM], peer[ROOM], spread[NODES];
			size_t n = unit_golden(golden, cases[k], names[m], peer, ROOM);

			CHECK(n == (size_t) c.h.n_nodes * c.h.horizon);
			CHECK(aug_reconcile(&h.host, &c.h, hows[m], out, spread, &err) == AUG_OK);
			for (size_t i = 0; i < n; i++)
				CHECK_NEAR(out[i], peer[i], 1e-7); /* the peer adds 2e-8 to variances */
			adds_up(&c.h, out);
			check_spread(cases[k], names[m], &c.h, spread);
		}
	}
	CHECK(h.live == 0);
}

/* A total of 10 over 4 and 3, with error variances 1, 2, 1: the 3 missing are dealt 1 : 2 : 1. */
static void
by_hand(void)
{
	static const uint32_t parent[] = {2, 2, AUG_NO_PARENT};
	static const double base[] = {4, 3, 10};
	static const double residuals[] = {2, -2, NAN, NAN, 2, 0, 2, 0, 1, -1, 1, NAN};
	AugHierarchy t = {
		.n_nodes = 3, .parent = parent, .horizon = 1, .base = base, .n = 4, .residuals = residuals};
	double out[3];
	UnitHost h;
	AugError err;

	unit_host(&h);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_BOTTOM_UP, out, NULL, &err) == AUG_OK);
	CHECK_NEAR(out[2], 7, 0);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_TOP_DOWN, out, NULL, &err) == AUG_OK);
	CHECK_NEAR(out[0], 40.0 / 7, 1e-15);
	CHECK_NEAR(out[1], 30.0 / 7, 1e-15);
	/* mean squares 4, 2, 1 */
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_DIAGONAL, out, NULL, &err) == AUG_OK);
	CHECK_NEAR(out[0], 4 + 3 * 4.0 / 7, 1e-14);
	CHECK_NEAR(out[1], 3 + 3 * 2.0 / 7, 1e-14);
	CHECK_NEAR(out[2], 10 - 3 * 1.0 / 7, 1e-14);
	/* no residuals: all alike */
	t.n = 0;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_DIAGONAL, out, NULL, &err) == AUG_OK);
	CHECK_NEAR(out[2], 9, 1e-15);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_SHRUNK, out, NULL, &err) == AUG_OK);
	CHECK_NEAR(out[2], 9, 1e-15);
	CHECK(h.live == 0);
}

/* Without correlations to be seen both ways of MinT are one; a forest is many trees. */
static void
two_ways(void)
{
	static const uint32_t parent[] = {AUG_NO_PARENT, 0, 0, 1, 1, 4, AUG_NO_PARENT, 6,
									  AUG_NO_PARENT};
	double base[18], residuals[9 * 16], one[18], other[18];
	AugHierarchy t = {.n_nodes = 9,
					  .parent = parent,
					  .horizon = 2,
					  .base = base,
					  .n = 16,
					  .residuals = residuals};
	UnitHost h;
	AugError err;

	unit_host(&h);
	for (int i = 0; i < 18; i++)
		base[i] = 10 * sin(i + 1) + 3;
	/* orthogonal rows of +-1 with sum 0 */
	for (int i = 0; i < 9; i++)
	{
		for (int k = 0; k < 16; k++)
		{
			int odd = 0;

			for (int bits = (i + 1) & k; bits != 0; bits >>= 1)
				odd ^= bits & 1;
			residuals[i * 16 + k] = (odd ? 1 : -1) * (1 + i % 4);
		}
	}
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_DIAGONAL, one, NULL, &err) == AUG_OK);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_SHRUNK, other, NULL, &err) == AUG_OK);
	for (int i = 0; i < 18; i++)
		CHECK_NEAR(one[i], other[i], 1e-12);
	adds_up(&t, one);
	CHECK(one[16] == base[16] && one[17] == base[17]);
	/* forecasts that add up stay */
	memcpy(base, one, sizeof(base));
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_SHRUNK, other, NULL, &err) == AUG_OK);
	for (int i = 0; i < 18; i++)
		CHECK_NEAR(other[i], base[i], 1e-13);
	CHECK(h.live == 0);
}

static void
refusals(void)
{
	static const uint32_t circle[] = {1, 0, AUG_NO_PARENT};
	static const uint32_t self[] = {AUG_NO_PARENT, 1};
	static const uint32_t beyond[] = {AUG_NO_PARENT, 2};
	static const uint32_t tree[] = {AUG_NO_PARENT, 0, 0};
	static const double zero[] = {5, 0, 0}, bad[] = {1, NAN, 2}, huge[] = {1e200, 1, 1, 1, 1, 1};
	AugHierarchy t = {.n_nodes = 3, .parent = circle, .horizon = 1, .base = zero};
	double out[3];
	UnitHost h;
	AugError err;

	unit_host(&h);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_BOTTOM_UP, out, NULL, &err) == AUG_INVALID);
	t.n_nodes = 2;
	t.parent = self;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_BOTTOM_UP, out, NULL, &err) == AUG_INVALID);
	t.parent = beyond;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_BOTTOM_UP, out, NULL, &err) == AUG_INVALID);
	t.n_nodes = 0;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_BOTTOM_UP, out, NULL, &err) == AUG_INVALID);
	t.n_nodes = 3;
	t.parent = tree;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_TOP_DOWN, out, NULL, &err) == AUG_OK);
	CHECK(out[1] == 2.5 && out[2] == 2.5);
	t.base = bad;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_TOP_DOWN, out, NULL, &err) == AUG_DATA);
	t.base = zero;
	t.n = 2;
	t.residuals = huge;
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_DIAGONAL, out, NULL, &err) == AUG_NUMERIC);
	CHECK(aug_reconcile(&h.host, &t, AUG_RECONCILE_SHRUNK, out, NULL, &err) == AUG_NUMERIC);
	CHECK(h.live == 0);
}

static AugStatus
one_run(UnitHost *h, void *arg, AugError *err)
{
	double out[ROOM], spread[NODES];
	Case c;

	load("balanced", &c);
	return aug_reconcile(&h->host, &c.h, *(const AugReconcile *) arg, out, spread, err);
}

static void
failures(void)
{
	for (size_t m = 0; m < N_HOWS; m++)
	{
		AugReconcile how = hows[m];

		CHECK(unit_fail_each(one_run, &how) > 0);
		unit_cancel_each(one_run, &how);
	}
}

static const UnitTest tests[] = {
	{"equal peer", equal_peer}, {"by hand", by_hand},	{"two ways", two_ways},
	{"refusals", refusals},		{"failures", failures},
};

UNIT_MAIN("hierarchy", tests);
