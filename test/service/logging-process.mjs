/** Writes one line of log and leaves at once, for the specs of createLog. */
import { createLog } from '../../dist/modules/libs/process/src/index.js';

const log = createLog('logging');
log.debug('details');
log.info({ accountId: 'a-1' }, 'it happened');
log.error({ err: new Error('it broke') }, 'it failed');
process.exit(0);
