/**
 * The libraries, what each is for, and which others it may import. `npm run rules` checks it; README shows it.
 */
const ROOMS = {
  accounts: { holds: 'the business: events, decisions, states; no clock, no I/O', enters: [] },
  'account-secrets': { holds: 'ids and codes that are derived from secrets', enters: ['accounts'] },
  'event-store': {
    holds: 'streams: the port, EventStoreDB, the chain, commands on a stream',
    enters: ['tracing'],
  },
  postgres: {
    holds: 'the pool, the migrations, and which process may do what with their tables',
    enters: ['process'],
  },
  consumers: {
    holds:
      'feeds of events: checkpoints, leadership, projections, failed events, rebuild; knows no account',
    enters: ['event-store', 'postgres', 'tracing'],
  },
  views: {
    holds: 'what can be queried: a fold, its table and its queries each',
    enters: ['accounts', 'consumers', 'event-store', 'postgres'],
  },
  'personal-data': {
    holds: "the persons' keys, and events sealed under them",
    enters: ['account-secrets', 'accounts', 'event-store', 'postgres', 'views'],
  },
  process: { holds: 'settings, log, health and metrics of a process', enters: [] },
  'start-up': {
    holds:
      'what each process has, and waits for before it works: the stores, the schema, the time, its secrets',
    enters: ['event-store', 'personal-data', 'postgres', 'process', 'tracing'],
  },
  'http-service': {
    holds: 'an HTTP API: problems, routes, limits of requests',
    enters: ['process', 'tracing'],
  },
  'registration-client': {
    holds: 'what apps and pages call the API with, in a browser or Node; a package of its own',
    enters: [],
  },
  tracing: { holds: 'spans of what a request leads to, and their way to a collector', enters: [] },
};

module.exports = { ROOMS };
