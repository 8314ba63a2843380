/*-------------------------------------------------------------------------
 *
 * train.h
 *		What the files of the training room share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_TRAIN_H
#define AUGUR_TRAIN_H

#include "pg.h"

#include "fit.h"
#include "ingest.h"
#include "nodes/pg_list.h"
#include "progress.h"
#include "utils/jsonb.h"

/* ---- arguments.c ------------------------------------------------------ */

/* The arguments of augur.train and augur.train_query, checked. */
/* What a new version must show before it is promoted. */
typedef struct AugurGate
{
	bool given;		   /* any of the numbers */
	const char *suite; /* that the relation must pass before anything is read, or NULL */
	double min_gain;   /* over production: the lower end of the paired interval is above it */
	double floor;	   /* NAN: none; the leading metric is at least (at most) this */
	double max_gap;	   /* NAN: none; how much better training rows may look than the holdout */
} AugurGate;

typedef struct AugurTrainArgs
{
	const char *function; /* "augur.train", for messages */
	const char *model;
	Oid relation;	   /* InvalidOid for a query */
	const char *query; /* the caller's query, or NULL */
	const char *target;
	List *features; /* of char *; NIL: all */
	List *exclude;	/* of char * */
	const AugAlgorithm *algorithm;
	bool task_given;
	AugTask task;
	const char *key;
	const char *time_column;
	const char *weight;
	const char *filter;
	AugurHost host; /* of params */
	AugParams *params;
	List *date_parts; /* of int, NIL: the default ones */
	int max_bins;
	double holdout;
	bool keep_holdout; /* its raw values will be asked for */
	const char *promote;
	AugurGate gate;
	int64 seed;
	const char *note;
} AugurTrainArgs;

/* Reads and checks what does not need the data; result in the current context. */
extern AugurTrainArgs *augur_arguments_read(FunctionCallInfo fcinfo, bool from_query);

/*
 * Hyperparameters from a JSON object (NULL: all defaults) for an aggregate's options;
 * what names the argument in messages.
 */
extern AugParams *augur_arguments_params(const AugHost *host, const AugAlgorithm *algorithm,
										 Jsonb *object, const char *what);
extern const AugAlgorithm *augur_arguments_algorithm(const char *name);
/* "Perhaps you meant \"x\"." or NULL; in the current context */
extern char *augur_nearest_hint(const char *name, const char *const *names, uint32 n);

/* ---- query.c ---------------------------------------------------------- */

/* Where the rows came from, for the run's record. */
typedef struct AugurSourceText
{
	char *relation; /* quoted and qualified, or NULL */
	char *query;	/* what was executed */
} AugurSourceText;

/*
 * Executes the SELECT of args as the caller and hands each row to a new loader in
 * context.  Fills source.  Columns are checked before the query runs.
 */
extern AugurLoader *augur_query_load(const AugurTrainArgs *args, AugurProgress *progress,
									 AugurSourceText *source, MemoryContext context);

/* ---- profile_train.c --------------------------------------------------- */

typedef struct AugurColumnProfile
{
	const char *part; /* feature, target or prediction */
	const char *column;
	double importance;	   /* share of the model's, NaN: not known */
	struct varlena *value; /* an augur.profile */
} AugurColumnProfile;

/*
 * After the fill, in CurrentMemoryContext: list of AugurColumnProfile without importances,
 * features by column, then the target; NIL: none were made.
 */
extern List *augur_watch_profiles(AugurLoader *loader, const AugMatrix *training);
/* Share of the model's importance that features of a column have; NaN: it tells none. */
extern double augur_column_importance(const AugModelInfo *info, const char *column);
/* Profile of scores out [n_rows][n_outputs], those of rows: values, probabilities of the second
 * of two classes, or the labels that were predicted. */
extern struct varlena *augur_score_profile(const AugMatrix *rows, const double *out, uint32 n_rows,
										   uint32 n_outputs, AugurHost *host);

/* ---- holdout.c -------------------------------------------------------- */

typedef struct AugurScores
{
	uint32 n_metrics;		 /* 0: there was nothing to score */
	AugMetric *metrics;		 /* the first one is the leading one */
	uint32 n_rows;			 /* that were scored */
	double *row;			 /* [n_rows] kept for augur_holdout_gain, or NULL */
	struct varlena *profile; /* of the scores, where it was asked for */
} AugurScores;

/* What is wanted beside the metrics */
#define AUGUR_SCORES_ROWS	 1
#define AUGUR_SCORES_PROFILE 2

/*
 * Metrics of a model over at most most rows that are binned with its own features.
 */
extern void augur_holdout_score(const AugModel *model, const AugMatrix *holdout, uint32 most,
								Size memory, int wanted, AugurProgress *progress,
								AugurScores *scores, MemoryContext context);
/* By how much the first is better than the second, of scores that were kept. */
extern void augur_holdout_gain(const AugMatrix *holdout, const AugurScores *ours,
							   const AugurScores *theirs, AugGain *gain, MemoryContext context);
/*
 * Metrics of another model over the raw holdout rows of the loader.  Returns NULL,
 * or the reason why it cannot be scored on them (a column that is not there...).
 */
extern char *
augur_holdout_score_other(const AugModel *model, AugurLoader *loader, const AugMatrix *holdout,
						  Size memory, bool keep, AugurScores *scores, MemoryContext context);

/* ---- registry.c ------------------------------------------------------- */

typedef struct AugurVersion
{
	int64 id;
	int32 number;
} AugurVersion;

typedef struct AugurPromotion
{
	bool promoted;
	bool has_value;
	double production_value;
	char *reason; /* in the context of the call */
} AugurPromotion;

/* Raises what the registry would refuse, as far as it is known before rows are read. */
extern void augur_registry_check(const AugurTrainArgs *args);
extern int64
augur_registry_start(const AugurTrainArgs *args, AugTask task, const AugurSourceText *source);
extern AugurVersion
augur_registry_version(int64 run_id, const AugModel *model, const uint8_t *artifact, size_t length);
extern void augur_registry_scores(int64 run_id, const char *split, const AugurScores *scores,
								  const AugMatrix *holdout);
extern void
augur_registry_metric(int64 run_id, const char *split, const char *name, double value, int64 n);
/* Version that alias production points at, or 0. */
extern int64 augur_registry_production(const char *model);
/* Profiles of a pending version: a list of AugurColumnProfile. */
extern void augur_registry_profiles(int64 version_id, List *profiles);
extern void augur_registry_gain(int64 run_id, const AugGain *gain, int64 n);
/* Raises an error unless the relation passes the suite of the gate. */
extern void augur_registry_validate(const AugurTrainArgs *args);
extern void augur_registry_promote(int64 version_id, const AugurTrainArgs *args,
								   int64 compared_with, AugurPromotion *promotion);
extern void augur_registry_finish(int64 run_id, int64 rows_used, int64 rows_skipped, double seconds,
								  List *warnings, const char *info);
/* ---- algorithms.c ----------------------------------------------------- */

/* Warns once per connection when library and SQL objects differ in version. */
extern void augur_version_check(void);

/* A list of char * as a text[]; in registry.c. */
extern Datum augur_text_array(List *texts);

#endif /* AUGUR_TRAIN_H */
