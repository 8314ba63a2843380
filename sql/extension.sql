-- What CREATE EXTENSION leaves behind: everything in schema augur, nothing elsewhere.
SELECT e.extname, e.extrelocatable, n.nspname AS schema
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'augur';

-- The schema belongs to the extension.
SELECT d.deptype, n.nspname
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_namespace n ON n.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_namespace'::regclass
  AND d.refclassid = 'pg_catalog.pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'augur');

-- Members outside schema augur (casts, languages and event triggers have no schema).
SELECT a.type, a.identity
FROM pg_catalog.pg_depend d
     CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) a
WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'augur')
  AND d.deptype = 'e' AND a.schema IS DISTINCT FROM 'augur'
  AND a.type NOT IN ('schema', 'cast')
ORDER BY a.type, a.identity;

-- Not relocatable, and its name is not free.
ALTER EXTENSION augur SET SCHEMA public;
CREATE EXTENSION augur;
