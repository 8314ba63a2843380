/*-------------------------------------------------------------------------
 *
 * bytes.h
 *		Growing little-endian writer and bounded reader, for artifacts and for
 *		task results.  All model bytes pass through here.
 *
 * The reader is for untrusted input: a read past the end sets r->bad and
 * returns zero, and stays so; callers test r->bad at the points where it
 * matters (before sizes are used).  The writer remembers a failed allocation
 * in w->failed in the same way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_BYTES_H
#define AUG_BYTES_H

#include "augur.h"

typedef struct AugWriter
{
	const AugHost *host;
	uint8_t *bytes;
	size_t length;
	size_t room;
	bool failed;
} AugWriter;

extern void aug_writer_init(AugWriter *w, const AugHost *host);
/* Makes room for n more bytes and returns where they go, or NULL. */
extern uint8_t *aug_writer_reserve(AugWriter *w, size_t n);
extern void aug_write_u8(AugWriter *w, uint8_t v);
extern void aug_write_u32(AugWriter *w, uint32_t v);
extern void aug_write_u64(AugWriter *w, uint64_t v);
extern void aug_write_f32(AugWriter *w, float v);
extern void aug_write_f64(AugWriter *w, double v);
extern void aug_write_varint(AugWriter *w, uint64_t v); /* LEB128 */
extern void aug_write_bytes(AugWriter *w, const void *p, size_t n);
extern void aug_write_string(AugWriter *w, const char *s); /* varint length + bytes */
/* Hands the bytes to the caller, who releases them; the writer is empty after. */
extern uint8_t *aug_writer_take(AugWriter *w, size_t *length);
extern void aug_writer_free(AugWriter *w);

typedef struct AugReader
{
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
} AugReader;

extern uint8_t aug_read_u8(AugReader *r);
extern uint32_t aug_read_u32(AugReader *r);
extern uint64_t aug_read_u64(AugReader *r);
extern float aug_read_f32(AugReader *r);
extern double aug_read_f64(AugReader *r);
extern uint64_t aug_read_varint(AugReader *r); /* at most 10 bytes, canonical or not */
/* A count that must be <= max and for which at least unit bytes each remain. */
extern uint32_t aug_read_count(AugReader *r, uint32_t max, size_t unit);
/* Pointer to n bytes inside the input, or NULL with r->bad set. */
extern const uint8_t *aug_read_bytes(AugReader *r, size_t n);

static inline size_t
aug_reader_left(const AugReader *r)
{
	return r->bad ? 0 : (size_t) (r->end - r->at);
}

#endif /* AUG_BYTES_H */
