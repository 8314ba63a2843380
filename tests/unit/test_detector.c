/*
 * Detectors of change: the changes of river (detector_golden.txt), streams in parts, states as
 * bytes, damaged ones, short of memory; numbers that cannot be read.
 *
 * The golden states in tests/data (format1_METHOD.detector) were written by this program with
 * UNIT_WRITE_GOLDEN=1 in the environment; later versions must go on reading them.
 */
#include "../../src/core/artifact.h"
#include "../../src/core/detect/detect.h"
#include "unit.h"

#define GOLDEN "detector_golden.txt"
#define ROOM   12000

/* ---- streams: as tests/data/make_detector_golden.py makes them -------------------- */

typedef struct Part
{
	size_t n;
	double p; /* or the mean */
	double sd;
} Part;

typedef struct Stream
{
	const char *name;
	uint64_t seed; /* 0: in the golden file */
	bool bell;
	Part parts[4];
} Stream;

static const Stream streams[] = {
	{.name = "docs"},
	{.name = "docs_binary"},
	{"sudden", 1, false, {{3000, 0.1, 0}, {3000, 0.3, 0}, {3000, 0.1, 0}}},
	{.name = "gradual", .seed = 2},
	{"still", 3, false, {{10000, 0.2, 0}}},
	{"rare", 4, false, {{5000, 0.01, 0}, {5000, 0.04, 0}}},
	{"mean", 5, true, {{2000, 0, 1}, {2000, 0.5, 1}, {2000, -0.5, 1}}},
	{"spread", 6, true, {{2000, 0, 1}, {2000, 0, 3}, {2000, 0, 0.5}}},
	{"large", 7, true, {{3000, 1000, 200}, {3000, 1200, 200}}},
	{.name = "constant"},
};
#define N_STREAMS (sizeof(streams) / sizeof(streams[0]))

static size_t
make_part(AugRng *rng, const Stream *s, const Part *part, double *out)
{
	for (size_t i = 0; i < part->n; i++)
	{
		double z = 0;

		if (!s->bell)
			out[i] = aug_rng_real(rng) < part->p ? 1 : 0;
		else
		{
			for (int k = 0; k < 12; k++)
				z += aug_rng_real(rng);
			out[i] = part->p + part->sd * (z - 6);
		}
	}
	return part->n;
}

static size_t
make_stream(const Stream *s, double *out)
{
	AugRng rng = aug_rng(s->seed, 0, 0);
	size_t n = 0;

	if (strcmp(s->name, "constant") == 0)
	{
		for (; n < 1500; n++)
			out[n] = n < 500 ? 0 : n < 1000 ? 1 : 0.25;
		return n;
	}
	if (s->seed == 0)
		return unit_golden(GOLDEN, s->name, "stream", out, ROOM);
	for (int i = 0; strcmp(s->name, "gradual") == 0 && i < 20; i++)
	{
		Part part = {500, 0.05 + 0.025 * i, 0};

		n += make_part(&rng, s, &part, out + n);
	}
	for (int i = 0; i < 4; i++)
		n += make_part(&rng, s, &s->parts[i], out + n);
	return n;
}

static const Stream *
stream_named(const char *name)
{
	for (size_t i = 0; i < N_STREAMS; i++)
	{
		if (strcmp(streams[i].name, name) == 0)
			return &streams[i];
	}
	abort();
}

/* ---- detectors ------------------------------------------------------------------- */

/* The options that make ours river's. */
static const struct
{
	const char *name;
	const char *detector;
	const char *params;
	bool warns;
} cases[] = {
	{"adwin", "adwin", "", false},
	{"adwin_fine", "adwin", "delta=0.01 clock=1", false},
	{"adwin_coarse", "adwin", "max_buckets=3 min_window_length=10 grace_period=50", false},
	{"page_hinkley", "page_hinkley", "standardize=false", false},
	{"page_hinkley_up", "page_hinkley", "standardize=false mode=up threshold=10 delta=0.05", false},
	{"page_hinkley_down", "page_hinkley", "standardize=false mode=down threshold=20 alpha=0.999",
	 false},
	{"kswin", "kswin", "", false},
	{"kswin_wide", "kswin", "alpha=0.0001 window_size=200 stat_size=50", false},
	{"ddm", "ddm", "", true},
	{"ddm_slow", "ddm", "warm_start=100 drift_threshold=4", true},
	{"eddm", "eddm", "", true},
	{"eddm_slow", "eddm", "alpha=0.8 beta=0.75", true},
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static AugDetector *
open_detector(UnitHost *h, const char *name, const char *params)
{
	const AugAlgorithm *about = aug_detector_find(name);
	AugParams *p = unit_params(h, about, params);
	AugDetector *d;
	AugError err;

	if (!CHECK(aug_detector_new(&h->host, about, p, &d, &err) == AUG_OK))
		abort();
	aug_params_free(p);
	return d;
}

static bool
binary(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (x[i] != 0 && x[i] != 1)
			return false;
	}
	return true;
}

static void
compare(const char *stream, const char *what, const uint64_t *got, size_t n_got)
{
	double want[ROOM];
	size_t n = unit_golden(GOLDEN, stream, what, want, ROOM);
	bool same = n == n_got + 1 && want[0] == (double) n_got;

	for (size_t i = 0; same && i < n_got; i++)
		same = want[i + 1] == (double) got[i];
	if (!CHECK(same))
		fprintf(stderr, "%s %s: %zu positions\n", stream, what, n_got);
}

/* Every change and every warning of river, at its very position. */
static void
as_river(void)
{
	static double x[ROOM];
	static uint64_t change[ROOM], warning[ROOM];

	for (size_t s = 0; s < N_STREAMS; s++)
	{
		size_t n = make_stream(&streams[s], x);

		for (size_t k = 0; k < N_CASES; k++)
		{
			size_t n_changes = 0, n_warnings = 0;
			uint64_t warned = 0;
			char what[64];
			UnitHost h;
			AugDetector *d;
			AugDetectorInfo info;
			AugError err;

			if (cases[k].warns && !binary(x, n))
				continue;
			unit_host(&h);
			d = open_detector(&h, cases[k].detector, cases[k].params);
			for (size_t i = 0; i < n; i++)
			{
				CHECK(aug_detector_update(d, x + i, 1, &err) == AUG_OK);
				aug_detector_info(d, &info);
				if (info.last_change == i + 1)
					change[n_changes++] = i + 1;
				if (info.warning_since > 0 && info.warning_since != warned)
					warning[n_warnings++] = info.warning_since;
				warned = info.warning_since;
			}
			CHECK(info.n == n && info.n_changes == n_changes);
			CHECK(info.first_change == (n_changes > 0 ? change[0] : 0));
			compare(streams[s].name, cases[k].name, change, n_changes);
			snprintf(what, sizeof(what), "%s_warning", cases[k].name);
			if (cases[k].warns)
				compare(streams[s].name, what, warning, n_warnings);
			aug_detector_free(d);
			CHECK(h.live == 0);
		}
	}
}

/* ---- parts ------------------------------------------------------------------------ */

static uint8_t *
store(const AugDetector *d, size_t *length)
{
	uint8_t *bytes;
	AugError err;

	if (!CHECK(aug_detector_store(d, &bytes, length, &err) == AUG_OK))
		abort();
	return bytes;
}

/* Read in parts of every length, with the state as bytes between: the same state. */
static void
in_parts(void)
{
	static double x[ROOM];
	static const char *const also[][2] = {{"adwin", "standardize=true standardize_rows=50"},
										  {"page_hinkley", "threshold=10"}};

	for (size_t k = 0; k < N_CASES + 2; k++)
	{
		const char *name = k < N_CASES ? cases[k].detector : also[k - N_CASES][0];
		const char *params = k < N_CASES ? cases[k].params : also[k - N_CASES][1];
		bool bits = aug_detector_binary(aug_detector_find(name));
		size_t n = make_stream(stream_named(bits ? "sudden" : "spread"), x);

		for (size_t part = 1; part <= 4097; part = part * 4 + (part == 1 ? 3 : 1))
		{
			UnitHost h;
			AugDetector *whole, *d;
			AugError err;
			uint8_t *a, *b;
			size_t n_a, n_b;

			unit_host(&h);
			whole = open_detector(&h, name, params);
			CHECK(aug_detector_update(whole, x, n, &err) == AUG_OK);
			a = store(whole, &n_a);
			d = open_detector(&h, name, params);
			for (size_t i = 0; i < n; i += part)
			{
				CHECK(aug_detector_update(d, x + i, n - i < part ? n - i : part, &err) == AUG_OK);
				b = store(d, &n_b);
				aug_detector_free(d);
				CHECK(aug_detector_read(&h.host, b, n_b, &d, &err) == AUG_OK);
				h.host.release(&h, b);
			}
			b = store(d, &n_b);
			CHECK(n_a == n_b && memcmp(a, b, n_a) == 0);
			h.host.release(&h, a);
			h.host.release(&h, b);
			aug_detector_free(whole);
			aug_detector_free(d);
			CHECK(h.live == 0);
		}
	}
}

/* States of an earlier version are read, and go on as they would have. */
static void
golden_states(void)
{
	static double x[ROOM];

	for (uint32_t k = 0; k < aug_detector_count(); k++)
	{
		const char *name = aug_detector_at(k)->name;
		bool bits = aug_detector_binary(aug_detector_at(k));
		size_t n = make_stream(stream_named(bits ? "sudden" : "spread"), x), n_old, n_new;
		char path[512];
		UnitHost h;
		AugDetector *whole, *d;
		AugError err;
		uint8_t *old, *bytes, *again;

		unit_host(&h);
		snprintf(path, sizeof(path), "%s/format1_%s.detector", UNIT_DATA, name);
		whole = open_detector(&h, name, "");
		CHECK(aug_detector_update(whole, x, n / 2, &err) == AUG_OK);
		if (getenv("UNIT_WRITE_GOLDEN") != NULL)
		{
			FILE *file = fopen(path, "wb");

			bytes = store(whole, &n_new);
			CHECK(file != NULL && fwrite(bytes, 1, n_new, file) == n_new && fclose(file) == 0);
			h.host.release(&h, bytes);
		}
		CHECK(aug_detector_update(whole, x + n / 2, n - n / 2, &err) == AUG_OK);
		old = unit_read_file(path, &n_old);
		if (!CHECK(old != NULL) ||
			!CHECK(aug_detector_read(&h.host, old, n_old, &d, &err) == AUG_OK))
			return;
		CHECK(aug_detector_update(d, x + n / 2, n - n / 2, &err) == AUG_OK);
		bytes = store(whole, &n_new);
		again = store(d, &n_old);
		CHECK(n_new == n_old && memcmp(bytes, again, n_new) == 0);
		free(old);
		h.host.release(&h, bytes);
		h.host.release(&h, again);
		aug_detector_free(whole);
		aug_detector_free(d);
		CHECK(h.live == 0);
	}
}

/* ---- what it says ------------------------------------------------------------------- */

static void
what_it_says(void)
{
	static double x[ROOM];
	UnitHost h;
	AugDetector *d;
	AugDetectorInfo info;
	AugError err;
	size_t n = make_stream(stream_named("large"), x);

	unit_host(&h);
	d = open_detector(&h, "adwin", "standardize=true");
	aug_detector_info(d, &info);
	CHECK(info.n == 0 && info.width == 0 && isnan(info.mean) && info.first_change == 0);
	CHECK(aug_detector_update(d, x, n, &err) == AUG_OK);
	aug_detector_info(d, &info);
	/* the mean of the window in the units of the stream: the second part's */
	CHECK(info.n_changes == 1 && info.first_change > 3000 && info.first_change < 3400);
	CHECK_NEAR(info.mean, 1200, 0.02);
	CHECK_TEXT(info.about->name, "adwin");
	aug_detector_free(d);

	/* unscaled, a threshold of 50 is nothing to an SD of 200; scaled, a false alarm is rare */
	d = open_detector(&h, "page_hinkley", "");
	CHECK(aug_detector_update(d, x, n, &err) == AUG_OK);
	aug_detector_info(d, &info);
	CHECK(info.n_changes == 1 && info.first_change > 3000 && info.first_change < 3200);
	CHECK(info.width < 3000 && fabs(info.mean - 1200) < 20);
	aug_detector_free(d);

	/* more changes than are remembered: the latest are */
	d = open_detector(&h, "page_hinkley", "standardize=false min_instances=1 threshold=0.001");
	for (size_t i = 0; i < ROOM; i++)
		x[i] = (double) (i % 2);
	CHECK(aug_detector_update(d, x, ROOM, &err) == AUG_OK);
	aug_detector_info(d, &info);
	CHECK(info.n_changes > AUG_MAX_CHANGES && info.n_kept == AUG_MAX_CHANGES);
	CHECK(info.first_change < info.change[0] && info.last_change == info.change[info.n_kept - 1]);
	aug_detector_free(d);
	CHECK(h.live == 0);
}

/* p values of scipy.stats.ks_2samp, samples of equal size. */
static void
ks_p_values(void)
{
	CHECK_NEAR(aug_ks_equal(30, 12), 0.015643390496754332, 1e-12);
	CHECK_NEAR(aug_ks_equal(30, 13), 0.006548396368058784, 1e-12);
	CHECK_NEAR(aug_ks_equal(5, 5), 0.007936507936507936, 1e-12);
	CHECK_NEAR(aug_ks_equal(5, 1), 1, 1e-12);
	CHECK_NEAR(aug_ks_equal(1000, 61), 0.04839715079181246, 1e-11);
	CHECK(aug_ks_equal(10, 0) == 1 && aug_ks_equal(5000, 5000) >= 0);
}

/* ---- refusals ------------------------------------------------------------------------- */

static void
refuse(const char *name, double value, AugStatus status, const char *message)
{
	UnitHost h;
	AugDetector *d;
	AugDetectorInfo info;
	AugError err;
	double x[3] = {0, 1, value};

	unit_host(&h);
	d = open_detector(&h, name, "");
	CHECK(aug_detector_update(d, x, 3, &err) == status);
	CHECK_TEXT(err.message, message);
	aug_detector_info(d, &info);
	CHECK(info.n == 2);
	/* what came before it was read, and it goes on */
	CHECK(aug_detector_update(d, x, 2, &err) == AUG_OK);
	aug_detector_free(d);
	CHECK(h.live == 0);
}

static void
refuse_options(const char *name, const char *option, const char *value)
{
	const AugAlgorithm *about = aug_detector_find(name);
	UnitHost h;
	AugParams *p;
	AugDetector *d;
	AugError err;

	unit_host(&h);
	p = unit_params(&h, about, "");
	if (aug_params_set(p, option, value, &err) == AUG_OK)
		CHECK(aug_detector_new(&h.host, about, p, &d, &err) == AUG_INVALID && d == NULL);
	CHECK(err.message[0] != '\0');
	aug_params_free(p);
	CHECK(h.live == 0);
}

static void
refusals(void)
{
	refuse("adwin", NAN, AUG_DATA, "number 3 is nan, which adwin cannot read");
	refuse("kswin", INFINITY, AUG_DATA, "number 3 is inf, which kswin cannot read");
	refuse("page_hinkley", -1e101, AUG_DATA, "number 3 is -1e+101, which page_hinkley cannot read");
	refuse("ddm", 0.5, AUG_DATA, "number 3 is 0.5, but ddm reads 0 and 1 only");
	refuse("eddm", 2, AUG_DATA, "number 3 is 2, but eddm reads 0 and 1 only");
	refuse_options("kswin", "stat_size", "51");
	refuse_options("eddm", "beta", "0.96");
	refuse_options("ddm", "warning_threshold", "3.5");
	refuse_options("adwin", "delta", "0");
	refuse_options("adwin", "clock", "0");
	refuse_options("page_hinkley", "mode", "sideways");
	CHECK(aug_detector_find("no") == NULL && aug_detector_at(aug_detector_count()) == NULL);
	CHECK(aug_detector_binary(aug_detector_find("ddm")) &&
		  !aug_detector_binary(aug_detector_find("adwin")));
}

/* Extremes of what may be read: the state stays one that can be stored and read. */
static void
extremes(void)
{
	static double x[ROOM];

	for (uint32_t k = 0; k < aug_detector_count(); k++)
	{
		const AugAlgorithm *about = aug_detector_at(k);
		UnitHost h;
		AugDetector *d, *again;
		AugError err;
		uint8_t *bytes;
		size_t length;

		unit_host(&h);
		for (size_t i = 0; i < ROOM; i++)
			x[i] = aug_detector_binary(about)
					   ? (double) (i / 700 % 2)
					   : (i % 3 ? 1e100 : -1e100) * (i / 500 % 2 ? 1 : 1e-99);
		d = open_detector(&h, about->name, "");
		CHECK(aug_detector_update(d, x, ROOM, &err) == AUG_OK);
		bytes = store(d, &length);
		CHECK(aug_detector_read(&h.host, bytes, length, &again, &err) == AUG_OK);
		h.host.release(&h, bytes);
		aug_detector_free(d);
		aug_detector_free(again);
		CHECK(h.live == 0);
	}
}

/* ---- damaged states --------------------------------------------------------------------- */

/* Sets length and checksum right, so that the reader gets to see the damage. */
static void
mend(uint8_t *bytes, size_t length)
{
	uint32_t crc;
	uint64_t n = length;

	for (int i = 0; i < 8; i++)
		bytes[12 + i] = (uint8_t) (n >> (8 * i));
	crc = aug_crc32c(0, bytes, length - 4);
	for (int i = 0; i < 4; i++)
		bytes[length - 4 + (size_t) i] = (uint8_t) (crc >> (8 * i));
}

static void
try_bytes(UnitHost *h, const uint8_t *bytes, size_t length)
{
	static const double more[] = {0, 1, 1, 0, 1};
	AugDetector *d;
	AugError err;
	AugStatus status = aug_detector_read(&h->host, bytes, length, &d, &err);

	if (status == AUG_OK)
	{
		for (int i = 0; i < 40; i++)
			CHECK(aug_detector_update(d, more, 5, &err) == AUG_OK || err.status == AUG_LIMIT);
		aug_detector_free(d);
	}
	else
		CHECK(status == AUG_CORRUPT && d == NULL && err.message[0] != '\0');
	CHECK(h->live == 0);
}

static AugStatus
read_detector(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err)
{
	AugDetector *d;
	AugStatus status = aug_detector_read(&h->host, bytes, length, &d, err);

	CHECK((status == AUG_OK) == (d != NULL));
	aug_detector_free(d);
	return status;
}

static void
damaged(void)
{
	static double x[ROOM];

	for (size_t k = 0; k < N_CASES; k++)
	{
		bool bits = aug_detector_binary(aug_detector_find(cases[k].detector));
		size_t n = make_stream(stream_named(bits ? "sudden" : "spread"), x), length, limit;
		UnitHost h, other;
		AugDetector *d;
		AugError err;
		uint8_t *bytes, *copy;

		unit_host(&h);
		unit_host(&other);
		d = open_detector(&h, cases[k].detector, cases[k].params);
		CHECK(aug_detector_update(d, x, n, &err) == AUG_OK);
		bytes = store(d, &length);
		copy = malloc(length + 1);
		limit = length < 600 ? length : 600;
		if (length < 4096)
			unit_damage(read_detector, bytes, length);
		for (size_t i = AUG_HEADER_SIZE; i < limit - AUG_TRAILER_SIZE; i++)
		{
			static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xf0, 0xff};

			for (size_t v = 0; v < sizeof(values); v++)
			{
				memcpy(copy, bytes, length);
				copy[i] = values[v];
				mend(copy, length);
				try_bytes(&other, copy, length);
			}
			memcpy(copy, bytes, i);
			mend(copy, i < AUG_HEADER_SIZE + 4 ? length : i);
			try_bytes(&other, copy, i < AUG_HEADER_SIZE + 4 ? length : i);
		}
		memcpy(copy, bytes, length);
		mend(copy, length + 1);
		try_bytes(&other, copy, length + 1);
		free(copy);
		h.host.release(&h, bytes);
		aug_detector_free(d);
		CHECK(h.live == 0);
	}
}

/* ---- memory and cancel -------------------------------------------------------------------- */

typedef struct Failing
{
	const char *detector;
	const char *params;
	double *x;
	size_t n;
} Failing;

static AugStatus
whole_life(UnitHost *h, void *arg, AugError *err)
{
	const Failing *f = arg;
	const AugAlgorithm *about = aug_detector_find(f->detector);
	AugParams *params = NULL;
	AugDetector *d = NULL, *again = NULL;
	uint8_t *bytes = NULL;
	size_t length;
	AugStatus status = aug_params_new(&h->host, about, &params, err);

	if (status == AUG_OK)
		status = aug_detector_new(&h->host, about, params, &d, err);
	aug_params_free(params);
	if (status == AUG_OK)
		status = aug_detector_update(d, f->x, f->n, err);
	if (status == AUG_OK)
		status = aug_detector_store(d, &bytes, &length, err);
	if (status == AUG_OK)
		status = aug_detector_read(&h->host, bytes, length, &again, err);
	h->host.release(h, bytes);
	aug_detector_free(d);
	aug_detector_free(again);
	return status;
}

static void
short_of_memory(void)
{
	static double x[ROOM];

	for (uint32_t k = 0; k < aug_detector_count(); k++)
	{
		const char *name = aug_detector_at(k)->name;
		bool bits = aug_detector_binary(aug_detector_at(k));
		Failing f = {name, "", x, make_stream(stream_named(bits ? "sudden" : "spread"), x)};

		CHECK(unit_fail_each(whole_life, &f) > 5);
		CHECK(unit_cancel_each(whole_life, &f) >= 50);
	}
}

static const UnitTest tests[] = {
	{"as_river", as_river},
	{"in_parts", in_parts},
	{"golden_states", golden_states},
	{"what_it_says", what_it_says},
	{"ks_p_values", ks_p_values},
	{"refusals", refusals},
	{"extremes", extremes},
	{"damaged", damaged},
	{"short_of_memory", short_of_memory},
};

UNIT_MAIN("detector", tests);
