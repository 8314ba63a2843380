/*-------------------------------------------------------------------------
 *
 * backtest_errors.c
 *		The errors of the forecasts of one series over all folds and steps.
 *
 * Sums are made here and not in SQL, where a value that overflows would end the
 * statement: what is not a finite number is NULL.  Definitions are those of the M4
 * competition (Makridakis, Spiliotis, Assimakopoulos 2020, International Journal of
 * Forecasting 36, section 3), RMSSE is the M5's.
 *
 * Memory: a copy of the arrays.  Interrupts: none, one pass.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

AUGUR_FUNCTION(augur_backtest_errors);

#define ARG_LEVEL AUGUR_IN_COUNT /* after the arrays */

/* Numbers of an array; NULL is NaN. */
static double *
numbers(ArrayType *array, int *n)
{
	Datum *values;
	bool *nulls;
	double *out;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, n);
	out = palloc(mul_size(Max(*n, 1), sizeof(double)));
	for (int i = 0; i < *n; i++)
		out[i] = nulls[i] ? NAN : DatumGetFloat8(values[i]);
	return out;
}

/* 2 |a - f| / (|a| + |f|), of halves, so that it cannot overflow; 0 where both are 0. */
static double
symmetric(double actual, double forecast)
{
	if (actual == 0 && forecast == 0)
		return 0;
	return fabs(actual / 2 - forecast / 2) / (fabs(actual) / 4 + fabs(forecast) / 4);
}

/* What a row adds to each error; NaN adds nothing. */
static void
row_errors(double *const *in, int i, double level, double *e)
{
	double actual = in[AUGUR_IN_ACTUAL][i], forecast = in[AUGUR_IN_FORECAST][i], naive = in[AUGUR_IN_NAIVE][i];
	double lower = in[AUGUR_IN_LOWER][i], upper = in[AUGUR_IN_UPPER][i];
	double scale = in[AUGUR_IN_SCALE_ABSOLUTE][i], squared = in[AUGUR_IN_SCALE_SQUARED][i];
	double error = forecast - actual;

	e[AUGUR_SMAPE] = 100 * symmetric(actual, forecast);
	e[AUGUR_MAPE] = actual == 0 ? NAN : 100 * fabs(error / actual);
	e[AUGUR_MASE] = fabs(error) / scale;
	e[AUGUR_RMSSE] = (error / sqrt(squared)) * (error / sqrt(squared));
	e[AUGUR_MAE] = fabs(error);
	e[AUGUR_RMSE] = error * error;
	e[AUGUR_BIAS] = error;
	e[AUGUR_COVERAGE] = isnan(lower) || isnan(upper) || isnan(actual)
					  ? NAN
					  : (lower <= actual && actual <= upper ? 1 : 0);
	e[AUGUR_MSIS] =
		(upper - lower + 2 / (1 - level) * (fmax(lower - actual, 0) + fmax(actual - upper, 0))) /
		scale;
	if (isnan(lower) || isnan(upper) || isnan(actual))
		e[AUGUR_MSIS] = NAN;
	e[AUGUR_NAIVE_SMAPE] = 100 * symmetric(actual, naive);
	e[AUGUR_NAIVE_MASE] = fabs(naive - actual) / scale;
	e[AUGUR_NAIVE_MAE] = fabs(naive - actual);
}

int64
augur_errors(double *const *in, int length, double level, double *errors)
{
	double sum[AUGUR_ERROR_COUNT] = {0}, e[AUGUR_ERROR_COUNT];
	int64 count[AUGUR_ERROR_COUNT] = {0}, n = 0;

	for (int i = 0; i < length; i++)
	{
		n += isnan(in[AUGUR_IN_ACTUAL][i]) ? 0 : 1;
		row_errors(in, i, level, e);
		for (int k = 0; k < AUGUR_ERROR_COUNT; k++)
		{
			sum[k] += isnan(e[k]) ? 0 : e[k];
			count[k] += isnan(e[k]) ? 0 : 1;
		}
	}
	for (int k = 0; k < AUGUR_ERROR_COUNT; k++)
	{
		errors[k] = sum[k] / (double) count[k];
		if (k == AUGUR_RMSE || k == AUGUR_RMSSE)
			errors[k] = sqrt(errors[k]);
	}
	return n;
}

/*
 * (actual, forecast, naive, lower, upper, scale_absolute, scale_squared: arrays of one
 * length; level) returns (n, errors..., beats_naive).  Rows without an actual value are
 * left out.
 */
Datum
augur_backtest_errors(PG_FUNCTION_ARGS)
{
	double *in[AUGUR_IN_COUNT], errors[AUGUR_ERROR_COUNT];
	double level = PG_ARGISNULL(ARG_LEVEL) ? NAN : PG_GETARG_FLOAT8(ARG_LEVEL);
	Datum values[AUGUR_ERROR_COUNT + 2];
	bool nulls[AUGUR_ERROR_COUNT + 2] = {0};
	TupleDesc desc;
	int length = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != AUGUR_ERROR_COUNT + 2)
		elog(ERROR, "augur._backtest_errors has another result");
	for (int k = 0; k < AUGUR_IN_COUNT; k++)
	{
		int more;

		if (PG_ARGISNULL(k))
			PG_RETURN_NULL();
		in[k] = numbers(PG_GETARG_ARRAYTYPE_P(k), &more);
		if (k > 0 && more != length)
			ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
							errmsg("arrays of %d and %d values", length, more)));
		length = more;
	}
	values[0] = Int64GetDatum(augur_errors(in, length, level, errors));
	for (int k = 0; k < AUGUR_ERROR_COUNT; k++)
	{
		nulls[k + 1] = !isfinite(errors[k]);
		values[k + 1] = Float8GetDatum(errors[k]);
	}
	nulls[AUGUR_ERROR_COUNT + 1] = isnan(errors[AUGUR_MAE]) || isnan(errors[AUGUR_NAIVE_MAE]);
	values[AUGUR_ERROR_COUNT + 1] = BoolGetDatum(errors[AUGUR_MAE] < errors[AUGUR_NAIVE_MAE]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
