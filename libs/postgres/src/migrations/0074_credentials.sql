-- The public API is given one account by its id; it cannot list addresses and hashes. Each statement of a volatile function
-- sees what was committed by then, also behind a rebuild that it waited for.
CREATE FUNCTION read_model.credentials_of(account uuid, stream text)
    RETURNS TABLE (
        account_id uuid, address text, status text, registered_at timestamptz, activated_at timestamptz,
        network_key text, claims text)
    LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN QUERY
        SELECT found.account_id, found.address, found.status, found.registered_at, found.activated_at,
               found.network_key, found.claims
        FROM read_model.accounts AS found
        WHERE found.account_id = account AND found.claims IS NOT NULL AND NOT EXISTS (
            SELECT FROM operations.failed_events
            WHERE stream_name = stream AND projection = 'accounts' AND next_try_at IS NOT NULL);
END
$$;
COMMENT ON FUNCTION read_model.credentials_of(uuid, text) IS 'What Basic Auth needs of one account; none while an event of it fails.';

CREATE FUNCTION read_model.highest_cost_in_use() RETURNS integer
    LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- As the index has it, or the table is walked through.
    AS $$ SELECT max(read_model.highest_hash_cost(claims)) FROM read_model.accounts $$;
COMMENT ON FUNCTION read_model.highest_cost_in_use() IS 'The highest bcrypt cost among the hashes of all accounts; null when there is none.';

REVOKE EXECUTE ON FUNCTION read_model.credentials_of(uuid, text), read_model.highest_cost_in_use() FROM PUBLIC;
