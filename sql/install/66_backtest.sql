-- backtest: what forecasts would have been worth, by rolling origin.

CREATE OR REPLACE FUNCTION augur._backtest_points(internal) RETURNS augur.backtest_point[]
	AS 'MODULE_PATHNAME', 'augur_backtest_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._backtest_points(internal) IS
'Internal. Forecasts the rows of a state of augur.backtest_agg from earlier origins.';

CREATE OR REPLACE FUNCTION augur._backtest_points_timestamp(internal) RETURNS augur.backtest_point_timestamp[]
	AS 'MODULE_PATHNAME', 'augur_backtest_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._backtest_points_timestamp(internal) IS
'Internal. Forecasts the rows of a state of augur.backtest_agg from earlier origins.';

CREATE OR REPLACE FUNCTION augur._backtest_points_date(internal) RETURNS augur.backtest_point_date[]
	AS 'MODULE_PATHNAME', 'augur_backtest_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION augur._backtest_points_date(internal) IS
'Internal. Forecasts the rows of a state of augur.backtest_agg from earlier origins.';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts timestamptz, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(timestamptz, float8, int) IS
'Forecasts the last steps of a series from what lay before them, and returns forecasts beside actual values and the seasonal naive forecast, a row for each fold, step and level; NULL for a series too short. Gaps are filled and seasons sought in what each fold knows. Example: SELECT store, smape(p.actual, p.forecast), mase(p.actual, p.forecast, p.naive) FROM (SELECT store, augur.backtest_agg(day, sales, 28) AS b FROM sales GROUP BY store) s, unnest(s.b) p GROUP BY store;';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts timestamptz, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(timestamptz, float8, int, jsonb) IS
'The same with options: those of augur.forecast_agg, and folds (1: number of forecasts, the last one ends with the series) and step (the horizon: steps between their origins). Example: augur.backtest_agg(day, sales, 28, ''{"folds": 4, "step": 7}'').';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts timestamp, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points_timestamp,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(timestamp, float8, int) IS
'Forecasts the last steps of a series from what lay before them, and returns forecasts beside actual values and the seasonal naive forecast, a row for each fold, step and level; NULL for a series too short. Gaps are filled and seasons sought in what each fold knows. Example: SELECT store, smape(p.actual, p.forecast), mase(p.actual, p.forecast, p.naive) FROM (SELECT store, augur.backtest_agg(day, sales, 28) AS b FROM sales GROUP BY store) s, unnest(s.b) p GROUP BY store;';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts timestamp, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points_timestamp,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(timestamp, float8, int, jsonb) IS
'The same with options: those of augur.forecast_agg, and folds (1: number of forecasts, the last one ends with the series) and step (the horizon: steps between their origins). Example: augur.backtest_agg(day, sales, 28, ''{"folds": 4, "step": 7}'').';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts date, y float8, horizon int) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points_date,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(date, float8, int) IS
'Forecasts the last steps of a series from what lay before them, and returns forecasts beside actual values and the seasonal naive forecast, a row for each fold, step and level; NULL for a series too short. Gaps are filled and seasons sought in what each fold knows. Example: SELECT store, smape(p.actual, p.forecast), mase(p.actual, p.forecast, p.naive) FROM (SELECT store, augur.backtest_agg(day, sales, 28) AS b FROM sales GROUP BY store) s, unnest(s.b) p GROUP BY store;';

CREATE OR REPLACE AGGREGATE augur.backtest_agg(ts date, y float8, horizon int, options jsonb) (
	SFUNC = augur._forecast_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._backtest_points_date,
	PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.backtest_agg(date, float8, int, jsonb) IS
'The same with options: those of augur.forecast_agg, and folds (1: number of forecasts, the last one ends with the series) and step (the horizon: steps between their origins). Example: augur.backtest_agg(day, sales, 28, ''{"folds": 4, "step": 7}'').';

CREATE OR REPLACE FUNCTION augur.backtest(relation regclass, time_column name, target name, horizon integer,
	series name[] DEFAULT '{}', folds integer DEFAULT 1, step integer DEFAULT NULL,
	method text DEFAULT 'auto', frequency interval DEFAULT NULL, season integer[] DEFAULT NULL,
	levels float8[] DEFAULT '{0.95}', params jsonb DEFAULT '{}')
RETURNS TABLE (series_key jsonb, fold integer, origin timestamptz, step_ahead integer, ts timestamptz,
	actual float8, forecast float8, naive float8, lower float8, upper float8, level float8,
	used_method text, scale_absolute float8, scale_squared float8)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	key_list	text;
	key_object	text;
	given		jsonb;
BEGIN
	IF relation IS NULL OR time_column IS NULL OR target IS NULL OR horizon IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation, time_column, target and horizon must not be null';
	END IF;
	PERFORM augur._series_columns(relation, time_column, target, series, '{}');
	IF jsonb_typeof(coalesce(params, '{}')) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "params" must be a JSON object';
	END IF;
	given := coalesce(params, '{}') || jsonb_strip_nulls(jsonb_build_object('method', method,
		'frequency', frequency::text, 'season', season, 'levels', levels, 'folds', folds, 'step', step));
	SELECT string_agg(format('r.%I', k), ', ' ORDER BY n),
		string_agg(format('%L, r.%I', k, k), ', ' ORDER BY n)
	INTO key_list, key_object FROM unnest(series) WITH ORDINALITY u (k, n);
	RETURN QUERY EXECUTE format('SELECT g.k, p.fold, p.origin::timestamptz, p.step, p.ts::timestamptz, p.actual,'
		' p.forecast, p.naive, p.lower, p.upper, p.level, p.method, p.scale_absolute, p.scale_squared'
		' FROM (SELECT jsonb_build_object(%s) AS k,'
		' augur.backtest_agg(r.%I, (r.%I)::float8, $1, $2) AS b FROM %s r GROUP BY %s) g, unnest(g.b) p',
		key_object, time_column, target, relation, coalesce(key_list, '()'))
	USING horizon, given;
END
$$;
COMMENT ON FUNCTION augur.backtest(regclass, name, name, integer, name[], integer, integer, text, interval, integer[], float8[], jsonb) IS
'Forecasts the last steps of every series of a table from what lay before them: a row for each series, fold, step and level, with the actual value and the seasonal naive forecast beside the forecast. series: columns whose values tell series apart; folds forecasts are made, step steps apart (the horizon by default), the last one ends with the series; params: options of augur.forecast_agg. Series too short for a fold have no row for it. Example: SELECT * FROM augur.backtest(''sales'', ''day'', ''units'', 28, series => ''{store}'', folds => 3)';

CREATE OR REPLACE FUNCTION augur._backtest_errors(actual float8[], forecast float8[],
	naive float8[], lower float8[], upper float8[], scale_absolute float8[], scale_squared float8[],
	level float8, OUT n bigint, OUT smape float8, OUT mape float8, OUT mase float8, OUT rmsse float8,
	OUT mae float8, OUT rmse float8, OUT bias float8, OUT coverage float8, OUT msis float8,
	OUT naive_smape float8, OUT naive_mase float8, OUT naive_mae float8, OUT beats_naive boolean)
	AS 'MODULE_PATHNAME', 'augur_backtest_errors'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION augur._backtest_errors(float8[], float8[], float8[], float8[], float8[], float8[],
	float8[], float8) IS
'Internal. The errors of the forecasts of one series.';

CREATE OR REPLACE FUNCTION augur.backtest_summary(relation regclass, time_column name, target name, horizon integer,
	series name[] DEFAULT '{}', folds integer DEFAULT 1, step integer DEFAULT NULL,
	method text DEFAULT 'auto', frequency interval DEFAULT NULL, season integer[] DEFAULT NULL,
	levels float8[] DEFAULT '{0.95}', params jsonb DEFAULT '{}')
RETURNS TABLE (series_key jsonb, level float8, folds_made bigint, n bigint, smape float8, mape float8,
	mase float8, rmsse float8, mae float8, rmse float8, bias float8, coverage float8, msis float8,
	naive_smape float8, naive_mase float8, naive_mae float8, beats_naive boolean)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT g.series_key, g.level, g.folds_made, e.n, e.smape, e.mape, e.mase, e.rmsse, e.mae, e.rmse,
		e.bias, e.coverage, e.msis, e.naive_smape, e.naive_mase, e.naive_mae, e.beats_naive
	FROM (SELECT b.series_key, b.level, count(DISTINCT b.fold) AS folds_made,
			array_agg(b.actual ORDER BY b.fold, b.step_ahead) AS actual,
			array_agg(b.forecast ORDER BY b.fold, b.step_ahead) AS forecast,
			array_agg(b.naive ORDER BY b.fold, b.step_ahead) AS naive,
			array_agg(b.lower ORDER BY b.fold, b.step_ahead) AS lower,
			array_agg(b.upper ORDER BY b.fold, b.step_ahead) AS upper,
			array_agg(b.scale_absolute ORDER BY b.fold, b.step_ahead) AS scale_absolute,
			array_agg(b.scale_squared ORDER BY b.fold, b.step_ahead) AS scale_squared
		FROM augur.backtest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) b
		GROUP BY b.series_key, b.level) g,
		augur._backtest_errors(g.actual, g.forecast, g.naive, g.lower, g.upper, g.scale_absolute,
			g.scale_squared, g.level) e
$$;
COMMENT ON FUNCTION augur.backtest_summary(regclass, name, name, integer, name[], integer, integer, text, interval, integer[], float8[], jsonb) IS
'The errors of augur.backtest, a row for each series and level: sMAPE and MAPE in percent, MASE and RMSSE (scaled by the errors of the seasonal naive forecast before each origin), coverage and MSIS of the interval, beside sMAPE and MASE of the seasonal naive forecast. Example: SELECT * FROM augur.backtest_summary(''sales'', ''day'', ''units'', 28, series => ''{store}'', folds => 3)';
