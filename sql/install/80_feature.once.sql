-- feature: feature sets, and what each refresh of them did.
--
-- Follows the rules of 30_registry.once.sql.  A definition is SQL of its author, which is run with
-- the rights of whoever refreshes: so that is for members of the owner only.  The features
-- themselves lie in an ordinary table of the owner, read and joined by who may read that table.
-- Times are kept as text in the type of the event time, as JSON writes them.

CREATE TABLE augur.feature_sets
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE
				CHECK (char_length(name) BETWEEN 1 AND 63
					   AND name !~ '[[:cntrl:]]' AND name = btrim(name)),
	version		integer NOT NULL DEFAULT 1 CHECK (version >= 1),
	relation	text NOT NULL CHECK (cardinality(parse_ident(relation)) = 2),
	entity		name[] NOT NULL CHECK (cardinality(entity) >= 1),
	event_time	name NOT NULL,
	available_at name,
	features	name[] NOT NULL CHECK (cardinality(features) >= 1),
	query		text NOT NULL,
	definition	text NOT NULL,
	lateness	interval CHECK (lateness >= interval '0'),
	lookback	interval CHECK (lookback >= interval '0'),
	max_age		interval CHECK (max_age > interval '0'),
	time_zone	text NOT NULL,
	watermark	text,
	description	text,
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE (id, owner)
);

CREATE TABLE augur.feature_refreshes
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	set_id		bigint NOT NULL,
	feature_set	text NOT NULL,
	version		integer NOT NULL,
	kind		text NOT NULL CHECK (kind = ANY ('{full,incremental}'::text[])),
	since		text,
	rows_read	bigint NOT NULL CHECK (rows_read >= 0),
	inserted	bigint NOT NULL,
	updated		bigint NOT NULL,
	deleted		bigint NOT NULL,
	skipped		bigint NOT NULL,
	late		bigint,
	watermark_before text,
	watermark	text,
	seconds		float8 NOT NULL,
	owner		regrole NOT NULL,
	role		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX feature_refreshes_set_id ON augur.feature_refreshes (set_id, id);

CREATE TYPE augur.rfm_value AS
(
	recency		float8,
	frequency	bigint,
	monetary	numeric
);

CREATE TYPE augur.calendar_parts AS
(
	age_days	float8,
	year		integer,
	quarter		integer,
	month		integer,
	week		integer,
	day			integer,
	day_of_year	integer,
	day_of_week	integer,
	hour		integer,
	is_weekend	boolean
);

SELECT pg_extension_config_dump('augur.feature_sets', '');
SELECT pg_extension_config_dump('augur.feature_sets_id_seq', '');
SELECT pg_extension_config_dump('augur.feature_refreshes', '');
SELECT pg_extension_config_dump('augur.feature_refreshes_id_seq', '');

ALTER TABLE augur.feature_sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.feature_refreshes ENABLE ROW LEVEL SECURITY;

-- seen by members of the owner, operators, admins, and by who may read the features; to_regclass
-- would be an error for who may not use the schema
CREATE POLICY seen ON augur.feature_sets FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
					  WHERE n.nspname = (parse_ident(feature_sets.relation))[1]
					  AND c.relname = (parse_ident(feature_sets.relation))[2]
					  AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.feature_sets FOR INSERT
	WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY changed ON augur.feature_sets FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')) WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY removed ON augur.feature_sets FOR DELETE
	USING (pg_has_role(owner, 'USAGE'));
CREATE POLICY seen ON augur.feature_refreshes FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.feature_sets s WHERE s.id = set_id)
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.feature_refreshes FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.feature_sets s
						WHERE s.id = set_id AND s.name = feature_set AND s.owner = feature_refreshes.owner
						AND pg_has_role(s.owner, 'USAGE')));

COMMENT ON TABLE augur.feature_sets IS
'Feature sets: queries whose rows, one for each entity and time, are kept in a table. Made by augur.create_feature_set, joined by augur.as_of_join.';
COMMENT ON COLUMN augur.feature_sets.id IS 'number of the set, never used again';
COMMENT ON COLUMN augur.feature_sets.name IS 'its name, 1 to 63 characters';
COMMENT ON COLUMN augur.feature_sets.version IS 'raised by every new definition';
COMMENT ON COLUMN augur.feature_sets.relation IS 'the table that has the features';
COMMENT ON COLUMN augur.feature_sets.entity IS 'columns that say what the features are of';
COMMENT ON COLUMN augur.feature_sets.event_time IS 'column that says from when on the features hold';
COMMENT ON COLUMN augur.feature_sets.available_at IS
'column that says since when they were known, NULL when they are known at their event time';
COMMENT ON COLUMN augur.feature_sets.features IS 'the other columns';
COMMENT ON COLUMN augur.feature_sets.query IS 'the definition as it was written';
COMMENT ON COLUMN augur.feature_sets.definition IS 'the definition as it is run, with all names resolved';
COMMENT ON COLUMN augur.feature_sets.lateness IS
'incremental refreshes compute so much before the watermark again; NULL: every refresh is a full one';
COMMENT ON COLUMN augur.feature_sets.lookback IS
'augur.refresh_since() in the definition lies so much before the first row that is computed';
COMMENT ON COLUMN augur.feature_sets.max_age IS 'older features are not joined; NULL: however old';
COMMENT ON COLUMN augur.feature_sets.time_zone IS 'refreshes run in it';
COMMENT ON COLUMN augur.feature_sets.watermark IS 'latest event time, or the time of the last refresh if that was earlier';
COMMENT ON COLUMN augur.feature_sets.description IS 'what it is for';
COMMENT ON COLUMN augur.feature_sets.owner IS 'role whose members refresh, change and drop it';
COMMENT ON COLUMN augur.feature_sets.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.feature_sets.created_at IS 'when it was made';
COMMENT ON TABLE augur.feature_refreshes IS
'One row for each refresh of a feature set. Append-only; outlives the set. A refresh that fails leaves nothing, neither here nor in the features.';
COMMENT ON COLUMN augur.feature_refreshes.id IS 'number of the refresh';
COMMENT ON COLUMN augur.feature_refreshes.set_id IS 'the feature set';
COMMENT ON COLUMN augur.feature_refreshes.feature_set IS 'its name at that time';
COMMENT ON COLUMN augur.feature_refreshes.version IS 'version of its definition';
COMMENT ON COLUMN augur.feature_refreshes.kind IS 'full: all rows were computed; incremental: those since';
COMMENT ON COLUMN augur.feature_refreshes.since IS 'event time of the first rows that were computed, NULL for all';
COMMENT ON COLUMN augur.feature_refreshes.rows_read IS 'rows that the definition returned';
COMMENT ON COLUMN augur.feature_refreshes.inserted IS 'rows that were new';
COMMENT ON COLUMN augur.feature_refreshes.updated IS 'rows that had other features before';
COMMENT ON COLUMN augur.feature_refreshes.deleted IS 'rows that are no more';
COMMENT ON COLUMN augur.feature_refreshes.skipped IS 'rows without an entity, an event time or a time of availability';
COMMENT ON COLUMN augur.feature_refreshes.late IS
'of a full refresh: changed rows that an incremental one would have missed, as they lie more than lateness before the watermark; NULL where that cannot be known';
COMMENT ON COLUMN augur.feature_refreshes.watermark_before IS 'watermark of the set before';
COMMENT ON COLUMN augur.feature_refreshes.watermark IS 'and after';
COMMENT ON COLUMN augur.feature_refreshes.seconds IS 'how long it took';
COMMENT ON COLUMN augur.feature_refreshes.owner IS 'owner of the set, whose members see it';
COMMENT ON COLUMN augur.feature_refreshes.role IS 'the user who refreshed';
COMMENT ON COLUMN augur.feature_refreshes.at IS 'when it ended';
COMMENT ON TYPE augur.rfm_value IS
'Result of augur.rfm: recency (days since the last event, NULL without one), frequency (events), monetary (sum of amounts).';
COMMENT ON TYPE augur.calendar_parts IS
'Result of augur.calendar: parts of a time under the names that date_parts of augur.train has, and week (ISO), day_of_year and is_weekend.';
