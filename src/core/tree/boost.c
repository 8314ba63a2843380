/*-------------------------------------------------------------------------
 *
 * boost.c
 *		Gradient boosting as the core sees it: plan, open, run, merge.
 *
 * All rounds are one task, as each needs the scores of the one before.  (The trees of
 * the classes of one round could be grown side by side, but only by tasks that wait
 * for each other, which a job's tasks do not.)  Its result is the head of the
 * importances and the whole body.
 *
 * Memory: see boost_plan.  Interrupts: the other files of this room.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "boost.h"

/*
 * One task; its memory by row, for the histograms and for the trees.
 */
static AugStatus
boost_plan(const AugShape *shape, const AugParams *params, AugPlan *plan, AugError *err)
{
	BoostConfig c;
	AugStatus status = aug_boost_config(shape, params, &c, err);
	double p = (double) shape->n_narrow + shape->n_wide, n = shape->n_rows, leaves, row, bytes,
		   trees;
	size_t slot = (size_t) shape->n_narrow * BINS * sizeof(BoostBin);

	if (status != AUG_OK)
		return status;
	leaves = aug_boost_most_leaves(&c, shape->n_rows);
	/* scores, gradients and pairs, rows in their places, weights */
	row = 8.0 * c.n_outputs + 16 + 16 + 4;
	row += c.n_outputs > 1 ? 8 : 0;
	row += loss_is_quantile(c.loss) || c.loss == LOSS_HUBER ? 16 : 0;
	row += c.patience > 0 ? 4 + 8 * c.validation : 0;
	/* a wide feature may have as many levels as rows */
	row += shape->n_wide > 0 ? sizeof(BoostBin) * 2 + 8 + 12 + 1 + 4.0 * shape->n_wide : 0;
	bytes = n * row + p * 64 + (256 << 10);
	bytes += (double) aug_boost_pool_slots(&c, shape->n_rows, slot) * (double) slot;
	bytes += leaves * 2 * 2 * (sizeof(BoostNode) + sizeof(GrowNode) + 3 * sizeof(uint32_t));
	/* a split takes up to 4 bytes, a set of narrow levels up to 40 more, a leaf 5 */
	trees = (double) c.n_rounds * c.n_outputs * (leaves * (shape->n_wide > 0 ? 128 : 16) + 16);
	plan->n_tasks = 1;
	plan->shared_bytes = 0;
	plan->scratch_bytes = (size_t) (bytes + trees);
	plan->result_bytes = (size_t) (2 * trees + p * 8 + N_QUANTILES * 8 + c.n_outputs * 8.0 + 256);
	return AUG_OK;
}

/* All rounds, into the result: head, importances, body. */
static AugStatus
run_all(BoostJob *b, AugWriter *sizes, AugWriter *trees, AugWriter *out, AugError *err)
{
	BoostResult result;
	AugStatus status = aug_boost_rounds(b, sizes, trees, &result, err);
	double total = 0;

	if (status != AUG_OK)
		return status;
	for (uint32_t i = 0; i < b->f.n_features; i++)
		total += result.gains[i];
	aug_write_u32(out, result.n_rounds);
	aug_write_u32(out, isnan(result.validation) ? 0 : result.rounds_run);
	aug_write_u64(out, result.n_nodes);
	aug_write_f64(out, result.validation);
	for (uint32_t i = 0; i < b->f.n_features; i++)
		aug_write_f64(out, total > 0 ? result.gains[i] / total : 0);
	status = aug_boost_write_head(b, &result, out, err);
	if (status != AUG_OK)
		return status;
	aug_write_bytes(out, sizes->bytes, sizes->length);
	aug_write_bytes(out, trees->bytes, trees->length);
	if (sizes->failed || trees->failed || out->failed)
		return aug_fail_nomem(err, trees->length);
	return AUG_OK;
}

static AugStatus
boost_run(AugJob *job, uint32_t i, AugWriter *out, AugError *err)
{
	BoostJob *b = job->state;
	AugWriter sizes, trees;
	AugStatus status;

	(void) i;
	aug_writer_init(&sizes, job->host);
	aug_writer_init(&trees, job->host);
	status = run_all(b, &sizes, &trees, out, err);
	aug_writer_free(&sizes);
	aug_writer_free(&trees);
	return status;
}

static AugStatus
boost_merge(AugJob *job, AugSlice *results, bool release, AugWriter *body, AugSummary *summary,
			AugError *err)
{
	BoostJob *b = job->state;
	AugReader r = {results[0].bytes, results[0].bytes + results[0].length, false};
	AugStatus status = aug_forest_merge_target(&b->f, summary, err);

	if (status != AUG_OK)
		return status;
	summary->importance = aug_arena_alloc(&job->arena, b->f.n_features, sizeof(double));
	if (summary->importance == NULL)
		return aug_fail_nomem(err, b->f.n_features * sizeof(double));
	summary->fit.n_trees = aug_read_u32(&r);
	summary->fit.rounds_run = aug_read_u32(&r);
	summary->fit.n_nodes = aug_read_u64(&r);
	summary->fit.validation_loss = aug_read_f64(&r);
	for (uint32_t i = 0; i < b->f.n_features; i++)
		summary->importance[i] = aug_read_f64(&r);
	if (r.bad)
		return aug_fail(err, AUG_INTERNAL, "result of a task is too short");
	aug_write_bytes(body, r.at, aug_reader_left(&r));
	if (release)
	{
		job->host->release(job->host->arg, (void *) (uintptr_t) results[0].bytes);
		results[0].bytes = NULL;
		results[0].length = 0;
	}
	return AUG_OK;
}

const AugOps aug_boost_ops = {
	.about =
		{.name = "gradient_boosting",
		 .title = "Gradient boosting",
		 .help = "Adds up many small trees, each fitted to what the ones before got wrong. Usually "
				 "the most accurate on tables, and quick to train; handles missing values and "
				 "categories as they are. learning_rate and n_trees are worth tuning, or "
				 "early_stopping_rounds finds the number of trees.",
		 .classification = true,
		 .regression = true,
		 .n_params = B_COUNT,
		 .params = aug_boost_params},
	.plan = boost_plan,
	.open = aug_boost_open,
	.run = boost_run,
	.merge = boost_merge,
	.read = aug_boost_read,
	.scratch = aug_boost_scratch,
	.score = aug_boost_score,
	.score1 = aug_boost_score1,
	.interval = aug_boost_interval,
	.score_cells = aug_boost_score_cells};
