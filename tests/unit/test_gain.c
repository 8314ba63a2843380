/*-------------------------------------------------------------------------
 *
 * test_gain.c
 *		By how much one model is better than another: values, coverage, edges, failures.
 *
 * tests/data/gain_golden.txt is made by make_gain_golden.py there.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"

#define N			300
#define SIMULATED	400
#define SIMULATIONS 1000

typedef struct Rows
{
	double a[N], b[N], y[N], weight[N];
	uint8_t label[N];
} Rows;

/* As make_gain_golden.py makes them. */
static void
make(Rows *r)
{
	for (int i = 0; i < N; i++)
	{
		r->label[i] = i * 37 % 11 > 6;
		r->y[i] = r->label[i];
		r->a[i] = (double) (i * 7919 % 101 + 60 * r->label[i]) / 170;
		r->b[i] = (double) ((int64_t) i * 104729 % 97 + 30 * r->label[i] + 10) / 170;
		r->weight[i] = 1 + i % 3;
	}
}

static void
check(const char *what, const AugGain *g, double sign)
{
	double v[3];

	CHECK(unit_golden("gain_golden.txt", "gain", what, v, 3) == 3);
	CHECK_NEAR(g->gain, sign * v[0], 1e-12);
	CHECK_NEAR(g->lower, sign > 0 ? v[1] : -v[2], 1e-9);
	CHECK_NEAR(g->upper, sign > 0 ? v[2] : -v[1], 1e-9);
}

static void
golden(void)
{
	static Rows r;
	double clipped[2][N], v;
	UnitHost h;
	AugGain g;
	AugError err;

	unit_host(&h);
	make(&r);
	CHECK(aug_gain_auc(&h.host, r.a, r.b, r.label, NULL, N, &g, &err) == AUG_OK);
	check("auc", &g, 1);
	CHECK(aug_gain_auc(&h.host, r.b, r.a, r.label, NULL, N, &g, &err) == AUG_OK);
	check("auc", &g, -1);
	CHECK(aug_gain_auc(&h.host, r.a, r.b, r.label, r.weight, N, &g, &err) == AUG_OK);
	CHECK(unit_golden("gain_golden.txt", "gain", "auc_weighted", &v, 1) == 1);
	CHECK_NEAR(g.gain, v, 1e-12);
	CHECK(g.lower < v && g.upper > v);
	for (int i = 0; i < N; i++)
	{
		clipped[0][i] = fmin(fmax(r.a[i], 0.01), 0.99);
		clipped[1][i] = fmin(fmax(r.b[i], 0.01), 0.99);
	}
	CHECK(aug_gain_log_loss(&h.host, clipped[0], clipped[1], NULL, N, &g, &err) == AUG_OK);
	check("log_loss", &g, 1);
	CHECK(aug_gain_rmse(&h.host, r.a, r.b, r.y, NULL, N, &g, &err) == AUG_OK);
	check("rmse", &g, 1);
	CHECK(h.live == 0);
}

static void
edges(void)
{
	static Rows r;
	double zero[N] = {0};
	UnitHost h;
	AugGain g;
	AugError err;

	unit_host(&h);
	make(&r);
	/* the same model gains nothing, for certain */
	CHECK(aug_gain_auc(&h.host, r.a, r.a, r.label, NULL, N, &g, &err) == AUG_OK);
	CHECK(g.gain == 0 && g.lower == 0 && g.upper == 0);
	CHECK(aug_gain_rmse(&h.host, r.a, r.a, r.y, NULL, N, &g, &err) == AUG_OK);
	CHECK(g.gain == 0 && g.lower == 0 && g.upper == 0);
	/* against a perfect one */
	CHECK(aug_gain_rmse(&h.host, r.y, r.a, r.y, NULL, N, &g, &err) == AUG_OK);
	CHECK(g.gain > 0 && g.lower > 0);
	CHECK(aug_gain_rmse(&h.host, zero, zero, zero, NULL, N, &g, &err) == AUG_OK && g.gain == 0);
	/* one class, one row, none */
	memset(r.label, 1, sizeof(r.label));
	CHECK(aug_gain_auc(&h.host, r.a, r.b, r.label, NULL, N, &g, &err) == AUG_OK && isnan(g.gain));
	r.label[0] = 0;
	CHECK(aug_gain_auc(&h.host, r.a, r.b, r.label, NULL, N, &g, &err) == AUG_OK);
	CHECK(!isnan(g.gain) && isnan(g.lower) && isnan(g.upper));
	CHECK(aug_gain_rmse(&h.host, r.a, r.b, r.y, NULL, 1, &g, &err) == AUG_OK && isnan(g.lower));
	CHECK(aug_gain_auc(&h.host, r.a, r.b, r.label, NULL, 0, &g, &err) == AUG_OK && isnan(g.gain));
	CHECK(aug_gain_log_loss(&h.host, r.a, r.b, NULL, 0, &g, &err) == AUG_OK && isnan(g.gain));
	CHECK(aug_gain_rmse(&h.host, r.a, r.b, r.y, NULL, 0, &g, &err) == AUG_OK && isnan(g.gain));
	CHECK(h.live == 0);
}

/* Of two models that are equally good, a 95 % interval leaves 0 out in 5 of 100 samples. */
static void
coverage(void)
{
	static double a[SIMULATED], b[SIMULATED], y[SIMULATED];
	static uint8_t label[SIMULATED];
	int out[3] = {0, 0, 0}, runs = getenv("UNIT_SHORT") != NULL ? SIMULATIONS / 10 : SIMULATIONS;
	UnitHost h;
	AugError err;

	unit_host(&h);
	for (int s = 0; s < runs; s++)
	{
		AugRng rng = aug_rng(77, (uint64_t) s, 0);
		AugGain g[3];

		for (int i = 0; i < SIMULATED; i++)
		{
			double common = aug_rng_real(&rng);

			label[i] = aug_rng_real(&rng) < 0.3;
			y[i] = label[i];
			a[i] = 0.2 + 0.3 * common + 0.2 * y[i] + 0.2 * aug_rng_real(&rng);
			b[i] = 0.2 + 0.3 * common + 0.2 * y[i] + 0.2 * aug_rng_real(&rng);
		}
		CHECK(aug_gain_auc(&h.host, a, b, label, NULL, SIMULATED, &g[0], &err) == AUG_OK);
		CHECK(aug_gain_log_loss(&h.host, a, b, NULL, SIMULATED, &g[1], &err) == AUG_OK);
		CHECK(aug_gain_rmse(&h.host, a, b, y, NULL, SIMULATED, &g[2], &err) == AUG_OK);
		for (int k = 0; k < 3; k++)
			out[k] += g[k].lower > 0 || g[k].upper < 0;
	}
	for (int k = 0; k < 3; k++)
		CHECK(out[k] >= runs * 0.03 - 3 && out[k] <= runs * 0.07 + 3);
}

static AugStatus
run_auc(UnitHost *h, void *arg, AugError *err)
{
	const Rows *r = arg;
	AugGain g;

	return aug_gain_auc(&h->host, r->a, r->b, r->label, NULL, N, &g, err);
}

static void
failures(void)
{
	static Rows r;

	make(&r);
	CHECK(unit_fail_each(run_auc, &r) == 5);
}

static const UnitTest tests[] = {
	{"golden", golden},
	{"edges", edges},
	{"coverage", coverage},
	{"failures", failures},
};

UNIT_MAIN("gain", tests);
