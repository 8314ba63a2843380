/*-------------------------------------------------------------------------
 *
 * optimize.h
 *		Minimisers without derivatives: Nelder-Mead within bounds for several
 *		parameters, Brent's for one.  Deterministic.
 *
 * Interrupts: the cast's poll is asked every few evaluations, so one evaluation
 * should take less than a millisecond or poll itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_OPTIMIZE_H
#define AUG_OPTIMIZE_H

#include "forecast.h"

/* What is minimised.  NaN and +Inf mean: not allowed here. */
typedef double (*AugObjective)(void *arg, const double *x);

/* Work space for up to room parameters; reused by any number of searches. */
typedef struct AugSimplex
{
	uint32_t room;
	double *points; /* [room + 1][room] */
	double *values; /* [room + 1] */
	double *trial;	/* [4][room]: centre, reflected, tried, best of all */
} AugSimplex;

typedef struct AugSearch
{
	AugObjective f;
	void *arg;
	uint32_t n;
	const double *lo, *hi; /* [n] inclusive bounds; points beyond are moved onto them */
	const double *step;	   /* [n] size of the first simplex, > 0 */
	double tolerance;	   /* of the value, relative: 1e-8 is usual */
	uint32_t most;		   /* evaluations at most */
} AugSearch;

/* Takes the work space from the cast's arena. */
extern AugStatus aug_simplex_init(AugCast *cast, uint32_t room, AugSimplex *simplex);

/*
 * Nelder-Mead from x (within the bounds), restarted from where it stopped until that
 * gains nothing.  x: [n], on return the best point; *value its value, +Inf when no
 * allowed point was found.  AUG_CANCELLED is the only failure.
 */
extern AugStatus
aug_minimize(AugCast *cast, const AugSearch *search, AugSimplex *simplex, double *x, double *value);

/*
 * Brent's minimiser on [lo, hi], after a look at n_grid >= 0 points evenly spread
 * inside, of which the best one's neighbours become the interval: for functions that
 * may have more than one minimum.  tolerance is absolute, of x.
 */
extern AugStatus aug_minimize_line(AugCast *cast, AugObjective f, void *arg, double lo, double hi,
								   uint32_t n_grid, double tolerance, double *x, double *value);

#endif /* AUG_OPTIMIZE_H */
