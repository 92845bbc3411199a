#!/bin/sh
# Pins every foreign image of the compose files to what its name stands for today:
#
#   docker/pin-digests.sh             writes NGINX_IMAGE=nginx:1.30@sha256:… and so on to .env
#   docker/pin-digests.sh FILE        the same to another file
#
# Pulls each image, so it needs a Docker engine and the registry. Other lines of the file stay as they are; names that
# the file has already are pinned anew, which is how an update is taken in. Compose reads .env by itself.
#
# DOCKER   docker command ("docker")
set -eu
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
file=${1:-.env}
new=$(mktemp)
trap 'rm -f "$new"' EXIT

# Lines "NGINX_IMAGE nginx:1.30", without the images that are built here.
images() {
  cat docker-compose.yml docker/docker-compose.*.yml docker/cluster/docker-compose.yml |
    sed -n 's/.*\${\([A-Z0-9_]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' | grep -v ' registration' | sort -u
}
# What the file names already comes before what the compose files name.
wanted() {
  given=$(sed -n "s/^$1=\([^@]*\).*/\1/p" "$file" 2> /dev/null | tail -n 1)
  printf '%s' "${given:-$2}"
}

if [ -e "$file" ]; then
  variables=$(images | cut -d ' ' -f 1 | paste -s -d '|' -)
  sed -E "/^($variables)=/d" "$file" > "$new"
fi
images | while read -r variable default; do
  image=$(wanted "$variable" "$default")
  "$docker" pull --quiet "$image" > /dev/null
  digest=$("$docker" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" | sed -n 's/.*@//p' | head -n 1)
  case $digest in
    sha256:*) ;;
    *)
      printf 'pin-digests: the engine knows no digest of %s\n' "$image" >&2
      exit 1
      ;;
  esac
  printf '%s=%s@%s\n' "$variable" "$image" "$digest" | tee -a "$new"
done
cat "$new" > "$file"
