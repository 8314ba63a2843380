/*-------------------------------------------------------------------------
 *
 * adjust.c
 *		Series that are adjusted for their season before a method without one sees
 *		them, and the way back for fitted values, forecasts and variances.
 *
 * A multiplicative season multiplies the standard deviation of an error by its index,
 * an additive one leaves it; the uncertainty of the indices themselves is not
 * counted but for their degrees of freedom.
 *
 * Memory: the adjusted copy and the indices in the arena.  Interrupts: those of
 * season.c.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "season.h"

/* Beyond 2^+-MAX_EXPONENT values are scaled: their squares and sums stay finite then. */
#define MAX_EXPONENT 300
#define TWO_PI		 6.28318530717958647693
#define LOG_2		 0.69314718055994530942

double
aug_adjust_in(const AugAdjusted *a, double value)
{
	return a->exponent == 0 ? value : ldexp(value, -a->exponent);
}

double
aug_adjust_out(const AugAdjusted *a, double value)
{
	return a->exponent == 0 ? value : ldexp(value, a->exponent);
}

static int
extreme_exponent(const double *y, size_t n)
{
	double largest = 0;
	int e;

	for (size_t t = 0; t < n; t++)
		largest = fmax(largest, fabs(y[t]));
	(void) frexp(largest, &e);
	return largest > 0 && (e > MAX_EXPONENT || e < -MAX_EXPONENT) ? e : 0;
}

static AugStatus
corrupt(AugCast *cast)
{
	return aug_fail(cast->err, AUG_CORRUPT, "stored form of a forecast does not fit the series");
}

/* The season of a form: the codes, and with AUG_KEEP_ALL the indices. */
static AugStatus
season_given(AugCast *cast, const AugSeries *s, const AugForm *given, AugKeep keep, uint32_t n_own,
			 AugAdjusted *out)
{
	int32_t kind = given->code[AUG_ADJUST_KIND];
	uint32_t period = (uint32_t) given->code[AUG_ADJUST_PERIOD], n_index;
	bool known = false;

	if (kind < AUG_SEASON_NONE || kind > AUG_SEASON_MULTIPLICATIVE)
		return corrupt(cast);
	for (uint32_t i = 0; i < s->n_periods; i++)
		known = known || s->period[i] == period;
	if (kind != AUG_SEASON_NONE && !known)
		return corrupt(cast);
	out->season = (AugSeason){(AugSeasonKind) kind, period, NULL};
	if (keep != AUG_KEEP_ALL)
		return AUG_OK;
	n_index = kind == AUG_SEASON_NONE ? 0 : period;
	if (given->n_values != n_own + n_index)
		return corrupt(cast);
	out->season.index = aug_cast_doubles(cast, n_index);
	if (out->season.index == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < n_index; i++)
	{
		double v = given->values[n_own + i];

		if (!isfinite(v) || (kind == AUG_SEASON_MULTIPLICATIVE && !(v > 0)))
			return corrupt(cast);
		out->season.index[i] = kind == AUG_SEASON_ADDITIVE ? aug_adjust_in(out, v) : v;
	}
	return AUG_OK;
}

AugStatus
aug_adjust(AugCast *cast, const AugSeries *s, AugAdjust how, const AugForm *given, AugKeep keep,
		   uint32_t n_own, AugAdjusted *out)
{
	AugSeries one = *s;
	AugStatus status = AUG_OK;
	AugSeasonKind asked = AUG_SEASON_NONE;

	memset(out, 0, sizeof(*out));
	out->n = s->n;
	out->exponent = extreme_exponent(s->y, s->n);
	out->sigma2 = NAN;
	out->y = aug_cast_doubles(cast, s->n);
	if (out->y == NULL)
		return AUG_NOMEM;
	for (size_t t = 0; t < s->n; t++)
		out->y[t] = aug_adjust_in(out, s->y[t]);
	if (given != NULL)
	{
		status = season_given(cast, s, given, keep, n_own, out);
		asked = out->season.kind;
		if (keep != AUG_KEEP_FORM || asked == AUG_SEASON_NONE)
			how = AUG_ADJUST_NOT;
		one.n_periods = 1;
		one.period[0] = out->season.period;
	}
	if (status == AUG_OK && how == AUG_ADJUST_TESTED)
		status = aug_season_find(cast, out->y, out->n, &one, asked, &out->season);
	if (status == AUG_OK && how == AUG_ADJUST_SHRUNKEN)
		status = aug_season_shrunken(cast, out->y, out->n, &one, asked, &out->season);
	if (status == AUG_OK)
		aug_season_remove(&out->season, out->y, out->n, 0, out->y);
	return status;
}

AugStatus
aug_adjust_form(AugCast *cast, const AugAdjusted *a, uint32_t n_own, AugFitted *out)
{
	bool seasonal = a->season.kind != AUG_SEASON_NONE;
	uint32_t n_index = seasonal ? a->season.period : 0;

	out->form.code[AUG_ADJUST_KIND] = (int32_t) a->season.kind;
	out->form.code[AUG_ADJUST_PERIOD] = seasonal ? (int32_t) a->season.period : 0;
	out->form.n_values = n_own + n_index;
	out->form.values = aug_cast_doubles(cast, out->form.n_values);
	if (out->form.values == NULL)
		return AUG_NOMEM;
	for (uint32_t i = 0; i < n_index; i++)
		out->form.values[n_own + i] = a->season.kind == AUG_SEASON_ADDITIVE
										  ? aug_adjust_out(a, a->season.index[i])
										  : a->season.index[i];
	return AUG_OK;
}

/* Mean square of the errors, divided by their number less the parameters. */
static double
mean_square(const double *y, const double *fitted, size_t n, uint32_t n_parameters, double *divisor)
{
	double sum = 0, count = 0;

	for (size_t t = 0; t < n; t++)
	{
		double e = y[t] - fitted[t];

		if (isnan(e))
			continue;
		sum += e * e;
		count++;
	}
	*divisor = fmax(count - n_parameters, 1);
	return count > 0 ? sum / *divisor : NAN;
}

/*
 * Gaussian log likelihood and AICc from the errors of the adjusted series.  The adjustment
 * and the scale are a change of variables: their Jacobian makes it a likelihood of
 * the series.
 */
static void
likelihood_of(const AugAdjusted *a, AugFitted *out)
{
	double sum = 0, n = 0, logs = 0, k = out->n_parameters;
	size_t i = 0;

	for (size_t t = 0; t < a->n; t++)
	{
		double e = a->y[t] - out->fitted[t];

		if (!isnan(e))
		{
			sum += e * e;
			n++;
			logs += a->season.kind == AUG_SEASON_MULTIPLICATIVE ? log(a->season.index[i]) : 0;
		}
		i = i + 1 == a->season.period ? 0 : i + 1;
	}
	if (!(sum > 0))
		return; /* a perfect fit has no likelihood */
	out->log_likelihood = -n / 2 * (log(TWO_PI * sum / n) + 1) - logs - n * a->exponent * LOG_2;
	if (n > k + 1)
		out->aicc = -2 * out->log_likelihood + 2 * k + 2 * k * (k + 1) / (n - k - 1);
}

void
aug_adjust_finish(AugAdjusted *a, const AugSeries *s, bool likelihood, AugFitted *out)
{
	double divisor;

	if (a->season.kind != AUG_SEASON_NONE)
		out->n_parameters += a->season.period - 1;
	/* one of the parameters is the variance, which costs no degree of freedom */
	a->sigma2 = mean_square(a->y, out->fitted, a->n, out->n_parameters - 1, &a->divisor);
	if (likelihood)
		likelihood_of(a, out);
	aug_season_restore(&a->season, out->fitted, a->n, 0, out->fitted);
	for (size_t t = 0; t < a->n; t++)
		out->fitted[t] = aug_adjust_out(a, out->fitted[t]);
	out->sigma2 = a->season.kind == AUG_SEASON_MULTIPLICATIVE
					  ? mean_square(s->y, out->fitted, a->n, out->n_parameters - 1, &divisor)
					  : aug_adjust_out(a, aug_adjust_out(a, a->sigma2));
}

void
aug_adjust_forecast(const AugAdjusted *a, uint32_t horizon, double *mean, double *variance)
{
	aug_season_restore(&a->season, mean, horizon, a->n, mean);
	for (uint32_t h = 0; h < horizon; h++)
	{
		if (a->season.kind == AUG_SEASON_MULTIPLICATIVE)
		{
			double index = a->season.index[(a->n + h) % a->season.period];

			variance[h] *= index * index;
		}
		mean[h] = aug_adjust_out(a, mean[h]);
		variance[h] = aug_adjust_out(a, aug_adjust_out(a, variance[h]));
	}
}
