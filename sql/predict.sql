-- Scoring: every function on normal rows, NULLs, missing, extra and mistyped columns.
-- One deep tree on all rows without noise predicts exactly, so results can be written down.
SET client_min_messages = warning;
SET search_path = public, augur;
SET augur.verbosity = 0;

CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN yesno AS boolean;
CREATE TABLE people AS
SELECT i AS id,
	   (i % 40)::int AS age,
	   (ARRAY['East', 'West', 'North'])[1 + i % 3] AS "Home Region",
	   (i % 7)::numeric AS points,
	   i % 2 = 0 AS member,
	   (i % 5 = 0)::yesno AS vip,
	   (ARRAY['sad', 'glad'])[1 + i % 2]::mood AS mood,
	   date '2020-01-01' + i % 365 AS since,
	   ARRAY[i % 3, i % 4, i % 5]::float4[] AS emb,
	   CASE WHEN i % 40 >= 20 THEN 'yes' ELSE 'no' END AS bought,
	   (ARRAY['low', 'mid', 'top'])[1 + (i % 40) / 14] AS tier,
	   (i % 40) * 10.0::float8 AS spend
FROM generate_series(1, 1200) i;
ANALYZE people;

CREATE FUNCTION train_tree(model text, target name, relation regclass DEFAULT 'people',
	exclude name[] DEFAULT '{id,bought,tier,spend}') RETURNS text
LANGUAGE sql AS $$
	SELECT format('%s/%s %s', r.model, r.version, r.task)
	FROM augur.train(model, relation, target, exclude => array_remove(exclude, target),
		promote => 'always', params =>
		'{"n_trees": 1, "bootstrap": false, "max_features": "all", "oob": false}') r
$$;
SELECT train_tree('buyer', 'bought'), train_tree('tier', 'tier'), train_tree('spend', 'spend');

-- what the model needs
SELECT "position", feature, source, type, part, kind, levels FROM features('buyer') ORDER BY 1;

-- the functions agree with each other and with the truth
SELECT count(*) AS rows,
	   count(*) FILTER (WHERE predict('buyer', p) = (bought = 'yes')::int) AS predict,
	   count(*) FILTER (WHERE classify('buyer', p) = bought) AS classify,
	   count(*) FILTER (WHERE (probabilities('buyer', p) ->> bought)::float8 = 1) AS probabilities,
	   count(*) FILTER (WHERE classify('tier', p) = tier) AS tier,
	   count(*) FILTER (WHERE predict('spend', p) = spend) AS spend
FROM people p;
SELECT predict_full('buyer', p), predict_full('tier', p), predict_full('spend', p)
FROM people p WHERE id = 30;
SELECT probabilities('tier', p) FROM people p WHERE id = 30;
SELECT predict('buyer', p), predict('buyer/1', p), predict('buyer@production', p),
	   predict_pinned((SELECT v.id FROM versions v JOIN models m ON m.id = v.model_id
					   WHERE m.name = 'buyer'), p)
FROM people p WHERE id = 30;

-- NULL rows and references give NULL; NULL columns are missing values
SELECT predict('buyer', NULL::people), classify(NULL::text, p), predict('buyer', NULL)
FROM people p WHERE id = 1;
SELECT (predict_full('buyer', r)).missing
FROM (SELECT 30 AS age, NULL::text AS "Home Region", 'NaN'::numeric AS points, true AS member,
			 true::yesno AS vip, NULL::mood AS mood, NULL::date AS since,
			 NULL::float4[] AS emb) r;

-- columns are matched by name: any order, extra ones, other types of the same family
SELECT predict('buyer', r), (predict_full('buyer', r)).unseen, (predict_full('buyer', r)).missing
FROM (SELECT 'extra' AS more, ARRAY[1, 2, 3] AS emb, now()::timestamptz AS since,
			 'sad'::text AS mood, true AS vip, false AS member, 3::int8 AS points,
			 'South'::varchar AS "Home Region", 25.5::float4 AS age) r;
SELECT predict('buyer', row(25, 'East', 3, true, true, 'sad', date '2020-03-01', '{1,2,3}'::float4[]));
SELECT predict('buyer', row(25, 'East'));
SELECT predict('buyer', r) FROM (SELECT 1 AS "Age", 'East' AS "Home Region") r;
SELECT predict('buyer', r) FROM (SELECT 1 AS x) r;
SELECT predict('buyer', r) FROM (SELECT p.*, 5 AS age FROM people p LIMIT 1) r;
SELECT predict('buyer', r)
FROM (SELECT 'old' AS age, "Home Region", points, member, vip, mood, since, emb FROM people LIMIT 1) r;
SELECT predict('buyer', r)
FROM (SELECT age, "Home Region", points, 1 AS member, vip, mood, since, emb FROM people LIMIT 1) r;
SELECT predict('buyer', r)
FROM (SELECT age, "Home Region", points, member, vip, mood, since, '{1}'::float4[] AS emb
	  FROM people LIMIT 1) r;

-- rows of several types at one call site
SELECT r.g, predict('spend', r.x)
FROM (SELECT a.id AS g, a AS x FROM (SELECT p.*, 1 AS more FROM people p WHERE id IN (7, 8)) a
	  UNION ALL
	  SELECT b.id, b FROM (SELECT 1 AS more, p.* FROM people p WHERE id IN (9, 10)) b
	  UNION ALL
	  SELECT c.id, c FROM (SELECT p.*, 'x' AS more FROM people p WHERE id = 11) c) r
ORDER BY r.g;

-- the wrong question gets told the right one
SELECT predict('tier', p) FROM people p LIMIT 1;
SELECT classify('spend', p) FROM people p LIMIT 1;
SELECT probabilities('spend', p) FROM people p LIMIT 1;
SELECT predict_full('spend', p, 1.0) FROM people p LIMIT 1;

-- references
SELECT predict('bayer', p) FROM people p LIMIT 1;
SELECT predict('buyer@prodction', p) FROM people p LIMIT 1;
SELECT predict('buyer/2', p) FROM people p LIMIT 1;
SELECT predict('buyer/two', p) FROM people p LIMIT 1;
SELECT predict('', p) FROM people p LIMIT 1;
SELECT predict_pinned(0, p) FROM people p LIMIT 1;

-- predict_json: a part of the columns, unknown keys, wrong kinds
SELECT predict_json('buyer', '{"age": 30, "Home Region": "South", "colour": {"age": 1}}');
SELECT predict_json('buyer', to_jsonb(p)) - 'model' FROM people p WHERE id = 30;
SELECT predict_json('spend', '{"age": "12", "points": 5, "member": 1, "vip": true, "mood": "sad",
	"since": "2020-02-03", "emb": [1, null, 2]}');
SELECT bool_and((predict_json('buyer', to_jsonb(p)) ->> 'value')::float8 = predict('buyer', p)) FROM people p;
SELECT predict_json('buyer', '{}') -> 'missing';
SELECT predict_json('buyer', '{"age": "young"}');
SELECT predict_json('buyer', '{"age": {"years": 3}}');
SELECT predict_json('buyer', '{"member": 2}');
SELECT predict_json('buyer', '{"since": "yesterday week"}');
SELECT predict_json('buyer', '{"since": 3}');
SELECT predict_json('buyer', '{"emb": [1]}');
SELECT predict_json('buyer', '{"emb": 1}');
SELECT predict_json('buyer', '[1]');

-- predict_array: by position
SELECT train_tree('num', 'spend', 'people', '{id,bought,tier,Home Region,mood,since,emb,vip,member}');
SELECT bool_and(predict_array('num', ARRAY[age, points]) = predict('num', p)) FROM people p;
SELECT predict_array('num', '{12,NULL}'), predict_array('num', '{12,NaN}');
SELECT predict_array('num', '{1,2,3}');
SELECT predict_array('num', '{}');
SELECT predict_array('num', NULL);
SELECT predict_array('buyer', array_fill(1.0::float8, ARRAY[12]));

-- a model as a value
CREATE TABLE vault AS
SELECT m.name, ('\x' || string_agg(encode(c.bytes, 'hex'), '' ORDER BY c.seq))::augur.model AS model
FROM models m JOIN versions v ON v.model_id = m.id JOIN version_chunks c ON c.version_id = v.id
GROUP BY m.name;
SELECT bool_and(predict(v.model, p) = predict('buyer', p)),
	   bool_and(classify(v.model, p) = classify('buyer', p)),
	   bool_and(probabilities(v.model, p) = probabilities('buyer', p)),
	   bool_and((predict_full(v.model, p)).probability = (predict_full('buyer', p)).probability)
FROM people p, vault v WHERE v.name = 'buyer';
SELECT (predict_full(v.model, p)).version FROM people p, vault v WHERE v.name = 'buyer' AND id = 1;
-- several models at one call site
SELECT v.name, round(sum(predict(v.model, p))::numeric, 3)
FROM people p, vault v WHERE v.name <> 'tier' GROUP BY v.name ORDER BY v.name;
SELECT v.name, predict(v.model, p) FROM people p, vault v WHERE v.name <> 'tier' AND id IN (30, 31)
ORDER BY id, v.name;
SELECT predict(v.model, p) FROM people p, vault v WHERE v.name = 'tier' AND id = 1;
SELECT predict(v.model, row(1)) FROM vault v WHERE v.name = 'buyer';

-- importance and model_info
SELECT feature, importance > 0.9 AS matters, permutation FROM importance('spend') LIMIT 1;
SELECT count(*), round(sum(importance)::numeric, 6) AS sum FROM importance('spend');
SELECT feature, permutation > 0.3 AS matters FROM importance('buyer', 'people') LIMIT 1;
SELECT feature, permutation > 100 AS matters FROM importance('spend', 'people', 100) LIMIT 1;
SELECT * FROM importance('spend', 'people', 0);
SELECT * FROM importance('spend', 'vault');
CREATE VIEW empty_people AS SELECT * FROM people WHERE false;
SELECT * FROM importance('spend', 'empty_people');
SELECT count(*) FROM importance(NULL);
SELECT model_info('buyer') - 'memory' - 'nodes' - 'seed' - 'params' - 'rows';
SELECT model_info('buyer') = model_info(model) FROM vault WHERE name = 'buyer';
SELECT model_info('spend') -> 'params' ->> 'n_trees';

-- views, subqueries, joins, functions in FROM
CREATE VIEW scored AS SELECT id, predict('spend', p) AS spend FROM people p;
SELECT * FROM scored WHERE id = 12;
SELECT p.id, f.value FROM people p, predict_full('spend', p, level => 0.8) f WHERE p.id < 4 ORDER BY 1;
SELECT predict('spend', p) FROM generate_series(1, 1) g LEFT JOIN people p ON p.id = -g;

-- an index on the prediction of one version
SELECT v.id AS spend_id FROM versions v JOIN models m ON m.id = v.model_id WHERE m.name = 'spend' \gset
CREATE INDEX people_spend ON people (augur.predict_pinned(:spend_id, people));
INSERT INTO people SELECT * FROM people WHERE id = 12;
CREATE FUNCTION uses_index(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text LIKE '%people_spend%';
END
$$;
SET enable_seqscan = off;
SELECT uses_index(format('SELECT FROM people p WHERE augur.predict_pinned(%s, p) > 380', :spend_id));
SELECT count(*) FROM people p WHERE augur.predict_pinned(:spend_id, p) > 380;
RESET enable_seqscan;
DROP INDEX people_spend;
DELETE FROM people WHERE ctid = (SELECT max(ctid) FROM people);

-- ALTER TABLE between executions of one statement
DROP VIEW scored, empty_people;
PREPARE scores AS SELECT predict('spend', p) FROM people p WHERE id = 12;
EXECUTE scores;
ALTER TABLE people ADD COLUMN extra text DEFAULT 'x';
EXECUTE scores;
ALTER TABLE people ALTER COLUMN points TYPE float4;
EXECUTE scores;
ALTER TABLE people DROP COLUMN points;
EXECUTE scores;
ALTER TABLE people ADD COLUMN points int DEFAULT 3;
EXECUTE scores;

-- parallel workers give the same
CREATE TABLE crowd AS SELECT p.* FROM people p, generate_series(1, 20);
ANALYZE crowd;
SELECT sum(predict('spend', c)) AS serial FROM crowd c \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT sum(predict('spend', c)) FROM crowd c;
SELECT sum(predict('spend', c)) = :serial AS equal FROM crowd c;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

DROP FUNCTION train_tree, uses_index;
DROP TABLE people, crowd, vault;
SELECT drop_model('buyer'), drop_model('tier'), drop_model('spend'), drop_model('num');
DROP DOMAIN yesno;
DROP TYPE mood;
