import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachOf, registerFor, repeatFor, writeCpu } from '../measures.mjs';
import { startProduct } from '../processes.mjs';
import { summaryOf } from '../profile-summary.mjs';
import { callable } from '../systems.mjs';

const CALLERS = 64;
const LINES = 25;
const PARTS = ['api', 'worker', 'eventstore'];

/**
 * Where each process spends its time in registrations at cost 4, or in what `BENCH_PROFILE` names (activations, reads),
 * with a flame graph of each. Sampling costs time of its own: only the shares count.
 */
export async function profile(context, report) {
  const { stage, postgres, mail, quick, progress } = context;
  const folders = Object.fromEntries(
    PARTS.map((part) => [part, join(stage.folder, `profile-${part}`)]),
  );
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  const started = await startProduct(stage, {
    postgres,
    mailUrl: mail.url,
    settings: { BCRYPT_COST: '4' },
    name: 'product-profile',
    flags: Object.fromEntries(
      PARTS.map((part) => [part, ['--cpu-prof', `--cpu-prof-dir=${folders[part]}`]]),
    ),
  });
  const ours = callable.ours(started);
  const what = process.env.BENCH_PROFILE ?? 'registrations';
  if (!quick) {
    progress('warming up');
    await registerFor(ours, mail, { callers: CALLERS, seconds: 5 });
  }
  progress(`profiling ${what}`);
  let sinceUs = nowUs();
  const registered = await registerFor(ours, mail, {
    callers: CALLERS,
    seconds: what === 'registrations' ? (quick ? 3 : 12) : 3,
  });
  writeCpu(report, 'registrations', [registered]);
  if (what === 'activations') {
    sinceUs = nowUs();
    const activated = await forEachOf(registered.people, ours, {
      callers: CALLERS,
      work: (connection, { address, code }) => ours.activate(connection, address, code),
    });
    writeCpu(report, 'activations', [activated]);
  }
  if (what === 'reads') {
    const headers = [];
    await forEachOf(registered.people.slice(0, CALLERS), ours, {
      callers: CALLERS,
      work: async (connection, { address }) => headers.push(await ours.signIn(connection, address)),
    });
    sinceUs = nowUs();
    const read = await repeatFor(ours, {
      callers: CALLERS,
      seconds: 10,
      work: (connection, number) => ours.read(connection, headers[number % headers.length]),
    });
    writeCpu(report, 'reads', [read]);
  }
  for (const part of [started.api, started.worker, started.eventStore]) await stage.stop(part);
  for (const part of PARTS) {
    const { busyMs, rooms, functions, including, flameGraph } = summaryOf(folders[part], sinceUs);
    const results = process.env.BENCH_RESULTS;
    if (results) writeFileSync(join(results, `flame-graph-${part}.svg`), flameGraph);
    report.note(
      `${part}: busy ${(busyMs / registered.people.length).toFixed(2)} ms per registration`,
    );
    const write = (title, lines) => {
      report.note(`${part}, ${title}:`);
      for (const { name, share } of lines.slice(0, LINES)) {
        report.note(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
      }
    };
    write('own time by package or file', rooms);
    write('own time by function', functions);
    write(
      'time including callees, ours',
      including.filter(({ name }) => /\((apps|libs)\//.test(name)),
    );
  }
}

/** Of the monotonic clock, which profiles go by as well. */
function nowUs() {
  return Number(process.hrtime.bigint() / 1_000n);
}
