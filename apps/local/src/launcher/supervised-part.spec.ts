import { afterEach, describe, expect, it } from '@jest/globals';
import type { Endpoints, PartProcess } from './part-process.js';
import { SupervisedPart } from './supervised-part.js';

/** A process that does what the test says. */
class FakeProcess implements PartProcess {
  readonly ready: Promise<Endpoints>;
  readonly exited: Promise<string>;
  readonly stopped: number[] = [];
  killed = false;
  becomeReady!: (endpoints: Endpoints) => void;
  failToStart!: (error: Error) => void;
  end!: (how: string) => void;

  constructor(readonly pid: number) {
    this.ready = new Promise((resolve, reject) => {
      this.becomeReady = resolve;
      this.failToStart = reject;
    });
    this.exited = new Promise((resolve) => (this.end = resolve));
  }

  stop(graceMs: number): Promise<void> {
    this.stopped.push(graceMs);
    this.end('SIGTERM');
    return Promise.resolve();
  }

  kill(): void {
    this.killed = true;
    this.end('SIGKILL');
  }
}

/** Waits for the next life instead of asking again and again. */
class Lives {
  private lives: FakeProcess[] = [];
  private waiting: (() => void)[] = [];

  get count(): number {
    return this.lives.length;
  }

  clear(): void {
    this.lives = [];
  }

  next(): FakeProcess {
    const life = new FakeProcess(this.lives.length + 1);
    this.lives.push(life);
    for (const wake of this.waiting.splice(0)) wake();
    return life;
  }

  async number(wanted: number): Promise<FakeProcess> {
    for (;;) {
      const life = this.lives[wanted - 1];
      if (life) return life;
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }
}

class Lines {
  all: string[] = [];
  private waiting: (() => void)[] = [];

  clear(): void {
    this.all = [];
  }

  add(line: string): void {
    this.all.push(line);
    for (const wake of this.waiting.splice(0)) wake();
  }

  async line(pattern: RegExp): Promise<void> {
    while (!this.all.some((line) => pattern.test(line))) {
      await new Promise<void>((wake) => this.waiting.push(wake));
    }
  }
}

describe('a supervised part', () => {
  const said = new Lines();
  const lives = new Lives();
  let part: SupervisedPart;

  function supervise(): SupervisedPart {
    said.clear();
    lives.clear();
    part = new SupervisedPart({
      name: 'api',
      startProcess: () => lives.next(),
      say: (line) => said.add(line),
    });
    return part;
  }

  afterEach(() => part.stop(0));

  async function started(): Promise<FakeProcess> {
    const starting = supervise().start();
    const first = await lives.number(1);
    first.becomeReady({ api: 'http://127.0.0.1:1' });
    await starting;
    return first;
  }

  it('reports where its process can be reached', async () => {
    const starting = supervise().start();
    (await lives.number(1)).becomeReady({ api: 'http://127.0.0.1:1' });
    await expect(starting).resolves.toEqual({ api: 'http://127.0.0.1:1' });
    expect(part.pid).toBe(1);
  });

  it('fails when the first process does', async () => {
    const starting = supervise().start();
    const first = await lives.number(1);
    first.failToStart(new Error('no licence'));
    first.end('exit code 1');
    await expect(starting).rejects.toThrow('no licence');
    expect(lives.count).toBe(1);
  });

  it('starts again what ended by itself, and says so', async () => {
    (await started()).end('SIGKILL');
    const second = await lives.number(2);
    expect(said.all).toEqual([expect.stringMatching(/ended by itself \(SIGKILL\).*100 ms/)]);
    second.becomeReady({});
    await said.line(/is back/);
    expect(part.pid).toBe(2);
  });

  it('waits longer before each further try', async () => {
    (await started()).end('exit code 1');
    const second = await lives.number(2);
    second.failToStart(new Error('still broken'));
    second.end('exit code 1');
    await said.line(/still broken/);
    await said.line(/200 ms/);
    (await lives.number(3)).becomeReady({});
    await said.line(/is back/);
  });

  it('stays down once it was stopped', async () => {
    const first = await started();
    await part.stop(1_234);
    expect(first.stopped).toEqual([1_234]);
    expect(part.pid).toBeUndefined();
    expect(lives.count).toBe(1);
    expect(said.all).toEqual([]);
  });

  it('can be stopped while it waits to start again', async () => {
    (await started()).end('SIGKILL');
    await said.line(/starting it again/);
    await part.stop(1_000);
    expect(lives.count).toBe(1);
  });

  it('is killed without a chance to do anything', async () => {
    const first = await started();
    part.kill();
    expect(first.killed).toBe(true);
    expect(first.stopped).toEqual([]);
    await part.stop(0);
    expect(lives.count).toBe(1);
  });
});
