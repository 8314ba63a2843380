-- monitor: what is compared with what a model was trained on, how often, and what came of it.
--
-- Follows the rules of 30_registry.once.sql.  A monitor holds SQL of its maker (a filter, and a
-- relation that may be a view), which is run with the rights of whoever looks: so monitors are
-- looked at by members of the model's owner only.

CREATE TABLE augur.monitors
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE CASCADE,
	name		text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 63),
	relation	text NOT NULL,
	time_column	name,
	every		interval NOT NULL CHECK (every > interval '0' AND every <= interval '1000 years'),
	width		interval CHECK (width > interval '0' AND width <= interval '1000 years'),
	segments	name[] NOT NULL DEFAULT '{}',
	filter		text,
	predictions	boolean NOT NULL,
	min_rows	bigint NOT NULL CHECK (min_rows >= 1),
	alpha		float8 NOT NULL CHECK (alpha > 0 AND alpha < 1),
	effect_floor float8 NOT NULL CHECK (effect_floor > 0),
	drift_share	float8 NOT NULL CHECK (drift_share > 0 AND drift_share <= 1),
	needed		integer NOT NULL CHECK (needed >= 1),
	of_last		integer NOT NULL,
	signal_first boolean NOT NULL,
	enabled		boolean NOT NULL DEFAULT true,
	start_at	timestamptz NOT NULL CHECK (isfinite(start_at)),
	next_at		timestamptz NOT NULL,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (model_id, name),
	CHECK (of_last >= needed),
	CHECK ((time_column IS NULL) = (width IS NULL))
);
CREATE INDEX monitors_next_at ON augur.monitors (next_at) WHERE enabled;

CREATE TABLE augur.drift_runs
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE CASCADE,
	monitor_id	bigint,
	monitor		text,
	version_id	bigint,
	version		integer,
	relation	text NOT NULL,
	filter		text,
	segment		jsonb NOT NULL DEFAULT '{}',
	window_start timestamptz,
	window_end	timestamptz,
	as_of		timestamptz NOT NULL,
	judged		bigint,
	drifted		bigint,
	share		float8,
	weighted_share float8,
	target		text,
	prediction	text,
	verdict		text NOT NULL CHECK (verdict = ANY ('{ok,warn,drift,insufficient,error}'::text[])),
	alarm		boolean NOT NULL,
	detail		text,
	options		jsonb NOT NULL DEFAULT '{}',
	seconds		float8 NOT NULL,
	role		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX drift_runs_model_id ON augur.drift_runs (model_id, id);
CREATE INDEX drift_runs_monitor_id ON augur.drift_runs (monitor_id, id);

CREATE TABLE augur.drift_columns
(
	run_id		bigint NOT NULL REFERENCES augur.drift_runs ON DELETE CASCADE,
	part		text NOT NULL,
	column_name	name NOT NULL,
	kind		text,
	method		text,
	score		float8,
	effect_floor float8,
	p_value		float8,
	adjusted_p	float8,
	n_reference	bigint,
	n_current	bigint,
	null_reference float8,
	null_current float8,
	null_adjusted_p float8,
	unseen_share float8,
	out_of_range_share float8,
	verdict		text NOT NULL,
	detail		text,
	importance	float8,
	PRIMARY KEY (run_id, part, column_name)
);

SELECT pg_extension_config_dump('augur.monitors', '');
SELECT pg_extension_config_dump('augur.monitors_id_seq', '');
SELECT pg_extension_config_dump('augur.drift_runs', '');
SELECT pg_extension_config_dump('augur.drift_runs_id_seq', '');
SELECT pg_extension_config_dump('augur.drift_columns', '');

ALTER TABLE augur.monitors ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.drift_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.drift_columns ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen ON augur.monitors FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY written ON augur.monitors FOR ALL
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY seen ON augur.drift_runs FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY added ON augur.drift_runs FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY removed ON augur.drift_runs FOR DELETE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY seen ON augur.drift_columns FOR SELECT
	USING (EXISTS (SELECT FROM augur.drift_runs r WHERE r.id = run_id));
CREATE POLICY added ON augur.drift_columns FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.drift_runs r JOIN augur.models m ON m.id = r.model_id
						WHERE r.id = run_id AND pg_has_role(m.owner, 'USAGE')));

COMMENT ON TABLE augur.monitors IS
'What augur.check_monitors compares with what models were trained on, and how often; made by augur.create_monitor.';
COMMENT ON COLUMN augur.monitors.id IS 'number of the monitor';
COMMENT ON COLUMN augur.monitors.model_id IS 'the model, whose version in production is compared with';
COMMENT ON COLUMN augur.monitors.name IS 'its name among those of the model';
COMMENT ON COLUMN augur.monitors.relation IS 'table or view that is looked at, quoted and qualified';
COMMENT ON COLUMN augur.monitors.time_column IS 'column that tells which rows belong to a window; NULL: all rows are looked at';
COMMENT ON COLUMN augur.monitors.every IS 'time between two looks';
COMMENT ON COLUMN augur.monitors.width IS 'length of a window, which ends when the look is due';
COMMENT ON COLUMN augur.monitors.segments IS 'columns each combination of whose values is compared apart, beside the whole';
COMMENT ON COLUMN augur.monitors.filter IS 'condition on the rows';
COMMENT ON COLUMN augur.monitors.predictions IS 'whether the rows are scored, too';
COMMENT ON COLUMN augur.monitors.min_rows IS 'fewer values are insufficient';
COMMENT ON COLUMN augur.monitors.alpha IS 'level of the tests, all columns together';
COMMENT ON COLUMN augur.monitors.effect_floor IS 'smaller scores are no drift';
COMMENT ON COLUMN augur.monitors.drift_share IS 'share of the columns, or of their importance, that is drift of the whole';
COMMENT ON COLUMN augur.monitors.needed IS 'so many looks with drift raise the alarm';
COMMENT ON COLUMN augur.monitors.of_last IS 'among so many of the last looks';
COMMENT ON COLUMN augur.monitors.signal_first IS 'whether the statistics of the last ANALYZE are asked first, and rows are read only if they tell of a change';
COMMENT ON COLUMN augur.monitors.enabled IS 'false: it is not looked at';
COMMENT ON COLUMN augur.monitors.start_at IS 'when the first look was due; the others are whole steps of every after it';
COMMENT ON COLUMN augur.monitors.next_at IS 'when the next look is due';
COMMENT ON COLUMN augur.monitors.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.monitors.created_at IS 'when it was made';

COMMENT ON TABLE augur.drift_runs IS
'One row for each comparison that was kept, of a window or a segment of it. Never changed; the model''s owner may delete old rows.';
COMMENT ON COLUMN augur.drift_runs.id IS 'number of the comparison';
COMMENT ON COLUMN augur.drift_runs.model_id IS 'the model';
COMMENT ON COLUMN augur.drift_runs.monitor_id IS 'the monitor, NULL when it was made by augur.record_drift';
COMMENT ON COLUMN augur.drift_runs.monitor IS 'its name at that time';
COMMENT ON COLUMN augur.drift_runs.version_id IS 'id of the version that was compared with';
COMMENT ON COLUMN augur.drift_runs.version IS 'its number within the model';
COMMENT ON COLUMN augur.drift_runs.relation IS 'what was looked at';
COMMENT ON COLUMN augur.drift_runs.filter IS 'condition on its rows, without window and segment';
COMMENT ON COLUMN augur.drift_runs.segment IS 'values of the segment''s columns; {} is the whole';
COMMENT ON COLUMN augur.drift_runs.window_start IS 'begin of the window';
COMMENT ON COLUMN augur.drift_runs.window_end IS 'its end, which does not belong to it';
COMMENT ON COLUMN augur.drift_runs.as_of IS 'the time it was made for';
COMMENT ON COLUMN augur.drift_runs.judged IS 'columns that could be judged';
COMMENT ON COLUMN augur.drift_runs.drifted IS 'columns that have drifted';
COMMENT ON COLUMN augur.drift_runs.share IS 'their share of those that could be judged';
COMMENT ON COLUMN augur.drift_runs.weighted_share IS 'their share of the importance';
COMMENT ON COLUMN augur.drift_runs.target IS 'verdict on the target; NULL: the relation does not have it';
COMMENT ON COLUMN augur.drift_runs.prediction IS 'verdict on the scores; NULL: rows were not scored';
COMMENT ON COLUMN augur.drift_runs.verdict IS 'on all columns together: ok, warn, drift, insufficient or error';
COMMENT ON COLUMN augur.drift_runs.alarm IS 'whether the monitor is alarmed after this look';
COMMENT ON COLUMN augur.drift_runs.detail IS 'what went wrong, or why rows were not read';
COMMENT ON COLUMN augur.drift_runs.options IS 'min_rows, alpha, effect_floor and drift_share, which the verdict rests on';
COMMENT ON COLUMN augur.drift_runs.seconds IS 'how long it took';
COMMENT ON COLUMN augur.drift_runs.role IS 'the user who looked';
COMMENT ON COLUMN augur.drift_runs.at IS 'when it was looked at';

COMMENT ON TABLE augur.drift_columns IS
'What a kept comparison found of each column: all numbers that its verdict rests on, as of augur.drift. Never changed.';
COMMENT ON COLUMN augur.drift_columns.run_id IS 'the comparison';
COMMENT ON COLUMN augur.drift_columns.part IS 'feature, target or prediction';
COMMENT ON COLUMN augur.drift_columns.column_name IS 'the column that was compared';
COMMENT ON COLUMN augur.drift_columns.kind IS 'numeric or categorical';
COMMENT ON COLUMN augur.drift_columns.method IS 'what the score is: wasserstein (in standard deviations of the reference) or js_distance';
COMMENT ON COLUMN augur.drift_columns.score IS 'how far the column has moved';
COMMENT ON COLUMN augur.drift_columns.effect_floor IS 'the score below which a difference is too small to matter';
COMMENT ON COLUMN augur.drift_columns.p_value IS 'chance of such a difference without drift: Kolmogorov-Smirnov or chi-square test';
COMMENT ON COLUMN augur.drift_columns.adjusted_p IS 'p_value adjusted for the number of tests (Benjamini and Hochberg)';
COMMENT ON COLUMN augur.drift_columns.n_reference IS 'values in the reference that are neither null nor NaN nor infinite';
COMMENT ON COLUMN augur.drift_columns.n_current IS 'values in the current relation that are neither null nor NaN nor infinite';
COMMENT ON COLUMN augur.drift_columns.null_reference IS 'share of rows of the reference without a value';
COMMENT ON COLUMN augur.drift_columns.null_current IS 'share of rows of the current relation without a value';
COMMENT ON COLUMN augur.drift_columns.null_adjusted_p IS 'adjusted p value of the change of the share without a value';
COMMENT ON COLUMN augur.drift_columns.unseen_share IS 'share of current values that are categories the reference lacks';
COMMENT ON COLUMN augur.drift_columns.out_of_range_share IS 'share of current values below the least or above the greatest of the reference';
COMMENT ON COLUMN augur.drift_columns.verdict IS 'ok, warn, drift, insufficient (too few rows to say) or error (not comparable)';
COMMENT ON COLUMN augur.drift_columns.detail IS 'why, in words, when the verdict is not ok';
COMMENT ON COLUMN augur.drift_columns.importance IS 'share of the model''s importance that is the column''s, where the model tells one';
