/*-------------------------------------------------------------------------
 *
 * changepoint.c
 *		Where the level of a series shifts.
 *
 * R. Killick, P. Fearnhead, I. Eckley: Optimal Detection of Changepoints with a Linear
 * Computational Cost, JASA 107 (2012): PELT, the exact minimum over all segmentations
 * of the squared distances to the segments' means plus a penalty a change.  A start of a
 * last segment that is not better now will never be; with a least segment length that
 * holds only once the later start is itself allowed.
 *
 * What is segmented: the series without its seasons, single spikes taken to the median of
 * their neighbours (Hampel's filter).  The penalty is a multiple of log n times the
 * long-run variance: noise that remembers itself wanders, and with the plain variance
 * every wave of it would be a change.  Variance and first autocorrelation come from
 * differences at lags 1 and 2, which a few shifts hardly touch, as in S. Chakar, E. Lebarbier,
 * C. Levy-Leduc, S. Robin, Bernoulli 23 (2017), section 2; here by clipped squares.
 *
 * Memory: about 10 n doubles of the arena.  Interrupts: polls every POLL_WORK candidates.
 * Time: linear where changes come regularly, quadratic in the length of the longest
 * stretch without one.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "decompose.h"

#define POLL_WORK	((size_t) 1 << 20)
#define COMPACT		16 /* steps between looks for candidates to drop */
#define REACH		3  /* neighbours on either side of a spike */
#define WINDOW		(2 * REACH + 1)
#define SPIKE		4	 /* standard deviations off the median of the window */
#define CLIP		3	 /* standard deviations */
#define MOST_MEMORY 0.99 /* autocorrelation that a random walk is given */
/* median of |Z| */
#define NORMAL_MEDIAN 0.67448975019608174320

/*
 * Candidates for the start of the last segment, by start.  The cost of the first t values
 * with candidate i is key[i] + square - (sum - sum[i])^2 / (t - start[i]), where sum and
 * square are the running sums up to t: columns, so that the loop over them is one that
 * compilers make vectors of.
 */
typedef struct Pelt
{
	size_t n;
	size_t least;
	double penalty;
	size_t *last;  /* [n + 1] start of the last segment of the best segmentation */
	double *start; /* [n + 1] of each column: candidates */
	double *sum;
	double *key;   /* best cost before it, less the running sum of squares there */
	double *end;   /* no longer a candidate from this t on */
	double *value; /* of key + ..., at t */
	size_t n_starts;
} Pelt;

/* Drops the candidates that have come to their end. */
static void
compact(Pelt *p, size_t t)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_starts; i++)
	{
		if (p->end[i] <= (double) t)
			continue;
		p->start[kept] = p->start[i];
		p->sum[kept] = p->sum[i];
		p->key[kept] = p->key[i];
		p->end[kept] = p->end[i];
		kept++;
	}
	p->n_starts = kept;
}

static void
add_candidate(Pelt *p, size_t t, double sum, double key)
{
	size_t i = p->n_starts++;

	p->start[i] = (double) t;
	p->sum[i] = sum;
	p->key[i] = key;
	p->end[i] = INFINITY;
}

/*
 * Best segmentation of the first t values; its cost, INFINITY when t is shorter than a segment.
 * A candidate that is no better than t itself will not be from t + least on.
 */
static double
step(Pelt *p, size_t t, double sum, double square)
{
	double *restrict value = p->value;
	const double *restrict key = p->key, *restrict from = p->sum, *restrict start = p->start;
	double best = INFINITY, now = (double) t, cost, limit;
	size_t at = 0, usable = p->n_starts;

	/* candidates ascend: those too near are the last ones */
	while (usable > 0 && start[usable - 1] + (double) p->least > now)
		usable--;
	for (size_t i = 0; i < usable; i++)
		value[i] = key[i] - (sum - from[i]) * (sum - from[i]) / (now - start[i]);
	for (size_t i = 0; i < usable; i++)
	{
		if (value[i] < best)
		{
			best = value[i];
			at = i;
		}
	}
	if (usable == 0)
		return INFINITY;
	p->last[t] = (size_t) start[at];
	cost = best + square + p->penalty;
	limit = best + p->penalty;
	for (size_t i = 0; t % COMPACT == 0 && i < usable; i++)
		p->end[i] = value[i] >= limit ? fmin(p->end[i], now + (double) p->least) : p->end[i];
	return cost;
}

static AugStatus
take_room(AugCast *cast, Pelt *p)
{
	p->last = aug_arena_zero(cast->arena, p->n + 1, sizeof(size_t));
	if (p->last == NULL)
		return aug_fail_nomem(cast->err, (p->n + 1) * sizeof(size_t));
	p->start = aug_cast_doubles(cast, p->n + 1);
	p->sum = aug_cast_doubles(cast, p->n + 1);
	p->key = aug_cast_doubles(cast, p->n + 1);
	p->end = aug_cast_doubles(cast, p->n + 1);
	p->value = aug_cast_doubles(cast, p->n + 1);
	return p->start == NULL || p->sum == NULL || p->key == NULL || p->end == NULL ||
				   p->value == NULL
			   ? AUG_NOMEM
			   : AUG_OK;
}

AugStatus
aug_pelt(AugCast *cast, const double *x, size_t n, size_t least, double penalty, size_t *change,
		 size_t *n_changes)
{
	Pelt p = {.n = n, .least = least > 0 ? least : 1, .penalty = penalty};
	AugStatus status = take_room(cast, &p);
	double mean = 0, sum = 0, square = 0, cost = INFINITY;
	size_t work = 0, k = 0;

	*n_changes = 0;
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < n; t++)
		mean += x[t] / (double) n;
	add_candidate(&p, 0, 0, -penalty);
	for (size_t t = 1; t <= n; t++)
	{
		work += p.n_starts;
		if (work >= POLL_WORK || t == 1)
		{
			work = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
		sum += x[t - 1] - mean;
		square += (x[t - 1] - mean) * (x[t - 1] - mean);
		cost = step(&p, t, sum, square);
		if (t % COMPACT == 0)
			compact(&p, t);
		if (isfinite(cost))
			add_candidate(&p, t, sum, cost - square);
	}
	if (!isfinite(cost))
		return AUG_OK; /* shorter than a segment */
	for (size_t t = n; p.last[t] > 0; t = p.last[t])
		k++;
	*n_changes = k;
	for (size_t t = n; p.last[t] > 0; t = p.last[t])
		change[--k] = p.last[t];
	return AUG_OK;
}

/* ---- scale ------------------------------------------------------------------------ */

/*
 * Root mean square of x[t + lag] - x[t], each counted as at most CLIP standard deviations by
 * their median: nearly as sure as the plain one, and a few shifts do not touch it.  work: [n].
 */
static AugStatus
difference_scale(AugCast *cast, const double *x, size_t n, size_t lag, double *work, double *out)
{
	size_t m = n > lag ? n - lag : 0;
	double limit;

	*out = 0;
	for (size_t t = 0; t < m; t++)
		work[t] = fabs(x[t + lag] - x[t]);
	if (m == 0)
		return AUG_OK;
	if (!aug_sort_scored(cast->host, work, NULL, NULL, m))
		return aug_fail_cancelled(cast->err);
	limit = CLIP * aug_quantile_sorted(work, m, 0.5) / NORMAL_MEDIAN;
	for (size_t t = 0; t < m; t++)
	{
		/* where more than half the differences are 0 they count as they are */
		double d = limit > 0 ? fmin(work[t], limit) : work[t];

		*out += d * d / (double) m;
	}
	*out = sqrt(*out);
	return AUG_OK;
}

/*
 * Standard deviation of the noise, and that of its long-run mean: squared differences at lag 1
 * are 2 v (1 - r), at lag 2 2 v (1 - r^2).
 */
static AugStatus
noise_scale(AugCast *cast, const double *x, size_t n, double *work, double *sd, double *long_run)
{
	double one, two, r;
	AugStatus status = difference_scale(cast, x, n, 1, work, &one);

	if (status == AUG_OK)
		status = difference_scale(cast, x, n, 2, work, &two);
	if (status != AUG_OK)
		return status;
	r = one > 0 ? two * two / (one * one) - 1 : 0;
	/* what two standard errors do not tell from a random walk is taken for one */
	r = r + 2 / sqrt((double) n) >= 1 ? MOST_MEMORY : fmax(r, 0);
	*sd = one / sqrt(2 * (1 - r));
	*long_run = *sd * sqrt((1 + r) / (1 - r));
	return AUG_OK;
}

/* Hampel's filter: spikes of in[n] to the median of their window. */
static void
flatten_spikes(const double *in, size_t n, double sd, double *out)
{
	memcpy(out, in, n * sizeof(double));
	for (size_t t = 0; n >= WINDOW && t < n; t++)
	{
		size_t from = t < REACH ? 0 : t - REACH < n - WINDOW ? t - REACH : n - WINDOW;
		double w[WINDOW];

		memcpy(w, in + from, sizeof(w));
		aug_sort_doubles(w, WINDOW);
		if (fabs(in[t] - w[REACH]) > SPIKE * sd)
			out[t] = w[REACH];
	}
}

/* ---- changes of a series -------------------------------------------------------------- */

AugStatus
aug_find_changes(AugCast *cast, const AugSeries *s, uint32_t least, double penalty, AugChange *out,
				 size_t *n_out)
{
	size_t n = s->n, k;
	AugParts parts;
	double *x, *flat, sd, long_run;
	size_t *change;
	AugStatus status = aug_mstl(cast, s->y, n, s->n_periods, s->period, true, &parts);

	*n_out = 0;
	if (status != AUG_OK)
		return status;
	x = parts.whole;
	flat = aug_cast_doubles(cast, n);
	change = aug_arena_zero(cast->arena, n + 1, sizeof(size_t));
	if (flat == NULL || change == NULL)
		return aug_fail_nomem(cast->err, (n + 1) * sizeof(size_t));
	for (size_t t = 0; t < n; t++)
	{
		for (uint32_t i = 0; i < parts.n_periods; i++)
			x[t] -= parts.seasonal[i][t];
	}
	status = noise_scale(cast, x, n, parts.trend, &sd, &long_run);
	if (status != AUG_OK || !(long_run > 0))
		return status;
	flatten_spikes(x, n, sd, flat);
	for (size_t t = 0; t < n; t++)
		parts.remainder[t] = (flat[t] - flat[0]) / long_run;
	status = aug_pelt(cast, parts.remainder, n, least, penalty * log((double) n), change, &k);
	for (size_t i = 0; status == AUG_OK && i < k; i++)
	{
		size_t from = i > 0 ? change[i - 1] : 0, to = i + 1 < k ? change[i + 1] : n;
		double before = 0, after = 0;

		for (size_t t = from; t < change[i]; t++)
			before += flat[t] / (double) (change[i] - from);
		for (size_t t = change[i]; t < to; t++)
			after += flat[t] / (double) (to - change[i]);
		out[i] = (AugChange){.at = change[i], .before = before, .after = after};
		out[i].statistic = (after - before) / (long_run * sqrt(1 / (double) (change[i] - from) +
															   1 / (double) (to - change[i])));
	}
	*n_out = status == AUG_OK ? k : 0;
	return status;
}
