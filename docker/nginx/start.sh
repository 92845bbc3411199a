#!/bin/sh
# Starts nginx as the container's process, with what its configuration cannot say: how this version is asked for HTTP/2,
# whether this machine has IPv6, whether there is a mailbox, and that the ban log is put aside when it is full.
#
# EMAIL_API_URL      names a provider: the mailbox, and the location of its inbox, are left out
# EDGE_CHECK         set: writes what nginx includes, has it check its configuration, and ends
# BAN_LOG_MAX_BYTES  size at which the ban log is put aside; one older one is kept (10 MiB)
set -eu

configuration=${EDGE_CONFIGURATION:-/etc/edge/nginx.conf}
runtime=${EDGE_RUNTIME_DIR:-/tmp}
ban_log=${EDGE_BAN_LOG:-/var/log/edge/ban.log}
max_bytes=${BAN_LOG_MAX_BYTES:-10485760}

# From 1.25.1 on HTTP/2 has a directive of its own, and its word in `listen` is deprecated.
version=$(nginx -v 2>&1 | sed -n 's|^nginx version: [^/]*/\([0-9.]*\).*|\1|p')
if [ "$(printf '%s\n' 1.25.1 "$version" | sort -V | head -n 1)" = 1.25.1 ]; then
  http2='' directive='http2 on;'
else
  http2=' http2' directive=''
fi

# Writes what a server listens on: over IPv6 as well, where there is any.
listen() {
  file=$runtime/$1 port=$2 words=$3 more=${4:-}
  echo "listen $port$words; $more" > "$file"
  if [ -e /proc/net/if_inet6 ]; then echo "listen [::]:$port$words;" >> "$file"; fi
}
listen listen-https.conf 8443 " ssl$http2" "$directive"
listen listen-https-default.conf 8443 " ssl$http2 default_server" "$directive"
listen listen-http.conf 8080 ' default_server'

locations=${EDGE_LOCATIONS:-/etc/edge-locations}
: > "$runtime/locations.conf"
for file in "$locations"/*.conf; do
  case ${EMAIL_API_URL:+provider}/${file##*/} in
    */'*.conf' | provider/mailbox.conf) ;;
    *) printf 'include "%s";\n' "$file" >> "$runtime/locations.conf" ;;
  esac
done

if [ -n "${EDGE_CHECK:-}" ]; then exec nginx -t -c "$configuration"; fi

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
