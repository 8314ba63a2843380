-- Events: every change of state writes one, in its own transaction.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET augur.verbosity = 0;
CREATE TABLE ev AS SELECT i % 5 AS a, i % 3 AS b, i % 7 > 3 AS y FROM generate_series(1, 60) i;

CREATE VIEW told AS SELECT kind, severity, subject, model, payload - 'seconds' - 'value' - 'run' AS payload
FROM augur.events ORDER BY id;

SELECT (augur.train('ev', 'ev', 'y', params => '{"n_trees": 2}', promote => 'always')).version;
SELECT (augur.train('ev', 'ev', 'y', params => '{"n_trees": 3}', promote => 'never')).version;
SELECT (augur.train('ev', 'ev', 'y', params => '{"n_trees": 4}', promote => 'never')).version;
SELECT * FROM told;
SELECT payload ? 'seconds' AS seconds, payload ? 'value' AS value, (payload ->> 'run')::bigint = r.id AS run
FROM augur.events JOIN augur.runs r ON r.id = (payload ->> 'run')::bigint WHERE kind = 'training_finished';
CREATE TABLE mark AS SELECT max(id) AS id FROM augur.events;
CREATE VIEW news AS SELECT kind, severity, subject, payload - 'run' AS payload
FROM augur.events WHERE id > (SELECT id FROM mark) ORDER BY augur.events.id;

SELECT augur.promote('ev/2', reason => 'June');
SELECT augur.promote('ev/3', alias => 'canary');
SELECT augur.rollback('ev', 'July');
SELECT augur.drop_alias('ev', 'canary');
SELECT augur.drop_version('ev', 3);
-- to move nowhere is no event
SELECT augur.promote('ev/1');
SELECT * FROM news;

-- a rollback takes the event with the change
BEGIN;
SELECT augur.promote('ev/2', reason => 'undone');
SELECT count(*) FROM news WHERE payload ->> 'reason' = 'undone';
ROLLBACK;
SELECT count(*) FROM news WHERE payload ->> 'reason' = 'undone';

-- one's own
UPDATE mark SET id = (SELECT max(id) FROM augur.events);
SELECT augur.emit('prices_loaded', subject => 'June', payload => '{"rows": 1200, "nothing": null}') > 0 AS emitted;
SELECT augur.emit('checked', 'warning', model => 'ev') > 0 AS emitted;
SELECT augur.emit('bare') > 0 AS emitted;
SELECT * FROM news;
SELECT augur.emit(NULL);
SELECT augur.emit('No Such');
SELECT augur.emit('x', 'loud');
SELECT augur.emit('x', payload => '[1]');
SELECT augur.emit('x', payload => '"text"');
SELECT augur.emit('x', subject => repeat('s', 201));
SELECT augur.emit('x', payload => jsonb_build_object('all', repeat('x', 2000000)));
SELECT augur.emit('x', model => 'nobody');

-- never changed
UPDATE augur.events SET severity = 'info';
DELETE FROM augur.events;
TRUNCATE augur.events;

UPDATE mark SET id = (SELECT max(id) FROM augur.events);
SELECT augur.drop_model('ev');
SELECT * FROM news;
