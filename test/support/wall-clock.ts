import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './process.js';
import type { Environment } from './process.js';
import { temporaryFolder } from './run-folder.js';

const PRELOAD = pathToFileURL(join(repositoryRoot, 'test/support/shifted-wall-clock.mjs')).href;

/** The wall clock of a machine that is so many milliseconds ahead of the true time. */
export class WallClock {
  /** For each process that goes by it. */
  readonly environment: Environment;
  private readonly shiftFile = join(temporaryFolder('wall-clock'), 'shift');

  constructor(aheadMs: number) {
    this.environment = {
      NODE_OPTIONS: `--import=${PRELOAD}`,
      WALL_CLOCK_SHIFT_FILE: this.shiftFile,
    };
    writeFileSync(this.shiftFile, String(aheadMs));
  }

  /** Sets it, and signals the processes that go by it. */
  set(aheadMs: number, pids: readonly number[]): void {
    writeFileSync(this.shiftFile, String(aheadMs));
    for (const pid of pids) process.kill(pid, 'SIGUSR2');
  }
}
