/*-------------------------------------------------------------------------
 *
 * load_insert.c
 *		Puts records of a batch into the table, inside a subtransaction.
 *
 * Values go through the machinery of COPY: its input functions, defaults, constraints,
 * triggers, partitions and multi-inserts are the server's own.  It is fed with its text
 * format, one line a record, so the line of an error tells the record.  Views and tables
 * with row level security, which COPY refuses, take an INSERT for each record.
 *
 * An error that a record can cause ends the subtransaction, and is told to the caller;
 * any other, and a cancel, goes on up.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "access/xact.h"
#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

/* What the machinery of COPY reads; a trigger may load too, so it is put back behind. */
typedef struct Feed
{
	StringInfoData text;
	int position;
	struct Feed *outer;
} Feed;

static Feed *current_feed = NULL;

/* What an attempt is at, for its error. */
typedef struct Attempt
{
	Load *load;
	Feed feed;
	CopyFromState copy; /* while rows go in */
	int segment;		/* first record of the feed */
	int at;				/* record that is converted */
	bool *present;		/* columns of the segment */
	SPIPlanPtr plan;	/* INSERT of those columns */
} Attempt;

static int
feed_copy(void *to, int least, int most)
{
	int n = Min(most, current_feed->text.len - current_feed->position);

	(void) least;
	memcpy(to, current_feed->text.data + current_feed->position, (Size) n);
	current_feed->position += n;
	return n;
}

/* Adds a value in the text format of COPY. */
static void
feed_value(StringInfo text, LoadSpan value)
{
	const char *p = value.data;
	const char *end;

	if (p == NULL)
	{
		appendBinaryStringInfo(text, "\\N", 2);
		return;
	}
	/* every byte may need two */
	enlargeStringInfo(text, (int) value.length * 2);
	for (end = p + value.length; p < end; p++)
	{
		char c = *p;

		if (unlikely(c == '\\' || c == '\t' || c == '\n' || c == '\r'))
		{
			text->data[text->len++] = '\\';
			c = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
		}
		text->data[text->len++] = c;
	}
	text->data[text->len] = '\0';
}

static void
feed_row(Attempt *a)
{
	Load *load = a->load;
	bool first = true;

	for (int i = 0; i < load->ncolumns; i++)
	{
		if (!load->present[i])
			continue;
		if (!first)
			appendStringInfoCharMacro(&a->feed.text, '\t');
		first = false;
		feed_value(&a->feed.text, load->values[i]);
	}
	appendStringInfoCharMacro(&a->feed.text, '\n');
}

/* The names of the columns that the segment fills. */
static List *
segment_columns(const Attempt *a)
{
	List *names = NIL;

	for (int i = 0; i < a->load->ncolumns; i++)
		if (a->present[i])
			names = lappend(names, makeString(a->load->columns[i].name));
	return names;
}

/* Sends the rows that were fed, if any. */
static void
copy_segment(Attempt *a)
{
	ParseState *state;
	List *options;

	if (a->feed.text.len == 0)
		return;
	state = make_parsestate(NULL);
	augur_compat_insert_target(state, a->load->relation);
	options = list_make1(
		makeDefElem("encoding", (Node *) makeString(pstrdup(GetDatabaseEncodingName())), -1));
	a->feed.position = 0;
	a->copy = BeginCopyFrom(state, a->load->relation, NULL, NULL, false, feed_copy,
							segment_columns(a), options);
	(void) CopyFrom(a->copy);
	EndCopyFrom(a->copy);
	a->copy = NULL;
	free_parsestate(state);
	resetStringInfo(&a->feed.text);
}

/* Plans the INSERT of the columns that the segment fills. */
static void
plan_insert(Attempt *a)
{
	Load *load = a->load;
	StringInfoData columns, values;
	Oid *types = palloc(mul_size((Size) load->ncolumns, sizeof(Oid)));
	int n = 0;

	if (a->plan != NULL)
		SPI_freeplan(a->plan);
	initStringInfo(&columns);
	initStringInfo(&values);
	for (int i = 0; i < load->ncolumns; i++)
	{
		if (!a->present[i])
			continue;
		types[n++] = load->columns[i].type;
		appendStringInfo(&columns, "%s%s", n > 1 ? ", " : "",
						 quote_identifier(load->columns[i].name));
		appendStringInfo(&values, "%s$%d", n > 1 ? ", " : "", n);
	}
	a->plan = SPI_prepare(psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
								   load->relation_name, columns.data, values.data),
						  n, types);
	if (a->plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
}

/* One record through INSERT, its values through the input functions. */
static void
insert_row(Attempt *a)
{
	Load *load = a->load;
	Datum *values = palloc(mul_size((Size) load->ncolumns, sizeof(Datum)));
	char *nulls = palloc((Size) load->ncolumns + 1);
	int n = 0;

	for (int i = 0; i < load->ncolumns; i++)
	{
		LoadColumn *column = &load->columns[i];
		LoadSpan value = load->values[i];
		char *text = value.data != NULL ? pnstrdup(value.data, value.length) : NULL;

		if (!load->present[i])
			continue;
		load->bad_column = column->name;
		load->bad_value = text;
		values[n] = InputFunctionCall(&column->input, text, column->ioparam, column->typmod);
		nulls[n++] = text == NULL ? 'n' : ' ';
	}
	load->bad_column = load->bad_value = NULL;
	if (SPI_execute_plan(a->plan, values, nulls, false, 0) < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(SPI_result));
}

/*
 * Converts the records and puts them in, those that fill the same columns together.  Not inlined
 * into the function that catches its errors, whose variables a jump might clobber.
 */
static pg_noinline void
insert_records(Attempt *a, int first, int end)
{
	Load *load = a->load;
	Size size = (Size) load->ncolumns * sizeof(bool);

	for (a->at = a->segment = first; a->at < end; a->at++)
	{
		LoadRecord *record = &load->records[a->at];
		LoadSpan bytes = {load->bytes + record->offset, record->length};

		load->convert(load, a->at, bytes);
		if (a->at == first || memcmp(a->present, load->present, size) != 0)
		{
			copy_segment(a);
			a->segment = a->at;
			memcpy(a->present, load->present, size);
			if (load->by_insert)
				plan_insert(a);
		}
		if (load->by_insert)
			insert_row(a);
		else
			feed_row(a);
	}
	copy_segment(a);
}

/* Can a record be to blame for the error? */
static bool
is_fault_of_record(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_PLPGSQL_ERROR: /* raised by a trigger */
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_WITH_CHECK_OPTION_VIOLATION:
			return true;
		default:
			break;
	}
	/* of a policy, not of a privilege that all records would miss */
	return error->sqlerrcode == ERRCODE_DATATYPE_MISMATCH ||
		   (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && error->message_id != NULL &&
			strncmp(error->message_id, "new row violates row-level security", 35) == 0);
}

/* The one column of a constraint, NULL when it is about several or unknown.  */
static char *
constraint_column(Relation relation, const char *name)
{
	Oid constraint;
	Bitmapset *columns =
		get_relation_constraint_attnos(RelationGetRelid(relation), name, true, &constraint);

	if (bms_num_members(columns) != 1)
		return NULL;
	return get_attname(
		RelationGetRelid(relation),
		(AttrNumber) (bms_singleton_member(columns) + FirstLowInvalidHeapAttributeNumber), true);
}

/* What the error says about the record, into batch_context. */
static void
describe_failure(const Attempt *a, const ErrorData *error, int end, LoadFailure *failure)
{
	const Load *load = a->load;
	const char *column = load->bad_column;
	const char *value = load->bad_value;

	failure->record = a->at < end ? a->at : -1;
	if (a->copy != NULL)
	{
		failure->record = a->segment + (int) a->copy->cur_lineno - 1;
		if (a->copy->cur_lineno == 0 || failure->record >= a->at)
			failure->record = -1; /* behind the last row: of an AFTER trigger */
		column = a->copy->cur_attname;
		value = a->copy->cur_attval;
	}
	if (column == NULL)
		column = error->column_name;
	failure->sqlstate = error->sqlerrcode;
	failure->reason = error->detail == NULL ? pstrdup(error->message)
											: psprintf("%s: %s", error->message, error->detail);
	failure->column = column != NULL ? pstrdup(column) : NULL;
	failure->value = value != NULL ? pstrdup(value) : NULL;
}

/* Completes it by the catalog and the values that were converted last: outside the failed
 * subtransaction, for a record that was tried alone. */
static void
complete_failure(const Load *load, const ErrorData *error, LoadFailure *failure)
{
	if (failure->column == NULL && error->constraint_name != NULL)
		failure->column = constraint_column(load->relation, error->constraint_name);
	for (int i = 0; i < load->ncolumns && failure->column != NULL && failure->value == NULL; i++)
		if (strcmp(load->columns[i].name, failure->column) == 0 && load->present[i] &&
			load->values[i].data != NULL)
			failure->value = pnstrdup(load->values[i].data, load->values[i].length);
}

bool
load_attempt(Load *load, int first, int end, LoadFailure *failure)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Attempt *a;
	volatile bool done = false;

	MemoryContextReset(load->attempt_context);
	load->bad_column = load->bad_value = NULL;
	memset(load->values, 0, (Size) load->ncolumns * sizeof(LoadSpan));
	while (load->nnotes > 0 && load->notes[load->nnotes - 1].record >= first)
		load->nnotes--;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(load->attempt_context);
	a = palloc0(sizeof(Attempt));
	a->load = load;
	a->present = palloc0(mul_size((Size) load->ncolumns, sizeof(bool)));
	initStringInfo(&a->feed.text);
	a->feed.outer = current_feed;
	current_feed = &a->feed;
	PG_TRY();
	{
		insert_records(a, first, end);
		current_feed = a->feed.outer;
		if (a->plan != NULL)
			SPI_freeplan(a->plan);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		current_feed = a->feed.outer;
		MemoryContextSwitchTo(load->batch_context);
		error = CopyErrorData();
		if (!is_fault_of_record(error))
			PG_RE_THROW();
		describe_failure(a, error, end, failure);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(load->batch_context);
		if (end - first == 1)
			complete_failure(load, error, failure);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return done;
}
