/*-------------------------------------------------------------------------
 *
 * predict.c
 *		The SQL functions that score one row: predict, classify, probabilities,
 *		predict_full, predict_array, and their forms for a pinned version and for a
 *		model value.
 *
 * Each takes its layout from the call site (scoring.c), turns the row into x (row.c)
 * and asks the core.  Nothing here writes, and nothing here loops over rows: a call
 * takes microseconds, so interrupts are the executor's business.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "json.h"
#include "scoring.h"

AUGUR_FUNCTION(augur_predict_row);
AUGUR_FUNCTION(augur_predict_value);
AUGUR_FUNCTION(augur_predict_pinned);
AUGUR_FUNCTION(augur_predict_array);
AUGUR_FUNCTION(augur_predict_classify);
AUGUR_FUNCTION(augur_predict_classify_value);
AUGUR_FUNCTION(augur_predict_probabilities);
AUGUR_FUNCTION(augur_predict_probabilities_value);
AUGUR_FUNCTION(augur_predict_full);
AUGUR_FUNCTION(augur_predict_full_value);

#define PREDICTION_COLUMNS 8

/* ---- predict ------------------------------------------------------------- */

/*
 * augur.predict(model text, features record)
 */
Datum
augur_predict_row(PG_FUNCTION_ARGS)
{
	AugurLayout *layout = augur_site_reference(fcinfo);

	augur_site_row(fcinfo, 1);
	PG_RETURN_FLOAT8(augur_score_number(layout));
}

/*
 * augur.predict(model augur.model, features record)
 */
Datum
augur_predict_value(PG_FUNCTION_ARGS)
{
	AugurLayout *layout = augur_site_value(fcinfo);

	augur_site_row(fcinfo, 1);
	PG_RETURN_FLOAT8(augur_score_number(layout));
}

/*
 * augur.predict_pinned(version_id bigint, features record)
 */
Datum
augur_predict_pinned(PG_FUNCTION_ARGS)
{
	AugurLayout *layout = augur_site_version(fcinfo);

	augur_site_row(fcinfo, 1);
	PG_RETURN_FLOAT8(augur_score_number(layout));
}

/*
 * Raises for an array of the wrong length: lists the features in order.
 */
static void
fail_array_length(const AugurLayout *layout, int length)
{
	StringInfoData list;

	initStringInfo(&list);
	for (uint32 i = 0; i < layout->info->n_features && i < 100; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", layout->info->features[i].name);
	ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					errmsg_plural("array has %d element, but %s needs %u",
								  "array has %d elements, but %s needs %u", length, length,
								  layout->label, layout->info->n_features),
					errdetail("Its features are, in order: %s%s.", list.data,
							  layout->info->n_features > 100 ? ", ..." : "")));
}

/*
 * augur.predict_array(model text, features float8[]): one element per feature, in
 * the model's order; NULL and NaN are missing.
 */
Datum
augur_predict_array(PG_FUNCTION_ARGS)
{
	AugurLayout *layout = augur_site_reference(fcinfo);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *present = ARR_NULLBITMAP(array);
	const double *at = (const double *) ARR_DATA_PTR(array);

	if (n != layout->info->n_features)
		fail_array_length(layout, n);
	for (int i = 0; i < n; i++)
	{
		bool null = present != NULL && !(present[i >> 3] & (1 << (i & 7)));

		layout->x[i] = null ? NAN : *at++;
		if (layout->info->features[i].kind == AUG_CATEGORICAL_FEATURE && !isnan(layout->x[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a number cannot stand for the text of column \"%s\"",
							layout->info->features[i].column),
					 errhint("Give NULL for it, or use augur.predict or augur.predict_json.")));
	}
	PG_FREE_IF_COPY(array, 1);
	PG_RETURN_FLOAT8(augur_score_number(layout));
}

/* ---- classify and probabilities ------------------------------------------ */

static Datum
classify(FunctionCallInfo fcinfo, AugurLayout *layout)
{
	augur_site_row(fcinfo, 1);
	return CStringGetTextDatum(layout->info->class_names[augur_score_class(layout)]);
}

/*
 * augur.classify(model text, features record)
 */
Datum
augur_predict_classify(PG_FUNCTION_ARGS)
{
	return classify(fcinfo, augur_site_reference(fcinfo));
}

/*
 * augur.classify(model augur.model, features record)
 */
Datum
augur_predict_classify_value(PG_FUNCTION_ARGS)
{
	return classify(fcinfo, augur_site_value(fcinfo));
}

static Datum
probabilities(FunctionCallInfo fcinfo, AugurLayout *layout)
{
	StringInfoData json;

	augur_site_row(fcinfo, 1);
	augur_score_class(layout);
	initStringInfo(&json);
	augur_json_probabilities(&json, layout);
	return augur_json_datum(&json);
}

/*
 * augur.probabilities(model text, features record)
 */
Datum
augur_predict_probabilities(PG_FUNCTION_ARGS)
{
	return probabilities(fcinfo, augur_site_reference(fcinfo));
}

/*
 * augur.probabilities(model augur.model, features record)
 */
Datum
augur_predict_probabilities_value(PG_FUNCTION_ARGS)
{
	return probabilities(fcinfo, augur_site_value(fcinfo));
}

/* ---- predict_full ---------------------------------------------------------- */

/*
 * Raises unless level is a share that an interval can cover.
 */
void
augur_check_level(double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("level must be greater than 0 and less than 1"),
						errhint("0.9 gives the interval that covers 90 %% of new values.")));
}

/*
 * Scores x into an answer.  For regression value and, if the model can, the interval;
 * for classes the label with its probability, and value when there are two.
 */
void
augur_score_answer(AugurLayout *layout, double level, AugurAnswer *answer)
{
	const AugModelInfo *info = layout->info;

	answer->value = answer->probability = answer->lower = answer->upper = NAN;
	answer->label = NULL;
	if (info->task == AUG_CLASSIFICATION)
	{
		uint32 best = augur_score_class(layout);

		answer->label = info->class_names[best];
		answer->probability = layout->out[best];
		if (info->n_classes == 2)
			answer->value = layout->out[1];
		return;
	}
	aug_model_score(layout->model, layout->x, layout->scratch, layout->out);
	answer->value = layout->out[0];
	if (info->has_interval)
		aug_model_interval(layout->model, layout->x, layout->scratch, level, &answer->lower,
						   &answer->upper);
}

static Datum
number_or_null(double number, bool *null)
{
	*null = isnan(number);
	return Float8GetDatum(number);
}

/*
 * The row of type augur.prediction for the row in argument 1, at the level in 2.
 */
static Datum
predict_full(FunctionCallInfo fcinfo, AugurLayout *layout)
{
	double level = PG_GETARG_FLOAT8(2);
	int32 version;
	AugurAnswer answer;
	TupleDesc desc;
	Datum values[PREDICTION_COLUMNS];
	bool nulls[PREDICTION_COLUMNS] = {false};

	augur_check_level(level);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != PREDICTION_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type augur.prediction does not have the columns this library fills"),
				 errhint("Run ALTER EXTENSION augur UPDATE.")));

	augur_site_row(fcinfo, 1);
	augur_score_answer(layout, level, &answer);
	version = augur_site_model_version(fcinfo);
	values[0] = number_or_null(answer.value, &nulls[0]);
	nulls[1] = answer.label == NULL;
	values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(answer.label);
	values[2] = number_or_null(answer.probability, &nulls[2]);
	values[3] = number_or_null(answer.lower, &nulls[3]);
	values[4] = number_or_null(answer.upper, &nulls[4]);
	nulls[5] = version == 0;
	values[5] = Int32GetDatum(version);
	values[6] = PointerGetDatum(augur_names_array(layout, layout->x, augur_column_missing));
	values[7] = PointerGetDatum(augur_names_array(layout, layout->x, augur_column_unseen));
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * augur.predict_full(model text, features record, level float8)
 */
Datum
augur_predict_full(PG_FUNCTION_ARGS)
{
	return predict_full(fcinfo, augur_site_reference(fcinfo));
}

/*
 * augur.predict_full(model augur.model, features record, level float8)
 */
Datum
augur_predict_full_value(PG_FUNCTION_ARGS)
{
	return predict_full(fcinfo, augur_site_value(fcinfo));
}
