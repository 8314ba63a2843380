# Events reach listeners when they are committed, and only then.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 2");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION augur');

my $out = $node->safe_psql('postgres', <<'SQL');
LISTEN augur;
SELECT augur.emit('first', payload => '{"version": 3, "secret": "not told"}');
BEGIN;
SELECT augur.emit('undone');
ROLLBACK;
BEGIN;
SET LOCAL augur.notify = off;
SELECT augur.emit('silent');
COMMIT;
SELECT augur.emit('last');
SQL
my @told = $out =~ /Asynchronous notification "augur" with payload "(\{.*\})"/g;
is(scalar(@told), 2, 'two notifications');
like($told[0], qr/"kind": "first".*"version": 3|"version": 3.*"kind": "first"/, 'with kind and version');
unlike($told[0], qr/secret/, 'and nothing else of the payload');
like($told[1], qr/"kind": "last"/, 'what was rolled back, or was not to be told, is not');
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ' ORDER BY id) FROM augur.events}),
	'first silent last', 'all that was committed is in augur.events');

my ($rc, $stdout, $stderr) = $node->psql('postgres', <<'SQL');
BEGIN;
SELECT augur.emit('prepared');
PREPARE TRANSACTION 'p';
SQL
like($stderr, qr/NOTIFY/, 'a transaction that notified cannot be prepared');
$node->safe_psql('postgres', <<'SQL');
SET augur.notify = off;
BEGIN;
SELECT augur.emit('prepared');
PREPARE TRANSACTION 'p';
COMMIT PREPARED 'p';
SQL
is($node->safe_psql('postgres', q{SELECT count(*) FROM augur.events WHERE kind = 'prepared'}), '1',
	'one that did not can be');

$node->stop;
done_testing();
