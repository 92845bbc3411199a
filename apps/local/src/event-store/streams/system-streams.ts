const DOLLAR = 0x24;
const ALL = Buffer.from('$all');

/**
 * Whether the name is one of those that EventStoreDB keeps for itself: metadata of streams (`$$…`), system
 * projections, persistent subscriptions, settings. This store has no such streams.
 */
export function isSystemStream(streamName: Buffer): boolean {
  return streamName[0] === DOLLAR && !streamName.equals(ALL);
}
