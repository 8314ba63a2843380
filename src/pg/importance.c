/*-------------------------------------------------------------------------
 *
 * importance.c
 *		augur.importance: what the model's features are worth, as training found it
 *		or measured by permutation on the rows of a relation.
 *
 * Permutation importance (Breiman 2001, section 10): how much worse the model scores
 * when the values of one feature are shuffled among the rows.  Classes: the loss of
 * accuracy.  Regression: the growth of the mean squared error.
 *
 * The relation is read through SPI as the caller, so privileges and row security
 * apply.  At most max_rows rows are kept, a reservoir sample of all (Vitter 1985,
 * algorithm R) whose random numbers depend on the row's number only.
 * Memory: the sample's x, max_rows * features * 8 bytes, in the caller's context.
 * Interrupts: polled for every row read or scored.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "scoring.h"

AUGUR_FUNCTION(augur_importance_rows);

#define IMPORTANCE_COLUMNS 3
#define FETCH_ROWS		   1000
#define SAMPLE_SEED		   UINT64CONST(0x6175677572)
#define WANTED_SCORES	   20000 /* per feature: fewer rows are shuffled more often */
#define MAX_REPEATS		   5

/* The rows that importance is measured on. */
typedef struct Sample
{
	AugurLayout *layout;
	int64 n_seen; /* rows with a known target */
	int n_rows;
	int limit;		/* rows wanted at most */
	int room;		/* rows there is memory for */
	double *x;		/* [room][n_features] */
	double *target; /* [room] number, or index of the class */
} Sample;

typedef struct Worth
{
	uint32 feature;
	double importance; /* NaN when training did not measure it */
	double permutation;
} Worth;

/* ---- reading the relation ---------------------------------------------------- */

/*
 * Index of a class label among the model's (ascending), or -1.
 */
static int
class_index(const AugModelInfo *info, const char *label, int length)
{
	int lo = 0;
	int hi = (int) info->n_classes - 1;

	while (lo <= hi)
	{
		int mid = (lo + hi) / 2;
		const char *name = info->class_names[mid];
		int name_length = (int) strlen(name);
		int order = memcmp(label, name, Min(length, name_length));

		if (order == 0)
			order = length - name_length;
		if (order == 0)
			return mid;
		if (order < 0)
			hi = mid - 1;
		else
			lo = mid + 1;
	}
	return -1;
}

/*
 * The target of a row as a number; NaN when it is missing, or no class of the model.
 */
static double
target_number(const AugModelInfo *info, AugurSource *src, Datum value, bool null)
{
	const char *label;
	int length;
	int index;

	if (null)
		return NAN;
	if (info->task == AUG_REGRESSION)
	{
		double number = augur_source_number(src, value, AUGUR_PART_VALUE, 0);

		return isfinite(number) ? number : NAN;
	}
	label = augur_source_text(src, value, &length);
	index = class_index(info, label, length);
	return index < 0 ? NAN : index;
}

/*
 * Attribute of the target, with its source.  ERROR when the relation has none.
 */
static int
find_target(const AugModelInfo *info, TupleDesc desc, Oid relation, AugurSource *src)
{
	int attribute = SPI_fnumber(desc, info->target);
	AugurPart part = info->task == AUG_REGRESSION ? AUGUR_PART_VALUE : AUGUR_PART_TEXT;

	if (attribute <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("relation \"%s\" has no column \"%s\", which the model predicts",
							   get_rel_name(relation), info->target)));
	if (!augur_source_init(src, SPI_gettypeid(desc, attribute), CurrentMemoryContext) ||
		!augur_source_gives(src, part))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, but the model predicts %s", info->target,
						format_type_be(SPI_gettypeid(desc, attribute)), info->target_type)));
	return attribute;
}

/*
 * Doubles the room for rows, up to the limit.
 */
static void
sample_grow(Sample *sample)
{
	Size row = mul_size(sizeof(double), sample->layout->info->n_features + 1);

	sample->room = sample->room > sample->limit / 2 ? sample->limit : sample->room * 2;
	sample->x = repalloc_huge(sample->x, mul_size(row, sample->room));
	sample->target = repalloc_huge(sample->target, mul_size(sizeof(double), sample->room));
}

/*
 * Where the next row goes in the sample, or -1 to leave it out.
 */
static int
sample_place(Sample *sample)
{
	uint64 number = (uint64) sample->n_seen++;
	uint64 place;

	if (sample->n_rows < sample->limit)
	{
		if (sample->n_rows == sample->room)
			sample_grow(sample);
		return sample->n_rows++;
	}
	place = aug_hash(&number, sizeof(number), SAMPLE_SEED) % (number + 1);
	return place < (uint64) sample->limit ? (int) place : -1;
}

/*
 * Reads all rows of the cursor into the sample.
 */
static void
read_rows(Sample *sample, Portal cursor, Oid relation)
{
	const AugModelInfo *info = sample->layout->info;
	MemoryContext row =
		AllocSetContextCreate(CurrentMemoryContext, "augur importance row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	AugurRowMap *map = NULL;
	AugurSource src;
	int target = 0;

	for (;;)
	{
		SPI_cursor_fetch(cursor, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		if (map == NULL)
		{
			target = find_target(info, SPI_tuptable->tupdesc, relation, &src);
			map = augur_row_map(sample->layout, SPI_tuptable->tupdesc, RECORDOID, -1, caller);
		}
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple tuple = SPI_tuptable->vals[i];
			bool null;
			Datum value = SPI_getbinval(tuple, SPI_tuptable->tupdesc, target, &null);
			double number;
			int place;

			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row);
			MemoryContextSwitchTo(row);
			number = target_number(info, &src, value, null);
			place = isnan(number) ? -1 : sample_place(sample);
			if (place >= 0)
			{
				sample->target[place] = number;
				augur_row_read(map, tuple, sample->x + (Size) place * info->n_features);
			}
			MemoryContextSwitchTo(caller);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	MemoryContextDelete(row);
}

/*
 * Samples the relation.  ERROR when no row has a target that the model knows.
 */
static void
sample_relation(Sample *sample, Oid relation)
{
	const char *name = get_rel_name(relation);
	StringInfoData query;
	Portal cursor;

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	initStringInfo(&query);
	appendStringInfo(
		&query, "SELECT * FROM %s",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name));
	SPI_connect();
	cursor = SPI_cursor_open_with_args(NULL, query.data, 0, NULL, NULL, NULL, true, 0);
	read_rows(sample, cursor, relation);
	SPI_cursor_close(cursor);
	SPI_finish();
	if (sample->n_rows == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("relation \"%s\" has no row with a known value of \"%s\"", name,
							   sample->layout->info->target)));
}

/* ---- measuring ----------------------------------------------------------------- */

/*
 * Loss of one row: 1 for a wrong class, the squared error of a number.
 */
static double
row_loss(AugurLayout *layout, double target)
{
	double miss;

	if (layout->info->task == AUG_CLASSIFICATION)
		return augur_score_class(layout) == (uint32) target ? 0.0 : 1.0;
	aug_model_score(layout->model, layout->x, layout->scratch, layout->out);
	miss = layout->out[0] - target;
	return miss * miss;
}

/*
 * Mean loss over the sample; row i takes feature f from row order[i], unless order is
 * NULL.
 */
static double
sample_loss(const Sample *sample, uint32 f, const int *order)
{
	AugurLayout *layout = sample->layout;
	Size n = layout->info->n_features;
	double sum = 0;

	for (int i = 0; i < sample->n_rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(layout->x, sample->x + (Size) i * n, n * sizeof(double));
		if (order != NULL)
			layout->x[f] = sample->x[(Size) order[i] * n + f];
		sum += row_loss(layout, sample->target[i]);
	}
	return sum / sample->n_rows;
}

/*
 * A random order of the rows, a function of the feature and the repeat.
 */
static void
shuffle(int *order, int n, uint32 f, int repeat)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--)
	{
		uint64 number = (uint64) i;
		uint64 seed = SAMPLE_SEED + (uint64) f * MAX_REPEATS + (uint64) repeat;
		int k = (int) (aug_hash(&number, sizeof(number), seed) % (number + 1));
		int swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}

/*
 * Permutation importance of all features on the sample.
 */
static void
measure(const Sample *sample, Worth *worth)
{
	double base = sample_loss(sample, 0, NULL);
	int repeats = Max(1, Min(MAX_REPEATS, WANTED_SCORES / sample->n_rows));
	int *order = palloc(mul_size(sizeof(int), sample->n_rows));

	for (uint32 f = 0; f < sample->layout->info->n_features; f++)
	{
		double sum = 0;

		for (int repeat = 0; repeat < repeats; repeat++)
		{
			shuffle(order, sample->n_rows, f, repeat);
			sum += sample_loss(sample, f, order) - base;
		}
		worth[f].permutation = sum / repeats;
	}
	pfree(order);
}

/* ---- the function ------------------------------------------------------------------ */

/*
 * Most worth first: by what was measured on the relation, else in training.
 */
static int
worth_order(const void *a, const void *b, void *arg)
{
	const Worth *p = a;
	const Worth *q = b;
	bool measured = *(bool *) arg;
	double u = measured || isnan(p->importance) ? p->permutation : p->importance;
	double v = measured || isnan(q->importance) ? q->permutation : q->importance;

	if (u > v)
		return -1;
	if (u < v)
		return 1;
	return p->feature < q->feature ? -1 : 1;
}

/*
 * Reads the sample and measures on it.
 */
static void
measure_relation(AugurLayout *layout, Oid relation, int max_rows, Worth *worth)
{
	Sample sample = {0};

	if (max_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_rows must be at least 1")));
	sample.layout = layout;
	sample.limit = max_rows;
	sample.room = Min(max_rows, FETCH_ROWS);
	sample.x = palloc_extended(
		mul_size(mul_size(sizeof(double), sample.room), layout->info->n_features + 1),
		MCXT_ALLOC_HUGE);
	sample.target = palloc(mul_size(sizeof(double), sample.room));
	sample_relation(&sample, relation);
	measure(&sample, worth);
	pfree(sample.x);
	pfree(sample.target);
}

/*
 * augur.importance(model text, relation regclass, max_rows int)
 */
Datum
augur_importance_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool measured = !PG_ARGISNULL(1);
	AugurModelPin *pin;
	AugurLayout *layout;
	const AugModelInfo *info;
	Worth *worth;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	pin = augur_cache_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), CurrentMemoryContext);
	layout = augur_layout_make(augur_pin_model(pin), "the model", CurrentMemoryContext);
	info = layout->info;
	worth = palloc(mul_size(sizeof(Worth), info->n_features + 1));
	for (uint32 f = 0; f < info->n_features; f++)
	{
		worth[f].feature = f;
		worth[f].importance = info->importance ? info->importance[f] : NAN;
		worth[f].permutation = info->permutation ? info->permutation[f] : NAN;
	}
	if (measured)
		measure_relation(layout, PG_GETARG_OID(1), PG_GETARG_INT32(2), worth);
	qsort_arg(worth, info->n_features, sizeof(Worth), worth_order, &measured);

	for (uint32 i = 0; i < info->n_features; i++)
	{
		Datum values[IMPORTANCE_COLUMNS];
		bool nulls[IMPORTANCE_COLUMNS] = {false};

		values[0] = CStringGetTextDatum(info->features[worth[i].feature].name);
		values[1] = Float8GetDatum(worth[i].importance);
		nulls[1] = isnan(worth[i].importance);
		values[2] = Float8GetDatum(worth[i].permutation);
		nulls[2] = isnan(worth[i].permutation);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
