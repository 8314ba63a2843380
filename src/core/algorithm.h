/*-------------------------------------------------------------------------
 *
 * algorithm.h
 *		What an algorithm is to the rest of the core: one table of functions.
 *		To add one: write its file, add one line to algorithms.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ALGORITHM_H
#define AUG_ALGORITHM_H

#include "arena.h"
#include "augur.h"
#include "bytes.h"
#include "rng.h"

/* Typed access for algorithms; i is the index in the algorithm's params[]. */
/* INT, REAL, BOOL; MIXED when numeric */
extern double aug_param_number(const AugParams *params, uint32_t i);
/* index of the choice, or -1 when the value is a number or a map */
extern int aug_param_choice(const AugParams *params, uint32_t i);
/* pairs of a map parameter */
extern uint32_t aug_param_pairs(const AugParams *params, uint32_t i);
extern const char *aug_param_pair(const AugParams *params, uint32_t i, uint32_t k, double *value);

/* Fills err and returns status: return aug_fail(err, AUG_DATA, "...", ...); */
extern AugStatus aug_fail(AugError *err, AugStatus status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern AugStatus aug_fail_nomem(AugError *err, size_t wanted);
extern AugStatus aug_fail_cancelled(AugError *err);
extern void
aug_detail(AugError *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void aug_hint(AugError *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What an algorithm's own body adds to the common part of an artifact. */
typedef struct AugSummary
{
	double base;		 /* weighted mean of the target, NaN for classes */
	double *class_share; /* [n_classes] or NULL; arena of the job */
	double *importance;	 /* [n_features] or NULL */
	double *permutation; /* [n_features] or NULL */
	AugFit fit;
} AugSummary;

struct AugJob
{
	const struct AugOps *ops;
	const AugHost *host;
	const AugMatrix *matrix;
	const AugParams *params;
	uint64_t seed;
	void *shared;
	AugArena arena; /* lives as long as the job */
	void *state;	/* the algorithm's own, from open() */
};

typedef struct AugOps
{
	AugAlgorithm about;

	/* checks the params against the shape and tells tasks and memory */
	AugStatus (*plan)(const AugShape *shape, const AugParams *params, AugPlan *plan, AugError *err);
	/* prepares job->state in job->arena; may be NULL */
	AugStatus (*open)(AugJob *job, AugError *err);
	/* one task, pure: depends on job and i only (plus atomic adds to shared) */
	AugStatus (*run)(AugJob *job, uint32_t i, AugWriter *out, AugError *err);
	/* results in order -> body bytes and summary.  Release each results[i].bytes
	 * through job->host when release is true, as soon as it is copied, and set it to
	 * NULL: what is left after a failure is the caller's to release. */
	AugStatus (*merge)(AugJob *job, AugSlice *results, bool release, AugWriter *body,
					   AugSummary *summary, AugError *err);

	/* body -> decoded state in the arena; info has features and classes already.
	 * Must consume exactly the reader.  Sets info->has_interval, ->fit.n_*. */
	AugStatus (*read)(AugReader *r, AugModelInfo *info, AugArena *arena, void **state,
					  AugError *err);
	size_t (*scratch)(const void *state, const AugModelInfo *info);
	void (*score)(const void *state, const AugModelInfo *info, const double *x, void *scratch,
				  double *out);
	double (*score1)(const void *state, const AugModelInfo *info, const double *x, void *scratch);
	/* may be NULL */
	void (*interval)(const void *state, const AugModelInfo *info, const double *x, void *scratch,
					 double level, double *lower, double *upper);
	/* n rows of a binned matrix, out [n][n_outputs]; small n per call, the core polls */
	void (*score_cells)(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
						uint32_t first, uint32_t n, void *scratch, double *out);
} AugOps;

/* The functions behind a description of the registry, or NULL. */
extern const AugOps *aug_algorithm_ops(const AugAlgorithm *algorithm);

extern const AugOps aug_baseline_ops; /* baseline.c: mean, class shares */
extern const AugOps aug_forest_ops;	  /* tree/forest.c */
extern const AugOps aug_boost_ops;	  /* tree/boost.c */
extern const AugOps aug_linear_ops;	  /* linear/regression.c */

#endif /* AUG_ALGORITHM_H */
