/**
 * Logs two megabytes, then answers over HTTP with what became of them; for the spec of a log that is not read. Its port
 * goes to its parent over IPC.
 */
import { createServer } from 'node:http';
import { createLog, createMetrics } from '../../dist/modules/libs/process/src/index.js';

const metrics = createMetrics();
const log = createLog('unread');
const server = createServer((_request, response) => {
  log.info('asked');
  void metrics.metrics().then((text) => response.end(text));
});
server.listen(0, '127.0.0.1', () => {
  for (let line = 0; line < 2_000; line += 1) log.info({ filler: 'x'.repeat(1_000) }, 'filling');
  process.send(server.address().port);
});
process.on('disconnect', () => process.exit(0));
