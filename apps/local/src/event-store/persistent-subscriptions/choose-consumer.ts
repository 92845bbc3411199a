import type { Member, Message } from './consumer.js';
import type { GroupSettings } from './group.js';

/** Chooses who gets an event; undefined when it has to wait. */
export type ChooseConsumer = (consumers: readonly Member[], message: Message) => Member | undefined;

export function strategyOf(name: GroupSettings['strategy']): ChooseConsumer {
  switch (name) {
    case 'DispatchToSingle':
      return (consumers) => consumers.find(({ hasRoom }) => hasRoom);
    case 'RoundRobin':
      return roundRobin();
    case 'Pinned':
      return pinned;
  }
}

function roundRobin(): ChooseConsumer {
  let next = 0;
  return (consumers) => {
    for (let tried = 0; tried < consumers.length; tried += 1) {
      const consumer = consumers[(next + tried) % consumers.length]!;
      if (!consumer.hasRoom) continue;
      next = (next + tried + 1) % consumers.length;
      return consumer;
    }
    return undefined;
  };
}

/** All events of a stream go to the same consumer, as long as the consumers stay the same. */
function pinned(consumers: readonly Member[], message: Message): Member | undefined {
  const record = message.event.event ?? message.event.link;
  if (record === undefined || consumers.length === 0) return undefined;
  let hash = 0;
  for (const byte of record.streamName) hash = (Math.imul(hash, 31) + byte) >>> 0;
  const consumer = consumers[hash % consumers.length]!;
  return consumer.hasRoom ? consumer : undefined;
}
