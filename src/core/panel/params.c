/*-------------------------------------------------------------------------
 *
 * params.c
 *		The options of a model over many series, declared once; what the features are.
 *
 * Options of the trees have the names that gradient boosting gives them.
 *
 * Memory: none.  Interrupts: constant time.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "panel.h"

static const AugParamSpec panel_params[P_COUNT] = {
	[P_LOSS] = {"loss", AUG_PARAM_CHOICE, "auto", 0, 0,
				"auto|squared_error|absolute_error|poisson|tweedie",
				"What the trees minimise, on values over the level of their series. auto is "
				"absolute_error. poisson and tweedie are for values that are never negative."},
	[P_TWEEDIE_POWER] = {"tweedie_power", AUG_PARAM_MIXED, "auto", 1, 2, "auto",
						 "Power of the mean that the variance follows for loss tweedie. auto is "
						 "1.5."},
	[P_TRANSFORM] = {"transform", AUG_PARAM_CHOICE, "auto", 0, 0, "auto|none|log",
					 "Whether the trees learn logarithms: effects that multiply, less pull of "
					 "large values. auto is log when no value is negative and fewer than one in "
					 "ten is zero."},
	[P_LAGS] = {"lags", AUG_PARAM_MIXED, "auto", 1, 100, "auto",
				"Latest values that are features each. auto is one season of 4 to 28 steps, 12 "
				"where it is longer."},
	[P_DIRECT] = {"direct_steps", AUG_PARAM_MIXED, "auto", 1, PANEL_MAX_DIRECT, "auto",
				  "Steps ahead that the model forecasts directly, each with what is known at the "
				  "origin. Further ones are forecast from forecasts. auto is the horizon, at most "
				  "400; 1 is recursive forecasting."},
	[P_N_TREES] = {"n_trees", AUG_PARAM_INT, "1000", 1, 1e5, NULL,
				   "Trees, or with early stopping the most of them."},
	[P_EARLY_STOPPING] =
		{"early_stopping_rounds", AUG_PARAM_MIXED, "50", 1, 1e5, "none",
		 "The last horizon of each series shows when more trees stop helping for so many rounds; "
		 "then the model is trained on all with as many trees as were best."},
	[P_LEARNING_RATE] = {"learning_rate", AUG_PARAM_REAL, "0.05", 1e-6, 1, NULL,
						 "What part of each tree is added."},
	[P_MAX_LEAF_NODES] = {"max_leaf_nodes", AUG_PARAM_INT, "15", 2, 1e6, NULL,
						  "Most leaves of a tree."},
	[P_MIN_SAMPLES_LEAF] = {"min_samples_leaf", AUG_PARAM_INT, "20", 1, 1e9, NULL,
							"Fewest rows in a leaf."},
	[P_LAMBDA] = {"lambda", AUG_PARAM_REAL, "1", 0, 1e300, NULL,
				  "L2 regularisation of the leaves' values."},
	[P_SAMPLE_FRACTION] = {"sample_fraction", AUG_PARAM_REAL, "0.8", 1e-9, 1, NULL,
						   "Share of the rows that is drawn for each tree."},
	[P_MAX_FEATURES] = {"max_features", AUG_PARAM_MIXED, "0.5", 1e-9, AUG_MAX_FEATURES,
						"sqrt|third|log2|all",
						"Features drawn for each tree: a rule, a count (1 and more) or a share "
						"(below 1)."},
	[P_MAX_ROWS] = {"max_rows", AUG_PARAM_INT, "30000", 100, 1e8, NULL,
					"Most rows (series, origin, step) that are learnt from; where there are more, "
					"they are drawn. Decides memory and time."},
	[P_FOLDS] = {"folds", AUG_PARAM_INT, "3", 0, AUG_MAX_FOLDS, NULL,
				 "Rolling origins, a horizon apart, from which errors and intervals come: one "
				 "training each. With 0 there are no intervals."},
	[P_LOWER_BOUND] = {"lower_bound", AUG_PARAM_MIXED, "none", -1e300, 1e300, "none",
					   "Forecasts and intervals are cut below here: 0 for demand."},
	[P_UPPER_BOUND] = {"upper_bound", AUG_PARAM_MIXED, "none", -1e300, 1e300, "none",
					   "Forecasts and intervals are cut above here."},
	[P_INTEGER] = {"integer", AUG_PARAM_BOOL, "false", 0, 1, NULL,
				   "Round forecasts to whole numbers, and intervals outwards."},
};

static const AugAlgorithm about = {
	.name = "global_boosting",
	.title = "Global gradient boosting on lags",
	.help = "One gradient boosting model over all series of a table, from lags, rolling means, "
			"calendar, regressors known ahead and key columns. For many related series, or when "
			"promotions and prices drive them. References: Montero-Manso and Hyndman 2021; "
			"Januschowski and others 2022.",
	.regression = true,
	.n_params = P_COUNT,
	.params = panel_params};

const AugAlgorithm *
aug_panel_about(void)
{
	return &about;
}

/*
 * Windows: about one season (a few steps where it is long or missing), four and
 * thirteen of them.
 */
AugStatus
aug_panel_shape(PanelShape *shape, AugError *err)
{
	uint32_t first, n_varying = 0;

	for (uint32_t j = 0; j < shape->n_regressors; j++)
		n_varying += shape->varies[j] ? 1 : 0;
	shape->full = n_varying <= PANEL_FULL_X;
	shape->main = shape->n_periods > 0 ? shape->period[0] : 1;
	first = shape->main >= 4 && shape->main <= 28 ? shape->main : 4;
	shape->window[0] = first;
	shape->window[1] = 4 * first;
	shape->window[2] = 13 * first;
	shape->n_numbers = aug_panel_feature_names(shape, NULL, NULL, NULL);
	shape->n_features = shape->n_numbers + shape->n_statics;
	if (shape->n_features > PANEL_FEATURES)
		return aug_fail(err, AUG_LIMIT, "the model would have %u features, more than %d",
						shape->n_features, PANEL_FEATURES);
	return AUG_OK;
}
