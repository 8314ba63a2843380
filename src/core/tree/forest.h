/*-------------------------------------------------------------------------
 *
 * forest.h
 *		The random forest's own types, shared by the files of this room.
 *
 * Room: Breiman, Random forests, Machine Learning 45, 2001; extremely
 * randomised trees: Geurts, Ernst, Wehenkel, Machine Learning 63, 2006.
 *
 *	params.c		the declared hyperparameters and their resolution
 *	open.c			classes, target and features of a matrix
 *	sample.c		bootstrap multiplicities, and the work records of one tree
 *	grow.c			growth of one tree, depth first or best first
 *	partition.c		records to the sides of a split
 *	node.c			draws the features of a node and keeps the best split
 *	collect.c		rows of a node -> groups (one for each value of a feature)
 *	split.c			the best cut of ordered groups
 *	category.c		the order of the groups of a categorical feature
 *	classes.c		the same for three classes and more
 *	encode.c		one grown tree -> bytes
 *	body.c			bytes of all trees <-> the body of a model
 *	walk.c			scoring
 *	oob.c			out-of-bag votes, error, interval calibration
 *	importance.c	out-of-bag permutation importance
 *	forest.c		the table of functions that the core sees
 *
 * Data: a tree works on records, one for each distinct row of its sample, that
 * hold the row's narrow cells and what the statistics need.  They are moved
 * physically as nodes split, so that a node's rows are contiguous.
 *
 * Memory: buffers live in the job's arena and are reused from tree to tree.
 * Interrupts: loops over rows go through forest_tick(), which polls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_FOREST_H
#define AUG_FOREST_H

#include "../algorithm.h"

#define FOREST_NONE UINT32_MAX
#define BINS		256	   /* values of a narrow cell, missing included */
#define BATCH		8	   /* features whose histograms are made together */
#define BLOCK		512	   /* rows whose statistics are prepared together */
#define CLASS_LIMIT 64	   /* classes up to which large nodes have histograms of them */
#define SMALL_NODE	48	   /* rows up to which only seen bins are visited */
#define MAX_TREES	100000 /* packing of out-of-bag votes relies on it */

/* ---- hyperparameters --------------------------------------------------- */

typedef enum ForestParam
{
	P_N_TREES,
	P_MAX_DEPTH,
	P_MIN_SAMPLES_LEAF,
	P_MIN_SAMPLES_SPLIT,
	P_MAX_LEAF_NODES,
	P_MAX_FEATURES,
	P_CRITERION,
	P_BOOTSTRAP,
	P_SAMPLE_FRACTION,
	P_SPLITTER,
	P_CLASS_WEIGHT,
	P_OOB,
	P_IMPORTANCE,
	P_MIN_IMPURITY_DECREASE,
	P_COUNT
} ForestParam;

typedef enum ForestCriterion
{
	CRITERION_GINI,
	CRITERION_ENTROPY,
	CRITERION_SQUARED
} ForestCriterion;

typedef enum ForestImportance
{
	IMPORTANCE_IMPURITY,
	IMPORTANCE_PERMUTATION,
	IMPORTANCE_NONE
} ForestImportance;

typedef struct ForestConfig
{
	AugTask task;
	uint32_t n_classes;
	uint32_t n_trees;
	uint32_t max_depth; /* FOREST_NONE: unlimited */
	uint32_t min_leaf;	/* draws, not distinct rows */
	uint32_t min_split;
	uint32_t max_leaf_nodes; /* 0: depth first, no limit */
	uint32_t max_features;	 /* features tried at a node */
	ForestCriterion criterion;
	bool bootstrap;
	uint32_t n_draws; /* sample size of a tree */
	bool random_cuts;
	bool oob; /* asked for, and there are rows out of bag */
	ForestImportance importance;
	double min_decrease;
} ForestConfig;

extern const AugParamSpec aug_forest_params[P_COUNT];
extern AugStatus aug_forest_config(const AugShape *shape, const AugParams *params,
								   ForestConfig *config, AugError *err);
extern AugStatus
aug_forest_class_weights(const AugMatrix *matrix, const AugParams *params, uint32_t which,
						 const uint64_t *counts, double *weights, AugError *err);

/* ---- the job ----------------------------------------------------------- */

/* What the statistics of a node are made of. */
typedef enum ForestMode
{
	MODE_COUNT, /* two classes, no row weights: packed counts */
	MODE_SUM,	/* regression; two classes with row weights */
	MODE_CLASS	/* three classes and more */
} ForestMode;

typedef enum FeatureKind
{
	FEATURE_NUMERIC,
	FEATURE_NARROW, /* categorical, cells are bytes */
	FEATURE_WIDE	/* categorical, cells are uint32 */
} FeatureKind;

typedef struct ForestFeature
{
	FeatureKind kind;
	uint32_t slot;
	uint32_t n_bins; /* numeric: bins; categorical: levels */
	const double *cuts;
	const uint32_t *wide; /* column of a wide feature */
	float *prior;		  /* categorical: place of each level in the whole tree */
} ForestFeature;

/* Where things are in a work record; 0 = not there (draws are at 0). */
typedef struct RecordLayout
{
	uint32_t size;
	uint32_t label_at;	/* uint16 */
	uint32_t y_at;		/* float, (y - base) * scale */
	uint32_t weight_at; /* float */
	uint32_t row_at;	/* uint32, row of the matrix */
	uint32_t cells_at;	/* bytes; 0 when cells stay in the matrix */
} RecordLayout;

/* A node of a growing tree.  Children are a pair, the left one first. */
typedef struct GrowNode
{
	uint16_t feature;
	uint8_t bin;
	uint8_t kind;
	uint32_t link; /* split: left child, or offset in sets; leaf: value */
} GrowNode;

enum
{
	NODE_LEAF = 0, /* the first four are the codes of the format */
	NODE_MISSING_RIGHT = 1,
	NODE_MISSING_LEFT = 2,
	NODE_SET = 3
};

/* Header of a set in the pool of a growing tree, followed by n sorted codes. */
#define SET_CHILD	  0
#define SET_FLAGS	  1
#define SET_N		  2
#define SET_CODES	  3
#define SET_GOES_LEFT 1 /* levels of the set go left, all others right */
#define SET_MISSING	  2 /* missing belongs to the set */

typedef struct GrownTree
{
	GrowNode *nodes;
	uint32_t n_nodes, room;
	uint32_t *sets;
	size_t n_sets, sets_room;
	/* distributions of impure leaves: n, then n pairs of class and float share */
	uint32_t *shares;
	size_t n_shares, shares_room;
	uint32_t n_leaves;
} GrownTree;

/* One drawn feature at a node: groups of rows of equal cells. */
typedef struct Groups
{
	uint32_t n;
	uint32_t room;
	uint32_t *code;
	double *draws;
	double *weight;
	double *sum; /* as in NodeTotals */
	/* the missing group of a numeric feature, or draws = 0 */
	double missing_draws, missing_weight, missing_sum;
	/* three classes and more: rows of the node in the order of the groups */
	uint32_t *begin, *end; /* [n] each group's stretch of rows[] */
	uint32_t *rows;
	uint32_t missing_begin, missing_end; /* in rows[] */
	bool histogram;						 /* or their classes are in the job's histogram */
} Groups;

/*
 * What a node's rows add up to.  sum: MODE_COUNT, the draws of class 1 (exact,
 * before class weights); MODE_SUM, the weighted target; MODE_CLASS, unused.
 */
typedef struct NodeTotals
{
	uint32_t draws;
	double weight;
	double sum;
} NodeTotals;

typedef struct GrowTask
{
	uint32_t first, n; /* records */
	uint32_t node;
	uint32_t depth;
	uint32_t n_constant; /* features known to be constant here */
	NodeTotals totals;
} GrowTask;

typedef struct Split
{
	double score; /* comparable within a node; < 0: none */
	double gain;  /* decrease of the weighted impurity */
	uint32_t feature;
	bool is_set;
	uint8_t bin;
	bool missing_left;
	uint32_t n_codes, /* set: codes in order, the first n_left go left */
		n_left;
	NodeTotals left;
} Split;

struct PendingSplit;

typedef struct ForestJob
{
	ForestConfig config;
	const AugHost *host;
	const AugMatrix *matrix;
	AugArena *arena; /* of the job */
	uint64_t seed;
	ForestMode mode;
	RecordLayout layout;
	ForestFeature *features;
	uint32_t n_features;
	uint32_t *usable; /* [n_usable] features that are not constant */
	uint32_t n_usable;
	bool has_categories;
	double *class_weight; /* [n_classes]; NULL for regression */
	double base;		  /* regression: trees learn (y - base) * scale */
	double scale;		  /* a power of two */
	double largest;		  /* largest |(y - base) * scale| */
	double most_nodes;	  /* of a tree, about */
	bool have_buffers;
	bool dirty; /* a run failed: buffers are not at rest */

	/* buffers of the growing tree */
	uint8_t *in_bag; /* [n_rows] draws of each row, at most 255 */
	uint8_t *work;
	uint8_t *swap; /* one record */
	uint32_t n_work, work_room;
	GrownTree tree;
	GrowTask *stack;
	uint32_t stack_room;
	uint32_t *order;	/* [n_usable] permutation of usable; constants in front */
	double *gains;		/* [n_features] impurity decrease of this tree */
	double tree_weight; /* of the tree's sample */
	Groups groups;
	double node_squares;  /* weighted sum of squares of the node, NaN: not known */
	uint32_t *codes;	  /* of the best split when it is a set */
	uint8_t *side;		  /* [max levels + 1] 1: goes left */
	uint32_t *slot_of;	  /* wide: level -> group, FOREST_NONE at rest */
	uint32_t wide_levels; /* most levels of a wide feature */
	double *key;		  /* [groups.room] for ordering */
	uint32_t *perm;		  /* [groups.room] */
	uint64_t *packed;	  /* [BATCH][BINS] histograms, zero at rest */
	double *sums;		  /* [BATCH][BINS][2] */
	uint32_t *counts;	  /* [BATCH][BINS] draws, with row weights only */
	uint64_t *row_packed; /* [BLOCK] */
	double *row_sums;	  /* [BLOCK][2] */
	uint32_t *row_draws;  /* [BLOCK] */
	/* three classes and more */
	uint32_t *class_counts; /* [BINS][n_classes] draws, or NULL: too many classes */
	double *class_sums;		/* [BINS][n_classes] weights, with row weights only */
	bool has_rows;			/* the next four are those of the node at hand */
	uint32_t *row_label;	/* [rows of a node] */
	double *row_weight;
	uint32_t *row_count; /* draws */
	uint32_t *row_group;
	double *class_total; /* [n_classes] of the node, zero at rest */
	double *class_left;
	uint32_t *classes; /* classes seen in the node */
	uint32_t n_seen;
	double *axis, *axis_next; /* [n_classes] principal component, zero at rest */

	/* the finished tree, decoded for the rows out of bag */
	struct Walk *walk;
	size_t walk_nodes, walk_sets, walk_shares; /* room */
	uint32_t *codes_row;					   /* [WALK_ROWS][n_features] */
	uint32_t *bag_rows;						   /* [2 n_rows], for permutation importance */
	uint32_t *pending;						   /* right children to be encoded */
	size_t pending_room;

	uint64_t ticks; /* work since the last poll */
} ForestJob;

/* Counts work, a nanosecond or so each; true when the host wants to stop. */
static inline bool
forest_tick(ForestJob *f, uint64_t work)
{
	f->ticks += work;
	if (f->ticks < 500000)
		return false;
	f->ticks = 0;
	return f->host->poll(f->host->arg, -1);
}

static inline uint8_t *
record_at(const ForestJob *f, uint32_t i)
{
	return f->work + (size_t) i * f->layout.size;
}

static inline uint32_t
record_draws(const uint8_t *record)
{
	uint16_t v;

	__builtin_memcpy(&v, record, sizeof(v));
	return v;
}

static inline uint32_t
record_label(const ForestJob *f, const uint8_t *record)
{
	uint16_t v;

	__builtin_memcpy(&v, record + f->layout.label_at, sizeof(v));
	return v;
}

static inline float
record_float(const uint8_t *record, uint32_t at)
{
	float v;

	__builtin_memcpy(&v, record + at, sizeof(v));
	return v;
}

static inline uint32_t
record_row(const ForestJob *f, const uint8_t *record)
{
	uint32_t v;

	__builtin_memcpy(&v, record + f->layout.row_at, sizeof(v));
	return v;
}

/* The narrow cells of a record, wherever they are. */
static inline const uint8_t *
record_cells(const ForestJob *f, const uint8_t *record)
{
	if (f->layout.cells_at != 0)
		return record + f->layout.cells_at;
	return f->matrix->cells + (size_t) record_row(f, record) * f->matrix->stride;
}

/* weight of a record: draws x row weight x class weight */
static inline double
record_weight(const ForestJob *f, const uint8_t *record)
{
	double w = record_draws(record);

	if (f->layout.weight_at != 0)
		w *= (double) record_float(record, f->layout.weight_at);
	return w;
}

/* x * log2(x), the same on every machine (libm's log is not) */
extern double aug_forest_xlogx(double x);

/* ---- open.c ------------------------------------------------------------ */
extern AugStatus aug_forest_open_classes(ForestJob *f, const AugParams *params,
										 uint32_t class_weight, AugError *err);
extern AugStatus aug_forest_open_target(ForestJob *f, AugError *err);
extern AugStatus aug_forest_open_features(ForestJob *f, AugError *err);
extern AugStatus aug_forest_merge_target(ForestJob *f, AugSummary *summary, AugError *err);

/* ---- sample.c ---------------------------------------------------------- */
extern AugStatus aug_forest_buffers(ForestJob *f, AugError *err);
extern void aug_forest_rest(ForestJob *f);
extern AugStatus aug_forest_sample(ForestJob *f, uint32_t tree, AugError *err);
extern AugStatus aug_forest_load(ForestJob *f, NodeTotals *totals, AugError *err);

/* ---- grow.c ------------------------------------------------------------ */
extern AugStatus aug_forest_grow(ForestJob *f, uint32_t tree, AugError *err);
/* Ascending, in place. */
extern void aug_forest_sort_codes(uint32_t *codes, uint32_t n);

/* ---- partition.c ------------------------------------------------------- */
extern uint32_t aug_forest_partition(ForestJob *f, const GrowTask *task, const Split *split);

/* ---- node.c ------------------------------------------------------------ */
extern AugStatus
aug_forest_find_split(ForestJob *f, GrowTask *task, AugRng *rng, Split *best, AugError *err);

extern AugStatus aug_forest_learn(ForestJob *f, GrowTask *root, AugError *err);

/* ---- collect.c --------------------------------------------------------- */
extern AugStatus aug_forest_histograms(ForestJob *f, const GrowTask *task, const uint32_t *features,
									   uint32_t n, AugError *err);
extern void aug_forest_groups_of(ForestJob *f, uint32_t feature, uint32_t k);
extern void aug_forest_prepare(ForestJob *f, const uint8_t *records, uint32_t n);
extern void aug_forest_small_groups(ForestJob *f, const GrowTask *task, uint32_t feature);
extern AugStatus
aug_forest_wide_groups(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err);

/* ---- split.c ----------------------------------------------------------- */
extern void
aug_forest_scan(ForestJob *f, const GrowTask *task, uint32_t feature, AugRng *rng, Split *best);
extern void aug_forest_take_split(ForestJob *f, const GrowTask *task, uint32_t feature, uint32_t at,
								  bool missing_left, Split *best);
extern uint32_t aug_forest_random_cut(const ForestFeature *feature, const Groups *g, AugRng *rng);

/* ---- category.c -------------------------------------------------------- */
extern void aug_forest_order_levels(ForestJob *f, const GrowTask *task, uint32_t feature);
extern void aug_forest_learn_levels(ForestJob *f, uint32_t feature);
extern float *aug_forest_prior(const ForestJob *f, uint32_t feature, uint32_t code);
extern uint32_t aug_forest_random_subset(ForestJob *f, AugRng *rng);
extern void aug_forest_sort_keys(double *key, uint32_t *perm, uint32_t n);
extern void aug_forest_permute(ForestJob *f);

/* ---- classes.c --------------------------------------------------------- */
extern AugStatus aug_forest_class_prepare(ForestJob *f, const GrowTask *task, AugError *err);
extern void aug_forest_class_finish(ForestJob *f);
extern AugStatus
aug_forest_class_groups(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err);
extern AugStatus
aug_forest_class_order(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err);
extern AugStatus
aug_forest_class_learn(ForestJob *f, const GrowTask *task, uint32_t feature, AugError *err);
extern void aug_forest_class_scan(ForestJob *f, const GrowTask *task, uint32_t feature, AugRng *rng,
								  Split *best);

extern bool aug_forest_ensure(AugArena *arena, void **array, size_t *room, size_t need, size_t size,
							  size_t used);

/* ---- encode.c ---------------------------------------------------------- */

/* Sizes that let a tree be decoded without a second pass. */
typedef struct TreeSizes
{
	uint32_t n_bytes;
	uint32_t n_splits;
	uint32_t n_sets;   /* words */
	uint32_t n_shares; /* words */
} TreeSizes;

extern AugStatus aug_forest_encode(ForestJob *f, AugWriter *out, TreeSizes *sizes, AugError *err);

/* ---- body.c ------------------------------------------------------------ */

/* A decoded node: the left child is the next one. */
typedef struct WalkNode
{
	uint16_t feature;
	uint8_t bin;
	uint8_t kind;
	uint32_t link; /* right child, offset of a set, or leaf as in GrowNode */
} WalkNode;

/* Decoded trees, one after the other. */
typedef struct Walk
{
	WalkNode *nodes;
	uint32_t *sets; /* as in GrownTree, SET_CHILD is the right child */
	uint32_t *shares;
	uint32_t n_nodes;
	uint32_t n_sets;
	uint32_t n_shares;
} Walk;

#define N_QUANTILES 1001

typedef struct ForestModel
{
	AugTask task;
	uint32_t n_classes;
	uint32_t n_features;
	uint32_t n_trees;
	double base, scale;
	bool has_interval;
	double spread_floor;
	float *quantiles;  /* [N_QUANTILES] of |residual| / spread */
	uint32_t *roots;   /* [n_trees] */
	Walk walk;		   /* empty when packed */
	struct Pack *pack; /* or NULL: see pack.h */
} ForestModel;

/* What a decoder checks against. */
typedef struct TreeLimits
{
	AugTask task;
	uint32_t n_classes;
	uint32_t n_features;
	const AugFeature *features;
	const AugHost *host; /* polled while decoding */
	bool cancelled;		 /* it said stop */
} TreeLimits;

extern bool aug_forest_decode(AugReader *r, TreeLimits *limits, const TreeSizes *sizes, Walk *walk);
/* Sizes and trees up to the reader's end, packed where they can be. */
extern AugStatus aug_forest_read_trees(AugReader *r, const AugModelInfo *info, ForestModel *m,
									   AugArena *arena, AugError *err);
extern AugStatus
aug_forest_read(AugReader *r, AugModelInfo *info, AugArena *arena, void **state, AugError *err);

/* What merge writes in front of the trees. */
typedef struct BodyHead
{
	uint32_t n_trees;
	bool regression;
	double base, scale;
	bool has_interval;
	double spread_floor;
	float *quantiles;
} BodyHead;

extern void aug_forest_write_head(AugWriter *w, const BodyHead *head);
extern void aug_forest_write_sizes(AugWriter *w, const TreeSizes *sizes);

/* ---- walk.c ------------------------------------------------------------ */

#define WALK_ROWS 8 /* rows walked together */

/* Codes of a row: a bin, a level, or one of these. */
#define CODE_MISSING UINT32_MAX
#define CODE_UNSEEN	 (UINT32_MAX - 1)

extern uint32_t aug_forest_walk(const Walk *walk, uint32_t root, const uint32_t *codes);
/* Eight rows through one tree; codes: [WALK_ROWS][n_features]. */
extern void aug_forest_walk_rows(const Walk *walk, uint32_t root, const uint32_t *codes,
								 uint32_t n_features, uint32_t *links);
extern void aug_forest_row_codes(const AugMatrix *matrix, uint32_t row, uint32_t *codes);
/* The leaf of each tree (its link), for raw values x, or for a row of a matrix when x is NULL;
 * they lie in scratch. */
extern const uint32_t *
aug_forest_leaves(const ForestModel *m, const AugModelInfo *info, const double *x,
				  const AugMatrix *matrix, uint32_t row, void *scratch);
extern size_t aug_forest_trees_scratch(const ForestModel *m);
extern size_t aug_forest_scratch(const void *state, const AugModelInfo *info);
extern void aug_forest_score(const void *state, const AugModelInfo *info, const double *x,
							 void *scratch, double *out);
extern double
aug_forest_score1(const void *state, const AugModelInfo *info, const double *x, void *scratch);
extern void aug_forest_interval(const void *state, const AugModelInfo *info, const double *x,
								void *scratch, double level, double *lower, double *upper);
extern void
aug_forest_score_cells(const void *state, const AugModelInfo *info, const AugMatrix *matrix,
					   uint32_t first, uint32_t n, void *scratch, double *out);

/* ---- oob.c ------------------------------------------------------------- */
extern size_t aug_forest_oob_bytes(const ForestConfig *config, uint32_t n_rows);
extern AugStatus aug_forest_oob_vote(ForestJob *f, void *shared, AugError *err);
extern AugStatus
aug_forest_oob_finish(ForestJob *f, const void *shared, AugFit *fit, BodyHead *head, AugError *err);

/* ---- importance.c ------------------------------------------------------ */
extern AugStatus aug_forest_permutation(ForestJob *f, uint32_t tree, double *loss, AugError *err);

/* A link as the value of a leaf. */
static inline double
leaf_value(uint32_t link)
{
	float value;

	__builtin_memcpy(&value, &link, sizeof(value));
	return (double) value;
}

#endif /* AUG_FOREST_H */
