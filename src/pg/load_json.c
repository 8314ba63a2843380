/*-------------------------------------------------------------------------
 *
 * load_json.c
 *		Records and values of JSON: one array of objects, or one object a line.
 *
 * The first character tells which: [ begins an array.  Objects are cut from the bytes
 * by their braces, one at a time, and read by the server's own parser.  In lines, a
 * bad line is a bad record; an array that is not well-formed between its objects ends
 * the load, for nobody knows where the next object begins.
 *
 *-------------------------------------------------------------------------
 */
#include "load.h"

#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

enum
{
	JSON_UNKNOWN, /* nothing read yet */
	JSON_LINES,
	JSON_FIRST, /* behind [ */
	JSON_COMMA, /* behind a value of the array */
	JSON_VALUE, /* behind a comma */
	JSON_AT_END /* behind ] */
};

/* The next byte that is not white space, -1 at the end.  It stays in the buffer. */
static int
peek(Load *load)
{
	for (;;)
	{
		Size n = 0;
		Size length = load->end - load->begin;
		const char *p = load->buffer + load->begin;

		while (n < length && strchr(" \t\r\n", p[n]) != NULL && p[n] != '\0')
			n++;
		load_skip(load, n);
		if (n < length)
			return (unsigned char) load->buffer[load->begin];
		if (!load_more(load))
			return -1;
	}
}

pg_noreturn static void
broken_array(const Load *load, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_JSON_TEXT),
			 errmsg("the JSON array is not well-formed in line %lld", (long long) load->line),
			 errdetail("%s", what)));
}

/* Length of the value at p, 0 when the bytes end before it does. */
static Size
value_length(const char *p, Size length)
{
	int64 depth = 0;
	bool string = false;

	for (Size i = 0; i < length; i++)
	{
		char c = p[i];

		if (string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		}
		else if (c == '"')
			string = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
		{
			if (--depth == 0)
				return i + 1;
		}
		else if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			return i;
	}
	return 0;
}

/* The next value of the array; false behind its end. */
static bool
next_element(Load *load, LoadSpan *record)
{
	int c = peek(load);
	Size length;

	if (load->json_state == JSON_COMMA && c == ',')
	{
		load_skip(load, 1);
		load->json_state = JSON_VALUE;
		c = peek(load);
	}
	else if (load->json_state != JSON_VALUE && c == ']')
	{
		load_skip(load, 1);
		load->json_state = JSON_AT_END;
		if (peek(load) >= 0)
			broken_array(load, "Something follows the closing bracket.");
		return false;
	}
	else if (load->json_state == JSON_COMMA && c >= 0)
		broken_array(load, "Expected a comma or a closing bracket.");
	if (c < 0)
		broken_array(load, "The data ends before the closing bracket.");
	while ((length = value_length(load->buffer + load->begin, load->end - load->begin)) == 0)
	{
		if (c == ',' || c == ']' || c == '}')
			broken_array(load, "Expected an object.");
		if (!load_more(load))
			broken_array(load, "The data ends before the closing bracket.");
	}
	load->record_line = load->line;
	record->data = load->buffer + load->begin;
	record->length = length;
	load_skip(load, length);
	load->json_state = JSON_COMMA;
	return true;
}

/* The next line that is not blank. */
static bool
next_line(Load *load, LoadSpan *record)
{
	const char *newline;

	if (peek(load) < 0)
		return false;
	do
		newline = memchr(load->buffer + load->begin, '\n', load->end - load->begin);
	while (newline == NULL && load_more(load));
	load->record_line = load->line;
	record->data = load->buffer + load->begin;
	record->length = newline != NULL ? (Size) (newline - record->data) : load->end - load->begin;
	load_skip(load, record->length);
	return true;
}

bool
load_json_next(Load *load, LoadSpan *record, bool *unterminated)
{
	*unterminated = false;
	if (load->json_state == JSON_UNKNOWN)
	{
		load->json_state = JSON_LINES;
		if (peek(load) == '[')
		{
			load_skip(load, 1);
			load->json_state = JSON_FIRST;
		}
	}
	if (load->json_state == JSON_AT_END)
		return false;
	return load->json_state == JSON_LINES ? next_line(load, record) : next_element(load, record);
}

/*
 * Sets the path of a column: a.b, $.a.b, a."key with . inside".  The keys name the way
 * from the root through nested objects.
 */
void
load_json_path(LoadColumn *column, const char *path)
{
	const char *p = path;

	column->path = palloc(mul_size(strlen(path) + 1, sizeof(char *)));
	column->depth = 0;
	if (p[0] == '$' && p[1] == '.')
		p += 2;
	do
	{
		const char *end;

		if (*p == '"')
		{
			end = strchr(++p, '"');
			if (end == NULL || (end[1] != '.' && end[1] != '\0'))
				break;
			column->path[column->depth++] = pnstrdup(p, (Size) (end - p));
			p = end + 1;
		}
		else
		{
			end = p + strcspn(p, ".\"[]*?@ ");
			if (end == p || (*end != '.' && *end != '\0'))
				break;
			column->path[column->depth++] = pnstrdup(p, (Size) (end - p));
			p = end;
		}
		if (*p == '\0')
			return;
	} while (*p++ == '.');
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid path \"%s\" of column \"%s\"", path, column->name),
					errhint("A path is made of keys, as $.payment.amount or $.\"unit price\".")));
}

/* The value at the path, NULL when a key is missing; *scalar holds what is no container. */
static JsonbValue *
value_at(Jsonb *object, const LoadColumn *column, JsonbValue *result)
{
	JsonbContainer *in = &object->root;

	for (int i = 0; i < column->depth; i++)
	{
		if (!JsonContainerIsObject(in) ||
			getKeyJsonValueFromContainer(in, column->path[i], (int) strlen(column->path[i]),
										 result) == NULL)
			return NULL;
		if (i + 1 == column->depth)
			return result;
		if (result->type != jbvBinary)
			return NULL;
		in = result->val.binary.data;
	}
	return NULL;
}

/* Is that the type of JSON that the column takes? */
static bool
kind_fits(LoadKind kind, const JsonbValue *v)
{
	switch (kind)
	{
		case LOAD_ANY:
			return true;
		case LOAD_NUMBER:
			return v->type == jbvNumeric;
		case LOAD_BOOLEAN:
			return v->type == jbvBool;
		case LOAD_STRING:
			return v->type == jbvString;
	}
	return false;
}

/* Text of a value for the input function of its column. */
static LoadSpan
value_text(LoadKind kind, JsonbValue *v)
{
	LoadSpan span;
	Jsonb *whole;

	if (v->type == jbvString && kind != LOAD_ANY)
	{
		span.data = v->val.string.val;
		span.length = (Size) v->val.string.len;
		return span;
	}
	whole = JsonbValueToJsonb(v);
	span.data = JsonbToCString(NULL, &whole->root, VARSIZE(whole));
	span.length = strlen(span.data);
	return span;
}

/* Keys of the record that no column takes. */
static void
check_unknown(Load *load, int record, Jsonb *object)
{
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbValue key;
	JsonbIteratorToken token;

	if (load->on_unknown == LOAD_IGNORE)
		return;
	(void) JsonbIteratorNext(&it, &key, false);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		char *name;
		bool known = false;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, (Size) key.val.string.len);
		for (int i = 0; i < load->ncolumns && !known; i++)
			known = strcmp(load->columns[i].path[0], name) == 0;
		if (known)
			continue;
		if (load->on_unknown == LOAD_ERROR)
			ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT),
							errmsg("no column takes key \"%s\"", name)));
		load_note(load, record, 'u', name);
	}
}

/* One column's value out of the object. */
static void
convert_column(Load *load, int record, Jsonb *object, int i)
{
	LoadColumn *column = &load->columns[i];
	JsonbValue scalar;
	JsonbValue *v = value_at(object, column, &scalar);

	load->present[i] = true;
	load->values[i].data = NULL;
	if (v == NULL)
	{
		load->present[i] = !column->has_default;
		if (load->on_missing == LOAD_ERROR && !column->has_default)
		{
			load->bad_column = column->name;
			ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT),
							errmsg("there is no value for column \"%s\"", column->name)));
		}
		if (load->on_missing == LOAD_REPORT && !column->has_default)
			load_note(load, record, 'm', column->name);
		return;
	}
	if (v->type == jbvNull)
		return;
	load->values[i] = value_text(column->kind, v);
	if (kind_fits(column->kind, v) || load->on_coerce == LOAD_IGNORE)
		return;
	if (load->on_coerce == LOAD_ERROR)
	{
		load->bad_column = column->name;
		load->bad_value = pnstrdup(load->values[i].data, load->values[i].length);
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the value of column \"%s\" is a JSON %s", column->name,
							   JsonbTypeName(v))));
	}
	load_note(load, record, 'c', column->name);
}

void
load_json_convert(Load *load, int record, LoadSpan bytes)
{
	Jsonb *object;

	bytes = load_encoded(load, bytes);
	object = DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(bytes.data, bytes.length))));
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("the record is not an object")));
	for (int i = 0; i < load->ncolumns; i++)
		convert_column(load, record, object, i);
	check_unknown(load, record, object);
	for (int i = 0; i < load->ncolumns; i++)
		if (load->present[i])
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("the record has a value for no column")));
}
