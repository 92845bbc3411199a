import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  registrationRenewed,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import type { RecordedEvent } from '@app/event-store';
import {
  EXIT,
  runCommandLine,
} from '../../apps/accounts-admin/src/command-line/run-command-line.js';
import { scopes } from '../../apps/accounts-admin/src/keys/scopes.js';
import { SignedLines } from '../../apps/accounts-admin/src/evidence/signed-lines.js';
import { exampleClient, startAdminService } from './admin-service.js';
import type { AdminService } from './admin-service.js';

const ADA = 'ada@example.org';
const GRACE = 'grace@example.org';
const program = join(process.cwd(), 'apps/accounts-admin/verify-export.mjs');

type Line = Readonly<Record<string, Record<string, unknown>>>;

describe('evidence of what happened', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  let admin: AdminService;
  let key: string;
  let events: readonly RecordedEvent[];
  let stream: string;

  beforeAll(async () => {
    admin = await startAdminService();
    key = await admin.keyWith(...scopes);
    events = await admin.append(
      ADA,
      accountRegistered(noon),
      codeIssued(1, noon),
      codeSent(1, noon + SECOND),
      activationRefused(1, 'incorrect', noon + 2 * SECOND),
      activationRefused(1, 'expired', noon + 90 * SECOND),
    );
    await admin.append(
      GRACE,
      accountRegistered(noon),
      codeIssued(1, noon),
      codeSent(1, noon + SECOND),
      accountActivated(1, noon + 9 * SECOND),
    );
    stream = accountStreamName(admin.accountIdOf(ADA));
  });
  afterEach(() => {
    admin.store.tamper = (all) => all;
    admin.store.breaksAfter = Infinity;
    admin.store.isDown = false;
  });
  afterAll(async () => {
    await admin.stop();
    rmSync(folder, { recursive: true });
  });

  async function lines(path: string): Promise<readonly Line[]> {
    const { text } = await admin.call('GET', `/admin/v1${path}`, { key });
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }

  async function run(...words: readonly string[]) {
    let out = '';
    let err = '';
    const code = await runCommandLine(words, {
      program: 'registration',
      env: { ADMIN_URL: admin.url, ADMIN_KEY: key },
      access: () => Promise.reject(new Error('nobody asked for it')),
      connectDatabase: () => Promise.reject(new Error('nobody asked for it')),
      out: { write: (text) => (out += text) },
      err: { write: (text) => (err += text) },
      ask: undefined,
    });
    return { code, out, err };
  }

  /** Of one stream, in place of what was appended; the others stay as they are. */
  function forge(change: (own: readonly RecordedEvent[]) => readonly RecordedEvent[]): void {
    admin.store.tamper = (all) => {
      const own = all.filter(({ streamName }) => streamName === stream);
      if (own.length === 0) return all;
      return [...change(own), ...all.filter(({ streamName }) => streamName !== stream)];
    };
  }

  const numbered = (some: readonly RecordedEvent[]) =>
    some.map((event, index) => ({ ...event, revision: BigInt(index) }));
  const at = (own: readonly RecordedEvent[], index: number) => own[index] as RecordedEvent;

  describe('verification of all histories', () => {
    it('finds nothing where nothing was changed', async () => {
      expect(await lines('/verification')).toEqual([
        { end: { intact: true, streams: 2, events: 9, broken: 0 } },
      ]);
      const { code, out } = await run('verify');
      // That the first was asked for is on record, in a stream of its own.
      expect({ code, out }).toEqual({
        code: EXIT.done,
        out: 'All 3 histories with 10 events are as they were appended.\n',
      });
    });

    it.each<[string, (own: readonly RecordedEvent[]) => readonly RecordedEvent[], number, string]>([
      [
        'a byte is flipped',
        (own) => {
          const sealed = JSON.stringify(at(own, 0).data).replace('"sealed":"', '"sealed":"x');
          return own.with(0, { ...at(own, 0), data: JSON.parse(sealed) as unknown });
        },
        0,
        'link-differs',
      ],
      [
        'one digit is another',
        (own) =>
          own.with(2, { ...at(own, 2), data: { ...(at(own, 2).data as object), issueNumber: 2 } }),
        2,
        'link-differs',
      ],
      ['an event is dropped', (own) => own.toSpliced(3, 1), 3, 'revision-missing'],
      [
        'an event is dropped, the rest numbered anew',
        (own) => numbered(own.toSpliced(3, 1)),
        3,
        'link-differs',
      ],
      ['the first event is dropped', (own) => own.slice(1), 0, 'revision-missing'],
      [
        'two events are exchanged',
        (own) => [at(own, 0), at(own, 2), at(own, 1), at(own, 3), at(own, 4)],
        1,
        'revision-missing',
      ],
      [
        'two events are exchanged and numbered anew',
        (own) => numbered([at(own, 0), at(own, 2), at(own, 1), at(own, 3), at(own, 4)]),
        1,
        'link-differs',
      ],
      [
        'an event is slipped in',
        (own) => numbered(own.toSpliced(4, 0, at(own, 3))),
        4,
        'link-differs',
      ],
      [
        'an event without a link is slipped in',
        (own) => {
          const { chain: _chain, ...metadata } = at(own, 3).metadata;
          expect(_chain).toBeDefined();
          return numbered(own.toSpliced(4, 0, { ...at(own, 3), metadata }));
        },
        4,
        'link-missing',
      ],
    ])('when %s, names stream and revision', async (_, change, revision, reason) => {
      forge(change);
      const found = await lines('/verification');
      expect(found[0]).toEqual({ broken: { stream, revision, reason } });
      expect(found[1]).toMatchObject({ end: { intact: false, streams: 3, broken: 1 } });
      expect(found).toHaveLength(2);
      const all = await run('verify');
      expect(all.code).toBe(EXIT.failed);
      expect(all.out).toMatch(new RegExp(`${stream} +${revision}  `));
      expect(all.err).toBe('1 of 3 histories are not as they were appended.\n');
      const json = JSON.parse((await run('verify', '--json')).out) as Record<string, unknown>;
      expect(json).toMatchObject({ intact: false, histories: [{ stream, revision, reason }] });
      const one = await run('verify', ADA);
      expect(one.code).toBe(EXIT.failed);
      expect(one.out).toContain(`at revision ${revision}: `);
      expect((await run('verify', GRACE)).code).toBe(EXIT.done);
      const heads = await lines('/heads');
      expect(heads).toContainEqual({ stream, broken: { revision, reason } });
    });

    it('names histories that were stripped of their links, or of some', async () => {
      const strip = (event: RecordedEvent) => ({
        ...event,
        metadata: { ...event.metadata, chain: undefined } as never,
      });
      for (const [from, revision] of [
        [0, 0],
        [3, 3],
      ] as const) {
        forge((own) => own.map((event, index) => (index >= from ? strip(event) : event)));
        expect((await lines('/verification'))[0]).toEqual({
          broken: { stream, revision, reason: 'link-missing' },
        });
        const { code, out } = await run('verify');
        expect({ code, out }).toEqual({
          code: EXIT.failed,
          out: expect.stringContaining('an event has no link'),
        });
      }
    });

    it('that breaks off half-way says so, and nothing else', async () => {
      admin.store.breaksAfter = 4;
      const answer = await admin.call('GET', '/admin/v1/verification', { key });
      // No line was sent yet, so that the answer still can be a problem.
      expect(answer).toMatchObject({
        status: 503,
        body: { type: '/problems/service-unavailable' },
      });
      expect((await run('verify')).code).toBe(EXIT.failed);
    });

    it('is there again after one that broke off, or whose caller went away', async () => {
      const leaving = new AbortController();
      const response = await fetch(`${admin.url}/admin/v1/verification`, {
        headers: { Authorization: `Bearer ${key}` },
        signal: leaving.signal,
      });
      expect(response.status).toBe(200);
      leaving.abort();
      expect((await run('verify')).code).toBe(EXIT.done);
    });
  });

  /** What the program says about files, and how it exits. */
  function verifyExport(...contents: readonly (string | Buffer)[]) {
    const files = contents.map((content, index) => {
      const file = join(folder, `file-${index}`);
      writeFileSync(file, content);
      return file;
    });
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...files], {
      encoding: 'utf8',
    });
    return { status, out: stdout + stderr };
  }

  const text = async (path: string) => (await admin.call('GET', `/admin/v1${path}`, { key })).text;

  describe('a history as a signed file', () => {
    const path = `/accounts/${ADA}/history/export`;

    it('has everything that is known, and verifies offline, alone and beside heads', async () => {
      const file = await text(path);
      const [first, event] = await lines(path);
      expect(first).toMatchObject({ format: 'account-history/v1', stream });
      expect(event).toMatchObject({
        revision: 0,
        data: { address: accountRegistered(noon).data.address },
        client: exampleClient,
        stored: { metadata: { chain: events[0]?.metadata.chain } },
      });
      expect(verifyExport(file)).toEqual({
        status: 0,
        out: expect.stringContaining(`5 events of ${stream}`),
      });
      const heads = await text('/heads');
      expect(verifyExport(file, heads)).toMatchObject({
        status: 0,
        out: expect.stringContaining('Up to revision 4 they are those of'),
      });
    });

    it('shows a flipped byte anywhere', async () => {
      const file = Buffer.from(await text(path));
      const step = Math.floor(file.length / 8);
      for (let place = 0; place < file.length - 1; place += step) {
        const flipped = Buffer.from(file);
        flipped.writeUInt8(flipped.readUInt8(place) ^ 1, place);
        // Without its beginning it is none of our files.
        const status = place < '{"format":'.length ? 2 : 1;
        expect({ place, status: verifyExport(flipped).status }).toEqual({ place, status });
      }
      expect(verifyExport(file.subarray(0, -400)).out).toContain('it is not whole');
    });

    it('of a history that is broken is signed, and shows where it breaks', async () => {
      forge((own) => numbered(own.toSpliced(3, 1)));
      const file = await text(path);
      expect(verifyExport(file)).toMatchObject({
        status: 1,
        out: expect.stringContaining(`${stream} breaks at revision 3: link-differs`),
      });
    });

    it('that was cut off or written anew shows beside heads', async () => {
      const heads = await text('/heads');
      forge((own) => own.slice(0, 3));
      expect(verifyExport(await text(path), heads).out).toContain('has events up to revision 4 in');
      // No link covers when the store recorded an event.
      forge((own) => own.with(1, { ...at(own, 1), recordedAt: new Date(noon) }));
      expect(verifyExport(await text(path)).status).toBe(0);
      expect(verifyExport(await text(path), heads).out).toContain('was written anew');
    });

    it('holds nothing of the person once they were forgotten, and still verifies', async () => {
      const address = 'forgotten@example.org';
      await admin.append(address, {
        ...accountRegistered(noon),
        data: { ...accountRegistered(noon).data, address },
      });
      const before = await text('/heads');
      const erasing = await admin.call(
        'DELETE',
        `/admin/v1/accounts/${address}?reason=requested-by-owner`,
        { key },
      );
      expect(erasing.status).toBe(200);
      const file = await text(`/accounts/${address}/history/export`);
      expect(file).not.toContain(address);
      expect(file).toContain('"data":{"address":{"erased":true}');
      expect(verifyExport(file, before).status).toBe(0);
      const [, reached] = /"reached":"(\d+)"/.exec(before) ?? [];
      const heads = await text(`/heads?since=${reached}`);
      expect(verifyExport(heads, before).status).toBe(0);
      expect((await run('verify')).code).toBe(EXIT.done);
    });

    it('that breaks off ends with a line that says so, on the standard output too', async () => {
      const address = 'busy@example.org';
      const renewals = Array.from({ length: 250 }, (_, n) => registrationRenewed(noon + n));
      await admin.append(address, accountRegistered(noon), ...renewals);
      admin.store.breaksAfter = 230;
      const file = await text(`/accounts/${address}/history/export`);
      expect(file.trim().split('\n').at(-1)).toMatch(/^\{"error":\{"title":/);
      expect(verifyExport(file).out).toContain('it is not whole');
      const { code, out } = await run('export-history', address);
      expect(code).toBe(EXIT.failed);
      expect(out.trim().split('\n').at(-1)).toMatch(/^\{"error":/);
      const target = join(folder, 'busy.ndjson');
      expect((await run('export-history', address, '--out', target)).code).toBe(EXIT.failed);
      expect(readdirSync(folder).filter((name) => name.startsWith('busy'))).toEqual([]);
    });

    it('verifies with any lines of progress in between', async () => {
      const heads = (await text('/heads')).split('\n');
      const progress = '{"progress":{"events":1,"fraction":0.5}}';
      expect(verifyExport(heads.toSpliced(1, 0, progress, progress).join('\n')).status).toBe(0);
      expect(verifyExport(heads.toSpliced(1, 1).join('\n')).status).toBe(1);
    });

    it('without a signature does not verify, however whole it is', () => {
      const lines = new SignedLines('support-bundle/v1', undefined);
      const file = lines.first({ at: '2026-11-22T12:00:00.000Z' }) + lines.last();
      expect(verifyExport(file)).toMatchObject({
        status: 1,
        out: expect.stringContaining('is not signed'),
      });
    });

    it('is written whole or not at all', async () => {
      const file = join(folder, 'history.ndjson');
      admin.store.breaksAfter = 3;
      const broken = await run('export-history', ADA, '--out', file);
      expect(broken).toMatchObject({ code: EXIT.failed, out: '' });
      admin.store.breaksAfter = Infinity;
      const written = await run('export-history', ADA, '--out', file);
      expect(written.out).toContain(`npm run --silent verify-export -- ${file}`);
      const refused = await run('export-history', ADA, '--out', file);
      expect(refused).toMatchObject({ code: EXIT.usage, err: expect.stringContaining('exists') });
      expect((await run('export-history', ADA, '--out', file, '--yes')).code).toBe(EXIT.done);
      expect((await run('heads', '--out', join(folder, 'no/such/heads'))).code).toBe(EXIT.usage);
      const { out } = await run('export-history', ADA);
      expect(out.trim().split('\n').at(-1)).toContain('"end"');
    });
  });

  describe('a support bundle', () => {
    it('holds versions, settings, projections and the redacted history, and verifies', async () => {
      const file = join(folder, 'bundle.ndjson');
      const { code } = await run('support-bundle', '--account', ADA, '--out', file);
      expect(code).toBe(EXIT.done);
      const bundle = await lines(`/support-bundle?account=${ADA}`);
      const section = (name: string) =>
        bundle.find((line) => String(line['section']) === name)?.['content'] as unknown;
      expect(section('versions')).toMatchObject({ node: process.version, product: '0.1.0' });
      expect(section('settings')).toContainEqual({ name: 'ADDRESS_KEY', isSet: true, value: null });
      expect(section('settings')).toContainEqual({
        name: 'GUESSES_PER_CODE',
        isSet: false,
        value: 3,
      });
      expect(section('postgres')).toMatchObject({
        migrations: expect.arrayContaining(['0001_read-model']),
      });
      expect(section('unreadableAccounts')).toEqual({ count: 0 });
      expect(section('account')).toMatchObject({
        accountId: admin.accountIdOf(ADA),
        events: 5,
        newest: expect.arrayContaining([
          expect.objectContaining({
            type: 'ActivationRefused',
            data: expect.objectContaining({ reason: 'expired' }),
          }),
        ]),
      });
      expect(verifyExport(await text('/support-bundle'))).toMatchObject({
        status: 0,
        out: expect.stringMatching(/verifies: versions, settings, .*statisticsByDay\.\n/),
      });
    });

    it('holds no address, hash, client address, key, nonce or free text', async () => {
      const address = 'canary.person@canary.example';
      await admin.append(
        address,
        {
          ...accountRegistered(noon),
          data: { ...accountRegistered(noon).data, address, passwordHash: 'v1$p1$canary-hash' },
        },
        {
          ...codeIssued(1, noon),
          data: { ...codeIssued(1, noon).data, nonce: 'c0ffee'.repeat(5) + 'aa' },
        },
        {
          ...codeUndeliverable(1, noon),
          data: { ...codeUndeliverable(1, noon).data, reason: `550 <${address}> canary-reason` },
        },
      );
      await admin.database.query({
        text: `insert into operations.failed_events
                 (projection, position, event_id, stream_name, revision, type, error, decided_by, reason)
               values ('accounts', 7, gen_random_uuid(), 'account-x', 0, 'AccountRegistered',
                       'at canary@leak.example from 198.51.100.7 and 2001:db8::7 with postgres://u:canary-secret@h/d and ' || repeat('QUJD', 11),
                       'admin:x', 'canary-free-text')`,
      });
      const bundle = (
        await text(`/support-bundle?account=${encodeURIComponent(address)}`)
      ).toLowerCase();
      expect(bundle).toContain('"failedevents","content":[{');
      expect(bundle).toContain('"events":3');
      const secrets = Object.entries(admin.environment)
        .filter(([name]) => name !== 'EVENTSTORE_URL')
        .map(([, value]) => value.replace(/^k1:/, '').toLowerCase());
      const sealed = JSON.stringify(
        (await lines(`/accounts/${encodeURIComponent(address)}/history/export`)).map(
          (line) => line['stored'],
        ),
      );
      const ciphertexts = [...sealed.matchAll(/"sealed":"([^"]+)"/g)].map(([, found]) =>
        String(found).toLowerCase(),
      );
      expect(ciphertexts.length).toBeGreaterThan(2);
      for (const canary of [
        'canary',
        'c0ffee',
        exampleClient.address,
        exampleClient.userAgent.toLowerCase(),
        '198.51.100.7',
        '2001:db8::7',
        'qujdqujd',
        key.split('.')[1]?.toLowerCase() ?? '',
        ...secrets,
        ...ciphertexts,
      ]) {
        expect(bundle).not.toContain(canary);
      }
    });

    it('is there while the event store is away, and names what it could not read', async () => {
      admin.store.isDown = true;
      const bundle = await lines('/support-bundle');
      expect(bundle).toContainEqual({ section: 'eventStore', failure: 'EventStoreUnavailable' });
      expect(bundle.at(-1)).toHaveProperty('end');
      expect(bundle.find((line) => String(line['section']) === 'statisticsByDay')).toHaveProperty(
        'content',
      );
      const ofAccount = await admin.call('GET', `/admin/v1/support-bundle?account=${ADA}`, { key });
      expect(ofAccount.status).toBe(503);
    });
  });

  describe('a what-if replay', () => {
    it('counts what other rules would have made of the log, and what a guesser gains', async () => {
      const answer = await lines('/what-if?codeTtlSeconds=120&guessesPerCode=5');
      expect(answer.at(-1)?.['end']).toMatchObject({
        rules: {
          real: { codeTtlSeconds: 60, guessesPerCode: 3 },
          other: { codeTtlSeconds: 120, guessesPerCode: 5, guessesPerDay: 10 },
        },
        outcome: {
          activations: 1,
          wrongGuesses: 1,
          gainedAtMost: 1,
          soonerAtMost: 0,
          lostAtMost: 0,
        },
        rightShare: 0.5,
        guessBounds: {
          real: { perCode: { guesses: 3 }, perDay: { guesses: 10 } },
          other: { perCode: { guesses: 5 }, perDay: { guesses: 10 } },
        },
      });
    });

    it('is a table for people, and JSON for machines', async () => {
      const { code, out } = await run('what-if', '--ttl', '120', '--guesses', '5');
      expect(code).toBe(EXIT.done);
      expect(out).toMatch(/seconds that a code can be used +60 +120 +changed/);
      expect(out).toMatch(/gained +0 to 1 /);
      expect(out).toMatch(/one code +3 +5 +≤ 0\.030 % +≤ 0\.050 % +\+0\.020 %/);
      expect(out).toMatch(/any 24 hours +10 +10 +≤ 0\.100 % +≤ 0\.100 % +0/);
      const stricter = await run('what-if', '--ttl', '5', '--json');
      expect(JSON.parse(stricter.out)).toMatchObject({
        outcome: { lostAtLeast: 1, lostAtMost: 1 },
      });
      expect(await run('what-if', '--ttl', '0')).toMatchObject({
        code: EXIT.usage,
        err: expect.stringMatching(/^--ttl: must be a whole number from 1 to 3600/),
      });
      expect((await run('what-if', '--colour', 'red')).code).toBe(EXIT.usage);
      admin.store.breaksAfter = 2;
      expect(await run('what-if', '--ttl', '5')).toMatchObject({ code: EXIT.failed, out: '' });
    });
  });
});
