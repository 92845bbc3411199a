/**
 * Imports go one way. Each rule has a violation planted under test/architecture/planted that proves that
 * it fires (test/architecture/architecture.spec.ts).
 */
const { ROOMS } = require('./test/architecture/rooms.cjs');

const SPEC = '\\.(spec|int-spec|e2e-spec|long-spec|contract)\\.ts$|/testing/';
const DRIVERS = {
  '@eventstore/db-client': {
    home: '^libs/event-store/src/eventstoredb-(event-store|append-calls|read-answers|nodes|access)\\.ts$',
    // The protocol's generated messages, for the server that speaks it.
    also: '^apps/local/src/event-store/protocol\\.ts$',
  },
  pg: { home: '^libs/postgres/src/(postgres|migrate)\\.ts$' },
  'node-fetch': { home: '^apps/accounts-worker/src/mail-delivery/http-mail-provider\\.ts$' },
  '@opentelemetry/sdk-trace-node': { home: '^libs/tracing/src/otlp\\.ts$' },
  bcrypt: { home: '^apps/accounts-api/src/passwords/bcrypt-password-hasher\\.ts$' },
};
/** Adapters: the files that know a driver, or that start something. */
const ADAPTERS =
  '^libs/event-store/src/eventstoredb-(event-store|access)\\.ts$|^libs/postgres/src/(postgres|migrate)\\.ts$|^libs/tracing/src/otlp\\.ts$|^libs/start-up/src/start-up\\.ts$';
/** Files of a library that load a framework, which most of those who come through its index do not need. */
const SIDE_DOORS = '^libs/http-service/src/(http-service|open-api)\\.ts$';

module.exports = {
  forbidden: [
    {
      name: '1-accounts-imports-only-itself',
      comment:
        'The business is plain TypeScript: no framework, no driver, not even node:crypto. Of packages it has tr46, a pure function.',
      severity: 'error',
      from: { path: '^libs/accounts/src/', pathNot: SPEC },
      to: { pathNot: '^libs/accounts/src/|^node_modules/(@types/)?tr46/' },
    },
    ...Object.entries(ROOMS).map(([room, { enters }]) => ({
      name: `2-${room}-enters-its-own-rooms`,
      comment: 'What a library may import stands in test/architecture/rooms.cjs, and in README.',
      severity: 'error',
      from: { path: `^libs/${room}/src/`, pathNot: SPEC },
      to: { path: '^libs/', pathNot: `^libs/(${[room, ...enters].join('|')})/` },
    })),
    ...Object.entries(DRIVERS).map(([driver, { home, also }]) => ({
      name: `3-one-home-for-${driver.replace(/\W+/g, '-')}`,
      comment: 'Whoever replaces the driver changes one file.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: [home, also, SPEC].filter(Boolean).join('|') },
      to: { path: `node_modules/(@types/)?${driver}/` },
    })),
    {
      name: '4-apps-never-import-apps',
      comment: 'Processes talk over the network; what they share is a library.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: '5-adapters-are-wired-in-one-place',
      comment: 'Only a module, a process entry or a test chooses an adapter.',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: `\\.module\\.ts$|/(main|migrate|demo)\\.ts$|${SPEC}|${ADAPTERS}`,
      },
      to: { path: ADAPTERS },
    },
    {
      name: '6-libraries-have-one-door',
      comment:
        'Everything but adapters and side doors is imported through the index of its library.',
      severity: 'error',
      from: { path: '^(apps/[^/]+|libs/[^/]+)/', pathNot: SPEC },
      to: {
        path: '^libs/([^/]+)/src/',
        pathNot: `^libs/[^/]+/src/index\\.ts$|${ADAPTERS}|${SIDE_DOORS}|^$1/`,
      },
    },
    {
      name: '6-the-door-loads-no-driver',
      comment:
        'A test of a handler must load neither a database client nor 500 modules of OpenAPI.',
      severity: 'error',
      from: { path: '^libs/[^/]+/src/index\\.ts$' },
      to: {
        path: `node_modules/(${[...Object.keys(DRIVERS), '@nestjs/swagger'].join('|')})/`,
        reachable: true,
      },
    },
    {
      name: '7-no-circles',
      comment: 'A circle is one room with two names.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: '8-libraries-know-no-process',
      comment: 'Libraries serve processes, never the other way round.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
