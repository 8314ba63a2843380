/*-------------------------------------------------------------------------
 *
 * dictionary.h
 *		Levels of a categorical column: bytes -> code, in order of first sight.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_DICTIONARY_H
#define AUGUR_DICTIONARY_H

#include "pg.h"

typedef struct AugurLevel
{
	uint64 hash; /* of the bytes */
	uint64 at;	 /* offset in text */
	uint32 length;
} AugurLevel;

typedef struct AugurDictionary
{
	MemoryContext context;
	uint32 n;
	uint32 room;
	AugurLevel *levels; /* [n] by code */
	uint32 *slots;		/* [mask + 1] code + 1, 0 for free */
	uint32 mask;
	char *text;
	Size text_used;
	Size text_room;
} AugurDictionary;

extern AugurDictionary *augur_dictionary_new(MemoryContext context);
/* Longer values are told apart by their lengths in hashes of rows: see content.c. */
#define AUGUR_LONG_LEVEL 8192

/* What a level adds to the hash of its row, before it is mixed; bytes unused when long. */
extern uint64 augur_level_hash(const char *bytes, uint32 length);
/* Code of the bytes, a new one when unknown. */
extern uint32 augur_dictionary_code(AugurDictionary *dict, const char *bytes, int length);
extern Size augur_dictionary_bytes(const AugurDictionary *dict);
/* order[i] = code of the i-th level in byte order; [n], allocated in the context */
extern uint32 *augur_dictionary_order(const AugurDictionary *dict);
/* Drops text and search table; hashes by code stay. */
extern void augur_dictionary_strip(AugurDictionary *dict);
extern void augur_dictionary_free(AugurDictionary *dict);

#endif /* AUGUR_DICTIONARY_H */
