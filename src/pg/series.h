/*-------------------------------------------------------------------------
 *
 * series.h
 *		What the files of augur._series_fit share: many series at once, and the state of each
 *		as bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_SERIES_H
#define AUGUR_SERIES_H

#include "forecast.h"

#include "pool.h"

/* ---- rows: series_rows.c -------------------------------------------------- */

/*
 * One series of a batch; offsets into the batch's data.
 *
 *	rows	[n] of (int64 at, double y, double x[n_regressors]) in the order they came
 *	key		the jsonb that names the series
 *	kept	what of the series of another version is kept (see augur_stored_reduce)
 */
typedef struct AugurSeriesItem
{
	Size rows;
	Size n;
	int64 skipped;
	Size key;
	Size kept;
	Size kept_length; /* 0: nothing */
	int64 kept_n;	  /* steps that it had */
} AugurSeriesItem;

#define AUGUR_ROW_SIZE(n_regressors) (sizeof(AugurPoint) + (Size) (n_regressors) * sizeof(double))

typedef struct AugurSeriesBatch
{
	uint32 n;
	AugurSeriesItem *items;
	Size used;
	char *data;
} AugurSeriesBatch;

typedef struct AugurSeriesRows AugurSeriesRows;

/* Opens the query, wrapped so that it comes in the order of its keys; SPI is connected. */
extern AugurSeriesRows *augur_rows_open(const char *query, char *const *keys, int n_keys,
										uint32 n_regressors, MemoryContext context);
extern AugurStamp augur_rows_stamp(const AugurSeriesRows *rows);
/*
 * Reads whole series until they take limit bytes or there are no more; false: none was
 * left.  What the batch before had is gone.  ERROR 53400 when one series needs more than
 * memory bytes.
 */
extern bool augur_rows_batch(AugurSeriesRows *rows, Size limit, Size memory,
							 AugurSeriesBatch **batch, AugurProgress *progress);
/* Appends bytes to the data of the batch; where they are. */
extern Size augur_rows_append(AugurSeriesRows *rows, const void *bytes, Size length);
extern void augur_rows_close(AugurSeriesRows *rows);

/* ---- one series: series_task.c ---------------------------------------------- */

/* What whoever fits series knows. */
typedef struct AugurSeriesTask
{
	AugurForecastOptions options;
	uint32 horizon;
	uint32 n_regressors;
	const char *const *regressor;
	const char *options_text; /* canonical, of the method's options */
	bool refresh;			  /* forms of another version are kept */
	MemoryContext work;		  /* of one series */
	AugurHost host;			  /* in work */
} AugurSeriesTask;

/* What became of a series: this, then the texts and the state one after the other. */
typedef struct AugurSeriesOut
{
	bool has_time; /* false: no row had a usable point in time */
	AugurStep step;
	TimestampTz first_ts, last_ts;
	int64 n, observed, filled, missing, duplicates, irregular, left_out, skipped;
	int32 n_season;
	uint32 season[AUG_MAX_PERIODS];
	double aicc, sigma;
	int32 folds;
	AugurErrors errors;
	int32 method, reason, fallback, warning; /* lengths without NUL, 0: none */
	Size state;
} AugurSeriesOut;

/* options: a jsonb or NULL; everything lies in context, the task itself is not to be moved. */
extern void augur_task_init(AugurSeriesTask *task, Jsonb *options, AugurStamp stamp,
							uint32 horizon, const char *const *regressor, uint32 n_regressors,
							bool refresh, MemoryContext context);
/* Fits the series and appends what became of it to out; data may be sorted in place. */
extern void augur_task_run(AugurSeriesTask *task, const AugurSeriesItem *item, char *data,
						   StringInfo out);

/* ---- the state: series_stored.c ------------------------------------------------ */

/* Where steps lie, and the rules rows are put together by. */
typedef struct AugurStoredGrid
{
	AugurGrid grid;
	AugurGaps gaps;
	AugurDuplicates duplicates;
} AugurStoredGrid;

#define AUGUR_STORED_GRID_MAX 300
/* Writes at most AUGUR_STORED_GRID_MAX bytes; how many. */
extern Size augur_grid_pack(const AugurStoredGrid *stored, uint8 *bytes);
/* ERROR XX001 when bytes are not that. */
extern void augur_grid_unpack(AugSlice bytes, AugurStoredGrid *stored);

/* A state, checked; ERROR XX001.  Lies in host->context. */
extern AugStored *augur_stored_load(AugurHost *host, const uint8 *bytes, Size length);
/* What augur_task_run wants of a state of another version: it without its *n numbers. */
extern bytea *
augur_stored_reduce(AugurHost *host, const uint8 *bytes, Size length, int64 *n);

/* Rows (at, y, x...) ascending by time and values, so that their order does not matter. */
extern void augur_rows_sort(char *rows, Size n, uint32 n_regressors);
/* Values of regressors of sorted rows on steps from .. from + steps - 1: out [steps][n]; NaN
 * where there is none. */
extern void augur_regressors_lay(const AugurStoredGrid *grid, const char *rows, Size n,
								 uint32 n_regressors, int64 from, Size steps, double *out);
/* A point in time of the grid as timestamptz: that of dates and timestamps at UTC. */
extern TimestampTz augur_grid_utc(const AugurGrid *grid, int64 step);

#endif /* AUGUR_SERIES_H */
