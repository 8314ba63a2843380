/*-------------------------------------------------------------------------
 *
 * arima_kalman.c
 *		The Kalman filter of an ARIMA model in levels: values may be missing, the lags
 *		of the differences are states of which nothing is known at first.
 *
 * Harvey: Forecasting, Structural Time Series Models and the Kalman Filter (1989), 3.2
 * (filter), 4.1 (ARIMA in levels); the stationary covariance after Gardner, Harvey,
 * Phillips (AS 154), Applied Statistics 29 (1980) 311-322, here by diagonals from its
 * first column.  The transition is a companion matrix with few more entries, so a step
 * costs the square of the states.  When the gain has not changed for as many steps as
 * there are states the matrices rest until the next missing value.
 *
 * States: r of the ARMA part, then the last n_delta values of the series.
 *
 * Memory: the work space with matrices.  Interrupts: polls by work done.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

#define AT_REST 1e-13
/* A covariance below this adds nothing to forecasts. */
#define NEGLIGIBLE 1e-9
/* Multiplications between two polls. */
#define POLL_AFTER 2000000

/* b := T a; a and b are different. */
static void
move(const ArimaModel *model, const double *a, double *b)
{
	uint32_t r = model->r;

	for (uint32_t i = 0; i + 1 < r; i++)
		b[i] = model->phi[i] * a[0] + a[i + 1];
	b[r - 1] = model->phi[r - 1] * a[0];
	if (model->n_delta == 0)
		return;
	b[r] = a[0];
	for (uint32_t i = 0; i < model->n_delta; i++)
		b[r] += model->delta[i] * a[r + i];
	for (uint32_t i = 1; i < model->n_delta; i++)
		b[r + i] = a[r + i - 1];
}

/* P := T P T' + R R' */
static void
move_covariance(const ArimaModel *model, ArimaWork *work, uint32_t n)
{
	uint32_t r = model->r;
	double *P = work->P, *B = work->B;

	/* rows of B = P T' */
	for (uint32_t i = 0; i < n; i++)
		move(model, P + (size_t) i * n, B + (size_t) i * n);
	for (uint32_t i = 0; i < r; i++)
	{
		double phi = model->phi[i], *to = P + (size_t) i * n;
		const double *next = B + (size_t) (i + 1) * n;
		double own = i == 0 ? 1 : model->theta[i - 1];

		if (i + 1 < r)
			memcpy(to, next, n * sizeof(double));
		else
			memset(to, 0, n * sizeof(double));
		for (uint32_t j = 0; phi != 0 && j < n; j++)
			to[j] += phi * B[j];
		to[0] += own;
		for (uint32_t j = 1; own != 0 && j < r; j++)
			to[j] += own * model->theta[j - 1];
	}
	if (model->n_delta == 0)
		return;
	memcpy(P + (size_t) r * n, B, n * sizeof(double));
	for (uint32_t k = 0; k < model->n_delta; k++)
	{
		for (uint32_t j = 0; model->delta[k] != 0 && j < n; j++)
			P[(size_t) r * n + j] += model->delta[k] * B[(size_t) (r + k) * n + j];
	}
	memcpy(P + (size_t) (r + 1) * n, B + (size_t) r * n,
		   (size_t) (model->n_delta - 1) * n * sizeof(double));
}

/*
 * The covariance before the first value.  Entry (i, j) of the stationary part follows
 * from (i + 1, j + 1) and the first column, so it is filled from the far corner.
 */
static bool
first_covariance(const ArimaModel *model, ArimaWork *work, uint32_t n)
{
	uint32_t r = model->r;
	const double *c = work->first;
	double *P = work->P;

	if (!aug_arima_first_column(model, work))
		return false;
	memset(P, 0, (size_t) n * n * sizeof(double));
	for (uint32_t i = r; i-- > 0;)
	{
		double theta_i = i == 0 ? 1 : model->theta[i - 1];

		for (uint32_t j = r; j-- > 0;)
		{
			double theta_j = j == 0 ? 1 : model->theta[j - 1];
			double next = i + 1 < r && j + 1 < r ? P[(size_t) (i + 1) * n + j + 1] : 0;

			/* c[r] is 0 */
			P[(size_t) i * n + j] = model->phi[i] * model->phi[j] * c[0] +
									model->phi[i] * c[j + 1] + model->phi[j] * c[i + 1] + next +
									theta_i * theta_j;
		}
	}
	for (uint32_t i = r; i < n; i++)
		P[(size_t) i * n + i] = ARIMA_DIFFUSE;
	return true;
}

/* gain := P Z', returns Z P Z' */
static double
innovation(const ArimaModel *model, const double *P, double *gain, uint32_t n)
{
	uint32_t r = model->r;
	double F;

	memcpy(gain, P, n * sizeof(double));
	for (uint32_t k = 0; k < model->n_delta; k++)
	{
		const double *row = P + (size_t) (r + k) * n;

		for (uint32_t i = 0; model->delta[k] != 0 && i < n; i++)
			gain[i] += model->delta[k] * row[i];
	}
	F = gain[0];
	for (uint32_t k = 0; k < model->n_delta; k++)
		F += model->delta[k] * gain[r + k];
	return F;
}

static double
observe(const ArimaModel *model, const double *a)
{
	double y = a[0];

	for (uint32_t k = 0; k < model->n_delta; k++)
		y += model->delta[k] * a[model->r + k];
	return y;
}

static void
learn_covariance(double *P, const double *gain, double F, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
	{
		double g = gain[i] / F;

		for (uint32_t j = 0; j < n; j++)
			P[(size_t) i * n + j] -= g * gain[j];
	}
}

/* How the filter goes on: the covariance's part of a step. */
typedef struct Walk
{
	uint32_t n;		/* states */
	uint32_t still; /* steps for which the gain has not changed */
	bool rests;
	double F;
} Walk;

static void
step_covariance(const ArimaModel *model, ArimaWork *work, Walk *walk, bool first, bool missing)
{
	uint32_t n = walk->n;
	double change = 0;

	if (walk->rests && !missing)
		return;
	if (!first)
		move_covariance(model, work, n);
	walk->rests = false;
	walk->F = innovation(model, work->P, work->gain, n);
	if (missing)
	{
		walk->still = 0;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		change = fmax(change, fabs(work->gain[i] - work->last[i]) / (1 + fabs(work->gain[i])));
		work->last[i] = work->gain[i];
	}
	walk->still = change <= AT_REST ? walk->still + 1 : 0;
	learn_covariance(work->P, work->gain, walk->F, n);
	walk->rests = walk->still > n;
}

AugStatus
aug_arima_filter(AugCast *cast, const ArimaModel *model, ArimaWork *work, const double *y, size_t n,
				 uint32_t k, double *e, double *variance, double *sum_log, size_t *n_used)
{
	Walk walk = {.n = model->r + model->n_delta};
	size_t stride = (size_t) work->room + 1, done = 0;

	*sum_log = 0;
	*n_used = 0;
	if (!first_covariance(model, work, walk.n))
		return aug_fail(cast->err, AUG_NUMERIC, "is not stationary");
	memset(work->state, 0, k * stride * sizeof(double));
	memset(work->last, 0, walk.n * sizeof(double));
	for (size_t t = 0; t < n; t++)
	{
		bool missing = isnan(y[t]), counts;

		step_covariance(model, work, &walk, t == 0, missing);
		if (variance != NULL)
			variance[t] = walk.F;
		counts = !missing && walk.F < ARIMA_UNCOUNTED;
		if (counts)
		{
			*sum_log += log(walk.F);
			(*n_used)++;
		}
		for (uint32_t c = 0; c < k; c++)
		{
			double *a = work->state + c * stride, v;

			if (t > 0)
			{
				move(model, a, work->moved);
				memcpy(a, work->moved, walk.n * sizeof(double));
			}
			e[c * n + t] = 0;
			if (missing)
				continue;
			v = y[c * n + t] - observe(model, a);
			if (counts)
				e[c * n + t] = v / sqrt(walk.F);
			for (uint32_t i = 0; i < walk.n; i++)
				a[i] += work->gain[i] * (v / walk.F);
		}
		done += walk.rests ? walk.n : 4 * (size_t) walk.n * walk.n;
		if (done > POLL_AFTER)
		{
			done = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
	}
	return AUG_OK;
}

/* z := T' z, in place: what a step does to the weights of the states in a forecast. */
static void
move_weights(const ArimaModel *model, double *z)
{
	uint32_t r = model->r, d = model->n_delta;
	double first = 0, level = d > 0 ? z[r] : 0;

	for (uint32_t i = 0; i < r; i++)
		first += model->phi[i] * z[i];
	for (uint32_t i = r; i-- > 1;)
		z[i] = z[i - 1];
	z[0] = first + level;
	for (uint32_t i = 0; i < d; i++)
		z[r + i] = level * model->delta[i] + (i + 1 < d ? z[r + i + 1] : 0);
}

static double
quadratic(const double *P, const double *z, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		double row = 0;

		for (uint32_t j = 0; j < n; j++)
			row += P[(size_t) i * n + j] * z[j];
		sum += row * z[i];
	}
	return fmax(sum, 0);
}

AugStatus
aug_arima_ahead(AugCast *cast, const ArimaModel *model, const ArimaWork *work, const double *state,
				const double *P, uint32_t horizon, double *mean, double *variance)
{
	uint32_t n = model->r + model->n_delta;
	double *z = work->moved, own = 0, largest = 0;
	size_t done = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, P[i * n + i]);
	memset(z, 0, n * sizeof(double));
	z[0] = 1;
	for (uint32_t k = 0; k < model->n_delta; k++)
		z[model->r + k] = model->delta[k];
	for (uint32_t h = 0; h < horizon; h++)
	{
		double psi = z[0];

		/* z holds Z T^h: applied to R it is the weight of the innovation h steps back */
		for (uint32_t i = 1; i < model->r; i++)
			psi += z[i] * model->theta[i - 1];
		own += psi * psi;
		move_weights(model, z);
		mean[h] = 0;
		for (uint32_t i = 0; i < n; i++)
			mean[h] += z[i] * state[i];
		variance[h] = own + (largest > NEGLIGIBLE ? quadratic(P, z, n) : 0);
		done += largest > NEGLIGIBLE ? (size_t) n * n : n;
		if (done > POLL_AFTER)
		{
			done = 0;
			if (aug_cast_stop(cast))
				return AUG_CANCELLED;
		}
	}
	return AUG_OK;
}
