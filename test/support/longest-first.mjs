import TestSequencer from '@jest/test-sequencer';

/** Files that take longest, the longest first. A clean checkout has no times of an earlier run to go by. */
const LONGEST = [
  'test/admin/examples.long-spec.ts',
  'libs/event-store/src/eventstoredb-outages.long-spec.ts',
  'test/docs/extend.long-spec.ts',
  'test/security/strangers.long-spec.ts',
  'test/local/launcher.long-spec.ts',
  'test/security/rotation.long-spec.ts',
  'test/event-store/golden.long-spec.ts',
  'test/backup/other-copies.long-spec.ts',
  'test/faults/parallel-guesses.long-spec.ts',
  'test/faults/long-stream.long-spec.ts',
  'test/faults/kill-nine.long-spec.ts',
  'test/mail/provider-matrix.long-spec.ts',
  'test/dev-event-store/capacity.long-spec.ts',
  'test/admin/admin-process.long-spec.ts',
  'libs/event-store/src/eventstoredb-event-store.long-spec.ts',
  'test/local/launcher.e2e-spec.ts',
  'test/security/erasure.e2e-spec.ts',
  'libs/consumers/src/rebuild/rebuild-projection.int-spec.ts',
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
