#!/bin/bash
# deps.sh: everything that building and testing augur needs, from Debian's packages.
#
# usage: deps.sh [demo]      demo: only what building and the demo need
#
# As root it installs what is missing (and nothing else); otherwise it prints the command and
# exits with 1 when something is missing.  With all in place it does nothing, quickly.
#
# Debian's server packages make and start a cluster "main" on port 5432 when they are installed.
# Here they must not: cluster creation is turned off while they are installed, unless the
# machine has clusters already.
set -u

# Major of the server: the one of PG_CONFIG, else what this release of Debian carries.
pg_config=$(command -v "${PG_CONFIG:-pg_config}" || true)
if [ -n "$pg_config" ] && [ -x "$(dirname "$("$pg_config" --pgxs)")/../../../../bin/postgres" ]; then
	major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
else
	. /etc/os-release
	case ${ID:-}:${VERSION_ID:-} in
		debian:12) major=15;;
		debian:13) major=17;;
		*) major=${AUGUR_PG_MAJOR:-15};;
	esac
fi

packages="gcc libc6-dev make perl
	postgresql-$major postgresql-server-dev-$major libcurl4-openssl-dev libio-socket-ssl-perl openssl"
[ "${1:-}" = demo ] || packages="$packages git diffutils postgresql-$major-cron postgresql-$major-pgtap
	libtap-parser-sourcehandler-pgtap-perl libipc-run-perl
	clang-14 libclang-rt-14-dev llvm-14 clang-format-14 clang-tidy-14 cppcheck valgrind sqlsmith"

# A server that was not installed from packages (PG_CONFIG elsewhere) needs none of Debian's.
if ! command -v dpkg-query >/dev/null; then
	for tool in gcc make perl prove "${PG_CONFIG:-pg_config}"; do
		command -v "$tool" >/dev/null || { echo "missing: $tool" >&2; missing=1; }
	done
	exit "${missing:-0}"
fi

have=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | tr '\n' ' ')"
missing=
for package in $packages; do
	case "$have" in
		*" $package "*) ;;
		*) missing="$missing $package";;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "missing packages; as root:" >&2
	echo "  apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt()
{
	apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
		-o Acquire::Retries=3 "$@"
}

echo "installing:$missing"
# Lists may be absent (a fresh machine) or too old (404): fetch them when they are needed.
available()
{
	[ -z "$(apt-get -q -s install --no-install-recommends $missing 2>&1 >/dev/null | grep '^E:')" ]
}
available || apt update || exit 1

conf=/etc/postgresql-common/createcluster.conf
off='create_main_cluster = false	# by make deps of augur, while installing'
restore()
{
	[ ! -f "$conf" ] || sed -i '/# by make deps of augur/d' "$conf"
}
case "$missing" in
	*" postgresql-$major"*)
		apt install --no-install-recommends postgresql-common || { apt update &&
			apt install --no-install-recommends postgresql-common; } || exit 1
		if [ -z "$(pg_lsclusters -h 2>/dev/null)" ]; then
			trap restore EXIT
			echo "$off" >>"$conf"
		fi
		;;
esac
apt install --no-install-recommends $missing ||
	{ apt update && apt install --no-install-recommends $missing; }
