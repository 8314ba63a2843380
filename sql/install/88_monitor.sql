-- monitor: comparisons that are made on a schedule, kept, and turned into events.
--
-- pg_cron or anybody else calls augur.check_monitors often; each monitor says when it is due.
-- A look that fails is kept as verdict error and keeps no other from being made.  An event is
-- written when a monitor becomes alarmed, and when that is over, not at every look.

CREATE OR REPLACE TRIGGER drift_runs_fixed BEFORE UPDATE ON augur.drift_runs
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER drift_runs_kept BEFORE TRUNCATE ON augur.drift_runs
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER drift_columns_fixed BEFORE UPDATE ON augur.drift_columns
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER drift_columns_kept BEFORE TRUNCATE ON augur.drift_columns
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();

-- ---- a cheap first look --------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._signal_numbers(profile augur.profile, vals float8[],
	freqs float8[], bounds float8[], present float8) RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
	-- of the values that are there: the frequent ones, and between two bounds of the others equal shares
	WITH frequent AS (SELECT v, f / present AS f FROM unnest(vals, freqs) u (v, f)),
		rest AS (SELECT 1 - coalesce(sum(f), 0) AS share FROM frequent),
		points AS (
			SELECT b AS at, rest.share * (i - 1) / greatest(cardinality(bounds) - 1, 1) AS below
			FROM unnest(bounds) WITH ORDINALITY u (b, i), rest
			UNION ALL
			SELECT v, coalesce((SELECT rest.share * max(i - 1) / greatest(cardinality(bounds) - 1, 1)
				FROM unnest(bounds) WITH ORDINALITY u (b, i), rest WHERE b <= v GROUP BY rest.share), 0)
			FROM frequent)
	SELECT max(abs(augur.profile_rank(profile, at)
		- least(below + coalesce((SELECT sum(f) FROM frequent WHERE v <= at), 0), 1))
		-- between two bounds nobody knows
		- CASE WHEN cardinality(bounds) > 1 THEN (SELECT share FROM rest) / (cardinality(bounds) - 1) ELSE 0 END)
	FROM points
$$;
COMMENT ON FUNCTION augur._signal_numbers(augur.profile, float8[], float8[], float8[], float8) IS
'Internal. Largest gap that is sure between the distribution functions of a profile and of the planner''s statistics.';

CREATE OR REPLACE FUNCTION augur.drift_signal(model text, relation regclass,
	gap_floor float8 DEFAULT 0.05)
	RETURNS TABLE (column_name name, gap float8, null_gap float8, signal boolean, detail text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._drift_version(model);
	s			augur.profile_summary;
	c			record;
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'relation must not be null';
	ELSIF gap_floor IS NULL OR NOT (gap_floor > 0 AND gap_floor < 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'gap_floor must be between 0 and 1';
	END IF;
	FOR c IN
		SELECT p.column_name, p.profile, a.atttypid::regtype AS type, t.null_frac, t.n_distinct,
			t.most_common_vals::text AS vals, t.most_common_freqs::float8[] AS freqs,
			t.histogram_bounds::text AS bounds, t.attname IS NOT NULL AS known
		FROM augur.version_profiles p
		LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = p.column_name
			AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN LATERAL (
			SELECT t.* FROM pg_stats t JOIN pg_namespace n ON n.nspname = t.schemaname
			JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = t.tablename
			WHERE r.oid = relation AND t.attname = p.column_name
			-- of a partitioned table all partitions together
			ORDER BY t.inherited DESC LIMIT 1) t ON true
		WHERE p.version_id = v.id AND p.part = 'feature'
		ORDER BY a.attnum, p.column_name
	LOOP
		s := augur.profile_info(c.profile);
		column_name := c.column_name;
		gap := NULL;
		null_gap := NULL;
		signal := NULL;
		detail := CASE WHEN c.type IS NULL THEN 'the column does not exist'
			WHEN NOT c.known THEN 'there are no statistics: ANALYZE has not run, or you may not read them'
			WHEN c.null_frac = 1 THEN 'there are no values' END;
		IF detail IS NULL AND s.kind = 'number'
			AND c.type = ANY ('{int2,int4,int8,float4,float8,numeric}'::regtype[])
		THEN
			-- a numeric can be larger, or smaller, than any float8
			gap := augur._signal_numbers(c.profile,
				ARRAY(SELECT CASE WHEN abs(x) > 1e300 AND x <> 'NaN' THEN sign(x)::float8 * 'Infinity'::float8
						WHEN abs(x) < 1e-300 THEN 0 ELSE x::float8 END
					FROM unnest(c.vals::numeric[]) WITH ORDINALITY u (x, i) ORDER BY i),
				c.freqs,
				ARRAY(SELECT CASE WHEN abs(x) > 1e300 AND x <> 'NaN' THEN sign(x)::float8 * 'Infinity'::float8
						WHEN abs(x) < 1e-300 THEN 0 ELSE x::float8 END
					FROM unnest(c.bounds::numeric[]) WITH ORDINALITY u (x, i) ORDER BY i),
				1 - c.null_frac);
		ELSIF detail IS NULL AND s.kind = 'date' AND c.type = 'date'::regtype THEN
			gap := augur._signal_numbers(c.profile,
				ARRAY(SELECT (d - date '2000-01-01')::float8 FROM unnest(c.vals::date[]) WITH ORDINALITY u (d, i) ORDER BY i),
				c.freqs, ARRAY(SELECT (d - date '2000-01-01')::float8 FROM unnest(c.bounds::date[]) WITH ORDINALITY u (d, i) ORDER BY i),
				1 - c.null_frac);
		ELSIF detail IS NULL AND s.kind IN ('text', 'boolean') AND augur._profile_kind(c.type) = s.kind THEN
			-- half of what the frequent values differ by, and nothing of the others
			SELECT sum(abs(f / (1 - c.null_frac) - coalesce(l.share, 0))) / 2 INTO gap
			FROM unnest(c.vals::text[], c.freqs) u (value, f)
			LEFT JOIN augur.profile_labels(c.profile, 1000) l
				ON l.label = CASE s.kind WHEN 'boolean' THEN u.value::boolean::text ELSE u.value END;
		ELSIF detail IS NULL THEN
			detail := 'statistics of this type are not compared';
		END IF;
		IF c.known AND c.type IS NOT NULL THEN
			null_gap := abs(c.null_frac - (s.nulls + s.nans + s.infinite)::float8
				/ nullif(s.n + s.nulls + s.nans + s.infinite, 0));
		END IF;
		signal := gap IS NULL OR greatest(gap, null_gap) >= gap_floor;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.drift_signal(text, regclass, float8) IS
'A first look without reading a row: the planner''s statistics of the last ANALYZE beside the profiles of a version''s columns. gap: by how much the distribution functions (numbers, dates) or shares (labels) surely differ; signal: that or the change of the share without a value reaches gap_floor, or nothing is known, as of types that are not compared. Only augur.drift says whether it is drift.';

-- ---- keeping what was found ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur._drift_keep(r augur.drift_runs, compared augur.drift_column[])
	RETURNS augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
BEGIN
	INSERT INTO augur.drift_runs (model_id, monitor_id, monitor, version_id, version, relation, filter, segment,
		window_start, window_end, as_of, judged, drifted, share, weighted_share, target, prediction, verdict,
		alarm, detail, options, seconds)
	VALUES (r.model_id, r.monitor_id, r.monitor, r.version_id, r.version, r.relation, r.filter,
		coalesce(r.segment, '{}'), r.window_start, r.window_end, r.as_of, r.judged, r.drifted, r.share,
		r.weighted_share, r.target, r.prediction, r.verdict, coalesce(r.alarm, false), r.detail,
		coalesce(r.options, '{}'), r.seconds)
	RETURNING * INTO r;
	INSERT INTO augur.drift_columns (run_id, part, column_name, kind, method, score, effect_floor, p_value,
		adjusted_p, n_reference, n_current, null_reference, null_current, null_adjusted_p, unseen_share,
		out_of_range_share, verdict, detail, importance)
	SELECT r.id, c.part, c.column_name, c.kind, c.method, c.score, c.effect_floor, c.p_value, c.adjusted_p,
		c.n_reference, c.n_current, c.null_reference, c.null_current, c.null_adjusted_p, c.unseen_share,
		c.out_of_range_share, c.verdict, c.detail, c.importance
	FROM unnest(compared) c;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._drift_keep(augur.drift_runs, augur.drift_column[]) IS
'Internal. Writes a comparison and its columns.';

-- What a comparison comes to.
CREATE OR REPLACE FUNCTION augur._drift_sum(r augur.drift_runs, compared augur.drift_column[],
	drift_share float8) RETURNS augur.drift_runs
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	d			record := augur._drift_dataset(compared, drift_share);
BEGIN
	r.judged := d.judged;
	r.drifted := d.drifted;
	r.share := d.share;
	r.weighted_share := d.weighted_share;
	r.verdict := d.verdict;
	r.target := (SELECT c.verdict FROM unnest(compared) c WHERE c.part = 'target');
	r.prediction := (SELECT c.verdict FROM unnest(compared) c WHERE c.part = 'prediction');
	IF r.verdict = 'error' THEN
		r.detail := (SELECT string_agg(format('%s: %s', c.column_name, c.detail), '; ' ORDER BY c.column_name)
			FROM unnest(compared) c WHERE c.verdict = 'error');
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._drift_sum(augur.drift_runs, augur.drift_column[], float8) IS
'Internal. Fills in the verdict on the whole, and what it rests on.';

CREATE OR REPLACE FUNCTION augur.record_drift(model text, relation regclass,
	filter text DEFAULT NULL, predictions boolean DEFAULT true, min_rows bigint DEFAULT 100,
	alpha float8 DEFAULT 0.05, effect_floor float8 DEFAULT 0.1, drift_share float8 DEFAULT 0.5)
	RETURNS augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	v			augur.versions := augur._drift_version(model);
	r			augur.drift_runs;
	began		timestamptz := clock_timestamp();
	compared	augur.drift_column[];
BEGIN
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor, drift_share);
	PERFORM augur._check_own_source((SELECT m FROM augur.models m WHERE m.id = v.model_id),
		'augur.drift compares without keeping what it finds.');
	compared := ARRAY(SELECT c FROM augur.drift(model, relation, filter, NULL, predictions, min_rows, alpha,
		effect_floor) c);
	r.model_id := v.model_id;
	r.version_id := v.id;
	r.version := v.version;
	r.relation := augur._qualified(relation);
	r.filter := filter;
	r.as_of := now();
	r.options := jsonb_build_object('min_rows', min_rows, 'alpha', alpha, 'effect_floor', effect_floor,
		'drift_share', drift_share);
	r := augur._drift_sum(r, compared, drift_share);
	r.seconds := extract(epoch FROM clock_timestamp() - began);
	RETURN augur._drift_keep(r, compared);
END
$$;
COMMENT ON FUNCTION augur.record_drift(text, regclass, text, boolean, bigint, float8, float8, float8) IS
'Compares as augur.drift does, keeps what was found in augur.drift_runs and augur.drift_columns, and returns the verdict on the whole. For members of the model''s owner. Example: SELECT verdict, share FROM augur.record_drift(''churn'', ''customers_today'')';

-- ---- monitors ----------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION augur.create_monitor(model text, source regclass,
	every interval DEFAULT '1 day', time_column name DEFAULT NULL, width interval DEFAULT NULL,
	segments name[] DEFAULT '{}', filter text DEFAULT NULL, name text DEFAULT 'drift',
	predictions boolean DEFAULT true, min_rows bigint DEFAULT 100, alpha float8 DEFAULT 0.05,
	effect_floor float8 DEFAULT 0.1, drift_share float8 DEFAULT 0.5, needed integer DEFAULT 1,
	of_last integer DEFAULT NULL, signal_first boolean DEFAULT false,
	start timestamptz DEFAULT now()) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model(model);
	made		bigint;
	problem		text;
BEGIN
	PERFORM augur._check_own_source(m, 'A member of the owner can make a monitor.');
	IF m.task = 'forecasting' THEN
		RAISE EXCEPTION USING ERRCODE = 'wrong_object_type',
			MESSAGE = format('model "%s" forecasts series and has no columns to compare', m.name),
			HINT = 'augur.forecast_accuracy tells how its forecasts came true.';
	END IF;
	problem := CASE
		WHEN source IS NULL THEN 'source must not be null'
		WHEN every IS NULL OR every <= interval '0' THEN 'every must be positive'
		WHEN NOT augur._plain_span(every) THEN 'every must not have negative parts'
		WHEN width <= interval '0' THEN 'width must be positive'
		WHEN NOT augur._plain_span(width) THEN 'width must not have negative parts'
		WHEN greatest(every, width) > interval '1000 years' THEN 'every and width must be at most 1000 years'
		WHEN NOT isfinite(start) THEN 'start must be finite'
		WHEN width IS NOT NULL AND time_column IS NULL THEN 'width needs a time_column'
		WHEN name IS NULL OR char_length(name) NOT BETWEEN 1 AND 63 OR name ~ '[[:cntrl:]]' THEN 'name must have 1 to 63 characters'
		WHEN predictions IS NULL OR signal_first IS NULL OR start IS NULL OR segments IS NULL THEN 'predictions, signal_first, start and segments must not be null'
		WHEN needed IS NULL OR needed < 1 OR of_last < needed OR of_last > 1000 THEN 'needed must be at least 1, and of_last at least that and at most 1000'
		WHEN signal_first AND (time_column IS NOT NULL OR filter IS NOT NULL OR segments <> '{}') THEN 'signal_first is for whole tables: statistics know no window, filter or segment' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = problem;
	END IF;
	IF (SELECT c.relpersistence = 't' FROM pg_class c WHERE c.oid = source) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_table_definition',
			MESSAGE = format('%s is temporary, and not there for other sessions to look at', source);
	END IF;
	PERFORM augur._check_drift_options(min_rows, alpha, effect_floor, drift_share);
	PERFORM augur._column_type(source, s) FROM unnest(segments) s;
	IF time_column IS NOT NULL THEN
		PERFORM augur._time_column(source, time_column, 'r');
	END IF;
	IF filter IS NOT NULL THEN
		-- read by nobody: a name or an operator that does not exist is an error now rather than at each look
		EXECUTE format(E'SELECT FROM %s r WHERE (%s\n) AND false', source, filter);
	END IF;
	INSERT INTO augur.monitors (model_id, name, relation, time_column, every, width, segments, filter, predictions,
		min_rows, alpha, effect_floor, drift_share, needed, of_last, signal_first, start_at, next_at)
	VALUES (m.id, name, augur._qualified(source), time_column, every,
		CASE WHEN time_column IS NOT NULL THEN coalesce(width, every) END, segments, filter, predictions, min_rows,
		alpha, effect_floor, drift_share, needed, coalesce(of_last, needed), signal_first, start, start)
	ON CONFLICT DO NOTHING RETURNING id INTO made;
	IF made IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
			MESSAGE = format('model "%s" has a monitor "%s" already', m.name, name),
			HINT = 'Drop it with augur.drop_monitor, or give another name.';
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION augur.create_monitor(text, regclass, interval, name, interval, name[], text, text, boolean, bigint, float8, float8, float8, integer, integer, boolean, timestamptz) IS
'Has a table or view compared with what the version of a model in production was trained on, whenever augur.check_monitors finds it due: each every, first at start. With time_column the rows of a window of width (the same as every by default) that ends when the look is due, else all rows. segments: each combination of these columns'' values apart, too. The alarm is raised, as event drift_found, when needed of the of_last last looks with enough rows say drift, and is over with event drift_resolved; another version in production begins anew. signal_first: rows are read only if augur.drift_signal tells of a change. Example: SELECT augur.create_monitor(''churn'', ''customers'', ''1 day'', ''updated_at'', needed => 2, of_last => 3)';

CREATE OR REPLACE FUNCTION augur._monitor(model text, name text) RETURNS augur.monitors
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m			augur.models := augur._model_locked(model, 'own');
	t			augur.monitors;
BEGIN
	SELECT * INTO t FROM augur.monitors o WHERE o.model_id = m.id AND o.name = name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object',
			MESSAGE = format('model "%s" has no monitor "%s"', m.name, name),
			HINT = (SELECT 'It has: ' || string_agg(o.name, ', ' ORDER BY o.name) || '.'
				FROM augur.monitors o WHERE o.model_id = m.id);
	ELSIF NOT pg_has_role(m.owner, 'USAGE') AND row_security_active('augur.monitors') THEN
		-- row security would keep an admin's change from having any effect
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
			MESSAGE = format('permission denied for monitor "%s" of model "%s"', t.name, m.name),
			DETAIL = format('Only members of its owner "%s" may drop it, or switch it on and off.', pg_get_userbyid(m.owner));
	END IF;
	RETURN t;
END
$$;
COMMENT ON FUNCTION augur._monitor(text, text) IS
'Internal. A monitor that the current user may change; an error when there is none.';

CREATE OR REPLACE FUNCTION augur.drop_monitor(model text, name text DEFAULT 'drift') RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	t			augur.monitors := augur._monitor(model, name);
BEGIN
	DELETE FROM augur.monitors o WHERE o.id = t.id;
END
$$;
COMMENT ON FUNCTION augur.drop_monitor(text, text) IS
'Takes a monitor away; what it found stays in augur.drift_runs.';

CREATE OR REPLACE FUNCTION augur.enable_monitor(model text, name text DEFAULT 'drift',
	enabled boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	t			augur.monitors := augur._monitor(model, name);
BEGIN
	IF enabled IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'enabled must not be null';
	END IF;
	UPDATE augur.monitors o SET enabled = enable_monitor.enabled WHERE o.id = t.id;
END
$$;
COMMENT ON FUNCTION augur.enable_monitor(text, text, boolean) IS
'Switches a monitor on, or off with enabled => false.';

-- The last time that a monitor was due, and when it is due next.
CREATE OR REPLACE FUNCTION augur._monitor_slot(t augur.monitors, as_of timestamptz, OUT slot timestamptz,
	OUT next_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
-- days and months are of UTC: the same for whoever looks
SET timezone = 'UTC'
AS $$
DECLARE
	steps		bigint := greatest(0, floor(extract(epoch FROM as_of - t.start_at) / extract(epoch FROM t.every)));
BEGIN
	-- months are longer than the 30 days, and years not of the length, that is divided by
	WHILE steps > 0 AND t.start_at + steps * t.every > as_of LOOP
		steps := steps - 1;
	END LOOP;
	WHILE t.start_at + (steps + 1) * t.every <= as_of LOOP
		steps := steps + 1;
	END LOOP;
	slot := t.start_at + steps * t.every;
	next_at := t.start_at + (steps + 1) * t.every;
END
$$;
COMMENT ON FUNCTION augur._monitor_slot(augur.monitors, timestamptz) IS
'Internal. When a monitor was due last, and will be next; looks that were missed are not made up for.';

-- Conditions on rows r: that of the window and of the filter, and those of segments.
CREATE OR REPLACE FUNCTION augur._monitor_condition(t augur.monitors, relation regclass,
	window_start timestamptz, window_end timestamptz) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	-- compared as it is, so that an index can be used; dates and timestamps are taken to be of UTC;
	-- written with offsets, as names of zones (IST) may be read as those of others
	bound		text := '%L::timestamptz';
	parts		text[] := '{}';
BEGIN
	IF t.time_column IS NOT NULL THEN
		IF augur._column_type(relation, t.time_column) <> 'timestamp with time zone' THEN
			bound := '(%L::timestamptz AT TIME ZONE ''UTC'')';
		END IF;
		parts := ARRAY[format('r.%I >= ' || bound, t.time_column, to_jsonb(window_start) #>> '{}'),
					   format('r.%I < ' || bound, t.time_column, to_jsonb(window_end) #>> '{}')];
	END IF;
	IF t.filter IS NOT NULL THEN
		parts := parts || format(E'(%s\n)', t.filter);
	END IF;
	RETURN nullif(array_to_string(parts, ' AND '), '');
END
$$;
COMMENT ON FUNCTION augur._monitor_condition(augur.monitors, regclass, timestamptz, timestamptz) IS
'Internal. What rows of a monitor''s relation belong to a window.';

CREATE OR REPLACE FUNCTION augur._monitor_segments(t augur.monitors, relation regclass, condition text)
	RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	most		integer := 100;
	found_segments jsonb[];
BEGIN
	EXECUTE format('SELECT array_agg(s) FROM (SELECT DISTINCT jsonb_build_object(%s) AS s FROM %s r%s LIMIT %s) d',
		(SELECT string_agg(format('%L, (r.%I)::text', c, c), ', ') FROM unnest(t.segments) c), relation,
		' WHERE ' || condition, most + 1) INTO found_segments;
	IF cardinality(found_segments) > most THEN
		RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('monitor "%s" has more than %s segments in its window', t.name, most),
			HINT = 'Give columns with fewer values.';
	END IF;
	RETURN QUERY SELECT u FROM unnest(found_segments) u ORDER BY u;
END
$$;
COMMENT ON FUNCTION augur._monitor_segments(augur.monitors, regclass, text) IS
'Internal. The combinations of segment values in a window.';

CREATE OR REPLACE FUNCTION augur._monitor_alarm(t augur.monitors, r augur.drift_runs)
	RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	before		boolean := coalesce((SELECT o.alarm FROM augur.drift_runs o
									 WHERE o.monitor_id = t.id AND o.model_id = t.model_id AND o.segment = r.segment ORDER BY o.id DESC LIMIT 1), false);
BEGIN
	IF r.verdict IN ('insufficient', 'error') THEN
		RETURN before;
	END IF;
	RETURN (SELECT count(*) FILTER (WHERE l.verdict = 'drift') >= t.needed
			FROM (SELECT r.verdict
				  UNION ALL
				  (SELECT o.verdict FROM augur.drift_runs o
				   WHERE o.monitor_id = t.id AND o.model_id = t.model_id AND o.segment = r.segment AND o.version_id = r.version_id
				   AND o.verdict NOT IN ('insufficient', 'error')
				   ORDER BY o.id DESC LIMIT t.of_last - 1)) l);
END
$$;
COMMENT ON FUNCTION augur._monitor_alarm(augur.monitors, augur.drift_runs) IS
'Internal. Whether a monitor is alarmed after a look: by looks at the same version, as another one has another reference.';

CREATE OR REPLACE FUNCTION augur._monitor_events(m augur.models, t augur.monitors, r augur.drift_runs,
	before augur.drift_runs) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	payload		jsonb := jsonb_build_object('monitor', t.name, 'run', r.id, 'version', r.version,
		'segment', nullif(r.segment, '{}'), 'verdict', r.verdict, 'share', r.share,
		'weighted_share', r.weighted_share, 'window_end', r.window_end, 'detail', r.detail,
		'columns', (SELECT jsonb_agg(c.column_name) FROM (
			SELECT d.column_name FROM augur.drift_columns d WHERE d.run_id = r.id AND d.verdict = 'drift'
			AND d.part = 'feature' ORDER BY d.importance DESC NULLS LAST, d.column_name LIMIT 10) c));
BEGIN
	IF r.alarm AND NOT coalesce(before.alarm, false) THEN
		PERFORM augur._emit('drift_found', 'warning', m.name, payload, m);
	ELSIF before.alarm AND NOT r.alarm THEN
		PERFORM augur._emit('drift_resolved', 'info', m.name, payload, m);
	END IF;
	IF r.verdict = 'error' AND before.verdict IS DISTINCT FROM 'error' THEN
		PERFORM augur._emit('monitor_failed', 'error', m.name, payload, m);
	END IF;
END
$$;
COMMENT ON FUNCTION augur._monitor_events(augur.models, augur.monitors, augur.drift_runs, augur.drift_runs) IS
'Internal. The events of a look: what has changed since the one before.';

CREATE OR REPLACE FUNCTION augur._monitor_look(m augur.models, t augur.monitors, r augur.drift_runs,
	relation regclass, condition text) RETURNS augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	before		augur.drift_runs;
	compared	augur.drift_column[] := '{}';
	began		timestamptz := clock_timestamp();
	v			augur.versions;
BEGIN
	SELECT * INTO before FROM augur.drift_runs o
	WHERE o.monitor_id = t.id AND o.model_id = t.model_id AND o.segment = r.segment ORDER BY o.id DESC LIMIT 1;
	BEGIN
		v := augur._drift_version(m.name);
		r.version_id := v.id;
		r.version := v.version;
		IF t.signal_first AND NOT EXISTS (SELECT FROM augur.drift_signal(m.name, relation) s WHERE s.signal) THEN
			r.verdict := 'ok';
			r.detail := 'the statistics of the last ANALYZE tell of no change; rows were not read';
		ELSE
			compared := ARRAY(SELECT c FROM augur.drift(m.name, relation, condition, NULL, t.predictions,
				t.min_rows, t.alpha, t.effect_floor) c);
			r := augur._drift_sum(r, compared, t.drift_share);
		END IF;
	EXCEPTION WHEN OTHERS OR assert_failure THEN
		r.verdict := 'error';
		r.detail := SQLERRM;
	END;
	r.options := jsonb_build_object('min_rows', t.min_rows, 'alpha', t.alpha, 'effect_floor', t.effect_floor,
		'drift_share', t.drift_share, 'needed', t.needed, 'of_last', t.of_last);
	r.alarm := augur._monitor_alarm(t, r);
	r.seconds := extract(epoch FROM clock_timestamp() - began);
	r := augur._drift_keep(r, compared);
	PERFORM augur._monitor_events(m, t, r, before);
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._monitor_look(augur.models, augur.monitors, augur.drift_runs, regclass, text) IS
'Internal. One look of a monitor at a window or a segment of it: compares, keeps, tells.';

CREATE OR REPLACE FUNCTION augur._monitor_check(m augur.models, t augur.monitors, slot timestamptz,
	as_of timestamptz) RETURNS SETOF augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	r			augur.drift_runs;
	relation	regclass;
	condition	text;
	segment		jsonb;
	segments	jsonb[] := '{}';
BEGIN
	r.model_id := m.id;
	r.monitor_id := t.id;
	r.monitor := t.name;
	r.relation := t.relation;
	r.filter := t.filter;
	r.segment := '{}';
	r.as_of := as_of;
	-- of UTC, as slots are: a day is 24 hours where the session's clock changes, too
	r.window_start := (slot AT TIME ZONE 'UTC' - t.width) AT TIME ZONE 'UTC';
	r.window_end := CASE WHEN t.width IS NOT NULL THEN slot END;
	BEGIN
		relation := t.relation::regclass;
		condition := augur._monitor_condition(t, relation, r.window_start, r.window_end);
		IF t.segments <> '{}' THEN
			segments := ARRAY(SELECT augur._monitor_segments(t, relation, condition));
		END IF;
	EXCEPTION WHEN OTHERS OR assert_failure THEN
		r.detail := SQLERRM;
	END;
	IF r.detail IS NOT NULL THEN
		r.verdict := 'error';
		r.seconds := 0;
		RETURN NEXT augur._monitor_failed(m, t, r);
		RETURN;
	END IF;
	RETURN NEXT augur._monitor_look(m, t, r, relation, condition);
	FOREACH segment IN ARRAY segments LOOP
		r.segment := segment;
		RETURN NEXT augur._monitor_look(m, t, r, relation, concat_ws(' AND ', condition,
			(SELECT string_agg(CASE WHEN e.value IS NULL THEN format('r.%I IS NULL', e.key)
							   ELSE format('(r.%I)::text = %L', e.key, e.value) END, ' AND ' ORDER BY e.key)
			 FROM jsonb_each_text(segment) e)));
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur._monitor_check(augur.models, augur.monitors, timestamptz, timestamptz) IS
'Internal. All looks of a monitor that is due.';

CREATE OR REPLACE FUNCTION augur._monitor_failed(m augur.models, t augur.monitors, r augur.drift_runs)
	RETURNS augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	before		augur.drift_runs;
BEGIN
	SELECT * INTO before FROM augur.drift_runs o
	WHERE o.monitor_id = t.id AND o.model_id = t.model_id AND o.segment = r.segment ORDER BY o.id DESC LIMIT 1;
	r.alarm := coalesce(before.alarm, false);
	r := augur._drift_keep(r, '{}');
	PERFORM augur._monitor_events(m, t, r, before);
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._monitor_failed(augur.models, augur.monitors, augur.drift_runs) IS
'Internal. Keeps a look that could not be made.';

CREATE OR REPLACE FUNCTION augur.check_monitors(as_of timestamptz DEFAULT now(),
	model text DEFAULT NULL) RETURNS SETOF augur.drift_runs
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	t			augur.monitors;
	m			augur.models;
	due			record;
	-- a superuser is a member of all, and would run what anybody wrote
	all_own		boolean := NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
BEGIN
	IF model IS NOT NULL THEN
		m := augur._model(model);
		PERFORM augur._check_own_source(m, 'A member of the owner can look at its monitors.');
	END IF;
	as_of := coalesce(as_of, now());
	IF NOT isfinite(as_of) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be finite';
	END IF;
	-- those that another session is looking at are its business
	FOR t IN
		SELECT o.* FROM augur.monitors o JOIN augur.models k ON k.id = o.model_id
		WHERE o.enabled AND o.next_at <= as_of AND pg_has_role(k.owner, 'USAGE')
			AND CASE WHEN model IS NOT NULL THEN o.model_id = m.id ELSE all_own
				OR (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = k.owner) END
		ORDER BY o.next_at, o.id
		-- a model that is being dropped is skipped, too, as what is kept refers to it
		FOR NO KEY UPDATE OF o SKIP LOCKED FOR KEY SHARE OF k SKIP LOCKED
	LOOP
		SELECT * INTO m FROM augur.models k WHERE k.id = t.model_id;
		due := augur._monitor_slot(t, as_of);
		RETURN QUERY SELECT * FROM augur._monitor_check(m, t, due.slot, as_of);
		UPDATE augur.monitors o SET next_at = due.next_at WHERE o.id = t.id;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.check_monitors(timestamptz, text) IS
'Makes the looks of all monitors that are due, or of those of one model, and returns what they found. For members of the owners of the models: others'' monitors are passed over, by superusers those of models whose owner is none, unless model names one: they run SQL of the owner with your rights (SECURITY.md). as_of: the time to go by, for simulations. augur.tick does it, as the owners; without that: SELECT cron.schedule(''augur monitors'', ''* * * * *'', ''SELECT augur.check_monitors()'')';

CREATE OR REPLACE VIEW augur.drift_history WITH (security_invoker = true) AS
	SELECT m.name AS model, r.monitor, r.segment, r.as_of, r.window_start, r.window_end, r.version, r.verdict,
		r.alarm, r.judged, r.drifted, r.share, r.weighted_share, r.target, r.prediction,
		(SELECT array_agg(c.column_name::text ORDER BY c.importance DESC NULLS LAST, c.column_name)
		 FROM augur.drift_columns c WHERE c.run_id = r.id AND c.part = 'feature' AND c.verdict = 'drift') AS columns,
		r.detail, r.seconds, r.id AS run
	FROM augur.drift_runs r JOIN augur.models m ON m.id = r.model_id;
COMMENT ON VIEW augur.drift_history IS
'Every comparison that was kept, with the columns that have drifted, the most important ones first.';
COMMENT ON COLUMN augur.drift_history.model IS 'the model';
COMMENT ON COLUMN augur.drift_history.monitor IS 'the monitor, NULL when it was made by augur.record_drift';
COMMENT ON COLUMN augur.drift_history.segment IS 'values of the segment; {} is the whole';
COMMENT ON COLUMN augur.drift_history.as_of IS 'the time it was made for';
COMMENT ON COLUMN augur.drift_history.window_start IS 'begin of the window';
COMMENT ON COLUMN augur.drift_history.window_end IS 'its end';
COMMENT ON COLUMN augur.drift_history.version IS 'the version that was compared with';
COMMENT ON COLUMN augur.drift_history.verdict IS 'on all columns together';
COMMENT ON COLUMN augur.drift_history.alarm IS 'whether the monitor was alarmed after it';
COMMENT ON COLUMN augur.drift_history.judged IS 'columns that could be judged';
COMMENT ON COLUMN augur.drift_history.drifted IS 'columns that have drifted';
COMMENT ON COLUMN augur.drift_history.share IS 'their share';
COMMENT ON COLUMN augur.drift_history.weighted_share IS 'their share of the importance';
COMMENT ON COLUMN augur.drift_history.target IS 'verdict on the target';
COMMENT ON COLUMN augur.drift_history.prediction IS 'verdict on the scores';
COMMENT ON COLUMN augur.drift_history.columns IS 'columns that have drifted';
COMMENT ON COLUMN augur.drift_history.detail IS 'what went wrong, or why rows were not read';
COMMENT ON COLUMN augur.drift_history.seconds IS 'how long it took';
COMMENT ON COLUMN augur.drift_history.run IS 'number of the comparison in augur.drift_runs and augur.drift_columns';

CREATE OR REPLACE VIEW augur.drift_latest WITH (security_invoker = true) AS
	SELECT DISTINCT ON (h.model, h.monitor, h.segment) h.*
	FROM augur.drift_history h
	ORDER BY h.model, h.monitor, h.segment, h.run DESC;
COMMENT ON VIEW augur.drift_latest IS
'The last comparison of each monitor and segment.';
COMMENT ON COLUMN augur.drift_latest.model IS 'the model';
COMMENT ON COLUMN augur.drift_latest.monitor IS 'the monitor, NULL when it was made by augur.record_drift';
COMMENT ON COLUMN augur.drift_latest.segment IS 'values of the segment; {} is the whole';
COMMENT ON COLUMN augur.drift_latest.as_of IS 'the time it was made for';
COMMENT ON COLUMN augur.drift_latest.window_start IS 'begin of the window';
COMMENT ON COLUMN augur.drift_latest.window_end IS 'its end';
COMMENT ON COLUMN augur.drift_latest.version IS 'the version that was compared with';
COMMENT ON COLUMN augur.drift_latest.verdict IS 'on all columns together';
COMMENT ON COLUMN augur.drift_latest.alarm IS 'whether the monitor was alarmed after it';
COMMENT ON COLUMN augur.drift_latest.judged IS 'columns that could be judged';
COMMENT ON COLUMN augur.drift_latest.drifted IS 'columns that have drifted';
COMMENT ON COLUMN augur.drift_latest.share IS 'their share';
COMMENT ON COLUMN augur.drift_latest.weighted_share IS 'their share of the importance';
COMMENT ON COLUMN augur.drift_latest.target IS 'verdict on the target';
COMMENT ON COLUMN augur.drift_latest.prediction IS 'verdict on the scores';
COMMENT ON COLUMN augur.drift_latest.columns IS 'columns that have drifted';
COMMENT ON COLUMN augur.drift_latest.detail IS 'what went wrong, or why rows were not read';
COMMENT ON COLUMN augur.drift_latest.seconds IS 'how long it took';
COMMENT ON COLUMN augur.drift_latest.run IS 'number of the comparison in augur.drift_runs and augur.drift_columns';
