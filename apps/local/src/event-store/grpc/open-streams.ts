import type { Method } from '../faults/fault-switches.js';
import type { RpcError } from './rpc-errors.js';

/** The parts of a gRPC call with a stream of answers that are the same for all kinds of calls. */
interface AnsweringCall {
  write(message: unknown): boolean;
  end(): void;
  emit(event: 'error', error: RpcError): boolean;
  on(event: 'drain' | 'cancelled' | 'close' | 'error', listener: () => void): unknown;
}

/** What is written in one turn of the event loop may fill a stream whose client reads well. */
const STUCK_AFTER_MS = 100;

/** The answering side of one call: knows when the client is gone and when it cannot keep up. */
export class OpenStream {
  private isOverrun = false;
  private closed = false;
  private full = false;
  private fullSince = 0;
  private held = false;
  private wakeUp: (() => void) | undefined;
  private readonly closeListeners: (() => void)[] = [];

  constructor(
    readonly method: Method,
    private readonly call: AnsweringCall,
    onClose: (stream: OpenStream) => void,
  ) {
    this.closeListeners.push(() => onClose(this));
    call.on('drain', () => {
      this.full = false;
      this.wake();
    });
    for (const event of ['cancelled', 'close', 'error'] as const)
      call.on(event, () => this.close());
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** The client has taken nothing for a while. */
  get isStuck(): boolean {
    return this.full && performance.now() - this.fullSince > STUCK_AFTER_MS;
  }

  /** Nothing should be written until the next wake-up. */
  get mustWait(): boolean {
    return this.full || this.held;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.closeListeners.push(listener);
  }

  write(message: unknown): void {
    if (this.closed) return;
    const wasFull = this.full;
    this.full = !this.call.write(message);
    if (this.full && !wasFull) this.fullSince = performance.now();
  }

  /** Treats a live subscriber as one that did not keep up. */
  overrun(): void {
    this.isOverrun = true;
    this.wake();
  }

  /** Whether that is asked for; once. */
  takeOverrun(): boolean {
    const { isOverrun } = this;
    this.isOverrun = false;
    return isOverrun;
  }

  /** Holds back what is still to be written, or lets it go on. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.wake();
  }

  /**
   * Resolves at the next sign of life: the client can take more, the call is over, or `wake` was called.
   */
  async pause(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => (this.wakeUp = resolve));
  }

  wake(): void {
    const { wakeUp } = this;
    this.wakeUp = undefined;
    wakeUp?.();
  }

  end(): void {
    if (this.closed) return;
    this.call.end();
    this.close();
  }

  /** Ends the call with an error, after what was written before. */
  fail(error: RpcError): void {
    if (this.closed) return;
    this.close();
    this.call.emit('error', error);
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.closeListeners.splice(0)) listener();
    this.wake();
  }
}

/** Every call under way that answers with a stream, so that something can be done to all of them. */
export class OpenStreams {
  private readonly streams = new Set<OpenStream>();

  get size(): number {
    return this.streams.size;
  }

  open(method: Method, call: AnsweringCall): OpenStream {
    const stream = new OpenStream(method, call, (closed) => this.streams.delete(closed));
    this.streams.add(stream);
    return stream;
  }

  /**
   * @param methods only calls of these methods; all when undefined
   * @returns how many calls were ended
   */
  failAll(error: RpcError, methods?: readonly Method[]): number {
    return this.each(methods, (stream) => stream.fail(error));
  }

  holdAll(held: boolean, methods?: readonly Method[]): void {
    this.each(undefined, (stream) =>
      stream.hold(held && (methods?.includes(stream.method) ?? true)),
    );
  }

  /**
   * Treats every live subscriber as one that did not keep up.
   *
   * @returns how many
   */
  overrunAll(): number {
    return this.each(['read'], (stream) => stream.overrun());
  }

  private each(methods: readonly Method[] | undefined, act: (stream: OpenStream) => void): number {
    const chosen = [...this.streams].filter(({ method }) => methods?.includes(method) ?? true);
    for (const stream of chosen) act(stream);
    return chosen.length;
  }
}
