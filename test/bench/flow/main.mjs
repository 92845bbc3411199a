/**
 * The load driver: a process of its own that starts what is measured, loads it and writes reports.
 *
 *   node test/bench/flow/main.mjs <scenario> [--quick] [--rounds n]     (usually started by ../run.mjs)
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Report } from '../report/report.mjs';
import { Limits } from './limits.mjs';
import { MailApi } from './mail-api.mjs';
import { Stage } from './processes.mjs';
import { scenarios } from './scenarios.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});
const [name] = positionals;
const scenario = scenarios[name];
if (!scenario) {
  process.stderr.write(`there is no scenario "${name}"; there are ${Object.keys(scenarios)}\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
const stage = new Stage(folder);
const report = new Report(name);
const beganAt = Date.now();
const progress = (text) => {
  const seconds = ((Date.now() - beganAt) / 1_000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${text}\n`);
};
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stage.killAll();
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
}

let failed = false;
const mail = await MailApi.start();
try {
  mkdirSync(folder, { recursive: true });
  const context = {
    stage,
    mail,
    progress,
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    postgres: await stage.startPostgres(),
    postgresFolder: join(folder, 'postgres'),
  };
  context.limits = new Limits(context, report);
  await scenario.run(context, report);
  report.save();
} catch (error) {
  failed = true;
  process.stderr.write(`${name} failed: ${error.stack}\n${stage.lastWords()}\n`);
} finally {
  await stage.stopAll();
  mail.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
