/** Digits of an activation code; leading zeros count. */
export const activationCodeDigits = 4;

/** Four digits; at an address whose wrong guesses are used up, a long code that cannot be guessed. */
export const codeForms = ['short', 'long'] as const;

export type CodeForm = (typeof codeForms)[number];

/** Crockford's base 32: no I, L, O and U, so that nothing is mistaken for a digit. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LETTERS_OF_LONG_CODE = 12;
const BITS_OF_LETTER = 5;
/** Most that a person types for a long code: its letters and what stands between them. */
const LONGEST_TEXT = 40;
/** What stands between and around the characters of a code that was copied or typed in groups. */
const SEPARATORS = /[\s\p{Dash_Punctuation}]/gu;
/** From the full-width forms of the characters of ASCII to these. */
const FULL_WIDTH_OFFSET = 0xfee0;

const noncePattern = /^[0-9a-f]{32}$/;

/**
 * The code that a person typed, right or wrong, as `codeFor` writes it. Spaces, line ends and dashes may be anywhere or
 * missing, and digits and letters full-width, as keyboards for East Asian languages give them. In a long one letters may be in
 * lower case, and O, I and L in place of 0 and 1.
 *
 * @returns undefined for what has neither form
 */
export function readActivationCode(typed: string): string | undefined {
  if (typed.length > LONGEST_TEXT) return undefined;
  const code = typed
    .replace(SEPARATORS, '')
    .replace(/[０-９Ａ-Ｚａ-ｚ]/g, (wide) =>
      String.fromCharCode(wide.charCodeAt(0) - FULL_WIDTH_OFFSET),
    );
  if (/^[0-9]{4}$/.test(code)) return code;
  if (!/^[0-9A-Za-z]*$/.test(code)) return undefined;
  const letters = code.toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1');
  const isLongCode =
    letters.length === LETTERS_OF_LONG_CODE && [...letters].every((one) => LETTERS.includes(one));
  return isLongCode ? inGroups(letters) : undefined;
}

/** @param code as `readActivationCode` returns it */
export function formOf(code: string): CodeForm {
  return code.length === activationCodeDigits ? 'short' : 'long';
}

/**
 * The first 60 bits as 12 characters in three groups, such as `7K3M-0QTZ-9HXW`.
 *
 * @param mac at least 8 bytes
 */
export function longCodeOf(mac: Uint8Array): string {
  const bits = new DataView(mac.buffer, mac.byteOffset, mac.byteLength).getBigUint64(0) >> 4n;
  const letters = Array.from({ length: LETTERS_OF_LONG_CODE }, (_, index) => {
    const below = BigInt(BITS_OF_LETTER * (LETTERS_OF_LONG_CODE - 1 - index));
    return LETTERS.charAt(Number((bits >> below) & 31n));
  });
  return inGroups(letters.join(''));
}

function inGroups(letters: string): string {
  return letters.replace(/^(.{4})(.{4})(.{4})$/, '$1-$2-$3');
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
