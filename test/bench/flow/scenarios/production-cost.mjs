import { availableParallelism } from 'node:os';
import {
  alternating,
  forEachOf,
  percentilesOf,
  registerFor,
  writeCpu,
  writeLatencies,
} from '../measures.mjs';
import { startBcryptPool } from '../processes.mjs';
import { startWithPeers } from '../systems.mjs';

/**
 * Enough to keep every core hashing while other callers wait for the beat of their answer, few enough for no
 * caller to be turned away.
 */
const CALLERS = 4 * availableParallelism();
/** A service that runs for days has had its code compiled, which takes some hundred registrations. */
const WARM_UP_SECONDS = 20;
/** For calls that cost no hash. */
const QUICK_CALLERS = 16;
const LEAST_SHARE_OF_CEILING = { 12: 0.97, 10: 0.93 };
const MOST_CPU_OF_BCRYPT = { 12: 1.05, 10: 1.1 };

/** Registrations where the password hash costs what it does in production, beside bcrypt alone and the peers. */
export const cost12 = (context, report) => atCost(12, context, report, { activations: true });
export const cost10 = (context, report) => atCost(10, context, report, { activations: false });

async function atCost(cost, context, report, { activations }) {
  const { stage, postgres, mail, quick, rounds, progress } = context;
  const seconds = quick ? 1.5 : cost === 12 ? 6 : 3;
  const settings = { BCRYPT_COST: String(cost) };
  const shared = { postgres, mailUrl: mail.url, settings };
  progress('starting bcrypt alone, the plain service, better-auth and the product');
  const bcrypt = await startBcryptPool(stage);
  const systems = await startWithPeers(stage, shared, {
    name: `product-cost-${cost}`,
    // A round's verified credentials must last until they are used.
    settings: { CREDENTIAL_CACHE_SECONDS: '600' },
  });
  const register = (system) => () => registerFor(system, mail, { callers: CALLERS, seconds });
  for (const system of Object.values(systems)) {
    progress(`warming up ${system.name}`);
    await registerFor(system, mail, { callers: CALLERS, seconds: quick ? 0.5 : WARM_UP_SECONDS });
  }

  const measured = await alternating(
    rounds,
    {
      'bcrypt alone': () => bcrypt.hash(cost, seconds),
      ...Object.fromEntries(
        Object.entries(systems).map(([name, system]) => [name, register(system)]),
      ),
    },
    progress,
  );

  const ceiling = report.figure({
    name: `bcrypt alone, cost ${cost}`,
    unit: '1/s',
    rounds: measured['bcrypt alone'].map(({ perSecond }) => perSecond),
  });
  const ceilingCpu = report.figure({
    name: `bcrypt alone, cost ${cost}, CPU`,
    unit: 'ms',
    rounds: measured['bcrypt alone'].map(({ cpuMs }) => cpuMs),
  });
  const shares = {};
  const cpu = {};
  for (const name of ['plain', 'better-auth', 'ours']) {
    const label = `${name}, cost ${cost}, registrations settled`;
    shares[name] = report.figure({
      name: label,
      unit: '1/s',
      rounds: measured[name].map(({ settledPerSecond }) => settledPerSecond),
      against: ceiling,
    });
    writeLatencies(report, label, measured[name]);
    cpu[name] = writeCpu(report, label, measured[name], ceilingCpu);
  }
  report.goal({
    id: 'P1',
    text: `registrations settled at cost ${cost}, of bcrypt alone`,
    measured: shares.ours.against.ratio,
    unit: 'x',
    atLeast: LEAST_SHARE_OF_CEILING[cost],
  });
  report.goal({
    id: 'P1',
    text: `CPU of all our processes per registration at cost ${cost}, of bcrypt's`,
    measured: cpu.ours.against.ratio,
    unit: 'x',
    atMost: MOST_CPU_OF_BCRYPT[cost],
  });
  if (activations) {
    const { ours } = systems;
    const forgetful = await ours.startApi({ CREDENTIAL_CACHE_SECONDS: '0' });
    const hashing = { ...ours, url: forgetful.endpoints.api };
    await activationsWithAndWithoutHash(context, report, { ours, hashing }, measured.ours);
  }
}

/**
 * A quarter of each round's people activate at a process that remembers no password, the others where theirs was chosen,
 * after a sign-in, which is not counted.
 */
async function activationsWithAndWithoutHash(context, report, { ours, hashing }, registered) {
  const { progress } = context;
  const rounds = [];
  for (const [round, { people }] of registered.entries()) {
    progress(`activations, round ${round + 1} of ${registered.length}`);
    const quarter = people.length >> 2;
    const activate = (connection, { address, code }) => ours.activate(connection, address, code);
    const hashed = await forEachOf(people.slice(0, quarter), hashing, {
      callers: CALLERS,
      work: activate,
    });
    const others = people.slice(quarter);
    await forEachOf(others, ours, {
      callers: CALLERS,
      work: (connection, { address }) => ours.signIn(connection, address),
    });
    const verified = await forEachOf(others, ours, { callers: QUICK_CALLERS, work: activate });
    rounds.push({ hashed, verified });
  }
  const figure = (name, values, against) =>
    report.figure({ name: `ours, cost 12, activations ${name}`, ...values, against });
  const p50 = (kind) => ({
    unit: 'ms',
    rounds: rounds.map((round) => percentilesOf(round[kind].latencies).p50),
  });
  const rate = (kind) => ({ unit: '1/s', rounds: rounds.map((round) => round[kind].perSecond) });
  figure('with a hash, p50', p50('hashed'));
  figure('with a verified credential, p50', p50('verified'));
  const hashed = figure('with a hash', rate('hashed'));
  const verified = figure('with a verified credential', rate('verified'), hashed);
  report.goal({
    id: 'P3',
    text: 'activations with a verified credential, of those that cost a hash of cost 12',
    measured: verified.against.ratio,
    unit: 'x',
    atLeast: 100,
  });
}
