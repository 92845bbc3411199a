import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export type CleanUpGuard = ChildProcessByStdio<Writable, null, null>;

/** After the last spec: the clean-up guard stops what is left and removes the run's folder. */
export default async function globalTeardown(): Promise<void> {
  const { cleanUpGuard } = globalThis as { cleanUpGuard?: CleanUpGuard };
  if (!cleanUpGuard) throw new Error('global-setup.ts did not run');
  cleanUpGuard.ref();
  const exited = once(cleanUpGuard, 'exit');
  cleanUpGuard.stdin.end();
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`the clean-up after the test run failed with exit code ${code}`);
}
