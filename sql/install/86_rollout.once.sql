-- rollout: a candidate that takes over from production by steps, and who let it.
--
-- Follows the rules of 30_registry.once.sql.  A rollout outlives its model, as history does: its
-- row is changed by the rules of trigger rollouts_guard only, and every move of it is a row of
-- rollout_events.  weight is what routes: the share of entities, in percent, that the candidate
-- answers (or is asked beside production, in shadow).

CREATE TABLE augur.rollouts
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL,
	model		text NOT NULL,
	champion_id	bigint,
	champion	integer,
	candidate_id bigint NOT NULL,
	candidate	integer NOT NULL,
	mode		text NOT NULL CHECK (mode = ANY ('{canary,shadow}'::text[])),
	salt		text NOT NULL,
	weights		numeric(5, 2)[] NOT NULL CHECK (cardinality(weights) BETWEEN 1 AND 100),
	step_for	interval NOT NULL CHECK (step_for >= interval '0' AND step_for <= interval '1000 years' AND augur._plain_span(step_for)),
	patience	interval NOT NULL CHECK (patience >= interval '0' AND patience <= interval '1000 years' AND augur._plain_span(patience)),
	min_samples	integer NOT NULL CHECK (min_samples >= 2),
	guard		jsonb NOT NULL CHECK (jsonb_typeof(guard) = 'object'),
	approval	boolean NOT NULL,
	expires_at	timestamptz,
	note		text,
	owner		regrole NOT NULL,
	requested_by name NOT NULL DEFAULT current_user,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	state		text NOT NULL CHECK (state = ANY
				('{pending_approval,approved,running,paused,promoted,rolled_back,aborted,denied,expired}'::text[])),
	step		integer NOT NULL DEFAULT 0 CHECK (step BETWEEN 0 AND cardinality(weights)),
	weight		numeric(5, 2) NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 100),
	timer_from	timestamptz CHECK (timer_from > '-infinity' AND timer_from < '100000-01-01 00:00+00'),
	samples_since timestamptz,
	verdict		text CHECK (verdict = ANY ('{pass,fail,inconclusive}'::text[])),
	reason		text,
	facts		jsonb NOT NULL DEFAULT '{}',
	looked_at	timestamptz,
	rests_until timestamptz,
	ended_at	timestamptz,
	CHECK ((champion_id IS NULL) = (champion IS NULL)),
	CHECK ((state = ANY ('{promoted,rolled_back,aborted,denied,expired}'::text[])) = (ended_at IS NOT NULL)),
	CHECK (NOT (state = ANY ('{running,paused}'::text[])) OR (timer_from IS NOT NULL AND samples_since IS NOT NULL))
);
CREATE UNIQUE INDEX rollouts_open ON augur.rollouts (model_id)
	WHERE state = ANY ('{pending_approval,approved,running,paused}'::text[]);
CREATE INDEX rollouts_model_id ON augur.rollouts (model_id, id);

CREATE TABLE augur.rollout_events
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rollout_id	bigint NOT NULL REFERENCES augur.rollouts,
	kind		text NOT NULL CHECK (kind = ANY
				('{requested,approved,denied,expired,started,advanced,paused,resumed,promoted,rolled_back,aborted}'::text[])),
	state		text NOT NULL,
	step		integer NOT NULL,
	weight		numeric(5, 2) NOT NULL,
	verdict		text CHECK (verdict = ANY ('{pass,fail,inconclusive}'::text[])),
	reason		text,
	facts		jsonb NOT NULL DEFAULT '{}',
	as_of		timestamptz NOT NULL,
	actor		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rollout_events_rollout_id ON augur.rollout_events (rollout_id, id);

CREATE TABLE augur.approvals
(
	rollout_id	bigint PRIMARY KEY REFERENCES augur.rollouts,
	decision	text NOT NULL CHECK (decision = ANY ('{approve,deny}'::text[])),
	note		text,
	decided_by	name NOT NULL DEFAULT current_user,
	decided_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TYPE augur.rollout_check AS
(
	rollout		bigint,
	model		text,
	candidate	integer,
	state		text,
	step		integer,
	weight		numeric,
	verdict		text,
	reason		text
);

SELECT pg_extension_config_dump('augur.rollouts', '');
SELECT pg_extension_config_dump('augur.rollouts_id_seq', '');
SELECT pg_extension_config_dump('augur.rollout_events', '');
SELECT pg_extension_config_dump('augur.rollout_events_id_seq', '');
SELECT pg_extension_config_dump('augur.approvals', '');

ALTER TABLE augur.rollouts ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.rollout_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.approvals ENABLE ROW LEVEL SECURITY;

-- seen by whoever sees the model, and by its owner, operators and admins when it is gone; moved by
-- the owner, operators and admins
CREATE POLICY seen ON augur.rollouts FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.models m WHERE m.id = model_id)
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
-- one that has to be approved begins by waiting for that
CREATE POLICY added ON augur.rollouts FOR INSERT
	WITH CHECK (state = CASE WHEN approval THEN 'pending_approval' ELSE 'running' END
				AND EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id AND m.name = model AND m.owner = rollouts.owner
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY moved ON augur.rollouts FOR UPDATE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.rollout_events FOR SELECT
	USING (EXISTS (SELECT FROM augur.rollouts r WHERE r.id = rollout_id));
CREATE POLICY added ON augur.rollout_events FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.rollouts r JOIN augur.models m ON m.id = r.model_id
						WHERE r.id = rollout_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.approvals FOR SELECT
	USING (EXISTS (SELECT FROM augur.rollouts r WHERE r.id = rollout_id));
-- nobody but an admin approves what he has started himself
CREATE POLICY added ON augur.approvals FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.rollouts r JOIN augur.models m ON m.id = r.model_id
						WHERE r.id = rollout_id AND r.state = 'pending_approval'
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))
						AND (decision = 'deny' OR r.requested_by <> current_user
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));

COMMENT ON TABLE augur.rollouts IS
'Candidates that take over from production by steps: what was asked for by augur.start_rollout, and where each stands. At most one of a model is open. augur.rollout_status shows it for reading.';
COMMENT ON COLUMN augur.rollouts.id IS 'number of the rollout';
COMMENT ON COLUMN augur.rollouts.model_id IS 'the model';
COMMENT ON COLUMN augur.rollouts.model IS 'its name at that time';
COMMENT ON COLUMN augur.rollouts.champion_id IS 'id of the version in production, NULL when there was none';
COMMENT ON COLUMN augur.rollouts.champion IS 'its number within the model';
COMMENT ON COLUMN augur.rollouts.candidate_id IS 'id of the version that is rolled out';
COMMENT ON COLUMN augur.rollouts.candidate IS 'its number within the model';
COMMENT ON COLUMN augur.rollouts.mode IS
'canary: the candidate answers its share of entities; shadow: it is asked beside production for them, and production answers';
COMMENT ON COLUMN augur.rollouts.salt IS 'decides, together with the entity, in which share an entity is';
COMMENT ON COLUMN augur.rollouts.weights IS 'the share of entities at each step, in percent';
COMMENT ON COLUMN augur.rollouts.step_for IS 'how long a step lasts at least';
COMMENT ON COLUMN augur.rollouts.patience IS 'how much longer it may stay inconclusive before the rollout is paused';
COMMENT ON COLUMN augur.rollouts.min_samples IS 'so many predictions at a step (labelled ones, for the metric) before there is a verdict';
COMMENT ON COLUMN augur.rollouts.guard IS 'what fails the candidate, see augur.start_rollout';
COMMENT ON COLUMN augur.rollouts.approval IS 'whether it had to be approved';
COMMENT ON COLUMN augur.rollouts.expires_at IS 'when the request to approve it ends';
COMMENT ON COLUMN augur.rollouts.note IS 'what whoever started it had to say';
COMMENT ON COLUMN augur.rollouts.owner IS 'owner of the model then, whose members see it also when the model is gone';
COMMENT ON COLUMN augur.rollouts.requested_by IS 'the user who started it';
COMMENT ON COLUMN augur.rollouts.requested_at IS 'when';
COMMENT ON COLUMN augur.rollouts.state IS
'pending_approval, approved, running, paused; ended: promoted, rolled_back, aborted, denied, expired';
COMMENT ON COLUMN augur.rollouts.step IS 'the step it is at, 0 before the first';
COMMENT ON COLUMN augur.rollouts.weight IS 'the share of entities now, in percent';
COMMENT ON COLUMN augur.rollouts.timer_from IS 'from when step_for is counted: the begin of the step, or the last resumption';
COMMENT ON COLUMN augur.rollouts.samples_since IS 'predictions logged since then are of this step';
COMMENT ON COLUMN augur.rollouts.verdict IS 'of the last look: pass, fail or inconclusive';
COMMENT ON COLUMN augur.rollouts.reason IS 'why';
COMMENT ON COLUMN augur.rollouts.facts IS 'what was measured then';
COMMENT ON COLUMN augur.rollouts.looked_at IS 'as of when augur.check_rollouts looked last';
COMMENT ON COLUMN augur.rollouts.rests_until IS
'until when it is not looked at again, NULL unless the last look took more than five seconds; naming the model looks at once';
COMMENT ON COLUMN augur.rollouts.ended_at IS 'when it ended';
COMMENT ON TABLE augur.rollout_events IS
'Every move of every rollout, with what was measured. Append-only. augur.rollout_history shows it for reading.';
COMMENT ON COLUMN augur.rollout_events.id IS 'number of the move';
COMMENT ON COLUMN augur.rollout_events.rollout_id IS 'the rollout';
COMMENT ON COLUMN augur.rollout_events.kind IS 'what happened; the event of augur.events is called rollout_ and this';
COMMENT ON COLUMN augur.rollout_events.state IS 'the state it moved to';
COMMENT ON COLUMN augur.rollout_events.step IS 'the step it moved to';
COMMENT ON COLUMN augur.rollout_events.weight IS 'the share of entities from then on, in percent';
COMMENT ON COLUMN augur.rollout_events.verdict IS 'the verdict that moved it, NULL for a person';
COMMENT ON COLUMN augur.rollout_events.reason IS 'why';
COMMENT ON COLUMN augur.rollout_events.facts IS 'what was measured of the step that ended';
COMMENT ON COLUMN augur.rollout_events.as_of IS 'the time that was measured against';
COMMENT ON COLUMN augur.rollout_events.actor IS 'the user whose statement it happened in';
COMMENT ON COLUMN augur.rollout_events.at IS 'when it was written';
COMMENT ON TABLE augur.approvals IS
'Who approved or denied a rollout that had to be approved. Append-only; one row for each such rollout that was decided on.';
COMMENT ON COLUMN augur.approvals.rollout_id IS 'the rollout';
COMMENT ON COLUMN augur.approvals.decision IS 'approve or deny';
COMMENT ON COLUMN augur.approvals.note IS 'what was said';
COMMENT ON COLUMN augur.approvals.decided_by IS 'the user who decided';
COMMENT ON COLUMN augur.approvals.decided_at IS 'when';
COMMENT ON TYPE augur.rollout_check IS 'What augur.check_rollouts made of a rollout.';
COMMENT ON COLUMN augur.rollout_check.rollout IS 'number of the rollout';
COMMENT ON COLUMN augur.rollout_check.model IS 'the model';
COMMENT ON COLUMN augur.rollout_check.candidate IS 'the version that is rolled out';
COMMENT ON COLUMN augur.rollout_check.state IS 'its state after the look';
COMMENT ON COLUMN augur.rollout_check.step IS 'the step it is at after the look';
COMMENT ON COLUMN augur.rollout_check.weight IS 'the share of entities after the look, in percent';
COMMENT ON COLUMN augur.rollout_check.verdict IS 'pass, fail or inconclusive; NULL when something else ended it';
COMMENT ON COLUMN augur.rollout_check.reason IS 'why';
