import { randomUUID } from 'node:crypto';
import { ErrorType } from '@eventstore/db-client';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { unpackToCommandError } from '@eventstore/db-client/dist/streams/appendToStream/unpackError.js';
import {
  UnavailableError,
  convertToCommandError,
} from '@eventstore/db-client/dist/utils/CommandError.js';
import { isClientCancellationError } from '@eventstore/db-client/dist/utils/isClientCancellationError.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import emptyMessage from 'google-protobuf/google/protobuf/empty_pb.js';
import type { ExpectedRevision, NewEvent, StreamRevision } from './event-store.js';
import { hasType } from './eventstoredb-nodes.js';

const { BatchAppendReq } = streams;
const { StreamIdentifier, UUID } = shared;

/** What the server answered. */
export interface Appended {
  readonly revision: StreamRevision;
  /** Undefined from a server that sends none. */
  readonly position: bigint | undefined;
}

/** An append that is under way. */
export interface SentAppend {
  /** Rejects with the client's errors, and with AppendCallGivenUp. */
  readonly answer: Promise<Appended>;
  /**
   * To be called by the appender that no longer waits.
   *
   * @param wasFirstTry whether it waited for its whole time here. A call is not silent because an append that came from
   * another call had little time left: the rest would be sent anew each time, and no call would live until it is answered.
   */
  giveUp(wasFirstTry: boolean): void;
}

/**
 * This process has ended the call that the append shared with others, because one of them got no answer or because another
 * connection replaces this one: whether the append is stored is not known.
 */
export class AppendCallGivenUp extends Error {}

/**
 * All appends of one connection, on one call that stays open (BatchAppend): each costs one message, where the unary
 * call costs a request with headers, three messages and its end. The client has a batch path of its own, with four
 * defects; here an append belongs to one connection, rejects to its own caller alone, an answer that nobody waits for
 * is ignored, and the caller's time-out gives up a call that has fallen silent (ADR 165).
 */
export class AppendCalls {
  private call: Promise<AppendCall> | undefined;

  /** @param client of which this uses the connection and the generated messages */
  constructor(private readonly client: EventStoreDBClient) {}

  /**
   * Sends these events to be stored together. With the ids of an append of unknown outcome nothing is stored twice.
   *
   * @throws TypeError when the data of an event cannot be written as JSON; nothing is sent then
   */
  append(
    streamName: string,
    expectedRevision: ExpectedRevision,
    events: readonly NewEvent[],
  ): SentAppend {
    const id = randomUUID();
    const request = requestOf(id, streamName, expectedRevision, events);
    const call = (this.call ??= this.open());
    return {
      answer: call.then((open) => open.append(id, streamName, request)),
      giveUp: (wasFirstTry) =>
        // The answer rejects with a failure to open.
        void call.then(
          (open) => open.giveUp(id, wasFirstTry),
          () => undefined,
        ),
    };
  }

  private async open(): Promise<AppendCall> {
    try {
      const stream = await this.client['GRPCStreamCreator'](
        streamsGrpc.StreamsClient,
        'appendToStream',
        (grpc) => grpc.batchAppend(...this.client['callArguments']({}, { deadline: Infinity })),
      )();
      return new AppendCall(stream, () => (this.call = undefined));
    } catch (error) {
      this.call = undefined;
      throw error;
    }
  }
}

interface Waiting {
  readonly streamName: string;
  /** As performance.now() has it. */
  readonly sentAt: number;
  resolve(appended: Appended): void;
  reject(error: Error): void;
}

class AppendCall {
  private readonly waiting = new Map<string, Waiting>();
  private answeredAt = 0;
  private isOver = false;

  /** @param whenOver called once */
  constructor(
    private readonly stream: ClientDuplexStream<Streams.BatchAppendReq, Streams.BatchAppendResp>,
    private readonly whenOver: () => void,
  ) {
    stream
      .on('data', (answer: Streams.BatchAppendResp) => this.settle(answer))
      .on('error', (error: Error) =>
        this.end(
          isClientCancellationError(error) ? new AppendCallGivenUp() : convertToCommandError(error),
        ),
      )
      .on('end', () => this.end(new UnavailableError(undefined, 'the server ended the appends')));
  }

  async append(id: string, streamName: string, request: Streams.BatchAppendReq): Promise<Appended> {
    if (this.isOver) throw new AppendCallGivenUp();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { streamName, sentAt: performance.now(), resolve, reject });
      // Not held back: no more appends wait here than callers do.
      this.stream.write(request);
    });
  }

  giveUp(id: string, wasFirstTry: boolean): void {
    const given = this.waiting.get(id);
    if (given === undefined) return;
    this.waiting.delete(id);
    // Others were answered meanwhile: the call is alive, and so are its other appends.
    if (this.answeredAt > given.sentAt) return this.cancelWhenRetired();
    if (!wasFirstTry && this.waiting.size > 0) return;
    this.end(new AppendCallGivenUp());
    // What was not sent yet must not be stored when nobody expects it any more.
    this.stream.cancel();
  }

  private settle(answer: Streams.BatchAppendResp): void {
    this.answeredAt = performance.now();
    const id = answer.getCorrelationId()?.getString() ?? '';
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    const success = answer.getSuccess();
    if (success === undefined) {
      const failure = failureOf(answer, waiting.streamName);
      waiting.reject(failure);
      // Who calls was found out when the call began; it may have been given the right since then.
      if (hasType(failure, ErrorType.ACCESS_DENIED)) this.leave();
    } else {
      const position = success.getPosition()?.getCommitPosition();
      waiting.resolve({
        revision: BigInt(success.getCurrentRevision()),
        position: position === undefined ? undefined : BigInt(position),
      });
    }
    this.cancelWhenRetired();
  }

  /**
   * Those under way are answered still. Ending our side alone would not do: EventStoreDB 24.10 ends its own with the first
   * answer after that, whatever else is due, and never when none is due; and it takes 100 calls on a connection.
   */
  private cancelWhenRetired(): void {
    if (this.isOver && this.waiting.size === 0) this.stream.cancel();
  }

  private end(error: Error): void {
    this.leave();
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  /** The next append goes to another call. */
  private leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.whenOver();
  }
}

/** A server that is busy or not ready says so in words alone. */
const IN_WORDS = 'google.protobuf.Empty';

function failureOf(answer: Streams.BatchAppendResp, streamName: string): Error {
  const status = answer.getError();
  const details = status?.getDetails();
  if (status && details && details.getTypeName() !== IN_WORDS) {
    return unpackToCommandError(status, streamName);
  }
  return new UnavailableError(undefined, status?.getMessage() ?? 'the answer says nothing');
}

/** @throws TypeError */
function requestOf(
  id: string,
  streamName: string,
  expectedRevision: ExpectedRevision,
  events: readonly NewEvent[],
): Streams.BatchAppendReq {
  const options = new BatchAppendReq.Options().setStreamIdentifier(
    new StreamIdentifier().setStreamName(Buffer.from(streamName)),
  );
  if (expectedRevision === 'no-stream') options.setNoStream(new emptyMessage.Empty());
  else options.setStreamPosition(String(expectedRevision));
  return new BatchAppendReq()
    .setCorrelationId(new UUID().setString(id))
    .setOptions(options)
    .setProposedMessagesList(events.map(proposed))
    .setIsFinal(true);
}

function proposed({ id, type, data, metadata }: NewEvent): Streams.BatchAppendReq.ProposedMessage {
  // undefined for what JSON leaves out, whatever its declaration says
  const json: string | undefined = JSON.stringify(data);
  if (json === undefined) throw new TypeError(`the data of ${type} cannot be written as JSON`);
  const message = new BatchAppendReq.ProposedMessage()
    .setId(new UUID().setString(id))
    .setData(Buffer.from(json))
    .setCustomMetadata(Buffer.from(JSON.stringify(metadata)));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  return message;
}
