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

/* "name=value name=value ..." as parameters; aborts the test when refused. */
static AugParams *
params_of(UnitHost *h, const char *text)
{
	AugParams *params;
	AugError err;
	char copy[400], *word;

	if (aug_params_new(&h->host, forest(), &params, &err) != AUG_OK)
		abort();
	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
	{
		char *value = strchr(word, '=');

		*value = '\0';
		if (!CHECK(aug_params_set(params, word, value + 1, &err) == AUG_OK))
			fprintf(stderr, "%s: %s\n", word, err.message);
	}
	return params;
}

/* ---- whole trainings --------------------------------------------------- */

typedef struct Training
{
	UnitHost h;
	AugParams *params;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	AugModel *model;
	AugError err;
	AugStatus status;
	void *scratch;
} Training;

static void
training_begin(Training *t, const AugMatrix *m, const char *params, uint64_t seed, uint64_t order)
{
	memset(t, 0, sizeof(*t));
	unit_host(&t->h);
	t->params = params_of(&t->h, params);
	t->status = unit_train(&t->h, forest(), t->params, m, seed, order, &t->artifact, &t->length,
						   &t->fit, &t->err);
	if (t->status == AUG_OK)
		t->status = aug_model_read(&t->h.host, t->artifact, t->length, &t->model, &t->err);
	if (t->status == AUG_OK)
	{
		t->scratch = aligned_alloc(16, (aug_model_scratch(t->model) / 16 + 1) * 16);
		if (t->scratch == NULL)
			abort();
	}
}

static void
training_end(Training *t)
{
	free(t->scratch);
	aug_model_free(t->model);
	t->h.host.release(t->h.host.arg, t->artifact);
	aug_params_free(t->params);
	CHECK(t->h.live == 0);
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

typedef struct FailingStep
{
	UnitData data;
	const char *params;
} FailingStep;

static AugStatus
train_and_read(UnitHost *h, void *arg, AugError *err)
{
	FailingStep *step = arg;
	AugParams *params;
	uint8_t *artifact = NULL;
	size_t length;
	AugFit fit;
	AugModel *model = NULL;
	AugStatus status;

	status = aug_params_parse(&h->host, forest(), step->params, &params, err);
	if (status != AUG_OK)
		return status;
	status =
		unit_train(h, forest(), params, &step->data.matrix, 1, 0, &artifact, &length, &fit, err);
	if (status == AUG_OK)
		status = aug_model_read(&h->host, artifact, length, &model, err);
	aug_model_free(model);
	h->host.release(h, artifact);
	aug_params_free(params);
	return status;
}

static void
survives_failures(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		FailingStep step = {.params = kind % 2 == 0 ? permute
													: "{\"n_trees\": 3, \"max_leaf_nodes\": 20}"};
		UnitDataOptions o = {.task = kind == 3 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 300,
							 .n_classes = kind == 3 ? 0 : kind + 2,
							 .weights = kind == 2,
							 .missing = true,
							 .wide = true,
							 .seed = kind};

		unit_data(&step.data, &o);
		CHECK(unit_fail_each(train_and_read, &step) > 20);
		unit_data_free(&step.data);
	}
}

static void
answers_cancel(void)
{
	for (uint32_t kind = 0; kind < 4; kind++)
	{
		FailingStep step = {.params = permute};
		UnitDataOptions o = {.task = kind == 3 ? AUG_REGRESSION : AUG_CLASSIFICATION,
							 .n_rows = 20000,
							 .n_classes = kind == 3 ? 0 : kind + 2,
							 .weights = kind == 2,
							 .missing = true,
							 .wide = true,
							 .seed = kind};

		unit_data(&step.data, &o);
		CHECK(unit_cancel_each(train_and_read, &step) > 5);
		unit_data_free(&step.data);
	}
}

static const UnitTest tests[] = {
	{"same bytes in any order", same_bytes_in_any_order},
	{"cells and values agree", cells_and_values_agree},
	{"survives failures", survives_failures},
	{"answers cancel", answers_cancel},
};

UNIT_MAIN("forest", tests);
