import { persistent } from '../protocol.js';
import type { Persistent } from '../protocol.js';
import type { Member } from '../persistent-subscriptions/consumer.js';
import { ALL } from '../persistent-subscriptions/group.js';
import type { Group } from '../persistent-subscriptions/group.js';
import { placeText } from '../persistent-subscriptions/persistent-subscription.js';
import type { PersistentSubscription } from '../persistent-subscriptions/persistent-subscription.js';
import type { StreamReader } from '../reading/stream-reader.js';

/** Without access control everybody is the system. */
const USER_NAME = 'system';

const { SubscriptionInfo } = persistent;

/** What the protocol reports about a group. */
export function infoOf(
  reader: StreamReader,
  subscription: PersistentSubscription,
): Persistent.SubscriptionInfo {
  const { group, consumers } = subscription;
  const { settings } = group;
  const inFlight = sum(consumers.map(({ inFlightCount }) => inFlightCount));
  const measured = consumers.map((consumer) => consumer.measure());
  const info = new SubscriptionInfo();
  info.setEventSource(group.streamName);
  info.setGroupName(group.groupName);
  info.setStatus(subscription.isLive ? 'Live' : 'Behind');
  info.setConnectionsList(
    consumers.map((consumer, index) =>
      connectionOf(consumer, measured[index]!, settings.extraStatistics),
    ),
  );
  info.setAveragePerSecond(sum(measured.map(({ perSecond }) => perSecond)));
  info.setTotalItems(String(sum(consumers.map(({ deliveredCount }) => deliveredCount))));
  info.setCountSinceLastMeasurement(String(sum(measured.map(({ count }) => count))));
  const { checkpoint } = subscription;
  info.setLastCheckpointedEventPosition(
    checkpoint === undefined ? '' : placeText(group, checkpoint),
  );
  info.setLastKnownEventPosition(lastKnown(reader, group));
  info.setResolveLinkTos(settings.resolveLinks);
  info.setStartFrom(startText(group));
  info.setMessageTimeoutMilliseconds(settings.messageTimeoutMs);
  info.setExtraStatistics(settings.extraStatistics);
  info.setMaxRetryCount(settings.maxRetryCount);
  info.setLiveBufferSize(settings.liveBufferSize);
  info.setBufferSize(settings.historyBufferSize);
  info.setReadBatchSize(settings.readBatchSize);
  info.setCheckPointAfterMilliseconds(settings.checkpointAfterMs);
  info.setMinCheckPointCount(settings.minCheckpointCount);
  info.setMaxCheckPointCount(settings.maxCheckpointCount);
  info.setReadBufferCount(subscription.upcomingCount);
  info.setLiveBufferCount('0');
  info.setRetryBufferCount(subscription.retryCount);
  info.setTotalInFlightMessages(inFlight);
  info.setOutstandingMessagesCount(inFlight);
  info.setNamedConsumerStrategy(settings.strategy);
  info.setMaxSubscriberCount(settings.maxSubscriberCount);
  info.setParkedMessageCount(String(subscription.parkedCount));
  return info;
}

function connectionOf(
  consumer: Member,
  measured: { count: number; perSecond: number },
  withStatistics: boolean,
): Persistent.SubscriptionInfo.ConnectionInfo {
  const connection = new SubscriptionInfo.ConnectionInfo();
  connection.setFrom(consumer.peer);
  connection.setUsername(USER_NAME);
  connection.setConnectionName(consumer.connectionName);
  connection.setAverageItemsPerSecond(measured.perSecond);
  connection.setTotalItems(String(consumer.deliveredCount));
  connection.setCountSinceLastMeasurement(String(measured.count));
  connection.setAvailableSlots(consumer.availableSlots);
  connection.setInFlightMessages(consumer.inFlightCount);
  if (withStatistics)
    connection.setObservedMeasurementsList(measurementsOf(consumer.sortedLatencies()));
  return connection;
}

const PERCENTILES: readonly (readonly [string, number])[] = [
  ['Quintile 1', 0.2],
  ['Quintile 2', 0.4],
  ['Quintile 3', 0.6],
  ['Quintile 4', 0.8],
  ['Quintile 5', 1],
  ['90%', 0.9],
  ['95%', 0.95],
  ['99%', 0.99],
  ['99.5%', 0.995],
  ['99.9%', 0.999],
];

/** @param sorted milliseconds from delivery to answer */
function measurementsOf(sorted: readonly number[]): Persistent.SubscriptionInfo.Measurement[] {
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const values: (readonly [string, number])[] = [
    ['Mean', sorted.length === 0 ? 0 : sum(sorted) / sorted.length],
    ['Median', at(0.5)],
    ['Fastest', at(0)],
    ...PERCENTILES.map(([key, share]) => [key, at(share)] as const),
  ];
  return values.map(([key, value]) => {
    const measurement = new SubscriptionInfo.Measurement();
    measurement.setKey(key);
    measurement.setValue(String(Math.round(value)));
    return measurement;
  });
}

function startText(group: Group): string {
  const { startFrom } = group.settings;
  const place = startFrom === 'start' ? 0 : startFrom === 'end' ? -1 : startFrom;
  return placeText(group, place);
}

function lastKnown(reader: StreamReader, group: Group): string {
  if (group.streamName === ALL)
    return reader.endOfLog === 0 ? '' : placeText(group, reader.endOfLog);
  const window = reader.windowOf(Buffer.from(group.streamName));
  return window.kind === 'readable' ? placeText(group, window.last) : '';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
