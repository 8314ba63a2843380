/*-------------------------------------------------------------------------
 *
 * ddm.c
 *		DDM and EDDM: the error rate has left its least value, errors come more densely.
 *
 * Gama and others: Learning with drift detection, SBIA 2004.  Baena-Garcia and others: Early
 * drift detection method, 2006.  Both read 0 for right and 1 for wrong, have a warning
 * zone, and raise false alarms often (docs/concept-drift.md has figures).
 *
 * Memory: none.  Interrupts: constant time.
 *
 *-------------------------------------------------------------------------
 */
#include <float.h>
#include <math.h>

#include "detect.h"

/* ---- DDM -------------------------------------------------------------------- */

static void
ddm_reset(AugDetector *d)
{
	d->u.ddm = (Ddm){.ps_min = DBL_MAX};
}

static DetectVerdict
ddm_take(AugDetector *d, double x)
{
	Ddm *s = &d->u.ddm;
	double spread;

	s->n++;
	s->p += 1.0 / (double) s->n * (x - s->p);
	spread = sqrt(fmax(s->p * (1 - s->p), 0) / (double) s->n);
	if ((double) s->n <= aug_param_number(d->params, DDM_WARM_START))
		return DETECT_NOTHING;
	if (s->p + spread <= s->ps_min)
	{
		s->has_min = true;
		s->p_min = s->p;
		s->s_min = spread;
		s->ps_min = s->p + spread;
	}
	if (s->p + spread > s->p_min + aug_param_number(d->params, DDM_DRIFT) * s->s_min)
		return DETECT_CHANGE;
	if (s->p + spread > s->p_min + aug_param_number(d->params, DDM_WARNING) * s->s_min)
		return DETECT_WARNING;
	return DETECT_NOTHING;
}

static AugStatus
ddm_check(const AugParams *params, AugError *err)
{
	if (aug_param_number(params, DDM_WARNING) <= aug_param_number(params, DDM_DRIFT))
		return AUG_OK;
	return aug_fail(err, AUG_INVALID, "warning_threshold must not be above drift_threshold");
}

static void
ddm_write(const AugDetector *d, AugWriter *w)
{
	const Ddm *s = &d->u.ddm;

	aug_write_varint(w, s->n);
	aug_write_f64(w, s->p);
	aug_write_u8(w, s->has_min ? 1 : 0);
	aug_write_f64(w, s->p_min);
	aug_write_f64(w, s->s_min);
}

static bool
ddm_read(AugDetector *d, AugReader *r)
{
	Ddm *s = &d->u.ddm;
	uint8_t has_min;

	s->n = aug_read_varint(r);
	s->p = aug_read_f64(r);
	has_min = aug_read_u8(r);
	s->p_min = aug_read_f64(r);
	s->s_min = aug_read_f64(r);
	s->has_min = has_min == 1;
	s->ps_min = s->has_min ? s->p_min + s->s_min : DBL_MAX;
	return s->n <= d->n && has_min <= 1 && s->p >= 0 && s->p <= 1.5 && s->p_min >= 0 &&
		   s->p_min <= 1.5 && s->s_min >= 0 && s->s_min <= 1;
}

const DetectOps aug_detect_ddm = {
	.about = {.name = "ddm",
			  .title = "Drift detection method",
			  .help = "Tells a change when the error rate is three standard deviations above the "
					  "least it has been. Finds sudden changes soon and raises false alarms in "
					  "long streams. Reads 0 and 1. Gama and others 2004.",
			  .classification = true,
			  .n_params = DDM_PARAMS,
			  .params = aug_ddm_params},
	.binary = true,
	.standardize = -1,
	.check = ddm_check,
	.reset = ddm_reset,
	.take = ddm_take,
	.write = ddm_write,
	.read = ddm_read};

/* ---- EDDM ------------------------------------------------------------------- */

static void
eddm_reset(AugDetector *d)
{
	d->u.eddm = (Eddm){.level_max = -1};
}

static DetectVerdict
eddm_take(AugDetector *d, double x)
{
	Eddm *s = &d->u.eddm;
	double warm_start = aug_param_number(d->params, EDDM_WARM_START);
	/* a right answer changes nothing, also not a warning */
	DetectVerdict verdict = d->warning_since > 0 ? DETECT_WARNING : DETECT_NOTHING;

	s->n++;
	if (x == 0)
		return verdict;
	s->n_errors++;
	moments_add(&s->distance, (double) (s->n - s->last_error));
	s->last_error = s->n;
	if ((double) s->n > warm_start)
	{
		double level = s->distance.mean + 2 * sqrt(moments_variance(&s->distance));

		if (level > s->level_max)
			s->level_max = level;
		else if ((double) s->n_errors > warm_start)
		{
			level /= s->level_max;
			verdict = level < aug_param_number(d->params, EDDM_BETA)	? DETECT_CHANGE
					  : level < aug_param_number(d->params, EDDM_ALPHA) ? DETECT_WARNING
																		: DETECT_NOTHING;
		}
	}
	return verdict;
}

static AugStatus
eddm_check(const AugParams *params, AugError *err)
{
	if (aug_param_number(params, EDDM_BETA) <= aug_param_number(params, EDDM_ALPHA))
		return AUG_OK;
	return aug_fail(err, AUG_INVALID, "beta must not be above alpha");
}

static void
eddm_write(const AugDetector *d, AugWriter *w)
{
	const Eddm *s = &d->u.eddm;

	aug_write_varint(w, s->n);
	aug_write_varint(w, s->last_error);
	aug_write_varint(w, s->n_errors);
	aug_write_f64(w, s->distance.mean);
	aug_write_f64(w, s->distance.s);
	aug_write_f64(w, s->level_max);
}

static bool
eddm_read(AugDetector *d, AugReader *r)
{
	Eddm *s = &d->u.eddm;

	s->n = aug_read_varint(r);
	s->last_error = aug_read_varint(r);
	s->n_errors = aug_read_varint(r);
	s->distance.n = s->n_errors;
	s->distance.mean = aug_read_f64(r);
	s->distance.s = aug_read_f64(r);
	s->level_max = aug_read_f64(r);
	return s->n <= d->n && s->last_error <= s->n && s->n_errors <= s->n &&
		   fabs(s->distance.mean) < DETECT_SUM && s->distance.s >= 0 &&
		   s->distance.s < DETECT_SUM &&
		   (s->level_max == -1 || (s->level_max > 0 && s->level_max < DETECT_SUM));
}

const DetectOps aug_detect_eddm = {
	.about = {.name = "eddm",
			  .title = "Early drift detection method",
			  .help = "Watches the distance between errors instead of their rate, for gradual "
					  "changes. Raises false alarms often. Reads 0 and 1. Baena-Garcia and "
					  "others 2006.",
			  .classification = true,
			  .n_params = EDDM_PARAMS,
			  .params = aug_eddm_params},
	.binary = true,
	.standardize = -1,
	.check = eddm_check,
	.reset = eddm_reset,
	.take = eddm_take,
	.write = eddm_write,
	.read = eddm_read};
