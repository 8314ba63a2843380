# cluster.sh: private servers for tests and demo.  Source it from bash.
#
# A stage is a relocated copy of the PostgreSQL of PG_CONFIG (programs, libraries, shared
# files; the server finds its files relative to itself), into which augur is installed.
# So nothing is written to the system and no root is needed.  PostgreSQL refuses to run
# as root: then servers and their clients run as an unprivileged user, from directories
# that this user can read.
#
#   augur_tmp PREFIX            sets AUGUR_WORK: a new directory, readable by all
#   augur_stage DIR             copies the server, builds and installs augur
#                               sets AUGUR_PG_CONFIG, AUGUR_BIN, AUGUR_PGXS (pgxs/src)
#   augur_copy_tree DIR         the project's files, owned by the server's user
#   as_server COMMAND...        runs it as the server's user, in its current directory
#   cluster_start DIR [LINE...] initdb in DIR/data, LINEs into postgresql.conf, start;
#                               exports PGHOST, PGPORT, PGUSER; log in DIR/server.log
#   cluster_stop DIR            stops it if it runs
#
# Callers set TREE to the project's root.

MAKE=${MAKE:-make}
# A sub-make of ours must not inherit the caller's flags (-n, -j's job server).
unset MAKEFLAGS MFLAGS MAKELEVEL

# The user that servers run as: oneself, but for root.
augur_user()
{
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}
AUGUR_USER=$(augur_user)

as_server()
{
	if [ "$(id -u)" != 0 ]; then
		"$@"
	else
		runuser -u "$AUGUR_USER" -- "$@"
	fi
}

# Directory owned by the server's user.
server_dir()
{
	install -d -m 0755 "$1"
	[ "$(id -u)" != 0 ] || chown "$AUGUR_USER" "$1"
}

# Sockets live below it, and their paths may have 107 bytes: hence /tmp and a short name.
augur_tmp()
{
	AUGUR_WORK=$(mktemp -d "/tmp/$1.XXXXXX")
	chmod 755 "$AUGUR_WORK"
	[ "$(id -u)" != 0 ] || chown "$AUGUR_USER" "$AUGUR_WORK"
}

augur_copy_tree()
{
	server_dir "$1"
	(cd "$TREE" && tar -c --exclude=./.git --exclude=./build --exclude=./augur.so \
		--exclude='*.[od]' --exclude='*.zip' .) | tar -x -C "$1" --no-same-owner
	[ "$(id -u)" != 0 ] || chown -R "$AUGUR_USER" "$1"
	chmod -R u+rwX,a+rX "$1"
}

# Copies the server of PG_CONFIG below DIR under the same paths, so that relative places hold.
stage_server()
{
	local stage=$1 pg_config=$2 bin lib share inc program
	bin=$("$pg_config" --bindir)
	lib=$("$pg_config" --pkglibdir)
	share=$("$pg_config" --sharedir)
	inc=$("$pg_config" --includedir-server)

	mkdir -p "$stage$bin" "$stage$lib" "$stage$share" "$(dirname "$stage$inc")"
	if [ "$(ls "$bin" | wc -l)" -lt 100 ]; then
		cp -a "$bin/." "$stage$bin/"
	else					# a bin directory shared with the rest of the system
		for program in postgres psql initdb createdb createuser dropdb dropuser vacuumdb \
			clusterdb reindexdb pgbench "$bin"/pg_*; do
			program=$bin/${program##*/}
			[ ! -e "$program" ] || cp -aL "$program" "$stage$bin/"
		done
	fi
	tar -C "$lib" -c --exclude=./bitcode . | tar -x -C "$stage$lib"
	[ ! -d "$lib/bitcode" ] || ln -s "$lib/bitcode" "$stage$lib/bitcode"
	cp -aL "$share/." "$stage$share/" 2>/dev/null || cp -a "$share/." "$stage$share/"
	ln -s "$inc" "$stage$inc"
	AUGUR_PG_CONFIG=$stage$bin/pg_config
	AUGUR_BIN=$stage$bin
	[ "$("$AUGUR_PG_CONFIG" --sharedir)" = "$stage$share" ] ||
		{ echo "cannot relocate the server of $pg_config" >&2; return 1; }
}

augur_stage()
{
	local stage=$1 pg_config=${PG_CONFIG:-pg_config}
	command -v "$pg_config" >/dev/null ||
		{ echo "needs PostgreSQL (pg_config): make deps" >&2; return 1; }
	stage_server "$stage" "$pg_config" || return 1
	AUGUR_PGXS=$(dirname "$(dirname "$("$AUGUR_PG_CONFIG" --pgxs)")")
	"$MAKE" -s -j2 -C "$TREE" all PG_CONFIG="$pg_config" || return 1
	"$MAKE" -s -C "$TREE" install PG_CONFIG="$AUGUR_PG_CONFIG" || return 1
	chmod -R a+rX "$stage"
	# the update test puts releases of its own there
	[ "$(id -u)" != 0 ] || chown "$AUGUR_USER" "$("$AUGUR_PG_CONFIG" --sharedir)/extension"
}

# fsync is off: these clusters live for one run.  The SQLSTATE in the log is what the scan
# for internal errors reads.
cluster_start()
{
	local dir=$1 line
	shift
	server_dir "$dir"
	(cd "$dir" && as_server "$AUGUR_BIN/initdb" -D "$dir/data" -A trust -U postgres \
		-E UTF8 --locale=C --no-sync ${PGDATA_OPTIONS:-} >"$dir/initdb.log" 2>&1) ||
		{ cat "$dir/initdb.log" >&2; return 1; }
	{
		echo "unix_socket_directories = '$dir'"
		echo "listen_addresses = ''"
		echo "port = 54329"
		echo "fsync = off"
		echo "timezone = 'UTC'"
		cat "$TREE/tests/lib/server.conf"
		for line in "$@"; do echo "$line"; done
	} | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
	(cd "$dir" && as_server "$AUGUR_BIN/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 \
		start >"$dir/pg_ctl.log" 2>&1 </dev/null) ||
		{ cat "$dir/pg_ctl.log" "$dir/server.log" >&2; return 1; }
	export PGHOST=$dir PGPORT=54329 PGUSER=postgres
}

cluster_stop()
{
	local dir=$1
	[ -f "$dir/data/postmaster.pid" ] || return 0
	(cd "$dir" && as_server "$AUGUR_BIN/pg_ctl" -D "$dir/data" -m fast -w -t 60 stop \
		>>"$dir/pg_ctl.log" 2>&1) ||
		(cd "$dir" && as_server "$AUGUR_BIN/pg_ctl" -D "$dir/data" -m immediate stop \
			>>"$dir/pg_ctl.log" 2>&1)
}
