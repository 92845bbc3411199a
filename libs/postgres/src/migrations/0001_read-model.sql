-- Everything in this schema can be built again from the event store.
CREATE SCHEMA read_model;

-- One row per account: what Basic Auth looks up and operators query.
CREATE TABLE read_model.accounts (
    account_id          uuid PRIMARY KEY,
    -- As typed by the person.
    address             text NOT NULL,
    password_hash       text NOT NULL,
    -- 1 for the first registration, one more for each later one: says which password was checked.
    registration_number integer NOT NULL CHECK (registration_number > 0),
    status              text NOT NULL CHECK (status IN ('pending', 'active')),
    registered_at       timestamptz(3) NOT NULL,
    activated_at        timestamptz(3),
    -- Stream revision and log position of the last event that changed this row.
    revision            bigint NOT NULL,
    position            bigint NOT NULL,
    CHECK ((status = 'active') = (activated_at IS NOT NULL))
);

-- Pages of accounts by time, of all and of one status.
CREATE INDEX accounts_by_time ON read_model.accounts (registered_at, account_id);
CREATE INDEX accounts_by_status_and_time ON read_model.accounts (status, registered_at, account_id);
-- Exact and prefix search, whatever the case.
CREATE INDEX accounts_by_address ON read_model.accounts (lower(address) text_pattern_ops);

-- How far each consumer of the event store has come.
CREATE TABLE read_model.checkpoints (
    consumer   text PRIMARY KEY,
    position   bigint NOT NULL,
    updated_at timestamptz(3) NOT NULL
) WITH (fillfactor = 20); -- a few rows, written all the time: room for updates in place
