-- prediction: what models answered, and what came true.
--
-- predictions is partitioned by the time of the answer.  Partitions are made while the extension
-- is in use and are ordinary tables, not members of it: so pg_dump writes their definition and
-- their rows, and a restore attaches them again.  For the same reason the partitioned table has
-- no index and no key of its own (a restored partition brings those, and could not bring them
-- twice), and nothing refers to it.  The default partition is a member: it takes what no other
-- one takes, so that logging needs no right to make tables.  See docs/decisions.md.
--
-- actuals is apart, and append-only: a label comes late, comes twice, and is corrected, all
-- without touching a prediction.

CREATE TABLE augur.predictions
(
	id			bigint GENERATED ALWAYS AS IDENTITY,
	at			timestamptz NOT NULL DEFAULT now(),
	model_id	bigint NOT NULL,
	version_id	bigint NOT NULL,
	version		integer NOT NULL,
	reference	text NOT NULL,
	entity		text,
	target_time	timestamptz,
	value		float8,
	label		text,
	probabilities jsonb CHECK (jsonb_typeof(probabilities) = 'object'),
	features	jsonb CHECK (jsonb_typeof(features) = 'object'),
	rollout_id	bigint,
	arm			text CHECK (arm = ANY ('{champion,candidate,shadow,fallback}'::text[])),
	error		text,
	made_by		name NOT NULL DEFAULT current_user,
	CHECK ((rollout_id IS NULL) = (arm IS NULL))
) PARTITION BY RANGE (at);

CREATE TABLE augur.predictions_default PARTITION OF augur.predictions DEFAULT;
ALTER TABLE augur.predictions_default ADD PRIMARY KEY (id);
CREATE INDEX predictions_default_version ON augur.predictions_default
	(model_id, version_id, greatest(coalesce(target_time, at), at));
CREATE INDEX predictions_default_entity ON augur.predictions_default (model_id, entity, target_time);

-- No foreign key to predictions: a label may come first, and outlive the prediction.
CREATE TABLE augur.actuals
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE CASCADE,
	prediction_id bigint,
	entity		text,
	target_time	timestamptz,
	value		float8,
	label		text,
	observed_at	timestamptz NOT NULL DEFAULT now(),
	recorded_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	recorded_by	name NOT NULL DEFAULT current_user,
	CHECK ((prediction_id IS NULL) <> (entity IS NULL)),
	CHECK (target_time IS NULL OR entity IS NOT NULL),
	CHECK ((value IS NULL) <> (label IS NULL)),
	CONSTRAINT actuals_value_finite CHECK (abs(value) < 'Infinity')
);
CREATE INDEX actuals_prediction_id ON augur.actuals (prediction_id, id) WHERE prediction_id IS NOT NULL;
CREATE INDEX actuals_recorded_at ON augur.actuals (model_id, recorded_at);
CREATE INDEX actuals_entity ON augur.actuals (model_id, entity, target_time) WHERE entity IS NOT NULL;

CREATE TYPE augur.logged_prediction AS
(
	prediction_id bigint,
	value		float8,
	label		text,
	probability float8,
	version		integer
);
CREATE TYPE augur.scored_row AS
(
	prediction_id bigint,
	entity		text,
	target_time	timestamptz,
	value		float8,
	label		text,
	version		integer
);
CREATE TYPE augur.recorded_actuals AS
(
	recorded	bigint,
	matched		bigint,
	skipped		bigint
);
CREATE TYPE augur.prediction_loss AS
(
	prediction_id bigint,
	version		integer,
	at			timestamptz,
	entity		text,
	target_time	timestamptz,
	value		float8,
	label		text,
	actual		float8,
	actual_label text,
	squared_error float8,
	absolute_error float8,
	log_loss	float8,
	error		integer,
	observed_at	timestamptz,
	recorded_at	timestamptz
);

SELECT pg_extension_config_dump('augur.predictions_default', '');
SELECT pg_extension_config_dump('augur.predictions_id_seq', '');
SELECT pg_extension_config_dump('augur.actuals', '');
SELECT pg_extension_config_dump('augur.actuals_id_seq', '');

-- the policies of the partitioned table hold for whoever comes through it; nobody else may
-- come to a partition but its owner
ALTER TABLE augur.predictions ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.predictions_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.actuals ENABLE ROW LEVEL SECURITY;

-- predictions: seen by members of the model's owner, operators, admins, and by who made them
CREATE POLICY seen ON augur.predictions FOR SELECT
	USING (made_by = current_user
		   OR EXISTS (SELECT FROM augur.models m
					  WHERE m.id = model_id
					  AND (pg_has_role(m.owner, 'USAGE')
						   OR EXISTS (SELECT FROM augur.preset_roles p
									  WHERE p.preset = ANY ('{operator,admin}')
									  AND pg_has_role(p.role, 'USAGE')))));
-- logged by whoever may predict with that version
CREATE POLICY added ON augur.predictions FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id AND v.version = predictions.version
						AND m.id = predictions.model_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.model_grants g
										WHERE g.model_id = m.id AND g.privilege = 'predict'
										AND (g.role = 0 OR pg_has_role(g.role, 'USAGE')))
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));

-- actuals: likewise; recorded for the whole model by its owner, operators and admins, and for
-- single predictions also by who made them
CREATE POLICY seen ON augur.actuals FOR SELECT
	USING (recorded_by = current_user
		   OR EXISTS (SELECT FROM augur.models m
					  WHERE m.id = model_id
					  AND (pg_has_role(m.owner, 'USAGE')
						   OR EXISTS (SELECT FROM augur.preset_roles p
									  WHERE p.preset = ANY ('{operator,admin}')
									  AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY added ON augur.actuals FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE'))))
				OR EXISTS (SELECT FROM augur.predictions p
						   WHERE p.id = prediction_id AND p.model_id = actuals.model_id
						   AND p.made_by = current_user));

COMMENT ON TABLE augur.predictions IS
'What augur.predict_logged and augur.score answered. Append-only, partitioned by month; augur.drop_predictions removes old ones.';
COMMENT ON TABLE augur.predictions_default IS
'Predictions of months that have no partition of their own; augur.partition_predictions moves them into one.';
COMMENT ON COLUMN augur.predictions.id IS 'number of the prediction, for augur.record_actual';
COMMENT ON COLUMN augur.predictions.at IS 'when it was made: start of the transaction';
COMMENT ON COLUMN augur.predictions.model_id IS 'the model';
COMMENT ON COLUMN augur.predictions.version_id IS 'id of the version that answered';
COMMENT ON COLUMN augur.predictions.version IS 'its number within the model';
COMMENT ON COLUMN augur.predictions.reference IS 'how the caller named the model, as churn@staging';
COMMENT ON COLUMN augur.predictions.entity IS 'what was predicted for, as the key of a customer; NULL when the caller did not say';
COMMENT ON COLUMN augur.predictions.target_time IS 'the time that was predicted for; NULL: the time it was made';
COMMENT ON COLUMN augur.predictions.value IS 'the predicted value, or the probability of the positive class of two';
COMMENT ON COLUMN augur.predictions.label IS 'the predicted class; NULL for regression';
COMMENT ON COLUMN augur.predictions.probabilities IS 'the probability of each class; NULL for regression';
COMMENT ON COLUMN augur.predictions.features IS 'the row that was scored, when the caller asked for it to be kept';
COMMENT ON COLUMN augur.predictions.rollout_id IS 'the rollout that the answer was part of, or NULL';
COMMENT ON COLUMN augur.predictions.arm IS
'its part in that: champion, candidate, shadow (asked beside the champion, and not returned), or fallback (the champion''s answer after the candidate had failed)';
COMMENT ON COLUMN augur.predictions.error IS 'why a candidate failed to answer, beginning with the SQLSTATE; such a row was not returned';
COMMENT ON COLUMN augur.predictions.made_by IS 'the user who asked';
COMMENT ON TABLE augur.actuals IS
'What came true, written by augur.record_actual and augur.record_actuals. Append-only: the latest row about a prediction counts.';
COMMENT ON COLUMN augur.actuals.id IS 'number of the row, in the order they were recorded';
COMMENT ON COLUMN augur.actuals.model_id IS 'the model';
COMMENT ON COLUMN augur.actuals.prediction_id IS 'the one prediction it is about, or NULL';
COMMENT ON COLUMN augur.actuals.entity IS 'with target_time: what all predictions of the model are about that it is for';
COMMENT ON COLUMN augur.actuals.target_time IS 'the time that it is for; NULL: predictions without one';
COMMENT ON COLUMN augur.actuals.value IS 'the value; NULL for classes';
COMMENT ON COLUMN augur.actuals.label IS 'the class; NULL for regression';
COMMENT ON COLUMN augur.actuals.observed_at IS 'when it was known';
COMMENT ON COLUMN augur.actuals.recorded_at IS 'when it was written here';
COMMENT ON COLUMN augur.actuals.recorded_by IS 'the user who recorded it';

COMMENT ON TYPE augur.logged_prediction IS 'What augur.predict_logged returns.';
COMMENT ON COLUMN augur.logged_prediction.prediction_id IS 'number of the row in augur.predictions; NULL when it could not be logged';
COMMENT ON COLUMN augur.logged_prediction.value IS 'the value, or the probability of the positive class; NULL for more than two classes';
COMMENT ON COLUMN augur.logged_prediction.label IS 'the most probable class; NULL for regression';
COMMENT ON COLUMN augur.logged_prediction.probability IS 'its probability; NULL for regression';
COMMENT ON COLUMN augur.logged_prediction.version IS 'the version that answered';
COMMENT ON TYPE augur.scored_row IS 'A row of augur.score.';
COMMENT ON COLUMN augur.scored_row.prediction_id IS 'number of the row in augur.predictions; NULL when it could not be logged';
COMMENT ON COLUMN augur.scored_row.entity IS 'the key of the row, NULL when none was named';
COMMENT ON COLUMN augur.scored_row.target_time IS 'the time that was predicted for, NULL when no column was named';
COMMENT ON COLUMN augur.scored_row.value IS 'the value, or the probability of the positive class; NULL for more than two classes';
COMMENT ON COLUMN augur.scored_row.label IS 'the most probable class; NULL for regression';
COMMENT ON COLUMN augur.scored_row.version IS 'the version that answered';
COMMENT ON TYPE augur.recorded_actuals IS 'What augur.record_actuals did.';
COMMENT ON COLUMN augur.recorded_actuals.recorded IS 'rows recorded';
COMMENT ON COLUMN augur.recorded_actuals.matched IS 'how many of them are about a prediction that is there';
COMMENT ON COLUMN augur.recorded_actuals.skipped IS 'rows left out, as their value or their key is NULL';
COMMENT ON TYPE augur.prediction_loss IS 'A prediction beside what came true.';
COMMENT ON COLUMN augur.prediction_loss.prediction_id IS 'the prediction';
COMMENT ON COLUMN augur.prediction_loss.version IS 'the version that made it';
COMMENT ON COLUMN augur.prediction_loss.at IS 'when it was made';
COMMENT ON COLUMN augur.prediction_loss.entity IS 'what it is for';
COMMENT ON COLUMN augur.prediction_loss.target_time IS 'the time it is for';
COMMENT ON COLUMN augur.prediction_loss.value IS 'what was predicted, or the probability of the positive class';
COMMENT ON COLUMN augur.prediction_loss.label IS 'the predicted class';
COMMENT ON COLUMN augur.prediction_loss.actual IS 'what came true, of a regression; NULL when it is not known';
COMMENT ON COLUMN augur.prediction_loss.actual_label IS 'the class that came true; NULL when it is not known';
COMMENT ON COLUMN augur.prediction_loss.squared_error IS 'of a regression';
COMMENT ON COLUMN augur.prediction_loss.absolute_error IS 'of a regression';
COMMENT ON COLUMN augur.prediction_loss.log_loss IS 'minus the logarithm of the probability of the class that came true';
COMMENT ON COLUMN augur.prediction_loss.error IS '1 for a wrong class, 0 for the right one';
COMMENT ON COLUMN augur.prediction_loss.observed_at IS 'when the actual was known';
COMMENT ON COLUMN augur.prediction_loss.recorded_at IS 'when it was recorded';

-- the default partition's columns are the same
DO $$
DECLARE
	c			record;
BEGIN
	FOR c IN
		SELECT a.attname, col_description(a.attrelid, a.attnum) AS text FROM pg_attribute a
		WHERE a.attrelid = 'augur.predictions'::regclass AND a.attnum > 0 AND NOT a.attisdropped
	LOOP
		EXECUTE format('COMMENT ON COLUMN augur.predictions_default.%I IS %L', c.attname, c.text);
	END LOOP;
END
$$;
