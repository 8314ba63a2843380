/*-------------------------------------------------------------------------
 *
 * arima_exact.c
 *		The exact Gaussian likelihood of an ARMA model for complete data, at a cost per
 *		value that is linear in the lags.
 *
 * The state-space form is the usual one: state i holds what is known of the forecast
 * i steps ahead.  Its stationary covariance differs from the next step's by a matrix
 * of rank one, and so do all that follow: only a vector is carried instead of the
 * matrix.  Morf, Sidhu, Kailath: Some new algorithms for recursive estimation in
 * constant, linear, discrete-time systems, IEEE Trans. Automatic Control 19 (1974)
 * 315-323; Melard: A fast algorithm for the exact likelihood of autoregressive-
 * moving average models (AS 197), Applied Statistics 33 (1984) 104-114.  Once the
 * gain rests, the innovations follow from the difference equation alone.
 *
 * Only the first column of the stationary covariance is needed.  It comes from the
 * autocovariances: those of the autoregression from its partial autocorrelations
 * (Levinson-Durbin), passed through the moving average.
 *
 * Memory: the work space.  Interrupts: none; n times lags is at most some ms, the
 * callers poll.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

/* The gain rests when what the covariance still loses a step is below this. */
#define AT_REST	   1e-12
#define LOOK_EVERY 8
/* Lags up to here are one unrolled recursion; those beyond go in blocks of so many values. */
#define NEAR 8
/* Products of variances are turned to logs when they pass this. */
#define LARGE 1e100

/*
 * Autocovariances 0 .. most of the autoregression with innovations of variance one.
 * partial, phi: [n_ar] work.  False when not stationary.
 */
static bool
ar_autocovariances(const ArimaModel *model, double *partial, double *phi, double *gamma,
				   uint32_t most)
{
	uint32_t n = model->n_ar;
	double v = 1;

	memcpy(partial, model->phi, n * sizeof(double));
	for (uint32_t k = n; k-- > 0;)
	{
		double last = partial[k], scale = 1 - last * last;

		if (!(fabs(last) < 1))
			return false;
		v *= scale;
		for (uint32_t i = 0; i < k - i - 1 && i < k; i++)
		{
			double a = partial[i], b = partial[k - 1 - i];

			partial[i] = (a + last * b) / scale;
			partial[k - 1 - i] = (b + last * a) / scale;
		}
		if (k % 2 == 1)
			partial[k / 2] *= (1 + last) / scale;
	}
	/* variance, then each next one by the autoregression of one order more */
	v = gamma[0] = 1 / v;
	for (uint32_t k = 0; k < n && k < most; k++)
	{
		double sum = partial[k] * v;

		for (uint32_t i = 0; i < k; i++)
			sum += phi[i] * gamma[k - i];
		gamma[k + 1] = sum;
		for (uint32_t i = 0; i < k - i - 1 && i < k; i++)
		{
			double a = phi[i], b = phi[k - 1 - i];

			phi[i] = a - partial[k] * b;
			phi[k - 1 - i] = b - partial[k] * a;
		}
		if (k % 2 == 1)
			phi[k / 2] *= 1 - partial[k];
		phi[k] = partial[k];
		v *= 1 - partial[k] * partial[k];
	}
	for (uint32_t k = n + 1; k <= most; k++)
	{
		gamma[k] = 0;
		for (uint32_t i = 0; i < n; i++)
			gamma[k] += model->phi[i] * gamma[k - 1 - i];
	}
	return true;
}

/* psi weights 0 .. n - 1 of the ARMA part. */
static void
psi_weights(const ArimaModel *model, double *psi, uint32_t n)
{
	psi[0] = 1;
	for (uint32_t k = 1; k < n; k++)
	{
		psi[k] = k <= model->n_ma ? model->theta[k - 1] : 0;
		for (uint32_t i = 0; i < k && i < model->n_ar; i++)
			psi[k] += model->phi[i] * psi[k - 1 - i];
	}
}

/* Nonzero coefficients among a[0 .. n): their lags and values; how many. */
static uint32_t
nonzero(const double *a, uint32_t n, uint32_t *lag, double *value)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		if (a[i] == 0)
			continue;
		lag[k] = i + 1;
		value[k++] = a[i];
	}
	return k;
}

bool
aug_arima_first_column(const ArimaModel *model, ArimaWork *work)
{
	uint32_t r = model->r, q = model->n_ma, n_lags;
	double *gamma_u = work->gamma, *gamma = work->step, *first = work->first;
	double *product = work->moved; /* c(l) = sum theta_i theta_{i+l} */

	if (!ar_autocovariances(model, work->gain, work->step, gamma_u, r + q))
		return false;
	n_lags = nonzero(model->theta, q, work->lag, work->at_lag);
	for (uint32_t l = 0; l <= q; l++)
	{
		product[l] = l == 0 ? 1 : model->theta[l - 1];
		for (uint32_t i = 0; i < n_lags && work->lag[i] + l <= q; i++)
			product[l] += work->at_lag[i] * model->theta[work->lag[i] + l - 1];
	}
	for (uint32_t k = 0; k <= r; k++)
	{
		gamma[k] = product[0] * gamma_u[k];
		for (uint32_t l = 1; l <= q; l++)
		{
			if (product[l] != 0)
				gamma[k] += product[l] * (gamma_u[k + l] + gamma_u[k > l ? k - l : l - k]);
		}
	}
	psi_weights(model, work->psi, r + 1);
	for (uint32_t j = 0; j <= r; j++)
		first[j] = 0;
	for (uint32_t k = 0; k < r; k++)
	{
		double phi = model->phi[k], theta = k == 0 ? 1 : model->theta[k - 1];

		if (phi != 0)
		{
			for (uint32_t j = 0; j <= k; j++)
				first[j] += phi * gamma[k - j + 1];
		}
		if (theta != 0)
		{
			for (uint32_t j = 0; j <= k; j++)
				first[j] += theta * work->psi[k - j];
		}
	}
	return isfinite(first[0]) && first[0] > 0;
}

/*
 * out[t] -= sum of c[i] in[t - 1 - i], i < k, for t = from .. n - 1.  k is a constant where this is
 * inlined.  in and out may be the same: then it is the recursion, which waits for one product only.
 */
static inline __attribute__((always_inline)) void
subtract_lags(const double *in, double *out, size_t from, size_t n, const double *c, uint32_t k)
{
	for (size_t t = from; t < n; t++)
	{
		double sum = 0;

		for (uint32_t i = k; i-- > 1;)
			sum += c[i] * in[t - 1 - i];
		out[t] = (out[t] - sum) - c[0] * in[t - 1];
	}
}

static void
subtract_near(const double *in, double *out, size_t from, size_t n, const double *c, uint32_t k)
{
	switch (k)
	{
		case 0:
			return;
		case 1:
			subtract_lags(in, out, from, n, c, 1);
			return;
		case 2:
			subtract_lags(in, out, from, n, c, 2);
			return;
		case 3:
			subtract_lags(in, out, from, n, c, 3);
			return;
		case 4:
			subtract_lags(in, out, from, n, c, 4);
			return;
		case 5:
			subtract_lags(in, out, from, n, c, 5);
			return;
		case 6:
			subtract_lags(in, out, from, n, c, 6);
			return;
		case 7:
			subtract_lags(in, out, from, n, c, 7);
			return;
		default: /* NEAR */
			subtract_lags(in, out, from, n, c, NEAR);
	}
}

/* The autoregressive side: e[t] -= sum phi_i w[t-i] where the lag reaches begin or later. */
static void
subtract_autoregression(const ArimaModel *model, ArimaWork *work, const double *w, size_t n,
						size_t from, size_t begin, double *e)
{
	uint32_t near = model->n_ar < NEAR ? model->n_ar : NEAR;
	uint32_t n_lags = nonzero(model->phi, model->n_ar, work->lag, work->at_lag);
	size_t full = begin + NEAR > from ? begin + NEAR : from;

	for (size_t t = from; t < full && t < n; t++)
	{
		for (uint32_t i = 0; i < near && begin + i < t; i++)
			e[t] -= model->phi[i] * w[t - 1 - i];
	}
	subtract_near(w, e, full, n, model->phi, near);
	for (uint32_t i = 0; i < n_lags; i++)
	{
		size_t lag = work->lag[i];
		double a = work->at_lag[i];

		for (size_t t = from > begin + lag ? from : begin + lag; lag > NEAR && t < n; t++)
			e[t] -= a * w[t - lag];
	}
}

/*
 * The moving-average side, in place: e[t] -= sum theta_j e[t-j] where the lag reaches begin or
 * later.  Lags beyond NEAR reach over a block of so many values.
 */
static void
subtract_moving_average(const ArimaModel *model, ArimaWork *work, size_t n, size_t begin, double *e)
{
	uint32_t near = model->n_ma < NEAR ? model->n_ma : NEAR;
	uint32_t n_lags = nonzero(model->theta, model->n_ma, work->lag, work->at_lag), first = 0;

	while (first < n_lags && work->lag[first] <= NEAR)
		first++;
	for (size_t t = begin; t < n; t += NEAR)
	{
		size_t end = first < n_lags && t + NEAR < n ? t + NEAR : n;

		if (first == n_lags && t >= begin + NEAR)
			end = n;
		else if (t == begin)
			end = t + NEAR < n ? t + NEAR : n;
		for (uint32_t i = first; i < n_lags; i++)
		{
			size_t lag = work->lag[i];
			double a = work->at_lag[i];

			for (size_t j = t > begin + lag ? t : begin + lag; j < end; j++)
				e[j] -= a * e[j - lag];
		}
		if (t == begin)
		{
			for (size_t j = t; j < end; j++)
			{
				for (uint32_t i = 0; i < near && begin + i < j; i++)
					e[j] -= model->theta[i] * e[j - 1 - i];
			}
		}
		else
			subtract_near(e, e, t, end, model->theta, near);
		if (end == n)
			break;
	}
}

/*
 * Values from .. n - 1 of one column at rest.  state: [r] what the values before say of
 * the next r ones; NULL: the values before are used themselves, innovations before are 0.
 */
static void
whiten_at_rest(const ArimaModel *model, ArimaWork *work, const double *w, size_t n, size_t from,
			   const double *state, double *e)
{
	size_t r = model->r;

	for (size_t t = from; t < n; t++)
		e[t] = w[t];
	for (size_t t = from; state != NULL && t < n && t - from < r; t++)
		e[t] -= state[t - from];
	subtract_autoregression(model, work, w, n, from, state != NULL ? from : 0, e);
	subtract_moving_average(model, work, n, from, e);
}

/* a := T a + gain: one step of the state of one column. */
static void
move_state(double *restrict a, const double *restrict phi, const double *restrict gain, double g,
		   uint32_t r)
{
	double first = a[0];

	for (uint32_t i = 0; i < r; i++)
		a[i] = phi[i] * first + a[i + 1] + gain[i] * g;
}

/* One step of gain K and of the vector L whose square is the covariance's loss. */
static void
move_gain(double *restrict K, double *restrict L, const double *restrict phi, double l, double m,
		  double per_f, uint32_t r)
{
	for (uint32_t i = 0; i < r; i++)
	{
		double u = phi[i] * l + L[i + 1];
		double k = K[i] + m * u;

		K[i] = k;
		L[i] = u - k * per_f;
	}
}

static double
largest_square(const double *a, uint32_t n)
{
	double most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = a[i] * a[i] > most ? a[i] * a[i] : most;
	return most;
}

/*
 * The exact filter until the gain rests: returns how many values it took.
 */
static size_t
whiten_moving(const ArimaModel *model, ArimaWork *work, const double *w, size_t n, uint32_t k,
			  double *e, double *sum_log)
{
	uint32_t r = model->r;
	size_t stride = (size_t) work->room + 1, t;
	double *K = work->gain, *L = work->step;
	double F = work->first[0], M, product = 1, per_f = 1 / F;

	for (uint32_t i = 0; i < r; i++)
		L[i] = K[i] = model->phi[i] * F + work->first[i + 1];
	K[r] = L[r] = 0;
	M = -per_f;
	memset(work->state, 0, k * stride * sizeof(double));
	for (t = 0; t < n; t++)
	{
		double per_root = sqrt(per_f), l = L[0], loss = M * l * l;
		double M_before = M;

		for (uint32_t c = 0; c < k; c++)
		{
			double *a = work->state + c * stride;
			double v = w[c * n + t] - a[0];

			e[c * n + t] = v * per_root;
			move_state(a, model->phi, K, v * per_f, r);
		}
		product *= F;
		if (product > LARGE)
		{
			*sum_log += log(product);
			product = 1;
		}
		F = fmax(F + loss, 1); /* never below the innovations' own */
		M *= 1 + loss * per_f;
		per_f = 1 / F;
		move_gain(K, L, model->phi, l, M_before * l, l * per_f, r);
		if (t % LOOK_EVERY == 0 && largest_square(L, r) * -M < AT_REST)
		{
			t++;
			break;
		}
	}
	*sum_log += log(product);
	return t;
}

bool
aug_arima_whiten(const ArimaModel *model, ArimaWork *work, const double *w, size_t n, uint32_t k,
				 bool conditional, double *e, double *sum_log, size_t *n_used)
{
	size_t from, stride = (size_t) work->room + 1;

	*sum_log = 0;
	*n_used = n;
	if (conditional)
	{
		from = model->n_ar < n ? model->n_ar : n;
		*n_used = n - from;
		for (uint32_t c = 0; c < k; c++)
		{
			memset(e + c * n, 0, from * sizeof(double));
			whiten_at_rest(model, work, w + c * n, n, from, NULL, e + c * n);
		}
		return true;
	}
	if (!aug_arima_first_column(model, work))
		return false;
	from = whiten_moving(model, work, w, n, k, e, sum_log);
	for (uint32_t c = 0; c < k && from < n; c++)
		whiten_at_rest(model, work, w + c * n, n, from, work->state + c * stride, e + c * n);
	return true;
}
