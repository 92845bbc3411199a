/**
 * The headers whose value may differ between answers that must look the same, and why that is no
 * telling. All others are compared by value. A header that is missed here fails the tests: it has to be
 * thought about first.
 */
export const MAY_DIFFER: Readonly<Record<string, string>> = {
  date: 'the clock, in seconds; the time of an answer is measured by enumeration.timing-spec.ts',
  'x-request-id': 'random for each call',
  'consistency-token': 'sealed with a nonce of its own, and always 80 characters',
};

/** A header as it was sent, or its length where its value may differ. */
export function comparable([name, value]: readonly [string, string]): readonly [
  string,
  string | number,
] {
  return [name, name.toLowerCase() in MAY_DIFFER ? value.length : value];
}

/**
 * By how little a value has grown or shrunk, in any way to read a number out of it: decimal, hexadecimal, or
 * eight bytes anywhere in base64url or hexadecimal, in either order. Two random values of 60 bytes are
 * nearer than 2^32 to each other once in ten million pairs.
 */
export function smallestStep(before: string, after: string): bigint | undefined {
  const later = readingsOf(after);
  const steps = [...readingsOf(before)].flatMap(([how, one]) => {
    const other = later.get(how);
    return other === undefined ? [] : [other > one ? other - one : one - other];
  });
  return steps.reduce<bigint | undefined>(
    (least, step) => (least === undefined || step < least ? step : least),
    undefined,
  );
}

const NUMBER_BYTES = 8;

function readingsOf(value: string): ReadonlyMap<string, bigint> {
  const readings = new Map<string, bigint>();
  if (/^\d+$/.test(value)) readings.set('decimal', BigInt(value));
  const hex = value.replaceAll('-', '');
  const texts: [string, Buffer][] = [['base64url', Buffer.from(value, 'base64url')]];
  if (/^([0-9a-f]{2})+$/i.test(hex)) texts.push(['hex', Buffer.from(hex, 'hex')]);
  for (const [encoding, bytes] of texts) {
    for (let at = 0; at + NUMBER_BYTES <= bytes.length; at++) {
      readings.set(`${encoding} ${at} BE`, bytes.readBigUInt64BE(at));
      readings.set(`${encoding} ${at} LE`, bytes.readBigUInt64LE(at));
    }
  }
  return readings;
}
