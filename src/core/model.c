/*-------------------------------------------------------------------------
 *
 * model.c
 *		A decoded model: reading, level codes, scoring.
 *
 * Reading hands the bytes to artifact.c and then to the algorithm; scoring is the
 * algorithm's.  What the decoded form may take is limited to a multiple of the
 * artifact's length, whatever the bytes say.
 *
 * Levels are found through an open-addressing hash table per categorical feature.
 * Levels made to collide would make its chains long; a table that turns out so is
 * dropped, and the levels, which are sorted, are searched by halves instead.
 *
 * Memory: one arena per model.  Interrupts: scoring a matrix polls about every
 * 4,096 rows, reading every 65,536 levels and as the algorithm does.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "artifact.h"

#define MEMORY_BASE	  ((size_t) 1 << 20)
#define MEMORY_FACTOR 64	/* decoded bytes per byte of artifact, at most */
#define SCORE_ROWS	  4096	/* between two polls */
#define POLL_LEVELS	  65536 /* likewise */
#define EMPTY		  UINT32_MAX
#define HASH_SEED	  UINT64_C(0x6C6576656C)

typedef struct LevelTable
{
	uint32_t *slots; /* level or EMPTY; NULL: search by halves */
	uint32_t mask;
} LevelTable;

struct AugModel
{
	const AugHost *host;
	const AugOps *ops;
	AugModelInfo info;
	LevelTable *levels; /* [n_features] */
	void *state;
	AugArena arena;
};

static inline const char *
level_at(const AugFeature *f, uint32_t i, size_t *length)
{
	uint32_t begin = i > 0 ? f->level_end[i - 1] : 0;

	*length = f->level_end[i] - begin;
	return f->level_text + begin;
}

/*
 * Fills the table of one feature, at most half full.  Leaves slots NULL when
 * the levels collide more than chance would have it.
 */
static AugStatus
table_build(LevelTable *table, const AugFeature *f, AugArena *arena, AugError *err)
{
	size_t n_slots = 8;
	uint64_t probes = 0;

	while (n_slots < (size_t) f->n_levels * 2)
		n_slots *= 2;
	table->slots = aug_arena_alloc(arena, n_slots, sizeof(uint32_t));
	if (table->slots == NULL)
		return aug_fail_nomem(err, n_slots * sizeof(uint32_t));
	table->mask = (uint32_t) (n_slots - 1);
	memset(table->slots, 0xFF, n_slots * sizeof(uint32_t));
	for (uint32_t i = 0; i < f->n_levels; i++)
	{
		size_t length;
		const char *text = level_at(f, i, &length);
		uint32_t slot = (uint32_t) aug_hash(text, length, HASH_SEED) & table->mask;

		for (; table->slots[slot] != EMPTY; slot = (slot + 1) & table->mask)
			probes++;
		table->slots[slot] = i;
		if (i % POLL_LEVELS == POLL_LEVELS - 1 && arena->host->poll(arena->host->arg, -1))
			return aug_fail_cancelled(err);
		if (probes > 64 + 8 * (uint64_t) f->n_levels)
		{
			table->slots = NULL;
			return AUG_OK;
		}
	}
	return AUG_OK;
}

static AugStatus
build_tables(AugModel *model, AugError *err)
{
	AugModelInfo *info = &model->info;

	model->levels = aug_arena_zero(&model->arena, info->n_features, sizeof(LevelTable));
	if (model->levels == NULL)
		return aug_fail_nomem(err, 0);
	for (uint32_t i = 0; i < info->n_features; i++)
	{
		AugStatus status = AUG_OK;

		if (info->features[i].kind == AUG_CATEGORICAL_FEATURE)
			status = table_build(&model->levels[i], &info->features[i], &model->arena, err);
		if (status != AUG_OK)
			return status;
	}
	return AUG_OK;
}

static AugStatus
decode(AugModel *model, AugReader *r, AugError *err)
{
	AugModelInfo *info = &model->info;
	AugStatus status = aug_artifact_common(r, info, &model->arena, err);

	if (status == AUG_OK)
		status = build_tables(model, err);
	if (status == AUG_OK)
		status = model->ops->read(r, info, &model->arena, &model->state, err);
	if (status == AUG_OK && (r->bad || r->at != r->end))
	{
		status = aug_fail(err, AUG_CORRUPT, "model is damaged");
		aug_detail(err, "Its body is not as long as it should be.");
	}
	/* a limit met means bytes that ask for more than honest ones could */
	if (status == AUG_NOMEM && model->arena.limited)
	{
		status = aug_fail(err, AUG_CORRUPT, "model is damaged");
		aug_detail(err, "Decoded it would take more than %zu bytes.", model->arena.limit);
	}
	return status;
}

AugStatus
aug_model_read(const AugHost *host, const uint8_t *bytes, size_t length, AugModel **out,
			   AugError *err)
{
	const AugOps *ops;
	AugReader r;
	AugModel *model;
	AugStatus status = aug_artifact_open(bytes, length, &r, &ops, err);

	*out = NULL;
	if (status != AUG_OK)
		return status;
	model = host->alloc(host->arg, sizeof(AugModel));
	if (model == NULL)
		return aug_fail_nomem(err, sizeof(AugModel));
	memset(model, 0, sizeof(*model));
	model->host = host;
	model->ops = ops;
	model->info.algorithm = &ops->about;
	aug_arena_init(&model->arena, host);
	if (length < (SIZE_MAX - MEMORY_BASE) / MEMORY_FACTOR)
		model->arena.limit = MEMORY_BASE + length * MEMORY_FACTOR;
	status = decode(model, &r, err);
	if (status != AUG_OK)
	{
		aug_model_free(model);
		return status;
	}
	model->info.memory = model->arena.total + sizeof(AugModel);
	*out = model;
	return AUG_OK;
}

AugStatus
aug_model_check(const uint8_t *bytes, size_t length, AugError *err)
{
	const AugOps *ops;
	AugReader r;

	return aug_artifact_open(bytes, length, &r, &ops, err);
}

const AugModelInfo *
aug_model_info(const AugModel *model)
{
	return &model->info;
}

void
aug_model_free(AugModel *model)
{
	if (model == NULL)
		return;
	aug_arena_free(&model->arena);
	model->host->release(model->host->arg, model);
}

/*
 * Index of the level among the sorted ones, by halves; EMPTY when there is none.
 */
static uint32_t
level_search(const AugFeature *f, const char *bytes, size_t length)
{
	uint32_t lo = 0, hi = f->n_levels;

	while (lo < hi)
	{
		uint32_t middle = lo + (hi - lo) / 2;
		size_t other;
		const char *text = level_at(f, middle, &other);
		size_t shorter = length < other ? length : other;
		int order = shorter == 0 ? 0 : memcmp(text, bytes, shorter);

		if (order == 0 && other == length)
			return middle;
		if (order < 0 || (order == 0 && other < length))
			lo = middle + 1;
		else
			hi = middle;
	}
	return EMPTY;
}

double
aug_model_level(const AugModel *model, uint32_t feature, const char *bytes, size_t length)
{
	const AugFeature *f = &model->info.features[feature];
	const LevelTable *table = &model->levels[feature];
	uint32_t level;

	if (f->kind != AUG_CATEGORICAL_FEATURE || f->n_levels == 0)
		return AUG_UNSEEN_LEVEL;
	if (table->slots == NULL)
	{
		level = level_search(f, bytes, length);
		return level == EMPTY ? AUG_UNSEEN_LEVEL : (double) level;
	}
	for (uint32_t slot = (uint32_t) aug_hash(bytes, length, HASH_SEED) & table->mask;
		 (level = table->slots[slot]) != EMPTY; slot = (slot + 1) & table->mask)
	{
		size_t other;
		const char *text = level_at(f, level, &other);

		if (other == length && (length == 0 || memcmp(text, bytes, length) == 0))
			return level;
	}
	return AUG_UNSEEN_LEVEL;
}

size_t
aug_model_scratch(const AugModel *model)
{
	size_t n = model->ops->scratch(model->state, &model->info);

	return n < 16 ? 16 : n;
}

void
aug_model_score(const AugModel *model, const double *x, void *scratch, double *out)
{
	model->ops->score(model->state, &model->info, x, scratch, out);
}

double
aug_model_score1(const AugModel *model, const double *x, void *scratch)
{
	return model->ops->score1(model->state, &model->info, x, scratch);
}

/*
 * See augur.h.  A model that has no interval answers NaN to NaN.
 */
void
aug_model_interval(const AugModel *model, const double *x, void *scratch, double level,
				   double *lower, double *upper)
{
	*lower = *upper = NAN;
	if (model->info.has_interval && level > 0 && level < 1)
		model->ops->interval(model->state, &model->info, x, scratch, level, lower, upper);
}

/*
 * The matrix must have been binned with this model's own features.
 */
static bool
matrix_fits(const AugModelInfo *info, const AugMatrix *matrix)
{
	if (matrix->n_features != info->n_features)
		return false;
	for (uint32_t i = 0; i < info->n_features; i++)
	{
		const AugFeature *a = &info->features[i], *b = &matrix->features[i];

		if (a->kind != b->kind || a->wide != b->wide || a->slot != b->slot ||
			a->n_cuts != b->n_cuts || a->n_levels != b->n_levels)
			return false;
	}
	return true;
}

AugStatus
aug_model_score_matrix(const AugModel *model, const AugHost *host, const AugMatrix *matrix,
					   uint32_t first, uint32_t n, double *out, AugError *err)
{
	const AugModelInfo *info = &model->info;
	size_t size = aug_model_scratch(model);
	void *scratch;
	AugStatus status = AUG_OK;

	if (!matrix_fits(info, matrix) ||
		(info->algorithm->raw && info->n_features > 0 && matrix->raw == NULL) ||
		first > matrix->n_rows || n > matrix->n_rows - first)
		return aug_fail(err, AUG_INTERNAL, "matrix does not belong to the model");
	scratch = host->alloc(host->arg, size);
	if (scratch == NULL)
		return aug_fail_nomem(err, size);
	for (uint32_t done = 0; done < n;)
	{
		uint32_t rows = n - done < SCORE_ROWS ? n - done : SCORE_ROWS;

		if (host->poll(host->arg, (double) done / n))
		{
			status = aug_fail_cancelled(err);
			break;
		}
		model->ops->score_cells(model->state, info, matrix, first + done, rows, scratch,
								out + (size_t) done * info->n_outputs);
		done += rows;
	}
	host->release(host->arg, scratch);
	return status;
}
