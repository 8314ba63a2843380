#!/bin/bash
# build.sh: builds the image augur:MAJOR, behind `make docker`.
#
# Environment: PG_MAJOR (15), BASE (a Debian image), ENGINE (docker or podman); see engine.sh.
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d /tmp/augur-docker.XXXXXX)
. "$TREE/docker/engine.sh"
trap 'engine_stop; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

engine_find || { echo "make docker: $REASON" >&2; exit 2; }
base_image || exit 1
build_target augur "augur:${PG_MAJOR:-15}" || exit 1
say "augur:${PG_MAJOR:-15} is built, from $BASE"
[ -z "$PRIVATE_PID" ] || say "it is in the private engine's data, which make docker-test uses too"
