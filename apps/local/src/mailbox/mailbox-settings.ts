import * as z from 'zod';
import { loadConfiguration, setting } from '@app/process';
import type { Environment } from '@app/process';

const mailboxSettingTypes = {
  HOST: z.string().default('127.0.0.1'),
  MAILBOX_PORT: setting.port().default(8025),
  /** The bearer key that a client sends with each e-mail. */
  EMAIL_API_KEY: setting.secret(z.string().min(8, 'must have at least 8 characters')),
  /** Folder that holds the kept messages; created when missing. */
  MAILBOX_DATA_DIR: z.string().default('.data/mailbox'),
  /** How long the inbox shows a code as usable. */
  ACTIVATION_CODE_TTL_SECONDS: setting.integer(1, 3_600).default(60),
};

/** What the mailbox needs to know before it starts. */
export type MailboxSettings = ReturnType<typeof loadMailboxSettings>;

/** @throws ConfigurationError naming every setting that is missing or faulty */
export function loadMailboxSettings(env?: Environment) {
  return loadConfiguration(mailboxSettingTypes, env);
}

/** Injection token of {@link MailboxSettings}. */
export const MAILBOX_SETTINGS = Symbol('MailboxSettings');
