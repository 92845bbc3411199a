import tr46 from 'tr46';
import { stableNfc } from './stable-text.js';
import { invisible, unassigned, unicodeVersion } from './unicode-table.js';

/** What identifies an account: one spelling for all the ways an address can be typed. */
export type AddressKey = string & { readonly brand: 'AddressKey' };

/** Longest address that mail can be sent to, in octets (RFC 5321, section 4.5.3.1.3). */
const maxAddressOctets = 254;

/** Longest part before the @, in octets (RFC 5321, section 4.5.3.1.1). */
const maxLocalPartOctets = 64;

const faults = {
  empty: 'The e-mail address is empty.',
  'address-too-long': `The e-mail address is longer than ${maxAddressOctets} octets.`,
  'unassigned-character': `The e-mail address contains a character that Unicode ${unicodeVersion} does not know.`,
  'invisible-character':
    'The e-mail address contains a space, a control character or another invisible character.',
  'not-one-at-sign': 'The e-mail address must contain exactly one @.',
  'local-part-empty': 'There is nothing before the @.',
  'local-part-too-long': `The part before the @ is longer than ${maxLocalPartOctets} octets.`,
  'local-part-special-character':
    'The part before the @ contains one of the characters " ( ) , : ; < > [ ] \\, which cannot be used.',
  'local-part-compatibility-character':
    'The part before the @ contains a form of another character, such as a full-width letter: type the plain one.',
  'local-part-dots':
    'The part before the @ must not begin or end with a dot, nor have two in a row.',
  'domain-empty': 'There is nothing after the @.',
  'domain-not-a-host-name':
    'The part after the @ is not a host name: letters, digits and hyphens, separated by single dots.',
  'domain-without-dot': 'The part after the @ needs at least one dot, as in example.org.',
} as const;

export type AddressFault = keyof typeof faults;

/** What the sentences above are made with. */
const parametersOf: Partial<Record<AddressFault, Readonly<Record<string, string | number>>>> = {
  'address-too-long': { maxOctets: maxAddressOctets },
  'local-part-too-long': { maxOctets: maxLocalPartOctets },
  'unassigned-character': { unicodeVersion },
};

/** The text is no e-mail address. The message says what to mend and quotes nothing of the text. */
export class InvalidAddress extends Error {
  override readonly name = 'InvalidAddress';

  constructor(readonly fault: AddressFault) {
    super(faults[fault]);
  }

  get parameters(): Readonly<Record<string, string | number>> | undefined {
    return parametersOf[this.fault];
  }
}

/** Of the host names that UTS 46 knows, those that browsers take: URLs have the same options. */
const hostNameOptions = {
  checkBidi: true,
  checkHyphens: false,
  checkJoiners: true,
  transitionalProcessing: false,
  useSTD3ASCIIRules: true,
  verifyDNSLength: true,
} as const;

/** ASCII, no Punycode, labels of a length that DNS takes: of these UTS 46 asks for lower case alone. */
const plainHostName = /^(?!.*xn--)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/i;

/**
 * The key of an address: the local part in NFC, its ASCII letters in lower case, and the domain in its
 * lower-case ASCII form (UTS 46). Lower-casing is a choice: no provider of note separates `Ada` from `ada`, and
 * people type both. Nothing else is equated: other letters, dots and plus tags count.
 *
 * The same on every Node, whatever Unicode that has: tr46 and the tables bring their own.
 *
 * Refuses some addresses that the mail standards know but people do not use: quoted local parts,
 * domains without a dot, IP literals, joiners or other invisible characters in either part, forms of other
 * characters (full-width, circled, the Kelvin sign) before the @, and characters newer than the tables.
 *
 * @throws InvalidAddress
 */
export function addressKeyOf(typed: string): AddressKey {
  const { localPart, domain } = partsOf(typed);
  for (const character of localPart) {
    if (character.normalize('NFKC') !== character) {
      throw new InvalidAddress('local-part-compatibility-character');
    }
  }
  const lowerCase = stableNfc(localPart).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  // NFC once more, because lower-casing can undo it: a J with caron has no composed capital.
  const localKey = stableNfc(lowerCase);
  return withinLimit(`${localKey}@${asciiHostName(domain)}`) as AddressKey;
}

/**
 * The inbox that mail to an address most likely ends in: many providers ignore dots and what follows a plus sign.
 * Good for counting, not for telling accounts apart.
 */
export function inboxOf(address: AddressKey): string {
  const at = address.lastIndexOf('@');
  const [name = ''] = address.slice(0, at).split('+', 1);
  return `${name.replaceAll('.', '')}${address.slice(at)}`;
}

/**
 * Where mail to an address goes: to the local part as it was typed, at the ASCII form of the domain.
 *
 * @param typed an address that has a key
 * @throws InvalidAddress
 */
export function mailAddressOf(typed: string): string {
  const { localPart, domain } = partsOf(typed);
  return withinLimit(`${localPart}@${asciiHostName(domain)}`);
}

function partsOf(address: string): { localPart: string; domain: string } {
  if (address === '') throw new InvalidAddress('empty');
  withinLimit(address);
  if (unassigned.test(address)) throw new InvalidAddress('unassigned-character');
  if (invisible.test(address)) throw new InvalidAddress('invisible-character');
  const [localPart, domain, ...more] = address.split('@');
  if (localPart === undefined || domain === undefined || more.length > 0) {
    throw new InvalidAddress('not-one-at-sign');
  }
  if (localPart === '') throw new InvalidAddress('local-part-empty');
  if (isLonger(localPart, maxLocalPartOctets)) throw new InvalidAddress('local-part-too-long');
  if (/["(),:;<>[\]\\]/.test(localPart)) throw new InvalidAddress('local-part-special-character');
  if (/^\.|\.\.|\.$/.test(localPart)) throw new InvalidAddress('local-part-dots');
  if (domain === '') throw new InvalidAddress('domain-empty');
  return { localPart, domain };
}

function withinLimit(address: string): string {
  if (isLonger(address, maxAddressOctets)) throw new InvalidAddress('address-too-long');
  return address;
}

const utf8 = new TextEncoder();

/** A character takes three octets for each of its UTF-16 units at most: nearly every text is not worth a count. */
function isLonger(text: string, octets: number): boolean {
  return text.length * 3 > octets && utf8.encode(text).length > octets;
}

function asciiHostName(domain: string): string {
  // Nearly every domain is plain, and tr46 looks each character up twice in a table of thousands.
  const hostName = plainHostName.test(domain)
    ? domain.toLowerCase()
    : tr46.toASCII(domain, hostNameOptions);
  if (hostName === null || isOfUnassigned(hostName)) {
    throw new InvalidAddress('domain-not-a-host-name');
  }
  const labels = hostName.split('.');
  // DNS knows no label that begins or ends with a hyphen (RFC 1123); UTS 46 leaves that to the caller.
  const wellFormed = labels.every((label) => !/^-|-$/.test(label));
  // Where the last label is a number, other programs take the whole for an IPv4 address.
  if (!wellFormed || /^([0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    throw new InvalidAddress('domain-not-a-host-name');
  }
  if (labels.length < 2) throw new InvalidAddress('domain-without-dot');
  return hostName;
}

/** Decoded Punycode must be as well known as typed text, or normalising it depends on Node. */
function isOfUnassigned(hostName: string): boolean {
  return (
    hostName.includes('xn--') && unassigned.test(tr46.toUnicode(hostName, hostNameOptions).domain)
  );
}
