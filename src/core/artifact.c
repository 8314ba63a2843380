/*-------------------------------------------------------------------------
 *
 * artifact.c
 *		The envelope and the common part of a stored model.
 *
 * Written field by field, little-endian; docs/format.md is the reference.  The
 * reader trusts no byte: a count is accepted only when the bytes left can hold
 * that many things, so memory is bounded by the input; strings have no NUL; cuts
 * are finite and ascend; levels ascend; numbers are finite where they must be.
 * The checksum finds damage, not malice: all checks hold without it too.
 *
 * Memory: what is read lies in the caller's arena.  Interrupts: none; reading
 * is linear in a length that the caller bounds.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "artifact.h"

#define HAS_CLASS_SHARE 1
#define HAS_IMPORTANCE	2
#define HAS_PERMUTATION 4

/* ---- the envelope ------------------------------------------------------ */

void
aug_envelope_begin(AugWriter *w, const AugHost *host, const char *magic, uint32_t format)
{
	aug_writer_init(w, host);
	aug_write_bytes(w, magic, AUG_MAGIC_SIZE);
	aug_write_u32(w, format);
	aug_write_u64(w, 0); /* the length, known at the end */
}

void
aug_envelope_end(AugWriter *w)
{
	uint64_t whole = (uint64_t) w->length + AUG_TRAILER_SIZE;
	uint8_t *at;

	if (w->failed)
		return;
	at = w->bytes + AUG_MAGIC_SIZE + 4;
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t) (whole >> (8 * i));
	aug_write_u32(w, aug_crc32c(0, w->bytes, w->length));
}

static AugStatus
fail_damaged(AugError *err, const char *noun, const char *what)
{
	aug_fail(err, AUG_CORRUPT, "%s is damaged", noun);
	aug_detail(err, "Its %s cannot be right.", what);
	return AUG_CORRUPT;
}

/*
 * See artifact.h.  Builds for fuzzing skip the length and the checksum, so that
 * changed inputs get past them to the readers behind.
 */
AugStatus
aug_envelope_open(const uint8_t *bytes, size_t length, const char *magic, uint32_t newest,
				  const char *noun, AugReader *r, AugError *err)
{
	uint64_t whole;
	uint32_t format;

	if (length < AUG_MAGIC_SIZE || memcmp(bytes, magic, AUG_MAGIC_SIZE) != 0)
		return aug_fail(err, AUG_CORRUPT, "these bytes are not a %s", noun);
	r->at = bytes + AUG_MAGIC_SIZE;
	r->end = bytes + length;
	r->bad = false;
	format = aug_read_u32(r);
	if (!r->bad && (format == 0 || format > newest))
	{
		aug_fail(err, AUG_CORRUPT, "%s has format %u, which is not known", noun, format);
		aug_detail(err, "This version reads formats 1 to %u.", newest);
		return AUG_CORRUPT;
	}
	whole = aug_read_u64(r);
#ifdef AUG_FUZZING
	whole = length;
#endif
	if (whole != length || length < AUG_HEADER_SIZE + AUG_TRAILER_SIZE)
	{
		aug_fail(err, AUG_CORRUPT, "%s is damaged", noun);
		aug_detail(err, "It is %zu bytes long, which is not what its header says.", length);
		return AUG_CORRUPT;
	}
	r->end -= AUG_TRAILER_SIZE;
#ifndef AUG_FUZZING
	{
		AugReader trailer = {r->end, r->end + AUG_TRAILER_SIZE, false};

		if (aug_read_u32(&trailer) != aug_crc32c(0, bytes, length - AUG_TRAILER_SIZE))
			return fail_damaged(err, noun, "checksum");
	}
#endif
	return AUG_OK;
}

/* ---- writing ---------------------------------------------------------- */

static void
write_doubles(AugWriter *w, const double *values, uint32_t n)
{
	for (uint32_t i = 0; values != NULL && i < n; i++)
		aug_write_f64(w, values[i]);
}

static void
write_levels(AugWriter *w, const AugFeature *f)
{
	uint32_t begin = 0;

	aug_write_varint(w, f->n_levels);
	for (uint32_t i = 0; i < f->n_levels; i++)
	{
		aug_write_varint(w, f->level_end[i] - begin);
		begin = f->level_end[i];
	}
	aug_write_bytes(w, f->level_text, begin);
}

static void
write_feature(AugWriter *w, const AugFeature *f)
{
	aug_write_string(w, f->name);
	aug_write_string(w, f->column);
	aug_write_string(w, f->type_name);
	aug_write_varint(w, f->part);
	aug_write_varint(w, f->element);
	aug_write_u8(w, (uint8_t) f->kind);
	if (f->kind == AUG_CATEGORICAL_FEATURE)
		write_levels(w, f);
	else
	{
		aug_write_varint(w, f->n_cuts);
		write_doubles(w, f->cuts, f->n_cuts);
	}
}

static void
write_fit(AugWriter *w, const AugFit *fit)
{
	aug_write_f64(w, fit->oob_error);
	aug_write_f64(w, fit->oob_score);
	aug_write_u32(w, fit->oob_rows);
	aug_write_u64(w, fit->n_nodes);
	aug_write_u32(w, fit->n_trees);
}

static void
write_common(AugWriter *w, const AugJob *job, const AugSummary *summary, const char *params_text)
{
	const AugMatrix *m = job->matrix;

	aug_write_u8(w, (uint8_t) m->task);
	aug_write_string(w, m->target);
	aug_write_string(w, m->target_type);
	aug_write_varint(w, m->n_features);
	for (uint32_t i = 0; i < m->n_features; i++)
		write_feature(w, &m->features[i]);
	aug_write_varint(w, m->n_classes);
	for (uint32_t i = 0; i < m->n_classes; i++)
		aug_write_string(w, m->class_names[i]);
	aug_write_string(w, params_text);
	aug_write_u64(w, job->seed);
	aug_write_u64(w, m->n_rows);
	aug_write_f64(w, summary->base);
	aug_write_u8(w, (uint8_t) ((summary->class_share != NULL ? HAS_CLASS_SHARE : 0) |
							   (summary->importance != NULL ? HAS_IMPORTANCE : 0) |
							   (summary->permutation != NULL ? HAS_PERMUTATION : 0)));
	write_doubles(w, summary->class_share, m->n_classes);
	write_doubles(w, summary->importance, m->n_features);
	write_doubles(w, summary->permutation, m->n_features);
	write_fit(w, &summary->fit);
}

/*
 * Puts the pieces into one artifact, which is the caller's to release.  The
 * names and sizes come from a matrix that aug_job_open has checked.
 */
AugStatus
aug_artifact_write(const AugJob *job, const AugSummary *summary, AugSlice body, uint8_t **artifact,
				   size_t *length, AugError *err)
{
	AugWriter w;
	char *params_text;
	AugStatus status = aug_params_text(job->params, &params_text, err);

	*artifact = NULL;
	*length = 0;
	if (status != AUG_OK)
		return status;

	aug_envelope_begin(&w, job->host, AUG_MAGIC, AUG_FORMAT);
	aug_write_string(&w, job->ops->about.name);
	write_common(&w, job, summary, params_text);
	job->host->release(job->host->arg, params_text);
	aug_write_bytes(&w, body.bytes, body.length);
	aug_envelope_end(&w);
	*artifact = aug_writer_take(&w, length);
	return *artifact == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading ---------------------------------------------------------- */

static AugStatus
fail_corrupt(AugError *err, const char *what)
{
	return fail_damaged(err, "model", what);
}

/*
 * See artifact.h.
 */
AugStatus
aug_artifact_open(const uint8_t *bytes, size_t length, AugReader *r, const AugOps **ops,
				  AugError *err)
{
	char name[AUG_ALGORITHM_NAME_MAX + 1];
	const AugAlgorithm *algorithm;
	const uint8_t *text;
	uint32_t n;
	AugStatus status = aug_envelope_open(bytes, length, AUG_MAGIC, AUG_FORMAT, "model", r, err);

	if (status != AUG_OK)
		return status;
	n = aug_read_count(r, AUG_ALGORITHM_NAME_MAX, 1);
	text = aug_read_bytes(r, n);
	if (text == NULL || memchr(text, 0, n) != NULL)
		return fail_corrupt(err, "algorithm");
	memcpy(name, text, n);
	name[n] = '\0';
	algorithm = aug_algorithm_find(name);
	if (algorithm == NULL)
	{
		aug_fail(err, AUG_CORRUPT, "model is of an algorithm that is not known");
		aug_detail(err, "Its algorithm is \"%s\".", name);
		return AUG_CORRUPT;
	}
	*ops = aug_algorithm_ops(algorithm);
	return AUG_OK;
}

/*
 * A string without NUL of at most max bytes, copied; NULL when it is bad or
 * memory is short (then *nomem is set).
 */
static const char *
read_name(AugReader *r, uint32_t max, AugArena *arena, bool *nomem)
{
	uint32_t n = aug_read_count(r, max, 1);
	const uint8_t *bytes = aug_read_bytes(r, n);
	const char *copy;

	if (bytes == NULL)
		return NULL;
	if (n > 0 && memchr(bytes, 0, n) != NULL)
	{
		r->bad = true;
		return NULL;
	}
	copy = aug_arena_text(arena, (const char *) bytes, n);
	if (copy == NULL)
		*nomem = true;
	return copy;
}

/*
 * n doubles; each must be finite.  NULL as read_name.
 */
static double *
read_doubles(AugReader *r, uint32_t n, AugArena *arena, bool *nomem)
{
	double *values;

	if (n > aug_reader_left(r) / 8)
	{
		r->bad = true;
		return NULL;
	}
	values = aug_arena_alloc(arena, n, sizeof(double));
	if (values == NULL)
	{
		*nomem = true;
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		values[i] = aug_read_f64(r);
		if (!isfinite(values[i]))
			r->bad = true;
	}
	return values;
}

/* Shares and importances: finite, and within lo .. hi. */
static const double *
read_shares(AugReader *r, uint32_t n, double lo, double hi, AugArena *arena, bool *nomem)
{
	const double *values = read_doubles(r, n, arena, nomem);

	for (uint32_t i = 0; values != NULL && i < n; i++)
	{
		if (!(values[i] >= lo && values[i] <= hi))
			r->bad = true;
	}
	return values;
}

/*
 * Order of two levels by bytes, a prefix first.
 */
static bool
level_ascends(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	int order = memcmp(a, b, n < m ? n : m);

	return order < 0 || (order == 0 && n < m);
}

static void
read_levels(AugReader *r, AugFeature *f, AugArena *arena, bool *nomem)
{
	uint32_t n = aug_read_count(r, AUG_MAX_LEVELS, 1);
	uint32_t *end;
	const uint8_t *text;
	uint64_t total = 0;

	if (r->bad)
		return;
	end = aug_arena_alloc(arena, n, sizeof(uint32_t));
	if (end == NULL)
	{
		*nomem = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		uint64_t length = aug_read_varint(r);

		/* the sum stays below the bytes left, so it cannot wrap */
		if (r->bad || length > UINT32_MAX - total || length > aug_reader_left(r))
		{
			r->bad = true;
			return;
		}
		total += length;
		end[i] = (uint32_t) total;
	}
	text = aug_read_bytes(r, (size_t) total);
	if (text == NULL || (total > 0 && memchr(text, 0, (size_t) total) != NULL))
	{
		r->bad = true;
		return;
	}
	for (uint32_t i = 1; i < n; i++)
	{
		uint32_t begin = i > 1 ? end[i - 2] : 0;

		if (!level_ascends(text + begin, end[i - 1] - begin, text + end[i - 1],
						   end[i] - end[i - 1]))
			r->bad = true;
	}
	f->n_levels = n;
	f->level_end = end;
	f->level_text = aug_arena_text(arena, (const char *) text, (size_t) total);
	f->wide = n > AUG_MAX_BINS;
	if (f->level_text == NULL)
		*nomem = true;
}

static void
read_cuts(AugReader *r, AugFeature *f, AugArena *arena, bool *nomem)
{
	f->n_cuts = aug_read_count(r, AUG_MAX_BINS - 1, 8);
	if (r->bad)
		return;
	f->cuts = read_doubles(r, f->n_cuts, arena, nomem);
	for (uint32_t i = 1; f->cuts != NULL && i < f->n_cuts; i++)
	{
		if (!(f->cuts[i - 1] < f->cuts[i]))
			r->bad = true;
	}
}

static void
read_feature(AugReader *r, AugFeature *f, AugArena *arena, bool *nomem)
{
	uint64_t part, element;
	uint8_t kind;

	memset(f, 0, sizeof(*f));
	f->name = read_name(r, AUG_NAME_MAX, arena, nomem);
	f->column = read_name(r, AUG_NAME_MAX, arena, nomem);
	f->type_name = read_name(r, AUG_NAME_MAX, arena, nomem);
	part = aug_read_varint(r);
	element = aug_read_varint(r);
	kind = aug_read_u8(r);
	if (r->bad || part > UINT32_MAX || element > UINT32_MAX || kind > AUG_CATEGORICAL_FEATURE)
	{
		r->bad = true;
		return;
	}
	f->part = (uint32_t) part;
	f->element = (uint32_t) element;
	f->kind = (AugKind) kind;
	if (f->kind == AUG_CATEGORICAL_FEATURE)
		read_levels(r, f, arena, nomem);
	else
		read_cuts(r, f, arena, nomem);
}

/*
 * The features; a feature takes at least six bytes, which bounds their count.
 */
static void
read_features(AugReader *r, AugModelInfo *info, AugArena *arena, bool *nomem)
{
	uint32_t n = aug_read_count(r, AUG_MAX_FEATURES, 6);
	AugFeature *features;
	uint32_t n_narrow = 0, n_wide = 0;

	if (r->bad)
		return;
	features = aug_arena_zero(arena, n, sizeof(AugFeature));
	if (features == NULL)
	{
		*nomem = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		read_feature(r, &features[i], arena, nomem);
		if (r->bad || *nomem)
			return;
		features[i].slot = features[i].wide ? n_wide++ : n_narrow++;
	}
	info->features = features;
	info->n_features = n;
}

static void
read_classes(AugReader *r, AugModelInfo *info, AugArena *arena, bool *nomem)
{
	uint32_t n = aug_read_count(r, AUG_MAX_CLASSES, 1);
	const char **names;

	if (r->bad)
		return;
	/* a classifier knows at least one class, a regression none */
	if ((info->task == AUG_REGRESSION) != (n == 0))
	{
		r->bad = true;
		return;
	}
	names = aug_arena_zero(arena, n, sizeof(char *));
	if (names == NULL)
	{
		*nomem = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		names[i] = read_name(r, AUG_NAME_MAX, arena, nomem);
		if (r->bad || *nomem)
			return;
	}
	info->n_classes = n;
	info->class_names = n == 0 ? NULL : names;
	info->n_outputs = n == 0 ? 1 : n;
}

static void
read_fit(AugReader *r, AugFit *fit)
{
	fit->oob_error = aug_read_f64(r);
	fit->oob_score = aug_read_f64(r);
	fit->oob_rows = aug_read_u32(r);
	fit->n_nodes = aug_read_u64(r);
	fit->n_trees = aug_read_u32(r);
	/* kept in the body */
	fit->validation_loss = NAN;
}

static void
read_statistics(AugReader *r, AugModelInfo *info, AugArena *arena, bool *nomem)
{
	uint8_t flags;
	double sum = 0;

	info->seed = aug_read_u64(r);
	info->n_rows = aug_read_u64(r);
	info->base = aug_read_f64(r);
	flags = aug_read_u8(r);
	/* the mean belongs to regression, class shares to classification */
	if (flags > (HAS_CLASS_SHARE | HAS_IMPORTANCE | HAS_PERMUTATION) ||
		((flags & HAS_CLASS_SHARE) != 0) != (info->task == AUG_CLASSIFICATION) ||
		(info->task == AUG_REGRESSION ? !isfinite(info->base) : !isnan(info->base)))
	{
		r->bad = true;
		return;
	}
	if (flags & HAS_CLASS_SHARE)
		info->class_share = read_shares(r, info->n_classes, 0, 1, arena, nomem);
	if (flags & HAS_IMPORTANCE)
		info->importance = read_shares(r, info->n_features, 0, INFINITY, arena, nomem);
	if (flags & HAS_PERMUTATION)
		info->permutation = read_shares(r, info->n_features, -INFINITY, INFINITY, arena, nomem);
	for (uint32_t i = 0; info->class_share != NULL && i < info->n_classes; i++)
		sum += info->class_share[i];
	if (info->class_share != NULL && !(fabs(sum - 1) < 1e-9))
		r->bad = true;
	read_fit(r, &info->fit);
}

/*
 * See artifact.h.
 */
AugStatus
aug_artifact_common(AugReader *r, AugModelInfo *info, AugArena *arena, AugError *err)
{
	bool nomem = false;
	uint8_t task = aug_read_u8(r);

	if (r->bad || task > AUG_CLASSIFICATION)
		return fail_corrupt(err, "task");
	info->task = (AugTask) task;
	if (info->task == AUG_CLASSIFICATION ? !info->algorithm->classification
										 : !info->algorithm->regression)
		return fail_corrupt(err, "task");
	info->target = read_name(r, AUG_NAME_MAX, arena, &nomem);
	info->target_type = read_name(r, AUG_NAME_MAX, arena, &nomem);
	if (!r->bad && !nomem)
		read_features(r, info, arena, &nomem);
	if (nomem)
		return aug_fail_nomem(err, 0);
	if (r->bad)
		return fail_corrupt(err, "features");

	read_classes(r, info, arena, &nomem);
	if (nomem)
		return aug_fail_nomem(err, 0);
	if (r->bad)
		return fail_corrupt(err, "classes");

	info->params_text = read_name(r, AUG_PARAMS_TEXT_MAX, arena, &nomem);
	if (!r->bad && !nomem)
		read_statistics(r, info, arena, &nomem);
	if (nomem)
		return aug_fail_nomem(err, 0);
	if (r->bad)
		return fail_corrupt(err, "statistics");
	return AUG_OK;
}
