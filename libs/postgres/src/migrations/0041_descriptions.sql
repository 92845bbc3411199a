-- What every schema, table and column is for, where the database itself can be asked. A column without a
-- description fails a test (descriptions.int-spec.ts). Copies of these tables that a rebuild makes keep them.
COMMENT ON SCHEMA read_model IS 'Rows built from the event log. Can be built again at any time.';
COMMENT ON SCHEMA read_model_rebuild IS 'Where a table of read_model is built anew before it takes the place of the old one. Empty otherwise.';
COMMENT ON SCHEMA personal_data IS 'Keys that make personal data in the event log readable. Exists nowhere else; no rebuild touches it.';
COMMENT ON SCHEMA operations IS 'What operators decide and own, and what processes tell each other. No rebuild touches it.';
COMMENT ON SCHEMA throttling IS 'How far callers have used up their limits. Losing it makes the limits begin anew.';

COMMENT ON TABLE read_model.accounts IS 'One row per account: what Basic Auth looks up and operators query.';
COMMENT ON COLUMN read_model.accounts.account_id IS 'Keyed hash of the address; names the stream. Look-up key of Basic Auth.';
COMMENT ON COLUMN read_model.accounts.address IS 'Personal data. As typed: shown to its owner, searched by operators. Null once the person was forgotten, or while the account cannot be read.';
COMMENT ON COLUMN read_model.accounts.password_hash IS 'Personal data. Peppered bcrypt hash that Basic Auth compares with. Null once the person was forgotten, or while the account cannot be read.';
COMMENT ON COLUMN read_model.accounts.registration_number IS '1 for the first registration, one more for each later one: says which password was checked, and whom a forgetting concerns.';
COMMENT ON COLUMN read_model.accounts.status IS 'pending, active, lapsed or erased. Filter of operators.';
COMMENT ON COLUMN read_model.accounts.registered_at IS 'When whoever has the account now registered first. Order and filter of pages; retention counts from here.';
COMMENT ON COLUMN read_model.accounts.activated_at IS 'When the code came back; null unless active.';
COMMENT ON COLUMN read_model.accounts.revision IS 'Stream revision of the last event that changed the row: repeating it changes nothing.';
COMMENT ON COLUMN read_model.accounts.position IS 'Log position of that event.';

COMMENT ON TABLE read_model.checkpoints IS 'How far each consumer of the event log has come.';
COMMENT ON COLUMN read_model.checkpoints.consumer IS 'Fixed name of a projection or saga.';
COMMENT ON COLUMN read_model.checkpoints.position IS 'Everything in the log up to here has been handled.';
COMMENT ON COLUMN read_model.checkpoints.updated_at IS 'When it moved last.';
COMMENT ON COLUMN read_model.checkpoints.event_id IS 'Id of the last event that was handled. Compared with the log at start-up and at every new subscription. Null until there was one.';
COMMENT ON COLUMN read_model.checkpoints.event_stream IS 'Stream of that event; where to look for it.';
COMMENT ON COLUMN read_model.checkpoints.event_revision IS 'Its revision in the stream.';
COMMENT ON COLUMN read_model.checkpoints.event_position IS 'Its position in the log; not beyond position.';

COMMENT ON TABLE read_model.statistics IS 'How often what happened, by minute. Counts only; the columns are named after what they count.';
COMMENT ON COLUMN read_model.statistics.minute IS 'Beginning of the minute.';
COMMENT ON COLUMN read_model.statistics.registrations IS 'First registrations.';
COMMENT ON COLUMN read_model.statistics.renewals IS 'Registrations of an address that was still pending.';
COMMENT ON COLUMN read_model.statistics.refused_registrations IS 'Registrations of an address that was active.';
COMMENT ON COLUMN read_model.statistics.activations IS 'Accounts that became active.';
COMMENT ON COLUMN read_model.statistics.codes_issued IS 'Activation codes, first and later ones.';
COMMENT ON COLUMN read_model.statistics.mails_sent IS 'Codes whose mail the provider accepted.';
COMMENT ON COLUMN read_model.statistics.mails_undeliverable IS 'Codes that were given up.';
COMMENT ON COLUMN read_model.statistics.wrong_guesses IS 'Activations refused because the code was wrong.';
COMMENT ON COLUMN read_model.statistics.expiries IS 'Activations refused because the code had expired.';
COMMENT ON COLUMN read_model.statistics.exhaustions IS 'Activations refused because the code was burnt.';
COMMENT ON COLUMN read_model.statistics.position IS 'Log position of the last event counted here: repeating it changes nothing.';

COMMENT ON TABLE read_model.activation_mails IS 'What became of the mail of each activation code.';
COMMENT ON COLUMN read_model.activation_mails.account_id IS 'Whose code it was.';
COMMENT ON COLUMN read_model.activation_mails.issue_number IS 'Which of the account''s codes.';
COMMENT ON COLUMN read_model.activation_mails.status IS 'issued, sent, undeliverable, or obsolete: something newer came before its dispatch was on record.';
COMMENT ON COLUMN read_model.activation_mails.issued_at IS 'When the code was issued. Order of pages.';
COMMENT ON COLUMN read_model.activation_mails.sent_at IS 'When the provider accepted the mail; the minute of the code begins.';
COMMENT ON COLUMN read_model.activation_mails.provider_message_id IS 'What the provider calls the mail: to ask it about one.';
COMMENT ON COLUMN read_model.activation_mails.abandoned_at IS 'When it was given up.';
COMMENT ON COLUMN read_model.activation_mails.reason IS 'Why it was given up. Without personal data.';
COMMENT ON COLUMN read_model.activation_mails.attempts IS 'Tries before it was given up.';
COMMENT ON COLUMN read_model.activation_mails.revision IS 'Stream revision of the last event that changed the row.';
COMMENT ON COLUMN read_model.activation_mails.position IS 'Log position of that event.';

COMMENT ON TABLE personal_data.account_keys IS 'One key per account and person. Destroying it erases the person from the log for good, once every copy of this table is gone, too.';
COMMENT ON COLUMN personal_data.account_keys.account_id IS 'Whose key.';
COMMENT ON COLUMN personal_data.account_keys.generation IS 'Which of the persons who had the address one after the other: the number of their first registration.';
COMMENT ON COLUMN personal_data.account_keys.wrapped_key IS 'The key, sealed by the key-encryption key that is named beside it. Null once it was destroyed.';
COMMENT ON COLUMN personal_data.account_keys.key_encryption_key_id IS 'Which key of PERSONAL_DATA_KEYS unwraps it: says what rotation has left to do.';
COMMENT ON COLUMN personal_data.account_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN personal_data.account_keys.destroyed_at IS 'When it was destroyed on purpose. Keys of this generation and earlier ones are read as erased.';

COMMENT ON TABLE operations.admin_keys IS 'Keys of the admin API.';
COMMENT ON COLUMN operations.admin_keys.key_id IS 'Public half of the key.';
COMMENT ON COLUMN operations.admin_keys.secret_sha256 IS 'SHA-256 of the secret half, which only its holder has.';
COMMENT ON COLUMN operations.admin_keys.label IS 'What operators call it.';
COMMENT ON COLUMN operations.admin_keys.scopes IS 'What it may do.';
COMMENT ON COLUMN operations.admin_keys.origin IS 'configuration for the one that a process is started with, else operator.';
COMMENT ON COLUMN operations.admin_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN operations.admin_keys.created_by IS 'Which key made it.';
COMMENT ON COLUMN operations.admin_keys.expires_at IS 'From when on it is refused.';
COMMENT ON COLUMN operations.admin_keys.revoked_at IS 'From when on it is refused, by decision.';
COMMENT ON COLUMN operations.admin_keys.revoked_by IS 'Which key revoked it.';

COMMENT ON TABLE operations.failed_events IS 'Events that a projection cannot handle, and what was decided about each.';
COMMENT ON COLUMN operations.failed_events.projection IS 'Which projection.';
COMMENT ON COLUMN operations.failed_events.position IS 'Log position of the event.';
COMMENT ON COLUMN operations.failed_events.event_id IS 'Id of the event.';
COMMENT ON COLUMN operations.failed_events.stream_name IS 'Its stream.';
COMMENT ON COLUMN operations.failed_events.revision IS 'Its revision in the stream.';
COMMENT ON COLUMN operations.failed_events.type IS 'Its type.';
COMMENT ON COLUMN operations.failed_events.error IS 'What is wrong with it. Without personal data.';
COMMENT ON COLUMN operations.failed_events.attempts IS 'How often it was tried.';
COMMENT ON COLUMN operations.failed_events.status IS 'failing: the projection stands in front of it; skipped: it goes on without; resolved: it got past it.';
COMMENT ON COLUMN operations.failed_events.first_failed_at IS 'When it failed first.';
COMMENT ON COLUMN operations.failed_events.last_failed_at IS 'When it failed last.';
COMMENT ON COLUMN operations.failed_events.retry_requested_at IS 'When an operator asked for another try.';
COMMENT ON COLUMN operations.failed_events.decided_at IS 'When it was skipped or resolved.';
COMMENT ON COLUMN operations.failed_events.decided_by IS 'Which admin key skipped it.';
COMMENT ON COLUMN operations.failed_events.reason IS 'Why it was skipped, as the operator says.';

COMMENT ON TABLE operations.projection_reports IS 'What the process that keeps a projection says about it, every second or so.';
COMMENT ON COLUMN operations.projection_reports.projection IS 'Which projection.';
COMMENT ON COLUMN operations.projection_reports.state IS 'catching-up, live or faulted.';
COMMENT ON COLUMN operations.projection_reports.position IS 'How far it has come.';
COMMENT ON COLUMN operations.projection_reports.events_per_second IS 'How fast it is.';
COMMENT ON COLUMN operations.projection_reports.last_error IS 'Its last fault. Without personal data.';
COMMENT ON COLUMN operations.projection_reports.last_error_at IS 'When that was.';
COMMENT ON COLUMN operations.projection_reports.reported_at IS 'An old report means that nobody keeps it.';

COMMENT ON TABLE operations.rebuilds IS 'Every rebuild of a projection''s rows: how far it is, or what became of it.';
COMMENT ON COLUMN operations.rebuilds.rebuild_id IS 'Names the rebuild.';
COMMENT ON COLUMN operations.rebuilds.projection IS 'Which projection.';
COMMENT ON COLUMN operations.rebuilds.state IS 'building, comparing, switched, different, failed or abandoned.';
COMMENT ON COLUMN operations.rebuilds.started_at IS 'When it began.';
COMMENT ON COLUMN operations.rebuilds.started_by IS 'Which admin key asked for it.';
COMMENT ON COLUMN operations.rebuilds.updated_at IS 'Moves every second while it lives.';
COMMENT ON COLUMN operations.rebuilds.finished_at IS 'When it ended; null while it goes on.';
COMMENT ON COLUMN operations.rebuilds.events IS 'Events worked through.';
COMMENT ON COLUMN operations.rebuilds.events_per_second IS 'How fast it is.';
COMMENT ON COLUMN operations.rebuilds.position IS 'How far it has come.';
COMMENT ON COLUMN operations.rebuilds.target IS 'How far it has to go.';
COMMENT ON COLUMN operations.rebuilds.compared_at IS 'Log position at which old and new rows were compared.';
COMMENT ON COLUMN operations.rebuilds.rows_before IS 'Rows of the old table there.';
COMMENT ON COLUMN operations.rebuilds.rows_after IS 'Rows of the new table there.';
COMMENT ON COLUMN operations.rebuilds.checksum_before IS 'Checksum over the old rows.';
COMMENT ON COLUMN operations.rebuilds.checksum_after IS 'Checksum over the new rows.';
COMMENT ON COLUMN operations.rebuilds.error IS 'Why it failed. Without personal data.';

COMMENT ON TABLE operations.pairing IS 'One row: which database was compared with the event log last, and what came of it.';
COMMENT ON COLUMN operations.pairing.only_row IS 'Keeps it at one row.';
COMMENT ON COLUMN operations.pairing.database IS 'Identity of the server and database that was compared. Another one is a copy that nobody has compared yet. restored and follows-log wait for the worker.';
COMMENT ON COLUMN operations.pairing.checked_at IS 'When that was said last.';
COMMENT ON COLUMN operations.pairing.refusal IS 'Why no process may work with this database; null when it may.';

COMMENT ON TABLE operations.unreadable_accounts IS 'Accounts whose events cannot be read although nobody was forgotten: their keys or sealed data are lost or damaged.';
COMMENT ON COLUMN operations.unreadable_accounts.account_id IS 'Which account.';
COMMENT ON COLUMN operations.unreadable_accounts.from_revision IS 'From this stream revision on nothing personal is known.';
COMMENT ON COLUMN operations.unreadable_accounts.forgotten_revision IS 'Where the person was forgotten: what follows is about somebody else. Null while the account is of concern.';
COMMENT ON COLUMN operations.unreadable_accounts.error IS 'What is wrong. Without personal data.';
COMMENT ON COLUMN operations.unreadable_accounts.consumer IS 'Who found it.';
COMMENT ON COLUMN operations.unreadable_accounts.found_at IS 'When.';

COMMENT ON TABLE throttling.buckets IS 'How far each caller has used up each limit, shared by all processes.';
COMMENT ON COLUMN throttling.buckets.key IS 'Keyed hash of limit and caller: says nothing about who it is.';
COMMENT ON COLUMN throttling.buckets.full_at IS 'When everything that was taken will have flowed back.';

COMMENT ON FUNCTION operations.database_identity() IS 'Which server and database this is. A dump that is restored elsewhere has another one.';
