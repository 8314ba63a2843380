/*-------------------------------------------------------------------------
 *
 * metric.h
 *		What the files of the metric aggregates share: labels as text, and jsonb
 *		arrays of objects as results.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_METRIC_H
#define AUGUR_METRIC_H

#include "fmgr.h"
#include "lib/stringinfo.h"

/*
 * Whether arguments a and b of the call are the same label.  Labels are compared as
 * the text that their types print; a boolean beside a text is compared by what the
 * text means.  Looks types up once per call site.
 */
extern bool augur_labels_equal(FunctionCallInfo fcinfo, int a, int b);

/* ---- two sides: a reference and a current set, for distances and tests --------------- */

/* Values of a ranking state, each side ascending; in a context of their own.  Not to be moved. */
typedef struct AugurSides
{
	MemoryContext context;
	AugurHost host; /* in that context */
	double *value[2];
	Size n[2];
	int32 bins;
} AugurSides;

extern void augur_ranking_sides(const void *state, AugurSides *sides);

/*
 * Counts of each category in a state of labels, in an order that rows do not change: count[side]
 * is [n].  In CurrentMemoryContext.
 */
typedef struct AugurCells
{
	Size n;
	double *count[2];
} AugurCells;

extern void augur_label_cells(const void *state, AugurCells *cells);

/* ---- label.c -------------------------------------------------------------------------- */

typedef struct AugurLabelType
{
	Oid type;
	bool is_text;	/* the bytes are the text */
	bool to_bool;	/* a text beside a boolean */
	bool to_number; /* a number of unlike types, so 2 beside 2.0 */
	FmgrInfo out;
} AugurLabelType;

/* Per call site, in fn_extra. */
typedef struct AugurLabelTypes
{
	AugurLabelType side[2];
} AugurLabelTypes;

typedef struct AugurLabel
{
	const char *bytes;
	int length;
} AugurLabel;

/* Types of arguments a and b of the call; looked up once per call site. */
extern AugurLabelTypes *augur_label_types(FunctionCallInfo fcinfo, int a, int b);
/* Text of a label; may lie in the datum, or in the current context. */
extern AugurLabel augur_label_of(AugurLabelType *t, Datum value);
extern bool augur_label_same(AugurLabel a, AugurLabel b);

/* An array of objects: begin, then item before each object, members, end. */
extern void augur_result_begin(StringInfo json);
extern void augur_result_item(StringInfo json);
/* A number that is not finite becomes null. */
extern void augur_result_number(StringInfo json, const char *key, double value);
extern void augur_result_text(StringInfo json, const char *key, const char *value);
/* Closes the array; the result is a jsonb. */
extern Datum augur_result_end(StringInfo json);

#endif /* AUGUR_METRIC_H */
