/*-------------------------------------------------------------------------
 *
 * columns.c
 *		The start of a load: which columns of the row type are target, weight, key,
 *		time and candidates for features, and the spool that takes their cells.
 *
 * What cannot work is refused here, before a row is read: unknown and duplicate
 * names, types that cannot serve, contradicting lists.
 *
 * Memory: a child context of the caller's.  Interrupts: none, nothing is long.
 *
 *-------------------------------------------------------------------------
 */
#include "loader.h"

#include <math.h>

#include "utils/builtins.h"

/* ---- columns ------------------------------------------------------------- */

/* Index of the column of that name in desc, or -1. */
static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return i;
	}
	return -1;
}

/* Index of a column that must be there; role says what it is for. */
static int
need_column(TupleDesc desc, const char *name, const char *role)
{
	int found = find_column(desc, name);
	const char **names;
	const char *nearest;
	uint32 n = 0;

	if (found >= 0)
		return found;
	names = palloc_array(const char *, Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			names[n++] = NameStr(TupleDescAttr(desc, i)->attname);
	}
	nearest = aug_nearest(name, names, n);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("%s column \"%s\" does not exist", role, name),
					nearest ? errhint("Perhaps you meant \"%s\".", nearest) : 0));
}

/* Every name must say which column is meant. */
static void
check_duplicates(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && find_column(desc, NameStr(att->attname)) != i)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("column \"%s\" appears more than once", NameStr(att->attname)),
							errhint("Give each column of the query a name of its own with AS.")));
	}
}

/* Fills column from attribute i of desc; false when the type is of no use. */
static bool
init_column(AugurLoader *loader, AugurColumn *column, int i)
{
	Form_pg_attribute att = TupleDescAttr(loader->desc, i);

	memset(column, 0, sizeof(*column));
	column->name = pstrdup(NameStr(att->attname));
	column->type_name = format_type_be(att->atttypid);
	column->attribute = i;
	column->first_cell = -1;
	return augur_source_init(&column->source, att->atttypid, loader->context);
}

static bool
is_number(AugurClass cls)
{
	return cls >= AUGUR_CLASS_BOOL && cls <= AUGUR_CLASS_INTERVAL;
}

static void
init_target(AugurLoader *loader, const char *name)
{
	AugurColumn *target = &loader->target;

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("no target column given")));
	if (!init_column(loader, target, need_column(loader->desc, name, "target")) ||
		!(is_number(target->source.cls) || target->source.categorical))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("target column \"%s\" has type %s, which cannot be predicted", name,
							   target->type_name),
						errhint("A target is a number, a boolean, a text or an enum.")));
	target->listed = true;
	if (target->source.categorical)
	{
		target->levels = augur_dictionary_new(loader->context);
		if (target->source.cls == AUGUR_CLASS_ENUM)
			target->raw = augur_dictionary_new(loader->context);
	}
}

/* Weight, key and time; attribute -1 for those that are not given. */
static void
init_roles(AugurLoader *loader, const AugurLoadOptions *options)
{
	struct
	{
		AugurColumn *column;
		const char *name;
		const char *role;
	} roles[] = {
		{&loader->weight, options->weight, "weight"},
		{&loader->key, options->key, "key"},
		{&loader->time, options->time_column, "time"},
	};

	for (int i = 0; i < lengthof(roles); i++)
	{
		roles[i].column->attribute = -1;
		if (roles[i].name == NULL)
			continue;
		(void) init_column(loader, roles[i].column,
						   need_column(loader->desc, roles[i].name, roles[i].role));
		if (roles[i].column->attribute == loader->target.attribute)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" cannot be both target and %s", roles[i].name,
								   roles[i].role)));
	}
	if (options->weight != NULL && !is_number(loader->weight.source.cls))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("weight column \"%s\" has type %s, not a number", options->weight,
							   loader->weight.type_name)));
	if (options->time_column != NULL && !is_number(loader->time.source.cls) &&
		loader->time.source.cls != AUGUR_CLASS_DATE &&
		loader->time.source.cls != AUGUR_CLASS_TIMESTAMP)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("time column \"%s\" has type %s, not a date, timestamp or number",
							   options->time_column, loader->time.type_name)));
}

/* Takes attribute i as a candidate; false when its type is of no use. */
static bool
add_candidate(AugurLoader *loader, int i, bool listed)
{
	AugurColumn *column = &loader->columns[loader->n_columns];

	if (!init_column(loader, column, i))
		return false;
	column->listed = listed;
	if (column->source.categorical)
	{
		column->levels = augur_dictionary_new(loader->context);
		if (column->source.cls == AUGUR_CLASS_ENUM)
			column->raw = augur_dictionary_new(loader->context);
	}
	loader->n_columns++;
	return true;
}

static bool
is_excluded(AugurLoader *loader, const AugurLoadOptions *options, int i)
{
	const char *name = NameStr(TupleDescAttr(loader->desc, i)->attname);

	if (i == loader->target.attribute || i == loader->weight.attribute ||
		i == loader->key.attribute || i == loader->time.attribute)
		return true;
	for (int k = 0; k < options->n_exclude; k++)
	{
		if (strcmp(options->exclude[k], name) == 0)
			return true;
	}
	return false;
}

/* The features that were asked for, in the order given. */
static void
take_listed(AugurLoader *loader, const AugurLoadOptions *options)
{
	for (int k = 0; k < options->n_features; k++)
	{
		const char *name = options->features[k];
		int i = need_column(loader->desc, name, "feature");

		for (int before = 0; before < k; before++)
		{
			if (strcmp(options->features[before], name) == 0)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("feature \"%s\" is listed more than once", name)));
		}
		if (i == loader->target.attribute)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("target column \"%s\" is listed as a feature", name),
							errhint("Remove it from the list of features.")));
		for (int e = 0; e < options->n_exclude; e++)
		{
			if (strcmp(options->exclude[e], name) == 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("column \"%s\" is both a feature and excluded", name)));
		}
		if (!add_candidate(loader, i, true))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" has type %s, which cannot be a feature", name,
							format_type_be(TupleDescAttr(loader->desc, i)->atttypid)),
					 errhint("Features are numbers, booleans, texts, enums, dates, timestamps "
							 "and arrays of numbers.")));
	}
}

/* All columns that have no other role and are not excluded. */
static void
take_all(AugurLoader *loader, const AugurLoadOptions *options)
{
	for (int i = 0; i < loader->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(loader->desc, i);

		if (att->attisdropped || is_excluded(loader, options, i))
			continue;
		if (!add_candidate(loader, i, false))
			augur_report_left_out(loader, "%s (type %s cannot be a feature)", NameStr(att->attname),
								  format_type_be(att->atttypid));
	}
}

/*
 * The rest of the columns tells rows apart when the holdout is drawn by what they hold.
 * The weight does so as the column that it is, as it would in a training without.
 */
static void
take_extras(AugurLoader *loader, const AugurLoadOptions *options)
{
	bool *taken;

	if (options->holdout == 0 || options->key != NULL || options->time_column != NULL)
		return;
	taken = palloc0_array(bool, loader->desc->natts);
	taken[loader->target.attribute] = true;
	for (int k = 0; k < loader->n_columns; k++)
		taken[loader->columns[k].attribute] = true;
	for (int i = 0; i < loader->desc->natts; i++)
	{
		if (!taken[i] && !TupleDescAttr(loader->desc, i)->attisdropped)
			augur_extras_add(loader, i);
	}
	pfree(taken);
}

/* ---- cells ----------------------------------------------------------------- */

/* Width that cells of a class have at first. */
static AugurWidth
first_width(AugurClass cls)
{
	switch (cls)
	{
		case AUGUR_CLASS_BOOL:
		case AUGUR_CLASS_INT2:
		case AUGUR_CLASS_INT4:
		case AUGUR_CLASS_INT8:
		case AUGUR_CLASS_DATE:
			return AUGUR_WIDTH_INT32;
		case AUGUR_CLASS_TIMESTAMP:
			return AUGUR_WIDTH_INT64;
		case AUGUR_CLASS_TEXT:
		case AUGUR_CLASS_BPCHAR:
		case AUGUR_CLASS_NAME:
		case AUGUR_CLASS_ENUM:
		case AUGUR_CLASS_OUTPUT:
			return AUGUR_WIDTH_CODE;
		default:
			return AUGUR_WIDTH_FLOAT;
	}
}

/* Appends n cells of a column; their spool columns are the caller's business. */
void
augur_add_cells(AugurLoader *loader, AugurColumn *column, int n)
{
	int first = loader->n_cells;

	if (first + n > AUG_MAX_FEATURES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d features", AUG_MAX_FEATURES),
						errdetail("Column \"%s\" has %d elements.", column->name, n)));
	if (first + n > loader->cells_room)
	{
		loader->cells_room = Max(loader->cells_room * 2, first + n);
		if (loader->cells == NULL)
			loader->cells = MemoryContextAllocHuge(loader->context,
												   mul_size(loader->cells_room, sizeof(AugurCell)));
		else
			loader->cells =
				repalloc_huge(loader->cells, mul_size(loader->cells_room, sizeof(AugurCell)));
	}
	column->first_cell = first;
	column->n_cells = n;
	for (int k = 0; k < n; k++)
	{
		AugurCell *cell = &loader->cells[first + k];

		augur_survey_init(loader, cell);
		cell->column = (int) (column - loader->columns);
		cell->element = (uint32) k;
		cell->seed = augur_cell_seed(column->name, (uint32) k);
	}
	loader->n_cells += n;
}

/* Steps of a row and the spool that they write. */
static void
init_steps(AugurLoader *loader)
{
	int n_spool = 2;
	int first_extra;
	uint8 *width;

	loader->steps = palloc0_array(AugurStep, loader->n_columns + 1);
	loader->n_steps = loader->n_columns + 1;
	loader->spool_key = loader->key.attribute >= 0 ? n_spool++ : -1;
	loader->spool_time = loader->time.attribute >= 0 ? n_spool++ : -1;
	loader->spool_weight = loader->weight.attribute >= 0 ? n_spool++ : -1;
	first_extra = n_spool;
	augur_extras_spool(loader, &n_spool);
	loader->spool_cells = n_spool;

	width = palloc0_array(uint8, n_spool + loader->n_columns);
	width[SPOOL_HASH] = AUGUR_WIDTH_HASH;
	for (int i = first_extra; i < n_spool; i++)
		width[i] = AUGUR_WIDTH_HASH;
	if (loader->spool_key >= 0)
		width[loader->spool_key] = AUGUR_WIDTH_HASH;
	if (loader->spool_time >= 0)
		width[loader->spool_time] = loader->time.source.cls == AUGUR_CLASS_TIMESTAMP
										? AUGUR_WIDTH_INT64
										: AUGUR_WIDTH_DOUBLE;
	if (loader->spool_weight >= 0)
		width[loader->spool_weight] = AUGUR_WIDTH_DOUBLE;

	for (int i = 0; i < loader->n_steps; i++)
	{
		AugurStep *step = &loader->steps[i];

		step->column = i == 0 ? &loader->target : &loader->columns[i - 1];
		step->attribute = step->column->attribute;
		step->cls = (uint8) step->column->source.cls;
		if (step->column->source.is_array)
			continue;
		step->width = (uint8) first_width(step->column->source.cls);
		step->spool = SPOOL_TARGET;
		if (i > 0)
		{
			step->spool = (uint32) (loader->spool_cells + loader->n_cells);
			augur_add_cells(loader, step->column, 1);
		}
		width[step->spool] = step->width;
	}
	loader->spool =
		augur_spool_begin(loader->context, (uint32) (loader->spool_cells + loader->n_cells), width);
	pfree(width);
}

/* Private copies of the options that are needed after the first row. */
static void
copy_options(AugurLoader *loader, const AugurLoadOptions *options)
{
	loader->options = *options;
	loader->options.target = pstrdup(options->target ? options->target : "");
	loader->options.key = options->key ? pstrdup(options->key) : NULL;
	loader->options.time_column = options->time_column ? pstrdup(options->time_column) : NULL;
	loader->options.weight = options->weight ? pstrdup(options->weight) : NULL;
	loader->options.features = NULL;
	loader->options.exclude = NULL;
	loader->options.date_parts = list_copy(options->date_parts);
	if (options->max_bins < 2 || options->max_bins > AUG_MAX_BINS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_bins must be between 2 and %d", AUG_MAX_BINS)));
	if (!(options->holdout >= 0 && options->holdout <= 0.9))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the share held out must be between 0 and 0.9")));
}

/*
 * See ingest.h.  Raises for unknown, duplicate or unusable columns.  The loader and
 * all it makes lie in a new child of context, which augur_loader_end deletes.
 */
AugurLoader *
augur_loader_begin(TupleDesc desc, const AugurLoadOptions *options, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "augur loader", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(own);
	AugurLoader *loader = palloc0(sizeof(AugurLoader));

	loader->context = own;
	loader->row_context = AllocSetContextCreate(own, "augur loader row", ALLOCSET_DEFAULT_SIZES);
	loader->desc = CreateTupleDescCopy(desc);
	augur_survey_init(loader, &loader->target_cell);
	copy_options(loader, options);
	check_duplicates(desc);
	init_target(loader, options->target);
	init_roles(loader, options);
	for (int k = 0; k < options->n_exclude; k++)
		(void) need_column(desc, options->exclude[k], "excluded");

	loader->columns = palloc0_array(AugurColumn, Max(desc->natts, 1));
	if (options->features != NULL)
		take_listed(loader, options);
	else
		take_all(loader, options);
	take_extras(loader, options);
	init_steps(loader);
	MemoryContextSwitchTo(old);
	return loader;
}
