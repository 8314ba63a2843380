-- rollout: judging a rollout by what was logged, looking at those that are open, and views.
--
-- What augur.check_rollouts reads are augur's own tables, and nothing that an owner wrote is run: so
-- a superuser may look at everybody's rollouts.

-- ---- judging --------------------------------------------------------------------------------------

-- Mean losses of both, the standard error of their difference, and its degrees of freedom.  Canary: two
-- sets of entities.  Shadow: pairs, in the order they were logged; what came true is told of the
-- champion's.  Rows of one entity are not independent, and entities are what was drawn: so an entity
-- counts once, with the sum of how far its rows are from the mean (Liang and Zeger 1986, Biometrika
-- 73:13); where each has one row, that is the standard error of a mean.  No entity: each row is its own.
CREATE OR REPLACE FUNCTION augur._rollout_losses(r augur.rollouts, metric text, OUT champion bigint, OUT candidate bigint,
	OUT champion_loss float8, OUT candidate_loss float8, OUT error float8, OUT freedom bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, augur, pg_temp
SET enable_nestloop = off
SET jit = off
AS $$
	WITH logged AS MATERIALIZED (
		SELECT p.id, p.at, p.arm, coalesce(p.entity, '') AS entity, coalesce(p.target_time, 'infinity') AS target_time, p.value,
			   p.label, p.probabilities, p.error, CASE WHEN p.entity IS NULL THEN p.id END AS alone,
			   row_number() OVER (PARTITION BY p.arm, p.entity, p.target_time, p.at ORDER BY p.id) AS nth
		FROM augur.predictions p
		WHERE p.model_id = r.model_id AND p.rollout_id = r.id AND p.at >= r.samples_since
		AND p.version_id = ANY (ARRAY[r.champion_id, r.candidate_id])),
	known AS MATERIALIZED (
		SELECT g.id, g.at, g.arm, g.entity, g.alone, g.target_time, g.nth, l.actual, l.actual_label,
			   CASE metric WHEN 'error' THEN l.error WHEN 'log_loss' THEN l.log_loss WHEN 'squared_error' THEN l.squared_error
			   ELSE l.absolute_error END AS loss
		FROM logged g
		JOIN augur._losses(r.model_id, NULL, NULL, NULL, r.samples_since, NULL, NULL) l ON l.prediction_id = g.id
		WHERE l.actual IS NOT NULL OR l.actual_label IS NOT NULL),
	pairs AS (
		SELECT k.entity, k.alone, k.loss AS champion, CASE metric
			   WHEN 'error' THEN (s.label IS DISTINCT FROM k.actual_label)::integer
			   WHEN 'log_loss' THEN -ln(CASE WHEN jsonb_typeof(s.probabilities -> k.actual_label) = 'number'
					THEN least(greatest((s.probabilities -> k.actual_label)::numeric, 2.220446049250313e-16),
							   0.9999999999999997779553950749687)::float8
					ELSE 2.220446049250313e-16 END)
			   WHEN 'squared_error' THEN g.gap ^ 2
			   ELSE g.gap END AS candidate
		FROM known k JOIN logged s ON s.arm = 'shadow' AND s.entity = k.entity AND s.target_time = k.target_time
			AND s.at = k.at AND s.nth = k.nth AND (s.alone IS NULL) = (k.alone IS NULL)
		CROSS JOIN LATERAL (
			SELECT CASE WHEN s.value IS NOT NULL AND k.actual IS NOT NULL
						THEN abs(least(greatest(s.value, -1e70), 1e70) - least(greatest(k.actual, -1e70), 1e70)) END AS gap) g
		WHERE k.arm = 'champion' AND r.mode = 'shadow' AND s.error IS NULL),
	-- what is averaged: losses in a canary, differences in shadow mode
	terms AS (
		SELECT k.arm, k.entity, k.alone, k.loss AS x, NULL::float8 AS champion, NULL::float8 AS candidate
		FROM known k WHERE r.mode = 'canary' AND k.loss IS NOT NULL AND k.arm = ANY ('{champion,candidate}')
		UNION ALL
		SELECT 'pair', p.entity, p.alone, p.candidate - p.champion, p.champion, p.candidate
		FROM pairs p WHERE p.champion IS NOT NULL AND p.candidate IS NOT NULL),
	entities AS MATERIALIZED (
		SELECT t.arm, count(*) AS n, sum(t.x) AS x, sum(t.champion) AS champion, sum(t.candidate) AS candidate
		FROM terms t GROUP BY t.arm, t.entity, t.alone),
	means AS (
		SELECT e.arm, sum(e.n)::bigint AS n, sum(e.x) / sum(e.n)::float8 AS mean, sum(e.champion) / sum(e.n)::float8 AS champion,
			   sum(e.candidate) / sum(e.n)::float8 AS candidate
		FROM entities e GROUP BY e.arm),
	errors AS (
		SELECT m.arm, m.n, m.mean, m.champion, m.candidate, count(*) - 1 AS freedom,
			   sum((e.x - e.n * m.mean) ^ 2) / m.n / m.n * count(*) / nullif(count(*) - 1, 0) AS variance
		FROM entities e JOIN means m ON m.arm = e.arm GROUP BY m.arm, m.n, m.mean, m.champion, m.candidate)
	SELECT coalesce(max(e.n) FILTER (WHERE e.arm <> 'candidate'), 0), coalesce(max(e.n) FILTER (WHERE e.arm <> 'champion'), 0),
		   max(CASE e.arm WHEN 'champion' THEN e.mean ELSE e.champion END), max(CASE e.arm WHEN 'candidate' THEN e.mean ELSE e.candidate END),
		   CASE WHEN count(e.variance) = CASE r.mode WHEN 'shadow' THEN 1 ELSE 2 END THEN sqrt(sum(e.variance)) END, min(e.freedom)
	FROM errors e
$$;
COMMENT ON FUNCTION augur._rollout_losses(augur.rollouts, text) IS
'Internal. Losses of both versions at this step of a rollout, as far as it is known what came true.';

CREATE OR REPLACE FUNCTION augur._rollout_facts(r augur.rollouts) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
SET jit = off
AS $$
DECLARE
	n			record;
	loss		record;
	facts		jsonb;
	cells		integer := (SELECT jsonb_array_length(v.signature -> 'classes') FROM augur.versions v WHERE v.id = r.candidate_id);
	drift		float8;
BEGIN
	SELECT count(*) FILTER (WHERE NOT c) AS champion, count(*) FILTER (WHERE c) AS candidate,
		   count(*) FILTER (WHERE c AND p.error IS NOT NULL) AS errors,
		   count(*) FILTER (WHERE c AND p.error IS NULL AND p.value IS NULL AND p.label IS NULL) AS nulls,
		   count(*) FILTER (WHERE NOT c AND (p.value IS NOT NULL OR p.label IS NOT NULL)) AS champion_answers,
		   count(*) FILTER (WHERE c AND (p.value IS NOT NULL OR p.label IS NOT NULL)) AS candidate_answers,
		   min(p.error) FILTER (WHERE c) AS example
	INTO n
	FROM augur.predictions p, LATERAL (SELECT p.arm <> 'champion' AS c) a
	WHERE p.model_id = r.model_id AND p.rollout_id = r.id AND p.arm <> 'fallback' AND p.at >= r.samples_since
	AND greatest(coalesce(p.target_time, p.at), p.at) >= r.samples_since
	AND p.version_id = ANY (ARRAY[r.champion_id, r.candidate_id]);
	facts := jsonb_build_object('champion', jsonb_build_object('predictions', n.champion),
		'candidate', jsonb_strip_nulls(jsonb_build_object('predictions', n.candidate, 'errors', n.errors, 'nulls', n.nulls,
			'error', left(n.example, 200))));
	IF r.guard ? 'max_drift' AND n.champion_answers >= r.min_samples AND n.candidate_answers >= r.min_samples THEN
		-- answers are numbers, or labels of more than two classes
		SELECT CASE WHEN cells > 2 THEN augur.psi(p.arm <> 'champion', p.label) ELSE augur.psi(p.arm <> 'champion', p.value) END
		INTO drift FROM augur.predictions p
		WHERE p.model_id = r.model_id AND p.rollout_id = r.id AND p.arm <> 'fallback' AND p.at >= r.samples_since
		AND greatest(coalesce(p.target_time, p.at), p.at) >= r.samples_since
		AND p.version_id = ANY (ARRAY[r.champion_id, r.candidate_id]) AND p.error IS NULL;
		facts := facts || jsonb_build_object('drift', drift, 'cells', greatest(coalesce(nullif(cells, 2), 10), 2));
	END IF;
	IF r.guard ? 'metric' THEN
		SELECT * INTO loss FROM augur._rollout_losses(r, r.guard ->> 'metric');
		facts := facts || jsonb_strip_nulls(jsonb_build_object('metric', r.guard ->> 'metric', 'champion_labelled', loss.champion,
			'candidate_labelled', loss.candidate, 'champion_loss', loss.champion_loss, 'candidate_loss', loss.candidate_loss,
			'loss_error', loss.error, 'loss_freedom', loss.freedom));
	END IF;
	RETURN facts;
END
$$;
COMMENT ON FUNCTION augur._rollout_facts(augur.rollouts) IS
'Internal. What is known of both versions at this step of a rollout.';

-- z: how many standard errors are sure; alpha: the same for chance.  fail is said first, then what is
-- not known, and pass only when nothing is left to say.
CREATE OR REPLACE FUNCTION augur._rollout_verdict(r augur.rollouts, facts jsonb, z float8, alpha float8, OUT verdict text,
	OUT reason text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, augur, pg_temp
AS $$
DECLARE
	n			bigint := (facts #>> '{candidate,predictions}')::bigint;
	n_champion	bigint := (facts #>> '{champion,predictions}')::bigint;
	labelled	bigint := least((facts ->> 'champion_labelled')::bigint, (facts ->> 'candidate_labelled')::bigint);
	bound		float8;
	share		float8;
	lower		float8;
	drift		float8 := (facts ->> 'drift')::float8;
	loss		float8 := (facts ->> 'candidate_loss')::float8 - (facts ->> 'champion_loss')::float8;
	free		float8 := (facts ->> 'loss_freedom')::float8;
	half		float8;
	k			text;
	fails		text[] := '{}';
	unknown		text[] := '{}';
BEGIN
	IF free > 0 THEN
		-- few entities tell their spread badly: as many errors as Student's t has (Abramowitz and Stegun 26.7.5)
		half := (facts ->> 'loss_error')::float8 * (z + (z ^ 3 + z) / (4 * free) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96 * free ^ 2)
			+ (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / (384 * free ^ 3));
	END IF;
	IF NOT coalesce(n >= r.min_samples AND n > 0, false) THEN
		unknown := unknown || format('%s predictions of the candidate, of %s that are needed', n, r.min_samples);
	ELSE
		FOREACH k IN ARRAY '{errors,nulls}'::text[] LOOP
			bound := (r.guard ->> CASE k WHEN 'errors' THEN 'max_error_share' ELSE 'max_null_share' END)::float8;
			share := (facts #>> ARRAY['candidate', k])::float8 / n;
			IF share > bound THEN
				-- Wilson's lower end
				lower := (share + z * z / (2 * n) - z * sqrt(share * (1 - share) / n + z * z / (4.0 * n * n))) / (1 + z * z / n);
				IF lower > bound THEN
					fails := fails || format('%s of %s answers of the candidate %s, more than a share of %s', facts #>> ARRAY['candidate', k], n,
						CASE k WHEN 'errors' THEN 'were errors' ELSE 'were NULL' END, bound);
				ELSE
					unknown := unknown || format('%s of %s answers of the candidate %s, too few to tell whether that is more than a share of %s',
						facts #>> ARRAY['candidate', k], n, CASE k WHEN 'errors' THEN 'were errors' ELSE 'were NULL' END, bound);
				END IF;
			END IF;
		END LOOP;
	END IF;
	IF r.guard ? 'max_drift' AND n >= r.min_samples THEN
		bound := (r.guard ->> 'max_drift')::float8;
		IF drift IS NULL THEN
			unknown := unknown || format('%s predictions of the champion, of %s that are needed', n_champion, r.min_samples);
		ELSIF drift > bound THEN
			IF drift > augur.null_quantile('psi', n_champion, n, (facts ->> 'cells')::integer, alpha) THEN
				fails := fails || format('the answers differ from the champion''s by a PSI of %s, more than %s', round(drift::numeric, 4), bound);
			ELSE
				unknown := unknown || format('a PSI of %s between the answers is more than %s, but may be chance', round(drift::numeric, 4), bound);
			END IF;
		END IF;
	END IF;
	IF r.guard ? 'metric' THEN
		bound := (r.guard ->> 'max_loss')::float8;
		IF labelled >= r.min_samples AND half IS NULL THEN
			unknown := unknown || 'the predictions with an actual value are of one entity'::text;
		ELSIF coalesce(labelled, 0) < r.min_samples OR half IS NULL THEN
			unknown := unknown || format('%s predictions with an actual value, of %s that are needed of each version', coalesce(labelled, 0), r.min_samples);
		ELSIF loss - half > bound THEN
			fails := fails || format('%s is worse than the champion''s by %s, surely by more than %s', r.guard ->> 'metric', round(loss::numeric, 4), bound);
		ELSIF loss + half > bound THEN
			unknown := unknown || format('%s differs from the champion''s by %s, give or take %s: not surely by less than %s', r.guard ->> 'metric',
				round(loss::numeric, 4), round(half::numeric, 4), bound);
		END IF;
	END IF;
	verdict := CASE WHEN fails <> '{}' THEN 'fail' WHEN unknown <> '{}' THEN 'inconclusive' ELSE 'pass' END;
	reason := array_to_string(CASE verdict WHEN 'fail' THEN fails ELSE unknown END, '; ');
	IF verdict = 'pass' THEN
		reason := format('%s predictions of the candidate within the guard', n)
			|| CASE WHEN r.guard ? 'metric' THEN format(', %s %s against %s', r.guard ->> 'metric',
				round((facts ->> 'candidate_loss')::numeric, 4), round((facts ->> 'champion_loss')::numeric, 4)) ELSE '' END;
	END IF;
END
$$;
COMMENT ON FUNCTION augur._rollout_verdict(augur.rollouts, jsonb, float8, float8) IS
'Internal. Whether a step of a rollout passes, fails, or cannot be judged yet, and why.';

-- One rollout; the model's row is locked.  may_rest: as it is, when the last look took so long that the
-- next one is not due.  The first one after the end of a step always is.
CREATE OR REPLACE FUNCTION augur._check_rollout(m augur.models, r augur.rollouts, as_of timestamptz, may_rest boolean)
RETURNS augur.rollouts
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	now_id		bigint := augur._production_version(m.name);
	now_version	integer := (SELECT v.version FROM augur.versions v WHERE v.id = now_id);
	began		timestamptz := clock_timestamp();
	over		boolean;
	looked		boolean;
	sure		boolean;
	facts		jsonb;
	judged		record;
BEGIN
	IF now_id IS DISTINCT FROM r.champion_id THEN
		RETURN augur._rollout_move(r, CASE r.state WHEN 'pending_approval' THEN 'expired' ELSE 'aborted' END, as_of,
			coalesce(format('version %s went into production meanwhile', now_version), 'nothing is in production any more'));
	ELSIF r.state = 'pending_approval' THEN
		IF r.expires_at <= as_of THEN
			r := augur._rollout_move(r, 'expired', as_of, 'nobody approved it in time');
		END IF;
		RETURN r;
	ELSIF r.state <> 'running' THEN
		RETURN r;
	END IF;
	over := as_of >= r.timer_from + r.step_for;
	looked := coalesce(r.looked_at > r.timer_from AND r.looked_at >= r.timer_from + r.step_for, false);
	IF may_rest AND r.rests_until > began AND (looked OR NOT over) THEN
		RETURN r;
	END IF;
	facts := augur._rollout_facts(r);
	-- Looks before the end of a step are many, so what fails it then has to be surer; so are those after the
	-- one that had enough rows and could not tell: at 95 % each, one in eight that is just too bad would pass.
	sure := NOT over OR looked
		AND coalesce((r.facts #>> '{candidate,predictions}')::bigint >= r.min_samples
					 AND (NOT r.guard ? 'max_drift' OR r.facts ? 'drift')
					 AND (NOT r.guard ? 'metric' OR least((r.facts ->> 'champion_labelled')::bigint,
														  (r.facts ->> 'candidate_labelled')::bigint) >= r.min_samples), false);
	judged := augur._rollout_verdict(r, facts, CASE WHEN sure THEN 3.290526731491895 ELSE 1.959963984540054 END,
									 CASE WHEN sure THEN 0.001 ELSE 0.05 END);
	IF judged.verdict = 'fail' THEN
		RETURN augur._rollout_move(r, 'rolled_back', as_of, judged.reason, 'fail', facts);
	ELSIF judged.verdict = 'pass' AND over AND r.step < cardinality(r.weights) THEN
		RETURN augur._rollout_move(r, 'advanced', as_of, judged.reason, 'pass', facts);
	ELSIF judged.verdict = 'pass' AND over THEN
		PERFORM augur._promote(m, r.candidate_id, 'production', 'promote', format('rollout %s: %s', r.id, judged.reason));
		RETURN augur._rollout_move(r, 'promoted', as_of, judged.reason, 'pass', facts);
	ELSIF as_of >= r.timer_from + r.step_for + r.patience AND over AND judged.verdict = 'inconclusive' THEN
		RETURN augur._rollout_move(r, 'paused', as_of, judged.reason, 'inconclusive', facts);
	END IF;
	IF NOT over THEN
		judged.verdict := 'inconclusive';
		judged.reason := format('the step has not lasted %s', r.step_for);
	END IF;
	UPDATE augur.rollouts t SET verdict = judged.verdict, reason = judged.reason, facts = facts, looked_at = as_of,
		rests_until = (SELECT clock_timestamp() + least(20 * e.took, interval '30 minutes')
					   FROM (SELECT clock_timestamp() - began AS took) e WHERE e.took > interval '5 seconds')
	WHERE t.id = r.id RETURNING t.* INTO r;
	RETURN r;
END
$$;
COMMENT ON FUNCTION augur._check_rollout(augur.models, augur.rollouts, timestamptz, boolean) IS
'Internal. Looks at an open rollout, unless it may rest, and moves it.';

CREATE OR REPLACE FUNCTION augur.check_rollouts(as_of timestamptz DEFAULT now(), model text DEFAULT NULL)
RETURNS SETOF augur.rollout_check
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, augur, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	chosen		bigint;
	m			augur.models;
	r			augur.rollouts;
BEGIN
	as_of := coalesce(as_of, now());
	IF NOT isfinite(as_of) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'as_of must be finite';
	END IF;
	IF model IS NOT NULL THEN
		chosen := (augur._model_operated((augur._model(model)).id)).id;
	END IF;
	FOR m IN
		SELECT t.* FROM augur.models t
		WHERE t.id = coalesce(chosen, t.id) AND augur._operates(t.owner)
		AND EXISTS (SELECT FROM augur.rollouts o
					WHERE o.model_id = t.id AND o.state = ANY ('{pending_approval,approved,running,paused}'))
		ORDER BY t.id
	LOOP
		-- one that is being promoted or judged by another session is for the next time
		PERFORM FROM augur.models t WHERE t.id = m.id FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		SELECT * INTO r FROM augur.rollouts t
		WHERE t.model_id = m.id AND t.state = ANY ('{pending_approval,approved,running,paused}');
		CONTINUE WHEN NOT FOUND;
		BEGIN
			r := augur._check_rollout(m, r, as_of, model IS NULL);
		EXCEPTION WHEN OTHERS THEN
			-- the others go on; what may go by itself is tried again, the rest is for a person
			RAISE WARNING USING ERRCODE = SQLSTATE,
				MESSAGE = format('rollout %s of model "%s" could not be judged: %s', r.id, r.model, SQLERRM);
			CONTINUE WHEN r.state <> 'running' OR SQLSTATE ~ '^(40|53|55P03|57)';
			r := augur._rollout_move(r, 'paused', as_of, 'could not be judged: ' || SQLERRM, 'inconclusive');
		END;
		RETURN NEXT ROW(r.id, r.model, r.candidate, r.state, r.step, r.weight, r.verdict, r.reason)::augur.rollout_check;
	END LOOP;
END
$$;
COMMENT ON FUNCTION augur.check_rollouts(timestamptz, text) IS
'Looks at the open rollouts of models that you own or operate, or of one model, and returns what became of each: a step that has lasted step_for and passes is followed by the next one, the last one by promotion; one that fails rolls back, also before its time is over, when that is sure; one that stays inconclusive for longer than patience is paused. One that cannot be judged is paused, with a warning. Requests that nobody approved in time expire, and a rollout whose champion is not in production any more is aborted. as_of: the time to measure against, for simulations; predictions count from when they were logged. A look that took more than five seconds is followed by the next one after twenty times as long, at most half an hour, or at the end of the step; naming the model looks at once. It reads augur''s own tables only. augur.tick calls it; without that: SELECT cron.schedule(''augur rollouts'', ''* * * * *'', ''SELECT augur.check_rollouts()'').';

-- ---- views ----------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW augur.rollout_status WITH (security_invoker = true) AS
SELECT DISTINCT ON (r.model_id) r.id AS rollout, r.model, r.champion, r.candidate, r.mode, r.state, r.step,
	cardinality(r.weights) AS steps, r.weight, r.verdict, r.reason,
	(r.facts #>> '{champion,predictions}')::bigint AS champion_samples,
	(r.facts #>> '{candidate,predictions}')::bigint AS candidate_samples, r.min_samples,
	(r.facts #>> '{candidate,errors}')::bigint AS candidate_errors,
	r.guard ->> 'metric' AS metric, (r.facts ->> 'champion_loss')::float8 AS champion_loss,
	(r.facts ->> 'candidate_loss')::float8 AS candidate_loss, (r.facts ->> 'drift')::float8 AS drift,
	CASE r.state WHEN 'running' THEN r.timer_from + r.step_for WHEN 'pending_approval' THEN r.expires_at END AS due_at,
	r.looked_at, r.requested_by, r.requested_at, r.ended_at
FROM augur.rollouts r
ORDER BY r.model_id, r.id DESC;
COMMENT ON VIEW augur.rollout_status IS
'The last rollout of each model: where it stands, what the last look measured, and why it is where it is.';
COMMENT ON COLUMN augur.rollout_status.weight IS 'the share of entities that the candidate has now, in percent';
COMMENT ON COLUMN augur.rollout_status.verdict IS 'of the last look';
COMMENT ON COLUMN augur.rollout_status.champion_samples IS 'predictions of the version in production at this step, when it was last looked at';
COMMENT ON COLUMN augur.rollout_status.candidate_samples IS 'predictions of the candidate at this step, when it was last looked at';
COMMENT ON COLUMN augur.rollout_status.candidate_errors IS 'how many of them failed, and were answered by production instead';
COMMENT ON COLUMN augur.rollout_status.drift IS 'population stability index between the answers of both';
COMMENT ON COLUMN augur.rollout_status.due_at IS 'when the step can pass, or the request expires';

CREATE OR REPLACE VIEW augur.rollout_history WITH (security_invoker = true) AS
SELECT r.id AS rollout, r.model, r.champion, r.candidate, r.mode, e.at, e.kind, e.state, e.step, e.weight, e.verdict, e.reason,
	e.actor, e.as_of, e.facts, a.note AS decision_note, e.id AS event
FROM augur.rollout_events e
	JOIN augur.rollouts r ON r.id = e.rollout_id
	LEFT JOIN augur.approvals a ON a.rollout_id = r.id AND e.kind = ANY ('{approved,denied}')
ORDER BY e.id DESC;
COMMENT ON VIEW augur.rollout_history IS 'Every move of every rollout, newest first, of dropped models too.';
COMMENT ON COLUMN augur.rollout_history.facts IS 'what was measured of the step that ended';
