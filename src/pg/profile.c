/*-------------------------------------------------------------------------
 *
 * profile.c
 *		The type augur.profile, and what can be asked of a value.
 *
 * A value is the core's bytes of a profile (docs/format.md).  Functions decode it into a
 * context that goes with the call: some 50 kB, which takes some 20 microseconds.
 *
 * Memory: as said.  Interrupts: none are needed.
 *
 *-------------------------------------------------------------------------
 */
#include "profile.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_profile_in);
AUGUR_FUNCTION(augur_profile_out);
AUGUR_FUNCTION(augur_profile_recv);
AUGUR_FUNCTION(augur_profile_send);
AUGUR_FUNCTION(augur_profile_merge);
AUGUR_FUNCTION(augur_profile_info);
AUGUR_FUNCTION(augur_profile_quantiles);
AUGUR_FUNCTION(augur_profile_rank);
AUGUR_FUNCTION(augur_profile_labels);
AUGUR_FUNCTION(augur_profile_difference);
AUGUR_FUNCTION(augur_profile_kind_of);

#define INFO_COLUMNS	   18
#define LABEL_COLUMNS	   3
#define DIFFERENCE_COLUMNS 19
#define TYPE_NAME		   "augur.profile"

static const char *const tag_name[] = {
	[AUGUR_PROFILE_NUMBER] = "number",	   [AUGUR_PROFILE_BOOLEAN] = "boolean",
	[AUGUR_PROFILE_DATE] = "date",		   [AUGUR_PROFILE_TIMESTAMP] = "timestamp",
	[AUGUR_PROFILE_DURATION] = "duration", [AUGUR_PROFILE_TEXT] = "text",
};

/* An opened profile. */
typedef struct Opened
{
	AugurHost host;
	AugProfile *profile;
} Opened;

/* ---- for the other files ---------------------------------------------------- */

bool
augur_profile_tag(AugurClass cls, AugurProfileTag *tag)
{
	switch (cls)
	{
		case AUGUR_CLASS_NONE:
		case AUGUR_CLASS_ARRAY:
			return false;
		case AUGUR_CLASS_BOOL:
			*tag = AUGUR_PROFILE_BOOLEAN;
			return true;
		case AUGUR_CLASS_INT2:
		case AUGUR_CLASS_INT4:
		case AUGUR_CLASS_INT8:
		case AUGUR_CLASS_FLOAT4:
		case AUGUR_CLASS_FLOAT8:
		case AUGUR_CLASS_NUMERIC:
		case AUGUR_CLASS_MONEY:
			*tag = AUGUR_PROFILE_NUMBER;
			return true;
		case AUGUR_CLASS_TIME:
		case AUGUR_CLASS_TIMETZ:
		case AUGUR_CLASS_INTERVAL:
			*tag = AUGUR_PROFILE_DURATION;
			return true;
		case AUGUR_CLASS_DATE:
			*tag = AUGUR_PROFILE_DATE;
			return true;
		case AUGUR_CLASS_TIMESTAMP:
			*tag = AUGUR_PROFILE_TIMESTAMP;
			return true;
		case AUGUR_CLASS_TEXT:
		case AUGUR_CLASS_BPCHAR:
		case AUGUR_CLASS_NAME:
		case AUGUR_CLASS_ENUM:
		case AUGUR_CLASS_OUTPUT:
			*tag = AUGUR_PROFILE_TEXT;
			return true;
	}
	return false;
}

AugProfileKind
augur_profile_kind(AugurProfileTag tag)
{
	return tag == AUGUR_PROFILE_BOOLEAN || tag == AUGUR_PROFILE_TEXT ? AUG_PROFILE_WORDS
																	 : AUG_PROFILE_NUMBERS;
}

AugProfile *
augur_profile_new(AugurHost *host, AugurProfileTag tag)
{
	AugProfile *profile;
	AugError err;

	augur_check(aug_profile_new(&host->host, augur_profile_kind(tag), tag, &profile, &err), &err);
	return profile;
}

AugStatus
augur_profile_decode(AugurHost *host, const uint8_t *bytes, Size length, AugProfile **profile,
					 AugError *err)
{
	AugStatus status = aug_profile_read(&host->host, bytes, length, profile, err);
	AugProfileInfo info;

	if (status == AUG_OK)
		status = aug_profile_info(*profile, &info, err);
	if (status == AUG_OK && (info.tag < AUGUR_PROFILE_NUMBER || info.tag > AUGUR_PROFILE_TEXT ||
							 augur_profile_kind((AugurProfileTag) info.tag) != info.kind))
	{
		*err = (AugError){.status = AUG_CORRUPT, .message = "profile is of an unknown type"};
		status = AUG_CORRUPT;
	}
	return status;
}

struct varlena *
augur_profile_value(AugurHost *host, AugProfile *profile)
{
	uint8_t *bytes;
	size_t length;
	AugError err;
	struct varlena *value;

	augur_check(aug_profile_store(profile, &bytes, &length, &err), &err);
	value = augur_stored_value(TYPE_NAME, bytes, length);
	host->host.release(host->host.arg, bytes);
	return value;
}

/* ---- the type ----------------------------------------------------------------- */

static AugStatus
check_profile(AugurHost *host, const uint8_t *bytes, Size length, AugError *err)
{
	AugProfile *profile;

	return augur_profile_decode(host, bytes, length, &profile, err);
}

/*
 * augur.profile_in(cstring)
 */
Datum
augur_profile_in(PG_FUNCTION_ARGS)
{
	return augur_stored_in(fcinfo, TYPE_NAME, check_profile);
}

/*
 * augur.profile_out(augur.profile)
 */
Datum
augur_profile_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(augur_hex_write(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)), "profile"));
}

/*
 * augur.profile_recv(internal)
 */
Datum
augur_profile_recv(PG_FUNCTION_ARGS)
{
	return augur_stored_recv(fcinfo, TYPE_NAME, check_profile);
}

/*
 * augur.profile_send(augur.profile)
 */
Datum
augur_profile_send(PG_FUNCTION_ARGS)
{
	return augur_stored_send(fcinfo);
}

/* ---- asking --------------------------------------------------------------------- */

/* The profile in argument arg. */
static void
open_argument(FunctionCallInfo fcinfo, int arg, Opened *opened)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(arg));
	AugError err;

	augur_host_init(&opened->host, CurrentMemoryContext);
	augur_check(augur_profile_decode(&opened->host, (const uint8_t *) VARDATA_ANY(value),
									 VARSIZE_ANY_EXHDR(value), &opened->profile, &err),
				&err);
}

static AugProfileInfo
info_of(const Opened *opened)
{
	AugProfileInfo info;
	AugError err;

	augur_check(aug_profile_info(opened->profile, &info, &err), &err);
	return info;
}

/*
 * augur.profile_merge(augur.profile, augur.profile)
 */
Datum
augur_profile_merge(PG_FUNCTION_ARGS)
{
	Opened a, b;
	AugError err;

	open_argument(fcinfo, 0, &a);
	open_argument(fcinfo, 1, &b);
	if (info_of(&a).tag != info_of(&b).tag)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("profiles of a %s and of a %s cannot be merged",
							   tag_name[info_of(&a).tag], tag_name[info_of(&b).tag])));
	augur_check(aug_profile_merge(a.profile, b.profile, &err), &err);
	PG_RETURN_POINTER(augur_profile_value(&a.host, a.profile));
}

static TupleDesc
result_columns(FunctionCallInfo fcinfo, int n, const char *type)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != n)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type %s does not have the columns this library fills", type),
						errhint("Run ALTER EXTENSION augur UPDATE.")));
	return BlessTupleDesc(desc);
}

static void
set_number(Datum *values, bool *nulls, int *column, double v)
{
	nulls[*column] = isnan(v);
	values[(*column)++] = Float8GetDatum(v);
}

static void
set_count(Datum *values, int *column, uint64 n)
{
	values[(*column)++] = Int64GetDatum((int64) n);
}

/* Days since 2000-01-01 as a timestamp; null for what is none. */
static void
set_time(Datum *values, bool *nulls, int *column, const AugProfileInfo *info, double days)
{
	double microseconds = days * (double) USECS_PER_DAY;
	bool known = (info->tag == AUGUR_PROFILE_DATE || info->tag == AUGUR_PROFILE_TIMESTAMP) &&
				 microseconds >= (double) MIN_TIMESTAMP && microseconds < (double) END_TIMESTAMP;

	nulls[*column] = !known;
	values[(*column)++] = TimestampGetDatum(known ? (Timestamp) rint(microseconds) : 0);
}

/*
 * augur.profile_info(augur.profile): augur.profile_summary
 */
Datum
augur_profile_info(PG_FUNCTION_ARGS)
{
	TupleDesc desc = result_columns(fcinfo, INFO_COLUMNS, "augur.profile_summary");
	Datum values[INFO_COLUMNS];
	bool nulls[INFO_COLUMNS] = {false};
	AugProfileInfo info;
	Opened opened;
	bool labels;
	int c = 0;

	open_argument(fcinfo, 0, &opened);
	info = info_of(&opened);
	labels = info.kind == AUG_PROFILE_WORDS;
	values[c++] = CStringGetTextDatum(tag_name[info.tag]);
	set_count(values, &c, info.n);
	set_count(values, &c, info.nulls);
	set_count(values, &c, info.nans);
	set_count(values, &c, info.infinite);
	values[c++] = BoolGetDatum(info.exact);
	set_count(values, &c, (uint64) info.distinct);
	set_number(values, nulls, &c, info.low);
	set_number(values, nulls, &c, info.high);
	set_number(values, nulls, &c, info.mean);
	set_number(values, nulls, &c, info.sd);
	set_number(values, nulls, &c, info.skewness);
	set_number(values, nulls, &c, info.kurtosis);
	set_time(values, nulls, &c, &info, info.low);
	set_time(values, nulls, &c, &info, info.high);
	nulls[c] = nulls[c + 1] = nulls[c + 2] = !labels;
	set_count(values, &c, info.n_labels);
	set_count(values, &c, info.other);
	set_count(values, &c, info.label_error);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * augur.profile_quantiles(augur.profile, float8[]): float8[], null for a share that is null
 */
Datum
augur_profile_quantiles(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Datum *elements;
	bool *nulls;
	int n, at[1] = {1}, size[1];
	double *share, *out;
	Opened opened;
	AugError err;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements,
					  &nulls, &n);
	share = palloc_array(double, n + 1);
	out = palloc_array(double, n + 1);
	for (int i = 0; i < n; i++)
	{
		share[i] = nulls[i] ? 0 : DatumGetFloat8(elements[i]);
		if (!(share[i] >= 0 && share[i] <= 1))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("share must be between 0 and 1, not %g", share[i])));
	}
	open_argument(fcinfo, 0, &opened);
	if (info_of(&opened).kind != AUG_PROFILE_NUMBERS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a profile of a %s has no quantiles", tag_name[info_of(&opened).tag]),
				 errhint("augur.profile_labels tells its most frequent values.")));
	augur_check(aug_profile_quantiles(opened.profile, share, (size_t) n, out, &err), &err);
	for (int i = 0; i < n; i++)
	{
		nulls[i] = nulls[i] || isnan(out[i]);
		elements[i] = Float8GetDatum(out[i]);
	}
	size[0] = n;
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(elements, nulls, 1, size, at, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * augur.profile_rank(augur.profile, float8): share of values that are at most that
 */
Datum
augur_profile_rank(PG_FUNCTION_ARGS)
{
	double v = PG_GETARG_FLOAT8(1), share;
	Opened opened;
	AugError err;

	open_argument(fcinfo, 0, &opened);
	if (info_of(&opened).kind != AUG_PROFILE_NUMBERS)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("values of a %s have no order in a profile",
							   tag_name[info_of(&opened).tag])));
	augur_check(aug_profile_ranks(opened.profile, &v, 1, &share, &err), &err);
	if (isnan(share))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(share);
}

/* A label for people: cut, or not in the encoding of this database, it says so. */
static Datum
label_text(const AugProfileLabel *label)
{
	StringInfoData text;

	initStringInfo(&text);
	if (pg_verify_mbstr(GetDatabaseEncoding(), label->bytes, (int) label->length, true))
		appendBinaryStringInfo(&text, label->bytes, (int) label->length);
	else
		for (uint32 i = 0; i < label->length; i++)
		{
			unsigned char c = (unsigned char) label->bytes[i];

			if (c >= ' ' && c < 127)
				appendStringInfoChar(&text, (char) c);
			else
				appendStringInfo(&text, "\\x%02x", c);
		}
	if (label->cut)
		appendStringInfoString(&text, "...");
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
}

/*
 * augur.profile_labels(augur.profile, top integer): a row each, most frequent first
 */
Datum
augur_profile_labels(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 top = PG_GETARG_INT32(1);
	const AugProfileLabel *label;
	AugProfileInfo info;
	Opened opened;
	AugError err;

	if (top < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("top must be at least 1")));
	open_argument(fcinfo, 0, &opened);
	info = info_of(&opened);
	augur_check(aug_profile_labels(opened.profile, &label, &err), &err);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < info.n_labels && i < (uint32) top; i++)
	{
		Datum values[LABEL_COLUMNS];
		bool nulls[LABEL_COLUMNS] = {false};

		values[0] = label_text(&label[i]);
		values[1] = Int64GetDatum((int64) label[i].count);
		values[2] = Float8GetDatum((double) label[i].count / (double) info.n);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * augur.profile_difference(reference augur.profile, current augur.profile):
 * augur.profile_distance
 */
Datum
augur_profile_difference(PG_FUNCTION_ARGS)
{
	TupleDesc desc = result_columns(fcinfo, DIFFERENCE_COLUMNS, "augur.profile_distance");
	Datum values[DIFFERENCE_COLUMNS];
	bool nulls[DIFFERENCE_COLUMNS] = {false};
	AugProfileInfo a, b;
	AugProfileDrift drift;
	Opened reference, current;
	AugError err;
	int c = 0;

	open_argument(fcinfo, 0, &reference);
	open_argument(fcinfo, 1, &current);
	a = info_of(&reference);
	b = info_of(&current);
	/* a date is a timestamp at midnight */
	if (a.kind != b.kind ||
		(a.tag != b.tag && !(a.tag >= AUGUR_PROFILE_DATE && a.tag <= AUGUR_PROFILE_TIMESTAMP &&
							 b.tag >= AUGUR_PROFILE_DATE && b.tag <= AUGUR_PROFILE_TIMESTAMP)))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("profiles of a %s and of a %s cannot be compared", tag_name[a.tag],
							   tag_name[b.tag])));
	augur_check(aug_profile_compare(reference.profile, current.profile, &drift, &err), &err);
	set_count(values, &c, a.n);
	set_count(values, &c, b.n);
	set_number(values, nulls, &c, drift.cells.psi);
	set_number(values, nulls, &c, drift.cells.kl);
	set_number(values, nulls, &c, drift.cells.js_distance);
	set_number(values, nulls, &c, drift.cells.hellinger);
	set_number(values, nulls, &c, drift.cells.total_variation);
	set_number(values, nulls, &c, drift.wasserstein);
	set_number(values, nulls, &c, drift.ks.statistic);
	set_number(values, nulls, &c, drift.ks.p);
	set_number(values, nulls, &c, drift.chi_square.statistic);
	set_number(values, nulls, &c, drift.chi_square.p);
	set_number(values, nulls, &c, drift.outside);
	set_number(values, nulls, &c, drift.unseen);
	set_count(values, &c, a.nulls + a.nans + a.infinite);
	set_count(values, &c, b.nulls + b.nans + b.infinite);
	set_number(values, nulls, &c, drift.missing_reference);
	set_number(values, nulls, &c, drift.missing_current);
	set_number(values, nulls, &c, drift.missing.p);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/*
 * augur._profile_kind(regtype): text, NULL when values of that type cannot be profiled
 */
Datum
augur_profile_kind_of(PG_FUNCTION_ARGS)
{
	AugurSource source;
	AugurProfileTag tag;

	if (!augur_source_init(&source, PG_GETARG_OID(0), CurrentMemoryContext) ||
		!augur_profile_tag(source.cls, &tag))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(tag_name[tag]));
}
