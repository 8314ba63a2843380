-- Which version answers: prepared statements, PL/pgSQL, cursors, savepoints, roles, privileges.
-- Version n of model "steps" predicts 10 * n.
SET client_min_messages = warning;
SET search_path = public, augur;
SET augur.verbosity = 0;

CREATE TABLE points AS SELECT i AS id, (i % 5)::float8 AS a FROM generate_series(1, 40) i;
CREATE FUNCTION train_step(n int) RETURNS int LANGUAGE sql AS $$
	SELECT r.version FROM augur.train_query('steps', format('SELECT a, %s::float8 AS y FROM points', 10 * n),
		'y', algorithm => 'baseline', promote => 'never') r
$$;
SELECT train_step(1), train_step(2);

-- nothing in production yet
SELECT predict('steps', p) FROM points p LIMIT 1;
SELECT predict('steps/1', p), predict('steps/2', p) FROM points p LIMIT 1;
SELECT promote('steps', 1);

-- a prepared statement, also once its plan is generic
PREPARE score AS SELECT predict('steps', p) FROM points p WHERE id = 1;
SET plan_cache_mode = force_generic_plan;
EXECUTE score;
SELECT promote('steps', 2);
EXECUTE score;
RESET plan_cache_mode;

-- one statement sees one version, whatever it does itself
WITH moved AS (SELECT promote('steps', 1) AS version)
SELECT DISTINCT predict('steps', p) AS before, moved.version, predict('steps@production', p) AS alias
FROM points p, moved;
EXECUTE score;

-- rolled back moves
BEGIN;
SELECT promote('steps', 2);
EXECUTE score;
ROLLBACK;
EXECUTE score;
BEGIN;
SAVEPOINT a;
SELECT promote('steps', 2);
EXECUTE score;
ROLLBACK TO a;
EXECUTE score;
SAVEPOINT b;
SELECT promote('steps', 2);
RELEASE b;
EXECUTE score;
COMMIT;
EXECUTE score;

-- a cursor keeps the version it was opened with
BEGIN;
DECLARE c CURSOR FOR SELECT predict('steps', p) FROM points p ORDER BY id;
FETCH 1 FROM c;
SELECT promote('steps', 1);
FETCH 1 FROM c;
EXECUTE score;
COMMIT;

-- PL/pgSQL keeps the call site of a simple expression from statement to statement
CREATE FUNCTION walk() RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	r points;
	seen float8[] := '{}';
BEGIN
	SELECT * INTO r FROM points WHERE id = 1;
	FOR i IN 1 .. 3 LOOP
		seen := seen || augur.predict('steps', r);
		PERFORM augur.promote('steps', 2);
		seen := seen || augur.predict('steps', r);
		BEGIN
			PERFORM augur.promote('steps', 1);
			seen := seen || augur.predict('steps', r);
			RAISE EXCEPTION 'back';
		EXCEPTION WHEN raise_exception THEN
			seen := seen || augur.predict('steps', r);
		END;
		PERFORM augur.promote('steps', 1);
	END LOOP;
	RETURN seen;
END
$$;
SELECT walk();
-- the name changes from call to call
SELECT array_agg(predict(r, p) ORDER BY n)
FROM unnest(ARRAY['steps/1', 'steps/2', 'steps', 'steps/2']) WITH ORDINALITY u (r, n), points p WHERE id = 1;
-- a function that is inlined
CREATE FUNCTION inlined(p points) RETURNS float8 LANGUAGE sql STABLE AS $$ SELECT augur.predict('steps', p) $$;
SELECT inlined(p) FROM points p WHERE id = 1;
SELECT promote('steps', 2);
SELECT inlined(p) FROM points p WHERE id = 1;

-- a version that is not ready does not answer
SELECT drop_alias('steps', 'previous');
SELECT set_status('steps', 1, 'archived');
SELECT predict('steps/1', p) FROM points p LIMIT 1;
SELECT set_status('steps', 1, 'ready');
SELECT predict('steps/1', p) FROM points p LIMIT 1;

-- privileges: who may score is decided at every call, not by what is cached
CREATE ROLE regress_predictor;
CREATE ROLE regress_reader;
CREATE ROLE regress_none;
SELECT grant_preset('regress_predictor', 'predictor'), grant_preset('regress_reader', 'predictor');
GRANT SELECT ON points TO regress_predictor, regress_reader, regress_none;
GRANT USAGE ON SCHEMA augur TO regress_none;
GRANT EXECUTE ON FUNCTION augur.predict(text, record) TO regress_none;
EXECUTE score;
SELECT set_config('test.version_id', min(v.id)::text, false) IS NULL AS missing
FROM versions v JOIN models m ON m.id = v.model_id WHERE m.name = 'steps';
SET ROLE regress_predictor;
EXECUTE score;
DO $$
BEGIN
	PERFORM augur.predict_pinned(current_setting('test.version_id')::bigint, p) FROM points p;
EXCEPTION WHEN undefined_object THEN
	RAISE WARNING 'not seen by its id either';
END
$$;
RESET ROLE;
SELECT augur.grant('steps', 'regress_predictor', 'predict'), augur.grant('steps', 'regress_reader', 'read');
SET ROLE regress_predictor;
EXECUTE score;
SELECT count(*) FROM features('steps');
SET ROLE regress_reader;
EXECUTE score;
SELECT * FROM features('steps');
SET ROLE regress_none;
EXECUTE score;
RESET ROLE;
EXECUTE score;
SELECT augur.revoke('steps', 'regress_predictor');
SET ROLE regress_predictor;
EXECUTE score;
RESET ROLE;
-- membership, and rights on the tables themselves
CREATE ROLE regress_team;
SELECT augur.grant('steps', 'regress_team', 'predict');
GRANT regress_team TO regress_predictor;
SET ROLE regress_predictor;
EXECUTE score;
RESET ROLE;
REVOKE regress_team FROM regress_predictor;
SET ROLE regress_predictor;
EXECUTE score;
RESET ROLE;
GRANT regress_team TO regress_predictor;
SET ROLE regress_predictor;
EXECUTE score;
RESET ROLE;
REVOKE SELECT ON augur.version_chunks FROM regress_predictor;
SET ROLE regress_predictor;
EXECUTE score;
RESET ROLE;
SELECT grant_preset('regress_predictor', 'predictor'), augur.revoke('steps', 'regress_team');
DROP ROLE regress_team;

-- a serializable transaction
BEGIN ISOLATION LEVEL SERIALIZABLE;
EXECUTE score;
EXECUTE score;
COMMIT;

-- the definer's rights count, not the session's
CREATE FUNCTION lent(p points) RETURNS float8 LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, augur, pg_temp AS $$ BEGIN RETURN augur.predict('steps', p); END $$;
GRANT EXECUTE ON FUNCTION lent(points) TO regress_none;
SET ROLE regress_none;
SELECT lent(p), predict('steps', p) FROM points p LIMIT 1;
SELECT lent(p) FROM points p LIMIT 1;
RESET ROLE;

-- importance reads the relation as the caller
SELECT augur.grant('steps', 'regress_predictor', 'predict');
CREATE TABLE secret AS SELECT a, 10.0::float8 AS y FROM points;
SET ROLE regress_predictor;
SELECT * FROM importance('steps', 'secret');
RESET ROLE;
SELECT * FROM importance('steps', 'secret');

-- a dropped model is gone
PREPARE info AS SELECT model_info('steps') ->> 'mean';
EXECUTE info;
SELECT drop_model('steps');
EXECUTE info;
EXECUTE score;

DROP FUNCTION lent, inlined, walk, train_step;
DROP TABLE points, secret;
SELECT revoke_preset('regress_predictor'), revoke_preset('regress_reader');
REVOKE ALL ON SCHEMA augur FROM regress_none;
REVOKE ALL ON FUNCTION augur.predict(text, record) FROM regress_none;
DROP ROLE regress_predictor, regress_reader, regress_none;
