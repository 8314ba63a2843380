-- Rules over the whole catalog of the extension: comments, labels, owners, places.
-- tests/pgtap/privileges.sql has the rules about rights.
\set QUIET on
BEGIN;
SET LOCAL client_min_messages = error;
SELECT no_plan();

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, i.type, i.identity, i.schema
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid,
	 LATERAL pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'augur';
CREATE TEMP VIEW functions AS
SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE EXISTS (SELECT FROM members m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid);

SELECT cmp_ok((SELECT count(*) FROM members), '>', 100::bigint, 'the catalog has the extension''s objects');

-- Comments: what \dx+, \df+ and psql's help show.
SELECT is((SELECT array_agg(identity ORDER BY identity) FROM members m
		   WHERE type IN ('function', 'aggregate', 'procedure', 'table', 'view', 'type', 'composite type',
						  'operator', 'schema', 'domain', 'cast', 'sequence')
		   AND obj_description(objid, classid::regclass::name) IS NULL
		   AND NOT (type = 'sequence')
		   -- row types of tables, arrays
		   AND NOT (type IN ('type', 'composite type') AND EXISTS (
				SELECT FROM pg_type t WHERE t.oid = m.objid AND m.classid = 'pg_type'::regclass
				AND (t.typrelid <> 0 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
					 OR t.typelem <> 0 AND t.typlen = -1)))
		   -- a composite type carries its comment as a type
		   AND NOT (classid = 'pg_class'::regclass AND EXISTS (
				SELECT FROM pg_class c WHERE c.oid = m.objid AND c.relkind = 'c'))),
		  NULL, 'every object has a comment');
SELECT is((SELECT array_agg(format('%s.%s', c.relname, a.attname) ORDER BY 1)
		   FROM members m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
		   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		   WHERE c.relkind IN ('r', 'p') AND col_description(c.oid, a.attnum) IS NULL),
		  NULL, 'every column of every table has a comment');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE length(obj_description(oid, 'pg_proc')) < 15), NULL, 'comments say something');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE proname LIKE '\_%' <> (obj_description(oid, 'pg_proc') LIKE 'Internal.%')
		   AND proname !~ '^model_(in|out|recv|send)$'), NULL,
		  'internal functions, and only they, say so');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE proname !~ '^_' AND prokind = 'f' AND prorettype <> 'trigger'::regtype AND pronargs > 1
		   AND lanname <> 'internal' AND proname !~ '^model_(in|out|recv|send)$'
		   AND coalesce(cardinality(array_positions(proargnames, '')), pronargs) > 0), NULL,
		  'arguments have names, so that calls can use them');

-- Places and owners
SELECT is((SELECT array_agg(identity) FROM members
		   WHERE schema IS NOT NULL AND schema <> 'augur'), NULL, 'everything is in schema augur');
-- event triggers are the database's; that one takes the job of pg_cron along
SELECT is((SELECT array_agg(identity) FROM members WHERE identity <> 'augur_drop' AND type IN ('role', 'event trigger', 'language',
		   'foreign-data wrapper', 'server', 'text search configuration')), NULL, 'nothing belongs to the whole cluster');
SELECT is((SELECT array_agg(o.identity)
		   FROM (SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class
				 WHERE relnamespace = 'augur'::regnamespace AND relkind IN ('r', 'v', 'S', 'c')
				 UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'augur'::regnamespace
				 UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
				 WHERE oprnamespace = 'augur'::regnamespace) x,
				LATERAL pg_identify_object(x.classid, x.objid, 0) o
		   WHERE NOT EXISTS (SELECT FROM members m WHERE (m.classid, m.objid) = (x.classid, x.objid))
		   -- a composite type's relation, and a column's own sequence, depend on their member
		   AND NOT EXISTS (SELECT FROM pg_depend d WHERE (d.classid, d.objid) = (x.classid, x.objid)
						   AND d.deptype IN ('i', 'a'))), NULL,
		  'whatever is in the schema is a member of the extension');
SELECT is((SELECT array_agg(signature) FROM functions WHERE proowner <> (
		   SELECT extowner FROM pg_extension WHERE extname = 'augur')), NULL, 'one owner');

-- Functions
SELECT is((SELECT array_agg(signature) FROM functions WHERE lanname NOT IN ('c', 'sql', 'plpgsql', 'internal')),
		  NULL, 'no language beside C, SQL and PL/pgSQL');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE lanname = 'internal' AND prokind <> 'a'), NULL, 'no function stands in for a server''s own');
SELECT is((SELECT array_agg(signature) FROM functions WHERE proleakproof), NULL, 'nothing is leakproof');
SELECT is((SELECT array_agg(signature) FROM functions WHERE prosupport <> 0), NULL,
		  'no planner support functions, which would have to check their arguments'' types');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE lanname = 'c' AND prosrc !~ '^augur_[a-z0-9]+_[a-z0-9_]+$'), NULL,
		  'C symbols are augur_<room>_<verb>');
SELECT is((SELECT array_agg(probin) FROM functions WHERE lanname = 'c' AND probin <> '$libdir/augur'), NULL,
		  'all in one library');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE prokind = 'f' AND 'internal'::regtype::oid <> ALL (proargtypes)
		   AND prorettype = 'internal'::regtype), NULL,
		  'no function makes an internal value from ordinary ones');
SELECT is((SELECT array_agg(signature) FROM functions
		   WHERE provolatile = 'i' AND lanname IN ('c', 'sql', 'plpgsql') AND 'text'::regtype = ANY (proargtypes)
		   AND proname IN ('predict', 'classify', 'probabilities', 'predict_full', 'predict_json', 'predict_array',
						   'evaluate', 'importance', 'features')), NULL,
		  'nothing that reads the registry claims to be immutable');
SELECT is((SELECT array_agg(signature) FROM functions WHERE proname IN ('train', 'train_query')
		   AND (provolatile, proparallel) <> ('v', 'u')), NULL, 'training is volatile and parallel unsafe');
SELECT is((SELECT array_agg(a.aggfnoid::regprocedure::text) FROM pg_aggregate a JOIN functions f ON f.oid = a.aggfnoid
		   WHERE a.aggtranstype = 'internal'::regtype AND (a.aggcombinefn <> 0) <> (a.aggserialfn <> 0)), NULL,
		  'internal states that combine also travel');
SELECT is((SELECT array_agg(a.aggfnoid::regprocedure::text) FROM pg_aggregate a JOIN functions f ON f.oid = a.aggfnoid
		   WHERE a.aggcombinefn <> 0 AND f.proparallel <> 's'), NULL, 'aggregates that combine are parallel safe');

-- Casts that need no function would let bytes of a stranger become a model unchecked.
SELECT is((SELECT array_agg(format('%s -> %s', castsource::regtype, casttarget::regtype)) FROM pg_cast
		   WHERE 'augur.model'::regtype IN (castsource, casttarget) AND castmethod = 'b'), NULL,
		  'no binary-coercible cast from or to a model');

-- Settings (the library loads with its first call)
SELECT isnt(augur.version(), NULL, 'the library tells its version');
SELECT is((SELECT array_agg(name) FROM pg_settings WHERE name LIKE 'augur.%' AND short_desc = ''), NULL,
		  'every setting is described');
SELECT cmp_ok((SELECT count(*) FROM pg_settings WHERE name LIKE 'augur.%'), '>=', 3::bigint, 'there are settings');
SELECT throws_ok('SET augur.no_such_setting = 1', '42602', NULL, 'a misspelt setting is refused');

SELECT * FROM finish();
ROLLBACK;
