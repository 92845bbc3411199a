import { pino } from 'pino';
import type { Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { linesToStdout } from './line-output.js';
import type { LineOutput } from './line-output.js';
import { redaction } from './redaction.js';

/** Structured log: `log.info({ accountId }, 'what happened')`. Never pass secrets, codes, passwords or addresses. */
export type Log = Logger;

/** Injection token of the process' `Log`. */
export const LOG = Symbol('Log');

let output: LineOutput | undefined;

/**
 * One JSON object a line in production and wherever the output is read by a machine; lines for people
 * on a terminal. `LOG_FORMAT` (json | pretty) overrides, `LOG_LEVEL` (pino's names, default info) sets
 * how much, `silent` included. Writing a line never waits: one that finds no room is dropped and counted.
 */
export function createLog(processName: string): Log {
  const level = process.env['LOG_LEVEL'] || 'info';
  const base = { process: processName };
  const options = { level, base, timestamp: pino.stdTimeFunctions.isoTime, ...redaction };
  const laidOut = wantsPretty() ? prettyLine() : (line: string) => line;
  let line = '';
  const notices = pino({ ...options, level: 'warn' }, { write: (text) => void (line = text) });
  const stdout = (output ??= linesToStdout((dropped) => {
    notices.warn(
      { dropped },
      'lines of the log were dropped: it was not read, or its disk was full',
    );
    return laidOut(line);
  }));
  return pino(options, { write: (line) => stdout.write(laidOut(line)) });
}

/** Lines that this process could not write, since it started. */
export function droppedLogLines(): number {
  return output?.dropped ?? 0;
}

function wantsPretty(): boolean {
  const format = process.env['LOG_FORMAT'];
  if (format === 'pretty') return true;
  if (format === 'json') return false;
  return process.env['NODE_ENV'] !== 'production' && process.stdout.isTTY === true;
}

function prettyLine(): (line: string) => string {
  return prettyFactory({
    colorize: process.stdout.isTTY === true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,process',
    singleLine: true,
  });
}
