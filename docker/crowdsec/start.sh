#!/bin/sh
# Starts CrowdSec and its firewall bouncer as one container, in the network namespace of the web server.
#
# BAN_IGNORE  further addresses and networks that are never banned, separated by spaces
#
# Never banned are the gateway, which may stand in for all clients, and this machine's own IPv4 addresses.
set -eu

source=${EDGE_CROWDSEC_DIR:-/etc/edge-crowdsec}/config
patterns=${EDGE_CROWDSEC_PATTERNS:-/etc/crowdsec/patterns}
runtime=${EDGE_CROWDSEC_RUNTIME_DIR:-/run/crowdsec}
state=${EDGE_CROWDSEC_STATE_DIR:-/var/lib/crowdsec}
ban_log=${EDGE_BAN_LOG:-/var/log/edge/ban.log}
say() { printf 'crowdsec start: %s\n' "$1"; }

mkdir -p "$runtime/hub" "$runtime/plugins" "$runtime/notifications" "$state"
cp -R "$source/." "$runtime/"
cp -R "$patterns" "$runtime/"
bouncer_key=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
for file in config.yaml acquis.yaml bouncer.yaml; do
  sed -i -e "s#RUNTIME#$runtime#g" -e "s#STATE#$state#g" -e "s#BAN_LOG#$ban_log#" \
    -e "s#BOUNCER_KEY#$bouncer_key#" "$runtime/$file"
done
chmod 600 "$runtime/bouncer.yaml"
# Nothing comes from the hub; without an index it would not start.
[ -e "$runtime/hub/.index.json" ] || echo '{"collections":{},"parsers":{},"postoverflows":{},"scenarios":{}}' > "$runtime/hub/.index.json"

{
  printf 'name: registration/never\nwhitelist:\n  reason: never banned\n  ip:\n'
  for address in 127.0.0.1 \
    $(ip -4 route show default | sed -n 's/.* via \([0-9.]*\).*/\1/p') \
    $(ip -4 -oneline address show scope global | sed -n 's/.* inet \([0-9.]*\).*/\1/p'); do
    printf '    - %s\n' "$address"
  done
  printf '  cidr:\n    - ::/64\n'
  for network in \
    $(ip -6 route show default | sed -n 's/.* via \([0-9a-f:]*\).*/\1\/64/p') ${BAN_IGNORE:-}; do
    case $network in
      */*) printf '    - %s\n' "$network" ;;
      *:*) printf '    - %s/128\n' "$network" ;;
      *) printf '    - %s/32\n' "$network" ;;
    esac
  done
} > "$runtime/parsers/s02-enrich/never.yaml"

until [ -e "$ban_log" ]; do sleep 1; done
cscli -c "$runtime/config.yaml" machines add edge --auto --force --file "$runtime/local_api_credentials.yaml" > /dev/null
cscli -c "$runtime/config.yaml" bouncers delete edge > /dev/null 2>&1 || true
cscli -c "$runtime/config.yaml" bouncers add edge --key "$bouncer_key" > /dev/null

crowdsec -c "$runtime/config.yaml" &
engine=$!
until cscli -c "$runtime/config.yaml" lapi status > /dev/null 2>&1; do
  kill -0 "$engine" 2> /dev/null || { say 'the engine ended'; exit 1; }
  sleep 1
done
# The bouncer puts only the first address of a network into its set: what is compared with it is the /64 network
# of a client. Run again, this changes nothing.
nft -f - << 'END'
add table ip crowdsec
add set ip crowdsec crowdsec-blacklists { type ipv4_addr; flags timeout; }
add chain ip crowdsec crowdsec-chain { type filter hook input priority -10; policy accept; }
flush chain ip crowdsec crowdsec-chain
add rule ip crowdsec crowdsec-chain ip saddr @crowdsec-blacklists meta l4proto tcp counter reject with tcp reset
add table ip6 crowdsec6
add set ip6 crowdsec6 crowdsec6-blacklists { type ipv6_addr; flags timeout; }
add chain ip6 crowdsec6 crowdsec6-chain { type filter hook input priority -10; policy accept; }
flush chain ip6 crowdsec6 crowdsec6-chain
add rule ip6 crowdsec6 crowdsec6-chain ip6 saddr & ffff:ffff:ffff:ffff:: @crowdsec6-blacklists meta l4proto tcp counter reject with tcp reset
END
crowdsec-firewall-bouncer -c "$runtime/bouncer.yaml" &
bouncer=$!
say 'ready'
trap 'kill -TERM "$bouncer" "$engine" 2> /dev/null' TERM INT

# 8443 is 20FB: when the web server starts again it has a new network namespace, and this one has no server to guard.
listening() { cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | grep -q ':20FB .* 0A '; }
missed=0
while kill -0 "$engine" 2> /dev/null && kill -0 "$bouncer" 2> /dev/null; do
  sleep 2 &
  wait $! || true
  if listening; then missed=0; else missed=$((missed + 1)); fi
  if [ "$missed" -ge 5 ]; then say 'the web server is not in this network namespace any more'; break; fi
done
kill -TERM "$bouncer" "$engine" 2> /dev/null || true
wait
exit 1
