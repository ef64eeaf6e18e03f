# Sourced by the scripts of this folder.
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SLUICE_CACHE:-$HOME/.cache/sluice} # jars and Python clients; safe to delete
started=$EPOCHREALTIME

# Milliseconds since the script started.
elapsed() { echo $((((${EPOCHREALTIME/./} - ${started/./}) / 1000))); }

seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# step TEXT: one line that says when it was said.
step() { printf '[%7s] %s\n' "$(seconds "$(elapsed)")" "$*"; }

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Does anything listen at HOST PORT?
listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# free_port FIRST: the first port from FIRST on at which nothing listens on 127.0.0.1.
free_port() {
  local port=$1
  while listens 127.0.0.1 "$port"; do port=$((port + 1)); done
  echo "$port"
}

# free_cassandra_port FIRST: the same with room for Cassandra's storage port, which is 2042 below.
free_cassandra_port() {
  local port=$1
  while listens 127.0.0.1 "$port" || listens 127.0.0.1 $((port - 2042)); do port=$((port + 1)); done
  echo "$port"
}
