/*-------------------------------------------------------------------------
 *
 * cache.c
 *		Decoded models of this backend: kept between statements, bounded, pinned.
 *
 * A decoded model is kept under what identifies its bytes for ever: their SHA-256,
 * with the version's id if they are a version's.  A stale entry is therefore
 * impossible; what can change is only which version a name means, and that is
 * reference.c's business.
 *
 * Memory: each model has a context of its own below "augur models", which is below
 * CacheMemoryContext.  The least recently used models are dropped when the sum
 * passes augur.model_cache_size; a pinned model never is.  A pin is an object in the
 * memory context of the call site and is given back when that context is reset,
 * also after an error.  Interrupts: decoding polls; nothing here loops otherwise.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include "common/cryptohash.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"

#include "cache.h"

typedef struct CacheEntry
{
	AugurModelKey key; /* first: the hash key */
	dlist_node recent; /* in models_by_use, most recent first */
	int pins;
	const AugModel *model;
	Size memory;
	MemoryContext context;
	AugurDesk *desk; /* that nobody uses, or NULL */
} CacheEntry;

struct AugurModelPin
{
	CacheEntry *entry; /* NULL once given back */
	int64 version_id;  /* 0 for a value */
	int32 version;
	MemoryContextCallback callback;
};

static HTAB *models = NULL;
static MemoryContext models_context = NULL;
static dlist_head models_by_use = DLIST_STATIC_INIT(models_by_use);
static Size models_memory = 0;

/*
 * Makes the hash table at the first use in this backend.
 */
static void
cache_init(void)
{
	HASHCTL ctl = {0};

	if (models != NULL)
		return;
	if (models_context == NULL)
		models_context =
			AllocSetContextCreate(CacheMemoryContext, "augur models", ALLOCSET_SMALL_SIZES);
	ctl.keysize = sizeof(AugurModelKey);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hcxt = models_context;
	models = hash_create("augur models", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Frees one model that nobody pins.
 */
static void
entry_drop(CacheEntry *entry)
{
	AugurModelKey key = entry->key;
	MemoryContext context = entry->context;

	Assert(entry->pins == 0);
	dlist_delete(&entry->recent);
	models_memory -= entry->memory;
	hash_search(models, &key, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/*
 * Drops the least recently used unpinned models until the sum fits the setting.
 */
static void
cache_trim(void)
{
	Size limit = (Size) augur_model_cache_kb * 1024;
	dlist_node *node;

	if (dlist_is_empty(&models_by_use))
		return;
	node = dlist_tail_node(&models_by_use);
	while (models_memory > limit)
	{
		CacheEntry *entry = dlist_container(CacheEntry, recent, node);
		bool first = !dlist_has_prev(&models_by_use, node);

		if (!first)
			node = dlist_prev_node(&models_by_use, node);
		if (entry->pins == 0)
			entry_drop(entry);
		if (first)
			return;
	}
}

/*
 * Gives a pin back: the callback of the context that holds it.
 */
static void
pin_release(void *arg)
{
	AugurModelPin *pin = (AugurModelPin *) arg;

	if (pin->entry == NULL)
		return;
	pin->entry->pins--;
	pin->entry = NULL;
	cache_trim();
}

/*
 * Pins an entry for the life of context.
 */
static AugurModelPin *
pin_entry(CacheEntry *entry, MemoryContext context)
{
	AugurModelPin *pin = MemoryContextAllocZero(context, sizeof(AugurModelPin));

	pin->entry = entry;
	pin->version_id = entry->key.version_id;
	pin->callback.func = pin_release;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(context, &pin->callback);
	entry->pins++;
	dlist_move_head(&models_by_use, &entry->recent);
	return pin;
}

/*
 * The pinned model of that key, or NULL when it is not decoded in this backend.
 */
AugurModelPin *
augur_cache_find(const AugurModelKey *key, int32 version, MemoryContext context)
{
	CacheEntry *entry;
	AugurModelPin *pin;

	if (models == NULL)
		return NULL;
	entry = hash_search(models, key, HASH_FIND, NULL);
	if (entry == NULL)
		return NULL;
	pin = pin_entry(entry, context);
	pin->version = version;
	return pin;
}

/*
 * Decodes an artifact, keeps it under key, and pins it.  bytes may be freed after.
 * ERROR XX001 when the bytes are damaged; nothing is kept then.
 */
AugurModelPin *
augur_cache_add(const AugurModelKey *key, int32 version, const uint8_t *bytes, Size length,
				MemoryContext context)
{
	MemoryContext own =
		AllocSetContextCreate(CurrentMemoryContext, "augur model", ALLOCSET_DEFAULT_SIZES);
	AugurHost *host = MemoryContextAlloc(own, sizeof(AugurHost));
	AugModel *model = NULL;
	AugError err = {0};
	AugStatus status;
	CacheEntry *entry;
	AugurModelPin *pin;
	bool found;

	augur_host_init(host, own);
	status = augur_model_decode(host, bytes, length, &model, &err);
	if (status != AUG_OK)
	{
		MemoryContextDelete(own);
		augur_check(status, &err);
	}

	cache_init();
	entry = hash_search(models, key, HASH_ENTER, &found);
	if (found)
		MemoryContextDelete(own); /* equal bytes: the one that is there serves */
	else
	{
		entry->pins = 0;
		entry->model = model;
		entry->memory = MemoryContextMemAllocated(own, true);
		entry->context = own;
		entry->desk = NULL;
		MemoryContextSetParent(own, models_context);
		dlist_push_head(&models_by_use, &entry->recent);
		models_memory += entry->memory;
	}
	pin = pin_entry(entry, context);
	pin->version = version;
	cache_trim();
	return pin;
}

/*
 * SHA-256 of an artifact.
 */
void
augur_cache_digest(const uint8_t *bytes, Size length, uint8 *digest)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (pg_cryptohash_init(hash) < 0 || pg_cryptohash_update(hash, bytes, length) < 0 ||
		pg_cryptohash_final(hash, digest, AUGUR_DIGEST_LENGTH) < 0)
	{
		const char *reason = pstrdup(pg_cryptohash_error(hash));

		pg_cryptohash_free(hash);
		elog(ERROR, "could not compute SHA-256: %s", reason);
	}
	pg_cryptohash_free(hash);
}

const AugModel *
augur_pin_model(const AugurModelPin *pin)
{
	return pin->entry->model;
}

int64
augur_pin_version_id(const AugurModelPin *pin)
{
	return pin->version_id;
}

int32
augur_pin_version(const AugurModelPin *pin)
{
	return pin->version;
}

MemoryContext
augur_pin_context(const AugurModelPin *pin)
{
	return pin->entry->context;
}

AugurDesk *
augur_pin_take_desk(AugurModelPin *pin)
{
	AugurDesk *desk = pin->entry->desk;

	pin->entry->desk = NULL;
	return desk;
}

bool
augur_pin_put_desk(AugurModelPin *pin, AugurDesk *desk)
{
	if (pin->entry->desk != NULL)
		return false;
	pin->entry->desk = desk;
	return true;
}

bool
augur_pin_has_key(const AugurModelPin *pin, const AugurModelKey *key)
{
	return memcmp(&pin->entry->key, key, sizeof(AugurModelKey)) == 0;
}
