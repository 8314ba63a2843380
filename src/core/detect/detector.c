/*-------------------------------------------------------------------------
 *
 * detector.c
 *		What all detectors have in common: numbers one by one, scaling, the list of changes.
 *
 * A change sets everything back but the counts, and so that the state can still be looked
 * at, it does so when the next number comes.
 *
 * Scaling: where it is asked for, the first numbers (and the first after each change) only
 * tell mean and standard deviation.  As long as they are all equal, more are taken.
 *
 * Memory: an arena of bounded size for each detector.  Interrupts: polled every few
 * numbers.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../params.h"
#include "detect.h"

#define GREATEST   1e100 /* so that squares of numbers, summed, stay finite */
#define FARTHEST   1e6	 /* standard deviations from the mean; what is beyond is taken for it */
#define POLL_EVERY 64

static const DetectOps *const methods[DETECT_METHODS] = {
	[DETECT_ADWIN] = &aug_detect_adwin, [DETECT_PAGE_HINKLEY] = &aug_detect_page_hinkley,
	[DETECT_DDM] = &aug_detect_ddm,		[DETECT_EDDM] = &aug_detect_eddm,
	[DETECT_KSWIN] = &aug_detect_kswin,
};

/* ---- the table ---------------------------------------------------------------- */

const DetectOps *
aug_detect_ops(DetectMethod method)
{
	return methods[method];
}

uint32_t
aug_detector_count(void)
{
	return DETECT_METHODS;
}

const AugAlgorithm *
aug_detector_at(uint32_t i)
{
	return i < DETECT_METHODS ? &methods[i]->about : NULL;
}

const AugAlgorithm *
aug_detector_find(const char *name)
{
	for (uint32_t i = 0; i < DETECT_METHODS; i++)
	{
		if (strcmp(methods[i]->about.name, name) == 0)
			return &methods[i]->about;
	}
	return NULL;
}

static const DetectOps *
find_ops(const AugAlgorithm *about, DetectMethod *method)
{
	for (uint32_t i = 0; i < DETECT_METHODS; i++)
	{
		if (about == &methods[i]->about)
		{
			*method = (DetectMethod) i;
			return methods[i];
		}
	}
	return NULL;
}

bool
aug_detector_binary(const AugAlgorithm *about)
{
	DetectMethod method;
	const DetectOps *ops = find_ops(about, &method);

	return ops != NULL && ops->binary;
}

/* ---- life --------------------------------------------------------------------- */

void
aug_detector_reset(AugDetector *d)
{
	d->changed = false;
	d->warning_since = 0;
	d->scaled = false;
	d->scale = d->since = (Moments){0};
	methods[d->method]->reset(d);
}

static AugStatus
open_in(AugDetector *d, const char *params, AugError *err)
{
	const DetectOps *ops = methods[d->method];
	AugStatus status = aug_params_parse(d->host, &ops->about, params, &d->params, err);

	if (status == AUG_OK && ops->check != NULL)
		status = ops->check(d->params, err);
	if (status == AUG_OK)
		status = aug_params_text(d->params, &d->params_text, err);
	if (status != AUG_OK)
		return status;
	d->change = aug_arena_alloc(&d->arena, AUG_MAX_CHANGES, sizeof(uint64_t));
	if (d->change == NULL)
		return aug_fail_nomem(err, 0);
	if (ops->open != NULL)
		status = ops->open(d, err);
	if (status == AUG_OK)
		aug_detector_reset(d);
	return status;
}

AugStatus
aug_detector_open(const AugHost *host, DetectMethod method, const char *params, AugDetector **out,
				  AugError *err)
{
	AugDetector *d = host->alloc(host->arg, sizeof(AugDetector));
	AugStatus status;

	*out = NULL;
	if (d == NULL)
		return aug_fail_nomem(err, sizeof(AugDetector));
	memset(d, 0, sizeof(*d));
	d->host = host;
	d->method = method;
	aug_arena_init(&d->arena, host);
	status = open_in(d, params, err);
	if (status != AUG_OK)
	{
		aug_detector_free(d);
		return status;
	}
	*out = d;
	return AUG_OK;
}

AugStatus
aug_detector_new(const AugHost *host, const AugAlgorithm *about, const AugParams *params,
				 AugDetector **out, AugError *err)
{
	DetectMethod method;
	char *text;
	AugStatus status;

	*out = NULL;
	if (find_ops(about, &method) == NULL || params->algorithm != about)
		return aug_fail(err, AUG_INTERNAL, "options of another detector");
	status = aug_params_text(params, &text, err);
	if (status != AUG_OK)
		return status;
	status = aug_detector_open(host, method, text, out, err);
	host->release(host->arg, text);
	return status;
}

void
aug_detector_free(AugDetector *d)
{
	if (d == NULL)
		return;
	aug_params_free(d->params);
	d->host->release(d->host->arg, d->params_text);
	aug_arena_free(&d->arena);
	d->host->release(d->host->arg, d);
}

/* ---- numbers ------------------------------------------------------------------- */

static AugStatus
check_number(const AugDetector *d, double x, AugError *err)
{
	const DetectOps *ops = methods[d->method];

	if (d->n >= AUG_MAX_STREAM)
		return aug_fail(err, AUG_LIMIT, "the detector has read all the numbers it can");
	if (!isfinite(x) || fabs(x) > GREATEST)
	{
		aug_fail(err, AUG_DATA, "number %llu is %g, which %s cannot read",
				 (unsigned long long) d->n + 1, x, ops->about.name);
		aug_hint(err, "Leave out NaN and infinity, or replace them.");
		return AUG_DATA;
	}
	if (ops->binary && x != 0 && x != 1)
	{
		aug_fail(err, AUG_DATA, "number %llu is %g, but %s reads 0 and 1 only",
				 (unsigned long long) d->n + 1, x, ops->about.name);
		aug_hint(err, "Give 0 for a right prediction and 1 for a wrong one, or use adwin.");
		return AUG_DATA;
	}
	return AUG_OK;
}

/* Is x to be judged, and as what? */
static bool
scale(AugDetector *d, double *x)
{
	int option = methods[d->method]->standardize;
	double z;

	if (option < 0 || aug_param_number(d->params, (uint32_t) option) == 0)
		return true;
	if (!d->scaled)
	{
		/* the number of rows is the option after */
		moments_add(&d->scale, *x);
		d->scaled = (double) d->scale.n >= aug_param_number(d->params, (uint32_t) option + 1) &&
					moments_variance(&d->scale) > 0;
		return false;
	}
	z = (*x - d->scale.mean) / sqrt(moments_variance(&d->scale));
	*x = fmin(fmax(z, -FARTHEST), FARTHEST);
	return true;
}

static void
note_change(AugDetector *d)
{
	d->changed = true;
	d->warning_since = 0;
	d->n_changes++;
	if (d->first_change == 0)
		d->first_change = d->n;
	if (d->n_kept == AUG_MAX_CHANGES)
	{
		d->n_kept--;
		memmove(d->change, d->change + 1, d->n_kept * sizeof(uint64_t));
	}
	d->change[d->n_kept++] = d->n;
}

AugStatus
aug_detector_update(AugDetector *d, const double *values, size_t n, AugError *err)
{
	const DetectOps *ops = methods[d->method];

	for (size_t i = 0; i < n; i++)
	{
		double x = values[i];
		DetectVerdict verdict;
		AugStatus status = check_number(d, x, err);

		if (status != AUG_OK)
			return status;
		if (i % POLL_EVERY == 0 && d->host->poll(d->host->arg, (double) i / (double) n))
			return aug_fail_cancelled(err);
		if (d->changed)
			aug_detector_reset(d);
		d->n++;
		moments_add(&d->since, x);
		if (!scale(d, &x))
			continue;
		verdict = ops->take(d, x);
		if (verdict == DETECT_NOMEM)
			return aug_fail_nomem(err, 0);
		if (verdict == DETECT_CHANGE)
			note_change(d);
		else if (verdict == DETECT_NOTHING)
			d->warning_since = 0;
		else if (d->warning_since == 0)
			d->warning_since = d->n;
	}
	return AUG_OK;
}

/* Mean of the window of ADWIN in the units of the stream. */
static double
adwin_mean(const AugDetector *d)
{
	double mean = d->u.adwin.total / (double) d->u.adwin.width;

	if (!d->scaled)
		return mean;
	return d->scale.mean + 6 * (mean - 0.5) * sqrt(moments_variance(&d->scale));
}

void
aug_detector_info(const AugDetector *d, AugDetectorInfo *info)
{
	memset(info, 0, sizeof(*info));
	info->about = &methods[d->method]->about;
	info->params_text = d->params_text;
	info->n = d->n;
	info->n_changes = d->n_changes;
	info->n_kept = d->n_kept;
	info->change = d->change;
	info->first_change = d->first_change;
	info->last_change = d->n_kept > 0 ? d->change[d->n_kept - 1] : 0;
	info->warning_since = d->warning_since;
	info->mean = NAN;
	if (d->method == DETECT_ADWIN && d->u.adwin.width > 0)
	{
		info->width = d->u.adwin.width;
		info->mean = adwin_mean(d);
	}
	else if (!d->changed && d->since.n > 0)
	{
		info->width = d->since.n;
		info->mean = d->since.mean;
	}
}
