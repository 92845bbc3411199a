import { join } from 'node:path';
import { writeCertificate } from './development-certificate.mjs';
import { writeSecrets } from './development-secrets.mjs';
import { writeHostNames } from './host-names.mjs';

/**
 * One-shot process of the compose stack: makes what a development stack needs before anything else starts.
 * Running it again changes nothing.
 *
 * SETUP_DIR (/setup) has one folder per receiver; CERTIFICATE_NAMES lists further names for the certificate,
 * separated by commas; EMAIL_API_KEY is the key of a real e-mail provider, if one is used.
 */
const root = process.env['SETUP_DIR'] || '/setup';
const furtherNames = (process.env['CERTIFICATE_NAMES'] ?? '')
  .split(',')
  .map((name) => name.trim())
  .filter((name) => name !== '');

process.umask(0o077);
writeSecrets(root, { emailApiKey: process.env['EMAIL_API_KEY'] });
const names = ['localhost', '127.0.0.1', '::1', ...furtherNames];
const renewed = writeCertificate(join(root, 'certificate'), names);
writeHostNames(join(root, 'certificate'), furtherNames);
process.stdout.write(
  `setup: secrets are in place, the certificate is ${renewed ? 'new' : 'the one from before'}\n`,
);
