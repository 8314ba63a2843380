# Install hygiene: what is planted beforehand is never adopted, what is dropped leaves nothing (R21).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'deadlock_timeout = 100ms');
$node->start;

# Everything a catalog can hold, except statistics: counts before and after must agree.
my $catalogs = join(' UNION ALL ', map { "SELECT '$_', count(*) FROM pg_catalog.$_" }
	qw(pg_class pg_proc pg_type pg_operator pg_opclass pg_opfamily pg_am pg_cast pg_namespace
	  pg_extension pg_trigger pg_constraint pg_index pg_attrdef pg_rewrite pg_policy pg_language
	  pg_aggregate pg_amop pg_amproc pg_description pg_depend pg_shdepend pg_init_privs
	  pg_default_acl pg_event_trigger pg_roles pg_collation pg_conversion pg_sequence));
sub census { return $node->safe_psql($_[0] // 'postgres', "$catalogs ORDER BY 1") }

my $before = census();
$node->safe_psql('postgres', 'CREATE EXTENSION augur');
isnt(census(), $before, 'the extension has objects');
$node->safe_psql('postgres', 'DROP EXTENSION augur');
is(census(), $before, 'dropping it leaves nothing in any catalog');
$node->safe_psql('postgres', 'CREATE EXTENSION augur');
$node->safe_psql('postgres', 'DROP EXTENSION augur CASCADE');
is(census(), $before, 'the same after creating it a second time');

# Two databases, one of them with a hostile name, installed by roles with hostile names.
my @names = ('second', q{quo"te'd}, "new\nline", '/* comment', '-- dash', '$$ dollar', '@extowner@');
foreach my $name (@names)
{
	my $label = $name =~ s/\n/\\n/r;
	my $quoted = '"' . ($name =~ s/"/""/gr) . '"';
	# from 18 on names of databases and roles cannot hold a newline
	my ($rc, $out, $err) = $node->psql('postgres', "CREATE DATABASE $quoted");
	next if $rc != 0 && $name =~ /\n/;
	is($rc, 0, "database $label");
	$node->safe_psql('postgres', "CREATE ROLE $quoted SUPERUSER");
	my $literal = $name =~ s/'/''/gr;
	$node->safe_psql(
		$name,
		"SET SESSION AUTHORIZATION $quoted; CREATE EXTENSION augur;");
	is( $node->safe_psql(
			$name,
			"SELECT rolname = '$literal' FROM pg_extension e JOIN pg_roles r ON r.oid = extowner "
			  . "WHERE extname = 'augur'"),
		't',
		"installed in database $label by a role of that name");
}

# A stranger's schema of our name is not adopted.
$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN; CREATE DATABASE planted');
$node->safe_psql('planted', 'GRANT CREATE ON DATABASE planted TO stranger');
$node->safe_psql('planted', 'SET ROLE stranger; CREATE SCHEMA augur');
my ($rc, $out, $err) = $node->psql('planted', 'CREATE EXTENSION augur');
isnt($rc, 0, 'a schema planted by a stranger makes the installation fail');
like($err, qr/schema "augur" already exists/, 'and the message says why');
is($node->safe_psql('planted', "SELECT count(*) FROM pg_extension WHERE extname = 'augur'"),
	'0', 'nothing is left of the attempt');
($rc, $out, $err) = $node->psql('planted', 'CREATE EXTENSION augur SCHEMA public');
isnt($rc, 0, 'nor can another schema be asked for');

# Operators and functions planted where a careless script would find them.
$node->safe_psql('postgres', 'CREATE DATABASE hostile');
$node->safe_psql('hostile', q{
	GRANT CREATE ON SCHEMA public TO stranger;
	CREATE TABLE public.canary (who name, what text);
	GRANT ALL ON public.canary TO PUBLIC;});
my $plant = '';
foreach my $type (qw(text name int4 int8 float8 bool oid bytea jsonb))
{
	foreach my $operator ('=', '<>', '<', '>', '<=', '>=', '||', '+', '-', '~')
	{
		(my $name = "trap_${type}_" . unpack('H*', $operator)) =~ s/\W//g;
		$plant .= qq{
			CREATE FUNCTION SCHEMA_.$name($type, $type) RETURNS bool LANGUAGE plpgsql AS
			\$f\$ BEGIN INSERT INTO public.canary VALUES (current_user, '$name'); RETURN true; END \$f\$;
			CREATE OPERATOR SCHEMA_.$operator (LEFTARG = $type, RIGHTARG = $type, FUNCTION = SCHEMA_.$name);};
	}
}
foreach my $function (qw(format quote_ident quote_literal count coalesce_ now lower length array_agg
	jsonb_build_object unnest current_setting set_config pg_extension_config_dump))
{
	$plant .= qq{
		CREATE FUNCTION SCHEMA_.$function(VARIADIC anyarray) RETURNS text LANGUAGE plpgsql AS
		\$f\$ BEGIN INSERT INTO public.canary VALUES (current_user, '$function'); RETURN ''; END \$f\$;
		CREATE FUNCTION SCHEMA_.$function(text) RETURNS text LANGUAGE plpgsql AS
		\$f\$ BEGIN INSERT INTO public.canary VALUES (current_user, '$function'); RETURN ''; END \$f\$;};
}
my $public = $plant =~ s/SCHEMA_/public/gr;
my $temporary = $plant =~ s/SCHEMA_/pg_temp/gr;
# the planting works at all
$node->safe_psql('hostile', "SET ROLE stranger; $public");
$node->safe_psql('hostile', 'SELECT set_config(\'search_path\', \'public, pg_catalog\', false);'
	  . "SELECT 'a'::text = 'b'::text");
is($node->safe_psql('hostile', 'DELETE FROM public.canary RETURNING 1'), '1',
	'a planted operator is found by a careless query');
$node->safe_psql('hostile', qq{
	$temporary
	SET search_path = public, pg_temp, pg_catalog;
	CREATE EXTENSION augur;});
is($node->safe_psql('hostile', 'SELECT count(*) FROM public.canary'),
	'0', 'the install script runs none of it');
is( $node->safe_psql('hostile', q{
	SELECT count(*) FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) o
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'augur')
	AND coalesce(o.schema, 'augur') <> 'augur' AND o.type <> 'schema'}),
	'0', 'no member lies outside schema augur');
$node->safe_psql('hostile', 'DROP EXTENSION augur');

# No role is made, and what others own is not touched.
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE '%augur%'"),
	'0', 'the installation makes no role');

# Dropped while others predict, train and load, again and again: they are told that what they call does not
# exist, nobody dies of it, and a database without it stays clean.
$node->safe_psql('postgres', 'CREATE DATABASE busy');
$node->safe_psql('busy', 'CREATE TABLE seen AS SELECT i * 0.37 AS a, i % 50 AS y FROM generate_series(1, 3000) i');
$before = census('busy');
my $scripts = PostgreSQL::Test::Utils::tempdir();
my %scripts = (
	predict => q{SELECT sum(augur.predict('m', s)) FROM seen s;},
	train => q{SELECT augur.train('m', 'seen', 'y', params => '{"n_trees": 5}', promote => 'always');},
	state => q{SELECT augur.baseline_agg(y::float8, ROW(a)) FROM seen;},
	view => q{SELECT count(*) FROM augur.leaderboard, augur.events;});
# a class that only means "it is not there, or went away while I used it"
my $calm = q{DO $calm$ BEGIN EXECUTE $query$%s$query$; EXCEPTION WHEN invalid_schema_name OR undefined_function OR undefined_table
	OR undefined_object OR object_not_in_prerequisite_state OR lock_not_available OR deadlock_detected
	OR foreign_key_violation THEN PERFORM pg_sleep(0.001); END $calm$;};
append_to_file("$scripts/$_.sql", sprintf($calm =~ s/\s+/ /gr, $scripts{$_} =~ s/;$//r) . "\n") foreach keys %scripts;
# its words go to files: a pipe that nobody reads would stop it once it is full
$node->safe_psql('postgres', 'ALTER DATABASE busy SET client_min_messages = error');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', '4', '-j', '1', '-T', '3000',
		(map { ('-f', "$scripts/$_.sql") } sort keys %scripts), 'busy' ],
	'>', "$scripts/done", '2>', "$scripts/complaints");
my $alive = q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'busy' AND backend_type = 'client backend'
	AND pid <> pg_backend_pid()};
foreach my $round (1 .. 3)
{
	$node->safe_psql('busy', 'CREATE EXTENSION augur');
	ok($node->poll_query_until('busy', 'SELECT count(*) > 2 FROM augur.versions'), 'in use');
	# PostgreSQL locks what it drops one by one, so it may be the one that a deadlock picks
	do { ($rc, $out, $err) = $node->psql('busy', 'DROP EXTENSION augur CASCADE') } while ($err =~ /deadlock detected/);
	is($rc, 0, "dropped while it is used, round $round") or diag $err;
}
is($node->safe_psql('busy', $alive), 4, 'sessions that used it live on') or diag slurp_file("$scripts/complaints");
$load->kill_kill;
$node->poll_query_until('busy', $alive, '0') or die 'the load does not end';
is(census('busy'), $before, 'dropping it under load leaves nothing in any catalog');

# Only a superuser installs it.
$node->safe_psql('postgres', 'CREATE DATABASE owned OWNER stranger');
($rc, $out, $err) = $node->psql('owned', 'CREATE EXTENSION augur',
	extra_params => [ '-U', 'stranger' ]);
isnt($rc, 0, 'the owner of a database who is no superuser cannot install it');
like($err, qr/permission denied to create extension "augur"/, 'and is told so');

$node->stop;
done_testing();
