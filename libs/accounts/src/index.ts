export * from './account-events.js';
