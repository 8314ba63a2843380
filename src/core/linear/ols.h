/*-------------------------------------------------------------------------
 *
 * ols.h
 *		Least squares by orthogonal triangularisation, rows added a panel at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_OLS_H
#define AUG_OLS_H

#include "../algorithm.h"

#define AUG_OLS_PANEL 64 /* rows that are added at once */

/*
 * The upper triangle R of the QR decomposition of all rows (x, y) so far: q = n_terms
 * + 1 columns, the last one is y.  r is [q][q], row-major.
 */
typedef struct AugOls
{
	uint32_t q;
	double *r;
	double *panel; /* [q][AUG_OLS_PANEL] column-major, rows 0 .. n_panel - 1 are filled */
	uint32_t n_panel;
} AugOls;

typedef struct AugOlsFit
{
	uint32_t n_terms;
	uint32_t rank;
	double *estimate;		/* [n_terms] NaN: left out, a combination of earlier terms */
	double *standard_error; /* [n_terms] likewise; NaN when df is 0 */
	double *inverse;		/* [rank][rank] row-major, inverse of R over the terms kept */
	double sigma;			/* residual standard error, NaN when df is 0 */
	double df;				/* rows - rank */
	double r_squared;		/* NaN for a constant y */
} AugOlsFit;

extern size_t aug_ols_bytes(uint32_t n_terms);
extern AugStatus aug_ols_init(AugOls *ols, uint32_t n_terms, AugArena *arena, AugError *err);
/* Adds one row: x [n_terms], y; scaled by the root of the weight. */
extern void aug_ols_add(AugOls *ols, const double *x, double y, double weight);
/* Takes what is left of the panel into r. */
extern void aug_ols_flush(AugOls *ols);
/* Adds the rows that another triangle [q][q] stands for. */
extern void aug_ols_merge(AugOls *ols, const double *r);
/*
 * Solves; term 0 must be the intercept.  n_rows: how many were added.  ols->r is used
 * up.  AUG_DATA with no more rows than terms needed; AUG_NUMERIC when out of range.
 */
extern AugStatus aug_ols_solve(AugOls *ols, double n_rows, const AugHost *host, AugArena *arena,
							   AugOlsFit *fit, AugError *err);

#endif /* AUG_OLS_H */
