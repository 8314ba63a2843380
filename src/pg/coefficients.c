/*-------------------------------------------------------------------------
 *
 * coefficients.c
 *		augur.coefficients: what a linear model says about its features.
 *
 * Memory: the result's.  Interrupts: at most a few thousand rows.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"

#include "scoring.h"

AUGUR_FUNCTION(augur_coefficients_model);
AUGUR_FUNCTION(augur_coefficients_value);

enum
{
	COLUMN_FEATURE,
	COLUMN_LEVEL,
	COLUMN_ESTIMATE,
	COLUMN_ERROR,
	COLUMN_STATISTIC,
	COLUMN_P_VALUE,
	COLUMN_LOWER,
	COLUMN_UPPER,
	N_COLUMNS
};

static void
put_number(Datum *values, bool *nulls, int column, double v)
{
	values[column] = Float8GetDatum(v);
	nulls[column] = isnan(v);
}

static void
put_term(const AugModelInfo *info, uint32 i, double level, ReturnSetInfo *result)
{
	const AugTerm *term = &info->terms[i];
	const AugFeature *feature = term->feature == UINT32_MAX ? NULL : &info->features[term->feature];
	Datum values[N_COLUMNS];
	bool nulls[N_COLUMNS] = {false};
	double lower, upper;

	values[COLUMN_FEATURE] = CStringGetTextDatum(feature == NULL ? "(intercept)" : feature->name);
	nulls[COLUMN_LEVEL] = term->level == UINT32_MAX;
	if (!nulls[COLUMN_LEVEL])
	{
		uint32 begin = term->level > 0 ? feature->level_end[term->level - 1] : 0;

		values[COLUMN_LEVEL] = PointerGetDatum(cstring_to_text_with_len(
			feature->level_text + begin, (int) (feature->level_end[term->level] - begin)));
	}
	aug_term_interval(info, i, level, &lower, &upper);
	put_number(values, nulls, COLUMN_ESTIMATE, term->estimate);
	put_number(values, nulls, COLUMN_ERROR, term->standard_error);
	put_number(values, nulls, COLUMN_STATISTIC, term->estimate / term->standard_error);
	put_number(values, nulls, COLUMN_P_VALUE, term->p_value);
	put_number(values, nulls, COLUMN_LOWER, lower);
	put_number(values, nulls, COLUMN_UPPER, upper);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_terms(FunctionCallInfo fcinfo, const AugModelInfo *info, double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("level must be above 0 and below 1")));
	if (info->n_terms == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a model of algorithm \"%s\" has no coefficients", info->algorithm->name),
				 errhint("Use augur.importance to see what its features are worth.")));
	for (uint32 i = 0; i < info->n_terms; i++)
		put_term(info, i, level, (ReturnSetInfo *) fcinfo->resultinfo);
}

/*
 * augur.coefficients(model text, level float8)
 */
Datum
augur_coefficients_model(PG_FUNCTION_ARGS)
{
	AugurModelPin *pin;

	InitMaterializedSRF(fcinfo, 0);
	pin = augur_cache_get(text_to_cstring(PG_GETARG_TEXT_PP(0)), CurrentMemoryContext);
	put_terms(fcinfo, aug_model_info(augur_pin_model(pin)), PG_GETARG_FLOAT8(1));
	return (Datum) 0;
}

/*
 * augur.coefficients(model augur.model, level float8)
 */
Datum
augur_coefficients_value(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	put_terms(fcinfo, augur_site_value(fcinfo)->info, PG_GETARG_FLOAT8(1));
	return (Datum) 0;
}
