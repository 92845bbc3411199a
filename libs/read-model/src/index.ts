export * from './database.js';
export {
  CheckpointMoved,
  readCheckpoint,
  saveCheckpoint,
  takeBackToLastEvent,
} from './checkpoints.js';
export type { HandledEvent } from './checkpoints.js';
export * from './pairing.js';
export * from './unreadable-accounts.js';
export * from './projection.js';
export * from './consumers.js';
export * from './accounts/accounts.projection.js';
export * from './accounts/accounts.queries.js';
export { giveBackToBuckets, removeFullBuckets, takeFromBuckets } from './throttling/buckets.js';
export type { BucketDemand, EmptyBucket } from './throttling/buckets.js';
export * from './run-projection.js';
export * from './projection-monitor.js';
export * from './leadership.js';
export * from './wait-for-position.js';
export * from './accounts/accounts.pages.js';
export * from './statistics/statistics.projection.js';
export * from './statistics/statistics.queries.js';
export * from './activation-mails/activation-mails.projection.js';
export * from './activation-mails/activation-mails.queries.js';
export {
  listFailedEvents,
  requestRetry,
  skipFailedEvent,
  type FailedEvent,
} from './failed-events.js';
export { readProjectionReports, reportProjection } from './projection-reports.js';
export type { ProjectionReport } from './projection-reports.js';
export {
  NothingToRebuild,
  ProjectionRebuild,
  RebuildRunning,
} from './rebuild/rebuild-projection.js';
export type { RebuildOptions, RebuildOutcome } from './rebuild/rebuild-projection.js';
export { newestRebuilds } from './rebuild/rebuild-records.js';
export type { RebuildRecord, RebuildState } from './rebuild/rebuild-records.js';
export { anonymousAccountCodec } from './anonymous-account-codec.js';
