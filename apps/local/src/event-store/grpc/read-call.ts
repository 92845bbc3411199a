import { streams } from '../protocol.js';
import type { Streams } from '../protocol.js';
import { readAll } from '../reading/read-all.js';
import { readStream } from '../reading/read-stream.js';
import { allFilter } from '../subscriptions/all-filter.js';
import { AllSource } from '../subscriptions/all-source.js';
import { runCatchUpSubscription } from '../subscriptions/catch-up-subscription.js';
import type { SlowConsumerPolicy } from '../subscriptions/catch-up-subscription.js';
import type { EventSource } from '../subscriptions/event-source.js';
import { requestedFilter } from '../subscriptions/filter-request.js';
import type { RequestedFilter } from '../subscriptions/filter-request.js';
import { StreamSource } from '../subscriptions/stream-source.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { OpenStream } from './open-streams.js';
import { streamNameOf } from './protocol-values.js';
import { notServed } from './refused-calls.js';
import { asRpcError, invalidArgument } from './rpc-errors.js';

const { StreamOptions, AllOptions } = streams.ReadReq.Options;

/** How subscriptions behave at this moment. */
export interface SubscriptionBehaviour {
  readonly slowConsumerPolicy: () => SlowConsumerPolicy;
  readonly tellsBeyondLog: () => boolean;
}

/** `Read`: reads of a stream or of `$all`, and catch-up subscriptions to either. */
export async function handleRead(
  store: StreamStore,
  request: Streams.ReadReq,
  stream: OpenStream,
  behaviour: SubscriptionBehaviour,
): Promise<void> {
  try {
    const options = request.getOptions();
    if (options === undefined) throw invalidArgument('the read has no options');
    if (options.getReadDirection() !== 0 && options.getReadDirection() !== 1)
      throw invalidArgument('the read direction is unknown');
    if (options.getResolveLinks()) throw notServed();
    if (options.hasSubscription())
      await runCatchUpSubscription(
        store,
        stream,
        () => subscriptionSource(store, options, behaviour),
        behaviour.slowConsumerPolicy,
      );
    else await sendAll(messagesOf(store, options), stream);
  } catch (error) {
    stream.fail(asRpcError(error));
  }
}

/** Sends as fast as the client takes it. */
async function sendAll(messages: Iterable<Buffer>, stream: OpenStream): Promise<void> {
  for (const message of messages) {
    stream.write(message);
    while (stream.mustWait && !stream.isClosed) await stream.pause();
    if (stream.isClosed) return;
  }
  stream.end();
}

function messagesOf(store: StreamStore, options: Streams.ReadReq.Options): Iterable<Buffer> {
  if (!options.hasCount()) throw invalidArgument('the read has neither a count nor a subscription');
  const isForwards = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS;
  const common = {
    direction: isForwards ? 'forwards' : 'backwards',
    maxCount: Number(options.getCount()),
  } as const;
  const ofStream = options.getStream();
  if (ofStream !== undefined) {
    if (options.hasFilter()) throw invalidArgument('only $all can be read with a filter');
    const streamName = streamNameOf(ofStream.getStreamIdentifier());
    return readStream(store, { ...common, streamName, from: revisionOf(ofStream) });
  }
  const filter = allFilter(store.index, filterOf(options)?.expression);
  return readAll(store, { ...common, filter, from: positionOf(options) });
}

function subscriptionSource(
  store: StreamStore,
  options: Streams.ReadReq.Options,
  { tellsBeyondLog }: SubscriptionBehaviour,
): EventSource {
  if (options.getReadDirection() !== streams.ReadReq.Options.ReadDirection.FORWARDS)
    throw invalidArgument('a subscription can only go forwards');
  const ofStream = options.getStream();
  if (ofStream !== undefined) {
    if (options.hasFilter()) throw invalidArgument('only $all can be subscribed to with a filter');
    const streamName = streamNameOf(ofStream.getStreamIdentifier());
    return new StreamSource(store, { streamName, after: revisionOf(ofStream) });
  }
  const filter = filterOf(options);
  return new AllSource(store, {
    after: positionOf(options),
    filter: allFilter(store.index, filter?.expression),
    checkpointInterval: filter?.checkpointInterval,
    tellsBeyondLog,
  });
}

function revisionOf(options: Streams.ReadReq.Options.StreamOptions): number | 'start' | 'end' {
  switch (options.getRevisionOptionCase()) {
    case StreamOptions.RevisionOptionCase.REVISION:
      return Number(options.getRevision());
    case StreamOptions.RevisionOptionCase.START:
      return 'start';
    case StreamOptions.RevisionOptionCase.END:
      return 'end';
    default:
      throw invalidArgument('the read does not say where to begin');
  }
}

function positionOf(options: Streams.ReadReq.Options): number | 'start' | 'end' {
  const all = options.getAll();
  switch (all?.getAllOptionCase()) {
    case AllOptions.AllOptionCase.POSITION:
      return Number(all?.getPosition()?.getCommitPosition());
    case AllOptions.AllOptionCase.START:
      return 'start';
    case AllOptions.AllOptionCase.END:
      return 'end';
    default:
      throw invalidArgument('the read does not say where to begin');
  }
}

function filterOf(options: Streams.ReadReq.Options): RequestedFilter | undefined {
  const filter = options.getFilter();
  return filter === undefined ? undefined : requestedFilter(filter);
}
