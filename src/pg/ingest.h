/*-------------------------------------------------------------------------
 *
 * ingest.h
 *		Rows of any query -> the core's matrix, in one pass over the source.
 *
 * Rows are spooled as numbers and level codes (in memory up to a share of the
 * budget, else in a temporary file), with a 64-bit hash of each row's content
 * (features, target and weight).  When the source is read, levels are sorted, cuts are made
 * from the rows with the smallest hashes (a sample that does not depend on row
 * order), and rows are binned in order of their hash: the matrix, and so the
 * model, does not depend on the physical order of the table, on VACUUM FULL, or on
 * parallel or synchronized scans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_INGEST_H
#define AUGUR_INGEST_H

#include "pg.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "storage/dsm.h"

typedef struct AugurLoadOptions
{
	const char *target; /* column name in the tuple descriptor */
	AugTask task;		/* decided by the caller or -1: infer from type and values */
	bool infer_task;
	const char *weight;		 /* column name or NULL */
	const char *key;		 /* column name or NULL: holdout by hash of it */
	const char *time_column; /* column name or NULL: temporal holdout */
	const char **features;	 /* names, or NULL for all but the above and exclude */
	int n_features;
	const char **exclude;
	int n_exclude;
	List *date_parts; /* of AugurPart, NIL: the default ones */
	double holdout;	  /* share, 0 for none */
	uint64 seed;
	int max_bins;	   /* 2..255 */
	Size memory;	   /* budget of the whole training */
	bool keep_holdout; /* augur_loader_holdout_values will be called */
	bool raw;		   /* fill AugMatrix.raw, too */
	bool profiles;	   /* profile the columns of the training side */
} AugurLoadOptions;

/* What was decided and counted; strings live in the loader's context. */
typedef struct AugurLoadReport
{
	AugTask task;
	bool task_inferred;
	const char *task_reason; /* "target of type text"... */
	int64 rows_read;
	int64 rows_used;	/* with a target: training + holdout */
	int64 rows_skipped; /* target (or weight, time) is NULL or not finite */
	int64 rows_holdout;
	const char *split; /* "hash of customer_id", "latest 20 % by day"... */
	List *left_out;	   /* of char *: "customer_id (unique key-like integer)" */
	List *warnings;	   /* of char *: all-NULL column, constant column... */
} AugurLoadReport;

typedef struct AugurLoader AugurLoader;

/* Allocations live in a child of context. Column problems are errors here. */
extern AugurLoader *
augur_loader_begin(TupleDesc desc, const AugurLoadOptions *options, MemoryContext context);
extern void augur_loader_row(AugurLoader *loader, const Datum *values, const bool *nulls);
extern void augur_loader_slot(AugurLoader *loader, TupleTableSlot *slot);

/*
 * Ends reading: decides task, levels, cuts, split; loader->report is then valid.
 * After it the sizes are known and augur_loader_bytes tells how many bytes the two
 * matrices (training, holdout) take in one block; the block may be palloc'ed or in
 * dynamic shared memory.
 */
extern const AugurLoadReport *augur_loader_finish(AugurLoader *loader);
extern Size augur_loader_bytes(AugurLoader *loader);
/* Shapes of the two matrices, for the plan. */
extern AugShape augur_loader_shape(AugurLoader *loader);
/*
 * Bins all rows into block.  The block starts with a self-describing header, so that
 * another process that maps it elsewhere gets its matrices by
 * augur_block_matrices (which allocates the pointers it needs in context).
 */
extern void augur_loader_fill(AugurLoader *loader, void *block);
extern void
augur_block_matrices(void *block, AugMatrix *training, AugMatrix *holdout, MemoryContext context);
/*
 * Raw values of holdout rows first .. first + n - 1, in the order of the holdout
 * matrix, so that another model can be scored on the same rows: x [n][n_features],
 * numbers (NaN missing) and level codes.  A level that only the holdout has (training
 * calls it unseen) has a code too: augur_loader_level gives the bytes of any code.
 * Only after augur_loader_fill, and only with options.keep_holdout; the spooled
 * training rows are gone by then.  Feature names are those of the training matrix.
 */
extern void augur_loader_holdout_values(AugurLoader *loader, uint32 first, uint32 n, double *x);
extern const char *
augur_loader_level(AugurLoader *loader, uint32 feature, double code, int *length);
extern void augur_loader_end(AugurLoader *loader);

#endif /* AUGUR_INGEST_H */
