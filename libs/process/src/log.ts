import { pino } from 'pino';
import type { Logger } from 'pino';
import { pinoPretty } from './pretty-log.js';
import { redaction } from './redaction.js';

/** Structured log: `log.info({ accountId }, 'what happened')`. Never pass secrets, codes, passwords or addresses. */
export type Log = Logger;

/** Injection token of the process' `Log`. */
export const LOG = Symbol('Log');

/**
 * One JSON object a line in production and wherever the output is read by a machine; lines for people
 * on a terminal. `LOG_FORMAT` (json | pretty) overrides, `LOG_LEVEL` (pino's names, default info) sets
 * how much, `silent` included.
 */
export function createLog(processName: string): Log {
  const level = process.env['LOG_LEVEL'] || 'info';
  const base = { process: processName };
  const options = { level, base, timestamp: pino.stdTimeFunctions.isoTime, redact: redaction };
  // Synchronous: a process that leaves at once must neither lose lines nor have them out of order.
  return pino(options, wantsPretty() ? pinoPretty() : pino.destination({ dest: 1, sync: true }));
}

function wantsPretty(): boolean {
  const format = process.env['LOG_FORMAT'];
  if (format === 'pretty') return true;
  if (format === 'json') return false;
  return process.env['NODE_ENV'] !== 'production' && process.stdout.isTTY === true;
}
