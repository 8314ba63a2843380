-- series: many series fitted at once, and forecasts from what was kept of them.

CREATE OR REPLACE FUNCTION augur._series_fit(query text, keys name[], horizon integer,
	regressors name[], options jsonb, previous bigint DEFAULT NULL) RETURNS SETOF augur.series_fit
	AS 'MODULE_PATHNAME', 'augur_series_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION augur._series_fit(text, name[], integer, name[], jsonb, bigint) IS
'Internal. Fits and tests every series of a query of keys, point in time, value and, if there are regressors, an array of them. options: those of augur.backtest_agg; previous: a version whose forms are kept.';

CREATE OR REPLACE FUNCTION augur._series_forecast(state bytea, horizon integer, levels float8[],
	future_ts timestamptz[] DEFAULT NULL, future_x float8[] DEFAULT NULL)
RETURNS TABLE (ts timestamptz, step integer, forecast float8, lower float8, upper float8,
	level float8, method text)
	AS 'MODULE_PATHNAME', 'augur_stored_forecast'
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 24;
COMMENT ON FUNCTION augur._series_forecast(bytea, integer, float8[], timestamptz[], float8[]) IS
'Internal. The next steps of a stored series; NULL for horizon and levels means those of the training.';

CREATE OR REPLACE FUNCTION augur._series_history(state bytea) RETURNS TABLE (ts timestamptz, y float8)
	AS 'MODULE_PATHNAME', 'augur_stored_history'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION augur._series_history(bytea) IS
'Internal. The values of a stored series, as they were fitted.';
