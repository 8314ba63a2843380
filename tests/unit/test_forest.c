/*-------------------------------------------------------------------------
 *
 * test_forest.c
 *		The random forest: exact small trees, what every option does, missing
 *		values and categories, out-of-bag figures, intervals, hostile bodies.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"

static const AugAlgorithm *
forest(void)
{
	return aug_algorithm_find("random_forest");
}

typedef UnitTraining Training;
typedef UnitTable Table;

static void
training_begin(Training *t, const AugMatrix *m, const char *params, uint64_t seed, uint64_t order)
{
	unit_training_begin(t, forest(), m, params, seed, order);
}

static void
training_end(Training *t)
{
	unit_training_end(t);
}

static void
same_bytes_in_any_order(void)
{
	for (int kind = 0; kind < 8; kind++)
	{
		UnitDataOptions o = {.task = kind % 4 == 3 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 500,
							 .n_classes = kind % 4 == 3 ? 0 : 2 + (uint32_t) (kind % 4),
							 .weights = kind >= 4,
							 .missing = true,
							 .wide = true,
							 .seed = 3};
		UnitData d;
		Training a, b;

		unit_data(&d, &o);
		training_begin(&a, &d.matrix, "n_trees=9 importance=permutation", 5, 0);
		training_begin(&b, &d.matrix, "n_trees=9 importance=permutation", 5, 77);
		CHECK(a.status == AUG_OK && b.status == AUG_OK);
		CHECK(a.length == b.length && memcmp(a.artifact, b.artifact, a.length) == 0);
		training_end(&b);
		training_begin(&b, &d.matrix, "n_trees=9 importance=permutation", 6, 0);
		CHECK(a.length != b.length || memcmp(a.artifact, b.artifact, a.length) != 0);
		training_end(&b);
		training_end(&a);
		unit_data_free(&d);
	}
}

/* Raw rows and cells of the same rows score the same. */
static void
cells_and_values_agree(void)
{
	for (uint32_t classes = 0; classes <= 4; classes += classes == 0 ? 2 : 1)
	{
		UnitDataOptions o = {.task = classes == 0 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 400,
							 .n_classes = classes,
							 .missing = true,
							 .wide = true,
							 .seed = 4};
		UnitData d;
		Training t;
		uint32_t k = classes == 0 ? 1 : classes;
		double *all, *one = malloc(k * sizeof(double));

		unit_data(&d, &o);
		training_begin(&t, &d.matrix, "n_trees=7", 1, 0);
		CHECK(t.status == AUG_OK);
		all = malloc(400 * k * sizeof(double));
		CHECK(aug_model_score_matrix(t.model, &t.h.host, &d.matrix, 0, 400, all, &t.err) == AUG_OK);
		for (uint32_t i = 0; i < 400; i++)
		{
			double sum = 0;

			aug_model_score(t.model, d.raw + i * d.matrix.n_features, t.scratch, one);
			for (uint32_t c = 0; c < k; c++)
			{
				CHECK(one[c] == all[i * k + c]);
				sum += one[c];
			}
			if (classes > 0)
				CHECK_NEAR(sum, 1, 1e-12);
			if (k <= 2)
				CHECK(aug_model_score1(t.model, d.raw + i * d.matrix.n_features, t.scratch) ==
					  one[k - 1]);
		}
		free(all);
		free(one);
		training_end(&t);
		unit_data_free(&d);
	}
}

/* ---- failing allocations, cancelling ----------------------------------- */

static const char permute[] = "{\"n_trees\": 2, \"importance\": \"permutation\"}";

static void
survives_failures(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		UnitFailing step = {.algorithm = forest(),
							.params = kind % 2 == 0 ? permute
													: "{\"n_trees\": 3, \"max_leaf_nodes\": 20}"};
		UnitDataOptions o = {.task = kind == 3 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 300,
							 .n_classes = kind == 3 ? 0 : kind + 2,
							 .weights = kind == 2,
							 .missing = true,
							 .wide = true,
							 .seed = kind};

		unit_data(&step.data, &o);
		CHECK(unit_fail_each(unit_train_and_read, &step) > 20);
		unit_data_free(&step.data);
	}
}

static void
answers_cancel(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		UnitFailing step = {.algorithm = forest(), .params = permute};
		UnitDataOptions o = {.task = kind == 3 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 9000,
							 .n_classes = kind == 3 ? 0 : kind + 2,
							 .weights = kind == 2,
							 .missing = true,
							 .wide = true,
							 .seed = kind};

		unit_data(&step.data, &o);
		CHECK(unit_cancel_each(unit_train_and_read, &step) > 5);
		unit_data_free(&step.data);
	}
}

/* ---- small tables by hand ---------------------------------------------- */

/* Value, or probability of the last class of two, of one row. */
static double
score(const Training *t, double x0, double x1)
{
	double x[2] = {x0, x1};

	return aug_model_score1(t->model, x, t->scratch);
}

/* All rows, every feature, one tree: what a tree does is then known. */
#define PLAIN "n_trees=1 bootstrap=false max_features=all "

static double
random_at(uint64_t i, uint64_t j)
{
	AugRng rng = aug_rng(11, i, j);

	return aug_rng_real(&rng);
}

/* ---- exact trees ------------------------------------------------------- */

static void
exact_step(void)
{
	double x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {0, 0, 0, 0, 10, 10, 10, 10};
	Table d;
	Training t;

	unit_table(&d, 8, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.status == AUG_OK && t.fit.n_nodes == 3 && t.fit.n_trees == 1);
	CHECK(score(&t, -INFINITY, 0) == 0 && score(&t, 4.5, 0) == 0);
	CHECK(score(&t, 4.5001, 0) == 10 && score(&t, INFINITY, 0) == 10);
	CHECK(isnan(t.fit.oob_error) && !aug_model_info(t.model)->has_interval);
	CHECK_NEAR(aug_model_info(t.model)->base, 5, 1e-12);
	training_end(&t);
	unit_table_free(&d);
}

/* Two features; the better first split is on the second, then each side on the first. */
static void
exact_two_levels(void)
{
	double x[16] = {1, 1, 2, 1, 3, 1, 4, 1, 1, 2, 2, 2, 3, 2, 4, 2};
	double y[8] = {1, 1, 3, 3, 20, 20, 26, 26};
	Table d;
	Training t;

	unit_table(&d, 8, 2, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN "max_depth=1", 1, 0);
	CHECK(t.fit.n_nodes == 3);
	CHECK(score(&t, 1, 1) == 2 && score(&t, 4, 1) == 2 && score(&t, 1, 2) == 23);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 7);
	CHECK(score(&t, 2.5, 1) == 1 && score(&t, 2.6, 1) == 3 && score(&t, 2, 2) == 20 &&
		  score(&t, 3, 2) == 26);
	CHECK_NEAR(aug_model_info(t.model)->importance[1], 882.0 / (882 + 4 + 36), 1e-6);
	training_end(&t);
	unit_table_free(&d);
}

/* Leaves of big integers and large offsets are exact. */
static void
exact_values(void)
{
	double x[6] = {1, 2, 3, 4, 5, 6}, y[6];
	Table d;
	Training t;

	for (int k = 0; k < 3; k++)
	{
		static const double offset[] = {0, 1.7e9, -4e15};

		for (int i = 0; i < 6; i++)
			y[i] = offset[k] + (double) (i * i * 1000);
		unit_table(&d, 6, 1, x, NULL, y, 0, NULL);
		training_begin(&t, &d.matrix, PLAIN, 1, 0);
		for (int i = 0; i < 6; i++)
			CHECK(score(&t, x[i], 0) == y[i]);
		training_end(&t);
		unit_table_free(&d);
	}
	/* ranges that single precision does not hold */
	for (int k = 0; k < 2; k++)
	{
		double unit = k == 0 ? 1e-200 : 1e200;

		for (int i = 0; i < 6; i++)
			y[i] = i * unit;
		unit_table(&d, 6, 1, x, NULL, y, 0, NULL);
		training_begin(&t, &d.matrix, PLAIN, 1, 0);
		for (int i = 0; i < 6; i++)
			CHECK_NEAR(score(&t, x[i], 0) / unit, i, 1e-6);
		training_end(&t);
		unit_table_free(&d);
	}
}

static void
exact_classes(void)
{
	double x[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, y[10] = {0, 0, 0, 1, 0, 1, 1, 1, 0, 1};
	double row = 4;
	Table d;
	Training t;
	double out[2];

	unit_table(&d, 10, 1, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, PLAIN "max_depth=1", 1, 0);
	/* gini: 3 of 0 | 5 of 1 and 2 of 0 is the best cut */
	CHECK_NEAR(score(&t, 1, 0), 0, 0);
	CHECK_NEAR(score(&t, 4, 0), 5.0 / 7, 1e-6);
	aug_model_score(t.model, &row, t.scratch, out);
	CHECK_NEAR(out[0], 2.0 / 7, 1e-6);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	for (int i = 0; i < 10; i++)
		CHECK(score(&t, x[i], 0) == y[i]);
	training_end(&t);
	unit_table_free(&d);
}

/* ---- options ----------------------------------------------------------- */

/* n rows of noise in p columns, the target from the first two. */
static void
noise_table(Table *d, uint32_t n, uint32_t p, uint32_t n_classes, double *y)
{
	double *x = malloc((size_t) n * p * sizeof(double));

	if (x == NULL)
		abort();
	for (uint32_t i = 0; i < n * p; i++)
		x[i] = random_at(i, 1);
	for (uint32_t i = 0; i < n; i++)
	{
		double v = 4 * x[i * p] + (p > 1 && x[i * p + 1] > 0.5 ? 2 : 0) + random_at(i, 2);

		y[i] = n_classes == 0 ? v : v < 3 ? 0 : n_classes == 2 || v < 5 ? 1 : 2;
	}
	unit_table(d, n, p, x, NULL, y, n_classes, NULL);
	free(x);
}

/* Rows of the training data that share each prediction, at least. */
static uint32_t
smallest_leaf(const Training *t, const Table *d)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < d->matrix.n_rows; i++)
	{
		double v = aug_model_score1(t->model, d->x + i * d->matrix.n_features, t->scratch);
		uint32_t same = 0;

		for (uint32_t k = 0; k < d->matrix.n_rows; k++)
			same += aug_model_score1(t->model, d->x + k * d->matrix.n_features, t->scratch) == v;
		least = same < least ? same : least;
	}
	return least;
}

static void
tree_size_options(void)
{
	double y[200];
	Table d;
	Training t;

	noise_table(&d, 200, 3, 0, y);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 399 && smallest_leaf(&t, &d) == 1);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_samples_leaf=7", 1, 0);
	CHECK(smallest_leaf(&t, &d) >= 7 && smallest_leaf(&t, &d) < 14);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "max_depth=3", 1, 0);
	CHECK(t.fit.n_nodes == 15);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_samples_split=201", 1, 0);
	CHECK(t.fit.n_nodes == 1);
	CHECK_NEAR(score(&t, 0, 0), aug_model_info(t.model)->base, 1e-6);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_samples_split=200 min_samples_leaf=1", 1, 0);
	CHECK(t.fit.n_nodes == 3);
	training_end(&t);
	for (uint32_t leaves = 2; leaves <= 200; leaves += 66)
	{
		char params[100];

		snprintf(params, sizeof(params), PLAIN "max_leaf_nodes=%u", leaves);
		training_begin(&t, &d.matrix, params, 1, 0);
		CHECK(t.fit.n_nodes == 2 * (uint64_t) leaves - 1);
		training_end(&t);
	}
	training_begin(&t, &d.matrix, "n_trees=17", 1, 0);
	CHECK(t.fit.n_trees == 17 && aug_model_info(t.model)->fit.n_trees == 17);
	training_end(&t);
	unit_table_free(&d);
}

/* Three steps: of heights 1, 9 and 2; the leaves go to the highest first. */
static void
best_first(void)
{
	double x[16], y[16];
	Table d;
	Training t;

	for (int i = 0; i < 16; i++)
	{
		x[i] = i;
		y[i] = (i >= 4 ? 1 : 0) + (i >= 8 ? 9 : 0) + (i >= 12 ? 2 : 0);
	}
	unit_table(&d, 16, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN "max_leaf_nodes=3", 1, 0);
	CHECK(t.fit.n_nodes == 5);
	CHECK(score(&t, 0, 0) == 0.5 && score(&t, 7, 0) == 0.5 && score(&t, 8, 0) == 10 &&
		  score(&t, 15, 0) == 12);
	training_end(&t);
	/* with room for all, it is the tree that depth first grows */
	training_begin(&t, &d.matrix, PLAIN "max_leaf_nodes=100", 1, 0);
	CHECK(t.fit.n_nodes == 7);
	for (int i = 0; i < 16; i++)
		CHECK(score(&t, i, 0) == y[i]);
	training_end(&t);
	unit_table_free(&d);
}

static void
impurity_decrease(void)
{
	double x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {0, 0, 0, 0, 10, 10, 10, 10};
	Table d;
	Training t;

	/* the only split takes the mean squared error from 25 to 0 */
	unit_table(&d, 8, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN "min_impurity_decrease=24.99", 1, 0);
	CHECK(t.fit.n_nodes == 3);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_impurity_decrease=25.01", 1, 0);
	CHECK(t.fit.n_nodes == 1 && score(&t, 1, 0) == 5);
	training_end(&t);
	unit_table_free(&d);
	/* classes: gini from 0.5 to 0, entropy from 1 bit to 0 */
	for (int i = 0; i < 8; i++)
		y[i] = i >= 4;
	unit_table(&d, 8, 1, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, PLAIN "min_impurity_decrease=0.499", 1, 0);
	CHECK(t.fit.n_nodes == 3);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_impurity_decrease=0.501", 1, 0);
	CHECK(t.fit.n_nodes == 1);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "min_impurity_decrease=0.999 criterion=entropy", 1, 0);
	CHECK(t.fit.n_nodes == 3);
	training_end(&t);
	unit_table_free(&d);
}

static double
first_importance(const Table *d, const char *params)
{
	Training t;
	double v;

	training_begin(&t, &d->matrix, params, 1, 0);
	CHECK(t.status == AUG_OK);
	v = aug_model_info(t.model)->importance[0];
	training_end(&t);
	return v;
}

/* The more features are tried, the more the good one is used. */
static void
max_features(void)
{
	double y[400];
	Table d;
	double one, root, third, all;

	noise_table(&d, 400, 30, 0, y);
	one = first_importance(&d, "n_trees=30 max_features=1");
	root = first_importance(&d, "n_trees=30 max_features=sqrt");
	third = first_importance(&d, "n_trees=30 max_features=third");
	all = first_importance(&d, "n_trees=30 max_features=all");
	CHECK(one + 0.1 < root && root + 0.05 < third && third < all && all > 0.4);
	CHECK(first_importance(&d, "n_trees=30 max_features=10") == third);
	CHECK(first_importance(&d, "n_trees=30 max_features=auto") == third);
	CHECK(first_importance(&d, "n_trees=30 max_features=5") == root);
	CHECK(first_importance(&d, "n_trees=30 max_features=0.34") == third);
	CHECK(first_importance(&d, "n_trees=30 max_features=4") ==
		  first_importance(&d, "n_trees=30 max_features=log2"));
	CHECK(first_importance(&d, "n_trees=30 max_features=1000") == all);
	unit_table_free(&d);
}

/* Distinct predictions among rows 0, 1, ..., of one feature. */
static uint32_t
distinct_scores(const Training *t, uint32_t n)
{
	uint32_t distinct = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		bool seen = false;

		for (uint32_t k = 0; k < i; k++)
			seen |= score(t, k, 0) == score(t, i, 0);
		distinct += !seen;
	}
	return distinct;
}

static void
splitter_and_sampling(void)
{
	double x[40], y[40];
	Table d;
	Training t;

	for (int i = 0; i < 40; i++)
	{
		x[i] = i;
		y[i] = i >= 20;
	}
	unit_table(&d, 40, 1, x, NULL, y, 0, NULL);
	/* without chance all trees are alike */
	training_begin(&t, &d.matrix, "n_trees=20 bootstrap=false max_depth=1", 1, 0);
	CHECK(t.fit.n_nodes == 60 && distinct_scores(&t, 40) == 2);
	training_end(&t);
	/* random cuts lie all over the range */
	training_begin(&t, &d.matrix, "n_trees=20 bootstrap=false max_depth=1 splitter=random", 1, 0);
	CHECK(distinct_scores(&t, 40) > 10);
	training_end(&t);
	/* samples make the cut vary about the step, and leave rows out */
	training_begin(&t, &d.matrix, "n_trees=20 max_depth=1", 1, 0);
	CHECK(distinct_scores(&t, 40) > 2 && distinct_scores(&t, 40) < 10);
	CHECK(t.fit.oob_rows == 40 && t.fit.oob_error < 0.3);
	training_end(&t);
	training_begin(&t, &d.matrix, "n_trees=20 bootstrap=false sample_fraction=0.5", 1, 0);
	CHECK(t.fit.oob_rows == 40);
	training_end(&t);
	training_begin(&t, &d.matrix, "n_trees=20 sample_fraction=0.05 min_samples_split=3", 1, 0);
	CHECK(t.fit.n_nodes == 20); /* two draws a tree */
	training_end(&t);
	training_begin(&t, &d.matrix, "n_trees=20 oob=false", 1, 0);
	CHECK(isnan(t.fit.oob_error) && t.fit.oob_rows == 0 && !aug_model_info(t.model)->has_interval);
	training_end(&t);
	unit_table_free(&d);
}

/* Pure leaves whatever the criterion, but other trees. */
static void
criterion(void)
{
	double y[300];
	Table d;
	Training a, b;

	for (uint32_t k = 2; k <= 3; k++)
	{
		noise_table(&d, 300, 4, k, y);
		training_begin(&a, &d.matrix, PLAIN "criterion=gini", 1, 0);
		training_begin(&b, &d.matrix, PLAIN "criterion=entropy", 1, 0);
		CHECK(a.length != b.length || memcmp(a.artifact, b.artifact, a.length) != 0);
		for (uint32_t i = 0; i < 300; i++)
		{
			double out[3];

			aug_model_score(a.model, d.x + 4 * i, a.scratch, out);
			CHECK(out[(int) y[i]] == 1);
			aug_model_score(b.model, d.x + 4 * i, b.scratch, out);
			CHECK(out[(int) y[i]] == 1);
		}
		training_end(&a);
		training_end(&b);
		unit_table_free(&d);
	}
}

/* A table without a usable feature: the forest says the weighted shares. */
static void
class_weights(void)
{
	double x[100] = {0}, y[100], three[3];
	Table d;
	Training t;
	AugError err;

	for (int i = 0; i < 100; i++)
		y[i] = i < 10;
	unit_table(&d, 100, 1, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK_NEAR(score(&t, 0, 0), 0.1, 1e-6);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "class_weight=balanced", 1, 0);
	CHECK_NEAR(score(&t, 0, 0), 0.5, 1e-6);
	CHECK_NEAR(aug_model_info(t.model)->class_share[1], 0.1, 1e-9);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "class_weight={\"b\":3}", 1, 0);
	CHECK_NEAR(score(&t, 0, 0), 0.25, 1e-6);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "class_weight={\"b\":3,\"bb\":1}", 1, 0);
	CHECK(t.status == AUG_INVALID && strstr(t.err.message, "class_weight") != NULL);
	CHECK(strstr(t.err.message, "\"bb\"") != NULL && strstr(t.err.hint, "\"b\"") != NULL);
	training_end(&t);
	training_begin(&t, &d.matrix, PLAIN "class_weight={\"a\":0,\"b\":0}", 1, 0);
	CHECK(t.status == AUG_INVALID);
	training_end(&t);
	unit_table_free(&d);

	for (int i = 0; i < 100; i++)
		y[i] = i < 10 ? 0 : i < 40 ? 1 : 2;
	unit_table(&d, 100, 1, x, NULL, y, 3, NULL);
	training_begin(&t, &d.matrix, PLAIN "class_weight={\"a\":2}", 1, 0);
	aug_model_score(t.model, x, t.scratch, three);
	CHECK_NEAR(three[0], 20.0 / 110, 1e-6);
	CHECK_NEAR(three[2], 60.0 / 110, 1e-6);
	training_end(&t);
	unit_table_free(&d);
	(void) err;
}

static AugStatus
plan_status(const AugMatrix *m, const char *params, AugError *err)
{
	UnitHost h;
	AugShape shape = aug_matrix_shape(m);
	AugPlan plan;
	AugParams *p;
	AugStatus status;

	unit_host(&h);
	p = unit_params(&h, forest(), params);
	status = aug_plan(forest(), &shape, p, &plan, err);
	aug_params_free(p);
	CHECK(h.live == 0);
	return status;
}

/* Options that do not go together are refused by name, before any work. */
static void
refused_combinations(void)
{
	double y[50];
	Table d;
	AugError err;

	noise_table(&d, 50, 2, 0, y);
	CHECK(plan_status(&d.matrix, "criterion=gini", &err) == AUG_INVALID);
	CHECK(strstr(err.message, "criterion") != NULL);
	CHECK(plan_status(&d.matrix, "criterion=entropy", &err) == AUG_INVALID);
	CHECK(plan_status(&d.matrix, "class_weight=balanced", &err) == AUG_INVALID);
	CHECK(strstr(err.message, "class_weight") != NULL);
	CHECK(plan_status(&d.matrix, "importance=permutation bootstrap=false", &err) == AUG_INVALID);
	CHECK(strstr(err.message, "permutation") != NULL && strstr(err.hint, "bootstrap") != NULL);
	CHECK(plan_status(&d.matrix, "importance=permutation bootstrap=false sample_fraction=0.5",
					  &err) == AUG_OK);
	unit_table_free(&d);
	noise_table(&d, 50, 2, 2, y);
	CHECK(plan_status(&d.matrix, "criterion=squared_error", &err) == AUG_INVALID);
	CHECK(strstr(err.message, "squared_error") != NULL);
	unit_table_free(&d);
}

/* ---- weights ----------------------------------------------------------- */

/* A weight of 2 or 3 is the row twice or three times. */
static void
weights_are_duplicates(void)
{
	double x[400], y[400], w[200], xx[1000], yy[500];
	Table a, b;

	for (uint32_t classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1)
	{
		uint32_t n = 0;
		Training t, u;

		for (uint32_t i = 0; i < 200; i++)
		{
			double v;

			x[2 * i] = floor(random_at(i, 21) * 12);
			x[2 * i + 1] = floor(random_at(i, 22) * 9);
			v = x[2 * i] + x[2 * i + 1] + 6 * random_at(i, 23);
			y[i] = classes == 0 ? v : floor(v * classes / 27);
			w[i] = 1 + (double) (i % 3);
			for (uint32_t k = 0; k <= i % 3; k++, n++)
			{
				xx[2 * n] = x[2 * i];
				xx[2 * n + 1] = x[2 * i + 1];
				yy[n] = y[i];
			}
		}
		unit_table(&a, 200, 2, x, NULL, y, classes, w);
		unit_table(&b, n, 2, xx, NULL, yy, classes, NULL);
		training_begin(&t, &a.matrix, PLAIN "max_depth=4", 1, 0);
		training_begin(&u, &b.matrix, PLAIN "max_depth=4", 1, 0);
		CHECK(t.status == AUG_OK && u.status == AUG_OK && t.fit.n_nodes == u.fit.n_nodes);
		for (uint32_t i = 0; i < 200; i++)
		{
			double p[3] = {0}, q[3] = {0};

			aug_model_score(t.model, x + 2 * i, t.scratch, p);
			aug_model_score(u.model, x + 2 * i, u.scratch, q);
			CHECK_NEAR(p[0], q[0], 1e-5);
		}
		training_end(&t);
		training_end(&u);
		unit_table_free(&a);
		unit_table_free(&b);
	}
}

/* ---- missing values and categories ------------------------------------- */

static void
missing_values(void)
{
	double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, NAN, NAN, NAN, NAN}, y[12];
	Table d;
	Training t;

	for (int side = 0; side < 2; side++)
	{
		for (int i = 0; i < 12; i++)
			y[i] = i < 8 ? (i < 4 ? 0 : 10) : side == 0 ? 0 : 10;
		unit_table(&d, 12, 1, x, NULL, y, 0, NULL);
		training_begin(&t, &d.matrix, PLAIN, 1, 0);
		CHECK(t.fit.n_nodes == 3);
		CHECK(score(&t, NAN, 0) == (side == 0 ? 0 : 10));
		CHECK(score(&t, 2, 0) == 0 && score(&t, 7, 0) == 10);
		training_end(&t);
		unit_table_free(&d);
	}
	/* being missing is what tells */
	for (int i = 0; i < 12; i++)
		y[i] = i < 8 ? 1 : 5;
	unit_table(&d, 12, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 3 && score(&t, NAN, 0) == 5 && score(&t, 8, 0) == 1 &&
		  score(&t, 1e9, 0) == 1);
	training_end(&t);
	unit_table_free(&d);
	/* none missing in training: with the heavier side, 8 rows against 4 */
	for (int i = 0; i < 12; i++)
	{
		x[i] = i;
		y[i] = i < 4 ? 0 : 10;
	}
	unit_table(&d, 12, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(score(&t, NAN, 0) == 10);
	training_end(&t);
	unit_table_free(&d);
	/* a column that is missing everywhere says nothing */
	for (int i = 0; i < 12; i++)
		x[i] = NAN;
	unit_table(&d, 12, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.status == AUG_OK && t.fit.n_nodes == 1);
	CHECK_NEAR(score(&t, 3, 0), 80.0 / 12, 1e-6);
	training_end(&t);
	unit_table_free(&d);
}

/* Levels 1 and 3 are high: one split takes a subset that no order of codes gives. */
static void
category_subset(void)
{
	const uint32_t levels = 5;
	double x[60], y[60];
	Table d;
	Training t;

	for (int i = 0; i < 60; i++)
	{
		x[i] = i % 4 == 0 && i < 20 ? (double) NAN : i % 4;
		y[i] = isnan(x[i]) ? 7 : i % 4 == 1 || i % 4 == 3 ? 7 : 1;
	}
	unit_table(&d, 60, 1, x, &levels, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 3);
	CHECK(score(&t, 0, 0) == 1 && score(&t, 1, 0) == 7 && score(&t, 2, 0) == 1 &&
		  score(&t, 3, 0) == 7);
	CHECK(score(&t, NAN, 0) == 7);
	/* 35 rows are high: levels that training did not see go there */
	CHECK(score(&t, AUG_UNSEEN_LEVEL, 0) == 7 && score(&t, 4, 0) == 7);
	training_end(&t);
	for (int i = 0; i < 60; i++)
		y[i] = y[i] > 5;
	unit_table_free(&d);
	unit_table(&d, 60, 1, x, &levels, y, 2, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 3 && score(&t, 2, 0) == 0 && score(&t, 3, 0) == 1 &&
		  score(&t, AUG_UNSEEN_LEVEL, 0) == 1);
	training_end(&t);
	/* random subsets separate the levels, too, if not at once */
	training_begin(&t, &d.matrix, PLAIN "splitter=random", 1, 0);
	CHECK(score(&t, 0, 0) == 0 && score(&t, 1, 0) == 1 && score(&t, 2, 0) == 0 &&
		  score(&t, 3, 0) == 1);
	training_end(&t);
	unit_table_free(&d);
}

/* Classes a and b live on three levels each; one split on six levels parts them from c. */
static void
category_classes(void)
{
	const uint32_t levels = 9;
	double x[270], y[270], out[3];
	Table d;
	Training t;

	for (int i = 0; i < 270; i++)
	{
		x[i] = i % 9;
		y[i] = (i % 9 * 2) % 3;
	}
	unit_table(&d, 270, 1, x, &levels, y, 3, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 5); /* two splits on subsets do for three classes */
	for (int i = 0; i < 9; i++)
	{
		double v = i;

		aug_model_score(t.model, &v, t.scratch, out);
		CHECK(out[i * 2 % 3] == 1);
	}
	training_end(&t);
	unit_table_free(&d);
}

/* Thousands of levels: learnt where they have rows, the majority's way elsewhere. */
static void
wide_categories(void)
{
	const uint32_t levels = 3000, n = 9000;
	double *x = malloc(n * sizeof(double)), *y = malloc(n * sizeof(double));
	Table d;
	Training t;
	uint32_t wrong = 0;

	if (x == NULL || y == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++)
	{
		x[i] = i % 50 == 7 ? (double) NAN : i % 2000;
		y[i] = isnan(x[i]) ? 4 : (aug_mix64(i % 2000) & 3) == 0 ? 8 : 2;
	}
	unit_table(&d, n, 1, x, &levels, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 5);
	for (uint32_t i = 0; i < n; i++)
		wrong += score(&t, x[i], 0) != y[i];
	CHECK(wrong == 0);
	CHECK(score(&t, 2999, 0) == 2 && score(&t, AUG_UNSEEN_LEVEL, 0) == 2);
	CHECK(score(&t, NAN, 0) == 4);
	training_end(&t);
	unit_table_free(&d);
	for (uint32_t i = 0; i < n; i++)
		y[i] = isnan(x[i]) ? 0 : (double) (aug_mix64(i % 2000) % 3);
	unit_table(&d, n, 1, x, &levels, y, 3, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	wrong = 0;
	for (uint32_t i = 0; i < n; i++)
	{
		double out[3];

		aug_model_score(t.model, x + i, t.scratch, out);
		wrong += out[(int) y[i]] != 1;
	}
	CHECK(wrong == 0 && t.fit.n_nodes < 100);
	training_end(&t);
	unit_table_free(&d);
	free(x);
	free(y);
}

/*
 * Many levels of pure noise beside one good number: their chance orders must not
 * win the forest (out of bag it would do no better than the mean).
 */
static void
noisy_levels_do_not_win(void)
{
	const uint32_t levels[2] = {0, 400};
	double x[4000], y[2000];
	Table d;
	Training t;

	for (uint32_t i = 0; i < 2000; i++)
	{
		x[2 * i] = random_at(i, 31);
		x[2 * i + 1] = floor(random_at(i, 32) * 400);
		y[i] = 4 * x[2 * i] + 2 * random_at(i, 33);
	}
	unit_table(&d, 2000, 2, x, levels, y, 0, NULL);
	training_begin(&t, &d.matrix, "n_trees=50 max_features=all", 1, 0);
	CHECK(t.fit.oob_score > 0.7);
	CHECK(aug_model_info(t.model)->importance[0] > 0.75);
	training_end(&t);
	unit_table_free(&d);
}

/* ---- out of bag, importance, intervals ---------------------------------- */

/* With one tree of pure leaves the rows that it gets wrong are those out of bag. */
static void
oob_by_hand(void)
{
	double x[300], y[300], squares = 0;
	uint32_t out = 0;
	Table d;
	Training t;

	for (uint32_t i = 0; i < 300; i++)
	{
		x[i] = i;
		y[i] = random_at(i, 41);
	}
	unit_table(&d, 300, 1, x, NULL, y, 0, NULL);
	d.features[0].n_cuts = 254;
	training_begin(&t, &d.matrix, "n_trees=1", 1, 0);
	for (uint32_t i = 0; i < 300; i++)
	{
		double e = y[i] - score(&t, x[i], 0);

		if (fabs(e) > 1e-6)
		{
			squares += e * e;
			out++;
		}
	}
	/* 300 values share 255 bins: some rows in the bag are wrong as well */
	CHECK(t.fit.oob_rows > 80 && t.fit.oob_rows < 140 && out >= t.fit.oob_rows);
	CHECK(t.fit.oob_error > 0.2 && t.fit.oob_error < 0.6);
	training_end(&t);
	unit_table_free(&d);

	unit_table(&d, 200, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, "n_trees=1", 3, 0);
	squares = 0;
	out = 0;
	for (uint32_t i = 0; i < 200; i++)
	{
		double e = y[i] - score(&t, x[i], 0);

		squares += fabs(e) > 1e-6 ? e * e : 0;
		out += fabs(e) > 1e-6;
	}
	CHECK(out == t.fit.oob_rows);
	CHECK_NEAR(t.fit.oob_error, sqrt(squares / out), 1e-5);
	training_end(&t);
	for (uint32_t i = 0; i < 200; i++)
		y[i] = y[i] > 0.5;
	unit_table_free(&d);
	unit_table(&d, 200, 1, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, "n_trees=1", 3, 0);
	out = 0;
	for (uint32_t i = 0; i < 200; i++)
		out += score(&t, x[i], 0) != y[i];
	CHECK_NEAR(t.fit.oob_error, (double) out / t.fit.oob_rows, 1e-9);
	training_end(&t);
	unit_table_free(&d);
}

static void
importance(void)
{
	for (uint32_t classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1)
	{
		double y[600], sum = 0;
		Table d;
		Training t;
		const AugModelInfo *info;

		noise_table(&d, 600, 6, classes, y);
		training_begin(&t, &d.matrix, "n_trees=30 importance=permutation", 1, 0);
		info = aug_model_info(t.model);
		for (int i = 0; i < 6; i++)
			sum += info->importance[i];
		CHECK_NEAR(sum, 1, 1e-12);
		for (int i = 2; i < 6; i++)
		{
			CHECK(info->importance[0] > 3 * info->importance[i]);
			CHECK(info->permutation[0] > 10 * fabs(info->permutation[i]));
			CHECK(info->permutation[1] > fabs(info->permutation[i]));
		}
		training_end(&t);
		training_begin(&t, &d.matrix, "n_trees=3", 1, 0);
		CHECK(aug_model_info(t.model)->importance != NULL &&
			  aug_model_info(t.model)->permutation == NULL);
		training_end(&t);
		training_begin(&t, &d.matrix, "n_trees=3 importance=none", 1, 0);
		CHECK(aug_model_info(t.model)->importance == NULL &&
			  aug_model_info(t.model)->permutation == NULL);
		training_end(&t);
		unit_table_free(&d);
	}
}

/* Intervals of level 0.9 hold nine of ten new values, of level 0.5 half of them. */
static void
interval_coverage(void)
{
	enum
	{
		N = 4000,
		P = 5
	};
	double *x = malloc(2 * N * P * sizeof(double)), *y = malloc(2 * N * sizeof(double));
	uint32_t in90 = 0, in50 = 0;
	Table d;
	Training t;

	if (x == NULL || y == NULL)
		abort();
	for (uint32_t i = 0; i < 2 * N; i++)
	{
		double *r = x + i * P;

		for (uint32_t k = 0; k < P; k++)
			r[k] = random_at(i, 51 + k);
		/* noise that grows with the second feature */
		y[i] = 10 * sin(3 * r[0]) + 5 * r[1] +
			   (0.2 + 4 * r[1]) * (random_at(i, 61) + random_at(i, 62) - 1);
	}
	unit_table(&d, N, P, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, "n_trees=100", 1, 0);
	CHECK(aug_model_info(t.model)->has_interval);
	for (uint32_t i = N; i < 2 * N; i++)
	{
		double lower, upper, half_lower, half_upper,
			value = aug_model_score1(t.model, x + i * P, t.scratch);

		aug_model_interval(t.model, x + i * P, t.scratch, 0.9, &lower, &upper);
		aug_model_interval(t.model, x + i * P, t.scratch, 0.5, &half_lower, &half_upper);
		CHECK(lower <= half_lower && half_lower <= value && value <= half_upper &&
			  half_upper <= upper);
		in90 += y[i] >= lower && y[i] <= upper;
		in50 += y[i] >= half_lower && y[i] <= half_upper;
	}
	CHECK_NEAR((double) in90 / N, 0.9, 0.02);
	CHECK_NEAR((double) in50 / N, 0.5, 0.04);
	training_end(&t);
	unit_table_free(&d);
	free(x);
	free(y);
}

/* ---- edges ------------------------------------------------------------- */

static void
edges(void)
{
	double x[4] = {1, 2, 3, 4}, y[4] = {5, 5, 5, 5};
	Table d;
	Training t;

	/* one row */
	unit_table(&d, 1, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, "n_trees=3", 1, 0);
	CHECK(t.status == AUG_OK && t.fit.n_nodes == 3 && score(&t, 9, 0) == 5);
	CHECK(score(&t, NAN, 0) == 5);
	training_end(&t);
	unit_table_free(&d);
	/* a target that never changes */
	unit_table(&d, 4, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, "n_trees=3", 1, 0);
	CHECK(t.status == AUG_OK && t.fit.n_nodes == 3 && score(&t, 2, 0) == 5);
	training_end(&t);
	unit_table_free(&d);
	/* one class */
	for (int i = 0; i < 4; i++)
		y[i] = 1;
	unit_table(&d, 4, 1, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, "n_trees=3", 1, 0);
	CHECK(t.status == AUG_DATA);
	CHECK_TEXT(t.err.message, "column \"outcome\" has only one class, \"b\"");
	training_end(&t);
	unit_table_free(&d);
	/* equal rows that disagree */
	for (int i = 0; i < 4; i++)
	{
		x[i] = 7;
		y[i] = i;
	}
	unit_table(&d, 4, 1, x, NULL, y, 0, NULL);
	training_begin(&t, &d.matrix, PLAIN, 1, 0);
	CHECK(t.fit.n_nodes == 1 && score(&t, 7, 0) == 1.5);
	training_end(&t);
	unit_table_free(&d);
}

/* Columns that never change are never drawn, however many there are. */
static void
constant_columns(void)
{
	double x[100 * 20], y[100];
	Table d;
	Training t;

	for (int i = 0; i < 100; i++)
	{
		for (int k = 0; k < 20; k++)
			x[i * 20 + k] = k == 13 ? i : 3;
		y[i] = i >= 50;
	}
	unit_table(&d, 100, 20, x, NULL, y, 2, NULL);
	training_begin(&t, &d.matrix, "n_trees=10 bootstrap=false max_features=2", 1, 0);
	CHECK(t.fit.n_nodes == 30 && aug_model_info(t.model)->importance[13] == 1);
	training_end(&t);
	unit_table_free(&d);
}

/* Votes of a model for the first classes of row i, exactly. */
static void
class_votes(Training *t, const double *x, uint32_t p, uint32_t i, double *out)
{
	double all[80];

	aug_model_score(t->model, x + i * p, t->scratch, all);
	memcpy(out, all, 3 * sizeof(double));
}

/*
 * Large nodes count classes in bins, or sum their weights; nodes of very many classes put
 * their rows in order.  All three ways grow the same trees, of missing values too.
 */
static void
classes_counted_or_ordered(void)
{
	enum
	{
		N = 4000,
		P = 5,
		MANY = 70
	};
	static double x[N * P], y[N], ones[N];
	static const char *names[MANY];
	static char text[MANY][8];
	static const char *const params[] = {
		"n_trees=4", "n_trees=4 splitter=random", "n_trees=4 bootstrap=false min_samples_leaf=9",
		"n_trees=4 max_leaf_nodes=60 class_weight={\"a\":2,\"c\":3}"};
	AugRng rng = aug_rng(11, 5, 0);

	for (uint32_t k = 0; k < MANY; k++)
	{
		snprintf(text[k], sizeof(text[k]), "%c%u", (int) (k < 3 ? 'a' + k : 'z'), k);
		text[k][1] = k < 3 ? '\0' : text[k][1];
		names[k] = text[k];
	}
	for (uint32_t i = 0; i < N; i++)
	{
		double sum = 0;

		for (uint32_t k = 0; k < P; k++)
		{
			double v = k == 3 ? aug_rng_below(&rng, 6) : aug_rng_real(&rng);

			sum += k == 3 ? v / 6 : v;
			x[i * P + k] = k < 2 && aug_rng_below(&rng, 7) == 0 ? NAN : v;
		}
		y[i] = sum + aug_rng_real(&rng) < 2.5 ? 0 : sum < 2.7 ? 1 : 2;
		ones[i] = 1;
	}
	for (uint32_t k = 0; k < sizeof(params) / sizeof(params[0]); k++)
	{
		Table d, weighted, many;
		Training counted, summed, ordered;
		bool same = true;

		unit_table(&d, N, P, x, NULL, y, 3, NULL);
		unit_table(&weighted, N, P, x, NULL, y, 3, ones);
		unit_table(&many, N, P, x, NULL, y, 3, NULL);
		many.matrix.n_classes = MANY;
		many.matrix.class_names = names;
		training_begin(&counted, &d.matrix, params[k], 3, 0);
		training_begin(&summed, &weighted.matrix, params[k], 3, 0);
		training_begin(&ordered, &many.matrix, params[k], 3, 0);
		CHECK(counted.status == AUG_OK && summed.status == AUG_OK && ordered.status == AUG_OK);
		CHECK(counted.fit.n_nodes > 200 && counted.fit.n_nodes == summed.fit.n_nodes &&
			  counted.fit.n_nodes == ordered.fit.n_nodes);
		for (uint32_t i = 0; i < N; i++)
		{
			double a[3], b[3], c[3];

			class_votes(&counted, x, P, i, a);
			class_votes(&summed, x, P, i, b);
			class_votes(&ordered, x, P, i, c);
			same = same && memcmp(a, b, sizeof(a)) == 0 && memcmp(a, c, sizeof(a)) == 0;
		}
		CHECK(same);
		training_end(&counted);
		training_end(&summed);
		training_end(&ordered);
		unit_table_free(&d);
		unit_table_free(&weighted);
		unit_table_free(&many);
	}
}

static const UnitTest tests[] = {
	{"exact_step", exact_step},
	{"exact_two_levels", exact_two_levels},
	{"exact_values", exact_values},
	{"exact_classes", exact_classes},
	{"tree_size_options", tree_size_options},
	{"best_first", best_first},
	{"impurity_decrease", impurity_decrease},
	{"max_features", max_features},
	{"splitter_and_sampling", splitter_and_sampling},
	{"criterion", criterion},
	{"class_weights", class_weights},
	{"refused_combinations", refused_combinations},
	{"weights_are_duplicates", weights_are_duplicates},
	{"missing_values", missing_values},
	{"category_subset", category_subset},
	{"category_classes", category_classes},
	{"wide_categories", wide_categories},
	{"noisy_levels_do_not_win", noisy_levels_do_not_win},
	{"oob_by_hand", oob_by_hand},
	{"importance", importance},
	{"interval_coverage", interval_coverage},
	{"edges", edges},
	{"constant_columns", constant_columns},
	{"classes_counted_or_ordered", classes_counted_or_ordered},
	{"same_bytes_in_any_order", same_bytes_in_any_order},
	{"cells_and_values_agree", cells_and_values_agree},
	{"survives_failures", survives_failures},
	{"answers_cancel", answers_cancel},
};

UNIT_MAIN("forest", tests);
