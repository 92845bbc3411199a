import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { startScript } from '../support/process.js';

const script = join(import.meta.dirname, 'use-event-store.mjs');

/** Node ends a process with an exit code of its own for a rejection without a handler. */
describe('A process that uses the event store', () => {
  let server: DevEventStore;

  beforeEach(async () => {
    server = await startDevEventStore();
  });
  afterEach(async () => {
    await server.stop();
  });

  it.each(['esdb://', 'esdb+discover://'])(
    'exits once it has closed it, over %s',
    async (scheme) => {
      const user = await startUser('close', scheme);
      expect(await user.exited).toEqual({ code: 0, signal: null });
      expect(outcomesOf(user)).toEqual({ stored: 200, EventStoreUnavailable: 2 });
    },
  );

  it.each(['esdb://', 'esdb+discover://'])(
    'survives the death of the server with 200 appends under way, and exits, over %s',
    async (scheme) => {
      const user = await startUser('outage', scheme);
      await server.kill();
      expect(await user.exited).toEqual({ code: 0, signal: null });
      const { stored, EventStoreUnavailable: unavailable, ...others } = outcomesOf(user);
      expect(Number(stored) + Number(unavailable)).toBe(202);
      expect(unavailable).toBeGreaterThanOrEqual(2);
      expect(others).toEqual({});
    },
  );

  function startUser(endsBy: 'close' | 'outage', scheme: string) {
    return startScript(script, {
      EVENTSTORE_URL: server.url.replace('esdb://', scheme),
      EVENTSTORE_ENDS_BY: endsBy,
    });
  }
});

function outcomesOf(user: { output(): string }): Record<string, number> {
  return JSON.parse(user.output()) as Record<string, number>;
}
