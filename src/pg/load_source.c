/*-------------------------------------------------------------------------
 *
 * load_source.c
 *		Where a load reads from: a file of the server, a text, a staging table.
 *
 * A source is read twice: once for its digest, which tells whether it was loaded
 * before, and once for its rows.  The second reading makes the digest again, so that
 * a file that changes in between ends the load.  Files are read by members of
 * pg_read_server_files only, as COPY does; everybody else sends a text, or fills a
 * table of lines with \copy.  Reading answers cancel at each piece.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include <sys/stat.h>

#include "access/relation.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define STAGING_FETCH 10000
#define PIECE		  65536 /* bytes that are read at once for the digest */

struct LoadSource
{
	char *name; /* of the file */
	FILE *file;
	const char *content; /* a text */
	Size length;
	char *query; /* a staging table: its lines in order */
	Portal portal;
	StringInfoData lines; /* fetched, not yet given */
	Size position;		  /* in content or lines */
	pg_cryptohash_ctx *hash;
};

/* Opens a file of the server for a member of pg_read_server_files. */
static void
open_file(LoadSource *source, text *file)
{
	struct stat st;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to read a file of the server"),
						errdetail("Only roles with privileges of the \"%s\" role may.",
								  "pg_read_server_files"),
						errhint("Fill a table of lines with psql's \\copy and name it as "
								"argument \"staging\", or send the text as \"content\".")));
	source->name = text_to_cstring(file);
	source->file = AllocateFile(source->name, PG_BINARY_R);
	if (source->file == NULL)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not open file \"%s\" for reading: %m", source->name),
						errhint("The path is one of the server, not of the client.")));
	if (fstat(fileno(source->file), &st) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not stat file \"%s\": %m", source->name)));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a regular file", source->name)));
}

/*
 * The query for the lines of a staging table: one column of type text, and maybe one
 * of an integer type that orders them; without that, they come as they are stored.
 */
static void
open_staging(LoadSource *source, Oid staging)
{
	Relation rel = relation_open(staging, AccessShareLock);
	TupleDesc desc = RelationGetDescr(rel);
	const char *line = NULL;
	const char *order = "ctid";
	bool fits = rel->rd_rel->relkind == RELKIND_RELATION;

	for (int i = 0; i < desc->natts && fits; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (att->atttypid == TEXTOID && line == NULL)
			line = pstrdup(quote_identifier(NameStr(att->attname)));
		else if ((att->atttypid == INT8OID || att->atttypid == INT4OID) &&
				 strcmp(order, "ctid") == 0)
			order = pstrdup(quote_identifier(NameStr(att->attname)));
		else
			fits = false;
	}
	if (!fits || line == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a staging table", RelationGetRelationName(rel)),
						errdetail("A staging table has one column of type text, and may have an "
								  "integer one that orders the lines."),
						errhint("CREATE TEMP TABLE lines (n bigint GENERATED ALWAYS AS IDENTITY, "
								"line text)")));
	source->query =
		psprintf("SELECT %s FROM ONLY %s ORDER BY %s", line,
				 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											RelationGetRelationName(rel)),
				 order);
	initStringInfo(&source->lines);
	relation_close(rel, NoLock);
}

/* Goes to the beginning, and starts a digest. */
static void
start(LoadSource *source)
{
	source->position = 0;
	if (source->file != NULL && fseeko(source->file, 0, SEEK_SET) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not seek in file \"%s\": %m", source->name)));
	if (source->query != NULL)
	{
		SPIPlanPtr plan = SPI_prepare(source->query, 0, NULL);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		source->portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
		resetStringInfo(&source->lines);
	}
	source->hash = pg_cryptohash_create(PG_SHA256);
	if (source->hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (pg_cryptohash_init(source->hash) < 0)
		elog(ERROR, "could not start a digest: %s", pg_cryptohash_error(source->hash));
}

/* Ends the digest and whatever the reading held. */
static void
finish(LoadSource *source, uint8 digest[32])
{
	if (pg_cryptohash_final(source->hash, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not finish a digest: %s", pg_cryptohash_error(source->hash));
	pg_cryptohash_free(source->hash);
	source->hash = NULL;
	if (source->portal != NULL)
		SPI_cursor_close(source->portal);
	source->portal = NULL;
}

LoadSource *
load_source_open(text *file, text *content, Oid staging)
{
	LoadSource *source = palloc0(sizeof(LoadSource));

	if ((file != NULL) + (content != NULL) + OidIsValid(staging) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exactly one of \"file\", \"content\" and \"staging\" must be given")));
	if (file != NULL)
		open_file(source, file);
	else if (content != NULL)
	{
		source->content = VARDATA_ANY(content);
		source->length = VARSIZE_ANY_EXHDR(content);
	}
	else
		open_staging(source, staging);
	start(source);
	return source;
}

bool
load_source_is_valid(const LoadSource *source)
{
	return source->file == NULL;
}

/* Fetches lines of the staging table; a line that is NULL was empty. */
static void
fetch_lines(LoadSource *source)
{
	resetStringInfo(&source->lines);
	source->position = 0;
	SPI_cursor_fetch(source->portal, true, STAGING_FETCH);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool null;
		Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null);

		if (!null)
		{
			text *line = DatumGetTextPP(value);

			appendBinaryStringInfo(&source->lines, VARDATA_ANY(line),
								   (int) VARSIZE_ANY_EXHDR(line));
			if ((Pointer) line != DatumGetPointer(value))
				pfree(line);
		}
		appendStringInfoChar(&source->lines, '\n');
	}
	SPI_freetuptable(SPI_tuptable);
}

Size
load_source_read(LoadSource *source, char *to, Size room)
{
	Size got;

	CHECK_FOR_INTERRUPTS();
	room = Min(room, (Size) 1024 * 1024);
	if (source->file != NULL)
	{
		got = fread(to, 1, room, source->file);
		if (ferror(source->file))
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read file \"%s\": %m", source->name)));
	}
	else
	{
		const char *from = source->content;
		Size length = source->length;

		if (source->query != NULL)
		{
			if (source->position == (Size) source->lines.len)
				fetch_lines(source);
			from = source->lines.data;
			length = (Size) source->lines.len;
		}
		got = Min(room, length - source->position);
		memcpy(to, from + source->position, got);
		source->position += got;
	}
	if (pg_cryptohash_update(source->hash, (const uint8 *) to, got) < 0)
		elog(ERROR, "could not continue a digest: %s", pg_cryptohash_error(source->hash));
	return got;
}

void
load_source_digest(LoadSource *source, uint8 digest[32])
{
	char *piece = palloc(PIECE);

	while (load_source_read(source, piece, PIECE) > 0)
		;
	pfree(piece);
	finish(source, digest);
	start(source);
}

void
load_source_abandon(LoadSource *source)
{
	uint8 unused[PG_SHA256_DIGEST_LENGTH];

	finish(source, unused);
	if (source->file != NULL)
		FreeFile(source->file);
}

void
load_source_close(LoadSource *source, const uint8 digest[32])
{
	uint8 again[32];

	finish(source, again);
	if (source->file != NULL)
		FreeFile(source->file);
	if (memcmp(again, digest, sizeof(again)) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the data changed while it was loaded"),
						errhint("Load it again when nobody writes to it.")));
}
