/*-------------------------------------------------------------------------
 *
 * season.h
 *		Seasonality test, classical decomposition, and series that are adjusted for
 *		their season before a method sees them.
 *
 * All take complete series (no NaN).  Positions are counted from the first value:
 * index[t % period].
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_SEASON_H
#define AUG_SEASON_H

#include "forecast.h"

typedef enum AugSeasonKind
{
	AUG_SEASON_NONE = 0,
	AUG_SEASON_ADDITIVE = 1,
	AUG_SEASON_MULTIPLICATIVE = 2
} AugSeasonKind;

typedef struct AugSeason
{
	AugSeasonKind kind;
	uint32_t period;
	double *index; /* [period]; mean 0 (additive) or 1 (multiplicative); NULL when none */
} AugSeason;

/* ---- season.c ------------------------------------------------------------ */

/* The test of the M4 benchmarks: autocorrelation at the season's lag, 90 %. */
extern AugStatus
aug_season_test(AugCast *cast, const double *y, size_t n, uint32_t period, bool *seasonal);

/*
 * Classical decomposition, n >= 2 * period.  index: [period]; trend: [n], the centred moving
 * average, NaN at both ends, or NULL when not wanted.  *usable is false when an index
 * is not finite, or not positive (multiplicative).
 */
extern AugStatus aug_season_indices(AugCast *cast, const double *y, size_t n, uint32_t period,
									AugSeasonKind kind, double *index, double *trend, bool *usable);

/*
 * The season that a series is adjusted for: the first length of s that passes the
 * test, multiplicative if all values and indices are positive, else additive.
 * asked: AUG_SEASON_NONE chooses so; a kind skips the test and is kept where possible.
 */
extern AugStatus aug_season_find(AugCast *cast, const double *y, size_t n, const AugSeries *s,
								 AugSeasonKind asked, AugSeason *out);

/*
 * The same without a test: the first length that the series has three cycles of and that
 * leaves something after its indices, recent cycles weighing more, are shrunk towards no
 * season by the noise in them.  Better than a test and plain indices for forecasts.
 */
extern AugStatus aug_season_shrunken(AugCast *cast, const double *y, size_t n, const AugSeries *s,
									 AugSeasonKind asked, AugSeason *out);

/* y[0..n) at positions first, first + 1...: without the season, and with it again.
 * in and out may be the same. */
extern void
aug_season_remove(const AugSeason *season, const double *in, size_t n, size_t first, double *out);
extern void
aug_season_restore(const AugSeason *season, const double *in, size_t n, size_t first, double *out);

/* ---- adjust.c ------------------------------------------------------------ */

/*
 * A series as methods without a season take it.  Extreme values are scaled by a power
 * of two, so that squares neither overflow nor vanish; ordinary ones are as they are.
 */
typedef struct AugAdjusted
{
	AugSeason season; /* of the scaled series */
	int exponent;	  /* scaled = value * 2^-exponent */
	size_t n;
	double *y;		/* [n] scaled and adjusted */
	double sigma2;	/* of one-step errors of y, set by aug_adjust_finish */
	double divisor; /* degrees of freedom behind it */
} AugAdjusted;

/* Codes of the forms of methods that adjust; their own ones come after. */
enum
{
	AUG_ADJUST_KIND,
	AUG_ADJUST_PERIOD,
	AUG_ADJUST_CODES
};

/* How a series is adjusted for its season. */
typedef enum AugAdjust
{
	AUG_ADJUST_NOT,
	AUG_ADJUST_TESTED,	 /* aug_season_find: the M4 benchmarks' */
	AUG_ADJUST_SHRUNKEN, /* aug_season_shrunken */
} AugAdjust;

/*
 * Adjusts s.  given: NULL, or a form, of which the season is kept; with AUG_KEEP_ALL
 * its values are n_own of the method and the indices.  Fails with AUG_CORRUPT when
 * codes, counts or indices of given are impossible; the method checks its own.
 */
extern AugStatus aug_adjust(AugCast *cast, const AugSeries *s, AugAdjust how, const AugForm *given,
							AugKeep keep, uint32_t n_own, AugAdjusted *out);
/* Fills out->form with codes, room for n_own values, and the indices behind them. */
extern AugStatus
aug_adjust_form(AugCast *cast, const AugAdjusted *a, uint32_t n_own, AugFitted *out);
/*
 * From the adjusted scale to that of the values: out->fitted is [n] adjusted on
 * entry; sets sigma2 there and in a.  out->n_parameters counts all but the season
 * on entry.  likelihood: sets the Gaussian log likelihood, as that of the series itself
 * given its indices, and AICc too.
 */
extern void aug_adjust_finish(AugAdjusted *a, const AugSeries *s, bool likelihood, AugFitted *out);
/* The same for forecasts of steps n, n + 1, ... and the variances of their errors. */
extern void
aug_adjust_forecast(const AugAdjusted *a, uint32_t horizon, double *mean, double *variance);
/* A value that a form holds on the scale of the series, to and from the scale of a->y. */
extern double aug_adjust_in(const AugAdjusted *a, double value);
extern double aug_adjust_out(const AugAdjusted *a, double value);

#endif /* AUG_SEASON_H */
