/*-------------------------------------------------------------------------
 *
 * dictionary.c
 *		Levels of a categorical column: bytes -> code, in order of first sight.
 *
 * An open-addressing table with linear probing, at most half full, over an array of
 * levels whose bytes lie one after another in one buffer: 24 bytes a level, the
 * bytes, and 8 to 16 bytes of table.  Codes depend on the order of the rows; they are
 * exchanged for ranks in byte order when all levels are known.
 *
 * Memory: everything is a huge chunk in the dictionary's context; growing doubles.
 * Interrupts: none is polled but in the sort.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include "port.h"
#include "storage/shmem.h"

#define FIRST_ROOM 32 /* levels; a power of two */
#define FIRST_TEXT 512
#define HASH_SEED  UINT64CONST(0x6C6576656C73)

AugurDictionary *
augur_dictionary_new(MemoryContext context)
{
	AugurDictionary *dict = MemoryContextAllocZero(context, sizeof(AugurDictionary));

	dict->context = context;
	dict->room = FIRST_ROOM;
	dict->levels = MemoryContextAlloc(context, mul_size(FIRST_ROOM, sizeof(AugurLevel)));
	dict->mask = 2 * FIRST_ROOM - 1;
	dict->slots = MemoryContextAllocZero(context, mul_size(2 * FIRST_ROOM, sizeof(uint32)));
	dict->text_room = FIRST_TEXT;
	dict->text = MemoryContextAlloc(context, FIRST_TEXT);
	return dict;
}

/* Doubles the room for levels and builds the search table anew. */
static void
grow_levels(AugurDictionary *dict)
{
	Size slots;

	if (dict->room > PG_UINT32_MAX / 8)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many levels in a categorical column")));
	dict->room *= 2;
	dict->levels = repalloc_huge(dict->levels, mul_size(dict->room, sizeof(AugurLevel)));
	slots = 2 * (Size) dict->room;
	pfree(dict->slots);
	dict->slots = MemoryContextAllocHuge(dict->context, mul_size(slots, sizeof(uint32)));
	memset(dict->slots, 0, slots * sizeof(uint32));
	dict->mask = (uint32) (slots - 1);
	for (uint32 code = 0; code < dict->n; code++)
	{
		uint32 at = (uint32) dict->levels[code].hash & dict->mask;

		while (dict->slots[at] != 0)
			at = (at + 1) & dict->mask;
		dict->slots[at] = code + 1;
	}
}

/* Appends a level that is not there yet; at is its free slot. */
static uint32
add_level(AugurDictionary *dict, const char *bytes, int length, uint64 hash, uint32 at)
{
	AugurLevel *level;

	if (dict->text_used + length > dict->text_room)
	{
		dict->text_room = Max(dict->text_room * 2, dict->text_used + length);
		dict->text = repalloc_huge(dict->text, dict->text_room);
	}
	level = &dict->levels[dict->n];
	level->hash = hash;
	level->at = dict->text_used;
	level->length = (uint32) length;
	memcpy(dict->text + dict->text_used, bytes, length);
	dict->text_used += length;
	dict->slots[at] = ++dict->n;
	if (dict->n == dict->room)
		grow_levels(dict);
	return dict->n - 1;
}

uint64
augur_level_hash(const char *bytes, uint32 length)
{
	if (length > AUGUR_LONG_LEVEL)
		return augur_mix(HASH_SEED ^ length);
	return aug_hash(bytes, length, HASH_SEED);
}

uint32
augur_dictionary_code(AugurDictionary *dict, const char *bytes, int length)
{
	uint64 hash = aug_hash(bytes, (size_t) length, HASH_SEED);
	uint32 at = (uint32) hash & dict->mask;

	while (dict->slots[at] != 0)
	{
		uint32 code = dict->slots[at] - 1;
		const AugurLevel *level = &dict->levels[code];

		if (level->hash == hash && level->length == (uint32) length &&
			memcmp(dict->text + level->at, bytes, length) == 0)
			return code;
		at = (at + 1) & dict->mask;
	}
	return add_level(dict, bytes, length, hash, at);
}

Size
augur_dictionary_bytes(const AugurDictionary *dict)
{
	Size bytes = (Size) dict->room * sizeof(AugurLevel) + dict->text_room;

	if (dict->slots != NULL)
		bytes += ((Size) dict->mask + 1) * sizeof(uint32);
	return bytes;
}

/* Byte order; a prefix comes first. */
static int
compare_levels(const void *left, const void *right, void *arg)
{
	const AugurDictionary *dict = arg;
	const AugurLevel *a = &dict->levels[*(const uint32 *) left];
	const AugurLevel *b = &dict->levels[*(const uint32 *) right];
	int order = memcmp(dict->text + a->at, dict->text + b->at, Min(a->length, b->length));

	if (order != 0)
		return order;
	return a->length < b->length ? -1 : a->length > b->length;
}

uint32 *
augur_dictionary_order(const AugurDictionary *dict)
{
	uint32 *order =
		MemoryContextAllocHuge(dict->context, mul_size(Max(dict->n, 1), sizeof(uint32)));

	for (uint32 code = 0; code < dict->n; code++)
		order[code] = code;
	qsort_interruptible(order, dict->n, sizeof(uint32), compare_levels,
						unconstify(AugurDictionary *, dict));
	return order;
}

void
augur_dictionary_strip(AugurDictionary *dict)
{
	if (dict->slots == NULL)
		return;
	pfree(dict->slots);
	pfree(dict->text);
	dict->slots = NULL;
	dict->text = NULL;
	dict->text_used = dict->text_room = 0;
}

void
augur_dictionary_free(AugurDictionary *dict)
{
	augur_dictionary_strip(dict);
	pfree(dict->levels);
	pfree(dict);
}
