#!/bin/bash
# lint.sh: layout, static checkers, words.
#
# Why: layout is never discussed in a review, and what a checker finds costs nobody's time.
# Each rule is one check.  A tool that is missing is named; with CI=true it is a failure.
# Last line: "N passed, N failed".
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$TREE" || exit 1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/augur-lint.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
passed=0
failed=0

result()
{
	if [ -s "$2" ]; then
		echo "not ok - $1"
		head -n 40 "$2" | sed 's/^/    /'
		failed=$((failed + 1))
	else
		echo "ok - $1"
		passed=$((passed + 1))
	fi
}

# has TOOL PACKAGE
has()
{
	command -v "$1" >/dev/null && return 0
	if [ "${CI:-}" = true ]; then
		echo "$1 is missing: apt-get install $2" >"$WORK/out"
		result "$1" "$WORK/out"
	else
		echo "skip: no $1 (apt-get install $2)"
	fi
	return 1
}

# The files of the project: those that git knows, or all of an unpacked archive.
files()
{
	{ git ls-files --cached --others --exclude-standard 2>/dev/null |
		grep . || find . -type f -not -path './build/*' -not -path './.git/*' |
			sed 's,^\./,,' | grep -vE '\.(o|d|so)$|^augur--'; } |
		while read -r f; do [ ! -f "$f" ] || echo "$f"; done
}
files >"$WORK/files"
c_files=$(grep -E '\.[ch]$' "$WORK/files")
core_c=$(grep -E '^src/core/.*\.c$' "$WORK/files")
pg_c=$(grep -E '^src/(pg|notify)/.*\.c$' "$WORK/files")

if has clang-format-14 clang-format-14; then
	for f in $c_files; do
		clang-format-14 --dry-run -Werror "$f" >/dev/null 2>&1 || echo "$f: make format"
	done >"$WORK/out"
	result "C files are in the project's layout" "$WORK/out"
fi

# Declarations of the server's macros are unknown to cppcheck: the core is checked in full, the
# PostgreSQL layer for what needs no type of the server.
if has cppcheck cppcheck; then
	cppcheck -q -j 2 --std=c11 --language=c --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=arrayIndexThenCheck --suppress=normalCheckLevelMaxBranches \
		-DAUGUR_VERSION='""' $core_c >"$WORK/out" 2>&1
	result "cppcheck on the core" "$WORK/out"
	cppcheck -q -j 2 --std=c11 --language=c --enable=warning,portability --inline-suppr \
		--suppress=missingInclude --suppress=unknownMacro -DAUGUR_VERSION='""' -DPG_VERSION_NUM=150000 \
		-DLIBCURL_VERSION_NUM=0x075801 \
		-Dpg_noreturn= -D'PG_TRY()={' -D'PG_CATCH()=}{' -D'PG_FINALLY()=}{' -D'PG_END_TRY()=}' \
		-D'AUGUR_FUNCTION(x)=' -DAUGUR_MODULE_MAGIC= $pg_c >"$WORK/out" 2>&1
	result "cppcheck on the PostgreSQL layer" "$WORK/out"
fi

if has clang-tidy-14 clang-tidy-14; then
	tidy='-*,bugprone-*,clang-analyzer-*,misc-redundant-expression,readability-misleading-indentation'
	tidy="$tidy,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions"
	tidy="$tidy,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier"
	tidy="$tidy,-bugprone-macro-parentheses,-bugprone-branch-clone"
	# invariants that span functions (a mode that says which array exists) are beyond the analyzer;
	# ASan, UBSan and valgrind run over the same code
	tidy="$tidy,-clang-analyzer-core.DivideZero,-clang-analyzer-core.NullDereference,-clang-analyzer-core.uninitialized.*"
	tidy="$tidy,-clang-analyzer-core.NonNullParamChecker,-bugprone-integer-division"
	tidy="$tidy,-clang-analyzer-deadcode.DeadStores,-bugprone-not-null-terminated-result"
	tidy="$tidy,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
	# one file a process: state that the analyzer keeps from file to file makes it see va_lists amiss
	printf '%s\n' $core_c | xargs -P 2 -n 1 sh -c \
		'clang-tidy-14 --quiet --checks="$0" "$@" -- -std=c11 -DAUGUR_VERSION=\"0\" 2>/dev/null' \
		"$tidy" | grep -E 'warning:|error:' >"$WORK/out"
	result "clang-tidy on the core" "$WORK/out"
fi

# Sizes: a product in an allocation can wrap; the checked functions cannot.
grep -nE '\b(palloc|palloc0|palloc_extended|repalloc|repalloc_huge|MemoryContextAlloc[A-Za-z]*|dsa_allocate[A-Za-z0-9_]*)\(.*[A-Za-z0-9_)] \* [A-Za-z0-9_(]' \
	$pg_c | grep -vE 'mul_size|/\* bounded' >"$WORK/out"
result "no unchecked product in an allocation (mul_size, or say why it is bounded: /* bounded: ... */)" \
	"$WORK/out"

# errcode with every ereport(ERROR): statements may span lines
perl -0777 -ne 'while (/\bereport\((?:ERROR|elevel)\b(.*?)\);\n/gs) {
	my $line = 1 + (substr($_, 0, $-[0]) =~ tr/\n//);
	print "$ARGV:$line: ereport without errcode\n" unless $1 =~ /\berrcode|err_\w+\(/; }' $pg_c >"$WORK/out"
result "every ereport(ERROR) has an errcode" "$WORK/out"

grep -E '\.(c|h|sql|pl|pm|sh|md|mk)$|^Makefile$|^tests/lib/|^ci/' "$WORK/files" |
	grep -vE '^examples/.*\.(csv|json)$|\.out$' >"$WORK/text"
{
	# a tab is four columns
	grep -E '\.(c|h)$' "$WORK/text" | xargs -r awk '{ l = $0; n = 0
		for (i = 1; i <= length(l); i++) n += (substr(l, i, 1) == "\t") ? 4 - n % 4 : 1
		if (n > 100) print FILENAME ":" FNR ": " n " columns" }'
	xargs -r grep -nE '[ 	]+$' <"$WORK/text" | grep -v '\.md:' | sed 's/$/: space at the end/'
	grep -lr $'\r' $(cat "$WORK/text") | sed 's/$/: carriage return/'
	while read -r f; do
		[ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || echo "$f: no newline at the end"
	done <"$WORK/text"
} >"$WORK/out"
result "lines of at most 100 columns, no stray white space" "$WORK/out"

while read -r f; do
	[ "$(wc -l <"$f")" -le 700 ] || echo "$f: $(wc -l <"$f") lines, split it"
done < <(grep -E '^src/.*\.[ch]$' "$WORK/files") >"$WORK/out"
result "source files of at most 700 lines" "$WORK/out"

# Words of unfinished work, and places of one machine.
grep -v -x -e ci/words.forbidden "$WORK/files" | grep -vE '\.(csv|json|gz|bin)$' |
	xargs grep -nEiIf <(grep -v '^#' ci/words.forbidden) >"$WORK/out"
result "no word of ci/words.forbidden" "$WORK/out"

{
	while read -r f; do
		case $(head -c 64 "$f" | head -n 1) in
			'#!'*bash*|'#!/bin/sh'*) bash -n "$f" 2>&1;;
			'#!'*perl*) perl -c "$f" 2>&1 | grep -v 'syntax OK$';;
		esac
		case $f in
			*.sh) bash -n "$f" 2>&1;;
		esac
	done < <(grep -vE '\.(c|h|sql|out|md|csv|json|gz|bin)$' "$WORK/files"; grep -E '\.sh$' "$WORK/files")
} >"$WORK/out"
result "scripts parse" "$WORK/out"

perl -MJSON::PP -e 'local $/; for (@ARGV) { open my $f, "<", $_; my $m = decode_json(<$f>);
	for my $k (qw(name abstract version maintainer license provides meta-spec)) {
		print "$_: no $k\n" unless defined $m->{$k} }
	for my $p (values %{$m->{provides}}) { for my $k (qw(file docfile)) {
		print "$_: $p->{$k} does not exist\n" unless -f $p->{$k} } } }' META.json >"$WORK/out" 2>&1
result "META.json has what PGXN requires" "$WORK/out"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
