/** Loaded before a service: answers its parent how late its event loop was since the last time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 2;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

process.on('message', (message) => {
  if (message?.kind !== 'event-loop') return;
  // The timer's own interval is no delay.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  process.send({ kind: 'event-loop', p99: ms(delays.percentile(99)), max: ms(delays.max) });
  delays.reset();
});
