/*-------------------------------------------------------------------------
 *
 * unit_table.c
 *		Small tables by hand, and whole trainings on them.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

/* "name=value name=value ..." as parameters; aborts the test when refused. */
AugParams *
unit_params(UnitHost *h, const AugAlgorithm *algorithm, const char *text)
{
	AugParams *params;
	AugError err;
	char copy[400], *word;

	if (aug_params_new(&h->host, algorithm, &params, &err) != AUG_OK)
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

void
unit_training_begin(UnitTraining *t, const AugAlgorithm *algorithm, const AugMatrix *m,
					const char *params, uint64_t seed, uint64_t order)
{
	memset(t, 0, sizeof(*t));
	unit_host(&t->h);
	t->params = unit_params(&t->h, algorithm, params);
	t->status = unit_train(&t->h, algorithm, t->params, m, seed, order, &t->artifact, &t->length,
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

void
unit_training_end(UnitTraining *t)
{
	free(t->scratch);
	aug_model_free(t->model);
	t->h.host.release(t->h.host.arg, t->artifact);
	aug_params_free(t->params);
	CHECK(t->h.live == 0);
}

static void *
keep(UnitTable *t, size_t size)
{
	void *p = calloc(1, size + 8);

	if (p == NULL)
		abort();
	return t->memory[t->n_memory++] = p;
}

void
unit_table_free(UnitTable *t)
{
	while (t->n_memory > 0)
		free(t->memory[--t->n_memory]);
}

static void
make_feature(UnitTable *t, AugFeature *f, uint32_t k, uint32_t n, uint32_t p, uint32_t levels)
{
	f->name = f->column = "column";
	f->type_name = "double precision";
	if (levels == 0)
	{
		double *values = keep(t, n * sizeof(double)), *cuts = keep(t, 255 * sizeof(double));

		for (uint32_t i = 0; i < n; i++)
			values[i] = t->x[i * p + k];
		f->n_cuts = aug_cuts(values, n, AUG_MAX_BINS, cuts);
		f->cuts = cuts;
	}
	else
	{
		uint32_t *end = keep(t, levels * sizeof(uint32_t));
		char *text = keep(t, 6 * (size_t) levels + 8);

		for (uint32_t i = 0; i < levels; i++)
		{
			snprintf(text + 6 * (size_t) i, 7, "%06u", i % 1000000);
			end[i] = 6 * (i + 1);
		}
		f->kind = AUG_CATEGORICAL_FEATURE;
		f->n_levels = levels;
		f->level_end = end;
		f->level_text = text;
		f->wide = levels > AUG_MAX_BINS;
	}
	f->slot = f->wide ? t->matrix.n_wide++ : t->matrix.n_narrow++;
}

/*
 * n rows of p columns; levels: of each column, 0 for numbers (NULL: all numbers);
 * y: the target, or classes 0 .. n_classes - 1.
 */
void
unit_table(UnitTable *t, uint32_t n, uint32_t p, const double *x, const uint32_t *levels,
		   const double *y, uint32_t n_classes, const double *weight)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	AugMatrix *m = &t->matrix;

	memset(t, 0, sizeof(*t));
	t->x = keep(t, (size_t) n * p * sizeof(double));
	memcpy(t->x, x, (size_t) n * p * sizeof(double));
	for (uint32_t k = 0; k < p; k++)
		make_feature(t, &t->features[k], k, n, p, levels == NULL ? 0 : levels[k]);
	m->stride = (m->n_narrow + 3) / 4 * 4;
	t->cells = keep(t, n * m->stride);
	t->wide = keep(t, (size_t) n * m->n_wide * sizeof(uint32_t));
	t->label = keep(t, n * sizeof(uint32_t));
	for (uint32_t i = 0; i < n * p; i++)
	{
		const AugFeature *f = &t->features[i % p];
		uint32_t row = i / p;
		double v = x[i];

		if (f->wide)
			t->wide[f->slot * n + row] = isnan(v) ? AUG_MISSING_WIDE : (uint32_t) v;
		else if (f->kind == AUG_CATEGORICAL_FEATURE)
			t->cells[row * m->stride + f->slot] = isnan(v) ? AUG_MISSING_CELL : (uint8_t) v;
		else
			t->cells[row * m->stride + f->slot] = aug_bin(f->cuts, f->n_cuts, v);
	}
	for (uint32_t i = 0; i < n; i++)
		t->label[i] = n_classes > 0 ? (uint32_t) y[i] : 0;
	m->task = n_classes > 0 ? AUG_CLASSIFICATION : AUG_REGRESSION;
	m->n_rows = n;
	m->n_features = p;
	m->n_classes = n_classes;
	m->cells = t->cells;
	m->wide = t->wide;
	m->label = n_classes > 0 ? t->label : NULL;
	m->y = n_classes > 0 ? NULL : y;
	m->weight = weight;
	m->features = t->features;
	m->class_names = n_classes > 0 ? names : NULL;
	m->target = "outcome";
	m->target_type = "text";
}

AugStatus
unit_train_and_read(UnitHost *h, void *arg, AugError *err)
{
	UnitFailing *step = arg;
	AugParams *params;
	uint8_t *artifact = NULL;
	size_t length;
	AugFit fit;
	AugModel *model = NULL;
	AugStatus status;

	status = aug_params_parse(&h->host, step->algorithm, step->params, &params, err);
	if (status != AUG_OK)
		return status;
	status = unit_train(h, step->algorithm, params, &step->data.matrix, 1, 0, &artifact, &length,
						&fit, err);
	if (status == AUG_OK)
		status = aug_model_read(&h->host, artifact, length, &model, err);
	aug_model_free(model);
	h->host.release(h, artifact);
	aug_params_free(params);
	return status;
}
