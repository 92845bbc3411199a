import type { Behaviour } from '../behaviour.js';
import type { ProposedEvent } from '../log/event-record.js';
import { handlerFailed } from './rpc-errors.js';

/** EventStoreDB's limit for all events of one append together, in bytes. */
export const MAX_APPEND_SIZE = 1_048_576;
const DOLLAR_DOLLAR = Buffer.from('$$');

/** What an append may be. */
export class AppendRules {
  /** @param end called for what ends a server of this version */
  constructor(
    private readonly behaviour: Behaviour,
    private readonly end: (reason: string) => void,
  ) {}

  /** What an event adds to the size of its append. */
  sizeOf({ data, customMetadata, type }: ProposedEvent): number {
    if (this.behaviour.appendSize === 'data') return data.length;
    return data.length + customMetadata.length + 2 * type.toString().length;
  }

  /** @throws RpcError for a stream name that no event can be appended to */
  check(streamName: Buffer): void {
    if (!streamName.equals(DOLLAR_DOLLAR)) return;
    const { version, endsAtDollarDollar } = this.behaviour;
    if (endsAtDollarDollar) this.end(`an append to a stream named $$ ends EventStoreDB ${version}`);
    throw handlerFailed();
  }
}
