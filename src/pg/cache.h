/*-------------------------------------------------------------------------
 *
 * cache.h
 *		What the files of the predict room share about models: the key of a decoded
 *		model (cache.c), the moment a name was resolved at (moment.c), and resolving
 *		itself (reference.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_CACHE_H
#define AUGUR_CACHE_H

#include "pg.h"

#define AUGUR_DIGEST_LENGTH 32 /* SHA-256 */

/*
 * What identifies a model's bytes: the version's id (0 for a value), length and
 * SHA-256.  No padding: it is hashed.
 */
typedef struct AugurModelKey
{
	int64 version_id;
	uint64 length;
	uint8 digest[AUGUR_DIGEST_LENGTH];
} AugurModelKey;

StaticAssertDecl(sizeof(AugurModelKey) == 48, "AugurModelKey must not have padding");

extern AugurModelPin *
augur_cache_find(const AugurModelKey *key, int32 version, MemoryContext context);
extern AugurModelPin *augur_cache_add(const AugurModelKey *key, int32 version, const uint8_t *bytes,
									  Size length, MemoryContext context);
extern void augur_cache_digest(const uint8_t *bytes, Size length, uint8 *digest);
/*
 * What a call site made for a model and the next one can use, in a context below the
 * model's (which augur_pin_context gives).  take: NULL when there is none.  put: false
 * when there is one already.
 */
typedef struct AugurDesk AugurDesk;
extern MemoryContext augur_pin_context(const AugurModelPin *pin);
extern AugurDesk *augur_pin_take_desk(AugurModelPin *pin);
extern bool augur_pin_put_desk(AugurModelPin *pin, AugurDesk *desk);
extern bool augur_pin_has_key(const AugurModelPin *pin, const AugurModelKey *key);

/*
 * The moment at which a reference was resolved: who asked, under which snapshot,
 * after which invalidations.  Two equal moments see the same registry.
 */
typedef struct AugurMoment
{
	uint64 generation;
	Oid user;
	TransactionId xmin;
	TransactionId xmax;
	uint32 xcnt;
	int32 subxcnt;
	CommandId curcid;
	bool known; /* false: there was no active snapshot */
} AugurMoment;

extern void augur_moment_now(AugurMoment *moment);
extern bool augur_moment_is_now(const AugurMoment *moment);
/* Watches the registry's tables from now on; before anything is remembered. */
extern void augur_moment_watch(void);

/* A resolved reference. */
typedef struct AugurResolved
{
	AugurModelKey key;
	int32 version;
	int64 model_id;
} AugurResolved;

/* What was resolved before by this user, if it is sure to hold still. */
extern bool augur_moment_recall(const char *reference, AugurResolved *out);
/* alias is NULL when the reference names the version itself. */
extern void augur_moment_remember(const char *reference, const AugurMoment *moment,
								  const char *alias, const AugurResolved *resolved);

extern void augur_reference_resolve(const char *reference, AugurResolved *out);
extern void augur_reference_resolve_version(int64 version_id, AugurResolved *out);
/* Pins a resolved version: from the cache, or read from the registry's chunks. */
extern AugurModelPin *augur_reference_pin(const AugurResolved *resolved, MemoryContext context);

#endif /* AUGUR_CACHE_H */
