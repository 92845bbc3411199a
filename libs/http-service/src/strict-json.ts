/** The text is not JSON, or not JSON that means the same to every reader. */
export class InvalidJson extends Error {
  constructor(
    message: string,
    /** The key that is at fault, when one is. */
    readonly key?: string,
  ) {
    super(message);
    this.name = 'InvalidJson';
  }
}

/**
 * JSON.parse that also refuses what parsers disagree about: a key that occurs twice in one object (some
 * take the first, some the last), and a key that reaches an object's prototype.
 *
 * @throws InvalidJson
 */
export function parseStrictJson(text: string): unknown {
  const value = parsed(text);
  refuseAmbiguousKeys(text);
  return value;
}

/** Takes a byte order mark off: some writers of files put one before the JSON (RFC 8259, section 8.1). */
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON of a request body; undefined of an empty one, which calls without a body may have.
 *
 * @throws InvalidJson also when it is not UTF-8: replacing what cannot be read would make different
 *   passwords the same
 */
export function parseJsonBody(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : parseStrictJson(decoded(body));
}

function decoded(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new InvalidJson('the body is not UTF-8');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold a password.
    throw new InvalidJson('the body is not well-formed JSON');
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** Walks the tokens of a text that is known to be well-formed. */
function refuseAmbiguousKeys(text: string): void {
  /** For each open bracket: the keys seen so far, or undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const keys = open.at(-1);
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (keys && token.startsWith('"') && (previous === '{' || previous === ',')) {
      const key = JSON.parse(token) as string;
      if (key === '__proto__') throw new InvalidJson('this key is not allowed', key);
      if (keys.has(key)) throw new InvalidJson('this key occurs more than once', key);
      keys.add(key);
    }
    previous = token;
  }
}
