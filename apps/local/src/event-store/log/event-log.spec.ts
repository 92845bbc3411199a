import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import type { writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../../../../../test/support/eventually.js';
import { EventLog } from './event-log.js';
import type { EventLogOptions } from './event-log.js';
import { FRAME_HEADER_LENGTH, sealFrame } from './frame.js';
import { CorruptLogError, LOG_FILE_HEADER } from './recovery.js';

describe('the event log', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'event-log-'));
    path = join(folder, 'events.log');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Opens the log and returns the bodies it found. */
  async function open(
    disk: Partial<EventLogOptions> = {},
  ): Promise<{ log: EventLog; found: string[] }> {
    const found: string[] = [];
    const log = await EventLog.open({
      path,
      fsync: false,
      visit: (chunk, bodyStart, recordCount) => {
        if (recordCount > 0)
          found.push(chunk.toString('latin1', bodyStart, bodyStart + recordCount));
      },
      onRoom: () => undefined,
      onFailure: (error) => {
        throw error;
      },
      ...disk,
    });
    return { log, found };
  }

  /** In these tests a body has as many bytes as its frame says it has records. */
  function append(log: EventLog, body: string): Promise<void> {
    const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_LENGTH), Buffer.from(body, 'latin1')]);
    return new Promise((resolve) => log.append(frame, body.length, resolve));
  }

  async function logWith(...bodies: string[]): Promise<number[]> {
    const { log } = await open();
    const ends: number[] = [];
    for (const body of bodies) {
      await append(log, body);
      ends.push(log.nextBodyOffset - FRAME_HEADER_LENGTH);
    }
    await log.close();
    return ends;
  }

  function flipByte(offset: number): void {
    const bytes = readFileSync(path);
    bytes[offset]! ^= 0x40;
    writeFileSync(path, bytes);
  }

  it('finds again what was appended, in order', async () => {
    await logWith('one', 'two', 'three');
    const { log, found } = await open();
    expect(found).toEqual(['one', 'two', 'three']);
    expect(log.recovery.tornBytes).toBe(0);
    await log.close();
  });

  it('can be read before it is durable', async () => {
    const { log } = await open();
    const at = log.nextBodyOffset;
    const durable = append(log, 'pending');
    expect(log.read(at, 7).toString()).toBe('pending');
    await durable;
    await log.close();
  });

  it('reads records that cross the blocks of its cache', async () => {
    const { log } = await open();
    const body = 'x'.repeat(200_000) + 'end';
    const at = log.nextBodyOffset;
    await append(log, body);
    await log.close();
    const again = await open();
    expect(again.log.read(at, body.length).toString('latin1')).toBe(body);
    await again.log.close();
  });

  it('cuts off an append that was under way, wherever it was torn', async () => {
    const [first, second] = await logWith('first append', 'second append');
    const whole = readFileSync(path).subarray(0, second);
    for (let length = first! + 1; length < second!; length += 1) {
      writeFileSync(path, whole.subarray(0, length));
      const { log, found } = await open();
      expect(found).toEqual(['first append']);
      expect(log.recovery).toEqual({ length: first, tornBytes: length - first! });
      await log.close();
    }
  });

  it('goes on after a cut', async () => {
    const [, second] = await logWith('first', 'second');
    truncateSync(path, second! - 1);
    await logWith('third');
    const { log, found } = await open();
    expect(found).toEqual(['first', 'third']);
    await log.close();
  });

  describe('on a full disk', () => {
    let room = Infinity;
    const announced: boolean[] = [];

    /** Takes what there is room for, as the system does, and fails when that is nothing. */
    const writev: typeof writevSync = (fd, buffers, position) => {
      const bytes = Buffer.concat(buffers as Buffer[]).subarray(0, room);
      if (bytes.length === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      room -= bytes.length;
      return writeSync(fd, bytes, 0, bytes.length, position);
    };

    beforeEach(() => {
      room = Infinity;
      announced.length = 0;
    });

    const openThere = () => open({ writev, onRoom: (hasRoom) => announced.push(hasRoom) });

    it('acknowledges nothing, goes on reading, and goes on by itself when there is room again', async () => {
      const { log } = await openThere();
      const at = log.nextBodyOffset;
      await append(log, 'one');
      room = FRAME_HEADER_LENGTH + 1;
      let acknowledged = false;
      const two = append(log, 'two').then(() => (acknowledged = true));
      await eventually(() => expect(log.hasRoom).toBe(false));
      expect(acknowledged).toBe(false);
      expect(log.read(at, 3).toString()).toBe('one');
      room = Infinity;
      await two;
      expect([log.hasRoom, announced]).toEqual([true, [false, true]]);
      await append(log, 'three');
      await log.close();
      expect((await open()).found).toEqual(['one', 'two', 'three']);
    });

    it('can be closed; what was not acknowledged is cut off', async () => {
      const { log } = await openThere();
      await append(log, 'one');
      room = FRAME_HEADER_LENGTH + 1;
      let acknowledged = false;
      void append(log, 'two').then(() => (acknowledged = true));
      await eventually(() => expect(log.hasRoom).toBe(false));
      await log.close();
      expect(acknowledged).toBe(false);
      const again = await open();
      expect(again.found).toEqual(['one']);
      expect(again.log.recovery.tornBytes).toBe(FRAME_HEADER_LENGTH + 1);
      await again.log.close();
    });
  });

  it('refuses to start when a durable append is damaged, naming file and offset', async () => {
    const [first] = await logWith('first', 'second', 'third');
    flipByte(first! + FRAME_HEADER_LENGTH + 2);
    await expect(open()).rejects.toThrow(CorruptLogError);
    await expect(open()).rejects.toThrow(`${path} is damaged at offset ${first}`);
  });

  it('refuses to start when the length in a header is damaged', async () => {
    const [first] = await logWith('first', 'second', 'third');
    flipByte(first! + 6);
    await expect(open()).rejects.toThrow(`${path} is damaged at offset ${first}`);
  });

  it('distinguishes damage of the last append from a torn one after a clean stop', async () => {
    const [first] = await logWith('first', 'last');
    flipByte(first! + FRAME_HEADER_LENGTH);
    await expect(open()).rejects.toThrow(CorruptLogError);
  });

  it('cuts a group that was written out of order before the machine lost power', async () => {
    const [first] = await logWith('first');
    const durable = readFileSync(path).subarray(0, first);
    const lost = Buffer.alloc(FRAME_HEADER_LENGTH + 4);
    const kept = Buffer.alloc(FRAME_HEADER_LENGTH + 4);
    const keptAt = first! + lost.length;
    sealFrame(kept, { offset: keptAt, durableBefore: first!, recordCount: 4 });
    writeFileSync(path, Buffer.concat([durable, lost, kept]));
    const { log, found } = await open();
    expect(found).toEqual(['first']);
    expect(log.recovery.length).toBe(first);
    await log.close();
  });

  it('refuses a file that is something else', async () => {
    writeFileSync(path, 'some other file altogether');
    await expect(open()).rejects.toThrow(`${path} is damaged at offset 0`);
  });

  it('starts anew when the crash came before the file had its header', async () => {
    writeFileSync(path, LOG_FILE_HEADER.subarray(0, 5));
    const { log, found } = await open();
    expect(found).toEqual([]);
    await log.close();
  });

  it('never invents or reorders appends, whichever byte is damaged', async () => {
    const bodies = ['alpha', 'beta', 'gamma', 'delta'];
    const ends = await logWith(...bodies);
    const intact = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: LOG_FILE_HEADER.length, max: ends.at(-1)! - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (offset, change) => {
          const damaged = Buffer.from(intact);
          damaged[offset]! ^= change;
          writeFileSync(path, damaged);
          await expect(open()).rejects.toThrow(CorruptLogError);
        },
      ),
      { numRuns: 60 },
    );
  });
});
