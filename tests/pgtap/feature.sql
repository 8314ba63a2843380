-- Who makes, refreshes, sees and joins feature sets, and with whose rights their definitions run.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE fs_ann;
CREATE ROLE fs_mate IN ROLE fs_ann;
CREATE ROLE fs_peer;
CREATE ROLE fs_app;
CREATE ROLE fs_op;
CREATE ROLE fs_stranger;
SELECT augur.grant_preset(r, p) FROM (VALUES ('fs_ann'::name, 'trainer'), ('fs_mate', 'trainer'), ('fs_peer', 'trainer'),
	('fs_app', 'predictor'), ('fs_op', 'operator')) t (r, p);
CREATE SCHEMA fs_ann AUTHORIZATION fs_ann;
CREATE SCHEMA fs_peer AUTHORIZATION fs_peer;
CREATE TABLE fs_visits AS SELECT i % 4 AS customer, date '2024-01-01' + i AS day, i AS amount FROM generate_series(1, 40) i;
CREATE TABLE fs_secret AS SELECT i AS customer, date '2024-01-01' AS day, i AS salary FROM generate_series(1, 5) i;
GRANT SELECT ON fs_visits TO PUBLIC;
CREATE FUNCTION fs_whoami() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_user::text $$;

-- ---- making and refreshing -------------------------------------------------------------------------------

SET ROLE fs_ann;
SET search_path = public;
SELECT throws_ok($$SELECT augur.create_feature_set('spent', 'SELECT customer, day, amount FROM fs_visits', '{customer}', 'day')$$, '42501', NULL,
	'a schema that one may not create in');
SET search_path = fs_ann, public;
SELECT is((augur.create_feature_set('spent', 'SELECT customer, day, amount, public.fs_whoami() AS who FROM fs_visits', '{customer}', 'day',
	lateness => '3 days')).inserted, 40::bigint, 'a trainer makes a feature set, in the first schema of its path');
SELECT is((SELECT relation FROM augur.feature_sets), 'fs_ann.spent', 'there');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'fs_ann.spent'::regclass), 'fs_ann', 'and owns its table');
SELECT throws_ok($$SELECT augur.create_feature_set('salaries', 'SELECT * FROM public.fs_secret', '{customer}', 'day')$$, '42501', NULL,
	'of what it may read');
SELECT ok(to_regclass('fs_ann.salaries') IS NULL, 'of which nothing stays otherwise');
SET ROLE fs_mate;
SELECT is((augur.refresh_feature_set('spent', true)).updated, 40::bigint, 'a member of the owner refreshes it');
SELECT is((SELECT min(who) FROM fs_ann.spent), 'fs_mate', 'with its own rights');
SELECT is((SELECT role::text || ' ' || owner FROM augur.feature_refreshes ORDER BY id DESC LIMIT 1), 'fs_mate fs_ann', 'which is written down');

-- ---- others ------------------------------------------------------------------------------------------------

SET ROLE fs_peer;
SELECT is((SELECT count(*) FROM augur.feature_sets), 0::bigint, 'another trainer does not see it');
SELECT is((SELECT count(*) FROM augur.feature_refreshes), 0::bigint, 'nor its refreshes');
SELECT throws_ok($$SELECT augur.refresh_feature_set('spent')$$, '42704', NULL, 'and cannot refresh it');
SELECT throws_ok($$SELECT augur.drop_feature_set('spent')$$, '42704', NULL, 'or drop it');
SELECT throws_ok($$SELECT augur.create_feature_set('spent', 'SELECT customer, day, amount FROM public.fs_visits', '{customer}', 'day', table_name => 'fs_peer.spent')$$,
	'42710', NULL, 'or take its name');
SELECT throws_ok($$SELECT augur.as_of_join_sql('public.fs_visits', '{spent}', 'day')$$, '42704', NULL, 'or join it');
SELECT throws_ok($$INSERT INTO augur.feature_sets (name, relation, entity, event_time, features, query, definition, time_zone, owner)
	VALUES ('x', 'a.b', '{a}', 'b', '{c}', 'q', 'd', 'UTC', 'fs_ann')$$, '42501', NULL, 'none is made in another''s name');
SELECT throws_ok($$INSERT INTO augur.feature_sets (name, relation, entity, event_time, features, query, definition, time_zone, watermark)
	VALUES ('x', 'a.b', '{a}', 'b', '{c}', 'q', 'd', 'UTC', '2024-01-01')$$, '42501', NULL, 'or further than it is');
SELECT throws_ok($$INSERT INTO augur.feature_sets (name, relation, entity, event_time, features, query, definition, time_zone)
	VALUES ('x', 'a.b); DROP TABLE x; --', '{a}', 'b', '{c}', 'q', 'd', 'UTC')$$, NULL, NULL, 'or on what is no table');
SELECT throws_ok($$INSERT INTO augur.feature_refreshes (set_id, feature_set, version, kind, rows_read, inserted, updated, deleted, skipped, seconds, owner)
	VALUES (1, 'spent', 1, 'full', 0, 0, 0, 0, 0, 0, 'fs_ann')$$, '42501', NULL, 'no refresh of another''s is made up');
SET ROLE fs_op;
SELECT is((SELECT count(*) FROM augur.feature_sets), 1::bigint, 'an operator sees it');
SELECT throws_ok($$SELECT augur.refresh_feature_set('spent')$$, '42501', NULL, 'and may not run its SQL');
SELECT throws_ok($$SELECT augur.check_feature_set('spent')$$, '42501', NULL, 'nor to check it');
SELECT throws_ok($$SELECT augur.alter_feature_set('spent', max_age => '1 day')$$, '42501', NULL, 'nor change it');
SELECT throws_ok($$SELECT count(*) FROM augur.as_of_rows('public.fs_visits', '{spent}', 'day') AS t (a int, b date, c int, d int, e text)$$,
	'42501', NULL, 'nor read the features');
SET ROLE fs_stranger;
SELECT throws_ok($$SELECT count(*) FROM augur.feature_sets$$, '42501', NULL, 'a stranger sees nothing');

-- ---- a grant on the table is all that reading and joining needs ---------------------------------------------

SET ROLE fs_ann;
GRANT SELECT ON fs_ann.spent TO fs_app, fs_peer;
SET ROLE fs_app;
SELECT is((SELECT count(*) FROM augur.feature_sets), 0::bigint, 'without the schema it is of no use');
SET ROLE fs_ann;
GRANT USAGE ON SCHEMA fs_ann TO fs_app, fs_peer;
SET ROLE fs_app;
SELECT is((SELECT count(*) FROM augur.feature_sets), 1::bigint, 'who may read the features sees the set');
SELECT is(augur.features_at('{spent}', '{"customer": 1}', '2024-01-15') ->> 'amount', '13', 'a predictor reads an entity''s features');
SET ROLE fs_peer;
SET search_path = fs_peer, public;
SELECT is(augur.as_of_join('fs_visits', '{spent}', 'day', 'training'), 40::bigint, 'another trainer joins them');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'fs_peer.training'::regclass), 'fs_peer', 'into a table of its own');
SELECT throws_ok($$SELECT augur.refresh_feature_set('spent')$$, '42501', NULL, 'and still does not refresh it');

-- ---- traps ----------------------------------------------------------------------------------------------------

-- a function that turns volatile later is found by the next refresh
RESET ROLE;
CREATE OR REPLACE FUNCTION public.fs_whoami() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT current_user::text $$;
SET ROLE fs_ann;
SELECT throws_ok($$SELECT augur.refresh_feature_set('spent')$$, '22023', NULL, 'a function that became volatile is refused');
-- a table that became a view would run code as its reader
ALTER TABLE fs_ann.spent RENAME TO spent_before;
CREATE VIEW fs_ann.spent AS SELECT customer, day, amount, who FROM fs_ann.spent_before;
GRANT SELECT ON fs_ann.spent TO fs_app;
SET ROLE fs_app;
SELECT throws_ok($$SELECT augur.features_at('{spent}', '{"customer": 1}')$$, '42809', NULL, 'a view is not read as features');
-- a set on a table that is another's is of no use, and drops nothing, not even by a superuser's hand
SET ROLE fs_peer;
SELECT lives_ok($$INSERT INTO augur.feature_sets (name, relation, entity, event_time, features, query, definition, time_zone)
	VALUES ('trap', 'public.fs_visits', '{customer}', 'day', '{amount}', 'q', 'SELECT customer, day, amount FROM public.fs_visits', 'UTC')$$,
	'a set that was not made by its function');
RESET ROLE;
SELECT throws_ok($$SELECT augur.drop_feature_set('trap')$$, '42501', NULL, 'does not drop another''s table');
SELECT throws_ok($$SELECT augur.refresh_feature_set('trap')$$, '42501', NULL, 'or write to it');
SELECT throws_ok($$SELECT augur.features_at('{trap}', '{"customer": 1}')$$, '42501', NULL, 'or show it as its own');
SELECT lives_ok($$SELECT augur.drop_feature_set('trap', keep_table => true)$$, 'and can be removed');
-- planted objects in the path of a caller are not what functions here mean
SET ROLE fs_peer;
CREATE FUNCTION fs_peer.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1' $$;
CREATE FUNCTION fs_peer.current_schema() RETURNS name LANGUAGE sql AS $$ SELECT 'public'::name $$;
SET search_path = fs_peer, public, pg_catalog;
SELECT is((augur.create_feature_set('mine', 'SELECT customer, day, amount FROM fs_visits', '{customer}', 'day')).inserted, 40::bigint,
	'a path with planted functions');
SELECT is((SELECT relation FROM augur.feature_sets WHERE name = 'mine'), 'fs_peer.mine', 'changes nothing');
SELECT lives_ok($$SELECT augur.drop_feature_set('mine')$$, 'an owner drops its set');
SELECT ok(to_regclass('fs_peer.mine') IS NULL, 'and its table');
RESET ROLE;
RESET search_path;
SELECT throws_ok($$DELETE FROM augur.feature_refreshes$$, '55000', NULL, 'not even a superuser changes what was refreshed');
SELECT throws_ok($$TRUNCATE augur.feature_refreshes$$, '55000', NULL, 'or empties it');

SELECT * FROM finish();
ROLLBACK;
