-- Suites of expectations: writing, checking in one scan, failures against errors, reports.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 50) i;
CREATE TABLE orders AS
SELECT i AS id, CASE WHEN i % 100 = 0 THEN NULL ELSE 1 + i % 51 END AS customer, (i % 97) * 1.5 AS amount,
	(ARRAY['paid', 'open', 'void'])[1 + i % 3] AS status, timestamp '2024-03-01' + i * interval '1 minute' AS at,
	CASE i WHEN 17 THEN 'x' ELSE (i * 3)::text END AS raw, i % 10 AS part
FROM generate_series(1, 1000) i;
INSERT INTO orders SELECT 7, 3, -4, 'lost', timestamp '2024-02-01', '12', 0;

SELECT kind, about, required, optional FROM augur.expectation_kinds;

SELECT augur.create_suite('orders', 'orders', '{id}', 'what reports need') > 0 AS made;
SELECT augur.create_suite('orders');
SELECT augur.create_suite('');
SELECT augur.create_suite('x', 'orders', '{nope}');
-- what can be known to be wrong is refused at once
SELECT augur.expect('orders', 'not_nul', 'id');
SELECT augur.expect('orders', 'not_null');
SELECT augur.expect('orders', 'not_null', columns => '{id,part}');
SELECT augur.expect('orders', 'row_count', 'id', '{"min": 1}');
SELECT augur.expect('orders', 'in_range', 'amount');
SELECT augur.expect('orders', 'in_range', 'amount', '{"minimum": 1}');
SELECT augur.expect('orders', 'in_range', 'amount', '{"min": "cheap"}');
SELECT augur.expect('orders', 'in_set', 'status');
SELECT augur.expect('orders', 'in_set', 'status', '{"values": "paid"}');
SELECT augur.expect('orders', 'length', 'status', '{"min": "3"}');
SELECT augur.expect('orders', 'matches', 'status', '{"pattern": "("}');
SELECT augur.expect('orders', 'freshness', 'at', '{"max_age": "soon"}');
SELECT augur.expect('orders', 'castable', 'raw', '{"type": "intger"}');
SELECT augur.expect('orders', 'foreign_key', 'customer');
SELECT augur.expect('orders', 'foreign_key', 'customer', '{"to": ["id", "name"]}', refers_to => 'customers');
SELECT augur.expect('orders', 'foreign_key', 'customer', '{"to": ["nope"]}', refers_to => 'customers');
SELECT augur.expect('orders', 'expression', args => '{"expression": "amount >"}');
SELECT augur.expect('orders', 'expression', args => '{"expression": "true) ; DROP TABLE customers; SELECT (true"}');
SELECT augur.expect('orders', 'expression', args => '{"expression": "nope > 1"}');
SELECT augur.expect('orders', 'not_null', 'id', severity => 'fatal');
SELECT augur.expect('orders', 'not_null', 'id', mostly => 1.5);
SELECT augur.expect('orders', 'not_null', 'nope');
SELECT augur.validate('orders');
SELECT augur.validate('nope');

CREATE TABLE made (id bigint, n int GENERATED ALWAYS AS IDENTITY);
INSERT INTO made SELECT augur.expect('orders', 'column_exists', 'id', '{"type": "integer"}');
INSERT INTO made SELECT augur.expect('orders', 'column_exists', 'at', '{"type": "date"}', severity => 'warn');
INSERT INTO made SELECT augur.expect('orders', 'columns', columns => '{id,nope}', args => '{"exact": true}');
INSERT INTO made SELECT augur.expect('orders', 'row_count', args => '{"min": 10, "max": 5000}');
INSERT INTO made SELECT augur.expect('orders', 'freshness', 'at', '{"max_age": "1 day"}');
INSERT INTO made SELECT augur.expect('orders', 'not_null', 'customer', mostly => 0.99);
INSERT INTO made SELECT augur.expect('orders', 'not_null', 'customer', severity => 'info');
INSERT INTO made SELECT augur.expect('orders', 'unique', 'id');
INSERT INTO made SELECT augur.expect('orders', 'unique', columns => '{id,part}');
INSERT INTO made SELECT augur.expect('orders', 'in_range', 'amount', '{"min": 0, "below": 1000}');
INSERT INTO made SELECT augur.expect('orders', 'in_set', 'status', '{"values": ["paid", "open", "void"]}');
INSERT INTO made SELECT augur.expect('orders', 'matches', 'status', '{"pattern": "^[a-z]+$"}');
INSERT INTO made SELECT augur.expect('orders', 'length', 'status', '{"min": 4, "max": 4}');
INSERT INTO made SELECT augur.expect('orders', 'castable', 'raw', '{"type": "integer"}');
INSERT INTO made SELECT augur.expect('orders', 'foreign_key', 'customer', '{"to": ["id"]}', refers_to => 'customers');
INSERT INTO made SELECT augur.expect('orders', 'monotonic', 'at', '{"order_by": "id"}');
INSERT INTO made SELECT augur.expect('orders', 'monotonic', 'id', '{"order_by": "at", "by": ["part"], "strict": true}');
INSERT INTO made SELECT augur.expect('orders', 'expression', args => '{"expression": "amount >= 0 OR status = ''void'' -- free"}');
INSERT INTO made SELECT augur.expect('orders', 'row_count_change', severity => 'warn');

SELECT suite, status, rows, evaluated, passed, failed, warned, errors
FROM augur.validate('orders', as_of => '2024-03-02 12:00');
SELECT m.n, l.kind, l.columns, l.severity, l.outcome, l.checked, l.failing, l.message, l.samples
FROM augur.validation_latest l JOIN made m ON m.id = l.expectation_id ORDER BY m.n;
-- the queries return just the failing rows (of a key that is not unique: all of its rows)
CREATE FUNCTION count_rows(q text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM (' || q || ') t' INTO n; RETURN n; END $$;
SELECT m.n, l.kind, l.failing, count_rows(l.rows_sql) AS returned
FROM augur.validation_latest l JOIN made m ON m.id = l.expectation_id WHERE l.rows_sql IS NOT NULL ORDER BY m.n;
SELECT rows_sql FROM augur.validation_latest WHERE kind = 'expression';
SELECT kind, severity, subject, payload - 'run' AS payload FROM augur.events;

-- one scan of the relation, whatever is expected
CREATE FUNCTION scans(q text, rel text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
RETURN (SELECT count(*) FROM regexp_matches(plan::text, '"Relation Name": "' || rel || '"', 'g')); END $$;
SELECT scans(augur.validation_sql('orders'), 'orders') AS scans;

-- what cannot be checked is an error of its own, and keeps nothing else from being judged
SELECT augur.expect('broken', 'expression', args => '{"expression": "10 / part > 0"}') > 0 AS added;
SELECT augur.expect('broken', 'not_null', 'gone') > 0 AS added;
SELECT augur.expect('broken', 'not_null', 'part') > 0 AS added;
SELECT augur.expect('broken', 'foreign_key', 'customer', '{"references": "public.gone"}') > 0 AS added;
SELECT status, rows, evaluated, passed, failed, warned, errors FROM augur.validate('broken', 'orders');
SELECT kind, outcome, message FROM augur.validation_latest WHERE suite = 'broken';
SELECT status, failed, errors FROM augur.validate('broken', 'orders', 'part > 0');
SELECT augur.validate('broken');
SELECT augur.validate('broken', 'orders', 'part >');
SELECT augur.validate('broken', 'orders', 'true) ; DROP TABLE customers; SELECT (true');
SELECT augur.validate('broken', 'orders', samples => -1);
SELECT count(*) FROM customers;

-- row counts against those of earlier runs; recovery
CREATE TABLE daily AS SELECT i FROM generate_series(1, 100) i;
SELECT augur.expect('daily', 'row_count_change', args => '{"max_drop": 0.2, "max_rise": 0.5}') > 0 AS added;
SELECT augur.expect('daily', 'not_null', 'i') > 0 AS added;
SELECT status FROM augur.validate('daily', 'daily');
INSERT INTO daily SELECT i FROM generate_series(1, 60) i;
SELECT status FROM augur.validate('daily', 'daily');
DELETE FROM daily WHERE ctid IN (SELECT ctid FROM daily LIMIT 20);
SELECT status FROM augur.validate('daily', 'daily');
SELECT r.observed, r.message FROM augur.validation_results r WHERE r.kind = 'row_count_change' AND r.message IS NOT NULL AND r.observed ? 'usual';
SELECT kind FROM augur.events WHERE subject = 'daily on public.daily' ORDER BY id;
-- nothing to judge is nothing wrong
TRUNCATE daily;
SELECT augur.expect('none', 'not_null', 'i') > 0 AS added, augur.expect('none', 'unique', 'i') > 0 AS added;
SELECT status, rows FROM augur.validate('none', 'daily');

-- names
CREATE TABLE "Odd ""t" ("Weird ""col" int, "select" text);
INSERT INTO "Odd ""t" VALUES (1, 'a'), (1, NULL);
SELECT augur.expect('odd', 'unique', 'Weird "col') > 0 AS a, augur.expect('odd', 'not_null', 'select') > 0 AS b,
	augur.expect('odd', 'in_set', 'select', '{"values": ["it''s", "a,b", "{}", "\"q\""]}') > 0 AS c,
	augur.expect('odd', 'monotonic', 'Weird "col', '{"order_by": "Weird \"col", "by": ["select"], "strict": true}') > 0 AS d;
SELECT status FROM augur.validate('odd', '"Odd ""t"');
SELECT kind, outcome, message, samples FROM augur.validation_latest WHERE suite = 'odd';

-- a report
SELECT j - 'at' - 'run' - 'results' AS report, jsonb_array_length(j -> 'results') AS results
FROM augur.validation_json((SELECT max(id) FROM augur.validation_runs WHERE suite = 'orders')) j;
SELECT augur.validation_json(-1);

-- a first suite from the data
SELECT kind, columns, args, severity, reason FROM augur.suggest_expectations('orders');
SELECT kind, columns, args, severity FROM augur.suggest_expectations('customers');
SELECT status, errors FROM augur.validate('customers');

-- a column that is not there
SELECT augur.create_suite('there') > 0 AS made;
SELECT count(augur.expect('there', 'column_exists', c, severity => CASE c WHEN 'nope' THEN 'warn' ELSE 'error' END)) FROM unnest('{nope,id}'::name[]) c;
SELECT augur.expect('there', 'columns', columns => '{gone,id}') > 0 AS made;
SELECT augur.expect('there', 'not_null', 'gone') > 0 AS made;
SELECT status, passed, failed, warned, errors FROM augur.validate('there', 'orders');
SELECT kind, columns, severity, outcome, message FROM augur.validation_latest WHERE suite = 'there' ORDER BY expectation_id;
SELECT augur.drop_suite('there');

-- another role's suite is not seen, and its name not free
CREATE ROLE regress_validate_other;
SELECT augur.grant_preset('regress_validate_other', 'trainer');
SET ROLE regress_validate_other;
SELECT augur.expect('orders', 'row_count', args => '{"min": 1}');
RESET ROLE;
SELECT augur.revoke_preset('regress_validate_other');
DROP ROLE regress_validate_other;

-- names of zones are not unique: IST is Indian time here, and Israel's to who reads it
CREATE TABLE read_at AS SELECT timestamptz '2024-03-01 10:00+00' AS at;
SELECT augur.create_suite('read', 'read_at') > 0 AS made;
SELECT augur.expect('read', 'freshness', 'at', '{"max_age": "3 hours"}') > 0 AS expected;
SET timezone = 'Asia/Kolkata';
SELECT status FROM augur.validate('read', as_of => '2024-03-01 12:00+00');
SELECT status FROM augur.validate('read', as_of => '2024-03-01 13:01+00');
RESET timezone;
SELECT augur.drop_suite('read');

-- histories are never changed
DELETE FROM augur.validation_runs;
UPDATE augur.validation_results SET outcome = 'passed';
SELECT augur.drop_expectation((SELECT id FROM made WHERE n = 1));
SELECT augur.drop_expectation(-1);
SELECT augur.drop_suite('orders');
SELECT count(*) > 0 AS kept FROM augur.validation_runs WHERE suite = 'orders';
-- distributed as in a reference
CREATE TABLE last_year AS SELECT i % 100 AS amount, 'k' || i % 3 AS label FROM generate_series(1, 1000) i;
CREATE TABLE this_year AS SELECT 30 + i % 100 AS amount, 'k' || i % 3 AS label, i % 100 AS other FROM generate_series(1, 900) i;
SELECT augur.create_suite('as last year', 'this_year') > 0 AS made;
SELECT augur.expect('as last year', 'distribution', c, refers_to => 'last_year') > 0 AS added FROM unnest('{amount,label}'::name[]) c;
SELECT augur.expect('as last year', 'distribution', 'other', '{"column": "amount"}', refers_to => 'last_year') > 0 AS added;
SELECT augur.expect('as last year', 'distribution', 'amount', '{"effect_floor": 2}', refers_to => 'last_year') > 0 AS added;
SELECT augur.expect('as last year', 'distribution', 'amount', '{"min_rows": 901}', refers_to => 'last_year') > 0 AS added;
SELECT augur.expect('as last year', 'distribution', 'label', '{"column": "amount"}', refers_to => 'last_year') > 0 AS added;
SELECT augur.expect('as last year', 'distribution', 'amount', '{"alpha": 2}', refers_to => 'last_year');
SELECT augur.expect('as last year', 'distribution', 'amount');
SELECT augur.expect('as last year', 'distribution', 'nix', refers_to => 'last_year');
SELECT status, evaluated, passed, failed, errors FROM augur.validate('as last year');
SELECT columns, outcome, round((observed ->> 'score')::numeric, 3) AS score, message FROM augur.validation_results
WHERE kind = 'distribution' ORDER BY expectation_id;
