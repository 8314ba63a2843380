#!/bin/bash
# matrix.sh: the tests on every PostgreSQL that Debian carries, in one Debian root.
#
# usage: matrix.sh [MAJOR...]        default: 15 17 18 19.  Needs root.
#
# One root of Debian's development suite, whose apt sources also name the stable suites and
# experimental, holds all majors side by side.  It is made on first use (some minutes, 4 GB)
# and kept in AUGUR_MATRIX_ROOT (default /var/tmp/augur-matrix).  15 and 17 must pass; 18 must
# pass when the archive has it; 19 is tested when it can be had.  What is not tested is said.
#
# AUGUR_MATRIX_STEPS and AUGUR_MATRIX_TAP (files) say what is run.
# Last line: "N passed, N failed" over all majors.
#
# The mirrors and the proxy are the machine's own (apt's configuration).
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ROOT=${AUGUR_MATRIX_ROOT:-/var/tmp/augur-matrix}
BASE=sid
MAX_AGE=$((7 * 24 * 3600))		# then the root's packages are brought up to date
STEPS=${AUGUR_MATRIX_STEPS:-build regress parallel isolation pgtap tap}
SANITIZE=17						# the major that is also run under the sanitizers
majors=${*:-15 17 18 19}
crossed=${AUGUR_MATRIX_CROSS-15 17 18}	# models move between these, in this order

if [ "$(id -u)" != 0 ]; then
	echo "make matrix needs root (it makes a Debian root and changes into it)" >&2
	exit 2
fi
# Mounts of our own: they go when this process goes, however it ends.
if [ -z "${AUGUR_MATRIX_INSIDE:-}" ]; then
	AUGUR_MATRIX_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi
exec </dev/null

say() { echo "matrix: $*"; }
die() { echo "matrix: $*" >&2; echo "0 passed, 1 failed"; exit 1; }

# One run at a time in a root: a second one waits, and says so.
exec 8>"$ROOT.lock"
flock -n 8 || { say "waiting for another run in $ROOT"; flock 8; }

# Mirror of Debian ("Debian" or "Debian-Security"), as this machine's apt reaches it.
mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Label: $1" 2>/dev/null | head -n 1
}

# The machine's proxy settings, for tools that read the environment (debootstrap's downloader).
use_proxy()
{
	local proxy
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "${proxy:-}" ] || [ "$proxy" = DIRECT ] || export http_proxy=${http_proxy:-$proxy}
}

inside()
{
	chroot "$ROOT" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
		${https_proxy:+https_proxy="$https_proxy"} "$@"
}

apt()
{
	inside apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
		-o Acquire::Retries=3 --no-install-recommends "$@"
}

make_root()
{
	local debian security
	command -v debootstrap >/dev/null ||
		{ apt-get -q -y install --no-install-recommends debootstrap ||
			{ apt-get -q update && apt-get -q -y install --no-install-recommends debootstrap; }; } \
			>"$LOG/debootstrap.log" 2>&1 || die "cannot install debootstrap"
	debian=$(mirror Debian)
	if [ -z "$debian" ]; then
		apt-get -q update >/dev/null 2>&1
		debian=$(mirror Debian)
	fi
	security=$(mirror Debian-Security)
	[ -n "$debian" ] || die "apt names no mirror of Debian"

	say "making $ROOT ($BASE)"
	rm -rf --one-file-system "$ROOT"
	debootstrap --variant=minbase --include=ca-certificates "$BASE" "$ROOT" "$debian" \
		>"$LOG/debootstrap.log" 2>&1 || { tail -n 20 "$LOG/debootstrap.log"; die "debootstrap failed"; }
	{
		echo "deb $debian $BASE main"
		echo "deb $debian trixie main"
		echo "deb $debian bookworm main"
		[ -z "$security" ] || echo "deb $security trixie-security main"
		[ -z "$security" ] || echo "deb $security bookworm-security main"
		echo "deb $debian experimental main"
	} >"$ROOT/etc/apt/sources.list"
	# The development suites' index may have expired when the archive rests.
	echo 'Acquire::Check-Valid-Until "false";' >"$ROOT/etc/apt/apt.conf.d/90augur"
	apt-config dump | grep -i '^Acquire::[a-z]*::Proxy ' >>"$ROOT/etc/apt/apt.conf.d/90augur"
	# No service starts, no cluster is made.
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod 755 "$ROOT/usr/sbin/policy-rc.d"
	mkdir -p "$ROOT/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$ROOT/etc/postgresql-common/createcluster.conf"
}

mount_root()
{
	mountpoint -q "$ROOT/proc" || mount -t proc proc "$ROOT/proc" || die "cannot mount proc"
	mkdir -p "$ROOT/dev/shm"
	mountpoint -q "$ROOT/dev/shm" || mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm" ||
		die "cannot mount the shared memory device"
	cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf" 2>/dev/null
	cp -L /etc/hosts "$ROOT/etc/hosts" 2>/dev/null
}

# Server, headers and companions of a major; the companions may be absent.
install_major()
{
	local major=$1 from= extra
	[ "$major" -lt 19 ] || from="-t experimental"
	inside test -x "/usr/lib/postgresql/$major/bin/postgres" -a \
		-f "/usr/lib/postgresql/$major/lib/pgxs/src/makefiles/pgxs.mk" && return 0
	apt $from install "postgresql-$major" "postgresql-server-dev-$major" || return 1
	for extra in cron pgtap; do
		apt install "postgresql-$major-$extra" || say "no $extra for $major in the archive"
	done
}

LOG=$(mktemp -d /tmp/augur-matrix.XXXXXX)
trap 'rm -rf "$LOG"' EXIT
use_proxy
started=$SECONDS
stamp=$ROOT/.augur-matrix
if [ ! -f "$stamp" ]; then
	make_root
	mount_root
	say "fetching the package lists"
	apt update >"$LOG/apt.log" 2>&1 || { tail "$LOG/apt.log"; die "apt-get update failed"; }
	touch "$stamp"
else
	mount_root
	if [ $(($(date +%s) - $(stat -c %Y "$stamp"))) -gt $MAX_AGE ]; then
		say "bringing $ROOT up to date"
		apt update >"$LOG/apt.log" 2>&1 && apt upgrade >>"$LOG/apt.log" 2>&1 && touch "$stamp" ||
			say "cannot update the packages; going on with those at hand"
	fi
fi
# a root of an older recipe may lack some
apt install gcc libc6-dev make perl libipc-run-perl libtap-parser-sourcehandler-pgtap-perl \
	libcurl4-openssl-dev libio-socket-ssl-perl openssl \
	>>"$LOG/apt.log" 2>&1 || { tail -n 20 "$LOG/apt.log"; die "cannot install the tools"; }

# What the archive offers decides what is required: say it before testing.
passed=0
failed=0
report=
inside rm -rf /build/cross
for major in $majors; do
	if ! install_major "$major" >"$LOG/install-$major.log" 2>&1; then
		reason=$(grep -h '^E: ' "$LOG/install-$major.log" | head -n 1)
		reason=${reason:-"cannot be installed from the archive"}
		case $major in
			15|17) failed=$((failed + 1)); report="$report$major FAILED: $reason
";;
			18)	# required while the archive carries it at all
				if inside apt-cache show "postgresql-$major" >/dev/null 2>&1; then
					failed=$((failed + 1)); report="$report$major FAILED: $reason
"
				else
					report="$report$major not tested: $reason
"
				fi;;
			*) report="$report$major not tested: $reason
";;
		esac
		say "$major: $reason"
		continue
	fi
	version=$(inside "/usr/lib/postgresql/$major/bin/postgres" --version | sed 's/^postgres (PostgreSQL) //')
	say "PostgreSQL $version"
	skip=
	more=
	[ "$major" != "$SANITIZE" ] || more=sanitize
	if ! ls "$ROOT/usr/share/postgresql/$major/extension/pgtap.control" >/dev/null 2>&1; then
		skip="pgtap"
		report="$report$major: pgTAP not run, the archive has none for it
"
	fi
	inside rm -rf "/build/$major"
	mkdir -p "$ROOT/build/$major"
	(cd "$TREE" && tar -c --exclude=./.git --exclude=./build --exclude='*.so' --exclude='*.[od]' .) |
		tar -x -C "$ROOT/build/$major" --no-same-owner
	inside AUGUR_SKIP="$skip" CI="${CI:-}" TAP_FILES="${AUGUR_MATRIX_TAP:-}" \
		PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" \
		"/build/$major/tests/lib/run-tests" $STEPS $more 2>&1 | tee "$LOG/$major.log" | sed -u "s/^/$major: /"
	p=
	f=
	read -r p f < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$LOG/$major.log" |
		tail -n 1)
	if [ -z "${f:-}" ]; then
		p=0; f=1
	fi
	if [ "$f" != 0 ] && [ -d "$ROOT/build/$major/build/test-logs" ]; then
		rm -rf "$TREE/build/test-logs-$major"
		mkdir -p "$TREE/build"
		cp -r "$ROOT/build/$major/build/test-logs" "$TREE/build/test-logs-$major"
	fi
	case $major in
		15|17|18) ;;
		*) [ "$f" = 0 ] || say "$major is not released: its failures are counted all the same";;
	esac
	report="$report$version: $p passed, $f failed
"
	passed=$((passed + p))
	failed=$((failed + f))
done

# Models move from each major to the next.
older=
for major in $crossed; do
	inside test -x "/usr/lib/postgresql/$major/bin/pg_upgrade" || install_major "$major" >/dev/null 2>&1 ||
		{ report="$report$older to $major not tested: $major cannot be had
"; continue; }
	if [ -n "$older" ]; then
		[ -d "$ROOT/build/cross" ] || {
			mkdir -p "$ROOT/build/cross"
			(cd "$TREE" && tar -c --exclude=./.git --exclude=./build --exclude='*.so' --exclude='*.[od]' .) |
				tar -x -C "$ROOT/build/cross" --no-same-owner
		}
		inside timeout 900 /build/cross/tests/lib/cross-version.sh "/usr/lib/postgresql/$older/bin/pg_config" \
			"/usr/lib/postgresql/$major/bin/pg_config" 2>&1 | tee "$LOG/cross.log" | sed -u "s/^/$older to $major: /"
		p=
		f=
		read -r p f < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$LOG/cross.log" | tail -n 1)
		report="$report$older to $major: ${p:-0} passed, ${f:-1} failed
$(sed -n "s/^skip: /    not tested: /p" "$LOG/cross.log")
"
		passed=$((passed + ${p:-0}))
		failed=$((failed + ${f:-1}))
	fi
	older=$major
done

echo
printf '%s' "$report"
say "$((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
