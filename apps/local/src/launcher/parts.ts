import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DatabaseRole } from '@app/postgres';
import type { Environment } from '@app/process';
import type { SecretFiles } from './development-secrets.js';
import { secretEnvironment } from './development-secrets.js';
import type { LauncherSettings, Listener } from './launcher-settings.js';

/** What a part gets to know of the others and of the paths. */
export interface Surroundings {
  readonly settings: Pick<LauncherSettings, 'host' | 'dataDir'>;
  readonly secrets: SecretFiles;
  /** The environment the launcher itself was started with. */
  readonly inherited: Environment;
  /** Port for this part to listen on; 0 for any free one. */
  readonly portOf: (listener: Listener) => number;
  /** URLs of the parts that started in an earlier stage. */
  readonly urlOf: (name: 'eventstore' | 'mailbox') => string;
  /** URL of the sign-up page, which calls the API from its own origin. */
  readonly signUpUrl?: string;
  /** URL of the database with the login of a process. */
  readonly databaseUrlOf: (role: DatabaseRole) => string;
}

/** One process of the product. */
export interface Part {
  /** Short name in the output; also the name of its public endpoint in its ready message. */
  readonly name: string;
  /** Folder below apps/ that holds its `main`. */
  readonly app: string;
  /** What comes first of all; needs it to be ready. */
  readonly stage: 'foundation' | 'service';
  /** Where its public endpoint listens, when it has one. */
  readonly listener?: Listener;
  /** Stops in this order, lowest first: a part that takes work in stops before the part that carries it out. */
  readonly stopOrder: number;
  readonly environment: (surroundings: Surroundings) => Record<string, string>;
}

/**
 * A third of it is in use under load. Without a bound V8 takes twice the memory for the same throughput, because it is
 * there; in a container it goes by the container's bound. Half the usual space for new objects costs no throughput, a
 * quarter of it does.
 */
export const BOUND_OF_HEAP = '--max-old-space-size=160 --max-semi-space-size=8';

/**
 * Every process that `npm start` runs beside PostgreSQL. To add one, add an entry.
 */
export const PARTS: readonly Part[] = [
  {
    name: 'eventstore',
    app: 'local/src/event-store',
    stage: 'foundation',
    listener: 'eventstore',
    stopOrder: 4,
    environment: ({ settings, portOf }) => ({
      EVENTSTORE_HOST: '127.0.0.1',
      EVENTSTORE_PORT: String(portOf('eventstore')),
      EVENTSTORE_CONTROL_PORT: '0',
      EVENTSTORE_DATA_DIR: join(settings.dataDir, 'eventstore'),
    }),
  },
  {
    name: 'mailbox',
    app: 'local/src/mailbox',
    stage: 'foundation',
    listener: 'mailbox',
    stopOrder: 3,
    environment: ({ settings, secrets, inherited, portOf }) => ({
      HOST: settings.host,
      MAILBOX_PORT: String(portOf('mailbox')),
      MAILBOX_DATA_DIR: join(settings.dataDir, 'mailbox'),
      ...secretEnvironment(secrets, inherited, ['EMAIL_API_KEY']),
    }),
  },
  {
    name: 'api',
    app: 'accounts-api/src',
    stage: 'service',
    listener: 'api',
    stopOrder: 1,
    environment: ({ settings, secrets, inherited, portOf, urlOf, databaseUrlOf, signUpUrl }) => ({
      HOST: settings.host,
      API_PORT: String(portOf('api')),
      INTERNAL_PORT: '0',
      EVENTSTORE_URL: urlOf('eventstore'),
      DATABASE_URL: databaseUrlOf('api'),
      ...(signUpUrl && {
        CORS_ORIGINS: [inherited['CORS_ORIGINS'], ...originsOf(signUpUrl)].join(','),
      }),
      NODE_OPTIONS: inherited['NODE_OPTIONS'] || BOUND_OF_HEAP,
      // Password hashes run in the thread pool: one for each core, two left for files and name look-ups.
      UV_THREADPOOL_SIZE: inherited['UV_THREADPOOL_SIZE'] || String(availableParallelism() + 2),
      ...secretEnvironment(secrets, inherited, [
        'ADDRESS_KEY',
        'ACTIVATION_CODE_KEYS',
        'PASSWORD_PEPPERS',
        'PERSONAL_DATA_KEYS',
      ]),
    }),
  },
  {
    name: 'worker',
    app: 'accounts-worker/src',
    stage: 'service',
    stopOrder: 2,
    environment: ({ secrets, inherited, urlOf, databaseUrlOf }) => ({
      NODE_OPTIONS: inherited['NODE_OPTIONS'] || BOUND_OF_HEAP,
      INTERNAL_PORT: '0',
      EVENTSTORE_URL: urlOf('eventstore'),
      DATABASE_URL: databaseUrlOf('worker'),
      EMAIL_API_URL: urlOf('mailbox'),
      EMAIL_FROM: inherited['EMAIL_FROM'] || 'Registration <no-reply@registration.example>',
      ...secretEnvironment(secrets, inherited, [
        'ACTIVATION_CODE_KEYS',
        'PERSONAL_DATA_KEYS',
        'EMAIL_API_KEY',
      ]),
    }),
  },
  {
    name: 'admin',
    app: 'accounts-admin/src',
    stage: 'service',
    listener: 'admin',
    stopOrder: 1,
    environment: ({ settings, secrets, inherited, portOf, urlOf, databaseUrlOf }) => ({
      HOST: settings.host,
      ADMIN_PORT: String(portOf('admin')),
      NODE_OPTIONS: inherited['NODE_OPTIONS'] || BOUND_OF_HEAP,
      INTERNAL_PORT: '0',
      EVENTSTORE_URL: urlOf('eventstore'),
      DATABASE_URL: databaseUrlOf('admin'),
      ...secretEnvironment(secrets, inherited, [
        'ADDRESS_KEY',
        'ACTIVATION_CODE_KEYS',
        'PERSONAL_DATA_KEYS',
        'RECEIPT_KEY',
        'ADMIN_KEY',
      ]),
    }),
  },
];

/** Both names of this machine: people type either. */
function originsOf(page: string): readonly string[] {
  const { origin, port } = new URL(page);
  return [origin, `http://localhost:${port}`];
}

/** Brings the database up to date and ends; runs as soon as there is a database. */
export const MIGRATION = {
  name: 'migrate',
  script: 'accounts-worker/src/migrate.js',
} as const;
