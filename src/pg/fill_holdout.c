/*-------------------------------------------------------------------------
 *
 * fill_holdout.c
 *		The raw values of held-out rows, kept while the matrices are filled, so that a
 *		model with other features or cuts can be scored on the same rows.
 *
 * Memory: at most an eighth of the budget, else a temporary file.  Interrupts: the
 * caller polls once a chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

/* Makes room for the raw values: in memory, or a file with its index. */
void
augur_holdout_begin(AugurLoader *loader)
{
	Size bytes = mul_size(mul_size(loader->n_holdout, loader->n_features), sizeof(double));

	if (!loader->options.keep_holdout || loader->n_holdout == 0)
		return;
	if (bytes <= loader->options.memory / 8)
	{
		loader->holdout_values = MemoryContextAllocHuge(loader->context, bytes);
		return;
	}
	loader->holdout_at =
		MemoryContextAllocHuge(loader->context, mul_size(loader->n_holdout, sizeof(uint32)));
	loader->holdout_file = BufFileCreateTemp(false);
}

/* Keeps the raw values of a chunk's holdout rows; n_kept counts those before. */
void
augur_holdout_keep(AugurLoader *loader, const AugurChunk *chunk, uint32 *n_kept)
{
	Size n = loader->n_features;
	double *values;
	uint32 *rows = palloc_array(uint32, chunk->n_rows);
	uint32 n_rows = 0;

	for (uint32 i = 0; i < chunk->n_rows; i++)
	{
		if (loader->position[chunk->first_row + i] & AUGUR_POSITION_HOLDOUT)
			rows[n_rows++] = i;
	}
	values = augur_huge_array(mul_size(n_rows, n), sizeof(double));
	for (uint32 f = 0; f < loader->n_features; f++)
	{
		const AugurLoadFeature *feature = &loader->features[f];
		uint32 j = (uint32) (loader->spool_cells + feature->cell);
		const uint32 *rank = loader->cells[feature->cell].code_rank;

		augur_feature_decode(loader, feature, augur_chunk_width(chunk, j), loader->spool->column[j],
							 chunk->n_rows, loader->decoded);
		for (uint32 i = 0; i < n_rows; i++)
		{
			double v = loader->decoded[rows[i]];

			values[i * n + f] = rank != NULL && !isnan(v) ? rank[(uint32) v] : v;
		}
	}
	for (uint32 i = 0; i < n_rows; i++)
	{
		uint32 at = loader->position[chunk->first_row + rows[i]] & ~AUGUR_POSITION_HOLDOUT;

		if (loader->holdout_values != NULL)
			memcpy(loader->holdout_values + at * n, values + i * n, n * sizeof(double));
		else
		{
			loader->holdout_at[at] = (*n_kept)++;
			BufFileWrite(loader->holdout_file, values + i * n, n * sizeof(double));
		}
	}
	pfree(values);
	pfree(rows);
}

/* See ingest.h.  x [n][n_features]. */
void
augur_loader_holdout_values(AugurLoader *loader, uint32 first, uint32 n, double *x)
{
	Size bytes = loader->n_features * sizeof(double);

	if (first + n > loader->n_holdout ||
		(loader->holdout_values == NULL && loader->holdout_file == NULL))
		elog(ERROR, "holdout rows %u to %u were not kept", first, first + n);
	if (loader->holdout_values != NULL)
	{
		memcpy(x, loader->holdout_values + (Size) first * loader->n_features, n * bytes);
		return;
	}
	for (uint32 i = 0; i < n; i++)
	{
		/* a file of BufFile is many of 1 GB: seek block by block, then within */
		Size at = loader->holdout_at[first + i] * bytes;

		if (BufFileSeekBlock(loader->holdout_file, (long) (at / BLCKSZ)) != 0 ||
			BufFileSeek(loader->holdout_file, 0, (off_t) (at % BLCKSZ), SEEK_CUR) != 0 ||
			BufFileRead(loader->holdout_file, x + (Size) i * loader->n_features, bytes) != bytes)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read held-out rows from temporary file: %m")));
	}
}

/* See ingest.h.  The bytes lie in the loader. */
const char *
augur_loader_level(AugurLoader *loader, uint32 feature, double code, int *length)
{
	const AugFeature *f = &loader->features[feature].f;
	uint32 i;
	uint32 start;

	if (!(code >= 0 && code < f->n_levels))
		elog(ERROR, "feature %u has no level %g", feature, code);
	i = (uint32) code;
	start = i == 0 ? 0 : f->level_end[i - 1];
	*length = (int) (f->level_end[i] - start);
	return f->level_text + start;
}
