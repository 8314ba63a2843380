-- The text of docs/reference.md, from the catalog.  Names that begin with _ are internal.

-- The library's settings appear once it is loaded.
LOAD 'augur';

\echo '# Reference'
\echo
\echo 'Written by `docs/make-reference.sh` from the comments in the catalog: `\\df+ augur.*` in psql shows the same.'
\echo

CREATE FUNCTION pg_temp.cell(t text) RETURNS text LANGUAGE sql AS
$$ SELECT replace(replace(coalesce(t, ''), '|', '\|'), E'\n', ' ') $$;

\echo '## Functions and aggregates'
\echo

WITH f AS (
	SELECT p.proname, p.prokind, pg_get_function_arguments(p.oid) AS arguments,
		   pg_get_function_result(p.oid) AS result, obj_description(p.oid, 'pg_proc') AS text,
		   CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END
			   || CASE p.proparallel WHEN 's' THEN ', parallel safe' WHEN 'r' THEN ', parallel restricted'
				  ELSE '' END AS labels
	FROM pg_proc p
	WHERE p.pronamespace = 'augur'::regnamespace AND p.proname NOT LIKE '\_%'
		  AND p.prorettype <> 'trigger'::regtype
		  -- the parts of types, aggregates and operators are documented with these
		  AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN (a.aggtransfn, a.aggfinalfn,
							a.aggcombinefn, a.aggserialfn, a.aggdeserialfn))
		  AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput,
							t.typreceive, t.typsend, t.typmodin, t.typmodout)))
SELECT format(E'### %s\n\n```\naugur.%s(%s)%s\n```\n\n%s%s\n',
			  proname,
			  proname,
			  replace(arguments, ', ', E',\n    '),
			  CASE prokind WHEN 'p' THEN '' ELSE E'\n  RETURNS ' || result END,
			  coalesce(text, ''),
			  CASE prokind WHEN 'a' THEN ' (Aggregate.)' WHEN 'w' THEN ' (Window function.)'
					WHEN 'p' THEN ' (Procedure.)' ELSE ' (' || upper(left(labels, 1)) || substr(labels, 2) || '.)' END)
FROM f
ORDER BY proname COLLATE "C", arguments COLLATE "C";

\echo '## Types'
\echo
\echo '| type | fields | what it is |'
\echo '|---|---|---|'
SELECT format('| `augur.%s` | %s | %s |', t.typname,
			  pg_temp.cell((SELECT string_agg('`' || a.attname || '` ' || format_type(a.atttypid, a.atttypmod), ', '
								 ORDER BY a.attnum)
							FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
												  AND NOT a.attisdropped)),
			  pg_temp.cell(coalesce(obj_description(t.oid, 'pg_type'), obj_description(t.typrelid, 'pg_class'))))
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = 'augur'::regnamespace AND t.typname NOT LIKE '\_%'
	  AND (t.typtype IN ('b', 'd', 'e') OR c.relkind = 'c')
ORDER BY t.typname COLLATE "C";

\echo
\echo '## Tables and views'
\echo
\echo '| name | kind | what it holds |'
\echo '|---|---|---|'
SELECT format('| `augur.%s` | %s | %s |', relname,
			  CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END,
			  pg_temp.cell(obj_description(oid, 'pg_class')))
FROM pg_class
WHERE relnamespace = 'augur'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition AND relname NOT LIKE '\_%'
ORDER BY relkind <> 'v', relname COLLATE "C";
\echo

WITH c AS (
	SELECT c.relname, c.relkind, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type,
		   col_description(c.oid, a.attnum) AS text
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
		  AND c.relname NOT LIKE '\_%')
SELECT format(E'### augur.%s\n\n| column | type | what it holds |\n|---|---|---|\n%s\n', relname,
			  string_agg(format('| `%s` | %s | %s |', attname, type, pg_temp.cell(text)), E'\n' ORDER BY attnum))
FROM c GROUP BY relname, relkind
ORDER BY relkind <> 'v', relname COLLATE "C";

\echo '## Algorithms and their hyperparameters'
\echo
SELECT format(E'### %s\n\n%s. %s\n\n%s',
			  a.algorithm, a.title, a.help,
			  coalesce((SELECT E'| parameter | type | default | values | what it does |\n|---|---|---|---|---|\n'
							|| string_agg(format('| `%s` | %s | %s | %s | %s |', h.name, h.type, h.default_value,
							   concat_ws(' or ', array_to_string(h.choices, ', '),
									CASE WHEN h.type NOT IN ('bool', 'choice')
										 THEN h.minimum || ' to ' || h.maximum END),
							   pg_temp.cell(h.help)), E'\n' ORDER BY h.position) || E'\n'
						FROM augur.hyperparameters(a.algorithm) WITH ORDINALITY
							 AS h(for_algorithm, name, type, default_value, minimum, maximum, choices, help, position)),
					   E'No parameters.\n'))
FROM augur.algorithms a ORDER BY a.algorithm COLLATE "C";

\echo '## Settings'
\echo
\echo '| setting | default | unit | who may set it | what it does |'
\echo '|---|---|---|---|---|'
SELECT format('| `%s` | %s | %s | %s | %s |', name, boot_val, coalesce(unit, ''),
			  CASE context WHEN 'user' THEN 'anybody' WHEN 'superuser' THEN 'superusers'
				   WHEN 'sighup' THEN 'configuration file' WHEN 'postmaster' THEN 'configuration file, at start'
				   ELSE context END,
			  pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
FROM pg_settings WHERE name LIKE 'augur.%' ORDER BY name COLLATE "C";
