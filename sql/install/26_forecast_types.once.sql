-- Types: what the forecasting aggregates return.
--
-- A series of dates is forecast as dates, one of timestamps as timestamps, one of timestamptz as
-- timestamptz: hence three of each, alike but for the type of ts.

CREATE TYPE augur.forecast_point AS (
	ts timestamptz,
	step int,
	forecast float8,
	lower float8,
	upper float8,
	level float8,
	method text
);
COMMENT ON TYPE augur.forecast_point IS
	'A step of a forecast at one level of its interval, of a series with timestamptz points in time; '
	'augur.forecast_agg returns an array of them.';
COMMENT ON COLUMN augur.forecast_point.ts IS
	'The point in time: one calendar step after the one before.';
COMMENT ON COLUMN augur.forecast_point.step IS 'Steps ahead of the last point: 1, 2, ...';
COMMENT ON COLUMN augur.forecast_point.forecast IS
	'The value expected; NULL for a series without any value.';
COMMENT ON COLUMN augur.forecast_point.lower IS
	'Lower end of the interval that covers the value with probability level.';
COMMENT ON COLUMN augur.forecast_point.upper IS 'Upper end of that interval.';
COMMENT ON COLUMN augur.forecast_point.level IS
	'Probability of the interval, 0.95 unless asked otherwise; there is a row for each level.';
COMMENT ON COLUMN augur.forecast_point.method IS 'What made the forecast.';

CREATE TYPE augur.forecast_full AS (
	points augur.forecast_point[],
	method text,
	reason text,
	step interval,
	season int[],
	n bigint,
	observed bigint,
	missing bigint,
	filled bigint,
	duplicates bigint,
	irregular bigint,
	left_out bigint,
	skipped bigint,
	sigma float8,
	aicc float8,
	fallback text,
	warning text
);
COMMENT ON TYPE augur.forecast_full IS
	'A forecast of a series with timestamptz points in time, and how it came about; '
	'augur.forecast_full_agg returns it.';
COMMENT ON COLUMN augur.forecast_full.points IS 'The forecast, as augur.forecast_agg returns it.';
COMMENT ON COLUMN augur.forecast_full.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.forecast_full.reason IS
	'Why that method was chosen; NULL when it was asked for.';
COMMENT ON COLUMN augur.forecast_full.step IS
	'Distance between steps: the most frequent one between rows, or option frequency.';
COMMENT ON COLUMN augur.forecast_full.season IS
	'Season lengths in steps that the methods were offered, see option season.';
COMMENT ON COLUMN augur.forecast_full.n IS 'Steps from the first row to the last.';
COMMENT ON COLUMN augur.forecast_full.observed IS 'Steps with a value of their own.';
COMMENT ON COLUMN augur.forecast_full.missing IS 'Steps without a value that were left to the method.';
COMMENT ON COLUMN augur.forecast_full.filled IS
	'Steps without a value that option gaps filled: interpolate, zero or carry.';
COMMENT ON COLUMN augur.forecast_full.duplicates IS
	'Rows that share their step with an earlier one, see option duplicates.';
COMMENT ON COLUMN augur.forecast_full.irregular IS
	'Rows off the grid of steps that were moved to the nearest step, or, under a given '
	'frequency, to the step they lie in.';
COMMENT ON COLUMN augur.forecast_full.left_out IS
	'Rows left out because they lie beyond a gap out of all proportion.';
COMMENT ON COLUMN augur.forecast_full.skipped IS
	'Rows whose point in time is NULL, infinite or outside history.';
COMMENT ON COLUMN augur.forecast_full.sigma IS
	'Standard deviation of the one-step errors over the past.';
COMMENT ON COLUMN augur.forecast_full.aicc IS
	'Corrected information criterion of a single model, else NULL.';
COMMENT ON COLUMN augur.forecast_full.fallback IS
	'Methods that could not be fitted, and why; NULL when the first one could.';
COMMENT ON COLUMN augur.forecast_full.warning IS 'What should be looked at; NULL when nothing.';

CREATE TYPE augur.forecast_point_timestamp AS (
	ts timestamp,
	step int,
	forecast float8,
	lower float8,
	upper float8,
	level float8,
	method text
);
COMMENT ON TYPE augur.forecast_point_timestamp IS
	'A step of a forecast at one level of its interval, of a series with timestamp points in time; '
	'augur.forecast_agg returns an array of them.';
COMMENT ON COLUMN augur.forecast_point_timestamp.ts IS
	'The point in time: one calendar step after the one before.';
COMMENT ON COLUMN augur.forecast_point_timestamp.step IS 'Steps ahead of the last point: 1, 2, ...';
COMMENT ON COLUMN augur.forecast_point_timestamp.forecast IS
	'The value expected; NULL for a series without any value.';
COMMENT ON COLUMN augur.forecast_point_timestamp.lower IS
	'Lower end of the interval that covers the value with probability level.';
COMMENT ON COLUMN augur.forecast_point_timestamp.upper IS 'Upper end of that interval.';
COMMENT ON COLUMN augur.forecast_point_timestamp.level IS
	'Probability of the interval, 0.95 unless asked otherwise; there is a row for each level.';
COMMENT ON COLUMN augur.forecast_point_timestamp.method IS 'What made the forecast.';

CREATE TYPE augur.forecast_full_timestamp AS (
	points augur.forecast_point_timestamp[],
	method text,
	reason text,
	step interval,
	season int[],
	n bigint,
	observed bigint,
	missing bigint,
	filled bigint,
	duplicates bigint,
	irregular bigint,
	left_out bigint,
	skipped bigint,
	sigma float8,
	aicc float8,
	fallback text,
	warning text
);
COMMENT ON TYPE augur.forecast_full_timestamp IS
	'A forecast of a series with timestamp points in time, and how it came about; '
	'augur.forecast_full_agg returns it.';
COMMENT ON COLUMN augur.forecast_full_timestamp.points IS 'The forecast, as augur.forecast_agg returns it.';
COMMENT ON COLUMN augur.forecast_full_timestamp.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.forecast_full_timestamp.reason IS
	'Why that method was chosen; NULL when it was asked for.';
COMMENT ON COLUMN augur.forecast_full_timestamp.step IS
	'Distance between steps: the most frequent one between rows, or option frequency.';
COMMENT ON COLUMN augur.forecast_full_timestamp.season IS
	'Season lengths in steps that the methods were offered, see option season.';
COMMENT ON COLUMN augur.forecast_full_timestamp.n IS 'Steps from the first row to the last.';
COMMENT ON COLUMN augur.forecast_full_timestamp.observed IS 'Steps with a value of their own.';
COMMENT ON COLUMN augur.forecast_full_timestamp.missing IS 'Steps without a value that were left to the method.';
COMMENT ON COLUMN augur.forecast_full_timestamp.filled IS
	'Steps without a value that option gaps filled: interpolate, zero or carry.';
COMMENT ON COLUMN augur.forecast_full_timestamp.duplicates IS
	'Rows that share their step with an earlier one, see option duplicates.';
COMMENT ON COLUMN augur.forecast_full_timestamp.irregular IS
	'Rows off the grid of steps that were moved to the nearest step, or, under a given '
	'frequency, to the step they lie in.';
COMMENT ON COLUMN augur.forecast_full_timestamp.left_out IS
	'Rows left out because they lie beyond a gap out of all proportion.';
COMMENT ON COLUMN augur.forecast_full_timestamp.skipped IS
	'Rows whose point in time is NULL, infinite or outside history.';
COMMENT ON COLUMN augur.forecast_full_timestamp.sigma IS
	'Standard deviation of the one-step errors over the past.';
COMMENT ON COLUMN augur.forecast_full_timestamp.aicc IS
	'Corrected information criterion of a single model, else NULL.';
COMMENT ON COLUMN augur.forecast_full_timestamp.fallback IS
	'Methods that could not be fitted, and why; NULL when the first one could.';
COMMENT ON COLUMN augur.forecast_full_timestamp.warning IS 'What should be looked at; NULL when nothing.';

CREATE TYPE augur.forecast_point_date AS (
	ts date,
	step int,
	forecast float8,
	lower float8,
	upper float8,
	level float8,
	method text
);
COMMENT ON TYPE augur.forecast_point_date IS
	'A step of a forecast at one level of its interval, of a series with date points in time; '
	'augur.forecast_agg returns an array of them.';
COMMENT ON COLUMN augur.forecast_point_date.ts IS
	'The point in time: one calendar step after the one before.';
COMMENT ON COLUMN augur.forecast_point_date.step IS 'Steps ahead of the last point: 1, 2, ...';
COMMENT ON COLUMN augur.forecast_point_date.forecast IS
	'The value expected; NULL for a series without any value.';
COMMENT ON COLUMN augur.forecast_point_date.lower IS
	'Lower end of the interval that covers the value with probability level.';
COMMENT ON COLUMN augur.forecast_point_date.upper IS 'Upper end of that interval.';
COMMENT ON COLUMN augur.forecast_point_date.level IS
	'Probability of the interval, 0.95 unless asked otherwise; there is a row for each level.';
COMMENT ON COLUMN augur.forecast_point_date.method IS 'What made the forecast.';

CREATE TYPE augur.forecast_full_date AS (
	points augur.forecast_point_date[],
	method text,
	reason text,
	step interval,
	season int[],
	n bigint,
	observed bigint,
	missing bigint,
	filled bigint,
	duplicates bigint,
	irregular bigint,
	left_out bigint,
	skipped bigint,
	sigma float8,
	aicc float8,
	fallback text,
	warning text
);
COMMENT ON TYPE augur.forecast_full_date IS
	'A forecast of a series with date points in time, and how it came about; '
	'augur.forecast_full_agg returns it.';
COMMENT ON COLUMN augur.forecast_full_date.points IS 'The forecast, as augur.forecast_agg returns it.';
COMMENT ON COLUMN augur.forecast_full_date.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.forecast_full_date.reason IS
	'Why that method was chosen; NULL when it was asked for.';
COMMENT ON COLUMN augur.forecast_full_date.step IS
	'Distance between steps: the most frequent one between rows, or option frequency.';
COMMENT ON COLUMN augur.forecast_full_date.season IS
	'Season lengths in steps that the methods were offered, see option season.';
COMMENT ON COLUMN augur.forecast_full_date.n IS 'Steps from the first row to the last.';
COMMENT ON COLUMN augur.forecast_full_date.observed IS 'Steps with a value of their own.';
COMMENT ON COLUMN augur.forecast_full_date.missing IS 'Steps without a value that were left to the method.';
COMMENT ON COLUMN augur.forecast_full_date.filled IS
	'Steps without a value that option gaps filled: interpolate, zero or carry.';
COMMENT ON COLUMN augur.forecast_full_date.duplicates IS
	'Rows that share their step with an earlier one, see option duplicates.';
COMMENT ON COLUMN augur.forecast_full_date.irregular IS
	'Rows off the grid of steps that were moved to the nearest step, or, under a given '
	'frequency, to the step they lie in.';
COMMENT ON COLUMN augur.forecast_full_date.left_out IS
	'Rows left out because they lie beyond a gap out of all proportion.';
COMMENT ON COLUMN augur.forecast_full_date.skipped IS
	'Rows whose point in time is NULL, infinite or outside history.';
COMMENT ON COLUMN augur.forecast_full_date.sigma IS
	'Standard deviation of the one-step errors over the past.';
COMMENT ON COLUMN augur.forecast_full_date.aicc IS
	'Corrected information criterion of a single model, else NULL.';
COMMENT ON COLUMN augur.forecast_full_date.fallback IS
	'Methods that could not be fitted, and why; NULL when the first one could.';
COMMENT ON COLUMN augur.forecast_full_date.warning IS 'What should be looked at; NULL when nothing.';

CREATE TYPE augur.backtest_point AS (
	fold int,
	origin timestamptz,
	step int,
	ts timestamptz,
	actual float8,
	forecast float8,
	naive float8,
	lower float8,
	upper float8,
	level float8,
	method text,
	scale_absolute float8,
	scale_squared float8
);
COMMENT ON TYPE augur.backtest_point IS
	'A step of a forecast that was made as if what came later were unknown, of a series with '
	'timestamptz points in time; augur.backtest_agg returns an array of them.';
COMMENT ON COLUMN augur.backtest_point.fold IS 'Number of the forecast, from the earliest origin on.';
COMMENT ON COLUMN augur.backtest_point.origin IS 'The last point in time that it knew.';
COMMENT ON COLUMN augur.backtest_point.step IS 'Steps ahead of the origin: 1, 2, ...';
COMMENT ON COLUMN augur.backtest_point.ts IS 'The point in time that was forecast.';
COMMENT ON COLUMN augur.backtest_point.actual IS 'The value that came; NULL when there is none.';
COMMENT ON COLUMN augur.backtest_point.forecast IS 'The value that was expected.';
COMMENT ON COLUMN augur.backtest_point.naive IS
	'The seasonal naive forecast of the same: the value of a season ago.';
COMMENT ON COLUMN augur.backtest_point.lower IS 'Lower end of the interval.';
COMMENT ON COLUMN augur.backtest_point.upper IS 'Upper end of the interval.';
COMMENT ON COLUMN augur.backtest_point.level IS
	'Probability of the interval; there is a row for each level.';
COMMENT ON COLUMN augur.backtest_point.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.backtest_point.scale_absolute IS
	'Mean absolute difference of values a season apart before the origin: errors divided by it '
	'are those of MASE.';
COMMENT ON COLUMN augur.backtest_point.scale_squared IS
	'Mean squared difference of them: for RMSSE.';

CREATE TYPE augur.backtest_point_timestamp AS (
	fold int,
	origin timestamp,
	step int,
	ts timestamp,
	actual float8,
	forecast float8,
	naive float8,
	lower float8,
	upper float8,
	level float8,
	method text,
	scale_absolute float8,
	scale_squared float8
);
COMMENT ON TYPE augur.backtest_point_timestamp IS
	'A step of a forecast that was made as if what came later were unknown, of a series with '
	'timestamp points in time; augur.backtest_agg returns an array of them.';
COMMENT ON COLUMN augur.backtest_point_timestamp.fold IS 'Number of the forecast, from the earliest origin on.';
COMMENT ON COLUMN augur.backtest_point_timestamp.origin IS 'The last point in time that it knew.';
COMMENT ON COLUMN augur.backtest_point_timestamp.step IS 'Steps ahead of the origin: 1, 2, ...';
COMMENT ON COLUMN augur.backtest_point_timestamp.ts IS 'The point in time that was forecast.';
COMMENT ON COLUMN augur.backtest_point_timestamp.actual IS 'The value that came; NULL when there is none.';
COMMENT ON COLUMN augur.backtest_point_timestamp.forecast IS 'The value that was expected.';
COMMENT ON COLUMN augur.backtest_point_timestamp.naive IS
	'The seasonal naive forecast of the same: the value of a season ago.';
COMMENT ON COLUMN augur.backtest_point_timestamp.lower IS 'Lower end of the interval.';
COMMENT ON COLUMN augur.backtest_point_timestamp.upper IS 'Upper end of the interval.';
COMMENT ON COLUMN augur.backtest_point_timestamp.level IS
	'Probability of the interval; there is a row for each level.';
COMMENT ON COLUMN augur.backtest_point_timestamp.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.backtest_point_timestamp.scale_absolute IS
	'Mean absolute difference of values a season apart before the origin: errors divided by it '
	'are those of MASE.';
COMMENT ON COLUMN augur.backtest_point_timestamp.scale_squared IS
	'Mean squared difference of them: for RMSSE.';

CREATE TYPE augur.backtest_point_date AS (
	fold int,
	origin date,
	step int,
	ts date,
	actual float8,
	forecast float8,
	naive float8,
	lower float8,
	upper float8,
	level float8,
	method text,
	scale_absolute float8,
	scale_squared float8
);
COMMENT ON TYPE augur.backtest_point_date IS
	'A step of a forecast that was made as if what came later were unknown, of a series with '
	'date points in time; augur.backtest_agg returns an array of them.';
COMMENT ON COLUMN augur.backtest_point_date.fold IS 'Number of the forecast, from the earliest origin on.';
COMMENT ON COLUMN augur.backtest_point_date.origin IS 'The last point in time that it knew.';
COMMENT ON COLUMN augur.backtest_point_date.step IS 'Steps ahead of the origin: 1, 2, ...';
COMMENT ON COLUMN augur.backtest_point_date.ts IS 'The point in time that was forecast.';
COMMENT ON COLUMN augur.backtest_point_date.actual IS 'The value that came; NULL when there is none.';
COMMENT ON COLUMN augur.backtest_point_date.forecast IS 'The value that was expected.';
COMMENT ON COLUMN augur.backtest_point_date.naive IS
	'The seasonal naive forecast of the same: the value of a season ago.';
COMMENT ON COLUMN augur.backtest_point_date.lower IS 'Lower end of the interval.';
COMMENT ON COLUMN augur.backtest_point_date.upper IS 'Upper end of the interval.';
COMMENT ON COLUMN augur.backtest_point_date.level IS
	'Probability of the interval; there is a row for each level.';
COMMENT ON COLUMN augur.backtest_point_date.method IS 'What made the forecast.';
COMMENT ON COLUMN augur.backtest_point_date.scale_absolute IS
	'Mean absolute difference of values a season apart before the origin: errors divided by it '
	'are those of MASE.';
COMMENT ON COLUMN augur.backtest_point_date.scale_squared IS
	'Mean squared difference of them: for RMSSE.';

CREATE TYPE augur.series_fit AS (
	series jsonb,
	n bigint,
	observed bigint,
	filled bigint,
	missing bigint,
	duplicates bigint,
	irregular bigint,
	left_out bigint,
	skipped bigint,
	first_ts timestamptz,
	last_ts timestamptz,
	step interval,
	season int[],
	method text,
	reason text,
	fallback text,
	warning text,
	aicc float8,
	sigma float8,
	folds int,
	tested bigint,
	smape float8,
	mape float8,
	mase float8,
	rmsse float8,
	mae float8,
	rmse float8,
	bias float8,
	coverage float8,
	msis float8,
	naive_smape float8,
	naive_mase float8,
	naive_mae float8,
	state bytea
);
COMMENT ON TYPE augur.series_fit IS
	'A fitted series: what its rows were, what was fitted and why, its errors by rolling origin, and '
	'its state, from which it is forecast.';
COMMENT ON COLUMN augur.series_fit.series IS
	'The keys of the series as an object, as jsonb_build_object makes it; {} without keys.';
COMMENT ON COLUMN augur.series_fit.n IS 'Steps from the first row to the last.';
COMMENT ON COLUMN augur.series_fit.observed IS 'Steps with a value of their own.';
COMMENT ON COLUMN augur.series_fit.filled IS
	'Steps without a value that option gaps filled: interpolate, zero or carry.';
COMMENT ON COLUMN augur.series_fit.missing IS 'Steps without a value that were left to the method.';
COMMENT ON COLUMN augur.series_fit.duplicates IS
	'Rows that share their step with an earlier one, see option duplicates.';
COMMENT ON COLUMN augur.series_fit.irregular IS
	'Rows off the grid of steps that were moved to the nearest step, or, under a given '
	'frequency, to the step they lie in.';
COMMENT ON COLUMN augur.series_fit.left_out IS
	'Rows left out because they lie beyond a gap out of all proportion.';
COMMENT ON COLUMN augur.series_fit.skipped IS
	'Rows whose point in time is NULL, infinite or outside history.';
COMMENT ON COLUMN augur.series_fit.first_ts IS
	'The first step. Dates and timestamps stand at UTC: first_ts AT TIME ZONE ''UTC'' is the timestamp, '
	'(first_ts AT TIME ZONE ''UTC'')::date the date.';
COMMENT ON COLUMN augur.series_fit.last_ts IS 'The last step, likewise.';
COMMENT ON COLUMN augur.series_fit.step IS
	'Distance between steps: the most frequent one between rows, or option frequency.';
COMMENT ON COLUMN augur.series_fit.season IS
	'Season lengths in steps that the methods were offered, see option season.';
COMMENT ON COLUMN augur.series_fit.method IS 'What was fitted; none when nothing could be.';
COMMENT ON COLUMN augur.series_fit.reason IS
	'Why that method was chosen, or its form kept; NULL when it was asked for.';
COMMENT ON COLUMN augur.series_fit.fallback IS
	'What could not be fitted, and why; NULL when the first choice could.';
COMMENT ON COLUMN augur.series_fit.warning IS 'What should be looked at; NULL when nothing.';
COMMENT ON COLUMN augur.series_fit.aicc IS
	'Corrected information criterion of a single model, else NULL.';
COMMENT ON COLUMN augur.series_fit.sigma IS
	'Standard deviation of the one-step errors over the past.';
COMMENT ON COLUMN augur.series_fit.folds IS
	'Forecasts made as if what came later were unknown; 0 when the series is too short for one.';
COMMENT ON COLUMN augur.series_fit.tested IS
	'Steps of these with an actual value. The errors are NULL when there is none.';
COMMENT ON COLUMN augur.series_fit.smape IS 'Symmetric mean absolute percentage error.';
COMMENT ON COLUMN augur.series_fit.mape IS 'Mean absolute percentage error.';
COMMENT ON COLUMN augur.series_fit.mase IS
	'Mean absolute error over that of the seasonal naive forecast before each origin.';
COMMENT ON COLUMN augur.series_fit.rmsse IS 'Root mean squared error, scaled likewise.';
COMMENT ON COLUMN augur.series_fit.mae IS 'Mean absolute error.';
COMMENT ON COLUMN augur.series_fit.rmse IS 'Root mean squared error.';
COMMENT ON COLUMN augur.series_fit.bias IS 'Mean error: above 0 when forecasts are too high.';
COMMENT ON COLUMN augur.series_fit.coverage IS
	'Share of values inside the interval of the highest level.';
COMMENT ON COLUMN augur.series_fit.msis IS 'Mean scaled interval score at that level.';
COMMENT ON COLUMN augur.series_fit.naive_smape IS 'smape of the seasonal naive forecast.';
COMMENT ON COLUMN augur.series_fit.naive_mase IS 'mase of the seasonal naive forecast.';
COMMENT ON COLUMN augur.series_fit.naive_mae IS 'mae of the seasonal naive forecast.';
COMMENT ON COLUMN augur.series_fit.state IS
	'Bytes from which augur forecasts the series, with the values it was fitted to; docs/format.md '
	'describes them. NULL when nothing could be fitted.';
