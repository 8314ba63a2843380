/*-------------------------------------------------------------------------
 *
 * stats.c
 *		Distances between two sets of values, and tests whether they differ: aggregates
 *		over (is_current, value), and functions over arrays.
 *
 * The states are those of the ranking metrics (numbers) and of the confusion matrix
 * (categories); the core computes.  Numbers are cut into bins of nearly equal counts of the
 * reference for the distances that are over cells.
 *
 * Rows with a NULL are skipped.  NULL is the result when a side has no rows.
 *
 * Memory: those states, and a sorted copy.  Interrupts: the core polls.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "metric.h"

AUGUR_FUNCTION(augur_stats_ks);
AUGUR_FUNCTION(augur_stats_wasserstein);
AUGUR_FUNCTION(augur_stats_psi);
AUGUR_FUNCTION(augur_stats_js);
AUGUR_FUNCTION(augur_stats_hellinger);
AUGUR_FUNCTION(augur_stats_total_variation);
AUGUR_FUNCTION(augur_stats_cells_psi);
AUGUR_FUNCTION(augur_stats_cells_js);
AUGUR_FUNCTION(augur_stats_cells_hellinger);
AUGUR_FUNCTION(augur_stats_cells_total_variation);
AUGUR_FUNCTION(augur_stats_cells_chi_square);
AUGUR_FUNCTION(augur_stats_array_distance);
AUGUR_FUNCTION(augur_stats_array_chi_square);
AUGUR_FUNCTION(augur_stats_share_test);
AUGUR_FUNCTION(augur_stats_adjust_p);
AUGUR_FUNCTION(augur_stats_null_quantile);

typedef enum Distance
{
	PSI,
	KL,
	JS,
	HELLINGER,
	TOTAL_VARIATION
} Distance;

static const char *const distance_names[] = {"psi", "kl", "js_distance", "hellinger",
											 "total_variation"};

static double
pick(const AugDistances *d, Distance which)
{
	switch (which)
	{
		case PSI:
			return d->psi;
		case KL:
			return d->kl;
		case JS:
			return d->js_distance;
		case HELLINGER:
			return d->hellinger;
		default:
			return d->total_variation;
	}
}

static Distance
read_distance(const char *name)
{
	for (int i = 0; i < lengthof(distance_names); i++)
	{
		if (strcmp(distance_names[i], name) == 0)
			return (Distance) i;
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no distance called \"%s\"", name),
					errhint("Distances are \"psi\", \"kl\", \"js_distance\", \"hellinger\" and "
							"\"total_variation\".")));
}

/* A test as a row of augur.test_result. */
static Datum
test_row(FunctionCallInfo fcinfo, const AugTest *t, double n, double m)
{
	TupleDesc desc;
	Datum values[5];
	bool nulls[5] = {isnan(t->statistic), isnan(t->p), isnan(t->df), false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 5)
		elog(ERROR, "augur.test_result has another form");
	values[0] = Float8GetDatum(t->statistic);
	values[1] = Float8GetDatum(t->p);
	values[2] = Float8GetDatum(t->df);
	values[3] = Float8GetDatum(n);
	values[4] = Float8GetDatum(m);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ---- numbers ---------------------------------------------------------------- */

/* False when a side has no rows; else sides must be ended. */
static bool
sides_begin(FunctionCallInfo fcinfo, AugurSides *sides)
{
	if (PG_ARGISNULL(0))
		return false;
	augur_ranking_sides(PG_GETARG_POINTER(0), sides);
	if (sides->n[0] > 0 && sides->n[1] > 0)
		return true;
	MemoryContextDelete(sides->context);
	return false;
}

Datum
augur_stats_ks(PG_FUNCTION_ARGS)
{
	AugurSides s;
	AugTest t;
	AugError err;

	if (!sides_begin(fcinfo, &s))
		PG_RETURN_NULL();
	augur_check(aug_ks_test(&s.host.host, s.value[0], s.n[0], s.value[1], s.n[1], &t, &err), &err);
	MemoryContextDelete(s.context);
	return test_row(fcinfo, &t, (double) s.n[0], (double) s.n[1]);
}

Datum
augur_stats_wasserstein(PG_FUNCTION_ARGS)
{
	AugurSides s;
	double distance;

	if (!sides_begin(fcinfo, &s))
		PG_RETURN_NULL();
	for (int k = 0; k < 2; k++)
	{
		if (isinf(s.value[k][0]) || isinf(s.value[k][s.n[k] - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("value must not be infinite"),
					 errdetail("There is no distance to infinity."),
					 errhint("Leave such rows out with FILTER.")));
	}
	distance = aug_wasserstein(s.value[0], s.n[0], s.value[1], s.n[1]);
	MemoryContextDelete(s.context);
	PG_RETURN_FLOAT8(distance);
}

/* A distance over bins of the reference. */
static Datum
binned(FunctionCallInfo fcinfo, Distance which)
{
	AugurSides s;
	AugDistances d;
	double *edge, *count[2];
	Size n_edges;

	if (!sides_begin(fcinfo, &s))
		PG_RETURN_NULL();
	edge = MemoryContextAlloc(s.context, mul_size(s.bins, sizeof(double)));
	n_edges = aug_quantile_edges(s.value[0], s.n[0], s.bins, edge);
	for (int k = 0; k < 2; k++)
	{
		count[k] = MemoryContextAlloc(s.context, mul_size(n_edges + 1, sizeof(double)));
		aug_cell_counts(s.value[k], s.n[k], edge, n_edges, count[k]);
	}
	aug_distances(count[0], count[1], n_edges + 1, &d);
	MemoryContextDelete(s.context);
	PG_RETURN_FLOAT8(pick(&d, which));
}

Datum
augur_stats_psi(PG_FUNCTION_ARGS)
{
	return binned(fcinfo, PSI);
}

Datum
augur_stats_js(PG_FUNCTION_ARGS)
{
	return binned(fcinfo, JS);
}

Datum
augur_stats_hellinger(PG_FUNCTION_ARGS)
{
	return binned(fcinfo, HELLINGER);
}

Datum
augur_stats_total_variation(PG_FUNCTION_ARGS)
{
	return binned(fcinfo, TOTAL_VARIATION);
}

/* ---- categories --------------------------------------------------------------- */

static double
total(const double *count, Size n)
{
	double sum = 0;

	for (Size i = 0; i < n; i++)
		sum += count[i];
	return sum;
}

static Datum
categorical(FunctionCallInfo fcinfo, Distance which)
{
	AugurCells cells;
	AugDistances d;
	double value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	augur_label_cells(PG_GETARG_POINTER(0), &cells);
	aug_distances(cells.count[0], cells.count[1], cells.n, &d);
	value = pick(&d, which);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

Datum
augur_stats_cells_psi(PG_FUNCTION_ARGS)
{
	return categorical(fcinfo, PSI);
}

Datum
augur_stats_cells_js(PG_FUNCTION_ARGS)
{
	return categorical(fcinfo, JS);
}

Datum
augur_stats_cells_hellinger(PG_FUNCTION_ARGS)
{
	return categorical(fcinfo, HELLINGER);
}

Datum
augur_stats_cells_total_variation(PG_FUNCTION_ARGS)
{
	return categorical(fcinfo, TOTAL_VARIATION);
}

Datum
augur_stats_cells_chi_square(PG_FUNCTION_ARGS)
{
	AugurCells cells;
	AugTest t;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	augur_label_cells(PG_GETARG_POINTER(0), &cells);
	aug_chi_square_test(cells.count[0], cells.count[1], cells.n, &t);
	if (total(cells.count[0], cells.n) == 0 || total(cells.count[1], cells.n) == 0)
		PG_RETURN_NULL();
	return test_row(fcinfo, &t, total(cells.count[0], cells.n), total(cells.count[1], cells.n));
}

/* ---- arrays -------------------------------------------------------------------- */

/* Two arrays of counts of the same cells. */
static int
read_counts(FunctionCallInfo fcinfo, int first, double *count[2])
{
	int n[2];

	for (int k = 0; k < 2; k++)
	{
		count[k] = augur_float_array(PG_GETARG_ARRAYTYPE_P(first + k), &n[k]);
		for (int i = 0; i < n[k]; i++)
		{
			if (!(count[k][i] >= 0) || isinf(count[k][i]))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("element %d of argument \"%s\" is no count", i + 1,
									   k == 0 ? "reference" : "current"),
								errdetail("Counts and weights are finite, not null, and not "
										  "negative.")));
		}
	}
	if (n[0] != n[1])
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%d cells of the reference are compared with %d", n[0], n[1]),
						errhint("Both arrays have a count for each cell, 0 for empty ones.")));
	return n[0];
}

/* (name, reference float8[], current float8[]); strict */
Datum
augur_stats_array_distance(PG_FUNCTION_ARGS)
{
	Distance which = read_distance(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	double *count[2], value;
	int n = read_counts(fcinfo, 1, count);
	AugDistances d;

	aug_distances(count[0], count[1], n, &d);
	value = pick(&d, which);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* (reference float8[], current float8[]); strict */
Datum
augur_stats_array_chi_square(PG_FUNCTION_ARGS)
{
	double *count[2];
	int n = read_counts(fcinfo, 0, count);
	AugTest t;

	aug_chi_square_test(count[0], count[1], n, &t);
	return test_row(fcinfo, &t, total(count[0], n), total(count[1], n));
}

/* (reference_hits, reference_rows, current_hits, current_rows); strict */
Datum
augur_stats_share_test(PG_FUNCTION_ARGS)
{
	double a = (double) PG_GETARG_INT64(0), n = (double) PG_GETARG_INT64(1);
	double b = (double) PG_GETARG_INT64(2), m = (double) PG_GETARG_INT64(3);
	AugTest t;

	if (!(a >= 0 && a <= n && b >= 0 && b <= m))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("hits must be between 0 and the number of rows")));
	aug_share_test(a, n, b, m, &t);
	return test_row(fcinfo, &t, n, m);
}

/* (p float8[]); strict */
Datum
augur_stats_adjust_p(PG_FUNCTION_ARGS)
{
	int n;
	double *p = augur_float_array(PG_GETARG_ARRAYTYPE_P(0), &n);
	uint32 *order = palloc(mul_size(Max(n, 1), sizeof(uint32)));
	Datum *values = palloc(mul_size(Max(n, 1), sizeof(Datum)));
	bool *nulls = palloc(Max(n, 1));
	int dims[1] = {n}, lower[1] = {1};

	for (int i = 0; i < n; i++)
	{
		if (p[i] < 0 || p[i] > 1)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("element %d is no probability", i + 1)));
	}
	aug_adjust_p(p, n, order);
	for (int i = 0; i < n; i++)
	{
		nulls[i] = isnan(p[i]);
		values[i] = Float8GetDatum(p[i]);
	}
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, dims, lower, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* (distance, reference_rows, current_rows, cells, alpha); strict */
Datum
augur_stats_null_quantile(PG_FUNCTION_ARGS)
{
	static const AugDistanceKind kind[] = {AUG_DISTANCE_PSI, AUG_DISTANCE_KL, AUG_DISTANCE_JS,
										   AUG_DISTANCE_HELLINGER};
	Distance which = read_distance(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	double n = (double) PG_GETARG_INT64(1), m = (double) PG_GETARG_INT64(2);
	int32 cells = PG_GETARG_INT32(3);
	double alpha = PG_GETARG_FLOAT8(4);

	if (which == TOTAL_VARIATION)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the law of \"total_variation\" is not known in this form"),
						errhint("psi, kl, js_distance and hellinger have one.")));
	if (!(n > 0 && m > 0) || cells < 2 || !(alpha > 0 && alpha < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there must be rows, at least 2 cells, and alpha between 0 and 1")));
	PG_RETURN_FLOAT8(aug_null_quantile(kind[which], n, m, cells, alpha));
}
