import { describe, expect, it } from '@jest/globals';
import { EventIndex } from '../index/event-index.js';
import { EventRecord, writeRecord } from '../log/event-record.js';
import { ProtobufWriter } from '../protobuf/protobuf-writer.js';
import { allFilter } from './all-filter.js';
import type { FilterExpression } from './all-filter.js';

const EVENTS = [
  ['account-1', 'AccountRegistered'],
  ['account-2', 'AccountActivated'],
  ['order-1', 'OrderPlaced'],
  ['order-2', '$internal'],
] as const;

function indexed(): EventIndex {
  const index = new EventIndex();
  for (const [position, [stream, type]] of EVENTS.entries()) {
    const writer = new ProtobufWriter();
    const event = {
      id: '6f1c9a52-3b0e-4f7e-9d58-0f7f7f3b9a11',
      streamName: Buffer.from(stream),
      revision: 0,
      type: Buffer.from(type),
      isJson: true,
      customMetadata: Buffer.alloc(0),
      data: Buffer.from('{}'),
    };
    writeRecord(writer, event, position, 0);
    index.add(new EventRecord(writer.copy()));
  }
  return index;
}

function matching(expression?: Partial<FilterExpression>): number[] {
  const index = indexed();
  const filter = allFilter(
    index,
    expression && { on: 'stream-name', regex: '', prefixes: [], ...expression },
  );
  // Asked twice, because answers are remembered.
  for (const number of EVENTS.keys()) filter(number);
  return [...EVENTS.keys()].filter((number) => filter(number));
}

describe('filtering $all', () => {
  it('leaves nothing out without an expression', () => {
    expect(matching()).toEqual([0, 1, 2, 3]);
  });

  it.each<[string, Partial<FilterExpression>, number[]]>([
    ['prefixes of stream names', { prefixes: ['account-', 'order-1'] }, [0, 1, 2]],
    ['an expression on stream names', { regex: '-1$' }, [0, 2]],
    ['prefixes of event types', { on: 'event-type', prefixes: ['Account'] }, [0, 1]],
    ['an expression on event types', { on: 'event-type', regex: '^[^$].*' }, [0, 1, 2]],
  ])('by %s', (_what, expression, expected) => {
    expect(matching(expression)).toEqual(expected);
  });

  it('refuses expressions that JavaScript cannot compile', () => {
    expect(() => matching({ regex: '(?i)account' })).toThrow('the filter cannot be used here');
  });
});
