import {
  alternating,
  forEachOf,
  peopleOf,
  percentilesOf,
  registerFor,
  repeatFor,
  within,
  writeCpu,
  writeLatencies,
} from '../measures.mjs';
import { closedLoop } from '../load.mjs';
import { residentMbOf } from '../process-times.mjs';
import { newAddress, startWithPeers } from '../systems.mjs';

const CALLERS = 64;
/** One waits for a mail in between, so that more of them are needed to keep the cores busy. */
const WHOLE_FLOW_CALLERS = 128;
const READERS = 32;
const ACCOUNTS_FOR_MEMORY = 3_500;
/** Until V8 has compiled what is called often: a service runs for days, and is measured so. */
const ACCOUNTS_TO_WARM_UP = 3_000;

/**
 * The same at bcrypt's lowest cost: what is left is what each system does beside hashing. Registrations,
 * activations, reads and the whole flow, each beside its rivals.
 */
export async function overhead(context, report) {
  const { stage, postgres, mail, quick, rounds, limits, progress } = context;
  const settings = { BCRYPT_COST: '4' };
  const shared = { postgres, mailUrl: mail.url, settings };
  const seconds = quick ? 1 : 3;
  progress('starting the plain service, better-auth and the product');
  const systems = await startWithPeers(stage, shared, {
    name: 'product-cost-4',
    // People activate within the minute in which a chosen password is remembered; here their round comes later.
    settings: { CREDENTIAL_CACHE_SECONDS: '3600' },
  });
  const names = Object.keys(systems);
  const ofEach = (measure) =>
    Object.fromEntries(names.map((name) => [name, (round) => measure(systems[name], round)]));
  const rivals = (figures) => ({
    plain: ratio(figures.ours, figures.plain),
    betterAuth: ratio(figures.ours, figures['better-auth']),
  });

  for (const system of Object.values(systems)) {
    progress(`warming up ${system.name}`);
    await wholeFlow(system, mail, {
      callers: CALLERS,
      ...(quick ? { seconds: 0.7 } : { accounts: ACCOUNTS_TO_WARM_UP }),
    });
  }

  const registered = await alternating(
    rounds,
    ofEach((system) => registerFor(system, mail, { callers: CALLERS, seconds })),
    (text) => progress(`registrations, ${text}`),
  );
  const settled = {};
  const cpu = {};
  for (const name of names) {
    const label = `${name}, cost 4, registrations settled`;
    settled[name] = report.figure({
      name: label,
      unit: '1/s',
      rounds: registered[name].map(({ settledPerSecond }) => settledPerSecond),
      against: settled.plain,
    });
    report.figure({
      name: `${name}, cost 4, registrations answered`,
      unit: '1/s',
      rounds: registered[name].map(({ answeredPerSecond }) => answeredPerSecond),
    });
    writeLatencies(report, label, registered[name]);
    cpu[name] = writeCpu(report, label, registered[name], cpu.plain);
  }
  report.figure({
    name: 'ours, cost 4, registrations settled, of bare appends',
    unit: '1/s',
    rounds: settled.ours.rounds,
    against: await limits.appends(),
  });
  report.figure({
    name: 'plain, cost 4, registrations settled, of bare inserts',
    unit: '1/s',
    rounds: settled.plain.rounds,
    against: await limits.inserts(),
  });
  const settledRatios = rivals(settled);
  report.goal({
    id: 'P2',
    text: 'registrations settled at cost 4, of better-auth',
    measured: settledRatios.betterAuth,
    unit: 'x',
    atLeast: 2,
  });
  report.goal({
    id: 'P2',
    text: 'registrations settled at cost 4, of plain (moonshot)',
    measured: settledRatios.plain,
    unit: 'x',
    atLeast: 0.6,
  });
  report.goal({
    id: 'P2',
    text: 'CPU per registration at cost 4',
    measured: cpu.ours.median,
    unit: 'ms',
    atMost: 3.5,
  });

  const activated = await alternating(
    rounds,
    Object.fromEntries(
      names.map((name) => [
        name,
        (round) =>
          forEachOf(registered[name][round].people, systems[name], {
            callers: CALLERS,
            work: (connection, { address, code }) =>
              systems[name].activate(connection, address, code),
          }),
      ]),
    ),
    (text) => progress(`activations, ${text}`),
  );
  const activations = {};
  for (const name of names) {
    const label = `${name}, cost 4, activations`;
    activations[name] = report.figure({
      name: label,
      unit: '1/s',
      rounds: activated[name].map(({ perSecond }) => perSecond),
      against: activations.plain,
    });
    writeLatencies(report, label, activated[name]);
    writeCpu(report, label, activated[name]);
  }
  report.goal({
    id: 'P3',
    text: 'activations at cost 4, of better-auth (ours prove the password as well)',
    measured: rivals(activations).betterAuth,
    unit: 'x',
    atLeast: 2,
  });

  const flows = await alternating(
    rounds,
    ofEach((system) =>
      wholeFlow(system, mail, { callers: WHOLE_FLOW_CALLERS, seconds: quick ? 1 : 3 }),
    ),
    (text) => progress(`usable accounts, ${text}`),
  );
  const usable = {};
  for (const name of names) {
    usable[name] = report.figure({
      name: `${name}, cost 4, usable accounts`,
      unit: '1/s',
      rounds: flows[name].map(({ perSecond }) => perSecond),
      against: usable.plain,
    });
    writeLatencies(report, `${name}, cost 4, usable accounts`, flows[name]);
  }
  report.goal({
    id: 'P2',
    text: 'usable accounts at cost 4, of better-auth',
    measured: rivals(usable).betterAuth,
    unit: 'x',
    atLeast: 3,
  });

  await readsOf(context, report, systems, activated);
  await memoryOf(context, report, systems.ours);
}

/** Registered, the code proven, the password proven: then an account can be used. */
function wholeFlow(system, mail, { callers, seconds, accounts = Infinity }) {
  return closedLoop({
    url: system.url,
    callers,
    seconds,
    work: async (connection, number) => {
      if (number >= accounts) return false;
      const address = newAddress();
      const mailed = mail.expect(address);
      await system.register(connection, address);
      const { code } = await within(60_000, 'sending a code', mailed);
      await system.makeUsable(connection, address, code);
      return undefined;
    },
  });
}

async function readsOf({ rounds, quick, limits, mail, progress }, report, systems) {
  const names = Object.keys(systems);
  const callersOf = {};
  for (const name of names) callersOf[name] = await signedIn(systems[name], mail);
  const read = await alternating(
    rounds,
    Object.fromEntries(
      names.map((name) => [
        name,
        () =>
          repeatFor(systems[name], {
            callers: READERS,
            seconds: quick ? 0.7 : 2,
            work: (connection, number) =>
              systems[name].read(connection, callersOf[name][number % callersOf[name].length]),
          }),
      ]),
    ),
    (text) => progress(`reads, ${text}`),
  );
  const reads = {};
  for (const name of names) {
    const label = `${name}, reads of one account`;
    reads[name] = report.figure({
      name: label,
      unit: '1/s',
      rounds: read[name].map(({ perSecond }) => perSecond),
      against: reads.plain,
    });
    writeLatencies(report, label, read[name]);
    writeCpu(report, label, read[name]);
  }
  report.figure({
    name: 'ours, reads of one account, of an echo',
    unit: '1/s',
    rounds: reads.ours.rounds,
    against: await limits.echo(),
  });
  report.goal({
    id: 'P5',
    text: 'reads of one account, of plain',
    measured: ratio(reads.ours, reads.plain),
    unit: 'x',
    atLeast: 0.6,
  });
  report.goal({
    id: 'P5',
    text: 'reads of one account, of better-auth',
    measured: ratio(reads.ours, reads['better-auth']),
    unit: 'x',
    atLeast: 8,
  });
}

/** What 32 people who have just signed in send along. */
async function signedIn(system, mail) {
  const headers = [];
  const calls = [];
  await closedLoop({
    url: system.url,
    callers: 8,
    work: async (connection, number) => {
      if (number >= READERS) return false;
      const address = newAddress();
      const mailed = mail.expect(address);
      calls.push({ address, mailed });
      await system.register(connection, address);
      const { code } = await within(60_000, 'sending a code', mailed);
      await system.makeUsable(connection, address, code);
      headers.push(await system.signIn(connection, address));
      return undefined;
    },
  });
  await peopleOf(calls);
  return headers;
}

async function memoryOf({ mail, progress }, report, ours) {
  progress(`memory after ${ACCOUNTS_FOR_MEMORY} accounts and more`);
  await registerFor(ours, mail, { callers: CALLERS, seconds: 0.2 });
  const memory = residentMbOf(ours.processes);
  for (const [name, mb] of Object.entries(memory)) {
    report.figure({ name: `memory of ${name} after this run`, unit: 'MB', rounds: [mb] });
  }
  report.note(`${mail.arrived} mails were sent in this run so far, by all systems together.`);
  for (const name of ['api', 'worker']) {
    report.goal({
      id: 'P9',
      text: `memory of the ${name} after at least ${ACCOUNTS_FOR_MEMORY} accounts (less in a quick run)`,
      measured: memory[name],
      unit: 'MB',
      atMost: 130,
    });
  }
}

/** The median over the rounds of what one has of the other. */
function ratio(one, other) {
  const ratios = one.rounds.map((value, round) => value / other.rounds[round]);
  return percentilesOf(ratios).p50;
}
