import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { linesToFile } from '@app/process';
import type { LineOutput } from '@app/process';

export interface ConsoleOptions {
  readonly to: LineOutput;
  readonly coloured: boolean;
  /** Show what the processes log at any level, not just warnings and errors. */
  readonly verbose: boolean;
  /** Folder for one complete log file per process; those of the last run are replaced. */
  readonly logFolder: string;
}

/** What `npm start` prints, and the log files for everything else. */
export class ConsoleOutput {
  private readonly logFiles = new Map<string, LineOutput>();

  constructor(private readonly options: ConsoleOptions) {
    mkdirSync(options.logFolder, { recursive: true });
  }

  /** A line, or a block, of the launcher's own. */
  say(text: string): void {
    this.options.to.write(`${text}\n`);
  }

  sayAbout(name: string, text: string): void {
    this.say(`${this.prefix(name)} ${text}`);
  }

  emphasised(text: string): string {
    return this.options.coloured ? `\u001b[1m${text}\u001b[0m` : text;
  }

  logFile(name: string): string {
    return join(this.options.logFolder, `${name}.log`);
  }

  /** Passes a process' output on line by line: all of it into its log file, what matters to the console. */
  relay(name: string, ...streams: Readable[]): void {
    const logFile = this.openLogFile(name);
    for (const input of streams) {
      createInterface({ input, crlfDelay: Infinity }).on('line', (line) => {
        const missing = logFile.dropped;
        logFile.write(`${line}\n`);
        if (missing === 0 && logFile.dropped > 0) {
          this.sayAbout(name, `the disk is full: lines are missing in ${this.logFile(name)}`);
        }
        const shown = readableLine(line, this.options.verbose);
        if (shown !== undefined) this.sayAbout(name, shown);
      });
    }
  }

  private openLogFile(name: string): LineOutput {
    const open = this.logFiles.get(name);
    if (open) return open;
    const fd = openSync(this.logFile(name), 'w', 0o600);
    const opened = linesToFile(
      fd,
      (dropped) => `${dropped} lines are missing here: the disk was full\n`,
    );
    this.logFiles.set(name, opened);
    return opened;
  }

  private prefix(name: string): string {
    const padded = `${name.padEnd(10)} |`;
    return this.options.coloured
      ? `\u001b[${COLOURS[name] ?? DEFAULT_COLOUR}m${padded}\u001b[0m`
      : padded;
  }
}

const DEFAULT_COLOUR = 90;
const COLOURS: Readonly<Record<string, number>> = {
  api: 36,
  worker: 35,
  admin: 94,
  mailbox: 32,
  eventstore: 34,
  postgres: 33,
};

const WARNING = 40;
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};
/** Fields of every log line that say nothing to people. */
const ROUTINE_FIELDS = new Set(['level', 'time', 'process', 'pid', 'hostname', 'msg', 'err']);

/**
 * A line of a process' output for people; undefined for what they do not care about. Structured log
 * lines become sentences; anything else was printed on purpose and stays as it is.
 */
export function readableLine(line: string, verbose: boolean): string | undefined {
  // Cheap first: under load nearly every line is one of these.
  if (!verbose && /^\{"level":[123]0,/.test(line)) return undefined;
  const entry = parseLogLine(line);
  if (!entry) return line.trim() === '' ? undefined : line;
  if (!verbose && entry.level < WARNING) return undefined;
  const details = Object.entries(entry).filter(([name]) => !ROUTINE_FIELDS.has(name));
  return [
    `${LEVELS[entry.level] ?? entry.level}:`,
    entry.msg ?? '',
    ...(entry.err?.message ? [`(${entry.err.message})`] : []),
    ...(details.length > 0 ? [JSON.stringify(Object.fromEntries(details))] : []),
  ].join(' ');
}

interface LogLine {
  readonly level: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<LogLine>;
    return typeof entry.level === 'number' ? (entry as LogLine) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
