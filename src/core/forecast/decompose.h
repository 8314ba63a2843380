/*-------------------------------------------------------------------------
 *
 * decompose.h
 *		Decomposition of a series into trend, seasonal parts and remainder, and what is
 *		read from it.
 *
 * Series here have no missing values, unless a comment says otherwise.  Memory and
 * interrupts are those of forecast.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_DECOMPOSE_H
#define AUG_DECOMPOSE_H

#include "forecast.h"

/* ---- stl.c --------------------------------------------------------------- */

/* A loess smoother: points in its window, degree 0 or 1, and every how many points
 * it is computed, with straight lines between. */
typedef struct AugLoess
{
	size_t window;
	uint32_t degree;
	size_t jump;
} AugLoess;

typedef struct AugStl
{
	size_t period;
	bool periodic; /* seasonal part the same in every cycle */
	AugLoess season;
	AugLoess trend;
	AugLoess low_pass;
	uint32_t inner; /* iterations between updates of the robustness weights, >= 1 */
	uint32_t outer; /* updates of the robustness weights; 0: none */
} AugStl;

/* Seasonal window that makes the seasonal part periodic. */
#define AUG_STL_PERIODIC 0

/* The usual choices of everything else, from n, the period and the seasonal window. */
extern void
aug_stl_options(size_t n, size_t period, size_t season_window, bool robust, AugStl *out);

/* Work space for series of up to n values and seasons of up to max_period; NULL: no memory. */
typedef struct AugStlRoom AugStlRoom;
extern AugStlRoom *aug_stl_room(AugCast *cast, size_t n, size_t max_period);

/*
 * Smooths y[n] into out[n]; weight: [n] robustness weights or NULL.  A point whose whole
 * window has no weight keeps its value.
 */
extern AugStatus aug_loess(AugCast *cast, AugStlRoom *room, const double *y, size_t n,
						   const AugLoess *loess, const double *weight, double *out);

/*
 * seasonal, trend: [n], y - seasonal - trend is the remainder.  weight: [n] robustness
 * weights (1 when outer is 0), or NULL.  AUG_DATA unless n > 2 periods.
 */
extern AugStatus aug_stl(AugCast *cast, AugStlRoom *room, const double *y, size_t n,
						 const AugStl *o, double *seasonal, double *trend, double *weight);

/* ---- supersmooth.c ------------------------------------------------------- */

/* The trend of y[n] without season, n >= 1, into out[n]. */
extern AugStatus aug_supersmooth(AugCast *cast, const double *y, size_t n, double *out);

/* ---- mstl.c -------------------------------------------------------------- */

/* A series taken apart: y = trend + all seasonal parts + remainder. */
typedef struct AugParts
{
	size_t n;
	uint32_t n_periods; /* those that fitted in n more than twice, ascending */
	uint32_t period[AUG_MAX_PERIODS];
	double *trend;					   /* [n] */
	double *seasonal[AUG_MAX_PERIODS]; /* [n] each */
	double *remainder;				   /* [n] NaN where y is */
	double *whole;					   /* [n] y with its gaps filled */
} AugParts;

/*
 * Takes y apart; NaN are filled along trend and season first.  There is at least one
 * value.  robust: outliers do not pull at the parts.  Parts lie in the arena.
 */
extern AugStatus aug_mstl(AugCast *cast, const double *y, size_t n, uint32_t n_periods,
						  const uint32_t *period, bool robust, AugParts *out);

/* Strength of seasonal part i, of the trend: 0 (none) to 1 (all); Wang, Smith, Hyndman
 * (2006), as in Forecasting: Principles and Practice, 3rd edition, 4.3. */
extern double aug_strength_season(const AugParts *parts, uint32_t i);
extern double aug_strength_trend(const AugParts *parts);
/* The strength of one season; 0 unless n > 2 periods.  y may have NaN. */
extern AugStatus
aug_seasonal_strength(AugCast *cast, const double *y, size_t n, uint32_t period, double *strength);

/* ---- detect.c -------------------------------------------------------------- */

/* aug_seasonality within a cast; the arguments are checked. */
extern AugStatus aug_find_seasons(AugCast *cast, const double *y, size_t n, uint32_t n_candidates,
								  const uint32_t *candidate, AugSeasonFound *out, uint32_t *n_out);

/* ---- outlier.c ------------------------------------------------------------- */

/* v: [n] ascending, n >= 1; 0 <= p <= 1 */
extern double aug_quantile_sorted(const double *v, size_t n, double p);
/* tsoutliers' rule: v[n] is y with NaN at its outliers too; at least one value. */
extern AugStatus
aug_find_outliers(AugCast *cast, const AugSeries *s, double *v, size_t *n_outliers);
/* The values of s with its outliers replaced; NaN stay.  cleaned: [n] */
extern AugStatus aug_clean(AugCast *cast, const AugSeries *s, double *cleaned, size_t *n_outliers);

/* ---- changepoint.c ----------------------------------------------------------- */

/*
 * The segmentation of x[n] that minimises squared distances to the segments' means plus
 * penalty a change; segments of at least least values.  change: room for n, the first
 * index of each segment after the first, ascending.
 */
extern AugStatus aug_pelt(AugCast *cast, const double *x, size_t n, size_t least, double penalty,
						  size_t *change, size_t *n_changes);
/* aug_changepoints within a cast; out: room for n */
extern AugStatus aug_find_changes(AugCast *cast, const AugSeries *s, uint32_t least, double penalty,
								  AugChange *out, size_t *n_out);

/* ---- transform.c --------------------------------------------------------- */

/* Of a value above 0 (NaN stays NaN), and back; what is beyond the range of the
 * transformation goes back to its limit, 0 or infinity. */
extern double aug_box_cox(double v, double lambda);
/* Guerrero's lambda within 0 and 1, values being positive; 1 where nothing tells. */
extern AugStatus aug_guerrero(AugCast *cast, const AugSeries *s, double *lambda);
extern double aug_box_cox_inverse(double v, double lambda);
/* Forecasts of transformed values on the scale of the values: medians, and variances
 * to first order. */
extern void aug_box_cox_back(double lambda, uint32_t horizon, double *mean, double *variance);

#endif /* AUG_DECOMPOSE_H */
