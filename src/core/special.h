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
/* Quantile of the standard normal, 0 < p < 1. */
extern double aug_normal_quantile(double p);
/* P(|T| > |t|) for Student's t with df > 0 degrees of freedom. */
extern double aug_t_two_sided(double t, double df);
/* The t with P(T <= t) = p, 0 < p < 1. */
extern double aug_t_quantile(double p, double df);

/* Regularised upper incomplete gamma function Q(a, x); a > 0, x >= 0. */
extern double aug_gamma_upper(double a, double x);
/* P(X > x) for chi-square with df > 0 degrees of freedom. */
extern double aug_chi_square_upper(double x, double df);
/* The x with P(X > x) = p, 0 < p < 1. */
extern double aug_chi_square_quantile(double p, double df);

#endif /* AUG_SPECIAL_H */
