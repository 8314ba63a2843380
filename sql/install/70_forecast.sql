-- forecast: what versions of forecasters answer: forecasts, quantiles, charts, kept forecasts
-- and their accuracy.  augur.forecast reads no table that its caller did not name.

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
			PERFORM augur._config_columns(future, config - 'target');
			e := augur._series_expressions(future, config);
			source := format('%s r', future);
		ELSE
			-- holidays alone: their days are known
			e := augur._series_expressions(NULL, config);
			e.key_object := 's.series';
			source := format('augur.version_series s JOIN generate_series(1, $2) i ON s.version_id = $1,'
				' LATERAL (SELECT (((s.first_ts AT TIME ZONE %L) + (s.n - 1 + i) * s.step)%s)::%s AS %I) r',
				zone, CASE WHEN config ->> 'time_type' = 'timestamptz' THEN format(' AT TIME ZONE %L', zone) ELSE '' END,
				CASE config ->> 'time_type' WHEN 'date' THEN 'date' WHEN 'timestamp' THEN 'timestamp' ELSE 'timestamptz' END,
				config ->> 'time_column');
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
		PERFORM augur._check_own_source(m, 'Name the relation that has the actual values.');
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
'How good the forecasts were that augur.store_forecast kept, now that actual values are there: a row for each series, version and level, beside the error and the coverage that the training promised. model: a name, or ''sales/3'' for one version. relation: where the actual values are; only members of the model''s owner may leave it out, which means what the model was trained on, read with your rights (SECURITY.md: superusers name it for others'' models). since: only steps from then on. Example: SELECT * FROM augur.forecast_accuracy(''sales'') ORDER BY mae / backtest_mae DESC';

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
