-- registry: models, versions, aliases and their history, runs with parameters and metrics.
--
-- What holds here is held by constraints first, then by the triggers of 31_registry.sql, and
-- never by trust in the caller: functions run as their caller, so whoever trains has INSERT
-- (on named columns), UPDATE (of status columns) and DELETE on the rows that row level security
-- lets through.  INSERT triggers that judge a row are avoided: a restored dump inserts rows in
-- any state, in table order.  Who did what and when (created_by, actor, at...) are defaults of
-- columns on which INSERT is not granted, so they cannot be forged.
--
-- pg_restore -j does not keep the order of tables that refer to each other when they belong to an
-- extension: restore --section=data with one job, the other sections with as many as you like.
--
-- Roles that decide access (models.owner, model_grants.role, preset_roles.role) are regrole: they
-- follow ALTER ROLE ... RENAME and are dumped by name.  Roles that record a fact are plain names.

CREATE TABLE augur.preset_roles
(
	role		regrole PRIMARY KEY,
	preset		text NOT NULL
				CHECK (preset = ANY ('{reader,predictor,trainer,operator,admin,notifier}'::text[])),
	granted_by	name NOT NULL DEFAULT current_user,
	granted_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE augur.models
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE
				CHECK (char_length(name) BETWEEN 1 AND 63
					   AND name !~ '[/@[:cntrl:]]' AND name = btrim(name)),
	task		text NOT NULL CHECK (task = ANY ('{regression,classification,forecasting}'::text[])),
	target		text NOT NULL,
	metric		text,
	higher_is_better boolean,
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	next_version integer NOT NULL DEFAULT 1 CHECK (next_version >= 1),
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK ((metric IS NULL) = (higher_is_better IS NULL)),
	UNIQUE (id, owner)
);

CREATE TABLE augur.model_grants
(
	model_id	bigint NOT NULL,
	role		regrole NOT NULL,
	privilege	text NOT NULL CHECK (privilege = ANY ('{read,predict}'::text[])),
	owner		regrole NOT NULL,
	granted_by	name NOT NULL DEFAULT current_user,
	granted_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (model_id, role, privilege),
	FOREIGN KEY (model_id, owner) REFERENCES augur.models (id, owner)
		ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE augur.runs
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE RESTRICT,
	algorithm	text NOT NULL,
	task		text NOT NULL CHECK (task = ANY ('{regression,classification,forecasting}'::text[])),
	relation	text,
	query		text,
	target		text NOT NULL,
	config		jsonb NOT NULL DEFAULT '{}',
	seed		bigint,
	note		text,
	status		text NOT NULL DEFAULT 'running'
				CHECK (status = ANY ('{running,finished,failed}'::text[])),
	role		name NOT NULL DEFAULT current_user,
	started_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	ended_at	timestamptz,
	extension_version text NOT NULL,
	server_version text NOT NULL DEFAULT current_setting('server_version'),
	rows_used	bigint CHECK (rows_used >= 0),
	rows_skipped bigint CHECK (rows_skipped >= 0),
	seconds		float8 CHECK (seconds >= 0),
	warnings	text[] NOT NULL DEFAULT '{}',
	info		jsonb NOT NULL DEFAULT '{}',
	CHECK ((status = 'running') = (ended_at IS NULL))
);
CREATE INDEX runs_model_id ON augur.runs (model_id, id);

CREATE TABLE augur.params
(
	run_id		bigint NOT NULL REFERENCES augur.runs ON DELETE CASCADE,
	name		text NOT NULL,
	value		jsonb NOT NULL,
	PRIMARY KEY (run_id, name)
);

CREATE TABLE augur.metrics
(
	run_id		bigint NOT NULL REFERENCES augur.runs ON DELETE CASCADE,
	split		text NOT NULL
				CHECK (split = ANY ('{holdout,oob,train,baseline,production,gain}'::text[])),
	name		text NOT NULL,
	class		text NOT NULL DEFAULT '',
	value		float8,
	lower		float8,
	upper		float8,
	n			bigint CHECK (n >= 0),
	PRIMARY KEY (run_id, split, name, class)
);

CREATE TABLE augur.versions
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE RESTRICT,
	version		integer NOT NULL CHECK (version >= 1),
	run_id		bigint NOT NULL REFERENCES augur.runs ON DELETE RESTRICT,
	status		text NOT NULL DEFAULT 'pending'
				CHECK (status = ANY ('{pending,ready,failed,rejected,archived}'::text[])),
	status_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	algorithm	text NOT NULL,
	artifact_format integer NOT NULL CHECK (artifact_format >= 1),
	size		bigint NOT NULL CHECK (size > 0),
	sha256		bytea NOT NULL CHECK (octet_length(sha256) = 32),
	signature	jsonb NOT NULL CHECK (jsonb_typeof(signature -> 'features') = 'array'),
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (model_id, version),
	UNIQUE (model_id, id)
);
CREATE INDEX versions_run_id ON augur.versions (run_id);

CREATE TABLE augur.version_chunks
(
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	seq			integer NOT NULL CHECK (seq >= 0),
	bytes		bytea NOT NULL CHECK (octet_length(bytes) BETWEEN 1 AND 16777216),
	PRIMARY KEY (version_id, seq)
);
-- artifacts are compressed already, so compressing again would only cost time
ALTER TABLE augur.version_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- No foreign key to models or versions: history outlives what it tells of.
CREATE TABLE augur.alias_history
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model_id	bigint NOT NULL,
	model		text NOT NULL,
	alias		text NOT NULL CHECK (alias ~ '^[A-Za-z0-9_-]{1,63}$'
									 AND lower(alias) !~ '^(latest|v[0-9]+)$'),
	action		text NOT NULL
				CHECK (action = ANY ('{promote,rollback,set,drop}'::text[])),
	old_version_id bigint,
	old_version	integer,
	new_version_id bigint,
	new_version	integer,
	reason		text,
	actor		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK ((action = 'drop') = (new_version_id IS NULL)),
	CHECK ((old_version_id IS NULL) = (old_version IS NULL)),
	CHECK ((new_version_id IS NULL) = (new_version IS NULL)),
	UNIQUE (id, model_id, alias, new_version_id)
);
CREATE INDEX alias_history_model_id ON augur.alias_history (model_id, alias, id);

-- An alias can only stand where its own history row says it was put.
CREATE TABLE augur.aliases
(
	model_id	bigint NOT NULL REFERENCES augur.models ON DELETE RESTRICT,
	alias		text NOT NULL,
	version_id	bigint NOT NULL,
	history_id	bigint NOT NULL UNIQUE,
	PRIMARY KEY (model_id, alias),
	FOREIGN KEY (model_id, version_id) REFERENCES augur.versions (model_id, id) ON DELETE RESTRICT,
	FOREIGN KEY (history_id, model_id, alias, version_id)
		REFERENCES augur.alias_history (id, model_id, alias, new_version_id) ON DELETE RESTRICT
);
CREATE INDEX aliases_version_id ON augur.aliases (version_id);

-- Dumps carry every row, and every sequence, or the first insert after a restore would fail.
SELECT pg_extension_config_dump('augur.preset_roles', '');
SELECT pg_extension_config_dump('augur.models', '');
SELECT pg_extension_config_dump('augur.models_id_seq', '');
SELECT pg_extension_config_dump('augur.model_grants', '');
SELECT pg_extension_config_dump('augur.runs', '');
SELECT pg_extension_config_dump('augur.runs_id_seq', '');
SELECT pg_extension_config_dump('augur.params', '');
SELECT pg_extension_config_dump('augur.metrics', '');
SELECT pg_extension_config_dump('augur.versions', '');
SELECT pg_extension_config_dump('augur.versions_id_seq', '');
SELECT pg_extension_config_dump('augur.version_chunks', '');
SELECT pg_extension_config_dump('augur.alias_history', '');
SELECT pg_extension_config_dump('augur.alias_history_id_seq', '');
SELECT pg_extension_config_dump('augur.aliases', '');

-- Row level security.  Policies of preset_roles read no other table, those of model_grants read
-- preset_roles, those of models read these two, all others read models: no circle.  That the
-- owner in model_grants is the model's is a foreign key, so its policies need not look.
ALTER TABLE augur.preset_roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.models ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.model_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.params ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.version_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.alias_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.aliases ENABLE ROW LEVEL SECURITY;

CREATE POLICY seen ON augur.preset_roles FOR SELECT
	USING (pg_has_role(role, 'USAGE'));

-- model_grants: seen by the grantee, the owner, operators and admins; written by owner and admins
CREATE POLICY seen ON augur.model_grants FOR SELECT
	USING (role = 0 OR pg_has_role(role, 'USAGE') OR pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.model_grants FOR INSERT
	WITH CHECK (pg_has_role(owner, 'USAGE')
				OR EXISTS (SELECT FROM augur.preset_roles p
						   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY removed ON augur.model_grants FOR DELETE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));

-- models: seen by members of the owner, grantees, operators, admins
CREATE POLICY seen ON augur.models FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.model_grants g
					  WHERE g.model_id = id AND (g.role = 0 OR pg_has_role(g.role, 'USAGE')))
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.models FOR INSERT
	WITH CHECK (pg_has_role(owner, 'USAGE'));
-- operators lock the row to move an alias; what they may change, trigger models_guard tells
CREATE POLICY changed ON augur.models FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')))
	WITH CHECK (true);
CREATE POLICY removed ON augur.models FOR DELETE
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')));

-- runs: metadata of a visible model; written by the owner
CREATE POLICY seen ON augur.runs FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY added ON augur.runs FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY changed ON augur.runs FOR UPDATE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY removed ON augur.runs FOR DELETE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));

-- params, metrics: seen with their run; added while it is running; removed with it
CREATE POLICY seen ON augur.params FOR SELECT
	USING (EXISTS (SELECT FROM augur.runs r WHERE r.id = run_id));
CREATE POLICY added ON augur.params FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.runs r JOIN augur.models m ON m.id = r.model_id
						WHERE r.id = run_id AND r.status = 'running'
						AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY seen ON augur.metrics FOR SELECT
	USING (EXISTS (SELECT FROM augur.runs r WHERE r.id = run_id));
CREATE POLICY added ON augur.metrics FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.runs r JOIN augur.models m ON m.id = r.model_id
						WHERE r.id = run_id AND r.status = 'running'
						AND pg_has_role(m.owner, 'USAGE')));

-- versions: seen with their model; made by the owner; status moved by owner, operator, admin
CREATE POLICY seen ON augur.versions FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY added ON augur.versions FOR INSERT
	WITH CHECK (status = 'pending'
				AND EXISTS (SELECT FROM augur.models m JOIN augur.runs r ON r.model_id = m.id
							WHERE m.id = versions.model_id AND r.id = run_id
							AND pg_has_role(m.owner, 'USAGE')));
CREATE POLICY changed ON augur.versions FOR UPDATE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY removed ON augur.versions FOR DELETE
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = 'admin' AND pg_has_role(p.role, 'USAGE')))));

-- version_chunks: the bytes need 'predict', for a model gives away what it learnt
CREATE POLICY seen ON augur.version_chunks FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
				   WHERE v.id = version_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.model_grants g
								   WHERE g.model_id = m.id AND g.privilege = 'predict'
								   AND (g.role = 0 OR pg_has_role(g.role, 'USAGE')))
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY added ON augur.version_chunks FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id AND v.status = 'pending'
						AND pg_has_role(m.owner, 'USAGE')));

-- alias_history: of a dropped model, only operators and admins still see it
CREATE POLICY seen ON augur.alias_history FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id)
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.alias_history FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.models m
						WHERE m.id = model_id AND m.name = model
						AND (pg_has_role(m.owner, 'USAGE')
							 OR EXISTS (SELECT FROM augur.preset_roles p
										WHERE p.preset = ANY ('{operator,admin}')
										AND pg_has_role(p.role, 'USAGE')))));

CREATE POLICY seen ON augur.aliases FOR SELECT
	USING (EXISTS (SELECT FROM augur.models m WHERE m.id = model_id));
CREATE POLICY moved ON augur.aliases FOR ALL
	USING (EXISTS (SELECT FROM augur.models m
				   WHERE m.id = model_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));

COMMENT ON TABLE augur.preset_roles IS
'Roles that were given a preset by augur.grant_preset; operators and admins see every model.';
COMMENT ON COLUMN augur.preset_roles.granted_by IS 'the superuser or extension owner who gave the preset';
COMMENT ON COLUMN augur.preset_roles.granted_at IS 'when it was given';
COMMENT ON COLUMN augur.preset_roles.role IS 'the role; its members have the preset too';
COMMENT ON COLUMN augur.preset_roles.preset IS 'reader, predictor, trainer, operator or admin';

COMMENT ON TABLE augur.models IS
'One row for each model name. Made by the first training; removed by augur.drop_model.';
COMMENT ON COLUMN augur.models.id IS 'number of the model, never used again';
COMMENT ON COLUMN augur.models.created_by IS 'the user whose training or registration made it';
COMMENT ON COLUMN augur.models.created_at IS 'when it was made';
COMMENT ON COLUMN augur.models.name IS
'1 to 63 characters without / and @, which separate version and alias in a reference';
COMMENT ON COLUMN augur.models.task IS 'regression, classification or forecasting; the same for all versions';
COMMENT ON COLUMN augur.models.target IS 'name of the column that all versions predict';
COMMENT ON COLUMN augur.models.metric IS
'the metric that decides about promotion: auc (two classes), log_loss (more classes), rmse, mase (forecasting)';
COMMENT ON COLUMN augur.models.higher_is_better IS 'direction of the metric';
COMMENT ON COLUMN augur.models.owner IS
'Role whose members may train, promote and drop; see augur.set_owner. Hand models over before dropping a role: a dump of a dropped role''s number means nothing elsewhere.';
COMMENT ON COLUMN augur.models.next_version IS
'number that the next version gets; a number is never used twice';

COMMENT ON TABLE augur.model_grants IS
'Who besides the owner may use a model; written by augur.grant and augur.revoke.';
COMMENT ON COLUMN augur.model_grants.model_id IS 'the model';
COMMENT ON COLUMN augur.model_grants.granted_by IS 'the user who granted';
COMMENT ON COLUMN augur.model_grants.granted_at IS 'when it was granted';
COMMENT ON COLUMN augur.model_grants.role IS 'the grantee, or - (zero) for everybody who has a preset';
COMMENT ON COLUMN augur.model_grants.privilege IS
'read: metadata and metrics; predict: read, and the bytes that scoring needs';
COMMENT ON COLUMN augur.model_grants.owner IS 'owner of the model, kept equal by a foreign key, for row level security';

COMMENT ON TABLE augur.runs IS 'One row for each training, or registration of a model value.';
COMMENT ON COLUMN augur.runs.id IS 'number of the run, in the order of starts';
COMMENT ON COLUMN augur.runs.model_id IS 'the model trained';
COMMENT ON COLUMN augur.runs.algorithm IS 'name of the algorithm, see augur.algorithms';
COMMENT ON COLUMN augur.runs.task IS 'regression, classification or forecasting';
COMMENT ON COLUMN augur.runs.target IS 'name of the column to predict';
COMMENT ON COLUMN augur.runs.seed IS 'seed of all random choices; the same data, seed and version give the same model';
COMMENT ON COLUMN augur.runs.note IS 'what the caller wrote about it';
COMMENT ON COLUMN augur.runs.started_at IS 'when the training began';
COMMENT ON COLUMN augur.runs.ended_at IS 'when it ended; NULL while it is running';
COMMENT ON COLUMN augur.runs.server_version IS 'version of PostgreSQL that trained';
COMMENT ON COLUMN augur.runs.relation IS 'relation that was trained on, or NULL when it was a query';
COMMENT ON COLUMN augur.runs.query IS 'query that was trained on, or NULL when it was a relation';
COMMENT ON COLUMN augur.runs.config IS 'the arguments of the training other than hyperparameters';
COMMENT ON COLUMN augur.runs.status IS 'running, then finished or failed';
COMMENT ON COLUMN augur.runs.role IS 'the user who trained';
COMMENT ON COLUMN augur.runs.extension_version IS 'version of augur that trained';
COMMENT ON COLUMN augur.runs.rows_used IS 'rows with a target: training and holdout';
COMMENT ON COLUMN augur.runs.rows_skipped IS 'rows without a usable target, weight or time';
COMMENT ON COLUMN augur.runs.seconds IS 'wall-clock seconds of the training';
COMMENT ON COLUMN augur.runs.warnings IS 'what the training warned about';
COMMENT ON COLUMN augur.runs.info IS 'decisions and counts: split, columns left out, workers, trees';

COMMENT ON TABLE augur.params IS 'Hyperparameters of each run, with defaults filled in.';
COMMENT ON COLUMN augur.params.run_id IS 'the run';
COMMENT ON COLUMN augur.params.name IS 'name of the hyperparameter, see augur.hyperparameters';
COMMENT ON COLUMN augur.params.value IS 'value as JSON: a number, a text, a boolean or an object';

COMMENT ON TABLE augur.metrics IS 'What each run measured. Never changed.';
COMMENT ON COLUMN augur.metrics.run_id IS 'the run that measured';
COMMENT ON COLUMN augur.metrics.name IS 'name of the metric, as auc or rmse';
COMMENT ON COLUMN augur.metrics.value IS 'what was measured';
COMMENT ON COLUMN augur.metrics.split IS
'holdout (for forecasting: the steps after rolling origins), oob (out of bag), baseline (mean, majority or seasonal naive forecast on the holdout), production (the version then in production, on the same holdout), train (training rows, for a gate), gain (by how much the model is better than production on the same holdout, with the interval of the paired difference)';
COMMENT ON COLUMN augur.metrics.class IS 'class label of a metric of one class, or empty';
COMMENT ON COLUMN augur.metrics.lower IS 'lower end of the 95 % interval, when there is one';
COMMENT ON COLUMN augur.metrics.upper IS 'upper end of the 95 % interval, when there is one';
COMMENT ON COLUMN augur.metrics.n IS 'number of rows measured';

COMMENT ON TABLE augur.versions IS
'Versions of models. Written once: only the status moves, pending to ready or failed, ready to rejected or archived, archived to ready.';
COMMENT ON COLUMN augur.versions.model_id IS 'the model';
COMMENT ON COLUMN augur.versions.status_at IS 'when the status last moved';
COMMENT ON COLUMN augur.versions.algorithm IS 'name of the algorithm that trained it';
COMMENT ON COLUMN augur.versions.created_by IS 'the user who trained or registered it';
COMMENT ON COLUMN augur.versions.created_at IS 'when it was made';
COMMENT ON COLUMN augur.versions.id IS 'the id that augur.predict_pinned takes';
COMMENT ON COLUMN augur.versions.version IS 'number within the model, as in churn/7';
COMMENT ON COLUMN augur.versions.run_id IS 'the run that made it';
COMMENT ON COLUMN augur.versions.status IS 'pending, ready, failed, rejected or archived; only ready ones can be scored with';
COMMENT ON COLUMN augur.versions.artifact_format IS 'format number of the stored bytes (docs/format.md)';
COMMENT ON COLUMN augur.versions.size IS 'bytes of the artifact';
COMMENT ON COLUMN augur.versions.sha256 IS 'digest of the artifact, checked whenever it is loaded';
COMMENT ON COLUMN augur.versions.signature IS
'what the model reads and returns: features with column, type and part; target, target_type, classes';

COMMENT ON TABLE augur.version_chunks IS 'The artifacts in pieces of 1 MB. Never changed.';
COMMENT ON COLUMN augur.version_chunks.version_id IS 'the version';
COMMENT ON COLUMN augur.version_chunks.bytes IS 'a piece of the artifact; training writes pieces of 1 MB';
COMMENT ON COLUMN augur.version_chunks.seq IS 'order of the pieces, from 0';

COMMENT ON TABLE augur.alias_history IS
'Every move of every alias, with actor, reason and time. Append-only; outlives the model.';
COMMENT ON COLUMN augur.alias_history.id IS 'number of the move, in the order of moves';
COMMENT ON COLUMN augur.alias_history.model_id IS 'the model';
COMMENT ON COLUMN augur.alias_history.alias IS 'the alias that moved, as production';
COMMENT ON COLUMN augur.alias_history.old_version_id IS 'id of the version before the move, NULL for none';
COMMENT ON COLUMN augur.alias_history.new_version_id IS 'id of the version after the move, NULL for none';
COMMENT ON COLUMN augur.alias_history.reason IS 'why, as the caller or the rule of promotion said';
COMMENT ON COLUMN augur.alias_history.at IS 'when it moved';
COMMENT ON COLUMN augur.alias_history.model IS 'name of the model at that time';
COMMENT ON COLUMN augur.alias_history.action IS 'promote, rollback, set (previous, moved by them) or drop';
COMMENT ON COLUMN augur.alias_history.old_version IS 'version before the move, NULL for none';
COMMENT ON COLUMN augur.alias_history.new_version IS 'version after the move, NULL for none';
COMMENT ON COLUMN augur.alias_history.actor IS 'the user who moved it';

COMMENT ON TABLE augur.aliases IS
'Which version each alias points at: production serves a bare model name, previous is what it was before; free names such as staging. Moved by augur.promote and augur.rollback.';
COMMENT ON COLUMN augur.aliases.model_id IS 'the model';
COMMENT ON COLUMN augur.aliases.alias IS 'name of the alias, as production';
COMMENT ON COLUMN augur.aliases.version_id IS 'a version of the same model, in status ready';
COMMENT ON COLUMN augur.aliases.history_id IS 'the move that put the alias here';
