-- drift: what a version was trained on, and comparisons that were kept.
--
-- Follows the rules of 30_registry.once.sql.

CREATE TABLE augur.version_profiles
(
	version_id	bigint NOT NULL REFERENCES augur.versions ON DELETE CASCADE,
	part		text NOT NULL CHECK (part = ANY ('{feature,target,prediction}'::text[])),
	column_name	name NOT NULL,
	importance	float8 CHECK (importance >= 0),
	profile		augur.profile NOT NULL,
	PRIMARY KEY (version_id, part, column_name)
);

SELECT pg_extension_config_dump('augur.version_profiles', '');

ALTER TABLE augur.version_profiles ENABLE ROW LEVEL SECURITY;

-- profiles hold values of the training data, so they are for those who may see its source
CREATE POLICY seen ON augur.version_profiles FOR SELECT
	USING (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
				   WHERE v.id = version_id
				   AND (pg_has_role(m.owner, 'USAGE')
						OR EXISTS (SELECT FROM augur.preset_roles p
								   WHERE p.preset = ANY ('{operator,admin}')
								   AND pg_has_role(p.role, 'USAGE')))));
CREATE POLICY added ON augur.version_profiles FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
						WHERE v.id = version_id AND v.status = 'pending'
						AND pg_has_role(m.owner, 'USAGE')));

COMMENT ON TABLE augur.version_profiles IS
'Profiles of the columns, the target and the holdout''s scores of a version, made by augur.train, which augur.drift compares with. Never changed; seen by members of the model''s owner, operators and admins.';
COMMENT ON COLUMN augur.version_profiles.version_id IS 'the version';
COMMENT ON COLUMN augur.version_profiles.part IS 'feature: a column that features are made of; target; prediction: scores of the holdout';
COMMENT ON COLUMN augur.version_profiles.column_name IS 'the column; for predictions that of the target';
COMMENT ON COLUMN augur.version_profiles.importance IS 'share of the model''s importance that the column''s features have';
COMMENT ON COLUMN augur.version_profiles.profile IS 'its values in the training rows';
