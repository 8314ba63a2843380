-- drift: can a forest tell the two sides apart?
--
-- A random forest is trained to tell rows of the reference from current ones (a domain
-- classifier).  Out of bag its AUC is one half when there is nothing to tell, whatever the
-- columns look like alone, and its importances name the columns that give the current rows away.
-- The interval of the AUC is that of Hanley and McNeil 1982, Radiology 143:29.

CREATE OR REPLACE FUNCTION augur.domain_drift(reference regclass, current regclass,
	columns name[] DEFAULT NULL, filter text DEFAULT NULL, rows integer DEFAULT 5000,
	auc_floor float8 DEFAULT 0.65, n_trees integer DEFAULT 100, seed bigint DEFAULT 42,
	OUT auc float8, OUT lower float8, OUT upper float8, OUT verdict text, OUT n_reference bigint,
	OUT n_current bigint, OUT importances jsonb)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	names		name[];
	unknown		name;
	list		text;
	value		augur.model;
	info		jsonb;
	q1			float8;
	q2			float8;
	error		float8;
BEGIN
	IF reference IS NULL OR current IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'reference and current must not be null';
	ELSIF rows IS NULL OR rows < 100 OR rows > 1000000 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'rows must be between 100 and 1000000';
	ELSIF auc_floor IS NULL OR NOT (auc_floor > 0.5 AND auc_floor < 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'auc_floor must be between 0.5 and 1';
	END IF;
	SELECT u INTO unknown FROM unnest(columns) u
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = reference AND a.attname = u AND a.attnum > 0 AND NOT a.attisdropped)
		OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = current AND a.attname = u AND a.attnum > 0 AND NOT a.attisdropped)
	LIMIT 1;
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('column "%s" does not exist on both sides', unknown);
	END IF;
	SELECT array_agg(a.attname ORDER BY a.attnum) INTO names
	FROM pg_attribute a JOIN pg_attribute b ON b.attrelid = current AND b.attname = a.attname
		AND b.attnum > 0 AND NOT b.attisdropped AND b.atttypid = a.atttypid
	WHERE a.attrelid = reference AND a.attnum > 0 AND NOT a.attisdropped
		AND augur._profile_kind(a.atttypid) IS NOT NULL
		AND (columns IS NULL OR a.attname = ANY (columns));
	IF names IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'the two sides have no column of the same name and type that could be compared';
	END IF;
	list := (SELECT string_agg(format('r.%I', n), ', ' ORDER BY i) FROM unnest(names) WITH ORDINALITY u (n, i));
	-- the same rows each time, whatever order they lie in: those of the smallest hashes
	EXECUTE format('WITH sides AS (
			(SELECT false AS "augur side", %1$s FROM %2$s r ORDER BY hashtextextended(ROW(%1$s)::text, $1), ROW(%1$s)::text LIMIT $2)
			UNION ALL
			(SELECT true, %1$s FROM %3$s r%4$s ORDER BY hashtextextended(ROW(%1$s)::text, $1), ROW(%1$s)::text LIMIT $2))
		SELECT count(*) FILTER (WHERE NOT "augur side"), count(*) FILTER (WHERE "augur side"),
			CASE WHEN least(count(*) FILTER (WHERE NOT "augur side"), count(*) FILTER (WHERE "augur side")) >= 100
				THEN augur.random_forest_agg("augur side", r, $3) END
		FROM (SELECT "augur rows"."augur side", "augur rows" AS r FROM sides "augur rows") t',
		list, reference, current, CASE WHEN filter IS NULL THEN '' ELSE format(E' WHERE (%s\n)', filter) END)
	INTO n_reference, n_current, value
	USING seed, rows, jsonb_build_object('n_trees', n_trees, 'seed', seed, 'min_samples_leaf', 5,
		'exclude', jsonb_build_array('augur side'));
	IF value IS NULL THEN
		verdict := 'insufficient';
		RETURN;
	END IF;
	info := augur.model_info(value);
	auc := (info ->> 'oob_score')::float8;
	q1 := auc / (2 - auc);
	q2 := 2 * auc * auc / (1 + auc);
	error := sqrt(greatest(auc * (1 - auc) + (n_reference - 1) * (q1 - auc * auc) + (n_current - 1) * (q2 - auc * auc), 0)
		/ (n_reference::float8 * n_current));
	lower := greatest(auc - 1.959963984540054 * error, 0);
	upper := least(auc + 1.959963984540054 * error, 1);
	verdict := CASE WHEN auc >= auc_floor AND lower > 0.5 THEN 'drift'
		WHEN auc >= (auc_floor + 0.5) / 2 AND lower > 0.5 THEN 'warn' ELSE 'ok' END;
	importances := info -> 'importance';
END
$$;
COMMENT ON FUNCTION augur.domain_drift(regclass, regclass, name[], text, integer, float8, integer, bigint) IS
'Trains a random forest to tell current rows from those of a reference: finds what no column shows alone. auc: out of bag, 0.5 when nothing can be told; verdict drift: it reaches auc_floor, and its 95 % interval lies above 0.5. importances: what gives the current rows away. At most rows rows a side, the same ones each time; filter is a condition on the current ones, as r. Columns of the same name and type on both sides, or those named. Example: SELECT * FROM augur.domain_drift(''sales_2024'', ''sales_2025'')';
