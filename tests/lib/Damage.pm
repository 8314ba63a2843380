# Damage.pm: values that are nearly right, made of values that are.
#
#	my $damage = Damage->new(@seeds);			# bytes
#	my ($kind, $bytes) = $damage->binary;
#	my ($kind, $text) = $damage->text;			# of the text form, "\x" and hexadecimal digits
#
# Seeds in augur's envelope (docs/format.md) come out sealed in most cases: their length and
# checksum made right again, so that every later check of a reader is reached.  The numbers drawn
# are rand()'s: srand() makes a run again.
package Damage;
use strict;
use warnings;

use constant HEAD => 20;	# magic, format, length

# A byte and two bytes through CRC-32C.
my @byte = map {
	my $crc = $_;
	$crc = $crc & 1 ? ($crc >> 1) ^ 0x82F63B78 : $crc >> 1 for 1 .. 8;
	$crc
} 0 .. 255;
my @pair = map {
	my $crc = $byte[ $_ & 255 ] ^ ($_ >> 8);
	$byte[ $crc & 255 ] ^ ($crc >> 8)
} 0 .. 65535;

sub crc
{
	my ($crc, $bytes) = @_;

	$crc = $pair[ ($crc ^ $_) & 65535 ] ^ ($crc >> 16) foreach unpack('v*', $bytes);
	$crc = $byte[ ($crc ^ ord(substr($bytes, -1))) & 255 ] ^ ($crc >> 8) if length($bytes) % 2;
	return $crc;
}

# $zeros[k]: what 2^k bytes of zero make of a CRC, which is linear in its bits; a table for each of
# its four bytes.  Most of a damaged value is as in its seed, whose CRCs are known: so the stretches
# before and after the change need not be read again.
my @zeros;
my @column = map { $_ < 8 ? $byte[ 1 << $_ ] : 1 << ($_ - 8) } 0 .. 31;
for my $k (0 .. 23)
{
	foreach my $part (0 .. 3)
	{
		my @table = (0);
		foreach my $bit (0 .. 7) { push @table, map { $_ ^ $column[ 8 * $part + $bit ] } @table }
		$zeros[$k][$part] = \@table;
	}
	@column = map { after_one($_, $zeros[$k]) } @column;
}

sub after_one
{
	my ($crc, $tables) = @_;
	return $tables->[0][ $crc & 255 ] ^ $tables->[1][ $crc >> 8 & 255 ] ^ $tables->[2][ $crc >> 16 & 255 ]
	  ^ $tables->[3][ $crc >> 24 ];
}

sub after_zeros
{
	my ($crc, $n) = @_;
	for (my $k = 0; $n; $n >>= 1, $k++) { $crc = after_one($crc, $zeros[$k]) if $n & 1 }
	return $crc;
}

# Numbers at the edges of what fields hold: integers of 1, 2, 4 and 8 bytes, varints, f32 and f64.
my @numbers = (
	(map { pack('C', $_) } 0, 1, 2, 3, 4, 5, 8, 0x0F, 0x10, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF),
	(map { pack('v', $_) } 0, 1, 0x7FFF, 0x8000, 0xFFFF),
	(map { pack('V', $_) } 0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF),
	(map { pack('Q<', $_) } 0, 1, 1 << 31, 1 << 32, 1 << 52, (1 << 63) - 1, 1 << 63, ~1, ~0),
	"\x80\x01", "\xFF\x7F", "\xFF\xFF\x03", "\x80\x80\x04", "\xFF\xFF\xFF\xFF\x07", "\x80\x80\x80\x80\x10",
	(map { ("\x80" x $_) . "\0", ("\xFF" x $_) . "\x01", ("\xFF" x $_) . "\x7F" } 1 .. 5, 9, 10),
	(map { pack('f<', $_) } 1, -1, 0.5, 3e38, 1e-40, -0.0, 9**9**9, -9**9**9, -sin(9**9**9)),
	(map { pack('d<', $_) } 1, -1, 0.5, 1e100, 1e250, 1.7e308, -1.7e308, 2.3e-308, 5e-324, -0.0,
		9**9**9, -9**9**9, -sin(9**9**9)));

sub new
{
	my ($class, @seeds) = @_;
	die "no seeds\n" unless @seeds;
	my $sealed = grep { /^\x89AUG/ } @seeds;
	die "some seeds have an envelope, others not\n" if $sealed && $sealed != @seeds;
	return bless { seeds => \@seeds, sealed => $sealed, known => {} }, $class;
}

# What has an envelope, but for its checksum, given its length and checksum.
sub sealed
{
	my ($body) = @_;

	return $body if length $body < HEAD;
	substr($body, 12, 8) = pack('Q<', length($body) + 4);
	return $body . pack('V', crc(0xFFFFFFFF, $body) ^ 0xFFFFFFFF);
}

# The same, of a body that was made of a seed.
sub sealed_as
{
	my ($self, $body, $seed) = @_;
	my $n = length $body;
	my $same = length($seed) - 4;

	return sealed($body) if $n < HEAD || $same < HEAD;
	# the seed's CRC after each of its bytes
	my $known = $self->{known}{$seed} //= do {
		my $crc = 0xFFFFFFFF;
		[ $crc, map { $crc = $byte[ ($crc ^ $_) & 255 ] ^ ($crc >> 8) } unpack('C*', substr($seed, 0, -4)) ];
	};
	substr($body, 12, 8) = pack('Q<', $n + 4);
	my $least = $n < $same ? $n : $same;
	(substr($body, HEAD, $least - HEAD) ^ substr($seed, HEAD, $least - HEAD)) =~ /^\0*/;
	my $before = $+[0];
	my $rest = $least - HEAD - $before;
	(reverse(substr($body, $n - $rest, $rest)) ^ reverse(substr($seed, $same - $rest, $rest))) =~ /^\0*/;
	my $after = $rest ? $+[0] : 0;
	my $crc = after_zeros(crc(0xFFFFFFFF, substr($body, 0, HEAD)) ^ $known->[HEAD], $before) ^ $known->[ HEAD + $before ];
	$crc = crc($crc, substr($body, HEAD + $before, $n - HEAD - $before - $after));
	$crc = after_zeros($crc ^ $known->[ $same - $after ], $after) ^ $known->[$same];
	return $body . pack('V', $crc ^ 0xFFFFFFFF);
}

# Changes from one to four places at and after byte $from.
sub change
{
	my ($self, $value, $from) = @_;
	my $last;

	for (0 .. int(rand 2) * int(rand 4))
	{
		my $n = length($value) - $from;
		my $kind = $n > 0 ? int(rand 10) : 4;
		my $at = $from + int(rand $n);
		# fields that belong together lie close
		$at = $last + int(rand 24) if defined $last && rand() < 0.6 && $last + 24 < $from + $n;
		$last = $at;
		if ($kind == 0) { substr($value, $at, 1) = chr(int(rand 256)) }
		elsif ($kind == 1) { substr($value, $at, 1) ^= chr(1 << int(rand 8)) }
		elsif ($kind == 2) { substr($value, $at, 1) = chr((ord(substr($value, $at, 1)) + (rand() < 0.5 ? 1 : 255)) % 256) }
		elsif ($kind == 3) { substr($value, $at, 1 + int(rand 9)) = '' }
		elsif ($kind == 4)	# a stretch of any seed
		{
			my $other = $self->{seeds}[ rand @{ $self->{seeds} } ];
			substr($value, $at, 0) = substr($other, int(rand length $other), 1 + int(rand 16));
		}
		elsif ($kind == 5 && rand() < 0.3)	# its beginning and the end of another
		{
			my $other = $self->{seeds}[ rand @{ $self->{seeds} } ];
			my $joint = rand() < 0.5 ? $at : int(rand length $other);
			substr($value, $at) = $joint < length $other ? substr($other, $joint) : '';
		}
		elsif ($kind == 6 && rand() < 0.2) { substr($value, $at) = '' }
		else
		{
			my $number = $numbers[ rand @numbers ];
			substr($value, $at, rand() < 0.2 ? 0 : length $number) = $number;
		}
	}
	return $value;
}

sub binary
{
	my ($self) = @_;
	my $seed = $self->{seeds}[ rand @{ $self->{seeds} } ];

	return ('plain', $self->change($seed, 0)) if !$self->{sealed} || rand() < 0.2;
	my $body = $self->change(substr($seed, 0, -4), rand() < 0.02 ? 8 : HEAD);
	# a model inside a model has a checksum of its own
	my $inner = index($body, "\x89AUGUR\n\x1A", HEAD);
	if ($inner > 0 && length($body) - $inner > HEAD + 4)
	{
		substr($body, $inner) = sealed(substr($body, $inner, -4));
	}
	return ('sealed', $self->sealed_as($body, $seed));
}

sub text
{
	my ($self) = @_;
	my $seed;

	if (rand() < 0.8)
	{
		my ($kind, $bytes) = $self->binary;
		return ($kind, '\x' . unpack('H*', $bytes));
	}
	$seed = '\x' . unpack('H*', $self->{seeds}[ rand @{ $self->{seeds} } ]);
	for (0 .. int(rand 3))
	{
		my $kind = int(rand 7);
		my $at = int(rand(rand() < 0.1 && length $seed > 4 ? 4 : length $seed));
		if ($kind == 0) { substr($seed, $at, 1) = chr(33 + int(rand 94)) }
		elsif ($kind == 1) { substr($seed, $at, 1) = substr('0123456789abcdefABCDEF', int(rand 22), 1) }
		elsif ($kind == 2) { substr($seed, $at, 1 + int(rand 9)) = '' }
		elsif ($kind == 3) { substr($seed, $at, 0) = substr($seed, int(rand length $seed), 1 + int(rand 9)) }
		elsif ($kind == 4) { substr($seed, $at, 1) = chr(int(rand 256)) }
		elsif ($kind == 5) { $seed = uc $seed }
		else { substr($seed, $at) = '' }
		$seed = '0' unless length $seed;
	}
	return ('text', $seed);
}

1;
