import { setFlagsFromString } from 'node:v8';
import { ConfigurationError, refuseConfiguration } from './configuration.js';
import { isDiskFull } from './disk-full.js';
import { leaveProcess } from './line-output.js';
import { createLog } from './log.js';
import type { Log } from './log.js';

/** What a started process reports to its parent process. */
export interface RunningProcess {
  /** Where it can be reached, e.g. `{ api: 'http://127.0.0.1:8080', internal: '…' }`. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** Finishes what is under way and lets go of every resource. */
  stop(): Promise<void>;
  /** The longest time that `stop` may take, in milliseconds: longer than the longest wait of what was accepted. */
  readonly stopsWithinMs?: number;
}

/** The message a child process sends over Node's IPC channel once it can do its work. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly endpoints: Readonly<Record<string, string>>;
}

/**
 * The message a child process sends over Node's IPC channel when it begins to stop: it finishes what it has accepted,
 * and is gone by then.
 */
export interface StoppingMessage {
  readonly kind: 'stopping';
  readonly withinMs: number;
}

/** After the last work that was accepted: what closing servers and connections takes, in milliseconds. */
export const LETTING_GO_MS = 4_000;

/** For a process that accepts nothing that takes longer, or has not started yet. */
const STOP_DEADLINE_MS = 4_000;

/**
 * Under load, objects of most calls live through a collection. V8 learns from that to make them among the old ones at
 * once, and keeps to it when the load is low and they die young: old garbage, which keeps young garbage alive (ADR 168).
 */
const NEVER_OLD_AT_ONCE = '--no-allocation-site-pretenuring';

/**
 * Runs one process of the product from start to stop.
 *
 * Stops on SIGTERM, SIGINT and when the parent that forked it is gone (IPC disconnect), so that a killed
 * launcher leaves nothing behind. Exit codes: 0 after a stop, 1 after a fault, 78 for a configuration
 * that must be mended first.
 */
export function runProcess(name: string, start: (log: Log) => Promise<RunningProcess>): void {
  setFlagsFromString(NEVER_OLD_AT_ONCE);
  const log = createLog(name);
  let running: RunningProcess | undefined;
  let stopping = false;

  const stop = async (cause: string, exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    const withinMs = running?.stopsWithinMs ?? STOP_DEADLINE_MS;
    log.info({ cause, withinMs }, 'stopping');
    if (process.connected) {
      const message: StoppingMessage = { kind: 'stopping', withinMs };
      // A parent that goes at this moment needs no answer.
      process.send?.(message, undefined, undefined, () => undefined);
    }
    const deadline = setTimeout(() => {
      log.error({ deadlineMs: withinMs }, 'could not stop in time, leaving now');
      leaveProcess(exitCode === 0 ? 1 : exitCode);
    }, withinMs);
    try {
      await running?.stop();
    } catch (error) {
      log.error({ err: error }, 'failed while stopping');
      exitCode ||= 1;
    }
    clearTimeout(deadline);
    leaveProcess(exitCode);
  };

  const fail = (message: string) => (error: unknown) => {
    log.fatal({ err: error }, message);
    void stop('fault', 1);
  };
  process.on('uncaughtException', fail('an exception reached the top'));
  process.on('unhandledRejection', fail('a rejection reached the top'));
  process.on('SIGTERM', () => void stop('SIGTERM', 0));
  process.on('SIGINT', () => void stop('SIGINT', 0));
  if (process.send) process.on('disconnect', () => void stop('parent is gone', 0));

  start(log)
    .catch(refuseConfiguration)
    .then(
      (started) => {
        running = started;
        if (stopping) {
          void started.stop().finally(() => leaveProcess(0));
          return;
        }
        const { endpoints, stopsWithinMs } = started;
        log.info({ endpoints, stopsWithinMs }, 'ready');
        process.send?.({ kind: 'ready', endpoints: started.endpoints } satisfies ReadyMessage);
      },
      (error: unknown) => {
        if (error instanceof ConfigurationError) {
          log.fatal(error.message);
          leaveProcess(78);
          return;
        }
        const why = isDiskFull(error) ? ': the disk is full' : '';
        log.fatal({ err: error }, `could not start${why}`);
        leaveProcess(1);
      },
    );
}
