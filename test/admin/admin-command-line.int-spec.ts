import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  accountActivated,
  accountRegistered,
  ada,
  codeIssued,
  codeSent,
  noon,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import { keepDefinitions } from '@app/consumers';
import { projections } from '@app/views';
import {
  EXIT,
  commandGroups,
  runCommandLine,
} from '../../apps/accounts-admin/src/command-line/run-command-line.js';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import { repositoryRoot } from '../support/process.js';
import { startAdminService } from './admin-service.js';
import type { AdminService } from './admin-service.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('the admin command line', () => {
  let admin: AdminService;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    admin = await startAdminService();
    env = { ADMIN_URL: admin.url, ADMIN_KEY: await admin.keyWith(...scopes) };
    await admin.record(
      ada.address,
      accountRegistered(noon),
      codeIssued(1, noon),
      codeSent(1, noon + SECOND),
      accountActivated(1, noon + 9 * SECOND),
    );
  });
  afterAll(() => admin.stop());

  async function run(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = env,
    ask?: (question: string) => Promise<string>,
  ): Promise<Ran> {
    let out = '';
    let err = '';
    const code = await runCommandLine(words, {
      program: 'registration',
      env: environment,
      access: () => Promise.reject(new Error('nobody asked for it')),
      connectDatabase: () => Promise.reject(new Error('nobody asked for it')),
      out: { write: (text) => (out += text) },
      err: { write: (text) => (err += text) },
      ask,
    });
    return { code, out, err };
  }

  it('lists accounts as a table for people', async () => {
    const { code, out } = await run(['accounts', 'list', '--status', 'active', '--email', 'ada*']);
    expect(code).toBe(EXIT.done);
    const [titles, , row, ...more] = out.trim().split('\n');
    expect(titles).toMatch(/^ACCOUNT +E-MAIL +STATUS +REGISTERED +ACTIVATED$/);
    expect(row).toContain(`${admin.accountIdOf(ada.address)}  ${ada.address}  active`);
    expect(more).toEqual([]);
    expect((await run(['accounts', 'list', '--status', 'pending'])).out).toBe('Nothing.\n');
  });

  it('gives machines what the API answered', async () => {
    const { code, out } = await run(['accounts', 'show', ada.address, '--json']);
    expect(code).toBe(EXIT.done);
    expect(JSON.parse(out)).toMatchObject({ email: ada.address, status: 'active' });
  });

  it('replays a history, as lines for people or for machines', async () => {
    const people = await run(['accounts', 'history', ada.address]);
    expect(people.out).toContain('The account was activated with activation code 1.');
    expect(people.out).toContain('by anonymous from 203.0.113.9 (Example/1.0), request ');
    expect(people.out).toMatch(/4 events\.\n$/);
    const machines = await run(['accounts', 'history', ada.address, '--json', '--after', '1']);
    const lines = machines.out.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { revision: number }).revision)).toEqual([
      2, 3,
    ]);
    admin.store.breaksAfter = 2;
    const broken = await run(['accounts', 'history', ada.address, '--json']);
    admin.store.breaksAfter = Infinity;
    expect(broken.code).toBe(EXIT.failed);
    expect(broken.err).not.toBe('');
  });

  it('explains, compares, counts, lists projections, mails and keys', async () => {
    const shown = async (...words: string[]) => {
      const { code, out, err } = await run(words);
      expect(err).toBe('');
      expect(code).toBe(EXIT.done);
      return out;
    };
    expect(await shown('accounts', 'explain', ada.address)).toMatch(/^The account is active since/);
    expect(await shown('accounts', 'diff', ada.address, '--from', '2', '--to', '3')).toMatch(
      /status +pending +active/,
    );
    expect(await shown('accounts', 'state', ada.address, '--revision', '1')).toMatch(
      /code.delivery +awaited/,
    );
    const day = [
      '--interval',
      'day',
      '--from',
      '2026-11-22T00:00:00Z',
      '--to',
      '2026-11-22T00:00:00Z',
    ];
    expect(await shown('statistics', ...day)).toMatch(/2026-11-22T00:00:00.000Z +1/);
    expect(await shown('projections', 'list')).toMatch(/accounts +projection/);
    expect(await shown('events', 'failed', '--consumer', 'accounts')).toBe('Nothing.\n');
    expect(await shown('mails', 'list')).toContain(`${admin.accountIdOf(ada.address)}.1  sent`);
    expect(await shown('keys', 'list')).toContain('accounts:read history:read');
  });

  it('says after TRUNCATE what it found and what to type, and makes a lost table anew', async () => {
    const { database } = admin;
    await database.query({
      text: `insert into read_model.checkpoints (consumer, position, updated_at)
             values ('accounts', 1000000000, now())`,
    });
    await keepDefinitions(database, projections);
    const rows = async () => (await run(['accounts', 'list', '--json'])).out;
    const before = await rows();
    await database.query({ text: 'truncate read_model.accounts' });
    const refused = await run(['projections', 'rebuild', 'accounts']);
    expect(refused.code).toBe(EXIT.failed);
    expect(refused.err).toContain('The table has 0 rows, and the log makes 1: the old rows go on');
    const typed = /^projections rebuild accounts .*$/m.exec(refused.err)?.[0] ?? '';
    expect((await run(typed.split(' '))).code).toBe(EXIT.done);
    expect(await rows()).toBe(before);

    await database.query({ text: 'drop table read_model.accounts' });
    expect((await run(['projections', 'rebuild', 'accounts'])).code).toBe(EXIT.done);
    expect(await rows()).toBe(before);
  });

  it('says whether a history is as it was appended', async () => {
    const before = JSON.parse((await run(['accounts', 'verify', ada.address, '--json'])).out);
    expect(before).toMatchObject({ intact: true, events: 4, broken: null });
    const address = 'stripped@example.org';
    const stream = `account-${admin.accountIdOf(address)}`;
    await admin.append(address, accountRegistered(noon));
    await admin.store.record(stream, codeIssued(1, noon));
    const { code, out } = await run(['accounts', 'verify', address, '--json']);
    expect(code).toBe(EXIT.failed);
    expect(JSON.parse(out)).toMatchObject({
      intact: false,
      stream,
      broken: { revision: 1, reason: 'link-missing' },
    });
    expect((await run(['accounts', 'verify', 'nobody@example.org'])).code).toBe(EXIT.failed);
  });

  it('says who looked at an account, and which keys were made', async () => {
    const accountId = admin.accountIdOf(ada.address);
    const own = env['ADMIN_KEY']?.split('.')[0] ?? '';
    await run(['accounts', 'show', ada.address]);
    const looked = await run(['accounts', 'audit', ada.address, '--limit', '1']);
    expect(looked.code).toBe(EXIT.done);
    expect(looked.out).toMatch(
      new RegExp(`${own} +spec +view-account +answered +${accountId}  [0-9a-f-]{36}\n`),
    );
    expect(looked.out).toContain('More: add --cursor ');
    await run(['keys', 'create', '--label', 'Grace', '--scope', 'mail:read']);
    const all = await run(['audit', 'list', '--who', own, '--from', '2026-11-22T00:00:00Z']);
    expect(all.out).toMatch(/ issue-key +answered +key [0-9a-f]{16} /);
    const { calls } = JSON.parse(
      (await run(['audit', 'list', '--account', accountId, '--json'])).out,
    ) as { calls: { operation: string }[] };
    expect(calls.map(({ operation }) => operation)).toContain('audit-account');
  });

  it('erases an account once that was confirmed, and shows the receipt', async () => {
    const address = 'grace@example.org';
    await admin.record(address, accountRegistered(noon));
    const words = ['accounts', 'erase', address, '--reason', 'test-data'];
    expect((await run(words, env, async () => 'no')).out).not.toContain('receiptId');
    expect((await run(['accounts', 'show', address])).out).toContain('pending');
    const erased = await run([...words, '--json', '--yes']);
    expect(erased.code).toBe(EXIT.done);
    const { receipt } = JSON.parse(erased.out) as { receipt: Record<string, string> };
    expect(receipt).toMatchObject({ accountId: admin.accountIdOf(address), reason: 'test-data' });
    const again = await run([...words, '--yes']);
    expect(again.out).toContain(receipt['signature']);
    expect((await run([...words.slice(0, 3), '--yes'])).code).toBe(EXIT.failed);
  });

  it('frees an address that strangers registered, and explains it', async () => {
    const address = 'hopper@example.org';
    await admin.record(address, accountRegistered(noon), codeIssued(1, noon));
    const freed = await run(['accounts', 'free', address, '--json']);
    expect(JSON.parse(freed.out)).toEqual({
      accountId: admin.accountIdOf(address),
      endedClaims: 1,
      contestedUntil: null,
    });
    expect((await run(['accounts', 'explain', address])).out).toMatch(
      /an operator freed the address, and it was not registered since/,
    );
    expect((await run(['accounts', 'free', address])).out).toMatch(/endedClaims +0/);
    for (const other of [ada.address, 'nobody@example.org']) {
      expect((await run(['accounts', 'free', other])).code).toBe(EXIT.failed);
    }
  });

  it('makes a key that works, and revokes it', async () => {
    const made = await run([
      'keys',
      'create',
      '--label',
      'x',
      '--scope',
      'accounts:read',
      '--json',
    ]);
    const { key, keyId } = JSON.parse(made.out) as { key: string; keyId: string };
    const own = { ...env, ADMIN_KEY: key };
    expect((await run(['accounts', 'list'], own)).code).toBe(EXIT.done);
    const lacking = await run(['keys', 'list'], own);
    expect(lacking).toMatchObject({ code: EXIT.failed, out: '' });
    expect(lacking.err).toContain('keys:manage');
    expect((await run(['keys', 'revoke', keyId])).out).toMatch(/^Revoked at /);
    expect((await run(['accounts', 'list'], own)).code).toBe(EXIT.failed);
  });

  it('finds a product that runs on this machine by its data folder', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'admin-command-line-'));
    try {
      mkdirSync(join(dataDir, 'secrets'));
      writeFileSync(join(dataDir, 'endpoints.json'), JSON.stringify({ admin: admin.url }));
      writeFileSync(join(dataDir, 'secrets/admin-key'), `${env['ADMIN_KEY']}\n`);
      expect((await run(['keys', 'list'], { DATA_DIR: dataDir })).code).toBe(EXIT.done);
      rmSync(join(dataDir, 'endpoints.json'));
      const stopped = await run(['keys', 'list'], { DATA_DIR: dataDir });
      expect(stopped).toMatchObject({ code: EXIT.usage, out: '' });
      expect(stopped.err).toContain('ADMIN_URL');
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });

  it('says when no service answers', async () => {
    const { code, err } = await run(['keys', 'list', '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(EXIT.notReachable);
    expect(err).toContain('http://127.0.0.1:1');
  });

  it('asks before it skips an event', async () => {
    const skip = ['events', 'skip', '7', '--reason', 'because'];
    const questions: string[] = [];
    const answering = (answer: string) => async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect((await run(skip, env, answering('n'))).code).toBe(EXIT.done);
    // Nothing fails at this position, so that going on is refused.
    expect((await run(skip, env, answering('y'))).code).toBe(EXIT.failed);
    expect(questions).toHaveLength(2);
    expect((await run(skip)).code).toBe(EXIT.usage);
    expect((await run([...skip, '--yes'])).code).toBe(EXIT.failed);
    expect((await run(skip.slice(0, 3))).code).toBe(EXIT.usage);
  });

  it.each([
    [['accounts']],
    [['accounts', 'burn']],
    [['accounts', 'show']],
    [['accounts', 'show', 'a', 'b']],
    [['accounts', 'list', '--colour', 'red']],
    [['accounts', 'list', '--limit']],
  ])('%j is no command', async (words) => {
    const { code, out, err } = await run(words);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(err).not.toBe('');
  });

  it('helps with every command, with an example that can be run', async () => {
    const { out: all } = await run(['--help']);
    for (const command of Object.values(commandGroups).flat()) {
      expect(all).toContain(command.name);
      const { code, out } = await run([...command.name.split(' '), '--help']);
      expect(code).toBe(EXIT.done);
      expect(out).toContain(`registration ${command.name}`);
      for (const option of Object.keys({ ...command.options, ...command.flags })) {
        expect(out).toContain(`--${option} `);
      }
    }
  });

  it('shows the commands in groups, whichever way an operator asks for help', async () => {
    const { out } = await run(['--help']);
    expect(out).toMatch(/\nMails:\n {2}mails list .+\n {2}mails retry <mail> .+\n\n/);
    expect((await run([])).out).toBe(out);
    expect((await run(['help'])).out).toBe(out);
    expect((await run(['mails', '--help'])).out).toContain('registration mails retry <mail>');
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(join(repositoryRoot, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    expect(await run(['--version'])).toEqual({ code: EXIT.done, out: `${version}\n`, err: '' });
  });

  it.each([
    [['acounts', 'list'], 'Did you mean accounts?'],
    [['accounts', 'lst'], 'Did you mean list?'],
    [['statistic', '--json'], 'Did you mean statistics?'],
  ])('says what %j may have meant', async (words, suggestion) => {
    const { code, out, err } = await run(words);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: '' });
    expect(err).toContain(suggestion);
  });

  it('takes the values of options as they are typed, and the last of several', async () => {
    const list = ['accounts', 'list', '--json', '--limit'];
    expect((await run([...list, '007'])).code).toBe(EXIT.done);
    expect((await run([...list, '0', '--limit', '1'])).code).toBe(EXIT.done);
    expect((await run([...list, '1', '--limit', '0'])).code).toBe(EXIT.failed);
  });

  it('lets a shell complete commands and options', async () => {
    expect((await run(['completion'])).out).toContain('registration --get-yargs-completions');
    const completions = async (...words: string[]) => {
      const { code, out } = await run(['--get-yargs-completions', 'registration', ...words]);
      expect(code).toBe(EXIT.done);
      return out.trimEnd().split('\n');
    };
    expect(await completions('')).toEqual(expect.arrayContaining(['accounts', 'what-if']));
    expect(await completions('keys', '')).toEqual(['create', 'list', 'revoke']);
    expect(await completions('keys', 'create', '--')).toEqual(
      expect.arrayContaining(['--scope', '--json']),
    );
  });
});
