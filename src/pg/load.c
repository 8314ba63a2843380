/*-------------------------------------------------------------------------
 *
 * load.c
 *		augur.load_csv and augur.load_json: arguments, the row of augur.load_batches,
 *		the result.
 *
 * The row is written before the first record: its unique digest makes a second load of
 * the same bytes into the same table wait for the first, and then do nothing.  All is
 * one transaction, the caller's; an error or a crash leaves nothing behind.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "load_batch.h"
#include "load_columns.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

AUGUR_FUNCTION(augur_load_csv);
AUGUR_FUNCTION(augur_load_json);

/* Arguments that both have, by place. */
enum
{
	ARG_RELATION,
	ARG_FILE,
	ARG_CONTENT,
	ARG_STAGING,
	ARG_COLUMNS,
	ARG_ON_UNKNOWN,
	ARG_MAX_BAD_ROWS,
	ARG_MAX_BAD_SHARE,
	ARG_SOURCE,
	ARG_ENCODING,
	ARG_CSV_DELIMITER,
	ARG_CSV_QUOTE,
	ARG_CSV_ESCAPE,
	ARG_CSV_HEADER,
	ARG_CSV_NULL,
	ARG_JSON_PATHS = ARG_CSV_DELIMITER,
	ARG_JSON_ON_MISSING,
	ARG_JSON_ON_COERCE
};

/* What is kept through a call beside the load itself. */
typedef struct LoadCall
{
	Load load;
	const char *kind; /* csv or json */
	char *source_name;
	double max_bad_share; /* above 1: any */
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char hex[2 * PG_SHA256_DIGEST_LENGTH + 1];
	TimestampTz started;
	ArrayBuildState *warnings;
	Datum warnings_array; /* of them all, at the end */
} LoadCall;

void
load_warn(Load *load, const char *warning)
{
	LoadCall *call = (LoadCall *) load; /* its first member */

	call->warnings = accumArrayResult(call->warnings, CStringGetTextDatum(warning), false, TEXTOID,
									  load->context);
}

static text *
text_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : PG_GETARG_TEXT_PP(i);
}

pg_noreturn static void
bad_argument(const char *name, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value of argument \"%s\"", name), errhint("%s", wanted)));
}

static LoadAction
action_argument(FunctionCallInfo fcinfo, int i, const char *name)
{
	char *word = PG_ARGISNULL(i) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(i));

	if (strcmp(word, "ignore") == 0)
		return LOAD_IGNORE;
	if (strcmp(word, "report") == 0)
		return LOAD_REPORT;
	if (strcmp(word, "error") != 0)
		bad_argument(name, "Valid values are error, report and ignore.");
	return LOAD_ERROR;
}

/* A character of one byte that can delimit. */
static char
character_argument(FunctionCallInfo fcinfo, int i, const char *name)
{
	text *t = text_argument(fcinfo, i);
	char c = t != NULL && VARSIZE_ANY_EXHDR(t) == 1 ? *VARDATA_ANY(t) : '\n';

	if (c == '\n' || c == '\r')
		bad_argument(name, "It is a single one-byte character, no line end.");
	return c;
}

/* Opens the table for a load by the current user, and says how rows will go in. */
static void
open_relation(Load *load, Oid relid)
{
	Relation rel;
	char kind;
	AclResult acl;

	PreventCommandIfReadOnly("a load");
	rel = table_open(relid, RowExclusiveLock);
	kind = rel->rd_rel->relkind;
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("cannot load into \"%s\"", RelationGetRelationName(rel)),
						errhint("Load into a table or a view.")));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(kind), RelationGetRelationName(rel));
	load->relation = rel;
	load->relation_name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													 RelationGetRelationName(rel));
	load->by_insert = kind == RELKIND_VIEW || rel->rd_rel->relhasrules ||
					  check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED;
}

/* The encoding of the bytes; -1 when there is nothing to check or convert. */
static int
encoding_argument(FunctionCallInfo fcinfo, const LoadSource *source)
{
	char *name = PG_ARGISNULL(ARG_ENCODING) ? NULL
											: text_to_cstring(PG_GETARG_TEXT_PP(ARG_ENCODING));
	int encoding = name != NULL ? pg_char_to_encoding(name) : PG_UTF8;

	if (load_source_is_valid(source))
	{
		if (name != NULL)
			bad_argument("encoding", "It is for argument \"file\": other sources are in the "
									 "encoding of the database already.");
		return -1;
	}
	if (encoding < 0)
		bad_argument("encoding", "It is the name of a character set, as UTF8 or LATIN1.");
	if (!PG_VALID_BE_ENCODING(encoding))
		bad_argument("encoding", "Delimiters cannot be told from parts of characters in that "
								 "encoding: convert the file to UTF8.");
	return encoding;
}

/* The arguments that both functions have, up to an open source. */
static void
begin_load(FunctionCallInfo fcinfo, LoadCall *call, const char *kind)
{
	Load *load = &call->load;

	call->kind = kind;
	call->started = GetCurrentTimestamp();
	if (PG_ARGISNULL(ARG_RELATION))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"relation\" must not be null")));
	load->max_bad_rows = PG_ARGISNULL(ARG_MAX_BAD_ROWS) ? -1 : PG_GETARG_INT64(ARG_MAX_BAD_ROWS);
	if (!PG_ARGISNULL(ARG_MAX_BAD_ROWS) && load->max_bad_rows < 0)
		bad_argument("max_bad_rows", "It is 0 or more, or NULL for any number.");
	call->max_bad_share = PG_ARGISNULL(ARG_MAX_BAD_SHARE) ? 2 : PG_GETARG_FLOAT8(ARG_MAX_BAD_SHARE);
	if (!PG_ARGISNULL(ARG_MAX_BAD_SHARE) && !(call->max_bad_share >= 0 && call->max_bad_share <= 1))
		bad_argument("max_bad_share", "It is between 0 and 1, or NULL for any share.");
	load->on_unknown = action_argument(fcinfo, ARG_ON_UNKNOWN, "on_unknown");
	if (!PG_ARGISNULL(ARG_SOURCE))
		call->source_name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_SOURCE));
	load_batch_init(load);
	open_relation(load, PG_GETARG_OID(ARG_RELATION));
	load->source =
		load_source_open(text_argument(fcinfo, ARG_FILE), text_argument(fcinfo, ARG_CONTENT),
						 PG_ARGISNULL(ARG_STAGING) ? InvalidOid : PG_GETARG_OID(ARG_STAGING));
	load->encoding = encoding_argument(fcinfo, load->source);
}

/* Runs a statement that is ours, and returns the first value when there is one. */
static bool
run(const char *query, int n, Oid *types, Datum *values, const char *nulls, int64 *result)
{
	bool null = true;
	int code = SPI_execute_with_args(query, n, types, values, nulls, false, 0);

	if (code < 0)
		elog(ERROR, "statement of a load failed: %s", SPI_result_code_string(code));
	if (SPI_processed > 0 && SPI_tuptable != NULL)
	{
		Datum d = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);

		if (!null && result != NULL)
			*result = DatumGetInt64(d);
	}
	return !null;
}

/* Writes the row of the batch; false when the bytes are in the table already. */
static bool
claim_batch(LoadCall *call)
{
	Load *load = &call->load;
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID, BYTEAOID};
	Datum values[4];
	const char *nulls = call->source_name != NULL ? "    " : "  n ";
	bytea *digest = palloc(VARHDRSZ + sizeof(call->digest));

	load_source_digest(load->source, call->digest);
	hex_encode((const char *) call->digest, sizeof(call->digest), call->hex);
	SET_VARSIZE(digest, VARHDRSZ + sizeof(call->digest));
	memcpy(VARDATA(digest), call->digest, sizeof(call->digest));
	values[0] = CStringGetTextDatum(load->relation_name);
	values[1] = CStringGetTextDatum(call->kind);
	values[2] = CStringGetTextDatum(call->source_name != NULL ? call->source_name : "");
	values[3] = PointerGetDatum(digest);
	if (run("INSERT INTO augur.load_batches (relation, kind, source, digest)"
			" VALUES ($1, $2, $3, $4)"
			" ON CONFLICT (relation, digest) WHERE status OPERATOR(pg_catalog.=) 'loaded'"
			" DO NOTHING RETURNING id",
			4, types, values, nulls, &load->batch_id))
		return true;
	(void) run(
		"SELECT b.id FROM augur.load_batches b WHERE b.relation OPERATOR(pg_catalog.=) $1"
		" AND b.digest OPERATOR(pg_catalog.=) $4 AND b.status OPERATOR(pg_catalog.=) 'loaded'",
		4, types, values, nulls, &load->batch_id);
	return false;
}

/* Past a mark of the byte order; one that is not of UTF-8 is told. */
static void
skip_mark(Load *load)
{
	const char *p;

	(void) load_more(load);
	p = load->buffer + load->begin;
	if (load->end - load->begin >= 2 &&
		(memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("the data is in UTF-16"), errhint("Convert it to UTF-8.")));
	if (load->end - load->begin >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		load->begin += 3;
}

/* Reads all records into the table. */
static void
load_records(LoadCall *call)
{
	Load *load = &call->load;
	LoadSpan record;
	bool unterminated;

	while (load->next(load, &record, &unterminated))
	{
		load_batch_add(load, record, unterminated);
		if (load->nrecords == LOAD_BATCH_ROWS || load->bytes_used >= LOAD_BATCH_BYTES)
			load_batch_flush(load);
	}
	load_batch_flush(load);
	load_source_close(load->source, call->digest);
	if (load->rows_bad > call->max_bad_share * (double) load->rows_read)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("%lld of %lld rows are bad, nothing was loaded",
							   (long long) load->rows_bad, (long long) load->rows_read),
						errdetail("%s", load->first_bad.data),
						errhint("Mend the data, or raise max_bad_share, which is %g.",
								call->max_bad_share)));
	load_batch_warnings(load);
}

/* Completes the row of the batch, and tells the event. */
static void
finish_batch(LoadCall *call, double seconds)
{
	Load *load = &call->load;
	Oid types[] = {INT8OID, INT8OID, INT8OID, INT8OID, FLOAT8OID, TEXTARRAYOID, TEXTOID, BOOLOID};
	Datum values[8];

	values[0] = Int64GetDatum(load->batch_id);
	values[1] = Int64GetDatum(load->rows_read);
	values[2] = Int64GetDatum(load->rows_ok);
	values[3] = Int64GetDatum(load->rows_bad);
	values[4] = Float8GetDatum(seconds);
	values[5] = call->warnings_array;
	values[6] = CStringGetTextDatum(load->relation_name);
	/* the name of a temporary table is another's tomorrow, so nothing may go by it */
	values[7] = BoolGetDatum(load->relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP);
	(void) run("UPDATE augur.load_batches SET rows_read = $2, rows_ok = $3, rows_bad = $4,"
			   " seconds = $5, warnings = $6, ended_at = pg_catalog.clock_timestamp(),"
			   " status = CASE WHEN $8 THEN 'forgotten' ELSE status END"
			   " WHERE id OPERATOR(pg_catalog.=) $1",
			   8, types, values, NULL, NULL);
	(void) run("SELECT augur.emit('data_loaded', CASE WHEN $4 OPERATOR(pg_catalog.>) 0"
			   " THEN 'warning' ELSE 'info' END, pg_catalog.left($7, 200),"
			   " pg_catalog.jsonb_build_object('batch', $1, 'rows_read', $2, 'rows_ok', $3,"
			   " 'rows_bad', $4))",
			   7, types, values, NULL, NULL);
}

/* The row that the functions return. */
static Datum
result_row(FunctionCallInfo fcinfo, LoadCall *call, bool loaded, double seconds)
{
	Load *load = &call->load;
	TupleDesc desc;
	Datum values[9];
	bool nulls[9] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(load->batch_id);
	nulls[0] = load->batch_id == 0; /* loaded by somebody whose batches one does not see */
	values[1] = CStringGetTextDatum(loaded ? "loaded" : "duplicate");
	values[2] = CStringGetTextDatum(load->relation_name);
	values[3] = Int64GetDatum(load->rows_read);
	values[4] = Int64GetDatum(load->rows_ok);
	values[5] = Int64GetDatum(load->rows_bad);
	values[6] = CStringGetTextDatum(call->hex);
	values[7] = Float8GetDatum(seconds);
	values[8] = call->warnings_array;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static LoadCall *
new_call(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "augur load", ALLOCSET_DEFAULT_SIZES);
	LoadCall *call = MemoryContextAllocZero(context, sizeof(LoadCall));

	call->load.context = context;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(context);
	return call;
}

/* The end of both functions. */
static Datum
end_call(FunctionCallInfo fcinfo, LoadCall *call, MemoryContext caller, bool loaded)
{
	double seconds = (double) (GetCurrentTimestamp() - call->started) / USECS_PER_SEC;
	Datum result;

	/* statements leave SPI's context behind, which goes before the result is made */
	MemoryContextSwitchTo(call->load.context);
	if (!loaded)
	{
		load_source_abandon(call->load.source);
		load_warn(&call->load,
				  call->load.batch_id == 0
					  ? "the same data was loaded into this table before, by another role"
					  : psprintf("the same data was loaded into this table before; "
								 "augur.forget_batch(%lld) lets it be loaded again",
								 (long long) call->load.batch_id));
	}
	call->warnings_array = call->warnings != NULL
							   ? makeArrayResult(call->warnings, call->load.context)
							   : PointerGetDatum(construct_empty_array(TEXTOID));
	if (loaded)
		finish_batch(call, seconds);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	result = result_row(fcinfo, call, loaded, seconds);
	table_close(call->load.relation, NoLock);
	MemoryContextDelete(call->load.context);
	return result;
}

Datum
augur_load_csv(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	LoadCall *call = new_call();
	Load *load = &call->load;
	bool loaded;

	load->next = load_csv_next;
	load->convert = load_csv_convert;
	load->delimiter = character_argument(fcinfo, ARG_CSV_DELIMITER, "delimiter");
	load->quote = character_argument(fcinfo, ARG_CSV_QUOTE, "quote");
	load->escape = PG_ARGISNULL(ARG_CSV_ESCAPE)
					   ? load->quote
					   : character_argument(fcinfo, ARG_CSV_ESCAPE, "escape");
	if (load->delimiter == load->quote || load->delimiter == load->escape)
		bad_argument("delimiter", "It differs from quote and escape.");
	if (PG_ARGISNULL(ARG_CSV_HEADER))
		bad_argument("header", "It is true or false.");
	if (PG_ARGISNULL(ARG_CSV_NULL))
		bad_argument("null_text", "It is the text that stands for null when not quoted.");
	load->null_text = text_to_cstring(PG_GETARG_TEXT_PP(ARG_CSV_NULL));
	begin_load(fcinfo, call, "csv");
	loaded = claim_batch(call);
	if (loaded)
	{
		skip_mark(load);
		load_csv_columns(load,
						 PG_ARGISNULL(ARG_COLUMNS) ? NULL : PG_GETARG_ARRAYTYPE_P(ARG_COLUMNS),
						 PG_GETARG_BOOL(ARG_CSV_HEADER), load->on_unknown);
		load_records(call);
	}
	return end_call(fcinfo, call, caller, loaded);
}

Datum
augur_load_json(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	LoadCall *call = new_call();
	Load *load = &call->load;
	bool loaded;

	load->next = load_json_next;
	load->convert = load_json_convert;
	load->on_missing = action_argument(fcinfo, ARG_JSON_ON_MISSING, "on_missing");
	load->on_coerce = action_argument(fcinfo, ARG_JSON_ON_COERCE, "on_coerce");
	begin_load(fcinfo, call, "json");
	load_json_columns(load, PG_ARGISNULL(ARG_COLUMNS) ? NULL : PG_GETARG_ARRAYTYPE_P(ARG_COLUMNS),
					  PG_ARGISNULL(ARG_JSON_PATHS) ? NULL : PG_GETARG_JSONB_P(ARG_JSON_PATHS));
	loaded = claim_batch(call);
	if (loaded)
	{
		skip_mark(load);
		load_records(call);
	}
	return end_call(fcinfo, call, caller, loaded);
}
