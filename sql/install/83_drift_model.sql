-- drift: has a relation moved away from what a model was trained on?
--
-- The reference are the profiles that augur.train stored with the version, so the training rows
-- are not needed.  The current side is one scan of a relation, in parallel where the planner
-- likes, or profiles that are there already.  Judged as in augur.drift_between.

CREATE OR REPLACE TRIGGER version_profiles_guard BEFORE DELETE ON augur.version_profiles
FOR EACH ROW EXECUTE FUNCTION augur._guard_chunk();
CREATE OR REPLACE TRIGGER version_profiles_fixed BEFORE UPDATE ON augur.version_profiles
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER version_profiles_kept BEFORE TRUNCATE ON augur.version_profiles
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

CREATE OR REPLACE FUNCTION augur._profile_kind(type regtype) RETURNS text
	AS 'MODULE_PATHNAME', 'augur_profile_kind_of'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION augur._profile_kind(regtype) IS
'Internal. The kind of a profile of values of a type; NULL when there is none.';

-- A domain over text, or a type like citext, would be taken for a cast to the type of the same name.
CREATE OR REPLACE FUNCTION augur._profile_call(column_name name, type regtype) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT format('augur.profile(r.%I%s)', column_name,
		CASE WHEN t.typcategory = 'S' AND type <> ALL ('{text,varchar,bpchar,name}'::regtype[]) THEN '::text' ELSE '' END)
	FROM pg_type t WHERE t.oid = type
$$;
COMMENT ON FUNCTION augur._profile_call(name, regtype) IS
'Internal. The call that profiles a column of relation r.';

CREATE OR REPLACE FUNCTION augur._drift_of(reference augur.profile, current augur.profile,
	min_rows bigint, effect_floor float8) RETURNS augur.drift_column
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.profile_summary := augur.profile_info(reference);
	c			augur.profile_summary := augur.profile_info(current);
	d			augur.profile_distance;
	v			augur.drift_column;
	times		text[] := '{date,timestamp}';
BEGIN
	v.kind := CASE WHEN r.kind IN ('text', 'boolean') THEN 'categorical' ELSE 'numeric' END;
	v.effect_floor := effect_floor;
	IF r.kind <> c.kind AND NOT (r.kind = ANY (times) AND c.kind = ANY (times)) THEN
		v.verdict := 'error';
		v.detail := format('the type has changed from %s to %s', r.kind, c.kind);
		RETURN v;
	END IF;
	d := augur.profile_difference(reference, current);
	v.method := CASE v.kind WHEN 'numeric' THEN 'wasserstein' ELSE 'js_distance' END;
	v.score := CASE v.kind WHEN 'numeric' THEN d.wasserstein ELSE d.js_distance END;
	v.n_reference := d.n_reference;
	v.n_current := d.n_current;
	v.null_reference := d.null_reference;
	v.null_current := d.null_current;
	v.unseen_share := d.unseen_share;
	v.out_of_range_share := d.out_of_range_share;
	-- too few rows are not tested, and must not weigh on the other tests
	IF least(d.n_reference, d.n_current) >= min_rows THEN
		v.p_value := CASE v.kind WHEN 'numeric' THEN d.ks_p ELSE d.chi_square_p END;
	END IF;
	IF least(d.n_reference + d.missing_reference, d.n_current + d.missing_current) >= min_rows THEN
		v.null_adjusted_p := d.null_p;
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._drift_of(augur.profile, augur.profile, bigint, float8) IS
'Internal. Compares two profiles, without a verdict but error.';

CREATE OR REPLACE FUNCTION augur._drift_version(model text) RETURNS augur.versions
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions := augur._referred_version(model);
	m			augur.models;
BEGIN
	SELECT * INTO m FROM augur.models t WHERE t.id = v.model_id;
	IF NOT augur._operates(m.owner) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for profiles of model "%s"', m.name),
			DETAIL = 'Profiles hold values of the training data.',
			HINT = 'Members of the model''s owner, operators and admins can compare with them.';
	ELSIF NOT EXISTS (SELECT FROM augur.version_profiles p WHERE p.version_id = v.id) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('version %s of model "%s" has no profiles', v.version, m.name),
			DETAIL = 'augur.train and augur.train_query store them; values that were registered, forecasters, and trainings that warned of too little augur.training_memory have none.',
			HINT = 'Compare with the training rows: augur.drift_between(reference, current).';
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._drift_version(text) IS
'Internal. The version that a reference names, if it has profiles and the caller may compare with them.';

CREATE OR REPLACE FUNCTION augur._drift_compare(version_id bigint, parts text[], columns name[],
	profiles augur.profile[], min_rows bigint, alpha float8, effect_floor float8)
	RETURNS SETOF augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	r			record;
	v			augur.drift_column;
	done		augur.drift_column[] := '{}';
BEGIN
	FOR r IN
		SELECT p.part, p.column_name, p.importance, p.profile, c.profile AS current
		FROM unnest(parts, columns, profiles) WITH ORDINALITY c (part, column_name, profile, place)
		JOIN augur.version_profiles p ON p.version_id = version_id AND p.part = c.part
			AND p.column_name = c.column_name
		ORDER BY c.place
	LOOP
		v := NULL;
		IF r.current IS NULL THEN
			-- no rows: judged insufficient
			v.effect_floor := effect_floor;
			v.n_current := 0;
			v.n_reference := (augur.profile_info(r.profile)).n;
		ELSE
			v := augur._drift_of(r.profile, r.current, min_rows, effect_floor);
		END IF;
		v.part := r.part;
		v.column_name := r.column_name;
		v.importance := r.importance;
		done := done || v;
	END LOOP;
	RETURN QUERY SELECT * FROM augur._drift_judge(done, min_rows, alpha);
END
$$;
COMMENT ON FUNCTION augur._drift_compare(bigint, text[], name[], augur.profile[], bigint, float8, float8) IS
'Internal. Compares profiles with those of a version, and judges.';

CREATE OR REPLACE FUNCTION augur.drift(model text, relation regclass, filter text DEFAULT NULL,
	columns name[] DEFAULT NULL, predictions boolean DEFAULT true, min_rows bigint DEFAULT 100,
	alpha float8 DEFAULT 0.05, effect_floor float8 DEFAULT 0.1)
	RETURNS SETOF augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._drift_version(model);
	m			augur.models;
	c			record;
	lost		augur.drift_column;
	failed		augur.drift_column[] := '{}';
	parts		text[] := '{}';
	names		name[] := '{}';
	calls		text[] := '{}';
	current_profiles augur.profile[];
BEGIN
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor);
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation must not be null';
	END IF;
	SELECT * INTO m FROM augur.models t WHERE t.id = v.model_id;
	SELECT u.n INTO c FROM unnest(columns) u (n)
	WHERE NOT EXISTS (SELECT FROM augur.version_profiles p
					  WHERE p.version_id = v.id AND p.part = 'feature' AND p.column_name = u.n) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('model "%s" was not trained on a column "%s"', m.name, c.n),
			HINT = format('It was trained on: %s.', (SELECT string_agg(p.column_name, ', ' ORDER BY p.column_name)
				FROM augur.version_profiles p WHERE p.version_id = v.id AND p.part = 'feature'));
	END IF;
	FOR c IN
		SELECT p.part, p.column_name, p.importance, (augur.profile_info(p.profile)).kind AS kind,
			a.atttypid::regtype AS type, augur._profile_kind(a.atttypid) AS now_kind
		FROM augur.version_profiles p
		LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = p.column_name
			AND a.attnum > 0 AND NOT a.attisdropped
		WHERE p.version_id = v.id AND p.part <> 'prediction'
			AND (columns IS NULL OR p.part = 'target' OR p.column_name = ANY (columns))
		ORDER BY p.part, a.attnum, p.column_name
	LOOP
		-- actual values may come later
		CONTINUE WHEN c.part = 'target' AND c.type IS NULL;
		IF c.part = 'target' AND c.kind = 'text' THEN
			parts := parts || c.part;
			names := names || c.column_name;
			calls := calls || format('augur.profile(r.%I::text)', c.column_name);
		ELSIF c.now_kind IS NULL THEN
			lost := NULL;
			lost.part := c.part;
			lost.column_name := c.column_name;
			lost.importance := c.importance;
			lost.kind := CASE WHEN c.kind IN ('text', 'boolean') THEN 'categorical' ELSE 'numeric' END;
			lost.effect_floor := effect_floor;
			lost.verdict := 'error';
			lost.detail := CASE WHEN c.type IS NULL THEN 'the column does not exist in the current relation'
				ELSE format('the type has changed from %s to %s', c.kind, c.type) END;
			failed := failed || lost;
		ELSE
			parts := parts || c.part;
			names := names || c.column_name;
			calls := calls || augur._profile_call(c.column_name, c.type);
		END IF;
	END LOOP;
	-- what cannot be scored has said so above
	IF predictions AND cardinality(failed) = 0 AND columns IS NULL THEN
		SELECT p.column_name, (augur.profile_info(p.profile)).kind INTO c
		FROM augur.version_profiles p WHERE p.version_id = v.id AND p.part = 'prediction';
		IF FOUND THEN
			parts := parts || 'prediction'::text;
			names := names || c.column_name;
			calls := calls || format('augur.profile(augur.%I(%L, r.*))',
				CASE c.kind WHEN 'text' THEN 'classify' ELSE 'predict' END, m.name || '/' || v.version);
		END IF;
	END IF;
	IF cardinality(calls) > 0 THEN
		EXECUTE format('SELECT ARRAY[%s] FROM %s r%s', array_to_string(calls, ', '), relation,
			CASE WHEN filter IS NULL THEN '' ELSE format(E' WHERE (%s\n)', filter) END) INTO current_profiles;
	END IF;
	RETURN QUERY SELECT * FROM augur._drift_compare(v.id, parts, names, current_profiles, min_rows, alpha, effect_floor);
	RETURN QUERY SELECT * FROM unnest(failed);
END
$$;
COMMENT ON FUNCTION augur.drift(text, regclass, text, name[], boolean, bigint, float8, float8) IS
'Compares a table or view with what a version of a model was trained on: each column that its features are made of, the target where the relation has it, and the scores that the version gives now. One scan with the caller''s rights; filter is a condition on it (a window: at >= now() - interval ''1 day''), whose functions outside pg_catalog are to be written with their schema. predictions => false leaves the scoring out, which costs most. Verdicts as of augur.drift_between. Example: SELECT part, column_name, verdict, score FROM augur.drift(''churn'', ''customers_today'')';

CREATE OR REPLACE FUNCTION augur.drift_profiles(model text, columns name[], profiles augur.profile[],
	min_rows bigint DEFAULT 100, alpha float8 DEFAULT 0.05, effect_floor float8 DEFAULT 0.1)
	RETURNS SETOF augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._drift_version(model);
	unknown		name;
BEGIN
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor);
	IF cardinality(columns) IS DISTINCT FROM cardinality(profiles) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'there must be a profile for each column';
	END IF;
	SELECT u.n INTO unknown FROM unnest(columns) u (n)
	WHERE NOT EXISTS (SELECT FROM augur.version_profiles p
					  WHERE p.version_id = v.id AND p.part <> 'prediction' AND p.column_name = u.n) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('model "%s" was not trained on a column "%s"', model, unknown);
	END IF;
	RETURN QUERY SELECT * FROM augur._drift_compare(v.id,
		ARRAY(SELECT p.part FROM unnest(columns) WITH ORDINALITY u (n, i)
			JOIN augur.version_profiles p ON p.version_id = v.id AND p.part <> 'prediction' AND p.column_name = u.n
			ORDER BY u.i), columns, profiles, min_rows, alpha, effect_floor);
END
$$;
COMMENT ON FUNCTION augur.drift_profiles(text, name[], augur.profile[], bigint, float8, float8) IS
'As augur.drift for profiles that are there already, one for each column and of its type (of its text for a target of classes that is no boolean), such as those of days merged to a month: SELECT d.* FROM (SELECT array_agg(column_name) AS c, array_agg(p) AS p FROM (SELECT column_name, augur.merge_profiles(profile) AS p FROM daily WHERE day >= ''2026-05-01'' GROUP BY column_name) m) s, augur.drift_profiles(''churn'', s.c, s.p) d';

CREATE OR REPLACE FUNCTION augur.model_drift_report(model text, relation regclass,
	filter text DEFAULT NULL, predictions boolean DEFAULT true, min_rows bigint DEFAULT 100,
	alpha float8 DEFAULT 0.05, effect_floor float8 DEFAULT 0.1, drift_share float8 DEFAULT 0.5)
	RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor, drift_share);
	RETURN augur._drift_report(ARRAY(SELECT b FROM augur.drift(model, relation, filter, NULL,
		predictions, min_rows, alpha, effect_floor) b), drift_share);
END
$$;
COMMENT ON FUNCTION augur.model_drift_report(text, regclass, text, boolean, bigint, float8, float8, float8) IS
'What augur.drift finds, as JSON with the keys of Evidently, target_drift and prediction_drift apart. The verdict on the whole is drift when at least drift_share of the columns have drifted, or columns with so much of the model''s importance.';

CREATE OR REPLACE FUNCTION augur.profile_relation(relation regclass, columns name[] DEFAULT NULL,
	filter text DEFAULT NULL) RETURNS TABLE (column_name name, profile augur.profile)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	names		name[];
	calls		text[];
	current_profiles augur.profile[];
	c			record;
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation must not be null';
	END IF;
	SELECT u.n, a.atttypid::regtype AS type INTO c
	FROM unnest(columns) u (n)
	LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = u.n
		AND a.attnum > 0 AND NOT a.attisdropped
	WHERE augur._profile_kind(a.atttypid) IS NULL LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING
			ERRCODE = CASE WHEN c.type IS NULL THEN 'undefined_column' ELSE 'datatype_mismatch' END,
			MESSAGE = CASE WHEN c.type IS NULL THEN format('column "%s" does not exist in %s', c.n, relation)
				ELSE format('column "%s" of type %s cannot be profiled', c.n, c.type) END;
	END IF;
	SELECT array_agg(a.attname ORDER BY a.attnum), array_agg(augur._profile_call(a.attname, a.atttypid) ORDER BY a.attnum)
		INTO names, calls
	FROM pg_attribute a
	WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
		AND augur._profile_kind(a.atttypid) IS NOT NULL
		AND (columns IS NULL OR a.attname = ANY (columns));
	IF names IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT ARRAY[%s] FROM %s r%s', array_to_string(calls, ', '), relation,
		CASE WHEN filter IS NULL THEN '' ELSE format(E' WHERE (%s\n)', filter) END) INTO current_profiles;
	RETURN QUERY SELECT u.n, u.p FROM unnest(names, current_profiles) WITH ORDINALITY u (n, p, i) ORDER BY u.i;
END
$$;
COMMENT ON FUNCTION augur.profile_relation(regclass, name[], text) IS
'Profiles of the columns of a table or view, in one scan with the caller''s rights: all whose type allows, or those named. Example: INSERT INTO daily SELECT current_date, p.* FROM augur.profile_relation(''sales'', filter => ''day = current_date'') p';

-- ---- for validation ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._distribution(current augur.profile, reference augur.profile,
	min_rows bigint, effect_floor float8, alpha float8) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.drift_column;
BEGIN
	IF current IS NULL OR reference IS NULL THEN
		RETURN '{"holds": true}';
	END IF;
	v := augur._drift_of(reference, current, min_rows, effect_floor);
	IF v.verdict = 'error' THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch', MESSAGE = v.detail;
	END IF;
	RETURN jsonb_build_object('holds', NOT coalesce(v.score >= effect_floor AND v.p_value <= alpha, false),
		'method', v.method, 'score', CASE WHEN v.score < 'Infinity' THEN v.score END, 'p_value', v.p_value,
		'n_reference', v.n_reference, 'n_current', v.n_current);
END
$$;
COMMENT ON FUNCTION augur._distribution(augur.profile, augur.profile, bigint, float8, float8) IS
'Internal. Whether values are distributed as those of a reference, and the numbers that say so.';
