/*-------------------------------------------------------------------------
 *
 * hash.c
 *		A 64-bit hash of bytes under a seed, the same on every platform and in
 *		every version: holdout splits and stored states depend on it.
 *
 * Construction: the input is cut into 8-byte little-endian words; each is mixed
 * by a bijection of good avalanche (Stafford's variant 13 of the finaliser of
 * MurmurHash3) and folded into the state by a rotation and an odd multiplier, as
 * in Appleby's MurmurHash family; the length and the seed enter first, the
 * finaliser ends.  Not for secrets: whoever knows the seed can make collisions.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "augur.h"
#include "rng.h"

#define FOLD UINT64_C(0x9FB21C651E98DF25)

static inline uint64_t
rotate(uint64_t v, unsigned k)
{
	return (v << k) | (v >> (64 - k));
}

/* Up to 8 bytes as a little-endian number. */
static inline uint64_t
word_at(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t) p[i] << (8 * i);
	return v;
}

/*
 * Hash of length bytes; bytes may be NULL when length is 0.
 */
uint64_t
aug_hash(const void *bytes, size_t length, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t h = aug_mix64(seed + UINT64_C(0x9E3779B97F4A7C15)) ^
				 aug_mix64((uint64_t) length + UINT64_C(0xD1B54A32D192ED03));

	for (; length >= 8; p += 8, length -= 8)
		h = rotate(h ^ aug_mix64(word_at(p, 8)), 29) * FOLD;
	if (length > 0)
		h = rotate(h ^ aug_mix64(word_at(p, length)), 29) * FOLD;
	return aug_mix64(h);
}
