import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventRecord, writeRecord } from '../log/event-record.js';
import { ProtobufWriter } from '../protobuf/protobuf-writer.js';
import { EventIndex, NOT_FOUND } from './event-index.js';

function record(streamName: Buffer, type: Buffer, position: number): EventRecord {
  const writer = new ProtobufWriter();
  const nothing = Buffer.alloc(0);
  const id = '0b8f7c1e-5a2d-4e3f-9b4a-6c7d8e9f0a1b';
  const parts = { revision: 0, isJson: true, customMetadata: nothing, data: nothing };
  writeRecord(writer, { id, streamName, type, ...parts }, position, 0);
  return new EventRecord(writer.copy());
}

describe('the index of events', () => {
  it('finds the events of each stream, however they are interleaved, and numbers names as they come', () => {
    const names = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3, max: 255 }));
    fc.assert(
      fc.property(names, (streams) => {
        const index = new EventIndex();
        const expected = new Map<string, number[]>();
        for (const [number, bytes] of streams.entries()) {
          const stream = Buffer.from(bytes);
          index.add(record(stream, Buffer.from(`Type${number % 2}`), number * 2 ** 33));
          const name = stream.toString('hex');
          expected.set(name, [...(expected.get(name) ?? []), number]);
        }
        for (const [number, [name, events]] of [...expected].entries()) {
          const stream = Buffer.from(name, 'hex');
          expect(index.streams.find(stream)).toBe(number);
          expect(index.streams.nameOf(number)).toBe(stream.toString('utf8'));
          expect(index.lengthOfStream(number)).toBe(events.length);
          expect(events.map((_, revision) => index.eventAt(number, revision))).toEqual(events);
          for (const event of events) {
            expect(index.streamOf(event)).toBe(number);
            expect(index.types.nameOf(index.typeOf(event))).toBe(`Type${event % 2}`);
            expect(index.positionOf(event)).toBe(event * 2 ** 33);
            expect(index.firstEventAtOrAfter(event * 2 ** 33)).toBe(event);
          }
        }
        expect(index.lengthOfStream(index.streams.find(Buffer.from('of no event')))).toBe(0);
        expect(index.types.find(Buffer.from('of no event'))).toBe(NOT_FOUND);
      }),
    );
  });
});
