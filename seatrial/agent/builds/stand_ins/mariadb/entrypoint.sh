#!/bin/bash
# Starts MariaDB the way the official images of mariadb and mysql do: MARIADB_* or MYSQL_* ROOT_PASSWORD, DATABASE, USER,
# PASSWORD (each also with _FILE), ALLOW_EMPTY_ROOT_PASSWORD (MYSQL_ALLOW_EMPTY_PASSWORD), RANDOM_ROOT_PASSWORD and
# /docker-entrypoint-initdb.d mean the same.
set -euo pipefail
shopt -s nullglob

[ "${1:0:1}" = "-" ] && set -- mariadbd "$@"
case "${1:-}" in mysqld) shift; set -- mariadbd "$@" ;; esac
[ "${1:-}" = mariadbd ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  chown -R mysql:mysql /var/lib/mysql /run/mysqld
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi

arguments=()
for argument in "$@"; do
  case "$argument" in
    --default-authentication-plugin=* | --mysql-native-password=*)
      echo "$argument is an option of MySQL; this is MariaDB, and begins without it" >&2 ;;
    *) arguments+=("$argument") ;;
  esac
done
set -- "${arguments[@]}"

setting() {  # the value of MARIADB_$1 or MYSQL_$1, from the variable or the file that it names
  local name
  for name in "MARIADB_$1" "MYSQL_$1"; do
    local file="${name}_FILE"
    if [ -n "${!name:-}" ]; then printf '%s' "${!name}"; return; fi
    if [ -n "${!file:-}" ]; then cat "${!file}"; return; fi
  done
}

quoted() {  # an SQL string
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\'\'}"
}

database=$(setting DATABASE) user=$(setting USER) password=$(setting PASSWORD) root=$(setting ROOT_PASSWORD)
empty=$(setting ALLOW_EMPTY_ROOT_PASSWORD)$(setting ALLOW_EMPTY_PASSWORD)

statements() {
  echo "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'; FLUSH PRIVILEGES;"
  echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted "$root"); GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "$root");"
  if [ -n "$database" ]; then echo "CREATE DATABASE IF NOT EXISTS \`${database//\`/\`\`}\`;"; fi
  if [ -n "$user" ] && [ "$user" != root ]; then
    echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
    if [ -n "$database" ]; then
      local pattern=${database//_/\\_}
      echo "GRANT ALL ON \`${pattern//\`/\`\`}\`.* TO $(quoted "$user")@'%';"
    fi
  fi
}

client() { MYSQL_PWD=$root mariadb --user=root --protocol=socket --batch ${database:+--database="$database"} "$@"; }

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) client <"$file" ;;
      *.sql.gz) gunzip -c "$file" | client ;;
    esac
  done
}

first_start() {
  if [ -n "$(setting RANDOM_ROOT_PASSWORD)" ]; then
    root=$(head -c 24 /dev/urandom | base64)
    echo "GENERATED ROOT PASSWORD: $root"
  fi
  if [ -z "$root$empty" ]; then
    echo "Error: the database has no root password. Set MARIADB_ROOT_PASSWORD (or MYSQL_ROOT_PASSWORD), or" >&2
    echo "MARIADB_RANDOM_ROOT_PASSWORD=1, or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 to let everybody on the network in." >&2
    exit 1
  fi
  touch "$unfinished"
  mariadb-install-db --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve >/dev/null
  "$@" --skip-networking &
  local server=$!
  for _ in {1..300}; do
    if mariadb-admin --user=root --protocol=socket ping >/dev/null 2>&1; then break; fi
    kill -0 "$server" 2>/dev/null || exit 1
    sleep 0.1
  done
  statements | mariadb --user=root --protocol=socket
  run_scripts
  kill "$server"
  wait "$server"
  rm "$unfinished"
}

unfinished=/var/lib/mysql/.first-start  # left by a first start that was interrupted: begin again
if [ -e "$unfinished" ]; then find /var/lib/mysql -mindepth 1 -delete; fi
if [ ! -d /var/lib/mysql/mysql ]; then first_start "$@"; fi
exec "$@"
