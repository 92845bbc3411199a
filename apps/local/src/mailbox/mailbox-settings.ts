import * as z from 'zod';
import { loadConfiguration, setting } from '@app/process';
import type { Environment } from '@app/process';

const shape = {
  HOST: z.string().default('127.0.0.1'),
  MAILBOX_PORT: setting.port().default(8025),
  EMAIL_API_KEY: setting.secret(z.string().min(8, 'must have at least 8 characters')),
  MAILBOX_DATA_DIR: z.string().default('.data/mailbox'),
  ACTIVATION_CODE_TTL_SECONDS: setting.integer(1, 3_600).default(60),
};

/** What the mailbox needs to know before it starts. */
export interface MailboxSettings {
  readonly host: string;
  /** TCP port; 0 asks the system for a free one. */
  readonly port: number;
  /** The bearer key that a client sends with each e-mail. */
  readonly apiKey: string;
  /** Folder that holds the kept messages; created when missing. */
  readonly dataDirectory: string;
  /** How long the inbox shows a code as usable, in milliseconds. */
  readonly codeLifetimeMs: number;
}

/**
 * Reads the settings from the environment.
 *
 * @throws ConfigurationError naming every setting that is missing or faulty
 */
export function loadMailboxSettings(env: Environment = process.env): MailboxSettings {
  const read = loadConfiguration(shape, env);
  return {
    host: read.HOST,
    port: read.MAILBOX_PORT,
    apiKey: read.EMAIL_API_KEY,
    dataDirectory: read.MAILBOX_DATA_DIR,
    codeLifetimeMs: read.ACTIVATION_CODE_TTL_SECONDS * 1_000,
  };
}

/** Injection token of {@link MailboxSettings}. */
export const MAILBOX_SETTINGS = Symbol('MailboxSettings');
