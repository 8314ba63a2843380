# Wire.pm: a client of PostgreSQL's protocol, version 3, for tests that send many values.
#
#	my $wire = Wire->new($directory_of_socket, $port, $user, $database);
#	my @rows = $wire->query('SELECT 1');		# dies of an error
#	$wire->prepare('s', 'SELECT $1::int');
#	$wire->submit('s', 1, 0, @values);			# one parameter, sent in binary, answered in text
#	my @answers = $wire->answers(scalar @values);
#	$wire->send(@statements);					# without a parameter, each with an answer
#
# Each value is a Bind, Execute and Sync of its own, so that an error ends with it; many are under
# way at once.  An answer is [SQLSTATE, message] or [undef, first column of the first row].  There
# are fewer answers than were asked for when the connection was lost ($wire->{lost} says why); the
# first value without one is what the server was at.
package Wire;
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

use constant SILENCE => 180;	# seconds without a byte: the server hangs

sub new
{
	my ($class, $directory, $port, $user, $database) = @_;
	my $path = "$directory/.s.PGSQL.$port";
	my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
	my $self = bless { socket => $socket, out => '', in => '', rows => [], answers => [] }, $class;

	$socket->blocking(0);
	$self->{select} = IO::Select->new($socket);
	my $start = pack('N', 196608) . "user\0$user\0database\0$database\0\0";
	$self->{out} = pack('N', 4 + length $start) . $start;
	my ($answer) = $self->answers(1);
	die "cannot connect to $path: " . ($self->{lost} // $answer->[1]) . "\n"
	  if !$answer || defined $answer->[0];
	return $self;
}

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

# The first columns of all rows of a query.
sub query
{
	my ($self, $sql) = @_;

	$self->{out} .= message('Q', "$sql\0");
	my ($answer) = $self->answers(1);
	die "$sql: " . ($self->{lost} // "$answer->[0] $answer->[1]") . "\n"
	  if !$answer || defined $answer->[0];
	return @{ $self->{rows} };
}

# Sends statements that the server takes one after the other without waiting for this client.
sub send
{
	my ($self, @statements) = @_;

	$self->{out} .= join '', map { message('Q', "$_\0") } @statements;
	$self->transfer(0);
	return;
}

# The same; their answers.
sub script
{
	my ($self, @statements) = @_;

	$self->send(@statements);
	return $self->answers(scalar @statements);
}

sub prepare
{
	my ($self, $name, $sql) = @_;

	$self->{out} .= message('P', "$name\0$sql\0" . pack('n', 0)) . message('S', '');
	my ($answer) = $self->answers(1);
	die "$sql: " . ($self->{lost} // "$answer->[0] $answer->[1]") . "\n"
	  if !$answer || defined $answer->[0];
	return;
}

my $execute = message('E', "\0" . pack('N', 0)) . message('S', '');

# Returns at once; what the socket does not take is sent by answers.
sub submit
{
	my ($self, $name, $in, $out, @values) = @_;
	my $head = "\0$name\0" . pack('nnn', 1, $in, 1);
	my $tail = pack('nn', 1, $out);
	my $frame = 4 + length($head) + 4 + length($tail);

	$self->{out} .= join '',
	  map { ('B', pack('N', $frame + length), $head, pack('N', length), $_, $tail, $execute) } @values;
	$self->transfer(0);
	return;
}

sub answers
{
	my ($self, $n) = @_;
	my $all = $self->{answers};

	$self->parse;	# of what came while values were sent
	until (@$all >= $n || defined $self->{lost})
	{
		$self->transfer(SILENCE);
		$self->parse;
	}
	return splice(@$all, 0, $n > @$all ? scalar @$all : $n);
}

# Sends and receives what goes without waiting; waits that long for the first byte.
sub transfer
{
	my ($self, $wait) = @_;
	my $socket = $self->{socket};
	my ($read, $write) = IO::Select->select($self->{select},
		length $self->{out} ? $self->{select} : undef, undef, $wait);

	if (!$read)
	{
		$self->{lost} = "no answer within $wait s" if $wait;
		return;
	}
	if (@$write)
	{
		local $SIG{PIPE} = 'IGNORE';
		my $sent = syswrite($socket, $self->{out}, 1 << 18);
		substr($self->{out}, 0, $sent) = '' if $sent;
		# the answers that came before the end are still to be read
		$self->{out} = '' if !defined $sent && !$!{EAGAIN};
	}
	if (@$read)
	{
		my $got = sysread($socket, $self->{in}, 1 << 18, length $self->{in});
		$self->{lost} = 'the server closed the connection' if defined $got && $got == 0;
		$self->{lost} = "cannot receive: $!" if !defined $got && !$!{EAGAIN};
	}
	return;
}

# Takes whole messages from what was received.
sub parse
{
	my ($self) = @_;
	my $end = length $self->{in};
	my $at = 0;

	while ($end - $at >= 5)
	{
		my ($type, $length) = unpack("\@$at a N", $self->{in});
		last if $end - $at <= $length;
		my $body = substr($self->{in}, $at + 5, $length - 4);
		$at += 1 + $length;
		if ($type eq 'D')
		{
			my ($columns, $bytes) = unpack('n N', $body);
			push @{ $self->{row} },
			  !$columns || $bytes == 0xFFFFFFFF ? undef : substr($body, 6, $bytes);
		}
		elsif ($type eq 'E')
		{
			my %field = map { (substr($_, 0, 1), substr($_, 1)) } grep { length } split /\0/, $body;
			$self->{error} = [ $field{C}, $field{M} ];
		}
		elsif ($type eq 'Z')
		{
			$self->{rows} = delete $self->{row} // [];
			push @{ $self->{answers} }, delete $self->{error} // [ undef, $self->{rows}[0] ];
		}
		elsif ($type eq 'R' && unpack('N', $body) != 0)
		{
			$self->{lost} = 'the server asks for a password';
		}
	}
	substr($self->{in}, 0, $at) = '';
	# the last words before the end of a connection
	$self->{lost} .= ': ' . join(' ', @{ delete $self->{error} }) if defined $self->{lost} && $self->{error};
	return;
}

1;
