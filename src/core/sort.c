/*-------------------------------------------------------------------------
 *
 * sort.c
 *		Sorting of numbers, alone or with what belongs to them.
 *
 * Numbers alone: quicksort whose partition has no branch on the data (Lomuto's
 * scheme; Edelkamp and Weiss: BlockQuicksort, ESA 2016, on why that pays), with a
 * pivot from nine samples.  A range whose pivot equals the bound to its left holds
 * only values >= it, so its equals are swept out in one pass (Peters:
 * Pattern-defeating quicksort, 2021): many equal values cost linear time.  Bad luck
 * beyond 2 log2 n levels ends in heapsort.
 *
 * Numbers with companions: up to three arrays move together, by three-way
 * partition (Dijkstra), under the same bound.
 *
 * No memory beyond the stack (one frame a level; the larger side is looped over,
 * so at most log2 n frames), no globals.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "sort.h"

#define SMALL	   24	 /* insertion sort up to here */
#define POLL_EVERY 65536 /* partitions larger than this poll first */

static void
insertion_sort(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		double x = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void
sift_down(double *v, size_t i, size_t n)
{
	double x = v[i];

	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1)
	{
		if (child + 1 < n && v[child + 1] > v[child])
			child++;
		if (v[child] <= x)
			break;
		v[i] = v[child];
		i = child;
	}
	v[i] = x;
}

static void
heap_sort(double *v, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(v, i, n);
	for (size_t i = n; i-- > 1;)
	{
		double x = v[0];

		v[0] = v[i];
		v[i] = x;
		sift_down(v, 0, i);
	}
}

static inline double
median3(double a, double b, double c)
{
	double lo = a < b ? a : b, hi = a < b ? b : a;

	return c < lo ? lo : c > hi ? hi : c;
}

/* Tukey's ninther. */
static double
pick_pivot(const double *v, size_t n)
{
	size_t s = n / 9;

	return median3(median3(v[0], v[s], v[2 * s]), median3(v[3 * s], v[4 * s], v[5 * s]),
				   median3(v[6 * s], v[7 * s], v[n - 1]));
}

/* Moves the values below pivot (or equal to it too) to the front; counts them. */
static size_t
partition_below(double *v, size_t n, double pivot)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
	{
		double x = v[i];

		v[i] = v[k];
		v[k] = x;
		k += x < pivot;
	}
	return k;
}

static size_t
partition_upto(double *v, size_t n, double pivot)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
	{
		double x = v[i];

		v[i] = v[k];
		v[k] = x;
		k += x <= pivot;
	}
	return k;
}

/*
 * floor: a lower bound of the values that was a pivot, when has_floor.
 */
static void
quick_sort(double *v, size_t n, unsigned levels, bool has_floor, double floor_value)
{
	while (n > SMALL)
	{
		double pivot = pick_pivot(v, n);
		size_t k;

		if (levels-- == 0)
		{
			heap_sort(v, n);
			return;
		}
		if (has_floor && pivot <= floor_value)
		{
			k = partition_upto(v, n, pivot);
			v += k;
			n -= k;
			continue;
		}
		k = partition_below(v, n, pivot);
		if (k <= n - k)
		{
			quick_sort(v, k, levels, has_floor, floor_value);
			v += k;
			n -= k;
			has_floor = true;
			floor_value = pivot;
		}
		else
		{
			quick_sort(v + k, n - k, levels, true, pivot);
			n = k;
		}
	}
	insertion_sort(v, n);
}

/* More than twice the levels that even splits would take. */
static unsigned
levels_for(size_t n)
{
	unsigned levels = 4;

	for (; n > 1; n >>= 1)
		levels += 2;
	return levels;
}

void
aug_sort_doubles_within(double *values, size_t n, unsigned levels)
{
	quick_sort(values, n, levels, false, 0);
}

void
aug_sort_doubles(double *values, size_t n)
{
	aug_sort_doubles_within(values, n, levels_for(n));
}

/* ---- with companions -------------------------------------------------- */

typedef struct Scored
{
	const AugHost *host;
	double *score;
	uint8_t *label;
	double *weight;
	bool stopped;
} Scored;

static inline void
swap_scored(const Scored *s, size_t i, size_t j)
{
	double x = s->score[i];

	s->score[i] = s->score[j];
	s->score[j] = x;
	if (s->label != NULL)
	{
		uint8_t l = s->label[i];

		s->label[i] = s->label[j];
		s->label[j] = l;
	}
	if (s->weight != NULL)
	{
		double w = s->weight[i];

		s->weight[i] = s->weight[j];
		s->weight[j] = w;
	}
}

static void
sift_down_scored(const Scored *s, size_t from, size_t i, size_t n)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1)
	{
		if (child + 1 < n && s->score[from + child + 1] > s->score[from + child])
			child++;
		if (s->score[from + child] <= s->score[from + i])
			break;
		swap_scored(s, from + i, from + child);
		i = child;
	}
}

static void
heap_sort_scored(const Scored *s, size_t from, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down_scored(s, from, i, n);
	for (size_t i = n; i-- > 1;)
	{
		swap_scored(s, from, from + i);
		sift_down_scored(s, from, 0, i);
	}
}

/*
 * Sorts from .. from+n-1 by three-way partition: scores of a model often
 * repeat, and equal ones are done at once.
 */
static void
quick_sort_scored(Scored *s, size_t from, size_t n, unsigned levels)
{
	while (n > SMALL && !s->stopped)
	{
		double pivot = pick_pivot(s->score + from, n);
		size_t lo = from, i = from, hi = from + n;
		size_t n_low, n_high;

		if (n > POLL_EVERY && s->host != NULL && s->host->poll(s->host->arg, -1))
		{
			s->stopped = true;
			return;
		}
		if (levels-- == 0)
		{
			heap_sort_scored(s, from, n);
			return;
		}
		while (i < hi)
		{
			double x = s->score[i];

			if (x < pivot)
				swap_scored(s, lo++, i++);
			else if (x > pivot)
				swap_scored(s, i, --hi);
			else
				i++;
		}
		n_low = lo - from;
		n_high = from + n - hi;
		if (n_low <= n_high)
		{
			quick_sort_scored(s, from, n_low, levels);
			from = hi;
			n = n_high;
		}
		else
		{
			quick_sort_scored(s, hi, n_high, levels);
			n = n_low;
		}
	}
	/* stopped in a part: the rest is not small, and not worth sorting */
	if (s->stopped)
		return;
	for (size_t i = 1; i < n; i++)
	{
		for (size_t j = from + i; j > from && s->score[j - 1] > s->score[j]; j--)
			swap_scored(s, j - 1, j);
	}
}

bool
aug_sort_scored_within(const AugHost *host, double *score, uint8_t *label, double *weight, size_t n,
					   unsigned levels)
{
	Scored s = {host, score, label, weight, false};

	quick_sort_scored(&s, 0, n, levels);
	return !s.stopped;
}

bool
aug_sort_scored(const AugHost *host, double *score, uint8_t *label, double *weight, size_t n)
{
	return aug_sort_scored_within(host, score, label, weight, n, levels_for(n));
}
