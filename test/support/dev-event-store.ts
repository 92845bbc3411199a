import type { AppProcess, Environment } from './process.js';
import { startApp } from './process.js';
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
  readonly pid: number;
  /** Everything the running (or last) process has printed. */
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
  const start = (port: string, controlPort: string) =>
    startApp('dev-event-store', {
      EVENTSTORE_FSYNC: 'false',
      ...options.environment,
      HOST: '127.0.0.1',
      EVENTSTORE_PORT: port,
      EVENTSTORE_CONTROL_PORT: controlPort,
      EVENTSTORE_DATA_DIR: dataDir,
    });

  let current: AppProcess = await start('0', '0');
  let alive = true;
  const url = endpoint(current, 'eventstore');
  const controlUrl = endpoint(current, 'control');

  const kill = async () => {
    alive = false;
    await current.kill();
  };
  const stop = async () => {
    if (!alive) return;
    alive = false;
    await current.stop();
  };
  return {
    url,
    controlUrl,
    dataDir,
    get pid() {
      return current.pid;
    },
    output: () => current.output(),
    kill,
    stop,
    restart: async () => {
      await stop();
      current = await start(new URL(url).port, new URL(controlUrl).port);
      alive = true;
    },
  };
}

function endpoint(app: AppProcess, name: string): string {
  const url = app.endpoints[name];
  if (!url) throw new Error(`the development event store did not say where its "${name}" is`);
  return url;
}
