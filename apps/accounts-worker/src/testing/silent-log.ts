import { createLog } from '@app/process';
import type { Log } from '@app/process';

/** A log that writes nothing. */
export function silentLog(): Log {
  const log = createLog('spec');
  log.level = 'silent';
  return log;
}
