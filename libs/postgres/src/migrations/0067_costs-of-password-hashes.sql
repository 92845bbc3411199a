CREATE FUNCTION read_model.highest_hash_cost(claims text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT max(cost[1])::integer
        FROM regexp_matches(claims, '"passwordHash":"v\d\$[^$"]+\$2b\$(0[4-9]|1[0-5])\$', 'g') AS found (cost)
    $$;

COMMENT ON FUNCTION read_model.highest_hash_cost(text) IS 'The highest bcrypt cost among the hashes of an account''s claims.';

-- The highest cost in use, without a walk through the table: every check of a password is made to cost as much.
CREATE INDEX accounts_by_hash_cost ON read_model.accounts (read_model.highest_hash_cost(claims));
