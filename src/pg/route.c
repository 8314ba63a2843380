/*-------------------------------------------------------------------------
 *
 * route.c
 *		Which version answers for an entity while a rollout runs: augur.route, and
 *		augur._bucket below it.
 *
 * An entity's bucket is a hash of its text, in UTF-8 whatever the database's encoding
 * is, under a seed that is a hash of the rollout's salt, modulo 10,000.  The candidate
 * has the buckets below its share, so an entity that it has it keeps when the share
 * grows, and gets back after a restore or on another machine.
 *
 * A call site keeps what it found for as long as the moment is the same (moment.c): one
 * query a statement, not one a row.
 *
 * Works in parallel workers and on a standby; never writes.
 * Memory: a site is in fn_mcxt, what it found in a child context that is reset when it looks
 * again.  Nothing here loops over rows.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/snapmgr.h"

#include "cache.h"

AUGUR_FUNCTION(augur_route_bucket);
AUGUR_FUNCTION(augur_route_entity);

#define BUCKETS	  10000
#define SALT_SEED UINT64CONST(0x726F75746573)

/*
 * What route() found for a reference at a moment.
 */
typedef struct RouteSite
{
	MemoryContext found; /* holds the texts below */
	char *reference;	 /* NULL: nothing is known */
	int reference_length;
	AugurMoment moment;
	text *champion;
	text *candidate; /* NULL: there is nothing to route */
	uint64 seed;
	int32 share; /* of 10,000 */
} RouteSite;

static const char *const rollout_query =
	"SELECT r.candidate, r.salt,"
	" pg_catalog.int4(r.weight OPERATOR(pg_catalog.*) 100::pg_catalog.numeric)"
	" FROM augur.rollouts r"
	" WHERE r.model_id OPERATOR(pg_catalog.=) $1 AND r.champion_id OPERATOR(pg_catalog.=) $2"
	" AND r.mode OPERATOR(pg_catalog.=) 'canary'"
	" AND (r.state OPERATOR(pg_catalog.=) 'running' OR r.state OPERATOR(pg_catalog.=) 'paused')";

static SPIPlanPtr rollout_plan;

/*
 * Hash of a text's bytes in UTF-8.
 */
static uint64
hash_text(const text *value, uint64 seed)
{
	const char *bytes = VARDATA_ANY(value);
	int length = VARSIZE_ANY_EXHDR(value);
	char *utf8;
	uint64 hash;

	/* without an encoding, bytes are what they are */
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return aug_hash(bytes, length, seed);
	utf8 = pg_server_to_any(bytes, length, PG_UTF8);
	hash = aug_hash(utf8, utf8 == bytes ? length : strlen(utf8), seed);
	if (utf8 != bytes)
		pfree(utf8);
	return hash;
}

/*
 * augur._bucket(entity text, salt text): 0 to 9,999
 */
Datum
augur_route_bucket(PG_FUNCTION_ARGS)
{
	uint64 seed = hash_text(PG_GETARG_TEXT_PP(1), SALT_SEED);

	PG_RETURN_INT32((int32) (hash_text(PG_GETARG_TEXT_PP(0), seed) % BUCKETS));
}

/*
 * The name in a reference, with a version's number.
 */
static text *
version_text(const char *name, int length, int32 version, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	text *result = cstring_to_text(psprintf("%.*s/%d", length, name, version));

	MemoryContextSwitchTo(old);
	return result;
}

/*
 * Finds the canary of a model that goes against a version: sets candidate, seed and share,
 * or leaves candidate NULL.
 */
static void
site_find_rollout(RouteSite *site, const char *name, const AugurResolved *champion)
{
	Oid types[2] = {INT8OID, INT8OID};
	Datum values[2] = {Int64GetDatum(champion->model_id), Int64GetDatum(champion->key.version_id)};
	bool null;

	SPI_connect();
	if (rollout_plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(rollout_query, 2, types);

		if (fresh == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(fresh);
		rollout_plan = fresh;
	}
	if (SPI_execute_plan(rollout_plan, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look up a rollout");
	if (SPI_processed > 0)
	{
		HeapTuple tuple = SPI_tuptable->vals[0];
		TupleDesc desc = SPI_tuptable->tupdesc;
		int32 version = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &null));

		site->seed = hash_text(DatumGetTextPP(SPI_getbinval(tuple, desc, 2, &null)), SALT_SEED);
		site->share = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &null));
		site->candidate = version_text(name, strlen(name), version, site->found);
	}
	SPI_finish();
}

/*
 * Looks up what a reference leads to now.  One that names an alias or a version is not
 * routed.
 */
static void
site_find(RouteSite *site, const text *reference)
{
	char *name = text_to_cstring(reference);
	int length = strcspn(name, "/@");
	AugurResolved champion;
	bool pushed = !ActiveSnapshotSet();

	site->reference = NULL;
	site->candidate = NULL;
	MemoryContextReset(site->found);
	augur_reference_resolve(name, &champion);
	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	augur_moment_now(&site->moment);
	site->champion = version_text(name, length, champion.version, site->found);
	if (name[length] == '\0')
		site_find_rollout(site, name, &champion);
	if (pushed)
		PopActiveSnapshot();
	site->reference_length = VARSIZE_ANY_EXHDR(reference);
	site->reference = MemoryContextAlloc(site->found, site->reference_length + 1);
	memcpy(site->reference, VARDATA_ANY(reference), site->reference_length);
	pfree(name);
}

static RouteSite *
site_make(FunctionCallInfo fcinfo)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	RouteSite *site = MemoryContextAllocZero(context, sizeof(RouteSite));

	site->found = AllocSetContextCreate(context, "augur route", ALLOCSET_SMALL_SIZES);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/*
 * augur.route(model text, entity text): the version to ask, as 'churn/7'.  Without an
 * entity it is the one in production: nothing could stick.
 */
Datum
augur_route_entity(PG_FUNCTION_ARGS)
{
	RouteSite *site = fcinfo->flinfo->fn_extra;
	text *reference;
	text *chosen;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	reference = PG_GETARG_TEXT_PP(0);
	if (site == NULL)
		site = site_make(fcinfo);
	if (site->reference == NULL || site->reference_length != VARSIZE_ANY_EXHDR(reference) ||
		memcmp(site->reference, VARDATA_ANY(reference), site->reference_length) != 0 ||
		!augur_moment_is_now(&site->moment))
		site_find(site, reference);
	chosen = site->champion;
	if (site->candidate != NULL && !PG_ARGISNULL(1) &&
		(int32) (hash_text(PG_GETARG_TEXT_PP(1), site->seed) % BUCKETS) < site->share)
		chosen = site->candidate;
	/* a copy: the site may look again while the result is still in use */
	PG_RETURN_DATUM(datumCopy(PointerGetDatum(chosen), false, -1));
}
