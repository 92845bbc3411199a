/** gRPC's statuses, by their numbers. */
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

const CERTIFICATE_FAULT =
  /certificate|CERT_|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|altnames|ALTNAME|INVALID_CA|INVALID_PURPOSE/i;
const OTHER_PROTOCOL = /wrong version number|SSL routines|Protocol error|Failed to connect \(/;

/**
 * What to check in EVENTSTORE_URL, or at the server, when a call failed as it does with wrong settings; undefined for
 * every other failure. Waiting helps only when somebody mends it, here or there.
 *
 * @param error of the official client, of gRPC, or of a socket
 */
export function settingToMend(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const {
    code,
    type,
    message = '',
  } = error as Partial<Record<'code' | 'type', unknown>> & {
    readonly message?: string;
  };
  if (code === UNAUTHENTICATED) {
    return 'check user and password in EVENTSTORE_URL: the event store does not take them (UNAUTHENTICATED)';
  }
  if (type === 'access-denied') {
    return (
      'check user and password in EVENTSTORE_URL, and the rights of this user: it may not do this, and needs ' +
      'the right to read $all, too (PERMISSION_DENIED)'
    );
  }
  const notThere = 'what answers there does not speak its protocol';
  if (code === UNIMPLEMENTED && message.includes('HTTP status code')) {
    return `check host and port in EVENTSTORE_URL: ${notThere}`;
  }
  // gRPC quotes what ended its last connection; the errors of a socket have names for codes.
  const lastError =
    typeof code === 'string'
      ? message
      : /Last error: (?:Error: )?([^]*?)\.? Resolution note:/.exec(message)?.[1];
  if (lastError === undefined) return undefined;
  if (OTHER_PROTOCOL.test(lastError)) {
    return `check host, port and tls=true or tls=false in EVENTSTORE_URL: ${notThere}, or not yet`;
  }
  if (CERTIFICATE_FAULT.test(lastError)) {
    return `check the certificate of the event store, and tlsCAFile in EVENTSTORE_URL: ${lastError}`;
  }
  return undefined;
}
