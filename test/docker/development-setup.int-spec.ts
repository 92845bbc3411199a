import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { repositoryRoot, runScript } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const FOLDERS = [
  'api',
  'worker',
  'admin',
  'mailbox',
  'migrate',
  'logins',
  'database',
  'grafana',
  'metrics',
  'certificate',
];

let root: string;

beforeEach(() => {
  root = temporaryFolder('docker-setup');
  for (const folder of FOLDERS) mkdirSync(join(root, folder));
});

async function setUp(settings: Record<string, string> = {}): Promise<string> {
  const script = join(repositoryRoot, 'docker/setup/main.mjs');
  const { code, output } = await runScript(script, { SETUP_DIR: root, ...settings });
  expect([code, output]).toEqual([0, expect.stringContaining('secrets are in place')]);
  return output;
}

const read = (file: string) => readFileSync(join(root, file), 'utf8').trimEnd();

function everything(): Record<string, string> {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder)).map((file) => `${folder}/${file}`),
  );
  return Object.fromEntries(files.map((file) => [file, read(file)]));
}

describe('the setup of the compose stack', () => {
  it('gives each process the secrets it needs and no others', async () => {
    await setUp();
    expect(Object.keys(everything()).sort()).toEqual([
      'admin/activation-code-keys',
      'admin/address-key',
      'admin/admin-key',
      'admin/database-url',
      'admin/personal-data-keys',
      'admin/receipt-key',
      'api/activation-code-keys',
      'api/address-key',
      'api/database-url',
      'api/password-peppers',
      'api/personal-data-keys',
      'certificate/certificate.pem',
      'certificate/private-key.pem',
      'database/database-password',
      'grafana/grafana-password',
      'logins/admin-password',
      'logins/administrator-url',
      'logins/api-password',
      'logins/owner-password',
      'logins/worker-password',
      'mailbox/email-api-key',
      'metrics/metrics-password',
      'migrate/database-url',
      'worker/activation-code-keys',
      'worker/database-url',
      'worker/email-api-key',
      'worker/personal-data-keys',
    ]);
    expect(Buffer.from(read('api/address-key'), 'base64')).toHaveLength(32);
    for (const keys of ['activation-code-keys', 'password-peppers', 'personal-data-keys']) {
      const [, key] = /^k1:([A-Za-z0-9+/]+=*)$/.exec(read(`api/${keys}`)) ?? [];
      expect(Buffer.from(key ?? '', 'base64')).toHaveLength(32);
    }
    expect(read('worker/activation-code-keys')).toBe(read('api/activation-code-keys'));
    expect(read('worker/personal-data-keys')).toBe(read('api/personal-data-keys'));
    expect(read('admin/address-key')).toBe(read('api/address-key'));
    expect(read('admin/admin-key')).toMatch(/^[0-9a-f]{16}\.[A-Za-z0-9_-]{43}$/);
    expect(read('mailbox/email-api-key')).toBe(read('worker/email-api-key'));
    const urlOf = (login: string, password: string) =>
      `postgres://${login}:${read(password)}@postgres:5432/registration`;
    expect(read('logins/administrator-url')).toBe(
      urlOf('registration', 'database/database-password'),
    );
    expect(read('migrate/database-url')).toBe(urlOf('registration_owner', 'logins/owner-password'));
    for (const name of ['api', 'worker', 'admin']) {
      const expected = urlOf(`registration_${name}`, `logins/${name}-password`);
      expect(read(`${name}/database-url`)).toBe(expected);
    }
  });

  it('lets only the owner read, but for the password that another user has to read', async () => {
    await setUp();
    for (const file of Object.keys(everything())) {
      const readable = [
        'database/database-password',
        'grafana/grafana-password',
        'metrics/metrics-password',
        'certificate/certificate.pem',
      ].includes(file);
      const mode = statSync(join(root, file)).mode & 0o777;
      expect([file, mode.toString(8)]).toEqual([file, readable ? '444' : '400']);
    }
  });

  it('changes nothing when it runs again, and restores what one process has lost', async () => {
    await setUp();
    const before = everything();
    expect(await setUp()).toContain('the one from before');
    expect(everything()).toEqual(before);

    rmSync(join(root, 'worker/activation-code-keys'));
    await setUp();
    expect(everything()).toEqual(before);
  });

  it('hands on the key of a real e-mail provider', async () => {
    await setUp();
    await setUp({ EMAIL_API_KEY: 'a-key-of-a-provider' });
    expect(read('worker/email-api-key')).toBe('a-key-of-a-provider');
    await setUp();
    expect(read('worker/email-api-key')).toBe('a-key-of-a-provider');
  });

  it('makes a certificate that a client which trusts it accepts for every name', async () => {
    await setUp({ CERTIFICATE_NAMES: 'registration.test, 192.0.2.7,2001:db8::1:2' });
    const certificate = new X509Certificate(read('certificate/certificate.pem'));
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkHost('registration.test')).toBe('registration.test');
    expect(certificate.checkHost('other.test')).toBeUndefined();
    for (const address of ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::1:2']) {
      expect(certificate.checkIP(address)).toBe(address);
    }
    const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(364);
    expect(days).toBeLessThan(366);
    expect(await statusOverTls('localhost')).toBe(204);
    expect(await statusOverTls('127.0.0.1')).toBe(204);
  });

  it('gives the web server the names it answers for', async () => {
    await setUp({ CERTIFICATE_NAMES: 'registration.test, 192.0.2.7,2001:db8::1:2' });
    expect(read('certificate/host-names.conf')).toBe(
      'server_name registration.test 192.0.2.7 [2001:db8::1:2];',
    );
    await setUp();
    expect(everything()).not.toHaveProperty('certificate/host-names.conf');
  });

  it('refuses a name that would say something else to the web server', async () => {
    const script = join(repositoryRoot, 'docker/setup/main.mjs');
    const settings = { SETUP_DIR: root, CERTIFICATE_NAMES: 'a.test;return' };
    const { code, output } = await runScript(script, settings);
    expect([code, output]).toEqual([1, expect.stringContaining('this is no name')]);
  });

  it('makes a new certificate when a name is added', async () => {
    await setUp();
    expect(await setUp({ CERTIFICATE_NAMES: 'registration.test' })).toContain('is new');
    expect(await setUp()).toContain('the one from before');
  });
});

/** Answer to a request over TLS 1.3 to a server with the certificate, from a client that trusts only it. */
async function statusOverTls(host: string): Promise<number | undefined> {
  const cert = read('certificate/certificate.pem');
  const server = createServer({ cert, key: read('certificate/private-key.pem') }, (_, response) =>
    response.writeHead(204).end(),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const options = {
        host,
        port,
        ca: cert,
        family: 4,
        agent: false,
        minVersion: 'TLSv1.3' as const,
      };
      request(options, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}
