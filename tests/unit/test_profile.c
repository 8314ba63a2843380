/*-------------------------------------------------------------------------
 *
 * test_profile.c
 *		Profiles: what is exact, how wrong the rest is, merging, storing, comparing.
 *
 *-------------------------------------------------------------------------
 */
#include "../../src/core/artifact.h"
#include "unit.h"

#define MANY 400000

static double value[MANY], sorted[MANY];

/* ---- data --------------------------------------------------------------- */

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* Uniform in (0, 1); the i-th of a seed. */
static double
uniform(uint64_t seed, uint64_t i)
{
	return ((double) (mix(mix(seed * 0x9E3779B97F4A7C15 + 1) + i * 0xD1B54A32D192ED03) >> 11) +
			0.5) *
		   0x1p-53;
}

static double
normal(uint64_t seed, uint64_t i)
{
	return sqrt(-2 * log(uniform(seed, 2 * i))) * cos(6.283185307179586 * uniform(seed, 2 * i + 1));
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

static AugProfile *
new_profile(UnitHost *h, AugProfileKind kind)
{
	AugProfile *p;
	AugError err;

	CHECK(aug_profile_new(&h->host, kind, 7, &p, &err) == AUG_OK);
	return p;
}

static AugProfile *
of_numbers(UnitHost *h, const double *v, size_t n)
{
	AugProfile *p = new_profile(h, AUG_PROFILE_NUMBERS);
	AugError err;

	CHECK(aug_profile_add(p, v, n, &err) == AUG_OK);
	return p;
}

static void
add_word(AugProfile *p, unsigned which, uint64_t count)
{
	char text[32];
	AugError err;

	snprintf(text, sizeof(text), "label %u", which);
	CHECK(aug_profile_add_label(p, text, strlen(text), count, &err) == AUG_OK);
}

static uint8_t *
store(AugProfile *p, size_t *n)
{
	uint8_t *bytes = NULL;
	AugError err;

	CHECK(aug_profile_store(p, &bytes, n, &err) == AUG_OK);
	return bytes;
}

static AugProfileInfo
info_of(AugProfile *p)
{
	AugProfileInfo info;
	AugError err;

	CHECK(aug_profile_info(p, &info, &err) == AUG_OK);
	return info;
}

/* ---- what is exact -------------------------------------------------------- */

static void
few_numbers(void)
{
	UnitHost h;
	AugProfile *p;
	AugProfileInfo info;
	AugError err;
	double x[] = {3, -0.0, NAN, 1, INFINITY, 2, 2, 0, -1e300, 4}, q[5];
	const double share[] = {0, 0.25, 0.5, 0.9, 1}, at[] = {-1, 0, 2.5, 4, NAN};

	unit_host(&h);
	p = of_numbers(&h, x, 10);
	CHECK(aug_profile_add_nulls(p, 5, &err) == AUG_OK);
	info = info_of(p);
	CHECK(info.exact && info.tag == 7 && info.n == 7 && info.nulls == 5 && info.nans == 1);
	CHECK(info.infinite == 2 && info.distinct == 5 && info.low == 0 && info.high == 4);
	CHECK(!signbit(info.low));
	/* 0 0 1 2 2 3 4 */
	CHECK_NEAR(info.mean, 12.0 / 7, 1e-15);
	CHECK_NEAR(info.sd, 1.4960264830861911, 1e-14);
	CHECK_NEAR(info.skewness, 0.1975061960921095, 1e-14);
	CHECK_NEAR(info.kurtosis, -1.1532367587143504, 1e-14);
	CHECK(aug_profile_quantiles(p, share, 5, q, &err) == AUG_OK);
	CHECK(q[0] == 0 && q[1] == 0 && q[2] == 2 && q[3] == 4 && q[4] == 4);
	CHECK(aug_profile_ranks(p, at, 5, q, &err) == AUG_OK);
	CHECK(q[0] == 0 && q[3] == 1 && isnan(q[4]));
	CHECK_NEAR(q[1], 2.0 / 7, 1e-15);
	CHECK_NEAR(q[2], 5.0 / 7, 1e-15);
	aug_profile_free(p);

	p = new_profile(&h, AUG_PROFILE_NUMBERS);
	info = info_of(p);
	CHECK(info.n == 0 && info.distinct == 0 && isnan(info.low) && isnan(info.mean) &&
		  isnan(info.sd));
	CHECK(aug_profile_quantiles(p, share, 1, q, &err) == AUG_OK && isnan(q[0]));
	CHECK(aug_profile_ranks(p, share, 1, q, &err) == AUG_OK && isnan(q[0]));
	aug_profile_free(p);
	CHECK(h.live == 0);
}

static void
few_labels(void)
{
	UnitHost h;
	AugProfile *p;
	AugProfileInfo info;
	const AugProfileLabel *label;
	AugError err;
	char wide[300];

	unit_host(&h);
	p = new_profile(&h, AUG_PROFILE_WORDS);
	for (unsigned i = 0; i < 900; i++)
		add_word(p, i, 1 + i % 7);
	add_word(p, 3, 100);
	CHECK(aug_profile_add_label(p, "", 0, 50, &err) == AUG_OK);
	/* cut, but not within a character, and told apart by what follows */
	memset(wide, 'x', sizeof(wide));
	wide[99] = '\xC3';
	wide[100] = '\xA4';
	CHECK(aug_profile_add_label(p, wide, 200, 60, &err) == AUG_OK);
	CHECK(aug_profile_add_label(p, wide, 201, 60, &err) == AUG_OK);
	info = info_of(p);
	CHECK(info.exact && info.distinct == 903 && info.n_labels == 903 && info.other == 0);
	CHECK(aug_profile_labels(p, &label, &err) == AUG_OK);
	CHECK(label[0].count == 104 && label[0].length == 7 &&
		  memcmp(label[0].bytes, "label 3", 7) == 0);
	CHECK(label[1].count == 60 && label[1].cut && label[1].length == 99 && label[2].cut);
	CHECK(label[3].count == 50 && label[3].length == 0 && !label[3].cut);
	CHECK(aug_profile_add(p, value, 1, &err) == AUG_INTERNAL);
	aug_profile_free(p);
	CHECK(h.live == 0);
}

/* ---- how wrong the rest is -------------------------------------------------- */

/* Largest error of rank over the quantiles of a profile of value, whose order is sorted. */
static double
rank_error(AugProfile *p, size_t n, double *middle)
{
	double worst = 0, share[99], q[99];
	AugError err;

	for (size_t i = 0; i < 99; i++)
		share[i] = (double) (i + 1) / 100;
	CHECK(aug_profile_quantiles(p, share, 99, q, &err) == AUG_OK);
	for (size_t i = 0; i < 99; i++)
	{
		size_t lo = 0, hi = n;
		double rank;

		/* how many are at most q: data without ties */
		while (lo < hi)
		{
			size_t at = (lo + hi) / 2;

			if (sorted[at] <= q[i])
				lo = at + 1;
			else
				hi = at;
		}
		rank = (double) lo / (double) n;
		worst = fmax(worst, fabs(rank - share[i]));
		if (i == 49)
			*middle = rank - share[i];
	}
	return worst;
}

static void
sketch(void)
{
	static const size_t sizes[] = {3000, 20000, 100000, MANY};
	unsigned beyond = 0, runs = 0;

	for (size_t s = 0; s < 4; s++)
	{
		double squares = 0, error;
		unsigned n_seeds = s < 3 ? 60 : 20;

		for (unsigned seed = 1; seed <= n_seeds; seed++)
		{
			size_t n = sizes[s];
			UnitHost h;
			AugProfile *p;
			double middle, worst;

			unit_host(&h);
			for (size_t i = 0; i < n; i++)
				value[i] = seed % 4 == 1 ? exp(normal(seed, i)) : uniform(seed, i);
			memcpy(sorted, value, n * sizeof(double));
			qsort(sorted, n, sizeof(double), ascending);
			if (seed % 4 == 2)
				memcpy(value, sorted, n * sizeof(double));
			else if (seed % 4 == 3)
				for (size_t i = 0; i < n; i++)
					value[i] = sorted[i % 2 == 0 ? i / 2 : n - 1 - i / 2];
			p = of_numbers(&h, value, n);
			CHECK(h.bytes < 250000);
			worst = rank_error(p, n, &middle);
			beyond += worst > AUG_PROFILE_ERROR ? 1 : 0;
			squares += middle * middle;
			runs++;
			aug_profile_free(p);
			CHECK(h.live == 0);
		}
		error = sqrt(squares / n_seeds);
		/* RANK_ERROR of quantiles.c, and what its sampler adds */
		CHECK(error < (sizes[s] < 131072 ? 1.1 / AUG_PROFILE_EXACT : 0.0026));
		if (getenv("UNIT_VERBOSE") != NULL)
			printf("%zu numbers: standard error of the median's rank %.6f\n", sizes[s], error);
	}
	/* 99 % of single ranks; here it holds for all 99 together */
	CHECK(beyond <= runs / 100);
}

static void
moments(void)
{
	UnitHost h;
	AugProfile *p;
	AugProfileInfo info;
	double sum = 0, m2 = 0, m3 = 0, m4 = 0;
	size_t n = 100000;

	unit_host(&h);
	for (size_t i = 0; i < n; i++)
		value[i] = 1e9 + exp(normal(5, i));
	for (size_t i = 0; i < n; i++)
		sum += value[i] - 1e9;
	for (size_t i = 0; i < n; i++)
	{
		double d = value[i] - 1e9 - sum / (double) n;

		m2 += d * d;
		m3 += d * d * d;
		m4 += d * d * d * d;
	}
	p = of_numbers(&h, value, n);
	info = info_of(p);
	CHECK_NEAR(info.mean - 1e9, sum / (double) n, 1e-6);
	CHECK_NEAR(info.sd, sqrt(m2 / (double) (n - 1)), 1e-8);
	CHECK_NEAR(info.skewness, m3 / (double) n / pow(m2 / (double) n, 1.5), 1e-7);
	CHECK_NEAR(info.kurtosis, m4 * (double) n / (m2 * m2) - 3, 1e-7);
	aug_profile_free(p);
}

static void
distinct_numbers(void)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		for (double many = 3000; many <= 300000; many *= 10)
		{
			UnitHost h;
			AugProfile *p;

			unit_host(&h);
			for (size_t i = 0; i < MANY; i++)
				value[i] = floor(uniform(seed, i % (size_t) many) * 1e15);
			p = of_numbers(&h, value, MANY);
			CHECK_NEAR(info_of(p).distinct / many, 1, 4 * 0.023);
			aug_profile_free(p);
		}
}

/* Labels by Zipf's law: every count is within its bound, and the frequent ones are there. */
static void
many_labels(void)
{
	static uint64_t count[20000];
	UnitHost h;
	AugProfile *p, *part;
	AugProfileInfo info;
	const AugProfileLabel *label;
	AugError err;
	uint64_t n = 0;
	unsigned found = 0, frequent = 0;

	unit_host(&h);
	p = new_profile(&h, AUG_PROFILE_WORDS);
	part = new_profile(&h, AUG_PROFILE_WORDS);
	memset(count, 0, sizeof(count));
	for (unsigned i = 0; i < MANY; i++)
	{
		unsigned which = (unsigned) (20000 * pow(uniform(9, i), 3));

		count[which]++;
		add_word(i % 3 == 0 ? part : p, which, 1);
		n++;
		if (i % 50000 == 49999)
		{
			CHECK(aug_profile_merge(p, part, &err) == AUG_OK);
			aug_profile_free(part);
			part = new_profile(&h, AUG_PROFILE_WORDS);
		}
	}
	info = info_of(p);
	CHECK(info.n == n && !info.exact && info.n_labels <= AUG_PROFILE_LABELS);
	CHECK(info.label_error > 0 && info.label_error <= n / (AUG_PROFILE_LABELS + 1));
	CHECK_NEAR(info.distinct / 20000, 1, 0.1);
	CHECK(aug_profile_labels(p, &label, &err) == AUG_OK);
	for (uint32_t i = 0; i < info.n_labels; i++)
	{
		unsigned which = (unsigned) atoi(label[i].bytes + 6);
		bool right = label[i].count <= count[which] &&
					 count[which] <= label[i].count + info.label_error;

		if (!right)
			CHECK(right);
		found += count[which] > info.label_error ? 1 : 0;
	}
	for (unsigned i = 0; i < 20000; i++)
		frequent += count[i] > info.label_error ? 1 : 0;
	CHECK(found == frequent && frequent > 100);
	aug_profile_free(p);
	aug_profile_free(part);
	CHECK(h.live == 0);
}

/* ---- merging and storing ------------------------------------------------------- */

static void
merging(void)
{
	UnitHost h;
	AugProfile *whole, *sum, *part, *empty;
	AugProfileInfo a, b;
	AugError err;
	double middle;
	size_t n = 200000;

	unit_host(&h);
	for (size_t i = 0; i < n; i++)
		sorted[i] = value[i] = normal(3, i);
	qsort(sorted, n, sizeof(double), ascending);
	whole = of_numbers(&h, value, n);
	sum = new_profile(&h, AUG_PROFILE_NUMBERS);
	/* parts of very different sizes, one from stored bytes each */
	for (size_t at = 0, size = 1; at < n; at += size, size = (size * 3 + 1) % 20011)
	{
		size_t length, fits = n - at < size ? n - at : size;
		uint8_t *bytes;

		part = of_numbers(&h, value + at, fits);
		CHECK(aug_profile_add_nulls(part, 2, &err) == AUG_OK);
		bytes = store(part, &length);
		aug_profile_free(part);
		CHECK(aug_profile_read(&h.host, bytes, length, &part, &err) == AUG_OK);
		h.host.release(&h, bytes);
		CHECK(aug_profile_merge(sum, part, &err) == AUG_OK);
		aug_profile_free(part);
		if (size == 0)
			size = 1;
	}
	a = info_of(whole);
	b = info_of(sum);
	CHECK(a.n == b.n && a.low == b.low && a.high == b.high && b.nulls > 0 && b.nulls % 2 == 0);
	CHECK_NEAR(b.mean, a.mean, 1e-12);
	CHECK_NEAR(b.sd, a.sd, 1e-12);
	CHECK_NEAR(b.skewness, a.skewness, 1e-10);
	CHECK_NEAR(b.kurtosis, a.kurtosis, 1e-10);
	CHECK(a.distinct == b.distinct);
	CHECK(rank_error(sum, n, &middle) <= AUG_PROFILE_ERROR);
	CHECK(rank_error(whole, n, &middle) <= AUG_PROFILE_ERROR);
	/* nothing and itself */
	empty = new_profile(&h, AUG_PROFILE_NUMBERS);
	CHECK(aug_profile_merge(empty, whole, &err) == AUG_OK);
	CHECK(info_of(empty).sd == a.sd && info_of(empty).n == n);
	aug_profile_free(empty);
	empty = new_profile(&h, AUG_PROFILE_WORDS);
	CHECK(aug_profile_merge(sum, empty, &err) == AUG_INVALID);
	aug_profile_free(empty);
	aug_profile_free(whole);
	aug_profile_free(sum);
	CHECK(h.live == 0);
}

static AugProfile *
make_case(UnitHost *h, unsigned which, size_t n)
{
	AugProfile *p = new_profile(h, which < 4 ? AUG_PROFILE_NUMBERS : AUG_PROFILE_WORDS);
	AugError err;

	for (size_t i = 0; i < n; i++)
	{
		value[i] = which == 0	? normal(1, i)
				   : which == 1 ? floor(1e4 * uniform(1, i)) / 100
				   : which == 2 ? floor(10 * normal(2, i))
								: 4;
		if (which == 4)
			add_word(p, (unsigned) (5 * uniform(4, i)), 1);
		else if (which == 5)
			add_word(p, (unsigned) (5000 * uniform(4, i)), 1);
	}
	if (which < 4)
		CHECK(aug_profile_add(p, value, n, &err) == AUG_OK);
	CHECK(aug_profile_add_nulls(p, which, &err) == AUG_OK);
	return p;
}

static void
storing(void)
{
	for (unsigned which = 0; which < 6; which++)
		for (size_t n = 0; n <= 30000; n = n * 10 + 3)
		{
			UnitHost h;
			AugProfile *p, *q;
			uint8_t *bytes, *again;
			size_t length, m;
			AugError err;
			AugProfileInfo a, b;

			unit_host(&h);
			p = make_case(&h, which, n);
			bytes = store(p, &length);
			CHECK(aug_profile_read(&h.host, bytes, length, &q, &err) == AUG_OK);
			again = store(q, &m);
			CHECK(length == m && memcmp(bytes, again, m) == 0);
			a = info_of(p);
			b = info_of(q);
			CHECK(a.n == b.n && a.nulls == b.nulls && a.exact == b.exact && a.tag == b.tag);
			CHECK(a.distinct == b.distinct && a.n_labels == b.n_labels);
			CHECK((isnan(a.kurtosis) && isnan(b.kurtosis)) || a.kurtosis == b.kurtosis);
			/* two decimals take two bytes at most, but for the counters */
			if (which == 1 && n == 30333)
				CHECK(length < 16000);
			h.host.release(&h, bytes);
			h.host.release(&h, again);
			aug_profile_free(p);
			aug_profile_free(q);
			CHECK(h.live == 0);
		}
}

static AugStatus
read_profile(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err)
{
	AugProfile *p;
	AugStatus status = aug_profile_read(&h->host, bytes, length, &p, err);

	CHECK((status == AUG_OK) == (p != NULL));
	aug_profile_free(p);
	return status;
}

static void
damaged(void)
{
	for (unsigned which = 0; which < 6; which++)
	{
		UnitHost h;
		AugProfile *p;
		uint8_t *bytes;
		size_t length;

		unit_host(&h);
		p = make_case(&h, which, 60);
		bytes = store(p, &length);
		unit_damage(read_profile, bytes, length);
		h.host.release(&h, bytes);
		aug_profile_free(p);
		CHECK(h.live == 0);
	}
}

static void
hostile(void)
{
	for (unsigned which = 0; which < 6; which++)
	{
		UnitHost h;
		AugProfile *p, *q;
		uint8_t *bytes, *copy;
		size_t length;
		AugError err;
		unsigned accepted = 0;

		unit_host(&h);
		p = make_case(&h, which, 3000);
		bytes = store(p, &length);
		copy = malloc(length);
		for (size_t i = 0; i < length; i += i < 400 ? 1 : 37)
		{
			for (unsigned bit = 0; bit < 8; bit++)
			{
				uint32_t sum;
				AugStatus status;

				memcpy(copy, bytes, length);
				copy[i] ^= (uint8_t) (1 << bit);
				/* with a checksum that is right: refused, or harmless */
				sum = aug_crc32c(0, copy, length - 4);
				for (unsigned k = 0; k < 4; k++)
					copy[length - 4 + k] = (uint8_t) (sum >> (8 * k));
				status = aug_profile_read(&h.host, copy, length, &q, &err);
				if (status == AUG_OK)
				{
					AugProfileDrift drift;
					double half = 0.5, at;

					accepted++;
					CHECK(aug_profile_quantiles(q, &half, 1, &at, &err) == AUG_OK);
					if (aug_profile_compare(p, q, &drift, &err) == AUG_OK)
						CHECK(aug_profile_compare(q, p, &drift, &err) == AUG_OK);
					(void) aug_profile_merge(q, p, &err);
					aug_profile_free(q);
				}
				else
					CHECK(status == AUG_CORRUPT);
			}
		}
		CHECK(accepted > 0);
		free(copy);
		h.host.release(&h, bytes);
		aug_profile_free(p);
		CHECK(h.live == 0);
	}
}

/* ---- comparing ------------------------------------------------------------------ */

static void
compare_exact(void)
{
	static double x[2000], y[1500];
	UnitHost h;
	AugProfile *p, *q;
	AugProfileDrift drift, none;
	AugDistances cells;
	AugTest ks;
	AugError err;
	double edge[9], r[10], c[10], sum = 0, squares = 0;
	size_t n_edges;

	unit_host(&h);
	for (size_t i = 0; i < 2000; i++)
		x[i] = normal(1, i);
	for (size_t i = 0; i < 1500; i++)
		y[i] = normal(2, i) + 0.1;
	p = of_numbers(&h, x, 2000);
	q = of_numbers(&h, y, 1500);
	CHECK(aug_profile_add_nulls(q, 500, &err) == AUG_OK);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	qsort(x, 2000, sizeof(double), ascending);
	qsort(y, 1500, sizeof(double), ascending);
	for (size_t i = 0; i < 2000; i++)
	{
		sum += x[i];
		squares += x[i] * x[i];
	}
	CHECK(aug_ks_test(&h.host, x, 2000, y, 1500, &ks, &err) == AUG_OK);
	CHECK(drift.ks.statistic == ks.statistic && drift.ks.p == ks.p);
	CHECK_NEAR(drift.wasserstein,
			   aug_wasserstein(x, 2000, y, 1500) / sqrt(squares / 2000 - sum * sum / 4e6), 1e-12);
	n_edges = aug_quantile_edges(x, 2000, 10, edge);
	aug_cell_counts(x, 2000, edge, n_edges, r);
	aug_cell_counts(y, 1500, edge, n_edges, c);
	aug_distances(r, c, n_edges + 1, &cells);
	CHECK(drift.n_cells == 10);
	CHECK_NEAR(drift.cells.psi, cells.psi, 1e-12);
	CHECK_NEAR(drift.cells.js_distance, cells.js_distance, 1e-12);
	CHECK(drift.missing_reference == 0 && drift.missing_current == 0.25 && drift.missing.p < 1e-9);
	/* with itself */
	CHECK(aug_profile_compare(p, p, &none, &err) == AUG_OK);
	CHECK(none.wasserstein == 0 && none.ks.p == 1 && none.cells.psi == 0 && none.outside == 0);
	aug_profile_free(p);
	aug_profile_free(q);

	/* one value each: no scale */
	x[0] = 1;
	y[0] = 2;
	p = of_numbers(&h, x, 1);
	q = of_numbers(&h, y, 1);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	CHECK(isinf(drift.wasserstein) && drift.outside == 1 && drift.n_cells == 1);
	aug_profile_free(q);
	q = new_profile(&h, AUG_PROFILE_NUMBERS);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	CHECK(isnan(drift.wasserstein) && isnan(drift.ks.p) && isnan(drift.missing_current));
	aug_profile_free(q);
	q = new_profile(&h, AUG_PROFILE_WORDS);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_INVALID);
	aug_profile_free(q);
	aug_profile_free(p);
	CHECK(h.live == 0);
}

/*
 * Sketches of large samples: the statistics are near those of the samples, a difference of
 * 0.02 standard deviations is found with 100,000 values, and none is not.
 */
static void
compare_sketches(void)
{
	static double x[100000], y[100000];
	unsigned found = 0, alarms = 0, runs = 40;

	for (unsigned seed = 1; seed <= runs; seed++)
	{
		UnitHost h;
		AugProfile *p, *q, *none;
		AugProfileDrift drift;
		AugTest ks;
		AugError err;
		double w;

		unit_host(&h);
		for (size_t i = 0; i < 100000; i++)
		{
			x[i] = normal(seed, i);
			y[i] = normal(seed + 1000, i);
		}
		p = of_numbers(&h, x, 100000);
		none = of_numbers(&h, y, 100000);
		for (size_t i = 0; i < 100000; i++)
			y[i] += 0.02;
		q = of_numbers(&h, y, 100000);
		CHECK(aug_profile_compare(p, none, &drift, &err) == AUG_OK);
		alarms += drift.ks.p < 0.05 ? 1 : 0;
		CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
		found += drift.ks.p < 0.05 ? 1 : 0;
		qsort(x, 100000, sizeof(double), ascending);
		qsort(y, 100000, sizeof(double), ascending);
		CHECK(aug_ks_test(&h.host, x, 100000, y, 100000, &ks, &err) == AUG_OK);
		w = aug_wasserstein(x, 100000, y, 100000);
		CHECK_NEAR(drift.ks.statistic, ks.statistic, 2 * AUG_PROFILE_ERROR);
		CHECK_NEAR(drift.wasserstein, w, 0.01);
		CHECK(drift.wasserstein < 0.1);
		aug_profile_free(p);
		aug_profile_free(q);
		aug_profile_free(none);
	}
	CHECK(alarms <= 5);
	CHECK(found >= 34);
	if (getenv("UNIT_VERBOSE") != NULL)
		printf("sketches: 0.02 SD found in %u, false alarms in %u of %u\n", found, alarms, runs);
}

static void
compare_labels(void)
{
	static const double r[] = {500, 300, 200, 0}, c[] = {400, 300, 200, 100};
	UnitHost h;
	AugProfile *p, *q;
	AugProfileDrift drift;
	AugDistances cells;
	AugTest chi;
	AugError err;

	unit_host(&h);
	p = new_profile(&h, AUG_PROFILE_WORDS);
	q = new_profile(&h, AUG_PROFILE_WORDS);
	for (unsigned i = 0; i < 3; i++)
		add_word(p, i, (uint64_t) r[i]);
	for (unsigned i = 0; i < 4; i++)
		add_word(q, i, (uint64_t) c[i]);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	aug_distances(r, c, 4, &cells);
	aug_chi_square_test(r, c, 4, &chi);
	CHECK(drift.n_cells == 4 && drift.unseen == 0.1);
	CHECK_NEAR(drift.cells.js_distance, cells.js_distance, 1e-14);
	CHECK_NEAR(drift.chi_square.statistic, chi.statistic, 1e-14);
	CHECK_NEAR(drift.chi_square.p, chi.p, 1e-14);
	/* rare ones share a cell */
	for (unsigned i = 10; i < 30; i++)
		add_word(q, i, 1);
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	CHECK(drift.n_cells == 5);
	CHECK_NEAR(drift.unseen, 120.0 / 1020, 1e-15);
	aug_profile_free(q);
	/* labels that only a table which had to drop some could know */
	q = new_profile(&h, AUG_PROFILE_WORDS);
	for (unsigned i = 0; i < 30000; i++)
		add_word(q, i % 3 == 0 ? i % 30 : i, 1);
	CHECK(aug_profile_compare(q, q, &drift, &err) == AUG_OK);
	CHECK(drift.cells.js_distance == 0 && isnan(drift.unseen));
	CHECK(aug_profile_compare(p, q, &drift, &err) == AUG_OK);
	CHECK(drift.unseen > 0.25 && drift.cells.js_distance > 0.25);
	aug_profile_free(p);
	aug_profile_free(q);
	CHECK(h.live == 0);
}

/* ---- failures -------------------------------------------------------------------- */

static AugStatus
whole_life(UnitHost *h, void *arg, AugError *err)
{
	AugProfileKind kind = *(AugProfileKind *) arg;
	AugProfile *p = NULL, *q = NULL, *r = NULL;
	uint8_t *bytes = NULL;
	size_t length;
	AugStatus status = aug_profile_new(&h->host, kind, 0, &p, err);

	for (size_t i = 0; i < 30 && status == AUG_OK; i++)
	{
		char text[16];

		snprintf(text, sizeof(text), "%zu", i);
		status = kind == AUG_PROFILE_NUMBERS ? aug_profile_add(p, value + i * 500, 500, err)
											 : aug_profile_add_label(p, text, strlen(text), 9, err);
	}
	if (status == AUG_OK)
		status = aug_profile_store(p, &bytes, &length, err);
	if (status == AUG_OK)
		status = aug_profile_read(&h->host, bytes, length, &q, err);
	if (status == AUG_OK)
		status = aug_profile_merge(q, p, err);
	if (status == AUG_OK)
		status = aug_profile_new(&h->host, kind, 0, &r, err);
	if (status == AUG_OK)
		status = aug_profile_merge(r, p, err);
	if (status == AUG_OK)
	{
		AugProfileDrift drift;
		AugProfileInfo info;
		const AugProfileLabel *label;
		double half = 0.5, at;

		status = aug_profile_compare(p, q, &drift, err);
		if (status == AUG_OK)
			status = aug_profile_info(q, &info, err);
		if (status == AUG_OK)
			status = aug_profile_labels(q, &label, err);
		if (status == AUG_OK)
			status = aug_profile_quantiles(p, &half, 1, &at, err);
		if (status == AUG_OK)
			status = aug_profile_ranks(p, &half, 1, &at, err);
	}
	h->host.release(h->host.arg, bytes);
	aug_profile_free(p);
	aug_profile_free(q);
	aug_profile_free(r);
	return status;
}

static void
failures(void)
{
	UnitHost h;
	AugProfile *p;
	AugError err;

	for (size_t i = 0; i < MANY; i++)
		value[i] = normal(1, i);
	for (AugProfileKind kind = AUG_PROFILE_NUMBERS; kind <= AUG_PROFILE_WORDS; kind++)
		CHECK(unit_fail_each(whole_life, &kind) > 20);
	unit_host(&h);
	p = new_profile(&h, AUG_PROFILE_NUMBERS);
	CHECK(aug_profile_add_nulls(p, AUG_PROFILE_ROWS, &err) == AUG_OK);
	CHECK(aug_profile_add_nulls(p, 1, &err) == AUG_LIMIT);
	CHECK(aug_profile_add(p, value, 1, &err) == AUG_LIMIT);
	CHECK(aug_profile_merge(p, p, &err) == AUG_LIMIT);
	aug_profile_free(p);
	CHECK(h.live == 0);
}

/* ---- states of other releases ------------------------------------------------ */

#define GOLDEN 200003

/* The i-th value that a golden state has read: hundredths, or one of many labels. */
static void
add_golden(AugProfile *p, AugProfileKind kind, size_t from, size_t to)
{
	AugError err;

	for (size_t i = from; i < to; i++)
	{
		double u = uniform(31, i), v = floor(u * 10000) / 100;

		if (i % 97 == 0)
			CHECK(aug_profile_add_nulls(p, 1, &err) == AUG_OK);
		else if (kind == AUG_PROFILE_NUMBERS)
			CHECK(aug_profile_add(p, &v, 1, &err) == AUG_OK);
		else
			add_word(p, (unsigned) (u * u * u * 5000), 1);
	}
}

/* What was stored once is what is stored today, and goes on as if it had never been. */
static void
golden_states(void)
{
	static const char *const name[] = {"numbers", "labels"};

	for (AugProfileKind kind = AUG_PROFILE_NUMBERS; kind <= AUG_PROFILE_WORDS; kind++)
	{
		char path[512];
		UnitHost h;
		AugProfile *whole, *p;
		AugError err;
		size_t n_old, n_new, n_again;
		uint8_t *old, *bytes, *again;

		unit_host(&h);
		snprintf(path, sizeof(path), "%s/format1_profile_%s.profile", UNIT_DATA, name[kind]);
		whole = new_profile(&h, kind);
		add_golden(whole, kind, 0, GOLDEN);
		bytes = store(whole, &n_new);
		if (getenv("UNIT_WRITE_GOLDEN") != NULL)
		{
			FILE *file = fopen(path, "wb");

			CHECK(file != NULL && fwrite(bytes, 1, n_new, file) == n_new && fclose(file) == 0);
		}
		old = unit_read_file(path, &n_old);
		if (!CHECK(old != NULL) ||
			!CHECK(aug_profile_read(&h.host, old, n_old, &p, &err) == AUG_OK))
			return;
		CHECK(n_new == n_old && memcmp(bytes, old, n_old) == 0);
		h.host.release(h.host.arg, bytes);
		add_golden(whole, kind, GOLDEN, 2 * GOLDEN);
		add_golden(p, kind, GOLDEN, 2 * GOLDEN);
		bytes = store(whole, &n_new);
		again = store(p, &n_again);
		CHECK(n_new == n_again && memcmp(bytes, again, n_new) == 0);
		free(old);
		h.host.release(h.host.arg, bytes);
		h.host.release(h.host.arg, again);
		aug_profile_free(whole);
		aug_profile_free(p);
		CHECK(h.live == 0);
	}
}

/* Few labels take little; a long one without any beginning of a character is cut all the same. */
static void
small_tables(void)
{
	UnitHost h;
	AugProfile *p;
	const AugProfileLabel *label;
	AugProfileInfo info;
	AugError err;
	char bytes[300];

	unit_host(&h);
	p = new_profile(&h, AUG_PROFILE_WORDS);
	add_word(p, 1, 1);
	CHECK(h.bytes < 8192);
	for (unsigned i = 0; i < 1990; i++)
		add_word(p, i, i + 1);
	memset(bytes, 0x80, sizeof(bytes));
	CHECK(aug_profile_add_label(p, bytes, sizeof(bytes), 5000, &err) == AUG_OK);
	info = info_of(p);
	CHECK(info.n == UINT64_C(1990) * 1991 / 2 + 5001);
	CHECK(aug_profile_labels(p, &label, &err) == AUG_OK);
	CHECK(label[0].length == AUG_PROFILE_LABEL_BYTES - 3 && label[0].cut);
	CHECK(label[0].count == 5000 - info.label_error);
	CHECK(label[1].count == 1990 - info.label_error);
	aug_profile_free(p);
	CHECK(h.live == 0);
}

static const UnitTest tests[] = {
	{"few_numbers", few_numbers},
	{"few_labels", few_labels},
	{"sketch", sketch},
	{"moments", moments},
	{"distinct_numbers", distinct_numbers},
	{"many_labels", many_labels},
	{"merging", merging},
	{"storing", storing},
	{"golden_states", golden_states},
	{"small_tables", small_tables},
	{"damaged", damaged},
	{"hostile", hostile},
	{"compare_exact", compare_exact},
	{"compare_sketches", compare_sketches},
	{"compare_labels", compare_labels},
	{"failures", failures},
};

UNIT_MAIN("profile", tests);
