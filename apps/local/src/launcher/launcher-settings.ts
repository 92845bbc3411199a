import { resolve } from 'node:path';
import { ConfigurationError, loadConfiguration, processSettings, setting } from '@app/process';
import type { Environment } from '@app/process';
import * as z from 'zod';
import type { CaptchaWidget } from './sign-up-page.js';

/** Settings that name a port, by what listens there. */
export const PORT_SETTINGS = {
  api: 'API_PORT',
  admin: 'ADMIN_PORT',
  mailbox: 'MAILBOX_PORT',
  signUp: 'SIGN_UP_PORT',
  eventstore: 'EVENTSTORE_PORT',
  postgres: 'POSTGRES_PORT',
} as const;

export type Listener = keyof typeof PORT_SETTINGS;

/** Settings that put a part of the caller's own in the place of an embedded one, by the name of its endpoint. */
const OWN_PARTS = {
  eventstore: 'EVENTSTORE_URL',
  database: 'DATABASE_URL',
  mailbox: 'EMAIL_API_URL',
} as const;

type OwnParts = Readonly<Partial<Record<keyof typeof OWN_PARTS, string>>>;

export interface LauncherSettings {
  /** Address that the API, the admin API, the mailbox and the sign-up page listen on. */
  readonly host: string;
  /** 0 means any free port. */
  readonly ports: Readonly<Record<Listener, number>>;
  /** URLs of the parts that the caller brings: these are used, and left as they are. */
  readonly own: OwnParts;
  /** Shown by the sign-up page. */
  readonly captcha?: CaptchaWidget;
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
  SIGN_UP_PORT: setting.port().default(8060).describe('Port of the sign-up page'),
  EVENTSTORE_PORT: setting.port().default(2113).describe('Port of the development event store'),
  POSTGRES_PORT: setting.port().default(5433).describe('Port of the embedded PostgreSQL'),
  EVENTSTORE_URL: processSettings.EVENTSTORE_URL.optional(),
  DATABASE_URL: processSettings.DATABASE_URL.optional(),
  EMAIL_API_URL: setting.url('http:', 'https:').optional(),
  EMAIL_API_KEY: setting.secret(z.string().min(1)).optional(),
  CAPTCHA_SCRIPT_URL: setting
    .url('http:', 'https:')
    .optional()
    .describe(
      "The script of a captcha's widget, for the sign-up page; Turnstile's with `?compat=recaptcha`",
    ),
  CAPTCHA_SITE_KEY: z
    .string()
    .regex(/^[\w-]+$/, 'must be letters, digits, _ and -')
    .optional()
    .describe("The page's key at the captcha's provider"),
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
  const ports = Object.fromEntries(
    Object.entries(PORT_SETTINGS).map(([listener, variable]) => [listener, values[variable]]),
  ) as LauncherSettings['ports'];
  refuseSharedPorts(ports);
  if (values.EMAIL_API_URL !== undefined && values.EMAIL_API_KEY === undefined) {
    throw new ConfigurationError([
      'EMAIL_API_KEY is missing: EMAIL_API_URL names a provider of yours',
    ]);
  }
  const { CAPTCHA_SCRIPT_URL: scriptUrl, CAPTCHA_SITE_KEY: siteKey } = values;
  if ((scriptUrl === undefined) !== (siteKey === undefined)) {
    throw new ConfigurationError([
      'CAPTCHA_SCRIPT_URL and CAPTCHA_SITE_KEY belong together: set both, or neither',
    ]);
  }
  return {
    host: values.HOST,
    ports,
    own: Object.fromEntries(
      Object.entries(OWN_PARTS).flatMap(([name, variable]) =>
        values[variable] === undefined ? [] : [[name, values[variable]]],
      ),
    ),
    ...(scriptUrl && siteKey && { captcha: { scriptUrl: new URL(scriptUrl).href, siteKey } }),
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
