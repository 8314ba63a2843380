/*-------------------------------------------------------------------------
 *
 * unit_data.c
 *		Synthetic data with every kind of column, and a whole training.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/rng.h"

#define N_LEVELS	  5
#define N_WIDE_LEVELS 300

static void *
keep(UnitData *d, size_t size)
{
	for (int i = 0; i < 16; i++)
	{
		if (d->memory[i] == NULL)
		{
			d->memory[i] = calloc(1, size + 1);
			if (d->memory[i] == NULL)
				abort();
			return d->memory[i];
		}
	}
	abort();
}

void
unit_data_free(UnitData *d)
{
	for (int i = 0; i < 16; i++)
		free(d->memory[i]);
	memset(d, 0, sizeof(*d));
}

/* Levels "a000", "a001"...: ascending by bytes. */
static void
set_levels(UnitData *d, AugFeature *f, uint32_t n)
{
	uint32_t *end = keep(d, n * sizeof(uint32_t));
	char *text = keep(d, n * 4 + 1);

	for (uint32_t i = 0; i < n; i++)
	{
		snprintf(text + 4 * i, 5, "a%03u", i % 1000);
		end[i] = 4 * (i + 1);
	}
	f->kind = AUG_CATEGORICAL_FEATURE;
	f->n_levels = n;
	f->level_end = end;
	f->level_text = text;
	f->wide = n > AUG_MAX_BINS;
}

/*
 * Raw values: NaN where missing.  Returns the part of the target that the row's
 * features explain.
 */
static double
make_row(const UnitDataOptions *o, uint32_t n_features, uint32_t i, double *x)
{
	AugRng rng = aug_rng(o->seed, i, 7);
	double signal;

	x[0] = aug_rng_real(&rng) * 100;
	x[1] = floor(aug_rng_real(&rng) * 1000) / 10 - 50;
	x[2] = aug_rng_below(&rng, 3);
	x[3] = aug_rng_below(&rng, N_LEVELS);
	if (n_features > 4)
		x[4] = aug_rng_below(&rng, N_WIDE_LEVELS);
	signal = x[0] / 50 + (x[1] > 0 ? 1 : 0) + (x[3] == 2 ? 2 : 0) + 0.3 * x[2];
	if (n_features > 4)
		signal += fmod(x[4], 7) < 3 ? 1.5 : 0;
	for (uint32_t f = 0; o->missing && f < n_features; f++)
	{
		if (aug_rng_below(&rng, 10) == 0)
			x[f] = NAN;
	}
	return signal + 0.5 * (aug_rng_real(&rng) + aug_rng_real(&rng) - 1);
}

static void
set_cuts(UnitData *d, AugFeature *f, uint32_t k, uint32_t n_rows, uint32_t n_features)
{
	double *values = malloc((n_rows + 1) * sizeof(double));
	double *cuts = keep(d, AUG_MAX_BINS * sizeof(double));

	if (values == NULL)
		abort();
	for (uint32_t i = 0; i < n_rows; i++)
		values[i] = d->raw[(size_t) i * n_features + k];
	f->n_cuts = aug_cuts(values, n_rows, k == 0 ? 32 : AUG_MAX_BINS, cuts);
	f->cuts = cuts;
	free(values);
}

static void
bin_rows(UnitData *d, uint8_t *cells, uint32_t *wide)
{
	const AugMatrix *m = &d->matrix;

	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		for (uint32_t k = 0; k < m->n_features; k++)
		{
			const AugFeature *f = &m->features[k];
			double v = d->raw[(size_t) i * m->n_features + k];

			if (f->wide)
				wide[(size_t) f->slot * m->n_rows + i] = isnan(v) ? AUG_MISSING_WIDE : (uint32_t) v;
			else if (f->kind == AUG_CATEGORICAL_FEATURE)
				cells[i * m->stride + f->slot] = isnan(v) ? AUG_MISSING_CELL : (uint8_t) v;
			else
				cells[i * m->stride + f->slot] = aug_bin(f->cuts, f->n_cuts, v);
		}
	}
}

void
unit_data(UnitData *d, const UnitDataOptions *o)
{
	static const char *const names[] = {"income", "delta", "children", "region", "city"};
	static const char *const class_names[] = {"no", "yes", "zebra", "zoo"};
	uint32_t n_features = o->wide ? 5 : 4, n = o->n_rows;
	AugFeature *features;
	double *y, *weight;
	uint32_t *label, *wide;
	uint8_t *cells;
	double *raw;

	memset(d, 0, sizeof(*d));
	features = keep(d, n_features * sizeof(AugFeature));
	y = keep(d, n * sizeof(double));
	weight = keep(d, n * sizeof(double));
	label = keep(d, n * sizeof(uint32_t));
	wide = keep(d, n * sizeof(uint32_t));
	cells = keep(d, (size_t) n * 4);
	d->raw = keep(d, (size_t) n * n_features * sizeof(double));
	raw = keep(d, (size_t) n * 3 * sizeof(double));

	for (uint32_t i = 0; i < n; i++)
	{
		AugRng rng = aug_rng(o->seed, i, 9);

		y[i] = make_row(o, n_features, i, d->raw + (size_t) i * n_features);
		if (o->task == AUG_CLASSIFICATION)
		{
			double c = floor(y[i] * o->n_classes / 6);

			label[i] = c < 0 ? 0 : c >= o->n_classes ? o->n_classes - 1 : (uint32_t) c;
		}
		weight[i] = 0.25 + aug_rng_below(&rng, 8) * 0.25;
	}
	for (uint32_t k = 0; k < n_features; k++)
	{
		features[k].name = features[k].column = names[k];
		features[k].type_name = k < 2 ? "double precision" : k == 2 ? "integer" : "text";
		features[k].slot = k < 4 ? k : 0;
		if (k < 3)
			set_cuts(d, &features[k], k, n, n_features);
		else
			set_levels(d, &features[k], k == 3 ? N_LEVELS : N_WIDE_LEVELS);
	}
	d->matrix.task = o->task;
	d->matrix.n_rows = n;
	d->matrix.n_features = n_features;
	d->matrix.n_narrow = 4;
	d->matrix.n_wide = n_features - 4;
	d->matrix.stride = 4;
	d->matrix.features = features;
	d->matrix.cells = cells;
	d->matrix.wide = o->wide ? wide : NULL;
	d->matrix.weight = o->weights ? weight : NULL;
	d->matrix.target = "outcome";
	if (o->task == AUG_CLASSIFICATION)
	{
		d->matrix.n_classes = o->n_classes;
		d->matrix.label = label;
		d->matrix.class_names = class_names;
		d->matrix.target_type = "text";
	}
	else
	{
		d->matrix.y = y;
		d->matrix.target_type = "double precision";
	}
	for (uint32_t k = 0; k < 3; k++)
	{
		for (uint32_t i = 0; i < n; i++)
			raw[(size_t) k * n + i] = d->raw[(size_t) i * n_features + k];
	}
	d->matrix.raw = raw;
	bin_rows(d, cells, wide);
}

AugParams *
unit_small_params(UnitHost *h, const AugAlgorithm *algorithm)
{
	AugParams *params;
	AugError err;

	if (aug_params_new(&h->host, algorithm, &params, &err) != AUG_OK)
		return NULL;
	for (uint32_t i = 0; i < algorithm->n_params; i++)
	{
		if (strcmp(algorithm->params[i].name, "n_trees") == 0)
			(void) aug_params_set(params, "n_trees", "6", &err);
		if (strcmp(algorithm->params[i].name, "early_stopping_rounds") == 0)
			(void) aug_params_set(params, "min_samples_leaf", "2", &err);
	}
	return params;
}

/* Runs the tasks in the order that the seed gives; results in task order. */
static AugStatus
run_tasks(UnitHost *h, AugJob *job, AugSlice *results, uint32_t n, uint64_t order, AugError *err)
{
	AugRng rng = aug_rng(order, n, 1);
	uint32_t *turn = malloc((n + (size_t) 1) * sizeof(uint32_t));
	AugStatus status = AUG_OK;

	if (turn == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++)
		turn[i] = i;
	for (uint32_t i = n; order != 0 && i > 1; i--)
	{
		uint32_t k = aug_rng_below(&rng, i), t = turn[i - 1];

		turn[i - 1] = turn[k];
		turn[k] = t;
	}
	for (uint32_t i = 0; i < n && status == AUG_OK; i++)
	{
		uint8_t *bytes;
		size_t length;

		/* memory that is used before it is set shows as a difference */
		h->fill = (uint8_t) (0xA5 + 37 * order + i);
		status = aug_job_run(job, turn[i], &bytes, &length, err);
		results[turn[i]].bytes = bytes;
		results[turn[i]].length = length;
	}
	free(turn);
	return status;
}

AugStatus
unit_train(UnitHost *h, const AugAlgorithm *algorithm, const AugParams *params, const AugMatrix *m,
		   uint64_t seed, uint64_t order, uint8_t **artifact, size_t *length, AugFit *fit,
		   AugError *err)
{
	AugShape shape = aug_matrix_shape(m);
	AugPlan plan;
	AugJob *job = NULL;
	AugSlice *results;
	void *shared;
	AugStatus status = aug_plan(algorithm, &shape, params, &plan, err);

	*artifact = NULL;
	if (status != AUG_OK)
		return status;
	shared = aligned_alloc(16, (plan.shared_bytes / 16 + 1) * 16);
	results = calloc(plan.n_tasks + (size_t) 1, sizeof(AugSlice));
	if (shared == NULL || results == NULL)
		abort();
	memset(shared, 0, plan.shared_bytes);
	status = aug_job_open(&h->host, algorithm, m, params, seed, shared, &job, err);
	if (status == AUG_OK)
		status = run_tasks(h, job, results, plan.n_tasks, order, err);
	if (status == AUG_OK)
		status = aug_job_merge(job, results, true, artifact, length, fit, err);
	for (uint32_t i = 0; i < plan.n_tasks; i++)
		h->host.release(h, (void *) (uintptr_t) results[i].bytes);
	aug_job_close(job);
	free(results);
	free(shared);
	return status;
}

void
unit_validate_params(AugParams *params)
{
	AugError err;

	/* refused where the algorithm has no such parameter */
	(void) aug_params_set(params, "early_stopping_rounds", "6", &err);
	(void) aug_params_set(params, "validation_fraction", "0.5", &err);
}
