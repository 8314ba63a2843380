-- prediction: recording what came true, and the losses of predictions by it.

-- ---- what came true -----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._is_boolean(m augur.models) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT coalesce((SELECT v.signature ->> 'target_type' = 'boolean' FROM augur.versions v WHERE v.model_id = m.id
					 AND v.signature ? 'classes' ORDER BY v.id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION augur._is_boolean(augur.models) IS
'Internal. Whether what a model predicts is a boolean, so that labels are true and false.';

CREATE OR REPLACE FUNCTION augur._is_class(model_id bigint, label text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM augur.versions v WHERE v.model_id = $1 AND v.signature -> 'classes' ? $2)
		OR NOT EXISTS (SELECT FROM augur.versions v WHERE v.model_id = $1 AND v.signature ? 'classes')
$$;
COMMENT ON FUNCTION augur._is_class(bigint, text) IS
'Internal. Whether some version of a model knows a label; true, too, where no version can be asked.';

CREATE OR REPLACE FUNCTION augur._warn_of_labels(m augur.models, n bigint, label text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RAISE WARNING USING MESSAGE = format('model "%s" has no class %L', m.name, label),
		DETAIL = format('Actual values of classes that no version knows: %s. Each counts as an error of its prediction.', n),
		HINT = 'Classes are compared as texts, as they were in the training. Recording again corrects it.';
END
$$;
COMMENT ON FUNCTION augur._warn_of_labels(augur.models, bigint, text) IS
'Internal. Says that labels were recorded which no prediction can have met.';

CREATE OR REPLACE FUNCTION augur._record_actual(m augur.models, prediction bigint, entity text,
	target_time timestamptz, value text, observed_at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	number		float8;
	label		text := value;
	actual		bigint;
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'the actual value must not be null',
			HINT = 'Record it when it is known.';
	END IF;
	IF m.task = 'regression' THEN
		BEGIN
			number := value::float8;
		EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('actual value %L is not a number', value),
				DETAIL = format('Model "%s" predicts numbers.', m.name);
		END;
		IF number = 'NaN' OR abs(number) = 'Infinity' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('actual value %s is not finite', number);
		END IF;
		label := NULL;
	ELSIF augur._is_boolean(m) THEN
		BEGIN
			label := value::boolean::text;
		EXCEPTION WHEN invalid_text_representation THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
				MESSAGE = format('actual value %L is not a boolean', value),
				DETAIL = format('Model "%s" predicts booleans.', m.name);
		END;
	ELSIF NOT augur._is_class(m.id, label) THEN
		PERFORM augur._warn_of_labels(m, 1, label);
	END IF;
	INSERT INTO augur.actuals (model_id, prediction_id, entity, target_time, value, label, observed_at)
	VALUES (m.id, prediction, entity, target_time, number, label,
			coalesce(observed_at, now()))
	RETURNING id INTO actual;
	RETURN actual;
END
$$;
COMMENT ON FUNCTION augur._record_actual(augur.models, bigint, text, timestamptz, text, timestamptz) IS
'Internal. Records an actual value given as text.';

CREATE OR REPLACE FUNCTION augur.record_actual(model text, entity text, target_time timestamptz, value text,
	observed_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model(model);
BEGIN
	m := augur._model_operated(m.id);
	IF entity IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'entity must not be null',
			HINT = 'Name what the actual value is of, as when it was predicted for; or give the number of the prediction.';
	END IF;
	RETURN augur._record_actual(m, NULL, entity, target_time, value, observed_at);
END
$$;
COMMENT ON FUNCTION augur.record_actual(text, text, timestamptz, text, timestamptz) IS
'Records what came true of an entity at a time, for all predictions of the model that are for them (target_time NULL: those without one); returns the number of the row. Recording again corrects it. What is no class of the model counts as an error of the prediction, with a warning; where classes are booleans, 1, t, yes and on are true. observed_at: when it was known, now unless given. For the model''s owner, operators and admins. Example: SELECT augur.record_actual(''churn'', ''42'', NULL, ''yes'').';

CREATE OR REPLACE FUNCTION augur.record_actual(model text, entity text, target_time timestamptz,
	value anynonarray, observed_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur.record_actual(model, entity, target_time, value::text, observed_at)
$$;
COMMENT ON FUNCTION augur.record_actual(text, text, timestamptz, anynonarray, timestamptz) IS
'The same for a number, a boolean, or a value of another type. Example: SELECT augur.record_actual(''prices'', ''flat 7'', ''2026-05-01'', 1250).';

CREATE OR REPLACE FUNCTION augur.record_actual(prediction bigint, value text,
	observed_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models;
	made_by		name;
BEGIN
	SELECT p.made_by INTO made_by FROM augur.predictions p WHERE p.id = prediction;
	SELECT t.* INTO m FROM augur.models t
	WHERE t.id = (SELECT p.model_id FROM augur.predictions p WHERE p.id = prediction);
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('prediction %s does not exist', coalesce(prediction::text, 'NULL')),
			HINT = 'augur.predict_logged and augur.score return the numbers of predictions.';
	END IF;
	IF made_by <> current_user THEN
		m := augur._model_operated(m.id);
	END IF;
	RETURN augur._record_actual(m, prediction, NULL, NULL, value, observed_at);
END
$$;
COMMENT ON FUNCTION augur.record_actual(bigint, text, timestamptz) IS
'Records what came true of one prediction, by the number that augur.predict_logged or augur.score returned. For who made it, the model''s owner, operators and admins. Recording again corrects it.';

CREATE OR REPLACE FUNCTION augur.record_actual(prediction bigint, value anynonarray,
	observed_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur.record_actual(prediction, value::text, observed_at)
$$;
COMMENT ON FUNCTION augur.record_actual(bigint, anynonarray, timestamptz) IS
'The same for a number, a boolean, or a value of another type.';

CREATE OR REPLACE FUNCTION augur.record_actuals(model text, relation regclass, value name,
	entity name DEFAULT NULL, target_time name DEFAULT NULL, prediction name DEFAULT NULL,
	observed_at name DEFAULT NULL, filter text DEFAULT NULL) RETURNS augur.recorded_actuals
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
-- compiling what row security adds takes seconds, and the rest little time
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model(model);
	alias		text := '"augur row"';
	found_type	text;
	found		record;
	result		augur.recorded_actuals;
BEGIN
	m := augur._model_operated(m.id);
	IF relation IS NULL OR value IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation and value must not be null';
	ELSIF (entity IS NULL) = (prediction IS NULL) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'either entity or prediction must name a column',
			HINT = 'entity, with target_time, tells what a row is for; prediction is the number of a prediction.';
	ELSIF target_time IS NOT NULL AND entity IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'target_time goes with entity only';
	END IF;
	found_type := augur._column_type(relation, value);
	PERFORM augur._column_type(relation, coalesce(entity, prediction));
	EXECUTE format('WITH given AS MATERIALIZED (SELECT %s AS prediction_id, %s AS entity, %s AS target_time,'
		' %s AS value, %s AS label, %s AS observed_at FROM %s AS %s%s),'
		' new AS (INSERT INTO augur.actuals AS a (model_id, prediction_id, entity, target_time, value, label, observed_at)'
		' SELECT $1, g.prediction_id, g.entity, g.target_time, g.value, g.label, coalesce(g.observed_at, now()) FROM given g'
		' WHERE (g.value IS NOT NULL OR g.label IS NOT NULL) AND (g.prediction_id IS NOT NULL OR g.entity IS NOT NULL)'
		' ORDER BY g.observed_at, g.prediction_id, g.target_time, g.entity'
		' RETURNING a.prediction_id, a.entity, a.target_time)'
		-- joins, each on columns of an index: an entity may have as many predictions as there are rows
		' SELECT (SELECT count(*) FROM new) AS recorded, (SELECT count(*) FROM new n WHERE n.prediction_id IS NOT NULL'
		' AND EXISTS (SELECT FROM augur.predictions p WHERE p.id = n.prediction_id AND p.model_id = $1))'
		' + (SELECT count(*) FROM new n WHERE n.target_time IS NOT NULL'
		' AND EXISTS (SELECT FROM augur.predictions p WHERE p.model_id = $1 AND p.entity = n.entity AND p.target_time = n.target_time))'
		' + (SELECT count(*) FROM new n WHERE n.target_time IS NULL'
		' AND EXISTS (SELECT FROM augur.predictions p WHERE p.model_id = $1 AND p.entity = n.entity AND p.target_time IS NULL)) AS matched,'
		' (SELECT count(*) FROM given) - (SELECT count(*) FROM new) AS skipped, odd.n, odd.label'
		' FROM (SELECT sum(l.n)::bigint AS n, min(l.label) AS label FROM (SELECT g.label, count(*) AS n FROM given g'
		' WHERE g.label IS NOT NULL GROUP BY g.label) l WHERE NOT augur._is_class($1, l.label)) odd',
		CASE WHEN prediction IS NULL THEN 'NULL::bigint' ELSE format('%s.%I::bigint', alias, prediction) END,
		CASE WHEN entity IS NULL THEN 'NULL::text' ELSE format('%s.%I::text', alias, entity) END,
		CASE WHEN target_time IS NULL THEN 'NULL::timestamptz' ELSE augur._time_column(relation, target_time, alias) END,
		CASE WHEN m.task = 'regression' THEN format('%s.%I::float8', alias, value) ELSE 'NULL::float8' END,
		CASE WHEN m.task = 'regression' THEN 'NULL::text'
			WHEN augur._is_boolean(m) THEN format('%s.%I::text::boolean::text', alias, value)
			ELSE format('%s.%I::text', alias, value) END,
		CASE WHEN observed_at IS NULL THEN 'NULL::timestamptz' ELSE augur._time_column(relation, observed_at, alias) END,
		relation, alias, coalesce(E' WHERE (' || filter || E'\n)', ''))
	USING m.id INTO found;
	IF found.n > 0 THEN
		PERFORM augur._warn_of_labels(m, found.n, found.label);
	END IF;
	result := ROW(found.recorded, found.matched, found.skipped);
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur.record_actuals(text, regclass, name, name, name, name, name, text) IS
'Records what came true from the rows of a table or view, with one INSERT: value is its column of actual values; entity and target_time are those that tell what a row is for, or prediction that of numbers of predictions. Rows whose value or key is NULL are left out and counted. Example: SELECT * FROM augur.record_actuals(''churn'', ''outcomes'', ''left'', entity => ''customer_id'').';

-- ---- losses ---------------------------------------------------------------------------------------

-- lateness NULL: all labels that were there as of then; else those that were no later.  Whoever may
-- predict writes the log: what no sum can hold (numbers beyond 1e70, a probability that is no number)
-- must not keep anybody from the other rows.  A candidate that failed has not answered.
CREATE OR REPLACE FUNCTION augur._losses(model_id bigint, version_id bigint, since timestamptz,
	until timestamptz, base_since timestamptz, lateness interval, as_of timestamptz)
RETURNS SETOF augur.prediction_loss
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
-- tables that have just been filled have no statistics: never once for each row, nor once for each
-- pair of rows of an entity, as of merging by a part of the key
SET enable_nestloop = off
SET enable_mergejoin = off
-- compiling what row security adds takes seconds, and the rest little time
SET jit = off
AS $$
	WITH p AS (
		SELECT t.* FROM augur.predictions t
		WHERE t.model_id = $1 AND t.version_id = coalesce($2, t.version_id) AND t.error IS NULL
		AND coalesce(t.target_time, t.at) >= coalesce($3, '-infinity')
		AND coalesce(t.target_time, t.at) < coalesce($4, 'infinity')
		AND greatest(coalesce(t.target_time, t.at), t.at) >= coalesce($5, '-infinity')
		AND greatest(coalesce(t.target_time, t.at), t.at) <= coalesce($7, 'infinity')),
	a AS (
		SELECT DISTINCT ON (u.of) u.* FROM (
			SELECT p.id AS of, p.at AS made, p.target_time AS target, t.*
			FROM p JOIN augur.actuals t ON t.prediction_id = p.id AND t.model_id = p.model_id
			UNION ALL
			SELECT p.id, p.at, p.target_time, t.*
			FROM p JOIN augur.actuals t ON t.model_id = p.model_id AND t.entity = p.entity
			AND coalesce(t.target_time, 'infinity') = coalesce(p.target_time, 'infinity')) u
		WHERE u.recorded_at <= coalesce($7, 'infinity')
		AND ($6 IS NULL OR u.recorded_at <= greatest(coalesce(u.target, u.made), u.made) + $6)
		ORDER BY u.of, u.id DESC)
	SELECT p.id, p.version, p.at, p.entity, p.target_time, p.value, p.label, a.value, a.label,
		   g.gap ^ 2, g.gap,
		   CASE WHEN a.label IS NOT NULL
				THEN -ln(CASE WHEN jsonb_typeof(p.probabilities -> a.label) = 'number'
							  THEN least(greatest((p.probabilities -> a.label)::numeric, 2.220446049250313e-16),
										 0.9999999999999997779553950749687)::float8
							  ELSE 2.220446049250313e-16 END) END,
		   CASE WHEN a.label IS NOT NULL THEN (p.label IS DISTINCT FROM a.label)::integer END,
		   a.observed_at, a.recorded_at
	FROM p LEFT JOIN a ON a.of = p.id
	CROSS JOIN LATERAL (
		SELECT CASE WHEN p.value IS NOT NULL AND a.value IS NOT NULL
					THEN abs(least(greatest(p.value, -1e70), 1e70) - least(greatest(a.value, -1e70), 1e70)) END AS gap) g
$$;
COMMENT ON FUNCTION augur._losses(bigint, bigint, timestamptz, timestamptz, timestamptz, interval, timestamptz) IS
'Internal. Predictions of a model, or of one version, beside their latest actual value as of a point in time.';

CREATE OR REPLACE FUNCTION augur.losses(model text, since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT NULL) RETURNS SETOF augur.prediction_loss
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	version		bigint;
	m			augur.models;
BEGIN
	IF model ~ '[/@]' THEN
		version := (augur._referred_version(model)).id;
	END IF;
	m := augur._model_operated((augur._model(regexp_replace(model, '[/@].*$', ''))).id);
	RETURN QUERY SELECT * FROM augur._losses(m.id, version, since, until, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION augur.losses(text, timestamptz, timestamptz) IS
'Logged predictions of a model, of all versions or of the one that is named, beside what came true: losses of each, NULL where nothing was recorded yet. since and until are of the time a prediction is for. For the model''s owner, operators and admins.';
