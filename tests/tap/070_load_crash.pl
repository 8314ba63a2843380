# Files of the server: rights, encodings, a million rows with bad ones, a crash in the middle,
# two loads of the same file at once, a cancel.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(kill_process late overshoot);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_wal_size = 4GB");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION augur; CREATE TABLE t (id bigint PRIMARY KEY, a float8, b text);
	CREATE ROLE plain LOGIN; GRANT ALL ON t TO plain; CREATE TABLE l (v text);');
$node->safe_psql('postgres', q{SELECT augur.grant_preset('plain', 'trainer')});
my $dir = PostgreSQL::Test::Utils::tempdir;

sub write_file
{
	my ($name, $bytes) = @_;
	open(my $f, '>:raw', "$dir/$name") or die $!;
	print $f $bytes;
	close $f;
	chmod 0644, "$dir/$name";
	return "$dir/$name";
}

sub counts
{
	my ($table, $file, $more) = @_;
	return $node->safe_psql('postgres',
		"SELECT l.status, l.rows_read, l.rows_ok, l.rows_bad FROM augur.load_csv('$table', '$file'" . ($more // '') . ") l");
}

# rights
my $small = write_file('small.csv', "id,a,b\n1,1.5,x\n");
my ($rc, $out, $err) = $node->psql('postgres', "SET ROLE plain; SELECT augur.load_csv('t', '$small')");
like($err, qr/permission denied to read a file of the server.*HINT:.*\\copy/s, 'files are for pg_read_server_files');
is($node->safe_psql('postgres', q{SET ROLE plain; SELECT rows_ok FROM augur.load_csv('t', content => E'id,a,b\n0,1,x')}),
	'1', 'text is for everybody');
$node->safe_psql('postgres', 'GRANT pg_read_server_files TO plain');
is($node->safe_psql('postgres', "SET ROLE plain; SELECT rows_ok FROM augur.load_csv('t', '$small')"), '1', 'a member reads');
is($node->safe_psql('postgres', 'SET ROLE plain; SELECT count(*) FROM augur.load_batches'), '2', 'and sees its batches');
is(counts('t', $small), 'duplicate|0|0|0', 'the same data of another role is a duplicate too');
$node->safe_psql('postgres', 'CREATE ROLE other; CREATE TABLE u (id int)');
($rc, $out, $err) = $node->psql('postgres', q{SET ROLE plain; SELECT augur.load_csv('u', content => E'id\n1')});
like($err, qr/permission denied for table u/, 'a table needs INSERT');
$node->safe_psql('postgres', q{GRANT INSERT ON u TO plain; ALTER TABLE u ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON u FOR INSERT WITH CHECK (id > 10)});
is($node->safe_psql('postgres', q{SET ROLE plain; SELECT rows_ok, rows_bad FROM augur.load_csv('u', content => E'id\n1\n11\n12',
	max_bad_share => 1)}), '2|1', 'policies of the table hold');
($rc, $out, $err) = $node->psql('postgres', "SELECT augur.load_csv('t', '$dir')");
like($err, qr/is not a regular file/, 'a directory is no file');

# bytes
is(counts('l', write_file('bytes.csv', "v\ngood\nze\0ro\nbad\xff\xfe\nend \xc3\xa9\r\n"), ', max_bad_share => 1'),
	'loaded|4|2|2', 'zero bytes and what is no UTF-8 are bad rows');
is($node->safe_psql('postgres', q{SELECT line, raw, sqlstate FROM augur.quarantine WHERE batch_id =
	(SELECT max(id) FROM augur.load_batches) ORDER BY row}), "3|ze\\x00ro|22021\n4|bad\\xff\\xfe|22021", 'told byte by byte');
is(counts('l', write_file('latin.csv', "v\nd\xe9j\xe0\n"), q{, encoding => 'LATIN1'}), 'loaded|1|1|0', 'another encoding');
is($node->safe_psql('postgres', q{SELECT count(*) FROM l WHERE v IN (U&'d\00E9j\00E0', U&'end \00E9')}), '2', 'is converted');
is(counts('l', write_file('mark.csv', "\xef\xbb\xbfv\nmark\n")), 'loaded|1|1|0', 'a byte order mark is passed over');
($rc, $out, $err) = $node->psql('postgres', "SELECT augur.load_csv('l', '" . write_file('utf16.csv', "\xff\xfev\0") . "')");
like($err, qr/UTF-16/, 'that of UTF-16 is told');
($rc, $out, $err) = $node->psql('postgres', "SELECT augur.load_csv('l', '$small', encoding => 'SJIS')");
like($err, qr/invalid value of argument "encoding"/, 'an encoding that hides delimiters is refused');
($rc, $out, $err) = $node->psql('postgres',
	"SELECT augur.load_csv('l', '" . write_file('huge.csv', "v\n\"" . ('x' x (66 * 1024 * 1024)) . "\"\n") . "')");
like($err, qr/the record that starts in line 2 is longer than 64 MB/, 'so is a field without end');

# a million rows, a thousand bad
my $bytes = "id,a,b\n";
$bytes .= ($_ % 1000 == 500 ? 'x' : $_ + 10) . ",$_.5,\"row, $_\"\n" for 1 .. 1_000_000;
my $big = write_file('big.csv', $bytes);

# kill -9 in the middle
my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM t');
# where it waits, that it does not end before
$node->safe_psql('postgres', q{CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
	CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id = 600010) EXECUTE FUNCTION wait()});
my $session = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT augur.load_csv('t', '$big')"],
	'<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
my $loads = q{FROM pg_stat_activity WHERE query LIKE '%load_csv%' AND wait_event = 'PgSleep'};
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $loads"), 'the load is at work');
cmp_ok($node->safe_psql('postgres', q{SELECT pg_relation_size('t')}), '>', 8_000_000, 'and has written');
kill_process($node, $node->safe_psql('postgres', "SELECT pid $loads"));
$session->finish;
$node->safe_psql('postgres', 'DROP TRIGGER wait ON t');
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), $rows, 'no row of it is left');
is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.load_batches WHERE ended_at IS NULL'), '0', 'nor a batch');
is(counts('t', $big), 'loaded|1000000|999000|1000', 'the load of the same file again is whole');
is($node->safe_psql('postgres', 'SELECT count(*), sum(id)::bigint, count(*) FILTER (WHERE a + 9.5 <> id) FROM t WHERE id > 10'),
	join('|', 999000, 500000500000 + 1000 * 10000 - 500000000 - 10 * 1000, 0), 'every good row is in, as it was');
is($node->safe_psql('postgres', q{SELECT count(*), count(*) FILTER (WHERE row % 1000 = 500 AND line = row + 1 AND "column" = 'id'
	AND value = 'x' AND raw = format('x,%s.5,"row, %s"', row, row)) FROM augur.quarantine
	WHERE batch_id = (SELECT max(id) FROM augur.load_batches)}), '1000|1000', 'every bad one is in quarantine, whole');
is(counts('t', $big), 'duplicate|0|0|0', 'a third time does nothing');

# two at once
$node->safe_psql('postgres', q{TRUNCATE t; SELECT augur.forget_batch(id) FROM augur.load_batches WHERE status = 'loaded'});
my @two = map { my $s = { out => '', err => '' };
	$s->{h} = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
		"SELECT status FROM augur.load_csv('t', '$big')"], '>', \$s->{out}, '2>', \$s->{err}); $s } 1 .. 2;
$_->{h}->finish for @two;
is(join('', sort map { $_->{out} } @two), "duplicate\nloaded\n", 'of two loads of the same file one wins');
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '999000', 'and nothing is twice');

# cancel
$node->safe_psql('postgres', q{TRUNCATE t; SELECT augur.forget_batch(id) FROM augur.load_batches WHERE status = 'loaded'});
foreach my $timeout (50, 200)
{
	my $cancelled;
	my $ms = late("a load, timeout of $timeout ms", sub { ($cancelled, my $ms) = overshoot($node, $timeout, "SELECT augur.load_csv('t', '$big')"); return $ms });
	ok($cancelled, "a load can be cancelled after $timeout ms");
	cmp_ok($ms, '<=', 250, 'at once');
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '0', 'and leaves nothing');

$node->stop;
done_testing();
