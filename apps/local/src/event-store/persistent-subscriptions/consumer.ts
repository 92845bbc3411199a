import type { OpenStream } from '../grpc/open-streams.js';
import { eventMessage } from '../grpc/read-messages.js';
import type { ResolvedEvent } from '../reading/stream-window.js';

/** An event on its way to a consumer. */
export interface Message {
  readonly event: ResolvedEvent;
  /** Id by which the consumer answers: that of the link, when there is one. */
  readonly id: string;
  /** Revision or position; undefined for a parked event that is replayed. */
  readonly place: number | undefined;
  /** How often it was delivered before. */
  readonly retryCount: number;
}

interface Delivery {
  readonly message: Message;
  /** By the clock of `performance.now()`. */
  readonly sentAt: number;
}

/** Latencies kept for statistics. */
const MEASURED = 1_000;

/** One connection that reads from a group. */
export class Member {
  /** By id; ids are unique per stream only, so that two events under way may share one. */
  private readonly deliveries = new Map<string, Delivery[]>();
  private inFlight = 0;
  private delivered = 0;
  private deliveredAtLastMeasurement = 0;
  private measuredAt = performance.now();
  private readonly latencies: number[] = [];

  constructor(
    readonly stream: OpenStream,
    readonly connectionName: string,
    readonly peer: string,
    private readonly bufferSize: number,
  ) {}

  get inFlightCount(): number {
    return this.inFlight;
  }

  get availableSlots(): number {
    return Math.max(0, this.bufferSize - this.inFlight);
  }

  get hasRoom(): boolean {
    return this.availableSlots > 0 && !this.stream.mustWait && !this.stream.isClosed;
  }

  get deliveredCount(): number {
    return this.delivered;
  }

  send(message: Message): void {
    const delivery = { message, sentAt: performance.now() };
    const sameId = this.deliveries.get(message.id);
    if (sameId === undefined) this.deliveries.set(message.id, [delivery]);
    else sameId.push(delivery);
    this.inFlight += 1;
    this.delivered += 1;
    this.stream.write(eventMessage(message.event, message.retryCount));
  }

  /** Takes back what the consumer has answered for; undefined when it holds no such event. */
  take(id: string): Message | undefined {
    const sameId = this.deliveries.get(id);
    const delivery = sameId?.shift();
    if (sameId === undefined || delivery === undefined) return undefined;
    if (sameId.length === 0) this.deliveries.delete(id);
    this.inFlight -= 1;
    this.latencies.push(performance.now() - delivery.sentAt);
    if (this.latencies.length > MEASURED) this.latencies.shift();
    return delivery.message;
  }

  /** Takes back everything that was sent so many milliseconds ago or earlier. */
  takeOlderThan(milliseconds: number): Message[] {
    const sentBefore = performance.now() - milliseconds;
    const overdue: Message[] = [];
    for (const [id, sameId] of this.deliveries) {
      const kept = sameId.filter(({ sentAt }) => sentAt > sentBefore);
      for (const delivery of sameId) if (!kept.includes(delivery)) overdue.push(delivery.message);
      if (kept.length === 0) this.deliveries.delete(id);
      else this.deliveries.set(id, kept);
    }
    this.inFlight -= overdue.length;
    return overdue;
  }

  takeAll(): Message[] {
    return this.takeOlderThan(-Infinity);
  }

  /** Deliveries since the last call of this function, and how many that is a second. */
  measure(): { count: number; perSecond: number } {
    const count = this.delivered - this.deliveredAtLastMeasurement;
    const seconds = (performance.now() - this.measuredAt) / 1_000;
    this.deliveredAtLastMeasurement = this.delivered;
    this.measuredAt = performance.now();
    return { count, perSecond: seconds > 0 ? Math.round(count / seconds) : 0 };
  }

  /** How long the consumer took to answer, in milliseconds, sorted. */
  sortedLatencies(): number[] {
    return [...this.latencies].sort((a, b) => a - b);
  }
}
