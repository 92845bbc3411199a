import { accountStreamName, explainAccount, listedDataOf, sentenceOf } from '@app/accounts';
import type { AccountEvent, ActivationPolicy } from '@app/accounts';
import { ChainWalk } from '@app/event-store';
import type { EventStore, RecordedEvent } from '@app/event-store';
import { anonymousAccountCodec, decodeEach } from '@app/personal-data';
import { accountNotFound } from '../../accounts/replay-account/account-history.js';

const REDACTED = '[redacted]';
const MOST_EVENTS = 200;

/**
 * One account without the person: decoded without a key, so that personal data cannot get in, and of the rest only
 * what is known to be harmless.
 *
 * @param now milliseconds since the Unix epoch
 * @throws Problem account-not-found
 * @throws EventStoreUnavailable
 */
export async function accountSection(
  store: EventStore,
  accountId: string,
  policy: ActivationPolicy,
  now: number,
): Promise<object> {
  const streamName = accountStreamName(accountId);
  const walk = new ChainWalk(streamName);
  const facts: AccountEvent[] = [];
  const newest: object[] = [];
  for await (const recorded of store.readStream(streamName)) {
    walk.add(recorded);
    const [event] = await decodeEach(anonymousAccountCodec, [recorded]);
    if (event === undefined) throw new Error('the codec left out an event');
    if (!(event instanceof Error)) facts.push(event);
    newest.push(entryOf(recorded, event));
    if (newest.length > MOST_EVENTS) newest.shift();
  }
  if (newest.length === 0) throw accountNotFound();
  const { events, broken } = walk.verdict;
  return {
    accountId,
    events,
    chain: {
      intact: broken === undefined,
      broken: broken ? { ...broken, revision: Number(broken.revision) } : null,
    },
    explanation: explainAccount(facts, now, policy).conclusion,
    newest,
  };
}

function entryOf(recorded: RecordedEvent, event: AccountEvent | Error): object {
  const { schemaVersion, actor, $correlationId, $causationId } = recorded.metadata;
  return {
    revision: Number(recorded.revision),
    position: String(recorded.position),
    recordedAt: recorded.recordedAt.toISOString(),
    type: recorded.type,
    schemaVersion,
    ...(event instanceof Error
      ? { unread: `${event.name}: ${event.message}` }
      : { sentence: sentenceOf(event), data: redactedDataOf(event) }),
    actor,
    correlationId: $correlationId,
    causationId: $causationId,
    eventId: recorded.id,
  };
}

function redactedDataOf(event: AccountEvent): object {
  const redacted = Object.fromEntries(Object.keys(event.data).map((name) => [name, REDACTED]));
  return { ...redacted, ...listedDataOf(event) };
}
