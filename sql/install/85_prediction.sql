-- prediction: scoring with a log; 85_prediction_actual.sql records what came true.

-- ---- finding versions ---------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._referred_version(model text) RETURNS augur.versions
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	parts		text[] := regexp_match(model, '^([^/@]*)(?:/([0-9]{1,9})|@(.*))?$');
	m			augur.models := augur._model(coalesce(parts[1], model));
	v			augur.versions;
BEGIN
	IF m.task = 'forecasting' THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('model "%s" forecasts series and scores no rows', m.name),
			HINT = 'Use augur.store_forecast and augur.forecast_accuracy.';
	END IF;
	IF parts[2] IS NOT NULL THEN
		RETURN augur._version(m, parts[2]::integer);
	END IF;
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
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._referred_version(text) IS
'Internal. The version of a regression or classification model that a reference leads to.';

CREATE OR REPLACE FUNCTION augur._model_operated(id bigint) RETURNS augur.models
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	m			augur.models;
BEGIN
	SELECT * INTO m FROM augur.models t WHERE t.id = _model_operated.id;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('model %s does not exist', coalesce(_model_operated.id::text, 'NULL'));
	ELSIF NOT augur._operates(m.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for model "%s"', m.name),
			DETAIL = format('Only members of its owner "%s", operators and admins may do this.',
							pg_get_userbyid(m.owner));
	END IF;
	RETURN m;
END
$$;
COMMENT ON FUNCTION augur._model_operated(bigint) IS
'Internal. The row of a model that the current user owns or operates; an error when that is not so.';

-- ---- partitions -----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._predictions_owned() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'augur.predictions'::regclass
$$;
COMMENT ON FUNCTION augur._predictions_owned() IS
'Internal. Whether the current user may make and drop partitions of augur.predictions.';

CREATE OR REPLACE FUNCTION augur._check_predictions_owned() RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT augur._predictions_owned() THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = 'must be owner of table augur.predictions',
			DETAIL = 'It belongs to the owner of the extension.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_predictions_owned() IS
'Internal. An error unless the current user may make and drop partitions of augur.predictions.';

CREATE OR REPLACE FUNCTION augur._month_name(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT 'predictions_' || to_char(at AT TIME ZONE 'UTC', 'YYYY_MM')
$$;
COMMENT ON FUNCTION augur._month_name(timestamptz) IS
'Internal. Name of the partition of augur.predictions for a point in time.';

-- Whoever calls this holds the lock that keeps others from making partitions.
CREATE OR REPLACE FUNCTION augur._make_partition(at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
-- bounds are written as text, and names of zones (IST) may be read as those of others
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
	name		text := augur._month_name(at);
	low			timestamptz := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
	high		timestamptz := (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
	EXECUTE format('CREATE TABLE augur.%I (LIKE augur.predictions INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
				   ' INCLUDING STORAGE INCLUDING COMMENTS)', name);
	EXECUTE format('ALTER TABLE augur.%I OWNER TO %I', name,
				   (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = 'augur.predictions'::regclass));
	EXECUTE format('ALTER TABLE augur.%I ADD PRIMARY KEY (id)', name);
	EXECUTE format('CREATE INDEX %I ON augur.%I (model_id, version_id, greatest(coalesce(target_time, at), at))',
				   name || '_version', name);
	EXECUTE format('CREATE INDEX %I ON augur.%I (model_id, entity, target_time)', name || '_entity', name);
	EXECUTE format('ALTER TABLE augur.%I ENABLE ROW LEVEL SECURITY', name);
	EXECUTE format('COMMENT ON TABLE augur.%I IS %L', name, 'Predictions of one month (UTC).');
	EXECUTE format('WITH moved AS (DELETE FROM augur.predictions_default p WHERE p.at >= %L AND p.at < %L RETURNING p.*)'
				   ' INSERT INTO augur.%I SELECT * FROM moved', low, high, name);
	EXECUTE format('ALTER TABLE augur.predictions ATTACH PARTITION augur.%I FOR VALUES FROM (%L) TO (%L)',
				   name, low, high);
END
$$;
COMMENT ON FUNCTION augur._make_partition(timestamptz) IS
'Internal. Makes the partition of augur.predictions for the month of a point in time, and moves its rows out of the default one.';

CREATE OR REPLACE FUNCTION augur.partition_predictions() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	month		timestamptz;
	made		integer := 0;
BEGIN
	PERFORM augur._check_predictions_owned();
	-- ATTACH asks for less; but a row that is on its way to the default partition when another one
	-- is attached would be an error of whoever logs it
	LOCK TABLE augur.predictions IN SHARE ROW EXCLUSIVE MODE;
	LOCK TABLE augur.predictions_default IN ACCESS EXCLUSIVE MODE;
	FOR month IN
		SELECT date_trunc('month', p.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' FROM augur.predictions_default p
		UNION SELECT now() UNION SELECT (now() AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'
	LOOP
		IF to_regclass(format('augur.%I', augur._month_name(month))) IS NULL THEN
			PERFORM augur._make_partition(month);
			made := made + 1;
		END IF;
	END LOOP;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.partition_predictions() IS
'Makes the partitions of augur.predictions that are missing: for this month and the next, and for rows in the default one, which are moved. Returns how many. For the owner of the extension; schedule it once a day, or let the owner''s own logging do it. Waits for open transactions that have logged, and logging waits for it.';

CREATE OR REPLACE FUNCTION augur._prepare_log() RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	IF NOT augur._may_log() THEN
		RETURN false;
	END IF;
	IF to_regclass(format('augur.%I', augur._month_name(now()))) IS NULL AND augur._predictions_owned() THEN
		-- when that would have to wait, or rows would have to move, the default partition does
		BEGIN
			LOCK TABLE augur.predictions IN SHARE ROW EXCLUSIVE MODE NOWAIT;
			LOCK TABLE augur.predictions_default IN ACCESS EXCLUSIVE MODE NOWAIT;
			IF to_regclass(format('augur.%I', augur._month_name(now()))) IS NULL
				AND NOT EXISTS (SELECT FROM augur.predictions_default p)
			THEN
				PERFORM augur.partition_predictions();
			END IF;
		EXCEPTION WHEN lock_not_available OR object_in_use THEN
			NULL;
		END;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION augur._prepare_log() IS
'Internal. Whether predictions can be logged; makes this month''s partition when the current user may and nobody is in the way.';

CREATE OR REPLACE FUNCTION augur._partitions_before(before timestamptz, OUT name name) RETURNS SETOF name
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'augur.predictions'::regclass
	AND CASE WHEN c.relname ~ '^predictions_[0-9]{4}_(0[1-9]|1[0-2])$'
			 THEN (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= before END
	ORDER BY c.relname
$$;
COMMENT ON FUNCTION augur._partitions_before(timestamptz) IS
'Internal. Partitions of augur.predictions whose month had passed by then.';

CREATE OR REPLACE FUNCTION augur.drop_predictions(before timestamptz, OUT partitions integer,
	OUT predictions bigint, OUT actuals bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	part		record;
BEGIN
	PERFORM augur._check_predictions_owned();
	partitions := 0;
	FOR part IN SELECT * FROM augur._partitions_before(before) LOOP
		IF partitions = 0 THEN
			-- what dropping needs, at once: asked for later it could deadlock
			LOCK TABLE augur.predictions IN ACCESS EXCLUSIVE MODE;
		END IF;
		-- another session may have dropped it meanwhile
		IF to_regclass(format('augur.%I', part.name)) IS NOT NULL THEN
			EXECUTE format('DROP TABLE augur.%I', part.name);
			partitions := partitions + 1;
		END IF;
	END LOOP;
	DELETE FROM augur.predictions p WHERE p.at < before;
	GET DIAGNOSTICS predictions = ROW_COUNT;
	DELETE FROM augur.actuals a WHERE a.recorded_at < before;
	GET DIAGNOSTICS actuals = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION augur.drop_predictions(timestamptz) IS
'Removes predictions made, and actuals recorded, before a point in time: whole months by dropping their partitions, which costs nothing, the rest row by row. Returns the partitions dropped and the rows deleted besides. For the owner of the extension. Example: SELECT * FROM augur.drop_predictions(now() - interval ''1 year'').';

CREATE OR REPLACE FUNCTION augur._guard_prediction() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	-- fires in a partition, whose name tells nothing
	RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
		MESSAGE = 'update on augur.predictions is not allowed',
		DETAIL = 'Its rows are never changed.',
		HINT = 'What came true goes to augur.actuals: use augur.record_actual.';
END
$$;
COMMENT ON FUNCTION augur._guard_prediction() IS
'Internal. Trigger: refuses to change a logged prediction.';
CREATE OR REPLACE TRIGGER predictions_fixed BEFORE UPDATE ON augur.predictions
FOR EACH ROW EXECUTE FUNCTION augur._guard_prediction();
CREATE OR REPLACE TRIGGER actuals_fixed BEFORE UPDATE ON augur.actuals
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER actuals_kept BEFORE TRUNCATE ON augur.actuals
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

-- ---- scoring with a log -----------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._may_log() RETURNS boolean
	AS 'MODULE_PATHNAME', 'augur_logging_may'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION augur._may_log() IS
'Internal. Whether this transaction may write; if not, the caller is told once.';

CREATE OR REPLACE FUNCTION augur._names_of(list jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	RETURN ARRAY(SELECT jsonb_array_elements_text(list));
END
$$;
COMMENT ON FUNCTION augur._names_of(jsonb) IS
'Internal. The texts of a JSON array in their order.';

CREATE OR REPLACE FUNCTION augur._class_names(v augur.versions) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT augur._names_of(v.signature -> 'classes')
$$;
COMMENT ON FUNCTION augur._class_names(augur.versions) IS
'Internal. The classes of a version in their order; NULL for regression.';

CREATE OR REPLACE FUNCTION augur._answer(pinned text, classes text[], "row" record, OUT value float8,
	OUT label text, OUT probability float8, OUT shares jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	p			augur.prediction := augur.predict_full(pinned, "row");
BEGIN
	value := p.value;
	label := p.label;
	probability := p.probability;
	IF cardinality(classes) = 2 THEN
		shares := jsonb_build_object(classes[1], 1 - p.value, classes[2], p.value);
	ELSIF classes IS NOT NULL THEN
		shares := augur.probabilities(pinned, "row");
	END IF;
END
$$;
COMMENT ON FUNCTION augur._answer(text, text[], record) IS
'Internal. What a version answers for a row, as it is logged.';

CREATE OR REPLACE FUNCTION augur.predict_logged(model text, "row" record, entity text DEFAULT NULL,
	target_time timestamptz DEFAULT NULL, keep_features boolean DEFAULT false) RETURNS augur.logged_prediction
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions;
	r			record;
	pinned		text;
	p			augur.prediction;
	shares		jsonb;
	result		augur.logged_prediction;
	logs		boolean;
	a			record;
	made		bigint;
BEGIN
	-- This is called once a row: what a bare name mostly needs is looked up at once.  An alias or a
	-- number says which version is wanted, and takes no part in a rollout.
	SELECT m.id AS model_id, t.id AS version_id, t.version, t.signature -> 'classes' AS classes,
		o.id, o.candidate_id, c.version AS candidate, c.signature -> 'classes' AS candidate_classes,
		o.mode, o.salt, (o.weight * 100)::integer AS share
	INTO r
	FROM augur.models m
	JOIN augur.aliases l ON l.model_id = m.id AND l.alias = 'production'
	JOIN augur.versions t ON t.id = l.version_id
	LEFT JOIN augur.rollouts o ON o.model_id = m.id AND o.champion_id = t.id AND o.state = ANY ('{running,paused}')
	LEFT JOIN augur.versions c ON c.id = o.candidate_id
	WHERE m.name = model AND m.task <> 'forecasting';
	IF NOT FOUND THEN
		v := augur._referred_version(model);
		SELECT v.model_id, v.id AS version_id, v.version, v.signature -> 'classes' AS classes, NULL::bigint AS id INTO r;
		pinned := (SELECT m.name FROM augur.models m WHERE m.id = v.model_id) || '/' || v.version;
	ELSE
		pinned := model || '/' || r.version;
	END IF;
	IF r.id IS NULL THEN
		p := augur.predict_full(pinned, "row");
		result := ROW(NULL, p.value, p.label, p.probability, r.version);
		IF augur._prepare_log() THEN
			IF jsonb_array_length(r.classes) = 2 THEN
				shares := jsonb_build_object(r.classes ->> 0, 1 - p.value, r.classes ->> 1, p.value);
			ELSIF jsonb_typeof(r.classes) = 'array' THEN
				shares := augur.probabilities(pinned, "row");
			END IF;
			INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, target_time, value, label,
				probabilities, features)
			VALUES (r.model_id, r.version_id, r.version, model, entity, target_time, p.value, p.label, shares,
					CASE WHEN keep_features THEN to_jsonb("row") END)
			RETURNING id INTO result.prediction_id;
		END IF;
		RETURN result;
	END IF;
	logs := augur._prepare_log();
	FOR a IN
		SELECT * FROM augur._rollout_answers(pinned, augur._names_of(r.classes), model || '/' || r.candidate, augur._names_of(r.candidate_classes),
			CASE WHEN logs OR r.mode = 'canary' THEN r.mode END,
			coalesce(augur._bucket(entity, r.salt), floor(random() * 10000)::integer) < r.share, "row")
	LOOP
		made := NULL;
		IF logs THEN
			INSERT INTO augur.predictions (model_id, version_id, version, reference, entity, target_time, value, label,
				probabilities, features, rollout_id, arm, error)
			VALUES (r.model_id, CASE WHEN a.asked THEN r.candidate_id ELSE r.version_id END, CASE WHEN a.asked THEN r.candidate ELSE r.version END,
					model, entity, target_time, a.value, a.label, a.shares, CASE WHEN keep_features THEN to_jsonb("row") END,
					CASE WHEN a.arm IS NOT NULL THEN r.id END, a.arm, a.error)
			RETURNING id INTO made;
		END IF;
		IF a.served THEN
			result := ROW(made, a.value, a.label, a.probability, CASE WHEN a.asked THEN r.candidate ELSE r.version END);
		END IF;
	END LOOP;
	RETURN result;
END
$$;
COMMENT ON FUNCTION augur.predict_logged(text, record, text, timestamptz, boolean) IS
'Scores one row and logs the answer in augur.predictions, under the key of what it is for and the time it is for, so that augur.record_actual can tell later what came true. keep_features keeps the row, too. While a rollout of the model runs, a bare name takes part in it: that version answers which the entity is routed to, and in shadow mode both are asked and logged. In a read-only transaction and on a standby it scores and does not log. Example: SELECT p.* FROM customers c, augur.predict_logged(''churn'', c, c.id::text) p WHERE c.id = 42. For many rows use augur.score.';

CREATE OR REPLACE FUNCTION augur._time_column(relation regclass, column_name name, alias text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	type		text := augur._column_type(relation, column_name);
BEGIN
	IF type NOT IN ('date', 'timestamp without time zone', 'timestamp with time zone') THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('column "%s" of %s has type %s, not a date or timestamp', column_name, relation, type);
	END IF;
	RETURN format(CASE type WHEN 'timestamp with time zone' THEN '%s.%I'
				  WHEN 'date' THEN '(%s.%I::timestamp AT TIME ZONE ''UTC'')'
				  ELSE '(%s.%I AT TIME ZONE ''UTC'')' END, alias, column_name);
END
$$;
COMMENT ON FUNCTION augur._time_column(regclass, name, text) IS
'Internal. A column as an expression of type timestamptz; a date or timestamp is taken to be of UTC.';

-- The rows of a relation while a rollout runs: $1 to $8 are what augur._rollout_answers is told.
CREATE OR REPLACE FUNCTION augur._score_rollout(model text, v augur.versions, name text, r record, relation regclass,
	key name, target_time name, filter text, keep_features boolean) RETURNS SETOF augur.scored_row
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	c			augur.versions;
	classes		text[] := augur._class_names(v);
	logs		boolean := augur._prepare_log();
	mode		text := CASE WHEN logs OR r.mode = 'canary' THEN r.mode END;
	alias		text := '"augur row"';
	entity		text := CASE WHEN key IS NULL THEN 'NULL::text' ELSE format('%s.%I::text', alias, key) END;
	scored		text;
BEGIN
	SELECT t.* INTO c FROM augur.versions t WHERE t.id = r.candidate_id;
	scored := format('SELECT %1$s AS entity, %2$s AS target_time, p.value, p.label, p.shares, %3$s AS features, p.asked, p.served,'
		' p.arm, p.error FROM %4$s AS %5$s CROSS JOIN LATERAL augur._rollout_answers($1, $2, $3, $4, $5,'
		' coalesce(augur._bucket(%1$s, $6), floor(random() * 10000)::integer) < $7, %5$s) p%6$s',
		entity, CASE WHEN target_time IS NULL THEN 'NULL::timestamptz' ELSE augur._time_column(relation, target_time, alias) END,
		CASE WHEN keep_features THEN format('to_jsonb(%s)', alias) ELSE 'NULL::jsonb' END,
		-- the line feed ends a comment
		relation, alias, coalesce(E' WHERE (' || filter || E'\n)', ''));
	IF NOT logs THEN
		RETURN QUERY EXECUTE format('SELECT NULL::bigint, s.entity, s.target_time, s.value, s.label, CASE WHEN s.asked THEN $8 ELSE $9 END'
			' FROM (%s) s WHERE s.served', scored)
			USING name || '/' || v.version, classes, name || '/' || c.version, augur._class_names(c), mode, r.salt, r.share,
				c.version, v.version;
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('WITH s AS MATERIALIZED (%s),'
		' l AS (INSERT INTO augur.predictions AS l (model_id, version_id, version, reference, entity, target_time, value, label,'
		' probabilities, features, rollout_id, arm, error)'
		' SELECT $10, CASE WHEN s.asked THEN $11 ELSE $12 END, CASE WHEN s.asked THEN $8 ELSE $9 END, $13, s.entity, s.target_time,'
		' s.value, s.label, s.shares, s.features, CASE WHEN s.arm IS NOT NULL THEN $14 END, s.arm, s.error FROM s'
		' RETURNING l.id, l.entity, l.target_time, l.value, l.label, l.version, l.arm, l.error)'
		' SELECT l.id, l.entity, l.target_time, l.value, l.label, l.version FROM l'
		' WHERE l.error IS NULL AND l.arm IS DISTINCT FROM %L', scored, 'shadow')
		USING name || '/' || v.version, classes, name || '/' || c.version, augur._class_names(c), mode, r.salt, r.share,
			c.version, v.version, v.model_id, c.id, v.id, model, r.id;
END
$$;
COMMENT ON FUNCTION augur._score_rollout(text, augur.versions, text, record, regclass, name, name, text, boolean) IS
'Internal. augur.score while a rollout of the model runs.';

CREATE OR REPLACE FUNCTION augur.score(model text, relation regclass, key name DEFAULT NULL,
	target_time name DEFAULT NULL, filter text DEFAULT NULL, keep_features boolean DEFAULT false)
RETURNS SETOF augur.scored_row
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._referred_version(model);
	classes		text[] := augur._class_names(v);
	name		text := (SELECT m.name FROM augur.models m WHERE m.id = v.model_id);
	pinned		text := name || '/' || v.version;
	alias		text := '"augur row"';
	r			record;
	scored		text;
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'relation must not be null';
	ELSIF key IS NOT NULL THEN
		PERFORM augur._column_type(relation, key);
	END IF;
	-- an alias or a number says which version is wanted, and takes no part in a rollout
	SELECT t.id, t.candidate_id, t.mode, t.salt, (t.weight * 100)::integer AS share INTO r FROM augur.rollouts t
	WHERE t.model_id = v.model_id AND t.champion_id = v.id AND t.state = ANY ('{running,paused}') AND model = name;
	IF FOUND THEN
		RETURN QUERY SELECT * FROM augur._score_rollout(model, v, name, r, relation, key, target_time, filter, keep_features);
		RETURN;
	END IF;
	scored := format('SELECT %s AS entity, %s AS target_time, p.value, p.label, %s AS probabilities, %s AS features'
		' FROM %s AS %s CROSS JOIN LATERAL augur.predict_full(%L, %s) p%s',
		CASE WHEN key IS NULL THEN 'NULL::text' ELSE format('%s.%I::text', alias, key) END,
		CASE WHEN target_time IS NULL THEN 'NULL::timestamptz' ELSE augur._time_column(relation, target_time, alias) END,
		CASE WHEN classes IS NULL THEN 'NULL::jsonb'
			 WHEN cardinality(classes) = 2 THEN format('jsonb_build_object(%L::text, 1 - p.value, %L::text, p.value)', classes[1], classes[2])
			 ELSE format('augur.probabilities(%L, %s)', pinned, alias) END,
		CASE WHEN keep_features THEN format('to_jsonb(%s)', alias) ELSE 'NULL::jsonb' END,
		relation, alias, pinned, alias,
		-- the line feed ends a comment
		coalesce(E' WHERE (' || filter || E'\n)', ''));
	IF NOT augur._prepare_log() THEN
		RETURN QUERY EXECUTE format('SELECT NULL::bigint, s.entity, s.target_time, s.value, s.label, %s FROM (%s) s',
									v.version, scored);
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('WITH s AS MATERIALIZED (%s) INSERT INTO augur.predictions AS l (model_id, version_id,'
		' version, reference, entity, target_time, value, label, probabilities, features)'
		' SELECT $1, $2, $3, $4, s.* FROM s RETURNING l.id, l.entity, l.target_time, l.value, l.label, l.version', scored)
		USING v.model_id, v.id, v.version, model;
END
$$;
COMMENT ON FUNCTION augur.score(text, regclass, name, name, text, boolean) IS
'Scores the rows of a table or view, and logs them with one INSERT: key and target_time are its columns that tell what a row is for, filter a condition on its rows. Returns the answers. One version scores all rows, unless a rollout of the model runs: then a bare name takes part in it, row by row. keep_features keeps the rows, too. In a read-only transaction and on a standby it scores and does not log. Example: SELECT count(*) FROM augur.score(''churn'', ''customers'', key => ''id'').';
