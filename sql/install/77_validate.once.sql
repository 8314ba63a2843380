-- validate: suites of expectations about tables, and what came of checking them.
--
-- Follows the rules of 30_registry.once.sql.  An expectation can hold SQL of its author, which
-- is run with the rights of whoever validates: so a suite is run by members of its owner only.
-- Runs and results are histories: they are never changed and outlive their suite.

CREATE TABLE augur.suites
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL UNIQUE
				CHECK (char_length(name) BETWEEN 1 AND 63
					   AND name !~ '[[:cntrl:]]' AND name = btrim(name)),
	relation	text,
	key			name[] NOT NULL DEFAULT '{}',
	note		text,
	owner		regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE augur.expectations
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	suite_id	bigint NOT NULL REFERENCES augur.suites ON DELETE CASCADE,
	kind		text NOT NULL,
	columns		name[] NOT NULL DEFAULT '{}',
	args		jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(args) = 'object'),
	severity	text NOT NULL DEFAULT 'error'
				CHECK (severity = ANY ('{error,warn,info}'::text[])),
	mostly		float8 NOT NULL DEFAULT 1 CHECK (mostly >= 0 AND mostly <= 1),
	note		text,
	created_by	name NOT NULL DEFAULT current_user,
	created_at	timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX expectations_suite_id ON augur.expectations (suite_id, id);

CREATE TABLE augur.validation_runs
(
	id			bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	suite_id	bigint NOT NULL,
	suite		text NOT NULL,
	relation	text NOT NULL,
	filter		text,
	status		text NOT NULL CHECK (status = ANY ('{passed,failed,error}'::text[])),
	rows		bigint CHECK (rows >= 0),
	evaluated	integer NOT NULL,
	passed		integer NOT NULL,
	failed		integer NOT NULL,
	warned		integer NOT NULL,
	errors		integer NOT NULL,
	as_of		timestamptz NOT NULL,
	seconds		float8 NOT NULL,
	owner		regrole NOT NULL,
	role		name NOT NULL DEFAULT current_user,
	at			timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX validation_runs_suite ON augur.validation_runs (suite_id, relation, id);

CREATE TABLE augur.validation_results
(
	run_id		bigint NOT NULL REFERENCES augur.validation_runs ON DELETE CASCADE,
	expectation_id bigint NOT NULL,
	kind		text NOT NULL,
	columns		name[] NOT NULL,
	args		jsonb NOT NULL,
	severity	text NOT NULL,
	mostly		float8 NOT NULL,
	outcome		text NOT NULL CHECK (outcome = ANY ('{passed,failed,error}'::text[])),
	checked		bigint,
	failing		bigint,
	share		float8,
	observed	jsonb,
	message		text,
	samples		jsonb,
	rows_sql	text,
	PRIMARY KEY (run_id, expectation_id)
);

CREATE TYPE augur.validation_summary AS
(
	run			bigint,
	suite		text,
	status		text,
	rows		bigint,
	evaluated	integer,
	passed		integer,
	failed		integer,
	warned		integer,
	errors		integer,
	seconds		float8
);

SELECT pg_extension_config_dump('augur.suites', '');
SELECT pg_extension_config_dump('augur.suites_id_seq', '');
SELECT pg_extension_config_dump('augur.expectations', '');
SELECT pg_extension_config_dump('augur.expectations_id_seq', '');
SELECT pg_extension_config_dump('augur.validation_runs', '');
SELECT pg_extension_config_dump('augur.validation_runs_id_seq', '');
SELECT pg_extension_config_dump('augur.validation_results', '');

ALTER TABLE augur.suites ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.expectations ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.validation_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE augur.validation_results ENABLE ROW LEVEL SECURITY;

-- suites: seen by members of the owner, operators and admins; written by members of the owner
CREATE POLICY seen ON augur.suites FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.suites FOR INSERT
	WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY changed ON augur.suites FOR UPDATE
	USING (pg_has_role(owner, 'USAGE')) WITH CHECK (pg_has_role(owner, 'USAGE'));
CREATE POLICY removed ON augur.suites FOR DELETE
	USING (pg_has_role(owner, 'USAGE'));
CREATE POLICY seen ON augur.expectations FOR SELECT
	USING (EXISTS (SELECT FROM augur.suites s WHERE s.id = suite_id));
CREATE POLICY written ON augur.expectations FOR ALL
	USING (EXISTS (SELECT FROM augur.suites s
				   WHERE s.id = suite_id AND pg_has_role(s.owner, 'USAGE')));
CREATE POLICY seen ON augur.validation_runs FOR SELECT
	USING (pg_has_role(owner, 'USAGE')
		   OR EXISTS (SELECT FROM augur.preset_roles p
					  WHERE p.preset = ANY ('{operator,admin}') AND pg_has_role(p.role, 'USAGE')));
CREATE POLICY added ON augur.validation_runs FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.suites s
						WHERE s.id = suite_id AND s.name = suite AND s.owner = validation_runs.owner
						AND pg_has_role(s.owner, 'USAGE')));
CREATE POLICY seen ON augur.validation_results FOR SELECT
	USING (EXISTS (SELECT FROM augur.validation_runs r WHERE r.id = run_id));
CREATE POLICY added ON augur.validation_results FOR INSERT
	WITH CHECK (EXISTS (SELECT FROM augur.validation_runs r
						WHERE r.id = run_id AND pg_has_role(r.owner, 'USAGE')));

COMMENT ON TABLE augur.suites IS
'Named lists of expectations about a table. Made by augur.create_suite or the first augur.expect.';
COMMENT ON COLUMN augur.suites.id IS 'number of the suite, never used again';
COMMENT ON COLUMN augur.suites.name IS 'its name, 1 to 63 characters';
COMMENT ON COLUMN augur.suites.relation IS 'what augur.validate checks when it is given no relation';
COMMENT ON COLUMN augur.suites.key IS 'columns that name a row in samples of failing rows';
COMMENT ON COLUMN augur.suites.note IS 'what it is for';
COMMENT ON COLUMN augur.suites.owner IS 'role whose members may change and run it';
COMMENT ON COLUMN augur.suites.created_by IS 'the user who made it';
COMMENT ON COLUMN augur.suites.created_at IS 'when it was made';
COMMENT ON TABLE augur.expectations IS
'What is expected of a table, written by augur.expect; augur.expectation_kinds lists the kinds.';
COMMENT ON COLUMN augur.expectations.id IS 'number of the expectation, in the order they were added';
COMMENT ON COLUMN augur.expectations.suite_id IS 'the suite';
COMMENT ON COLUMN augur.expectations.kind IS 'what is expected, see augur.expectation_kinds';
COMMENT ON COLUMN augur.expectations.columns IS 'the columns it is about';
COMMENT ON COLUMN augur.expectations.args IS 'arguments of the kind';
COMMENT ON COLUMN augur.expectations.severity IS 'error: the run fails; warn and info: it is told only';
COMMENT ON COLUMN augur.expectations.mostly IS 'share of the checked rows that must be right';
COMMENT ON COLUMN augur.expectations.note IS 'why it is expected';
COMMENT ON COLUMN augur.expectations.created_by IS 'the user who added it';
COMMENT ON COLUMN augur.expectations.created_at IS 'when it was added';
COMMENT ON TABLE augur.validation_runs IS
'One row for each augur.validate. Append-only; outlives the suite.';
COMMENT ON COLUMN augur.validation_runs.id IS 'number of the run';
COMMENT ON COLUMN augur.validation_runs.suite_id IS 'the suite';
COMMENT ON COLUMN augur.validation_runs.suite IS 'its name at that time';
COMMENT ON COLUMN augur.validation_runs.relation IS 'what was checked, schema-qualified';
COMMENT ON COLUMN augur.validation_runs.filter IS 'condition on the rows that were checked, NULL for all';
COMMENT ON COLUMN augur.validation_runs.status IS
'passed; failed: an expectation of severity error does not hold; error: none failed, but one could not be checked';
COMMENT ON COLUMN augur.validation_runs.rows IS 'rows read; NULL when not even counting was possible';
COMMENT ON COLUMN augur.validation_runs.evaluated IS 'number of expectations';
COMMENT ON COLUMN augur.validation_runs.passed IS 'how many hold';
COMMENT ON COLUMN augur.validation_runs.failed IS 'how many of severity error do not hold';
COMMENT ON COLUMN augur.validation_runs.warned IS 'how many of severity warn or info do not hold';
COMMENT ON COLUMN augur.validation_runs.errors IS 'how many could not be checked';
COMMENT ON COLUMN augur.validation_runs.as_of IS 'the time that freshness was measured against';
COMMENT ON COLUMN augur.validation_runs.seconds IS 'how long it took';
COMMENT ON COLUMN augur.validation_runs.owner IS 'owner of the suite, whose members see the run';
COMMENT ON COLUMN augur.validation_runs.role IS 'the user who validated';
COMMENT ON COLUMN augur.validation_runs.at IS 'when it ended';
COMMENT ON TABLE augur.validation_results IS 'What came of each expectation of a run. Append-only.';
COMMENT ON COLUMN augur.validation_results.run_id IS 'the run';
COMMENT ON COLUMN augur.validation_results.expectation_id IS 'the expectation, which may be gone since';
COMMENT ON COLUMN augur.validation_results.kind IS 'what was expected';
COMMENT ON COLUMN augur.validation_results.columns IS 'of which columns';
COMMENT ON COLUMN augur.validation_results.args IS 'with which arguments';
COMMENT ON COLUMN augur.validation_results.severity IS 'error, warn or info';
COMMENT ON COLUMN augur.validation_results.mostly IS 'share of the checked rows that must be right';
COMMENT ON COLUMN augur.validation_results.outcome IS 'passed; failed: the data is bad; error: it could not be checked';
COMMENT ON COLUMN augur.validation_results.checked IS 'rows that could be right or wrong: nulls count for not_null only';
COMMENT ON COLUMN augur.validation_results.failing IS 'rows that are wrong';
COMMENT ON COLUMN augur.validation_results.share IS 'failing of checked';
COMMENT ON COLUMN augur.validation_results.observed IS 'what was seen: a count, the extremes, the age';
COMMENT ON COLUMN augur.validation_results.message IS 'what is wrong, in words';
COMMENT ON COLUMN augur.validation_results.samples IS 'a few failing rows, by the key of the suite or by the columns in question';
COMMENT ON COLUMN augur.validation_results.rows_sql IS 'the query that returns all failing rows';
COMMENT ON TYPE augur.validation_summary IS 'Result of augur.validate: the run and its counts.';
