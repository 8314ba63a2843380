-- performance: detectors of concept drift, which read losses on from where they were.
--
-- Losses are read in the order of (base, event time, prediction), where the event time is the time
-- that a prediction is for and the base is that, or when it was made if that is later.  With a
-- lateness, a loss counts when its actual value was recorded no later than that after the base,
-- and is read when that long has passed: so what is read, and in which order, does not depend on
-- how often one checks.  Without, what is there is read, and what comes for earlier times
-- afterwards is late: counted, not read.

CREATE OR REPLACE FUNCTION augur._check_loss(m augur.models, detector text, loss text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	fit			text[] := CASE m.task WHEN 'regression' THEN '{absolute_error,squared_error}' ELSE '{error,log_loss}' END;
	d			record;
BEGIN
	SELECT * INTO d FROM augur._detectors() t WHERE t.detector = detector;
	IF loss IS NOT NULL AND NOT loss = ANY (fit) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid loss %L for a model of task %s', loss, m.task),
			HINT = format('Valid values are %s and %s.', fit[1], fit[2]);
	END IF;
	loss := coalesce(loss, fit[1]);
	IF d.reads = '0 and 1' AND loss <> 'error' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('detector %s cannot read %s', d.detector, loss),
			DETAIL = 'It reads 0 and 1: whether a class was right.',
			HINT = 'Use adwin or page_hinkley.';
	END IF;
	RETURN loss;
END
$$;
COMMENT ON FUNCTION augur._check_loss(augur.models, text, text) IS
'Internal. The loss that a detector reads of a model; an error when it cannot.';

-- The state of a detector, locked; made when there is none.
CREATE OR REPLACE FUNCTION augur._detector_state(v augur.versions, detector text, loss text, options jsonb,
	lateness interval) RETURNS augur.detector_states
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	s			augur.detector_states;
	-- losses that are not between 0 and 1 are scaled
	full_options jsonb := CASE WHEN detector = 'adwin' AND loss <> 'error' THEN '{"standardize": true}'::jsonb ELSE '{}' END
						  || coalesce(options, '{}');
BEGIN
	IF lateness < interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'lateness must not be negative';
	END IF;
	INSERT INTO augur.detector_states (version_id, detector, loss, options, lateness, state)
	VALUES (v.id, detector, loss, full_options, coalesce(lateness, '0'), augur.new_detector(detector, full_options))
	ON CONFLICT ON CONSTRAINT detector_states_pkey DO NOTHING;
	SELECT * INTO s FROM augur.detector_states t
	WHERE t.version_id = v.id AND t.detector = detector AND t.loss = loss FOR NO KEY UPDATE;
	IF (options IS NOT NULL AND s.options <> full_options) OR s.lateness <> lateness THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('detector %s of %s has other options already', detector, loss),
			DETAIL = format('Options: %s, lateness: %s.', s.options, s.lateness),
			HINT = 'Leave them out, or use augur.reset_detector to begin anew.';
	END IF;
	RETURN s;
END
$$;
COMMENT ON FUNCTION augur._detector_state(augur.versions, text, text, jsonb, interval) IS
'Internal. The stored state of a detector, locked until the transaction ends; made when there is none.';

-- Predictions whose first actual value was recorded since the last check, too late to be read.
CREATE OR REPLACE FUNCTION augur._late_labels(model_id bigint, s augur.detector_states, as_of timestamptz) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
SET enable_nestloop = off
SET enable_mergejoin = off
SET jit = off
AS $$
	WITH new AS (
		SELECT a.* FROM augur.actuals a
		WHERE a.model_id = $1 AND a.recorded_at > s.checked_at AND a.recorded_at <= as_of),
	about AS (
		SELECT p.*, n.recorded_at FROM new n JOIN augur.predictions p ON p.id = n.prediction_id
		WHERE p.version_id = s.version_id AND p.error IS NULL
		UNION ALL
		SELECT p.*, n.recorded_at FROM new n JOIN augur.predictions p
		ON p.model_id = n.model_id AND p.entity = n.entity
		AND coalesce(p.target_time, 'infinity') = coalesce(n.target_time, 'infinity')
		WHERE p.version_id = s.version_id AND p.error IS NULL),
	firsts AS (
		SELECT t.id, greatest(coalesce(t.target_time, t.at), t.at) AS base, coalesce(t.target_time, t.at) AS event,
			   min(t.recorded_at) AS first
		FROM about t
		WHERE NOT EXISTS (SELECT FROM augur.actuals a
						  WHERE a.prediction_id = t.id AND a.recorded_at <= s.checked_at)
		AND NOT EXISTS (SELECT FROM augur.actuals a
						WHERE a.model_id = t.model_id AND a.entity = t.entity
						AND coalesce(a.target_time, 'infinity') = coalesce(t.target_time, 'infinity')
						AND a.recorded_at <= s.checked_at)
		GROUP BY t.id, t.target_time, t.at)
	SELECT count(*) FROM firsts f
	WHERE CASE WHEN s.lateness > interval '0' THEN f.first > f.base + s.lateness
		  ELSE (f.base, f.event, f.id) <= (s.base, s.event, s.prediction_id) END
$$;
COMMENT ON FUNCTION augur._late_labels(bigint, augur.detector_states, timestamptz) IS
'Internal. How many predictions got their first actual value since the last check of a detector, too late for it.';

CREATE OR REPLACE FUNCTION augur.check_concept(model text, detector text DEFAULT 'adwin', loss text DEFAULT NULL,
	options jsonb DEFAULT NULL, lateness interval DEFAULT NULL, as_of timestamptz DEFAULT NULL)
RETURNS augur.concept_check
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._referred_version(model);
	m			augur.models := augur._model_operated(v.model_id);
	s			augur.detector_states;
	before		augur.detection;
	after		augur.detection;
	got			record;
	r			augur.concept_check;
	positions	bigint[];
	was			float8;
BEGIN
	-- an unknown detector is told by this
	PERFORM augur.new_detector(coalesce(detector, ''), coalesce(options, '{}'));
	loss := augur._check_loss(m, detector, loss);
	s := augur._detector_state(v, detector, loss, options, lateness);
	as_of := coalesce(as_of, clock_timestamp());
	IF NOT isfinite(as_of) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be finite';
	ELSIF as_of < s.checked_at THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('as_of is before %s, when this detector was checked last', s.checked_at),
			HINT = 'Use augur.reset_detector to begin anew.';
	END IF;
	before := augur.detector_info(s.state);

	WITH l AS MATERIALIZED (
		SELECT x.prediction_id AS id, k.base, k.event, x.recorded_at - k.base AS wait,
			   CASE loss WHEN 'error' THEN x.error WHEN 'log_loss' THEN x.log_loss
			   WHEN 'squared_error' THEN x.squared_error ELSE x.absolute_error END AS loss
		FROM augur._losses(m.id, v.id, NULL, NULL, s.base, nullif(s.lateness, '0'), as_of) x
		CROSS JOIN LATERAL (SELECT greatest(coalesce(x.target_time, x.at), x.at) AS base,
								   coalesce(x.target_time, x.at) AS event) k
		WHERE (k.base, k.event, x.prediction_id) > (s.base, s.event, s.prediction_id) AND k.base <= as_of - s.lateness)
	SELECT count(l.loss) AS n, count(*) AS predictions,
		   percentile_cont(0.5) WITHIN GROUP (ORDER BY l.wait) AS delay,
		   array_agg(l.loss ORDER BY l.base, l.event, l.id) FILTER (WHERE l.loss IS NOT NULL) AS losses,
		   array_agg(l.id ORDER BY l.base, l.event, l.id) FILTER (WHERE l.loss IS NOT NULL) AS ids,
		   array_agg(l.event ORDER BY l.base, l.event, l.id) FILTER (WHERE l.loss IS NOT NULL) AS events,
		   max(l.base) FILTER (WHERE l.loss IS NOT NULL) AS last_base
	INTO got FROM l;
	r := ROW(m.name, v.version, detector, loss, got.n);
	r.late := s.late + augur._late_labels(m.id, s, as_of);

	IF got.n > 0 THEN
		s.state := augur.detector_update(s.state, got.losses);
		s.base := got.last_base;
		s.event := got.events[got.n];
		s.prediction_id := got.ids[got.n];
	END IF;
	IF s.lateness > interval '0' AND as_of - s.lateness >= s.base THEN
		s.base := as_of - s.lateness;
		s.event := 'infinity';
		s.prediction_id := 9223372036854775807;
	END IF;
	UPDATE augur.detector_states t
	SET (state, base, event, prediction_id, late, checked_at) = (s.state, s.base, s.event, s.prediction_id, r.late, as_of)
	WHERE t.version_id = v.id AND t.detector = s.detector AND t.loss = s.loss;

	after := augur.detector_info(s.state);
	positions := ARRAY(SELECT c FROM unnest(after.changes) c WHERE c > before.n ORDER BY c);
	IF positions <> '{}' THEN
		was := CASE WHEN before.width >= 30 THEN before.mean
			   ELSE (SELECT avg(x) FROM unnest(got.losses[1 : positions[1] - before.n - 1]) x) END;
		INSERT INTO augur.detector_changes (version_id, detector, loss, position, prediction_id, event_time,
			mean_before, mean_after)
		SELECT v.id, detector, loss, c, got.ids[c - before.n], got.events[c - before.n], was, after.mean
		FROM unnest(positions) c;
		r.direction := CASE WHEN after.mean < was THEN 'better' ELSE 'worse' END;
		PERFORM augur._emit('concept_drift', CASE r.direction WHEN 'worse' THEN 'warning' ELSE 'info' END,
			m.name || '/' || v.version,
			jsonb_build_object('version', v.version, 'detector', detector, 'loss', loss, 'direction', r.direction,
				'mean_before', was, 'mean_after', after.mean, 'changes', cardinality(positions),
				'event_time', got.events[positions[cardinality(positions)] - before.n]), m);
	END IF;
	r.total := after.n;
	r.detected := positions <> '{}';
	r.changed_at := ARRAY(SELECT got.events[c - before.n] FROM unnest(positions) c ORDER BY c);
	r.warning := after.warning;
	r.mean := after.mean;
	r.watermark := nullif(s.base, '-infinity');
	r.baseline := (SELECT CASE loss WHEN 'error' THEN 1 - b.value WHEN 'squared_error' THEN b.value ^ 2 ELSE b.value END
				   FROM augur._trained_metric(v, CASE loss WHEN 'error' THEN 'accuracy' WHEN 'squared_error' THEN 'rmse'
											  WHEN 'absolute_error' THEN 'mae' ELSE loss END) b);
	r.predictions := got.predictions;
	r.coverage := got.n::float8 / nullif(got.predictions, 0);
	r.delay := got.delay;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur.check_concept(text, text, text, jsonb, interval, timestamptz) IS
'Reads the losses that have become known since the last call into a detector of change, keeps its state, and tells what it found; changes are written to augur.detector_changes and as event concept_drift. loss: error (default) or log_loss for classes, absolute_error (default) or squared_error for numbers. lateness: wait so long for actual values, after which what is read no longer depends on how often one checks; else what is there is read, and what comes for earlier times is late. options and lateness are fixed by the first call. as_of: pretend it is then. For the model''s owner, operators and admins. Example: SELECT * FROM augur.check_concept(''churn'', lateness => ''2 days'').';

CREATE OR REPLACE FUNCTION augur.reset_detector(model text, detector text DEFAULT 'adwin',
	loss text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	v			augur.versions := augur._referred_version(model);
	m			augur.models := augur._model_operated(v.model_id);
BEGIN
	PERFORM augur.new_detector(coalesce(detector, ''));
	loss := augur._check_loss(m, detector, loss);
	DELETE FROM augur.detector_states t WHERE t.version_id = v.id AND t.detector = detector AND t.loss = loss;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION augur.reset_detector(text, text, text) IS
'Removes the state of a detector of augur.check_concept, so that the next call reads all losses again, with other options if wanted. Returns whether there was one. Changes that it found stay.';

CREATE OR REPLACE TRIGGER detector_changes_fixed BEFORE UPDATE ON augur.detector_changes
FOR EACH ROW EXECUTE FUNCTION augur._guard_append_only();
CREATE OR REPLACE TRIGGER detector_changes_kept BEFORE TRUNCATE ON augur.detector_changes
FOR EACH STATEMENT EXECUTE FUNCTION augur._guard_append_only();
