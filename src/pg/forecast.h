/*-------------------------------------------------------------------------
 *
 * forecast.h
 *		What the files of the forecasting room share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef AUGUR_PG_FORECAST_H
#define AUGUR_PG_FORECAST_H

#include "timeline.h"

#include "access/htup_details.h"

#include "utils/jsonb.h"

/* ---- forecast_options.c --------------------------------------------------- */

/* How a series is laid out and forecast. */
typedef struct AugurForecastOptions
{
	AugurTimelineOptions time;
	AugurHost host; /* of params */
	AugParams *params;
	int n_levels;
	double levels[AUG_MAX_LEVELS_ASKED]; /* ascending */
	uint64 seed;
	bool duplicates_given; /* the rule was not left to the default */
	/* of a backtest */
	uint32 folds;
	uint32 fold_step; /* between origins; 0: the horizon */
	AugParams *naive; /* of the forecast to compare with */
} AugurForecastOptions;

/* What options are asked for: with or without folds, and how many at least. */
typedef enum AugurAsked
{
	AUGUR_ASKED_FORECAST,
	AUGUR_ASKED_BACKTEST, /* one fold or more */
	AUGUR_ASKED_TRAINING  /* none, one, or more */
} AugurAsked;

/*
 * Fills options, which must not be moved afterwards, from object (NULL: defaults);
 * everything lies in CurrentMemoryContext.  Unknown keys and ill-typed values are
 * errors 22023 that name the nearest key or what is expected.
 */
extern void augur_forecast_options_read(AugurForecastOptions *options, Jsonb *object,
										AugurStamp stamp, AugurAsked asked);
/*
 * For readers of other objects: takes a key about time and tells so; false: another key.
 * The names of all such keys, and how many.
 */
extern bool augur_time_option(AugurTimelineOptions *time, bool *duplicates_given, const char *key,
							  const JsonbValue *v);
extern const char *const augur_time_keys[];
#define AUGUR_TIME_KEYS 5
/* As augur_option_number, for a number or an array of at most room of them; how many. */
extern int augur_option_numbers(const char *key, const JsonbValue *v, double low, double high,
								double *out, int room);
/* Sets levels from n numbers in any order; ERROR 22023. */
extern void augur_forecast_levels(AugurForecastOptions *options, const double *levels, int n);
/* Sets season lengths from n numbers in any order; 1 means none.  ERROR 22023. */
extern void augur_forecast_season(AugurTimelineOptions *options, const double *season, int n);

/* ---- forecast_run.c -------------------------------------------------------- */

/* What became of the rows of one series. */
typedef struct AugurSeriesResult
{
	AugurTimeline timeline;
	AugForecast *forecast; /* in the host's context */
	char *warning;		   /* NULL when there is none */
} AugurSeriesResult;

/*
 * Lays the points on a timeline and forecasts it.  skipped: rows that came without
 * a point in time.  false: there is no point.  Everything lies in host->context.
 */
extern bool
augur_series_forecast(AugurHost *host, const AugurForecastOptions *options, AugurPoint *points,
					  Size n, int64 skipped, uint32 horizon, AugurSeriesResult *result);

/* Drops the seasons, of those that the step suggests, that do not show. */
extern void
augur_timeline_seasons(AugurHost *host, const AugurForecastOptions *options, AugurTimeline *t);
/* The forecast of a timeline at the first n_levels levels; the host's to release. */
extern AugForecast *augur_timeline_forecast(AugurHost *host, const AugurForecastOptions *options,
											const AugParams *params, const AugurTimeline *t,
											uint32 horizon, int n_levels);

/* What there is to say about the rows and the fit; NULL when nothing. */
extern char *augur_series_warnings(const AugurForecastOptions *options, const AugurTimeline *t,
								   int64 skipped, const AugForecast *f);

/* ---- backtest.c, backtest_errors.c ------------------------------------------- */

/* Steps before the origin of a fold, or 0 when n steps are too few for it. */
extern Size
augur_fold_origin(const AugurForecastOptions *options, Size n, uint32 horizon, uint32 fold);

/* What errors are made of: arrays of one length, NaN where there is nothing. */
typedef enum AugurErrorInput
{
	AUGUR_IN_ACTUAL,
	AUGUR_IN_FORECAST,
	AUGUR_IN_NAIVE,
	AUGUR_IN_LOWER,
	AUGUR_IN_UPPER,
	AUGUR_IN_SCALE_ABSOLUTE,
	AUGUR_IN_SCALE_SQUARED,
	AUGUR_IN_COUNT
} AugurErrorInput;

/* The errors, in the order of SQL's columns. */
typedef enum AugurErrorKind
{
	AUGUR_SMAPE,
	AUGUR_MAPE,
	AUGUR_MASE,
	AUGUR_RMSSE,
	AUGUR_MAE,
	AUGUR_RMSE,
	AUGUR_BIAS,
	AUGUR_COVERAGE,
	AUGUR_MSIS,
	AUGUR_NAIVE_SMAPE,
	AUGUR_NAIVE_MASE,
	AUGUR_NAIVE_MAE,
	AUGUR_ERROR_COUNT
} AugurErrorKind;

/* Means over length rows; NaN or infinite where undefined.  Returns rows with an actual value. */
extern int64 augur_errors(double *const *in, int length, double level, double *errors);

/* ---- series_state.c -------------------------------------------------------- */

/* What the rows of a group have in common, with its bytes: as it travels, too. */
typedef struct AugurSharedOptions
{
	int32 stamp; /* AugurStamp */
	int32 horizon;
	int64 length; /* of the jsonb, 0: none */
	char given[FLEXIBLE_ARRAY_MEMBER];
} AugurSharedOptions;

typedef struct AugurSeriesState
{
	const AugurSharedOptions *options;
	int64 n;
	int64 room;
	int64 skipped; /* rows without a usable point in time */
	AugurPoint points[FLEXIBLE_ARRAY_MEMBER];
} AugurSeriesState;

/*
 * A point in time as microseconds on its own clock; false for infinity and what is far
 * outside history.
 */
extern bool augur_stamp_time(AugurStamp stamp, Datum value, int64 *at);
extern bool augur_same_options(const AugurSharedOptions *a, const AugurSharedOptions *b);
/* NULL for NaN */
extern Datum augur_number_or_null(double number, bool *null);
/* Of what augur_timeline_at gives. */
extern Datum augur_stamp_datum(AugurStamp stamp, int64 at);
/* Averaging is a guess, so it is told once a call site unless it was asked for. */
extern void augur_tell_averaged(const AugurTimeline *t, bool asked, bool *told);

/* ---- forecast_agg.c --------------------------------------------------------- */

/* What a call site of a final function keeps. */
typedef struct AugurFinalSite
{
	MemoryContext work;				  /* of one series */
	MemoryContext of_options;		  /* of the parsed options */
	const AugurSharedOptions *shared; /* those that are parsed */
	AugurForecastOptions *options;
	TupleDesc point; /* of the elements of what is returned */
	Oid point_type;
	TupleDesc full; /* augur.forecast_full or a sibling, or NULL */
	bool told;		/* that rows were averaged */
	AugurHost host; /* in work */
} AugurFinalSite;

/* The call site of a final function whose points have that many columns. */
extern AugurFinalSite *augur_final_site(FunctionCallInfo fcinfo, const AugurSeriesState *state,
										bool backtest, int columns);
/* ERROR 22023 when it is out of range. */
extern uint32 augur_state_horizon(const AugurSeriesState *state);

#endif /* AUGUR_PG_FORECAST_H */
