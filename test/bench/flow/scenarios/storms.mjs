import { setTimeout as pause } from 'node:timers/promises';
import { alternating, peopleOf, percentilesOf } from '../measures.mjs';
import { closedLoop, openLoop } from '../load.mjs';
import { eventLoopDelays, preload, startPeer, startProduct } from '../processes.mjs';
import { basicAuth, callable, newAddress } from '../systems.mjs';

const STORM_CALLERS = 32;
const OTHERS_PER_SECOND = 100;
/** What is answered in a storm: done, refused, sent away. */
const EXPECTED = new Set([202, 401, 429, 503]);

/**
 * Storms at the cost of production, against the product and the plain service in turn: how long somebody waits
 * who calls another route meanwhile, and how late the event loop is.
 */
export async function storms(context, report) {
  const { stage, postgres, mail, quick, rounds, progress } = context;
  const settings = { BCRYPT_COST: '12', CREDENTIAL_CACHE_SECONDS: '600' };
  const flags = preload('event-loop-meter.mjs');
  const shared = { postgres, mailUrl: mail.url, settings };
  progress('starting the plain service and the product');
  const systems = {
    plain: callable.plain(
      await startPeer(stage, { ...shared, name: 'plain', script: 'plain-service.mjs', flags }),
    ),
    ours: callable.ours(
      await startProduct(stage, { ...shared, name: 'product-storms', flags: { api: flags } }),
    ),
  };
  const victims = {};
  for (const [name, system] of Object.entries(systems)) victims[name] = await victim(system, mail);

  const seconds = quick ? 1.5 : 3;
  const measures = {};
  for (const [name, system] of Object.entries(systems)) {
    const { address, headers } = victims[name];
    const others = () =>
      openLoop({
        url: system.url,
        perSecond: OTHERS_PER_SECOND,
        seconds,
        work: (connection) => system.read(connection, headers),
      });
    const during = async (storm) => {
      await eventLoopDelays(system.api);
      const [{ latencies }, calls] = await Promise.all([others(), storm()]);
      return { latencies, calls, loop: await eventLoopDelays(system.api) };
    };
    measures[`${name}, calm`] = () => during(() => pause(seconds * 1_000, 0));
    measures[`${name}, registration storm`] = () =>
      during(() => stormOf(system, seconds, (connection) => anybodyRegisters(connection)));
    measures[`${name}, Basic storm`] = () =>
      during(() =>
        stormOf(system, seconds, (connection, number) =>
          connection.request('GET', '/v1/account', basicAuth(address, `wrong-password-${number}`)),
        ),
      );
  }
  await measures['plain, calm']();
  await measures['ours, calm']();
  const measured = await alternating(rounds, measures, progress);
  const p99 = {};
  const loop = {};
  for (const [name, results] of Object.entries(measured)) {
    const [system, ...what] = name.split(', ');
    const rival = p99[`plain, ${what.join(', ')}`];
    const each = results.map(({ latencies }) => percentilesOf(latencies));
    for (const share of ['p50', 'p95', 'p99']) {
      const figure = report.figure({
        name: `${name}, other route ${share}`,
        unit: 'ms',
        rounds: each.map((one) => one[share]),
        ...(share === 'p99' && system === 'ours' ? { against: rival } : {}),
      });
      if (share === 'p99') p99[name] = figure;
    }
    loop[name] = report.figure({
      name: `${name}, event-loop delay p99`,
      unit: 'ms',
      rounds: results.map((result) => result.loop.p99),
    });
    if (results[0].calls > 0) {
      report.figure({
        name: `${name}, calls of the storm answered`,
        unit: '1/s',
        rounds: results.map(({ calls }) => calls / seconds),
      });
    }
  }
  for (const storm of ['registration storm', 'Basic storm']) {
    report.goal({
      id: 'P8',
      text: `${storm} at cost 12: p99 of another route, of plain's`,
      measured: p99[`ours, ${storm}`].against.ratio,
      unit: 'x',
      atMost: 1,
    });
    report.goal({
      id: 'P8',
      text: `${storm} at cost 12: event-loop delay p99`,
      measured: loop[`ours, ${storm}`].median,
      unit: 'ms',
      atMost: 10,
    });
  }
}

async function stormOf(system, seconds, call) {
  const { calls } = await closedLoop({
    url: system.url,
    callers: STORM_CALLERS,
    seconds,
    work: async (connection, number) => {
      const { status, body } = await call(connection, number);
      if (!EXPECTED.has(status)) throw new Error(`the storm was answered ${status}: ${body}`);
    },
  });
  return calls;
}

function anybodyRegisters(connection) {
  const body = `{"email":"${newAddress()}","password":"purple-lantern-orbit-42"}`;
  return connection.request('POST', '/v1/accounts', '', body);
}

/** Somebody who has an account and has just proven the password. */
async function victim(system, mail) {
  const address = newAddress();
  const mailed = mail.expect(address);
  let headers;
  await closedLoop({
    url: system.url,
    callers: 1,
    work: async (connection, number) => {
      if (number > 0) return false;
      await system.register(connection, address);
      await peopleOf([{ mailed }]);
      headers = await system.signIn(connection, address);
      return undefined;
    },
  });
  return { address, headers };
}
