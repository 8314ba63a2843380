-- drift: has a relation moved away from a reference?
--
-- A difference is drift when it is both large (the score reaches the effect floor) and not chance
-- (the adjusted p value is at most alpha): a floor alone fires on small windows, a test alone on
-- large ones.  Numbers: area between the distribution functions over the standard deviation of
-- the reference, tested by Kolmogorov-Smirnov.  Categories: distance of Jensen and Shannon, tested
-- by chi-square, after cells of fewer than five expected rows are put together.  The statistics
-- are in room stats.  One statement a column, all in the snapshot of the caller.

CREATE OR REPLACE FUNCTION augur._drift_kind(type regtype) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT CASE
		WHEN type IN ('int2'::regtype, 'int4', 'int8', 'float4', 'float8', 'numeric') THEN 'numeric'
		WHEN b.typcategory IN ('B', 'E', 'S') THEN 'categorical' END
	FROM pg_type b WHERE b.oid = type
$$;
COMMENT ON FUNCTION augur._drift_kind(regtype) IS
'Internal. How a column of a type is compared: numeric, categorical, or NULL when it cannot be.';

CREATE OR REPLACE FUNCTION augur._drift_numbers(reference regclass, current regclass, column_name name)
	RETURNS augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.drift_column;
	s			record;
BEGIN
	EXECUTE format('WITH raw AS (
			SELECT false AS side, %1$I::float8 AS x FROM %2$s
			UNION ALL SELECT true, %1$I::float8 FROM %3$s),
		rows AS MATERIALIZED (
			SELECT side, CASE WHEN x NOT IN (''NaN'', ''Infinity'', ''-Infinity'') THEN x END AS x FROM raw),
		ends AS (SELECT min(x) AS low, max(x) AS high FROM rows WHERE NOT side)
		SELECT count(*) FILTER (WHERE NOT side) AS rows_r, count(*) FILTER (WHERE side) AS rows_c,
			count(x) FILTER (WHERE NOT side) AS n, count(x) FILTER (WHERE side) AS m,
			stddev_pop(x) FILTER (WHERE NOT side) AS sd,
			count(*) FILTER (WHERE side AND (x < low OR x > high)) AS outside
		FROM rows, ends', column_name, reference, current) INTO s;
	v.n_reference := s.n;
	v.n_current := s.m;
	v.null_reference := (s.rows_r - s.n)::float8 / nullif(s.rows_r, 0);
	v.null_current := (s.rows_c - s.m)::float8 / nullif(s.rows_c, 0);
	v.method := 'wasserstein';
	IF s.n = 0 OR s.m = 0 THEN
		RETURN v;
	END IF;
	v.out_of_range_share := s.outside::float8 / s.m;
	EXECUTE format('SELECT augur.wasserstein(side, x), (augur.ks(side, x)).p_value FROM (
			SELECT false AS side, %1$I::float8 AS x FROM %2$s
			UNION ALL SELECT true, %1$I::float8 FROM %3$s) raw
		WHERE x NOT IN (''NaN'', ''Infinity'', ''-Infinity'')', column_name, reference, current)
		INTO v.score, v.p_value;
	v.score := CASE WHEN v.score = 0 THEN 0 WHEN s.sd = 0 THEN 'Infinity' ELSE v.score / s.sd END;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._drift_numbers(regclass, regclass, name) IS
'Internal. Compares a column of numbers of two relations, without a verdict.';

CREATE OR REPLACE FUNCTION augur._drift_labels(reference regclass, current regclass, column_name name)
	RETURNS augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.drift_column;
	s			record;
BEGIN
	EXECUTE format('WITH cells AS (
			SELECT x, count(*) FILTER (WHERE NOT side) AS r, count(*) FILTER (WHERE side) AS c FROM (
				SELECT false AS side, %1$I::text AS x FROM %2$s
				UNION ALL SELECT true, %1$I::text FROM %3$s) raw GROUP BY x),
		sums AS (SELECT sum(r) AS n, sum(c) AS m FROM cells WHERE x IS NOT NULL),
		merged AS (SELECT sum(r)::float8 AS r, sum(c)::float8 AS c FROM cells, sums
			WHERE x IS NOT NULL
			GROUP BY CASE WHEN (r + c) * least(n, m) >= 5 * (n + m) THEN x END)
		SELECT coalesce(n, 0)::bigint AS n, coalesce(m, 0)::bigint AS m,
			(SELECT coalesce(sum(r), 0)::bigint FROM cells) AS rows_r,
			(SELECT coalesce(sum(c), 0)::bigint FROM cells) AS rows_c,
			(SELECT coalesce(sum(c), 0)::bigint FROM cells WHERE x IS NOT NULL AND r = 0) AS unseen,
			(SELECT array_agg(r ORDER BY r, c) FROM merged) AS rs,
			(SELECT array_agg(c ORDER BY r, c) FROM merged) AS cs
		FROM sums', column_name, reference, current) INTO s;
	v.n_reference := s.n;
	v.n_current := s.m;
	v.null_reference := (s.rows_r - s.n)::float8 / nullif(s.rows_r, 0);
	v.null_current := (s.rows_c - s.m)::float8 / nullif(s.rows_c, 0);
	v.method := 'js_distance';
	IF s.n = 0 OR s.m = 0 THEN
		RETURN v;
	END IF;
	v.unseen_share := s.unseen::float8 / s.m;
	IF cardinality(s.rs) = 1 THEN
		v.score := 0;
		v.p_value := 1;
	ELSE
		v.score := augur.distance('js_distance', s.rs, s.cs);
		v.p_value := (augur.chi_square_test(s.rs, s.cs)).p_value;
	END IF;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._drift_labels(regclass, regclass, name) IS
'Internal. Compares a column of categories of two relations, without a verdict.';

CREATE OR REPLACE FUNCTION augur._drift_verdict(v augur.drift_column, min_rows bigint, alpha float8)
	RETURNS augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	moved		boolean := coalesce(v.adjusted_p <= alpha, false);
	emptied		boolean := coalesce(v.null_adjusted_p <= alpha, false);
	gap			float8 := abs(v.null_current - v.null_reference);
BEGIN
	CASE
	WHEN v.verdict = 'error' THEN
		NULL;
	WHEN moved AND v.score >= v.effect_floor THEN
		v.verdict := 'drift';
		v.detail := 'the values have moved';
	WHEN emptied AND gap >= v.effect_floor THEN
		v.verdict := 'drift';
		v.detail := 'the share of rows without a value has changed';
	WHEN least(v.n_reference, v.n_current) < min_rows THEN
		v.verdict := 'insufficient';
		v.detail := format('fewer than %s values on one side', min_rows);
	WHEN moved AND v.score >= v.effect_floor / 2 OR emptied AND gap >= v.effect_floor / 2 THEN
		v.verdict := 'warn';
		v.detail := 'a difference that is not chance, of at least half the effect floor';
	ELSE
		v.verdict := 'ok';
	END CASE;
	RETURN v;
END
$$;
COMMENT ON FUNCTION augur._drift_verdict(augur.drift_column, bigint, float8) IS
'Internal. Judges a column from its score, shares and adjusted p values.';

CREATE OR REPLACE FUNCTION augur._check_drift_options(min_rows bigint, alpha float8,
	effect_floor float8, drift_share float8 DEFAULT 0.5) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	problem		text := CASE
		WHEN min_rows IS NULL OR min_rows < 1 THEN 'min_rows must be at least 1'
		WHEN alpha IS NULL OR NOT (alpha > 0 AND alpha < 1) THEN 'alpha must be between 0 and 1'
		WHEN effect_floor IS NULL OR NOT (effect_floor > 0 AND effect_floor < 'Infinity') THEN 'effect_floor must be positive'
		WHEN drift_share IS NULL OR NOT (drift_share > 0 AND drift_share <= 1) THEN 'drift_share must be above 0 and at most 1' END;
BEGIN
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem,
			HINT = 'The defaults are min_rows 100, alpha 0.05, effect_floor 0.1 and drift_share 0.5.';
	END IF;
END
$$;
COMMENT ON FUNCTION augur._check_drift_options(bigint, float8, float8, float8) IS
'Internal. An error unless the options of a comparison make sense.';

CREATE OR REPLACE FUNCTION augur._drift_judge(compared augur.drift_column[], min_rows bigint,
	alpha float8) RETURNS SETOF augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.drift_column;
	p			float8[] := '{}';
BEGIN
	FOREACH v IN ARRAY compared LOOP
		p := p || v.p_value || v.null_adjusted_p;
	END LOOP;
	p := augur.adjust_p_values(p);
	FOR i IN 1 .. cardinality(compared) LOOP
		v := compared[i];
		v.adjusted_p := p[2 * i - 1];
		v.null_adjusted_p := p[2 * i];
		RETURN NEXT augur._drift_verdict(v, min_rows, alpha);
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._drift_judge(augur.drift_column[], bigint, float8) IS
'Internal. Adjusts the p values of all columns together, those of missing values (in null_adjusted_p) with them, and judges each column.';

CREATE OR REPLACE FUNCTION augur.drift_between(reference regclass, current regclass,
	columns name[] DEFAULT NULL, min_rows bigint DEFAULT 100, alpha float8 DEFAULT 0.05,
	effect_floor float8 DEFAULT 0.1)
	RETURNS SETOF augur.drift_column
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	c			record;
	v			augur.drift_column;
	done		augur.drift_column[] := '{}';
	rows_r		bigint;
	rows_c		bigint;
BEGIN
	IF reference IS NULL OR current IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'reference and current must not be null';
	END IF;
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor);
	EXECUTE format('SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s)', reference, current)
		INTO rows_r, rows_c;
	FOR c IN
		SELECT w.name, a.atttypid::regtype AS type, augur._drift_kind(a.atttypid) AS kind,
			b.atttypid::regtype AS now_type, augur._drift_kind(b.atttypid) AS now_kind
		FROM (SELECT n AS name, min(o) AS place FROM unnest(columns) WITH ORDINALITY u (n, o) GROUP BY n
			UNION ALL
			SELECT attname, attnum FROM pg_attribute
			WHERE columns IS NULL AND attrelid = reference AND attnum > 0 AND NOT attisdropped
				AND augur._drift_kind(atttypid) IS NOT NULL) w
		LEFT JOIN pg_attribute a ON a.attrelid = reference AND a.attname = w.name
			AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attribute b ON b.attrelid = current AND b.attname = w.name
			AND b.attnum > 0 AND NOT b.attisdropped
		ORDER BY w.place
	LOOP
		IF c.type IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'undefined_column',
				MESSAGE = format('column "%s" does not exist in %s', c.name, reference);
		ELSIF c.kind IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column "%s" of type %s cannot be compared', c.name, c.type),
				HINT = 'Numbers, texts, enums and booleans can.';
		END IF;
		v := NULL;
		IF c.now_type IS NULL THEN
			v.verdict := 'error';
			v.detail := 'the column does not exist in the current relation';
		ELSIF c.now_kind IS DISTINCT FROM c.kind THEN
			v.verdict := 'error';
			v.detail := format('the type has changed from %s to %s', c.type, c.now_type);
		ELSIF c.kind = 'numeric' THEN
			-- one that no float8 holds keeps no other from being compared
			BEGIN
				v := augur._drift_numbers(reference, current, c.name);
			EXCEPTION WHEN numeric_value_out_of_range THEN
				v := NULL;
				v.verdict := 'error';
				v.detail := SQLERRM;
			END;
		ELSE
			v := augur._drift_labels(reference, current, c.name);
		END IF;
		v.column_name := c.name;
		v.kind := c.kind;
		v.effect_floor := drift_between.effect_floor;
		-- too few rows are not tested, and must not weigh on the other tests
		IF least(v.n_reference, v.n_current) < min_rows THEN
			v.p_value := NULL;
		END IF;
		IF least(rows_r, rows_c) >= min_rows AND v.verdict IS NULL THEN
			v.null_adjusted_p := (augur.share_test(round(v.null_reference * rows_r)::bigint, rows_r,
				round(v.null_current * rows_c)::bigint, rows_c)).p_value;
		END IF;
		done := done || v;
	END LOOP;
	RETURN QUERY SELECT * FROM augur._drift_judge(done, min_rows, alpha);
END
$$;
COMMENT ON FUNCTION augur.drift_between(regclass, regclass, name[], bigint, float8, float8) IS
'Compares the columns of a current table or view with those of a reference, a row each. Verdict drift: the score reaches effect_floor and the p value, adjusted for the number of tests, is at most alpha. Below min_rows values the verdict is insufficient. Reads both with the caller''s rights; a view runs its own expressions. Example: SELECT column_name, verdict, score FROM augur.drift_between(''sales_2024'', ''sales_2025'')';

CREATE OR REPLACE FUNCTION augur._drift_dataset(compared augur.drift_column[], drift_share float8,
	OUT judged bigint, OUT drifted bigint, OUT share float8, OUT weighted_share float8,
	OUT verdict text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT judged, drifted, share, weighted,
		CASE WHEN share >= drift_share OR weighted >= drift_share THEN 'drift'
			WHEN failed THEN 'error'
			WHEN share IS NULL THEN 'insufficient'
			WHEN warned THEN 'warn' ELSE 'ok' END
	FROM (SELECT count(*) FILTER (WHERE c.verdict IN ('ok', 'warn', 'drift')) AS judged,
			count(*) FILTER (WHERE c.verdict = 'drift') AS drifted,
			(count(*) FILTER (WHERE c.verdict = 'drift'))::float8
				/ nullif(count(*) FILTER (WHERE c.verdict IN ('ok', 'warn', 'drift')), 0) AS share,
			coalesce(sum(c.importance) FILTER (WHERE c.verdict = 'drift'), CASE WHEN count(c.importance) > 0 THEN 0 END)
				/ nullif(sum(c.importance) FILTER (WHERE c.verdict IN ('ok', 'warn', 'drift')), 0) AS weighted,
			coalesce(bool_or(c.verdict = 'error'), false) AS failed,
			coalesce(bool_or(c.verdict IN ('drift', 'warn')), false) AS warned
		FROM unnest(compared) c WHERE c.part IS NULL OR c.part = 'feature') s
$$;
COMMENT ON FUNCTION augur._drift_dataset(augur.drift_column[], float8) IS
'Internal. The verdict on all columns together: drift when the share of those that have drifted, or their share of the importance, reaches drift_share. Target and predictions do not count.';

CREATE OR REPLACE FUNCTION augur._drift_report(compared augur.drift_column[], drift_share float8)
	RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	SELECT jsonb_build_object('number_of_columns', count(c.column_name) FILTER (WHERE c.part IS NULL OR c.part = 'feature'),
			'number_of_drifted_columns', s.drifted,
			'share_of_drifted_columns', s.share,
			'dataset_drift', coalesce(s.share >= drift_share, false),
			'verdict', s.verdict,
			'drift_by_columns', coalesce(jsonb_object_agg(c.column_name, j.described)
				FILTER (WHERE c.column_name IS NOT NULL AND (c.part IS NULL OR c.part = 'feature')), '{}'))
		|| CASE WHEN s.weighted_share IS NULL THEN '{}'
			ELSE jsonb_build_object('weighted_share_of_drifted_columns', s.weighted_share) END
		|| coalesce(jsonb_object_agg(c.part || '_drift', j.described)
			FILTER (WHERE c.part IN ('target', 'prediction')), '{}')
	FROM augur._drift_dataset(compared, drift_share) s
	LEFT JOIN unnest(compared) c ON true,
	LATERAL (SELECT jsonb_build_object('column_name', c.column_name,
		'column_type', CASE c.kind WHEN 'categorical' THEN 'cat' ELSE 'num' END,
		'stattest_name', c.method, 'stattest_threshold', c.effect_floor,
		'drift_score', CASE WHEN c.score = 'Infinity' THEN '"Infinity"'::jsonb ELSE to_jsonb(c.score) END,
		'drift_detected', c.verdict = 'drift', 'adjusted_p', c.adjusted_p,
		'verdict', c.verdict, 'detail', c.detail) AS described) j
	GROUP BY s.drifted, s.share, s.weighted_share, s.verdict
$$;
COMMENT ON FUNCTION augur._drift_report(augur.drift_column[], float8) IS
'Internal. What a comparison has found, as JSON with the keys of Evidently.';

CREATE OR REPLACE FUNCTION augur.drift_report(reference regclass, current regclass,
	columns name[] DEFAULT NULL, min_rows bigint DEFAULT 100, alpha float8 DEFAULT 0.05,
	effect_floor float8 DEFAULT 0.1, drift_share float8 DEFAULT 0.5)
	RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor, drift_share);
	RETURN augur._drift_report(ARRAY(SELECT b FROM augur.drift_between(reference, current, columns,
		min_rows, alpha, effect_floor) b), drift_share);
END
$$;
COMMENT ON FUNCTION augur.drift_report(regclass, regclass, name[], bigint, float8, float8, float8) IS
'What augur.drift_between finds, as JSON with the keys of Evidently, and the verdict on the whole: drift when at least drift_share of the columns that could be judged have drifted. The share is null when none could. Example: SELECT augur.drift_report(''sales_2024'', ''sales_2025'') ->> ''verdict''';
