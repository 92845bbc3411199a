import { persistent } from '../protocol.js';
import type { Persistent, Shared } from '../protocol.js';
import { ALL, STRATEGIES } from '../persistent-subscriptions/group.js';
import type { Group, GroupSettings } from '../persistent-subscriptions/group.js';
import { requestedFilter } from '../subscriptions/filter-request.js';
import { streamNameOf } from './protocol-values.js';
import { invalidArgument, subscriptionFailed } from './rpc-errors.js';

const TICKS_PER_MILLISECOND = 10_000;
/** Older clients send positions as numbers in the settings; this one stands for the end. */
const END_REVISION = '18446744073709551615';

type GroupName = Pick<Group, 'streamName' | 'groupName'>;

/** How requests name the group that they are about. */
interface NamesGroup {
  hasAll(): boolean;
  getStreamIdentifier(): Shared.StreamIdentifier | undefined;
  getGroupName(): string;
}

export function groupNameOf(options: NamesGroup | undefined): GroupName {
  if (options === undefined) throw invalidArgument('the request has no options');
  const groupName = options.getGroupName();
  if (groupName === '') throw invalidArgument('the group name is missing');
  const streamName = options.hasAll()
    ? ALL
    : streamNameOf(options.getStreamIdentifier()).toString('utf8');
  return { streamName, groupName };
}

export function createdGroup(request: Persistent.CreateReq): Group {
  const options = request.getOptions();
  const name = nameInSettings(options);
  const filter = options?.getAll()?.getFilter();
  return {
    ...name,
    ...(filter === undefined ? {} : { filter: requestedFilter(filter).expression }),
    settings: settingsOf(options, name, options?.getSettings()?.getConsumerStrategy() ?? ''),
  };
}

export function updatedGroup(
  request: Persistent.UpdateReq,
): GroupName & { readonly settings: GroupSettings } {
  const options = request.getOptions();
  const name = nameInSettings(options);
  return { ...name, settings: settingsOf(options, name, '') };
}

type OptionsWithSettings = Persistent.CreateReq.Options | Persistent.UpdateReq.Options;

/** The stream is named in `stream`, or by older clients beside it. */
function nameInSettings(options: OptionsWithSettings | undefined): GroupName {
  const identifier = options?.getStream()?.getStreamIdentifier() ?? options?.getStreamIdentifier();
  return groupNameOf(
    options && {
      hasAll: () => options.hasAll(),
      getStreamIdentifier: () => identifier,
      getGroupName: () => options.getGroupName(),
    },
  );
}

function settingsOf(
  options: OptionsWithSettings | undefined,
  name: GroupName,
  strategyName: string,
): GroupSettings {
  const settings = options?.getSettings();
  if (options === undefined || settings === undefined)
    throw invalidArgument('the request has no settings');
  return {
    resolveLinks: settings.getResolveLinks(),
    startFrom: startFromOf(options, settings, name),
    extraStatistics: settings.getExtraStatistics(),
    messageTimeoutMs: settings.hasMessageTimeoutTicks()
      ? Number(settings.getMessageTimeoutTicks()) / TICKS_PER_MILLISECOND
      : settings.getMessageTimeoutMs(),
    maxRetryCount: settings.getMaxRetryCount(),
    checkpointAfterMs: settings.hasCheckpointAfterTicks()
      ? Number(settings.getCheckpointAfterTicks()) / TICKS_PER_MILLISECOND
      : settings.getCheckpointAfterMs(),
    minCheckpointCount: settings.getMinCheckpointCount(),
    maxCheckpointCount: settings.getMaxCheckpointCount(),
    maxSubscriberCount: settings.getMaxSubscriberCount(),
    liveBufferSize: settings.getLiveBufferSize(),
    readBatchSize: settings.getReadBatchSize(),
    historyBufferSize: settings.getHistoryBufferSize(),
    strategy: strategyOf(strategyName, settings.getNamedConsumerStrategy(), name),
  };
}

function startFromOf(
  options: OptionsWithSettings,
  settings: Persistent.CreateReq.Settings | Persistent.UpdateReq.Settings,
  { streamName, groupName }: GroupName,
): GroupSettings['startFrom'] {
  const part = options.getAll() ?? options.getStream();
  if (part === undefined) return revisionOf(settings.getRevision());
  if (part.hasStart()) return 'start';
  if (part.hasEnd()) return 'end';
  if ('getRevision' in part) return revisionOf(part.getRevision());
  const position = part.getPosition();
  const commit = Number(position?.getCommitPosition());
  if (Number(position?.getPreparePosition()) > commit)
    throw subscriptionFailed(streamName, groupName, 'the prepare position is after the commit one');
  return commit;
}

function revisionOf(digits: string): GroupSettings['startFrom'] {
  if (digits === END_REVISION) return 'end';
  return digits === '0' ? 'start' : Number(digits);
}

/** The strategy's name wins over the number that older clients send. */
function strategyOf(
  strategyName: string,
  number: Persistent.CreateReq.ConsumerStrategy | Persistent.UpdateReq.ConsumerStrategy,
  { streamName, groupName }: GroupName,
): GroupSettings['strategy'] {
  const strategy = STRATEGIES.find((known) => known === strategyName) ?? STRATEGIES[number];
  if (strategy === undefined || (strategyName !== '' && strategy !== strategyName))
    throw subscriptionFailed(streamName, groupName, 'the consumer strategy is unknown');
  return strategy;
}

const { Action } = persistent.ReadReq.Nack;

/** `stop` only gives up the event, as in EventStoreDB: the subscription goes on. */
export function nackActionOf(action: Persistent.ReadReq.Nack.Action): 'retry' | 'park' | 'skip' {
  switch (action) {
    case Action.PARK:
      return 'park';
    case Action.SKIP:
    case Action.STOP:
      return 'skip';
    default:
      return 'retry';
  }
}
