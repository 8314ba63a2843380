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

#define ARG_LEVEL AUGUR_IN_ARRAYS /* after the arrays */

/* in the order of the columns returned, after n */
enum
{
	SMAPE,
	MAPE,
	MASE,
	RMSSE,
	MAE,
	RMSE,
	BIAS,
	COVERAGE,
	MSIS,
	NAIVE_SMAPE,
	NAIVE_MASE,
	NAIVE_MAE,
	N_ERRORS
};

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
	double actual = in[AUGUR_IN_ACTUAL][i], forecast = in[AUGUR_IN_FORECAST][i];
	double naive = in[AUGUR_IN_NAIVE][i];
	double lower = in[AUGUR_IN_LOWER][i], upper = in[AUGUR_IN_UPPER][i];
	double scale = in[AUGUR_IN_SCALE_ABSOLUTE][i], squared = in[AUGUR_IN_SCALE_SQUARED][i];
	double error = forecast - actual;

	e[SMAPE] = 100 * symmetric(actual, forecast);
	e[MAPE] = actual == 0 ? NAN : 100 * fabs(error / actual);
	e[MASE] = fabs(error) / scale;
	e[RMSSE] = (error / sqrt(squared)) * (error / sqrt(squared));
	e[MAE] = fabs(error);
	e[RMSE] = error * error;
	e[BIAS] = error;
	e[COVERAGE] = isnan(lower) || isnan(upper) || isnan(actual)
					  ? NAN
					  : (lower <= actual && actual <= upper ? 1 : 0);
	e[MSIS] =
		(upper - lower + 2 / (1 - level) * (fmax(lower - actual, 0) + fmax(actual - upper, 0))) /
		scale;
	if (isnan(lower) || isnan(upper) || isnan(actual))
		e[MSIS] = NAN;
	e[NAIVE_SMAPE] = 100 * symmetric(actual, naive);
	e[NAIVE_MASE] = fabs(naive - actual) / scale;
	e[NAIVE_MAE] = fabs(naive - actual);
}

void
augur_errors(double *const *in, int length, double level, AugurErrors *out)
{
	double sum[N_ERRORS] = {0}, e[N_ERRORS];
	int64 count[N_ERRORS] = {0};

	StaticAssertStmt(N_ERRORS == AUGUR_ERRORS, "errors as forecast.h counts them");
	out->n = 0;
	for (int i = 0; i < length; i++)
	{
		out->n += isnan(in[AUGUR_IN_ACTUAL][i]) ? 0 : 1;
		row_errors(in, i, level, e);
		for (int k = 0; k < N_ERRORS; k++)
		{
			sum[k] += isnan(e[k]) ? 0 : e[k];
			count[k] += isnan(e[k]) ? 0 : 1;
		}
	}
	for (int k = 0; k < N_ERRORS; k++)
	{
		out->error[k] = sum[k] / (double) count[k];
		if (k == RMSE || k == RMSSE)
			out->error[k] = sqrt(out->error[k]);
	}
	out->comparable = count[MAE] > 0 && count[NAIVE_MAE] > 0;
	out->beats_naive = sum[MAE] / (double) Max(count[MAE], 1) <
					   sum[NAIVE_MAE] / (double) Max(count[NAIVE_MAE], 1);
}

/*
 * (actual, forecast, naive, lower, upper, scale_absolute, scale_squared: arrays of one
 * length; level) returns (n, errors..., beats_naive).  Rows without an actual value are
 * left out.
 */
Datum
augur_backtest_errors(PG_FUNCTION_ARGS)
{
	double *in[AUGUR_IN_ARRAYS];
	double level = PG_ARGISNULL(ARG_LEVEL) ? NAN : PG_GETARG_FLOAT8(ARG_LEVEL);
	AugurErrors errors;
	Datum values[N_ERRORS + 2];
	bool nulls[N_ERRORS + 2] = {0};
	TupleDesc desc;
	int length = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != N_ERRORS + 2)
		elog(ERROR, "augur._backtest_errors has another result");
	for (int k = 0; k < AUGUR_IN_ARRAYS; k++)
	{
		int more;

		if (PG_ARGISNULL(k))
			PG_RETURN_NULL();
		in[k] = augur_float_array(PG_GETARG_ARRAYTYPE_P(k), &more);
		if (k > 0 && more != length)
			ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
							errmsg("arrays of %d and %d values", length, more)));
		length = more;
	}
	augur_errors(in, length, level, &errors);
	values[0] = Int64GetDatum(errors.n);
	for (int k = 0; k < N_ERRORS; k++)
	{
		nulls[k + 1] = !isfinite(errors.error[k]);
		values[k + 1] = Float8GetDatum(errors.error[k]);
	}
	nulls[N_ERRORS + 1] = !errors.comparable;
	values[N_ERRORS + 1] = BoolGetDatum(errors.beats_naive);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
