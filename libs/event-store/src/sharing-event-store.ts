import { WakeUp } from './wake-up.js';
import { EventStoreUnavailable, positionOf } from './event-store.js';
import type {
  EventStore,
  LogPosition,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from './event-store.js';

type Place = LogPosition | 'start';
type Ahead = Exclude<SubscriptionMessage, { kind: 'caught-up' }>;

const KEPT_MESSAGES = 1_000;

/**
 * An event store that delivers each new event once, however many subscribers this process has. A subscriber
 * catches up by a subscription of its own; then it follows the feed that it shares with all others of the same
 * streams. A subscriber too slow for the feed catches up by itself again. Each subscriber sees one
 * subscription, as the port describes it.
 */
export class SharingEventStore implements EventStore {
  readonly append: EventStore['append'];
  readonly readStream: EventStore['readStream'];
  readonly checkAvailable: EventStore['checkAvailable'];
  readonly close: EventStore['close'];
  /** By the streams that they deliver. */
  private readonly feeds = new Map<string, LiveFeed>();

  /**
   * @param keptMessages how many delivered messages are kept for slower subscribers, at least
   */
  constructor(
    private readonly store: EventStore,
    private readonly keptMessages = KEPT_MESSAGES,
  ) {
    this.append = store.append.bind(store);
    this.readStream = store.readStream.bind(store);
    this.checkAvailable = store.checkAvailable.bind(store);
    this.close = store.close.bind(store);
  }

  async *subscribeToAll(
    options: SubscribeToAllOptions,
  ): AsyncGenerator<SubscriptionMessage, void, void> {
    const { signal } = options;
    let { after } = options;
    while (!signal.aborted) {
      let feed: LiveFeed | undefined;
      let isCaughtUp = false;
      for await (const message of this.store.subscribeToAll({ ...options, after })) {
        if (message.kind === 'caught-up') isCaughtUp = true;
        else after = positionOf(message);
        yield message;
        feed = isCaughtUp ? this.feedThatGoesOnFrom(after, options) : undefined;
        if (feed) break;
      }
      // Without an error a subscription ends only because its signal says so.
      if (!feed) return;
      const follower = feed.follow(after, signal);
      try {
        do {
          for (let next = follower.take(after); next; next = follower.take(after)) {
            after = positionOf(next);
            yield next;
          }
        } while (await follower.hasNews());
      } finally {
        follower.leave();
      }
    }
  }

  /** The feed that has everything after the given place; undefined while the only feed has not. */
  private feedThatGoesOnFrom(
    place: Place,
    { streamNamePrefixes }: SubscribeToAllOptions,
  ): LiveFeed | undefined {
    const streams = JSON.stringify(streamNamePrefixes);
    const running = this.feeds.get(streams);
    if (running) return running.goesOnFrom(place) ? running : undefined;
    const feed = new LiveFeed({
      after: place,
      keptMessages: this.keptMessages,
      subscribe: (signal) =>
        this.store.subscribeToAll({ after: place, streamNamePrefixes, signal }),
      onEnd: () => this.feeds.delete(streams),
    });
    this.feeds.set(streams, feed);
    return feed;
  }
}

interface LiveFeedOptions {
  readonly after: Place;
  readonly keptMessages: number;
  subscribe(signal: AbortSignal): AsyncIterable<SubscriptionMessage>;
  /** Called once; a later subscriber needs another feed. */
  onEnd(): void;
}

interface Follower {
  /** The next message after this place; undefined when none has arrived that the follower has not taken. */
  take(after: Place): Ahead | undefined;
  /**
   * Waits for the next message. False when the signal says so, and when the follower is so slow that the feed has forgotten
   * what it would need next.
   *
   * @throws what ended the feed's subscription: everything that arrived before was taken
   */
  hasNews(): Promise<boolean>;
  /** To be called once. */
  leave(): void;
}

/** One subscription, whose newest messages are kept for its followers. Ends with the last of them. */
class LiveFeed {
  private kept: Ahead[] = [];
  /** How many messages were delivered before the first that is kept. */
  private forgotten = 0;
  /** Every event after this place is kept, or to come. */
  private keptAfter: Place;
  private followers = 0;
  private end: { readonly error?: unknown } | undefined;
  private readonly news = new WakeUp();
  private readonly stopping = new AbortController();

  constructor(private readonly options: LiveFeedOptions) {
    this.keptAfter = options.after;
    void this.receive(options.subscribe(this.stopping.signal));
  }

  goesOnFrom(place: Place): boolean {
    if (this.keptAfter === 'start') return true;
    return place !== 'start' && place >= this.keptAfter;
  }

  /** Follows the feed from a place that it goes on from. Not a generator: each message would cost some promises more. */
  follow(place: Place, signal: AbortSignal): Follower {
    this.followers += 1;
    const wake = () => this.news.wake();
    signal.addEventListener('abort', wake);
    // The feed may have moved on since it was found.
    let next = this.goesOnFrom(place) ? this.forgotten : -1;
    const isLeftBehind = () => signal.aborted || next < this.forgotten;
    return {
      take: (after) => {
        while (!isLeftBehind()) {
          const message = this.kept[next - this.forgotten];
          if (message === undefined) return undefined;
          next += 1;
          // A follower that caught up alone may be ahead of the feed.
          if (isAfter(message, after)) return message;
        }
        return undefined;
      },
      hasNews: async () => {
        if (isLeftBehind()) return false;
        if (this.end && 'error' in this.end) throw this.end.error;
        if (this.end) return false;
        await this.news.woken();
        return true;
      },
      leave: () => {
        signal.removeEventListener('abort', wake);
        this.followers -= 1;
        if (this.followers > 0) return;
        this.endWith({});
        this.stopping.abort();
      },
    };
  }

  private async receive(messages: AsyncIterable<SubscriptionMessage>): Promise<void> {
    try {
      for await (const message of messages) {
        // Every follower received it before it began to follow.
        if (message.kind !== 'caught-up') this.keep(message);
      }
      this.endWith({ error: new EventStoreUnavailable('it ended a subscription') });
    } catch (error) {
      this.endWith({ error });
    }
  }

  private keep(message: Ahead): void {
    this.kept.push(
      // Every follower has caught up by itself before.
      message.kind === 'event' ? { ...message, receivedAt: performance.now() } : message,
    );
    // Many at once: taking them off one by one would copy what is kept each time.
    const surplus = this.kept.length - this.options.keptMessages;
    if (surplus >= this.options.keptMessages) this.forget(surplus);
    this.news.wake();
  }

  private forget(count: number): void {
    const last = this.kept.slice(0, count).findLast(({ kind }) => kind === 'event');
    if (last) this.keptAfter = positionOf(last);
    this.kept = this.kept.slice(count);
    this.forgotten += count;
  }

  private endWith(end: { readonly error?: unknown }): void {
    if (this.end) return;
    this.end = end;
    this.options.onEnd();
    this.news.wake();
  }
}

function isAfter(message: Ahead, place: Place): boolean {
  return place === 'start' || positionOf(message) > place;
}
