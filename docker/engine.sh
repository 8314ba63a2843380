# shellcheck shell=bash
# engine.sh: a container engine and a Debian base image, from whatever this machine has.
# Sourced by build.sh and test.sh, which set TREE and WORK (a directory that they remove).
#
#   engine_find     sets ENGINE (docker or podman) and NETWORK; else says why not in REASON
#   engine_stop     stops what engine_find started
#   base_image      sets BASE to an image that is there
#
# ENGINE=podman prefers it.  Where docker's engine is installed and does not run, root gets a
# private one: own socket, own data in AUGUR_DOCKER_DATA (default /var/tmp/augur-docker, kept as a
# cache), no bridge and no firewall rules, so nothing of the machine changes.

PRIVATE_PID=

say() { echo "docker: $*"; }

# Docker's engine of our own.
private_engine()
{
	local data=${AUGUR_DOCKER_DATA:-/var/tmp/augur-docker} waited=0
	export DOCKER_HOST=unix://$WORK/docker.sock
	# of its own session: a signal to this script's group must not end it before its containers
	setsid dockerd --host "$DOCKER_HOST" --data-root "$data" --exec-root "$WORK/exec" \
		--pidfile "$WORK/docker.pid" --bridge none --iptables=false --ip6tables=false \
		--ip-forward=false --ip-masq=false >"$WORK/dockerd.log" 2>&1 </dev/null &
	PRIVATE_PID=$!
	while ! docker info >/dev/null 2>&1; do
		waited=$((waited + 1))
		if [ $waited -gt 60 ] || ! kill -0 "$PRIVATE_PID" 2>/dev/null; then
			engine_stop
			REASON="dockerd does not start: $(grep -v level=info "$WORK/dockerd.log" | tail -n 1)"
			return 1
		fi
		sleep 0.5
	done
	say "started a private engine in $data"
}

engine_stop()
{
	[ -n "$PRIVATE_PID" ] || return 0
	kill "$PRIVATE_PID" 2>/dev/null
	wait "$PRIVATE_PID" 2>/dev/null
	# a mount that the engine leaves behind
	umount "$WORK/exec/netns/default" 2>/dev/null || true
	PRIVATE_PID=
}

engine_find()
{
	NETWORK=()
	if [ "${ENGINE:-docker}" = docker ] && docker info >/dev/null 2>&1; then
		ENGINE=docker
	elif [ "${ENGINE:-podman}" = podman ] && podman info >/dev/null 2>&1; then
		ENGINE=podman
		NETWORK=(--network host)
	elif [ "${ENGINE:-docker}" = docker ] && [ "$(id -u)" = 0 ] && command -v docker >/dev/null &&
		command -v dockerd >/dev/null; then
		private_engine || return 1
		ENGINE=docker
		NETWORK=(--network host)
	else
		# shellcheck disable=SC2034 # the caller's
		REASON="no engine answers (docker info, podman info): apt-get install docker.io or podman"
		return 1
	fi
}

# Mirror of Debian ("Debian" or "Debian-Security"), as this machine's apt reaches it.
mirror()
{
	# shellcheck disable=SC2016 # the variable is apt's
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Label: $1" 2>/dev/null | head -n 1
}

# debootstrap_image RELEASE NAME
debootstrap_image()
{
	local root=$WORK/root debian security proxy
	[ "$(id -u)" = 0 ] || { say "making a base image needs root" >&2; return 1; }
	command -v debootstrap >/dev/null ||
		{ DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends debootstrap ||
			{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
				--no-install-recommends debootstrap; }; } >"$WORK/debootstrap.log" 2>&1 ||
		{ tail "$WORK/debootstrap.log" >&2; return 1; }
	debian=$(mirror Debian)
	security=$(mirror Debian-Security)
	[ -n "$debian" ] || { say "apt names no mirror of Debian" >&2; return 1; }
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "${proxy:-}" ] || [ "$proxy" = DIRECT ] || export http_proxy=${http_proxy:-$proxy}
	say "making $2 with debootstrap"
	debootstrap --variant=minbase "$1" "$root" "$debian" >"$WORK/debootstrap.log" 2>&1 ||
		{ tail "$WORK/debootstrap.log" >&2; return 1; }
	{
		echo "deb $debian $1 main"
		if [ "$1" != sid ]; then		# the development suite has neither
			echo "deb $debian $1-updates main"
			[ -z "$security" ] || echo "deb $security $1-security main"
		fi
	} >"$root/etc/apt/sources.list"
	# and its index may have expired when the archive rests
	[ "$1" != sid ] || echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90augur"
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
	tar -C "$root" --numeric-owner -c . | "$ENGINE" import - "$2" >/dev/null || return 1
	rm -rf "$root"
}

# The image of BASE (default: the Dockerfile's); when it cannot be pulled and is an official
# Debian, one that debootstrap makes of the same release.
base_image()
{
	local release
	BASE=${BASE:-$(sed -n 's/^ARG BASE=//p' "$TREE/docker/Dockerfile")}
	"$ENGINE" image inspect "$BASE" >/dev/null 2>&1 && return 0
	timeout 300 "$ENGINE" pull -q "$BASE" >"$WORK/pull.log" 2>&1 && return 0
	say "cannot pull $BASE: $(tail -n 1 "$WORK/pull.log")"
	case $BASE in
		debian:[a-z]*) release=${BASE#debian:}; release=${release%%-*};;
		*) return 1;;
	esac
	BASE=augur-base:$release
	"$ENGINE" image inspect "$BASE" >/dev/null 2>&1 || debootstrap_image "$release" "$BASE"
}

# build_target TARGET NAME
build_target()
{
	local options=()
	# podman's own format has no health check
	[ "$ENGINE" != podman ] || options=(--format docker)
	"$ENGINE" build -f "$TREE/docker/Dockerfile" --target "$1" -t "$2" "${options[@]}" \
		"${NETWORK[@]}" --build-arg "BASE=$BASE" --build-arg "PG_MAJOR=${PG_MAJOR:-15}" \
		${http_proxy:+--build-arg "http_proxy=$http_proxy"} "$TREE"
}
