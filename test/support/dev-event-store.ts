import type { TestEventStore } from './event-store.js';
import type { Environment } from './process.js';
import type { RestartableApp } from './restartable-app.js';
import { startRestartableApp } from './restartable-app.js';
import { temporaryFolder } from './run-folder.js';

export interface DevEventStoreOptions {
  /** Settings beside the ports and the data folder, e.g. `{ EVENTSTORE_FSYNC: 'true' }`. */
  readonly environment?: Environment;
}

/** The development event store, for tests of itself and tests that need its fault switches. */
export interface DevEventStore extends TestEventStore {
  /** HTTP address of its control port; the same after every restart. */
  readonly controlUrl: string;
  readonly dataDir: string;
  /** Pid of the running (or last) process. */
  readonly pid: number;
  /** Sets the fault switches, until the next restart; those not named go off. */
  faults(switches: object): Promise<void>;
}

/** The version that the development store behaves like in tests that mean none of them. */
export function versionOfTests(orElse: string): string {
  return process.env['TEST_EVENTSTORE_BEHAVES_LIKE'] || orElse;
}

/**
 * A development event store of its own, empty, on free ports. It behaves like the version that
 * TEST_EVENTSTORE_BEHAVES_LIKE names, unless the options name one.
 */
export async function startDevEventStore(
  options: DevEventStoreOptions = {},
): Promise<DevEventStore> {
  const dataDir = temporaryFolder('event-store');
  const app: RestartableApp = await startRestartableApp('local/src/event-store', (port) => ({
    EVENTSTORE_FSYNC: 'false',
    EVENTSTORE_BEHAVES_LIKE: versionOfTests('24.10.14'),
    ...options.environment,
    EVENTSTORE_PORT: port('eventstore'),
    EVENTSTORE_CONTROL_PORT: port('control'),
    EVENTSTORE_DATA_DIR: dataDir,
  }));
  return {
    dataDir,
    get url() {
      return app.url('eventstore');
    },
    get controlUrl() {
      return app.url('control');
    },
    get pid() {
      return app.pid;
    },
    faults: async (switches) => {
      const body = JSON.stringify(switches);
      const answer = await fetch(`${app.url('control')}/faults`, { method: 'PUT', body });
      if (!answer.ok) throw new Error(`the fault switches were refused: ${await answer.text()}`);
    },
    output: () => app.output(),
    files: () => Promise.resolve(dataDir),
    freeze: async () => void process.kill(app.pid, 'SIGSTOP'),
    thaw: async () => void process.kill(app.pid, 'SIGCONT'),
    kill: () => app.kill(),
    restart: () => app.restart(),
    stop: () => app.stop(),
  };
}
