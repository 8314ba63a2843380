-- agg: a model as the value of an aggregate.
\set SHOW_CONTEXT never
CREATE TABLE flats AS
	SELECT g AS flat_id, ('{North,East,South}'::text[])[g % 3 + 1] AS region, 30 + (g * 37) % 101 AS area,
		CASE WHEN g % 9 > 0 THEN 1 + g % 5 END AS rooms, date '2020-01-01' + g % 400 AS listed, (g * 13 % 4)::real AS noise
	FROM generate_series(1, 600) g;
ALTER TABLE flats ADD price numeric, ADD dear bool;
UPDATE flats SET price = round(1000 * area * CASE region WHEN 'North' THEN 1 WHEN 'East' THEN 1.5 ELSE 2 END + 5000 * coalesce(rooms, 2) + 100 * noise);
UPDATE flats SET dear = price > 150000;

-- a subquery's columns are the features; the target is left out when it is among them
CREATE TABLE model AS
	SELECT augur.random_forest_agg(price, f, '{"n_trees": 20}') AS m FROM (SELECT price, region, area, rooms, noise FROM flats) f;
SELECT count(*) AS rows, sqrt(avg((augur.predict(m, f) - price) ^ 2)) < 8000 AS close
FROM flats f, model;
-- a whole row: keys go too
SELECT augur.random_forest_agg(dear, flats, '{"n_trees": 5, "exclude": ["price"]}') IS NOT NULL AS trained FROM flats;
-- ROW(): f1, f2, ...
WITH m AS MATERIALIZED (SELECT augur.random_forest_agg(dear, ROW(area, region), '{"n_trees": 20}') AS m FROM flats)
SELECT round(avg((augur.classify(m, v) = dear::text)::int), 1) AS accuracy
FROM m, (SELECT area AS f1, region AS f2, dear FROM flats) v;
-- a column that is called like the target's stand-in
WITH m AS (SELECT augur.random_forest_agg(price, f, '{"n_trees": 3}') AS m FROM (SELECT price, area AS target, noise AS target_ FROM flats) f)
SELECT augur.predict(m, v) > 0 AS positive FROM m, (SELECT 70 AS target, 1 AS target_) v;

-- the same model as augur.train_query makes of the same rows
SET augur.verbosity = 0;
SELECT version FROM augur.train_query('same', 'SELECT price, region, area, rooms, noise FROM flats', 'price',
	params => '{"n_trees": 20}', validation => '{"holdout": 0}');
SELECT count(*) FILTER (WHERE augur.predict(m, f) IS DISTINCT FROM augur.predict('same/1', f)) AS different FROM flats f, model;
-- whatever the order of the rows
SELECT count(DISTINCT md5(m::text))
FROM (SELECT m FROM model
	  UNION ALL SELECT augur.random_forest_agg(price, f, '{"n_trees": 20}' ORDER BY price DESC, random())
		FROM (SELECT price, region, area, rooms, noise FROM flats) f
	  UNION ALL SELECT augur.random_forest_agg(price, f, '{"n_trees": 20}')
		FROM (SELECT price, region, area, rooms, noise FROM flats ORDER BY random()) f) t;

-- groups, sorted or hashed, and in a plan below a parallel node
SET enable_hashagg = off;
CREATE TABLE by_region AS
	SELECT region, augur.random_forest_agg(price, f, '{"n_trees": 10}') AS m
	FROM (SELECT region, price, area, rooms FROM flats) f GROUP BY region;
SET enable_hashagg = on;
SET enable_sort = off;
CREATE TABLE by_region_hashed AS
	SELECT region, augur.random_forest_agg(price, f, '{"n_trees": 10}') AS m
	FROM (SELECT region, price, area, rooms FROM flats) f GROUP BY region;
SELECT region, s.m::text = h.m::text AS same FROM by_region s JOIN by_region_hashed h USING (region) ORDER BY region;
RESET enable_sort;
SELECT f.region, count(*), sqrt(avg((augur.predict(m, f) - price) ^ 2)) < 10000 AS close
FROM flats f JOIN by_region USING (region) GROUP BY f.region ORDER BY f.region;
SELECT augur.random_forest_agg(price, f, '{"n_trees": 2}') FILTER (WHERE area > 40) IS NOT NULL AS filtered,
	   augur.random_forest_agg(price, f, '{"n_trees": 2}') FILTER (WHERE area > 1000) IS NULL AS none
FROM (SELECT price, area, rooms FROM flats) f;
-- the aggregate ends before all groups are finished: nothing stays open
SET augur.training_memory = '2800kB';
SET enable_sort = off;
SET work_mem = '1GB';
SELECT augur.random_forest_agg(y, f, '{"n_trees": 1, "max_depth": 2, "exclude": ["k"]}') IS NOT NULL AS trained
FROM (SELECT g % 3 AS k, g % 17 + 0.5 AS y, sqrt(g) AS a, ln(g) AS b, g ^ 0.2 AS c, g ^ 0.3 AS d, sin(g) AS e, cos(g) AS h,
		sin(2 * g) AS i, sin(3 * g) AS j, sin(5 * g) AS l FROM generate_series(1, 60000) g) f GROUP BY k LIMIT 1;
RESET enable_sort;
RESET work_mem;
SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE format('pgsql\_tmp%s.%%', pg_backend_pid());
RESET augur.training_memory;
RESET augur.verbosity;

-- options
\set VERBOSITY terse
SELECT augur.random_forest_agg(price, f, '{"n_tree": 2}') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, '{"n_trees": 0}') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, '{"n_trees": [1]}') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, '{"holdout": 0.2}') FROM (SELECT price, area FROM flats) f;
\set VERBOSITY default
SELECT augur.random_forest_agg(price, f, '{"seed": 1.5}') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, '[]') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, NULL) FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, jsonb_build_object('n_trees', rooms)) FROM (SELECT price, area, rooms FROM flats WHERE rooms > 0) f;
SELECT augur.random_forest_agg(price, f, '{"exclude": ["aera"]}') FROM (SELECT price, area FROM flats) f;
SELECT augur.random_forest_agg(price, f, '{"features": ["area", "price"], "n_trees": 2}') IS NOT NULL AS leaks FROM (SELECT price, area FROM flats) f;
-- each one has an effect
SET augur.verbosity = 0;	-- branches run in an order of the server's own
WITH m (what, m) AS (
	SELECT 'default', augur.random_forest_agg(dear, f, '{"n_trees": 3}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'seed', augur.random_forest_agg(dear, f, '{"n_trees": 3, "seed": -7}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'task', augur.random_forest_agg(dear, f, '{"n_trees": 3, "task": "regression"}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'weight', augur.random_forest_agg(dear, f, '{"n_trees": 3, "weight": "noise"}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'features', augur.random_forest_agg(dear, f, '{"n_trees": 3, "features": ["area", "rooms"]}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'exclude', augur.random_forest_agg(dear, f, '{"n_trees": 3, "exclude": ["area"]}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'date_parts', augur.random_forest_agg(dear, f, '{"n_trees": 3, "date_parts": ["month"]}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'max_bins', augur.random_forest_agg(dear, f, '{"n_trees": 3, "max_bins": 8}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f
	UNION ALL SELECT 'class_weight', augur.random_forest_agg(dear, f, '{"n_trees": 3, "class_weight": {"true": 5}}') FROM (SELECT dear, area, rooms, listed, noise FROM flats) f)
SELECT count(*), count(DISTINCT md5(m::text)) FROM m;
RESET augur.verbosity;

-- rows that tell nothing, and groups that cannot be learnt
SELECT augur.random_forest_agg(price, f, '{"n_trees": 2}') IS NULL AS no_rows FROM (SELECT price, area FROM flats WHERE false) f;
SELECT augur.random_forest_agg(price, f, '{"n_trees": 2}') IS NOT NULL AS skipped
FROM generate_series(1, 650) g LEFT JOIN (SELECT flat_id, price, area FROM flats) f ON flat_id = g;
SELECT augur.random_forest_agg(NULL::int, f) FROM (SELECT area FROM flats) f;
SELECT dear, augur.random_forest_agg(dear, f) FROM (SELECT dear, area FROM flats) f GROUP BY dear;
SELECT augur.random_forest_agg(listed, f) FROM (SELECT listed, area FROM flats) f;
SELECT augur.random_forest_agg(price, f) FROM (SELECT price FROM flats) f;
SELECT augur.random_forest_agg(price, ROW(area, area, area)) IS NOT NULL AS trained FROM flats;
SELECT augur.random_forest_agg(y, f) FROM (SELECT 1 AS y, ROW(1) AS f UNION ALL SELECT 2, ROW('x'::text)) s;
-- not without an aggregate
\set VERBOSITY terse
-- (minor releases differ in where they refuse it)
DO $$
BEGIN
	PERFORM augur._random_forest_collect(NULL, 1, ROW(1));
	RAISE EXCEPTION 'accepted';
EXCEPTION WHEN undefined_function OR feature_not_supported THEN
	NULL;
END
$$;
SELECT augur.random_forest_agg(price, f) OVER () FROM (SELECT price, area FROM flats) f;
