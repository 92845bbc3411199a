/** Several measurements of one thing, one a round. */
export interface Figure {
  readonly name: string;
  /** What one unit of the values is: `1/s`, `ms`, `MB`, … */
  readonly unit: string;
  readonly rounds: readonly number[];
  readonly median: number;
  /** The limit or the rival it was measured beside; the ratio is the median over the rounds. */
  readonly against?: { readonly name: string; readonly ratio: number };
}

/** A goal of docs/performance.md, and what was measured for it. */
export interface Goal {
  /** `P1` to `P10`. */
  readonly id: string;
  readonly text: string;
  readonly measured: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly met: boolean;
}

export function median(values: readonly number[]): number;
export function percentile(values: Iterable<number>, share: number): number;
export function shown(value: number): string;

/**
 * One benchmark's results. Each figure and goal is printed as soon as it is known.
 *
 *     const report = new Report('scale');
 *     const small = report.figure({ name: 'history, 1,000 accounts', unit: 'ms', rounds: [..] });
 *     report.figure({ name: 'history, 1,000,000 accounts', unit: 'ms', rounds: [..], against: small });
 *     report.goal({ id: 'P7', text: 'flat', measured: 1.02, unit: 'x', atMost: 1.05 });
 *     report.save();
 */
export class Report {
  readonly figures: readonly Figure[];
  readonly goals: readonly Goal[];
  /** @param bench names the file: lower case letters and dashes */
  constructor(bench: string, say?: (line: string) => void);
  /** @param figure.against measured in the same run, round beside round */
  figure(figure: {
    readonly name: string;
    readonly unit: string;
    readonly rounds: readonly number[];
    readonly against?: Figure;
  }): Figure;
  goal(goal: Omit<Goal, 'met' | 'unit'> & { readonly unit?: string }): Goal;
  /** A sentence for readers of the figures. */
  note(text: string): void;
  /** Writes `<folder>/<bench>.json`; without a folder and without BENCH_RESULTS nothing. */
  save(folder?: string): void;
}
