import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.js';
import { MailGate } from './mail-gate.js';

/** Providers as far as the gate sees them. */
class FakeProviders {
  state: 'working' | 'due' | 'paused' = 'working';
  pauseLeftMs = 0;
  private listener: () => void = () => undefined;

  get isWorking(): boolean {
    return this.state === 'working';
  }

  get isAvailable(): boolean {
    return this.state !== 'paused';
  }

  onChange(listener: () => void): void {
    this.listener = listener;
  }

  become(state: FakeProviders['state']): void {
    this.state = state;
    this.listener();
  }
}

describe('The gate in front of the providers', () => {
  let providers: FakeProviders;
  let gate: MailGate;
  let passed: string[];
  let over: AbortController;

  beforeEach(() => {
    providers = new FakeProviders();
    gate = new MailGate(providers);
    passed = [];
    over = new AbortController();
  });

  afterEach(() => over.abort());

  /** @returns what is to be called when the mail is dealt with, as soon as it has passed */
  function enter(name: string, signal = over.signal): Promise<() => void> {
    return gate.enter(signal).then((leave) => {
      passed.push(name);
      return leave;
    });
  }

  it('lets everything pass while a provider works', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => enter(name)));
    expect(passed).toEqual(['a', 'b', 'c']);
    expect(gate.isClosed).toBe(false);
  });

  it('lets nothing pass while all are left alone, and everything when one works again', async () => {
    providers.state = 'paused';
    providers.pauseLeftMs = 60_000;
    const all = Promise.all(['a', 'b'].map((name) => enter(name)));
    await new Promise(setImmediate);
    expect([passed, gate.isClosed]).toEqual([[], true]);
    providers.become('working');
    await all;
    expect(passed).toEqual(['a', 'b']);
  });

  it('lets one mail pass as a probe when the pause is over, without a notification', async () => {
    providers.state = 'paused';
    providers.pauseLeftMs = 30;
    const all = ['a', 'b', 'c'].map((name) => enter(name));
    providers.state = 'due';
    await all[0];
    await new Promise(setImmediate);
    expect([passed, gate.isClosed]).toEqual([['a'], true]);
    providers.become('working');
    await Promise.all(all);
    expect(passed).toEqual(['a', 'b', 'c']);
  });

  it('lets no mail overtake one that looks again in between', async () => {
    const pauses = [10, 60];
    providers.state = 'paused';
    Object.defineProperty(providers, 'pauseLeftMs', { get: () => pauses.shift() ?? 120 });
    const [first, second] = ['a', 'b'].map((name) => enter(name));
    await eventually(() => expect(pauses).toEqual([]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    providers.state = 'due';
    const leave = await Promise.race([first, second]);
    expect(passed).toEqual(['a']);
    leave?.();
    await second;
    expect(passed).toEqual(['a', 'b']);
  });

  it('lets no mail overtake one that waits, although the pause is over when it comes', async () => {
    providers.state = 'paused';
    providers.pauseLeftMs = 30;
    const first = enter('a');
    providers.state = 'due';
    const second = enter('b');
    const leave = await Promise.race([first, second]);
    expect(passed).toEqual(['a']);
    leave();
    await second;
    expect(passed).toEqual(['a', 'b']);
  });

  it('lets no mail overtake those that have just been woken', async () => {
    providers.state = 'paused';
    providers.pauseLeftMs = 60_000;
    const waiting = ['a', 'b'].map((name) => enter(name));
    providers.become('working');
    await Promise.all([...waiting, enter('c')]);
    expect(passed).toEqual(['a', 'b', 'c']);
  });

  it('lets the next one probe when the first had nothing to send after all', async () => {
    providers.state = 'due';
    const leave = await enter('a');
    const next = enter('b');
    await new Promise(setImmediate);
    expect(passed).toEqual(['a']);
    leave();
    await next;
    expect(passed).toEqual(['a', 'b']);
  });

  it('holds the others back again when the probe failed', async () => {
    providers.state = 'due';
    const leave = await enter('a');
    const others = ['b', 'c'].map((name) => enter(name));
    providers.pauseLeftMs = 50;
    providers.become('paused');
    leave();
    await new Promise(setImmediate);
    expect(passed).toEqual(['a']);
    providers.state = 'due';
    await eventually(() => expect(passed).toEqual(['a', 'b']));
    providers.become('working');
    await Promise.all(others);
  });

  it('ends the waiting when the signal says so', async () => {
    providers.state = 'paused';
    providers.pauseLeftMs = 60_000;
    const stopping = new AbortController();
    const waiting = enter('a', stopping.signal);
    stopping.abort(new Error('the process stops'));
    await expect(waiting).rejects.toThrow('the process stops');
    expect(passed).toEqual([]);
  });
});
