import { Readable } from 'node:stream';
import type { Log } from '@app/process';
import { StreamableFile } from '@nestjs/common';
import type { Caller } from '../keys/caller.js';

export const NDJSON = 'application/x-ndjson';

/** What a controller answers line by line. */
export class LineAnswer {
  /**
   * @param lines whose last one says that it is whole
   * @param title of the error that stands in the last line when it is not
   * @param details what else that error says
   */
  constructor(
    readonly lines: AsyncGenerator<string>,
    readonly title: string,
    readonly details: () => object = () => ({}),
  ) {}
}

/**
 * Sends lines as they come. What fails before the first line is thrown, so that it is answered as a problem; later the
 * status line is on its way, and how it went stands in the last line.
 */
export async function streamLines(
  { lines, title, details }: LineAnswer,
  { requestId }: Caller,
  log: Log,
): Promise<StreamableFile> {
  const noting = noteFailure(lines, await lines.next(), (error) => {
    log.error({ requestId, err: error }, `an answer broke off: ${title}`);
    return `${JSON.stringify({ error: { title, ...details(), requestId } })}\n`;
  });
  return new StreamableFile(Readable.from(noting), { type: NDJSON });
}

/** Not a generator: closing one that was never asked for anything would not close `lines`. */
function noteFailure(
  lines: AsyncGenerator<string>,
  first: IteratorResult<string>,
  lastLine: (error: unknown) => string,
): AsyncIterableIterator<string> {
  const begun = [first];
  let hasFailed = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const known = begun.pop();
      if (known) return known;
      if (hasFailed) return { done: true, value: undefined };
      try {
        return await lines.next();
      } catch (error) {
        hasFailed = true;
        return { done: false, value: lastLine(error) };
      }
    },
    async return() {
      await lines.return(undefined);
      return { done: true, value: undefined };
    },
  };
}

/** Each value as a line. */
export async function* jsonLines(values: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}
