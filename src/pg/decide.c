/*-------------------------------------------------------------------------
 *
 * decide.c
 *		What the rows that were read decide about the columns: which are left out,
 *		levels, cut points, and with them the features of the matrices.
 *
 * Rules
 *	- columns that were not asked for by name are left out when they look like keys:
 *	  uuid; texts of which more than 95 % are unique; unique integers whose name
 *	  says key (id, x_id, xId, key, no, pk...) or that are dense, like a row number;
 *	  and copies of the target
 *	- columns without values, and constant ones, are left out in any case
 *	- cuts come from the training rows with the smallest content hashes, at most
 *	  AUGUR_CUT_SAMPLE of them; with more rows, a column of few distinct values is
 *	  cut between all of them, so that a rare value is never lost
 *
 * Memory: the sample of a group of columns at a time, within an eighth of the
 * budget.  Interrupts: polled once a chunk and once a column.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#define UNIQUE_SHARE	0.95
#define DENSE_SHARE		1.05 /* range over rows of a row number, at most */
#define SMALLEST_SAMPLE (16 * 1024 * 1024)

/* ---- report --------------------------------------------------------------- */

static char *
format_text(AugurLoader *loader, const char *format, va_list args) pg_attribute_printf(2, 0);

/* Text in the loader's context. */
static char *
format_text(AugurLoader *loader, const char *format, va_list args)
{
	MemoryContext old = MemoryContextSwitchTo(loader->context);
	StringInfoData text;
	int needed;

	initStringInfo(&text);
	for (;;)
	{
		va_list copy;

		va_copy(copy, args);
		needed = appendStringInfoVA(&text, format, copy);
		va_end(copy);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	MemoryContextSwitchTo(old);
	return text.data;
}

static List *
append_text(AugurLoader *loader, List *list, char *text)
{
	MemoryContext old = MemoryContextSwitchTo(loader->context);

	list = lappend(list, text);
	MemoryContextSwitchTo(old);
	return list;
}

void
augur_report_left_out(AugurLoader *loader, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(loader, format, args);
	va_end(args);
	loader->report.left_out = append_text(loader, loader->report.left_out, text);
}

void
augur_report_warning(AugurLoader *loader, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = format_text(loader, format, args);
	va_end(args);
	loader->report.warnings = append_text(loader, loader->report.warnings, text);
}

/* ---- columns left out -------------------------------------------------------- */

/* Does the name end with the suffix, as a word of its own? */
static bool
ends_with_word(const char *name, const char *word)
{
	size_t length = strlen(name);
	size_t n = strlen(word);

	if (length < n || pg_strcasecmp(name + length - n, word) != 0)
		return false;
	if (length == n || !isalnum((unsigned char) name[length - n - 1]))
		return true;
	/* camelCase: customerId, customerID */
	return isupper((unsigned char) name[length - n]) &&
		   islower((unsigned char) name[length - n - 1]);
}

static bool
is_key_name(const char *name)
{
	static const char *const words[] = {
		"id",	"ids",	"key", "no",	"nr",	  "num", "number", "pk",
		"uuid", "guid", "oid", "rowid", "rownum", "seq", "serial",
	};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (ends_with_word(name, words[i]))
			return true;
	}
	return false;
}

/* Are the n_rows present values of a cell all different?  They are integers. */
static bool
is_unique(AugurLoader *loader, int c)
{
	AugurSpool *spool = loader->spool;
	uint32 j = (uint32) (loader->spool_cells + c);
	AugurCell *cell = &loader->cells[c];
	double range = cell->high - cell->low + 1;
	Size n = loader->n_rows;
	bool dense = range <= 32.0 * n;
	Size words;
	uint64 *seen;
	bool unique = true;

	if (cell->distinct != NULL)
		return cell->distinct->n == n;
	if (range < n)
		return false;
	words = dense ? (Size) range / 64 + 1 : n;
	seen = augur_huge_array(words, sizeof(uint64));
	memset(seen, 0, words * sizeof(uint64));
	for (uint32 k = 0; k < spool->n_chunks && unique; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, j, 1);
		augur_cells_decode(augur_chunk_width(chunk, j), spool->column[j], chunk->n_rows,
						   loader->decoded);
		for (uint32 i = 0; i < chunk->n_rows && unique; i++)
		{
			if (dense)
			{
				uint64 at = (uint64) (loader->decoded[i] - cell->low);
				uint64 bit = UINT64CONST(1) << (at % 64);

				unique = !(seen[at / 64] & bit);
				seen[at / 64] |= bit;
			}
			else
				seen[chunk->first_row + i] = augur_mix(augur_bits(loader->decoded[i]));
		}
	}
	if (!dense && unique)
	{
		AugurRowHash *rows = augur_order_rows(seen, (uint32) n, true);

		for (Size i = 1; i < n && unique; i++)
			unique = rows[i].hash != rows[i - 1].hash;
		pfree(rows);
	}
	pfree(seen);
	return unique;
}

/* Why an integer column that nobody asked for looks like a key; NULL when not. */
static const char *
integer_key_reason(AugurLoader *loader, const AugurColumn *column)
{
	AugurCell *cell = &loader->cells[column->first_cell];
	Size n = loader->n_rows;
	bool named = is_key_name(column->name);

	if (!augur_class_is_integer(column->source.cls) || cell->n_present < n ||
		!isfinite(cell->high - cell->low))
		return NULL;
	if (!named && (n < AUGUR_MIN_KEY_ROWS || cell->high - cell->low + 1 > DENSE_SHARE * n))
		return NULL;
	/* doubles do not tell such integers apart: the name has to do */
	if (Max(fabs(cell->low), fabs(cell->high)) > AUGUR_MAX_EXACT_INTEGER)
		return named ? "integers beyond 2^53, named like a key" : NULL;
	if (!is_unique(loader, column->first_cell))
		return NULL;
	return named ? "unique integer, named like a key"
				 : "unique integers without gaps, like a row number";
}

/* Why a column of levels looks like a key; NULL when not. */
static const char *
level_key_reason(AugurLoader *loader, const AugurColumn *column)
{
	int64 present = loader->cells[column->first_cell].n_present;

	if (column->source.type == UUIDOID)
		return "uuid";
	if (column->too_many)
		return psprintf("more than %u distinct values", column->levels->n - 1);
	if (present >= AUGUR_MIN_KEY_ROWS && column->levels->n > UNIQUE_SHARE * present)
		return psprintf("%u distinct values in %lld rows", column->levels->n, (long long) present);
	return NULL;
}

/* The same value in every row? */
static bool
is_constant(AugurLoader *loader, const AugurColumn *column, const AugurCell *cell)
{
	if (cell->n_present < loader->n_rows)
		return false;
	return column->levels != NULL ? column->levels->n == 1 && !column->too_many
								  : cell->low == cell->high;
}

/* Leaves out the elements of an array that teach nothing. */
static void
decide_array(AugurLoader *loader, AugurColumn *column)
{
	int dropped = 0;

	for (int k = 0; k < column->n_cells; k++)
	{
		AugurCell *cell = &loader->cells[column->first_cell + k];

		cell->dropped = cell->n_present == 0 || is_constant(loader, column, cell);
		dropped += cell->dropped;
	}
	if (dropped == 0)
		return;
	augur_report_left_out(loader, "%s (%d of %d elements are constant or missing)", column->name,
						  dropped, column->n_cells);
	augur_report_warning(loader,
						 "%d of %d elements of array column \"%s\" are constant or "
						 "missing in all rows",
						 dropped, column->n_cells, column->name);
}

/* Decides about one column. */
static void
decide_column(AugurLoader *loader, AugurColumn *column)
{
	AugurCell *cell = column->n_cells > 0 ? &loader->cells[column->first_cell] : NULL;
	const char *reason = NULL;

	if (cell == NULL || (!column->source.is_array && cell->n_present == 0))
	{
		if (cell != NULL)
			cell->dropped = true;
		augur_report_left_out(loader, "%s (no values)", column->name);
		augur_report_warning(loader, "column \"%s\" is NULL in all rows", column->name);
		return;
	}
	if (column->source.is_array)
	{
		decide_array(loader, column);
		return;
	}
	if (is_constant(loader, column, cell))
	{
		cell->dropped = true;
		augur_report_left_out(loader, "%s (constant)", column->name);
		augur_report_warning(loader, "column \"%s\" has the same value in all rows", column->name);
		return;
	}
	if (cell->same_as_target && column->listed)
		augur_report_warning(loader, "feature \"%s\" equals the target in all rows", column->name);
	if (column->listed)
		return;
	if (cell->same_as_target)
		reason = "equal to the target in all rows";
	else if (column->levels != NULL)
		reason = level_key_reason(loader, column);
	else
		reason = integer_key_reason(loader, column);
	if (reason != NULL)
	{
		cell->dropped = true;
		augur_report_left_out(loader, "%s (%s)", column->name, reason);
	}
}

void
augur_decide_columns(AugurLoader *loader)
{
	for (int i = 0; i < loader->n_columns; i++)
		decide_column(loader, &loader->columns[i]);
}

/* ---- levels -------------------------------------------------------------------- */

/* Sorts the levels of a categorical feature and drops the search table. */
static void
make_levels(AugurLoader *loader, AugurLoadFeature *feature, AugurColumn *column)
{
	AugurDictionary *dict = column->levels;
	uint32 *order = augur_dictionary_order(dict);
	uint32 *end = augur_huge_array(dict->n, sizeof(uint32));
	uint32 *rank = augur_huge_array(dict->n, sizeof(uint32));
	char *text;
	Size at = 0;

	if (dict->text_used > PG_UINT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("levels of column \"%s\" take more than 4 GB", column->name)));
	text = palloc_extended(Max(dict->text_used, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < dict->n; i++)
	{
		const AugurLevel *level = &dict->levels[order[i]];

		memcpy(text + at, dict->text + level->at, level->length);
		at += level->length;
		end[i] = (uint32) at;
		rank[order[i]] = i;
	}
	feature->f.kind = AUG_CATEGORICAL_FEATURE;
	feature->f.n_levels = dict->n;
	feature->f.level_end = end;
	feature->f.level_text = text;
	feature->f.wide = dict->n > AUG_MISSING_CELL;
	feature->level_bytes = at;
	loader->cells[feature->cell].code_rank = rank;
	pfree(order);
	augur_dictionary_free(dict);
	column->levels = NULL;
}

/* ---- cuts ------------------------------------------------------------------------ */

/* May the cuts be made from the distinct values alone? */
static bool
cuts_from_distinct(AugurLoader *loader, const AugurLoadFeature *feature)
{
	AugurDistinct *distinct = loader->cells[feature->cell].distinct;

	return loader->n_training > AUGUR_CUT_SAMPLE && distinct != NULL &&
		   feature->f.part <= AUGUR_PART_ELEMENT && distinct->n <= loader->options.max_bins;
}

static void
set_cuts(AugurLoader *loader, AugurLoadFeature *feature, double *values, Size n)
{
	double cuts[AUG_MAX_BINS];
	uint32 n_cuts = aug_cuts(values, n, (uint32) loader->options.max_bins, cuts);
	double *kept = palloc_array(double, Max(n_cuts, 1));

	memcpy(kept, cuts, n_cuts * sizeof(double));
	feature->f.n_cuts = n_cuts;
	feature->f.cuts = kept;
	while (feature->steps < 8 && (1U << feature->steps) <= n_cuts)
		feature->steps++;
}

/*
 * Values of the sampled training rows of features first .. first + n - 1 that take
 * part, out [n][sample].  One pass over the columns of the spool that they need.
 */
static void
sample_values(AugurLoader *loader, uint32 first, uint32 n, uint32 sample, double *out)
{
	AugurSpool *spool = loader->spool;
	int low = loader->features[first].cell;
	int high = low;
	Size filled = 0;
	uint32 *picked = palloc_array(uint32, 4096);

	for (uint32 f = first; f < first + n; f++)
	{
		low = Min(low, loader->features[f].cell);
		high = Max(high, loader->features[f].cell);
	}
	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];
		const uint32 *position = loader->position + chunk->first_row;
		uint32 n_picked = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < chunk->n_rows; i++)
		{
			picked[n_picked] = i;
			n_picked += position[i] < sample; /* the top bit is the holdout */
		}
		if (n_picked == 0)
			continue;
		augur_spool_read(spool, k, (uint32) (loader->spool_cells + low), (uint32) (high - low + 1));
		for (uint32 f = 0; f < n; f++)
		{
			const AugurLoadFeature *feature = &loader->features[first + f];
			uint32 j = (uint32) (loader->spool_cells + feature->cell);
			double *to = out + (Size) f * sample + filled;

			if (feature->f.kind == AUG_CATEGORICAL_FEATURE || cuts_from_distinct(loader, feature))
				continue;
			augur_feature_decode(loader, feature, augur_chunk_width(chunk, j), spool->column[j],
								 chunk->n_rows, loader->decoded);
			for (uint32 i = 0; i < n_picked; i++)
				to[i] = loader->decoded[picked[i]];
		}
		filled += n_picked;
	}
	Assert(filled == sample);
	pfree(picked);
}

/* Cuts of all numeric features. */
static void
make_cuts(AugurLoader *loader)
{
	uint32 sample = Min(loader->n_training, AUGUR_CUT_SAMPLE);
	Size room = Max(loader->options.memory / 8, SMALLEST_SAMPLE);
	uint32 group = (uint32) Max(1, Min(loader->n_features, room / (sample * sizeof(double))));
	double *values = augur_huge_array(mul_size(group, sample), sizeof(double));

	for (uint32 first = 0; first < loader->n_features; first += group)
	{
		uint32 n = Min(group, loader->n_features - first);

		sample_values(loader, first, n, sample, values);
		for (uint32 f = 0; f < n; f++)
		{
			AugurLoadFeature *feature = &loader->features[first + f];
			AugurDistinct *distinct = loader->cells[feature->cell].distinct;

			CHECK_FOR_INTERRUPTS();
			if (feature->f.kind == AUG_CATEGORICAL_FEATURE)
				continue;
			if (cuts_from_distinct(loader, feature))
			{
				double copy[AUG_MAX_BINS];

				memcpy(copy, distinct->value, distinct->n * sizeof(double));
				set_cuts(loader, feature, copy, distinct->n);
			}
			else
				set_cuts(loader, feature, values + (Size) f * sample, sample);
		}
	}
	pfree(values);
}

/* ---- features ----------------------------------------------------------------------- */

/* Appends the features of one cell of a column. */
static void
add_features(AugurLoader *loader, AugurColumn *column, int c)
{
	AugurPart parts[AUGUR_MAX_PARTS];
	int n = augur_source_parts(&column->source, loader->options.date_parts, parts);

	for (int p = 0; p < n; p++)
	{
		AugurLoadFeature *feature = &loader->features[loader->n_features++];
		uint32 element = loader->cells[c].element;

		feature->cell = c;
		feature->f.name = augur_feature_name(column->name, parts[p], element);
		feature->f.column = column->name;
		feature->f.type_name = column->type_name;
		feature->f.part = parts[p];
		feature->f.element = element;
		feature->f.kind = AUG_NUMERIC_FEATURE;
		if (column->levels != NULL)
			make_levels(loader, feature, column);
	}
}

/* Drops numeric features that training cannot cut; gives the others their slots. */
static void
settle_features(AugurLoader *loader)
{
	uint32 kept = 0;

	for (uint32 i = 0; i < loader->n_features; i++)
	{
		AugurLoadFeature *feature = &loader->features[i];
		bool complete = loader->cells[feature->cell].n_present == loader->n_rows;

		if (feature->f.kind == AUG_NUMERIC_FEATURE && feature->f.n_cuts == 0 && complete)
		{
			augur_report_left_out(loader, "%s (constant)", feature->f.name);
			continue;
		}
		feature->f.slot = feature->f.wide ? loader->n_wide++ : loader->n_narrow++;
		loader->features[kept++] = *feature;
	}
	loader->n_features = kept;
}

/* Bytes of a row of cells: a multiple of 4, of 32 when that costs little. */
static size_t
row_stride(uint32 n_narrow)
{
	size_t by4 = TYPEALIGN(4, n_narrow);
	size_t by32 = TYPEALIGN(32, n_narrow);

	return by32 - by4 <= by4 / 7 ? by32 : by4;
}

static void
raise_no_feature(AugurLoader *loader)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, loader->report.left_out)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", (char *) lfirst(cell));
	ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("no column can serve as a feature"),
					text.len > 0 ? errdetail("Left out: %s.", text.data) : 0,
					errhint("Name the columns to use in the list of features, or add some.")));
}

/*
 * Makes the list of features with levels and cuts.  Needs the positions of the rows.
 */
void
augur_decide_features(AugurLoader *loader)
{
	Size room = 0;

	for (int c = 0; c < loader->n_cells; c++)
		room += loader->cells[c].dropped ? 0 : AUGUR_MAX_PARTS;
	loader->features = augur_huge_array(room, sizeof(AugurLoadFeature));
	memset(loader->features, 0, room * sizeof(AugurLoadFeature));
	for (int i = 0; i < loader->n_columns; i++)
	{
		AugurColumn *column = &loader->columns[i];

		for (int k = 0; k < column->n_cells; k++)
		{
			if (!loader->cells[column->first_cell + k].dropped)
				add_features(loader, column, column->first_cell + k);
		}
	}
	if (loader->n_features > AUG_MAX_FEATURES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d features", AUG_MAX_FEATURES)));
	if (loader->n_features > 0)
		make_cuts(loader);
	settle_features(loader);
	if (loader->n_features == 0)
		raise_no_feature(loader);
	loader->stride = row_stride(loader->n_narrow);
}
