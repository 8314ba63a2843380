/*-------------------------------------------------------------------------
 *
 * survey.c
 *		What a chunk of rows teaches while it is hot: the content hash of each row, and
 *		counts, extremes and distinct values of each column.
 *
 * The content hash of a row is the sum of one share for each cell that is present:
 * a mix of the value and of the column's own seed.  A sum does not depend on
 * the order of the columns, and a column that is left out in the end can be taken
 * out of it again.  Equal rows have equal hashes: -0 is 0, a missing value adds
 * nothing, a level counts by its bytes and not by its code.
 *
 * Memory: scratch of one column of a chunk, in the loader's context.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "miscadmin.h"

#define TARGET_SEED		   UINT64CONST(0x7461726765740A)
#define WEIGHT_SEED		   UINT64CONST(0x7765696768740A)
#define SCRATCH_ROWS	   4096 /* at least a chunk's rows, see spool.c */
#define MAX_DISTINCT_CELLS 4096 /* beyond, distinct values are not kept */

void
augur_survey_init(AugurLoader *loader, AugurCell *cell)
{
	memset(cell, 0, sizeof(*cell));
	cell->low = INFINITY;
	cell->high = -INFINITY;
	cell->same_as_target = true;
	if (loader->n_cells < MAX_DISTINCT_CELLS)
		cell->distinct = MemoryContextAllocZero(loader->context, sizeof(AugurDistinct));
}

/* ---- distinct values ------------------------------------------------------ */

/* Adds a value; false when there are too many. */
static bool
add_distinct(AugurDistinct *distinct, double v)
{
	uint32 at = (uint32) (augur_mix(augur_bits(v)) >> 54);

	while (distinct->slot[at] != 0)
	{
		if (distinct->value[distinct->slot[at] - 1] == v)
			return true;
		at = (at + 1) & (lengthof(distinct->slot) - 1);
	}
	if (distinct->n == AUG_MAX_BINS)
		return false;
	distinct->value[distinct->n++] = v;
	distinct->slot[at] = (uint16) distinct->n;
	return true;
}

static void
survey_distinct(AugurCell *cell, const double *v, uint32 n)
{
	double last = NAN;

	for (uint32 i = 0; i < n; i++)
	{
		if (v[i] == last || isnan(v[i]))
			continue;
		last = v[i];
		if (!add_distinct(cell->distinct, last))
		{
			pfree(cell->distinct);
			cell->distinct = NULL;
			return;
		}
	}
}

/* ---- columns -------------------------------------------------------------- */

/* Shares, count and extremes of n numbers. */
static void
survey_numbers(AugurCell *cell, uint64 seed, const double *v, uint32 n, uint64 *hash)
{
	double low = cell->low;
	double high = cell->high;
	uint32 present = 0;

	for (uint32 i = 0; i < n; i++)
	{
		uint64 share = augur_mix(augur_bits(v[i]) ^ seed);
		bool is_present = !isnan(v[i]);

		hash[i] += is_present ? share : 0;
		present += is_present;
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	cell->low = low;
	cell->high = high;
	cell->n_present += present;
	if (cell->distinct != NULL)
		survey_distinct(cell, v, n);
}

/* The same for level codes, which count by the hash of their bytes. */
static void
survey_codes(AugurCell *cell, uint64 seed, const AugurDictionary *levels, const uint32 *codes,
			 uint32 n, uint64 *hash)
{
	for (uint32 i = 0; i < n; i++)
	{
		const AugurLevel *level;

		if (codes[i] == AUG_MISSING_WIDE)
			continue;
		level = &levels->levels[codes[i]];
		hash[i] +=
			augur_mix((level->length > AUGUR_LONG_LEVEL ? augur_level_hash(NULL, level->length)
														: level->hash) ^
					  seed);
		cell->n_present++;
	}
}

/* Are the cells the target's own values?  Missing ones say no. */
static bool
equals_target(AugurLoader *loader, const AugurColumn *column, const void *cells, const char *target,
			  uint32 n)
{
	if ((column->levels == NULL) != (loader->target.levels == NULL))
		return false;
	if (column->levels == NULL)
	{
		for (uint32 i = 0; i < n; i++)
		{
			if (!(loader->decoded[i] == loader->decoded_target[i]))
				return false;
		}
		return true;
	}
	for (uint32 i = 0; i < n; i++)
	{
		uint32 code = ((const uint32 *) cells)[i];
		uint32 wanted = ((const uint32 *) target)[i];

		if (code == AUG_MISSING_WIDE ||
			column->levels->levels[code].hash != loader->target.levels->levels[wanted].hash)
			return false;
	}
	return true;
}

/* Target and weight of the chunk's rows. */
static void
survey_target(AugurLoader *loader, const AugurChunk *chunk, uint64 *hash)
{
	AugurSpool *spool = loader->spool;
	const void *cells = spool->column[SPOOL_TARGET];
	AugurWidth width = augur_chunk_width(chunk, SPOOL_TARGET);
	AugurCell weight;

	if (loader->target.levels != NULL)
		survey_codes(&loader->target_cell, TARGET_SEED, loader->target.levels,
					 (const uint32 *) cells, chunk->n_rows, hash);
	else
	{
		augur_cells_decode(width, cells, chunk->n_rows, loader->decoded_target);
		survey_numbers(&loader->target_cell, TARGET_SEED, loader->decoded_target, chunk->n_rows,
					   hash);
		for (uint32 i = 0; i < chunk->n_rows; i++)
			loader->target_infinite += isinf(loader->decoded_target[i]) != 0;
	}
	if (loader->spool_weight >= 0)
	{
		memset(&weight, 0, sizeof(weight));
		survey_numbers(&weight, WEIGHT_SEED, (const double *) spool->column[loader->spool_weight],
					   chunk->n_rows, hash);
	}
}

/*
 * Surveys a complete chunk before it is closed, and writes its hashes.
 */
void
augur_survey_chunk(AugurLoader *loader, uint32 number)
{
	AugurSpool *spool = loader->spool;
	AugurChunk *chunk = &spool->chunks[number];
	uint64 *hash;

	if (loader->decoded == NULL)
	{
		loader->decoded =
			MemoryContextAlloc(loader->context, mul_size(2 * SCRATCH_ROWS, sizeof(double)));
		loader->decoded_target = loader->decoded + SCRATCH_ROWS;
	}
	Assert(chunk->n_rows <= SCRATCH_ROWS);
	augur_spool_read(spool, number, 0, chunk->layout->n_columns);
	hash = (uint64 *) unconstify(void *, spool->column[SPOOL_HASH]);
	memset(hash, 0, chunk->n_rows * sizeof(uint64));
	survey_target(loader, chunk, hash);

	for (uint32 j = loader->spool_cells; j < chunk->layout->n_columns; j++)
	{
		AugurCell *cell = &loader->cells[j - loader->spool_cells];
		AugurColumn *column = &loader->columns[cell->column];

		if (column->levels != NULL)
			survey_codes(cell, cell->seed, column->levels, (const uint32 *) spool->column[j],
						 chunk->n_rows, hash);
		else
		{
			augur_cells_decode(augur_chunk_width(chunk, j), spool->column[j], chunk->n_rows,
							   loader->decoded);
			survey_numbers(cell, cell->seed, loader->decoded, chunk->n_rows, hash);
		}
		if (cell->same_as_target)
			cell->same_as_target = equals_target(loader, column, spool->column[j],
												 spool->column[SPOOL_TARGET], chunk->n_rows);
	}
}

/*
 * Takes the shares of a cell out of hashes of rows again: hash [n_rows] in spool order.
 */
void
augur_survey_subtract(AugurLoader *loader, int c, uint64 *hash)
{
	AugurSpool *spool = loader->spool;
	AugurCell *cell = &loader->cells[c];
	AugurColumn *column = &loader->columns[cell->column];
	uint32 j = (uint32) (loader->spool_cells + c);
	uint64 share[SCRATCH_ROWS];
	AugurCell ignored;

	if (cell->n_present == 0)
		return;
	memset(&ignored, 0, sizeof(ignored));
	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, j, 1);
		if (spool->column[j] == NULL)
			continue;
		memset(share, 0, chunk->n_rows * sizeof(uint64));
		if (column->levels != NULL)
			survey_codes(&ignored, cell->seed, column->levels, (const uint32 *) spool->column[j],
						 chunk->n_rows, share);
		else
		{
			augur_cells_decode(augur_chunk_width(chunk, j), spool->column[j], chunk->n_rows,
							   loader->decoded);
			survey_numbers(&ignored, cell->seed, loader->decoded, chunk->n_rows, share);
		}
		for (uint32 i = 0; i < chunk->n_rows; i++)
			hash[chunk->first_row + i] -= share[i];
	}
}

/* The same for the weight. */
void
augur_survey_subtract_weight(AugurLoader *loader, uint64 *hash)
{
	AugurSpool *spool = loader->spool;
	uint64 share[SCRATCH_ROWS];
	AugurCell ignored;

	if (loader->spool_weight < 0)
		return;
	memset(&ignored, 0, sizeof(ignored));
	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, (uint32) loader->spool_weight, 1);
		memset(share, 0, chunk->n_rows * sizeof(uint64));
		survey_numbers(&ignored, WEIGHT_SEED, (const double *) spool->column[loader->spool_weight],
					   chunk->n_rows, share);
		for (uint32 i = 0; i < chunk->n_rows; i++)
			hash[chunk->first_row + i] -= share[i];
	}
}
