/*-------------------------------------------------------------------------
 *
 * quantiles.c
 *		A sketch of the quantiles of a stream of numbers.
 *
 * Karnin, Lang and Liberty 2016 (Optimal quantile approximation in streams, FOCS), in the lazy
 * form of Ivkin et al. 2019: numbers enter level 0; when all levels together are full, the
 * lowest that is full is put in order, and every second number of it, beginning with the first
 * or the second by the toss of a coin, moves up, where it counts twice as much.  Levels are the
 * larger the higher they are, by 3 to 2.  The weights always sum to the numbers added.
 *
 * Coins come from a counter: the same numbers in the same order give the same sketch.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../rng.h"
#include "../sort.h"
#include "profile.h"

/* Standard error of a rank in the middle, as a share of all: test_profile.c measures it. */
#define RANK_ERROR (1.1 / AUG_PROFILE_EXACT)

/* Most numbers of a level, so many below the highest one; all others as the last. */
static const uint32_t level_room[] = {AUG_PROFILE_EXACT, 1365, 910, 607, 405, 270, 180, 120, 80, 64};
#define ROOMS (sizeof(level_room) / sizeof(level_room[0]))

static uint32_t
level_capacity(uint32_t n_levels, uint32_t level)
{
	uint32_t below = n_levels - 1 - level;

	return level_room[below < ROOMS ? below : ROOMS - 1];
}

void
aug_quantiles_count(Quantiles *q)
{
	q->n_items = q->capacity = 0;
	for (uint32_t i = 0; i < q->n_levels; i++)
	{
		q->n_items += q->level[i].n;
		q->capacity += level_capacity(q->n_levels, i);
	}
}

AugStatus
aug_quantiles_room(const AugHost *host, QuantileLevel *level, uint32_t n, AugError *err)
{
	uint32_t room = level->room < 32 ? 32 : level->room;
	double *item;

	if (n <= level->room)
		return AUG_OK;
	while (room < n)
		room *= 2;
	item = host->alloc(host->arg, room * sizeof(double));
	if (item == NULL)
		return aug_fail_nomem(err, room * sizeof(double));
	if (level->n > 0)
		memcpy(item, level->item, level->n * sizeof(double));
	host->release(host->arg, level->item);
	level->item = item;
	level->room = room;
	return AUG_OK;
}

/* n ascending numbers, stride apart, into an ascending level, not their own. */
static AugStatus
merge_sorted(const AugHost *host, QuantileLevel *level, const double *v, uint32_t n,
			 uint32_t stride, AugError *err)
{
	AugStatus status = aug_quantiles_room(host, level, level->n + n, err);
	uint32_t i = level->n, k = n, at = level->n + n;

	if (status != AUG_OK)
		return status;
	/* from the end, so that nothing is overwritten before it is read */
	while (k > 0)
	{
		double next = v[(size_t) (k - 1) * stride];

		if (i > 0 && level->item[i - 1] > next)
			level->item[--at] = level->item[--i];
		else
		{
			level->item[--at] = next;
			k--;
		}
	}
	level->n += n;
	return AUG_OK;
}

/* Halves the lowest full level. */
static AugStatus
compress(const AugHost *host, Quantiles *q, AugError *err)
{
	AugStatus status;
	QuantileLevel *level;
	uint32_t h = 0, odd, coin;

	while (h < q->n_levels && q->level[h].n < level_capacity(q->n_levels, h))
		h++;
	if (h == q->n_levels || (h == q->n_levels - 1 && q->n_levels == QUANTILE_LEVELS))
		return aug_fail(err, AUG_LIMIT, "profile holds too many numbers");
	level = &q->level[h];
	if (h == 0)
		aug_sort_doubles(level->item, level->n);
	coin = (uint32_t) (aug_mix64(HASH_SEED + q->tossed) & 1);
	odd = level->n & 1; /* the first one stays */
	status = merge_sorted(host, &q->level[h + 1], level->item + odd + coin, level->n / 2, 2, err);
	if (status != AUG_OK)
		return status;
	q->tossed++;
	q->n_items -= level->n / 2;
	level->n = odd;
	if (h == q->n_levels - 1)
	{
		q->n_levels++;
		aug_quantiles_count(q);
	}
	return AUG_OK;
}

static AugStatus
compress_all(const AugHost *host, Quantiles *q, AugError *err)
{
	AugStatus status = AUG_OK;

	while (status == AUG_OK && q->n_items > q->capacity)
		status = compress(host, q, err);
	return status;
}

AugStatus
aug_quantiles_add(const AugHost *host, Quantiles *q, const double *v, size_t n, AugError *err)
{
	AugStatus status = AUG_OK;

	while (n > 0 && status == AUG_OK)
	{
		QuantileLevel *level = &q->level[0];
		uint32_t fits = q->capacity > q->n_items ? q->capacity - q->n_items : 0;
		uint32_t part;

		if (fits == 0)
		{
			status = compress(host, q, err);
			continue;
		}
		part = n < fits ? (uint32_t) n : fits;
		status = aug_quantiles_room(host, level, level->n + part, err);
		if (status == AUG_OK)
		{
			memcpy(level->item + level->n, v, part * sizeof(double));
			level->n += part;
			q->n_items += part;
			v += part;
			n -= part;
		}
	}
	return status;
}

AugStatus
aug_quantiles_merge(const AugHost *host, Quantiles *into, const Quantiles *from, AugError *err)
{
	AugStatus status = AUG_OK;

	if (into->n_levels < from->n_levels)
		into->n_levels = from->n_levels;
	/* from the top, so that what is halved on the way is not halved again at once */
	for (uint32_t i = from->n_levels; i-- > 1 && status == AUG_OK;)
		status = merge_sorted(host, &into->level[i], from->level[i].item, from->level[i].n, 1,
							  err);
	into->tossed += from->tossed;
	aug_quantiles_count(into);
	if (status == AUG_OK)
		status = compress_all(host, into, err);
	return status == AUG_OK
			   ? aug_quantiles_add(host, into, from->level[0].item, from->level[0].n, err)
			   : status;
}

AugStatus
aug_quantiles_steps(const AugHost *host, const Quantiles *q, double **value, double **weight,
					AugError *err)
{
	size_t size = (q->n_items > 0 ? q->n_items : 1) * sizeof(double), n = 0;
	double *v = host->alloc(host->arg, size);
	double *w = host->alloc(host->arg, size);

	*value = v;
	*weight = w;
	if (v == NULL || w == NULL)
	{
		host->release(host->arg, v);
		host->release(host->arg, w);
		*value = *weight = NULL;
		return aug_fail_nomem(err, size);
	}
	for (uint32_t i = 0; i < q->n_levels; i++)
		for (uint32_t k = 0; k < q->level[i].n; k++, n++)
		{
			v[n] = q->level[i].item[k];
			w[n] = ldexp(1, (int) i);
		}
	(void) aug_sort_scored(NULL, v, NULL, w, n);
	return AUG_OK;
}

double
aug_quantiles_sample(const Quantiles *q)
{
	double error = RANK_ERROR;

	return q->n_levels == 1 ? INFINITY : 0.25 / (error * error);
}

void
aug_quantiles_free(const AugHost *host, Quantiles *q)
{
	for (uint32_t i = 0; i < QUANTILE_LEVELS; i++)
		host->release(host->arg, q->level[i].item);
}
