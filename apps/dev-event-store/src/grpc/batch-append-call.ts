import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Any, GoogleEmpty, shared, status, streams } from '../protocol.js';
import type { Shared, Streams } from '../protocol.js';
import { NO_EVENTS } from '../streams/append-decision.js';
import type { ExpectedRevision } from '../streams/append-decision.js';
import type { AppendOutcome, ProposedEvent, StreamStore } from '../streams/stream-store.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import type { OpenStream } from './open-streams.js';
import {
  expectedRevisionOf,
  proposedEventOf,
  streamIdentifierOf,
  streamNameOf,
  uuidOf,
} from './protocol-values.js';
import { asRpcError, invalidArgument } from './rpc-errors.js';

/** The events of an append have to arrive within this time. */
const WRITE_TIMEOUT_MS = 2_000;

interface Batch {
  readonly correlationId: Shared.UUID;
  readonly streamName: Buffer;
  readonly expected: ExpectedRevision;
  readonly events: ProposedEvent[];
  readonly timer: NodeJS.Timeout;
  size: number;
  /** Answered already: what else arrives for it is ignored. */
  isSettled: boolean;
}

/** What made an append fail, as the messages that the client recognises it by. */
interface Failure {
  readonly typeName: string;
  /** google.rpc.Code */
  readonly code: number;
  readonly message: string;
  readonly bytes: Uint8Array;
}

/**
 * `BatchAppend`: one long-lived call in which many appends, told apart by their correlation ids, arrive in
 * pieces. Each is answered exactly once and none of them ends the call.
 */
export class BatchAppendCall {
  private readonly batches = new Map<string, Batch>();
  private unanswered = 0;
  private hasEnded = false;

  constructor(
    private readonly store: StreamStore,
    private readonly maxAppendSize: number,
    private readonly stream: OpenStream,
    private readonly faults: FaultSwitches,
    call: ServerDuplexStream<Streams.BatchAppendReq, Buffer>,
  ) {
    call.on('data', (request: Streams.BatchAppendReq) => this.receive(request));
    call.on('end', () => this.finish());
    stream.onClose(() => {
      for (const { timer } of this.batches.values()) clearTimeout(timer);
      this.batches.clear();
    });
  }

  private receive(request: Streams.BatchAppendReq): void {
    const correlationId = request.getCorrelationId();
    if (correlationId === undefined)
      return this.stream.fail(invalidArgument('a batch has no correlation id'));
    let key: string;
    try {
      key = uuidOf(correlationId);
    } catch (error) {
      return this.stream.fail(asRpcError(error));
    }
    const batch = this.batches.get(key) ?? this.begin(key, correlationId, request);
    if (batch === undefined) return;
    if (!batch.isSettled) this.collect(batch, request);
    if (!request.getIsFinal()) return;
    clearTimeout(batch.timer);
    this.batches.delete(key);
    if (!batch.isSettled) this.append(batch);
  }

  /** Takes up a new correlation; answers at once and returns undefined when its options are no good. */
  private begin(
    key: string,
    correlationId: Shared.UUID,
    request: Streams.BatchAppendReq,
  ): Batch | undefined {
    const options = request.getOptions();
    this.unanswered += 1;
    try {
      if (options === undefined) throw invalidArgument('a batch has no options');
      const revision = options.hasStreamPosition() ? options.getStreamPosition() : undefined;
      const timeout = Math.min(timeLeft(options), WRITE_TIMEOUT_MS);
      const batch: Batch = {
        correlationId,
        streamName: streamNameOf(options.getStreamIdentifier()),
        expected: expectedRevisionOf(options, revision),
        events: [],
        timer: setTimeout(() => this.refuse(batch, timedOut()), Math.max(timeout, 0)),
        size: 0,
        isSettled: false,
      };
      this.batches.set(key, batch);
      if (timeout <= 0) this.refuse(batch, timedOut());
      return batch;
    } catch (error) {
      const name = Buffer.from(options?.getStreamIdentifier()?.getStreamName_asU8() ?? []);
      this.answer(correlationId, name, badRequest(error));
      return undefined;
    }
  }

  private collect(batch: Batch, request: Streams.BatchAppendReq): void {
    try {
      for (const message of request.getProposedMessagesList()) {
        const event = proposedEventOf(message);
        batch.size += event.data.length;
        if (batch.size > this.maxAppendSize)
          return this.refuse(batch, maximumAppendSizeExceeded(this.maxAppendSize));
        batch.events.push(event);
      }
    } catch (error) {
      this.refuse(batch, badRequest(error));
    }
  }

  private append(batch: Batch): void {
    const { streamName, expected, events } = batch;
    try {
      this.store.append(streamName, expected, events, (outcome) => {
        batch.isSettled = true;
        this.answer(batch.correlationId, streamName, resultOf(outcome, streamName, expected));
      });
    } catch (error) {
      this.refuse(batch, badRequest(error));
    }
  }

  private refuse(batch: Batch, failure: Failure): void {
    if (batch.isSettled) return;
    batch.isSettled = true;
    this.answer(batch.correlationId, batch.streamName, failure);
  }

  private answer(
    correlationId: Shared.UUID,
    streamName: Buffer,
    result: Failure | Streams.BatchAppendResp.Success,
  ): void {
    const response = new streams.BatchAppendResp();
    response.setCorrelationId(correlationId);
    response.setStreamIdentifier(streamIdentifierOf(streamName));
    if (result instanceof streams.BatchAppendResp.Success) response.setSuccess(result);
    else response.setError(statusOf(result));
    const send = (): void => {
      this.stream.write(Buffer.from(response.serializeBinary()));
      this.unanswered -= 1;
      this.endWhenDone();
    };
    this.faults.answer('batchAppend', send, (error) => this.stream.fail(error));
  }

  private finish(): void {
    this.hasEnded = true;
    // What never became final has no answer to wait for.
    for (const batch of this.batches.values()) {
      clearTimeout(batch.timer);
      if (!batch.isSettled) this.unanswered -= 1;
    }
    this.batches.clear();
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.hasEnded && this.unanswered === 0) this.stream.end();
  }
}

/** Milliseconds until the deadline that the client names as a time of day. */
function timeLeft(options: Streams.BatchAppendReq.Options): number {
  const deadline = options.getDeadline();
  return deadline === undefined ? Infinity : deadline.toDate().getTime() - Date.now();
}

function resultOf(
  outcome: AppendOutcome,
  streamName: Buffer,
  expected: ExpectedRevision,
): Failure | Streams.BatchAppendResp.Success {
  switch (outcome.kind) {
    case 'appended':
      return successOf(outcome);
    case 'wrong-expected-version':
      return wrongExpectedVersion(outcome.currentRevision, expected);
    case 'stream-deleted':
      return streamDeleted(streamName);
  }
}

function successOf(
  outcome: Extract<AppendOutcome, { kind: 'appended' }>,
): Streams.BatchAppendResp.Success {
  const success = new streams.BatchAppendResp.Success();
  if (outcome.revision === NO_EVENTS) success.setNoStream(new GoogleEmpty());
  else success.setCurrentRevision(String(outcome.revision));
  if (outcome.position === undefined) return success.setNoPosition(new GoogleEmpty());
  const position = new shared.AllStreamPosition();
  position.setCommitPosition(String(outcome.position));
  position.setPreparePosition(String(outcome.position));
  return success.setPosition(position);
}

function statusOf({ typeName, code, message, bytes }: Failure): InstanceType<typeof status.Status> {
  const details = new Any();
  details.pack(bytes, typeName);
  const result = new status.Status();
  result.setCode(code);
  result.setMessage(message);
  result.setDetails(details);
  return result;
}

function wrongExpectedVersion(currentRevision: number, expected: ExpectedRevision): Failure {
  const refusal = new shared.WrongExpectedVersion();
  if (currentRevision === NO_EVENTS) refusal.setCurrentNoStream(new GoogleEmpty());
  else refusal.setCurrentStreamRevision(String(currentRevision));
  if (expected === 'any') refusal.setExpectedAny(new GoogleEmpty());
  else if (expected === 'no_stream') refusal.setExpectedNoStream(new GoogleEmpty());
  else if (expected === 'stream_exists') refusal.setExpectedStreamExists(new GoogleEmpty());
  else refusal.setExpectedStreamPosition(String(expected));
  return {
    typeName: 'event_store.client.WrongExpectedVersion',
    code: 6,
    message: 'WrongExpectedVersion',
    bytes: refusal.serializeBinary(),
  };
}

function streamDeleted(streamName: Buffer): Failure {
  const deleted = new shared.StreamDeleted();
  deleted.setStreamIdentifier(streamIdentifierOf(streamName));
  return {
    typeName: 'event_store.client.StreamDeleted',
    code: 5,
    message: 'Stream Deleted',
    bytes: deleted.serializeBinary(),
  };
}

function maximumAppendSizeExceeded(limit: number): Failure {
  const exceeded = new shared.MaximumAppendSizeExceeded();
  exceeded.setMaxappendsize(limit);
  return {
    typeName: 'event_store.client.MaximumAppendSizeExceeded',
    code: 3,
    message: 'Maximum Append Size Exceeded',
    bytes: exceeded.serializeBinary(),
  };
}

function timedOut(): Failure {
  return {
    typeName: 'event_store.client.Timeout',
    code: 4,
    message: 'Timeout',
    bytes: new shared.Timeout().serializeBinary(),
  };
}

function badRequest(error: unknown): Failure {
  const { details } = asRpcError(error);
  const request = new shared.BadRequest();
  request.setMessage(details);
  return {
    typeName: 'event_store.client.BadRequest',
    code: 3,
    message: details,
    bytes: request.serializeBinary(),
  };
}
