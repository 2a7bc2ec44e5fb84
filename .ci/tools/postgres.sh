#!/usr/bin/env bash
# A throw-away Postgres for tests and benchmarks.
#
#   .ci/tools/postgres.sh up      starts one (or finds the one that runs) and prints its URL, and nothing else, on stdout
#   .ci/tools/postgres.sh down    stops it and deletes its data
#
# It listens on 127.0.0.1 alone, on a free port, with a random password; durability settings are Postgres' own defaults
# (fsync and synchronous_commit on). `.tools/postgres.url` holds the URL while it runs, so that tests find it.
# Called as root it runs as the user `postgres`, because Postgres refuses to run as root.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
url_file=$root/.tools/postgres.url
data_file=$root/.tools/postgres.data
os_user=postgres
start_tries=5

say() { printf 'postgres: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
as_server_user() { if is_root; then runuser -u "$os_user" -- "$@"; else "$@"; fi; }

# Prints nothing where there is none.
newest_bin() { printf '%s\n' /usr/lib/postgresql/*/bin | grep -v '\*' | sort -V | tail -n 1 || true; }

# Debian would also make and start a cluster of its own: that one is not wanted.
install_package() {
  is_root || fail "no /usr/lib/postgresql/*/bin here: install the package 'postgresql' (for example: sudo apt-get install postgresql)"
  say 'installing the package postgresql'
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -q update && apt-get -q -y -o Dpkg::Options::=--force-confold install --no-install-recommends postgresql; } >&2
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

# A quarter of the memory, at most 1 GB: the figures in docs/reference/benchmarks.md were taken with 1 GB.
shared_buffers_mb() { awk '/^MemTotal/ { mb = int($2 / 4096); print (mb > 1024 ? 1024 : mb) }' /proc/meminfo; }

answers() { [ -f "$url_file" ] && "$bin/pg_isready" -q -d "$(cat "$url_file")"; }

make_cluster() { # data folder, password
  local password_file
  password_file=$(mktemp)
  printf '%s\n' "$2" >"$password_file"
  if is_root; then chown "$os_user" "$1" "$password_file"; fi
  as_server_user "$bin/initdb" -D "$1/cluster" -U maestro -A scram-sha-256 --pwfile="$password_file" -E UTF8 --locale=C >"$1.log" 2>&1 ||
    { cat "$1.log" >&2; fail 'initdb failed'; }
  rm -f "$password_file" "$1.log"
  as_server_user tee -a "$1/cluster/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = $(shared_buffers_mb)MB
max_wal_size = 8GB
checkpoint_timeout = 30min
timezone = 'UTC'
CONF
}

# Another process can take a port between our look and Postgres' bind, so the start is tried with several.
start_cluster() { # data folder; prints the port
  local port
  for _ in $(seq "$start_tries"); do
    port=$(free_port)
    # 9>&- : the server must not inherit the lock of this script.
    if as_server_user "$bin/pg_ctl" -D "$1/cluster" -l "$1/server.log" -o "-p $port" -w start >/dev/null 2>&1 9>&-; then
      echo "$port"
      return
    fi
  done
  tail -n 20 "$1/server.log" >&2
  fail "the server did not start in $start_tries tries; its log is above"
}

up() {
  bin=$(newest_bin)
  if [ -z "$bin" ]; then install_package; bin=$(newest_bin); fi
  [ -n "$bin" ] || fail 'the package postgresql brought no /usr/lib/postgresql/*/bin'
  if answers; then say 'runs already'; cat "$url_file"; return; fi
  down
  local data password port
  data=$(mktemp -d "${TMPDIR:-/tmp}/maestro-postgres.XXXXXX")
  password=$(node -e 'process.stdout.write(require("crypto").randomBytes(18).toString("hex"))')
  echo "$data" >"$data_file"
  make_cluster "$data" "$password"
  port=$(start_cluster "$data")
  (umask 077 && echo "postgres://maestro:$password@127.0.0.1:$port/postgres" >"$url_file")
  say "$("$bin/postgres" --version) on port $port, data in $data"
  cat "$url_file"
}

down() {
  rm -f "$url_file"
  [ -f "$data_file" ] || return 0
  local data
  data=$(cat "$data_file")
  if [ -f "$data/cluster/postmaster.pid" ]; then
    as_server_user "$(newest_bin)/pg_ctl" -D "$data/cluster" -m immediate -w stop >/dev/null 2>&1 || say 'was not running'
  fi
  rm -rf "$data" "$data_file"
}

mkdir -p "$root/.tools"
exec 9>"$root/.tools/postgres.lock"
flock 9
case "${1:-}" in
  up) up ;;
  down) down ;;
  *) fail 'expected one argument: up or down' ;;
esac
