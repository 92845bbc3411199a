import { describe, expect, it } from '@jest/globals';
import { areaUnderCurve, median, shapeOf, shuffled } from './timing-samples.js';

describe('The statistics of the timing test', () => {
  it('see no difference where there is none, and every one there is', () => {
    expect(areaUnderCurve([1, 2, 3], [1, 2, 3])).toBe(0.5);
    expect(areaUnderCurve([4, 5], [1, 2, 3])).toBe(1);
    expect(areaUnderCurve([1, 2], [3])).toBe(0);
    expect(areaUnderCurve([1, 3], [2, 4])).toBe(0.25);
    expect(areaUnderCurve([1, 1], [1, 2])).toBe(0.25);
  });

  it('find 2,000 samples that are 10 % of their spread later', () => {
    const sample = (shift: number) =>
      Array.from({ length: 2_000 }, (_, index) => shift + index / 2_000);
    expect(areaUnderCurve(sample(0.1), sample(0))).toBeGreaterThan(0.53);
  });

  it('know the median', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7]);
  });

  it('compare answers but for what names the one call', () => {
    const answer = (id: string, status = 202) => ({
      status,
      headers: [
        ['A', '1'],
        ['X-Request-Id', id],
      ] as const,
      body: `{"accountId":"${id}"}`,
      milliseconds: Math.random(),
    });
    const [one, other] = [
      answer('0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b'),
      answer('1b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1c'),
    ];
    expect(shapeOf(one)).toEqual(shapeOf(other));
    expect(shapeOf(one)).not.toEqual(shapeOf({ ...other, status: 200 }));
    expect(shapeOf(one)).not.toEqual(shapeOf({ ...other, headers: [['A', '2']] }));
  });

  it('take the classes in any order', () => {
    const values = Array.from({ length: 100 }, (_, index) => index);
    expect(shuffled(values).sort((left, right) => left - right)).toEqual(values);
  });
});
