/*-------------------------------------------------------------------------
 *
 * target.c
 *		What the rows that were read decide about the target: the task, the classes,
 *		and the class of each row.
 *
 * Text, enum and boolean targets are classes; floating-point and numeric ones are
 * regression; integers are classes when they have two distinct values.  Classes are
 * in byte order of their labels, which are the text of the values (true and false
 * for booleans).
 *
 * Memory: 4 bytes a row for the classes.  Interrupts: polled once a chunk.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "miscadmin.h"

/* Task from the target's type and, for integers, its values. */
static void
infer_task(AugurLoader *loader)
{
	AugurClass cls = loader->target.source.cls;
	AugurDistinct *distinct = loader->target_cell.distinct;
	AugurLoadReport *report = &loader->report;

	report->task_inferred = true;
	report->task = AUG_REGRESSION;
	if (loader->target.levels != NULL || cls == AUGUR_CLASS_BOOL)
	{
		report->task = AUG_CLASSIFICATION;
		report->task_reason = psprintf("target of type %s", loader->target.type_name);
	}
	else if (!augur_class_is_integer(cls) || distinct == NULL)
		report->task_reason = psprintf("target of type %s", loader->target.type_name);
	else if (distinct->n <= 2)
	{
		report->task = AUG_CLASSIFICATION;
		report->task_reason = "integer target with two distinct values";
	}
	else
	{
		report->task_reason = psprintf("integer target with %u distinct values", distinct->n);
		if (distinct->n <= 20)
			augur_report_warning(loader,
								 "target \"%s\" has %u distinct integers: if they are "
								 "classes, set task to classification",
								 loader->target.name, distinct->n);
	}
}

/* Text of a number as a class label: the shortest that reads back the same. */
static const char *
number_label(AugurClass cls, double v)
{
	char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (cls == AUGUR_CLASS_BOOL)
		return v != 0 ? "true" : "false";
	if (cls == AUGUR_CLASS_FLOAT4)
		float_to_shortest_decimal_buf((float) v, buffer);
	else if (fabs(v) < AUGUR_MAX_EXACT_INTEGER && v == rint(v))
		snprintf(buffer, sizeof(buffer), "%.0f", v + 0.0);
	else
		double_to_shortest_decimal_buf(v, buffer);
	return pstrdup(buffer);
}

/*
 * Codes of numbers as classes: a dictionary of their labels.  Reads the target
 * column; label [n_rows] gets codes.
 */
static AugurDictionary *
number_classes(AugurLoader *loader)
{
	AugurDictionary *numbers = augur_dictionary_new(loader->context);
	AugurDictionary *labels = augur_dictionary_new(loader->context);
	AugurSpool *spool = loader->spool;

	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, SPOOL_TARGET, 1);
		augur_cells_decode(augur_chunk_width(chunk, SPOOL_TARGET), spool->column[SPOOL_TARGET],
						   chunk->n_rows, loader->decoded);
		for (uint32 i = 0; i < chunk->n_rows; i++)
		{
			uint64 bits = augur_bits(loader->decoded[i]);
			uint32 code = augur_dictionary_code(numbers, (const char *) &bits, sizeof(bits));

			loader->label[chunk->first_row + i] = code;
			if (code == labels->n)
			{
				const char *label = number_label(loader->target.source.cls, loader->decoded[i]);

				augur_dictionary_code(labels, label, (int) strlen(label));
			}
			if (labels->n > AUG_MAX_CLASSES)
				return labels;
		}
	}
	augur_dictionary_free(numbers);
	return labels;
}

/* Codes of the target's levels into label [n_rows]. */
static AugurDictionary *
level_classes(AugurLoader *loader)
{
	AugurSpool *spool = loader->spool;

	for (uint32 k = 0; k < spool->n_chunks; k++)
	{
		const AugurChunk *chunk = &spool->chunks[k];

		CHECK_FOR_INTERRUPTS();
		augur_spool_read(spool, k, SPOOL_TARGET, 1);
		memcpy(loader->label + chunk->first_row, spool->column[SPOOL_TARGET],
			   chunk->n_rows * sizeof(uint32));
	}
	return loader->target.levels;
}

/* Classes in byte order of their labels, and the class of each row. */
static void
make_classes(AugurLoader *loader)
{
	AugurDictionary *classes;
	uint32 *order;
	uint32 *rank;

	loader->label = augur_huge_array(loader->n_rows, sizeof(uint32));
	classes = loader->target.levels != NULL ? level_classes(loader) : number_classes(loader);
	if (loader->target.too_many || classes->n > AUG_MAX_CLASSES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("target column \"%s\" has more than %d classes", loader->target.name,
							   AUG_MAX_CLASSES)));
	order = augur_dictionary_order(classes);
	rank = palloc_array(uint32, classes->n);
	loader->n_classes = classes->n;
	loader->class_names = palloc_array(char *, classes->n);
	loader->class_rows = palloc0_array(int64, classes->n);
	for (uint32 i = 0; i < classes->n; i++)
	{
		const AugurLevel *level = &classes->levels[order[i]];

		rank[order[i]] = i;
		loader->class_names[i] = pnstrdup(classes->text + level->at, level->length);
	}
	for (uint32 row = 0; row < loader->n_rows; row++)
	{
		loader->label[row] = rank[loader->label[row]];
		loader->class_rows[loader->label[row]]++;
	}
	if (loader->n_classes < 2)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("target column \"%s\" has one class only: \"%s\"",
							   loader->target.name, loader->class_names[0]),
						errdetail("All %u rows with a target have it.", loader->n_rows)));
	pfree(order);
	pfree(rank);
}

/*
 * Decides task and classes.  Raises when the target cannot be learnt.
 */
void
augur_decide_target(AugurLoader *loader)
{
	loader->report.task = loader->options.task;
	loader->report.task_reason = "as asked for";
	if (loader->options.infer_task)
		infer_task(loader);
	if (loader->report.task == AUG_CLASSIFICATION)
	{
		make_classes(loader);
		return;
	}
	if (loader->target.levels != NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("target column \"%s\" has type %s, which regression cannot predict",
							   loader->target.name, loader->target.type_name),
						errhint("Set task to classification, or cast the column to a number.")));
	if (loader->target_infinite > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("target column \"%s\" is infinite in %lld of %u rows", loader->target.name,
						(long long) loader->target_infinite, loader->n_rows),
				 errhint("Leave those rows out.")));
	if (loader->target_cell.low == loader->target_cell.high)
		augur_report_warning(loader, "target \"%s\" has the same value in all rows",
							 loader->target.name);
}
