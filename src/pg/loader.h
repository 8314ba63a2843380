/*-------------------------------------------------------------------------
 *
 * loader.h
 *		Inside of the ingest room: what its files share.  Others include ingest.h.
 *
 *	columns.c	options and columns: the start
 *	ingest.c	rows into the spool
 *	survey.c	a closed chunk: content hashes, counts, extremes
 *	target.c	task, classes
 *	decide.c	columns left out, levels, cuts, features
 *	content.c	hash of whole rows, columns that are no features included
 *	split.c		order of the rows, holdout
 *	fill.c		the block of matrices
 *	fill_holdout.c	the holdout's raw values
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_LOADER_H
#define AUGUR_LOADER_H

#include "ingest.h"

#include "dictionary.h"
#include "spool.h"
#include "storage/shmem.h"

#define AUGUR_CUT_SAMPLE   200000 /* rows from which cuts are made, at most */
#define AUGUR_MIN_KEY_ROWS 50	  /* fewer unique texts are no proof of a key */

/* Distinct numbers of a column, up to AUG_MAX_BINS; NULL in the cell when more. */
typedef struct AugurDistinct
{
	uint32 n;
	double value[AUG_MAX_BINS];
	uint16 slot[1024]; /* index + 1 */
} AugurDistinct;

/* One column of the spool that may become features. */
typedef struct AugurCell
{
	int column; /* of loader->columns */
	uint32 element;
	uint64 seed; /* of its share of the content hash */
	int64 n_present;
	double low, high;	 /* of present values; codes for levels */
	bool same_as_target; /* so far, wherever either is present */
	AugurDistinct *distinct;
	/* decided when reading is done */
	bool dropped;
	uint32 *code_rank; /* categorical: code -> level in byte order */
} AugurCell;

/* One attribute of the source's rows. */
typedef struct AugurColumn
{
	const char *name;
	const char *type_name;
	int attribute; /* index in values[] */
	AugurSource source;
	bool listed;	/* asked for by name */
	int first_cell; /* -1 while an array's length is not known */
	int n_cells;
	int64 array_row;		 /* ordinal of the row that told the length */
	AugurDictionary *levels; /* categorical */
	AugurDictionary *raw;	 /* enum: codes by OID, the same as in levels */
	bool too_many;			 /* levels did not fit their share of memory */
} AugurColumn;

/* What the loop over a row's values needs, together. */
typedef struct AugurStep
{
	int attribute;
	uint8 cls;	  /* AugurClass */
	uint8 width;  /* AugurWidth of the spool column now */
	uint32 spool; /* its number */
	AugurColumn *column;
} AugurStep;

/* A feature of the matrices. */
typedef struct AugurLoadFeature
{
	AugFeature f;
	int cell;
	Size level_bytes;
	uint8 steps; /* of the search among the cuts: 2^steps > n_cuts */
} AugurLoadFeature;

/* Fixed columns of the spool, before the cells */
#define SPOOL_HASH	 0
#define SPOOL_TARGET 1

struct AugurLoader
{
	MemoryContext context;	   /* all of it */
	MemoryContext row_context; /* reset after each row */
	AugurLoadOptions options;  /* copied */
	AugurLoadReport report;
	TupleDesc desc;

	AugurColumn target;
	AugurColumn weight; /* attribute -1 when there is none */
	AugurColumn key;
	AugurColumn time;
	int spool_key; /* columns of the spool, -1 when absent */
	int spool_time;
	int spool_weight;
	int spool_cells; /* first cell's */

	struct AugurExtra *extras; /* columns that are no features: content.c */
	int n_extras;
	int spool_extra; /* sum of their shares, -1 when there are none */

	AugurColumn *columns; /* candidates for features */
	int n_columns;
	struct AugurWatch *watch; /* profile_train.c: profiles, NULL: none are made */
	AugurStep *steps;		  /* target first, then columns */
	int n_steps;
	AugurCell *cells;
	AugurCell target_cell; /* survey of the target */
	int64 target_infinite;
	int n_cells;
	int cells_room;
	double *array_values; /* scratch for one array */
	int array_room;
	int array_n; /* its length */

	AugurSpool *spool;
	AugurChunk *chunk; /* the open one */
	int64 skipped_target;
	int64 skipped_weight;
	int64 skipped_time;
	double *decoded; /* scratch: cells of one column of a chunk */
	double *decoded_target;

	/* after augur_loader_finish */
	bool finished;
	uint32 n_rows; /* in the spool */
	uint32 n_training;
	uint32 n_holdout;
	uint32 *label;	  /* [n_rows] class, classification only */
	uint32 *position; /* [n_rows] place in its matrix; top bit: holdout */
	uint8 *tied[2];	  /* bit i: row i of the matrix has the hash of row i - 1 */
	uint32 n_classes;
	char **class_names;
	int64 *class_rows;
	AugurLoadFeature *features;
	uint32 n_features;
	uint32 n_narrow;
	uint32 n_wide;
	size_t stride;

	/* the holdout's raw values, [n_holdout][n_features], after the fill */
	double *holdout_values;
	BufFile *holdout_file;
	uint32 *holdout_at; /* position -> row of the file */
};

#define AUGUR_POSITION_HOLDOUT 0x80000000U

/* Larger integers are not all doubles. */
#define AUGUR_MAX_EXACT_INTEGER 9007199254740992.0

static inline bool
augur_class_is_integer(AugurClass cls)
{
	return cls == AUGUR_CLASS_INT2 || cls == AUGUR_CLASS_INT4 || cls == AUGUR_CLASS_INT8;
}

/* An array of any size, not zeroed; CurrentMemoryContext. */
static inline void *
augur_huge_array(Size n, Size size)
{
	return palloc_extended(Max(mul_size(n, size), 1), MCXT_ALLOC_HUGE);
}

static inline uint64
augur_bits(double v)
{
	uint64 bits;

	v += 0.0; /* -0 becomes 0 */
	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/* Stafford's variant 13 of MurmurHash3's finaliser: a bijection. */
static inline uint64
augur_mix(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* columns.c */
extern void augur_add_cells(AugurLoader *loader, AugurColumn *column, int n);

/* survey.c */
extern void augur_survey_init(AugurLoader *loader, AugurCell *cell);
extern void augur_survey_chunk(AugurLoader *loader, uint32 chunk);
extern void augur_survey_subtract(AugurLoader *loader, int c, uint64 *hash);
extern void augur_survey_subtract_weight(AugurLoader *loader, uint64 *hash);

/* ingest.c: elements of an array in loader->array_values; the open row's spool */
extern int augur_loader_array(AugurLoader *loader, const AugurSource *source, Datum value);
extern void augur_loader_widen(AugurLoader *loader, uint32 spool, AugurWidth width);

/* content.c */
extern uint64 augur_cell_seed(const char *column, uint32 element);
extern void augur_extras_add(AugurLoader *loader, int i);
extern void augur_extras_spool(AugurLoader *loader, int *n);
extern void augur_extras_row(AugurLoader *loader, const Datum *values, const bool *nulls);
extern void augur_content_hash(AugurLoader *loader, uint64 *hash);

/* target.c */
extern void augur_decide_target(AugurLoader *loader);

/* decide.c */
extern void augur_decide_columns(AugurLoader *loader);
extern void augur_decide_features(AugurLoader *loader);
extern void
augur_report_left_out(AugurLoader *loader, const char *format, ...) pg_attribute_printf(2, 3);
extern void
augur_report_warning(AugurLoader *loader, const char *format, ...) pg_attribute_printf(2, 3);

/* split.c */
typedef struct AugurRowHash
{
	uint64 hash;
	uint32 row;
} AugurRowHash;

extern void augur_split_rows(AugurLoader *loader);
/* Rows 0 .. n-1 by ascending hash, in CurrentMemoryContext; uniform: hashes are random */
extern AugurRowHash *augur_order_rows(const uint64 *hash, uint32 n, bool uniform);

/* fill_holdout.c: before the first chunk, and for each; n_kept counts rows so far */
extern void augur_holdout_begin(AugurLoader *loader);
extern void augur_holdout_keep(AugurLoader *loader, const AugurChunk *chunk, uint32 *n_kept);

/* profile_train.c: before the first chunk, and for each */
extern void augur_watch_begin(AugurLoader *loader);
extern void augur_watch_chunk(AugurLoader *loader, const AugurChunk *chunk);

/* A part of a feature from the cells of one column of a chunk: out [n]. */
extern void augur_feature_decode(const AugurLoader *loader, const AugurLoadFeature *feature,
								 AugurWidth width, const void *cells, uint32 n, double *out);

#endif /* AUGUR_LOADER_H */
