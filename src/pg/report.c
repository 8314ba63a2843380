/*-------------------------------------------------------------------------
 *
 * report.c
 *		augur._ingest_report: what a training would make of a query's rows.
 *
 * Loads the rows as a training does, bins them, and tells what was decided as JSON:
 * task, features with cuts and levels, columns left out, counts, split, a digest of
 * both matrices, which is the same whenever a training would be, and one of each
 * feature, which does not depend on the other columns.
 *
 * The query runs as the caller, through the same door as augur.train_query.
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include "json.h"
#include "miscadmin.h"
#include "train.h"
#include "utils/builtins.h"

#define DIGEST_SEED UINT64CONST(0x6469676573740A)

AUGUR_FUNCTION(augur_ingest_report);

/* ---- digest ---------------------------------------------------------------- */

static uint64
digest_bytes(uint64 digest, const void *bytes, Size length)
{
	return bytes == NULL ? digest : aug_hash(bytes, length, digest);
}

/* Everything that a training can see of a matrix. */
static uint64
digest_matrix(uint64 digest, const AugMatrix *m)
{
	Size n = m->n_rows;

	digest = digest_bytes(digest, &m->n_rows, sizeof(m->n_rows));
	if (n == 0)
		return digest;
	digest = digest_bytes(digest, m->cells, n * m->stride);
	digest = digest_bytes(digest, m->wide, n * m->n_wide * sizeof(uint32));
	digest = digest_bytes(digest, m->label, n * sizeof(uint32));
	digest = digest_bytes(digest, m->y, n * sizeof(double));
	digest = digest_bytes(digest, m->weight, n * sizeof(double));
	for (uint32 i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &m->features[i];

		digest = digest_bytes(digest, f->name, strlen(f->name));
		digest = digest_bytes(digest, f->cuts, f->n_cuts * sizeof(double));
		if (f->n_levels > 0)
			digest = digest_bytes(digest, f->level_text, f->level_end[f->n_levels - 1]);
	}
	for (uint32 c = 0; c < m->n_classes; c++)
		digest = digest_bytes(digest, m->class_names[c], strlen(m->class_names[c]));
	return digest;
}

/* Finaliser of MurmurHash3, as the loader's. */
static uint64
mix(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/*
 * One feature's cells with the target beside them, whatever the order of the rows,
 * and its cuts or levels, whatever its name.
 */
static uint64
digest_feature(uint64 digest, const AugMatrix *m, uint32 i)
{
	const AugFeature *f = &m->features[i];
	uint64 sum = 0;

	for (Size row = 0; row < m->n_rows; row++)
	{
		uint64 cell = f->wide ? m->wide[(Size) f->slot * m->n_rows + row]
							  : m->cells[row * m->stride + f->slot];
		uint64 target;

		if (m->label != NULL)
			target = m->label[row];
		else
			memcpy(&target, &m->y[row], sizeof(target));
		sum += mix(mix(target) ^ cell);
		if ((row & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	digest = digest_bytes(digest, &sum, sizeof(sum));
	digest = digest_bytes(digest, f->cuts, f->n_cuts * sizeof(double));
	if (f->n_levels > 0)
		digest = digest_bytes(digest, f->level_text, f->level_end[f->n_levels - 1]);
	return digest;
}

/* ---- JSON ------------------------------------------------------------------- */

static void
put_string(StringInfo json, const char *key, const char *value)
{
	augur_json_key(json, key);
	augur_json_string(json, value);
}

static void
put_count(StringInfo json, const char *key, int64 value)
{
	augur_json_key(json, key);
	appendStringInfo(json, "%lld", (long long) value);
}

static void
put_digest(StringInfo json, uint64 digest)
{
	put_string(json, "digest", psprintf("%016llx", (unsigned long long) digest));
}

static void
put_list(StringInfo json, const char *key, List *texts)
{
	ListCell *cell;

	augur_json_key(json, key);
	appendStringInfoChar(json, '[');
	foreach (cell, texts)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoChar(json, ',');
		augur_json_string(json, lfirst(cell));
	}
	appendStringInfoChar(json, ']');
}

static void
put_features(StringInfo json, const AugMatrix *m, const AugMatrix *holdout)
{
	augur_json_key(json, "features");
	appendStringInfoChar(json, '[');
	for (uint32 i = 0; i < m->n_features; i++)
	{
		const AugFeature *f = &m->features[i];

		if (i > 0)
			appendStringInfoChar(json, ',');
		appendStringInfoChar(json, '{');
		put_string(json, "name", f->name);
		put_string(json, "type", f->type_name);
		put_string(json, "kind", f->kind == AUG_CATEGORICAL_FEATURE ? "categorical" : "numeric");
		if (f->kind == AUG_CATEGORICAL_FEATURE)
			put_count(json, "levels", f->n_levels);
		else
			put_count(json, "cuts", f->n_cuts);
		put_digest(json, digest_feature(digest_feature(DIGEST_SEED, m, i), holdout, i));
		appendStringInfoChar(json, '}');
	}
	appendStringInfoChar(json, ']');
}

static void
put_classes(StringInfo json, const AugMatrix *m)
{
	augur_json_key(json, "classes");
	appendStringInfoChar(json, '[');
	for (uint32 c = 0; c < m->n_classes; c++)
	{
		if (c > 0)
			appendStringInfoChar(json, ',');
		augur_json_string(json, m->class_names[c]);
	}
	appendStringInfoChar(json, ']');
}

/* ---- the function --------------------------------------------------------------- */

static void
write_report(StringInfo json, AugurLoader *loader)
{
	const AugurLoadReport *report = augur_loader_finish(loader);
	Size bytes = augur_loader_bytes(loader);
	AugMatrix training;
	AugMatrix holdout;
	void *block = palloc_extended(bytes, MCXT_ALLOC_HUGE);

	augur_loader_fill(loader, block);
	augur_block_matrices(block, &training, &holdout, CurrentMemoryContext);
	appendStringInfoChar(json, '{');
	put_string(json, "task", report->task == AUG_CLASSIFICATION ? "classification" : "regression");
	put_string(json, "task_reason", report->task_reason);
	put_count(json, "rows_read", report->rows_read);
	put_count(json, "rows_used", report->rows_used);
	put_count(json, "rows_skipped", report->rows_skipped);
	put_count(json, "rows_holdout", report->rows_holdout);
	put_string(json, "split", report->split);
	put_features(json, &training, &holdout);
	put_list(json, "left_out", report->left_out);
	put_list(json, "warnings", report->warnings);
	if (training.n_classes > 0)
		put_classes(json, &training);
	put_count(json, "bytes", (int64) bytes);
	put_string(json, "digest",
			   psprintf("%016llx", (unsigned long long) digest_matrix(
									   digest_matrix(DIGEST_SEED, &training), &holdout)));
	appendStringInfoChar(json, '}');
	pfree(block);
}

/*
 * augur._ingest_report(query text, target text, options jsonb) returns jsonb.
 */
Datum
augur_ingest_report(PG_FUNCTION_ARGS)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur load report", ALLOCSET_DEFAULT_SIZES);
	AugurOptions options;
	AugurTrainArgs args;
	AugurSourceText source;
	AugurLoader *loader;
	StringInfoData json;

	augur_options_read(&options, PG_GETARG_JSONB_P(2), NULL, AUGUR_OPTIONS_SPLIT);
	memset(&args, 0, sizeof(args));
	args.function = "augur._ingest_report";
	args.query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	args.target = text_to_cstring(PG_GETARG_TEXT_PP(1));
	for (int i = 0; i < options.load.n_features; i++)
		args.features = lappend(args.features, unconstify(char *, options.load.features[i]));
	for (int i = 0; i < options.load.n_exclude; i++)
		args.exclude = lappend(args.exclude, unconstify(char *, options.load.exclude[i]));
	args.task_given = !options.load.infer_task;
	args.task = options.load.task;
	args.key = options.load.key;
	args.time_column = options.load.time_column;
	args.weight = options.load.weight;
	args.date_parts = options.load.date_parts;
	args.max_bins = options.load.max_bins;
	args.holdout = options.load.holdout;

	loader = augur_query_load(&args, NULL, &source, context);
	initStringInfo(&json);
	write_report(&json, loader);
	augur_loader_end(loader);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(augur_json_datum(&json));
}
