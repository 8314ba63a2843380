/*-------------------------------------------------------------------------
 *
 * scoring.h
 *		What the files of the predict room share about scoring: the layout of a
 *		model's columns, rows turned into the core's x, and call sites.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_SCORING_H
#define AUGUR_SCORING_H

#include "pg.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/array.h"

#include "cache.h"

/* ---- row.c: columns of a model, and rows -> x -------------------------- */

/* What kinds of values may stand for each other in a column. */
typedef enum AugurFamily
{
	AUGUR_FAMILY_NUMBER,
	AUGUR_FAMILY_BOOL,
	AUGUR_FAMILY_TIME,
	AUGUR_FAMILY_INTERVAL,
	AUGUR_FAMILY_DATE,
	AUGUR_FAMILY_TEXT,
	AUGUR_FAMILY_ARRAY,
	AUGUR_FAMILY_OTHER /* of a domain: whatever has that part */
} AugurFamily;

/* One source column of a model, from which features first .. first+count-1 come. */
typedef struct AugurColumn
{
	const char *name;
	const char *type_name;
	AugurFamily family;
	uint32 first;
	uint32 count;
	uint32 elements; /* least length of an array: training drops constants */
} AugurColumn;

/*
 * A model as a call site sees it: its source columns in the model's order, and the
 * working memory of one scoring.
 */
typedef struct AugurLayout
{
	const AugModel *model;
	const AugModelInfo *info;
	const char *label; /* what errors call the model */
	int n_columns;
	AugurColumn *columns;
	double *x;	 /* [n_features] */
	double *out; /* [n_outputs] */
	void *scratch;
} AugurLayout;

typedef struct AugurRowMap AugurRowMap;

extern AugurLayout *
augur_layout_make(const AugModel *model, const char *label, MemoryContext context);
/* Matches attributes to columns by name.  ERROR 42703, 42702, 42804. */
extern AugurRowMap *augur_row_map(const AugurLayout *layout, TupleDesc desc, Oid type, int32 typmod,
								  MemoryContext context);
/* Is the map still right for rows of that type? */
extern bool augur_row_map_fits(const AugurRowMap *map, Oid type, int32 typmod);
/* x of one row. */
extern void augur_row_read(AugurRowMap *map, HeapTuple tuple, double *x);
extern AugurFamily augur_type_family(const char *type_name);
/* Is the value of that column missing (all its features), or a level never seen? */
extern bool augur_column_missing(const AugurLayout *layout, int column, const double *x);
extern bool augur_column_unseen(const AugurLayout *layout, int column, const double *x);

/* ---- scoring.c: call sites ---------------------------------------------- */

/* What one call of a scoring function in a plan keeps between rows (fn_extra). */
typedef struct AugurSite AugurSite;

/* The model's layout for this call; the first argument is read from fcinfo. */
extern AugurLayout *augur_site_reference(FunctionCallInfo fcinfo);
extern AugurLayout *augur_site_version(FunctionCallInfo fcinfo);
extern AugurLayout *augur_site_value(FunctionCallInfo fcinfo);
/* x of the row in argument arg, in layout->x. */
extern void augur_site_row(FunctionCallInfo fcinfo, int arg);
extern int32 augur_site_model_version(FunctionCallInfo fcinfo); /* 0 for a value */

/* Scores layout->x into layout->out; predict's number.  ERROR for many classes. */
extern double augur_score_number(AugurLayout *layout);
extern uint32 augur_score_class(AugurLayout *layout);
extern ArrayType *augur_names_array(const AugurLayout *layout, const double *x,
									bool (*chosen)(const AugurLayout *, int, const double *));

#endif /* AUGUR_SCORING_H */
