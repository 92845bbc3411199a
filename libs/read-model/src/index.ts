export * from './database.js';
export { CheckpointMoved, readCheckpoint, saveCheckpoint } from './checkpoints.js';
export * from './projection.js';
export * from './accounts/accounts.projection.js';
export * from './accounts/accounts.queries.js';
