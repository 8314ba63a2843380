-- registry: what people look at in psql.  security_invoker: the reader's own rights decide.

CREATE OR REPLACE VIEW augur.leaderboard WITH (security_invoker = true) AS
SELECT m.name AS model,
	rank() OVER (PARTITION BY m.id
				 ORDER BY CASE WHEN m.higher_is_better THEN -h.value ELSE h.value END
				 NULLS LAST) AS rank,
	v.version, v.status,
	(SELECT string_agg(a.alias, ', ' ORDER BY a.alias)
	 FROM augur.aliases a WHERE a.version_id = v.id) AS aliases,
	v.algorithm, m.metric, h.value, h.lower, h.upper, h.split,
	b.value AS baseline_value, r.rows_used, r.seconds, v.size, v.created_at, r.note,
	v.id AS version_id, r.id AS run_id
FROM augur.models m
	JOIN augur.versions v ON v.model_id = m.id
	JOIN augur.runs r ON r.id = v.run_id
	LEFT JOIN LATERAL (SELECT t.value, t.lower, t.upper, t.split FROM augur.metrics t
					   WHERE t.run_id = r.id AND t.name = m.metric AND t.class = ''
					   AND t.split = ANY ('{holdout,oob}'::text[])
					   ORDER BY t.split LIMIT 1) h ON true
	LEFT JOIN augur.metrics b
		ON b.run_id = r.id AND b.split = 'baseline' AND b.name = m.metric AND b.class = '';
COMMENT ON VIEW augur.leaderboard IS
'Every version with its leading metric, ranked within its model. Holdouts of different trainings may be different rows: see production_value in augur.version_lineage for a comparison on the same ones.';
COMMENT ON COLUMN augur.leaderboard.rank IS 'place within the model, 1 is best';
COMMENT ON COLUMN augur.leaderboard.value IS 'the leading metric on the split named in split';
COMMENT ON COLUMN augur.leaderboard.lower IS 'lower end of its 95 % interval';
COMMENT ON COLUMN augur.leaderboard.upper IS 'upper end of its 95 % interval';
COMMENT ON COLUMN augur.leaderboard.baseline_value IS 'the same metric of the mean or the majority';

CREATE OR REPLACE VIEW augur.serving_now WITH (security_invoker = true) AS
SELECT m.name AS model, m.task, m.target, v.version, v.algorithm, h.at AS since, h.actor, h.action,
	h.reason, m.metric, t.value, t.lower, t.upper,
	(SELECT p.version FROM augur.aliases a JOIN augur.versions p ON p.id = a.version_id
	 WHERE a.model_id = m.id AND a.alias = 'previous') AS previous_version,
	v.id AS version_id
FROM augur.models m
	JOIN augur.aliases a ON a.model_id = m.id AND a.alias = 'production'
	JOIN augur.alias_history h ON h.id = a.history_id
	JOIN augur.versions v ON v.id = a.version_id
	LEFT JOIN LATERAL (SELECT t.value, t.lower, t.upper FROM augur.metrics t
					   WHERE t.run_id = v.run_id AND t.name = m.metric AND t.class = ''
					   AND t.split = ANY ('{holdout,oob}'::text[])
					   ORDER BY t.split LIMIT 1) t ON true;
COMMENT ON VIEW augur.serving_now IS
'The version in production of each model: since when, by whom, why, and how good it was in training.';
COMMENT ON COLUMN augur.serving_now.since IS 'when it went into production';
COMMENT ON COLUMN augur.serving_now.previous_version IS 'what augur.rollback would bring back';

CREATE OR REPLACE VIEW augur.model_history WITH (security_invoker = true) AS
SELECT s.model, s.version, tstzrange(s.at, s.until) AS serving, s.action, s.actor, s.reason,
	s.model_id
FROM (SELECT h.model, h.model_id, h.id, h.new_version AS version, h.at, h.action, h.actor, h.reason,
			 lead(h.at) OVER (PARTITION BY h.model_id ORDER BY h.id) AS until
	  FROM augur.alias_history h
	  WHERE h.alias = 'production') s
WHERE s.version IS NOT NULL;
COMMENT ON VIEW augur.model_history IS
'Which version was in production when, of dropped models too: SELECT version FROM augur.model_history WHERE model = ''churn'' AND serving @> timestamptz ''2026-05-01''.';
COMMENT ON COLUMN augur.model_history.serving IS 'from promotion to replacement; open-ended for the present one';

CREATE OR REPLACE VIEW augur.runs_recent WITH (security_invoker = true) AS
SELECT r.id AS run_id, r.started_at, m.name AS model, v.version, r.algorithm, r.status,
	coalesce(r.relation, r.query) AS source, r.rows_used, r.rows_skipped, r.seconds, m.metric,
	t.value, r.role, cardinality(r.warnings) AS warnings, r.note
FROM augur.runs r
	JOIN augur.models m ON m.id = r.model_id
	LEFT JOIN augur.versions v ON v.run_id = r.id
	LEFT JOIN LATERAL (SELECT t.value FROM augur.metrics t
					   WHERE t.run_id = r.id AND t.name = m.metric AND t.class = ''
					   AND t.split = ANY ('{holdout,oob}'::text[])
					   ORDER BY t.split LIMIT 1) t ON true
ORDER BY r.id DESC;
COMMENT ON VIEW augur.runs_recent IS 'Trainings, newest first.';
COMMENT ON COLUMN augur.runs_recent.version IS 'the version it made, NULL when that was dropped since';
COMMENT ON COLUMN augur.runs_recent.warnings IS 'number of warnings; their texts are in augur.runs';

CREATE OR REPLACE VIEW augur.version_lineage WITH (security_invoker = true) AS
SELECT m.name AS model, v.version, v.status, v.algorithm, r.relation, r.query, r.target,
	jsonb_array_length(v.signature -> 'features') AS features, r.rows_used, r.seed, r.config,
	(SELECT jsonb_object_agg(p.name, p.value) FROM augur.params p WHERE p.run_id = r.id) AS params,
	pv.value AS production_value, r.extension_version, r.server_version, r.role, r.started_at,
	v.artifact_format, v.size, encode(v.sha256, 'hex') AS sha256, v.id AS version_id, r.id AS run_id
FROM augur.versions v
	JOIN augur.models m ON m.id = v.model_id
	JOIN augur.runs r ON r.id = v.run_id
	LEFT JOIN augur.metrics pv
		ON pv.run_id = r.id AND pv.split = 'production' AND pv.name = m.metric AND pv.class = '';
COMMENT ON VIEW augur.version_lineage IS
'Where each version comes from: data, seed, hyperparameters, who trained it with what, and its digest.';
COMMENT ON COLUMN augur.version_lineage.production_value IS
'the leading metric of the version that was in production then, on the same holdout';

CREATE OR REPLACE VIEW augur.stages WITH (security_invoker = true) AS
SELECT m.name AS model, v.version,
	CASE WHEN v.status = 'archived' THEN 'Archived'
		 WHEN bool_or(a.alias = 'production') THEN 'Production'
		 WHEN bool_or(a.alias = ANY ('{staging,challenger,canary,shadow}'::text[])) THEN 'Staging'
		 ELSE 'None' END AS stage
FROM augur.versions v
	JOIN augur.models m ON m.id = v.model_id
	LEFT JOIN augur.aliases a ON a.version_id = v.id
GROUP BY m.name, v.id, v.version, v.status;
COMMENT ON VIEW augur.stages IS
'Aliases told as the four stages that other registries know: None, Staging, Production, Archived.';
