/*-------------------------------------------------------------------------
 *
 * ets.h
 *		What the files of exponential smoothing in state space share.
 *
 *	ets_eval.c		a series through the recursion: likelihood and its gradient
 *	ets_search.c	minimisation within bounds
 *	ets_fit.c		start values, estimation of one form, choice among forms
 *	aug_ets_variance.c	variances of forecasts
 *	ets.c			the method "ets"
 *	ets_average.c	the method "ets_average"
 *
 * Hyndman, Koehler, Ord, Snyder 2008: Forecasting with Exponential Smoothing, the State
 * Space Approach, Springer ("the book").
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ETS_H
#define AUG_ETS_H

#include "season.h"

typedef enum EtsKind
{
	ETS_NONE = 0,
	ETS_ADDITIVE = 1,
	ETS_MULTIPLICATIVE = 2
} EtsKind;

typedef struct EtsForm
{
	EtsKind error; /* additive or multiplicative */
	EtsKind trend;
	bool damped;
	EtsKind season;
	uint32_t m; /* 1 without a season */
} EtsForm;

/*
 * What is estimated, as one array: alpha, beta / alpha, gamma / (1 - alpha), phi, level,
 * trend, m seasons of which the last follows from the others.  Those that a form lacks
 * have no place.  n_smooth come first and have bounds.
 */
typedef struct EtsLayout
{
	uint32_t n; /* of free parameters */
	uint32_t n_smooth;
	int alpha, beta, gamma, phi, level, trend, season; /* places, -1: none */
	double most_gamma;								   /* upper bound of gamma / (1 - alpha) */
} EtsLayout;

/* A series at work; y scaled so that its size is about 1, NaN missing. */
typedef struct EtsSeries
{
	size_t n;
	const double *y;
	double n_observed;
	double floor; /* added to the sum of squares, so that a perfect fit has a logarithm */
	/* of the last forward pass, [n] each: state before the step, point, forecast */
	double *level, *trend, *season, *point, *forecast;
	/* after the last step */
	double end_level, end_trend;
	double *ring;	 /* [m] season of the next m steps, in order */
	double *adjoint; /* [m] */
	double squares;	 /* sum of squared (relative) errors */
} EtsSeries;

/* A fitted form. */
typedef struct EtsFit
{
	EtsForm form;
	EtsLayout at;
	double *x;	   /* [at.n] */
	double minus2; /* -2 log likelihood of the scaled series, without constants */
	double aicc;
} EtsFit;

/* ---- ets_eval.c ------------------------------------------------------------- */

extern void aug_ets_layout(const EtsForm *form, EtsLayout *at);
/* -2 log likelihood (the book, eq. 5.3, over sigma); +Inf where it does not exist. */
extern double
aug_ets_forward(EtsSeries *s, const EtsForm *form, const EtsLayout *at, const double *x);
/* Its gradient at the x of the last forward pass; g [at.n]. */
extern void aug_ets_backward(EtsSeries *s, const EtsForm *form, const EtsLayout *at,
							 const double *x, double *g);
/* Season number k of m, the last one from the others. */
extern double
aug_ets_season_at(const EtsForm *form, const EtsLayout *at, const double *x, uint32_t k);
/* The parameters as the book has them. */
extern double aug_ets_alpha(const EtsLayout *at, const double *x);
extern double aug_ets_beta(const EtsLayout *at, const double *x);
extern double aug_ets_gamma(const EtsLayout *at, const double *x);
extern double aug_ets_phi(const EtsLayout *at, const double *x);

/* ---- ets_search.c ------------------------------------------------------------- */

#define ETS_SEARCH_ROWS 8

/* Work space for n parameters: the inverse Hessian and vectors. */
typedef struct EtsSearch
{
	uint32_t room;
	double *inverse; /* [room][room] */
	double *vector;	 /* [ETS_SEARCH_ROWS][room] */
} EtsSearch;

extern AugStatus aug_ets_search_init(AugCast *cast, uint32_t room, EtsSearch *search);
/* Goes down from fit->x within the bounds; scale [n]: size of a first step. */
extern AugStatus
aug_ets_search_run(AugCast *cast, EtsSearch *search, EtsSeries *s, const double *scale,
				   double tolerance, uint32_t most, EtsFit *fit);
/* Bounds of the smoothing parameter in place i. */
extern void aug_ets_bounds(const EtsLayout *at, uint32_t i, double *lo, double *hi);

/* ---- ets_fit.c ------------------------------------------------------------------ */

/* Whether y is forecast from its discounted past (the book, ch. 10): admissible. */
extern bool aug_ets_admissible(const EtsForm *form, const EtsLayout *at, const double *x);
/* What the options and the data leave of the forms; estimates the best by AICc. */
extern AugStatus aug_ets_choose(AugCast *cast, EtsSeries *s, const uint32_t *period,
								uint32_t n_periods, EtsFit *best);
/*
 * Those of the forms without a trend or with a damped one whose AICc is at most "behind"
 * that of the best, best first and at most room; roughly estimated.
 */
extern AugStatus
aug_ets_near(AugCast *cast, EtsSeries *s, const uint32_t *period, uint32_t n_periods, double behind,
			 EtsFit *near, uint32_t room, uint32_t *n_near);
/* Estimates one form. */
extern AugStatus aug_ets_estimate(AugCast *cast, EtsSeries *s, const EtsForm *form, EtsFit *fit);
extern AugStatus aug_ets_series_init(AugCast *cast, size_t n, uint32_t m, EtsSeries *s);
extern double aug_ets_aicc(double minus2, double n, uint32_t n_free);

/* ---- aug_ets_variance.c ---------------------------------------------------------------- */

/*
 * Variances of the errors of steps 1 .. horizon; mean [horizon] are the point
 * forecasts; sigma2 that of one (relative) error.  s stands after the last forward pass.
 */
extern AugStatus
aug_ets_variance(AugCast *cast, const EtsSeries *s, const EtsFit *fit, double sigma2,
				 const double *mean, uint32_t horizon, double *variance);
/* Point forecasts: the recursion without errors. */
extern void aug_ets_point(const EtsSeries *s, const EtsFit *fit, uint32_t horizon, double *mean);

/* ---- ets.c ---------------------------------------------------------------------------- */

/* The forms of aug_ets_near for a series as the method "ets" takes them, and their AICc. */
extern AugStatus aug_ets_near_forms(AugCast *cast, const AugSeries *s, double behind,
									AugForm *forms, double *aicc, uint32_t room, uint32_t *n);

#endif /* AUG_ETS_H */
