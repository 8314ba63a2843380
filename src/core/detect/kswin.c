/*-------------------------------------------------------------------------
 *
 * kswin.c
 *		KSWIN: the latest numbers against as many drawn from those before, by the test of
 *		Kolmogorov and Smirnov.
 *
 * Raab, Heusinger and Schleif: Reactive soft prototype computing for concept drift streams,
 * Neurocomputing 2020.  For samples of one size the p value is exact (Gnedenko and Korolyuk
 * 1951).  A change also wants a distance above 0.1.  The test is made at every number, so
 * that false alarms are certain in a long stream.
 *
 * What is drawn is a function of the seed and of how many numbers were read, so a stream
 * that is read in parts gives the same changes.
 *
 * Memory: the window.  Interrupts: a number takes stat_size * log stat_size.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../sort.h"
#include "detect.h"

#define LEAST_DISTANCE 0.1

static uint32_t
window_size(const AugDetector *d)
{
	return (uint32_t) aug_param_number(d->params, KSWIN_WINDOW);
}

static uint32_t
stat_size(const AugDetector *d)
{
	return (uint32_t) aug_param_number(d->params, KSWIN_STAT);
}

static AugStatus
kswin_check(const AugParams *params, AugError *err)
{
	if (2 * aug_param_number(params, KSWIN_STAT) <= aug_param_number(params, KSWIN_WINDOW))
		return AUG_OK;
	return aug_fail(err, AUG_INVALID, "stat_size must be at most half of window_size");
}

static AugStatus
kswin_open(AugDetector *d, AugError *err)
{
	Kswin *k = &d->u.kswin;
	uint32_t window = window_size(d), stat = stat_size(d);

	k->window = aug_arena_zero(&d->arena, window, sizeof(double));
	k->sample = aug_arena_alloc(&d->arena, 2 * (size_t) stat, sizeof(double));
	k->drawn = aug_arena_alloc(&d->arena, window - stat, sizeof(uint32_t));
	if (k->window == NULL || k->sample == NULL || k->drawn == NULL)
		return aug_fail_nomem(err, 0);
	return AUG_OK;
}

static void
kswin_reset(AugDetector *d)
{
	d->u.kswin.n = d->u.kswin.at = 0;
}

/*
 * 2 * sum over k >= 1 of (-1)^(k+1) * C(2n, n - kh) / C(2n, n).  The ratio of one term to
 * the one before is a product of h factors below 1, so there is nothing to overflow.
 */
double
aug_ks_equal(uint32_t n, uint32_t h)
{
	double p = 0, term = 1;

	if (h == 0)
		return 1;
	for (uint32_t k = 1; (uint64_t) k * h <= n; k++)
	{
		for (uint32_t i = 0; i < h; i++)
		{
			uint32_t j = (k - 1) * h + i; /* from C(2n, n - j) to C(2n, n - j - 1) */

			term *= (double) (n - j) / (double) (n + j + 1);
		}
		p += k % 2 == 1 ? term : -term;
		if (term < 1e-300)
			break;
	}
	return fmin(fmax(2 * p, 0), 1);
}

/* Greatest distance of the distribution functions of two ascending samples, times n. */
static uint32_t
greatest_distance(const double *a, const double *b, uint32_t n)
{
	uint32_t i = 0, j = 0, most = 0;

	while (i < n && j < n)
	{
		double x = fmin(a[i], b[j]);
		uint32_t apart;

		while (i < n && a[i] <= x)
			i++;
		while (j < n && b[j] <= x)
			j++;
		apart = i > j ? i - j : j - i;
		most = apart > most ? apart : most;
	}
	return most;
}

static DetectVerdict
kswin_take(AugDetector *d, double x)
{
	Kswin *k = &d->u.kswin;
	uint32_t window = window_size(d), stat = stat_size(d), old = window - stat, h;
	AugRng rng;

	if (k->n < window)
		k->window[(k->at + k->n++) % window] = x;
	else
	{
		k->window[k->at] = x;
		k->at = (k->at + 1) % window;
	}
	if (k->n < window)
		return DETECT_NOTHING;
	rng = aug_rng((uint64_t) aug_param_number(d->params, KSWIN_SEED), d->n, 0);
	for (uint32_t i = 0; i < old; i++)
		k->drawn[i] = i;
	for (uint32_t i = 0; i < stat; i++)
	{
		uint32_t j = i + aug_rng_below(&rng, old - i), chosen = k->drawn[j];

		k->drawn[j] = k->drawn[i];
		k->drawn[i] = chosen;
		k->sample[i] = k->window[(k->at + chosen) % window];
		k->sample[stat + i] = k->window[(k->at + old + i) % window];
	}
	aug_sort_doubles(k->sample, stat);
	aug_sort_doubles(k->sample + stat, stat);
	h = greatest_distance(k->sample, k->sample + stat, stat);
	if ((double) h / stat > LEAST_DISTANCE &&
		aug_ks_equal(stat, h) <= aug_param_number(d->params, KSWIN_ALPHA))
		return DETECT_CHANGE;
	return DETECT_NOTHING;
}

static void
kswin_write(const AugDetector *d, AugWriter *w)
{
	const Kswin *k = &d->u.kswin;

	aug_write_varint(w, k->n);
	for (uint32_t i = 0; i < k->n; i++)
		aug_write_f64(w, k->window[(k->at + i) % window_size(d)]);
}

static bool
kswin_read(AugDetector *d, AugReader *r)
{
	Kswin *k = &d->u.kswin;

	k->at = 0;
	k->n = aug_read_count(r, window_size(d), 8);
	for (uint32_t i = 0; i < k->n; i++)
	{
		k->window[i] = aug_read_f64(r);
		if (!(fabs(k->window[i]) < DETECT_SUM))
			return false;
	}
	return k->n <= d->n;
}

const DetectOps aug_detect_kswin = {
	.about = {.name = "kswin",
			  .title = "Kolmogorov-Smirnov windowing",
			  .help = "Compares the distribution of the latest numbers with those before, so that "
					  "it sees changes of more than the mean. Tests at every number and raises "
					  "false alarms in long streams. Raab and others 2020.",
			  .classification = true,
			  .regression = true,
			  .n_params = KSWIN_PARAMS,
			  .params = aug_kswin_params},
	.standardize = -1,
	.check = kswin_check,
	.open = kswin_open,
	.reset = kswin_reset,
	.take = kswin_take,
	.write = kswin_write,
	.read = kswin_read};
