import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { ExpectedVersion } from '../streams/append-decision.js';
import type { ProposedEvent } from '../log/event-record.js';
import type { AppendedAt, AppendOutcome, StreamStore } from '../streams/stream-store.js';
import type { FaultSwitches } from '../faults/fault-switches.js';
import type { OpenStream } from './open-streams.js';
import {
  batchAppendResponse,
  readBatchAppendRequest,
  readProposedEvent,
  readTarget,
} from './append-messages.js';
import type { AppendTarget, BatchAppendRequest } from './append-messages.js';
import {
  badRequest,
  encodedStatus,
  maximumAppendSizeFailure,
  serverNotReady,
  timedOut,
  wrongExpectedVersionFailure,
} from './batch-failures.js';
import type { BatchFailure } from './batch-failures.js';
import { MAX_APPEND_SIZE } from './append-rules.js';
import type { AppendRules } from './append-rules.js';
import { asRpcError, invalidArgument, notReady } from './rpc-errors.js';

const UNKNOWN_STREAM = Buffer.alloc(0);

interface Batch {
  readonly correlation: Buffer;
  readonly target: AppendTarget;
  readonly events: ProposedEvent[];
  size: number;
  /** Answered already: what else arrives for it is ignored. */
  isSettled: boolean;
}

/**
 * `BatchAppend`: one long-lived call in which many appends, each with a correlation id, arrive in
 * pieces. Each is answered exactly once and none of them ends the call. When the client ends its side, the next answer is the
 * last one, whatever else is due; when none is due, the call stays open until the client cancels it.
 */
export class BatchAppendCall {
  /** `refused` is left of a correlation whose options were no good, until its last message has arrived. */
  private readonly batches = new Map<string, Batch | 'refused'>();
  private isHalfClosed = false;

  constructor(
    private readonly store: StreamStore,
    private readonly rules: AppendRules,
    private readonly stream: OpenStream,
    private readonly faults: FaultSwitches,
    call: ServerDuplexStream<Buffer, Buffer>,
  ) {
    // The call lives long: faults that are switched on later concern what arrives then.
    call.on('data', (message: Buffer) =>
      faults.admit(
        'batchAppend',
        call,
        () => this.receive(message),
        (error) => stream.fail(error),
      ),
    );
    call.on('end', () => (this.isHalfClosed = true));
    stream.onClose(() => this.batches.clear());
  }

  private receive(message: Buffer): void {
    if (this.stream.isClosed) return;
    let request: BatchAppendRequest;
    try {
      request = readBatchAppendRequest(message);
    } catch (error) {
      return this.stream.fail(asRpcError(error));
    }
    const batch = this.batches.get(request.correlationId) ?? this.begin(request);
    if (request.isFinal) this.batches.delete(request.correlationId);
    if (batch === 'refused') return;
    if (!batch.isSettled) this.collect(batch, request.proposed);
    if (request.isFinal && !batch.isSettled) this.append(batch);
  }

  /** Takes up a new correlation; answers at once when its options are no good. */
  private begin({
    correlationId,
    correlation,
    options,
    isFinal,
  }: BatchAppendRequest): Batch | 'refused' {
    try {
      if (options === undefined) throw invalidArgument('a batch has no options');
      const target = readTarget(options);
      const batch: Batch = { correlation, target, events: [], size: 0, isSettled: false };
      if (this.faults.isNotReady) this.refuse(batch, serverNotReady());
      else if (target.deadline !== undefined && target.deadline <= Date.now())
        this.refuse(batch, timedOut());
      if (!isFinal) this.batches.set(correlationId, batch);
      return batch;
    } catch (error) {
      if (!isFinal) this.batches.set(correlationId, 'refused');
      this.answer(correlation, UNKNOWN_STREAM, badRequest(error));
      return 'refused';
    }
  }

  private collect(batch: Batch, proposed: readonly Buffer[]): void {
    try {
      for (const message of proposed) {
        const event = readProposedEvent(message);
        batch.size += this.rules.sizeOf(event);
        if (batch.size > MAX_APPEND_SIZE)
          return this.refuse(batch, maximumAppendSizeFailure(MAX_APPEND_SIZE));
        batch.events.push(event);
      }
    } catch (error) {
      this.refuse(batch, badRequest(error));
    }
  }

  private append(batch: Batch): void {
    const { streamName, expected } = batch.target;
    if (!this.store.hasRoom) return this.stream.fail(notReady());
    try {
      this.rules.check(streamName);
      this.store.append(streamName, expected, batch.events, (outcome) => {
        batch.isSettled = true;
        this.answer(batch.correlation, streamName, resultOf(outcome, expected));
      });
    } catch (error) {
      this.refuse(batch, badRequest(error));
    }
  }

  private refuse(batch: Batch, failure: BatchFailure): void {
    if (batch.isSettled) return;
    batch.isSettled = true;
    this.answer(batch.correlation, batch.target.streamName, failure);
  }

  private answer(correlation: Buffer, streamName: Buffer, result: AppendedAt | BatchFailure): void {
    const send = (what: AppendedAt | BatchFailure): void => {
      const encoded = what.kind === 'appended' ? what : encodedStatus(what);
      this.stream.write(batchAppendResponse(correlation, streamName, encoded));
      if (this.isHalfClosed) this.stream.end();
    };
    this.faults.answer(
      'batchAppend',
      () => send(result),
      (error) => this.stream.fail(error),
      () => send(timedOut()),
    );
  }
}

function resultOf(outcome: AppendOutcome, expected: ExpectedVersion): AppendedAt | BatchFailure {
  if (outcome.kind === 'appended') return outcome;
  if (outcome.kind === 'commit-timeout') return timedOut();
  return wrongExpectedVersionFailure(outcome.currentRevision, expected);
}
