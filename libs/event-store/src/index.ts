export * from './event-store.js';
export * from './event-codec.js';
