import { Buffer } from 'node:buffer';
import { X509Certificate, createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import { join } from 'node:path';
import * as der from './der.mjs';
import { writeWhole } from './development-secrets.mjs';

const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 365;
const RENEW_BEFORE_DAYS = 30;

const COMMON_NAME = '2.5.4.3';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

/**
 * Writes `certificate.pem` and `private-key.pem` into a folder, unless a certificate for these names is there
 * that is good for another 30 days.
 *
 * @param {string} folder
 * @param {string[]} names host names and IP addresses
 * @param {Date} now
 * @returns {boolean} whether a new one was written
 */
export function writeCertificate(folder, names, now = new Date()) {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'private-key.pem');
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    const current = new X509Certificate(readFileSync(certificateFile));
    const lasts = Date.parse(current.validTo) - now.getTime() > RENEW_BEFORE_DAYS * DAY_MS;
    if (lasts && names.every((name) => covers(current, name))) return false;
  }
  const { certificate, privateKey } = createCertificate(names, now);
  writeWhole(keyFile, privateKey.trimEnd());
  writeWhole(certificateFile, certificate.trimEnd(), 0o444);
  return true;
}

const covers = (certificate, name) =>
  Boolean(isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name));

/**
 * A self-signed TLS server certificate on P-256 (RFC 5280), good for a year from the day before.
 *
 * @param {string[]} names
 * @param {Date} now
 * @returns {{ certificate: string, privateKey: string }} both PEM
 */
export function createCertificate(names, now) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = der.sequence(der.objectIdentifier(ECDSA_WITH_SHA256));
  const subject = der.sequence(
    der.set(der.sequence(der.objectIdentifier(COMMON_NAME), der.utf8String('Development only'))),
  );
  const validity = der.sequence(
    der.time(new Date(now.getTime() - DAY_MS)),
    der.time(new Date(now.getTime() + LIFETIME_DAYS * DAY_MS)),
  );
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(randomBytes(16)),
    algorithm,
    subject,
    validity,
    subject,
    publicKeyInfo,
    der.explicit(3, extensions(names, publicKeyInfo)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = der.sequence(toBeSigned, algorithm, der.bitString(signature));
  return {
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(names, publicKeyInfo) {
  const extension = (id, value, critical = false) =>
    der.sequence(
      der.objectIdentifier(id),
      ...(critical ? [der.boolean(true)] : []),
      der.octetString(value),
    );
  const keyIdentifier = createHash('sha256').update(publicKeyInfo).digest().subarray(0, 20);
  const digitalSignature = der.bitString(Buffer.from([0x80]), 7);
  return der.sequence(
    extension(BASIC_CONSTRAINTS, der.sequence(), true),
    extension(KEY_USAGE, digitalSignature, true),
    extension(EXTENDED_KEY_USAGE, der.sequence(der.objectIdentifier(SERVER_AUTHENTICATION))),
    extension(SUBJECT_ALTERNATIVE_NAME, der.sequence(...names.map(generalName))),
    extension(SUBJECT_KEY_IDENTIFIER, der.octetString(keyIdentifier)),
  );
}

const DNS_NAME = 2;
const IP_ADDRESS = 7;

const generalName = (name) =>
  isIP(name)
    ? der.implicit(IP_ADDRESS, addressBytes(name))
    : der.implicit(DNS_NAME, Buffer.from(name, 'ascii'));

/** The 4 or 16 octets of an IP address. */
function addressBytes(address) {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes an address in its canonical form, without an embedded IPv4 part.
  const [head, tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part) => (part ? part.split(':') : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array(missing).fill('0'), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function pem(label, bytes) {
  const lines = bytes.toString('base64').match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
