/*-------------------------------------------------------------------------
 *
 * boost_round.c
 *		The rounds of a boosted model: validation rows, samples, trees, scores, early
 *		stopping.
 *
 * Each round fits one tree (three classes and more: one for each, all to the scores at
 * the round's beginning) to the gradients of the scores so far.  Rounds depend on each
 * other, so all of them are one task.
 *
 * With early stopping, rows are set aside for validation: so many of each class, or
 * of all rows, drawn by the seed, or the last ones where the matrix says so.  Training
 * stops when their loss has not improved for a number of rounds, and the rounds up to
 * the best one are kept.
 *
 * Memory: the job's arena, taken before the first round but for the growing tree.
 * Interrupts: polled by rows, and after each tree with the share that is done.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "boost.h"

#define CHUNK		 16384
#define POOL_BYTES	 ((size_t) 128 << 20)
#define STREAM_VALID UINT64_C(0x76616C6964) /* random stream of the validation rows */
#define STREAM_ROWS	 UINT64_C(0x726F7773)	/* of the samples */

/* ---- sizes ------------------------------------------------------------- */

/* Most leaves of a tree. */
double
aug_boost_most_leaves(const BoostConfig *c, uint32_t n_rows)
{
	double leaves = floor((double) n_rows / c->min_leaf);

	if (c->max_leaves < leaves)
		leaves = c->max_leaves;
	if (c->max_depth < 32 && ldexp(1, (int) c->max_depth) < leaves)
		leaves = ldexp(1, (int) c->max_depth);
	return leaves < 1 ? 1 : leaves;
}

/* Leaves whose histograms are kept: all, while they fit, and two at least. */
size_t
aug_boost_pool_slots(const BoostConfig *c, uint32_t n_rows, size_t slot_bytes)
{
	double most = aug_boost_most_leaves(c, n_rows) + 1;
	size_t slots = POOL_BYTES / (slot_bytes > 0 ? slot_bytes : 1);

	if ((double) slots > most)
		slots = (size_t) most;
	return slots < 2 ? 2 : slots;
}

/* ---- open -------------------------------------------------------------- */

/* Which narrow columns have missing values. */
static AugStatus
find_missing(BoostJob *b, AugError *err)
{
	const AugMatrix *m = b->f.matrix;

	b->has_missing = aug_arena_zero(b->f.arena, m->n_features, sizeof(bool));
	if (b->has_missing == NULL)
		return aug_fail_nomem(err, m->n_features);
	for (uint32_t i = 0; i < m->n_features; i++)
	{
		const uint8_t *cell = m->cells + m->features[i].slot;

		for (uint32_t row = 0; !m->features[i].wide && row < m->n_rows; row++)
		{
			if (row % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 2))
				return aug_fail_cancelled(err);
			if (cell[row * m->stride] != AUG_MISSING_CELL)
				continue;
			b->has_missing[i] = true;
			break;
		}
	}
	return AUG_OK;
}

/* Most groups of a categorical feature, missing included. */
static uint32_t
most_groups(const BoostJob *b, bool wide_only)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < b->f.n_features; i++)
	{
		const ForestFeature *ff = &b->f.features[i];

		if (ff->kind == FEATURE_NUMERIC || (wide_only && ff->kind != FEATURE_WIDE))
			continue;
		most = ff->n_bins + 1 > most ? ff->n_bins + 1 : most;
	}
	return most;
}

/* One array of the arena; sets *ok to false without memory. */
static void *
array(BoostJob *b, size_t n, size_t size, bool *ok)
{
	void *p = aug_arena_zero(b->f.arena, n, size);

	if (p == NULL)
		*ok = false;
	return p;
}

static AugStatus
open_buffers(BoostJob *b, AugError *err)
{
	const BoostConfig *c = &b->config;
	size_t n = b->f.matrix->n_rows, p = b->f.n_features, g = most_groups(b, false),
		   wide = most_groups(b, true);
	bool ok = true;

	b->start = array(b, c->n_outputs, sizeof(double), &ok);
	b->scores = array(b, n * c->n_outputs, sizeof(double), &ok);
	if (c->n_outputs > 1)
		b->norm = array(b, n, sizeof(double), &ok);
	b->gradients = array(b, n, sizeof(float), &ok);
	b->hessians = array(b, n, sizeof(float), &ok);
	b->pairs = array(b, n, sizeof(BoostPair), &ok);
	b->train = array(b, n, sizeof(uint32_t), &ok);
	b->rows = array(b, n, sizeof(uint32_t), &ok);
	b->idle = array(b, n, sizeof(uint32_t), &ok);
	b->swap = array(b, n, sizeof(uint32_t), &ok);
	if (b->f.matrix->weight != NULL || c->patience > 0 || c->task == AUG_CLASSIFICATION)
		b->weight = array(b, n, sizeof(float), &ok);
	if (loss_is_quantile(c->loss) || c->loss == LOSS_HUBER)
	{
		b->residuals = array(b, n, sizeof(double), &ok);
		b->residual_weights = array(b, n, sizeof(double), &ok);
	}
	b->active = array(b, p, sizeof(uint32_t), &ok);
	b->drawn = array(b, p, sizeof(uint32_t), &ok);
	b->narrow = array(b, p, sizeof(uint32_t), &ok);
	b->hist_at = array(b, p, sizeof(uint32_t), &ok);
	b->gains = array(b, p, sizeof(double), &ok);
	b->f.side = array(b, (g > BINS ? g : BINS) + 1, 1, &ok);
	b->groups.code = array(b, g, sizeof(uint32_t), &ok);
	b->groups.bin = array(b, g, sizeof(BoostBin), &ok);
	b->groups.key = array(b, g, sizeof(double), &ok);
	b->groups.perm = array(b, 2 * g, sizeof(uint32_t), &ok);
	b->wide = array(b, wide, sizeof(BoostBin), &ok);
	return ok ? AUG_OK : aug_fail_nomem(err, n * sizeof(double));
}

/*
 * Weights of all rows; dropped when all are 1.  Validation rows are 0 later.
 */
static AugStatus
open_weights(BoostJob *b, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	bool plain = b->config.patience == 0;

	for (uint32_t i = 0; b->weight != NULL && i < m->n_rows; i++)
	{
		double w = m->weight == NULL ? 1 : m->weight[i];

		if (m->task == AUG_CLASSIFICATION)
			w *= b->f.class_weight[m->label[i]];
		b->weight[i] = (float) w;
		if (!isfinite(b->weight[i]))
			return aug_fail(err, AUG_DATA, "weight of row %u is too large", i + 1);
		plain &= b->weight[i] == 1;
		if (i % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 2))
			return aug_fail_cancelled(err);
	}
	if (plain)
		b->weight = NULL;
	return AUG_OK;
}

/*
 * Parts the rows into training and validation rows.  Each group (a class, or all
 * rows) gives the same share: row by row, with the probability that makes exactly so
 * many in the end.
 */
static AugStatus
open_validation(BoostJob *b, AugError *err)
{
	const AugMatrix *m = b->f.matrix;
	AugRng rng = aug_rng(b->f.seed, STREAM_VALID, 0);
	uint32_t k = m->task == AUG_CLASSIFICATION ? m->n_classes : 1;
	uint32_t *left = aug_arena_zero(b->f.arena, k, sizeof(uint32_t)),
			 *wanted = aug_arena_zero(b->f.arena, k, sizeof(uint32_t));

	if (left == NULL || wanted == NULL)
		return aug_fail_nomem(err, k * sizeof(uint32_t));
	b->valid = b->config.patience > 0 ? aug_arena_alloc(b->f.arena, m->n_rows, sizeof(uint32_t))
									  : b->train;
	if (b->valid == NULL)
		return aug_fail_nomem(err, m->n_rows * sizeof(uint32_t));
	for (uint32_t i = 0; i < m->n_rows; i++)
		left[m->label == NULL ? 0 : m->label[i]]++;
	for (uint32_t i = 0; i < k; i++)
		wanted[i] = m->n_last > 0 ? 0 : (uint32_t) floor(b->config.validation * left[i] + 0.5);
	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		uint32_t at = m->label == NULL ? 0 : m->label[i];

		if (b->config.patience > 0 && i >= m->n_rows - m->n_last)
		{
			b->valid[b->n_valid++] = i;
			b->weight[i] = 0;
		}
		else if (wanted[at] > 0 && aug_rng_below(&rng, left[at]) < wanted[at])
		{
			wanted[at]--;
			b->valid[b->n_valid++] = i;
			b->weight[i] = 0;
		}
		else
			b->train[b->n_train++] = i;
		left[at]--;
		if (i % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 8))
			return aug_fail_cancelled(err);
	}
	if (b->config.patience > 0 && (b->n_valid == 0 || b->n_train == 0))
	{
		aug_fail(err, AUG_DATA, "%u rows are too few for early stopping", m->n_rows);
		aug_hint(err, "Set early_stopping_rounds to none.");
		return AUG_DATA;
	}
	return AUG_OK;
}

/* Bits for the count of all rows; what they leave to the hessians. */
static void
open_bits(BoostJob *b)
{
	uint32_t n = b->f.matrix->n_rows;

	while ((UINT64_C(1) << b->count_bits) <= n)
		b->count_bits++;
	b->hessian_bits = 63 - 2 * b->count_bits;
	if (b->hessian_bits > 30)
		b->hessian_bits = 30;
}

/* Target or classes; what a target of an extreme range does to the options. */
static AugStatus
open_target(BoostJob *b, const AugParams *params, AugError *err)
{
	BoostConfig *c = &b->config;
	AugStatus status;

	if (c->task == AUG_CLASSIFICATION)
		return aug_forest_open_classes(&b->f, params, B_CLASS_WEIGHT, err);
	if (loss_is_log(c->loss))
		return aug_boost_check_target(b, err);
	status = aug_forest_open_target(&b->f, err);
	c->delta *= b->f.scale;
	c->max_step *= b->f.scale;
	if (!loss_is_quantile(c->loss))
	{
		c->alpha *= b->f.scale;
		/* in two steps: the square may be out of range */
		c->min_gain = c->min_gain * b->f.scale * b->f.scale;
	}
	return status;
}

AugStatus
aug_boost_open(AugJob *job, AugError *err)
{
	const AugMatrix *m = job->matrix;
	AugShape shape = aug_matrix_shape(m);
	BoostJob *b = aug_arena_zero(&job->arena, 1, sizeof(BoostJob));
	AugStatus status;

	if (b == NULL)
		return aug_fail_nomem(err, sizeof(BoostJob));
	if (m->n_features == 0)
		return aug_fail(err, AUG_DATA, "there are no features to learn from");
	job->state = b;
	b->f.host = job->host;
	b->f.matrix = m;
	b->f.arena = &job->arena;
	b->f.seed = job->seed;
	b->f.n_features = m->n_features;
	b->f.scale = 1;
	/* the leaves of its trees are numbers, whatever the task */
	b->f.mode = MODE_SUM;
	b->f.config.task = AUG_REGRESSION;
	status = aug_boost_config(&shape, job->params, &b->config, err);
	if (status == AUG_OK)
		status = open_target(b, job->params, err);
	if (status == AUG_OK)
		status = aug_forest_open_features(&b->f, err);
	if (status == AUG_OK)
		status = find_missing(b, err);
	open_bits(b);
	return status;
}

/* ---- rounds ------------------------------------------------------------ */

/*
 * The rows of a round: a sample of the training rows, without replacement, and all
 * others.
 */
static AugStatus
draw_rows(BoostJob *b, uint32_t round, AugError *err)
{
	AugRng rng = aug_rng(b->f.seed, round, STREAM_ROWS);
	uint32_t wanted = (uint32_t) floor(b->config.fraction * b->n_train + 0.5), idle = 0, n = 0;
	bool all;

	wanted = wanted < 1 ? 1 : wanted;
	all = wanted >= b->n_train;
	for (uint32_t t = 0; t < b->n_train; t++)
	{
		uint32_t left = b->n_train - t;

		if (all || aug_rng_below(&rng, left) < wanted)
		{
			wanted--;
			b->rows[n++] = b->train[t];
		}
		else
			b->idle[idle++] = b->train[t];
		if (t % CHUNK == CHUNK - 1 && forest_tick(&b->f, CHUNK * 4))
			return aug_fail_cancelled(err);
	}
	for (uint32_t t = 0; t < b->n_valid; t++)
		b->idle[idle++] = b->valid[t];
	b->n_sample = n;
	return AUG_OK;
}

/* One round: a tree for each output. */
static AugStatus
run_round(BoostJob *b, uint32_t round, AugWriter *sizes, AugWriter *trees, uint64_t *n_nodes,
		  AugError *err)
{
	AugStatus status = aug_boost_normalize(b, err);

	for (uint32_t o = 0; status == AUG_OK && o < b->config.n_outputs; o++)
	{
		TreeSizes size;

		/* the last tree has parted the rows: each begins with them in order again */
		status = draw_rows(b, round, err);
		if (status == AUG_OK)
			status = aug_boost_gradients(b, o, err);
		if (status == AUG_OK)
			status = aug_boost_grow(b, round * b->config.n_outputs + o, err);
		if (status == AUG_OK)
			status = aug_boost_leaves(b, o, err);
		if (status == AUG_OK)
			status = aug_forest_encode(&b->f, trees, &size, err);
		if (status != AUG_OK)
			return status;
		aug_forest_write_sizes(sizes, &size);
		*n_nodes += b->f.tree.n_nodes;
		if (b->f.host->poll(b->f.host->arg,
							(round + (o + 1.0) / b->config.n_outputs) / b->config.n_rounds))
			return aug_fail_cancelled(err);
	}
	return status;
}

/* What would be cut off when the next rounds turn out to be worse. */
typedef struct Best
{
	size_t sizes, trees; /* bytes */
	uint32_t round;		 /* number of the last round kept */
} Best;

static void
keep_best(BoostJob *b, uint32_t rounds, const AugWriter *sizes, const AugWriter *trees, Best *best,
		  BoostResult *result)
{
	best->sizes = sizes->length;
	best->trees = trees->length;
	result->n_rounds = rounds;
	memcpy(result->gains, b->gains, b->f.n_features * sizeof(double));
	for (uint32_t t = 0; result->best_scores != NULL && t < b->n_valid; t++)
		result->best_scores[t] = b->scores[b->valid[t]];
}

static AugStatus
begin(BoostJob *b, BoostResult *result, AugError *err)
{
	AugStatus status = open_buffers(b, err);

	memset(result, 0, sizeof(*result));
	result->validation = NAN;
	if (status == AUG_OK)
		status = open_weights(b, err);
	if (status == AUG_OK)
		status = open_validation(b, err);
	if (status != AUG_OK)
		return status;
	result->gains = aug_arena_zero(b->f.arena, b->f.n_features, sizeof(double));
	if (b->n_valid > 0 && b->config.n_outputs == 1)
		result->best_scores = aug_arena_alloc(b->f.arena, b->n_valid, sizeof(double));
	if (result->gains == NULL ||
		(b->n_valid > 0 && b->config.n_outputs == 1 && result->best_scores == NULL))
		return aug_fail_nomem(err, b->n_valid * sizeof(double));
	return aug_boost_start(b, err);
}

/*
 * All rounds.  sizes and trees get what the body holds of the rounds kept.
 */
AugStatus
aug_boost_rounds(BoostJob *b, AugWriter *sizes, AugWriter *trees, BoostResult *result,
				 AugError *err)
{
	Best best = {0};
	double best_loss = INFINITY;
	uint64_t n_nodes = 0;
	AugStatus status = begin(b, result, err);

	for (uint32_t round = 0; status == AUG_OK && round < b->config.n_rounds; round++)
	{
		double loss;

		status = run_round(b, round, sizes, trees, &n_nodes, err);
		result->rounds_run = round + 1;
		if (status != AUG_OK || b->n_valid == 0)
			continue;
		status = aug_boost_normalize(b, err);
		if (status == AUG_OK)
			status = aug_boost_validate(b, &loss, err);
		if (status == AUG_OK && loss < best_loss)
		{
			best_loss = loss;
			keep_best(b, round + 1, sizes, trees, &best, result);
			result->n_nodes = n_nodes;
		}
		else if (status == AUG_OK && round + 1 - result->n_rounds >= b->config.patience)
			break;
	}
	if (status != AUG_OK)
		return status;
	if (b->n_valid == 0 || result->n_rounds == 0)
	{
		keep_best(b, b->config.n_rounds, sizes, trees, &best, result);
		result->n_nodes = n_nodes;
	}
	else
		result->validation = best_loss;
	sizes->length = best.sizes;
	trees->length = best.trees;
	return AUG_OK;
}
