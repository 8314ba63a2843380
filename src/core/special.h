/*-------------------------------------------------------------------------
 *
 * special.h
 *		Distributions that tests and intervals need.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_SPECIAL_H
#define AUG_SPECIAL_H

/* Regularised incomplete beta function I_x(a, b); a, b > 0, 0 <= x <= 1. */
extern double aug_beta_share(double a, double b, double x);
/* P(|T| > |t|) for Student's t with df > 0 degrees of freedom. */
extern double aug_t_two_sided(double t, double df);
/* The t with P(T <= t) = p, 0 < p < 1. */
extern double aug_t_quantile(double p, double df);

#endif /* AUG_SPECIAL_H */
