/*-------------------------------------------------------------------------
 *
 * algorithms.c
 *		What the core can do, as SQL: algorithms, hyperparameters, version.
 *
 * All of it is read from the core's own tables, so a new algorithm shows up here
 * without a change to this layer.
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static bool version_checked = false;

AUGUR_FUNCTION(augur_algorithms_list);
AUGUR_FUNCTION(augur_algorithms_params);
AUGUR_FUNCTION(augur_algorithms_version);
AUGUR_FUNCTION(augur_forecast_methods);

/*
 * augur._algorithms(): one row for each.
 */
Datum
augur_algorithms_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < aug_algorithm_count(); i++)
	{
		const AugAlgorithm *algorithm = aug_algorithm_at(i);
		Datum values[5];
		bool nulls[5] = {0};

		values[0] = CStringGetTextDatum(algorithm->name);
		values[1] = CStringGetTextDatum(algorithm->title);
		values[2] = BoolGetDatum(algorithm->classification);
		values[3] = BoolGetDatum(algorithm->regression);
		values[4] = CStringGetTextDatum(algorithm->help);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static const char *
param_type_name(AugParamType type)
{
	switch (type)
	{
		case AUG_PARAM_INT:
			return "integer";
		case AUG_PARAM_REAL:
			return "number";
		case AUG_PARAM_BOOL:
			return "boolean";
		case AUG_PARAM_CHOICE:
			return "word";
		case AUG_PARAM_MIXED:
			return "word or number";
		case AUG_PARAM_MAP:
			return "word or object";
	}
	return "unknown";
}

/* "a|b|c" as a text[]. */
static Datum
choices_array(const char *choices)
{
	List *words = NIL;

	while (*choices)
	{
		size_t length = strcspn(choices, "|");

		words = lappend(words, pnstrdup(choices, length));
		choices += length + (choices[length] == '|');
	}
	return augur_text_array(words);
}

static void
put_params(ReturnSetInfo *rsinfo, const AugAlgorithm *algorithm)
{
	for (uint32 i = 0; i < algorithm->n_params; i++)
	{
		const AugParamSpec *spec = &algorithm->params[i];
		bool ranged = spec->type == AUG_PARAM_INT || spec->type == AUG_PARAM_REAL ||
					  spec->type == AUG_PARAM_MIXED;
		Datum values[8];
		bool nulls[8] = {0};

		values[0] = CStringGetTextDatum(algorithm->name);
		values[1] = CStringGetTextDatum(spec->name);
		values[2] = CStringGetTextDatum(param_type_name(spec->type));
		values[3] = CStringGetTextDatum(spec->fallback);
		nulls[4] = !ranged || !isfinite(spec->lo);
		values[4] = Float8GetDatum(spec->lo);
		nulls[5] = !ranged || !isfinite(spec->hi);
		values[5] = Float8GetDatum(spec->hi);
		nulls[6] = spec->choices == NULL;
		values[6] = nulls[6] ? (Datum) 0 : choices_array(spec->choices);
		values[7] = CStringGetTextDatum(spec->help);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * augur.hyperparameters(algorithm): those of one algorithm, of "forecast", of
 * "global_boosting", of a detector, or of all for NULL.
 */
Datum
augur_algorithms_params(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (!PG_ARGISNULL(0))
	{
		char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

		put_params(rsinfo, strcmp(name, aug_forecast_about()->name) == 0 ? aug_forecast_about()
						   : strcmp(name, aug_panel_about()->name) == 0	 ? aug_panel_about()
						   : aug_detector_find(name) != NULL			 ? aug_detector_find(name)
															 : augur_arguments_algorithm(name));
		return (Datum) 0;
	}
	for (uint32 i = 0; i < aug_algorithm_count(); i++)
		put_params(rsinfo, aug_algorithm_at(i));
	put_params(rsinfo, aug_forecast_about());
	put_params(rsinfo, aug_panel_about());
	for (uint32 i = 0; i < aug_detector_count(); i++)
		put_params(rsinfo, aug_detector_at(i));
	return (Datum) 0;
}

/*
 * augur._forecast_methods(): one row for each.
 */
Datum
augur_forecast_methods(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < aug_forecast_method_count(); i++)
	{
		const AugForecastMethod *method = aug_forecast_method_at(i);
		Datum values[6];
		bool nulls[6] = {0};

		values[0] = CStringGetTextDatum(method->name);
		values[1] = CStringGetTextDatum(method->title);
		values[2] = BoolGetDatum(method->seasonal);
		values[3] = BoolGetDatum(method->regressors);
		values[4] = CStringGetTextDatum(method->help);
		values[5] = CStringGetTextDatum(method->reference);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * augur.version(): that of the library, which can be newer than the SQL objects.
 */
Datum
augur_algorithms_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(AUGUR_VERSION));
}

/*
 * Compares the library's version with that of the SQL objects, once per
 * connection.  They differ after an upgrade of the package until ALTER EXTENSION.
 */
void
augur_version_check(void)
{
	char *installed;

	if (version_checked)
		return;
	SPI_connect();
	if (SPI_execute("SELECT extversion::pg_catalog.text FROM pg_catalog.pg_extension "
					"WHERE extname OPERATOR(pg_catalog.=) 'augur'",
					true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_extension");
	installed = SPI_processed == 1 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)
								   : NULL;
	if (installed != NULL && strcmp(installed, AUGUR_VERSION) != 0)
		ereport(WARNING,
				(errmsg("augur's library is version %s, but its SQL objects are version %s",
						AUGUR_VERSION, installed),
				 errhint("Run ALTER EXTENSION augur UPDATE in this database, and reconnect.")));
	version_checked = true;
	SPI_finish();
}
