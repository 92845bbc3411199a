import { execFileSync, fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { temporaryFolder } from '../../../test/support/run-folder.js';

const SCRIPT = fileURLToPath(
  new URL('../../../test/service/scripted-process.mjs', import.meta.url),
);

interface Script {
  readonly START?: 'ready' | 'never' | 'failing' | 'misconfigured';
  readonly STOP?: 'clean' | 'failing' | 'never' | 'patient';
  readonly WITHIN_MS?: string;
  readonly AFTERWARDS?: 'idle' | 'throw' | 'reject' | 'fork';
}

class ScriptedProcess {
  readonly messages: unknown[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  private readonly printed: string[] = [];
  private readonly journalFile = join(temporaryFolder('scripted-process'), 'journal');
  readonly child: ChildProcess;

  constructor(script: Script) {
    this.child = fork(SCRIPT, {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { LOG_FORMAT: 'json', JOURNAL: this.journalFile, ...script },
    });
    this.child.stdout?.on('data', (bytes: Buffer) => this.printed.push(bytes.toString()));
    this.child.stderr?.on('data', (bytes: Buffer) => this.printed.push(bytes.toString()));
    this.child.on('message', (message) => this.messages.push(message));
    // Not "close": it never comes for a child that was disconnected.
    this.exited = Promise.all([
      once(this.child, 'exit'),
      ...[this.child.stdout, this.child.stderr].map((stream) => stream && finished(stream)),
    ]).then(([[code, signal]]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  async ready(): Promise<void> {
    await eventually(() => expect(this.messages).toHaveLength(1));
  }

  /** What was printed; all of it after `exited`. */
  output(): string {
    return this.printed.join('');
  }

  logged(): { level: number; msg: string; process: string }[] {
    const lines = this.output().trim().split('\n');
    return lines.map((line) => JSON.parse(line) as { level: number; msg: string; process: string });
  }

  journal(): string[] {
    if (!existsSync(this.journalFile)) return [];
    return readFileSync(this.journalFile, 'utf8').trim().split('\n');
  }
}

describe('Running a process', () => {
  const started: ScriptedProcess[] = [];

  function run(script: Script = {}): ScriptedProcess {
    const scripted = new ScriptedProcess(script);
    started.push(scripted);
    return scripted;
  }

  afterEach(async () => {
    for (const { child, exited } of started.splice(0)) {
      child.kill('SIGKILL');
      await exited;
    }
  });

  it('reports its address to its parent once it can do its work', async () => {
    const scripted = run();
    await scripted.ready();
    expect(scripted.messages).toEqual([
      { kind: 'ready', endpoints: { api: 'http://127.0.0.1:1' } },
    ]);
    await eventually(() => expect(scripted.output()).toContain('"msg":"ready"'));
    expect(scripted.logged().every((line) => line.process === 'scripted')).toBe(true);
  });

  it('makes no object old before its time, on every Node', async () => {
    const scripted = run();
    await scripted.ready();
    const tagOf = '--no-allocation-site-pretenuring -p v8.cachedDataVersionTag()'.split(' ');
    const tag = Number(execFileSync(process.execPath, tagOf, { env: {} }));
    await eventually(() =>
      expect(scripted.logged()[0]).toMatchObject({ msg: 'starting', ofTheseFlags: tag }),
    );
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stops at %s with exit code 0', async (signal) => {
    const scripted = run();
    await scripted.ready();
    scripted.child.kill(signal);
    expect(await scripted.exited).toEqual({ code: 0, signal: null });
    expect(scripted.journal()).toEqual(['stop', 'stopped']);
    expect(scripted.logged().at(-1)).toMatchObject({ msg: 'stopping', cause: signal });
  });

  it('stops when its parent disconnects from it', async () => {
    const scripted = run();
    await scripted.ready();
    scripted.child.disconnect();
    expect(await scripted.exited).toEqual({ code: 0, signal: null });
    expect(scripted.journal()).toEqual(['stop', 'stopped']);
  });

  it('stops when its parent is killed', async () => {
    const parent = run({ AFTERWARDS: 'fork' });
    await parent.ready();
    const note = await eventually(() => {
      const line = parent.journal().find((entry) => entry.startsWith('child '));
      if (!line) throw new Error('the child is not ready');
      return line;
    });
    const childPid = Number(note.split(' ')[1]);
    parent.child.kill('SIGKILL');
    await eventually(() => expect(isRunning(childPid)).toBe(false));
    // Only the child had the time to stop.
    expect(parent.journal()).toEqual([note, 'stop', 'stopped']);
  });

  it('stops only once, and is not cut short by a second signal', async () => {
    const scripted = run({ STOP: 'patient' });
    await scripted.ready();
    scripted.child.kill('SIGINT');
    await eventually(() => expect(scripted.journal()).toEqual(['stop']));
    scripted.child.kill('SIGINT');
    scripted.child.kill('SIGTERM');
    scripted.child.kill('SIGUSR2');
    expect(await scripted.exited).toEqual({ code: 0, signal: null });
    expect(scripted.journal()).toEqual(['stop', 'stopped']);
  });

  it('can be stopped before it has started', async () => {
    const scripted = run({ START: 'never' });
    await eventually(() => expect(scripted.output()).toContain('starting'));
    scripted.child.kill('SIGTERM');
    expect(await scripted.exited).toEqual({ code: 0, signal: null });
    expect(scripted.messages).toEqual([{ kind: 'stopping', withinMs: 4_000 }]);
  });

  it('leaves with exit code 1 when it cannot stop within 4 seconds', async () => {
    const scripted = run({ STOP: 'never' });
    await scripted.ready();
    const askedAt = Date.now();
    scripted.child.kill('SIGTERM');
    expect(await scripted.exited).toEqual({ code: 1, signal: null });
    expect(Date.now() - askedAt).toBeLessThan(8_000);
    expect(scripted.logged().at(-1)?.msg).toBe('could not stop in time, leaving now');
  });

  it('has the time to stop that it said it needs, and tells its parent', async () => {
    const scripted = run({ STOP: 'never', WITHIN_MS: '100' });
    await scripted.ready();
    scripted.child.kill('SIGTERM');
    expect(await scripted.exited).toEqual({ code: 1, signal: null });
    expect(scripted.messages.at(-1)).toEqual({ kind: 'stopping', withinMs: 100 });
    expect(scripted.logged().at(-1)).toMatchObject({ deadlineMs: 100 });
  });

  it('leaves with exit code 1 when stopping fails', async () => {
    const scripted = run({ STOP: 'failing' });
    await scripted.ready();
    scripted.child.kill('SIGTERM');
    expect(await scripted.exited).toEqual({ code: 1, signal: null });
    expect(scripted.output()).toContain('a file could not be closed');
  });

  it('leaves with exit code 1 when it cannot start', async () => {
    const scripted = run({ START: 'failing' });
    expect(await scripted.exited).toEqual({ code: 1, signal: null });
    expect(scripted.messages).toEqual([]);
    expect(scripted.logged().at(-1)).toMatchObject({
      level: 60,
      msg: 'could not start',
      err: { message: 'the port is taken' },
    });
  });

  it('leaves with exit code 78 and every fault when its configuration is wrong', async () => {
    const scripted = run({ START: 'misconfigured' });
    expect(await scripted.exited).toEqual({ code: 78, signal: null });
    expect(scripted.messages).toEqual([]);
    expect(scripted.logged().at(-1)?.msg).toBe(
      'The configuration has 2 faults:\n  - API_PORT is missing\n  - HOST is not valid: must be a name',
    );
  });

  it.each([
    ['an exception', 'throw', 'an exception reached the top', 'thrown and not caught'],
    ['a rejection', 'reject', 'a rejection reached the top', 'rejected and not awaited'],
  ] as const)(
    'stops in order with exit code 1 after %s that is not caught',
    async (_, what, msg, message) => {
      const scripted = run({ AFTERWARDS: what });
      expect(await scripted.exited).toEqual({ code: 1, signal: null });
      expect(scripted.journal()).toEqual(['stop', 'stopped']);
      expect(scripted.logged().find(({ level }) => level === 60)).toMatchObject({
        msg,
        err: { message },
      });
    },
  );
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
