/**
 * A process whose life is scripted by its environment, for the specs of runProcess:
 * START says what its start does, STOP what its stop does, AFTERWARDS what happens once it is ready.
 * WITHIN_MS is how long it says that its stop takes. Each step of its stop is appended to the file JOURNAL.
 */
import { fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { clearInterval, setImmediate, setInterval } from 'node:timers';
import { cachedDataVersionTag } from 'node:v8';
import { ConfigurationError, runProcess } from '../../dist/modules/libs/process/src/index.js';

const { START = 'ready', STOP = 'clean', AFTERWARDS = 'idle', JOURNAL, WITHIN_MS } = process.env;
const note = (line) => appendFileSync(JOURNAL, `${line}\n`);
const never = () => new Promise(() => undefined);
/** Holds the event loop, as an open port would. */
const open = setInterval(() => undefined, 60_000);

const starts = {
  ready: async () => undefined,
  never,
  failing: async () => {
    throw new Error('the port is taken');
  },
  misconfigured: async () => {
    throw new ConfigurationError(['API_PORT is missing', 'HOST is not valid: must be a name']);
  },
};

const stops = {
  clean: async () => clearInterval(open),
  failing: async () => {
    throw new Error('a file could not be closed');
  },
  never,
  /** Takes a second. */
  slow: () => new Promise((resolve) => setTimeout(resolve, 1_000)),
  /** Ends with the second signal, which must not have cut it short. */
  patient: () => new Promise((resolve) => process.on('SIGUSR2', resolve)),
};

const afterwards = {
  idle: () => undefined,
  freeze: () => {
    for (;;);
  },
  throw: () =>
    setImmediate(() => {
      throw new Error('thrown and not caught');
    }),
  reject: () => void Promise.reject(new Error('rejected and not awaited')),
  /** Starts the same script again as its child, which a kill of this process must not leave behind. */
  fork: () =>
    fork(process.argv[1], {
      env: { ...process.env, AFTERWARDS: 'idle' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }).on('message', function () {
      note(`child ${this.pid}`);
    }),
};

runProcess('scripted', async (log) => {
  log.info({ ofTheseFlags: cachedDataVersionTag() }, 'starting');
  await starts[START]();
  setTimeout(() => afterwards[AFTERWARDS](), 0);
  return {
    endpoints: { api: 'http://127.0.0.1:1' },
    ...(WITHIN_MS ? { stopsWithinMs: Number(WITHIN_MS) } : {}),
    stop: async () => {
      note('stop');
      await stops[STOP]();
      note('stopped');
    },
  };
});
