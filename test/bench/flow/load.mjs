import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpConnections } from './http-connection.mjs';

/**
 * So many callers, each of whom calls again as soon as it is answered, for so long.
 *
 * @param work one call: `(connection, number) => anything`; answering `false` ends the load early
 * @returns calls, latencies in ms, and when (performance.now()) it began and ended
 */
export async function closedLoop({ url, callers, seconds = Infinity, work }) {
  const connections = new HttpConnections(url);
  const opened = await Promise.all(Array.from({ length: callers }, () => connections.open()));
  const latencies = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  let next = 0;
  let ended = false;
  await Promise.all(
    opened.map(async (connection) => {
      while (!ended && performance.now() < until) {
        const calledAt = performance.now();
        if ((await work(connection, next++)) === false) ended = true;
        else latencies.push(performance.now() - calledAt);
      }
    }),
  );
  const endedAt = performance.now();
  connections.close();
  return {
    calls: latencies.length,
    latencies,
    startedAt,
    endedAt,
    perSecond: latencies.length / ((endedAt - startedAt) / 1_000),
  };
}

/**
 * Calls at a steady rate, whether or not the earlier ones are answered: what users do. A call's latency counts
 * from the moment it was due, so that nothing that was held up is left out.
 *
 * @param perSecond calls a second
 */
export async function openLoop({ url, perSecond, seconds, work }) {
  const connections = new HttpConnections(url);
  const latencies = [];
  const underWay = [];
  const startedAt = performance.now();
  const calls = Math.max(1, Math.round(perSecond * seconds));
  for (let number = 0; number < calls; number += 1) {
    const dueAt = startedAt + (number * 1_000) / perSecond;
    const early = dueAt - performance.now();
    if (early > 1) await pause(early);
    underWay.push(
      connections
        .with((connection) => work(connection, number))
        .then(() => latencies.push(performance.now() - dueAt)),
    );
  }
  await Promise.all(underWay);
  const endedAt = performance.now();
  connections.close();
  return { calls, latencies, startedAt, endedAt };
}
