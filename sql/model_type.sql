-- The type augur.model: text and binary form, validation, storage.
SET client_min_messages = warning;
SET augur.verbosity = 0;

CREATE TABLE rows AS SELECT i AS a, i % 3 AS b, i * 2.0::float8 AS y FROM generate_series(1, 100) i;
SELECT version FROM augur.train('typed', 'rows', 'y', promote => 'always', params => '{"n_trees": 3}');
CREATE TABLE vault AS
SELECT ('\x' || string_agg(encode(bytes, 'hex'), '' ORDER BY seq))::augur.model AS model
FROM augur.version_chunks
WHERE version_id = (SELECT v.id FROM augur.versions v JOIN augur.models m ON m.id = v.model_id
					WHERE m.name = 'typed');

-- text is lossless, either case of digits is read, and the binary form is the artifact
SELECT model::text::augur.model::text = model::text AS lossless,
	   upper(substr(model::text, 3)) <> substr(model::text, 3) AS lower_case,
	   ('\x' || upper(substr(model::text, 3)))::augur.model::text = model::text AS upper_read,
	   augur.model_send(model) = decode(substr(model::text, 3), 'hex') AS binary_equal
FROM vault;
SELECT attstorage FROM pg_attribute WHERE attrelid = 'vault'::regclass AND attname = 'model';

-- what is not a model is refused
SELECT ''::augur.model;
SELECT 'model'::augur.model;
SELECT '\x'::augur.model;
SELECT '\x0'::augur.model;
SELECT '\xzz'::augur.model;
SELECT '\x00'::augur.model;
\set VERBOSITY terse
SELECT left(model::text, -2)::augur.model FROM vault;
SELECT (model::text || '00')::augur.model FROM vault;
\set VERBOSITY default

-- no cast gets around the check
SELECT '\x00'::bytea::augur.model;
SELECT castsource::regtype, casttarget::regtype, castmethod, castcontext
FROM pg_cast WHERE 'augur.model'::regtype IN (castsource, casttarget);

-- every prefix and every changed byte is refused, or scores as before
CREATE FUNCTION verdict(t text, truth float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p float8;
BEGIN
	p := augur.predict(t::augur.model, r) FROM public.rows r WHERE a = 50;
	RETURN CASE WHEN p = truth THEN 'same' ELSE 'other' END;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN left(SQLSTATE, 2) IN ('22', '54') THEN 'refused' ELSE SQLSTATE || SQLERRM END;
END
$$;
CREATE TABLE damaged AS
SELECT t, truth, how FROM (
	SELECT model::text AS whole, (length(model::text) - 2) / 2 AS n,
		   (SELECT augur.predict(model, r) FROM rows r WHERE a = 50) AS truth
	FROM vault) v,
	LATERAL (SELECT left(whole, 2 + 2 * i) AS t, 'prefix' AS how FROM generate_series(0, n - 1) i
			 UNION ALL
			 SELECT overlay(whole PLACING to_hex(15 - strpos('0123456789abcdef', substr(whole, 3 + i, 1)) + 1)
							FROM 3 + i FOR 1), 'digit'
			 FROM generate_series(0, 2 * n - 1) i) d;
SELECT how, verdict(t, truth), count(*) > 500 AS many FROM damaged GROUP BY 1, 2 ORDER BY 1, 2;

DROP TABLE rows, vault, damaged;
DROP FUNCTION verdict;
SELECT augur.drop_model('typed');
