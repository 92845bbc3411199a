-- What tells a process at its start that it was given other secrets than those this database was filled with.
CREATE TABLE operations.secret_sentinels (
    setting    text NOT NULL,
    key_id     text NOT NULL,
    sentinel   bytea NOT NULL CHECK (length(sentinel) = 32),
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (setting, key_id)
);

COMMENT ON TABLE operations.secret_sentinels IS 'Which secrets this database was filled with, without giving them away. A process that has another one refuses to start.';
COMMENT ON COLUMN operations.secret_sentinels.setting IS 'Name of the setting.';
COMMENT ON COLUMN operations.secret_sentinels.key_id IS 'Id of the key in its ring; empty for a secret that is a single key.';
COMMENT ON COLUMN operations.secret_sentinels.sentinel IS 'HMAC-SHA-256 under the key, of its setting and id.';
COMMENT ON COLUMN operations.secret_sentinels.created_at IS 'When a process had the key first.';
