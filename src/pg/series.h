/*-------------------------------------------------------------------------
 *
 * series.h
 *		Many series at once: a batch of them, and what becomes of each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_SERIES_H
#define AUGUR_SERIES_H

#include "forecast.h"

/* ---- a batch: flat, so that it can lie in shared memory --------------------- */

typedef struct AugurSeriesTask
{
	int64 first;	   /* row of the batch */
	int64 n;		   /* rows with a usable point in time */
	int64 skipped;	   /* rows without */
	int64 form;		   /* first byte of an earlier fit's form */
	int64 form_length; /* 0: none */
} AugurSeriesTask;

typedef struct AugurSeriesBatch
{
	int64 n_series;
	int64 n_rows;
	int64 n_form_bytes;
	int32 n_regressors;
	AugurSeriesTask *tasks;
	AugurPoint *points; /* [n_rows]; sorted in place, series by series */
	const double *x;	/* [n_rows][n_regressors], in the order of arrival */
	const uint8 *forms;
} AugurSeriesBatch;

/* What fits a batch: the same in every process. */
typedef struct AugurSeriesJob
{
	AugurForecastOptions options;
	AugurHost host; /* in work */
	MemoryContext work; /* of one series */
	uint32 horizon;
} AugurSeriesJob;

/* ---- what becomes of a series: flat, too -------------------------------------- */

typedef struct AugurSeriesOutcome
{
	bool usable; /* there is a state */
	int64 n, observed, filled, missing, duplicates, irregular, left_out, skipped;
	TimestampTz first_at, last_at; /* on the clock of UTC */
	AugurStep step;
	int32 n_season;
	uint32 season[AUG_MAX_PERIODS];
	double aicc, sigma;
	int32 folds;
	int64 tested;
	double errors[AUGUR_ERROR_COUNT];
	char method[AUG_LABEL_SIZE];
	char reason[AUG_MESSAGE_SIZE];
	char fallback[AUG_MESSAGE_SIZE];
	Size warning_length; /* bytes behind the struct */
	Size state_length;	 /* bytes behind those */
} AugurSeriesOutcome;

/* ---- series_one.c ---------------------------------------------------------------- */

/* options is a jsonb or NULL; work is made below the current context. */
extern void
augur_series_job_init(AugurSeriesJob *job, const Jsonb *options, AugurStamp stamp, int32 horizon);
/*
 * Fits series i of a batch.  The outcome, of *length bytes, lies in job->work, which the
 * caller resets.
 */
extern AugurSeriesOutcome *
augur_series_fit_one(AugurSeriesJob *job, const AugurSeriesBatch *batch, int64 i, Size *length);

/* ---- series_workers.c --------------------------------------------------------------- */

/*
 * Fits all series of a batch, with parallel workers when that is worth while, and
 * hands the outcomes to emit in the order of the series.
 */
extern void augur_series_run(AugurSeriesJob *job, AugurSeriesBatch *batch, const Jsonb *options,
							 void (*emit)(void *arg, int64 i, const AugurSeriesOutcome *outcome),
							 void *arg);

/* ---- series_forecast.c ------------------------------------------------------------- */

/* What a stored series has of the grid. */
extern void augur_grid_store(const AugurGrid *grid, AugStored *stored);
/* ERROR XX001 when the numbers make no grid. */
extern void augur_grid_load(const AugStored *stored, AugurGrid *grid);
/* augur_grid_at as a timestamptz on the clock of UTC. */
extern TimestampTz augur_grid_utc(const AugurGrid *grid, int64 step);

#endif /* AUGUR_SERIES_H */
