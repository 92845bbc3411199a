export { ConfigurationError, loadConfiguration, setting } from './configuration.js';
export type { Environment } from './configuration.js';
export { createLog } from './log.js';
export type { Log } from './log.js';
export { runProcess } from './run-process.js';
export type { ReadyMessage, RunningProcess } from './run-process.js';
