/*-------------------------------------------------------------------------
 *
 * test_algorithms.c
 *		What every algorithm of the registry must keep, whatever it is: a new one
 *		is tested here by its line in algorithms.c.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "../../src/core/artifact.h"

/* Kinds of data that each algorithm is trained on. */
typedef struct Variant
{
	AugTask task;
	uint32_t n_classes;
	uint32_t n_rows;
	bool weights;
	bool missing;
	bool wide;
} Variant;

static const Variant variants[] = {
	{AUG_REGRESSION, 0, 400, false, false, false},
	{AUG_REGRESSION, 0, 400, true, true, true},
	{AUG_CLASSIFICATION, 2, 400, false, false, false},
	{AUG_CLASSIFICATION, 2, 400, true, true, true},
	{AUG_CLASSIFICATION, 4, 400, true, true, true},
	{AUG_CLASSIFICATION, 1, 50, false, true, false},
	{AUG_REGRESSION, 0, 1, true, false, true},
	{AUG_REGRESSION, 0, 2, false, true, false},
	{AUG_CLASSIFICATION, 3, 3, false, true, true},
};

#define N_VARIANTS (sizeof(variants) / sizeof(variants[0]))

static void
variant_data(UnitData *d, const Variant *v, uint64_t seed)
{
	UnitDataOptions options = {v->task,	   v->n_rows, v->n_classes, v->weights,
							   v->missing, v->wide,	  seed};

	unit_data(d, &options);
}

/*
 * Whether the algorithm is for this data.  One that cannot learn from a single
 * class may say so, and only that.
 */
static bool
does(const AugAlgorithm *algorithm, const Variant *v)
{
	UnitHost h;
	UnitData d;
	AugError err;
	AugParams *params;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	AugStatus status;

	if (v->task == AUG_CLASSIFICATION ? !algorithm->classification : !algorithm->regression)
		return false;
	if (v->n_classes != 1)
		return true;
	unit_host(&h);
	variant_data(&d, v, 1);
	params = unit_small_params(&h, algorithm);
	status = unit_train(&h, algorithm, params, &d.matrix, 1, 0, &artifact, &length, &fit, &err);
	h.host.release(&h, artifact);
	aug_params_free(params);
	unit_data_free(&d);
	CHECK(h.live == 0);
	CHECK(status == AUG_OK || (status == AUG_DATA && strstr(err.message, "class") != NULL));
	return status == AUG_OK;
}

/* ---- the registry ----------------------------------------------------- */

static void
test_registry(void)
{
	uint32_t n = aug_algorithm_count();

	CHECK(n >= 1);
	CHECK(aug_algorithm_at(n) == NULL && aug_algorithm_find("no such") == NULL);
	for (uint32_t i = 0; i < n; i++)
	{
		const AugAlgorithm *a = aug_algorithm_at(i);
		const AugOps *ops = aug_algorithm_ops(a);

		CHECK(aug_algorithm_find(a->name) == a);
		CHECK(ops != NULL && &ops->about == a);
		CHECK(a->title[0] != '\0' && a->help[0] != '\0' && (a->classification || a->regression));
		CHECK(strlen(a->name) <= AUG_ALGORITHM_NAME_MAX);
		CHECK(strspn(a->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(a->name));
	}
	{
		AugAlgorithm stranger = *aug_algorithm_at(0);

		CHECK(aug_algorithm_ops(&stranger) == NULL);
	}
}

static AugStatus
set_number(AugParams *params, const char *name, double value)
{
	char text[64];
	AugError err;

	snprintf(text, sizeof(text), "%.17g", value);
	return aug_params_set(params, name, text, &err);
}

static void
check_range(AugParams *params, const AugParamSpec *spec)
{
	double step = spec->type == AUG_PARAM_INT ? 1 : fabs(spec->lo) * 1e-9 + 1e-12;

	CHECK(spec->lo < spec->hi);
	CHECK(set_number(params, spec->name, spec->lo) == AUG_OK);
	CHECK(set_number(params, spec->name, spec->hi) == AUG_OK);
	CHECK(set_number(params, spec->name, spec->lo - step) == AUG_INVALID);
	CHECK(set_number(params, spec->name, spec->hi + fmax(1, spec->hi * 1e-9)) == AUG_INVALID);
}

static void
check_choices(AugParams *params, const AugParamSpec *spec)
{
	char list[256];
	AugError err;

	if (!CHECK(strlen(spec->choices) < sizeof(list)))
		return;
	strcpy(list, spec->choices);
	for (char *at = strtok(list, "|"); at != NULL; at = strtok(NULL, "|"))
		CHECK(aug_params_set(params, spec->name, at, &err) == AUG_OK);
	CHECK(aug_params_set(params, spec->name, "no such choice", &err) == AUG_INVALID);
	CHECK(err.hint[0] != '\0');
}

static void
check_spec(AugParams *params, const AugParamSpec *spec)
{
	AugError err;
	AugStatus pair;

	CHECK(spec->name[0] != '\0' && spec->help[0] != '\0' && spec->fallback[0] != '\0');
	CHECK(spec->help[strlen(spec->help) - 1] == '.');
	CHECK(strspn(spec->name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(spec->name));
	CHECK(aug_params_set(params, spec->name, spec->fallback, &err) == AUG_OK);
	if (spec->type == AUG_PARAM_INT || spec->type == AUG_PARAM_REAL ||
		spec->type == AUG_PARAM_MIXED)
		check_range(params, spec);
	CHECK((spec->choices != NULL) ==
		  (spec->type == AUG_PARAM_CHOICE || spec->type == AUG_PARAM_MIXED ||
		   spec->type == AUG_PARAM_MAP));
	if (spec->choices != NULL)
		check_choices(params, spec);
	CHECK(aug_params_set(params, spec->name, "\x01", &err) == AUG_INVALID);
	pair = aug_params_set_pair(params, spec->name, "a", spec->hi, &err);
	CHECK(pair == (spec->type == AUG_PARAM_MAP ? AUG_OK : AUG_INVALID));
	CHECK(aug_params_set(params, spec->name, spec->fallback, &err) == AUG_OK);
}

static void
test_params(void)
{
	for (uint32_t i = 0; i < aug_algorithm_count(); i++)
	{
		const AugAlgorithm *a = aug_algorithm_at(i);
		UnitHost h;
		AugError err;
		AugParams *params, *again;
		char *text;

		unit_host(&h);
		if (!CHECK(aug_params_new(&h.host, a, &params, &err) == AUG_OK))
			continue;
		for (uint32_t k = 0; k < a->n_params; k++)
		{
			check_spec(params, &a->params[k]);
			for (uint32_t j = 0; j < k; j++)
				CHECK(strcmp(a->params[j].name, a->params[k].name) != 0);
		}
		CHECK(aug_params_text(params, &text, &err) == AUG_OK);
		CHECK(aug_params_parse(&h.host, a, text, &again, &err) == AUG_OK);
		for (uint32_t k = 0; k < a->n_params; k++)
			CHECK_TEXT(aug_params_value(again, k), aug_params_value(params, k));
		h.host.release(&h, text);
		aug_params_free(params);
		aug_params_free(again);
		CHECK(h.live == 0);
	}
}

/* ---- training and scoring --------------------------------------------- */

static void
check_info(const AugModelInfo *info, const AugAlgorithm *a, const UnitData *d)
{
	const AugMatrix *m = &d->matrix;
	double sum = 0;

	CHECK(info->algorithm == a && info->task == m->task);
	CHECK(info->n_features == m->n_features && info->n_classes == m->n_classes);
	CHECK(info->n_outputs == (m->task == AUG_REGRESSION ? 1 : m->n_classes));
	CHECK_TEXT(info->target, m->target);
	CHECK_TEXT(info->target_type, m->target_type);
	CHECK(info->n_rows == m->n_rows && info->seed == 42);
	CHECK(info->params_text[0] == '{' && info->memory > 0);
	CHECK(!info->has_interval || m->task == AUG_REGRESSION);
	for (uint32_t i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &info->features[i], *g = &m->features[i];

		CHECK_TEXT(f->name, g->name);
		CHECK_TEXT(f->column, g->column);
		CHECK_TEXT(f->type_name, g->type_name);
		CHECK(f->kind == g->kind && f->n_cuts == g->n_cuts && f->n_levels == g->n_levels &&
			  f->wide == g->wide && f->slot == g->slot && f->part == g->part &&
			  f->element == g->element);
		CHECK(g->n_cuts == 0 || memcmp(f->cuts, g->cuts, g->n_cuts * sizeof(double)) == 0);
	}
	for (uint32_t k = 0; k < m->n_classes; k++)
	{
		CHECK_TEXT(info->class_names[k], m->class_names[k]);
		sum += info->class_share[k];
	}
	CHECK(m->n_classes == 0 ? isfinite(info->base) : fabs(sum - 1) < 1e-9);
}

static void
check_output(const AugModelInfo *info, const double *out)
{
	double sum = 0;
	bool ok = true;

	for (uint32_t k = 0; k < info->n_outputs; k++)
	{
		ok &= isfinite(out[k]);
		if (info->task == AUG_CLASSIFICATION)
			ok &= out[k] >= 0 && out[k] <= 1;
		sum += out[k];
	}
	CHECK(ok);
	if (info->task == AUG_CLASSIFICATION)
		CHECK(fabs(sum - 1) < 1e-6);
}

/* Inputs that no training row looks like; none may do harm. */
static void
check_hostile_rows(const AugModel *model)
{
	static const double odd[] = {
		0,	 -0.0, 1,	-1,			  1e300, -1e300, INFINITY, -INFINITY, NAN, 4294967296.0,
		254, 255,  256, 2147483648.0, 0.5,	 -0.5,	 1e-320,   299,		  300, 1e18};
	const AugModelInfo *info = aug_model_info(model);
	double *x = malloc((info->n_features + (size_t) 1) * sizeof(double)),
		   *out = malloc(info->n_outputs * sizeof(double));
	void *scratch = aligned_alloc(16, (aug_model_scratch(model) / 16 + 1) * 16);
	unsigned n_odd = sizeof(odd) / sizeof(odd[0]);

	if (x == NULL || out == NULL || scratch == NULL)
		abort();
	for (unsigned t = 0; t < n_odd * 3; t++)
	{
		double lower = 0, upper = 0;

		for (uint32_t f = 0; f < info->n_features; f++)
			x[f] = odd[(t + f * (t / n_odd)) % n_odd];
		aug_model_score(model, x, scratch, out);
		check_output(info, out);
		if (info->n_outputs <= 2)
			CHECK(aug_model_score1(model, x, scratch) == out[info->n_outputs - 1]);
		aug_model_interval(model, x, scratch, 0.9, &lower, &upper);
		CHECK(info->has_interval ? lower <= upper : isnan(lower) && isnan(upper));
	}
	free(x);
	free(out);
	free(scratch);
}

/* Raw rows and binned rows give the same numbers, to the bit. */
static void
check_scores(UnitHost *h, const AugModel *model, const UnitData *d)
{
	const AugModelInfo *info = aug_model_info(model);
	uint32_t n = d->matrix.n_rows, k = info->n_outputs;
	double *cells = malloc((size_t) n * k * sizeof(double)), *row = malloc(k * sizeof(double));
	void *scratch = aligned_alloc(16, (aug_model_scratch(model) / 16 + 1) * 16);
	AugError err;
	bool same = true;

	if (cells == NULL || row == NULL || scratch == NULL)
		abort();
	CHECK(aug_model_score_matrix(model, &h->host, &d->matrix, 0, n, cells, &err) == AUG_OK);
	for (uint32_t i = 0; i < n; i++)
	{
		const double *x = d->raw + (size_t) i * info->n_features;

		aug_model_score(model, x, scratch, row);
		check_output(info, row);
		same &= memcmp(row, cells + (size_t) i * k, k * sizeof(double)) == 0;
		if (k <= 2)
			same &= aug_model_score1(model, x, scratch) == row[k - 1];
	}
	CHECK(same);
	/* a part of the matrix gives the same as the whole */
	if (n > 2)
	{
		CHECK(aug_model_score_matrix(model, &h->host, &d->matrix, n - 2, 1, row, &err) == AUG_OK);
		CHECK(memcmp(row, cells + (size_t) (n - 2) * k, k * sizeof(double)) == 0);
	}
	CHECK(aug_model_score_matrix(model, &h->host, &d->matrix, n, 1, row, &err) == AUG_INTERNAL);
	free(cells);
	free(row);
	free(scratch);
}

static void
train_variant(const AugAlgorithm *a, const Variant *v)
{
	UnitHost h;
	UnitData d;
	AugError err;
	AugParams *params;
	AugModel *model = NULL;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	AugStatus status;

	unit_host(&h);
	variant_data(&d, v, 3);
	params = unit_small_params(&h, a);
	status = unit_train(&h, a, params, &d.matrix, 42, 0, &artifact, &length, &fit, &err);
	if (!CHECK(status == AUG_OK))
		fprintf(stderr, "%s: %s %s\n", a->name, err.message, err.detail);
	else
	{
		CHECK(aug_model_check(artifact, length, &err) == AUG_OK);
		if (!CHECK(aug_model_read(&h.host, artifact, length, &model, &err) == AUG_OK))
			fprintf(stderr, "%s: %s %s\n", a->name, err.message, err.detail);
	}
	if (model != NULL)
	{
		const AugModelInfo *info = aug_model_info(model);

		check_info(info, a, &d);
		CHECK(info->fit.n_trees == fit.n_trees && info->fit.n_nodes == fit.n_nodes &&
			  info->fit.oob_rows == fit.oob_rows);
		check_scores(&h, model, &d);
		check_hostile_rows(model);
	}
	aug_model_free(model);
	h.host.release(&h, artifact);
	aug_params_free(params);
	unit_data_free(&d);
	CHECK(h.live == 0);
}

static void
test_train_and_score(void)
{
	for (uint32_t i = 0; i < aug_algorithm_count(); i++)
	{
		for (unsigned k = 0; k < N_VARIANTS; k++)
		{
			if (does(aug_algorithm_at(i), &variants[k]))
				train_variant(aug_algorithm_at(i), &variants[k]);
		}
	}
}

/* The same bytes for any order of tasks and whatever memory held before. */
static void
test_order(void)
{
	for (uint32_t i = 0; i < aug_algorithm_count() * N_VARIANTS; i++)
	{
		const AugAlgorithm *a = aug_algorithm_at(i / (uint32_t) N_VARIANTS);
		UnitHost h;
		UnitData d;
		AugError err;
		AugParams *params;
		uint8_t *first = NULL;
		size_t first_length = 0;
		AugFit fit;

		if (!does(a, &variants[i % N_VARIANTS]))
			continue;
		unit_host(&h);
		variant_data(&d, &variants[i % N_VARIANTS], 4);
		params = unit_small_params(&h, a);
		for (uint64_t order = 0; order < 4; order++)
		{
			uint8_t *artifact;
			size_t length;

			h.fill = (uint8_t) (order * 85);
			CHECK(unit_train(&h, a, params, &d.matrix, 42, order, &artifact, &length, &fit, &err) ==
				  AUG_OK);
			if (first == NULL)
			{
				first = artifact;
				first_length = length;
				continue;
			}
			if (!CHECK(length == first_length && memcmp(first, artifact, length) == 0))
				fprintf(stderr, "%s, variant %u\n", a->name, i % (uint32_t) N_VARIANTS);
			h.host.release(&h, artifact);
		}
		h.host.release(&h, first);
		aug_params_free(params);
		unit_data_free(&d);
		CHECK(h.live == 0);
	}
}

/* ---- failures and cancels --------------------------------------------- */

typedef struct Whole
{
	const AugAlgorithm *algorithm;
	UnitData data;
	double *out;
} Whole;

/* All that a host does with an algorithm, from parameters to scores. */
static AugStatus
whole_step(UnitHost *h, void *arg, AugError *err)
{
	Whole *w = arg;
	const AugAlgorithm *a = w->algorithm;
	AugParams *params;
	AugModel *model = NULL;
	uint8_t *artifact = NULL;
	size_t length;
	AugFit fit;
	AugStatus status = aug_params_new(&h->host, a, &params, err);

	if (status != AUG_OK)
		return status;
	for (uint32_t i = 0; i < a->n_params && status == AUG_OK; i++)
	{
		if (strcmp(a->params[i].name, "n_trees") == 0)
			status = aug_params_set(params, "n_trees", "3", err);
	}
	if (status == AUG_OK)
		status = unit_train(h, a, params, &w->data.matrix, 7, 0, &artifact, &length, &fit, err);
	if (status == AUG_OK)
		status = aug_model_read(&h->host, artifact, length, &model, err);
	if (status == AUG_OK)
		status = aug_model_score_matrix(model, &h->host, &w->data.matrix, 0, w->data.matrix.n_rows,
										w->out, err);
	aug_model_free(model);
	h->host.release(h, artifact);
	aug_params_free(params);
	return status;
}

static void
each_whole(bool memory, uint32_t n_rows)
{
	for (uint32_t i = 0; i < aug_algorithm_count() * N_VARIANTS; i++)
	{
		Variant v = variants[i % N_VARIANTS];
		Whole w;

		w.algorithm = aug_algorithm_at(i / (uint32_t) N_VARIANTS);
		if (!does(w.algorithm, &v))
			continue;
		v.n_rows = v.n_rows == 400 ? n_rows : v.n_rows;
		variant_data(&w.data, &v, 5);
		w.out = malloc((size_t) v.n_rows * (v.n_classes + 1) * sizeof(double));
		if (memory)
			CHECK(unit_fail_each(whole_step, &w) > 5);
		else
			CHECK(unit_cancel_each(whole_step, &w) > 0);
		free(w.out);
		unit_data_free(&w.data);
	}
}

static void
test_fail_each_allocation(void)
{
	each_whole(true, 60);
}

static void
test_cancel_each_poll(void)
{
	each_whole(false, getenv("UNIT_SHORT") == NULL ? 6000 : 300);
}

/* ---- damaged artifacts ------------------------------------------------ */

/* Makes length and checksum right again, so that only deeper checks remain. */
static void
reseal(uint8_t *bytes, size_t length)
{
	uint32_t crc;

	if (length < AUG_HEADER_SIZE + AUG_TRAILER_SIZE)
		return;
	for (int i = 0; i < 8; i++)
		bytes[12 + i] = (uint8_t) ((uint64_t) length >> (8 * i));
	crc = aug_crc32c(0, bytes, length - AUG_TRAILER_SIZE);
	for (int i = 0; i < 4; i++)
		bytes[length - 4 + (size_t) i] = (uint8_t) (crc >> (8 * i));
}

/* Reads bytes from a copy of just their size; scores what is accepted. */
static bool
try_bytes(UnitHost *h, const uint8_t *bytes, size_t length, bool score)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);
	AugModel *model;
	AugError err;
	AugStatus status;

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, length);
	status = aug_model_read(&h->host, copy, length, &model, &err);
	free(copy);
	if (status == AUG_OK)
	{
		if (score)
			check_hostile_rows(model);
		aug_model_free(model);
	}
	else
		CHECK(status == AUG_CORRUPT && model == NULL && err.message[0] != '\0');
	CHECK(h->live == 0);
	CHECK(h->peak < 64 * length + ((size_t) 2 << 20));
	return status == AUG_OK;
}

static uint8_t *
small_artifact(const AugAlgorithm *a, const Variant *v, size_t *length)
{
	UnitHost h;
	UnitData d;
	Variant small = *v;
	AugError err;
	AugParams *params;
	uint8_t *artifact, *copy = NULL;
	AugFit fit;

	if (small.n_rows > 40)
		small.n_rows = 40;
	small.wide = false; /* 300 levels would be most of the bytes */
	unit_host(&h);
	variant_data(&d, &small, 6);
	params = unit_small_params(&h, a);
	if (small.n_rows >= 40)
		unit_validate_params(params);
	if (CHECK(unit_train(&h, a, params, &d.matrix, 42, 0, &artifact, length, &fit, &err) == AUG_OK))
	{
		copy = malloc(*length);
		if (copy == NULL)
			abort();
		memcpy(copy, artifact, *length);
	}
	h.host.release(&h, artifact);
	aug_params_free(params);
	unit_data_free(&d);
	return copy;
}

static AugStatus
read_model(UnitHost *h, const uint8_t *bytes, size_t length, AugError *err)
{
	AugModel *model;
	AugStatus status = aug_model_read(&h->host, bytes, length, &model, err);

	if (status == AUG_OK)
		aug_model_free(model);
	return status;
}

/* Whether the model was small enough for each of its bits. */
static bool
damage(const AugAlgorithm *a, const Variant *v)
{
	static const uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
	/* 1.7e308, -1.7e308, 2.3e-308, -1, NaN as they are stored */
	static const uint64_t doubles[] = {UINT64_C(0x7FEE42D130773B76), UINT64_C(0xFFEE42D130773B76),
									   UINT64_C(0x001089ED0AD81EE3), UINT64_C(0xBFF0000000000000),
									   UINT64_C(0x7FF8000000000000)};
	UnitHost h;
	size_t length;
	uint8_t *bytes = small_artifact(a, v, &length);
	uint8_t *scratch = malloc(length + 16);
	size_t step = length > 65536 ? length / 499 : 1;
	bool small;

	if (bytes == NULL || scratch == NULL)
		abort();
	unit_host(&h);
	CHECK(try_bytes(&h, bytes, length, true));
	/* the time is by the square of the length */
	small = length <= 4096;
	if (small)
		unit_damage(read_model, bytes, length);
	/* harmless when the checksum was made to fit; of large models a sample */
	for (size_t i = 0; i + AUG_TRAILER_SIZE < length; i += step)
	{
		for (unsigned k = 0; k < sizeof(values); k++)
		{
			memcpy(scratch, bytes, length);
			scratch[i] = values[k];
			reseal(scratch, length);
			try_bytes(&h, scratch, length, true);
		}
		memcpy(scratch, bytes, length);
		scratch[i]++;
		reseal(scratch, length);
		try_bytes(&h, scratch, length, true);
		for (unsigned k = 0; k < sizeof(doubles) / sizeof(doubles[0]); k++)
		{
			memcpy(scratch, bytes, length);
			for (size_t j = 0; j < 8 && i + j + AUG_TRAILER_SIZE < length; j++)
				scratch[i + j] = (uint8_t) (doubles[k] >> (8 * j));
			reseal(scratch, length);
			try_bytes(&h, scratch, length, true);
		}
		/* a byte less, a byte more */
		memmove(scratch + i, bytes + i + 1, length - i - 1);
		reseal(scratch, length - 1);
		try_bytes(&h, scratch, length - 1, true);
		memcpy(scratch, bytes, i);
		scratch[i] = bytes[i];
		memcpy(scratch + i + 1, bytes + i, length - i);
		reseal(scratch, length + 1);
		try_bytes(&h, scratch, length + 1, true);
	}
	free(bytes);
	free(scratch);
	return small;
}

static void
test_damage(void)
{
	bool brief = getenv("UNIT_SHORT") != NULL;

	for (uint32_t i = 0; i < aug_algorithm_count(); i++)
	{
		unsigned whole = 0;

		for (unsigned k = 0; k < N_VARIANTS; k++)
		{
			if (does(aug_algorithm_at(i), &variants[k]) && (!brief || k == 1))
				whole += damage(aug_algorithm_at(i), &variants[k]);
		}
		CHECK(brief || whole > 0);
	}
}

static const UnitTest tests[] = {
	{"registry", test_registry},
	{"params", test_params},
	{"train_and_score", test_train_and_score},
	{"order", test_order},
	{"fail_each_allocation", test_fail_each_allocation},
	{"cancel_each_poll", test_cancel_each_poll},
	{"damage", test_damage},
};

UNIT_MAIN("algorithms", tests);
