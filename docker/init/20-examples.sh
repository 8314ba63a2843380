#!/bin/bash
# Runs the examples that AUGUR_EXAMPLES names ("customers store_sales"), in the database of
# POSTGRES_DB, when the data directory is new.  Each leaves its tables and models behind.
set -euo pipefail

for example in ${AUGUR_EXAMPLES:-}; do
	directory=/usr/share/augur/examples/$example
	[ -f "$directory/run.sql" ] ||
		{ echo "no example \"$example\": there are $(ls /usr/share/augur/examples)" >&2; exit 1; }
	# some write files where psql runs
	work=$(mktemp -d)
	cd "$work"
	psql -X -q -v ON_ERROR_STOP=1 -f "$directory/run.sql" >"$work/log" || { cat "$work/log"; exit 1; }
	cd /
	rm -rf "$work"
	echo "example \"$example\" is in place"
done
