/** What identifies an account: one spelling for all the ways an address can be typed. */
export type AddressKey = string & { readonly brand: 'AddressKey' };

/** Longest address that mail can be sent to, in octets (RFC 5321, section 4.5.3.1.3). */
const maxAddressOctets = 254;

/** Longest part before the @, in octets (RFC 5321, section 4.5.3.1.1). */
const maxLocalPartOctets = 64;

const faults = {
  empty: 'The e-mail address is empty.',
  'address-too-long': `The e-mail address is longer than ${maxAddressOctets} octets.`,
  'invisible-character':
    'The e-mail address contains a space, a control character or another invisible character.',
  'not-one-at-sign': 'The e-mail address must contain exactly one @.',
  'local-part-empty': 'There is nothing before the @.',
  'local-part-too-long': `The part before the @ is longer than ${maxLocalPartOctets} octets.`,
  'local-part-special-character':
    'The part before the @ contains one of the characters " ( ) , : ; < > [ ] \\, which cannot be used.',
  'local-part-dots':
    'The part before the @ must not begin or end with a dot, nor have two in a row.',
  'domain-empty': 'There is nothing after the @.',
  'domain-not-a-host-name':
    'The part after the @ is not a host name: letters, digits and hyphens, separated by single dots.',
  'domain-without-dot': 'The part after the @ needs at least one dot, as in example.org.',
} as const;

export type AddressFault = keyof typeof faults;

/** The text is no e-mail address. The message says what to mend and quotes nothing of the text. */
export class InvalidAddress extends Error {
  override readonly name = 'InvalidAddress';

  constructor(readonly fault: AddressFault) {
    super(faults[fault]);
  }
}

/**
 * The key of an address: lower-case local part in NFC, and the domain in its lower-case ASCII form
 * (IDNA). Lower-casing the local part is a choice: no provider of note tells `Ada` from `ada`, and people
 * type both. Nothing else is equated: dots and plus tags count.
 *
 * Refuses some addresses that the mail standards know but people do not use: quoted local parts,
 * domains without a dot, IP literals, and joiners or other invisible characters in either part.
 *
 * @throws InvalidAddress
 */
export function addressKeyOf(typed: string): AddressKey {
  const { localPart, domain } = partsOf(typed);
  // NFC comes last because lower-casing can undo it: a J with caron has no composed capital.
  const localKey = localPart.toLowerCase().normalize('NFC');
  const key = `${localKey}@${asciiHostName(domain)}`;
  // Normalising may lengthen a text, or turn a letter into a special character (U+037E into a semicolon).
  partsOf(key);
  return key as AddressKey;
}

function partsOf(address: string): { localPart: string; domain: string } {
  if (address === '') throw new InvalidAddress('empty');
  if (octetsOf(address) > maxAddressOctets) throw new InvalidAddress('address-too-long');
  // Controls, formats, lone surrogates, unassigned; all separators; whatever is drawn as nothing.
  if (/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(address)) {
    throw new InvalidAddress('invisible-character');
  }
  const [localPart, domain, ...more] = address.split('@');
  if (localPart === undefined || domain === undefined || more.length > 0) {
    throw new InvalidAddress('not-one-at-sign');
  }
  if (localPart === '') throw new InvalidAddress('local-part-empty');
  if (octetsOf(localPart) > maxLocalPartOctets) throw new InvalidAddress('local-part-too-long');
  if (/["(),:;<>[\]\\]/.test(localPart)) throw new InvalidAddress('local-part-special-character');
  if (/^\.|\.\.|\.$/.test(localPart)) throw new InvalidAddress('local-part-dots');
  if (domain === '') throw new InvalidAddress('domain-empty');
  return { localPart, domain };
}

function octetsOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** UTS 46 through the URL parser, fenced in because that parser accepts far more than host names. */
function asciiHostName(domain: string): string {
  const url = `http://${domain}`;
  // In ASCII only what a host name is made of: no port, path, percent escape, literal or underscore.
  if (/[^a-z0-9.\-\u0080-\u{10ffff}]/iu.test(domain) || !URL.canParse(url)) {
    throw new InvalidAddress('domain-not-a-host-name');
  }
  const hostName = new URL(url).hostname;
  const labels = hostName.split('.');
  const wellFormed = labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label));
  if (!wellFormed) throw new InvalidAddress('domain-not-a-host-name');
  if (labels.length < 2) throw new InvalidAddress('domain-without-dot');
  // A host whose last label is a number is an IPv4 address in disguise.
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) throw new InvalidAddress('domain-not-a-host-name');
  return hostName;
}
