-- Files into tables: what is loaded, what is refused and why.
\pset null '(null)'
SET client_min_messages = warning;
CREATE SCHEMA load;
CREATE TABLE load.orders (id int PRIMARY KEY, amount numeric(8,2) CHECK (amount > 0), note text NOT NULL DEFAULT 'none',
	at date, flag bool);
CREATE VIEW load.bad AS SELECT row, line, "column", value, reason, sqlstate, raw FROM augur.quarantine
WHERE batch_id = (SELECT max(id) FROM augur.load_batches) ORDER BY row;
CREATE FUNCTION load.show(augur.load_result) RETURNS text LANGUAGE sql AS
$$SELECT format('%s: %s read, %s ok, %s bad%s', $1.status, $1.rows_read, $1.rows_ok, $1.rows_bad,
				(SELECT string_agg(E'\n' || w, '') FROM unnest($1.warnings) w))$$;

-- quotes, line ends of both kinds, embedded lines, nulls, defaults of columns that are not there
\set csv 'E''id,amount,at,flag,note\\r\\n1,10.50,2024-01-31,t,plain\\n2,,,,"two\\nlines, ""quoted"""\\r\\n\\n3,5,2024-02-01,f,""\\n4,1,2024-02-02,t,in "the" middle'''
SELECT load.show(augur.load_csv('load.orders', content => :csv));
SELECT * FROM load.orders ORDER BY id;
-- the same again does nothing
SELECT load.show(augur.load_csv('load.orders', content => :csv));
SELECT count(*) FROM load.orders;
SELECT relation, kind, source, status, rows_read, rows_ok, rows_bad, length(digest), ended_at >= started_at AS ended
FROM augur.load_batches;
-- until it is forgotten; now every row is there already
SELECT augur.forget_batch(max(id)) FROM augur.load_batches;
SELECT augur.forget_batch(max(id)) FROM augur.load_batches \gset
SELECT load.show(augur.load_csv('load.orders', content => :csv, max_bad_share => NULL));
SELECT row, line, "column", value, reason, sqlstate FROM load.bad;
UPDATE augur.load_batches SET rows_ok = 9 WHERE status = 'loaded';
TRUNCATE load.orders;

-- every way to be bad, and the rows between
SELECT load.show(augur.load_csv('load.orders', max_bad_share => 1, source => 'shop', content => E'id,amount,at,flag,note
1,1,2024-01-01,t,good
x,1,2024-01-01,t,type
2,-1,2024-01-01,t,check
3,1,2024-13-01,t,date
4,1,2024-01-01,maybe,boolean
5,1,2024-01-01,t,
,1,2024-01-01,t,key
1,1,2024-01-01,t,unique
6,1,2024-01-01
7,1,2024-01-01,t,many,more
8,1,2024-01-01,t,"after" quote
9,99999999,2024-01-01,t,range
10,1,2024-01-01,t,\\.
11,1,2024-01-01,t,"no end
12,1,2024-01-01,t,good'));
SELECT * FROM load.bad;
SELECT id, note FROM load.orders ORDER BY id;
SELECT kind, severity, subject, payload - 'batch' AS payload FROM augur.events ORDER BY id DESC LIMIT 1;
-- too many
SELECT augur.load_csv('load.orders', content => E'id,note\n20,a\nx,b\ny,c\n', max_bad_rows => 1);
SELECT augur.load_csv('load.orders', content => E'id,note\n20,a\nx,b\n21,c\n', max_bad_share => 0.2);
SELECT augur.load_csv('load.orders', content => E'id,amount,note\n20,-1,a\nx,1,b\n');
SELECT count(*) FROM load.orders WHERE id >= 20;
SELECT load.show(augur.load_csv('load.orders', content => E'id,note\n20,a\nx,b\n21,c\n', max_bad_share => 0.34));

-- headers
SELECT augur.load_csv('load.orders', content => E'id,notes\n1,a\n');
SELECT load.show(augur.load_csv('load.orders', content => E'id,notes,note\n30,a,b\n', on_unknown => 'report'));
SELECT load.show(augur.load_csv('load.orders', content => E'ID,notes,Note\n31,a,b\n', on_unknown => 'ignore'));
SELECT augur.load_csv('load.orders', content => E'id,note,id\n1,a,2\n');
SELECT load.show(augur.load_csv('load.orders', content => E'id,note,id\n32,a,2\n', columns => '{id,note,NULL}'));
SELECT augur.load_csv('load.orders', content => E'id,note,id\n1,a,2\n', columns => '{id,note}');
SELECT augur.load_csv('load.orders', content => E'a,b\n1,a\n', columns => '{id,nota}');
SELECT augur.load_csv('load.orders', content => E'x\n1\n', on_unknown => 'ignore');
SELECT augur.load_csv('load.orders', content => E'id,"note\n1');
SELECT load.show(augur.load_csv('load.orders', content => '33;2,5;-;2024-01-01;t', header => false, delimiter => ';',
	columns => '{id,NULL,note,at,flag}'));
SELECT load.show(augur.load_csv('load.orders', content => E'34|''a\\''b''|NULL', header => false, delimiter => '|', quote => '''',
	escape => '\', null_text => 'NULL', columns => '{id,note,at}'));
SELECT load.show(augur.load_csv('load.orders', content => ''));
SELECT load.show(augur.load_csv('load.orders', content => 'id,amount,note'));
SELECT load.show(augur.load_csv('load.orders', content => U&'\FEFF' || E'id,note\n35,mark'));
SELECT id, at, note FROM load.orders WHERE id >= 30 ORDER BY id;

-- hostile names, defaults, generated and identity columns, a column of its own
CREATE TABLE load."Weird ""Name" ("a ""b" int, "x;y" text, id int GENERATED ALWAYS AS IDENTITY,
	twice int GENERATED ALWAYS AS ("a ""b" * 2) STORED);
SELECT load.show(augur.load_csv('load."Weird ""Name"', content => E'"a ""b",x;y\n1,one\n2,\\N\n'));
SELECT * FROM load."Weird ""Name" ORDER BY id;
SELECT augur.load_csv('load."Weird ""Name"', content => E'twice\n1\n');
CREATE TABLE load.one (v text);
SELECT load.show(augur.load_csv('load.one', content => E'v\na\n\n\\.\n"\\."\n'));
SELECT v FROM load.one ORDER BY v;

-- partitions, domains, foreign keys, triggers that look and refuse
CREATE DOMAIN load.percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE load.parted (k int REFERENCES load.orders, p load.percent) PARTITION BY RANGE (p);
CREATE TABLE load.low PARTITION OF load.parted FOR VALUES FROM (0) TO (50);
CREATE FUNCTION load.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF NEW.p = 13 THEN RAISE EXCEPTION 'unlucky'; END IF; RETURN NEW; END$$;
CREATE TRIGGER t AFTER INSERT ON load.parted FOR EACH ROW EXECUTE FUNCTION load.refuse();
SELECT load.show(augur.load_csv('load.parted', max_bad_share => 1,
	content => E'k,p\n1,1\n1,101\n1,60\n999,2\n1,13\n12,3\n998,4\n12,5\n'));
SELECT row, line, "column", value, reason, sqlstate FROM load.bad;
SELECT tableoid::regclass, k, p FROM load.parted ORDER BY p;

-- a view and row level security: through INSERT
CREATE VIEW load.positive AS SELECT id, note FROM load.orders WHERE id > 40 WITH CHECK OPTION;
SELECT load.show(augur.load_csv('load.positive', max_bad_share => 1, content => E'id,note\n41,a\n7,b\n42,c\nx,d\n41,e\n'));
SELECT row, line, "column", value, reason, sqlstate FROM load.bad;
SELECT * FROM load.positive ORDER BY id;

-- a staging table of lines
CREATE TEMP TABLE lines (n bigint GENERATED ALWAYS AS IDENTITY, line text);
COPY lines (line) FROM STDIN WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02');
id,note
50,"of two

lines"
51,a\b
\.
SELECT load.show(augur.load_csv('load.orders', staging => 'lines'));
SELECT id, note FROM load.orders WHERE id >= 50 ORDER BY id;
SELECT augur.load_csv('load.orders', staging => 'load.orders');

-- arguments
SELECT augur.load_csv(NULL, content => '');
SELECT augur.load_csv('load.orders');
SELECT augur.load_csv('load.orders', content => '', file => 'x');
SELECT augur.load_csv('load.orders', content => '', delimiter => ',,');
SELECT augur.load_csv('load.orders', content => '', delimiter => '"');
SELECT augur.load_csv('load.orders', content => '', on_unknown => 'panic');
SELECT augur.load_csv('load.orders', content => '', max_bad_rows => -1);
SELECT augur.load_csv('load.orders', content => '', max_bad_share => 'NaN');
SELECT augur.load_csv('load.orders', content => '', encoding => 'UTF8');
SELECT augur.load_csv('load.orders', content => ' ', columns => '{}');
SELECT augur.load_csv('load.orders', content => '', header => NULL);
SELECT augur.load_csv('load.orders', file => '/nonexistent/file');
BEGIN READ ONLY;
SELECT augur.load_csv('load.orders', content => 'id');
ROLLBACK;

-- JSON: an array, lines, nested values
CREATE TABLE load.payments (id int NOT NULL, amount float8, paid bool, note text, extra jsonb, kind text DEFAULT 'card');
SELECT load.show(augur.load_json('load.payments', paths => '{"amount": "$.payment.amount", "note": "$.\"the.note\""}', content => '
[{"id": 1, "payment": {"amount": 1.5}, "paid": true, "the.note": "a\tb\\c", "extra": {"k": [1]}},
 {"id": 2, "payment": {"amount": null}, "paid": null, "the.note": "", "extra": "s", "kind": "cash"} , {"id": 3,
  "payment": 7, "paid": false, "the.note": "x", "extra": null}]'));
SELECT * FROM load.payments ORDER BY id;
-- unknown key, missing key, number as string: told, or refused
\set json 'E''{"id": 4, "amount": "12", "paid": true, "note": "n", "extra": 1}\\n{"id": "5", "amount": 1, "paid": "t", "note": 7, "surprise": 1}\\n\\nnot json\\n{"id": 6.5, "note": "half", "amount": 1, "paid": true, "extra": 2}\\n[1]\\n{"amount": 3, "paid": true, "note": "no id", "extra": 3}\\n{"id": "many"}\\n{"other": 1}\\n'''
SELECT load.show(augur.load_json('load.payments', max_bad_share => 1, content => :json));
SELECT row, line, "column", value, reason, sqlstate FROM load.bad;
SELECT augur.forget_batch(max(id)) FROM augur.load_batches;
SELECT load.show(augur.load_json('load.payments', max_bad_share => 1, content => :json, on_unknown => 'error',
	on_missing => 'error', on_coerce => 'error'));
SELECT row, line, "column", value, reason, sqlstate FROM load.bad;
SELECT augur.forget_batch(max(id)) FROM augur.load_batches;
SELECT load.show(augur.load_json('load.payments', max_bad_share => 1, content => :json, on_unknown => 'ignore',
	on_missing => 'ignore', on_coerce => 'ignore', columns => '{id,amount}'));
SELECT id, amount, paid, note, extra, kind FROM load.payments WHERE id > 3 ORDER BY 1, 2, 3, 4, 5, 6;
-- what is no array of objects
SELECT augur.load_json('load.payments', content => '[{"id": 1}');
SELECT augur.load_json('load.payments', content => '[{"id": 1} {"id": 2}]');
SELECT augur.load_json('load.payments', content => '[{"id": 1},]');
SELECT augur.load_json('load.payments', content => '[{"id": 1}] x');
SELECT augur.load_json('load.payments', content => '[{"id": ');
SELECT load.show(augur.load_json('load.payments', content => ' [ ] '));
SELECT load.show(augur.load_json('load.payments', content => ''));
SELECT augur.load_json('load.payments', content => ' ', paths => '{"none": "$.x"}');
SELECT augur.load_json('load.payments', content => ' ', paths => '{"id": "$.x[0]"}');
SELECT augur.load_json('load.payments', content => ' ', paths => '{"id": 1}');
SELECT augur.load_json('load.payments', content => ' ', paths => '[]');
SELECT augur.load_json('load.payments', content => ' ', columns => '{id,id}');
SELECT augur.load_json('load.payments', content => ' ', columns => '{nope}');

-- many rows: bad ones at places that the parts of batches meet
CREATE TABLE load.many (i int CHECK (i % 1000 <> 7), t text);
SELECT load.show(augur.load_csv('load.many', content => (SELECT 'i,t' || string_agg(E'\n'
	|| CASE WHEN i % 5000 = 0 THEN 'x' ELSE i::text END || ',' || i, '' ORDER BY i) FROM generate_series(1, 50000) i)));
SELECT count(*), sum(i), count(*) FILTER (WHERE i::text <> t) FROM load.many;
SELECT count(*), count(*) FILTER (WHERE value = 'x' AND line % 5000 = 1),
	count(*) FILTER (WHERE line % 1000 = 8 AND value = (line - 1)::text)
FROM load.bad;
DROP SCHEMA load CASCADE;
