/*-------------------------------------------------------------------------
 *
 * quantiles.c
 *		A sketch of the quantiles of a stream of numbers.
 *
 * Karnin, Lang and Liberty 2016 (Optimal quantile approximation in streams, FOCS), in the lazy
 * form of Ivkin et al. 2019: numbers enter the lowest level; when all levels together are full,
 * the lowest that is full is put in order, and every second number of it, beginning with the
 * first or the second by the toss of a coin, moves up, where it counts twice as much.  Levels
 * are the larger the higher they are, by 3 to 2.
 *
 * As in that paper a sampler goes before it: from SAMPLED numbers on, one of each w that follow
 * one another is drawn and enters the level of weight w; w grows with the numbers.  The weights
 * always sum to the numbers added: what a draw has not been made from yet is "pending".
 *
 * Draws come from a counter: the same numbers in the same order give the same sketch.
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
/* From so many numbers on one of 2^FIRST_BASE is drawn, or of more, so that DRAWN are. */
#define SAMPLED	   ((uint64_t) 1 << 17)
#define DRAWN	   ((uint64_t) 1 << 17)
#define FIRST_BASE 3
/* What that adds to the variance of a share: most with twice SAMPLED numbers, half of which
 * were drawn from eight each. */
#define DRAW_VARIANCE (0.25 * 8 / 2 / (2.0 * SAMPLED))

/* Most numbers of a level, so many below the highest one; all others as the last. */
static const uint32_t level_room[] = {
	AUG_PROFILE_EXACT, 1365, 910, 607, 405, 270, 180, 120, 80, 64};
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

/* ---- putting a level in order ------------------------------------------ */

/* Short arrays are merged without branches that nobody can foretell; longer ones are not. */
#define SHORT 4096
#define RUN	  4

static inline void
order_pair(double *v, int a, int b)
{
	double x = v[a], y = v[b], low = y < x ? y : x, high = y < x ? x : y;

	v[a] = low;
	v[b] = high;
}

/* Two ascending runs of n each, from both ends at once: neither can run out before. */
static void
merge_equal(const double *x, const double *y, uint32_t n, double *out)
{
	const double *last_x = x + n - 1, *last_y = y + n - 1;

	for (uint32_t i = 0; i < n; i++)
	{
		double a = *x, b = *y, c = *last_x, d = *last_y;
		size_t second = b < a, earlier = d < c;

		out[i] = b < a ? b : a;
		y += second;
		x += 1 - second;
		out[2 * n - 1 - i] = d < c ? c : d;
		last_x -= earlier;
		last_y -= 1 - earlier;
	}
}

static void
merge_any(const double *x, uint32_t n, const double *y, uint32_t m, double *out)
{
	uint32_t i = 0, j = 0;

	while (i < n && j < m)
	{
		double a = x[i], b = y[j];
		uint32_t second = b < a;

		*out++ = b < a ? b : a;
		j += second;
		i += 1 - second;
	}
	memcpy(out, x + i, (n - i) * sizeof(double));
	memcpy(out + (n - i), y + j, (m - j) * sizeof(double));
}

static void
sort_numbers(double *v, uint32_t n)
{
	double here[SHORT], there[SHORT], *from = here, *to = there;
	uint32_t whole = (n + RUN - 1) / RUN * RUN;

	if (n < 2)
		return;
	if (n > SHORT)
	{
		aug_sort_doubles(v, n);
		return;
	}
	memcpy(from, v, n * sizeof(double));
	for (uint32_t i = n; i < whole; i++)
		from[i] = INFINITY;
	for (uint32_t i = 0; i < whole; i += RUN)
	{
		order_pair(from + i, 0, 1);
		order_pair(from + i, 2, 3);
		order_pair(from + i, 0, 2);
		order_pair(from + i, 1, 3);
		order_pair(from + i, 1, 2);
	}
	for (uint32_t run = RUN; run < whole; run *= 2)
	{
		double *swap = from;

		for (uint32_t i = 0; i < whole; i += 2 * run)
		{
			if (i + 2 * run <= whole)
				merge_equal(from + i, from + i + run, run, to + i);
			else if (i + run < whole)
				merge_any(from + i, run, from + i + run, whole - i - run, to + i);
			else
				memcpy(to + i, from + i, (whole - i) * sizeof(double));
		}
		from = to;
		to = swap;
	}
	memcpy(v, from, n * sizeof(double));
}

/* n numbers, ascending and stride apart, into a level, wherever they belong. */
static AugStatus
move(const AugHost *host, Quantiles *q, uint32_t level, const double *v, uint32_t n,
	 uint32_t stride, AugError *err)
{
	QuantileLevel *to = &q->level[level];
	AugStatus status;

	if (level != q->base)
		return merge_sorted(host, to, v, n, stride, err);
	status = aug_quantiles_room(host, to, to->n + n, err);
	for (uint32_t i = 0; i < n && status == AUG_OK; i++)
		to->item[to->n++] = v[(size_t) i * stride];
	return status;
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
	if (h == q->base)
		sort_numbers(level->item, level->n);
	coin = (uint32_t) (aug_mix64(HASH_SEED + q->tossed) & 1);
	odd = level->n & 1; /* the first one stays */
	status = move(host, q, h + 1, level->item + odd + coin, level->n / 2, 2, err);
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

/* Adds numbers of the lowest weight, in any order. */
static AugStatus
enter(const AugHost *host, Quantiles *q, const double *v, size_t n, AugError *err)
{
	AugStatus status = AUG_OK;

	while (n > 0 && status == AUG_OK)
	{
		QuantileLevel *level = &q->level[q->base];
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

/* All levels ascending. */
void
aug_quantiles_settle(Quantiles *q)
{
	sort_numbers(q->level[q->base].item, q->level[q->base].n);
}

/* Where among the next 2^base numbers the one lies that is drawn. */
static uint64_t
next_draw(const Quantiles *q)
{
	return aug_mix64(~HASH_SEED + q->count - q->pending) & (((uint64_t) 1 << q->base) - 1);
}

/* What is pending, with its weight in powers of two. */
static AugStatus
enter_pending(const AugHost *host, Quantiles *q, AugError *err)
{
	AugStatus status = AUG_OK;

	for (uint32_t i = 0; q->pending >> i != 0 && status == AUG_OK; i++)
		if ((q->pending >> i & 1) != 0)
		{
			status = move(host, q, i, &q->candidate, 1, 1, err);
			q->n_items++;
		}
	q->pending = 0;
	return status;
}

/* The level that numbers enter when there are so many. */
static uint32_t
base_for(uint64_t count)
{
	uint32_t base = count < SAMPLED ? 0 : FIRST_BASE;

	while (base > 0 && count >> base >= 2 * DRAWN)
		base++;
	return base;
}

/* The sampler's weight for as many numbers as there are. */
static AugStatus
set_base(const AugHost *host, Quantiles *q, AugError *err)
{
	uint32_t base = base_for(q->count);
	AugStatus status;

	if (base <= q->base)
		return AUG_OK;
	status = enter_pending(host, q, err);
	aug_quantiles_settle(q);
	q->base = base;
	/* a level above all others would be full at once */
	while (q->n_levels <= base)
		q->n_levels++;
	aug_quantiles_count(q);
	return status;
}

AugStatus
aug_quantiles_add(const AugHost *host, Quantiles *q, const double *v, size_t n, AugError *err)
{
	double drawn[64];
	AugStatus status = AUG_OK;

	while (n > 0 && status == AUG_OK)
	{
		uint64_t weight = (uint64_t) 1 << q->base;
		size_t n_drawn = 0;

		if (weight == 1)
		{
			uint64_t until = q->count < SAMPLED ? SAMPLED - q->count : n;
			size_t part = n < until ? n : (size_t) until;

			status = enter(host, q, v, part, err);
			q->count += part;
			v += part;
			n -= part;
		}
		while (weight > 1 && n > 0 && n_drawn < sizeof(drawn) / sizeof(drawn[0]) &&
			   q->count >> q->base < 2 * DRAWN)
		{
			uint64_t draw = next_draw(q), left = weight - q->pending;
			size_t part = n < left ? n : (size_t) left;

			/* the last one stands for the others until the one that is drawn comes */
			if (draw >= q->pending)
				q->candidate =
					v[draw - q->pending < part ? (size_t) (draw - q->pending) : part - 1];
			q->count += part;
			q->pending += part;
			v += part;
			n -= part;
			if (q->pending == weight)
			{
				drawn[n_drawn++] = q->candidate;
				q->pending = 0;
			}
		}
		if (status == AUG_OK && n_drawn > 0)
			status = enter(host, q, drawn, n_drawn, err);
		if (status == AUG_OK)
			status = set_base(host, q, err);
	}
	return status;
}

AugStatus
aug_quantiles_merge(const AugHost *host, Quantiles *into, Quantiles *from, AugError *err)
{
	AugStatus status = enter_pending(host, into, err);

	aug_quantiles_settle(from);
	into->count += from->count;
	if (status == AUG_OK)
		status = set_base(host, into, err);
	if (into->n_levels < from->n_levels)
		into->n_levels = from->n_levels;
	for (uint32_t i = from->n_levels; i-- > 0 && status == AUG_OK;)
		status = move(host, into, i, from->level[i].item, from->level[i].n, 1, err);
	if (status == AUG_OK && from->pending > 0)
	{
		into->pending = from->pending;
		into->candidate = from->candidate;
		status = enter_pending(host, into, err);
	}
	into->tossed += from->tossed;
	aug_quantiles_count(into);
	while (status == AUG_OK && into->n_items > into->capacity)
		status = compress(host, into, err);
	return status;
}

AugStatus
aug_quantiles_steps(const AugHost *host, const Quantiles *q, double **value, double **weight,
					uint32_t *n_steps, AugError *err)
{
	size_t size = ((size_t) q->n_items + 1) * sizeof(double), n = 0;
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
	if (q->pending > 0)
	{
		v[n] = q->candidate;
		w[n++] = (double) q->pending;
	}
	(void) aug_sort_scored(NULL, v, NULL, w, n);
	*n_steps = (uint32_t) n;
	return AUG_OK;
}

double
aug_quantiles_sample(const Quantiles *q)
{
	double variance = RANK_ERROR * RANK_ERROR + (q->base > 0 ? DRAW_VARIANCE : 0);

	return q->n_levels == 1 ? INFINITY : 0.25 / variance;
}

void
aug_quantiles_free(const AugHost *host, Quantiles *q)
{
	for (uint32_t i = 0; i < QUANTILE_LEVELS; i++)
		host->release(host->arg, q->level[i].item);
}
