import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { openLoop } from '../load.mjs';
import { alternating, perCall, registerFor, writeCpu } from '../measures.mjs';
import { contextSwitchesOf, cpuMsOf, since, sumOf } from '../process-times.mjs';
import { startBcryptPool } from '../processes.mjs';
import { newAddress, startWithPeers } from '../systems.mjs';

const COST = 4;
const RATES = [25, 100];
const CALLS = 200;
const CALLERS_TO_WARM_UP = 64;
const SECONDS_TO_WARM_UP = 30;
/** At the rate itself: V8 goes on compiling, and clears up what a busier time left, for about a minute. */
const SECONDS_TO_SETTLE = 60;
/** Longer than anything that is saved a few times a second waits. */
const AFTERMATH_MS = 1_500;

/**
 * Registrations at a rate at which the machine has time: what each costs beside its hash, when the processes
 * sleep in between and every step has to wake one. What they do at rest in the same time is taken off.
 */
export async function steadyRate(context, report) {
  const { stage, postgres, mail, quick, rounds, progress } = context;
  const shared = { postgres, mailUrl: mail.url, settings: { BCRYPT_COST: String(COST) } };
  const bcrypt = await startBcryptPool(stage);
  const systems = await startWithPeers(stage, shared, { name: 'product-steady-rate' });
  for (const system of Object.values(systems)) {
    progress(`warming up ${system.name}`);
    await registerFor(system, mail, {
      callers: CALLERS_TO_WARM_UP,
      seconds: quick ? 1 : SECONDS_TO_WARM_UP,
    });
  }
  for (const perSecond of RATES) {
    for (const system of Object.values(systems)) {
      progress(`${perSecond} a second, settling ${system.name}`);
      await registrations(system, mail, { perSecond, seconds: quick ? 1 : SECONDS_TO_SETTLE });
    }
    const pace = { perSecond, seconds: (quick ? 25 : CALLS) / perSecond };
    const measured = await alternating(
      rounds,
      {
        bcrypt: () => bcrypt.hash(COST, 1),
        ...Object.fromEntries(
          Object.entries(systems).map(([name, system]) => [name, () => costOf(system, mail, pace)]),
        ),
      },
      (text) => progress(`${perSecond} a second, ${text}`),
    );
    write(report, perSecond, measured);
  }
}

/** CPU in ms and context switches of one registration by process, and the CPU of a second of rest. */
async function costOf(system, mail, pace) {
  const { processes } = system;
  const rest = await usedWhile(processes, () => pause(1_000));
  const used = await usedWhile(processes, () => registrations(system, mail, pace));
  const calls = pace.perSecond * pace.seconds;
  const beyondRest = (what) =>
    Object.fromEntries(
      Object.entries(used[what]).map(([name, value]) => [
        name,
        value - (rest[what][name] * used.seconds) / rest.seconds,
      ]),
    );
  return {
    cpuMs: perCall(beyondRest('cpuMs'), calls),
    switches: perCall(beyondRest('switches'), calls),
  };
}

function registrations({ url, register }, mail, pace) {
  return openLoop({
    url,
    ...pace,
    work: async (connection) => {
      const address = newAddress();
      const mailed = mail.expect(address);
      await register(connection, address);
      await mailed;
    },
  });
}

async function usedWhile(processes, work) {
  const beganAt = performance.now();
  const before = { cpuMs: cpuMsOf(processes), switches: contextSwitchesOf(processes) };
  await work();
  await pause(AFTERMATH_MS);
  return {
    cpuMs: since(before.cpuMs, cpuMsOf(processes)),
    switches: since(before.switches, contextSwitchesOf(processes)),
    seconds: (performance.now() - beganAt) / 1_000,
  };
}

function write(report, perSecond, { bcrypt, ...measured }) {
  for (const [name, rounds] of Object.entries(measured)) {
    const label = `${name}, ${perSecond} registrations a second`;
    writeCpu(report, label, rounds);
    const beside = report.figure({
      name: `${label}, CPU beside the hash`,
      unit: 'ms',
      rounds: rounds.map(({ cpuMs }, round) => sumOf(cpuMs) - bcrypt[round].cpuMs),
    });
    const switches = report.figure({
      name: `${label}, context switches but PostgreSQL's`,
      unit: '',
      rounds: rounds.map(({ switches }) => sumOf(switches) - switches.postgres),
    });
    if (name !== 'ours' || perSecond !== RATES[0]) continue;
    const text = `a registration of ${perSecond} a second`;
    report.goal({
      id: 'P11',
      text: `${text}, CPU beside the hash`,
      measured: beside.median,
      unit: 'ms',
      atMost: 10,
    });
    report.goal({
      id: 'P11',
      text: `${text}, context switches of api, worker and event store`,
      measured: switches.median,
      atMost: 25,
    });
  }
}
