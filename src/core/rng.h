/*-------------------------------------------------------------------------
 *
 * rng.h
 *		Counter-based random numbers: value i of stream k is a pure function of
 *		(k, i), so any task can be run by any process in any order.
 *
 * The generator is SplitMix64 with random access: its state is key + i * golden,
 * finished by the 64-bit mixer of Stafford (variant 13).
 * Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_RNG_H
#define AUG_RNG_H

#include <stdint.h>

typedef struct AugRng
{
	uint64_t key;
	uint64_t counter;
} AugRng;

static inline uint64_t
aug_mix64(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* A stream of its own for (seed, a, b), for example (seed, tree, node). */
static inline AugRng
aug_rng(uint64_t seed, uint64_t a, uint64_t b)
{
	AugRng rng;

	rng.key = aug_mix64(seed + UINT64_C(0x9E3779B97F4A7C15));
	rng.key = aug_mix64(rng.key ^ (a + UINT64_C(0xD1B54A32D192ED03)));
	rng.key = aug_mix64(rng.key ^ (b + UINT64_C(0x8CB92BA72F3D8DD7)));
	rng.counter = 0;
	return rng;
}

static inline uint64_t
aug_rng_next(AugRng *rng)
{
	rng->counter++;
	return aug_mix64(rng->key + rng->counter * UINT64_C(0x9E3779B97F4A7C15));
}

/* Uniform integer in 0 .. n-1, n >= 1; bias below n / 2^64 (Lemire 2019). */
static inline uint32_t
aug_rng_below(AugRng *rng, uint32_t n)
{
	uint64_t x = aug_rng_next(rng);

	/* the high half of a 64 x 32 bit product, without a 128-bit type */
	return (uint32_t) (((x >> 32) * n + (((x & UINT32_MAX) * n) >> 32)) >> 32);
}

/* Uniform real in [0, 1), 53 bits. */
static inline double
aug_rng_real(AugRng *rng)
{
	return (double) (aug_rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif /* AUG_RNG_H */
