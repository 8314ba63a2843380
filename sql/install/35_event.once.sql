-- event: what happened, one row for every change of state, written in the transaction that made it.
--
-- An event is there exactly when the change is: a rollback takes both.  Rows follow the rules of
-- 30_registry.once.sql: who and when are defaults of columns that nobody may set.  There is no
-- foreign key to models or versions, for the story outlives what it tells of.

CREATE TABLE augur.events
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at			timestamptz NOT NULL DEFAULT clock_timestamp(),
	kind		text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
	severity	text NOT NULL CHECK (severity = ANY ('{info,warning,error,critical}'::text[])),
	subject		text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
	model_id	bigint,
	model		text,
	payload		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(payload) = 'object'),
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	actor		name NOT NULL DEFAULT current_user,
	CHECK ((model_id IS NULL) = (model IS NULL))
);
CREATE INDEX events_kind ON augur.events (kind, id);
CREATE INDEX events_model_id ON augur.events (model_id, id) WHERE model_id IS NOT NULL;

SELECT pg_extension_config_dump('augur.events', '');
SELECT pg_extension_config_dump('augur.events_id_seq', '');

ALTER TABLE augur.events ENABLE ROW LEVEL SECURITY;

-- seen by members of the owner, by whoever sees the model, by operators and admins
CREATE POLICY seen ON augur.events FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.models m WHERE m.id = model_id)
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
-- written in one's own name, or of a model that one owns or operates, in its owner's name; by
-- operators and admins also in the name of owners of pipelines
CREATE POLICY added ON augur.events FOR INSERT
	WITH CHECK (CASE WHEN model_id IS NULL
				THEN pg_has_role(owner, 'USAGE')
					 OR EXISTS (SELECT FROM augur.preset_roles p
								WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE'))
				ELSE EXISTS (SELECT FROM augur.models m
							 WHERE m.id = model_id AND m.name = model AND m.owner = events.owner
							 AND (pg_has_role(m.owner, 'USAGE')
								  OR EXISTS (SELECT FROM augur.preset_roles p
											 WHERE p.preset = ANY ('{operator,admin}')
											 AND pg_has_role(p.role, 'USAGE')))) END);

COMMENT ON TABLE augur.events IS
'What happened, in the order of writing: trainings, promotions, rollbacks, drift, refused data, and what augur.emit adds. Append-only; written in the same transaction as the change.';
COMMENT ON COLUMN augur.events.id IS 'number of the event; listeners of channel augur read on from the last one they know';
COMMENT ON COLUMN augur.events.at IS 'when it was written';
COMMENT ON COLUMN augur.events.kind IS 'what happened, as promoted or training_finished (docs/events.md lists augur''s own)';
COMMENT ON COLUMN augur.events.severity IS 'info, warning, error or critical';
COMMENT ON COLUMN augur.events.subject IS 'what it happened to, in words, as "churn/7"';
COMMENT ON COLUMN augur.events.model_id IS 'the model, NULL when it is about none';
COMMENT ON COLUMN augur.events.model IS 'name of the model at that time';
COMMENT ON COLUMN augur.events.payload IS 'numbers and names that belong to it, an object';
COMMENT ON COLUMN augur.events.owner IS 'role whose members see it: the owner of the model, or who emitted it';
COMMENT ON COLUMN augur.events.actor IS 'the user whose statement it happened in';
