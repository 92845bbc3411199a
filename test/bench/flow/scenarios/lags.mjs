import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { percentile } from '../../report/report.mjs';
import { idle, peopleOf, percentilesOf, registerFor, within } from '../measures.mjs';
import { openLoop } from '../load.mjs';
import { startProduct } from '../processes.mjs';
import { callable, newAddress } from '../systems.mjs';

const POLL_MS = 1;
const SLOW_MAIL_API_MS = 1_000;
/** A second is more than a mail at a time can take; what is measured is who registers, not the queue of mails. */
const SLOW_MAIL_REGISTRATIONS_PER_SECOND = 60;

/** How long after the answer a registration is visible and its mail handed over, at half of what goes through. */
export async function lags(context, report) {
  for (const [cost, beat] of [
    ['12', '50'],
    ['4', '50'],
    ['4', '0'],
  ]) {
    await lagsAt(context, report, { cost, beat });
  }
}

async function lagsAt(context, report, { cost, beat }) {
  const { stage, postgres, mail, quick, rounds, progress } = context;
  const label = `cost ${cost}${beat === '0' ? ', answers without a beat' : ''}`;
  progress(`lags, ${label}: starting the product`);
  const started = await startProduct(stage, {
    postgres,
    mailUrl: mail.url,
    settings: { BCRYPT_COST: cost, ANSWER_BEAT_MS: beat },
    name: `product-lags-${cost}-${beat}`,
  });
  const ours = callable.ours(started);
  const callers = cost === '4' ? 64 : 16;
  await registerFor(ours, mail, { callers, seconds: quick ? 0.5 : 3 });
  progress(`lags, ${label}: finding out what goes through`);
  const most = await registerFor(ours, mail, { callers, seconds: quick ? 1 : 4 });
  const perSecond = most.settledPerSecond / 2;
  const watch = await VisibleAccounts.of(started.databaseUrl);
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    progress(`lags, ${label}: round ${round + 1} of ${rounds}, ${perSecond.toFixed(1)} a second`);
    measured.push(await roundAt(ours, mail, watch, { perSecond, seconds: quick ? 1 : 3 }));
  }
  await watch.close();
  for (const what of ['visible', 'mailed']) {
    const words =
      what === 'visible' ? 'visible in the read model' : 'mail handed over to the mail API';
    for (const share of ['p50', 'p95', 'p99']) {
      const figure = report.figure({
        name: `${label}, answered to ${words}, ${share}`,
        unit: 'ms',
        rounds: measured.map((round) => percentilesOf(round[what])[share]),
      });
      const atMost = { visible: { p50: 5, p99: 25 }, mailed: { p50: 15, p99: 100 } }[what][share];
      if (atMost !== undefined) {
        report.goal({
          id: 'P4',
          text: `${label}: answered to ${words} at half load, ${share}`,
          measured: figure.median,
          unit: 'ms',
          atMost,
        });
      }
    }
  }
  if (cost === '4' && beat === '0') await slowMailApi(context, report, ours);
  await stage.stop(started.api);
  await stage.stop(started.worker);
  await stage.stop(started.eventStore);
}

async function roundAt(ours, mail, watch, { perSecond, seconds }) {
  const calls = [];
  await openLoop({
    url: ours.url,
    perSecond,
    seconds,
    work: async (connection) => {
      const address = newAddress();
      const mailed = mail.expect(address);
      const { accountId } = await ours.register(connection, address);
      const answeredAt = performance.now();
      calls.push({ mailed, answeredAt, seen: watch.see(accountId) });
    },
  });
  const people = await within(60_000, 'half load', peopleOf(calls));
  const visible = [];
  for (const { seen, answeredAt } of people) {
    visible.push(Math.max(0, (await within(60_000, 'a projection', seen)) - answeredAt));
  }
  await idle(ours.processes);
  return {
    visible,
    mailed: people.map(({ mailedAt, answeredAt }) => Math.max(0, mailedAt - answeredAt)),
  };
}

/** Whether the time that the mail API takes shows in how long a registration takes. */
async function slowMailApi({ mail, quick, rounds, progress }, report, ours) {
  const seconds = quick ? 1 : 2;
  const p50s = { quick: [], slow: [] };
  for (let round = 0; round < rounds; round += 1) {
    const kinds = round % 2 === 0 ? ['quick', 'slow'] : ['slow', 'quick'];
    for (const kind of kinds) {
      progress(`a ${kind} mail API: round ${round + 1} of ${rounds}`);
      mail.latencyMs = kind === 'slow' ? SLOW_MAIL_API_MS : 0;
      const calls = [];
      const { latencies } = await openLoop({
        url: ours.url,
        perSecond: SLOW_MAIL_REGISTRATIONS_PER_SECOND,
        seconds,
        work: async (connection) => {
          const address = newAddress();
          calls.push({ mailed: mail.expect(address) });
          await ours.register(connection, address);
        },
      });
      mail.latencyMs = 0;
      await within(60_000, 'working off the mails', peopleOf(calls));
      await pause(SLOW_MAIL_API_MS);
      await idle(ours.processes);
      p50s[kind].push(percentile(latencies, 0.5));
    }
  }
  const usual = report.figure({
    name: 'registration, mail API that answers at once, p50',
    unit: 'ms',
    rounds: p50s.quick,
  });
  const slow = report.figure({
    name: 'registration, mail API that takes 1 s, p50',
    unit: 'ms',
    rounds: p50s.slow,
    against: usual,
  });
  report.goal({
    id: 'P4',
    text: 'p50 of a registration when the mail API takes 1 s, of its usual p50',
    measured: slow.against.ratio,
    unit: 'x',
    atMost: 1.05,
  });
}

/** Looks into the read model again and again for the accounts that somebody waits for. */
class VisibleAccounts {
  static async of(databaseUrl) {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const watch = new VisibleAccounts(client);
    watch.polling = watch.poll();
    return watch;
  }

  constructor(client) {
    this.client = client;
    this.awaited = new Map();
  }

  /** @returns when it was first seen (performance.now()), at most one poll late */
  see(accountId) {
    return new Promise((resolve) => this.awaited.set(accountId, resolve));
  }

  async close() {
    this.closed = true;
    await this.polling;
    await this.client.end();
  }

  async poll() {
    while (!this.closed) {
      if (this.awaited.size > 0) {
        const { rows } = await this.client.query({
          name: 'visible',
          text: 'select account_id from read_model.accounts where account_id = any($1::uuid[])',
          values: [[...this.awaited.keys()]],
        });
        const at = performance.now();
        for (const { account_id: accountId } of rows) {
          this.awaited.get(accountId)?.(at);
          this.awaited.delete(accountId);
        }
      }
      await pause(POLL_MS);
    }
  }
}
