import { createLog } from '@app/service';
import type { Log } from '@app/service';

/** A log that nobody reads. */
export function silentLog(): Log {
  const log = createLog('spec');
  log.level = 'silent';
  return log;
}
