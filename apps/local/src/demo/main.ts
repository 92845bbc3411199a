import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import { productFolder } from '@app/process';
import type { ReadyMessage } from '@app/process';
import { EndpointsFile, productEndpoints } from '../launcher/endpoints-file.js';
import type { ProductEndpoints } from '../launcher/endpoints-file.js';
import { readLauncherSettings } from '../launcher/launcher-settings.js';
import { shortPath } from '../launcher/short-path.js';
import { playStory } from './story.js';

const PROBE_TIMEOUT_MS = 2_000;

interface ProductForTheStory {
  readonly endpoints: ProductEndpoints;
  stop(): Promise<void>;
}

const tell = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const { dataDir } = readLauncherSettings();
  const product = (await runningProduct(dataDir)) ?? (await startProduct(dataDir));
  try {
    const { api, mailbox, eventstore } = product.endpoints;
    if (!mailbox) throw new Error('it reads codes in the mailbox: leave EMAIL_API_URL out');
    const eventStore = new EventStoreDBEventStore({ url: eventstore });
    try {
      await playStory({ endpoints: { api, mailbox }, eventStore, tell });
    } finally {
      await eventStore.close();
    }
  } finally {
    await product.stop();
  }
  tell('\nEverything went as it should.');
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** The product that `npm start` runs on this data folder; undefined when there is none. */
async function runningProduct(dataDir: string): Promise<ProductForTheStory | undefined> {
  const endpoints = new EndpointsFile(dataDir).read();
  if (!endpoints || !(await answers(endpoints.api))) return undefined;
  tell(`Using the running product at ${endpoints.api}.`);
  return { endpoints, stop: () => Promise.resolve() };
}

async function answers(api: string): Promise<boolean> {
  return fetch(`${api}/openapi.json`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).then(
    (answer) => answer.ok,
    // A refused connection or silence: a stale file of a product that was killed.
    () => false,
  );
}

async function startProduct(dataDir: string): Promise<ProductForTheStory> {
  tell(`Starting the product in ${shortPath(dataDir)} …`);
  const startedAt = Date.now();
  const launcher = fork(join(productFolder(), 'dist/apps/local/src/launcher/main.js'), {
    execArgv: [],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output: Buffer[] = [];
  launcher.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  launcher.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  const closed = once(launcher, 'close');
  const ready = new Promise<ReadyMessage>((resolve) =>
    launcher.on('message', (message) => resolve(message as ReadyMessage)),
  );
  const first = await Promise.race([ready, closed.then(() => undefined)]);
  if (!first) {
    throw new Error(`the product did not start:\n${Buffer.concat(output).toString()}`);
  }
  tell(`Ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
  return {
    endpoints: productEndpoints.parse(first.endpoints),
    stop: async () => {
      launcher.kill('SIGTERM');
      await closed;
    },
  };
}
