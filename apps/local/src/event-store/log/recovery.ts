import type { FileHandle } from 'node:fs/promises';
import { FRAME_HEADER_LENGTH, FRAME_MAGIC, hasIntactBody, readFrameHeader } from './frame.js';

/** First bytes of every log file; the last one is the version of the layout. */
export const LOG_FILE_HEADER = Buffer.from('dev-event-store\x01', 'latin1');

const CHUNK_LENGTH = 4 * 1024 * 1024;

/** Called for each intact frame in order; its body begins at `bodyStart` of `chunk`. */
export type FrameVisitor = (chunk: Buffer, bodyStart: number, recordCount: number) => void;

export interface Recovery {
  /** Length of the intact log: the file has to be cut here. */
  readonly length: number;
  /** Bytes after it that belong to an append that was never acknowledged. */
  readonly tornBytes: number;
}

/** Acknowledged events are damaged; nothing may be written until a person has looked at the file. */
export class CorruptLogError extends Error {
  constructor(
    readonly file: string,
    readonly offset: number,
    what: string,
  ) {
    super(
      `the event log ${file} is damaged at offset ${offset}: ${what}. ` +
        'Events that were acknowledged cannot be read; restore the file from a copy, or remove it to start empty.',
    );
    this.name = 'CorruptLogError';
  }
}

/**
 * Reads a log file from start to end and verifies every checksum.
 *
 * A damaged frame is the torn end of an append that was under way when the process or the machine died,
 * unless a later frame testifies that the log was already durable beyond it.
 *
 * @throws CorruptLogError
 */
export async function recoverLog(
  file: FileHandle,
  path: string,
  visit: FrameVisitor,
): Promise<Recovery> {
  const { size } = await file.stat();
  await verifyFileHeader(file, path, size);

  let offset = LOG_FILE_HEADER.length;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkOffset = offset;
  const load = async (length: number): Promise<void> => {
    chunk = await readFully(file, offset, Math.min(Math.max(length, CHUNK_LENGTH), size - offset));
    chunkOffset = offset;
  };

  while (offset < size) {
    let start = offset - chunkOffset;
    if (start + FRAME_HEADER_LENGTH > chunk.length) {
      await load(CHUNK_LENGTH);
      start = 0;
    }
    const header = readFrameHeader(chunk, start, offset);
    if (header === undefined) break;
    const frameLength = FRAME_HEADER_LENGTH + header.bodyLength;
    if (offset + frameLength > size) break;
    if (start + frameLength > chunk.length) {
      await load(frameLength);
      start = 0;
    }
    if (!hasIntactBody(chunk, start, header)) break;
    visit(chunk, start + FRAME_HEADER_LENGTH, header.recordCount);
    offset += frameLength;
  }

  if (offset < size && (await wasDurable(file, offset, size)))
    throw new CorruptLogError(path, offset, 'a checksum does not match');
  return { length: offset, tornBytes: size - offset };
}

async function verifyFileHeader(file: FileHandle, path: string, size: number): Promise<void> {
  const header = await readFully(file, 0, Math.min(LOG_FILE_HEADER.length, size));
  if (!header.equals(LOG_FILE_HEADER))
    throw new CorruptLogError(path, 0, 'it does not begin as an event log of this version does');
}

/** Whether a frame after `damagedAt` was written when the bytes at `damagedAt` had reached the disk. */
async function wasDurable(file: FileHandle, damagedAt: number, size: number): Promise<boolean> {
  let offset = damagedAt + 1;
  while (offset + FRAME_HEADER_LENGTH <= size) {
    const chunk = await readFully(file, offset, Math.min(CHUNK_LENGTH, size - offset));
    const lastStart = chunk.length - FRAME_HEADER_LENGTH;
    for (
      let start = chunk.indexOf(FRAME_MAGIC);
      start >= 0 && start <= lastStart;
      start = chunk.indexOf(FRAME_MAGIC, start + 1)
    ) {
      const header = readFrameHeader(chunk, start, offset + start);
      if (header !== undefined && header.durableBefore > damagedAt) return true;
    }
    offset += lastStart + 1;
  }
  return false;
}

async function readFully(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}
