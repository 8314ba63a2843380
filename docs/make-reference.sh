#!/bin/bash
# make-reference.sh: writes docs/reference.md from the catalog of a database that has augur:
# functions, aggregates, types, tables and views with their comments, hyperparameters, settings.
#
# usage: docs/make-reference.sh DATABASE            writes it (PGHOST, PGPORT, PGUSER say where)
#        docs/make-reference.sh --check DATABASE    compares; exit status 1 when they differ
set -eu
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
check=
if [ "${1:-}" = --check ]; then
	check=1
	shift
fi
database=${1:?usage: make-reference.sh [--check] DATABASE}

make_reference()
{
	PGOPTIONS='-c client_min_messages=warning -c search_path=pg_catalog -c lc_messages=C' \
		psql -qAtX -v ON_ERROR_STOP=1 -d "$database" -f "$TREE/docs/reference.sql"
}

if [ -n "$check" ]; then
	diff "$TREE/docs/reference.md" <(make_reference) || exit 1
else
	make_reference >"$TREE/docs/reference.md.new"
	mv "$TREE/docs/reference.md.new" "$TREE/docs/reference.md"
fi
