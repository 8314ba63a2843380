/*-------------------------------------------------------------------------
 *
 * arima_slopes.c
 *		Derivatives of an ARIMA model's innovations to its parameters, by recursion.
 *
 * With z the series without its regression and e = (phi(B) / theta(B)) z, the derivative
 * to the coefficient of z at lag i is -u at lag i with u = z / theta(B), and to that of e
 * at lag j it is -v at lag j with v = e / theta(B) (Box, Jenkins, Reinsel: Time Series
 * Analysis, 3rd edition, 7.2.3): two filters instead of one for each parameter.  From the
 * coefficients to the free parameters goes the chain rule, by differences.
 *
 * What the regression answers is taken out by a projection (Kaufman 1975, BIT 15:49).
 * That the first innovations have other variances is neglected: this is for ranking; the
 * last search of a model differentiates the exact likelihood.
 *
 * Memory: three columns and two polynomials, taken once.  Interrupts: none, the climb polls.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

#define DIFFERENCE 1e-6

AugStatus
aug_arima_slopes_init(AugCast *cast, ArimaFitter *fitter)
{
	size_t n = fitter->data->n_w, room = (size_t) fitter->work->room + 2;

	fitter->rest = aug_cast_doubles(cast, n);
	fitter->rest_ar = aug_cast_doubles(cast, n);
	fitter->rest_ma = aug_cast_doubles(cast, n);
	fitter->phi = aug_cast_doubles(cast, room);
	fitter->theta = aug_cast_doubles(cast, room);
	return fitter->rest == NULL || fitter->rest_ar == NULL || fitter->rest_ma == NULL ||
				   fitter->phi == NULL || fitter->theta == NULL
			   ? AUG_NOMEM
			   : AUG_OK;
}

/* out = in / theta(B) */
static void
divide(const ArimaFitter *f, const double *in, double *out)
{
	ArimaModel moving = *f->model;
	double sum_log;
	size_t n_used;

	moving.n_ar = 0;
	aug_arima_whiten(&moving, f->work, in, f->data->n_w, 1, true, out, &sum_log, &n_used);
}

/* column[t] -= change[i] part[t - 1 - i] for the lags that change. */
static void
subtract_changed(const double *restrict part, size_t n, const double *before, const double *after,
				 uint32_t n_lags, double *restrict column)
{
	for (uint32_t i = 0; i < n_lags; i++)
	{
		double change = (after[i] - before[i]) / DIFFERENCE;

		for (size_t t = i + 1; change != 0 && t < n; t++)
			column[t] -= change * part[t - 1 - i];
	}
}

/* Takes out what the base column explains. */
static void
project(const ArimaData *data, double *column)
{
	const double *base = data->e + data->n_w;
	double square = aug_arima_dot(base, base, data->n_w), share;

	if (!(square > 0))
		return;
	share = aug_arima_dot(base, column, data->n_w) / square;
	for (size_t t = 0; t < data->n_w; t++)
		column[t] -= share * base[t];
}

void
aug_arima_slopes(void *fitter, const double *x, double *jacobian)
{
	ArimaFitter *f = fitter;
	const ArimaData *data = f->data;
	ArimaModel *model = f->model;
	size_t n = data->n_w;
	double factor = exp(0.5 * f->sum_log / (double) f->n_used);
	double coef[ARIMA_MAX_COEF], to[ARIMA_MAX_COEF];
	uint32_t n_coef = aug_arima_n_coef(f->spec);

	aug_arima_constrain(f->spec, x, coef);
	aug_arima_expand(f->spec, coef, model);
	memcpy(f->phi, model->phi, (model->r + 1) * sizeof(double));
	memcpy(f->theta, model->theta, (model->r + 1) * sizeof(double));
	for (size_t t = 0; t < n; t++)
		f->rest[t] = factor *
					 (data->n_base > 0 ? data->w[t] - f->gamma[0] * data->w[n + t] : data->w[t]);
	divide(f, f->rest, f->rest_ar);
	divide(f, f->climb.residual, f->rest_ma);
	memcpy(to, x, n_coef * sizeof(double));
	for (uint32_t k = 0; k < n_coef; k++)
	{
		double *column = jacobian + k * n;

		to[k] = x[k] + DIFFERENCE;
		aug_arima_constrain(f->spec, to, coef);
		aug_arima_expand(f->spec, coef, model);
		to[k] = x[k];
		memset(column, 0, n * sizeof(double));
		subtract_changed(f->rest_ar, n, f->phi, model->phi, model->n_ar, column);
		subtract_changed(f->rest_ma, n, f->theta, model->theta, model->n_ma, column);
		if (data->n_base > 0)
			project(data, column);
	}
}
