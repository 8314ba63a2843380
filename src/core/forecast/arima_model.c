/*-------------------------------------------------------------------------
 *
 * arima_model.c
 *		Polynomials of an ARIMA model: multiplied out, held stationary and invertible,
 *		roots judged.
 *
 * A polynomial 1 - a_1 z - ... - a_n z^n has all roots outside the unit circle exactly
 * when its partial autocorrelations are inside (-1, 1); Levinson-Durbin goes there and
 * back.  Jones: Maximum likelihood fitting of ARMA models to time series with missing
 * observations, Technometrics 22 (1980) 389-395.
 *
 * Memory: as told; work spaces lie in the arena.  Interrupts: none, all is small.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

/* Partial autocorrelations are kept this far inside: beyond, variances overflow. */
#define MOST_PARTIAL 0.9999999

uint32_t
aug_arima_n_coef(const ArimaSpec *spec)
{
	return spec->p + spec->q + spec->sp + spec->sq;
}

uint32_t
aug_arima_n_states(const ArimaSpec *spec)
{
	uint32_t ar = spec->p + spec->m * spec->sp;
	uint32_t ma = spec->q + spec->m * spec->sq + 1;

	return (ar > ma ? ar : ma) + spec->d + spec->m * spec->sd;
}

/*
 * out[0 .. n + m k) gets the coefficients of (1 + s sum a_i z^i)(1 + s sum b_j z^{mj}) less the
 * one, times s: s = 1 for moving averages, -1 for autoregressions.
 */
static void
multiply(const double *a, uint32_t n, const double *b, uint32_t k, uint32_t m, double s,
		 double *out)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] += a[i];
	for (uint32_t j = 0; j < k; j++)
	{
		uint32_t lag = m * (j + 1);

		out[lag - 1] += b[j];
		for (uint32_t i = 0; i < n; i++)
			out[lag + i] += s * a[i] * b[j];
	}
}

/* delta: (1 - B)^d (1 - B^m)^D = 1 - sum delta[i] B^{i+1}; built factor by factor. */
static void
expand_differences(const ArimaSpec *spec, ArimaModel *model)
{
	double *delta = model->delta;

	model->n_delta = 0;
	for (uint32_t k = 0; k < spec->d + spec->sd; k++)
	{
		uint32_t lag = k < spec->d ? 1 : spec->m;
		uint32_t n = model->n_delta;

		for (uint32_t i = n; i < n + lag; i++)
			delta[i] = 0;
		/* (1 - sum delta B)(1 - B^lag): the shifted copy goes in from the far end */
		for (uint32_t i = n; i-- > 0;)
			delta[i + lag] -= delta[i];
		delta[lag - 1] += 1;
		model->n_delta = n + lag;
	}
}

void
aug_arima_expand(const ArimaSpec *spec, const double *coef, ArimaModel *model)
{
	const double *ar = coef, *ma = ar + spec->p, *sar = ma + spec->q, *sma = sar + spec->sp;

	model->n_ar = spec->p + spec->m * spec->sp;
	model->n_ma = spec->q + spec->m * spec->sq;
	model->r = model->n_ar > model->n_ma + 1 ? model->n_ar : model->n_ma + 1;
	memset(model->phi, 0, (model->r + 1) * sizeof(double));
	memset(model->theta, 0, (model->r + 1) * sizeof(double));
	multiply(ar, spec->p, sar, spec->sp, spec->m, -1, model->phi);
	multiply(ma, spec->q, sma, spec->sq, spec->m, 1, model->theta);
	expand_differences(spec, model);
}

/* Partial autocorrelations in a to coefficients, in place; n <= ARIMA_MAX_ORDER. */
static void
from_partial(double *a, uint32_t n)
{
	double old[ARIMA_MAX_ORDER];

	for (uint32_t k = 1; k < n; k++)
	{
		memcpy(old, a, k * sizeof(double));
		for (uint32_t i = 0; i < k; i++)
			a[i] = old[i] - a[k] * old[k - 1 - i];
	}
}

/* The way back, in place; partial ones outside are moved in. */
static void
to_partial(double *a, uint32_t n)
{
	double old[ARIMA_MAX_ORDER];

	for (uint32_t k = n; k-- > 0;)
	{
		double last = a[k];

		if (!(fabs(last) < MOST_PARTIAL))
			last = copysign(MOST_PARTIAL, last);
		a[k] = last;
		memcpy(old, a, k * sizeof(double));
		for (uint32_t i = 0; i < k; i++)
			a[i] = (old[i] + last * old[k - 1 - i]) / (1 - last * last);
	}
}

/* The four polynomials one after the other: length, and the sign that makes it an AR one. */
static uint32_t
polynomial(const ArimaSpec *spec, int i, double *sign)
{
	const uint32_t n[] = {spec->p, spec->q, spec->sp, spec->sq};

	*sign = i % 2 == 0 ? 1 : -1;
	return n[i];
}

void
aug_arima_constrain(const ArimaSpec *spec, const double *free, double *coef)
{
	for (int i = 0; i < 4; i++)
	{
		double sign;
		uint32_t n = polynomial(spec, i, &sign);

		for (uint32_t k = 0; k < n; k++)
			coef[k] = MOST_PARTIAL * tanh(free[k]);
		from_partial(coef, n);
		for (uint32_t k = 0; k < n; k++)
			coef[k] *= sign;
		free += n;
		coef += n;
	}
}

void
aug_arima_release(const ArimaSpec *spec, const double *coef, double *free)
{
	for (int i = 0; i < 4; i++)
	{
		double sign;
		uint32_t n = polynomial(spec, i, &sign);

		for (uint32_t k = 0; k < n; k++)
			free[k] = sign * coef[k];
		to_partial(free, n);
		for (uint32_t k = 0; k < n; k++)
		{
			double v = free[k] / MOST_PARTIAL;

			/* the inverse of tanh, kept where it still has a slope */
			v = fmin(fmax(v, -0.999), 0.999);
			free[k] = 0.5 * log((1 + v) / (1 - v));
		}
		free += n;
		coef += n;
	}
}

bool
aug_arima_roots_outside(const double *a, uint32_t n, double radius)
{
	double b[ARIMA_MAX_ORDER], old[ARIMA_MAX_ORDER], power = 1;

	for (uint32_t i = 0; i < n; i++)
	{
		power *= radius;
		b[i] = a[i] * power;
	}
	for (uint32_t k = n; k-- > 0;)
	{
		double last = b[k];

		if (!(fabs(last) < 1))
			return false;
		memcpy(old, b, k * sizeof(double));
		for (uint32_t i = 0; i < k; i++)
			b[i] = (old[i] + last * old[k - 1 - i]) / (1 - last * last);
	}
	return true;
}

bool
aug_arima_admissible(const ArimaSpec *spec, const double *coef, double radius)
{
	double a[ARIMA_MAX_ORDER];

	for (int i = 0; i < 4; i++)
	{
		double sign;
		uint32_t n = polynomial(spec, i, &sign);

		for (uint32_t k = 0; k < n; k++)
			a[k] = sign * coef[k];
		/* a root z of a polynomial in B^m is one of size |z|^(1/m) in B */
		if (!aug_arima_roots_outside(a, n, i < 2 ? radius : pow(radius, spec->m)))
			return false;
		coef += n;
	}
	return true;
}

AugStatus
aug_arima_model_init(AugCast *cast, uint32_t room, ArimaModel *model)
{
	model->phi = aug_cast_doubles(cast, room + 1);
	model->theta = aug_cast_doubles(cast, room + 1);
	model->delta = aug_cast_doubles(cast, room + 1);
	return model->phi == NULL || model->theta == NULL || model->delta == NULL ? AUG_NOMEM : AUG_OK;
}

AugStatus
aug_arima_work_init(AugCast *cast, uint32_t room, uint32_t columns, bool matrices, ArimaWork *work)
{
	size_t n = (size_t) room + 1;
	size_t square = matrices ? (size_t) room * room : 1;
	double *all = aug_cast_doubles(cast, 2 * n + (7 + columns) * n + 2);

	memset(work, 0, sizeof(*work));
	work->lag = aug_arena_zero(cast->arena, n, sizeof(uint32_t));
	work->P = aug_cast_doubles(cast, square);
	work->B = aug_cast_doubles(cast, square);
	if (work->lag == NULL)
		return aug_fail_nomem(cast->err, n * sizeof(uint32_t));
	if (all == NULL || work->P == NULL || work->B == NULL)
		return AUG_NOMEM;
	work->room = room;
	work->room_column = columns;
	work->gamma = all;
	work->psi = all + 2 * n + 2;
	work->first = work->psi + n;
	work->gain = work->first + n;
	work->step = work->gain + n;
	work->last = work->step + n;
	work->moved = work->last + n;
	work->at_lag = work->moved + n;
	work->state = work->at_lag + n;
	return AUG_OK;
}
