/*-------------------------------------------------------------------------
 *
 * test_model.c
 *		Jobs and models as such: what the door refuses, levels, long matrices,
 *		and stored models of every format, which must stay readable.
 *
 * The golden models in tests/data (NAME.model, with rows and scores in NAME.txt)
 * are written by this program when UNIT_WRITE_GOLDEN=1, and only for a new
 * algorithm or a new format: a model that was once released is never rewritten.
 *
 *-------------------------------------------------------------------------
 */
#include <limits.h>

#include "unit.h"

#include "../../src/core/artifact.h"

#define HASH_SEED UINT64_C(0x6C6576656C) /* that of model.c */

static const UnitDataOptions regression = {AUG_REGRESSION, 50, 0, true, true, true, 1};
static const UnitDataOptions classification = {AUG_CLASSIFICATION, 50, 3, true, true, true, 1};

static AugParams *
baseline_params(UnitHost *h)
{
	AugParams *params = NULL;
	AugError err;

	CHECK(aug_params_new(&h->host, aug_algorithm_find("baseline"), &params, &err) == AUG_OK);
	return params;
}

static AugStatus
open_job(UnitHost *h, const AugParams *params, const AugMatrix *m, AugError *err)
{
	AugJob *job;
	AugStatus status;

	memset(err, 0, sizeof(*err));
	status = aug_job_open(&h->host, aug_algorithm_find("baseline"), m, params, 1, NULL, &job, err);
	CHECK((status == AUG_OK) == (job != NULL));
	CHECK(status == AUG_OK || err->message[0] != '\0');
	aug_job_close(job);
	return status;
}

/* ---- what a job refuses ----------------------------------------------- */

static void
test_targets(void)
{
	UnitHost h;
	UnitData d;
	AugError err;
	AugParams *params;
	double *y, *weight;
	uint32_t *label;

	unit_host(&h);
	params = baseline_params(&h);
	unit_data(&d, &regression);
	y = (double *) (uintptr_t) d.matrix.y;
	weight = (double *) (uintptr_t) d.matrix.weight;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_OK);
	y[7] = NAN;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA && strstr(err.message, "row 8"));
	y[7] = INFINITY;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA);
	y[7] = 0;
	weight[3] = 0;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA && strstr(err.message, "row 4"));
	weight[3] = -1;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA);
	weight[3] = INFINITY;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA);
	weight[3] = NAN;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA);
	weight[3] = 1;
	d.matrix.y = NULL;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_INTERNAL);
	unit_data_free(&d);

	unit_data(&d, &classification);
	label = (uint32_t *) (uintptr_t) d.matrix.label;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_OK);
	label[2] = 3;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_DATA);
	label[2] = 0;
	d.matrix.class_names = NULL;
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_INTERNAL);
	unit_data_free(&d);
	aug_params_free(params);
	CHECK(h.live == 0);
}

static void
test_shapes(void)
{
	UnitHost h;
	UnitData d;
	AugError err;
	AugParams *params;
	AugFeature *features;
	AugFeature kept;
	AugMatrix m;
	char *lengthy = malloc(70000);
	const char *names[3];

	if (lengthy == NULL)
		abort();
	memset(lengthy, 'n', 69999);
	lengthy[69999] = '\0';
	unit_host(&h);
	params = baseline_params(&h);
	unit_data(&d, &classification);
	features = (AugFeature *) (uintptr_t) d.matrix.features;

#define REFUSED(field, value, status) \
	(m = d.matrix, m.field = (value), CHECK(open_job(&h, params, &m, &err) == (status)))
	REFUSED(n_rows, 0, AUG_DATA);
	REFUSED(n_classes, 0, AUG_DATA);
	REFUSED(n_classes, AUG_MAX_CLASSES + 1, AUG_LIMIT);
	REFUSED(n_narrow, AUG_MAX_FEATURES + 1, AUG_LIMIT);
	REFUSED(n_wide, AUG_MAX_FEATURES, AUG_LIMIT);
	REFUSED(n_wide, UINT32_MAX, AUG_LIMIT);
	REFUSED(stride, 3, AUG_INTERNAL);
	REFUSED(stride, 6, AUG_INTERNAL);
	REFUSED(n_wide, 0, AUG_INTERNAL);
	REFUSED(n_features, 4, AUG_INTERNAL);
	REFUSED(task, AUG_REGRESSION, AUG_INTERNAL);
	names[0] = "a";
	names[1] = lengthy;
	names[2] = "c";
	REFUSED(class_names, names, AUG_LIMIT);

#define BAD_FEATURE(k, field, value, status)          \
	(kept = features[k], features[k].field = (value), \
	 CHECK(open_job(&h, params, &d.matrix, &err) == (status)), features[k] = kept)
	BAD_FEATURE(1, slot, 0, AUG_INTERNAL);
	BAD_FEATURE(1, wide, true, AUG_INTERNAL);
	BAD_FEATURE(4, wide, false, AUG_INTERNAL);
	BAD_FEATURE(0, n_cuts, 255, AUG_INTERNAL);
	BAD_FEATURE(4, n_levels, AUG_MAX_LEVELS + 1, AUG_LIMIT);
	BAD_FEATURE(2, name, lengthy, AUG_LIMIT);
	BAD_FEATURE(2, column, lengthy, AUG_LIMIT);
	BAD_FEATURE(2, type_name, lengthy, AUG_LIMIT);
	CHECK(open_job(&h, params, &d.matrix, &err) == AUG_OK);
	unit_data_free(&d);
	aug_params_free(params);
	free(lengthy);
	CHECK(h.live == 0);
}

static void
test_strangers(void)
{
	AugAlgorithm stranger = *aug_algorithm_at(0);
	AugShape shape = {AUG_REGRESSION, 10, 1, 0, 0, 4, 0};
	UnitHost h;
	UnitData d;
	AugError err;
	AugPlan plan;
	AugParams *params;
	AugJob *job;

	unit_host(&h);
	params = baseline_params(&h);
	CHECK(aug_plan(aug_algorithm_at(0), &shape, params, &plan, &err) == AUG_OK);
	CHECK(plan.n_tasks == 1);
	CHECK(aug_plan(&stranger, &shape, params, &plan, &err) == AUG_INTERNAL && plan.n_tasks == 0);
	if (aug_algorithm_count() > 1)
		CHECK(aug_plan(aug_algorithm_at(1), &shape, params, &plan, &err) == AUG_INTERNAL);
	shape.n_rows = 0;
	CHECK(aug_plan(aug_algorithm_at(0), &shape, params, &plan, &err) == AUG_DATA);
	unit_data(&d, &regression);
	CHECK(aug_job_open(&h.host, &stranger, &d.matrix, params, 1, NULL, &job, &err) == AUG_INTERNAL);
	aug_job_close(NULL);
	aug_model_free(NULL);
	unit_data_free(&d);
	aug_params_free(params);
	CHECK(h.live == 0);
}

/* The checks and the training of many rows can be stopped. */
static AugStatus
long_step(UnitHost *h, void *arg, AugError *err)
{
	const AugMatrix *m = arg;
	AugParams *params;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	AugStatus status = aug_params_new(&h->host, aug_algorithm_find("baseline"), &params, err);

	if (status == AUG_OK)
		status = unit_train(h, aug_algorithm_find("baseline"), params, m, 1, 0, &artifact, &length,
							&fit, err);
	if (status == AUG_OK)
		h->host.release(h, artifact);
	aug_params_free(params);
	return status;
}

static void
test_long(void)
{
	UnitDataOptions options = regression;
	UnitData d;

	options.n_rows = 200000;
	unit_data(&d, &options);
	CHECK(unit_cancel_each(long_step, &d.matrix) >= 6);
	unit_data_free(&d);
	options = classification;
	options.n_rows = 200000;
	unit_data(&d, &options);
	CHECK(unit_cancel_each(long_step, &d.matrix) >= 6);
	unit_data_free(&d);
}

/* ---- baseline --------------------------------------------------------- */

static AugModel *
train_baseline(UnitHost *h, const AugMatrix *m, AugStatus *status, AugError *err)
{
	AugParams *params = baseline_params(h);
	AugModel *model = NULL;
	uint8_t *artifact;
	size_t length;
	AugFit fit;

	*status = unit_train(h, aug_algorithm_find("baseline"), params, m, 1, 0, &artifact, &length,
						 &fit, err);
	if (*status == AUG_OK)
	{
		CHECK(aug_model_read(&h->host, artifact, length, &model, err) == AUG_OK);
		CHECK(isnan(fit.oob_error) && fit.n_trees == 0);
	}
	h->host.release(h, artifact);
	aug_params_free(params);
	return model;
}

static void
test_baseline(void)
{
	UnitHost h;
	UnitData d;
	UnitDataOptions options = {AUG_REGRESSION, 40000, 0, false, false, false, 2};
	AugError err;
	AugStatus status;
	AugModel *model;
	double *y, x[5] = {0}, scratch[16], lower, upper;

	unit_host(&h);
	unit_data(&d, &options);
	y = (double *) (uintptr_t) d.matrix.y;
	/* a mean that naive summation would miss; quantiles of a known spread */
	for (uint32_t i = 0; i < d.matrix.n_rows; i++)
		y[i] = 1e15 + (i * 7919) % d.matrix.n_rows;
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		CHECK(aug_model_score1(model, x, scratch) == 1e15 + 19999.5);
		aug_model_interval(model, x, scratch, 0.9, &lower, &upper);
		CHECK(fabs(lower - 1e15 - 2000) < 400 && fabs(upper - 1e15 - 38000) < 400);
		aug_model_interval(model, x, scratch, 0.999999, &lower, &upper);
		CHECK(lower >= 1e15 && upper <= 1e15 + 40000 && upper - lower > 39800);
		aug_model_interval(model, x, scratch, 0, &lower, &upper);
		CHECK(isnan(lower) && isnan(upper));
		aug_model_interval(model, x, scratch, 1, &lower, &upper);
		CHECK(isnan(lower) && isnan(upper));
		aug_model_free(model);
	}
	d.matrix.n_rows = 2;
	y[0] = -0.8e308;
	y[1] = 0.8e308;
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		CHECK(aug_model_score1(model, x, scratch) == 0);
		for (double level = 0.001; level < 1; level += 0.001)
		{
			aug_model_interval(model, x, scratch, level, &lower, &upper);
			CHECK(lower <= upper && isfinite(lower) && isfinite(upper));
		}
		aug_model_free(model);
	}
	y[0] = -1.7e308;
	y[1] = 1.7e308;
	model = train_baseline(&h, &d.matrix, &status, &err);
	CHECK(model == NULL && status == AUG_NUMERIC);
	unit_data_free(&d);

	/* weights count: 1, 2, 3 ... for the three classes */
	options = classification;
	options.n_rows = 6;
	unit_data(&d, &options);
	for (uint32_t i = 0; i < 6; i++)
	{
		((uint32_t *) (uintptr_t) d.matrix.label)[i] = i % 3;
		((double *) (uintptr_t) d.matrix.weight)[i] = 1 + i % 3;
	}
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		double out[3];

		aug_model_score(model, x, scratch, out);
		CHECK(out[0] == 1.0 / 6 && out[1] == 2.0 / 6 && out[2] == 3.0 / 6);
		aug_model_free(model);
	}
	for (uint32_t i = 0; i < 6; i++)
		((double *) (uintptr_t) d.matrix.weight)[i] = 1.7e308;
	model = train_baseline(&h, &d.matrix, &status, &err);
	CHECK(model == NULL && status == AUG_NUMERIC);
	unit_data_free(&d);
	CHECK(h.live == 0);
}

/* ---- levels ----------------------------------------------------------- */

/* Makes the region of the data have other levels; text is kept by the caller. */
static void
replace_levels(UnitData *d, uint32_t n, uint32_t *end, const char *text)
{
	AugFeature *f = (AugFeature *) (uintptr_t) &d->matrix.features[3];

	f->n_levels = n;
	f->level_end = end;
	f->level_text = text;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
test_level_collisions(void)
{
	enum
	{
		N = 200
	};
	static char texts[N][16];
	static char joined[N * 16];
	static uint32_t end[N];
	UnitHost h;
	UnitData d;
	AugError err;
	AugStatus status;
	AugModel *model;
	uint32_t found = 0, at = 0;

	/* all in one slot of a table of 512 */
	for (uint32_t i = 0; found < N; i++)
	{
		snprintf(texts[found], sizeof(texts[0]), "%u", i);
		if ((aug_hash(texts[found], strlen(texts[found]), HASH_SEED) & 511) == 17)
			found++;
	}
	qsort(texts, N, sizeof(texts[0]), compare_text);
	for (uint32_t i = 0; i < N; i++)
	{
		memcpy(joined + at, texts[i], strlen(texts[i]));
		at += (uint32_t) strlen(texts[i]);
		end[i] = at;
	}
	unit_host(&h);
	unit_data(&d, &regression);
	replace_levels(&d, N, end, joined);
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		for (uint32_t i = 0; i < N; i++)
			CHECK(aug_model_level(model, 3, texts[i], strlen(texts[i])) == i);
		CHECK(aug_model_level(model, 3, "", 0) == AUG_UNSEEN_LEVEL);
		CHECK(aug_model_level(model, 3, "zz", 2) == AUG_UNSEEN_LEVEL);
		CHECK(aug_model_level(model, 3, texts[5], strlen(texts[5]) - 1) == AUG_UNSEEN_LEVEL);
		CHECK(aug_model_level(model, 0, "a", 1) == AUG_UNSEEN_LEVEL);
		aug_model_free(model);
	}
	unit_data_free(&d);
	CHECK(h.live == 0);
}

typedef struct Bytes
{
	uint8_t *bytes;
	size_t length;
} Bytes;

static AugStatus
read_step(UnitHost *h, void *arg, AugError *err)
{
	const Bytes *b = arg;
	AugModel *model;
	AugStatus status = aug_model_read(&h->host, b->bytes, b->length, &model, err);

	CHECK((status == AUG_OK) == (model != NULL));
	aug_model_free(model);
	return status;
}

/* Reading a model of many levels can be stopped, and fails cleanly. */
static void
check_read_steps(UnitHost *h, const AugMatrix *m)
{
	AugParams *params = baseline_params(h);
	AugError err;
	AugFit fit;
	Bytes b = {NULL, 0};

	if (CHECK(unit_train(h, aug_algorithm_find("baseline"), params, m, 1, 0, &b.bytes, &b.length,
						 &fit, &err) == AUG_OK))
	{
		CHECK(unit_cancel_each(read_step, &b) >= 1);
		CHECK(unit_fail_each(read_step, &b) >= 5);
	}
	h->host.release(h, b.bytes);
	aug_params_free(params);
}

static void
test_many_levels(void)
{
	enum
	{
		N = 100000
	};
	char *text = malloc(N * 6 + 1);
	uint32_t *end = malloc(N * sizeof(uint32_t));
	UnitHost h;
	UnitData d;
	AugError err;
	AugStatus status;
	AugModel *model;
	AugFeature *f;
	bool ok = true;

	if (text == NULL || end == NULL)
		abort();
	for (unsigned i = 0; i < N; i++)
	{
		snprintf(text + 6 * (size_t) i, 7, "x%05u", i % 100000);
		end[i] = 6 * (i + 1);
	}
	unit_host(&h);
	unit_data(&d, &regression);
	f = (AugFeature *) (uintptr_t) &d.matrix.features[4];
	f->n_levels = N;
	f->level_end = end;
	f->level_text = text;
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		for (uint32_t i = 0; i < N; i++)
			ok &= aug_model_level(model, 4, text + 6 * (size_t) i, 6) == i;
		CHECK(ok);
		CHECK(aug_model_level(model, 4, "x00000 ", 7) == AUG_UNSEEN_LEVEL);
		CHECK(aug_model_level(model, 4, "x0000", 5) == AUG_UNSEEN_LEVEL);
		CHECK(aug_model_info(model)->memory < 4000000);
		aug_model_free(model);
	}
	check_read_steps(&h, &d.matrix);
	unit_data_free(&d);
	free(text);
	free(end);
	CHECK(h.live == 0);
}

/* One level that is the empty text, and none at all. */
static void
test_odd_levels(void)
{
	static uint32_t end[2] = {0, 1};
	UnitHost h;
	UnitData d;
	AugError err;
	AugStatus status;
	AugModel *model;

	unit_host(&h);
	unit_data(&d, &regression);
	replace_levels(&d, 2, end, "b");
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		CHECK(aug_model_level(model, 3, "", 0) == 0);
		CHECK(aug_model_level(model, 3, NULL, 0) == 0);
		CHECK(aug_model_level(model, 3, "b", 1) == 1);
		CHECK(aug_model_level(model, 3, "a", 1) == AUG_UNSEEN_LEVEL);
		aug_model_free(model);
	}
	replace_levels(&d, 0, NULL, NULL);
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		CHECK(aug_model_level(model, 3, "", 0) == AUG_UNSEEN_LEVEL);
		aug_model_free(model);
	}
	unit_data_free(&d);
	CHECK(h.live == 0);
}

static void
test_wrong_matrix(void)
{
	UnitHost h;
	UnitData d, other;
	UnitDataOptions options = regression;
	AugError err;
	AugStatus status;
	AugModel *model;
	double out[200];

	unit_host(&h);
	unit_data(&d, &regression);
	options.seed = 99; /* other cuts */
	unit_data(&other, &options);
	model = train_baseline(&h, &d.matrix, &status, &err);
	if (CHECK(model != NULL))
	{
		uint32_t same = other.matrix.features[1].n_cuts == d.matrix.features[1].n_cuts;

		CHECK(aug_model_score_matrix(model, &h.host, &other.matrix, 0, 1, out, &err) ==
			  (same ? AUG_OK : AUG_INTERNAL));
		other.matrix.n_features--;
		CHECK(aug_model_score_matrix(model, &h.host, &other.matrix, 0, 1, out, &err) ==
			  AUG_INTERNAL);
		CHECK(aug_model_score_matrix(model, &h.host, &d.matrix, 0, 51, out, &err) == AUG_INTERNAL);
		CHECK(aug_model_score_matrix(model, &h.host, &d.matrix, 51, 0, out, &err) == AUG_INTERNAL);
		CHECK(aug_model_score_matrix(model, &h.host, &d.matrix, 50, 0, out, &err) == AUG_OK);
		CHECK(aug_model_score_matrix(model, &h.host, &d.matrix, UINT32_MAX, UINT32_MAX, out,
									 &err) == AUG_INTERNAL);
		aug_model_free(model);
	}
	unit_data_free(&d);
	unit_data_free(&other);
	CHECK(h.live == 0);
}

/* ---- envelopes that say what is wrong --------------------------------- */

static void
test_envelope(void)
{
	UnitHost h;
	AugError err;
	AugWriter w;
	AugModel *model;

	unit_host(&h);
	CHECK(aug_model_check(NULL, 0, &err) == AUG_CORRUPT);
	CHECK_TEXT(err.message, "these bytes are not a model");
	CHECK(aug_model_check((const uint8_t *) "PK\3\4 something else", 18, &err) == AUG_CORRUPT);

	for (int k = 0; k < 4; k++)
	{
		uint32_t crc;

		aug_writer_init(&w, &h.host);
		aug_write_bytes(&w, AUG_MAGIC, AUG_MAGIC_SIZE);
		aug_write_u32(&w, k == 0 ? AUG_FORMAT + 1 : k == 1 ? 0 : AUG_FORMAT);
		aug_write_u64(&w, 0);
		aug_write_string(&w, k == 2 ? "crystal_ball" : "baseline");
		w.bytes[12] = (uint8_t) (w.length + 4);
		crc = aug_crc32c(0, w.bytes, w.length);
		aug_write_u32(&w, crc);
		CHECK(aug_model_read(&h.host, w.bytes, w.length, &model, &err) == AUG_CORRUPT);
		if (k == 0)
			CHECK_TEXT(err.message, "model has format 2, which is not known");
		if (k == 2)
			CHECK_TEXT(err.detail, "Its algorithm is \"crystal_ball\".");
		if (k == 3)
			CHECK_TEXT(err.detail, "Its task cannot be right.");
		CHECK(aug_model_check(w.bytes, w.length, &err) == (k == 3 ? AUG_OK : AUG_CORRUPT));
		aug_writer_free(&w);
	}
	CHECK(h.live == 0);
}

/* ---- a forest by hand -------------------------------------------------- */

/*
 * The common part of a real forest with a body of one leaf: what docs/format.md
 * says, byte for byte.
 */
static AugStatus
read_one_leaf(const uint8_t *bytes, size_t length, double base, double scale, float leaf,
			  double *score)
{
	UnitHost h;
	AugError err;
	AugArena arena;
	AugReader r;
	AugWriter w;
	AugModel *model = NULL;
	AugModelInfo info;
	const AugOps *ops;
	AugStatus status;
	uint32_t crc;

	unit_host(&h);
	memset(&info, 0, sizeof(info));
	aug_arena_init(&arena, &h.host);
	aug_writer_init(&w, &h.host);
	CHECK(aug_artifact_open(bytes, length, &r, &ops, &err) == AUG_OK);
	info.algorithm = &ops->about;
	CHECK(aug_artifact_common(&r, &info, &arena, &err) == AUG_OK);
	aug_write_bytes(&w, bytes, (size_t) (r.at - bytes));
	aug_write_u8(&w, 1);	 /* version of the body */
	aug_write_varint(&w, 1); /* trees */
	aug_write_f64(&w, base);
	aug_write_f64(&w, scale);
	aug_write_u8(&w, 0);	 /* no intervals */
	aug_write_varint(&w, 5); /* bytes, splits, words of sets and of shares */
	aug_write_varint(&w, 0);
	aug_write_varint(&w, 0);
	aug_write_varint(&w, 0);
	aug_write_varint(&w, 0); /* a leaf with a value */
	aug_write_f32(&w, leaf);
	for (int i = 0; i < 8; i++)
		w.bytes[12 + i] = (uint8_t) ((uint64_t) (w.length + AUG_TRAILER_SIZE) >> (8 * i));
	crc = aug_crc32c(0, w.bytes, w.length);
	aug_write_u32(&w, crc);
	status = aug_model_read(&h.host, w.bytes, w.length, &model, &err);
	if (status == AUG_OK)
	{
		double x[8] = {0};
		_Alignas(16) char scratch[256];

		CHECK(info.n_features <= 8 && aug_model_scratch(model) <= sizeof(scratch));
		*score = aug_model_score1(model, x, scratch);
	}
	aug_model_free(model);
	aug_writer_free(&w);
	aug_arena_free(&arena);
	CHECK(h.live == 0);
	return status;
}

/* Base, scale and leaf are finite each; what they add up to must be as well. */
static void
test_forest_values(void)
{
	static const struct
	{
		double base, scale;
		float leaf;
		bool accepted;
	} cases[] = {
		{100, 1, 7, true},
		{100, 0.5, -7, true},
		{0, 1, 3e38f, true},
		{1e308, 1, 3e38f, true},
		{0, 1e-300, 1e7f, true},
		{0, 1e-300, 1e9f, false},
		{0, 1e-300, -1e9f, false},
		{1.7e308, 1e-300, 1e8f, false},
		{-1.7e308, 1e-300, 1e8f, false},
		{0, 0, 1, false},
		{0, -1, 1, false},
		{0, 1e-320, 1, false},
		{0, INFINITY, 1, false},
		{NAN, 1, 1, false},
		{INFINITY, 1, 1, false},
		{0, 1, INFINITY, false},
		{0, 1, NAN, false},
	};
	uint8_t *bytes;
	size_t length;

	bytes = unit_read_file(UNIT_DATA "/format1_random_forest_regression.model", &length);
	if (!CHECK(bytes != NULL))
		return;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		double score = NAN;
		AugStatus status =
			read_one_leaf(bytes, length, cases[i].base, cases[i].scale, cases[i].leaf, &score);

		if (!CHECK(status == (cases[i].accepted ? AUG_OK : AUG_CORRUPT)))
			fprintf(stderr, "case %u\n", i);
		if (status == AUG_OK)
			CHECK(score == cases[i].base + (double) cases[i].leaf / cases[i].scale);
	}
	free(bytes);
}

/* ---- golden models ---------------------------------------------------- */

#define GOLDEN_ROWS 20

static void
golden_data(UnitData *d, AugTask task)
{
	UnitDataOptions options = {task, 60, task == AUG_CLASSIFICATION ? 3 : 0, true, true, true, 8};

	unit_data(d, &options);
}

static void
golden_path(char *path, size_t size, const AugAlgorithm *a, AugTask task, const char *ending)
{
	snprintf(path, size, "%s/format%d_%s_%s.%s", UNIT_DATA, AUG_FORMAT, a->name,
			 task == AUG_CLASSIFICATION ? "classification" : "regression", ending);
}

static void
write_golden(const AugAlgorithm *a, AugTask task)
{
	UnitHost h;
	UnitData d;
	AugError err;
	AugParams *params;
	AugModel *model;
	uint8_t *artifact;
	size_t length;
	AugFit fit;
	char path[PATH_MAX];
	FILE *file;
	double out[8], scratch[4096];

	unit_host(&h);
	golden_data(&d, task);
	params = unit_small_params(&h, a);
	unit_validate_params(params);
	if (!CHECK(unit_train(&h, a, params, &d.matrix, 42, 0, &artifact, &length, &fit, &err) ==
				   AUG_OK &&
			   aug_model_read(&h.host, artifact, length, &model, &err) == AUG_OK))
		return;
	golden_path(path, sizeof(path), a, task, "model");
	file = fopen(path, "wb");
	CHECK(file != NULL && fwrite(artifact, 1, length, file) == length && fclose(file) == 0);
	golden_path(path, sizeof(path), a, task, "txt");
	file = fopen(path, "w");
	if (!CHECK(file != NULL))
		return;
	fprintf(file, "# rows (features, then scores, as hexadecimal floats) of %s\n", a->name);
	for (int i = 0; i < GOLDEN_ROWS; i++)
	{
		const double *x = d.raw + i * (int) d.matrix.n_features;

		CHECK(aug_model_scratch(model) <= sizeof(scratch));
		aug_model_score(model, x, scratch, out);
		for (uint32_t f = 0; f < d.matrix.n_features; f++)
			fprintf(file, "%a ", x[f]);
		for (uint32_t k = 0; k < aug_model_info(model)->n_outputs; k++)
			fprintf(file, "%a ", out[k]);
		fprintf(file, "\n");
	}
	fclose(file);
	aug_model_free(model);
	h.host.release(&h, artifact);
	aug_params_free(params);
	unit_data_free(&d);
}

static void
check_golden_rows(const AugModel *model, FILE *file)
{
	const AugModelInfo *info = aug_model_info(model);
	double x[8], expected, out[8];
	void *scratch = aligned_alloc(16, (aug_model_scratch(model) / 16 + 1) * 16);
	int rows = 0;
	char line[128];

	if (scratch == NULL)
		abort();
	CHECK(info->n_features <= 8 && info->n_outputs <= 8);
	CHECK(fgets(line, sizeof(line), file) != NULL && line[0] == '#');
	while (fscanf(file, " %lf", &x[0]) == 1)
	{
		for (uint32_t f = 1; f < info->n_features; f++)
			CHECK(fscanf(file, " %lf", &x[f]) == 1);
		aug_model_score(model, x, scratch, out);
		for (uint32_t k = 0; k < info->n_outputs; k++)
		{
			CHECK(fscanf(file, " %lf", &expected) == 1);
			CHECK(expected == out[k]);
		}
		rows++;
	}
	CHECK(rows == GOLDEN_ROWS);
	free(scratch);
}

static void
read_golden(const AugAlgorithm *a, AugTask task)
{
	char path[PATH_MAX];
	UnitHost h;
	AugError err;
	AugModel *model;
	uint8_t *bytes;
	size_t length;
	FILE *file;

	unit_host(&h);
	golden_path(path, sizeof(path), a, task, "model");
	bytes = unit_read_file(path, &length);
	if (!CHECK(bytes != NULL))
	{
		fprintf(stderr, "no %s\n", path);
		return;
	}
	if (CHECK(aug_model_read(&h.host, bytes, length, &model, &err) == AUG_OK))
	{
		const AugModelInfo *info = aug_model_info(model);

		CHECK(info->algorithm == a && info->task == task && info->n_rows == 60);
		CHECK_TEXT(info->features[3].column, "region");
		CHECK(aug_model_level(model, 3, "a004", 4) == 4);
		golden_path(path, sizeof(path), a, task, "txt");
		file = fopen(path, "r");
		if (CHECK(file != NULL))
		{
			check_golden_rows(model, file);
			fclose(file);
		}
		aug_model_free(model);
	}
	free(bytes);
	CHECK(h.live == 0);
}

static void
test_golden(void)
{
	for (uint32_t i = 0; i < aug_algorithm_count(); i++)
	{
		const AugAlgorithm *a = aug_algorithm_at(i);

		for (int task = AUG_REGRESSION; task <= AUG_CLASSIFICATION; task++)
		{
			if (task == AUG_CLASSIFICATION ? !a->classification : !a->regression)
				continue;
			if (getenv("UNIT_WRITE_GOLDEN") != NULL)
				write_golden(a, (AugTask) task);
			read_golden(a, (AugTask) task);
		}
	}
}

static const UnitTest tests[] = {
	{"targets", test_targets},
	{"shapes", test_shapes},
	{"strangers", test_strangers},
	{"long", test_long},
	{"baseline", test_baseline},
	{"level_collisions", test_level_collisions},
	{"many_levels", test_many_levels},
	{"odd_levels", test_odd_levels},
	{"wrong_matrix", test_wrong_matrix},
	{"envelope", test_envelope},
	{"golden", test_golden},
	{"forest_values", test_forest_values},
};

UNIT_MAIN("model", tests);
