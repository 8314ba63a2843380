/*-------------------------------------------------------------------------
 *
 * holdout.c
 *		Scores a holdout and computes its metrics.
 *
 * The new model and the baseline are scored on the binned holdout, since it was
 * binned with their own cuts.  The version in production has cuts of its own; it
 * gets the raw values, matched by the names of its features.
 *
 * Memory: predictions are one array of n_rows x n_outputs doubles.  Where a
 * quarter of the budget does not hold it (very many classes), fewer rows are
 * scored: the holdout's order is that of a hash, so its first rows are a sample.
 *
 * Interrupts: checked between blocks of rows; the core polls within.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"

#define BLOCK_ROWS 1024
#define MIN_ROWS   1000

/* How many of n_rows are scored with so many outputs. */
static uint32
rows_within(uint32 n_rows, uint32 n_outputs, Size memory)
{
	Size fits = memory / 4 / (sizeof(double) * Max(n_outputs, 1));

	return (uint32) Min((Size) n_rows, Max(fits, MIN_ROWS));
}

/*
 * Keeps of each row what a comparison needs: the prediction, the probability of the second of
 * two classes, or that of the true one of more.
 */
static void
keep_rows(const AugMatrix *holdout, const double *out, AugurScores *scores, MemoryContext context)
{
	uint32 n_classes = holdout->n_classes;

	scores->row = MemoryContextAllocHuge(context, mul_size(scores->n_rows, sizeof(double)));
	for (uint32 i = 0; i < scores->n_rows; i++)
	{
		if (n_classes == 0)
			scores->row[i] = out[i];
		else
			scores->row[i] = out[(Size) i * n_classes + (n_classes == 2 ? 1 : holdout->label[i])];
	}
}

void
augur_holdout_gain(const AugMatrix *holdout, const AugurScores *ours, const AugurScores *theirs,
				   AugGain *gain, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "augur gain", ALLOCSET_DEFAULT_SIZES);
	uint32 n = Min(ours->n_rows, theirs->n_rows);
	const double *a = ours->row, *b = theirs->row;
	AugurHost host;
	AugStatus status;
	AugError err;

	augur_host_init(&host, own);
	if (holdout->n_classes == 0)
		status = aug_gain_rmse(&host.host, a, b, holdout->y, holdout->weight, n, gain, &err);
	else if (holdout->n_classes == 2)
	{
		uint8 *label = MemoryContextAllocHuge(own, Max(n, 1));

		for (uint32 i = 0; i < n; i++)
			label[i] = (uint8) holdout->label[i];
		status = aug_gain_auc(&host.host, a, b, label, holdout->weight, n, gain, &err);
	}
	else
		status = aug_gain_log_loss(&host.host, a, b, holdout->weight, n, gain, &err);
	augur_check(status, &err);
	MemoryContextDelete(own);
}

/* Metrics of predictions out [n_rows][n_outputs] against the holdout's truth. */
static void
compute_metrics(const AugHost *host, const AugMatrix *holdout, const double *out, uint32 n_rows,
				AugurScores *scores, MemoryContext context)
{
	AugError err;
	AugStatus status;
	Size room = AUG_MAX_METRICS + 3 * (Size) holdout->n_classes;

	scores->n_rows = n_rows;
	scores->n_metrics = 0;
	scores->metrics = MemoryContextAllocZero(context, mul_size(room, sizeof(AugMetric)));
	if (holdout->task == AUG_CLASSIFICATION)
		status = aug_metrics_classify(host, out, holdout->label, holdout->weight, n_rows,
									  holdout->n_classes, scores->metrics, &scores->n_metrics,
									  &err);
	else
		status = aug_metrics_regress(host, out, holdout->y, holdout->weight, n_rows,
									 scores->metrics, &scores->n_metrics, &err);
	augur_check(status, &err);
}

void
augur_holdout_score(const AugModel *model, const AugMatrix *holdout, uint32 most, Size memory,
					int wanted, AugurProgress *progress, AugurScores *scores, MemoryContext context)
{
	const AugModelInfo *info = aug_model_info(model);
	MemoryContext own;
	AugurHost host;
	AugError err;
	double *out;
	uint32 n_rows;

	memset(scores, 0, sizeof(*scores));
	if (holdout->n_rows == 0)
		return;
	own = AllocSetContextCreate(context, "augur holdout", ALLOCSET_DEFAULT_SIZES);
	augur_host_init(&host, own);
	n_rows = rows_within(Min(holdout->n_rows, most), info->n_outputs, memory);
	out = MemoryContextAllocHuge(own, mul_size(mul_size(n_rows, info->n_outputs), sizeof(double)));
	for (uint32 first = 0; first < n_rows; first += BLOCK_ROWS)
	{
		uint32 n = Min(BLOCK_ROWS, n_rows - first);

		augur_check(aug_model_score_matrix(model, &host.host, holdout, first, n,
										   out + (Size) first * info->n_outputs, &err),
					&err);
		augur_progress_done(progress, first + n);
		CHECK_FOR_INTERRUPTS();
	}
	compute_metrics(&host.host, holdout, out, n_rows, scores, context);
	if (wanted & AUGUR_SCORES_ROWS)
		keep_rows(holdout, out, scores, context);
	if (wanted & AUGUR_SCORES_PROFILE)
	{
		MemoryContext previous = MemoryContextSwitchTo(context);

		scores->profile = augur_score_profile(holdout, out, n_rows, info->n_outputs, &host);
		MemoryContextSwitchTo(previous);
	}
	MemoryContextDelete(own);
}

/* ---- another model on the raw holdout --------------------------------- */

/* How the other model reads the loader's rows and writes our classes. */
typedef struct Translation
{
	uint32 *feature;	 /* [other's n_features] index in the holdout */
	uint32 *class_index; /* [holdout's n_classes] index in the other's outputs */
} Translation;

/* Index of the class of that name, or -1. */
static int
find_class(const AugModelInfo *info, const char *name)
{
	for (uint32 i = 0; i < info->n_classes; i++)
	{
		if (strcmp(info->class_names[i], name) == 0)
			return (int) i;
	}
	return -1;
}

/* Index of the holdout's feature that gives the same as f, or -1. */
static int
find_feature(const AugMatrix *holdout, const AugFeature *f)
{
	for (uint32 i = 0; i < holdout->n_features; i++)
	{
		const AugFeature *g = &holdout->features[i];

		if (g->kind == f->kind && g->part == f->part && g->element == f->element &&
			strcmp(g->column, f->column) == 0)
			return (int) i;
	}
	return -1;
}

/* Fills the translation; returns why there is none, or NULL. */
static char *
translate(const AugModelInfo *info, const AugMatrix *holdout, Translation *translation)
{
	if (info->task != holdout->task)
		return psprintf("it solves another task");
	if (strcmp(info->target, holdout->target) != 0)
		return psprintf("it predicts \"%s\"", info->target);

	translation->feature = palloc(mul_size(Max(info->n_features, 1), sizeof(uint32)));
	for (uint32 i = 0; i < info->n_features; i++)
	{
		int at = find_feature(holdout, &info->features[i]);

		if (at < 0)
			return psprintf("its feature \"%s\" is not among the features of this training",
							info->features[i].name);
		translation->feature[i] = (uint32) at;
	}
	translation->class_index = palloc(mul_size(Max(holdout->n_classes, 1), sizeof(uint32)));
	for (uint32 i = 0; i < holdout->n_classes; i++)
	{
		int at = find_class(info, holdout->class_names[i]);

		if (at < 0)
			return psprintf("it does not know class \"%s\"", holdout->class_names[i]);
		translation->class_index[i] = (uint32) at;
	}
	return NULL;
}

/* One row of the loader as the other model wants it. */
static void
translate_row(const AugModel *model, const Translation *translation, AugurLoader *loader,
			  const double *raw, double *x)
{
	const AugModelInfo *info = aug_model_info(model);

	for (uint32 i = 0; i < info->n_features; i++)
	{
		uint32 at = translation->feature[i];
		const char *level;
		int length;

		x[i] = raw[at];
		if (info->features[i].kind != AUG_CATEGORICAL_FEATURE || isnan(raw[at]))
			continue;
		level = augur_loader_level(loader, at, raw[at], &length);
		x[i] = aug_model_level(model, i, level, (size_t) length);
	}
}

/*
 * The other's probabilities in the order of our classes.  Classes that only the
 * other knows keep their share: it spends it on nothing, as it would in use.
 */
static void
translate_output(const Translation *translation, const AugMatrix *holdout, const double *theirs,
				 double *ours)
{
	if (holdout->task == AUG_REGRESSION)
	{
		ours[0] = theirs[0];
		return;
	}
	for (uint32 i = 0; i < holdout->n_classes; i++)
		ours[i] = theirs[translation->class_index[i]];
}

static void
score_raw(const AugModel *model, const Translation *translation, AugurLoader *loader,
		  const AugMatrix *holdout, uint32 n_rows, double *out)
{
	const AugModelInfo *info = aug_model_info(model);
	uint32 n_outputs = Max(holdout->n_classes, 1);
	uint32 block = Max(1, Min(BLOCK_ROWS, 65536 / Max(holdout->n_features, 1)));
	double *raw = palloc(mul_size(mul_size(block, Max(holdout->n_features, 1)), sizeof(double)));
	double *x = palloc(mul_size(Max(info->n_features, 1), sizeof(double)));
	double *theirs = palloc(mul_size(info->n_outputs, sizeof(double)));
	void *scratch = (void *) TYPEALIGN(16, (char *) palloc(aug_model_scratch(model) + 16));

	for (uint32 first = 0; first < n_rows; first += block)
	{
		uint32 n = Min(block, n_rows - first);

		augur_loader_holdout_values(loader, first, n, raw);
		for (uint32 i = 0; i < n; i++)
		{
			translate_row(model, translation, loader, raw + (Size) i * holdout->n_features, x);
			aug_model_score(model, x, scratch, theirs);
			translate_output(translation, holdout, theirs, out + (Size) (first + i) * n_outputs);
			if (i % 64 == 0)
				CHECK_FOR_INTERRUPTS();
		}
	}
}

char *
augur_holdout_score_other(const AugModel *model, AugurLoader *loader, const AugMatrix *holdout,
						  Size memory, bool keep, AugurScores *scores, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "augur holdout", ALLOCSET_DEFAULT_SIZES);
	MemoryContext previous = MemoryContextSwitchTo(own);
	uint32 n_outputs = Max(holdout->n_classes, 1);
	Translation translation = {0};
	char *reason = translate(aug_model_info(model), holdout, &translation);

	memset(scores, 0, sizeof(*scores));
	if (reason == NULL)
	{
		uint32 n_rows = rows_within(holdout->n_rows, n_outputs, memory);
		double *out =
			MemoryContextAllocHuge(own, mul_size(mul_size(n_rows, n_outputs), sizeof(double)));
		AugurHost host;

		augur_host_init(&host, own);
		score_raw(model, &translation, loader, holdout, n_rows, out);
		compute_metrics(&host.host, holdout, out, n_rows, scores, context);
		if (keep)
			keep_rows(holdout, out, scores, context);
	}
	else
		reason = MemoryContextStrdup(context, reason);
	MemoryContextSwitchTo(previous);
	MemoryContextDelete(own);
	return reason;
}
