-- decompose: aggregates and functions that look at the past of a series.

-- ---- the state: rows in any order -------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._series_add(internal, timestamptz, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_timestamptz'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, timestamptz, float8) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin.';

CREATE OR REPLACE FUNCTION augur._series_add(internal, timestamptz, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_timestamptz'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, timestamptz, float8, jsonb) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin with options.';

CREATE OR REPLACE FUNCTION augur._series_add(internal, timestamp, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_timestamp'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, timestamp, float8) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin.';

CREATE OR REPLACE FUNCTION augur._series_add(internal, timestamp, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_timestamp'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, timestamp, float8, jsonb) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin with options.';

CREATE OR REPLACE FUNCTION augur._series_add(internal, date, float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_date'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, date, float8) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin.';

CREATE OR REPLACE FUNCTION augur._series_add(internal, date, float8, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'augur_series_add_date'
	LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION augur._series_add(internal, date, float8, jsonb) IS
'Internal. Takes a row into the state of augur.decompose_agg and its kin with options.';

CREATE OR REPLACE FUNCTION augur._decompose_points(internal) RETURNS augur.decomposition_point[]
	AS 'MODULE_PATHNAME', 'augur_decompose_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_points(internal) IS
'Internal. The result of augur.decompose_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_points_timestamp(internal) RETURNS augur.decomposition_point_timestamp[]
	AS 'MODULE_PATHNAME', 'augur_decompose_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_points_timestamp(internal) IS
'Internal. The result of augur.decompose_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_points_date(internal) RETURNS augur.decomposition_point_date[]
	AS 'MODULE_PATHNAME', 'augur_decompose_points'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_points_date(internal) IS
'Internal. The result of augur.decompose_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_anomalies(internal) RETURNS augur.anomaly_point[]
	AS 'MODULE_PATHNAME', 'augur_decompose_anomalies'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_anomalies(internal) IS
'Internal. The result of augur.detect_anomalies_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_anomalies_timestamp(internal) RETURNS augur.anomaly_point_timestamp[]
	AS 'MODULE_PATHNAME', 'augur_decompose_anomalies'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_anomalies_timestamp(internal) IS
'Internal. The result of augur.detect_anomalies_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_anomalies_date(internal) RETURNS augur.anomaly_point_date[]
	AS 'MODULE_PATHNAME', 'augur_decompose_anomalies'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_anomalies_date(internal) IS
'Internal. The result of augur.detect_anomalies_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_changes(internal) RETURNS augur.changepoint[]
	AS 'MODULE_PATHNAME', 'augur_decompose_changes'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_changes(internal) IS
'Internal. The result of augur.changepoints_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_changes_timestamp(internal) RETURNS augur.changepoint_timestamp[]
	AS 'MODULE_PATHNAME', 'augur_decompose_changes'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_changes_timestamp(internal) IS
'Internal. The result of augur.changepoints_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_changes_date(internal) RETURNS augur.changepoint_date[]
	AS 'MODULE_PATHNAME', 'augur_decompose_changes'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_changes_date(internal) IS
'Internal. The result of augur.changepoints_agg for a state of its rows.';

CREATE OR REPLACE FUNCTION augur._decompose_seasons(internal) RETURNS augur.season[]
	AS 'MODULE_PATHNAME', 'augur_decompose_seasons'
	LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION augur._decompose_seasons(internal) IS
'Internal. The result of augur.seasonality_agg for a state of its rows.';

-- ---- the aggregates ---------------------------------------------------------------------------

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts timestamptz, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(timestamptz, float8) IS
'Takes the series of a group apart into trend, seasonal parts and remainder by MSTL (by STL for one season), gaps filled along them: a row for each step. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, p.* FROM (SELECT store, augur.decompose_agg(day, sales) AS d FROM sales GROUP BY store) s, unnest(s.d) p;';

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts timestamptz, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(timestamptz, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and robust: whether outliers are kept from pulling at the parts (true).';

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts timestamp, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(timestamp, float8) IS
'Takes the series of a group apart into trend, seasonal parts and remainder by MSTL (by STL for one season), gaps filled along them: a row for each step. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, p.* FROM (SELECT store, augur.decompose_agg(day, sales) AS d FROM sales GROUP BY store) s, unnest(s.d) p;';

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts timestamp, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(timestamp, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and robust: whether outliers are kept from pulling at the parts (true).';

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts date, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(date, float8) IS
'Takes the series of a group apart into trend, seasonal parts and remainder by MSTL (by STL for one season), gaps filled along them: a row for each step. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, p.* FROM (SELECT store, augur.decompose_agg(day, sales) AS d FROM sales GROUP BY store) s, unnest(s.d) p;';

CREATE OR REPLACE AGGREGATE augur.decompose_agg(ts date, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_points_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.decompose_agg(date, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and robust: whether outliers are kept from pulling at the parts (true).';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts timestamptz, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(timestamptz, float8) IS
'Tells for each step of the series of a group what was to be expected there, and whether the value is outside of what is usual: robust decomposition, and the spread of its remainder. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, a.* FROM (SELECT store, augur.detect_anomalies_agg(day, sales) AS a FROM sales GROUP BY store) s, unnest(s.a) a WHERE a.anomaly;';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts timestamptz, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(timestamptz, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and level: the share of ordinary values that is within lower and upper (0.997, three standard deviations).';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts timestamp, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(timestamp, float8) IS
'Tells for each step of the series of a group what was to be expected there, and whether the value is outside of what is usual: robust decomposition, and the spread of its remainder. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, a.* FROM (SELECT store, augur.detect_anomalies_agg(day, sales) AS a FROM sales GROUP BY store) s, unnest(s.a) a WHERE a.anomaly;';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts timestamp, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(timestamp, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and level: the share of ordinary values that is within lower and upper (0.997, three standard deviations).';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts date, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(date, float8) IS
'Tells for each step of the series of a group what was to be expected there, and whether the value is outside of what is usual: robust decomposition, and the spread of its remainder. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. NULL for a series without values. Example: SELECT store, a.* FROM (SELECT store, augur.detect_anomalies_agg(day, sales) AS a FROM sales GROUP BY store) s, unnest(s.a) a WHERE a.anomaly;';

CREATE OR REPLACE AGGREGATE augur.detect_anomalies_agg(ts date, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_anomalies_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.detect_anomalies_agg(date, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and level: the share of ordinary values that is within lower and upper (0.997, three standard deviations).';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts timestamptz, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(timestamptz, float8) IS
'Finds where the level of the series of a group shifts for good: exact segmentation (PELT) of the series without its seasons, single spikes flattened, with a penalty by the long-run variance. An empty array when it does not shift, NULL for a series without values. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. Example: SELECT store, c.* FROM (SELECT store, augur.changepoints_agg(day, sales) AS c FROM sales GROUP BY store) s, unnest(s.c) c;';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts timestamptz, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(timestamptz, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), min_segment: the least number of steps between two changes (5), and penalty: the price of a change in log n times the variance (3; more finds less).';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts timestamp, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(timestamp, float8) IS
'Finds where the level of the series of a group shifts for good: exact segmentation (PELT) of the series without its seasons, single spikes flattened, with a penalty by the long-run variance. An empty array when it does not shift, NULL for a series without values. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. Example: SELECT store, c.* FROM (SELECT store, augur.changepoints_agg(day, sales) AS c FROM sales GROUP BY store) s, unnest(s.c) c;';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts timestamp, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes_timestamp, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(timestamp, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), min_segment: the least number of steps between two changes (5), and penalty: the price of a change in log n times the variance (3; more finds less).';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts date, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(date, float8) IS
'Finds where the level of the series of a group shifts for good: exact segmentation (PELT) of the series without its seasons, single spikes flattened, with a penalty by the long-run variance. An empty array when it does not shift, NULL for a series without values. Seasons are those of option season, or else those that the step suggests (hours: 24 and 168, days: 7 and 365, months: 12) and the data confirm. Example: SELECT store, c.* FROM (SELECT store, augur.changepoints_agg(day, sales) AS c FROM sales GROUP BY store) s, unnest(s.c) c;';

CREATE OR REPLACE AGGREGATE augur.changepoints_agg(ts date, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_changes_date, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.changepoints_agg(date, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), min_segment: the least number of steps between two changes (5), and penalty: the price of a change in log n times the variance (3; more finds less).';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts timestamptz, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(timestamptz, float8) IS
'Tests which seasons the series of a group has: the lengths that its step suggests (hours: 24 and 168, days: 7 and 365, months: 12), each in what the shorter accepted ones leave; without any such length it looks for them. NULL for a series without points in time. Example: SELECT store, s.* FROM (SELECT store, augur.seasonality_agg(day, sales) AS f FROM sales GROUP BY store) x, unnest(x.f) s;';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts timestamptz, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(timestamptz, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and candidates: an array of lengths to test, or an empty one to look for lengths in the data.';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts timestamp, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(timestamp, float8) IS
'Tests which seasons the series of a group has: the lengths that its step suggests (hours: 24 and 168, days: 7 and 365, months: 12), each in what the shorter accepted ones leave; without any such length it looks for them. NULL for a series without points in time. Example: SELECT store, s.* FROM (SELECT store, augur.seasonality_agg(day, sales) AS f FROM sales GROUP BY store) x, unnest(x.f) s;';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts timestamp, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(timestamp, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and candidates: an array of lengths to test, or an empty one to look for lengths in the data.';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts date, y float8) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(date, float8) IS
'Tests which seasons the series of a group has: the lengths that its step suggests (hours: 24 and 168, days: 7 and 365, months: 12), each in what the shorter accepted ones leave; without any such length it looks for them. NULL for a series without points in time. Example: SELECT store, s.* FROM (SELECT store, augur.seasonality_agg(day, sales) AS f FROM sales GROUP BY store) x, unnest(x.f) s;';

CREATE OR REPLACE AGGREGATE augur.seasonality_agg(ts date, y float8, options jsonb) (
	SFUNC = augur._series_add, STYPE = internal, SSPACE = 2048,
	COMBINEFUNC = augur._forecast_combine, SERIALFUNC = augur._forecast_serialize,
	DESERIALFUNC = augur._forecast_deserialize, FINALFUNC = augur._decompose_seasons, PARALLEL = SAFE);
COMMENT ON AGGREGATE augur.seasonality_agg(date, float8, jsonb) IS
'The same with options about time as augur.forecast_agg has them (frequency, season, gaps, duplicates, time_zone), and candidates: an array of lengths to test, or an empty one to look for lengths in the data.';

-- ---- by relation ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._series_query(relation regclass, time_column name, target name,
	group_by name[], aggregate text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	time_type	text;
	keys		text;
	groups		text;
BEGIN
	IF relation IS NULL OR time_column IS NULL OR target IS NULL OR group_by IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation, time_column, target and group_by must not be null';
	END IF;
	time_type := augur._series_columns(relation, time_column, target, group_by, '{}', 'group_by');
	SELECT string_agg(format('%L, r.%I', c, c), ', ' ORDER BY n), string_agg(format('r.%I', c), ', ' ORDER BY n)
	INTO keys, groups FROM unnest(group_by) WITH ORDINALITY k (c, n);
	-- one series has one row at most, also of an empty relation
	RETURN format('SELECT jsonb_build_object(%s) AS series, augur.%I((r.%I)::%s, (r.%I)::float8, $1) AS f FROM %s r GROUP BY %s',
		keys, aggregate, time_column, time_type, target, relation, coalesce(groups, '()'));
END
$$;
COMMENT ON FUNCTION augur._series_query(regclass, name, name, name[], text) IS
'Internal. The query of an aggregate over the series of a relation.';

CREATE OR REPLACE FUNCTION augur.decompose(relation regclass, time_column name, target name,
	group_by name[] = '{}', params jsonb = '{}')
	RETURNS TABLE (series jsonb, ts timestamptz, value float8, trend float8, seasonal float8, remainder float8, seasonals float8[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT q.series, p.ts::timestamptz, p.value, p.trend, p.seasonal, p.remainder, p.seasonals FROM (%s) q, unnest(q.f) p ORDER BY q.series, p.ts',
		augur._series_query($1, $2, $3, $4, 'decompose_agg')) USING $5;
END
$$;
COMMENT ON FUNCTION augur.decompose(regclass, name, name, name[], jsonb) IS
'Takes the series of a relation apart into trend, seasonal parts and remainder, a row for each step; params are the options of augur.decompose_agg. Example: SELECT * FROM augur.decompose(''sales'', ''day'', ''units'', ARRAY[''store'']);';

CREATE OR REPLACE FUNCTION augur.detect_anomalies(relation regclass, time_column name, target name,
	group_by name[] = '{}', params jsonb = '{}')
	RETURNS TABLE (series jsonb, ts timestamptz, value float8, expected float8, lower float8, upper float8, score float8, anomaly boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT q.series, p.ts::timestamptz, p.value, p.expected, p.lower, p.upper, p.score, p.anomaly FROM (%s) q, unnest(q.f) p ORDER BY q.series, p.ts',
		augur._series_query($1, $2, $3, $4, 'detect_anomalies_agg')) USING $5;
END
$$;
COMMENT ON FUNCTION augur.detect_anomalies(regclass, name, name, name[], jsonb) IS
'Tells for each step of the series of a relation what was to be expected and whether the value is unusual; params are the options of augur.detect_anomalies_agg. Example: SELECT * FROM augur.detect_anomalies(''sales'', ''day'', ''units'', ARRAY[''store''], ''{"level": 0.99}'') WHERE anomaly;';

CREATE OR REPLACE FUNCTION augur.changepoints(relation regclass, time_column name, target name,
	group_by name[] = '{}', params jsonb = '{}')
	RETURNS TABLE (series jsonb, ts timestamptz, before float8, after float8, score float8)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT q.series, p.ts::timestamptz, p.before, p.after, p.score FROM (%s) q, unnest(q.f) p ORDER BY q.series, p.ts',
		augur._series_query($1, $2, $3, $4, 'changepoints_agg')) USING $5;
END
$$;
COMMENT ON FUNCTION augur.changepoints(regclass, name, name, name[], jsonb) IS
'Finds where the level of the series of a relation shifts for good; params are the options of augur.changepoints_agg. Example: SELECT * FROM augur.changepoints(''sales'', ''day'', ''units'', ARRAY[''store'']);';

CREATE OR REPLACE FUNCTION augur.seasonality(relation regclass, time_column name, target name,
	group_by name[] = '{}', params jsonb = '{}')
	RETURNS TABLE (series jsonb, period int, accepted boolean, strength float8, autocorrelation float8, score float8, p_value float8)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT q.series, p.period, p.accepted, p.strength, p.autocorrelation, p.score, p.p_value FROM (%s) q, unnest(q.f) p ORDER BY q.series, p.period',
		augur._series_query($1, $2, $3, $4, 'seasonality_agg')) USING $5;
END
$$;
COMMENT ON FUNCTION augur.seasonality(regclass, name, name, name[], jsonb) IS
'Tests which seasons the series of a relation have; params are the options of augur.seasonality_agg. Example: SELECT * FROM augur.seasonality(''sales'', ''day'', ''units'', ARRAY[''store'']) WHERE accepted;';
