import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import { linkOf } from '@app/event-store/event-chain.js';
import { EventStoreDBEventStore } from '@app/event-store/eventstoredb-event-store.js';
import type { EventStore, NewEvent, RecordedEvent } from '@app/event-store';
import { appendLinked } from '@app/event-store/testing/append-linked.js';
import { exampleAccountId } from '@app/views/testing/account-lives.js';
import { ErasureReceipts } from '../../apps/accounts-admin/src/accounts/erase-account/erasure-receipts.js';
import { ExportHeadsController } from '../../apps/accounts-admin/src/evidence/export-heads/export-heads.controller.js';
import { LogScan } from '../../apps/accounts-admin/src/evidence/log-scan.js';
import { VerifyAccountsController } from '../../apps/accounts-admin/src/evidence/verify-accounts/verify-accounts.controller.js';
import { startDevEventStore } from '../support/dev-event-store.js';
import type { DevEventStore } from '../support/dev-event-store.js';
import { temporaryFolder } from '../support/run-folder.js';

const VERIFY_EXPORT = join(process.cwd(), 'apps/accounts-admin/verify-export.mjs');
const receipts = new ErasureReceipts(randomBytes(32));
const database = { query: async () => ({ rows: [], rowCount: 0 }) };

const FILE_HEADER_LENGTH = 16;
const FRAME_HEADER_LENGTH = 32;
const STREAMS = 3;
const EVENTS = 4;

/** Each text of this event that an attacker finds in the file; all of the same length. */
const marked = (stream: number, revision: number) => `marked-${stream}-${revision}`;

describe("an attacker who can write to the event store's disk, checksums and all,", () => {
  let eventStore: DevEventStore;
  let original: Buffer;
  let earlier: string;
  const stream = (number: number) => accountStreamName(exampleAccountId(number));
  const file = () => join(eventStore.dataDir, 'events.log');

  beforeAll(async () => {
    eventStore = await startDevEventStore();
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    for (let number = 0; number < STREAMS; number++) {
      // An append is a frame of the file.
      for (let revision = 0; revision < EVENTS; revision++) {
        await appendLinked(store, stream(number), [event(marked(number, revision))]);
      }
    }
    earlier = await headsOf(store);
    await store.close();
    await eventStore.stop();
    original = readFileSync(file());
  });
  beforeEach(() => writeFileSync(file(), original));
  afterAll(() => eventStore.stop());

  /** What becomes of a product whose file was changed; the server was started again. */
  async function after<Result>(
    change: (bytes: Buffer) => Buffer | undefined,
    work: (store: EventStoreDBEventStore) => Promise<Result>,
  ): Promise<Result> {
    const bytes = Buffer.from(original);
    const changed = change(bytes) ?? bytes;
    withChecksums(changed);
    writeFileSync(file(), changed);
    await eventStore.restart();
    const store = new EventStoreDBEventStore({ url: eventStore.url });
    try {
      return await work(store);
    } finally {
      await store.close();
      await eventStore.stop();
    }
  }

  const foundIn = async (store: EventStore) => {
    const { lines } = new VerifyAccountsController(new LogScan(store, database)).verify();
    return (await gathered(lines)).map((line) => JSON.parse(line) as object);
  };

  const foundAfter = (change: (bytes: Buffer) => Buffer | undefined) => after(change, foundIn);

  async function headsOf(store: EventStore, since?: bigint): Promise<string> {
    const heads = new ExportHeadsController(new LogScan(store, database), Date.now, receipts);
    const { lines } = heads.export({ since: since === undefined ? undefined : String(since) });
    return (await gathered(lines)).join('');
  }

  it('and changes nothing, is not accused', async () => {
    expect(await foundAfter(() => undefined)).toEqual([
      {
        end: {
          intact: true,
          streams: STREAMS,
          events: STREAMS * EVENTS,
          broken: 0,
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

  it('rewrites a history with its links: shows beside earlier heads, though an event was appended since', async () => {
    const forge = (bytes: Buffer): Buffer => {
      const place = bytes.indexOf(marked(1, 1));
      bytes.write(marked(9, 9), place, 'latin1');
      relink(bytes, stream(1), recorded);
      return bytes;
    };
    const recorded = await after(
      () => undefined,
      (store) => gathered(store.readStream(stream(1))),
    );
    await after(forge, async (store) => {
      expect(await foundIn(store)).toEqual([{ end: expect.objectContaining({ intact: true }) }]);
      await appendLinked(store, stream(1), [event('later')]);
      const [, reached = ''] = /"reached":"(\d+)"/.exec(earlier) ?? [];
      const later = await headsOf(store, BigInt(reached));
      expect(verifyExport(later)).toMatchObject({ status: 0 });
      expect(verifyExport(later, earlier)).toEqual({
        status: 1,
        out: `The export does not verify: ${stream(1)} was written anew, up to revision ${EVENTS - 1}\n`,
      });
    });
    await after(
      () => undefined,
      async (store) => {
        await appendLinked(store, stream(1), [event('later')]);
        const [, reached = ''] = /"reached":"(\d+)"/.exec(earlier) ?? [];
        expect(verifyExport(await headsOf(store, BigInt(reached)), earlier)).toEqual({
          status: 0,
          out: expect.stringContaining('1 grew since, 0 are new'),
        });
      },
    );
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

/** What the program says of heads beside earlier ones. */
function verifyExport(...contents: readonly string[]) {
  const folder = temporaryFolder('tampered');
  const files = contents.map((content, index) => {
    const name = join(folder, ['later.ndjson', 'earlier.ndjson'][index] ?? '');
    writeFileSync(name, content);
    return name;
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, [VERIFY_EXPORT, ...files], {
    encoding: 'utf8',
  });
  return { status, out: stdout + stderr };
}

async function gathered<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

function event(reason: string): NewEvent {
  return {
    id: randomUUID(),
    type: 'ActivationCodeUndeliverable',
    data: { reason },
    metadata: {
      schemaVersion: 1,
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      actor: 'worker',
    },
  };
}

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

/** Computes the links of a stream anew after its texts were changed, and writes them over the old ones. */
function relink(bytes: Buffer, streamName: string, recorded: readonly RecordedEvent[]): void {
  let link = '';
  for (const { metadata, data, ...before } of recorded) {
    const old = metadata.chain ?? '';
    const place = bytes.indexOf(old);
    const frame = framesOf(bytes).findLast(({ start }) => start < place);
    const text = bytes.toString('latin1', frame?.start, (frame?.start ?? 0) + 1_000);
    const [changed] = /\{"reason".*?\}/.exec(text) ?? [JSON.stringify(data)];
    link = linkOf(link, { ...before, metadata, streamName, data: JSON.parse(changed) as unknown });
    bytes.write(link, place, 'latin1');
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
