-- Who starts, approves, moves, sees and takes part in a rollout.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE ROLE ro_owner;
CREATE ROLE ro_mate IN ROLE ro_owner;
CREATE ROLE ro_app;
CREATE ROLE ro_reader;
CREATE ROLE ro_peer;
CREATE ROLE ro_operator;
CREATE ROLE ro_other_operator;
CREATE ROLE ro_admin;
SELECT augur.grant_preset(r, p) FROM (VALUES ('ro_owner'::name, 'trainer'), ('ro_app', 'predictor'), ('ro_reader', 'reader'),
	('ro_peer', 'trainer'), ('ro_operator', 'operator'), ('ro_other_operator', 'operator'), ('ro_admin', 'admin')) t (r, p);
CREATE TABLE ro_rows AS SELECT i AS id, i % 5 AS a, i % 3 AS b, i % 5 > 2 AS y FROM generate_series(1, 400) i;
GRANT SELECT ON ro_rows TO PUBLIC;
SET LOCAL ROLE ro_owner;
SELECT (augur.train('ro', 'ro_rows', 'y', features => '{b}', params => '{"n_trees": 2}', promote => 'always')).version,
	   (augur.train('ro', 'ro_rows', 'y', features => '{a}', params => '{"n_trees": 2}', promote => 'never')).version;
SELECT augur.grant('ro', 'ro_app'), augur.grant('ro', 'ro_reader', 'read');
SELECT augur.start_rollout('ro', 2, '{50}', approval => true, guard => '{"metric": "error", "max_loss": 0.1}', min_samples => 20) AS id \gset

-- approval
SELECT throws_ok($$SELECT augur.approve_rollout('ro')$$, '42501', NULL, 'who started it does not approve it');
SELECT throws_ok(format('INSERT INTO augur.approvals (rollout_id, decision) VALUES (%s, %L)', :id, 'approve'), '42501', NULL, 'also not directly');
SELECT throws_ok(format('INSERT INTO augur.approvals (rollout_id, decision, decided_by) VALUES (%s, %L, %L)', :id, 'approve', 'ro_mate'),
	'42501', NULL, 'nor in somebody''s name');
SELECT throws_ok($$UPDATE augur.rollouts SET state = 'approved'$$, '55000', NULL, 'nor without');
SELECT throws_ok($$UPDATE augur.rollouts SET requested_by = 'ro_mate'$$, '42501', NULL, 'who started it stays');
SELECT throws_ok($$UPDATE augur.rollouts SET approval = false$$, '42501', NULL, 'and that it has to be approved');
SET LOCAL ROLE ro_app;
SELECT throws_ok($$SELECT augur.approve_rollout('ro')$$, '42501', NULL, 'a predictor approves nothing');
SELECT is((SELECT count(*) FROM augur.score('ro', 'ro_rows', 'id') WHERE version = 2), 0::bigint, 'nothing is routed before');
SET LOCAL ROLE ro_peer;
SELECT throws_ok($$SELECT augur.approve_rollout('ro')$$, '42704', NULL, 'another trainer sees no model');
SELECT is((SELECT count(*) FROM augur.rollouts), 0::bigint, 'and no rollout');
SELECT is((SELECT count(*) FROM augur.rollout_history), 0::bigint, 'nor its history');
SELECT throws_ok(format('INSERT INTO augur.approvals (rollout_id, decision) VALUES (%s, %L)', :id, 'approve'), '42501', NULL, 'nor approves it directly');
SAVEPOINT undecided;
SET LOCAL ROLE ro_mate;
SELECT is(augur.approve_rollout('ro', 'mate'), 'running', 'another member of the owner approves it');
ROLLBACK TO undecided;
SET LOCAL ROLE ro_owner;
SELECT is(augur.deny_rollout('ro'), 'denied', 'who started it takes it back');
SELECT throws_ok(format($$INSERT INTO augur.rollouts (model_id, model, champion_id, champion, candidate_id, candidate, mode, salt, weights,
	step_for, patience, min_samples, guard, approval, owner, state, timer_from, samples_since)
	SELECT model_id, model, champion_id, champion, candidate_id, candidate, mode, salt, weights, step_for, patience, min_samples, guard,
	true, owner, %L, now(), now() FROM augur.rollouts$$, s), '42501', NULL, format('and writes none that is %s without approval', s))
FROM unnest('{running,approved,paused}'::text[]) s;
ROLLBACK TO undecided;
SET LOCAL ROLE ro_operator;
SELECT is(augur.approve_rollout('ro', 'fine'), 'running', 'an operator approves it');
SELECT is((SELECT format('%s %s %s', decision, decided_by, note) FROM augur.approvals), 'approve ro_operator fine', 'which is kept');
SELECT throws_ok($$UPDATE augur.approvals SET note = 'x'$$, '42501', NULL, 'for ever');
SELECT throws_ok($$DELETE FROM augur.rollouts$$, '42501', NULL, 'rollouts are not deleted');
SELECT throws_ok($$INSERT INTO augur.rollout_events (rollout_id, kind, state, step, weight, as_of, actor)
	SELECT id, 'paused', 'paused', 1, 1, now(), 'ro_app' FROM augur.rollouts$$, '42501', NULL, 'who moved it cannot be forged');

-- taking part
SET LOCAL ROLE ro_app;
SELECT cmp_ok((SELECT count(*) FROM augur.score('ro', 'ro_rows', 'id') WHERE version = 2), '>', 100::bigint, 'a predictor is routed');
SELECT is((SELECT count(*) FROM ro_rows r WHERE augur.predict(augur.route('ro', id::text), r) IS NULL), 0::bigint, 'also by route');
SELECT is((SELECT p.version FROM ro_rows r, augur.predict_logged('ro', r, r.id::text) p WHERE r.id = 7),
	(SELECT substr(augur.route('ro', '7'), 4)::int), 'and one by one');
SELECT throws_ok($$SELECT reason FROM augur.rollouts$$, '42501', NULL, 'but does not see how good the candidate is');
SELECT throws_ok($$SELECT FROM augur.rollout_events$$, '42501', NULL, 'nor what was measured');
SELECT throws_ok($$SELECT augur.check_rollouts(model => 'ro')$$, '42501', NULL, 'and judges nothing');
SELECT throws_ok($$SELECT augur.abort_rollout('ro')$$, '42501', NULL, 'and ends nothing');
SELECT throws_ok($$UPDATE augur.rollouts SET weight = 99$$, '42501', NULL, 'and moves nothing');
SET LOCAL ROLE ro_reader;
SELECT is((SELECT state FROM augur.rollout_status), 'running', 'a reader sees it');
SELECT is((SELECT count(*) FROM augur.rollout_history), 3::bigint, 'and its history');
SELECT throws_ok($$SELECT augur.route('ro', 'x')$$, '42501', NULL, 'and scores nothing');
SELECT throws_ok($$SELECT augur.pause_rollout('ro')$$, '42501', NULL, 'and moves nothing');
SET LOCAL ROLE ro_peer;
SELECT is((SELECT count(*) FROM augur.check_rollouts(now() + interval '1 day')), 0::bigint, 'another trainer judges no strangers'' ones');
UPDATE augur.rollouts SET weight = 99;
RESET ROLE;
SELECT is((SELECT weight FROM augur.rollouts), 50.00, 'and moves none');

-- what the owner may write must not be an error for others who look
SET LOCAL ROLE ro_owner;
SELECT throws_ok($$UPDATE augur.rollouts SET facts = '{"champion": {"predictions": "many"}}'$$, '22023', NULL, 'facts can be read');
SELECT throws_ok($$UPDATE augur.rollouts SET facts = '{"drift": 1e400}'$$, '22023', NULL, 'and no number is too large');
SELECT throws_ok($$UPDATE augur.rollouts SET timer_from = '294000-01-01'$$, '23514', NULL, 'nor a time');
SELECT lives_ok($$UPDATE augur.rollouts SET facts = '{"drift": 0.1}'$$, 'others are written');
SET LOCAL ROLE ro_operator;
SELECT is((SELECT s.drift FROM augur.rollout_status s WHERE s.model = 'ro'), 0.1::float8, 'and shown');

-- one whose last look took long rests, until its step is over or somebody asks for it
SET LOCAL ROLE ro_owner;
SELECT augur.check_rollouts('2001-01-01');
SELECT is((SELECT rests_until FROM augur.rollouts), NULL, 'a short look is followed by the next one');
UPDATE augur.rollouts SET rests_until = now() + interval '1 hour';
SELECT is((SELECT state FROM augur.check_rollouts('2001-01-02')), 'running', 'a rollout that rests is shown');
SELECT is((SELECT looked_at FROM augur.rollouts), '2001-01-01'::timestamptz, 'and not looked at');
SELECT augur.check_rollouts('2001-01-03', 'ro');
SELECT results_eq('SELECT looked_at, rests_until FROM augur.rollouts', $$VALUES ('2001-01-03'::timestamptz, NULL::timestamptz)$$, 'unless it is asked for');
UPDATE augur.rollouts SET rests_until = now() + interval '1 hour';
SELECT augur.check_rollouts((SELECT timer_from + step_for FROM augur.rollouts));
SELECT is((SELECT looked_at >= timer_from + step_for FROM augur.rollouts), true, 'nor beyond the end of its step');
UPDATE augur.rollouts SET rests_until = now() + interval '1 hour';
SELECT augur.check_rollouts((SELECT timer_from + step_for * 2 FROM augur.rollouts));
SELECT is((SELECT looked_at = timer_from + step_for FROM augur.rollouts), true, 'after which it rests again');
UPDATE augur.rollouts SET rests_until = NULL;

-- judging, by an operator who is not the owner
SET LOCAL ROLE ro_owner;
SELECT augur.record_actuals('ro', 'ro_rows', 'y', entity => 'id');
SET LOCAL ROLE ro_other_operator;
SELECT is((SELECT state FROM augur.check_rollouts(now() + interval '1 day')), 'promoted', 'an operator judges and promotes');
RESET ROLE;
SELECT is((SELECT version FROM augur.serving_now WHERE model = 'ro'), 2, 'which is in production now');
SELECT is((SELECT string_agg(kind || ' ' || actor, ', ' ORDER BY id) FROM augur.rollout_events),
	'requested ro_owner, approved ro_operator, started ro_operator, promoted ro_other_operator', 'who did what is kept');
-- an admin approves his own
SET LOCAL ROLE ro_admin;
SELECT cmp_ok(augur.start_rollout('ro', 1, approval => true), '>', 0::bigint, 'an admin starts one');
SELECT is(augur.approve_rollout('ro'), 'running', 'and approves it himself');
RESET ROLE;
SELECT augur.drop_model('ro');
SET LOCAL ROLE ro_owner;
SELECT is((SELECT count(*) FROM augur.rollout_status), 1::bigint, 'the owner sees rollouts of a model that is gone');
SET LOCAL ROLE ro_reader;
SELECT is((SELECT count(*) FROM augur.rollout_status), 0::bigint, 'others do not');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
