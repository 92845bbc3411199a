import type { AnswerLine, Json } from './admin-client.js';
import { textOf } from './table.js';

/** What can be written to, and may be a terminal. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 30;
const STEPS_WITHOUT_TERMINAL = 10;

/** Progress on the standard error: a bar that is drawn over on a terminal, a line per step elsewhere. */
export class ProgressBar {
  private lastStep = -1;
  private drawn = false;

  constructor(
    private readonly what: string,
    private readonly output: ProgressOutput,
  ) {}

  /**
   * @param fraction from 0 to 1; undefined when the total is unknown
   * @param note such as a rate
   */
  update(fraction: number | undefined, note: string): void {
    if (this.output.isTTY) {
      this.drawn = true;
      this.output.write(`\r\u001b[K${this.what} ${barOf(fraction)}${note}`);
      return;
    }
    const step = Math.floor((fraction ?? 0) * STEPS_WITHOUT_TERMINAL);
    if (step === this.lastStep) return;
    this.lastStep = step;
    this.output.write(`${this.what} ${barOf(fraction)}${note}\n`);
  }

  end(): void {
    if (this.drawn) this.output.write('\r\u001b[K');
  }

  /** Every line of an answer but those of its progress, which the bar shows until the last line. */
  async *follow(lines: AsyncIterable<AnswerLine>): AsyncGenerator<AnswerLine> {
    try {
      for await (const line of lines) {
        const progress = line.content['progress'] as Json | undefined;
        if (progress) {
          const fraction = (progress['fraction'] as number | null) ?? undefined;
          this.update(fraction, `${textOf(progress['events'])} events`);
        } else yield line;
      }
    } finally {
      this.end();
    }
  }
}

function barOf(fraction: number | undefined): string {
  if (fraction === undefined) return '';
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * WIDTH);
  const percent = String(Math.floor(fraction * 100)).padStart(3);
  return `[${'█'.repeat(full)}${'·'.repeat(WIDTH - full)}] ${percent} %  `;
}
