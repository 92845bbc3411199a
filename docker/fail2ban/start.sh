#!/bin/sh
# Starts fail2ban as the container's process, in the network namespace of the web server.
#
# BAN_MODE    nftables (needs NET_ADMIN) or deny-files (needs nothing)
# BAN_IGNORE  further addresses and networks that are never banned, separated by spaces
#
# Never banned are the gateway, which may stand in for all clients, and this machine's own IPv4 addresses.
set -eu

source=${EDGE_FAIL2BAN_DIR:-/etc/edge-fail2ban}
runtime=${EDGE_FAIL2BAN_RUNTIME_DIR:-/run/fail2ban}
ban_log=${EDGE_BAN_LOG:-/var/log/edge/ban.log}
deny_files=${EDGE_DENY_FILES_DIR:-/var/lib/edge-bans}
mode=${BAN_MODE:-nftables}
say() { printf 'fail2ban start: %s\n' "$1"; }

case $mode in
  nftables)
    if ! nft list tables > /dev/null 2>&1; then
      say 'no right to change the firewall: give the container NET_ADMIN, or set BAN_MODE=deny-files'
      exit 1
    fi
    ;;
  deny-files)
    # What an earlier run left; bans that still hold are put back from the database.
    find "$deny_files" -mindepth 1 -delete
    ;;
  *)
    say "BAN_MODE is neither nftables nor deny-files: $mode"
    exit 78
    ;;
esac

# A client with IPv6 is counted by its /64 network, so the gateway is, too.
gateways=$(
  ip -4 route show default | sed -n 's/.* via \([0-9.]*\).*/\1/p'
  ip -6 route show default | sed -n 's/.* via \([0-9a-f:]*\).*/\1\/64/p'
)
own=$(ip -4 -oneline address show scope global | sed -n 's/.* inet \([0-9.]*\).*/\1/p')
never=$(printf '%s ' 127.0.0.0/8 ::1/64 $own $gateways ${BAN_IGNORE:-})
mkdir -p "$runtime/config"
cp -R "$source/." "$runtime/config/"
printf '[DEFAULT]\nban_action = edge-%s\nignoreip = %s\n' "$mode" "$never" > "$runtime/config/jail.local"
say "$mode, never banned: $never"

waited=0
until [ -e "$ban_log" ]; do
  waited=$((waited + 1))
  if [ "$waited" -gt 60 ]; then
    say "there is no $ban_log: is the web server running?"
    exit 1
  fi
  sleep 1
done

rm -f "$runtime/fail2ban.sock" "$runtime/fail2ban.pid"
fail2ban-server -c "$runtime/config" -f start &
server=$!
trap 'kill -TERM "$server"' TERM INT

# When the web server's container is started again it gets a new network namespace, and bans in the old one
# would stop no client: then this container has to start again, too. 8443 is 20FB.
listening() { cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | grep -q ':20FB .* 0A '; }
missed=0
while kill -0 "$server" 2> /dev/null; do
  sleep 2 &
  wait $! || true
  if listening; then missed=0; else missed=$((missed + 1)); fi
  if [ "$missed" -ge 5 ]; then
    say 'the web server is not in this network namespace any more: leaving, to be started in the right one'
    kill -TERM "$server"
    wait "$server" || true
    exit 1
  fi
done
wait "$server"
