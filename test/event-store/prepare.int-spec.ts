import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../../apps/accounts-admin/src/command-line/run-command-line.js';
import { TEST_AUTHORITY } from '../support/tls-front.js';
import { startSecureNode } from './secure-node.js';
import type { SecureNode } from './secure-node.js';

const READERS = ['$admins', 'registration', 'registration-auditor'];
const PASSWORDS = {
  EVENTSTORE_PRODUCT_PASSWORD: 'password of the product',
  EVENTSTORE_AUDITOR_PASSWORD: 'password of auditors',
};

describe('registration event-store prepare', () => {
  let node: SecureNode;

  beforeEach(async () => {
    node = await startSecureNode();
  });
  afterEach(async () => {
    await node.stop();
  });

  const urlOf = (credentials: string, authority = `&tlsCAFile=${TEST_AUTHORITY}`) =>
    `esdb://${credentials}@127.0.0.1:${node.port}?tls=true${authority}`;
  const prepare = async (words: string[], env: Record<string, string>, answer?: string) => {
    const printed: string[] = [];
    const to = { write: (text: string) => printed.push(text) };
    const code = await runCommandLine(['event-store', 'prepare', ...words], {
      program: 'registration',
      env: { ...PASSWORDS, ...env },
      access: () => import('@app/event-store/eventstoredb-access.js'),
      connectDatabase: () => Promise.reject(new Error('nobody asked for it')),
      out: to,
      err: to,
      ask: answer === undefined ? undefined : async () => answer,
    });
    const output = printed.join('');
    for (const password of [...Object.values(PASSWORDS), 'changeit']) {
      expect(output).not.toContain(password);
    }
    return { code, output };
  };

  it('makes two users, lets them read $all, and takes everybody else’s rights', async () => {
    const { code, output } = await prepare(['--yes'], { EVENTSTORE_URL: urlOf('admin:changeit') });
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(Object.fromEntries(node.users)).toMatchObject({
      registration: PASSWORDS.EVENTSTORE_PRODUCT_PASSWORD,
      'registration-auditor': PASSWORDS.EVENTSTORE_AUDITOR_PASSWORD,
    });
    expect(node.events.get('$$$all')).toEqual([{ $acl: { $r: READERS } }]);
    expect(node.events.get('$settings')).toEqual([
      {
        $userStreamAcl: {
          $r: READERS,
          $w: ['$admins', 'registration'],
          $d: ['$admins'],
          $mr: ['$admins'],
          $mw: ['$admins'],
        },
      },
    ]);
  });

  it('changes only the passwords when it is done again', async () => {
    const env = { EVENTSTORE_URL: urlOf('admin:changeit') };
    await prepare(['--yes'], env);
    node.users.set('registration', 'another');
    const { code, output } = await prepare(['--yes'], env);
    expect(code).toBe(0);
    expect(output).toContain('$settings was as it has to be');
    expect(node.users.get('registration')).toBe(PASSWORDS.EVENTSTORE_PRODUCT_PASSWORD);
    expect([...node.events.values()].map((stored) => stored.length)).toEqual([1, 1]);
  });

  it('keeps what else the settings say', async () => {
    const others = { $systemStreamAcl: { $r: 'ops' } };
    node.events.set('$settings', [{ ...others, $userStreamAcl: { $r: '$all' } }]);
    await prepare(['--yes'], { EVENTSTORE_URL: urlOf('admin:changeit') });
    expect(node.events.get('$settings')?.at(-1)).toMatchObject(others);
    expect(node.events.get('$settings')).toHaveLength(2);
  });

  it.each([
    ['only shows it with --print', ['--print'], undefined, 0],
    ['changes nothing when the answer is no', [], 'n', 0],
    ['changes nothing where nobody can be asked', [], undefined, 2],
  ])('%s', async (_, words, answer, expected) => {
    const { code, output } = await prepare(
      words,
      { EVENTSTORE_URL: urlOf('admin:changeit') },
      answer,
    );
    expect(code).toBe(expected);
    expect(output).toContain('$userStreamAcl');
    expect([...node.users.keys()]).toEqual(['admin']);
    expect(node.events.size).toBe(0);
  });

  it('says that it asks about the whole database', async () => {
    const { output } = await prepare([], { EVENTSTORE_URL: urlOf('admin:changeit') });
    expect(output).toContain('holds for the whole database');
  });

  it.each([
    ['who is no administrator', () => urlOf('admin:wrong'), 'user and password'],
    ['over a foreign certificate', () => urlOf('admin:changeit', ''), 'certificate'],
    ['without TLS', () => `esdb://admin:changeit@127.0.0.1:${node.port}?tls=false`, 'tls=false'],
  ])('refuses one %s, and says what to check', async (_, url, what) => {
    const { code, output } = await prepare(['--yes'], { EVENTSTORE_URL: url() });
    expect(code).toBe(1);
    expect(output).toMatch(/EVENTSTORE_URL/);
    expect(output).toContain(what);
    expect(node.events.size).toBe(0);
  });
});
