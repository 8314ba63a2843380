-- retrain: rules for training a model anew, and one row for each time they were looked at.
--
-- Follows the rules of 30_registry.once.sql.  Decisions are a history: they are never changed
-- and outlive the model.

CREATE TABLE augur.retrain_policies
(
	model_id	bigint PRIMARY KEY REFERENCES augur.models ON DELETE CASCADE,
	every		interval CHECK (every > interval '0'),
	new_rows	bigint CHECK (new_rows > 0),
	on_events	text[] NOT NULL DEFAULT '{}',
	events_needed integer NOT NULL DEFAULT 1 CHECK (events_needed >= 1),
	cooldown	interval NOT NULL DEFAULT '1 day' CHECK (cooldown >= interval '0'),
	most_per_day integer NOT NULL DEFAULT 3 CHECK (most_per_day >= 1),
	min_new_rows bigint NOT NULL DEFAULT 0 CHECK (min_new_rows >= 0),
	suite		text,
	gate		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(gate) = 'object'),
	stop_after	integer NOT NULL DEFAULT 2 CHECK (stop_after >= 1),
	frozen		boolean NOT NULL DEFAULT false,
	set_by		name NOT NULL DEFAULT current_user,
	set_at		timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE augur.retrain_decisions
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL,
	model		text NOT NULL,
	as_of		timestamptz NOT NULL,
	fired		boolean NOT NULL,
	trigger		text,
	reason		text NOT NULL,
	outcome		text CHECK (outcome = ANY ('{promoted,rejected,kept,failed}'::text[])),
	version		integer,
	facts		jsonb NOT NULL DEFAULT '{}',
	owner		regrole NOT NULL,
	actor		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (fired = (outcome IS NOT NULL))
);
CREATE INDEX retrain_decisions_model_id ON augur.retrain_decisions (model_id, id);
-- every tick asks whether there is one of the last minutes
CREATE INDEX retrain_decisions_as_of ON augur.retrain_decisions (model_id, as_of);

SELECT pg_extension_config_dump('augur.retrain_policies', '');
SELECT pg_extension_config_dump('augur.retrain_decisions', '');
SELECT pg_extension_config_dump('augur.retrain_decisions_id_seq', '');

ALTER TABLE augur.retrain_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.retrain_decisions ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen ON augur.retrain_policies FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY written ON augur.retrain_policies FOR ALL
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.retrain_decisions FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.models m WHERE m.id = model_id)
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.retrain_decisions FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id AND m.name = model AND m.owner = retrain_decisions.owner
						AND pg_has_role(m.owner, 'USAGE')));

COMMENT ON TABLE augur.retrain_policies IS
'When a model is to be trained anew, set by augur.set_retrain_policy and looked at by augur.check_retrain.';
COMMENT ON COLUMN augur.retrain_policies.model_id IS 'the model';
COMMENT ON COLUMN augur.retrain_policies.every IS 'trigger: so long after the last training';
COMMENT ON COLUMN augur.retrain_policies.new_rows IS 'trigger: so many more rows with a target than the last training saw';
COMMENT ON COLUMN augur.retrain_policies.on_events IS 'trigger: events of these kinds about the model since the last training';
COMMENT ON COLUMN augur.retrain_policies.events_needed IS 'so many of those events';
COMMENT ON COLUMN augur.retrain_policies.cooldown IS 'no training so long after the last one';
COMMENT ON COLUMN augur.retrain_policies.most_per_day IS 'trainings within 24 hours';
COMMENT ON COLUMN augur.retrain_policies.min_new_rows IS 'no training before there are so many new rows with a target';
COMMENT ON COLUMN augur.retrain_policies.suite IS 'validation suite that the data must pass';
COMMENT ON COLUMN augur.retrain_policies.gate IS 'what a candidate must show, as gate of augur.train';
COMMENT ON COLUMN augur.retrain_policies.stop_after IS 'so many candidates in a row that are not promoted stop retraining';
COMMENT ON COLUMN augur.retrain_policies.frozen IS 'true: no training but by hand';
COMMENT ON COLUMN augur.retrain_policies.set_by IS 'the user who set it last';
COMMENT ON COLUMN augur.retrain_policies.set_at IS 'when it was set last; candidates before that do not count as failures';
COMMENT ON TABLE augur.retrain_decisions IS
'One row for each augur.check_retrain: fired, or the reason not. Append-only.';
COMMENT ON COLUMN augur.retrain_decisions.id IS 'number of the decision';
COMMENT ON COLUMN augur.retrain_decisions.model_id IS 'the model';
COMMENT ON COLUMN augur.retrain_decisions.model IS 'its name at that time';
COMMENT ON COLUMN augur.retrain_decisions.as_of IS 'the time that rules were measured against';
COMMENT ON COLUMN augur.retrain_decisions.fired IS 'whether a candidate was trained';
COMMENT ON COLUMN augur.retrain_decisions.trigger IS 'manual, schedule, new_rows or events; NULL when there was none';
COMMENT ON COLUMN augur.retrain_decisions.reason IS 'why it fired or not, and what became of the candidate';
COMMENT ON COLUMN augur.retrain_decisions.outcome IS
'of the candidate: promoted; rejected by the gate; kept (not promoted, ready); failed (no candidate)';
COMMENT ON COLUMN augur.retrain_decisions.version IS 'version of the candidate';
COMMENT ON COLUMN augur.retrain_decisions.facts IS 'what was counted: new rows, events, trainings of the day';
COMMENT ON COLUMN augur.retrain_decisions.owner IS 'owner of the model, whose members see it';
COMMENT ON COLUMN augur.retrain_decisions.actor IS 'the user who looked';
COMMENT ON COLUMN augur.retrain_decisions.at IS 'when it was looked at';
