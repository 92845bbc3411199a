-- A registration of the same address after an erasure has a key of its own. A key that was destroyed leaves
-- its row behind: whoever looks for it learns that it is gone on purpose, and not by accident.
ALTER TABLE personal_data.account_keys
    ADD COLUMN generation integer NOT NULL DEFAULT 1 CHECK (generation > 0),
    ADD COLUMN destroyed_at timestamptz(3),
    ALTER COLUMN wrapped_key DROP NOT NULL,
    ALTER COLUMN key_encryption_key_id DROP NOT NULL,
    DROP CONSTRAINT account_keys_pkey,
    ADD PRIMARY KEY (account_id, generation),
    ADD CONSTRAINT account_keys_destroyed_check CHECK (
        (destroyed_at IS NULL) = (wrapped_key IS NOT NULL)
        AND (destroyed_at IS NULL) = (key_encryption_key_id IS NOT NULL)
    );
