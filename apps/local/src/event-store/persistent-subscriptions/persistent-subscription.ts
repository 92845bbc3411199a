import { randomUUID } from 'node:crypto';
import type { OpenStream } from '../grpc/open-streams.js';
import { RpcError } from '../grpc/rpc-errors.js';
import { metastreamOf } from '../index/event-index.js';
import type { EventRecord } from '../log/event-record.js';
import type { StreamReader } from '../reading/stream-reader.js';
import { LINK_TYPE } from '../reading/stream-window.js';
import type { ResolvedEvent } from '../reading/stream-window.js';
import { allFilter } from '../subscriptions/all-filter.js';
import { AllSource } from '../subscriptions/all-source.js';
import type { EventSource } from '../subscriptions/event-source.js';
import { StreamSource } from '../subscriptions/stream-source.js';
import { strategyOf } from './choose-consumer.js';
import type { ChooseConsumer } from './choose-consumer.js';
import { CompletedPlaces } from './completed-places.js';
import { Member } from './consumer.js';
import type { Message } from './consumer.js';
import { ALL, keyOf } from './group.js';
import type { Group } from './group.js';

const CHECKPOINT_TYPE = Buffer.from('SubscriptionCheckpoint');
const METADATA_TYPE = Buffer.from('$metadata');
const KEEP_TWO = Buffer.from('{"$maxCount":2}');
const NOTHING = Buffer.alloc(0);

export type NackAction = 'retry' | 'park' | 'skip';

/**
 * One group: hands events to its consumers, takes their answers, and remembers how far it got. Nothing is
 * lost over a restart; what was not yet in a checkpoint is delivered again.
 */
export class PersistentSubscription {
  readonly key: string;
  private readonly source: EventSource | undefined;
  private readonly places: CompletedPlaces;
  private readonly choose: ChooseConsumer;
  private readonly members: Member[] = [];
  /** Delivered before newer events. */
  private readonly retries: Message[] = [];
  /** Taken from the source, but no consumer had room for it yet. */
  private upcoming: Message | undefined;
  private isSourceExhausted = false;
  private search: NodeJS.Immediate | undefined;
  private checkpointPlace: number | undefined;
  private checkpointedAt = performance.now();
  private isStopped = false;

  constructor(
    private readonly reader: StreamReader,
    readonly group: Group,
  ) {
    this.key = keyOf(group);
    this.checkpointPlace = this.storedCheckpoint();
    this.places = new CompletedPlaces(this.checkpointPlace);
    this.choose = strategyOf(group.settings.strategy);
    this.source = this.openSource();
  }

  get consumers(): readonly Member[] {
    return this.members;
  }

  get isLive(): boolean {
    return this.isSourceExhausted;
  }

  get retryCount(): number {
    return this.retries.length;
  }

  get upcomingCount(): number {
    return this.upcoming === undefined ? 0 : 1;
  }

  /** Place up to which everything is done, as it was last written. */
  get checkpoint(): number | undefined {
    return this.checkpointPlace;
  }

  get parkedCount(): number {
    const window = this.reader.windowOf(this.parkedStream);
    return window.kind === 'readable' ? window.last - window.first + 1 : 0;
  }

  get hasSeat(): boolean {
    const { maxSubscriberCount } = this.group.settings;
    return maxSubscriberCount === 0 || this.members.length < maxSubscriberCount;
  }

  connect(stream: OpenStream, connectionName: string, peer: string, bufferSize: number): Member {
    const consumer = new Member(stream, connectionName, peer, bufferSize);
    this.members.push(consumer);
    stream.onClose(() => this.disconnect(consumer));
    return consumer;
  }

  acknowledge(consumer: Member, ids: readonly string[]): void {
    for (const id of ids) {
      const message = consumer.take(id);
      if (message !== undefined) this.finish(message);
    }
    this.pump();
  }

  refuse(consumer: Member, ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      const message = consumer.take(id);
      if (message === undefined) continue;
      if (action === 'retry') this.retry(message);
      else if (action === 'park') this.park(message, reason);
      else this.finish(message);
    }
    this.pump();
  }

  /** Delivers what there is to the consumers that have room. */
  pump(): void {
    while (!this.isStopped && this.members.some(({ hasRoom }) => hasRoom)) {
      const message = this.retries[0] ?? (this.upcoming ??= this.nextFromSource());
      if (message === undefined) return;
      const consumer = this.choose(this.members, message);
      if (consumer === undefined) return;
      if (message === this.upcoming) this.upcoming = undefined;
      else this.retries.shift();
      consumer.send(message);
    }
  }

  /** To be called about once a second: sees to overdue answers and to checkpoints. */
  tick(): void {
    const { messageTimeoutMs, checkpointAfterMs, minCheckpointCount } = this.group.settings;
    for (const consumer of this.members)
      for (const message of consumer.takeOlderThan(messageTimeoutMs)) this.retry(message);
    const isDue = performance.now() - this.checkpointedAt >= checkpointAfterMs;
    if (isDue && this.places.countSinceTaken >= Math.max(1, minCheckpointCount))
      this.writeCheckpoint();
    this.pump();
  }

  /**
   * Delivers parked events again, before all others.
   *
   * @param stopAt revision of the parked stream before which to stop; all when undefined
   */
  replayParked(stopAt: number | undefined): void {
    const window = this.reader.windowOf(this.parkedStream);
    if (window.kind !== 'readable') return;
    const end = Math.min(stopAt ?? Infinity, window.last + 1);
    for (let revision = window.first; revision < end; revision += 1) {
      const event = this.reader.resolve(window.recordAt(revision), true);
      const { link } = event;
      if (event.event === undefined || link === undefined) continue;
      this.retries.push({ event, id: link.id, place: undefined, retryCount: 0 });
    }
    if (end > window.first)
      this.append(metastreamOf(this.parkedStream), METADATA_TYPE, { $tb: end });
    this.pump();
  }

  /** Ends all connections and does nothing any more. */
  stop(reason: RpcError | undefined): void {
    this.isStopped = true;
    clearImmediate(this.search);
    if (reason !== undefined)
      for (const consumer of [...this.members]) consumer.stream.fail(reason);
  }

  /** Forgets what was parked and how far the group got. */
  removeTraces(): void {
    for (const stream of [this.checkpointStream, this.parkedStream])
      this.reader.store.delete(stream, 'any', () => undefined);
  }

  private get checkpointStream(): Buffer {
    return Buffer.from(`$persistentsubscription-${this.key}-checkpoint`);
  }

  private get parkedStream(): Buffer {
    return Buffer.from(`$persistentsubscription-${this.key}-parked`);
  }

  private disconnect(consumer: Member): void {
    this.members.splice(this.members.indexOf(consumer), 1);
    if (this.isStopped) return;
    for (const message of consumer.takeAll()) this.retry(message);
    this.pump();
  }

  private openSource(): EventSource | undefined {
    const { streamName, settings, filter } = this.group;
    const { resolveLinks } = settings;
    const after = this.checkpointPlace ?? exclusive(settings.startFrom);
    if (streamName === ALL)
      return new AllSource(this.reader, {
        after,
        filter: allFilter(this.reader.store.index, filter),
        checkpointInterval: undefined,
        resolveLinks,
      });
    try {
      return new StreamSource(this.reader, {
        streamName: Buffer.from(streamName),
        after,
        resolveLinks,
      });
    } catch (error) {
      return unlessDeleted(error);
    }
  }

  private nextFromSource(): Message | undefined {
    try {
      const step = this.source?.next();
      this.isSourceExhausted = step === undefined || step.kind === 'up-to-date';
      if (step?.kind === 'event') return this.messageOf(step.event);
      if (step?.kind === 'searching') this.search ??= setImmediate(() => this.goOnSearching());
      return undefined;
    } catch (error) {
      return unlessDeleted(error);
    }
  }

  private goOnSearching(): void {
    this.search = undefined;
    this.pump();
  }

  private messageOf(event: ResolvedEvent): Message {
    const original = originalOf(event);
    const place = this.group.streamName === ALL ? event.position : original.revision;
    this.places.begin(place);
    return { event, id: original.id, place, retryCount: 0 };
  }

  private finish({ place }: Message): void {
    if (place === undefined) return;
    this.places.finish(place);
    if (this.places.countSinceTaken >= this.group.settings.maxCheckpointCount)
      this.writeCheckpoint();
  }

  private retry(message: Message): void {
    const { maxRetryCount } = this.group.settings;
    if (message.retryCount >= maxRetryCount)
      this.park(message, `Reached retry count of ${maxRetryCount}`);
    else this.retries.push({ ...message, retryCount: message.retryCount + 1 });
  }

  private park(message: Message, reason: string): void {
    const original = message.event.event ?? originalOf(message.event);
    const link = Buffer.concat([Buffer.from(`${original.revision}@`), original.streamName]);
    const metadata = {
      added: new Date().toISOString(),
      reason,
      subscriptionEventNumber: message.place,
    };
    const event = {
      id: randomUUID(),
      type: LINK_TYPE,
      isJson: false,
      data: link,
      customMetadata: Buffer.from(JSON.stringify(metadata)),
    };
    this.reader.store.append(this.parkedStream, 'any', [event], () => {
      if (!this.isStopped) this.finish(message);
    });
  }

  private writeCheckpoint(): void {
    const place = this.places.completedUpTo;
    this.places.takeCount();
    this.checkpointedAt = performance.now();
    if (place === undefined || place === this.checkpointPlace) return;
    const { store } = this.reader;
    // In this order: metadata alone would bring checkpoints of a deleted group of this name back.
    this.append(this.checkpointStream, CHECKPOINT_TYPE, placeText(this.group, place));
    if (store.limitsOf(this.checkpointStream).maxCount === Infinity)
      this.append(metastreamOf(this.checkpointStream), METADATA_TYPE, KEEP_TWO);
    this.checkpointPlace = place;
  }

  private append(stream: Buffer, type: Buffer, data: Buffer | object | string): void {
    const event = {
      id: randomUUID(),
      type,
      isJson: true,
      data: Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data)),
      customMetadata: NOTHING,
    };
    this.reader.store.append(stream, 'any', [event], () => undefined);
  }

  private storedCheckpoint(): number | undefined {
    const window = this.reader.windowOf(this.checkpointStream);
    if (window.kind !== 'readable') return undefined;
    const text: unknown = JSON.parse(window.recordAt(window.last).data.toString('utf8'));
    return Number(/\d+/.exec(String(text))?.[0]);
  }
}

/** A place as EventStoreDB spells it: `5` in a stream, `C:5/P:5` in `$all`. */
export function placeText({ streamName }: Group, place: number): string {
  return streamName === ALL ? `C:${place}/P:${place}` : String(place);
}

/** Sources begin after a place, groups at it. */
function exclusive(startFrom: Group['settings']['startFrom']): number | 'start' | 'end' {
  if (typeof startFrom === 'string') return startFrom;
  return startFrom === 0 ? 'start' : startFrom - 1;
}

function originalOf({ event, link }: ResolvedEvent): EventRecord {
  const original = link ?? event;
  if (original === undefined) throw new Error('an event without record was to be delivered');
  return original;
}

/** A group on a tombstoned stream just has nothing to deliver. */
function unlessDeleted(error: unknown): undefined {
  if (!(error instanceof RpcError)) throw error;
  return undefined;
}
