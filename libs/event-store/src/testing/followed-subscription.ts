import type {
  EventStore,
  LogPosition,
  RecordedEvent,
  SubscribeToAllOptions,
  SubscriptionMessage,
} from '../event-store.js';

const DEADLINE_MS = 15_000;

/** A subscription that is iterated in the background, for specs to look at what arrives. */
export class FollowedSubscription {
  readonly messages: SubscriptionMessage[] = [];
  readonly events: RecordedEvent[] = [];
  readonly checkpoints: LogPosition[] = [];
  caughtUp = false;
  /** Resolves when the iteration ended by itself or by `stop`, rejects when it failed. */
  readonly ended: Promise<void>;
  private readonly stopping = new AbortController();
  private readonly arrivals = new EventTarget();

  /**
   * @param whenReceived awaited before the next message is asked for
   */
  constructor(
    store: EventStore,
    options: Omit<SubscribeToAllOptions, 'signal'>,
    private readonly whenReceived?: (message: SubscriptionMessage) => Promise<void> | void,
  ) {
    const { signal } = this.stopping;
    this.ended = this.follow(store.subscribeToAll({ ...options, signal }));
    // A spec may await it later; until then it is not an unhandled rejection.
    this.ended.catch(() => undefined);
  }

  /**
   * Waits until what has arrived fulfils a condition.
   *
   * @throws what ended the iteration before; Error after 15 s
   */
  async until(condition: (subscription: this) => boolean, what: string): Promise<void> {
    let check = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    const fulfilled = new Promise<void>((resolve, reject) => {
      check = () => {
        if (condition(this)) resolve();
      };
      timer = setTimeout(() => {
        reject(
          new Error(`not within ${DEADLINE_MS} ms: ${what}; ${this.messages.length} messages`),
        );
      }, DEADLINE_MS);
      this.arrivals.addEventListener('message', check);
      check();
    });
    try {
      await Promise.race([
        fulfilled,
        this.ended.then(() => {
          if (!condition(this)) throw new Error(`the subscription ended before: ${what}`);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      this.arrivals.removeEventListener('message', check);
    }
  }

  /** Aborts it; resolves when the iteration has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private async follow(messages: AsyncIterable<SubscriptionMessage>): Promise<void> {
    for await (const message of messages) {
      this.messages.push(message);
      if (message.kind === 'event') this.events.push(message.event);
      else if (message.kind === 'checkpoint') this.checkpoints.push(message.position);
      else this.caughtUp = true;
      this.arrivals.dispatchEvent(new Event('message'));
      await this.whenReceived?.(message);
    }
  }
}
