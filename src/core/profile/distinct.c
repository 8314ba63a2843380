/*-------------------------------------------------------------------------
 *
 * distinct.c
 *		A sketch of the number of distinct values.
 *
 * Flajolet, Fusy, Gandouet and Meunier 2007 (HyperLogLog): of each value's hash, some bits
 * choose a register, which keeps the longest run of zeros that the other bits began with.
 * The estimate is the improved raw estimator of Ertl 2017 (arXiv:1702.01284, algorithm 6),
 * which needs no corrections.  Merging takes the larger of two registers.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../rng.h"
#include "profile.h"

/* Registers that are set are listed when they are fewer. */
#define SPARSE (DISTINCT_REGISTERS / 4)

void
aug_distinct_add(Distinct *d, uint64_t hash)
{
	uint32_t at = (uint32_t) (hash >> (64 - DISTINCT_BITS));
	uint64_t rest = hash << DISTINCT_BITS;
	uint8_t rank = (uint8_t) (rest == 0 ? DISTINCT_MOST : __builtin_clzll(rest) + 1);

	if (rank > d->rank[at])
		d->rank[at] = rank;
}

void
aug_distinct_numbers(Distinct *d, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		double value = v[i] + 0.0; /* -0 becomes 0 */
		uint64_t bits;

		memcpy(&bits, &value, sizeof(bits));
		aug_distinct_add(d, aug_mix64(bits ^ HASH_SEED));
	}
}

void
aug_distinct_merge(Distinct *into, const Distinct *from)
{
	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		if (from->rank[i] > into->rank[i])
			into->rank[i] = from->rank[i];
}

/* x + sum of x^(2^k) 2^(k - 1) */
static double
sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return INFINITY;
	do
	{
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3 */
static double
tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do
	{
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

double
aug_distinct_estimate(const Distinct *d)
{
	double m = DISTINCT_REGISTERS, z;
	uint32_t count[DISTINCT_MOST + 1] = {0};

	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		count[d->rank[i]]++;
	z = m * tau(1 - count[DISTINCT_MOST] / m);
	for (uint32_t k = DISTINCT_MOST - 1; k >= 1; k--)
		z = 0.5 * (z + count[k]);
	z += m * sigma(count[0] / m);
	return m * m / (2 * log(2)) / z;
}

void
aug_distinct_write(const Distinct *d, AugWriter *w)
{
	uint32_t set = 0;

	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		set += d->rank[i] > 0 ? 1 : 0;
	aug_write_varint(w, set);
	if (set >= SPARSE)
	{
		aug_write_bytes(w, d->rank, DISTINCT_REGISTERS);
		return;
	}
	for (size_t i = 0, last = 0; i < DISTINCT_REGISTERS; i++)
		if (d->rank[i] > 0)
		{
			aug_write_varint(w, i - last);
			aug_write_u8(w, d->rank[i]);
			last = i;
		}
}

bool
aug_distinct_read(Distinct *d, AugReader *r)
{
	uint32_t set = aug_read_count(r, DISTINCT_REGISTERS, 1), found = 0;
	uint64_t at = 0;

	memset(d, 0, sizeof(*d));
	if (set >= SPARSE)
	{
		const uint8_t *rank = aug_read_bytes(r, DISTINCT_REGISTERS);

		if (rank != NULL)
			memcpy(d->rank, rank, DISTINCT_REGISTERS);
	}
	else
		for (uint32_t i = 0; i < set && !r->bad; i++)
		{
			uint64_t step = aug_read_varint(r);

			if (step >= DISTINCT_REGISTERS - at || (i > 0 && step == 0))
				return false;
			at += step;
			d->rank[at] = aug_read_u8(r);
		}
	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
	{
		found += d->rank[i] > 0 ? 1 : 0;
		if (d->rank[i] > DISTINCT_MOST)
			return false;
	}
	return !r->bad && found == set;
}
