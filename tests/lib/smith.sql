-- smith.sql: what the random queries of the step "smith" find: a role with every right that augur gives,
-- tables of theirs and models, pipelines and the rest in them.  No query runs longer than two seconds.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION augur;
CREATE ROLE smith LOGIN;
ALTER ROLE smith SET statement_timeout = '2s';
ALTER ROLE smith SET augur.verbosity = 0;
SELECT augur.grant_preset('smith', 'admin');
GRANT CREATE ON SCHEMA public TO smith;

SET ROLE smith;
SET augur.verbosity = 0;
CREATE TABLE bikes AS
SELECT i AS id, i % 37 AS km, i % 5 + 0.25 * (i % 7) AS age, (ARRAY['road', 'city', 'cargo'])[1 + i % 3] AS kind,
	date '2024-01-01' + i AS bought, timestamptz '2024-01-01 00:00Z' + i * interval '1 hour' AS seen,
	ARRAY[i % 4, i % 9]::float8[] AS scores, jsonb_build_object('a', i) AS note,
	900 - 13 * (i % 37) + 50 * (i % 3) AS price, i % 37 > 20 AS sold
FROM generate_series(1, 400) i;
CREATE TABLE sales AS
SELECT s::text AS store, date '2023-01-02' + 7 * w AS week, 100 + 20 * sin(w / 8.0) + 3 * s + w % 5 AS amount
FROM generate_series(1, 3) s, generate_series(1, 110) w;
SELECT augur.train('price', 'bikes', 'price', exclude => '{id,sold}', params => '{"n_trees": 3}', promote => 'always');
SELECT augur.train('sold', 'bikes', 'sold', exclude => '{id,price}', algorithm => 'gradient_boosting',
	params => '{"n_trees": 3}', promote => 'always');
SELECT augur.create_pipeline('smithy');
SELECT augur.add_step('smithy', 'score', sql => 'SELECT 1');
SELECT augur.emit('smithy');
ANALYZE;
