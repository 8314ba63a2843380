/*-------------------------------------------------------------------------
 *
 * test_boost.c
 *		Gradient boosting: exact small models by hand, derivatives of every loss,
 *		what every option does, missing values and categories, early stopping and
 *		its intervals.
 *
 * What holds for every algorithm (damaged bytes, bytes that do not depend on memory,
 * hostile rows) is in test_algorithms.c.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"
#include "../../src/core/tree/boost.h"

static const AugAlgorithm *
boosting(void)
{
	return aug_algorithm_find("gradient_boosting");
}

static void
train(UnitTraining *t, const AugMatrix *m, const char *params)
{
	unit_training_begin(t, boosting(), m, params, 1, 0);
	if (!CHECK(t->status == AUG_OK))
		fprintf(stderr, "%s: %s\n", params, t->err.message);
}

/* Value, or probability of the last class of two. */
static double
score(const UnitTraining *t, double x0, double x1)
{
	double x[2] = {x0, x1};

	return aug_model_score1(t->model, x, t->scratch);
}

static double
random_at(uint64_t i, uint64_t j)
{
	AugRng rng = aug_rng(12, i, j);

	return aug_rng_real(&rng);
}

/* One tree at full rate, leaves of any size: what it does is then known. */
#define ONE "lambda=0 n_trees=1 learning_rate=1 min_samples_leaf=1 "

/* ---- exact models ------------------------------------------------------ */

static const double eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* One step; y, the answers on its two sides, and the nodes of all trees. */
static void
steps(const char *params, const double *y, const double *weight, double low, double high,
	  uint64_t n_nodes)
{
	UnitTable d;
	UnitTraining t;

	unit_table(&d, 8, 1, eight, NULL, y, 0, weight);
	train(&t, &d.matrix, params);
	if (!CHECK(t.fit.n_nodes == n_nodes))
		fprintf(stderr, "%s: %llu nodes\n", params, (unsigned long long) t.fit.n_nodes);
	if (!CHECK_NEAR(score(&t, 1, 0), low, 1e-6) || !CHECK_NEAR(score(&t, 4.5, 0), low, 1e-6) ||
		!CHECK_NEAR(score(&t, 4.6, 0), high, 1e-6) ||
		!CHECK_NEAR(score(&t, INFINITY, 0), high, 1e-6))
		fprintf(stderr, "with %s\n", params);
	unit_training_end(&t);
	unit_table_free(&d);
}

static void
step(const char *params, const double *y, const double *weight, double low, double high)
{
	steps(params, y, weight, low, high, low == high ? 1 : 3);
}

/* -G / (H + lambda): G is 20 and H is 4 on each side. */
static void
exact_leaves(void)
{
	double y[8] = {0, 0, 0, 0, 10, 10, 10, 10}, w[8] = {2, 2, 2, 2, 1, 1, 1, 1};

	step(ONE "max_leaf_nodes=2", y, NULL, 0, 10);
	step(ONE, y, NULL, 0, 10);
	step(ONE "lambda=1", y, NULL, 1, 9);
	step(ONE "alpha=2", y, NULL, 0.5, 9.5);
	step(ONE "max_delta_step=3", y, NULL, 2, 8);
	step("lambda=0 n_trees=1 learning_rate=0.1 min_samples_leaf=4", y, NULL, 4.5, 5.5);
	steps("lambda=0 n_trees=2 learning_rate=0.5 min_samples_leaf=4", y, NULL, 1.25, 8.75, 6);
	/* the split gains 20^2 / 4 + 20^2 / 4 */
	step(ONE "min_split_gain=199.9", y, NULL, 0, 10);
	step(ONE "min_split_gain=200.1", y, NULL, 5, 5);
	step(ONE "min_child_weight=4", y, NULL, 0, 10);
	step(ONE "min_child_weight=4.1", y, NULL, 5, 5);
	step("n_trees=1 min_samples_leaf=5", y, NULL, 5, 5);
	/* weights: the mean is 40 / 12; G is 80 / 3 on each side, H 8 and 4 */
	step(ONE "lambda=1", y, w, 10.0 / 3 - 80.0 / 27, 10.0 / 3 + 16.0 / 3);
}

/* Exact by the target: offsets and ranges that single precision has not. */
static void
exact_ranges(void)
{
	static const double offset[] = {1.7e9, -4e15, 0, 0}, unit[] = {1, 1000, 1e-200, 1e200};
	double y[8];

	for (int k = 0; k < 4; k++)
	{
		for (int i = 0; i < 8; i++)
			y[i] = offset[k] + (i < 4 ? 0 : 10) * unit[k];
		if (unit[k] >= 1 && unit[k] < 1e100)
			step(ONE, y, NULL, y[0], y[7]);
		else
		{
			UnitTable d;
			UnitTraining t;

			unit_table(&d, 8, 1, eight, NULL, y, 0, NULL);
			train(&t, &d.matrix, ONE "alpha=0");
			CHECK_NEAR(score(&t, 1, 0) / unit[k], 0, 1e-5);
			CHECK_NEAR(score(&t, 8, 0) / unit[k], 10, 1e-5);
			unit_training_end(&t);
			unit_table_free(&d);
		}
	}
}

/* Medians and quantiles of the leaves' rows; steps on the log scale. */
static void
exact_losses(void)
{
	double y[8] = {1, 2, 3, 100, 11, 12, 13, 200}, counts[8] = {1, 1, 1, 1, 3, 3, 3, 3},
		   zeros[8] = {0, 0, 0, 0, 4, 4, 4, 4}, flat[8] = {0, 0, 0, 0, 10, 10, 10, 10},
		   e = exp(-0.5);

	/* best cuts by sign of the gradient: base 11.5, between 3 | 100 and so on */
	step(ONE "loss=absolute_error max_leaf_nodes=2 min_samples_leaf=4", y, NULL, 2.5, 12.5);
	step(ONE "loss=quantile quantile=0.5 max_leaf_nodes=2 min_samples_leaf=4", y, NULL, 2.5, 12.5);
	/* the base is 200, gradients -0.9 and 0 * at the 0.9 quantile of 8 rows */
	step(ONE "loss=absolute_error max_delta_step=1 max_leaf_nodes=2 min_samples_leaf=4", y, NULL,
		 10.5, 12.5);
	/* Huber: base 5, residuals of 5 count as delta = 2 */
	step(ONE "loss=huber huber_delta=2", flat, NULL, 3, 7);
	step(ONE "loss=huber", flat, NULL, 4, 6);
	/* poisson: mean 2, left G = 4 and H = 8 */
	step(ONE "loss=poisson", counts, NULL, 2 * e, 2 / e);
	step(ONE "loss=poisson", zeros, NULL, 2 * exp(-0.7), 2 * exp(0.7));
	step(ONE "loss=poisson max_delta_step=none", zeros, NULL, 2 * exp(-1), 2 * exp(1));
	step(ONE "loss=poisson max_delta_step=0.25", zeros, NULL, 2 * exp(-0.25), 2 * exp(0.25));
	/* a row's G = sqrt(2) -+ y / sqrt(2), H = (sqrt(2) + y / sqrt(2)) / 2 */
	step(ONE "loss=tweedie", counts, NULL, 2 * exp(-2.0 / 3), 2 * exp(0.4));
	/* gamma: G = 1 - y / 2, H = y / 2 */
	step(ONE "loss=tweedie tweedie_power=2", counts, NULL, 2 * exp(-1), 2 * exp(1.0 / 3));
	step(ONE "loss=tweedie tweedie_power=1", counts, NULL, 2 * e, 2 / e);
}

static void
exact_quantile(void)
{
	double y[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	UnitTable d;
	UnitTraining t;

	/* no split: the base alone, the value that reaches the share */
	unit_table(&d, 8, 1, eight, NULL, y, 0, NULL);
	train(&t, &d.matrix, "n_trees=1 loss=quantile quantile=0.9");
	CHECK_NEAR(score(&t, 1, 0), 8, 1e-6);
	unit_training_end(&t);
	train(&t, &d.matrix, "n_trees=1 loss=quantile quantile=0.25");
	CHECK_NEAR(score(&t, 1, 0), 2.5, 1e-6);
	unit_training_end(&t);
	unit_table_free(&d);
}

/* Log odds: g = p - y, h = p (1 - p); G is 2 and H is 1 on each side. */
static void
exact_logistic(void)
{
	double y[8] = {0, 0, 0, 0, 1, 1, 1, 1}, out[2], row = 8;
	UnitTable d;
	UnitTraining t;

	unit_table(&d, 8, 1, eight, NULL, y, 2, NULL);
	train(&t, &d.matrix, ONE);
	CHECK_NEAR(score(&t, 1, 0), 1 / (1 + exp(2)), 1e-7);
	CHECK_NEAR(score(&t, 8, 0), 1 / (1 + exp(-2)), 1e-7);
	aug_model_score(t.model, &row, t.scratch, out);
	CHECK_NEAR(out[0] + out[1], 1, 1e-15);
	CHECK(aug_model_info(t.model)->importance[0] == 1);
	unit_training_end(&t);
	train(&t, &d.matrix, ONE "lambda=1");
	CHECK_NEAR(score(&t, 8, 0), 1 / (1 + exp(-1)), 1e-7);
	unit_training_end(&t);
	unit_table_free(&d);

	/* no split: the share of class 1 */
	y[0] = y[1] = 1;
	unit_table(&d, 8, 1, eight, NULL, y, 2, NULL);
	train(&t, &d.matrix, "n_trees=1");
	CHECK_NEAR(score(&t, 1, 0), 0.75, 1e-7);
	unit_training_end(&t);
	train(&t, &d.matrix, "n_trees=1 class_weight=balanced");
	CHECK_NEAR(score(&t, 1, 0), 0.5, 1e-7);
	unit_training_end(&t);
	unit_table_free(&d);
}

/*
 * Three classes of two rows each, every p 1 / 3: h = 3/2 * 2/9 = 1/3.  The rows of a
 * class get -G/H = (2 * 2/3) / (2 / 3) = 2 in its own tree, the others -1.
 */
static void
exact_softmax(void)
{
	double y[6] = {0, 0, 1, 1, 2, 2}, out[3], x, own = exp(2), other = exp(-1);
	UnitTable d;
	UnitTraining t;

	unit_table(&d, 6, 1, eight, NULL, y, 3, NULL);
	train(&t, &d.matrix, ONE);
	CHECK(t.fit.n_trees == 1 && t.fit.n_nodes == 3 + 5 + 3);
	for (int i = 0; i < 6; i++)
	{
		x = eight[i];
		aug_model_score(t.model, &x, t.scratch, out);
		for (int k = 0; k < 3; k++)
			CHECK_NEAR(out[k], (k == i / 2 ? own : other) / (own + 2 * other), 1e-6);
	}
	unit_training_end(&t);
	unit_table_free(&d);
}

/* Importance is the gain of the splits, as shares. */
static void
exact_importance(void)
{
	double x[16] = {1, 1, 2, 1, 3, 1, 4, 1, 1, 2, 2, 2, 3, 2, 4, 2};
	double y[8] = {1, 1, 3, 3, 20, 20, 26, 26};
	UnitTable d;
	UnitTraining t;

	unit_table(&d, 8, 2, x, NULL, y, 0, NULL);
	train(&t, &d.matrix, ONE);
	CHECK(t.fit.n_nodes == 7);
	CHECK_NEAR(score(&t, 2.5, 1), 1, 1e-6);
	CHECK_NEAR(score(&t, 3, 2), 26, 1e-6);
	CHECK_NEAR(aug_model_info(t.model)->importance[1], 882.0 / (882 + 4 + 36), 1e-6);
	unit_training_end(&t);
	unit_table_free(&d);
}

/* ---- losses ------------------------------------------------------------ */

static void
derivatives(void)
{
	static const double scores[] = {-3, -0.7, 0.2, 1.1, 2.5}, targets[] = {0, 0.5, 1, 4};
	BoostConfig c = {.quantile = 0.3, .delta = 1.3};

	for (int loss = LOSS_SQUARED; loss <= LOSS_LOG; loss++)
	{
		for (int power = 0; power < 3; power++)
		{
			c.loss = (BoostLoss) loss;
			c.power = 1 + power / 2.0;
			for (unsigned k = 0; k < 20; k++)
			{
				double s = scores[k % 5], y = targets[k / 5], e = 1e-4, g, h,
					   down = aug_boost_row_loss(&c, y, s - e), at = aug_boost_row_loss(&c, y, s),
					   up = aug_boost_row_loss(&c, y, s + e);

				if (loss == LOSS_LOG && y != 0 && y != 1)
					continue;
				aug_boost_row(&c, y, s, &g, &h);
				CHECK_NEAR(g, (up - down) / (2 * e), 1e-6);
				if (loss == LOSS_SQUARED || loss >= LOSS_POISSON)
					CHECK_NEAR(h, (up - 2 * at + down) / (e * e), 1e-5);
				else
					CHECK(h == 1);
			}
		}
	}
}

static void
exponentials(void)
{
	for (double x = -699; x < 700; x += 0.37)
	{
		CHECK_NEAR(boost_exp(x) / exp(x), 1, 1e-13);
		CHECK_NEAR(boost_log(exp(x)), x, 1e-13);
	}
	CHECK(boost_exp(0) == 1 && boost_exp(1e9) == boost_exp(700) && boost_exp(-1e9) > 0);
}

/* ---- options ----------------------------------------------------------- */

static double
difference(const UnitTraining *a, const UnitTraining *b, const UnitData *d)
{
	uint32_t k = aug_model_info(a->model)->n_outputs;
	double one[4], two[4], largest = 0;

	for (uint32_t i = 0; i < d->matrix.n_rows; i++)
	{
		const double *x = d->raw + (size_t) i * d->matrix.n_features;

		aug_model_score(a->model, x, a->scratch, one);
		aug_model_score(b->model, x, b->scratch, two);
		for (uint32_t j = 0; j < k; j++)
			largest = fmax(largest, fabs(one[j] - two[j]));
	}
	return largest;
}

/* Every option changes the answers. */
static void
options_have_effects(void)
{
	static const struct
	{
		uint32_t classes;
		const char *base, *option;
	} cases[] = {
		{0, "", "n_trees=21"},
		{0, "", "learning_rate=0.2"},
		{0, "", "max_leaf_nodes=5"},
		{0, "", "max_leaf_nodes=none"},
		{0, "", "max_depth=2"},
		{0, "", "min_samples_leaf=40"},
		{0, "", "min_child_weight=50"},
		{0, "", "lambda=5"},
		{0, "", "alpha=5"},
		{0, "", "min_split_gain=20"},
		{0, "", "max_delta_step=0.2"},
		{0, "", "sample_fraction=0.5"},
		{0, "", "max_features=2"},
		{0, "", "max_features=sqrt"},
		{0, "", "max_features_tree=0.6"},
		{0, "", "max_features_tree=log2"},
		{0, "", "loss=absolute_error"},
		{0, "", "loss=huber"},
		{0, "", "loss=quantile"},
		{0, "", "loss=poisson"},
		{0, "", "loss=tweedie"},
		{0, "loss=quantile ", "quantile=0.8"},
		{0, "loss=huber ", "huber_delta=0.3"},
		{0, "loss=tweedie ", "tweedie_power=1.2"},
		{0, "", "early_stopping_rounds=2"},
		{0, "early_stopping_rounds=5 ", "validation_fraction=0.4"},
		{0, "", "cat_smooth=500"},
		{0, "", "cat_l2=0"},
		{2, "", "class_weight=balanced"},
		{3, "", "class_weight={\"no\":1,\"yes\":5,\"zebra\":2}"},
		{2, "", "lambda=5"},
		{3, "", "sample_fraction=0.5"},
		{4, "", "max_features=2"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		UnitDataOptions o = {.task = cases[i].classes > 0 ? AUG_CLASSIFICATION : AUG_REGRESSION,
							 .n_rows = 800,
							 .n_classes = cases[i].classes,
							 .missing = true,
							 .wide = true,
							 .seed = 5};
		UnitData d;
		UnitTraining a, b;
		char text[200];

		unit_data(&d, &o);
		for (uint32_t k = 0; k < o.n_rows && cases[i].classes == 0; k++)
			((double *) (uintptr_t) d.matrix.y)[k] = fabs(d.matrix.y[k]) * 3;
		snprintf(text, sizeof(text), "n_trees=20 %s", cases[i].base);
		train(&a, &d.matrix, text);
		snprintf(text, sizeof(text), "n_trees=20 %s%s", cases[i].base, cases[i].option);
		train(&b, &d.matrix, text);
		if (!CHECK(difference(&a, &b, &d) > 1e-4))
			fprintf(stderr, "%s does nothing\n", text);
		unit_training_end(&a);
		unit_training_end(&b);
		unit_data_free(&d);
	}
}

/* What does not go together, by its message. */
static void
refusals(void)
{
	static const struct
	{
		AugTask task;
		const char *params, *message;
	} cases[] = {
		{AUG_REGRESSION, "loss=log_loss", "loss \"log_loss\" is for classification only"},
		{AUG_CLASSIFICATION, "loss=poisson", "loss \"poisson\" is for regression only"},
		{AUG_REGRESSION, "quantile=0.7", "quantile is for loss \"quantile\" only"},
		{AUG_REGRESSION, "loss=squared_error huber_delta=2",
		 "huber_delta is for loss \"huber\" only"},
		{AUG_REGRESSION, "loss=poisson tweedie_power=1.2",
		 "tweedie_power is for loss \"tweedie\" only"},
		{AUG_REGRESSION, "validation_fraction=0.2",
		 "validation_fraction is for early stopping only"},
		{AUG_REGRESSION, "class_weight=balanced", "class_weight is for classification only"},
		{AUG_CLASSIFICATION, "n_trees=100000", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		UnitHost h;
		AugShape shape = {.task = cases[i].task,
						  .n_rows = 100,
						  .n_narrow = 3,
						  .n_classes = cases[i].task == AUG_CLASSIFICATION ? 3 : 0,
						  .stride = 4};
		AugPlan plan;
		AugError err;
		AugParams *p;
		AugStatus status;

		unit_host(&h);
		p = unit_params(&h, boosting(), cases[i].params);
		status = aug_plan(boosting(), &shape, p, &plan, &err);
		CHECK(status == (cases[i].message != NULL ? AUG_INVALID : AUG_OK));
		if (cases[i].message != NULL)
			CHECK_TEXT(err.message, cases[i].message);
		shape.n_classes = 101;
		if (cases[i].message == NULL)
			CHECK(aug_plan(boosting(), &shape, p, &plan, &err) == AUG_LIMIT);
		shape.n_rows = UINT32_MAX;
		CHECK(aug_plan(boosting(), &shape, p, &plan, &err) != AUG_OK);
		aug_params_free(p);
	}
}

/* Targets that a loss cannot have, and too few rows to set some aside. */
static void
refused_targets(void)
{
	double negative[8] = {1, 2, 3, -1, 1, 2, 3, 4}, zeros[8] = {0}, ok[8] = {0, 1, 0, 2};
	static const char *const params[] = {"loss=poisson", "loss=tweedie",
										 "loss=tweedie tweedie_power=2", "early_stopping_rounds=3"};
	double *y[] = {negative, zeros, ok, ok};

	for (int i = 0; i < 4; i++)
	{
		UnitTable d;
		UnitTraining t;

		unit_table(&d, i == 3 ? 3 : 8, 1, eight, NULL, y[i], 0, NULL);
		unit_training_begin(&t, boosting(), &d.matrix, params[i], 1, 0);
		CHECK(t.status == AUG_DATA && t.err.message[0] != '\0');
		unit_training_end(&t);
		unit_table_free(&d);
	}
}

/* Leaves and depths keep to their limits. */
static void
tree_sizes(void)
{
	UnitDataOptions o = {.task = AUG_REGRESSION, .n_rows = 500, .seed = 6};
	UnitData d;
	UnitTraining t;

	unit_data(&d, &o);
	train(&t, &d.matrix, "n_trees=1 max_leaf_nodes=7 min_samples_leaf=1");
	CHECK(t.fit.n_nodes == 13);
	unit_training_end(&t);
	train(&t, &d.matrix, "n_trees=3 max_depth=3 min_samples_leaf=1");
	CHECK(t.fit.n_nodes == 3 * 15);
	unit_training_end(&t);
	train(&t, &d.matrix, "n_trees=1 min_samples_leaf=100 max_leaf_nodes=none");
	CHECK(t.fit.n_nodes >= 5 && t.fit.n_nodes <= 9);
	unit_training_end(&t);
	unit_data_free(&d);
}

/* ---- missing values, categories ---------------------------------------- */

/* Missing values go to the side where they belong, on both. */
static void
missing_sides(void)
{
	for (int high = 0; high < 2; high++)
	{
		double x[40], y[40];
		UnitTable d;
		UnitTraining t;

		for (int i = 0; i < 40; i++)
		{
			x[i] = i < 10 ? (double) NAN : i;
			y[i] = (i < 10 ? high : i >= 25) * 10;
		}
		unit_table(&d, 40, 1, x, NULL, y, 0, NULL);
		train(&t, &d.matrix, ONE);
		CHECK(t.fit.n_nodes == 3);
		CHECK_NEAR(score(&t, NAN, 0), high * 10, 1e-6);
		CHECK_NEAR(score(&t, 12, 0), 0, 1e-6);
		CHECK_NEAR(score(&t, 39, 0), 10, 1e-6);
		unit_training_end(&t);
		unit_table_free(&d);
	}
}

/* Missing against all others; without missing ones in training, the larger side. */
static void
missing_alone(void)
{
	double x[40], y[40];
	UnitTable d;
	UnitTraining t;

	for (int i = 0; i < 40; i++)
	{
		x[i] = i < 10 ? (double) NAN : i;
		y[i] = i < 10 ? 7 : 1;
	}
	unit_table(&d, 40, 1, x, NULL, y, 0, NULL);
	train(&t, &d.matrix, ONE);
	CHECK(t.fit.n_nodes == 3);
	CHECK_NEAR(score(&t, NAN, 0), 7, 1e-6);
	CHECK_NEAR(score(&t, 1e9, 0), 1, 1e-6);
	unit_training_end(&t);
	unit_table_free(&d);
	for (int larger = 0; larger < 2; larger++)
	{
		for (int i = 0; i < 40; i++)
		{
			x[i] = i;
			y[i] = i < (larger ? 30 : 10) ? 2 : 4;
		}
		unit_table(&d, 40, 1, x, NULL, y, 0, NULL);
		train(&t, &d.matrix, ONE);
		CHECK_NEAR(score(&t, NAN, 0), larger ? 2 : 4, 1e-6);
		unit_training_end(&t);
		unit_table_free(&d);
	}
}

/*
 * A pattern of levels that no order of codes has takes few splits; levels that were not
 * seen go with the side of more levels, missing ones where they belong.
 */
static void
categories(uint32_t levels)
{
	uint32_t n = levels * 8;
	double *x = malloc(n * sizeof(double)), *y = malloc(n * sizeof(double));
	UnitTable d;
	UnitTraining t;

	if (x == NULL || y == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t level = i % levels;

		x[i] = level == 0 ? (double) NAN : level;
		y[i] = level % 3 == 0 ? 8 : 2;
	}
	unit_table(&d, n, 1, x, &levels, y, 0, NULL);
	train(&t, &d.matrix, ONE "cat_l2=0 cat_smooth=1");
	/* a split lists 32 levels at most */
	CHECK(levels > 32 ? t.fit.n_nodes > 3 : t.fit.n_nodes == 3);
	for (uint32_t i = 1; i < levels; i++)
		CHECK_NEAR(score(&t, i, 0), i % 3 == 0 ? 8 : 2, 1e-6);
	CHECK_NEAR(score(&t, NAN, 0), 8, 1e-6);
	/* level 0 is a level that no row has */
	CHECK_NEAR(score(&t, 0, 0), 2, 1e-6);
	CHECK_NEAR(score(&t, AUG_UNSEEN_LEVEL, 0), 2, 1e-6);
	unit_training_end(&t);
	unit_table_free(&d);
	free(x);
	free(y);
}

static void
categories_of_any_number(void)
{
	categories(7);
	categories(255);
	categories(256);
	categories(1000);
}

/* A feature of as many levels as rows does not beat one that tells something. */
static void
many_levels_are_not_learned_by_heart(void)
{
	uint32_t n = 2000, levels[2] = {0, 2000};
	double *x = malloc(2 * n * sizeof(double)), *y = malloc(n * sizeof(double));
	UnitTable d;
	UnitTraining t;

	if (x == NULL || y == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++)
	{
		x[2 * i] = random_at(i, 1);
		x[2 * i + 1] = i;
		y[i] = 3 * x[2 * i] + random_at(i, 2);
	}
	unit_table(&d, n, 2, x, levels, y, 0, NULL);
	train(&t, &d.matrix, "n_trees=30");
	CHECK(aug_model_info(t.model)->importance[0] > 0.9);
	unit_training_end(&t);
	unit_table_free(&d);
	free(x);
	free(y);
}

/* ---- whole trainings --------------------------------------------------- */

/* Rows and cells score the same; answers are the training's own. */
static void
cells_and_values_agree(void)
{
	for (uint32_t classes = 0; classes <= 4; classes += classes == 0 ? 2 : 1)
	{
		for (int wide = 0; wide < 2; wide++)
		{
			UnitDataOptions o = {.task = classes == 0 ? AUG_REGRESSION : AUG_CLASSIFICATION,
								 .n_rows = 400,
								 .n_classes = classes,
								 .missing = true,
								 .wide = wide == 1,
								 .seed = 4};
			UnitData d;
			UnitTraining t;
			uint32_t k = classes == 0 ? 1 : classes;
			double all[1600], one[4];

			unit_data(&d, &o);
			train(&t, &d.matrix, "n_trees=13");
			CHECK(aug_model_score_matrix(t.model, &t.h.host, &d.matrix, 0, 400, all, &t.err) ==
				  AUG_OK);
			for (uint32_t i = 0; i < 400; i++)
			{
				aug_model_score(t.model, d.raw + i * d.matrix.n_features, t.scratch, one);
				for (uint32_t c = 0; c < k; c++)
					CHECK(one[c] == all[i * k + c]);
			}
			unit_training_end(&t);
			unit_data_free(&d);
		}
	}
}

/* Leaves of one row each, more of them than there is room for histograms. */
static void
histograms_given_up(void)
{
	uint32_t n = 1500, p = 40;
	double *x = malloc((size_t) n * p * sizeof(double)), *y = malloc(n * sizeof(double));
	UnitTable d;
	UnitTraining t;

	if (x == NULL || y == NULL)
		abort();
	for (uint32_t i = 0; i < n * p; i++)
		x[i] = random_at(i, 3);
	for (uint32_t i = 0; i < n; i++)
		y[i] = i % 97 + i / 1000.0;
	unit_table(&d, n, p, x, NULL, y, 0, NULL);
	train(&t, &d.matrix, ONE "max_leaf_nodes=none min_child_weight=0");
	CHECK(t.fit.n_nodes == 2 * n - 1);
	for (uint32_t i = 0; i < n; i++)
		CHECK_NEAR(aug_model_score1(t.model, x + i * p, t.scratch), y[i], 1e-5);
	CHECK(t.h.peak < (size_t) 160 << 20);
	unit_training_end(&t);
	unit_table_free(&d);
	free(x);
	free(y);
}

/* The rows' order matters to rounding only. */
static void
order_of_rows(void)
{
	uint32_t n = 600;
	double x[1200], y[600], turned_x[1200], turned_y[600];
	UnitTable d, e;
	UnitTraining t, u;

	for (uint32_t i = 0; i < n; i++)
	{
		x[2 * i] = turned_x[2 * (n - 1 - i)] = random_at(i, 1);
		x[2 * i + 1] = turned_x[2 * (n - 1 - i) + 1] = floor(random_at(i, 2) * 5);
		y[i] = turned_y[n - 1 - i] = floor(8 * x[2 * i]) + x[2 * i + 1];
	}
	unit_table(&d, n, 2, x, NULL, y, 0, NULL);
	unit_table(&e, n, 2, turned_x, NULL, turned_y, 0, NULL);
	train(&t, &d.matrix, "n_trees=30");
	train(&u, &e.matrix, "n_trees=30");
	for (uint32_t i = 0; i < n; i++)
		CHECK_NEAR(score(&t, x[2 * i], x[2 * i + 1]), score(&u, x[2 * i], x[2 * i + 1]), 1e-6);
	unit_training_end(&t);
	unit_training_end(&u);
	unit_table_free(&d);
	unit_table_free(&e);
}

/* The same bytes whatever memory held before; others with another seed. */
static void
same_bytes(void)
{
	for (uint32_t classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1)
	{
		UnitDataOptions o = {.task = classes == 0 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 500,
							 .n_classes = classes,
							 .weights = true,
							 .missing = true,
							 .wide = true,
							 .seed = 3};
		static const char params[] = "n_trees=15 sample_fraction=0.7 max_features=3 "
									 "max_features_tree=4 early_stopping_rounds=4";
		UnitData d;
		UnitTraining a, b;

		unit_data(&d, &o);
		unit_training_begin(&a, boosting(), &d.matrix, params, 5, 0);
		unit_training_begin(&b, boosting(), &d.matrix, params, 5, 77);
		CHECK(a.status == AUG_OK && b.status == AUG_OK);
		CHECK(a.length == b.length && memcmp(a.artifact, b.artifact, a.length) == 0);
		unit_training_end(&b);
		unit_training_begin(&b, boosting(), &d.matrix, params, 6, 0);
		CHECK(difference(&a, &b, &d) > 1e-6);
		unit_training_end(&b);
		unit_training_end(&a);
		unit_data_free(&d);
	}
}

static void
fit_is_good(void)
{
	UnitDataOptions o = {.task = AUG_REGRESSION, .n_rows = 20000, .wide = true, .seed = 8};
	UnitData d, test;
	UnitTraining t;
	double errors = 0, total = 0, mean;

	unit_data(&d, &o);
	o.seed = 9;
	unit_data(&test, &o);
	train(&t, &d.matrix, "");
	mean = aug_model_info(t.model)->base;
	for (uint32_t i = 0; i < o.n_rows; i++)
	{
		double v =
			aug_model_score1(t.model, test.raw + (size_t) i * test.matrix.n_features, t.scratch);

		errors += (v - test.matrix.y[i]) * (v - test.matrix.y[i]);
		total += (mean - test.matrix.y[i]) * (mean - test.matrix.y[i]);
	}
	/* the noise is 0.5 times a triangle of variance 1 / 6: 0.042 of about 1.9 */
	if (!CHECK(errors / o.n_rows < 0.06))
		fprintf(stderr, "mean squared error %g\n", errors / o.n_rows);
	CHECK(total / o.n_rows > 1.2);
	unit_training_end(&t);
	unit_data_free(&d);
	unit_data_free(&test);
}

/* ---- early stopping ---------------------------------------------------- */

static void
early_stopping(void)
{
	for (uint32_t classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1)
	{
		UnitDataOptions o = {.task = classes == 0 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 1500,
							 .n_classes = classes,
							 .missing = true,
							 .seed = 10};
		UnitData d;
		UnitTraining t, u;
		const AugModelInfo *info;
		char text[100];

		unit_data(&d, &o);
		train(&t, &d.matrix, "n_trees=2000 learning_rate=0.3 early_stopping_rounds=7");
		info = aug_model_info(t.model);
		CHECK(t.fit.n_trees > 3 && t.fit.n_trees < 500);
		CHECK(t.fit.rounds_run == t.fit.n_trees + 7);
		CHECK(info->fit.n_trees == t.fit.n_trees && info->fit.rounds_run == t.fit.rounds_run);
		CHECK(t.fit.validation_loss > 0 && info->fit.validation_loss == t.fit.validation_loss);
		CHECK(info->fit.n_nodes == t.fit.n_nodes);
		CHECK(info->has_interval == (classes == 0));
		/* the rounds kept are the first of a longer training */
		snprintf(text, sizeof(text), "n_trees=%u learning_rate=0.3 early_stopping_rounds=2000",
				 t.fit.n_trees);
		train(&u, &d.matrix, text);
		CHECK(u.fit.n_trees == t.fit.n_trees && u.fit.validation_loss == t.fit.validation_loss);
		CHECK(difference(&t, &u, &d) == 0);
		unit_training_end(&u);
		train(&u, &d.matrix, "n_trees=5");
		CHECK(isnan(u.fit.validation_loss) && u.fit.rounds_run == 0);
		CHECK(!aug_model_info(u.model)->has_interval);
		unit_training_end(&u);
		unit_training_end(&t);
		unit_data_free(&d);
	}
}

/* Intervals of new rows cover what they say. */
static void
intervals(void)
{
	static const char *const params[] = {"early_stopping_rounds=5 validation_fraction=0.3",
										 "early_stopping_rounds=5 validation_fraction=0.3 "
										 "loss=poisson"};

	for (int k = 0; k < 2; k++)
	{
		UnitDataOptions o = {.task = AUG_REGRESSION, .n_rows = 3000, .seed = 13};
		UnitData d, test;
		UnitTraining t;

		unit_data(&d, &o);
		o.seed = 14;
		unit_data(&test, &o);
		for (uint32_t i = 0; i < o.n_rows && k == 1; i++)
		{
			((double *) (uintptr_t) d.matrix.y)[i] = fabs(d.matrix.y[i]);
			((double *) (uintptr_t) test.matrix.y)[i] = fabs(test.matrix.y[i]);
		}
		train(&t, &d.matrix, params[k]);
		for (double level = 0.5; level < 1; level += 0.2)
		{
			double covered = 0, lower, upper;

			for (uint32_t i = 0; i < o.n_rows; i++)
			{
				aug_model_interval(t.model, test.raw + (size_t) i * test.matrix.n_features,
								   t.scratch, level, &lower, &upper);
				CHECK(lower <= upper && (k == 0 || lower >= 0));
				covered += test.matrix.y[i] >= lower && test.matrix.y[i] <= upper;
			}
			CHECK_NEAR(covered / o.n_rows, level, 0.04);
		}
		unit_training_end(&t);
		unit_data_free(&d);
		unit_data_free(&test);
	}
}

/* ---- failing allocations, cancelling ----------------------------------- */

static const char *const failing_params[4] = {
	"{\"n_trees\": 3, \"early_stopping_rounds\": 2, \"sample_fraction\": 0.8}",
	"{\"n_trees\": 2, \"max_leaf_nodes\": 64, \"min_samples_leaf\": 1}",
	"{\"n_trees\": 3, \"loss\": \"absolute_error\", \"early_stopping_rounds\": 1}",
	"{\"n_trees\": 2, \"max_features_tree\": 3, \"max_features\": 2}"};

static void
failing(UnitFailing *f, uint32_t kind, uint32_t n_rows)
{
	UnitDataOptions o = {.task = kind == 2 ? AUG_REGRESSION : AUG_CLASSIFICATION,
						 .n_rows = n_rows,
						 .n_classes = kind == 2 ? 0 : 2 + kind % 2,
						 .weights = kind == 1,
						 .missing = true,
						 .wide = true,
						 .seed = kind};

	f->algorithm = boosting();
	f->params = failing_params[kind];
	unit_data(&f->data, &o);
}

static void
survives_failures(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		UnitFailing f;

		failing(&f, kind, 300);
		CHECK(unit_fail_each(unit_train_and_read, &f) > 30);
		unit_data_free(&f.data);
	}
}

static void
answers_cancel(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		UnitFailing f;

		failing(&f, kind, 9000);
		CHECK(unit_cancel_each(unit_train_and_read, &f) > 5);
		unit_data_free(&f.data);
	}
}

static const UnitTest tests[] = {
	{"exact_leaves", exact_leaves},
	{"exact_ranges", exact_ranges},
	{"exact_losses", exact_losses},
	{"exact_quantile", exact_quantile},
	{"exact_logistic", exact_logistic},
	{"exact_softmax", exact_softmax},
	{"exact_importance", exact_importance},
	{"derivatives", derivatives},
	{"exponentials", exponentials},
	{"options_have_effects", options_have_effects},
	{"refusals", refusals},
	{"refused_targets", refused_targets},
	{"tree_sizes", tree_sizes},
	{"missing_sides", missing_sides},
	{"missing_alone", missing_alone},
	{"categories_of_any_number", categories_of_any_number},
	{"many_levels_are_not_learned_by_heart", many_levels_are_not_learned_by_heart},
	{"cells_and_values_agree", cells_and_values_agree},
	{"histograms_given_up", histograms_given_up},
	{"order_of_rows", order_of_rows},
	{"same_bytes", same_bytes},
	{"fit_is_good", fit_is_good},
	{"early_stopping", early_stopping},
	{"intervals", intervals},
	{"survives_failures", survives_failures},
	{"answers_cancel", answers_cancel},
};

UNIT_MAIN("boost", tests);
