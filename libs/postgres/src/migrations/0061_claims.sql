-- A pending address has a claim for each network that registered it, an active account the one that was proven: the
-- claims take the place of one password.
ALTER TABLE read_model.accounts ADD COLUMN network_key text, ADD COLUMN claims text;

UPDATE read_model.accounts SET claims = json_build_array(json_build_object(
    'number', registration_number, 'network', '', 'address', address, 'passwordHash', password_hash))::text
WHERE password_hash IS NOT NULL AND address IS NOT NULL;

-- Takes the check with it that names it.
ALTER TABLE read_model.accounts DROP COLUMN password_hash;

ALTER TABLE read_model.accounts ADD CONSTRAINT accounts_forgotten_check CHECK (
    status IN ('pending', 'active') OR (address IS NULL AND network_key IS NULL AND claims IS NULL)
);

COMMENT ON COLUMN read_model.accounts.address IS 'Personal data. As typed last, or with the claim that was proven: shown to its owner, searched by operators. Null once the person was forgotten, or while the account cannot be read.';
COMMENT ON COLUMN read_model.accounts.registration_number IS '1 for the first registration, one more for each later one: whom a forgetting concerns.';
COMMENT ON COLUMN read_model.accounts.network_key IS 'Personal data. The networks of a pending account''s claims are named with it and a secret of the configuration. Null for every other account.';
COMMENT ON COLUMN read_model.accounts.claims IS 'Personal data. JSON: number, network, address and peppered bcrypt hash of each claim, the newest last; Basic Auth compares with one of them. Null once the person was forgotten, or while the account cannot be read.';
