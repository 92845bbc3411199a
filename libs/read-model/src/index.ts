export * from './database.js';
export { CheckpointMoved, readCheckpoint, saveCheckpoint } from './checkpoints.js';
export * from './projection.js';
export * from './accounts/accounts.projection.js';
export * from './accounts/accounts.queries.js';
export * from './run-projection.js';
export * from './projection-monitor.js';
export * from './leadership.js';
export * from './wait-for-position.js';
