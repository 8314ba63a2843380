/*-------------------------------------------------------------------------
 *
 * store.c
 *		A fitted series as bytes: what a forecaster in a registry keeps of each.
 *
 * Little-endian, field by field, with length and checksum; docs/format.md is the
 * reference.  The reader trusts no byte: counts are accepted only when the bytes left
 * can hold as many things, numbers are finite where they must be, seasons and levels
 * ascend.  What a form means is checked by the method that it goes to.
 *
 * Memory: the reader makes one block, no larger than the input and a constant.
 * Interrupts: none, all is linear in the length.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../artifact.h"
#include "forecast.h"

#define SERIES_MAGIC \
	"\x89"           \
	"AUGTS\n\x1A"
#define SERIES_FORMAT	1
#define MAX_HOST_TEXT	255
#define MAX_LABEL		(AUG_LABEL_SIZE - 1)
#define MAX_STORED_FORM ((uint32_t) 1 << 26)

/* ---- writing -------------------------------------------------------------- */

static void
write_doubles(AugWriter *w, const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		aug_write_f64(w, values[i]);
}

static void
write_series(AugWriter *w, const AugSeries *s)
{
	aug_write_varint(w, s->n);
	write_doubles(w, s->y, s->n);
	aug_write_varint(w, s->n_periods);
	for (uint32_t i = 0; i < s->n_periods; i++)
		aug_write_varint(w, s->period[i]);
	aug_write_varint(w, s->n_regressors);
	write_doubles(w, s->x, s->n * s->n_regressors);
}

AugStatus
aug_stored_write(const AugHost *host, const AugStored *stored, uint8_t **bytes, size_t *length,
				 AugError *err)
{
	AugWriter w;

	aug_writer_init(&w, host);
	aug_write_bytes(&w, SERIES_MAGIC, AUG_MAGIC_SIZE);
	aug_write_u32(&w, SERIES_FORMAT);
	aug_write_u64(&w, 0); /* the length, known at the end */
	for (int i = 0; i < AUG_HOST_NUMBERS; i++)
		aug_write_u64(&w, (uint64_t) stored->host_number[i]);
	aug_write_string(&w, stored->host_text);
	write_series(&w, &stored->series);
	aug_write_string(&w, stored->options);
	aug_write_u64(&w, stored->seed);
	aug_write_varint(&w, stored->form.length);
	aug_write_bytes(&w, stored->form.bytes, stored->form.length);
	aug_write_string(&w, stored->method);
	aug_write_varint(&w, stored->horizon);
	aug_write_varint(&w, stored->n_levels);
	write_doubles(&w, stored->levels, stored->n_levels);
	write_doubles(&w, stored->mean, stored->horizon);
	write_doubles(&w, stored->lower, (size_t) stored->horizon * stored->n_levels);
	write_doubles(&w, stored->upper, (size_t) stored->horizon * stored->n_levels);
	if (!w.failed)
	{
		uint64_t whole = (uint64_t) w.length + AUG_TRAILER_SIZE;

		for (int i = 0; i < 8; i++)
			w.bytes[AUG_MAGIC_SIZE + 4 + i] = (uint8_t) (whole >> (8 * i));
		aug_write_u32(&w, aug_crc32c(0, w.bytes, w.length));
	}
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading --------------------------------------------------------------- */

/*
 * Where the parts of the block go: numbers from its begin upwards, texts and the form
 * from its end downwards.  They cannot meet, as each takes the room it has in the input.
 */
typedef struct Block
{
	double *numbers;
	char *bytes;
} Block;

#define TEXTS 3 /* each gets a terminator */

static AugStatus
damaged(AugError *err, const char *what)
{
	return aug_fail(err, AUG_CORRUPT, "stored series is damaged: %s", what);
}

/* The envelope; r is left on what it holds. */
static AugStatus
open_stored(const uint8_t *bytes, size_t length, AugReader *r, AugError *err)
{
	uint32_t format;

	*r = (AugReader){bytes, bytes + length, false};
	if (length < AUG_HEADER_SIZE + AUG_TRAILER_SIZE ||
		memcmp(bytes, SERIES_MAGIC, AUG_MAGIC_SIZE) != 0)
		return damaged(err, "it does not begin like one");
	(void) aug_read_bytes(r, AUG_MAGIC_SIZE);
	format = aug_read_u32(r);
	if (format != SERIES_FORMAT)
		return aug_fail(err, AUG_CORRUPT, "stored series has format %u, this version reads %d",
						format, SERIES_FORMAT);
#ifndef AUG_FUZZING
	if (aug_read_u64(r) != length)
		return damaged(err, "its length is wrong");
	{
		AugReader end = {bytes + length - AUG_TRAILER_SIZE, bytes + length, false};

		if (aug_read_u32(&end) != aug_crc32c(0, bytes, length - AUG_TRAILER_SIZE))
			return damaged(err, "its checksum is wrong");
	}
#else
	(void) aug_read_u64(r);
#endif
	r->end -= AUG_TRAILER_SIZE;
	return AUG_OK;
}

/* What numbers may be. */
typedef enum Numbers
{
	FINITE,
	FINITE_OR_MISSING, /* NaN */
	ANY
} Numbers;

static const double *
read_doubles(AugReader *r, Block *block, size_t n, Numbers may)
{
	double *out = block->numbers;

	for (size_t i = 0; i < n; i++)
	{
		out[i] = aug_read_f64(r);
		if ((isinf(out[i]) && may != ANY) || (isnan(out[i]) && may == FINITE))
			r->bad = true;
	}
	block->numbers += n;
	return out;
}

static const char *
read_text(AugReader *r, Block *block, uint32_t most)
{
	uint32_t length = aug_read_count(r, most, 1);
	const uint8_t *from = aug_read_bytes(r, length);

	if (from == NULL || memchr(from, '\0', length) != NULL)
	{
		r->bad = true;
		return "";
	}
	block->bytes -= length + 1;
	memcpy(block->bytes, from, length);
	block->bytes[length] = '\0';
	return block->bytes;
}

static void
read_series(AugReader *r, Block *block, AugSeries *s)
{
	s->n = aug_read_count(r, UINT32_MAX, sizeof(double));
	s->y = read_doubles(r, block, s->n, FINITE_OR_MISSING);
	s->n_periods = aug_read_count(r, AUG_MAX_PERIODS, 1);
	for (uint32_t i = 0; i < s->n_periods; i++)
	{
		uint64_t period = aug_read_varint(r);

		if (period < 2 || period > AUG_MAX_PERIOD || (i > 0 && period <= s->period[i - 1]))
			r->bad = true;
		s->period[i] = (uint32_t) period;
	}
	s->n_regressors = (uint32_t) aug_read_varint(r);
	if (s->n_regressors > AUG_MAX_REGRESSORS ||
		aug_reader_left(r) / sizeof(double) < s->n * s->n_regressors)
		r->bad = true;
	s->n_x = s->n;
	if (!r->bad && s->n_regressors > 0)
		s->x = read_doubles(r, block, s->n * s->n_regressors, FINITE);
}

static void
read_form(AugReader *r, Block *block, AugSlice *form)
{
	uint32_t length = aug_read_count(r, MAX_STORED_FORM, 1);
	const uint8_t *from = aug_read_bytes(r, length);

	if (from == NULL)
		return;
	block->bytes -= length;
	memcpy(block->bytes, from, length);
	*form = (AugSlice){(const uint8_t *) block->bytes, length};
}

/* The forecast that was made when the series was fitted. */
static void
read_forecast(AugReader *r, Block *block, AugStored *stored)
{
	size_t room;

	stored->horizon = (uint32_t) aug_read_varint(r);
	stored->n_levels = (uint32_t) aug_read_varint(r);
	room = aug_reader_left(r) / sizeof(double);
	if (stored->horizon > AUG_MAX_HORIZON || stored->n_levels > AUG_MAX_LEVELS_ASKED ||
		room !=
			stored->n_levels + (size_t) stored->horizon * (1 + 2 * (size_t) stored->n_levels))
		r->bad = true;
	if (r->bad)
		return;
	stored->levels = read_doubles(r, block, stored->n_levels, FINITE);
	for (uint32_t i = 0; i < stored->n_levels; i++)
	{
		if (!(stored->levels[i] > 0 && stored->levels[i] < 1) ||
			(i > 0 && stored->levels[i] <= stored->levels[i - 1]))
			r->bad = true;
	}
	/* intervals of huge numbers may end nowhere */
	stored->mean = read_doubles(r, block, stored->horizon, ANY);
	stored->lower = read_doubles(r, block, (size_t) stored->horizon * stored->n_levels, ANY);
	stored->upper = read_doubles(r, block, (size_t) stored->horizon * stored->n_levels, ANY);
}

AugStatus
aug_stored_read(const AugHost *host, const uint8_t *bytes, size_t length, AugStored **out,
				AugError *err)
{
	AugReader r;
	AugStored *stored;
	Block block;
	AugStatus status = open_stored(bytes, length, &r, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	stored = host->alloc(host->arg, sizeof(AugStored) + length + TEXTS);
	if (stored == NULL)
		return aug_fail_nomem(err, length);
	memset(stored, 0, sizeof(*stored));
	block.numbers = (double *) (stored + 1);
	block.bytes = (char *) (stored + 1) + length + TEXTS;
	for (int i = 0; i < AUG_HOST_NUMBERS; i++)
		stored->host_number[i] = (int64_t) aug_read_u64(&r);
	stored->host_text = read_text(&r, &block, MAX_HOST_TEXT);
	read_series(&r, &block, &stored->series);
	stored->options = read_text(&r, &block, AUG_PARAMS_TEXT_MAX);
	stored->seed = aug_read_u64(&r);
	read_form(&r, &block, &stored->form);
	stored->method = read_text(&r, &block, MAX_LABEL);
	read_forecast(&r, &block, stored);
	if (r.bad || aug_reader_left(&r) > 0)
	{
		host->release(host->arg, stored);
		return damaged(err, "its contents do not fit together");
	}
	*out = stored;
	return AUG_OK;
}
