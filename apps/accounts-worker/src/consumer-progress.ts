/** What a consumer of events says of itself, as far as its progress goes. */
export interface CheckedConsumer {
  readonly state: string;
  readonly position: bigint | undefined;
  /** 0 or undefined when there is nothing to do. */
  readonly lagMs: number | undefined;
  readonly lastError: { readonly message: string } | undefined;
}

const LONGEST_STAND_MS = 30_000;
/** What this worker does not do is done by another one, or waits for the e-mail provider, which has an alert. */
const NOT_AT_WORK = /^(standby|stopped|paused)$/;

/** Whether every consumer that this worker leads gets on: its checkpoint moves, or is at the end. */
export class ConsumerProgress {
  private readonly standing = new Map<string, { position: bigint | undefined; since: number }>();

  /** @param now milliseconds by a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @throws Error naming each consumer that does not get on, and why */
  check(statuses: ReadonlyMap<string, CheckedConsumer>): void {
    const faults = [...statuses].flatMap(([name, status]) => this.faultOf(name, status) ?? []);
    if (faults.length > 0) throw new Error(faults.join('; '));
  }

  private faultOf(name: string, status: CheckedConsumer): string | undefined {
    const { state, position, lagMs, lastError } = status;
    if (state === 'faulted') {
      return `${name} cannot get on (${lastError?.message ?? 'for a reason that it does not know'})`;
    }
    const isBusy = !NOT_AT_WORK.test(state) && (lagMs ?? 0) > 0;
    if (!isBusy) {
      this.standing.delete(name);
      return undefined;
    }
    const before = this.standing.get(name);
    if (before === undefined || before.position !== position) {
      this.standing.set(name, { position, since: this.now() });
      return undefined;
    }
    const forMs = this.now() - before.since;
    if (forMs <= LONGEST_STAND_MS) return undefined;
    return `${name} has stood at position ${position ?? 'start'} for ${Math.round(forMs / 1_000)} s with events behind it: restart this worker`;
  }
}
