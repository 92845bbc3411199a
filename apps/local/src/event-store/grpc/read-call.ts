import type { Behaviour } from '../behaviour.js';
import { streams } from '../protocol.js';
import type { Streams } from '../protocol.js';
import { readAll, readStream } from '../reading/reads.js';
import { allFilter } from '../subscriptions/all-filter.js';
import { AllSource } from '../subscriptions/all-source.js';
import { CatchUpSubscription } from '../subscriptions/catch-up-subscription.js';
import type { EventSource, Position } from '../subscriptions/event-source.js';
import { requestedFilter } from '../subscriptions/filter-request.js';
import type { RequestedFilter } from '../subscriptions/filter-request.js';
import { StreamSource } from '../subscriptions/stream-source.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { OpenStream } from './open-streams.js';
import { usableStreamName } from './protocol-values.js';
import { notServed } from './refused-calls.js';
import type { RpcError } from './rpc-errors.js';
import { asRpcError, handlerFailed, invalidArgument, unexpectedReadResult } from './rpc-errors.js';

const { StreamOptions, AllOptions, ReadDirection } = streams.ReadReq.Options;
/** 64 bits without a sign that all are set: the end. */
const END = 2n ** 64n - 1n;

/** `Read`: reads of a stream or of `$all`, and catch-up subscriptions to either. */
export async function handleRead(
  store: StreamStore,
  request: Streams.ReadReq,
  stream: OpenStream,
  behaviour: Behaviour,
): Promise<void> {
  try {
    const options = request.getOptions();
    if (options === undefined) throw invalidArgument('the read has no options');
    if (options.getReadDirection() !== 0 && options.getReadDirection() !== 1)
      throw invalidArgument('the read direction is unknown');
    if (options.getResolveLinks()) throw notServed();
    if (options.hasSubscription()) {
      const source = subscriptionSource(store, options, behaviour);
      await new CatchUpSubscription(store, stream, source, behaviour.slowReader).run();
    } else await sendAll(messagesOf(store, options, behaviour), stream);
  } catch (error) {
    stream.fail(asRpcError(error));
  }
}

/** Sends as fast as the client takes it. */
async function sendAll(messages: Iterable<Buffer> | undefined, stream: OpenStream): Promise<void> {
  if (messages === undefined) return;
  for (const message of messages) {
    stream.write(message);
    while (stream.mustWait && !stream.isClosed) await stream.pause();
    if (stream.isClosed) return;
  }
  stream.end();
}

/** @returns undefined for a read that is never answered */
function messagesOf(
  store: StreamStore,
  options: Streams.ReadReq.Options,
  behaviour: Behaviour,
): Iterable<Buffer> | undefined {
  if (!options.hasCount()) throw invalidCombination(options);
  const isForwards = options.getReadDirection() === ReadDirection.FORWARDS;
  const common = {
    direction: isForwards ? 'forwards' : 'backwards',
    maxCount: Number(options.getCount()),
  } as const;
  const ofStream = options.getStream();
  if (ofStream !== undefined) {
    if (options.hasFilter()) throw invalidCombination(options);
    const streamName = streamNameOf(ofStream);
    const from = revisionOf(ofStream);
    const isBeyond = isForwards && ofStream.getRevision() === String(END);
    if (common.maxCount === 0 || isBeyond)
      throw unexpectedReadResult('Unexpected ReadStreamResult: Error');
    return readStream(store, streamName, { ...common, from });
  }
  const from = positionOf(options);
  const filter = allFilter(store.index, filterOf(options)?.expression);
  if (common.maxCount === 0) return undefined;
  if (typeof from !== 'string' && !store.index.isPlace(Number(from.commit)))
    throw unexpectedReadResult(behaviour.invalidPosition.read);
  const fromCommit = typeof from === 'string' ? from : Number(from.commit);
  return readAll(store, filter, { ...common, from: fromCommit });
}

function invalidCombination(options: Streams.ReadReq.Options): RpcError {
  const parts = [
    options.hasStream() ? 'Stream' : 'All',
    options.hasSubscription() ? 'Subscription' : options.hasCount() ? 'Count' : 'None',
    options.getReadDirection() === ReadDirection.FORWARDS ? 'Forwards' : 'Backwards',
    options.hasFilter() ? 'Filter' : 'NoFilter',
  ];
  return invalidArgument(`The combination of (${parts.join(', ')}) is invalid.`);
}

function subscriptionSource(
  store: StreamStore,
  options: Streams.ReadReq.Options,
  behaviour: Behaviour,
): EventSource {
  const ofStream = options.getStream();
  if (options.getReadDirection() !== ReadDirection.FORWARDS || (ofStream && options.hasFilter()))
    throw invalidCombination(options);
  if (ofStream !== undefined) {
    const streamName = streamNameOf(ofStream);
    const { waitsForStream } = behaviour;
    return new StreamSource(store, { streamName, after: revisionOf(ofStream), waitsForStream });
  }
  const filter = filterOf(options);
  return new AllSource(store, {
    after: positionOf(options),
    filter: allFilter(store.index, filter?.expression),
    checkpoints: filter?.checkpoints,
    behaviour,
  });
}

function streamNameOf(options: Streams.ReadReq.Options.StreamOptions): Buffer {
  return usableStreamName(Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []));
}

function revisionOf(options: Streams.ReadReq.Options.StreamOptions): number | 'start' | 'end' {
  switch (options.getRevisionOptionCase()) {
    case StreamOptions.RevisionOptionCase.REVISION:
      return numberOrEnd(options.getRevision());
    case StreamOptions.RevisionOptionCase.START:
      return 'start';
    case StreamOptions.RevisionOptionCase.END:
      return 'end';
    default:
      throw handlerFailed();
  }
}

function positionOf(options: Streams.ReadReq.Options): Position | 'start' | 'end' {
  const all = options.getAll();
  switch (all?.getAllOptionCase()) {
    case AllOptions.AllOptionCase.POSITION:
      return givenPosition(all?.getPosition());
    case AllOptions.AllOptionCase.START:
      return 'start';
    case AllOptions.AllOptionCase.END:
      return 'end';
    default:
      throw handlerFailed();
  }
}

function givenPosition(
  position: Streams.ReadReq.Options.Position | undefined,
): Position | 'start' | 'end' {
  const commit = numberOrEnd(position?.getCommitPosition() ?? '0');
  const prepare = numberOrEnd(position?.getPreparePosition() ?? '0');
  if (commit === 'end' || prepare === 'end') return 'end';
  if (commit < prepare) throw handlerFailed();
  return { commit, prepare };
}

function numberOrEnd(text: string): number | 'end' {
  const number = BigInt(text);
  if (number === END) return 'end';
  if (number > END / 2n) throw handlerFailed();
  return Number(number);
}

function filterOf(options: Streams.ReadReq.Options): RequestedFilter | undefined {
  const filter = options.getFilter();
  return filter === undefined ? undefined : requestedFilter(filter);
}
