-- registry: a model that is a value becomes a version.

CREATE OR REPLACE FUNCTION augur._version_store(run_id bigint, value augur.model) RETURNS bigint
	AS 'MODULE_PATHNAME', 'augur_register_store'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._version_store(bigint, augur.model) IS
'Internal. Writes a model value as the pending version of a run; returns the id of the version.';

CREATE OR REPLACE FUNCTION augur.register(model text, value augur.model, note text DEFAULT NULL,
	promote text DEFAULT 'never') RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	info		jsonb;
	seed		numeric;
	run			bigint;
	id			bigint;
	metric		text;
BEGIN
	IF model IS NULL OR value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s must not be null',
							 CASE WHEN model IS NULL THEN 'model' ELSE 'value' END);
	ELSIF promote IS NULL OR NOT (promote = ANY ('{always,never}'::text[])) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for promote: %s', quote_nullable(promote)),
			DETAIL = 'A registered value has no holdout that it could be compared on.',
			HINT = 'Valid values are always and never.';
	END IF;
	info := augur.model_info(value);
	-- the core's seeds are unsigned
	seed := (info ->> 'seed')::numeric;
	IF seed > 9223372036854775807 THEN
		seed := seed - 18446744073709551616;
	END IF;
	run := augur._run_start(model, info ->> 'algorithm', info ->> 'task', NULL, NULL,
							info ->> 'target', '{"registered": true}', info -> 'params',
							seed::bigint, note);
	id := augur._version_store(run, value);
	IF (info ->> 'oob_rows')::bigint > 0 THEN
		metric := CASE WHEN info ->> 'task' = 'regression' THEN 'rmse'
					   WHEN (SELECT count(*) FROM jsonb_object_keys(info -> 'classes')) = 2
					   THEN 'auc'
					   ELSE 'accuracy' END;
		PERFORM augur._metric_set(run, 'oob', metric, NULL,
			(info ->> CASE WHEN metric = 'rmse' THEN 'oob_error' ELSE 'oob_score' END)::float8,
			NULL, NULL, (info ->> 'oob_rows')::bigint);
	END IF;
	PERFORM augur._version_ready(id);
	PERFORM augur._promote_if(id, promote);
	PERFORM augur._run_finish(run, 'finished', (info ->> 'rows')::bigint, NULL, NULL, NULL, info);
	RETURN (SELECT v.version FROM augur.versions v WHERE v.run_id = run);
END
$$;
COMMENT ON FUNCTION augur.register(text, augur.model, text, text) IS
'Stores a model value, such as augur.random_forest_agg returns, as the next version of a model, and returns its number. promote => ''always'' puts it into production at once.';
