import { invalidArgument } from '../grpc/rpc-errors.js';
import type { EventIndex } from '../index/event-index.js';

/** Which events of `$all` a reader wants, by their numbers. */
export type EventFilter = (eventNumber: number) => boolean;

/** A test of stream names or event types: by regular expression when there is one, else by prefixes. */
export interface FilterExpression {
  readonly on: 'stream-name' | 'event-type';
  readonly regex: string;
  readonly prefixes: string[];
}

/** Judges each stream name and each event type only once: events are then filtered by number. */
function judging(
  nameOf: (number: number) => string,
  test: (name: string) => boolean,
): (number: number) => boolean {
  const verdicts: boolean[] = [];
  return (number) => (verdicts[number] ??= test(nameOf(number)));
}

/**
 * @param expression what the reader asked for; without one every event matches
 * @throws RpcError when JavaScript cannot compile the regular expression
 */
export function allFilter(index: EventIndex, expression?: FilterExpression): EventFilter {
  if (expression === undefined) return () => true;
  const isOnType = expression.on === 'event-type';
  const names = isOnType ? index.types : index.streams;
  const isWanted = judging((number) => names.nameOf(number), testOf(expression));
  return (eventNumber) =>
    isWanted(isOnType ? index.typeOf(eventNumber) : index.streamOf(eventNumber));
}

function testOf({ regex, prefixes }: FilterExpression): (name: string) => boolean {
  if (regex === '') return (name) => prefixes.some((prefix) => name.startsWith(prefix));
  const compiled = compile(regex);
  return (name) => compiled.test(name);
}

/** EventStoreDB takes .NET expressions: one that JavaScript might read differently is refused. */
function compile(regex: string): RegExp {
  try {
    return new RegExp(regex, 'u');
  } catch (error) {
    if (error instanceof SyntaxError)
      throw invalidArgument(`the filter cannot be used here: ${error.message}`);
    throw error;
  }
}
