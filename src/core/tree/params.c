/*-------------------------------------------------------------------------
 *
 * params.c
 *		The forest's hyperparameters: declared once here, resolved against the
 *		data's shape before anything is allocated.
 *
 * Names and meanings follow scikit-learn where both scikit-learn and ranger
 * have the parameter.  min_samples_leaf and min_samples_split count draws of
 * the sample (a row drawn twice counts twice), as both of them do.
 *
 * Memory: none.  Interrupts: constant time, but for the classes' weights.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

const AugParamSpec aug_forest_params[P_COUNT] = {
	[P_N_TREES] =
		{"n_trees", AUG_PARAM_INT, "100", 1, MAX_TREES, NULL,
		 "Number of trees. More trees never hurt accuracy; time and size grow with them."},
	[P_MAX_DEPTH] = {"max_depth", AUG_PARAM_MIXED, "none", 1, 1000000, "none",
					 "Most splits between the root and a leaf. none grows until leaves are pure."},
	[P_MIN_SAMPLES_LEAF] =
		{"min_samples_leaf", AUG_PARAM_INT, "1", 1, 1e9, NULL,
		 "Fewest drawn samples in a leaf. A row that the bootstrap drew twice counts twice."},
	[P_MIN_SAMPLES_SPLIT] = {"min_samples_split", AUG_PARAM_INT, "2", 2, 1e9, NULL,
							 "Fewest drawn samples in a node that may still be split."},
	[P_MAX_LEAF_NODES] = {"max_leaf_nodes", AUG_PARAM_MIXED, "none", 2, 1e9, "none",
						  "Most leaves of a tree. "
						  "When set, trees grow best split first instead of depth first."},
	[P_MAX_FEATURES] = {"max_features", AUG_PARAM_MIXED, "auto", 1e-9, AUG_MAX_FEATURES,
						"auto|sqrt|third|log2|all",
						"Features tried at each split: a rule, "
						"a count (1 and more) or a share (below 1). "
						"auto is sqrt for classes and third for regression."},
	[P_CRITERION] = {"criterion", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|gini|entropy|squared_error",
					 "What a split minimises. "
					 "auto is gini for classes and squared_error for regression."},
	[P_BOOTSTRAP] =
		{"bootstrap", AUG_PARAM_BOOL, "true", 0, 1, NULL,
		 "Draw each tree's rows with replacement. Without it each row is used at most once."},
	[P_SAMPLE_FRACTION] = {"sample_fraction", AUG_PARAM_REAL, "1", 1e-9, 1, NULL,
						   "Share of the rows that is drawn for each tree."},
	[P_SPLITTER] = {"splitter", AUG_PARAM_CHOICE, "best", 0, 0, "best|random",
					"best searches every cut; random draws one for each feature "
					"(extremely randomised trees)."},
	[P_CLASS_WEIGHT] = {"class_weight", AUG_PARAM_MAP, "none", 0, 1e9, "none|balanced",
						"Weights of the classes: none, balanced (inverse to their frequency) or "
						"one for each label."},
	[P_OOB] =
		{"oob", AUG_PARAM_BOOL, "true", 0, 1, NULL,
		 "Score the rows that a tree did not draw: gives the out-of-bag error and, for regression, "
		 "prediction intervals."},
	[P_IMPORTANCE] = {"importance", AUG_PARAM_CHOICE, "impurity", 0, 0, "impurity|permutation|none",
					  "Feature importance: decrease of impurity; also loss of out-of-bag accuracy "
					  "when the feature is permuted; or none."},
	[P_MIN_IMPURITY_DECREASE] =
		{"min_impurity_decrease", AUG_PARAM_REAL, "0", 0, 1e300, NULL,
		 "A node is split only when this decreases the impurity by at least so much, "
		 "weighted by the node's share of the sample."},
};

enum
{
	FEATURES_AUTO,
	FEATURES_SQRT,
	FEATURES_THIRD,
	FEATURES_LOG2,
	FEATURES_ALL
};

enum
{
	CHOICE_AUTO,
	CHOICE_GINI,
	CHOICE_ENTROPY,
	CHOICE_SQUARED
};

/*
 * Features tried at a node for p features, at least 1, at most p.
 */
static uint32_t
features_tried(const AugParams *params, AugTask task, uint32_t p)
{
	int choice = aug_param_choice(params, P_MAX_FEATURES);
	double m;

	if (choice == FEATURES_AUTO)
		choice = task == AUG_CLASSIFICATION ? FEATURES_SQRT : FEATURES_THIRD;
	if (choice == FEATURES_SQRT)
		m = floor(sqrt((double) p));
	else if (choice == FEATURES_THIRD)
		m = floor(p / 3.0);
	else if (choice == FEATURES_LOG2)
		m = floor(log2((double) p));
	else if (choice == FEATURES_ALL)
		m = p;
	else
	{
		m = aug_param_number(params, P_MAX_FEATURES);
		m = m < 1 ? floor(m * p + 1e-9) : floor(m);
	}
	if (m < 1)
		m = 1;
	return m > p ? p : (uint32_t) m;
}

/*
 * The criterion for the task; AUG_INVALID when they do not go together.
 */
static AugStatus
resolve_criterion(const AugParams *params, AugTask task, ForestCriterion *out, AugError *err)
{
	int choice = aug_param_choice(params, P_CRITERION);

	if (task == AUG_REGRESSION)
	{
		if (choice == CHOICE_GINI || choice == CHOICE_ENTROPY)
			return aug_fail(err, AUG_INVALID, "criterion \"%s\" is for classification only",
							aug_params_value(params, P_CRITERION));
		*out = CRITERION_SQUARED;
		return AUG_OK;
	}
	if (choice == CHOICE_SQUARED)
		return aug_fail(err, AUG_INVALID, "criterion \"squared_error\" is for regression only");
	*out = choice == CHOICE_ENTROPY ? CRITERION_ENTROPY : CRITERION_GINI;
	return AUG_OK;
}

/* A count that may be "none". */
static uint32_t
number_or(const AugParams *params, ForestParam i, uint32_t none)
{
	if (aug_param_choice(params, i) >= 0)
		return none;
	return (uint32_t) aug_param_number(params, i);
}

/*
 * Resolves the parameters against the shape.  AUG_INVALID for combinations that
 * make no sense, naming the option.
 */
AugStatus
aug_forest_config(const AugShape *shape, const AugParams *params, ForestConfig *config,
				  AugError *err)
{
	AugStatus status;
	double fraction = aug_param_number(params, P_SAMPLE_FRACTION);
	double draws = floor(fraction * shape->n_rows + 0.5);
	bool some_out;

	memset(config, 0, sizeof(*config));
	config->task = shape->task;
	config->n_classes = shape->task == AUG_CLASSIFICATION ? shape->n_classes : 0;
	config->n_trees = (uint32_t) aug_param_number(params, P_N_TREES);
	config->max_depth = number_or(params, P_MAX_DEPTH, FOREST_NONE);
	config->min_leaf = (uint32_t) aug_param_number(params, P_MIN_SAMPLES_LEAF);
	config->min_split = (uint32_t) aug_param_number(params, P_MIN_SAMPLES_SPLIT);
	config->max_leaf_nodes = number_or(params, P_MAX_LEAF_NODES, 0);
	config->max_features = features_tried(params, shape->task, shape->n_narrow + shape->n_wide);
	config->bootstrap = aug_param_number(params, P_BOOTSTRAP) != 0;
	config->n_draws = draws < 1 ? 1 : (uint32_t) draws;
	config->random_cuts = aug_param_choice(params, P_SPLITTER) == 1;
	config->importance = (ForestImportance) aug_param_choice(params, P_IMPORTANCE);
	config->min_decrease = aug_param_number(params, P_MIN_IMPURITY_DECREASE);

	status = resolve_criterion(params, shape->task, &config->criterion, err);
	if (status != AUG_OK)
		return status;
	if (shape->task == AUG_REGRESSION && aug_param_choice(params, P_CLASS_WEIGHT) != 0)
		return aug_fail(err, AUG_INVALID, "class_weight is for classification only");

	some_out = config->bootstrap || config->n_draws < shape->n_rows;
	config->oob = some_out && aug_param_number(params, P_OOB) != 0;
	if (config->importance == IMPORTANCE_PERMUTATION && !some_out)
	{
		aug_fail(err, AUG_INVALID,
				 "importance \"permutation\" needs rows that a tree does not draw");
		aug_hint(err, "Set bootstrap to true or sample_fraction below 1.");
		return AUG_INVALID;
	}
	return AUG_OK;
}

/* Index of a class by its name, or FOREST_NONE. */
static uint32_t
class_index(const AugMatrix *matrix, const char *name)
{
	uint32_t i;

	for (i = 0; i < matrix->n_classes; i++)
		if (strcmp(matrix->class_names[i], name) == 0)
			return i;
	return FOREST_NONE;
}

/*
 * Weights of the classes: ones, balanced, or as given by parameter which.  counts:
 * rows of each class.  AUG_INVALID for a label that is no class, with the nearest one.
 */
AugStatus
aug_forest_class_weights(const AugMatrix *matrix, const AugParams *params, uint32_t which,
						 const uint64_t *counts, double *weights, AugError *err)
{
	int choice = aug_param_choice(params, which);
	uint32_t k, present = 0, n_pairs;
	double total = 0;

	for (k = 0; k < matrix->n_classes; k++)
	{
		weights[k] = 1;
		present += counts[k] > 0;
	}
	if (choice == 0)
		return AUG_OK;
	if (choice == 1)
	{
		for (k = 0; k < matrix->n_classes; k++)
			if (counts[k] > 0)
				weights[k] = matrix->n_rows / ((double) present * (double) counts[k]);
		return AUG_OK;
	}

	n_pairs = aug_param_pairs(params, which);
	for (k = 0; k < n_pairs; k++)
	{
		double value;
		const char *label = aug_param_pair(params, which, k, &value);
		uint32_t c = class_index(matrix, label);

		if (c == FOREST_NONE)
		{
			const char *near = aug_nearest(label, matrix->class_names, matrix->n_classes);

			aug_fail(err, AUG_INVALID, "class_weight names \"%s\", which is not a class of \"%s\"",
					 label, matrix->target);
			if (near != NULL)
				aug_hint(err, "Perhaps you meant \"%s\".", near);
			return AUG_INVALID;
		}
		weights[c] = value;
	}
	for (k = 0; k < matrix->n_classes; k++)
		total += weights[k] * (double) counts[k];
	if (!(total > 0))
		return aug_fail(err, AUG_INVALID, "class_weight gives every row the weight zero");
	return AUG_OK;
}
