import { invalidArgument } from '../grpc/rpc-errors.js';
import { NumberColumn } from '../index/number-column.js';
import type { EventIndex } from '../index/event-index.js';

/** Which events of `$all` a reader wants. */
export interface EventFilter {
  matches(eventNumber: number): boolean;
}

/** A test of stream names or event types: by regular expression when there is one, else by prefixes. */
export interface FilterExpression {
  readonly on: 'stream-name' | 'event-type';
  readonly regex: string;
  readonly prefixes: string[];
}

const UNKNOWN = 0;
const WANTED = 1;

/** Judges each stream name and each event type only once: events are then filtered by number. */
class NameJudgement {
  private readonly verdicts = new NumberColumn(Uint8Array);

  constructor(
    private readonly nameOf: (number: number) => string,
    private readonly test: (name: string) => boolean,
  ) {}

  isWanted(number: number): boolean {
    const known = this.verdicts.at(number);
    if (known !== UNKNOWN) return known === WANTED;
    const isWanted = this.test(this.nameOf(number));
    this.verdicts.set(number, isWanted ? WANTED : 2);
    return isWanted;
  }
}

/**
 * @param expression what the reader asked for; without one every event matches
 * @throws RpcError when JavaScript cannot compile the regular expression
 */
export function allFilter(index: EventIndex, expression?: FilterExpression): EventFilter {
  if (expression === undefined) return { matches: () => true };
  const isOnType = expression.on === 'event-type';
  const names = isOnType ? index.types : index.streams;
  const judgement = new NameJudgement((number) => names.nameOf(number), testOf(expression));
  return {
    matches: (eventNumber) =>
      judgement.isWanted(isOnType ? index.typeOf(eventNumber) : index.streamOf(eventNumber)),
  };
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
