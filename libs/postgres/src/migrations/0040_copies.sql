-- What tells whether this database and the event log belong together after one of them was restored from a
-- copy. Beside each position stands the last event that was handled: a position alone says nothing about
-- another log, or one that lost its end.
ALTER TABLE read_model.checkpoints
    ADD COLUMN event_id       uuid,
    ADD COLUMN event_stream   text,
    ADD COLUMN event_revision bigint,
    ADD COLUMN event_position bigint,
    ADD CONSTRAINT checkpoints_event_check CHECK (
        (event_id IS NULL) = (event_stream IS NULL)
        AND (event_id IS NULL) = (event_revision IS NULL)
        AND (event_id IS NULL) = (event_position IS NULL)
    );

-- The server and database this is. A dump that is restored elsewhere has another one.
CREATE FUNCTION operations.database_identity() RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT system_identifier::text FROM pg_control_system())
        || '/' || (SELECT oid::text FROM pg_database WHERE datname = current_database());

-- One row: which database was compared with the event log last, and what came of it.
CREATE TABLE operations.pairing (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    database   text NOT NULL,
    checked_at timestamptz(3) NOT NULL DEFAULT now(),
    refusal    text
);

-- Accounts whose events cannot be read although nobody was forgotten.
CREATE TABLE operations.unreadable_accounts (
    account_id         uuid NOT NULL,
    from_revision      bigint NOT NULL,
    forgotten_revision bigint,
    error              text NOT NULL,
    consumer           text NOT NULL,
    found_at           timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, from_revision)
);
