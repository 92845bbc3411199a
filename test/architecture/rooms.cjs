/**
 * The libraries, what each is for, and which others it may import. `npm run rules` checks it; README shows it.
 */
const ROOMS = {
  accounts: { holds: 'the business: events, decisions, states; no clock, no I/O', enters: [] },
  'account-secrets': { holds: 'ids and codes that are derived from secrets', enters: ['accounts'] },
  'event-store': {
    holds: 'streams: the port, EventStoreDB, the chain, commands on a stream',
    enters: [],
  },
  'read-model': {
    holds: 'PostgreSQL, projections, and what can be queried',
    enters: ['accounts', 'event-store'],
  },
  'personal-data': {
    holds: "the persons' keys, and events sealed under them",
    enters: ['account-secrets', 'accounts', 'event-store', 'read-model'],
  },
  service: { holds: 'settings, log, health and metrics of a process', enters: [] },
  'http-service': {
    holds: 'an HTTP API: problems, routes, limits of requests',
    enters: ['service'],
  },
};

module.exports = { ROOMS };
