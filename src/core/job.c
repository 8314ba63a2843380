/*-------------------------------------------------------------------------
 *
 * job.c
 *		Training as a job of numbered tasks, for any algorithm.
 *
 * Every participant opens the job on the same matrix and parameters, runs the
 * tasks it is given, and one of them merges all results in task order.  This file
 * checks what comes from outside once, so that algorithms need not: the matrix
 * against its own sizes, the parameters against the algorithm.
 *
 * Memory: a job and all that its algorithm keeps lie in one arena.  Interrupts:
 * the checks poll every 65,536 rows.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "artifact.h"
#include "params.h"

#define POLL_ROWS 65536

static AugStatus
find_ops(const AugAlgorithm *algorithm, const AugParams *params, AugTask task, const AugOps **ops,
		 AugError *err)
{
	*ops = aug_algorithm_ops(algorithm);
	if (*ops == NULL || params->algorithm != algorithm)
		return aug_fail(err, AUG_INTERNAL, "algorithm and hyperparameters do not belong together");
	if (task == AUG_CLASSIFICATION ? !algorithm->classification : !algorithm->regression)
		return aug_fail(err, AUG_INVALID, "algorithm \"%s\" does not do %s", algorithm->name,
						task == AUG_CLASSIFICATION ? "classification" : "regression");
	return AUG_OK;
}

static AugStatus
check_shape(const AugShape *shape, AugError *err)
{
	if (shape->n_rows == 0)
		return aug_fail(err, AUG_DATA, "there are no rows to train on");
	if (shape->task == AUG_CLASSIFICATION && shape->n_classes == 0)
		return aug_fail(err, AUG_DATA, "there are no classes to learn");
	if (shape->n_classes > AUG_MAX_CLASSES)
		return aug_fail(err, AUG_LIMIT, "target has %u classes, more than the limit of %u",
						shape->n_classes, (unsigned) AUG_MAX_CLASSES);
	if (shape->n_narrow > AUG_MAX_FEATURES || shape->n_wide > AUG_MAX_FEATURES - shape->n_narrow)
		return aug_fail(err, AUG_LIMIT, "there are more than %u features",
						(unsigned) AUG_MAX_FEATURES);
	if (shape->stride < shape->n_narrow || shape->stride % 4 != 0 ||
		(shape->task == AUG_REGRESSION && shape->n_classes != 0))
		return aug_fail(err, AUG_INTERNAL, "matrix has an impossible shape");
	return AUG_OK;
}

AugShape
aug_matrix_shape(const AugMatrix *m)
{
	AugShape shape = {.task = m->task,
					  .n_rows = m->n_rows,
					  .n_narrow = m->n_narrow,
					  .n_wide = m->n_wide,
					  .n_classes = m->n_classes,
					  .stride = m->stride};

	for (uint32_t i = 0; i < m->n_features; i++)
		shape.n_columns += aug_feature_columns(&m->features[i]);
	return shape;
}

AugStatus
aug_plan(const AugAlgorithm *algorithm, const AugShape *shape, const AugParams *params,
		 AugPlan *plan, AugError *err)
{
	const AugOps *ops;
	AugStatus status = find_ops(algorithm, params, shape->task, &ops, err);

	memset(plan, 0, sizeof(*plan));
	if (status == AUG_OK)
		status = check_shape(shape, err);
	if (status == AUG_OK)
		status = ops->plan(shape, params, plan, err);
	return status;
}

/*
 * Features fill the narrow and wide columns in order, one each, and have no
 * more cuts or levels than cells can tell apart.
 */
static AugStatus
check_features(const AugMatrix *m, AugError *err)
{
	uint32_t n_narrow = 0, n_wide = 0;

	for (uint32_t i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &m->features[i];
		bool wide = f->kind == AUG_CATEGORICAL_FEATURE && f->n_levels > AUG_MAX_BINS;

		if (f->wide != wide || f->slot != (wide ? n_wide : n_narrow) ||
			(f->kind == AUG_NUMERIC_FEATURE && f->n_cuts >= AUG_MAX_BINS))
			return aug_fail(err, AUG_INTERNAL, "feature \"%.80s\" does not fit its matrix",
							f->name);
		if (f->n_levels > AUG_MAX_LEVELS)
			return aug_fail(err, AUG_LIMIT,
							"column \"%.80s\" has %u levels, more than the limit of %u", f->column,
							f->n_levels, (unsigned) AUG_MAX_LEVELS);
		if (strlen(f->name) > AUG_NAME_MAX || strlen(f->column) > AUG_NAME_MAX ||
			strlen(f->type_name) > AUG_NAME_MAX)
			return aug_fail(err, AUG_LIMIT, "name of feature %u is too long", i + 1);
		if (wide)
			n_wide++;
		else
			n_narrow++;
	}
	if (n_narrow != m->n_narrow || n_wide != m->n_wide)
		return aug_fail(err, AUG_INTERNAL, "matrix has an impossible shape");
	for (uint32_t i = 0; i < m->n_classes; i++)
	{
		if (strlen(m->class_names[i]) > AUG_NAME_MAX)
			return aug_fail(err, AUG_LIMIT, "name of class %u is too long", i + 1);
	}
	return AUG_OK;
}

/*
 * Targets and weights that would poison every sum are refused here.
 */
static AugStatus
check_targets(const AugHost *host, const AugMatrix *m, AugError *err)
{
	for (uint32_t i = 0; i < m->n_rows; i++)
	{
		if (i % POLL_ROWS == POLL_ROWS - 1 && host->poll(host->arg, -1))
			return aug_fail_cancelled(err);
		if (m->task == AUG_REGRESSION ? !isfinite(m->y[i]) : m->label[i] >= m->n_classes)
			return aug_fail(err, AUG_DATA, "target of row %u cannot be used", i + 1);
		if (m->weight != NULL && !(isfinite(m->weight[i]) && m->weight[i] > 0))
			return aug_fail(err, AUG_DATA, "weight of row %u is not a positive number", i + 1);
	}
	return AUG_OK;
}

static AugStatus
check_matrix(const AugHost *host, const AugMatrix *m, AugError *err)
{
	AugShape shape = aug_matrix_shape(m);
	AugStatus status = check_shape(&shape, err);

	if (status == AUG_OK &&
		(m->task == AUG_REGRESSION ? m->y == NULL : m->label == NULL || m->class_names == NULL))
		status = aug_fail(err, AUG_INTERNAL, "matrix has no target");
	if (status == AUG_OK && m->n_last > m->n_rows)
		status = aug_fail(err, AUG_INTERNAL, "matrix has an impossible shape");
	if (status == AUG_OK)
		status = check_features(m, err);
	if (status == AUG_OK)
		status = check_targets(host, m, err);
	return status;
}

AugStatus
aug_job_open(const AugHost *host, const AugAlgorithm *algorithm, const AugMatrix *matrix,
			 const AugParams *params, uint64_t seed, void *shared, AugJob **out, AugError *err)
{
	const AugOps *ops;
	AugJob *job;
	AugStatus status = find_ops(algorithm, params, matrix->task, &ops, err);

	*out = NULL;
	if (status == AUG_OK)
		status = check_matrix(host, matrix, err);
	if (status == AUG_OK && algorithm->raw && matrix->n_features > 0 && matrix->raw == NULL)
		status = aug_fail(err, AUG_INTERNAL, "matrix has no raw values");
	if (status != AUG_OK)
		return status;

	job = host->alloc(host->arg, sizeof(AugJob));
	if (job == NULL)
		return aug_fail_nomem(err, sizeof(AugJob));
	memset(job, 0, sizeof(*job));
	job->ops = ops;
	job->host = host;
	job->matrix = matrix;
	job->params = params;
	job->seed = seed;
	job->shared = shared;
	aug_arena_init(&job->arena, host);
	if (ops->open != NULL)
		status = ops->open(job, err);
	if (status != AUG_OK)
	{
		aug_job_close(job);
		return status;
	}
	*out = job;
	return AUG_OK;
}

AugStatus
aug_job_run(AugJob *job, uint32_t i, uint8_t **bytes, size_t *length, AugError *err)
{
	AugWriter w;
	AugStatus status;

	*bytes = NULL;
	*length = 0;
	aug_writer_init(&w, job->host);
	status = job->ops->run(job, i, &w, err);
	if (status != AUG_OK)
	{
		aug_writer_free(&w);
		return status;
	}
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

AugStatus
aug_job_merge(AugJob *job, AugSlice *results, bool release_results, uint8_t **artifact,
			  size_t *length, AugFit *fit, AugError *err)
{
	AugWriter w;
	AugSummary summary;
	AugStatus status;

	*artifact = NULL;
	*length = 0;
	memset(&summary, 0, sizeof(summary));
	summary.base = summary.fit.oob_error = summary.fit.oob_score = summary.fit.validation_loss =
		NAN;
	aug_writer_init(&w, job->host);
	status = job->ops->merge(job, results, release_results, &w, &summary, err);
	if (status == AUG_OK && w.failed)
		status = aug_fail_nomem(err, 0);
	if (status == AUG_OK)
	{
		AugSlice body = {w.bytes, w.length};

		status = aug_artifact_write(job, &summary, body, artifact, length, err);
		*fit = summary.fit;
	}
	aug_writer_free(&w);
	return status;
}

/*
 * Frees the job with all that its algorithm keeps; NULL is allowed.
 */
void
aug_job_close(AugJob *job)
{
	if (job == NULL)
		return;
	aug_arena_free(&job->arena);
	job->host->release(job->host->arg, job);
}
