-- series: what a version of a forecaster knows of each series, and forecasts that were kept.
--
-- Both tables follow the rules of 30_registry.once.sql.

CREATE TABLE augur.version_series
(
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	series_no	integer NOT NULL CHECK (series_no >= 1),
	series		jsonb NOT NULL CHECK (jsonb_typeof(series) = 'object'),
	n			bigint NOT NULL,
	observed	bigint NOT NULL,
	filled		bigint NOT NULL,
	missing		bigint NOT NULL,
	duplicates	bigint NOT NULL,
	irregular	bigint NOT NULL,
	left_out	bigint NOT NULL,
	skipped		bigint NOT NULL,
	first_ts	timestamptz,
	last_ts		timestamptz,
	step		interval,
	season		integer[],
	method		text NOT NULL,
	reason		text,
	fallback	text,
	warning		text,
	aicc		float8,
	sigma		float8,
	folds		integer NOT NULL,
	tested		bigint NOT NULL,
	smape		float8,
	mape		float8,
	mase		float8,
	rmsse		float8,
	mae			float8,
	rmse		float8,
	bias		float8,
	coverage	float8,
	msis		float8,
	naive_smape	float8,
	naive_mase	float8,
	naive_mae	float8,
	PRIMARY KEY (version_id, series_no)
);

-- apart from the above, which may be read without the right to forecast
CREATE TABLE augur.version_states
(
	version_id	bigint NOT NULL,
	series_no	integer NOT NULL,
	state		bytea NOT NULL,
	PRIMARY KEY (version_id, series_no),
	FOREIGN KEY (version_id, series_no) REFERENCES augur.version_series ON DELETE CASCADE
);
-- measurements do not get shorter
ALTER TABLE augur.version_states ALTER COLUMN state SET STORAGE EXTERNAL;

-- No foreign key to versions: what was forecast outlives the version that did.
CREATE TABLE augur.forecasts
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE CASCADE,
	version_id	bigint NOT NULL,
	version		integer NOT NULL,
	series		jsonb NOT NULL,
	origin		timestamptz NOT NULL,
	ts			timestamptz NOT NULL,
	until		timestamptz NOT NULL,
	step_ahead	integer NOT NULL CHECK (step_ahead >= 1),
	forecast	float8 NOT NULL,
	lower		float8,
	upper		float8,
	level		float8 CHECK (level > 0 AND level < 1),
	method		text,
	made_by		name NOT NULL DEFAULT current_user,
	made_at		timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX forecasts_model_id ON augur.forecasts (model_id, ts);

SELECT pg_extension_config_dump('augur.version_series', '');
SELECT pg_extension_config_dump('augur.version_states', '');
SELECT pg_extension_config_dump('augur.forecasts', '');
SELECT pg_extension_config_dump('augur.forecasts_id_seq', '');

ALTER TABLE augur.version_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.version_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.forecasts ENABLE ROW LEVEL SECURITY;

-- version_series: metadata of a visible version; made by the owner
CREATE POLICY seen ON augur.version_series FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v WHERE v.id = version_id));
CREATE POLICY added ON augur.version_series FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id AND v.status = 'pending'
						AND pg_has_role(m.owner, 'USAGE')));

-- version_states: the history of the series, so they need 'predict' like the bytes do
CREATE POLICY seen ON augur.version_states FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
				   WHERE v.id = version_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.model_grants g
								   WHERE g.model_id = m.id AND g.privilege = 'predict'
								   AND (g.role = 0 OR pg_has_role(g.role, 'USAGE')))
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY added ON augur.version_states FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id AND v.status = 'pending'
						AND pg_has_role(m.owner, 'USAGE')));

-- forecasts: seen by whoever may forecast; kept by owner and operators; thrown away by the owner
CREATE POLICY seen ON augur.forecasts FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.model_grants g
								   WHERE g.model_id = m.id AND g.privilege = 'predict'
								   AND (g.role = 0 OR pg_has_role(g.role, 'USAGE')))
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY added ON augur.forecasts FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY removed ON augur.forecasts FOR DELETE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));

COMMENT ON TABLE augur.version_series IS
'What a version made by augur.train_forecast knows of each series; see augur.series_status. Never changed.';
COMMENT ON COLUMN augur.version_series.version_id IS 'the version';
COMMENT ON COLUMN augur.version_series.series_no IS 'number of the series within the version, in the order of its keys';
COMMENT ON COLUMN augur.version_series.series IS 'the columns that tell series apart, with their values';
COMMENT ON COLUMN augur.version_series.n IS 'steps from the first to the last value';
COMMENT ON COLUMN augur.version_series.observed IS 'steps with a value of their own';
COMMENT ON COLUMN augur.version_series.filled IS 'steps whose value the rule for gaps made';
COMMENT ON COLUMN augur.version_series.missing IS 'steps that stayed without a value';
COMMENT ON COLUMN augur.version_series.duplicates IS 'rows that shared a step with another one';
COMMENT ON COLUMN augur.version_series.irregular IS 'rows that did not lie on a step';
COMMENT ON COLUMN augur.version_series.left_out IS 'rows beyond a gap that was too long';
COMMENT ON COLUMN augur.version_series.skipped IS 'rows without a usable point in time';
COMMENT ON COLUMN augur.version_series.first_ts IS 'the first step; a date or timestamp is taken to be of UTC';
COMMENT ON COLUMN augur.version_series.last_ts IS 'the last step, after which forecasts begin';
COMMENT ON COLUMN augur.version_series.step IS 'distance of two steps';
COMMENT ON COLUMN augur.version_series.season IS 'lengths of the seasons in steps';
COMMENT ON COLUMN augur.version_series.method IS 'what forecasts the series; none when nothing can';
COMMENT ON COLUMN augur.version_series.reason IS 'why it was chosen';
COMMENT ON COLUMN augur.version_series.fallback IS 'what could not be fitted, and why';
COMMENT ON COLUMN augur.version_series.warning IS 'what should be looked at';
COMMENT ON COLUMN augur.version_series.aicc IS 'corrected information criterion of Akaike of a single model';
COMMENT ON COLUMN augur.version_series.sigma IS 'standard deviation of the errors one step ahead';
COMMENT ON COLUMN augur.version_series.folds IS 'rolling origins that the errors come from; 0 when the series is too short';
COMMENT ON COLUMN augur.version_series.tested IS 'actual values that the errors come from';
COMMENT ON COLUMN augur.version_series.smape IS 'symmetric mean absolute percentage error';
COMMENT ON COLUMN augur.version_series.mape IS 'mean absolute percentage error';
COMMENT ON COLUMN augur.version_series.mase IS 'mean absolute error, scaled by that of the seasonal naive forecast in sample';
COMMENT ON COLUMN augur.version_series.rmsse IS 'root mean squared error, scaled likewise';
COMMENT ON COLUMN augur.version_series.mae IS 'mean absolute error';
COMMENT ON COLUMN augur.version_series.rmse IS 'root mean squared error';
COMMENT ON COLUMN augur.version_series.bias IS 'mean of forecast minus actual value';
COMMENT ON COLUMN augur.version_series.coverage IS 'share of actual values inside the widest interval';
COMMENT ON COLUMN augur.version_series.msis IS 'mean scaled interval score of the widest interval';
COMMENT ON COLUMN augur.version_series.naive_smape IS 'smape of the seasonal naive forecast on the same steps';
COMMENT ON COLUMN augur.version_series.naive_mase IS 'mase of the seasonal naive forecast on the same steps';
COMMENT ON COLUMN augur.version_series.naive_mae IS 'mae of the seasonal naive forecast on the same steps';

COMMENT ON TABLE augur.version_states IS
'History and fitted model of each series of a version, as bytes (docs/format.md). Never changed.';
COMMENT ON COLUMN augur.version_states.version_id IS 'the version';
COMMENT ON COLUMN augur.version_states.series_no IS 'number of the series in augur.version_series';
COMMENT ON COLUMN augur.version_states.state IS 'the bytes; a checksum is checked whenever they are read';

COMMENT ON TABLE augur.forecasts IS
'Forecasts kept by augur.store_forecast, a row for each series, step and level; augur.forecast_accuracy compares them with what came true. The model''s owner may delete old rows.';
COMMENT ON COLUMN augur.forecasts.id IS 'number of the row';
COMMENT ON COLUMN augur.forecasts.model_id IS 'the model';
COMMENT ON COLUMN augur.forecasts.version_id IS 'id of the version that forecast';
COMMENT ON COLUMN augur.forecasts.version IS 'its number within the model';
COMMENT ON COLUMN augur.forecasts.series IS 'the columns that tell series apart, with their values';
COMMENT ON COLUMN augur.forecasts.origin IS 'the last step that was known';
COMMENT ON COLUMN augur.forecasts.ts IS 'the step that was forecast; a date or timestamp is taken to be of UTC';
COMMENT ON COLUMN augur.forecasts.until IS 'the step after it';
COMMENT ON COLUMN augur.forecasts.step_ahead IS 'steps after the last known one';
COMMENT ON COLUMN augur.forecasts.forecast IS 'the forecast';
COMMENT ON COLUMN augur.forecasts.lower IS 'lower end of the interval';
COMMENT ON COLUMN augur.forecasts.upper IS 'upper end of the interval';
COMMENT ON COLUMN augur.forecasts.level IS 'share of actual values that should lie in the interval';
COMMENT ON COLUMN augur.forecasts.method IS 'what forecast the series';
COMMENT ON COLUMN augur.forecasts.made_by IS 'the user who kept it';
COMMENT ON COLUMN augur.forecasts.made_at IS 'when it was kept';
