import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolderOf } from '../../sync-folder.js';

interface Waiting {
  readonly line: Buffer;
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface AppendOnlyLogOptions<Entry> {
  /** Reads one stored entry; throws when it is none. */
  readonly parse: (stored: unknown) => Entry;
  /** What a shorter file would have to hold, or nothing while shortening does not pay. */
  readonly compacted?: (storedEntries: number) => readonly Entry[] | undefined;
  /** Called with faults that no caller waits for. */
  readonly onFault?: (error: unknown) => void;
}

const ENTRIES_BETWEEN_TRIES = 1_000;
const LINES_PER_WRITE = 1_000;

/**
 * Entries in a file, one JSON document a line. An entry is on the disk before its append resolves
 * (entries that wait for the disk share one fsync), so that a killed process forgets nothing it answered for.
 */
export class AppendOnlyLog<Entry> {
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #fault: Error | undefined;
  /** After a compaction that failed, the next one waits for so many more entries. */
  #compactAt = 0;

  private constructor(
    private readonly path: string,
    private readonly options: AppendOnlyLogOptions<Entry>,
    private file: FileHandle,
    private size: number,
    private storedEntries: number,
  ) {}

  /**
   * Opens the file, creating it and its folder when missing, and reads what it holds. A last entry that was
   * cut off while being written was never acknowledged and is removed.
   *
   * @throws Error when an entry other than the last cannot be read
   */
  static async open<Entry>(
    path: string,
    options: AppendOnlyLogOptions<Entry>,
  ): Promise<{ log: AppendOnlyLog<Entry>; entries: Entry[] }> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(`${path}.compacting`, { force: true });
    const file = await open(path, 'a+', 0o600);
    try {
      const { entries, size } = readEntries(path, await readFile(path), options.parse);
      await file.truncate(size);
      await file.sync();
      syncFolderOf(path);
      return { log: new AppendOnlyLog(path, options, file, size, entries.length), entries };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Why nothing can be appended any more, if that is so. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /**
   * Appends one entry.
   *
   * @param apply called once the entry is on the disk, in the order of the file and before any compaction
   * @throws when the entry could not be stored; it is then not in the file
   */
  append(entry: Entry, apply: () => void): Promise<void> {
    if (this.#fault) return Promise.reject(this.#fault);
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, apply, resolve, reject });
      this.#writing ??= this.writeWaiting().finally(() => (this.#writing = undefined));
    });
  }

  /** Stores what waits, then lets go of the file. */
  async close(): Promise<void> {
    await this.#writing;
    this.#fault ??= new Error('The log of e-mails is closed.');
    await this.file.close();
  }

  private async writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#fault) throw this.#fault;
        await this.write(Buffer.concat(batch.map((waiting) => waiting.line)));
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
        continue;
      }
      this.storedEntries += batch.length;
      for (const waiting of batch) {
        waiting.apply();
        waiting.resolve();
      }
      await this.compactWhenWorthwhile();
    }
  }

  private async write(bytes: Buffer): Promise<void> {
    try {
      await this.file.appendFile(bytes);
      await this.file.datasync();
      this.size += bytes.length;
    } catch (error) {
      // Half an entry must not stand between two whole ones.
      await this.file.truncate(this.size).catch((cause: unknown) => {
        this.#fault = new Error('The log of e-mails cannot be repaired after a failed write.', {
          cause,
        });
      });
      throw error;
    }
  }

  private async compactWhenWorthwhile(): Promise<void> {
    if (this.storedEntries < this.#compactAt) return;
    const entries = this.options.compacted?.(this.storedEntries);
    if (!entries) return;
    try {
      await this.compact(entries);
    } catch (error) {
      // The long file is still whole: go on with it, and do not try again with every e-mail.
      this.#compactAt = this.storedEntries + ENTRIES_BETWEEN_TRIES;
      this.options.onFault?.(error);
      // Half a copy must not take the room that is missing.
      await rm(`${this.path}.compacting`, { force: true });
    }
  }

  private async compact(entries: readonly Entry[]): Promise<void> {
    const path = `${this.path}.compacting`;
    const file = await open(path, 'w', 0o600);
    let size = 0;
    try {
      for (let first = 0; first < entries.length; first += LINES_PER_WRITE) {
        const lines = entries.slice(first, first + LINES_PER_WRITE);
        const bytes = Buffer.from(lines.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
        await file.appendFile(bytes);
        size += bytes.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const next = await open(path, 'a+', 0o600);
    const previous = this.file;
    await rename(path, this.path);
    this.file = next;
    this.size = size;
    this.storedEntries = entries.length;
    await previous.close();
    syncFolderOf(this.path);
  }
}

function readEntries<Entry>(
  path: string,
  content: Buffer,
  parse: (stored: unknown) => Entry,
): { entries: Entry[]; size: number } {
  const entries: Entry[] = [];
  let start = 0;
  while (start < content.length) {
    const end = content.indexOf(0x0a, start);
    if (end < 0) break;
    try {
      entries.push(parse(JSON.parse(content.toString('utf8', start, end))));
    } catch (cause) {
      if (end + 1 === content.length) break;
      throw new Error(
        `Entry ${entries.length + 1} of ${path} cannot be read: restore the file from a copy, or remove it to forget all mails.`,
        { cause },
      );
    }
    start = end + 1;
  }
  return { entries, size: start };
}
