/*-------------------------------------------------------------------------
 *
 * metric.c
 *		Aggregates of metrics that are sums over rows: rmse, mae, mape, smape, r2,
 *		mase, pinball, coverage, log_loss, brier, accuracy, calibration.
 *
 * The state is a float8 array: flat, storable, sent between servers as it is, and
 * harmless whatever a hand-made aggregate puts into it.  It starts with the number
 * of rows; each sum is two numbers, the sum and what rounding lost (Neumaier 1974),
 * so that any split of the rows gives the same value to the last digits.  r2 keeps
 * the deviation of the actual values as PostgreSQL's own variance does (Youngs and
 * Cramer 1971).
 *
 * Rows with a NULL argument are skipped (the transition functions are strict).  NaN
 * and infinite numbers give what IEEE arithmetic gives; a probability outside 0..1
 * is an error.
 *
 * Memory: the state, edited in place inside an aggregate.  Interrupts: nothing here
 * takes longer than a row.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "metric.h"

AUGUR_FUNCTION(augur_metric_squared_add);
AUGUR_FUNCTION(augur_metric_absolute_add);
AUGUR_FUNCTION(augur_metric_relative_add);
AUGUR_FUNCTION(augur_metric_symmetric_add);
AUGUR_FUNCTION(augur_metric_pinball_add);
AUGUR_FUNCTION(augur_metric_coverage_add);
AUGUR_FUNCTION(augur_metric_log_loss_add);
AUGUR_FUNCTION(augur_metric_brier_add);
AUGUR_FUNCTION(augur_metric_equal_add);
AUGUR_FUNCTION(augur_metric_scaled_add);
AUGUR_FUNCTION(augur_metric_sum_combine);
AUGUR_FUNCTION(augur_metric_mean);
AUGUR_FUNCTION(augur_metric_root);
AUGUR_FUNCTION(augur_metric_scaled);
AUGUR_FUNCTION(augur_metric_r2_add);
AUGUR_FUNCTION(augur_metric_r2_combine);
AUGUR_FUNCTION(augur_metric_r2);
AUGUR_FUNCTION(augur_metric_calibration_add);
AUGUR_FUNCTION(augur_metric_calibration_combine);
AUGUR_FUNCTION(augur_metric_calibration);

#define SUM_STATE	 3 /* rows, sum, lost */
#define SCALED_STATE 5 /* rows, sum, lost, sum of the naive errors, lost */
#define R2_STATE	 5 /* rows, squared error, lost, sum of actual, its deviation */

#define MAX_CALIBRATION_BINS 1000

/* ---- states ----------------------------------------------------------- */

/*
 * The n numbers of a state array; ERROR when it is not one of n float8 (n < 0: of
 * any number of them).
 */
static double *
state_values(ArrayType *state, int n)
{
	if (ARR_NDIM(state) != 1 || ARR_HASNULL(state) || ARR_ELEMTYPE(state) != FLOAT8OID ||
		(n >= 0 && ARR_DIMS(state)[0] != n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid state of a metric aggregate"),
				 errhint("The functions of a metric aggregate are not meant to be called.")));
	return (double *) ARR_DATA_PTR(state);
}

/* The state that may be changed: the aggregate's own, else a copy. */
static ArrayType *
own_state(FunctionCallInfo fcinfo)
{
	if (AggCheckCallContext(fcinfo, NULL))
		return PG_GETARG_ARRAYTYPE_P(0);
	return PG_GETARG_ARRAYTYPE_P_COPY(0);
}

/* sum[0] += value, with what rounding lost in sum[1]. */
static inline void
sum_add(double *sum, double value)
{
	double total = sum[0] + value;

	if (fabs(sum[0]) >= fabs(value))
		sum[1] += (sum[0] - total) + value;
	else
		sum[1] += (value - total) + sum[0];
	sum[0] = total;
}

/* With an infinite sum, what was lost is no number and does not count. */
static inline double
sum_value(const double *sum)
{
	return isfinite(sum[0]) ? sum[0] + sum[1] : sum[0];
}

/* Adds one row's value to a state of one sum. */
static Datum
add_row(FunctionCallInfo fcinfo, double value)
{
	ArrayType *state = own_state(fcinfo);
	double *v = state_values(state, SUM_STATE);

	v[0] += 1;
	sum_add(v + 1, value);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* ---- transitions: (state, actual, predicted...) ----------------------- */

Datum
augur_metric_squared_add(PG_FUNCTION_ARGS)
{
	double error = PG_GETARG_FLOAT8(2) - PG_GETARG_FLOAT8(1);

	return add_row(fcinfo, error * error);
}

Datum
augur_metric_absolute_add(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, fabs(PG_GETARG_FLOAT8(2) - PG_GETARG_FLOAT8(1)));
}

/*
 * |error| / |actual|; rows whose actual value is 0 have none and are left out.
 */
Datum
augur_metric_relative_add(PG_FUNCTION_ARGS)
{
	double actual = PG_GETARG_FLOAT8(1);

	if (actual == 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	return add_row(fcinfo, fabs((PG_GETARG_FLOAT8(2) - actual) / actual));
}

/*
 * 2 |error| / (|actual| + |predicted|), 0 where both are 0; by halves, so that the
 * sum cannot overflow.
 */
Datum
augur_metric_symmetric_add(PG_FUNCTION_ARGS)
{
	double actual = PG_GETARG_FLOAT8(1) / 2, predicted = PG_GETARG_FLOAT8(2) / 2,
		   scale = fabs(actual) + fabs(predicted);

	return add_row(fcinfo, scale == 0 ? 0 : fabs(predicted - actual) / scale * 2);
}

/*
 * Quantile loss: quantile q costs q per unit below the actual value, 1 - q above.
 */
Datum
augur_metric_pinball_add(PG_FUNCTION_ARGS)
{
	double error = PG_GETARG_FLOAT8(1) - PG_GETARG_FLOAT8(2), q = PG_GETARG_FLOAT8(3);

	if (!(q > 0 && q < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("quantile %g is out of range", q),
				 errdetail("A quantile is above 0 and below 1.")));
	return add_row(fcinfo, error >= 0 ? q * error : (q - 1) * error);
}

Datum
augur_metric_coverage_add(PG_FUNCTION_ARGS)
{
	double actual = PG_GETARG_FLOAT8(1), lower = PG_GETARG_FLOAT8(2), upper = PG_GETARG_FLOAT8(3);

	if (isnan(actual) || isnan(lower) || isnan(upper))
		return add_row(fcinfo, NAN);
	return add_row(fcinfo, actual >= lower && actual <= upper);
}

/* A probability given as an argument; ERROR outside 0..1. */
static double
probability_arg(FunctionCallInfo fcinfo, int arg)
{
	double p = PG_GETARG_FLOAT8(arg);

	if (!(p >= 0 && p <= 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("probability %g is out of range", p),
						errdetail("A probability is between 0 and 1.")));
	return p;
}

Datum
augur_metric_log_loss_add(PG_FUNCTION_ARGS)
{
	double p = probability_arg(fcinfo, 2);

	return add_row(fcinfo, aug_metric_log_loss(PG_GETARG_BOOL(1) ? p : 1 - p));
}

Datum
augur_metric_brier_add(PG_FUNCTION_ARGS)
{
	double error = probability_arg(fcinfo, 2) - PG_GETARG_BOOL(1);

	return add_row(fcinfo, error * error);
}

/*
 * Whether two labels are equal, as text: see metric_label.c.
 */
Datum
augur_metric_equal_add(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, augur_labels_equal(fcinfo, 1, 2));
}

/*
 * (state, actual, predicted, naive): errors of the forecast, and of the naive one.
 */
Datum
augur_metric_scaled_add(PG_FUNCTION_ARGS)
{
	ArrayType *state = own_state(fcinfo);
	double *v = state_values(state, SCALED_STATE);
	double actual = PG_GETARG_FLOAT8(1);

	v[0] += 1;
	sum_add(v + 1, fabs(PG_GETARG_FLOAT8(2) - actual));
	sum_add(v + 3, fabs(PG_GETARG_FLOAT8(3) - actual));
	PG_RETURN_ARRAYTYPE_P(state);
}

/* ---- combining and results of sums ------------------------------------ */

/*
 * Adds the second state, of one sum or more, to the first.
 */
Datum
augur_metric_sum_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state = own_state(fcinfo);
	ArrayType *other = PG_GETARG_ARRAYTYPE_P(1);
	double *v = state_values(state, -1);
	int n = ARR_DIMS(state)[0];
	const double *o = state_values(other, n);

	if (n % 2 != 1)
		state_values(state, SUM_STATE); /* raises */
	v[0] += o[0];
	for (int i = 1; i + 1 < n; i += 2)
	{
		sum_add(v + i, o[i]);
		v[i + 1] += o[i + 1];
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * Mean over the rows; NULL when there were none.
 */
Datum
augur_metric_mean(PG_FUNCTION_ARGS)
{
	const double *v = state_values(PG_GETARG_ARRAYTYPE_P(0), SUM_STATE);

	if (v[0] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum_value(v + 1) / v[0]);
}

Datum
augur_metric_root(PG_FUNCTION_ARGS)
{
	const double *v = state_values(PG_GETARG_ARRAYTYPE_P(0), SUM_STATE);

	if (v[0] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sqrt(sum_value(v + 1) / v[0]));
}

/*
 * Ratio of the two sums; NULL without rows, or when the naive forecast has no error.
 */
Datum
augur_metric_scaled(PG_FUNCTION_ARGS)
{
	const double *v = state_values(PG_GETARG_ARRAYTYPE_P(0), SCALED_STATE);
	double naive = sum_value(v + 3);

	if (v[0] == 0 || naive == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum_value(v + 1) / naive);
}

/* ---- r2 --------------------------------------------------------------- */

Datum
augur_metric_r2_add(PG_FUNCTION_ARGS)
{
	ArrayType *state = own_state(fcinfo);
	double *v = state_values(state, R2_STATE);
	double actual = PG_GETARG_FLOAT8(1), error = PG_GETARG_FLOAT8(2) - actual, n = v[0] + 1,
		   sum = v[3] + actual;

	sum_add(v + 1, error * error);
	if (v[0] > 0)
	{
		double d = actual * n - sum;

		v[4] += d * d / (n * v[0]);
	}
	else if (!isfinite(actual))
		v[4] = NAN;
	v[0] = n;
	v[3] = sum;
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
augur_metric_r2_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state = own_state(fcinfo);
	double *v = state_values(state, R2_STATE);
	const double *o = state_values(PG_GETARG_ARRAYTYPE_P(1), R2_STATE);

	if (o[0] > 0)
	{
		double n = v[0] + o[0];

		sum_add(v + 1, o[1]);
		v[2] += o[2];
		if (v[0] > 0)
		{
			double d = v[3] / v[0] - o[3] / o[0];

			v[4] += o[4] + v[0] * o[0] * d * d / n;
		}
		else
			v[4] = o[4];
		v[0] = n;
		v[3] += o[3];
	}
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * 1 - squared error / squared deviation; NULL when all actual values are the same.
 */
Datum
augur_metric_r2(PG_FUNCTION_ARGS)
{
	const double *v = state_values(PG_GETARG_ARRAYTYPE_P(0), R2_STATE);

	if (v[0] == 0 || v[4] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(1 - sum_value(v + 1) / v[4]);
}

/* ---- calibration: per bin of the probability, rows, its sum, positives -- */

/*
 * (state, label, probability [, bins]): the state is made by the first row.
 */
Datum
augur_metric_calibration_add(PG_FUNCTION_ARGS)
{
	int bins = 10;
	ArrayType *state;
	double *v;
	double p;
	int bin;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3)))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_NARGS() > 3)
		bins = PG_GETARG_INT32(3);
	if (bins < 2 || bins > MAX_CALIBRATION_BINS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of bins %d is out of range", bins),
						errdetail("There are 2 to %d bins.", MAX_CALIBRATION_BINS)));
	p = probability_arg(fcinfo, 2);

	if (PG_ARGISNULL(0))
	{
		MemoryContext context;
		Datum *zeros = palloc0(mul_size(sizeof(Datum), 3 * (Size) bins));

		if (!AggCheckCallContext(fcinfo, &context))
			context = CurrentMemoryContext;
		for (int i = 0; i < 3 * bins; i++)
			zeros[i] = Float8GetDatum(0);
		context = MemoryContextSwitchTo(context);
		state = construct_array(zeros, 3 * bins, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
								TYPALIGN_DOUBLE);
		MemoryContextSwitchTo(context);
	}
	else
		state = own_state(fcinfo);
	v = state_values(state, 3 * bins);

	bin = Min((int) (p * bins), bins - 1);
	v[3 * bin] += 1;
	v[3 * bin + 1] += p;
	v[3 * bin + 2] += PG_GETARG_BOOL(1);
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
augur_metric_calibration_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	double *v;
	const double *o;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
	{
		MemoryContext context;

		/* the second state is not ours to keep */
		if (!AggCheckCallContext(fcinfo, &context))
			context = CurrentMemoryContext;
		context = MemoryContextSwitchTo(context);
		state = PG_GETARG_ARRAYTYPE_P_COPY(1);
		MemoryContextSwitchTo(context);
		PG_RETURN_ARRAYTYPE_P(state);
	}
	state = own_state(fcinfo);
	v = state_values(state, -1);
	o = state_values(PG_GETARG_ARRAYTYPE_P(1), ARR_DIMS(state)[0]);
	for (int i = 0; i < ARR_DIMS(state)[0]; i++)
		v[i] += o[i];
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * jsonb array of the bins that have rows.
 */
Datum
augur_metric_calibration(PG_FUNCTION_ARGS)
{
	ArrayType *state = PG_GETARG_ARRAYTYPE_P(0);
	const double *v = state_values(state, -1);
	int bins = ARR_DIMS(state)[0] / 3;
	StringInfoData json;

	augur_result_begin(&json);
	for (int i = 0; i < bins; i++)
	{
		double n = v[3 * i];

		if (!(n > 0))
			continue;
		augur_result_item(&json);
		augur_result_number(&json, "lower", (double) i / bins);
		augur_result_number(&json, "upper", (double) (i + 1) / bins);
		augur_result_number(&json, "n", n);
		augur_result_number(&json, "predicted", v[3 * i + 1] / n);
		augur_result_number(&json, "actual", v[3 * i + 2] / n);
	}
	return augur_result_end(&json);
}
