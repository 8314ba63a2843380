/*-------------------------------------------------------------------------
 *
 * load_batch.c
 *		A batch of records into the table, bad ones into augur.quarantine.
 *
 * A batch that fails is tried again up to the record that the error named, then that
 * record alone, then the rest; when the error names none, or the wrong one, by halves.
 * A record is refused only when it failed alone, so nothing else is lost with it.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "load_batch.h"
#include "load_columns.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#define RAW_MOST   (1024 * 1024) /* bytes of a bad record that are kept */
#define VALUE_MOST 1000
#define NAMES_MOST 100 /* differences that are told apart */

void
load_batch_add(Load *load, LoadSpan record, bool unterminated)
{
	LoadRecord *r = &load->records[load->nrecords++];

	if (load->bytes_used + record.length > load->bytes_room)
	{
		load->bytes_room = load->bytes_used + record.length + LOAD_BATCH_BYTES;
		load->bytes = repalloc_huge(load->bytes, load->bytes_room);
	}
	memcpy(load->bytes + load->bytes_used, record.data, record.length);
	r->offset = load->bytes_used;
	r->length = record.length;
	r->line = load->record_line;
	r->unterminated = unterminated;
	load->bytes_used += record.length;
	load->rows_read++;
}

/* Text of a bad record; bytes that are not valid, or no characters here, as \xNN. */
static char *
raw_text(const Load *load, const LoadRecord *record, const LoadFailure *failure)
{
	LoadSpan span = {load->bytes + record->offset, record->length};
	StringInfoData text;

	if (failure->sqlstate != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE &&
		failure->sqlstate != ERRCODE_UNTRANSLATABLE_CHARACTER)
	{
		span = load_encoded(load, span);
		return pnstrdup(span.data, (Size) pg_mbcliplen(span.data, (int) span.length, RAW_MOST));
	}
	initStringInfo(&text);
	for (Size i = 0; i < span.length && text.len < RAW_MOST; i++)
	{
		unsigned char c = (unsigned char) span.data[i];

		if ((c >= ' ' && c < 0x7f) || c == '\t' || c == '\n' || c == '\r')
			appendStringInfoChar(&text, (char) c);
		else
			appendStringInfo(&text, "\\x%02x", c);
	}
	return text.data;
}

/* Writes a bad record down, and ends the load when there are too many. */
static void
quarantine(Load *load, int index, const LoadFailure *failure)
{
	static const char *const query =
		"INSERT INTO augur.quarantine (batch_id, row, line, \"column\", value, reason, sqlstate,"
		" raw, raw_length) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
	Oid types[] = {INT8OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID};
	const LoadRecord *record = &load->records[index];
	char *value = failure->value;
	char nulls[] = "         ";
	Datum values[9];

	if (value != NULL)
		value[pg_mbcliplen(value, (int) strlen(value), VALUE_MOST)] = '\0';
	values[0] = Int64GetDatum(load->batch_id);
	values[1] = Int64GetDatum(load->rows_read - load->nrecords + index + 1);
	values[2] = Int64GetDatum(record->line);
	values[3] = CStringGetTextDatum(failure->column != NULL ? failure->column : "");
	nulls[3] = failure->column != NULL ? ' ' : 'n';
	values[4] = CStringGetTextDatum(value != NULL ? value : "");
	nulls[4] = value != NULL ? ' ' : 'n';
	values[5] = CStringGetTextDatum(failure->reason);
	values[6] = CStringGetTextDatum(unpack_sql_state(failure->sqlstate));
	values[7] = CStringGetTextDatum(raw_text(load, record, failure));
	values[8] = Int64GetDatum((int64) record->length);
	if (SPI_execute_with_args(query, 9, types, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write to quarantine: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(load->batch_context); /* SPI leaves its own, which lives on */
	if (load->rows_bad++ < 5)
	{
		size_t length = strlen(failure->reason);

		/* what the server says in detail is a sentence with its stop */
		appendStringInfo(&load->first_bad, "%sLine %lld: %s%s", load->first_bad.len > 0 ? "\n" : "",
						 (long long) record->line, failure->reason,
						 length > 0 && failure->reason[length - 1] == '.' ? "" : ".");
	}
	if (load->max_bad_rows >= 0 && load->rows_bad > load->max_bad_rows)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("more than %lld bad rows, nothing was loaded",
							   (long long) load->max_bad_rows),
						errdetail("%s", load->first_bad.data),
						errhint("Mend the data, or raise max_bad_rows.")));
}

/* Counts a difference by what and name. */
static void
tally(Load *load, const LoadNote *note, int64 line)
{
	LoadTally *t;

	for (int i = 0; i < load->ntallies; i++)
	{
		t = &load->tallies[i];
		if (t->code == note->code && strcmp(t->name, note->name) == 0)
		{
			t->count++;
			return;
		}
	}
	if (load->ntallies >= NAMES_MOST)
	{
		load->tallies[NAMES_MOST].count++;
		return;
	}
	t = &load->tallies[load->ntallies++];
	t->code = note->code;
	t->name = MemoryContextStrdup(load->context, note->name);
	t->count = 1;
	t->line = line;
}

void
load_batch_flush(Load *load)
{
	int first = 0;
	int alone = -1; /* record that an error named */
	int end = load->nrecords;
	bool named = true; /* are errors to be believed? */
	MemoryContext old = MemoryContextSwitchTo(load->batch_context);

	while (first < load->nrecords)
	{
		LoadFailure failure = {-1, 0, NULL, NULL, NULL};
		bool single = end - first == 1;

		CHECK_FOR_INTERRUPTS();
		if (load_attempt(load, first, end, &failure))
		{
			if (single && first == alone)
				named = false; /* that one was innocent */
			load->rows_ok += end - first;
			first = end;
		}
		else if (single)
			quarantine(load, first++, &failure);
		else if (named && failure.record >= first && failure.record < end)
		{
			alone = failure.record;
			end = alone > first ? alone : first + 1;
			continue;
		}
		else
		{
			end = first + (end - first) / 2;
			continue;
		}
		end = named && first == alone ? first + 1 : load->nrecords;
	}
	for (int i = 0; i < load->nnotes; i++)
		tally(load, &load->notes[i], load->records[load->notes[i].record].line);
	load->nnotes = load->nrecords = 0;
	load->bytes_used = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(load->batch_context);
}

/* The differences that were met, as warnings. */
void
load_batch_warnings(Load *load)
{
	for (int i = 0; i < load->ntallies; i++)
	{
		LoadTally *t = &load->tallies[i];

		load_warn(load,
				  psprintf(t->code == 'u'
							   ? "no column takes key \"%s\": %lld rows, first in line %lld"
						   : t->code == 'm' ? "no value for column \"%s\", left null: %lld rows, "
											  "first in line %lld"
											: "another JSON type than column \"%s\" takes, "
											  "converted: %lld rows, first in line %lld",
						   t->name, (long long) t->count, (long long) t->line));
	}
	if (load->ntallies == NAMES_MOST && load->tallies[NAMES_MOST].count > 0)
		load_warn(load, psprintf("other keys or columns differ %lld times",
								 (long long) load->tallies[NAMES_MOST].count));
	if (load->blank_lines > 0)
		load_warn(load, psprintf("%lld blank lines were skipped", (long long) load->blank_lines));
}

/* Room for a batch; once for a load. */
void
load_batch_init(Load *load)
{
	load->batch_context =
		AllocSetContextCreate(load->context, "augur load batch", ALLOCSET_DEFAULT_SIZES);
	load->attempt_context =
		AllocSetContextCreate(load->context, "augur load attempt", ALLOCSET_DEFAULT_SIZES);
	load->records = palloc(mul_size(LOAD_BATCH_ROWS, sizeof(LoadRecord)));
	load->bytes_room = 1024 * 1024;
	load->bytes = MemoryContextAllocHuge(load->context, load->bytes_room);
	load->room = 256 * 1024;
	load->buffer = MemoryContextAllocHuge(load->context, load->room);
	load->tallies = palloc0(mul_size(NAMES_MOST + 1, sizeof(LoadTally)));
	load->line = 1;
	initStringInfo(&load->first_bad);
}
