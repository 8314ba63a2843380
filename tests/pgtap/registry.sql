-- The registry's rules: state machine of versions, write-once and append-only tables, aliases and
-- their history, promotion by comparison, names.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

-- A version in the wanted status, made as a training makes it.
CREATE FUNCTION make_version(model text, status text DEFAULT 'ready', value float8 DEFAULT 0.8,
	rival float8 DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	run bigint := augur._run_start(model, 'baseline', 'classification', 'public.t', NULL, 'y', '{}',
								   '{"depth": 3}', 42, NULL);
	v record;
BEGIN
	SELECT * INTO v FROM augur._version_create(run, 1, 6, sha256('abcdef'),
		'{"features": [], "target": "y", "target_type": "boolean", "classes": ["false", "true"]}');
	INSERT INTO augur.version_chunks (version_id, seq, bytes)
	VALUES (v.version_id, 0, 'abcd'), (v.version_id, 1, 'ef');
	PERFORM augur._metric_set(run, 'holdout', 'auc', NULL, value, value - 0.1, 'NaN', 100);
	PERFORM augur._metric_set(run, 'baseline', 'auc', NULL, 0.5, NULL, NULL, 100);
	IF rival IS NOT NULL THEN
		PERFORM augur._metric_set(run, 'production', 'auc', NULL, rival, NULL, NULL, 100);
	END IF;
	IF status = 'failed' THEN
		UPDATE augur.versions t SET status = 'failed' WHERE id = v.version_id;
	ELSIF status <> 'pending' THEN
		PERFORM augur._version_ready(v.version_id);
		IF status <> 'ready' THEN
			UPDATE augur.versions t SET status = make_version.status WHERE id = v.version_id;
		END IF;
	END IF;
	PERFORM augur._run_finish(run, 'finished', 90, 10, 0.5, '{careful}', '{"trees": 1}');
	RETURN v.version_id;
END $$;

-- ---- every move between statuses, legal and not -------------------------------------------------

CREATE FUNCTION try_moves() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	statuses text[] := '{pending,ready,failed,rejected,archived}';
	legal text[] := '{pending>ready,pending>failed,ready>rejected,ready>archived,archived>ready}';
	a text;
	b text;
	moved bigint;
BEGIN
	FOREACH a IN ARRAY statuses LOOP
		FOREACH b IN ARRAY statuses LOOP
			moved := make_version('moves', a);
			IF a || '>' || b = ANY (legal) THEN
				RETURN NEXT lives_ok(format('UPDATE augur.versions SET status = %L WHERE id = %s', b, moved),
									 format('%s to %s is legal', a, b));
				RETURN NEXT is((SELECT status FROM augur.versions v WHERE v.id = moved), b,
							   format('%s became %s', a, b));
			ELSE
				RETURN NEXT throws_ok(format('UPDATE augur.versions SET status = %L WHERE id = %s', b, moved),
									  '55000', NULL, format('%s to %s is refused', a, b));
			END IF;
		END LOOP;
		RETURN NEXT throws_ok(format('UPDATE augur.versions SET status = %L WHERE id = %s', 'done', moved),
							  NULL, NULL, format('%s to an unknown status is refused', a));
	END LOOP;
	moved := make_version('moves', 'ready');
	RETURN NEXT lives_ok(format('UPDATE augur.versions SET status = %L WHERE id = %s', 'archived', moved), 'again');
	RETURN NEXT cmp_ok((SELECT status_at FROM augur.versions v WHERE v.id = moved), '>',
					   (SELECT created_at FROM augur.versions v WHERE v.id = moved),
					   'status_at follows the move');
END $$;
SELECT * FROM try_moves();

-- ---- versions are written once --------------------------------------------------------------------

SELECT make_version('once') AS once \gset
SELECT throws_ok(format('UPDATE augur.versions SET %I = %s WHERE id = %s', c, v, :once), '55000', NULL,
				 format('versions.%s cannot be changed', c))
FROM (VALUES ('version', '99'), ('run_id', '1'), ('model_id', '1'), ('algorithm', '''x'''), ('size', '1'),
	('sha256', 'sha256(''x'')'), ('signature', '''{"features": []}'''), ('artifact_format', '2'),
	('created_by', '''x'''), ('created_at', 'now()')) t (c, v);
SELECT throws_ok(format('UPDATE augur.version_chunks SET bytes = ''x'' WHERE version_id = %s', :once),
				 '55000', NULL, 'bytes cannot be changed');
SELECT throws_ok(format('DELETE FROM augur.version_chunks WHERE version_id = %s', :once),
				 '55000', NULL, 'bytes cannot be deleted');
SELECT throws_ok(format('DELETE FROM augur.versions WHERE id = %s', :once),
				 '55000', NULL, 'a ready version cannot be deleted');
SELECT throws_ok('TRUNCATE ' || t || ' CASCADE', '55000', NULL, t || ' cannot be truncated')
FROM unnest('{augur.versions,augur.version_chunks,augur.alias_history,augur.aliases,augur.metrics,augur.params,augur.runs,augur.models}'::text[]) t;
SELECT throws_ok('UPDATE augur.metrics SET value = 1', '55000', NULL, 'metrics cannot be changed');
SELECT throws_ok('UPDATE augur.params SET value = ''1''', '55000', NULL, 'params cannot be changed');
SELECT throws_ok('DELETE FROM augur.metrics', '55000', NULL, 'metrics cannot be deleted');
SELECT throws_ok('DELETE FROM augur.params', '55000', NULL, 'params cannot be deleted');
-- 18 has a code of its own for RESTRICT
SELECT throws_like('DELETE FROM augur.runs', '%foreign key constraint%', 'runs with versions cannot be deleted');
SELECT throws_ok('UPDATE augur.runs SET status = ''failed''', '55000', NULL, 'a finished run stays finished');
SELECT throws_ok('UPDATE augur.runs SET note = ''x''', '55000', NULL, 'a finished run cannot be changed');
SELECT throws_ok(format('SELECT augur._metric_set(r.id, ''nonsense'', ''x'', NULL, 1, NULL, NULL, 1) '
						'FROM augur.runs r JOIN augur.versions v ON v.run_id = r.id WHERE v.id = %s', :once),
				 '23514', NULL, 'an unknown split is refused');
SELECT throws_ok(format('UPDATE augur.models SET %I = %s', c, v), '55000', NULL,
				 format('models.%s cannot be changed', c))
FROM (VALUES ('name', '''x'''), ('task', '''regression'''), ('target', '''z'''), ('next_version', '1'),
	('created_by', '''x''')) t (c, v);
SELECT is(sum(octet_length(bytes))::int, 6, 'the bytes are still there')
FROM augur.version_chunks WHERE version_id = :once;
SELECT is((SELECT upper FROM augur.metrics m JOIN augur.versions v ON v.run_id = m.run_id
		   WHERE v.id = :once AND m.split = 'holdout'), NULL, 'NaN is stored as NULL');

-- incomplete bytes never become ready
CREATE FUNCTION make_broken(seqs int[], size bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	run bigint := augur._run_start('once', 'baseline', 'classification', NULL, 'SELECT 1', 'y', '{}', '{}', 1, NULL);
	id bigint;
BEGIN
	SELECT version_id INTO id FROM augur._version_create(run, 1, size, sha256('x'), '{"features": []}');
	INSERT INTO augur.version_chunks SELECT id, s, 'abc' FROM unnest(seqs) s;
	RETURN id;
END $$;
SELECT throws_ok(format('SELECT augur._version_ready(make_broken(%L, %s))', seqs, size), 'XX001', NULL, what)
FROM (VALUES ('{}', 3, 'without bytes'), ('{0}', 4, 'with too few bytes'), ('{0,2}', 6, 'with a gap'),
	('{1}', 3, 'without the first piece'), ('{0,1}', 5, 'with too many bytes')) t (seqs, size, what);
SELECT throws_ok('SELECT augur._version_ready(-1)', '42704', NULL, 'no such version');

-- ---- promotion, rollback, history --------------------------------------------------------------------

SELECT throws_ok('SELECT augur.promote(''nobody'')', '42704', 'model "nobody" does not exist', 'unknown model');
SELECT make_version('churn') AS v1, make_version('churn') AS v2, make_version('churn', 'archived') AS v3,
	make_version('churn', 'pending') AS v4 \gset
SELECT throws_ok('SELECT augur.rollback(''churn'')', '55000', 'model "churn" has nothing in production', 'rollback of nothing');
SELECT is(augur.promote('churn', 1), 1, 'promote a version');
SELECT is((SELECT count(*) FROM augur.aliases a JOIN augur.models m ON m.id = a.model_id WHERE m.name = 'churn'),
		  1::bigint, 'the first promotion sets no previous');
SELECT throws_ok('SELECT augur.rollback(''churn'')', '55000', NULL, 'no previous version');
SELECT is(augur.promote('churn'), 2, 'the newest ready version by default');
SELECT is(augur.promote('churn'), 2, 'promoting it again changes nothing');
SELECT results_eq(
	$$SELECT alias, version FROM augur.aliases a JOIN augur.versions v ON v.id = a.version_id
	  JOIN augur.models m ON m.id = a.model_id WHERE m.name = 'churn' ORDER BY 1$$,
	$$VALUES ('previous'::text, 1), ('production', 2)$$, 'production and previous');
SELECT is(augur.rollback('churn', 'worse on Monday'), 1, 'rollback');
SELECT throws_ok('SELECT augur.rollback(''churn'')', '55000', NULL, 'a second rollback is refused');
SELECT is(augur.promote('churn/2', reason => 'fixed'), 2, 'a version in the reference');
SELECT is(augur.promote('churn', 1, 'staging'), 1, 'another alias');
SELECT is((SELECT version FROM augur.serving_now WHERE model = 'churn'), 2, 'and production stays');
SELECT throws_ok(q, code, NULL, what) FROM (VALUES
	('SELECT augur.promote(''churn'', 99)', '42704', 'unknown version'),
	('SELECT augur.promote(''churn'', 3)', '55000', 'archived version'),
	('SELECT augur.promote(''churn'', 4)', '55000', 'pending version'),
	('SELECT augur.promote(''churn/1'', 2)', '22023', 'two versions named'),
	('SELECT augur.promote(''churn'', 1, ''previous'')', '42939', 'previous cannot be set'),
	('SELECT augur.promote(''churn'', 1, ''latest'')', '42939', 'latest is reserved'),
	('SELECT augur.promote(''churn'', 1, ''V12'')', '42939', 'v12 is reserved'),
	('SELECT augur.promote(''churn'', 1, ''a b'')', '22023', 'space in an alias'),
	('SELECT augur.promote(''churn'', 1, '''')', '22023', 'empty alias'),
	('SELECT augur.promote(''churn'', 1, NULL)', '22023', 'no alias'),
	('SELECT augur.promote(''churn@staging'')', '22023', 'alias in the reference'),
	('SELECT augur.promote(NULL)', '22023', 'no model'),
	('SELECT augur.set_status(''churn'', 2, ''archived'')', '55000', 'production cannot be archived'),
	('SELECT augur.set_status(''churn'', 1, ''rejected'')', '55000', 'previous cannot be rejected'),
	('SELECT augur.set_status(''churn'', 3, ''done'')', '22023', 'unknown status'),
	('SELECT augur.set_status(''churn'', 9, ''archived'')', '42704', 'status of an unknown version'),
	('SELECT augur.drop_version(''churn'', 2)', '55000', 'production cannot be dropped'),
	('SELECT augur.drop_alias(''churn'', ''canary'')', '42704', 'unknown alias')) t (q, code, what);

SELECT throws_ok('UPDATE augur.aliases SET version_id = ' || :v1, NULL, NULL, 'an alias cannot be moved by hand');
SELECT throws_ok('UPDATE augur.aliases SET history_id = history_id - 1', '55000', NULL, 'nor put back');
SELECT throws_ok('DELETE FROM augur.aliases', '55000', NULL, 'nor deleted by hand');
SELECT throws_ok('UPDATE augur.alias_history SET reason = ''x''', '55000', NULL, 'history cannot be changed');
SELECT throws_ok('DELETE FROM augur.alias_history', '55000', NULL, 'history cannot be deleted');
SELECT throws_ok(format(
	'WITH h AS (INSERT INTO augur.alias_history (model_id, model, alias, action, new_version_id, new_version)
	 SELECT model_id, ''churn'', ''canary'', ''set'', id, version FROM augur.versions WHERE id = %s RETURNING *)
	 INSERT INTO augur.aliases SELECT model_id, alias, new_version_id, id FROM h', :v4),
	'55000', NULL, 'an alias cannot point at a version that is not ready');

SELECT results_eq(
	$$SELECT alias, action, old_version, new_version, reason, actor FROM augur.alias_history
	  WHERE model = 'churn' ORDER BY id$$,
	format($$VALUES ('production'::text, 'promote'::text, NULL::int, 1, NULL::text, %1$L::name),
	  ('production', 'promote', 1, 2, NULL, %1$L), ('previous', 'set', NULL, 1, NULL, %1$L),
	  ('production', 'rollback', 2, 1, 'worse on Monday', %1$L), ('previous', 'set', 1, 2, 'worse on Monday', %1$L),
	  ('production', 'promote', 1, 2, 'fixed', %1$L), ('previous', 'set', 2, 1, 'fixed', %1$L),
	  ('staging', 'promote', NULL, 1, NULL, %1$L)$$, current_user),
	'every move is in the history, with reason and actor');
SELECT results_eq(
	$$SELECT version, upper(serving) IS NULL, lower(serving) = lag(upper(serving)) OVER (ORDER BY serving)
	  FROM augur.model_history WHERE model = 'churn' ORDER BY serving$$,
	$$VALUES (1, false, NULL::boolean), (2, false, true), (1, false, true), (2, true, true)$$,
	'model_history is one unbroken row of ranges');
SELECT is((SELECT count(*) FROM augur.model_history WHERE model = 'churn' AND serving @> clock_timestamp()),
		  1::bigint, 'one version serves now');
SELECT is((SELECT previous_version FROM augur.serving_now WHERE model = 'churn'), 1, 'serving_now knows what rollback brings');
SELECT results_eq($$SELECT version, stage FROM augur.stages WHERE model = 'churn' ORDER BY 1$$,
				  $$VALUES (1, 'Staging'::text), (2, 'Production'), (3, 'Archived'), (4, 'None')$$, 'stages');
SELECT lives_ok('SELECT augur.drop_alias(''churn'', ''staging'', ''done'')', 'drop an alias');
SELECT is((SELECT reason FROM augur.alias_history ORDER BY id DESC LIMIT 1), 'done', 'with a row in the history');

-- ---- promotion by comparison -------------------------------------------------------------------------

CREATE FUNCTION promoted(value float8, rival float8, promote text, compared bigint DEFAULT NULL,
	model text DEFAULT 'gate') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws('|', p.promoted, p.production_value, p.reason)
	FROM augur._promote_if(make_version(model, 'ready', value, rival), promote, compared) p
$$;
SELECT is(promoted(0.4, NULL, 'if_better'), 'f|auc 0.400000 is not better than 0.500000 of the baseline', 'worse than the baseline');
SELECT is(promoted(0.5, NULL, 'if_better'), 'f|auc 0.500000 is not better than 0.500000 of the baseline', 'equal to it');
SELECT is(promoted('NaN', NULL, 'if_better'), 'f|no auc on the same rows to compare with the baseline', 'NaN never wins');
SELECT is(promoted(0.9, NULL, 'never'), 'f|promotion was not asked for', 'never');
SELECT is(promoted(0.7, NULL, 'if_better'), 't|auc 0.700000 is better than 0.500000 of the baseline', 'the first good one');
SELECT is(promoted(0.8, 0.81, 'if_better'), 'f|0.81|auc 0.800000 is not better than 0.810000 of version 5 in production', 'worse than production');
SELECT is(promoted(0.8, NULL, 'if_better'), 'f|no auc on the same rows to compare with version 5 in production', 'production was not scored');
SELECT is(promoted(0.9, 0.8, 'if_better', -1), 'f|0.8|version 5 went into production in the meantime', 'another one was scored');
SELECT is(promoted(0.8, 0.75, 'if_better'), 't|0.75|auc 0.800000 is better than 0.750000 of version 5 in production', 'better than production');
SELECT is(promoted(0.1, 0.9, 'always'), 't|0.9|promotion was asked for in any case', 'always');
SELECT throws_ok('SELECT promoted(1, 1, ''maybe'')', '22023', NULL, 'an unknown rule');
SELECT is((SELECT reason FROM augur.serving_now WHERE model = 'gate'), 'promotion was asked for in any case', 'the reason is recorded');
SELECT is((SELECT array_agg(rank ORDER BY version) FROM augur.leaderboard WHERE model = 'gate'),
		  '{8,7,10,1,6,3,3,1,3,9}'::bigint[], 'leaderboard ranks, what has no value comes last');

-- lower is better for a regression
CREATE FUNCTION promoted_rmse(value float8, rival float8) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	run bigint := augur._run_start('price', 'baseline', 'regression', 'p', NULL, 'price', '{}', '{}', 42, NULL);
	id bigint;
BEGIN
	SELECT version_id INTO id FROM augur._version_create(run, 1, 1, sha256('x'), '{"features": []}');
	INSERT INTO augur.version_chunks VALUES (id, 0, 'x');
	PERFORM augur._metric_set(run, 'holdout', 'rmse', NULL, value, NULL, NULL, 5);
	PERFORM augur._metric_set(run, 'baseline', 'rmse', NULL, 10, NULL, NULL, 5);
	PERFORM augur._metric_set(run, 'production', 'rmse', NULL, rival, NULL, NULL, 5);
	PERFORM augur._version_ready(id);
	RETURN (augur._promote_if(id, 'if_better')).promoted;
END $$;
SELECT is(promoted_rmse(11, NULL), false, 'rmse above the baseline');
SELECT is(promoted_rmse(9, NULL), true, 'rmse below the baseline');
SELECT is(promoted_rmse(8, 7), false, 'rmse above production');
SELECT is(promoted_rmse(8, 9), true, 'rmse below production');
SELECT is((SELECT array[metric, higher_is_better::text] FROM augur.models WHERE name = 'price'), '{rmse,false}', 'leading metric');

-- ---- names ----------------------------------------------------------------------------------------------

SELECT throws_ok(format('SELECT make_version(%L)', n), '22023', NULL, 'not a model name: ' || to_json(n))
FROM unnest(array['', ' x', 'x ', 'a/b', 'a@b', E'a\nb', E'a\tb', E'\u0001', repeat('x', 64)]) n;
SELECT lives_ok(format('SELECT augur.promote(%1$L, 1) FROM make_version(%1$L)', n), 'a model name: ' || to_json(n))
FROM unnest(array['x', 'Ünïcode 名前', 'quo"te''d', '$$; DROP TABLE t; --', repeat('名', 63), 'v7', 'NULL', '%s %1$s', 'a\b']) n;
SELECT throws_ok('SELECT make_version(NULL)', '22023', NULL, 'no model name');
SELECT throws_ok($$SELECT augur._run_start('churn', 'baseline', 'regression', 't', NULL, 'y', '{}', '{}', 1, NULL)$$,
				 '22023', NULL, 'a model keeps its task');
SELECT throws_ok($$SELECT augur._run_start('churn', 'baseline', 'classification', 't', NULL, 'z', '{}', '{}', 1, NULL)$$,
				 '22023', NULL, 'a model keeps its target');

-- ---- dropping --------------------------------------------------------------------------------------------

SELECT lives_ok('SELECT augur.drop_version(''churn'', 3)', 'drop an archived version');
SELECT lives_ok('SELECT augur.drop_version(''churn'', 4)', 'drop a pending version');
SELECT is((SELECT count(*) FROM augur.version_chunks WHERE version_id IN (:v3, :v4)), 0::bigint, 'bytes go with it');
SELECT is((SELECT count(*) FROM augur.runs r JOIN augur.models m ON m.id = r.model_id WHERE m.name = 'churn'), 4::bigint, 'runs stay');
SELECT make_version('churn') AS v5 \gset
SELECT is((SELECT version FROM augur.versions WHERE id = :v5), 5, 'numbers are not used again');
SELECT lives_ok('SELECT augur.drop_version(''churn'', 5)', 'drop a ready version without alias');
SELECT lives_ok('SELECT augur.drop_model(''churn'')', 'drop a model');
SELECT is((SELECT count(*) FROM augur.models WHERE name = 'churn'), 0::bigint, 'the model is gone');
SELECT is((SELECT count(*) FROM augur.runs r LEFT JOIN augur.models m ON m.id = r.model_id WHERE m.id IS NULL)
		  + (SELECT count(*) FROM augur.metrics e LEFT JOIN augur.runs r ON r.id = e.run_id WHERE r.id IS NULL)
		  + (SELECT count(*) FROM augur.params e LEFT JOIN augur.runs r ON r.id = e.run_id WHERE r.id IS NULL)
		  + (SELECT count(*) FROM augur.version_chunks c LEFT JOIN augur.versions v ON v.id = c.version_id WHERE v.id IS NULL),
		  0::bigint, 'nothing is left over');
SELECT is((SELECT string_agg(concat(alias, ' ', old_version, '>', new_version, ' ', reason), ', ' ORDER BY id)
		   FROM (SELECT * FROM augur.alias_history WHERE model = 'churn' ORDER BY id DESC LIMIT 2) h),
		  'previous 1> model dropped, production 2> model dropped', 'its history tells');
SELECT is((SELECT count(*) FROM augur.model_history WHERE model = 'churn' AND upper(serving) IS NULL), 0::bigint, 'and ends');
SELECT make_version('churn') AS again \gset
SELECT is((SELECT version FROM augur.versions WHERE id = :again), 1, 'the name is free again');
SELECT is((SELECT count(*) FROM augur.serving_now WHERE model = 'churn'), 0::bigint, 'and nothing of the old one serves');

SELECT * FROM finish();
ROLLBACK;
