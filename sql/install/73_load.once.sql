-- load: files that were loaded into tables, and the rows that were refused.
--
-- Follows the rules of 30_registry.once.sql.  Rows are written in the transaction of the load.
-- A relation is kept by its name, which a dump can carry.

CREATE TABLE augur.load_batches
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	relation	text NOT NULL,
	kind		text NOT NULL CHECK (kind = ANY ('{csv,json}'::text[])),
	source		text CHECK (char_length(source) BETWEEN 1 AND 200),
	digest		bytea NOT NULL CHECK (octet_length(digest) = 32),
	status		text NOT NULL DEFAULT 'loaded' CHECK (status = ANY ('{loaded,forgotten}'::text[])),
	rows_read	bigint,
	rows_ok		bigint,
	rows_bad	bigint,
	seconds		float8,
	warnings	text[] NOT NULL DEFAULT '{}',
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	role		name NOT NULL DEFAULT current_user,
	started_at	timestamptz NOT NULL DEFAULT clock_timestamp(),
	ended_at	timestamptz
);
-- what makes the same bytes load once
CREATE UNIQUE INDEX load_batches_digest ON augur.load_batches (relation, digest)
	WHERE status = 'loaded';

CREATE TABLE augur.quarantine
(
	batch_id	bigint NOT NULL REFERENCES augur.load_batches ON DELETE CASCADE,
	row			bigint NOT NULL,
	line		bigint NOT NULL,
	"column"	text,
	value		text,
	reason		text NOT NULL,
	sqlstate	text NOT NULL,
	raw			text NOT NULL,
	raw_length	bigint NOT NULL,
	PRIMARY KEY (batch_id, row)
);

CREATE TYPE augur.load_result AS
(
	batch		bigint,
	status		text,
	relation	text,
	rows_read	bigint,
	rows_ok		bigint,
	rows_bad	bigint,
	digest		text,
	seconds		float8,
	warnings	text[]
);

SELECT pg_extension_config_dump('augur.load_batches', '');
SELECT pg_extension_config_dump('augur.load_batches_id_seq', '');
SELECT pg_extension_config_dump('augur.quarantine', '');

ALTER TABLE augur.load_batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.quarantine ENABLE ROW LEVEL SECURITY;

-- seen by members of the owner, operators and admins; refused rows hold data, so by the owner only
CREATE POLICY seen ON augur.load_batches FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.load_batches FOR INSERT
	WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY changed ON augur.load_batches FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')) WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY removed ON augur.load_batches FOR DELETE
	USING (pg_has_role(owner, 'USAGE'));
CREATE POLICY seen ON augur.quarantine FOR SELECT
	USING (EXISTS (SELECT FROM augur.load_batches b
				   WHERE b.id = batch_id AND pg_has_role(b.owner, 'USAGE')));
CREATE POLICY added ON augur.quarantine FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.load_batches b
						WHERE b.id = batch_id AND b.ended_at IS NULL
						AND pg_has_role(b.owner, 'USAGE')));

COMMENT ON TABLE augur.load_batches IS
'One row for each load by augur.load_csv or augur.load_json, written in its transaction.';
COMMENT ON COLUMN augur.load_batches.id IS 'number of the batch';
COMMENT ON COLUMN augur.load_batches.relation IS 'what was loaded into, schema-qualified';
COMMENT ON COLUMN augur.load_batches.kind IS 'csv or json';
COMMENT ON COLUMN augur.load_batches.source IS 'name that the caller gave to where the data comes from';
COMMENT ON COLUMN augur.load_batches.digest IS 'SHA-256 of the data';
COMMENT ON COLUMN augur.load_batches.status IS
'loaded: the same data is not loaded again; forgotten: it can be, see augur.forget_batch';
COMMENT ON COLUMN augur.load_batches.rows_read IS 'records in the data, rows_ok + rows_bad';
COMMENT ON COLUMN augur.load_batches.rows_ok IS 'records that were loaded';
COMMENT ON COLUMN augur.load_batches.rows_bad IS 'records that are in augur.quarantine';
COMMENT ON COLUMN augur.load_batches.seconds IS 'how long it took';
COMMENT ON COLUMN augur.load_batches.warnings IS 'what differs between the data and the table, with counts';
COMMENT ON COLUMN augur.load_batches.owner IS 'role whose members see the batch and its refused rows';
COMMENT ON COLUMN augur.load_batches.role IS 'the user who loaded';
COMMENT ON COLUMN augur.load_batches.started_at IS 'when it began';
COMMENT ON COLUMN augur.load_batches.ended_at IS 'when it ended';
COMMENT ON TABLE augur.quarantine IS
'Records that a load refused, with the reason. Mend them and load them again with argument content.';
COMMENT ON COLUMN augur.quarantine.batch_id IS 'the load';
COMMENT ON COLUMN augur.quarantine.row IS 'number of the record in the data, the header not counted';
COMMENT ON COLUMN augur.quarantine.line IS 'line where the record begins, counted from 1';
COMMENT ON COLUMN augur.quarantine."column" IS 'the column at fault, NULL when it is not one column';
COMMENT ON COLUMN augur.quarantine.value IS 'its value, at most 1000 bytes';
COMMENT ON COLUMN augur.quarantine.reason IS 'what is wrong with the record';
COMMENT ON COLUMN augur.quarantine.sqlstate IS 'the same as an SQLSTATE';
COMMENT ON COLUMN augur.quarantine.raw IS
'the record as it was, at most 1 MB; bytes that are no characters are written as \xNN';
COMMENT ON COLUMN augur.quarantine.raw_length IS 'its length in bytes';
COMMENT ON TYPE augur.load_result IS 'Result of augur.load_csv and augur.load_json.';
