import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, LETTING_GO_MS } from '@app/process';
import type { Environment } from '@app/process';
import { describe, expect, it } from '@jest/globals';
import { readAdminSettings } from '../../apps/accounts-admin/src/accounts-admin.settings.js';
import { readApiSettings } from '../../apps/accounts-api/src/accounts-api.settings.js';
import { readWorkerSettings } from '../../apps/accounts-worker/src/accounts-worker.settings.js';
import { loadMailboxSettings } from '../../apps/local/src/mailbox/mailbox-settings.js';
import { longestCallMs } from '../../apps/accounts-api/src/longest-call.js';
import { longestWorkMs } from '../../apps/accounts-worker/src/longest-work.js';
import { repositoryRoot } from '../support/process.js';
import { blocksOf, environmentOf, readWithoutComments, withMerged } from './compose-file.js';

const composeFile = readWithoutComments('docker-compose.yml');
const services = blocksOf(composeFile, 'services');

describe('.env.example', () => {
  it('names only what the compose files read', () => {
    const example = readFileSync(join(repositoryRoot, '.env.example'), 'utf8');
    const files = ['docker-compose.yml', 'docker/docker-compose.production.yml'];
    const read = files.map((file) => readFileSync(join(repositoryRoot, file), 'utf8')).join();
    const names = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !read.includes(`\${${name}:`))).toEqual([]);
  });
});

const PROCESSES: Record<string, (env: Environment) => unknown> = {
  api: readApiSettings,
  worker: readWorkerSettings,
  admin: readAdminSettings,
  mailbox: loadMailboxSettings,
};
/** Set for the containers as they are: another value would break the stack. */
const FIXED = [
  'NODE_ENV',
  'HOST',
  'API_PORT',
  'ADMIN_PORT',
  'INTERNAL_PORT',
  'MAILBOX_PORT',
  'MAILBOX_DATA_DIR',
  'TRUSTED_PROXIES',
  // Another event store or database is a change of the stack, and both values carry passwords.
  'EVENTSTORE_URL',
  'DATABASE_URL_FILE',
];
/** Read by the log itself. The format is left out on purpose: in production a line is JSON, for machines. */
const OF_THE_LOG = ['LOG_LEVEL', 'NODE_ENV'];
/** One name in the environment of the stack would be that of several processes. */
const RENAMED: Record<string, string> = {
  'api DATABASE_CONNECTIONS': 'API_DATABASE_CONNECTIONS',
  'worker DATABASE_CONNECTIONS': 'WORKER_DATABASE_CONNECTIONS',
  'admin DATABASE_CONNECTIONS': 'ADMIN_DATABASE_CONNECTIONS',
};

/** What a process asks its environment for, without what each may be given as a file. */
function settingsOf(read: (env: Environment) => unknown): string[] {
  const asked = new Set<string>();
  const recording = new Proxy<Record<string, undefined>>(
    {},
    {
      get: (_, name) => {
        asked.add(String(name));
        return undefined;
      },
    },
  );
  expect(() => read(recording)).toThrow(ConfigurationError);
  return [...asked].filter(
    (name) => !asked.has(name.replace(/_FILE$/, '')) || !/_FILE$/.test(name),
  );
}

describe.each(Object.keys(PROCESSES))('the environment of the service %s', (name) => {
  const environment = environmentOf(composeFile, services.get(name) ?? '');
  const settings = settingsOf(PROCESSES[name] ?? (() => undefined));

  it('has every setting of the process', () => {
    expect(settings.length).toBeGreaterThan(3);
    const missing = settings.filter(
      (setting) => !environment.has(setting) && !environment.has(`${setting}_FILE`),
    );
    expect(missing).toEqual([]);
  });

  it('has nothing that the process does not know', () => {
    const known = [...settings, ...OF_THE_LOG, 'UV_THREADPOOL_SIZE', 'ADMIN_URL'];
    // Leaves it out altogether.
    if (name === 'mailbox') known.push('EMAIL_API_URL');
    const unknown = [...environment.keys()].filter(
      (key) => !known.includes(key) && !known.includes(key.replace(/_FILE$/, '')),
    );
    expect(unknown).toEqual([]);
  });

  it('lets an operator set each of them under its own name', () => {
    for (const [key, value] of environment) {
      const isOurs = FIXED.includes(key) || key === 'ADMIN_URL' || value.startsWith('/secrets/');
      const from = RENAMED[`${name} ${key}`] ?? key;
      expect([key, isOurs || new RegExp(`^\\$\\{${from}:-[^}]*\\}$`).test(value)]).toEqual([
        key,
        true,
      ]);
    }
  });

  it('has no value for what is not set, so that the default is that of the process', () => {
    const presets = [...environment].filter(([, value]) => /^\$\{\w+:-[^}]+\}$/.test(value));
    expect(presets.map(([key]) => key)).toEqual(
      { api: ['UV_THREADPOOL_SIZE'], worker: ['EMAIL_API_URL', 'EMAIL_FROM'] }[name] ?? [],
    );
  });
});

describe('the time that a container has to stop', () => {
  // The longest-lived settings apart, which an operator raises together with STOP_GRACE_PERIOD.
  const longestMs = {
    api: longestCallMs({ BCRYPT_COST: 12, ANSWER_BEAT_MS: 50 }) + LETTING_GO_MS,
    worker: longestWorkMs({ EMAIL_TIMEOUT_MS: 3_000 }) + LETTING_GO_MS,
  };

  it.each(['api', 'worker', 'admin', 'mailbox'])('is longer than %s needs', (name) => {
    const block = withMerged(composeFile, services.get(name) ?? '');
    const seconds = Number(/stop_grace_period: \$\{STOP_GRACE_PERIOD:-(\d+)s\}/.exec(block)?.[1]);
    expect(seconds * 1_000).toBeGreaterThan(Math.max(...Object.values(longestMs)));
  });
});

describe('docker/upgrade.sh', () => {
  it('leaves a process the time to stop that the compose file gives it', () => {
    const script = readFileSync(join(repositoryRoot, 'docker/upgrade.sh'), 'utf8');
    expect(script).toContain('$docker stop "$predecessor"');
    expect(script).not.toMatch(/stop (-t|--time)/);
  });
});

describe('docker/README.md', () => {
  it('names what can be set for the stack alone', () => {
    const readme = readFileSync(join(repositoryRoot, 'docker/README.md'), 'utf8');
    const ownOfProcesses = new Set(
      Object.values(PROCESSES).flatMap((read) =>
        settingsOf(read).flatMap((setting) => [setting, `${setting}_FILE`]),
      ),
    );
    const variables = [...composeFile.matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable ?? '');
    const unexplained = variables.filter(
      (variable) =>
        !ownOfProcesses.has(variable) &&
        !OF_THE_LOG.includes(variable) &&
        !readme.includes(`\`${variable}\``),
    );
    expect(unexplained).toEqual([]);
  });
});
