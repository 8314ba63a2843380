/*-------------------------------------------------------------------------
 *
 * reference.c
 *		From a reference ('churn', 'churn@staging', 'churn/7') to a version.
 *
 * References are resolved through SPI, read only, under the active snapshot and as
 * the current user, so that row level security decides who sees what and every call
 * site of one statement sees the same version.  What was resolved is remembered in
 * moment.c, which tells whether it still holds.
 *
 * Works in parallel workers and on a standby; never writes.
 * Memory: query results live in SPI's context.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "cache.h"

#define NAMES_FOR_HINT 1000

/* What one row of the resolving queries holds. */
#define VERSION_COLUMNS                                          \
	"v.id, v.version, v.status, v.size, v.sha256, m.name, m.id," \
	" EXISTS (SELECT FROM augur.version_chunks c"                \
	" WHERE c.version_id OPERATOR(pg_catalog.=) v.id), m.task "

static const char *const alias_query =
	"SELECT " VERSION_COLUMNS "FROM augur.models m"
	" JOIN augur.aliases a ON a.model_id OPERATOR(pg_catalog.=) m.id"
	" JOIN augur.versions v ON v.id OPERATOR(pg_catalog.=) a.version_id "
	"WHERE m.name OPERATOR(pg_catalog.=) $1 AND a.alias OPERATOR(pg_catalog.=) $2";

static const char *const number_query =
	"SELECT " VERSION_COLUMNS "FROM augur.models m"
	" JOIN augur.versions v ON v.model_id OPERATOR(pg_catalog.=) m.id "
	"WHERE m.name OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2";

static const char *const id_query =
	"SELECT " VERSION_COLUMNS "FROM augur.versions v"
	" JOIN augur.models m ON m.id OPERATOR(pg_catalog.=) v.model_id "
	"WHERE v.id OPERATOR(pg_catalog.=) $1";

static const char *const chunks_query = "SELECT bytes FROM augur.version_chunks"
										" WHERE version_id OPERATOR(pg_catalog.=) $1 ORDER BY seq";

static SPIPlanPtr alias_plan, number_plan, id_plan, chunks_plan;

/* ---- queries ----------------------------------------------------------- */

/*
 * Runs one of the queries, prepared once per backend (the plan cache makes a new
 * plan for another user, whose row security differs).  Results are in SPI_tuptable.
 */
static void
run_query(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *values, long limit)
{
	int rc;

	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare_cursor(query, nargs, types, CURSOR_OPT_GENERIC_PLAN);

		if (fresh == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(fresh);
		*plan = fresh;
	}
	rc = SPI_execute_plan(*plan, values, NULL, true, limit);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
}

/*
 * Raises when this user may not read what scoring reads; row security comes on top.
 */
static void
check_access(void)
{
	static const char *const tables[] = {"models", "aliases", "versions", "version_chunks"};
	Oid schema = get_namespace_oid("augur", true);

	for (int i = 0; i < lengthof(tables); i++)
	{
		Oid relid = get_relname_relid(tables[i], schema);

		if (OidIsValid(relid) && pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to score with stored models"),
					 errdetail("Role \"%s\" may not read table augur.%s.",
							   GetUserNameFromId(GetUserId(), false), tables[i]),
					 errhint("An administrator can run SELECT augur.grant_preset(%s, 'predictor').",
							 quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
	}
}

/*
 * Connects to SPI under the statement's snapshot, or, where there is none, under one
 * of our own.  Returns whether finish() has to pop it.
 */
static bool
begin(void)
{
	bool pushed = false;

	augur_moment_watch();
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pushed = true;
	}
	check_access();
	SPI_connect();
	return pushed;
}

static void
finish(bool pushed)
{
	SPI_finish();
	if (pushed)
		PopActiveSnapshot();
}

/*
 * Reads the one row of a resolving query.  Returns false when there is none.
 * ERROR when the version cannot be scored with, or not by this user.
 */
static bool
read_version(AugurResolved *out)
{
	HeapTuple tuple;
	TupleDesc desc;
	char *status;
	char *name;
	char *task;
	struct varlena *sha256;
	bool null;

	if (SPI_processed == 0)
		return false;
	tuple = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	memset(out, 0, sizeof(*out));
	out->key.version_id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &null));
	out->version = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &null));
	status = TextDatumGetCString(SPI_getbinval(tuple, desc, 3, &null));
	out->key.length = (uint64) DatumGetInt64(SPI_getbinval(tuple, desc, 4, &null));
	sha256 = PG_DETOAST_DATUM_PACKED(SPI_getbinval(tuple, desc, 5, &null));
	memcpy(out->key.digest, VARDATA_ANY(sha256),
		   Min(VARSIZE_ANY_EXHDR(sha256), AUGUR_DIGEST_LENGTH));
	name = TextDatumGetCString(SPI_getbinval(tuple, desc, 6, &null));
	out->model_id = DatumGetInt64(SPI_getbinval(tuple, desc, 7, &null));

	if (strcmp(status, "ready") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("version %d of model \"%s\" is not ready", out->version, name),
						errdetail("Its status is %s.", status),
						strcmp(status, "archived") == 0 || strcmp(status, "rejected") == 0
							? errhint("Set it ready again, or name another version.")
							: errhint("Name another version.")));
	task = TextDatumGetCString(SPI_getbinval(tuple, desc, 9, &null));
	if (strcmp(task, "forecasting") == 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("model \"%s\" forecasts series and scores no rows", name),
						errhint("Use augur.forecast(%s).", quote_literal_cstr(name))));
	if (!DatumGetBool(SPI_getbinval(tuple, desc, 8, &null)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to predict with model \"%s\"", name),
						errhint("Its owner can grant it: SELECT augur.grant(%s, %s, 'predict').",
								quote_literal_cstr(name),
								quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
	return true;
}

/* ---- errors ------------------------------------------------------------ */

/*
 * Number of the model's id, or -1 when this user sees no model of that name.
 */
static int64
find_model(const char *name)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(name)};
	bool null;

	if (SPI_execute_with_args("SELECT id FROM augur.models"
							  " WHERE name OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look up a model");
	if (SPI_processed == 0)
		return -1;
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

/*
 * The names in the first column of a query, as an array that aug_nearest takes.
 */
static const char **
read_names(const char *query, int64 id, uint32 *count)
{
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(id)};
	const char **names;

	if (SPI_execute_with_args(query, 1, types, values, NULL, true, NAMES_FOR_HINT) != SPI_OK_SELECT)
		elog(ERROR, "could not list names");
	*count = (uint32) SPI_processed;
	names = palloc(mul_size(sizeof(char *), SPI_processed + 1));
	for (uint32 i = 0; i < *count; i++)
		names[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	return names;
}

/*
 * No model of that name, as far as this user sees.
 */
static void
fail_model(const char *name)
{
	uint32 n;
	const char **names =
		read_names("SELECT name FROM augur.models WHERE id OPERATOR(pg_catalog.<>) $1", -1, &n);
	const char *nearest = aug_nearest(name, names, n);

	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("model \"%s\" does not exist or is not granted to you", name),
					nearest ? errhint("Perhaps you meant model \"%s\".", nearest) : 0));
}

/*
 * The model is there, the version is not.
 */
static void
fail_version(int64 model_id, const char *name, int number)
{
	uint32 n;
	const char **latest = read_names("SELECT pg_catalog.max(version)::pg_catalog.text"
									 " FROM augur.versions"
									 " WHERE model_id OPERATOR(pg_catalog.=) $1",
									 model_id, &n);

	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("model \"%s\" has no version %d", name, number),
					n > 0 && latest[0] ? errdetail("Its latest version is %s.", latest[0]) : 0));
}

/*
 * The model is there, the alias points nowhere.
 */
static void
fail_alias(int64 model_id, const char *name, const char *alias)
{
	uint32 n;
	const char **names;
	const char *nearest;

	if (strcmp(alias, "production") == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no version in production", name),
						errhint("Promote one with augur.promote, or name a version as in \"%s/1\".",
								name)));
	names = read_names("SELECT alias FROM augur.aliases"
					   " WHERE model_id OPERATOR(pg_catalog.=) $1",
					   model_id, &n);
	nearest = aug_nearest(alias, names, n);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("model \"%s\" has no alias \"%s\"", name, alias),
					nearest ? errhint("Perhaps you meant \"%s@%s\".", name, nearest) : 0));
}

/*
 * Says why a reference led nowhere.  Never returns.
 */
static void
fail_unresolved(const char *name, const char *alias, int number)
{
	int64 model_id = find_model(name);

	if (model_id < 0)
		fail_model(name);
	else if (alias == NULL)
		fail_version(model_id, name, number);
	else
		fail_alias(model_id, name, alias);
}

/* ---- resolving --------------------------------------------------------- */

/*
 * Splits 'name', 'name@alias' or 'name/7' in place.  *alias is NULL for a number.
 */
static void
parse_reference(char *reference, char **name, const char **alias, int *number)
{
	char *mark = strpbrk(reference, "/@");
	const char *digits;

	*name = reference;
	*alias = "production";
	*number = 0;
	if (mark != NULL && *mark == '@')
	{
		*mark = '\0';
		*alias = mark + 1;
	}
	else if (mark != NULL)
	{
		digits = mark + 1;
		*alias = NULL;
		if (*digits == '\0' || strlen(digits) > 9 || strspn(digits, "0123456789") != strlen(digits))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid version in model reference \"%s\"", reference),
							errhint("Write a name, a name with an alias, or a name with a version: "
									"\"churn\", \"churn@staging\", \"churn/7\".")));
		*mark = '\0';
		*number = atoi(digits);
	}
	if (**name == '\0' || (*alias != NULL && **alias == '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("empty name in model reference"),
				 errhint("Write a name, a name with an alias, or a name with a version: "
						 "\"churn\", \"churn@staging\", \"churn/7\".")));
}

/*
 * Looks the reference up in the registry.  ERROR 42704, 42501, 55000 or 22023.
 */
void
augur_reference_resolve(const char *reference, AugurResolved *out)
{
	AugurMoment moment;
	char *name;
	const char *alias;
	int number;
	bool pushed;

	if (augur_moment_recall(reference, out))
		return;
	parse_reference(pstrdup(reference), &name, &alias, &number);

	pushed = begin();
	augur_moment_now(&moment);
	if (alias != NULL)
	{
		Oid types[2] = {TEXTOID, TEXTOID};
		Datum values[2] = {CStringGetTextDatum(name), CStringGetTextDatum(alias)};

		run_query(&alias_plan, alias_query, 2, types, values, 1);
	}
	else
	{
		Oid types[2] = {TEXTOID, INT4OID};
		Datum values[2] = {CStringGetTextDatum(name), Int32GetDatum(number)};

		run_query(&number_plan, number_query, 2, types, values, 1);
	}
	if (!read_version(out))
		fail_unresolved(name, alias, number);
	finish(pushed);
	if (!pushed)
		augur_moment_remember(reference, &moment, alias, out);
}

/*
 * The same for the id of a version.
 */
void
augur_reference_resolve_version(int64 version_id, AugurResolved *out)
{
	char reference[32];
	AugurMoment moment;
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(version_id)};
	bool pushed;

	/* no name is empty, so this cannot be a reference of the other kind */
	snprintf(reference, sizeof(reference), "/" INT64_FORMAT, version_id);
	if (augur_moment_recall(reference, out))
		return;

	pushed = begin();
	augur_moment_now(&moment);
	run_query(&id_plan, id_query, 1, types, values, 1);
	if (!read_version(out))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("model version with id " INT64_FORMAT
							   " does not exist or is not granted to you",
							   version_id),
						errhint("The ids of versions are in augur.versions.")));
	finish(pushed);
	if (!pushed)
		augur_moment_remember(reference, &moment, NULL, out);
}

/* ---- reading the artifact ---------------------------------------------- */

/*
 * Raises when the stored bytes are not what the registry recorded.
 */
static void
check_digest(const AugurResolved *resolved, const uint8_t *bytes, Size length)
{
	uint8 digest[AUGUR_DIGEST_LENGTH];

	augur_cache_digest(bytes, length, digest);
	if (memcmp(digest, resolved->key.digest, sizeof(digest)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored artifact of model version with id " INT64_FORMAT " is damaged",
						resolved->key.version_id),
				 errdetail("Its SHA-256 digest differs from the recorded one.")));
}

/*
 * Puts the chunks in SPI_tuptable together, in CurrentMemoryContext.  Sizes are
 * added up before anything is allocated.
 */
static uint8_t *
gather_chunks(const AugurResolved *resolved)
{
	SPITupleTable *table = SPI_tuptable;
	uint64 total = 0;
	uint8_t *bytes;
	Size at = 0;
	bool null;

	for (uint64 i = 0; i < SPI_processed; i++)
		total += toast_raw_datum_size(SPI_getbinval(table->vals[i], table->tupdesc, 1, &null)) -
				 VARHDRSZ;
	if (total != resolved->key.length)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored artifact of model version with id " INT64_FORMAT " is damaged",
						resolved->key.version_id),
				 errdetail("It has " UINT64_FORMAT " bytes instead of " UINT64_FORMAT ".", total,
						   resolved->key.length)));
	bytes = MemoryContextAllocHuge(CurrentMemoryContext, total);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum datum = SPI_getbinval(table->vals[i], table->tupdesc, 1, &null);
		struct varlena *chunk = PG_DETOAST_DATUM_PACKED(datum);

		memcpy(bytes + at, VARDATA_ANY(chunk), VARSIZE_ANY_EXHDR(chunk));
		at += VARSIZE_ANY_EXHDR(chunk);
		if ((Pointer) chunk != DatumGetPointer(datum))
			pfree(chunk);
		CHECK_FOR_INTERRUPTS();
	}
	return bytes;
}

/*
 * The decoded model of a resolved version, pinned for the life of context.  Read
 * from the registry's chunks when this backend does not have it.
 */
AugurModelPin *
augur_reference_pin(const AugurResolved *resolved, MemoryContext context)
{
	AugurModelPin *pin = augur_cache_find(&resolved->key, resolved->version, context);
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(resolved->key.version_id)};
	uint8_t *bytes;
	bool pushed;

	if (pin != NULL)
		return pin;
	pushed = begin();
	run_query(&chunks_plan, chunks_query, 1, types, values, 0);
	bytes = gather_chunks(resolved);
	check_digest(resolved, bytes, resolved->key.length);
	pin = augur_cache_add(&resolved->key, resolved->version, bytes, resolved->key.length, context);
	finish(pushed);
	return pin;
}

/*
 * For the other rooms: a pinned model from a reference, or from a version's id.
 */
AugurModelPin *
augur_cache_get(const char *reference, MemoryContext context)
{
	AugurResolved resolved;

	augur_reference_resolve(reference, &resolved);
	return augur_reference_pin(&resolved, context);
}

AugurModelPin *
augur_cache_get_version(int64 version_id, MemoryContext context)
{
	AugurResolved resolved;

	augur_reference_resolve_version(version_id, &resolved);
	return augur_reference_pin(&resolved, context);
}
