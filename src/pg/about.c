/*-------------------------------------------------------------------------
 *
 * about.c
 *		What a model tells about itself: augur.features and augur.model_info.
 *
 * Memory: results are a few lines, in the caller's context.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "json.h"
#include "scoring.h"

AUGUR_FUNCTION(augur_about_features);
AUGUR_FUNCTION(augur_about_model);
AUGUR_FUNCTION(augur_about_value);

#define FEATURE_COLUMNS 7

/*
 * Word for what a feature takes from its column.
 */
static const char *
part_word(const AugFeature *feature)
{
	const char *name = augur_part_name(feature->part);

	if (name != NULL)
		return name;
	return feature->part == AUGUR_PART_ELEMENT ? "element"
		   : feature->part == AUGUR_PART_TEXT  ? "text"
											   : "value";
}

/*
 * augur.features(model text): one row per feature, in the model's order.
 */
Datum
augur_about_features(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *reference = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const AugModelInfo *info;

	InitMaterializedSRF(fcinfo, 0);
	info = aug_model_info(augur_pin_model(augur_cache_get(reference, CurrentMemoryContext)));
	for (uint32 i = 0; i < info->n_features; i++)
	{
		const AugFeature *f = &info->features[i];
		bool categorical = f->kind == AUG_CATEGORICAL_FEATURE;
		Datum values[FEATURE_COLUMNS];
		bool nulls[FEATURE_COLUMNS] = {false};

		values[0] = Int32GetDatum((int32) i + 1);
		values[1] = CStringGetTextDatum(f->name);
		values[2] = CStringGetTextDatum(f->column);
		values[3] = CStringGetTextDatum(f->type_name);
		values[4] = CStringGetTextDatum(part_word(f));
		values[5] = CStringGetTextDatum(categorical ? "categorical" : "numeric");
		nulls[6] = !categorical;
		values[6] = Int32GetDatum((int32) f->n_levels);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * The hyperparameters as an object; values as text, as the parameter table has them.
 */
static void
write_params(StringInfo json, const AugModelInfo *info)
{
	AugurHost host;
	AugParams *params;
	AugError err = {0};

	augur_host_init(&host, CurrentMemoryContext);
	augur_check(aug_params_parse(&host.host, info->algorithm, info->params_text, &params, &err),
				&err);
	appendStringInfoChar(json, '{');
	for (uint32 i = 0; i < info->algorithm->n_params; i++)
	{
		augur_json_key(json, info->algorithm->params[i].name);
		augur_json_string(json, aug_params_value(params, i));
	}
	appendStringInfoChar(json, '}');
	aug_params_free(params);
}

static void
write_number(StringInfo json, const char *key, double number)
{
	augur_json_key(json, key);
	augur_json_number(json, number);
}

/*
 * Members that only a classifier, or only a regression, has.
 */
static void
write_target(StringInfo json, const AugModelInfo *info)
{
	bool classes = info->task == AUG_CLASSIFICATION;

	augur_json_key(json, "task");
	augur_json_string(json, classes ? "classification" : "regression");
	augur_json_key(json, "target");
	augur_json_string(json, info->target);
	augur_json_key(json, "target_type");
	augur_json_string(json, info->target_type);
	if (!classes)
	{
		write_number(json, "mean", info->base);
		augur_json_key(json, "interval");
		appendStringInfoString(json, info->has_interval ? "true" : "false");
		return;
	}
	augur_json_key(json, "classes");
	appendStringInfoChar(json, '{');
	for (uint32 i = 0; i < info->n_classes; i++)
		write_number(json, info->class_names[i], info->class_share ? info->class_share[i] : NAN);
	appendStringInfoChar(json, '}');
}

/* What each feature is worth, as a share of all. */
static void
write_importance(StringInfo json, const AugModelInfo *info)
{
	if (info->importance == NULL)
		return;
	augur_json_key(json, "importance");
	appendStringInfoChar(json, '{');
	for (uint32 i = 0; i < info->n_features; i++)
		write_number(json, info->features[i].name, info->importance[i]);
	appendStringInfoChar(json, '}');
}

/*
 * A model as jsonb: what it was made of and how well it fitted.
 */
static Datum
model_json(const AugModelInfo *info)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	augur_json_key(&json, "algorithm");
	augur_json_string(&json, info->algorithm->name);
	write_target(&json, info);
	augur_json_key(&json, "params");
	write_params(&json, info);
	augur_json_key(&json, "seed");
	appendStringInfo(&json, UINT64_FORMAT, (uint64) info->seed);
	augur_json_key(&json, "rows");
	appendStringInfo(&json, UINT64_FORMAT, (uint64) info->n_rows);
	augur_json_key(&json, "features");
	appendStringInfo(&json, "%u", info->n_features);
	augur_json_key(&json, "trees");
	appendStringInfo(&json, "%u", info->fit.n_trees);
	augur_json_key(&json, "nodes");
	appendStringInfo(&json, UINT64_FORMAT, (uint64) info->fit.n_nodes);
	write_number(&json, "oob_error", info->fit.oob_error);
	write_number(&json, "oob_score", info->fit.oob_score);
	augur_json_key(&json, "oob_rows");
	appendStringInfo(&json, "%u", info->fit.oob_rows);
	if (!isnan(info->fit.validation_loss))
	{
		augur_json_key(&json, "rounds_run");
		appendStringInfo(&json, "%u", info->fit.rounds_run);
		write_number(&json, "validation_loss", info->fit.validation_loss);
	}
	write_importance(&json, info);
	augur_json_key(&json, "memory");
	appendStringInfo(&json, "%zu", info->memory);
	appendStringInfoChar(&json, '}');
	return augur_json_datum(&json);
}

/*
 * augur.model_info(model text)
 */
Datum
augur_about_model(PG_FUNCTION_ARGS)
{
	char *reference = text_to_cstring(PG_GETARG_TEXT_PP(0));
	AugurModelPin *pin = augur_cache_get(reference, CurrentMemoryContext);

	return model_json(aug_model_info(augur_pin_model(pin)));
}

/*
 * augur.model_info(model augur.model)
 */
Datum
augur_about_value(PG_FUNCTION_ARGS)
{
	return model_json(augur_site_value(fcinfo)->info);
}
