import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** What waits for a reader, at most. */
const LONGEST_BACKLOG_BYTES = 2 ** 20;
/** How long a process that leaves waits for the reader of its lines, in milliseconds. */
const LAST_WORDS_MS = 500;

/**
 * Lines that are written and never waited for. A reader that stops reading, a reader that is gone and a full disk cost
 * the lines that find no room. They are counted, and once there is room again a line says how many they were.
 */
export class LineOutput {
  /** Lines that found no room, since the process started. */
  dropped = 0;
  private untold = 0;

  /**
   * @param put writes one line without waiting, and answers whether there was room for it
   * @param tell makes the line that says how many found none
   */
  constructor(
    private readonly put: (line: string) => boolean,
    private readonly tell: (dropped: number) => string,
  ) {}

  /** @param line with its line feed */
  write(line: string): void {
    if (this.put(this.untold === 0 ? line : this.tell(this.untold) + line)) {
      this.untold = 0;
      return;
    }
    this.dropped += 1;
    this.untold += 1;
  }

  /** To be called when there is room again. */
  tellDropped(): void {
    if (this.untold > 0 && this.put(this.tell(this.untold))) this.untold = 0;
  }
}

/** Lines for a stream that does not block: it keeps up to 1 MiB for its reader. */
export function linesTo(stream: Writable, tell: (dropped: number) => string): LineOutput {
  let isFull = false;
  const output = new LineOutput((line) => {
    isFull ||= stream.writableLength + line.length > LONGEST_BACKLOG_BYTES;
    if (isFull || !stream.writable) return false;
    stream.write(line);
    return true;
  }, tell);
  // A stream without a reader is not writable any more: its lines are counted like the others.
  stream.on('error', () => undefined);
  stream.on('drain', () => {
    isFull = false;
    output.tellDropped();
  });
  return output;
}

/** Lines for an open file. A fault of the disk costs the line, not the file: the next one may have room again. */
export function linesToFile(fd: number, tell: (dropped: number) => string): LineOutput {
  return new LineOutput(
    (line) => {
      try {
        return writeSync(fd, line) === Buffer.byteLength(line);
      } catch {
        return false;
      }
    },
    // The last line may have been cut.
    (dropped) => `\n${tell(dropped)}`,
  );
}

/** Lines for the standard output, whatever that is. */
export function linesToStdout(tell: (dropped: number) => string): LineOutput {
  const isTerminal = process.stdout.isTTY;
  const kind = fstatSync(1);
  if (!isTerminal && !kind.isFIFO() && !kind.isSocket()) return linesToFile(1, tell);
  // Writes to a terminal block in Node, and only its handle has a switch for that. Those to pipes do not.
  const { _handle: handle } = process.stdout as { _handle?: { setBlocking?(on: boolean): void } };
  if (isTerminal) handle?.setBlocking?.(false);
  return linesTo(process.stdout, tell);
}

/** Ends the process when the reader of its output has taken what was written, or has had its time. */
export function leaveProcess(exitCode: number): void {
  const leave = () => process.exit(exitCode);
  if (process.stdout.writableLength === 0) leave();
  process.stdout.once('drain', leave);
  setTimeout(leave, LAST_WORDS_MS);
}
