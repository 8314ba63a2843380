/*-------------------------------------------------------------------------
 *
 * content.c
 *		The content of whole rows, by which a holdout is drawn when there is no key.
 *
 * Trainings with other features must hold out the same rows, since the version in
 * production is scored on the holdout of the next one.  So all columns of the source
 * whose types can be hashed take part, features or not; those that are no
 * features of this training, "extras", add to a sum beside the content hash that
 * survey.c makes of target, weight and features, by the same shares.
 *
 * Rows that differ in nothing but an identifier stay together: columns of integers
 * or texts without NULLs of which every value is different are taken out again,
 * whatever their names.  Not so when that leaves fewer than MIN_GROUPS different
 * rows, of which no share can be held out.  That a column is no identifier, a NULL
 * or a value seen twice proves, nearly always within the first rows; until then its
 * shares are spooled.
 *
 * Memory: a table of PROBE_SLOTS values for each extra that may be an identifier,
 * 8 bytes a row for each that may be to the end; 24 a row while one of them is
 * decided.  Interrupts: polled in every loop over rows.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#define MIN_GROUPS	50
#define PROBE_ROOM	256
#define PROBE_SLOTS 1024  /* a power of two */
#define SAMPLE_ROWS 65536 /* in which equal values are looked for first */

/* An attribute that is no feature. */
typedef struct AugurExtra
{
	AugurSource source;
	int attribute;
	uint64 seed;
	const char *name;
	uint64 *element_seed; /* arrays */
	int n_elements;
	bool may_be_key;
	uint32 spool; /* column of its shares, as long as it may be a key */
	uint32 n_probed;
	uint64 *probe; /* [PROBE_SLOTS] or NULL: enough have been seen */
} AugurExtra;

uint64
augur_cell_seed(const char *column, uint32 element)
{
	return aug_hash(column, strlen(column), (uint64) element);
}

/* Can values of that class be identifiers? */
static bool
may_identify(const AugurSource *source)
{
	return augur_class_is_integer(source->cls) || source->categorical;
}

/*
 * Takes attribute i of the source as an extra, unless its type cannot be hashed.
 * The columns of the spool follow in augur_extras_spool.
 */
void
augur_extras_add(AugurLoader *loader, int i)
{
	Form_pg_attribute att = TupleDescAttr(loader->desc, i);
	AugurExtra *extra;

	if (loader->extras == NULL)
		loader->extras = palloc0(mul_size((Size) loader->desc->natts, sizeof(AugurExtra)));
	extra = &loader->extras[loader->n_extras];
	if (!augur_source_init(&extra->source, att->atttypid, loader->context))
		return;
	extra->attribute = i;
	extra->name = pstrdup(NameStr(att->attname));
	extra->seed = augur_cell_seed(extra->name, 0);
	extra->may_be_key = may_identify(&extra->source);
	loader->n_extras++;
}

/* Gives the extras their columns of the spool from *n on. */
void
augur_extras_spool(AugurLoader *loader, int *n)
{
	loader->spool_extra = loader->n_extras > 0 ? (*n)++ : -1;
	for (int i = 0; i < loader->n_extras; i++)
	{
		AugurExtra *extra = &loader->extras[i];

		if (!extra->may_be_key)
			continue;
		extra->spool = (uint32) (*n)++;
		extra->probe =
			MemoryContextAllocZero(loader->context, mul_size(PROBE_SLOTS, sizeof(uint64)));
	}
}

/* ---- while rows are read -------------------------------------------------- */

/* The share of a number, 0 when it is missing. */
static inline uint64
number_share(double v, uint64 seed)
{
	return isnan(v) ? 0 : augur_mix(augur_bits(v) ^ seed);
}

/* The share of a text; one that is long is known by its length, and not fetched. */
static uint64
text_share(AugurExtra *extra, Datum value)
{
	const char *bytes;
	int length;

	if (extra->source.cls == AUGUR_CLASS_TEXT)
	{
		Size raw = toast_raw_datum_size(value) - VARHDRSZ;

		if (raw > AUGUR_LONG_LEVEL)
			return augur_mix(augur_level_hash(NULL, (uint32) raw) ^ extra->seed);
	}
	bytes = augur_source_text(&extra->source, value, &length);
	return augur_mix(augur_level_hash(bytes, (uint32) length) ^ extra->seed);
}

/* The shares of all elements, as those of a feature column of arrays. */
static uint64
array_share(AugurLoader *loader, AugurExtra *extra, Datum value)
{
	int n = augur_loader_array(loader, &extra->source, value);
	uint64 sum = 0;

	if (n > extra->n_elements)
	{
		if (extra->element_seed != NULL)
			pfree(extra->element_seed);
		extra->element_seed = MemoryContextAllocHuge(loader->context, mul_size(n, sizeof(uint64)));
		for (int k = 0; k < n; k++)
			extra->element_seed[k] = augur_cell_seed(extra->name, (uint32) k);
		extra->n_elements = n;
	}
	for (int k = 0; k < n; k++)
		sum += number_share(loader->array_values[k], extra->element_seed[k]);
	return sum;
}

static uint64
value_share(AugurLoader *loader, AugurExtra *extra, Datum value)
{
	switch (extra->source.cls)
	{
		case AUGUR_CLASS_INT4:
			return number_share(DatumGetInt32(value), extra->seed);
		case AUGUR_CLASS_INT8:
			return number_share((double) DatumGetInt64(value), extra->seed);
		case AUGUR_CLASS_FLOAT8:
			return number_share(DatumGetFloat8(value), extra->seed);
		case AUGUR_CLASS_FLOAT4:
			return number_share((double) DatumGetFloat4(value), extra->seed);
		case AUGUR_CLASS_DATE:
			return number_share(DatumGetDateADT(value), extra->seed);
		case AUGUR_CLASS_TIMESTAMP:
			return number_share((double) DatumGetTimestamp(value), extra->seed);
		case AUGUR_CLASS_ARRAY:
			return array_share(loader, extra, value);
		default:
			if (extra->source.categorical)
				return text_share(extra, value);
			return number_share(augur_source_number(&extra->source, value, AUGUR_PART_VALUE, 0),
								extra->seed);
	}
}

/* Was that share seen before, among the first ones? */
static bool
seen_before(AugurExtra *extra, uint64 share)
{
	uint32 at = (uint32) share & (PROBE_SLOTS - 1);

	while (extra->probe[at] != 0)
	{
		if (extra->probe[at] == share)
			return true;
		at = (at + 1) & (PROBE_SLOTS - 1);
	}
	extra->probe[at] = share;
	if (++extra->n_probed == PROBE_ROOM)
	{
		pfree(extra->probe);
		extra->probe = NULL;
	}
	return false;
}

/*
 * Keeps the share of an extra that may be a key.  When the value proves that it is
 * none, its column of the spool ends here.
 */
static void
keep_share(AugurLoader *loader, AugurExtra *extra, uint64 share)
{
	if (share != 0 && !(extra->probe != NULL && seen_before(extra, share)))
	{
		((uint64 *) loader->spool->base[extra->spool])[loader->chunk->n_rows] = share;
		return;
	}
	extra->may_be_key = false;
	if (extra->probe != NULL)
		pfree(extra->probe);
	extra->probe = NULL;
	augur_loader_widen(loader, extra->spool, AUGUR_WIDTH_ABSENT);
}

/* The extras of the row that is being written. */
void
augur_extras_row(AugurLoader *loader, const Datum *values, const bool *nulls)
{
	uint64 sum = 0;

	for (int i = 0; i < loader->n_extras; i++)
	{
		AugurExtra *extra = &loader->extras[i];
		uint64 share =
			nulls[extra->attribute] ? 0 : value_share(loader, extra, values[extra->attribute]);

		sum += share;
		if (extra->may_be_key)
			keep_share(loader, extra, share);
	}
	((uint64 *) loader->spool->base[loader->spool_extra])[loader->chunk->n_rows] = sum;
}

/* ---- when all are read ------------------------------------------------------ */

/* Are all n hashes different? */
static bool
all_different(const uint64 *hash, uint32 n)
{
	AugurRowHash *rows = augur_order_rows(hash, n, true);
	bool different = true;

	for (uint32 i = 1; i < n && different; i++)
		different = rows[i].hash != rows[i - 1].hash;
	pfree(rows);
	return different;
}

/* If the shares are those of an identifier, adds them to those of the others. */
static bool
take_key(AugurLoader *loader, const uint64 *share, uint64 **keys)
{
	uint32 n = loader->n_rows;

	if (!all_different(share, Min(n, SAMPLE_ROWS)) || !all_different(share, n))
		return false;
	if (*keys == NULL)
	{
		*keys = augur_huge_array(n, sizeof(uint64));
		memset(*keys, 0, n * sizeof(uint64));
	}
	for (uint32 i = 0; i < n; i++)
		(*keys)[i] += share[i];
	return true;
}

/* May the cell be that of an identifier, by what its survey tells? */
static bool
cell_may_be_key(AugurLoader *loader, const AugurCell *cell)
{
	const AugurColumn *column = &loader->columns[cell->column];

	if (!may_identify(&column->source) || cell->n_present < loader->n_rows)
		return false;
	if (column->levels != NULL)
		return column->levels->n == loader->n_rows;
	return cell->distinct == NULL || cell->distinct->n == loader->n_rows;
}

/*
 * The sum of the shares of all identifiers, features and extras: [n_rows], or NULL when
 * there are none.
 */
static uint64 *
key_shares(AugurLoader *loader)
{
	uint64 *share = augur_huge_array(loader->n_rows, sizeof(uint64));
	uint64 *keys = NULL;

	for (int i = 0; i < loader->n_extras; i++)
	{
		if (!loader->extras[i].may_be_key)
			continue;
		augur_spool_gather(loader->spool, loader->extras[i].spool, share);
		(void) take_key(loader, share, &keys);
	}
	for (int c = 0; c < loader->n_cells; c++)
	{
		if (!cell_may_be_key(loader, &loader->cells[c]))
			continue;
		memset(share, 0, loader->n_rows * sizeof(uint64));
		augur_survey_subtract(loader, c, share);
		for (uint32 i = 0; i < loader->n_rows; i++)
			share[i] = 0 - share[i];
		(void) take_key(loader, share, &keys);
	}
	pfree(share);
	return keys;
}

/* Takes what a column of levels that did not fit has added for its first rows. */
static void
drop_partial(AugurLoader *loader, uint64 *hash)
{
	for (int c = 0; c < loader->n_cells; c++)
	{
		if (loader->columns[loader->cells[c].column].too_many)
			augur_survey_subtract(loader, c, hash);
	}
}

/* Are there fewer than MIN_GROUPS different hashes? */
static bool
too_coarse(const uint64 *hash, uint32 n)
{
	uint64 seen[MIN_GROUPS];
	uint32 n_seen = 0;

	for (uint32 i = 0; i < n; i++)
	{
		uint32 k = 0;

		if ((i & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		while (k < n_seen && seen[k] != hash[i])
			k++;
		if (k < n_seen)
			continue;
		if (n_seen + 1 == MIN_GROUPS)
			return false;
		seen[n_seen++] = hash[i];
	}
	return true;
}

/*
 * Hash of what each row holds, the features or not: hash [n_rows].
 */
void
augur_content_hash(AugurLoader *loader, uint64 *hash)
{
	uint32 n = loader->n_rows;
	uint64 *keys;

	augur_spool_gather(loader->spool, SPOOL_HASH, hash);
	if (loader->spool_extra >= 0)
	{
		uint64 *extra = augur_huge_array(n, sizeof(uint64));

		augur_spool_gather(loader->spool, (uint32) loader->spool_extra, extra);
		for (uint32 i = 0; i < n; i++)
			hash[i] += extra[i];
		pfree(extra);
	}
	augur_survey_subtract_weight(loader, hash);
	drop_partial(loader, hash);
	keys = key_shares(loader);
	if (keys == NULL)
		return;
	for (uint32 i = 0; i < n; i++)
		hash[i] -= keys[i];
	if (too_coarse(hash, n))
	{
		for (uint32 i = 0; i < n; i++)
			hash[i] += keys[i];
	}
	pfree(keys);
}
