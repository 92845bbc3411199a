/** What must never stand in a log, by the names under which it could get there. */
const SECRET_FIELDS = [
  'password',
  'passwordHash',
  'password_hash',
  'authorization',
  'Authorization',
  'cookie',
  'secret',
  'apiKey',
  'activationCode',
  'guess',
  'nonce',
  'email',
  'address',
  'to',
];

/**
 * For the log: values of these fields are replaced, up to two levels deep. No code logs them on purpose; this
 * is for an object that is logged as a whole, or an error that carries more than it should.
 */
export const redaction = {
  paths: [
    // An error's code (ECONNREFUSED) is no secret, an object's own is one of ours.
    'code',
    ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  ],
  censor: '[redacted]',
};
