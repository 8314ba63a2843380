/*-------------------------------------------------------------------------
 *
 * sort.h
 *		Sorting of numbers, alone or with what belongs to them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_SORT_H
#define AUG_SORT_H

#include "augur.h"

/* Ascending, in place; no NaN.  n log n, no memory, no poll. */
extern void aug_sort_doubles(double *values, size_t n);

/*
 * Ascending by score, in place; label and weight (either may be NULL) move with
 * it.  Order among equal scores is not kept.  Returns false when host->poll (host
 * may be NULL) said stop: the arrays are then a permutation of what they were.
 */
extern bool
aug_sort_scored(const AugHost *host, double *score, uint8_t *label, double *weight, size_t n);

/* The same with a bound on the levels of quicksort, after which heapsort takes
 * over: what the tests go through.  levels >= 1. */
extern void aug_sort_doubles_within(double *values, size_t n, unsigned levels);
extern bool aug_sort_scored_within(const AugHost *host, double *score, uint8_t *label,
								   double *weight, size_t n, unsigned levels);

#endif /* AUG_SORT_H */
