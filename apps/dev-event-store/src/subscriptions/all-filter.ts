import { NumberColumn } from '../index/number-column.js';
import type { EventIndex } from '../index/event-index.js';

/** Which events of `$all` a reader wants. */
export interface EventFilter {
  matches(eventNumber: number): boolean;
}

export interface FilterExpression {
  readonly on: 'stream-name' | 'event-type';
  readonly test: (name: string) => boolean;
}

const UNKNOWN = 0;
const WANTED = 1;

/** Streams that EventStoreDB never shows in `$all`. */
function isHidden(streamName: string): boolean {
  return (
    streamName === '$epoch-information' ||
    /^\$persistentsubscription-\$all::.*-(checkpoint|parked)$/.test(streamName)
  );
}

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

/** @param expression what the reader asked for; without one everything but the hidden streams matches */
export function allFilter(index: EventIndex, expression?: FilterExpression): EventFilter {
  const onStream = expression?.on === 'stream-name' ? expression.test : () => true;
  const streams = new NameJudgement(
    (stream) => index.streams.nameOf(stream),
    (name) => !isHidden(name) && onStream(name),
  );
  if (expression?.on !== 'event-type')
    return { matches: (eventNumber) => streams.isWanted(index.streamOf(eventNumber)) };
  const types = new NameJudgement((type) => index.types.nameOf(type), expression.test);
  return {
    matches: (eventNumber) =>
      types.isWanted(index.typeOf(eventNumber)) && streams.isWanted(index.streamOf(eventNumber)),
  };
}
