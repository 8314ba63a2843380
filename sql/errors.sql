-- errors: every refusal of a training, with its SQLSTATE, message, detail and hint.
SET augur.verbosity = 0;
CREATE SCHEMA errors;
SET search_path = errors, public;

-- Executes a statement that must fail and tells how it did.
CREATE FUNCTION fails(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	message := 'did not fail';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

CREATE TABLE people (
	id int PRIMARY KEY, age int, income float8, region text, "Mixed Case" numeric,
	born date, weight float8, gone boolean, nothing json);
INSERT INTO people
SELECT i, 20 + i % 50, 1000 + i % 977, (ARRAY['n', 's', 'e', 'w'])[1 + i % 4], i % 13,
	DATE '1970-01-01' + i % 1000, 1, (i % 50 + i % 7) > 30, NULL
FROM generate_series(1, 400) i;
CREATE SEQUENCE counter;
CREATE INDEX people_age ON people (age);

\x on
\pset format unaligned
-- required arguments
SELECT * FROM fails($$SELECT augur.train(NULL, 'people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train('m', NULL, 'gone')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', NULL)$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', algorithm => NULL)$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', promote => NULL)$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', seed => NULL)$$);
SELECT * FROM fails($$SELECT augur.train_query('m', NULL, 'gone')$$);
-- names of models
SELECT * FROM fails($$SELECT augur.train('', 'people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train('m@staging', 'people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train('m/3', 'people', 'gone')$$);
-- words
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', algorithm => 'random_forrest')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', task => 'clasification')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', promote => 'if_beter')$$);
-- not supported yet, and not ignored
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', group_by => '{region}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', resample => 'smote')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', tune => '{}')$$);
-- JSON arguments
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '[1]')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_treees": 5}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_trees": "many"}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_trees": null}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_trees": [1]}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_trees": 0}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"class_weight": {"true": "x"}}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', params => '{"n_trees": {"a": 1}}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"max_bin": 5}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"max_bins": 1}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"max_bins": 2.5}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"date_parts": "month"}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"date_parts": [3]}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"date_parts": ["moth"]}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', preprocess => '{"date_parts": []}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', validation => '{"folds": 5}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', validation => '{"holdout": 1}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', validation => '3')$$);
-- columns
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gonne')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', key => 'idd')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', time_column => 'bron')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', weight => 'wait')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{age,incom}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{age,age}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{age,NULL}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{age,gone}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{age}', exclude => '{age}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', exclude => '{mixed case}')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', key => 'gone')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', key => 'id', weight => 'id')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'nothing')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', features => '{nothing}')$$);
-- sources
SELECT * FROM fails($$SELECT augur.train('m', 'counter', 'last_value')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people_age', 'age')$$);
SELECT * FROM fails($$SELECT augur.train('m', 4294967295::oid::regclass, 'age')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', filter => 'agee > 3')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', filter => 'true); DELETE FROM people; SELECT (1')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'DELETE FROM people RETURNING *', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'WITH d AS (DELETE FROM people RETURNING *) SELECT * FROM d', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT 1 AS gone; SELECT 2 AS gone', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT * INTO other FROM people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'EXPLAIN SELECT 1', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', '', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT * FROM nowhere', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT * FROM people', 'gonne')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT age, age, gone FROM people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT age, gone FROM people', 'gone', filter => 'incom > 3')$$);
-- what the registry refuses is refused before a row is read
SELECT (augur.train('taken', 'people', 'gone', algorithm => 'baseline')).rows_used;
SELECT * FROM fails($$SELECT augur.train_query('taken', 'SELECT 1 / (age - age) AS x, income FROM people', 'income')$$);
SELECT * FROM fails($$SELECT augur.train_query('taken', 'SELECT 1 / (age - age) AS x, gone FROM people', 'gone', task => 'regression')$$);
SELECT * FROM fails($$SELECT augur.train_query(repeat('m', 64), 'SELECT 1 / (age - age) AS x, gone FROM people', 'gone')$$);
SELECT * FROM fails($$SELECT augur.train_query('m', 'SELECT 1 / (age - age) AS x, gone FROM people', 'gone')$$);
-- data
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', filter => 'false')$$);
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone', filter => 'gone')$$);
-- memory
SET augur.training_memory = 1;
SELECT * FROM fails($$SELECT augur.train('m', 'people', 'gone')$$);
RESET augur.training_memory;
-- transactions that must not write
SELECT * FROM fails($$SELECT set_config('transaction_read_only', 'on', true), augur.train('m', 'people', 'gone')$$);
-- settings
SELECT * FROM fails($$SET augur.verbosity = 7$$);
SELECT * FROM fails($$SET augur.verbossity = 1$$);
-- other functions
SELECT * FROM fails($$SELECT * FROM augur.hyperparameters('randon_forest')$$);
\x off
\pset format aligned
-- nothing was left behind
SELECT count(*) FROM people;
SELECT count(*) FROM augur.models WHERE name = 'm';

SET client_min_messages = warning;
DROP SCHEMA errors CASCADE;
