/*-------------------------------------------------------------------------
 *
 * evaluate.c
 *		augur.evaluate: all metrics of a model on the rows of a relation.
 *
 * The relation is read through SPI as the caller, only the columns that are needed,
 * so column privileges and row security apply and parallel plans are allowed.
 * Rows are scored as they come into an array of probabilities (or values), which
 * then goes to the same function of the core that measured the holdout in training.
 *
 * A row whose target is NULL (or no finite number, for a regression) tells nothing
 * and is left out, as in training; a row of a class that the model does not know
 * is left out too, with a warning.
 *
 * Memory: 8 bytes a row and output, 4 a row; with the core's copies it stays within
 * augur.training_memory.  Interrupts: checked for every row, and by the core.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "scoring.h"

AUGUR_FUNCTION(augur_evaluate_rows);

#define EVALUATE_COLUMNS 6

/* A class label that is a number, to find classes of numeric columns. */
typedef struct NumberClass
{
	double number;
	uint32 index;
} NumberClass;

typedef struct Evaluation
{
	DestReceiver pub; /* must be first */
	AugurLayout *layout;
	const char *relation; /* for messages */
	const char *target;
	MemoryContext context; /* of the whole call */
	MemoryContext row;	   /* reset for each row */
	AugurRowMap *map;
	AugurSource source; /* of the target */
	int attribute;
	NumberClass *number_class; /* [n_number_classes], ascending; or NULL */
	uint32 n_number_classes;

	Size n;
	Size room;
	double *output;		/* [room][n_outputs] */
	uint32 *label;		/* [room], classification */
	double *actual;		/* [room], regression */
	uint64 *class_rows; /* [n_classes] */
	uint64 n_without;	/* rows without a target */
	uint64 n_unknown;	/* rows of an unknown class */
} Evaluation;

/* ---- the target ------------------------------------------------------- */

static int
number_class_order(const void *a, const void *b)
{
	double x = ((const NumberClass *) a)->number, y = ((const NumberClass *) b)->number;

	return (x > y) - (x < y);
}

/*
 * Labels of numeric columns are compared as numbers: 1, 1.0 and 1.00 are one class.
 */
static void
find_number_classes(Evaluation *e, const AugModelInfo *info)
{
	e->number_class = palloc(mul_size(sizeof(NumberClass), info->n_classes));
	for (uint32 i = 0; i < info->n_classes; i++)
	{
		char *end;
		double number = strtod(info->class_names[i], &end);

		if (end == info->class_names[i] || *end != '\0' || isnan(number))
			continue;
		e->number_class[e->n_number_classes].number = number;
		e->number_class[e->n_number_classes++].index = i;
	}
	qsort(e->number_class, e->n_number_classes, sizeof(NumberClass), number_class_order);
}

/* Index of the class of a number, or -1. */
static int64
number_class(const Evaluation *e, double number)
{
	NumberClass key = {number, 0};
	const NumberClass *found = bsearch(&key, e->number_class, e->n_number_classes,
									   sizeof(NumberClass), number_class_order);

	return found == NULL ? -1 : (int64) found->index;
}

/* Index of a label among the model's, which ascend by bytes; or -1. */
static int64
text_class(const AugModelInfo *info, const char *label, int length)
{
	int64 lo = 0, hi = (int64) info->n_classes - 1;

	while (lo <= hi)
	{
		int64 mid = (lo + hi) / 2;
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

static bool
is_number(AugurClass cls)
{
	return cls == AUGUR_CLASS_INT2 || cls == AUGUR_CLASS_INT4 || cls == AUGUR_CLASS_INT8 ||
		   cls == AUGUR_CLASS_FLOAT4 || cls == AUGUR_CLASS_FLOAT8 || cls == AUGUR_CLASS_NUMERIC;
}

/*
 * How the target's column is read; ERROR when its type cannot be what the model
 * predicts.
 */
static void
open_target(Evaluation *e, TupleDesc desc)
{
	const AugModelInfo *info = e->layout->info;
	Oid type = TupleDescAttr(desc, e->attribute - 1)->atttypid;
	AugurPart part = info->task == AUG_REGRESSION ? AUGUR_PART_VALUE : AUGUR_PART_TEXT;

	if (!augur_source_init(&e->source, type, e->context) || e->source.is_array ||
		!augur_source_gives(&e->source, part))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" is of type %s, but the model predicts %s", e->target,
							   format_type_be(type), info->target_type)));
	if (info->task == AUG_CLASSIFICATION)
	{
		e->class_rows = palloc0(mul_size(sizeof(uint64), info->n_classes));
		if (is_number(e->source.cls))
			find_number_classes(e, info);
	}
}

/* ---- receiving rows --------------------------------------------------- */

/* Bytes that n rows take here, and as the core's copies for sorting. */
static Size
bytes_for(const Evaluation *e, Size n)
{
	Size row = mul_size(e->layout->info->n_outputs, sizeof(double));

	return mul_size(n, add_size(row, 2 * sizeof(double) + sizeof(uint32)));
}

/* Doubles the room, or takes what the budget still allows. */
static void
grow(Evaluation *e)
{
	Size budget = augur_training_memory_bytes(), room = e->room == 0 ? 1024 : mul_size(e->room, 2);

	if (bytes_for(e, room) > budget)
		room = budget / bytes_for(e, 1);
	room = Min(room, (Size) PG_UINT32_MAX);
	if (room <= e->n)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("evaluating more than %zu rows takes more memory than %zu MB", e->n,
						budget / (1024 * 1024)),
				 errhint("Raise augur.training_memory, or evaluate a view of some of the rows.")));
	if (e->room == 0)
	{
		e->output = MemoryContextAllocHuge(
			e->context, mul_size(room, mul_size(sizeof(double), e->layout->info->n_outputs)));
		e->label = MemoryContextAllocHuge(e->context, mul_size(room, sizeof(uint32)));
		e->actual = MemoryContextAllocHuge(e->context, mul_size(room, sizeof(double)));
	}
	else
	{
		e->output = repalloc_huge(
			e->output, mul_size(room, mul_size(sizeof(double), e->layout->info->n_outputs)));
		e->label = repalloc_huge(e->label, mul_size(room, sizeof(uint32)));
		e->actual = repalloc_huge(e->actual, mul_size(room, sizeof(double)));
	}
	e->room = room;
}

/*
 * Reads the target into place n.  Returns false when the row tells nothing.
 */
static bool
read_target(Evaluation *e, Datum value, bool isnull)
{
	const AugModelInfo *info = e->layout->info;
	int64 index;

	if (isnull)
	{
		e->n_without++;
		return false;
	}
	if (info->task == AUG_REGRESSION)
	{
		e->actual[e->n] = augur_source_number(&e->source, value, AUGUR_PART_VALUE, 0);
		if (!isfinite(e->actual[e->n]))
		{
			e->n_without++;
			return false;
		}
		return true;
	}
	if (e->number_class != NULL)
		index = number_class(e, augur_source_number(&e->source, value, AUGUR_PART_VALUE, 0));
	else
	{
		int length;
		const char *text = augur_source_text(&e->source, value, &length);

		index = text_class(info, text, length);
	}
	if (index < 0)
	{
		e->n_unknown++;
		return false;
	}
	e->label[e->n] = (uint32) index;
	e->class_rows[index]++;
	return true;
}

static void
evaluation_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	Evaluation *e = (Evaluation *) self;
	MemoryContext previous = MemoryContextSwitchTo(e->context);

	/* the target comes last; the same column may be a feature of another model */
	e->attribute = desc->natts;
	open_target(e, desc);
	e->map = augur_row_map(e->layout, desc, RECORDOID, -1, e->context);
	MemoryContextSwitchTo(previous);
}

static bool
evaluation_row(TupleTableSlot *slot, DestReceiver *self)
{
	Evaluation *e = (Evaluation *) self;
	const AugurLayout *layout = e->layout;
	MemoryContext previous;
	bool isnull, should_free;
	Datum value;

	CHECK_FOR_INTERRUPTS();
	if (e->n == e->room)
		grow(e);
	MemoryContextReset(e->row);
	previous = MemoryContextSwitchTo(e->row);
	value = slot_getattr(slot, e->attribute, &isnull);
	if (read_target(e, value, isnull))
	{
		HeapTuple tuple = ExecFetchSlotHeapTuple(slot, false, &should_free);

		augur_row_read(e->map, tuple, layout->x);
		aug_model_score(layout->model, layout->x, layout->scratch,
						e->output + e->n * layout->info->n_outputs);
		e->n++;
	}
	MemoryContextSwitchTo(previous);
	return true;
}

static void
evaluation_nothing(DestReceiver *self)
{
}

/* ---- reading the relation --------------------------------------------- */

/*
 * SELECT of the model's columns that the relation has (what is missing, the row map
 * tells), and of the target.
 */
static char *
evaluation_query(const Evaluation *e, Oid relation)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < e->layout->n_columns; i++)
	{
		const char *name = e->layout->columns[i].name;

		if (get_attnum(relation, name) > 0)
			appendStringInfo(&sql, "%s, ", quote_identifier(name));
	}
	appendStringInfo(&sql, "%s AS \"?target?\" FROM %s", quote_identifier(e->target), e->relation);
	return sql.data;
}

/*
 * Scores all rows.  ERROR when the relation has no column of that name, or no row
 * with a usable target.
 */
static void
evaluate_relation(Evaluation *e, Oid relation)
{
	SPIExecuteOptions options;
	char *sql;

	if (get_rel_name(relation) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relation)));
	e->relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
											 get_rel_name(relation));
	if (get_attnum(relation, e->target) <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("relation %s has no column \"%s\"", e->relation, e->target),
						errdetail("The model predicts \"%s\".", e->layout->info->target),
						errhint("Name the column that holds the actual values: "
								"augur.evaluate(model, relation, target).")));
	sql = evaluation_query(e, relation);

	e->pub.rStartup = evaluation_startup;
	e->pub.receiveSlot = evaluation_row;
	e->pub.rShutdown = evaluation_nothing;
	e->pub.rDestroy = evaluation_nothing;
	e->pub.mydest = DestNone;
	memset(&options, 0, sizeof(options));
	options.read_only = true;
	options.dest = &e->pub;
	SPI_connect();
	SPI_execute_extended(sql, &options);
	SPI_finish();

	if (e->n_unknown > 0)
		ereport(
			WARNING,
			(errmsg("%llu rows of %s were left out: their value of \"%s\" is no class of the model",
					(unsigned long long) e->n_unknown, e->relation, e->target)));
	if (e->n == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("relation %s has no row with a known value of \"%s\"", e->relation,
							   e->target)));
	if (e->n_without > 0)
		ereport(NOTICE, (errmsg("%llu rows of %s were left out: they have no value of \"%s\"",
								(unsigned long long) e->n_without, e->relation, e->target)));
}

/* ---- results ---------------------------------------------------------- */

static void
put_number(Datum *value, bool *isnull, double number)
{
	*isnull = isnan(number);
	*value = Float8GetDatum(number);
}

static void
put_metric(const Evaluation *e, const AugMetric *metric, ReturnSetInfo *result)
{
	const AugModelInfo *info = e->layout->info;
	Datum values[EVALUATE_COLUMNS];
	bool nulls[EVALUATE_COLUMNS] = {false};
	bool one_class = metric->class_index >= 0;

	values[0] = CStringGetTextDatum(metric->name);
	nulls[1] = !one_class;
	values[1] = one_class ? CStringGetTextDatum(info->class_names[metric->class_index]) : (Datum) 0;
	put_number(&values[2], &nulls[2], metric->value);
	put_number(&values[3], &nulls[3], metric->lower);
	put_number(&values[4], &nulls[4], metric->upper);
	values[5] = Int64GetDatum((int64) (one_class ? e->class_rows[metric->class_index] : e->n));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
measure(const Evaluation *e, ReturnSetInfo *result)
{
	const AugModelInfo *info = e->layout->info;
	AugurHost host;
	AugError err;
	AugMetric *metrics =
		palloc(mul_size(sizeof(AugMetric), AUG_MAX_METRICS + 3 * (Size) info->n_classes));
	uint32 n_metrics;

	augur_host_init(&host, e->context);
	if (info->task == AUG_REGRESSION)
		augur_check(aug_metrics_regress(&host.host, e->output, e->actual, NULL, (uint32) e->n,
										metrics, &n_metrics, &err),
					&err);
	else
		augur_check(aug_metrics_classify(&host.host, e->output, e->label, NULL, (uint32) e->n,
										 info->n_classes, metrics, &n_metrics, &err),
					&err);
	for (uint32 i = 0; i < n_metrics; i++)
		put_metric(e, &metrics[i], result);
}

/*
 * augur.evaluate(model text, relation regclass, target name)
 */
Datum
augur_evaluate_rows(PG_FUNCTION_ARGS)
{
	Evaluation *e;
	AugurModelPin *pin;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	e = palloc0(sizeof(Evaluation));
	e->context =
		AllocSetContextCreate(CurrentMemoryContext, "augur evaluate", ALLOCSET_DEFAULT_SIZES);
	e->row = AllocSetContextCreate(e->context, "augur evaluate row", ALLOCSET_DEFAULT_SIZES);
	pin = augur_cache_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), CurrentMemoryContext);
	e->layout = augur_layout_make(augur_pin_model(pin), "the model", CurrentMemoryContext);
	e->target = PG_ARGISNULL(2) ? e->layout->info->target : pstrdup(NameStr(*PG_GETARG_NAME(2)));
	evaluate_relation(e, PG_GETARG_OID(1));
	measure(e, (ReturnSetInfo *) fcinfo->resultinfo);
	MemoryContextDelete(e->context);
	return (Datum) 0;
}
