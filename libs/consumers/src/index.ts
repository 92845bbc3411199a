export { runSubscription } from './run-subscription.js';
export { consumeInBatches } from './consume-in-batches.js';
export { RetryLater, consumeInWindow } from './consume-in-window.js';
export type { ReachedPlace } from './consume-in-window.js';
export {
  lockCheckpoint,
  readCheckpoint,
  saveCheckpoint,
  takeBackToLastEvent,
} from './checkpoints.js';
export * from './log-match.js';
export * from './projection.js';
export * from './run-projection.js';
export * from './projection-monitor.js';
export * from './leadership.js';
export * from './wait-for-position.js';
export {
  countFailingEvents,
  faultText,
  listFailedEvents,
  recordFailures,
  requestRetry,
  settleFailedEvent,
  skipFailedEvent,
} from './failed-events.js';
export type {
  EventFailure,
  FailedEvent,
  FailingEventCount,
  FailingEvents,
} from './failed-events.js';
export { FailedEventRetries } from './retry-failed-events.js';
export { readProjectionReports, reportProjections } from './projection-reports.js';
export type { ProjectionReport } from './projection-reports.js';
export {
  NothingToRebuild,
  ProjectionRebuild,
  RebuildRunning,
} from './rebuild/rebuild-projection.js';
export { keepDefinitions } from './rebuild/table-definition.js';
export { newestRebuilds } from './rebuild/rebuild-records.js';
export type { RebuildRecord } from './rebuild/rebuild-records.js';
export { column, columnName, rowProjection } from './row-projection.js';
export type { Fold, RowOf } from './row-projection.js';
