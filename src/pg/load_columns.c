/*-------------------------------------------------------------------------
 *
 * load_columns.c
 *		Which columns a load fills, from what: the names in a CSV header, the keys of
 *		JSON objects.
 *
 * A name finds its column exactly, or else without regard to case when only one column
 * has it.  Generated columns cannot be filled.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "load_columns.h"

#include "catalog/pg_type.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

/* Position of the column in the descriptor, -1 when there is none of that name. */
static int
find_attribute(TupleDesc desc, const char *name)
{
	int found = -1;
	int alike = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (strcmp(NameStr(att->attname), name) == 0)
			return i;
		if (pg_strcasecmp(NameStr(att->attname), name) == 0)
		{
			found = i;
			alike++;
		}
	}
	return alike == 1 ? found : -1;
}

/* What JSON a type takes. */
static LoadKind
kind_of(Oid type)
{
	char category;
	bool preferred;

	type = getBaseType(type);
	if (type == JSONOID || type == JSONBOID)
		return LOAD_ANY;
	get_type_category_preferred(type, &category, &preferred);
	if (category == TYPCATEGORY_NUMERIC)
		return LOAD_NUMBER;
	return category == TYPCATEGORY_BOOLEAN ? LOAD_BOOLEAN : LOAD_STRING;
}

/* Appends the attribute to the columns that are filled; returns its place there. */
static int
add_column(Load *load, int attribute)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(load->relation), attribute);
	LoadColumn *column = &load->columns[load->ncolumns];
	Oid input;

	for (int i = 0; i < load->ncolumns; i++)
		if (load->columns[i].attnum == att->attnum)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column \"%s\" is named twice", NameStr(att->attname)),
							errhint("Give argument \"columns\", with NULL for a field that is not "
									"to be loaded.")));
	if (att->attgenerated)
		ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
						errmsg("column \"%s\" is a generated column", NameStr(att->attname)),
						errdetail("Generated columns cannot be loaded.")));
	memset(column, 0, sizeof(*column));
	column->name = pstrdup(NameStr(att->attname));
	column->attnum = att->attnum;
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	getTypeInputInfo(att->atttypid, &input, &column->ioparam);
	fmgr_info_cxt(input, &column->input, load->context);
	column->kind = kind_of(att->atttypid);
	column->has_default = att->atthasdef || att->attidentity;
	return load->ncolumns++;
}

/* Room for all columns of the relation. */
static void
begin_columns(Load *load)
{
	Size n = (Size) RelationGetDescr(load->relation)->natts + 1;

	load->columns = palloc0(mul_size(n, sizeof(LoadColumn)));
	load->values = palloc0(mul_size(n, sizeof(LoadSpan)));
	load->present = palloc0(mul_size(n, sizeof(bool)));
}

static void
add_all_columns(Load *load)
{
	TupleDesc desc = RelationGetDescr(load->relation);

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped && !TupleDescAttr(desc, i)->attgenerated)
			(void) add_column(load, i);
}

static void
require_columns(const Load *load)
{
	if (load->ncolumns == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("nothing is left to load into %s", load->relation_name),
						errdetail("No field or key is a column of it.")));
}

/* Names given as argument "columns". */
static void
array_names(ArrayType *names, Datum **values, bool **nulls, int *n)
{
	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, values, nulls, n);
	if (*n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument \"columns\" is empty"),
				 errhint("Leave it out to load all columns.")));
}

/* One field of the records, of that name; NULL is a field that is not loaded. */
static void
add_field_column(Load *load, int field, const char *name, LoadAction on_unknown)
{
	int attribute = name != NULL ? find_attribute(RelationGetDescr(load->relation), name) : -1;

	load->column_of[field] = -1;
	if (attribute >= 0)
		load->column_of[field] = add_column(load, attribute);
	else if (name != NULL && on_unknown == LOAD_ERROR)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("field %d, \"%s\", is no column of %s", field + 1, name, load->relation_name),
			 errhint("Set on_unknown to 'report' or 'ignore' to leave it out, or name the "
					 "columns with argument \"columns\".")));
	else if (name != NULL && on_unknown == LOAD_REPORT)
		load_warn(load, psprintf("field \"%s\" is no column and was not loaded", name));
}

/* Columns that no field fills and that have no default: told, they will be null. */
static void
report_missing(Load *load)
{
	TupleDesc desc = RelationGetDescr(load->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool filled = att->attisdropped || att->atthasdef || att->attidentity;

		for (int j = 0; j < load->ncolumns && !filled; j++)
			filled = load->columns[j].attnum == att->attnum;
		if (!filled)
			load_warn(load, psprintf("column \"%s\" is in no field and was left null",
									 NameStr(att->attname)));
	}
}

void
load_csv_columns(Load *load, ArrayType *names, bool header, LoadAction on_unknown)
{
	LoadSpan record;
	bool unterminated = false;
	bool has_header;
	int n = 0;
	Datum *values = NULL;
	bool *nulls = NULL;

	load->nfields = 1; /* a blank first line counts as one */
	has_header = header && load_csv_next(load, &record, &unterminated);
	begin_columns(load);
	if (has_header)
	{
		if (unterminated)
			ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
							errmsg("the header has a quoted field without a closing quote")));
		n = load_csv_fields(load, load_encoded(load, record));
	}
	if (names != NULL)
	{
		int given;

		array_names(names, &values, &nulls, &given);
		if (has_header && n != given)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the header has %d fields, but \"columns\" names %d", n, given)));
		n = given;
	}
	else if (!has_header)
	{
		add_all_columns(load);
		n = load->ncolumns;
	}
	load->nfields = n;
	load->column_of = palloc(mul_size((Size) n + 1, sizeof(int)));
	for (int i = 0; i < n; i++)
	{
		LoadSpan field = {"", 0};

		if (names != NULL)
			add_field_column(load, i, nulls[i] ? NULL : NameStr(*DatumGetName(values[i])),
							 LOAD_ERROR);
		else if (!has_header)
			load->column_of[i] = i;
		else
		{
			if (load->fields[i].data != NULL)
				field = load->fields[i];
			add_field_column(load, i, pnstrdup(field.data, field.length), on_unknown);
		}
	}
	require_columns(load);
	memset(load->present, true, (Size) load->ncolumns * sizeof(bool));
	report_missing(load);
}

/* The paths of argument "paths": {"column": "$.key.key"}. */
static void
set_paths(Load *load, Jsonb *paths)
{
	JsonbIterator *it;
	JsonbValue v;
	JsonbIteratorToken token;
	LoadColumn *column = NULL;

	if (!JB_ROOT_IS_OBJECT(paths))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"paths\" is not an object"),
				 errhint("It maps columns to paths, as {\"amount\": \"$.payment.amount\"}.")));
	it = JsonbIteratorInit(&paths->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *text;

		if (token != WJB_KEY && token != WJB_VALUE)
			continue;
		if (token == WJB_VALUE && v.type != jbvString)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the path of column \"%s\" is not a string", column->name)));
		text = pnstrdup(v.val.string.val, (Size) v.val.string.len);
		if (token == WJB_VALUE)
		{
			load_json_path(column, text);
			continue;
		}
		column = NULL;
		for (int i = 0; i < load->ncolumns; i++)
			if (strcmp(load->columns[i].name, text) == 0)
				column = &load->columns[i];
		if (column == NULL)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
							errmsg("\"paths\" names \"%s\", which is no column to load into %s",
								   text, load->relation_name)));
	}
}

void
load_json_columns(Load *load, ArrayType *names, Jsonb *paths)
{
	begin_columns(load);
	if (names == NULL)
		add_all_columns(load);
	else
	{
		Datum *values;
		bool *nulls;
		int n;

		array_names(names, &values, &nulls, &n);
		for (int i = 0; i < n; i++)
		{
			const char *name = nulls[i] ? "" : NameStr(*DatumGetName(values[i]));
			int attribute = find_attribute(RelationGetDescr(load->relation), name);

			if (attribute < 0)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of %s does not exist", name, load->relation_name)));
			(void) add_column(load, attribute);
		}
	}
	require_columns(load);
	for (int i = 0; i < load->ncolumns; i++)
	{
		load->columns[i].path = palloc(sizeof(char *));
		load->columns[i].path[0] = load->columns[i].name;
		load->columns[i].depth = 1;
	}
	if (paths != NULL)
		set_paths(load, paths);
}
