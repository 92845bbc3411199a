import { stdSerializers } from 'pino';

/** What must never stand in a log, by the names under which it could get there. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
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
]);
/** An error's code (ECONNREFUSED) is no secret, an object's own is one of ours. */
const SECRET_FIELDS_OF_A_LINE: ReadonlySet<string> = new Set([...SECRET_FIELDS, 'code']);

const CENSOR = '[redacted]';
/** Deeper than anything that is logged, and an end for an object that holds itself. */
const MOST_LEVELS = 6;

/**
 * Options of pino: values of these fields are replaced wherever they stand in a line. No code logs them on purpose; this
 * is for an object that is logged as a whole, or an error that carries more than it should. pino's own redaction
 * copies each line, once for each level that a path names (ADR 166).
 */
export const redaction = {
  formatters: {
    log: (line: Record<string, unknown>) => redacted(line, SECRET_FIELDS_OF_A_LINE),
    bindings: (line: Record<string, unknown>) => redacted(line, SECRET_FIELDS_OF_A_LINE),
  },
  serializers: { err: (error: Error) => redacted(stdSerializers.err(error), SECRET_FIELDS) },
};

/** The same object, or a copy of it if it has something to hide. */
function redacted<Value extends object>(
  value: Value,
  secret: ReadonlySet<string>,
  levels = MOST_LEVELS,
): Value {
  let copy: Value | undefined;
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const shown = shownOf(name, member, secret, levels);
    if (shown !== member) copy = Object.assign(copy ?? { ...value }, { [name]: shown });
  }
  return copy ?? value;
}

function shownOf(
  name: string,
  member: unknown,
  secret: ReadonlySet<string>,
  levels: number,
): unknown {
  if (secret.has(name)) return CENSOR;
  if (typeof member !== 'object' || member === null) return member;
  // What is not enumerable of an error goes lost in a copy; its serializer looks at what it makes of it.
  if (name === 'err' && levels === MOST_LEVELS) return member;
  return levels === 1 ? CENSOR : redacted(member, SECRET_FIELDS, levels - 1);
}
