/*-------------------------------------------------------------------------
 *
 * test_stats.c
 *		Distances between distributions and tests whether they differ, against SciPy
 *		(tests/data/stats_golden.txt).
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#define FILE_NAME "stats_golden.txt"
#define MAX_ROWS  100000
#define MAX_CELLS 64

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

/* A sample as make_stats_golden.py makes it; how: a, c, d, n, shift. */
static size_t
make(const double *how, double *x)
{
	size_t n = (size_t) how[3];

	for (size_t i = 0; i < n; i++)
		x[i] = (double) ((uint64_t) i * (uint64_t) how[0] % (uint64_t) how[1]) / how[2] + how[4];
	qsort(x, n, sizeof(double), ascending);
	return n;
}

static void
golden(const char *name, const char *what, double *v, size_t n)
{
	CHECK(unit_golden(FILE_NAME, name, what, v, n) == n);
}

static void
samples(void)
{
	static const char *const cases[] = {"close", "ties",   "small", "large",
										"far",	 "uneven", "huge",	"one"};
	static double x[MAX_ROWS], y[MAX_ROWS];

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		double made[10], w, ks[2];
		size_t n, m;
		UnitHost h;
		AugTest t, back;
		AugError err;

		unit_host(&h);
		golden(cases[c], "made", made, 10);
		golden(cases[c], "wasserstein", &w, 1);
		golden(cases[c], "ks", ks, 2);
		n = make(made, x);
		m = make(made + 5, y);
		CHECK_NEAR(aug_wasserstein(x, n, y, m), w, 1e-12 * (1 + w));
		CHECK_NEAR(aug_wasserstein(y, m, x, n), w, 1e-12 * (1 + w));
		CHECK(aug_ks_test(&h.host, x, n, y, m, &t, &err) == AUG_OK);
		CHECK(aug_ks_test(&h.host, y, m, x, n, &back, &err) == AUG_OK);
		CHECK_NEAR(t.statistic, ks[0], 1e-14);
		CHECK_NEAR(t.p, ks[1], 1e-9);
		CHECK_NEAR(back.p, t.p, 1e-14);
		/* small ones keep their digits, which the difference to 1 would lose */
		if (ks[1] > 0 && n <= 10000)
			CHECK_NEAR(t.p / ks[1], 1, 1e-7);
		CHECK(aug_ks_test(&h.host, x, n, x, n, &t, &err) == AUG_OK && t.statistic == 0 && t.p == 1);
		CHECK(aug_wasserstein(x, n, x, n) == 0);
		CHECK(h.live == 0);
	}
}

static void
cells(void)
{
	static const char *const cases[] = {"cells", "same", "weights", "apart", "many"};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		double p[MAX_CELLS], q[MAX_CELLS], v, chi[3];
		size_t n = unit_golden(FILE_NAME, cases[c], "p", p, MAX_CELLS);
		AugDistances d;
		AugTest t;

		CHECK(n > 1 && unit_golden(FILE_NAME, cases[c], "q", q, MAX_CELLS) == n);
		aug_distances(p, q, n, &d);
		golden(cases[c], "psi", &v, 1);
		CHECK_NEAR(d.psi, v, 1e-12);
		golden(cases[c], "kl", &v, 1);
		CHECK(isinf(v) ? isinf(d.kl) : fabs(d.kl - v) < 1e-12);
		golden(cases[c], "js", &v, 1);
		CHECK_NEAR(d.js_distance, v, 1e-9);
		golden(cases[c], "hellinger", &v, 1);
		CHECK_NEAR(d.hellinger, v, 1e-9);
		golden(cases[c], "tv", &v, 1);
		CHECK_NEAR(d.total_variation, v, 1e-14);
		if (strcmp(cases[c], "weights") == 0)
			continue;
		golden(cases[c], "chi", chi, 3);
		aug_chi_square_test(p, q, n, &t);
		CHECK_NEAR(t.statistic, chi[0], 1e-9 * (1 + chi[0]));
		CHECK_NEAR(t.p, chi[1], 1e-10);
		CHECK(t.df == chi[2]);
	}
}

static void
odd_cells(void)
{
	double p[] = {1, 2, 0}, none[] = {0, 0, 0};
	AugDistances d;
	AugTest t;

	aug_distances(p, none, 3, &d);
	CHECK(isnan(d.psi) && isnan(d.kl) && isnan(d.js_distance) && isnan(d.hellinger) &&
		  isnan(d.total_variation));
	aug_chi_square_test(p, none, 3, &t);
	CHECK(isnan(t.statistic) && isnan(t.p));
	aug_chi_square_test(p, p, 1, &t);
	CHECK(isnan(t.p));
	aug_distances(p, p, 3, &d);
	CHECK(d.psi == 0 && d.kl == 0 && d.js_distance == 0 && d.hellinger == 0 &&
		  d.total_variation == 0);
	aug_share_test(0, 10, 0, 20, &t);
	CHECK(t.statistic == 0 && t.p == 1);
	aug_share_test(0, 0, 1, 2, &t);
	CHECK(isnan(t.p));
}

static void
shares_and_adjusted(void)
{
	static const char *const cases[] = {"5_100", "0_50", "400000_1000000"};
	double p[8], wanted[8];
	uint32_t order[8];
	AugTest t;

	for (int c = 0; c < 3; c++)
	{
		double v[6];

		golden("share", cases[c], v, 6);
		aug_share_test(v[0], v[1], v[2], v[3], &t);
		CHECK_NEAR(t.statistic, v[4], 1e-12);
		CHECK_NEAR(t.p, v[5], 1e-12);
	}
	golden("adjust", "p", p, 7);
	golden("adjust", "adjusted", wanted, 7);
	aug_adjust_p(p, 7, order);
	for (int i = 0; i < 7; i++)
		CHECK_NEAR(p[i], wanted[i], 1e-15);
	/* what was not tested takes no part */
	golden("adjust", "p", p, 7);
	memmove(p + 3, p + 2, 5 * sizeof(double));
	p[2] = NAN;
	aug_adjust_p(p, 8, order);
	for (int i = 0; i < 8; i++)
		CHECK(i == 2 ? isnan(p[i]) : fabs(p[i] - wanted[i > 2 ? i - 1 : i]) < 1e-15);
	aug_adjust_p(p, 0, order);
}

/* PSI's law under no change against the quantile of chi-square (SciPy). */
static void
null_quantiles(void)
{
	static const int dfs[] = {1, 4, 9, 99, 1000};
	static const char *const alphas[] = {"0.5", "0.05", "0.001", "1e-09"};

	for (int i = 0; i < 5; i++)
	{
		for (int k = 0; k < 4; k++)
		{
			char name[32];
			double v[3];
			size_t n_cells = (size_t) dfs[i] + 1;

			snprintf(name, sizeof(name), "%d_%s", dfs[i], alphas[k]);
			golden("chi2", name, v, 3);
			CHECK_NEAR(aug_null_quantile(AUG_DISTANCE_PSI, 200, 300, n_cells, v[1]) / v[2],
					   1.0 / 200 + 1.0 / 300, 1e-11);
			CHECK_NEAR(aug_null_quantile(AUG_DISTANCE_JS, 200, 300, n_cells, v[1]),
					   sqrt((1.0 / 200 + 1.0 / 300) / 8 * v[2]), 1e-10);
		}
	}
	CHECK(isnan(aug_null_quantile(AUG_DISTANCE_PSI, 200, 300, 1, 0.05)));
	CHECK(isnan(aug_null_quantile(AUG_DISTANCE_PSI, 0, 300, 5, 0.05)));
}

static void
edges(void)
{
	double x[100], edge[9], count[10];
	size_t n;

	for (int i = 0; i < 100; i++)
		x[i] = i;
	n = aug_quantile_edges(x, 100, 10, edge);
	CHECK(n == 9 && edge[0] == 9 && edge[8] == 89);
	aug_cell_counts(x, 100, edge, n, count);
	for (int i = 0; i < 10; i++)
		CHECK(count[i] == 10);
	/* one value has a cell of its own, and a constant has one cell */
	for (int i = 0; i < 60; i++)
		x[i] = 0;
	n = aug_quantile_edges(x, 100, 10, edge);
	CHECK(n == 4 && edge[0] == 0);
	aug_cell_counts(x, 100, edge, n, count);
	CHECK(count[0] == 60);
	for (int i = 0; i < 100; i++)
		x[i] = 3;
	CHECK(aug_quantile_edges(x, 100, 10, edge) == 0);
	CHECK(aug_quantile_edges(x, 0, 10, edge) == 0);
	CHECK(aug_quantile_edges(x, 1, 10, edge) == 0);
	aug_cell_counts(x, 100, edge, 0, count);
	CHECK(count[0] == 100);
}

static AugStatus
run_ks(UnitHost *h, void *arg, AugError *err)
{
	double x[300], y[200];
	AugTest t;

	(void) arg;
	for (int i = 0; i < 300; i++)
		x[i] = i;
	for (int i = 0; i < 200; i++)
		y[i] = i * 1.6;
	return aug_ks_test(&h->host, x, 300, y, 200, &t, err);
}

static void
failures(void)
{
	CHECK(unit_fail_each(run_ks, NULL) > 0);
	CHECK(unit_cancel_each(run_ks, NULL) > 0);
}

static const UnitTest tests[] = {
	{"samples", samples},
	{"cells", cells},
	{"odd cells", odd_cells},
	{"shares and adjusted p", shares_and_adjusted},
	{"null quantiles", null_quantiles},
	{"edges", edges},
	{"failures", failures},
};

UNIT_MAIN("stats", tests);
