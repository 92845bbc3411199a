import { randomUUID } from 'node:crypto';
import {
  subscriptionDoesNotExist,
  subscriptionDropped,
  subscriptionExists,
  subscriptionFailed,
} from '../grpc/rpc-errors.js';
import type { StreamReader } from '../reading/stream-reader.js';
import { ALL, faultIn, keyOf, parseGroups, serialiseGroups } from './group.js';
import type { Group, GroupSettings } from './group.js';
import { PersistentSubscription } from './persistent-subscription.js';

const CONFIGURATION_STREAM = Buffer.from('$persistentSubscriptionConfig');
const CONFIGURATION_TYPE = Buffer.from('$PersistentConfig');
const TICK_MS = 1_000;

type GroupName = Pick<Group, 'streamName' | 'groupName'>;

/** All groups: they live in a stream of their own, and so survive a restart. */
export class PersistentSubscriptions {
  private readonly subscriptions = new Map<string, PersistentSubscription>();
  /** Streams that have or had a group since the start. */
  private readonly followedStreams = new Set<string>();
  private readonly ticking: NodeJS.Timeout;
  private readonly stopFollowing: () => void;

  constructor(private readonly reader: StreamReader) {
    this.load();
    this.stopFollowing = reader.onProgress(() => this.each((subscription) => subscription.pump()));
    this.ticking = setInterval(() => this.each((subscription) => subscription.tick()), TICK_MS);
  }

  /** Ends the work of all groups; the caller ends the connections. */
  stop(): void {
    clearInterval(this.ticking);
    this.stopFollowing();
    this.each((subscription) => subscription.stop(undefined));
  }

  /** @throws RpcError when there is no such group */
  get(name: GroupName): PersistentSubscription {
    const subscription = this.subscriptions.get(keyOf(name));
    if (subscription === undefined) throw subscriptionDoesNotExist(name.streamName, name.groupName);
    return subscription;
  }

  /**
   * @param done called when the group is durable
   * @throws RpcError when it exists already or its settings are no good
   */
  create(group: Group, done: () => void): void {
    const { streamName, groupName } = group;
    if (this.subscriptions.has(keyOf(group))) throw subscriptionExists(streamName, groupName);
    this.verify(group);
    this.add(group);
    this.save(done);
  }

  /**
   * Replaces the settings of a group. Its connections are dropped, and it starts from its checkpoint.
   *
   * @throws RpcError
   */
  update(name: GroupName, settings: GroupSettings, done: () => void): void {
    const former = this.get(name);
    const group = { ...former.group, settings };
    this.verify(group);
    former.stop(subscriptionDropped(name.streamName, name.groupName));
    this.add(group);
    this.save(done);
  }

  /** @throws RpcError when there is no such group */
  delete(name: GroupName, done: () => void): void {
    const subscription = this.get(name);
    subscription.stop(subscriptionDropped(name.streamName, name.groupName));
    subscription.removeTraces();
    this.subscriptions.delete(subscription.key);
    this.save(done);
  }

  all(): PersistentSubscription[] {
    return [...this.subscriptions.values()];
  }

  /** @throws RpcError for a stream that never had a group */
  ofStream(streamName: string): PersistentSubscription[] {
    if (!this.followedStreams.has(streamName)) throw subscriptionDoesNotExist(streamName, '');
    return this.all().filter(({ group }) => group.streamName === streamName);
  }

  /** Drops all connections and starts every group from its checkpoint. */
  restart(): void {
    this.each((subscription) => {
      const { streamName, groupName } = subscription.group;
      subscription.stop(subscriptionDropped(streamName, groupName));
    });
    this.subscriptions.clear();
    this.load();
  }

  private load(): void {
    const window = this.reader.windowOf(CONFIGURATION_STREAM);
    if (window.kind !== 'readable') return;
    for (const group of parseGroups(window.recordAt(window.last).data)) this.add(group);
  }

  private save(done: () => void): void {
    const event = {
      id: randomUUID(),
      type: CONFIGURATION_TYPE,
      isJson: true,
      data: serialiseGroups(this.all().map(({ group }) => group)),
      customMetadata: Buffer.alloc(0),
    };
    this.reader.store.append(CONFIGURATION_STREAM, 'any', [event], done);
  }

  private add(group: Group): void {
    this.followedStreams.add(group.streamName);
    this.subscriptions.set(keyOf(group), new PersistentSubscription(this.reader, group));
  }

  private verify({ streamName, groupName, settings }: Group): void {
    const fault = faultIn(settings, streamName === ALL ? this.reader.endOfLog : Infinity);
    if (fault !== undefined) throw subscriptionFailed(streamName, groupName, fault);
  }

  private each(act: (subscription: PersistentSubscription) => void): void {
    for (const subscription of this.subscriptions.values()) act(subscription);
  }
}
