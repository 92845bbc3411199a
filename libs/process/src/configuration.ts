import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';

/** Every fault of the environment in one message, so that one restart is enough to mend them all. */
export class ConfigurationError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n` +
        faults.map((fault) => `  - ${fault}`).join('\n'),
    );
    this.name = 'ConfigurationError';
  }
}

/**
 * Ends a start that cannot go well with these settings, as a fault of the configuration.
 *
 * @param error of a check of the start; its `faults` are sentences that begin with the name of a setting
 * @throws ConfigurationError, or any other error as it is
 */
export function refuseConfiguration(error: unknown): never {
  if (error instanceof Error && 'faults' in error && Array.isArray(error.faults)) {
    throw new ConfigurationError(error.faults);
  }
  throw error;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings a process needs from the environment.
 *
 * A setting NAME may instead be given as NAME_FILE, the path of a file that holds its value (one
 * trailing newline is dropped); this is how secrets reach a container. The file of a secret must be closed to
 * everybody but its owner; see `setting.secret`.
 * An empty variable counts as not set, because compose files pass unset variables on as "".
 *
 * @param shape one zod type per setting, keyed by the variable's name
 * @returns the parsed settings
 * @throws ConfigurationError naming every faulty setting; values are never quoted
 */
export function loadConfiguration<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Environment = process.env,
): z.infer<z.ZodObject<Shape>> {
  const faults: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(shape)) {
    const value = settingOf(name, isSecret(shape[name] as z.core.$ZodType), env, faults);
    if (value !== undefined) values[name] = value;
  }
  const unreadable = new Set(faults.map((fault) => fault.split(' ')[0]));
  const result = z.object(shape).safeParse(values);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const name = String(issue.path[0]);
      if (!unreadable.has(name)) faults.push(`${name} ${explain(issue, values[name])}`);
    }
  }
  if (faults.length > 0 || !result.success) throw new ConfigurationError(faults);
  return result.data;
}

function settingOf(
  name: string,
  secret: boolean,
  env: Environment,
  faults: string[],
): string | undefined {
  const direct = env[name] || undefined;
  const file = env[`${name}_FILE`] || undefined;
  if (direct !== undefined && file !== undefined) {
    faults.push(`${name} is set twice: remove either ${name} or ${name}_FILE`);
    return undefined;
  }
  if (file === undefined) return direct;
  try {
    const content = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (content === '')
      faults.push(`${name} is empty: the file named by ${name}_FILE has no content`);
    const openTo = secret ? othersWhoRead(file) : undefined;
    if (openTo !== undefined) {
      faults.push(
        `${name} is open to others: the file named by ${name}_FILE has mode ${openTo}; make it 0600 or 0400`,
      );
    }
    return content;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    faults.push(`${name} cannot be read: the file named by ${name}_FILE gives ${code}`);
    return undefined;
  }
}

/** Where container runtimes mount secrets, for one container alone but with wide modes; root owns it. */
const CONTAINER_SECRETS = '/run/secrets/';

/** The file's mode when another user than its owner may read or write it. */
function othersWhoRead(file: string): string | undefined {
  // Elsewhere modes do not say who may read a file.
  if (process.platform === 'win32' || resolve(file).startsWith(CONTAINER_SECRETS)) return undefined;
  const stats = statSync(file);
  const isOpen = stats.isFile() && (stats.mode & 0o077) !== 0;
  return isOpen ? `0${(stats.mode & 0o777).toString(8)}` : undefined;
}

/** Marked by `setting.secret`, however it was made optional afterwards. */
function isSecret(type: z.core.$ZodType): boolean {
  if (z.globalRegistry.get(type)?.['secret'] === true) return true;
  const { def } = type._zod;
  return 'innerType' in def && isSecret(def.innerType as z.core.$ZodType);
}

function explain(issue: z.core.$ZodIssue, value: string | undefined): string {
  return value === undefined ? 'is missing' : `is not valid: ${issue.message}`;
}

/** Undefined for what is no URL. */
function protocolOf(value: string): string | undefined {
  const oneHost = /^https?:/i.test(value) ? value : value.replace(/(:\d+)?,[^/?#]*/, '$1');
  const url = [value, oneHost].find((candidate) => URL.canParse(candidate));
  return url === undefined ? undefined : new URL(url).protocol;
}

/** Zod types for settings as they arrive from the environment: text. */
export const setting = {
  /** Whole number between `min` and `max`, both included. */
  integer: (min: number, max: number) =>
    z
      .string()
      .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
      .transform(Number)
      .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`),
  /** Whole number with a value for when it is left out, and what it means. */
  bounded: (min: number, max: number, preset: number, meaning: string) =>
    setting.integer(min, max).default(preset).describe(meaning),
  /** TCP port; 0 asks the system for a free one. */
  port: () => setting.integer(0, 65_535),
  /**
   * URL whose scheme is one of `protocols`, each with its colon (`http:`). Other schemes than HTTP's may
   * name the hosts of a cluster, separated by commas.
   */
  url: (...protocols: string[]) =>
    z
      .string()
      .refine(
        (value) => protocols.includes(protocolOf(value) ?? ''),
        `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      ),
  /**
   * Says that the setting is a secret: a file that holds it must not be readable by its group or by others,
   * unless it lies below /run/secrets, where container runtimes put it with wider modes.
   */
  secret: <Type extends z.ZodType>(type: Type): Type => type.meta({ secret: true }),
  flag: () =>
    z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true'),
  nodeEnv: () => z.enum(['production', 'development', 'test']).default('development'),
};

const ATTRIBUTE_OF_READERS = /[?&]target_session_attrs=(?!(any|read-write|primary)(&|$))/;

/** The settings of every process of the service. */
export const processSettings = {
  NODE_ENV: setting.nodeEnv().describe('`production` refuses weak settings and logs JSON'),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  INTERNAL_PORT: setting
    .port()
    .default(0)
    .describe('`/health/live`, `/health/ready`, `/metrics`; never publish it'),
  EVENTSTORE_URL: setting
    .secret(setting.url('esdb:', 'esdb+discover:'))
    .describe('`esdb://…` or `esdb+discover://…`, with user and password where TLS is on'),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting
    .url('http:', 'https:')
    .optional()
    .describe(
      'OpenTelemetry collector that takes traces, e.g. `http://collector:4318`; off without it',
    ),
  DATABASE_URL: setting
    .secret(
      setting
        .url('postgres:', 'postgresql:')
        .refine(
          (url) => !ATTRIBUTE_OF_READERS.test(url),
          'must lead to a server that takes writes: target_session_attrs=read-write',
        ),
    )
    .describe(
      '`postgres://user:password@host:port/database`, or several hosts: `…@one:5432,two:5432/database?target_session_attrs=read-write`',
    ),
};
