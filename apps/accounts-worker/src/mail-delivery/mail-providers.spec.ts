import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { noon, SECOND } from '@app/accounts/testing/account-examples.js';
import { useFakeDate } from '../testing/fake-date.js';
import { RecordingMailProvider } from '../testing/worker-examples.js';
import { MailProviders } from './mail-providers.js';
import { MailProviderUnavailable } from './mail.js';
import type { MailOutcome } from './mail.js';

const mail = { to: 'ada@example.org', subject: 'a', text: 'b', html: 'c', tags: {} };
const refused: MailOutcome = { kind: 'refused', reason: 'the provider answered 422' };

const down = () => new MailProviderUnavailable('it answered 503');
const silent = () => new MailProviderUnavailable('no answer within 3000 ms', { inDoubt: true });
const conflict = () =>
  new MailProviderUnavailable('it answered 409', { inDoubt: true, ofMailOnly: true });
const slowDown = (seconds: number) =>
  new MailProviderUnavailable('it answered 429', { retryAfterMs: seconds * SECOND });

const breaker = { failures: 3, pauseMs: 1_000, longestPauseMs: 8_000, clock: () => Date.now() };

beforeEach(() => useFakeDate(noon));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

function later(ms: number): void {
  jest.setSystemTime(Date.now() + ms);
}

describe('A provider behind its breaker', () => {
  let provider: RecordingMailProvider;

  beforeEach(() => {
    // The longest that jitter allows, so that the instants below are exact.
    jest.spyOn(Math, 'random').mockReturnValue(1);
    provider = new RecordingMailProvider(() => Date.now(), 'first', breaker);
  });

  const outcome = () =>
    provider.send(mail, 'key').then(
      ({ kind }) => kind,
      (error: Error) => error.message,
    );

  async function fail(times: number, fault = down): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      provider.answers(fault());
      await outcome();
    }
  }

  it('is left alone after so many failures in a row, not before', async () => {
    await fail(2);
    expect(provider.state).toBe('closed');
    await provider.send(mail, 'key');
    await fail(2);
    expect(provider.state).toBe('closed');
    await fail(1);
    expect(provider.status).toMatchObject({ state: 'open', outages: 1, accepted: 1, failed: 5 });
  });

  it('is not asked while it is left alone', async () => {
    await fail(3);
    const asked = provider.sent.length;
    await expect(provider.send(mail, 'key')).rejects.toThrow();
    expect(provider.sent).toHaveLength(asked);
  });

  it('may be probed with one mail when the pause is over, and works again when that succeeds', async () => {
    await fail(3);
    later(999);
    expect([provider.state, provider.pauseLeftMs]).toEqual(['open', 1]);
    later(1);
    expect([provider.state, provider.pauseLeftMs]).toEqual(['due', 0]);
    let answer: (outcome: MailOutcome) => void = () => undefined;
    provider.answers(() => new Promise((resolve) => (answer = resolve)));
    const probe = outcome();
    expect(provider.state).toBe('probing');
    answer({ kind: 'accepted', providerMessageId: '1', acceptedAt: noon });
    expect(await probe).toBe('accepted');
    expect(provider.status).toMatchObject({ state: 'closed', outages: 1, dueAt: undefined });
  });

  it.each([-3_600_000, 3_600_000])(
    "is left alone for its pause, however the machine's clock is set: by %d ms",
    async (set) => {
      await fail(3);
      const now = performance.now();
      jest.spyOn(performance, 'now').mockReturnValue(now + 999);
      later(set);
      expect([provider.state, provider.pauseLeftMs]).toEqual(['open', 1]);
      expect(await outcome()).toMatch(/open/);
      jest.spyOn(performance, 'now').mockReturnValue(now + 1_000);
      expect(provider.state).toBe('due');
      provider.answers({ kind: 'accepted', providerMessageId: '1', acceptedAt: noon });
      expect(await outcome()).toBe('accepted');
    },
  );

  it('is left alone twice as long with each probe that fails, up to a limit', async () => {
    await fail(3);
    const pauses = [provider.pauseLeftMs];
    for (let probe = 0; probe < 5; probe += 1) {
      later(provider.pauseLeftMs);
      await fail(1);
      pauses.push(provider.pauseLeftMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    expect(provider.status.outages).toBe(1);
  });

  it('is left alone for at least half of that: many workers must not come back at once', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    await fail(3);
    expect(provider.pauseLeftMs).toBe(500);
  });

  it('begins anew with the shortest pause after it has worked', async () => {
    await fail(3);
    later(1_000);
    await fail(1);
    later(2_000);
    await provider.send(mail, 'key');
    await fail(3);
    expect(provider.status).toMatchObject({ state: 'open', outages: 2 });
    expect(provider.pauseLeftMs).toBe(1_000);
  });

  it('is left alone as long as it asked for, from the first time that it asks', async () => {
    await fail(1, () => slowDown(30));
    expect(provider.status).toMatchObject({ state: 'open', outages: 0 });
    later(29_999);
    expect([provider.state, provider.pauseLeftMs]).toEqual(['open', 1]);
    later(1);
    expect(provider.state).toBe('closed');
  });

  it('is left alone as long as it asked for when that is longer than its own pause', async () => {
    await fail(3, () => slowDown(30));
    later(29_999);
    expect(provider.state).toBe('open');
    later(1);
    expect(provider.state).toBe('due');
  });

  it('is not to blame for a conflict about one mail', async () => {
    await fail(20, conflict);
    expect(provider.state).toBe('closed');
  });

  it('works when it refuses a mail for good', async () => {
    await fail(2);
    provider.answers(refused);
    expect(await outcome()).toBe('refused');
    await fail(2);
    expect(provider.status).toMatchObject({ state: 'closed', refused: 1 });
  });

  it('is not left alone longer because of tries that were under way when it failed', async () => {
    const fails: (() => void)[] = [];
    for (let tries = 0; tries < 6; tries += 1) {
      provider.answers(() => new Promise((_, reject) => fails.push(() => reject(down()))));
    }
    const outcomes = Promise.all([1, 2, 3, 4, 5, 6].map(outcome));
    await new Promise(setImmediate);
    for (const failNow of fails) failNow();
    await outcomes;
    expect(provider.status).toMatchObject({ state: 'open', outages: 1, failed: 6 });
    expect(provider.pauseLeftMs).toBe(1_000);
  });

  it('is not left alone again because of tries that began before the last pause', async () => {
    const fails: (() => void)[] = [];
    for (let tries = 0; tries < 9; tries += 1) {
      provider.answers(() => new Promise((_, reject) => fails.push(() => reject(silent()))));
    }
    const outcomes = Array.from({ length: 9 }, outcome);
    await new Promise(setImmediate);
    for (const failNow of fails.splice(0, 3)) failNow();
    await Promise.all(outcomes.slice(0, 3));
    later(1_000);
    expect(await outcome()).toBe('accepted');
    for (const failNow of fails) failNow();
    expect(await outcomes.at(-1)).toBe(silent().message);
    expect(provider.status).toMatchObject({ state: 'closed', outages: 1, failed: 9 });
  });

  it('says when and why it failed last', async () => {
    await fail(1);
    expect(provider.status.lastFailure).toEqual({ message: down().message, at: new Date(noon) });
  });
});

describe('Two providers', () => {
  let first: RecordingMailProvider;
  let second: RecordingMailProvider;
  let providers: MailProviders;

  beforeEach(() => {
    jest.spyOn(Math, 'random').mockReturnValue(1);
    const clock = () => Date.now();
    first = new RecordingMailProvider(clock, 'first', breaker);
    second = new RecordingMailProvider(clock, 'failover', breaker);
    providers = new MailProviders([first, second], 10_000, clock);
  });

  const keysAt = (sender: RecordingMailProvider) =>
    sender.sent.map(({ idempotencyKey }) => idempotencyKey);

  async function tries(key: string): Promise<string> {
    return providers.send(mail, key).then(
      ({ kind }) => kind,
      (error: unknown) => (error instanceof MailProviderUnavailable ? 'later' : String(error)),
    );
  }

  async function breakFirst(fault = down): Promise<void> {
    for (const key of ['x', 'y', 'z']) {
      first.answers(fault());
      await tries(key);
    }
    first.sent.splice(0);
  }

  it('only the first is asked while it works', async () => {
    await tries('a');
    first.answers(down(), refused);
    expect(await tries('b')).toBe('later');
    expect(await tries('c')).toBe('undeliverable');
    expect(await tries('b')).toBe('accepted');
    expect(keysAt(first)).toEqual(['a', 'b', 'c', 'b']);
    expect(keysAt(second)).toEqual([]);
  });

  it('the second takes over, under the same keys, while the first is left alone', async () => {
    await breakFirst();
    expect(await tries('x')).toBe('accepted');
    expect(await tries('new')).toBe('accepted');
    expect(keysAt(first)).toEqual([]);
    expect(keysAt(second)).toEqual(['x', 'new']);
    expect([providers.isAvailable, providers.isWorking]).toEqual([true, true]);
  });

  it('the second takes at once a mail that the first asked to wait with', async () => {
    first.answers(slowDown(600));
    await expect(providers.send(mail, 'a')).rejects.toMatchObject({
      afterMs: 0,
      message: slowDown(600).message,
    });
    expect(await tries('a')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['a'], ['a']]);
    later(600_000);
    await tries('b');
    expect(keysAt(first)).toEqual(['a', 'b']);
  });

  it('a mail is a probe once, however late its next try comes', async () => {
    await breakFirst();
    later(1_000);
    first.answers(down());
    expect(await tries('probe')).toBe('later');
    // The first is due again by then: the mail that waited for its turn must not find that out, too.
    later(600_000);
    expect(await tries('probe')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['probe'], ['probe']]);
  });

  it('the first is probed with one mail, and the rest stay with the second until it works', async () => {
    await breakFirst();
    later(1_000);
    first.answers(down());
    expect(await tries('probe')).toBe('later');
    expect(await tries('probe')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['probe'], ['probe']]);
    later(2_000);
    await tries('next');
    await tries('more');
    expect(keysAt(first)).toEqual(['probe', 'next', 'more']);
  });

  it('a mail that the first may have taken is not given to the second for a while', async () => {
    await breakFirst(silent);
    expect(await tries('x')).toBe('later');
    expect(await tries('new')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([[], ['new']]);
    // When the first is back it gets it again, and knows it by its key.
    later(1_000);
    expect(await tries('x')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['x'], ['new']]);
  });

  it('a mail that the first may have taken goes to the second when that while is over', async () => {
    await breakFirst(silent);
    later(9_999);
    first.answers(silent());
    expect(await tries('x')).toBe('later');
    later(1);
    expect(await tries('x')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['x'], ['x']]);
  });

  it('a mail in doubt goes back to the first whenever that works again', async () => {
    await breakFirst(silent);
    later(1_000);
    await tries('y');
    later(60_000);
    expect(await tries('x')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['y', 'x'], []]);
  });

  it('a mail that the first left in doubt for too long is not the one to probe it with', async () => {
    await breakFirst(silent);
    later(10_000);
    expect(first.state).toBe('due');
    expect(await tries('x')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([[], ['x']]);
    expect(await tries('new')).toBe('accepted');
    expect(keysAt(first)).toEqual(['new']);
  });

  it('a mail that the first says it has under way does not go to the second', async () => {
    first.answers(conflict());
    expect(await tries('a')).toBe('later');
    later(9_999);
    first.answers(conflict());
    expect(await tries('a')).toBe('later');
    await breakFirst();
    later(9_999);
    first.answers(conflict());
    expect(await tries('a')).toBe('later');
    expect(keysAt(second)).toEqual([]);
  });

  it('a mail whose key the first has used is settled there, and no one is asked again', async () => {
    first.answers(silent(), { kind: 'taken-before' });
    expect(await tries('a')).toBe('later');
    later(9_000);
    const settled = { kind: 'accepted', providerMessageId: 'unknown', acceptedAt: noon };
    expect(await providers.send(mail, 'a')).toEqual(settled);
    await breakFirst();
    expect(await providers.send(mail, 'a')).toEqual(settled);
    expect(providers.giveUp('a', 'it is too late')).toEqual(settled);
    expect([keysAt(first), keysAt(second)]).toEqual([[], []]);
  });

  it.each([{ kind: 'accepted', providerMessageId: '1', acceptedAt: noon } as const, refused])(
    'what one of them answered is kept until it is on record (%#)',
    async (answer) => {
      first.answers(answer);
      const settled = await providers.send(mail, 'a');
      await breakFirst();
      later(600_000);
      expect(await providers.send(mail, 'a')).toBe(settled);
      expect([keysAt(first), keysAt(second)]).toEqual([[], []]);
      providers.forget('a');
      await tries('a');
      expect([keysAt(first), keysAt(second)].flat()).toEqual(['a']);
    },
  );

  it('a mail in doubt says itself when to ask again', async () => {
    await breakFirst(silent);
    await expect(providers.send(mail, 'x')).rejects.toMatchObject({ afterMs: 1_000 });
  });

  it('a first one that is due is probed with a mail that waits for it, not with a new one', async () => {
    await breakFirst(silent);
    later(1_000);
    expect(await tries('new')).toBe('accepted');
    expect(keysAt(second)).toEqual(['new']);
    expect(await tries('y')).toBe('accepted');
    expect(keysAt(first)).toEqual(['y']);
  });

  it('a mail that was dealt with meanwhile does not wait for its provider any more', async () => {
    await breakFirst(silent);
    for (const key of ['x', 'y', 'z']) providers.forget(key);
    later(1_000);
    expect(await tries('new')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['new'], []]);
  });

  it('a mail that the second may have taken stays with the second, though the first works again', async () => {
    await breakFirst();
    second.answers(silent());
    expect(await tries('a')).toBe('later');
    later(1_000);
    await tries('probe');
    expect(await tries('a')).toBe('accepted');
    expect([keysAt(first), keysAt(second)]).toEqual([['probe'], ['a', 'a']]);
  });

  it('when both are paused, none is asked until the earlier pause is over', async () => {
    await breakFirst();
    second.answers(slowDown(20));
    await tries('a');
    expect([providers.isAvailable, providers.isWorking]).toEqual([false, false]);
    expect(providers.pauseLeftMs).toBe(1_000);
    await expect(providers.send(mail, 'd')).rejects.toMatchObject({ afterMs: 1_000 });
    expect(keysAt(second)).toEqual(['a']);
    expect(providers.status.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'first open',
      'failover open',
    ]);
  });

  it('notifies its listeners when one of them changes', async () => {
    let changes = 0;
    providers.onChange(() => (changes += 1));
    await breakFirst();
    expect(changes).toBe(1);
    later(1_000);
    await tries('probe');
    expect(changes).toBe(3);
  });

  it('lose sight of no mail: an old doubt keeps no provider from being probed', async () => {
    await breakFirst(silent);
    // x, y and z are dealt with elsewhere and never come back.
    later(10_000);
    expect(await tries('new')).toBe('accepted');
    expect(keysAt(first)).toEqual(['new']);
    expect(first.state).toBe('closed');
  });
});

describe('One provider', () => {
  it('is probed with any mail, although another one is in doubt', async () => {
    const clock = () => Date.now();
    const provider = new RecordingMailProvider(clock, 'first', { ...breaker, failures: 1 });
    const providers = new MailProviders([provider], 10_000, clock);
    provider.answers(silent());
    await expect(providers.send(mail, 'in doubt')).rejects.toThrow();
    later(1_000);
    await expect(providers.send(mail, 'new')).resolves.toMatchObject({ kind: 'accepted' });
  });
});
