#!/bin/bash
# A PostgreSQL standby: a copy of the primary on the first start, and its changes from then on. Only the mark of a
# complete copy is believed, so that a copy that was cut is made again.
set -euo pipefail

PGDATA=${PGDATA:-/var/lib/postgresql/18/docker}
export PGDATA
primary=${PRIMARY_HOST:-postgres}

# Asked for by the copy and by every connection for changes after it: the copy notes where it is, not what is in it.
PGPASSFILE=/tmp/pgpass
export PGPASSFILE
(umask 077 && printf '%s:5432:*:registration:%s\n' "$primary" "$(cat /secrets/database-password)" > "$PGPASSFILE")

if [ ! -e "$PGDATA/standby-is-complete" ]; then
  rm -rf "$PGDATA"
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  pg_basebackup --host="$primary" --username=registration --pgdata="$PGDATA" \
    --wal-method=stream --checkpoint=fast --write-recovery-conf
  touch "$PGDATA/standby-is-complete"
fi
exec postgres -c hba_file=/etc/cluster/pg_hba.conf -c hot_standby=on
