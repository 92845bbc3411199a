import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { QueryValues } from './admin-client.js';
import type { CommandRun } from './command.js';
import { ProgressBar } from './progress-bar.js';
import { UsageError } from './usage-error.js';

const LINES_BETWEEN_UPDATES = 500;

export const outOption = {
  out: 'file to write, readable by you alone; the standard output when left out',
} as const;

/**
 * Everything that the API answers, line by line: to the file of --out, which is there only when it is whole, or to the
 * standard output, where the last line says whether it is.
 *
 * @param beside file that the new one is to be checked against
 * @throws UsageError when the file cannot be written
 */
export async function download(
  run: CommandRun,
  path: string,
  query: QueryValues,
  beside?: string,
): Promise<void> {
  const file = run.text('out');
  const bar = new ProgressBar(file ?? 'Reading', run.progress);
  let lines = 0;
  async function* kept(): AsyncGenerator<string> {
    for await (const { text } of bar.follow(run.client.lines(path, query))) {
      lines += 1;
      if (lines % LINES_BETWEEN_UPDATES === 0) bar.update(undefined, `${lines} lines`);
      yield `${text}\n`;
    }
  }
  if (file === undefined) {
    for await (const text of kept()) run.line(text.trimEnd());
    return;
  }
  if (existsSync(file) && !(await run.confirm(`${file} exists. Write over it?`))) return;
  const partial = `${file}.part`;
  try {
    await rm(partial, { force: true });
    await pipeline(kept, createWriteStream(partial, { mode: 0o600, flush: true }));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw isOfFileSystem(error)
      ? new UsageError(`${file} cannot be written: ${error.code}`)
      : error;
  }
  run.show(
    { file, lines },
    () =>
      `Written to ${file}. Check it: npm run --silent verify-export -- ${[file, beside].join(' ').trim()}`,
  );
}

function isOfFileSystem(error: unknown): error is { readonly code: string } {
  return typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error;
}
