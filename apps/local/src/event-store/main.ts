import { runProcess } from '@app/process';
import { DevEventStore } from './dev-event-store.js';
import { loadSettings } from './settings.js';

runProcess('eventstore', async (log) =>
  DevEventStore.start({
    ...loadSettings(process.argv.slice(2), process.env),
    log,
    onFailure: (error) => {
      // What reached the disk is unknown now: only a fresh start finds out.
      log.fatal({ err: error }, 'the event log cannot be written');
      process.exit(1);
    },
  }),
);
