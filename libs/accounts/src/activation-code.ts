/** Digits of an activation code; leading zeros count. */
export const activationCodeDigits = 4;

const noncePattern = /^[0-9a-f]{32}$/;

/** Whether the text has the form of a code, right or wrong. */
export function isActivationCode(text: string, digits: number = activationCodeDigits): boolean {
  return text.length === digits && /^[0-9]*$/.test(text);
}

/**
 * The bytes whose message authentication code becomes the activation code: the issue number as 8 bytes,
 * most significant first, then the 16 bytes of the nonce. Both have a fixed length, so no two issues
 * share a message.
 *
 * @param nonceHex 32 lower-case hexadecimal digits
 * @throws RangeError for anything else
 */
export function activationCodeMessage(issueNumber: number, nonceHex: string): Uint8Array {
  if (!Number.isSafeInteger(issueNumber) || issueNumber < 1) {
    throw new RangeError('an issue number is a whole number from 1');
  }
  if (!noncePattern.test(nonceHex)) {
    throw new RangeError('a nonce is 32 lower-case hexadecimal digits');
  }
  const message = new Uint8Array(8 + nonceHex.length / 2);
  new DataView(message.buffer).setBigUint64(0, BigInt(issueNumber));
  for (let at = 0; at < nonceHex.length; at += 2) {
    message[8 + at / 2] = Number.parseInt(nonceHex.slice(at, at + 2), 16);
  }
  return message;
}

/**
 * Dynamic truncation as in RFC 4226, section 5.3: the low four bits of the last byte say where to read
 * 31 bits, whose last decimal digits are the code.
 *
 * @param mac at least 20 bytes
 * @param digits 1 to 9, because 31 bits hold no more than nine full decimal digits
 * @throws RangeError when either is outside these limits
 */
export function truncateToCode(mac: Uint8Array, digits: number = activationCodeDigits): string {
  if (mac.length < 20) throw new RangeError('a message authentication code has 20 bytes or more');
  if (!Number.isInteger(digits) || digits < 1 || digits > 9) {
    throw new RangeError('a code has 1 to 9 digits');
  }
  const view = new DataView(mac.buffer, mac.byteOffset, mac.byteLength);
  const offset = view.getUint8(mac.length - 1) & 0x0f;
  const number = view.getUint32(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/** Constant-time equality: the time does not depend on where the two differ. */
export function isSameCode(guess: string, code: string): boolean {
  let difference = guess.length ^ code.length;
  for (let at = 0; at < code.length; at += 1) {
    difference |= guess.charCodeAt(at) ^ code.charCodeAt(at);
  }
  return difference === 0;
}
