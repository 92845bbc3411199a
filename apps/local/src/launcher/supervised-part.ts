import { pauseUnlessAborted } from '@app/event-store';
import type { Endpoints, PartProcess } from './part-process.js';

export interface SupervisedPartOptions {
  readonly name: string;
  /** Starts one life of the part; the second and later ones must come up at the same place. */
  readonly startProcess: () => PartProcess;
  readonly say: (text: string) => void;
  /** Whenever a process of this part has started or ended. */
  readonly onChange?: () => void;
}

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;
/** A part that lived this long had started well: its next restart is quick again. */
const HEALTHY_LIFE_MS = 10_000;

/** A part that is started again, with growing pauses, whenever it ends without having been stopped. */
export class SupervisedPart {
  private current: PartProcess | undefined;
  private watching: Promise<void> | undefined;
  private readonly stopped = new AbortController();

  constructor(private readonly options: SupervisedPartOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** Pid of the process that runs right now. */
  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** @throws Error when the first start fails; only later ones are tried again */
  async start(): Promise<Endpoints> {
    const startedAt = Date.now();
    const first = this.startProcess();
    const endpoints = await first.ready;
    this.watching = this.watch(first, startedAt);
    return endpoints;
  }

  /** Ends it for good; killed when it takes longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopped.abort();
    await this.current?.stop(graceMs);
    await this.watching;
  }

  /** Ends it for good and at once. */
  kill(): void {
    this.stopped.abort();
    this.current?.kill();
  }

  private startProcess(): PartProcess {
    const started = this.options.startProcess();
    this.current = started;
    this.options.onChange?.();
    void started.exited.then(() => {
      if (this.current === started) this.current = undefined;
      this.options.onChange?.();
    });
    return started;
  }

  private async watch(first: PartProcess, startedAt: number): Promise<void> {
    const { signal } = this.stopped;
    let process = first;
    let pause = FIRST_RESTART_MS;
    for (;;) {
      const end = await process.exited;
      if (signal.aborted) return;
      if (Date.now() - startedAt > HEALTHY_LIFE_MS) pause = FIRST_RESTART_MS;
      this.options.say(`ended by itself (${end}): starting it again in ${pause} ms`);
      await pauseUnlessAborted(pause, signal);
      if (signal.aborted) return;
      pause = Math.min(pause * 2, LONGEST_RESTART_MS);
      startedAt = Date.now();
      process = this.startProcess();
      await process.ready.then(
        () => this.options.say(`is back after ${Date.now() - startedAt} ms`),
        (error: unknown) => {
          if (!signal.aborted) this.options.say(String(error));
        },
      );
    }
  }
}
