/** What a caller claims to know. */
export interface BasicCredentials {
  readonly address: string;
  readonly password: string;
}

const SCHEME = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;
// oxlint-disable-next-line no-control-regex -- RFC 7617 forbids exactly these
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads an Authorization header of scheme Basic (RFC 7617, UTF-8): everything before the first colon is
 * the address, with which blanks may have been copied, everything after it the password.
 *
 * @returns undefined when the header is missing or is anything else
 */
export function basicCredentialsOf(
  header: string | undefined,
): BasicCredentials | 'not-utf-8' | undefined {
  const encoded = SCHEME.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = decoded(encoded);
  if (text === undefined) return 'not-utf-8';
  const colon = text.indexOf(':');
  if (colon < 0 || CONTROL_CHARACTERS.test(text)) return undefined;
  return { address: text.slice(0, colon).trim(), password: text.slice(colon + 1) };
}

function decoded(base64: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}
