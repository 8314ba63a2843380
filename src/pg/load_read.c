/*-------------------------------------------------------------------------
 *
 * load_read.c
 *		The buffer between a source and what cuts it into records, and what both kinds
 *		of records share: encoding, notes about differences.
 *
 * The buffer holds the record that is being cut, whole: it grows by doubling, so that
 * scanning a long record again from its start costs a constant factor only.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "mb/pg_wchar.h"
#include "storage/shmem.h"

bool
load_more(Load *load)
{
	Size got;

	if (load->at_end)
		return false;
	if (load->begin > 0)
	{
		memmove(load->buffer, load->buffer + load->begin, load->end - load->begin);
		load->end -= load->begin;
		load->begin = 0;
	}
	if (load->end == load->room)
	{
		if (load->room >= LOAD_MAX_RECORD)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("the record that starts in line %lld is longer than %d MB",
								   (long long) load->line, (int) (LOAD_MAX_RECORD / (1024 * 1024))),
							errhint("A quoted field without its closing quote can be the cause.")));
		load->room *= 2;
		load->buffer = repalloc_huge(load->buffer, load->room);
	}
	while (load->end < load->room)
	{
		got = load_source_read(load->source, load->buffer + load->end, load->room - load->end);
		if (got == 0)
		{
			load->at_end = true;
			break;
		}
		load->end += got;
	}
	return true;
}

/* Goes past length bytes, counting their lines. */
void
load_skip(Load *load, Size length)
{
	const char *p = load->buffer + load->begin;
	const char *end = p + length;

	while ((p = memchr(p, '\n', (Size) (end - p))) != NULL)
	{
		load->line++;
		p++;
	}
	load->begin += length;
}

LoadSpan
load_encoded(const Load *load, LoadSpan bytes)
{
	LoadSpan result = bytes;

	if (load->encoding < 0)
		return result;
	if (memchr(bytes.data, '\0', bytes.length) != NULL)
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("the record holds a zero byte, which text cannot")));
	result.data = pg_any_to_server(bytes.data, (int) bytes.length, load->encoding);
	if (result.data != bytes.data)
		result.length = strlen(result.data);
	return result;
}

void
load_note(Load *load, int record, char code, const char *name)
{
	Size size;

	if (load->nnotes == load->notes_room)
	{
		load->notes_room = load->notes_room * 2 + 64;
		size = mul_size((Size) load->notes_room, sizeof(LoadNote));
		load->notes = load->notes == NULL ? MemoryContextAlloc(load->context, size)
										  : repalloc_huge(load->notes, size);
	}
	load->notes[load->nnotes].record = record;
	load->notes[load->nnotes].code = code;
	load->notes[load->nnotes].name = MemoryContextStrdup(load->batch_context, name);
	load->nnotes++;
}
