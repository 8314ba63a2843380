-- ingest: which columns become features, which rows are used, what is held out, and that the order of
-- rows does not matter.  augur._ingest_report tells what a training would see.
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE FUNCTION pg_temp.report(query text, target text DEFAULT 'y', options jsonb DEFAULT '{}')
	RETURNS TABLE (key text, value text)
	LANGUAGE sql AS $$
	SELECT k, CASE jsonb_typeof(r -> k) WHEN 'string' THEN r ->> k ELSE (r -> k)::text END
	FROM augur._ingest_report(query, target, options) r,
		 unnest('{task,task_reason,classes,rows_read,rows_used,rows_skipped,rows_holdout,split,left_out,warnings}'::text[]) WITH ORDINALITY AS u (k, i)
	WHERE r -> k IS NOT NULL AND r -> k <> '[]' ORDER BY i $$;
CREATE FUNCTION pg_temp.features(query text, target text DEFAULT 'y', options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql AS $$
	SELECT string_agg(f ->> 'name', ', ' ORDER BY i)
	FROM jsonb_array_elements(augur._ingest_report(query, target, options) -> 'features') WITH ORDINALITY AS e (f, i) $$;
CREATE FUNCTION pg_temp.digest(query text, target text DEFAULT 'y', options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql AS $$ SELECT augur._ingest_report(query, target, options) ->> 'digest' $$;
CREATE FUNCTION pg_temp.held(query text, target text DEFAULT 'y', options jsonb DEFAULT '{}') RETURNS int
	LANGUAGE sql AS $$ SELECT (augur._ingest_report(query, target, options) ->> 'rows_holdout')::int $$;

-- ---------------------------------------------------------------- columns
CREATE TABLE "Mixed ""Case""" (
	"ID" int, "customerId" bigint, code uuid, e_mail text, "Constant" int, empty text, gone int,
	"Ärger, 'x'" float4, age int, region varchar(8), note jsonb, "select" bool, y bool);
ALTER TABLE "Mixed ""Case""" DROP COLUMN gone;
INSERT INTO "Mixed ""Case"""
	SELECT g, 100000 + 7 * g, ('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, 'm' || g || '@example.org', 7, NULL,
		g % 13, 20 + g % 50, ('{North,East,South,West}'::text[])[g % 4 + 1], '{}', g % 3 = 0, g % 5 < 2
	FROM generate_series(1, 400) g;
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""');
SELECT * FROM pg_temp.report('SELECT * FROM "Mixed ""Case"""');
-- what is asked for by name is taken, in that order; columns without information are not
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["e_mail", "age", "ID", "code", "Constant"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"exclude": ["age", "select", "ID"]}');
-- row numbers: unique integers without gaps, whatever their name
SELECT * FROM pg_temp.report('SELECT g AS line, g * 3 AS sparse, g % 200 AS repeated, -g::bigint AS down, g % 7 + 0.5 AS y FROM generate_series(1, 400) g')
WHERE key = 'left_out';
-- named like keys but not unique; unique but with gaps and another name: features
SELECT pg_temp.features('SELECT g % 40 AS store_id, g * g AS square, g % 7 + 0.5 AS y FROM generate_series(1, 400) g');
SELECT * FROM pg_temp.report('SELECT g * 1000000007::bigint AS "orderID", g * 50 AS article_no, (g * 9223372036854775::numeric)::bigint AS id, g * 31 AS invalid, g % 9 AS x, g % 7 + 0.5 AS y FROM generate_series(1, 400) g')
WHERE key = 'left_out';
-- texts: nearly all different or not
SELECT * FROM pg_temp.report('SELECT ''n'' || g * 96 / 100 AS most, ''n'' || g * 94 / 100 AS many, ''n'' || least(g, 10) AS few, g % 7 + 0.5 AS y FROM generate_series(1, 400) g')
WHERE key = 'left_out';
-- 49 rows prove nothing
SELECT pg_temp.features('SELECT ''n'' || g AS name, g % 7 + 0.5 AS y FROM generate_series(1, 49) g');
-- copies of the target
SELECT * FROM pg_temp.report('SELECT y, y AS copy, y::numeric AS number, y + 1 AS other, y::text AS label FROM (SELECT g % 7 + 0.5 AS y FROM generate_series(1, 100) g) s')
WHERE key = 'left_out';
SELECT * FROM pg_temp.report('SELECT y, y::varchar AS copy, x FROM (SELECT ''c'' || g % 3 AS y, g % 10 AS x FROM generate_series(1, 100) g) s')
WHERE key = 'left_out';
SELECT * FROM pg_temp.report('SELECT y, y AS copy FROM (SELECT g % 7 + 0.5 AS y FROM generate_series(1, 100) g) s', 'y', '{"features": ["copy"]}')
WHERE key = 'warnings';
-- duplicate names, unknown names, contradictions
SELECT pg_temp.features('SELECT 1 AS a, 2 AS b, 3 AS a, 4 AS y');
SELECT pg_temp.features('SELECT 1 AS "?column?", 2 AS "?column?", 4 AS y');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'z');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["aeg"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["age", "y"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["age", "age"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["age"], "exclude": ["age"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"exclude": ["regoin"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"key": "id"}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"key": "y"}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"features": ["age", "note"]}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'note');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"weight": "region"}');
SELECT pg_temp.features('SELECT * FROM "Mixed ""Case"""', 'y', '{"time_column": "region"}');
-- nothing is left
SELECT pg_temp.features('SELECT "ID", code, "Constant", y FROM "Mixed ""Case"""');
SELECT pg_temp.features('SELECT y FROM "Mixed ""Case"""');
-- options
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"excluded": ["x"]}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"holdout": 0.95}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"holdout": "a fifth"}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"max_bins": 1}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"exclude": "x"}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"exclude": [1]}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"task": "ranking"}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '{"key": 5}');
SELECT pg_temp.features('SELECT 1 AS y', 'y', '["key"]');

-- ---------------------------------------------------------------- target and rows
CREATE TABLE rows AS
	SELECT g AS n, g % 10 AS x, g % 2 AS two, g % 3 AS three, (g % 2)::bool AS flag, 'c' || g % 4 AS label,
		CASE WHEN g % 10 > 0 THEN g / 2.0 END AS number, CASE WHEN g % 4 = 0 THEN float8 'NaN' ELSE g END AS "float",
		g % 3 AS weight
	FROM generate_series(1, 120) g;
SELECT target, task, reason, classes, used, skipped
FROM unnest('{flag,label,two,three,number,float}'::text[]) WITH ORDINALITY AS u (target, i),
	 LATERAL (SELECT r ->> 'task' AS task, r ->> 'task_reason' AS reason, r ->> 'classes' AS classes,
		r ->> 'rows_used' AS used, r ->> 'rows_skipped' AS skipped
		FROM augur._ingest_report('SELECT * FROM rows', target) r) r
ORDER BY i;
SELECT * FROM pg_temp.report('SELECT x, three FROM rows', 'three') WHERE key = 'warnings';
SELECT target, r ->> 'classes' AS classes
FROM unnest('{three,number::int % 12,(x / 4.0)::float8,(x / 4.0)::float4,(x / 4.0)::numeric,-x * 1e20}'::text[]) WITH ORDINALITY AS u (target, i),
	 LATERAL augur._ingest_report(format('SELECT n / 5 AS a, %s AS y FROM rows', target), 'y', '{"task": "classification"}') r
ORDER BY i;
SELECT * FROM pg_temp.report('SELECT x, flag FROM rows', 'flag', '{"task": "regression"}') WHERE key = 'task';
SELECT pg_temp.features('SELECT x, label FROM rows', 'label', '{"task": "regression"}');
-- one class, one value, infinite, none, one row
SELECT pg_temp.features('SELECT x, ''only''::text AS y FROM rows');
SELECT pg_temp.features('SELECT x, CASE WHEN x < 5 THEN true END AS y FROM rows');
SELECT * FROM pg_temp.report('SELECT x, 1.5 AS y FROM rows') WHERE key IN ('task', 'warnings');
SELECT pg_temp.features('SELECT x, CASE WHEN x = 5 THEN float8 ''Infinity'' ELSE x END AS y FROM rows');
SELECT pg_temp.features('SELECT x, number AS y FROM rows WHERE false');
SELECT pg_temp.features('SELECT x, NULL::int AS y FROM rows');
SELECT pg_temp.features('SELECT x, ''NaN''::float8 AS y FROM rows');
SELECT pg_temp.features('SELECT x, n AS y FROM rows LIMIT 1');
SELECT pg_temp.features('SELECT x, CASE WHEN n = 5 THEN 1 END AS y FROM rows');
-- two rows train
SELECT * FROM pg_temp.report('SELECT x, n + 0.5 AS y FROM rows LIMIT 2');
-- dates are no targets
SELECT pg_temp.features('SELECT x, date ''2020-01-01'' + n AS y FROM rows');
-- weights
SELECT * FROM pg_temp.report('SELECT x, number AS y, weight FROM rows', 'y', '{"weight": "weight"}') WHERE key LIKE 'rows%';
SELECT pg_temp.digest('SELECT x, number AS y, weight FROM rows', 'y', '{"weight": "weight"}')
	 = pg_temp.digest('SELECT x, number AS y, weight FROM rows WHERE weight > 0', 'y', '{"weight": "weight"}') AS same,
	   pg_temp.digest('SELECT x, number AS y, weight FROM rows', 'y', '{"weight": "weight"}')
	 = pg_temp.digest('SELECT x, number AS y, weight * 2 AS weight FROM rows', 'y', '{"weight": "weight"}') AS doubled;
SELECT pg_temp.features('SELECT x, n + 0.5 AS y, 3 - n AS w FROM rows', 'y', '{"weight": "w"}');
SELECT pg_temp.features('SELECT x, n + 0.5 AS y, float8 ''Infinity'' AS w FROM rows', 'y', '{"weight": "w"}');
SELECT pg_temp.features('SELECT x, n + 0.5 AS y, 0 AS w FROM rows', 'y', '{"weight": "w"}');

-- ---------------------------------------------------------------- holdout
CREATE TABLE parts AS
	SELECT g AS n, g % 100 AS customer, 'c' || least(g % 20, 3) AS label, (g * 7919) % 499 AS x, (g * 31) % 50 AS z,
		timestamp '2020-01-01' + (g / 10) * interval '1 day' AS ts
	FROM generate_series(1, 1000) g;
-- the share, stratified: 50, 50, 50 and 850 rows
SELECT * FROM pg_temp.report('SELECT label, x, z FROM parts', 'label') WHERE key IN ('rows_holdout', 'split');
SELECT share, pg_temp.held('SELECT x, z + 0.5 AS y FROM parts', 'y', jsonb_build_object('holdout', share))
FROM unnest('{0,0.001,0.1,0.5,0.9}'::float8[]) share;
-- equal rows stay together: four of each
SELECT pg_temp.held('SELECT x, z, label FROM parts, generate_series(1, 4)', 'label') % 4 AS rest;
-- a key: all of its ten rows on one side
SELECT * FROM pg_temp.report('SELECT * FROM parts', 'label', '{"key": "customer", "features": ["x", "z"]}') WHERE key IN ('rows_holdout', 'split');
SELECT pg_temp.held('SELECT customer, x, z + 0.5 AS y FROM parts', 'y', '{"key": "customer"}') % 10 AS rest;
-- equal keys of another type hold out the same rows
SELECT t, pg_temp.digest(format('SELECT customer::%s AS customer, x, z + 0.5 AS y FROM parts', t), 'y', '{"key": "customer"}')
	 = pg_temp.digest('SELECT customer, x, z + 0.5 AS y FROM parts', 'y', '{"key": "customer"}') AS same
FROM unnest('{smallint,bigint}'::text[]) t;
SELECT pg_temp.digest('SELECT customer::numeric(12,3) AS customer, x, z + 0.5 AS y FROM parts', 'y', '{"key": "customer"}')
	 = pg_temp.digest('SELECT customer::text AS customer, x, z + 0.5 AS y FROM parts', 'y', '{"key": "customer"}') AS same;
-- rows without a key stand for themselves: about a fifth
SELECT pg_temp.held('SELECT nullif(customer % 2, 1) AS customer, x, z + 0.5 AS y FROM parts', 'y', '{"key": "customer"}') BETWEEN 180 AND 220 AS near;
-- one key for all: nothing can be held out
SELECT * FROM pg_temp.report('SELECT 1 AS k, x, z + 0.5 AS y FROM parts', 'y', '{"key": "k"}') WHERE key IN ('rows_holdout', 'split', 'warnings');
-- a group that is larger than the share is skipped, smaller ones are taken
SELECT pg_temp.held('SELECT greatest(n - 900, 1) AS k, x, z + 0.5 AS y FROM parts', 'y', '{"key": "k"}');
-- time: the latest, ties together
SELECT * FROM pg_temp.report('SELECT * FROM parts', 'x', '{"time_column": "ts", "exclude": ["n"]}') WHERE key IN ('rows_holdout', 'split');
SELECT * FROM pg_temp.report('SELECT ts::date AS day, x, z FROM parts', 'x', '{"time_column": "day", "holdout": 0.123}') WHERE key IN ('rows_holdout', 'split');
SELECT * FROM pg_temp.report('SELECT ts::timestamptz AS ts, x, z FROM parts', 'x', '{"time_column": "ts"}') WHERE key IN ('rows_holdout', 'split');
SELECT * FROM pg_temp.report('SELECT n - 500 AS step, x, z FROM parts', 'x', '{"time_column": "step"}') WHERE key IN ('rows_holdout', 'split');
SELECT * FROM pg_temp.report('SELECT nullif(n, 1000) AS step, x, z FROM parts', 'x', '{"time_column": "step"}') WHERE key LIKE 'rows%';
SELECT * FROM pg_temp.report('SELECT 1 AS step, x, z FROM parts', 'x', '{"time_column": "step"}') WHERE key IN ('rows_holdout', 'split', 'warnings');
-- two times of which the later one is most of the rows
SELECT * FROM pg_temp.report('SELECT least(n, 300) AS step, x, z FROM parts', 'x', '{"time_column": "step"}') WHERE key IN ('rows_holdout', 'split', 'warnings');
-- one class only would be left
SELECT * FROM pg_temp.report('SELECT n, x, n > 900 AS y FROM parts', 'y', '{"time_column": "n"}') WHERE key IN ('rows_holdout', 'split', 'warnings');
-- few rows
SELECT * FROM pg_temp.report('SELECT x, z + 0.5 AS y FROM parts LIMIT 19') WHERE key IN ('rows_holdout', 'split', 'warnings');
SELECT pg_temp.held('SELECT x, z + 0.5 AS y FROM parts LIMIT 20');
-- classes of one, two and five rows
SELECT pg_temp.held($$SELECT x, CASE WHEN n = 1 THEN 'one' WHEN n <= 3 THEN 'two' WHEN n <= 8 THEN 'five' ELSE 'all' END AS y FROM parts$$);

-- ---------------------------------------------------------------- the order of rows does not matter
CREATE TABLE shuffled (y text, a float8, b numeric, c text, d date, e int[], f bool, w float4);
ALTER TABLE shuffled SET (autovacuum_enabled = off);
INSERT INTO shuffled
	SELECT 'c' || g % 3, CASE WHEN g % 11 > 0 THEN sin(g % 5000) END, (g % 1000) / 7.0, CASE WHEN g % 13 > 0 THEN 'level ' || g % 700 END,
		date '2020-01-01' + g % 900, CASE WHEN g > 100 THEN array[g % 17, g % 19] END, g % 5 = 0, 1 + g % 4
	FROM generate_series(1, 30000) g;
CREATE TABLE seen (way text, digest text);
\set load 'SELECT pg_temp.digest(''SELECT * FROM shuffled'', ''y'', ''{"weight": "w"}'')'
INSERT INTO seen SELECT 'as inserted', (:load);
CREATE TABLE again AS SELECT * FROM shuffled ORDER BY random();
TRUNCATE shuffled;
INSERT INTO shuffled SELECT * FROM again ORDER BY random();
INSERT INTO seen SELECT 'random order', (:load);
DELETE FROM shuffled WHERE f;
VACUUM shuffled;
INSERT INTO shuffled SELECT * FROM again WHERE f ORDER BY c, random();
INSERT INTO seen SELECT 'holes filled', (:load);
VACUUM FULL shuffled;
INSERT INTO seen SELECT 'VACUUM FULL', (:load);
SET synchronize_seqscans = off;
INSERT INTO seen SELECT 'no synchronized scans', (:load);
RESET synchronize_seqscans;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
INSERT INTO seen SELECT 'parallel scan', (:load);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
-- in a temporary file instead of memory
SET augur.training_memory = '2MB';
INSERT INTO seen SELECT 'spooled to a file', (:load);
RESET augur.training_memory;
SELECT count(*), count(DISTINCT digest) FROM seen;
-- and the digest does see a difference
UPDATE shuffled SET a = a + 1e-9 WHERE ctid = (SELECT min(ctid) FROM shuffled WHERE a > 0.5);
SELECT (:load) = digest AS same FROM seen LIMIT 1;
-- columns that look like keys do not change the order, nor the holdout
SELECT pg_temp.digest('SELECT row_number() OVER () AS id, ''t'' || row_number() OVER () AS name, s.* FROM shuffled s', 'y', '{"weight": "w"}')
	 = (:load) AS same;

-- more rows than the sample for cuts, and a rare value that the sample need not hold
SELECT pg_temp.digest('SELECT g % 2 + 0.5 AS y, g * 7 % 250007 AS x, g = 77777 AS rare FROM generate_series(1, 250000) g')
	 = pg_temp.digest('SELECT g % 2 + 0.5 AS y, g * 7 % 250007 AS x, g = 77777 AS rare FROM generate_series(250000, 1, -1) g') AS same;
SELECT f ->> 'name' AS name, f ->> 'cuts' AS cuts
FROM jsonb_array_elements(augur._ingest_report('SELECT g % 2 + 0.5 AS y, g * 7 % 250007 AS x, g = 77777 AS rare FROM generate_series(1, 250000) g', 'y') -> 'features') f;

-- ---------------------------------------------------------------- limits
-- 1,600 columns
DO $$ BEGIN
	EXECUTE format('CREATE TABLE wide AS SELECT g %% 2 + 0.5 AS y, %s FROM generate_series(1, 60) g',
		(SELECT string_agg(format('(g * %s %% 1601)::real AS c%s', i, i), ', ') FROM generate_series(1, 1599) i));
END $$;
SELECT jsonb_array_length(r -> 'features') AS features, r ->> 'rows_used' AS rows, r -> 'left_out' AS left_out FROM augur._ingest_report('SELECT * FROM wide', 'y') r;
-- 100,000 levels, and the limit
SELECT f ->> 'name' AS name, f ->> 'levels' AS levels
FROM jsonb_array_elements(augur._ingest_report('SELECT g % 2 + 0.5 AS y, ''level '' || g / 2 AS l FROM generate_series(1, 199999) g', 'y') -> 'features') f;
SET augur.training_memory = '16MB';
SELECT r -> 'left_out' AS left_out FROM augur._ingest_report('SELECT g % 2 + 0.5 AS y, ''level '' || g / 2 AS l, g % 9 AS x FROM generate_series(1, 199999) g', 'y') r;
SELECT pg_temp.features('SELECT g % 2 + 0.5 AS y, ''level '' || g / 2 AS l, g % 9 AS x FROM generate_series(1, 199999) g', 'y', '{"features": ["l"]}');
SET augur.training_memory = '1MB';
SELECT pg_temp.features('SELECT g % 2 + 0.5 AS y, g % 9 AS x FROM generate_series(1, 199999) g');
RESET augur.training_memory;
-- more features than the format has
SELECT pg_temp.features('SELECT g % 2 + 0.5 AS y, array_fill(g, array[65001]) AS a FROM generate_series(1, 3) g');
-- the temporary file counts against its limit, and is gone after the error
SET augur.training_memory = '4MB';
SET temp_file_limit = '1MB';
\set VERBOSITY sqlstate
SELECT pg_temp.features('SELECT g % 2 + 0.5 AS y, g * 1e-3 AS x, g * 1e-4 AS z, g * 1e-5 AS v, sqrt(g) AS r FROM generate_series(1, 90000) g');
\set VERBOSITY default
RESET temp_file_limit;
RESET augur.training_memory;
SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE format('pgsql\_tmp%s.%%', pg_backend_pid());

-- ---------------------------------------------------------------- the query is the caller's
SELECT pg_temp.features('SELECT 1 AS y; SELECT 2 AS y');
SELECT pg_temp.features('DELETE FROM rows RETURNING x, number AS y');
SELECT pg_temp.features('SELECT 1/0 AS y');
SELECT augur._ingest_report(NULL, 'y') IS NULL AS strict;
