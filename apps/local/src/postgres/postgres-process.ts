import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import type { PartProcess } from '../launcher/part-process.js';

/** PostgreSQL as a part like any other; its endpoint is called `database`. */
export function startPostgresProcess(options: EmbeddedPostgresOptions): PartProcess {
  let running: EmbeddedPostgres | undefined;
  let killed = false;
  const kill = () => {
    killed = true;
    running?.kill();
  };
  const starting = startEmbeddedPostgres(options).then((server) => {
    running = server;
    if (killed) server.kill();
    return server;
  });
  const exited = starting.then(
    async (server) => {
      await server.exited;
      return `its log is ${server.logFile}`;
    },
    (error: unknown) => String(error),
  );
  return {
    get pid() {
      return running?.pid;
    },
    ready: starting.then((server) => ({ database: server.url })),
    exited,
    stop: async (graceMs) => {
      const stopping = starting.then(
        (server) => server.stop(),
        // It never started: there is nothing to stop.
        () => undefined,
      );
      await Promise.race([stopping, delay(graceMs, undefined, { ref: false }).then(kill)]);
      await exited;
    },
    kill,
  };
}
