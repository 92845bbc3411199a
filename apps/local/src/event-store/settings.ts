import { parseArgs } from 'node:util';
import { loadConfiguration, setting } from '@app/process';
import type { Environment } from '@app/process';
import * as z from 'zod';
import { BEHAVIOUR_VERSIONS } from './behaviour.js';

export type Settings = Readonly<ReturnType<typeof loadSettings>>;

/**
 * Settings from the environment; `--port` and `--data` on the command line win.
 *
 * @throws ConfigurationError
 */
export function loadSettings(commandLine: readonly string[], environment: Environment) {
  const { values } = parseArgs({
    args: [...commandLine],
    options: { port: { type: 'string' }, data: { type: 'string' } },
  });
  const configuration = loadConfiguration(
    {
      EVENTSTORE_HOST: z.string().default('127.0.0.1'),
      EVENTSTORE_PORT: setting.port().default(2113),
      EVENTSTORE_DATA_DIR: z.string().default('.data/eventstore'),
      EVENTSTORE_ADVERTISE_HOST: z.string().optional(),
      EVENTSTORE_ADVERTISE_PORT: setting.port().optional(),
      EVENTSTORE_CONTROL_PORT: z.union([z.literal('off'), setting.port()]).default(0),
      EVENTSTORE_BEHAVES_LIKE: z.enum(BEHAVIOUR_VERSIONS).default('24.10.14'),
      EVENTSTORE_STOPS_SLOWLY: setting.flag().default(false),
      EVENTSTORE_READY_AFTER_MS: setting.integer(0, 600_000).default(0),
      EVENTSTORE_FSYNC: setting.flag().default(true),
    },
    {
      ...environment,
      ...(values.port === undefined ? {} : { EVENTSTORE_PORT: values.port }),
      ...(values.data === undefined ? {} : { EVENTSTORE_DATA_DIR: values.data }),
    },
  );
  return {
    host: configuration.EVENTSTORE_HOST,
    port: configuration.EVENTSTORE_PORT,
    dataFolder: configuration.EVENTSTORE_DATA_DIR,
    advertise: {
      host: configuration.EVENTSTORE_ADVERTISE_HOST,
      port: configuration.EVENTSTORE_ADVERTISE_PORT,
    },
    /** `off` for no control port, 0 for a free one. */
    controlPort: configuration.EVENTSTORE_CONTROL_PORT,
    behavesLike: configuration.EVENTSTORE_BEHAVES_LIKE,
    /** Whether it takes as long to stop as the server it behaves like. */
    stopsSlowly: configuration.EVENTSTORE_STOPS_SLOWLY,
    /** It serves nothing before so many milliseconds have passed. */
    readyAfterMs: configuration.EVENTSTORE_READY_AFTER_MS,
    fsync: configuration.EVENTSTORE_FSYNC,
  };
}
