import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import { linkOf } from '@app/event-store/event-chain.js';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import type { NewEvent } from '@app/event-store';
import { exampleAccountId } from '@app/views/testing/account-lives.js';
import { LogScan } from '../../apps/accounts-admin/src/evidence/log-scan.js';
import { VerifyAccountsQuery } from '../../apps/accounts-admin/src/evidence/verify-accounts/verify-accounts.query.js';
import type { VerificationLine } from '../../apps/accounts-admin/src/evidence/verify-accounts/verify-accounts.query.js';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';

const FILE_HEADER_LENGTH = 16;
const FRAME_HEADER_LENGTH = 32;
const STREAMS = 3;
const EVENTS = 4;

/** Each text of this event that an attacker finds in the file; all of the same length. */
const marked = (stream: number, revision: number) => `marked-${stream}-${revision}`;

describe("an attacker who can write to the event store's disk, checksums and all,", () => {
  let eventStore: DevEventStore;
  let original: Buffer;
  const stream = (number: number) => accountStreamName(exampleAccountId(number));
  const file = () => join(eventStore.dataDir, 'events.log');

  beforeAll(async () => {
    eventStore = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    for (let number = 0; number < STREAMS; number++) {
      let chain = '';
      for (let revision = 0n; revision < EVENTS; revision += 1n) {
        const event = {
          id: randomUUID(),
          type: 'ActivationCodeUndeliverable',
          data: { reason: marked(number, Number(revision)) },
          metadata: {
            schemaVersion: 1,
            $correlationId: randomUUID(),
            $causationId: randomUUID(),
            actor: 'worker',
          },
        };
        chain = linkOf(chain, { ...event, streamName: stream(number), revision });
        const linked: NewEvent = { ...event, metadata: { ...event.metadata, chain } };
        const expected = revision === 0n ? 'no-stream' : revision - 1n;
        await store.append(stream(number), expected, [linked]);
      }
    }
    await store.close();
    await eventStore.stop();
    original = readFileSync(file());
  });
  beforeEach(() => writeFileSync(file(), original));
  afterAll(() => eventStore.stop());

  /** What the verification finds after the file was changed and the server started again. */
  async function foundAfter(
    change: (bytes: Buffer) => Buffer | undefined,
  ): Promise<VerificationLine[]> {
    const bytes = Buffer.from(original);
    const changed = change(bytes) ?? bytes;
    withChecksums(changed);
    writeFileSync(file(), changed);
    await eventStore.restart();
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    try {
      const database = { query: async () => ({ rows: [], rowCount: 0 }) };
      const lines: VerificationLine[] = [];
      for await (const line of new VerifyAccountsQuery(new LogScan(store, database)).verify()) {
        lines.push(line);
      }
      return lines;
    } finally {
      await store.close();
      await eventStore.stop();
    }
  }

  it('and changes nothing, is not accused', async () => {
    expect(await foundAfter(() => undefined)).toEqual([
      {
        end: {
          intact: true,
          streams: STREAMS,
          events: STREAMS * EVENTS,
          broken: 0,
          withoutLinks: 0,
        },
      },
    ]);
  });

  it('flips one bit of an event: stream and revision are named', async () => {
    const found = await foundAfter((bytes) => {
      const place = bytes.indexOf(marked(1, 2));
      bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
      return bytes;
    });
    expect(found).toEqual([
      { broken: { stream: stream(1), revision: 2, reason: 'link-differs' } },
      { end: expect.objectContaining({ intact: false, streams: STREAMS, broken: 1 }) },
    ]);
  });

  it('exchanges two events of a stream, with their ids and links', async () => {
    const found = await foundAfter((bytes) => exchange(bytes, marked(0, 1), marked(0, 2)));
    expect(found[0]).toEqual({
      broken: { stream: stream(0), revision: 1, reason: 'link-differs' },
    });
  });

  it('puts an event of one account into the place of one of another', async () => {
    const found = await foundAfter((bytes) => exchange(bytes, marked(0, 3), marked(2, 3)));
    expect(found.slice(0, 2)).toEqual([
      { broken: { stream: stream(0), revision: 3, reason: 'link-differs' } },
      { broken: { stream: stream(2), revision: 3, reason: 'link-differs' } },
    ]);
  });

  it('cuts an event off the end: that leaves a whole chain, and shows only beside earlier heads', async () => {
    const found = await foundAfter((bytes) => {
      const last = bytes.indexOf(marked(STREAMS - 1, EVENTS - 1));
      return bytes.subarray(0, framesOf(bytes).findLast(({ start }) => start < last)?.start);
    });
    expect(found).toEqual([
      { end: expect.objectContaining({ intact: true, events: STREAMS * EVENTS - 1 }) },
    ]);
  });
});

function framesOf(bytes: Buffer): { readonly start: number; readonly bodyLength: number }[] {
  const frames = [];
  for (let start = FILE_HEADER_LENGTH; start + FRAME_HEADER_LENGTH <= bytes.length;) {
    const bodyLength = bytes.readUInt32LE(start + 4);
    frames.push({ start, bodyLength });
    start += FRAME_HEADER_LENGTH + bodyLength;
  }
  return frames;
}

/** As the server itself would have written them; see frame.ts of the development event store. */
function withChecksums(bytes: Buffer): void {
  for (const { start, bodyLength } of framesOf(bytes)) {
    const bodyStart = start + FRAME_HEADER_LENGTH;
    bytes.writeUInt32LE(crc32(bytes.subarray(bodyStart, bodyStart + bodyLength)), start + 24);
    bytes.writeUInt32LE(crc32(bytes.subarray(start, start + 28)), start + 28);
  }
}

/** Ids, metadata and data of the two events that these texts stand in. */
function exchange(bytes: Buffer, one: string, other: string): Buffer {
  for (const part of [
    /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/,
    /\{"schemaVersion".*?\}/,
    /\{"reason".*?\}/,
  ]) {
    const [first, second] = [one, other].map((mark) => {
      const frame = framesOf(bytes).findLast(({ start }) => start < bytes.indexOf(mark));
      const start = frame?.start ?? 0;
      const text = bytes.toString(
        'latin1',
        start,
        start + FRAME_HEADER_LENGTH + (frame?.bodyLength ?? 0),
      );
      const found = part.exec(text);
      if (found === null) throw new Error(`${String(part)} is not in the event of ${mark}`);
      return { at: start + found.index, text: found[0] };
    });
    if (first?.text.length !== second?.text.length || !first || !second) {
      throw new Error('only parts of the same length can be exchanged');
    }
    bytes.write(second.text, first.at, 'latin1');
    bytes.write(first.text, second.at, 'latin1');
  }
  return bytes;
}
