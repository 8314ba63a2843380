/*-------------------------------------------------------------------------
 *
 * arima.h
 *		What the ARIMA files share: orders, the polynomials of a model, the prepared
 *		series, the two likelihoods, the fit of one model and the search over many.
 *
 * The model of (p,d,q)(P,D,Q)[m]: with w_t = (1 - B)^d (1 - B^m)^D (y_t - x_t' beta),
 *		w_t = sum phi_i w_{t-i} + e_t + sum theta_j e_{t-j}
 * phi and theta being the products of the non-seasonal and the seasonal polynomial.
 * Box, Jenkins, Reinsel, Ljung: Time Series Analysis, 5th edition, chapters 4, 9.
 *
 * Units: a prepared series is centred and scaled, so that all work is of size one.
 * Memory: one work space, taken once for the largest model, serves all candidates.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ARIMA_H
#define AUG_ARIMA_H

#include "forecast.h"

#define ARIMA_MAX_ORDER	   10 /* p and q */
#define ARIMA_MAX_SEASONAL 3  /* P and Q */
#define ARIMA_MAX_D		   2
#define ARIMA_MAX_COEF	   (2 * (ARIMA_MAX_ORDER + ARIMA_MAX_SEASONAL))
/* States of the filter at most, lags of the differences included: its matrices have the square. */
#define ARIMA_MAX_STATE 350

/* Orders; m is 1 without a season, and then P, D and Q are 0. */
typedef struct ArimaSpec
{
	uint32_t p, d, q;
	uint32_t sp, sd, sq;
	uint32_t m;
	bool constant; /* a mean, or with d + D = 1 a drift */
} ArimaSpec;

/*
 * A model with its polynomials multiplied out.  Arrays have room for r + 1 numbers.
 *	phi, theta	[i] coefficient of lag i + 1, 0 beyond n_ar and n_ma
 *	delta		y_t = sum delta[i] y_{t-1-i} + w_t
 */
typedef struct ArimaModel
{
	uint32_t r; /* states of the ARMA part: max(n_ar, n_ma + 1) */
	uint32_t n_ar, n_ma, n_delta;
	double *phi, *theta, *delta;
} ArimaModel;

/* Work space of the filters; sizes from aug_arima_work_init. */
typedef struct ArimaWork
{
	uint32_t room;		  /* of r + n_delta */
	uint32_t room_column; /* of columns */
	double *gamma;		  /* [2 * room + 2] autocovariances */
	double *psi;		  /* [room + 1] */
	double *first;		  /* [room + 1] first column of the state's covariance */
	double *gain, *step;  /* [room + 1] */
	double *last;		  /* [room + 1] gain of the step before, for the test of rest */
	double *state;		  /* [room_column][room + 1] */
	double *moved;		  /* [room + 1] */
	double *P, *B;		  /* [room][room], only with matrices */
	uint32_t *lag;		  /* [room + 1] */
	double *at_lag;		  /* [room + 1] */
} ArimaWork;

/* ---- arima_model.c ------------------------------------------------------- */

extern uint32_t aug_arima_n_coef(const ArimaSpec *spec);
/* States of the whole filter: ARMA part and lags of the differences. */
extern uint32_t aug_arima_n_states(const ArimaSpec *spec);
/* Coefficients in the order AR, MA, seasonal AR, seasonal MA, multiplied out into model,
 * whose arrays have room; sets all of it. */
extern void aug_arima_expand(const ArimaSpec *spec, const double *coef, ArimaModel *model);
/* Any real numbers to coefficients of a stationary and invertible model, and back;
 * what is outside comes back as the nearest inside. */
extern void aug_arima_constrain(const ArimaSpec *spec, const double *free, double *coef);
extern void aug_arima_release(const ArimaSpec *spec, const double *coef, double *free);
/* All roots of 1 - sum a_i z^i lie outside the circle of this radius. */
extern bool aug_arima_roots_outside(const double *a, uint32_t n, double radius);
/* All roots of the four polynomials, counted in lags of one, lie outside the radius. */
extern bool aug_arima_admissible(const ArimaSpec *spec, const double *coef, double radius);
extern AugStatus aug_arima_model_init(AugCast *cast, uint32_t room, ArimaModel *model);
extern AugStatus
aug_arima_work_init(AugCast *cast, uint32_t room, uint32_t columns, bool matrices, ArimaWork *work);

/* ---- arima_exact.c: no missing values, already differenced ----------------- */

/* Covariance of the stationary state with its first element, per unit of the innovations'
 * variance, into work->first[0 .. r]; false when the AR part is not stationary. */
extern bool aug_arima_first_column(const ArimaModel *model, ArimaWork *work);

/*
 * Filters k columns of n values by the ARMA part.  e: [k][n] innovations divided by their
 * standard deviation in units of sigma.  Exact, or conditional on the first n_ar values
 * and on innovations of 0 before (*n_used is n less those).  sum_log: sum of the log of
 * the variances.  False when the AR part is not stationary.
 */
extern bool
aug_arima_whiten(const ArimaModel *model, ArimaWork *work, const double *w, size_t n, uint32_t k,
				 bool conditional, double *e, double *sum_log, size_t *n_used);

/* ---- arima_kalman.c: any values, in levels ---------------------------------- */

/* Variance of the states that hold the first values, in units of sigma2: so large that
 * nothing is known of them; an innovation of a variance above the second number is not
 * counted.  Those of R's arima. */
#define ARIMA_DIFFUSE	1e6
#define ARIMA_UNCOUNTED 1e4

/*
 * Filters k columns of n values, NaN in the first column being missing.  e as above,
 * 0 where nothing is counted; variance: [n] or NULL, that of the one-step-ahead error in
 * units of sigma2.  Afterwards work->state and work->P are the filtered ones.
 * AUG_NUMERIC when not stationary; polls.
 */
extern AugStatus
aug_arima_filter(AugCast *cast, const ArimaModel *model, ArimaWork *work, const double *y, size_t n,
				 uint32_t k, double *e, double *variance, double *sum_log, size_t *n_used);

/* Forecasts and their variances per unit of sigma2 after aug_arima_filter of one column. */
extern AugStatus
aug_arima_ahead(AugCast *cast, const ArimaModel *model, const ArimaWork *work, const double *state,
				const double *P, uint32_t horizon, double *mean, double *variance);

/* ---- arima_data.c: the prepared series --------------------------------------- */

/*
 * The series in the units of the work, and its regressors.  Column 0 is y, centred and
 * scaled; column j the j-th base column: regressors (the constant first) combined so that
 * their differences are orthonormal; x beta = base gamma, beta = unscaled combine gamma.
 */
typedef struct ArimaData
{
	const AugSeries *series;
	uint32_t d, sd, m;
	bool constant;
	size_t n, n_observed;
	bool missing;
	double centre, scale;
	uint32_t n_column; /* regressors, the constant included */
	uint32_t n_base;   /* of them independent */
	double *combine;   /* [n_column][n_base] */
	uint32_t n_delta;  /* lags of the differences */
	size_t n_w;		   /* values of a column of w */
	double *w;		   /* [1 + n_base][n_w] differenced, or in levels when missing */
	double *e;		   /* [1 + n_base][n_w] */
	uint32_t dropped;  /* first regressor that depends on others (1-based), 0: none */
	double spread;	   /* root mean square of the differenced y, in scaled units */
} ArimaData;

/* Prepares for differencing d, D; AUG_NUMERIC when values overflow. */
extern AugStatus aug_arima_data_init(AugCast *cast, const AugSeries *s, uint32_t d, uint32_t sd,
									 uint32_t m, bool constant, ArimaData *data);
/* Value t >= 0 of regressor column j (constant first): works beyond the series. */
extern double aug_arima_regressor(const ArimaData *data, uint32_t j, size_t t);
/* y without its regression on x and constant, gaps filled: what the tests of unit roots see. */
extern AugStatus aug_arima_residual(AugCast *cast, const AugSeries *s, double *out);
/* out[t] = y[t] - y[t - lag] for t = lag .. n - 1, in place, n - lag values */
extern size_t aug_arima_difference(double *y, size_t n, uint32_t lag);

/* ---- aug_arima_climb.c: least squares ------------------------------------------------ */

/* A search: fill in all but the room, which aug_arima_climb_init takes. */
typedef struct ArimaClimb
{
	/* The value to minimise, HUGE_VAL or NaN where not allowed; the residuals, of whose
	 * sum of squares it is a monotone function */
	double (*f)(void *arg, const double *x, double *residual);
	/* fills jacobian at x, where f was called last; NULL: by differences of f */
	void (*slopes)(void *arg, const double *x, double *jacobian);
	void *arg;
	uint32_t n;		  /* <= ARIMA_MAX_COEF, and what the room was taken for */
	double tolerance; /* stops when a step gains less, absolute */
	size_t n_residuals;
	double *residual, *trial; /* [n_residuals] */
	double *jacobian;		  /* [n][n_residuals] */
} ArimaClimb;

extern AugStatus
aug_arima_climb_init(AugCast *cast, uint32_t n, size_t n_residuals, ArimaClimb *climb);
/* Minimises from x; on return the best point and its value.  AUG_CANCELLED only. */
extern AugStatus aug_arima_climb(AugCast *cast, const ArimaClimb *climb, double *x, double *value);
/* Product of two columns, in an order of its own. */
extern double aug_arima_dot(const double *a, const double *b, size_t n);

/* ---- arima_fit.c: one model ---------------------------------------------------- */

typedef struct ArimaFit
{
	ArimaSpec spec;
	double coef[ARIMA_MAX_COEF];
	uint32_t n_parameters; /* with regressors and the variance */
	size_t n_used;
	double log_likelihood; /* in units of the series */
	double aicc;
	double sigma2; /* scaled units, maximum likelihood */
} ArimaFit;

typedef struct ArimaFitter
{
	AugCast *cast;
	ArimaData *data;
	ArimaWork *work;
	ArimaModel *model;
	const ArimaSpec *spec;
	bool conditional;
	double *gamma;					  /* [n_base] coefficients of the base columns */
	double *gram;					  /* [n_base + 1][n_base + 1] */
	double *rest, *rest_ar, *rest_ma; /* [n_w] work of aug_arima_slopes */
	double *phi, *theta;			  /* [room + 1] likewise */
	ArimaClimb climb;
	double sum_square, sum_log;
	size_t n_used;
	AugStatus status;
} ArimaFitter;

/* For models of up to n_coef coefficients. */
extern AugStatus aug_arima_fitter_init(AugCast *cast, ArimaData *data, ArimaWork *work,
									   ArimaModel *model, uint32_t n_coef, ArimaFitter *fitter);
/* Minus the log likelihood without constants, gamma concentrated out; HUGE_VAL outside.
 * residual: [n_w] those whose sum of squares has the same minimum, or NULL. */
extern double aug_arima_objective(ArimaFitter *fitter, const ArimaSpec *spec, const double *coef,
								  double *residual);
/*
 * Estimates by maximum likelihood, or (conditional, to rank) by sums of squares alone.
 * near: a fit of a model near this one to begin from, or NULL.  tight: to the end, else
 * well enough to rank.  *ok is false when it did not lead anywhere.  AUG_CANCELLED only.
 */
extern AugStatus
aug_arima_estimate(ArimaFitter *fitter, const ArimaSpec *spec, const ArimaFit *near,
				   bool conditional, bool tight, ArimaFit *fit, bool *ok);

/* ---- arima_slopes.c ----------------------------------------------------------- */

extern AugStatus aug_arima_slopes_init(AugCast *cast, ArimaFitter *fitter);
/* ArimaClimb.slopes of a fitter without missing values and with one base column at most. */
extern void aug_arima_slopes(void *fitter, const double *x, double *jacobian);

/* ---- arima_auto.c: the search ----------------------------------------------------- */

/* What the caller fixed: -1 is free. */
typedef struct ArimaWish
{
	int p, d, q, sp, sd, sq, constant;
	uint32_t m; /* 1: no season */
} ArimaWish;

/* Fills in d and D where they are free.  *flat: what is left after them is one value. */
extern AugStatus
aug_arima_differences(AugCast *cast, const AugSeries *s, ArimaWish *wish, bool *flat);

/* fitter: without and with a constant; the second NULL when none is allowed, the first
 * when one is demanded. */
typedef struct ArimaSearch
{
	AugCast *cast;
	const ArimaWish *wish; /* with d and D */
	ArimaFitter *fitter[2];
	size_t n; /* observed values */
} ArimaSearch;

/* States and coefficients of the largest model that the search may come to. */
extern uint32_t aug_arima_search_states(const ArimaWish *wish, size_t n, uint32_t *n_coef);
/* The best model; *ok is false when none could be fitted. */
extern AugStatus aug_arima_search(const ArimaSearch *search, ArimaFit *best, bool *ok);

/* ---- unitroot.c ---------------------------------------------------------------------- */

/* KPSS statistic for level stationarity; lag < 0: trunc(3 sqrt(n) / 13).  NaN when flat. */
extern double aug_kpss(const double *y, size_t n, int lag);
#define AUG_KPSS_CRITICAL_5 0.463

#endif /* AUG_ARIMA_H */
