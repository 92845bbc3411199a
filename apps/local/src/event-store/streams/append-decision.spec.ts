import { describe, expect, it } from '@jest/globals';
import { decideAppend } from './append-decision.js';
import type { AppendDecision, ExpectedVersion, StreamFacts } from './append-decision.js';

/** A stream that holds the events a, b, c at revisions 0, 1, 2. */
const THREE_EVENTS: StreamFacts = streamWith(['a', 'b', 'c']);
const NOTHING: StreamFacts = streamWith([]);

function streamWith(ids: readonly string[]): StreamFacts {
  return {
    lastRevision: ids.length - 1,
    idAt: (revision) => ids[revision]!,
    recentRevisionOf: (id) => (ids.includes(id) ? ids.indexOf(id) : undefined),
  };
}

const forgotten = (stream: StreamFacts): StreamFacts => ({
  ...stream,
  recentRevisionOf: () => undefined,
});
const alreadyAt = (lastRevision: number): AppendDecision => ({
  kind: 'already-written',
  lastRevision,
});

type Case = [
  string,
  StreamFacts,
  ExpectedVersion,
  string[],
  AppendDecision | AppendDecision['kind'],
];

const CASES: Case[] = [
  ['a new stream', NOTHING, 'no_stream', ['x'], 'write'],
  ['any on a new stream', NOTHING, 'any', ['x'], 'write'],
  ['stream_exists on a new stream', NOTHING, 'stream_exists', ['x'], 'wrong-expected-version'],
  ['a revision on a new stream', NOTHING, 0, ['x'], 'wrong-expected-version'],
  ['the last revision', THREE_EVENTS, 2, ['x'], 'write'],
  ['the last revision with ids that are stored', THREE_EVENTS, 2, ['a', 'b'], 'write'],
  ['a revision to come', THREE_EVENTS, 3, ['x'], 'wrong-expected-version'],
  ['no_stream on a stream', THREE_EVENTS, 'no_stream', ['x'], 'wrong-expected-version'],
  ['an earlier revision', THREE_EVENTS, 0, ['x'], 'wrong-expected-version'],
  ['no_stream repeated', THREE_EVENTS, 'no_stream', ['a', 'b'], alreadyAt(1)],
  ['an earlier revision repeated', THREE_EVENTS, 0, ['b', 'c'], alreadyAt(2)],
  ['a repetition after the ids were forgotten', forgotten(THREE_EVENTS), 0, ['b'], alreadyAt(1)],
  ['repeated with more', THREE_EVENTS, 1, ['c', 'd'], 'wrong-expected-version'],
  ['repeated at another revision', THREE_EVENTS, 0, ['a'], 'wrong-expected-version'],
  ['repeated with another order', THREE_EVENTS, 'no_stream', ['b', 'a'], 'wrong-expected-version'],
  ['any repeated', THREE_EVENTS, 'any', ['b', 'c'], alreadyAt(2)],
  ['stream_exists repeated', THREE_EVENTS, 'stream_exists', ['a'], alreadyAt(0)],
  ['any, first id new', THREE_EVENTS, 'any', ['x', 'a'], 'write'],
  ['any, a later id new', THREE_EVENTS, 'any', ['a', 'x'], 'wrong-expected-version'],
  ['any repeated after the ids were forgotten', forgotten(THREE_EVENTS), 'any', ['a'], 'write'],
  ['nothing, expecting any', THREE_EVENTS, 'any', [], 'write'],
  ['nothing, at the last revision', THREE_EVENTS, 2, [], 'write'],
  ['nothing, at an earlier revision', THREE_EVENTS, 1, [], 'wrong-expected-version'],
];

describe('deciding on an append', () => {
  it.each(CASES)('%s', (_name, stream, expected, ids, decision) => {
    expect(decideAppend(expected, ids, stream)).toEqual(
      typeof decision === 'string' ? { kind: decision } : decision,
    );
  });
});
