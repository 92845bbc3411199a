import { Buffer } from 'node:buffer';

/** The few DER encodings (ITU-T X.690) that a certificate is made of. Each function returns the whole element. */

const element = (tag, ...contents) => {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
};

function lengthOf(length) {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...elements) => element(0x30, ...elements);
export const set = (...elements) => element(0x31, ...elements);
export const boolean = (value) => element(0x01, Buffer.from([value ? 0xff : 0]));
export const octetString = (content) => element(0x04, content);
export const utf8String = (text) => element(0x0c, Buffer.from(text));
/** @param {number} unusedBits of the last octet, 0 to 7 */
export const bitString = (content, unusedBits = 0) =>
  element(0x03, Buffer.from([unusedBits]), content);
/** Context-specific tag around whole elements, e.g. `[0] EXPLICIT`. */
export const explicit = (number, ...elements) => element(0xa0 | number, ...elements);
/** Context-specific tag in place of a primitive's own. */
export const implicit = (number, content) => element(0x80 | number, content);

/** Non-negative integer, big-endian. */
export function integer(bytes) {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const positive = significant[0] & 0x80 ? [Buffer.from([0]), significant] : [significant];
  return element(0x02, ...positive);
}

/** @param {string} dotted e.g. `2.5.4.3` */
export function objectIdentifier(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const base128 = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) base128.unshift(0x80 | (left & 0x7f));
    return base128;
  });
  return element(0x06, Buffer.from(octets));
}

/** Seconds in UTC; RFC 5280 wants UTCTime until 2049 and GeneralizedTime from 2050 on. */
export function time(date) {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : element(0x18, Buffer.from(`${digits}Z`));
}
