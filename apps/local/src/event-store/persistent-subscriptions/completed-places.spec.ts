import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompletedPlaces } from './completed-places.js';

describe('completed places', () => {
  it('begin where an earlier run got to', () => {
    expect(new CompletedPlaces(undefined).completedUpTo).toBeUndefined();
    expect(new CompletedPlaces(7).completedUpTo).toBe(7);
  });

  it('never pass a place that is not done, whatever the order of answers', () => {
    const places = fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(places, fc.infiniteStream(fc.nat()), (unsorted, random) => {
        const begun = [...unsorted].sort((a, b) => a - b);
        const open = [...begun];
        const completed = new CompletedPlaces(undefined);
        for (const place of begun) completed.begin(place);
        while (open.length > 0) {
          const [done] = open.splice(random.next().value! % open.length, 1);
          completed.finish(done!);
          const expected = begun.filter((place) => place < (open[0] ?? Infinity)).at(-1);
          expect(completed.completedUpTo).toBe(expected);
        }
        expect(completed.countSinceTaken).toBe(begun.length);
        completed.takeCount();
        expect(completed.countSinceTaken).toBe(0);
      }),
    );
  });
});
