/*-------------------------------------------------------------------------
 *
 * store.c
 *		Profiles as bytes, and back.
 *
 * docs/format.md describes them.  Numbers that are whole multiples of a power of ten, as
 * amounts and measurements mostly are, are stored as differences of integers: a byte or two
 * each instead of eight.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "../artifact.h"
#include "profile.h"

#define PROFILE_MAGIC \
	"\x89"            \
	"AUGPF\n\x1A"
#define PROFILE_FORMAT 1
#define NOUN		   "profile"

#define RAW			 255 /* in place of the number of decimals: as doubles */
#define MOST_DIGITS	 6
#define EXACT_BITS	 9007199254740992.0 /* 2^53 */
#define MOST_A_LEVEL (16 * AUG_PROFILE_EXACT)

static const double power_of_ten[MOST_DIGITS + 1] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};

static AugStatus
damaged(AugError *err, const char *what)
{
	aug_fail(err, AUG_CORRUPT, NOUN " is damaged");
	aug_detail(err, "Its %s cannot be right.", what);
	return AUG_CORRUPT;
}

/* ---- writing ---------------------------------------------------------- */

static bool
is_decimal(double v, double scale)
{
	double whole = rint(v * scale);

	return fabs(whole) < EXACT_BITS && whole / scale == v;
}

/* How many decimals write all numbers exactly; RAW: none does. */
static uint8_t
decimals_of(const Quantiles *q)
{
	uint8_t digits = 0;

	for (uint32_t i = 0; i < q->n_levels; i++)
		for (uint32_t k = 0; k < q->level[i].n; k++)
			while (!is_decimal(q->level[i].item[k], power_of_ten[digits]))
				if (++digits > MOST_DIGITS)
					return RAW;
	/* what fits fewer decimals may be too large for more */
	for (uint32_t i = 0; i < q->n_levels; i++)
		for (uint32_t k = 0; k < q->level[i].n; k++)
			if (!is_decimal(q->level[i].item[k], power_of_ten[digits]))
				return RAW;
	return digits;
}

/* Small numbers of either sign as small numbers. */
static uint64_t
zigzag(int64_t v)
{
	return ((uint64_t) v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t) (v >> 1) ^ ((v & 1) != 0 ? -1 : 0);
}

static void
write_numbers(AugProfile *p, AugWriter *w)
{
	Quantiles *q = &p->quantiles;
	uint8_t decimals;

	aug_quantiles_settle(q);
	decimals = decimals_of(q);
	aug_write_f64(w, p->low);
	aug_write_f64(w, p->high);
	aug_write_f64(w, p->mean);
	aug_write_f64(w, p->m2);
	aug_write_f64(w, p->m3);
	aug_write_f64(w, p->m4);
	aug_write_varint(w, q->tossed);
	aug_write_u8(w, (uint8_t) q->base);
	aug_write_varint(w, q->pending);
	if (q->pending > 0)
		aug_write_f64(w, q->candidate);
	aug_write_u8(w, (uint8_t) q->n_levels);
	aug_write_u8(w, decimals);
	for (uint32_t i = 0; i < q->n_levels; i++)
	{
		const QuantileLevel *level = &q->level[i];
		int64_t before = 0;

		aug_write_varint(w, level->n);
		for (uint32_t k = 0; k < level->n; k++)
			if (decimals == RAW)
				aug_write_f64(w, level->item[k]);
			else
			{
				int64_t whole = (int64_t) rint(level->item[k] * power_of_ten[decimals]);

				/* ascending: only the first difference can be negative */
				aug_write_varint(w, k == 0 ? zigzag(whole) : (uint64_t) (whole - before));
				before = whole;
			}
	}
}

static void
write_labels(AugProfile *p, AugWriter *w)
{
	aug_labels_settle(p->host, &p->labels);
	aug_write_varint(w, p->labels.error);
	aug_write_varint(w, p->labels.n);
	for (uint32_t i = 0; i < p->labels.n; i++)
	{
		const Label *label = &p->labels.label[i];

		aug_write_u64(w, label->hash);
		aug_write_varint(w, label->count);
		aug_write_u8(w, label->cut ? 1 : 0);
		aug_write_varint(w, label->length);
		aug_write_bytes(w, label->bytes, label->length);
	}
}

AugStatus
aug_profile_store(AugProfile *p, uint8_t **bytes, size_t *length, AugError *err)
{
	AugWriter w;

	aug_envelope_begin(&w, p->host, PROFILE_MAGIC, PROFILE_FORMAT);
	aug_write_u8(&w, (uint8_t) p->kind);
	aug_write_varint(&w, p->tag);
	aug_write_varint(&w, p->nulls);
	aug_write_varint(&w, p->nans);
	aug_write_varint(&w, p->infinite);
	aug_write_varint(&w, p->n);
	if (p->n > 0)
	{
		aug_distinct_write(&p->distinct, &w);
		if (p->kind == AUG_PROFILE_NUMBERS)
			write_numbers(p, &w);
		else
			write_labels(p, &w);
	}
	aug_envelope_end(&w);
	*bytes = aug_writer_take(&w, length);
	return *bytes == NULL ? aug_fail_nomem(err, 0) : AUG_OK;
}

/* ---- reading ---------------------------------------------------------- */

/* The next number of a level; false when it is not what was written. */
static bool
read_item(AugReader *r, uint8_t decimals, bool first, int64_t *before, double *v)
{
	uint64_t step;

	if (decimals == RAW)
	{
		*v = aug_read_f64(r);
		return !r->bad && fabs(*v) <= AUG_PROFILE_LARGEST;
	}
	step = aug_read_varint(r);
	if (first)
		*before = unzigzag(step);
	else if (step > (uint64_t) 1 << 54)
		return false;
	else
		*before += (int64_t) step;
	if (r->bad || fabs((double) *before) > EXACT_BITS)
		return false;
	*v = (double) *before / power_of_ten[decimals];
	return true;
}

static AugStatus
read_levels(AugProfile *p, AugReader *r, AugError *err)
{
	Quantiles *q = &p->quantiles;
	uint8_t decimals;
	double sum = 0;

	q->count = p->n;
	q->tossed = aug_read_varint(r);
	q->base = aug_read_u8(r);
	q->pending = aug_read_varint(r);
	if (q->pending > 0)
		q->candidate = aug_read_f64(r);
	q->n_levels = aug_read_u8(r);
	decimals = aug_read_u8(r);
	if (r->bad || q->n_levels < 1 || q->n_levels > QUANTILE_LEVELS || q->base >= q->n_levels ||
		q->pending >> q->base != 0 || !(q->candidate >= p->low || q->pending == 0) ||
		!(q->candidate <= p->high || q->pending == 0) ||
		(decimals > MOST_DIGITS && decimals != RAW))
	{
		q->n_levels = 1;
		q->base = 0;
		return damaged(err, "head");
	}
	sum = (double) q->pending;
	for (uint32_t i = 0; i < q->n_levels; i++)
	{
		QuantileLevel *level = &q->level[i];
		uint32_t n = aug_read_count(r, MOST_A_LEVEL, decimals == RAW ? sizeof(double) : 1);
		int64_t before = 0;
		AugStatus status = r->bad ? damaged(err, "length")
								  : aug_quantiles_room(p->host, level, n, err);

		if (status != AUG_OK)
			return status;
		for (level->n = 0; level->n < n; level->n++)
		{
			double *v = &level->item[level->n];

			if (!read_item(r, decimals, level->n == 0, &before, v) || *v < p->low || *v > p->high ||
				(level->n > 0 && *v < v[-1]))
				return damaged(err, "numbers");
		}
		sum += ldexp(n, (int) i);
	}
	aug_quantiles_count(q);
	/* exact: at most 2^48 and a little, or far too much */
	return sum == (double) p->n ? AUG_OK : damaged(err, "weights");
}

static AugStatus
read_numbers(AugProfile *p, AugReader *r, AugError *err)
{
	double n = (double) p->n, most = 2 * AUG_PROFILE_LARGEST;

	p->low = aug_read_f64(r);
	p->high = aug_read_f64(r);
	p->mean = aug_read_f64(r);
	p->m2 = aug_read_f64(r);
	p->m3 = aug_read_f64(r);
	p->m4 = aug_read_f64(r);
	if (r->bad ||
		!(p->low >= -AUG_PROFILE_LARGEST && p->low <= p->high && p->high <= AUG_PROFILE_LARGEST))
		return damaged(err, "range");
	if (!(fabs(p->mean) <= most && p->m2 >= 0 && p->m2 <= most * most * n &&
		  fabs(p->m3) <= most * most * most * n && p->m4 >= 0 &&
		  p->m4 <= most * most * most * most * n))
		return damaged(err, "moments");
	return read_levels(p, r, err);
}

static AugStatus
read_labels(AugProfile *p, AugReader *r, AugError *err)
{
	Labels *labels = &p->labels;
	uint64_t left = p->n, error = aug_read_varint(r);
	uint32_t n = aug_read_count(r, AUG_PROFILE_LABELS, 11);

	if (r->bad || error > p->n)
		return damaged(err, "head");
	for (uint32_t i = 0; i < n; i++)
	{
		uint64_t hash = aug_read_u64(r), count = aug_read_varint(r);
		uint8_t cut = aug_read_u8(r);
		uint32_t length = aug_read_count(r, AUG_PROFILE_LABEL_BYTES, 1);
		const uint8_t *bytes = aug_read_bytes(r, length);
		AugStatus status;

		if (r->bad || cut > 1 || count == 0 || count > left ||
			aug_labels_find(labels, hash) != NULL ||
			(cut == 0 && aug_hash(bytes, length, HASH_SEED) != hash))
			return damaged(err, "labels");
		status = aug_labels_add(p->host, labels, hash, (const char *) bytes, length, cut == 1,
								count, err);
		if (status != AUG_OK)
			return status;
		left -= count;
	}
	labels->error = error;
	/* without an error nothing was left out */
	return (error == 0 && left > 0) ? damaged(err, "counts") : AUG_OK;
}

AugStatus
aug_profile_read(const AugHost *host, const uint8_t *bytes, size_t length, AugProfile **out,
				 AugError *err)
{
	AugReader r;
	AugStatus status =
		aug_envelope_open(bytes, length, PROFILE_MAGIC, PROFILE_FORMAT, NOUN, &r, err);
	uint8_t kind;
	uint64_t tag;
	AugProfile *p;

	*out = NULL;
	if (status != AUG_OK)
		return status;
	kind = aug_read_u8(&r);
	tag = aug_read_varint(&r);
	if (r.bad || kind > AUG_PROFILE_WORDS || tag > UINT32_MAX)
		return damaged(err, "head");
	status = aug_profile_new(host, (AugProfileKind) kind, (uint32_t) tag, &p, err);
	if (status != AUG_OK)
		return status;
	p->nulls = aug_read_varint(&r);
	p->nans = aug_read_varint(&r);
	p->infinite = aug_read_varint(&r);
	p->n = aug_read_varint(&r);
	if (r.bad || p->nulls > AUG_PROFILE_ROWS || p->nans > AUG_PROFILE_ROWS - p->nulls ||
		p->infinite > AUG_PROFILE_ROWS - p->nulls - p->nans ||
		p->n > AUG_PROFILE_ROWS - p->nulls - p->nans - p->infinite ||
		(kind == AUG_PROFILE_WORDS && (p->nans > 0 || p->infinite > 0)))
		status = damaged(err, "counts");
	else if (p->n > 0 && !aug_distinct_read(&p->distinct, &r))
		status = damaged(err, "registers");
	else if (p->n > 0)
		status = kind == AUG_PROFILE_NUMBERS ? read_numbers(p, &r, err) : read_labels(p, &r, err);
	if (status == AUG_OK && (r.bad || aug_reader_left(&r) > 0))
		status = damaged(err, "length");
	if (status == AUG_OK)
		*out = p;
	else
		aug_profile_free(p);
	return status;
}
