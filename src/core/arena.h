/*-------------------------------------------------------------------------
 *
 * arena.h
 *		Memory that is freed all at once: what a job, a task or a decoded model
 *		holds.  Sizes are checked for overflow; failure is a NULL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUG_ARENA_H
#define AUG_ARENA_H

#include "augur.h"

typedef struct AugArenaBlock AugArenaBlock;

typedef struct AugArena
{
	const AugHost *host;
	AugArenaBlock *blocks;
	size_t total; /* bytes taken from the host */
	size_t limit; /* total may not pass this; SIZE_MAX from init */
	bool limited; /* a request failed because of the limit */
} AugArena;

extern void aug_arena_init(AugArena *arena, const AugHost *host);
/* n * size bytes, 16-aligned (64-aligned from 4 kB), not zeroed; NULL on overflow or failure */
extern void *aug_arena_alloc(AugArena *arena, size_t n, size_t size);
extern void *aug_arena_zero(AugArena *arena, size_t n, size_t size);
/* NUL-terminated copy */
extern char *aug_arena_text(AugArena *arena, const char *bytes, size_t length);
extern void aug_arena_free(AugArena *arena);

#endif /* AUG_ARENA_H */
