# Dump and restore (R15): contents, rights and predictions are the same, and the next row goes in.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\naugur.verbosity = 0");
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE trainer LOGIN;
CREATE ROLE scorer LOGIN;
CREATE ROLE "odd ""reader'" LOGIN;
CREATE DATABASE source;
SQL
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION augur;
CREATE TABLE rows AS
SELECT i % 23 AS a, (ARRAY['north', 'O''Hara', E'tab\there', NULL, 'ünï'])[1 + i % 5] AS b, sqrt(i) AS c, date '2024-01-01' + i % 300 AS d,
	(i % 23) * 1.25 + i % 7 AS value, CASE i % 4 WHEN 0 THEN 'low' WHEN 1 THEN 'mid' ELSE 'top "1"' END AS class
FROM generate_series(1, 4000) i;
GRANT SELECT ON rows TO PUBLIC;
SELECT augur.grant_preset('trainer', 'trainer'), augur.grant_preset('scorer', 'predictor'),
	augur.grant_preset('odd "reader''', 'reader');
SET ROLE trainer;
SELECT augur.train('value', 'rows', 'value', exclude => '{class}', promote => 'always', params => '{"n_trees": 30}');
SELECT augur.train('value', 'rows', 'value', exclude => '{class}', promote => 'always', params => '{"n_trees": 10}');
SELECT augur.train('Quoted "name"', 'rows', 'class', exclude => '{value}', promote => 'always', note => E'line\nbreak');
SELECT augur.rollback('value');
SELECT augur.promote('value', 2, 'canary');
SELECT augur.grant('value', 'scorer'), augur.grant('Quoted "name"', 'odd "reader''', 'read');
RESET ROLE;
SQL

# All rows of all tables of the extension, in an order of their own.
sub contents
{
	my ($database) = @_;
	my @tables = split /\n/, $node->safe_psql($database,
		q{SELECT c.oid::regclass FROM pg_class c, pg_extension e WHERE e.extname = 'augur' AND c.relkind = 'r'
		  AND c.relnamespace = 'augur'::regnamespace ORDER BY 1});
	return map { $_ => $node->safe_psql($database,
			"SELECT count(*), md5(string_agg(md5(t::text), ',' ORDER BY md5(t::text))) FROM $_ t") } @tables;
}
my $rights = q{SELECT c.oid::regclass::text, a.attname, x.grantee::regrole, x.privilege_type, x.is_grantable
	FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL,
	LATERAL aclexplode(coalesce(a.attacl, c.relacl)) x WHERE c.relnamespace = 'augur'::regnamespace
	UNION ALL SELECT c.oid::regclass::text, NULL, x.grantee::regrole, x.privilege_type, x.is_grantable FROM pg_class c, aclexplode(c.relacl) x
	WHERE c.relnamespace = 'augur'::regnamespace
	UNION ALL SELECT NULL, p.oid::regprocedure::text, x.grantee::regrole, x.privilege_type, x.is_grantable
	FROM pg_proc p, aclexplode(p.proacl) x WHERE p.pronamespace = 'augur'::regnamespace
	UNION ALL SELECT NULL, nspname, x.grantee::regrole, x.privilege_type, x.is_grantable
	FROM pg_namespace, aclexplode(nspacl) x WHERE nspname = 'augur' ORDER BY 1, 2, 3, 4};
my $scores = q{SELECT md5(string_agg(concat_ws('|', augur.predict('value', r), augur.predict('value@canary', r), augur.predict('value/1', r),
	augur.classify('Quoted "name"', r), augur.probabilities('Quoted "name"', r)), ',' ORDER BY r::text)) FROM rows r};
my %source = contents('source');
my $source_rights = $node->safe_psql('source', $rights);
my $source_scores = $node->safe_psql('source', $scores);
cmp_ok(scalar(keys %source), '>=', 8, 'there are tables to compare');
my $census = q{SELECT count(*), md5(string_agg(o, E'\n' ORDER BY o)) FROM (
	SELECT pg_describe_object(classid, objid, objsubid) AS o FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'augur')) x};

foreach my $format ('plain', 'custom', 'directory')
{
	my $target = "target_$format";
	my $file = "$dir/$format.dump";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '--format', $format, '-f', $file ], "$format: dump");
	$node->safe_psql('postgres', "CREATE DATABASE $target TEMPLATE template0");
	if ($format eq 'plain')
	{
		$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($target), '-f', $file ],
			"$format: restore without an error");
	}
	elsif ($format eq 'custom')
	{
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr($target), $file ],
			"$format: restore without an error");
	}
	else
	{
		# pg_restore -j forgets that tables of an extension refer to each other (its archive names no
		# such dependency), so the data goes in by one process; the rest may be parallel.
		$node->command_ok([ 'pg_restore', '--exit-on-error', "--section=$_->[0]", '-j', $_->[1], '-d',
				$node->connstr($target), $file ], "$format: restore of $_->[0] by $_->[1]")
		  foreach ([ 'pre-data', 2 ], [ 'data', 1 ], [ 'post-data', 2 ]);
	}
	my %target = contents($target);
	is_deeply(\%target, \%source, "$format: the same rows in every table");
	is($node->safe_psql($target, $census), $node->safe_psql('source', $census), "$format: the same members");
	is($node->safe_psql($target, $rights), $source_rights, "$format: the same rights");
	is($node->safe_psql($target, $scores), $source_scores, "$format: the same predictions, to the last bit");

	# what comes next: ids go on, histories too, roles work
	my $next = q{SELECT (augur.train('value', 'rows', 'value', exclude => '{class}', promote => 'never')).version,
		(augur.train('new', 'rows', 'value', exclude => '{class}')).version, augur.promote('value', 2)};
	is($node->safe_psql($target, "SET ROLE trainer; $next"), '3|1|2', "$format: training and promoting go on");
	is($node->safe_psql($target, "SET ROLE scorer; SELECT count(augur.predict('value', r)) FROM rows r"), '4000',
		"$format: who could score still can");
	my ($rc, $out, $err) = $node->psql($target, "SET ROLE scorer; SELECT augur.promote('value', 1)");
	like($err, qr/ERROR/, "$format: and no more than that");
	($rc, $out, $err) = $node->psql($target, 'UPDATE augur.versions SET sha256 = NULL');
	isnt($rc, 0, "$format: versions are still written once");
}

$node->stop;
done_testing();
