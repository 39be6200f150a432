#!/bin/sh
# Creates Temporal's two databases, or brings their schemas up to the server's version. Safe to repeat: every `up` runs it.
# In: POSTGRES_SEEDS (host), POSTGRES_USER, SQL_PASSWORD (read by the tool itself), DB_PORT (5432).
set -eu

# $1: database, $2: its schema, one of those inside the tool
prepare() {
  echo "schema of database $1"
  sql() { temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port "${DB_PORT:-5432}" --user "$POSTGRES_USER" --db "$database" "$@"; }
  database="$1"
  sql create-database
  sql setup-schema --version 0.0
  sql update-schema --schema-name "postgresql/v12/$2"
}

prepare temporal temporal
prepare temporal_visibility visibility
