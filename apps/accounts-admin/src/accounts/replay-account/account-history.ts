import { accountStreamName } from '@app/accounts';
import type { AccountEvent, Erased } from '@app/accounts';
import { EVENT_STORE } from '@app/event-store';
import type {
  EventCodec,
  EventStore,
  ReadStreamOptions,
  RecordedEvent,
  RequestClient,
} from '@app/event-store';
import { ACCOUNT_EVENT_CODEC, decodeEach } from '@app/personal-data';
import type { AccountEventCodec } from '@app/personal-data';
import { Problem } from '@app/http-service';
import { Inject, Injectable } from '@nestjs/common';
import { adminProblems } from '../../admin-problems.js';

export interface ReplayedEvent<Event extends AccountEvent | Error = AccountEvent | Error> {
  readonly recorded: RecordedEvent;
  /** An error where this version does not know its type or version, or it has another shape than those promise. */
  readonly event: Event;
  /** Where the request came from; undefined when no request from outside led to the event. */
  readonly client: RequestClient | Erased | undefined;
}

/** Reads what happened, and where the requests came from that led to it. */
export type HistoryCodec = Pick<EventCodec<AccountEvent>, 'decode'> &
  Pick<AccountEventCodec, 'clientsOf' | 'fetchKey'>;

/** Keys of personal data are looked up once for so many events. */
const CHUNK = 200;

/** The history of one account, from the event store itself: what it costs depends on that history alone. */
@Injectable()
export class AccountHistory {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(ACCOUNT_EVENT_CODEC)
    private readonly codec: HistoryCodec,
  ) {}

  /**
   * In order, read while they are iterated.
   *
   * @throws EventStoreUnavailable, also in the middle
   */
  async *replay(accountId: string, options: ReadStreamOptions = {}): AsyncGenerator<ReplayedEvent> {
    const keyIsAtHand = this.codec.fetchKey(accountId);
    // It may fail before anything waits for it.
    keyIsAtHand.catch(() => undefined);
    let chunk: RecordedEvent[] = [];
    for await (const recorded of this.store.readStream(accountStreamName(accountId), options)) {
      chunk.push(recorded);
      if (chunk.length < CHUNK) continue;
      await keyIsAtHand;
      yield* await this.decoded(chunk);
      chunk = [];
    }
    if (chunk.length === 0) return;
    await keyIsAtHand;
    yield* await this.decoded(chunk);
  }

  /**
   * All of it.
   *
   * @throws Problem account-not-found when nothing was ever recorded
   * @throws UnknownAccountEvent, MalformedAccountEvent when one of them cannot be read
   * @throws EventStoreUnavailable
   */
  async all(accountId: string): Promise<readonly ReplayedEvent<AccountEvent>[]> {
    const events: ReplayedEvent<AccountEvent>[] = [];
    for await (const { event, ...others } of this.replay(accountId)) {
      if (event instanceof Error) throw event;
      events.push({ event, ...others });
    }
    if (events.length === 0) throw accountNotFound();
    return events;
  }

  private async decoded(recorded: readonly RecordedEvent[]): Promise<readonly ReplayedEvent[]> {
    const events = await decodeEach(this.codec, recorded);
    const clients = await this.codec.clientsOf(recorded);
    return recorded.map((one, index) => {
      const event = events[index];
      if (event === undefined) throw new Error('the codec left out an event');
      return { recorded: one, event, client: clients[index] };
    });
  }
}

export function accountNotFound(): Problem {
  return new Problem(
    adminProblems.accountNotFound,
    'Nothing was ever recorded about this id or address.',
  );
}
