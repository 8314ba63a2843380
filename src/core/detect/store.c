/*-------------------------------------------------------------------------
 *
 * store.c
 *		The state of a detector as bytes, and back.
 *
 * docs/format.md describes them.  The reader trusts no byte: what it accepts can be updated
 * with any numbers, and takes bounded memory.
 *
 * Memory: as a new detector of the same options.  Interrupts: none; a state has at most
 * some 100 kB.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../artifact.h"
#include "detect.h"

#define DETECT_MAGIC \
	"\x89"           \
	"AUGDT\n\x1A"
#define DETECT_FORMAT 1
#define NOUN		  "detector state"

static AugStatus
damaged(AugError *err, const char *what)
{
	aug_fail(err, AUG_CORRUPT, NOUN " is damaged");
	aug_detail(err, "Its %s cannot be right.", what);
	return AUG_CORRUPT;
}

static void
write_moments(AugWriter *w, const Moments *m)
{
	aug_write_varint(w, m->n);
	aug_write_f64(w, m->mean);
	aug_write_f64(w, m->s);
}

AugStatus
aug_detector_store(const AugDetector *d, uint8_t **bytes, size_t *length, AugError *err)
{
	const DetectOps *ops = aug_detect_ops(d->method);
	AugWriter w;

	aug_envelope_begin(&w, d->host, DETECT_MAGIC, DETECT_FORMAT);
	aug_write_string(&w, ops->about.name);
	aug_write_string(&w, d->params_text);
	aug_write_varint(&w, d->n);
	aug_write_u8(&w, d->changed ? 1 : 0);
	aug_write_varint(&w, d->warning_since);
	aug_write_varint(&w, d->n_changes);
	aug_write_varint(&w, d->first_change);
	aug_write_varint(&w, d->n_kept);
	for (uint32_t i = 0; i < d->n_kept; i++)
		aug_write_varint(&w, d->change[i] - (i > 0 ? d->change[i - 1] : 0));
	aug_write_u8(&w, d->scaled ? 1 : 0);
	write_moments(&w, &d->scale);
	write_moments(&w, &d->since);
	ops->write(d, &w);
	aug_envelope_end(&w);
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading ------------------------------------------------------------------ */

/* A string of the state as a NUL-terminated copy, released by the caller; or NULL. */
static char *
read_text(const AugHost *host, AugReader *r, uint32_t most, AugStatus *status)
{
	uint32_t n = aug_read_count(r, most, 1);
	const uint8_t *bytes = aug_read_bytes(r, n);
	char *text;

	*status = AUG_CORRUPT;
	if (r->bad || (n > 0 && memchr(bytes, 0, n) != NULL))
		return NULL;
	text = host->alloc(host->arg, (size_t) n + 1);
	*status = text == NULL ? AUG_NOMEM : AUG_OK;
	if (text != NULL)
	{
		if (n > 0)
			memcpy(text, bytes, n);
		text[n] = '\0';
	}
	return text;
}

/* Opens a detector of the method and options that the state begins with. */
static AugStatus
read_options(const AugHost *host, AugReader *r, AugDetector **d, AugError *err)
{
	AugStatus status;
	char *name = read_text(host, r, AUG_ALGORITHM_NAME_MAX, &status), *params = NULL;
	uint32_t method = 0;

	while (name != NULL && method < DETECT_METHODS &&
		   strcmp(aug_detector_at(method)->name, name) != 0)
		method++;
	if (status == AUG_OK && method == DETECT_METHODS)
		status = AUG_CORRUPT;
	if (status == AUG_OK)
		params = read_text(host, r, AUG_PARAMS_TEXT_MAX, &status);
	if (status == AUG_OK)
		status = aug_detector_open(host, (DetectMethod) method, params, d, err);
	else if (status == AUG_NOMEM)
		aug_fail_nomem(err, 0);
	host->release(host->arg, name);
	host->release(host->arg, params);
	if (status == AUG_INVALID || status == AUG_CORRUPT)
		return damaged(err, "method or options");
	return status;
}

static bool
read_moments(AugReader *r, uint64_t most, Moments *m)
{
	m->n = aug_read_varint(r);
	m->mean = aug_read_f64(r);
	m->s = aug_read_f64(r);
	return m->n <= most && fabs(m->mean) < DETECT_SUM && m->s >= 0 && m->s < DETECT_SUM &&
		   (m->n > 0 || (m->mean == 0 && m->s == 0));
}

static bool
read_changes(AugReader *r, AugDetector *d)
{
	uint64_t at = 0;

	d->n_changes = aug_read_varint(r);
	d->first_change = aug_read_varint(r);
	d->n_kept = aug_read_count(r, AUG_MAX_CHANGES, 1);
	if (r->bad || d->n_changes > d->n || d->n_kept > d->n_changes ||
		d->n_kept != (d->n_changes < AUG_MAX_CHANGES ? d->n_changes : AUG_MAX_CHANGES))
		return false;
	for (uint32_t i = 0; i < d->n_kept; i++)
	{
		uint64_t step = aug_read_varint(r);

		if (step == 0 || step > d->n - at)
			return false;
		at += step;
		d->change[i] = at;
	}
	if (d->n_changes == 0)
		return d->first_change == 0;
	return d->first_change > 0 && (d->n_kept == d->n_changes ? d->first_change == d->change[0]
															 : d->first_change < d->change[0]);
}

static bool
read_common(AugReader *r, AugDetector *d)
{
	uint8_t changed, scaled;

	d->n = aug_read_varint(r);
	changed = aug_read_u8(r);
	d->warning_since = aug_read_varint(r);
	if (r->bad || d->n > AUG_MAX_STREAM || changed > 1 || d->warning_since > d->n ||
		!read_changes(r, d))
		return false;
	d->changed = changed == 1;
	if (d->changed && (d->n_kept == 0 || d->change[d->n_kept - 1] != d->n))
		return false;
	scaled = aug_read_u8(r);
	d->scaled = scaled == 1;
	return scaled <= 1 && read_moments(r, d->n, &d->scale) && read_moments(r, d->n, &d->since) &&
		   (!d->scaled || moments_variance(&d->scale) > 0);
}

AugStatus
aug_detector_read(const AugHost *host, const uint8_t *bytes, size_t length, AugDetector **out,
				  AugError *err)
{
	AugReader r;
	AugDetector *d = NULL;
	AugStatus status = aug_envelope_open(bytes, length, DETECT_MAGIC, DETECT_FORMAT, NOUN, &r, err);

	*out = NULL;
	if (status == AUG_OK)
		status = read_options(host, &r, &d, err);
	if (status != AUG_OK)
		return status;
	if (!read_common(&r, d) || r.bad)
		status = damaged(err, "counts");
	else if (!aug_detect_ops(d->method)->read(d, &r))
		status = d->starved ? aug_fail_nomem(err, 0) : damaged(err, "numbers");
	else if (r.bad || aug_reader_left(&r) > 0)
		status = damaged(err, "length");
	if (status != AUG_OK)
	{
		aug_detector_free(d);
		return status;
	}
	*out = d;
	return AUG_OK;
}
