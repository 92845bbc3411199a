#!/bin/sh
# Proves the stack on any Docker engine, without anything else installed: builds it, starts it, plays the story of a
# user and that of an attacker, looks how every container is locked up, restarts it over its data, prints a table,
# and removes all it made.
#
#   docker/verify.sh
#
# COMPOSE           compose command ("docker compose", or "docker-compose" where there is no other)
# DOCKER            docker command ("docker")
# VERIFY_PORT       port on this machine (18443)
# KEEP=1            leaves the stack running
# Images other than the usual ones, where those cannot be pulled: NODE_IMAGE, NGINX_IMAGE, EVENTSTORE_IMAGE,
# POSTGRES_IMAGE, DEBIAN_IMAGE, FAIL2BAN_IMAGE.
set -u

cd "$(dirname "$0")/.." || exit 1
docker=${DOCKER:-docker}
if [ -z "${COMPOSE:-}" ]; then
  COMPOSE="$docker compose"
  $COMPOSE version > /dev/null 2>&1 || COMPOSE=docker-compose
fi
project=registration-verify-$$
export COMPOSE_PROJECT_NAME="$project"
export PUBLISH_ADDRESS=127.0.0.1 HTTPS_PORT="${VERIFY_PORT:-18443}"
# The story needs the mailbox, whatever .env names.
export EMAIL_API_URL=
export REGISTRATION_IMAGE="${REGISTRATION_IMAGE:-registration-verify:latest}"
export FAIL2BAN_IMAGE="${FAIL2BAN_IMAGE:-registration-verify-fail2ban:latest}"
# Quick enough for any machine; production refuses less.
export BCRYPT_COST="${BCRYPT_COST:-10}"
log=$(mktemp)
table=''
passed=0
failed=0

row() {
  table="$table$(printf '%-7s %-58s %s' "$1" "$2" "$3")
"
  if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%-7s %s %s\n' "$1" "$2" "$3"
}
step() {
  name=$1
  shift
  began=$(date +%s)
  if "$@" > "$log" 2>&1; then row ok "$name" "$(($(date +%s) - began)) s"; else
    row FAILED "$name" "$(tail -n 1 "$log")"
    tail -n 25 "$log"
    return 1
  fi
}
# shellcheck disable=SC2329 # called by the trap
finish() {
  stop_clients > /dev/null 2>&1
  if [ "${KEEP:-}" != 1 ]; then
    $COMPOSE down --volumes --remove-orphans > /dev/null 2>&1
    $docker ps --all --quiet --filter "label=com.docker.compose.project=$project" | while read -r left; do
      $docker rm --force "$left" > /dev/null
    done
  fi
  rm -f "$log"
  printf '\n%s\n%s passed, %s failed\n' "$table" "$passed" "$failed"
  [ "$failed" -eq 0 ]
}
trap 'finish; exit $?' EXIT
trap 'exit 1' INT TERM

container() { $COMPOSE ps --quiet "$1" | head -n 1; }
inspect() { $docker inspect --format "$2" "$1"; }
healthy() {
  tries=0
  for service in web api worker admin mailbox eventstore postgres fail2ban; do
    until [ "$(inspect "$(container "$service")" '{{.State.Health.Status}}' 2> /dev/null)" = healthy ]; do
      tries=$((tries + 1))
      if [ "$tries" -gt "${HEALTHY_WITHIN_SECONDS:-180}" ]; then
        echo "$service is not healthy"
        return 1
      fi
      sleep 1
    done
  done
}
# Clients beside the web server, each with an address of its own for as long as it runs.
start_client() {
  $docker run --detach --name "$project-$1" --network "${project}_public" --init --cap-drop ALL \
    --security-opt no-new-privileges "$REGISTRATION_IMAGE" node -e 'setInterval(() => {}, 60_000)'
}
stop_clients() { for role in user attacker neighbour; do $docker rm --force "$project-$role"; done; }
client() { $docker exec --interactive "$project-$1" node --input-type=module - "$2" < docker/verify/story.mjs; }
start_clients() { for role in user attacker neighbour; do start_client "$role" || return 1; done; }
unban() { $COMPOSE exec -T fail2ban fail2ban-client unban --all; }
# In a new network namespace of the web server fail2ban has to start again to be of use.
restart_web() {
  before=$(inspect "$(container fail2ban)" '{{.State.StartedAt}}')
  $docker restart "$(container web)" || return 1
  tries=0
  until [ "$(inspect "$(container fail2ban)" '{{.State.StartedAt}}')" != "$before" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 40 ] || { echo 'fail2ban stays in the old network namespace'; return 1; }
    sleep 1
  done
  healthy
}
# The same version under another image id stands for the next one.
next_version() {
  printf 'FROM %s\nLABEL version=next\n' "$REGISTRATION_IMAGE" | $docker build --quiet --tag "$REGISTRATION_IMAGE" -
}
upgrade_under_traffic() {
  next_version || return 1
  client user traffic > "$log.traffic" 2>&1 &
  traffic=$!
  UPGRADE_BUILD=0 COMPOSE="$COMPOSE" DOCKER="$docker" docker/upgrade.sh
  upgraded=$?
  $docker exec "$project-user" touch /tmp/stop
  wait "$traffic"
  answered=$?
  cat "$log.traffic"
  rm -f "$log.traffic"
  [ "$upgraded" -eq 0 ] && [ "$answered" -eq 0 ] || return 1
  image=$($docker image inspect --format '{{.Id}}' "$REGISTRATION_IMAGE")
  for service in api worker admin mailbox; do
    for id in $($COMPOSE ps --quiet "$service"); do
      [ "$(inspect "$id" '{{.Image}}')" = "$image" ] || { echo "$service is of the old version"; return 1; }
    done
  done
}

logins_differ() {
  found=$($COMPOSE exec -T postgres psql --username=registration --tuples-only --no-align --command="
    select string_agg(distinct usename || case when usesuper then ' is a superuser' else '' end, ' ')
    from pg_stat_activity join pg_user using (usename) where application_name like 'accounts-%'")
  echo "$found"
  [ "$(echo "$found" | tr -d '\r')" = 'registration_admin registration_api registration_worker' ]
}
published_here_only() {
  inspect "$(container web)" '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}' | grep -qx '127.0.0.1 '
}
# The last step: no registration works any more.
mailbox_yields() {
  EMAIL_API_URL=https://mail.test $COMPOSE up --detach || return 1
  tries=0
  until [ "$(inspect "$($COMPOSE ps --all --quiet mailbox 2> /dev/null || $COMPOSE ps --quiet mailbox)" '{{.State.Status}} {{.State.ExitCode}}')" = 'exited 0' ]; do
    tries=$((tries + 1))
    [ "$tries" -le 30 ] || { echo 'the mailbox still runs'; return 1; }
    sleep 1
  done
  ! $COMPOSE exec -T web cat /tmp/locations.conf | grep .
}

step 'build' $COMPOSE build || exit 1
step 'up' $COMPOSE up --detach || exit 1
step 'every service is healthy' healthy || { $COMPOSE ps; $COMPOSE logs --tail=15; exit 1; }

for service in web api worker admin mailbox eventstore postgres fail2ban; do
  faults=''
  for id in $($COMPOSE ps --quiet "$service"); do
    [ "$(inspect "$id" '{{.HostConfig.CapDrop}}')" = '[ALL]' ] || faults="$faults capabilities"
    added=$(inspect "$id" '{{.HostConfig.CapAdd}}')
    case $service:$added in
      fail2ban:'[NET_ADMIN]' | fail2ban:'[CAP_NET_ADMIN]' | *:'[]') ;;
      *) faults="$faults adds:$added" ;;
    esac
    inspect "$id" '{{.HostConfig.SecurityOpt}}' | grep -q no-new-privileges || faults="$faults may-gain-rights"
    user=$(inspect "$id" '{{.Config.User}}')
    case $service:$user in
      fail2ban:root) ;;
      eventstore:*) [ "$user" != root ] && [ "$user" != 0 ] && [ -n "$user" ] || faults="$faults root" ;;
      *:root | *:0 | *:0:* | *:) faults="$faults root" ;;
    esac
    [ "$(inspect "$id" '{{.HostConfig.ReadonlyRootfs}}')" = true ] || faults="$faults writable"
    [ "$(inspect "$id" '{{.HostConfig.Memory}}')" -gt 0 ] || faults="$faults memory"
    [ "$(inspect "$id" '{{.HostConfig.PidsLimit}}')" -gt 0 ] || faults="$faults pids"
    [ "$(inspect "$id" '{{.HostConfig.Privileged}}')" = false ] || faults="$faults privileged"
    [ "$(inspect "$id" '{{.HostConfig.Init}}')" = true ] || faults="$faults init"
    inspect "$id" '{{range .Mounts}}{{.Source}} {{end}}' | grep -q docker.sock && faults="$faults docker.sock"
    ports=$(inspect "$id" '{{range $port, $to := .NetworkSettings.Ports}}{{if $to}}{{$port}} {{end}}{{end}}')
    case $service:$ports in web:'8443/tcp ' | *:) ;; *) faults="$faults publishes:$ports" ;; esac
  done
  if [ -z "$faults" ]; then row ok "$service is locked up" ''; else row FAILED "$service is locked up" "$faults"; fi
done

size=$(($($docker image inspect --format '{{.Size}}' "$REGISTRATION_IMAGE") / 1000000))
if [ "$size" -lt 250 ]; then row ok 'image is smaller than 250 MB' "$size MB"
else row FAILED 'image is smaller than 250 MB' "$size MB"; fi
step 'nothing in the image gives rights' $docker run --rm --user root "$REGISTRATION_IMAGE" \
  sh -c '! find / -xdev -type f -perm /6000 | grep .'
step 'no package manager is in the image' $docker run --rm "$REGISTRATION_IMAGE" sh -c '! command -v npm yarn corepack'
step 'image has a bill of materials' $docker run --rm "$REGISTRATION_IMAGE" node -e "
  const { components } = JSON.parse(require('node:fs').readFileSync('/app/sbom.cdx.json'));
  if (!(components.length > 50)) process.exit(1)"

step 'clients start' start_clients
step 'a user registers, gets the code and activates' client user story
step 'each process has a login of its own in PostgreSQL, and none is a superuser' logins_differ
step 'the web server is published to this machine only' published_here_only
step 'two workers run' sh -c "[ \"\$($COMPOSE ps --quiet worker | wc -l)\" -eq 2 ]"
step 'ten wrong passwords get a client banned' client attacker attack && cat "$log"
step 'another client is served meanwhile' client neighbour neighbour
step 'an operator ends the ban' unban && step 'the client is served again' client attacker neighbour
step 'an upgrade under traffic: no call is refused' upgrade_under_traffic && tail -n 1 "$log"
step 'two workers run, still' sh -c "[ \"\$($COMPOSE ps --quiet worker | wc -l)\" -eq 2 ]"
step 'healthy after the upgrade' healthy
step 'a user registers, gets the code and activates' client user story
step 'fail2ban follows a web server that was started again' restart_web
step 'ten wrong passwords get a client banned again' client attacker attack && cat "$log"
step 'another client is served meanwhile, too' client neighbour neighbour
step 'an account is registered' client user remember
step 'clients end' stop_clients
step 'down keeps the data' $COMPOSE down && step 'up again' $COMPOSE up --detach && step 'healthy again' healthy
step 'the ban was kept' sh -c "$COMPOSE exec -T fail2ban fail2ban-client get unauthorized banip | grep -q ."
step 'it is ended' unban
step 'clients start again' start_clients
step 'the account was kept, with its password and its address' client user recall
step 'the story over the kept data' client user story
step 'nothing about people is in the logs' sh -c "! $COMPOSE logs --no-color web api worker admin fail2ban | grep -q '@example.org'"
step 'with a provider there is no mailbox, and no page of it' mailbox_yields
