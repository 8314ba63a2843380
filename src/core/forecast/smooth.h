/*-------------------------------------------------------------------------
 *
 * smooth.h
 *		Simple exponential smoothing and linear trends by least squares, as ses, holt,
 *		damped, comb and theta share them.
 *
 * In all of them one-step errors are linear in the starting values, so these are
 * eliminated by least squares for each try of the smoothing parameters, and the
 * search has one to three dimensions whatever the series.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_SMOOTH_H
#define AUG_SMOOTH_H

#include "optimize.h"
#include "season.h"

/* ---- ses.c --------------------------------------------------------------- */

typedef struct AugSes
{
	double alpha;
	double start; /* level before the first value */
	double level; /* after the last */
} AugSes;

/* Bounds of smoothing parameters, those of R's forecast package. */
#define AUG_SMOOTH_LO 1e-4
#define AUG_SMOOTH_HI 0.9999

/* Level and alpha of the least squared one-step error, n >= 1. */
extern AugStatus aug_ses_fit(AugCast *cast, const double *y, size_t n, AugSes *out);
/* Runs over y from start; fitted: [n] one-step forecasts, or NULL. */
extern void aug_ses_filter(const double *y, size_t n, double *fitted, AugSes *ses);

/* ---- holt.c -------------------------------------------------------------- */

/* f = level + phi slope; level' = f + alpha e; slope' = phi slope + beta e. */
typedef struct AugTrend
{
	bool damped; /* else phi is 1 */
	double alpha, beta, phi;
	double start_level, start_slope; /* before the first value */
	double level, slope;			 /* after the last */
} AugTrend;

/* Parameters of the least squared one-step error, n >= 3. */
extern AugStatus
aug_trend_fit(AugCast *cast, const double *y, size_t n, bool damped, AugTrend *out);
/* Runs over y from the start; fitted: [n] one-step forecasts. */
extern void aug_trend_filter(const double *y, size_t n, double *fitted, AugTrend *trend);

/* ---- shared by the methods ------------------------------------------------ */

/* AUG_CORRUPT: parameters of a form are impossible */
extern AugStatus aug_smooth_corrupt(AugCast *cast);

#endif /* AUG_SMOOTH_H */
