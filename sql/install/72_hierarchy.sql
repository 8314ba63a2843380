-- hierarchy: forecasts of series that nest, made to add up.

CREATE OR REPLACE FUNCTION augur._series_points(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'augur_series_points'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION augur._series_points(internal) IS
'Internal. The rows of a state of augur._series_points_agg as bytes.';

CREATE OR REPLACE AGGREGATE augur._series_points_agg(ts timestamptz, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._series_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur._series_points_agg(timestamptz, float8) IS
'Internal. The rows of a series, for augur._hierarchy.';

CREATE OR REPLACE AGGREGATE augur._series_points_agg(ts timestamp, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._series_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur._series_points_agg(timestamp, float8) IS
'Internal. The rows of a series, for augur._hierarchy.';

CREATE OR REPLACE AGGREGATE augur._series_points_agg(ts date, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._series_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur._series_points_agg(date, float8) IS
'Internal. The rows of a series, for augur._hierarchy.';

CREATE OR REPLACE FUNCTION augur._hierarchy(leaves text, time_type regtype, horizon integer,
	reconcile text, options jsonb, OUT series_key jsonb, OUT depth integer, OUT ts timestamptz,
	OUT step_ahead integer, OUT forecast float8, OUT base float8, OUT lower float8, OUT upper float8,
	OUT level float8, OUT used_method text) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'augur_hierarchy_forecast'
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION augur._hierarchy(text, regtype, integer, text, jsonb) IS
'Internal. The rows of augur.forecast_hierarchy for a query that returns its leaves, and is run with the caller''s rights.';

CREATE OR REPLACE FUNCTION augur.forecast_hierarchy(relation regclass, time_column name, target name,
	horizon integer, series name[], reconcile text DEFAULT 'mint_shrink', method text DEFAULT 'auto',
	frequency interval DEFAULT NULL, season integer[] DEFAULT NULL, levels float8[] DEFAULT '{0.95}',
	params jsonb DEFAULT '{}')
RETURNS TABLE (series_key jsonb, depth integer, ts timestamptz, step_ahead integer, forecast float8,
	base float8, lower float8, upper float8, level float8, used_method text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	time_type	text;
	given		jsonb;
	leaves		text;
BEGIN
	IF relation IS NULL OR time_column IS NULL OR target IS NULL OR horizon IS NULL OR reconcile IS NULL
		OR coalesce(cardinality(array_remove(series, NULL)), 0) <> coalesce(cardinality(series), -1)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation, time_column, target, horizon, series and reconcile must not be null';
	ELSIF cardinality(series) = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'series must name at least one column',
			HINT = 'Name the columns from coarse to fine: series => ''{region,store}''.';
	END IF;
	time_type := augur._series_columns(relation, time_column, target, series, '{}');
	IF jsonb_typeof(coalesce(params, '{}')) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "params" must be a JSON object';
	END IF;
	given := coalesce(params, '{}') || jsonb_strip_nulls(jsonb_build_object('method', method,
		'frequency', frequency::text, 'season', season, 'levels', levels));
	-- the leaves in an order in which those of a node are neighbours
	SELECT format('SELECT ARRAY[%s], ARRAY[%s], g.p FROM (SELECT %s,'
		' augur._series_points_agg((r.%I)::%s, (r.%I)::float8) AS p FROM %s r GROUP BY %s) g ORDER BY %s',
		string_agg(format('dense_rank() OVER (ORDER BY %s)', u.path), ', ' ORDER BY u.n),
		string_agg(format('jsonb_build_object(%s)', u.object), ', ' ORDER BY u.n),
		string_agg(format('r.%I AS c%s', u.k, u.n), ', ' ORDER BY u.n),
		time_column, time_type, target, relation,
		string_agg(format('r.%I', u.k), ', ' ORDER BY u.n),
		string_agg(format('g.c%s', u.n), ', ' ORDER BY u.n))
	INTO leaves
	FROM (SELECT k, n, string_agg(format('g.c%s', n), ', ') OVER (ORDER BY n) AS path,
			string_agg(format('%L, g.c%s', k, n), ', ') OVER (ORDER BY n) AS object
		  FROM unnest(series) WITH ORDINALITY s (k, n)) u;
	RETURN QUERY SELECT h.* FROM augur._hierarchy(leaves, time_type::regtype, horizon, reconcile, given) h;
END
$$;
COMMENT ON FUNCTION augur.forecast_hierarchy(regclass, name, name, integer, name[], text, text, interval, integer[], float8[], jsonb) IS
'Forecasts the series of a table, the totals they nest in and the grand total, so that all add up: a row for each node, step and level. series: columns from coarse to fine; a node is known by its whole key, {} is the grand total. reconcile: mint_shrink (at most 5000 nodes), mint_diagonal, bottom_up, top_down, or none; base is the forecast before that. Params are options of augur.forecast_agg; lower_bound, upper_bound and integer hold for the finest series, whose sums the others are. A total is missing where one of its series is: say {"gaps": "zero"} where a missing row means 0. Example: SELECT * FROM augur.forecast_hierarchy(''sales'', ''day'', ''units'', 28, ''{region,store}'')';
