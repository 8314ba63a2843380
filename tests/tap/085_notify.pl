# Messages leave the server: every kind of answer, by CALL and by the worker, over TLS with an
# authority of the test's own (tests/lib/https-stub.pl); a process killed at any point; standby,
# dump, and the secret that must be nowhere.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Server qw(connection kill_process);
use Test::More;
use Time::HiRes qw(time sleep);

my $stub = abs_path(dirname(__FILE__) . '/../lib/https-stub.pl');
my $installed = `pg_config --pkglibdir`;
chomp $installed;
plan skip_all => 'augur_notify was not built' unless -e "$installed/augur_notify.so";
plan skip_all => 'needs IO::Socket::SSL (libio-socket-ssl-perl)' unless eval { require IO::Socket::SSL; 1 };

my $dir = PostgreSQL::Test::Utils::tempdir();
my $secrets = "$dir/secrets";
mkdir $secrets;
chmod 0700, $secrets;
# what it prints goes to a file: a pipe that nobody reads would stop it once it is full
my $server = IPC::Run::start([ $^X, $stub, $dir ], '>', "$dir/stub.out", '2>', "$dir/stub.err");
my $deadline = time + 60;
sleep 0.1 until -e "$dir/ports" || time > $deadline;
my %port = map { split ' ' } split /\n/, slurp_file("$dir/ports");

my $token = 'T0KEN' . join '', map { chr(65 + int rand 26) } 1 .. 20;
# for statements, which are logged
my $pattern = '[T]' . substr $token, 1;

sub secret
{
	my ($name, $steps, $port) = @_;
	my $file = "$secrets/$name";
	unlink $file;
	append_to_file($file, 'https://localhost:' . $port{ $port // 'good' } . "/$steps/$token\n");
	chmod 0600, $file;
}

# Requests that the stub has had, for a channel or all.
sub requests
{
	my ($word) = @_;
	# the last line may not be whole yet
	return grep { !defined $word || $_->{body} =~ /\Q$word\E/ } map { decode_json($_) } split /\n/, slurp_file("$dir/log") =~ s/[^\n]*\z//r;
}

my $hosts = join ',', map { "localhost:$_" } sort values %port;
my $conf = <<"EOC";
fsync = off
restart_after_crash = on
log_statement = all
augur.secret_directory = '$secrets'
augur.notify_hosts = '$hosts'
augur.notify_private_hosts = '$hosts'
augur.notify_ca_file = '$dir/ca.pem'
augur.notify_databases = 'postgres, other, missing'
augur.notify_role = 'postman'
augur.notify_poll = 200ms
EOC

my $node = PostgreSQL::Test::Cluster->new('crash'); # processes are killed here
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', $conf);
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION augur;
CREATE ROLE postman LOGIN;
CREATE ROLE ann LOGIN;
CREATE ROLE boss LOGIN;
SELECT augur.grant_preset('postman', 'notifier'), augur.grant_preset('ann', 'trainer'), augur.grant_preset('boss', 'admin');
CREATE FUNCTION public.due() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	UPDATE augur.notifications SET next_at = now() WHERE status = 'retry_wait' AND next_at > now();
	-- of deliverers that are gone, as time would
	UPDATE augur.notifications n SET lease_until = now() - interval '1 s' WHERE status = 'sending'
	AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid::text = split_part(n.lease_owner, '.', 1));
	UPDATE augur.channel_states SET paused_until = NULL, tried_at = NULL;
	-- with a worker, which takes rows in an order of its own: who asks does so again
	EXCEPTION WHEN deadlock_detected THEN NULL; END $$;
SQL
sub sql { return $node->safe_psql('postgres', @_); }
sub status { return sql("SELECT string_agg(concat_ws(' ', n.status, a.http), ',' ORDER BY n.id) FROM augur.notifications n JOIN augur.channels c ON c.id = n.channel_id
	LEFT JOIN LATERAL (SELECT http FROM augur.notification_attempts t WHERE t.notification_id = n.id ORDER BY t.id DESC LIMIT 1) a ON true WHERE c.name = '$_[0]'"); }

# ---- not preloaded: everything waits, and a CALL sends --------------------------------------------

is(sql('SELECT state FROM augur._notify_worker()'), 'not loaded', 'without preload there is no worker');

my %answers = (
	# name => steps, port, what comes of it at first, at last, requests; attempts are not counted, as
	# on a busy machine one may fail before anything is sent
	ok       => [ '200',            'good',    'sent 200',       undef,            1 ],
	limited  => [ '429:1,200',      'good',    'sent 200',       undef,            2 ],
	pausing  => [ '429,200',        'good',    qr/^(retry_wait 429|sent 200)$/, 'sent 200', 2 ], # after 30 s
	unwell   => [ '500,503,200',    'good',    qr/^(retry_wait|sent)/, 'sent 200', 3 ],
	busy     => [ '408,200',        'good',    qr/^(retry_wait|sent)/, 'sent 200', 2 ],
	bad      => [ '400',            'good',    'dead 400',       undef,            2 ],
	noblocks => [ 'noblocks',       'good',    'sent 200',       undef,            2 ],
	forbidden => [ '403',           'good',    'dead 403',       undef,            1 ],
	unknown  => [ '404',            'good',    'dead 404',       undef,            1 ],
	archived => [ '410',            'good',    'dead 410',       undef,            1 ],
	teapot   => [ '418',            'good',    'dead 418',       undef,            1 ],
	moved    => [ 'redirect',       'good',    'dead 302',       undef,            1 ],
	echo     => [ 'echo',           'good',    'dead 404',       undef,            1 ],
	slow     => [ 'slow',           'good',    'sent 200',       undef,            1 ],
	huge     => [ 'huge',           'good',    'sent 200',       undef,            1 ],
	heads    => [ 'heads,200',      'good',    qr/^(retry_wait|sent)/, 'sent 200', 2 ],
	never    => [ 'never,200',      'good',    qr/^(retry_wait|sent)/, 'sent 200',     2 ],
	dropped  => [ 'drop,200',       'good',    qr/^(retry_wait|sent)/, 'sent 200', 2 ],
	host     => [ '200',            'host',    qr/^(retry_wait|dead)$/, undef,       0 ],
	expired  => [ '200',            'expired', qr/^(retry_wait|dead)$/, undef,       0 ],
	other    => [ '200',            'other',   qr/^(retry_wait|dead)$/, undef,       0 ],
	plain    => [ '200',            'plain',   qr/^(retry_wait|dead)$/, undef,       0 ]);
foreach my $name (sort keys %answers)
{
	secret($name, @{ $answers{$name} }[ 0, 1 ]);
	$node->safe_psql('postgres', "SELECT augur.create_channel('$name', 'file:$name'), augur.test_channel('$name')", extra_params => [ '-U', 'boss' ]);
}
is($node->safe_psql('postgres', 'SELECT sum(waiting) FROM augur.notification_status'), scalar(keys %answers), 'all is queued');
# as the deliverer: by pg_cron, as it were
my ($rc, $out, $err) = $node->psql('postgres', 'CALL augur.deliver_notifications()', extra_params => [ '-U', 'postman' ], timeout => 170);
is($rc, 0, 'they are delivered by a role that may do nothing else') or diag $err;
foreach my $name (sort keys %answers)
{
	my ($steps, $port, $first) = @{ $answers{$name} };
	like(status($name), ref $first ? $first : qr/^($first|retry_wait.*)$/, "$name: $steps");
}
foreach (1 .. 6)
{
	sql("UPDATE augur.channels SET enabled = name <> 'plain'; SELECT public.due()");
	$node->psql('postgres', 'CALL augur.deliver_notifications()', extra_params => [ '-U', 'postman' ], timeout => 170);
}
foreach my $name (sort keys %answers)
{
	my ($steps, $port, $first, $last, $n) = @{ $answers{$name} };
	ref $first && !defined $last ? like(status($name), $first, "$name: at last") : is(status($name), $last // $first, "$name: at last");
	is(scalar(requests("Channel $name ")), $n, "$name: requests");
}
is(scalar(grep { $_->{path} =~ /redirected/ } requests()), 0, 'no redirect is followed');
foreach ([ 'expired', 'certificate has expired' ], [ 'host', 'match' ], [ 'other', 'unable to get local issuer|self.signed|unknown' ])
{
	my ($name, $why) = @$_;
	cmp_ok(sql("SELECT count(*) FROM augur.notification_attempts a JOIN augur.notifications n ON n.id = a.notification_id
		JOIN augur.channels c ON c.id = n.channel_id WHERE c.name = '$name' AND a.error ~* '$why'"), '>', 0, "wrong certificate: $name");
}
is(sql("SELECT string_agg(channel, ' ' ORDER BY channel) FROM augur.notification_status WHERE state = 'refused'"),
	'archived echo forbidden unknown', 'circuits are open');
like(sql("SELECT response FROM augur.notification_log WHERE channel = 'echo' AND status = 'dead'"), qr{nothing is at \*\*\*}, 'the path is blotted out');
is(sql("SELECT string_agg(DISTINCT error, ' ') FROM augur.notification_attempts WHERE http = 500 AND error IS NOT NULL"), 'the response is too large',
	'nor is the head of a response read without end');
is(sql("SELECT length(response) <= 1024 FROM augur.notification_log WHERE channel = 'huge'"), 't', 'the beginning of a response is kept');
is(sql("SELECT count(*) FROM augur.notification_attempts WHERE response ~ '$pattern' OR error ~ '$pattern'"), '0', 'no attempt has the secret');
like((requests('Channel noblocks'))[1]{body}, qr/"text"/, 'plain text after blocks');
unlike((requests('Channel noblocks'))[1]{body}, qr/"blocks"/, 'without them');
is((requests('Channel ok '))[0]{headers}{'content-type'}, 'application/json; charset=utf-8', 'JSON');

# a corrected address, the circuit closed by hand, the dead come back
secret('unknown', '200');
$node->safe_psql('postgres', "SELECT augur.channel_enable('unknown'), augur.notification_retry('unknown')", extra_params => [ '-U', 'boss' ]);
sql('CALL augur.deliver_notifications()');
is(status('unknown'), 'sent 200', 'the address is read anew, and what was dead is sent');
is(sql("SELECT count(*) FROM augur.events WHERE kind = 'channel_recovered' AND subject = 'unknown'"), '1', 'which is an event');

# ---- who may send where ---------------------------------------------------------------------------

sub refused
{
	my ($what, $pattern, $content, $mode) = @_;
	my $file = "$secrets/trial";
	unlink $file;
	if (ref $content) { $content->($file) } else { append_to_file($file, $content); chmod $mode // 0600, $file; }
	sql("DELETE FROM augur.channels WHERE name = 'trial'; SELECT augur.create_channel('trial', 'file:trial'), augur.test_channel('trial'); ");
	sql('CALL augur.deliver_notifications()');
	my $said = sql("SELECT concat(status, ' ', reason) FROM augur.notification_log WHERE channel = 'trial'");
	like($said, qr/^retry_wait .*$pattern/, "refused: $what");
	unlike($said, qr/secretpath/, "and the secret is not told");
}
my $before = scalar requests();
my $good = $port{good};
refused('readable by others', 'mode must be 0600', "https://localhost:$good/200/secretpath", 0640);
refused('missing', 'does not exist', sub { });
append_to_file("$dir/elsewhere", "https://localhost:$good/200/secretpath");
chmod 0600, "$dir/elsewhere";
refused('a symbolic link out of the directory', 'symbolic link out of', sub { symlink "$dir/elsewhere", $_[0] });
refused('a symbolic link to nothing', 'does not exist', sub { symlink 'nothing', $_[0] });
mkdir "$secrets/open";
append_to_file("$secrets/open/url", "https://localhost:$good/200/secretpath");
chmod 0600, "$secrets/open/url";
chmod 0775, "$secrets/open";
refused('a directory that others write', 'may be written by others', sub { symlink 'open/url', $_[0] });
chmod 0770, $secrets;
refused('the directory of all, that others write', 'may be written by others', "https://localhost:$good/200/secretpath");
chmod 0700, $secrets;
refused('a directory', 'not a regular file', sub { mkdir $_[0] });
rmdir "$secrets/trial";
refused('a fifo', 'not a regular file', sub { system('mkfifo', '-m', '600', $_[0]) });
refused('empty', 'empty', "\n");
refused('too large', 'too large', 'https://localhost/' . 'x' x 5000);
refused('not https', 'must begin with https', "http://localhost:$good/200/secretpath");
refused('another scheme', 'must begin with https', 'file:///etc/passwd?secretpath');
refused('a line break inside', 'visible ASCII', "https://localhost:$good/200/secretpath\r\nX-Evil: 1\r\n");
refused('a NUL', 'visible ASCII', "https://localhost:$good/200/secretpath\0.example");
refused('unicode', 'visible ASCII', "https://l\xc3\xb6calhost:$good/200/secretpath");
refused('a user', 'must have a host', "https://localhost:$good\@evil.example/secretpath");
refused('a user before', 'must have a host', "https://hooks.slack.com\@localhost:$good/secretpath");
refused('a backslash', 'visible ASCII', "https://localhost:$good\\\@evil.example/secretpath");
refused('no path', 'and a path', "https://localhost:$good?secretpath");
refused('no port', 'no valid port', 'https://localhost:/secretpath');
refused('a port too high', 'no valid port', 'https://localhost:65536/secretpath');
refused('a host not listed', 'augur.notify_hosts', 'https://example.com/secretpath');
refused('a port not listed', 'augur.notify_hosts', 'https://localhost:1/secretpath');
refused('a dot at the end', 'augur.notify_hosts', "https://localhost.:$good/secretpath");
refused('an address for a name', 'augur.notify_hosts', "https://127.0.0.1:$good/secretpath");
refused('a number for a name', 'augur.notify_hosts', "https://2130706433:$good/secretpath");
refused('IPv6', 'augur.notify_hosts', "https://[::1]:$good/secretpath");
is(scalar(requests()), $before, 'nothing of this was sent');
unlink "$secrets/trial";
append_to_file("$secrets/trial", "https://LOCALHOST:$good/200/secretpath\r\n");
chmod 0600, "$secrets/trial";
sql('SELECT public.due()');
sql('CALL augur.deliver_notifications()');
is(scalar(requests('Channel trial ')), 1, 'upper case and an end of line are well');

# a volume of Kubernetes: links, the last of which is changed when the secret is
sub volume
{
	my ($version, $steps) = @_;
	mkdir "$secrets/..$version";
	append_to_file("$secrets/..$version/trial", "https://localhost:$good/$steps/secretpath");
	chmod 0400, "$secrets/..$version/trial";
	symlink "..$version", "$secrets/..new";
	rename "$secrets/..new", "$secrets/..data";
	sql("DELETE FROM augur.channels WHERE name = 'trial'; SELECT augur.create_channel('trial', 'file:trial'), augur.test_channel('trial'); ");
	sql('CALL augur.deliver_notifications()');
	return sql("SELECT concat_ws(' ', status, reason) FROM augur.notification_log WHERE channel = 'trial'");
}
unlink "$secrets/trial";
symlink '..data/trial', "$secrets/trial";
is(volume('2026_1', '200'), 'sent', 'a secret behind links of its own directory');
is(volume('2026_2', '418'), 'dead HTTP status 418', 'and after it was changed');
unlink "$secrets/trial";

# what a receiver repeats, however short or alike the parts of the path are
foreach my $path ('echo/a1/b2/c3', 'echo/secret/secretpath')
{
	append_to_file("$secrets/trial", "https://localhost:$good/$path");
	chmod 0600, "$secrets/trial";
	sql("DELETE FROM augur.channels WHERE name = 'trial'; SELECT augur.create_channel('trial', 'file:trial'), augur.test_channel('trial'); ");
	sql('CALL augur.deliver_notifications()');
	is(sql("SELECT response FROM augur.notification_log WHERE channel = 'trial'"), 'nothing is at ***', "blotted out: $path");
	unlink "$secrets/trial";
}

# private addresses: refused after the name was resolved, unless listed
sub private
{
	my ($host, $private) = @_;
	$node->append_conf('postgresql.conf', "augur.notify_hosts = '$host:$good'\naugur.notify_private_hosts = '$private'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('augur.notify_hosts') = '$host:$good' FROM augur._notify_worker()") or die 'the settings are not read';
	unlink "$secrets/trial";
	append_to_file("$secrets/trial", "https://$host:$good/200/secretpath");
	chmod 0600, "$secrets/trial";
	sql("DELETE FROM augur.channels WHERE name = 'trial'; SELECT augur.create_channel('trial', 'file:trial'), augur.test_channel('trial')");
	sql('CALL augur.deliver_notifications()');
	return sql("SELECT concat_ws(' ', status, reason) FROM augur.notification_log WHERE channel = 'trial'");
}
my $refused = qr/retry_wait the host resolves to a private address/;
like(private('localhost', ''), $refused, 'a name of a private address is refused');
like(private('localhost', 'localhost:1'), $refused, 'its port counts, too');
like(private($_, "localhost:$good"), $refused, "refused: $_")
  foreach ('127.0.0.1', '127.1', '0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1', '[::1]',
	'[::]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fc00::1]', '[fd12::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[ff02::1]');
is(private('localhost', "localhost:$good"), 'sent', 'and sent where it is listed');
$node->append_conf('postgresql.conf', "augur.notify_hosts = '$hosts'\naugur.notify_private_hosts = '$hosts'");

# nobody but a superuser can point the server anywhere
foreach my $set ("augur.secret_directory = '/tmp'", "augur.notify_hosts = 'evil.example'", "augur.notify_private_hosts = 'x:1'", "augur.notify_ca_file = '/tmp/x'")
{
	foreach my $role ('boss', 'postman')
	{
		($rc, $out, $err) = $node->psql('postgres', "SELECT state FROM augur._notify_worker(); SET $set", extra_params => [ '-U', $role ]);
		like($err, qr/permission denied to set parameter/, "$role may not set $set");
		# before the library is there it is only a word
		$node->psql('postgres', "SET $set; SELECT state FROM augur._notify_worker(); SELECT current_setting('" . ($set =~ s/ =.*//r) . "')",
			stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
		my $value = ($set =~ /'(.*)'/)[0];
		isnt((split /\n/, $out // '')[-1] // '', $value, "nor before the library is loaded: $role, $set");
	}
}
foreach my $role ('ann')
{
	($rc, $out, $err) = $node->psql('postgres', 'CALL augur.deliver_notifications()', extra_params => [ '-U', $role ]);
	like($err, qr/permission denied to deliver/, "$role may not deliver");
	($rc, $out, $err) = $node->psql('postgres', "SELECT augur.create_channel('mine', 'file:ok')", extra_params => [ '-U', $role ]);
	like($err, qr/permission denied to create channels/, "$role may not make channels");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM augur.notification_log', extra_params => [ '-U', $role ]), '0', "$role sees no message");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE setting ~ '$pattern'", extra_params => [ '-U', $role ]), '0', 'no setting has the secret');
}

# the search path of the caller is nothing to us
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA evil;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
GRANT USAGE ON SCHEMA evil TO postman;
SQL
$node->reload;
sql("SELECT augur.test_channel('ok')");
is($node->psql('postgres', 'SET search_path = evil, pg_catalog; CALL augur.deliver_notifications()', extra_params => [ '-U', 'postman' ]), 0,
	'a path with traps in front');

# ---- databases of other encodings: JSON is UTF-8 ------------------------------------------------------

secret('enc', '200');
foreach ([ 'LATIN1', '7820fc', "x \x{fc}" ], [ 'EUC_JP', '7820b0a1', "x \x{4e9c}" ], [ 'SQL_ASCII', '7820c3bc20ff', "x \x{fc} ?" ], [ 'ISO_8859_6', '7820a1', 'x ?' ])
{
	my ($encoding, $bytes, $text) = @$_;
	my $database = lc "enc_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING $encoding TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, "CREATE EXTENSION augur; SELECT augur.create_channel('enc', 'file:enc'), augur.create_route('all', 'enc', group_wait => '0')");
	$node->safe_psql($database, "SELECT augur.emit('of_" . lc($encoding) . "', 'error', convert_from('\\x$bytes', '$encoding'))");
	$node->safe_psql($database, 'CALL augur.deliver_notifications()');
	is($node->safe_psql($database, 'SELECT status FROM augur.notifications'), 'sent', "$encoding: sent");
	like(decode_json((requests())[-1]{body})->{text}, qr/: \Q$text\E$/m, "$encoding: received as it was meant");
	$node->safe_psql('postgres', "DROP DATABASE $database");
}

# ---- an event of somebody who knows nothing of channels ---------------------------------------------

sql("TRUNCATE augur.notifications; DELETE FROM augur.channels WHERE name <> 'ok'; SELECT augur.create_route('all', 'ok', min_severity => 'warning')");
$node->safe_psql('postgres', "SELECT augur.emit('by_ann', 'error', 'x'); BEGIN; SELECT augur.emit('undone', 'error'); ROLLBACK", extra_params => [ '-U', 'ann' ]);
is(sql("SELECT string_agg(kind, ' ') FROM augur.notifications"), 'by_ann', 'queued with the event, and only then');

# ---- a name server that does not answer, and cancelling -------------------------------------------------

# Calls of deliver_notifications, cancelled once the condition holds; returns its message and how long that took,
# by the server's clock.
sub cancelled
{
	my ($when) = @_;
	my $call = connection($node);
	$call->send('CALL augur.deliver_notifications()', 'SELECT extract(epoch FROM clock_timestamp())');
	$deadline = time + 30;
	sleep 0.05 until $when->() || time > $deadline;
	my $asked = sql("SELECT extract(epoch FROM clock_timestamp()) FROM pg_stat_activity WHERE query ~ '^CALL' AND pid <> pg_backend_pid() AND pg_cancel_backend(pid)");
	my ($answer, $clock) = $call->answers(2);
	return ($answer->[1], $clock->[1] - $asked);
}
my $resolver = "$dir/resolver";
append_to_file("$resolver.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (node && strcmp(node, "never.example") == 0)
	{
		sleep(40);
		return EAI_AGAIN;
	}
	*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}
C
SKIP:
{
	skip 'needs a C compiler and libcurl 7.87', 5
	  if system("cc -shared -fPIC -o '$resolver.so' '$resolver.c' -ldl 2>/dev/null") != 0
	  || system('curl-config --checkfor 7.87.0 >/dev/null 2>&1') != 0;
	$node->stop;
	$node->append_conf('postgresql.conf', "augur.notify_hosts = '$hosts,never.example'");
	{
		local $ENV{LD_PRELOAD} = "$resolver.so";
		$node->start;
	}
	unlink "$secrets/ok";
	append_to_file("$secrets/ok", 'https://never.example/secretpath');
	chmod 0600, "$secrets/ok";
	sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('ok')");
	my $begun = time;
	sql('CALL augur.deliver_notifications(1)');
	cmp_ok(time - $begun, '<', 20, 'a name server that does not answer is not waited for');
	like(sql("SELECT reason FROM augur.notifications"), qr/timed? ?out/i, 'but for the time to connect');
	sql('SELECT public.due()');
	my ($message, $seconds) = cancelled(sub { sql('SELECT status FROM augur.notifications') eq 'sending' });
	like($message, qr/canceling statement due to user request/, 'and a call is cancelled meanwhile');
	cmp_ok($seconds, '<', 3, 'at once');
	$node->append_conf('postgresql.conf', "augur.notify_hosts = '$hosts'");
	$node->restart;
	secret('ok', '200');
	sql('SELECT public.due()');
	sql('CALL augur.deliver_notifications()');
	is(sql('SELECT status FROM augur.notifications'), 'sent', 'a lease that was left behind runs out');
}
# what else is in the server's environment
$node->stop;
{
	local @ENV{qw(https_proxy HTTPS_PROXY all_proxy ALL_PROXY SSLKEYLOGFILE)} = (('http://127.0.0.1:1') x 4, "$dir/keys");
	$node->start;
}
secret('ok', '200');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('ok')");
sql('CALL augur.deliver_notifications()');
is(sql('SELECT status FROM augur.notifications'), 'sent', 'proxies of the environment are not used');
ok(!-e "$dir/keys", 'nor are keys of connections written');
# what was answered is written before the call ends, however it ends
secret('ok', 'never');
secret('hook', '200');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.create_channel('hook', 'file:hook', 'webhook'), augur.test_channel('ok'), augur.test_channel('hook'), public.due()");
$before = scalar requests();
my ($message, $seconds) = cancelled(sub { sql("SELECT count(*) FROM augur.notifications WHERE status = ANY ('{sending,sent}')") eq '2' && scalar(requests()) >= $before + 2
	# what the second receiver answers has come
	&& sleep(1) });
like($message, qr/canceling statement due to user request/, 'a call is cancelled while a receiver does not answer');
cmp_ok($seconds, '<', 3, 'at once');
is(sql("SELECT string_agg(c.name || ' ' || n.status, ',' ORDER BY n.id) FROM augur.notifications n JOIN augur.channels c ON c.id = n.channel_id"),
	'ok sending,hook sent', 'what another had answered is written');
secret('ok', '200');
sql("SELECT augur.drop_channel('hook'); TRUNCATE augur.notifications, augur.notification_attempts");
$node->safe_psql('postgres', "SELECT augur.emit('by_ann', 'error', 'x')", extra_params => [ '-U', 'ann' ]);
$node->stop;

# ---- the worker --------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'augur_notify'");
$node->start;
$node->poll_query_until('postgres', "SELECT state = 'running' FROM augur._notify_worker()") or die 'no worker';
sql("SELECT augur.drop_route('all'), augur.create_route('all', 'ok', min_severity => 'warning', group_wait => '1 s', group_interval => '2 s')");
sql("SELECT augur.emit('to_worker', 'critical', 'now')");
ok($node->poll_query_until('postgres', "SELECT status = 'sent' FROM augur.notifications WHERE kind = 'to_worker'"), 'the worker sends');
is(sql("SELECT count(*) FROM augur.notification_attempts WHERE notification_id = (SELECT id FROM augur.notifications WHERE kind = 'to_worker')"), '1', 'once');
ok($node->poll_query_until('postgres', "SELECT bool_and(status IN ('sent', 'grouped')) FROM augur.notifications"), 'what had waited, too');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'augur notify' AND usename <> 'postman'"), '0', 'as its role');

# a flood: a handful of messages, with the right counts
sql('TRUNCATE augur.notifications, augur.notification_attempts');
$before = scalar requests();
my $flood = time;
IPC::Run::run([ 'psql', '-qAtX', '-d', $node->connstr('postgres'), '-f', '-' ], '<',
	\join('', map { "SELECT augur.emit('pipeline_failed', 'error', 'p$_/1', '{\"pipeline\": \"p$_\"}');\n" } 1 .. 500), '>', \my $ignored);
$flood = time - $flood;
ok($node->poll_query_until('postgres', "SELECT count(*) = 500 FROM augur.notifications WHERE status IN ('sent', 'grouped')"), '500 failures are told');
my @told = map { $_->{body} } (requests())[ $before .. scalar(requests()) - 1 ];
# one every two seconds, as long as it takes
cmp_ok(scalar(@told), '<=', 3 + $flood / 2, 'in ' . @told . ' messages');
my $total = 0;
$total += /"text": ?"[^"]*?([0-9,]+) × pipeline failed/ ? $1 =~ s/,//gr : 1 foreach @told;
is($total, 500, 'that count them all');

# two deliverers and the worker at once: everything once
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.alter_channel('ok', per_hour => 3600)");
foreach my $i (1 .. 6) { secret("c$i", '200'); sql("SELECT augur.create_channel('c$i', 'file:c$i'), augur.create_route('c$i', 'c$i', kinds => '{many}', digest => false, continues => true, priority => 1)"); }
$before = scalar requests();
sql("SELECT augur.emit('many', 'info', 's' || i) FROM generate_series(1, 3) i");
# whatever isolation transactions have by default
sql('ALTER DATABASE postgres SET default_transaction_isolation = serializable');
my ($call_out, $call_err) = ('', '');
my @calls = map { IPC::Run::start([ 'psql', '-qAtX', '-d', $node->connstr('postgres'), '-c', 'CALL augur.deliver_notifications()' ], '>>', \$call_out, '2>>', \$call_err) } 1 .. 4;
$_->finish foreach @calls;
is($call_err, '', 'deliverers do not disturb each other');
ok($node->poll_query_until('postgres', "SELECT count(*) = 18 FROM augur.notifications WHERE status = 'sent'"), 'deliverers side by side');
is(scalar(requests()) - $before, 18, 'each message once');

# one that waits for a lock of another transaction to write its result
secret('c1', 'late:2');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('c1')");
$before = scalar requests();
$deadline = time + 30;
sleep 0.05 until scalar(requests()) > $before || time > $deadline;
sql("BEGIN ISOLATION LEVEL READ COMMITTED; UPDATE augur.channel_states SET reason = reason; SELECT pg_sleep(4); COMMIT");
ok($node->poll_query_until('postgres', "SELECT status = 'sent' FROM augur.notifications"), 'a result is written after a lock is released');
is(scalar(requests()) - $before, 1, 'and nothing is sent twice');
secret('c1', '200');
sql('ALTER DATABASE postgres RESET default_transaction_isolation');

# a receiver that does not answer holds up nobody but its own channel
secret('ok', 'never');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('ok'), augur.test_channel('c1')");
$before = scalar requests();
$deadline = time + 30;
sleep 0.05 until scalar(grep { $_->{answer} eq 'never' } (requests())[ $before .. scalar(requests()) - 1 ]) || time > $deadline;
sql("SELECT augur.test_channel('c2')");
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM augur.notifications WHERE status = 'sent'"), 'others are told');
is(sql("SELECT string_agg(c.name || ' ' || n.status, ',' ORDER BY n.id) FROM augur.notifications n JOIN augur.channels c ON c.id = n.channel_id"),
	'ok sending,c1 sent,c2 sent', 'while one does not answer');

# a database that is taken off the list while its worker is at it
$node->append_conf('postgresql.conf', "augur.notify_databases = 'other'");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT state = 'not listed' FROM augur._notify_worker()"), 'a database is taken off the list');
$node->append_conf('postgresql.conf', "augur.notify_databases = 'postgres, other, missing'");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT state = 'running' FROM augur._notify_worker()"), 'and put back');
$node->append_conf('postgresql.conf', "augur.notify_role = 'nobody'");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT status = 'warning' AND detail ~ 'names no role that can log in' AND hint IS NOT NULL
	FROM augur.health() WHERE component = 'notifications'}), 'health warns of a worker that cannot work, before anything waits for long');
$node->append_conf('postgresql.conf', "augur.notify_role = 'postman'");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT status = 'ok' FROM augur.health() WHERE component = 'notifications'}), 'and no longer');

# no transaction is open and nothing is locked while a receiver is waited for
secret('ok', 'late:4');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('ok')");
ok($node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM augur.notifications WHERE status = 'sending')"), 'a request is under way');
# but when it looks for others' messages, which takes no time
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity a WHERE backend_type = 'augur notify' AND (backend_xmin IS NOT NULL
	OR backend_xid IS NOT NULL OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'relation'))) FROM augur.notifications WHERE status = 'sending'"),
	'the worker holds nothing');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '$pattern'"), '0', 'the secret is not in pg_stat_activity');
ok($node->poll_query_until('postgres', "SELECT status = 'sent' FROM augur.notifications"), 'and it ends well');

# a stop in the middle of a request takes no ten seconds
secret('ok', 'never');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.test_channel('ok')");
$before = scalar requests();
$deadline = time + 30;
sleep 0.1 until scalar(requests()) > $before || time > $deadline;
my $begun = time;
$node->stop('fast');
cmp_ok(time - $begun, '<', 7, 'a fast stop does not wait for the receiver');
$node->start;

# ---- killed: nothing is lost, and only what was between sending and writing is told twice ------------------

sub killed
{
	my ($what, $kind, $steps, $port, $when, $expected) = @_;
	secret('ok', $steps, $port);
	sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.emit('killed_$kind', 'critical', 'now')");
	$deadline = time + 30;
	my $pid;
	until ($when->() || time > $deadline) { sleep 0.02; }
	$pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'augur notify launcher'") if $what =~ /after/;
	$pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'augur notify'") if $what !~ /commit/;
	like($pid, qr/^\d+$/, "$what: there is a process to kill");
	kill_process($node, $pid);
	secret('ok', '200');
	foreach (1 .. 600)
	{
		last if sql('SELECT public.due(); SELECT status FROM augur.notifications') =~ /sent/;
		sleep 0.1;
	}
	is(sql("SELECT status FROM augur.notifications"), 'sent', "$what: sent");
	is(scalar(requests("Killed $kind")), $expected, "$what: received $expected times");
}
# no TLS there: the request is not sent before the client gives up after 3 s
killed('before sending', 'before', '200', 'plain', sub { sql("SELECT status FROM augur.notifications") eq 'sending' }, 1);
killed('after the answer', 'answer', 'late:5', 'good', sub { scalar(requests('Killed answer')) }, 2);
killed('after the commit', 'commit', '200', 'good', sub { sql("SELECT status FROM augur.notifications") eq 'sent' }, 1);

# ---- nothing is in the worker's way, nor it in anybody's ---------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE other');
ok($node->poll_query_until('other', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'augur notify launcher'"), 'the launcher lives');
$node->safe_psql('other', 'CREATE EXTENSION augur; SELECT augur.grant_preset(\'postman\', \'notifier\'); SELECT augur.create_channel(\'ok\', \'file:ok\'), augur.test_channel(\'ok\')');
ok($node->poll_query_until('other', "SELECT status = 'sent' FROM augur.notifications"), 'a database that is made later is served');
is($node->psql('other', 'DROP EXTENSION augur'), 0, 'the extension is dropped');
# PostgreSQL waits for five seconds for the worker to leave
ok($node->psql('postgres', 'DROP DATABASE other') == 0 || $node->psql('postgres', 'DROP DATABASE other') == 0, 'the database is dropped');
is($node->safe_psql('postgres', "SELECT state FROM augur._notify_worker()"), 'running', 'and the worker goes on elsewhere');

# ---- a standby sends nothing; promoted, it sends what waits --------------------------------------------------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('crash_standby'); # processes are killed here
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
like($standby->safe_psql('postgres', 'SELECT state FROM augur._notify_worker()'), qr/recovery/, 'no worker on a standby');
($rc, $out, $err) = $standby->psql('postgres', 'CALL augur.deliver_notifications()');
like($err, qr/read-only|recovery/, 'nor a CALL');
secret('ok', '503');
sql("TRUNCATE augur.notifications, augur.notification_attempts; SELECT augur.emit('backlog', 'critical', 'waits')");
$node->poll_query_until('postgres', "SELECT status = 'retry_wait' FROM augur.notifications WHERE kind = 'backlog'") or die 'not tried';
$node->wait_for_catchup($standby);
$node->stop('fast');
secret('ok', '200');
$standby->promote;
$standby->safe_psql('postgres', 'SELECT public.due()');
ok($standby->poll_query_until('postgres', "SELECT status = 'sent' FROM augur.notifications WHERE kind = 'backlog'"), 'the new primary sends the backlog');

# ---- a dump has the channels, but neither messages nor secrets -----------------------------------------------

$standby->safe_psql('postgres', "SELECT augur.alter_channel('ok', enabled => false); SELECT augur.alter_channel('ok', enabled => true); SELECT augur.emit('unsent', 'error', 'old') FROM augur.routes LIMIT 1");
my $dump = "$dir/dump.sql";
$standby->command_ok([ 'pg_dumpall', '-f', $dump, '--no-sync', '-d', $standby->connstr('postgres') ], 'dump');
my $text = slurp_file($dump);
unlike($text, qr/$token/, 'the secret is not in the dump');
like($text, qr/file:ok/, 'the reference is');
$standby->safe_psql('postgres', 'CREATE DATABASE restored');
$standby->command_ok([ 'bash', '-c', "pg_dump -d '" . $standby->connstr('postgres') . "' | psql -qX -v ON_ERROR_STOP=1 -d '" . $standby->connstr('restored') . "' >/dev/null" ], 'restore');
is($standby->safe_psql('restored', 'SELECT count(*) FROM augur.channels'), '7', 'channels are restored');
is($standby->safe_psql('restored', 'SELECT count(*) FROM augur.notifications'), '0', 'messages are not');
# the database that was dumped has sent its own
ok($standby->poll_query_until('postgres', q{SELECT count(*) > 0 AND count(*) = count(ended_at) FROM augur.notifications}), 'the other database goes on');
$before = scalar requests();
$standby->safe_psql('restored', 'CALL augur.deliver_notifications()');
is(scalar(requests()), $before, 'a restored database tells nothing old');
$standby->safe_psql('restored', "SELECT augur.test_channel('c1')");
$standby->safe_psql('restored', 'CALL augur.deliver_notifications()');
is(scalar(requests()), $before + 1, 'but what is new');
$standby->stop;

foreach my $n ($node, $standby)
{
	unlike(slurp_file($n->logfile), qr/$token|secretpath/, 'the secret is not in the log of ' . $n->name);
	unlike(slurp_file($n->logfile), qr/PANIC|TRAP:|XX000.*augur/, 'nor is trouble');
}
$server->kill_kill(grace => 2);
done_testing();
