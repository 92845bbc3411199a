/** What the appender expects of the stream: the revision of its last event, or a kind of state. */
export type ExpectedVersion = number | 'no_stream' | 'any' | 'stream_exists';

/** Revision "before the first event". */
export const NO_EVENTS = -1;

/** What a decision needs to know, appends that are not yet durable included. */
export interface StreamFacts {
  /** Revision of the last event, `NO_EVENTS` when there never was one. */
  readonly lastRevision: number;
  idAt(revision: number): string;
  /** Where an event id was appended lately; forgotten after a while and by a restart. */
  recentRevisionOf(id: string): number | undefined;
}

export type AppendDecision =
  | { readonly kind: 'write' }
  | { readonly kind: 'already-written'; readonly lastRevision: number }
  | { readonly kind: 'wrong-expected-version' };

const WRITE: AppendDecision = { kind: 'write' };
const WRONG_EXPECTED_VERSION: AppendDecision = { kind: 'wrong-expected-version' };

/** Optimistic concurrency and idempotency of an append, in the order in which EventStoreDB decides. */
export function decideAppend(
  expected: ExpectedVersion,
  ids: readonly string[],
  stream: StreamFacts,
): AppendDecision {
  if (expected === 'stream_exists' && stream.lastRevision === NO_EVENTS)
    return WRONG_EXPECTED_VERSION;
  if (expected === 'any' || expected === 'stream_exists') return decideByRecentIds(ids, stream);
  const expectedRevision = expected === 'no_stream' ? NO_EVENTS : expected;
  if (expectedRevision > stream.lastRevision) return WRONG_EXPECTED_VERSION;
  if (expectedRevision === stream.lastRevision) return WRITE;
  return decideByStoredIds(expectedRevision + 1, ids, stream);
}

function decideByRecentIds(ids: readonly string[], stream: StreamFacts): AppendDecision {
  let lastRevision = NO_EVENTS;
  for (const [index, id] of ids.entries()) {
    const revision = stream.recentRevisionOf(id);
    if (revision === undefined) return index === 0 ? WRITE : WRONG_EXPECTED_VERSION;
    lastRevision = revision;
  }
  return ids.length === 0 ? WRITE : { kind: 'already-written', lastRevision };
}

/** The append is a repetition when exactly these events were stored at the revisions it asks for. */
function decideByStoredIds(
  firstRevision: number,
  ids: readonly string[],
  stream: StreamFacts,
): AppendDecision {
  for (const [index, id] of ids.entries()) {
    const revision = firstRevision + index;
    if (revision > stream.lastRevision || stream.idAt(revision) !== id)
      return WRONG_EXPECTED_VERSION;
  }
  if (ids.length === 0) return WRONG_EXPECTED_VERSION;
  return { kind: 'already-written', lastRevision: firstRevision + ids.length - 1 };
}
