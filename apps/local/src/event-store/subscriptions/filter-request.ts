import { invalidArgument } from '../grpc/rpc-errors.js';
import type { Streams } from '../protocol.js';
import type { FilterExpression } from './all-filter.js';
import type { Checkpoints } from './all-source.js';

/** Events looked at between two checkpoints when the request does not say. */
const DEFAULT_SEARCH_WINDOW = 32;

export interface RequestedFilter {
  readonly expression: FilterExpression;
  readonly checkpoints: Checkpoints;
}

/** @throws RpcError when the request has no expression or an impossible interval */
export function requestedFilter(request: Streams.ReadReq.Options.FilterOptions): RequestedFilter {
  const onStream = request.getStreamIdentifier();
  const expression = onStream ?? request.getEventType();
  if (expression === undefined) throw invalidArgument('the filter has no expression');
  const multiplier = request.getCheckpointintervalmultiplier();
  if (multiplier < 1)
    throw invalidArgument('the checkpoint interval multiplier must be at least 1');
  const searchWindow = request.hasMax() ? request.getMax() : DEFAULT_SEARCH_WINDOW;
  if (searchWindow < 1) throw invalidArgument('the search window must be at least 1');
  return {
    expression: {
      on: onStream ? 'stream-name' : 'event-type',
      regex: expression.getRegex(),
      prefixes: expression.getPrefixList(),
    },
    checkpoints: { searchWindow, interval: multiplier * searchWindow },
  };
}
