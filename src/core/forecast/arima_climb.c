/*-------------------------------------------------------------------------
 *
 * aug_arima_climb.c
 *		Maximises a concentrated Gaussian likelihood by Levenberg's and Marquardt's method.
 *
 * With v_t the innovations and F_t their variances in units of sigma2, the likelihood is
 * a monotone function of the sum of squares of v_t / sqrt(F_t) times the geometric mean
 * of sqrt(F): a problem of least squares, of which the differences that a gradient
 * costs give the Hessian too.  Marquardt: An algorithm for least-squares estimation of
 * nonlinear parameters, J. SIAM 11 (1963) 431-441; Nocedal, Wright: Numerical
 * Optimization, 2nd edition, 10.3.  No step moves a parameter by more than a bound, since
 * likelihoods in transformed parameters are flat far out.
 *
 * Memory: the room, taken once.  Interrupts: a poll per iteration.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "arima.h"

#define DIFFERENCE	  1e-6 /* of the derivatives: near the root of the rounding error */
#define MOST_MOVE	  1.5  /* of one parameter in a step */
#define FIRST_DAMPING 1e-3
#define LEAST_DAMPING 1e-8
#define MOST_TRIES	  9
#define MOST_STEPS	  60

typedef struct Climb
{
	const ArimaClimb *s;
	double x[ARIMA_MAX_COEF], to[ARIMA_MAX_COEF], way[ARIMA_MAX_COEF];
	double g[ARIMA_MAX_COEF]; /* J'r */
	double hessian[ARIMA_MAX_COEF][ARIMA_MAX_COEF];
	double factor[ARIMA_MAX_COEF][ARIMA_MAX_COEF];
	double value, damping;
} Climb;

double
aug_arima_dot(const double *a, const double *b, size_t n)
{
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t t = 0;

	for (; t + 4 <= n; t += 4)
	{
		s0 += a[t] * b[t];
		s1 += a[t + 1] * b[t + 1];
		s2 += a[t + 2] * b[t + 2];
		s3 += a[t + 3] * b[t + 3];
	}
	for (; t < n; t++)
		s0 += a[t] * b[t];
	return (s0 + s1) + (s2 + s3);
}

AugStatus
aug_arima_climb_init(AugCast *cast, uint32_t n, size_t n_residuals, ArimaClimb *climb)
{
	memset(climb, 0, sizeof(*climb));
	climb->n_residuals = n_residuals;
	climb->residual = aug_cast_doubles(cast, n_residuals);
	climb->trial = aug_cast_doubles(cast, n_residuals);
	climb->jacobian = aug_cast_doubles(cast, n * n_residuals);
	return climb->residual == NULL || climb->trial == NULL || climb->jacobian == NULL ? AUG_NOMEM
																					  : AUG_OK;
}

static double
value_at(const ArimaClimb *s, const double *x, double *residual)
{
	double v = s->f(s->arg, x, residual);

	return isnan(v) ? HUGE_VAL : v;
}

/* Derivatives of the residuals, and from them gradient and Hessian. */
static void
differentiate(Climb *c)
{
	const ArimaClimb *s = c->s;
	size_t n = s->n_residuals;

	if (s->slopes != NULL)
		s->slopes(s->arg, c->x, s->jacobian);
	for (uint32_t i = 0; i < s->n && s->slopes == NULL; i++)
	{
		double old = c->x[i], h = DIFFERENCE, *column = s->jacobian + i * n;

		c->x[i] = old + h;
		if (value_at(s, c->x, column) == HUGE_VAL)
		{
			h = -h;
			c->x[i] = old + h;
			if (value_at(s, c->x, column) == HUGE_VAL)
				memcpy(column, s->residual, n * sizeof(double));
		}
		c->x[i] = old;
		for (size_t t = 0; t < n; t++)
			column[t] = (column[t] - s->residual[t]) / h;
	}
	for (uint32_t i = 0; i < s->n; i++)
	{
		const double *column = s->jacobian + i * n;

		c->g[i] = aug_arima_dot(column, s->residual, n);
		for (uint32_t j = 0; j <= i; j++)
			c->hessian[i][j] = c->hessian[j][i] = aug_arima_dot(column, s->jacobian + j * n, n);
	}
}

/* Solves (H + damping diag H) way = -g by Cholesky; false when it is not definite. */
static bool
damped_way(Climb *c)
{
	uint32_t n = c->s->n;
	double longest = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		for (uint32_t j = 0; j <= i; j++)
		{
			double sum = c->hessian[i][j];

			if (i == j)
				sum += c->damping * sum;
			for (uint32_t l = 0; l < j; l++)
				sum -= c->factor[i][l] * c->factor[j][l];
			if (i > j)
				c->factor[i][j] = sum / c->factor[j][j];
			else if (sum > 1e-14 * c->hessian[i][i])
				c->factor[i][i] = sqrt(sum);
			else
				return false;
		}
		c->way[i] = -c->g[i];
		for (uint32_t l = 0; l < i; l++)
			c->way[i] -= c->factor[i][l] * c->way[l];
		c->way[i] /= c->factor[i][i];
	}
	for (uint32_t i = n; i-- > 0;)
	{
		for (uint32_t l = i + 1; l < n; l++)
			c->way[i] -= c->factor[l][i] * c->way[l];
		c->way[i] /= c->factor[i][i];
		longest = fmax(longest, fabs(c->way[i]));
	}
	for (uint32_t i = 0; longest > MOST_MOVE && i < n; i++)
		c->way[i] *= MOST_MOVE / longest;
	return isfinite(longest);
}

/* A step to somewhere better; what it gained, 0 when there is none. */
static double
step(Climb *c)
{
	ArimaClimb s = *c->s;

	for (int k = 0; k < MOST_TRIES; k++)
	{
		double value;

		if (damped_way(c))
		{
			for (uint32_t i = 0; i < s.n; i++)
				c->to[i] = c->x[i] + c->way[i];
			value = value_at(&s, c->to, s.trial);
			if (value < c->value)
			{
				double gain = c->value - value;

				c->value = value;
				memcpy(c->x, c->to, sizeof(c->x));
				memcpy(s.residual, s.trial, s.n_residuals * sizeof(double));
				c->damping = fmax(c->damping * 0.1, LEAST_DAMPING);
				return gain;
			}
		}
		c->damping = fmax(c->damping, LEAST_DAMPING) * 8;
	}
	return 0;
}

AugStatus
aug_arima_climb(AugCast *cast, const ArimaClimb *climb, double *x, double *value)
{
	Climb c;

	memset(&c, 0, sizeof(c));
	c.s = climb;
	c.damping = FIRST_DAMPING;
	memcpy(c.x, x, climb->n * sizeof(double));
	c.value = *value = value_at(climb, c.x, climb->residual);
	if (climb->n == 0 || !isfinite(c.value))
		return AUG_OK;
	for (int k = 0; k < MOST_STEPS; k++)
	{
		if (aug_cast_stop(cast))
			return AUG_CANCELLED;
		differentiate(&c);
		if (step(&c) < climb->tolerance)
			break;
	}
	memcpy(x, c.x, climb->n * sizeof(double));
	*value = c.value;
	return AUG_OK;
}
