-- drift: how a column was and how it is, to look at in psql.

CREATE OR REPLACE FUNCTION augur.profile_histograms(reference augur.profile,
	current augur.profile, bins integer DEFAULT 10)
	RETURNS TABLE (bin text, reference_share float8, current_share float8, reference_bar text, current_bar text)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r			augur.profile_summary := augur.profile_info(reference);
	c			augur.profile_summary := augur.profile_info(current);
	low			float8 := least(r.low, c.low);
	high		float8 := greatest(r.high, c.high);
	width		integer := 30;
BEGIN
	IF bins < 1 OR bins > 1000 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'bins must be between 1 and 1000';
	ELSIF (r.kind IN ('text', 'boolean')) <> (c.kind IN ('text', 'boolean')) THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('profiles of a %s and of a %s cannot be compared', r.kind, c.kind);
	END IF;
	RETURN QUERY
	WITH cells AS (
		SELECT i AS place, format('%s to %s', f.low, f.high) AS bin,
			coalesce(augur.profile_rank(reference, f.up) - CASE WHEN i = 1 THEN 0 ELSE augur.profile_rank(reference, f.down) END, 0) AS a,
			coalesce(augur.profile_rank(current, f.up) - CASE WHEN i = 1 THEN 0 ELSE augur.profile_rank(current, f.down) END, 0) AS b
		FROM generate_series(1, bins) i,
		LATERAL (SELECT low + (i - 1) * (high - low) / bins AS down,
			CASE WHEN i = bins THEN high ELSE low + i * (high - low) / bins END AS up) e,
		LATERAL (SELECT e.down, e.up,
			CASE WHEN r.first_time IS NULL THEN round(e.down::numeric, 4 - least(greatest(floor(log(greatest(abs(low), abs(high), 1e-12)))::integer, -8), 3))::text
				ELSE (timestamp '2000-01-01' + e.down * interval '1 day')::date::text END AS low,
			CASE WHEN r.first_time IS NULL THEN round(e.up::numeric, 4 - least(greatest(floor(log(greatest(abs(low), abs(high), 1e-12)))::integer, -8), 3))::text
				ELSE (timestamp '2000-01-01' + e.up * interval '1 day')::date::text END AS high) f
		WHERE r.kind NOT IN ('text', 'boolean') AND low IS NOT NULL
		UNION ALL
		(SELECT 0, coalesce(l.label, k.label), coalesce(l.share, 0), coalesce(k.share, 0)
		 FROM augur.profile_labels(reference, 1000) l
		 FULL JOIN augur.profile_labels(current, 1000) k ON k.label = l.label
		 WHERE r.kind IN ('text', 'boolean')
		 ORDER BY greatest(l.share, k.share) DESC, 2 LIMIT bins)),
	most AS (SELECT nullif(max(greatest(a, b)), 0) AS share FROM cells)
	SELECT x.bin, x.a, x.b, repeat('#', round(width * x.a / m.share)::integer), repeat('#', round(width * x.b / m.share)::integer)
	FROM cells x, most m ORDER BY x.place, greatest(x.a, x.b) DESC, x.bin;
END
$$;
COMMENT ON FUNCTION augur.profile_histograms(augur.profile, augur.profile, integer) IS
'Two profiles beside each other, in bins of equal width over the range of both, or by the most frequent labels, with bars to look at in psql.';

CREATE OR REPLACE FUNCTION augur.drift_histogram(model text, column_name name, relation regclass,
	filter text DEFAULT NULL, bins integer DEFAULT 10)
	RETURNS TABLE (bin text, reference_share float8, current_share float8, reference_bar text, current_bar text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._drift_version(model);
	reference	augur.profile;
	current		augur.profile;
BEGIN
	SELECT p.profile INTO reference FROM augur.version_profiles p
	WHERE p.version_id = v.id AND p.part <> 'prediction' AND p.column_name = column_name;
	IF reference IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('model "%s" was not trained on a column %s', model, quote_nullable(column_name)),
			HINT = format('It was trained on: %s.', (SELECT string_agg(p.column_name, ', ' ORDER BY p.column_name)
				FROM augur.version_profiles p WHERE p.version_id = v.id AND p.part = 'feature'));
	END IF;
	SELECT p.profile INTO current FROM augur.profile_relation(relation, ARRAY[column_name], filter) p;
	RETURN QUERY SELECT * FROM augur.profile_histograms(reference, current, bins);
END
$$;
COMMENT ON FUNCTION augur.drift_histogram(text, name, regclass, text, integer) IS
'A column as it was when a version of a model was trained, and as it is in a relation now, as bars in psql. Example: SELECT * FROM augur.drift_histogram(''churn'', ''age'', ''customers_today'')';
