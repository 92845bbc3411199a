/** One version of EventStoreDB, as far as versions differ in what this product can notice. */
export interface Behaviour {
  readonly version: string;
  /**
   * The checkpoint that comes with caught-up: none, the last position sent (2^64-1 when nothing was sent), or how far
   * the log was read.
   */
  readonly checkpointAtCaughtUp: 'none' | 'sent' | 'read';
  /** The event from which a live subscription counts towards its next checkpoint. */
  readonly liveCountBegins: 'where-history-counted' | 'at-subscription';
  /** What a subscription from a position passes over: the next event there or after it, or all up to the position. */
  readonly passesOver: 'next-event' | 'up-to-position';
  /** A subscription to a stream that does not exist is not caught up before the stream has events. */
  readonly waitsForStream: boolean;
  /** What a subscriber that does not keep up meets. */
  readonly slowReader: SlowReader;
  readonly invalidPosition: {
    /** How a read of `$all` ends that begins where no event is. */
    readonly read: string;
    /** A subscription there is confirmed before it ends; otherwise it fails at once. */
    readonly isConfirmed: boolean;
  };
  /** What the limit of one append counts. */
  readonly appendSize: 'data' | 'data-metadata-and-type';
  /** An append to a stream named `$$` ends the server instead of being refused. */
  readonly endsAtDollarDollar: boolean;
  /** A server that gets the signal to stop leaves subscriptions open and silent for so long, in milliseconds. */
  readonly stopSilenceMs: number;
  /** A server that stops answers appends with "Server Is Not Ready" before it refuses connections. */
  readonly saysNotReadyWhenStopping: boolean;
  /** `GET /health/live?liveCode=…` is answered with that code. */
  readonly takesLiveCode: boolean;
}

export type SlowReader =
  /** It reads from the log again, and is caught up a second time. */
  | { readonly kind: 'catches-up' }
  /** Its call ends, also when one append has more messages for it than `longestAppend`. */
  | { readonly kind: 'is-ended'; readonly longestAppend: number };

const V24_10_14: Behaviour = {
  version: '24.10.14',
  checkpointAtCaughtUp: 'read',
  liveCountBegins: 'at-subscription',
  passesOver: 'up-to-position',
  waitsForStream: false,
  slowReader: { kind: 'catches-up' },
  invalidPosition: { read: 'Unexpected ReadAllResult: InvalidPosition', isConfirmed: true },
  appendSize: 'data-metadata-and-type',
  endsAtDollarDollar: false,
  stopSilenceMs: 5_000,
  saysNotReadyWhenStopping: true,
  takesLiveCode: true,
};

/** What each version does, as recorded (test/event-store/golden); the rest of this store is the same for all. */
export const BEHAVIOURS = {
  '24.10.14': V24_10_14,
  '24.10.4': { ...V24_10_14, version: '24.10.4', checkpointAtCaughtUp: 'sent' },
  '23.10.6': {
    ...V24_10_14,
    version: '23.10.6',
    checkpointAtCaughtUp: 'none',
    liveCountBegins: 'where-history-counted',
    passesOver: 'next-event',
    waitsForStream: true,
    slowReader: { kind: 'is-ended', longestAppend: 338 },
    invalidPosition: { read: 'Unexpected ReadAllResult: Error', isConfirmed: false },
    appendSize: 'data',
    endsAtDollarDollar: true,
    saysNotReadyWhenStopping: false,
    takesLiveCode: false,
  },
  '25.0.1': {
    ...V24_10_14,
    version: '25.0.1',
    stopSilenceMs: 7_000,
    saysNotReadyWhenStopping: false,
  },
} as const satisfies Record<string, Behaviour>;

export type BehaviourVersion = keyof typeof BEHAVIOURS;

export const BEHAVIOUR_VERSIONS = Object.keys(BEHAVIOURS) as BehaviourVersion[];
