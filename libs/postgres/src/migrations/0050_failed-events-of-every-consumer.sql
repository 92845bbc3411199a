-- Projections and sagas go on past an event that fails; it is tried again from here.
ALTER TABLE operations.failed_events ADD COLUMN next_try_at timestamptz(3);
UPDATE operations.failed_events SET next_try_at = now() WHERE status = 'failing';
CREATE INDEX failed_events_waiting ON operations.failed_events (projection, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX failed_events_streams ON operations.failed_events (stream_name) WHERE next_try_at IS NOT NULL;
CREATE INDEX failed_events_by_position ON operations.failed_events (position);

COMMENT ON TABLE operations.failed_events IS 'Events that a consumer cannot handle, or could not, and what was decided about each.';
COMMENT ON COLUMN operations.failed_events.projection IS 'Which consumer: a projection or a saga.';
COMMENT ON COLUMN operations.failed_events.status IS 'failing: it is tried again; skipped: the consumer goes on without it; resolved: it was handled later.';
COMMENT ON COLUMN operations.failed_events.next_try_at IS 'When the leader tries it again, or carries out the decision to skip it; null when nothing is left to be done.';
COMMENT ON COLUMN operations.failed_events.retry_requested_at IS 'When an operator asked for another try, up to the version before next_try_at.';
