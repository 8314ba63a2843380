/*-------------------------------------------------------------------------
 *
 * bytes.c
 *		Little-endian writer that grows, and bounded reader of untrusted bytes.
 *
 * Both remember their first failure and go quiet after it, so that callers
 * write a sequence of fields and look once at the end, or where a size is about
 * to be used.  Bytes are put together by shifts: the same on every machine.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "bytes.h"

#define ROOM_FIRST 256

/*
 * An empty writer; takes no memory yet.
 */
void
aug_writer_init(AugWriter *w, const AugHost *host)
{
	w->host = host;
	w->bytes = NULL;
	w->length = 0;
	w->room = 0;
	w->failed = false;
}

/*
 * Moves the bytes to a buffer with room for at least wanted bytes.
 */
static bool
writer_grow(AugWriter *w, size_t wanted)
{
	size_t room = w->room < ROOM_FIRST ? ROOM_FIRST : w->room;
	uint8_t *bytes;

	while (room < wanted)
		room = room > SIZE_MAX / 2 ? wanted : room * 2;
	bytes = w->host->alloc(w->host->arg, room);
	if (bytes == NULL)
		return false;
	if (w->bytes != NULL)
		memcpy(bytes, w->bytes, w->length);
	w->host->release(w->host->arg, w->bytes);
	w->bytes = bytes;
	w->room = room;
	return true;
}

/*
 * Makes room for n more bytes, counts them as written and returns where they
 * go; NULL (and w->failed) when memory is short.  The pointer is good until the
 * next write.
 */
uint8_t *
aug_writer_reserve(AugWriter *w, size_t n)
{
	uint8_t *at;

	if (w->failed)
		return NULL;
	if (n > SIZE_MAX - w->length || (w->length + n > w->room && !writer_grow(w, w->length + n)))
	{
		w->failed = true;
		return NULL;
	}
	/* reserving nothing in an empty writer still needs a valid pointer */
	if (w->bytes == NULL && !writer_grow(w, 1))
	{
		w->failed = true;
		return NULL;
	}
	at = w->bytes + w->length;
	w->length += n;
	return at;
}

void
aug_write_u8(AugWriter *w, uint8_t v)
{
	uint8_t *at = aug_writer_reserve(w, 1);

	if (at != NULL)
		*at = v;
}

void
aug_write_u32(AugWriter *w, uint32_t v)
{
	uint8_t *at = aug_writer_reserve(w, 4);

	if (at == NULL)
		return;
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t) (v >> (8 * i));
}

void
aug_write_u64(AugWriter *w, uint64_t v)
{
	uint8_t *at = aug_writer_reserve(w, 8);

	if (at == NULL)
		return;
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t) (v >> (8 * i));
}

void
aug_write_f32(AugWriter *w, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	aug_write_u32(w, bits);
}

void
aug_write_f64(AugWriter *w, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	aug_write_u64(w, bits);
}

/*
 * Seven bits a byte, low first; the top bit says that more follow (LEB128).
 */
void
aug_write_varint(AugWriter *w, uint64_t v)
{
	while (v >= 0x80)
	{
		aug_write_u8(w, (uint8_t) (v | 0x80));
		v >>= 7;
	}
	aug_write_u8(w, (uint8_t) v);
}

void
aug_write_bytes(AugWriter *w, const void *p, size_t n)
{
	uint8_t *at = aug_writer_reserve(w, n);

	if (at != NULL && n > 0)
		memcpy(at, p, n);
}

/*
 * A NUL-terminated string as its length and its bytes, without the NUL.
 */
void
aug_write_string(AugWriter *w, const char *s)
{
	size_t n = strlen(s);

	aug_write_varint(w, n);
	aug_write_bytes(w, s, n);
}

/*
 * Hands the bytes to the caller, who releases them through the host.  NULL when
 * the writer failed; never NULL otherwise, even for no bytes.
 */
uint8_t *
aug_writer_take(AugWriter *w, size_t *length)
{
	uint8_t *bytes;

	*length = 0;
	if (aug_writer_reserve(w, 0) == NULL)
	{
		aug_writer_free(w);
		return NULL;
	}
	bytes = w->bytes;
	*length = w->length;
	aug_writer_init(w, w->host);
	return bytes;
}

void
aug_writer_free(AugWriter *w)
{
	w->host->release(w->host->arg, w->bytes);
	aug_writer_init(w, w->host);
}

/*
 * Where the next n bytes lie inside the input; NULL and r->bad when there are
 * fewer.
 */
const uint8_t *
aug_read_bytes(AugReader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->bad || n > (size_t) (r->end - r->at))
	{
		r->bad = true;
		return NULL;
	}
	r->at += n;
	return at;
}

uint8_t
aug_read_u8(AugReader *r)
{
	const uint8_t *at = aug_read_bytes(r, 1);

	return at == NULL ? 0 : *at;
}

uint32_t
aug_read_u32(AugReader *r)
{
	const uint8_t *at = aug_read_bytes(r, 4);
	uint32_t v = 0;

	if (at == NULL)
		return 0;
	for (int i = 0; i < 4; i++)
		v |= (uint32_t) at[i] << (8 * i);
	return v;
}

uint64_t
aug_read_u64(AugReader *r)
{
	const uint8_t *at = aug_read_bytes(r, 8);
	uint64_t v = 0;

	if (at == NULL)
		return 0;
	for (int i = 0; i < 8; i++)
		v |= (uint64_t) at[i] << (8 * i);
	return v;
}

float
aug_read_f32(AugReader *r)
{
	uint32_t bits = aug_read_u32(r);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

double
aug_read_f64(AugReader *r)
{
	uint64_t bits = aug_read_u64(r);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

/*
 * Reads LEB128 of at most 64 bits; more bits or more than ten bytes are bad.
 */
uint64_t
aug_read_varint(AugReader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7)
	{
		uint8_t byte = aug_read_u8(r);

		if (r->bad)
			return 0;
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t) (byte & 0x7F) << shift;
		if (byte < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

/*
 * A count of things that follow.  Bad when it is above max, or when the bytes
 * left could not hold that many things of unit bytes each; so a caller may
 * allocate count elements without a damaged file asking for the world.
 */
uint32_t
aug_read_count(AugReader *r, uint32_t max, size_t unit)
{
	uint64_t n = aug_read_varint(r);

	if (r->bad)
		return 0;
	if (n > max || (unit > 0 && n > aug_reader_left(r) / unit))
	{
		r->bad = true;
		return 0;
	}
	return (uint32_t) n;
}
