#!/usr/bin/perl
# https-stub.pl: a receiver of notifications for tests and demo, which plays Slack over TLS.
#
# usage: https-stub.pl DIR
#
# Makes a certificate authority of its own in DIR and listens on ports of localhost that the system
# chooses.  When it is ready it writes DIR/ports, lines of a name and a port:
#   good      a certificate of "localhost" by DIR/ca.pem
#   host      one of another host;  expired  one that has expired;  other  one by another authority
#   plain     no TLS at all
# Every request is a line of JSON in DIR/log (at, port, method, path, headers, body, answer), and the
# text of its message is printed.  It ends when it is killed, or with its parent process.
#
# The first part of a path tells what is answered, in steps separated by commas, the last of which
# is repeated: /500,429:2,200/anything answers 500, then 429 with "Retry-After: 2", then 200 for ever.
#   NNN          that status;  NNN:S  with Retry-After: S;  NNN!TEXT  with that body
#   noblocks     400 for a message with blocks, 200 for plain text
#   redirect     302 to /200/redirected;  echo  404 with a body that repeats the path
#   slow         200, and a body that comes a byte a second;  mute  a status line, and nothing more
#   never        no answer;  drop  the connection is closed;  huge  200 and a body of 200 MB
#   late:S       200 after S seconds;  heads  500 with 200 kB of headers
use strict;
use warnings;
use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP;
use POSIX qw(WNOHANG strftime);
use Time::HiRes qw(time sleep);

my $dir = shift or die "usage: https-stub.pl DIR\n";
my $parent = getppid;
my $json = JSON::PP->new->canonical->utf8;
$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };

sub openssl
{
	my @args = @_;
	system("openssl @args >>'$dir/openssl.log' 2>&1") == 0 or die "https-stub: openssl @args failed, see $dir/openssl.log\n";
}

sub spew
{
	my ($file, $text) = @_;
	open(my $fh, '>', "$file.new") or die "$file: $!\n";
	print $fh $text;
	close $fh;
	rename "$file.new", $file or die "$file: $!\n";
}

# An authority, and certificates signed by it.
sub authority
{
	my ($name) = @_;
	openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=augur test $name'",
		"-keyout '$dir/$name.key' -out '$dir/$name.pem'");
}

sub certificate
{
	my ($name, $ca, $host, $days) = @_;
	openssl("req -new -newkey rsa:2048 -nodes -subj '/CN=$host' -keyout '$dir/$name.key' -out '$dir/$name.csr'");
	spew("$dir/$name.ext", "subjectAltName = DNS:$host" . ($host eq 'localhost' ? ",IP:127.0.0.1,IP:::1" : '') . "\n");
	# "x509 -req -days" of 3.4 and newer makes none that has expired already
	spew("$dir/$name.cnf", "[ca]\ndefault_ca = d\n[d]\ndatabase = $dir/$name.index\nnew_certs_dir = $dir\nrand_serial = yes\n"
		. "default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n");
	spew("$dir/$name.index", '');
	my ($from, $until) = map { strftime('%Y%m%d%H%M%SZ', gmtime(time + 86400 * $_)) } $days < 0 ? (-30, $days) : (-1, $days);
	openssl("ca -batch -notext -config '$dir/$name.cnf' -startdate $from -enddate $until -cert '$dir/$ca.pem'",
		"-keyfile '$dir/$ca.key' -extfile '$dir/$name.ext' -in '$dir/$name.csr' -out '$dir/$name.pem'");
}

authority('ca');
authority('otherca');
certificate('good', 'ca', 'localhost', 30);
certificate('host', 'ca', 'elsewhere.example', 30);
certificate('expired', 'ca', 'localhost', -1);
certificate('other', 'otherca', 'localhost', 30);

my %listen;
foreach my $name (qw(good host expired other plain))
{
	$listen{$name} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1, Proto => 'tcp')
	  or die "https-stub: cannot listen: $!\n";
}
spew("$dir/log", '');
mkdir "$dir/seen";
spew("$dir/ports", join('', map { "$_ " . $listen{$_}->sockport . "\n" } sort keys %listen));

# How many requests this path has had, this one included.
sub count
{
	my ($path) = @_;
	my $file = "$dir/seen/" . unpack('H*', substr($path, 0, 100));
	open(my $fh, '+>>', $file) or die "$file: $!\n";
	flock($fh, LOCK_EX);
	print $fh '.';
	close $fh;
	return -s $file;
}

sub record
{
	my ($entry) = @_;
	open(my $fh, '>>', "$dir/log") or die "$dir/log: $!\n";
	flock($fh, LOCK_EX);
	print $fh $json->encode($entry), "\n";
	close $fh;
	my $message = eval { $json->decode($entry->{body}) };
	return unless ref $message eq 'HASH';
	my $text = $message->{text} // $entry->{body};
	$text =~ s/&lt;/</g; $text =~ s/&gt;/>/g; $text =~ s/&amp;/&/g;
	utf8::encode($text);
	$text =~ s/^/  /mg;
	print "---- $entry->{answer}\n$text\n";
}

sub serve
{
	my ($name, $raw) = @_;
	my $c = $raw;
	if ($name ne 'plain')
	{
		$c = IO::Socket::SSL->start_SSL($raw, SSL_server => 1, SSL_cert_file => "$dir/$name.pem",
			SSL_key_file => "$dir/$name.key", Timeout => 20) or return;
	}
	my ($head, $buf) = ('', '');
	while ($head !~ /\r\n\r\n/)
	{
		my $n = $c->sysread($buf, 4096) or return;
		$head .= $buf;
	}
	($head, my $body) = split /\r\n\r\n/, $head, 2;
	my ($request, @lines) = split /\r\n/, $head;
	my ($method, $path) = split / /, $request;
	my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
	print $c "HTTP/1.1 100 Continue\r\n\r\n" if lc($headers{expect} // '') eq '100-continue';
	while (length $body < ($headers{'content-length'} // 0))
	{
		my $n = $c->sysread($buf, 65536) or last;
		$body .= $buf;
	}
	my @steps = split /,/, ($path =~ m{^/([^/?]*)})[0] // '';
	my $n = count($path);
	my $step = $steps[$n <= @steps ? $n - 1 : -1] // '404';
	$step =~ s/%20/ /g;
	record({ at => time, port => $name, method => $method, path => $path, headers => \%headers, body => $body, answer => $step, n => $n });

	my ($status, $after, $text) = (200, undef, 'ok');
	if ($step =~ /^(\d\d\d)(?::(\d+))?(?:!(.*))?$/s) { ($status, $after, $text) = ($1, $2, $3 // ($1 == 200 ? 'ok' : 'no')); }
	elsif ($step eq 'noblocks') { ($status, $text) = $body =~ /"blocks"/ ? (400, 'invalid_blocks') : (200, 'ok'); }
	elsif ($step eq 'echo') { ($status, $text) = (404, "nothing is at $path"); }
	elsif ($step eq 'redirect') { print $c "HTTP/1.1 302 Found\r\nLocation: /200/redirected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; return; }
	elsif ($step eq 'never') { sleep 1 while getppid != 1; return; }
	elsif ($step eq 'mute') { print $c "HTTP/1.1 "; sleep 1 while getppid != 1; return; }
	elsif ($step eq 'drop') { return; }
	elsif ($step eq 'heads')
	{
		print $c "HTTP/1.1 500 X\r\n";
		for (1 .. 200) { print $c "X-$_: ", 'x' x 990, "\r\n" or return; }
		print $c "Content-Length: 0\r\nConnection: close\r\n\r\n";
		return;
	}
	elsif ($step =~ /^late:([\d.]+)$/) { sleep $1; }
	elsif ($step eq 'slow')
	{
		print $c "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n";
		for (1 .. 600) { print $c '.' or return; sleep 1; return if getppid == 1; }
		return;
	}
	elsif ($step eq 'huge')
	{
		print $c "HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n";
		for (1 .. 2000) { print $c 'x' x 100_000 or return; }
		return;
	}
	else { ($status, $text) = (404, 'unknown step'); }
	print $c "HTTP/1.1 $status X\r\n", (defined $after ? "Retry-After: $after\r\n" : ''),
	  "Content-Type: text/plain\r\nContent-Length: ", length($text), "\r\nConnection: close\r\n\r\n$text";
	$c->close(SSL_no_shutdown => 0) if $c->can('stop_SSL');
}

while (getppid == $parent)
{
	my $rin = '';
	vec($rin, fileno($_), 1) = 1 foreach values %listen;
	my $found = select(my $rout = $rin, undef, undef, 1);
	next unless $found > 0;
	foreach my $name (keys %listen)
	{
		next unless vec($rout, fileno($listen{$name}), 1);
		my $c = $listen{$name}->accept or next;
		my $pid = fork;
		if (defined $pid && $pid == 0)
		{
			$SIG{CHLD} = 'DEFAULT';
			$_->close foreach values %listen;
			alarm 120;
			eval { serve($name, $c) };
			POSIX::_exit(0);
		}
		$c->close;
	}
}
