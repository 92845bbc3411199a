import type { Behaviour } from '../behaviour.js';
import type { ProposedEvent } from '../streams/stream-store.js';
import { handlerFailed } from './rpc-errors.js';

/** EventStoreDB's limit for one append, in bytes. */
const MAX_APPEND_SIZE = 1_048_576;
const DOLLAR_DOLLAR = Buffer.from('$$');

/** What an append may be. */
export interface AppendRules {
  /** Of all events of an append together. */
  readonly maxSize: number;
  /** What an event adds to the size of its append. */
  sizeOf(event: ProposedEvent): number;
  /** @throws RpcError for a stream name that no event can be appended to */
  check(streamName: Buffer): void;
}

/** @param end called for what ends a server of this version */
export function appendRules(behaviour: Behaviour, end: (reason: string) => void): AppendRules {
  const isDataOnly = behaviour.appendSize === 'data';
  return {
    maxSize: MAX_APPEND_SIZE,
    sizeOf: ({ data, customMetadata, type }) =>
      isDataOnly ? data.length : data.length + customMetadata.length + 2 * type.toString().length,
    check: (streamName) => {
      if (!streamName.equals(DOLLAR_DOLLAR)) return;
      if (behaviour.endsAtDollarDollar)
        end(`an append to a stream named $$ ends EventStoreDB ${behaviour.version}`);
      throw handlerFailed();
    },
  };
}
