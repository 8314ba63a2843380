# The scan of the server logs, which ends every run of the tests (R4), sees what it is there for.
use strict;
use warnings;
use File::Temp;
use FindBin;
use Test::More;

# not below the directory whose logs are read when the run ends
my $dir = File::Temp->newdir('/tmp/augur-scan.XXXXXX', TMPDIR => 0);
mkdir "$dir/log" or die $!;
my $scan = "$FindBin::RealBin/../lib/scan-logs";
my $head = '2026-01-01 00:00:00.000 UTC [1] ';
my $good = "${head}00000 postmaster LOG:  database system is ready to accept connections\n"
  . "${head}22012 client backend u\@d psql ERROR:  division by zero\n"
  . "${head}XX001 client backend u\@d psql ERROR:  model is damaged\n"
  . "${head}22012 client backend u\@d psql STATEMENT:  SELECT leakproof, 'no leak' FROM t\n";

sub scanned
{
	my ($name, $text) = @_;

	open(my $fh, '>', "$dir/log/$name.log") or die $!;
	print $fh $text;
	close $fh;
	my $out = `$scan $dir`;
	my $ok = $? == 0;
	unlink "$dir/log/$name.log";
	like($out, $ok ? qr/^1 passed, 0 failed$/m : qr/^0 passed, 1 failed$/m, 'the last line agrees with the status');
	return $ok;
}

ok(scanned('node', $good), 'a log of ordinary errors passes');
# as releases from 15 to 19 write them
foreach my $line (
	'XX000 client backend u@d psql ERROR:  cache lookup failed for relation 1',
	'00000 postmaster LOG:  server process (PID 7) was terminated by signal 11: Segmentation fault',
	'00000 startup PANIC:  could not locate a valid checkpoint record',
	(map { "01000 client backend u\@d psql WARNING:  $_" } 'buffer refcount leak: [001] (rel=base/1/2, refcount=1 1)',
		'relcache reference leak: relation "t" not closed', 'cache reference leak: cache pg_proc (45), tuple 1/2 has count 1',
		'plancache reference leak: plan 0x1 not closed', 'TupleDesc reference leak: TupleDesc 0x1 (1,-1) still referenced',
		'Snapshot reference leak: Snapshot 0x1 still referenced', 'temporary file leak: File 5 still referenced',
		'dynamic shared memory leak: segment 1 still referenced', 'JIT context leak: context 1 still referenced',
		'leaked hash_seq_search scan for hash table 0x1', 'leaking still-referenced relcache entry for "t"',
		'leaked parallel context', 'problem in alloc set ExecutorState: detected write past chunk end in block 0x1, chunk 0x2',
		'resource was not closed: relation "t"', '1 temporary files and directories not closed at end-of-transaction'),
	'00000 postmaster LOG:  TRAP: failed Assert("n > 0"), File: "x.c", Line: 1, PID: 2')
{
	ok(!scanned('node', $good . "$head$line\n"), "found: $line");
}
ok(!scanned('node', $good . "src/core/tree.c:1:2: runtime error: signed integer overflow\n"), 'found: what a sanitizer says');
my $killed = "${head}00000 postmaster LOG:  server process (PID 7) was terminated by signal 9: Killed\n";
ok(!scanned('node', $good . $killed), 'found: a process that was killed');
ok(scanned('crash_node', $good . $killed), 'but where a test kills processes');
ok(!scanned('crash_node', $good . $killed =~ s/signal 9: Killed/signal 11: Segmentation fault/r), 'other signals are found there, too');
# random queries: what PostgreSQL's own functions say of themselves
my $own = "${head}XX000 client backend u\@d psql ERROR:  XX000: cache lookup failed\n";
my $there = "${head}XX000 client backend u\@d psql LOCATION:  f, regproc.c:1\n";
my $query = "${head}XX000 client backend u\@d psql STATEMENT:  SELECT augur.f()\n\tFROM t\n";
my $context = "${head}XX000 client backend u\@d psql CONTEXT:  SQL function \"x\"\n\tPL/pgSQL function augur.f() line 1\n";
ok(scanned('smith', $good . $own . $there . $query . $good), 'an internal error of PostgreSQL alone passes among random queries');
ok(!scanned('node', $good . $own . $there . $query), 'but nowhere else');
ok(!scanned('smith', $good . $own . $there =~ s/regproc/predict/r . $query), 'found: one raised in a file of ours');
ok(!scanned('smith', $good . $own . $context . $there . $query), 'found: one below a function of ours');
ok(!scanned('smith', $good . $own . $query . $there), 'found: one that does not tell where');
ok(!scanned('node', $good =~ s/\] [0-9A-Z]{5} /] /gr), 'found: a log that tells no SQLSTATE');

done_testing();
