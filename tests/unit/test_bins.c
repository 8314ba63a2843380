/*-------------------------------------------------------------------------
 *
 * test_bins.c
 *		Cut points and bins: the contract of augur.h on many distributions.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>

#include "unit.h"

#include "../../src/core/rng.h"

#define N 20000

static double values[N], copy[N], cuts[AUG_MAX_BINS];
static size_t counts[AUG_MAX_BINS];

static double
draw(AugRng *rng, int shape)
{
	double u = aug_rng_real(rng), v = aug_rng_real(rng);

	switch (shape)
	{
		case 0:
			return u;
		case 1:
			return -log(1 - u);
		case 2:
			return floor(u * 100);
		case 3: /* half zeros, the rest spread */
			return v < 0.5 ? 0 : u * 1000;
		case 4: /* a few heavy values in a spread */
			return v < 0.2 ? 10 : v < 0.4 ? 20 : v < 0.41 ? INFINITY : u * 50;
		case 5:
			return v < 0.1 ? NAN : (u - 0.5) * 1e300 * 1e8;
		case 6:
			return v < 0.3 ? -INFINITY : v < 0.6 ? INFINITY : u;
		case 7:
			return floor(u * u * 400);
		case 8:
			return 1e9 + floor(u * 5000);
		default:
			return v < 0.5 ? -0.0 : 0.0;
	}
}

/*
 * What must hold for any input: ascending finite cuts, not too many; every
 * value's bin is the number of cuts below it; no empty bin.
 */
static void
check_contract(size_t n, uint32_t max_bins, uint32_t n_cuts)
{
	bool ok = true;

	CHECK(n_cuts <= (max_bins > 0 ? max_bins - 1 : 0));
	for (uint32_t k = 0; k < n_cuts; k++)
		ok &= isfinite(cuts[k]) && (k == 0 || cuts[k - 1] < cuts[k]);
	CHECK(ok);
	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < n; i++)
	{
		uint8_t bin = aug_bin(cuts, n_cuts, copy[i]);
		uint32_t below = 0;

		if (isnan(copy[i]))
		{
			ok &= bin == AUG_MISSING_CELL;
			continue;
		}
		while (below < n_cuts && cuts[below] < copy[i])
			below++;
		ok &= bin == below;
		if (bin <= n_cuts)
			counts[bin]++;
	}
	CHECK(ok);
}

static void
test_contract(void)
{
	static const uint32_t max_bins[] = {0, 1, 2, 3, 16, 254, 255};
	static const size_t sizes[] = {0, 1, 2, 3, 10, 255, 256, 1000, N};

	for (int shape = 0; shape < 10; shape++)
	{
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		{
			for (unsigned b = 0; b < sizeof(max_bins) / sizeof(max_bins[0]); b++)
			{
				AugRng rng = aug_rng(5, (uint64_t) shape, s);
				uint32_t n_cuts;

				for (size_t i = 0; i < sizes[s]; i++)
					copy[i] = values[i] = draw(&rng, shape);
				n_cuts = aug_cuts(values, sizes[s], max_bins[b], cuts);
				check_contract(sizes[s], max_bins[b], n_cuts);
				for (uint32_t k = 0; k <= n_cuts && sizes[s] > 0 && shape < 5; k++)
				{
					if (!CHECK(counts[k] > 0))
						fprintf(stderr, "shape %d size %zu bins %u: bin %u of %u is empty\n", shape,
								sizes[s], max_bins[b], k, n_cuts);
				}
			}
		}
	}
}

/* Few distinct values: a cut half-way between each two. */
static void
test_few_values(void)
{
	double v[] = {3, 1, 2, 2, NAN, 10, 1};

	CHECK(aug_cuts(v, 7, 255, cuts) == 3);
	CHECK(cuts[0] == 1.5 && cuts[1] == 2.5 && cuts[2] == 6.5);
	CHECK(aug_bin(cuts, 3, 1.5) == 0 && aug_bin(cuts, 3, 1.6) == 1);
	CHECK(aug_bin(cuts, 3, -INFINITY) == 0 && aug_bin(cuts, 3, INFINITY) == 3);
	CHECK(aug_bin(cuts, 3, NAN) == AUG_MISSING_CELL);
	CHECK(aug_bin(cuts, 0, 5) == 0 && aug_bin(NULL, 0, 5) == 0);
	CHECK(aug_bin(NULL, 0, NAN) == AUG_MISSING_CELL);

	/* exactly max_bins distinct values still get a bin each */
	for (int i = 0; i < 255; i++)
		v[0] = 0, values[i] = i;
	CHECK(aug_cuts(values, 255, 255, cuts) == 254);
	CHECK(aug_bin(cuts, 254, 254) == 254);
}

static void
test_extremes(void)
{
	double v[] = {-INFINITY, -DBL_MAX, 0, DBL_MAX, INFINITY};
	double next = nextafter(1, 2);
	uint32_t n = aug_cuts(v, 5, 255, cuts);

	/* -Inf and -DBL_MAX have no finite number between them; all others do */
	CHECK(n == 4 || n == 3);
	for (uint32_t k = 0; k < n; k++)
		CHECK(isfinite(cuts[k]));
	CHECK(aug_bin(cuts, n, 0) != aug_bin(cuts, n, DBL_MAX));
	CHECK(aug_bin(cuts, n, DBL_MAX) != aug_bin(cuts, n, INFINITY));
	CHECK(aug_bin(cuts, n, -DBL_MAX) != aug_bin(cuts, n, 0));

	v[0] = 1;
	v[1] = next;
	CHECK(aug_cuts(v, 2, 255, cuts) == 1 && cuts[0] == 1);
	CHECK(aug_bin(cuts, 1, 1) == 0 && aug_bin(cuts, 1, next) == 1);
	v[0] = -DBL_MAX;
	v[1] = DBL_MAX;
	CHECK(aug_cuts(v, 2, 2, cuts) == 1 && cuts[0] == 0);
	v[0] = 0;
	v[1] = DBL_TRUE_MIN;
	CHECK(aug_cuts(v, 2, 2, cuts) == 1 && cuts[0] == 0);
	v[0] = -0.0;
	v[1] = 0.0;
	CHECK(aug_cuts(v, 2, 255, cuts) == 0);
}

/* Bins of a continuous column hold about the same number of rows. */
static void
test_balance(void)
{
	for (int shape = 0; shape < 2; shape++)
	{
		AugRng rng = aug_rng(8, (uint64_t) shape, 0);
		uint32_t n_cuts;

		for (size_t i = 0; i < N; i++)
			copy[i] = values[i] = draw(&rng, shape);
		n_cuts = aug_cuts(values, N, 100, cuts);
		CHECK(n_cuts == 99);
		check_contract(N, 100, n_cuts);
		for (uint32_t k = 0; k <= n_cuts; k++)
			CHECK(counts[k] >= 199 && counts[k] <= 201);
	}
}

/* Heavy values have a bin of their own and do not starve the others. */
static void
test_heavy_values(void)
{
	AugRng rng = aug_rng(8, 3, 0);
	uint32_t n_cuts;
	uint8_t ten, twenty;
	size_t most = 0;

	for (size_t i = 0; i < N; i++)
		copy[i] = values[i] = draw(&rng, 4);
	n_cuts = aug_cuts(values, N, 64, cuts);
	check_contract(N, 64, n_cuts);
	CHECK(n_cuts >= 60);
	ten = aug_bin(cuts, n_cuts, 10);
	twenty = aug_bin(cuts, n_cuts, 20);
	CHECK(ten != aug_bin(cuts, n_cuts, nextafter(10, 11)) || cuts[ten] > 10);
	for (uint32_t k = 0; k <= n_cuts; k++)
	{
		if (k != ten && k != twenty && counts[k] > most)
			most = counts[k];
	}
	/* 59 % of the rows over about 61 bins: 195 each */
	CHECK(most < 300);
	CHECK(counts[ten] < N * 0.23 && counts[twenty] < N * 0.23);
	{
		size_t exact = 0;

		for (size_t i = 0; i < N; i++)
			exact += copy[i] == 10;
		CHECK(counts[ten] == exact);
	}
}

/* The order of the values does not matter. */
static void
test_order(void)
{
	AugRng rng = aug_rng(8, 4, 0);
	static double other[AUG_MAX_BINS];
	uint32_t n;

	for (size_t i = 0; i < N; i++)
		values[i] = copy[N - 1 - i] = draw(&rng, 1);
	n = aug_cuts(values, N, 255, cuts);
	CHECK(aug_cuts(copy, N, 255, other) == n && n == 254);
	CHECK(memcmp(cuts, other, n * sizeof(double)) == 0);
}

static const UnitTest tests[] = {
	{"contract", test_contract}, {"few_values", test_few_values},	  {"extremes", test_extremes},
	{"balance", test_balance},	 {"heavy_values", test_heavy_values}, {"order", test_order},
};

UNIT_MAIN("bins", tests);
