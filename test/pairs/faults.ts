import type { World } from './world.js';

/** Something that goes wrong. Its `begin` resolves when it shows, and gives what ends it. */
export interface Fault {
  readonly name: string;
  /** While it lasts, all callers and all recipients wait; `begin` resolves when that is over. */
  readonly isOutage?: true;
  /** How long a healthy standby may take to notice, in milliseconds, beside the time that every pair has. */
  readonly noticedWithinMs?: number;
  begin(world: World): Promise<() => Promise<void>>;
}

const HOUR_MS = 3_600_000;
const DISK_FULL_MS = 3_000;

const nothing = async (): Promise<void> => undefined;

export const faults: readonly Fault[] = [
  {
    name: 'recipient refused',
    begin: (world) => world.troubleRecipient({ fail: { status: 422 } }, 'is refused'),
  },
  { name: 'recipient hangs', begin: (world) => world.troubleRecipient({ hang: true }) },
  { name: 'recipient slow', begin: (world) => world.troubleRecipient({ latencyMs: 2_500 }) },
  { name: 'recipient 409', begin: (world) => world.troubleRecipient({ fail: { status: 409 } }) },
  {
    name: 'store restarted',
    isOutage: true,
    begin: async ({ product }) => {
      await product.eventStore.kill();
      await product.eventStore.restart();
      return nothing;
    },
  },
  {
    name: 'database failed over',
    isOutage: true,
    begin: async (world) => {
      await world.failDatabaseOver();
      return nothing;
    },
  },
  {
    name: 'leader frozen',
    noticedWithinMs: 10_000,
    begin: async (world) => {
      const leader = await world.leader();
      process.kill(leader.pid, 'SIGSTOP');
      return async () => {
        process.kill(leader.pid, 'SIGCONT');
      };
    },
  },
  {
    name: 'clock off',
    begin: async (world) => {
      await world.shiftWallClocks(HOUR_MS);
      return () => world.shiftWallClocks(0);
    },
  },
  {
    name: 'disk full',
    isOutage: true,
    begin: async (world) => {
      await world.fillDiskOfEventStore(DISK_FULL_MS);
      return nothing;
    },
  },
  {
    name: 'unknown event',
    begin: async (world) => {
      await world.appendUnknownEvent();
      return nothing;
    },
  },
  {
    name: 'process killed',
    noticedWithinMs: 10_000,
    begin: async (world) => {
      const leader = await world.leader();
      await leader.kill();
      await leader.restart();
      return nothing;
    },
  },
];

/** Every two of them, once. */
export const pairs: readonly (readonly [Fault, Fault])[] = faults.flatMap((one, index) =>
  faults.slice(index + 1).map((other) => [one, other] as const),
);
