#!/bin/sh
# The PostgreSQL of the cluster file, on a real engine: the standby follows the primary, again after a restart, and
# takes over what was committed. Run by `test/docker/engine/run.sh test/docker/engine/check-standby.sh`, or where
# there is an engine.
set -u
cd "$(dirname "$0")/../../.." || exit 1
docker=${DOCKER:-docker}
COMPOSE=${COMPOSE:-docker compose}
export COMPOSE_PROJECT_NAME=standby-check-$$ EVENTSTORE_ADMIN_PASSWORD=unused EVENTSTORE_OPS_PASSWORD=unused EVENTSTORE_PRODUCT_PASSWORD=unused EVENTSTORE_AUDITOR_PASSWORD=unused
passed=0
failed=0
compose() { $COMPOSE -f docker-compose.yml -f docker/cluster/docker-compose.yml "$@"; }
check() {
  what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "✔ $what"
  else
    failed=$((failed + 1))
    echo "✘ $what"
  fi
}
sql() { compose exec -T "$1" psql --host=127.0.0.1 --username=registration --no-align --tuples-only --command="$2" registration; }
within_30_s() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || return 1
    sleep 1
  done
}
shows() { [ "$(sql "$1" "$2" 2> /dev/null)" = "$3" ]; }
# shellcheck disable=SC2329 # called by the trap
finish() {
  [ "$failed" -eq 0 ] || compose logs --tail=15 postgres postgres-standby
  compose down --volumes --remove-orphans > /dev/null 2>&1
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
trap 'finish; exit $?' EXIT

compose build > /dev/null 2>&1
compose up --detach postgres-standby > /dev/null 2>&1
check 'the standby is copied and in recovery' within_30_s shows postgres-standby 'SELECT pg_is_in_recovery()' t
check 'the primary sends it changes' within_30_s shows postgres 'SELECT state FROM pg_stat_replication' streaming
sql postgres 'CREATE TABLE followed AS SELECT 1 AS number' > /dev/null
check 'a change arrives' within_30_s shows postgres-standby 'SELECT sum(number) FROM followed' 1
compose restart postgres-standby > /dev/null 2>&1
sql postgres 'INSERT INTO followed VALUES (2)' > /dev/null
check 'after its restart changes arrive' within_30_s shows postgres-standby 'SELECT sum(number) FROM followed' 3
$docker kill "$(compose ps --quiet postgres)" > /dev/null
compose exec -T postgres-standby pg_ctl promote > /dev/null
sql postgres-standby 'INSERT INTO followed VALUES (4)' > /dev/null
check 'it takes over when the primary is lost' within_30_s shows postgres-standby 'SELECT sum(number) FROM followed' 7
