-- An account whose person was forgotten keeps its row, without address and hash: its numbers go on when the
-- address is registered anew. The check of the status has another name where the table was rebuilt.
ALTER TABLE read_model.accounts
    ALTER COLUMN address DROP NOT NULL,
    ALTER COLUMN password_hash DROP NOT NULL;

DO $$
DECLARE
    old_check text;
BEGIN
    FOR old_check IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = 'read_model.accounts'::regclass AND contype = 'c'
            AND pg_get_constraintdef(oid) LIKE '%''pending''%'
    LOOP
        EXECUTE format('ALTER TABLE read_model.accounts DROP CONSTRAINT %I', old_check);
    END LOOP;
END
$$;

ALTER TABLE read_model.accounts
    ADD CONSTRAINT accounts_status_check CHECK (status IN ('pending', 'active', 'lapsed', 'erased')),
    ADD CONSTRAINT accounts_forgotten_check CHECK (
        status IN ('pending', 'active') OR (address IS NULL AND password_hash IS NULL)
    );
