/*-------------------------------------------------------------------------
 *
 * test_support.c
 *		Arena, bytes, errors, hash, random numbers, sorting, checksum.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/artifact.h"
#include "../../src/core/rng.h"
#include "../../src/core/sort.h"

/* ---- arena ------------------------------------------------------------ */

static void
test_arena_alignment(void)
{
	UnitHost h;
	AugArena arena;

	unit_host(&h);
	aug_arena_init(&arena, &h.host);
	for (size_t size = 0; size < 20000; size = size * 3 / 2 + 1)
	{
		uint8_t *p = aug_arena_alloc(&arena, size, 1), *q = aug_arena_alloc(&arena, 1, size);
		size_t align = size >= 4096 ? 64 : 16;

		if (!CHECK(p != NULL && q != NULL && p != q))
			break;
		CHECK((uintptr_t) p % align == 0 && (uintptr_t) q % align == 0);
		memset(p, 1, size);
		memset(q, 2, size);
		CHECK(size == 0 || (p[0] == 1 && p[size - 1] == 1));
	}
	CHECK(arena.total > 0 && arena.total >= h.bytes);
	aug_arena_free(&arena);
	CHECK(h.live == 0 && arena.total == 0 && arena.blocks == NULL);
}

static void
test_arena_sizes(void)
{
	UnitHost h;
	AugArena arena;
	uint8_t *z;

	unit_host(&h);
	aug_arena_init(&arena, &h.host);
	/* products that wrap, sums that wrap with headers and alignment */
	CHECK(aug_arena_alloc(&arena, SIZE_MAX, 2) == NULL);
	CHECK(aug_arena_alloc(&arena, SIZE_MAX / 8 + 1, 8) == NULL);
	CHECK(aug_arena_alloc(&arena, (size_t) 1 << (sizeof(size_t) * 4),
						  (size_t) 1 << (sizeof(size_t) * 4)) == NULL);
	CHECK(aug_arena_alloc(&arena, SIZE_MAX, 1) == NULL);
	for (size_t k = 0; k < 200; k++)
		CHECK(aug_arena_alloc(&arena, SIZE_MAX - k, 1) == NULL);
	CHECK(aug_arena_zero(&arena, SIZE_MAX / 4 + 1, 4) == NULL);
	CHECK(aug_arena_text(&arena, "x", SIZE_MAX) == NULL);
	CHECK(aug_arena_text(&arena, "x", SIZE_MAX - 1) == NULL);
	CHECK(h.live == 0);

	z = aug_arena_zero(&arena, 100, 100);
	for (int i = 0; CHECK(z != NULL) && i < 10000; i++)
	{
		if (z[i] != 0)
		{
			CHECK(z[i] == 0);
			break;
		}
	}
	CHECK_TEXT(aug_arena_text(&arena, "level", 3), "lev");
	CHECK_TEXT(aug_arena_text(&arena, NULL, 0), "");
	aug_arena_free(&arena);
}

static void
test_arena_limit(void)
{
	UnitHost h;
	AugArena arena;

	unit_host(&h);
	aug_arena_init(&arena, &h.host);
	arena.limit = 100000;
	CHECK(aug_arena_alloc(&arena, 50000, 1) != NULL);
	CHECK(!arena.limited);
	CHECK(aug_arena_alloc(&arena, 60000, 1) == NULL);
	CHECK(arena.limited && arena.total <= arena.limit);
	CHECK(aug_arena_alloc(&arena, 100, 1) != NULL);
	aug_arena_free(&arena);
	CHECK(h.live == 0);
}

static AugStatus
arena_step(UnitHost *h, void *arg, AugError *err)
{
	AugArena arena;
	AugStatus status = AUG_OK;

	(void) arg;
	aug_arena_init(&arena, &h->host);
	for (size_t size = 1; size < 3000000 && status == AUG_OK; size = size * 2 + 7)
	{
		if (aug_arena_alloc(&arena, size, 1) == NULL)
			status = aug_fail_nomem(err, size);
	}
	aug_arena_free(&arena);
	return status;
}

static void
test_arena_failures(void)
{
	CHECK(unit_fail_each(arena_step, NULL) > 5);
}

/* ---- bytes ------------------------------------------------------------ */

static void
write_all(AugWriter *w)
{
	aug_write_u8(w, 200);
	aug_write_u32(w, UINT32_C(0xDEADBEEF));
	aug_write_u64(w, UINT64_C(0x0123456789ABCDEF));
	aug_write_f32(w, -1.5f);
	aug_write_f64(w, 0.1);
	aug_write_f64(w, NAN);
	aug_write_varint(w, 0);
	aug_write_varint(w, 127);
	aug_write_varint(w, 128);
	aug_write_varint(w, UINT64_MAX);
	aug_write_string(w, "h\xC3\xA9llo");
	aug_write_bytes(w, "", 0);
}

static void
test_bytes_round_trip(void)
{
	UnitHost h;
	AugWriter w;
	AugReader r;
	uint8_t *bytes;
	size_t length;

	unit_host(&h);
	aug_writer_init(&w, &h.host);
	write_all(&w);
	bytes = aug_writer_take(&w, &length);
	CHECK(bytes != NULL && w.bytes == NULL && w.length == 0);
	/* little-endian, whatever the machine is */
	CHECK(memcmp(bytes, "\xC8\xEF\xBE\xAD\xDE\xEF\xCD\xAB\x89\x67\x45\x23\x01", 13) == 0);

	r = (AugReader){bytes, bytes + length, false};
	CHECK(aug_read_u8(&r) == 200);
	CHECK(aug_read_u32(&r) == UINT32_C(0xDEADBEEF));
	CHECK(aug_read_u64(&r) == UINT64_C(0x0123456789ABCDEF));
	CHECK(aug_read_f32(&r) == -1.5f);
	CHECK(aug_read_f64(&r) == 0.1);
	CHECK(isnan(aug_read_f64(&r)));
	CHECK(aug_read_varint(&r) == 0);
	CHECK(aug_read_varint(&r) == 127);
	CHECK(aug_read_varint(&r) == 128);
	CHECK(aug_read_varint(&r) == UINT64_MAX);
	CHECK(aug_read_count(&r, 6, 1) == 6);
	CHECK(memcmp(aug_read_bytes(&r, 6), "h\xC3\xA9llo", 6) == 0);
	CHECK(aug_reader_left(&r) == 0 && !r.bad);
	CHECK(aug_read_u8(&r) == 0 && r.bad);
	CHECK(aug_read_f64(&r) == 0 && aug_read_f32(&r) == 0 && aug_read_u64(&r) == 0);
	CHECK(aug_read_varint(&r) == 0 && aug_read_count(&r, 9, 1) == 0);
	CHECK(aug_read_bytes(&r, 0) == NULL && aug_reader_left(&r) == 0);
	h.host.release(&h, bytes);
	CHECK(h.live == 0);
}

static void
test_reader_bounds(void)
{
	static const uint8_t long_varint[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
										  0x80, 0x80, 0x80, 0x80, 0x00};
	static const uint8_t wide_varint[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
										  0xFF, 0xFF, 0xFF, 0xFF, 0x02};
	static const uint8_t padded[] = {0x85, 0x00};
	static const uint8_t count[] = {3, 1, 2, 3, 4, 5, 6};
	AugReader r;

	r = (AugReader){long_varint, long_varint + sizeof(long_varint), false};
	CHECK(aug_read_varint(&r) == 0 && r.bad);
	r = (AugReader){wide_varint, wide_varint + sizeof(wide_varint), false};
	CHECK(aug_read_varint(&r) == 0 && r.bad);
	r = (AugReader){wide_varint, wide_varint + 5, false};
	CHECK(aug_read_varint(&r) == 0 && r.bad);
	r = (AugReader){padded, padded + 2, false};
	CHECK(aug_read_varint(&r) == 5 && !r.bad);

	r = (AugReader){count, count + sizeof(count), false};
	CHECK(aug_read_count(&r, 3, 2) == 3 && !r.bad);
	r = (AugReader){count, count + sizeof(count), false};
	CHECK(aug_read_count(&r, 2, 2) == 0 && r.bad);
	r = (AugReader){count, count + sizeof(count), false};
	CHECK(aug_read_count(&r, 3, 3) == 0 && r.bad);
	r = (AugReader){count, count + sizeof(count), false};
	CHECK(aug_read_count(&r, UINT32_MAX, SIZE_MAX) == 0 && r.bad);
	r = (AugReader){count, count + sizeof(count), false};
	CHECK(aug_read_count(&r, 3, 0) == 3 && !r.bad);
	CHECK(aug_read_bytes(&r, SIZE_MAX) == NULL && r.bad);
}

static void
test_writer_limits(void)
{
	UnitHost h;
	AugWriter w;
	size_t length;

	unit_host(&h);
	aug_writer_init(&w, &h.host);
	aug_write_u8(&w, 1);
	CHECK(aug_writer_reserve(&w, SIZE_MAX) == NULL && w.failed);
	CHECK(aug_writer_take(&w, &length) == NULL && length == 0);
	CHECK(h.live == 0 && !w.failed);
	CHECK(aug_writer_reserve(&w, SIZE_MAX / 2 + 10) == NULL);
	aug_write_u8(&w, 1);
	aug_write_u32(&w, 1);
	aug_write_u64(&w, 1);
	aug_write_bytes(&w, "x", 1);
	CHECK(w.length == 0);
	aug_writer_free(&w);

	/* nothing at all is a result too */
	{
		uint8_t *bytes = aug_writer_take(&w, &length);

		CHECK(bytes != NULL && length == 0);
		h.host.release(&h, bytes);
	}
	CHECK(h.live == 0);
}

static AugStatus
writer_step(UnitHost *h, void *arg, AugError *err)
{
	AugWriter w;
	uint8_t *bytes;
	size_t length;

	(void) arg;
	aug_writer_init(&w, &h->host);
	for (int i = 0; i < 100; i++)
		write_all(&w);
	bytes = aug_writer_take(&w, &length);
	if (bytes == NULL)
		return aug_fail_nomem(err, 0);
	h->host.release(h, bytes);
	return AUG_OK;
}

static void
test_writer_failures(void)
{
	CHECK(unit_fail_each(writer_step, NULL) >= 4);
}

/* ---- errors ----------------------------------------------------------- */

static void
test_errors(void)
{
	AugError err;
	char accents[400];

	memset(&err, 'x', sizeof(err));
	CHECK(aug_fail(&err, AUG_DATA, "column \"%s\" has %d values", "a", 3) == AUG_DATA);
	CHECK_TEXT(err.message, "column \"a\" has 3 values");
	CHECK(err.status == AUG_DATA && err.detail[0] == '\0' && err.hint[0] == '\0');
	aug_detail(&err, "Row %d.", 7);
	aug_hint(&err, "Remove it.");
	CHECK_TEXT(err.detail, "Row 7.");
	CHECK_TEXT(err.hint, "Remove it.");
	CHECK(aug_fail_nomem(&err, 100) == AUG_NOMEM);
	CHECK(strstr(err.detail, "100") != NULL && err.hint[0] == '\0');
	CHECK(aug_fail_nomem(&err, 0) == AUG_NOMEM && err.detail[0] == '\0');
	CHECK(aug_fail_cancelled(&err) == AUG_CANCELLED);

	/* cut between characters, whatever the phase: 2, 3 and 4 byte ones */
	for (int lead = 0; lead < 8; lead++)
	{
		static const char *const glyphs[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\xB2"};

		for (int g = 0; g < 3; g++)
		{
			size_t size = strlen(glyphs[g]), n = 0;

			memset(accents, 'x', sizeof(accents));
			for (n = (size_t) lead; n + size < 390; n += size)
				memcpy(accents + n, glyphs[g], size);
			accents[n] = '\0';
			aug_fail(&err, AUG_DATA, "%s", accents);
			n = strlen(err.message);
			CHECK(n < AUG_MESSAGE_SIZE && n >= AUG_MESSAGE_SIZE - 4);
			CHECK((n - (size_t) lead) % size == 0);
		}
	}
	/* text that is all continuation bytes survives too */
	memset(accents, 0x80, 390);
	accents[390] = '\0';
	aug_fail(&err, AUG_DATA, "%s", accents);
	CHECK(strlen(err.message) >= AUG_MESSAGE_SIZE - 5);
	memset(accents, 'a', 390);
	aug_fail(&err, AUG_DATA, "%s", accents);
	CHECK(strlen(err.message) == AUG_MESSAGE_SIZE - 1);
}

static void
test_about(void)
{
	CHECK_TEXT(aug_core_version(), AUGUR_VERSION);
	CHECK_TEXT(aug_core_dispatch(), "scalar");
}

/* ---- hash ------------------------------------------------------------- */

static void
test_hash_stable(void)
{
	/* fixed for ever: holdout splits and stored states depend on these */
	CHECK(aug_hash("", 0, 0) == UINT64_C(0x07FDD88AB03A824D));
	CHECK(aug_hash(NULL, 0, 42) == UINT64_C(0xD7492B557C449D0B));
	CHECK(aug_hash("a", 1, 42) == UINT64_C(0xA24753D0DE074DC5));
	CHECK(aug_hash("customer", 8, 42) == UINT64_C(0x3F4C4C36F6A2E0EE));
	CHECK(aug_hash("customer_id=17", 14, 42) == UINT64_C(0x91A25B44B439A3C4));
}

/* Each input bit flips about half of the output bits, for several lengths. */
static void
test_hash_avalanche(void)
{
	for (size_t length = 1; length <= 40; length += 3)
	{
		for (size_t bit = 0; bit < length * 8; bit++)
		{
			int flipped = 0, tries = 64;

			for (int t = 0; t < tries; t++)
			{
				uint8_t a[40], b[40];
				AugRng rng = aug_rng(1, (uint64_t) t, bit);

				for (size_t i = 0; i < length; i++)
					a[i] = (uint8_t) aug_rng_next(&rng);
				memcpy(b, a, length);
				b[bit / 8] ^= (uint8_t) (1 << (bit % 8));
				flipped += __builtin_popcountll(aug_hash(a, length, 5) ^ aug_hash(b, length, 5));
			}
			/* 4096 bits, sd 32: seven deviations */
			if (abs(flipped - tries * 32) > 224)
			{
				CHECK(!"avalanche");
				return;
			}
		}
	}
	CHECK(true);
}

static void
test_hash_spread(void)
{
	static uint32_t count[1024];

	memset(count, 0, sizeof(count));
	for (uint32_t i = 0; i < 1024 * 64; i++)
	{
		uint64_t h = aug_hash(&i, sizeof(i), 9);

		count[h & 1023]++;
		CHECK(h != aug_hash(&i, sizeof(i), 10));
	}
	/* chi-square of the low bits: 1023 degrees, sd 45; six deviations */
	{
		double chi = 0;

		for (int i = 0; i < 1024; i++)
			chi += (count[i] - 64.0) * (count[i] - 64.0) / 64.0;
		CHECK(chi > 1023 - 270 && chi < 1023 + 270);
	}
	/* the length is part of what is hashed */
	CHECK(aug_hash("\0", 1, 1) != aug_hash("\0\0", 2, 1));
}

/* ---- random numbers --------------------------------------------------- */

static void
test_rng(void)
{
	AugRng a = aug_rng(42, 1, 2), b = aug_rng(42, 2, 1), c = aug_rng(42, 1, 2);
	double sum = 0;
	uint32_t count[7] = {0};

	CHECK(aug_rng_next(&a) == aug_rng_next(&c));
	CHECK(aug_rng_next(&a) != aug_rng_next(&b));
	for (int i = 0; i < 70000; i++)
	{
		double u = aug_rng_real(&a);
		uint32_t k = aug_rng_below(&b, 7);

		CHECK(u >= 0 && u < 1 && k < 7);
		sum += u;
		if (k < 7)
			count[k]++;
	}
	CHECK(fabs(sum / 70000 - 0.5) < 0.006);
	for (int k = 0; k < 7; k++)
		CHECK(count[k] > 9500 && count[k] < 10500);
	for (int i = 0; i < 1000; i++)
	{
		AugRng one = aug_rng(3, (uint64_t) i, 0), same = one;
		uint64_t x = aug_rng_next(&same);

		CHECK(aug_rng_below(&one, 1) == 0);
#ifdef __SIZEOF_INT128__
		one = aug_rng(3, (uint64_t) i, 0);
		CHECK(aug_rng_below(&one, UINT32_MAX) ==
			  (uint32_t) (((__extension__(unsigned __int128) x) * UINT32_MAX) >> 64));
#else
		CHECK(x != 0);
#endif
	}
}

/* ---- sorting ---------------------------------------------------------- */

static void
fill_pattern(double *v, size_t n, int pattern)
{
	AugRng rng = aug_rng(11, n, (uint64_t) pattern);

	for (size_t i = 0; i < n; i++)
	{
		switch (pattern)
		{
			case 0:
				v[i] = aug_rng_real(&rng);
				break;
			case 1:
				v[i] = (double) i;
				break;
			case 2:
				v[i] = (double) (n - i);
				break;
			case 3:
				v[i] = aug_rng_below(&rng, 3);
				break;
			case 4:
				v[i] = 5;
				break;
			case 5: /* organ pipe */
				v[i] = (double) (i < n / 2 ? i : n - i);
				break;
			case 6:
				v[i] = i % 9 == 0 ? INFINITY : i % 7 == 0 ? -INFINITY : sin((double) i);
				break;
			default: /* saw with long teeth, meant to mislead samples */
				v[i] = (double) (i % (n / 9 + 1)) + (i % 2 == 0 ? 1e6 : 0);
		}
	}
}

static void
test_sort(void)
{
	static const size_t sizes[] = {0, 1, 2, 3, 24, 25, 26, 100, 1000, 20000};

	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		for (int pattern = 0; pattern < 8; pattern++)
		{
			size_t n = sizes[s];
			double *v = malloc((n + 1) * sizeof(double)), *w = malloc((n + 1) * sizeof(double)),
				   *orig = malloc((n + 1) * sizeof(double));
			uint8_t *label = malloc(n + 1);
			double sum = 0, sorted_sum = 0;
			bool ok = true;

			if (v == NULL || w == NULL || label == NULL || orig == NULL)
				abort();
			fill_pattern(orig, n, pattern);
			memcpy(v, orig, n * sizeof(double));
			aug_sort_doubles(v, n);
			for (size_t i = 0; i < n; i++)
			{
				sum += isinf(orig[i]) ? 0 : cos(orig[i]);
				sorted_sum += isinf(v[i]) ? 0 : cos(v[i]);
				ok &= i == 0 || v[i - 1] <= v[i];
			}
			CHECK(ok);
			CHECK_NEAR(sum, sorted_sum, 1e-9);

			/* companions stay with their score: the index tells */
			memcpy(v, orig, n * sizeof(double));
			for (size_t i = 0; i < n; i++)
			{
				w[i] = (double) i;
				label[i] = (uint8_t) (i % 251);
			}
			CHECK(aug_sort_scored(NULL, v, label, w, n));
			for (size_t i = 0; i < n; i++)
				ok &= (i == 0 || v[i - 1] <= v[i]) && v[i] == orig[(size_t) w[i]] &&
					  label[i] == (size_t) w[i] % 251;
			CHECK(ok);
			free(v);
			free(w);
			free(orig);
			free(label);
		}
	}
}

/*
 * Levels run out at once: heapsort does the work.
 */
static void
test_sort_heap(void)
{
	size_t n = 3000;
	double v[3000], w[3000], weight[3000];

	for (int pattern = 0; pattern < 8; pattern++)
	{
		bool ok = true;

		fill_pattern(v, n, pattern);
		memcpy(w, v, sizeof(v));
		memcpy(weight, v, sizeof(v));
		aug_sort_doubles_within(v, n, 1);
		CHECK(aug_sort_scored_within(NULL, w, NULL, weight, n, 1));
		for (size_t i = 0; i < n; i++)
			ok &= (i == 0 || v[i - 1] <= v[i]) && v[i] == w[i] && w[i] == weight[i];
		CHECK(ok);
	}
}

static void
test_sort_cancel(void)
{
	UnitHost h;
	size_t n = 200000;
	double *v = malloc(n * sizeof(double));
	double sum = 0;

	if (v == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		v[i] = (double) ((i * 7919) % n);
	unit_host(&h);
	h.cancel_at = 2;
	CHECK(!aug_sort_scored(&h.host, v, NULL, NULL, n));
	CHECK(h.polls == 2);
	for (size_t i = 0; i < n; i++)
		sum += v[i];
	CHECK(sum == (double) n * (double) (n - 1) / 2);
	h.cancel_at = 0;
	CHECK(aug_sort_scored(&h.host, v, NULL, NULL, n));
	CHECK(v[0] == 0 && v[n - 1] == (double) (n - 1));
	free(v);
}

/*
 * Stopped inside a part: the parts around it are left as they are, not sorted by
 * the method for small ones, which would take minutes.
 */
static void
test_sort_cancel_part(void)
{
	UnitHost h;
	size_t n = 300000, descents = 0;
	double *v = malloc(n * sizeof(double));

	if (v == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		v[i] = (double) (aug_hash(&i, sizeof(i), 7) % 1000003);
	unit_host(&h);
	h.cancel_at = 2;
	CHECK(!aug_sort_scored(&h.host, v, NULL, NULL, n));
	CHECK(h.polls == 2);
	for (size_t i = 1; i < n; i++)
		descents += v[i - 1] > v[i];
	CHECK(descents > n / 3);
	free(v);
}

/* ---- checksum --------------------------------------------------------- */

static void
test_crc(void)
{
	uint8_t zero[32], ones[32], up[32];

	/* RFC 3720, appendix B.4 */
	for (int i = 0; i < 32; i++)
	{
		zero[i] = 0;
		ones[i] = 0xFF;
		up[i] = (uint8_t) i;
	}
	CHECK(aug_crc32c(0, zero, 32) == UINT32_C(0x8A9136AA));
	CHECK(aug_crc32c(0, ones, 32) == UINT32_C(0x62A8AB43));
	CHECK(aug_crc32c(0, up, 32) == UINT32_C(0x46DD794E));
	CHECK(aug_crc32c(0, (const uint8_t *) "123456789", 9) == UINT32_C(0xE3069283));
	CHECK(aug_crc32c(aug_crc32c(0, up, 13), up + 13, 19) == UINT32_C(0x46DD794E));
}

static const UnitTest tests[] = {
	{"arena_alignment", test_arena_alignment},
	{"arena_sizes", test_arena_sizes},
	{"arena_limit", test_arena_limit},
	{"arena_failures", test_arena_failures},
	{"bytes_round_trip", test_bytes_round_trip},
	{"reader_bounds", test_reader_bounds},
	{"writer_limits", test_writer_limits},
	{"writer_failures", test_writer_failures},
	{"errors", test_errors},
	{"about", test_about},
	{"hash_stable", test_hash_stable},
	{"hash_avalanche", test_hash_avalanche},
	{"hash_spread", test_hash_spread},
	{"rng", test_rng},
	{"sort", test_sort},
	{"sort_heap", test_sort_heap},
	{"sort_cancel", test_sort_cancel},
	{"sort_cancel_part", test_sort_cancel_part},
	{"crc", test_crc},
};

UNIT_MAIN("support", tests);
