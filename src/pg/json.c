/*-------------------------------------------------------------------------
 *
 * json.c
 *		predict_json: scores a request as drivers and HTTP services send it, an
 *		object of column values, and answers with an object that says everything.
 *
 * A real request rarely has all columns: an absent key or null is a missing value,
 * which the model has learnt to handle, and is reported; so is a category that
 * training did not have, and a key that is no column of the model.  A value of the
 * wrong kind is an error that names its key.
 *
 * Memory: in the caller's context, a request's worth.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "json.h"

AUGUR_FUNCTION(augur_predict_json);

#define JSON_LEVEL 0.9 /* of the interval; predict_full's default */

/* ---- writing ---------------------------------------------------------------- */

void
augur_json_number(StringInfo json, double number)
{
	char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!isfinite(number))
	{
		appendStringInfoString(json, "null");
		return;
	}
	double_to_shortest_decimal_buf(number, digits);
	appendStringInfoString(json, digits);
}

void
augur_json_key(StringInfo json, const char *key)
{
	if (json->len > 0 && json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	escape_json(json, key);
	appendStringInfoChar(json, ':');
}

void
augur_json_string(StringInfo json, const char *string)
{
	if (string == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, string);
}

void
augur_json_probabilities(StringInfo json, const AugurLayout *layout)
{
	appendStringInfoChar(json, '{');
	for (uint32 i = 0; i < layout->info->n_classes; i++)
	{
		augur_json_key(json, layout->info->class_names[i]);
		augur_json_number(json, layout->out[i]);
	}
	appendStringInfoChar(json, '}');
}

Datum
augur_json_datum(StringInfo json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}

/*
 * The names of the columns that chosen() picks, as an array.
 */
static void
write_columns(StringInfo json, const AugurLayout *layout,
			  bool (*chosen)(const AugurLayout *, int, const double *))
{
	bool first = true;

	appendStringInfoChar(json, '[');
	for (int c = 0; c < layout->n_columns; c++)
	{
		if (!chosen(layout, c, layout->x))
			continue;
		if (!first)
			appendStringInfoChar(json, ',');
		first = false;
		escape_json(json, layout->columns[c].name);
	}
	appendStringInfoChar(json, ']');
}

/* ---- reading values ----------------------------------------------------------- */

/* Error context: which key of the request was being read. */
static void
key_context(void *arg)
{
	errcontext("key \"%s\" of the request", (const char *) arg);
}

static void
fail_kind(const AugurColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("value of key \"%s\" cannot be read as %s", column->name, column->type_name)));
}

/*
 * Type that a string is read as, from the type that training recorded.
 */
static Oid
column_type(const AugurColumn *column)
{
	switch (column->family)
	{
		case AUGUR_FAMILY_BOOL:
			return BOOLOID;
		case AUGUR_FAMILY_INTERVAL:
			return INTERVALOID;
		case AUGUR_FAMILY_TIME:
			return strstr(column->type_name, "with time zone") ? TIMETZOID : TIMEOID;
		case AUGUR_FAMILY_DATE:
			if (strcmp(column->type_name, "date") == 0)
				return DATEOID;
			return strstr(column->type_name, "with time zone") ? TIMESTAMPTZOID : TIMESTAMPOID;
		default:
			return FLOAT8OID;
	}
}

/*
 * Text of a scalar, as a category: the level's bytes.
 */
static const char *
scalar_text(const AugurColumn *column, const JsonbValue *value, int *length)
{
	char *text;

	switch (value->type)
	{
		case jbvString:
			*length = value->val.string.len;
			text = value->val.string.val;
			/* char(n) does not count trailing blanks */
			if (strncmp(column->type_name, "character", 9) == 0 &&
				strncmp(column->type_name, "character varying", 17) != 0)
				while (*length > 0 && text[*length - 1] == ' ')
					(*length)--;
			return text;
		case jbvBool:
			text = pstrdup(value->val.boolean ? "true" : "false");
			break;
		case jbvNumeric:
			text = DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			break;
		default:
			fail_kind(column);
			return NULL;
	}
	*length = (int) strlen(text);
	return text;
}

/*
 * A scalar as a value of the type that its column's features are computed from.
 */
static Datum
scalar_datum(const AugurColumn *column, const JsonbValue *value, Oid type)
{
	Oid input;
	Oid param;
	double number;

	if (value->type == jbvString)
	{
		getTypeInputInfo(type, &input, &param);
		return OidInputFunctionCall(input, pnstrdup(value->val.string.val, value->val.string.len),
									param, -1);
	}
	if (value->type == jbvBool && type == BOOLOID)
		return BoolGetDatum(value->val.boolean);
	if (value->type == jbvBool && column->family == AUGUR_FAMILY_OTHER)
		return Float8GetDatum(value->val.boolean ? 1 : 0);
	if (value->type == jbvNumeric && (type == FLOAT8OID || type == BOOLOID))
	{
		number = DatumGetFloat8(
			DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
		if (type == FLOAT8OID)
			return Float8GetDatum(number);
		if (number == 0 || number == 1)
			return BoolGetDatum(number == 1);
	}
	fail_kind(column);
	return (Datum) 0;
}

/*
 * The features of a scalar column.
 */
static void
read_scalar(AugurLayout *layout, const AugurColumn *column, const JsonbValue *value)
{
	Oid type = column_type(column);
	AugurSource src;
	Datum datum = (Datum) 0;
	bool have = false;

	for (uint32 f = column->first; f < column->first + column->count; f++)
	{
		const AugFeature *feature = &layout->info->features[f];

		if (feature->kind == AUG_CATEGORICAL_FEATURE)
		{
			int length;
			const char *text = scalar_text(column, value, &length);

			layout->x[f] = aug_model_level(layout->model, f, text, (size_t) length);
			continue;
		}
		if (!have)
		{
			augur_source_init(&src, type, CurrentMemoryContext);
			datum = scalar_datum(column, value, type);
			have = true;
		}
		if (!augur_source_gives(&src, feature->part))
			fail_kind(column);
		layout->x[f] = augur_source_number(&src, datum, feature->part, feature->element);
	}
}

/*
 * The elements of an array column, from an array of numbers and nulls.
 */
static void
read_array(AugurLayout *layout, const AugurColumn *column, const JsonbValue *value)
{
	JsonbContainer *array;
	uint32 n;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		fail_kind(column);
	array = value->val.binary.data;
	n = JsonContainerSize(array);
	if (n < column->elements)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg_plural("array in key \"%s\" has %u element, but %s needs at least %u",
							   "array in key \"%s\" has %u elements, but %s needs at least %u", n,
							   column->name, n, layout->label, column->elements)));
	for (uint32 f = column->first; f < column->first + column->count; f++)
	{
		const JsonbValue *element =
			getIthJsonbValueFromContainer(array, layout->info->features[f].element);

		if (element->type == jbvNull)
			layout->x[f] = NAN;
		else if (element->type == jbvBool)
			layout->x[f] = element->val.boolean ? 1.0 : 0.0;
		else
			layout->x[f] = DatumGetFloat8(scalar_datum(column, element, FLOAT8OID));
	}
}

/*
 * All columns of the model from the object, into layout->x.
 */
static void
read_object(AugurLayout *layout, Jsonb *object)
{
	ErrorContextCallback context;

	context.callback = key_context;
	context.previous = error_context_stack;
	error_context_stack = &context;
	for (int c = 0; c < layout->n_columns; c++)
	{
		const AugurColumn *column = &layout->columns[c];
		JsonbValue *value;

		context.arg = unconstify(char *, column->name);
		value = getKeyJsonValueFromContainer(&object->root, column->name,
											 (int) strlen(column->name), NULL);
		if (value == NULL || value->type == jbvNull)
		{
			for (uint32 f = column->first; f < column->first + column->count; f++)
				layout->x[f] = NAN;
		}
		else if (column->family == AUGUR_FAMILY_ARRAY)
			read_array(layout, column, value);
		else
			read_scalar(layout, column, value);
	}
	error_context_stack = context.previous;
}

/*
 * The keys of the object that are no column of the model, as an array.
 */
static void
write_unknown(StringInfo json, const AugurLayout *layout, Jsonb *object)
{
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbValue value;
	JsonbIteratorToken token;
	bool first = true;

	appendStringInfoChar(json, '[');
	/* the second argument skips what is nested in values */
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char *key;
		bool known = false;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(value.val.string.val, value.val.string.len);
		for (int c = 0; c < layout->n_columns && !known; c++)
			known = strcmp(key, layout->columns[c].name) == 0;
		if (known)
			continue;
		if (!first)
			appendStringInfoChar(json, ',');
		first = false;
		escape_json(json, key);
	}
	appendStringInfoChar(json, ']');
}

/* ---- the function ---------------------------------------------------------------- */

/*
 * The answer's members that depend on the task.
 */
static void
write_answer(StringInfo json, AugurLayout *layout)
{
	AugurAnswer answer;

	augur_score_answer(layout, JSON_LEVEL, &answer);
	if (!isnan(answer.value))
	{
		augur_json_key(json, "value");
		augur_json_number(json, answer.value);
	}
	if (layout->info->task == AUG_CLASSIFICATION)
	{
		augur_json_key(json, "label");
		augur_json_string(json, answer.label);
		augur_json_key(json, "probability");
		augur_json_number(json, answer.probability);
		augur_json_key(json, "probabilities");
		augur_json_probabilities(json, layout);
		return;
	}
	if (isnan(answer.lower))
		return;
	augur_json_key(json, "lower");
	augur_json_number(json, answer.lower);
	augur_json_key(json, "upper");
	augur_json_number(json, answer.upper);
	augur_json_key(json, "level");
	augur_json_number(json, JSON_LEVEL);
}

/*
 * augur.predict_json(model text, features jsonb)
 */
Datum
augur_predict_json(PG_FUNCTION_ARGS)
{
	AugurLayout *layout = augur_site_reference(fcinfo);
	Jsonb *object = PG_GETARG_JSONB_P(1);
	StringInfoData json;

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("features must be a JSON object"),
				 errhint("Give an object of column names and values, as to_jsonb(row) does.")));
	read_object(layout, object);

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	augur_json_key(&json, "model");
	augur_json_string(&json, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	augur_json_key(&json, "version");
	appendStringInfo(&json, "%d", augur_site_model_version(fcinfo));
	write_answer(&json, layout);
	augur_json_key(&json, "missing");
	write_columns(&json, layout, augur_column_missing);
	augur_json_key(&json, "unseen");
	write_columns(&json, layout, augur_column_unseen);
	augur_json_key(&json, "unknown");
	write_unknown(&json, layout, object);
	appendStringInfoChar(&json, '}');
	return augur_json_datum(&json);
}
