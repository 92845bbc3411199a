import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** e2e tests that need the development event store, and what of it. */
export const ON_DEVELOPMENT_STORE = {
  'test/local/launcher.e2e-spec.ts': '`npm start`, which starts it',
};

/** Tests of what versions of EventStoreDB differ in, on the development event store as one of them. */
export const ON_VERSIONS = [
  'libs/event-store/src/eventstoredb-outages.long-spec.ts',
  'test/api/outages.long-spec.ts',
  'apps/accounts-worker/src/views/running-projection.int-spec.ts',
  'test/mail/event-store-faults.long-spec.ts',
  'test/faults/kill-nine.long-spec.ts',
];
/** Those that are not the default. */
export const VERSIONS = ['23.10.6', '24.10.4'];

/** Such tests that take longer. */
const LONG_E2E = [
  'test/api/expired-code.long-spec.ts',
  'test/api/outages.long-spec.ts',
  'test/faults/guesses-by-settings.long-spec.ts',
  'test/security/limits.long-spec.ts',
  'test/security/start-up.long-spec.ts',
  'test/support/product.long-spec.ts',
];

/** Tests that run on any event store, by part of `npm run test:eventstoredb`. */
export const SUITES = {
  contract: ['libs/event-store/src/eventstoredb-event-store.int-spec.ts'],
  e2e: readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.e2e-spec.ts'))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join('/'))
    .filter((file) => !(file in ON_DEVELOPMENT_STORE))
    .concat(LONG_E2E)
    .sort(),
  kills: ['test/faults/kill-nine.long-spec.ts'],
};
