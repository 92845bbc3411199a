import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { convertGrpcEvent } from '@eventstore/db-client/dist/utils/convertGrpcEvent.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { MalformedMessage } from './protobuf-reader.js';
import { readAnswerOf } from './eventstoredb-read-answers.js';

const place = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const event = fc.record({
  id: fc.uuid(),
  isStructured: fc.boolean(),
  streamName: fc.string({ unit: 'grapheme' }),
  revision: place,
  prepare: place,
  commit: place,
  type: fc.string({ unit: 'grapheme', minLength: 1 }),
  contentType: fc.constantFrom('application/json', 'application/octet-stream'),
  metadata: fc.oneof(fc.constant(''), fc.json()),
  data: fc.json(),
});
type Example = ReturnType<typeof event.generate>['value'];

function messageOf(example: Example): Buffer {
  const id = new shared.UUID();
  if (example.isStructured) {
    const structured = new shared.UUID.Structured();
    structured.setMostSignificantBits(String(0x0123456789ab4defn));
    structured.setLeastSignificantBits(String(BigInt.asIntN(64, 0x8123456789abcdefn)));
    id.setStructured(structured);
  } else id.setString(example.id);
  const stream = new shared.StreamIdentifier();
  stream.setStreamName(Buffer.from(example.streamName));
  const record = new streams.ReadResp.ReadEvent.RecordedEvent();
  record.setId(id);
  record.setStreamIdentifier(stream);
  record.setStreamRevision(String(example.revision));
  record.setPreparePosition(String(example.prepare));
  record.setCommitPosition(String(example.commit));
  record.getMetadataMap().set('type', example.type);
  record.getMetadataMap().set('content-type', example.contentType);
  record.getMetadataMap().set('created', '17643600000000000');
  record.setCustomMetadata(Buffer.from(example.metadata));
  record.setData(Buffer.from(example.data));
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(record);
  read.setCommitPosition(String(example.commit));
  const answer = new streams.ReadResp();
  answer.setEvent(read);
  return Buffer.from(answer.serializeBinary());
}

function eventIn(answer: streams.ReadResp) {
  const read = answer.getEvent();
  return read && convertGrpcEvent(read).event;
}

describe('answers to a read', () => {
  it('hold the events that the generated code of the client finds in them', () => {
    fc.assert(
      fc.property(event, (example) => {
        const message = messageOf(example);
        const expected = eventIn(streams.ReadResp.deserializeBinary(message));
        expect(expected?.type).toBe(example.type);
        expect(eventIn(readAnswerOf(message))).toEqual(expected);
      }),
    );
  });

  it('without an event are those of the generated code', () => {
    const answer = new streams.ReadResp();
    answer.setCaughtUp(new streams.ReadResp.CaughtUp());
    const read = readAnswerOf(Buffer.from(answer.serializeBinary()));
    expect(read.hasCaughtUp()).toBe(true);
    expect(read.hasEvent()).toBe(false);
  });

  it('that are cut off are refused', () => {
    const [example] = fc.sample(event, 1);
    const message = example && messageOf(example);
    expect(() => readAnswerOf(message?.subarray(0, -1) ?? Buffer.alloc(0))).toThrow(
      MalformedMessage,
    );
  });
});
