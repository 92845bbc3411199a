import { crc32 } from 'node:zlib';

/**
 * One frame of the log file holds the records of one append, so that an append is there as a whole or
 * not at all. Layout of the header, little endian:
 *
 * | at | bytes | what                                                                     |
 * |----|-------|--------------------------------------------------------------------------|
 * | 0  | 4     | magic                                                                    |
 * | 4  | 4     | length of the body                                                       |
 * | 8  | 6     | offset of this frame in the file, so that stray bytes never pass for one |
 * | 14 | 6     | length of the log that was durable when this frame was written           |
 * | 20 | 4     | number of records in the body                                            |
 * | 24 | 4     | CRC-32 of the body                                                       |
 * | 28 | 4     | CRC-32 of the 28 bytes before                                            |
 */
export const FRAME_HEADER_LENGTH = 32;
export const FRAME_MAGIC = Buffer.from('\x00Fr\x01', 'latin1');

export interface FrameHeader {
  readonly bodyLength: number;
  readonly offset: number;
  /** Everything before this offset had reached the disk when the frame was written. */
  readonly durableBefore: number;
  readonly recordCount: number;
  readonly bodyChecksum: number;
}

/** Fills in the header in front of a body that starts at `FRAME_HEADER_LENGTH` of `frame`. */
export function sealFrame(
  frame: Buffer,
  header: Pick<FrameHeader, 'offset' | 'durableBefore' | 'recordCount'>,
): void {
  FRAME_MAGIC.copy(frame, 0);
  frame.writeUInt32LE(frame.length - FRAME_HEADER_LENGTH, 4);
  frame.writeUIntLE(header.offset, 8, 6);
  frame.writeUIntLE(header.durableBefore, 14, 6);
  frame.writeUInt32LE(header.recordCount, 20);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEADER_LENGTH)), 24);
  frame.writeUInt32LE(crc32(frame.subarray(0, 28)), 28);
}

/** The header at `start` of `bytes`, or undefined when the bytes there are not an intact header. */
export function readFrameHeader(
  bytes: Buffer,
  start: number,
  expectedOffset: number,
): FrameHeader | undefined {
  if (start + FRAME_HEADER_LENGTH > bytes.length) return undefined;
  if (bytes.compare(FRAME_MAGIC, 0, FRAME_MAGIC.length, start, start + 4) !== 0) return undefined;
  if (crc32(bytes.subarray(start, start + 28)) !== bytes.readUInt32LE(start + 28)) return undefined;
  const offset = bytes.readUIntLE(start + 8, 6);
  if (offset !== expectedOffset) return undefined;
  return {
    bodyLength: bytes.readUInt32LE(start + 4),
    offset,
    durableBefore: bytes.readUIntLE(start + 14, 6),
    recordCount: bytes.readUInt32LE(start + 20),
    bodyChecksum: bytes.readUInt32LE(start + 24),
  };
}

/** Whether the body of the frame that starts at `start` is what was written. */
export function hasIntactBody(bytes: Buffer, start: number, header: FrameHeader): boolean {
  const bodyStart = start + FRAME_HEADER_LENGTH;
  return crc32(bytes.subarray(bodyStart, bodyStart + header.bodyLength)) === header.bodyChecksum;
}
