/*-------------------------------------------------------------------------
 *
 * load.h
 *		What the files of room load share: augur.load_csv and augur.load_json.
 *
 * A load reads bytes (load_source.c), cuts them into records (load_csv.c, load_json.c),
 * collects a batch of records, and puts each batch into the table inside one
 * subtransaction (load_insert.c).  When that fails, the batch is cut until the bad
 * record stands alone; it goes to augur.quarantine (load.c) and the rest goes on.
 *
 * Memory: load->context lives as long as the call, load->batch_context as a batch,
 * load->attempt_context as one try of a part of a batch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_LOAD_H
#define AUGUR_LOAD_H

#include "pg.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/rel.h"

#define LOAD_MAX_RECORD	 ((Size) 64 * 1024 * 1024) /* a longer record ends the load */
#define LOAD_BATCH_ROWS	 8192
#define LOAD_BATCH_BYTES ((Size) 8 * 1024 * 1024)

/* ---- load_source.c: where bytes come from ------------------------------ */

typedef struct LoadSource LoadSource;

/* Exactly one of file, content and staging is given. */
extern LoadSource *load_source_open(text *file, text *content, Oid staging);
/* Up to room bytes; 0 at the end. */
extern Size load_source_read(LoadSource *source, char *to, Size room);
/* SHA-256 of everything; afterwards the source is at its beginning again. */
extern void load_source_digest(LoadSource *source, uint8 digest[32]);
/* Closes it; an error when what was read is not what the digest was made of. */
extern void load_source_close(LoadSource *source, const uint8 digest[32]);
/* Closes it before its end. */
extern void load_source_abandon(LoadSource *source);
/* Are the bytes in the server's encoding and valid already? */
extern bool load_source_is_valid(const LoadSource *source);

/* ---- the load ----------------------------------------------------------- */

/* What is done about a difference between the data and the table. */
typedef enum LoadAction
{
	LOAD_IGNORE, /* nothing */
	LOAD_REPORT, /* counted, a warning of the result */
	LOAD_ERROR	 /* the row is bad (CSV header: the load stops) */
} LoadAction;

/* What a JSON value should be for a column. */
typedef enum LoadKind
{
	LOAD_STRING,
	LOAD_NUMBER,
	LOAD_BOOLEAN,
	LOAD_ANY
} LoadKind;

/* A piece of bytes; data NULL stands for SQL NULL. */
typedef struct LoadSpan
{
	const char *data;
	Size length;
} LoadSpan;

/* A column that is filled. */
typedef struct LoadColumn
{
	char *name;
	AttrNumber attnum;
	Oid type;
	int32 typmod;
	FmgrInfo input;
	Oid ioparam;
	LoadKind kind;
	bool has_default;
	char **path; /* JSON: keys from the root */
	int depth;
} LoadColumn;

/* A record of the batch: bytes in load->bytes. */
typedef struct LoadRecord
{
	Size offset;
	Size length;
	int64 line;
	bool unterminated; /* its quoted field has no end */
} LoadRecord;

/* A difference that was met in a record of the batch, told when the record is in. */
typedef struct LoadNote
{
	int record;
	char code;		  /* 'u' unknown key, 'm' missing key, 'c' another type */
	const char *name; /* in batch_context */
} LoadNote;

/* How often a difference was met, for the warnings. */
typedef struct LoadTally
{
	char code;
	char *name;
	int64 count;
	int64 line; /* of the first */
} LoadTally;

/* Why a record was refused. */
typedef struct LoadFailure
{
	int record; /* position in the batch, -1 when not known */
	int sqlstate;
	char *reason;
	char *column; /* NULL when it is not one column's fault */
	char *value;
} LoadFailure;

typedef struct Load
{
	MemoryContext context, batch_context, attempt_context;
	Relation relation;
	char *relation_name; /* qualified and quoted */
	bool by_insert;		 /* through INSERT: views, row level security */
	LoadColumn *columns;
	int ncolumns;

	/* reader */
	LoadSource *source;
	int encoding; /* of the bytes, -1 when they are valid in the server's */
	char *buffer;
	Size begin, end, room;
	bool at_end;
	int64 line;		   /* of the next byte, counted from 1 */
	int64 record_line; /* of the record that was read last */
	int64 blank_lines; /* skipped */
	bool (*next)(struct Load *load, LoadSpan *record, bool *unterminated);

	/* CSV */
	char delimiter, quote, escape;
	char *null_text;
	int nfields;	/* in a record */
	int *column_of; /* by field, -1: not loaded */
	LoadSpan *fields;
	int fields_room;

	/* JSON */
	int json_state;
	LoadAction on_unknown, on_missing, on_coerce;

	/* from a record to the values of columns: errors are raised */
	void (*convert)(struct Load *load, int record, LoadSpan bytes);
	LoadSpan *values;		/* by column */
	bool *present;			/* by column: false lets the default stand */
	const char *bad_column; /* what convert was at when it raised */
	const char *bad_value;

	/* batch */
	char *bytes;
	Size bytes_used, bytes_room;
	LoadRecord *records;
	int nrecords;
	LoadNote *notes;
	int nnotes, notes_room;

	/* results */
	int64 batch_id, rows_read, rows_ok, rows_bad;
	int64 max_bad_rows; /* -1: any number */
	LoadTally *tallies;
	int ntallies, tallies_room;
	StringInfoData first_bad; /* for the message of a load that stops */
} Load;

/* load_read.c: more bytes behind begin; false at the end of the source. */
extern bool load_more(Load *load);
extern void load_skip(Load *load, Size length);
/* The bytes of a record in the server's encoding; raises when they are not valid. */
extern LoadSpan load_encoded(const Load *load, LoadSpan bytes);
extern void load_note(Load *load, int record, char code, const char *name);

/* load_csv.c */
extern bool load_csv_next(Load *load, LoadSpan *record, bool *unterminated);
extern void load_csv_convert(Load *load, int record, LoadSpan bytes);
extern int load_csv_fields(Load *load, LoadSpan bytes);

/* load_json.c */
extern bool load_json_next(Load *load, LoadSpan *record, bool *unterminated);
extern void load_json_convert(Load *load, int record, LoadSpan bytes);
extern void load_json_path(LoadColumn *column, const char *path);

/* load_insert.c: records [first, end) of the batch; false and why when it failed. */
extern bool load_attempt(Load *load, int first, int end, LoadFailure *failure);

#endif /* AUGUR_LOAD_H */
