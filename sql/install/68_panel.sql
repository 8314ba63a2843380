-- panel: one model over many series, and forecasts from it and what was kept of each.

CREATE OR REPLACE FUNCTION augur._panel_fit(query text, keys name[], horizon integer,
	regressors name[], options jsonb) RETURNS SETOF augur.series_fit
	AS 'MODULE_PATHNAME', 'augur_panel_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION augur._panel_fit(text, name[], integer, name[], jsonb) IS
'Internal. Trains one model over all series of a query as augur._series_fit takes it, and tests it by rolling origins. The first row, without a series, has the model''s artifact as its state; then comes a row for each series. options: about time, levels, seed, and those of method global_boosting.';

CREATE OR REPLACE FUNCTION augur._panel_forecast(artifact bytea, state bytea, horizon integer,
	levels float8[], future_ts timestamptz[] DEFAULT NULL, future_x float8[] DEFAULT NULL)
RETURNS TABLE (ts timestamptz, step integer, forecast float8, lower float8, upper float8,
	level float8, method text)
	AS 'MODULE_PATHNAME', 'augur_panel_forecast'
	LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 24;
COMMENT ON FUNCTION augur._panel_forecast(bytea, bytea, integer, float8[], timestamptz[], float8[]) IS
'Internal. The next steps of a stored series by a model over many; NULL for horizon and levels means those of the training.';
