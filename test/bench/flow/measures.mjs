import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../report/report.mjs';
import { closedLoop } from './load.mjs';
import { cpuMsOf, since, sumOf } from './process-times.mjs';
import { newAddress } from './systems.mjs';

const SETTLE_DEADLINE_MS = 120_000;
const IDLE_WINDOW_MS = 100;
const IDLE_CPU_MS = 20;
const IDLE_DEADLINE_MS = 3_000;

/** Rejects when the work takes longer. */
export async function within(ms, what, work) {
  const overdue = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms).unref();
  });
  return Promise.race([work, overdue]);
}

/** Waits until the processes have stopped working off what they were given. */
export async function idle(processes) {
  const deadline = performance.now() + IDLE_DEADLINE_MS;
  let before = sumOf(cpuMsOf(processes));
  while (performance.now() < deadline) {
    await pause(IDLE_WINDOW_MS);
    const now = sumOf(cpuMsOf(processes));
    if (now - before <= IDLE_CPU_MS) return;
    before = now;
  }
}

/**
 * Registers new people for so long. Settled is a registration whose code has arrived at the mail API; the rate
 * counts until the last one has.
 *
 * @returns registrations a second (answered, settled), latencies in ms, CPU in ms per registration by process,
 *   and the people: `{ address, code, answeredAt, mailedAt, answer }`
 */
export async function registerFor(system, mail, { callers, seconds }) {
  const before = cpuMsOf(system.processes);
  const calls = [];
  const load = await closedLoop({
    url: system.url,
    callers,
    seconds,
    work: async (connection) => {
      const address = newAddress();
      const mailed = mail.expect(address);
      const answer = await system.register(connection, address);
      calls.push({ address, mailed, answer, answeredAt: performance.now() });
    },
  });
  const people = await within(SETTLE_DEADLINE_MS, 'sending all codes', peopleOf(calls));
  const settledAt = people.reduce((latest, { mailedAt }) => Math.max(latest, mailedAt), 0);
  await idle(system.processes);
  return {
    people,
    latencies: load.latencies,
    answeredPerSecond: load.perSecond,
    settledPerSecond: people.length / ((settledAt - load.startedAt) / 1_000),
    cpuMs: perCall(since(before, cpuMsOf(system.processes)), people.length),
  };
}

export function peopleOf(calls) {
  return Promise.all(
    calls.map(async ({ mailed, ...call }) => {
      const { at, code } = await mailed;
      return { ...call, code, mailedAt: at };
    }),
  );
}

/** Does something once for each of these people. @returns as closedLoop does, with CPU in ms per call */
export async function forEachOf(people, system, { callers, work }) {
  const before = cpuMsOf(system.processes);
  const load = await closedLoop({
    url: system.url,
    callers: Math.min(callers, people.length),
    work: async (connection, number) => {
      const person = people[number];
      if (person === undefined) return false;
      return work(connection, person);
    },
  });
  await idle(system.processes);
  return { ...load, cpuMs: perCall(since(before, cpuMsOf(system.processes)), people.length) };
}

/** The same call again and again for so long. @returns as closedLoop does, with CPU in ms per call */
export async function repeatFor(system, { callers, seconds, work }) {
  const before = cpuMsOf(system.processes);
  const load = await closedLoop({ url: system.url, callers, seconds, work });
  return { ...load, cpuMs: perCall(since(before, cpuMsOf(system.processes)), load.calls) };
}

/** Percentiles of one round's latencies, to be put beside each other over the rounds. */
export function percentilesOf(latencies) {
  return {
    p50: percentile(latencies, 0.5),
    p95: percentile(latencies, 0.95),
    p99: percentile(latencies, 0.99),
  };
}

export function perCall(cpuMs, calls) {
  return Object.fromEntries(Object.entries(cpuMs).map(([name, ms]) => [name, ms / calls]));
}

/** Measures each of several things in each round, in an order that moves on by one a round. */
export async function alternating(rounds, measures, onRound = () => undefined) {
  const names = Object.keys(measures);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let step = 0; step < names.length; step += 1) {
      const name = names[(step + round) % names.length];
      onRound(`round ${round + 1} of ${rounds}: ${name}`);
      results[name].push(await measures[name](round));
    }
  }
  return results;
}

/** Writes p50, p95 and p99 of each round, and CPU by process, below a rate. */
export function writeLatencies(report, name, rounds) {
  const each = rounds.map(({ latencies }) => percentilesOf(latencies));
  for (const share of ['p50', 'p95', 'p99']) {
    report.figure({ name: `${name}, ${share}`, unit: 'ms', rounds: each.map((one) => one[share]) });
  }
}

/** CPU of every process per call, and their sum. @returns the figure of the sum */
export function writeCpu(report, name, rounds, against) {
  const processes = Object.keys(rounds[0].cpuMs);
  for (const process of processes) {
    report.figure({
      name: `${name}, CPU of ${process}`,
      unit: 'ms',
      rounds: rounds.map(({ cpuMs }) => cpuMs[process]),
    });
  }
  return report.figure({
    name: `${name}, CPU of all processes`,
    unit: 'ms',
    rounds: rounds.map(({ cpuMs }) => sumOf(cpuMs)),
    against,
  });
}
