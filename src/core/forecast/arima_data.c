/*-------------------------------------------------------------------------
 *
 * arima_data.c
 *		A series and its regressors, made ready for ARIMA: centred, scaled, differenced,
 *		regressors orthogonal.
 *
 * Regressors are orthogonalised after differencing, by Gram-Schmidt done twice, which
 * is as good as reflections (Golub, Van Loan: Matrix Computations, 4th edition, 5.2.8).
 * A column that depends on those before it gets no coefficient.
 *
 * Memory: the arena.  Interrupts: polls per regressor.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

/* A column is dependent when this share of it is left. */
#define DEPENDENT 1e-7

double
aug_arima_regressor(const ArimaData *data, uint32_t j, size_t t)
{
	if (data->constant && j == 0)
		return data->d + data->sd > 0 ? (double) (t + 1) : 1;
	return data->series->x[t * data->series->n_regressors + j - (data->constant ? 1 : 0)];
}

size_t
aug_arima_difference(double *y, size_t n, uint32_t lag)
{
	if (n <= lag)
		return 0;
	for (size_t t = 0; t + lag < n; t++)
		y[t] = y[t + lag] - y[t];
	return n - lag;
}

/* All differences of a column, in place; how many values are left. */
static size_t
difference(const ArimaData *data, double *y, size_t n)
{
	for (uint32_t k = 0; k < data->sd; k++)
		n = aug_arima_difference(y, n, data->m);
	for (uint32_t k = 0; k < data->d; k++)
		n = aug_arima_difference(y, n, 1);
	return n;
}

/* Centre, scale and spread from y with its gaps filled; work: [n]. */
static AugStatus
measure(AugCast *cast, ArimaData *data, double *work)
{
	const double *y = data->series->y;
	double sum = 0, most = 0;
	size_t n;

	aug_interpolate(y, data->n, work);
	data->centre = data->d + data->sd > 0 || data->constant ? work[0] : 0;
	for (size_t t = 0; t < data->n; t++)
	{
		work[t] -= data->centre;
		most = fmax(most, fabs(work[t]));
	}
	data->scale = most > 0 ? most : 1;
	for (size_t t = 0; t < data->n; t++)
		work[t] /= data->scale;
	n = difference(data, work, data->n);
	for (size_t t = 0; t < n; t++)
		sum += work[t] * work[t];
	data->spread = n > 0 ? sqrt(sum / (double) n) : 0;
	/* work in units of the spread, unless it is nothing but rounding */
	if (data->spread > 1e-13)
		data->scale *= data->spread;
	if (!isfinite(data->scale) || !isfinite(sum) || data->scale == 0)
		return aug_fail(cast->err, AUG_NUMERIC, "cannot work with values of this size");
	return AUG_OK;
}

/*
 * Orthogonalises the differenced column v of regressor j against the base columns and
 * adds what is left to them, each of mean square one.  base: [n_base][n_d].
 */
static void
add_column(ArimaData *data, double *base, size_t n_d, uint32_t j, double *v)
{
	uint32_t k = data->n_base, width = data->n_column;
	double *mine = data->combine + k, before = sqrt(aug_arima_dot(v, v, n_d)), after;

	for (uint32_t i = 0; i < width; i++)
		mine[i * width] = i == j ? 1 : 0;
	for (int pass = 0; pass < 2; pass++)
	{
		for (uint32_t b = 0; b < k; b++)
		{
			double along = aug_arima_dot(base + b * n_d, v, n_d) / (double) n_d;

			for (size_t t = 0; t < n_d; t++)
				v[t] -= along * base[b * n_d + t];
			for (uint32_t i = 0; i < width; i++)
				mine[i * width] -= along * data->combine[i * width + b];
		}
	}
	after = sqrt(aug_arima_dot(v, v, n_d));
	if (!(after > DEPENDENT * before) || !isfinite(after) || k + 1 >= n_d)
	{
		if (data->dropped == 0)
			data->dropped = j + 1 - (data->constant ? 1 : 0);
		return;
	}
	after /= sqrt((double) n_d);
	for (size_t t = 0; t < n_d; t++)
		base[k * n_d + t] = v[t] / after;
	for (uint32_t i = 0; i < width; i++)
		mine[i * width] /= after;
	data->n_base++;
}

/* Base column b in levels: what the filter with missing values wants. */
static void
level_column(const ArimaData *data, uint32_t b, double *out)
{
	bool differenced = data->d + data->sd > 0;

	for (size_t t = 0; t < data->n; t++)
	{
		out[t] = 0;
		for (uint32_t j = 0; j < data->n_column; j++)
			out[t] += (aug_arima_regressor(data, j, t) -
					   (differenced ? aug_arima_regressor(data, j, 0) : 0)) *
					  data->combine[j * data->n_column + b];
	}
}

static AugStatus
prepare_regressors(AugCast *cast, ArimaData *data, double *base, double *work, size_t n_d)
{
	for (uint32_t j = 0; j < data->n_column; j++)
	{
		double first = data->d + data->sd > 0 ? aug_arima_regressor(data, j, 0) : 0;

		for (size_t t = 0; t < data->n; t++)
			work[t] = aug_arima_regressor(data, j, t) - first;
		difference(data, work, data->n);
		add_column(data, base, n_d, j, work);
		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
	}
	return AUG_OK;
}

AugStatus
aug_arima_data_init(AugCast *cast, const AugSeries *s, uint32_t d, uint32_t sd, uint32_t m,
					bool constant, ArimaData *data)
{
	double *work = aug_cast_doubles(cast, s->n), *base;
	size_t n_d;
	AugStatus status;

	memset(data, 0, sizeof(*data));
	*data = (ArimaData){.series = s, .d = d, .sd = sd, .m = m, .constant = constant, .n = s->n};
	data->n_column = s->n_regressors + (constant ? 1 : 0);
	data->n_delta = d + m * sd;
	for (size_t t = 0; t < s->n; t++)
		data->n_observed += isnan(s->y[t]) ? 0 : 1;
	data->missing = data->n_observed < s->n;
	if (s->n <= data->n_delta || data->n_observed == 0)
		return aug_fail(cast->err, AUG_DATA, "needs more values");
	n_d = s->n - data->n_delta;
	data->n_w = data->missing ? s->n : n_d;
	data->w = aug_cast_doubles(cast, (1 + (size_t) data->n_column) * data->n_w);
	data->e = aug_cast_doubles(cast, (1 + (size_t) data->n_column) * data->n_w);
	data->combine = aug_cast_doubles(cast, (size_t) data->n_column * data->n_column + 1);
	if (work == NULL || data->w == NULL || data->e == NULL || data->combine == NULL)
		return AUG_NOMEM;
	status = measure(cast, data, work);
	if (status != AUG_OK)
		return status;
	base = data->w + data->n_w;
	if (data->missing && data->n_column > 0)
		base = aug_cast_doubles(cast, data->n_column * n_d);
	if (base == NULL)
		return AUG_NOMEM;
	status = prepare_regressors(cast, data, base, work, n_d);
	if (status != AUG_OK)
		return status;
	for (size_t t = 0; t < s->n; t++)
		work[t] = (s->y[t] - data->centre) / data->scale;
	if (!data->missing)
		difference(data, work, s->n);
	memcpy(data->w, work, data->n_w * sizeof(double));
	for (uint32_t b = 0; data->missing && b < data->n_base; b++)
		level_column(data, b, data->w + (1 + b) * data->n_w);
	return AUG_OK;
}

AugStatus
aug_arima_residual(AugCast *cast, const AugSeries *s, double *out)
{
	AugSeries whole = *s;
	ArimaData data;
	AugStatus status;

	aug_interpolate(s->y, s->n, out);
	if (s->n_regressors == 0)
		return AUG_OK;
	whole.y = out;
	status = aug_arima_data_init(cast, &whole, 0, 0, 1, true, &data);
	if (status != AUG_OK)
		return status;
	for (uint32_t b = 0; b < data.n_base; b++)
	{
		const double *base = data.w + (1 + b) * data.n_w;
		double along = aug_arima_dot(base, data.w, s->n) / (double) s->n;

		for (size_t t = 0; t < s->n; t++)
			data.w[t] -= along * base[t];
	}
	for (size_t t = 0; t < s->n; t++)
		out[t] = data.w[t] * data.scale;
	return AUG_OK;
}
