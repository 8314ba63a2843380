/*-------------------------------------------------------------------------
 *
 * forecast_run.c
 *		One series from its rows to a forecast, with what there is to say about it.
 *
 * Memory: everything lies in the host's context.  Interrupts: those of timeline.c
 * and of the core.
 *
 *-------------------------------------------------------------------------
 */
#include "forecast.h"

#include "lib/stringinfo.h"

static void
add_warning(StringInfo text, const char *what, int64 n)
{
	if (n != 0)
		appendStringInfo(text, "%s%s: %lld", text->len > 0 ? "; " : "", what, (long long) n);
}

char *
augur_series_warnings(const AugurForecastOptions *options, const AugurTimeline *t, int64 skipped,
					  const char *of_fit)
{
	static const char *const shared[] = {"rows that share a step averaged",
										 "rows that share a step summed",
										 "rows that share a step passed over for later ones", ""};
	StringInfoData text;

	initStringInfo(&text);
	add_warning(&text, "rows without a usable point in time skipped", skipped);
	add_warning(&text, "rows beyond a gap that is too long left out", t->left_out);
	add_warning(&text, shared[options->time.duplicates], t->duplicates);
	if (!t->grid.snap_floor)
		add_warning(&text, "rows off the grid moved to the nearest step", t->irregular);
	if (t->grid.step_assumed)
		appendStringInfo(&text, "%sa step of a day is assumed", text.len > 0 ? "; " : "");
	if (of_fit[0] != '\0')
		appendStringInfo(&text, "%s%s", text.len > 0 ? "; " : "", of_fit);
	return text.len > 0 ? text.data : NULL;
}

/*
 * Of the season lengths that the step suggests the first is for the methods to judge,
 * who do that anyway; longer ones are kept where they show beside it.
 */
void
augur_timeline_seasons(AugurHost *host, const AugurForecastOptions *options, AugurTimeline *t)
{
	AugSeasonFound found[AUG_MAX_PERIODS];
	AugError err;
	AugStatus status;
	uint32 n = 0;

	if (options->time.n_season >= 0 || t->n_season < 2)
		return;
	status =
		aug_seasonality(&host->host, t->y, t->n, (uint32) t->n_season, t->season, found, &n, &err);
	/* a series without values, or with values that are too large to be looked at */
	if (status == AUG_DATA || status == AUG_NUMERIC)
		n = 0;
	else
		augur_check(status, &err);
	t->n_season = 1;
	for (uint32 i = 1; i < n; i++)
	{
		if (found[i].accepted)
			t->season[t->n_season++] = found[i].period;
	}
}

AugStatus
augur_timeline_run(AugurHost *host, const AugurForecastOptions *options, const AugurAsk *ask,
				   const AugurTimeline *t, AugForecast **out, AugError *err)
{
	AugForecastOptions request = {0};
	AugSeries series = {0};
	AugStatus status;

	series.n = t->n;
	series.y = t->y;
	series.n_periods = (uint32) t->n_season;
	memcpy(series.period, t->season, sizeof(series.period));
	series.n_regressors = ask->n_regressors;
	series.n_x = ask->n_x;
	series.x = ask->x;
	request.params = ask->params;
	request.horizon = ask->horizon;
	request.n_levels = (uint32) ask->n_levels;
	request.levels = options->levels;
	request.seed = options->seed;
	request.keep = ask->keep;
	request.form = ask->form;
	status = aug_forecast_run(&host->host, &series, &request, out, err);
	if (status == AUG_CANCELLED || status == AUG_NOMEM)
		augur_check(status, err);
	return status;
}

AugForecast *
augur_timeline_forecast(AugurHost *host, const AugurForecastOptions *options,
						const AugParams *params, const AugurTimeline *t, uint32 horizon,
						int n_levels)
{
	AugurAsk ask = {.params = params, .horizon = horizon, .n_levels = n_levels};
	AugForecast *forecast;
	AugError err;

	augur_check(augur_timeline_run(host, options, &ask, t, &forecast, &err), &err);
	return forecast;
}

bool
augur_series_forecast(AugurHost *host, const AugurForecastOptions *options, AugurPoint *points,
					  Size n, int64 skipped, uint32 horizon, AugurSeriesResult *result)
{
	MemoryContext old;
	AugurTimeline *t = &result->timeline;

	memset(result, 0, sizeof(*result));
	if (!augur_timeline_build(&options->time, points, n, host->context, t))
		return false;
	augur_timeline_seasons(host, options, t);
	result->forecast =
		augur_timeline_forecast(host, options, options->params, t, horizon, options->n_levels);
	old = MemoryContextSwitchTo(host->context);
	result->warning = augur_series_warnings(options, t, skipped, result->forecast->warning);
	MemoryContextSwitchTo(old);
	return true;
}
