/*-------------------------------------------------------------------------
 *
 * hierarchy.c
 *		augur.forecast_hierarchy: forecasts of series that nest, made to add up.
 *
 * The series of all nodes come from hierarchy_series.c.  Every node is forecast on its own,
 * and the core reconciles.
 *
 * Bounds and rounding are the leaves': they would break sums anywhere else.  So nodes are
 * forecast without them, the leaves are bounded and rounded after reconciliation, and
 * inner nodes are summed up anew.
 *
 * Memory: a double a node and step for the errors, in a context of the call; what the
 * core's reconciliation takes.  Interrupts: those of the core.
 *
 *-------------------------------------------------------------------------
 */
#include "hierarchy.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_hierarchy_forecast);

#define LEAST_ERRORS 3	  /* fewer do not tell a variance */
#define MOST_SHRUNK	 5000 /* nodes, of the core */
#define COLUMNS		 10

static const char *const how_names[] = {"bottom_up", "top_down", "mint_diagonal", "mint_shrink",
										"none"};

/* ---- forecasts of the nodes ------------------------------------------------------------ */

/* Forecast, interval and one-step errors of a node. */
static void
forecast_node(AugurNest *h, uint32 i, AugurHost *host)
{
	AugurMember *node = &h->node[i];
	const AugurForecastOptions *o = &h->options;
	Size horizon = h->horizon, levels = (Size) o->n_levels * horizon;
	double *errors = h->residuals + (Size) i * h->frame.n;
	AugForecast *f;

	augur_timeline_seasons(host, o, &node->timeline);
	f = augur_timeline_forecast(host, o, o->params, &node->timeline, h->horizon, o->n_levels);
	memcpy(h->base + i * horizon, f->mean, horizon * sizeof(double));
	memcpy(h->lower + i * levels, f->lower, levels * sizeof(double));
	memcpy(h->upper + i * levels, f->upper, levels * sizeof(double));
	for (Size t = 0; t < h->frame.n; t++)
		errors[t] = t < node->first ? NAN : node->y[t - node->first] - f->fitted[t - node->first];
	node->method = MemoryContextStrdup(h->context, f->method);
}

static double *
numbers(AugurNest *h, Size n)
{
	return MemoryContextAllocHuge(h->context, mul_size(Max(n, 1), sizeof(double)));
}

static void
forecast_nodes(AugurNest *h)
{
	MemoryContext work =
		AllocSetContextCreate(h->context, "augur hierarchy series", ALLOCSET_DEFAULT_SIZES);
	Size levels = mul_size(h->options.n_levels, mul_size(h->n, h->horizon));
	AugurHost host;

	h->base = numbers(h, mul_size(h->n, h->horizon));
	h->forecast = numbers(h, mul_size(h->n, h->horizon));
	h->lower = numbers(h, levels);
	h->upper = numbers(h, levels);
	h->residuals = numbers(h, mul_size(h->n, h->frame.n));
	h->spread = numbers(h, h->n);
	for (uint32 i = 0; i < h->n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(work);

		CHECK_FOR_INTERRUPTS();
		augur_host_init(&host, work);
		forecast_node(h, i, &host);
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}
	MemoryContextDelete(work);
}

/* ---- reconciliation ----------------------------------------------------------------------- */

static Size
count_errors(const AugurNest *h, uint32 i)
{
	const double *e = h->residuals + (Size) i * h->frame.n;
	double squares = 0;
	Size n = 0;

	for (Size t = 0; t < h->frame.n; t++)
	{
		n += isnan(e[t]) ? 0 : 1;
		squares += isnan(e[t]) ? 0 : e[t] * e[t];
	}
	if (isinf(squares))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("errors of series %s are too large to tell their variance",
							   augur_nest_key(&h->node[i])),
						errhint("reconcile => 'bottom_up' needs no errors.")));
	return n;
}

/* Steps at which every series that has errors has one. */
static Size
common_errors(const AugurNest *h, const bool *none)
{
	Size n = 0;

	for (Size t = 0; t < h->frame.n; t++)
	{
		bool whole = true;

		for (uint32 i = 0; i < h->n && whole; i++)
			whole = none[i] || !isnan(h->residuals[(Size) i * h->frame.n + t]);
		n += whole ? 1 : 0;
	}
	return n;
}

/*
 * Checks that there are errors to learn variances from.  Series with too few of them are
 * taken as having none: the core gives them the largest variance.
 */
static void
check_errors(AugurNest *h)
{
	bool *none = palloc_extended(mul_size(h->n, sizeof(bool)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	const AugurMember *first = NULL;
	uint32 few = 0;
	Size common;

	for (uint32 i = 0; i < h->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		none[i] = count_errors(h, i) < LEAST_ERRORS;
		for (Size t = 0; none[i] && t < h->frame.n; t++)
			h->residuals[(Size) i * h->frame.n + t] = NAN;
		if (none[i] && first == NULL)
			first = &h->node[i];
		few += none[i] ? 1 : 0;
	}
	common = h->how == HOW_SHRUNK ? common_errors(h, none) : 0;
	if (few == h->n || (h->how == HOW_SHRUNK && common < LEAST_ERRORS))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 few == h->n ? errmsg("no series is long enough to tell the variance of its errors")
						 : errmsg("the series have errors in common at %zu steps, of %d that "
								  "\"mint_shrink\" needs",
								  common, LEAST_ERRORS),
			 errhint("%s", few == h->n ? "reconcile => 'bottom_up' needs no errors."
									   : "reconcile => 'mint_diagonal' needs none in common.")));
	if (few > 0 && augur_verbosity >= 1)
		ereport(NOTICE,
				(errmsg_plural("%u series is too short to tell the variance of its errors",
							   "%u series are too short to tell the variance of their errors", few,
							   few),
				 errdetail("The first one is %s. The largest variance of the others is taken.",
						   augur_nest_key(first))));
	pfree(none);
}

static void
reconcile(AugurNest *h)
{
	AugHierarchy tree = {.n_nodes = h->n,
						 .horizon = h->horizon,
						 .base = h->base,
						 .n = h->frame.n,
						 .residuals = h->residuals};
	uint32 *parent = MemoryContextAllocHuge(h->context, mul_size(h->n, sizeof(uint32)));
	AugurHost host;
	AugError err;

	for (uint32 i = 0; i < h->n; i++)
	{
		parent[i] = h->node[i].parent;
		h->spread[i] = 1;
	}
	memcpy(h->forecast, h->base, (Size) h->n * h->horizon * sizeof(double));
	if (h->how == HOW_NONE)
		return;
	if (h->how == HOW_DIAGONAL || h->how == HOW_SHRUNK)
		check_errors(h);
	tree.parent = parent;
	augur_host_init(&host, h->context);
	augur_check(
		aug_reconcile(&host.host, &tree, (AugReconcile) h->how, h->forecast, h->spread, &err),
		&err);
}

/* Bounds and rounding of leaves, and what they add up to. */
static void
finish_forecasts(AugurNest *h)
{
	bool add_up = h->how != HOW_NONE;

	if (!h->bounds.whole && isinf(h->bounds.lower) && isinf(h->bounds.upper))
		return;
	for (uint32 i = 0; i < h->n; i++)
	{
		for (uint32 s = 0; s < h->horizon; s++)
		{
			double *v = &h->forecast[(Size) i * h->horizon + s];

			if (add_up && !augur_nest_leaf(h, &h->node[i]))
			{
				*v = 0;
				continue;
			}
			*v = aug_bounded(&h->bounds, (double) h->node[i].n_leaves, *v, round);
		}
	}
	for (uint32 i = h->n; add_up && i-- > 1;)
	{
		double *to = h->forecast + (Size) h->node[i].parent * h->horizon;

		for (uint32 s = 0; s < h->horizon; s++)
			to[s] += h->forecast[(Size) i * h->horizon + s];
	}
}

/* ---- rows -------------------------------------------------------------------------------- */

/* A point in time of the future, as the column's type casts it. */
static Datum
future_time(const AugurNest *h, uint32 step)
{
	AugurStamp stamp = h->frame.grid.stamp;
	Datum at = augur_stamp_datum(stamp, augur_timeline_at(&h->frame, (int64) (h->frame.n + step)));

	if (stamp == AUGUR_STAMP_DATE)
		return DirectFunctionCall1(date_timestamptz, at);
	if (stamp == AUGUR_STAMP_TIMESTAMP)
		return DirectFunctionCall1(timestamp_timestamptz, at);
	return at;
}

/* One end of an interval: moved with the forecast, its distance times the spread. */
static double
interval_end(const AugurNest *h, uint32 i, double base, double end, double forecast, bool upper)
{
	return aug_bounded(&h->bounds, (double) h->node[i].n_leaves,
					   forecast + (end - base) * h->spread[i], upper ? ceil : floor);
}

static void
put_node(const AugurNest *h, uint32 i, Datum empty, ReturnSetInfo *result)
{
	const AugurMember *node = &h->node[i];
	int n_levels = h->options.n_levels;
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {0};

	values[0] = node->key == NULL ? empty : JsonbPGetDatum(node->key);
	values[1] = Int32GetDatum(node->depth);
	values[9] = CStringGetTextDatum(node->method);
	for (uint32 s = 0; s < h->horizon; s++)
	{
		Size at = (Size) i * h->horizon + s;
		double base = h->base[at], forecast = h->forecast[at];

		values[2] = future_time(h, s);
		values[3] = Int32GetDatum((int32) s + 1);
		values[4] = Float8GetDatum(forecast);
		values[5] = Float8GetDatum(base);
		nulls[6] = nulls[7] = nulls[8] = n_levels == 0;
		for (int k = 0; k < Max(n_levels, 1); k++)
		{
			Size end = ((Size) i * n_levels + k) * h->horizon + s;

			if (n_levels > 0)
			{
				values[6] =
					Float8GetDatum(interval_end(h, i, base, h->lower[end], forecast, false));
				values[7] = Float8GetDatum(interval_end(h, i, base, h->upper[end], forecast, true));
				values[8] = Float8GetDatum(h->options.levels[k]);
			}
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
}

/* ---- the function ------------------------------------------------------------------------- */

/* Takes the bounds from the options, which forget them: nodes are forecast without. */
static void
take_bounds(AugurNest *h)
{
	static const char *const taken[] = {"lower_bound", "upper_bound", "integer"};
	const AugAlgorithm *about = aug_forecast_about();
	AugError err;

	augur_check(aug_bounds_read(h->options.params, &h->bounds, &err), &err);
	for (int k = 0; k < lengthof(taken); k++)
	{
		for (uint32 i = 0; i < about->n_params; i++)
		{
			if (strcmp(about->params[i].name, taken[k]) == 0)
				augur_check(
					aug_params_set(h->options.params, taken[k], about->params[i].fallback, &err),
					&err);
		}
	}
}

static AugurHow
read_how(const char *name)
{
	for (int i = 0; i < lengthof(how_names); i++)
	{
		if (strcmp(how_names[i], name) == 0)
			return (AugurHow) i;
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no way to reconcile called \"%s\"", name),
					errhint("Ways are \"bottom_up\", \"top_down\", \"mint_diagonal\", "
							"\"mint_shrink\", and \"none\".")));
}

static AugurStamp
read_stamp(Oid type)
{
	if (type != DATEOID && type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("a time column has type date, timestamp or timestamptz")));
	return type == DATEOID		  ? AUGUR_STAMP_DATE
		   : type == TIMESTAMPOID ? AUGUR_STAMP_TIMESTAMP
								  : AUGUR_STAMP_TIMESTAMPTZ;
}

static void
read_arguments(AugurNest *h, FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(h->context);
	int32 horizon = PG_GETARG_INT32(2);

	if (horizon < 1 || horizon > AUG_MAX_HORIZON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("horizon must be between 1 and %d", AUG_MAX_HORIZON)));
	h->horizon = (uint32) horizon;
	h->how = read_how(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	augur_forecast_options_read(&h->options, PG_GETARG_JSONB_P(4), read_stamp(PG_GETARG_OID(1)),
								AUGUR_FORECAST_ONLY);
	take_bounds(h);
	MemoryContextSwitchTo(old);
}

/* (query of leaves, type of time, horizon, reconcile, options); strict */
Datum
augur_hierarchy_forecast(PG_FUNCTION_ARGS)
{
	AugurNest h = {0};
	ReturnSetInfo *result;
	Datum empty;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	h.context =
		AllocSetContextCreate(CurrentMemoryContext, "augur hierarchy", ALLOCSET_DEFAULT_SIZES);
	read_arguments(&h, fcinfo);
	augur_nest_read(&h, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	augur_nest_lay(&h);
	if (h.how == HOW_SHRUNK && h.n > MOST_SHRUNK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("\"mint_shrink\" is for at most %d series, totals included, not %u",
							   MOST_SHRUNK, h.n),
						errhint("reconcile => 'mint_diagonal' takes any number.")));
	augur_nest_tell(&h);
	forecast_nodes(&h);
	reconcile(&h);
	finish_forecasts(&h);
	empty = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	for (uint32 i = 0; i < h.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_node(&h, i, empty, result);
	}
	MemoryContextDelete(h.context);
	return (Datum) 0;
}
