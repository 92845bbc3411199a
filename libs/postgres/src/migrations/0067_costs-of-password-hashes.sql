-- The highest cost in use, without a walk through the table: every check of a password is made to cost as much.
CREATE INDEX accounts_by_hash_cost ON read_model.accounts
    ((substring(password_hash from '^v\d\$[^$]+\$2b\$(0[4-9]|1[0-5])\$') COLLATE "C"));
