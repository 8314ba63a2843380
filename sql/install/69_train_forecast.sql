-- train_forecast: forecasters in the registry, a version for all series of a table.
--
-- The fitting is augur._series_fit and augur._panel_fit; here is what surrounds it: which rows,
-- the run and its version, and the gate.  What versions answer is in 70_forecast.sql.
-- Points in time of dates and timestamps are kept as those of UTC.

-- ---- what is read ------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._series_columns(relation regclass, time_column name, target name,
	series name[], regressors name[], series_argument text DEFAULT 'series') RETURNS text
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
			  UNION ALL SELECT k, series_argument, 3 FROM unnest(series) k
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
		ORDER BY u.n, u.name
	LOOP
		IF c.name IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
				MESSAGE = format('argument "%s" must not contain null', c.argument);
		ELSIF c.base IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_column',
				MESSAGE = format('column "%s", named in "%s", does not exist in %s', c.name, c.argument,
								 relation),
				HINT = (SELECT format('Its columns are %s%s.',
							string_agg(format('"%s"', a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.nth <= 20),
							CASE WHEN count(*) > 20 THEN format(' and %s more', count(*) - 20) END)
						FROM (SELECT t.attname, t.attnum, row_number() OVER (ORDER BY t.attnum) AS nth
							  FROM pg_attribute t
							  WHERE t.attrelid = relation AND t.attnum > 0 AND NOT t.attisdropped) a
						HAVING count(*) > 0);
		ELSIF c.times > 1 THEN
			RAISE EXCEPTION USING ERRCODE = 'duplicate_column',
				MESSAGE = format('column "%s" is named twice among time_column, target%s', c.name,
						CASE WHEN series_argument = 'series' THEN ', series and regressors'
						ELSE ' and ' || series_argument END);
		ELSIF c.argument = 'time_column' THEN
			IF c.base <> ALL ('{date,timestamp,timestamptz}'::regtype[]) THEN
				RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
					MESSAGE = format('column "%s" has type %s', c.name, c.base),
					DETAIL = 'A time column has type date, timestamp or timestamptz.';
			END IF;
			time_type := CASE c.base WHEN 'date'::regtype THEN 'date'
						 WHEN 'timestamp'::regtype THEN 'timestamp' ELSE 'timestamptz' END;
		ELSIF c.n <> 3 AND NOT (c.category = 'N' AND c.base <> 'money'::regtype
				OR c.category = 'B' AND c.argument = 'regressors')
		THEN
			RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column "%s", named in "%s", has type %s', c.name, c.argument, c.base),
				DETAIL = CASE c.argument WHEN 'target' THEN 'The values of a series are numbers.'
						 ELSE 'A regressor is a number or a boolean.' END,
				HINT = CASE c.argument WHEN 'target' THEN 'Cast it in a view.'
					   ELSE 'A view can make a column of 0 and 1 for each value.' END;
		END IF;
	END LOOP;
	RETURN time_type;
END
$$;
COMMENT ON FUNCTION augur._series_columns(regclass, name, name, name[], name[], text) IS
'Internal. Checks the columns of series that are read; returns the type of the time column. target may be NULL. series_argument: what the caller calls series.';

CREATE OR REPLACE FUNCTION augur._config_columns(relation regclass, config jsonb) RETURNS void
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._series_columns(relation, config ->> 'time_column', config ->> 'target',
		ARRAY(SELECT jsonb_array_elements_text(config -> 'series'))::name[],
		ARRAY(SELECT jsonb_array_elements_text(config -> 'regressors'))::name[])
$$;
COMMENT ON FUNCTION augur._config_columns(regclass, jsonb) IS
'Internal. Checks that a relation has the columns that a forecaster was trained on.';

CREATE OR REPLACE FUNCTION augur._holidays(holidays regclass) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	day_column	name;
	name_column	name;
	names		text[];
	days		jsonb;
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
	EXECUTE format('SELECT jsonb_object_agg(t.n, t.days), array_agg(t.n ORDER BY t.n) FROM'
				   ' (SELECT (h.%I::text) COLLATE "C" AS n, array_agg(DISTINCT h.%I ORDER BY h.%I) AS days'
				   ' FROM %s h WHERE h.%I IS NOT NULL AND h.%I IS NOT NULL GROUP BY 1) t',
				   name_column, day_column, day_column, holidays, day_column, name_column)
	INTO days, names;
	IF names IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'no_data_found',
			MESSAGE = format('%s has no holidays', holidays);
	END IF;
	RETURN jsonb_build_object('relation', augur._qualified(holidays), 'names', names, 'days', days);
END
$$;
COMMENT ON FUNCTION augur._holidays(regclass) IS
'Internal. The days of each name in a table of holidays.';

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
		-- the days as they were at the training: a forecast reads no table that its caller did not name
		SELECT concat_ws(', ', x, string_agg(
			-- a step of several days has as many as lie in it
			CASE WHEN (config ->> 'frequency')::interval > interval '1 day'
				THEN format('(SELECT count(*) FROM unnest(%L::date[]) d WHERE d::timestamp >= %s'
							' AND d::timestamp < %s + %L::interval)::float8',
							v.days, day, day, config ->> 'frequency')
				ELSE format('(%s::date = ANY (%L::date[]))::integer::float8', day, v.days)
			END, ', ' ORDER BY u.n))
		INTO x
		FROM jsonb_array_elements_text(holidays -> 'names') WITH ORDINALITY u (k, n),
			LATERAL (SELECT array_agg(d::date)::text AS days
					 FROM jsonb_array_elements_text(holidays -> 'days' -> u.k) d) v;
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
		IF rival_config #- '{holidays,days}' = config #- '{holidays,days}' THEN
			result.production_value := stats.mase;
		ELSE
			BEGIN
				PERFORM augur._config_columns(relation, rival_config);
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
	PERFORM augur._check_promote(promote);
	time_type := augur._series_columns(relation, time_column, target, series, regressors);
	IF target IS NULL OR horizon IS NULL OR method IS NULL OR series IS NULL OR regressors IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'target, series, regressors, method and horizon must not be null';
	ELSIF jsonb_typeof(coalesce(params, '{}')) <> 'object' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'argument "params" must be a JSON object';
	ELSIF params ?| '{method,frequency,season,levels,seed}'::text[] THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('"%s" is an argument, not one of "params"',
				(SELECT k FROM jsonb_object_keys(params) k
				 WHERE k = ANY ('{method,frequency,season,levels,seed}') LIMIT 1));
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
'Fits a forecaster to every series of a table and stores them as one version of a model. series: columns whose values tell series apart. regressors: numbers or booleans that are known ahead, such as promotions and prices. holidays: a table with a date and a text, each of whose names becomes a regressor; its days are kept with the model, those to come as well, and read anew by augur.refresh_forecast. method: see augur.forecast_methods, or global_boosting, one model of all series. frequency and season (in steps) are found out when NULL. horizon and levels: what augur.forecast gives by default. params: options of augur.forecast_agg, and folds (1) and step (the horizon) of the rolling origins that the version is judged by. promote => ''if_better'': only when it beats the seasonal naive forecast and does not lose to what is in production. Example: SELECT * FROM augur.train_forecast(''sales'', ''sales'', ''day'', ''units'', series => ''{store}'', horizon => 28)';

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
	PERFORM augur._check_promote(promote);
	SELECT * INTO m FROM augur.models t WHERE t.id = v.model_id;
	PERFORM augur._check_own_source(m, 'A member of the owner can refresh it.');
	SELECT * INTO r FROM augur.runs t WHERE t.id = v.run_id;
	relation := to_regclass(r.relation);
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table',
			MESSAGE = format('%s, which version %s of model "%s" was trained on, does not exist',
							 r.relation, v.version, m.name),
			HINT = 'Train anew with augur.train_forecast.';
	END IF;
	PERFORM augur._config_columns(relation, r.config);
	config := r.config;
	IF jsonb_typeof(config -> 'holidays') = 'object' THEN
		IF to_regclass(config #>> '{holidays,relation}') IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_table',
				MESSAGE = format('%s, which has the holidays of model "%s", does not exist',
								 config #>> '{holidays,relation}', m.name);
		END IF;
		config := config || jsonb_build_object('holidays', augur._holidays((config #>> '{holidays,relation}')::regclass));
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
'Takes in the new rows of the table that a forecaster was trained on, and stores the result as a new version: methods and forms stay, parameters are estimated anew, new series are searched in full. The warnings say when a full search (augur.train_forecast) is due. A model of global_boosting is trained anew. For members of the model''s owner, as what it was trained on is read with your rights and may run code (SECURITY.md): superusers leave others'' models to sessions of their owners. Example: SELECT * FROM augur.refresh_forecast(''sales'')';
