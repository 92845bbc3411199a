import { close, fdatasync, ftruncateSync, fsyncSync, openSync, writevSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { pauseUnlessAborted } from '@app/event-store';
import { isDiskFull } from '@app/process';
import { syncFolderOf } from '../../sync-folder.js';
import { BlockCache } from './block-cache.js';
import { FRAME_HEADER_LENGTH, sealFrame } from './frame.js';
import { LOG_FILE_HEADER, recoverLog } from './recovery.js';
import type { FrameVisitor, Recovery } from './recovery.js';

const syncData = promisify(fdatasync);
const closeFile = promisify(close);

const CACHE_BYTES = 32 * 1024 * 1024;
/** The system takes at most 1,024 buffers in one writev. */
const MAX_FRAMES_PER_WRITE = 1_000;
/** How often a full disk is tried again, in milliseconds. */
const ROOM_POLL_MS = 250;

export interface EventLogOptions {
  readonly path: string;
  /** Whether an append waits for the disk; without it a crash of the machine loses events. */
  readonly fsync: boolean;
  /** Called for every frame found at the start. */
  readonly visit: FrameVisitor;
  /** Called when the disk is full, and when there is room again. */
  readonly onRoom: (hasRoom: boolean) => void;
  /** Called once when the disk fails; the log accepts nothing afterwards. */
  readonly onFailure: (error: Error) => void;
  /** Writes like `writev` of the system; for specs that have the disk fail. */
  readonly writev?: typeof writevSync;
}

interface Waiting {
  readonly offset: number;
  readonly resolve: () => void;
}

/**
 * Append-only file of checksummed frames with group commit: all appends that arrive while the disk is
 * busy are written and synced together.
 */
export class EventLog {
  private pending: Buffer[] = [];
  private readonly waiting: Waiting[] = [];
  private end: number;
  private durable: number;
  private flushing: Promise<void> | undefined;
  private failed = false;
  private isFull = false;
  private readonly closing = new AbortController();

  private constructor(
    private readonly fileDescriptor: number,
    private readonly cache: BlockCache,
    private readonly options: EventLogOptions,
    readonly recovery: Recovery,
  ) {
    this.end = recovery.length;
    this.durable = recovery.length;
  }

  /**
   * Opens or creates the log, verifies it and cuts off an unfinished append.
   *
   * @throws CorruptLogError
   */
  static async open(options: EventLogOptions): Promise<EventLog> {
    const file = await open(options.path, 'a+');
    let recovery: Recovery;
    try {
      // A crash right after the file was created may have left less than its header.
      if ((await file.stat()).size < LOG_FILE_HEADER.length) {
        await file.truncate(0);
        await file.appendFile(LOG_FILE_HEADER);
      }
      recovery = await recoverLog(file, options.path, options.visit);
    } finally {
      await file.close();
    }
    const fileDescriptor = openSync(options.path, 'r+');
    if (recovery.tornBytes > 0) ftruncateSync(fileDescriptor, recovery.length);
    fsyncSync(fileDescriptor);
    syncFolderOf(options.path);
    const cache = new BlockCache(fileDescriptor, recovery.length, CACHE_BYTES);
    return new EventLog(fileDescriptor, cache, options, recovery);
  }

  /** Whether appends are written: false while the disk is full. Reads go on, and so do appends once there is room. */
  get hasRoom(): boolean {
    return !this.isFull;
  }

  /** Where the body of the next frame will begin. */
  get nextBodyOffset(): number {
    return this.end + FRAME_HEADER_LENGTH;
  }

  /**
   * Adds a frame whose body starts at `FRAME_HEADER_LENGTH` of `frame`; the header is filled in here.
   * It can be read at once and is durable when `onDurable` is called.
   */
  append(frame: Buffer, recordCount: number, onDurable: () => void): void {
    if (this.failed) throw new Error('the event log failed and accepts nothing any more');
    sealFrame(frame, { offset: this.end, durableBefore: this.durable, recordCount });
    this.cache.append(frame);
    this.pending.push(frame);
    this.end += frame.length;
    this.waiting.push({ offset: this.end, resolve: onDurable });
    this.flushing ??= this.flush();
  }

  /** Calls back when everything appended so far is durable, at once when it already is. */
  afterDurable(callback: () => void): void {
    if (this.end === this.durable) callback();
    else this.waiting.push({ offset: this.end, resolve: callback });
  }

  /** Bytes of the log, durable or not; not to be changed by the caller. */
  read(offset: number, length: number): Buffer {
    return this.cache.read(offset, length);
  }

  /** Writes out what is pending and marks the end, which distinguishes later damage from a torn append. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.flushing;
    if (!this.failed && this.end > this.recovery.length) {
      this.append(Buffer.alloc(FRAME_HEADER_LENGTH), 0, () => undefined);
      await this.flushing;
    }
    await closeFile(this.fileDescriptor);
  }

  private async flush(): Promise<void> {
    try {
      // Appends of the same turn of the event loop share the first write.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.pending.length > 0) {
        const frames = this.pending;
        this.pending = [];
        const end = await this.writeOnceThereIsRoom(frames);
        if (end === undefined) return;
        if (this.options.fsync) await syncData(this.fileDescriptor);
        this.cache.markWritten(end);
        this.durable = end;
        this.announce();
      }
    } catch (error) {
      this.failed = true;
      this.options.onFailure(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.flushing = undefined;
    }
  }

  /**
   * What a full disk took of the frames is no acknowledged part of the log: it is written again at the same place.
   *
   * @returns the new end of the log; undefined when it was closed before there was room
   */
  private async writeOnceThereIsRoom(frames: Buffer[]): Promise<number | undefined> {
    for (;;) {
      try {
        const end = this.write(frames);
        if (this.isFull) this.options.onRoom(true);
        this.isFull = false;
        return end;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        if (!this.isFull) this.options.onRoom(false);
        this.isFull = true;
      }
      if (this.closing.signal.aborted) {
        this.failed = true;
        return undefined;
      }
      await pauseUnlessAborted(ROOM_POLL_MS, this.closing.signal);
    }
  }

  /** Into the system's cache, which is a matter of microseconds: waiting for a thread takes longer. */
  private write(frames: Buffer[]): number {
    let offset = this.durable;
    for (let first = 0; first < frames.length; first += MAX_FRAMES_PER_WRITE) {
      let rest = frames.slice(first, first + MAX_FRAMES_PER_WRITE);
      while (rest.length > 0) {
        const written = (this.options.writev ?? writevSync)(this.fileDescriptor, rest, offset);
        offset += written;
        rest = withoutFirstBytes(rest, written);
      }
    }
    return offset;
  }

  private announce(): void {
    let resolved = 0;
    while (resolved < this.waiting.length && this.waiting[resolved]!.offset <= this.durable)
      resolved += 1;
    for (const { resolve } of this.waiting.splice(0, resolved)) resolve();
  }
}

function withoutFirstBytes(buffers: Buffer[], count: number): Buffer[] {
  let index = 0;
  let left = count;
  while (index < buffers.length && left >= buffers[index]!.length) {
    left -= buffers[index]!.length;
    index += 1;
  }
  const rest = buffers.slice(index);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}
