/*-------------------------------------------------------------------------
 *
 * augur.h
 *		The one door of the numeric core.
 *
 * The core is plain C11: no PostgreSQL header, no I/O, no threads, no mutable
 * globals.  Whoever uses it (the PostgreSQL layer, the unit tests, a fuzzer)
 * includes this header and nothing else of src/core.
 *
 * Conventions
 *	- Memory comes from the AugHost that the caller passes; everything that the
 *	  core returns is allocated through it, and owned by the caller, unless a
 *	  comment says otherwise.  Any allocation may fail: AUG_NOMEM.
 *	- Functions that can fail return AugStatus and fill *err (never NULL).  The
 *	  core never longjmps, so the caller may raise its own error after return.
 *	- Loops that can last longer than a few milliseconds call host->poll; when
 *	  it returns true the core frees what it holds and returns AUG_CANCELLED.
 *	- Same data, same seed, same version: same bytes, whoever ran which task
 *	  in whichever order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_H
#define AUGUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- status and errors ------------------------------------------------ */

typedef enum AugStatus
{
	AUG_OK = 0,
	AUG_NOMEM,	   /* an allocation failed */
	AUG_CANCELLED, /* host->poll said stop */
	AUG_INVALID,   /* bad argument or hyperparameter */
	AUG_DATA,	   /* the data cannot be used (one class, no rows...) */
	AUG_NUMERIC,   /* no convergence, overflow */
	AUG_LIMIT,	   /* a limit of the format or the algorithm */
	AUG_CORRUPT,   /* model bytes are damaged or hostile */
	AUG_INTERNAL   /* a bug */
} AugStatus;

#define AUG_MESSAGE_SIZE 256

/* message: lower case, no period; detail and hint: sentences; "" when absent */
typedef struct AugError
{
	AugStatus status;
	char message[AUG_MESSAGE_SIZE];
	char detail[AUG_MESSAGE_SIZE];
	char hint[AUG_MESSAGE_SIZE];
} AugError;

/* ---- host ------------------------------------------------------------- */

typedef struct AugHost
{
	/* returns NULL on failure; memory is not zeroed; aligned for any type */
	void *(*alloc)(void *arg, size_t size);
	void (*release)(void *arg, void *ptr); /* ptr may be NULL */
	/* true: stop now.  done is the share of the running call, 0..1, or -1 */
	bool (*poll)(void *arg, double done);
	void *arg;
} AugHost;

/* A pointer and a length.  Owned as the function that returns it says. */
typedef struct AugSlice
{
	const uint8_t *bytes;
	size_t length;
} AugSlice;

/* ---- features and matrix ---------------------------------------------- */

typedef enum AugKind
{
	AUG_NUMERIC_FEATURE = 0,	/* ordered: number, boolean, date part */
	AUG_CATEGORICAL_FEATURE = 1 /* unordered levels */
} AugKind;

typedef enum AugTask
{
	AUG_REGRESSION = 0,
	AUG_CLASSIFICATION = 1
} AugTask;

/* Cells of a narrow column are bytes: 0..254 are bins or level codes. */
#define AUG_MAX_BINS	 255
#define AUG_MISSING_CELL 255
/* Cells of a wide column (a categorical of more than 255 levels) are uint32. */
#define AUG_MISSING_WIDE UINT32_MAX
/* How a raw categorical value is given to a model: level code as a double. */
#define AUG_UNSEEN_LEVEL (-1.0)
#define AUG_MAX_FEATURES 65000
#define AUG_MAX_CLASSES	 65000
/* Number of the artifact format that this version writes; it reads all before. */
#define AUG_FORMAT 1

/*
 * One feature.  A numeric feature has n_cuts ascending finite cut points: value v
 * falls in bin b = the number of cuts < v, so "v <= cuts[b]" is the test of a
 * split; NaN is a missing value; +-Inf are ordinary extremes.  A categorical
 * feature has n_levels levels in ascending byte order: level i is the bytes
 * level_text[level_end[i-1] .. level_end[i]).
 *
 * column, part, element and type_name are the host's own: how to get the
 * feature from a row (column name, which part of a date, element of an array).
 * The core stores and returns them unread.
 */
typedef struct AugFeature
{
	const char *name;	   /* shown to users, NUL-terminated */
	const char *column;	   /* source column, NUL-terminated */
	const char *type_name; /* source type as the host spells it */
	uint32_t part;		   /* host's code of the part of the value */
	uint32_t element;	   /* index within an array column, 0-based */
	AugKind kind;
	uint32_t n_cuts;
	const double *cuts;
	uint32_t n_levels;
	const uint32_t *level_end;
	const char *level_text;
	bool wide;	   /* categorical with more than 255 levels */
	uint32_t slot; /* how many narrow (wide) features come before it */
} AugFeature;

/* Columns of a design matrix that a feature takes: one for a number, one for each level
 * but the first of a category (treatment contrasts). */
static inline uint32_t
aug_feature_columns(const AugFeature *f)
{
	return f->kind == AUG_NUMERIC_FEATURE ? 1 : f->n_levels > 0 ? f->n_levels - 1 : 0;
}

/*
 * Training or evaluation data, read only, position-independent arrays (they may
 * lie in shared memory; the struct itself is local to each process).
 *
 *	cells	[n_rows][stride], row-major; the first n_narrow bytes of a row are
 *			the narrow columns, the rest is zero padding; stride % 4 == 0
 *	wide	[n_wide][n_rows], column-major
 *	label	[n_rows] class index (classification) or NULL
 *	y		[n_rows] target (regression) or NULL
 *	weight	[n_rows] finite, > 0; or NULL for all ones
 *	n_last	so many rows at the end are what early stopping validates on, where it is
 *			asked for; 0: they are drawn
 */
typedef struct AugMatrix
{
	AugTask task;
	uint32_t n_rows;
	uint32_t n_features;
	uint32_t n_narrow;
	uint32_t n_wide;
	uint32_t n_classes; /* 0 for regression */
	uint32_t n_last;
	size_t stride;
	const uint8_t *cells;
	const uint32_t *wide;
	const uint32_t *label;
	const double *y;
	const double *weight;
	/* [numeric features in order][n_rows] the values themselves, NaN missing; only for
	 * algorithms that ask for them (AugAlgorithm.raw), else NULL */
	const double *raw;
	const AugFeature *features; /* [n_features] */
	/* class labels as text, NUL-terminated, in the host's order; NULL for regression */
	const char *const *class_names;
	const char *target;		 /* name of the target column */
	const char *target_type; /* its type as the host spells it */
} AugMatrix;

/*
 * Cut points of one numeric column: at most max_bins - 1 ascending finite
 * numbers half-way between neighbouring distinct values.  With at most max_bins
 * distinct values there is one between each two; with more, bins hold nearly
 * equal counts and a value more frequent than a bin gets its own.
 * values: [n], sorted in place; NaN are ignored.  cuts: room for max_bins - 1.
 * Never fails; poll is the caller's business (n log n for n <= some 10^5).
 */
extern uint32_t aug_cuts(double *values, size_t n, uint32_t max_bins, double *cuts);

/* Bin of a value (see AugFeature); AUG_MISSING_CELL for NaN.  n_cuts <= 254. */
extern uint8_t aug_bin(const double *cuts, uint32_t n_cuts, double value);

/* 64-bit hash of bytes under a seed (stable across platforms and versions). */
extern uint64_t aug_hash(const void *bytes, size_t length, uint64_t seed);

/* ---- algorithms and hyperparameters ----------------------------------- */

typedef enum AugParamType
{
	AUG_PARAM_INT,
	AUG_PARAM_REAL,
	AUG_PARAM_BOOL,
	AUG_PARAM_CHOICE, /* one of choices */
	AUG_PARAM_MIXED,  /* one of choices, or a number in range */
	AUG_PARAM_MAP	  /* one of choices, or label -> number pairs */
} AugParamType;

typedef struct AugParamSpec
{
	const char *name;
	AugParamType type;
	const char *fallback; /* the default, as text */
	double lo, hi;		  /* inclusive range of numbers */
	const char *choices;  /* "a|b|c", or NULL */
	const char *help;	  /* one or two sentences */
} AugParamSpec;

typedef struct AugAlgorithm
{
	const char *name;
	const char *title;
	const char *help;
	bool classification;
	bool regression;
	bool raw; /* takes AugMatrix.raw, not the bins of numbers */
	uint32_t n_params;
	const AugParamSpec *params;
} AugAlgorithm;

extern uint32_t aug_algorithm_count(void);
extern const AugAlgorithm *aug_algorithm_at(uint32_t i);
/* NULL when there is none of that name */
extern const AugAlgorithm *aug_algorithm_find(const char *name);
/* The known name nearest to a misspelt one among n names, or NULL */
extern const char *aug_nearest(const char *name, const char *const *names, uint32_t n);

typedef struct AugParams AugParams;

/* All at their defaults. */
extern AugStatus
aug_params_new(const AugHost *host, const AugAlgorithm *algorithm, AugParams **out, AugError *err);
/* Sets one from text ("12", "0.5", "sqrt", "true"); unknown names, wrong types
 * and values out of range are AUG_INVALID with the nearest name or the range. */
extern AugStatus
aug_params_set(AugParams *params, const char *name, const char *value, AugError *err);
/* Adds one pair to a parameter of type AUG_PARAM_MAP. */
extern AugStatus aug_params_set_pair(AugParams *params, const char *name, const char *label,
									 double value, AugError *err);
/* Canonical text of all values, for storing and for another process:
 * aug_params_parse(aug_params_text(p)) equals p. */
extern AugStatus aug_params_text(const AugParams *params, char **text, AugError *err);
extern AugStatus aug_params_parse(const AugHost *host, const AugAlgorithm *algorithm,
								  const char *text, AugParams **out, AugError *err);
/* Value of parameter i as text, valid until the next set or free. */
extern const char *aug_params_value(const AugParams *params, uint32_t i);
extern void aug_params_free(AugParams *params);

/* ---- training: a job of independent tasks ----------------------------- */

/* Sizes that decide memory before anything is allocated. */
typedef struct AugShape
{
	AugTask task;
	uint32_t n_rows;
	uint32_t n_narrow;
	uint32_t n_wide;
	uint32_t n_classes;
	size_t stride;
	uint64_t n_columns; /* of a design matrix: numbers, and levels but one of each category */
} AugShape;

typedef struct AugPlan
{
	uint32_t n_tasks;
	size_t shared_bytes;  /* one block, zeroed by the host, all tasks add to it */
	size_t scratch_bytes; /* per participant, while a task runs */
	size_t result_bytes;  /* upper estimate of all results together */
} AugPlan;

typedef struct AugJob AugJob;

/* How training went, for the record; NaN where it does not apply. */
typedef struct AugFit
{
	double oob_error;  /* misclassified share, or RMSE, out of bag */
	double oob_score;  /* AUC (binary), accuracy (more classes), R2 */
	uint32_t oob_rows; /* rows with an out-of-bag prediction */
	uint64_t n_nodes;
	uint32_t n_trees;		/* boosting: rounds kept */
	uint32_t rounds_run;	/* boosting with early stopping, else 0 */
	double validation_loss; /* likewise, of the best round; else NaN */
} AugFit;

/* The shape of a matrix that is there already. */
extern AugShape aug_matrix_shape(const AugMatrix *matrix);
extern AugStatus aug_plan(const AugAlgorithm *algorithm, const AugShape *shape,
						  const AugParams *params, AugPlan *plan, AugError *err);

/*
 * Opens the job in one process.  matrix, params and shared must outlive it.
 * shared: plan.shared_bytes, 16-aligned, zeroed once by the host before the first
 * participant opens; changed only by order-free integer atomics.
 */
extern AugStatus
aug_job_open(const AugHost *host, const AugAlgorithm *algorithm, const AugMatrix *matrix,
			 const AugParams *params, uint64_t seed, void *shared, AugJob **out, AugError *err);
/* Runs task i in 0 .. n_tasks-1; the result is the host's to release.  Each
 * task must run exactly once over all participants. */
extern AugStatus
aug_job_run(AugJob *job, uint32_t i, uint8_t **bytes, size_t *length, AugError *err);
/* After all tasks ran: results in task order -> artifact.  Each results[i].bytes is
 * released through the host as soon as it is used, and set to NULL, when
 * release_results is true; after a failure those not NULL are still the caller's. */
extern AugStatus aug_job_merge(AugJob *job, AugSlice *results, bool release_results,
							   uint8_t **artifact, size_t *length, AugFit *fit, AugError *err);
extern void aug_job_close(AugJob *job);

/* ---- models ----------------------------------------------------------- */

typedef struct AugModel AugModel;

/* A coefficient of a linear model; NaN for a term that others explain. */
typedef struct AugTerm
{
	uint32_t feature; /* UINT32_MAX: the intercept */
	uint32_t level;	  /* of a categorical feature; UINT32_MAX: a number */
	double estimate;
	double standard_error;
	double p_value; /* two-sided, of t with df degrees of freedom */
} AugTerm;

typedef struct AugModelInfo
{
	const AugAlgorithm *algorithm;
	AugTask task;
	uint32_t n_features;
	const AugFeature *features; /* with names, cuts and levels */
	uint32_t n_classes;
	const char *const *class_names;
	const char *target;
	const char *target_type;
	const char *params_text;
	uint64_t seed;
	uint64_t n_rows;		   /* trained on */
	double base;			   /* mean of the target, or NaN */
	const double *class_share; /* [n_classes] weighted shares in training */
	const double *importance;  /* [n_features] impurity, sums to 1; or NULL */
	const double *permutation; /* [n_features] out-of-bag permutation; or NULL */
	AugFit fit;
	uint32_t n_outputs; /* 1 for regression, n_classes for classification */
	bool has_interval;	/* aug_model_interval works */
	/* linear models */
	uint32_t n_terms;
	const AugTerm *terms; /* [n_terms] or NULL */
	double sigma;		  /* residual standard error */
	double df;			  /* its degrees of freedom */
	double r_squared;
	size_t memory; /* bytes held by the decoded model */
} AugModelInfo;

/*
 * Decodes and checks an artifact.  bytes may be anything at all: a model that is
 * accepted is safe to score with any input.  bytes need not outlive the call.
 */
extern AugStatus aug_model_read(const AugHost *host, const uint8_t *bytes, size_t length,
								AugModel **out, AugError *err);
/* Header, sizes and checksum only: cheap refusal of bytes that are no model. */
extern AugStatus aug_model_check(const uint8_t *bytes, size_t length, AugError *err);
extern const AugModelInfo *aug_model_info(const AugModel *model);
extern void aug_model_free(AugModel *model);

/* Confidence interval of a coefficient, by Student's t; NaN where it has no error. */
extern void aug_term_interval(const AugModelInfo *info, uint32_t term, double level, double *lower,
							  double *upper);

/* Level code of a categorical value; AUG_UNSEEN_LEVEL when training had none. */
extern double
aug_model_level(const AugModel *model, uint32_t feature, const char *bytes, size_t length);

/* Bytes of scratch that the scoring calls want; any alignment of 16. */
extern size_t aug_model_scratch(const AugModel *model);
/*
 * Scores one row.  x: [n_features], a number, or a level code from
 * aug_model_level; NaN is missing.  out: [n_outputs], the value, or probabilities
 * that sum to 1.  Allocates nothing, cannot fail, takes microseconds.
 */
extern void aug_model_score(const AugModel *model, const double *x, void *scratch, double *out);
/* The one number of predict(): regression value, or the probability of class 1
 * of 2.  Only for n_outputs <= 2.  The fast path. */
extern double aug_model_score1(const AugModel *model, const double *x, void *scratch);
/* Regression: interval that covers a new value with probability level (0..1),
 * calibrated out of bag.  value is what aug_model_score gave. */
extern void aug_model_interval(const AugModel *model, const double *x, void *scratch, double level,
							   double *lower, double *upper);
/*
 * Scores rows first .. first+n-1 of a matrix that was binned with the model's own
 * features (as training's holdout is).  out: [n][n_outputs].  Polls.
 */
extern AugStatus
aug_model_score_matrix(const AugModel *model, const AugHost *host, const AugMatrix *matrix,
					   uint32_t first, uint32_t n, double *out, AugError *err);

/* ---- metrics ---------------------------------------------------------- */

typedef struct AugMetric
{
	const char *name;	 /* "auc", "log_loss", "rmse"... */
	int32_t class_index; /* -1: over all classes */
	double value;
	double lower, upper; /* 95 % interval, NaN when there is none */
	bool higher_is_better;
} AugMetric;

#define AUG_MAX_METRICS 16 /* per call, without the per-class ones */

/*
 * All metrics of a holdout.  proba: [n][n_classes]; label: [n].  weight may be NULL.
 * Binary: auc, pr_auc, log_loss, brier, accuracy, f1, mcc, and so on; the first
 * metric is the leading one (auc; log_loss for more classes; rmse).
 * out: room for AUG_MAX_METRICS + 3 * n_classes (precision, recall, f1 a class).
 */
extern AugStatus
aug_metrics_classify(const AugHost *host, const double *proba, const uint32_t *label,
					 const double *weight, uint32_t n, uint32_t n_classes, AugMetric *out,
					 uint32_t *n_out, AugError *err);
extern AugStatus aug_metrics_regress(const AugHost *host, const double *predicted,
									 const double *actual, const double *weight, uint32_t n,
									 AugMetric *out, uint32_t *n_out, AugError *err);

/*
 * Single statistics, for aggregates.  score, label (0 or 1) and weight (may be
 * NULL) are [n], without NaN, and are sorted together in place.  The value is NaN
 * when undefined (one class only).  standard_error is DeLong's; may be NULL.
 * Polls; AUG_CANCELLED is the only failure.
 */
extern AugStatus aug_auc(const AugHost *host, double *score, uint8_t *label, double *weight,
						 size_t n, double *value, double *standard_error, AugError *err);
/* Average precision, as the area under the precision-recall steps. */
extern AugStatus aug_pr_auc(const AugHost *host, double *score, uint8_t *label, double *weight,
							size_t n, double *value, AugError *err);

/*
 * By how much model a is better than model b on the same rows; positive: better, whatever the
 * direction of the metric.  lower and upper: 95 % interval of the paired difference, NaN when
 * there are too few rows, as gain is when it is undefined (one class only).
 */
typedef struct AugGain
{
	const char *metric;
	double gain, lower, upper;
} AugGain;

/* a, b: [n] scores without NaN; label: [n] 0 or 1; weight may be NULL. */
extern AugStatus
aug_gain_auc(const AugHost *host, const double *a, const double *b, const uint8_t *label,
			 const double *weight, size_t n, AugGain *out, AugError *err);
/* a, b: [n] probabilities of the row's true class. */
extern AugStatus aug_gain_log_loss(const AugHost *host, const double *a, const double *b,
								   const double *weight, size_t n, AugGain *out, AugError *err);
/* a, b: [n] predictions of y. */
extern AugStatus
aug_gain_rmse(const AugHost *host, const double *a, const double *b, const double *y,
			  const double *weight, size_t n, AugGain *out, AugError *err);

/* -ln(p of the true class), p kept in [2^-52, 1 - 2^-52] */
extern double aug_metric_log_loss(double p);
/* From (weighted) counts.  f1 is NaN without any true or predicted positive; mcc
 * is NaN without rows, and 0 when one side has one class only. */
extern double aug_metric_f1(double tp, double fp, double fn);
extern double aug_metric_mcc(double tp, double fp, double fn, double tn);

/* ---- about ------------------------------------------------------------ */

extern const char *aug_core_version(void);
/* "scalar", "avx2"...: which code path this machine runs */
extern const char *aug_core_dispatch(void);

#include "augur_detect.h"
#include "augur_forecast.h"
#include "augur_stats.h"
#include "augur_profile.h"
#include "augur_panel.h"

#endif /* AUGUR_H */
