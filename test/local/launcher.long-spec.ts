import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { runScript } from '../support/process.js';
import {
  EMAIL,
  LAUNCHER,
  STOP_DEADLINE_MS,
  StartedProduct,
  endsWith,
  isAlive,
} from './started-product.js';

describe('npm start, when parts or itself are killed, frozen and stopped,', () => {
  const product = StartedProduct.forThisSuite({ LOG_LEVEL: 'debug' });

  it('has a registration to keep', async () => {
    expect(await product.register()).toBe(202);
    await eventually(async () => expect(await product.codesFor(EMAIL)).toHaveLength(1));
  });

  it.each(['eventstore', 'mailbox', 'api', 'worker', 'admin', 'postgres'])(
    'brings back %s at the same place when it is killed',
    async (name) => {
      const before = product.endpoints();
      const pid = product.processes().get(name) ?? 0;
      process.kill(pid, 'SIGKILL');
      await eventually(
        () => {
          expect(product.launcher.output()).toMatch(
            new RegExp(`${name} +\\| ended by itself[^]*${name} +\\| is back`),
          );
          expect(product.processes().get(name)).not.toBe(pid);
        },
        { within: 15_000 },
      );
      expect(product.endpoints()).toEqual(before);
      await eventually(
        async () => expect(await product.account()).toMatchObject({ email: EMAIL }),
        {
          within: 10_000,
        },
      );
    },
  );

  it('still does its work after all that', async () => {
    expect(await product.register('after.crashes@example.org')).toBe(202);
    await eventually(
      async () => expect(await product.codesFor('after.crashes@example.org')).toHaveLength(1),
      { within: 10_000 },
    );
  });

  it('answers on while the terminal has stopped it (Ctrl-Z), however much there is to log', async () => {
    const { api } = product.endpoints();
    process.kill(product.launcher.pid, 'SIGSTOP');
    try {
      for (let calls = 0; calls < 1_000; calls += 100) {
        const answers = Array.from({ length: 100 }, () =>
          fetch(`${api}/nothing`, { signal: AbortSignal.timeout(10_000) }),
        );
        for (const { status } of await Promise.all(answers)) expect(status).toBe(404);
      }
    } finally {
      process.kill(product.launcher.pid, 'SIGCONT');
    }
    expect(await product.account()).toMatchObject({ email: EMAIL });
  });

  it('goes on with the same data at the next start', async () => {
    await product.launcher.stop();
    await product.start();
    expect(await product.account()).toMatchObject({ email: EMAIL, status: 'pending' });
    expect(await product.codesFor(EMAIL)).toHaveLength(1);
  });

  it('starts at once after kill -9, with the same data and nothing left of the run before', async () => {
    const pids = [...product.processes().values()];
    const { api } = product.endpoints();
    await product.launcher.kill();
    await product.start({ API_PORT: new URL(api).port });
    expect(product.endpoints().api).toBe(api);
    expect(await product.account()).toMatchObject({ email: EMAIL });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('is gone at once at the second Ctrl-C', async () => {
    const pids = [...product.processes().values()];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    process.kill(product.launcher.pid, 'SIGINT');
    const insist = setInterval(() => process.kill(product.launcher.pid, 'SIGINT'), 100);
    const { code } = await product.launcher.exited.finally(() => clearInterval(insist));
    expect(code).toBe(130);
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
    expect(existsSync(join(product.dataDir, 'launcher.json'))).toBe(false);
  });

  it('recovers from that with all data', async () => {
    await product.start();
    expect(await product.account()).toMatchObject({ email: EMAIL });
    expect(await product.codesFor(EMAIL)).toHaveLength(1);
  });

  it('is gone within 5 s of Ctrl-C even when every part hangs', async () => {
    const pids = [...product.processes().values()];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const askedAt = Date.now();
    await endsWith(product.launcher, 'SIGINT');
    expect(Date.now() - askedAt).toBeLessThan(STOP_DEADLINE_MS);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('stops on a signal before everything has started', async () => {
    const early = runScript(LAUNCHER, product.environment, (pid) => process.kill(pid, 'SIGINT'));
    await expect(early).resolves.toMatchObject({ code: 0 });
    expect(existsSync(join(product.dataDir, 'launcher.json'))).toBe(false);
  });
});
