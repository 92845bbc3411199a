import type { Environment } from './process.js';
import type { RestartableApp } from './restartable-app.js';
import { startRestartableApp } from './restartable-app.js';
import { temporaryFolder } from './run-folder.js';

export interface DevEventStoreOptions {
  /** Settings beside the ports and the data folder, e.g. `{ EVENTSTORE_FSYNC: 'true' }`. */
  readonly environment?: Environment;
}

export interface DevEventStore {
  /** Connection string for the official client; the same after every restart. */
  readonly url: string;
  /** HTTP address of its control port; the same after every restart. */
  readonly controlUrl: string;
  readonly dataDir: string;
  /** Pid of the running (or last) process. */
  readonly pid: number;
  /** Sets the fault switches, until the next restart; those not named go off. */
  faults(switches: object): Promise<void>;
  /** Everything printed so far, by all its processes. */
  output(): string;
  /** SIGKILL, without a chance to write anything down. */
  kill(): Promise<void>;
  /** Starts it again on the same data and ports, stopping it first where it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A development event store of its own, empty, on free ports. */
export async function startDevEventStore(
  options: DevEventStoreOptions = {},
): Promise<DevEventStore> {
  const dataDir = temporaryFolder('event-store');
  const app: RestartableApp = await startRestartableApp('local/src/event-store', (port) => ({
    EVENTSTORE_FSYNC: 'false',
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
    kill: () => app.kill(),
    restart: () => app.restart(),
    stop: () => app.stop(),
  };
}
