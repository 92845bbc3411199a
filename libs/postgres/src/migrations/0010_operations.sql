-- What operators decide and own. No rebuild of the read model touches this schema.
CREATE SCHEMA operations;

-- Keys of the admin API. The secret half of a key exists only with its holder.
CREATE TABLE operations.admin_keys (
    key_id        text PRIMARY KEY,
    -- SHA-256 of the secret: with 256 random bits a slow hash would add nothing.
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    label         text NOT NULL,
    scopes        text[] NOT NULL,
    -- `configuration` for the one that a process is started with.
    origin        text NOT NULL CHECK (origin IN ('configuration', 'operator')),
    created_at    timestamptz(3) NOT NULL DEFAULT now(),
    created_by    text NOT NULL,
    -- Only a key of the configuration lives as long as it stands there.
    expires_at    timestamptz(3) CHECK (expires_at IS NOT NULL OR origin = 'configuration'),
    revoked_at    timestamptz(3),
    revoked_by    text
);

-- Events that a projection cannot handle, and what was decided about each.
CREATE TABLE operations.failed_events (
    projection         text NOT NULL,
    position           bigint NOT NULL,
    event_id           uuid NOT NULL,
    stream_name        text NOT NULL,
    revision           bigint NOT NULL,
    type               text NOT NULL,
    -- Without personal data.
    error              text NOT NULL,
    attempts           integer NOT NULL DEFAULT 1,
    -- `failing`: the projection stands in front of it. `skipped`: it goes on without. `resolved`: it got past it.
    status             text NOT NULL DEFAULT 'failing' CHECK (status IN ('failing', 'skipped', 'resolved')),
    first_failed_at    timestamptz(3) NOT NULL DEFAULT now(),
    last_failed_at     timestamptz(3) NOT NULL DEFAULT now(),
    retry_requested_at timestamptz(3),
    decided_at         timestamptz(3),
    decided_by         text,
    reason             text,
    PRIMARY KEY (projection, position)
);

-- What the process that keeps a projection says about it, every second or so.
CREATE TABLE operations.projection_reports (
    projection        text PRIMARY KEY,
    state             text NOT NULL,
    position          bigint,
    events_per_second double precision NOT NULL,
    last_error        text,
    last_error_at     timestamptz(3),
    reported_at       timestamptz(3) NOT NULL
) WITH (fillfactor = 20);

-- Every rebuild of a projection's rows: how far it is, or what became of it.
CREATE TABLE operations.rebuilds (
    rebuild_id        uuid PRIMARY KEY,
    projection        text NOT NULL,
    state             text NOT NULL CHECK (state IN ('building', 'comparing', 'switched', 'different', 'failed', 'abandoned')),
    started_at        timestamptz(3) NOT NULL DEFAULT now(),
    started_by        text NOT NULL,
    -- Moves every second while the rebuild lives.
    updated_at        timestamptz(3) NOT NULL DEFAULT now(),
    finished_at       timestamptz(3),
    events            bigint NOT NULL DEFAULT 0,
    events_per_second double precision NOT NULL DEFAULT 0,
    position          bigint,
    target            bigint,
    -- Of both tables at the same position.
    compared_at       bigint,
    rows_before       bigint,
    rows_after        bigint,
    checksum_before   text,
    checksum_after    text,
    error             text
);
CREATE INDEX rebuilds_by_time ON operations.rebuilds (projection, started_at DESC);
