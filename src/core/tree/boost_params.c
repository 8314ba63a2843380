/*-------------------------------------------------------------------------
 *
 * boost_params.c
 *		Gradient boosting's hyperparameters: declared once here, resolved against
 *		the data's shape before anything is allocated.
 *
 * Names follow augur's forest where it has the parameter, else XGBoost's and
 * LightGBM's, whose defaults most of them have.  Parameters of one loss only are
 * "auto" by default and refused with any other loss.
 *
 * Memory: none.  Interrupts: constant time.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "boost.h"

#define POISSON_STEP 0.7 /* largest step of a leaf, as in XGBoost */
#define ROW_LIMIT	 ((uint32_t) 1 << 29)

const AugParamSpec aug_boost_params[B_COUNT] = {
	[B_N_TREES] = {"n_trees", AUG_PARAM_INT, "100", 1, MAX_TREES, NULL,
				   "Number of rounds: trees, or for three classes and more trees of each class. "
				   "With early stopping, the most of them."},
	[B_LEARNING_RATE] =
		{"learning_rate", AUG_PARAM_REAL, "0.1", 1e-6, 1, NULL,
		 "What part of each tree is added. Smaller rates want more trees and are more accurate."},
	[B_MAX_LEAF_NODES] = {"max_leaf_nodes", AUG_PARAM_MIXED, "31", 2, 1e6, "none",
						  "Most leaves of a tree, which grows best leaf first."},
	[B_MAX_DEPTH] = {"max_depth", AUG_PARAM_MIXED, "none", 1, 1000000, "none",
					 "Most splits between the root and a leaf."},
	[B_MIN_SAMPLES_LEAF] = {"min_samples_leaf", AUG_PARAM_INT, "20", 1, 1e9, NULL,
							"Fewest rows in a leaf."},
	[B_MIN_CHILD_WEIGHT] = {"min_child_weight", AUG_PARAM_REAL, "0.001", 0, 1e300, NULL,
							"Least sum of second derivatives (of row weights, for "
							"squared error) in a leaf."},
	[B_LAMBDA] = {"lambda", AUG_PARAM_REAL, "1", 0, 1e300, NULL,
				  "L2 regularisation of the leaves' values."},
	[B_ALPHA] = {"alpha", AUG_PARAM_REAL, "0", 0, 1e300, NULL,
				 "L1 regularisation of the leaves' values."},
	[B_MIN_SPLIT_GAIN] = {"min_split_gain", AUG_PARAM_REAL, "0", 0, 1e300, NULL,
						  "A leaf is split only when this gains more."},
	[B_MAX_DELTA_STEP] = {"max_delta_step", AUG_PARAM_MIXED, "auto", 1e-9, 1e300, "auto|none",
						  "Largest value of a leaf, before the learning rate. "
						  "auto is 0.7 for poisson and none for other losses."},
	[B_SAMPLE_FRACTION] = {"sample_fraction", AUG_PARAM_REAL, "1", 1e-9, 1, NULL,
						   "Share of the rows that is drawn for each round, without replacement."},
	[B_MAX_FEATURES] = {"max_features", AUG_PARAM_MIXED, "all", 1e-9, AUG_MAX_FEATURES,
						"sqrt|third|log2|all",
						"Features tried at each split, of those of the tree: a rule, a count (1 "
						"and more) or a share (below 1)."},
	[B_MAX_FEATURES_TREE] =
		{"max_features_tree", AUG_PARAM_MIXED, "all", 1e-9, AUG_MAX_FEATURES, "sqrt|third|log2|all",
		 "Features drawn for each tree: a rule, a count (1 and more) or a share "
		 "(below 1)."},
	[B_LOSS] = {"loss", AUG_PARAM_CHOICE, "auto", 0, 0,
				"auto|squared_error|absolute_error|quantile|huber|poisson|tweedie|log_loss",
				"What is minimised. auto is squared_error for regression and log_loss for classes. "
				"poisson and tweedie model the logarithm of the mean of a target without negative "
				"values."},
	[B_QUANTILE] = {"quantile", AUG_PARAM_MIXED, "auto", 1e-6, 0.999999, "auto",
					"The quantile that loss quantile predicts. auto is 0.5."},
	[B_HUBER_DELTA] = {"huber_delta", AUG_PARAM_MIXED, "auto", 1e-300, 1e300, "auto",
					   "Residual, in units of the target, from which on loss huber is linear. "
					   "auto is 1."},
	[B_TWEEDIE_POWER] = {"tweedie_power", AUG_PARAM_MIXED, "auto", 1, 2, "auto",
						 "Power of the mean that the variance follows for loss tweedie: between 1 "
						 "(poisson) and 2 (gamma). auto is 1.5."},
	[B_EARLY_STOPPING_ROUNDS] =
		{"early_stopping_rounds", AUG_PARAM_MIXED, "none", 1, MAX_TREES, "none",
		 "Sets rows aside for validation, stops when their loss has not improved for so many "
		 "rounds, and keeps the best round. Regressions then have prediction intervals."},
	[B_VALIDATION_FRACTION] = {"validation_fraction", AUG_PARAM_MIXED, "auto", 0.001, 0.9, "auto",
							   "Share of the rows that early stopping sets aside. auto is 0.1."},
	[B_CLASS_WEIGHT] = {"class_weight", AUG_PARAM_MAP, "none", 0, 1e9, "none|balanced",
						"Weights of the classes: none, balanced (inverse to their frequency) or "
						"one for each label."},
	[B_CAT_SMOOTH] =
		{"cat_smooth", AUG_PARAM_REAL, "10", 0, 1e300, NULL,
		 "When the levels of a category are ordered, how many rows the node's mean counts "
		 "for in the mean of a level. Levels of fewer rows are taken together."},
	[B_CAT_L2] = {"cat_l2", AUG_PARAM_REAL, "10", 0, 1e300, NULL,
				  "L2 regularisation that is added for splits of a category of more than four "
				  "levels."},
};

/* Index of the choices of the rules of max_features. */
enum
{
	RULE_SQRT,
	RULE_THIRD,
	RULE_LOG2,
	RULE_ALL
};

/* Features by a rule, a count or a share; at least 1, at most p. */
static uint32_t
features_of(const AugParams *params, BoostParam i, uint32_t p)
{
	double m;

	switch (aug_param_choice(params, i))
	{
		case RULE_SQRT:
			m = floor(sqrt((double) p));
			break;
		case RULE_THIRD:
			m = floor(p / 3.0);
			break;
		case RULE_LOG2:
			m = floor(log2((double) p));
			break;
		case RULE_ALL:
			m = p;
			break;
		default:
			m = aug_param_number(params, i);
			m = m < 1 ? floor(m * p + 1e-9) : floor(m);
	}
	m = m < 1 ? 1 : m;
	return m > p ? p : (uint32_t) m;
}

/* A number that may be "none" or "auto". */
static double
number_or(const AugParams *params, BoostParam i, double other)
{
	return aug_param_choice(params, i) >= 0 ? other : aug_param_number(params, i);
}

/* The loss for the task; AUG_INVALID when they do not go together. */
static AugStatus
resolve_loss(const AugParams *params, AugTask task, BoostLoss *loss, AugError *err)
{
	int choice = aug_param_choice(params, B_LOSS);

	if (choice == 0)
		*loss = task == AUG_REGRESSION ? LOSS_SQUARED : LOSS_LOG;
	else
		*loss = (BoostLoss) (choice - 1);
	if ((*loss == LOSS_LOG) != (task == AUG_CLASSIFICATION))
		return aug_fail(err, AUG_INVALID, "loss \"%s\" is for %s only",
						aug_params_value(params, B_LOSS),
						*loss == LOSS_LOG ? "classification" : "regression");
	return AUG_OK;
}

/* Parameters that one loss has, given with another one. */
static AugStatus
check_loss_params(const AugParams *params, BoostLoss loss, AugError *err)
{
	static const struct
	{
		BoostParam param;
		BoostLoss loss;
		const char *name;
	} owned[] = {{B_QUANTILE, LOSS_QUANTILE, "quantile"},
				 {B_HUBER_DELTA, LOSS_HUBER, "huber"},
				 {B_TWEEDIE_POWER, LOSS_TWEEDIE, "tweedie"}};

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
	{
		if (aug_param_choice(params, owned[i].param) >= 0 || owned[i].loss == loss)
			continue;
		aug_fail(err, AUG_INVALID, "%s is for loss \"%s\" only",
				 aug_boost_params[owned[i].param].name, owned[i].name);
		aug_hint(err, "Set loss to \"%s\".", owned[i].name);
		return AUG_INVALID;
	}
	return AUG_OK;
}

static void
fill_config(const AugShape *shape, const AugParams *params, BoostConfig *c)
{
	uint32_t p = shape->n_narrow + shape->n_wide;

	c->task = shape->task;
	c->n_classes = shape->task == AUG_CLASSIFICATION ? shape->n_classes : 0;
	c->n_outputs = c->n_classes > 2 ? c->n_classes : 1;
	c->n_rounds = (uint32_t) aug_param_number(params, B_N_TREES);
	c->rate = aug_param_number(params, B_LEARNING_RATE);
	c->max_leaves = (uint32_t) number_or(params, B_MAX_LEAF_NODES, FOREST_NONE);
	c->max_depth = (uint32_t) number_or(params, B_MAX_DEPTH, FOREST_NONE);
	c->min_leaf = (uint32_t) aug_param_number(params, B_MIN_SAMPLES_LEAF);
	c->min_weight = aug_param_number(params, B_MIN_CHILD_WEIGHT);
	c->lambda = aug_param_number(params, B_LAMBDA);
	c->alpha = aug_param_number(params, B_ALPHA);
	c->min_gain = aug_param_number(params, B_MIN_SPLIT_GAIN);
	c->max_step = number_or(
		params, B_MAX_DELTA_STEP,
		aug_param_choice(params, B_MAX_DELTA_STEP) == 0 && c->loss == LOSS_POISSON ? POISSON_STEP
																				   : INFINITY);
	c->fraction = aug_param_number(params, B_SAMPLE_FRACTION);
	c->tree_features = features_of(params, B_MAX_FEATURES_TREE, p);
	c->node_features = features_of(params, B_MAX_FEATURES, c->tree_features);
	c->quantile = c->loss == LOSS_QUANTILE ? number_or(params, B_QUANTILE, 0.5) : 0.5;
	c->delta = number_or(params, B_HUBER_DELTA, 1);
	c->power = c->loss == LOSS_TWEEDIE ? number_or(params, B_TWEEDIE_POWER, 1.5) : 1;
	c->patience = (uint32_t) number_or(params, B_EARLY_STOPPING_ROUNDS, 0);
	c->validation = c->patience > 0 ? number_or(params, B_VALIDATION_FRACTION, 0.1) : 0;
	c->cat_smooth = aug_param_number(params, B_CAT_SMOOTH);
	c->cat_l2 = aug_param_number(params, B_CAT_L2);
}

/*
 * Resolves the parameters against the shape.  AUG_INVALID for combinations that
 * make no sense, naming the option; AUG_LIMIT for too many rows or trees.
 */
AugStatus
aug_boost_config(const AugShape *shape, const AugParams *params, BoostConfig *c, AugError *err)
{
	AugStatus status;

	memset(c, 0, sizeof(*c));
	status = resolve_loss(params, shape->task, &c->loss, err);
	if (status == AUG_OK)
		status = check_loss_params(params, c->loss, err);
	if (status != AUG_OK)
		return status;
	fill_config(shape, params, c);
	if (shape->task == AUG_REGRESSION && aug_param_choice(params, B_CLASS_WEIGHT) != 0)
		return aug_fail(err, AUG_INVALID, "class_weight is for classification only");
	if (c->patience == 0 && aug_param_choice(params, B_VALIDATION_FRACTION) < 0)
	{
		aug_fail(err, AUG_INVALID, "validation_fraction is for early stopping only");
		aug_hint(err, "Set early_stopping_rounds.");
		return AUG_INVALID;
	}
	if (shape->n_rows >= ROW_LIMIT)
		return aug_fail(err, AUG_LIMIT, "gradient boosting takes less than %u rows", ROW_LIMIT);
	if ((uint64_t) c->n_rounds * c->n_outputs > BOOST_MAX_TREES)
		return aug_fail(err, AUG_LIMIT, "%u rounds of %u classes are more than %u trees",
						c->n_rounds, c->n_outputs, (unsigned) BOOST_MAX_TREES);
	return AUG_OK;
}
