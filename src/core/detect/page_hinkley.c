/*-------------------------------------------------------------------------
 *
 * page_hinkley.c
 *		The test of Page and Hinkley: sums of deviations from the running mean.
 *
 * Page: Continuous inspection schemes, Biometrika 1954; Hinkley 1971.  The sum of what lies
 * above the mean, less delta each, has risen above its least value by more than the
 * threshold: the mean has risen.  Likewise below.  The sums forget by alpha.
 *
 * Memory: none.  Interrupts: constant time.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>

#include "detect.h"

static void
ph_reset(AugDetector *d)
{
	d->u.ph = (PageHinkley){.min_up = DBL_MAX, .max_down = -1};
}

static double
ph_delta(const AugDetector *d)
{
	if (aug_param_choice(d->params, PH_DELTA) < 0)
		return aug_param_number(d->params, PH_DELTA);
	return aug_param_number(d->params, PH_STANDARDIZE) != 0 ? 0.1 : 0.005;
}

static DetectVerdict
ph_take(AugDetector *d, double x)
{
	PageHinkley *p = &d->u.ph;
	double alpha = aug_param_number(d->params, PH_ALPHA), delta = ph_delta(d);
	double threshold = aug_param_number(d->params, PH_THRESHOLD), off;
	int mode = aug_param_choice(d->params, PH_MODE);
	bool up, down;

	moments_add(&p->moments, x);
	off = x - p->moments.mean;
	p->sum_up = alpha * p->sum_up + off - delta;
	p->sum_down = alpha * p->sum_down + off + delta;
	p->min_up = fmin(p->min_up, p->sum_up);
	p->max_down = fmax(p->max_down, p->sum_down);
	if ((double) p->moments.n < aug_param_number(d->params, PH_MIN_INSTANCES))
		return DETECT_NOTHING;
	up = mode != 1 && p->sum_up - p->min_up > threshold;
	down = mode != 0 && p->max_down - p->sum_down > threshold;
	return up || down ? DETECT_CHANGE : DETECT_NOTHING;
}

static void
ph_write(const AugDetector *d, AugWriter *w)
{
	const PageHinkley *p = &d->u.ph;

	aug_write_varint(w, p->moments.n);
	aug_write_f64(w, p->moments.mean);
	aug_write_f64(w, p->sum_up);
	aug_write_f64(w, p->sum_down);
	aug_write_f64(w, p->min_up);
	aug_write_f64(w, p->max_down);
}

static bool
ph_read(AugDetector *d, AugReader *r)
{
	PageHinkley *p = &d->u.ph;

	p->moments.n = aug_read_varint(r);
	p->moments.mean = aug_read_f64(r);
	p->sum_up = aug_read_f64(r);
	p->sum_down = aug_read_f64(r);
	p->min_up = aug_read_f64(r);
	p->max_down = aug_read_f64(r);
	/* the squared deviations are not used here */
	return p->moments.n <= d->n && fabs(p->moments.mean) < DETECT_SUM &&
		   fabs(p->sum_up) < DETECT_SUM && fabs(p->sum_down) < DETECT_SUM &&
		   (fabs(p->min_up) < DETECT_SUM || p->min_up == DBL_MAX) && fabs(p->max_down) < DETECT_SUM;
}

const DetectOps aug_detect_page_hinkley = {
	.about = {.name = "page_hinkley",
			  .title = "Page-Hinkley test",
			  .help = "Sums deviations from the running mean until they are more than chance. "
					  "Reads standardised numbers unless told not to, for its threshold is in "
					  "their units. Page 1954, Hinkley 1971.",
			  .classification = true,
			  .regression = true,
			  .n_params = PH_PARAMS,
			  .params = aug_page_hinkley_params},
	.standardize = PH_STANDARDIZE,
	.reset = ph_reset,
	.take = ph_take,
	.write = ph_write,
	.read = ph_read};
