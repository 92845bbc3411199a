#!/bin/sh
# Takes the running stack to the version that is checked out, with no call refused:
#
#   docker/upgrade.sh                 builds; UPGRADE_BUILD=0 takes images as they are
#
# 1. `setup` and `logins` make what the new version has besides; `migrate` brings the database up to date; migrations only add, so the version before goes on working.
# 2. Each API process gets a successor, and is stopped when the successor is healthy.
# 3. So are the workers: new ones stand by, and one of them takes over when the leading one stops.
# 4. Everything else that differs is replaced.
#
# COMPOSE            compose command with its files ("docker compose -f … -f …"; "docker compose")
# DOCKER             docker command ("docker")
# HEALTHY_WITHIN_SECONDS (120)
set -eu
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
if [ -z "${COMPOSE:-}" ]; then
  COMPOSE="$docker compose"
  $COMPOSE version > /dev/null 2>&1 || COMPOSE='docker-compose'
fi
say() { printf 'upgrade: %s\n' "$1"; }
containers() { $COMPOSE ps --quiet "$1"; }

wait_for_health() {
  for replica in $(containers "$1"); do
    tries=0
    until [ "$($docker inspect --format '{{.State.Health.Status}}' "$replica")" = healthy ]; do
      tries=$((tries + 1))
      if [ "$tries" -gt "${HEALTHY_WITHIN_SECONDS:-120}" ]; then
        say "the new $1 is not healthy; the old ones still run: docker logs $replica"
        exit 1
      fi
      sleep 1
    done
  done
}

# One more of the new version, then one less of the old one, until none of these is left.
roll() {
  old=$(containers "$1")
  count=$(printf '%s\n' "$old" | grep -c . || true)
  for predecessor in $old; do
    $COMPOSE up --detach --no-deps --no-recreate --scale "$1=$((count + 1))" "$1" > /dev/null 2>&1
    wait_for_health "$1"
    $docker stop "$predecessor" > /dev/null
    $docker rm "$predecessor" > /dev/null
    say "$1: one of $count is replaced"
  done
}

[ "${UPGRADE_BUILD:-1}" = 0 ] || $COMPOSE build > /dev/null
for step in setup logins migrate; do $COMPOSE run --rm --no-deps "$step"; done
roll api
roll worker
scales=$(for service in api worker; do printf -- '--scale %s=%s ' "$service" "$(containers "$service" | grep -c .)"; done)
# shellcheck disable=SC2086 # several arguments
$COMPOSE up --detach $scales > /dev/null 2>&1
say 'done'
