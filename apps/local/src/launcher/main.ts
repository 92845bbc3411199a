import { join } from 'node:path';
import { createPool } from '@app/postgres/postgres.js';
import { ConfigurationError, isDiskFull, linesToStdout } from '@app/process';
import type { ReadyMessage } from '@app/process';
import { ConsoleOutput } from './console-output.js';
import { prepareDataFolder } from './data-folder.js';
import { endedNode } from './ended-node.js';
import { Launcher } from './launcher.js';
import { readLauncherSettings } from './launcher-settings.js';
import type { LauncherSettings } from './launcher-settings.js';
import { watchNpm } from './npm-parent.js';
import { shortPath } from './short-path.js';
import { walkThrough } from './walk-through.js';

const EXIT_FAULT = 1;
const EXIT_CONFIGURATION = 78;
const EXIT_INTERRUPTED = 130;
const STATEMENT_TIMEOUT_MS = 10_000;

/** npm passes a Ctrl-C on to us, which the terminal has sent us already: the pair counts as one. */
const SAME_KEYSTROKE_MS = 500;

const startedAt = Date.now();
let settings: LauncherSettings | undefined;
try {
  settings = readLauncherSettings();
  prepareDataFolder(settings.dataDir);
} catch (error) {
  leaveWith(error);
}
const output = new ConsoleOutput({
  to: linesToStdout((dropped) => `… ${dropped} lines were not shown: they were not read\n`),
  coloured: process.stdout.isTTY === true && !process.env['NO_COLOR'],
  verbose: settings.verbose,
  logFolder: join(settings.dataDir, 'logs'),
});
const launcher = new Launcher(settings, process.env, output, (url) =>
  createPool(url, {
    max: 1,
    applicationName: 'npm start',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    allowUnconfirmed: true,
  }),
);
let stopRequestedAt: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => (isStopping() ? insist() : requestStop(signal)));
}
process.on('disconnect', () => requestStop('the parent process is gone'));
process.stdout.on('error', () => requestStop('the reader of its output is gone'));
watchNpm(() => requestStop('npm is gone'));
process.on('uncaughtException', (error) => {
  launcher.kill();
  leaveWith(error);
});

output.say(`Starting in ${shortPath(settings.dataDir)} …`);
const warning = endedNode(process.versions.node, new Date().toISOString().slice(0, 10));
if (warning !== undefined) output.say(warning);
try {
  const endpoints = await launcher.start();
  output.say(
    walkThrough(endpoints, settings, Date.now() - startedAt, (text) => output.emphasised(text)),
  );
  process.send?.({ kind: 'ready', endpoints: { ...endpoints } } satisfies ReadyMessage);
} catch (error) {
  if (!isStopping()) {
    await launcher.stop();
    leaveWith(error);
  }
}

function isStopping(): boolean {
  return stopRequestedAt !== undefined;
}

/** The operator asked again because stopping takes too long. */
function insist(): void {
  if (Date.now() - (stopRequestedAt ?? 0) < SAME_KEYSTROKE_MS) return;
  output.say('Killing everything.');
  launcher.kill();
  process.exit(EXIT_INTERRUPTED);
}

function requestStop(cause: string): void {
  if (isStopping()) return;
  stopRequestedAt = Date.now();
  output.say(`\nStopping (${cause}) … press Ctrl-C again to kill.`);
  launcher.stop().then(
    () => {
      output.say(`Stopped after ${Date.now() - (stopRequestedAt ?? 0)} ms. The data is kept.`);
      process.exit(0);
    },
    (error: unknown) => {
      launcher.kill();
      leaveWith(error);
    },
  );
}

function leaveWith(error: unknown): never {
  const said = error instanceof Error ? error.message : String(error);
  const message = isDiskFull(error)
    ? `The disk that holds ${settings?.dataDir ?? 'the data'} is full: make room there, or set DATA_DIR to another folder.`
    : said;
  process.stderr.write(`\n${message}\n`);
  process.exit(error instanceof ConfigurationError ? EXIT_CONFIGURATION : EXIT_FAULT);
}
