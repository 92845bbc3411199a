-- What accounts with long histories looked like, so that a command on one does not fold its history from the start.
CREATE TABLE personal_data.account_snapshots (
    account_id uuid PRIMARY KEY,
    generation integer NOT NULL,
    revision   bigint NOT NULL,
    head       text NOT NULL,
    fold       text NOT NULL,
    sealed     bytea NOT NULL,
    kept_at    timestamptz(3) NOT NULL DEFAULT now()
);

COMMENT ON TABLE personal_data.account_snapshots IS 'A cache: the state of accounts with hundreds of events. Emptying it costs time and nothing else.';
COMMENT ON COLUMN personal_data.account_snapshots.account_id IS 'Whose state.';
COMMENT ON COLUMN personal_data.account_snapshots.generation IS 'Of the key that it is sealed with. It goes when that key is destroyed.';
COMMENT ON COLUMN personal_data.account_snapshots.revision IS 'Stream revision of the last event that is in it.';
COMMENT ON COLUMN personal_data.account_snapshots.head IS 'Link of that event in the chain of its stream: in another log there is another one.';
COMMENT ON COLUMN personal_data.account_snapshots.fold IS 'Stands for what the program makes of events. Another version does not read it.';
COMMENT ON COLUMN personal_data.account_snapshots.sealed IS 'The state, sealed like events by the account''s own key.';
COMMENT ON COLUMN personal_data.account_snapshots.kept_at IS 'When it was kept.';
