/*-------------------------------------------------------------------------
 *
 * ses.c
 *		Simple exponential smoothing of the seasonally adjusted series: the SES of the
 *		M competitions' benchmarks.
 *
 * Hyndman, Koehler, Ord, Snyder 2008: Forecasting with Exponential Smoothing, Springer,
 * ETS(A,N,N) of chapter 2; variances: table 6.1.  A one-step error is
 * y[t] - base[t] - (1 - alpha)^t d, where base starts from the first value and d is
 * added to the starting level: for each alpha the best d is a ratio of two sums, and
 * the search is over alpha alone.
 *
 * Memory: the adjusted series and the fit.  Interrupts: those of the line search.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "smooth.h"

#define GRID		 9	  /* values of alpha before Brent's search */
#define TOLERANCE	 1e-7 /* of alpha */
#define N_VALUES	 2	  /* of a form: alpha, starting level */
#define N_PARAMETERS 3	  /* the two and the variance */

typedef struct Data
{
	const double *y;
	size_t n;
	double shift; /* of the starting level from y[0], of the last evaluation */
} Data;

/* Sum of squared one-step errors at alpha, the starting level at its best. */
static double
squares(void *arg, const double *x)
{
	Data *d = arg;
	double alpha = x[0], decay = 1 - alpha, base = d->y[0], c = 1;
	double ee = 0, ec = 0, cc = 0;

	for (size_t t = 0; t < d->n; t++)
	{
		double e = d->y[t] - base;

		ee += e * e;
		ec += e * c;
		cc += c * c;
		base += alpha * e;
		c *= decay;
	}
	d->shift = ec / cc;
	return fmax(ee - ec * d->shift, 0);
}

AugStatus
aug_ses_fit(AugCast *cast, const double *y, size_t n, AugSes *out)
{
	Data d = {y, n, 0};
	double value;
	AugStatus status = aug_minimize_line(cast, squares, &d, AUG_SMOOTH_LO, AUG_SMOOTH_HI, GRID,
										 TOLERANCE, &out->alpha, &value);

	squares(&d, &out->alpha); /* the shift at the best alpha */
	out->start = y[0] + d.shift;
	return status;
}

void
aug_ses_filter(const double *y, size_t n, double *fitted, AugSes *ses)
{
	double level = ses->start;

	for (size_t t = 0; t < n; t++)
	{
		if (fitted != NULL)
			fitted[t] = level;
		level += ses->alpha * (y[t] - level);
	}
	ses->level = level;
}

AugStatus
aug_smooth_corrupt(AugCast *cast)
{
	return aug_fail(cast->err, AUG_CORRUPT, "stored parameters of a forecast are damaged");
}

/* ---- the method ------------------------------------------------------------ */

typedef struct SesState
{
	AugAdjusted adjusted;
	AugSes ses;
} SesState;

static const char *
ses_refuses(const AugCast *cast, const AugSeries *s)
{
	(void) cast;
	return s->n > 0 ? NULL : "needs a value";
}

static AugStatus
estimate(AugCast *cast, const AugForm *given, AugKeep keep, SesState *state)
{
	AugAdjusted *a = &state->adjusted;

	if (keep != AUG_KEEP_ALL)
		return aug_ses_fit(cast, a->y, a->n, &state->ses);
	state->ses.alpha = given->values[0];
	state->ses.start = aug_adjust_in(a, given->values[1]);
	if (!(state->ses.alpha > 0 && state->ses.alpha <= 1) || !isfinite(state->ses.start))
		return aug_smooth_corrupt(cast);
	return AUG_OK;
}

static AugStatus
ses_fit(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, AugFitted *out)
{
	SesState *state = aug_arena_zero(cast->arena, 1, sizeof(SesState));
	AugAdjusted *a;
	AugStatus status;

	if (state == NULL)
		return aug_fail_nomem(cast->err, sizeof(SesState));
	a = &state->adjusted;
	status = aug_adjust(cast, s, AUG_ADJUST_TESTED, given, keep, N_VALUES, a);
	if (status == AUG_OK)
		status = estimate(cast, given, keep, state);
	if (status == AUG_OK)
		status = aug_adjust_form(cast, a, N_VALUES, out);
	if (status != AUG_OK)
		return status;
	out->fitted = aug_cast_doubles(cast, s->n);
	if (out->fitted == NULL)
		return AUG_NOMEM;
	aug_ses_filter(a->y, a->n, out->fitted, &state->ses);
	out->form.values[0] = state->ses.alpha;
	out->form.values[1] = aug_adjust_out(a, state->ses.start);
	out->n_parameters = N_PARAMETERS;
	out->state = state;
	snprintf(out->label, sizeof(out->label), "SES");
	aug_adjust_finish(a, s, true, out);
	return AUG_OK;
}

static AugStatus
ses_forecast(AugCast *cast, const AugSeries *s, const AugFitted *fitted, uint32_t horizon,
			 double *mean, double *variance)
{
	const SesState *state = fitted->state;
	double alpha = state->ses.alpha;

	(void) cast;
	(void) s;
	for (uint32_t h = 0; h < horizon; h++)
	{
		mean[h] = state->ses.level;
		variance[h] = state->adjusted.sigma2 * (1 + h * alpha * alpha);
	}
	aug_adjust_forecast(&state->adjusted, horizon, mean, variance);
	return AUG_OK;
}

const AugForecaster aug_forecaster_ses = {
	.about =
		{"ses", "Simple exponential smoothing",
		 "A weighted mean of the past, newer values weighing more; of the seasonally adjusted "
		 "series where a test finds a season. For series without a trend.",
		 "Hyndman, Koehler, Ord, Snyder 2008, Forecasting with Exponential Smoothing, Springer",
		 true, false},
	.missing = false,
	.refuses = ses_refuses,
	.fit = ses_fit,
	.forecast = ses_forecast};
