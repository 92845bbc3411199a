import type { RpcError } from './rpc-errors.js';

/** The parts of a gRPC call with a stream of answers that are the same for all kinds of calls. */
interface AnsweringCall {
  write(message: unknown): boolean;
  end(): void;
  emit(event: 'error', error: RpcError): boolean;
  on(event: 'drain' | 'cancelled' | 'close' | 'error', listener: () => void): unknown;
  getPath(): string;
}

/** The answering side of one call: knows when the client is gone and when it cannot keep up. */
export class OpenStream {
  private closed = false;
  private full = false;
  private wakeUp: (() => void) | undefined;
  private readonly closeListeners: (() => void)[] = [];

  constructor(
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

  /** Path of the method, `/service/method`. */
  get path(): string {
    return this.call.getPath();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** The client takes messages more slowly than they are written. */
  get isFull(): boolean {
    return this.full;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.closeListeners.push(listener);
  }

  write(message: unknown): void {
    if (!this.closed) this.full = !this.call.write(message);
  }

  /** Resolves at the next sign of life: the client can take more, the call is over, or `wake` was called. */
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

/** Every call under way that answers with a stream, so that they can be ended together. */
export class OpenStreams {
  private readonly streams = new Set<OpenStream>();

  get size(): number {
    return this.streams.size;
  }

  open(call: AnsweringCall): OpenStream {
    const stream = new OpenStream(call, (closed) => this.streams.delete(closed));
    this.streams.add(stream);
    return stream;
  }

  /** @param which only calls of which this is true */
  failAll(error: RpcError, which: (stream: OpenStream) => boolean = () => true): number {
    const chosen = [...this.streams].filter(which);
    for (const stream of chosen) stream.fail(error);
    return chosen.length;
  }
}
