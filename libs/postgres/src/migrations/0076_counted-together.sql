-- Calls that come at the same time are counted by one statement, one after the other (ADR 147).
CREATE FUNCTION throttling.demands_that_count(demands jsonb)
    RETURNS TABLE (key text, part text, refill interval, capacity interval)
    LANGUAGE sql STABLE
    AS $$
        SELECT demand.key, demand.part, make_interval(secs => refill_ms / 1000),
               make_interval(secs => refill_ms / 1000
                   * CASE WHEN marked.key IS NULL THEN demand.capacity ELSE marked_capacity END)
        FROM jsonb_to_recordset(demands) AS demand (
                key text, refill_ms float8, capacity float8, mark text, marked_capacity float8, part text)
            LEFT JOIN throttling.buckets AS marked ON marked.key = mark AND marked.full_at > now()
        WHERE marked.key IS NULL OR marked_capacity IS NOT NULL
    $$;
COMMENT ON FUNCTION throttling.demands_that_count(jsonb) IS 'What a call takes out of each bucket, without those that do not count while a mark stands.';

CREATE FUNCTION throttling.set_marks(marks jsonb) RETURNS void
    LANGUAGE sql VOLATILE
    AS $$
        UPDATE throttling.buckets SET full_at = now() + make_interval(secs => lasts_ms / 1000)
        FROM jsonb_to_recordset(marks) AS mark (key text, lasts_ms float8) WHERE buckets.key = mark.key
    $$;
COMMENT ON FUNCTION throttling.set_marks(jsonb) IS 'Makes marks stand from now on, each for so long.';

CREATE FUNCTION throttling.count_calls(calls jsonb, keys text[])
    RETURNS TABLE (call integer, key text, part text, retry_in_ms float8)
    LANGUAGE plpgsql VOLATILE
    -- Each step concerns a few of very many buckets, also where the statistics were made when there were few.
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    AS $$
#variable_conflict use_column
DECLARE
    held integer;
    asked jsonb;
    is_refused boolean;
BEGIN
    -- A crash of the server gives back what was taken in the last moment: no call waits for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- All statements make and lock buckets in one order, or two would wait for each other in a circle. A full bucket may be
    -- removed before it is locked.
    LOOP
        INSERT INTO throttling.buckets (key, full_at) SELECT wanted, now() FROM unnest(keys) AS wanted ORDER BY wanted
        ON CONFLICT DO NOTHING;
        PERFORM FROM throttling.buckets WHERE key = ANY (keys) ORDER BY key FOR UPDATE;
        GET DIAGNOSTICS held = ROW_COUNT;
        EXIT WHEN held = cardinality(keys);
    END LOOP;
    FOR number IN 1 .. jsonb_array_length(calls) LOOP
        call := number;
        asked := calls -> (number - 1);
        IF asked ? 'giveBack' THEN
            UPDATE throttling.buckets SET full_at = full_at - refill
            FROM throttling.demands_that_count(asked -> 'giveBack') AS demand WHERE buckets.key = demand.key;
        END IF;
        IF asked ? 'refill' THEN
            UPDATE throttling.buckets SET full_at = now()
            WHERE key IN (SELECT jsonb_array_elements_text(asked -> 'refill'));
        END IF;
        IF asked ? 'marksBefore' THEN PERFORM throttling.set_marks(asked -> 'marksBefore'); END IF;
        CONTINUE WHEN NOT asked ? 'demands';
        is_refused := false;
        FOR key, part, retry_in_ms IN
            WITH wanted AS MATERIALIZED (
                SELECT key, part, capacity, greatest(full_at, now()) + refill AS full_then
                FROM throttling.demands_that_count(asked -> 'demands') JOIN throttling.buckets USING (key)
            ), refused AS (
                SELECT part FROM wanted GROUP BY part HAVING max(full_then - capacity) > now()
            ), taken AS (
                UPDATE throttling.buckets SET full_at = full_then FROM wanted
                WHERE buckets.key = wanted.key
                    AND NOT EXISTS (SELECT FROM refused WHERE part = '' OR part = wanted.part)
            )
            SELECT key, part, extract(epoch FROM full_then - capacity - now()) * 1000 FROM wanted
            WHERE full_then - capacity > now()
        LOOP
            is_refused := is_refused OR part = '';
            RETURN NEXT;
        END LOOP;
        IF NOT is_refused AND asked ? 'marks' THEN PERFORM throttling.set_marks(asked -> 'marks'); END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION throttling.count_calls(jsonb, text[]) IS 'Counts calls, one after the other: what each gives back and refills of an earlier one, what it takes, and its marks. A call without room for something that it needs takes nothing. Answers, with the number of the call, which buckets had no room. All keys that the calls name stand beside them, each once.';

REVOKE EXECUTE ON FUNCTION throttling.demands_that_count(jsonb), throttling.set_marks(jsonb),
    throttling.count_calls(jsonb, text[]) FROM PUBLIC;
