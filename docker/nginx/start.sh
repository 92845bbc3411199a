#!/bin/sh
# Starts nginx as the container's process, with two things its configuration cannot say: whether this machine
# has IPv6, and that the ban log is put aside when it is full.
#
# BAN_LOG_MAX_BYTES  size at which the ban log is put aside; one older one is kept (10 MiB)
set -eu

configuration=${EDGE_CONFIGURATION:-/etc/edge/nginx.conf}
runtime=${EDGE_RUNTIME_DIR:-/tmp}
ban_log=${EDGE_BAN_LOG:-/var/log/edge/ban.log}
max_bytes=${BAN_LOG_MAX_BYTES:-10485760}

if [ -e /proc/net/if_inet6 ]; then
  echo 'listen [::]:8443 ssl http2;' > "$runtime/listen-https-ipv6.conf"
  echo 'listen [::]:8443 ssl http2 default_server;' > "$runtime/listen-https-default-ipv6.conf"
  echo 'listen [::]:8080 default_server;' > "$runtime/listen-http-ipv6.conf"
fi

# Renaming and opening anew, because copying and truncating loses lines. `exec` keeps the process id.
nginx=$$
rotate() {
  while sleep "${BAN_LOG_CHECK_SECONDS:-60}" && kill -0 "$nginx" 2> /dev/null; do
    if [ "$(stat -c %s "$ban_log" 2> /dev/null || echo 0)" -gt "$max_bytes" ]; then
      mv "$ban_log" "$ban_log.1"
      kill -USR1 "$nginx"
    fi
  done
}
rotate &

exec nginx -c "$configuration" -g 'daemon off;'
