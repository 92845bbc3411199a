-- Keys that make encrypted personal data readable. They exist nowhere else: no rebuild of the read model
-- touches this schema, and deleting a row erases the person from the event store for good.
CREATE SCHEMA personal_data;

CREATE TABLE personal_data.account_keys (
    account_id            uuid PRIMARY KEY,
    -- The account's key, encrypted by the key-encryption key that is named beside it.
    wrapped_key           bytea NOT NULL,
    key_encryption_key_id text NOT NULL,
    created_at            timestamptz(3) NOT NULL DEFAULT now()
);

-- Rotation: which accounts still depend on an old key-encryption key.
CREATE INDEX account_keys_by_key_encryption_key
    ON personal_data.account_keys (key_encryption_key_id);
