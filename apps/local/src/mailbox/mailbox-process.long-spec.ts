import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { repositoryRoot, runScript, startApp } from '../../../../test/support/process.js';
import type { AppProcess } from '../../../../test/support/process.js';
import { temporaryFolder } from '../../../../test/support/run-folder.js';
import type { Email } from './keep-emails/email.js';

const API_KEY = 'key-of-the-process-spec';

let running: AppProcess | undefined;

afterEach(async () => {
  await running?.kill();
  running = undefined;
});

async function start(folder: string, port = '0'): Promise<string> {
  running = await startApp('local/src/mailbox', {
    EMAIL_API_KEY: API_KEY,
    MAILBOX_PORT: port,
    MAILBOX_DATA_DIR: folder,
  });
  return running.endpoints['mailbox']!;
}

/** The id that the mailbox answered, or nothing when it did not answer. */
async function send(url: string, n: number): Promise<string | undefined> {
  const answer = await fetch(`${url}/emails`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${API_KEY}`,
      'Idempotency-Key': `account-${n}/1`,
    },
    body: JSON.stringify({
      from: 'no-reply@example.org',
      to: [`ada+${n}@example.org`],
      subject: 'Your code',
      text: `Your code is ${String(n).padStart(4, '0')}.`,
    }),
  }).catch((error: Error) => {
    if (error.message === 'fetch failed') return undefined;
    throw error;
  });
  if (!answer) return undefined;
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { id: string }).id;
}

const inbox = async (url: string) =>
  ((await (await fetch(`${url}/emails`)).json()) as { data: Email[] }).data;

describe('the mailbox process', () => {
  it('prints each code once with the address it is for', async () => {
    const url = await start(temporaryFolder('mailbox'));
    await send(url, 421);
    await send(url, 421);
    const { stop, output } = running!;
    await stop();
    running = undefined;
    expect(output().match(/^code .*$/gm)).toEqual(['code 0421 for ada+421@example.org']);
  });

  it('loses nothing it answered for and doubles nothing when it is killed', async () => {
    const folder = temporaryFolder('mailbox');
    const acknowledged = new Map<number, string>();
    const numbers = Array.from({ length: 300 }, (_, n) => n);

    for (const killAt of [40, 120, 220]) {
      const url = await start(folder);
      const process = running!;
      let killed: Promise<void> | undefined;
      const waiting = numbers.filter((n) => !acknowledged.has(n));
      const sender = async () => {
        for (let n = waiting.shift(); n !== undefined && !killed; n = waiting.shift()) {
          const id = await send(url, n);
          if (id !== undefined) acknowledged.set(n, id);
          if (acknowledged.size >= killAt) killed ??= process.kill();
        }
      };
      await Promise.all(Array.from({ length: 16 }, sender));
      expect(acknowledged.size).toBeLessThan(numbers.length);
      await killed;
    }

    const url = await start(folder);
    const ids = new Set((await inbox(url)).map(({ id }) => id));
    for (const id of acknowledged.values()) expect(ids).toContain(id);

    const answers = await Promise.all(numbers.map((n) => send(url, n)));
    for (const [n, id] of acknowledged) expect(answers[n]).toBe(id);
    const keys = (await inbox(url)).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toHaveLength(numbers.length);
    expect(new Set(keys).size).toBe(numbers.length);
  });

  it('ends with a message that names MAILBOX_PORT when the port is taken', async () => {
    const url = await start(temporaryFolder('mailbox'));
    const { code, output } = await runMailbox({
      EMAIL_API_KEY: API_KEY,
      MAILBOX_PORT: new URL(url).port,
      MAILBOX_DATA_DIR: temporaryFolder('mailbox'),
    });
    expect(code).toBe(1);
    expect(output).toMatch(/MAILBOX_PORT: port \d+ cannot be used/);
  });

  it('ends with a message that names every faulty setting', async () => {
    const { code, output } = await runMailbox({ MAILBOX_PORT: 'x' });
    expect(code).toBe(78);
    expect(output).toContain('EMAIL_API_KEY is missing');
    expect(output).toContain('MAILBOX_PORT is not valid');
  });
});

function runMailbox(environment: Record<string, string>) {
  return runScript(join(repositoryRoot, 'dist/apps/local/src/mailbox/main.js'), environment);
}
