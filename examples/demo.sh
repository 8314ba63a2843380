#!/bin/bash
# demo.sh: the examples in a private, throw-away cluster, as reports to read.
#
# usage: examples/demo.sh               (or: make demo)
#        KEEP=1 examples/demo.sh        keeps the cluster and says how to connect and to stop it
#
# Needs PostgreSQL 15 or newer with its headers and a C compiler (PG_CONFIG says which server).
# Nothing is installed into the system: the server is copied (tests/lib/cluster.sh).
set -eu
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$TREE/tests/lib/cluster.sh"

augur_tmp augur-demo
cluster=$AUGUR_WORK/cluster
finish()
{
	local rc=$?
	if [ "${kept:-}" = 1 ]; then
		return $rc
	fi
	[ -z "${stub:-}" ] || kill "$stub" 2>/dev/null || true
	cluster_stop "$cluster" || true
	rm -rf "$AUGUR_WORK"
	return $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

began=$SECONDS
echo "Building augur and starting a private PostgreSQL ..."
augur_stage "$AUGUR_WORK/stage"
# something that plays Slack, and prints what it is told
slack=$AUGUR_WORK/slack
server_dir "$slack"
install -m 0755 "$TREE/tests/lib/https-stub.pl" "$slack/stub.pl"
(cd "$slack" && as_server perl stub.pl "$slack" >"$slack.said" 2>&1) &
stub=$!
for _ in $(seq 600); do
	[ ! -s "$slack/ports" ] && kill -0 "$stub" 2>/dev/null || break
	sleep 0.1
done
[ -s "$slack/ports" ] || { echo "what plays Slack does not start:" >&2; cat "$slack.said" >&2; exit 1; }
port=$(sed -n 's/^good //p' "$slack/ports")
install -m 0700 -d "$AUGUR_WORK/secrets"
echo "https://localhost:$port/200/services/T0/B0/secret" >"$AUGUR_WORK/secrets/slack"
chmod 600 "$AUGUR_WORK/secrets/slack"
[ "$(id -u)" != 0 ] || chown -R "$AUGUR_USER" "$AUGUR_WORK/secrets"
cluster_start "$cluster" "shared_preload_libraries = 'augur,augur_notify'" \
	"augur.notify_databases = 'demo'" "augur.notify_role = 'notifier'" "augur.notify_poll = '500ms'" \
	"max_worker_processes = 16" \
	"augur.secret_directory = '$AUGUR_WORK/secrets'" "augur.notify_ca_file = '$slack/ca.pem'" \
	"augur.notify_hosts = 'localhost:$port'" "augur.notify_private_hosts = 'localhost:$port'"
# the server's user writes files beside the SQL files
cp -r "$TREE/examples" "$AUGUR_WORK/examples"
[ "$(id -u)" != 0 ] || chown -R "$AUGUR_USER" "$AUGUR_WORK/examples"
chmod -R u+rwX,a+rX "$AUGUR_WORK/examples"

# run_psql DIRECTORY OPTION...
run_psql()
{
	local directory=$1
	shift
	(cd "$directory" && as_server "$AUGUR_BIN/psql" -X -v ON_ERROR_STOP=1 -d demo "$@")
}

(cd "$AUGUR_WORK" && as_server "$AUGUR_BIN/createdb" demo)
run_psql "$AUGUR_WORK" -q -c 'CREATE EXTENSION augur' -c 'CREATE ROLE notifier LOGIN' \
	-c "SELECT augur.grant_preset('notifier', 'notifier')" >"$AUGUR_WORK/set-up"

title()
{
	printf '\n%s\n%s\n' "$1" "$(printf '%*s' "${#1}" '' | tr ' ' '=')"
}
title "1. Customers: who will make a large purchase in the next 90 days?"
run_psql "$AUGUR_WORK/examples/customers" -f run.sql
title "2. Prices: what is a diamond worth?"
run_psql "$AUGUR_WORK/examples/prices" -f run.sql
title "3. Store sales: what will each store need in the next four weeks?"
run_psql "$AUGUR_WORK/examples/store_sales" -f run.sql
title "4. Pharmacy: what will be asked for, and what does the price do to it?"
run_psql "$AUGUR_WORK/examples/pharmacy" -f run.sql
title "5. The loop: data drifts, a candidate is trained, judged and promoted, by rule"
run_psql "$AUGUR_WORK/examples/loop" -f run.sql

title "6. Customers on a schedule: a month's file, a model, a campaign, without anybody typing"
run_psql "$AUGUR_WORK/examples/customers" -f scheduled.sql
title "7. Store sales on a schedule: six weeks, three forecasters each"
run_psql "$AUGUR_WORK/examples/store_sales" -f scheduled.sql
title "8. What Slack was told meanwhile"
# one message a second for each channel
for _ in $(seq 30); do
	[ "$(run_psql "$AUGUR_WORK" -qAt -c 'SELECT sum(waiting) FROM augur.notification_status')" != 0 ] || break
	sleep 1
done
cat "$slack.said"

printf '\nDone in %d s.  The examples are in examples/, each with a README.\n' \
	$((SECONDS - began))
if [ "${KEEP:-}" = 1 ]; then
	kept=1
	user=
	[ "$(id -u)" != 0 ] || user="runuser -u $AUGUR_USER -- "
	cat <<END

The cluster runs on.  To look around:

    $AUGUR_BIN/psql -h $PGHOST -p $PGPORT -U postgres demo

and to stop it and remove it:

    (cd / && $user$AUGUR_BIN/pg_ctl -D $cluster/data -m fast stop) && rm -rf $AUGUR_WORK
END
fi
