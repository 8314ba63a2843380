/*-------------------------------------------------------------------------
 *
 * label.c
 *		Labels of any type as text, so that they can be compared and counted.
 *
 * Labels are compared as the text that their types print; numbers of different types as
 * numbers, and a text beside a boolean by what it means.
 *
 * Memory: types per call site, texts in the current context.  Interrupts: none.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "metric.h"

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == FLOAT4OID ||
		   type == FLOAT8OID || type == NUMERICOID;
}

AugurLabelTypes *
augur_label_types(FunctionCallInfo fcinfo, int a, int b)
{
	AugurLabelTypes *types = fcinfo->flinfo->fn_extra;
	int args[2] = {a, b};

	if (types != NULL)
		return types;
	types = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(AugurLabelTypes));
	for (int i = 0; i < 2; i++)
	{
		AugurLabelType *t = &types->side[i];
		Oid out;
		bool is_varlena;

		t->type = get_fn_expr_argtype(fcinfo->flinfo, args[i]);
		if (!OidIsValid(t->type))
			ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
							errmsg("could not determine the type of a label")));
		t->type = getBaseType(t->type);
		t->is_text = t->type == TEXTOID || t->type == VARCHAROID;
		getTypeOutputInfo(t->type, &out, &is_varlena);
		fmgr_info_cxt(out, &t->out, fcinfo->flinfo->fn_mcxt);
	}
	for (int i = 0; i < 2; i++)
		types->side[i].to_bool = types->side[1 - i].type == BOOLOID &&
								 types->side[i].type != BOOLOID;
	types->side[0].to_number = types->side[1].to_number =
		(types->side[0].type != types->side[1].type || types->side[0].type == NUMERICOID) &&
		is_number(types->side[0].type) && is_number(types->side[1].type);
	fcinfo->flinfo->fn_extra = types;
	return types;
}

AugurLabel
augur_label_of(AugurLabelType *t, Datum value)
{
	AugurLabel label;

	if (t->type == BOOLOID)
	{
		/* as training names the classes */
		label.bytes = DatumGetBool(value) ? "true" : "false";
		label.length = (int) strlen(label.bytes);
	}
	else if (t->is_text)
	{
		struct varlena *v = PG_DETOAST_DATUM_PACKED(value);

		label.bytes = VARDATA_ANY(v);
		label.length = VARSIZE_ANY_EXHDR(v);
	}
	else
	{
		label.bytes = OutputFunctionCall(&t->out, value);
		label.length = strlen(label.bytes);
	}
	if (t->to_number)
	{
		Datum number = DirectFunctionCall3(numeric_in, CStringGetDatum(label.bytes),
										   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

		number = DirectFunctionCall1(numeric_trim_scale, number);
		label.bytes = DatumGetCString(DirectFunctionCall1(numeric_out, number));
		label.length = strlen(label.bytes);
	}
	/* char(n) prints its padding, which is no part of the value */
	if (t->type == BPCHAROID)
	{
		while (label.length > 0 && label.bytes[label.length - 1] == ' ')
			label.length--;
	}
	if (t->to_bool)
	{
		bool truth;

		if (parse_bool_with_len(label.bytes, label.length, &truth))
		{
			label.bytes = truth ? "true" : "false";
			label.length = (int) strlen(label.bytes);
		}
	}
	return label;
}

bool
augur_label_same(AugurLabel a, AugurLabel b)
{
	return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

bool
augur_labels_equal(FunctionCallInfo fcinfo, int a, int b)
{
	AugurLabelTypes *types = augur_label_types(fcinfo, a, b);

	return augur_label_same(augur_label_of(&types->side[0], fcinfo->args[a].value),
							augur_label_of(&types->side[1], fcinfo->args[b].value));
}
