export * from './database.js';
export { plainArray } from './plain-array.js';
