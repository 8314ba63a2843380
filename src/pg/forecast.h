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
} AugurForecastOptions;

/*
 * Fills options, which must not be moved afterwards, from object (NULL: defaults);
 * everything lies in CurrentMemoryContext.  Unknown keys and ill-typed values are
 * errors 22023 that name the nearest key or what is expected.
 */
extern void
augur_forecast_options_read(AugurForecastOptions *options, Jsonb *object, AugurStamp stamp);
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

#endif /* AUGUR_PG_FORECAST_H */
