#!/bin/bash
# Starts PostgreSQL the way the official image does: POSTGRES_USER, POSTGRES_PASSWORD (or _FILE), POSTGRES_DB,
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and /docker-entrypoint-initdb.d mean the same.
set -euo pipefail

[ "${1:0:1}" = "-" ] && set -- postgres "$@"
[ "${1:-postgres}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 0700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups env HOME=/var/lib/postgresql "$0" "$@"
fi

from_file() {
  local file="$1_FILE"
  if [ -n "${!file:-}" ]; then export "$1"="$(cat "${!file}")"; fi
}
from_file POSTGRES_PASSWORD
from_file POSTGRES_USER
from_file POSTGRES_DB

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

first_start() {
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
    echo "Error: the database has no superuser password. Set POSTGRES_PASSWORD to a value that is not empty, or" >&2
    echo "POSTGRES_HOST_AUTH_METHOD=trust to let everybody on the network in without one." >&2
    exit 1
  fi
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") --no-instructions ${POSTGRES_INITDB_ARGS:-} >/dev/null
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start >/dev/null
  if [ "$database" != postgres ]; then
    psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$user" -d postgres -v db="$database" <<<'CREATE DATABASE :"db";' >/dev/null
  fi
  run_scripts
  pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
}

run_scripts() {
  local file
  local -a sql=(psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$user" -d "$database")
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) "${sql[@]}" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | "${sql[@]}" ;;
    esac
  done
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then first_start; fi
exec "$@" -c "listen_addresses=*"
