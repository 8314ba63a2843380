#!/usr/bin/perl
# check-sql.pl: install parts hold what their kind may hold.
#
# Why: an update script ends with all re-runnable parts; a statement there that cannot be run
# again breaks every update, and is noticed only after a release.  And whatever is created by
# OR REPLACE or IF NOT EXISTS in a run-once part could adopt an object that a stranger planted.
#
# usage: check-sql.pl FILE...     prints findings; exit status 1 when there are any
use strict;
use warnings;

my $findings = 0;

sub finding
{
	my ($file, $line, $text) = @_;
	print "$file:$line: $text\n";
	$findings++;
}

# Statements of a script as [line, text], bodies and literals emptied, comments removed.
sub statements
{
	my ($sql) = @_;
	my @out;
	my ($text, $line, $start) = ('', 1, undef);
	while ($sql =~ /\G(?:
			(?<comment>--[^\n]*|\/\*.*?\*\/) |
			(?<dollar>\$(\w*)\$.*?\$\g{-1}\$) |
			(?<string>'(?:[^']|'')*') |
			(?<ident>"(?:[^"]|"")*") |
			(?<end>;) |
			(?<other>.))/gsx)
	{
		my $all = $&;
		my ($kind) = keys %+;
		if ($kind eq 'end')
		{
			push @out, [ $start, $text ] if $text =~ /\S/;
			($text, $start) = ('', undef);
		}
		elsif ($kind ne 'comment')
		{
			$start //= $line if $all =~ /\S/;
			$text .= $kind eq 'dollar' ? '$$' : $kind eq 'string' ? "''" : $all;
		}
		$line += ($all =~ tr/\n//);
	}
	push @out, [ $start, $text ] if $text =~ /\S/;
	return @out;
}

foreach my $file (@ARGV)
{
	open(my $fh, '<', $file) or die "check-sql: $file: $!\n";
	my $sql = do { local $/; <$fh> };
	my $base = $file =~ s/.*\///r;
	my $upgrade = $file =~ /sql\/upgrade\//;
	my $once = $base =~ /\.once\.sql$/;

	finding($file, 1, 'parts are named NN_room.sql or NN_room.once.sql')
	  unless $upgrade || $base =~ /^[0-9]{2}_[a-z_]+(\.once)?\.sql$/;
	finding($file, 1, 'deltas are named A--B.sql')
	  if $upgrade && $base !~ /^[0-9.]+--[0-9.]+\.sql$/;

	foreach my $statement (statements($sql))
	{
		my ($line, $text) = @$statement;
		my $head = $text =~ s/\s+/ /gr =~ s/^ //r;
		$head = substr($head, 0, 60);

		finding($file, $line, "IF NOT EXISTS would adopt what is there: $head")
		  if $text =~ /\bCREATE\b.*\bIF\s+NOT\s+EXISTS\b/is;
		finding($file, $line, "roles are not made here: $head")
		  if $text =~ /^\s*(CREATE|ALTER|DROP)\s+(ROLE|USER|GROUP)\b/i;
		finding($file, $line, "a script changes no setting but its search path: $head")
		  if $text =~ /^\s*SET\s/i && $head ne 'SET LOCAL search_path = pg_catalog, pg_temp';
		next if $upgrade;
		if ($once)
		{
			finding($file, $line, "OR REPLACE belongs into a part that can be run again: $head")
			  if $text =~ /^\s*CREATE\s+OR\s+REPLACE\b/i;
		}
		elsif ($text !~ /^\s*(?:
				CREATE\ OR\ REPLACE\ (?:FUNCTION|PROCEDURE|AGGREGATE|VIEW|TRIGGER|RULE)\b |
				DO\b | COMMENT\s+ON\b | GRANT\b | REVOKE\b |
				ALTER\s+(?:FUNCTION|PROCEDURE|AGGREGATE|VIEW)\b |
				ALTER\s+TABLE\s+\S+\s+ENABLE\s+(?:ALWAYS\s+TRIGGER|ROW\s+LEVEL\s+SECURITY)\b )/x)
		{
			finding($file, $line, "cannot be run again, it belongs into a .once.sql part: $head");
		}
	}
}
exit($findings ? 1 : 0);
