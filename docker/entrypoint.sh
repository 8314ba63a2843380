#!/bin/bash
# augur-entrypoint: makes the data directory on the first start, then becomes the server.
#
#	docker run augur [postgres] [-c name=value ...]	the server
#	docker run augur COMMAND ...					COMMAND instead
#	docker exec NAME augur-entrypoint --secrets		reads the secrets again, after a rotation
#
# Environment, read when the data directory is empty:
#   POSTGRES_PASSWORD           the superuser's password; required
#   POSTGRES_USER               the superuser's name (postgres)
#   POSTGRES_DB                 the database with augur and pg_cron (the superuser's name)
#   POSTGRES_INITDB_ARGS        more options of initdb, split at spaces
# Each can be NAME_FILE instead, the name of a file that has the value.
#
# Nothing here needs root, and root is refused, as the server does.
set -euo pipefail
umask 077

SECRETS=/run/secrets
# A tmpfs in every container: the copies are never on a disk.
PRIVATE=/dev/shm/augur-secrets
INIT=/docker-entrypoint-initdb.d
# Where a new data directory is made: it is moved up when it is complete, so a first start that is
# killed at any point cannot be taken for a finished one.
UNFINISHED=$PGDATA/augur-init.unfinished

say() { echo "augur-entrypoint: $*"; }
die() { echo "augur-entrypoint: $*" >&2; exit 1; }

# from_file NAME DEFAULT: NAME from the environment or from the file that NAME_FILE names
from_file()
{
	local file=$1_FILE
	if [ -n "${!file:-}" ]; then
		[ -z "${!1:-}" ] || die "$1 and $file are both set"
		[ -r "${!file}" ] || die "cannot read ${!file} ($file)"
		printf -v "$1" '%s' "$(<"${!file}")"
	else
		printf -v "$1" '%s' "${!1:-$2}"
	fi
}

# Secrets come as files of any owner, often readable by all.  augur reads only files of the
# server's user that nobody else can read: these are copies.  Those that configure this script
# (POSTGRES_PASSWORD_FILE) are none of augur's.
copy_secrets()
{
	local file name
	rm -rf "$PRIVATE"
	mkdir -m 0700 "$PRIVATE"
	[ -d "$SECRETS" ] || return 0
	for file in "$SECRETS"/*; do
		[ -f "$file" ] || continue
		case $file in
			"${POSTGRES_PASSWORD_FILE:-}"|"${POSTGRES_USER_FILE:-}"|"${POSTGRES_DB_FILE:-}"|\
			"${POSTGRES_INITDB_ARGS_FILE:-}") continue;;
		esac
		name=${file##*/}
		if [ ! -r "$file" ]; then
			say "secret \"$name\" left out: user $(id -u) cannot read $file" >&2
		elif [ -s "$file" ]; then
			install -m 0600 "$file" "$PRIVATE/$name"
		fi
	done
}

# quoted TEXT: as a string of postgresql.conf and pg_ident.conf ('' inside '), ("" inside ")
quoted() { printf "'%s'" "${1//\'/\'\'}"; }
double_quoted() { printf '"%s"' "${1//\"/\"\"}"; }

# In a process of its own, as first_start calls it.
make_cluster()
{
	local volume=$PGDATA
	from_file POSTGRES_PASSWORD ''
	from_file POSTGRES_USER postgres
	from_file POSTGRES_DB "$POSTGRES_USER"
	from_file POSTGRES_INITDB_ARGS ''
	case $POSTGRES_DB in
		*,*) die "POSTGRES_DB must not contain a comma";;
	esac
	[ -n "$POSTGRES_PASSWORD" ] ||
		die "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: the superuser needs a password"
	[ -z "$(ls -A "$volume")" ] || die "$volume has files, but is no data directory"

	chmod 0700 "$volume"
	export PGDATA=$UNFINISHED
	# shellcheck disable=SC2086 # the options are meant to be split
	initdb --encoding=UTF8 --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
		--auth=scram-sha-256 $POSTGRES_INITDB_ARGS
	{
		echo
		echo "# The image's settings, then those that depend on how this volume was made."
		echo "include_if_exists = '/etc/augur/postgresql.conf'"
		echo "cron.database_name = $(quoted "$POSTGRES_DB")"
		echo "augur.notify_databases = $(quoted "$POSTGRES_DB")"
	} >>"$PGDATA/postgresql.conf"
	echo "image postgres $(double_quoted "$POSTGRES_USER")" >>"$PGDATA/pg_ident.conf"
	# Inside the container, the server's own user is the superuser; all others need a password.
	cat >"$PGDATA/pg_hba.conf" <<END
local all all peer map=image
host all all all scram-sha-256
host replication all all scram-sha-256
END
	# Before the first start, so that pg_cron finds its database.
	if [ "$POSTGRES_DB" != postgres ] && [ "$POSTGRES_DB" != template1 ]; then
		printf 'CREATE DATABASE "%s";\n' "${POSTGRES_DB//\"/\"\"}" |
			postgres --single -j -D "$PGDATA" -c shared_preload_libraries= postgres >/dev/null
	fi

	# No TCP: nobody connects, and the health check fails, until all is in place.
	export PGHOST=/run/postgresql PGUSER=$POSTGRES_USER PGDATABASE=$POSTGRES_DB
	pg_ctl -w -s -o "-c listen_addresses='' -c unix_socket_directories=$PGHOST" start
	run_init_scripts
	pg_ctl -w -s -m fast stop
	shopt -s dotglob
	chmod --reference="$UNFINISHED" "$volume"	# initdb --allow-group-access
	mv "$UNFINISHED"/* "$volume"
	rmdir "$UNFINISHED"
	say "database $(double_quoted "$POSTGRES_DB") is ready"
}

run_init_scripts()
{
	local file
	for file in "$INIT"/*; do
		case $file in
			*.sql) say "running $file"; psql -X -q -v ON_ERROR_STOP=1 -f "$file";;
			*.sql.gz) say "running $file"; gunzip -c "$file" | psql -X -q -v ON_ERROR_STOP=1;;
			*.sh) say "running $file"; bash "$file";;
			"$INIT/*") ;;
			*) say "ignoring $file";;
		esac
	done
}

# Process 1 gets no signal that it has no trap for, and a shell runs its trap only between two
# commands: so the work is done beside it, in a process group of its own.
first_start()
{
	local work
	set -m
	make_cluster </dev/null &
	work=$!
	set +m
	trap 'abandon $work' INT TERM
	wait "$work" || exit 1
	trap 'exit 130' INT TERM
}

# abandon GROUP: what is half-made has nothing that anybody could miss
abandon()
{
	[ ! -e "$UNFINISHED/postmaster.pid" ] || pg_ctl -D "$UNFINISHED" -s -m immediate stop || true
	kill -KILL -- -"$1" 2>/dev/null || true
	say "ended before the first start was done: remove the volume and start again" >&2
	exit 130
}

case ${1:-postgres} in
	--secrets) copy_secrets; exit;;
	-*) set -- postgres "$@";;
	postgres) [ $# -gt 0 ] || set -- postgres;;
	*) exec "$@";;
esac

trap 'exit 130' INT TERM
[ "$(id -u)" != 0 ] || die "the server does not run as root: leave out --user, or name another one"
[ -w "$PGDATA" ] || die "user $(id -u) cannot write $PGDATA: chown 999:999 the mounted directory"
[ ! -e "$UNFINISHED" ] || die "the first start did not finish: remove the volume and start again"

copy_secrets
[ -s "$PGDATA/PG_VERSION" ] || first_start
[ "$(<"$PGDATA/PG_VERSION")" = "$PG_MAJOR" ] ||
	die "the volume is of PostgreSQL $(<"$PGDATA/PG_VERSION"), the image of $PG_MAJOR: see pg_upgrade"

# The server needs none of these, and they would stay readable in /proc.
unset POSTGRES_PASSWORD
exec "$@"
