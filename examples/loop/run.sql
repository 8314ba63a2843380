-- The loop: data drifts, a monitor tells, a candidate is trained, judged and promoted, by rule.
-- Runs on a clock of its own: 17 days pass in a second.  See README.md.
\set QUIET on
\pset footer off
\pset null ''
SET client_min_messages = warning;
CREATE SCHEMA bazaar;
SET search_path = bazaar, augur;

-- On day 30 prices rise by one, and are no longer what decides: visits are.
CREATE TABLE bazaar.offers (day integer, at timestamptz, price float8, visits float8, bought boolean);
CREATE VIEW bazaar.recent AS SELECT * FROM bazaar.offers WHERE day > (SELECT max(day) FROM bazaar.offers) - 10;
CREATE FUNCTION bazaar.a_day(d integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bazaar.offers
	SELECT d, timestamptz '2030-01-01 00:00+00' + d * interval '1 day' + i * interval '3 minutes', x.p, x.v,
		CASE WHEN d < 30 THEN x.p < 0.5 ELSE x.v > 0.5 END
	FROM generate_series(0, 299) i,
	LATERAL (SELECT (i * 7919 + d * 331) % 997 / 997.0 + CASE WHEN d >= 30 THEN 1 ELSE 0 END AS p,
		(i * 104729 + d * 71) % 991 / 991.0 AS v) x
$$;
DO $$ BEGIN FOR d IN 0 .. 27 LOOP PERFORM bazaar.a_day(d); END LOOP; END $$;

\echo 'A model of the last ten days, a monitor of each day, a suite for the data, and a rule:'
SELECT version, metric, round(value::numeric, 2) AS value, promoted
FROM train('bazaar', 'bazaar.recent', 'bought', features => '{price,visits}', params => '{"n_trees": 20}');
SELECT create_monitor('bazaar', 'bazaar.offers', every => '1 day', time_column => 'at', start => '2030-01-29 00:00+00',
	needed => 3, of_last => 3) > 0 AS watched,
	create_suite('bazaar data', 'bazaar.recent') > 0 AS suite;
SELECT expect('bazaar data', 'in_range', 'price', '{"min": 0, "max": 4}') > 0 AS expected;
SELECT set_retrain_policy('bazaar', on_events => '{drift_found}', cooldown => '10 days', suite => 'bazaar data',
	gate => '{"min_gain": 0}');

CREATE FUNCTION bazaar.tick(d integer, OUT day integer, OUT drift text, OUT alarm boolean, OUT trained boolean,
	OUT outcome text, OUT why_not text, OUT serving integer)
LANGUAGE plpgsql AS $$
DECLARE
	now			timestamptz := timestamptz '2030-01-01 00:00+00' + d * interval '1 day';
BEGIN
	PERFORM bazaar.a_day(d - 1);
	SELECT c.verdict, c.alarm INTO drift, alarm FROM augur.check_monitors(now, 'bazaar') c;
	SELECT r.fired, r.outcome, CASE WHEN NOT r.fired THEN split_part(r.reason, ':', 1) END INTO trained, outcome, why_not
	FROM augur.check_retrain('bazaar', now) r;
	day := d;
	SELECT s.version INTO serving FROM augur.serving_now s WHERE s.model = 'bazaar';
END
$$;
\echo 'Day by day:'
SELECT t.* FROM generate_series(29, 45) d, bazaar.tick(d) t;
\echo 'What was told:'
SELECT kind, severity, subject, payload -> 'columns' AS columns FROM augur.events
WHERE model = 'bazaar' AND kind ~ '^(drift|retrain)_' ORDER BY id;
\echo 'The price, as it was trained on first and as it is:'
SELECT bin, reference_bar AS was, current_bar AS now FROM drift_histogram('bazaar/1', 'price', 'bazaar.offers', 'r.day >= 40', 8);
\echo 'Then a feed breaks.  Broken data does not train, even by hand, and production serves on:'
UPDATE bazaar.offers SET price = -1 WHERE day = 44;
SELECT fired, reason FROM check_retrain('bazaar', '2030-03-01', by_hand => true);
SELECT predict('bazaar', r) > 0.5 AS will_buy FROM (SELECT 1.5::float8 AS price, 0.9::float8 AS visits) r;
