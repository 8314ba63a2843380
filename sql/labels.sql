-- The labels of every function and aggregate: a golden file, so that a change shows in review.
-- vol: i immutable, s stable, v volatile; par: s safe, r restricted, u unsafe.
SET search_path = pg_catalog;
-- unaligned: one longer name does not change every line
\pset format unaligned
SELECT p.oid::regprocedure AS function, p.prokind AS kind, p.provolatile AS vol,
	   p.proisstrict AS strict, p.proparallel AS par, p.prosecdef AS definer,
	   EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			   WHERE a.grantee = 0) AS public,
	   CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN coalesce(p.proconfig::text, 'none') END AS config
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'augur'::regnamespace
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Aggregates: partial aggregation wants a combine function, internal states their serial form.
SELECT a.aggfnoid::regprocedure AS aggregate, a.aggtranstype::regtype AS state,
	   a.aggcombinefn <> 0 AS combines, a.aggserialfn <> 0 AS serializes, a.aggtransspace AS space,
	   a.agginitval AS initial
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'augur'::regnamespace
ORDER BY a.aggfnoid::regprocedure::text COLLATE "C";

-- Columns of tables, views and composite types are an interface, too.
SELECT c.relname AS relation, c.relkind AS kind, a.attname AS column,
	   format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind IN ('r', 'v', 'c')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname COLLATE "C", a.attnum;
