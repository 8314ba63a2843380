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

#include "utils/array.h"
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

/* Who reads options: backtests know folds, and fits of many series may have none. */
typedef enum AugurForecastKind
{
	AUGUR_FORECAST_ONLY,
	AUGUR_FORECAST_BACKTEST,
	AUGUR_FORECAST_SERIES,
	AUGUR_FORECAST_PANEL /* likewise; params are those of aug_panel_about */
} AugurForecastKind;

/*
 * Fills options, which must not be moved afterwards, from object (NULL: defaults);
 * everything lies in CurrentMemoryContext.  Unknown keys and ill-typed values are
 * errors 22023 that name the nearest key or what is expected.
 */
extern void augur_forecast_options_read(AugurForecastOptions *options, Jsonb *object,
										AugurStamp stamp, AugurForecastKind kind);
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
/* Numbers of a float8[] in CurrentMemoryContext; NULL is NaN. */
extern double *augur_float_array(ArrayType *array, int *n);
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

/* What of a timeline is asked for, where regressors or a form are given. */
typedef struct AugurAsk
{
	const AugParams *params;
	uint32 horizon;
	int n_levels;
	uint32 n_regressors;
	Size n_x;
	const double *x; /* [n_x][n_regressors] */
	AugKeep keep;
	AugSlice form;
} AugurAsk;

/* The same with the core's status; AUG_CANCELLED and AUG_NOMEM are raised. */
extern AugStatus
augur_timeline_run(AugurHost *host, const AugurForecastOptions *options, const AugurAsk *ask,
				   const AugurTimeline *t, AugForecast **out, AugError *err);
/* What there is to say about the rows, and the fit's warning; NULL when nothing. */
extern char *augur_series_warnings(const AugurForecastOptions *options, const AugurTimeline *t,
								   int64 skipped, const char *of_fit);

/* ---- backtest.c, backtest_errors.c ----------------------------------------- */

/* Steps before the origin of a fold of a series of n steps; 0: too short for it. */
extern Size
augur_fold_origin(const AugurForecastOptions *options, uint32 horizon, Size n, uint32 fold);

/* What the errors of forecasts are made of, in the order of the arrays below. */
enum
{
	AUGUR_IN_ACTUAL,
	AUGUR_IN_FORECAST,
	AUGUR_IN_NAIVE,
	AUGUR_IN_LOWER,
	AUGUR_IN_UPPER,
	AUGUR_IN_SCALE_ABSOLUTE,
	AUGUR_IN_SCALE_SQUARED,
	AUGUR_IN_ARRAYS
};

#define AUGUR_ERRORS 12 /* smape .. naive_mae, as augur._backtest_errors has them */

typedef struct AugurErrors
{
	int64 n; /* forecasts with an actual value */
	double error[AUGUR_ERRORS];
	bool comparable; /* the naive forecast had as much to say */
	bool beats_naive;
} AugurErrors;

/* in: [AUGUR_IN_ARRAYS][length], NaN is NULL; errors that are not finite have no value. */
extern void augur_errors(double *const *in, int length, double level, AugurErrors *out);

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

extern bool augur_same_options(const AugurSharedOptions *a, const AugurSharedOptions *b);
/* A point in time as microseconds; false for infinity and what is far outside history. */
extern bool augur_stamp_time(AugurStamp stamp, Datum value, int64 *at);
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
										AugurForecastKind kind, int columns);
/* ERROR 22023 when it is out of range. */
extern uint32 augur_state_horizon(const AugurSeriesState *state);

#endif /* AUGUR_PG_FORECAST_H */
