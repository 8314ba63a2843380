# Hostile names and values (R20): more than 200 of them through every text-like argument of every
# function of the extension, taken from the catalog, so that a new function is covered at once.
#
# Two questions: does any of it get executed (a sequence is the canary: it keeps its step when the
# call is rolled back), and does any of it reach an internal error (SQLSTATE class XX)?  Arguments
# that are SQL by contract (queries and filters, run as the caller) are asked the second only.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "augur.verbosity = 0\nfsync = off\nmax_parallel_maintenance_workers = 0");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE hostile ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");

my $fire = 'public.fire()';
my @inner = ("SELECT $fire", "DROP TABLE public.t", "CREATE TABLE public.made (i int)");
my @hostile = (
	'', ' ', "\t", "\n", "\r\n", q{'}, q{''}, q{"}, q{""}, q{\\}, q{\\'}, q{\\"}, '$', '$$', '$1', '$a$', ';', '--', '/*', '*/',
	'%', '%s', '%I', '%n', '%1$s', '%%', '{}', '{', '[]', '()', '(', ')', ',', '.', '..', '.a', 'a.', '@', '@@', '/', '/1', '@production',
	'a@', 'a/', 'm@', 'm/', 'm/0', 'm/-1', 'm/2147483648', 'm/99999999999999999999', 'm/1x', 'm@production@production', 'm/1/1',
	'NULL', 'null', 'default', 'public', 'current_user', 'session_user', 'pg_catalog', 'augur', 'postgres', 'none', '-', '0', '-1', '1e999',
	'NaN', 'Infinity', '1; 2', 'true', '\\x', '\\x00', '\\x4155', '\\000', '\\u0000', '\\.', 'COPY', '\\copy', 'E\'x\'', 'U&"x"',
	'SELECT', 'SELECT 1', 'SELECT 1;', 'SELECT 1; SELECT 2', 'TABLE public.t', 'public.t', '"public"."t"', 'public."t"', 'pg_class',
	'pg_catalog.pg_class', 'pg_authid', 'select', 'user', 'group', 'order', 'all', 'y', 'Y', 'a b', 'a"b', q{a'b}, 'a;b', 'a--b', 'a/*b',
	'ctid', 'xmin', 'tableoid', 'oid', '*', 't.*', 'a,b', '{a,b}', '{"a":1}', '"a"', 'x' x 62, 'x' x 63, 'x' x 64, 'x' x 65, 'x' x 1000,
	'x' x 100_000, ('"' x 63), (q{'} x 63), ('"' x 64), ('é' x 31), ('é' x 32), ('é' x 33), ('x' x 62) . 'é', ('x' x 61) . '😀',
	'ünïcödé', '表', 'таблица', 'שלום', "\x{202e}txet", "\x{200b}", "\x{feff}", "a\x{0301}", "\x{1F600}", "İ", "ı", "ß", "ﬁ", "\x{10FFFF}",
	"\x01", "\x07", "\x1b[31m", "\x7f", "a\tb", "a\nb", "a\rb", "a\x0bb", '../../etc/passwd', '/etc/passwd', '~', '|id', '`id`', '$(id)',
	'&& id', '<script>', '&amp;', 'http://example.com/', 'a=b', 'host=x dbname=y');
foreach my $sql (@inner)
{
	push @hostile, map { s/SQL/$sql/gr } (
		q{'; SQL; --}, q{"; SQL; --}, q{'); SQL; --}, q{"); SQL; --}, q{'||(SQL)||'}, q{"||(SQL)||"}, q{' || (SQL)::text || '},
		q{$$; SQL; $$}, q{$$); SQL; --}, q{\\'; SQL; --}, q{\\"; SQL; --}, q{/* */ SQL /* */}, q{*/ SQL /*}, qq{\nSQL\n}, qq{-- \n SQL},
		q{1; SQL}, q{x) UNION ALL (SQL}, q{x, (SQL)}, q{(SQL)}, q{y FROM public.t; SQL}, q{m'; SQL; COMMIT; --}, q{a" FROM (SQL) "b});
}
push @hostile, map { (q{'; SELECT public.fire(); --}) . ('x' x $_) } 20 .. 40;
my %seen;
@hostile = grep { !$seen{$_}++ } @hostile;
cmp_ok(scalar @hostile, '>=', 200, 'there are ' . @hostile . ' hostile values');

my $dir = PostgreSQL::Test::Utils::tempdir();
my $values = join(",\n", map { my $v = encode_utf8($_) =~ s/'/''/gr; "('$v')" } @hostile);
append_to_file("$dir/values.sql", "SET standard_conforming_strings = on;\n"
	  . "CREATE TABLE public.hostile (id int GENERATED ALWAYS AS IDENTITY, v text);\n"
	  . "INSERT INTO public.hostile (v) VALUES\n$values;\n");

append_to_file("$dir/attack.sql", <<'SQL');
CREATE EXTENSION augur;
CREATE SEQUENCE public.canary;
CREATE FUNCTION public.fire() RETURNS text LANGUAGE sql AS $$ SELECT nextval('public.canary')::text $$;
CREATE TABLE public.t AS SELECT i % 5 AS a, (ARRAY['u', 'v'])[1 + i % 2] AS b, i % 7 > 3 AS y, i * 0.5 AS z FROM generate_series(1, 40) i;
SELECT (augur.train('m', 'public.t', 'y', algorithm => 'random_forest', params => '{"n_trees": 2}', promote => 'always')).version;
CREATE TABLE public.model AS SELECT augur.random_forest_agg(y, t, '{"n_trees": 2}') AS m FROM public.t;
CREATE TABLE public.results (f regprocedure, argument text, state text, example text, n bigint);
CREATE TABLE public.fired (f regprocedure, argument text, v text);

-- A harmless expression for an argument.
CREATE FUNCTION public.filler(name text, type regtype) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN type = 'augur.model'::regtype THEN '(SELECT m FROM public.model)'
		WHEN type = 'augur.profile'::regtype THEN '(SELECT augur.profile(x.z) FROM public.t x)'
		WHEN type = 'augur.profile[]'::regtype THEN 'ARRAY[(SELECT augur.profile(x.a) FROM public.t x)]'
		WHEN type = 'augur.drift_column[]'::regtype THEN '''{}''::augur.drift_column[]'
		WHEN type = 'augur.models'::regtype THEN '(SELECT x FROM augur.models x WHERE x.name = ''m'')'
		WHEN type = 'augur.versions'::regtype THEN '(SELECT x FROM augur.versions x LIMIT 1)'
		WHEN (SELECT y.typtype IN ('b', 'c') AND y.typname !~ '^_' AND y.typnamespace = 'augur'::regnamespace FROM pg_type y WHERE y.oid = type)
			OR type IN ('augur.expectations[]'::regtype, 'augur.feature_sets[]'::regtype, 'augur.pipeline_steps[]'::regtype) THEN format('NULL::%s', type)
		WHEN type = 'record'::regtype THEN '(SELECT x FROM public.t x LIMIT 1)'
		WHEN type = 'regclass'::regtype THEN '''public.t''::regclass'
		WHEN type = 'regrole'::regtype THEN '(SELECT current_user::regrole)'
		WHEN type = 'regprocedure'::regtype THEN '''pg_catalog.now()''::regprocedure'
		WHEN type = 'oid'::regtype THEN '0::oid'
		WHEN type = 'xid'::regtype THEN '''3''::xid'
		WHEN type = 'regtype'::regtype THEN '''date''::regtype'
		WHEN type IN ('"any"'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype) THEN '''x''::text'
		WHEN type = 'augur.detector'::regtype THEN 'augur.new_detector(''ddm'')'
		WHEN type = 'boolean[]'::regtype THEN '''{t}''::boolean[]'
		WHEN type = 'jsonb'::regtype THEN '''{}''::jsonb'
		WHEN type = 'bytea'::regtype THEN '''\x00''::bytea'
		WHEN type IN ('text[]'::regtype, 'name[]'::regtype) THEN format('''{}''::%s', type)
		WHEN type = 'numeric[]'::regtype THEN '''{5,25}''::numeric[]'
		WHEN type = 'double precision[]'::regtype THEN '''{1,2,3}''::float8[]'
		WHEN type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN format('''2024-01-01''::%s', type)
		WHEN type = 'timestamptz[]'::regtype THEN '''{2024-01-01}''::timestamptz[]'
		WHEN type = 'integer[]'::regtype THEN '''{1}''::int[]'
		WHEN type = 'interval'::regtype THEN '''1 day''::interval'
		WHEN type = 'interval[]'::regtype THEN '''{1 day}''::interval[]'
		WHEN type = 'boolean[]'::regtype THEN '''{t}''::boolean[]'
		WHEN type = 'anynonarray'::regtype THEN '1'
		WHEN type = 'boolean'::regtype THEN 'true'
		WHEN type IN ('integer'::regtype, 'bigint'::regtype, 'double precision'::regtype, 'numeric'::regtype) THEN format('1::%s', type)
		WHEN type IN ('varchar'::regtype, 'bpchar'::regtype, '"char"'::regtype) THEN format('''x''::%s', type)
		WHEN type IN ('text'::regtype, 'name'::regtype) THEN coalesce(format('%L::%s', CASE name
			WHEN 'model' THEN 'm' WHEN 'target' THEN 'y' WHEN 'query' THEN 'SELECT a, b, y FROM public.t'
			WHEN 'algorithm' THEN 'baseline' WHEN 'promote' THEN 'never' WHEN 'alias' THEN 'production' WHEN 'role' THEN current_user
			WHEN 'preset' THEN 'reader' WHEN 'privilege' THEN 'predict' WHEN 'status' THEN 'archived' END, type), format('NULL::%s', type))
	END
$$;

-- The hostile expression for an argument, $1 being the value; NULL when the type carries no text.
CREATE FUNCTION public.spears(type regtype) RETURNS text[] LANGUAGE sql AS $$
	SELECT CASE
		WHEN type = 'text'::regtype THEN '{$1}'::text[]
		WHEN type = 'name'::regtype THEN '{$1::name}'
		WHEN type IN ('"any"'::regtype, 'anyelement'::regtype, 'anynonarray'::regtype) THEN '{$1::text}'
		WHEN type = 'augur.detector'::regtype THEN '{$1::augur.detector}'
		WHEN type = 'text[]'::regtype THEN ARRAY['ARRAY[$1]']
		WHEN type IN ('varchar'::regtype, 'bpchar'::regtype, '"char"'::regtype) THEN ARRAY[format('$1::%s', type)]
		WHEN type = 'name[]'::regtype THEN ARRAY['ARRAY[$1::name]', 'ARRAY[''a'', $1]::name[]']
		WHEN type = 'jsonb'::regtype THEN ARRAY['to_jsonb($1)', 'jsonb_build_object($1, 1)', 'jsonb_build_object($1, $1)',
			'jsonb_build_object(''n_trees'', $1)', 'jsonb_build_object(''holdout'', $1)']
		WHEN type = 'regclass'::regtype THEN '{$1::regclass}'
		WHEN type = 'regrole'::regtype THEN '{$1::regrole}'
		WHEN type = 'regtype'::regtype THEN '{$1::regtype}'
		WHEN type = 'augur.model'::regtype THEN '{$1::augur.model}'
		WHEN type = 'augur.profile'::regtype THEN '{$1::augur.profile}'
		WHEN type = 'cstring'::regtype THEN ARRAY['$1::text::cstring']
		WHEN type = 'record'::regtype THEN ARRAY['ROW($1, $1)', '(SELECT x FROM (SELECT $1 AS a, $1 AS b, $1 AS z) x)']
	END
$$;

CREATE PROCEDURE public.attack(target regprocedure) LANGUAGE plpgsql AS $$
DECLARE
	p			pg_proc;
	type		regtype;
	spear		text;
	fillers		text[];
	mine		text[];
	h			record;
	before		bigint;
	after		bigint;
	code		text;
BEGIN
	SELECT * INTO p FROM pg_proc WHERE oid = target;
	FOR i IN 0 .. p.pronargs - 1 LOOP
		fillers := fillers || public.filler(p.proargnames[i + 1], p.proargtypes[i]);
	END LOOP;
	FOR i IN 0 .. p.pronargs - 1 LOOP
		type := p.proargtypes[i];
		FOREACH spear IN ARRAY coalesce(public.spears(type), '{}') LOOP
			mine := fillers;
			mine[i + 1] := spear;
			FOR h IN SELECT * FROM public.hostile ORDER BY id LOOP
				SELECT last_value + is_called::int INTO before FROM public.canary;
				BEGIN
					EXECUTE format('SELECT %s.%I(%s)', p.pronamespace::regnamespace, p.proname,
						array_to_string(mine, ', ')) USING h.v;
					RAISE EXCEPTION USING ERRCODE = '00YES';
				EXCEPTION WHEN OTHERS THEN
					code := SQLSTATE;
				END;
				SELECT last_value + is_called::int INTO after FROM public.canary;
				IF after <> before THEN
					INSERT INTO public.fired VALUES (target, p.proargnames[i + 1], h.v);
				END IF;
				UPDATE public.results r SET n = n + 1
				WHERE (r.f, r.argument, r.state) = (target, coalesce(p.proargnames[i + 1], i::text), code);
				IF NOT FOUND THEN
					INSERT INTO public.results VALUES (target, coalesce(p.proargnames[i + 1], i::text), code, left(h.v, 60), 1);
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
SQL
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('hostile'), '-f', "$dir/attack.sql",
	'-f', "$dir/values.sql" ], 'the attack is prepared');

# Functions that SQL can call: no internal arguments, no triggers.
my $callable = q{FROM pg_proc p WHERE p.pronamespace = 'augur'::regnamespace
	AND 'internal'::regtype <> ALL (p.proargtypes::oid[]) AND p.prorettype <> 'trigger'::regtype};
append_to_file("$dir/run.sql",
	"SELECT format('CALL public.attack(%L)', p.oid::regprocedure) $callable ORDER BY p.oid\n\\gexec\n");
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('hostile'), '-f', "$dir/run.sql" ],
	'all of it is thrown at every function');
my $sum = $node->safe_psql('hostile', 'SELECT sum(n) FROM public.results');
cmp_ok($sum, '>', 20_000, "$sum calls");
note($node->safe_psql('hostile', 'SELECT state, sum(n) FROM public.results GROUP BY 1 ORDER BY 2 DESC'));

is($node->safe_psql('hostile', "SELECT p.oid::regprocedure $callable AND EXISTS (SELECT FROM unnest(p.proargtypes) a "
	  . "WHERE public.spears(a) IS NOT NULL) AND p.oid NOT IN (SELECT f FROM public.results)"),
	'', 'every function that takes text was attacked');
is($node->safe_psql('hostile', "SELECT p.oid::regprocedure, a::regtype $callable"
	  =~ s/FROM pg_proc p/FROM pg_proc p, unnest(p.proargtypes) a/r
	  . " AND public.filler('x', a) IS NULL AND public.spears(a) IS NULL"),
	'', 'every argument type is known here');
is($node->safe_psql('hostile', "SELECT DISTINCT f, argument, v FROM public.fired WHERE argument NOT IN ('query', 'filter', 'sql')"),
	'', 'nothing was executed');
is($node->safe_psql('hostile', "SELECT f, argument, state, example FROM public.results WHERE state LIKE 'XX%'"),
	'', 'no internal error');
cmp_ok($node->safe_psql('hostile', "SELECT count(DISTINCT f) FROM public.results WHERE state = '00YES'"), '>', 30,
	'many functions took some of it as what it is, a name or a value');
is($node->safe_psql('hostile', "SELECT to_regclass('public.made') IS NULL, count(*) FROM public.t"), 't|40',
	'no table was made or lost');

# ---- names of real things: relations, columns, levels, models, roles ---------------------------------------

append_to_file("$dir/names.sql", <<'SQL');
SET client_min_messages = error;
CREATE TABLE public.trained (v text, ok boolean, state text, message text);
DO $$
DECLARE
	h			record;
	n			name;
	value		float8;
	before		bigint := (SELECT last_value + is_called::int FROM public.canary);
BEGIN
	FOR h IN SELECT * FROM public.hostile WHERE v <> '' AND octet_length(v) < 300 ORDER BY id LOOP
		n := h.v::name;
		BEGIN
			EXECUTE format('CREATE TEMP TABLE %1$I AS SELECT i %% 5 AS %1$I, (ARRAY[%2$L, ''u''])[1 + i %% 2] AS b, '
				'i %% 7 > 3 AS "y %3$s" FROM generate_series(1, 40) i', 'r ' || n, h.v, replace(left(n, 40), '"', '""'));
			PERFORM augur.train('h' || h.id, format('pg_temp.%I', 'r ' || n)::regclass, ('y ' || left(n, 40))::name,
				params => '{"n_trees": 2}', promote => 'always', note => h.v);
			EXECUTE format('SELECT sum(augur.predict(%L, x)) FROM pg_temp.%I x', 'h' || h.id, 'r ' || n) INTO value;
			EXECUTE format('SELECT count(*) FROM augur.importance(%L, %L)', 'h' || h.id, format('pg_temp.%I', 'r ' || n)) INTO value;
			EXECUTE format('SELECT count(*) FROM augur.evaluate(%L, %L)', 'h' || h.id, format('pg_temp.%I', 'r ' || n)) INTO value;
			PERFORM augur.drop_model('h' || h.id);
			EXECUTE format('DROP TABLE pg_temp.%I', 'r ' || n);
			INSERT INTO public.trained VALUES (h.v, true);
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO public.trained VALUES (h.v, false, SQLSTATE, SQLERRM);
		END;
	END LOOP;
	IF before <> (SELECT last_value + is_called::int FROM public.canary) THEN
		RAISE EXCEPTION 'a name was executed';
	END IF;
END
$$;
SQL
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('hostile'), '-f', "$dir/names.sql" ],
	'relations, columns, targets and levels of hostile names');
is($node->safe_psql('hostile', "SELECT left(v, 60), state, message FROM public.trained WHERE NOT ok "
	  # columns of names that say what they are: keys
	  . "AND state IN ('42703', '42601', 'XX000', '42P01', '22P02', '22021')"),
	'', 'train, predict, importance and evaluate take them as names');
cmp_ok($node->safe_psql('hostile', 'SELECT count(*) FROM public.trained WHERE ok'), '>=', 150, 'nearly all of them work');
note($node->safe_psql('hostile', 'SELECT left(v, 60), state, message FROM public.trained WHERE NOT ok'));

append_to_file("$dir/features.sql", <<'SQL');
SET client_min_messages = error;
CREATE TABLE public.featured (v text, ok boolean, state text, message text);
DO $$
DECLARE
	h			record;
	k			name;
	t			name;
	f			name;
	called		text;
	spine		regclass;
	before		bigint := (SELECT last_value + is_called::int FROM public.canary);
BEGIN
	FOR h IN SELECT * FROM public.hostile WHERE v <> '' AND octet_length(v) < 300 ORDER BY id LOOP
		k := ('k ' || left(h.v, 13))::name;
		t := ('t ' || left(h.v, 10))::name;
		f := ('f ' || left(h.v, 5))::name;
		called := CASE WHEN h.v ~ '[[:cntrl:]]' OR h.v <> btrim(h.v) OR octet_length(h.v) > 20 THEN 'set ' || h.id ELSE h.v END;
		BEGIN
			EXECUTE format('CREATE TABLE public.%I AS SELECT %L || i %% 3 AS %I, timestamp ''2024-01-01'' + i * interval ''1 hour'' AS %I, i AS %I '
				'FROM generate_series(1, 20) i', 's ' || k, h.v, k, t, f);
			spine := format('public.%I', 's ' || k)::regclass;
			PERFORM augur.create_feature_set(called, augur.rolling_features(spine, ARRAY[k], t, ARRAY[f], '{2 hours}', since => true),
				ARRAY[k], t, lateness => '1 hour', lookback => '2 hours', description => h.v);
			PERFORM augur.create_feature_set('m' || h.id, augur.rolling_features(spine, ARRAY[k], t, ARRAY[f], '{2 hours}', every => '3 hours'),
				ARRAY[k], t, lateness => '1 hour', table_name => format('%I', 'm ' || k));
			PERFORM augur.create_feature_set('l' || h.id, augur.lag_features(spine, ARRAY[k], t, ARRAY[f], order_by => f), ARRAY[k], t,
				lateness => '1 hour', table_name => format('%I', 'l ' || k));
			PERFORM augur.refresh_feature_set(called), augur.refresh_feature_set('m' || h.id, true), augur.check_feature_set('l' || h.id);
			PERFORM augur.as_of_join(spine, ARRAY[called, 'm' || h.id], t, format('public.%I', 'j ' || k), event_times => true, strict => true);
			PERFORM augur.features_at(ARRAY[called], jsonb_build_object(k, h.v), '2024-01-02');
			PERFORM augur.alter_feature_set(called, augur.lag_features(spine, ARRAY[k], t, ARRAY[f]), description => h.v);
			PERFORM augur.drop_feature_set(called), augur.drop_feature_set('m' || h.id), augur.drop_feature_set('l' || h.id);
			EXECUTE format('DROP TABLE public.%I, public.%I', 's ' || k, 'j ' || k);
			INSERT INTO public.featured VALUES (h.v, true);
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO public.featured VALUES (h.v, false, SQLSTATE, SQLERRM);
		END;
	END LOOP;
	IF before <> (SELECT last_value + is_called::int FROM public.canary) THEN
		RAISE EXCEPTION 'a name was executed';
	END IF;
END
$$;
SQL
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('hostile'), '-f', "$dir/features.sql" ],
	'feature sets, their tables, keys, times and features of hostile names');
is($node->safe_psql('hostile', "SELECT left(v, 60), state, message FROM public.featured WHERE NOT ok"), '', 'all of them work');

$node->stop;
done_testing();
