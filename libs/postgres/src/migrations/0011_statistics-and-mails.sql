-- Where a projection's table is built anew before it takes the place of the old one.
CREATE SCHEMA read_model_rebuild;

-- How often what happened, by minute. Counts only: nothing here is about a person.
CREATE TABLE read_model.statistics (
    minute                 timestamptz(3) PRIMARY KEY,
    registrations          integer NOT NULL,
    renewals               integer NOT NULL,
    refused_registrations  integer NOT NULL,
    activations            integer NOT NULL,
    codes_issued           integer NOT NULL,
    mails_sent             integer NOT NULL,
    mails_undeliverable    integer NOT NULL,
    wrong_guesses          integer NOT NULL,
    expiries               integer NOT NULL,
    exhaustions            integer NOT NULL,
    -- Of the last event counted here: repeating it changes nothing.
    position               bigint NOT NULL
);

-- What became of the mail of each activation code.
CREATE TABLE read_model.activation_mails (
    account_id          uuid NOT NULL,
    issue_number        integer NOT NULL,
    -- `obsolete`: a newer code, or the activation, came before its dispatch was on record.
    status              text NOT NULL CHECK (status IN ('issued', 'sent', 'undeliverable', 'obsolete')),
    issued_at           timestamptz(3) NOT NULL,
    sent_at             timestamptz(3),
    provider_message_id text,
    abandoned_at        timestamptz(3),
    reason              text,
    attempts            integer,
    -- Stream revision and log position of the last event that changed this row.
    revision            bigint NOT NULL,
    position            bigint NOT NULL,
    PRIMARY KEY (account_id, issue_number)
);

-- Pages of mails by time, of all and of one status.
CREATE INDEX activation_mails_by_time
    ON read_model.activation_mails (issued_at, account_id, issue_number);
CREATE INDEX activation_mails_by_status_and_time
    ON read_model.activation_mails (status, issued_at, account_id, issue_number);
