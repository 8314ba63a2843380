-- Many series at once: the fit that stored forecasters are made of, and what is read of their states.

CREATE OR REPLACE FUNCTION augur._series_fit(query text, keys name[], horizon integer,
	regressors name[], options jsonb, previous bigint DEFAULT NULL)
	RETURNS SETOF augur.series_fit
	AS 'MODULE_PATHNAME', 'augur_series_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION augur._series_fit(text, name[], integer, name[], jsonb, bigint) IS
'Internal. Fits every series of a query, with parallel workers. The query yields a column for each key, the time, the value as float8 and, with regressors, an array of them as float8[]; previous: the version whose forms are kept.';

CREATE OR REPLACE FUNCTION augur._series_forecast(state bytea, horizon integer, levels float8[],
	future_ts timestamptz[] DEFAULT NULL, future_x float8[] DEFAULT NULL)
	RETURNS TABLE (ts timestamptz, step integer, forecast float8, lower float8, upper float8,
		level float8, method text)
	AS 'MODULE_PATHNAME', 'augur_series_forecast_rows'
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION augur._series_forecast(bytea, integer, float8[], timestamptz[], float8[]) IS
'Internal. The forecast of a fitted series, a row for each step and level; NULL horizon or levels: those it was fitted with. future_ts and future_x (row by row): regressors of the steps ahead. Dates and timestamps stand at UTC.';

CREATE OR REPLACE FUNCTION augur._series_history(state bytea)
	RETURNS TABLE (ts timestamptz, y float8)
	AS 'MODULE_PATHNAME', 'augur_series_history'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION augur._series_history(bytea) IS
'Internal. The values that a series was fitted to, gaps filled by the rule for them.';
