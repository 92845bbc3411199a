-- The first key of an account of which nothing is known is made in one statement, which also finds the keys of one that is
-- known (ADR 151). Volatile: what it sees was committed by then, also behind a rebuild that it waited for.
CREATE FUNCTION personal_data.begin_account(
        account uuid, stream text, first_key bytea, wrapped_by text, seen_server text, seen_position bigint)
    RETURNS TABLE (server text, is_new boolean, generation integer, wrapped_key bytea, key_encryption_key_id text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    this_server constant text := extract(epoch FROM pg_postmaster_start_time())::text;
    made integer;
BEGIN
    INSERT INTO personal_data.account_keys (account_id, generation, wrapped_key, key_encryption_key_id)
    SELECT account, 1, first_key, wrapped_by
    WHERE seen_server = this_server
        AND EXISTS (SELECT FROM read_model.checkpoints WHERE consumer = 'accounts' AND position >= seen_position)
        AND NOT EXISTS (SELECT FROM personal_data.account_keys WHERE account_id = account)
        AND NOT EXISTS (SELECT FROM read_model.accounts WHERE account_id = account)
        AND NOT EXISTS (SELECT FROM operations.unreadable_accounts WHERE account_id = account)
        AND NOT EXISTS (
            SELECT FROM operations.failed_events WHERE stream_name = stream AND next_try_at IS NOT NULL)
    ON CONFLICT (account_id, generation) DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN QUERY
        SELECT this_server, made = 1, stored.generation, stored.wrapped_key, stored.key_encryption_key_id
        FROM (SELECT) AS answer
            LEFT JOIN personal_data.account_keys AS stored ON stored.account_id = account;
END
$$;
COMMENT ON FUNCTION personal_data.begin_account(uuid, text, bytea, text, text, bigint) IS 'Makes the first key of an account of which neither a key nor a row nor a fault is known, where this server is the one that was seen and the rows go as far as that position. Answers which server this is, whether the key was made, and the keys that there are, or were until they were destroyed.';

REVOKE EXECUTE ON FUNCTION personal_data.begin_account(uuid, text, bytea, text, text, bigint) FROM PUBLIC;
