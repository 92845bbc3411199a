-- Who was told what: the audit streams of the log, to be searched by key, account and time.
CREATE TABLE read_model.audit (
    position          bigint PRIMARY KEY,
    at                timestamptz(3) NOT NULL,
    key_id            text NOT NULL,
    operation         text NOT NULL,
    outcome           text NOT NULL,
    account_ids       uuid[] NOT NULL,
    filters           text[] NOT NULL,
    subject_key_id    text,
    request_id        text NOT NULL,
    caller_request_id text
);

CREATE INDEX audit_time ON read_model.audit (at, position);
CREATE INDEX audit_key ON read_model.audit (key_id, at, position);
CREATE INDEX audit_accounts ON read_model.audit USING gin (account_ids);

COMMENT ON TABLE read_model.audit IS 'Calls of operators that told something of accounts, or changed keys. No personal data: accounts by their ids.';
COMMENT ON COLUMN read_model.audit.position IS 'Log position of the record.';
COMMENT ON COLUMN read_model.audit.at IS 'When the call was answered. Order of pages.';
COMMENT ON COLUMN read_model.audit.key_id IS 'Which admin key called.';
COMMENT ON COLUMN read_model.audit.operation IS 'What it asked for, such as view-account.';
COMMENT ON COLUMN read_model.audit.outcome IS 'answered, or the problem that it was answered with.';
COMMENT ON COLUMN read_model.audit.account_ids IS 'Which accounts it named or was shown; those that do not exist included.';
COMMENT ON COLUMN read_model.audit.filters IS 'Names of the parameters of a search. Their values may be addresses, and are not kept.';
COMMENT ON COLUMN read_model.audit.subject_key_id IS 'Which key was made or revoked.';
COMMENT ON COLUMN read_model.audit.request_id IS 'X-Request-Id of the answer.';
COMMENT ON COLUMN read_model.audit.caller_request_id IS 'What the caller calls the request.';
