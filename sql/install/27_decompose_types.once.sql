-- Types: what the aggregates that look at the past of a series return.
--
-- A series of dates gives dates, one of timestamps timestamps, one of timestamptz timestamptz:
-- hence three of each that has a point in time, alike but for the type of ts.

CREATE TYPE augur.decomposition_point AS (
	ts timestamptz,
	value float8,
	trend float8,
	seasonal float8,
	remainder float8,
	seasonals float8[]
);
COMMENT ON TYPE augur.decomposition_point IS
	'A step of a series taken apart, for points in time of type timestamptz; '
	'augur.decompose_agg returns an array of them.';
COMMENT ON COLUMN augur.decomposition_point.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.decomposition_point.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.decomposition_point.trend IS
	'The smooth course of the series without its seasons.';
COMMENT ON COLUMN augur.decomposition_point.seasonal IS
	'What the seasons add, all together; 0 without any.';
COMMENT ON COLUMN augur.decomposition_point.remainder IS
	'value - trend - seasonal; NULL where value is.';
COMMENT ON COLUMN augur.decomposition_point.seasonals IS
	'What each season adds, shortest first; empty without any.';

CREATE TYPE augur.decomposition_point_timestamp AS (
	ts timestamp,
	value float8,
	trend float8,
	seasonal float8,
	remainder float8,
	seasonals float8[]
);
COMMENT ON TYPE augur.decomposition_point_timestamp IS
	'A step of a series taken apart, for points in time of type timestamp; '
	'augur.decompose_agg returns an array of them.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.trend IS
	'The smooth course of the series without its seasons.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.seasonal IS
	'What the seasons add, all together; 0 without any.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.remainder IS
	'value - trend - seasonal; NULL where value is.';
COMMENT ON COLUMN augur.decomposition_point_timestamp.seasonals IS
	'What each season adds, shortest first; empty without any.';

CREATE TYPE augur.decomposition_point_date AS (
	ts date,
	value float8,
	trend float8,
	seasonal float8,
	remainder float8,
	seasonals float8[]
);
COMMENT ON TYPE augur.decomposition_point_date IS
	'A step of a series taken apart, for points in time of type date; '
	'augur.decompose_agg returns an array of them.';
COMMENT ON COLUMN augur.decomposition_point_date.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.decomposition_point_date.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.decomposition_point_date.trend IS
	'The smooth course of the series without its seasons.';
COMMENT ON COLUMN augur.decomposition_point_date.seasonal IS
	'What the seasons add, all together; 0 without any.';
COMMENT ON COLUMN augur.decomposition_point_date.remainder IS
	'value - trend - seasonal; NULL where value is.';
COMMENT ON COLUMN augur.decomposition_point_date.seasonals IS
	'What each season adds, shortest first; empty without any.';

CREATE TYPE augur.anomaly_point AS (
	ts timestamptz,
	value float8,
	expected float8,
	lower float8,
	upper float8,
	score float8,
	anomaly boolean
);
COMMENT ON TYPE augur.anomaly_point IS
	'A step of a series and what was to be expected there, for points in time of type timestamptz; '
	'augur.detect_anomalies_agg returns an array of them.';
COMMENT ON COLUMN augur.anomaly_point.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.anomaly_point.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.anomaly_point.expected IS
	'Trend and seasons, from which outliers were left out.';
COMMENT ON COLUMN augur.anomaly_point.lower IS
	'Lower end of what is usual, at the level asked for.';
COMMENT ON COLUMN augur.anomaly_point.upper IS
	'Upper end of what is usual.';
COMMENT ON COLUMN augur.anomaly_point.score IS
	'Distance from expected in robust standard deviations, with its sign.';
COMMENT ON COLUMN augur.anomaly_point.anomaly IS
	'Whether value is below lower or above upper; NULL where value is.';

CREATE TYPE augur.anomaly_point_timestamp AS (
	ts timestamp,
	value float8,
	expected float8,
	lower float8,
	upper float8,
	score float8,
	anomaly boolean
);
COMMENT ON TYPE augur.anomaly_point_timestamp IS
	'A step of a series and what was to be expected there, for points in time of type timestamp; '
	'augur.detect_anomalies_agg returns an array of them.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.expected IS
	'Trend and seasons, from which outliers were left out.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.lower IS
	'Lower end of what is usual, at the level asked for.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.upper IS
	'Upper end of what is usual.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.score IS
	'Distance from expected in robust standard deviations, with its sign.';
COMMENT ON COLUMN augur.anomaly_point_timestamp.anomaly IS
	'Whether value is below lower or above upper; NULL where value is.';

CREATE TYPE augur.anomaly_point_date AS (
	ts date,
	value float8,
	expected float8,
	lower float8,
	upper float8,
	score float8,
	anomaly boolean
);
COMMENT ON TYPE augur.anomaly_point_date IS
	'A step of a series and what was to be expected there, for points in time of type date; '
	'augur.detect_anomalies_agg returns an array of them.';
COMMENT ON COLUMN augur.anomaly_point_date.ts IS
	'The point in time of the step.';
COMMENT ON COLUMN augur.anomaly_point_date.value IS
	'The value there; NULL where there is none.';
COMMENT ON COLUMN augur.anomaly_point_date.expected IS
	'Trend and seasons, from which outliers were left out.';
COMMENT ON COLUMN augur.anomaly_point_date.lower IS
	'Lower end of what is usual, at the level asked for.';
COMMENT ON COLUMN augur.anomaly_point_date.upper IS
	'Upper end of what is usual.';
COMMENT ON COLUMN augur.anomaly_point_date.score IS
	'Distance from expected in robust standard deviations, with its sign.';
COMMENT ON COLUMN augur.anomaly_point_date.anomaly IS
	'Whether value is below lower or above upper; NULL where value is.';

CREATE TYPE augur.changepoint AS (
	ts timestamptz,
	before float8,
	after float8,
	score float8
);
COMMENT ON TYPE augur.changepoint IS
	'A lasting change of a series'' level, for points in time of type timestamptz; '
	'augur.changepoints_agg returns an array of them.';
COMMENT ON COLUMN augur.changepoint.ts IS
	'The first step at the new level.';
COMMENT ON COLUMN augur.changepoint.before IS
	'Mean level between the change before and this one, seasons taken out.';
COMMENT ON COLUMN augur.changepoint.after IS
	'Mean level from this change to the next.';
COMMENT ON COLUMN augur.changepoint.score IS
	'The difference by its standard error, with its sign.';

CREATE TYPE augur.changepoint_timestamp AS (
	ts timestamp,
	before float8,
	after float8,
	score float8
);
COMMENT ON TYPE augur.changepoint_timestamp IS
	'A lasting change of a series'' level, for points in time of type timestamp; '
	'augur.changepoints_agg returns an array of them.';
COMMENT ON COLUMN augur.changepoint_timestamp.ts IS
	'The first step at the new level.';
COMMENT ON COLUMN augur.changepoint_timestamp.before IS
	'Mean level between the change before and this one, seasons taken out.';
COMMENT ON COLUMN augur.changepoint_timestamp.after IS
	'Mean level from this change to the next.';
COMMENT ON COLUMN augur.changepoint_timestamp.score IS
	'The difference by its standard error, with its sign.';

CREATE TYPE augur.changepoint_date AS (
	ts date,
	before float8,
	after float8,
	score float8
);
COMMENT ON TYPE augur.changepoint_date IS
	'A lasting change of a series'' level, for points in time of type date; '
	'augur.changepoints_agg returns an array of them.';
COMMENT ON COLUMN augur.changepoint_date.ts IS
	'The first step at the new level.';
COMMENT ON COLUMN augur.changepoint_date.before IS
	'Mean level between the change before and this one, seasons taken out.';
COMMENT ON COLUMN augur.changepoint_date.after IS
	'Mean level from this change to the next.';
COMMENT ON COLUMN augur.changepoint_date.score IS
	'The difference by its standard error, with its sign.';

CREATE TYPE augur.season AS (
	period int,
	accepted boolean,
	strength float8,
	autocorrelation float8,
	score float8,
	p_value float8
);
COMMENT ON TYPE augur.season IS
	'A season length and the evidence for it; augur.seasonality_agg returns an array of them.';
COMMENT ON COLUMN augur.season.period IS 'Its length in steps.';
COMMENT ON COLUMN augur.season.accepted IS
	'Whether it is a season: strength above 0.64, or autocorrelation above 0.1 with p_value '
	'below 0.05.';
COMMENT ON COLUMN augur.season.strength IS
	'Share of the detrended series that the seasonal part explains, 0 to 1; NULL without more '
	'than two seasons.';
COMMENT ON COLUMN augur.season.autocorrelation IS
	'Of the detrended series at the lag of a season; NULL without three seasons.';
COMMENT ON COLUMN augur.season.score IS 'autocorrelation by its standard error.';
COMMENT ON COLUMN augur.season.p_value IS
	'How often chance alone gives such a score; of all lengths together where none was proposed.';
