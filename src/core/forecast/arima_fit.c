/*-------------------------------------------------------------------------
 *
 * arima_fit.c
 *		Estimates one ARIMA model: maximum likelihood, regression coefficients and the
 *		variance concentrated out, the others by BFGS.
 *
 * For given ARMA coefficients the filter turns the regression with ARIMA errors into an
 * ordinary one (Harvey, Phillips: Maximum likelihood estimation of regression models
 * with autoregressive-moving average disturbances, Biometrika 66 (1979) 49-58), so only
 * the ARMA coefficients are searched for.
 *
 * Memory: the fitter's, taken once.  Interrupts: polls in the climb and in the filter.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

#define LOG_2PI 1.8378770664093454836
/* What a last step may gain in log likelihood: while ranking, and at the end. */
#define LOOSE 1e-3
#define TIGHT 1e-8
/* Where a parameter begins that nothing is known of; 0 is a saddle of mixed models. */
#define BEGIN 0.1
/* Values from which slopes that neglect the first ones will do to rank. */
#define LONG_ENOUGH 100
/* Mean squares below this, in units of the differences', are rounding errors. */
#define LEAST_SQUARE 1e-24

AugStatus
aug_arima_fitter_init(AugCast *cast, ArimaData *data, ArimaWork *work, ArimaModel *model,
					  uint32_t n_coef, ArimaFitter *fitter)
{
	size_t k = (size_t) data->n_base + 1;

	memset(fitter, 0, sizeof(*fitter));
	fitter->cast = cast;
	fitter->data = data;
	fitter->work = work;
	fitter->model = model;
	fitter->gamma = aug_cast_doubles(cast, k);
	fitter->gram = aug_cast_doubles(cast, k * k);
	if (fitter->gamma == NULL || fitter->gram == NULL)
		return AUG_NOMEM;
	if (aug_arima_slopes_init(cast, fitter) != AUG_OK)
		return AUG_NOMEM;
	return aug_arima_climb_init(cast, n_coef, data->n_w, &fitter->climb);
}

/* Products of the whitened columns: the base ones first, y last, lower triangle. */
static void
products(ArimaFitter *f)
{
	const ArimaData *data = f->data;
	size_t n = data->n_w, k = data->n_base;

	for (size_t i = 0; i <= k; i++)
	{
		const double *a = data->e + (i < k ? i + 1 : 0) * n;

		for (size_t j = 0; j <= i; j++)
		{
			const double *b = data->e + (j < k ? j + 1 : 0) * n;

			f->gram[i * (k + 1) + j] = aug_arima_dot(a, b, n);
		}
	}
}

/*
 * Cholesky of the products; the last pivot is the sum of squares that is left.  A column
 * without a pivot gets no coefficient.  Golub, Van Loan 4.2.5, 5.3.
 */
static void
regress(ArimaFitter *f)
{
	size_t k = f->data->n_base, width = k + 1;
	double *g = f->gram;

	products(f);
	for (size_t i = 0; i <= k; i++)
	{
		double whole = g[i * width + i];

		for (size_t j = 0; j <= i; j++)
		{
			double sum = g[i * width + j];

			for (size_t l = 0; l < j; l++)
				sum -= g[i * width + l] * g[j * width + l];
			if (j < i)
				g[i * width + j] = g[j * width + j] > 0 ? sum / g[j * width + j] : 0;
			else if (i < k)
				g[i * width + i] = sum > 1e-12 * whole ? sqrt(sum) : 0;
			else
				f->sum_square = fmax(sum, 0);
		}
	}
	for (size_t i = k; i-- > 0;)
	{
		double sum = g[k * width + i];

		for (size_t l = i + 1; l < k; l++)
			sum -= g[l * width + i] * f->gamma[l];
		f->gamma[i] = g[i * width + i] > 0 ? sum / g[i * width + i] : 0;
	}
}

/* Residuals of the regression times the root of the variances' geometric mean. */
static void
write_residuals(const ArimaFitter *f, double *residual)
{
	const ArimaData *data = f->data;
	size_t n = data->n_w;
	double factor = exp(0.5 * f->sum_log / (double) f->n_used);

	memcpy(residual, data->e, n * sizeof(double));
	for (uint32_t b = 0; b < data->n_base; b++)
	{
		const double *e = data->e + (b + 1) * n;

		for (size_t t = 0; t < n; t++)
			residual[t] -= f->gamma[b] * e[t];
	}
	for (size_t t = 0; t < n; t++)
		residual[t] *= factor;
}

double
aug_arima_objective(ArimaFitter *f, const ArimaSpec *spec, const double *coef, double *residual)
{
	ArimaData *data = f->data;
	double n, square;

	aug_arima_expand(spec, coef, f->model);
	if (data->missing)
	{
		f->status = aug_arima_filter(f->cast, f->model, f->work, data->w, data->n_w,
									 data->n_base + 1, data->e, NULL, &f->sum_log, &f->n_used);
		if (f->status != AUG_OK)
			return HUGE_VAL;
	}
	else if (!aug_arima_whiten(f->model, f->work, data->w, data->n_w, data->n_base + 1,
							   f->conditional, data->e, &f->sum_log, &f->n_used))
		return HUGE_VAL;
	if (f->n_used <= data->n_base)
		return HUGE_VAL;
	regress(f);
	if (residual != NULL)
		write_residuals(f, residual);
	n = (double) f->n_used;
	square = fmax(f->sum_square / n, LEAST_SQUARE);
	/* a conditional sum stands for all values, or more lags would mean fewer to explain */
	if (f->conditional && !data->missing)
		n = (double) data->n_w;
	return 0.5 * (n * log(square) + f->sum_log);
}

static double
free_objective(void *arg, const double *x, double *residual)
{
	ArimaFitter *f = arg;
	double coef[ARIMA_MAX_COEF];

	if (f->status == AUG_CANCELLED)
		return HUGE_VAL;
	aug_arima_constrain(f->spec, x, coef);
	return aug_arima_objective(f, f->spec, coef, residual);
}

static AugStatus
climb(ArimaFitter *f, double *x, bool tight, double *value)
{
	const ArimaData *data = f->data;
	AugStatus status;

	f->climb.f = free_objective;
	f->climb.slopes = NULL;
	if (!tight && !data->missing && data->n_base <= 1 && data->n_w >= LONG_ENOUGH)
		f->climb.slopes = aug_arima_slopes;
	f->climb.arg = f;
	f->climb.n = aug_arima_n_coef(f->spec);
	f->climb.tolerance = tight ? TIGHT : LOOSE;
	status = aug_arima_climb(f->cast, &f->climb, x, value);
	return f->status == AUG_CANCELLED ? AUG_CANCELLED : status;
}

/* Free parameters of a neighbour for this model: what both have, BEGIN for the rest. */
static void
borrow(const ArimaSpec *to, const ArimaFit *near, double *x)
{
	double had[ARIMA_MAX_COEF];
	const uint32_t n_to[] = {to->p, to->q, to->sp, to->sq};
	const uint32_t n_had[] = {near->spec.p, near->spec.q, near->spec.sp, near->spec.sq};
	const double *from = had;

	aug_arima_release(&near->spec, near->coef, had);
	for (int i = 0; i < 4; i++)
	{
		for (uint32_t k = 0; k < n_to[i]; k++)
			x[k] = k < n_had[i] ? from[k] : BEGIN;
		x += n_to[i];
		from += n_had[i];
	}
}

static void
record(ArimaFitter *f, double value, ArimaFit *fit)
{
	double n = (double) (f->conditional ? f->data->n_w : f->n_used), k;

	fit->n_used = (size_t) n;
	fit->n_parameters = aug_arima_n_coef(&fit->spec) + f->data->n_base + 1;
	fit->sigma2 = f->sum_square / (double) f->n_used;
	fit->log_likelihood = -value - 0.5 * n * (1 + LOG_2PI) - n * log(f->data->scale);
	k = fit->n_parameters;
	fit->aicc = n > k + 1 ? 2 * (k - fit->log_likelihood) + 2 * k * (k + 1) / (n - k - 1)
						  : HUGE_VAL;
}

AugStatus
aug_arima_estimate(ArimaFitter *f, const ArimaSpec *spec, const ArimaFit *near, bool conditional,
				   bool tight, ArimaFit *fit, bool *ok)
{
	double x[ARIMA_MAX_COEF], value = HUGE_VAL;
	AugStatus status = AUG_OK;

	*ok = false;
	f->spec = spec;
	f->status = AUG_OK;
	for (uint32_t i = 0; i < ARIMA_MAX_COEF; i++)
		x[i] = BEGIN;
	if (near != NULL)
		borrow(spec, near, x);
	f->conditional = !f->data->missing && (conditional || near == NULL);
	if (f->conditional)
	{
		status = climb(f, x, conditional && tight, &value);
		f->conditional = conditional && !f->data->missing;
	}
	if (status == AUG_OK && !f->conditional)
		status = climb(f, x, tight, &value);
	if (status != AUG_OK)
		return status;
	memset(fit, 0, sizeof(*fit));
	fit->spec = *spec;
	aug_arima_constrain(spec, x, fit->coef);
	/* once more, so that gamma and the sums are those of the best point */
	value = aug_arima_objective(f, spec, fit->coef, NULL);
	if (!isfinite(value))
		return f->status == AUG_CANCELLED ? AUG_CANCELLED : AUG_OK;
	record(f, value, fit);
	*ok = isfinite(fit->aicc);
	return AUG_OK;
}
