import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AlreadyRunning, RunRecord } from '../../apps/local/src/launcher/run-record.js';
import { temporaryFolder } from '../support/run-folder.js';

describe('record of a run', () => {
  let dataDir: string;
  let said: string[];
  const others: ChildProcess[] = [];

  beforeEach(() => {
    dataDir = temporaryFolder('run-record');
    said = [];
  });
  afterEach(async () => {
    for (const other of others.splice(0)) {
      if (other.exitCode !== null || other.signalCode !== null) continue;
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
  });

  const claim = () => RunRecord.claim(dataDir, (line) => said.push(line));

  function write(record: object): void {
    writeFileSync(join(dataDir, 'launcher.json'), JSON.stringify(record));
  }

  function read(): unknown {
    return JSON.parse(readFileSync(join(dataDir, 'launcher.json'), 'utf8'));
  }

  /** Some other process that stays until it is killed, or until its time is up. */
  async function otherProcess(script: string, livesMs = 60_000): Promise<number> {
    const path = join(dataDir, script);
    writeFileSync(path, `process.send('here'); setTimeout(() => process.exit(), ${livesMs});`);
    const other = fork(path, { execArgv: [] });
    others.push(other);
    await once(other, 'message');
    return other.pid ?? 0;
  }

  const launcher = (pid: number) => ({ name: 'launcher', pid, script: 'launcher.cjs' });

  it('says who runs what', async () => {
    const record = await claim();
    record.setProcesses([{ name: 'api', pid: 12, script: 'main.js' }]);
    expect(read()).toEqual({
      launcher: { name: 'launcher', pid: process.pid, script: 'launcher' },
      state: 'running',
      processes: [{ name: 'api', pid: 12, script: 'main.js' }],
    });
  });

  it('is gone when the run has ended, and stays so', async () => {
    const record = await claim();
    record.release();
    record.setProcesses([]);
    expect(existsSync(join(dataDir, 'launcher.json'))).toBe(false);
  });

  it('keeps a second launcher away', async () => {
    const pid = await otherProcess('launcher.cjs');
    write({ launcher: launcher(pid), state: 'running', processes: [] });
    await expect(claim()).rejects.toThrow(AlreadyRunning);
    expect(read()).toMatchObject({ launcher: { pid } });
  });

  it('waits for a launcher that is stopping', async () => {
    const pid = await otherProcess('launcher.cjs', 300);
    write({ launcher: launcher(pid), state: 'stopping', processes: [] });
    await claim();
    expect(read()).toMatchObject({ launcher: { pid: process.pid } });
  });

  it('does not take a process that only has the same pid for the launcher', async () => {
    const pid = await otherProcess('something-else.cjs');
    write({ launcher: launcher(pid), state: 'running', processes: [] });
    await claim();
    expect(read()).toMatchObject({ launcher: { pid: process.pid } });
  });

  it('waits for what a killed launcher left behind to end by itself', async () => {
    const pid = await otherProcess('left-behind.cjs', 300);
    const api = { name: 'api', pid, script: 'left-behind.cjs' };
    write({ launcher: launcher(0), state: 'running', processes: [api] });
    await claim();
    expect(said).toEqual([expect.stringMatching(/left behind: api/)]);
    expect(others[0]?.exitCode ?? (await once(others[0] as ChildProcess, 'exit'))[0]).toBe(0);
  });

  it('kills what does not', async () => {
    const pid = await otherProcess('left-behind.cjs');
    const api = { name: 'api', pid, script: 'left-behind.cjs' };
    write({ launcher: launcher(0), state: 'running', processes: [api] });
    await claim();
    expect(said.at(-1)).toContain(`killing api of an earlier run (pid ${pid})`);
    expect(others[0]?.signalCode ?? (await once(others[0] as ChildProcess, 'exit'))[1]).toBe(
      'SIGKILL',
    );
  });

  it('is given to one of those that start at the same moment, and the others touch nothing of it', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, claim));
    expect(outcomes.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      ...Array<string>(4).fill('rejected'),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AlreadyRunning);
    }
    expect(read()).toMatchObject({ launcher: { pid: process.pid }, state: 'running' });
  });

  it.each(['', '{"launcher":{"na'])(
    'is taken over when a crash has left it as %j',
    async (torn) => {
      for (const file of ['launcher.json', 'lock']) writeFileSync(join(dataDir, file), torn);
      await claim();
      expect(read()).toMatchObject({ launcher: { pid: process.pid } });
    },
  );
});
