/*-------------------------------------------------------------------------
 *
 * arena.c
 *		Bump allocation out of a chain of blocks that are freed all at once.
 *
 * Small requests are cut from blocks that double from 4 kB to 1 MB; a large
 * one gets a block of its own, so that at most one block has unused room that
 * matters.  The host's memory may be aligned to 8 bytes only, so every block
 * carries room to align what is cut from it.
 *
 * Memory: a failed request leaves the arena as it was; aug_arena_free gives
 * everything back.  Nothing here polls: no call does more than one allocation.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "arena.h"

#define BLOCK_FIRST	  4096
#define BLOCK_LARGEST ((size_t) 1 << 20)
#define ALIGN_SMALL	  16
#define ALIGN_LARGE	  64
#define LARGE		  4096 /* from here on requests are cache-line aligned */

struct AugArenaBlock
{
	AugArenaBlock *next;
	size_t size; /* bytes after the header */
	size_t used;
};

/*
 * Prepares an empty arena without a limit; takes no memory yet.
 */
void
aug_arena_init(AugArena *arena, const AugHost *host)
{
	arena->host = host;
	arena->blocks = NULL;
	arena->total = 0;
	arena->limit = SIZE_MAX;
	arena->limited = false;
}

/*
 * A block with room for size bytes, or NULL when the host has none or when the
 * arena's limit is in the way (then arena->limited is set).
 */
static AugArenaBlock *
block_new(AugArena *arena, size_t size)
{
	AugArenaBlock *block;
	size_t whole;

	if (size > SIZE_MAX - sizeof(AugArenaBlock))
		return NULL;
	whole = size + sizeof(AugArenaBlock);
	if (arena->total > arena->limit || whole > arena->limit - arena->total)
	{
		arena->limited = true;
		return NULL;
	}
	block = arena->host->alloc(arena->host->arg, whole);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->used = 0;
	arena->total += whole;
	return block;
}

/*
 * Cuts size bytes at the alignment from a block; NULL when they do not fit.
 */
static void *
block_cut(AugArenaBlock *block, size_t size, size_t align)
{
	uintptr_t start = (uintptr_t) (block + 1) + block->used;
	size_t pad = (size_t) (-start & (align - 1));
	size_t left = block->size - block->used;

	if (pad > left || size > left - pad)
		return NULL;
	block->used += pad + size;
	return (uint8_t *) (block + 1) + (block->used - size);
}

/*
 * n * size bytes, not zeroed.  NULL on overflow, on a failed allocation and at
 * the limit.  A request for nothing still gets a pointer of its own.
 */
void *
aug_arena_alloc(AugArena *arena, size_t n, size_t size)
{
	AugArenaBlock *block;
	size_t bytes, align, next;

	if (size != 0 && n > (SIZE_MAX - ALIGN_LARGE) / size)
		return NULL;
	bytes = n * size;
	if (bytes == 0)
		bytes = 1;
	align = bytes >= LARGE ? ALIGN_LARGE : ALIGN_SMALL;

	if (arena->blocks != NULL)
	{
		void *cut = block_cut(arena->blocks, bytes, align);

		if (cut != NULL)
			return cut;
	}

	next = arena->blocks == NULL ? BLOCK_FIRST : arena->blocks->size * 2;
	if (next > BLOCK_LARGEST)
		next = BLOCK_LARGEST;
	if (bytes >= next / 4)
	{
		/* a block of its own behind the current one, which stays in use */
		block = block_new(arena, bytes + align);
		if (block == NULL)
			return NULL;
		if (arena->blocks == NULL)
		{
			block->next = NULL;
			arena->blocks = block;
		}
		else
		{
			block->next = arena->blocks->next;
			arena->blocks->next = block;
		}
	}
	else
	{
		block = block_new(arena, next);
		/* a common block does not fit any more, the request itself may */
		if (block == NULL)
			block = block_new(arena, bytes + align);
		if (block == NULL)
			return NULL;
		arena->limited = false;
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block_cut(block, bytes, align);
}

/*
 * As aug_arena_alloc, zeroed.
 */
void *
aug_arena_zero(AugArena *arena, size_t n, size_t size)
{
	void *p = aug_arena_alloc(arena, n, size);

	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

/*
 * A NUL-terminated copy of length bytes; NULL when memory is short.
 */
char *
aug_arena_text(AugArena *arena, const char *bytes, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		return NULL;
	copy = aug_arena_alloc(arena, length + 1, 1);
	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

/*
 * Gives all blocks back; the arena is empty and may be used again.
 */
void
aug_arena_free(AugArena *arena)
{
	AugArenaBlock *block = arena->blocks;

	while (block != NULL)
	{
		AugArenaBlock *next = block->next;

		arena->host->release(arena->host->arg, block);
		block = next;
	}
	arena->blocks = NULL;
	arena->total = 0;
}
