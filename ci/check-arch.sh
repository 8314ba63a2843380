#!/bin/bash
# check-arch.sh: the floors of docs/architecture.md hold.
#
# Why: the core is tested, fuzzed and sanitized without a server only as long as it needs none;
# one convenient include would end that.  Each rule below is one check; what breaks it is printed.
# Last line: "N passed, N failed".
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$TREE" || exit 1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/augur-arch.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
passed=0
failed=0

# result NAME FILE: the rule holds when FILE, its list of findings, is empty
result()
{
	if [ -s "$2" ]; then
		echo "not ok - $1"
		sed 's/^/    /' "$2"
		failed=$((failed + 1))
	else
		echo "ok - $1"
		passed=$((passed + 1))
	fi
}

core_files=$(git ls-files 'src/core/*.c' 2>/dev/null || true)
core_files=${core_files:-$(find src/core -name '*.c' | sort)}
pg_files=$(find src/pg -name '*.c' | sort)

#
# The core compiles strictly, without a server's include path, with each compiler at hand.
#
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" augur.control)
strict="-std=c11 -Wall -Wextra -Wshadow -Wconversion -Wvla -Werror"
for cc in gcc clang-14; do
	command -v $cc >/dev/null || { echo "skip: no $cc"; continue; }
	rm -f "$WORK"/*.o
	printf '%s\n' $core_files | xargs -P 2 -I{} sh -c "$cc $strict -O2 -fno-pie -ffp-contract=off \
		-DAUGUR_VERSION='\"$version\"' -c {} -o $WORK/\$(echo {} | tr / _).o" >"$WORK/out" 2>&1
	result "core compiles with $cc $strict and no server headers" "$WORK/out"
done

#
# The core calls nothing but what the list allows: no input or output, no malloc, no threads,
# no time, no random numbers of others.
#
nm -g --defined-only "$WORK"/*.o | awk 'NF == 3 { print $3 }' | sort -u >"$WORK/defined"
nm -u "$WORK"/*.o | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u |
	comm -23 - "$WORK/defined" >"$WORK/undefined"
grep -v -e '^#' -e '^$' ci/core-symbols.allow | sed 's/[ \t]*#.*//' | sort -u >"$WORK/allowed"
comm -23 "$WORK/undefined" "$WORK/allowed" >"$WORK/out"
[ -s "$WORK/defined" ] || echo "the core defines nothing: the check saw no object" >>"$WORK/out"
result "core objects need only the symbols of ci/core-symbols.allow" "$WORK/out"

grep -v -E '^aug_' "$WORK/defined" >"$WORK/out"
result "the core's external names begin with aug_" "$WORK/out"

# Without PIE constant tables with pointers stay read-only, so D and B are what can change.
for o in "$WORK"/*.o; do
	nm "$o" | awk -v f="$(basename "$o" .o)" '$2 ~ /^[dDbBcC]$/ { print f ": " $3 }'
done | grep -v -x -F -f <(grep -v '^#' ci/core-globals.allow) >"$WORK/out"
result "the core has no variable that outlives a call" "$WORK/out"

#
# Include lines.
#
libc='assert|errno|float|inttypes|limits|math|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|immintrin'
{
	grep -nE '^[ \t]*#[ \t]*include[ \t]*<' $(find src/core -name '*.[ch]') |
		grep -vE "<($libc)\.h>"
	# the core's root sees its own files; a room below sees itself and the root
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"' $(find src/core -maxdepth 1 -name '*.[ch]') |
		grep -vE '"[a-z0-9_]+\.h"'
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"' $(find src/core -mindepth 2 -name '*.[ch]') |
		grep -vE '"(\.\./)?[a-z0-9_]+\.h"'
} >"$WORK/out"
result "the core includes libc, libm and itself" "$WORK/out"

{
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"[^"]*core/' $(find src/pg -name '*.[ch]') |
		grep -vE 'src/pg/pg\.h:[0-9]+:#include "\.\./core/augur\.h"'
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"\.\./' $(find src/pg -name '*.[ch]') |
		grep -v 'core/augur\.h'
	grep -nE '^[ \t]*#[ \t]*include[ \t]*<curl' $(find src/pg -name '*.[ch]')
} >"$WORK/out"
result "src/pg enters the core through augur.h alone, in pg.h" "$WORK/out"

{
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"[^"]*core/' $(find src/notify -name '*.[ch]')
	grep -nE '^[ \t]*#[ \t]*include[ \t]*"\.\./' $(find src/notify -name '*.[ch]') |
		grep -vE '"\.\./pg/(notify|compat)\.h"'
} >"$WORK/out"
result "src/notify sees nothing of the core, and notify.h and compat.h of src/pg" "$WORK/out"

grep -nE '^[ \t]*#[ \t]*include[ \t]*"(postgres|fmgr|utils/)' \
	$(find tests/unit tests/fuzz -name '*.[ch]' 2>/dev/null) /dev/null >"$WORK/out"
result "unit and fuzz tests include no server header" "$WORK/out"

grep -n 'PG_VERSION_NUM' $(find src -name '*.[ch]') | grep -v '^src/pg/compat\.h:' >"$WORK/out"
result "server versions are told apart in src/pg/compat.h alone" "$WORK/out"

#
# The install script is read in the encoding of each database.
#
LC_ALL=C grep -n '[^ -~	]' sql/install/*.sql /dev/null >"$WORK/out"
result "the install script is ASCII" "$WORK/out"

#
# The library and the install script name the same functions.
#
sed -n "s/.*'MODULE_PATHNAME'[ \t]*,[ \t]*'\([A-Za-z0-9_]*\)'.*/\1/p" sql/install/*.sql |
	sort -u >"$WORK/named"
grep -nE "'MODULE_PATHNAME'" sql/install/*.sql |
	grep -vE "'MODULE_PATHNAME'[ \t]*,[ \t]*'augur_[a-z0-9_]+'" >"$WORK/out"
result "each C function in SQL writes out its symbol, augur_<room>_<verb>" "$WORK/out"

sed -n 's/^AUGUR_FUNCTION(\([a-z0-9_]*\));.*/\1/p' $pg_files | sort -u >"$WORK/declared"
comm -3 "$WORK/named" "$WORK/declared" |
	sed -e 's/^\t\(.*\)/\1: in C, not in the install script/;t' \
		-e 's/$/: in the install script, not in C/' >"$WORK/out"
result "install script and AUGUR_FUNCTION declarations agree" "$WORK/out"

if [ -f augur.so ]; then
	nm -D --defined-only augur.so | awk '{ print $3 }' | sed 's/@.*//' | sort -u |
		grep -v -x -e _PG_init -e Pg_magic_func -e augur_worker_main -e augur_series_worker \
			-e augur_pipeline_worker_main >"$WORK/exported"
	sed 's/^pg_finfo_//' "$WORK/exported" | sort -u | comm -3 - "$WORK/named" |
		sed -e 's/^\t\(.*\)/\1: not exported/;t' -e 's/$/: exported, not in SQL/' >"$WORK/out"
	result "the library exports the functions of the install script and nothing else" "$WORK/out"

	ldd augur.so | grep -vE 'linux-(vdso|gate)|lib(m|c)\.so|ld-linux|lib[au]*san\.so' >"$WORK/out"
	result "the library links libc and libm alone" "$WORK/out"
	if [ -f augur_notify.so ]; then
		nm -D --defined-only augur_notify.so | awk '{ print $3 }' | sed 's/@.*//' | sort -u |
			grep -v -x -e _PG_init -e Pg_magic_func -e augur_notify_run -e augur_notify_launcher \
				-e augur_notify_worker >"$WORK/out"
		result "augur_notify exports its entry points and nothing else" "$WORK/out"
	fi
else
	echo "skip: augur.so is not built, its exports are not checked"
fi

#
# Files come in pairs, versions agree.
#
{
	for f in sql/*.sql; do
		[ -f "expected/$(basename "$f" .sql).out" ] || echo "$f has no expected output"
	done
	for f in expected/*.out; do
		[ -f "sql/$(basename "$f" .out).sql" ] || echo "$f has no test"
	done
	for f in tests/isolation/specs/*.spec; do
		[ ! -e "$f" ] || [ -f "tests/isolation/expected/$(basename "$f" .spec).out" ] ||
			echo "$f has no expected output"
	done
} >"$WORK/out"
result "tests and expected outputs come in pairs" "$WORK/out"

{
	grep -q "\"version\": \"$version\.[0-9]*\"" META.json ||
		echo "META.json does not have version $version.x of augur.control"
	grep -q "^## $version\.[0-9]" CHANGELOG.md ||
		echo "CHANGELOG.md has no section for version $version"
} >"$WORK/out"
result "control file, META.json and CHANGELOG.md agree about the version" "$WORK/out"

perl ci/check-sql.pl sql/install/*.sql $(ls sql/upgrade/*.sql 2>/dev/null) >"$WORK/out" 2>&1
result "install parts hold what their kind may hold (ci/check-sql.pl)" "$WORK/out"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
