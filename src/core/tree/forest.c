/*-------------------------------------------------------------------------
 *
 * forest.c
 *		The random forest as the core sees it: plan, open, run, merge.
 *
 * A task is one tree.  Its result is the encoded tree with what it adds to the
 * importances; its out-of-bag votes go to the shared block.
 *
 * A regression tree learns (y - base) * scale as single-precision numbers: base
 * is the mean rounded to a coarse binary grid, so that the difference of integers
 * stays an integer, and scale is a power of two, 1 unless the target's range is
 * extreme.  Large offsets (years, timestamps) thus cost no precision.
 *
 * Memory: see aug_forest_plan.  Interrupts: the other files of this room.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "forest.h"

#define CHUNK 65536

/* ---- plan -------------------------------------------------------------- */

static uint32_t
round_up(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/*
 * Where the parts of a record go.  Cells of very wide tables stay in the matrix:
 * a node touches few of a row's cells, and moving all of them would cost more.
 */
static void
plan_layout(const AugShape *shape, bool weights, RecordLayout *layout)
{
	uint32_t at = 2; /* draws */
	bool cells = shape->n_narrow <= 124 && shape->n_narrow > 0;

	memset(layout, 0, sizeof(*layout));
	if (shape->task == AUG_CLASSIFICATION)
		layout->label_at = at;
	at = 4;
	if (shape->task == AUG_REGRESSION)
	{
		layout->y_at = at;
		at += 4;
	}
	if (weights)
	{
		layout->weight_at = at;
		at += 4;
	}
	if (shape->n_wide > 0 || !cells)
	{
		layout->row_at = at;
		at += 4;
	}
	if (cells)
	{
		layout->cells_at = at;
		at += shape->n_narrow;
	}
	layout->size = round_up(at, 8);
}

/* Distinct rows of a sample, about. */
static double
distinct_rows(const ForestConfig *config, uint32_t n_rows)
{
	double n = n_rows;

	if (!config->bootstrap)
		return config->n_draws;
	return n * (1 - pow(1 - 1 / n, config->n_draws));
}

/*
 * Most leaves of a tree.  Labels drawn at random from k classes, which no split
 * can tell, were measured to make 0.43, 0.57 and 0.72 leaves a row for k = 2, 3
 * and 6; 1 - 1 / k is above that.
 */
static double
most_leaves(const ForestConfig *config, uint32_t n_rows)
{
	double leaves = distinct_rows(config, n_rows),
		   draws = (double) config->n_draws / config->min_leaf;

	if (config->task == AUG_CLASSIFICATION && config->n_classes > 1)
		leaves *= 1 - 1.0 / config->n_classes;
	if (draws < leaves)
		leaves = draws;
	if (config->max_leaf_nodes > 0 && config->max_leaf_nodes < leaves)
		leaves = config->max_leaf_nodes;
	if (config->max_depth < 32 && ldexp(1, (int) config->max_depth) < leaves)
		leaves = ldexp(1, (int) config->max_depth);
	return leaves < 1 ? 1 : leaves;
}

/*
 * Tasks and memory.  scratch: the records, the draws of each row, and the tree
 * while it grows and while it is decoded for the rows out of bag.
 */
static AugStatus
forest_plan(const AugShape *shape, const AugParams *params, AugPlan *plan, AugError *err)
{
	ForestConfig config;
	RecordLayout layout;
	AugStatus status = aug_forest_config(shape, params, &config, err);
	double p = (double) shape->n_narrow + shape->n_wide, leaves, bytes, per_row, histograms = 0;

	if (status != AUG_OK)
		return status;
	plan_layout(shape, true, &layout);
	leaves = most_leaves(&config, shape->n_rows);
	per_row = layout.size;
	if (shape->task == AUG_CLASSIFICATION && shape->n_classes > 2)
		per_row += 24;
	if (shape->n_classes <= CLASS_LIMIT)
		histograms = (double) BINS * shape->n_classes * (sizeof(uint32_t) + sizeof(double));
	bytes = distinct_rows(&config, shape->n_rows) * per_row + shape->n_rows;
	bytes += leaves * 2 * (2 * sizeof(GrowNode) + sizeof(WalkNode));
	bytes += p * 24 + (256 << 10) + histograms;
	if (shape->n_wide > 0)
		bytes += (double) shape->n_rows * 40;
	if (config.importance == IMPORTANCE_PERMUTATION)
		bytes += (double) shape->n_rows * 8;
	plan->n_tasks = config.n_trees;
	plan->shared_bytes = aug_forest_oob_bytes(&config, shape->n_rows);
	plan->scratch_bytes = (size_t) bytes;
	bytes = leaves * (2 + (p > 31 ? 1 : 0) + (shape->task == AUG_REGRESSION ? 5 : 2));
	plan->result_bytes = (size_t) ((bytes + p * 16 + 64) * config.n_trees);
	return AUG_OK;
}

/* ---- open -------------------------------------------------------------- */

static AugStatus
forest_open(AugJob *job, AugError *err)
{
	const AugMatrix *m = job->matrix;
	AugShape shape = aug_matrix_shape(m);
	ForestJob *f = aug_arena_zero(&job->arena, 1, sizeof(ForestJob));
	AugStatus status;

	if (f == NULL)
		return aug_fail_nomem(err, sizeof(ForestJob));
	if (m->n_features == 0)
		return aug_fail(err, AUG_DATA, "there are no features to learn from");
	job->state = f;
	f->host = job->host;
	f->matrix = m;
	f->arena = &job->arena;
	f->seed = job->seed;
	f->n_features = m->n_features;
	f->scale = 1;
	status = aug_forest_config(&shape, job->params, &f->config, err);
	if (status == AUG_OK)
		status = m->task == AUG_CLASSIFICATION
					 ? aug_forest_open_classes(f, job->params, P_CLASS_WEIGHT, err)
					 : aug_forest_open_target(f, err);
	if (status == AUG_OK)
		status = aug_forest_open_features(f, err);
	if (status != AUG_OK)
		return status;
	if (m->task == AUG_REGRESSION)
		f->mode = MODE_SUM;
	else if (m->n_classes > 2)
		f->mode = MODE_CLASS;
	else
		f->mode = m->weight != NULL ? MODE_SUM : MODE_COUNT;
	plan_layout(&shape, m->weight != NULL, &f->layout);
	f->most_nodes = 2 * most_leaves(&f->config, m->n_rows) + 2;
	return AUG_OK;
}

/* ---- run --------------------------------------------------------------- */

/*
 * Decodes the tree that was just written at bytes into f->walk.
 */
static AugStatus
decode_own(ForestJob *f, const uint8_t *bytes, const TreeSizes *sizes, AugError *err)
{
	const AugMatrix *m = f->matrix;
	TreeLimits limits = {m->task, m->n_classes, m->n_features, m->features, f->host, false};
	AugReader r = {bytes, bytes + sizes->n_bytes, false};
	void *nodes, *sets, *shares;

	if (f->walk == NULL)
		f->walk = aug_arena_zero(f->arena, 1, sizeof(Walk));
	if (f->codes_row == NULL)
		f->codes_row =
			aug_arena_alloc(f->arena, (size_t) f->n_features * WALK_ROWS, sizeof(uint32_t));
	if (f->walk == NULL || f->codes_row == NULL)
		return aug_fail_nomem(err, f->n_features * sizeof(uint32_t) * WALK_ROWS);
	nodes = f->walk->nodes;
	sets = f->walk->sets;
	shares = f->walk->shares;
	if (!aug_forest_ensure(f->arena, &nodes, &f->walk_nodes, 2 * (size_t) sizes->n_splits + 1,
						   sizeof(WalkNode), 0) ||
		!aug_forest_ensure(f->arena, &sets, &f->walk_sets, sizes->n_sets, sizeof(uint32_t), 0) ||
		!aug_forest_ensure(f->arena, &shares, &f->walk_shares, sizes->n_shares, sizeof(uint32_t),
						   0))
		return aug_fail_nomem(err, 2 * (size_t) sizes->n_splits * sizeof(WalkNode));
	f->walk->nodes = nodes;
	f->walk->sets = sets;
	f->walk->shares = shares;
	f->walk->n_nodes = f->walk->n_sets = f->walk->n_shares = 0;
	if (aug_forest_decode(&r, &limits, sizes, f->walk))
		return AUG_OK;
	if (limits.cancelled)
		return aug_fail_cancelled(err);
	return aug_fail(err, AUG_INTERNAL, "a grown tree could not be read back");
}

static void
put_sizes(uint8_t *at, const TreeSizes *sizes)
{
	uint32_t v[4] = {sizes->n_bytes, sizes->n_splits, sizes->n_sets, sizes->n_shares};

	memcpy(at, v, sizeof(v));
}

static bool
get_sizes(const AugSlice *result, TreeSizes *sizes)
{
	uint32_t v[4];

	if (result->length < sizeof(v))
		return false;
	memcpy(v, result->bytes, sizeof(v));
	sizes->n_bytes = v[0];
	sizes->n_splits = v[1];
	sizes->n_sets = v[2];
	sizes->n_shares = v[3];
	return true;
}

/* Bytes of a result in front of the tree: sizes, gains, permutation losses. */
static size_t
result_head(const ForestJob *f)
{
	size_t n = f->config.importance == IMPORTANCE_NONE			? 0
			   : f->config.importance == IMPORTANCE_PERMUTATION ? 2
																: 1;

	return 4 * sizeof(uint32_t) + n * f->n_features * sizeof(double);
}

/* The tree's bytes behind the head of the result, and its out-of-bag votes. */
static AugStatus
finish_tree(AugJob *job, uint32_t tree, AugWriter *out, AugError *err)
{
	ForestJob *f = job->state;
	size_t head = result_head(f), p = f->n_features;
	bool permute = f->config.importance == IMPORTANCE_PERMUTATION;
	TreeSizes sizes;
	uint8_t *at = aug_writer_reserve(out, head);
	AugStatus status;

	if (at == NULL)
		return aug_fail_nomem(err, head);
	memset(at, 0, head);
	if (f->config.importance != IMPORTANCE_NONE)
		memcpy(at + 4 * sizeof(uint32_t), f->gains, p * sizeof(double));
	status = aug_forest_encode(f, out, &sizes, err);
	if (status != AUG_OK)
		return status;
	put_sizes(out->bytes, &sizes);
	if (f->config.oob || permute)
		status = decode_own(f, out->bytes + head, &sizes, err);
	if (status == AUG_OK && f->config.oob)
		status = aug_forest_oob_vote(f, job->shared, err);
	if (status == AUG_OK && permute)
	{
		/* gains are in the result already; their array is free */
		status = aug_forest_permutation(f, tree, f->gains, err);
		memcpy(out->bytes + 4 * sizeof(uint32_t) + p * sizeof(double), f->gains,
			   p * sizeof(double));
	}
	return status;
}

/* Grows tree i and lets its out-of-bag rows vote. */
static AugStatus
forest_run(AugJob *job, uint32_t i, AugWriter *out, AugError *err)
{
	ForestJob *f = job->state;
	AugStatus status = aug_forest_buffers(f, err);

	if (status != AUG_OK)
		return status;
	if (f->dirty)
		aug_forest_rest(f);
	f->dirty = true;
	status = aug_forest_grow(f, i, err);
	if (status == AUG_OK)
		status = finish_tree(job, i, out, err);
	f->dirty = status != AUG_OK;
	return status;
}

/* ---- merge ------------------------------------------------------------- */

/*
 * Importances: each tree's gains as shares of their sum, averaged over the trees
 * and made to sum to 1; permutation losses averaged over the trees.
 */
static AugStatus
merge_importance(ForestJob *f, const AugSlice *results, AugSummary *summary, AugError *err)
{
	uint32_t p = f->n_features, t, i;
	bool permute = f->config.importance == IMPORTANCE_PERMUTATION;
	double sum = 0;

	if (f->config.importance == IMPORTANCE_NONE)
		return AUG_OK;
	summary->importance = aug_arena_zero(f->arena, p, sizeof(double));
	if (permute)
		summary->permutation = aug_arena_zero(f->arena, p, sizeof(double));
	if (summary->importance == NULL || (permute && summary->permutation == NULL))
		return aug_fail_nomem(err, p * sizeof(double));
	for (t = 0; t < f->config.n_trees; t++)
	{
		const uint8_t *at = results[t].bytes + 4 * sizeof(uint32_t);
		double total = 0, v;

		for (i = 0; i < p; i++)
		{
			memcpy(&v, at + i * sizeof(double), sizeof(v));
			total += v;
		}
		for (i = 0; total > 0 && i < p; i++)
		{
			memcpy(&v, at + i * sizeof(double), sizeof(v));
			summary->importance[i] += v / total;
		}
		at += p * sizeof(double);
		for (i = 0; permute && i < p; i++)
		{
			memcpy(&v, at + i * sizeof(double), sizeof(v));
			summary->permutation[i] += v / f->config.n_trees;
		}
	}
	for (i = 0; i < p; i++)
		sum += summary->importance[i];
	for (i = 0; sum > 0 && i < p; i++)
		summary->importance[i] /= sum;
	return AUG_OK;
}

/* All trees behind the head; results are released as they are copied. */
static AugStatus
merge_trees(AugJob *job, AugSlice *results, bool release, AugWriter *body, AugFit *fit,
			AugError *err)
{
	ForestJob *f = job->state;
	size_t head = result_head(f);
	uint64_t bytes = 0;
	uint8_t *at;
	uint32_t t;

	for (t = 0; t < f->config.n_trees; t++)
	{
		TreeSizes sizes;

		if (!get_sizes(&results[t], &sizes) || results[t].length - head != sizes.n_bytes)
			return aug_fail(err, AUG_INTERNAL, "result of tree %u has an impossible length", t);
		aug_forest_write_sizes(body, &sizes);
		bytes += sizes.n_bytes;
		fit->n_nodes += 2 * (uint64_t) sizes.n_splits + 1;
	}
	if (bytes > SIZE_MAX / 2)
		return aug_fail(err, AUG_LIMIT, "forest is too large");
	at = aug_writer_reserve(body, (size_t) bytes);
	if (at == NULL)
		return aug_fail_nomem(err, (size_t) bytes);
	for (t = 0; t < f->config.n_trees; t++)
	{
		size_t n = results[t].length - head;

		memcpy(at, results[t].bytes + head, n);
		at += n;
		if (release)
		{
			job->host->release(job->host->arg, (void *) (uintptr_t) results[t].bytes);
			results[t].bytes = NULL;
			results[t].length = 0;
		}
		if (forest_tick(f, n / 4))
			return aug_fail_cancelled(err);
	}
	return AUG_OK;
}

static AugStatus
forest_merge(AugJob *job, AugSlice *results, bool release, AugWriter *body, AugSummary *summary,
			 AugError *err)
{
	ForestJob *f = job->state;
	BodyHead head = {0};
	AugStatus status;

	head.n_trees = f->config.n_trees;
	head.regression = f->config.task == AUG_REGRESSION;
	head.base = f->base;
	head.scale = f->scale;
	summary->fit.n_trees = f->config.n_trees;
	status = aug_forest_merge_target(f, summary, err);
	if (status == AUG_OK)
		status = merge_importance(f, results, summary, err);
	if (status == AUG_OK)
		status = aug_forest_oob_finish(f, job->shared, &summary->fit, &head, err);
	if (status != AUG_OK)
		return status;
	aug_forest_write_head(body, &head);
	return merge_trees(job, results, release, body, &summary->fit, err);
}

const AugOps aug_forest_ops = {
	.about =
		{.name = "random_forest",
		 .title = "Random forest",
		 .help =
			 "Averages many decision trees, each grown on a random sample of the rows with "
			 "random features tried at each split. Needs little tuning; handles missing values and "
			 "categories as they are.",
		 .classification = true,
		 .regression = true,
		 .n_params = P_COUNT,
		 .params = aug_forest_params},
	.plan = forest_plan,
	.open = forest_open,
	.run = forest_run,
	.merge = forest_merge,
	.read = aug_forest_read,
	.scratch = aug_forest_scratch,
	.score = aug_forest_score,
	.score1 = aug_forest_score1,
	.interval = aug_forest_interval,
	.score_cells = aug_forest_score_cells};
