/*-------------------------------------------------------------------------
 *
 * split.c
 *		The order of the rows in the matrices, and which of them are held out.
 *
 * Rows are ordered by the hash of target, weight and features, so the physical order
 * of the table does not matter.  A holdout by hash takes, class by class, the rows
 * with the smallest hash of the key (of all that the row holds when there is no key:
 * content.c), mixed with a constant so that it has nothing to do with the order in the
 * matrix.  It does not depend on the training's seed, nor without a key on the choice
 * of features: the version in production, which is scored on the same holdout, must
 * not have been trained on it under another seed or with other features.  Rows of one
 * key, and equal rows, always stay together: such a group counts as its rarest class.
 * A temporal holdout is the latest share, and rows of one time stay together.
 *
 * Memory: 8 bytes a row for hashes, 16 while they are sorted, 4 for positions, and
 * what content.c takes.
 * Interrupts: polled in every loop over rows.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"

#define SPLIT_SEED	   UINT64CONST(0x73706C69740A)
#define MIN_SPLIT_ROWS 20	  /* fewer rows are all for training */
#define POLL_MASK	   0xFFFF /* rows between two polls, less one */

#define ST_SORT			 sort_row_hashes
#define ST_ELEMENT_TYPE	 AugurRowHash
#define ST_COMPARE(a, b) ((a)->hash < (b)->hash ? -1 : (a)->hash > (b)->hash)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* ---- order ---------------------------------------------------------------- */

/*
 * Rows by hash.  Random hashes are dealt into buckets of some eight by their top
 * bits in one pass, and each bucket is sorted.
 */
AugurRowHash *
augur_order_rows(const uint64 *hash, uint32 n, bool uniform)
{
	AugurRowHash *rows = augur_huge_array(n, sizeof(AugurRowHash));
	int bits = 0;
	uint32 *start;

	while (uniform && bits < 22 && (n >> (bits + 3)) > 0)
		bits++;
	if (bits == 0)
	{
		for (uint32 i = 0; i < n; i++)
		{
			rows[i].hash = hash[i];
			rows[i].row = i;
		}
		sort_row_hashes(rows, n);
		return rows;
	}
	start = palloc0_array(uint32, (1 << bits) + 1);
	for (uint32 i = 0; i < n; i++)
		start[(hash[i] >> (64 - bits)) + 1]++;
	for (uint32 b = 0; b < 1U << bits; b++)
		start[b + 1] += start[b];
	for (uint32 i = 0; i < n; i++)
	{
		AugurRowHash *to = &rows[start[hash[i] >> (64 - bits)]++];

		to->hash = hash[i];
		to->row = i;
		if ((i & POLL_MASK) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	/* start[b] is now where bucket b ends */
	for (uint32 b = 0, from = 0; b < 1U << bits; from = start[b], b++)
	{
		if (start[b] - from > 1)
			sort_row_hashes(rows + from, start[b] - from);
	}
	pfree(start);
	return rows;
}

/* Hash of target, weight and features of each row; [n_rows] */
static uint64 *
feature_hash(AugurLoader *loader)
{
	uint64 *hash = augur_huge_array(loader->n_rows, sizeof(uint64));

	augur_spool_gather(loader->spool, SPOOL_HASH, hash);
	for (int c = 0; c < loader->n_cells; c++)
	{
		if (loader->cells[c].dropped)
			augur_survey_subtract(loader, c, hash);
	}
	return hash;
}

static void
mark_holdout(AugurLoader *loader, uint32 row)
{
	loader->position[row] = AUGUR_POSITION_HOLDOUT;
	loader->n_holdout++;
}

static void
clear_holdout(AugurLoader *loader)
{
	memset(loader->position, 0, (Size) loader->n_rows * sizeof(uint32));
	loader->n_holdout = 0;
}

/* ---- holdout by hash -------------------------------------------------------- */

/* How many rows of each stratum are to be held out; [max(n_classes, 1)] */
static double *
holdout_quota(AugurLoader *loader)
{
	uint32 n = Max(loader->n_classes, 1);
	double *quota = palloc_array(double, n);

	for (uint32 c = 0; c < n; c++)
	{
		double rows = loader->n_classes > 0 ? (double) loader->class_rows[c] : loader->n_rows;

		quota[c] = floor(rows * loader->options.holdout + 0.5);
		if (quota[c] == 0 && rows >= 5)
			quota[c] = 1;
		if (quota[c] > rows - 1)
			quota[c] = rows - 1;
	}
	return quota;
}

/* The rarest class among the rows of a group. */
static uint32
group_stratum(AugurLoader *loader, const AugurRowHash *rows, uint32 n)
{
	uint32 best = loader->label[rows[0].row];

	for (uint32 i = 1; i < n; i++)
	{
		uint32 c = loader->label[rows[i].row];

		int64 more = loader->class_rows[c] - loader->class_rows[best];

		if (more < 0 || (more == 0 && c < best))
			best = c;
	}
	return best;
}

/* What the holdout is drawn by: the key, or all that a row holds; [n_rows] */
static uint64 *
split_hash(AugurLoader *loader)
{
	uint32 n = loader->n_rows;
	uint64 *hash = augur_huge_array(n, sizeof(uint64));
	uint64 *content;

	if (loader->spool_key < 0)
	{
		augur_content_hash(loader, hash);
		return hash;
	}
	augur_spool_gather(loader->spool, (uint32) loader->spool_key, hash);
	content = feature_hash(loader);
	for (uint32 i = 0; i < n; i++)
	{
		if (hash[i] == 0)
			hash[i] = content[i];
	}
	pfree(content);
	return hash;
}

/*
 * Holds out groups of equal hash in order of their hash, as long as that brings
 * their stratum nearer to its quota.
 */
static void
split_by_hash(AugurLoader *loader)
{
	uint32 n = loader->n_rows;
	uint64 salt = augur_mix(SPLIT_SEED);
	uint64 *hash = split_hash(loader);
	double *quota = holdout_quota(loader);
	double *taken = palloc0_array(double, Max(loader->n_classes, 1));
	AugurRowHash *rows;

	for (uint32 i = 0; i < n; i++)
		hash[i] = augur_mix(hash[i] ^ salt);
	rows = augur_order_rows(hash, n, true);
	pfree(hash);

	for (uint32 i = 0, end; i < n; i = end)
	{
		uint32 c = 0;
		double size = 0;

		if ((i & 0xFF) == 0)
			CHECK_FOR_INTERRUPTS();
		for (end = i + 1; end < n && rows[end].hash == rows[i].hash; end++)
			;
		if (loader->n_classes > 0)
			c = group_stratum(loader, rows + i, end - i);
		for (uint32 k = i; k < end; k++)
			size += loader->n_classes == 0 || loader->label[rows[k].row] == c;
		if (taken[c] + size - quota[c] > quota[c] - taken[c])
			continue;
		for (uint32 k = i; k < end; k++)
		{
			taken[loader->n_classes > 0 ? loader->label[rows[k].row] : 0]++;
			mark_holdout(loader, rows[k].row);
		}
	}
	pfree(rows);
	loader->report.split = psprintf("%.4g %% by hash of %s%s", loader->options.holdout * 100,
									loader->spool_key >= 0 ? loader->key.name : "the row's content",
									loader->n_classes > 0 ? ", stratified by class" : "");
}

/* ---- holdout by time ---------------------------------------------------------- */

/* Keys whose unsigned order is that of the time column. */
static uint64 *
time_keys(AugurLoader *loader)
{
	uint64 *keys = augur_huge_array(loader->n_rows, sizeof(uint64));
	bool is_timestamp = loader->time.source.cls == AUGUR_CLASS_TIMESTAMP;
	const uint64 sign = UINT64CONST(1) << 63;

	augur_spool_gather(loader->spool, (uint32) loader->spool_time, keys);
	for (uint32 i = 0; i < loader->n_rows; i++)
	{
		if (is_timestamp || !(keys[i] & sign))
			keys[i] ^= sign;
		else
			keys[i] = ~keys[i];
	}
	return keys;
}

/* Text of a key of time_keys. */
static char *
time_text(AugurLoader *loader, uint64 key)
{
	const uint64 sign = UINT64CONST(1) << 63;
	char *buffer = palloc0(MAXDATELEN + 8);
	AugurClass cls = loader->time.source.cls;
	double number;

	if (cls == AUGUR_CLASS_TIMESTAMP)
	{
		JsonEncodeDateTime(buffer, Int64GetDatum((int64) (key ^ sign)), TIMESTAMPOID, NULL);
		if (loader->time.source.type == TIMESTAMPTZOID)
			strcat(buffer, " UTC");
		return buffer;
	}
	key = key & sign ? key ^ sign : ~key;
	memcpy(&number, &key, sizeof(number));
	if (cls == AUGUR_CLASS_DATE && isfinite(number))
		JsonEncodeDateTime(buffer, DateADTGetDatum((DateADT) number), DATEOID, NULL);
	else
		snprintf(buffer, MAXDATELEN, "%.15g", number);
	return buffer;
}

/* Holds out the latest share; ties stay together, on the side that is nearer. */
static void
split_by_time(AugurLoader *loader)
{
	uint32 n = loader->n_rows;
	uint64 *keys = time_keys(loader);
	AugurRowHash *rows = augur_order_rows(keys, n, false);
	uint32 wanted = (uint32) Max(1, floor(n * loader->options.holdout + 0.5));
	uint32 at = n - wanted;
	uint32 low = at, high = at;

	while (low > 0 && rows[low - 1].hash == rows[at].hash)
		low--;
	while (high < n && rows[high].hash == rows[at].hash)
		high++;
	at = high == n || (low >= 2 && at - low <= high - at) ? low : high;
	/* rather nothing than most of the rows, when so many have the latest time */
	if (at >= 2 && n - at <= Max(n / 2, 2 * wanted))
	{
		for (uint32 i = at; i < n; i++)
			mark_holdout(loader, rows[i].row);
		loader->report.split = psprintf("latest %.3g %% by %s, from %s", 100.0 * (n - at) / n,
										loader->time.name, time_text(loader, rows[at].hash));
	}
	pfree(rows);
	pfree(keys);
}

/* ---- both ------------------------------------------------------------------------ */

/* Number of classes among the training rows, up to 2. */
static int
training_classes(AugurLoader *loader)
{
	uint32 first = UINT32_MAX;

	for (uint32 i = 0; i < loader->n_rows; i++)
	{
		if (loader->position[i] & AUGUR_POSITION_HOLDOUT)
			continue;
		if (first == UINT32_MAX)
			first = loader->label[i];
		else if (loader->label[i] != first)
			return 2;
	}
	return first == UINT32_MAX ? 0 : 1;
}

static void
hold_out(AugurLoader *loader)
{
	if (loader->options.holdout == 0)
	{
		loader->report.split = "no holdout";
		return;
	}
	loader->report.split = "no holdout: too few rows";
	if (loader->n_rows < MIN_SPLIT_ROWS)
	{
		augur_report_warning(loader, "%u rows are too few to hold out some of them",
							 loader->n_rows);
		return;
	}
	if (loader->spool_time >= 0)
		split_by_time(loader);
	else
		split_by_hash(loader);

	if (loader->n_holdout == 0 || loader->n_holdout + 2 > loader->n_rows)
	{
		clear_holdout(loader);
		loader->report.split = "no holdout: the rows cannot be parted";
		augur_report_warning(loader,
							 "nothing is held out: too many rows have the same key or time");
	}
	else if (loader->n_classes > 0 && training_classes(loader) < 2)
	{
		clear_holdout(loader);
		loader->report.split = "no holdout: one class only would be left for training";
		augur_report_warning(loader, "nothing is held out: one class only would be left for "
									 "training");
	}
}

/* Gives each row its place, by content hash, in the matrix of its side. */
static void
place_rows(AugurLoader *loader)
{
	uint64 *hash = feature_hash(loader);
	AugurRowHash *rows = augur_order_rows(hash, loader->n_rows, true);
	uint32 n[2] = {0, 0};
	uint64 last[2] = {0, 0};

	pfree(hash);
	for (int side = 0; side < 2; side++)
	{
		uint32 of_side = side == 0 ? loader->n_training : loader->n_holdout;

		loader->tied[side] = palloc_extended(of_side / 8 + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	for (uint32 i = 0; i < loader->n_rows; i++)
	{
		uint32 *position = &loader->position[rows[i].row];
		int side = (*position & AUGUR_POSITION_HOLDOUT) != 0;

		if ((i & POLL_MASK) == 0)
			CHECK_FOR_INTERRUPTS();
		*position |= n[side];
		if (n[side] > 0 && last[side] == rows[i].hash)
			loader->tied[side][n[side] / 8] |= (uint8) (1 << (n[side] % 8));
		last[side] = rows[i].hash;
		n[side]++;
	}
	pfree(rows);
}

/*
 * Decides the holdout and the position of every row.  Needs labels and the columns
 * left out; allocates in CurrentMemoryContext.
 */
void
augur_split_rows(AugurLoader *loader)
{
	Size n = loader->n_rows;

	loader->position = augur_huge_array(n, sizeof(uint32));
	memset(loader->position, 0, n * sizeof(uint32));
	hold_out(loader);
	loader->n_training = loader->n_rows - loader->n_holdout;
	loader->report.rows_holdout = loader->n_holdout;
	place_rows(loader);
}
