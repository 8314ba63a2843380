/*-------------------------------------------------------------------------
 *
 * unit.c
 *		Harness of the core's unit tests; see unit.h.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#define MAX_STEPS 10000 /* failed allocations or polls tried in turn */
#define HEADER	  24	/* 8 modulo 16: memory aligned as PostgreSQL's */

#define MAX_MESSAGES 5 /* printed for one test; the rest is counted */

static unsigned failures;

bool
unit_check(bool ok, const char *what, const char *file, int line)
{
	if (!ok && failures++ < MAX_MESSAGES)
		fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	return ok;
}

bool
unit_near(double a, double b, double tolerance, const char *what, const char *file, int line)
{
	bool ok;

	if (isnan(a) || isnan(b))
		ok = isnan(a) && isnan(b);
	else if (isinf(a) || isinf(b))
		ok = a == b;
	else
		ok = fabs(a - b) <= tolerance * fmax(1, fabs(b));
	if (!ok && failures < MAX_MESSAGES)
		fprintf(stderr, "%s:%d: %.17g against %.17g\n", file, line, a, b);
	return unit_check(ok, what, file, line);
}

bool
unit_text(const char *a, const char *b, const char *what, const char *file, int line)
{
	bool ok = a != NULL && b != NULL && strcmp(a, b) == 0;

	if (!ok && failures < MAX_MESSAGES)
		fprintf(stderr, "%s:%d: '%s' against '%s'\n", file, line, a ? a : "(null)",
				b ? b : "(null)");
	return unit_check(ok, what, file, line);
}

int
unit_main(const char *room, const UnitTest *tests, unsigned n, int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	for (unsigned i = 0; i < n; i++)
	{
		bool wanted = argc < 2;

		for (int k = 1; k < argc; k++)
			wanted |= strcmp(argv[k], tests[i].name) == 0;
		if (!wanted)
			continue;
		failures = 0;
		tests[i].run();
		if (failures > 0)
		{
			fprintf(stderr, "%s: %s failed (%u checks)\n", room, tests[i].name, failures);
			failed++;
		}
		else
			passed++;
	}
	printf("%s: %u passed, %u failed\n", room, passed, failed);
	return failed > 0 || passed == 0;
}

/* ---- host ------------------------------------------------------------- */

static void *
host_alloc(void *arg, size_t size)
{
	UnitHost *h = arg;
	uint8_t *block;

	h->allocations++;
	if (h->fail_at > 0 && h->allocations >= h->fail_at)
		return NULL;
	if (size > INT32_MAX)
		return NULL; /* no test wants that much; a wrapped size might */
	block = malloc(size + HEADER);
	if (block == NULL)
		return NULL;
	memcpy(block, &size, sizeof(size));
	memset(block + HEADER, h->fill, size);
	h->live++;
	h->bytes += size;
	if (h->bytes > h->peak)
		h->peak = h->bytes;
	return block + HEADER;
}

static void
host_release(void *arg, void *ptr)
{
	UnitHost *h = arg;
	uint8_t *block;
	size_t size;

	if (ptr == NULL)
		return;
	block = (uint8_t *) ptr - HEADER;
	memcpy(&size, block, sizeof(size));
	h->live--;
	h->bytes -= size;
	free(block);
}

static bool
host_poll(void *arg, double done)
{
	UnitHost *h = arg;

	h->polls++;
	h->last_done = done;
	unit_check(done == -1 || (done >= 0 && done <= 1), "share done is -1 or in 0..1", __FILE__,
			   __LINE__);
	return h->cancel_at > 0 && h->polls >= h->cancel_at;
}

void
unit_host(UnitHost *h)
{
	memset(h, 0, sizeof(*h));
	h->host.alloc = host_alloc;
	h->host.release = host_release;
	h->host.poll = host_poll;
	h->host.arg = h;
	h->fill = 0xA5;
}

static size_t
each(UnitStep step, void *arg, bool memory)
{
	for (size_t n = 1; n <= MAX_STEPS; n++)
	{
		UnitHost h;
		AugError err;
		AugStatus status;

		memset(&err, 0, sizeof(err));
		unit_host(&h);
		*(memory ? &h.fail_at : &h.cancel_at) = n;
		status = step(&h, arg, &err);
		if (!CHECK(h.live == 0))
		{
			fprintf(stderr, "%zu blocks left at step %zu\n", h.live, n);
			return n;
		}
		if ((memory ? h.allocations : h.polls) < n)
		{
			CHECK(status == AUG_OK);
			return n - 1;
		}
		if (!CHECK(status == (memory ? AUG_NOMEM : AUG_CANCELLED)) ||
			!CHECK(err.status == status && err.message[0] != '\0'))
		{
			fprintf(stderr, "status %d at step %zu: %s\n", (int) status, n, err.message);
			return n;
		}
	}
	CHECK(!"more steps than expected");
	return MAX_STEPS;
}

size_t
unit_fail_each(UnitStep step, void *arg)
{
	return each(step, arg, true);
}

size_t
unit_cancel_each(UnitStep step, void *arg)
{
	return each(step, arg, false);
}

uint8_t *
unit_read_file(const char *name, size_t *length)
{
	FILE *file = fopen(name, "rb");
	uint8_t *bytes = NULL;
	long size;

	*length = 0;
	if (file == NULL)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0)
	{
		bytes = malloc((size_t) size + 1);
		if (bytes != NULL && fread(bytes, 1, (size_t) size, file) == (size_t) size)
		{
			bytes[size] = 0;
			*length = (size_t) size;
		}
		else
		{
			free(bytes);
			bytes = NULL;
		}
	}
	fclose(file);
	return bytes;
}

static void
refused(UnitHost *h, UnitRead read, const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);
	AugError err;

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, length);
	CHECK(read(h, copy, length, &err) == AUG_CORRUPT && err.message[0] != '\0');
	CHECK(h->live == 0);
	free(copy);
}

void
unit_damage(UnitRead read, const uint8_t *bytes, size_t length)
{
	UnitHost h;
	uint8_t *copy = calloc(length + 1, 1);

	if (copy == NULL)
		abort();
	unit_host(&h);
	memcpy(copy, bytes, length);
	for (size_t n = 0; n < length; n++)
		refused(&h, read, copy, n);
	refused(&h, read, copy, length + 1);
	for (size_t i = 0; i < length; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			copy[i] ^= (uint8_t) (1 << bit);
			refused(&h, read, copy, length);
			copy[i] ^= (uint8_t) (1 << bit);
		}
	}
	free(copy);
}
