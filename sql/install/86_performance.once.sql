-- performance: how good models are on what came true, and detectors that watch it.
--
-- Rows follow the rules of 30_registry.once.sql.  What was measured about a version goes with it.

CREATE TYPE augur.performance_window AS
(
	version		integer,
	window_start timestamptz,
	window_end	timestamptz,
	metric		text,
	value		float8,
	lower		float8,
	upper		float8,
	n			bigint,
	baseline	float8,
	baseline_lower float8,
	baseline_upper float8,
	verdict		text,
	predictions	bigint,
	coverage	float8,
	delay		interval
);
CREATE TYPE augur.performance_estimate AS
(
	version		integer,
	metric		text,
	estimate	float8,
	lower		float8,
	upper		float8,
	n			bigint,
	baseline	float8,
	calibration_error float8,
	calibration_rows bigint,
	calibrated	boolean,
	note		text
);
CREATE TYPE augur.concept_check AS
(
	model		text,
	version		integer,
	detector	text,
	loss		text,
	read		bigint,
	total		bigint,
	late		bigint,
	detected	boolean,
	changed_at	timestamptz[],
	direction	text,
	warning		boolean,
	mean		float8,
	baseline	float8,
	predictions	bigint,
	coverage	float8,
	delay		interval,
	watermark	timestamptz
);

CREATE TABLE augur.performance_windows
(
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	window_start timestamptz NOT NULL,
	window_end	timestamptz NOT NULL,
	metric		text NOT NULL,
	value		float8,
	lower		float8,
	upper		float8,
	n			bigint NOT NULL,
	baseline	float8,
	baseline_lower float8,
	baseline_upper float8,
	verdict		text NOT NULL CHECK (verdict = ANY ('{ok,worse,insufficient,no_baseline}'::text[])),
	predictions	bigint NOT NULL,
	coverage	float8 NOT NULL,
	delay		interval,
	measured_by	name NOT NULL DEFAULT current_user,
	measured_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (version_id, metric, window_start, window_end)
);

CREATE TABLE augur.detector_states
(
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	detector	text NOT NULL,
	loss		text NOT NULL
				CHECK (loss = ANY ('{error,log_loss,squared_error,absolute_error}'::text[])),
	options		jsonb NOT NULL,
	lateness	interval NOT NULL CHECK (lateness >= '0'),
	state		augur.detector NOT NULL,
	base		timestamptz NOT NULL DEFAULT '-infinity',
	event		timestamptz NOT NULL DEFAULT '-infinity',
	prediction_id bigint NOT NULL DEFAULT 0,
	late		bigint NOT NULL DEFAULT 0,
	checked_at	timestamptz NOT NULL DEFAULT '-infinity',
	checked_by	name NOT NULL DEFAULT current_user,
	PRIMARY KEY (version_id, detector, loss)
);

-- No foreign key to predictions, which are dropped when they are old.
CREATE TABLE augur.detector_changes
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	detector	text NOT NULL,
	loss		text NOT NULL,
	position	bigint NOT NULL,
	prediction_id bigint NOT NULL,
	event_time	timestamptz NOT NULL,
	mean_before	float8,
	mean_after	float8,
	found_by	name NOT NULL DEFAULT current_user,
	found_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX detector_changes_version_id ON augur.detector_changes (version_id, id);

SELECT pg_extension_config_dump('augur.performance_windows', '');
SELECT pg_extension_config_dump('augur.detector_states', '');
SELECT pg_extension_config_dump('augur.detector_changes', '');
SELECT pg_extension_config_dump('augur.detector_changes_id_seq', '');

ALTER TABLE augur.performance_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.detector_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.detector_changes ENABLE ROW LEVEL SECURITY;

-- seen by whoever sees the version; written by the owner, operators and admins
CREATE POLICY seen ON augur.performance_windows FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v WHERE v.id = version_id));
CREATE POLICY added ON augur.performance_windows FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY changed ON augur.performance_windows FOR UPDATE
	USING (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
				   WHERE v.id = version_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.detector_states FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v WHERE v.id = version_id));
CREATE POLICY written ON augur.detector_states FOR ALL
	USING (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
				   WHERE v.id = version_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.detector_changes FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v WHERE v.id = version_id));
CREATE POLICY added ON augur.detector_changes FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));

COMMENT ON TYPE augur.performance_window IS 'A metric of a version over a window of time: a row of augur.performance.';
COMMENT ON COLUMN augur.performance_window.version IS 'the version that predicted';
COMMENT ON COLUMN augur.performance_window.window_start IS 'the window begins here';
COMMENT ON COLUMN augur.performance_window.window_end IS 'and ends before this';
COMMENT ON COLUMN augur.performance_window.metric IS 'accuracy, log_loss and auc of classes; rmse and mae of numbers';
COMMENT ON COLUMN augur.performance_window.value IS 'what was measured; NULL when it cannot be';
COMMENT ON COLUMN augur.performance_window.lower IS 'lower end of the 95 % interval';
COMMENT ON COLUMN augur.performance_window.upper IS 'upper end of the 95 % interval';
COMMENT ON COLUMN augur.performance_window.n IS 'predictions with an actual value';
COMMENT ON COLUMN augur.performance_window.baseline IS 'the metric when the version was trained: on the holdout, else out of bag';
COMMENT ON COLUMN augur.performance_window.baseline_lower IS 'lower end of its 95 % interval';
COMMENT ON COLUMN augur.performance_window.baseline_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN augur.performance_window.verdict IS
'worse: than the baseline by more than chance at the 95 % level allows, both being uncertain; ok; insufficient: too few rows; no_baseline';
COMMENT ON COLUMN augur.performance_window.predictions IS 'predictions for the window, with and without an actual value';
COMMENT ON COLUMN augur.performance_window.coverage IS 'share of them with an actual value';
COMMENT ON COLUMN augur.performance_window.delay IS 'median time from what was predicted for, or the prediction if later, to the recording of the actual value';
COMMENT ON TYPE augur.performance_estimate IS 'How good a version should be, by its own probabilities: a row of augur.estimated_performance.';
COMMENT ON COLUMN augur.performance_estimate.version IS 'the version';
COMMENT ON COLUMN augur.performance_estimate.metric IS 'accuracy, and auc for two classes';
COMMENT ON COLUMN augur.performance_estimate.estimate IS 'what is expected when the probabilities are right';
COMMENT ON COLUMN augur.performance_estimate.lower IS 'lower end of the 95 % interval of what would be measured on so many rows';
COMMENT ON COLUMN augur.performance_estimate.upper IS 'upper end of it';
COMMENT ON COLUMN augur.performance_estimate.n IS 'rows it is an estimate for';
COMMENT ON COLUMN augur.performance_estimate.baseline IS 'the metric when the version was trained';
COMMENT ON COLUMN augur.performance_estimate.calibration_error IS
'expected calibration error of the version''s probabilities on logged predictions that have an actual value; NULL for fewer than 100 of those';
COMMENT ON COLUMN augur.performance_estimate.calibration_rows IS 'how many there are';
COMMENT ON COLUMN augur.performance_estimate.calibrated IS 'whether probabilities were corrected by them before the estimate';
COMMENT ON COLUMN augur.performance_estimate.note IS 'what the estimate cannot see';
COMMENT ON TYPE augur.concept_check IS 'What augur.check_concept read and found.';
COMMENT ON COLUMN augur.concept_check.model IS 'the model';
COMMENT ON COLUMN augur.concept_check.version IS 'the version that is watched';
COMMENT ON COLUMN augur.concept_check.detector IS 'the detector';
COMMENT ON COLUMN augur.concept_check.loss IS 'the loss that it reads';
COMMENT ON COLUMN augur.concept_check.read IS 'losses read by this call';
COMMENT ON COLUMN augur.concept_check.total IS 'losses read so far';
COMMENT ON COLUMN augur.concept_check.late IS 'actual values that came too late for the detector, so far';
COMMENT ON COLUMN augur.concept_check.detected IS 'whether this call found a change';
COMMENT ON COLUMN augur.concept_check.changed_at IS 'the times that the predictions were for after which it found them';
COMMENT ON COLUMN augur.concept_check.direction IS 'worse or better: what the loss did at the last of them; NULL for none';
COMMENT ON COLUMN augur.concept_check.warning IS 'whether the detector is in its warning zone';
COMMENT ON COLUMN augur.concept_check.mean IS 'mean loss of what the detector takes for the present';
COMMENT ON COLUMN augur.concept_check.baseline IS 'mean loss when the version was trained, on the holdout; NULL when that is not known';
COMMENT ON COLUMN augur.concept_check.predictions IS 'predictions for the time since the last call, up to which labels are waited for';
COMMENT ON COLUMN augur.concept_check.coverage IS 'share of them that could be read: those with an actual value in time';
COMMENT ON COLUMN augur.concept_check.delay IS 'median time until the actual value was recorded';
COMMENT ON COLUMN augur.concept_check.watermark IS 'what was predicted for times up to here has been read';

COMMENT ON TABLE augur.performance_windows IS
'Measurements kept by augur.store_performance, one row for each version, metric and window.';
COMMENT ON COLUMN augur.performance_windows.version_id IS 'the version';
COMMENT ON COLUMN augur.performance_windows.window_start IS 'the window begins here';
COMMENT ON COLUMN augur.performance_windows.window_end IS 'and ends before this';
COMMENT ON COLUMN augur.performance_windows.metric IS 'what was measured';
COMMENT ON COLUMN augur.performance_windows.value IS 'its value; NULL when it could not be measured';
COMMENT ON COLUMN augur.performance_windows.lower IS 'lower end of the 95 % interval';
COMMENT ON COLUMN augur.performance_windows.upper IS 'upper end of the 95 % interval';
COMMENT ON COLUMN augur.performance_windows.n IS 'predictions with an actual value';
COMMENT ON COLUMN augur.performance_windows.baseline IS 'the metric when the version was trained';
COMMENT ON COLUMN augur.performance_windows.baseline_lower IS 'lower end of its 95 % interval';
COMMENT ON COLUMN augur.performance_windows.baseline_upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN augur.performance_windows.verdict IS 'ok, worse, insufficient or no_baseline';
COMMENT ON COLUMN augur.performance_windows.predictions IS 'predictions for the window';
COMMENT ON COLUMN augur.performance_windows.coverage IS 'share of them with an actual value';
COMMENT ON COLUMN augur.performance_windows.delay IS 'median time until the actual value was recorded';
COMMENT ON COLUMN augur.performance_windows.measured_by IS 'the user who measured it first';
COMMENT ON COLUMN augur.performance_windows.measured_at IS 'when it was measured last';
COMMENT ON TABLE augur.detector_states IS
'The detectors of augur.check_concept: what each knows, and how far it has read. augur.reset_detector removes one.';
COMMENT ON COLUMN augur.detector_states.version_id IS 'the version that is watched';
COMMENT ON COLUMN augur.detector_states.detector IS 'the detector, see augur.detectors';
COMMENT ON COLUMN augur.detector_states.loss IS 'the loss that it reads';
COMMENT ON COLUMN augur.detector_states.options IS 'its options, as they were given';
COMMENT ON COLUMN augur.detector_states.lateness IS 'how long an actual value is waited for';
COMMENT ON COLUMN augur.detector_states.state IS 'what it knows; augur.detector_info shows it';
COMMENT ON COLUMN augur.detector_states.base IS 'watermark: the time that the last prediction was for, or made if that was later';
COMMENT ON COLUMN augur.detector_states.event IS 'watermark: the time that it was for';
COMMENT ON COLUMN augur.detector_states.prediction_id IS 'watermark: the prediction';
COMMENT ON COLUMN augur.detector_states.late IS 'actual values that came too late';
COMMENT ON COLUMN augur.detector_states.checked_at IS 'as of when it was last checked';
COMMENT ON COLUMN augur.detector_states.checked_by IS 'the user who set it up';
COMMENT ON TABLE augur.detector_changes IS
'Changes that augur.check_concept has found. Append-only.';
COMMENT ON COLUMN augur.detector_changes.id IS 'number of the row';
COMMENT ON COLUMN augur.detector_changes.version_id IS 'the version whose losses changed';
COMMENT ON COLUMN augur.detector_changes.detector IS 'the detector';
COMMENT ON COLUMN augur.detector_changes.loss IS 'the loss that it read';
COMMENT ON COLUMN augur.detector_changes.position IS 'after so many losses';
COMMENT ON COLUMN augur.detector_changes.prediction_id IS 'the last prediction that it had read';
COMMENT ON COLUMN augur.detector_changes.event_time IS 'the time that one was for';
COMMENT ON COLUMN augur.detector_changes.mean_before IS 'mean loss before';
COMMENT ON COLUMN augur.detector_changes.mean_after IS 'mean loss of what the detector took for the present afterwards; NULL when that had just begun';
COMMENT ON COLUMN augur.detector_changes.found_by IS 'the user who checked';
COMMENT ON COLUMN augur.detector_changes.found_at IS 'when it was found';
