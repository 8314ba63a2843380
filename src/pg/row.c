/*-------------------------------------------------------------------------
 *
 * row.c
 *		Rows of any type -> the core's x: columns are matched by name, once per
 *		row type, and values are read through source.c, as training reads them.
 *
 * A row may have more columns than the model needs, in any order.  A column that is
 * missing is an error that names it with its type; so is a column whose type is of
 * another family (text for a number).  A row made by ROW(...) has no names: it is
 * matched by position when it has exactly as many columns as the model.
 *
 * A map holds a copy of the row type's descriptor and its identifier in the type
 * cache, which changes with every ALTER TABLE: descriptors are never trusted across
 * statements by their OID.  Rows are deformed by the server, in a slot, up to the last
 * attribute that the model needs.  Slots of heap tuples do not know C strings, which no
 * table can have (19 relies on it), so ROW('a') with its unknown literal goes another way.
 *
 * Memory: a map lives in the context of its call site; reading a row allocates only
 * what detoasting and output functions need, in the caller's context.
 *
 *-------------------------------------------------------------------------
 */
#include "pg.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#include "scoring.h"

#define NAMES_IN_MESSAGE 12

/* How one feature is read from the attribute; the common types without a call. */
typedef enum FillOp
{
	FILL_FLOAT8,
	FILL_FLOAT4,
	FILL_INT2,
	FILL_INT4,
	FILL_INT8,
	FILL_BOOL,
	FILL_NUMBER, /* augur_source_number */
	FILL_ARRAY,	 /* all elements of the column at once */
	FILL_LEVEL,	 /* augur_source_text */
	FILL_UNKNOWN /* a literal of type unknown: a C string */
} FillOp;

typedef struct Fill
{
	FillOp op;
	int attribute; /* 0-based */
	uint32 feature;
	uint32 element;
	AugurPart part;
	int column;
} Fill;

struct AugurRowMap
{
	const AugurLayout *layout;
	Oid type;
	int32 typmod;
	uint64 identifier;
	TupleTableSlot *slot; /* with a copy of the row type's descriptor */
	bool has_literals;	  /* some attributes are of type unknown */
	int n_attributes;	  /* how many of them have to be deformed */
	int n_fills;
	Fill *fills;
	AugurSource *sources; /* [n_columns] */
	double *elements;	  /* room for the longest array column */
};

/* ---- columns of a model ------------------------------------------------- */

/*
 * Family of a type from the name that training recorded.
 */
AugurFamily
augur_type_family(const char *type_name)
{
	static const struct
	{
		const char *name;
		AugurFamily family;
	} known[] = {{"smallint", AUGUR_FAMILY_NUMBER},
				 {"integer", AUGUR_FAMILY_NUMBER},
				 {"bigint", AUGUR_FAMILY_NUMBER},
				 {"real", AUGUR_FAMILY_NUMBER},
				 {"double precision", AUGUR_FAMILY_NUMBER},
				 {"money", AUGUR_FAMILY_NUMBER},
				 {"boolean", AUGUR_FAMILY_BOOL},
				 {"interval", AUGUR_FAMILY_INTERVAL},
				 {"date", AUGUR_FAMILY_DATE},
				 {"text", AUGUR_FAMILY_TEXT},
				 {"character varying", AUGUR_FAMILY_TEXT},
				 {"character", AUGUR_FAMILY_TEXT}};
	Size length = strlen(type_name);

	if (length > 2 && strcmp(type_name + length - 2, "[]") == 0)
		return AUGUR_FAMILY_ARRAY;
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(type_name, known[i].name) == 0)
			return known[i].family;
	if (strncmp(type_name, "numeric", 7) == 0)
		return AUGUR_FAMILY_NUMBER;
	if (strncmp(type_name, "timestamp", 9) == 0)
		return AUGUR_FAMILY_DATE;
	if (strncmp(type_name, "time", 4) == 0)
		return AUGUR_FAMILY_TIME;
	if (strncmp(type_name, "interval", 8) == 0)
		return AUGUR_FAMILY_INTERVAL;
	return AUGUR_FAMILY_OTHER;
}

/*
 * Family of a feature's column.  Part and type name together tell it also for
 * domains and for types that this database does not have.
 */
static AugurFamily
feature_family(const AugFeature *feature)
{
	AugurFamily family = augur_type_family(feature->type_name);

	switch (feature->part)
	{
		case AUGUR_PART_VALUE:
			return family == AUGUR_FAMILY_ARRAY ? AUGUR_FAMILY_OTHER : family;
		case AUGUR_PART_TEXT:
			return family == AUGUR_FAMILY_ARRAY || family == AUGUR_FAMILY_OTHER ? AUGUR_FAMILY_TEXT
																				: family;
		case AUGUR_PART_ELEMENT:
			return AUGUR_FAMILY_ARRAY;
		default:
			return AUGUR_FAMILY_DATE;
	}
}

static AugurFamily
source_family(const AugurSource *src)
{
	switch (src->cls)
	{
		case AUGUR_CLASS_BOOL:
			return AUGUR_FAMILY_BOOL;
		case AUGUR_CLASS_TIME:
		case AUGUR_CLASS_TIMETZ:
			return AUGUR_FAMILY_TIME;
		case AUGUR_CLASS_INTERVAL:
			return AUGUR_FAMILY_INTERVAL;
		case AUGUR_CLASS_DATE:
		case AUGUR_CLASS_TIMESTAMP:
			return AUGUR_FAMILY_DATE;
		case AUGUR_CLASS_ARRAY:
			return AUGUR_FAMILY_ARRAY;
		default:
			return src->categorical ? AUGUR_FAMILY_TEXT : AUGUR_FAMILY_NUMBER;
	}
}

/*
 * Do two neighbouring features come from one column, and in one way?
 */
static bool
same_column(const AugFeature *a, const AugFeature *b)
{
	return strcmp(a->column, b->column) == 0 &&
		   (a->part == AUGUR_PART_ELEMENT) == (b->part == AUGUR_PART_ELEMENT);
}

/*
 * The source columns of a model, in the order of its features, of which those of one
 * column stand together.
 * The layout lives in context; the model must outlive it.
 */
AugurLayout *
augur_layout_make(const AugModel *model, const char *label, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	AugurLayout *layout = palloc0(sizeof(AugurLayout));
	const AugModelInfo *info = aug_model_info(model);
	uint32 n = info->n_features;
	AugurColumn *column = NULL;

	layout->model = model;
	layout->info = info;
	layout->label = pstrdup(label);
	layout->columns = palloc0(mul_size(sizeof(AugurColumn), n + 1));
	layout->x = palloc(mul_size(sizeof(double), n + 1));
	layout->out = palloc(mul_size(sizeof(double), info->n_outputs + 1));
	layout->scratch = (void *) TYPEALIGN(16, palloc(add_size(aug_model_scratch(model), 16)));

	for (uint32 i = 0; i < n; i++)
	{
		const AugFeature *feature = &info->features[i];

		if (i == 0 || !same_column(feature, feature - 1))
		{
			column = &layout->columns[layout->n_columns++];
			column->name = feature->column;
			column->type_name = feature->type_name;
			column->family = feature_family(feature);
			column->first = i;
		}
		column->count++;
		if (feature->part == AUGUR_PART_ELEMENT)
			column->elements = Max(column->elements, feature->element + 1);
	}
	MemoryContextSwitchTo(caller);
	return layout;
}

/*
 * Are all features of the column missing in x?
 */
bool
augur_column_missing(const AugurLayout *layout, int column, const double *x)
{
	const AugurColumn *c = &layout->columns[column];

	for (uint32 f = c->first; f < c->first + c->count; f++)
		if (!isnan(x[f]))
			return false;
	return true;
}

/*
 * Is the column a category that training did not have?
 */
bool
augur_column_unseen(const AugurLayout *layout, int column, const double *x)
{
	uint32 feature = layout->columns[column].first;

	return layout->info->features[feature].kind == AUG_CATEGORICAL_FEATURE &&
		   x[feature] == AUG_UNSEEN_LEVEL;
}

/* ---- matching names ------------------------------------------------------ */

/*
 * 0-based attribute of that name, or -1.  ERROR when two have it.
 */
static int
find_attribute(TupleDesc desc, const char *name)
{
	int found = -1;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_COLUMN),
							errmsg("row has more than one column \"%s\"", name),
							errhint("Give the columns of the subquery different names.")));
		found = i;
	}
	return found;
}

/*
 * Is it a row without names, as ROW(...) makes them: f1, f2, ...?
 */
static bool
row_has_no_names(TupleDesc desc, Oid type)
{
	char name[16];

	if (type != RECORDOID)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		snprintf(name, sizeof(name), "f%d", i + 1);
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			return false;
	}
	return true;
}

/*
 * Appends "name (type)" of a column to a list in a message.
 */
static void
append_column(StringInfo list, const AugurColumn *column, int *count)
{
	(*count)++;
	if (*count > NAMES_IN_MESSAGE)
		return;
	appendStringInfo(list, "%s%s (%s)", list->len > 0 ? ", " : "", column->name, column->type_name);
}

/*
 * Raises for a row in which columns are missing.  Names that differ in case only are
 * the usual reason, a row without names another: the hint tells.
 */
static void
fail_missing(const AugurLayout *layout, TupleDesc desc, Oid type, const int *attributes)
{
	StringInfoData list;
	int count = 0;
	const char *similar = NULL;

	initStringInfo(&list);
	if (row_has_no_names(desc, type))
	{
		for (int c = 0; c < layout->n_columns; c++)
			append_column(&list, &layout->columns[c], &count);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg_plural("row has %d unnamed column, but %s needs %d",
							   "row has %d unnamed columns, but %s needs %d", desc->natts,
							   desc->natts, layout->label, layout->n_columns),
				 errdetail("Its columns are, in order: %s%s.", list.data,
						   count > NAMES_IN_MESSAGE ? ", ..." : ""),
				 errhint("Pass a row of a table, or of a subquery that names its columns.")));
	}
	for (int c = 0; c < layout->n_columns; c++)
	{
		if (attributes[c] >= 0)
			continue;
		append_column(&list, &layout->columns[c], &count);
		for (int i = 0; i < desc->natts && similar == NULL; i++)
			if (pg_strcasecmp(NameStr(TupleDescAttr(desc, i)->attname), layout->columns[c].name) ==
				0)
				similar = NameStr(TupleDescAttr(desc, i)->attname);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg_plural("row lacks a column that %s needs: %s%s",
						   "row lacks columns that %s needs: %s%s", count, layout->label, list.data,
						   count > NAMES_IN_MESSAGE ? ", ..." : ""),
			 similar ? errhint("The row has \"%s\": names are matched exactly, with their case.",
							   similar)
					 : errhint("Columns are matched by name; augur.features lists what a model "
							   "needs, and augur.predict_json accepts a part of them.")));
}

/*
 * Raises for a column whose type is of another family.
 */
static void
fail_type(const AugurColumn *column, Oid type)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column \"%s\" is of type %s, but the model was trained on %s",
						   column->name, format_type_be(type), column->type_name),
					errhint("Cast the column, for example in a subquery.")));
}

/*
 * How a feature is read from an attribute of that source.
 */
static FillOp
fill_op(const AugurSource *src, const AugFeature *feature)
{
	if (feature->kind == AUG_CATEGORICAL_FEATURE || feature->part == AUGUR_PART_TEXT)
		return FILL_LEVEL;
	if (feature->part != AUGUR_PART_VALUE)
		return FILL_NUMBER;
	switch (src->cls)
	{
		case AUGUR_CLASS_FLOAT8:
			return FILL_FLOAT8;
		case AUGUR_CLASS_FLOAT4:
			return FILL_FLOAT4;
		case AUGUR_CLASS_INT2:
			return FILL_INT2;
		case AUGUR_CLASS_INT4:
			return FILL_INT4;
		case AUGUR_CLASS_INT8:
			return FILL_INT8;
		case AUGUR_CLASS_BOOL:
			return FILL_BOOL;
		default:
			return FILL_NUMBER;
	}
}

/*
 * Adds the fills of one column, from one attribute.
 */
static void
map_column(AugurRowMap *map, int c, int attribute, MemoryContext context)
{
	const AugurLayout *layout = map->layout;
	const AugurColumn *column = &layout->columns[c];
	Oid type = TupleDescAttr(map->slot->tts_tupleDescriptor, attribute)->atttypid;
	bool unknown = type == UNKNOWNOID;
	AugurSource *src = &map->sources[c];

	if (!unknown &&
		(!augur_source_init(src, type, context) ||
		 (column->family != AUGUR_FAMILY_OTHER && source_family(src) != column->family)))
		fail_type(column, type);

	for (uint32 f = column->first; f < column->first + column->count; f++)
	{
		const AugFeature *feature = &layout->info->features[f];
		Fill *fill = &map->fills[map->n_fills];

		if (!unknown && !augur_source_gives(src, feature->part))
			fail_type(column, type);
		fill->attribute = attribute;
		fill->column = c;
		fill->feature = f;
		fill->element = feature->element;
		fill->part = feature->part;
		fill->op = unknown								  ? FILL_UNKNOWN
				   : column->family == AUGUR_FAMILY_ARRAY ? FILL_ARRAY
														  : fill_op(src, feature);
		map->n_fills++;
		if (fill->op == FILL_ARRAY)
			break; /* one fill reads the whole block */
	}
}

AugurRowMap *
augur_row_map(const AugurLayout *layout, TupleDesc desc, Oid type, int32 typmod,
			  MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	AugurRowMap *map = palloc0(sizeof(AugurRowMap));
	int *attributes = palloc(mul_size(sizeof(int), layout->n_columns + 1));
	int missing = 0;
	int last = -1;
	uint32 elements = 0;

	for (int c = 0; c < layout->n_columns; c++)
	{
		CHECK_FOR_INTERRUPTS();
		attributes[c] = find_attribute(desc, layout->columns[c].name);
		missing += attributes[c] < 0;
		elements = Max(elements, layout->columns[c].elements);
	}
	if (missing > 0)
	{
		if (desc->natts != layout->n_columns || !row_has_no_names(desc, type))
			fail_missing(layout, desc, type, attributes);
		for (int c = 0; c < layout->n_columns; c++)
			attributes[c] = c;
	}
	for (int c = 0; c < layout->n_columns; c++)
		last = Max(last, attributes[c]);

	map->layout = layout;
	map->type = type;
	map->typmod = typmod;
	map->identifier = type == RECORDOID ? 0 : assign_record_type_identifier(type, typmod);
	map->slot = MakeSingleTupleTableSlot(CreateTupleDescCopyConstr(desc), &TTSOpsHeapTuple);
	map->n_attributes = last + 1;
	for (int i = 0; i < desc->natts; i++)
		map->has_literals |= TupleDescAttr(desc, i)->atttypid == UNKNOWNOID;
	map->fills = palloc0(mul_size(sizeof(Fill), layout->info->n_features + 1));
	map->sources = palloc0(mul_size(sizeof(AugurSource), layout->n_columns + 1));
	map->elements = palloc(mul_size(sizeof(double), elements + 1));
	for (int c = 0; c < layout->n_columns; c++)
		map_column(map, c, attributes[c], context);
	pfree(attributes);
	MemoryContextSwitchTo(caller);
	return map;
}

bool
augur_row_map_fits(const AugurRowMap *map, Oid type, int32 typmod)
{
	/* an anonymous row type never changes; a named one does by ALTER */
	return map->type == type && map->typmod == typmod &&
		   (type == RECORDOID || map->identifier == assign_record_type_identifier(type, typmod));
}

/* ---- reading rows ---------------------------------------------------------- */

/*
 * The features of an array column.  ERROR when it is shorter than the model needs.
 */
static void
read_array(AugurRowMap *map, const Fill *fill, Datum value, double *x)
{
	const AugurLayout *layout = map->layout;
	const AugurColumn *column = &layout->columns[fill->column];
	int n = augur_source_array(&map->sources[fill->column], value, map->elements,
							   (int) column->elements);

	if (n < (int) column->elements)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg_plural("array in column \"%s\" has %d element, but %s needs at least %u",
							   "array in column \"%s\" has %d elements, but %s needs at least %u",
							   n, column->name, n, layout->label, column->elements)));
	for (uint32 f = column->first; f < column->first + column->count; f++)
		x[f] = map->elements[layout->info->features[f].element];
}

/*
 * Level of a literal of type unknown.  ERROR when the column is no category: only
 * the parser could have given the literal a number's type.
 */
static double
read_unknown(AugurRowMap *map, const Fill *fill, Datum value)
{
	const AugurLayout *layout = map->layout;
	const char *text = DatumGetCString(value);

	if (layout->info->features[fill->feature].kind != AUG_CATEGORICAL_FEATURE)
		fail_type(&layout->columns[fill->column], UNKNOWNOID);
	return aug_model_level(layout->model, fill->feature, text, strlen(text));
}

/*
 * One fill that needs more than a load.
 */
static void
read_slow(AugurRowMap *map, const Fill *fill, Datum value, double *x)
{
	AugurSource *src = &map->sources[fill->column];
	const char *text;
	int length;

	switch (fill->op)
	{
		case FILL_LEVEL:
			text = augur_source_text(src, value, &length);
			x[fill->feature] =
				aug_model_level(map->layout->model, fill->feature, text, (size_t) length);
			break;
		case FILL_ARRAY:
			read_array(map, fill, value, x);
			break;
		case FILL_UNKNOWN:
			x[fill->feature] = read_unknown(map, fill, value);
			break;
		default:
			x[fill->feature] = augur_source_number(src, value, fill->part, fill->element);
			break;
	}
}

/*
 * NULL: missing.  For an array, all its elements.
 */
static void
read_null(const AugurRowMap *map, const Fill *fill, double *x)
{
	const AugurColumn *column;

	x[fill->feature] = NAN;
	if (fill->op != FILL_ARRAY)
		return;
	column = &map->layout->columns[fill->column];
	for (uint32 f = column->first; f < column->first + column->count; f++)
		x[f] = NAN;
}

/*
 * The row's attributes into the arrays of the slot.  A row with literals is of an
 * anonymous type, which no ALTER changes: it has what its descriptor says.
 */
static inline void
deform(AugurRowMap *map, HeapTuple tuple)
{
	TupleTableSlot *slot = map->slot;

	if (unlikely(map->has_literals))
	{
		heap_deform_tuple(tuple, slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
		return;
	}
	ExecStoreHeapTuple(tuple, slot, false);
	slot_getsomeattrs(slot, map->n_attributes);
}

void
augur_row_read(AugurRowMap *map, HeapTuple tuple, double *x)
{
	const Datum *values = map->slot->tts_values;
	const bool *nulls = map->slot->tts_isnull;
	const Fill *end = map->fills + map->n_fills;

	deform(map, tuple);
	for (const Fill *fill = map->fills; fill < end; fill++)
	{
		Datum value = values[fill->attribute];

		if (unlikely(nulls[fill->attribute]))
		{
			read_null(map, fill, x);
			continue;
		}
		switch (fill->op)
		{
			case FILL_FLOAT8:
				x[fill->feature] = DatumGetFloat8(value);
				break;
			case FILL_FLOAT4:
				x[fill->feature] = DatumGetFloat4(value);
				break;
			case FILL_INT4:
				x[fill->feature] = DatumGetInt32(value);
				break;
			case FILL_INT8:
				x[fill->feature] = (double) DatumGetInt64(value);
				break;
			case FILL_INT2:
				x[fill->feature] = DatumGetInt16(value);
				break;
			case FILL_BOOL:
				x[fill->feature] = DatumGetBool(value) ? 1.0 : 0.0;
				break;
			default:
				read_slow(map, fill, value, x);
				break;
		}
	}
}
