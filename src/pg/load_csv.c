/*-------------------------------------------------------------------------
 *
 * load_csv.c
 *		Records and fields of CSV (RFC 4180).
 *
 * A quote opens a quoted field only where a field begins; elsewhere it is a character
 * like others.  Lines end in \n or \r\n, also mixed, and inside quotes belong to the
 * field.  A quoted field that the data ends in is not let swallow the rest: the line
 * where it began is a bad record, and reading goes on behind that line.
 *
 * Cutting looks for quotes with memchr first: a line without one is a record.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "storage/shmem.h"

/*
 * Length of the record at p without its \n, where quotes count; -1 when the bytes end
 * before it does, with *quoted telling whether inside a quoted field.
 */
static ssize_t
quoted_record(const Load *load, const char *p, Size length, bool *quoted)
{
	const char *start = p;
	const char *end = p + length;
	bool field_start = true;

	*quoted = false;
	for (; p < end; p++)
	{
		if (*quoted)
		{
			if (*p == load->escape && p + 1 < end && (p[1] == load->quote || p[1] == load->escape))
				p++;
			else if (*p == load->quote)
				*quoted = false;
		}
		else if (*p == '\n')
			return p - start;
		else if (*p == load->quote && field_start)
		{
			*quoted = true;
			field_start = false;
		}
		else
			field_start = *p == load->delimiter;
	}
	return -1;
}

/* The next record; false at the end.  Blank lines are not records of several fields. */
bool
load_csv_next(Load *load, LoadSpan *record, bool *unterminated)
{
	for (;;)
	{
		const char *start = load->buffer + load->begin;
		Size length = load->end - load->begin;
		const char *newline = length > 0 ? memchr(start, '\n', length) : NULL;
		Size first = newline != NULL ? (Size) (newline - start) : length;
		ssize_t found = newline != NULL ? (ssize_t) first : -1;
		bool quoted = false;
		Size used;

		if (length > 0 && memchr(start, load->quote, first) != NULL)
			found = quoted_record(load, start, length, &quoted);
		if (found < 0 && load_more(load))
			continue;
		if (length == 0)
			return false;
		*unterminated = found < 0 && quoted;
		record->data = start;
		record->length = *unterminated ? first : found < 0 ? length : (Size) found;
		used = record->length + (start + record->length < load->buffer + load->end ? 1 : 0);
		load->record_line = load->line;
		load_skip(load, used);
		if (record->length > 0 && start[record->length - 1] == '\r')
			record->length--;
		if (record->length > 0 || load->nfields == 1)
			return true;
		load->blank_lines++;
	}
}

static void
add_field(Load *load, int n, const char *data, Size length)
{
	Size size;

	if (n == load->fields_room)
	{
		load->fields_room = load->fields_room * 2 + 16;
		size = mul_size((Size) load->fields_room, sizeof(LoadSpan));
		load->fields = load->fields == NULL ? MemoryContextAlloc(load->context, size)
											: repalloc_huge(load->fields, size);
	}
	load->fields[n].data = data;
	load->fields[n].length = length;
}

/*
 * A quoted field whose quote is at p: its text, written to *room, which is moved behind it;
 * returns its end.
 */
static const char *
quoted_field(Load *load, const char *p, const char *end, int n, char **room)
{
	char *text = *room;
	Size length = 0;

	for (p++; p < end; p++)
	{
		if (*p == load->escape && p + 1 < end && (p[1] == load->quote || p[1] == load->escape))
			text[length++] = *++p;
		else if (*p == load->quote)
			break;
		else
			text[length++] = *p;
	}
	if (p == end)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						errmsg("quoted field %d has no closing quote", n + 1)));
	if (++p < end && *p != load->delimiter)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						errmsg("text behind the closing quote of field %d", n + 1)));
	add_field(load, n, text, length);
	*room += length;
	return p;
}

/* Cuts a record into load->fields; returns how many. */
int
load_csv_fields(Load *load, LoadSpan bytes)
{
	const char *p = bytes.data;
	const char *end = p + bytes.length;
	Size null_length = strlen(load->null_text);
	char *room = NULL; /* for the text of quoted fields: shorter than the record in all */
	int n = 0;

	for (;; p++)
	{
		if (p < end && *p == load->quote)
		{
			if (room == NULL)
				room = palloc(bytes.length);
			p = quoted_field(load, p, end, n, &room);
		}
		else
		{
			const char *next = p < end ? memchr(p, load->delimiter, (Size) (end - p)) : NULL;
			const char *start = p;
			Size length;

			p = next != NULL ? next : end;
			length = (Size) (p - start);
			if (length == null_length && memcmp(start, load->null_text, length) == 0)
				start = NULL;
			add_field(load, n, start, length);
		}
		n++;
		if (p == end)
			return n;
	}
}

void
load_csv_convert(Load *load, int record, LoadSpan bytes)
{
	int n;

	bytes = load_encoded(load, bytes);
	if (load->records[record].unterminated)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						errmsg("a quoted field begins here and has no closing quote")));
	n = load_csv_fields(load, bytes);
	if (n != load->nfields)
		ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
						errmsg("the record has %d fields, expected %d", n, load->nfields)));
	for (int i = 0; i < n; i++)
		if (load->column_of[i] >= 0)
			load->values[load->column_of[i]] = load->fields[i];
}
