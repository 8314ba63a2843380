/*-------------------------------------------------------------------------
 *
 * moment.c
 *		Whether a resolved reference still holds: moments, and what was resolved at
 *		them.
 *
 * A moment is user, snapshot and generation.  The generation is raised by every
 * relcache message about a table of the registry (row triggers send one for aliases
 * whenever an alias, a version, a model, a grant or a preset changes, DDL and GRANT
 * send their own) and by every change of role membership.  At an equal moment the
 * registry reads the same, so nothing is asked again.
 *
 * At a later moment of the same generation, rights and states are what they were,
 * but a move of the alias may be visible whose message has not arrived: a
 * transaction becomes visible before it sends its messages.  So the alias's row (or
 * the version's) is read again, straight from the table under the active snapshot.
 * That takes microseconds, where the full query takes a tenth of a millisecond and more
 * under row level security, and it keeps all call sites of a statement on one version.
 *
 * Works in parallel workers and on a standby; never writes.
 * Memory: a fixed array per backend.  Locks: tables are opened in AccessShareLock.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "cache.h"

AUGUR_FUNCTION(augur_moment_invalidate);

#define REFERENCE_MAX 160 /* 63 characters and an alias, in bytes, with room */
#define REMEMBERED	  64

typedef struct Remembered
{
	bool valid;
	AugurMoment moment;
	char reference[REFERENCE_MAX];
	char alias[REFERENCE_MAX]; /* "" when the reference names the version */
	AugurResolved resolved;
} Remembered;

/* The tables that decide what a reference means and who may score. */
enum
{
	MODELS,
	ALIASES,
	VERSIONS,
	CHUNKS,
	GRANTS,
	PRESETS,
	N_TABLES
};

static const char *const table_names[N_TABLES] = {"models",			"aliases",		"versions",
												  "version_chunks", "model_grants", "preset_roles"};

static Oid tables[N_TABLES];
static Oid aliases_key;	 /* index on (model_id, alias) */
static Oid versions_key; /* index on (id) */
static AttrNumber aliases_model, aliases_alias, aliases_version, versions_id;

static Remembered remembered[REMEMBERED];
static int remember_next = 0;
static uint64 generation = 1;
static bool watching = false;

/* ---- invalidation ------------------------------------------------------ */

/*
 * A relcache message arrived.  Touches no catalog: this may run at any moment.
 */
static void
relcache_callback(Datum arg, Oid relid)
{
	if (relid == InvalidOid)
		generation++;
	for (int i = 0; i < N_TABLES; i++)
		if (relid == tables[i])
			generation++;
}

/*
 * A role or a membership changed.
 */
static void
role_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

/*
 * Row trigger on the registry's tables: tells every backend, this one at the end of
 * the command, the others when the transaction commits.
 */
Datum
augur_moment_invalidate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Oid relid;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be called as a trigger", "_cache_invalidate")));
	relid = get_relname_relid("aliases", RelationGetNamespace(trigger->tg_relation));
	if (OidIsValid(relid))
		CacheInvalidateRelcacheByRelid(relid);
	PG_RETURN_POINTER(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																 : trigger->tg_trigtuple);
}

/*
 * Registers the callbacks, and notes which tables, indexes and columns are meant.
 * Their OIDs change when the extension is dropped and made again, which raises the
 * generation, so that all this is looked up again before it is used.
 */
void
augur_moment_watch(void)
{
	Oid schema = get_namespace_oid("augur", true);

	if (!watching)
	{
		CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHOID, role_callback, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, role_callback, (Datum) 0);
		watching = true;
	}
	for (int i = 0; i < N_TABLES; i++)
		tables[i] = get_relname_relid(table_names[i], schema);
	aliases_key = get_relname_relid("aliases_pkey", schema);
	versions_key = get_relname_relid("versions_pkey", schema);
	aliases_model = get_attnum(tables[ALIASES], "model_id");
	aliases_alias = get_attnum(tables[ALIASES], "alias");
	aliases_version = get_attnum(tables[ALIASES], "version_id");
	versions_id = get_attnum(tables[VERSIONS], "id");
}

/* ---- moments ----------------------------------------------------------- */

/*
 * The present moment.  Two snapshots with equal bounds and counts are equal: a
 * transaction that ends in between leaves the list of the running ones, and one
 * that joins it is not below the older xmax, which then has grown.
 */
void
augur_moment_now(AugurMoment *moment)
{
	Snapshot snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;

	memset(moment, 0, sizeof(*moment));
	moment->generation = generation;
	moment->user = GetUserId();
	if (snapshot == NULL)
		return;
	moment->xmin = snapshot->xmin;
	moment->xmax = snapshot->xmax;
	moment->xcnt = snapshot->xcnt;
	moment->subxcnt = snapshot->subxcnt;
	moment->curcid = snapshot->curcid;
	moment->known = true;
}

bool
augur_moment_is_now(const AugurMoment *moment)
{
	Snapshot snapshot;

	if (!moment->known || moment->generation != generation || moment->user != GetUserId() ||
		!ActiveSnapshotSet())
		return false;
	snapshot = GetActiveSnapshot();
	return moment->curcid == snapshot->curcid && moment->xmin == snapshot->xmin &&
		   moment->xmax == snapshot->xmax && moment->xcnt == snapshot->xcnt &&
		   moment->subxcnt == snapshot->subxcnt;
}

/* ---- reading one row again ---------------------------------------------- */

/*
 * Does the scanned row say what was resolved?  For an alias: it is that alias, and
 * points at that version.  A row of versions says it by being there.
 */
static bool
row_confirms(const Remembered *r, HeapTuple tuple, TupleDesc desc)
{
	Datum alias;
	Datum version;
	bool null;

	if (r->alias[0] == '\0')
		return true;
	alias = heap_getattr(tuple, aliases_alias, desc, &null);
	if (null || strcmp(TextDatumGetCString(alias), r->alias) != 0)
		return false;
	version = heap_getattr(tuple, aliases_version, desc, &null);
	return !null && DatumGetInt64(version) == r->resolved.key.version_id;
}

/*
 * Reads the alias's row, or the version's, under the active snapshot.  No right is
 * needed and none is given: that this user may see it was found when it was resolved,
 * and the generation tells that nothing has changed since.
 */
static bool
still_holds(const Remembered *r)
{
	bool by_alias = r->alias[0] != '\0';
	Relation rel =
		try_relation_open(by_alias ? tables[ALIASES] : tables[VERSIONS], AccessShareLock);
	bool confirmed = false;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;

	if (rel == NULL)
		return false;
	/* taking the lock may have brought messages: then the OIDs may be old */
	if (r->moment.generation == generation && OidIsValid(by_alias ? aliases_key : versions_key))
	{
		ScanKeyInit(&key, by_alias ? aliases_model : versions_id, BTEqualStrategyNumber, F_INT8EQ,
					Int64GetDatum(by_alias ? r->resolved.model_id : r->resolved.key.version_id));
		scan = systable_beginscan(rel, by_alias ? aliases_key : versions_key, true,
								  GetActiveSnapshot(), 1, &key);
		while (!confirmed && HeapTupleIsValid(tuple = systable_getnext(scan)))
			confirmed = row_confirms(r, tuple, RelationGetDescr(rel));
		systable_endscan(scan);
	}
	relation_close(rel, AccessShareLock);
	return confirmed && r->moment.generation == generation;
}

/* ---- what was resolved ---------------------------------------------------- */

/*
 * Looks a reference up among what this user resolved.  In a serializable transaction
 * the row is read in any case, so that conflicts are noticed.
 */
bool
augur_moment_recall(const char *reference, AugurResolved *out)
{
	Oid user = GetUserId();

	if (!ActiveSnapshotSet())
		return false;
	for (int i = 0; i < REMEMBERED; i++)
	{
		Remembered *r = &remembered[i];

		if (!r->valid || r->moment.user != user || strcmp(r->reference, reference) != 0)
			continue;
		if (r->moment.generation == generation &&
			((augur_moment_is_now(&r->moment) && !IsolationIsSerializable()) || still_holds(r)))
		{
			augur_moment_now(&r->moment);
			*out = r->resolved;
			return true;
		}
		r->valid = false;
		return false;
	}
	return false;
}

/*
 * Remembers what a reference was resolved to at a moment.
 */
void
augur_moment_remember(const char *reference, const AugurMoment *moment, const char *alias,
					  const AugurResolved *resolved)
{
	Remembered *r = &remembered[remember_next];

	if (!moment->known || strlen(reference) >= REFERENCE_MAX)
		return;
	remember_next = (remember_next + 1) % REMEMBERED;
	r->valid = true;
	r->moment = *moment;
	strcpy(r->reference, reference);
	strcpy(r->alias, alias != NULL ? alias : "");
	r->resolved = *resolved;
}
