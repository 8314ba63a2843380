-- Training: from a relation or a query to a version in the registry.

CREATE OR REPLACE FUNCTION augur.train(
	model text,
	relation regclass,
	target name,
	features name[] DEFAULT NULL,
	exclude name[] DEFAULT '{}',
	algorithm text DEFAULT 'random_forest',
	task text DEFAULT NULL,
	key name DEFAULT NULL,
	time_column name DEFAULT NULL,
	weight name DEFAULT NULL,
	group_by name[] DEFAULT '{}',
	filter text DEFAULT NULL,
	params jsonb DEFAULT '{}',
	preprocess jsonb DEFAULT '{}',
	resample text DEFAULT NULL,
	validation jsonb DEFAULT NULL,
	tune jsonb DEFAULT NULL,
	gate jsonb DEFAULT NULL,
	promote text DEFAULT 'if_better',
	seed bigint DEFAULT 42,
	note text DEFAULT NULL
) RETURNS augur.train_result
	AS 'MODULE_PATHNAME', 'augur_train_run'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION augur.train(text, regclass, name, name[], name[], text, text, name, name, name,
	name[], text, jsonb, jsonb, text, jsonb, jsonb, jsonb, text, bigint, text) IS
	'Trains a model on a table or view and stores it as a new version. '
	'features: columns to learn from, all usable ones by default; exclude: columns to leave out. '
	'task: classification or regression, inferred from the target by default. '
	'key: rows with the same key stay on one side of the holdout; time_column: the latest rows '
	'are the holdout. filter: a condition in SQL, executed with your privileges. '
	'params: see augur.hyperparameters. preprocess: {"date_parts": [...], "max_bins": 2 to 255}. '
	'validation: {"holdout": 0.2}. promote: if_better, always or never. '
	'gate: {"suite": the relation must pass it, "min_gain": the lower end of the paired gain over '
	'production must be above it, "floor": of the leading metric, "max_gap": how much better training '
	'rows may look than the holdout}; a version that does not meet it is rejected. '
	'Example: SELECT * FROM augur.train(''churn'', ''customers'', ''churned'')';

CREATE OR REPLACE FUNCTION augur.train_query(
	model text,
	query text,
	target name,
	features name[] DEFAULT NULL,
	exclude name[] DEFAULT '{}',
	algorithm text DEFAULT 'random_forest',
	task text DEFAULT NULL,
	key name DEFAULT NULL,
	time_column name DEFAULT NULL,
	weight name DEFAULT NULL,
	group_by name[] DEFAULT '{}',
	filter text DEFAULT NULL,
	params jsonb DEFAULT '{}',
	preprocess jsonb DEFAULT '{}',
	resample text DEFAULT NULL,
	validation jsonb DEFAULT NULL,
	tune jsonb DEFAULT NULL,
	gate jsonb DEFAULT NULL,
	promote text DEFAULT 'if_better',
	seed bigint DEFAULT 42,
	note text DEFAULT NULL
) RETURNS augur.train_result
	AS 'MODULE_PATHNAME', 'augur_train_query'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION augur.train_query(text, text, name, name[], name[], text, text, name, name,
	name, name[], text, jsonb, jsonb, text, jsonb, jsonb, jsonb, text, bigint, text) IS
	'Trains a model on the result of a single SELECT, executed with your privileges, and stores '
	'it as a new version. The other arguments are those of augur.train; filter is applied to the '
	'result of the query.';

CREATE OR REPLACE FUNCTION augur._progress(
	OUT pid int,
	OUT datname text,
	OUT usename text,
	OUT model text,
	OUT algorithm text,
	OUT phase text,
	OUT done bigint,
	OUT total bigint,
	OUT rows bigint,
	OUT started_at timestamptz,
	OUT eta_seconds float8,
	OUT memory bigint,
	OUT workers int
) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'augur_progress_list'
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION augur._progress() IS
	'Internal. The rows of augur.progress.';

CREATE OR REPLACE VIEW augur.progress AS
	SELECT pid, datname, usename, model, algorithm, phase, done, total, rows, started_at,
		eta_seconds, memory, workers
	FROM augur._progress();
COMMENT ON VIEW augur.progress IS
	'Trainings that are running now, when augur is in shared_preload_libraries; empty otherwise. '
	'Details are shown for your own roles, and for all to members of pg_read_all_stats.';
COMMENT ON COLUMN augur.progress.pid IS
	'Process of the session that trains; pg_cancel_backend(pid) stops it.';
COMMENT ON COLUMN augur.progress.datname IS 'Database of the session.';
COMMENT ON COLUMN augur.progress.usename IS 'Role that the training runs as.';
COMMENT ON COLUMN augur.progress.model IS 'Name of the model.';
COMMENT ON COLUMN augur.progress.algorithm IS 'Name of the algorithm.';
COMMENT ON COLUMN augur.progress.phase IS
	'loading (rows), binning, training (tasks, such as trees), evaluating (rows), storing.';
COMMENT ON COLUMN augur.progress.done IS 'Units of the phase that are done.';
COMMENT ON COLUMN augur.progress.total IS 'Units of the phase; NULL when unknown.';
COMMENT ON COLUMN augur.progress.rows IS 'Rows with a target, once they are loaded.';
COMMENT ON COLUMN augur.progress.started_at IS 'When the training began.';
COMMENT ON COLUMN augur.progress.eta_seconds IS
	'Estimated seconds to the end of the phase, from its speed so far.';
COMMENT ON COLUMN augur.progress.memory IS
	'Planned memory of data, workers and model in bytes; see augur.training_memory.';
COMMENT ON COLUMN augur.progress.workers IS 'Parallel workers that were launched.';
