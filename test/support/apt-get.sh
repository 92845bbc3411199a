#!/bin/sh
# Debian's packages for a proof: `apt-get.sh install nginx fail2ban`, `apt-get.sh download prometheus`.
#
# Waits up to five minutes for a lock that another apt-get holds. Gets the lists anew where a package is not known.
# Prints what apt-get said when it fails; the exit code is apt-get's.
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The lists have a lock of their own, for which apt-get does not wait.
get() {
  tries=0
  until apt-get -qq -o DPkg::Lock::Timeout=300 "$@" > "$log" 2>&1; do
    code=$?
    grep -q 'Could not get lock' "$log" && [ "$tries" -lt 60 ] || return "$code"
    tries=$((tries + 1))
    sleep 5
  done
}

command=$1
shift
case $command in
  install) set -- install -y --no-install-recommends "$@" ;;
  *) set -- "$command" "$@" ;;
esac
get "$@" || { get update && get "$@"; } || { code=$?; cat "$log" >&2; exit "$code"; }
