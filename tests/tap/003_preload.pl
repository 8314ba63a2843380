# With and without shared_preload_libraries: the same results, and no database needs the extension.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $setup = <<'SQL';
CREATE EXTENSION augur;
CREATE TABLE rows AS SELECT i % 17 AS a, (ARRAY['u', 'v', 'w'])[1 + i % 3] AS b, sqrt(i) AS c,
	CASE WHEN i % 17 > 8 THEN 'yes' ELSE 'no' END AS y FROM generate_series(1, 3000) i;
SET augur.verbosity = 0;
SELECT (augur.train('m', 'rows', 'y', promote => 'always', params => '{"n_trees": 20}')).version;
SQL
my $digest = q{SELECT encode(sha256, 'hex') FROM augur.versions};
my %model;

foreach my $preload (0, 1)
{
	my $how = $preload ? 'preloaded' : 'not preloaded';
	my $node = PostgreSQL::Test::Cluster->new($preload ? 'preloaded' : 'plain');
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off");
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'augur'") if $preload;
	$node->start;

	# before the extension exists anywhere
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "$how: a database without the extension works");
	my ($rc, $out, $err) = $node->psql('postgres', "LOAD 'augur'; SHOW augur.verbosity");
	is($rc, 0, "$how: the library loads without the extension");
	$node->safe_psql('postgres', $setup);
	$model{$preload} = $node->safe_psql('postgres', $digest);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.progress'), '0',
		"$how: the progress view can be read");
	is($node->safe_psql('postgres', 'SELECT augur.predict(\'m\', r) IS NOT NULL FROM rows r LIMIT 1'), 't',
		"$how: predict works in a new session");

	# settings: known before the library is used only when preloaded, kept by a restart
	$node->safe_psql('postgres', "SELECT augur.version(); ALTER DATABASE postgres SET augur.verbosity = 2");
	$node->restart;
	is($node->safe_psql('postgres', 'SELECT augur.version() IS NOT NULL; SHOW augur.verbosity') =~ s/\n/ /r, 't 2',
		"$how: a setting of the database holds after a restart");
	is($node->safe_psql('postgres', "SELECT augur.predict('m', r) IS NOT NULL FROM rows r LIMIT 1"), 't',
		"$how: and the model is there");
	($rc, $out, $err) = $node->psql('postgres', 'SELECT augur.version(); SET augur.misspelt = 1');
	isnt($rc, 0, "$how: unknown settings of our prefix are refused");

	# not the owner of these: ordinary users cannot raise the limits that protect the server
	$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
	($rc, $out, $err) = $node->psql('postgres', 'SET augur.no_such = 1', extra_params => [ '-U', 'nobody' ]);
	is($rc == 0, !$preload, "$how: for ordinary users too, once the library is there");

	# crash recovery: whatever was in shared memory is made anew
	$node->stop('immediate');
	$node->start;
	is($node->safe_psql('postgres', $digest), $model{$preload}, "$how: the model survives an immediate shutdown");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.progress'), '0', "$how: no training is shown");
	$node->stop;
}
is($model{0}, $model{1}, 'preloading changes no model');

done_testing();
