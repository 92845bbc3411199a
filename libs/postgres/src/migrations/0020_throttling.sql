-- How far each caller has used up each limit, shared by all processes. Nothing here says who called: a key
-- is a keyed hash. No rebuild touches this schema, and losing its rows only makes the limits begin anew.
CREATE SCHEMA throttling;

CREATE TABLE throttling.buckets (
    key     text PRIMARY KEY,
    -- When everything that was taken will have flowed back.
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50); -- written all the time: room for updates in place
