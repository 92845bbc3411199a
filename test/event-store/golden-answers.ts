import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { silentLog } from '../../apps/accounts-worker/src/testing/silent-log.js';
import type { BehaviourVersion } from '../../apps/local/src/event-store/behaviour.js';
import { DevEventStore } from '../../apps/local/src/event-store/dev-event-store.js';
import { temporaryFolder } from '../support/run-folder.js';
import { WireClient } from './wire-client.js';
import type { WireEvent, WireMessage, WirePosition, WireSubscription } from './wire-client.js';

const POLL_MS = 3;
const QUIET_MS = 15;
const LONGEST_WAIT_MS = 3_000;

/** What a real server answered, by scenario; the folder `golden` has one file a version. */
export interface GoldenAnswers {
  readonly version: string;
  readonly eventsOfFreshLog: string[];
  readonly freshLog: Messages;
  readonly openOnFreshLogThen200NotMatchingIn10AppendsAnd1: Messages;
  readonly after200NotMatchingAnd1: Messages;
  readonly lengths: Record<string, Messages>;
  readonly opened300And1And300And1And300Ago: Messages;
  readonly resumed: Messages;
  readonly fromAnchor: Messages;
  readonly live: Record<string, { readonly appendsOf: number; readonly messages: string[] }>;
  readonly bursts: Record<string, Record<string, unknown>>;
  readonly positions: {
    readonly noEvent: Record<string, string | string[]>;
    readonly prepareZero: string[];
    readonly beyondEnd: Record<string, string | string[]>;
  };
  readonly countZero: Record<string, string>;
  readonly requests: Record<string, string>;
  readonly subscriptionsToMissingStream: Record<string, string>;
  readonly names: Record<string, string[]>;
  readonly streamNamedAll: Record<string, string>;
  readonly deadlines: Record<string, string>;
  readonly badEvents: Record<'unary' | 'batch', Record<string, string>>;
  readonly appends: Record<string, string>;
  readonly sizes: Record<string, Record<'unary' | 'batch', string>>;
  readonly equalAppendsAtOnce: Record<
    string,
    { readonly answers: string[]; readonly stored: number; readonly onceMoreAfterwards: string }
  >;
  readonly stopping: {
    readonly subscriptions: Record<string, string>;
    readonly silentForSeconds: number;
    readonly startedAfterwards: string[];
  };
  readonly streamsOfOneConnection: {
    readonly confirmed: number;
    readonly confirmedAfterClosing60: number;
    readonly appendMeanwhile: string;
  };
  readonly http: Record<string, string>;
  readonly notReady?: Record<string, string>;
  /** By how many appends were answered before the client ended its side, and how many were due then. */
  readonly halfClosedBatches?: Record<string, string>;
  readonly emptyAppend: { readonly resumeFromIt: string };
}

type Messages = Record<string, string[]>;

export function goldenAnswers(version: BehaviourVersion): GoldenAnswers {
  const file = new URL(`golden/${version}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as GoldenAnswers;
}

/** A development event store in this process, with a fresh log, and a connection to it. */
export class FreshStore {
  private readonly clients: WireClient[] = [];
  readonly client = this.connect();
  private stopped: Promise<void> | undefined;

  private constructor(
    private readonly store: DevEventStore,
    readonly port: number,
    /** Why it ended, when it did. */
    readonly failures: readonly Error[],
  ) {}

  static async start(
    behavesLike: BehaviourVersion,
    options: { readonly stopsSlowly?: boolean; readonly readyAfterMs?: number } = {},
  ): Promise<FreshStore> {
    const failures: Error[] = [];
    const store = await DevEventStore.start({
      host: '127.0.0.1',
      port: 0,
      dataFolder: temporaryFolder('golden'),
      advertise: { host: undefined, port: undefined },
      controlPort: 'off',
      behavesLike,
      stopsSlowly: false,
      readyAfterMs: 0,
      fsync: false,
      log: silentLog(),
      onFailure: (error) => failures.push(error),
      ...options,
    });
    const port = Number(new URL(store.endpoints['eventstore']!).port);
    return new FreshStore(store, port, failures);
  }

  connect(): WireClient {
    const client = new WireClient(this.port);
    this.clients.push(client);
    return client;
  }

  /** Appends so many events, each append with so many of them. */
  async append(stream: string, count: number, inAppendsOf = count, type = 't'): Promise<void> {
    for (let appended = 0; appended < count; appended += inAppendsOf) {
      const length = Math.min(inAppendsOf, count - appended);
      const answer = await this.client.appendTo(stream, Array<WireEvent>(length).fill({ type }));
      if (!answer.startsWith('ok')) throw new Error(answer);
    }
  }

  /** Positions of all events, in the order of the log. */
  async positions(): Promise<WirePosition[]> {
    const { messages } = await this.client.read({ from: 'start' });
    return messages.map(({ position }) => position!);
  }

  /** Once; later calls wait for the first. */
  stop(): Promise<void> {
    return (this.stopped ??= this.store.stop());
  }

  async remove(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.stop();
  }
}

/** Waits a while for as many messages as are expected, and then for those that should not come. */
export async function received(
  subscriptions: readonly WireSubscription[],
  counts: readonly number[],
): Promise<void> {
  const isComplete = ({ messages, error }: WireSubscription, index: number): boolean =>
    error !== undefined || messages.length >= counts[index]!;
  for (let waited = 0; waited < LONGEST_WAIT_MS; waited += POLL_MS) {
    if (subscriptions.every(isComplete)) break;
    await pause(POLL_MS);
  }
  await pause(QUIET_MS);
}

/** The messages of a subscription, in the words of the golden answers: places are ordinals. */
export function told(
  { messages, error }: WireSubscription,
  positions: readonly WirePosition[],
): string[] {
  const ordinals = new Map(positions.map(({ commit }, index) => [commit, `@${index}`]));
  const place = (commit: string): string =>
    ordinals.get(commit) ?? (commit === String(2n ** 64n - 1n) ? '2^64-1' : commit);
  const text = ({ kind, position }: WireMessage): string => {
    if (kind === 'event') return `event ${place(position!.commit)}`;
    if (kind !== 'checkpoint') return kind;
    const { commit, prepare } = position!;
    return `checkpoint ${place(commit)}/${prepare === commit ? 'same' : prepare}`;
  };
  return [...messages.map(text), ...(error === undefined ? [] : [error])];
}
