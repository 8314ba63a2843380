-- train_forecast: forecasters in the registry, a version for all series of a table.
--
-- The fitting is augur._series_fit and augur._panel_fit; here is what surrounds it: which rows,
-- the run and its version, the gate, and afterwards forecasts from what was stored.
-- Points in time of dates and timestamps are kept as those of UTC.

-- ---- what is read ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._series_columns(relation regclass, time_column name, target name,
	series name[], regressors name[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			record;
	time_type	text;
BEGIN
	IF relation IS NULL OR time_column IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s must not be null',
							 CASE WHEN relation IS NULL THEN 'relation' ELSE 'time_column' END);
	END IF;
	FOR c IN
		SELECT u.name, u.argument, u.n, t.base, t.category,
			count(*) OVER (PARTITION BY u.name) AS times
		FROM (SELECT time_column, 'time_column', 1 UNION ALL SELECT target, 'target', 2
			  UNION ALL SELECT k, 'series', 3 FROM unnest(series) k
			  UNION ALL SELECT k, 'regressors', 4 FROM unnest(regressors) k) u (name, argument, n)
			LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = u.name
				AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN LATERAL (
				WITH RECURSIVE d (oid) AS (
					SELECT a.atttypid
					UNION ALL
					SELECT y.typbasetype FROM d JOIN pg_type y ON y.oid = d.oid WHERE y.typtype = 'd')
				SELECT y.oid::regtype AS base, y.typcategory AS category
				FROM d JOIN pg_type y ON y.oid = d.oid WHERE y.typtype <> 'd') t ON true
		WHERE u.name IS NOT NULL OR u.argument <> 'target'
		ORDER BY u.n
	LOOP
		IF c.name IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
				MESSAGE = format('argument "%s" must not contain null', c.argument);
		ELSIF c.base IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_column',
				MESSAGE = format('column "%s", named in "%s", does not exist in %s', c.name, c.argument,
								 relation);
		ELSIF c.times > 1 THEN
			RAISE EXCEPTION USING ERRCODE = 'duplicate_column',
				MESSAGE = format('column "%s" is named twice among time_column, target, series and regressors',
								 c.name);
		ELSIF c.argument = 'time_column' THEN
			IF c.base <> ALL ('{date,timestamp,timestamptz}'::regtype[]) THEN
				RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
					MESSAGE = format('column "%s" has type %s', c.name, c.base),
					DETAIL = 'A time column has type date, timestamp or timestamptz.';
			END IF;
			time_type := CASE c.base WHEN 'date'::regtype THEN 'date'
						 WHEN 'timestamp'::regtype THEN 'timestamp' ELSE 'timestamptz' END;
		ELSIF c.argument <> 'series' AND NOT (c.category = 'N' AND c.base <> 'money'::regtype
				OR c.category = 'B' AND c.argument = 'regressors')
		THEN
			RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column "%s", named in "%s", has type %s', c.name, c.argument, c.base),
				DETAIL = CASE c.argument WHEN 'target' THEN 'Only numbers can be forecast.'
						 ELSE 'A regressor is a number or a boolean.' END,
				HINT = CASE c.argument WHEN 'target' THEN 'Cast it in a view.'
					   ELSE 'A view can make a column of 0 and 1 for each value.' END;
		END IF;
	END LOOP;
	RETURN time_type;
END
$$;
COMMENT ON FUNCTION augur._series_columns(regclass, name, name, name[], name[]) IS
'Internal. Checks the columns that a forecast reads; returns the type of the time column. target may be NULL.';

CREATE OR REPLACE FUNCTION augur._holidays(holidays regclass) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	day_column	name;
	name_column	name;
	names		text[];
BEGIN
	IF holidays IS NULL THEN
		RETURN NULL;
	END IF;
	SELECT a.attname INTO day_column FROM pg_attribute a
	WHERE a.attrelid = holidays AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'date'::regtype
	ORDER BY a.attnum LIMIT 1;
	SELECT a.attname INTO name_column
	FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
	WHERE a.attrelid = holidays AND a.attnum > 0 AND NOT a.attisdropped AND t.typcategory = 'S'
	ORDER BY a.attnum LIMIT 1;
	IF day_column IS NULL OR name_column IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('%s has no column of type %s', holidays,
							 CASE WHEN day_column IS NULL THEN 'date' ELSE 'text' END),
			DETAIL = 'A table of holidays has a date for each day, and a text that tells which holiday it is.',
			HINT = 'CREATE TABLE holidays (day date, name text)';
	END IF;
	EXECUTE format('SELECT array_agg(n ORDER BY n) FROM (SELECT DISTINCT (h.%I::text) COLLATE "C" AS n'
				   ' FROM %s h WHERE h.%I IS NOT NULL AND h.%I IS NOT NULL) t',
				   name_column, holidays, day_column, name_column)
	INTO names;
	IF names IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('%s has no holidays', holidays);
	END IF;
	RETURN jsonb_build_object('relation', augur._qualified(holidays), 'day', day_column,
							  'name', name_column, 'names', names);
END
$$;
COMMENT ON FUNCTION augur._holidays(regclass) IS
'Internal. What a table of holidays is made of: its column of days, that of names, and the names.';

CREATE OR REPLACE FUNCTION augur._qualified(relation regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT format('%I.%I', n.nspname, c.relname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
$$;
COMMENT ON FUNCTION augur._qualified(regclass) IS
'Internal. Schema and name of a relation, quoted.';

-- Expressions over a row r of the table that is read: of history, or of the future.
CREATE OR REPLACE FUNCTION augur._series_expressions(relation regclass, config jsonb,
	OUT key_object text, OUT key_list text, OUT at text, OUT x text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	holidays	jsonb := nullif(config -> 'holidays', 'null');
	day			text;
BEGIN
	SELECT coalesce(string_agg(format('%L, r.%I', k, k), ', ' ORDER BY n), ''),
		coalesce(string_agg(format('r.%I, ', k), '' ORDER BY n), '')
	INTO key_object, key_list
	FROM jsonb_array_elements_text(config -> 'series') WITH ORDINALITY u (k, n);
	key_object := format('jsonb_build_object(%s)', key_object);
	at := format(CASE WHEN config ->> 'time_type' = 'timestamptz' THEN 'r.%I'
				 ELSE '((r.%I)::timestamp AT TIME ZONE ''UTC'')' END, config ->> 'time_column');
	SELECT string_agg(format(CASE WHEN t.typcategory = 'B' THEN '(r.%I)::boolean::integer::float8'
							 ELSE '(r.%I)::float8' END, u.k), ', ' ORDER BY u.n)
	INTO x
	FROM jsonb_array_elements_text(config -> 'regressors') WITH ORDINALITY u (k, n)
		LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = u.k AND NOT a.attisdropped
		LEFT JOIN pg_type t ON t.oid = a.atttypid;
	IF holidays IS NOT NULL THEN
		day := format(CASE WHEN config ->> 'time_type' = 'timestamptz'
					  THEN '(r.%I AT TIME ZONE %L)' ELSE '(r.%I)::timestamp' END,
					  config ->> 'time_column', config ->> 'time_zone');
		SELECT concat_ws(', ', x, string_agg(
			-- a step of several days has as many as lie in it
			CASE WHEN (config ->> 'frequency')::interval > interval '1 day'
				THEN format('(SELECT count(*) FROM %s h WHERE h.%I::timestamp >= %s'
							' AND h.%I::timestamp < %s + %L::interval AND h.%I::text = %L)::float8',
							holidays ->> 'relation', holidays ->> 'day', day, holidays ->> 'day', day,
							config ->> 'frequency', holidays ->> 'name', u.k)
				ELSE format('(%s::date IN (SELECT h.%I FROM %s h WHERE h.%I::text = %L))::integer::float8',
							day, holidays ->> 'day', holidays ->> 'relation', holidays ->> 'name', u.k)
			END, ', ' ORDER BY u.n))
		INTO x
		FROM jsonb_array_elements_text(holidays -> 'names') WITH ORDINALITY u (k, n);
	END IF;
	x := format('ARRAY[%s]', x);
END
$$;
COMMENT ON FUNCTION augur._series_expressions(regclass, jsonb) IS
'Internal. SQL over a row r: the keys of its series, its point in time, its regressors.';

-- The regressors as the core knows them: columns, then holidays.
CREATE OR REPLACE FUNCTION augur._regressor_names(config jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT coalesce(array_agg(u.k ORDER BY u.part, u.n), '{}')
	FROM (SELECT 1 AS part, n, k FROM jsonb_array_elements_text(config -> 'regressors') WITH ORDINALITY t (k, n)
		  UNION ALL
		  SELECT 2, n, 'holiday ' || k
		  FROM jsonb_array_elements_text(config -> 'holidays' -> 'names') WITH ORDINALITY t (k, n)
		  WHERE jsonb_typeof(config -> 'holidays') = 'object') u
$$;
COMMENT ON FUNCTION augur._regressor_names(jsonb) IS
'Internal. The regressors of a forecaster: columns, then holidays.';

CREATE OR REPLACE FUNCTION augur._forecast_fit(relation regclass, config jsonb,
	previous bigint DEFAULT NULL) RETURNS SETOF augur.series_fit
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	e			record := augur._series_expressions(relation, config);
	regressors	text[] := augur._regressor_names(config);
	keys		name[] := ARRAY(SELECT jsonb_array_elements_text(config -> 'series'));
	options		jsonb;
	query		text;
BEGIN
	options := '{"folds": 1}'::jsonb || (config -> 'params') || jsonb_strip_nulls(jsonb_build_object(
		'method', config -> 'method', 'frequency', config -> 'frequency', 'season', config -> 'season',
		'levels', config -> 'levels', 'seed', config -> 'seed'));
	IF config ->> 'time_type' = 'timestamptz' THEN
		options := options || jsonb_build_object('time_zone', config -> 'time_zone');
	END IF;
	query := format('SELECT %sr.%I, (r.%I)::float8%s FROM %s r', e.key_list, config ->> 'time_column',
					config ->> 'target', CASE WHEN regressors <> '{}' THEN ', ' || e.x END, relation);
	IF config ->> 'method' = 'global_boosting' THEN
		RETURN QUERY SELECT * FROM augur._panel_fit(query, keys, (config ->> 'horizon')::integer,
			regressors::name[], options - 'method');
	ELSE
		RETURN QUERY SELECT * FROM augur._series_fit(query, keys, (config ->> 'horizon')::integer,
			regressors::name[], options, previous);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._forecast_fit(regclass, jsonb, bigint) IS
'Internal. Fits all series of a relation as a configuration of augur.train_forecast says.';

-- ---- training ----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._promote_forecast(version_id bigint, promote text,
	compared_with bigint, value float8, naive float8, production_value float8, OUT promoted boolean,
	OUT reason text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions;
	m			augur.models;
	now_id		bigint;
BEGIN
	SELECT * INTO v FROM augur.versions t WHERE t.id = _promote_forecast.version_id;
	m := augur._model_locked((SELECT t.name FROM augur.models t WHERE t.id = v.model_id), 'own');
	SELECT a.version_id INTO now_id FROM augur.aliases a
	WHERE a.model_id = m.id AND a.alias = 'production';
	promoted := false;
	IF promote = 'never' THEN
		reason := 'promotion was not asked for';
	ELSIF promote = 'always' THEN
		reason := 'promotion was asked for in any case';
		promoted := true;
	ELSIF now_id IS DISTINCT FROM compared_with THEN
		reason := 'another version went into production in the meantime';
	ELSIF value IS NULL OR naive IS NULL THEN
		reason := 'there is no rolling origin that would tell how good it is';
	ELSIF value >= naive THEN
		reason := format('mase %s is not better than %s of the seasonal naive forecast',
						 round(value::numeric, 6), round(naive::numeric, 6));
	ELSIF compared_with IS NOT NULL AND production_value IS NULL THEN
		reason := 'the version in production could not be tried on the same steps';
	ELSIF value > production_value THEN
		reason := format('mase %s is worse than %s of the version in production',
						 round(value::numeric, 6), round(production_value::numeric, 6));
	ELSE
		reason := format('mase %s is better than %s of the seasonal naive forecast%s',
						 round(value::numeric, 6), round(naive::numeric, 6),
						 format(', and not worse than %s of the version in production',
								round(production_value::numeric, 6)));
		promoted := true;
	END IF;
	IF promoted THEN
		PERFORM augur._promote(m, v.id, 'production', 'promote', reason);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._promote_forecast(bigint, text, bigint, float8, float8, float8) IS
'Internal. The gate of forecasters: better than the seasonal naive forecast, and not worse than production.';

CREATE OR REPLACE FUNCTION augur._train_forecast(model text, relation regclass, target name,
	config jsonb, promote text, seed bigint, note text, previous bigint DEFAULT NULL)
RETURNS augur.train_result
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	started		timestamptz := clock_timestamp();
	production	bigint := augur._production_version(model);
	algorithm	text := config ->> 'method';
	rival		augur.runs;
	rival_config jsonb;
	result		augur.train_result;
	run			bigint;
	version_id	bigint;
	artifact	bytea := convert_to(config::text, 'UTF8');
	fits		augur.series_fit[];
	stats		record;
	gate		record;
	reason		text;
BEGIN
	run := augur._run_start(model, algorithm, 'forecasting', augur._qualified(relation), NULL, target,
							config, config -> 'params', seed, note);
	IF algorithm = 'global_boosting' THEN
		SELECT array_agg(f) FILTER (WHERE f.series IS NOT NULL),
			(array_agg(f.state) FILTER (WHERE f.series IS NULL))[1]
		INTO fits, artifact FROM augur._forecast_fit(relation, config) f;
	END IF;
	SELECT c.version_id, c.version INTO version_id, result.version
	FROM augur._version_create(run, 1, octet_length(artifact), sha256(artifact), jsonb_build_object(
		'features', config -> 'regressors', 'target', target, 'forecast', config)) c;
	INSERT INTO augur.version_chunks (version_id, seq, bytes)
	SELECT version_id, i, substr(artifact, i * 1048576 + 1, 1048576)
	FROM generate_series(0, (octet_length(artifact) - 1) / 1048576) i;
	WITH f AS MATERIALIZED (
		SELECT row_number() OVER () AS series_no, f.*
		FROM (SELECT * FROM unnest(fits) UNION ALL
			  SELECT * FROM augur._forecast_fit(relation, config, previous) WHERE algorithm <> 'global_boosting') f),
	s AS (
		INSERT INTO augur.version_series (version_id, series_no, series, n, observed, filled, missing,
			duplicates, irregular, left_out, skipped, first_ts, last_ts, step, season, method, reason,
			fallback, warning, aicc, sigma, folds, tested, smape, mape, mase, rmsse, mae, rmse, bias,
			coverage, msis, naive_smape, naive_mase, naive_mae)
		SELECT version_id, f.series_no, f.series, f.n, f.observed, f.filled, f.missing,
			f.duplicates, f.irregular, f.left_out, f.skipped, f.first_ts, f.last_ts, f.step, f.season, f.method, f.reason,
			f.fallback, f.warning, f.aicc, f.sigma, f.folds, f.tested, f.smape, f.mape, f.mase, f.rmsse, f.mae, f.rmse, f.bias,
			f.coverage, f.msis, f.naive_smape, f.naive_mase, f.naive_mae
		FROM f)
	INSERT INTO augur.version_states (version_id, series_no, state)
	SELECT version_id, f.series_no, f.state FROM f WHERE f.state IS NOT NULL AND f.method <> 'none';

	SELECT count(*) AS n, count(*) FILTER (WHERE s.method <> 'none') AS usable,
		count(*) FILTER (WHERE s.fallback IS NOT NULL) AS fallback,
		count(*) FILTER (WHERE s.method <> 'none' AND s.folds = 0) AS untested,
		count(*) FILTER (WHERE s.mase < s.naive_mase) AS better,
		count(*) FILTER (WHERE s.mase IS NOT NULL AND s.naive_mase IS NOT NULL) AS tested,
		coalesce(sum(s.observed + s.duplicates), 0) AS used,
		coalesce(sum(s.skipped + s.left_out), 0) AS skipped,
		sum(s.filled) AS filled, sum(s.tested) AS values,
		avg(least(s.mase, 1e100)) FILTER (WHERE s.naive_mase IS NOT NULL) AS mase,
		1.96 * stddev_samp(least(s.mase, 1e100)) FILTER (WHERE s.naive_mase IS NOT NULL)
			/ sqrt(count(*) FILTER (WHERE s.mase IS NOT NULL AND s.naive_mase IS NOT NULL)) AS half,
		avg(least(s.naive_mase, 1e100)) FILTER (WHERE s.mase IS NOT NULL) AS naive_mase,
		avg(s.smape) AS smape, avg(s.naive_smape) AS naive_smape, avg(least(s.rmsse, 1e100)) AS rmsse,
		-- avg() squares, which fails for numbers that are beyond any use
		avg(s.mae) FILTER (WHERE s.mae < 1e150) AS mae,
		avg(s.naive_mae) FILTER (WHERE s.naive_mae < 1e150) AS naive_mae,
		avg(s.rmse) FILTER (WHERE s.rmse < 1e150) AS rmse,
		avg(s.bias) FILTER (WHERE abs(s.bias) < 1e150) AS bias,
		avg(s.coverage) AS coverage, avg(s.msis) FILTER (WHERE s.msis < 1e150) AS msis
	INTO stats
	FROM augur.version_series s WHERE s.version_id = version_id;
	IF stats.n = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('no rows to train on in %s', relation);
	ELSIF stats.usable = 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'data_exception',
			MESSAGE = format('none of %s series of %s can be forecast', stats.n, relation),
			DETAIL = (SELECT format('Series %s: %s.', s.series, coalesce(s.warning, s.fallback))
					  FROM augur.version_series s WHERE s.version_id = version_id
					  ORDER BY s.series_no LIMIT 1);
	END IF;
	PERFORM augur._version_ready(version_id);

	PERFORM augur._metric_set(run, 'holdout', t.name, NULL, t.value, t.value - t.half, t.value + t.half,
							  stats.values::bigint)
	FROM (VALUES ('mase', stats.mase, stats.half), ('smape', stats.smape, NULL), ('rmsse', stats.rmsse, NULL),
		('mae', stats.mae, NULL), ('rmse', stats.rmse, NULL), ('bias', stats.bias, NULL),
		('coverage', stats.coverage, NULL), ('msis', stats.msis, NULL)) t (name, value, half)
	WHERE t.value IS NOT NULL;
	PERFORM augur._metric_set(run, 'baseline', t.name, NULL, t.value, NULL, NULL, stats.values::bigint)
	FROM (VALUES ('mase', stats.naive_mase), ('smape', stats.naive_smape), ('mae', stats.naive_mae)) t (name, value)
	WHERE t.value IS NOT NULL;

	result.warnings := array_remove(ARRAY[
		CASE WHEN stats.usable < stats.n THEN format('%s of %s series cannot be forecast',
			stats.n - stats.usable, stats.n) END,
		CASE WHEN stats.fallback > 0 THEN format('%s series fell back to a simpler method', stats.fallback) END,
		CASE WHEN stats.untested > 0 AND coalesce((config #>> '{params,folds}')::integer, 1) > 0
			THEN format('%s series are too short for a rolling origin', stats.untested) END,
		CASE WHEN stats.filled > 0 THEN format('%s steps without a row were filled', stats.filled) END,
		CASE WHEN stats.skipped > 0 THEN format('%s rows were left out', stats.skipped) END], NULL);

	-- what is in production does the same task on the same steps
	IF production IS NOT NULL AND promote = 'if_better' AND stats.mase IS NOT NULL THEN
		SELECT r.* INTO rival FROM augur.runs r JOIN augur.versions v ON v.run_id = r.id WHERE v.id = production;
		rival_config := rival.config || jsonb_build_object('horizon', config -> 'horizon',
			'levels', config -> 'levels', 'full_search', config -> 'full_search')
			|| jsonb_build_object('params', (rival.config -> 'params') - '{folds,step}'::text[]
				|| (SELECT coalesce(jsonb_object_agg(p.key, p.value), '{}') FROM jsonb_each(config -> 'params') p
					WHERE p.key = ANY ('{folds,step}')));
		IF rival_config = config THEN
			result.production_value := stats.mase;
		ELSE
			BEGIN
				SELECT avg(least(f.mase, 1e100)) INTO result.production_value
				FROM augur._forecast_fit(relation, rival_config) f
					JOIN augur.version_series s ON s.version_id = version_id AND s.series = f.series
				WHERE s.mase IS NOT NULL AND s.naive_mase IS NOT NULL;
			EXCEPTION WHEN undefined_column OR datatype_mismatch OR invalid_parameter_value OR undefined_table THEN
				result.warnings := result.warnings
					|| format('version %s in production could not be tried on the same steps: %s',
							  (SELECT v.version FROM augur.versions v WHERE v.id = production), SQLERRM);
			END;
		END IF;
		PERFORM augur._metric_set(run, 'production', 'mase', NULL, result.production_value, NULL, NULL, stats.values::bigint)
		WHERE result.production_value IS NOT NULL;
	END IF;
	SELECT * INTO gate FROM augur._promote_forecast(version_id, promote, production, stats.mase,
													stats.naive_mase, result.production_value);
	IF NOT gate.promoted AND promote = 'if_better' THEN
		result.warnings := result.warnings || ('not promoted: ' || gate.reason);
	END IF;
	IF previous IS NOT NULL THEN
		reason := augur._full_search_due(version_id, previous, config);
		result.warnings := result.warnings || reason;
	END IF;
	result.warnings := array_remove(result.warnings, NULL);
	result.model := model;
	result.task := 'forecasting';
	result.algorithm := algorithm;
	result.rows_used := stats.used;
	result.rows_skipped := stats.skipped;
	result.metric := 'mase';
	result.value := stats.mase;
	result.promoted := gate.promoted;
	result.seconds := extract(epoch FROM clock_timestamp() - started);
	PERFORM augur._run_finish(run, 'finished', stats.used::bigint, stats.skipped::bigint, result.seconds,
		result.warnings, jsonb_build_object('series', stats.n, 'series_tested', stats.tested,
			'series_better_than_naive', stats.better, 'promotion', gate.reason,
			'full_search_due', reason IS NOT NULL));
	IF coalesce(current_setting('augur.verbosity', true), '1')::integer > 0 THEN
		RAISE NOTICE '%', format('version %s of forecaster "%s": %s series of %s, mase %s (seasonal naive %s) at %s of them; %s',
			result.version, model, stats.n, relation, coalesce(round(stats.mase::numeric, 4)::text, 'unknown'),
			coalesce(round(stats.naive_mase::numeric, 4)::text, 'unknown'), stats.tested,
			CASE WHEN gate.promoted THEN 'promoted' ELSE 'not promoted' END);
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur._train_forecast(text, regclass, name, jsonb, text, bigint, text, bigint) IS
'Internal. A training as its configuration says: run, version, series, measures, gate.';

CREATE OR REPLACE FUNCTION augur.train_forecast(model text, relation regclass, time_column name,
	target name, series name[] DEFAULT '{}', regressors name[] DEFAULT '{}', method text DEFAULT 'auto',
	frequency interval DEFAULT NULL, season integer[] DEFAULT NULL, horizon integer DEFAULT 12,
	levels float8[] DEFAULT '{0.8,0.95}', params jsonb DEFAULT '{}', promote text DEFAULT 'if_better',
	seed bigint DEFAULT 42, note text DEFAULT NULL, holidays regclass DEFAULT NULL)
RETURNS augur.train_result
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	time_type	text;
	config		jsonb;
BEGIN
	PERFORM augur._check_model_name(model);
	time_type := augur._series_columns(relation, time_column, target, series, regressors);
	IF target IS NULL OR horizon IS NULL OR method IS NULL OR series IS NULL OR regressors IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'target, series, regressors, method and horizon must not be null';
	ELSIF promote IS NULL OR NOT (promote = ANY ('{if_better,always,never}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for promote: %s', quote_nullable(promote)),
			HINT = 'Valid values are if_better, always and never.';
	ELSIF jsonb_typeof(coalesce(params, '{}')) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "params" must be a JSON object';
	ELSIF params ?| '{method,frequency,season,levels,seed}'::text[] THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('"%s" is an argument, not one of "params"',
				(SELECT k FROM jsonb_object_keys(params) k
				 WHERE k = ANY ('{method,frequency,season,levels,seed}') LIMIT 1));
	ELSIF (regressors <> '{}' OR holidays IS NOT NULL) AND method <> 'global_boosting'
		AND NOT coalesce((SELECT f.regressors FROM augur.forecast_methods f WHERE f.method = train_forecast.method), true)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('method "%s" cannot use regressors', method),
			HINT = format('Methods that can: %s.',
				(SELECT string_agg(f.method, ', ' ORDER BY f.method) FROM augur.forecast_methods f WHERE f.regressors)
				|| ', global_boosting');
	END IF;
	config := jsonb_build_object('time_column', time_column, 'target', target, 'time_type', time_type,
		'time_zone', CASE WHEN time_type = 'timestamptz'
					 THEN coalesce(params ->> 'time_zone', current_setting('TimeZone')) ELSE 'UTC' END,
		'series', to_jsonb(series), 'regressors', to_jsonb(regressors), 'holidays', augur._holidays(holidays),
		'method', method, 'frequency', frequency::text, 'season', to_jsonb(season), 'horizon', horizon,
		'levels', to_jsonb(levels), 'params', coalesce(params, '{}'), 'seed', seed);
	RETURN augur._train_forecast(model, relation, target, config, promote, seed, note);
END
$$;
COMMENT ON FUNCTION augur.train_forecast(text, regclass, name, name, name[], name[], text, interval,
	integer[], integer, float8[], jsonb, text, bigint, text, regclass) IS
'Fits a forecaster to every series of a table and stores them as one version of a model. series: columns whose values tell series apart. regressors: numbers or booleans that are known ahead, such as promotions and prices. holidays: a table with a date and a text, each of whose names becomes a regressor. method: see augur.forecast_methods, or global_boosting, one model of all series. frequency and season (in steps) are found out when NULL. horizon and levels: what augur.forecast gives by default. params: options of augur.forecast_agg, and folds (1) and step (the horizon) of the rolling origins that the version is judged by. promote => ''if_better'': only when it beats the seasonal naive forecast and does not lose to what is in production. Example: SELECT * FROM augur.train_forecast(''sales'', ''sales'', ''day'', ''units'', series => ''{store}'', horizon => 28)';

-- When does keeping forms stop being good enough?
CREATE OR REPLACE FUNCTION augur._full_search_due(version_id bigint, previous bigint, config jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN t.n >= 1.25 * (s.known ->> 'n')::float8
			THEN format('a full search is due: series have grown by %s %% since the last one',
						round(100 * (t.n / (s.known ->> 'n')::numeric - 1)))
		WHEN t.mase > 1.1 * (s.known ->> 'mase')::float8
			THEN format('a full search is due: mase has grown from %s to %s since the last one',
						round((s.known ->> 'mase')::numeric, 4), round(t.mase::numeric, 4))
		WHEN t.mase >= t.naive_mase
			THEN 'a full search is due: the seasonal naive forecast is not beaten any more'
		END
	FROM (SELECT sum(v.n) AS n, avg(least(v.mase, 1e100)) FILTER (WHERE v.naive_mase IS NOT NULL) AS mase,
			avg(least(v.naive_mase, 1e100)) FILTER (WHERE v.mase IS NOT NULL) AS naive_mase
		  FROM augur.version_series v WHERE v.version_id = $1
		  AND v.series IN (SELECT p.series FROM augur.version_series p WHERE p.version_id = $2)) t,
		(SELECT $3 -> 'full_search' AS known) s
$$;
COMMENT ON FUNCTION augur._full_search_due(bigint, bigint, jsonb) IS
'Internal. Why a refreshed forecaster should be trained anew, NULL when it need not.';

CREATE OR REPLACE FUNCTION augur.refresh_forecast(model text, promote text DEFAULT 'if_better',
	note text DEFAULT NULL) RETURNS augur.train_result
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions := augur._forecast_version(model);
	m			augur.models;
	r			augur.runs;
	relation	regclass;
	config		jsonb;
BEGIN
	IF promote IS NULL OR NOT (promote = ANY ('{if_better,always,never}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for promote: %s', quote_nullable(promote)),
			HINT = 'Valid values are if_better, always and never.';
	END IF;
	SELECT * INTO m FROM augur.models t WHERE t.id = v.model_id;
	SELECT * INTO r FROM augur.runs t WHERE t.id = v.run_id;
	relation := to_regclass(r.relation);
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = format('%s, which version %s of model "%s" was trained on, does not exist',
							 r.relation, v.version, m.name),
			HINT = 'Train anew with augur.train_forecast.';
	END IF;
	PERFORM augur._series_columns(relation, r.config ->> 'time_column', r.target,
		ARRAY(SELECT jsonb_array_elements_text(r.config -> 'series'))::name[],
		ARRAY(SELECT jsonb_array_elements_text(r.config -> 'regressors'))::name[]);
	config := r.config;
	IF jsonb_typeof(config -> 'holidays') = 'object' AND to_regclass(config #>> '{holidays,relation}') IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = format('%s, which has the holidays of model "%s", does not exist',
							 config #>> '{holidays,relation}', m.name);
	END IF;
	-- what the last full search found is kept along with the forms
	IF NOT config ? 'full_search' THEN
		config := config || jsonb_build_object('full_search', (
			SELECT jsonb_build_object('version', v.version, 'n', sum(s.n),
				'mase', avg(least(s.mase, 1e100)) FILTER (WHERE s.naive_mase IS NOT NULL))
			FROM augur.version_series s WHERE s.version_id = v.id));
	END IF;
	IF config ->> 'method' = 'global_boosting' THEN
		RETURN augur._train_forecast(m.name, relation, r.target, config - 'full_search', promote, r.seed, note);
	END IF;
	RETURN augur._train_forecast(m.name, relation, r.target, config, promote, r.seed, note, v.id);
END
$$;
COMMENT ON FUNCTION augur.refresh_forecast(text, text, text) IS
'Takes in the new rows of the table that a forecaster was trained on, and stores the result as a new version: methods and forms stay, parameters are estimated anew, new series are searched in full. The warnings say when a full search (augur.train_forecast) is due. A model of global_boosting is trained anew. Example: SELECT * FROM augur.refresh_forecast(''sales'')';

-- ---- forecasts ---------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._forecast_version(model text) RETURNS augur.versions
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	parts		text[] := regexp_match(model, '^([^/@]*)(?:/([0-9]{1,9})|@(.*))?$');
	m			augur.models := augur._model(coalesce(parts[1], model));
	v			augur.versions;
BEGIN
	IF m.task <> 'forecasting' THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('model "%s" does %s and forecasts no series', m.name, m.task),
			HINT = 'Use augur.predict, or train a forecaster with augur.train_forecast.';
	END IF;
	IF parts[2] IS NOT NULL THEN
		v := augur._version(m, parts[2]::integer);
	ELSE
		SELECT t.* INTO v FROM augur.aliases a JOIN augur.versions t ON t.id = a.version_id
		WHERE a.model_id = m.id AND a.alias = coalesce(parts[3], 'production');
		IF NOT FOUND THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_object',
				MESSAGE = format('model "%s" has no version in %s', m.name, coalesce(parts[3], 'production')),
				HINT = (SELECT format('Promote one: SELECT augur.promote(%L, %s), or name it: %L.',
									  m.name, max(t.version), m.name || '/' || max(t.version))
						FROM augur.versions t WHERE t.model_id = m.id AND t.status = 'ready'
						HAVING count(*) > 0);
		END IF;
	END IF;
	IF v.status <> 'ready' THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s of model "%s" is not ready', v.version, m.name),
			DETAIL = format('Its status is %s.', v.status);
	ELSIF NOT EXISTS (SELECT FROM augur.version_chunks c WHERE c.version_id = v.id) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied to forecast with model "%s"', m.name),
			HINT = format('Its owner can grant it: SELECT augur.grant(%L, %L, ''predict'').', m.name, current_user);
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._forecast_version(text) IS
'Internal. The version of a forecaster that a reference leads to.';

CREATE OR REPLACE FUNCTION augur._forecast(v augur.versions, horizon integer, levels float8[],
	future regclass, series jsonb)
RETURNS TABLE (series_no integer, series_key jsonb, ts timestamptz, step integer, forecast float8,
	lower float8, upper float8, level float8, method text)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	config		jsonb := v.signature -> 'forecast';
	names		text[] := augur._regressor_names(config);
	needed		text := (SELECT string_agg(format('"%s"', k), ', ' ORDER BY n)
						 FROM jsonb_array_elements_text(config -> 'regressors') WITH ORDINALITY u (k, n));
	zone		text := config ->> 'time_zone';
	is_global	boolean := config ->> 'method' = 'global_boosting';
	call		text;
	source		text;
	lost		jsonb;
	steps		integer := coalesce(horizon, (config ->> 'horizon')::integer);
	artifact	bytea;
	e			record;
BEGIN
	IF _forecast.series IS NOT NULL AND jsonb_typeof(_forecast.series) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "series" must be a JSON object of key columns and values',
			HINT = 'For example {"store": "A"}; all series that have these values are forecast.';
	ELSIF _forecast.series IS NOT NULL AND NOT EXISTS (
		SELECT FROM augur.version_series s WHERE s.version_id = v.id AND s.series @> _forecast.series)
	THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('version %s has no series %s', v.version, _forecast.series),
			HINT = 'SELECT series FROM augur.series_status lists them.';
	ELSIF future IS NULL AND needed IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('the forecast needs future values of %s', needed),
			HINT = format('Give them as future => ''relation'', with columns %s.',
				(SELECT string_agg(format('"%s"', k), ', ')
				 FROM (SELECT jsonb_array_elements_text(config -> 'series') AS k
					   UNION ALL SELECT config ->> 'time_column'
					   UNION ALL SELECT jsonb_array_elements_text(config -> 'regressors')) t));
	ELSIF future IS NOT NULL AND needed IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'the model has no regressors whose future would matter',
			HINT = 'Leave out argument "future", or train with regressors.';
	END IF;
	IF is_global THEN
		SELECT string_agg(c.bytes, '' ORDER BY c.seq) INTO artifact
		FROM augur.version_chunks c WHERE c.version_id = v.id;
	END IF;
	call := CASE WHEN is_global THEN 'augur._panel_forecast($4, t.state, $2, $3, %s)'
			ELSE 'augur._series_forecast(t.state, $2, $3, %s)' END;
	IF names = '{}' THEN
		call := format(call, 'NULL, NULL');
		source := 'augur.version_series s JOIN augur.version_states t USING (version_id, series_no)';
	ELSE
		call := format(call, 'f.at, f.x');
		IF future IS NOT NULL THEN
			PERFORM augur._series_columns(future, config ->> 'time_column', NULL,
				ARRAY(SELECT jsonb_array_elements_text(config -> 'series'))::name[],
				ARRAY(SELECT jsonb_array_elements_text(config -> 'regressors'))::name[]);
			e := augur._series_expressions(future, config);
			source := format('%s r', future);
		ELSE
			-- holidays alone: their table knows the future
			e := augur._series_expressions(NULL, config);
			e.key_object := 'r.k';
			source := format('(SELECT s.series AS k, (((s.first_ts AT TIME ZONE %L) + (s.n - 1 + i) * s.step)%s)::%s AS %I'
				' FROM augur.version_series s, generate_series(1, $2) i WHERE s.version_id = $1) r',
				zone, CASE WHEN config ->> 'time_type' = 'timestamptz' THEN format(' AT TIME ZONE %L', zone) ELSE '' END,
				config ->> 'time_type', config ->> 'time_column');
		END IF;
		-- a row with an unknown regressor is as good as none
		source := format('(SELECT t.k, array_agg(t.at ORDER BY t.at) AS at, array_agg(t.x ORDER BY t.at) AS x'
			' FROM (SELECT %s AS k, %s AS at, %s::float8[] AS x FROM %s WHERE r.%I IS NOT NULL) t'
			' WHERE array_position(t.x, NULL) IS NULL GROUP BY t.k)',
			e.key_object, e.at, e.x, source, config ->> 'time_column');
		EXECUTE format('SELECT s.series FROM augur.version_series s LEFT JOIN %s f ON f.k = s.series'
			' WHERE s.version_id = $1 AND s.method <> ''none'' AND ($3 IS NULL OR s.series @> $3)'
			' AND f.k IS NULL ORDER BY s.series_no LIMIT 1', source)
		INTO lost USING v.id, steps, _forecast.series;
		IF lost IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'no_data_found',
				MESSAGE = format('%s has no row for series %s', future, lost),
				DETAIL = format('The forecast needs values of %s at each step.', needed),
				HINT = 'Add rows, or name the series to forecast: series => ''{...}''.';
		END IF;
		source := 'augur.version_series s JOIN augur.version_states t USING (version_id, series_no) JOIN ' || source || ' f ON f.k = s.series';
	END IF;
	RETURN QUERY EXECUTE format('SELECT s.series_no, s.series, p.ts, p.step, p.forecast, p.lower, p.upper, p.level, p.method'
		' FROM %s, LATERAL %s p WHERE s.version_id = $1'
		' AND ($5 IS NULL OR s.series @> $5) ORDER BY s.series_no, p.step, p.level', source, call)
	USING v.id, CASE WHEN names = '{}' THEN horizon ELSE steps END, levels, artifact, _forecast.series;
END
$$;
COMMENT ON FUNCTION augur._forecast(augur.versions, integer, float8[], regclass, jsonb) IS
'Internal. Forecasts of a version; points in time of dates and timestamps as those of UTC.';

CREATE OR REPLACE FUNCTION augur.forecast(model text, horizon integer DEFAULT NULL,
	levels float8[] DEFAULT NULL, future regclass DEFAULT NULL, series jsonb DEFAULT NULL)
RETURNS TABLE (series_key jsonb, ts timestamptz, step integer, forecast float8, lower float8,
	upper float8, level float8, method text)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	v			augur.versions := augur._forecast_version(model);
	-- noon of a day, midnight of a date: on the clock of this session, as everywhere
	is_local	boolean := v.signature #>> '{forecast,time_type}' <> 'timestamptz';
BEGIN
	RETURN QUERY SELECT f.series_key,
		CASE WHEN is_local THEN (f.ts AT TIME ZONE 'UTC')::timestamptz ELSE f.ts END,
		f.step, f.forecast, f.lower, f.upper, f.level, f.method
	FROM augur._forecast(v, $2, $3, $4, $5) f;
END
$$;
COMMENT ON FUNCTION augur.forecast(text, integer, float8[], regclass, jsonb) IS
'The next steps of every series of a model made by augur.train_forecast: a row for each series, step and level. model: as in augur.predict, ''sales'', ''sales@staging'', ''sales/7''. horizon and levels: those of the training by default. future: a relation with the future values of regressors, in columns named as in training. series: only those that have these values, {"store": "A"}. ts::date gives back the days of a column of dates. Example: SELECT series_key ->> ''store'' AS store, ts::date, forecast, lower, upper FROM augur.forecast(''sales'', levels => ''{0.9}'')';

CREATE OR REPLACE FUNCTION augur.forecast_quantiles(model text, quantiles float8[],
	horizon integer DEFAULT NULL, future regclass DEFAULT NULL, series jsonb DEFAULT NULL)
RETURNS TABLE (series_key jsonb, ts timestamptz, step integer, quantile float8, value float8, method text)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	bad			float8 := (SELECT q FROM unnest(quantiles) q WHERE q IS NULL OR NOT (q > 0 AND q < 1) LIMIT 1);
	asked		float8[];
BEGIN
	IF coalesce(cardinality(quantiles), 0) = 0 OR array_position(quantiles, NULL) IS NOT NULL OR bad IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = CASE WHEN bad IS NULL THEN 'quantiles must be numbers above 0 and below 1'
					  ELSE format('quantile %s must be above 0 and below 1', bad) END,
			HINT = 'For example {0.1,0.5,0.9}.';
	END IF;
	asked := ARRAY(SELECT DISTINCT round(abs(2 * q::numeric - 1), 12)::float8 FROM unnest(quantiles) q WHERE q <> 0.5);
	IF asked = '{}' THEN
		asked := '{0.5}';
	END IF;
	RETURN QUERY SELECT f.series_key, f.ts, f.step, q.q,
		CASE WHEN q.q = 0.5 THEN f.forecast WHEN q.q < 0.5 THEN f.lower ELSE f.upper END, f.method
	FROM augur.forecast(model, horizon, asked, future, series) f, (SELECT DISTINCT q FROM unnest(quantiles) q) q
	WHERE f.level = CASE WHEN q.q = 0.5 THEN asked[1] ELSE round(abs(2 * q.q::numeric - 1), 12)::float8 END
	ORDER BY f.series_key, f.step, q.q;
END
$$;
COMMENT ON FUNCTION augur.forecast_quantiles(text, float8[], integer, regclass, jsonb) IS
'Forecasts as quantiles: the value that the actual one will not exceed with the given probability. 0.5 gives the point forecast, others are ends of intervals: 0.1 and 0.9 those of level 0.8. The other arguments are those of augur.forecast. Example: SELECT * FROM augur.forecast_quantiles(''sales'', ''{0.1,0.5,0.9}'')';

CREATE OR REPLACE VIEW augur.series_status WITH (security_invoker = true) AS
SELECT m.name AS model, v.version,
	EXISTS (SELECT FROM augur.aliases a WHERE a.version_id = v.id AND a.alias = 'production') AS in_production,
	s.series, s.method, s.reason, s.fallback, s.warning, s.n, s.observed, s.filled, s.missing, s.duplicates,
	s.irregular, s.left_out, s.skipped, s.first_ts, s.last_ts, s.step, s.season, s.folds, s.mase, s.naive_mase,
	s.mase < s.naive_mase AS beats_naive, s.smape, s.mae, s.rmsse, s.bias, s.coverage, s.msis, s.aicc, s.sigma,
	v.id AS version_id
FROM augur.version_series s
	JOIN augur.versions v ON v.id = s.version_id
	JOIN augur.models m ON m.id = v.model_id;
COMMENT ON VIEW augur.series_status IS
'Each series of each version of a forecaster: what forecasts it and why, what was wrong with its rows, and its errors over rolling origins beside those of the seasonal naive forecast. SELECT series, method, warning FROM augur.series_status WHERE model = ''sales'' AND in_production AND NOT beats_naive';
COMMENT ON COLUMN augur.series_status.in_production IS 'whether augur.forecast answers with this version';
COMMENT ON COLUMN augur.series_status.beats_naive IS 'whether its mase is below that of the seasonal naive forecast; NULL when not tested';

-- ---- what came true --------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.store_forecast(model text, horizon integer DEFAULT NULL,
	levels float8[] DEFAULT NULL, future regclass DEFAULT NULL, series jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions := augur._forecast_version(model);
	zone		text := v.signature #>> '{forecast,time_zone}';
	n			bigint;
BEGIN
	IF NOT augur._operates((SELECT m.owner FROM augur.models m WHERE m.id = v.model_id)) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied to keep forecasts of model "%s"',
							 (SELECT m.name FROM augur.models m WHERE m.id = v.model_id)),
			DETAIL = 'Only members of its owner, operators and admins may do this.';
	END IF;
	INSERT INTO augur.forecasts (model_id, version_id, version, series, origin, ts, until, step_ahead,
								 forecast, lower, upper, level, method)
	SELECT v.model_id, v.id, v.version, f.series_key, s.last_ts, f.ts,
		((s.first_ts AT TIME ZONE zone) + (s.n + f.step) * s.step) AT TIME ZONE zone,
		f.step, f.forecast, f.lower, f.upper, f.level, f.method
	FROM augur._forecast(v, horizon, levels, future, series) f
		JOIN augur.version_series s ON s.version_id = v.id AND s.series_no = f.series_no
	WHERE f.forecast IS NOT NULL AND isfinite(f.ts);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION augur.store_forecast(text, integer, float8[], regclass, jsonb) IS
'Keeps a forecast in augur.forecasts, so that augur.forecast_accuracy can compare it with what came true, and returns the number of rows. Arguments are those of augur.forecast. Example: SELECT augur.store_forecast(''sales'')';

CREATE OR REPLACE FUNCTION augur.forecast_accuracy(model text, relation regclass DEFAULT NULL,
	since timestamptz DEFAULT '-infinity')
RETURNS TABLE (series_key jsonb, version integer, level float8, n bigint, mae float8, rmse float8,
	bias float8, smape float8, mape float8, coverage float8, backtest_mae float8, backtest_coverage float8)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	parts		text[] := regexp_match($1, '^([^/@]*)(?:/([0-9]{1,9}))?$');
	m			augur.models := augur._model(coalesce(parts[1], $1));
	r			augur.runs;
	source		regclass := relation;
	rule		text;
	absent		text;
	e			record;
BEGIN
	SELECT t.* INTO r FROM augur.runs t JOIN augur.forecasts f ON f.model_id = m.id
		JOIN augur.versions v ON v.run_id = t.id AND v.id = f.version_id
	WHERE parts[2] IS NULL OR f.version = parts[2]::integer
	ORDER BY f.id DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('no forecast of model "%s" was kept', $1),
			HINT = format('SELECT augur.store_forecast(%L) keeps one.', $1);
	END IF;
	IF source IS NULL THEN
		source := to_regclass(r.relation);
		IF source IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_table',
				MESSAGE = format('%s, which model "%s" was trained on, does not exist', r.relation, m.name),
				HINT = 'Name the relation that has the actual values.';
		END IF;
	END IF;
	PERFORM augur._series_columns(source, r.config ->> 'time_column', r.target,
		ARRAY(SELECT jsonb_array_elements_text(r.config -> 'series'))::name[], '{}');
	e := augur._series_expressions(source, r.config);
	rule := CASE r.config #>> '{params,duplicates}' WHEN 'sum' THEN 'sum(a.y)'
			WHEN 'last' THEN '(array_agg(a.y ORDER BY a.at DESC))[1]' ELSE 'avg(a.y)' END;
	-- no row means no demand where the training was told so, once the step is over
	absent := CASE r.config #>> '{params,gaps}' WHEN 'zero'
			  THEN 'CASE WHEN f.until <= (SELECT max(a.at) FROM a) THEN 0.0 END' ELSE 'NULL' END;
	RETURN QUERY EXECUTE format(
		'WITH a AS MATERIALIZED (SELECT %s AS k, %s AS at, (r.%I)::float8 AS y FROM %s r WHERE r.%I IS NOT NULL),'
		' f AS (SELECT f.* FROM augur.forecasts f WHERE f.model_id = $1 AND f.ts >= $2 AND ($3 IS NULL OR f.version = $3)),'
		' j AS (SELECT f.id, coalesce(%s, %s) AS y FROM f LEFT JOIN a ON a.k = f.series AND a.at >= f.ts AND a.at < f.until'
		'   AND a.y IS NOT NULL GROUP BY f.id, f.until)'
		' SELECT f.series, f.version, f.level, count(*), avg(abs(f.forecast - j.y)), sqrt(avg((f.forecast - j.y) ^ 2)),'
		'   avg(f.forecast - j.y), avg(CASE WHEN f.forecast = j.y THEN 0 ELSE 200 * abs(f.forecast - j.y) / (abs(f.forecast) + abs(j.y)) END),'
		'   avg(100 * abs(f.forecast - j.y) / nullif(abs(j.y), 0)), avg((j.y BETWEEN f.lower AND f.upper)::integer)::float8,'
		'   max(s.mae), max(s.coverage)'
		' FROM f JOIN j ON j.id = f.id LEFT JOIN augur.version_series s ON s.version_id = f.version_id AND s.series = f.series'
		' WHERE j.y IS NOT NULL AND abs(j.y) < 1e150 AND abs(f.forecast) < 1e150 GROUP BY f.series, f.version, f.level ORDER BY f.series, f.version, f.level',
		e.key_object, e.at, r.target, source, r.config ->> 'time_column', rule, absent)
	USING m.id, coalesce(since, '-infinity'), parts[2]::integer;
END
$$;
COMMENT ON FUNCTION augur.forecast_accuracy(text, regclass, timestamptz) IS
'How good the forecasts were that augur.store_forecast kept, now that actual values are there: a row for each series, version and level, beside the error and the coverage that the training promised. model: a name, or ''sales/3'' for one version. relation: where the actual values are, by default what the model was trained on. since: only steps from then on. Example: SELECT * FROM augur.forecast_accuracy(''sales'') ORDER BY mae / backtest_mae DESC';

CREATE OR REPLACE FUNCTION augur.forecast_chart(model text, series jsonb DEFAULT NULL,
	horizon integer DEFAULT NULL, levels float8[] DEFAULT NULL, future regclass DEFAULT NULL,
	history integer DEFAULT NULL, title text DEFAULT NULL, width integer DEFAULT 800, height integer DEFAULT 320)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._forecast_version(model);
	zone		text := v.signature #>> '{forecast,time_zone}';
	s			augur.version_series;
	n			bigint;
	past		record;
	next		record;
BEGIN
	SELECT count(*) INTO n FROM augur.version_series t
	WHERE t.version_id = v.id AND t.method <> 'none' AND (series IS NULL OR t.series @> series);
	IF n <> 1 THEN
		RAISE EXCEPTION USING ERRCODE = CASE WHEN n = 0 THEN 'no_data_found' ELSE 'cardinality_violation' END,
			MESSAGE = format('a chart shows one series, and %s fit %s', n, coalesce(series::text, 'the model')),
			HINT = 'Name one: series => ''{"store": "A"}''.';
	END IF;
	SELECT * INTO s FROM augur.version_series t
	WHERE t.version_id = v.id AND t.method <> 'none' AND (series IS NULL OR t.series @> series);
	IF history IS NULL THEN
		history := greatest(100, 4 * coalesce(horizon, (v.signature #>> '{forecast,horizon}')::integer));
	END IF;
	SELECT array_agg(h.ts ORDER BY h.ts) AS ts, array_agg(h.y ORDER BY h.ts) AS y INTO past
	FROM (SELECT p.* FROM augur.version_states t, augur._series_history(t.state) p
		  WHERE t.version_id = v.id AND t.series_no = s.series_no ORDER BY p.ts DESC LIMIT history) h;
	WITH f AS MATERIALIZED (SELECT * FROM augur._forecast(v, horizon, levels, future, s.series)),
		steps AS (SELECT t.step, min(t.ts) AS ts, min(t.forecast) AS forecast FROM f t GROUP BY t.step),
		bands AS (SELECT t.level, array_agg(t.lower ORDER BY t.step) AS lower, array_agg(t.upper ORDER BY t.step) AS upper
				  FROM f t WHERE t.level IS NOT NULL GROUP BY t.level)
	SELECT (SELECT array_agg(t.ts ORDER BY t.step) FROM steps t) AS ts,
		(SELECT array_agg(t.forecast ORDER BY t.step) FROM steps t) AS forecast,
		(SELECT array_agg(t.lower ORDER BY t.level) FROM bands t) AS lower,
		(SELECT array_agg(t.upper ORDER BY t.level) FROM bands t) AS upper
	INTO next;
	RETURN augur.chart(past.ts, past.y, next.ts, next.forecast, next.lower, next.upper,
		coalesce(title, nullif(s.series, '{}')::text, model), width, height, zone);
END
$$;
COMMENT ON FUNCTION augur.forecast_chart(text, jsonb, integer, float8[], regclass, integer, text, integer, integer) IS
'An SVG picture of one series of a forecaster: its last values (history of them), its forecast and intervals. The other arguments are those of augur.forecast and augur.chart. Example, in psql: \o sales.svg, SELECT augur.forecast_chart(''sales'', ''{"store": "A"}''), \o';
