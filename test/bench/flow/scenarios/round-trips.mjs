import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { median, shown } from '../../report/report.mjs';
import { openLoop } from '../load.mjs';
import { forEachOf, registerFor } from '../measures.mjs';
import { contextSwitchesOf, since, sumOf } from '../process-times.mjs';
import { preload, startProduct } from '../processes.mjs';
import { callable, newAddress } from '../systems.mjs';

const PER_SECOND = 25;
const SECONDS = 8;
/** Rarer than anything is put off: what a call leads to is done before the next one. */
const ALONE_PER_SECOND = 1;
const ALONE_SECONDS = 20;
const LEAST_SHOWN = 0.05;
/** Longer than anything that is saved a few times a second waits. */
const AFTERMATH_MS = 1_500;

const COUNTED = {
  statements: 'statements',
  roundTrips: 'round trips to PostgreSQL',
  pushes: 'notifications from PostgreSQL',
  appends: 'appends to the event store',
  reads: 'reads of the event store',
  messagesOfReads: 'messages of these reads',
  messagesOfSubscriptions: 'messages of subscriptions',
  switches: 'context switches',
};

/**
 * What one call makes the processes ask of each other, and how often that wakes them: alone, when every process sleeps
 * before and what it leads to is shared with no other call, and at a rate at which some of it is. What they do at rest in
 * the same time is taken off. What is counted alone depends on no machine, context switches excepted.
 */
export async function roundTrips(context, report) {
  const { stage, postgres, mail, quick, rounds, progress } = context;
  const meter = preload('wire-meter.mjs');
  const started = await startProduct(stage, {
    postgres,
    mailUrl: mail.url,
    settings: { BCRYPT_COST: '4' },
    name: 'product-round-trips',
    flags: { api: meter, worker: meter },
  });
  const ours = callable.ours(started);
  progress('warming up');
  await registerFor(ours, mail, { callers: 8, seconds: quick ? 1 : 5 });
  await pause(AFTERMATH_MS);

  const alone = { perSecond: ALONE_PER_SECOND, seconds: quick ? 4 : ALONE_SECONDS };
  const together = { perSecond: PER_SECOND, seconds: quick ? 1 : SECONDS };
  const measured = {};
  for (let round = 0; round < rounds; round += 1) {
    progress(`round ${round + 1} of ${rounds}`);
    const atRest = await countsOf(started, () => pause(SECONDS * 1_000));
    (measured['at rest, a second'] ??= []).push(perCall(atRest, undefined, atRest.seconds));
    const measure = async (name, pace, work) => {
      const counted = await countsOf(started, () => openLoop({ url: ours.url, ...pace, work }));
      (measured[name] ??= []).push(perCall(counted, atRest, pace.perSecond * pace.seconds));
    };
    const people = [];
    const register = async (connection) => {
      const address = newAddress();
      const mailed = mail.expect(address);
      await ours.register(connection, address);
      people.push({ address, code: (await mailed).code });
    };
    await measure('a registration alone', alone, register);
    await measure(`a registration of ${PER_SECOND} a second`, together, register);
    await measure('an activation alone', alone, (connection, number) =>
      ours.activate(connection, people[number].address, people[number].code),
    );
    const headers = [];
    await forEachOf(people, ours, {
      callers: 8,
      work: async (connection, { address }) => headers.push(await ours.signIn(connection, address)),
    });
    await measure('GET /v1/account, repeated', together, (connection, number) =>
      ours.read(connection, headers[number % headers.length]),
    );
  }
  for (const [name, counted] of Object.entries(measured)) write(report, name, counted);
}

/** Everything that was counted while the work went on, and shortly after. */
async function countsOf({ api, worker, processes }, work) {
  const beganAt = performance.now();
  await Promise.all([api, worker].map(wireCounts));
  const before = contextSwitchesOf(processes);
  await work();
  await pause(AFTERMATH_MS);
  const switches = since(before, contextSwitchesOf(processes));
  const [ofApi, ofWorker] = await Promise.all([api, worker].map(wireCounts));
  const counts = {};
  for (const { name } of processes) counts[name] = { switches: switches[name], statements: {} };
  Object.assign(counts.api, ofApi);
  Object.assign(counts.worker, ofWorker);
  return { counts, seconds: (performance.now() - beganAt) / 1_000 };
}

async function wireCounts({ child }) {
  child.send({ kind: 'wire-counts' });
  for (;;) {
    const [message] = await once(child, 'message');
    if (message.kind === 'wire-counts') return message.counts;
  }
}

/** Of each process, and of each statement; what happened at rest in the same time is taken off. */
function perCall({ counts, seconds }, atRest, calls) {
  const share = (value, restValue = 0) =>
    (value - (atRest ? (restValue * seconds) / atRest.seconds : 0)) / calls;
  return Object.fromEntries(
    Object.entries(counts).map(([process, { statements, ...numbers }]) => {
      const rest = atRest?.counts[process];
      const named = Object.entries(statements).map(([name, value]) => [
        name,
        share(value, rest?.statements[name]),
      ]);
      const each = Object.entries(numbers).map(([name, value]) => [
        name,
        share(value, rest?.[name]),
      ]);
      const all = sumOf(named.map(([, value]) => value));
      const ofAll = 'roundTrips' in numbers ? { statements: all } : {};
      return [process, { ...Object.fromEntries(each), ...ofAll, named }];
    }),
  );
}

function write(report, what, rounds) {
  const processes = Object.keys(rounds[0]);
  const lineOf = (words, cells) =>
    report.note(`${words.padEnd(34)}${cells.map((cell) => cell.padStart(12)).join('')}`);
  report.note('');
  lineOf(what, processes);
  for (const [key, words] of Object.entries(COUNTED)) {
    const ofEach = processes.map((process) => rounds.map((round) => round[process][key]));
    lineOf(
      `  ${words}`,
      ofEach.map((values) => (values[0] === undefined ? '' : shown(median(values)))),
    );
  }
  for (const process of processes) {
    const named = rounds.at(-1)[process].named.filter(([, value]) => value >= LEAST_SHOWN);
    for (const [name, value] of named.toSorted(([, one], [, other]) => other - one)) {
      report.note(`    ${process}, of the statements: ${shown(value)}  ${name}`);
    }
  }
  for (const key of ['roundTrips', 'switches']) {
    const all = rounds.map((round) => sumOf(processes.map((process) => round[process][key] ?? 0)));
    report.figure({ name: `${what}, ${COUNTED[key]}, all processes`, unit: '', rounds: all });
  }
}
