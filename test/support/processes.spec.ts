import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { commandLineOf, familyOf, killIfRunning } from './processes.mjs';

// A judge lists pids, and a process may end before its turn comes: that ended the judge of the edge once.
it('takes a process that has ended for one without command line and children, and need not kill it', async () => {
  const { pid, ...child } = await ended();
  expect(child.exitCode).toBe(0);
  expect(commandLineOf(pid)).toBe('');
  expect(familyOf(pid)).toEqual([String(pid)]);
  expect(() => killIfRunning(pid)).not.toThrow();
});

async function ended() {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await once(child, 'exit');
  return { pid: child.pid, exitCode: child.exitCode };
}
