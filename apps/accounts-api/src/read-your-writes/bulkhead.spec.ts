import { describe, expect, it } from '@jest/globals';
import { Bulkhead } from './bulkhead.js';

/** Visitors who stay until the test lets them leave. */
function visitors(places: Bulkhead) {
  const leave: (() => void)[] = [];
  const stay = (visitor: string) => {
    let reply: 'waits' | 'turned away' = 'turned away';
    const outcome = places.holdWhile(
      visitor,
      () => {
        reply = 'waits';
        return new Promise<void>((resolve) => leave.push(resolve));
      },
      async () => undefined,
    );
    return { reply, outcome };
  };
  const leaveAll = () => {
    for (const one of leave.splice(0)) one();
  };
  return { stay, leaveAll };
}

describe('Places to wait in', () => {
  it('are given to one visitor up to its share, and to others beyond', () => {
    const { stay } = visitors(new Bulkhead(5, 2));
    const reply = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'd'].map((visitor) => stay(visitor).reply);
    expect(reply).toEqual([
      ...['waits', 'waits', 'turned away'],
      ...['waits', 'waits', 'turned away'],
      'waits',
      'turned away',
    ]);
  });

  it('are free again when a visitor leaves', async () => {
    const { stay, leaveAll } = visitors(new Bulkhead(1, 1));
    const first = stay('a');
    expect(stay('a').reply).toBe('turned away');
    leaveAll();
    await first.outcome;
    expect(stay('b').reply).toBe('waits');
  });

  it('are free again when a wait fails', async () => {
    const places = new Bulkhead(1, 1);
    const fault = new Error('too late');
    const turnAway = async () => 'turned away';
    const failing = places.holdWhile('a', () => Promise.reject(fault), turnAway);
    await expect(failing).rejects.toBe(fault);
    expect(await places.holdWhile('a', async () => 'waited', turnAway)).toBe('waited');
  });
});
