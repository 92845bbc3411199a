import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GoogleEmpty, shared, streams } from '../protocol.js';
import {
  batchAppendResponse,
  readAppendRequest,
  readBatchAppendRequest,
  readProposedEvent,
  readTarget,
} from './append-messages.js';
import { MalformedMessage } from '@app/event-store';
import { RpcError } from './rpc-errors.js';

const CORRELATION = '6f1c9a52-3b0e-4f7e-9d58-0f7f7f3b9a11';
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
/** Of streams that are not the system's. */
const streamName = text.filter((name) => !name.startsWith('$'));
const bytes = fc.uint8Array({ maxLength: 300 });
const revision = fc.maxSafeNat();

function uuid(id: string) {
  const message = new shared.UUID();
  message.setString(id);
  return message;
}

function identifier(name: string) {
  const message = new shared.StreamIdentifier();
  message.setStreamName(Buffer.from(name));
  return message;
}

function encoded(message: { serializeBinary(): Uint8Array }): Buffer {
  return Buffer.from(message.serializeBinary());
}

describe('append messages', () => {
  it('are read as the generated code writes them', () => {
    fc.assert(
      fc.property(fc.uuid(), text, bytes, bytes, fc.boolean(), (id, type, data, custom, isJson) => {
        const proposed = new streams.AppendReq.ProposedMessage();
        proposed.setId(uuid(id.toUpperCase()));
        proposed.getMetadataMap().set('content-type', isJson ? 'application/json' : 'text/plain');
        proposed.getMetadataMap().set('type', type);
        proposed.setData(data);
        proposed.setCustomMetadata(custom);
        const { event } = readAppendRequest(
          encoded(new streams.AppendReq().setProposedMessage(proposed)),
        );
        expect(event).toEqual({
          id,
          type: Buffer.from(type),
          isJson,
          data: Buffer.from(data),
          customMetadata: Buffer.from(custom),
        });
      }),
    );
  });

  it('say where events go', () => {
    fc.assert(
      fc.property(streamName, revision, (name, expected) => {
        const options = new streams.AppendReq.Options();
        options.setStreamIdentifier(identifier(name));
        const read = () => readTarget(encoded(options));
        options.setRevision(String(expected));
        expect(read()).toEqual({ streamName: Buffer.from(name), expected, deadline: undefined });
        options.setNoStream(new shared.Empty());
        expect(read().expected).toBe('no_stream');
        options.setAny(new shared.Empty());
        expect(read().expected).toBe('any');
        options.setStreamExists(new shared.Empty());
        expect(read().expected).toBe('stream_exists');
      }),
    );
  });

  it('go to no stream of the system', () => {
    // `$$` and `$all` are none: EventStoreDB has other answers for them.
    const names = text.filter((name) => !['$', 'all'].includes(name));
    fc.assert(
      fc.property(names, (name) => {
        const options = new streams.AppendReq.Options();
        options.setStreamIdentifier(identifier(`$${name}`));
        options.setAny(new shared.Empty());
        expect(() => readTarget(encoded(options))).toThrow(RpcError);
      }),
    );
  });

  it('come in batches with a correlation and a deadline', async () => {
    const { default: timestamps } = await import('google-protobuf/google/protobuf/timestamp_pb.js');
    const options = new streams.BatchAppendReq.Options();
    options.setStreamIdentifier(identifier('stream'));
    options.setAny(new GoogleEmpty());
    options.setDeadline(timestamps.Timestamp.fromDate(new Date(1_700_000_000_250)));
    const request = new streams.BatchAppendReq();
    request.setCorrelationId(uuid(CORRELATION));
    request.setOptions(options);
    request.setIsFinal(true);
    const read = readBatchAppendRequest(encoded(request));
    expect(read).toMatchObject({ correlationId: CORRELATION, proposed: [], isFinal: true });
    expect(readTarget(read.options!).deadline).toBe(1_700_000_000_250);
  });

  it('take ids as two numbers as well', () => {
    const structured = new shared.UUID.Structured();
    structured.setMostSignificantBits(BigInt.asIntN(64, 0x6f1c9a523b0e4f7en).toString());
    structured.setLeastSignificantBits(BigInt.asIntN(64, 0x9d580f7f7f3b9a11n).toString());
    const request = new streams.BatchAppendReq();
    request.setCorrelationId(new shared.UUID().setStructured(structured));
    expect(readBatchAppendRequest(encoded(request)).correlationId).toBe(CORRELATION);
  });

  it('are answered as the generated code reads it', () => {
    fc.assert(
      fc.property(text, revision, revision, (name, last, position) => {
        const correlation = encoded(uuid(CORRELATION));
        const outcome = { kind: 'appended', revision: last, position } as const;
        const response = streams.BatchAppendResp.deserializeBinary(
          batchAppendResponse(correlation, Buffer.from(name), outcome),
        );
        expect(response.getCorrelationId()!.getString()).toBe(CORRELATION);
        expect(Buffer.from(response.getStreamIdentifier()!.getStreamName_asU8()).toString()).toBe(
          name,
        );
        const success = response.getSuccess()!;
        expect(success.getCurrentRevision()).toBe(String(last));
        expect(success.getPosition()!.getCommitPosition()).toBe(String(position));
        expect(success.getPosition()!.getPreparePosition()).toBe(String(position));
      }),
    );
  });

  it('recognise an append that left a stream empty', () => {
    const outcome = { kind: 'appended', revision: -1, position: 17 } as const;
    const response = streams.BatchAppendResp.deserializeBinary(
      batchAppendResponse(encoded(uuid(CORRELATION)), Buffer.from('stream'), outcome),
    );
    expect(response.getSuccess()!.hasNoStream()).toBe(true);
    expect(response.getSuccess()!.getPosition()!.getCommitPosition()).toBe('17');
  });

  it('are refused, never misread, when they are not valid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (garbage) => {
        for (const read of [
          readAppendRequest,
          readBatchAppendRequest,
          readTarget,
          readProposedEvent,
        ]) {
          try {
            read(Buffer.from(garbage));
          } catch (error) {
            const isExpected = error instanceof MalformedMessage || error instanceof RpcError;
            expect(isExpected).toBe(true);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
