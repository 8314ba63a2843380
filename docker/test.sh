#!/bin/bash
# test.sh: builds the image and looks at it from outside, behind `make docker-test`.
#
#   test stage    pg_regress and pgTAP pass inside the build      (AUGUR_SKIP=stage leaves it out)
#   image         no root, no compiler, health check, stop signal
#   container     starts without a capability, gets healthy, trains, predicts, has a job of pg_cron
#                 run, delivers a notification to a receiver that plays Slack, keeps its data over a
#                 restart and over SIGKILL, stops cleanly in ten seconds
#   refusals      no password, root, another major's volume, a first start that failed, was killed or stopped
#   compose.yml   is valid, comes up with the example systems, ticks, delivers, stops  (AUGUR_SKIP=compose)
#
# Asks nothing; leaves the images and the engine's cache, no container and no volume.  Where no
# engine can be had it says so and ends well.  Last line: "N passed, N failed".
#
# Environment: as build.sh.
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d /tmp/augur-docker.XXXXXX)
. "$TREE/docker/engine.sh"
NAME=augur-test-$$
IMAGE=augur:${PG_MAJOR:-15}
passed=0
failed=0

ok()
{
	echo "ok - $1"
	passed=$((passed + 1))
}

not_ok()
{
	echo "not ok - $1"
	[ $# -lt 2 ] || printf '%s\n' "$2" | tail -n 40 | sed 's/^/    /'
	failed=$((failed + 1))
}

# check NAME COMMAND...: passes when the command does; shows what it printed when not
check()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$out"; fi
}

# is NAME GOT WANTED
is()
{
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:    $2
wanted: $3"; fi
}

finish()
{
	"$ENGINE" rm -f -v "$NAME" "$NAME-bad" >/dev/null 2>&1
	"$ENGINE" volume rm -f "$NAME" "$NAME-bad" >/dev/null 2>&1
	[ -z "${compose:-}" ] || compose down -v >/dev/null 2>&1
	[ -z "${stub:-}" ] || kill "$stub" 2>/dev/null
	engine_stop
	rm -rf "$WORK"
	echo "$passed passed, $failed failed"
}

skipped() { case " ${AUGUR_SKIP:-} " in *" $1 "*) return 0;; esac; return 1; }

engine_find || { echo "skip: $REASON"; rm -rf "$WORK"; echo "0 passed, 0 failed"; exit 0; }
trap finish EXIT
trap 'exit 130' INT TERM
say "$ENGINE $("$ENGINE" version --format '{{.Server.Version}}' 2>/dev/null)"
base_image || { not_ok "a base image"; exit 1; }

#
# The image
#
build_target augur "$IMAGE" >"$WORK/build.log" 2>&1 ||
	{ not_ok "the image builds" "$(cat "$WORK/build.log")"; exit 1; }
ok "the image builds, from $BASE"
if skipped stage; then
	say "left out: pg_regress and pgTAP inside the build"
elif build_target test "augur-test:${PG_MAJOR:-15}" >"$WORK/stage.log" 2>&1; then
	ok "pg_regress and pgTAP pass inside the build"
else
	not_ok "pg_regress and pgTAP pass inside the build" \
		"$(grep -v '^ok\|^# ok\|\.\. ok$' "$WORK/stage.log")"
fi

inspect() { "$ENGINE" image inspect -f "$1" "$IMAGE"; }
is "its user is not root" "$(inspect '{{.Config.User}}')" 999:999
is "it stops by SIGINT" "$(inspect '{{.Config.StopSignal}}')" SIGINT
check "it has a health check" grep -q pg_isready <<<"$(inspect '{{.Config.Healthcheck}}')"
bare='! command -v gcc && ! command -v make && ! ls /usr/share/postgresql/*/extension/pgtap.control &&
	! ls /etc/ssl/private/*.key && ! ls /src'
check "no compiler, no test framework, no key, no source in it" \
	"$ENGINE" run --rm --network host "$IMAGE" sh -c "$bare"

#
# The container
#
# A free port: the network is the machine's, so that servers beside it can be reached.
port=$((20000 + RANDOM % 10000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done

mkdir "$WORK/secrets" "$WORK/init"
printf 'correct horse' >"$WORK/secrets/postgres_password"
# The receiver that plays Slack, by TLS with an authority of its own.
stub=
arguments=(postgres)
if perl -MIO::Socket::SSL -e 1 2>/dev/null && command -v openssl >/dev/null; then
	mkdir "$WORK/stub"
	perl "$TREE/tests/lib/https-stub.pl" "$WORK/stub" >/dev/null 2>&1 &
	stub=$!
	for ((i = 0; i < 300; i++)); do
		[ ! -s "$WORK/stub/ports" ] || break
		sleep 0.2
	done
	receiver=localhost:$(sed -n 's/^good //p' "$WORK/stub/ports")
	arguments+=(-c "augur.notify_hosts=$receiver" -c "augur.notify_private_hosts=$receiver"
		-c augur.notify_ca_file=/etc/augur/ca.pem)
else
	say "left out: delivery to a receiver (no openssl, or no IO::Socket::SSL of perl)"
	receiver=hooks.example.com
	mkdir "$WORK/stub"
	: >"$WORK/stub/ca.pem"
fi
printf 'https://%s/200/T0/B0/first\n' "$receiver" >"$WORK/secrets/slack_webhook"
: >"$WORK/secrets/empty"
echo "CREATE TABLE from_init AS SELECT current_database() AS database, 1 AS n" >"$WORK/init/mine.sql"
chmod 755 "$WORK" "$WORK/secrets" "$WORK/init"
chmod 644 "$WORK"/secrets/* "$WORK"/init/* "$WORK/stub/ca.pem"

# container NAME OPTION... : starts one as compose.yml does
container()
{
	local name=$1
	shift
	"$ENGINE" run -d --name "$name" --network host -e PGPORT="$port" --shm-size 256m --cap-drop ALL \
		--security-opt no-new-privileges "$@" "$IMAGE" "${arguments[@]}" >/dev/null
}

healthy()
{
	local i
	for ((i = 0; i < 600; i++)); do
		if [ "$ENGINE" = podman ]; then
			# podman leaves the timer to systemd, which may not be there
			podman healthcheck run "$1" >/dev/null 2>&1 && return 0
		else
			[ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ] && return 0
		fi
		[ "$("$ENGINE" inspect -f '{{.State.Running}}' "$1")" = true ] || break
		sleep 0.5
	done
	"$ENGINE" logs "$1" 2>&1
	return 1
}

# of these
running=$NAME
database=shop
sql()
{
	"$ENGINE" exec -e PGOPTIONS='-c client_min_messages=warning' "$running" \
		psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" -c "$1" 2>&1
}

container "$NAME" -v "$NAME:/var/lib/postgresql/data" -v "$WORK/secrets:/run/secrets:ro" \
	-v "$WORK/init/mine.sql:/docker-entrypoint-initdb.d/40-mine.sql:ro" \
	-v "$WORK/stub/ca.pem:/etc/augur/ca.pem:ro" \
	-e POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password -e POSTGRES_DB=shop
check "the container gets healthy, without any capability" healthy "$NAME"
is "process 1 is the server, not root" \
	"$("$ENGINE" exec "$NAME" sh -c 'cat /proc/1/comm; stat -c %u /proc/1')" "postgres
999"
is "the extensions are there" \
	"$(sql "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension")" "augur pg_cron plpgsql"
is "a script of one's own ran, in the database asked for" "$(sql 'SELECT * FROM from_init')" "shop|1"
is "secrets are files of the server's user alone; those of the entrypoint are none of augur's" \
	"$("$ENGINE" exec "$NAME" sh -c 'cd /dev/shm/augur-secrets && stat -c "%n %a %u" . *')" ". 700 999
slack_webhook 600 999"
printf 'https://%s/200/T0/B0/rotated\n' "$receiver" >"$WORK/secrets/slack_webhook"
"$ENGINE" exec "$NAME" augur-entrypoint --secrets
is "a rotated secret is read again" \
	"$("$ENGINE" exec "$NAME" cat /dev/shm/augur-secrets/slack_webhook)" "$(cat "$WORK/secrets/slack_webhook")"
tcp() { "$ENGINE" exec -e PGPASSWORD="$1" "$NAME" psql -X -A -t -h 127.0.0.1 -d shop -c 'SELECT 1' 2>&1; }
is "TCP needs the password" "$(tcp 'correct horse')" 1
check "and refuses another" grep -q 'password authentication failed' <<<"$(tcp wrong)"

sql "CREATE TABLE flats AS SELECT n AS id, 20 + n % 80 AS area, n % 5 AS floor,
	300 + 12 * (20 + n % 80) + 10 * (n % 5) AS rent FROM generate_series(1, 500) n" >/dev/null
is "it trains" "$(sql "SELECT version, promoted FROM augur.train('rent', 'flats', 'rent', key => 'id')")" "1|t"
predict="SELECT sum(augur.predict('rent', f))::text FROM flats f"
before=$(sql "$predict")
is "it predicts" "$(sql "SELECT $before BETWEEN 0.9 * sum(rent) AND 1.1 * sum(rent) FROM flats")" t

# pg_cron's shortest period is a minute; the check is at the end of the other work.
sql "CREATE TABLE fired (at timestamptz);
	SELECT cron.schedule('smoke', '* * * * *', 'INSERT INTO public.fired VALUES (now())')" >/dev/null

# wait_for NAME SECONDS QUERY: until it says t
wait_for()
{
	local i
	for ((i = 0; i < $2; i++)); do
		[ "$(sql "$3")" != t ] || { ok "$1"; return; }
		sleep 1
	done
	not_ok "$1" "$(sql 'SELECT jobid, status, return_message, start_time FROM cron.job_run_details
		ORDER BY runid DESC LIMIT 10'; "$ENGINE" logs --tail 20 "$running" 2>&1)"
}
wait_for "a job of pg_cron runs" 90 'SELECT count(*) > 0 FROM fired'
if [ "$(sql "SELECT to_regprocedure('augur.install_tick()') IS NOT NULL")" = t ]; then
	wait_for "the tick runs" 90 "SELECT count(*) > 0 FROM cron.job_run_details
		WHERE command ~ 'augur\\.tick' AND status = 'succeeded'"
fi

if [ -n "$stub" ]; then
	sql "SELECT augur.test_channel('slack')" >/dev/null
	wait_for "a notification is delivered" 60 "SELECT bool_or(status = 'sent') FROM augur.notifications"
	check "to the address of the rotated secret" grep -q '"path":"/200/T0/B0/rotated"' "$WORK/stub/log"
	check "the secret is in no dump and no log" sh -c \
		"! { $ENGINE exec $NAME pg_dump shop; $ENGINE logs $NAME 2>&1; } | grep -E 'B0/(first|rotated)'"
fi

# stop NAME: within ten seconds, by itself, with a log that ends well
stop()
{
	local began=$SECONDS log
	"$ENGINE" stop -t 20 "$1" >/dev/null 2>&1
	[ $((SECONDS - began)) -le 10 ] || { echo "took $((SECONDS - began)) s"; return 1; }
	log=$("$ENGINE" logs "$1" 2>&1)
	if [ "$("$ENGINE" inspect -f '{{.State.ExitCode}}' "$1")" != 0 ] ||
		! grep -q 'database system is shut down' <<<"$(tail -n 1 <<<"$log")"; then
		echo "$log"
		return 1
	fi
}
check "it stops cleanly, within ten seconds" stop "$NAME"
"$ENGINE" start "$NAME" >/dev/null
check "it starts again" healthy "$NAME"
is "and predicts the same" "$(sql "$predict")" "$before"
is "and made nothing twice" "$(sql 'SELECT count(*) FROM from_init')" 1
sql 'CREATE TABLE last_words AS SELECT 1 AS n'
"$ENGINE" kill "$NAME" >/dev/null
"$ENGINE" start "$NAME" >/dev/null
check "it starts again after SIGKILL" healthy "$NAME"
is "and has what was committed" "$(sql 'SELECT n FROM last_words')" 1
check "it stops cleanly again" stop "$NAME"
"$ENGINE" logs "$NAME" >"$WORK/container.log" 2>&1
check "the log has no internal error, crash or leak" \
	sh -c "! grep -nE 'XX000|PANIC|FATAL|terminated by signal|TRAP:|WARNING' '$WORK/container.log' |
		grep -v 'password authentication failed\|starting up\|shutting down' |
		grep -v 'terminating background worker .pg_cron launcher. due to administrator command' | grep ."

#
# Refusals
#
# refuses NAME MESSAGE COMMAND...
refuses()
{
	local name=$1 message=$2 out
	shift 2
	if out=$("$@" 2>&1); then
		not_ok "$name" "$out"
	elif grep -q "$message" <<<"$out"; then
		ok "$name"
	else
		not_ok "$name" "$out"
	fi
}
refuses "without a password it does not start" 'set POSTGRES_PASSWORD' \
	"$ENGINE" run --rm --network host "$IMAGE"
refuses "as root it does not start" 'does not run as root' \
	"$ENGINE" run --rm --network host --user 0 -e POSTGRES_PASSWORD=x "$IMAGE"
echo 'SELECT 1 / 0' >"$WORK/init/bad.sql"
chmod 644 "$WORK/init/bad.sql"
bad=("$ENGINE" run --rm --network host -e PGPORT="$port" -v "$NAME-bad:/var/lib/postgresql/data"
	-v "$WORK/init/bad.sql:/docker-entrypoint-initdb.d/30-bad.sql:ro" -e POSTGRES_PASSWORD=x "$IMAGE")
refuses "an init script that fails ends the first start" 'division by zero' "${bad[@]}"
refuses "and the half-made volume is refused" 'did not finish' "${bad[@]}"
# Killed in the middle of initdb: process 1 ends, and all others with it.
"$ENGINE" volume rm -f "$NAME-bad" >/dev/null
# shellcheck disable=SC2016 # the variable is the container's
killed='augur-entrypoint & until [ "$(find "$PGDATA" -name PG_VERSION)" ]; do :; done'
"$ENGINE" run --rm --network host -v "$NAME-bad:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=x \
	--entrypoint bash "$IMAGE" -c "$killed" >/dev/null 2>&1
refuses "so is one whose initdb was killed" 'did not finish' "${bad[@]}"

# Stopped while a script of the first start runs.
"$ENGINE" volume rm -f "$NAME-bad" >/dev/null
echo 'SELECT pg_sleep(300)' >"$WORK/init/bad.sql"
stop_early()
{
	local i began out
	"$ENGINE" run -d --name "$NAME-bad" "${bad[@]:3}" >/dev/null
	for ((i = 0; i < 120; i++)); do
		"$ENGINE" logs "$NAME-bad" 2>&1 | grep -q 'running .*30-bad' && break
		sleep 0.5
	done
	began=$SECONDS
	"$ENGINE" stop -t 60 "$NAME-bad" >/dev/null 2>&1
	out=$("$ENGINE" logs "$NAME-bad" 2>&1)
	"$ENGINE" rm -f "$NAME-bad" >/dev/null
	printf '%s\n' "$out" "took $((SECONDS - began)) s"
	[ $((SECONDS - began)) -le 10 ] && grep -q 'ended before the first start was done' <<<"$out"
}
check "the first start is stopped within ten seconds" stop_early
refuses "and its volume is refused, too" 'did not finish' "${bad[@]}"
"$ENGINE" run --rm --network host -v "$NAME:/var/lib/postgresql/data" "$IMAGE" \
	sh -c 'echo 9 >/var/lib/postgresql/data/PG_VERSION'
refuses "the volume of another major is refused" 'is of PostgreSQL 9' \
	"$ENGINE" run --rm --network host -v "$NAME:/var/lib/postgresql/data" "$IMAGE"

#
# compose.yml
#
if docker compose version >/dev/null 2>&1; then
	compose="docker compose"
elif command -v docker-compose >/dev/null; then
	compose=docker-compose
else
	compose=
fi
compose()
{
	AUGUR_SECRETS=$WORK/secrets PGPORT=$port BASE=$BASE $compose -p "$NAME" \
		-f "$compose_file" --project-directory "$TREE/docker" "$@"
}
compose_file=$TREE/docker/compose.yml
if [ -z "$compose" ] || [ "$ENGINE" != docker ]; then
	say "left out: compose.yml (no docker compose for this engine)"
else
	say "$($compose version | head -n 1)"
	check "compose.yml is valid" compose config -q
	if skipped compose; then
		say "left out: compose.yml up"
	else
		inside_port=5432
		if [ ${#NETWORK[@]} -gt 0 ]; then
			# the private engine has no bridge
			inside_port=$port
			sed -e 's/^    ports:/    network_mode: host/' -e '/^      - "127.0.0.1:/d' \
				-e "s/^    environment:/&\n      PGPORT: \"$port\"/" "$compose_file" >"$WORK/compose.yml"
			compose_file=$WORK/compose.yml
		fi
		compose up -d --no-build >"$WORK/compose.log" 2>&1 || not_ok "compose up" "$(cat "$WORK/compose.log")"
		service=$(compose ps -q db)
		check "compose.yml comes up with the example systems" healthy "$service"
		is "it listens on the port asked for, on this machine alone" \
			"$("$ENGINE" run --rm --network host -e PGPASSWORD='correct horse' "$IMAGE" \
				psql -X -A -t -h 127.0.0.1 -p "$port" -U postgres -c 'SHOW port' 2>&1)" "$inside_port"
		running=$service
		database=postgres
		is "and they have their models" "$(sql 'SELECT count(*) > 1 FROM augur.serving_now')" t
		wait_for "its schedule ticks" 90 "SELECT status = 'ok' FROM augur.health() WHERE component = 'tick'"
		if [ -n "$stub" ] && [ ${#NETWORK[@]} -gt 0 ]; then
			"$ENGINE" exec -i "$service" sh -c 'cat >/dev/shm/ca.pem' <"$WORK/stub/ca.pem"
			sql "ALTER SYSTEM SET augur.notify_hosts = '$receiver'"
			sql "ALTER SYSTEM SET augur.notify_private_hosts = '$receiver'"
			sql "ALTER SYSTEM SET augur.notify_ca_file = '/dev/shm/ca.pem'"
			sql "SELECT pg_reload_conf()" >/dev/null
			sql "SELECT augur.test_channel('slack')" >/dev/null
			wait_for "its worker delivers a notification" 60 \
				"SELECT bool_or(status = 'sent') FROM augur.notifications"
		else
			is "its worker is there" "$(sql 'SELECT worker FROM augur.notification_status')" running
		fi
		check "and it stops cleanly" stop "$service"
	fi
fi

[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
