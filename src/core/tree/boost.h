/*-------------------------------------------------------------------------
 *
 * boost.h
 *		Gradient boosting's own types, shared by the files boost*.c.
 *
 * Room: Friedman, Greedy function approximation: a gradient boosting machine,
 * Annals of Statistics 29, 2001; second-order splits: Chen, Guestrin, XGBoost,
 * KDD 2016; histograms of bins, leaf-wise growth, the sibling by subtraction: Ke
 * and others, LightGBM, NeurIPS 2017; integer gradients: Shi and others, Quantized
 * training of gradient boosting decision trees, NeurIPS 2022.
 *
 *	boost_params.c	the declared hyperparameters and their resolution
 *	boost_loss.c	losses: gradients, first scores, links
 *	boost_leaf.c	values of leaves; medians and quantiles
 *	boost_hist.c	histograms of a node
 *	boost_split.c	the best split of a node
 *	boost_grow.c	growth of one tree, best leaf first
 *	boost_round.c	rounds: samples, trees, scores, early stopping
 *	boost_model.c	the body of a stored model, and scoring
 *	boost.c			the table of functions that the core sees
 *
 * What a forest has as well, its files give: features and target of a matrix, the
 * growing tree and its bytes, decoded and packed trees and their walks.  The
 * ForestJob within a BoostJob carries it.
 *
 * Data: sums over rows are integers.  A row's gradient has 30 bits and a sign,
 * relative to the largest of the round; its hessian as many bits as leave room for
 * the sum and the count of all rows in 63 bits.  Integer sums do not depend on
 * their order, and the histogram of a sibling is exact, so a histogram that had
 * to be given up is made again without a trace.
 *
 * Memory: buffers live in the job's arena.  Interrupts: loops over rows go through
 * forest_tick(), which polls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_BOOST_H
#define AUG_BOOST_H

#include "pack.h"

#define BOOST_MAX_TREES 10000000 /* rounds x trees of a round */
#define BOOST_MAX_SCORE 700.0	 /* what goes into exp() */

/* ---- hyperparameters --------------------------------------------------- */

typedef enum BoostParam
{
	B_N_TREES,
	B_LEARNING_RATE,
	B_MAX_LEAF_NODES,
	B_MAX_DEPTH,
	B_MIN_SAMPLES_LEAF,
	B_MIN_CHILD_WEIGHT,
	B_LAMBDA,
	B_ALPHA,
	B_MIN_SPLIT_GAIN,
	B_MAX_DELTA_STEP,
	B_SAMPLE_FRACTION,
	B_MAX_FEATURES,
	B_MAX_FEATURES_TREE,
	B_LOSS,
	B_QUANTILE,
	B_HUBER_DELTA,
	B_TWEEDIE_POWER,
	B_EARLY_STOPPING_ROUNDS,
	B_VALIDATION_FRACTION,
	B_CLASS_WEIGHT,
	B_CAT_SMOOTH,
	B_CAT_L2,
	B_COUNT
} BoostParam;

typedef enum BoostLoss
{
	LOSS_SQUARED,
	LOSS_ABSOLUTE,
	LOSS_QUANTILE,
	LOSS_HUBER,
	LOSS_POISSON,
	LOSS_TWEEDIE,
	LOSS_LOG /* logistic for two classes, softmax for more */
} BoostLoss;

typedef struct BoostConfig
{
	AugTask task;
	BoostLoss loss;
	uint32_t n_classes;
	uint32_t n_outputs; /* trees of a round: classes when more than two, else 1 */
	uint32_t n_rounds;
	double rate;
	uint32_t max_leaves; /* FOREST_NONE: no limit */
	uint32_t max_depth;	 /* likewise */
	uint32_t min_leaf;	 /* rows */
	double min_weight;	 /* hessian of a leaf */
	double lambda, alpha, min_gain;
	double max_step; /* largest value of a leaf before the rate; INFINITY: any */
	double fraction; /* of the rows, for each tree */
	uint32_t node_features, tree_features;
	double quantile, delta, power;
	uint32_t patience; /* rounds without a gain on the validation rows; 0: none */
	double validation; /* share of the rows */
	double cat_smooth, cat_l2;
} BoostConfig;

extern const AugParamSpec aug_boost_params[B_COUNT];
extern AugStatus aug_boost_config(const AugShape *shape, const AugParams *params,
								  BoostConfig *config, AugError *err);

/* ---- the job ----------------------------------------------------------- */

/*
 * What the rows of a bin add up to: gradients, and hessians above the count
 * (count_bits of it).  A vector, so that adding is one instruction.
 */
typedef int64_t BoostBin __attribute__((vector_size(16)));

/* A row's gradient and hessian in the units of the round. */
typedef struct BoostPair
{
	int32_t gradient;
	uint32_t hessian;
} BoostPair;

typedef struct BoostSplit
{
	double gain; /* <= 0: none */
	uint32_t feature;
	bool is_set;
	bool missing_left;
	uint8_t bin;
	uint32_t n_left; /* set: groups in order that go left */
	BoostBin left;
} BoostSplit;

/* A node; it has the number of its GrowNode. */
typedef struct BoostNode
{
	BoostBin total;
	BoostSplit split;
	uint32_t first, n;			 /* rows of the sample */
	uint32_t idle_first, idle_n; /* rows outside of it */
	uint32_t depth;
	uint32_t slot; /* its histograms, or FOREST_NONE */
} BoostNode;

/* Levels of a categorical feature in a node. */
typedef struct BoostGroups
{
	uint32_t n;
	uint32_t *code; /* n_bins of the feature: missing */
	BoostBin *bin;
	double *key;
	uint32_t *perm; /* [2 room] */
} BoostGroups;

typedef struct BoostJob
{
	ForestJob f; /* see above */
	BoostConfig config;
	double *start;	   /* [n_outputs] scores before the first tree */
	double *scores;	   /* [n_outputs][n_rows] */
	double *norm;	   /* [n_rows] softmax: log of the sum over the classes */
	float *weight;	   /* [n_rows], 0 for validation rows; NULL: all 1 */
	float *gradients;  /* [n_rows] */
	float *hessians;   /* [n_rows] */
	BoostPair *pairs;  /* [n_rows] */
	uint32_t *train;   /* [n_train] */
	uint32_t *valid;   /* [n_valid] */
	uint32_t *rows;	   /* [n_rows] sample of the tree, a node's rows together */
	uint32_t *idle;	   /* [n_rows] all others, likewise */
	uint32_t *swap;	   /* [n_rows] */
	double *residuals; /* [n_rows] for quantiles; NULL where none are needed */
	double *residual_weights;
	uint32_t n_train, n_valid, n_sample;
	uint32_t count_bits, hessian_bits;
	double gradient_unit, hessian_unit; /* of the round */

	bool *has_missing; /* [n_features] narrow columns */
	uint32_t *active;  /* [n_active] features of the tree, ascending */
	uint32_t *drawn;   /* [n_active] for a node's draw */
	uint32_t *hist_at; /* [n_features] first bin of a narrow feature */
	uint32_t n_active;
	uint32_t n_narrow; /* of them, narrow ones */
	uint32_t *narrow;  /* [n_narrow] */
	uint32_t n_bins;   /* of all active narrow features */
	BoostBin *pool;	   /* [n_slots][pool_bins] */
	uint32_t pool_bins;
	uint32_t n_slots;
	uint32_t *free_slots; /* [n_free] */
	uint32_t n_free;
	BoostBin *wide;		   /* [largest number of levels + 1], zero at rest */
	uint32_t *wide_places; /* likewise */
	BoostGroups groups;

	BoostNode *nodes;
	size_t nodes_room;
	uint32_t *heap; /* leaves that can be split, best first */
	size_t heap_room;
	uint32_t n_heap;
	double *gains; /* [n_features] */
} BoostJob;

static inline uint32_t
bin_count(const BoostJob *b, BoostBin bin)
{
	return (uint32_t) ((uint64_t) bin[1] & ((UINT64_C(1) << b->count_bits) - 1));
}

static inline double
bin_gradient(const BoostJob *b, BoostBin bin)
{
	return (double) bin[0] * b->gradient_unit;
}

static inline double
bin_hessian(const BoostJob *b, BoostBin bin)
{
	return (double) (bin[1] >> b->count_bits) * b->hessian_unit;
}

/* A row's pair as what it adds to a bin. */
static inline BoostBin
pair_bin(const BoostJob *b, BoostPair p)
{
	BoostBin v = {p.gradient, (int64_t) ((uint64_t) p.hessian << b->count_bits | 1)};

	return v;
}

/*
 * e^x, the same on every machine (libm's is not); x is kept within +-700.  Error
 * below 1e-14 of the value.
 */
static inline double
boost_exp(double x)
{
	const double round = 0x1.8p52;
	double k, r, p;
	uint64_t bits;

	x = x < -BOOST_MAX_SCORE ? -BOOST_MAX_SCORE : x;
	x = x > BOOST_MAX_SCORE ? BOOST_MAX_SCORE : x;
	k = x * 1.4426950408889634 + round; /* the nearest integer, in the low bits */
	__builtin_memcpy(&bits, &k, sizeof(bits));
	k -= round;
	r = (x - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;
	p = 1.0 / 39916800;
	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * r + 1;
	p = p * r + 1;
	bits = (bits + 1023) << 52; /* 2^k */
	__builtin_memcpy(&k, &bits, sizeof(k));
	return p * k;
}

/* ln x for x > 0, likewise. */
static inline double
boost_log(double x)
{
	return aug_forest_xlogx(x) / x * 0.69314718055994531;
}

/* Does the loss model the logarithm of the mean? */
static inline bool
loss_is_log(BoostLoss loss)
{
	return loss == LOSS_POISSON || loss == LOSS_TWEEDIE;
}

/* Are values of leaves quantiles of residuals? */
static inline bool
loss_is_quantile(BoostLoss loss)
{
	return loss == LOSS_ABSOLUTE || loss == LOSS_QUANTILE;
}

/* ---- boost_loss.c ------------------------------------------------------ */
extern double aug_boost_row_loss(const BoostConfig *config, double y, double score);
extern void
aug_boost_row(const BoostConfig *config, double y, double score, double *gradient, double *hessian);
extern AugStatus aug_boost_check_target(BoostJob *b, AugError *err);
extern AugStatus aug_boost_start(BoostJob *b, AugError *err);
extern AugStatus aug_boost_normalize(BoostJob *b, AugError *err);
extern AugStatus aug_boost_gradients(BoostJob *b, uint32_t output, AugError *err);
extern AugStatus aug_boost_validate(BoostJob *b, double *loss, AugError *err);

/* ---- boost_leaf.c ------------------------------------------------------ */
extern AugStatus aug_boost_quantile(BoostJob *b, double *values, double *weights, uint32_t n,
									double share, double *out, AugError *err);
extern AugStatus aug_boost_leaves(BoostJob *b, uint32_t output, AugError *err);

/* ---- boost_hist.c ------------------------------------------------------ */
extern AugStatus aug_boost_features(BoostJob *b, AugRng *rng, AugError *err);
extern AugStatus
aug_boost_histograms(BoostJob *b, const BoostNode *node, BoostBin *out, AugError *err);
extern void aug_boost_subtract(const BoostJob *b, BoostBin *from, const BoostBin *what);
extern AugStatus aug_boost_learn_levels(BoostJob *b, const BoostNode *root, AugError *err);
extern AugStatus
aug_boost_groups(BoostJob *b, const BoostNode *node, uint32_t feature, AugError *err);

/* ---- boost_split.c ----------------------------------------------------- */
extern double aug_boost_weight(const BoostConfig *c, double gradient, double hessian);
extern AugStatus aug_boost_find_split(BoostJob *b, uint32_t node, AugRng *rng, AugError *err);

/* ---- boost_grow.c ------------------------------------------------------ */
extern AugStatus aug_boost_grow(BoostJob *b, uint32_t tree, AugError *err);

/* ---- boost_round.c ----------------------------------------------------- */

/* What all rounds came to. */
typedef struct BoostResult
{
	uint32_t n_rounds; /* kept */
	uint32_t rounds_run;
	double validation;	 /* loss of the best round, NaN without validation rows */
	double *best_scores; /* [n_valid] then, for one output; or NULL */
	double *gains;		 /* [n_features] of the rounds kept */
	uint64_t n_nodes;
} BoostResult;

extern size_t aug_boost_pool_slots(const BoostConfig *c, uint32_t n_rows, size_t slot_bytes);
extern double aug_boost_most_leaves(const BoostConfig *c, uint32_t n_rows);
extern AugStatus aug_boost_open(AugJob *job, AugError *err);
extern AugStatus aug_boost_rounds(BoostJob *b, AugWriter *sizes, AugWriter *trees,
								  BoostResult *result, AugError *err);

/* ---- boost_model.c ----------------------------------------------------- */
extern AugStatus
aug_boost_write_head(BoostJob *b, const BoostResult *result, AugWriter *w, AugError *err);
extern AugStatus
aug_boost_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err);
extern size_t aug_boost_scratch(const void *state, const AugModelInfo *info);
extern void aug_boost_score(const void *state, const AugModelInfo *info, const double *x,
							void *scratch, double *out);
extern double
aug_boost_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch);
extern void aug_boost_interval(const void *state, const AugModelInfo *info, const double *x,
							   void *scratch, double level, double *lower, double *upper);
extern void
aug_boost_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
					  uint32_t first, uint32_t n, void *scratch, double *out);

#endif /* AUG_BOOST_H */
