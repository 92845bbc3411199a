import { resolve } from 'node:path';
import { ConfigurationError, loadConfiguration, processSettings, setting } from '@app/process';
import type { Environment } from '@app/process';
import { z } from 'zod';

/** Settings that name a port, by what listens there. */
export const PORT_SETTINGS = {
  api: 'API_PORT',
  admin: 'ADMIN_PORT',
  mailbox: 'MAILBOX_PORT',
  eventstore: 'EVENTSTORE_PORT',
  postgres: 'POSTGRES_PORT',
} as const;

export type Listener = keyof typeof PORT_SETTINGS;

export interface LauncherSettings {
  /** Address that the API, the admin API and the mailbox listen on. */
  readonly host: string;
  /** 0 means any free port. */
  readonly ports: Readonly<Record<Listener, number>>;
  /** Absolute path of the folder that holds everything the product keeps. */
  readonly dataDir: string;
  /** Relay what the processes log at any level, not just warnings and errors. */
  readonly verbose: boolean;
}

export const launcherSettingTypes = {
  HOST: processSettings.HOST,
  API_PORT: setting.port().default(8080).describe('Port of the public API; 0 picks a free one'),
  ADMIN_PORT: setting.port().default(8090).describe('Port of the admin API'),
  MAILBOX_PORT: setting.port().default(8025).describe('Port of the mailbox'),
  EVENTSTORE_PORT: setting.port().default(2113).describe('Port of the development event store'),
  POSTGRES_PORT: setting.port().default(5433).describe('Port of the embedded PostgreSQL'),
  DATA_DIR: z
    .string()
    .default('.data')
    .describe('Everything that is kept: data, logs, generated secrets, `endpoints.json`'),
  LOG_LEVEL: z
    .string()
    .optional()
    .describe('Relays what the processes log from this level on; without it, warnings and errors'),
};

/**
 * The settings of `npm start`.
 *
 * @throws ConfigurationError naming every fault
 */
export function readLauncherSettings(env: Environment = process.env): LauncherSettings {
  const values = loadConfiguration(launcherSettingTypes, env);
  const ports = {
    api: values.API_PORT,
    admin: values.ADMIN_PORT,
    mailbox: values.MAILBOX_PORT,
    eventstore: values.EVENTSTORE_PORT,
    postgres: values.POSTGRES_PORT,
  };
  refuseSharedPorts(ports);
  return {
    host: values.HOST,
    ports,
    dataDir: resolve(values.DATA_DIR),
    verbose: values.LOG_LEVEL !== undefined,
  };
}

function refuseSharedPorts(ports: LauncherSettings['ports']): void {
  const listeners = Object.keys(ports) as Listener[];
  const faults = listeners.flatMap((listener, index) => {
    const twin = listeners.slice(0, index).find((other) => ports[other] === ports[listener]);
    return twin && ports[listener] !== 0
      ? [
          `${PORT_SETTINGS[listener]} is the same port as ${PORT_SETTINGS[twin]}: ${ports[listener]}`,
        ]
      : [];
  });
  if (faults.length > 0) throw new ConfigurationError(faults);
}
