import TestSequencer from '@jest/test-sequencer';

/** Files that take longest, the longest first. A clean checkout has no times of an earlier run to go by. */
const LONGEST = [
  'test/dev-event-store/durability.long-spec.ts',
  'test/faults/parallel-guesses.long-spec.ts',
  'test/dev-event-store/capacity.long-spec.ts',
  'test/backup/unreadable-accounts.long-spec.ts',
  'test/backup/older-database.long-spec.ts',
  'libs/event-store/src/eventstoredb-outages.long-spec.ts',
  'test/local/launcher.long-spec.ts',
  'test/security/bad-requests.long-spec.ts',
  'test/security/strangers.long-spec.ts',
  'libs/event-store/src/eventstoredb-event-store.int-spec.ts',
];

/** Begins with what would otherwise be waited for at the end. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONGEST.findIndex((file) => path.endsWith(file));
      return at === -1 ? LONGEST.length : at;
    };
    return super.sort(tests).toSorted((one, other) => rank(one) - rank(other));
  }
}
