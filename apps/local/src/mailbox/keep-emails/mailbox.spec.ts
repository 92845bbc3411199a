import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../../../../test/support/run-folder.js';
import type { Email, NewEmail } from './email.js';
import { Mailbox, fingerprintOf } from './mailbox.js';
import type { MailboxOptions } from './mailbox.js';

const HOUR_MS = 3_600_000;

const opened: Mailbox[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((mailbox) => mailbox.close()));
});

async function open(directory: string, options: Partial<MailboxOptions> = {}): Promise<Mailbox> {
  const mailbox = await Mailbox.open({ directory, ...options });
  opened.push(mailbox);
  return mailbox;
}

async function close(mailbox: Mailbox): Promise<void> {
  opened.splice(opened.indexOf(mailbox), 1);
  await mailbox.close();
}

function emailTo(to: string, text = 'Your code is 0421.'): NewEmail {
  return { to: [to], from: 'no-reply@example.org', subject: 'Code', text, html: null };
}

const send = (mailbox: Mailbox, key: string | null, email = emailTo('ada@example.org')) =>
  mailbox.accept(email, key, fingerprintOf(email));

const newFolder = () => temporaryFolder('mailbox');
const fileIn = (folder: string) => join(folder, 'emails.jsonl');

describe('Mailbox', () => {
  it('keeps one message for one idempotency key, however often it comes', async () => {
    const mailbox = await open(newFolder());
    const first = await send(mailbox, 'a/1');
    expect(await send(mailbox, 'a/1')).toBe(first);
    expect(mailbox.list(10)).toHaveLength(1);
  });

  it('gives every one of many simultaneous requests with one key the same answer', async () => {
    const mailbox = await open(newFolder());
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(mailbox, 'a/1')));

    expect(new Set(answers).size).toBe(1);
    expect(mailbox.list(10)).toHaveLength(1);
  });

  it('refuses a key that belongs to another message, also while that one is under way', async () => {
    const mailbox = await open(newFolder());
    const underWay = send(mailbox, 'a/1');
    const other = emailTo('ada@example.org', 'Your code is 9999.');

    await expect(send(mailbox, 'a/1', other)).rejects.toMatchObject({ status: 409 });
    await underWay;
    await expect(send(mailbox, 'a/1', other)).rejects.toMatchObject({
      errorName: 'invalid_idempotent_request',
    });
    expect(mailbox.list(10)).toHaveLength(1);
  });

  it('keeps a message for each request without a key', async () => {
    const mailbox = await open(newFolder());
    await Promise.all([send(mailbox, null), send(mailbox, null)]);
    expect(mailbox.list(10)).toHaveLength(2);
  });

  it('lists the newest first, of everybody or of one address', async () => {
    const mailbox = await open(newFolder());
    for (const to of ['ada', 'grace', 'ada', 'ADA']) {
      await send(mailbox, null, emailTo(`${to}@example.org`));
    }
    const recipients = (emails: Email[]) => emails.map(({ to }) => to[0]);

    expect(recipients(mailbox.list(3))).toEqual([
      'ADA@example.org',
      'ada@example.org',
      'grace@example.org',
    ]);
    expect(recipients(mailbox.list(10, 'Ada@Example.org'))).toEqual([
      'ADA@example.org',
      'ada@example.org',
      'ada@example.org',
    ]);
    expect(mailbox.list(10, 'nobody@example.org')).toEqual([]);
  });

  it('knows messages and keys again after a restart', async () => {
    const folder = newFolder();
    const before = await open(folder);
    const id = await send(before, 'a/1');
    const kept = before.list(10);
    await close(before);

    const after = await open(folder);
    expect(after.list(10)).toEqual(kept);
    expect(await send(after, 'a/1')).toBe(id);
    expect(after.list(10)).toHaveLength(1);
  });

  it.each(['{"kind":"acc', '{"kind":"accepted"}\n', '\0\0\0\0'])(
    'drops a last entry that was cut off while being written: %j',
    async (tail) => {
      const folder = newFolder();
      const before = await open(folder);
      await send(before, 'a/1');
      await close(before);
      await appendFile(fileIn(folder), tail);

      const after = await open(folder);
      expect(after.list(10)).toHaveLength(1);
      await send(after, 'a/2');
      await close(after);
      expect((await open(folder)).list(10)).toHaveLength(2);
    },
  );

  it('reads what is left whatever byte its file was cut off at', async () => {
    const folder = newFolder();
    const before = await open(folder);
    await send(before, 'a/1');
    const firstEntry = (await stat(fileIn(folder))).size;
    await send(before, 'a/2');
    await close(before);
    const whole = await readFile(fileIn(folder));

    for (let size = 0; size <= whole.length; size += 7) {
      await writeFile(fileIn(folder), whole);
      await truncate(fileIn(folder), size);
      const after = await open(folder);
      const expected = size < firstEntry ? 0 : size < whole.length ? 1 : 2;
      expect(after.list(10)).toHaveLength(expected);
      await close(after);
    }
  });

  it('refuses to start on a file that is damaged in its middle', async () => {
    const folder = newFolder();
    const before = await open(folder);
    await send(before, 'a/1');
    await send(before, 'a/2');
    await close(before);
    const content = await readFile(fileIn(folder), 'utf8');
    await writeFile(fileIn(folder), content.replace('"kind"', '"kin'));

    await expect(open(folder)).rejects.toThrow('Entry 1 of');
  });

  it('forgets a key after its lifetime', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const mailbox = await open(newFolder(), { now: () => new Date(now) });
    const first = await send(mailbox, 'a/1');
    now += 24 * HOUR_MS - 1;
    expect(await send(mailbox, 'a/1')).toBe(first);
    now += 1;
    expect(await send(mailbox, 'a/1')).not.toBe(first);
  });

  it('keeps a bounded number of messages, the newest, and still knows the keys of those dropped', async () => {
    const folder = newFolder();
    const mailbox = await open(folder, { maxEmails: 3 });
    const first = await send(mailbox, 'key/0');
    for (let n = 1; n < 10; n += 1) await send(mailbox, `key/${n}`);

    const kept = mailbox.list(10).map(({ idempotencyKey }) => idempotencyKey);
    expect(kept).toEqual(['key/9', 'key/8', 'key/7']);
    expect(mailbox.find(first)).toBeUndefined();
    expect(mailbox.list(10, 'ada@example.org')).toHaveLength(3);
    expect(await send(mailbox, 'key/0')).toBe(first);
  });

  it('keeps a bounded weight of messages, but always the newest', async () => {
    const mailbox = await open(newFolder(), { maxBytes: 1_000 });
    for (const size of [400, 400, 400, 5_000]) {
      await send(mailbox, null, emailTo('ada@example.org', 'x'.repeat(size)));
    }
    expect(mailbox.list(10).map(({ text }) => text?.length)).toEqual([5_000]);
  });

  it('shortens its file and loses nothing that is still kept', async () => {
    const folder = newFolder();
    const options = { maxEmails: 10, maxKeys: 20 };
    const mailbox = await open(folder, options);
    await Promise.all(Array.from({ length: 3_000 }, (_, n) => send(mailbox, `key/${n}`)));
    for (let n = 3_000; n < 3_010; n += 1) await send(mailbox, `key/${n}`);
    const kept = mailbox.list(100);
    await close(mailbox);

    const lines = (await readFile(fileIn(folder), 'utf8')).trimEnd().split('\n').length;
    expect(lines).toBeLessThan(100);
    const after = await open(folder, options);
    expect(after.list(100)).toEqual(kept);
    for (const known of ['key/2990', 'key/3009']) await send(after, known);
    expect(after.list(100)).toEqual(kept);
    await send(after, 'key/2989');
    expect(after.list(1)[0]?.idempotencyKey).toBe('key/2989');
  });

  it('forgets everything when it is emptied, for good', async () => {
    const folder = newFolder();
    const mailbox = await open(folder);
    const id = await send(mailbox, 'a/1');
    await mailbox.empty();
    expect(mailbox.list(10)).toEqual([]);
    await close(mailbox);

    const after = await open(folder);
    expect(after.list(10)).toEqual([]);
    expect(await send(after, 'a/1')).not.toBe(id);
  });

  it('reports each message once it is kept, and not again for repeated requests', async () => {
    const accepted: Email[] = [];
    const mailbox = await open(newFolder(), { onAccepted: (email) => accepted.push(email) });
    const id = await send(mailbox, 'a/1');
    await send(mailbox, 'a/1');
    expect(accepted.map((email) => email.id)).toEqual([id]);
  });

  it('accepts nothing after it was closed', async () => {
    const mailbox = await Mailbox.open({ directory: newFolder() });
    await mailbox.close();
    await expect(send(mailbox, 'a/1')).rejects.toThrow('closed');
    expect(mailbox.fault).toBeDefined();
  });
});

describe('fingerprintOf', () => {
  it('does not depend on the order of fields, but on every value', () => {
    expect(fingerprintOf({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(
      fingerprintOf({ b: [{ d: 3, c: 2 }], a: 1 }),
    );
    expect(fingerprintOf({ to: ['a', 'b'] })).not.toBe(fingerprintOf({ to: ['b', 'a'] }));
    expect(fingerprintOf({ a: null })).not.toBe(fingerprintOf({}));
  });
});
