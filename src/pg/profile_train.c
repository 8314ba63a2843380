/*-------------------------------------------------------------------------
 *
 * profile_train.c
 *		Profiles of what a model is trained on: its columns, its target, and its scores.
 *
 * Columns are profiled while the spool is binned, so that a training reads its source once.
 * Only rows of the training side count: what comes later is compared with them.  A column is
 * profiled as it is in the source, whatever features were made of it; arrays are not.
 *
 * Memory: some 60 kB a column, in the loader's context.  Interrupts: the caller's.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"
#include "profile.h"

#include <math.h>

#include "train.h"

/* What a profile takes, about; all may take that share of a training's memory. */
#define PROFILE_BYTES  70000
#define PROFILE_MEMORY 8

/* One column that is profiled. */
typedef struct Watched
{
	const AugurColumn *column;
	const AugurLoadFeature *feature; /* the first that is made of it */
	AugurProfileTag tag;
	AugProfile *profile;
	uint64 *count; /* [n_levels] of a category */
	uint64 nulls;
} Watched;

struct AugurWatch
{
	AugurHost host;
	Watched *columns;
	uint32 n;
	Watched target;
	double *values; /* scratch: those of a chunk that are of the training side */
};

static Watched
watch(struct AugurWatch *w, const AugurColumn *column, const AugurLoadFeature *feature)
{
	Watched watched = {.column = column, .feature = feature};

	(void) augur_profile_tag(column->source.cls, &watched.tag);
	if (feature != NULL && feature->f.kind == AUG_CATEGORICAL_FEATURE)
		watched.tag = AUGUR_PROFILE_TEXT;
	watched.profile = augur_profile_new(&w->host, watched.tag);
	if (feature != NULL && feature->f.kind == AUG_CATEGORICAL_FEATURE)
		watched.count = palloc0(mul_size(Max(feature->f.n_levels, 1), sizeof(uint64)));
	return watched;
}

/* Columns that features are made of, each once. */
void
augur_watch_begin(AugurLoader *loader)
{
	struct AugurWatch *w;
	bool *seen;
	AugurProfileTag tag;
	uint32 most = 0;

	if (!loader->options.profiles ||
		mul_size((Size) loader->n_columns, PROFILE_BYTES) > loader->options.memory / PROFILE_MEMORY)
		return;
	w = palloc0(sizeof(struct AugurWatch));
	augur_host_init(&w->host, loader->context);
	w->columns = palloc(mul_size(Max(loader->n_columns, 1), sizeof(Watched)));
	for (uint32 k = 0; k < loader->spool->n_chunks; k++)
		most = Max(most, loader->spool->chunks[k].n_rows);
	w->values = augur_huge_array(most, sizeof(double));
	seen = palloc0(Max(loader->n_columns, 1));
	for (uint32 f = 0; f < loader->n_features; f++)
	{
		int c = loader->cells[loader->features[f].cell].column;

		if (seen[c] || !augur_profile_tag(loader->columns[c].source.cls, &tag))
			continue;
		seen[c] = true;
		w->columns[w->n++] = watch(w, &loader->columns[c], &loader->features[f]);
	}
	if (augur_profile_tag(loader->target.source.cls, &tag))
		w->target = watch(w, &loader->target, NULL);
	pfree(seen);
	loader->watch = w;
}

/* Numbers of a column's cells: dates and times in days, infinite ones infinite. */
static void
decode_cells(const Watched *watched, AugurWidth width, const void *cells, uint32 n, double *out)
{
	if (watched->tag == AUGUR_PROFILE_DATE && width == AUGUR_WIDTH_INT32)
	{
		const int32 *date = (const int32 *) cells;

		for (uint32 i = 0; i < n; i++)
			out[i] = date[i] == AUGUR_MISSING_INT32 ? NAN
													: augur_date_part(date[i], AUGUR_PART_AGE_DAYS);
	}
	else if (watched->tag == AUGUR_PROFILE_TIMESTAMP && width == AUGUR_WIDTH_INT64)
	{
		const int64 *timestamp = (const int64 *) cells;

		for (uint32 i = 0; i < n; i++)
			out[i] = timestamp[i] == AUGUR_MISSING_INT64
						 ? NAN
						 : augur_timestamp_part(timestamp[i], AUGUR_PART_AGE_DAYS);
	}
	else
		augur_cells_decode(width, cells, n, out);
}

/* Numbers of a chunk, those of its training side; NaN is a missing value here. */
static void
add_numbers(AugurLoader *loader, Watched *watched, const AugurChunk *chunk, const double *decoded)
{
	double *kept = loader->watch->values;
	uint32 n = 0;
	AugError err;

	for (uint32 i = 0; i < chunk->n_rows; i++)
	{
		if (loader->position[chunk->first_row + i] & AUGUR_POSITION_HOLDOUT)
			continue;
		kept[n] = decoded[i];
		watched->nulls += isnan(decoded[i]) ? 1 : 0;
		n += isnan(decoded[i]) ? 0 : 1;
	}
	if (watched->tag == AUGUR_PROFILE_BOOLEAN)
	{
		uint64 truth = 0;

		for (uint32 i = 0; i < n; i++)
			truth += kept[i] != 0 ? 1 : 0;
		if (truth > 0)
			augur_check(aug_profile_add_label(watched->profile, "true", 4, truth, &err), &err);
		if (truth < n)
			augur_check(aug_profile_add_label(watched->profile, "false", 5, n - truth, &err), &err);
	}
	else
		augur_check(aug_profile_add(watched->profile, kept, n, &err), &err);
}

/* A column of a chunk whose cells are at hand. */
static void
add_cells(AugurLoader *loader, Watched *watched, const AugurChunk *chunk, const void *cells,
		  AugurWidth width)
{
	const uint32 *rank = loader->cells[watched->feature->cell].code_rank;
	const uint32 *codes = (const uint32 *) cells;

	if (watched->count == NULL)
	{
		decode_cells(watched, width, cells, chunk->n_rows, loader->decoded);
		add_numbers(loader, watched, chunk, loader->decoded);
		return;
	}
	for (uint32 i = 0; i < chunk->n_rows; i++)
	{
		if (loader->position[chunk->first_row + i] & AUGUR_POSITION_HOLDOUT)
			continue;
		if (codes[i] == AUG_MISSING_WIDE)
			watched->nulls++;
		else
			watched->count[rank[codes[i]]]++;
	}
}

void
augur_watch_chunk(AugurLoader *loader, const AugurChunk *chunk)
{
	struct AugurWatch *w = loader->watch;

	if (w == NULL)
		return;
	for (uint32 c = 0; c < w->n; c++)
	{
		uint32 spool = (uint32) (loader->spool_cells + w->columns[c].feature->cell);

		add_cells(loader, &w->columns[c], chunk, loader->spool->column[spool],
				  augur_chunk_width(chunk, spool));
	}
	if (w->target.profile != NULL && loader->label == NULL)
	{
		decode_cells(&w->target, augur_chunk_width(chunk, SPOOL_TARGET),
					 loader->spool->column[SPOOL_TARGET], chunk->n_rows, loader->decoded);
		add_numbers(loader, &w->target, chunk, loader->decoded);
	}
}

/* ---- what becomes of them ----------------------------------------------------- */

/* Labels of a category and missing values go into the profile. */
static struct varlena *
finish(struct AugurWatch *w, Watched *watched)
{
	AugError err;

	if (watched->count != NULL)
	{
		const AugFeature *f = &watched->feature->f;

		for (uint32 i = 0; i < f->n_levels; i++)
		{
			uint32 at = i == 0 ? 0 : f->level_end[i - 1];

			if (watched->count[i] > 0)
				augur_check(aug_profile_add_label(watched->profile, f->level_text + at,
												  f->level_end[i] - at, watched->count[i], &err),
							&err);
		}
	}
	augur_check(aug_profile_add_nulls(watched->profile, watched->nulls, &err), &err);
	return augur_profile_value(&w->host, watched->profile);
}

double
augur_column_importance(const AugModelInfo *info, const char *column)
{
	const double *importance = info->permutation != NULL ? info->permutation : info->importance;
	double sum = 0, all = 0;

	if (importance == NULL)
		return NAN;
	for (uint32 i = 0; i < info->n_features; i++)
	{
		all += fmax(importance[i], 0);
		if (strcmp(info->features[i].column, column) == 0)
			sum += fmax(importance[i], 0);
	}
	return all > 0 ? sum / all : NAN;
}

/* The target of a classification is its labels, whatever type it has; booleans are labels. */
static struct varlena *
target_classes(const AugMatrix *training, AugurProfileTag tag, AugurHost *host)
{
	AugProfile *profile = augur_profile_new(
		host, tag == AUGUR_PROFILE_BOOLEAN ? AUGUR_PROFILE_BOOLEAN : AUGUR_PROFILE_TEXT);
	uint64 *count = palloc0(mul_size(training->n_classes, sizeof(uint64)));
	AugError err;

	for (uint32 i = 0; i < training->n_rows; i++)
		count[training->label[i]]++;
	for (uint32 k = 0; k < training->n_classes; k++)
		if (count[k] > 0)
			augur_check(aug_profile_add_label(profile, training->class_names[k],
											  strlen(training->class_names[k]), count[k], &err),
						&err);
	pfree(count);
	return augur_profile_value(host, profile);
}

List *
augur_watch_profiles(AugurLoader *loader, const AugMatrix *training)
{
	struct AugurWatch *w = loader->watch;
	List *profiles = NIL;

	if (w == NULL)
		return NIL;
	for (uint32 c = 0; c <= w->n; c++)
	{
		Watched *watched = c < w->n ? &w->columns[c] : &w->target;
		AugurColumnProfile *p;

		if (watched->column == NULL)
			continue;
		p = palloc(sizeof(AugurColumnProfile));
		p->part = c < w->n ? "feature" : "target";
		p->column = pstrdup(watched->column->name);
		p->importance = NAN;
		p->value = c == w->n && training->label != NULL
					   ? target_classes(training, watched->tag, &w->host)
					   : finish(w, watched);
		profiles = lappend(profiles, p);
	}
	return profiles;
}

struct varlena *
augur_score_profile(const AugMatrix *rows, const double *out, uint32 n_rows, uint32 n_outputs,
					AugurHost *host)
{
	bool labels = rows->n_classes > 2;
	AugProfile *profile =
		augur_profile_new(host, labels ? AUGUR_PROFILE_TEXT : AUGUR_PROFILE_NUMBER);
	AugError err;

	for (uint32 i = 0; i < n_rows; i++)
	{
		const double *score = out + (Size) i * n_outputs;
		uint32 best = 0;

		if (!labels)
		{
			augur_check(aug_profile_add(profile, score + (rows->n_classes == 2 ? 1 : 0), 1, &err),
						&err);
			continue;
		}
		for (uint32 k = 1; k < n_outputs; k++)
			if (score[k] > score[best])
				best = k;
		augur_check(aug_profile_add_label(profile, rows->class_names[best],
										  strlen(rows->class_names[best]), 1, &err),
					&err);
	}
	return augur_profile_value(host, profile);
}
