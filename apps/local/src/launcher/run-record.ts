import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDiskFull } from '@app/process';
import { writeAtomically } from './atomic-file.js';
import { FolderInUseError, lockFolder } from '../event-store/log/folder-lock.js';
import { textIfThere } from '../text-if-there.js';
import { commandLineOf } from './command-line.js';

interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
  /** Part of its command line, which distinguishes it from a later process with its pid. */
  readonly script: string;
}

interface RecordedRun {
  readonly launcher: RecordedProcess;
  readonly state: 'running' | 'stopping';
  readonly processes: readonly RecordedProcess[];
}

/** Another launcher works on the same data folder. */
export class AlreadyRunning extends Error {
  constructor(dataDir: string, pid: number) {
    super(
      `The product is already running on ${dataDir} (pid ${pid}); its addresses are in ` +
        `${join(dataDir, 'endpoints.json')}. Stop it first, or set DATA_DIR to another folder ` +
        'and each *_PORT to a free one (0 picks one).',
    );
    this.name = 'AlreadyRunning';
  }
}

/** A launcher that is on its way out gets so long before it counts as running. */
const LEAVING_MS = 1_500;
const STOPPING_MS = 6_000;
/** Processes whose launcher was killed stop by themselves; those that have not by then are killed. */
const LEFT_BEHIND_MS = 5_000;
const POLL_MS = 20;

/**
 * Which launcher works on a data folder, and which processes it started: what lets the next one clear up after one that
 * was killed. A lock of the folder keeps two launchers apart.
 */
export class RunRecord {
  private released = false;

  private constructor(
    private readonly file: string,
    private run: RecordedRun,
    private readonly say: (text: string) => void,
    private readonly unlock: () => void,
  ) {}

  /**
   * Waits until the processes of an earlier launcher are gone.
   *
   * @param say called for each process that had to be waited for or killed
   * @throws AlreadyRunning when a launcher is at work on this folder
   */
  static async claim(dataDir: string, say: (text: string) => void): Promise<RunRecord> {
    mkdirSync(dataDir, { recursive: true });
    const file = join(dataDir, 'launcher.json');
    await previousLauncherGone(file, dataDir);
    const unlock = lock(dataDir);
    try {
      await leftBehindGone(readRun(file)?.processes ?? [], say);
      const run: RecordedRun = {
        launcher: { name: 'launcher', pid: process.pid, script: 'launcher' },
        state: 'running',
        processes: [],
      };
      writeAtomically(file, run);
      return new RunRecord(file, run, say, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** To be called whenever a process was started or has ended. */
  setProcesses(processes: readonly RecordedProcess[]): void {
    this.change({ processes });
  }

  markStopping(): void {
    this.change({ state: 'stopping' });
  }

  release(): void {
    this.released = true;
    // In this order: who waits for this launcher looks for the file, and finds the folder free then.
    this.unlock();
    rmSync(this.file, { force: true });
  }

  /** The record helps the next start; on a full disk this run goes on with the one it has. */
  private change(part: Partial<RecordedRun>): void {
    if (this.released) return;
    this.run = { ...this.run, ...part };
    try {
      writeAtomically(this.file, this.run);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.say(`the disk is full: ${this.file} says what was before`);
    }
  }
}

async function previousLauncherGone(file: string, dataDir: string): Promise<void> {
  const startedAt = Date.now();
  for (;;) {
    const run = readRun(file);
    if (!run || run.launcher.pid === process.pid || !isAlive(run.launcher)) return;
    const patience = run.state === 'stopping' ? STOPPING_MS : LEAVING_MS;
    if (Date.now() - startedAt > patience) throw new AlreadyRunning(dataDir, run.launcher.pid);
    await delay(POLL_MS);
  }
}

async function leftBehindGone(
  processes: readonly RecordedProcess[],
  say: (text: string) => void,
): Promise<void> {
  const startedAt = Date.now();
  let leftBehind = processes.filter(isAlive);
  if (leftBehind.length === 0) return;
  say(`waiting for what an earlier run left behind: ${leftBehind.map(({ name }) => name).join()}`);
  const killed = new Set<number>();
  while (leftBehind.length > 0) {
    await delay(POLL_MS);
    leftBehind = leftBehind.filter(isAlive);
    if (Date.now() - startedAt < LEFT_BEHIND_MS) continue;
    for (const { name, pid } of leftBehind) {
      if (killed.has(pid)) continue;
      killed.add(pid);
      say(`killing ${name} of an earlier run (pid ${pid})`);
      process.kill(pid, 'SIGKILL');
    }
  }
}

function isAlive({ pid, script }: RecordedProcess): boolean {
  return commandLineOf(pid).includes(script);
}

/** Nothing where there is no record, or one that a crash of the machine has left without its content. */
function readRun(file: string): RecordedRun | undefined {
  try {
    const text = textIfThere(file);
    return text === undefined ? undefined : (JSON.parse(text) as RecordedRun);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function lock(dataDir: string): () => void {
  try {
    return lockFolder(dataDir);
  } catch (error) {
    if (error instanceof FolderInUseError) throw new AlreadyRunning(dataDir, error.processId);
    throw error;
  }
}
