# steps.sh: what each step of run-tests does, and how its output is counted.
#
# step_NAME runs in its own process under a time limit; its output goes to a log.
# count_KIND LOG prints "passed failed".

# The private server copy with augur in it, and the copied tree: made once per run.
stage()
{
	STAGE=$AUGUR_WORK/stage
	SRC=$AUGUR_WORK/src
	if [ ! -f "$AUGUR_WORK/stage.done" ]; then
		augur_stage "$STAGE" || return 1
		augur_copy_tree "$SRC" || return 1
		{
			echo "AUGUR_PG_CONFIG='$AUGUR_PG_CONFIG'"
			echo "AUGUR_BIN='$AUGUR_BIN'"
			echo "AUGUR_PGXS='$AUGUR_PGXS'"
		} >"$AUGUR_WORK/stage.done"
	fi
	. "$AUGUR_WORK/stage.done"
	PATH=$AUGUR_BIN:$PATH
	major=$("$AUGUR_PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
}

step_kind()
{
	case $1 in
		deps|build) echo status;;
		regress|parallel|isolation|sanitize) echo regress;;
		pgtap|tap) echo prove;;
		*) echo total;;
	esac
}

count_status() { echo 0 0; }

# Every line that ends in "N passed, N failed", one for each program of a step.
count_total()
{
	awk '/(^|: )[0-9]+ passed, [0-9]+ failed$/ { sub(/^.*: /, ""); p += $1; f += $3 }
		 END { print p + 0, f + 0 }' "$1"
}

# pg_regress: "test x ... ok" up to 15, "ok 1 - x" from 16 on.
count_regress()
{
	awk '/^(test +|     )[^ ].* \.\.\. ok/ || /^ok [0-9]/ { p++ }
		 /^(test +|     )[^ ].* \.\.\. FAILED/ || /^not ok [0-9]/ { f++ }
		 END { print p + 0, f + 0 }' "$1"
}

# prove: total from "Files=, Tests=", failures from the "(Wstat: Tests: Failed:)" lines; a file that
# died without a failed test is one failure.
count_prove()
{
	awk '/^Files=[0-9]+, Tests=[0-9]+/ { sub(/.*Tests=/, ""); t += $1 + 0 }
		 /\(Wstat: .* Tests: [0-9]+ Failed: [0-9]+\)/ {
			n = $0; sub(/.*Failed: /, "", n); n += 0
			real += n; f += (n > 0) ? n : 1 }
		 END { print t - real, f + 0 }' "$1"
}

step_deps() { "$TREE/tests/lib/deps.sh"; }

step_build()
{
	# for the stage, too: other flags would compile everything again
	export WERROR=1
	"$MAKE" -C "$TREE" -j2 all PG_CONFIG="${PG_CONFIG:-pg_config}" &&
		stage && echo "staged $("$AUGUR_PG_CONFIG" --version)"
}

step_unit() { "$MAKE" -C "$TREE" -j2 unit; }
step_asan() { "$MAKE" -C "$TREE" -j2 asan; }
step_fuzz() { "$MAKE" -C "$TREE" -j2 fuzz; }
step_arch() { "$TREE/ci/check-arch.sh"; }
step_lint() { "$TREE/ci/lint.sh"; }

# installcheck itself, from a copy that the server's user may write
installcheck()
{
	(cd "$SRC" && as_server "$MAKE" installcheck PG_CONFIG="$AUGUR_PG_CONFIG" "$@")
	local rc=$?
	find "$SRC" -name regression.diffs -size +0 -exec cat {} \; -exec mv {} "$PGHOST/" \;
	return $rc
}

step_regress()
{
	stage && cluster_start "$AUGUR_WORK/regress" || return 1
	installcheck ISOLATION=
}

step_parallel()
{
	local setting=debug_parallel_query
	stage || return 1
	[ "$major" -ge 16 ] || setting=force_parallel_mode
	cluster_start "$AUGUR_WORK/parallel" "$setting = regress" || return 1
	installcheck ISOLATION=
}

step_isolation()
{
	stage && cluster_start "$AUGUR_WORK/isolation" || return 1
	installcheck REGRESS=
}

step_pgtap()
{
	stage || return 1
	command -v pg_prove >/dev/null ||
		{ echo "needs pg_prove: apt-get install libtap-parser-sourcehandler-pgtap-perl"; return 1; }
	cluster_start "$AUGUR_WORK/pgtap" || return 1
	psql -qX -d postgres -c 'CREATE DATABASE pgtap' &&
		psql -qX -d pgtap -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pgtap' \
			-c 'CREATE EXTENSION augur' || return 1
	(cd "$SRC" && as_server pg_prove --psql-bin "$AUGUR_BIN/psql" -d pgtap tests/pgtap/*.sql)
}

# PostgreSQL::Test: TESTDIR up to 15, TESTDATADIR and TESTLOGDIR from 16 on
step_tap()
{
	local shared=${AUGUR_SHARED_DATA:-$TREE/../shared/data}
	stage || return 1
	perl -MIPC::Run -e 1 2>/dev/null ||
		{ echo "needs IPC::Run: apt-get install libipc-run-perl"; return 1; }
	server_dir "$AUGUR_WORK/tap"
	(cd "$SRC" && as_server env TESTDIR="$AUGUR_WORK/tap" \
		TESTDATADIR="$AUGUR_WORK/tap/tmp_check" TESTLOGDIR="$AUGUR_WORK/tap/tmp_check/log" \
		TEMP_CONFIG="$SRC/tests/lib/server.conf" PGPORT=65432 \
		PG_REGRESS="$AUGUR_PGXS/test/regress/pg_regress" \
		AUGUR_SHARED_DATA="$shared" AUGUR_SOURCE="$SRC" AUGUR_SHARE="$("$AUGUR_PG_CONFIG" --sharedir)" \
		prove -j2 --timer -I "$AUGUR_PGXS/test/perl" ${TAP_FILES:-tests/tap/*.pl})
}

step_readme()
{
	stage && cluster_start "$AUGUR_WORK/readme" || return 1
	(cd "$SRC" && as_server tests/readme.sh)
}

# The library alone is instrumented; the runtime is preloaded into a stock server.  Leaks are
# the server's way (it exits without freeing).  Frames that have ended are watched, too.  With
# glibc 2.36 a stock server hangs at its start under a preloaded AddressSanitizer; there the
# library is checked by UBSan alone, and by both where make matrix runs this step.  Warnings are
# no errors here: the compiler's own checks of the code that it adds give false ones.
step_sanitize()
{
	local flags=address,undefined preload tree=$AUGUR_WORK/sanitize/tree

	stage || return 1
	export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:abort_on_error=1
	export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
	preload=$(gcc -print-file-name=libasan.so)
	if ! LD_PRELOAD=$preload timeout -k 1 10 "$AUGUR_BIN/postgres" -V; then
		echo "skip: AddressSanitizer in the server (it hangs there with this C library), UBSan alone"
		flags=undefined
		preload=
	fi
	augur_copy_tree "$tree"
	STAGE=$AUGUR_WORK/sanitize/stage
	stage_server "$STAGE" "${PG_CONFIG:-pg_config}" &&
		"$MAKE" -s -j2 -C "$tree" install PG_CONFIG="$AUGUR_PG_CONFIG" CORE_CFLAGS=-O1 WERROR= \
			COPT="-fsanitize=$flags -fno-sanitize-recover=undefined" &&
		chmod -R a+rX "$STAGE" || return 1
	nm -D "$("$AUGUR_PG_CONFIG" --pkglibdir)/augur.so" | grep -q __ubsan_handle ||
		{ echo "the library is not instrumented"; return 1; }
	LD_PRELOAD=$preload cluster_start "$AUGUR_WORK/sanitize" || return 1
	installcheck ISOLATION=
}

# Queries without sense (sqlsmith) over tables, types, functions and views of the extension and the catalog, by
# two sessions of a role with every right that augur gives.  What they are answered does not matter: the
# scan of the logs looks for internal errors, failed assertions and crashes.  AUGUR_SMITH_QUERIES each,
# from seed AUGUR_SMITH_SEED on.
step_smith()
{
	local queries=${AUGUR_SMITH_QUERIES:-1500} seed=${AUGUR_SMITH_SEED:-1} log i pids= rc=0
	command -v sqlsmith >/dev/null || { echo "needs sqlsmith: apt-get install sqlsmith"; return 1; }
	stage && cluster_start "$AUGUR_WORK/smith" 'log_error_verbosity = verbose' &&
		psql -qX -d postgres -c 'CREATE DATABASE smith' &&
		psql -qX -o /dev/null -d smith -f "$TREE/tests/lib/smith.sql" || return 1
	for i in 0 1; do
		sqlsmith --target="host=$PGHOST port=$PGPORT user=smith dbname=smith" --seed=$((seed + i)) \
			--max-queries="$queries" --verbose >"$AUGUR_WORK/smith/sqlsmith.$i.log" 2>&1 &
		pids="$pids $!"
	done
	for i in $pids; do wait "$i"; done
	for i in 0 1; do
		log=$AUGUR_WORK/smith/sqlsmith.$i.log
		if grep -q "^queries: $queries" "$log"; then
			echo "seed $((seed + i)): 1 passed, 0 failed"
		else
			tail -n 5 "$log"
			echo "seed $((seed + i)): 0 passed, 1 failed"
			rc=1
		fi
	done
	return $rc
}
