export {
  ConfigurationError,
  loadConfiguration,
  processSettings,
  refuseConfiguration,
  setting,
} from './configuration.js';
export type { Environment } from './configuration.js';
export { isDiskFull } from './disk-full.js';
export { productFolder } from './product-folder.js';
export { LineOutput, linesToFile, linesToStdout } from './line-output.js';
export { LOG, createLog } from './log.js';
export type { Log } from './log.js';
export { untilAnswered } from './until-answered.js';
export { LETTING_GO_MS, runProcess } from './run-process.js';
export type { ReadyMessage, RunningProcess, StoppingMessage } from './run-process.js';
export type { HealthCheck } from './health.js';
export { startInternalServer } from './internal-server.js';
export type { InternalServer } from './internal-server.js';
export { createMetrics } from './metrics.js';
export { CLOCK, SharedClock, measureClock } from './clock.js';
export type { Clock } from './clock.js';
