import type { sendUnaryData, ServerReadableStream } from '@grpc/grpc-js';
import { shared, streams } from '../protocol.js';
import type { Streams } from '../protocol.js';
import { NO_EVENTS } from '../streams/append-decision.js';
import type { ExpectedVersion } from '../streams/append-decision.js';
import type { ProposedEvent } from '../log/event-record.js';
import type { AppendedAt, AppendOutcome, StreamStore } from '../streams/stream-store.js';
import { readAppendRequest } from './append-messages.js';
import type { AppendTarget } from './append-messages.js';
import { MAX_APPEND_SIZE } from './append-rules.js';
import type { AppendRules } from './append-rules.js';
import {
  asRpcError,
  commitTimeout,
  handlerFailed,
  maximumAppendSizeExceeded,
  notReady,
} from './rpc-errors.js';

/** `Append`: options, then one message per event, then one answer. */
export function handleAppend(
  store: StreamStore,
  rules: AppendRules,
  call: ServerReadableStream<Buffer, Streams.AppendResp>,
  callback: sendUnaryData<Streams.AppendResp>,
): void {
  let target: AppendTarget | undefined;
  const events: ProposedEvent[] = [];
  let size = 0;
  let answered = false;
  const answer = (error: unknown, response?: Streams.AppendResp): void => {
    if (answered) return;
    answered = true;
    if (response === undefined) callback(asRpcError(error));
    else callback(null, response);
  };

  call.on('cancelled', () => (answered = true));
  call.on('data', (message: Buffer) => {
    if (answered) return;
    try {
      const request = readAppendRequest(message);
      if (request.target === undefined && request.event === undefined) throw handlerFailed();
      if ((target === undefined) === (request.target === undefined)) throw handlerFailed();
      target ??= request.target;
      const { event } = request;
      if (event === undefined) return;
      size += rules.sizeOf(event);
      if (size > MAX_APPEND_SIZE) throw maximumAppendSizeExceeded(MAX_APPEND_SIZE);
      events.push(event);
    } catch (error) {
      answer(error);
    }
  });
  call.on('end', () => {
    if (answered) return;
    if (target === undefined) return answer(handlerFailed());
    const { streamName, expected } = target;
    try {
      if (!store.hasRoom) throw notReady();
      rules.check(streamName);
      store.append(streamName, expected, events, (outcome) => {
        if (outcome.kind === 'commit-timeout') answer(commitTimeout());
        else answer(undefined, responseOf(outcome, expected));
      });
    } catch (error) {
      answer(error);
    }
  });
}

function responseOf(
  outcome: Exclude<AppendOutcome, { kind: 'commit-timeout' }>,
  expected: ExpectedVersion,
): Streams.AppendResp {
  const response = new streams.AppendResp();
  if (outcome.kind === 'appended') response.setSuccess(successOf(outcome));
  else response.setWrongExpectedVersion(refusalOf(outcome.currentRevision, expected));
  return response;
}

function successOf(outcome: AppendedAt): Streams.AppendResp.Success {
  const success = new streams.AppendResp.Success();
  if (outcome.revision === NO_EVENTS) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(outcome.revision));
  const position = new streams.AppendResp.Position();
  position.setCommitPosition(String(outcome.position));
  position.setPreparePosition(String(outcome.position));
  return success.setPosition(position);
}

function refusalOf(
  currentRevision: number,
  expected: ExpectedVersion,
): Streams.AppendResp.WrongExpectedVersion {
  const refusal = new streams.AppendResp.WrongExpectedVersion();
  if (currentRevision === NO_EVENTS) refusal.setCurrentNoStream(new shared.Empty());
  else refusal.setCurrentRevision(String(currentRevision));
  switch (expected) {
    case 'any':
      return refusal.setExpectedAny(new shared.Empty());
    case 'no_stream':
      return refusal.setExpectedNoStream(new shared.Empty());
    case 'stream_exists':
      return refusal.setExpectedStreamExists(new shared.Empty());
    default:
      return refusal.setExpectedRevision(String(expected));
  }
}
