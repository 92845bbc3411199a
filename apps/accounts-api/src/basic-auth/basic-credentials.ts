/** What a caller claims to know. */
export interface BasicCredentials {
  readonly address: string;
  readonly password: string;
}

const SCHEME = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;
// eslint-disable-next-line no-control-regex -- RFC 7617 forbids exactly these
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads an Authorization header of scheme Basic (RFC 7617, UTF-8): everything before the first colon is
 * the address, everything after it the password.
 *
 * @returns undefined when the header is missing or is anything else
 */
export function basicCredentialsOf(header: string | undefined): BasicCredentials | undefined {
  const encoded = SCHEME.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = decoded(encoded);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0 || CONTROL_CHARACTERS.test(text)) return undefined;
  return { address: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decoded(base64: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(base64, 'base64'));
  } catch {
    // Not UTF-8: no credentials of ours.
    return undefined;
  }
}
