#!/bin/bash
# readme.sh: runs every SQL block of the README, in order, and compares what is shown.
#
# usage: tests/readme.sh             needs a server with augur installed (PGHOST, PGPORT, PGUSER)
#        tests/readme.sh --update    writes the present output into README.md
#
# All ```sql blocks run in one psql session, in a database of their own, and stop at the first
# error.  A ```text block right after one of them shows its output, which must be equal, up to
# blanks at line ends.  The reference (docs/reference.md) must agree with the catalog, too.
# Last line: "N passed, N failed".
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
README=$TREE/README.md
DB=augur_readme_$$
WORK=$(mktemp -d "${TMPDIR:-/tmp}/augur-readme.XXXXXX")
cleanup()
{
	psql -qX -d postgres -c "DROP DATABASE IF EXISTS $DB" >/dev/null 2>&1
	# roles belong to the cluster, not to the database
	sed -n 's/^CREATE ROLE \([a-z_]*\).*/\1/p' "$WORK/script.sql" 2>/dev/null | while read -r role; do
		psql -qX -d postgres -c "DROP ROLE IF EXISTS $role" >/dev/null 2>&1
	done
	rm -rf "$WORK"
}
trap cleanup EXIT

# script.sql: the blocks between markers; NN.shown: what the README shows for block NN
perl -e '
	my ($work, $readme) = @ARGV;
	open my $in, "<", $readme or die "$readme: $!";
	open my $script, ">", "$work/script.sql" or die;
	my ($n, $in_block, $after, $shown) = (0, "", 0, undef);
	while (<$in>) {
		if (/^```/ && $in_block) {
			print $script "\\echo \@\@END $n\n" if $in_block eq "sql";
			$after = $in_block eq "sql"; close $shown if $shown; $shown = undef; $in_block = "";
		} elsif (/^```(\w*)/) {
			$in_block = $1 || "other";
			if ($in_block eq "sql") { $n++; print $script "\\echo \@\@BEGIN $n $.\n"; }
			elsif ($in_block eq "text" && $after) {
				open $shown, ">", sprintf("%s/%03d.shown", $work, $n) or die;
			}
			$after = 0;
		} elsif ($in_block eq "sql") { print $script $_; }
		elsif ($shown) { print $shown $_; }
		elsif (/\S/) { $after = 0; }
	}
	print "$n\n";' "$WORK" "$README" >"$WORK/count" || exit 1
blocks=$(cat "$WORK/count")

psql -qX -d postgres -c "CREATE DATABASE $DB" || { echo "0 passed, 1 failed"; exit 1; }
(cd "$WORK" && psql -qX -d "$DB" -v ON_ERROR_STOP=1 -f script.sql >out 2>err)
status=$?

# NN.got: the output of block NN; the line where each began
perl -e '
	my ($work) = @ARGV;
	open my $in, "<", "$work/out" or die;
	my $got;
	while (<$in>) {
		if (/^\@\@BEGIN (\d+) (\d+)/) {
			open $got, ">", sprintf("%s/%03d.got", $work, $1) or die;
			open my $line, ">", sprintf("%s/%03d.line", $work, $1) or die;
			print $line $2;
		} elsif (/^\@\@END (\d+)/) {
			close $got; $got = undef;
			open my $done, ">", sprintf("%s/%03d.done", $work, $1) or die;
		} elsif ($got) { print $got $_; }
	}' "$WORK"

if [ "${1:-}" = --update ]; then
	perl -e '
		my ($work, $readme) = @ARGV;
		open my $in, "<", $readme or die;
		my ($n, $in_block, $after, $skip, $text) = (0, "", 0, 0, "");
		while (<$in>) {
			if (/^```/ && $in_block) {
				$after = $in_block eq "sql"; $skip = 0; $in_block = "";
			} elsif (/^```(\w*)/) {
				$in_block = $1 || "other";
				$n++ if $in_block eq "sql";
				my $file = sprintf("%s/%03d.got", $work, $n);
				if ($in_block eq "text" && $after && -e $file) {
					open my $got, "<", $file or die;
					my @lines = map { s/\s+$//r . "\n" } <$got>;
					pop @lines while @lines && $lines[-1] eq "\n";
					$text .= $_ . join("", @lines);
					$skip = 1; $after = 0;
					next;
				}
				$after = 0;
			} elsif (!$in_block && /\S/) { $after = 0; }
			$text .= $_ unless $skip;
		}
		close $in;
		open my $out, ">", $readme or die; print $out $text;' "$WORK" "$README"
fi

passed=0
failed=0
tidy() { sed 's/[[:space:]]*$//' "$1" | perl -0pe 's/\n+\z/\n/'; }
for n in $(seq -f %03g 1 "$blocks"); do
	if [ ! -e "$WORK/$n.done" ]; then
		failed=$((failed + 1))
		if [ -e "$WORK/$n.got" ]; then
			echo "not ok: README block $((10#$n)), line $(cat "$WORK/$n.line")"
			tail -n 5 "$WORK/err"
		fi
	elif [ -e "$WORK/$n.shown" ] && [ "${1:-}" != --update ] &&
		! diff <(tidy "$WORK/$n.shown") <(tidy "$WORK/$n.got") >"$WORK/diff"; then
		failed=$((failed + 1))
		echo "not ok: README block $((10#$n)), line $(cat "$WORK/$n.line"): shown (<) and got (>) differ"
		cat "$WORK/diff"
	else
		passed=$((passed + 1))
	fi
done
if [ $status != 0 ] && [ $failed = 0 ]; then
	failed=1
	tail -n 5 "$WORK/err"
fi
if [ "$blocks" = 0 ]; then
	failed=$((failed + 1))
	echo "not ok: no SQL block found in README.md"
fi
if "$TREE/docs/make-reference.sh" --check "$DB"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "not ok: docs/reference.md does not agree with the catalog: run docs/make-reference.sh"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
