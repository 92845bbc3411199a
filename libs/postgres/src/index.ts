export * from './database.js';
export { readServerTime } from './server-time.js';
export { plainArray } from './plain-array.js';
