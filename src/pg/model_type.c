/*-------------------------------------------------------------------------
 *
 * model_type.c
 *		The type augur.model: a trained model as an SQL value.
 *
 * A value is a varlena whose body is an artifact of the core, byte for byte
 * (docs/format.md).  Its text form is lossless: '\x' and two lower-case hex digits
 * a byte.  Whatever comes from outside is decoded completely before it is accepted;
 * there is no cast from bytea and no other way around that check, so the code that
 * scores may trust that a value has been read once.  It decodes it again all the
 * same, since an artifact is bounded by its own reader only.
 *
 * Memory: the check decodes into a context of its own, gone before the function
 * returns.  Interrupts: the core's reader polls.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "mb/pg_wchar.h"

AUGUR_FUNCTION(augur_model_in);
AUGUR_FUNCTION(augur_model_out);
AUGUR_FUNCTION(augur_model_recv);
AUGUR_FUNCTION(augur_model_send);

/*
 * Checks one string of a model: it may be shown, or be a result.
 */
static bool
string_valid(const char *string)
{
	return string != NULL && pg_verifymbstr(string, (int) strlen(string), true);
}

/*
 * Checks what the core stores for us unread: strings in the server's encoding, codes
 * of parts, elements of arrays.
 */
static AugStatus
check_own_parts(const AugModelInfo *info, AugError *err)
{
	bool valid = string_valid(info->target) && string_valid(info->target_type) &&
				 string_valid(info->params_text);
	bool known = true;

	for (uint32 i = 0; i < info->n_features && valid; i++)
	{
		const AugFeature *f = &info->features[i];

		valid = string_valid(f->name) && string_valid(f->column) && string_valid(f->type_name);
		known = known && f->part <= AUGUR_PART_YEAR && f->element < AUG_MAX_FEATURES &&
				(f->kind == AUG_CATEGORICAL_FEATURE) == (f->part == AUGUR_PART_TEXT);
	}
	for (uint32 i = 0; i < info->n_classes && valid; i++)
		valid = string_valid(info->class_names[i]);
	if (valid && known)
		return AUG_OK;

	err->status = AUG_CORRUPT;
	err->detail[0] = err->hint[0] = '\0';
	if (!valid)
		snprintf(err->message, sizeof(err->message),
				 "model has a name that is not valid in encoding %s", GetDatabaseEncodingName());
	else
		snprintf(err->message, sizeof(err->message), "model has a feature of an unknown part");
	return AUG_CORRUPT;
}

/*
 * Decodes and checks an artifact completely: the core's part, and ours.  Memory is
 * the host's; on failure it holds garbage that goes with its context.
 */
AugStatus
augur_model_decode(AugurHost *host, const uint8_t *bytes, Size length, AugModel **model,
				   AugError *err)
{
	AugStatus status = aug_model_read(&host->host, bytes, length, model, err);

	if (status != AUG_OK)
		return status;
	return check_own_parts(aug_model_info(*model), err);
}

static AugStatus
check_model(AugurHost *host, const uint8_t *bytes, Size length, AugError *err)
{
	AugModel *model;

	return augur_model_decode(host, bytes, length, &model, err);
}

/*
 * The value that holds an artifact: a copy, in CurrentMemoryContext.  The bytes are
 * not checked: they come from the core or have passed check_model.
 */
struct varlena *
augur_model_value(const uint8_t *bytes, Size length)
{
	struct varlena *value;

	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model of %zu bytes is too large for one value", length),
				 errdetail("A value holds at most %zu bytes.", (Size) (MaxAllocSize - VARHDRSZ)),
				 errhint("Train fewer or shallower trees, or store the model with augur.train.")));
	value = palloc(length + VARHDRSZ);
	SET_VARSIZE(value, length + VARHDRSZ);
	memcpy(VARDATA(value), bytes, length);
	return value;
}

/*
 * augur.model_in(cstring): text to model.
 */
Datum
augur_model_in(PG_FUNCTION_ARGS)
{
	return augur_stored_in(fcinfo, "augur.model", check_model);
}

/*
 * augur.model_out(augur.model): model to text.
 */
Datum
augur_model_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(augur_hex_write(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)), "model"));
}

/*
 * augur.model_recv(internal): the artifact itself is the binary form.
 */
Datum
augur_model_recv(PG_FUNCTION_ARGS)
{
	return augur_stored_recv(fcinfo, "augur.model", check_model);
}

/*
 * augur.model_send(augur.model): the artifact, as bytea.
 */
Datum
augur_model_send(PG_FUNCTION_ARGS)
{
	return augur_stored_send(fcinfo);
}
