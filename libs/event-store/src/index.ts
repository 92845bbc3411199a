export * from './event-store.js';
export * from './event-codec.js';
export * from './handle-command.js';
export { ChainWalk, verifyChain } from './event-chain.js';
export type { ChainFault, ChainVerdict } from './event-chain.js';
export { backoffMs, pauseUnlessAborted } from './back-off.js';
export { SharingEventStore } from './sharing-event-store.js';
export { WakeUp } from './wake-up.js';
