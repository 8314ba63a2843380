/*-------------------------------------------------------------------------
 *
 * metric_label.c
 *		Aggregates over pairs of labels, actual and predicted, of any types:
 *		confusion, f1, precision, recall, balanced_accuracy, mcc.
 *
 * The state is the confusion matrix: labels as text, numbered as they come, and a
 * count for each pair that occurs, in two small hash tables.  It has as many entries as
 * there are different pairs, whatever the number of rows.
 *
 * Labels are compared as the text that their types print; numbers of different
 * types as numbers, and a text beside a boolean by what it means.
 *
 * For a boolean target, f1, precision and recall are of class true; for others they
 * are the mean over the classes.  A third argument names the class.  Never does
 * the meaning depend on which labels a group happens to hold.
 *
 *	f1			2 tp / (2 tp + fp + fn)
 *	precision	0 for a class that is never predicted
 *	recall		of classes that occur
 *	mcc			Matthews 1975, Gorodkin 2004; 0 when one side has one class only
 *
 * Memory: the aggregate's context.  Interrupts: checked per pair when states are
 * walked through.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "metric.h"

AUGUR_FUNCTION(augur_metric_label_add);
AUGUR_FUNCTION(augur_metric_side_label);
AUGUR_FUNCTION(augur_metric_label_combine);
AUGUR_FUNCTION(augur_metric_label_serialize);
AUGUR_FUNCTION(augur_metric_label_deserialize);
AUGUR_FUNCTION(augur_metric_confusion);
AUGUR_FUNCTION(augur_metric_f1);
AUGUR_FUNCTION(augur_metric_precision);
AUGUR_FUNCTION(augur_metric_recall);
AUGUR_FUNCTION(augur_metric_balanced_accuracy);
AUGUR_FUNCTION(augur_metric_mcc);

/* Sorting and writing more pairs than this would not answer a cancel in time. */
#define MAX_CONFUSION_PAIRS 50000

/* ---- the state -------------------------------------------------------- */

typedef struct LabelEntry
{
	AugurLabel label; /* key */
	int32 index;
	char status;
} LabelEntry;

typedef struct PairEntry
{
	uint64 key; /* pair_key */
	int64 n;
	char status;
} PairEntry;

/* Both tables start with room for two: there may be many groups with one state each. */
#define SH_PREFIX			 labels
#define SH_ELEMENT_TYPE		 LabelEntry
#define SH_KEY_TYPE			 AugurLabel
#define SH_KEY				 label
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).bytes, (key).length)
#define SH_EQUAL(tb, a, b)	 augur_label_same(a, b)
#define SH_SCOPE			 static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX		pairs
#define SH_ELEMENT_TYPE PairEntry
#define SH_KEY_TYPE		uint64
#define SH_KEY			key
#define SH_HASH_KEY(tb, key) \
	hash_combine(hash_bytes_uint32((uint32) ((key) >> 32)), hash_bytes_uint32((uint32) (key)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE		   static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static inline uint64
pair_key(int32 actual, int32 predicted)
{
	return (uint64) actual << 32 | (uint32) predicted;
}

static inline int32
pair_actual(const PairEntry *pair)
{
	return pair->key >> 32;
}

static inline int32
pair_predicted(const PairEntry *pair)
{
	return pair->key & 0xffffffff;
}

typedef struct Confusion
{
	MemoryContext context;
	labels_hash *labels;
	pairs_hash *pairs;
	AugurLabel *label; /* [n_labels], by index */
	int32 n_labels;
	int32 room;
	int32 positive; /* index of the class asked for, or -1 */
	int64 n;
} Confusion;

static Confusion *
confusion_new(MemoryContext context)
{
	Confusion *c = MemoryContextAllocZero(context, sizeof(Confusion));

	c->context = context;
	c->labels = labels_create(context, 2, NULL);
	c->pairs = pairs_create(context, 2, NULL);
	c->positive = -1;
	c->room = 2;
	c->label = MemoryContextAlloc(context, mul_size(c->room, sizeof(AugurLabel)));
	return c;
}

/* Index of a label, which is copied when it is new. */
static int32
confusion_label(Confusion *c, AugurLabel label)
{
	LabelEntry *entry = labels_lookup(c->labels, label);
	bool found;
	char *copy;

	if (entry != NULL)
		return entry->index;
	/* the copy first: an entry must never point at memory that goes */
	copy = MemoryContextAlloc(c->context, label.length + 1);
	memcpy(copy, label.bytes, label.length);
	copy[label.length] = '\0';
	label.bytes = copy;
	if (c->n_labels == c->room)
	{
		c->label = repalloc_huge(c->label, mul_size(mul_size(c->room, 2), sizeof(AugurLabel)));
		c->room *= 2;
	}
	entry = labels_insert(c->labels, label, &found);
	entry->index = c->n_labels;
	c->label[c->n_labels] = label;
	return c->n_labels++;
}

static void
confusion_add(Confusion *c, int32 actual, int32 predicted, int64 n)
{
	bool found;
	PairEntry *entry = pairs_insert(c->pairs, pair_key(actual, predicted), &found);

	entry->n = (found ? entry->n : 0) + n;
	c->n += n;
}

/* The class of f1, precision and recall must be the same in all rows. */
static void
confusion_positive(Confusion *c, int32 positive)
{
	if (c->n > 0 && c->positive != positive)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the positive class must be the same in all rows of a group")));
	c->positive = positive;
}

/*
 * (state, actual, predicted [, positive]).
 */
Datum
augur_metric_label_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Confusion *c;
	AugurLabelTypes *types;
	int32 actual, predicted, positive = -1;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	c = PG_ARGISNULL(0) ? NULL : (Confusion *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
	{
		if (c == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(c);
	}
	if (c == NULL)
		c = confusion_new(context);
	types = augur_label_types(fcinfo, 1, 2);
	actual = confusion_label(c, augur_label_of(&types->side[0], PG_GETARG_DATUM(1)));
	predicted = confusion_label(c, augur_label_of(&types->side[1], PG_GETARG_DATUM(2)));
	if (PG_NARGS() > 3)
	{
		text *wanted = PG_GETARG_TEXT_PP(3);
		AugurLabel label = {VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted)};

		positive = confusion_label(c, label);
	}
	else if (types->side[0].type == BOOLOID)
	{
		AugurLabel label = {"true", 4};

		positive = confusion_label(c, label);
	}
	confusion_positive(c, positive);
	confusion_add(c, actual, predicted, 1);
	PG_RETURN_POINTER(c);
}

/*
 * (state, is_current, category): pairs of a side's name and a category.
 */
Datum
augur_metric_side_label(PG_FUNCTION_ARGS)
{
	static const AugurLabel side[] = {{"reference", 9}, {"current", 7}};
	MemoryContext context;
	Confusion *c;
	AugurLabelTypes *types;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	c = PG_ARGISNULL(0) ? NULL : (Confusion *) PG_GETARG_POINTER(0);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		if (c == NULL)
			c = confusion_new(context);
		types = augur_label_types(fcinfo, 2, 2);
		confusion_add(c, confusion_label(c, side[PG_GETARG_BOOL(1)]),
					  confusion_label(c, augur_label_of(&types->side[0], PG_GETARG_DATUM(2))), 1);
	}
	if (c == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(c);
}

static int
compare_labels(const void *a, const void *b)
{
	const AugurLabel *x = *(const AugurLabel *const *) a, *y = *(const AugurLabel *const *) b;
	int order = memcmp(x->bytes, y->bytes, Min(x->length, y->length));

	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

void
augur_label_cells(const void *state, AugurCells *cells)
{
	Confusion *c = (Confusion *) state;
	const AugurLabel **sorted =
		palloc_extended(mul_size(Max(c->n_labels, 1), sizeof(AugurLabel *)), MCXT_ALLOC_HUGE);
	int32 *place = palloc_extended(mul_size(Max(c->n_labels, 1), sizeof(int32)), MCXT_ALLOC_HUGE);
	pairs_iterator scan;
	PairEntry *pair;

	cells->n = c->n_labels;
	for (int32 i = 0; i < c->n_labels; i++)
		sorted[i] = &c->label[i];
	qsort(sorted, c->n_labels, sizeof(AugurLabel *), compare_labels);
	for (int32 i = 0; i < c->n_labels; i++)
		place[sorted[i] - c->label] = i;
	for (int k = 0; k < 2; k++)
		cells->count[k] = palloc_extended(mul_size(Max(cells->n, 1), sizeof(double)),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	pairs_start_iterate(c->pairs, &scan);
	while ((pair = pairs_iterate(c->pairs, &scan)) != NULL)
	{
		bool is_current = c->label[pair_actual(pair)].length == (int) strlen("current");

		CHECK_FOR_INTERRUPTS();
		cells->count[is_current][place[pair_predicted(pair)]] += (double) pair->n;
	}
	pfree(sorted);
	pfree(place);
}

/* Adds all pairs of the second to the first, whose numbering stays. */
static void
confusion_merge(Confusion *c, const Confusion *other)
{
	int32 *index = palloc(mul_size(sizeof(int32), Max(other->n_labels, 1)));
	pairs_iterator scan;
	PairEntry *pair;

	for (int32 i = 0; i < other->n_labels; i++)
		index[i] = confusion_label(c, other->label[i]);
	if (other->n > 0)
		confusion_positive(c, other->positive < 0 ? -1 : index[other->positive]);
	pairs_start_iterate(other->pairs, &scan);
	while ((pair = pairs_iterate(other->pairs, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		confusion_add(c, index[pair_actual(pair)], index[pair_predicted(pair)], pair->n);
	}
	pfree(index);
}

Datum
augur_metric_label_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Confusion *c;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	c = PG_ARGISNULL(0) ? NULL : (Confusion *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1))
	{
		if (c == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(c);
	}
	if (c == NULL)
		c = confusion_new(context);
	confusion_merge(c, (Confusion *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(c);
}

Datum
augur_metric_label_serialize(PG_FUNCTION_ARGS)
{
	Confusion *c;
	pairs_iterator scan;
	PairEntry *pair;
	StringInfoData buf;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	c = (Confusion *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buf);
	pq_sendint32(&buf, c->n_labels);
	for (int32 i = 0; i < c->n_labels; i++)
	{
		pq_sendint32(&buf, c->label[i].length);
		pq_sendbytes(&buf, c->label[i].bytes, c->label[i].length);
	}
	pq_sendint32(&buf, c->positive);
	pq_sendint64(&buf, c->pairs->members);
	pairs_start_iterate(c->pairs, &scan);
	while ((pair = pairs_iterate(c->pairs, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&buf, pair_actual(pair));
		pq_sendint32(&buf, pair_predicted(pair));
		pq_sendint64(&buf, pair->n);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Reads what serialize wrote: a server's own worker is the only writer. */
Datum
augur_metric_label_deserialize(PG_FUNCTION_ARGS)
{
	bytea *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	Confusion *c;
	int32 n_labels;
	int32 positive;
	int64 n_pairs;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	buf.data = VARDATA_ANY(bytes);
	buf.len = buf.maxlen = VARSIZE_ANY_EXHDR(bytes);
	buf.cursor = 0;
	c = confusion_new(CurrentMemoryContext);
	n_labels = pq_getmsgint(&buf, 4);
	for (int32 i = 0; i < n_labels; i++)
	{
		AugurLabel label;

		label.length = pq_getmsgint(&buf, 4);
		label.bytes = pq_getmsgbytes(&buf, label.length);
		if (confusion_label(c, label) != i)
			elog(ERROR, "duplicate label in a serialized state");
	}
	positive = pq_getmsgint(&buf, 4);
	n_pairs = pq_getmsgint64(&buf);
	for (int64 i = 0; i < n_pairs; i++)
	{
		int32 actual = pq_getmsgint(&buf, 4);
		int32 predicted = pq_getmsgint(&buf, 4);

		if (actual < 0 || actual >= n_labels || predicted < 0 || predicted >= n_labels)
			elog(ERROR, "label out of range in a serialized state");
		confusion_add(c, actual, predicted, pq_getmsgint64(&buf));
	}
	if (positive < -1 || positive >= n_labels)
		elog(ERROR, "label out of range in a serialized state");
	c->positive = positive;
	pq_getmsgend(&buf);
	PG_RETURN_POINTER(c);
}

/* ---- results ---------------------------------------------------------- */

/* Counts of one class. */
typedef struct ClassCount
{
	double actual;
	double predicted;
	double right;
} ClassCount;

static ClassCount *
class_counts(const Confusion *c)
{
	ClassCount *count = palloc0(mul_size(sizeof(ClassCount), Max(c->n_labels, 1)));
	pairs_iterator scan;
	PairEntry *pair;

	pairs_start_iterate(c->pairs, &scan);
	while ((pair = pairs_iterate(c->pairs, &scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		count[pair_actual(pair)].actual += pair->n;
		count[pair_predicted(pair)].predicted += pair->n;
		if (pair_actual(pair) == pair_predicted(pair))
			count[pair_actual(pair)].right += pair->n;
	}
	return count;
}

static double
class_f1(const ClassCount *k)
{
	return aug_metric_f1(k->right, k->predicted - k->right, k->actual - k->right);
}

static double
class_precision(const ClassCount *k)
{
	if (k->predicted > 0)
		return k->right / k->predicted;
	return k->actual > 0 ? 0 : NAN;
}

static double
class_recall(const ClassCount *k)
{
	return k->actual > 0 ? k->right / k->actual : NAN;
}

/*
 * A statistic of the class asked for (unless all are wanted), or its mean over the
 * classes that have one; NULL when undefined.
 */
static Datum
class_result(FunctionCallInfo fcinfo, double (*of)(const ClassCount *), bool all)
{
	const Confusion *c;
	ClassCount *count;
	double sum = 0, value;
	int n = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	c = (const Confusion *) PG_GETARG_POINTER(0);
	count = class_counts(c);
	for (int32 i = 0; i < c->n_labels; i++)
	{
		if (!all && c->positive >= 0 && i != c->positive)
			continue;
		value = of(&count[i]);
		if (!isnan(value))
		{
			sum += value;
			n++;
		}
	}
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum / n);
}

Datum
augur_metric_f1(PG_FUNCTION_ARGS)
{
	return class_result(fcinfo, class_f1, false);
}

Datum
augur_metric_precision(PG_FUNCTION_ARGS)
{
	return class_result(fcinfo, class_precision, false);
}

Datum
augur_metric_recall(PG_FUNCTION_ARGS)
{
	return class_result(fcinfo, class_recall, false);
}

Datum
augur_metric_balanced_accuracy(PG_FUNCTION_ARGS)
{
	return class_result(fcinfo, class_recall, true);
}

Datum
augur_metric_mcc(PG_FUNCTION_ARGS)
{
	const Confusion *c;
	ClassCount *count;
	double right = 0, cross = 0, predicted = 0, actual = 0, n;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	c = (const Confusion *) PG_GETARG_POINTER(0);
	count = class_counts(c);
	n = (double) c->n;
	for (int32 i = 0; i < c->n_labels; i++)
	{
		right += count[i].right;
		cross += count[i].predicted * count[i].actual;
		predicted += count[i].predicted * count[i].predicted;
		actual += count[i].actual * count[i].actual;
	}
	if (predicted >= n * n || actual >= n * n)
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8((right * n - cross) / (sqrt(n * n - predicted) * sqrt(n * n - actual)));
}

/* By text of the actual label, then of the predicted one. */
static int
pair_order(const void *a, const void *b, void *arg)
{
	const Confusion *c = arg;
	const PairEntry *x = *(PairEntry *const *) a, *y = *(PairEntry *const *) b;
	int order = strcmp(c->label[pair_actual(x)].bytes, c->label[pair_actual(y)].bytes);

	if (order == 0)
		order = strcmp(c->label[pair_predicted(x)].bytes, c->label[pair_predicted(y)].bytes);
	return order;
}

/*
 * jsonb array of the pairs that occur.
 */
Datum
augur_metric_confusion(PG_FUNCTION_ARGS)
{
	Confusion *c;
	PairEntry **pairs;
	pairs_iterator scan;
	StringInfoData json;
	long n = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	c = (Confusion *) PG_GETARG_POINTER(0);
	if (c->pairs->members > MAX_CONFUSION_PAIRS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("confusion matrix has more than %d pairs of labels", MAX_CONFUSION_PAIRS),
				 errhint("Are both arguments labels, and not numbers or keys?")));
	pairs = palloc(mul_size(sizeof(PairEntry *), c->pairs->members + 1));
	pairs_start_iterate(c->pairs, &scan);
	while ((pairs[n] = pairs_iterate(c->pairs, &scan)) != NULL)
		n++;
	qsort_arg(pairs, n, sizeof(PairEntry *), pair_order, c);
	augur_result_begin(&json);
	for (long i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		augur_result_item(&json);
		augur_result_text(&json, "actual", c->label[pair_actual(pairs[i])].bytes);
		augur_result_text(&json, "predicted", c->label[pair_predicted(pairs[i])].bytes);
		augur_result_number(&json, "n", (double) pairs[i]->n);
	}
	return augur_result_end(&json);
}
