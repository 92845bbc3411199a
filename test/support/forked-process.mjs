import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * Starts a script of the product with these settings and nothing of the developer's own.
 *
 * @param children holds the child for as long as it runs
 * @returns `ready` resolves to its endpoints, and rejects with all it printed when it ends before; `ended` to its
 *   exit code
 */
export function forkProcess(script, settings, children) {
  const child = fork(script, {
    cwd: join(import.meta.dirname, '../..'),
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_FORMAT: 'json', ...settings },
  });
  children.add(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  // Not `exit`: the last lines may still be under way then.
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child);
    return code;
  });
  const ready = new Promise((resolve, reject) => {
    child.on('message', ({ kind, endpoints }) => kind === 'ready' && resolve(endpoints));
    void ended.then((code) => reject(new Error(`${script} ended with ${code}:\n${printed}`)));
  });
  // A test that waits for the end alone does not wait for this.
  ready.catch(() => undefined);
  return { child, ready, ended, output: () => printed };
}
