# Updates (R16): a database that was updated has the same catalog as a fresh one, and its models
# predict the same numbers.
#
# Every released version is an update path: sql/upgrade/A--B.sql, with A's install script frozen in
# tests/data/releases.  The machinery itself is tested on a release made here from the current
# parts: an older one that lacks a table, functions, a view and has others defined otherwise, and a
# delta that adds what cannot be re-run.
use strict;
use warnings;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = $ENV{AUGUR_SOURCE} // '.';
my $share = $ENV{AUGUR_SHARE};
plan skip_all => 'AUGUR_SHARE does not name a private copy of the server' unless $share;
my $directory = "$share/extension";

sub slurp { my ($file) = @_; open(my $fh, '<', $file) or die "$file: $!"; local $/; return <$fh> }
my ($current) = slurp("$source/augur.control") =~ /^default_version = '(.*)'/m;

# Everything about the extension that a catalog holds, by name, in order of creation nowhere.
my $census = <<'SQL';
SET search_path = pg_catalog;
WITH m AS (
	SELECT d.classid, d.objid, i.type, i.identity
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid, LATERAL pg_identify_object(d.classid, d.objid, 0) i
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'augur')
SELECT 'member', type, identity, obj_description(objid, classid::regclass::name) FROM m
UNION ALL
SELECT 'function', p.oid::regprocedure::text,
	   concat_ws('|', p.prokind, p.provolatile, p.proisstrict, p.proparallel, p.prosecdef, p.procost, p.prorows,
		p.proconfig, p.proacl, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)),
	   CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END
FROM pg_proc p WHERE p.pronamespace = 'augur'::regnamespace
UNION ALL
SELECT 'aggregate', a.aggfnoid::regprocedure::text,
	   concat_ws('|', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
		a.aggtranstype::regtype, a.aggtransspace, a.agginitval, a.aggfinalmodify), NULL
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE p.pronamespace = 'augur'::regnamespace
UNION ALL
SELECT 'relation', c.oid::regclass::text,
	   concat_ws('|', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relacl,
		c.oid = ANY (e.extconfig)),
	   CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
FROM pg_class c, pg_extension e
WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'c', 'i') AND e.extname = 'augur'
UNION ALL
SELECT 'column', a.attrelid::regclass::text, concat_ws('|', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
		a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, pg_get_expr(d.adbin, d.adrelid)),
	   col_description(a.attrelid, a.attnum)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
	 LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'augur'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'augur'::regnamespace
UNION ALL
SELECT 'index', c.oid::regclass::text, pg_get_indexdef(c.oid), NULL
FROM pg_class c WHERE c.relnamespace = 'augur'::regnamespace AND c.relkind = 'i'
UNION ALL
SELECT 'trigger', t.tgrelid::regclass::text, t.tgenabled::text, pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'augur'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'policy', p.polrelid::regclass::text, concat_ws('|', p.polname, p.polcmd, p.polpermissive, p.polroles),
	   concat_ws('|', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'augur'::regnamespace
UNION ALL
SELECT 'init_privs', i.identity, p.privtype::text, p.initprivs::text
FROM pg_init_privs p, LATERAL pg_identify_object(p.classoid, p.objoid, p.objsubid) i WHERE i.schema = 'augur'
ORDER BY 1, 2, 3, 4
SQL

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION augur');
my $fresh = $node->safe_psql('fresh', $census);
cmp_ok(scalar(my @lines = split /\n/, $fresh), '>', 500, 'the census of a fresh installation sees it');

# What the numbers of a model are, before and after.
my $rows = q{CREATE TABLE public.rows AS SELECT i % 17 AS a, (ARRAY['u', 'v', 'w'])[1 + i % 3] AS b,
	CASE WHEN i % 17 > 8 THEN 'yes' ELSE 'no' END AS y FROM generate_series(1, 500) i};
my $train = q{SET augur.verbosity = 0; SELECT (augur.train('kept', 'public.rows', 'y', promote => 'always',
	params => '{"n_trees": 10}')).version};
my $score = q{SELECT md5(string_agg(augur.predict('kept', r)::text, ',' ORDER BY a, b)) FROM public.rows r};

sub update_from
{
	my ($old, $database, $label) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION augur VERSION '$old'");
	isnt($node->safe_psql($database, $census), $fresh, "$label: the older version differs");
	$node->safe_psql($database, $rows);
	# the library is the new one already: old SQL with it must work
	$node->safe_psql($database, $train);
	my $before = $node->safe_psql($database, $score);
	$node->safe_psql($database, "ALTER EXTENSION augur UPDATE");
	is($node->safe_psql($database, "SELECT extversion FROM pg_extension WHERE extname = 'augur'"),
		$current, "$label: updated to $current");
	my $after = $node->safe_psql($database, $census);
	ok($after eq $fresh, "$label: the catalog is that of a fresh installation") or do
	{
		my %in_fresh = map { $_ => 1 } split /\n/, $fresh;
		my %in_after = map { $_ => 1 } split /\n/, $after;
		diag("fresh only: $_") foreach grep { !$in_after{$_} } sort keys %in_fresh;
		diag("updated only: $_") foreach grep { !$in_fresh{$_} } sort keys %in_after;
	};
	is($node->safe_psql($database, $score), $before, "$label: the old model predicts the same numbers");
	is($node->safe_psql($database, $train), '2', "$label: and trains on");
	$node->safe_psql($database, 'DROP EXTENSION augur');
	$node->safe_psql($database, 'CREATE EXTENSION augur');
	ok($node->safe_psql($database, $census) eq $fresh, "$label: drop and create again");
}

# ---- the machinery, on a release made here ------------------------------------------------------------

my $install = slurp("$directory/augur--$current.sql");
my $old = $install;
# A view that is not there yet; a function with another body, label and comment; a table that the
# delta makes; a setting of a table that the delta changes.
my ($view) = $old =~ /^CREATE VIEW (augur\.version_lineage)\b/m;
ok($view, 'the install script has the view that the older release lacks');
$old =~ s/^CREATE VIEW \Q$view\E\b.*?;\n//ms;
$old =~ s/^COMMENT ON (?:VIEW|COLUMN) \Q$view\E\b.*?;\n//msg;
ok($old =~ s/(^CREATE FUNCTION augur\._check_alias\(.*?)\bIMMUTABLE\b/$1STABLE/ms, 'a function labelled otherwise');
ok($old =~ s/^(COMMENT ON FUNCTION augur\.drop_alias\(.*?IS\s+)'[^;]*';/$1'Old words about it.';/ms, 'and another comment');
$old .= "\nCREATE TABLE augur.former (id bigint);\nCREATE FUNCTION augur.former() RETURNS int LANGUAGE sql "
  . "IMMUTABLE SET search_path = pg_catalog, augur, pg_temp AS 'SELECT 1';\n";
# nothing is left there, whatever becomes of this test
END { unlink glob("$directory/augur--0.0*.sql $directory/augur--0.1broken*.sql") if $directory }
append_to_file("$directory/augur--0.0.sql", $old);

my $tree = PostgreSQL::Test::Utils::tempdir() . '/tree';
mkdir $tree;
system_or_bail('cp', '-r', map({ "$source/$_" } qw(Makefile augur.control sql src expected)), "$tree/");
mkdir "$tree/sql/upgrade";
append_to_file("$tree/sql/upgrade/0.0--$current.sql", <<'SQL');
DROP FUNCTION augur.former();
DROP TABLE augur.former;
SQL
my $pg_config = $node->config_data('--bindir') =~ s/\s+$//r . '/pg_config';
system_or_bail('make', '-s', '-C', $tree, "augur--0.0--$current.sql", "PG_CONFIG=$pg_config");
my $script = slurp("$tree/augur--0.0--$current.sql");
like($script, qr/^DROP TABLE augur\.former;/m, 'the update script has its delta');
like($script, qr/^CREATE OR REPLACE FUNCTION augur\.promote\b/m, 'and what can be run again');
unlike($script, qr/^CREATE TABLE /m, 'and nothing that is run once');
copy("$tree/augur--0.0--$current.sql", $directory) or die "copy: $!";
update_from('0.0', 'synthetic', 'made here');

# An update is all or nothing.
append_to_file("$directory/augur--0.1broken.sql", $old);
append_to_file("$directory/augur--0.1broken--$current.sql", "DROP TABLE augur.former;\nSELECT 1 / 0;\n");
$node->safe_psql('postgres', 'CREATE DATABASE broken');
$node->safe_psql('broken', q{CREATE EXTENSION augur VERSION '0.1broken'});
my ($rc) = $node->psql('broken', 'ALTER EXTENSION augur UPDATE');
isnt($rc, 0, 'an update that fails');
is($node->safe_psql('broken', "SELECT extversion, to_regclass('augur.former') IS NOT NULL FROM pg_extension "
	  . "WHERE extname = 'augur'"), '0.1broken|t', 'leaves the old version whole');

# ---- every released version ------------------------------------------------------------------------------

foreach my $delta (glob("$source/sql/upgrade/*--*.sql"))
{
	my ($from) = $delta =~ /([^\/]*)--[^\/]*\.sql$/;
	my $frozen = "$source/tests/data/releases/augur--$from.sql";
	ok(-f $frozen, "the install script of release $from is kept") or next;
	copy($frozen, $directory) or die "copy: $!";
	update_from($from, 'from_' . ($from =~ s/\W/_/gr), "release $from");
}

$node->stop;
done_testing();
