#!/bin/sh
# docker/verify.sh on a Docker engine of its own, where there is neither an engine nor a registry: Debian's dockerd runs
# in a network namespace of its own with all its data in a folder of its own, over images made by stand-ins.sh. Nothing
# of it is seen by an engine that runs already, and nothing is left.
#
#   test/docker/engine/run.sh [command]       needs root, Debian's packages and npm; some minutes
#
# The command (docker/verify.sh) finds the engine by DOCKER_HOST. The last line of the output is `N passed, N failed`.
set -eu
cd "$(dirname "$0")/../../.." || exit 1
[ "$(id -u)" = 0 ] || { echo 'this needs root'; echo '0 passed, 1 failed'; exit 1; }

missing=''
for tool in dockerd:docker.io docker-compose:docker-compose debootstrap:debootstrap slirp4netns:slirp4netns ip:iproute2; do
  command -v "${tool%%:*}" > /dev/null || missing="$missing ${tool#*:}"
done
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086 # several packages
  test/support/apt-get.sh install $missing
fi

folder=$(mktemp -d)
chmod 755 "$folder"
name=engine-$$
engine=''
network=''
# shellcheck disable=SC2329 # called by the trap
finish() {
  code=$?
  trap - EXIT INT TERM
  [ -z "$engine" ] || { kill -TERM "$engine" && wait "$engine"; } 2> /dev/null || true
  [ -z "$network" ] || kill -TERM "$network" 2> /dev/null || true
  ip netns delete "$name" 2> /dev/null || true
  rm -rf "$folder"
  exit $code
}
trap finish EXIT
trap 'exit 1' INT TERM

ip netns add "$name"
ip -n "$name" link set lo up
# A way out without any change of this machine's own network.
slirp4netns --configure --mtu=1400 --netns-type=path "/run/netns/$name" tap0 > "$folder/network.log" 2>&1 &
network=$!
export DOCKER_HOST="unix://$folder/docker.sock"
nsenter --net="/run/netns/$name" dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
  --pidfile "$folder/docker.pid" --dns 10.0.2.3 --mtu 1400 > "$folder/engine.log" 2>&1 &
engine=$!
tries=0
until docker info > /dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 30 ] || ! kill -0 "$engine" 2> /dev/null; then
    tail -n 20 "$folder/engine.log"
    echo 'the engine does not start'
    echo '0 passed, 1 failed'
    exit 1
  fi
  sleep 1
done

export DOCKER_BUILDKIT=0
COMPOSE=${COMPOSE:-docker-compose}
export COMPOSE
[ -e dist/apps/local/src/event-store/main.js ] || npm run --silent build
test/docker/engine/stand-ins.sh
"${@:-docker/verify.sh}"
