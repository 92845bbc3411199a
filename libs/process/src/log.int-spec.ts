import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { runScript } from '../../../test/support/process.js';

const SCRIPT = fileURLToPath(new URL('../../../test/service/logging-process.mjs', import.meta.url));

const UNREAD = fileURLToPath(new URL('../../../test/service/unread-process.mjs', import.meta.url));

async function linesWith(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const { code, output } = await runScript(SCRIPT, environment);
  expect(code).toBe(0);
  return output.split('\n').filter((line) => line !== '');
}

describe('The log', () => {
  it.each([
    ['when asked for', { LOG_FORMAT: 'json' }],
    ['when its output is no terminal', { LOG_FORMAT: '' }],
    ['in production', { LOG_FORMAT: '', NODE_ENV: 'production' }],
  ])(
    'is one JSON object a line %s, complete although the process leaves at once',
    async (_, env) => {
      const lines = (await linesWith(env)).map((line) => JSON.parse(line) as object);
      expect(lines).toEqual([
        expect.objectContaining({
          level: 30,
          process: 'logging',
          accountId: 'a-1',
          msg: 'it happened',
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        }),
        expect.objectContaining({
          level: 50,
          msg: 'it failed',
          err: expect.objectContaining({
            message: 'it broke',
            stack: expect.stringContaining('logging-process.mjs'),
          }),
        }),
      ]);
    },
  );

  it('is lines for people when asked for, without colours where no terminal is', async () => {
    const [first = ''] = await linesWith({ LOG_FORMAT: 'pretty' });
    expect(first).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: it happened \{"accountId":"a-1"\}$/);
  });

  it.each([
    ['debug', ['details', 'it happened', 'it failed']],
    ['', ['it happened', 'it failed']],
    ['error', ['it failed']],
    ['silent', []],
  ])('says as much as LOG_LEVEL %p wants', async (level, messages) => {
    const lines = await linesWith({ LOG_LEVEL: level });
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(messages);
  });

  it('that is not read holds up no answer: lines are dropped and counted, and the log says so when it is read again', async () => {
    const child = fork(UNREAD, {
      execArgv: [],
      env: { LOG_FORMAT: 'json' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    try {
      const [port] = (await once(child, 'message')) as [number];
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        signal: AbortSignal.timeout(5_000),
      });
      const dropped = Number(/^log_lines_dropped_total (\d+)$/m.exec(await answer.text())?.[1]);
      expect(dropped).toBeGreaterThan(500);
      let text = '';
      child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
      const notice = await eventually(() => {
        const line = text.split('\n').find((candidate) => candidate.includes('were dropped'));
        if (!line) throw new Error('the log does not say how many lines were dropped');
        return JSON.parse(line) as { level: number; dropped: number };
      });
      expect(notice).toMatchObject({ level: 40, process: 'unread', dropped: expect.any(Number) });
      expect(notice.dropped).toBeGreaterThanOrEqual(dropped);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('whose disk is full holds up no answer either', async () => {
    // Refuses every write, as a full disk does.
    const full = openSync(SCRIPT, 'r');
    const child = fork(UNREAD, {
      execArgv: [],
      env: { LOG_FORMAT: 'json' },
      stdio: ['ignore', full, 'inherit', 'ipc'],
    });
    try {
      const [port] = (await once(child, 'message')) as [number];
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        signal: AbortSignal.timeout(5_000),
      });
      expect(await answer.text()).toMatch(/^log_lines_dropped_total 2001$/m);
    } finally {
      closeSync(full);
      child.kill('SIGKILL');
    }
  });
});
