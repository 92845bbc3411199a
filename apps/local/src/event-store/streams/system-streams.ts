const DOLLAR = 0x24;
/** Names that begin like those of system streams, but are none. */
const PLAIN_NAMES = ['$all', '$$'].map((name) => Buffer.from(name));

/** The one event that every log begins with; only readers of `$all` see it. */
export const FIRST_EVENT = {
  streamName: Buffer.from('$$$scavenges'),
  type: Buffer.from('$metadata'),
  data: Buffer.from('{"$maxAge":2592000}'),
};

/**
 * Whether the name is one of those that EventStoreDB keeps for itself: metadata of streams (`$$…`), system
 * projections, persistent subscriptions, settings. This store serves no such streams.
 */
export function isSystemStream(streamName: Buffer): boolean {
  return streamName[0] === DOLLAR && !PLAIN_NAMES.some((name) => name.equals(streamName));
}
