-- The holdout without a key: the same rows whatever the features, and no row on both sides.
SET client_min_messages = warning;
SET augur.verbosity = 0;
SET search_path = public, augur;

CREATE TABLE flats AS
SELECT i AS id, md5(i::text) AS code, (i * 7919 % 1000)::int AS area, i % 13 AS floor,
	   (ARRAY['north', 'east', 'south'])[1 + i % 3] AS side, (i % 17)::numeric / 4 AS near,
	   date '2020-01-01' + i % 700 AS since, ARRAY[i % 5, i % 7]::float4[] AS rooms,
	   1 + i % 2 AS weight, repeat('x', i % 3 * 6000) AS notes, jsonb_build_object('i', i) AS doc,
	   (i * 7919 % 1000) * 3.5 + i * 31 % 97 AS price
FROM generate_series(1, 2000) i;

-- The baseline's error is that of the mean of the training rows on the held-out ones: it is the
-- same, to nine digits, only where both are the same rows.
CREATE FUNCTION measured(split text, name text, training text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE 'SELECT ' || training;
	SELECT format('%s %s', m.n, round(m.value::numeric, 9)) INTO STRICT found FROM augur.metrics m
	WHERE m.run_id = (SELECT max(id) FROM augur.runs) AND m.split = $1 AND m.name = $2;
	RETURN found;
END $$;
CREATE TABLE seen (what text, rows text);
INSERT INTO seen VALUES ('all', measured('baseline', 'rmse', $$train('flat', 'flats', 'price', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('one', measured('baseline', 'rmse', $$train('flat', 'flats', 'price', features => '{area}', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('id', measured('baseline', 'rmse', $$train('flat', 'flats', 'price', features => '{id,code,side}', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('excluded', measured('baseline', 'rmse', $$train('flat', 'flats', 'price', exclude => '{area,rooms,since,doc}', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('query', measured('baseline', 'rmse', $$train_query('flat', 'TABLE flats', 'price', features => '{near,rooms}', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('excluded from a query', measured('baseline', 'rmse', $$train_query('flat', 'TABLE flats', 'price', exclude => '{side,notes,near}', params => '{"n_trees": 1}')$$));
INSERT INTO seen VALUES ('another algorithm', measured('baseline', 'rmse', $$train('flat', 'flats', 'price', features => '{near}', algorithm => 'linear_regression')$$));
SELECT count(*) AS trainings, count(DISTINCT rows) AS holdouts, min(split_part(rows, ' ', 1)) AS rows FROM seen;

-- whatever the order of the rows, and in a temporary file
CREATE TABLE turned AS SELECT * FROM flats ORDER BY id DESC;
SET augur.training_memory = '2MB';
INSERT INTO seen VALUES ('spooled', measured('baseline', 'rmse', $$train('flat', 'turned', 'price', features => '{floor}', params => '{"n_trees": 1}')$$));
RESET augur.training_memory;
SELECT count(DISTINCT rows) AS holdouts FROM seen;

-- With a weight the mean is another one; where all weights are 1 one can see that the rows are the same.
SELECT split_part(measured('holdout', 'rmse', $$train('flat', 'flats', 'price', weight => 'weight', features => '{area}', params => '{"n_trees": 1}')$$), ' ', 1) AS rows;
DELETE FROM flats WHERE weight = 2;
SELECT measured('baseline', 'rmse', $$train('flat', 'flats', 'price', features => '{area}', params => '{"n_trees": 1}')$$)
	 = measured('baseline', 'rmse', $$train('flat', 'flats', 'price', weight => 'weight', features => '{area}', params => '{"n_trees": 1}')$$) AS same;

-- Columns that the caller may not read are not read; nor are those of types without a hash.
CREATE ROLE augur_test_clerk;
GRANT USAGE ON SCHEMA public TO augur_test_clerk;
GRANT SELECT (area, price) ON flats TO augur_test_clerk;
SELECT grant_preset('augur_test_clerk', 'trainer');
SET ROLE augur_test_clerk;
SELECT rows_used, metric FROM train('clerk', 'flats', 'price', features => '{area}', params => '{"n_trees": 1}');
RESET ROLE;
SELECT query FROM runs WHERE id = (SELECT max(id) FROM runs);
SELECT (train('flat', 'flats', 'price', features => '{area}', params => '{"n_trees": 1}')).rows_used;
SELECT query FROM runs WHERE id = (SELECT max(id) FROM runs);
-- with a key or a time column nothing more is read
SELECT (train('flat', 'flats', 'price', features => '{area}', key => 'id', params => '{"n_trees": 1}')).rows_used;
SELECT query FROM runs WHERE id = (SELECT max(id) FROM runs);

-- Rows that differ in an identifier only stay together: a tree that knows the rows by heart
-- does not know those held out, whether the identifier is a feature's neighbour or a feature.
CREATE TABLE twins AS
SELECT i AS id, 'n' || i AS name, i % 1000 * 7919 % 1009 AS a, i % 1000 * 31 % 1013 AS b,
	   hashint4(i % 1000) % 2 = 0 AS y
FROM generate_series(1, 2000) i;
SELECT features, split_part(measured('holdout', 'accuracy', format($$train('twins', 'twins', 'y', features => %L,
	params => '{"n_trees": 1, "bootstrap": false, "max_features": "all"}')$$, features)), ' ', 2)::float8 < 0.7 AS not_by_heart
FROM (VALUES ('{a,b}'), ('{a,b,id}'), ('{a,b,name}')) v (features) ORDER BY 1;
SELECT split_part(measured('holdout', 'accuracy', $$train('twins', 'twins', 'y', features => '{a,b}', key => 'id',
	params => '{"n_trees": 1, "bootstrap": false, "max_features": "all"}')$$), ' ', 2)::float8 < 0.7 AS not_by_heart;

-- Where few different rows are left without the identifier, it tells them apart.
CREATE TABLE few AS
SELECT i AS id, i % 3 AS shelf, i % 2 = 0 AS sold, i % 7 < 3 AS y FROM generate_series(1, 1000) i;
SELECT split_part(measured('holdout', 'accuracy', $$train('few', 'few', 'y', features => '{shelf,sold}', params => '{"n_trees": 1}')$$), ' ', 1) AS held_out;

DROP OWNED BY augur_test_clerk;
DROP ROLE augur_test_clerk;
