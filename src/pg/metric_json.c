/*-------------------------------------------------------------------------
 *
 * metric_json.c
 *		How metrics write their jsonb results: an array of objects, as text that the
 *		server's own parser then reads.
 *
 * Memory: the caller's current context.  Interrupts: the callers' loops check.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "metric.h"

void
augur_result_begin(StringInfo json)
{
	initStringInfo(json);
	appendStringInfoChar(json, '[');
}

/* Closes the object before, if there is one, and opens the next. */
void
augur_result_item(StringInfo json)
{
	appendStringInfoString(json, json->len > 1 ? "},{" : "{");
}

static void
json_key(StringInfo json, const char *key)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	appendStringInfo(json, "\"%s\":", key);
}

void
augur_result_number(StringInfo json, const char *key, double value)
{
	json_key(json, key);
	if (isfinite(value))
		appendStringInfoString(json, float8out_internal(value));
	else
		appendStringInfoString(json, "null");
}

void
augur_result_text(StringInfo json, const char *key, const char *value)
{
	json_key(json, key);
	escape_json(json, value);
}

Datum
augur_result_end(StringInfo json)
{
	appendStringInfoString(json, json->len > 1 ? "}]" : "]");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}
