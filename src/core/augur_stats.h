/*-------------------------------------------------------------------------
 *
 * augur_stats.h
 *		The core's door for comparing two sets of values: distances between
 *		distributions, and tests whether they differ; augur.h includes it.
 *
 * One set is the reference, the other the current one.  Distances are over cells (bins or
 * categories) that both share, given as counts or weights, or over sorted samples.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_STATS_H
#define AUGUR_STATS_H

/* The share that an empty cell is taken to have by PSI, whose logarithm would not end. */
#define AUG_PSI_EMPTY 1e-4

/* ---- distances over cells --------------------------------------------- */

/*
 * p, q: [n] counts or weights >= 0 of the reference and the current set, each with a sum
 * above 0, else all results are NaN.
 *
 *	psi				population stability index, sum of (p - q) ln(p / q); empty cells count
 *					as a share of AUG_PSI_EMPTY
 *	kl				Kullback and Leibler 1951, of the current set from the reference: sum of
 *					q ln(q / p); infinite when a cell is empty in the reference alone
 *	js_distance		square root of the divergence of Jensen and Shannon (Lin 1991), natural
 *					logarithm: 0 to sqrt(ln 2)
 *	hellinger		square root of 1 - sum of sqrt(p q): 0 to 1
 *	total_variation	half the sum of |p - q|: 0 to 1
 */
typedef struct AugDistances
{
	double psi, kl, js_distance, hellinger, total_variation;
} AugDistances;

extern void aug_distances(const double *p, const double *q, size_t n, AugDistances *out);

/* ---- distances and tests over samples --------------------------------- */

typedef struct AugTest
{
	double statistic;
	double p;  /* chance of a statistic as large, were there no difference; NaN: undefined */
	double df; /* degrees of freedom, NaN when the test has none */
} AugTest;

/*
 * x, y: [n], [m] ascending and finite, n, m > 0.  Distance of Wasserstein of order 1: the area
 * between the two empirical distribution functions, in units of the values.
 */
extern double aug_wasserstein(const double *x, size_t n, const double *y, size_t m);

/*
 * Two-sample test of Kolmogorov and Smirnov, two-sided; x and y as above.  The p value is exact
 * (for values without ties) up to n * m * 2 D = 5 * 10^7, asymptotic above (Pelz and Good 1976).
 * AUG_NOMEM, AUG_CANCELLED.
 */
extern AugStatus aug_ks_test(const AugHost *host, const double *x, size_t n, const double *y,
							 size_t m, AugTest *out, AugError *err);

/*
 * Its asymptotic p value of a gap d > 0, for samples of n and m values and effective =
 * 1 / (1/n + 1/m).
 */
extern double aug_ks_p(double d, double effective);

/*
 * Cells of the numbers in ascending x, [n], for distances: at most n_bins of nearly equal counts
 * of x, edges included on the right, as edge[n_edges], ascending; the first cell is open to
 * the left, the last to the right.  edge: room for n_bins - 1.  Returns n_edges.
 */
extern size_t aug_quantile_edges(const double *x, size_t n, size_t n_bins, double *edge);
/* count: [n_edges + 1], set to how many of ascending x lie in each cell. */
extern void
aug_cell_counts(const double *x, size_t n, const double *edge, size_t n_edges, double *count);

/* ---- tests over counts ------------------------------------------------ */

/*
 * Chi-square test of homogeneity (Pearson 1900) of two sets of counts, p and q [n]; cells that
 * are empty in both count for nothing.  NaN with fewer than two cells or an empty set.
 */
extern void aug_chi_square_test(const double *p, const double *q, size_t n, AugTest *out);

/* Two-sided z test of two shares, a of n against b of m, with the pooled share. */
extern void aug_share_test(double a, double n, double b, double m, AugTest *out);

/*
 * Benjamini and Hochberg 1995: p [n] is replaced by adjusted values, so that calling those at
 * most alpha different keeps the expected share of false calls at alpha.  NaN stay and are no
 * tests.  order: room for n indices.
 */
extern void aug_adjust_p(double *p, size_t n, uint32_t *order);

/*
 * The distance that a share alpha of windows exceeds though nothing changed, for n and m rows
 * over n_cells: the asymptotic law of the distances, c chi-square(n_cells - 1), c = 1/n + 1/m
 * for PSI, c / 2 for KL, c / 8 for the squares of Jensen-Shannon and Hellinger.
 */
typedef enum AugDistanceKind
{
	AUG_DISTANCE_PSI,
	AUG_DISTANCE_KL,
	AUG_DISTANCE_JS,
	AUG_DISTANCE_HELLINGER
} AugDistanceKind;

extern double
aug_null_quantile(AugDistanceKind kind, double n, double m, size_t n_cells, double alpha);

#endif /* AUGUR_STATS_H */
