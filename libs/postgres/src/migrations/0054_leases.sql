-- A leader that makes no progress keeps its connection, and with it the lock that makes it the leader. Its lease
-- runs out, by the clock of this server.
CREATE TABLE operations.leases (
    name       text PRIMARY KEY,
    epoch      bigint NOT NULL,
    backend    integer NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    -- Makes the epoch part of a key: who writes under it holds back the next leader, but not the renewing.
    UNIQUE (name, epoch)
) WITH (fillfactor = 20); -- a few rows, written all the time: room for updates in place

COMMENT ON TABLE operations.leases IS 'Who leads what, and until when. Losing it makes the leaders compete anew.';
COMMENT ON COLUMN operations.leases.name IS 'What is led: the fixed name of a projection or saga.';
COMMENT ON COLUMN operations.leases.epoch IS 'Grows with every leader; a checkpoint is moved only under the newest one.';
COMMENT ON COLUMN operations.leases.backend IS 'Process id of the server side of the leader''s connection, which is ended when the lease ran out.';
COMMENT ON COLUMN operations.leases.expires_at IS 'The leader is replaced unless it renews the lease before. Renewed twice a second.';
