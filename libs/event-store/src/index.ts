export * from './event-store.js';
export * from './event-codec.js';
export * from './handle-command.js';
export { backoffMs, pauseUnlessAborted, runSubscription } from './run-subscription.js';
export type { SubscriptionOptions } from './run-subscription.js';
export { consumeInBatches } from './consume-in-batches.js';
export type { Batch } from './consume-in-batches.js';
export { RetryLater, consumeInWindow } from './consume-in-window.js';
export type { WindowOptions } from './consume-in-window.js';
